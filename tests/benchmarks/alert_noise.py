"""A machine that is well, for a month: which built-in rules fire nevertheless.

Days with their load, bursts, cron, a backup at night that runs alone, sawtooth memory, GPUs that idle and that
train at their power limit, requests in bursts. A model server is deployed anew on work days: it is down while it
ends, then gone, loads, and its counters begin anew; now and then a person tries its options three times in a row.
The machine is suspended at week-ends; NTP sets the clock, by a second and now and then by an hour. Logs are
rotated, downloads fill a disk that is cleaned up later. Nothing of it is a fault: what fires is a false positive.

Usage: ``python tests/benchmarks/alert_noise.py [--days 30] [--first 0]``. Target: under 2 %
of rule-days. A day takes about 20 s of CPU.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

ROOT: Final = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from wftui.alerts import load  # noqa: E402  after the path of the checkout
from wftui.alerts.engine import Engine  # noqa: E402  as above
from wftui.alerts.rule import Rule  # noqa: E402  as above
from wftui.alerts.signals import Labels  # noqa: E402  as above
from wftui.alerts.states import FIRED  # noqa: E402  as above
from wftui.clock import NS_PER_S, Instant  # noqa: E402  as above
from wftui.model import health  # noqa: E402  as above
from wftui.model.health import Health  # noqa: E402  as above
from wftui.model.sample import Column, column  # noqa: E402  as above
from wftui.model.tick import Layout, Tick  # noqa: E402  as above

DAY_S: Final = 86_400
START_S: Final = 1_790_000_000 // DAY_S * DAY_S
STATES: Final = (health.OK, health.FAILED, "", "loading")
"""Of the model server; empty: there is none."""
READY, ENDING, GONE, LOADING = range(4)
Values = NDArray[np.floating[Any]]  # of any width: numpy widens as it goes
SOURCES: Final = {name: Health(name, health.OK, interval_s=1.0) for name in ("system", "gpu", "models", "self")}


class Day:
    """The numbers of one day, 86400 of each series."""

    def __init__(self, day: int) -> None:
        self.day = day
        self.rng = np.random.default_rng(day)
        self.second = np.arange(DAY_S)
        self.weekend = day % 7 in (5, 6)
        light = 0.5 - 0.5 * np.cos((self.second / 3600 - 4) / 24 * 2 * np.pi)
        self.load: Values = light * (0.35 if self.weekend else 1.0)
        """Share of the people that are at work, 0 to 1."""
        self.backup: Values = ((self.second >= 7200) & (self.second < 7200 + 2400)).astype(float)
        self.cron: Values = ((self.second % 3600 < 40) | (self.second % 300 < 4)).astype(float)
        self.build = self.bursts(6, 240)
        """Compilers and the like: all cores for some minutes."""
        self.asked = self.bursts(60, 90)
        """Bursts of requests."""
        self.train: Values = (
            (self.second >= 32_400) & (self.second < 32_400 + int(self.rng.integers(3, 30) * 1000))
        ).astype(float)
        self.state = self._deployments()
        """Of the model server, by second: a place in ``STATES``."""
        self.up: NDArray[np.bool_] = self.state == READY
        self.asleep = self._suspended()
        """Seconds in which the machine is suspended, [begin, end)."""
        self.steps = self._steps()
        """Second to what the wall clock is moved by, s."""

    def _deployments(self) -> NDArray[np.int_]:
        found = np.full(DAY_S, READY)
        times = [] if self.weekend else [50_400 + int(self.rng.integers(0, 3600))]
        if self.day % 9 == 4:  # options are tried
            times += [60_000, 61_100, 62_000]
        for begin in times:
            # Its port is closed while it ends, then its process is gone; the new one loads its weights.
            ends, gone, loads = (int(self.rng.integers(*span)) for span in ((2, 25), (1, 40), (60, 400)))
            for state, seconds in ((ENDING, ends), (GONE, gone), (LOADING, loads)):
                found[begin : begin + seconds] = state
                begin += seconds
        return found

    def _suspended(self) -> tuple[int, int] | None:
        return (70_000, 70_000 + int(self.rng.integers(600, 15_000))) if self.day % 7 == 6 else None

    def _steps(self) -> dict[int, int]:
        found = {43_200: int(self.rng.integers(-2, 3))} if self.day % 4 == 1 else {}
        if self.day % 15 == 8:  # a battery of the clock that is empty: off by an hour until NTP comes
            found |= {30_000: 3600, 30_900: -3600}
        return found

    def bursts(self, count: int, mean_s: float) -> Values:
        """0 and 1: so many bursts a day where people are at work, log-normal in length."""
        found = np.zeros(DAY_S)
        for start in self.rng.integers(0, DAY_S, int(self.rng.poisson(count * (0.3 if self.weekend else 1)))):
            if self.rng.random() < self.load[start] + 0.1:
                found[start : start + int(self.rng.lognormal(np.log(mean_s), 0.8))] = 1.0
        return found

    def noise(self, size: float) -> Values:
        return self.rng.normal(0, size, DAY_S)

    def slow(self, size: float, every_s: int = 300) -> Values:
        """Noise that changes within minutes."""
        knots = self.rng.normal(0, size, DAY_S // every_s + 2)
        found: Values = np.interp(self.second, np.arange(len(knots)) * every_s, knots)
        return found

    def events(self, a_day: float) -> Values:
        """A counter's steps."""
        return self.rng.poisson(a_day / DAY_S, DAY_S).astype(float)


