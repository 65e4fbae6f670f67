"""Sends the alerts to the Slack hook of dlt's configuration."""

from collections.abc import Sequence

import dlt
import requests
from dlt import Pipeline
from dlt.common import logger

from ..local_state import remembered
from .alerts import Alert

HOOK_SETTING = "runtime.slack_incoming_hook"

TIMEOUT = 10
"""Seconds to wait for Slack."""

_SENT = "ai_batches_sent_to_slack"


def send_to_slack(pipeline: Pipeline, alerts: Sequence[Alert]) -> None:
    """Sends the alerts if a hook is set and they are not what was sent last.

    The hook is dlt's `runtime.slack_incoming_hook`. A failure is a warning.

    Args:
        pipeline (Pipeline): Whose working folder remembers what was sent.
        alerts (Sequence[Alert]): What needs attention.
    """
    hook: str | None = dlt.secrets.get(HOOK_SETTING)
    if not hook:
        return
    lines = ["AI batch alerts:", *(f"• {alert}" for alert in alerts)]
    text = "\n".join(lines) if alerts else ""
    if text == (remembered(pipeline, _SENT) or ""):
        return
    try:
        if text:
            # dlt's own function would wait for ever, with the run's lock
            requests.post(
                hook, json={"text": _escaped(text), "mrkdwn": False}, timeout=TIMEOUT
            ).raise_for_status()
        pipeline.set_local_state_val(_SENT, text)
    except Exception as ex:
        # its text would show the hook, which is a secret
        logger.warning(f"The alerts could not be sent to Slack ({type(ex).__name__}).")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
