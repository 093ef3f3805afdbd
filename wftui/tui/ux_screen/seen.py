"""What is known of frames and fidelity at a moment: programs, views, the core, wftop's own quality. No drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.energy.fidelity import ADAPTATION, CAUSES, CPU, LINK, ROOM
from wftui.model.streams import FRAMES
from wftui.tui.history import NAN
from wftui.tui.scene import keep
from wftui.windows.frames import BUDGET_S, SHARES

if TYPE_CHECKING:
    from wftui.model.event import Event
    from wftui.tui.state import State

MODES: Final = {"1s": "1 s", "10s": "10 s", "5m": "5 min"}
"""Windows as the series call them, and as people read them."""
SLOW_FPS: Final = 55.0
VERY_SLOW_FPS: Final = 45.0
LATE_S: Final = 0.020
UNEVEN_S: Final = 0.005
LOW_RATIO: Final = 0.8
VERY_LOW_RATIO: Final = 0.7
LAGGING_S: Final = 0.050
UNSTEADY: Final = 80.0
"""Where the rules of ``ux.json`` say that something is wrong."""
CORE: Final = "core"
WORDS: Final = {
    LINK: "the terminal did not answer in time",
    CPU: "frames were not made in time",
    ADAPTATION: "less is drawn: quality or motion is lowered",
    ROOM: "more particles than places",
}
"""Why energy was never drawn."""
MOTIONS: Final = ("data", "smooth", "full")
_STAGES: Final = tuple(SHARES)
_BOTTLENECK: Final = 1
_INPUT: Final = 2 + len(_STAGES)
"""Places of cells in the table of frames."""


class Window(NamedTuple):
    """Frames of a program over a while; NaN: unknown."""

    fps: float = NAN
    p50: float = NAN
    p95: float = NAN
    p99: float = NAN
    longest: float = NAN
    jitter: float = NAN
    low: float = NAN
    jank: float = NAN
    stability: float = NAN


_SERIES: Final = {"fps": "rate"}
"""Fields whose series has another name."""


class Program(NamedTuple):
    """One that makes frames."""

    label: tuple[str, str]
    """``source`` or ``view`` with its value, as its series have it."""
    windows: dict[str, Window]
    """By mode."""
    over: float
    lost: float
    """{frame} since they are counted."""
    stages: dict[str, float]
    """Part of a frame to its mean time over 10 s, s, as far as told."""
    bottleneck: str
    input_s: float
    """95th percentile of the time from an input to its effect."""

    @property
    def name(self) -> str:
        """As people call it; a program's own name is text from elsewhere."""
        kind, value = self.label
        return f"wftop, view {value}" if kind == "view" else value

    @property
    def draws(self) -> bool | None:
        """Whether it made a frame within the last second; None: not known."""
        fps = self.windows["1s"].fps
        return None if fps != fps else fps > 0

    @property
    def silent(self) -> bool:
        """Whether nothing is told of its frames now: it paused for long, or it is gone."""
        return all(window.fps != window.fps for mode, window in self.windows.items() if mode != "5m")

    @property
    def trouble(self) -> str:
        """``bad``, ``warn`` or empty, over the last 10 s."""
        return "" if self.draws is False else fps_role(self.windows["10s"].fps)


class View(NamedTuple):
    """A view that says how true its picture of energy is."""

    number: str
    motion: str
    ratio: float
    """Of the last 60 s."""
    seen: float
    missed: dict[str, float]
    """EU since the view began, the latter by cause; NaN: not told."""
    lag_s: float
    coherence: float
    particles: float
    tokens: float

    @property
    def computed(self) -> float:
        """EU since the view began."""
        return self.seen + sum(units for units in self.missed.values() if units == units)

    @property
    def cause(self) -> str:
        """What most of the missing energy was lost to; empty: nothing is missing."""
        known = {cause: units for cause, units in self.missed.items() if units > 0}
        return max(known, key=known.__getitem__) if known else ""


class Core(NamedTuple):
    """A WIRTHFORGE core's word about its person, and how it is reached."""

    source: str
    up: float
    level: float
    points: float
    rate: float
    """{level}/h"""
    session_s: float
    heartbeat_s: float


def programs(state: State) -> tuple[Program, ...]:
    """Those that push, by name; the core; wftop's own views."""
    return keep(state, "ux programs", (state.version, state.table_version), lambda: _programs(state))


def _programs(state: State) -> tuple[Program, ...]:
    rows = state.tables.get(FRAMES.name, {})
    labels: dict[tuple[str, str], None] = {}
    for kind in ("source", "view"):
        for value in state.labels("ux.frame.rate", kind):
            labels[kind, value] = None
    for key in rows:
        kind, _, value = key.partition(":")
        labels[kind, value] = None
    return tuple(_program(state, label, rows.get(":".join(label))) for label in sorted(labels, key=_order))


