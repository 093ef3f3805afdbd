"""The layout's file while the view runs, and what the next skeleton knows of it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from wftui import paths
from wftui.tui import layout, skeleton
from wftui.tui.layouts import memory
from wftui.tui.layouts.default import DEFAULT
from wftui.tui.layouts.follow import EVERY_NS, Layouts
from wftui.tui.layouts.plan import Plan

FOLDER = paths.resources("layouts")
MINE = 'title = "mine"\nrows = [{ height = "30%", panels = ["memory"] }, { panels = ["cpu"] }]\n'


def write(own: Path, text: str, stamp: int) -> None:
    own.mkdir(exist_ok=True)
    (own / "mine.toml").write_text(text)
    os.utime(own / "mine.toml", ns=(stamp, stamp))


def test_a_change_is_told_once_and_a_mistake_keeps_the_last_good_one(tmp_path: Path) -> None:
    own = tmp_path / "layouts"
    write(own, MINE, 1)
    layouts = Layouts(own, FOLDER, "mine")
    assert layouts.plan.order() == ["cpu", "memory"]
    assert layouts.look(0) is None
    write(own, MINE.replace('"cpu"', '"cpu", "disks"'), 2)
    assert layouts.look(EVERY_NS // 2) is None, "once a second is enough"
    found = layouts.look(EVERY_NS)
    assert isinstance(found, Plan)
    assert found.order() == ["cpu", "memory", "disks"]
    assert layouts.look(2 * EVERY_NS) is None
    write(own, MINE.replace('"cpu"', '"cup"'), 3)
    assert "mine.toml:2: row 2, panels: there is no panel 'cup'; did you mean cpu?" in str(
        layouts.look(3 * EVERY_NS)
    )
    assert layouts.plan is found
    (own / "mine.toml").unlink()
    assert layouts.look(4 * EVERY_NS) is None, "an editor that replaces it"


def test_a_file_that_is_broken_at_the_start_is_followed_until_it_is_mended(tmp_path: Path) -> None:
    own = tmp_path / "layouts"
    write(own, "rows = [", 1)
    layouts = Layouts(own, FOLDER, "mine")
    assert layouts.plan is DEFAULT
    assert "mine.toml:1: not TOML" in layouts.trouble
    write(own, MINE, 2)
    assert isinstance(layouts.look(EVERY_NS), Plan)
    assert layouts.trouble == ""
    assert "there is no layout 'mien'; did you mean mine?" in Layouts(own, FOLDER, "mien").trouble


def test_all_layouts_in_turn(tmp_path: Path) -> None:
    own = tmp_path / "layouts"
    write(own, MINE, 1)
    layouts = Layouts(own, FOLDER)
    seen = []
    for _ in layouts.names():
        assert layouts.choose(layouts.following()) == ""
        seen.append(layouts.plan.name)
    assert sorted(seen) == sorted(layouts.names())
    assert seen[-1] == "default"
    write(own, "rows = [", 2)
    told = [layouts.choose(layouts.following()) for _ in layouts.names()]
    assert sum(bool(words) for words in told) == 1, "a broken one is told, and the round goes on"
    assert layouts.built_in("wide")
    assert not layouts.built_in("mine")


def boxes(painted: bytes) -> list[tuple[int, int, str]]:
    """Line, column and title of each frame that was painted."""
    found = re.findall(r"\x1b\[(\d+);(\d+)H\x1b\[90m╭─([^\n]*?)─*╮", painted.decode())
    return [(int(y), int(x), re.sub(r"\x1b\[[0-9;]*m", "", words).strip()) for y, x, words in found]


def test_the_skeleton_has_the_places_of_the_last_frame() -> None:
    state = Path(os.environ["XDG_STATE_HOME"]) / "wftop"
    titles = layout.titles(DEFAULT)
    for size in ((120, 40), (80, 24), (40, 12)):
        screen = layout.overview(*size, 8)
        names = titles if screen.framed else {**titles, **layout.SHORT}
        assert memory.keep(state, screen, names)
    kept = skeleton.read(os.environ)
    for size in ((120, 40), (80, 24)):
        painted = boxes(skeleton.paint(*size, ascii_only=False, color=True, memory=kept))
        places = [(p.y + 1, p.x + 1) for p in layout.overview(*size, 8).places]
        assert [item[:2] for item in painted] == places
        assert painted != boxes(skeleton.paint(*size, ascii_only=False, color=True))
    assert (state / skeleton.FILE).stat().st_mode & 0o777 == 0o600
    other = layout.overview(100, 30)
    assert boxes(skeleton.paint(100, 30, ascii_only=False, color=True, memory=kept)) == boxes(
        skeleton.paint(100, 30, ascii_only=False, color=True)
    ), "a size that was not seen yet has the default"
    grown = kept
    for height in range(30, 60):
        grown = skeleton.remember(grown, layout.overview(other.width, height), titles)
    assert len(grown) < 4096
    assert skeleton.remembered(grown, 100, 59) is not None


@given(st.text(max_size=200), st.integers(1, 120), st.integers(1, 40))
def test_any_memory_paints_inside_the_terminal(words: str, width: int, height: int) -> None:
    for text in (words, f"wftop-skeleton 1 {width} {height} framed\n{words}\n0 1 9 9 - x\n"):
        painted = skeleton.paint(width, height, ascii_only=True, color=False, memory=text).decode()
        assert all(int(y) <= height for y in re.findall(r"\x1b\[(\d+);\d+H", painted))


def test_an_unwritable_folder_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not memory.keep(tmp_path / "file" / "x", layout.overview(80, 24), layout.titles(DEFAULT))
