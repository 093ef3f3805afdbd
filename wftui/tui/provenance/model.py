"""What there is to say about the numbers of a panel: gathered from the catalogue, the layout and the sources.

Plain data, no toolkit. A subject says whose numbers are meant; what they are is looked up anew for each frame, so
that the dialog goes on with the feed and with time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.collectors.nvml.fields import FAST, FIELDS, HOURLY, SECOND, SLOW
from wftui.model.health import OK
from wftui.model.processes import CREATED, PROCESSES
from wftui.names import COUNTER, EVENT_TYPES, METRICS
from wftui.tui.gpus import boxes
from wftui.tui.process.columns import BY_TITLE, COLUMNS, GPU_TITLES, columns_for, graphic, joined
from wftui.tui.provenance.cells import OF_HOLDERS, OF_PROCESSES
from wftui.tui.provenance.formulas import FORMULAS
from wftui.tui.timeline.figures import short_name, unit_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wftui.model.event import Event
    from wftui.model.sample import Column
    from wftui.model.series import Series
    from wftui.model.table import Cell
    from wftui.tui.provenance.cursor import AtCursor
    from wftui.tui.scene import Scene
    from wftui.tui.state import State

NAN: Final = float("nan")
PANEL: Final = "panel"
PROCESS: Final = "process"
GPU: Final = "gpu"
SOURCE: Final = "source"
SERIES: Final = "series"
SERVER: Final = "server"
"""A model server: its ``Subject.series``; its ``Subject.name`` is the endpoint, ``|`` and the model meant."""
EVENT: Final = "event"
STREAMS: Final = "streams"
"""The page of streams of screen 9."""

OF_PANELS: Final = {
    "cpu": ("system.cpu.utilization", "system.cpu.load_average.", "system.cpu.frequency", "system.cpu.",
            "container.cpu.", "system.uptime"),
    "memory": ("system.memory.", "system.paging.", "container.memory."),
    "disks": ("system.disk.", "system.filesystem."),
    "network": ("system.network.",),
    "pressure": ("system.pressure.utilization", "hw.temperature", "hw.fan", "system.pressure."),
    "gpus": ("hw.gpu.utilization", "hw.gpu.memory.", "hw.gpu.power", "hw.gpu.temperature", "hw.gpu."),
    "models": ("inference.tokens.rate", "inference.requests", "gen_ai.server.time_to_first_token",
               "inference.kv_cache.", "inference.", "gen_ai."),
    "alerts": ("wftop.alerts.", "wftop.rules."),
    "energy": ("hw.gpu.power", "hw.power", "hw.gpu.energy", "hw.energy"),
    "sources": ("wftop.source.", "wftop."),
    "ux": ("ux.frame.", "ux.frames.", "ux.stage.", "wftop.fidelity.", "wftop.view.motion", "ux.stream.",
           "ux.ensemble.", "ux.progression.", "ux.core.", "ux."),
    "events": ("wftop.event.",),
}  # fmt: skip
"""Panel to the beginnings of the metrics that it shows, those shown first before the others."""
_EVERY: Final = {FAST: "0.1 to 1 s", SECOND: "1 s", SLOW: "10 s", HOURLY: "1 h"}


class Subject(NamedTuple):
    """Whose numbers are meant."""

    kind: str
    name: str
    """A panel, the key of a process, the UUID of a GPU, a source, the id of an event."""
    title: str
    first: str = ""
    """What the cursor begins at: a column of the process list, a series."""
    series: tuple[str, ...] = ()
    """Of a graph or of the timeline: exactly these."""
    then: AtCursor | None = None
    """The timeline's cursor, where it is not at now; None: the moment of the screen."""


class Number(NamedTuple):
    """One number, and all that is known of where it comes from."""

    id: str
    """Canonical text of its series, ``table.column`` of a cell, the counter of an event's type."""
    title: str
    metric: str
    """Its name without labels."""
    value: float | str
    unit: str
    """Of the value: counters are shown as rates."""
    kind: str
    quality: str
    source: str
    call: str
    help: str
    labels: tuple[tuple[str, str], ...] = ()
    taken_ns: int | None = None
    """When it was read (UTC); None: not known."""
    every: str = ""
    """How often, where that is another rhythm than that of its source."""
    raw: float = NAN
    """Of a counter: what it stands at."""
    raw_unit: str = ""
    then: AtCursor | None = None
    """Of the timeline's cursor: ``value`` is the mean over its column, ``spread`` lowest and highest."""
    spread: tuple[float, float] = (NAN, NAN)
    formula: str = ""
    """How it is made of others, where that has to be known to read it."""

    @property
    def name(self) -> str:
        """What names it in an export or a query: canonical text of the series, or the column of the table."""
        return self.id if self.id.startswith(self.metric) else self.metric.partition(" ")[0]