def _order(label: tuple[str, str]) -> tuple[bool, bool, int, str]:
    kind, value = label
    return kind == "view", value == CORE, int(value) if kind == "view" and value.isdecimal() else 0, value


def _program(state: State, label: tuple[str, str], row: tuple[object, ...] | None) -> Program:
    windows = {
        mode: Window(
            *[
                state.value(f"ux.frame.{_SERIES.get(field, field)}", *sorted((label, ("mode", mode))))
                for field in Window._fields
            ]
        )
        for mode in MODES
    }
    cells = row or ()
    told = {stage: _number(cells, 2 + place) for place, stage in enumerate(_STAGES)}
    bottleneck = cells[_BOTTLENECK] if len(cells) > _BOTTLENECK else ""
    return Program(
        label,
        windows,
        state.value("ux.frames.over", label),
        state.value("ux.frames.lost", label),
        {stage: took for stage, took in told.items() if took == took},
        str(bottleneck or ""),
        _number(cells, _INPUT),
    )


def _number(cells: tuple[object, ...], place: int) -> float:
    found = cells[place] if place < len(cells) else None
    return float(found) if isinstance(found, int | float) else NAN


def views(state: State) -> tuple[View, ...]:
    """Those that tell their fidelity, by number."""
    return keep(state, "ux views", state.version, lambda: _views(state))


def _views(state: State) -> tuple[View, ...]:
    numbers = dict.fromkeys(
        number
        for name in ("seen", "ratio", "particles")
        for number in state.labels(f"wftop.fidelity.{name}", "view")
    )
    found = []
    for number in sorted(numbers, key=lambda text: (len(text), text)):
        label = ("view", number)
        motion = state.value("wftop.view.motion", label)
        view = View(
            number,
            MOTIONS[int(motion)] if motion in (0, 1, 2) else "",
            state.value("wftop.fidelity.ratio", label),
            state.value("wftop.fidelity.seen", label),
            {cause: state.value("wftop.fidelity.missed", ("mode", cause), label) for cause in CAUSES},
            state.value("wftop.fidelity.lag", label),
            state.value("wftop.fidelity.coherence", label),
            state.value("wftop.fidelity.particles", label),
            state.value("wftop.fidelity.tokens", label),
        )
        if any(value == value for value in (view.ratio, view.seen, view.particles)):
            found.append(view)
    return tuple(found)


def cores(state: State) -> tuple[Core, ...]:
    """Each core that was told of."""
    sources = dict.fromkeys(
        source for name in ("ux.core.up", "ux.progression.level") for source in state.labels(name, "source")
    )
    return tuple(
        Core(
            source,
            *[
                state.value(name, ("source", source))
                for name in (
                    "ux.core.up",
                    "ux.progression.level",
                    "ux.progression.points",
                    "ux.progression.rate",
                    "ux.progression.session",
                    "ux.core.heartbeat.age",
                )
            ],
        )
        for source in sources
    )


def changes(state: State) -> list[Event]:
    """When wftop lowered or raised its own quality, newest first."""
    return [event for event in reversed(state.events) if event.type == "quality.changed"]


LAGS: Final = (
    (0.010, "<10"),
    (0.020, "10-20"),
    (0.030, "20-30"),
    (0.050, "30-50"),
    (0.100, "50-100"),
    (float("inf"), ">100"),
)
"""Upper ends of the bins of a lag, s, and what they are called, ms."""


def lags(values: list[float]) -> list[int]:
    """How many seconds fell into each bin of ``LAGS``."""
    counts = [0] * len(LAGS)
    for value in values:
        if value == value:
            counts[next(place for place, (top, _) in enumerate(LAGS) if value < top)] += 1
    return counts


# ---- how bad that is


def fps_role(fps: float) -> str:
    """Empty: as it should be, or unknown."""
    return "bad" if fps < VERY_SLOW_FPS else "warn" if fps < SLOW_FPS else ""


def role(field: str, value: float) -> str:
    """Of a field of ``Window``; empty: as it should be, or unknown."""
    if field in ("fps", "low"):
        return fps_role(value) if field == "fps" else ""
    if field == "jitter":
        return "warn" if value > UNEVEN_S else ""
    if field == "jank":
        return "bad" if value > 2 else "warn" if value > 1 else ""
    if field == "stability":
        return "warn" if value < UNSTEADY else ""
    return "bad" if value > LATE_S else "warn" if value > BUDGET_S else ""


def ratio_role(ratio: float) -> str:
    """Of a fidelity."""
    return "bad" if ratio < VERY_LOW_RATIO else "warn" if ratio < LOW_RATIO else ""
