"""Copying on request: what is copied, how it reaches the terminal, and what is said about it."""

from __future__ import annotations

import shlex

import pytest

from tests.tui.fake import full
from tests.tui.fake_gpu_screen import told
from tests.tui.fake_gpus import box
from tests.tui.fake_past import remembered
from tests.tui.test_keys import PALETTE, Still, make, press
from wftui.cli.export_options import parser
from wftui.model.gpus import GPU_PROCESSES, GPUS
from wftui.model.processes import PROCESSES
from wftui.model.series import parse
from wftui.render.text import clock
from wftui.tui import clipboard
from wftui.tui.app import WftopApp
from wftui.tui.clipboard import LIMIT, Copied
from wftui.tui.ui import CONFIRM, HELP


async def copied(*keys: str, app: WftopApp | None = None) -> tuple[str, str]:
    """What is in the clipboard after these keys, and what was said."""
    view = app or make()[0]
    async with view.run_test(size=(120, 40)) as pilot:
        await press(pilot, *keys)
        return view.clipboard, view.ui.notice


async def test_a_process_under_the_headings_of_the_export() -> None:
    text, notice = await copied("2", "down", "y")
    head, row = text.split("\n")
    assert head.split("\t") == [column.name for column in PROCESSES.columns]
    cells = dict(zip(head.split("\t"), row.split("\t"), strict=True))
    assert cells["process.pid"] == "909"
    assert cells["process.cpu.utilization"] == "0.875"
    assert cells["process.command_line"] == "/usr/local/bin/ollama serve"
    assert notice == f"copied {len(text.encode())} bytes: process 909 ollama"


async def test_unknown_cells_are_empty_and_nothing_ends_a_line_or_a_cell() -> None:
    app, _ = make()
    app.state = full(hostile=True)
    text, _ = await copied("2", "end", "y", app=app)
    head, row = text.split("\n")
    assert len(head.split("\t")) == len(row.split("\t"))
    assert all(char.isprintable() for char in row.replace("\t", ""))
    assert not text.endswith("\n")


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (None, ""),
        (-3, "-3"),
        (0.875, "0.875"),
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("@a", "'@a"),
        ("a\tb\nc", r"a\x09b\x0ac"),
        ("\x1b]0;x\x07", r"\x1b]0;x\x07"),
    ],
)
def test_cells_run_nothing_where_they_are_pasted(cell: str | float | None, shown: str) -> None:
    assert clipboard._lines([(cell, "x")]) == f"{shown}\tx"


async def test_from_the_open_details() -> None:
    text, _ = await copied("2", "enter", "y")
    assert text.split("\n")[1].startswith("812\t")


async def test_an_event_a_source_and_a_panel() -> None:
    text, notice = await copied("3", "y")
    assert text.split("\t")[1:] == ["signal.sent", "process 1394", "signal SIGTERM, name rsync"]
    assert text.startswith("2025-11-21T13:51:53+00:00\t")
    assert notice.endswith(": signal.sent")
    text, _ = await copied("4", "y")
    assert text.split("\n")[1].split("\t")[:3] == ["sensors", "late", "took 6.1 s, over its deadline of 5 s"]
    text, notice = await copied("tab", "tab", "y")
    head, *rows = text.split("\n")
    assert head == "series\tvalue\tunit"
    assert all(parse(line.split("\t")[0]).name.startswith(("system.memory.", "system.paging.")) for line in rows)
    assert notice.endswith(f"memory, {len(rows)} numbers")


async def test_the_selected_gpu_and_a_process_on_it() -> None:
    def view() -> WftopApp:
        return WftopApp(PALETTE, state=told(box(4)), clock=Still())

    text, notice = await copied("6", "home", "down", "y", app=view())
    head, row = text.split("\n")
    assert head.split("\t") == [column.name for column in GPUS.columns]
    assert row.startswith("GPU-00000001-")
    assert notice.endswith(": GPU 1")
    text, _ = await copied("6", "home", "enter", "y", app=view())
    assert text.split("\n")[0].split("\t") == [column.name for column in GPU_PROCESSES.columns]


async def test_the_series_under_the_cursor_of_the_dialog() -> None:
    text, notice = await copied("tab", "i", "down", "down", "y")
    assert text == "system.cpu.load_average.5m"
    assert notice == "copied 26 bytes: system.cpu.load_average.5m"
    text, _ = await copied("2", "i", "y")
    assert text == "process.cpu.utilization"


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        (("tab", "tab"), ["-m", "system.memory.*", "-m", "system.paging.*"]),
        (("2",), ["--table", "processes"]),
        (("3",), ["--events"]),
        (("4",), ["-m", "wftop.source.*"]),
        (("1",), []),
    ],
)
async def test_the_command_for_what_is_in_view_is_one_that_wftop_takes(
    keys: tuple[str, ...], wanted: list[str]
) -> None:
    text, notice = await copied(*keys, "Y")
    words = shlex.split(text)
    assert words[:2] == ["wftop", "export"]
    assert " ".join(wanted) in " ".join(words)
    given = parser().parse_args(words[2:])
    assert given.since < given.until
    assert "the command" in notice


async def test_in_the_past_the_command_is_about_then() -> None:
    state, memory = remembered()
    app = WftopApp(PALETTE, state=state, link=lambda _: memory, clock=Still())  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "shift+left", "shift+left")
        for _ in range(6):
            await pilot.pause()
        begin, _, _ = app.commands.in_view()
        await press(pilot, "Y")
        assert clock(begin) in app.clipboard


async def test_too_much_is_not_copied() -> None:
    app, _ = make()
    async with app.run_test(size=(80, 24)):
        clipboard.copy(app, Copied("x" * (LIMIT + 1), "much"))
        assert app.clipboard == ""
        assert "65,537 bytes are too many to copy" in app.ui.notice
        clipboard.copy(app, Copied("é" * (LIMIT // 2), "enough"))
        assert "copied 65,536 bytes" in app.ui.notice


async def test_inside_tmux_it_says_what_tmux_needs() -> None:
    app, _ = make()
    async with app.run_test(size=(80, 24)):
        clipboard.copy(app, Copied("x", "one"), {"TMUX": "/tmp/tmux-0/default,1,0"})  # noqa: S108  a variable's text, no file
        assert app.ui.notice == "copied 1 byte: one; tmux hands it on with: set -g set-clipboard on"


async def test_switched_off_nothing_is_copied() -> None:
    app, _ = make()
    app.copies = False
    text, notice = await copied("2", "y", app=app)
    assert text == ""
    assert notice == "nothing is copied: view.clipboard is false"


async def test_in_a_question_y_is_its_answer() -> None:
    app, link = make()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "2", "f9", "enter")
        assert app.ui.overlay == CONFIRM
        await press(pilot, "y")
        assert app.clipboard == ""
        assert len(link.sent) == 1
        app.ui.overlays[:] = [HELP]
        await press(pilot, "y")
        assert app.clipboard == ""
