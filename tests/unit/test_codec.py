"""The wire's frames: every message there and back, and any bytes are a message or a ProtocolError."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records import COUNTER, GAUGE, SCHEMA, fact, rows
from wftui.errors import ProtocolError
from wftui.model.health import Health
from wftui.model.table import TableSnapshot, difference, keyframe
from wftui.model.why import ROSE, STARTED, Answer, Episode, Moved, Past, Process
from wftui.wire import codec, stream
from wftui.wire import messages as m
from wftui.wire.rules import RuleFirings, RuleNumber

HEALTH = Health("cpu", "late", "slow", "wait", 5, 1.0, None, 0.5, None, 3, 2)
FRAME = keyframe(SCHEMA, 5, rows(3))
TICK = m.TickArrived(7, 1_700_000_000, 99, 1, 2, b"\0" * 16)
LAYOUT = m.LayoutChanged(2, [GAUGE, COUNTER])
ANSWER = Answer(
    9, 1, 5, 10, 4, 5, 2,
    [Moved(GAUGE, "By", ROSE, 1.0, 2.0, 6, None, 9.0, 8.0, ["a"], 1, 2, 3)],
    [Process("1:2", 1, "x", STARTED, "cpu", "1", 0.0, 1.0, 6, 3.0)],
    [fact(1)],
    Past("a", 1, 10, 1, 0.1, [Episode(1, 2, 3.0, 1)], 2, [("rule.x", 1, 2)]),
    {"GPU-a": "0"},
)  # fmt: skip
NUMBER = RuleNumber(("conditions", "when_all", 0, "value"), "level >", "value", "85", "%", shipped="80")
ALL: list[m.Message] = [
    m.Hello(m.VERSION, "view", "0.1", 5, 6, "record", "b", 7, "/data", "host", "80x24"),
    m.Error("version", "too old"),
    m.Ok(),
    m.Goodbye("handover"),
    m.Subscribe(["*"], 10.0, []),
    LAYOUT,
    TICK,
    m.Samples(2, [1, 2], [0, 1], b"\0" * 16),
    m.TableArrived(FRAME, SCHEMA),
    m.TableArrived(difference(FRAME.rows, TableSnapshot(SCHEMA, 6, {"k0": ("é\x1b]0;x", None)}))),
    m.EventArrived(fact(3)),
    m.HealthArrived([HEALTH]),
    m.Dropped(64, 9),
    m.Range(["a", 'b{cpu="0"}'], 1, 2, 100),
    m.RangeReply(1, 2, 3, [0, 1, 2], [m.RangeSeries(GAUGE, b"", b"\0" * 8, b"")]),
    m.At(5),
    m.AtReply(TICK, LAYOUT, [m.TableArrived(FRAME, SCHEMA)]),
    m.AtReply(None, None, [], 3, None),
    m.Events(5, 6, None, ["store.*"], 10, newest=True),
    m.EventsReply([fact(1), fact(2)], more=True),
    m.Tables("processes", 1, 2),
    m.Tables("processes", 1, 2, ["7:5"]),
    m.TablesReply(None, [FRAME]),
    m.Windows(["*"]),
    m.WindowsReply([m.WindowStats("a", 1.0, 5, 0.0, 2.0, 1.0, 2.0)]),
    m.Catalogue(),
    m.CatalogueReply([GAUGE], [SCHEMA], 1, 2),
    m.Compare(["*"], 1, 2, 3, 4),
    m.CompareReply([m.Difference(GAUGE, m.RangeStats(3, 1.0, 0.5, 2.0, 1.0, 1.9, 0.1), None, 0.2)], 1, 10),
    m.Why(5, 60, 600),
    m.WhyReply(ANSWER),
    m.Mark(5, "before the flag"),
    m.SetSource("disks", on=False),
    m.Acknowledge('rule.hot{gpu="7"}', "ann", "on it"),
    m.ResolveAlert('rule.hot{gpu="7"}', "ann", "done"),
    m.SetSilence(["severity=info"], 5, "ann", "known"),
    m.SilenceReply("s1"),
    m.EndSilence("s1", "ann"),
    m.SetQuality(3, 5, "ann"),
    m.SetQuality(None),
    m.RuleNumbers("rule.hot"),
    m.RuleNumbersReply("rule.hot", "Hot", "/r/hot.json", builtin=False, replaces=True, numbers=[NUMBER]),
    m.PreviewRule("rule.hot", [m.NewNumber(("conditions", "when_all", 0, "value"), "90")], 3600),
    m.ReplayRules([b"\x80"], 3600, 5),
    m.ReplayRulesReply(1, 9, [RuleFirings(1, 4, 8, 2, "no value", [(2, 6)])], [(3, 4)], [(1, 2, 10)]),
    m.ChangeRule("rule.hot", [m.NewNumber(("for",), "2m")], "ann"),
    m.ChangeRuleReply("/r/hot.json", created=True, removed=False),
    m.Purge(5, ["hw.*"], 3),
    m.PurgeReply(1, 2, 3, 4, 5, wiped=True),
    m.Status(),
    m.StatusReply(1, "view", 2, "0.1", 3, 4, 5, 6, None, None, HEALTH, None, [HEALTH], "/d", "/s"),
    m.Signal(1, 2, 15),
    m.Inspect(7, 8),
    m.InspectReply(12, 3, 1024, -5, "/user.slice", ""),
    m.InspectReply(None, None, None, None, "", "not ours"),
    m.Renice(7, 8, 10),
    m.Report(0.01, 5, 6, 7),
    m.Retire(5),
]


def test_the_list_above_holds_every_message() -> None:
    assert {type(item) for item in ALL} == set(m.MESSAGES.values())
    assert len(m.TAGS) == len(m.MESSAGES)


@pytest.mark.parametrize("message", ALL, ids=lambda item: m.TAGS[type(item)])
def test_messages_round_trip(message: m.Message) -> None:
    frame = codec.encode(message, 12)
    assert codec.frame_length(frame[:4]) == len(frame) - 4
    assert codec.decode(frame[4:]) == (message, 12)


@pytest.mark.parametrize("message", ALL, ids=lambda item: m.TAGS[type(item)])
def test_unknown_fields_are_ignored(message: m.Message) -> None:
    tag, request, body = msgspec.msgpack.decode(codec.encode(message)[4:])
    body["added_later"] = [1, {"x": None}]
    assert codec.decode(msgspec.msgpack.encode([tag, request, body])) == (message, 0)


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_protocol_error(body: bytes) -> None:
    try:
        codec.decode(body)
    except ProtocolError as error:
        assert str(error)  # noqa: PT017  both outcomes are right, and the error must say something


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=300)
@given(st.sampled_from(sorted(m.MESSAGES)), JSON, st.data())
def test_any_body_is_a_message_or_a_protocol_error(tag: str, junk: object, data: st.DataObject) -> None:
    kind: Any = m.MESSAGES[tag]  # Any: struct fields are asked of the class
    body = {name: data.draw(JSON) for name in kind.__struct_fields__} if data.draw(st.booleans()) else junk
    try:
        message, _ = codec.decode(msgspec.msgpack.encode([tag, 1, body]))
    except ProtocolError as error:
        assert str(error)  # noqa: PT017  as above
    else:
        assert type(message) is kind


@given(st.sampled_from(ALL), st.data())
def test_a_flipped_byte_never_raises_anything_else(message: m.Message, data: st.DataObject) -> None:
    body = bytearray(codec.encode(message)[4:])
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        codec.decode(bytes(body))
    except ProtocolError as error:
        assert str(error)  # noqa: PT017  as above


@pytest.mark.parametrize("field", [b"\xa5event", b"\xa7unknown"])
def test_nesting_deeper_than_the_stack_is_refused(field: bytes) -> None:
    with pytest.raises(ProtocolError):
        codec.decode(b"\x93\xa5event\x00\x81" + field + b"\x91" * 100_000 + b"\xc0")


def test_sizes() -> None:
    with pytest.raises(ProtocolError, match="at most"):
        codec.encode(m.Samples(1, [], [], bytes(m.MAX_FRAME)))
    for header in (b"\0\0\0\0", b"\xff\xff\xff\xff", (m.MAX_FRAME + 1).to_bytes(4, "big"), b"GET "):
        with pytest.raises(ProtocolError, match="announced"):
            codec.frame_length(header)
    assert codec.frame_length(m.MAX_FRAME.to_bytes(4, "big")) == m.MAX_FRAME
    with pytest.raises(ProtocolError, match="surrogates"):
        codec.encode(m.Error("x", "a\udcff"))


async def test_stream_reads_frames_and_tells_the_two_ends_apart() -> None:
    frame = codec.encode(m.At(5), 3)
    reader = asyncio.StreamReader()
    reader.feed_data(frame + frame[:2])
    reader.feed_eof()
    assert await stream.read(reader) == (m.At(5), 3)
    with pytest.raises(ProtocolError, match="inside a frame"):
        await stream.read(reader)
    reader = asyncio.StreamReader()
    reader.feed_data(frame[:-1])
    reader.feed_eof()
    with pytest.raises(ProtocolError, match="inside a frame"):
        await stream.read(reader)
    reader = asyncio.StreamReader()
    reader.feed_eof()
    assert await stream.read(reader) is None
