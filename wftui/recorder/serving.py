"""Joins that no single source can make: a model server, its processes, its GPUs, its energy and its claims."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from wftui.clock import NS_PER_S, Instant
from wftui.model import servers as cells
from wftui.model.gpus import GPU_PROCESSES, GPUS, P_ENERGY, P_PID
from wftui.model.processes import PROCESSES
from wftui.model.sample import APPORTIONED, Column, Sample, Scrape, column
from wftui.model.series import Series
from wftui.model.table import Row, TableSnapshot
from wftui.recorder.emitter import Emit
from wftui.windows.serving import Claim, GpuUse, gpu_use, members, per_token, verdict

WINDOW_NS: Final = 10 * NS_PER_S
COVERED: Final = 0.9
"""Less of the time covered by readings of the cards' energy, and no figure is made of it."""
QUIET_NS: Final = 30 * NS_PER_S
"""So long without a preemption, or without a waiting request, and the next is another occurrence."""
WAITING_NS: Final = 10 * NS_PER_S
"""Requests wait at a busy server now and then; for so long without a break they queue up."""
_MOST: Final = 8192
"""Series that are remembered."""
_TOKENS_NS: Final = 60 * NS_PER_S
_READ: Final = frozenset(
    {
        ("inference.tokens", "generation"),
        ("inference.requests", "running"),
        ("inference.requests", "waiting"),
        ("inference.preemptions", ""),
        ("inference.kv_cache.utilization", ""),
        ("inference.server.memory", "resident"),
        ("inference.server.memory", "swapped"),
    }
)
"""(metric, mode) that is looked at here."""
_METRICS: Final = frozenset(metric for metric, _ in _READ)


class _Place(NamedTuple):
    """What a series is to us."""

    server: str
    metric: str
    mode: str
    model: str


_NEW: Final = _Place("", "", "", "")
"""Of a series that was not seen before."""


class _Held(NamedTuple):
    """What a server's processes have of GPUs."""

    use: GpuUse
    energy: Mapping[str, float]
    """Row of ``gpu_processes`` to its joules."""


_NOTHING: Final = _Held(GpuUse((), None, None, None), {})


