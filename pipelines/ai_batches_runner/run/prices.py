"""Keeps the tables `batch_prices` and `batch_price_models` as the price lists and batches are."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, NamedTuple

import dlt
import pyarrow as pa
from dlt import Pipeline
from dlt.common.schema.typing import TTableSchemaColumns
from dlt.extract import DltResource

from ai_batches import PROVIDERS, TABLE_NAME, USAGE, VERSION_HINT, __version__
from ai_batches.settings.names import SECTION

from ..destinations.base import TableFormat
from ..destinations.registry import adapter_of
from ..local_state import remembered
from ..prices.matching import Names, match
from ..prices.price_list import Price, PriceFileError, read_prices, without_days_of
from ..settings import read_setting, unusable_setting
from ..sql.prices import (
    PRICE_COLUMNS,
    PRICE_MODEL_COLUMNS,
    PRICE_MODELS_DESCRIPTION,
    PRICE_MODELS_TABLE,
    PRICES_DESCRIPTION,
    PRICES_TABLE,
)
from ..sql.reader import open_reader

_KEPT = "ai_batches_kept_prices"

_SHIPPED = files("ai_batches_runner.prices")

TNamed = tuple[str, str]
"""Provider and model."""


class PriceSettings(NamedTuple):
    """What a user says of prices."""

    own: Sequence[Price] = ()
    """Prices of the user's own file."""
    models: Mapping[str, Mapping[str, str]] = {}
    """Names of models in `batches` to models with a price, by provider."""
    digest: str = ""
    """Differs if the file or the settings do."""


def price_settings() -> PriceSettings:
    """Reads the user's own price list and names of models.

    Returns:
        PriceSettings: Empty if nothing is set.

    Raises:
        SettingsError: If the file or a setting cannot be used; the text names the line.
    """
    digest = hashlib.sha256()
    own: list[Price] = []
    setting: Any = dlt.config.get(f"{SECTION}.prices")
    if setting:
        file = Path(str(setting)).expanduser()
        try:
            own = read_prices(file, PROVIDERS)
        except PriceFileError as ex:
            raise unusable_setting("prices", str(ex)) from None
        own = [price._replace(source=price.source or file.name) for price in own]
        digest.update(repr(own).encode())
    models = _price_models()
    digest.update(repr(models).encode())
    return PriceSettings(own, models, digest.hexdigest())


def _price_models() -> dict[str, Mapping[str, str]]:
    """Reads a table of tables."""
    tables = read_setting("price_models") or {}
    if not isinstance(tables, Mapping):
        raise unusable_setting("price_models", "it is not a table of providers")
    for name, models in tables.items():
        if name not in PROVIDERS:
            raise unusable_setting("price_models", f"`{name}` is not a provider")
        texts = [*models, *models.values()] if isinstance(models, Mapping) else [None]
        if not all(isinstance(each, str) and each for each in texts):
            raise unusable_setting("price_models", f"`{name}` is not a table of names of models")
    return {str(name): dict(models) for name, models in tables.items()}


def price_resources(
    pipeline: Pipeline,
    settings: PriceSettings,
    has_news: bool,
    table_format: TableFormat | None = None,
) -> tuple[list[DltResource], str]:
    """The tables that are to be stored again: none if the batches are of models that are known.

    Args:
        pipeline (Pipeline): The pipeline, after it loaded batches.
        settings (PriceSettings): Of the user.
        has_news (bool): Whether models may occur that did not before.
        table_format (TableFormat | None): How a destination of files keeps tables.

    Returns:
        tuple[list[DltResource], str]: The tables, and what to remember once they are stored.
    """
    before = remembered(pipeline, _KEPT) or ""
    lists = _digest(
        adapter_of(pipeline).identity, __version__, settings.digest, *_shipped_digests()
    )
    is_same_list = before.startswith(lists)
    if is_same_list and not has_news:
        return [], before
    named = _named_models(pipeline)
    wanted = f"{lists} {_digest(*(text for pair in named for text in pair))}"
    if wanted == before:
        return [], before
    prices = all_prices(settings)
    return [
        _resource(PRICES_TABLE, PRICE_COLUMNS, PRICES_DESCRIPTION, prices, table_format),
        _resource(
            PRICE_MODELS_TABLE,
            PRICE_MODEL_COLUMNS,
            PRICE_MODELS_DESCRIPTION,
            list(priced_models(named, prices, settings)),
            table_format,
        ),
    ], wanted


