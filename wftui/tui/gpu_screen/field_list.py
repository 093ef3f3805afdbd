"""Which fields the screen has of a GPU, in which groups and units: all that is recorded of it."""

from __future__ import annotations

from typing import Final, NamedTuple

from wftui.model import gpus as cells


class Spec(NamedTuple):
    """One field."""

    label: str
    unit: str
    """That of the catalogue, ``n``: a count, ``?``: yes or no."""
    names: tuple[str, ...]
    """``metric`` or ``metric:mode``; two make ``now / most``. ``^`` before it: the rate of a counter."""


def _of(title: str, *specs: tuple[str, str, str]) -> tuple[str, tuple[Spec, ...]]:
    return title, tuple(Spec(label, unit, tuple(names.split())) for label, unit, names in specs)


GROUPS: Final = (
    _of(
        "work",
        ("utilisation", "1", "utilization"),
        ("memory io", "1", "memory.io.utilization"),
        ("encoder", "1", "engine.utilization:encoder"),
        ("decoder", "1", "engine.utilization:decoder"),
        ("jpeg", "1", "engine.utilization:jpeg"),
        ("optical flow", "1", "engine.utilization:ofa"),
        ("processes", "n", "process.count"),
    ),
    _of(
        "memory",
        ("used of all", "By", "memory.usage:used memory.limit"),
        ("share", "1", "memory.utilization"),
        ("reserved", "By", "memory.usage:reserved"),
        ("free", "By", "memory.usage:free"),
        ("BAR1 used", "By", "bar1.usage bar1.limit"),
    ),
    _of(
        "power",
        ("now", "W", "power"),
        ("over 1 s", "W", "power.average"),
        ("limit", "W", "power.limit:enforced"),
        ("default limit", "W", "power.limit:default"),
        ("limit range", "W", "power.limit:minimum power.limit:maximum"),
        ("energy", "J", "energy"),
        ("known for", "1", "energy.coverage"),
    ),
    _of(
        "heat",
        ("GPU", "Cel", "temperature:gpu"),
        ("hot spot", "Cel", "temperature:hotspot"),
        ("memory", "Cel", "temperature:memory"),
        ("slows down at", "Cel", "temperature.limit:slowdown"),
        ("shuts down at", "Cel", "temperature.limit:shutdown"),
        ("made for", "Cel", "temperature.limit:maximum"),
        ("memory limit", "Cel", "temperature.limit:memory"),
        *((f"fan {n}", "1", f"fan.speed_ratio:fan{n}") for n in range(6)),
    ),
    _of(
        "clocks",
        ("SM", "Hz", "clock.frequency:sm clock.limit:sm"),
        ("graphics", "Hz", "clock.frequency:graphics clock.limit:graphics"),
        ("memory", "Hz", "clock.frequency:memory clock.limit:memory"),
        ("video", "Hz", "clock.frequency:video clock.limit:video"),
        ("power cap", "s", "throttle.time:power_cap"),
        ("hot: driver", "s", "throttle.time:sw_thermal"),
        ("hot: hardware", "s", "throttle.time:hw_thermal"),
        ("power brake", "s", "throttle.time:hw_power_brake"),
        ("slowdown", "s", "throttle.time:hw_slowdown"),
        ("tied clocks", "s", "throttle.time:sync_boost"),
    ),
    _of(
        "links",
        ("PCIe generation", "n", "pcie.generation:current pcie.generation:maximum"),
        ("PCIe lanes", "n", "pcie.width:current pcie.width:maximum"),
        ("received", "By/s", "^io:receive"),
        ("sent", "By/s", "^io:transmit"),
        ("received 20 ms", "By/s", "io.throughput:receive"),
        ("sent 20 ms", "By/s", "io.throughput:transmit"),
        ("replays", "n", "pcie.replays"),
        ("NVLinks up", "n", "nvlink.links:active"),
        ("NVLinks down", "n", "nvlink.links:inactive"),
        ("NVLink received", "By/s", "^nvlink.io:receive"),
        ("NVLink sent", "By/s", "^nvlink.io:transmit"),
        ("crc errors", "n", "nvlink.errors:crc"),
        ("link replays", "n", "nvlink.errors:replay"),
        ("recoveries", "n", "nvlink.errors:recovery"),
    ),
    _of(
        "memory errors",
        ("corrected", "n", "ecc.errors:corrected"),
        ("uncorrected", "n", "ecc.errors:uncorrected"),
        ("corrected ever", "n", "ecc.lifetime.errors:corrected"),
        ("uncorr. ever", "n", "ecc.lifetime.errors:uncorrected"),
        ("rows corrected", "n", "memory.remapped_rows:corrected"),
        ("rows uncorr.", "n", "memory.remapped_rows:uncorrected"),
        ("rows pending", "?", "memory.remapped_rows:pending"),
        ("remap failed", "?", "memory.remapped_rows:failure"),
        ("pages 1-bit", "n", "memory.retired_pages:single_bit"),
        ("pages 2-bit", "n", "memory.retired_pages:double_bit"),
        ("pages pending", "?", "memory.retired_pages:pending"),
        ("Xid seen", "n", "xid"),
    ),
    _of(
        "activity of units",
        ("graphics", "1", "activity:graphics"),
        ("SM", "1", "activity:sm"),
        ("SM occupancy", "1", "activity:sm_occupancy"),
        ("tensor", "1", "activity:tensor"),
        ("DRAM", "1", "activity:dram"),
        ("integer", "1", "activity:integer"),
        ("fp16", "1", "activity:fp16"),
        ("fp32", "1", "activity:fp32"),
        ("fp64", "1", "activity:fp64"),
        ("tensor hmma", "1", "activity:hmma_tensor"),
        ("tensor imma", "1", "activity:imma_tensor"),
        ("tensor dfma", "1", "activity:dfma_tensor"),
    ),
)  # fmt: skip
"""Title of a group to its fields. A test holds them against the catalogue: nothing recorded is left out."""
IDENTITY: Final = (
    ("name", cells.NAME), ("UUID", cells.UUID), ("bus", cells.BUS), ("vendor", cells.VENDOR),
    ("index", cells.INDEX), ("part of", cells.PARENT), ("driver", cells.DRIVER), ("CUDA", cells.CUDA),
    ("state", cells.STATE), ("performance", cells.PERFORMANCE), ("energy from", cells.ENERGY_SOURCE),
    ("memory kind", cells.MEMORY_KIND), ("MIG", cells.MIG), ("compute mode", cells.COMPUTE_MODE),
    ("persistence", cells.PERSISTENCE), ("virtual", cells.VIRTUALIZATION), ("ECC", cells.ECC),
    ("CPUs near it", cells.CPUS), ("NUMA node", cells.NUMA),
)  # fmt: skip
"""Label to the place of a cell of the card's row."""
