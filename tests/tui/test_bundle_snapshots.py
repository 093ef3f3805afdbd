"""Pictures of the dialog of x: the form, what is written, what was."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from tests.tui.test_bundle_dialog import REDACTED, WORDS
from tests.tui.test_snapshots import app
from wftui.bundle.orders import Written
from wftui.render.palette import MONO, TRUECOLOR
from wftui.tui.app import WftopApp
from wftui.tui.bundling.control import Preview
from wftui.tui.bundling.model import DONE
from wftui.tui.ui import CONTENTS

LINES = [
    "2026-11-22T06:55:01Z to 2026-11-22T06:59:41Z, level full: 1.6 MiB, before it is packed",
    "",
    "Table processes: 1,139 rows, 187 KiB",
    "    8765:1783123  user=user-2  name=python3  command_line=python3 -m vllm.entrypoints.openai.api_server",
    "Left out",
    "    command lines of other users: 412 places",
]
WRITTEN = Written("/home/ana/wftop-20251121-135205.wftop.age", 2_412_000, 2.31, REDACTED, [], WORDS)


def view(pilot: Pilot[int]) -> WftopApp:
    shown = pilot.app
    assert isinstance(shown, WftopApp)
    return shown


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 12)], ids=["80", "120", "40"])
def test_the_form(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # the plugin's fixture has no exported type
    assert snap_compare(app(), terminal_size=size, press=["x", "down"])


def test_plain_is_a_warning_without_colours_too(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    keys = ["x", "down", "down", "left"]
    assert snap_compare(app(MONO, ascii_only=True), terminal_size=(80, 24), press=keys)


@pytest.mark.parametrize("size", [(80, 24), (40, 12)], ids=["80", "40"])
def test_what_was_written(snap_compare, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]  # as above
    async def done(pilot: Pilot[int]) -> None:
        shown = view(pilot)
        await pilot.press("x")
        assert shown.ui.bundling is not None
        shown.ui.bundling.stage, shown.ui.bundling.written = DONE, WRITTEN
        shown.paint()
        await pilot.pause()

    assert snap_compare(app(TRUECOLOR), terminal_size=size, run_before=done)


def test_what_would_be_in_it(snap_compare) -> None:  # type: ignore[no-untyped-def]  # as above
    async def looked(pilot: Pilot[int]) -> None:
        shown = view(pilot)
        await pilot.press("x")
        shown.ui.contents = Preview()
        shown.ui.contents.lines = LINES
        shown.ui.overlays.append(CONTENTS)
        shown.paint()
        await pilot.pause()

    assert snap_compare(app(), terminal_size=(80, 24), run_before=looked)
