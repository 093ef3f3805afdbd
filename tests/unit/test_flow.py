"""Flow control: a link in arithmetic (a rate, a way there and back, a buffer) under the window of frames."""

from __future__ import annotations

import heapq
import re
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from wftui.tui import flow
from wftui.tui.flow import Flow

MS = 1_000_000
S = 1000 * MS


class Ran(NamedTuple):
    flow: Flow
    frames: int
    stale_ns: list[int]
    """For each frame, from its making to its last byte at the terminal."""


def run(
    *, bits_s: float, rtt_ns: int, frame_bytes: int, asked_hz: float, seconds: float, answers: bool = True
) -> Ran:
    """A program that wants to paint ``asked_hz`` frames a second over such a link."""
    control = Flow()
    free_ns = 0
    stale: list[int] = []
    coming: list[tuple[int, int]] = []
    step = int(S / asked_hz)
    for now in range(S, S + int(seconds * S), step):
        while coming and coming[0][0] <= now:
            at, column = heapq.heappop(coming)
            control.answered(column, at)
        if not control.ready(now):
            continue
        question = control.question(200, 50, now)
        free_ns = max(free_ns, now) + int(frame_bytes * 8 / bits_s * S)
        stale.append(free_ns + rtt_ns // 2 - now)
        found = re.search(r"\[50;(\d+)H\x1b\[6n", question)
        if answers and found:
            heapq.heappush(coming, (free_ns + rtt_ns, int(found[1])))
    return Ran(control, len(stale), stale)


def test_a_quick_link_has_every_frame() -> None:
    ran = run(bits_s=1e9, rtt_ns=MS, frame_bytes=12_500, asked_hz=60, seconds=10)
    assert ran.frames >= 598
    assert ran.flow.shed == flow.NONE


def test_a_far_link_has_every_frame_once_the_window_is_wide() -> None:
    ran = run(bits_s=1e8, rtt_ns=100 * MS, frame_bytes=12_500, asked_hz=60, seconds=10)
    assert ran.frames >= 560
    assert ran.flow.shed == flow.NONE


def test_a_slow_link_has_fewer_frames_and_no_queue() -> None:
    # 12.5 KB sixty times a second are six times what 1 Mbit/s carries.
    ran = run(bits_s=1e6, rtt_ns=100 * MS, frame_bytes=12_500, asked_hz=60, seconds=30)
    late = sorted(ran.stale_ns[20:])
    # A frame alone takes 150 ms to its last byte.
    assert late[len(late) // 2] <= 155 * MS
    assert late[-1] <= 255 * MS
    assert 30 * 3 <= ran.frames <= 30 * 10


def test_what_the_window_cannot_do_is_shed_in_order_and_taken_back() -> None:
    control = Flow()
    now = S
    seen = []
    for _ in range(5):
        control.question(80, 24, now)
        now += 10 * MS
        control.answered(1, now)
    # A link that takes a fifth of a second for each frame, under a program that wants sixty a second.
    for _ in range(120):
        control.question(80, 24, now)
        for _ in range(12):
            now += 17 * MS
            control.ready(now)
        control.answered(1, now)
        seen.append(control.shed)
    assert seen == sorted(seen)
    assert set(seen) == {flow.NONE, flow.RATE, flow.PALETTE, flow.DEPTH, flow.PANELS}
    for _ in range(120 * 60):
        control.question(80, 24, now)
        now += 12 * MS
        control.answered(1, now)
        now += 20 * MS
    assert control.shed == flow.NONE
    assert control.window > 4


def test_once_a_second_is_never_shed() -> None:
    ran = run(bits_s=1e6, rtt_ns=100 * MS, frame_bytes=8_000, asked_hz=1, seconds=600)
    assert ran.frames == 600
    assert ran.flow.shed == flow.NONE


def test_a_terminal_that_never_answers_gets_ten_frames_a_second() -> None:
    ran = run(bits_s=1e9, rtt_ns=MS, frame_bytes=100, asked_hz=60, seconds=20, answers=False)
    assert 130 <= ran.frames <= 210
    assert ran.flow.lag_s(30 * S) != ran.flow.lag_s(30 * S), "no answer, no lag"


def test_a_lost_answer_stops_nothing_for_long() -> None:
    control = Flow()
    now = S
    for _ in range(10):
        control.question(80, 24, now)
        now += 5 * MS
        control.answered(1, now)
    control.window = 1.0
    control.question(80, 24, now)
    assert not control.ready(now + S)
    assert control.ready(now + 3 * S)
    assert control.lag_s(now + 3 * S) >= 3.0, "what is awaited counts"


def test_an_answer_names_its_frame() -> None:
    control = Flow()
    columns = []
    for at in (S, S + MS, S + 2 * MS):
        found = re.search(r"\[24;(\d+)H", control.question(80, 24, at))
        assert found
        columns.append(int(found[1]))
    assert len(set(columns)) == 3
    assert control.answered(columns[1], S + 4 * MS)
    assert control.flying == 1, "the one before it came by as well"
    assert control.lag_s(S + 4 * MS) == 0.003
    assert control.answered(77, S + 5 * MS), "from elsewhere: the oldest"
    assert not control.answered(columns[2], S + 6 * MS), "nothing was asked"


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 60), st.integers(0, 5 * S)), min_size=1, max_size=200),
    st.integers(1, 300),
)
@settings(max_examples=200)
def test_whatever_comes_the_window_stays_in_bounds(steps: list[tuple[bool, int, int]], width: int) -> None:
    control = Flow()
    now = 0
    for asks, column, wait in steps:
        now += wait
        if asks and control.ready(now):
            control.question(width, 24, now)
        else:
            control.answered(column, now)
        assert 1.0 <= control.window <= flow.WIDEST
        assert flow.NONE <= control.shed <= flow.PANELS
        assert control.flying <= flow.WIDEST
    assert control.ready(now + 3600 * S), "no silence lasts for ever"


