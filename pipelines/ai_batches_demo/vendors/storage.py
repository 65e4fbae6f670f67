"""Storage of result files on another host, for whoever has a signed address."""

from dataclasses import dataclass
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ..batches import BatchList
from .files import ResultFiles
from .vendor import ResultRoute


@dataclass(frozen=True)
class Storage:
    """Where a vendor's files lie.

    Args:
        name (str): First part of its paths.
        files (ResultFiles): The files.
    """

    name: str
    files: ResultFiles

    def link(self, request: Request, file_id: str) -> str:
        """The signed address of a file.

        Args:
            request (Request): Whom it is for.
            file_id (str): Id of the file.

        Returns:
            str: The address.
        """
        # another host, so that clients leave the key out as they do for the vendor's storage
        other = {"hostname": "localhost"} if request.url.hostname == "127.0.0.1" else {}
        path, query = f"/{self.name}/{file_id}.jsonl", f"signature={_signature(file_id)}"
        return str(request.url.replace(path=path, query=query, **other))

    @property
    def route(self) -> ResultRoute:
        """Where files are read."""
        path = f"/{self.name}/{{file_id}}.jsonl"
        return ResultRoute(path, self._answer, is_elsewhere=True, needs_key=False)

    def _answer(self, batches: BatchList, request: Request) -> Response:
        if "authorization" in request.headers:
            return PlainTextResponse("Only one way to authorize is allowed.", 400)
        if request.query_params.get("signature") != _signature(request.path_params["file_id"]):
            return PlainTextResponse("The signature is wrong.", 403)
        return self.files.answer(batches, request)


def _signature(file_id: str) -> str:
    return sha256(f"signed {file_id}".encode()).hexdigest()
