"""Settings of dlt that would make the command's pipeline another one than it says.

The command decides dataset, development mode, refresh and the like by itself. `open_pipeline`
passes what dlt takes as an argument; what dlt takes from nowhere else is refused here, by its name.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

from dlt.common.configuration.container import Container
from dlt.common.configuration.providers.provider import ConfigProvider
from dlt.common.configuration.resolve import resolve_single_provider_value
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

from ..errors import UnusableDestinationError

_OWN_COLUMNS = "its tables have the columns of this package only"

_OF_THE_PIPELINE = (
    ("dataset_name_layout", "name the dataset with --dataset"),
    ("destination_name", "choose the destination with --destination"),
    ("import_schema_path", _OWN_COLUMNS),
)


class Setting(NamedTuple):
    """A setting that somebody made."""

    place: str
    """Where it is: a variable of the environment, or a file and the name in it."""
    value: Any


def refuse_foreign_settings(
    pipeline_name: str, destination: str, datasets: Collection[str]
) -> None:
    """Refuses settings that the command could not honour without loading something else.

    Args:
        pipeline_name (str): Name of the pipeline; settings may be made for it alone.
        destination (str): dlt's name of the destination.
        datasets (Collection[str]): The datasets that may be used.

    Raises:
        UnusableDestinationError: If there is such a setting.
    """
    pipeline = ("pipelines", pipeline_name)
    normalizer = ("normalize",)
    for sections, name, remedy in (
        *((pipeline, name, remedy) for name, remedy in _OF_THE_PIPELINE),
        *((normalizer, name, _OWN_COLUMNS) for name in ("add_dlt_id", "add_dlt_load_id")),
        (
            ("destination", destination),
            "destination_name",
            "choose the destination with --destination",
        ),
    ):
        found = find_setting(
            name, pipeline_name, sections, "parquet_normalizer" if sections == normalizer else ""
        )
        if found and str(found.value).lower() not in ("", "false"):
            raise UnusableDestinationError(
                f"{found.place} is set, which this command cannot follow: {remedy}. Remove the"
                " setting, or run this command without it."
            )
    layout = find_setting(
        "staging_dataset_name_layout", pipeline_name, ("destination", destination)
    )
    for dataset in datasets:
        if layout and str(layout.value).replace("%s", dataset).lower() == dataset.lower():
            raise UnusableDestinationError(
                f"{layout.place} makes the staging dataset the same as the dataset {dataset}, which"
                " each run would empty. Choose another name for it, such as `%s_staging`."
            )


def find_setting(
    name: str, pipeline_name: str, sections: tuple[str, ...], innermost: str = ""
) -> Setting | None:
    """Looks for a setting wherever dlt does, for the pipeline first, then for all.

    Args:
        name (str): Its name.
        pipeline_name (str): Name of the pipeline.
        sections (tuple[str, ...]): Sections that may be left out, from the last one on.
        innermost (str): A section within these that may not be left out.

    Returns:
        Setting | None: The first one; None if nobody made it.
    """
    providers: list[ConfigProvider] = Container()[PluggableRunContext].providers.providers
    for whose in (pipeline_name, ""):
        for provider in providers:
            value, traces = resolve_single_provider_value(
                provider, name, Any, whose, innermost, sections
            )
            if value is not None:
                key = str(traces[-1].key)
                file = provider.get_value_location(name, whose, *traces[-1].sections)
                return Setting(f"`{key}` in {file}" if file else f"`{key}`", value)
    return None
