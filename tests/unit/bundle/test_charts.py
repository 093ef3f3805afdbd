"""Charts of a report: what was not recorded is not drawn, nothing lies over anything else, and they are small."""

from __future__ import annotations

import math
import random
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.bundle import charts
from wftui.bundle.charts import Bar, Chart, Line, Span, Threshold, Tick

NAN = math.nan


def label(time_s: int, day: bool) -> str:
    return f"d{time_s // 86400}" if day else f"{time_s // 3600 % 24:02d}:{time_s // 60 % 60:02d}"


def line(name: str, means: list[float], spread: float = 0.0) -> Line:
    return Line(name, [value - spread for value in means], means, [value + spread for value in means])


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314  ours


def corners(path: str) -> list[list[tuple[float, float]]]:
    """Each piece of a path as its corners."""
    pieces: list[list[tuple[float, float]]] = []
    x = y = 0.0
    for letter, one, other in re.findall(r"([Mhvlz])(?:(-?[\d.]+)(?:[ ]?(-?[\d.]+))?)?", path):
        if letter == "M":
            x, y = float(one), float(other)
            pieces.append([(x, y)])
        elif letter != "z":
            x += float(one) if letter in "hl" else 0.0
            y += float(one) if letter == "v" else float(other) if letter == "l" else 0.0
            pieces[-1].append((x, y))
    return pieces


def paths(svg: str, role: str) -> list[str]:
    return [item.get("d", "") for item in parsed(svg).iter("path") if role in (item.get("class") or "").split()]


def test_gap_breaks_line_and_band() -> None:
    means = [1.0, 2.0, 1.5, NAN, NAN, 2.0, 1.0]
    made = charts.chart(Chart("x", "1", [line("a", means, 0.1)]), Span(0, 70, [(30, 50)]), label)
    (stroke,), (band,) = paths(made, "line"), paths(made, "band")
    assert len(corners(stroke)) == len(corners(band)) == 2
    (gap,) = [item for item in parsed(made).iter("rect") if item.get("class") == "gap"]
    left, wide = float(gap.get("x", "")), float(gap.get("width", ""))
    before, after = corners(stroke)
    assert before[-1][0] <= left + 1
    assert after[0][0] >= left + wide - 1
    assert (gap.findtext("title") or "").startswith("nothing recorded")


def test_unknown_everywhere() -> None:
    made = charts.chart(Chart("x", "1", [line("a", [NAN] * 5)]), Span(0, 5), label)
    assert paths(made, "line") == [""]
    assert "no value" in made


@given(
    st.lists(
        st.lists(st.one_of(st.just(NAN), st.floats(-1e15, 1e15)), min_size=5, max_size=5), min_size=1, max_size=8
    ),
    st.sampled_from(["1", "By", "By/s", "W", "s", "{token}/s"]),
    st.lists(st.floats(0, 1e16), max_size=3),
)
def test_all_of_it_lies_inside(series: list[list[float]], unit: str, limits: list[float]) -> None:
    lines = [line(f"<{place}>", means) for place, means in enumerate(series)]
    thresholds = [Threshold(value, place) for place, value in enumerate(limits, 1)]
    made = charts.chart(Chart("<b>&", unit, lines, thresholds), Span(1000, 2000), label)
    root = parsed(made)
    for role in ("line", "band", "limit"):
        for path in paths(made, role):
            for piece in corners(path):
                assert all(0 <= x <= charts.WIDTH and 0 <= y <= charts.HEIGHT for x, y in piece)
    letters = sorted(float(item.get("y", "")) for item in root.iter("text") if "letter" in item.get("class", ""))
    assert all(after - before >= 8.9 for before, after in pairwise(letters))
    assert all(0 < y <= charts.HEIGHT for y in letters)


