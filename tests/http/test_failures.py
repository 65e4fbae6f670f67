"""Errors say why: the server's or the system's reason, what to do, and never a key."""

import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

import servers
from ai_batches import PROVIDERS, AiBatchesError, AuthenticationError, RequestError
from ai_batches.errors import BadPageError, TransientRequestError
from ai_batches.http.client import BatchListClient
from commands import keys, run
from support import KEY, Lists, TAnswer, batch, failure, page

NOT_ENABLED = (
    "Cloud AI Platform API has not been used in project 1234 before or it is disabled. Enable it by"
    " visiting https://console.developers.google.com/apis/api/aiplatform.googleapis.com"
)
MISSING_SCOPES = (
    "You have insufficient permissions for this operation. Missing scopes: api.batches.read"
)
SIGN_IN = "<!DOCTYPE html><html><head><title>Sign in to\n Corp&amp;Co</title></head></html>"
BLOCKED = "<html><head><title>Attention Required! | Cloudflare</title></head><body>x</body></html>"


def refuse(lists: Lists, **settings: Any) -> tuple[AiBatchesError, int]:
    """Asks for OpenAI's list; returns the error and how many requests were made."""
    chosen = lists.settings("openai", **settings)["openai"]
    client = BatchListClient(PROVIDERS["openai"], chosen, chosen.accounts[0])
    try:
        with pytest.raises(AiBatchesError) as caught:
            list(client.pages())
    finally:
        client.close()
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None
    return caught.value, client.requests


def web_page(text: str, status: int = 200, kind: str = "text/html") -> Response:
    """A reply of a page for people."""
    return Response(text, status, media_type=kind)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (403, {"error": {"message": NOT_ENABLED, "code": 403, "details": []}}, NOT_ENABLED),
        (403, [{"error": {"message": NOT_ENABLED, "status": "PERMISSION_DENIED"}}], NOT_ENABLED),
        (401, {"error": {"message": MISSING_SCOPES}}, MISSING_SCOPES),
        (403, {"error": "Key is over its budget"}, "Key is over its budget"),
        (401, {"detail": [{"loc": ["header"], "msg": "No such user"}]}, "No such user"),
        (401, {"message": "No such team"}, "No such team"),
        (403, {"errors": [{"message": "No seat"}, {"message": "No plan"}]}, "No seat; No plan"),
        (
            401,
            {"error": "invalid_token", "error_description": "It expired"},
            "invalid_token; It expired",
        ),
        (401, {"code": 7, "msg": "令牌已过期"}, "令牌已过期"),
        (403, {"type": "x:y", "title": "Denied", "detail": "By a rule"}, "Denied; By a rule"),
        (401, {"fault": {"faultstring": "Invalid ApiKey"}}, "Invalid ApiKey"),
        (403, {"Message": "User is not in the group"}, "User is not in the group"),
        (403, {"error": {"code": "region_blocked"}}, "region_blocked"),
    ],
)
def test_what_is_said_of_a_refused_key_is_quoted(
    lists: Lists, status: int, body: Any, said: str
) -> None:
    lists.serve("openai", failure(status, body))
    error, requests = refuse(lists)
    assert type(error) is AuthenticationError
    assert f"refused the key (HTTP {status})" in error.problem
    assert error.problem.endswith(f", saying: {said}")
    assert "the test" in error.remedy
    assert requests == 1


def test_each_reason_has_a_remedy_of_its_own(lists: Lists) -> None:
    remedies = set()
    for said in (NOT_ENABLED, MISSING_SCOPES, "Incorrect API key provided"):
        lists.serve("openai", failure(403, {"error": {"message": said}}))
        remedies.add(refuse(lists)[0].remedy)
    assert len(remedies) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 500])
@pytest.mark.parametrize(
    ("echo", "told"),
    [
        (f"Incorrect API key provided: {KEY}. See the page of keys", "See the page of keys"),
        (f"Incorrect API key provided: {KEY[:5]}***{KEY[-4:]}, see there", "Incorrect API key"),
        (f"Incorrect API key provided: {KEY[:4]}...{KEY[-4:]}, see there", "Incorrect API key"),
        (f"The key key=…{KEY[-3:]} was revoked today", "was revoked today"),
        (f"The key that ends in {KEY[-4:]} was revoked", "The key that ends in"),
        (f"Key {KEY.upper()} is not in use here", "is not in use here"),
        (f"no {KEY}", None),
        (f"Bad key: '{KEY[:8]}********'", None),
        (KEY, None),
    ],
)
def test_no_part_of_a_key_is_quoted(
    monkeypatch: pytest.MonkeyPatch, lists: Lists, status: int, echo: str, told: str | None
) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "1")
    lists.serve("openai", failure(status, {"error": {"message": echo}}))
    problem = refuse(lists)[0].problem
    if told is None:
        assert "saying" not in problem
    else:
        assert told in problem
    words = problem.lower().replace("refused the key", "").replace("the key", "")
    for size in (3, 4, 6):
        assert KEY[-size:] not in words
    assert KEY[:6] not in words


