"""What the keys of screen 8 do beyond the list: acknowledge, silence, resolve, and go to the moment of firing."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING, Final

from wftui.errors import ProtocolError, UsageError
from wftui.render import text
from wftui.text import clean
from wftui.tui.alerts_screen import details, seen
from wftui.tui.alerts_screen.model import ALERTS, AlertsScreen
from wftui.tui.alerts_screen.seen import Alert, Rule, Silence
from wftui.tui.chronicle import placed
from wftui.tui.ui import ASK, Choice, Prompt
from wftui.units import NS_PER_S
from wftui.when import duration
from wftui.wire import messages as wire

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from wftui.model.event import Event
    from wftui.tui.alerts_screen.model import Line
    from wftui.tui.app import WftopApp

_TYPES: Final = ("alert.*", "silence.*", "rule.*")
_EVENTS: Final = 1000
_SNAP: Final = 2
_ORDERS: Final = ("acknowledge", "silence", "resolve", "unsilence")


def opened(app: WftopApp, screen: AlertsScreen) -> None:
    """The screen is shown: what befell alerts before the view began is asked for."""
    screen.editor = None

    async def ask() -> None:
        try:
            reply = await app.past.ask(
                wire.Events(types=list(_TYPES), limit=_EVENTS, newest=True), wire.EventsReply
            )
        except ProtocolError:
            return  # the history begins with what the view was told; the top line says whether a recorder is there
        screen.told = reply.events
        app.paint()

    if app.link is not None:
        app.run_worker(ask(), name="alerts", group="alerts", exclusive=True)


def act(app: WftopApp, screen: AlertsScreen, what: str) -> None:
    """An action of the screen."""
    wanted = app.ui.wanted["alert"]
    if what in ("zoom_in", "zoom_out"):
        _zoom(app, screen, -1 if what == "zoom_in" else 1)
    elif what == "rewind":
        enter(app, screen)
    elif what == "edit":
        from wftui.tui.alerts_screen import editing  # here: as in the screen

        editing.begin(app, screen, screen.selected(screen.listed(app.seen, wanted)))
    elif what not in _ORDERS:
        if words := screen.do(what, app.seen, wanted):
            app.ui.say(words)
    elif not _refused(app):
        chosen = screen.selected(screen.listed(app.seen, wanted))
        if chosen is None:
            app.ui.say("nothing is selected")
        else:
            _order(app, what, chosen)


def enter(app: WftopApp, screen: AlertsScreen) -> None:
    """Enter: an alert's moment of firing, on every screen; of a rule and a silence the details."""
    chosen = screen.selected(screen.listed(app.seen, app.ui.wanted["alert"]))
    if screen.tab != ALERTS or not isinstance(chosen, Alert):
        screen.inside = chosen is not None and not screen.inside
        screen.top = 0
        return
    event, at_ns = _began(app, screen, chosen)
    if not at_ns:
        app.ui.say("it is not known when it began")
        return
    if event is not None:
        app.past.visit(placed(event))
    else:
        app.past.go(at_ns, _SNAP)
    app.ui.show("overview")
    things = seen.things(app.seen, chosen.labels)
    name = clean(f"{chosen.name} {things}".strip(), 60)
    began = "fired" if chosen.state != seen.PENDING else "began to hold"
    app.ui.say(
        f"{text.clock(at_ns / NS_PER_S)}  {name} {began}; 8 shows the alerts of then, ` goes back to live", "mark"
    )


def fired_ns(app: WftopApp, screen: AlertsScreen, alert: Alert) -> int | None:
    """When it fired, or began to hold (UTC); None: it is not known."""
    return _began(app, screen, alert)[1]


def _began(app: WftopApp, screen: AlertsScreen, alert: Alert) -> tuple[Event | None, int | None]:
    """The event of its firing, where that is known, and when it was."""
    history = screen.history(app.seen, 1 << 62)
    event = next((item for item in history if item.event_id == alert.event), None) if alert.event else None
    return event, event.time_ns if event is not None else details.fired_ns(alert, history) or alert.since_ns


