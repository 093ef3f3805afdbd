"""Where HTTP messages begin and end, in whatever pieces they come."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.proxy.framing import (
    CHUNKED,
    HEAD_BYTES,
    INTERIM,
    NO_BODY,
    TUNNEL,
    UNTIL_CLOSE,
    Framing,
    Head,
    NotHttpError,
    length,
)


class Heard:
    """What a reader was told."""

    def __init__(self, frame: int | None = None) -> None:
        self.frame = frame
        self.heads: list[Head] = []
        self.bodies: list[bytes] = []
        self.ends = 0
        self.framing = Framing(self.head, self.body, self.end)

    def head(self, head: Head) -> int:
        self.heads.append(head)
        self.bodies.append(b"")
        return length(head.fields, NO_BODY) if self.frame is None else self.frame

    def body(self, data: bytes) -> None:
        self.bodies[-1] += data

    def end(self) -> None:
        self.ends += 1


def chunked(body: bytes, chance: random.Random) -> bytes:
    """The body in chunks of random sizes, some with extensions, perhaps with trailers."""
    out, at = b"", 0
    while at < len(body):
        size = chance.randint(1, max(1, len(body) // 3))
        piece = body[at : at + size]
        at += len(piece)
        extension = chance.choice([b"", b"", b";a=b", b' ; x="y"'])
        out += b"%x%s\r\n%s\r\n" % (len(piece), extension, piece)
    return out + chance.choice([b"0\r\n\r\n", b"00\r\nX-Sum: 1\r\nY: 2\r\n\r\n"])


@given(st.lists(st.tuples(st.binary(max_size=300), st.booleans()), min_size=1, max_size=6), st.randoms())
def test_messages_are_told_apart_in_any_pieces(messages: list[tuple[bytes, bool]], chance: random.Random) -> None:
    wire = b""
    for body, by_chunks in messages:
        wire += chance.choice([b"", b"\r\n"]) + b"POST / HTTP/1.1\r\nHost: a\r\n"
        if by_chunks:
            wire += b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body, chance)
        else:
            wire += b"content-length: %d\r\n\r\n" % len(body) + body
    heard, at = Heard(), 0
    while at < len(wire):
        size = chance.choice([1, 2, 7, 50, len(wire)])
        heard.framing.feed(wire[at : at + size], 1)
        at += size
    assert heard.bodies == [body for body, _ in messages]
    assert heard.ends == len(messages)
    assert heard.framing.began_ns == 0


@given(
    st.binary(max_size=300) | st.text(alphabet="GET /HTP1.:\r\n0aF;", max_size=100).map(str.encode), st.randoms()
)
def test_anything_is_read_or_refused(wire: bytes, chance: random.Random) -> None:
    heard, at = Heard(), 0
    try:
        while at < len(wire):
            size = chance.randint(1, 20)
            heard.framing.feed(wire[at : at + size], 1)
            at += size
    except NotHttpError:
        pass
    assert len(heard.heads) == len(heard.bodies)


@pytest.mark.parametrize(
    ("fields", "default", "expected"),
    [
        ({}, NO_BODY, NO_BODY),
        ({}, UNTIL_CLOSE, UNTIL_CLOSE),
        ({b"content-length": b"5"}, NO_BODY, 5),
        ({b"content-length": b"5, 5"}, NO_BODY, 5),
        ({b"content-length": b"5", b"transfer-encoding": b"Chunked"}, NO_BODY, CHUNKED),
        ({b"transfer-encoding": b"gzip, chunked"}, NO_BODY, CHUNKED),
        ({b"transfer-encoding": b"gzip"}, UNTIL_CLOSE, UNTIL_CLOSE),
    ],
)
def test_fields_say_how_a_body_ends(fields: dict[bytes, bytes], default: int, expected: int) -> None:
    assert length(fields, default) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {b"content-length": b"5, 6"},
        {b"content-length": b"-1"},
        {b"content-length": b"0x5"},
        {b"content-length": b"9" * 30},
        {b"content-length": b""},
        {b"transfer-encoding": b"gzip"},
    ],
)
def test_a_request_of_no_clear_length_is_refused(fields: dict[bytes, bytes]) -> None:
    with pytest.raises(NotHttpError):
        length(fields, NO_BODY)


@pytest.mark.parametrize(
    "wire",
    [
        b"GET / HTTP/1.1\r\n folded: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nname : x\r\n\r\n",
        b"GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n",
        b"GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc",
        b"GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n" + b"1" * 5000,
        b"GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 200,
        b"x" * HEAD_BYTES,
    ],
)
def test_what_is_no_http_is_refused(wire: bytes) -> None:
    with pytest.raises(NotHttpError):
        Heard().framing.feed(wire, 1)


def test_a_body_may_go_up_to_the_end_of_the_bytes() -> None:
    heard = Heard(UNTIL_CLOSE)
    heard.framing.feed(b"HTTP/1.1 200 OK\r\n\r\nabc", 1)
    heard.framing.feed(b"\r\n\r\ndef", 1)
    assert heard.ends == 0
    heard.framing.close(2)
    assert (heard.bodies, heard.ends) == ([b"abc\r\n\r\ndef"], 1)


def test_the_end_of_the_bytes_does_not_end_a_body_of_known_length() -> None:
    heard = Heard()
    heard.framing.feed(b"GET / HTTP/1.1\r\ncontent-length: 5\r\n\r\nabc", 1)
    heard.framing.close(2)
    assert heard.ends == 0


def test_what_follows_an_upgrade_is_not_read() -> None:
    heard = Heard(TUNNEL)
    heard.framing.feed(b"HTTP/1.1 101 Switching\r\n\r\n\x00\x01GET / HTTP/9\r\n\r\n", 1)
    heard.framing.feed(b"\xff" * 100_000, 1)
    assert (len(heard.heads), heard.bodies) == (1, [b""])


def test_an_interim_answer_has_no_end() -> None:
    heard = Heard(INTERIM)
    heard.framing.feed(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\n", 1)
    assert (len(heard.heads), heard.ends) == (2, 0)


def test_a_message_begins_with_its_first_byte() -> None:
    heard = Heard()
    heard.framing.feed(b"GE", 5)
    heard.framing.feed(b"T / HTTP/1.1\r\n", 9)
    assert heard.framing.began_ns == 5
    heard.framing.feed(b"\r\n", 11)
    heard.framing.feed(b"G", 17)
    assert heard.framing.began_ns == 17
