"""The client's end of a WebSocket, beside wsproto's with the same bytes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    Request,
    TextMessage,
)
from wsproto.utilities import RemoteProtocolError

from wftui.collectors.core.websocket import PROTOCOL_ERROR, EndedError, RefusedError, WebSocket

LIMIT = 300


def greeted(limit: int = LIMIT) -> tuple[WebSocket, WSConnection]:
    """Our end and wsproto's, the handshake over."""
    ours, theirs = WebSocket("127.0.0.1:1", "/ws", limit), WSConnection(ConnectionType.SERVER)
    theirs.receive_data(bytes(ours.reply))
    ours.reply.clear()
    [asked] = theirs.events()
    assert isinstance(asked, Request)
    assert (asked.host, asked.target, asked.extensions, asked.subprotocols) == ("127.0.0.1:1", "/ws", [], [])
    assert not any(name == b"origin" for name, _ in asked.extra_headers)
    assert ours.receive(theirs.send(AcceptConnection())) == []
    assert ours.open
    return ours, theirs


def heard(theirs: WSConnection, ours: WebSocket) -> list[Event]:
    """What our replies are to the other end."""
    theirs.receive_data(bytes(ours.reply))
    ours.reply.clear()
    return list(theirs.events())


texts = st.text(max_size=LIMIT // 4)
events = st.one_of(
    texts.map(lambda text: [TextMessage(data=text)]),
    st.lists(texts, min_size=2, max_size=4).map(
        lambda parts: [
            TextMessage(data=part, message_finished=place == len(parts) - 1) for place, part in enumerate(parts)
        ]
    ),
    st.binary(max_size=LIMIT * 2).map(lambda data: [BytesMessage(data=data)]),
    st.binary(max_size=125).map(lambda data: [Ping(payload=data)]),
    st.binary(max_size=125).map(lambda data: [Pong(payload=data)]),
    st.integers(LIMIT + 1, 70_000).map(lambda size: [TextMessage(data="x" * size)]),
)


@given(st.lists(events, max_size=12), st.lists(st.integers(1, 500), min_size=1, max_size=8))
@settings(max_examples=300)
def test_what_a_server_says_is_heard_however_it_is_cut(script: list[list[Event]], cuts: list[int]) -> None:
    ours, theirs = greeted()
    wanted: list[bytes] = []
    pings: list[bytes] = []
    data = b""
    binary = oversized = 0
    for group in script:
        whole = b""
        for item in group:
            data += theirs.send(item)
            if isinstance(item, TextMessage):
                whole += item.data.encode()
            elif isinstance(item, Ping):
                pings.append(bytes(item.payload))
        if isinstance(group[0], TextMessage):
            if len(whole) > LIMIT:
                oversized += 1
            else:
                wanted.append(whole)
        binary += isinstance(group[0], BytesMessage)
    found: list[bytes] = []
    place = turn = 0
    while place < len(data):
        step = cuts[turn % len(cuts)]
        found += ours.receive(data[place : place + step])
        place, turn = place + step, turn + 1
    assert found == wanted
    assert (ours.binary, ours.oversized) == (binary, oversized)
    assert [bytes(item.payload) for item in heard(theirs, ours) if isinstance(item, Pong)] == pings


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_any_bytes_are_messages_or_the_end(data: bytes) -> None:
    """Whoever takes them, takes them as wsproto does; what is no UTF-8 is left to who reads the message."""
    ours, theirs = greeted()
    client = WSConnection(ConnectionType.CLIENT)
    server = WSConnection(ConnectionType.SERVER)
    server.receive_data(client.send(Request(host="a", target="/ws")))
    list(server.events())
    client.receive_data(server.send(AcceptConnection()))
    list(client.events())
    expected: list[bytes] = []
    code = 0
    part = b""
    try:
        client.receive_data(data)
        for item in client.events():
            if isinstance(item, TextMessage):
                part += item.data.encode()
                if item.message_finished:
                    expected.append(part)
                    part = b""
            elif isinstance(item, CloseConnection):
                code = item.code
    except RemoteProtocolError as error:
        code = int(error.event_hint.code) if isinstance(error.event_hint, CloseConnection) else PROTOCOL_ERROR
    ended = 0
    try:
        found = ours.receive(data)
    except EndedError as error:
        found, ended = ours.left, error.code
        closing = [item for item in heard(theirs, ours) if isinstance(item, CloseConnection)]
        assert len(closing) == 1
    if code in (1007, 1002) or ended == PROTOCOL_ERROR:
        return  # one of the two saw a mistake, and saw it at another place: neither goes on
    assert found == expected
    assert ended == code


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xc1\x01a", "compression"),
        (b"\x81\x81aaaab", "masks"),
        (b"\x83\x00", "kind 3"),
        (b"\x8b\x00", "kind 11"),
        (b"\x80\x00", "out of order"),
        (b"\x01\x01a\x81\x01b", "out of order"),
        (b"\x09\x00", "control frame"),
        (b"\x89\x7e\x00\x80" + b"x" * 128, "control frame"),
        (b"\x82\x7f\xff" + bytes(7), "2^63"),
    ],
)
def test_broken_rules_end_it(data: bytes, words: str) -> None:
    ours, theirs = greeted()
    with pytest.raises(EndedError, match=words.replace("^", r"\^")) as caught:
        ours.receive(b"\x81\x02ok" + data)
    assert caught.value.code == PROTOCOL_ERROR
    assert ours.left == [b"ok"]
    [item] = heard(theirs, ours)
    assert isinstance(item, CloseConnection)
    assert item.code == PROTOCOL_ERROR


