"""All vendors' lists in their own shapes, as the demo serves them, some time before each reply.

    python benchmarks/all_vendors.py --start 1800000000 --latency 0.05

The first line printed is a JSON object of settings for the environment. `GET /requests` returns
the number of requests, and `GET /requests/<provider>` how many of them to one provider.
"""

import argparse
import asyncio
import json
import signal
import sys
from typing import Any

from starlette.responses import PlainTextResponse

from ai_batches_demo import VENDORS, DemoProviders, LoopbackServer, make_list

BATCHES, OPEN_HOURS = 2_400, 12


class Slow:
    """Waits before each reply, and reports how many requests came.

    Args:
        providers (DemoProviders): What is served.
        latency (float): Seconds.
    """

    def __init__(self, providers: DemoProviders, latency: float) -> None:
        self._providers, self._latency = providers, latency

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers one request."""
        name, _, provider = scope["path"].strip("/").partition("/")
        if name == "requests":
            counts = self._providers.requests
            count = counts[provider] if provider else counts.total()
            await PlainTextResponse(str(count))(scope, receive, send)
            return
        await asyncio.sleep(self._latency)
        await self._providers.app(scope, receive, send)


def main() -> None:
    """Serves until it is killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", type=int, required=True, help="Unix seconds of the first run")
    parser.add_argument("--latency", type=float, default=0, help="seconds")
    parser.add_argument("--advanced", action="store_true", help="two hours later")
    options = parser.parse_args()
    providers = DemoProviders(
        {name: make_list(name, options.start, BATCHES, OPEN_HOURS) for name in VENDORS}
    )
    if options.advanced:
        providers.pass_time(2 * 3_600)
    with LoopbackServer(Slow(providers, options.latency)) as server:
        settings: dict[str, str] = {}
        for name, url in providers.base_urls(server).items():
            prefix = f"SOURCES__AI_BATCHES__{name.upper()}__"
            settings |= {prefix + "API_KEY": providers.keys[name], prefix + "BASE_URL": url}
        sys.stdout.write(json.dumps({"url": server.url, "settings": settings}) + "\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main()