def test_of_many_late_answers_the_last_ones_make_room() -> None:
    control = Flow()
    now = S
    for _ in range(20):
        control.question(80, 24, now)
        now += MS
        control.answered(1, now)
    sent = 0
    while control.ready(now):
        control.question(80, 24, now)
        sent += 1
    assert sent == flow.WIDEST
    # The terminal stood still for a fifth of a second: each late answer makes the window smaller, too.
    now += S // 5
    found = []
    while control.flying:
        control.answered(0, now)
        found.append(control.room)
    assert found == [False] * (sent - 1) + [True], "a frame for each would have been made for nothing"


def test_what_is_given_up_is_said_where_it_can_be_seen() -> None:
    said = [flow.given_up(shed, deep=True, shaded=True, quick=True) for shed in range(flow.PANELS + 1)]
    assert said == ["", "fewer frames", "fewer shades", "fewer colours", "data every 2 s"]
    # 256 colours were all there were, nothing moves, and data come every five seconds anyway.
    said = [flow.given_up(shed, deep=False, shaded=False, quick=False) for shed in range(flow.PANELS + 1)]
    assert said == ["", *["fewer frames"] * 4]


def asked(*, rtt_ns: int, every_ns: int, frames: int) -> list[int]:
    """Numbers of the frames that ended with a question, on a link that answers them all."""
    control = Flow()
    found = []
    for number in range(frames):
        now = S + number * every_ns
        assert control.ready(now)
        question = control.question(200, 50, now)
        if question:
            found.append(number)
            control.answered(int(question.split(";")[1].split("H")[0]), now + rtt_ns)
    return found


def test_a_terminal_that_keeps_up_with_a_frame_a_second_is_asked_now_and_then() -> None:
    assert asked(rtt_ns=5 * MS, every_ns=S, frames=12) == [0, 1, 2, 5, 8, 11]


def test_frames_that_follow_each_other_and_far_terminals_are_asked_for_each() -> None:
    assert asked(rtt_ns=5 * MS, every_ns=S // 10, frames=12) == list(range(12))
    assert asked(rtt_ns=120 * MS, every_ns=S, frames=12) == list(range(12))


def test_after_the_screen_was_left_it_is_asked_at_once() -> None:
    control = Flow()
    question = ""
    for number in range(4):
        question = control.question(200, 50, S + number * S)
        if question:
            control.answered(int(question.split(";")[1].split("H")[0]), S + number * S + MS)
    assert not question
    control.forget()
    assert control.question(200, 50, 5 * S)
