"""The source without the runner: hints and losses under which the table would be wrong."""

from typing import Any

import dlt
import pyarrow.compute as pc
import pytest
from dlt import Pipeline
from dlt.pipeline.exceptions import PipelineStepFailed
from dlt.pipeline.helpers import pipeline_drop

from ai_batches import SettingsError, ai_batches_source
from support import Lists, batch, cursor_list, few_of, load, select


@pytest.fixture
def loaded(pipeline: Pipeline, lists: Lists) -> Pipeline:
    """A pipeline that has loaded two providers."""
    for name in ("openai", "kimi"):
        # long enough for its order to be proven, so that a second run reads one page
        lists.serve(name, cursor_list([batch(n) for n in range(250, 0, -1)]))
    load(pipeline, lists.settings())
    return pipeline


def counts(pipeline: Pipeline) -> dict[str, int]:
    """Rows by provider."""
    return dict(select(pipeline, "SELECT provider, count(*) FROM batches GROUP BY ALL"))


def drop(pipeline: Pipeline) -> None:
    """Does what `dlt pipeline ... drop` does to the provider that wrote last: the table goes."""
    writer = pipeline.default_schema.tables["batches"]["resource"]
    pipeline_drop(pipeline, resources=[str(writer)])()


def refused(pipeline: Pipeline, source: Any, **arguments: Any) -> str:
    """Why a run is refused; nothing may be asked for or left behind then."""
    with pytest.raises(PipelineStepFailed) as caught:
        pipeline.run(source, **arguments)
    error = caught.value.exception.__cause__ or caught.value.exception
    assert isinstance(error, SettingsError)
    assert not pipeline.has_pending_data
    return str(error)


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "disposition",
    [
        "replace",
        {"disposition": "replace"},
        "append",
        "skip",
        {"disposition": "merge", "strategy": "insert-only"},
        {"disposition": "merge", "strategy": "scd2"},
        {"disposition": "merge", "strategy": "upsert", "source_filter": "is_open"},
    ],
)
@pytest.mark.parametrize("way", few_of(["run", "hint", "all"], quick=["run"]))
def test_a_write_disposition_that_makes_a_wrong_table_is_refused(
    loaded: Pipeline, lists: Lists, disposition: Any, way: str
) -> None:
    source = ai_batches_source(lists.settings())
    lists.requests.clear()
    if way == "hint":
        source.openai.apply_hints(write_disposition=disposition)
        text = refused(loaded, source.with_resources("openai"))
    elif way == "run":
        text = refused(loaded, source.with_resources("openai"), write_disposition=disposition)
    else:
        text = refused(loaded, source, write_disposition=disposition)
    word = disposition if isinstance(disposition, str) else list(disposition.values())[-1]
    assert word in text or "source_filter" in text
    assert "full-refresh" in text
    assert counts(loaded) == {"openai": 250, "kimi": 250}
    load(loaded, lists.settings())
    assert counts(loaded) == {"openai": 250, "kimi": 250}


@pytest.mark.parametrize(
    ("hints", "word"),
    [
        ({"primary_key": "id"}, "primary key"),
        ({"merge_key": "provider", "write_disposition": "merge"}, "merge_key"),
        ({"columns": {"is_open": {"hard_delete": True}}}, "hard_delete"),
        ({"incremental": dlt.sources.incremental("created_at")}, "incremental"),
        (
            {"write_disposition": lambda _: "append", "table_name": lambda _: "batches"},
            "depend on the data",
        ),
    ],
)
def test_other_hints_that_make_a_wrong_table_are_refused(
    pipeline: Pipeline, lists: Lists, hints: dict[str, Any], word: str
) -> None:
    lists.serve("openai", cursor_list([batch(1)]))
    source = ai_batches_source(lists.settings()).with_resources("openai")
    source.openai.apply_hints(**hints)
    assert word in refused(pipeline, source)


