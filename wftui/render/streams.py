"""Streams of tokens at one moment, as lines of a calm text report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.energy import stream
from wftui.model import streams as cells
from wftui.render import text
from wftui.text import clean, fit

if TYPE_CHECKING:
    from wftui.model.table import Row
    from wftui.render.report import State

_NAME: Final = 14
"""Columns."""


def lines(state: State) -> list[str]:
    """A line a stream, and one for all of them; empty: none is known."""
    _, rows = state.tables.get(cells.STREAMS.name, (cells.STREAMS, {}))
    found = [_line(state, rows[key]) for key in sorted(rows)]
    together = [
        (state.value("ux.ensemble.energy"), "E of those under way"),
        (state.value("ux.ensemble.disagreement", mode="top_k"), "disagreement"),
        (state.value("ux.ensemble.disagreement", mode="timing"), "disagreement by timing, estimated"),
    ]
    known = [f"{words} {value:.2f}" for value, words in together if value is not None]
    return [*found, f"{fit('together', _NAME)} {', '.join(known)}"] if found and known else found


def _line(state: State, row: Row) -> str:
    labels = {
        key: str(row[place])
        for key, place in (("source", cells.SOURCE), ("server", cells.SERVER), ("model", cells.MODEL))
        if row[place]
    }
    who = labels.get("source") or labels.get("server", "")
    name = clean(labels.get("model", "") or who)
    said = [str(row[cells.STATE] or "state not told")]
    if row[cells.STATE] not in (stream.IDLE, stream.DRAINED):
        said.append(f"E {_places(state.value('ux.stream.energy', **labels), 2)}")
        said.append(f"{_places(state.value('ux.stream.rate', **labels), 1)} tok/s")
        sure = state.value("ux.stream.certainty", **labels)
        if sure is not None:
            said.append(f"{text.percent(sure).strip()} sure")
    units, tokens = (state.value(f"ux.stream.{what}", **labels) for what in ("units", "tokens"))
    said.append(f"{_amount(units)} EU, {_amount(tokens)} tokens")
    if row[cells.TOLD_BY] == cells.COUNTERS:
        said.append("estimated from the server's counters")
    return f"{fit(name, _NAME)} {', '.join(said)}{f' ({clean(who)})' if who != name else ''}"


def _places(value: float | None, places: int) -> str:
    return text.UNKNOWN if value is None else f"{value:.{places}f}"


def _amount(value: float | None) -> str:
    return _places(value, 1) if value is None or 0 < value < 100 else f"{value:,.0f}"
