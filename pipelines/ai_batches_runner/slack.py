"""Sends what needs attention to the Slack hook of dlt's configuration."""

from collections.abc import Sequence

import dlt
from dlt import Pipeline
from dlt.common import logger
from dlt.common.runtime.slack import send_slack_message

from .attention import Finding
from .resuming import remembered

HOOK_SETTING = "runtime.slack_incoming_hook"

_SENT = "ai_batches_sent_to_slack"


def send_to_slack(pipeline: Pipeline, findings: Sequence[Finding]) -> None:
    """Sends what needs attention, where it is not what was sent last and a hook is set.

    The hook is dlt's `runtime.slack_incoming_hook`. A failure is a warning.

    Args:
        pipeline (Pipeline): Whose working folder remembers what was sent.
        findings (Sequence[Finding]): What needs attention.
    """
    hook: str | None = dlt.secrets.get(HOOK_SETTING)
    if not hook:
        return
    text = "\n".join(["AI batch jobs need attention:", *(f"• {finding}" for finding in findings)])
    if not findings or text == remembered(pipeline, _SENT):
        return
    try:
        send_slack_message(hook, text, is_markdown=False)
        pipeline.set_local_state_val(_SENT, text)
    except Exception as ex:
        # its text would show the hook, which is a secret
        logger.warning(f"Slack could not be told what needs attention ({type(ex).__name__}).")
