"""The application: one canvas over the whole terminal, one feed, one clock."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, Protocol

from textual import events
from textual.app import App, ComposeResult

from wftui.clock import Instant, SystemClock
from wftui.render.palette import TRUECOLOR, Palette, indexed
from wftui.tui import banner, compose, far, flow, frames, layout, notify, quality
from wftui.tui.alerts_screen import seen
from wftui.tui.canvas import Canvas
from wftui.tui.commands import Commands
from wftui.tui.flow import Flow
from wftui.tui.glyphs import ASCII, UTF8
from wftui.tui.link import Link
from wftui.tui.motion import Motion
from wftui.tui.notify import Notices
from wftui.tui.overview import overview
from wftui.tui.paint import Painter, Screen, Stage, Styles, watch
from wftui.tui.past import Past
from wftui.tui.scene import Scene
from wftui.tui.state import LIVE, State
from wftui.tui.ui import Ui
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.driver import Driver

    from wftui.model.event import Event
    from wftui.tui.compose import Picture
    from wftui.tui.layouts.follow import Layouts
    from wftui.tui.layouts.plan import Plan
    from wftui.tui.mouse import Mouse
    from wftui.tui.theming import Configured, Theming
    from wftui.tui.timeline.control import Control

# While the view fills: tick, tables, past and health come one after another and make few frames.
_GATHER_S: Final = 0.004
_SHED_REFRESH_S: Final = 2.0
"""Between two frames of data at least, where the terminal keeps up with nothing else."""
AUTO: Final = "auto"
SWEEP: Final = "sweep"
_PATIENCE_S: Final = 1.1
_QUIET_S: Final = 1.25
NAN: Final = float("nan")


class Now(Protocol):
    """The part of ``clock.Clock`` that showing needs."""

    def now(self) -> Instant:
        """Both clocks."""
        ...


class WftopApp(App[int], inherit_bindings=False):
    """The view."""

    CSS = "Screen { overflow: hidden hidden; }"
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = "Canvas"

    def __init__(
        self,
        palette: Palette,
        *,
        state: State | None = None,
        link: Callable[[WftopApp], Link] | None = None,
        clock: Now | None = None,
        ascii_only: bool = False,
        readonly: bool = False,
        refresh_s: float = 1.0,
        driver_class: type[Driver] | None = None,
        theming: Theming | None = None,
        layouts: Layouts | None = None,
        motion: str = frames.AUTO,
        graphs: str = AUTO,
        remote: bool = False,
    ) -> None:
        # Our rows are drawn with colours of the right depth: the toolkit must not convert them again.
        self.ascii_only = ascii_only
        super().__init__(driver_class=driver_class, ansi_color=True)
        self.state = state if state is not None else State()
        self.ui = Ui()
        self.clock: Now = clock or SystemClock()
        self.readonly = readonly
        self.refresh_s = refresh_s
        self.own_cpu = NAN
        self.own_memory = NAN
        self.palette = palette
        """Those that were chosen; a terminal that does not keep up gets fewer."""
        self.inks = Styles(palette)
        self.painter = Painter(palette)
        self._fewer = False
        self.flow = Flow()
        """What the terminal has acknowledged."""
        self.theming = theming
        """Tells when the theme was edited; None: it is one that ships with wftop."""
        self.configured: Configured | None = None
        """What the settings screen needs; None: there is none."""
        self.copies = True
        """Whether ``y`` may write to the terminal's clipboard."""
        self.notices: Notices | None = None
        """Tells the terminal of alerts; None: it is none."""
        self.notifies = notify.NONE
        """How: one of ``notify.KINDS``."""
        self.titled = False
        """Whether the terminal's title says how many alerts wait for somebody."""
        self.worn = ""
        """The theme that was chosen in the program; empty: the one of the start."""
        self.layouts = layouts
        """All layouts that can be chosen; None: only the default one."""
        self.plan = layouts.plan if layouts is not None else layout.DEFAULT
        """The layout that is shown."""
        self.state.want(frozenset(item for graph in self.plan.graphs.values() for item in graph.series))
        self.past = Past(self, self.paint)
        self.begin_ns: int | None = None
        """Where in a recording that is over to begin (UTC); None: at its alert, or its end."""
        self.zone = ""
        """Whose time is shown, in words, where that is not clear."""
        self.timeline: Control | None = None
        """Screen 5, once it was shown."""
        self.graphs = graphs
        """``auto``, ``scroll`` or ``sweep``."""
        self._canvas = Canvas(self)
        self.motion = Motion(self, motion, remote=remote)
        self.commands = Commands(self)
        self.mouse: Mouse | None = None
        """What clicks do; None: there was none yet."""
        self.link = link(self) if link else None
        if layouts is not None and layouts.trouble:
            self.ui.say(layouts.trouble, "bad")
        self.picture: Picture | None = None
        """The newest frame."""
        self._painted_ns = 0
        self._pending = False
        self._deadline: asyncio.TimerHandle | None = None
        self._settled = False
        """Whether the first frame with everything in it was shown; until then each piece is shown as it comes."""

    def get_default_screen(self) -> Stage:
        """The toolkit's screen, which leaves the painting to us."""
        return Stage(id="_default")

    def compose(self) -> ComposeResult:
        """One widget."""
        yield self._canvas

    def on_mount(self) -> None:
        """Begin to follow the recorder."""
        watch(self)
        if isinstance(self._driver, Screen):
            self._driver.heard = self._acknowledged
            self._driver.pointed = self.pointed
            self.notices = Notices(self._driver.write, self._driver.terminal.on_restore)
        if self.link is not None:
            self.state.link_since_ns = self.clock.now().boottime_ns
            self.run_worker(self.link.follow(), name="feed", exit_on_error=True)
            self._watch()

    # ---- frames

    @property
    def seen(self) -> State:
        """The model that is on the screen: the feed's, or that of a moment in the past."""
        return self.past.state if self.past.ready else self.state

    def scene(self) -> Scene:
        """This moment, or the one in the past that is looked at."""
        glyphs = ASCII if self.ascii_only else UTF8
        now = self.clock.now()
        replay = None
        if not self.past.live:
            replay = self.past.replay()
            if self.past.ready:
                now = Instant((replay.second + 1) * NS_PER_S, now.boottime_ns)
        lag_s = self.flow.lag_s(time.monotonic_ns())
        return Scene(
            self.seen, now, glyphs, self.own_cpu, self.own_memory, self.pace_s, self.readonly, replay, lag_s,
            self.sweeps, self.plan, self._given_up(), self.copies, quality.now(self.state),
        )  # fmt: skip

    def _given_up(self) -> str:
        return flow.given_up(
            self.flow.shed,
            deep=self.palette.depth == TRUECOLOR,
            shaded=self.ui.shown == "energy",
            quick=self.pace_s < _SHED_REFRESH_S,
        )

    @property
    def pace_s(self) -> float:
        """Seconds between two frames of data: what was chosen, or more while wftop's own quality is low."""
        return quality.pace_s(self.refresh_s, quality.level(self.state))

    @property
    def sweeps(self) -> bool:
        """Whether graphs are written over in place: by choice, or while the terminal does not keep up."""
        return self.graphs == SWEEP or (self.graphs == AUTO and self.flow.shed >= flow.RATE)

    def current(self, width: int, height: int) -> Picture:
        """The frame at this size; made anew when the size is another."""
        picture = self.picture
        if picture is None or (picture.width, picture.height) != (width, height):
            picture = self.picture = self._compose(width, height)
        return picture

    def _compose(self, width: int, height: int) -> Picture:
        try:
            return compose.picture(self.scene(), self.ui, width, height)
        except Exception as error:
            # A bundle from elsewhere may hold what no recorder of ours would write: one moment, not the view.
            if self.state.hello is None or self.state.hello.recording is None:
                raise
            return compose.undrawable(width, height, f"{type(error).__name__}: {error}")

    def paint(self) -> None:
        """Make a frame and show what changed."""
        self._pending = False
        self._watch()
        canvas = self._canvas
        if not canvas.is_attached:  # before the first mount, after the last
            return
        width, height = canvas.size
        if not width or not height:
            return
        began = time.perf_counter()
        self.hear()
        self._painted_ns = self.clock.now().boottime_ns
        self._follow_theme()
        self._follow_layout()
        self.picture = self._compose(width, height)
        if not self.painter.direct(self, self.picture, self.flow):
            canvas.refresh()
        self.motion.drew()
        self.motion.costs.whole(began, time.perf_counter())
        self.motion.follow()
        far.follow(self)
        self._name_terminal()
        if self.ui.alerts is not None and not self.state.wanted.issuperset(self.ui.alerts.graphed):
            self.graphs_changed()
        if (timeline := self.shown_timeline) is not None:
            timeline.refresh()

    def hear(self) -> bool:
        """Take in what the terminal has answered; whether it was asked for."""
        asked = isinstance(self._driver, Screen) and self._driver.hear(self.flow)
        self.motion.hear()
        return asked

    def _acknowledged(self) -> None:
        """The terminal has taken a frame: one that was left out for want of room follows."""
        # After a pause of the terminal a dozen answers come at once: a frame is made for the one that makes room.
        if self.hear() and self.painter.owed and self.flow.room:
            self.paint()

    def answer(self, event: events.Event, act: Callable[[], object]) -> None:
        """Carry out a key or a click, show what came of it, and note how long that took."""
        self.motion.key()
        act()
        self.paint()
        # The toolkit stamps an event when its bytes were read.
        self.motion.costs.key(time.monotonic() - event.time)

    def pointed(self, event: events.MouseEvent) -> None:
        """A button was pressed or the wheel turned."""
        if self.mouse is None:
            from wftui.tui.mouse import Mouse  # here: many never touch one

            self.mouse = Mouse(self)
        mouse = self.mouse
        self.answer(event, lambda: mouse.take(event))

    def _follow_theme(self) -> None:
        found = self.theming.look(self._painted_ns) if self.theming is not None else None
        if isinstance(found, str):
            self.ui.say(found, "bad")
        elif found is not None:
            self.ui.say("the theme was read again")
            self.wear(found)
        if self._fewer != (self.flow.shed >= flow.DEPTH):
            self.wear(self.palette)

    def wear(self, colors: Palette) -> None:
        """Show these colours from now on."""
        self.palette = colors
        self._fewer = self.flow.shed >= flow.DEPTH
        shown = indexed(colors) if self._fewer else colors
        frames_made = self.painter.frames
        # Nothing of the old colours is on the screen any more: the next frame goes out whole.
        self.inks, self.painter = Styles(shown), Painter(shown)
        self.painter.frames = frames_made

    def _follow_layout(self) -> None:
        if self.layouts is None or self.ui.arrange is not None:
            return
        found = self.layouts.look(self._painted_ns)
        if isinstance(found, str):
            self.ui.say(found, "bad")
        elif found is not None:
            self.arranged(found)
            self.ui.say("the layout was read again")

    def graphs_changed(self) -> None:
        """The layout's graphs, or those of alerts, have other series than before: keep and fetch their past."""
        patterns = frozenset(item for graph in self.plan.graphs.values() for item in graph.series)
        if self.ui.alerts is not None:
            patterns |= frozenset(self.ui.alerts.graphed)
        if self.state.want(patterns):
            self.past.graphs_changed()
            if self.link is not None:
                self.link.graphs_changed()

    def lengths_changed(self) -> None:
        """Panels show another length of the past: what they need for it, they say when they are drawn."""
        self.seen.far.forget_wishes()
        self.seen.kept.clear()
        self.past.wake()

    def arranged(self, plan: Plan) -> None:
        """Show another layout: what was focused or expanded and is not in it any more is let go."""
        self.plan = plan
        self.graphs_changed()
        self.lengths_changed()
        there = self.visible_panels()
        if self.ui.focus not in there:
            self.ui.focus = ""
        if self.ui.expanded and self.ui.expanded not in (*layout.ORDER, *plan.graphs):
            self.ui.expanded = ""

    def open_timeline(self) -> None:
        """Screen 5; what it is made of is loaded the first time only."""
        if self.timeline is None:
            from wftui.tui.timeline.control import Control

            self.timeline = Control(self)
            self.ui.timeline = self.timeline.timeline
        self.timeline.opened()

    @property
    def shown_timeline(self) -> Control | None:
        """The timeline while it is on the screen."""
        return self.timeline if self.ui.shown == "timeline" else None

    def repaint_directly(self) -> bool:
        """The toolkit wants to paint (start, resize, a refresh): whether that was done, or need not be."""
        if not self.painter.paints(self):
            return False
        width, height = self._canvas.size
        # Until there is data the skeleton says all there is to say.
        if width and height and self._painted_ns:
            self.painter.direct(self, self.current(width, height), self.flow)
        return True

    def redraw(self) -> None:
        """Set all modes again and paint everything: who knows what another program has left there."""
        if isinstance(self._driver, Screen):
            self._driver.enter_again()
        self.repaint()

    def repaint(self) -> None:
        """Paint everything: nobody knows what is on the terminal."""
        self.flow.forget()
        if self.notices is not None:
            self.notices.forget()
        self.painter.shown(None)
        self._canvas.refresh()

    def data_arrived(self, *, tick: bool = True, urgent: bool = False) -> None:
        """Something of the feed changed the model: a frame is due, at the view's own rate.

        Tables, events and health come between two ticks; they wait for the next one, which makes one frame of
        all, unless none has come for a second. What is ``urgent`` waits for nothing: an alert, another quality.
        """
        if urgent:
            self._pending = True
            asyncio.get_running_loop().call_later(_GATHER_S, self._due)
            return
        if self._pending:
            return
        since_s = (self.clock.now().boottime_ns - self._painted_ns) / 1e9
        if not tick and since_s < _PATIENCE_S and self._settled:
            return
        # Once all is there, what lies in the socket's buffer is read before this frame, and that is enough.
        wait_s = 0.0 if self._settled else _GATHER_S
        refresh_s = max(self.pace_s, _SHED_REFRESH_S if self.flow.shed >= flow.PANELS else 0.0)
        if refresh_s > 1.0 and self._settled:
            wait_s = max(wait_s, refresh_s - since_s - 0.1)
        self._pending = True
        asyncio.get_running_loop().call_later(wait_s, self._due)

    def heard(self, event: Event) -> bool:
        """An event of the feed; whether it is to be seen at once."""
        told = self.ui.banner.hear(event, self.clock.now().boottime_ns)
        if banner.rings(event) and self.notices is not None:
            self.notices.alert(self.notifies, banner.severity(event), banner.words(self.state, event))
        return told

    def _name_terminal(self) -> None:
        """The terminal's title: what waits for somebody, and whose machine this is."""
        if self.notices is None or not self.titled:
            return
        words, _ = seen.loud(self.state)
        sign = "!" if self.ascii_only else "▲"
        waits = f"{sign} {words} " if words else ""
        self.notices.name(f"{waits}wftop {self.state.hostname}".rstrip())

    def settled(self) -> None:
        """The past and the tables are there: from now on one frame a tick."""
        self._settled = True

    def _due(self) -> None:
        if self._pending:
            self.paint()

    def _watch(self) -> None:
        """Without data the clock and the age of the last data still go on.

        Each frame puts the deadline off: while data comes, nobody wakes up for it.
        """
        if self.link is None:
            return
        if self._deadline is not None:
            self._deadline.cancel()
        wait_s = _QUIET_S if self.state.link == LIVE else 1.0
        if self.state.link == LIVE and self.pace_s > 1.0:
            wait_s += self.pace_s
        self._deadline = asyncio.get_running_loop().call_later(wait_s, self.paint)

    # ---- own cost

    @property
    def output_bytes(self) -> int:
        """Bytes given to the terminal."""
        driver = self._driver
        return driver.written if isinstance(driver, Screen) else 0

    def visible_panels(self) -> list[str]:
        """Names of the panels on the overview, in the order of Tab."""
        width, height = self.size
        screen = overview(self.seen, width, height, self.plan)
        there = {place.name for place in screen.places}
        return [name for name in (*layout.ORDER, *self.plan.graphs) if name in there]

    def remember(self, state_dir: Path) -> None:
        """Leave the places of the panels to the next start's skeleton."""
        from wftui.tui.layouts import memory  # here: once, at the end

        width, height = self.size
        if width > 0 and height > 0 and self.past.recording is None:
            screen = overview(self.state, width, height, self.plan)
            names = layout.titles(self.plan) if screen.framed else {**layout.titles(self.plan), **layout.SHORT}
            memory.keep(state_dir, screen, names)

    # ---- the end

    def leave(self, code: int = 0) -> None:
        """End in order."""
        if self._deadline is not None:
            self._deadline.cancel()
        self.motion.stop()
        self.exit(code, return_code=code)

    def _fatal_error(self) -> None:
        """A bug: leave the terminal first; ``start`` then raises it again with its plain traceback."""
        self._close_messages_no_wait()
