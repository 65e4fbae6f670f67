"""SAP Generative AI Hub: as its own client describes it."""

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from ..batches import Batch, BatchList
from .vendor import DemoVendor, Reply, iso

WORDS = {
    "validating": "PENDING",
    "in_progress": "RUNNING",
    "finalizing": "RUNNING",
    "expired": "FAILED",
}


def _row(batch: Batch, now: int) -> dict[str, Any]:
    status = batch.status(now)
    return {
        "id": str(uuid5(NAMESPACE_OID, batch.id)),
        "type": "llm-native",
        "provider": "azure-openai",
        "created_at": iso(batch.created_at),
        "status": WORDS.get(status, status.upper()),
    }


def _page(batches: BatchList, query: Mapping[str, str]) -> Reply:
    rows = [_row(batch, batches.clock) for batch in batches.visible()]
    return 200, {"count": len(rows), "resources": rows}


def _refusal(key: str) -> Any:
    return {"request_id": "request-1", "message": "Jwt verification fails"}


SAP = DemoVendor(
    root="/sap/v2",
    path="/llm-batch-service/v1/batches",
    row=_row,
    page=_page,
    refusal=_refusal,
    further_headers={"AI-Resource-Group": "demo"},
    read_as={"finalizing": "in_progress", "expired": "failed"},
    is_newest_first=False,
)