@pytest.mark.parametrize(
    "disposition",
    [
        "merge",
        {"disposition": "merge", "strategy": "delete-insert"},
        {"disposition": "merge", "strategy": "delete-insert", "deduplicated": True},
        {"disposition": "merge", "strategy": "upsert"},
    ],
)
def test_hints_of_other_destinations_go_on_working(
    pipeline: Pipeline, lists: Lists, disposition: Any
) -> None:
    rows = [batch(2, status="in_progress"), batch(1)]
    lists.serve("openai", cursor_list(rows))
    for status in ("in_progress", "completed"):
        rows[0]["status"] = status
        source = ai_batches_source(lists.settings())
        pipeline.run(source, write_disposition=disposition)
    query = "SELECT id, status FROM batches ORDER BY id"
    assert select(pipeline, query) == [("batch_1", "completed"), ("batch_2", "completed")]


def test_files_without_a_table_format_are_refused(lists: Lists, tmp_path: Any) -> None:
    lists.serve("openai", cursor_list([batch(1)]))
    bucket = dlt.destinations.filesystem(str(tmp_path / "bucket"))
    pipeline = dlt.pipeline("files", str(tmp_path / "p"), destination=bucket)
    source = ai_batches_source(lists.settings()).with_resources("openai")
    # dlt would append, with a warning only
    assert "cannot upsert this table" in refused(pipeline, source)
    assert lists.requests == []
    pipeline.deactivate()


@pytest.mark.parametrize(
    "keep",
    [
        lambda row: row["status"] == "failed",
        lambda row: row["provider"] != "nobody",
        lambda table: table.num_rows > 0,
    ],
)
def test_a_filter_on_rows_is_refused(pipeline: Pipeline, lists: Lists, keep: Any) -> None:
    lists.serve("openai", cursor_list([batch(2, status="failed"), batch(1)]))
    source = ai_batches_source(lists.settings())
    source.openai.add_filter(keep)
    text = refused(pipeline, source.with_resources("openai"))
    assert "`add_filter` sees Arrow tables" in text
    assert "add_map(lambda table: table.filter(" in text
    assert lists.requests == []


def test_rows_are_filtered_with_arrow(pipeline: Pipeline, lists: Lists) -> None:
    lists.serve("openai", cursor_list([batch(2, status="failed"), batch(1)]))
    source = ai_batches_source(lists.settings())
    source.openai.add_map(lambda table: table.filter(pc.equal(table["status"], "failed")))
    pipeline.run(source)
    assert select(pipeline, "SELECT id FROM batches") == [("batch_2",)]


@pytest.mark.integration
def test_a_table_that_was_dropped_is_read_whole_for_all_providers(
    loaded: Pipeline, lists: Lists
) -> None:
    drop(loaded)
    # with the rows of one, the table is there again; the other's state is not to be believed
    load(loaded, lists.settings("openai"))
    assert counts(loaded) == {"openai": 250}
    load(loaded, lists.settings("kimi"))
    assert counts(loaded) == {"openai": 250, "kimi": 250}
    lists.requests.clear()
    load(loaded, lists.settings())
    assert (lists.count("openai"), lists.count("kimi")) == (1, 1)


@pytest.mark.integration
def test_a_drop_that_is_read_again_in_parts_leaves_no_gap(loaded: Pipeline, lists: Lists) -> None:
    lists.serve("openai", cursor_list([batch(n) for n in range(12_000, 0, -1)]))
    drop(loaded)
    loaded.run(ai_batches_source(lists.settings()).add_limit(1))
    load(loaded, lists.settings())
    assert counts(loaded) == {"openai": 12_000, "kimi": 250}


def test_a_list_that_was_empty_is_not_read_for_ever(loaded: Pipeline, lists: Lists) -> None:
    lists.serve("novita", cursor_list([]))
    load(loaded, lists.settings())
    drop(loaded)
    lists.requests.clear()
    load(loaded, lists.settings())
    load(loaded, lists.settings())
    assert lists.count("novita") == 2
