"""A file that breaks off is gone on with where that is safe, else begun again; rows stay exact."""

import gzip
import zlib

import pytest

from file_server import (
    ETAG,
    Asked,
    FileServer,
    ServedFile,
    TAnswerer,
    TTables,
    chunked,
    ended_batch,
    gzipped,
    head,
    lines,
    read_results,
    reply,
)

CONTENT = lines(60)
SIZE = len(CONTENT)
TENTHS = [SIZE * tenth // 10 for tenth in range(1, 10)]
HALF = SIZE // 2


@pytest.fixture(scope="module")
def undisturbed() -> TTables:
    """What a download without any trouble gives."""
    with FileServer() as server:
        server.serve("out", ServedFile(CONTENT))
        return read_results(server, ended_batch())


def outcome(tables: TTables) -> tuple[str, int | None, int | None]:
    """What came of the only file: outcome, bytes and lines."""
    (row,) = tables["batch_files"]
    return row["outcome"], row["bytes"], row["lines"]


def assert_whole(tables: TTables, undisturbed: TTables) -> None:
    """The file counts as loaded, and its rows are those of an undisturbed download."""
    assert outcome(tables) == ("loaded", SIZE, 60)
    assert tables["batch_requests"] == undisturbed["batch_requests"]
    assert tables["batch_usage"] == undisturbed["batch_usage"]
    assert len(tables["batch_requests"]) == 60


def assert_not_loaded(tables: TTables) -> None:
    """The file counts as broken, and nothing of it was loaded."""
    assert outcome(tables) == ("broken", None, None)
    assert tables["batch_requests"] == tables["batch_usage"] == []


def test_a_cut_at_each_tenth_costs_no_byte_twice(
    file_server: FileServer, undisturbed: TTables
) -> None:
    file = ServedFile(CONTENT, [SIZE // 10] * 9)
    file_server.serve("out", file)
    assert_whole(read_results(file_server, ended_batch()), undisturbed)
    assert file.starts == [0, *(SIZE // 10 * tenth for tenth in range(1, 10))]
    assert [asked.headers.get("if-range") for asked in file_server.asked] == [None] + [ETAG] * 9


@pytest.mark.parametrize("cut", [0, 1, *TENTHS, SIZE - 1])
def test_a_cut_is_gone_on_with(file_server: FileServer, undisturbed: TTables, cut: int) -> None:
    file = ServedFile(CONTENT, [cut])
    file_server.serve("out", file)
    assert_whole(read_results(file_server, ended_batch()), undisturbed)
    assert file.starts == [0, cut]


@pytest.mark.parametrize(
    ("etag", "ranges"),
    [('W/"version-1"', "bytes"), (None, "bytes"), (ETAG, None), (ETAG, "none")],
    ids=["weak ETag", "no ETag", "no Accept-Ranges", "Accept-Ranges: none"],
)
@pytest.mark.parametrize("cut", [TENTHS[0], TENTHS[-1]])
def test_what_cannot_be_gone_on_with_is_begun_again(
    file_server: FileServer, undisturbed: TTables, etag: str | None, ranges: str | None, cut: int
) -> None:
    file = ServedFile(CONTENT, [cut], etag, ranges)
    file_server.serve("out", file)
    assert_whole(read_results(file_server, ended_batch()), undisturbed)
    assert file.starts == [0, 0]
    assert not any("range" in asked.headers for asked in file_server.asked)


class Part(ServedFile):
    """A file whose rest is answered in some wrong way, once."""

    def __call__(self, asked: Asked) -> bytes:
        if not asked.start or len(self.starts) > 1:
            return super().__call__(asked)
        self.starts.append(asked.start)
        return self.rest(asked.start)

    def rest(self, start: int) -> bytes:
        """What is sent instead of the rest."""
        raise NotImplementedError


class LiesAboutItsRange(Part):
    def rest(self, start: int) -> bytes:
        body = self.content[start - 100 :]
        return self.part(start, body, self.etag, f"bytes {start - 100}-{SIZE - 1}/{SIZE}")


class HasAnotherTotal(Part):
    def rest(self, start: int) -> bytes:
        body = self.content[start:]
        return self.part(start, body, self.etag, f"bytes {start}-{SIZE - 1}/{SIZE + 7}")


class HasNoRange(Part):
    def rest(self, start: int) -> bytes:
        return reply(self.content[start:], 206, etag=self.etag)


class AnswersTheWhole(Part):
    def rest(self, start: int) -> bytes:
        return reply(self.content, etag=self.etag, accept_ranges="bytes")


class KnowsNoSuchRange(Part):
    def rest(self, start: int) -> bytes:
        return reply(b"", 416, content_range=f"bytes */{SIZE}")


class WantsNoCondition(Part):
    def rest(self, start: int) -> bytes:
        return reply(b"", 412)


class CompressesTheRest(Part):
    def rest(self, start: int) -> bytes:
        body = self.content[start:]
        return (
            head(
                206,
                {
                    "content-length": len(body),
                    "content-encoding": "gzip",
                    "content-range": f"bytes {start}-{SIZE - 1}/{SIZE}",
                },
            )
            + body
        )


class SendsMore(Part):
    def rest(self, start: int) -> bytes:
        body = self.content[start:] + b"more"
        return self.part(start, body, self.etag, f"bytes {start}-{SIZE - 1}/{SIZE}")


class IsAnotherVersion(Part):
    def rest(self, start: int) -> bytes:
        body = self.content[start:]
        return self.part(start, body, '"version-2"', f"bytes {start}-{SIZE - 1}/{SIZE}")


@pytest.mark.parametrize(
    "kind",
    [
        LiesAboutItsRange,
        HasAnotherTotal,
        HasNoRange,
        AnswersTheWhole,
        KnowsNoSuchRange,
        WantsNoCondition,
        CompressesTheRest,
        SendsMore,
        IsAnotherVersion,
    ],
)
@pytest.mark.parametrize("cut", [HALF, SIZE - 1], ids=["half", "at the end"])
def test_a_rest_that_does_not_fit_has_the_file_begun_again(
    file_server: FileServer, undisturbed: TTables, kind: type[Part], cut: int
) -> None:
    file = kind(CONTENT, [cut])
    file_server.serve("out", file)
    assert_whole(read_results(file_server, ended_batch()), undisturbed)
    assert file.starts == [0, cut, 0]


def test_a_rest_may_come_without_an_etag_or_a_total(
    file_server: FileServer, undisturbed: TTables
) -> None:
    class SaysLittle(Part):
        def rest(self, start: int) -> bytes:
            body = self.content[start:]
            return self.part(start, body, None, f"bytes {start}-{SIZE - 1}/*")

    file = SaysLittle(CONTENT, [HALF])
    file_server.serve("out", file)
    assert_whole(read_results(file_server, ended_batch()), undisturbed)
    assert file.starts == [0, HALF]


def test_a_file_that_changes_between_its_parts_is_read_as_it_is_then(
    file_server: FileServer, undisturbed: TTables
) -> None:
    versions = [ServedFile(lines(80), [HALF], '"version-0"'), ServedFile(CONTENT)]

    def answer(asked: Asked) -> bytes:
        return versions[0 if not versions[0].starts else 1](asked)

    file_server.serve("out", answer)
    tables = read_results(file_server, ended_batch())
    assert_whole(tables, undisturbed)
    assert tables["batch_files"][0]["etag"] == ETAG


def whole_in_gzip(asked: Asked) -> bytes:
    return gzipped(CONTENT)


def two_parts_in_gzip(asked: Asked) -> bytes:
    """Two streams behind each other are one file."""
    packed = gzip.compress(CONTENT[:HALF]) + gzip.compress(CONTENT[HALF:])
    return head(200, {"content-length": len(packed), "content-encoding": "gzip"}) + packed


def in_deflate(asked: Asked) -> bytes:
    packed = zlib.compress(CONTENT)
    return head(200, {"content-length": len(packed), "content-encoding": "deflate"}) + packed


def whole_in_chunks(asked: Asked) -> bytes:
    return chunked(CONTENT)


@pytest.mark.parametrize("whole", [whole_in_gzip, two_parts_in_gzip, in_deflate, whole_in_chunks])
def test_a_file_whose_size_is_not_known_is_begun_again_until_it_is_whole(
    file_server: FileServer, undisturbed: TTables, whole: TAnswerer
) -> None:
    def cut_twice(asked: Asked) -> bytes:
        sent = bytes(whole(asked))  # type: ignore[arg-type]
        return sent if file_server.count("out") == 3 else sent[: -len(sent) // 3]

    file_server.serve("out", cut_twice)
    assert_whole(read_results(file_server, ended_batch()), undisturbed)
    assert file_server.count("out") == 3
    assert not any("range" in asked.headers for asked in file_server.asked)


def old_http(asked: Asked) -> bytes:
    """Ends with the connection: a cut cannot be told from the end."""
    return head(200, {}, "1.0") + CONTENT


def no_length(asked: Asked) -> bytes:
    return head(200, {"etag": ETAG}) + CONTENT


def cut_chunks(asked: Asked) -> bytes:
    return chunked(CONTENT, is_whole=False)


def cut_gzip(asked: Asked) -> bytes:
    return gzipped(CONTENT, sent=300)


def corrupt_gzip(asked: Asked) -> bytes:
    sent = gzipped(CONTENT)
    return sent[:-200] + bytes(200)


def another_compression(asked: Asked) -> bytes:
    return head(200, {"content-length": SIZE, "content-encoding": "br"}) + CONTENT


def truncated_gzip(asked: Asked) -> bytes:
    """As a proxy sends that compresses what broke off behind it."""
    packed = gzipped(CONTENT).partition(b"\r\n\r\n")[2]
    packed = packed[: len(packed) // 2]
    return head(200, {"content-length": len(packed), "content-encoding": "gzip"}) + packed


def shorter_than_its_length(asked: Asked) -> bytes:
    return reply(CONTENT)[:-1]


def shorter_with_ranges(asked: Asked) -> bytes:
    """Takes any range for the whole."""
    return reply(CONTENT, etag=ETAG, accept_ranges="bytes")[:-1]


def nothing_at_all(asked: Asked) -> bytes:
    return b""


def no_success(asked: Asked) -> bytes:
    return head(204, {})


def a_part_unasked(asked: Asked) -> bytes:
    return reply(CONTENT[:-9], 206, content_range=f"bytes 0-{SIZE - 10}/{SIZE}", etag=ETAG)


@pytest.mark.parametrize(
    "answer",
    [
        old_http,
        no_length,
        cut_chunks,
        cut_gzip,
        corrupt_gzip,
        another_compression,
        truncated_gzip,
        shorter_than_its_length,
        shorter_with_ranges,
        nothing_at_all,
        no_success,
        a_part_unasked,
    ],
    ids=lambda answer: answer.__name__,
)
def test_what_never_is_whole_is_broken_and_nothing_of_it_loaded(
    file_server: FileServer, answer: TAnswerer
) -> None:
    file_server.serve("out", answer)
    assert_not_loaded(read_results(file_server, ended_batch()))
    assert file_server.count("out") <= 10


def test_a_server_that_sends_a_byte_each_time_is_given_up(file_server: FileServer) -> None:
    """It makes progress, so that each rest alone looks as if the next one might be all."""
    file = ServedFile(CONTENT, [1] * SIZE)
    file_server.serve("out", file)
    assert_not_loaded(read_results(file_server, ended_batch()))
    assert len(file.starts) < 200
