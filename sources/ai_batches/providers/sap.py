"""SAP Generative AI Hub: the batches of a resource group, in one reply."""

import os
from collections.abc import Callable, Mapping
from functools import partial

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth, OAuth2ClientCredentials
from requests import PreparedRequest

from ..paginators import SinglePagePaginator
from .authentication import EnvironmentAuth
from .declaration import WHOLE_LIST_MAX_MB, Provider


def _find_token() -> Callable[[PreparedRequest], None]:
    """Asks for tokens with the variables in which SAP's clients have a service key."""
    names = ("AUTH_URL", "CLIENT_ID", "CLIENT_SECRET")
    url, client_id, secret = (os.environ[f"AICORE_{name}"] for name in names)
    if not url.endswith("/oauth/token"):
        url = url.rstrip("/") + "/oauth/token"
    credentials = OAuth2ClientCredentials(
        access_token_url=url, client_id=client_id, client_secret=secret
    )

    def sign(request: PreparedRequest) -> None:
        credentials(request)

    return sign


def _address(api_key: str, settings: Mapping[str, str]) -> str | None:
    """The root, if the setting has the version as well."""
    return "{endpoint}" if settings["endpoint"].endswith("/v2") else None


# Its own client: no parameter, `count` with the rows, which have neither counts nor times but that
# of their creation. Files are in the customer's storage. Jobs that are over can be deleted. The
# service is called experimental. No reply was seen, and no order is documented. Assumed: the reply
# is the whole list, `count` its length. The key is a token, good for some hours; `environment` asks
# for one with the variables of a service key.
SAP = Provider(
    name="sap",
    title="SAP Generative AI Hub",
    docs="https://sap.github.io/ai-sdk/docs/python/examples/batch-service",
    base_url="{endpoint}/v2",
    other_base_url=_address,
    url_settings={"endpoint": "AICORE_BASE_URL"},
    own_hosts=(".ml.hana.ondemand.com",),
    path="/llm-batch-service/v1/batches",
    api_key_env="AICORE_ACCESS_TOKEN",
    header_settings={"AI-Resource-Group": ("resource_group", "AICORE_RESOURCE_GROUP")},
    auth=BearerTokenAuth,
    environment_auth=partial(EnvironmentAuth, "", _find_token),
    paginator=SinglePagePaginator,
    page_size=None,
    data_selector="resources",
    empty_reply=frozenset({"count"}),
    fields={"id": "id", "status_raw": "status", "endpoint": "type", "created_at": "created_at"},
    page_max_mb=WHOLE_LIST_MAX_MB,
)
