"""Where the person is: screen, focus, selection, filters, open dialogs. Pure; the app carries out the effects."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.tui import layout
from wftui.tui.banner import Banner
from wftui.tui.process.columns import SORTS, sorts
from wftui.tui.process.order import Line
from wftui.tui.process.work import Target as Target
from wftui.tui.process.work import Work, target_of
from wftui.tui.state import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from wftui.tui.alerts_screen.model import AlertsScreen
    from wftui.tui.arrange.model import Arranger
    from wftui.tui.arrange.series import Choosing
    from wftui.tui.bundling.control import Preview
    from wftui.tui.bundling.model import Bundling
    from wftui.tui.energy.screen import EnergyScreen
    from wftui.tui.gpu_screen.model import GpuScreen
    from wftui.tui.models_screen.model import ModelsScreen
    from wftui.tui.process.trail import Trail
    from wftui.tui.provenance.model import Origins
    from wftui.tui.search.palette import Palette
    from wftui.tui.settings.model import SettingsScreen
    from wftui.tui.timeline.model import Timeline
    from wftui.tui.why.model import Findings
    from wftui.wire.messages import InspectReply

OVERVIEW: Final = "overview"
REFRESHES: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
SIGNALS: Final = tuple(
    (name, getattr(signal, name))
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGKILL", "SIGSTOP", "SIGCONT", "SIGUSR1", "SIGUSR2", "SIGQUIT")
)
HELP: Final = "help"
DETAILS: Final = "details"
MENU: Final = "signals"
CONFIRM: Final = "confirm"
PROMPT: Final = "prompt"
ASK: Final = "ask"
OUTCOME: Final = "outcome"
ORIGINS: Final = "origins"
PALETTE: Final = "palette"
WHY: Final = "why"
BUNDLE: Final = "bundle"
CONTENTS: Final = "contents"
"""What would be in a bundle, over the dialog that asks for it."""
SCROLLED: Final = (HELP, DETAILS, OUTCOME, WHY, CONTENTS)
"""Dialogs that may be longer than the screen."""


class Prompt:
    """A line that a person types, and what becomes of it."""

    def __init__(
        self,
        title: str,
        label: str,
        submit: Callable[[str], str],
        *,
        value: str = "",
        hint: str = "",
        note: Callable[[str], str] | None = None,
    ) -> None:
        """``submit``: takes the line and says what is wrong with it; empty: it is done, the dialog closes.
        ``note``: more to show about the line as it is."""
        self.title = title
        self.label = label
        self.submit = submit
        self.value = value
        self.hint = hint
        self.note = note
        self.error = ""


class Frame(NamedTuple):
    """Cells that a dialog covers, with its border."""

    x: int = 0
    y: int = 0
    width: int = 0
    height: int = 0


class Choice(NamedTuple):
    """A question that ``y`` carries out."""

    title: str
    words: str
    yes: str
    run: Callable[[], object]


class Ui:
    """State of the interaction."""

    def __init__(self) -> None:
        self.screen = OVERVIEW
        self.focus = ""
        """Focused panel of the overview; empty: none."""
        self.expanded = ""
        self.overlays: list[str] = []
        self.filtering = False
        self.wanted = {"processes": "", "events": "", "model": "", "alert": ""}
        self.sort = SORTS[0]
        self.reverse = False
        self.selected: str | None = None
        """Key of the selected process: the cursor stays with it wherever it is sorted to."""
        self.source = ""
        """The selected source, wherever it is sorted to; empty: the one at its place."""
        self.work = Work()
        """What else is done with the process list: tree, tags, the one that is followed."""
        self.places = {"processes": 0, "events": 0, "sources": 0, **dict.fromkeys(SCROLLED, 0)}
        """Line under the cursor (lists) or first line shown (dialogs)."""
        self.tops = {"processes": 0, "events": 0, "sources": 0}
        self.page = 10
        """Lines of the list on the screen, as last drawn."""
        self.source_lines: list[int] = []
        """For each line below the head of the source list, as last drawn: which of the sources it is about."""
        self.dialog = Frame()
        """Where the topmost dialog was last drawn."""
        self.menu = 0
        self.target: Target | None = None
        self.trail: Trail | None = None
        """What the process of the details used over the last minutes."""
        self.closer: InspectReply | None = None
        """What was asked about it alone; None: nothing is known of that."""
        self.targets: list[Target] = []
        """The processes that a signal goes to."""
        self.outcome: list[tuple[str, str]] = []
        """What became of a signal to several: words and their role, a line each."""
        self.palette: Palette | None = None
        """The command palette, once it was opened."""
        self.sought = ""
        """What help is searched for."""
        self.seeking = False
        """Whether that is being typed."""
        self.prompt: Prompt | None = None
        self.choice: Choice | None = None
        self.timeline: Timeline | None = None
        """Screen 5, once it was shown."""
        self.gpu: GpuScreen | None = None
        """Screen 6, once it was shown."""
        self.models: ModelsScreen | None = None
        """Screen 7, once it was shown."""
        self.alerts: AlertsScreen | None = None
        """Screen 8, once it was shown."""
        self.settings: SettingsScreen | None = None
        """The settings, once they were shown."""
        self.energy: EnergyScreen | None = None
        """Screen 9, once it was shown."""
        self.arrange: Arranger | None = None
        """The layout while it is being changed on the overview."""
        self.series: Choosing | None = None
        """The open list of series for a graph."""
        self.origins: Origins | None = None
        """The open dialog about where numbers come from."""
        self.findings: Findings | None = None
        """What the dialog of ``W`` or ``H`` says."""
        self.bundling: Bundling | None = None
        """The bundle that is asked for or written."""
        self.contents: Preview | None = None
        """What would be in it."""
        self.banner = Banner()
        """Alerts that are told now, on every screen."""
        self.notice = ""
        self.notice_role = "text"

    # ---- what is shown

    @property
    def shown(self) -> str:
        """The list or panel that fills the screen; empty on the overview."""
        return self.expanded or ("" if self.screen == OVERVIEW else self.screen)

    @property
    def keyed(self) -> str:
        """Whose keys are valid: what fills the screen, the arranging of the overview, the editor of a rule."""
        if self.editing:
            return "rule"
        return "arrange" if self.arrange is not None else self.shown

    @property
    def editing(self) -> bool:
        """Whether the editor of a rule is on the screen."""
        return self.shown == "alert" and self.alerts is not None and self.alerts.editor is not None

    @property
    def overlay(self) -> str:
        """The topmost dialog; empty when there is none."""
        return self.overlays[-1] if self.overlays else ""

    def processes(self, state: State) -> list[Line]:
        """Lines of the process screen, in order; the cursor is brought to where the selected process is."""
        follow = self.work.follow
        running = follow is not None and follow.ended_ns is None
        rows = self.work.lines(state, self.sort, reverse=self.reverse, wanted=self.wanted["processes"])
        place = self.places["processes"]
        if follow is not None and running:
            if follow.ended_ns is None:
                self.selected = follow.target.key
            else:
                self.say(follow.said(), "warn")
        if self.selected is not None:
            found = self.work.place(state, rows, self.selected)
            place = found if found is not None else min(place, max(0, len(rows) - 1))
        self.places["processes"] = place
        return rows

    def process(self, state: State) -> Line | None:
        """The selected process; the first one when none was selected yet."""
        rows = self.processes(state)
        if not rows:
            return None
        return rows[min(self.places["processes"], len(rows) - 1)]

    def window(self, name: str, count: int, room: int) -> tuple[int, int]:
        """First line to show and the cursor's line, for ``count`` lines in ``room``."""
        self.page = max(1, room)
        place = min(self.places[name], max(0, count - 1))
        top = min(self.tops[name], max(0, count - room))
        top = min(top, place) if place < top else max(top, place - room + 1)
        self.tops[name] = max(0, top)
        self.places[name] = place
        return self.tops[name], place

    # ---- what keys do

    def show(self, screen: str) -> None:
        """Go to a screen; dialogs close."""
        self.screen = screen
        self.expanded = ""
        self.overlays.clear()
        self.filtering = False
        self.notice = ""

    def move_focus(self, step: int, visible: list[str]) -> None:
        """Focus the next or previous panel that is on the screen."""
        if self.screen != OVERVIEW or not visible:
            return
        if self.focus not in visible:
            self.focus = visible[0 if step > 0 else -1]
        else:
            self.focus = visible[(visible.index(self.focus) + step) % len(visible)]
        if self.expanded:
            self.expanded = self.focus

    def expand(self) -> None:
        """The focused panel over the whole screen, and back."""
        if self.screen != OVERVIEW:
            return
        self.expanded = "" if self.expanded else self.focus or layout.ORDER[0]

    def back(self) -> bool:
        """Close one thing: dialog, filter, expanded panel, screen, focus. False when nothing was open."""
        self.notice = ""
        if self.overlays:
            self.overlays.pop()
        elif self.filtering:
            self.filtering = False
            self.wanted[self.filter_name] = ""
        elif self.shown and self.wanted.get(self.shown):
            self.wanted[self.shown] = ""
        elif self.expanded:
            self.expanded = ""
        elif self.screen != OVERVIEW:
            self.screen = OVERVIEW
        elif self.focus:
            self.focus = ""
        else:
            return False
        return True

    @property
    def filter_name(self) -> str:
        """The list that a filter belongs to."""
        return self.shown if self.shown in ("events", "model", "alert") else "processes"

    def type(self, char: str) -> None:
        """A character into the filter; the empty text takes one back."""
        name = self.filter_name
        if char:
            self.wanted[name] = (self.wanted[name] + char)[:80]
        else:
            self.wanted[name] = self.wanted[name][:-1]
        if name in self.places:
            self.places[name] = 0
        self.selected = None

    def move(self, state: State, step: int, *, edge: bool = False) -> None:
        """Move the cursor of what is on top by lines; ``edge``: to the first or last."""
        top = self.overlay
        if top == MENU:
            last = len(SIGNALS) - 1
            self.menu = (0 if step < 0 else last) if edge else min(last, max(0, self.menu + step))
            return
        if top in SCROLLED:
            self.places[top] = (0 if step < 0 else 10_000) if edge else max(0, self.places[top] + step)
            return
        name = self.shown
        if name not in self.tops:
            return
        counts = {
            "processes": len(self.processes(state)) if name == "processes" else 0,
            "events": len(state.events),
            "sources": len(state.sources),
        }
        last = max(0, counts[name] - 1)
        self.places[name] = (0 if step < 0 else last) if edge else min(last, max(0, self.places[name] + step))
        if name == "sources":
            self.source = ""
        if name == "processes":
            # Whoever goes elsewhere no longer follows.
            self.work.follow = None
            rows = self.work.lines(state, self.sort, reverse=self.reverse, wanted=self.wanted["processes"])
            self.selected = rows[self.places[name]].key if rows else None

    def point(self, state: State, place: int) -> None:
        """The cursor of the list on the screen to a line of it."""
        name = self.shown
        self.move(state, place - self.places[name])

    def scroll(self, state: State, step: int) -> None:
        """The list on the screen by lines; its cursor stays where it is as long as that can be seen."""
        name = self.shown
        if name == "sources":
            self.move(state, 1 if step > 0 else -1)
        elif name in self.tops:
            count = len(self.processes(state)) if name == "processes" else len(state.events)
            top = min(max(0, count - self.page), max(0, self.tops[name] + step))
            self.tops[name] = top
            place = min(top + self.page - 1, max(top, self.places[name]))
            if place != self.places[name]:
                self.point(state, place)

    def next_sort(self, state: State | None = None, step: int = 1) -> None:
        """The next column to sort by, or one before; those of GPUs if a process of ``state`` holds one."""
        known = SORTS if state is None else sorts(state)
        place = known.index(self.sort) if self.sort in known else -min(step, 0) - 1
        self.sort = known[(place + step) % len(known)]
        self.reverse = False

    def aim(self, state: State) -> bool:
        """Take the selected process as the target of a dialog; False when there is none."""
        found = self.process(state)
        if found is None:
            return False
        target = target_of(found.key, found.row)
        if target is None:
            return False
        self.selected = found.key
        self.target = target
        return True

    def ask(self, prompt: Prompt) -> None:
        """Let a person type a line."""
        self.prompt = prompt
        self.overlays.append(PROMPT)

    def say(self, words: str, role: str = "text") -> None:
        """A line for the person, until the next key."""
        self.notice = words
        self.notice_role = role
