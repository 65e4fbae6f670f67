"""A server that attacks whoever asks it: slow, endless, huge or broken replies on bare sockets."""

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Attack = Callable[[socket.socket], None]

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_MB = 1_000_000


@contextmanager
def hostile(attack: Attack) -> Iterator[str]:
    """Serves an attack on loopback; yields the address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        threading.Thread(target=_accept, args=(listener, attack), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def _accept(listener: socket.socket, attack: Attack) -> None:
    with suppress(OSError):
        while True:
            connection = listener.accept()[0]
            threading.Thread(target=_answer, args=(connection, attack), daemon=True).start()


def _answer(connection: socket.socket, attack: Attack) -> None:
    with suppress(OSError), connection:
        while connection.recv(65_536):
            attack(connection)


def _drip(connection: socket.socket, text: bytes, seconds: float) -> None:
    while True:
        connection.sendall(text)
        time.sleep(seconds)


def dripping_body(connection: socket.socket) -> None:
    """A byte now and then."""
    connection.sendall(_OK + b"Content-Length: 100000\r\n\r\n")
    _drip(connection, b" ", 0.5)


def dripping_to_the_end(connection: socket.socket) -> None:
    """A byte now and then, of a body that ends with the connection."""
    connection.sendall(_OK + b"Connection: close\r\n\r\n")
    _drip(connection, b" ", 0.5)


def dripping_in_old_http(connection: socket.socket) -> None:
    """The same in HTTP/1.0, with a length."""
    head = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
    connection.sendall(head)
    _drip(connection, b" ", 0.5)


def dripping_chunks(connection: socket.socket) -> None:
    """Parts of a byte each."""
    connection.sendall(_OK + b"Transfer-Encoding: chunked\r\n\r\n")
    _drip(connection, b"1\r\n \r\n", 0.5)


def dripping_headers(connection: socket.socket) -> None:
    """A header that is sent byte by byte."""
    connection.sendall(_OK + b"X-Slow: ")
    _drip(connection, b"a", 0.5)


def continuing(connection: socket.socket) -> None:
    """Nothing but the promise of a reply."""
    _drip(connection, b"HTTP/1.1 100 Continue\r\n\r\n", 0.2)


def silent(connection: socket.socket) -> None:
    """Nothing at all."""
    time.sleep(600)


def asking_to_wait(connection: socket.socket) -> None:
    """An hour, for each request."""
    connection.sendall(
        b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3600\r\nContent-Length: 2\r\n\r\n{}"
    )


def asking_to_wait_a_little(connection: socket.socket) -> None:
    """Just less than a page's time, again and again."""
    connection.sendall(b"HTTP/1.1 503 Unavailable\r\nRetry-After: 2\r\nContent-Length: 2\r\n\r\n{}")


def bomb(connection: socket.socket) -> None:
    """Three gigabytes of blanks in three megabytes."""
    _send_bomb(connection, b"200 OK")


def bomb_of_an_error(connection: socket.socket) -> None:
    """The same with a status of an error."""
    _send_bomb(connection, b"400 Bad Request")


def bomb_of_a_redirect(connection: socket.socket) -> None:
    """The same in the body of a redirect, again and again."""
    _send_bomb(connection, b"302 Found\r\nLocation: /again")


def bomb_of_deflate(connection: socket.socket) -> None:
    """The same, compressed in another way."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b" " * _MB) for _ in range(3_000)) + packer.flush()
    head = b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(packed)
    connection.sendall(_OK + head + packed)


def bomb_in_a_text(connection: socket.socket) -> None:
    """A right page, with a row whose description has three gigabytes."""
    start, end = b'{"data": [{"id": "batch_1", "description": "', b'"}], "has_more": false}'
    part = gzip.compress(b"x" * 100 * _MB)
    _send_packed(connection, b"200 OK", [gzip.compress(start), *[part] * 30, gzip.compress(end)])


def bomb_packed_twice(connection: socket.socket) -> None:
    """Three gigabytes of blanks in some kilobytes."""
    packed = gzip.compress(gzip.compress(b" " * 100 * _MB) * 30)
    _send_packed(connection, b"200 OK", [packed], b"gzip, gzip")


def packed_often(connection: socket.socket) -> None:
    """A small reply that is said to be compressed ten thousand times."""
    _send_packed(connection, b"200 OK", [gzip.compress(b"{}")], b", ".join([b"gzip"] * 10_000))


def _send_bomb(connection: socket.socket, status: bytes) -> None:
    _send_packed(connection, status, [gzip.compress(b" " * 100 * _MB)] * 30)


def _send_packed(
    connection: socket.socket, status: bytes, parts: list[bytes], encoding: bytes = b"gzip"
) -> None:
    head = b"HTTP/1.1 %b\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n"
    connection.sendall(head % (status, encoding, sum(map(len, parts))))
    for part in parts:
        connection.sendall(part)


def endless(connection: socket.socket) -> None:
    """A body without end."""
    connection.sendall(_OK + b"\r\n[")
    while True:
        connection.sendall(b" " * _MB)


def endless_error(connection: socket.socket) -> None:
    """An error without end."""
    connection.sendall(b"HTTP/1.1 500 Error\r\n\r\n")
    while True:
        connection.sendall(b"sorry " * 100_000)


def endless_size(connection: socket.socket) -> None:
    """A part whose size has no end."""
    connection.sendall(_OK + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"0" * _MB)


def endless_header(connection: socket.socket) -> None:
    """A header without end."""
    connection.sendall(_OK + b"X-Long: ")
    while True:
        connection.sendall(b"a" * _MB)


def declared_huge(connection: socket.socket) -> None:
    """A length of 100 GB, and then nothing."""
    connection.sendall(_OK + b"Content-Length: 100000000000\r\n\r\n{")
    time.sleep(600)


def redirecting(connection: socket.socket) -> None:
    """Redirects for ever, to itself."""
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /more\r\nContent-Length: 0\r\n\r\n")


ATTACKS: tuple[Attack, ...] = (
    dripping_body,
    dripping_to_the_end,
    dripping_in_old_http,
    dripping_chunks,
    dripping_headers,
    continuing,
    silent,
    asking_to_wait,
    asking_to_wait_a_little,
    bomb,
    bomb_of_an_error,
    bomb_of_a_redirect,
    bomb_of_deflate,
    bomb_in_a_text,
    bomb_packed_twice,
    packed_often,
    endless,
    endless_error,
    endless_size,
    endless_header,
    declared_huge,
    redirecting,
)
