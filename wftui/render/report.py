"""One state of the machine as a calm text report: sections of lines, no colours, no boxes.

Unknown is ``-`` and the sources at the end say why; a section without a single value says why in its place.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from wftui.model import health, processes, servers
from wftui.model.event import Event
from wftui.model.health import Health
from wftui.model.sample import Column
from wftui.model.series import series
from wftui.model.table import Row, TableSchema
from wftui.render import drawing, serving, stream_words, streams, text
from wftui.text import clean, cut_middle, fit
from wftui.units import NS_PER_S
from wftui.wire.messages import Recording, StatusReply

TOP: Final = 10
_EVENTS: Final = 5
_NUMBER: Final = re.compile(r"(\d+)")


class State(NamedTuple):
    """Everything known at one moment."""

    time_ns: int
    host: str
    program: str
    """wftop's version."""
    recorder: StatusReply | None
    """None: no recorder answered, wftop sampled by itself."""
    values: Mapping[str, tuple[Column, float]]
    """Canonical text to column and value; without NaN."""
    rates: Mapping[str, float]
    """Canonical text of a counter to its growth per second."""
    tables: Mapping[str, tuple[TableSchema, Mapping[str, Row]]]
    health: list[Health]
    events: list[Event]
    recording: Recording | None = None
    """What a moment of a bundle is of; None: it is of now."""

    def value(self, name: str, **labels: str) -> float | None:
        """Value of one series; None: unknown."""
        found = self.values.get(series(name, labels).text)
        return None if found is None else found[1]

    def rate(self, name: str, **labels: str) -> float | None:
        """Growth per second of one counter; None: unknown."""
        return self.rates.get(series(name, labels).text)

    def labels(self, name: str, key: str) -> list[str]:
        """Values of a label over the series of a metric, in natural order."""
        found = {column.series.label(key) for column, _ in self.values.values() if column.series.name == name}
        return sorted(found - {""}, key=_natural)

    def why(self, *sources: str) -> str:
        """Why the sources gave nothing."""
        reasons = [item.reason for item in self.health if item.source in sources and item.reason]
        return clean("; ".join(dict.fromkeys(reasons))) or "no value yet"


class Section(NamedTuple):
    """A heading and its lines."""

    title: str
    lines: list[str]


def report(state: State, width: int) -> list[Section]:
    """The whole report; no line is wider than ``width`` columns, but for reasons and fixes, which wrap."""
    return [
        _head(state),
        _cpu(state, width),
        _memory(state),
        _pressure(state),
        _disks(state, width),
        _network(state),
        _sensors(state),
        _gpus(state),
        *_serving(state),
        *([Section("Streams of tokens", told)] if (told := streams.lines(state)) else []),
        *([Section("Frames and fidelity", drawn)] if (drawn := drawing.lines(state)) else []),
        _processes(state, width),
        _sources(state),
        *([_events(state)] if state.events else []),
    ]


def _natural(value: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _NUMBER.split(value)]


def _head(state: State) -> Section:
    time_s = state.time_ns / NS_PER_S
    lines = [f"{text.day(time_s)} {text.clock(time_s)} {text.offset(time_s)}"]
    up_s = state.value("system.uptime")
    if up_s is not None:
        lines[0] += f", up {text.duration(up_s)}"
    if state.recording is not None:
        lines.append(f"a recording, made by {clean(state.recording.program)}: nothing of it is of now")
    elif state.recorder is None:
        lines.append("no recorder runs: two readings, half a second apart; nothing was written")
    else:
        since_s = (state.time_ns - state.recorder.started_ns) / NS_PER_S
        lines.append(f"recorder pid {state.recorder.pid}, recording for {text.duration(max(0.0, since_s))}")
    return Section(f"wftop {state.program} on {clean(state.host)}", lines)


def _percent(value: float | None) -> str:
    return text.percent(value).strip()


def _peak(state: State, name: str, **labels: str) -> str:
    value, peak = state.value(name, **labels), state.value(name, stat="max", **labels)
    if value is None or peak is None or _percent(peak) == _percent(value):
        return _percent(value)
    return f"{_percent(value)} (peak {_percent(peak)})"


def _cpu(state: State, width: int) -> Section:
    count = state.value("system.cpu.logical.count")
    cores = state.labels("system.cpu.logical.utilization", "cpu")
    first = f"busy {_peak(state, 'system.cpu.utilization')} of {text.count(count).strip()} cores"
    loads = [text.decimal(state.value(f"system.cpu.load_average.{span}")).strip() for span in ("1m", "5m", "15m")]
    queue = state.value("system.cpu.run_queue")
    first += f", load {' '.join(loads)}, {text.count(queue).strip()} running or waiting"
    modes = [(mode, state.rate("system.cpu.time", mode=mode)) for mode in state.labels("system.cpu.time", "mode")]
    lines = [first]
    total = sum(rate for _, rate in modes if rate is not None)
    if total > 0:
        shares = [f"{mode} {_percent(rate / total)}" for mode, rate in modes if rate]
        lines.append(", ".join(shares))
    cells = [f"{core}: {_percent(state.value('system.cpu.logical.utilization', cpu=core))}" for core in cores]
    lines += _columns(cells, width)
    limit = state.value("container.cpu.limit")
    if limit is not None:
        throttled = state.rate("container.cpu.throttled.time")
        lines.append(f"container limit {text.decimal(limit).strip()} cores, throttled {_percent(throttled)}")
    return Section("CPU", lines)


