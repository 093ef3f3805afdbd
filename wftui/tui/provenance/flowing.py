"""The numbers of the page of streams, in the order in which it shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.model import streams as table
from wftui.model.sample import DERIVED, ESTIMATED
from wftui.tui.energy.flows import Flow, flows
from wftui.tui.provenance.model import Number, Subject, cell, of_series
from wftui.tui.state import text_of

if TYPE_CHECKING:
    from wftui.model.sample import Column
    from wftui.tui.scene import Scene

_SERIES: Final = (
    "energy",
    "rate",
    "certainty",
    "friction",
    "velocity",
    "units",
    "tokens",
    "stalls",
    "bursts",
    "open",
)
"""Of a stream, those first that are shown first."""
OF_STREAMS: Final = {
    table.STATE: (
        "state",
        "the stream's state machine",
        "idle, charging, flowing, stalling, saturated or drained",
    ),
    table.FIRST_TOKEN: ("first token", "token events", "From the prompt of the last answer to its first token"),
    table.GAP: ("median gap", "token events", "Median of the last 32 times between two tokens"),
    table.LONGEST_GAP: ("longest gap", "token events", "Longest time between two tokens in the last second"),
    table.ANSWERS: ("answers", "token events", "Answers that the stream has begun"),
    table.APART: ("apart", "", "Disagreement with the stream that it disagrees with most, 0 to 1"),
}
"""Cell of the table of streams to what it is called, what it is read from, and what it means."""
_CALLS: Final = {table.TOKENS: "token events", table.CORE: "the core's tokens", table.COUNTERS: "token counters"}
_APART: Final = {
    "top_k": "Jensen-Shannon divergence of the newest top K, in bits",
    "timing": "share of the variance of the gaps that lies between the two",
}
_ALL: Final = ("ux.ensemble.", "wftop.fidelity.", "wftop.view.motion")


def gather(scene: Scene, subject: Subject) -> list[Number]:
    """State first, then the series and cells of each stream, then those of all together and of what was seen."""
    known = {column.series.text: column for column in scene.state.columns}
    found: list[Number] = []
    for flow in flows(scene.state):
        found += _of_stream(scene, subject, flow, known)
    rest = [column for column in scene.state.columns if column.series.name.startswith(_ALL)]
    rest.sort(key=lambda column: next(at for at, start in enumerate(_ALL) if column.series.name.startswith(start)))
    return found + [of_series(scene, column, subject) for column in rest if not column.series.stat]


def _of_stream(scene: Scene, subject: Subject, flow: Flow, known: dict[str, Column]) -> list[Number]:
    series = [known.get(text_of(f"ux.stream.{name}", *flow.labels)) for name in _SERIES]
    told = [of_series(scene, column, subject) for column in series if column is not None]
    numbers = [_cell(scene, flow, table.STATE), *told]
    numbers += [_cell(scene, flow, place) for place in OF_STREAMS if place != table.STATE]
    return [number._replace(title=f"{flow.name}  {_titled(number)}") for number in numbers]


def _titled(number: Number) -> str:
    return number.title if number.id.startswith("streams.") else number.metric.removeprefix("ux.stream.")


def _cell(scene: Scene, flow: Flow, place: int) -> Number:
    column = table.STREAMS.columns[place]
    row = scene.state.tables.get(table.STREAMS.name, {})[flow.key]
    title, call, words = OF_STREAMS[place]
    quality, formula = DERIVED, ""
    if place == table.APART:
        against = flow.against.rpartition("|")[2]
        call = f"against {against}" if against else "no other stream to compare with"
        formula = _APART.get(flow.apart_by, "")
        quality = ESTIMATED if flow.apart_by == "timing" else DERIVED
    elif call == "token events":
        call = _CALLS.get(flow.told_by, call)
        quality = ESTIMATED if flow.told_by == table.COUNTERS else DERIVED
    told = (table.STREAMS.source, call, quality, words)
    number = cell(scene, table.STREAMS.name, title, column.name, column.unit, row[place], told)
    return number._replace(id=f"streams.{column.name} of {flow.key}", formula=formula, labels=flow.labels)
