"""The timeline's parts: windows, buckets on columns, figures, axes, lanes, keys."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui import fake_history as history
from tests.tui.fake import NOW_S, full, scene
from wftui.model.event import Event
from wftui.model.sample import column
from wftui.model.tick import pack
from wftui.render import graph
from wftui.tui import compose
from wftui.tui.frame import row_width
from wftui.tui.glyphs import ASCII, UTF8
from wftui.tui.timeline import axis, lanes
from wftui.tui.timeline.choice import first_choice, selectors
from wftui.tui.timeline.data import BLANK, GAP, Answer, trend
from wftui.tui.timeline.figures import WIDTH, axis_top, figure, label
from wftui.tui.timeline.model import Timeline, Wish
from wftui.tui.timeline.window import SPANS, Grid, Window
from wftui.tui.ui import Ui
from wftui.wire import messages as wire

NS = 10**9
NOW = NOW_S * NS
NAN = float("nan")
CPU = "system.cpu.utilization"


def ready(span: str = "1 h", *, columns: int = 100) -> Timeline:
    """A timeline with the catalogue, at now."""
    timeline = Timeline(lambda: NOW)
    timeline.take_catalogue(history.COLUMNS, history.FIRST_S * NS, NOW, lambda _: 1.0)
    timeline.window.place = [name for name, _ in SPANS].index(span)
    timeline.plot = columns
    return timeline


def answered(timeline: Timeline) -> Timeline:
    """What it wishes for, answered."""
    wish = timeline.wish(NOW)
    points = (wish.until_s - wish.since_s) // wish.step_s
    question = wire.Range(selectors(wish.chosen), wish.since_s * NS, wish.until_s * NS, points)
    timeline.take(Answer(history.answer(question), wish.chosen), wish)
    timeline.take_events(history.events())
    return timeline


def buckets(
    means: list[float], *, counts: list[int] | None = None, start_s: int = 1000, step_s: int = 1
) -> Answer:
    """An answer with one series."""
    values = pack(array("d", means))
    series = [wire.RangeSeries(column("test", CPU, call="test"), values, values, values)]
    held = counts if counts is not None else [1] * len(means)
    return Answer(wire.RangeReply(start_s * NS, step_s * NS, len(means), held, series), [CPU])


# ---- windows


def test_columns_stay_where_they_are_while_time_goes_on() -> None:
    window = Window()
    before = window.grid(NOW, 120)
    after = window.grid(NOW + 7 * NS, 120)
    assert before.column_ns == after.column_ns == 30 * NS
    assert before.start_ns % before.column_ns == 0
    assert (after.start_ns - before.start_ns) % before.column_ns == 0
    assert before.begin(before.columns - 1) <= NOW < before.end_ns


@given(
    st.lists(st.sampled_from(["left", "right", "far_left", "far_right", "zoom_in", "zoom_out", "begin", "now"])),
    st.integers(4, 400),
)
def test_the_cursor_is_always_in_the_window_and_never_in_the_future(keys: list[str], columns: int) -> None:
    timeline = ready(columns=columns)
    for key in keys:
        timeline.do(key, NOW)
        grid = timeline.grid(NOW)
        assert 0 <= timeline.window.cursor(grid) < columns
        cursor = timeline.window.cursor_ns
        if cursor is not None:
            assert grid.start_ns <= cursor < grid.end_ns
            assert history.FIRST_S * NS <= cursor < NOW
        assert grid.end_ns <= NOW + grid.column_ns


def test_zoom_keeps_the_cursor_where_it_is_on_the_screen() -> None:
    timeline = ready("24 h", columns=100)
    timeline.window.first_ns = NOW - 300 * 86_400 * NS
    timeline.window.go(NOW - 40 * 86_400 * NS, NOW, 100)
    moment = timeline.window.cursor_ns
    place = timeline.window.cursor(timeline.grid(NOW))
    for key in ("zoom_in", "zoom_in", "zoom_out", "zoom_out"):
        timeline.do(key, NOW)
        assert timeline.window.cursor_ns == moment
        assert timeline.window.cursor(timeline.grid(NOW)) == place


def test_zoom_says_when_it_can_go_no_further() -> None:
    timeline = ready("1 min")
    timeline.do("zoom_in", NOW)
    assert timeline.notice == "1 min is the shortest"
    timeline.window.place = len(SPANS) - 1
    timeline.do("zoom_out", NOW)
    assert timeline.notice == "400 d is the longest"


def test_moving_beyond_the_edge_takes_the_window_along_and_comes_back_to_now() -> None:
    timeline = ready("15 min", columns=90)
    grid = timeline.grid(NOW)
    for _ in range(10):
        timeline.do("far_left", NOW)
    moved = timeline.grid(NOW)
    assert not timeline.window.live
    assert timeline.window.cursor(moved) == 0
    assert grid.start_ns - moved.start_ns == 11 * grid.column_ns
    for _ in range(10):
        timeline.do("far_right", NOW)
    assert timeline.window.live
    assert timeline.window.cursor_ns is None


def test_the_first_look_holds_the_recording() -> None:
    timeline = Timeline(lambda: NOW)
    timeline.take_catalogue(history.COLUMNS, NOW - 200 * NS, NOW, lambda _: 1.0)
    assert timeline.window.span == "5 min"
    assert ready().window.first_ns == history.FIRST_S * NS


def test_a_length_that_was_chosen_before_the_first_answer_stays() -> None:
    timeline = Timeline(lambda: NOW)
    timeline.do("zoom_out", NOW)
    chosen = timeline.window.span
    timeline.take_catalogue(history.COLUMNS, NOW - 200 * NS, NOW, lambda _: 1.0)
    assert timeline.window.span == chosen


@pytest.mark.parametrize(("span", "columns"), [(seconds, n) for _, seconds in SPANS for n in (20, 66, 150, 400)])
def test_steps_are_whole_seconds_near_half_a_column(span: int, columns: int) -> None:
    grid = Grid(0, span * NS // columns, columns)
    half = grid.column_ns / 2 / NS
    assert grid.step_s >= min(half, 1)
    assert grid.step_s <= max(1, 1.4 * half + 1)
    if grid.step_s >= 900:
        assert grid.step_s % 300 == 0


# ---- buckets


def test_a_hole_inside_the_recording_is_a_gap_and_one_before_it_is_not() -> None:
    answer = buckets([NAN, 1.0, NAN, 1.0, NAN], counts=[0, 1, 0, 1, 0])
    grid = Grid(1000 * NS, 1 * NS, 5)
    places = answer.places(grid)
    assert places == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert answer.holes(places, 1001 * NS, 9000 * NS)[::2] == [BLANK, 0, GAP, 0, GAP]
    # At now a tick may still be on its way into the store.
    assert answer.holes(places, 1001 * NS, 1006 * NS)[::2] == [BLANK, 0, BLANK, 0, BLANK]
    assert answer.holes(answer.places(Grid(990 * NS, NS, 3)), None, 9000 * NS) == [BLANK] * 6


def test_a_newer_end_replaces_the_old_one() -> None:
    whole = buckets([1.0, 2.0, 3.0, NAN], counts=[1, 1, 1, 0])
    joined = whole.extended(buckets([3.5, 4.0, 5.0], start_s=1002), 1001 * NS)
    assert joined is not None
    assert joined.traces[CPU].mean == [2.0, 3.5, 4.0, 5.0]
    assert (joined.start_ns, joined.end_ns) == (1001 * NS, 1005 * NS)
    assert joined.counts == [1, 1, 1, 1]
    assert whole.extended(buckets([1.0], start_s=1002, step_s=2), 0) is None
    assert whole.extended(buckets([1.0], start_s=2000), 0) is None


def test_the_value_at_a_column_weighs_buckets_by_their_ticks() -> None:
    answer = buckets([1.0, 4.0, NAN], counts=[1, 2, 0])
    assert answer.at(CPU, [0, 1, 2]) == (1.0, 3.0, 4.0)
    low, mean, high = answer.at(CPU, [2])
    assert all(value != value for value in (low, mean, high))


def test_trends_see_slopes_and_not_spikes() -> None:
    rising = [0.2 + 0.002 * n + 0.01 * (n % 3) for n in range(200)]
    assert trend(rising, 1.0) == 1
    assert trend([1 - value for value in rising], 1.0) == -1
    flat = [0.5 + 0.05 * (n * 7919 % 13 / 13 - 0.5) for n in range(200)]
    assert trend(flat, 1.0) == 0
    flat[90:96] = [1.0] * 6
    assert trend(flat, 1.0) == 0
    assert trend([0.5] * 200, 1.0) == 0
    assert trend([0.5] * 12 + [NAN] * 100, 1.0) is None


# ---- figures


@given(
    st.floats(-1e15, 1e15) | st.just(NAN),
    st.sampled_from(["1", "By", "By/s", "s", "s/s", "Hz", "Cel", "W", "J", "{thread}", "{switch}/s", "rpm"]),
)
def test_a_figure_never_changes_its_width(value: float, unit: str) -> None:
    for ascii_only in (False, True):
        shown = figure(value, unit, ascii_only=ascii_only)
        assert len(shown) == WIDTH
        assert ascii_only <= shown.isascii()
    assert ("-" in figure(value, unit)) or value == value


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.413, "1", " 41.3 %    "),
        (0.0, "1", "    0 %    "),
        (9.87 * 1024**3, "By", " 9.87 GiB  "),
        (-9.87 * 1024**2, "By/s", "-9.87 MiB/s"),
        (0.0042, "s", " 4.20 ms   "),
        (71.4, "Cel", " 71.4 °C   "),
        (18_300.0, "{switch}/s", " 18.3 k/s  "),
        (NAN, "By", "    -      "),
    ],
)
def test_figures(value: float, unit: str, shown: str) -> None:
    assert figure(value, unit) == shown


@given(st.floats(0, 1e15), st.sampled_from(["1", "By", "By/s", "Cel", "W", "{thread}"]))
def test_an_axis_holds_what_it_is_made_for(value: float, unit: str) -> None:
    # 640 busy cores, and a star: beyond them a label is cut.
    value = min(value, {"1": 640.0, "Cel": 9e4}.get(unit, value))
    top = axis_top(value, unit)
    assert top >= value * (1 - 1e-9)
    assert len(label(top, unit)) < lanes.LEFT


def test_axes_change_rarely() -> None:
    assert {axis_top(value / 100, "1") for value in range(26, 101)} == {1.0}
    assert axis_top(0.04, "1") == 0.05
    assert axis_top(300 * 1024**2, "By/s") == 500 * 1024**2


# ---- the axis


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("span_s", "wanted"),
    [
        (60, ["12:31:00", "12:31:10"]),
        (3600, ["12:40", "12:50", "13:00"]),
        (86_400, ["15:00", "18:00", "21:00", "21 Nov"]),
        (7 * 86_400, ["21 Nov", "22 Nov"]),
        (400 * 86_400, ["Dec", "2026", "Feb"]),
    ],
)
def test_rulers_show_round_local_times(span_s: int, wanted: list[str]) -> None:
    grid = Grid(1_763_638_255 * NS, span_s * NS // 90, 90)  # 20 November 2025, 12:30:55 in Berlin
    stamps = [words for _, words in axis.ticks(grid)]
    assert stamps[: len(wanted)] == wanted
    columns = [place for place, _ in axis.ticks(grid)]
    widest = max(len(words) for words in stamps)
    assert all(b - a > widest for a, b in pairwise(columns))


@pytest.mark.usefixtures("berlin")
def test_days_begin_at_midnight_on_both_sides_of_a_clock_change() -> None:
    grid = Grid(1_761_170_400 * NS, 7 * 86_400 * NS // 90, 90)  # 23 October 2025; the clock goes back on the 26th
    assert [words for _, words in axis.ticks(grid)][:6] == [f"{day} Oct" for day in (23, 24, 25, 26, 27, 28)]
    for place, words in axis.ticks(grid):
        local = time.localtime((grid.begin(place) + grid.column_ns - 1) // NS)
        assert f"{local.tm_mday} Oct" == words


@pytest.mark.usefixtures("berlin")
def test_moments_say_their_year_when_it_is_another() -> None:
    assert axis.moment(1_763_638_255, 1_763_700_000) == "Thu 20 Nov 12:30:55 +01:00"
    assert axis.moment(1_763_638_255, 1_773_700_000, seconds=False) == "Thu 20 Nov 2025 12:30 +01:00"


def test_the_event_lane_shows_the_worst_or_how_many() -> None:
    grid = Grid(0, NS, 6)
    found = {0: [("•", "text")], 2: [("▲", "warn"), ("•", "text")], 4: [("✕", "bad"), ("•", "text")]}
    assert "".join(words for words, _ in axis.lane(grid, found, 5, UTF8)) == "• 2 ✕│"


def test_marked_ranges_are_bars_with_their_letters() -> None:
    grid = Grid(0, NS, 20)
    shown = axis.ranges(grid, {"A": (2 * NS, 9 * NS), "B": (12 * NS, 40 * NS)}, ASCII)
    assert "".join(words for words, _ in shown) == "  [==A==]   [==B===="


# ---- lines and lanes


def test_lines_join_neighbours_and_nothing_across_a_gap() -> None:
    assert graph.line_masks([1, 4, 2, GAP, 3]) == [0b1, 0b1110, 0b0110, 0, 0b100]
    assert graph.line_masks([2, 2]) == [0b10, 0b10]


def test_a_band_lies_between_lowest_and_highest() -> None:
    masks = graph.band_masks([2, 2, 3, GAP], [5, 5, 3, GAP], 2)
    assert masks == [0b10100, 0b01010, 0, 0]


@pytest.mark.parametrize("ascii_only", [False, True])
def test_layers_keep_their_owner_and_hatch_gaps(ascii_only: bool) -> None:
    line = graph.line_masks([1, 1, 8, 8, GAP, GAP, 1, 1])
    runs = graph.layers([(line, "1")], [0, 0, 0, 0, GAP, GAP, 0, 0], 2, ascii_only=ascii_only)
    hatch = "%" if ascii_only else "▒"
    top, ground = ("".join(words for words, _ in row) for row in runs)
    assert top[2] == ground[2] == hatch
    assert top[0] == top[3] == " "
    assert top[1] != " "
    assert ground[0] == ground[3] == ("1" if ascii_only else "⣀")
    assert [owner for _, owner in runs[1]] == [0, graph.NOTHING, 0]


def test_zero_is_on_the_ground_and_no_value_is_not() -> None:
    lane = lanes.group([column("test", CPU, call="test")])[0]
    answer = buckets([0.0, 0.0, NAN, NAN, 0.9], counts=[1, 1, 1, 0, 1])
    grid = Grid(1000 * NS, NS, 5)
    places = answer.places(grid)
    drawn = lanes.draw(lane, answer, places, answer.holes(places, 1000 * NS, 9000 * NS), 4, UTF8)
    ground = "".join(words for words, _ in drawn.rows[-1])
    assert ground == "⣀⣀·▒  "
    assert drawn.top == 1.0


def test_series_of_one_unit_share_a_lane_and_no_two_look_alike() -> None:
    found = lanes.group(history.COLUMNS)
    assert [lane.unit for lane in found] == ["Cel", "{thread}", "1", "By/s", "By"]
    for lane in found:
        assert len({line.role for line in lane.lines}) == len(lane.lines)
        assert len({line.sign for line in lane.lines}) == len(lane.lines)


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("size", [(12, 4), (40, 12), (60, 20), (80, 24), (120, 40), (200, 50), (320, 90)])
def test_every_line_is_as_wide_as_the_screen(size: tuple[int, int], ascii_only: bool) -> None:
    timeline = ready()
    shown = scene(full(), ascii_only=ascii_only)
    ui = Ui()
    ui.screen, ui.timeline = "timeline", timeline
    width, height = size
    steps = ("", "far_left", "range_a", "left", "range_a", "range_b", "compare", "", "pick")
    for step in steps:
        if step:
            timeline.do(step, NOW)
        compose.picture(shown, ui, width, height)
        answered(timeline)
        if timeline.table is not None:
            names = wire.Compare(["*"], *timeline.table.a, *timeline.table.b)
            reply = history.reply(names)
            assert isinstance(reply, wire.CompareReply)
            timeline.table.take(reply)
        picture = compose.picture(shown, ui, width, height)
        assert len(picture.rows) == height
        assert {row_width(row) for row in picture.rows} == {width}
        if ascii_only:
            assert all(words.isascii() for row in picture.rows for words, _ in row)
        if step == "compare":
            timeline.back()


# ---- keys


def test_ranges_begin_and_end_at_the_cursor_also_backwards() -> None:
    timeline = ready(columns=100)
    column_ns = timeline.grid(NOW).column_ns
    timeline.do("far_left", NOW)
    timeline.do("range_a", NOW)
    assert "press a again" in timeline.notice
    timeline.do("far_left", NOW)
    timeline.do("range_a", NOW)
    since, until = timeline.ranges(NOW)["A"]
    assert until - since == 11 * column_ns
    timeline.do("compare", NOW)
    assert timeline.table is None
    assert "mark two ranges first: b begins B" in timeline.notice
    timeline.do("range_b", NOW)
    assert timeline.do("compare", NOW) == "compare"
    assert timeline.table is not None
    assert timeline.table.b[1] - timeline.table.b[0] == column_ns
    assert timeline.back()
    assert timeline.table is None
    assert timeline.back()
    assert not timeline.marked
    assert not timeline.back()


def test_n_goes_from_column_to_column_with_events() -> None:
    timeline = answered(ready("1 h", columns=120))
    timeline.window.go(NOW - 3000 * NS, NOW, 120)
    seen = []
    while not timeline.do("next_event", NOW):
        seen.append(timeline.window.cursor_ns)
    ages = [round((NOW - moment) / NS) for moment in seen if moment is not None]
    assert ages == [2500, 2410, 2405, 700]
    assert timeline.do("previous_event", NOW) == ""
    assert timeline.window.cursor_ns == NOW - 2404 * NS


def test_the_picker_narrows_and_toggles_in_place() -> None:
    timeline = ready()
    timeline.do("pick", NOW)
    picker = timeline.picker
    assert picker is not None
    first = [item.series.text for item in picker.found(history.COLUMNS)]
    assert set(first[: len(timeline.chosen)]) == set(timeline.chosen)
    timeline.pick("enter", None)
    assert first[0] not in timeline.chosen
    assert [item.series.text for item in picker.found(history.COLUMNS)] == first
    for char in "disk read":
        timeline.pick(char, char)
    assert len(picker.found(history.COLUMNS)) == 2
    for _ in "disk read":
        timeline.pick("backspace", None)
    for char in "hw.*":
        timeline.pick(char, char)
    assert {item.series.name for item in picker.found(history.COLUMNS)} == {"hw.temperature"}
    timeline.pick("down", None)
    timeline.pick("enter", None)
    assert timeline.chosen[-1] == 'hw.temperature{sensor="nvme Composite"}'
    timeline.pick("escape", None)
    assert timeline.picker is None


def test_a_first_look_takes_the_busiest_disk_and_no_statistics() -> None:
    chosen = first_choice(history.COLUMNS, lambda text: 5.0 if "sda" in text else NAN if "nvme" in text else 0.0)
    assert 'system.disk.io{device="sda",direction="read"}' in chosen
    assert not any("stat=" in text or "nvme" in text for text in chosen)
    assert chosen[0] == CPU


def test_selectors_name_texts_literally() -> None:
    assert selectors(['a{mount="/[x]*"}']) == ['a{mount="/[[]x][*]"}']


def test_events_are_kept_once_and_without_the_noise_of_views() -> None:
    timeline = ready()
    timeline.take_events(history.events())
    timeline.take_events([*history.events(), Event(50, "v", NOW, "view.attached", "view", "1")])
    assert len(timeline.events) == len(history.events())
    assert [item.time_ns for item in timeline.events] == sorted(item.time_ns for item in timeline.events)


def test_an_answer_covers_what_it_was_asked_for() -> None:
    timeline = answered(ready())
    wish = timeline.wish(NOW)
    assert timeline.covered(wish)
    assert not timeline.covered(timeline.wish(NOW + 60 * NS))
    assert not timeline.covered(Wish((*wish.chosen, "x"), *wish[1:]))
