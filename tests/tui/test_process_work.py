"""Working with the process list by keys: order, tree, tags, following, signals to several."""

from __future__ import annotations

import re

import pytest
from textual.pilot import Pilot

from tests.tui.fake import NOW_S, scene
from tests.tui.fake_tree import arrive, grown, key, rows
from tests.tui.test_keys import PALETTE, FakeLink, Still, press, screen_text
from wftui.tui.app import WftopApp
from wftui.tui.compose import picture
from wftui.tui.process.columns import COLUMNS, SORTS
from wftui.tui.state import State
from wftui.tui.ui import CONFIRM, MENU, OUTCOME, Ui


class Link(FakeLink):
    """Refuses even pids."""

    async def signal(self, pid: int, start_time: int, number: int) -> str:
        await super().signal(pid, start_time, number)
        return f"process {pid} is not ours to signal" if self.answer and pid % 2 == 0 else ""


def make(*, readonly: bool = False, answer: str = "") -> tuple[WftopApp, Link]:
    link = Link(answer)
    app = WftopApp(PALETTE, state=grown(), link=lambda _: link, clock=Still(), readonly=readonly)  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls
    return app, link


def listed(state: State, ui: Ui) -> list[int]:
    return [int(line.key.partition(":")[0]) for line in ui.processes(state)]


def at(app: WftopApp) -> str:
    """Key under the cursor."""
    line = app.ui.process(app.state)
    assert line is not None
    return line.key


async def select(pilot: Pilot[int], app: WftopApp, pid: int) -> None:
    await press(pilot, "home")
    for _ in range(len(app.state.processes())):
        if at(app) == key(pid):
            return
        await press(pilot, "down")
    raise AssertionError(f"{pid} is not listed")


def test_every_column_can_be_sorted_by() -> None:
    assert {column.title for column in COLUMNS} == {*SORTS, "gpu%", "vram"}


async def test_the_next_and_the_previous_column() -> None:
    app, _ = make()
    async with app.run_test(size=(140, 40)) as pilot:
        await press(pilot, "2", "s")
        assert app.ui.sort == "mem"
        await press(pilot, "S", "S")
        assert app.ui.sort == "s"
        assert listed(app.state, app.ui)[0] == 2402, "D before I, R and S"
        await press(pilot, "r")
        assert app.ui.reverse
        assert "s▴" in screen_text(app)


async def test_the_tree_and_back_keep_the_cursor() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2")
        await select(pilot, app, 2390)
        await press(pilot, "t")
        assert at(app) == key(2390)
        assert re.search(r"└─make -j4 test", screen_text(app))
        await press(pilot, "s", "r")
        assert at(app) == key(2390)
        await press(pilot, "t")
        assert at(app) == key(2390)


async def test_fold_and_unfold() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2", "left_square_bracket")
        assert "t shows it" in screen_text(app)
        await press(pilot, "t")
        await select(pilot, app, 1902)
        await press(pilot, "left_square_bracket")
        assert at(app) == key(1835), "a leaf folds the branch that it is on"
        assert re.search(r"227\.0 +14\.3G .*▸Σ4 python3 -m vllm", screen_text(app))
        await press(pilot, "left_square_bracket")
        assert at(app) == key(1810)
        await press(pilot, "right_square_bracket", "right_square_bracket")
        assert "nothing is folded here" in screen_text(app)
        await press(pilot, "left_curly_bracket")
        assert listed(app.state, app.ui) == [1, 612, 911, 733, 3001, 4242, 2, 44, 17]
        assert at(app) == key(612), "the cursor stays where its process went"
        await press(pilot, "right_curly_bracket")
        assert len(listed(app.state, app.ui)) == len(rows())


async def test_a_filter_opens_folded_branches() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2", "t", "left_curly_bracket", "slash", *"pytest", "enter")
        assert listed(app.state, app.ui)[-1] == 2390
        assert "1 of 26" in screen_text(app)
        await press(pilot, "left_square_bracket")
        assert "Esc clears it" in screen_text(app)


async def test_a_wrong_piece_is_named_while_it_is_typed() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2", "slash", *"rsync")
        await press(pilot, "space", *"cpu", "greater_than_sign", "x")
        last = screen_text(app).splitlines()[-1]
        assert "▲ cpu>x: expected a percent like 10, got 'x'" in last
        assert listed(app.state, app.ui) == [2402]
        await press(pilot, "backspace", "5", "enter")
        assert "expected" not in screen_text(app)
        assert listed(app.state, app.ui) == [2402]


async def test_tags_and_one_signal_to_all_of_them() -> None:
    app, link = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2")
        await select(pilot, app, 1901)
        await press(pilot, "c", "c")
        assert list(app.ui.work.tagged) == [key(1901), key(1902)]
        assert "1901◆ana" in screen_text(app)
        assert "◆ 2 tagged" in screen_text(app)
        await press(pilot, "up", "c")
        assert list(app.ui.work.tagged) == [key(1901)]
        await select(pilot, app, 743)
        await press(pilot, "c", "K")
        assert app.ui.overlay == MENU
        assert "signal to 2 tagged processes" in screen_text(app)
        await press(pilot, "enter")
        assert app.ui.overlay == CONFIRM
        for words in ("Send SIGTERM (15) to 2 tagged processes?", "1901  VLLM::Worker_TP0", "743  postgres"):
            assert words in screen_text(app)
        await press(pilot, "y")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert link.sent == [(1901, 2001, 15), (743, 843, 15)]
        assert "SIGTERM sent to 2 processes" in screen_text(app)
        await press(pilot, "U")
        assert app.ui.work.tagged == {}
        assert "◆" not in screen_text(app)


