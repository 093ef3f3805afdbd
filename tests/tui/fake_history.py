"""A recorder's history without a recorder: any range of a deterministic machine, and a link that answers."""

from __future__ import annotations

import math
from array import array
from fnmatch import fnmatchcase

import msgspec

from tests.tui.fake import GIB, NOW_S
from wftui.model.event import Event
from wftui.model.sample import APPORTIONED, Column, column
from wftui.model.series import matches
from wftui.model.tick import pack
from wftui.wire import messages as wire

NS = 1_000_000_000
NAN = float("nan")
FIRST_S = NOW_S - 5 * 3600 - 700
GAPS = ((NOW_S - 9000, NOW_S - 8100), (NOW_S - 1500, NOW_S - 1380))
SPIKE_S = NOW_S - 2400


def _noise(second: int, salt: int) -> float:
    """0..1, the same for the same second."""
    mixed = (second * 2_654_435_761 + salt * 40_503) & 0xFFFFFFFF
    mixed ^= mixed >> 15
    return (mixed * 2_246_822_519 & 0xFFFFFFFF) / 0xFFFFFFFF


def _busy(second: int) -> float:
    slow = 0.16 + 0.1 * math.sin(second / 2900) + 0.05 * math.sin(second / 411)
    spike = 0.6 * math.exp(-(((second - SPIKE_S) / 260) ** 2))
    return min(1.0, max(0.004, slow + spike + 0.22 * (_noise(second, 1) - 0.3) ** 3 * 4))


def _columns() -> list[Column]:
    labelled: list[tuple[str, dict[str, str], str]] = [
        ("system.cpu.utilization", {}, ""),
        ("system.cpu.utilization", {}, "max"),
        ("system.memory.utilization", {}, ""),
        ("system.pressure.utilization", {"device": "io", "mode": "some"}, ""),
        ("system.pressure.utilization", {"device": "cpu", "mode": "some"}, ""),
        ("system.disk.io", {"device": "nvme0n1", "direction": "read"}, ""),
        ("system.disk.io", {"device": "nvme0n1", "direction": "write"}, ""),
        ("system.disk.io", {"device": "sda", "direction": "read"}, ""),
        ("system.disk.io", {"device": "sda", "direction": "write"}, ""),
        ("system.network.io", {"interface": "enp5s0", "direction": "receive"}, ""),
        ("system.network.io", {"interface": "enp5s0", "direction": "transmit"}, ""),
        ("system.memory.available", {}, ""),
        ("hw.temperature", {"sensor": "k10temp Tctl"}, ""),
        ("hw.temperature", {"sensor": "nvme Composite"}, ""),
        ("system.cpu.load_average.1m", {}, ""),
    ]
    found = [column("test", name, labels, call="test", stat=stat) for name, labels, stat in labelled]
    return sorted(found, key=lambda item: item.series.text)


COLUMNS = _columns()


def value(text: str, second: int) -> float:
    """A series in one second; counters as rates."""
    busy = _busy(second)
    if "cpu.utilization" in text:
        return busy
    if "memory.utilization" in text:
        return min(0.97, 0.42 + 0.25 * (second - FIRST_S) / 18_700 + 0.12 * busy)
    if "pressure" in text:
        return max(0.0, 0.5 * busy - 0.12) * (0.4 + _noise(second, 2)) if "io" in text else 0.02 * busy
    if "disk.io" in text:
        if "sda" in text:
            return 0.0
        return busy * (310e6 if "read" in text else 84e6) * (0.3 + 0.9 * _noise(second, 3 + ("read" in text)))
    if "network.io" in text:
        return (20e6 + 45e6 * busy) * (0.5 + 0.5 * _noise(second, 6)) * (1.0 if "receive" in text else 0.2)
    if "memory.available" in text:
        return 64 * GIB * (1 - value("memory.utilization", second))
    if "temperature" in text:
        # The second sensor fell silent an hour ago.
        if "nvme" in text:
            return NAN if second > NOW_S - 3600 else 38.0 + 3 * busy
        return 44 + 30 * busy + 2 * _noise(second, 7)
    return 8 * busy


def recorded(second: int) -> bool:
    """Whether there is a tick."""
    return FIRST_S <= second < NOW_S and not any(begin <= second < end for begin, end in GAPS)


