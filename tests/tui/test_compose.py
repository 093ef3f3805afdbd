"""Whole screens at any size: exact widths, honesty, hostile names, and no word twice."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui.fake import NOW_S, Fed, events, full, scene, sources
from wftui.model import processes
from wftui.model.table import TableChange
from wftui.render.palette import MONO, load
from wftui.tui import layout
from wftui.tui.compose import Picture, picture
from wftui.tui.frame import cells, crop, fit_row
from wftui.tui.panels import parts
from wftui.tui.process.columns import SORTS
from wftui.tui.state import LOST, State
from wftui.tui.topline import top_line
from wftui.tui.transport import Replay
from wftui.tui.ui import CONFIRM, DETAILS, HELP, MENU, Ui
from wftui.wire import messages as wire

SHOWN = {*layout.ORDER} - {"alerts"}
"""Panels of the default layout: alerts are counted in the top line, a panel of them is for other layouts."""
SIZES = [(300, 100), (200, 50), (120, 40), (80, 24), (72, 20), (71, 20), (40, 12), (20, 5), (2, 2), (1, 1)]
SCREENS = ["overview", "processes", "events", "sources"]
FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f]")
STATE = full()
HOSTILE = full(hostile=True)
MANY = full(cores=192)


def lines(drawn: Picture) -> list[str]:
    return ["".join(text for text, _ in row) for row in drawn.rows]


def check(drawn: Picture, width: int, height: int) -> None:
    roles = load(PALETTE, MONO).live
    assert len(drawn.rows) == height
    for row in drawn.rows:
        assert sum(cells(text) for text, _ in row) == width, row
        assert all(role in roles for _, role in row), row
        assert not any(FORBIDDEN.search(text) for text, _ in row), row


from wftui import paths  # noqa: E402  beside what uses it

PALETTE = paths.resources("themes") / "default.toml"


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("state", [STATE, HOSTILE, MANY, State()], ids=["full", "hostile", "cores", "nothing"])
@pytest.mark.parametrize("ascii_only", [False, True], ids=["utf8", "ascii"])
def test_every_row_is_exactly_as_wide_as_the_terminal(
    size: tuple[int, int], screen: str, state: State, ascii_only: bool
) -> None:
    ui = Ui()
    ui.show(screen)
    drawn = picture(scene(state, ascii_only=ascii_only), ui, *size)
    check(drawn, *size)
    if ascii_only:
        assert all(line.isascii() for line in lines(drawn))


@given(st.integers(1, 320), st.integers(1, 110), st.sampled_from([HELP, DETAILS, MENU, CONFIRM, ""]))
@settings(max_examples=120)
def test_dialogs_fit_any_size(width: int, height: int, dialog: str) -> None:
    ui = Ui()
    ui.show("processes")
    ui.aim(HOSTILE)
    if dialog:
        ui.overlays.append(dialog)
    check(picture(scene(HOSTILE), ui, width, height), width, height)


@pytest.mark.parametrize("name", layout.ORDER)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_panel_expands(name: str, size: tuple[int, int]) -> None:
    ui = Ui()
    ui.focus = name
    ui.expand()
    check(picture(scene(HOSTILE), ui, *size), *size)


@given(st.integers(72, 320), st.integers(20, 120))
def test_framed_panels_tile_the_screen(width: int, height: int) -> None:
    screen = layout.overview(width, height, models=3, ux=2)
    painted = set()
    for place in screen.places:
        for y in range(place.y, place.y + place.height):
            for x in (place.x, place.x + place.width - 1):
                assert 0 <= x < width
                assert 0 < y < height
                assert (x, y) not in painted
                painted.add((x, y))
    rows = [0] * height
    for place in screen.places:
        for y in range(place.y, place.y + place.height):
            rows[y] += place.width
    assert set(rows) <= {0, width}
    assert {place.name for place in screen.places} | set(screen.folded) == SHOWN


def test_small_terminals_keep_the_most_important_subjects() -> None:
    names = [place.name for place in layout.overview(20, 5).places]
    assert names == ["cpu", "memory", "processes", "gpus"]
    assert len(layout.overview(40, 12, models=3, ux=2).places) == len(SHOWN)
    assert {place.name for place in layout.overview(40, 12).places} == SHOWN - {"models", "ux"}


def test_nothing_known_is_drawn_as_a_number() -> None:
    """Honesty: without data every figure is a dash, no meter is filled, no graph has a line."""
    for size in SIZES:
        drawn = picture(scene(State()), Ui(), *size)
        body = "\n".join(lines(drawn)[1:-1])
        for free in ("within 2 s", "within 5 s", "13:52"):
            body = body.replace(free, "")
        body = re.sub(r"[╭+][─-]*\d", "", body)
        assert not re.search(r"\d", body), (size, body)
        assert not re.search("[━⠁-⣿]", body), (size, body)


def test_a_value_that_went_away_is_a_dash() -> None:
    fed = Fed().run(1, 600).furnish()
    nan = float("nan")
    fed.state.on(fed.tick(601, {"system.cpu.load_average.1m": nan, "system.memory.available": nan}))
    shown = "\n".join(lines(picture(scene(fed.state), Ui(), 120, 40)))
    assert re.search(r"load +- ", shown)
    assert re.search(r"available +- ", shown)


def test_a_gap_is_hatched_in_every_graph() -> None:
    shown = lines(picture(scene(STATE), Ui(), 120, 40))
    places = layout.overview(120, 40)
    for name in ("cpu", "memory", "disks", "network"):
        place = places.place(name)
        assert place is not None
        inside = [line[place.x : place.x + place.width] for line in shown[place.y : place.y + place.height]]
        if name == "disks":
            continue  # a list at this width
        assert any("▒" in line for line in inside), name


def test_processes_show_unknown_cells_as_dashes_and_last_when_sorted() -> None:
    ui = Ui()
    ui.show("processes")
    rows = ui.processes(STATE)
    assert rows[-1][1][7] is None
    ui.reverse = True
    assert ui.processes(STATE)[-1][1][7] is None


def test_the_top_line_says_since_when_it_is_disconnected() -> None:
    state = full()
    state.now_linked(LOST, 600 * 10**9)
    drawn = picture(scene(state, age_s=12), Ui(), 80, 24)
    assert "DISCONNECTED 12 s" in lines(drawn)[0]
    assert drawn.stale
    assert 0 in drawn.live_lines
    assert 5 not in drawn.live_lines


def test_the_cgroup_limit_is_named_as_the_total() -> None:
    shown = "\n".join(lines(picture(scene(STATE), Ui(), 120, 40)))
    assert "64.0 GiB cgroup limit" in shown


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"system.memory.utilization": 0.98}, "▲ memory 98 % of the cgroup limit"),
        ({'system.filesystem.utilization{mount="/srv/models"}': 0.99}, "▲ /srv/models is 99 % full"),
        ({'system.disk.utilization{device="nvme0n1"}': 0.99}, "▲ disk nvme0n1 busy 99 %"),
        ({'system.pressure.utilization{device="io",mode="some"}': 0.41}, "▲ pressure io 41 %"),
        ({"system.cpu.utilization": 0.97}, "▲ cpu 97 %"),
        ({}, "● well"),
    ],
)
def test_the_verdict_names_what_holds_the_machine_back(values: dict[str, float], said: str) -> None:
    fed = Fed()
    for second in range(1, 8):
        fed.state.on(fed.tick(second, values))
    assert said in lines(picture(scene(fed.state), Ui(), 120, 40))[0]


def test_the_cores_fold_into_cells_when_there_are_many() -> None:
    shown = "\n".join(lines(picture(scene(MANY), Ui(), 200, 50)))
    assert "192 cores" in shown
    assert re.search("[▁-█]{20}", shown)


@given(st.text(max_size=30), st.integers(0, 40), st.integers(0, 40))
def test_crop_and_fit_are_exact(text: str, start: int, length: int) -> None:
    from wftui.text import clean

    row = fit_row([(clean(text), "text"), ("│", "frame")], 40)
    end = min(40, start + length)
    assert sum(cells(piece) for piece, _ in crop(row, start, end)) == max(0, end - start)


@pytest.mark.parametrize("size", [(200, 50), (120, 40), (80, 24), (40, 12)], ids=str)
@pytest.mark.parametrize("screen", SCREENS)
def test_what_is_kept_from_the_frame_before_is_what_would_be_drawn_anew(
    size: tuple[int, int], screen: str
) -> None:
    fed = Fed().run(last=300).furnish()
    ui = Ui()
    ui.show(screen)
    rows = dict(fed.state.processes())
    for second in range(301, 321):
        fed.state.on(fed.tick(second))
        if second % 5 == 0:
            key = min(rows)
            changed = list(rows[key])
            changed[processes.CPU] = second / 100
            rows = {other: row for other, row in rows.items() if other != key or second < 315}
            change = TableChange("processes", 0, keyframe=True, rows=rows | {key: tuple(changed)})
            fed.state.on(wire.TableArrived(change, processes.PROCESSES))
        if second % 7 == 0:
            fed.state.sources = [msgspec.structs.replace(item, reason=f"at {second}") for item in sources()]
            fed.state.add_events([msgspec.structs.replace(events()[-1], seq=5000 + second)])
        age_s = float(second - 300)
        kept = lines(picture(scene(fed.state, age_s=age_s), ui, *size))
        if second % 2:
            fed.state.kept.clear()
            fed.state.drawn.clear()
            assert kept == lines(picture(scene(fed.state, age_s=age_s), ui, *size)), second


@pytest.mark.parametrize("width", [80, 60, 40])
def test_the_sorted_column_is_on_the_screen_at_any_width(width: int) -> None:
    ui = Ui()
    ui.show("processes")
    for _ in SORTS:
        title = ui.sort
        assert f"{title}▾" in "\n".join(lines(picture(scene(STATE), ui, width, 24))), title
        ui.reverse = True
        assert f"{title}▴" in "\n".join(lines(picture(scene(STATE), ui, width, 24))), title
        ui.next_sort()


def test_the_memory_axis_ends_above_the_peak_and_says_where() -> None:
    fed = Fed()
    for second in range(1, 200):
        fed.state.on(fed.tick(second, {"system.memory.utilization": 0.018}))
    ui = Ui()
    ui.expanded = "memory"
    shown = lines(picture(scene(fed.state), ui, 100, 30))
    assert any(re.search(r"│ 5\.0 % ", line) for line in shown)
    filled = sum("⣿" in line for line in shown)
    assert 5 <= filled <= 12, shown


def test_a_minute_with_an_event_in_it_shows_no_cut_time() -> None:
    fed = Fed().run(last=300)
    for age_s in range(130):
        time_ns = (NOW_S - 300 - age_s) * 10**9
        fed.state.event_slots.clear()
        fed.state.add_events([msgspec.structs.replace(events()[-1], seq=1000 + age_s, time_ns=time_ns)])
        row = "".join(piece for piece, _ in parts.ruler(scene(fed.state), 100))
        assert all(re.fullmatch(r"\d\d:\d\d", word) for word in re.findall(r"[\d:]+", row)), row
        assert row.count("▴") == 1, row


@pytest.mark.parametrize("width", [72, 80, 84, 112, 200])
@pytest.mark.parametrize("word", ["fewer frames", "fewer colours", "data every 2 s"])
@pytest.mark.parametrize("past", [False, True], ids=["live", "past"])
def test_the_top_line_says_what_a_slow_terminal_gives_up(width: int, word: str, past: bool) -> None:
    replay = None
    if past:
        replay = Replay(NOW_S - 300, NOW_S, False, 1.0, NOW_S - 600, NOW_S, [], NOW_S - 900, [])
    told = scene(STATE)._replace(replay=replay, lag_s=1.2, given_up=word)
    row = top_line(told, width)
    line = "".join(text for text, _ in row)
    assert word in line
    assert cells(line) == width
    assert [role for text, role in row if text == word] == ["warn"]
    assert ("REPLAY" if past else "LIVE") in line
    assert "gpu-box-3" in line or past
    assert word not in "".join(text for text, _ in top_line(told._replace(given_up=""), width))


def test_a_small_terminal_has_no_room_for_what_it_gives_up() -> None:
    assert top_line(scene(STATE)._replace(given_up="fewer frames"), 60) == top_line(scene(STATE), 60)
