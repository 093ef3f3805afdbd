"""What a filter leaves of a table, without asking again of rows that it was asked of last time.

From one scan to the next most rows are the very same tuples. Only the newest filter's answers are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.tui.process import filter as filters

if TYPE_CHECKING:
    from wftui.model.table import Row


class _Last:
    """Answers of one filter."""

    wanted = ""
    said: Final[dict[str, tuple[Row, bool]]] = {}
    """Key to the row that was asked of, and whether it is wanted."""


def matching(rows: dict[str, Row], wanted: str, at_ns: int) -> list[str]:
    """Keys of what a filter wants, in the order of ``rows``; ``at_ns``: when the table was made."""
    holds = filters.parse(wanted)
    if holds.timed:
        return [key for key, row in rows.items() if holds(row, at_ns)]
    said = _Last.said
    if _Last.wanted != wanted:
        _Last.wanted = wanted
        said.clear()
    found = []
    for key, row in rows.items():
        known = said.get(key)
        if known is None or known[0] is not row:
            said[key] = known = (row, holds(row, at_ns))
        if known[1]:
            found.append(key)
    # Those that ended are let go now and then.
    if len(said) > 2 * len(rows) + 64:
        for key in [key for key in said if key not in rows]:
            del said[key]
    return found
