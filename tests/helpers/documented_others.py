"""Rows as in `documented_rows`, of vendors that have neither a page in OpenAI's detail nor a reply.

They are as the vendors' own clients declare them.
"""

from documented_rows import (
    BARE,
    BARE_COLUMNS,
    SHARED_EXTRA,
    SHARED_TIMES,
    START,
    Documented,
    at,
    changed,
    iso,
    without,
)

_ERRORS = [{"code": "bad_line", "line": 3, "message": "No JSON"}]
_IN_A_BUCKET = {"input_file_id": "s3://in/1.jsonl"}
_WITHOUT_FILES = without(BARE, "output_file_id", "error_file_id")
_CALLS = {
    "phone_number_id": "phnum_1",
    "agent_id": "agent_1",
    "scheduled_time_unix": at(1),
    "total_calls_dispatched": 9,
    "total_calls_finished": 8,
    "retry_count": 1,
    "agent_name": "Reminder",
}
_CAMPAIGN = {
    "orgId": "org-1",
    "assistantId": "assistant-1",
    "schedulePlan": {"earliestAt": iso(1)},
    "calls": {"call-1": {"id": "call-1"}},
    "callsCounterEnded": 8,
    "endedReason": "campaign.ended.success",
}
_DIGITALOCEAN = without(BARE, "id", "object", "expired_at", "cancelling_at")

OTHERS: dict[str, Documented] = {
    "bedrock_openai": Documented(
        _WITHOUT_FILES | _IN_A_BUCKET,
        without(BARE_COLUMNS, "output_file_id", "error_file_id") | _IN_A_BUCKET,
        SHARED_EXTRA,
    ),
    "databricks": Documented(
        {
            "name": "batch_1",
            "endpoint": "ai_extract",
            "input_ref": "/Volumes/main/default/in.jsonl",
            "output_ref": "/Volumes/main/default/out.jsonl",
            "params": {"schema": {}},
            "status": "COMPLETED",
            "create_time": iso(0, ".123Z"),
        },
        {
            "status": "completed",
            "status_raw": "COMPLETED",
            "endpoint": "ai_extract",
            "input_file_id": "/Volumes/main/default/in.jsonl",
            "output_file_id": "/Volumes/main/default/out.jsonl",
            "created_at": at(0),
        },
        {"params": {"schema": {}}},
    ),
    "digitalocean": Documented(
        {
            "batch_id": "batch_1",
            **changed(
                _DIGITALOCEAN,
                SHARED_TIMES.keys() & _DIGITALOCEAN,
                lambda at: iso((at - START) // 60),
            ),
            "errors": _ERRORS,
            "provider": "anthropic",
            "request_id": "request-1",
        },
        without(BARE_COLUMNS, "expired_at", "cancelling_at") | {"errors": _ERRORS},
        {"provider": "anthropic", "request_id": "request-1"},
    ),
    "elevenlabs": Documented(
        {
            "id": "btcal_1",
            **_CALLS,
            "name": "Reminders",
            "created_at_unix": at(0),
            "total_calls_scheduled": 10,
            "last_updated_at_unix": at(4),
            "status": "completed",
        },
        {
            "status": "completed",
            "status_raw": "completed",
            "description": "Reminders",
            "requests_total": 10,
            "created_at": at(0),
            "updated_at": at(4),
        },
        _CALLS,
    ),
    "morph": Documented(BARE, BARE_COLUMNS, SHARED_EXTRA),
    "sap": Documented(
        {
            "id": "1",
            "type": "llm-native",
            "provider": "azure-openai",
            "created_at": iso(0),
            "status": "CANCELLED",
        },
        {
            "status": "cancelled",
            "status_raw": "CANCELLED",
            "endpoint": "llm-native",
            "created_at": at(0),
        },
        {"provider": "azure-openai"},
    ),
    "scaleway": Documented(BARE, BARE_COLUMNS, SHARED_EXTRA),
    "vapi": Documented(
        {
            "id": "campaign-1",
            **_CAMPAIGN,
            "name": "Reminders",
            "status": "ended",
            "createdAt": iso(0, ".123Z"),
            "updatedAt": iso(4, ".123Z"),
        },
        {
            "status": "completed",
            "status_raw": "ended",
            "description": "Reminders",
            "created_at": at(0),
            "updated_at": at(4),
        },
        _CAMPAIGN,
    ),
    "watsonx": Documented(
        changed(BARE, SHARED_TIMES, lambda at: at * 1_000) | {"errors": ["No JSON"]},
        BARE_COLUMNS | {"errors": ["No JSON"]},
        SHARED_EXTRA,
    ),
}
"""By provider."""
