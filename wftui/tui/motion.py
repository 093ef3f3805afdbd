"""What moves on the screen: when it does, at which rate, and the frames in between those of the data."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from wftui.model.quality import EVERYTHING
from wftui.model.servers import SOURCE
from wftui.tui import compose, flow, frames, layout, quality
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from wftui.tui.app import WftopApp
    from wftui.tui.energy.screen import EnergyScreen

READINGS_HZ: Final = 10.0
"""How often readings are asked for where they are drawn one by one."""


_ALL: Final = "*"


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
        self._quality = EVERYTHING

    @property
    def screen(self) -> EnergyScreen | None:
        """The screen that moves, while it is shown."""
        ui = self._app.ui
        return ui.energy if ui.shown == "energy" else None

    @property
    def state(self) -> str:
        """The frame clock's state."""
        return self._clock.state if self._clock is not None else frames.DATA

    @property
    def rate_hz(self) -> float:
        """Readings a second that the screen can use: many only while it moves."""
        return READINGS_HZ if self._follows else 0.0

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
        follows = (_ALL,) if wanted != frames.DATA else self._closely()
        if follows != self._follows or self._quality != before:
            self._follows = follows
            if app.link is not None:
                app.link.rate_changed()
        if screen is not None:
            screen.shades = _shades(app.flow.shed)
        if self._clock is None:
            if wanted == frames.DATA:
                return
            self._clock = frames.Clock(asyncio.get_running_loop(), self._frame)
        if wanted != self._clock.state:
            self.costs.pause()
        shed_hz = frames.SHED_HZ if app.flow.shed >= flow.RATE else 1e3
        self._clock.want(wanted, most_hz=min(shed_hz, quality.most_hz(self._quality)))

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
        return "over SSH nothing moves by itself" if self._remote else "calm motion"

    def readings(self, *, tick: bool = False) -> bool:
        """Readings came, with a ``tick`` or between two; whether the clock draws them, so that no frame is due."""
        screen = self.screen
        reading = _ALL in self._follows
        if screen is None or tick == reading:
            return False
        screen.page.note(self._app.state)
        return reading

    def stop(self) -> None:
        """The end, or the terminal was left."""
        if self._clock is not None:
            self._clock.stop()

    def _frame(self, at_s: float) -> None:
        """A frame of what moves; the rest stays as it is."""
        app = self._app
        screen, before = self.screen, app.picture
        if screen is None or before is None:
            return
        began = time.perf_counter()
        changed = screen.moved(at_s, app.scene(), self._clock.hz if self._clock is not None else 0.0)
        if changed:
            bar = layout.whole(app.ui.shown, before.width, before.height)
            app.picture = compose.moved(before, bar, changed)
            app.painter.direct(app, app.picture, app.flow)
        self.costs.frame(began, time.perf_counter())


def _shades(shed: int) -> int:
    from wftui.render.palette import HEAT_STEPS
    from wftui.tui.energy.screen import FEW_SHADES

    return FEW_SHADES if shed >= flow.PALETTE else HEAT_STEPS
