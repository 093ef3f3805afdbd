"""What the GPU worker writes: one JSON object a line on its standard output, and these are their shapes.

The worker itself has no msgspec: it writes plain objects; the collector decodes and so checks them. Times are
those of ``Instant``: ``time_ns`` UTC, ``boottime_ns`` CLOCK_BOOTTIME. A GPU is named by its UUID throughout.
Numbers are NVML's own, unscaled and unchecked, under the keys of ``fields.FIELDS``. A code is an ``nvmlReturn_t``;
``NO_LIBRARY`` stands for a library that cannot be loaded.

To the worker, on its standard input, a line each: ``rate 10`` (readings a second wished for, 1 to 10) and
``again`` (look at everything now that was given up for an hour). The end of its input tells it to go.
"""

from typing import Final

import msgspec

VERSION: Final = 1
NO_LIBRARY: Final = -1
"""In the place of a code: no libnvidia-ml could be loaded, or the binding refuses it."""


class Hello(msgspec.Struct, frozen=True, tag="hello", tag_field="t"):
    """First line."""

    version: int
    pid: int


class Library(msgspec.Struct, frozen=True, tag="library", tag_field="t"):
    """Whenever it changed how the library answers as a whole: after each attempt to initialise that differs."""

    code: int
    """0: initialised."""
    call: str = ""
    """The call that said so."""
    words: str = ""
    """What the loader or the library said itself; outside text, not cleaned."""
    driver: str = ""
    cuda: str = ""
    """``13.0``; empty: unknown."""
    nvml: str = ""
    waiting_s: float | None = None
    """Seconds since a call began that has not come back (a stuck init); repeated each second while it lasts."""


class Gpu(msgspec.Struct, frozen=True, omit_defaults=True):
    """One GPU as enumerated. All texts are outside texts, not cleaned."""

    uuid: str
    index: int | None = None
    """NVML's index; None: asleep, never opened."""
    name: str = ""
    bus_id: str = ""
    """``0000:3b:00.0``, lower case, as in sysfs."""
    parent: str = ""
    """UUID of the card, of a MIG instance."""
    asleep: bool = False
    code: int = 0
    """Not 0: it was named but its handle could not be had."""
    minor: int | None = None
    unified: bool = False
    """It uses the system's memory: memory information is not supported, or the total is the system's."""
    mig: str = ""
    """``enabled``, ``disabled``, ``pending enabled``…; empty: no such mode."""
    compute_mode: str = ""
    """``default``, ``exclusive process``, ``prohibited``."""
    persistence: str = ""
    """``on``, ``off``."""
    virtualization: str = ""
    """``none``, ``passthrough``, ``vgpu``, ``host vgpu``, ``host vsga``."""
    ecc: str = ""
    """``on``, ``off``; empty: none."""
    cpus: str = ""
    numa: int | None = None
    serial: str = ""
    counter: bool = False
    """It has an energy counter."""
    instant: bool = False
    """Its power readings are of the moment (field 186, or GA100 and older), not averaged over a second."""


class Box(msgspec.Struct, frozen=True, tag="box", tag_field="t"):
    """All GPUs, whenever one came, went, slept, woke, or changed what is said above; and once an hour."""

    time_ns: int
    gpus: list[Gpu]
    links: list[tuple[str, str, str, int | None]] = []
    """(UUID, UUID, path as in ``model.gpus.GPU_LINKS``, NVLinks)."""


class Values(msgspec.Struct, frozen=True, tag="v", tag_field="t"):
    """Readings of one cadence, all GPUs."""

    time_ns: int
    boottime_ns: int
    cadence: str
    """As in ``fields``."""
    interval_s: float
    """To the next of this cadence."""
    gpus: dict[str, dict[str, int | float]]
    """UUID to field key to number; what was not read is left out."""


class Status(msgspec.Struct, frozen=True, tag="status", tag_field="t"):
    """Once a second, whatever else is stuck: a sign of life."""

    time_ns: int
    boottime_ns: int
    waiting: dict[str, tuple[str, float]] = {}
    """UUID to (call, seconds) of a call that has not come back in time."""
    errors: dict[str, dict[str, int]] = {}
    """UUID to field key to code, where that changed since the last one; 0: it answers again."""
    lost: dict[str, int] = {}
    """UUID to code (15, 999, …) of those that all calls fail for; repeated while it lasts."""
    heard: list[str] | None = None
    """UUIDs of the GPUs whose Xids reach us; None: all do, by the kernel's log."""
    events: tuple[str, float] | None = None
    """(call, seconds) of a wait for Xids that should have come back."""
    rate_hz: float = 10.0
    """Readings a second of the fast cadence, as the worker affords them."""
    cpu_utilization: float | None = None
    """Of the worker, since the last one; 1 = one core; None while it looks around for the first time."""
    memory_bytes: int = 0


class Process(msgspec.Struct, frozen=True, omit_defaults=True):
    """One process on one GPU."""

    pid: int
    kind: str = "C"
    """``C``, ``G``, ``C+G``, ``M``."""
    memory: int | None = None
    """By; None: not available."""
    instance: str = ""
    """UUID of the MIG instance."""
    sm: float | None = None
    """%, of the last interval; None: no word, 0: asked and idle."""
    mem: float | None = None
    enc: float | None = None
    dec: float | None = None


class Processes(msgspec.Struct, frozen=True, tag="processes", tag_field="t"):
    """The processes of all GPUs that tell them."""

    time_ns: int
    boottime_ns: int
    interval_s: float
    gpus: dict[str, list[Process]]
    partial: list[str] = []
    """GPUs whose list grew each time it was asked for: it may lack some."""
    codes: dict[str, int] = {}
    """GPUs that do not tell, with the code."""


class Xid(msgspec.Struct, frozen=True, tag="xid", tag_field="t"):
    """The driver reported an error."""

    time_ns: int
    uuid: str
    """Empty: of no GPU we know."""
    xid: int
    origin: str = "nvml"
    """``nvml`` or ``kernel`` (the kernel's log)."""
    words: str = ""
    """What the kernel's log says beside the number; outside text, not cleaned."""


class Calls(msgspec.Struct, frozen=True, tag="calls", tag_field="t"):
    """What calls cost, every 10 s: of the calls since the one before."""

    time_ns: int
    calls: dict[str, tuple[int, float, float, float, float, int]]
    """NVML's name to (count, sum, p50, p99, max in seconds, failed)."""


Frame = Hello | Library | Box | Values | Status | Processes | Xid | Calls
DECODER: Final = msgspec.json.Decoder(Frame)