def columns_of(day: Day) -> Iterator[tuple[str, str, dict[str, str], str, Values]]:
    """(source, name, labels, stat, values); counters are given as what they grow by each second."""
    d, one = day, np.ones(DAY_S)
    busy = np.clip(
        0.08 + 0.3 * d.load + 0.55 * d.build + 0.2 * d.cron + 0.15 * d.backup + d.slow(0.05) + d.noise(0.03), 0, 1
    )
    wait = np.clip((busy - 0.6) * 2.2 + d.noise(0.02), 0, 1)
    yield "system", "system.pressure.utilization", {"device": "cpu", "mode": "some"}, "", wait
    reclaim = np.clip(0.002 + 0.03 * d.build * d.load + d.noise(0.003), 0, 1)
    yield "system", "system.pressure.utilization", {"device": "memory", "mode": "some"}, "", reclaim
    yield "system", "system.pressure.utilization", {"device": "memory", "mode": "full"}, "", reclaim / 2
    # At night the backup is all that runs: whenever it waits, everything does.
    io = np.clip(0.01 + 0.8 * d.backup + 0.2 * d.cron + 0.1 * d.build + d.noise(0.05), 0, 1)
    yield "system", "system.pressure.utilization", {"device": "io", "mode": "full"}, "", io
    blocked = np.round(np.clip(0.9 * d.backup + 0.5 * d.cron + d.build + np.abs(d.noise(0.3)), 0, None))
    yield "system", "system.processes.blocked", {}, "", blocked
    yield "system", "system.cpu.utilization", {}, "", busy
    yield (
        "system",
        "system.cpu.run_queue",
        {},
        "",
        np.round(np.clip(busy * 16 * (1 + d.build) + d.noise(2), 1, 90)),
    )
    yield "system", "system.cpu.logical.count", {}, "", 16 * one
    saw = (d.second % 5400) / 5400
    held = 0.5 + 0.14 * saw + 0.12 * d.train + 0.08 * d.build + 0.04 * d.load + d.slow(0.01) + d.noise(0.002)
    held = np.clip(held, 0, 0.97)
    yield "system", "system.memory.utilization", {}, "", held
    yield "system", "system.memory.available", {}, "", (1 - held) * 64 * 2**30
    yield "system", "system.paging.utilization", {}, "", np.clip(0.3 + 0.002 * d.day + 0.3 * d.train, 0, 1)
    yield "system", "system.memory.oom_kills", {}, "", 0 * one
    for mount, size, used in _disks(d, one):
        yield "system", "system.filesystem.utilization", {"mount": mount}, "", used
        yield "system", "system.filesystem.usage", {"mount": mount, "mode": "free"}, "", (1 - used) * size
    yield "system", "system.filesystem.inodes.utilization", {"mount": "/"}, "", 0.31 + 0.01 * saw
    packets = np.round(np.clip(200 + 3000 * d.load * d.asked + 60_000 * d.backup + d.noise(50), 5, None))
    for direction in ("receive", "transmit"):
        labels = {"interface": "eth0", "direction": direction}
        yield "system", "system.network.packets", labels, "", packets
        yield "system", "system.network.errors", labels, "", d.events(3)
        yield (
            "system",
            "system.network.dropped",
            labels,
            "",
            d.events(800) + 3 * d.cron * (d.rng.random(DAY_S) < 0.2),
        )
    heat = 45 + 38 * busy + d.slow(1)
    yield "system", "hw.temperature", {"sensor": "cpu"}, "", np.round(heat)
    yield "system", "hw.temperature.limit", {"sensor": "cpu"}, "", 100 * one
    for gpu, trains in (("a", d.train), ("b", 0 * one)):
        use = np.clip(0.97 * trains + 0.5 * d.asked + d.noise(0.02), 0, 1) * (1 - (d.rng.random(DAY_S) < 0.02))
        yield "gpu", "hw.gpu.utilization", {"gpu": gpu}, "", use
        warm = 38 + 44 * np.convolve(use, np.ones(120) / 120, "same") + d.slow(1)
        yield "gpu", "hw.gpu.temperature", {"gpu": gpu, "sensor": "gpu"}, "", np.round(warm)
        yield "gpu", "hw.gpu.temperature", {"gpu": gpu, "sensor": "memory"}, "", np.round(warm + 9)
        yield "gpu", "hw.gpu.temperature.limit", {"gpu": gpu, "mode": "slowdown"}, "", 92 * one
        yield "gpu", "hw.gpu.temperature.limit", {"gpu": gpu, "mode": "memory"}, "", 105 * one
        full = np.where(trains > 0, 0.985, 0.9 if gpu == "b" else 0.04) + 0.005 * d.asked
        yield "gpu", "hw.gpu.memory.utilization", {"gpu": gpu}, "", np.round(full, 3)
        for mode, share in (("power_cap", 0.99 * trains), ("sw_thermal", 0.05 * trains), ("hw_thermal", 0 * one)):
            hits = (d.rng.random(DAY_S) < share).astype(float)
            yield "gpu", "hw.gpu.throttled", {"gpu": gpu, "mode": mode}, "", hits
        for mode in ("hw_slowdown", "hw_power_brake"):
            yield "gpu", "hw.gpu.throttled", {"gpu": gpu, "mode": mode}, "", 0 * one
        yield "gpu", "hw.gpu.pcie.width", {"gpu": gpu, "mode": "current"}, "", np.where(use > 0.02, 16.0, 8.0)
        yield "gpu", "hw.gpu.pcie.width", {"gpu": gpu, "mode": "maximum"}, "", 16 * one
        yield "gpu", "hw.gpu.pcie.replays", {"gpu": gpu}, "", d.events(40)
        yield "gpu", "hw.gpu.ecc.errors", {"gpu": gpu, "mode": "uncorrected"}, "", 0 * one
        yield "gpu", "hw.gpu.memory.remapped_rows", {"gpu": gpu, "mode": "pending"}, "", 0 * one
        yield "gpu", "hw.gpu.memory.remapped_rows", {"gpu": gpu, "mode": "failure"}, "", 0 * one
    yield from _server(d)
    yield from _own(d, one)


