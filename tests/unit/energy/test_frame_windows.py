"""Frames over 1 s, 10 s and 5 min, against lists that forget nothing; quantiles are within 1 %."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import energy_reference as reference
from wftui.windows.frames import BUDGET_S, SHARES, SPANS_S, Frames, Look, bottleneck, stability

EXACT = 1e-9
TOOK_MS = st.one_of(st.floats(0.1, 16.67), st.floats(0.1, 200), st.sampled_from([0.0, 8.0, 16.67, 16.68]))
NONE: dict[str, float] = {}
STAGES = st.one_of(
    st.just(NONE), st.dictionaries(st.sampled_from([*SHARES, "other"]), st.floats(0, 0.02), min_size=1)
)


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[reference.Frame], list[tuple[float, int]]]:
    """Frames, some of them long after the last, and gaps in their numbers."""
    at_s, frames, lost = draw(st.floats(0, 2000)), [], []
    for _ in range(draw(st.integers(1, 60))):
        at_s += draw(st.one_of(st.floats(0.001, 0.05), st.floats(0.001, 30)))
        frames.append(reference.Frame(at_s, draw(TOOK_MS) / 1000, draw(STAGES)))
        if draw(st.integers(0, 9)) == 0:
            lost.append((at_s, draw(st.integers(1, 5))))
    return frames, lost


def told(frames: list[reference.Frame], lost: list[tuple[float, int]]) -> Frames:
    made = Frames()
    for frame in frames:
        made.frame(frame.at_s, frame.took_s, frame.stages)
        for at_s, count in lost:
            if at_s == frame.at_s:
                made.lose(at_s, count)
    return made


def same(found: Look, wanted: reference.Window) -> None:
    assert (found.frames, found.over, found.lost) == (wanted.frames, wanted.over, wanted.lost)
    assert found.fps == pytest.approx(wanted.fps, abs=EXACT, rel=EXACT)
    assert found.mean_s == pytest.approx(wanted.mean_s, abs=EXACT)
    assert found.longest_s == wanted.longest_s
    assert found.jitter_s == pytest.approx(wanted.jitter_s, abs=EXACT)
    assert found.jank == pytest.approx(wanted.jank, abs=EXACT)
    assert found.stability == pytest.approx(wanted.stability, abs=1e-5)
    assert found.stages == pytest.approx(wanted.stages, abs=EXACT)
    assert found.bottleneck == wanted.bottleneck
    for name in ("p50_s", "p95_s", "p99_s", "low_fps"):
        assert getattr(found, name) == pytest.approx(getattr(wanted, name), rel=0.0102, nan_ok=True), name


@given(runs(), st.floats(0, 12))
@settings(max_examples=80, deadline=None)
def test_any_frames_are_as_the_lists_have_them(
    run: tuple[list[reference.Frame], list[tuple[float, int]]], later_s: float
) -> None:
    frames, lost = run
    made = told(frames, lost)
    at_s = frames[-1].at_s + later_s
    assert (made.frames, made.lost) == (len(frames), sum(count for _, count in lost))
    assert made.over == sum(frame.took_s > BUDGET_S for frame in frames)
    for span_s in SPANS_S:
        found = made.look(at_s, span_s)
        assert repr(made.look(at_s, span_s)) == repr(found)
        step_s = reference.STEPS_S[span_s]
        until_s = math.floor(at_s / step_s) * step_s
        if any(until_s - span_s <= frame.at_s < until_s for frame in frames):
            same(found, reference.window(frames, lost, at_s, span_s))
        else:
            assert (found.frames, found.fps) == (0, 0)
            assert all(math.isnan(part) for part in (found.p95_s, found.jitter_s, found.jank, found.stability))
            assert (found.stages, found.bottleneck) == ({}, "")


def test_a_steady_second_by_hand() -> None:
    frames = Frames()
    for number in range(660):
        frames.frame(100 + (number + 1) / 60 - 1e-6, 0.010)
    look = frames.look(111.5, 10)
    assert (look.frames, look.fps) == (600, 60)
    assert look.jitter_s == 0
    assert look.stability == 100
    assert (look.over, look.jank) == (0, 0)
    assert look.low_fps == pytest.approx(100, rel=0.0102)


def test_a_hundred_frames_by_hand() -> None:
    """99 of 10 ms and one of 110 ms: mean 11 ms, deviation sqrt(99 * 1 + 99^2) / 10 ms = 9.9499 ms."""
    frames = Frames()
    for number in range(99):
        frames.frame(1 + number / 100, 0.010)
    frames.frame(1.995, 0.110)
    look = frames.look(2.0, 1)
    assert look.mean_s == pytest.approx(0.011, abs=1e-12)
    assert look.jitter_s == pytest.approx(math.sqrt(99 * 1 + 99**2) / 10 / 1000, abs=1e-12)
    # The slowest hundredth is one frame of 0.11 s.
    assert look.low_fps == pytest.approx(1 / 0.11, rel=0.0102)
    # One of a hundred is a fifth of the five that may be over.
    assert look.jank == pytest.approx(0.2, abs=1e-12)
    assert look.longest_s == 0.110
    assert look.p50_s == pytest.approx(0.010, rel=0.0102)


def test_the_first_second_counts_from_its_first_frame() -> None:
    """A program that begins late in a second has not been slow in it."""
    frames = Frames()
    for number in range(72):
        frames.frame(0.8 + (number + 1) / 60, 1 / 60)
    assert frames.look(2.0, 1).fps == 60
    assert frames.look(2.0, 10).fps == pytest.approx(60, abs=1)
    assert frames.look(1.0, 1).fps == pytest.approx(60, abs=5)


def test_the_budget_as_programs_tell_it_is_not_over() -> None:
    frames = Frames()
    frames.frame(1.0, 16.67 / 1000)
    frames.frame(1.1, 16.68 / 1000)
    assert frames.over == 1


def test_frames_that_took_no_time() -> None:
    frames = Frames()
    frames.frame(1.5, 0.0)
    look = frames.look(2.0, 1)
    assert (look.frames, look.mean_s) == (1, 0)
    assert math.isnan(look.low_fps)


def test_lost_frames_use_up_the_jank_budget() -> None:
    frames = Frames()
    for number in range(95):
        frames.frame(1 + number / 100, 0.01)
    frames.lose(1.96, 5)
    look = frames.look(2.0, 1)
    assert (look.lost, look.over) == (5, 0)
    assert look.jank == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(
    ("stages", "worst"),
    [
        ({}, ""),
        ({"token": 0.008, "energy": 0.003, "render": 0.004, "overhead": 0.00167}, ""),
        ({"token": 0.0081}, "token"),
        ({"token": 0.0120, "energy": 0.0046}, "energy"),  # 1.5 and 1.53 of their shares
        ({"overhead": 0.002, "render": 0.0045}, "overhead"),
        ({"other": 1.0}, ""),
    ],
)
def test_bottleneck(stages: dict[str, float], worst: str) -> None:
    assert bottleneck(stages) == worst


def test_a_part_that_a_frame_left_out_took_it_nothing() -> None:
    frames = Frames()
    frames.frame(1.1, 0.01, {"render": 0.006})
    frames.frame(1.2, 0.01, {"token": 0.002})
    frames.frame(1.3, 0.01)
    look = frames.look(2.0, 1)
    assert look.stages == pytest.approx({"render": 0.003, "token": 0.001})


@given(st.floats(0, 200), st.floats(0, 0.1), st.floats(0, 200), st.floats(0, 0.1))
def test_stability(fps: float, jitter_s: float, more: float, wider_s: float) -> None:
    assert 0 <= stability(fps, jitter_s) <= 100
    assert stability(fps + more, jitter_s) >= stability(fps, jitter_s)
    assert stability(fps, jitter_s + wider_s) <= stability(fps, jitter_s)
    assert stability(60, 0) == 100
    assert stability(30, 0) == 50
    assert stability(60, BUDGET_S / 2) == pytest.approx(50)


def test_frames_that_come_late_count_in_the_newest_second() -> None:
    frames = Frames()
    frames.frame(5.2, 0.01)
    frames.frame(4.9, 0.02)
    assert frames.look(6.0, 1).frames == 2
