"""Deletes what an earlier reading of a batch's results stored and the last one did not."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dlt import Pipeline

from ai_batches import FILE_KINDS, FILES, REQUESTS, TABLES, USAGE, Proof, ResultTable

from ..destinations.registry import adapter_of
from ..sql.reader import Reader, literal
from .conflicts import retrying
from .result_queue import Batch, TKey

TLoads = Mapping[TKey, set[str]]
"""Ids of loads by batch."""

_FAILED = ("failed", "expired", "cancelled", "unknown")


@dataclass
class EarlierRows:
    """What the tables of results have of some batches before these are read.

    A reading writes each of its rows with the id of its load. So rows that still have an id from
    before are of requests, models or files that no longer exist. Ids of other loads are left alone:
    another process may read the same batches at this moment.
    """

    loads: dict[str, TLoads] = field(default_factory=dict)
    """By the name of the table."""

    def delete(self, pipeline: Pipeline, proofs: Iterable[Proof]) -> None:
        """Deletes rows of batches that were read anew, once all of their new rows are stored.

        Args:
            pipeline (Pipeline): The pipeline, connected to its destination.
            proofs (Iterable[Proof]): What came of the batches; not stored yet, so that batches of
                a process that is killed are read again.
        """
        alike: defaultdict[_Reading, list[str]] = defaultdict(list)
        for proof in proofs:
            if proof.replaces:
                row, kinds = proof.rows.slice(0, 1).to_pylist()[0], proof.rows["kind"].to_pylist()
                reading = (row["provider"], row["account"], row["results"], frozenset(kinds))
                alike[reading].append(row["batch_id"])
        for reading, ids in alike.items():
            for table, conditions in _replaced(reading):
                self._delete(pipeline, table, reading, ids, conditions)

    def _delete(
        self,
        pipeline: Pipeline,
        table: ResultTable,
        reading: "_Reading",
        ids: Sequence[str],
        conditions: Mapping[str, Sequence[str]],
    ) -> None:
        provider, account, *_ = reading
        found = self.loads.get(table.name, {})
        loads = {name: found[key] for name in ids if (key := (provider, account, name)) in found}
        if not loads:
            return
        chosen = {
            "provider": [provider],
            "account": [account],
            "batch_id": list(loads),
            "_dlt_load_id": sorted(set[str]().union(*loads.values())),
            **conditions,
        }
        retrying(pipeline)(adapter_of(pipeline).delete_rows, table.name, chosen)


_Reading = tuple[str, str, str, frozenset[str]]
"""Provider, account, the setting `results`, and the kinds of files."""


def _replaced(
    reading: _Reading,
) -> Iterable[tuple[ResultTable, Mapping[str, Sequence[str]]]]:
    """The tables of which a reading gives all rows of a batch, or those that meet conditions."""
    *_, mode, kinds = reading
    if mode == "errors":
        return [(REQUESTS, {"outcome": _FAILED})]
    files = (FILES, {"kind": [kind for kind in FILE_KINDS if kind not in kinds]})
    return [(USAGE, {}), files] if mode == "totals" else [(REQUESTS, {}), (USAGE, {}), files]


def earlier_rows(reader: Reader, batches: Sequence[Batch]) -> EarlierRows:
    """Looks up what the tables of results have of batches that are about to be read.

    Args:
        reader (Reader): Of the destination.
        batches (Sequence[Batch]): The batches.

    Returns:
        EarlierRows: Their rows, by the loads that wrote them.
    """
    keys = {(each["provider"], each["account"], str(each["id"])) for each in batches}
    ids = ", ".join(sorted({literal(name) for *_, name in keys}))
    found = EarlierRows()
    for table in TABLES:
        loads: defaultdict[TKey, set[str]] = defaultdict(set)
        for row in reader.rows(
            "SELECT DISTINCT provider, account, batch_id, _dlt_load_id"  # noqa: S608
            f" FROM {table.name} WHERE batch_id IN ({ids})"
        ):
            key = (row["provider"], row["account"], row["batch_id"])
            if key in keys:
                loads[key].add(row["_dlt_load_id"])
        found.loads[table.name] = loads
    return found
