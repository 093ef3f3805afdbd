"""What `wftop doctor` looks at of the GPUs: library, driver, each GPU, calls, the worker's cost, CPU energy."""

from typing import Final

from wftui.cli.checks import BAD, OK, WARN, Check, level
from wftui.energy.meter import WORDS
from wftui.model import gpus as cells
from wftui.model import health
from wftui.model.health import Health
from wftui.model.table import Row
from wftui.render import text
from wftui.render.report import State
from wftui.text import clean
from wftui.units import NS_PER_S

AREA: Final = "gpu"
_NVIDIA: Final = "gpu"
_TITLES: Final = {"gpu": "NVIDIA", "gpu.presence": "PCI bus", "gpu.sysfs": "AMD and Intel", "energy": "CPU energy"}
"""Sources to what a person calls them."""
_WORKER: Final = "gpu.worker"
_WORKER_CPU: Final = 0.02
_WORKER_MEMORY: Final = 18 * 2**20
_LEVELS: Final = {
    health.OK: OK, health.ASLEEP: OK, health.UNSUPPORTED: WARN, health.DENIED: WARN, health.STUCK: BAD,
    cells.LOST: BAD, health.FAILED: BAD,
}  # fmt: skip
_SLOWEST: Final = 3
_XID_S: Final = 86_400.0
_CALLS: Final = "wftop.gpu.call.duration"
_ROWS: Final = "hw.gpu.memory.remapped_rows"


def gpu(state: State) -> list[Check]:
    """The area ``gpu``: nothing but the word on why when there is no GPU."""
    table = state.tables.get(cells.GPUS.name)
    rows = sorted(table[1].values(), key=_order) if table is not None else []
    found = [_source(state, item, rows) for item in state.health if item.source in _TITLES]
    found += [_card(state, row) for row in rows]
    found += [check for row in rows if (check := _memory(state, row)) is not None]
    return [*found, *_worker(state), *_calls(state)]


def _order(row: Row) -> tuple[bool, float, str, str]:
    index = row[cells.INDEX]
    known = isinstance(index, int | float)
    # A MIG instance has the index of its card and stands behind it.
    return (
        not known,
        float(index) if isinstance(index, int | float) else 0.0,
        _word(row, cells.PARENT),
        _word(row, cells.UUID),
    )


def _word(row: Row, place: int) -> str:
    return clean(str(row[place] or ""))


def _source(state: State, item: Health, rows: list[Row]) -> Check:
    said = f"{item.state}: {item.reason}" if item.reason else item.state
    if item.source == _NVIDIA:
        ours = [row for row in rows if row[cells.VENDOR] == "nvidia"]
        driver = next((word for row in ours if (word := _word(row, cells.DRIVER))), "")
        cuda = next((word for row in ours if (word := _word(row, cells.CUDA))), "")
        if driver:
            said += f"; driver {driver}" + (f", CUDA {cuda}" if cuda else "")
    verdict = level(item.state)
    if item.source == _NVIDIA and item.state == health.ABSENT and state.value("hw.gpu.count", device="nvidia"):
        verdict = WARN  # there is one, and nothing reads it
    return Check(AREA, _TITLES[item.source], verdict, said, item.fix)


def _name(row: Row) -> str:
    index = row[cells.INDEX]
    if isinstance(index, int | float):
        return f"{'MIG of GPU' if row[cells.PARENT] else 'GPU'} {index:.0f}"
    return f"GPU at {_word(row, cells.BUS) or _word(row, cells.UUID)}"


