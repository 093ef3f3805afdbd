"""What the keys of the editor of a rule do: ask for its numbers, try others over the last day, write them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wftui.errors import ProtocolError
from wftui.text import clean
from wftui.tui.alerts_screen.editor import Editor
from wftui.tui.alerts_screen.seen import Alert, Rule
from wftui.wire import messages as wire

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from wftui.tui.alerts_screen.model import AlertsScreen, Line
    from wftui.tui.app import WftopApp

PAUSE_S: Final = 0.3
"""After a key: who goes on typing asks nothing."""
_KEYS: Final = frozenset("+?:u")
"""Characters that are keys of the editor and no part of a number."""
_PREVIEW: Final = "preview"


def begin(app: WftopApp, screen: AlertsScreen, chosen: Line | None) -> None:
    """Open the editor of the selected rule, or of the rule of the selected alert."""
    if why := app.past.refusal("rules are those of now, and what is past cannot be changed: ` goes back to live"):
        app.ui.say(why, "warn")
    elif isinstance(chosen, Alert):
        _open(app, screen, Editor(chosen.rule, chosen.name, chosen.key))
    elif isinstance(chosen, Rule):
        _open(app, screen, Editor(chosen.key, chosen.name))
    else:
        app.ui.say("that is for alerts and rules: Tab goes to them")


def _open(app: WftopApp, screen: AlertsScreen, editor: Editor) -> None:
    screen.editor = editor

    async def ask() -> None:
        try:
            editor.take(await app.past.ask(wire.RuleNumbers(editor.rule), wire.RuleNumbersReply))
        except ProtocolError as error:
            if screen.editor is editor:
                screen.editor = None
                app.ui.say(str(error), "bad")
        else:
            _try(app, editor)
        app.paint()

    _run(app, ask)


def _run(app: WftopApp, ask: Callable[[], Coroutine[None, None, None]]) -> None:
    # Not its coroutine: one that is cancelled before it began would complain.
    app.run_worker(ask, name=_PREVIEW, group=_PREVIEW, exclusive=True)  # type: ignore[arg-type]  # the toolkit takes it, its types do not


def typed(app: WftopApp, screen: AlertsScreen, key: str, character: str | None) -> bool:
    """A key that is a part of a number; False: it is none."""
    editor = screen.editor
    if editor is None:
        return False
    if editor.told is None:
        return character is not None and character.isprintable() and character not in "?:"
    if key == "backspace":
        editor.rub()
    elif character is None or not character.isprintable() or character in _KEYS:
        return False
    elif character == "-" and (editor.fresh or editor.number is None or editor.typed[editor.place]):
        return False  # a step; it is a sign where nothing stands before it
    else:
        editor.put(character)
    app.ui.notice = ""
    _changed(app, editor)
    return True


def act(app: WftopApp, screen: AlertsScreen, what: str) -> None:
    """An action of the editor."""
    editor = screen.editor
    if editor is None or editor.told is None:
        return
    if what in ("up", "down"):
        editor.move(-1 if what == "up" else 1)
    elif what in ("more", "less"):
        editor.step(1 if what == "more" else -1)
        _changed(app, editor)
    elif what == "ship":
        app.ui.say(editor.ship())
        _changed(app, editor)
    elif what == "write":
        _write(app, screen, editor)


def _changed(app: WftopApp, editor: Editor) -> None:
    editor.error = editor.wrong()
    if editor.error:
        editor.asking = False
        app.workers.cancel_group(app, _PREVIEW)
    else:
        _try(app, editor)


def _try(app: WftopApp, editor: Editor) -> None:
    """Ask how often it would have fired; whoever asked before gets no answer any more."""
    numbers = tuple(editor.typed)
    if editor.preview is not None and editor.previewed == numbers:
        editor.asking = False
        app.workers.cancel_group(app, _PREVIEW)
        return
    editor.asking = True
    question = wire.PreviewRule(editor.rule, editor.changed())

    async def ask() -> None:
        if editor.preview is not None:
            await asyncio.sleep(PAUSE_S)
        try:
            editor.preview = await app.past.ask(question, wire.ReplayRulesReply)
        except ProtocolError as error:
            # What is wrong with the numbers stands beside them; that there is no past stands in place of it.
            if question.numbers and editor.preview is not None:
                editor.error = str(error)
            else:
                editor.trouble = str(error)
        else:
            editor.previewed, editor.trouble = numbers, ""
        editor.asking = False
        app.paint()

    _run(app, ask)


def _write(app: WftopApp, screen: AlertsScreen, editor: Editor) -> None:
    from wftui.tui.alerts_screen.control import who  # it imports this module

    editor.error = editor.wrong()
    changed = editor.changed()
    if editor.error or editor.told is None:
        return
    if not changed:
        app.ui.say("nothing was changed: type a number, or + and -; Esc goes back")
        return
    if app.readonly:
        editor.error = "nothing is written: the view is read-only (--readonly or view.readonly)"
        return

    async def ask() -> None:
        try:
            done = await app.past.ask(wire.ChangeRule(editor.rule, changed, who()), wire.ChangeRuleReply)
        except ProtocolError as error:
            editor.error = str(error)
        else:
            screen.editor = None
            file = shortened(done.file)
            if done.removed:
                app.ui.say(f"as it ships with wftop again; {file} is gone", "good")
            else:
                ships = done.created or _replaces(editor)
                how = "E, u, Enter undo it" if ships else "E changes it again"
                app.ui.say(f"written to {file}; {how}", "good")
        app.paint()

    app.run_worker(ask(), name="alert")


def _replaces(editor: Editor) -> bool:
    return editor.told is not None and editor.told.replaces


def shortened(file: str) -> str:
    """A path with the home as ``~``."""
    home = str(Path.home())
    return clean(f"~{file[len(home) :]}" if file.startswith(f"{home}/") else file, 400)
