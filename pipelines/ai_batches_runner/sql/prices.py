"""The tables `batch_prices` and `batch_price_models`: their columns."""

from datetime import date
from decimal import Decimal
from types import UnionType
from typing import Any, get_args, get_type_hints

import pyarrow as pa

from ..prices.price_list import Price

PRICES_TABLE = "batch_prices"
PRICES_DESCRIPTION = (
    "What tokens cost in batches: one row per provider, model and span of days; the user's own"
    " prices, and the list of the package for all other days"
)

PRICE_MODELS_TABLE = "batch_price_models"
PRICE_MODELS_DESCRIPTION = (
    "Which prices a model has: one row per provider and model that occur in `batches`"
)

_TYPES: dict[Any, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    date: pa.date32(),
    Decimal: pa.decimal128(18, 9),
}

_DESCRIPTIONS = {
    "provider": "Provider whose prices these are, as in `batches`",
    "model": "Model, as the price list calls it",
    "valid_from": "First day (UTC) on which a batch that is created has these prices; null: any",
    "valid_to": "Last such day; null if no end is known",
    "input_usd_per_mtok": "USD per million input tokens that come from no cache",
    "cached_input_usd_per_mtok": "USD per million input tokens read from a cache; null: not known",
    "cache_write_usd_per_mtok": "USD per million input tokens written into a cache",
    "output_usd_per_mtok": "USD per million output tokens, reasoning included",
    "long_above_input_tokens": "Input tokens of one request above which the long prices hold for"
    " all of its tokens; null if there is no such tier",
    "long_input_usd_per_mtok": "As `input_usd_per_mtok`, of long requests; null: not known",
    "long_cached_input_usd_per_mtok": "As `cached_input_usd_per_mtok`, of long requests",
    "long_cache_write_usd_per_mtok": "As `cache_write_usd_per_mtok`, of long requests",
    "long_output_usd_per_mtok": "As `output_usd_per_mtok`, of long requests",
    "source": "Where the prices are from",
    "source_version": "Version of the source",
    "checked_on": "Day on which the source was read",
    **{
        name: f"As `{name.removeprefix('standard_')}`, outside of batches"
        for name in Price._fields
        if name.startswith("standard_")
    },
}


def _columns() -> dict[str, tuple[pa.DataType, str]]:
    hints = get_type_hints(Price)
    found = {}
    for name in Price._fields:
        kind = hints[name]
        plain = get_args(kind)[0] if isinstance(kind, UnionType) else kind
        found[name] = (_TYPES[plain], _DESCRIPTIONS[name])
    return found


PRICE_COLUMNS = _columns()
"""Type and description of every column of `batch_prices`, in order."""

PRICE_MODEL_COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "provider": (pa.string(), "Provider, as in `batches`"),
    "model": (pa.string(), "Model, as in `batches`"),
    "priced_provider": (
        pa.string(),
        "Provider whose prices hold: that behind a gateway, otherwise the same; null: none",
    ),
    "priced_model": (pa.string(), "Model whose prices hold; null: none"),
    "how": (
        pa.string(),
        "exact: the list has the name; alias: it has another name of the same model; dated: it has"
        " the name without its date; user: set by the user; none: not priced",
    ),
}
"""Type and description of every column of `batch_price_models`, in order."""
