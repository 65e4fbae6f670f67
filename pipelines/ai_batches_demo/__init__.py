"""Demo providers: one small web server that answers as the vendors' pages say.

It serves the demo, the tests and the benchmarks, and needs the extra `demo` (Starlette, Uvicorn).
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_batches import PROVIDERS, Account, ProviderSettings

from .batches import BatchList, make_list
from .loopback import LoopbackServer
from .vendors import VENDORS, DemoVendor

__all__ = ["VENDORS", "BatchList", "DemoProviders", "LoopbackServer", "make_list"]


class DemoProviders:
    """The vendors' endpoints over lists of made-up batches.

    Args:
        lists (Mapping[str, BatchList]): What each provider lists, by provider name.
    """

    def __init__(self, lists: Mapping[str, BatchList]) -> None:
        self.lists = lists
        self.keys: dict[str, str] = {name: f"demo-0123456789-key-of-{name}" for name in lists}
        """The one key that each provider accepts."""
        self.requests: Counter[str] = Counter()
        """Requests that each provider got."""
        self.app = Starlette(
            routes=[
                Route(VENDORS[name].root + VENDORS[name].path, self._endpoint(name))
                for name in lists
            ]
        )

    def base_urls(self, server: LoopbackServer) -> dict[str, str]:
        """What to set as `base_url` for each provider."""
        return {name: server.url + VENDORS[name].root for name in self.lists}

    def settings(self, server: LoopbackServer) -> dict[str, ProviderSettings]:
        """Settings that point the source at a server of these endpoints, by provider name."""
        return {
            name: ProviderSettings(
                accounts=(Account("default", self.keys[name], "the demo"),),
                base_url=url,
                page_size=PROVIDERS[name].page_size,
            )
            for name, url in self.base_urls(server).items()
        }

    def pass_time(self, seconds: int) -> None:
        """Moves every provider's clock on: new batches appear and open ones move on."""
        for batches in self.lists.values():
            batches.pass_time(seconds)

    def _endpoint(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        vendor: DemoVendor = VENDORS[name]

        async def endpoint(request: Request) -> Response:
            self.requests[name] += 1
            sent = request.headers.get(vendor.key_header, "")
            has_all = all(request.headers.get(k) == v for k, v in vendor.further_headers.items())
            if sent != vendor.key_value(self.keys[name]) or not has_all:
                return _json(401, vendor.refusal(sent))
            return _json(*vendor.page(self.lists[name], request.query_params))

        return endpoint


def _json(status: int, body: object) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