def answer(question: wire.Range) -> wire.RangeReply:
    """min/mean/max per bucket of up to 40 seconds in each."""
    since, until = question.since_ns // NS, -(-question.until_ns // NS)
    step = max(1, math.ceil((until - since) / question.points))
    points = -(-(until - since) // step)
    seconds = [
        [s for s in range(since + at * step, since + (at + 1) * step, max(1, step // 40)) if recorded(s)]
        for at in range(points)
    ]
    counts = [sum(1 for _ in held) * max(1, step // 40) for held in seconds]
    series = []
    for item in COLUMNS:
        if not any(matches(pattern, item.series) for pattern in question.selectors):
            continue
        low, mean, high = (array("d", [NAN]) * points for _ in range(3))
        for at, held in enumerate(seconds):
            known = [v for s in held if (v := value(item.series.text, s)) == v]
            if known:
                low[at], mean[at], high[at] = min(known), sum(known) / len(known), max(known)
        series.append(wire.RangeSeries(item, pack(low), pack(mean), pack(high)))
    return wire.RangeReply(
        since * NS, step * NS, points, counts, series, 1 if step < 10 else 10 if step < 300 else 300
    )


def events() -> list[Event]:
    """What happened, in order."""

    def at(seq: int, age_s: float, kind: str, about: tuple[str, str], payload: dict[str, object]) -> Event:
        return Event(seq, f"h{seq}", int((NOW_S - age_s) * NS), kind, *about, payload=dict(payload))

    return [
        at(1, NOW_S - FIRST_S, "recorder.started", ("recorder", "812"), {"version": "0.2.0"}),
        at(2, 9000, "machine.down", ("recorder", "812"), {"last_s": NOW_S - 9000}),
        at(3, 8100, "recorder.started", ("recorder", "901"), {"version": "0.2.0"}),
        at(4, 2500, "mark.set", ("mark", "batch"), {"name": "batch begins"}),
        at(
            5,
            2410,
            "source.state",
            ("source", "sensors"),
            {"before": "ok", "after": "late", "reason": "took 6.1 s"},
        ),
        at(6, 2405, "process.oom_killed", ("process", "1394"), {"name": "rsync"}),
        at(7, 2404, "source.state", ("source", "sensors"), {"before": "late", "after": "ok"}),
        at(8, 700, "signal.sent", ("process", "1394"), {"signal": "SIGTERM", "name": "rsync"}),
        at(9, 699, "signal.sent", ("process", "1395"), {"signal": "SIGTERM", "name": "rsync"}),
    ]


def difference(item: Column, question: wire.Compare) -> wire.Difference:
    """One series in both ranges, a sample each 7 s."""

    def stats(since_ns: int, until_ns: int) -> wire.RangeStats | None:
        known = sorted(
            v
            for s in range(since_ns // NS, until_ns // NS, 7)
            if recorded(s) and (v := value(item.series.text, s)) == v
        )
        if not known:
            return None
        mean = sum(known) / len(known)
        spread = math.sqrt(sum((v - mean) ** 2 for v in known) / len(known))
        p50, p95 = known[len(known) // 2], known[int(len(known) * 0.95)]
        return wire.RangeStats(len(known), mean, known[0], known[-1], p50, p95, spread)

    a, b = stats(question.a_since_ns, question.a_until_ns), stats(question.b_since_ns, question.b_until_ns)
    noise = NAN
    if a is not None and b is not None:
        noise = 1.96 * math.hypot(a.deviation, b.deviation) / math.sqrt(max(1, min(a.count, b.count) / 8))
    return wire.Difference(item, a, b, noise)


def at_moment(question: wire.At) -> wire.AtReply:
    """One second; what disks did was a share of something larger until an hour ago."""
    second = question.time_ns // NS
    if not recorded(second):
        begin, end = next(((b, e) for b, e in GAPS if b <= second < e), (None, None))
        return wire.AtReply(None, None, [], begin - 1 if begin is not None else None, end)
    columns = COLUMNS
    if second < NOW_S - 3600:
        columns = [
            msgspec.structs.replace(item, quality=APPORTIONED, call="then")
            if "disk.io" in item.series.text
            else item
            for item in COLUMNS
        ]
    tick = wire.TickArrived(
        second - FIRST_S + 1, second, second * NS, 0, 1,
        pack(array("d", [value(item.series.text, second) for item in columns])),
    )  # fmt: skip
    return wire.AtReply(tick, wire.LayoutChanged(1, columns), [])


def reply(message: wire.Message) -> wire.Message:
    """What a recorder with this history answers.

    Raises:
        AssertionError: Nobody asks a recorder that.
    """
    if isinstance(message, wire.Catalogue):
        return wire.CatalogueReply(COLUMNS, [], FIRST_S * NS, NOW_S * NS)
    if isinstance(message, wire.Range):
        return answer(message)
    if isinstance(message, wire.At):
        return at_moment(message)
    if isinstance(message, wire.Events):
        found = [
            item
            for item in events()
            if (message.since_ns is None or item.time_ns >= message.since_ns)
            and (message.until_ns is None or item.time_ns < message.until_ns)
            and (not message.types or any(fnmatchcase(item.type, pattern) for pattern in message.types))
        ]
        more = len(found) > message.limit
        return wire.EventsReply(found[-message.limit :] if message.newest else found[: message.limit], more)
    if isinstance(message, wire.Compare):
        named = [c for c in COLUMNS if any(matches(pattern, c.series) for pattern in message.selectors)]
        return wire.CompareReply([difference(item, message) for item in named], 1, 1)
    if isinstance(message, wire.Mark):
        return wire.Ok()
    raise AssertionError(f"not expected: {message!r}")


class HistoryLink:
    """Answers questions, notes them, follows nothing."""

    def __init__(self) -> None:
        self.asked: list[wire.Message] = []

    async def follow(self) -> None:
        return

    async def ask(self, message: wire.Message, timeout_s: float) -> wire.Message:
        assert timeout_s > 0
        self.asked.append(message)
        return reply(message)

    def report_soon(self) -> None:
        """Nobody reads reports."""

    def rate_changed(self) -> None:
        return
