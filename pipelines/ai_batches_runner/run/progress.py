"""Reports the progress of a run."""

from ai_batches import Reading


class ProgressListener:
    """Is called as a run goes on; this one does nothing."""

    def reading(self, reading: Reading) -> None:
        """How far the reading of a list has come; called from any thread."""

    def storing(self, rows: int) -> None:
        """That rows which were read are being stored in the destination."""

    def storing_results(self, lines: int) -> None:
        """That results which were read, of so many lines so far, are being stored."""
