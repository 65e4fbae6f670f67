"""A destination, lists to load into it, and the command that does."""

import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from ai_batches import COLUMNS, JSON_COLUMNS
from commands import call, run
from servers import PASSWORD
from support import KEY, Lists, TRow
from targets import Target


class Case(NamedTuple):
    """A destination, and how to load into it."""

    name: str
    target: Target
    reference: Target
    """A DuckDB file for the same lists."""
    folder: Path
    dataset: str
    lists: Lists
    settings: Mapping[str, str] | None = None
    """Of the source, as environment variables; None: OpenAI and Bland, with an account each."""

    def run(
        self,
        *arguments: str,
        folder: str = "dlt",
        target: Target | None = None,
        command: str = "load",
    ) -> tuple[int, str]:
        """Runs the command; returns its exit code and all that it printed."""
        chosen = target or self.target
        words = [command, *chosen.arguments, "--dataset", self.dataset, *arguments]
        variables = self.variables(chosen, folder)
        if chosen.python == sys.executable:
            code, output, log = run(*words, **variables)
        else:
            program = str(Path(chosen.python).with_name("ai-batches"))
            code, output, log = call([program, *words], variables)
        assert PASSWORD not in output + log
        return code, output + log

    def variables(self, target: Target, folder: str = "dlt") -> dict[str, str]:
        """The environment of a run."""
        own = dict(self.settings or {})
        for provider in ("openai", "bland") if self.settings is None else ():
            prefix = f"SOURCES__AI_BATCHES__{provider.upper()}__"
            own |= {prefix + "API_KEY": KEY, prefix + "BASE_URL": self.lists.url(provider)}
        own["DLT_DATA_DIR"] = str(self.folder / folder)
        # servers of the tests are asked without the certificates of anybody
        gone = ("AWS_CA_BUNDLE",)
        kept = {name: value for name, value in os.environ.items() if name not in gone}
        return {**kept, **target.variables, **own}

    def rows(self, suffix: str = "") -> dict[str, TRow]:
        """The rows by id, in one form for all destinations; fails where a batch stands twice."""
        return by_id(self.target.read(self.dataset + suffix)[1])


def by_id(rows: list[TRow]) -> dict[str, TRow]:
    """Rows by id, as plain values, but for the load that they came in."""
    found = {
        row["id"]: {name: plain(name, row[name]) for name in COLUMNS if name != "_dlt_load_id"}
        for row in rows
    }
    assert len(found) == len(rows)
    return found


def plain(name: str, value: Any) -> Any:
    """A value, whatever type a client gives back for it."""
    if value is None:
        return None
    if name in JSON_COLUMNS:
        return json.loads(value) if isinstance(value, str) else value
    if name.endswith("_at"):
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        in_utc = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return in_utc.astimezone(UTC).isoformat()
    return bool(value) if name == "is_open" else value
