"""Replies of models to single requests, in OpenAI's shapes: by endpoint."""

from typing import Any

from ..batches import Batch
from ..results import MARKER, Outcome


def reply_body(batch: Batch, outcome: Outcome, endpoint: str, model: str) -> dict[str, Any]:
    """What the endpoint would have answered to a request that succeeded.

    Args:
        batch (Batch): The batch.
        outcome (Outcome): What became of the request.
        endpoint (str): Path of the endpoint, as the batch names it.
        model (str): The model that answered.

    Returns:
        dict[str, Any]: The body.
    """
    if endpoint.endswith("/embeddings"):
        return _embedding(outcome, model)
    if endpoint.endswith("/responses"):
        return _response(batch, outcome, model)
    return chat_completion(batch, outcome, model)


def chat_completion(batch: Batch, outcome: Outcome, model: str) -> dict[str, Any]:
    """A chat completion, with its usage."""
    return {
        "id": f"chatcmpl-{outcome.number}",
        "object": "chat.completion",
        "created": batch.created_at,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": outcome.text, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop" if outcome.number % 20 else "length",
            }
        ],
        "usage": chat_usage(outcome),
        "service_tier": "default",
        "system_fingerprint": None,
    }


def chat_usage(outcome: Outcome) -> dict[str, Any]:
    """Tokens of a request, as chat completions report them."""
    tokens = outcome.tokens
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cached},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    }


def _response(batch: Batch, outcome: Outcome, model: str) -> dict[str, Any]:
    tokens = outcome.tokens
    is_cut = outcome.number % 20 == 0
    return {
        "id": f"resp_{outcome.number}",
        "object": "response",
        "created_at": batch.created_at,
        "status": "incomplete" if is_cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
        "error": None,
        "model": model,
        "output": [
            {
                "id": f"msg_{outcome.number}",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": outcome.text, "annotations": []}],
            }
        ],
        "service_tier": "default",
        "usage": {
            "input_tokens": tokens.input,
            "input_tokens_details": {"cached_tokens": tokens.cached},
            "output_tokens": tokens.output,
            "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
            "total_tokens": tokens.input + tokens.output,
        },
    }


def _embedding(outcome: Outcome, model: str) -> dict[str, Any]:
    return {
        "object": "list",
        # a text, as if base64 had been asked for, so that the marker is in this output, too
        "data": [{"object": "embedding", "index": 0, "embedding": MARKER}],
        "model": model,
        "usage": {"prompt_tokens": outcome.tokens.input, "total_tokens": outcome.tokens.input},
    }
