"""Demo providers: one small web server that answers as the vendors' pages say.

It serves the demo, the tests and the benchmarks, and needs the extra `demo` (Starlette, Uvicorn).
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ai_batches import PROVIDERS, Account, ProviderSettings

from .batches import BatchList, make_list
from .loopback import LoopbackServer
from .results import MARKER
from .vendors import VENDORS, DemoVendor, ResultRoute, json_response

__all__ = ["MARKER", "VENDORS", "BatchList", "DemoProviders", "LoopbackServer", "make_list"]

TEndpoint = Callable[[Request], Awaitable[Response]]


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
        """Requests for its list that each provider got."""
        self.file_requests: Counter[str] = Counter()
        """Requests for results that each provider got: files, pages, single batches."""
        self.app = Starlette(
            routes=[
                *(
                    Route(VENDORS[name].root + VENDORS[name].path, self._list(name))
                    for name in lists
                ),
                *(
                    Route(
                        route.path if route.is_elsewhere else VENDORS[name].root + route.path,
                        self._results(name, route),
                    )
                    for name in lists
                    for route in VENDORS[name].results
                ),
            ]
        )

    def base_urls(self, server: LoopbackServer) -> dict[str, str]:
        """What to set as `base_url` for each provider."""
        return {name: server.url + VENDORS[name].root for name in self.lists}

    def settings(self, server: LoopbackServer) -> dict[str, ProviderSettings]:
        """Settings that point the source at a server of these endpoints, by provider name."""
        return {
            name: ProviderSettings(
                accounts=(
                    Account("default", self.keys[name], "the demo", headers=_own_headers(name)),
                ),
                base_url=url,
                page_size=PROVIDERS[name].page_size,
            )
            for name, url in self.base_urls(server).items()
        }

    def pass_time(self, seconds: int) -> None:
        """Moves every provider's clock on: new batches appear and open ones move on."""
        for batches in self.lists.values():
            batches.pass_time(seconds)

    def _list(self, name: str) -> TEndpoint:
        vendor: DemoVendor = VENDORS[name]

        async def endpoint(request: Request) -> Response:
            self.requests[name] += 1
            if refused := self._refused(name, request):
                return refused
            reply = json_response(*vendor.page(self.lists[name], request.query_params))
            return self._linked(vendor, request, reply)

        return endpoint

    def _results(self, name: str, route: ResultRoute) -> TEndpoint:
        vendor: DemoVendor = VENDORS[name]

        async def endpoint(request: Request) -> Response:
            self.file_requests[name] += 1
            if route.needs_key and (refused := self._refused(name, request)):
                return refused
            # it may have to make a whole file to know its length
            reply = await run_in_threadpool(route.answer, self.lists[name], request)
            return self._linked(vendor, request, reply)

        return endpoint

    def _refused(self, name: str, request: Request) -> Response | None:
        vendor: DemoVendor = VENDORS[name]
        sent = request.headers.get(vendor.key_header, "")
        has_all = all(request.headers.get(k) == v for k, v in vendor.further_headers.items())
        if sent == vendor.key_value(self.keys[name]) and has_all:
            return None
        return json_response(401, vendor.refusal(sent))

    def _linked(self, vendor: DemoVendor, request: Request, reply: Response) -> Response:
        """The reply with links to this server in place of the vendor's."""
        if not vendor.origin or isinstance(reply, StreamingResponse):
            return reply
        own = f"{str(request.base_url).rstrip('/')}{vendor.root}"
        body = bytes(reply.body).replace(vendor.origin.encode(), own.encode())
        return Response(body, reply.status_code, media_type=reply.media_type)


def _own_headers(name: str) -> dict[str, str]:
    """The headers that each account of a provider has to set."""
    settings = PROVIDERS[name].header_settings
    return {
        header: value
        for header, value in VENDORS[name].further_headers.items()
        if header in settings
    }
