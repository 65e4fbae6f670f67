"""Labels: columns that a user adds to the views, to say whose a batch is."""

import re
from typing import NamedTuple

_OF_METADATA = re.compile(r"metadata\.([\w .:/@-]{1,64})")


class Label(NamedTuple):
    """A column of text in `batches_labelled` and `batches_spend`."""

    name: str
    """Of the column."""
    source: str
    """A column of `batches_unique`, or `metadata.` and a key."""

    @property
    def key(self) -> str | None:
        """The key in `metadata`; None if the source is something else."""
        found = _OF_METADATA.fullmatch(self.source)
        return found[1] if found else None

    @property
    def value(self) -> str:
        """What a batch has there, in DuckDB's SQL with the functions of `dialects`."""
        if self.key:
            return f"""NULLIF(JSON_TEXT(metadata, '$."{self.key}"'), '')"""
        return self.source

    @property
    def description(self) -> str:
        """Of the column."""
        return f"The user's label: `{self.source}`; null if the batch has none"


Labels = tuple[Label, ...]
