"""Serves one batch of one account, with a file of results of any length.

    python benchmarks/result_server.py --lines 50000

A line has the shape of OpenAI's and six kilobytes. The file is made as it is sent.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route

_ANSWER = "This is what a model wrote, and what nobody keeps. " * 110
_LINES_A_PART = 200


def _line(number: int) -> bytes:
    usage = {
        "prompt_tokens": 1_000 + number % 97,
        "completion_tokens": 1_200,
        "total_tokens": 2_200 + number % 97,
        "prompt_tokens_details": {"cached_tokens": 640, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 300, "audio_tokens": 0},
    }
    message: dict[str, Any] = {"role": "assistant", "content": _ANSWER, "refusal": None}
    body = {
        "id": f"chatcmpl-{number:012x}",
        "object": "chat.completion",
        "created": 1_790_000_000 + number,
        "model": "large-2-mini",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": usage,
        "service_tier": "default",
    }
    response = {"status_code": 200, "request_id": f"{number:032x}", "body": body}
    return orjson.dumps(
        {
            "id": f"batch_req_{number:032x}",
            "custom_id": f"request-{number:08d}",
            "response": response,
            "error": None,
        }
    )


def app(lines: int) -> Starlette:
    """The endpoints of the account.

    Args:
        lines (int): Of the file.
    """
    now = int(time.time())
    size = lines * (len(_line(0)) + 1)
    row = {
        "id": "batch_1",
        "status": "completed",
        "output_file_id": "file-1",
        "created_at": now - 7_200,
        "completed_at": now - 3_600,
        "request_counts": {"total": lines, "completed": lines, "failed": 0},
    }

    def parts() -> Iterator[bytes]:
        for start in range(0, lines, _LINES_A_PART):
            some = map(_line, range(start, min(start + _LINES_A_PART, lines)))
            yield b"\n".join(some) + b"\n"

    asked: Counter[str] = Counter()

    def batches(request: Request) -> JSONResponse:
        asked["list"] += 1
        return JSONResponse({"data": [row], "has_more": False})

    def requests(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(asked.total()))

    def file(request: Request) -> StreamingResponse:
        asked["file"] += 1
        return StreamingResponse(parts(), headers={"content-length": str(size)})

    return Starlette(
        routes=[
            Route("/requests", requests),
            Route("/openai/v1/batches", batches),
            Route("/openai/v1/files/file-1/content", file),
        ]
    )


def main() -> None:
    """Serves on a free port, which it prints first."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--lines", type=int, default=50_000)
    options = parser.parse_args()
    config = uvicorn.Config(
        app(options.lines), port=0, log_level="critical", access_log=False, lifespan="off"
    )
    socket = config.bind_socket()
    sys.stdout.write(f"http://127.0.0.1:{socket.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[socket])


if __name__ == "__main__":
    main()
