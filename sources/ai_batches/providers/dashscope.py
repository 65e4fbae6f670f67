"""DashScope, by Alibaba Cloud: OpenAI's shape with a task name among the metadata."""

from collections.abc import Mapping
from typing import Any

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import CursorPaginator
from .declaration import BATCH_OBJECT_FIELDS, Provider
from .result_lines import BATCH_OBJECT_RESULTS


def _task_name(row: Mapping[str, Any]) -> Any:
    """What the console shows as the name of the task, if it was given one."""
    metadata = row.get("metadata")
    return metadata.get("ds_name") if isinstance(metadata, Mapping) else None


# Its page: newest first, and only the batches of the last 30 days, so that rows leave the list at
# its end; Unix seconds; windows of up to 14 days; neither `model` nor `usage`. `input_file_id` may
# be the address of a file in the user's own storage, signature included; `exclude` leaves it out.
# Regions are apart, with keys of their own; accounts in Singapore set `base_url` to
# https://{workspace}.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1 (before:
# https://dashscope-intl.aliyuncs.com/compatible-mode/v1).
DASHSCOPE = Provider(
    name="dashscope",
    title="DashScope (Alibaba Cloud)",
    docs="https://www.alibabacloud.com/help/en/model-studio/batch-interfaces-compatible-with-openai",
    base_url="https://dashscope.aliyuncs.com/compatible-mode/v1",
    own_hosts=("dashscope-intl.aliyuncs.com",),
    path="/batches",
    api_key_env="DASHSCOPE_API_KEY",
    auth=BearerTokenAuth,
    paginator=CursorPaginator,
    page_size=100,
    fields=BATCH_OBJECT_FIELDS,
    computed={"description": _task_name},
    results=BATCH_OBJECT_RESULTS,
)
