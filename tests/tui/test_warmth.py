"""``colors.*`` bends every figure of its kind, wherever it stands, and no other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from tests.tui.fake import full, scene
from tests.tui.fake_gpu_screen import told
from tests.tui.fake_gpus import Card, box
from tests.tui.test_keys import PALETTE, Still, press
from wftui.render import palette
from wftui.tui import compose
from wftui.tui.app import WftopApp
from wftui.tui.energy import ribbon
from wftui.tui.energy.screen import EnergyScreen
from wftui.tui.frame import Row
from wftui.tui.gpu_screen import graphs
from wftui.tui.gpus import boxes
from wftui.tui.panels import disks, gpu_strip, processes
from wftui.tui.settings import control
from wftui.tui.ui import Ui

EARLY = (0.01, 0.02)
"""Shares from which on nearly all is hot."""


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    palette.warm_at({})


def cells(rows: list[Row]) -> list[tuple[str, str]]:
    """Every character that is no blank, with its role."""
    return [(char, role) for row in rows for words, role in row for char in words if char != " "]


def changed(draw: Callable[[], list[Row]], scale: str) -> set[str]:
    """Words of the default picture that another limit of a scale makes warmer."""
    palette.warm_at({})
    before = draw()
    palette.warm_at({scale: EARLY})
    after = draw()
    palette.warm_at({})
    assert [char for char, _ in cells(before)] == [char for char, _ in cells(after)]
    for (_, old), (_, new) in zip(cells(before), cells(after), strict=True):
        assert old == new or not old.startswith("heat") or int(new[4:]) > int(old[4:]), (old, new)
    roles = iter([role for _, role in cells(after)])
    found = set()
    for row in before:
        for words, role in row:
            if [each for each in [next(roles) for char in words if char != " "] if each != role]:
                found.add(words.strip())
    return found


def process_rows() -> list[Row]:
    return processes.draw(scene(told([card._replace(load=0.3) for card in box(2)])), 120, 20).rows


def process_line() -> list[Row]:
    return [processes.line(scene(full()), 60, rank) for rank in range(8)]


def disk_rows() -> list[Row]:
    return disks.draw(scene(full()), 60, 10).rows


def energy_rows() -> list[Row]:
    ui = Ui()
    ui.show("energy")
    ui.energy = EnergyScreen()
    made = compose.picture(scene(told([card._replace(power=300.0) for card in box(2)])), ui, 120, 40)
    return [list(row) for row in made.rows]


def ribbon_rows() -> list[Row]:
    return [[(line, ribbon.ink(0.5))] for line in ribbon.texts(0.5, 20, 2, 0.0)]


def strip_rows() -> list[Row]:
    state = told([card._replace(load=0.3, heat=45.0, power=200.0) for card in box(16)])
    return gpu_strip.draw(scene(state), boxes(state), 40, 8)


def graph_of(kind: str, which: int) -> Callable[[], list[Row]]:
    def draw() -> list[Row]:
        state = told([Card(0, load=0.4, heat=60.0, power=300.0)])
        plot = graphs.plots(scene(state), boxes(state)[0], kind, 80)[which]
        return graphs.draw(scene(state), plot, 40, 8)

    return draw


@pytest.mark.parametrize(
    ("draw", "scale", "words"),
    [
        (process_rows, "cpu", r"\d+\.\d"),
        (process_rows, "gpu", r"\d+"),
        (process_line, "cpu", r"\d+ %|\d\.\d %"),
        (disk_rows, "disk", r"\d+ %|\d\.\d %|[━▪]+"),
        (energy_rows, "power", r"\d+ %|[⠀-⣿]"),
        (ribbon_rows, "power", r"[⠀-⣿▒]"),
        (graph_of(graphs.WORK, 0), "gpu", r"[⠀-⣿▒]"),
        (graph_of(graphs.WORK, 1), "power", r"[⠀-⣿▒]"),
        (graph_of(graphs.HEAT, 1), "temperature", r"[⠀-⣿▒]"),
    ],
    ids=["processes", "their GPU share", "busiest", "disks", "energy", "ribbon", "use", "power", "heat"],
)
def test_a_scale_bends_its_figures_alone(draw: Callable[[], list[Row]], scale: str, words: str) -> None:
    found = changed(draw, scale)
    assert found
    assert all(re.search(words, each) for each in found), found
    assert not changed(draw, "memory")


@pytest.mark.parametrize(("scale", "line"), [("gpu", "util"), ("temperature", "temp"), ("power", "watt")])
def test_each_line_of_the_strip_has_its_own_scale(scale: str, line: str) -> None:
    palette.warm_at({})
    before = strip_rows()
    palette.warm_at({scale: EARLY})
    after = strip_rows()
    lines = {
        "".join(words for words, _ in old).split()[0] for old, new in zip(before, after, strict=True) if old != new
    }
    assert line in lines
    assert lines <= {line}


def test_a_mount_is_plain_below_what_is_chosen() -> None:
    state = full()

    def roles() -> dict[str, str]:
        rows = disks.draw(scene(state), 60, 10).rows
        return {words.strip(): role for row in rows for words, role in row if words.strip().endswith("%")}

    plain = {words for words, role in roles().items() if role == "text"}
    assert plain, "a mount under 80 %"
    palette.warm_at({"disk": (0.05, 0.9)})
    assert all(roles()[words].startswith("heat") for words in plain)


async def test_rows_that_are_kept_follow_at_once() -> None:
    app = WftopApp(PALETTE, state=full(), clock=Still())
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2")
        assert app.state.drawn
        palette.warm_at({"cpu": EARLY})
        control.redrawn(app)
        assert not app.state.drawn
        app.paint()
        assert app.picture is not None
        figures = [role for row in app.picture.rows for words, role in row if re.fullmatch(r" *\d+\.\d", words)]
        assert any(role in ("heat13", "heat14", "heat15") for role in figures)
