"""A Slack hook for tests."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from commands import keys
from support import Lists


class Hook:
    """A hook of Slack that answers with a status, which tests change."""

    def __init__(self) -> None:
        self.status = 200
        self.took: list[str] = []
        """Texts that it took."""
        self.refused: list[str] = []
        self.url = ""

    async def receive(self, request: Request) -> Response:
        """Takes a text, or refuses it."""
        text = (await request.json())["text"]
        (self.took if self.status == 200 else self.refused).append(text)
        return PlainTextResponse("ok", self.status)

    def variables(self, lists: Lists, *providers: str) -> dict[str, str]:
        """Of the environment of a run that tells this hook."""
        return {**keys(lists, *providers), "RUNTIME__SLACK_INCOMING_HOOK": self.url}
