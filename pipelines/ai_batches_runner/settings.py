"""Settings that are not of a provider: read from where dlt keeps its configuration."""

import json
from typing import Any

import dlt

from ai_batches import SettingsError
from ai_batches.settings.names import SECTION


def read_setting(name: str) -> Any:
    """Reads a setting that is a table or a list.

    Args:
        name (str): Its name within the section `sources.ai_batches`.

    Returns:
        Any: Its value; None if it is not set. From a variable of the environment it comes as JSON.

    Raises:
        SettingsError: If it is a text that is not JSON.
    """
    value: Any = dlt.config.get(f"{SECTION}.{name}")
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else None
    except ValueError:
        raise unusable_setting(name, "it is not JSON") from None


def unusable_setting(name: str, problem: str) -> SettingsError:
    """An error about a setting.

    Args:
        name (str): Its name within the section `sources.ai_batches`.
        problem (str): What is wrong with it, as a clause.

    Returns:
        SettingsError: It names the setting and says what to do.
    """
    problem = f"`{SECTION}.{name}` cannot be used: {problem}"
    return SettingsError("settings", None, problem, "Correct it, or remove the setting.")
