"""What the working folder of a pipeline remembers."""

from dlt import Pipeline


def remembered(pipeline: Pipeline, name: str) -> str | None:
    """The value that is remembered under a name; None in a new folder."""
    try:
        value: str | None = pipeline.get_local_state_val(name)
    except KeyError:
        return None
    return value