def test_what_is_quoted_is_one_short_line(lists: Lists) -> None:
    said = "first\r\nFAILED forged\x1b[31m\u202e line\u2028 " + "and so on " * 10_000
    lists.serve("openai", failure(400, {"error": said}))
    problem = refuse(lists)[0].problem
    assert r"first\r\nFAILED forged\x1b[31m\u202e line\u2028 and so on" in problem
    assert problem.isprintable()
    assert len(problem) < 400


@pytest.mark.parametrize(
    ("answer", "title", "kind"),
    [
        (web_page(BLOCKED, 403), "Attention Required! | Cloudflare", RequestError),
        (web_page(SIGN_IN, 401), "Sign in to Corp&Co", RequestError),
        (web_page(BLOCKED, 403, "text/plain"), "Attention Required!", RequestError),
        (web_page("<body>Zscaler</body>", 403), "", RequestError),
        (
            web_page("<html><title>502 Bad Gateway</title>", 502),
            "502 Bad Gateway",
            TransientRequestError,
        ),
        (web_page(SIGN_IN), "Sign in to Corp&Co", BadPageError),
    ],
)
def test_a_web_page_is_not_the_vendors_word(
    monkeypatch: pytest.MonkeyPatch,
    lists: Lists,
    answer: Response,
    title: str,
    kind: type[AiBatchesError],
) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "1")
    lists.serve("openai", answer)
    error, _ = refuse(lists)
    assert type(error) is kind
    assert "web page" in error.problem
    assert title in error.problem
    assert "<" not in error.problem
    assert "proxy or a firewall" in error.remedy


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Response("upstream connect error", 400, media_type="text/plain"), "upstream connect"),
        (Response(b"na\xefve", 400, {"content-type": "text/plain; charset=latin-1"}), "naïve"),
        (
            Response("<?xml version='1.0'?><Error><Message>No such bucket</Message></Error>", 400),
            "No such bucket",
        ),
        (Response("hello there", media_type="text/plain"), "hello there"),
        (failure(429, {"error": {"message": "Slow down"}}), "Slow down"),
    ],
)
def test_any_reply_is_quoted(
    monkeypatch: pytest.MonkeyPatch, lists: Lists, answer: TAnswer, said: str
) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "1")
    lists.serve("openai", answer)
    assert said in refuse(lists)[0].problem


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Response(status_code=204), "HTTP 204, which means no content"),
        (Response(status_code=205), "HTTP 205, which means no content"),
        (Response(status_code=302), "HTTP 302, and names no address to go to"),
        (Response(status_code=302, headers={"location": ""}), "HTTP 302, and names no address"),
        (Response(status_code=304), "HTTP 304, and names no address"),
        (Response(status_code=300), "HTTP 300, and names no address"),
        (Response("hello 研究".encode("utf-16"), media_type="text/plain"), "hello 研究"),
        (Response("hello".encode("utf-16-le"), 400), "saying: hello"),
        (Response("hello 研究".encode("utf-32"), 401), "saying: hello 研究"),
        (Response('{"error": "no 研究"}'.encode("utf-16-le"), 403), "saying: no 研究"),
        (
            Response("ключ".encode("koi8-r"), 400, {"content-type": "text/plain; charset=koi8-r"}),
            "saying: ключ",
        ),
        (
            Response("<html><title>Войдите</title>".encode("utf-16"), media_type="text/html"),
            "a web page, saying: Войдите",
        ),
        (Response(status_code=302, headers={"location": "http://[bad"}), "an invalid address"),
        (
            Response(status_code=302, headers={"location": b"http://x/\xff".decode("latin-1")}),
            "an invalid address",
        ),
    ],
)
def test_replies_without_a_list_and_in_other_encodings_are_named(
    lists: Lists, answer: Response, said: str
) -> None:
    lists.serve("openai", answer)
    error, requests = refuse(lists)
    assert said in error.problem
    assert requests == 1


