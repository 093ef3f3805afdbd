"""GPUs on the overview, in the top line and in the process table."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui.fake import NOW_S, full, scene
from tests.tui.fake_gpus import (
    Card,
    GpuFed,
    asleep,
    box,
    capped,
    holder,
    lost,
    overheated,
    partitioned,
    stuck,
    trouble,
    unified,
    with_gpus,
)
from tests.tui.test_compose import SIZES, check, lines
from wftui.model import gpus as cells
from wftui.model import processes as process_cells
from wftui.model.event import Event
from wftui.tui import layout
from wftui.tui.compose import picture
from wftui.tui.gpus import boxes
from wftui.tui.overview import overview
from wftui.tui.panels import gpu_parts, gpu_rows, gpus
from wftui.tui.process.columns import SORTS, sorts
from wftui.tui.process.order import listed
from wftui.tui.scene import Body
from wftui.tui.state import State
from wftui.tui.ui import DETAILS, Ui

BOXES = {
    "1": box(1),
    "2": box(2),
    "4": box(4),
    "8": box(8),
    "16": box(16),
    "64": box(64),
    "trouble": trouble(),
    "divided": partitioned(),
    "unified": unified(),
    "asleep": [asleep(0)],
    "lost": [lost(0)],
}
STATES = {name: with_gpus(given_cards) for name, given_cards in BOXES.items()}
HOSTILE = with_gpus(trouble(), hostile=True)


def text_of(body: Body) -> list[str]:
    return ["".join(piece for piece, _ in row) for row in body.rows]


def shown(state: State, width: int, height: int) -> list[str]:
    return lines(picture(scene(state), Ui(), width, height))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", BOXES)
@pytest.mark.parametrize("ascii_only", [False, True], ids=["utf8", "ascii"])
def test_every_row_is_exactly_as_wide_as_the_terminal(size: tuple[int, int], name: str, ascii_only: bool) -> None:
    for expanded in ("", "gpus"):
        ui = Ui()
        ui.expanded = expanded
        drawn = picture(scene(STATES[name], ascii_only=ascii_only), ui, *size)
        check(drawn, *size)
        if ascii_only:
            assert all(line.isascii() for line in lines(drawn))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("ascii_only", [False, True], ids=["utf8", "ascii"])
def test_hostile_names_stay_inside(size: tuple[int, int], ascii_only: bool) -> None:
    for expanded in ("", "gpus"):
        ui = Ui()
        ui.expanded = expanded
        check(picture(scene(HOSTILE, ascii_only=ascii_only), ui, *size), *size)


@given(st.integers(1, 300), st.integers(1, 60), st.sampled_from(sorted(BOXES)))
@settings(max_examples=80)
def test_a_panel_of_any_size_is_no_wider_nor_higher(width: int, height: int, name: str) -> None:
    body = gpus.draw(scene(STATES[name]), width, height)
    assert len(body.rows) <= height
    for row in body.rows:
        assert sum(len(piece) for piece, _ in row) <= width or width < gpu_rows.LEAST


@given(st.integers(72, 320), st.integers(20, 120), st.integers(1, 80))
def test_framed_panels_tile_the_screen(width: int, height: int, count: int) -> None:
    screen = layout.overview(width, height, count, models=3)
    painted = set()
    for place in screen.places:
        assert place.height >= 3, place
        for y in range(place.y, place.y + place.height):
            for x in (place.x, place.x + place.width - 1):
                assert 0 <= x < width
                assert 0 < y < height - 1
                assert (x, y) not in painted
                painted.add((x, y))
    covered = [sum(p.width for p in screen.places if p.y <= y < p.y + p.height) for y in range(height)]
    assert set(covered) <= {0, width}
    assert {place.name for place in screen.places} | set(screen.folded) == set(layout.ORDER) - {"alerts", "ux"}
    processes = screen.place("processes")
    assert processes is not None
    assert processes.height >= 5


def test_without_gpus_the_layout_is_what_it_was() -> None:
    for size in ((80, 24), (120, 40), (200, 50), (40, 12)):
        assert layout.overview(*size).places == layout.overview(*size, 0).places
    assert layout.overview(120, 40).place("gpus") != layout.overview(120, 40, 1).place("gpus")


@pytest.mark.parametrize(
    ("name", "size", "how"),
    [
        ("1", (80, 24), gpus.CARDS),
        ("2", (120, 40), gpus.CARDS),
        ("4", (200, 50), gpus.CARDS),
        ("4", (120, 40), gpus.ROWS),
        ("8", (80, 24), gpus.ROWS),
        ("8", (200, 50), gpus.ROWS),
        ("16", (80, 24), gpus.STRIP),
        ("16", (120, 40), gpus.STRIP),
        ("16", (200, 50), gpus.ROWS),
        ("64", (200, 50), gpus.STRIP),
        ("divided", (120, 40), gpus.ROWS),
    ],
)
def test_cards_rows_and_strip(name: str, size: tuple[int, int], how: str) -> None:
    state = STATES[name]
    place = layout.overview(*size, len(BOXES[name])).place("gpus")
    assert place is not None
    assert gpus.shape(boxes(state), place.width - 4, place.height - 2) == how


def test_one_that_sleeps_takes_one_line() -> None:
    screen = shown(STATES["asleep"], 80, 24)
    assert any(re.search("│ ☾ +0 RTX 4060 Laptop GPU +asleep 2h 13m +│", line) for line in screen)
    assert layout.overview(80, 24, 1, quiet=True).place("gpus") == layout.Place("gpus", 0, 6, 80, 3)
    assert compose_place("lost").height > 3


def compose_place(name: str) -> layout.Place:
    place = overview(STATES[name], 80, 24).place("gpus")
    assert place is not None
    return place


def test_panels_stay_where_they_are_while_nobody_tells_of_gpus() -> None:
    fed = GpuFed(box(8)).run(599, 600).furnish()
    before = overview(fed.state, 120, 40).places
    fed.state.tables.clear()
    fed.state.table_version += 1
    assert overview(fed.state, 120, 40).places == before
    fresh = GpuFed(box(8)).run(599, 600).state
    assert overview(fresh, 120, 40).places == before
    fed.table(cells.GPUS, {})
    assert overview(fed.state, 120, 40).places == layout.overview(120, 40).places


def test_eight_gpus_at_80_by_24_are_all_there() -> None:
    screen = shown(STATES["trouble"], 80, 24)
    for said in (
        r"● +0 .* 98 % .*130\.6/140 GiB +71 °C +690 W +1\.98 GHz",
        r"▲ +2 .*700 W +power-capped 12 s",
        r"✕ +- H200 +lost 4 min: fell off the bus, last Xid 79 +→ drain",
        r"✕ +4 H200 +no answer 12 s: nvmlDeviceGetUtilizationRates has not come back",
        r"● +5 .* 0 % .* 34 °C +71 W +345 MHz",
        r"▲ +6 .*overheated 1 min",
        r"☾ +7 H200 +asleep 2h 13m",
    ):
        assert any(re.search(said, line) for line in screen), said


@pytest.mark.parametrize(
    ("given_card", "reason", "said"),
    [
        (stuck(0), "no answer for 12 s (in nvmlDeviceGetName)", "no answer 12 s (in nvmlDeviceGetName)"),
        (lost(0), "lost: it fell off the bus after Xid 79", "lost 4 min: it fell off the bus after Xid 79"),
        (lost(0), "", "lost 4 min"),
        (Card(0, state="denied", silent=True), "no permission for this GPU", "no permission 15 min: for this GPU"),
        (Card(0, xid=48, xid_s=130), "", "Xid 48, 2 min ago"),
        (asleep(0), "suspended by the kernel", "asleep 2h 13m: suspended by the kernel"),
    ],
)
def test_nothing_is_said_twice(given_card: Card, reason: str, said: str) -> None:
    state = GpuFed([given_card._replace(reason=reason, fix="")]).run(599, 600).furnish().state
    (gpu,) = boxes(state)
    assert gpu_parts.why(scene(state), gpu) == said


def test_the_frame_says_of_how_many_the_power_is() -> None:
    assert "8 \u00d7 H200 · 2.84 kW from 5 of 8 · 2 processes" in "\n".join(shown(STATES["trouble"], 120, 40))
    assert "1 \u00d7 GB10 · unified memory" in "\n".join(shown(STATES["unified"], 120, 40))
    assert "1 \u00d7 A100-SXM4-80GB + 3 MIG" in "\n".join(shown(STATES["divided"], 120, 40))


def test_what_a_gpu_cannot_tell_is_not_0() -> None:
    screen = shown(STATES["divided"], 120, 40)
    line = next(line for line in screen if "3g.40gb" in line)
    assert re.search(r"3g\.40gb +╌+ +n/a +━+─+ 28\.0/39\.5 GiB +n/a +n/a +n/a", line), line


def test_no_number_of_a_gpu_without_numbers() -> None:
    for given_card in (asleep(0), stuck(0)):
        state = GpuFed([given_card]).run(599, 600).furnish().state
        for width, height in ((76, 6), (116, 8), (60, 1)):
            said = "\n".join(text_of(gpus.draw(scene(state), width, height)))
            assert not re.search(r"\d %|\d W\b|\d °C|GiB|━|⣿", said), said


def test_the_strip_names_those_in_trouble() -> None:
    cards = [*box(13), lost(13), stuck(14), asleep(15)]
    said = text_of(gpus.draw(scene(with_gpus(cards)), 76, 7))
    assert said[-1].startswith("✕ at 1d:00.0 lost 4 min   ✕ 14 no answer 12 s   ▲ 1 power-capped 12 s  …")
    assert re.search("● +▲ +● .* ✕ +✕ +☾", said[1])


def test_more_than_fit_are_counted() -> None:
    said = text_of(gpus.draw(scene(STATES["divided"]), 76, 2))
    assert said[1].strip() == "3 more"
    said = shown(STATES["trouble"], 40, 20)
    assert any(re.search("4 more: 4, 6 in trouble", line) for line in said), said


@pytest.mark.parametrize(
    ("given_cards", "said"),
    [
        ([Card(0), capped(2)], "▲ GPU 2 power-capped for 12 s"),
        ([capped(0), capped(1)], "▲ GPUs 0, 1 power-capped for 12 s"),
        ([capped(n) for n in range(6)], "▲ 6 GPUs power-capped for 12 s"),
        ([Card(0), lost(3)], "▲ GPU at 13:00.0 lost for 4 min"),
        ([stuck(1)], "▲ GPU 1 no answer for 12 s"),
        ([overheated(6)], "▲ GPU 6 overheated for 1 min"),
        ([Card(0, xid=48, xid_s=130)], "▲ GPU 0 Xid 48, 2 min ago"),
        ([Card(0, used=0.99)], "▲ GPU 0 memory full"),
        ([Card(0), asleep(1)], "● well"),
    ],
)
def test_the_top_line_says_what_holds_them_back(given_cards: list[Card], said: str) -> None:
    state = GpuFed(given_cards).run(595, 600).furnish().state
    assert said in shown(state, 120, 40)[0]


def test_an_unchanged_panel_is_the_same_body() -> None:
    for name in ("8", "16", "trouble"):
        state = STATES[name]
        one = gpus.draw(scene(state), 76, 8)
        assert gpus.draw(scene(state), 76, 8) is one
        state.version += 1
        assert gpus.draw(scene(state), 76, 8) is one


def test_what_is_kept_is_what_would_be_drawn_anew() -> None:
    fed = GpuFed(trouble()).run(560, 590).furnish()
    for second in range(591, 611):
        fed.state.on(fed.tick(second))
        if second == 600:
            fed.table(cells.GPUS, {})
        for size in ((200, 50), (120, 40), (80, 24), (50, 18)):
            at = scene(fed.state, age_s=float(second - 600))
            kept = lines(picture(at, Ui(), *size))
            fed.state.kept.clear()
            fed.state.drawn.clear()
            assert kept == lines(picture(at, Ui(), *size)), second


# ---- the process table


def test_processes_show_what_they_have_of_the_gpus() -> None:
    ui = Ui()
    ui.show("processes")
    screen = lines(picture(scene(STATES["4"]), ui, 120, 30))
    assert re.search(r"mem +gpu% +vram", screen[2])
    assert re.search(r" 812 ana .* 9\.10G +285 +384G ", screen[3])
    assert re.search(r" 909 ana .* 4\.55G +- +410M ", screen[4])
    assert re.search(r" 1006 root .* 3\.03G {12} ", screen[5])


def test_without_gpu_processes_there_are_no_such_columns() -> None:
    ui = Ui()
    ui.show("processes")
    assert "vram" not in "\n".join(lines(picture(scene(full()), ui, 200, 50)))
    assert sorts(full()) == SORTS
    fed = GpuFed(box(1)).run(599, 600).furnish()
    assert "gpu%" in sorts(fed.state)
    fed.table(cells.GPU_PROCESSES, {})
    assert sorts(fed.state) == SORTS


def test_they_can_be_sorted_by_gpu_and_by_memory() -> None:
    fed = GpuFed([Card(0), Card(1)]).run(599, 600).furnish()
    rows = dict(
        [
            holder(Card(0), 1006, 1002, 5.0e9, 0.1),
            holder(Card(0), 1103, 1003, 1.0e9, 0.9),
            holder(Card(1), 1006, 1002, 5.0e9, 0.2),
        ]
    )
    fed.table(cells.GPU_PROCESSES, rows)
    by_gpu = [row[process_cells.PID] for _, row in listed(fed.state, "gpu%")]
    assert by_gpu[:2] == [1103, 1006]
    by_memory = [row[process_cells.PID] for _, row in listed(fed.state, "vram")]
    assert by_memory[:2] == [1006, 1103]
    assert [row[process_cells.PID] for _, row in listed(fed.state, "gpu%", reverse=True)][:2] == [1006, 1103]
    ui = Ui()
    ui.show("processes")
    for title in sorts(fed.state):
        assert ui.sort == title
        screen = "\n".join(lines(picture(scene(fed.state), ui, 60, 24)))
        assert f"{title}▾" in screen
        ui.next_sort(fed.state)
    assert ui.sort == SORTS[0]


def test_a_sort_by_gpu_goes_on_when_the_last_gpu_process_ended() -> None:
    fed = GpuFed(box(1)).run(599, 600).furnish()
    ui = Ui()
    ui.show("processes")
    ui.sort = "gpu%"
    fed.table(cells.GPU_PROCESSES, {})
    check(picture(scene(fed.state), ui, 80, 24), 80, 24)
    ui.next_sort(fed.state)
    assert ui.sort == SORTS[0]


def test_the_details_name_the_gpus_of_a_process() -> None:
    fed = GpuFed([Card(0), Card(1)]).run(599, 600).furnish()
    since = (NOW_S - 90) * 10**9
    rows = dict(
        [
            holder(Card(0), 812, 1000, 5.0 * 2**30, 0.41),
            holder(Card(1), 812, 1000, 7.0 * 2**30, None, **{"process.gpu.idle_since": since}),
        ]
    )
    fed.table(cells.GPU_PROCESSES, rows)
    ui = Ui()
    ui.show("processes")
    assert ui.aim(fed.state)
    ui.overlays.append(DETAILS)
    screen = "\n".join(lines(picture(scene(fed.state), ui, 120, 40)))
    assert "0 H200 · 41 % busy · 5.00 GiB" in screen
    assert "1 H200 · busy: not told · 7.00 GiB · idle for 1 min" in screen


# ---- events


def happened(kind: str, uuid: str, **payload: object) -> Event:
    return Event(7000, "id7000", (NOW_S - 3) * 10**9, kind, "gpu", uuid, payload=dict(payload))


def test_events_of_gpus_are_about_their_numbers_in_words() -> None:
    fed = GpuFed(box(8)).run(599, 600).furnish()
    fed.state.add_events([happened("gpu.throttled", Card(5).uuid, reasons=["power_cap", "sw_thermal"])])
    said = "power limit reached, hot: driver lowers clocks"
    assert "GPU 5 power limit reached" in "\n".join(shown(fed.state, 200, 50))
    ui = Ui()
    ui.show("events")
    screen = lines(picture(scene(fed.state), ui, 160, 30))
    assert any(re.search(rf"▲ gpu.throttled +GPU 5 +{said}", line) for line in screen)


def test_an_event_of_a_gpu_that_nobody_knows_names_its_uuid() -> None:
    fed = GpuFed([Card(0)]).run(599, 600).furnish()
    fed.state.add_events([happened("gpu.lost", "GPU-feed", reason="fell off the bus", ports=["1", "2"])])
    assert "✕ gpu.lost" in "\n".join(shown(fed.state, 200, 50))
    ui = Ui()
    ui.show("events")
    screen = lines(picture(scene(fed.state), ui, 160, 30))
    assert any(re.search("GPU-feed +reason fell off the bus, ports 1, 2", line) for line in screen)
