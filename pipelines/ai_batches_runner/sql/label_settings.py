"""The setting `labels`: `{ team = "metadata.team", job = "description" }`."""

import re
from collections.abc import Mapping

from ai_batches import COLUMNS
from ai_batches.table.columns import IDENTIFIER, TEXT

from ..settings import read_setting, unusable_setting
from .labels import Label, Labels
from .view_definitions import VIEWS

MOST_LABELS = 8

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

_SOURCES = tuple(
    name
    for name in VIEWS["batches_unique"].columns
    if name in COLUMNS and COLUMNS[name][0] in (TEXT, IDENTIFIER) and name != "_dlt_load_id"
)

_TAKEN = {
    name
    for view in ("batches_labelled", "batches_cost", "batches_spend")
    for name in VIEWS[view].columns
}


def read_labels() -> Labels:
    """Reads the user's labels.

    Returns:
        Labels: In the order of the setting; empty if it is not set.

    Raises:
        SettingsError: If there are more than eight, a name cannot name a column or is taken, or a
            source is neither a column of text nor a key of the metadata.
    """
    value = read_setting("labels") or {}
    if not isinstance(value, Mapping):
        raise unusable_setting("labels", 'it is not a table such as { team = "metadata.team" }')
    if len(value) > MOST_LABELS:
        raise unusable_setting("labels", f"there are {len(value)}, at most {MOST_LABELS} can be")
    return tuple(_label(str(name), source) for name, source in value.items())


def _label(name: str, source: object) -> Label:
    if not _NAME.fullmatch(name):
        problem = f"`{name}` is not a name of lower-case letters, digits and `_`"
    elif name in _TAKEN:
        problem = f"the views have a column `{name}` already; choose another name"
    elif not isinstance(source, str) or not (source in _SOURCES or Label(name, source).key):
        problem = (
            f"`{name}` has to be `metadata.` and a key (letters, digits, spaces and `_.:/@-`, at"
            f" most 64), or one of {', '.join(_SOURCES)}"
        )
    else:
        return Label(name, source)
    raise unusable_setting("labels", problem)
