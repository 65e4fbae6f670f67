"""Respan, formerly Keywords AI: a gateway that lists batches run with the customer's OpenAI key."""

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import CursorPaginator
from .declaration import BATCH_OBJECT_FIELDS, Provider
from .result_lines import read_line
from .results import Results, file_contents

# The path ends with a slash in every sample of its page; rows leave out fields that are not
# set and come oldest first. Its page on creating a batch lists OpenAI's eight status words.
# Assumed: that `limit`, without a documented maximum, takes 100. The optional header
# `X-Data-Respan-Params` goes into the setting `headers`.
RESPAN = Provider(
    name="respan",
    title="Respan",
    docs="https://www.respan.ai/docs/apis/open-ai-batch/list-batches",
    base_url="https://api.respan.ai/api",
    path="/v1/batches/",
    api_key_env="RESPAN_API_KEY",
    auth=BearerTokenAuth,
    paginator=CursorPaginator,
    page_size=100,
    fields=BATCH_OBJECT_FIELDS,
    gateway_to="openai",
    # its list names no files, a single batch does
    results=Results(
        files=file_contents("/files/{}/content/"), read=read_line, batch_path="/v1/batches/{}/"
    ),
)
