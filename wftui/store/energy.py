"""Joules over any range, device by device, from the stored counters.

What flowed is summed second by second, and never across a gap, a reset or a restart: what is not known is not
counted, and the coverage says how much of the range that is. Each part keeps how it was known.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from wftui.model import gpus as cells
from wftui.model.sample import MEASURED, Column
from wftui.model.table import Row
from wftui.store import query
from wftui.store.archive import Archive
from wftui.units import NS_PER_S
from wftui.wire import messages as m

GPU_ENERGY: Final = "hw.gpu.energy"
HOST_ENERGY: Final = "hw.energy"
GPU: Final = "gpu"
HOST: Final = "host"
DEADLINE_S: Final = 30.0
_UP: Final = "hw.gpu.up"
_PACKAGE: Final = re.compile(r"package-\d+")
"""Of a CPU, cores and graphics lie within the package, ``psys`` is more than it: only packages are summed."""
_LATE_S: Final = 10
"""A range that ends so shortly after the newest second ends with it."""


class Part(NamedTuple):
    """Energy that was known in one way."""

    joules: float
    known_s: float
    """Seconds that it stands for."""
    quality: str
    call: str
    """The file, call or rule behind it."""


class Device(NamedTuple):
    """One GPU, or one domain of the host."""

    kind: str
    """``gpu`` or ``host``."""
    id: str
    """UUID, or the domain's name."""
    number: int | None
    """Of a GPU, as the driver counts now; None: it has none."""
    name: str
    state: str
    """Of a GPU, at the end of the range; empty: not told."""
    parts: tuple[Part, ...]
    """The longest first; empty: there was no reading."""
    summed: bool
    """Whether it belongs into a sum; what lies within another device does not."""

    @property
    def joules(self) -> float | None:
        """None: no reading, which is not 0."""
        return sum(item.joules for item in self.parts) if self.parts else None

    @property
    def known_s(self) -> float:
        """Seconds of the range of which the energy is known."""
        return sum(item.known_s for item in self.parts)

    @property
    def quality(self) -> str:
        """``measured`` only when all of it was; empty: no reading."""
        if not self.parts:
            return ""
        return next((item.quality for item in self.parts if item.quality != MEASURED), MEASURED)


class Energy(NamedTuple):
    """All devices over the seconds [since, until)."""

    since_s: int
    until_s: int
    recorded_s: int
    """Seconds with a tick."""
    level_s: int
    """Seconds of one row of the data behind the sums; the range's ends are cut to multiples of it."""
    devices: tuple[Device, ...]

    def coverage(self, device: Device) -> float:
        """Share of the range of which a device's energy is known."""
        return min(1.0, device.known_s / max(1, self.until_s - self.since_s))

    def of(self, kind: str) -> list[Device]:
        """The devices of a kind that belong into its sum."""
        return [item for item in self.devices if item.kind == kind and item.summed]


class Sum(NamedTuple):
    """Devices together; how many of them it stands for is part of the figure."""

    joules: float | None
    """None: not one has a reading."""
    told: int
    """Devices with a reading."""
    devices: int


def total(devices: Iterable[Device]) -> Sum:
    """Add devices up, and say how many of them have no reading."""
    items = list(devices)
    known = [item.joules for item in items if item.joules is not None]
    return Sum(sum(known) if known else None, len(known), len(items))


def energy(archive: Archive, since_s: int, until_s: int, deadline_s: float = DEADLINE_S) -> Energy:
    """Joules of every GPU and CPU package in the seconds [since, until).

    Raises:
        TooLargeError: It took too long.
        ProtocolError: The range is empty.
        StoreError: The recording cannot be read.
    """
    last = archive.neighbours(until_s)[0]
    if last is not None and since_s < last + 1 < until_s <= last + _LATE_S:
        until_s = last + 1
    question = m.Range([], since_s * NS_PER_S, until_s * NS_PER_S, 1)
    ways = {
        (item.series.name, item.quality, item.call)
        for item in archive.columns()
        if item.series.name in (GPU_ENERGY, HOST_ENERGY) and not item.series.stat
    }
    found: dict[tuple[str, str], list[Part]] = {}
    seen: set[str] = set()
    # Whether a GPU was there is asked first: it also tells how much was recorded at all.
    held, level_s = query.totals(
        archive, question, lambda item: item.series.name == _UP and not item.series.stat, deadline_s
    )
    recorded_s, begin_s, end_s = sum(held.counts), held.start_s, max(until_s, held.start_s + held.step_s)
    for text, column in held.columns.items():
        if text in held.series:
            seen.add(column.series.label("gpu"))
    for name, quality, call in sorted(ways):

        def wanted(item: Column, way: tuple[str, str, str] = (name, quality, call)) -> bool:
            return (item.series.name, item.quality, item.call) == way and not item.series.stat

        held, level = query.totals(archive, question, wanted, deadline_s)
        level_s = max(level_s, level)
        begin_s, end_s = min(begin_s, held.start_s), max(end_s, held.start_s + held.step_s)
        recorded_s = max(recorded_s, sum(held.counts))
        for text, sums in held.series.items():
            known_s = sum(sums.weight)
            if known_s:
                key = (name, held.columns[text].series.label("gpu" if name == GPU_ENERGY else "device"))
                found.setdefault(key, []).append(Part(sum(sums.total), float(known_s), quality, call))
    rows = _rows(archive, since_s, until_s)
    seen |= {item for name, item in found if name == GPU_ENERGY} | rows.keys()
    told = (_gpu(uuid, rows.get(uuid), found.get((GPU_ENERGY, uuid), ())) for uuid in seen)
    devices = [item for item in told if item is not None]
    hosts = [
        Device(HOST, item, None, item, "", _sorted(parts), _PACKAGE.fullmatch(item) is not None)
        for (name, item), parts in found.items()
        if name == HOST_ENERGY
    ]
    ordered = sorted(devices, key=lambda item: (item.number is None, item.number or 0, item.id))
    ordered += sorted(hosts, key=lambda item: (not item.summed, item.id))
    span_s = end_s - begin_s
    return Energy(begin_s, end_s, min(recorded_s, span_s), level_s, tuple(ordered))


def _sorted(parts: Iterable[Part]) -> tuple[Part, ...]:
    return tuple(sorted(parts, key=lambda item: (-item.known_s, item.call)))


def _gpu(uuid: str, row: Row | None, parts: Iterable[Part]) -> Device | None:
    """None: it is a part of a card, whose energy is the card's."""
    if row is None:
        return Device(GPU, uuid, None, "", "", _sorted(parts), True)
    if row[cells.PARENT]:
        return None
    index = row[cells.INDEX]
    return Device(
        GPU,
        uuid,
        index if isinstance(index, int) else None,
        str(row[cells.NAME] or ""),
        str(row[cells.STATE] or ""),
        _sorted(parts),
        True,
    )


def _rows(archive: Archive, since_s: int, until_s: int) -> dict[str, Row]:
    """The newest row of every GPU that was there in the range."""
    found: dict[str, Row] = {}
    for _, change in archive.changes(cells.GPUS.name, since_s * NS_PER_S, until_s * NS_PER_S):
        found.update(change.rows)
    return found
