"""What keeps a command from its work, said in a sentence."""


class UnusableDestinationError(Exception):
    """The destination cannot hold the table as it is, or as it is set; nothing was read."""


class AnotherRunError(Exception):
    """Another process runs the pipeline in the same working folder; nothing was done."""
