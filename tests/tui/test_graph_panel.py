"""Graphs of a layout: any series, any length of the past, now and then."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.fake import NOW_S, Fed, full, scene
from tests.tui.fake_gpus import GpuFed, box
from tests.tui.fake_past import NS, remembered
from tests.tui.test_arrange import fresh
from tests.tui.test_gpu_panel_snapshots import app as with_gpus
from tests.tui.test_past import settled
from tests.tui.test_snapshots import THEME, Still
from wftui import paths
from wftui.render.palette import TRUECOLOR, load
from wftui.tui.app import WftopApp
from wftui.tui.layouts import files
from wftui.tui.layouts.follow import Layouts
from wftui.tui.layouts.grammar import build
from wftui.tui.layouts.plan import Graph
from wftui.tui.panels import graph
from wftui.tui.panels.window import Window
from wftui.tui.scene import Body
from wftui.tui.state import State
from wftui.wire import messages as wire

LOAD = "system.cpu.load_average.1m"
QUEUE = "system.cpu.run_queue"
CORES = "system.cpu.logical.utilization"


def fed(*patterns: str) -> State:
    """The fake machine with histories of these series too."""
    made = Fed()
    made.state.want(frozenset(patterns))
    return made.run(1, 600).furnish().state


def text(body: Body) -> str:
    return "\n".join("".join(words for words, _ in row) for row in body.rows)


def right(body: Body) -> str:
    return "".join(words for words, _ in body.right)


def plan(*series: str, seconds: int = 0) -> Graph:
    return Graph("own", "own", series, seconds)


def test_one_series_is_an_area_with_its_value_and_scale() -> None:
    body = graph.draw(scene(fed(LOAD)), plan(LOAD), 60, 8)
    assert "3.42" in right(body)
    assert "120 s" in right(body)
    assert "5" in text(body).split("\n")[0], "the top of the axis"
    assert "\u28ff" in text(body)


def test_a_metric_means_all_its_series_each_with_name_and_value() -> None:
    state = fed(CORES)
    body = graph.draw(scene(state), plan(CORES), 70, 12)
    shown = text(body)
    assert all(f"{number} " in shown for number in "12345678")
    assert "%" in shown
    assert len(graph.columns_of(state, plan(CORES))) == 8
    assert len(graph.columns_of(state, plan(CORES + '{cpu="3"}', CORES))) == 8
    assert [column.series.text for column in graph.columns_of(state, plan(CORES + '{cpu="3"}'))] == [
        CORES + '{cpu="3"}'
    ]


def test_series_of_two_units_have_a_lane_each() -> None:
    shown = text(graph.draw(scene(fed(CORES, LOAD)), plan("system.cpu.utilization", "hw.temperature"), 50, 12))
    assert "100 %" in shown
    assert "100 °C" in shown


def test_gpus_are_named_by_number() -> None:
    state = GpuFed(box(4)).run(1, 600).furnish().state
    shown = text(graph.draw(scene(state), plan("hw.gpu.power"), 60, 9))
    assert "GPU 0 640 W" in shown
    assert "GPU 3 661 W" in shown


@pytest.mark.parametrize("series", [CORES, "system.cpu.utilization"])
def test_written_over_in_place_a_line_changes_in_few_cells(series: str) -> None:
    changed = {}
    for sweep in (True, False):
        made = Fed()
        made.state.want(frozenset({CORES}))
        made.run(1, 600)
        seen = []
        for second in (602, 604):
            made.run(second - 1, second)
            seen.append(text(graph.draw(scene(made.state)._replace(sweep=sweep), plan(series), 60, 9)).split("\n"))
        # The lowest line but one: the ground looks the same everywhere.
        changed[sweep] = sum(a != b for a, b in zip(seen[0][-2][:-1], seen[1][-2][:-1], strict=True))
    assert changed[True] <= 4 < changed[False]


def test_counters_are_rates() -> None:
    series = 'system.disk.io{device="nvme0n1",direction="read"}'
    assert "MiB/s" in right(graph.draw(scene(fed()), plan(series), 40, 6)) or "M/s" in right(
        graph.draw(scene(fed()), plan(series), 40, 6)
    )


@given(st.integers(4, 140), st.sampled_from([0, 60, 120, 300, 600]))
def test_a_column_covers_at_least_what_was_asked_for(width: int, seconds: int) -> None:
    state = STATE
    window = Window(state, width, seconds)
    assert window.span >= min(seconds or 2 * width, 600)
    sampled = window.sampled("system.cpu.utilization")
    assert len(sampled.mean) == len(sampled.low) == len(sampled.high) == 2 * width
    for low, mean, high in zip(*sampled, strict=True):
        assert (low <= mean + 1e-9 and mean <= high + 1e-9) or mean != mean
    if window.each > 1:
        newest = state.seconds("system.cpu.utilization", state.slot % window.each + 1)
        assert sampled.high[-1] == max(newest)
        assert any(low < high for low, high in zip(sampled.low, sampled.high, strict=True)), "a band"


def test_columns_of_several_seconds_stay_what_they_were() -> None:
    made = Fed().run(1, 600).furnish()
    graphed = Window(made.state, 40, 600)
    before = graphed.sampled("system.cpu.utilization").mean
    made.run(600, 600 + graphed.each)
    after = Window(made.state, 40, 600).sampled("system.cpu.utilization").mean
    assert after[:-2] == before[1:-1]


def test_what_nobody_tells_says_which_source_would_and_the_step() -> None:
    shown = text(graph.draw(scene(full()), plan("hw.gpu.power"), 70, 6))
    assert "nobody tells hw.gpu.power (W) on this machine: source gpu is absent" in shown
    assert "no GPU found" in shown
    shown = text(graph.draw(scene(full()), plan("no.such.thing"), 70, 6))
    assert "there is no metric no.such.thing" in shown
    assert "docs/metrics.md" in shown


@given(st.integers(1, 160), st.integers(1, 40), st.sampled_from([(LOAD,), (CORES,), ("*",), ("x",)]))
def test_any_size(width: int, height: int, series: tuple[str, ...]) -> None:
    body = graph.draw(scene(STATE), plan(*series), width, height)
    assert len(body.rows) <= height or height < 2
    row = graph.line(scene(STATE), plan(*series), width)
    assert sum(len(words) for words, _ in row) == width


STATE = fed(LOAD, CORES)


def test_histories_are_kept_for_what_is_on_a_graph_only() -> None:
    state = fed(LOAD)
    assert state.seconds(LOAD, 3) == [3.42] * 3
    assert not state.want(frozenset())
    assert LOAD not in state.histories
    assert state.want(frozenset({QUEUE}))
    assert QUEUE in state.histories
    assert state.past(3, "system.cpu.utilization") == fed().past(3, "system.cpu.utilization")


async def test_the_past_of_a_graph_is_asked_for_and_shown(tmp_path: Path) -> None:
    own = tmp_path / "layouts"
    own.mkdir()
    (own / "mine.toml").write_text(
        f'rows = [{{ panels = ["load", "cpu"] }}]\n[[graphs]]\nname = "load"\nseries = ["{LOAD}"]\n'
    )
    state, memory = remembered()
    layouts = Layouts(own, paths.resources("layouts"), "mine")
    view = WftopApp(load(THEME, TRUECOLOR), state=state, link=lambda _: memory, clock=Still(), layouts=layouts)  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls
    async with view.run_test(size=(120, 40)) as pilot:
        view.past.go((NOW_S - 25) * NS)
        await settled(pilot, view)
        asked = [message for message in memory.asked if isinstance(message, wire.Range)]
        assert all(LOAD in message.selectors for message in asked)
        assert view.seen.seconds(LOAD, 2) == [3.42, 3.42]
        view.plan.graphs["load"].series = [QUEUE]
        view.graphs_changed()
        await settled(pilot, view)
        assert view.seen.seconds(QUEUE, 2) == [4, 4]


async def test_keys_zoom_and_choose_series(tmp_path: Path) -> None:
    view = fresh(tmp_path)
    view.plan = build("x", {"rows": [{"panels": ["load", "cpu"]}], "graphs": [{"name": "load", "series": [LOAD]}]})
    found = view.plan.graphs["load"]
    async with view.run_test(size=(120, 40)) as pilot:
        await pilot.press("z")
        assert "Tab goes to one" in view.ui.notice
        await pilot.press("tab", "tab", "Z", "Z")
        # By itself it shows the seconds that 56 columns have room for.
        assert found.seconds == 300
        await pilot.press("z", "z", "z", "z")
        assert found.seconds == 60
        await pilot.press("Z")
        assert found.seconds == 0
        await pilot.press("p", *"run_queue", "enter", "backspace", "escape")
        assert found.series == [LOAD, QUEUE]
        assert QUEUE in view.state.histories
        await pilot.press("e", "Z")
        assert view.ui.shown == "load"
        assert found.seconds == 300, "expanded it shows 232 s by itself"
        await pilot.press("p", "enter", "down", "enter", "escape")
        assert found.series == [LOAD, QUEUE], "none chosen: it stays"
        assert "stays as it was" in view.ui.notice


async def test_beyond_what_the_view_keeps_the_timeline_goes_on(tmp_path: Path) -> None:
    view = fresh(tmp_path)
    view.plan = build(
        "x",
        {"rows": [{"panels": ["cpu", "load"]}], "graphs": [{"name": "load", "series": [LOAD], "length": 86_400}]},
    )
    async with view.run_test(size=(120, 40)) as pilot:
        view.plan.lengthen("cpu", 86_400)
        await pilot.press("tab", "e", "Z")
        assert view.ui.shown == "timeline"
        assert view.ui.timeline is not None
        assert view.ui.timeline.chosen == ["system.cpu.utilization", LOAD]
        await pilot.press("escape", "tab", "Z")
        assert view.ui.shown == "timeline"
        assert view.ui.timeline.chosen == [LOAD]


async def test_a_graph_is_added_while_arranging(tmp_path: Path) -> None:
    view = fresh(tmp_path)
    async with view.run_test(size=(120, 40)) as pilot:
        await pilot.press("L", "a", "enter", *"load 1m", "enter", "escape")
        assert view.ui.arrange is not None
        assert view.ui.arrange.selected == "graph-1"
        assert view.plan.graphs["graph-1"].series == [LOAD]
        assert "graph-1" in view.visible_panels()
        await pilot.press("o", "enter", "escape")
        assert view.plan.graphs["graph-1"].seconds == 60
        await pilot.press("w", "enter", "escape")
    saved = files.load(tmp_path / "layouts" / "mine.toml")
    assert saved.graphs["graph-1"].series == [LOAD]
    assert "graph-1" in saved.order()


@pytest.mark.parametrize(("name", "seconds"), [("gpu-power", 0), ("gpu-power", 600)], ids=["seconds", "band"])
def test_a_whole_screen(snap_compare, name: str, seconds: int) -> None:  # type: ignore[no-untyped-def]  # the plugin's fixture has no exported type
    view = with_gpus(box(4))
    view.arranged(files.load(paths.resources("layouts") / "gpu.toml"))
    view.plan.graphs[name].seconds = seconds
    view.ui.expanded = name
    assert snap_compare(view, terminal_size=(120, 40))


def test_the_list_of_series(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    view = with_gpus(box(1))
    view.plan = files.load(paths.resources("layouts") / "gpu.toml")
    view.ui.focus = "gpu-power"
    assert snap_compare(view, terminal_size=(120, 40), press=["p", *"temp"])
