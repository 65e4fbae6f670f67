"""Vertex AI: batch prediction jobs of a project in a location, Gemini's and those of others."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from requests import PreparedRequest

from .authentication import EnvironmentAuth
from .declaration import Provider
from .google_json import by_page_token, count

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def _find_token() -> Callable[[PreparedRequest], None]:
    """Looks for Application Default Credentials: a key file, gcloud's, or those of the machine."""
    import google.auth
    from google.auth.transport.requests import Request

    credentials, _ = google.auth.default(scopes=[_SCOPE])
    transport = Request()

    def sign(request: PreparedRequest) -> None:
        credentials.before_request(transport, request.method, request.url, request.headers)

    return sign


def _total(row: Mapping[str, Any]) -> int | None:
    """All requests: those that ran, and those that did not if their number is reported."""
    stats = row.get("completionStats")
    if stats is None:
        return None
    incomplete = int(stats.get("incompleteCount", 0))
    has_run_all = row.get("state") in ("JOB_STATE_SUCCEEDED", "JOB_STATE_PARTIALLY_SUCCEEDED")
    if incomplete < 0 or not (incomplete or has_run_all):
        return None
    return sum(int(stats.get(f"{kind}Count", 0)) for kind in ("successful", "failed", "incomplete"))


def _input(row: Mapping[str, Any]) -> str | None:
    """The one file, or the table, that holds the requests."""
    config = row.get("inputConfig") or {}
    uris = (config.get("gcsSource") or {}).get("uris") or []
    table: str | None = (config.get("bigquerySource") or {}).get("inputUri")
    return uris[0] if len(uris) == 1 else table


def _output(row: Mapping[str, Any]) -> str | None:
    """The folder, or the table, that the results were written to."""
    info = row.get("outputInfo") or {}
    place: str | None = info.get("gcsOutputDirectory") or info.get("bigqueryOutputTable")
    return place


_PATH = "/v1/projects/{project}/locations/{location}"


def _address(api_key: str, settings: Mapping[str, str]) -> str | None:
    """The root for a location that is not a single region."""
    location = settings["location"]
    if location == "global":
        return "https://aiplatform.googleapis.com" + _PATH
    if location in ("us", "eu"):
        return "https://aiplatform.{location}.rep.googleapis.com" + _PATH
    return None


# From its discovery document: counts are texts, and a count of zero, like an empty list, is left
# out; no field holds the total; no order is documented, and none can be asked for. Completed are
# the successful entities, failed those with an error; incomplete ones stay in `extra`. A paused job
# may go on, so it is in progress; one that succeeded in part is completed. Assumed: that a page of
# 100 is allowed or lowered. For the location `global`, `base_url` begins with
# https://aiplatform.googleapis.com. The key is an OAuth token, in the variable that Google's
# provider for Terraform reads, or `environment` for Application Default Credentials.
VERTEX = Provider(
    name="vertex",
    title="Vertex AI",
    docs="https://docs.cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.batchPredictionJobs/list",
    base_url="https://{location}-aiplatform.googleapis.com" + _PATH,
    other_base_url=_address,
    own_hosts=("aiplatform.googleapis.com", ".rep.googleapis.com"),
    path="/batchPredictionJobs",
    api_key_env="GOOGLE_OAUTH_ACCESS_TOKEN",
    url_settings={"project": "GOOGLE_CLOUD_PROJECT", "location": "GOOGLE_CLOUD_LOCATION"},
    auth=BearerTokenAuth,
    environment_auth=partial(EnvironmentAuth, "vertex", _find_token),
    paginator=by_page_token,
    page_size=100,
    data_selector="batchPredictionJobs",
    empty_reply=frozenset({"nextPageToken"}),
    fields={
        "id": "name",
        "status_raw": "state",
        "description": "displayName",
        "model": "model",
        "created_at": "createTime",
        "in_progress_at": "startTime",
        "updated_at": "updateTime",
        "ended_at": "endTime",
        "errors": "error",
        "metadata": "labels",
    },
    computed={
        "input_file_id": _input,
        "output_file_id": _output,
        "requests_total": _total,
        "requests_completed": count("completionStats.successfulCount"),
        "requests_failed": count("completionStats.failedCount"),
    },
    statuses={"updating": "in_progress"},
)
