"""Thirty simulated days of one recorder, as fast as they go.

    python tests/benchmarks/soak.py [--days 30] [--series 120] [--cap-mb 48] [--dir DIR]

The real ``Recorder`` (journal, keeper's thread, sealer children, relay and history child) on a clock that jumps
from second to second. On the way: a mark with a burst a day, a reboot, wall-clock steps of an hour back and forth,
a suspend, the end of summer time, and questions about the last day, week and month. A line a simulated day; then
the bars, and exit code 1 when one of them is missed.

The clock beats once a simulated second, not ten times: sources of 10 Hz are read once. Where an hour of sealing
would fall behind its hour the clock waits, as a real hour would.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # also runs as a file

from tests.fakeclock import FakeClock
from wftui.clock import NS_PER_S, Instant
from wftui.collectors.base import INLINE, Collector
from wftui.errors import StoreError
from wftui.model import processes as proc
from wftui.model.sample import Column, Sample, Scrape, column
from wftui.model.table import Row, TableSnapshot
from wftui.paths import places, private_dir
from wftui.recorder import keeper, service, storage
from wftui.recorder.options import Options
from wftui.recorder.service import Recorder
from wftui.store import manifest, retention
from wftui.wire import messages as m

START_S = 1_792_224_000
"""2026-10-17T08:00:00Z: eight days before the end of summer time in Europe."""
DAY_S = 86_400
HOUR_S = 3600
PAGE = os.sysconf("SC_PAGE_SIZE")
MB = 1e6
SLOPE_MB = 0.2
"""Most that the RSS may grow in a simulated day."""
WEEK_S = 0.3
AHEAD_S = 1200
"""Simulated seconds that pass at most while a sealer runs: a real one ends within its hour."""
SETTLED_S = 600
"""Simulated seconds after a start in which nothing may wait for the journal."""
LOOK_EVERY = 16
"""Simulated seconds between two looks at the queue and the sealer."""
QUEUED = 400
CALM_DAYS = 2
"""Days of each boot before the slope is measured: pools, caches and full layouts are there by then."""


class Load:
    """Series and processes that look like a machine's, without a machine."""

    def __init__(self, series: int) -> None:
        self.name, self.interval_s, self.where, self.timeout_s = "soak", 1.0, INLINE, 5.0
        count = max(1, series // 5)
        self._counters = [_column("system.disk.io", f"d{n}") for n in range(count)]
        self._states = [
            [Sample(*pair) for pair in zip(_gauges(series - count), _values(second, series), strict=False)]
            for second in range(199)
        ]

    def collect(self, at: Instant) -> Scrape:
        """All series; the counters grow with the time since boot."""
        now = at.boottime_ns // 1_000_000
        found = [Sample(item, float(now * (place + 1))) for place, item in enumerate(self._counters)]
        return Scrape([*self._states[at.time_ns // NS_PER_S % len(self._states)], *found])

    def close(self) -> None:
        """Nothing is open."""


def _column(name: str, device: str) -> Column:
    return column("soak", name, {"device": device, "direction": "read"}, call="soak")


def _gauges(count: int) -> list[Column]:
    first = [column("soak", "system.cpu.utilization", call="soak")]
    return first + [column("soak", "hw.temperature", {"sensor": f"s{n}"}, call="soak") for n in range(count - 1)]


def _values(second: int, count: int) -> list[float]:
    """Some steady, some in steps, some with digits that do not compress."""
    found = [round(0.5 + 0.4 * math.sin(second / 60), 3)]
    for place in range(count):
        kind = place % 3
        noise = math.sin(second * (place + 1) * 12.9898) * 43758.5453 % 1
        found.append(40.0 + (place if kind == 0 else second // 50 % 9 if kind == 1 else round(noise * 20, 2)))
    return found


class Processes:
    """A table of which some rows change in each scan."""

    def __init__(self, count: int) -> None:
        self.name, self.interval_s, self.where, self.timeout_s = "processes", 10.0, INLINE, 5.0
        self._rows = [_process(300 + number, 0) for number in range(count)]
        self._scans = 0

    def collect(self, at: Instant) -> Scrape:
        """A tenth of the rows differ from the scan before; one process is another."""
        self._scans += 1
        for place in range(self._scans % 10, len(self._rows), 10):
            self._rows[place] = _process(300 + place, self._scans)
        self._rows[-1] = _process(1000 + self._scans % 5000, self._scans)
        rows = {proc.row_key(int(row[0] or 0), int(row[1] or 0)): row for row in self._rows}
        return Scrape([], tables=(TableSnapshot(proc.PROCESSES, at.time_ns, rows),))

    def close(self) -> None:
        """Nothing is open."""


def _process(pid: int, scan: int) -> Row:
    name = ("systemd", "bash", "postgres", "nginx", "python3", "node")[pid % 6]
    busy = scan * pid % 97 / 97
    return (
        pid, pid * 10, 1, "ann", name, f"/usr/bin/{name}", "S", busy, float(pid << 14), 4, 0.0, busy * 1e6,
        START_S * NS_PER_S, f"unit-{pid % 12}",
    )  # fmt: skip


class Day(NamedTuple):
    """What one simulated day left."""

    number: int
    total: int
    """Bytes of all files; ``most`` the largest of the hourly looks."""
    most: int
    sizes: dict[str, int]
    oldest_h: dict[str, float]
    """Recorded hours since the oldest row of a level."""
    rss: int
    fds: int
    threads: int
    files: int
    asked: dict[str, float]
    """Question to seconds."""
    wall_s: float
    boot: int


class FastClock(FakeClock):
    """Beats once a simulated second, and lets others catch up."""

    def __init__(self, between: Callable[[int], object], pace: Callable[[], bool]) -> None:
        """``between`` is awaited after a second; ``pace`` says whether time may go on."""
        super().__init__(START_S * NS_PER_S)
        self._between = between
        self._pace = pace

    async def beat(self, period_ns: int, call: Callable[[Instant], bool]) -> None:
        """From second to second."""
        del period_ns
        beats = 0
        while True:
            self._until(self.boottime_ns + NS_PER_S - self.time_ns % NS_PER_S)
            call(self.now())
            beats += 1
            if beats % LOOK_EVERY == 0:
                await asyncio.sleep(0)
                while not self._pace():  # noqa: ASYNC110  real threads and processes are waited for
                    await asyncio.sleep(0.002)
            pause = self._between(self.boottime_ns)
            if asyncio.iscoroutine(pause):
                await pause

    def _until(self, boottime_ns: int) -> None:
        while self._planned and self._planned[0][0] <= boottime_ns:
            due, action = self._planned.pop(0)
            self.advance(max(0, due - self.boottime_ns))
            action()
        self.advance(max(0, boottime_ns - self.boottime_ns))


class Soak:
    """One run."""

    def __init__(self, days: int, series: int, cap: int) -> None:
        self.days, self.series, self.cap = days, series, cap
        self.found: list[Day] = []
        self.clock = FastClock(self._between, self._pace)
        self.lost = self.ticks = 0
        self._recorder: Recorder | None = None
        self._seconds = 0
        self._most = 0
        self._boots = self._session_began = 0
        self._sealer: tuple[int, int] = (0, 0)
        self._began = time.monotonic()

    @property
    def data_dir(self) -> Path:
        """Of the recorder."""
        return places().data_dir

    async def run(self) -> None:
        """All days; the machine is booted anew after a third of them, and then its clocks are moved about."""
        hour = HOUR_S * NS_PER_S
        first = self.days * DAY_S // 3 + HOUR_S // 2
        await self._session(first)
        self.clock.advance(300 * NS_PER_S)
        self.clock.boottime_ns = 20 * NS_PER_S
        left = self.days * DAY_S - first
        for share, by_ns in ((0.1, -hour), (0.25, hour), (0.5, -168 * hour), (0.505, 168 * hour)):
            self.clock.plan(left * share, lambda by_ns=by_ns: self.clock.step(by_ns))  # type: ignore[misc]  # bound now
        self.clock.plan(left * 0.4, lambda: self.clock.advance(8 * hour))
        await self._session(self.days * DAY_S + 5)

    async def _session(self, until: int) -> None:
        """Until so many seconds were recorded."""
        self._boots += 1
        self._session_began = self._seconds
        name = f"boot-{self._boots}"
        for module in (service, storage):
            vars(module)["boot_id"] = lambda: name
        options = Options(
            "record",
            places(),
            caps=keeper.Caps(48 * HOUR_S, self.cap, 0, 0.0),
            keep=retention.Caps(max_bytes=self.cap, min_free_bytes=0),
            history_idle_s=2.0,
        )
        collectors: list[Collector] = [Load(self.series), Processes(40)]
        self._recorder = recorder = Recorder(options, self.clock, collectors)
        self._until = until
        await recorder.run()
        self.lost += recorder._keeper.lost
        # A reboot ends the process: what this recorder held must not count as growth of the next one.
        self._recorder = recorder = None  # type: ignore[assignment]  # nobody asks it any more
        gc.collect()

    def _pace(self) -> bool:
        """Whether the journal and the sealer keep up."""
        recorder = self._recorder
        if recorder is None:
            return True
        waiting = recorder._keeper._queue.qsize()
        if waiting > QUEUED:
            return False
        if waiting and self._seconds - self._session_began < SETTLED_S:
            return False  # the look at the whole journal after a start must not last an hour of ours
        pid, since = self._sealer
        now = recorder._storage.sealing.pid or 0
        if now != pid:
            self._sealer = now, self._seconds
            return True
        return not now or self._seconds - since < AHEAD_S

    def _between(self, _: int) -> object:
        self._seconds += 1
        self.ticks += 1
        assert self._recorder is not None
        if self._seconds == self._until:
            self._recorder.end("stopped")
        if self._seconds % DAY_S == HOUR_S * 12:
            self._recorder.orders.mark(m.Mark(self.clock.time_ns, f"noon {self._seconds // DAY_S}"))
        if self._seconds % HOUR_S == 0:
            self._most = max(self._most, sum(_files(self.data_dir).values()))
        return self._day_ended() if self._seconds % DAY_S == 0 else None

    async def _day_ended(self) -> None:
        recorder = self._recorder
        assert recorder is not None
        while recorder._storage.sealing.pid or recorder._keeper._queue.qsize():  # noqa: ASYNC110  as above
            await asyncio.sleep(0.005)
        fds, threads, rss = _own()
        files = _files(self.data_dir)
        sizes: dict[str, int] = {}
        for path, size in files.items():
            parts = path.relative_to(self.data_dir).parts
            kind = parts[1] if len(parts) > 2 else parts[0].partition(".db")[0]
            sizes[kind] = sizes.get(kind, 0) + size
        total = sum(files.values())
        made = manifest.load(self.data_dir)
        oldest = {
            kind: (recorder._seq - min((item.first_seq for item in made.of(kind)), default=recorder._seq)) / HOUR_S
            for kind in manifest.LEVELS
        }
        asked = await self._ask(recorder)
        self.found.append(
            Day(
                len(self.found) + 1, total, max(total, self._most), sizes, oldest, rss, fds, threads, len(files),
                asked, time.monotonic() - self._began, self._boots,
            )
        )  # fmt: skip
        self._most = 0
        self._began = time.monotonic()
        print(line(self.found[-1], self.cap), flush=True)

    async def _ask(self, recorder: Recorder) -> dict[str, float]:
        now = self.clock.time_ns
        one = ["system.cpu.utilization"]
        spans = {"cold": 7, "day": 1, "week": 7, "month": 30}
        questions: dict[str, m.Range | m.At] = {
            name: m.Range(one, now - span * DAY_S * NS_PER_S, now, 400) for name, span in spans.items()
        }
        questions["at"] = m.At(now - 6 * HOUR_S * NS_PER_S)
        found = {}
        for name, question in questions.items():
            began = time.perf_counter()
            reply = await recorder._storage.question(question)
            found[name] = time.perf_counter() - began
            if isinstance(reply, m.Error) or getattr(reply, "tag", "") == "Error":
                raise StoreError(f"{name}: {reply}")
        return found


def _own() -> tuple[int, int, int]:
    """Open descriptors, threads and RSS of this process."""
    here = Path("/proc/self")
    rss = int((here / "statm").read_text().split()[1]) * PAGE
    return len(list((here / "fd").iterdir())), len(list((here / "task").iterdir())), rss


def _files(folder: Path) -> dict[Path, int]:
    found = {}
    for path in folder.rglob("*"):
        try:
            if path.is_file():
                found[path] = path.stat().st_size
        except OSError:
            continue  # a sealer took it away
    return found


TITLES = (
    "day journal    raw    r10   r300  table derived total   most  %cap  RSS MB fds thr files raw h r10 h r300h "
    "  cold  week month  at ms  wall s"
)


def line(day: Day, cap: int) -> str:
    """A row of the table."""
    sizes = [day.sizes.get(kind, 0) / MB for kind in ("journal", "raw", "r10", "r300", "table", "history.duck")]
    sizes[-1] = sum(size for kind, size in day.sizes.items() if kind.startswith("history")) / MB
    old = [day.oldest_h[kind] for kind in (manifest.RAW, manifest.R10, manifest.R300)]
    asked = [day.asked[name] * 1e3 for name in ("cold", "week", "month", "at")]
    return (
        f"{day.number:3d} " + "".join(f"{size:7.2f}" for size in [*sizes, day.total / MB, day.most / MB])
        + f" {day.most / cap:5.0%} {day.rss / MB:7.2f} {day.fds:3d} {day.threads:3d} {day.files:5d}"
        + "".join(f"{hours:6.0f}" for hours in old) + " " + "".join(f"{ms:6.0f}" for ms in asked)
        + f"  {day.wall_s:6.1f}"
    )  # fmt: skip


def slope(days: list[Day]) -> float:
    """MB of RSS a simulated day, least squares; NaN with less than three days."""
    if len(days) < 3:
        return math.nan
    xs, ys = [float(day.number) for day in days], [day.rss / MB for day in days]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum((a - x) ** 2 for a in xs)


def judge(soak: Soak) -> list[tuple[str, bool, str]]:
    """The bars: what, whether it holds, the figure."""
    days = soak.found
    boots = [[day for day in days if day.boot == boot][CALM_DAYS:] for boot in (1, 2)]
    slopes = [found for part in boots if not math.isnan(found := slope(part))]
    week = max(day.asked["week"] for day in days)
    # The thread that answers comes with the first question, after the look at each boot's first day.
    later = [[day for day in days if day.boot == boot][1:] for boot in (1, 2)]
    spread = {
        name: max(
            (max(held) - min(held) for part in later if (held := [getattr(day, name) for day in part])),
            default=0,
        )
        for name in ("fds", "threads")
    }
    most = max(day.most for day in days)
    cold = max(day.asked["cold"] for day in days)
    raw = days[-1].oldest_h[manifest.RAW]
    return [
        ("all days were recorded", len(days) == soak.days, f"{len(days)} days, {soak.ticks} ticks"),
        ("no tick was lost", soak.lost == 0, f"{soak.lost}"),
        (
            "RSS slope of each boot",
            max(slopes, default=0.0) <= SLOPE_MB,
            f"{[round(x, 3) for x in slopes]} MB a day",
        ),
        ("files at or under the cap", most <= soak.cap, f"at most {most / MB:.2f} of {soak.cap / MB:.2f} MB"),
        ("descriptors are flat", spread["fds"] <= 1, f"they differ by {spread['fds']} in a boot"),
        ("threads are flat", spread["threads"] == 0, f"they differ by {spread['threads']} in a boot"),
        ("the oldest raw ticks are gone", len(days) < 3 or raw < 50, f"{raw:.1f} h are left"),
        ("a week's question", week <= WEEK_S, f"at most {week * 1e3:.0f} ms, {cold * 1e3:.0f} ms with the start"),
    ]


def main() -> int:
    """Command line; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--series", type=int, default=120)
    parser.add_argument("--cap-mb", type=float, default=48.0)
    parser.add_argument("--dir", type=Path, help="keep everything there")
    options = parser.parse_args()
    # A trim and a checkpoint at every so many simulated seconds: the keeper counts real ones.
    keeper.TRIM_S, keeper.CHECKPOINT_S = 0.2, 0.1  # type: ignore[misc]  # constants of a clock that runs faster
    folder = Path(tempfile.mkdtemp(prefix="soak")) if options.dir is None else options.dir
    folder.mkdir(mode=0o700, exist_ok=True)
    os.environ.update(
        {f"XDG_{name}": str(folder / name.lower()) for name in ("CONFIG_HOME", "DATA_HOME", "STATE_HOME")}
    )
    os.environ["TZ"] = "Europe/Berlin"
    time.tzset()
    private_dir(places().runtime_dir)
    began = time.monotonic()
    soak = Soak(options.days, options.series, int(options.cap_mb * MB))
    print(TITLES, flush=True)
    try:
        asyncio.run(soak.run())
    finally:
        if options.dir is None:
            shutil.rmtree(folder, ignore_errors=True)
    wrong = 0
    for what, holds, figure in judge(soak):
        wrong += not holds
        print(f"{'ok ' if holds else 'MISSED'} {what}: {figure}")
    print(json.dumps({"wall_s": round(time.monotonic() - began, 1)}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