def _zoom(app: WftopApp, screen: AlertsScreen, step: int) -> None:
    from wftui.tui.timeline.figures import step_words
    from wftui.tui.zoom import neighbour

    if not screen.span:
        app.ui.say("there is no graph at this size")
        return
    length = neighbour(screen.seconds, screen.span, step)
    if length is None:
        app.ui.say(f"no {'more' if step > 0 else 'less'} than {step_words(screen.seconds or screen.span)}")
        return
    screen.seconds = length
    app.lengths_changed()
    app.ui.say(step_words(length) if length else "as much as there are columns for")


def _refused(app: WftopApp) -> bool:
    """Say why nothing is done to alerts here; False: it may be."""
    if why := app.past.refusal("alerts are looked after now, not in the past: ` goes back to live"):
        app.ui.say(why, "warn")
    elif app.readonly:
        app.ui.say("nothing is done: the view is read-only (--readonly or view.readonly)", "warn")
    else:
        return False
    return True


def _order(app: WftopApp, what: str, chosen: Line) -> None:
    if what == "silence" and isinstance(chosen, Alert | Rule):
        _silence(app, chosen)
    elif what == "unsilence":
        _unsilence(app, chosen)
    elif not isinstance(chosen, Alert):
        app.ui.say("that is for alerts: Tab goes to them")
    elif chosen.state not in (seen.FIRING, seen.OVER):
        app.ui.say("it does not fire yet", "warn")
    elif what == "acknowledge":
        _acknowledge(app, chosen)
    elif what == "resolve":
        words = f"Resolve {clean(chosen.name, 60)}? While its condition holds it fires again."
        order = wire.ResolveAlert(chosen.key, who())
        app.ui.choice = Choice(
            "resolve", words, "resolve", lambda: _send(app, order, wire.Ok, "resolved", chosen.name)
        )
        app.ui.overlays.append(ASK)


def _acknowledge(app: WftopApp, alert: Alert) -> None:
    def submit(typed: str) -> str:
        _send(app, wire.Acknowledge(alert.key, who(), typed.strip()), wire.Ok, "acknowledged", alert.name)
        return ""

    hint = "a note for others, or nothing: it stays in the list and is not counted any more"
    app.ui.ask(Prompt(f"acknowledge {clean(alert.name, 40)}", "note", submit, value=alert.note, hint=hint))


def _silence(app: WftopApp, item: Alert | Rule) -> None:
    def submit(typed: str) -> str:
        length, _, reason = typed.strip().partition(" ")
        try:
            seconds = duration(length)
        except UsageError as error:
            return str(error)
        if seconds <= 0:
            return "a silence of no length silences nothing"
        order = wire.SetSilence([item.key], int(seconds * NS_PER_S), who(), reason.strip())
        _send(app, order, wire.SilenceReply, f"silenced for {length}", item.name)
        return ""

    whole = "the whole rule, " if isinstance(item, Rule) else ""
    hint = f"{whole}how long, then why: 1h, 30m the fan is being replaced, 7d known"
    app.ui.ask(Prompt(f"silence {clean(item.name, 40)}", "for", submit, value="1h ", hint=hint))


def _unsilence(app: WftopApp, chosen: Line) -> None:
    key = chosen.key if isinstance(chosen, Silence) else chosen.silence if isinstance(chosen, Alert) else ""
    if not key:
        app.ui.say("no silence holds it")
        return
    words = "End this silence? What it holds is told again."
    order = wire.EndSilence(key, who())
    app.ui.choice = Choice("silence", words, "end", lambda: _send(app, order, wire.Ok, "no longer silenced", ""))
    app.ui.overlays.append(ASK)


def _send(app: WftopApp, order: wire.Message, expected: type[wire.Message], done: str, name: str) -> None:
    shown = clean(name, 60)

    async def ask() -> None:
        try:
            await app.past.ask(order, expected)
        except ProtocolError as error:
            app.ui.say(str(error), "bad")
        else:
            app.ui.say(f"{done}: {shown}" if shown else done, "good")
        app.paint()

    send: Callable[[], Coroutine[None, None, None]] = ask
    app.run_worker(send(), name="alert")


def who() -> str:
    """Name of the person at this view."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
