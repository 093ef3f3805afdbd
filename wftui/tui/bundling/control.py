"""The key `x`: which range is meant, the questions, and the child that shows or writes."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from wftui import config
from wftui.bundle import crypt
from wftui.bundle.format import FULL
from wftui.bundle.orders import Answer, Order, Previewed, Step, Written
from wftui.errors import ConfigError
from wftui.text import clean
from wftui.tui.bundling.model import DONE, FILE, FORM, PLAIN, RECIPIENTS, WRITE, WRITING, Bundling, Span
from wftui.tui.ui import BUNDLE, CONTENTS
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable
    from typing import Literal

    from wftui.tui.app import WftopApp

_BEFORE_S: Final = 300
"""Of an alert's bundle, before it fired."""
_LENGTHS: Final = (("the last 10 minutes", 600), ("the last hour", 3600), ("the last 6 hours", 21_600))
_LOOK_S: Final = 0.5
"""Between two frames that tell how long it takes."""
_END_S: Final = 5.0
_CHILD: Final = "wftui.bundle.asked"
"""By its name: what it loads is not for a view."""
_ANSWER: Final = 4 << 20
"""By: a line of the child's, a whole preview."""


class Preview:
    """What would be in a bundle; not known until the child has said it."""

    def __init__(self) -> None:
        self.lines = ["looking at what would be in it"]


def show(app: WftopApp) -> None:
    """Ask what is to be written."""
    ui = app.ui
    if app.past.recording is not None:
        ui.say("this is a recording already: its file is the bundle", "warn")
        return
    if app.seen.hello is None:
        ui.say("no recorder has answered yet: there is nothing to write", "warn")
        return
    level = FULL
    recipients: tuple[str, ...] = ()
    if app.configured is not None:
        try:
            loaded = config.load(app.configured.where, app.configured.flags)
        except ConfigError as error:
            ui.say(str(error), "bad")
            return
        level, recipients = loaded.text("bundle.level"), loaded.names("bundle.recipients")
    spans, alert = _spans(app)
    why_not = "" if crypt.available() else f"encryption needs pyrage: {crypt.INSTALL}"
    ui.bundling = Bundling(spans, level=level, recipients=recipients, can_encrypt=why_not, alert=alert)
    ui.overlays.append(BUNDLE)