@pytest.mark.parametrize("encoding", ["gzip", "deflate", ", ".join(["gzip"] * 1_000)])
def test_a_reply_that_cannot_be_decompressed_is_named(
    monkeypatch: pytest.MonkeyPatch, lists: Lists, encoding: str
) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "1")
    lists.serve("openai", Response("hello", headers={"content-encoding": encoding}))
    assert "the reply could not be decompressed" in refuse(lists)[0].problem


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-8-sig", "gb18030"])
def test_a_list_in_another_encoding_is_read(lists: Lists, encoding: str) -> None:
    text = json.dumps(page([batch(1, id="研究")]), ensure_ascii=False)
    kind = {"content-type": f'application/json; charset="{encoding}"'}
    lists.serve("openai", Response(text.encode(encoding), headers=kind))
    chosen = lists.settings("openai")["openai"]
    client = BatchListClient(PROVIDERS["openai"], chosen, chosen.accounts[0])
    assert [row["id"] for each in client.pages() for row in each.rows] == ["研究"]
    client.close()


class Handler(BaseHTTPRequestHandler):
    """Answers as a list, and as a proxy that asks for a login."""

    def do_GET(self) -> None:
        """A page of one batch; or around in circles; or what a proxy says without a login."""
        body = b'{"data": [], "has_more": false}'
        status = 302 if "circles" in self.path else 407 if "//" in self.path else 200
        self.send_response(status)
        if status == 302:
            self.send_header("location", "/circles")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_CONNECT(self) -> None:
        """Refuses: without a login, or for that host."""
        self.send_response(403 if "forbidden" in self.path else 407)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""


@contextmanager
def serving(folder: Path | None = None, host: str = "127.0.0.1") -> Iterator[str]:
    """Serves on loopback; with a folder over TLS, with a certificate of its own for a host."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if folder:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"{'https' if folder else 'http'}://{host}:{server.server_port}"
        finally:
            server.shutdown()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate that nobody signed, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2"]
    subprocess.run(  # noqa: S603
        [servers.program("openssl"), "req", "-x509", *kind, *names, *files],
        check=True,
        capture_output=True,
    )
    return folder


def test_a_certificate_that_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch, lists: Lists, certificate: Path
) -> None:
    with serving(certificate) as url:
        error, requests = refuse(lists, base_url=url)
        assert type(error) is TransientRequestError
        assert "certificate of 127.0.0.1 is not trusted (self" in error.problem
        assert "REQUESTS_CA_BUNDLE" in error.remedy
        assert requests == 1
        monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
        assert "SSL_CERT_FILE is not looked at" in refuse(lists, base_url=url)[0].remedy
        monkeypatch.setenv("CURL_CA_BUNDLE", str(certificate))
        assert f"CURL_CA_BUNDLE: {certificate}" in refuse(lists, base_url=url)[0].remedy
        monkeypatch.setenv("CURL_CA_BUNDLE", str(certificate / "cert.pem"))
        other = url.replace("127.0.0.1", "localhost")
        error, requests = refuse(lists, base_url=other)
        assert "certificate of localhost is not trusted (Hostname mismatch" in error.problem
        assert requests == 1
        chosen = lists.settings("openai", base_url=url)["openai"]
        client = BatchListClient(PROVIDERS["openai"], chosen, chosen.accounts[0])
        assert [page.rows for page in client.pages()] == [[]]
        client.close()


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, lists: Lists, certificate: Path, variable: str
) -> None:
    with serving(certificate) as url:
        missing = certificate / "missing.pem"
        monkeypatch.setenv(variable, str(missing))
        error, requests = refuse(lists, base_url=url)
        assert f"{variable} names a file that does not exist: {missing}" in error.problem
        assert variable in error.remedy
        assert requests == 1
        monkeypatch.setenv(variable, str(certificate / "key.pem"))
        error, requests = refuse(lists, base_url=url)
        assert f"{variable} names {certificate / 'key.pem'}, which holds no cert" in error.problem
        assert requests == 1


def test_a_server_that_does_not_speak_tls(lists: Lists) -> None:
    with serving() as url:
        error, requests = refuse(lists, base_url=url.replace("http:", "https:"))
    assert "no secure connection with 127.0.0.1 (" in error.problem
    assert "http:// instead of https://" in error.remedy
    assert requests == 1


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps proxies and certificates of this machine out."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> None:
    """No exemption from proxies."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


LOGIN = "someuser:pass-word-0123456789"