def _disks(d: Day, one: Values) -> Iterator[tuple[str, float, Values]]:
    """(mount, bytes, share in use); asked every ten seconds."""
    # Logs grow all day and are rotated at night.
    logs = 0.03 * ((d.second + 86_400 - 300) % DAY_S) / DAY_S
    yield "/", 1e12, np.minimum(0.62 + 0.0015 * (d.day % 14) + logs + 0.01 * np.cumsum(d.build) / 3000, 0.75)
    written = np.clip((d.second - 7200) / 2400, 0, 1) * (d.second < 79_200)
    yield "/data", 2e12, 0.78 + 0.05 * written + 0.0005 * d.day
    yield "/archive", 20e12, 0.953 + 0.0005 * (d.day + d.second / DAY_S)
    # Models are downloaded until there is hardly room, and a person cleans up; a kernel is installed now and then.
    models = 0.60 * one
    if d.day % 10 == 3:
        begin, length = 40_000, int(d.rng.integers(600, 3600))
        models = 0.60 + 0.29 * np.clip((d.second - begin) / length, 0, 1) * (d.second < 62_000)
    yield "/models", 2e12, models
    yield "/boot", 1e9, np.where((d.day % 12 == 5) & (d.second > 45_000), 0.83, 0.61)
    yield "/home", 5e11, 0.885 + 0.004 * np.sin(d.second / DAY_S * 6.28)


