"""Sends the alerts to the Slack hook of dlt's configuration."""

from collections.abc import Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import urlsplit

import dlt
import requests
from dlt.common import logger

from ai_batches import shown
from ai_batches.redaction import keep_secret

from .alert import Alert

HOOK_SETTING = "runtime.slack_incoming_hook"

TIME_LIMIT = 10
"""Seconds for Slack to answer."""

SHOWN_ALERTS, ALERT_LENGTH = 50, 500
"""What a message holds at most: alerts, and characters of each; Slack takes 40,000 characters."""


def slack_hook() -> str | None:
    """The hook, dlt's `runtime.slack_incoming_hook`; None if none is set."""
    hook: str | None = dlt.secrets.get(HOOK_SETTING)
    return hook or None


def send_to_slack(hook: str, alerts: Sequence[Alert]) -> bool:
    """Sends the alerts; a failure is a warning.

    Args:
        hook (str): The address, which is a secret.
        alerts (Sequence[Alert]): What needs attention.

    Returns:
        bool: Whether Slack took them.
    """
    # urllib3 logs it at the level DEBUG
    keep_secret(urlsplit(hook).path.split("/"))
    lines = [f"• {shown(str(alert), ALERT_LENGTH)}" for alert in alerts[:SHOWN_ALERTS]]
    if len(alerts) > SHOWN_ALERTS:
        lines.append(f"• and {len(alerts) - SHOWN_ALERTS} more; `ai-batches alerts` lists them")
    text = "\n".join(["AI batch alerts:", *lines])
    try:
        _post_in_time(hook, _escaped(text))
    except Exception as ex:
        # its text would show the hook, which is a secret
        logger.warning(
            f"The alerts could not be sent to Slack ({type(ex).__name__}); the next run sends them."
        )
        return False
    return True


def _post_in_time(hook: str, text: str) -> None:
    """Posts a message, or raises what went wrong, within `TIME_LIMIT`.

    A timeout of requests starts anew with each byte of the reply.
    """
    outcomes: SimpleQueue[Exception | None] = SimpleQueue()

    def post() -> None:
        try:
            _post(hook, text)
        except Exception as ex:
            # of any kind: it is raised below
            outcomes.put(ex)
        else:
            outcomes.put(None)

    Thread(target=post, daemon=True).start()
    try:
        error = outcomes.get(timeout=TIME_LIMIT)
    except Empty:
        raise TimeoutError from None
    if error:
        raise error


def _post(hook: str, text: str) -> None:
    """Posts a message; reads no more of the reply than its status and headers."""
    with (
        _Session() as session,
        session.post(
            hook, json={"text": text, "mrkdwn": False}, timeout=TIME_LIMIT, stream=True
        ) as reply,
    ):
        reply.raise_for_status()
        if reply.status_code >= requests.codes.multiple_choices:
            raise requests.HTTPError


class _Session(requests.Session):
    """Follows no redirect: requests would read the whole body of one."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Nowhere."""
        return None


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
