"""What is told how a run goes on while it does."""

from ai_batches import Reading


class ProgressListener:
    """Watches a run; this one looks away."""

    def reading(self, reading: Reading) -> None:
        """How far the reading of a list has come; called from any thread."""

    def storing(self, rows: int) -> None:
        """That rows which were read are being stored in the destination."""