def _columns(cells: list[str], width: int) -> list[str]:
    if not cells:
        return []
    wide = max(map(len, cells)) + 2
    per_line = max(1, (width - 4) // wide)
    return [
        "".join(cell.ljust(wide) for cell in cells[start : start + per_line]).rstrip()
        for start in range(0, len(cells), per_line)
    ]


def _size(value: float | None) -> str:
    return text.size(value).strip()


def _rate(value: float | None) -> str:
    return text.rate(value).strip()


def _memory(state: State) -> Section:
    used = state.value("system.memory.usage", mode="used")
    limit = state.value("system.memory.limit")
    lines = [
        f"in use {_peak(state, 'system.memory.utilization')} of {_size(limit)}",
        f"used {_size(used)}, available {_size(state.value('system.memory.available'))},"
        f" cached {_size(state.value('system.memory.usage', mode='cached'))},"
        f" buffers {_size(state.value('system.memory.usage', mode='buffers'))}",
    ]
    swap_used, swap_free = (state.value("system.paging.usage", mode=mode) for mode in ("used", "free"))
    if swap_used is None or swap_free is None:
        lines.append("swap -")
    elif swap_used + swap_free == 0:
        lines.append("no swap")
    else:
        lines.append(f"swap {_size(swap_used)} of {_size(swap_used + swap_free)}")
    huge = [state.value("system.memory.huge_pages.usage", mode=mode) for mode in ("used", "free")]
    if huge[0] is not None and huge[1] is not None and sum(huge) > 0:  # type: ignore[arg-type]  # neither is None
        lines.append(f"huge pages {_size(huge[0])} used, {_size(huge[1])} free")
    kills = state.value("container.memory.oom_kills")
    container = state.value("container.memory.usage")
    if container is not None:
        line = f"container {_size(container)} of {_size(state.value('container.memory.limit') or limit)}"
        lines.append(
            line + (f", {text.count(kills).strip()} processes killed for lack of memory" if kills else "")
        )
    return Section("Memory", lines)


def _pressure(state: State) -> Section:
    name = "system.pressure.utilization"
    lines = []
    for device in state.labels(name, "device"):
        some, full = (_peak(state, name, device=device, mode=mode) for mode in ("some", "full"))
        lines.append(f"{fit(device, 7)} some {some}" + (f", all {full}" if full != text.UNKNOWN else ""))
    return Section("Pressure (share of the time stalled)", lines or [f"- {state.why('pressure')}"])


def _disks(state: State, width: int) -> Section:
    lines = []
    for device in state.labels("system.disk.io", "device"):
        read, write = (state.rate("system.disk.io", device=device, direction=way) for way in ("read", "write"))
        busy = _peak(state, "system.disk.utilization", device=device)
        queue = text.decimal(state.value("system.disk.queue", device=device)).strip()
        name = fit(clean(device), 12)
        lines.append(f"{name} read {_rate(read):>10}, write {_rate(write):>10}, busy {busy}, queue {queue}")
    for mount in state.labels("system.filesystem.limit", "mount"):
        share = state.value("system.filesystem.utilization", mount=mount)
        used = state.value("system.filesystem.usage", mount=mount, mode="used")
        limit = state.value("system.filesystem.limit", mount=mount)
        name = cut_middle(clean(mount), max(12, width - 40))
        lines.append(f"{_percent(share):>5} of {name}: {_size(used)} of {_size(limit)}")
    return Section("Disks", lines or [f"- {state.why('disks', 'mounts')}"])


def _network(state: State) -> Section:
    lines = []
    for interface in state.labels("system.network.io", "interface"):
        ways = {
            way: state.rate("system.network.io", interface=interface, direction=way)
            for way in ("receive", "transmit")
        }
        line = f"{fit(clean(interface), 12)} in {_rate(ways['receive']):>10}, out {_rate(ways['transmit']):>10}"
        for kind in ("errors", "dropped"):
            rates = [
                state.rate(f"system.network.{kind}", interface=interface, direction=way)
                for way in ("receive", "transmit")
            ]
            lost = sum(rate for rate in rates if rate is not None)
            if lost > 0:
                line += f", {text.count(lost).strip()}/s {kind}"
        speed = state.value("system.network.link.speed", interface=interface)
        lines.append(line + (f", link {_rate(speed)}" if speed is not None else ""))
    return Section("Network", lines or [f"- {state.why('network')}"])


def _sensors(state: State) -> Section:
    lines = []
    for sensor in state.labels("hw.temperature", "sensor"):
        degrees = text.celsius(state.value("hw.temperature", sensor=sensor)).strip()
        limit = state.value("hw.temperature.limit", sensor=sensor)
        critical = f" (critical {text.celsius(limit).strip()})" if limit is not None else ""
        lines.append(f"{clean(sensor)}: {degrees}{critical}")
    lines += [
        f"{clean(sensor)}: {text.count(state.value('hw.fan.speed', sensor=sensor)).strip()} rpm"
        for sensor in state.labels("hw.fan.speed", "sensor")
    ]
    lines += [
        f"{clean(sensor)}: {_percent(state.value('hw.battery.charge', sensor=sensor))} charged"
        for sensor in state.labels("hw.battery.charge", "sensor")
    ]
    return Section("Sensors", lines or [f"- {state.why('sensors')}"])


def _gpus(state: State) -> Section:
    seen = [
        (vendor, state.value("hw.gpu.count", device=vendor)) for vendor in state.labels("hw.gpu.count", "device")
    ]
    lines = [f"{clean(vendor)}: {number:.0f} on the PCI bus" for vendor, number in seen if number]
    return Section("GPUs", lines or [f"- {state.why('gpu')}"])


def _serving(state: State) -> list[Section]:
    """Of machines that serve models."""
    if servers.SERVERS.name not in state.tables:
        return []
    told = serving.found(state.tables, state.values, state.rates)
    return [Section("Model servers", serving.lines(told))] if told else []


def _processes(state: State, width: int) -> Section:
    if processes.PROCESSES.name not in state.tables:
        return Section("Processes", [f"- {state.why('processes')}"])
    _, rows = state.tables[processes.PROCESSES.name]
    ranked = sorted(rows.values(), key=lambda row: (-_number(row[processes.CPU]), -_number(row[processes.MEMORY])))
    lines = [f"{'PID':>8} {'USER':10} {'CPU':>6} {'MEMORY':>9} NAME AND COMMAND"]
    for row in ranked[:TOP]:
        name, command = (clean(str(row[place] or "")) for place in (processes.NAME, processes.COMMAND))
        line = (
            f"{row[processes.PID]!s:>8} {fit(clean(str(row[processes.USER] or '-')), 10)}"
            f" {_percent(_known(row[processes.CPU])):>6} {_size(_known(row[processes.MEMORY])):>9} "
        )
        shown = command if command.startswith(name) and name else f"{name} {command}".strip()
        lines.append(line + fit(shown, max(8, width - 4 - len(line))).rstrip())
    return Section(f"Processes ({len(rows)}, by CPU; 100 % = one core)", lines)


def _known(cell: object) -> float | None:
    return float(cell) if isinstance(cell, int | float) else None


def _number(cell: object) -> float:
    return float(cell) if isinstance(cell, int | float) else -1.0


def _sources(state: State) -> Section:
    fine = [item.source for item in state.health if item.state == health.OK and not item.reason]
    lines = [f"ok: {', '.join(map(clean, fine))}"] if fine else []
    for item in state.health:
        if item.source not in fine:
            fix = f"; fix: {clean(item.fix)}" if item.fix else ""
            lines.append(f"{clean(item.source)} {item.state}: {clean(item.reason)}{fix}")
    return Section("Sources", lines or ["- no source answered yet"])


def _events(state: State) -> Section:
    lines = []
    for event in state.events[-_EVENTS:]:
        details = ", ".join(f"{key} {value}" for key, value in event.payload.items())
        about = f"{event.aggregate_type} {event.aggregate_id}"
        if event.aggregate_type in stream_words.KINDS:
            about = stream_words.named(event.payload) or event.aggregate_type
            details = stream_words.said(event.type, event.payload) or details
        lines.append(clean(f"{text.clock(event.time_ns / NS_PER_S)} {event.type} ({about}) {details}".rstrip()))
    return Section("Newest events", lines)


def plain(value: str) -> str:
    """The same line in ASCII: a degree sign is left out, other letters become escapes."""
    return (
        value.replace("°", "")
        .replace("…", "..")
        .replace("±", "+-")
        .encode("ascii", "backslashreplace")
        .decode("ascii")
    )


def rates(
    before: Mapping[str, tuple[Column, float]], now: Iterable[tuple[Column, float]], elapsed_s: float
) -> dict[str, float]:
    """Growth per second of the counters that both readings have; a smaller reading is a reset and has none."""
    found = {}
    for column, value in now:
        old = before.get(column.series.text)
        if column.kind == "counter" and old is not None and elapsed_s > 0 and value >= old[1]:
            found[column.series.text] = (value - old[1]) / elapsed_s
    return found
