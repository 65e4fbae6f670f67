"""The load package that dlt is extracting at the moment."""

import dlt
from dlt.common.runtime import signals
from dlt.common.storages.exceptions import CurrentLoadPackageStateNotAvailable

from .scan.run import Run


def load_id_of_package() -> str:
    """Id of the load package that is being extracted; empty if a resource runs without one."""
    try:
        return dlt.current.load_package_state()["load_id"]
    except CurrentLoadPackageStateNotAvailable:
        # somebody looks at the resource without a pipeline
        return ""


def heed_signals(run: Run) -> None:
    """Has the load package end at Ctrl-C or SIGTERM, if dlt intercepts them.

    Args:
        run (Run): The run, which knows of it afterwards. If it has a single load package, it is
            left to dlt to end it.
    """
    if run.is_split and signals.was_signal_received():
        signals.set_received_signal(0)
        run.is_interrupted = True
