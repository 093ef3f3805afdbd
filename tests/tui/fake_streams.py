"""A machine with streams of tokens, as messages of the wire: three models, two of which disagree."""

from __future__ import annotations

from collections.abc import Hashable

from tests.tui.fake import NOW_S, Fed, column_of
from wftui.model import streams as cells
from wftui.model.sample import Column
from wftui.model.table import Row, TableChange
from wftui.tui.state import State
from wftui.wire import messages as wire

NAN = float("nan")
KEYS = ("app||llama3:8b", "app||qwen3:32b", "|ollama:11434|gemma3:27b")
RATES = (24.0, 8.0, 40.0)
ENERGY = (0.91, 0.42, 0.77)
CERTAINTY = (0.93, 0.21, NAN)
STATES = ("flowing", "stalling", "saturated")


def row(number: int, **changed: object) -> Row:
    """Its line in the table."""
    source, server, model = KEYS[number].split("|")
    apart = (0.62, KEYS[1 - number], "top_k") if number < 2 else (0.31, KEYS[0], "timing")
    values: list[object] = [None] * len(cells.STREAMS.columns)
    values[cells.SOURCE], values[cells.SERVER], values[cells.MODEL] = source, server, model
    values[cells.STATE], values[cells.SINCE] = STATES[number], NOW_S * 10**9
    values[cells.TOLD_BY] = cells.TOKENS if number < 2 else cells.COUNTERS
    values[cells.WEIGHT], values[cells.ANSWERS] = "plain", 3
    values[cells.FIRST_TOKEN] = (0.21, 1.9, 0.6)[number]
    values[cells.APART], values[cells.AGAINST], values[cells.APART_BY] = apart
    for name, value in changed.items():
        values[getattr(cells, name)] = value
    return tuple(values)  # type: ignore[arg-type]  # as the cells are


class Streaming(Fed):
    """It."""

    streams = 3
    ended = -1
    """Number of a stream that ended."""

    def series(self, second: int) -> list[tuple[Column, float]]:
        found = super().series(second)
        for number in range(self.streams):
            names = zip(("source", "server", "model"), KEYS[number].split("|"), strict=True)
            labels = {name: value for name, value in names if value}
            rate = 0.0 if number == self.ended else RATES[number]
            tokens = RATES[number] * second % 1e6
            figures = (
                ("energy", ENERGY[number]), ("rate", rate), ("certainty", CERTAINTY[number]),
                ("friction", 0.3 if number == 1 else 1.0), ("tokens", tokens), ("units", tokens * ENERGY[number]),
            )  # fmt: skip
            found += [
                (column_of("energy", f"ux.stream.{name}", labels), value)
                for name, value in figures
                if value == value
            ]
        found.append((column_of("energy", "ux.ensemble.energy"), 0.7))
        found.append((column_of("energy", "ux.ensemble.disagreement", {"mode": "top_k"}), 0.62))
        return found

    @property
    def made_of(self) -> tuple[Hashable, ...]:
        return (*super().made_of, self.streams, self.ended)

    def table(self) -> None:
        """Tell the table."""
        rows = {KEYS[number]: row(number) for number in range(self.streams)}
        change = TableChange(cells.STREAMS.name, NOW_S * 10**9, keyframe=True, rows=rows)
        self.state.on(wire.TableArrived(change, cells.STREAMS))


def streaming() -> State:
    """The state of its view."""
    fed = Streaming()
    fed.run().furnish()
    fed.table()
    return fed.state
