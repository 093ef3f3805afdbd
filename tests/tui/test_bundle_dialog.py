"""The dialog of x: what is asked, what the child is told, what is said of what it wrote."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from tests.tui.alerts_seen import alarmed
from tests.tui.fake import NOW_S, full
from tests.tui.test_keys import PALETTE, FakeLink, Still, press, screen_text
from wftui.bundle.format import Redacted
from wftui.bundle.orders import Order, Previewed, Step, Written
from wftui.tui.app import WftopApp
from wftui.tui.bundling import control
from wftui.tui.bundling.model import DONE, FORM, WRITING, Bundling, Span
from wftui.tui.ui import BUNDLE, CONTENTS
from wftui.wire import messages as wire

WORDS = "babab-dofak-gujol-hiluz-vatin"
REDACTED = [Redacted("user", "replaced", 3), Redacted("path", "replaced", 41), Redacted("secret", "left out", 2)]


class Child:
    """What stands in for the child: the same module name, the same pipes, answers that a test gives it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.answers()
        monkeypatch.setattr(control, "_CHILD", "bundler_of_a_test")
        monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")

    def answers(self, *said: Step | Previewed | Written, then: str = "") -> None:
        lines = b"".join(msgspec.json.encode(item) + b"\n" for item in said)
        (self.folder / "bundler_of_a_test.py").write_text(
            "import os, signal, sys, time, pathlib\n"
            f"here = pathlib.Path({str(self.folder)!r})\n"
            "(here / 'order').write_bytes(sys.stdin.buffer.read())\n"
            "(here / 'pid').write_text(str(os.getpid()))\n"
            f"sys.stdout.buffer.write({lines!r}); sys.stdout.flush()\n{then}\n"
        )

    @property
    def order(self) -> Order:
        return msgspec.json.decode((self.folder / "order").read_bytes(), type=Order)


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Child:
    folder = tmp_path / "child"
    folder.mkdir()
    return Child(folder, monkeypatch)


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the view was started in."""
    path = tmp_path / "there"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


class Link(FakeLink):
    """Takes what the alerts screen wants as well."""

    def graphs_changed(self) -> None:
        return


def make(*, ascii_only: bool = False, alerts: bool = False) -> WftopApp:
    return WftopApp(
        PALETTE,
        state=alarmed() if alerts else full(),
        link=lambda _: Link(),  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls
        clock=Still(),
        ascii_only=ascii_only,
    )


def bundling(app: WftopApp) -> Bundling:
    assert app.ui.bundling is not None
    return app.ui.bundling


async def until(pilot: Pilot[int], true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await pilot.pause(0.01)


async def written(pilot: Pilot[int], app: WftopApp, answer: Written, child: Child) -> None:
    child.answers(Step("tables"), answer)
    await press(pilot, "x", "down", "down", "down", "down", "enter")
    await until(pilot, lambda: bundling(app).stage == DONE)
    await pilot.pause()


async def test_the_form_says_what_each_choice_means(there: Path) -> None:
    app = make()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "x")
        assert app.ui.overlay == BUNDLE
        said = screen_text(app)
        assert "incident bundle" in said
        assert "what is in view" in said
        await press(pilot, "down", "right")
        assert "anonymous" in screen_text(app)
        assert "no name of anything but products" in screen_text(app)
        await press(pilot, "tab")
        assert "with a passphrase" in screen_text(app)
        await press(pilot, "left")
        assert "whoever has the file can read it" in screen_text(app)
        await press(pilot, "down")
        assert str(there)[:30] in screen_text(app)
        await press(pilot, "escape")
        assert not app.ui.overlay


async def test_encrypted_unless_plain_is_chosen_and_the_name_says_which(there: Path) -> None:
    app = make()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "x")
        assert bundling(app).way == "passphrase"
        assert bundling(app).path.parent == there
        assert bundling(app).file.endswith(".wftop.age")
        await press(pilot, "down", "down", "left")
        assert bundling(app).way == "plain"
        assert bundling(app).file.endswith(".wftop")


@pytest.mark.usefixtures("there")
async def test_nothing_is_written_but_by_enter_on_write(child: Child) -> None:
    app = make()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "x", "enter", "enter", "enter", "enter")
        assert bundling(app).stage == FORM
        assert "you agree" in screen_text(app)
        await press(pilot, "y", "w", "space", "escape")
        assert not (child.folder / "order").exists()


async def test_what_is_written_and_its_passphrase_are_said(there: Path, child: Child) -> None:
    app = make()
    path = there / "a.wftop.age"
    async with app.run_test(size=(80, 24)) as pilot:
        await written(pilot, app, Written(str(path), 2_400_000, 1.24, REDACTED, ["Gaps: none."], WORDS), child)
        said = screen_text(app)
        for words in (
            "a.wftop.age",
            "2.29 MiB in 1.2 s",
            WORDS,
            "write it down",
            "replaced: user 3, path 41",
            "left out: secret 2",
        ):
            assert words in said
        assert "wftop replay a.wftop.age" in said
        assert child.order == Order(
            what="write",
            data_dir="/d",
            path=str(bundling(app).path),
            since_s=child.order.since_s,
            until_s=NOW_S,
            level="full",
            encryption="passphrase",
        )
        assert child.order.since_s < NOW_S
        # An Enter that was meant for something else does not take the passphrase away.
        await press(pilot, "enter", "q", "5")
        assert WORDS in screen_text(app)
        await press(pilot, "escape")
        assert not app.ui.overlay
        assert WORDS not in screen_text(app)


@pytest.mark.usefixtures("there")
async def test_a_plain_one_has_none_to_lose(child: Child) -> None:
    app = make()
    async with app.run_test(size=(80, 24)) as pilot:
        await written(pilot, app, Written("/tmp/a.wftop", 100, 0.1, [], []), child)  # noqa: S108  only shown
        assert "passphrase" not in screen_text(app)
        await press(pilot, "enter")
        assert not app.ui.overlay


@pytest.mark.usefixtures("there")
async def test_a_failure_is_one_line_and_the_choices_stay(child: Child) -> None:
    app = make()
    child.answers(then="sys.exit('wftop: no data from \\x1b[31mthen\\nwftop: the disk is full')")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "x", "down", "right", "down", "down", "down", "enter")
        await until(pilot, lambda: bundling(app).stage == FORM)
        await pilot.pause()
        assert bundling(app).error == "the disk is full"
        assert "the disk is full" in screen_text(app)
        assert bundling(app).level == "anonymous"


@pytest.mark.usefixtures("there")
async def test_a_child_that_says_nonsense(child: Child) -> None:
    app = make()
    child.answers(then="print('what')")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "x", "down", "down", "down", "down", "enter")
        await until(pilot, lambda: bundling(app).stage == FORM)
        assert bundling(app).error == "the child that writes it ended with code 0"


@pytest.mark.usefixtures("there")
async def test_escape_stops_the_writing(child: Child) -> None:
    app = make()
    child.answers(Step("numbers"), then="time.sleep(600)")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "x", "down", "down", "down", "down", "enter")
        await until(pilot, lambda: bundling(app).step == "numbers")
        await pilot.pause()
        assert "writing" in screen_text(app)
        assert "numbers" in screen_text(app)
        pid = int((child.folder / "pid").read_text())
        await press(pilot, "enter", "q")
        assert bundling(app).stage == WRITING
        await press(pilot, "escape")
        await until(pilot, lambda: bundling(app).stage == FORM)
        assert "stopped: nothing was written" in screen_text(app)
        await until(pilot, lambda: _gone(pid))


@pytest.mark.usefixtures("there")
async def test_the_end_of_the_view_ends_the_child(child: Child) -> None:
    app = make()
    child.answers(Step("numbers"), then="time.sleep(600)")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "x", "down", "down", "down", "down", "enter")
        await until(pilot, lambda: bundling(app).step == "numbers")
        pid = int((child.folder / "pid").read_text())
    async with asyncio.timeout(20):
        while not _gone(pid):  # noqa: ASYNC110  it is no child of ours to wait for
            await asyncio.sleep(0.01)


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.usefixtures("there")
async def test_the_preview_scrolls_and_leads_back(child: Child) -> None:
    app = make()
    child.answers(Previewed(["Processes: 412 rows", *(f"  name  python3.{place}" for place in range(60))]))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "x", "p")
        assert app.ui.overlay == CONTENTS
        await until(pilot, lambda: "412 rows" in screen_text(app))
        assert child.order.what == "preview"
        assert child.order.encryption == "plain"
        await press(pilot, "G")
        assert "python3.59" in screen_text(app)
        await press(pilot, "escape")
        assert app.ui.overlay == BUNDLE
        await press(pilot, "escape")
        assert not app.ui.overlay


@pytest.mark.usefixtures("there")
async def test_a_preview_that_cannot_be_had_says_why(child: Child) -> None:
    app = make()
    child.answers(then="sys.exit('wftop: no data from then')")
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "x", "p")
        await until(pilot, lambda: "no data from then" in screen_text(app))


async def test_the_file_is_typed_pasted_and_refused(there: Path, child: Child) -> None:
    app = make()
    (there / "old.wftop").touch()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "x", "down", "down", "down", "ctrl+u")
        assert bundling(app).file == ""
        await press(pilot, "down", "enter")
        assert bundling(app).error == "a file name is missing"
        await press(pilot, "up", *"op")
        app.commands.paste("ld.wftopx\nmore")
        await press(pilot, "backspace")
        assert bundling(app).file == "opld.wftop"
        await press(pilot, "ctrl+u")
        app.commands.paste("old.wftop")
        await press(pilot, "down", "enter")
        assert bundling(app).error == "old.wftop exists: nothing is overwritten"
        await press(pilot, "up", "ctrl+u")
        app.commands.paste("/nowhere/x.wftop")
        await press(pilot, "down", "enter")
        assert bundling(app).error == "/nowhere is no folder"
        assert bundling(app).stage == FORM
        assert not (child.folder / "order").exists()


@pytest.mark.usefixtures("there")
async def test_without_pyrage_only_plain_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wftui.bundle.crypt.available", lambda: False)
    app = make()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "x", "down", "down")
        assert "encryption needs pyrage: pip install 'wftop[crypto]'" in screen_text(app)
        await press(pilot, "down", "down", "enter")
        assert "pip install 'wftop[crypto]'" in screen_text(app)
        assert bundling(app).stage == FORM


def test_keys_of_the_settings_come_first_and_none_are_said() -> None:
    spans = [Span(0, 60, "what is in view")]
    assert Bundling(spans, level="full", recipients=("age1abc",)).way == "recipients"
    found = Bundling(spans, level="full")
    found.way = "recipients"
    assert found.wrong() == "no recipient is known: wftop config set bundle.recipients age1…"


@pytest.mark.usefixtures("there")
async def test_on_an_alert_the_range_begins_before_it_fired() -> None:
    app = make(alerts=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "8", "x")
        span = bundling(app).span
        assert "from 5 minutes before it fired to now" in span.about
        assert bundling(app).alert.startswith("rule.")
        chosen = app.ui.alerts.selected(app.ui.alerts.listed(app.seen, "")) if app.ui.alerts else None
        assert chosen is not None
        assert span.begin == control._spans(app)[0][0].begin
        assert span.end == NOW_S
        await press(pilot, "right")
        assert bundling(app).span.about == "what is in view"
        assert bundling(app).alert == ""


@pytest.mark.usefixtures("there")
async def test_it_is_found_by_its_name() -> None:
    app = make()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "colon", *"incident", "enter")
        assert app.ui.overlay == BUNDLE


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize("size", [(80, 24), (40, 12), (120, 40), (30, 10)])
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_every_choice_is_on_the_screen_at_any_size(size: tuple[int, int], ascii_only: bool) -> None:
    app = make(ascii_only=ascii_only)
    async with app.run_test(size=size) as pilot:
        await press(pilot, "x")
        for _ in range(5):
            said = screen_text(app)
            for words in ("range", "level", "encrypt", "file", "write it", "Enter", "Esc"):
                assert words in said
            assert not ascii_only or said.isascii()
            await press(pilot, "down")


@pytest.mark.usefixtures("there")
async def test_a_passphrase_is_whole_in_forty_columns(child: Child) -> None:
    app = make()
    async with app.run_test(size=(40, 12)) as pilot:
        await written(pilot, app, Written("/tmp/a.wftop.age", 100, 0.1, REDACTED, ["x" * 90], WORDS), child)  # noqa: S108
        said = screen_text(app)
        assert WORDS in said
        assert "Esc" in said


async def test_before_a_recorder_has_answered_there_is_nothing_to_write() -> None:
    app = make()
    app.state.hello = None
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "x")
        assert not app.ui.overlay
        assert "no recorder has answered yet" in screen_text(app)


async def test_of_a_recording_that_is_over_no_bundle_is_made() -> None:
    app = make()
    recording = wire.Recording("a.wftop", "host-1", "UTC", "full", NOW_S - 60, NOW_S)
    assert app.state.hello is not None
    app.state.hello = msgspec.structs.replace(app.state.hello, recording=recording)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "x")
        assert not app.ui.overlay
        assert "its file is the bundle" in screen_text(app)
