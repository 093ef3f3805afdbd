"""Blocks of the graphs' past, events around the cursor, and the figures of the transport bar: plain data."""

from __future__ import annotations

from array import array

import pytest

from wftui.model.event import Event
from wftui.model.sample import column
from wftui.model.tick import pack
from wftui.tui.blocks import KEPT, SECONDS, UNKNOWN, Blocks
from wftui.tui.chronicle import Chronicle, beside
from wftui.tui.glyphs import UTF8
from wftui.tui.replies import KEPT as MOMENTS
from wftui.tui.replies import Replies, Spot
from wftui.tui.transport import Replay, between, gap_words, gaps, headline, reason
from wftui.wire import messages as wire

CPU = column("test", "system.cpu.utilization", None, call="test")
BASE = 6_889_000 * SECONDS
NS = 1_000_000_000


def answer(number: int, step: int = 1) -> wire.RangeReply:
    """A block whose value in each second is the second's place; every 7th second is a gap."""
    points = SECONDS // step
    places = range(0, SECONDS, step)
    values = array("d", [float("nan") if place % 7 == 0 and step == 1 else float(place) for place in places])
    counts = [0 if place % 7 == 0 and step == 1 else step for place in places]
    series = [wire.RangeSeries(CPU, b"", pack(values), b"")]
    return wire.RangeReply(number * SECONDS * NS, step * NS, points, counts, series, step)


def test_blocks_join_without_a_seam() -> None:
    blocks = Blocks()
    first = BASE // SECONDS
    for number in (first, first + 1):
        blocks.take(number, answer(number), newest=BASE * 2)
    found = blocks.values("system.cpu.utilization", BASE + SECONDS + 9, 20)
    assert [None if value != value else value for value in found] == [
        None if place % SECONDS % 7 == 0 else place % SECONDS for place in range(SECONDS - 10, SECONDS + 10)
    ]
    assert blocks.counts(BASE + 6, BASE + 9) == [1, 0, 1]
    assert blocks.counts(BASE - 2, BASE + 2) == [UNKNOWN, UNKNOWN, 0, 1]
    assert str(blocks.values("nothing", BASE + 5, 2)) == "[nan, nan]"