class Origins:
    """The open dialog: whose numbers, and which of them."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.chosen = subject.first
        """``Number.id`` under the cursor; empty: the first."""
        self.top = 0
        self.page = 1
        """Lines of the list, as last drawn."""
        self.about = 0
        """Lines about one number, the most that were drawn."""

    def numbers(self, scene: Scene) -> list[Number]:
        """The numbers of this moment, in order."""
        return gather(scene, self.subject)

    def place(self, found: Sequence[Number]) -> int:
        """The cursor's line."""
        return next((at for at, number in enumerate(found) if number.id == self.chosen), 0)

    def move(self, found: Sequence[Number], step: int, *, edge: bool = False) -> None:
        """The cursor by lines, or to the first or last."""
        last = len(found) - 1
        if last < 0:
            return
        at = (0 if step < 0 else last) if edge else min(last, max(0, self.place(found) + step))
        self.chosen = found[at].id

    def choose(self, scene: Scene, place: int) -> None:
        """The cursor to a line."""
        found = self.numbers(scene)
        if place < len(found):
            self.chosen = found[place].id

    def number(self, scene: Scene) -> Number | None:
        """The number under the cursor; None: there is none."""
        found = self.numbers(scene)
        return found[self.place(found)] if found else None

    def window(self, found: Sequence[Number], room: int) -> tuple[int, int]:
        """First line shown and the cursor's line."""
        self.page = max(1, room)
        at = self.place(found)
        top = min(self.top, max(0, len(found) - room))
        self.top = max(0, min(top, at) if at < top else max(top, at - room + 1))
        return self.top, at


def gather(scene: Scene, subject: Subject) -> list[Number]:
    """All numbers of a subject; empty when nothing tells any."""
    state = scene.state
    if subject.kind == PROCESS:
        return _of_process(scene, subject)
    if subject.kind == EVENT:
        return [_of_event(event) for event in state.events if event.event_id == subject.name]
    if subject.kind == STREAMS:
        from wftui.tui.provenance import flowing  # here: only the page of streams needs it

        return flowing.gather(scene, subject)
    if subject.kind == PANEL and subject.name == "processes":
        rows = state.processes()
        busiest = max(rows, key=lambda key: _cpu(rows[key]), default="")
        found = _of_process(scene, subject._replace(name=busiest)) if busiest else []
        return found + [of_series(scene, column, subject) for column in _under(state, ("system.process.",))]
    if subject.then is not None:
        return _of_then(scene, subject, subject.then)
    return [of_series(scene, column, subject) for column in columns_of(state, subject)]


def columns_of(state: State, subject: Subject) -> list[Column]:
    """The series of a subject, in the order in which they are listed."""
    if subject.series:
        known = {column.series.text: column for column in state.columns}
        return [known[text] for text in subject.series if text in known]
    if subject.kind == GPU:
        found = [column for column in state.columns if column.series.label("gpu") == subject.name]
        return _ordered(found, OF_PANELS["gpus"])
    if subject.kind == SOURCE:
        own = [column for column in state.columns if column.series.label("source") == subject.name]
        return [*own, *(column for column in state.columns if column.source == subject.name and column not in own)]
    return _under(state, OF_PANELS.get(subject.name, (subject.name,)))


def _under(state: State, prefixes: Sequence[str]) -> list[Column]:
    return _ordered(
        [column for column in state.columns if column.series.name.startswith(tuple(prefixes))], prefixes
    )


def _ordered(found: Iterable[Column], prefixes: Sequence[str]) -> list[Column]:
    """By the first beginning that fits, in the layout's order; what is kept beside a series comes last."""

    def rank(column: Column) -> tuple[bool, int]:
        name = column.series.name
        return bool(column.series.stat), next(
            (at for at, each in enumerate(prefixes) if name.startswith(each)), 99
        )

    return sorted(found, key=rank)


# ---- one number


def title_of(state: State, item: Series, subject: Subject) -> str:
    """The series in short; a GPU by its number of now, and not at all where only one is meant."""
    uuid = item.label("gpu")
    words = short_name(item)
    if subject.kind == SERVER:
        # What all of them have in common is in the title of the dialog.
        for common in subject.name.split("|"):
            words = words.replace(common, "") if common else words
        return " ".join(words.split())
    if not uuid:
        return words
    number = (
        "" if subject.kind == GPU else next((gpu.title for gpu in boxes(state) if gpu.uuid == uuid), uuid[-6:])
    )
    return " ".join(words.replace(uuid, number).split())


