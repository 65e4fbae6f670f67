"""Doubleword: OpenAI's shape without model and usage; an ended batch can be opened again."""

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

from ..paginators import CursorPaginator
from .declaration import BATCH_OBJECT_FIELDS, Provider, ReportedCost
from .result_lines import read_line
from .results import FILE_COLUMNS, Results, file_contents

NOT_TOLD = ("model", "expired_at")

# By the source code of its server, which is open: newest first unless `active_first` is set; a
# cursor that is unknown brings the first page again; unset fields are absent. `expired_at` is not
# an event: each row has it once the clock has passed `expires_at`, completed ones too, so it stays
# in `extra`; no status says `expired` either. A retry opens ended batches again and takes their end
# away; one that is older than what a run reads is seen open when the list is read whole. Rows of
# realtime and flexible requests stand in the list, too: `base_url =
# "https://api.doubleword.ai/v1?completion_window=24h"` leaves them out, and `?include=analytics`
# adds tokens and costs to `extra`. They have no column: zeros are sent once they are no longer
# known.
DOUBLEWORD = Provider(
    name="doubleword",
    title="Doubleword",
    docs="https://docs.doubleword.ai/inference-api/api-reference",
    base_url="https://api.doubleword.ai/v1",
    path="/batches",
    api_key_env="DOUBLEWORD_API_KEY",
    auth=BearerTokenAuth,
    paginator=CursorPaginator,
    page_size=100,
    fields={
        column: field
        for column, field in BATCH_OBJECT_FIELDS.items()
        if column not in NOT_TOLD and not field.startswith("usage.")
    },
    reported_cost=ReportedCost("analytics.total_cost", is_lost_as_zero=True),
    # it says so of a file that it is still writing
    results=Results(
        files=file_contents(),
        read=read_line,
        file_columns=FILE_COLUMNS,
        incomplete_header="X-Incomplete",
    ),
)
