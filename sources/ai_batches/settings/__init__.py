"""What a user may set for each provider, and where it is looked up.

dlt would take a key named `API_KEY` or `SOURCES__API_KEY` for any provider that has none, and so
send one vendor's key to another. Here each setting is looked up at its exact place only: in
`[sources.ai_batches.<provider>]`, in the environment variable of that name, or at the same path in
any other place that dlt reads its configuration from.
"""

from .configuration import AiBatchesConfiguration
from .destinations_of_keys import OtherAddress, other_addresses
from .lookup import (
    has_key,
    keep_configured_secrets,
    missing_key,
    provider_settings,
    providers_with_key,
)
from .types import Account, ProviderSettings
from .values import span_seconds

__all__ = [
    "Account",
    "AiBatchesConfiguration",
    "OtherAddress",
    "ProviderSettings",
    "has_key",
    "keep_configured_secrets",
    "missing_key",
    "other_addresses",
    "provider_settings",
    "providers_with_key",
    "span_seconds",
]