@lru_cache(maxsize=512)
def _driver_call(metric: str, labels: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    """NVML's name of what is asked, and how often; empty: it is no number of the driver."""
    told = {pair for pair in labels if pair[0] not in ("gpu", "stat")}
    for field in FIELDS.values():
        if field.metric == metric and set(field.labels) == told and field.call:
            return field.call, _EVERY.get(field.cadence, "")
    return "", ""


def _call(column: Column) -> tuple[str, str]:
    """What is called for a series, and how often where that is not the rhythm of its source."""
    if column.source != "gpu":
        return column.call, ""
    asked, every = _driver_call(column.series.name, column.series.labels)
    return f"{asked}, by the {column.call.removeprefix('the ')}" if asked else column.call, every


def _of_then(scene: Scene, subject: Subject, then: AtCursor) -> list[Number]:
    """The series of the timeline at its cursor."""
    found = []
    for text in subject.series:
        column = then.column(text)
        if column is None:
            continue
        low, mean, high = then.values(text)
        metric = METRICS.get(column.series.name)
        found.append(Number(
            text, title_of(scene.state, column.series, subject), column.series.name, mean, unit_of(column),
            column.kind, column.quality, column.source, _call(column)[0],
            metric.help if metric is not None else "", column.series.labels, then.begin_ns, then=then,
            spread=(low, high), formula=FORMULAS.get(column.series.name, ""),
        ))  # fmt: skip
    return found


def of_series(scene: Scene, column: Column, subject: Subject) -> Number:
    """A series as it is at the moment of the screen."""
    state, item = scene.state, column.series
    metric = METRICS.get(item.name)
    call, every = _call(column)
    counter = column.kind == COUNTER
    place = state.places.get(item.text)
    raw = state.values[place] if counter and place is not None and place < len(state.values) else NAN
    return Number(
        item.text, title_of(state, item, subject), item.name, state.newest(item.text, counter=counter),
        unit_of(column), column.kind,
        column.quality, column.source, call, metric.help if metric is not None else "", item.labels,
        _taken(scene, column.source), every, raw, column.unit, formula=FORMULAS.get(item.name, ""),
    )  # fmt: skip


def _taken(scene: Scene, source: str) -> int | None:
    """When the value on the screen was read: at the end of its second, less the rhythm of its source.

    A source's own word comes every few seconds; one that was well then has kept its rhythm since.
    """
    state = scene.state
    end_ns = (state.tick.time_s + 1) * 1_000_000_000 if state.tick is not None else None
    health = state.source(source) if scene.replay is None else None
    if health is None or health.last_ns is None:
        return end_ns
    if end_ns is None or health.state != OK or not health.interval_s:
        return health.last_ns
    return max(health.last_ns, end_ns - round(health.interval_s * 1e9))


def _of_process(scene: Scene, subject: Subject) -> list[Number]:
    """Every cell of a row, the sorted column first, then those that are shown, then the others."""
    state = scene.state
    row = joined(state).get(subject.name)
    if row is None:
        return []
    gpus = graphic(state)
    shown = [column.title for column, _ in columns_for(1000, gpus=gpus)]
    titled = {column.place: column.title for column in COLUMNS if column.title not in GPU_TITLES}
    order = [BY_TITLE[subject.first]] if subject.first in shown else []
    order += [BY_TITLE[title] for title in shown if title != subject.first]
    found = []
    for column in order:
        if column.title in GPU_TITLES:
            name, call, quality, words = OF_HOLDERS[column.title]
            value = row[column.place] if column.place < len(row) else None
            unit = "1" if column.title == GPU_TITLES[0] else "By"
            found.append(
                cell(scene, "gpu_processes", column.title, name, unit, value, ("gpu", call, quality, words))
            )
        else:
            found.append(_process_cell(scene, row, column.place, column.title))
    places = (place for place in range(len(PROCESSES.columns)) if place not in titled)
    return found + [_process_cell(scene, row, place, "") for place in places]


def _process_cell(scene: Scene, row: Sequence[Cell], place: int, title: str) -> Number:
    column = PROCESSES.columns[place]
    call, quality, words = OF_PROCESSES[column.name]
    value = row[place]
    unit = column.unit
    if place == CREATED and isinstance(value, int | float):
        value, unit = (scene.now.time_ns - value) / 1e9, "s"
    told = (PROCESSES.source, call, quality, words)
    return cell(
        scene,
        PROCESSES.name,
        title or column.name.rpartition(".")[2].replace("_", " "),
        column.name,
        unit,
        value,
        told,
    )


def cell(
    scene: Scene, table: str, title: str, name: str, unit: str, value: Cell, told: tuple[str, str, str, str]
) -> Number:  # fmt: skip
    """A cell of a table; ``told``: source, call, quality, meaning."""
    source, call, quality, words = told
    shown = value if isinstance(value, str) else NAN if value is None else float(value)
    kind = "text" if isinstance(value, str) else "gauge"
    at = scene.state.table_times.get(table)
    return Number(
        f"{table}.{name}",
        title,
        f"{name} in table {table}",
        shown,
        unit,
        kind,
        quality,
        source,
        call,
        words,
        (),
        at,
    )


def _of_event(event: Event) -> Number:
    known = EVENT_TYPES.get(event.type)
    about = f"{event.aggregate_type} {event.aggregate_id}".strip()
    name = known.counter if known is not None else event.type
    return Number(
        name, event.type, name, about, "", "event", "", "events",
        f"number {event.seq} of this recording's events", known.help if known is not None else "",
        (), event.time_ns,
    )  # fmt: skip


def _cpu(row: Sequence[Cell]) -> float:
    value = row[BY_TITLE["cpu"].place]
    return float(value) if isinstance(value, int | float) else 0.0