def _spans(app: WftopApp) -> tuple[list[Span], str]:
    """Ranges to choose from, and the rule that the first one is about."""
    newest = app.past.newest + 1
    begin, end, _ = app.commands.in_view()
    found = [Span(begin, min(end, newest), "what is in view")]
    found += [Span(newest - length, newest, about) for about, length in _LENGTHS]
    if app.ui.shown != "alert" or app.ui.alerts is None:
        return found, ""
    from wftui.tui.alerts_screen import control, seen  # here: it is loaded by then

    chosen = app.ui.alerts.selected(app.ui.alerts.listed(app.seen, app.ui.wanted["alert"]))
    fired_ns = control.fired_ns(app, app.ui.alerts, chosen) if isinstance(chosen, seen.Alert) else None
    if not isinstance(chosen, seen.Alert) or not fired_ns:
        return found, ""
    about = f"{clean(chosen.name, 60)}: from 5 minutes before it fired to now"
    return [Span(fired_ns // NS_PER_S - _BEFORE_S, newest, about), *found], chosen.rule


def key(app: WftopApp, name: str, character: str | None) -> None:
    """A key while the dialog is open."""
    ui, bundling = app.ui, app.ui.bundling
    if bundling is None:
        ui.back()
    elif bundling.stage == DONE:
        _done_key(app, bundling, name)
    elif bundling.stage == WRITING:
        if name in ("escape", "ctrl+c"):
            app.workers.cancel_group(app, BUNDLE)
    elif name in ("escape", "ctrl+c"):
        ui.back()
    elif name in ("up", "shift+tab", "down", "tab"):
        bundling.move(-1 if name in ("up", "shift+tab") else 1)
    elif name == "enter":
        if bundling.field == WRITE:
            _write(app, bundling)
        else:
            bundling.move(1)
    elif bundling.field == FILE:
        if name == "backspace":
            bundling.type("")
        elif name == "ctrl+u":
            bundling.clear()
        elif character and character.isprintable():
            bundling.type(character)
    elif name in ("left", "right", "space"):
        bundling.change(-1 if name == "left" else 1)
    elif name == "p":
        _preview(app, bundling)


def paste(app: WftopApp, line: str) -> None:
    """Text into the file's name."""
    for char in line:
        key(app, "", char)


def _done_key(app: WftopApp, bundling: Bundling, name: str) -> None:
    written = bundling.written
    # A passphrase is not closed by an Enter that was meant for something else.
    if name in ("escape", "ctrl+c") or (name == "enter" and (written is None or not written.passphrase)):
        app.ui.back()
        app.ui.bundling = None
    elif name == "y" and written is not None and written.passphrase:
        from wftui.tui import clipboard

        clipboard.copy(app, clipboard.Copied(written.passphrase, "the passphrase"))


def _order(app: WftopApp, bundling: Bundling, what: Literal["preview", "write"]) -> Order:
    hello = app.seen.hello
    assert hello is not None  # noqa: S101  without one nothing is asked
    where = app.configured.where if app.configured is not None else None
    span = bundling.span
    return Order(
        what=what,
        data_dir=hello.data_dir,
        path=str(bundling.path),
        since_s=span.begin,
        until_s=span.end,
        level=bundling.level,
        encryption=bundling.way if what == "write" else PLAIN,  # type: ignore[arg-type]  # one of WAYS
        recipients=bundling.recipients if bundling.way == RECIPIENTS and what == "write" else (),
        config=str(where.config_file) if where is not None and where.config_named else "",
        alert=bundling.alert,
    )


def _preview(app: WftopApp, bundling: Bundling) -> None:
    shown = app.ui.contents = Preview()
    app.ui.places[CONTENTS] = 0
    app.ui.overlays.append(CONTENTS)

    async def work() -> None:
        said = await _told(_order(app, bundling, "preview"))
        shown.lines = said.lines if isinstance(said, Previewed) else [str(said)]
        app.paint()

    app.run_worker(work(), name="preview", group=CONTENTS, exclusive=True)


def _write(app: WftopApp, bundling: Bundling) -> None:
    if wrong := bundling.wrong():
        bundling.error = wrong
        return
    order = _order(app, bundling, "write")
    bundling.stage, bundling.step = WRITING, ""
    bundling.began_s = app.clock.now().boottime_ns / NS_PER_S

    def tell(step: str) -> None:
        bundling.step = step
        app.paint()

    async def work() -> None:
        stage, error = FORM, "stopped: nothing was written"
        try:
            async with asyncio.TaskGroup() as tasks:
                told = tasks.create_task(_told(order, tell))
                while not (await asyncio.wait({told}, timeout=_LOOK_S))[0]:
                    app.paint()
            said = told.result()
            if isinstance(said, Written):
                stage, error, bundling.written = DONE, "", said
            else:
                error = str(said)
        finally:
            bundling.stage, bundling.error = stage, error
            app.paint()

    app.run_worker(work(), name="bundle", group=BUNDLE, exclusive=True)


async def _told(order: Order, tell: Callable[[str], None] | None = None) -> Previewed | Written | str:
    """What the child says; a text: why it could not. It ends with us. ``tell`` is given each step."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        _CHILD,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_ANSWER,
    )
    assert child.stdin is not None and child.stdout is not None and child.stderr is not None  # noqa: S101, PT018  pipes
    answer: Answer | None = None
    try:
        child.stdin.write(msgspec.json.encode(order))
        child.stdin.close()
        talking = asyncio.ensure_future(child.stderr.read())
        async for line in child.stdout:
            with suppress(msgspec.MsgspecError):  # a line of no meaning is no answer
                answer = msgspec.json.decode(line, type=Answer)
            if isinstance(answer, Step) and tell is not None:
                tell(answer.what)
        talk = await talking
        await child.wait()
    finally:
        await _end(child)
    if child.returncode == 0 and isinstance(answer, Previewed | Written):
        return answer
    lines = talk.decode("utf-8", "replace").strip().splitlines()
    if not lines:
        return f"the child that writes it ended with code {child.returncode}"
    return clean(lines[-1].removeprefix("wftop: "), 400)


async def _end(child: Process) -> None:
    """SIGTERM, and SIGKILL to what does not heed it."""
    if child.returncode is not None:
        return
    child.terminate()
    try:
        await asyncio.wait_for(child.wait(), _END_S)
    except TimeoutError:
        child.kill()
        await child.wait()