class _Server:
    """What is remembered of one."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.values: dict[tuple[str, str], dict[str, float]] = {}
        """(metric, mode) to model to its newest value."""
        self.tokens: deque[tuple[int, float]] = deque()
        """(ns, generated tokens of all models)."""
        self.energy: deque[tuple[int, float]] = deque()
        """(ns, joules since it was first seen)."""
        self.joules: float | None = None
        self.by_process: Mapping[str, float] = {}
        """Row of ``gpu_processes`` to the joules that it said last."""
        self.verdict = ""
        self.preempted_ns = 0
        self.waiting_since_ns = 0
        self.waited_ns = 0
        self.queueing = False

    def total(self, metric: str, mode: str = "") -> float | None:
        """Sum over its models; None: not told."""
        found = self.values.get((metric, mode))
        return sum(found.values()) if found else None

    def count(self, at_ns: int) -> None:
        """Remember how many tokens it has made until then."""
        generated = self.total("inference.tokens", "generation")
        if generated is not None and (not self.tokens or self.tokens[-1][0] < at_ns):
            self.tokens.append((at_ns, generated))
            while self.tokens[0][0] < at_ns - _TOKENS_NS:
                self.tokens.popleft()

    def made(self, now_ns: int) -> float | None:
        """Tokens of the last ten seconds; None: not watched for so long."""
        old = next(((at, value) for at, value in self.tokens if at >= now_ns - WINDOW_NS), None)
        if not self.tokens or old is None or self.tokens[0][0] > now_ns - WINDOW_NS + NS_PER_S:
            return None
        return self.tokens[-1][1] - old[1]


class Serving:
    """One of these belongs to the recorder; without servers it costs nothing."""

    def __init__(self, tables: Callable[[str], Mapping[str, Row]], emit: Emit) -> None:
        """``tables``: name to rows as they are now, none where there is no such table."""
        self._tables = tables
        self._emit = emit
        self._servers: dict[str, _Server] = {}
        self._rows: Mapping[str, Row] = {}
        self._models: Mapping[str, Row] = {}
        self._coverage: dict[str, float] = {}
        self._uses: dict[str, _Held] = {}
        """By endpoint, until a table is scanned."""
        self._places: dict[str, _Place | None] = {}
        """By a series' text; None: none of ours."""
        self._columns: dict[tuple[str, str, str], Column] = {}

    def joined(self, snapshot: TableSnapshot) -> TableSnapshot:
        """A table of the source ``servers`` with what is known of GPUs and verdicts put in; others as they are."""
        if snapshot.schema in (PROCESSES, GPU_PROCESSES):
            self._uses.clear()
        if snapshot.schema is cells.MODELS:
            self._models = snapshot.rows
        if snapshot.schema is not cells.SERVERS:
            return snapshot
        self._rows = snapshot.rows
        self._uses.clear()
        for name in self._servers.keys() - snapshot.rows.keys():
            del self._servers[name]
        rows = {}
        for name, row in snapshot.rows.items():
            use = self._use(row).use
            word, evidence = self._verdict(name, use)
            changed = list(row)
            changed[cells.GPUS], changed[cells.VERDICT], changed[cells.EVIDENCE] = (
                ",".join(use.gpus),
                word,
                evidence,
            )
            rows[name] = tuple(changed)
        return TableSnapshot(snapshot.schema, snapshot.time_ns, rows, snapshot.part)

    def scraped(self, source: str, scrape: Scrape, at: Instant) -> None:
        """Take in what a source brought; most are none of ours."""
        if source == cells.SOURCE:
            for reading in scrape.readings:
                self._read(reading.samples, reading.at)
            if scrape.samples:
                self._read(scrape.samples, at)
        elif source == GPUS.source and self._rows:
            for reading in scrape.readings:
                for sample in reading.samples:
                    item = sample.column.series
                    if item.name == "hw.gpu.energy.coverage":
                        self._coverage[dict(item.labels)["gpu"]] = sample.value

    def _read(self, samples: Sequence[Sample], at: Instant) -> None:
        touched: set[str] = set()
        for sample in samples:
            item = sample.column.series
            if item.name not in _METRICS:
                continue  # most; their names are the same text for all servers
            place = self._places.get(item.text, _NEW)
            if place is _NEW:
                if len(self._places) >= _MOST:
                    self._places.clear()  # names that come and go for ever
                place = self._places[item.text] = _place(item)
            if place is None:
                continue
            server = self._servers.setdefault(place.server, _Server(place.server))
            found = server.values.setdefault((place.metric, place.mode), {})
            before = found.get(place.model)
            found[place.model] = sample.value
            touched.add(place.server)
            if place.metric == "inference.preemptions" and before is not None and sample.value > before:
                self._preempted(server, place.model, sample.value - before, at)
        for name in touched:
            self._servers[name].count(at.boottime_ns)

    def second(self, at: Instant) -> list[Sample]:
        """What is told of all servers at the end of a second."""
        told: list[Sample] = []
        for name, row in self._rows.items():
            if row[cells.PARENT]:
                continue  # counted with the server that it is a part of
            server = self._servers.setdefault(name, _Server(name))
            held = self._use(row)
            self._queue(server, at)
            if held.use.gpus and held.use.memory is not None:
                told.append(Sample(self._column("inference.server.memory", name, "vram"), held.use.memory))
            told += self._energy(server, held, at)
        return told

    def _pids(self, row: Row) -> list[int]:
        """Of a server and of those that are a part of it."""
        parts = [item for item in self._rows.values() if item[cells.PARENT] == row[cells.ENDPOINT]]
        return [pid for item in (row, *parts) if isinstance(pid := item[cells.PID], int)]

    def _use(self, row: Row) -> _Held:
        """What a server's processes have of GPUs; looked up again when one of the tables was scanned."""
        name = str(row[cells.ENDPOINT])
        found = self._uses.get(name)
        if found is None:
            pids, held = self._pids(row), self._tables(GPU_PROCESSES.name)
            if pids and held:
                whole = members(pids, self._tables(PROCESSES.name).values())
                found = _Held(gpu_use(whole, held.values()), energy_of(whole, held))
            else:
                found = _NOTHING
            self._uses[name] = found
        return found

    def _verdict(self, name: str, use: GpuUse) -> tuple[str, str]:
        server = self._servers.get(name)
        if server is None:
            return "", ""
        models = [row for row in self._models.values() if row[cells.M_SERVER] == name]
        claim = Claim(
            _sum(models, cells.M_VRAM),
            _sum(models, cells.M_RAM),
            server.total("inference.requests", "running"),
            server.made(server.tokens[-1][0]) if server.tokens else None,
            server.total("inference.server.memory", "resident"),
            server.total("inference.server.memory", "swapped"),
        )
        word, evidence = verdict(claim, use, bool(self._tables(GPUS.name)))
        if word != server.verdict:
            server.verdict = word
            if word:
                payload = {"verdict": word, "evidence": evidence}
                self._emit("model.verdict", ("server", name), payload)
        return word, evidence

    def _energy(self, server: _Server, held: _Held, at: Instant) -> list[Sample]:
        if held.use.energy is None:
            return []
        # Processes come and go: only what those that are there have used more than before is added.
        now = held.energy
        grown = sum(max(0.0, value - server.by_process.get(key, value)) for key, value in now.items())
        first = server.joules is None
        server.by_process = now
        server.joules = (server.joules or 0.0) + grown
        if first or grown > 0:
            server.energy.append((at.boottime_ns, server.joules))
            while len(server.energy) > 2 and server.energy[1][0] <= at.boottime_ns - WINDOW_NS:
                server.energy.popleft()
        name = server.endpoint
        told = [Sample(self._column("inference.energy", name), server.joules)]
        poor = any(self._coverage.get(gpu, 1.0) < COVERED for gpu in held.use.gpus)
        each = None if poor else per_token(tuple(server.energy), tuple(server.tokens))
        if each is not None:
            told.append(Sample(self._column("inference.energy.per_token", name), each))
        return told

    def _preempted(self, server: _Server, model: str, count: float, at: Instant) -> None:
        if at.boottime_ns - server.preempted_ns > QUIET_NS or not server.preempted_ns:
            payload = {
                "model": model,
                "count": int(count),
                "kv_cache": server.total("inference.kv_cache.utilization"),
                "running": server.total("inference.requests", "running"),
                "waiting": server.total("inference.requests", "waiting"),
            }
            self._emit("server.preempting", ("server", server.endpoint), payload)
        server.preempted_ns = at.boottime_ns

    def _queue(self, server: _Server, at: Instant) -> None:
        waiting = server.total("inference.requests", "waiting")
        if not waiting:
            if waiting is not None and at.boottime_ns - server.waited_ns > QUIET_NS:
                server.queueing = False
            server.waiting_since_ns = 0
            return
        server.waited_ns = at.boottime_ns
        server.waiting_since_ns = server.waiting_since_ns or at.boottime_ns
        if not server.queueing and at.boottime_ns - server.waiting_since_ns >= WAITING_NS:
            server.queueing = True
            payload = {"waiting": int(waiting), "running": server.total("inference.requests", "running")}
            self._emit("server.queueing", ("server", server.endpoint), payload)

    def _column(self, metric: str, server: str, mode: str = "") -> Column:
        found = self._columns.get((metric, server, mode))
        if found is None:
            labels = {"server": server, **({"mode": mode} if mode else {})}
            measured = metric == "inference.server.memory"
            found = self._columns[metric, server, mode] = column(
                cells.SOURCE,
                metric,
                labels,
                call="NVML, memory of its processes" if measured else "its processes' shares of the cards' energy",
                quality="measured" if measured else APPORTIONED,
            )
        return found


def _place(item: Series) -> _Place | None:
    labels = dict(item.labels)
    mode = labels.get("mode", "")
    if (item.name, mode) not in _READ:
        return None
    return _Place(labels["server"], item.name, mode, labels.get("model", ""))


def energy_of(pids: frozenset[int], held: Mapping[str, Row]) -> dict[str, float]:
    """Row of ``gpu_processes`` to its joules, of these processes."""
    return {
        key: float(cell)
        for key, row in held.items()
        if row[P_PID] in pids and isinstance(cell := row[P_ENERGY], int | float)
    }


def _sum(rows: Iterable[Row], place: int) -> float | None:
    found = [float(cell) for row in rows if isinstance(cell := row[place], int | float)]
    return sum(found) if found else None
