"""Which stretch of time the timeline shows, and where its cursor is.

Columns lie on multiples of their own length since 1970, so a window that moves goes by whole columns and shows
the same numbers in them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

_NS: Final = 1_000_000_000
SPANS: Final = (
    ("1 min", 60), ("5 min", 300), ("15 min", 900), ("1 h", 3600), ("3 h", 10_800), ("6 h", 21_600),
    ("12 h", 43_200), ("24 h", 86_400), ("3 d", 3 * 86_400), ("7 d", 7 * 86_400), ("30 d", 30 * 86_400),
    ("90 d", 90 * 86_400), ("400 d", 400 * 86_400),
)  # fmt: skip
"""What the window can be long: how it is said, and seconds."""
_LONGEST_FIRST_VIEW_S: Final = 3600


class Grid(NamedTuple):
    """The columns of a window."""

    start_ns: int
    column_ns: int
    columns: int

    @property
    def end_ns(self) -> int:
        """Where the last column ends."""
        return self.start_ns + self.columns * self.column_ns

    def column(self, time_ns: int) -> int:
        """The column of a moment; below 0 or beyond the last one outside the window."""
        return (time_ns - self.start_ns) // self.column_ns

    def begin(self, column: int) -> int:
        """Where a column begins."""
        return self.start_ns + column * self.column_ns

    @property
    def step_s(self) -> int:
        """Whole seconds of one bucket to ask for: half a column, two points a column, and no less than a tick.

        Long steps are multiples of the stored levels (10 s, 5 min): a bucket then holds as many steps as the next.
        """
        step = max(1, -(-self.column_ns // (2 * _NS)))
        for level in (300, 10):
            if step >= 3 * level:
                return -(-step // level) * level
        return step


class Window:
    """Length, end and cursor. ``None`` for end or cursor: now, and on with it."""

    def __init__(self) -> None:
        self.place = 3
        self.end_ns: int | None = None
        self.cursor_ns: int | None = None
        self.first_ns: int | None = None
        """Where the recording begins, when known."""
        self._zoomed = False
        """Whether the length was chosen."""

    @property
    def span_s(self) -> int:
        """Seconds shown."""
        return SPANS[self.place][1]

    @property
    def span(self) -> str:
        """The same in words."""
        return SPANS[self.place][0]

    @property
    def live(self) -> bool:
        """Whether the window ends at now."""
        return self.end_ns is None

    def fit(self, now_ns: int) -> None:
        """The shortest length that holds the whole recording, an hour at most: what a first look should show."""
        if self.first_ns is None or self._zoomed:
            return
        recorded_s = (now_ns - self.first_ns) / _NS
        for place, (_, seconds) in enumerate(SPANS):
            if seconds >= min(recorded_s, _LONGEST_FIRST_VIEW_S):
                self.place = place
                return

    def grid(self, now_ns: int, columns: int) -> Grid:
        """The columns of this moment."""
        columns = max(1, columns)
        length = self.span_s * _NS // columns
        edge = now_ns // length + 1
        if self.end_ns is not None:
            edge = min(edge, -(-self.end_ns // length))
        return Grid((edge - columns) * length, length, columns)

    def cursor(self, grid: Grid) -> int:
        """The cursor's column."""
        if self.cursor_ns is None:
            return grid.columns - 1
        return min(grid.columns - 1, max(0, grid.column(self.cursor_ns)))

    def move(self, steps: int, now_ns: int, columns: int) -> None:
        """Cursor by columns; beyond an edge the window goes along, to now and to the recording's begin."""
        grid = self.grid(now_ns, columns)
        self._put(grid, grid.begin(self.cursor(grid) + steps) + grid.column_ns // 2, now_ns)

    def go(self, time_ns: int, now_ns: int, columns: int) -> None:
        """Cursor to a moment; the window goes there when it is elsewhere."""
        grid = self.grid(now_ns, columns)
        if not 0 <= grid.column(time_ns) < grid.columns:
            self._end_at(time_ns + self.span_s * _NS // 2, now_ns)
            grid = self.grid(now_ns, columns)
        self._put(grid, time_ns, now_ns)

    def begin(self, now_ns: int, columns: int) -> None:
        """Cursor to where the recording begins."""
        if self.first_ns is not None:
            self.go(self.first_ns, now_ns, columns)

    def now(self) -> None:
        """Cursor and window to now."""
        self.end_ns = None
        self.cursor_ns = None

    def zoom(self, step: int, now_ns: int, columns: int) -> bool:
        """Another length around the cursor; False at either end of the scale."""
        place = self.place + step
        if not 0 <= place < len(SPANS):
            return False
        grid = self.grid(now_ns, columns)
        at = self.cursor(grid)
        self.place = place
        self._zoomed = True
        if self.cursor_ns is not None:
            length = self.span_s * _NS // grid.columns
            self._end_at((self.cursor_ns // length - at + grid.columns) * length, now_ns)
        return True

    def _put(self, grid: Grid, time_ns: int, now_ns: int) -> None:
        if self.first_ns is not None:
            time_ns = max(time_ns, min(self.first_ns, now_ns))
        column = grid.column(time_ns)
        last = now_ns // grid.column_ns * grid.column_ns
        if time_ns >= last:
            self.now()
            return
        if column < 0:
            self._end_at(grid.end_ns + column * grid.column_ns, now_ns)
        elif column >= grid.columns:
            self._end_at(grid.end_ns + (column - grid.columns + 1) * grid.column_ns, now_ns)
        self.cursor_ns = time_ns

    def _end_at(self, end_ns: int, now_ns: int) -> None:
        self.end_ns = None if end_ns >= now_ns else end_ns
