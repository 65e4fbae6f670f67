"""Reads results on a Ray cluster: each worker reads a part of the batches that have ended.

    ai-batches load --destination postgres
    python read_results.py --parts 8 -- --destination postgres

Lists are read by one process, as the first command does. Parts are read by `ai-batches load
--results` in the workers, each under a pipeline name of its own, into the same tables: the
destination is a server or a bucket. A part whose worker dies is read again, and what it had stored
is not read a second time.

Every machine of the cluster needs this package, Ray, and keys and settings as for the command, in
its environment or in `.dlt`: none of them goes through Ray. A vendor counts the requests of all
workers together: choose parts as its rate limit allows; each reads up to four files of an account
at a time.
"""

import argparse
import sys
from collections.abc import Sequence

import ray

_TRIES = 10
"""How often a part is begun anew whose worker died."""

_IN_PROGRESS = 4
"""Exit code if the process of a part is still at work."""

_OUTCOMES = {0: "read", 3: "not read to its end; the next run goes on"}


class StillAtWorkError(Exception):
    """What is left of a worker that died has not ended yet."""


@ray.remote(num_cpus=1, max_retries=_TRIES, retry_exceptions=[StillAtWorkError])
def read_part(number: int, parts: int, arguments: Sequence[str]) -> int:
    """Reads a part in a worker; returns the exit code of `ai-batches`."""
    from ai_batches_runner.cli import main

    shard = ["--shard", f"{number}/{parts}", "--pipeline-name", f"results_{number}_of_{parts}"]
    code = main(["load", "--results", *shard, *arguments])
    if code == _IN_PROGRESS:
        raise StillAtWorkError
    return code


def run(parts: int, arguments: Sequence[str]) -> int:
    """Hands parts to the workers, and reports what came of each.

    Args:
        parts (int): How many.
        arguments (Sequence[str]): Further ones of `ai-batches load --results`.

    Returns:
        int: 0 if all parts were read; else the largest exit code.
    """
    left = {read_part.remote(number, parts, arguments): number for number in range(1, parts + 1)}
    codes = []
    while left:
        (done,), _ = ray.wait(list(left))
        number = left.pop(done)
        try:
            code = ray.get(done)
        except ray.exceptions.RayError as ex:
            sys.stderr.write(f"part {number}/{parts}: {type(ex).__name__}\n")
            code = 1
        codes.append(code)
        outcome = _OUTCOMES.get(code, f"failed, exit code {code}; see the worker's log")
        sys.stdout.write(f"part {number}/{parts}: {outcome}\n")
    return max(codes, default=0)


def main() -> int:
    """Connects to the cluster and runs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--parts", type=int, required=True, help="how many parts to make")
    parser.add_argument("--address", default="auto", help="of the cluster [auto]")
    parser.add_argument("arguments", nargs="*", help="of `ai-batches load --results`, behind --")
    options = parser.parse_args()
    ray.init(address=options.address, log_to_driver=False)
    return run(options.parts, options.arguments)


if __name__ == "__main__":
    sys.exit(main())