@pytest.mark.parametrize(
    ("code", "words"), [(1000, "done"), (1001, "going away"), (1011, "error"), (4000, "4000")]
)
def test_close_codes(code: int, words: str) -> None:
    ours, theirs = greeted()
    with pytest.raises(EndedError, match=words) as caught:
        ours.receive(theirs.send(CloseConnection(code=code, reason="leave me alone")))
    assert caught.value.code == code
    assert "leave me" not in str(caught.value)
    assert heard(theirs, ours) == [CloseConnection(code=code, reason="")]


def test_closing_and_saying() -> None:
    ours, theirs = greeted()
    ours.say(b'{"a": 1}')
    ours.ping()
    ours.leave()
    said, ping, close = heard(theirs, ours)
    assert isinstance(said, TextMessage)
    assert said.data == '{"a": 1}'
    assert isinstance(ping, Ping)
    assert isinstance(close, CloseConnection)


def test_an_endless_message_takes_no_memory() -> None:
    ours, _ = greeted()
    size = 1 << 34
    ours.receive(b"\x01\x7f" + struct.pack(">Q", size))
    for _ in range(64):
        assert ours.receive(bytes(1 << 20)) == []
        assert len(ours._data) == 0
    assert not ours.oversized


@pytest.mark.parametrize(
    ("reply", "status", "words"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", 404, "404"),
        (b"HTTP/1.1 401 No\r\nA: b\r\n\r\n", 401, "401"),
        (b"HTTP/1.1 abc\r\n\r\n", 0, "no HTTP"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", 0, "no HTTP"),
        (b"HTTP/1.1 101 Ok\r\n\r\n", 0, "no WebSocket"),
        (b"HTTP/1.1 200 Ok\r\n" + b"A: " + b"b" * 20_000, 0, "no HTTP"),
        (
            b"HTTP/1.1 101 Ok\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: abc\r\n\r\n",
            0,
            "not to our handshake",
        ),
    ],
)
def test_a_handshake_that_fails(reply: bytes, status: int, words: str) -> None:
    ours = WebSocket("a", "/ws", LIMIT)

    def trickle() -> None:
        for place in range(len(reply)):
            ours.receive(reply[place : place + 1])

    with pytest.raises(RefusedError, match=words) as caught:
        trickle()
    assert caught.value.status == status


def test_compression_that_was_not_offered_is_refused() -> None:
    ours, theirs = WebSocket("a", "/ws", LIMIT), WSConnection(ConnectionType.SERVER)
    theirs.receive_data(bytes(ours.reply))
    list(theirs.events())
    agreed = theirs.send(AcceptConnection()).replace(
        b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    )
    with pytest.raises(RefusedError, match="compression"):
        ours.receive(agreed)