def _card(state: State, row: Row) -> Check:
    now = _word(row, cells.STATE)
    worst = _LEVELS.get(now, WARN)
    reason = _word(row, cells.REASON)
    said = [f"{_word(row, cells.NAME) or _word(row, cells.UUID)} {now}" + (f": {reason}" if reason else "")]
    fix = str(row[cells.FIX] or "")
    if now != health.OK:
        since = _ago(state, row[cells.SINCE])
        said += [f"since {since}"] if since else []
    else:
        source = _word(row, cells.ENERGY_SOURCE)
        said.append(f"energy {WORDS.get(source, source)}" if source else "no energy reading")
    throttle = [
        cells.REASONS.get(word, word)
        for word in _word(row, cells.THROTTLED).split(",")
        if word and word not in cells.HARMLESS
    ]
    if throttle:
        said.append(f"held back: {', '.join(throttle)}")
        worst = WARN if worst == OK else worst
    xid, when = row[cells.LAST_XID], row[cells.LAST_XID_TIME]
    if isinstance(xid, int | float) and isinstance(when, int | float):
        if (state.time_ns - when) / NS_PER_S < _XID_S:
            worst = WARN if worst == OK else worst
        said.append(f"Xid {xid:.0f} {_ago(state, when)} ago")
    if row[cells.MEMORY_KIND] == cells.UNIFIED:
        said.append("uses the system's memory")
    if row[cells.UNAVAILABLE]:
        said.append(f"not offered: {_word(row, cells.UNAVAILABLE).replace(',', ', ')}")
    return Check(AREA, _name(row), worst, ", ".join(said), fix)


def _ago(state: State, when: object) -> str:
    if not isinstance(when, int | float) or when <= 0:
        return ""
    return text.duration(max(0.0, (state.time_ns - when) / NS_PER_S)).strip()


def _memory(state: State, row: Row) -> Check | None:
    """Memory that broke and was replaced, or could not be."""
    uuid = str(row[cells.UUID])
    if state.value(_ROWS, gpu=uuid, mode="failure"):
        return Check(AREA, f"{_name(row)} memory", BAD, "rows could not be replaced", "have the card replaced")
    pages = state.value("hw.gpu.memory.retired_pages", gpu=uuid, mode="pending")
    if state.value(_ROWS, gpu=uuid, mode="pending") or pages:
        fix = "sudo nvidia-smi --gpu-reset" + _selected(row) + ", when nothing uses it"
        return Check(AREA, f"{_name(row)} memory", WARN, "broken memory waits to be replaced", fix)
    return None


def _selected(row: Row) -> str:
    bus = _word(row, cells.BUS)
    return f" -i {bus}" if bus else ""


def _worker(state: State) -> list[Check]:
    """What the process that reads the GPUs takes, and how often it can afford to read."""
    cpu = state.value("wftop.cpu.utilization", source=_WORKER)
    memory = state.value("wftop.memory.usage", source=_WORKER)
    interval_s = next((item.interval_s for item in state.health if item.source == _NVIDIA), 0.0)
    if cpu is None and memory is None:
        return []
    over = (cpu or 0.0) > _WORKER_CPU or (memory or 0.0) > _WORKER_MEMORY
    said = f"CPU {text.percent(cpu).strip()} of a core, memory {text.size(memory).strip()}"
    if interval_s > 0:
        said += f", reads {1 / interval_s:.3g} times a second"
    return [Check(AREA, "worker", WARN if over else OK, said + (", over its budget" if over else ""))]


def _calls(state: State) -> list[Check]:
    """Which calls of the vendor's library cost most; those that fail are what a GPU does not offer."""
    names = state.labels(_CALLS, "source")
    timed = []
    for name in names:
        p50, p99 = (_statistic(state, name, stat) for stat in ("p50", "p99"))
        if p99 is not None:
            timed.append((p99, p50, clean(name)))
    if not timed:
        return []
    timed.sort(key=lambda item: (-item[0], item[2]))
    shown = ", ".join(
        f"{name} {text.milliseconds(p50).strip()} / {text.milliseconds(p99).strip()}"
        for p99, p50, name in timed[:_SLOWEST]
    )
    return [Check(AREA, "calls", OK, f"{len(timed)} kinds, the slowest by p50 / p99: {shown}")]


def _statistic(state: State, call: str, stat: str) -> float | None:
    return state.value(_CALLS, source=call, stat=stat)