@pytest.mark.parametrize("length", [60, 300, 3600, 3 * 3600, 86_400, 30 * 86_400, 400 * 86_400])
def test_times_of_the_axis_do_not_touch(length: int) -> None:
    made = charts.chart(
        Chart("x", "1", [line("a", [1.0, 2.0])]), Span(1_790_000_123, 1_790_000_123 + length), label
    )
    axis = [item for item in parsed(made).iter("text") if item.get("class") == "axis"]
    below = [float(item.get("x", "")) for item in axis if float(item.get("y", "")) > charts.HEIGHT - 10]
    assert 1 <= len(below) <= 5
    assert all(after - before > 40 for before, after in pairwise(below))


def test_days_of_the_axis_begin_at_midnight_there() -> None:
    east_s, day_s = 5 * 3600 + 1800, 86_400
    told: list[int] = []

    def note(time_s: int, day: bool) -> str:
        assert day
        told.append(time_s)
        return "x"

    charts.chart(Chart("x", "1", [line("a", [1.0])]), Span(0, 4 * day_s, east_s=east_s), note)
    assert told
    assert all((time_s + east_s) % day_s == 0 for time_s in told)


def test_line_of_the_right_height() -> None:
    made = charts.chart(Chart("x", "1", [line("a", [0.0, 0.5, 1.0])], most=1.0), Span(0, 3), label)
    (piece,) = corners(paths(made, "line")[0])
    grid = [corners(path)[0][0][1] for path in paths(made, "grid")[:5]]
    assert piece[0][1] == pytest.approx(grid[-1], abs=1)
    assert piece[-1][1] == pytest.approx(grid[0], abs=1)


def test_below_zero_is_no_zero() -> None:
    made = charts.chart(Chart("x", "Cel", [line("a", [-10.0, 10.0])]), Span(0, 2), label)
    (piece,) = corners(paths(made, "line")[0])
    assert piece[0][1] == pytest.approx(piece[1][1] + charts.PLOT_HEIGHT, abs=1)
    assert "-10 °C" in made


def test_limit_beyond_the_axis_is_told() -> None:
    near = Chart("x", "1", [line("a", [0.4, 0.5])], [Threshold(0.6, 1)])
    far = Chart("x", "1", [line("a", [0.4, 0.5])], [Threshold(50.0, 2)])
    assert len(paths(charts.chart(near, Span(0, 2), label), "limit")) == 1
    made = charts.chart(far, Span(0, 2), label)
    assert paths(made, "limit") == []
    assert "limit of alert 2: above this" in made


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [(0.0, "1", 1.0), (0.83, "1", 1.0), (1.0, "1", 1.0), (37.0, "W", 40.0), (1500 * 1024.0, "By", 1.5 * 1024**2),
     (3e9, "By/s", 3 * 1024**3)],
)  # fmt: skip
def test_axis_ends_at_a_round_number(value: float, unit: str, expected: float) -> None:
    assert charts.nice(value, unit) == pytest.approx(expected)


def test_small() -> None:
    """A page of eight cards and six servers is to stay near 60 kB of charts."""
    noise = random.Random(7)  # noqa: S311
    lines = [line(f"GPU {place}", [noise.random() for _ in range(48)], 0.05) for place in range(8)]
    assert len(charts.chart(Chart("GPUs busy", "1", lines, most=1.0), Span(0, 3600), label)) < 6000
    one = [line("CPU", [noise.random() for _ in range(240)], 0.05)]
    assert len(charts.chart(Chart("CPU", "1", one, most=1.0), Span(0, 3600), label)) < 7000


def test_timeline_escapes_and_stays_inside() -> None:
    bars = [Bar("<script>", [(0, 100, "<b>"), (90, 200, '"')], "error")]
    ticks = [("events", [Tick(-5.0, "event", "a"), Tick(50.0, "event", "b<"), Tick(1e9, "event", "c")])]
    root = parsed(charts.timeline(Span(0, 100), bars, ticks, label))
    shares = [float((item.get("x") or "").rstrip("%")) for item in root.iter("rect")]
    assert all(0 <= share <= 100 for share in shares)
    assert "<script>" in [item.text for item in root.iter("text")]
