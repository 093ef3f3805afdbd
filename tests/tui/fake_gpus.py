"""The machine of ``fake`` with GPUs in it: any number, in any trouble."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple, Self

from tests.tui.fake import GIB, HOSTILE, NAN, NOW_S, Fed, column_of, machine, wave
from wftui.model.gpus import GPU_PROCESSES, GPUS, process_key
from wftui.model.sample import Column
from wftui.model.table import Cell, Row, TableChange, TableSchema
from wftui.tui.state import State
from wftui.wire import messages as wire

NS = 10**9


class Card(NamedTuple):
    """What one GPU of the fake is."""

    place: int
    name: str = "NVIDIA H200"
    vendor: str = "nvidia"
    total: float = 140.4 * GIB
    used: float = 0.93
    load: float = 0.98
    heat: float = 71.0
    power: float = 690.0
    limit: float = 700.0
    clock: float = 1.98e9
    number: int | None = -1
    """-1: its place."""
    state: str = "ok"
    reason: str = ""
    fix: str = ""
    since_s: float = 900.0
    """Seconds ago."""
    throttle: str = ""
    throttled_s: float = 0.0
    kind: str = "device"
    parent: str = ""
    xid: int | None = None
    xid_s: float = 0.0
    silent: bool = False
    """It gives no numbers."""
    mig: str = ""
    unavailable: str = ""
    without: tuple[str, ...] = ()
    """Ends of metric names that it does not have."""

    @property
    def uuid(self) -> str:
        """Of a card ``GPU-…``, of an instance ``MIG-…``."""
        return f"{'MIG' if self.parent else 'GPU'}-{self.place:08x}-4d3a-11ee-8c99-0242ac120002"


def lost(place: int) -> Card:
    return Card(
        place,
        number=None,
        state="lost",
        since_s=252,
        silent=True,
        xid=79,
        xid_s=252,
        reason="fell off the bus, last Xid 79",
        fix="drain the machine and reset it: nvidia-smi -r or a power cycle",
    )


def stuck(place: int) -> Card:
    return Card(
        place, state="stuck", since_s=12, silent=True, reason="nvmlDeviceGetUtilizationRates has not come back"
    )


def asleep(place: int, name: str = "NVIDIA GeForce RTX 4060 Laptop GPU") -> Card:
    return Card(place, name, state="asleep", since_s=8000, silent=True, total=8 * GIB, limit=115.0)


def capped(place: int) -> Card:
    return Card(place, throttle="power_cap", throttled_s=12, power=700.0, clock=1.83e9)


def idle(place: int) -> Card:
    return Card(place, used=0.003, load=0.0, heat=34.0, power=71.0, clock=3.45e8, throttle="idle")


def overheated(place: int) -> Card:
    return Card(place, throttle="hw_thermal,power_cap", throttled_s=75, heat=88.0, load=0.91, clock=1.2e9)


def trouble() -> list[Card]:
    """Eight of which half are not well."""
    well = [Card(0), Card(1, heat=70)]
    return [*well, capped(2), lost(3), stuck(4), idle(5), overheated(6), asleep(7, "NVIDIA H200")]


def partitioned() -> list[Card]:
    """A card with three instances, which tell less."""
    card = Card(
        0,
        "NVIDIA A100-SXM4-80GB",
        total=80 * GIB,
        used=0.4,
        power=212.0,
        limit=400.0,
        heat=48.0,
        clock=1.41e9,
        mig="enabled",
        unavailable="util,mem_io",
        without=("gpu.utilization", "io.utilization"),
    )
    part = Card(
        0,
        parent=card.uuid,
        unavailable="util,mem_io,power,power_average,temp_gpu,clock_graphics",
        without=(
            "gpu.utilization",
            "io.utilization",
            "gpu.temperature",
            "gpu.power",
            "power.average",
            "power.limit",
            "clock.limit",
            "frequency",
        ),
    )
    shapes = (("3g.40gb", 39.5, 0.71), ("2g.20gb", 19.5, 0.12), ("1g.10gb", 9.5, 0.0))
    return [
        card,
        *(
            part._replace(place=10 + n, name=f"{card.name} MIG {shape}", total=size * GIB, used=used, number=n)
            for n, (shape, size, used) in enumerate(shapes)
        ),
    ]


def unified() -> list[Card]:
    """System memory is its memory."""
    return [Card(0, "NVIDIA GB10", total=119.7 * GIB, used=0.55, kind="unified", power=61.0, limit=NAN, heat=58.0,
                 clock=2.4e9, load=0.83, without=("io.utilization",))]  # fmt: skip


def box(count: int) -> list[Card]:
    """This many GPUs at work; one of more than two is idle, one of more than four held back."""
    out = [Card(n, heat=66.0 + n % 5, load=0.99 - 0.03 * (n % 4), power=640.0 + 7 * (n % 8)) for n in range(count)]
    if count > 2:
        out[2] = idle(2)
    if count > 4:
        out[1] = capped(1)
    return out


def series(card: Card, second: int) -> list[tuple[Column, float]]:
    """The numbers of one GPU in one second."""
    gone = card.silent and second > 600 - card.since_s
    busy = min(1.0, card.load * (0.72 + 0.28 * wave(second, 13, card.place) * wave(second, 4, 2 * card.place)))
    if second > 590 and card.load:
        busy = card.load
    drawn = card.power * (0.55 + 0.45 * busy / max(card.load, 0.01)) if card.load else card.power
    values: list[tuple[str, dict[str, str], float]] = [
        ("hw.gpu.utilization", {}, busy),
        ("hw.gpu.memory.io.utilization", {}, 0.61 * busy),
        ("hw.gpu.memory.usage", {"mode": "used"}, card.used * card.total),
        ("hw.gpu.memory.limit", {}, card.total),
        ("hw.gpu.memory.utilization", {}, card.used),
        ("hw.gpu.temperature", {"sensor": "gpu"}, card.heat),
        ("hw.gpu.temperature.limit", {"mode": "slowdown"}, 92.0),
        ("hw.gpu.power", {}, drawn),
        ("hw.gpu.power.average", {}, 0.98 * drawn),
        ("hw.gpu.power.limit", {"mode": "enforced"}, card.limit),
        ("hw.gpu.clock.frequency", {"mode": "graphics"}, card.clock),
        ("hw.gpu.clock.limit", {"mode": "graphics"}, 1.98e9),
        ("hw.gpu.process.count", {}, 1.0 if card.load else 0.0),
    ]
    return [
        (column_of("test", name, {"gpu": card.uuid, **labels}), NAN if gone else value)
        for name, labels, value in values
        if not any(name.endswith(end) for end in card.without)
    ]


def gpu_row(card: Card, *, hostile: bool = False) -> Row:
    """Its row of ``gpus``."""
    cells_: dict[str, Cell] = {
        "gpu.uuid": card.uuid,
        "gpu.index": card.place if card.number == -1 else card.number,
        "gpu.vendor": card.vendor,
        "gpu.name": HOSTILE if hostile else card.name,
        "gpu.bus_id": f"00000000:{16 + card.place:02x}:00.0",
        "gpu.parent": card.parent,
        "gpu.state": card.state,
        "gpu.reason": HOSTILE if hostile else card.reason,
        "gpu.fix": HOSTILE if hostile else card.fix,
        "gpu.since": int((NOW_S - card.since_s) * NS),
        "gpu.performance_state": "P0",
        "gpu.throttle": card.throttle,
        "gpu.throttled_since": int((NOW_S - card.throttled_s) * NS) if card.throttle else None,
        "gpu.energy_source": "counter",
        "gpu.memory.kind": card.kind,
        "gpu.mig": card.mig,
        "gpu.unavailable": card.unavailable,
        "gpu.last_xid": card.xid,
        "gpu.last_xid_time": int((NOW_S - card.xid_s) * NS) if card.xid is not None else None,
    }
    return tuple(cells_.get(item.name) for item in GPUS.columns)


def holder(
    card: Card, pid: int, start: int | None, memory: float | None, use: float | None, **more: Cell
) -> tuple[str, Row]:
    """Key and row of ``gpu_processes``."""
    values: dict[str, Cell] = {
        "gpu.uuid": card.uuid, "process.pid": pid, "process.start_time": start, "process.user": "ana",
        "process.name": "python3", "process.cgroup": "", "process.job": "", "process.gpu.type": "C",
        "process.gpu.memory.usage": memory, "process.gpu.utilization": use, "process.gpu.instance": "",
        "process.gpu.unseen": "", **more,
    }  # fmt: skip
    return process_key(card.uuid, pid, start), tuple(values.get(item.name) for item in GPU_PROCESSES.columns)


def holders(cards: Sequence[Card]) -> dict[str, Row]:
    """The first process of the fake computes on every busy GPU, the second one holds a little of the first."""
    busy = [card for card in cards if card.load and not card.silent and not card.parent]
    rows = [holder(card, 812, 1000, card.used * card.total * 0.98, card.load) for card in busy]
    if rows:
        rows.append(holder(cards[0], 909, 1001, 0.4 * GIB, None))
    return dict(rows)


class GpuFed(Fed):
    """A fed state with these GPUs."""

    def __init__(self, cards: Sequence[Card], *, cores: int = 8, hostile: bool = False) -> None:
        self.cards = list(cards)
        super().__init__(cores=cores, hostile=hostile)

    def series(self, second: int) -> list[tuple[Column, float]]:
        return machine(second, cores=self.cores, hostile=self.hostile) + [
            item for card in self.cards for item in series(card, second)
        ]

    @property
    def made_of(self) -> tuple[Hashable, ...]:
        return *super().made_of, *self.cards

    def table(self, schema: TableSchema, rows: Mapping[str, Row]) -> None:
        """A whole table."""
        change = TableChange(schema.name, NOW_S * NS, keyframe=True, rows=dict(rows))
        self.state.on(wire.TableArrived(change, schema))

    def furnish(self) -> Self:
        super().furnish()
        self.table(GPUS, {card.uuid: gpu_row(card, hostile=self.hostile) for card in self.cards})
        self.table(GPU_PROCESSES, holders(self.cards))
        self.state.sources = [item for item in self.state.sources if item.source != "gpu"]
        return self


def with_gpus(cards: Sequence[Card], *, cores: int = 8, hostile: bool = False) -> State:
    """Five minutes of it, with a gap of 12 s."""
    return GpuFed(cards, cores=cores, hostile=hostile).run(301, 600, without=range(540, 552)).furnish().state
