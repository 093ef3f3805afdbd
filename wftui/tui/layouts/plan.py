"""A layout as data: rows of panels for terminals of a size. ``grammar`` makes it of what a file says.

Light to import: the skeleton needs it before anything else is loaded.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing is heavier than this module
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PANELS = (
    "cpu", "memory", "disks", "network", "pressure", "processes", "gpus", "models", "ux", "events", "sources",
    "alerts",
)  # fmt: skip
"""All panels that have a name of their own, as Tab goes through them; graphs are named by their layout."""
IMPORTANCE = (
    "cpu", "memory", "gpus", "models", "processes", "disks", "network", "pressure", "ux", "events", "sources",
)  # fmt: skip
"""Which of them stay when there are fewer lines than subjects."""
LENGTHS = (0, 60, 120, 300, 600, 1800, 3600, 21_600, 86_400)
"""Seconds of the past that keys give a graph; 0: as many as there are columns for, one a half column."""
LENGTH = "length"
"""Option of every panel that draws the past."""
COLUMNS = (
    "pid", "user", "s", "cpu", "mem", "gpu%", "vram", "thr", "read/s", "write/s", "age", "container", "command",
)  # fmt: skip
"""Columns of the process table, as its heads call them."""
OPTIONS: dict[str, dict[str, tuple[object, ...]]] = {
    "cpu": {"cores": (True, False), LENGTH: LENGTHS},
    "memory": {LENGTH: LENGTHS},
    "disks": {LENGTH: LENGTHS},
    "network": {LENGTH: LENGTHS},
    "pressure": {LENGTH: LENGTHS},
    "gpus": {"style": ("auto", "cards", "rows", "strip"), LENGTH: LENGTHS},
    "models": {"sort": ("name", "speed", "waiting", "first token", "cache", "trouble"), LENGTH: LENGTHS},
    "processes": {"sort": ("cpu", *(name for name in COLUMNS if name != "cpu")), "columns": ()},
}
"""What can be chosen about a panel: the first value is what holds when nothing is said.

A length may be any other number of seconds up to the longest one, ``columns`` any list of ``COLUMNS``.
"""
FITTING = ("gpus", "models", "ux")
"""Panels that know how many lines they need; with a height of that kind they need none while there is nothing."""
REST = "rest"
FIT = "fit"
SHARE = "share"
LINES = "lines"


class Height:
    """How many lines: a share of what there is, a number, what the panel needs, or what is left."""

    __slots__ = ("amount", "kind", "least", "most")

    def __init__(self, kind: str = REST, amount: int = 0, least: str = "", most: str = "") -> None:
        """``least``, ``most``: lines or a percentage; empty: none was said."""
        self.kind = kind
        self.amount = amount
        self.least = least
        self.most = most

    def __str__(self) -> str:
        first = {SHARE: f"{self.amount}%", LINES: f"{self.amount}"}.get(self.kind, self.kind)
        bounds = f"{self.least}..{self.most}" if self.most else self.least
        return f"{first} {bounds}".rstrip()

    def floor(self, total: int, default: int) -> int:
        """The least lines of ``total``."""
        return _bound(self.least, total, default)

    def ceiling(self, total: int) -> int:
        """The most lines of ``total``."""
        return _bound(self.most, total, total)


class Slot:
    """A panel in a column, and its share of the column's lines."""

    __slots__ = ("height", "name")

    def __init__(self, name: str, height: Height | None = None) -> None:
        self.name = name
        self.height = height or Height()


class Cell:
    """A column of a row: one panel, or several above one another."""

    __slots__ = ("slots", "width")

    def __init__(self, slots: list[Slot], width: float = 1.0) -> None:
        self.slots = slots
        self.width = width


class Row:
    """Columns side by side."""

    __slots__ = ("cells", "height")

    def __init__(self, height: Height, cells: list[Cell]) -> None:
        self.height = height
        self.cells = cells


class When:
    """Rows for terminals of at least this size, on machines with at least so many GPUs."""

    __slots__ = ("columns", "gpus", "lines", "rows", "summary")

    def __init__(
        self, rows: list[Row], summary: Sequence[str] = (), columns: int = 0, lines: int = 0, gpus: int = 0
    ) -> None:
        self.rows = rows
        self.summary = list(summary)
        self.columns = columns
        self.lines = lines
        self.gpus = gpus

    def names(self) -> list[str]:
        """Its panels, those in the summary line last."""
        rows = [slot.name for row in self.rows for cell in row.cells for slot in cell.slots]
        return [*rows, *(name for name in self.summary if name not in rows)]


class Graph:
    """A panel that draws series; ``seconds``: how much of the past, 0: as much as there are columns for."""

    __slots__ = ("name", "seconds", "series", "title")

    def __init__(self, name: str, title: str, series: Sequence[str], seconds: int = 0) -> None:
        self.name = name
        self.title = title
        self.series = list(series)
        self.seconds = seconds


class Plan:
    """A whole layout. ``solved`` keeps what it came to lately: who changes a plan clears it."""

    __slots__ = ("graphs", "importance", "name", "options", "solved", "title", "whens")

    def __init__(
        self,
        name: str,
        title: str,
        importance: Sequence[str],
        whens: list[When],
        graphs: Sequence[Graph] = (),
        options: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        self.name = name
        self.title = title
        self.importance = list(importance)
        self.whens = whens
        self.graphs = {graph.name: graph for graph in graphs}
        self.options = {panel: dict(values) for panel, values in (options or {}).items()}
        self.solved: dict[tuple[int, int, int, bool, int, int], object] = {}

    def order(self) -> list[str]:
        """All panels that have a place somewhere, the most important first."""
        named = dict.fromkeys(name for when in self.whens for name in when.names())
        return [*(name for name in self.importance if name in named),
                *(name for name in named if name not in self.importance)]  # fmt: skip

    def fitting(self, width: int, height: int, gpus: int) -> When:
        """The rows for this terminal: the first that it is large enough for, or else the last."""
        for when in self.whens:
            if width >= when.columns and height >= when.lines and gpus >= when.gpus:
                return when
        return self.whens[-1]

    def option(self, panel: str, name: str) -> object:
        """What was chosen about a panel."""
        return self.options.get(panel, {}).get(name, OPTIONS[panel][name][0])

    def lengthy(self, panel: str) -> bool:
        """Whether a panel draws the past."""
        return panel in self.graphs or LENGTH in OPTIONS.get(panel, ())

    def length(self, panel: str) -> int:
        """Seconds of the past on a panel; 0: nothing was chosen."""
        graph = self.graphs.get(panel)
        if graph is not None:
            return graph.seconds
        chosen = self.options.get(panel)
        return int(str(chosen.get(LENGTH, 0))) if chosen else 0

    def lengthen(self, panel: str, seconds: int) -> None:
        """Give a panel that draws the past another length."""
        graph = self.graphs.get(panel)
        if graph is not None:
            graph.seconds = seconds
        elif seconds:
            self.options.setdefault(panel, {})[LENGTH] = seconds
        else:
            self.options.get(panel, {}).pop(LENGTH, None)

    @property
    def lengthened(self) -> bool:
        """Whether some panel has a length of its own."""
        return any(map(self.length, (*self.graphs, *self.options)))

    def columns(self) -> tuple[str, ...]:
        """Columns that were chosen for the processes; none: as many as fit."""
        chosen = self.options.get("processes", {}).get("columns", ())
        return tuple(chosen) if isinstance(chosen, list | tuple) else ()


def _bound(words: str, total: int, default: int) -> int:
    if not words:
        return default
    return total * int(words[:-1]) // 100 if words.endswith("%") else int(words)
