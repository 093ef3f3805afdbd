"""The fake machine with all that screen 6 can show: every field, links, holders, siblings."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from tests.tui.fake import GIB, NOW_S, column_of, wave
from tests.tui.fake_gpus import NS, Card, GpuFed, gpu_row, holder
from wftui.model import gpus as cells
from wftui.model.gpus import GPU_LINKS, GPU_PROCESSES, GPUS, link_key
from wftui.model.sample import Column
from wftui.model.table import Cell, Row
from wftui.tui.state import State

_KINDS = ("corrected", "uncorrected")


def full_series(card: Card, second: int, values: Mapping[str, float] | None = None) -> list[tuple[Column, float]]:
    """The numbers of one GPU beyond those of ``fake_gpus``; ``values`` replaces some by ``metric:word``."""
    busy = card.load
    told: list[tuple[str, str, str, float]] = [
        ("memory.usage", "mode", "reserved", 0.62 * GIB),
        ("memory.usage", "mode", "free", (1 - card.used) * card.total),
        ("bar1.usage", "", "", 0.9 * GIB), ("bar1.limit", "", "", 256 * GIB),
        ("power.average", "", "", card.power * 0.98),
        ("power.limit", "mode", "default", card.limit), ("power.limit", "mode", "minimum", 200.0),
        ("power.limit", "mode", "maximum", card.limit),
        ("energy", "", "", 4.1e7 + card.power * second), ("energy.coverage", "", "", 1.0),
        ("temperature", "sensor", "memory", card.heat + 11), ("temperature.limit", "mode", "memory", 100.0),
        ("temperature.limit", "mode", "shutdown", 97.0), ("temperature.limit", "mode", "maximum", 87.0),
        ("clock.frequency", "mode", "sm", card.clock), ("clock.limit", "mode", "sm", 1.98e9),
        ("clock.frequency", "mode", "memory", 3.201e9), ("clock.limit", "mode", "memory", 3.201e9),
        ("throttle.time", "mode", "power_cap", 812.0 + second / 4), ("throttle.time", "mode", "sw_thermal", 0.0),
        ("engine.utilization", "mode", "encoder", 0.0), ("engine.utilization", "mode", "decoder", 0.03),
        ("activity", "mode", "sm", 0.8 * busy), ("activity", "mode", "tensor", 0.43 * busy),
        ("activity", "mode", "dram", 0.55 * busy * (0.9 + 0.1 * wave(second, 7))),
        ("io", "direction", "receive", 1.3e9 * busy * second),
        ("io", "direction", "transmit", 2.4e8 * busy * second),
        ("pcie.generation", "mode", "current", 5.0 if busy else 1.0), ("pcie.generation", "mode", "maximum", 5.0),
        ("pcie.width", "mode", "current", 16.0), ("pcie.width", "mode", "maximum", 16.0),
        ("pcie.replays", "", "", 0.0),
        ("nvlink.links", "mode", "active", 18.0), ("nvlink.links", "mode", "inactive", 0.0),
        ("nvlink.io", "direction", "receive", 3.1e10 * busy * second),
        ("nvlink.io", "direction", "transmit", 3.0e10 * busy * second),
        *(("nvlink.errors", "mode", kind, 0.0) for kind in ("crc", "replay", "recovery")),
        *((f"ecc.{span}errors", "mode", kind, 0.0) for span in ("", "lifetime.") for kind in _KINDS),
        *(("memory.remapped_rows", "mode", kind, 0.0) for kind in (*_KINDS, "pending", "failure")),
        ("xid", "", "", 0.0 if card.xid is None else 1.0),
    ]  # fmt: skip
    gone = card.silent and second > 600 - card.since_s
    out = []
    for name, key, word, value in told:
        labels = {"gpu": card.uuid, **({key: word} if key else {})}
        changed = (values or {}).get(f"{name}:{word}" if word else name, value)
        out.append((column_of("gpu", f"hw.gpu.{name}", labels), float("nan") if gone else changed))
    return out


def full_row(card: Card) -> Row:
    """Its row with all that the driver says of it."""
    row = list(gpu_row(card))
    row[cells.DRIVER], row[cells.CUDA], row[cells.ECC] = "580.65.06", "13.0", "on"
    row[cells.PERSISTENCE], row[cells.COMPUTE_MODE], row[cells.VIRTUALIZATION] = "on", "default", "none"
    row[cells.NUMA] = float(card.place // 4)
    row[cells.CPUS] = "0-47,96-143" if card.place < 4 else "48-95,144-191"
    row[cells.UNAVAILABLE] = "fan_fan0,engine_jpeg,pages_single_bit,pages_double_bit,pages_pending" + (
        f",{card.unavailable}" if card.unavailable else ""
    )
    return tuple(row)


def links(cards: Sequence[Card], *, nvlink: bool = True) -> dict[str, Row]:
    """NVLink between all, or PCIe paths."""
    rows: dict[str, Row] = {}
    for place, one in enumerate(cards):
        for other in cards[place + 1 :]:
            near = one.place // 4 == other.place // 4
            path = (
                "nvlink"
                if nvlink
                else "single"
                if one.place // 2 == other.place // 2
                else "node"
                if near
                else "system"
            )
            rows[link_key(one.uuid, other.uuid)] = (one.uuid, other.uuid, path, 18.0 if nvlink else None)
    return rows


def processes(cards: Sequence[Card]) -> dict[str, Row]:
    """One rank of a job on every busy GPU, others beside it on the first, one that only holds memory."""
    rows = []
    for rank, card in enumerate(card for card in cards if not card.silent):
        if card.load:
            more: dict[str, Cell] = {
                "process.job": "slurm:4711", "process.rank": rank, "process.cgroup": "job_4711",
                "process.gpu.memory.io.utilization": 0.55, "process.gpu.encoder.utilization": 0.0,
                "process.gpu.decoder.utilization": 0.0,
            }  # fmt: skip
            rows.append(holder(card, 812, 1000, 0.9 * card.used * card.total, card.load, **more))
        else:
            idle: dict[str, Cell] = {
                "process.user": "1004", "process.name": "jupyter-lab", "process.cgroup": "3f2a9c11d0e4",
                "process.gpu.idle_since": (NOW_S - 44_525) * NS,
            }  # fmt: skip
            rows.append(holder(card, 4242, 77, 71 * GIB, 0.0, **idle))
    if rows:
        first = cards[0]
        rows.append(holder(first, 909, 1001, 0.4 * GIB, None, **{"process.gpu.type": "G"}))
        unseen: dict[str, Cell] = {
            "process.user": "",
            "process.name": "",
            "process.gpu.unseen": "host pid namespace",
        }
        rows.append(holder(first, 31_337, None, 2.2 * GIB, None, **unseen))
    return dict(rows)


class ScreenFed(GpuFed):
    """GPUs that tell everything."""

    def __init__(self, cards: Sequence[Card], values: Mapping[str, Mapping[str, float]] | None = None) -> None:
        self.values = values or {}
        super().__init__(cards)

    def series(self, second: int) -> list[tuple[Column, float]]:
        return super().series(second) + [
            item
            for card in self.cards
            if not card.parent
            for item in full_series(card, second, self.values.get(card.uuid))
        ]

    @property
    def made_of(self) -> tuple[Hashable, ...]:
        return *super().made_of, *((uuid, *given.items()) for uuid, given in self.values.items())

    def furnish(self) -> ScreenFed:
        super().furnish()
        self.table(GPUS, {card.uuid: full_row(card) for card in self.cards})
        self.table(GPU_PROCESSES, processes(self.cards))
        whole = [card for card in self.cards if not card.parent]
        self.table(GPU_LINKS, links(whole))
        return self


def told(cards: Sequence[Card], values: Mapping[str, Mapping[str, float]] | None = None) -> State:
    """Five minutes of it, with a gap of 12 s; ``values``: by UUID, then by ``metric:word``."""
    return ScreenFed(cards, values).run(301, 600, without=range(540, 552)).furnish().state
