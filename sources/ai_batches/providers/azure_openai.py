"""Azure OpenAI in Microsoft Foundry: OpenAI's list, at an address of each resource's own."""

from collections.abc import Callable
from functools import partial

from dlt.sources.helpers.rest_client.auth import APIKeyAuth
from requests import PreparedRequest

from ..paginators import CursorPaginator
from .authentication import EnvironmentAuth
from .declaration import BATCH_OBJECT_FIELDS, Provider
from .result_lines import BATCH_OBJECT_RESULTS

SCOPE = "https://cognitiveservices.azure.com/.default"
"""What the token is for; the page of the newer API names https://ai.azure.com/.default instead."""


def _find() -> Callable[[PreparedRequest], None]:
    from azure.identity import DefaultAzureCredential, get_bearer_token_provider

    token = get_bearer_token_provider(DefaultAzureCredential(), SCOPE)

    def sign(request: PreparedRequest) -> None:
        request.headers["Authorization"] = f"Bearer {token()}"

    return sign


# The reference has Unix seconds and lower case; samples of the guide have times as text with seven
# decimals, `Validating`, and counts of null. No order is documented, and a job is not expired after
# 24 hours. The older API is `base_url = "https://NAME.openai.azure.com/openai?api-version=
# 2024-10-21"`. Assumed: that both take tokens of `SCOPE`.
AZURE_OPENAI = Provider(
    name="azure_openai",
    title="Azure OpenAI",
    docs="https://learn.microsoft.com/en-us/azure/foundry/reference/rest/batches-list-batches",
    base_url="{endpoint}/openai/v1",
    own_hosts=(".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"),
    url_settings={"endpoint": "AZURE_OPENAI_ENDPOINT"},
    path="/batches",
    api_key_env="AZURE_OPENAI_API_KEY",
    auth=lambda api_key: APIKeyAuth(name="api-key", api_key=api_key, location="header"),
    environment_auth=partial(EnvironmentAuth, "azure", _find),
    paginator=CursorPaginator,
    page_size=100,
    fields=BATCH_OBJECT_FIELDS,
    # deployments
    names_own_models=True,
    results=BATCH_OBJECT_RESULTS,
)
