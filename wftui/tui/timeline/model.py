"""The timeline's own state: what is chosen, where the window is, what came back. Plain data, no toolkit."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.tui.timeline.choice import first_choice
from wftui.tui.timeline.compare import Comparison
from wftui.tui.timeline.lanes import MAX_LANES, group
from wftui.tui.timeline.picker import Picker
from wftui.tui.timeline.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wftui.model.event import Event
    from wftui.model.sample import Column
    from wftui.tui.timeline.data import Answer
    from wftui.tui.timeline.window import Grid

_NS: Final = 1_000_000_000
FAR: Final = 10
"""Columns of a long step."""
_UNTOLD: Final = ("view.", "burst.")
"""Events that are no news on a time axis."""


class Wish(NamedTuple):
    """What the screen needs to be whole."""

    chosen: tuple[str, ...]
    step_s: int
    since_s: int
    until_s: int


class Range(NamedTuple):
    """A marked range; ``until_ns`` None: still open, up to the cursor."""

    since_ns: int
    until_ns: int | None


class Timeline:
    """Everything that screen 5 shows."""

    def __init__(self, clock: Callable[[], int]) -> None:
        """``clock``: now, ns UTC; the timeline has its own now, also while the rest looks at the past."""
        self._clock = clock
        self.window = Window()
        self.chosen: list[str] = []
        """Texts of series, in the order they were chosen."""
        self.columns: dict[str, Column] = {}
        """The catalogue; empty until it came."""
        self.answer: Answer | None = None
        self.answered: Wish | None = None
        self.asking = False
        self.error = ""
        self.events: list[Event] = []
        """In order of time."""
        self.events_version = 0
        """Another number as soon as the events are others."""
        self.events_cut = False
        """Whether there are more than came."""
        self.picker: Picker | None = None
        self.table: Comparison | None = None
        self.marked: dict[str, Range] = {}
        self.top = 0
        """First lane shown."""
        self.plot = 80
        """Columns of the graphs, as last drawn."""
        self.drawn = 0
        """Lines with columns of time, as last drawn: lanes, scale, events, ranges."""
        self.lanes_shown = 1
        self.version = 0
        """Another number as soon as the answer is another."""
        self.notice = ""
        """A word to the person about the last key; the app shows it."""
        self._seqs: set[int] = set()

    @property
    def now_ns(self) -> int:
        """Now, whatever moment the other screens show."""
        return self._clock()

    # ---- what arrives

    def take_catalogue(
        self, columns: Iterable[Column], first_ns: int | None, now_ns: int, totals: Callable[[str], float]
    ) -> None:
        """What there is; the first time a sensible choice is made of it."""
        begin = not self.columns
        self.columns = {column.series.text: column for column in columns}
        self.window.first_ns = first_ns
        if begin and not self.chosen:
            self.window.fit(now_ns)
            self.chosen = first_choice(self.columns.values(), totals)

    def take(self, answer: Answer, wish: Wish) -> None:
        """Buckets that were asked for."""
        self.answer = answer
        self.answered = wish
        self.error = ""
        self.version += 1

    def take_events(self, events: Iterable[Event]) -> None:
        """Add events; those already here are left out."""
        fresh = [
            item
            for item in events
            if not item.type.startswith(_UNTOLD) and (not item.seq or item.seq not in self._seqs)
        ]
        if fresh:
            self._seqs.update(item.seq for item in fresh)
            self.events_version += 1
            self.events = sorted([*self.events, *fresh], key=lambda item: (item.time_ns, item.seq))

    def forget_events(self) -> None:
        """Another window: ask anew."""
        self.events = []
        self.events_version += 1
        self._seqs.clear()

    # ---- what is needed

    def grid(self, now_ns: int) -> Grid:
        """The columns of this moment."""
        return self.window.grid(now_ns, self.plot)

    def wish(self, now_ns: int) -> Wish:
        """What a whole picture of this moment needs."""
        grid = self.grid(now_ns)
        step = grid.step_s
        until = min(grid.end_ns, now_ns) // _NS
        return Wish(tuple(self.chosen), step, grid.start_ns // _NS // step * step, (until // step + 1) * step)

    def covered(self, wish: Wish) -> bool:
        """Whether the answer holds all that is wished for."""
        had = self.answered
        return (
            had is not None
            and had.chosen == wish.chosen
            and had.step_s == wish.step_s
            and had.since_s <= wish.since_s
            and had.until_s >= wish.until_s
        )

    def ranges(self, now_ns: int) -> dict[str, tuple[int, int]]:
        """The marked ranges; an open one ends with the cursor's column."""
        grid = self.grid(now_ns)
        at = self.window.cursor(grid)
        found = {}
        for letter, (since, until) in self.marked.items():
            if until is None:
                # Marked backwards is marked as well.
                begin, end = grid.begin(at), grid.begin(at + 1)
                found[letter] = (min(since, begin), max(since + grid.column_ns, end))
            else:
                found[letter] = (since, until)
        return found

    # ---- what keys do

    def do(self, what: str, now_ns: int) -> str:
        """Carry out one action of this screen; what is left to the app: ``open``, ``compare``, ``event`` or
        nothing."""
        self.notice = ""
        if self.table is not None:
            return self._in_table(what)
        if what.startswith("range_"):
            self._mark(what[-1].upper(), now_ns)
        elif what in ("compare", "compare_all"):
            return self._compare(now_ns, everything=what == "compare_all")
        elif what in ("next_event", "previous_event"):
            return "" if self._to_event(1 if what == "next_event" else -1, now_ns) else what
        elif what == "open":
            return "open"
        elif what == "pick":
            self.picker = Picker(self.chosen)
        elif what in ("zoom_in", "zoom_out"):
            if not self.window.zoom(-1 if what == "zoom_in" else 1, now_ns, self.plot):
                self.notice = f"{self.window.span} is the {'shortest' if what == 'zoom_in' else 'longest'}"
        else:
            self._move(what, now_ns)
        return ""

    def _move(self, what: str, now_ns: int) -> None:
        window = self.window
        steps = {"left": -1, "right": 1, "far_left": -FAR, "far_right": FAR}
        if what in steps:
            window.move(steps[what], now_ns, self.plot)
        elif what == "begin":
            window.begin(now_ns, self.plot)
        elif what == "now":
            window.now()
        elif what in ("up", "down", "page_up", "page_down"):
            last = max(0, len(self.lanes()) - self.lanes_shown)
            self.top = min(last, max(0, self.top + (1 if what.endswith("down") else -1)))

    def _in_table(self, what: str) -> str:
        assert self.table is not None  # noqa: S101  the caller looked
        page = max(1, self.table.room - 1)
        steps = {"up": -1, "down": 1, "page_up": -page, "page_down": page, "begin": -10_000, "now": 10_000}
        if what in steps:
            self.table.move(steps[what])
        elif what in ("compare", "compare_all") and self.table.everything != (what == "compare_all"):
            self.table = Comparison(self.table.a, self.table.b, everything=what == "compare_all")
            return "compare"
        return ""

    def lanes(self) -> list[str]:
        """Units of the chosen series: one lane each."""
        return [lane.unit for lane in group(self.picked())]

    def picked(self) -> list[Column]:
        """The chosen series as far as the catalogue or the answer knows them."""
        held = self.answer.traces if self.answer is not None else {}
        found = (held[text].column if text in held else self.columns.get(text) for text in self.chosen)
        return [column for column in found if column is not None]

    def keys(self) -> list[str]:
        """Ids of the actions to offer now."""
        if self.table is not None:
            return ["timeline.compare", "timeline.compare_all", "back"]
        offered = ["timeline.pick", "timeline.in", "timeline.out", "timeline.next"]
        offered += ["timeline.previous", "timeline.open"]
        offered += ["timeline.a", "timeline.b"]
        return [*offered, *(["timeline.compare"] if len(self.marked) == 2 else []), "back"]

    def back(self) -> bool:
        """Escape: closes the table or the list, then forgets the marked ranges. False: nothing was open."""
        if self.table is not None:
            self.table = None
        elif self.picker is not None:
            self.picker = None
        elif self.marked:
            self.marked.clear()
        else:
            return False
        return True

    def pick(self, key: str, character: str | None) -> None:
        """A key while the list of series is open."""
        picker = self.picker
        if picker is None:
            return
        steps = {"up": -1, "down": 1, "pageup": -10, "pagedown": 10, "home": -10_000, "end": 10_000}
        if key == "escape":
            self.picker = None
        elif key == "backspace":
            picker.type("")
        elif key in steps:
            picker.place = max(0, picker.place + steps[key])
        elif key == "enter":
            self._toggle(picker)
        elif character and character.isprintable():
            picker.type(character)

    def _toggle(self, picker: Picker) -> None:
        found = picker.found(list(self.columns.values()))
        if not found:
            return
        text = found[min(picker.place, len(found) - 1)].series.text
        if text in self.chosen:
            self.chosen.remove(text)
        else:
            self.chosen.append(text)
        self.top = min(self.top, max(0, len(self.lanes()) - MAX_LANES))

    def _mark(self, letter: str, now_ns: int) -> None:
        grid = self.grid(now_ns)
        at = self.window.cursor(grid)
        old = self.marked.get(letter)
        if old is None or old.until_ns is not None:
            self.marked[letter] = Range(grid.begin(at), None)
            self.notice = f"{letter} begins here: move to its end and press {letter.lower()} again"
            return
        since, until = self.ranges(now_ns)[letter]
        self.marked[letter] = Range(since, min(until, now_ns))
        other = "B" if letter == "A" else "A"
        closed = self.marked.get(other)
        if closed is not None and closed.until_ns is not None:
            self.notice = "d compares A and B in the chosen series, D in all"
        else:
            self.notice = (
                f"{letter} is marked; now {other}: {other.lower()} at its begin, {other.lower()} at its end"
            )

    def _compare(self, now_ns: int, *, everything: bool) -> str:
        if "A" not in self.marked or "B" not in self.marked:
            missing = "A" if "A" not in self.marked else "B"
            self.notice = (
                f"mark two ranges first: {missing.lower()} begins {missing}, {missing.lower()} again ends it"
            )
            return ""
        found = self.ranges(now_ns)
        self.marked = {letter: Range(since, until) for letter, (since, until) in found.items()}
        self.table = Comparison(found["A"], found["B"], everything=everything)
        return "compare"

    def _to_event(self, direction: int, now_ns: int) -> bool:
        """To the next column with an event that is known here; False: somebody has to be asked."""
        grid = self.grid(now_ns)
        times = [item.time_ns for item in self.events]
        column = self.window.cursor(grid)
        if direction > 0:
            place = bisect_left(times, grid.begin(column + 1))
        else:
            place = bisect_left(times, grid.begin(column)) - 1
        if not 0 <= place < len(times) or not grid.start_ns <= times[place] < grid.end_ns:
            return False
        self.window.go(times[place], now_ns, self.plot)
        return True