def remember_prices(pipeline: Pipeline, wanted: str) -> None:
    """Notes what is stored, so that the next run stores it only if it changed."""
    pipeline.set_local_state_val(_KEPT, wanted)


def forget_prices(pipeline: Pipeline) -> None:
    """Has the next run store the prices: their tables were taken away."""
    pipeline.set_local_state_val(_KEPT, "")


def all_prices(settings: PriceSettings) -> list[Price]:
    """The user's prices, and those of the package for all other days."""
    with as_file(_SHIPPED / "prices.csv") as file:
        shipped = read_prices(file)
    return [*settings.own, *without_days_of(shipped, settings.own)]


def priced_models(
    named: Iterable[TNamed], prices: Iterable[Price], settings: PriceSettings
) -> Iterable[tuple[str | None, ...]]:
    """Rows of `batch_price_models`.

    Args:
        named (Iterable[TNamed]): Providers and models that occur.
        prices (Iterable[Price]): All prices.
        settings (PriceSettings): Of the user.

    Yields:
        tuple[str | None, ...]: Provider, model, priced provider, priced model, and how.
    """
    known = _known_names(prices, settings)
    for provider, model in named:
        # a gateway has prices of its own only if the user says so
        declared = PROVIDERS.get(provider)
        behind = (declared and declared.gateway_to) or provider
        for priced in dict.fromkeys((provider, behind)):
            found = match(priced, model, known.get(priced, Names(())))
            if found.priced_model:
                break
        used = priced if found.priced_model else None
        yield provider, model, used, found.priced_model, found.how


def _known_names(prices: Iterable[Price], settings: PriceSettings) -> dict[str, Names]:
    priced: dict[str, set[str]] = {}
    own: dict[str, set[str]] = {}
    aliases: dict[str, dict[str, str]] = {}
    for price in prices:
        priced.setdefault(price.provider, set()).add(price.model)
    for price in settings.own:
        own.setdefault(price.provider, set()).add(price.model)
    lines = (_SHIPPED / "aliases.csv").read_text(encoding="utf-8").splitlines()
    for provider, alias, model in (line.split(",") for line in lines[1:]):
        aliases.setdefault(provider, {})[alias] = model
    return {
        name: Names(
            priced.get(name, set()),
            aliases.get(name, {}),
            own.get(name, set()),
            settings.models.get(name, {}),
        )
        for name in {*priced, *settings.models}
    }


def _named_models(pipeline: Pipeline) -> list[TNamed]:
    """Providers and models that occur in the destination."""
    # results name the model that answered
    query = " UNION ".join(
        f"SELECT provider, model FROM {table} WHERE model <> ''"  # noqa: S608
        for table in (TABLE_NAME, USAGE.name)
    )
    with open_reader(pipeline) as reader:
        return sorted((row["provider"], row["model"]) for row in reader.rows(query))


def _shipped_digests() -> list[str]:
    return [
        hashlib.sha256((_SHIPPED / name).read_bytes()).hexdigest()
        for name in ("prices.csv", "aliases.csv")
    ]


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _resource(
    name: str,
    columns: Mapping[str, tuple[pa.DataType, str]],
    description: str,
    rows: Sequence[tuple[Any, ...]],
    table_format: TableFormat | None,
) -> DltResource:
    """A table that replaces the one that is there."""
    schema = pa.schema((column, kind) for column, (kind, _) in columns.items())
    values: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [[] for _ in columns]
    arrays = [pa.array(list(each), kind) for each, kind in zip(values, schema.types, strict=True)]
    hints: TTableSchemaColumns = {
        column: {"description": text} for column, (_, text) in columns.items()
    }
    resource: DltResource = dlt.resource(
        [pa.Table.from_arrays(arrays, schema=schema)],
        name=name,
        columns=hints,
        write_disposition="replace",
    )
    resource.apply_hints(
        table_format=table_format,
        additional_table_hints={"description": description, VERSION_HINT: __version__},
    )
    return resource