async def test_each_refused_process_is_told_by_its_reason() -> None:
    app, _ = make(answer="no")
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2")
        for pid in (1901, 1902, 612):
            await select(pilot, app, pid)
            await press(pilot, "c")
        await press(pilot, "f9", "enter", "y")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert app.ui.overlay == OUTCOME
        for words in (
            "SIGTERM sent to 1 process ",
            "1902 VLLM::Worker_TP1: process 1902 is not ours to signal",
            "612 containerd: process 612 is not ours to signal",
        ):
            assert words in screen_text(app)
        await press(pilot, "escape")
        assert app.ui.overlay == ""


async def test_more_than_ten_are_counted() -> None:
    app, link = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2", "t")
        await select(pilot, app, 1)
        await press(pilot, "C")
        count = len(app.ui.work.tagged)
        assert count == 22
        await press(pilot, "K", "enter")
        assert "and  12 more" in screen_text(app)
        assert link.sent == []


async def test_tagged_ones_that_ended_get_no_signal() -> None:
    app, link = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2")
        for pid in (2402, 3040):
            await select(pilot, app, pid)
            await press(pilot, "c")
        table = rows()
        del table[key(2402)]
        arrive(app.state, table)
        await press(pilot, "K", "enter", "y")
        await app.workers.wait_for_complete()
        assert [sent[0] for sent in link.sent] == [3040]
        del table[key(3040)]
        arrive(app.state, table)
        await press(pilot, "K")
        assert app.ui.overlay == ""
        assert "all 2 tagged have ended" in screen_text(app)


async def test_details_send_to_their_process_whatever_is_tagged() -> None:
    app, link = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2")
        await select(pilot, app, 3040)
        await press(pilot, "c")
        await select(pilot, app, 2402)
        await press(pilot, "enter", "K", "enter", "y")
        await app.workers.wait_for_complete()
        assert [sent[0] for sent in link.sent] == [2402]


async def test_readonly_tags_but_sends_nothing() -> None:
    app, link = make(readonly=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2", "c", "K", "enter", "y")
        assert app.ui.work.tagged
        assert link.sent == []


async def test_the_cursor_stays_on_the_followed_one() -> None:
    app, _ = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2")
        await select(pilot, app, 742)
        await press(pilot, "F")
        assert "follows 742 postgres" in screen_text(app)
        for keys in (["s"], ["r"], ["t"], ["slash", *"walw", "enter"], ["escape"], ["c"], ["t"]):
            await press(pilot, *keys)
            assert at(app) == key(742), keys
        await press(pilot, "slash", *"rsync", "enter")
        assert "742 postgres, not in this list" in screen_text(app)
        await press(pilot, "escape")
        assert at(app) == key(742)
        await press(pilot, "down")
        assert app.ui.work.follow is None


@pytest.mark.parametrize("width", [120, 60])
async def test_the_end_of_the_followed_one_is_told_with_its_time(width: int) -> None:
    app, _ = make()
    async with app.run_test(size=(width, 40)) as pilot:
        await press(pilot, "2")
        await select(pilot, app, 2402)
        await press(pilot, "F")
        table = rows()
        arrive(app.state, table, (NOW_S + 2) * 10**9)
        app.paint()
        assert "ended by" not in screen_text(app)
        del table[key(2402)]
        for later in (4, 6, 8):
            arrive(app.state, table, (NOW_S + later) * 10**9)
            app.paint()
            assert "2402 rsync ended by 13:52:09" in screen_text(app)
        await press(pilot, "down")
        assert "ended by" not in screen_text(app)


def test_the_end_is_that_of_the_first_scan_without_it_wherever_one_looked_between() -> None:
    state, ui = grown(), Ui()
    ui.show("processes")
    ui.processes(state)
    from wftui.tui.process.work import Follow

    assert ui.aim(state)
    assert ui.target is not None
    ui.work.follow = follow = Follow(ui.target, NOW_S * 10**9)
    table = rows()
    follow.look(table, (NOW_S - 500) * 10**9)
    follow.look({}, (NOW_S + 2) * 10**9)
    assert follow.ended_ns is None, "no table is no news"
    del table[ui.target.key]
    follow.look(table, (NOW_S - 900) * 10**9)
    assert follow.ended_ns is None, "before it began"
    follow.look(table, (NOW_S + 30) * 10**9)
    follow.look(table, (NOW_S + 4) * 10**9)
    follow.look(table, (NOW_S + 60) * 10**9)
    assert follow.ended_ns == (NOW_S + 4) * 10**9


@pytest.mark.parametrize("width", [200, 120, 80, 60, 40])
def test_what_is_told_in_the_border_gives_way_and_never_breaks_the_frame(width: int) -> None:
    state, ui = grown(), Ui()
    ui.show("processes")
    ui.work.tree = True
    ui.wanted["processes"] = "user=ana,root,postgres cpu>=0 mem>=0 threads>0"
    assert ui.aim(state)
    assert ui.target is not None
    ui.work.tag([ui.target])
    for ascii_only in (False, True):
        drawn = picture(scene(state, ascii_only=ascii_only), ui, width, 24)
        lines = ["".join(text for text, _ in row) for row in drawn.rows]
        assert all(len(line) == width for line in lines)
        if ascii_only:
            assert all(line.isascii() for line in lines)
        if width >= 80:
            assert "26 of 26" in lines[1]
