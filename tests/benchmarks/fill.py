"""Fill a data dir with realistic data, through the real store code, on a clock of its own.

    python tests/benchmarks/fill.py DIR --hours 24 --series 400 [--seed 7] [--end 2026-09-21T14:00:00Z]

Each hour is written into the journal tick by tick, sealed, merged and trimmed as a recorder would. The mix: a
fifth counters (half of them move in a second), a fifth gauges (memory in pages; a quarter of them with all
digits), 15 % steps, a fifth almost constant, a quarter ratios with 3 digits of which 1 % are missing; 45 % of the
samples differ from the one before. About 100 processes, and now and then a spike by one that has a name.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # also runs as a file

from wftui.model import processes as proc
from wftui.model.event import Event, event
from wftui.model.sample import Column, column
from wftui.model.table import Row, TableChange
from wftui.model.tick import Layout, Tick
from wftui.store import journal, manifest, merge, seal
from wftui.store.journal import Journal, StoredChange

NS = 1_000_000_000
HOUR_S = 3600
TABLE_S = 2
KEYFRAME_S = 60
SPIKE_EVERY_S = 600
"""On average."""
SPIKERS = ("ffmpeg", "cc1plus", "fio")
COMMIT_TICKS = 60
NAMED: tuple[tuple[str, str, dict[str, str], str], ...] = (
    ("share", "system.cpu.utilization", {}, ""),
    ("share", "system.cpu.utilization", {}, "max"),
    ("counter", "system.disk.io", {"device": "sda", "direction": "read"}, ""),
    ("counter", "system.disk.io", {"device": "sda", "direction": "write"}, ""),
    ("counter", "system.network.io", {"interface": "eth0", "direction": "receive"}, ""),
    ("counter", "system.network.io", {"interface": "eth0", "direction": "transmit"}, ""),
    ("gauge", "system.memory.usage", {"mode": "used"}, ""),
    ("gauge", "system.memory.available", {}, ""),
    ("digits", "system.cpu.load_average.1m", {}, ""),
    ("constant", "system.memory.limit", {}, ""),
)
"""Series that a person would look at, in every data dir that is wide enough."""
FILLERS = {
    "counter": ("system.disk.io", "device"),
    "gauge": ("system.memory.usage", "mode"),
    "digits": ("hw.temperature", "sensor"),
    "steps": ("system.process.count", "mode"),
    "constant": ("system.filesystem.limit", "mount"),
    "share": ("system.cpu.logical.utilization", "cpu"),
}


def mix(number: int) -> str:
    """What the series at a place is like."""
    place = number % 20
    if place < 4:
        return "counter"
    if place < 8:
        return "gauge" if place < 7 else "digits"
    return "steps" if place < 11 else "constant" if place < 15 else "share"


class Spike(NamedTuple):
    """Seconds in which one process took the processor."""

    time_s: int
    seconds: int
    name: str
    key: str
    """Of its row in the table of processes."""


class Filled(NamedTuple):
    """What was written."""

    seconds: float
    """Of wall clock that it took."""
    ticks: int
    start_s: int
    end_s: int
    sizes: dict[str, int]
    """Bytes by kind of segment, ``journal`` besides."""
    raw_samples: int
    """Values in raw segments, without gaps for series that a segment does not have."""
    spikes: tuple[Spike, ...]

    @property
    def bytes_per_sample(self) -> float:
        """Of raw segments."""
        return self.sizes.get(manifest.RAW, 0) / max(1, self.raw_samples)


class Filler:
    """Writes on and on: a recording under construction, second by second; a context manager."""

    def __init__(self, folder: Path, series: int, start_s: int, seed: int = 7, processes: int = 100) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self.now_s = start_s
        self.ticks = 0
        self.spikes: list[Spike] = []
        self._chance = np.random.default_rng(seed)
        self._journal = Journal(folder / journal.NAME)
        self._start_s = start_s
        opening = self._journal.begin("fill", "fill", "record", 1, start_s * NS, NS, floor=manifest.floor(folder))
        self._session, self._boot = opening.session, opening.boot
        self._seq, self._event_seq = opening.last_seq, opening.last_event_seq
        self._kinds, columns = self._columns(series)
        self._layout = Layout(opening.last_layout + 1, tuple(columns))
        self._last = np.floor(self._chance.random(series) * 1e9)
        self._base = self._chance.uniform(0.02, 0.7, series)
        digits = self._kinds == "digits"
        self._last[digits] = self._chance.uniform(20, 90, int(digits.sum()))
        self._people = [self._process(300 + number) for number in range(processes)]
        self._held: dict[str, Row] = {}
        self._say("recorder.started", ("recorder", "1"), {"mode": "record", "pid": 1})

    def __enter__(self) -> Filler:
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.end(self._session, self.now_s * NS, "stopped")
        self._journal.close()

    def _columns(self, series: int) -> tuple[npt.NDArray[np.str_], list[Column]]:
        named = NAMED[:series]
        kinds = [kind for kind, *_ in named]
        columns = [column("fill", name, labels, call="fill", stat=stat) for _, name, labels, stat in named]
        for number in range(series - len(named)):
            kind = mix(number)
            name, key = FILLERS[kind]
            kinds.append(kind)
            columns.append(column("fill", name, {key: f"{kind}-{number}"}, call="fill"))
        return np.array(kinds), columns

    def write(self, seconds: int) -> None:
        """Record on, without sealing."""
        while seconds > 0:
            count = min(seconds, HOUR_S - self.now_s % HOUR_S)
            self._block(count)
            seconds -= count

    def seal(self, *, everything: bool = False) -> seal.Outcome:
        """Seal, merge and trim, as a recorder does after each hour."""
        with seal.lock(self.folder):
            outcome = seal.run(self.folder, self.now_s * NS, everything=everything)
            merge.run(self.folder)
        self._journal.trim(2**40, 2**50, sealed_seq=outcome.sealed_seq)
        self._journal.checkpoint()
        return outcome

    def _block(self, count: int) -> None:
        spikes = list(self._plan(count))
        values = self._values(count, spikes)
        blobs = np.ascontiguousarray(values.T, dtype="<f8")
        changes: list[StoredChange] = []
        ticks: list[tuple[Tick, Layout]] = []
        jitter = self._chance.integers(0, 2_000_000, count)  # a tick closes within 2 ms of its second
        for second in range(count):
            at_s = self.now_s + second
            self._seq += 1
            since_s = at_s - self._start_s + 1
            boottime_ns = (1_000 + since_s) * NS + int(jitter[second])
            ticks.append(
                (
                    Tick(self._seq, at_s, boottime_ns, self._boot, self._layout.id, blobs[second].tobytes()),
                    self._layout,
                )
            )
            if self._people and at_s % TABLE_S == 0:
                busy = [item for item in spikes if item.time_s <= at_s < item.time_s + item.seconds]
                changes.append(StoredChange(self._seq, proc.PROCESSES, self._table(at_s, busy)))
            if len(ticks) == COMMIT_TICKS or second == count - 1:
                self._journal.write(ticks, changes)
                ticks.clear()
                changes.clear()
        self.ticks += count
        self.now_s += count
        self.spikes += spikes
        for item in spikes:
            payload = {"before": "ok", "after": "late", "reason": f"{item.name} took the processor"}
            self._say("source.state", ("source", "processes"), payload, item.time_s)

    def _plan(self, count: int) -> Iterator[Spike]:
        """Spikes of a block, none of them across its end."""
        at_s = self.now_s + int(self._chance.exponential(SPIKE_EVERY_S))
        while at_s + 60 < self.now_s + count:
            seconds = int(self._chance.integers(10, 45))
            at_s += -at_s % TABLE_S  # never before the block
            name = SPIKERS[len(self.spikes) % len(SPIKERS)]
            pid = 20_000 + at_s % 10_000
            yield Spike(at_s, seconds, name, proc.row_key(pid, (at_s - self._start_s) * 100))
            at_s += seconds + int(self._chance.exponential(SPIKE_EVERY_S)) + 10

    def _values(self, count: int, spikes: list[Spike]) -> npt.NDArray[np.float64]:
        """(series, ticks), NaN = no value."""
        chance, kinds = self._chance, self._kinds
        values = np.empty((len(kinds), count))
        for place, kind in enumerate(kinds):
            values[place] = _LIKE[kind](chance, self._last[place], self._base[place], count, place)
        self._last = np.where(np.isnan(values[:, -1]), self._last, values[:, -1])
        missing = (kinds == "share")[:, None] & (chance.random(values.shape, dtype=np.float32) < 0.01)
        missing[: len(NAMED)] = False
        values[missing] = np.nan
        for item in spikes:
            start = item.time_s - self.now_s
            high = np.round(chance.uniform(0.93, 1.0, item.seconds), 3)
            values[: min(2, len(kinds)), start : start + item.seconds] = high
        return values

    def _process(self, pid: int) -> list[str | int | float | None]:
        name = ("systemd", "bash", "postgres", "nginx", "python3", "node")[pid % 6]
        return [
            pid, pid * 10, 1, ("root", "ann", "ben")[pid % 3], name, f"/usr/bin/{name} --worker {pid}", "S", 0.0,
            float(pid << 16), 1 + pid % 7, 0.0, 0.0, (self._start_s - 5_000 + pid) * NS, f"unit-{pid % 12}",
        ]  # fmt: skip

    def _table(self, at_s: int, busy: list[Spike]) -> TableChange:
        chance = self._chance
        for place in chance.integers(0, len(self._people), max(1, len(self._people) // 10)).tolist():
            row = self._people[place]
            row[proc.CPU] = round(float(chance.exponential(0.03)), 3)
            row[proc.STATE] = "R" if chance.random() < 0.1 else "S"
            if chance.random() < 0.3:
                row[proc.MEMORY] = float(int(row[proc.MEMORY] or 0) + 4096 * int(chance.integers(-900, 1000)))
            if chance.random() < 0.1:
                row[proc.WRITE] = float(int(chance.exponential(2e4)))
        now = {f"{row[proc.PID]}:{row[proc.START]}": tuple(row) for row in self._people}
        for item in busy:
            pid, _, start = item.key.partition(":")
            row = self._process(int(pid))
            row[proc.START], row[proc.NAME], row[proc.STATE] = int(start), item.name, "R"
            row[proc.COMMAND] = f"/usr/bin/{item.name} job-{item.time_s}"
            row[proc.CPU] = round(float(chance.uniform(3.5, 3.9)), 3)
            now[item.key] = tuple(row)
        frame = at_s % KEYFRAME_S == 0 or not self._held
        rows = now if frame else {key: row for key, row in now.items() if self._held.get(key) != row}
        gone = [] if frame else [key for key in self._held if key not in now]
        self._held = now
        return TableChange(proc.PROCESSES.name, at_s * NS + NS // 2, frame, rows, gone)

    def _say(
        self, kind: str, about: tuple[str, str], payload: Mapping[str, object], at_s: int | None = None
    ) -> None:
        self._event_seq += 1
        made = event((self.now_s if at_s is None else at_s) * NS, kind, about, dict(payload))
        fields = [getattr(made, name) for name in Event.__struct_fields__[1:]]
        self._journal.write(events=[Event(self._event_seq, *fields)])


_Like = Callable[[np.random.Generator, float, float, int, int], npt.NDArray[np.float64]]


def _held(last: float, fresh: npt.NDArray[np.float64], moves: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """The value before, until one moves."""
    places = np.maximum.accumulate(np.where(moves, np.arange(1, len(fresh) + 1), 0))
    found: npt.NDArray[np.float64] = np.concatenate(([last], fresh))[places]
    return found


def _counter(
    chance: np.random.Generator, last: float, _: float, count: int, place: int
) -> npt.NDArray[np.float64]:
    """Bytes in blocks, operations, or bytes as they come."""
    if place % 3 == 0:
        grown = 4096.0 * chance.geometric(1 / 8, count)
    elif place % 3 == 1:
        grown = chance.geometric(1 / 8, count).astype(np.float64)
    else:
        grown = np.floor(chance.exponential(20_000, count))
    found: npt.NDArray[np.float64] = last + np.cumsum(grown * (chance.random(count) < 0.5))
    return found


def _gauge(chance: np.random.Generator, last: float, _: float, count: int, __: int) -> npt.NDArray[np.float64]:
    moved = 4096.0 * np.round(chance.normal(0, 50, count)) * (chance.random(count) < 0.5)
    return np.abs(last - last % 4096 + np.cumsum(moved))


def _digits(chance: np.random.Generator, last: float, _: float, count: int, __: int) -> npt.NDArray[np.float64]:
    return np.abs(last + np.cumsum(chance.normal(0, 0.05, count)))


def _steps(chance: np.random.Generator, last: float, _: float, count: int, __: int) -> npt.NDArray[np.float64]:
    return _held(last, chance.integers(0, 100, count).astype(np.float64), chance.random(count) < 0.05)


def _constant(chance: np.random.Generator, last: float, _: float, count: int, __: int) -> npt.NDArray[np.float64]:
    return _held(last, chance.integers(0, 2**36, count).astype(np.float64), chance.random(count) < 0.001)


def _share(chance: np.random.Generator, last: float, base: float, count: int, __: int) -> npt.NDArray[np.float64]:
    """Around its mean, with a memory of some seconds."""
    noise = chance.normal(0, 0.02, count + 8)
    smooth = np.convolve(noise, (0.5, 0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05), "valid")
    del last
    return np.round(np.clip(base + smooth, 0, 1), 3).astype(np.float64)


_LIKE: dict[str, _Like] = {
    "counter": _counter,
    "gauge": _gauge,
    "digits": _digits,
    "steps": _steps,
    "constant": _constant,
    "share": _share,
}


def fill(
    folder: Path,
    hours: float,
    series: int,
    *,
    seed: int = 7,
    end_s: int | None = None,
    processes: int = 100,
    everything: bool = False,
    tell: Callable[[Filler], object] | None = None,
) -> Filled:
    """Fill a data dir.

    Args:
        folder: The data dir; made if it is not there.
        hours: How much, ending at ``end_s``.
        series: How many.
        seed: Of the numbers.
        end_s: UTC second behind the last tick; None: now.
        processes: Rows of the table of processes; 0: no table.
        everything: Seal the last, incomplete hour too.
        tell: Called after each hour.
    """
    began = time.monotonic()
    end_s = int(time.time()) if end_s is None else end_s
    start_s = end_s - int(hours * HOUR_S)
    with Filler(folder, series, start_s, seed, processes) as filler:
        while filler.now_s < end_s:
            filler.write(min(HOUR_S - filler.now_s % HOUR_S, end_s - filler.now_s))
            # The hour is over for the sealer when the first tick of the next one is there.
            if filler.now_s < end_s:
                filler.write(1)
                filler.seal()
            if tell is not None:
                tell(filler)
        if everything:
            filler.seal(everything=True)
    made = manifest.load(folder)
    sizes: dict[str, int] = {}
    for item in made.segments:
        sizes[item.kind] = sizes.get(item.kind, 0) + item.size
    sizes["journal"] = (folder / journal.NAME).stat().st_size
    samples = sum(item.rows * len(manifest.numbers(item.columns)) for item in made.of(manifest.RAW))
    took = time.monotonic() - began
    return Filled(took, filler.ticks, start_s, end_s, sizes, samples, tuple(filler.spikes))


def main() -> int:
    """Fill and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--series", type=int, default=400)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--end", help="ISO 8601; now when left out")
    parser.add_argument("--force", action="store_true", help="remove what is there")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    if folder.exists() and any(folder.iterdir()):
        if not arguments.force:
            parser.error(f"{folder} is not empty (--force removes what is there)")
        shutil.rmtree(folder)
    end_s = int(datetime.fromisoformat(arguments.end).timestamp()) if arguments.end else None

    def tell(filler: Filler) -> None:
        print(f"\r{(filler.now_s - filler._start_s) / HOUR_S:6.1f} h", end="", file=sys.stderr, flush=True)

    done = fill(folder, arguments.hours, arguments.series, seed=arguments.seed, end_s=end_s, tell=tell)
    print(file=sys.stderr)
    print(f"{done.ticks} ticks of {arguments.series} series in {done.seconds:.1f} s")
    print(f"{done.bytes_per_sample:.3f} bytes per stored raw sample, {len(done.spikes)} spikes")
    for kind, size in sorted(done.sizes.items()):
        print(f"{kind:8} {size / 1e6:9.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
