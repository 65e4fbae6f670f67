"""Places of settings, and errors that name them."""

from ..errors import SettingsError
from ..providers import Provider

SECTION = "sources.ai_batches"


def path(provider: Provider, name: str) -> str:
    """Place of a setting in dlt's configuration, such as `sources.ai_batches.openai.api_key`."""
    return f"{SECTION}.{provider.name}.{name}"


def unusable(provider: Provider, name: str, problem: str) -> SettingsError:
    """The error for a setting that cannot be used.

    Args:
        provider (Provider): Whose setting it is.
        name (str): The setting, below the provider's section.
        problem (str): What is wrong, as a clause that follows the name and quotes no value.

    Returns:
        SettingsError: It names the setting and its environment variable.
    """
    # several accounts come in one variable, as JSON
    variable = path(provider, name.split(".")[0]).replace(".", "__").upper()
    return SettingsError(
        provider.name,
        None,
        f"the setting {path(provider, name)} {problem}",
        f"Correct it in .dlt, or in the environment variable {variable}.",
    )


def unusable_variable(provider: Provider, variable: str, problem: str) -> SettingsError:
    """The error for a vendor's own environment variable that cannot be used."""
    return SettingsError(
        provider.name, None, f"the environment variable {variable} {problem}", "Correct it."
    )