@pytest.mark.usefixtures("proxied")
@pytest.mark.parametrize(
    ("variable", "address"),
    [
        ("HTTP_PROXY", "http://v.invalid"),
        ("https_proxy", "https://v.invalid"),
        ("ALL_PROXY", "https://v.invalid"),
    ],
)
@pytest.mark.parametrize(
    ("proxy", "said"),
    [
        (f"http://{LOGIN}@", "is not a valid address"),
        (f"http://{LOGIN}@ho st:99999", "is not a valid address"),
        (f"http://{LOGIN}@[::1", "is not a valid address"),
        (f"{LOGIN}@127.0.0.1:port", "is not a valid address"),
        (f"{LOGIN}@127.0.0.1:9", "is not a valid address"),
        (f"ftp://{LOGIN}@127.0.0.1:9", "is not a valid address"),
        (f"http://{LOGIN}@127.0.0.1:99999", "is not a valid address"),
    ],
)
def test_a_proxy_that_is_not_an_address(
    monkeypatch: pytest.MonkeyPatch,
    lists: Lists,
    variable: str,
    address: str,
    proxy: str,
    said: str,
) -> None:
    monkeypatch.setenv(variable, proxy)
    error, requests = refuse(lists, base_url=address)
    assert f"the proxy in the environment variable {variable} {said}" in error.problem
    assert requests == 1
    for part in (*LOGIN.split(":"), "pass-w"):
        assert part not in str(error)


@pytest.mark.usefixtures("proxied")
@pytest.mark.parametrize("proxy", [f"http://{LOGIN}@127.0.0.1:9", "127.0.0.1:9"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_down(
    monkeypatch: pytest.MonkeyPatch, lists: Lists, scheme: str, proxy: str
) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "2")
    variable = f"{scheme.upper()}_PROXY"
    monkeypatch.setenv(variable, proxy)
    error, requests = refuse(lists, base_url=f"{scheme}://v.invalid")
    named = f"no connection to the proxy 127.0.0.1:9 (environment variable {variable}) (["
    assert named in error.problem
    assert "Connection refused" in error.problem
    assert variable in error.remedy
    assert LOGIN[:6] not in str(error)
    # it may be up again soon
    assert requests == 2


@pytest.mark.usefixtures("proxied")
def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch, lists: Lists) -> None:
    with serving() as url:
        proxy = url.replace("//", f"//{LOGIN}@")
        for scheme in ("http", "https"):
            variable = f"{scheme.upper()}_PROXY"
            monkeypatch.setenv(variable, proxy)
            error, requests = refuse(lists, base_url=f"{scheme}://v.invalid")
            named = f"the proxy {url[7:]} (environment variable {variable}) asks for a login"
            assert named in error.problem
            assert variable in error.remedy
            assert requests == 1
        error, requests = refuse(lists, base_url="https://forbidden.invalid")
        assert "refuses to connect to forbidden.invalid (403 Forbidden)" in error.problem
        assert requests == 1
        assert LOGIN[:6] not in str(error)


def test_a_host_that_is_not_there(monkeypatch: pytest.MonkeyPatch, lists: Lists) -> None:
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "2")
    error, requests = refuse(lists, base_url="http://vendor.invalid")
    assert "no connection: the host vendor.invalid cannot be found (" in error.problem
    assert requests == 2


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999", "http://*.example"])
def test_an_address_that_is_none(
    monkeypatch: pytest.MonkeyPatch, lists: Lists, address: str
) -> None:
    for proxy in ("", "http://127.0.0.1:9"):
        monkeypatch.setenv("ALL_PROXY", proxy)
        error, _ = refuse(lists, base_url=address)
        assert "`base_url` is not a valid address" in error.problem


def test_redirects_without_end(lists: Lists) -> None:
    with serving() as url:
        error, _ = refuse(lists, base_url=f"{url}/circles")
    assert "redirects again and again" in error.problem


@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_the_command_says_why_and_so_does_check(
    lists: Lists, certificate: Path, debug: tuple[str, ...]
) -> None:
    lists.serve("kimi", failure(401, {"error": {"message": MISSING_SCOPES}}))
    lists.serve("novita", page([batch(1)]))
    with serving(certificate) as url:
        variables = keys(lists, "openai", "kimi", "novita")
        variables["SOURCES__AI_BATCHES__OPENAI__BASE_URL"] = url
        for command in (("load",), ("check",)):
            code, printed, _ = run(*command, *debug, **variables)
            assert code == 1
            assert "certificate of 127.0.0.1 is not trusted (self" in printed
            assert "Missing scopes: api.batches.read" in printed
