"""What flows: the streams of tokens that the recorder knows, each as it is now or was then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wftui.energy.stream import USUAL
from wftui.model import streams as cells
from wftui.tui.history import NAN
from wftui.tui.scene import keep
from wftui.tui.state import text_of

if TYPE_CHECKING:
    from wftui.model.table import Cell
    from wftui.tui.state import State

BASELINE_S: Final = 300
"""Seconds of its own past that a stream's rate is measured against."""
_READ: Final = ("energy", "rate", "certainty", "friction", "units", "tokens")
"""Fields of a stream that are readings, by the names of their series."""
_TOKENS: Final = _READ.index("tokens")
_FEW: Final = 10
"""Seconds with tokens below which that past says nothing."""


class Flow(NamedTuple):
    """One stream. NaN: not known."""

    key: str
    """``source|server|model``."""
    source: str
    server: str
    model: str
    state: str
    """One of ``wftui.energy.stream.STATES``; empty: not told."""
    baseline: float
    """{token}/s that the width of the ribbon is measured against."""
    own: bool
    """Whether that is its own mean of the last minutes; else what the profile expects."""
    first_token_s: float
    answers: float
    longest_gap_s: float
    told_by: str
    apart: float
    """Greatest disagreement with another stream, 0 to 1."""
    against: str
    """Key of that stream."""
    apart_by: str
    """``top_k`` or ``timing``."""
    counted: int
    """Where its count of tokens stands among the state's values; -1: nowhere."""
    # The readings, in the order of _READ.
    energy: float
    rate: float
    """{token}/s."""
    certainty: float
    friction: float
    units: float
    """EU, counter."""
    tokens: float
    """Counter."""

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.model or self.server or self.source

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        """Of its series: those that are not empty."""
        return _labels(self.source, self.server, self.model)

    @property
    def share(self) -> float:
        """Rate of the baseline; NaN: not known."""
        return self.rate / self.baseline


def _labels(source: str, server: str, model: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, value) for name, value in (("source", source), ("server", server), ("model", model)) if value
    )


def flows(state: State) -> tuple[Flow, ...]:
    """All streams by their keys."""
    return keep(state, "energy flows", (state.version, state.table_version), lambda: _flows(state))


def _flows(state: State) -> tuple[Flow, ...]:
    # In full motion values are others sixty times a second; what stands in the tables, and where values stand,
    # is looked up when that changes.
    known = keep(state, "streams", (state.second, state.table_version), lambda: _streams(state))
    values = state.values
    return tuple(
        Flow(*told, *[values[place] if place >= 0 else NAN for place in places]) for told, places in known
    )


def _streams(state: State) -> list[tuple[tuple[Any, ...], tuple[int, ...]]]:
    """Each stream: its fields up to the readings, and where those stand among the values; -1: nowhere."""
    rows = state.tables.get(cells.STREAMS.name, {})
    found = []
    for key in sorted(rows):
        row = rows[key]
        source, server, model = (_text(row[place]) for place in (cells.SOURCE, cells.SERVER, cells.MODEL))
        labels = _labels(source, server, model)
        baseline, own = _baseline(state, labels)
        places = tuple(state.places.get(text_of(f"ux.stream.{what}", *labels), -1) for what in _READ)
        told = (
            key, source, server, model, _text(row[cells.STATE]), baseline, own, _number(row[cells.FIRST_TOKEN]),
            _number(row[cells.ANSWERS]), _number(row[cells.LONGEST_GAP]), _text(row[cells.TOLD_BY]),
            _number(row[cells.APART]), _text(row[cells.AGAINST]), _text(row[cells.APART_BY]), places[_TOKENS],
        )  # fmt: skip
        found.append((told, places))
    return found


def _baseline(state: State, labels: tuple[tuple[str, str], ...]) -> tuple[float, bool]:
    """{token}/s, and whether it is the stream's own: the mean of the seconds in which tokens came."""
    text = text_of("ux.stream.rate", *labels)
    return keep(state, f"baseline of {text}", state.second, lambda: _mean(state, text))


def _mean(state: State, text: str) -> tuple[float, bool]:
    known = [value for value in state.seconds(text, BASELINE_S) if value > 0]
    if len(known) < _FEW:
        return USUAL.rate_max, False
    return sum(known) / len(known), True


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else ""


def _number(cell: Cell) -> float:
    return float(cell) if isinstance(cell, int | float) else NAN
