"""DigitalOcean: OpenAI's shape with another name for the id, and text for times."""

from collections.abc import Mapping
from typing import Any

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import CursorPaginator
from .anthropic import read_message
from .declaration import BATCH_OBJECT_FIELDS, Provider
from .result_lines import read_line
from .results import FILE_COLUMNS, FileKind, RequestFacts, Results, file_contents


def _read(line: Mapping[str, Any], kind: FileKind) -> RequestFacts:
    """Reads the result of a request in the shape of the vendor that ran it."""
    return (read_message if "result" in line else read_line)(line, kind)


# Its page and its own client: newest first, `after` takes `last_id`, `limit` up to 100. Times are
# date-times, `errors` is a list, rows name a `provider`, which runs the batch: OpenAI or Anthropic.
# No model and no usage. `/batches/{id}/results` gives addresses of both files, signed for a short
# while, or HTTP 412 before they are ready; files are kept for up to 30 days after the end. Their
# lines are those of the vendor that runs the batch. No reply was seen. Assumed: unset fields are
# null or absent; `completed` counts what succeeded.
DIGITALOCEAN = Provider(
    name="digitalocean",
    title="DigitalOcean",
    docs="https://docs.digitalocean.com/reference/api/reference/batch-inference/",
    base_url="https://inference.do-ai.run/v1",
    path="/batches",
    api_key_env="MODEL_ACCESS_KEY",
    auth=BearerTokenAuth,
    paginator=CursorPaginator,
    page_size=100,
    fields={**BATCH_OBJECT_FIELDS, "id": "batch_id"},
    results=Results(
        files=file_contents("/batches/{batch}/results"),
        links={"output": "output_file_url", "error": "error_file_url"},
        read=_read,
        file_columns=FILE_COLUMNS,
    ),
)
