"""Amazon Bedrock: model invocation jobs of an AWS account in a region."""

import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from requests import PreparedRequest

from .. import lenient_json
from ..paginators import TokenPaginator
from .authentication import EnvironmentAuth
from .declaration import Provider
from .result_lines import number
from .results import Batch, ResultFile, Results, Totals

_REGION = re.compile(r"(?:^|\.)bedrock(?:-runtime)?(?:-fips)?\.([a-z0-9-]+)\.")


def find_signer() -> Callable[[PreparedRequest], None]:
    """Looks for credentials as AWS's tools do, and signs for the region of the address."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import NoCredentialsError, NoRegionError
    from botocore.session import Session

    session = Session()
    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    own_region = os.environ.get("AWS_REGION") or session.get_config_variable("region")

    def sign(request: PreparedRequest) -> None:
        in_host = _REGION.search(urlsplit(request.url or "").netloc)
        region = in_host[1] if in_host else own_region
        if not region:
            raise NoRegionError
        # the address alone is signed: a proxy may change other headers
        signed = AWSRequest(method=request.method, url=request.url)
        SigV4Auth(credentials.get_frozen_credentials(), "bedrock", region).add_auth(signed)
        request.headers.update(signed.headers.items())

    return sign


def _window(row: Mapping[str, Any]) -> str | None:
    """The hours until a job times out, as a span of time."""
    hours = row.get("timeoutDurationInHours")
    return f"{int(hours)}h" if hours else None


def _files(batch: Batch) -> list[ResultFile]:
    """The manifest of a job, which lies in the customer's bucket."""
    job = str(batch["id"]).rpartition("/")[2]
    folder = (batch["output_file_id"] or "").rstrip("/")
    place = f"{folder}/{job}/manifest.json.out"
    return [ResultFile("manifest", place, place)] if folder.startswith("s3://") else []


def _totals(file: ResultFile) -> Totals | None:
    """Reads the sums of a manifest, with the credentials and the address that AWS's tools find."""
    from botocore.exceptions import ClientError
    from botocore.session import Session

    bucket, _, key = file.ref.removeprefix("s3://").partition("/")
    client = Session().create_client("s3")
    try:
        body = client.get_object(Bucket=bucket, Key=key)["Body"].read(_LARGEST_MANIFEST)
    except ClientError as ex:
        if ex.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
            return None
        raise
    found = lenient_json.loads(body)
    return Totals(
        succeeded=number(found.get("successRecordCount")),
        failed=number(found.get("errorRecordCount")),
        input_tokens=number(found.get("inputTokenCount")),
        output_tokens=number(found.get("outputTokenCount")),
    )


_LARGEST_MANIFEST = 1_000_000

# From the service model of AWS's own client: pages of up to 1000; neither the list nor the token is
# required in a reply. The order that comes unasked is not documented, so the newest are asked for
# first. The key is a Bedrock API key, or `environment` for credentials as AWS's tools find them.
# Completed are the successful records, failed those with an error; records that were not processed
# in time, which make a job partially completed, are in neither. What stopped was cancelled. Jobs
# that were made with OpenAI's client have a list in its shape at the runtime endpoint; whether this
# one shows them is not stated. `bedrock_openai` reads that one.
BEDROCK = Provider(
    name="bedrock",
    title="Amazon Bedrock",
    docs="https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListModelInvocationJobs.html",
    base_url="https://bedrock.{region}.amazonaws.com",
    path="/model-invocation-jobs",
    api_key_env="AWS_BEARER_TOKEN_BEDROCK",
    url_settings={"region": "AWS_REGION"},
    auth=BearerTokenAuth,
    environment_auth=partial(EnvironmentAuth, "bedrock", find_signer),
    paginator=partial(
        TokenPaginator,
        position_param="nextToken",
        next_field="nextToken",
        limit_param="maxResults",
    ),
    page_size=1_000,
    params={"sortBy": "CreationTime", "sortOrder": "Descending"},
    data_selector="invocationJobSummaries",
    empty_reply=frozenset({"nextToken"}),
    fields={
        "id": "jobArn",
        "status_raw": "status",
        "description": "jobName",
        "endpoint": "modelInvocationType",
        "model": "modelId",
        "input_file_id": "inputDataConfig.s3InputDataConfig.s3Uri",
        "output_file_id": "outputDataConfig.s3OutputDataConfig.s3Uri",
        "requests_total": "totalRecordCount",
        "requests_completed": "successRecordCount",
        "requests_failed": "errorRecordCount",
        "created_at": "submitTime",
        "updated_at": "lastModifiedTime",
        "expires_at": "jobExpirationTime",
        "ended_at": "endTime",
        "errors": "message",
    },
    computed={"completion_window": _window},
    # the guide on results: a manifest with the sums of a job, kept by the customer
    results=Results(files=_files, totals=_totals, days=365),
)