def _server(d: Day) -> Iterator[tuple[str, str, dict[str, str], str, Values]]:
    server = {"server": "s"}
    running = np.round(np.clip(5 * d.asked * (0.3 + d.load) + d.slow(0.4) * d.load + d.noise(0.3), 0, 8))
    running = running * d.up
    runs = running > 0
    up = np.where(d.up, 1.0, np.nan)
    yield "models", "inference.requests", {**server, "mode": "running"}, "", running * up
    crowd = d.bursts(10, 25)
    yield "models", "inference.requests", {**server, "mode": "waiting"}, "", np.round(14 * crowd * d.asked) * up
    speed = np.where(runs, np.clip(75 - 5 * running + d.slow(6) + d.noise(4), 2, None), 0.0)
    prompt = np.where(runs & (d.rng.random(DAY_S) < 0.3), 900 + d.noise(200), 0.0)
    yield "models", "inference.tokens.rate", {**server, "mode": "generation"}, "", speed * up
    yield "models", "inference.tokens.rate", {**server, "mode": "prompt"}, "", prompt * up
    first = np.where(
        runs, np.clip(0.25 + 0.1 * running + 0.5 * crowd + d.slow(0.08) + d.noise(0.02), 0.05, 4), np.nan
    )
    yield "models", "gen_ai.server.time_to_first_token", server, "p95", first
    yield "models", "gen_ai.server.time_to_first_token", server, "count", np.where(runs, running / 4, np.nan)
    cache = np.clip(0.1 + 0.1 * running + 0.25 * crowd + d.slow(0.04), 0, 0.99)
    yield "models", "inference.kv_cache.utilization", server, "", cache * up
    yield "models", "inference.preemptions", server, "", (crowd * d.asked) * (d.rng.random(DAY_S) < 0.02)
    hits = np.clip(0.25 + 0.4 * d.load + d.slow(0.12, 900), 0, 1)
    yield "models", "inference.prefix_cache.hit_ratio", server, "", np.where(runs, hits, np.nan)
    ended = d.rng.poisson(running * 0.1).astype(float)
    yield "models", "inference.request.count", {**server, "mode": "finished"}, "", ended
    yield (
        "models",
        "inference.request.count",
        {**server, "mode": "failed"},
        "",
        ended * (d.rng.random(DAY_S) < 0.004),
    )
    yield (
        "models",
        "inference.server.restarts",
        server,
        "",
        (np.diff(d.up.astype(int), prepend=1) > 0).astype(float),
    )
    yield "models", "inference.server.memory", {**server, "mode": "vram"}, "", 2e10 * up
    yield "models", "gen_ai.client.requests", {"source": "app", "mode": "failed"}, "", d.events(20)
    chunk = {"source": "app"}
    yield "models", "gen_ai.client.operation.time_to_first_chunk", chunk, "p95", first * 1.1
    yield (
        "models",
        "gen_ai.client.operation.time_to_first_chunk",
        chunk,
        "sum",
        np.where(runs, 0.6 * first * running / 4, np.nan),
    )
    yield (
        "models",
        "gen_ai.client.operation.time_to_first_chunk",
        chunk,
        "count",
        np.where(runs, running / 4, np.nan),
    )


def _own(d: Day, one: Values) -> Iterator[tuple[str, str, dict[str, str], str, Values]]:
    late = np.clip(0.004 + 0.02 * d.build + 0.08 * (d.rng.random(DAY_S) < 0.003) + np.abs(d.noise(0.002)), 0, None)
    yield "self", "wftop.tick.lateness", {}, "", late
    yield "self", "wftop.source.coverage", {"source": "gpu"}, "", 1 - 0.08 * d.build
    sealing = (d.second % 3600 > 20) & (d.second % 3600 < 26)
    yield (
        "self",
        "wftop.cpu.utilization",
        {"source": "recorder"},
        "",
        0.01 + 0.6 * sealing + np.abs(d.noise(0.003)),
    )
    yield "self", "wftop.memory.usage", {"source": "recorder"}, "", 6.2e7 + 5e6 * (d.second % 3600) / 3600
    yield "self", "wftop.store.unsealed", {}, "", (d.second % 3600).astype(float) + 25
    yield "self", "wftop.store.pending", {}, "", np.round(3 * d.backup * (d.rng.random(DAY_S) < 0.1))
    for name in ("store.lost", "store.damaged", "series.rejected", "push.rejected"):
        yield "self", f"wftop.{name}", {}, "", 0 * one


def rules() -> list[Rule]:
    """The built-in ones that are on."""
    found: list[Rule] = []
    for path in sorted((ROOT / "rules").glob("*.json")):
        found += [item for item in load.rules(path.read_bytes(), path.name, builtin=True) if item.enabled]
    return found


