"""What moves on the screen: when it does, at which rate, and the frames in between those of the data."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from wftui.model.quality import EVERYTHING
from wftui.model.servers import SOURCE
from wftui.model.streams import STREAMS as STREAMS_TABLE
from wftui.tui import compose, flow, frames, layout, quality
from wftui.units import NS_PER_S
from wftui.wire import messages as wire

if TYPE_CHECKING:
    from wftui.tui.app import WftopApp
    from wftui.tui.energy.screen import EnergyScreen
    from wftui.tui.energy.streams import StreamsPage

READINGS_HZ: Final = 10.0
"""How often readings are asked for where they are drawn one by one."""
TOKENS_HZ: Final = 60.0
"""The same of streams in full motion."""

_ALL: Final = "*"
STREAMS: Final = "streams"
"""Name of their page."""
STREAMED: Final = STREAMS_TABLE.source
"""The source of their readings."""


class Motion:
    """The moving part of one view."""

    def __init__(self, app: WftopApp, mode: str = frames.AUTO, *, remote: bool = False) -> None:
        """``mode``: one of ``frames.MOTIONS``. ``remote``: the terminal is at the other end of SSH."""
        self.mode = mode
        self.costs = frames.Costs()
        self._app = app
        self._remote = remote
        self._clock: frames.Clock | None = None
        self._key_ns = 0
        self._follows: tuple[str, ...] = ()
        self._looked = False
        """Whether somebody looked at the page of streams when a whole frame was made last."""
        self._quality = EVERYTHING

    @property
    def screen(self) -> EnergyScreen | None:
        """The screen that moves, while it is shown."""
        ui = self._app.ui
        return ui.energy if ui.shown == "energy" else None

    @property
    def state(self) -> str:
        """The frame clock's state, also as the recorder is told it; ``smooth`` while full motion is held back:
        rules about frames judge those that were meant to be 60 a second."""
        clock = self._clock
        if clock is None:
            return frames.DATA
        return frames.SMOOTH if clock.state == frames.FULL and clock.hz < frames.HZ[frames.FULL] else clock.state

    @property
    def streams(self) -> StreamsPage | None:
        """The page of streams while its flows are looked at, as they are now and with nothing over them, on their
        own page or on that of UX."""
        app = self._app
        screen = self.screen
        return screen.flowing if screen is not None and app.past.live and not app.ui.overlay else None

    @property
    def rate_hz(self) -> float:
        """Readings a second that the screen can use: many only while it moves."""
        if not self._follows:
            return 0.0
        hz = self._clock.hz if self._clock is not None else 0.0
        return min(TOKENS_HZ, max(READINGS_HZ, hz)) if STREAMED in self._follows else READINGS_HZ

    @property
    def follows(self) -> tuple[str, ...]:
        """Sources whose readings it can use between two ticks; ``*``: all; none: no more than the ticks."""
        return self._follows

    def key(self) -> None:
        """A key was pressed."""
        self._key_ns = time.monotonic_ns()

    def follow(self) -> None:
        """After a whole frame: bring the clock and the feed to what is on the screen now."""
        app = self._app
        screen = self.screen
        before, self._quality = self._quality, quality.level(app.state)
        wanted = self._wanted(screen)
        moving = (_ALL,) if self.streams is None else (STREAMED,)
        follows = self._closely() if wanted == frames.DATA else moving
        told = self._follows, self.rate_hz, before
        self._follows = follows
        self._look(app, wanted)
        if screen is not None:
            screen.shades = _shades(app.flow.shed)
            screen.held = self.held
        if self._clock is None:
            if wanted == frames.DATA:
                self._subscribe(told)
                return
            self._clock = frames.Clock(asyncio.get_running_loop(), self._frame)
        if wanted != self._clock.state:
            self.costs.pause()
        shed_hz = frames.SHED_HZ if app.flow.shed >= flow.RATE else 1e3
        self._clock.want(wanted, most_hz=min(shed_hz, quality.most_hz(self._quality)))
        if app.link is not None:
            # One wake-up a frame, not two: each costs as much as what is done in it.
            app.link.by_clock(wanted=wanted == frames.FULL)
        self._subscribe(told)

    def _subscribe(self, told: tuple[tuple[str, ...], float, int]) -> None:
        """Ask for other readings than before, if others are wanted."""
        if told != (self._follows, self.rate_hz, self._quality) and self._app.link is not None:
            self._app.link.rate_changed()

    def _look(self, app: WftopApp, wanted: str) -> None:
        """Tell the page of streams whether somebody looks at it, and at what quality."""
        page = self.streams
        app.flow.watched = page is not None
        known = app.ui.energy.streams if app.ui.energy is not None else None
        if page is None:
            self._looked = False
            if known is not None:
                known.hidden()
            return
        page.heard = not app.flow.is_deaf(time.monotonic_ns())
        page.field.quality = self._quality / EVERYTHING
        page.field.held_by = _held_by(app) if wanted == frames.DATA else ""
        if not self._looked and app.link is not None:
            app.link.report_soon()
        self._looked = True

    def _wanted(self, screen: EnergyScreen | None) -> str:
        app = self._app
        now_ns = time.monotonic_ns()
        return frames.state_for(
            self._left,
            moves=self._can_move(screen),
            remote=self._remote,
            asked=screen is not None and screen.full,
            idle_s=(now_ns - self._key_ns) / NS_PER_S,
            heard=not app.flow.is_deaf(now_ns),
        )

    def _can_move(self, screen: EnergyScreen | None) -> bool:
        app = self._app
        calm = not app.past.live or app.ui.overlay or app.state.stale
        return screen is not None and screen.page.moves and not calm

    def _closely(self) -> tuple[str, ...]:
        """Sources that the screen looks at closely: their numbers move within a second, nothing else does."""
        app = self._app
        if app.ui.shown != "model" or self._left == frames.REDUCED or app.ui.overlay:
            return ()
        calm = app.state.stale or not app.past.live or app.flow.shed >= flow.RATE
        return () if calm or app.flow.is_deaf(time.monotonic_ns()) else (SOURCE,)

    @property
    def _left(self) -> str:
        """What wftop's own quality leaves of the motion that was chosen."""
        return quality.motion(self.mode, self._quality)

    def words(self) -> str:
        """What is so now, for a person who asked for another motion."""
        if self.mode == frames.REDUCED:
            return "nothing moves: view.motion is reduced"
        if self._left == frames.REDUCED:
            return f"nothing moves: quality is {self._quality}/{EVERYTHING}, Q brings all of it back"
        screen = self.screen
        if screen is not None and screen.full:
            return f"full motion, until {frames.FULL_S:g} s after the last key"
        return "over SSH nothing moves by itself; f moves it" if self._remote else "calm motion"

    @property
    def held(self) -> str:
        """Why nothing moves on a screen that could, and the key that changes it; empty: it moves, or is not to."""
        screen = self.screen
        if screen is None or not self._can_move(screen) or self._wanted(screen) != frames.DATA:
            return ""
        if self.mode == frames.REDUCED:
            return ""
        if self._left == frames.REDUCED:
            return f"drawn once a second: quality is {self._quality}/{EVERYTHING}, Q brings all back"
        return "over SSH drawn once a second, f moves it" if self._remote else ""

    def readings(self, message: wire.TickArrived | wire.Samples) -> bool:
        """Readings came, with a tick or between two; whether the clock draws them, so that no frame is due."""
        screen = self.screen
        tick = isinstance(message, wire.TickArrived)
        reading = _ALL in self._follows or STREAMED in self._follows
        if (streams := self.streams) is not None:
            began = time.perf_counter()
            if self._clock is None or not self._clock.hz:
                # Before time passes on the page: where a frame comes once a second, what was seen of the last one
                # would be too old by the next.
                self._app.hear()
            streams.take(self._app.state, message, time.monotonic(), self._app.clock.now().time_ns)
            self.costs.stage("token", time.perf_counter() - began)
        if screen is None or tick == reading:
            return False
        screen.page.note(self._app.state)
        return reading

    def hear(self) -> None:
        """The terminal has answered: which frames it has taken."""
        if (streams := self.streams) is not None:
            streams.hear(self._app.flow, time.monotonic())

    def drew(self) -> None:
        """After a frame: whether it was given to the terminal."""
        app = self._app
        streams, picture, screen = self.streams, app.picture, self.screen
        if streams is None or picture is None or screen is None or not app.painter.paints(app):
            return
        place = layout.whole("energy", picture.width, picture.height)
        framed = place.framed
        streams.drew(
            app.flow, time.monotonic(), owed=app.painter.owed,
            line=place.places[0].y + framed + screen.above, column=2 * framed,
        )  # fmt: skip

    def stop(self) -> None:
        """The end, or the terminal was left."""
        if self._clock is not None:
            self._clock.stop()
            if self._app.link is not None:
                self._app.link.by_clock(wanted=False)

    def _frame(self, at_s: float) -> None:
        """A frame of what moves; the rest stays as it is."""
        app = self._app
        if app.link is not None:
            app.link.read()
        screen, before = self.screen, app.picture
        if screen is None or before is None:
            return
        began = time.perf_counter()
        late_s = self._clock.late_s if self._clock is not None else 0.0
        app.hear()
        heard = time.perf_counter()
        changed = screen.moved(at_s, app.scene(), self._clock.hz if self._clock is not None else 0.0)
        moved = time.perf_counter()
        if changed:
            bar = layout.whole(app.ui.shown, before.width, before.height)
            app.picture = compose.moved(before, bar, changed)
            app.painter.direct(app, app.picture, app.flow)
            self.drew()
        ended = time.perf_counter()
        self.costs.stage("energy", moved - heard)
        self.costs.stage("render", ended - moved)
        self.costs.stage("overhead", heard - began + late_s)
        self.costs.frame(began, ended, late_s)


def _held_by(app: WftopApp) -> str:
    """What keeps frames of data further apart than what is seen in time; empty: nothing does."""
    from wftui.energy.fidelity import ADAPTATION, LATEST_S, LINK  # here: few look at streams

    if app.flow.shed >= flow.PANELS:
        return LINK
    return ADAPTATION if app.pace_s > LATEST_S else ""


def _shades(shed: int) -> int:
    from wftui.render.palette import HEAT_STEPS
    from wftui.tui.energy.screen import FEW_SHADES

    return FEW_SHADES if shed >= flow.PALETTE else HEAT_STEPS
