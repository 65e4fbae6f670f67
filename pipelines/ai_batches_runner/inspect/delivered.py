"""What was delivered, kept in a file beside the working folder of a pipeline.

Not in dlt's local state: it goes with the working folder, which a run drops if the one before was
killed, and with it what is still to be delivered. Not in the destination: delivery would end with a
load.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from dlt import Pipeline

from ..destinations.registry import adapter_of
from ..run.report import TAccount
from ..whole_files import replace_file

REMEMBERED_BATCHES = 5_000


@dataclass
class Delivered:
    """What was delivered on one channel, such as in print."""

    until: dict[TAccount, datetime] = field(default_factory=dict)
    """Start of the last run of each account whose batches were delivered."""
    settled: list[str] = field(default_factory=list)
    """Keys of batches and of steps of budgets that were delivered, or need not be; the last
    `REMEMBERED_BATCHES`."""
    settled_until: datetime | None = None
    """Everything that ended until then is settled; None while the keys say it all."""
    standing: list[str] = field(default_factory=list)
    """Keys of conditions that held at the last delivery."""

    def settle(self, keys: list[str]) -> None:
        """Records batches as delivered, those that ended last at the end."""
        new = set(keys)
        kept = [key for key in self.settled if key not in new]
        self.settled = [*kept, *dict.fromkeys(keys)][-REMEMBERED_BATCHES:]


class DeliveredFile:
    """The file: what one pipeline delivered about one destination, by channel.

    Args:
        pipeline (Pipeline): Whose working folder it is beside.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        identity = adapter_of(pipeline).identity
        destination = blake2b(identity.encode(), digest_size=8).hexdigest()
        name = f"{pipeline.pipeline_name}.told.{destination}.json"
        self._path = Path(pipeline.pipelines_dir) / name

    def read(self) -> dict[str, Delivered]:
        """What was delivered; empty if the file is missing or damaged."""
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            return {name: _from_json(each) for name, each in content.items()}
        except (OSError, ValueError, TypeError, AttributeError, LookupError):
            return {}

    def write(self, delivered: dict[str, Delivered]) -> None:
        """Replaces what the file says, or leaves it as it was.

        Raises:
            OSError: If it cannot be written.
        """
        text = json.dumps({name: _to_json(each) for name, each in delivered.items()})
        replace_file(self._path, text.encode())


def _to_json(delivered: Delivered) -> dict[str, Any]:
    return {
        "until": [[*whose, moment.isoformat()] for whose, moment in delivered.until.items()],
        "settled": delivered.settled,
        "settled_until": delivered.settled_until and delivered.settled_until.isoformat(),
        "standing": delivered.standing,
    }


def _from_json(content: Any) -> Delivered:
    end = content["settled_until"]
    return Delivered(
        {
            (provider, account): datetime.fromisoformat(moment)
            for provider, account, moment in content["until"]
        },
        [str(key) for key in content["settled"]],
        datetime.fromisoformat(end) if end else None,
        [str(text) for text in content["standing"]],
    )