class Texts:
    """What the text signals say in the second that is looked at."""

    def __init__(self) -> None:
        self.server = READY

    def __call__(self, name: str) -> Iterable[tuple[Labels, str]]:
        """Labels and text of each thing that is there."""
        match name:
            case "gpu.state":
                return (((("gpu", "a"),), "busy"), ((("gpu", "b"),), "idle"))
            case "server.state" if self.server != GONE:
                return (((("server", "s"),), STATES[self.server]),)
            case "model.state" if self.server in (READY, LOADING):
                state = "loaded" if self.server == READY else "loading"
                return (((("model", "m"), ("server", "s")), state),)
        return ()


def counted(values: Values, before: float, up: NDArray[np.bool_] | None) -> tuple[Values, float]:
    """What a counter says, of what it grows by; and its end, with which the next day begins.

    Args:
        values: Steps of each second.
        before: Its end of the day before.
        up: Whether what counts is there: where it comes back it begins at 0. None: it always is.
    """
    said = before + np.cumsum(values)
    if up is not None:
        for begin in np.flatnonzero(np.diff(up.astype(int)) > 0) + 1:
            said[begin:] -= said[begin]
        said = np.where(up, said, np.nan)
    return said, float(said[-1])


def day_of(day: Day, totals: dict[str, float]) -> tuple[tuple[Column, ...], NDArray[np.float64]]:
    """The columns of a day, and its values: float64, (seconds, columns), NaN = no value."""
    columns: list[Column] = []
    rows: list[Values] = []
    for source, name, labels, stat, values in columns_of(day):
        item = column(source, name, labels, call="simulated", stat=stat)
        if item.kind == "counter":
            up = day.up if "server" in labels and name != "inference.server.restarts" else None
            text = item.series.text
            values, totals[text] = counted(values, totals.get(text, 0.0), up)
        columns.append(item)
        rows.append(values)
    return tuple(columns), np.ascontiguousarray(np.array(rows).T, dtype="<f8")


def main() -> None:
    """Day after day."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    used, texts = rules(), Texts()
    engine = Engine(texts)
    engine.use(used, Instant(START_S * NS_PER_S, NS_PER_S))
    totals: dict[str, float] = {}
    firings: Counter[str] = Counter()
    rule_days: set[tuple[str, int]] = set()
    columns: tuple[Column, ...] = ()
    began, layout, seq, wall_s = time.process_time(), None, 0, START_S
    for number in range(given.first, given.first + given.days):
        day = Day(number)
        columns, matrix = day_of(day, totals)
        layout = layout or Layout(1, columns)
        for second in range(DAY_S):
            wall_s += 1 + day.steps.get(second, 0)
            if day.asleep and day.asleep[0] <= second < day.asleep[1]:
                continue
            seq += 1
            boot_ns = ((number - given.first) * DAY_S + second + 1) * NS_PER_S
            texts.server = int(day.state[second])
            tick = Tick(seq, wall_s - 1, boot_ns, 1, 1, matrix[second].tobytes())
            for kind, alert in engine.second(tick, layout, SOURCES, Instant(wall_s * NS_PER_S, boot_ns)):
                if kind == FIRED:
                    firings[alert.key] += 1
                    clock = f"{second // 3600:02}:{second % 3600 // 60:02}"
                    value = f"{alert.fired_value:.4g} {alert.judge.unit}"
                    print(f"day {number:2} {clock} {alert.key} {value}", flush=True)
            for alert in engine.alerts():
                if alert.state == "firing":
                    rule_days.add((alert.rule.id, number))
    bound = sum(bool(item.alerts) for item in engine.running.values())
    share = len(rule_days) / (bound * given.days)
    print(
        f"{given.days} days, {len(used)} rules, {bound} of them with series, {len(columns)} series: "
        f"{sum(firings.values())} firings, {len(rule_days)} rule-days = {share:.2%}, "
        f"{time.process_time() - began:.0f} s of CPU"
    )
    for rule in sorted({rule for rule, _ in rule_days}):
        days = sum(name == rule for name, _ in rule_days)
        times = sum(count for key, count in firings.items() if key.partition("{")[0] == rule)
        print(f"  {rule:28} {days:2} days, {times} firings")
    print("  no series:", ", ".join(sorted(item.rule.id for item in engine.running.values() if not item.alerts)))


if __name__ == "__main__":
    main()
