"""The columns and the order of the process panel, as a layout or a person arranging it says."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.tui.fake import full, scene
from tests.tui.fake_gpus import GpuFed, box
from tests.tui.test_arrange import fresh
from wftui.clock import NS_PER_S, Instant
from wftui.model import processes as cells
from wftui.tui.layouts import files
from wftui.tui.layouts.default import DEFAULT
from wftui.tui.layouts.grammar import build, tree
from wftui.tui.layouts.plan import COLUMNS
from wftui.tui.panels import processes
from wftui.tui.process import columns
from wftui.tui.process.order import Line
from wftui.tui.scene import Scene
from wftui.tui.state import State

STATE = full()
CHOSEN = st.lists(st.sampled_from(COLUMNS), min_size=1, unique=True)


def arranged(state: State, **options: object) -> Scene:
    plan = build("x", tree(DEFAULT))
    plan.options["processes"] = dict(options)
    return scene(state)._replace(plan=plan)


def lines(shown: Scene, width: int, height: int = 9) -> list[str]:
    return ["".join(words for words, _ in row) for row in processes.draw(shown, width, height).rows]


def test_a_wide_table_does_not_cut_names() -> None:
    def wide(width: int, title: str) -> int:
        return next(wide for column, wide in columns.columns_for(width) if column.title == title)

    assert (wide(150, "container"), wide(190, "container")) == (13, 24)
    assert sum(wide + 1 for _, wide in columns.columns_for(190)) == 190 + 1


def test_layouts_name_all_columns_as_their_heads_do() -> None:
    assert tuple(column.title for column in columns.COLUMNS) == COLUMNS


def test_columns_in_the_order_that_was_chosen() -> None:
    found = lines(arranged(STATE, columns=["command", "mem", "pid"]), 60)
    assert found[0].split() == ["command", "mem", "pid"]
    assert found[1].startswith("python3 -m vllm")
    assert found[1].endswith("9.10G     812")
    assert all(len(line) == 60 for line in found)


@given(st.integers(1, 200), CHOSEN, st.booleans())
def test_what_does_not_fit_goes_from_the_right(width: int, chosen: list[str], gpus: bool) -> None:
    found = columns.columns_for(width, "cpu", gpus=gpus, chosen=chosen)
    titles = [column.title for column, _ in found]
    possible = [name for name in chosen if gpus or name not in columns.GPU_TITLES]
    if not possible:
        assert titles == [column.title for column, _ in columns.columns_for(width, "cpu", gpus=gpus)]
        return
    assert titles == possible[: len(titles)]
    taken = sum(wide + 1 for _, wide in found) - 1
    assert taken <= width or len(found) == 1
    if len(titles) < len(possible):
        following = columns.BY_TITLE[possible[len(titles)]]
        others = sum((column.width or 8) + 1 for column, _ in found)
        assert others + (following.width or 8) > width
    for row in lines(arranged(STATE, columns=chosen), max(20, width)):
        assert len(row) == max(20, width)


def test_columns_of_gpus_are_there_while_a_process_holds_one() -> None:
    chosen = ["pid", "gpu%", "vram", "command"]
    assert lines(arranged(STATE, columns=chosen), 60)[0].split() == ["pid", "command"]
    held = GpuFed(box(2)).run(1, 60).furnish().state
    assert lines(arranged(held, columns=chosen), 60)[0].split() == chosen


def test_the_order_is_marked_or_said_in_the_frame() -> None:
    found = lines(arranged(STATE, sort="pid"), 60)
    assert "pid▾" in found[0]
    pids = [int(line.split()[0]) for line in found[1:]]
    assert pids == sorted(pids)
    body = processes.draw(arranged(STATE, sort="age", columns=["pid", "command"]), 60, 9)
    assert "".join(words for words, _ in body.right) == "by age · 40"
    assert "".join(words for words, _ in processes.draw(scene(STATE), 60, 9).right) == "40"
    by_memory = "".join(words for words, _ in processes.line(arranged(STATE, sort="mem"), 60))
    assert "9.10G" in by_memory


async def test_columns_are_chosen_and_moved_while_arranging(tmp_path: Path) -> None:
    view = fresh(tmp_path)
    async with view.run_test(size=(120, 40)) as pilot:
        await pilot.press("L")
        assert view.ui.arrange is not None
        view.ui.arrange.selected = "processes"
        await pilot.press("o", "enter")
        assert view.plan.option("processes", "sort") == "pid"
        shown = [item for item in view.ui.arrange.options() if item[1].startswith("  [x]")]
        fitting = [name.removeprefix("column ") for name, _ in shown]
        assert fitting[:2] == ["pid", "user"]
        assert fitting[-1] == "command"
        # From "as many as fit" to a list without the second one.
        await pilot.press("down", "down", "down", "enter")
        assert view.plan.columns() == tuple(name for name in fitting if name != "user")
        assert view.ui.arrange.menu is not None
        assert view.ui.arrange.menu.chosen == "column user", "the cursor stays with it"
        await pilot.press("enter")
        assert list(view.plan.columns()) == fitting
        await pilot.press("shift+up", "shift+up")
        assert view.plan.columns()[:2] == ("user", "pid")
        await pilot.press("shift+down", "escape", "w", "enter")
        assert view.ui.notice.startswith("written to")
        await pilot.press("o", "down", "enter")
        assert view.plan.columns() == (), "as many as fit again"
    saved = files.load(tmp_path / "layouts" / "mine.toml")
    assert list(saved.columns()) == fitting
    assert saved.option("processes", "sort") == "pid"


@given(
    st.integers(20, 200),
    CHOSEN,
    st.lists(st.integers(-90_000, 400 * 86_400), min_size=2, max_size=5),
    st.booleans(),
)
def test_a_row_that_only_grew_older_is_drawn_as_a_new_one(
    width: int, chosen: list[str], ages: list[int], context: bool
) -> None:
    shown = arranged(STATE, columns=chosen)
    key, row = next(iter(STATE.processes().items()))
    created = row[cells.CREATED]
    assert isinstance(created, int)
    line = Line(key, row, context=context)
    STATE.drawn.clear()
    for age in ages:
        now = Instant(created + age * NS_PER_S, shown.now.boottime_ns)
        older = shown._replace(now=now)
        again = processes.table_row(older, line, width, chosen=tuple(chosen))
        kept = dict(STATE.drawn)
        STATE.drawn.clear()
        assert again == processes.table_row(older, line, width, chosen=tuple(chosen))
        STATE.drawn.update(kept)
