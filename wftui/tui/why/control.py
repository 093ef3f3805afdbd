"""The keys `W` and `H`: whose moment is meant, the question, and the health score of what is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.errors import ProtocolError
from wftui.model import score
from wftui.model.series import pairs
from wftui.render import text
from wftui.render import why as words
from wftui.tui.alerts_screen import seen
from wftui.tui.chronicle import placed
from wftui.tui.lists import found_events
from wftui.tui.ui import WHY
from wftui.tui.why.model import Findings
from wftui.units import NS_PER_S
from wftui.wire import messages as wire

if TYPE_CHECKING:
    from wftui.tui.app import WftopApp
    from wftui.tui.state import State

WHAT: Final = "why"
HEALTH: Final = "health"


def act(app: WftopApp, what: str) -> None:
    """Open one of the dialogs, or close it."""
    ui = app.ui
    if ui.overlay == WHY:
        ui.back()
    elif not ui.overlay:
        ui.places[WHY] = 0
        if what == HEALTH:
            ui.findings = Findings("health score", health(app.seen), "H")
        else:
            _ask(app)
        ui.overlays.append(WHY)


def moment_ns(app: WftopApp) -> int:
    """The moment that is looked at: of the chosen alert or event, of a cursor, else now (UTC)."""
    ui, state = app.ui, app.seen
    if ui.shown == "events":
        found = found_events(state, ui.wanted["events"])
        if found:
            return placed(found[min(ui.places["events"], len(found) - 1)]).time_ns
    if ui.shown == "alert" and ui.alerts is not None:
        chosen = ui.alerts.selected(ui.alerts.listed(state, ui.wanted["alert"]))
        since = getattr(chosen, "since_ns", 0)  # rules and silences have none
        if since:
            return int(since)
    if (timeline := app.shown_timeline) is not None:
        return timeline.cursor_ns
    return app.clock.now().time_ns if app.past.live else app.past.cursor_ns


def _ask(app: WftopApp) -> None:
    ui, at_ns = app.ui, moment_ns(app)
    stamp = text.clock(at_ns / NS_PER_S)
    found = ui.findings = Findings(f"why {stamp}", [("", ["asking what was different from the time before"])], "W")

    async def ask() -> None:
        try:
            reply = await app.past.ask(wire.Why(at_ns), wire.WhyReply)
        except ProtocolError as error:
            found.sections = [("", [f"no answer: {error}"])]
        else:
            found.sections = words.sections(reply.answer)
            if reply.answer.moved:
                found.goes_ns = min(item.began_s for item in reply.answer.moved[:3]) * NS_PER_S
        app.paint()

    app.run_worker(ask(), name="why", group="why", exclusive=True)


def enter(app: WftopApp) -> None:
    """Enter: to where it began, on every screen; without such a moment the dialog closes."""
    found = app.ui.findings
    app.ui.back()
    if found is None or found.goes_ns is None:
        return
    app.past.player.play(on=False)
    app.past.go(found.goes_ns, 2)
    app.ui.show("overview")
    app.ui.say(f"{text.clock(found.goes_ns / NS_PER_S)}  it began here; ` goes back to live", "mark")


def health(state: State) -> words.Sections:
    """The score and every point that is missing."""
    value = state.value("wftop.health.score")
    if value != value:
        return [("", ["the recorder tells no health score"])]
    told = state.tables.get(score.SCORE.name, {})
    rows = list(told.values())
    known = [(key, row) for key, row in told.items() if isinstance(row[score.POINTS], int | float)]
    known.sort(key=lambda item: -float(item[1][score.POINTS] or 0))
    found: words.Sections = [("", [f"{value:.0f} of 100: {'what is missing' if known else 'nothing is missing'}"])]
    lines = []
    for key, row in known:
        # The name of a rule is the same for each GPU.
        things = seen.things(state, pairs(key.partition("{")[2].removesuffix("}"))) if "{" in key else ""
        reason = f"{row[score.REASON]}  {things}".rstrip()
        lines += [f"{-float(row[score.POINTS] or 0):5.1f}  {reason}", f"       {row[score.EVIDENCE]}"]
    if lines:
        found.append(("Points", lines))
    unknown = [f"{row[score.REASON]}: {row[score.EVIDENCE]}" for row in rows if row[score.POINTS] is None]
    if unknown:
        found.append(("Not known, so nothing is taken off", unknown))
    return found
