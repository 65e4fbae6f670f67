"""Pipes the tap into `target-duckdb`, and keeps the state that it emits for the next run.

python singer.py <base url> <folder>
"""

import json
import subprocess
import sys
from pathlib import Path


def main(url: str, folder: str) -> int:
    """Runs both and returns the worse exit code."""
    place, binaries = Path(folder), Path(sys.executable).parent
    (place / "tap.json").write_text(json.dumps({"url_base": url}))
    target = {"path": str(place / "batches.duckdb"), "default_target_schema": "peer"}
    (place / "target.json").write_text(json.dumps(target))
    state = place / "state.json"
    tap_command = [sys.executable, str(Path(__file__).with_name("tap_openai.py"))]
    tap_command += ["--config", str(place / "tap.json")]
    if state.exists() and state.read_text().strip():
        tap_command += ["--state", str(state)]
    tap = subprocess.Popen(tap_command, stdout=subprocess.PIPE)  # noqa: S603
    done = subprocess.run(  # noqa: S603
        [str(binaries / "target-duckdb"), "--config", str(place / "target.json")],
        stdin=tap.stdout,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    if lines:
        state.write_text(lines[-1])
    return max(tap.wait(), done.returncode)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
