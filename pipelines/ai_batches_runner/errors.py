"""What keeps a command from its work, said in a sentence."""


class UnusableDestinationError(Exception):
    """The destination cannot hold the table as it is, or as it is set; nothing was read."""


class AnotherRunError(Exception):
    """Another process runs the pipeline in the same working folder; nothing was done."""


def is_interruption(error: BaseException | None) -> bool:
    """Whether Ctrl-C or SIGTERM is behind an error, which dlt wraps."""
    while error:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False
