"""Screen 8's own state: which list, what is selected, in which order. Plain data, no toolkit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.tui.alerts_screen import seen
from wftui.tui.alerts_screen.seen import Alert, Rule, Silence

if TYPE_CHECKING:
    from collections.abc import Callable

    from wftui.model.event import Event
    from wftui.tui.alerts_screen.editor import Editor
    from wftui.tui.state import State

ALERTS: Final = "alerts"
RULES: Final = "rules"
SILENCES: Final = "silences"
TABS: Final = (ALERTS, RULES, SILENCES)
_STATUS: Final = (seen.FIRING, seen.ACKED, seen.OVER, seen.PENDING, seen.INHIBITED, seen.SILENCED)
"""Who wants something from a person first."""
_RULE_STATES: Final = (seen.FIRING, seen.OVER, seen.PENDING, "inactive", "warming", "waiting", "off")
ALERT_SORTS: Final[dict[str, Callable[[Alert], tuple[float, ...]]]] = {
    "severity": lambda item: (_late(item), item.rank, -item.since_ns),
    "age": lambda item: (-item.since_ns,),
    "state": lambda item: (_late(item), -item.since_ns),
    "how often": lambda item: (-item.fired, item.rank),
}
RULE_SORTS: Final[dict[str, Callable[[Rule], tuple[float, ...]]]] = {
    "state": lambda item: (_stage(item), item.rank),
    "severity": lambda item: (item.rank, _stage(item)),
    "cost": lambda item: (-item.cost_s if item.cost_s == item.cost_s else 1.0,),
    "name": lambda _: (),
}
GROUPS: Final = ("", "severity", "rule", "label")


class Head(NamedTuple):
    """The line above a group."""

    words: str
    members: int


Line = Head | Alert | Rule | Silence
"""What a line of a list is about."""


class Drawn(NamedTuple):
    """Where the list stands inside the screen, as last drawn."""

    width: int = 0
    """Columns; 0: there is none."""
    first: int = 0
    """Its first line."""
    keys: tuple[str, ...] = ()
    """Of each line; empty: the head of a group."""


class AlertsScreen:
    """What a person chose on the screen; it stays while other screens are shown."""

    def __init__(self) -> None:
        self.tab = ALERTS
        self.keys = dict.fromkeys(TABS, "")
        """Key of what is selected in each list; empty: the first."""
        self.tops = dict.fromkeys(TABS, 0)
        """First line shown of each list."""
        self.sorts = {ALERTS: "severity", RULES: "state"}
        self.reverse = False
        self.group = ""
        self.inside = False
        """Whether the details fill the screen."""
        self.top = 0
        """First line of the details."""
        self.page = 10
        """Lines of what the keys move in, as last drawn."""
        self.length = 0
        """Lines of the details in all, as last drawn."""
        self.seconds = 0
        """Of the past on the graph; 0: a second a half column."""
        self.span = 0
        """Seconds that it shows, as last drawn; 0: there is none."""
        self.graphed: tuple[str, ...] = ()
        """Series of graphs, those that were looked at last."""
        self.shown: tuple[str, ...] = ()
        """The series that is on the graph; none: there is no graph."""
        self.editor: Editor | None = None
        """The open editor of a rule's numbers."""
        self.told: list[Event] = []
        """Events about alerts from before the view began."""
        self.drawn = Drawn()

    # ---- what is shown

    def listed(self, state: State, wanted: str = "") -> list[Line]:
        """The lines of the list, in order; heads between groups."""
        needle = wanted.lower()
        if self.tab == SILENCES:
            found = sorted(seen.silences(state).values(), key=lambda item: item.until_ns)
            return [item for item in found if needle in f"{item.matchers} {item.reason} {item.by}".lower()]
        if self.tab == RULES:
            rules = sorted(seen.rules(state).values(), key=lambda item: item.name.lower())
            rules = [item for item in rules if needle in _words_of(item)]
            rules.sort(key=RULE_SORTS[self.sorts[RULES]])
            return list(reversed(rules)) if self.reverse else list(rules)
        alerts = sorted(seen.alerts(state), key=lambda item: item.key)
        alerts = [item for item in alerts if needle in _alert_words(state, item)]
        alerts.sort(key=ALERT_SORTS[self.sorts[ALERTS]], reverse=self.reverse)
        return self._grouped(state, alerts) if self.group else list(alerts)

    def _grouped(self, state: State, alerts: list[Alert]) -> list[Line]:
        groups: dict[str, list[Alert]] = {}
        for item in alerts:
            name = item.severity if self.group == "severity" else item.name
            if self.group == "label":
                name = seen.things(state, item.labels) or "without labels"
            groups.setdefault(name, []).append(item)
        out: list[Line] = []
        for name, members in groups.items():
            out += [Head(name, len(members)), *members]
        return out

    def selected(self, found: list[Line]) -> Line | None:
        """The selected one of ``listed``; None: there is nothing."""
        there = [item for item in found if not isinstance(item, Head)]
        key = self.keys[self.tab]
        return next((item for item in there if item.key == key), there[0] if there else None)

    def history(self, state: State, until_ns: int) -> list[Event]:
        """Events about alerts and silences up to a moment, newest first."""
        known = {item.seq or item.event_id: item for item in self.told}
        for item in state.events:
            if item.aggregate_type in ("alert", "silence", "rule"):
                known[item.seq or item.event_id] = item
        found = [item for item in known.values() if item.time_ns <= until_ns]
        return sorted(found, key=lambda item: (item.time_ns, item.seq), reverse=True)

    def graph(self, text: str) -> None:
        """A series is on the graph: its past is wanted, and that of the few before it stays."""
        self.shown = (text,)
        if text not in self.graphed:
            self.graphed = (*self.graphed, text)[-8:]

    # ---- what keys do

    def do(self, what: str, state: State, wanted: str = "") -> str:
        """One action; a word to the person, or none."""
        if what in ("tab", "tab_back"):
            step = 1 if what == "tab" else -1
            self.tab = TABS[(TABS.index(self.tab) + step) % len(TABS)]
            self.inside = False
            return ""
        if what == "sort":
            return self._sort()
        if what == "reverse":
            self.reverse = not self.reverse
            return f"sorted {'the other way round' if self.reverse else 'as usual'}"
        if what == "group":
            if self.tab != ALERTS:
                return "only alerts have groups: Tab goes to them"
            self.group = GROUPS[(GROUPS.index(self.group) + 1) % len(GROUPS)]
            return f"grouped by {self.group}" if self.group else "not grouped"
        if what == "expand":
            self.inside = not self.inside
            self.top = 0
            return ""
        if self.inside:
            self._scroll(what)
        else:
            self._move(what, self.listed(state, wanted))
        return ""

    def back(self) -> bool:
        """Escape: out of the editor, then of the details. False when neither was shown."""
        if self.editor is not None:
            self.editor = None
            return True
        inside, self.inside = self.inside, False
        return inside

    def select(self, key: str) -> None:
        """The line of that key."""
        self.keys[self.tab] = key

    def window(self, place: int, count: int, room: int) -> int:
        """First line of a list of ``count`` in ``room``, with the one at ``place`` in view."""
        self.page = max(1, room)
        top = max(0, min(self.tops[self.tab], count - room))
        top = min(top, place) if place < top else max(top, place - room + 1)
        self.tops[self.tab] = top
        return top

    def scrolled(self, lines: int, room: int) -> int:
        """First of ``lines`` of the details to show in ``room``."""
        self.page, self.length = max(1, room), lines
        self.top = max(0, min(self.top, lines - room))
        return self.top

    def _sort(self) -> str:
        if self.tab == SILENCES:
            return "silences stand in the order in which they end"
        names = list(ALERT_SORTS if self.tab == ALERTS else RULE_SORTS)
        self.sorts[self.tab] = name = names[(names.index(self.sorts[self.tab]) + 1) % len(names)]
        self.reverse = False
        return f"sorted by {name}"

    def _move(self, what: str, found: list[Line]) -> None:
        there = [item.key for item in found if not isinstance(item, Head)]
        if not there:
            return
        key = self.keys[self.tab]
        place = there.index(key) if key in there else 0
        steps = {"up": -1, "down": 1, "page_up": 1 - self.page, "page_down": self.page - 1}
        place = steps[what] + place if what in steps else 0 if what == "first" else len(there) - 1
        self.keys[self.tab] = there[max(0, min(place, len(there) - 1))]
        self.top = 0

    def _scroll(self, what: str) -> None:
        most = max(0, self.length - self.page)
        step = {"up": -1, "down": 1, "page_up": 1 - self.page, "page_down": self.page - 1}.get(what)
        self.top = (0 if what == "first" else most) if step is None else min(most, max(0, self.top + step))


def _late(item: Alert) -> int:
    return _STATUS.index(item.status) if item.status in _STATUS else len(_STATUS)


def _stage(item: Rule) -> int:
    return _RULE_STATES.index(item.state) if item.state in _RULE_STATES else len(_RULE_STATES)


def _alert_words(state: State, item: Alert) -> str:
    things = seen.things(state, item.labels)
    return f"{item.name} {item.key} {item.severity} {item.status} {item.category} {things} {item.message}".lower()


def _words_of(item: Rule) -> str:
    words = (item.name, item.key, item.severity, item.state, item.category, item.condition, item.file)
    return " ".join(words).lower()
