"""What the subcommands on results do."""

import time
from collections.abc import Sequence
from pathlib import Path

from dlt.common.destination.exceptions import DestinationException
from dlt.pipeline.exceptions import PipelineStepFailed

from ai_batches import shown

from ..inspect.failed_requests import failed_requests
from ..run.pipeline import open_pipeline, open_to_read
from ..run.result_queue import Shard
from ..run.results import load_results as load_all_results
from .exit_codes import ALL_GOOD, NOTHING_TO_DO
from .failures import explain_failure
from .metrics_file import writing_metrics
from .options import Options
from .output import Output
from .printing import print_json
from .steps import exit_code, keeps_data, note_other_addresses, with_keys


def load_results(
    output: Output,
    options: Options,
    providers: Sequence[str],
    time_limit: float | None,
    shard: tuple[int, int] | None,
    metrics_file: Path | None,
) -> int:
    """Reads the results of ended batches, and no lists.

    Args:
        output (Output): Where to print.
        options (Options): Where to load.
        providers (Sequence[str]): Names; empty for all that have a key.
        time_limit (float | None): Seconds after which reading stops.
        shard (tuple[int, int] | None): Which part of how many; None: all.
        metrics_file (Path | None): Where to write metrics afterwards.

    Returns:
        int: The exit code.
    """
    chosen = with_keys(providers, output)
    if not chosen:
        return NOTHING_TO_DO
    deadline = None if time_limit is None else time.monotonic() + time_limit
    with (
        open_pipeline(*options.place) as pipeline,
        writing_metrics(pipeline, metrics_file, output),
    ):
        note_other_addresses(chosen, output)
        try:
            with output:
                reports = load_all_results(
                    pipeline,
                    chosen,
                    None,
                    deadline,
                    options.lock_timeout,
                    options.table_format,
                    output,
                    Shard(*shard) if shard else Shard(),
                )
        except (PipelineStepFailed, DestinationException) as ex:
            return explain_failure(ex, output, keeps_data=keeps_data(pipeline))
        output.results(reports)
        return exit_code(reports)


def failed(output: Output, options: Options, batch_id: str) -> int:
    """Prints the failed requests of a batch, one JSON object a line.

    Args:
        output (Output): Where to complain.
        options (Options): Which destination.
        batch_id (str): The provider's identifier of the batch.

    Returns:
        int: The exit code; `NOTHING_TO_DO` if nothing is known of its requests.
    """
    with open_to_read(*options.place) as pipeline:
        found, is_known = failed_requests(pipeline, batch_id, options.lock_timeout)
        for request in found:
            print_json(request)
    if not is_known:
        output.complain(
            f"No results of the batch {shown(batch_id)} are loaded, or they failed to load. Set"
            " `results` for its provider, and run `ai-batches load`; the table `batch_files` says"
            " what was tried."
        )
        return NOTHING_TO_DO
    return ALL_GOOD