def test_a_coarser_level_holds_for_its_whole_step() -> None:
    blocks = Blocks()
    blocks.take(BASE // SECONDS, answer(BASE // SECONDS, step=16), newest=BASE * 2)
    assert blocks.values("system.cpu.utilization", BASE + 33, 4) == [16.0, 16.0, 32.0, 32.0]
    assert blocks.counts(BASE + 31, BASE + 33) == [9, 9]


def test_the_nearest_missing_block_comes_first_and_the_present_one_again() -> None:
    blocks = Blocks()
    first = BASE // SECONDS
    newest = BASE + SECONDS + 100
    assert blocks.missing(BASE - SECONDS, newest, BASE + 10, newest) == first
    blocks.take(first, answer(first), newest)
    assert blocks.missing(BASE - SECONDS, newest, BASE + 10, newest) == first - 1
    blocks.take(first - 1, answer(first - 1), newest)
    blocks.take(first + 1, answer(first + 1), newest)
    assert blocks.missing(BASE - SECONDS, newest, BASE + 10, newest) is None
    assert blocks.counts(newest, newest + 2) == [1, UNKNOWN]
    # The present has gone on: at once where the cursor is, later elsewhere.
    assert blocks.missing(BASE, newest + 5, BASE + 10, newest + 5) is None
    assert blocks.missing(BASE, newest + 5, newest + 5, newest + 5) == first + 1
    assert blocks.missing(BASE, newest + 50, BASE + 10, newest + 50) == first + 1
    blocks.note(newest + 1, {"system.cpu.utilization": 0.5})
    assert blocks.values("system.cpu.utilization", newest + 1, 1) == [0.5]
    assert blocks.counts(newest + 1, newest + 2) == [1]


def test_a_block_that_fails_is_not_asked_for_for_ever() -> None:
    blocks = Blocks()
    first = BASE // SECONDS
    blocks.failed(first)
    assert blocks.missing(BASE, BASE + 10, BASE, BASE + 900) == first
    blocks.failed(first)
    assert blocks.missing(BASE, BASE + 10, BASE, BASE + 900) is None
    blocks.forgive()
    assert blocks.missing(BASE, BASE + 10, BASE, BASE + 900) == first


def test_old_blocks_are_dropped() -> None:
    blocks = Blocks()
    for number in range(KEPT + 1):
        blocks.take(number, answer(number), newest=BASE)
    assert blocks.counts(1, 2) == [UNKNOWN]
    assert blocks.counts(SECONDS + 1, SECONDS + 2) == [1]


def event(seq: int, second: int, kind: str = "source.state", **payload: object) -> Event:
    return Event(seq, f"e{seq}", second * NS, kind, "source", "x", payload=dict(payload))


def test_events_are_asked_for_once() -> None:
    chronicle = Chronicle(limit=3)
    question = chronicle.question(1000 * NS, 1100 * NS)
    assert question == wire.Events(until_ns=1200 * NS, limit=3, newest=True)
    chronicle.take(wire.EventsReply([event(2, 900), event(3, 1000), event(4, 1100)], more=True))
    assert chronicle.question(900 * NS, 1100 * NS) is None
    # Further back there are more than one answer holds: asked for from there, not again from here.
    assert chronicle.question(100 * NS, 1100 * NS) is None
    assert chronicle.question(100 * NS, 500 * NS) == wire.Events(until_ns=600 * NS, limit=3, newest=True)


def test_what_the_feed_tells_is_added_in_its_place() -> None:
    chronicle = Chronicle()
    chronicle.question(0, 1100 * NS)
    chronicle.take(wire.EventsReply([event(1, 10), event(3, 30)], more=False))
    version = chronicle.version
    chronicle.add([event(1, 10), event(2, 20), event(9, 5000)])
    assert [item.seq for item in chronicle.known] == [1, 2, 3]
    assert chronicle.version > version
    version = chronicle.version
    chronicle.add([event(2, 20)])
    assert chronicle.version == version
    assert chronicle.before(30 * NS) == 2
    assert [item.seq for item in chronicle.within(20 * NS, 31 * NS)] == [2, 3]


def test_marks_are_known_wherever_they_point() -> None:
    chronicle = Chronicle()
    chronicle.pin([event(7, 9000, "mark.set", name="spike", at_ns=15 * NS)])
    chronicle.question(0, 1100 * NS)
    chronicle.take(wire.EventsReply([event(1, 10), event(3, 30)], more=False))
    assert [item.seq for item in chronicle.known] == [1, 7, 3]


def test_stations_leave_out_views_that_come_and_go() -> None:
    events = [event(1, 10), event(2, 20, "view.attached"), event(3, 30), event(4, 30)]
    assert beside(events, (10 * NS, 1), 1) == events[2]
    assert beside(events, (30 * NS, 3), 1) == events[3]
    assert beside(events, (30 * NS, 3), -1) == events[0]
    assert beside(events, (10 * NS, 1), -1) is None


def test_replies_are_kept_by_number_and_by_second() -> None:
    replies = Replies()
    layout = wire.LayoutChanged(1, [CPU])
    for seq in range(1, MOMENTS + 3):
        tick = wire.TickArrived(seq, 1000 + seq, seq * NS, 1, 1, b"")
        same = wire.LayoutChanged(1, [CPU])
        kept = replies.keep(Spot(1000 + seq), wire.AtReply(tick, layout if seq == 1 else same, []))
        assert kept.layout is layout
    assert replies.find(Spot(0, 1)) is None
    assert replies.find(Spot(1002)) is None
    found = replies.find(Spot(1050))
    assert found is not None
    assert replies.find(Spot(0, 50)) is found
    before = replies.before(found)
    assert before is not None
    assert before.seq == 49
    assert not replies.known(Spot(9, 9000))
    replies.keep(Spot(9, 9000), wire.AtReply(None, None, []))
    assert replies.known(Spot(9, 9000))


def replay(counts: list[int], **more: object) -> Replay:
    fields: dict[str, object] = {
        "second": 1000, "newest": 2000, "playing": False, "speed": 1.0, "begin": 1000, "end": 1000 + len(counts),
        "counts": counts, "first": None, "events": [],
    }  # fmt: skip
    return Replay(**(fields | more))  # type: ignore[arg-type]  # the fields have their types above


def test_gaps_begin_where_the_recording_had_begun() -> None:
    counts = [0, 0, 1, 0, 0, 1, UNKNOWN, 0]
    assert gaps(replay(counts)) == [(1000, 1002), (1003, 1005), (1007, 1008)]
    assert gaps(replay(counts, first=1002)) == [(1003, 1005), (1007, 1008)]


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        ((1000, 1010), "gap 00:16:41-00:16:50"),
        ((None, 1010), "before the recording, which begins 1970-01-01 00:16:50"),
        ((1000, None), "after the recording, which ends 1970-01-01 00:16:40"),
        ((None, None), "nothing was recorded"),
    ],
)
def test_what_is_under_the_cursor_when_that_is_nothing(gap: tuple[int | None, int | None], said: str) -> None:
    assert gap_words(replay([0], gap=gap)) == said


def test_a_gap_over_midnight_names_both_days() -> None:
    assert between(86_399, 86_401) == "1970-01-01 23:59:59-1970-01-02 00:00:01"


def test_the_worst_reason_is_told() -> None:
    around = [event(1, 1, "recorder.started"), event(2, 1, "machine.down"), event(3, 1, "view.attached")]
    assert reason(around) == "the machine went down"
    assert reason([]) == ""


@pytest.mark.parametrize(("width", "begins"), [(200, "REPLAY 1970"), (60, "REPLAY 00:16:40 16 min"), (20, "PAST")])
def test_the_headline_says_as_much_as_fits(width: int, begins: str) -> None:
    row = headline(replay([1]), UTF8, width)
    assert "".join(piece for piece, _ in row).startswith(begins)
