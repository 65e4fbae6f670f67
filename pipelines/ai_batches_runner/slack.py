"""Sends what needs attention to the Slack hook of dlt's configuration."""

from collections.abc import Sequence

import dlt
from dlt.common import logger
from dlt.common.runtime.slack import send_slack_message

HOOK_SETTING = "runtime.slack_incoming_hook"


def send_to_slack(title: str, lines: Sequence[str]) -> None:
    """Sends a message where `runtime.slack_incoming_hook` is set; a failure is a warning.

    Args:
        title (str): Its first line.
        lines (Sequence[str]): What to list below; nothing that came with a batch.
    """
    hook: str | None = dlt.secrets.get(HOOK_SETTING)
    if not hook:
        return
    text = "\n".join([title, *(f"• {line}" for line in lines)])
    try:
        send_slack_message(hook, text, is_markdown=False)
    except Exception as ex:
        # its text would show the hook, which is a secret
        logger.warning(f"Slack could not be told what needs attention ({type(ex).__name__}).")
