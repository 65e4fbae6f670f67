"""A dlt source that reads the results of batches: facts of each request, no prompts or outputs."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping

import dlt
import pyarrow as pa
from dlt.sources import DltResource

from ..display import protect_log
from ..http.time_limit import Pause
from ..load_package import heed_signals, load_id_of_package
from ..lost_rows import is_table_known
from ..providers import PROVIDERS
from ..providers.results import Batch
from ..settings import AiBatchesConfiguration, ProviderSettings, provider_settings
from ..table.columns import VERSION_HINT
from ..table.hint_warning import mute_hint_warning
from ..version import __version__
from ..workers import Ended, Lane
from .reader import ResultPortion, ResultReader
from .run import Proof, ResultsRun
from .tables import FILES, TABLES, ResultTable

_PATIENCE = 0.05
"""Seconds after which a resource that has nothing to hand on lets others have their turn."""

_LANE = "results"

_READERS = 4
"""Files of an account that are read at a time."""

ResultLane = Lane[ResultReader, ResultPortion]


@dlt.source(name="ai_batches", section="ai_batches", spec=AiBatchesConfiguration)
def ai_batches_results_source(
    batches: Iterable[Batch],
    settings: Mapping[str, ProviderSettings] | None = None,
    run: ResultsRun | None = None,
) -> Iterator[DltResource]:
    """Reads what became of each request of some batches, as far as the setting `results` wants it.

    What came of a file stands in the table `batch_files`, also that it could not be read: no error
    is raised for it. Batches of accounts that have no key here, or for which `results` is off, are
    left out.

    Args:
        batches (Iterable[Mapping[str, Any]]): Ended batches, in the order in which to read them,
            each with the columns `provider`, `account`, `id`, `output_file_id`, `error_file_id`,
            `created_at` and `ended_at` of the table `batches`; and, if known, the `attempts` of
            `batch_files`.
        settings (Mapping[str, ProviderSettings] | None): Settings by provider name; None looks them
            up in dlt's configuration.
        run (ResultsRun | None): The run, if it takes several load packages; `batches` are then
            those that it has not been given yet.

    Yields:
        DltResource: `batch_requests`, `batch_usage` and `batch_files`.

    Raises:
        SettingsError: If settings of a provider with such a batch cannot be used.

    Example:
        >>> with pipeline.sql_client() as client, client.execute_query(
        ...     "SELECT * FROM batches WHERE NOT is_open AND created_at > now() - INTERVAL 30 DAY"
        ... ) as cursor:
        ...     names = [column[0] for column in cursor.description]
        ...     ended = [dict(zip(names, row)) for row in cursor.fetchall()]
        >>> pipeline.run(ai_batches_results_source(ended))
    """
    mute_hint_warning()
    protect_log()
    run = run or ResultsRun()
    run.begin_package()
    run.add(batches)
    lane = run.lanes.get(_LANE)
    if lane is None:
        lane = run.lanes[_LANE] = Lane(run.workers, _readers(run, settings))
    sorter = _Sorter(lane, run)
    for table in TABLES:
        yield _resource(table, sorter)


def _readers(
    run: ResultsRun, settings: Mapping[str, ProviderSettings] | None
) -> list[ResultReader]:
    readers = []
    pauses: defaultdict[tuple[str, str], Pause] = defaultdict(Pause)
    for name in {provider: None for provider, _ in run.work}:
        if settings is None:
            chosen = provider_settings(PROVIDERS[name])
        else:
            chosen = settings.get(name, ProviderSettings())
        for account in chosen.accounts:
            work = run.work.get((name, account.name))
            if work is None or account.results.mode == "off":
                continue
            pause = pauses[account.base_url, account.api_key]
            readers += [
                ResultReader(PROVIDERS[name], chosen, account, run, work, pause)
                for _ in range(min(_READERS, len(work.batches)))
            ]
    return readers


class _Sorter:
    """Sorts what workers have read by table, for the resources that hand it on.

    Args:
        lane (ResultLane): What workers read.
        run (ResultsRun): The run.
    """

    def __init__(self, lane: ResultLane, run: ResultsRun) -> None:
        self._lane = lane
        self._run = run
        self._waiting: dict[str, deque[pa.Table]] = {}

    def hand_on(self, table: ResultTable) -> Iterator[pa.Table | None]:
        """Yields rows of a table until the load package is complete; None while there are none."""
        waiting = self._waiting[table.name] = deque()
        load_id = load_id_of_package()
        if table is FILES:
            waiting.extend(proof.rows for proof in self._run.proofs)
            self._run.proofs.clear()
        try:
            # all tables that are loaded are known before anything is read
            yield None
            self._run.workers.start()
            is_empty = True
            while True:
                while waiting:
                    is_empty = False
                    yield _with_load(table, waiting.popleft(), load_id)
                if self._is_over:
                    break
                self._take()
                if not waiting:
                    yield None
            if is_empty and not is_table_known(table.columns):
                # BI tools find the table from the first run on
                yield table.schema.empty_table()
        except BaseException:
            # also if dlt ends the resource, for a limit or an error elsewhere
            self._lane.end()
            raise

    @property
    def _is_over(self) -> bool:
        return self._lane.is_over or self._run.is_package_due or self._lane.is_package_over

    def _take(self) -> None:
        taken = self._lane.take(_PATIENCE)
        heed_signals(self._run)
        if taken is None:
            return
        reader, item = taken
        if isinstance(item, Ended):
            if item.error:
                # no file is to blame, but the reading of all of the account
                error = reader.fail(item.error)
                if not self._run.is_split:
                    raise error from None
            return
        if item.table is FILES and self._run.is_split:
            self._run.proofs.append(Proof(item.rows, item.replaces))
        elif item.table.name in self._waiting:
            self._run.note_table(item.rows.num_rows)
            self._waiting[item.table.name].append(item.rows)


def _hand_on(sorter: _Sorter, table: ResultTable) -> Iterator[pa.Table | None]:
    """What a resource does when dlt runs it."""
    yield from sorter.hand_on(table)


def _with_load(table: ResultTable, rows: pa.Table, load_id: str) -> pa.Table:
    return rows.append_column(table.schema[-1], pa.repeat(load_id, rows.num_rows))


def _resource(table: ResultTable, sorter: _Sorter) -> DltResource:
    resource = dlt.resource(
        _hand_on,
        name=table.name,
        primary_key=table.primary_key,
        write_disposition={"disposition": "merge", "strategy": "upsert"},
        columns=table.hints,
        schema_contract={"tables": "evolve", "columns": "evolve", "data_type": "freeze"},
    )(sorter, table)
    resource.apply_hints(
        additional_table_hints={
            "description": table.description,
            VERSION_HINT: __version__,
            # also if a schema that is stored says otherwise
            "x-merge-skip-unchanged-rows": False,
        }
    )
    return resource
