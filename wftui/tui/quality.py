"""wftop's own quality as this view follows it: what moves, how often a frame is made, who is told.

The level is the recorder's (table ``quality``): that of now, also while the past is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.errors import ProtocolError
from wftui.model.quality import CALM, CHOSEN, EVERYTHING, KEY, LEAST, LEVEL, QUALITY, RULE, SELDOM, STILL
from wftui.tui import frames
from wftui.tui.frame import Row, outside
from wftui.tui.scene import gap
from wftui.units import NS_PER_S
from wftui.wire import messages as wire

if TYPE_CHECKING:
    from wftui.tui.app import WftopApp
    from wftui.tui.scene import Scene
    from wftui.tui.state import State

FOR_S: Final = 3600
"""So long a key keeps everything."""
_SECONDS: Final = {STILL: 1.0, SELDOM: 2.0, LEAST: 5.0}
"""Level to the seconds between two frames of data at least; above these levels there is no such limit."""
_BRIEF: Final = 24
_WORDED: Final = 72
_EXPLAINED: Final = 120
"""Columns from which on the top line says it, says it in a word, and says why."""


def level(state: State) -> int:
    """1 to 5; 5 where nobody has said anything."""
    row = state.tables.get(QUALITY.name, {}).get(KEY)
    found = row[LEVEL] if row is not None else None
    return int(found) if isinstance(found, int | float) and LEAST <= found <= EVERYTHING else EVERYTHING


def now(state: State) -> tuple[int, str]:
    """The level, and for whose sake it is lower: a rule's id without its prefix, or that it was chosen."""
    row = state.tables.get(QUALITY.name, {}).get(KEY)
    if row is None:
        return EVERYTHING, ""
    rule = str(row[RULE]).partition("{")[0].removeprefix("rule.")
    return level(state), "chosen" if row[CHOSEN] is not None else rule


def motion(mode: str, quality: int) -> str:
    """What of a chosen motion (``frames.MOTIONS``) is left at that level."""
    return frames.REDUCED if quality <= STILL else mode


def most_hz(quality: int) -> float:
    """Frames a second that the clock makes at most."""
    return frames.HZ[frames.SMOOTH] if quality <= CALM else 1e3


def pace_s(refresh_s: float, quality: int) -> float:
    """Seconds between two frames of data, of a chosen refresh."""
    return max(refresh_s, _SECONDS.get(quality, 0.0))


def headline(scene: Scene, width: int) -> Row:
    """The part of the top line that says it, while there is less than everything."""
    quality, reason = scene.quality
    if quality >= EVERYTHING or width < _BRIEF:
        return []
    if width < _WORDED:
        return [(f"Q{quality}/{EVERYTHING}", "warn"), gap(1)]
    row: Row = [(f"quality {quality}/{EVERYTHING}", "warn")]
    if reason and width >= _EXPLAINED:
        row.append((f": {outside(reason, 20, scene.glyphs).rstrip()}", "dim"))
    return [*row, gap(3 if width >= 84 else 2)]


def turn(app: WftopApp) -> None:
    """The key: everything for an hour, whatever alerts ask for; pressed again, as they ask for."""
    row = app.state.tables.get(QUALITY.name, {}).get(KEY)
    chosen = row is not None and row[CHOSEN] is not None
    if why := app.past.refusal():
        app.ui.say(why, "warn")
        return
    if app.readonly:
        app.ui.say("nothing is done: the view is read-only (--readonly or view.readonly)", "warn")
        return
    if not chosen and level(app.state) >= EVERYTHING:
        app.ui.say("quality 5/5: no alert asks wftop for less")
        return
    from wftui.tui.alerts_screen.control import who  # here: seldom used

    if chosen:
        order, done = wire.SetQuality(None, 0, who()), "quality is left to the alerts again"
    else:
        order = wire.SetQuality(EVERYTHING, FOR_S * NS_PER_S, who())
        done = "quality 5/5 for an hour; Q leaves it to the alerts"

    async def ask() -> None:
        try:
            await app.past.ask(order, wire.Ok)
        except ProtocolError as error:
            app.ui.say(str(error), "bad")
        else:
            app.ui.say(done, "good")
        app.paint()

    app.run_worker(ask(), name="quality")
