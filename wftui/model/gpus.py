"""The tables about GPUs: collectors, store, view and export agree on them here.

A GPU is known by its UUID (``GPU-…``, ``MIG-…``; ``pci-0000:03:00.0`` for those that have none), never by its
index: indexes change when a card is lost or a driver is loaded anew. Numbers that change each second are series
(``hw.gpu.…{gpu="UUID"}``); here stands what is text, and what a person needs to know which card is meant.
"""

from typing import Final

from wftui.model import health
from wftui.model.table import TableColumn, TableSchema

LOST: Final = "lost"
"""State of a GPU that was there and is not any more; the others are those of ``health``: ok, stuck, failed,
denied, unsupported, asleep."""
STATES: Final = (
    health.OK, health.STUCK, LOST, health.FAILED, health.DENIED, health.UNSUPPORTED, health.ASLEEP,
)  # fmt: skip
UNIFIED: Final = "unified"
"""``gpu.memory.kind`` of a GPU that uses the system's memory (GB10, Jetson, APUs)."""
OWN: Final = "device"
"""``gpu.memory.kind`` of a GPU with memory of its own."""

GPUS: Final = TableSchema(
    name="gpus",
    source="gpu",
    columns=(
        TableColumn("gpu.uuid", "", "text"),
        TableColumn("gpu.index", "", "gauge"),
        TableColumn("gpu.vendor", "", "text"),
        TableColumn("gpu.name", "", "text"),
        TableColumn("gpu.bus_id", "", "text"),
        TableColumn("gpu.parent", "", "text"),
        TableColumn("gpu.state", "", "text"),
        TableColumn("gpu.reason", "", "text"),
        TableColumn("gpu.fix", "", "text"),
        TableColumn("gpu.since", "ns", "time"),
        TableColumn("gpu.performance_state", "", "text"),
        TableColumn("gpu.throttle", "", "text"),
        TableColumn("gpu.throttled_since", "ns", "time"),
        TableColumn("gpu.energy_source", "", "text"),
        TableColumn("gpu.memory.kind", "", "text"),
        TableColumn("gpu.mig", "", "text"),
        TableColumn("gpu.compute_mode", "", "text"),
        TableColumn("gpu.persistence", "", "text"),
        TableColumn("gpu.virtualization", "", "text"),
        TableColumn("gpu.ecc", "", "text"),
        TableColumn("gpu.driver", "", "text"),
        TableColumn("gpu.cuda", "", "text"),
        TableColumn("gpu.cpus", "", "text"),
        TableColumn("gpu.numa", "", "gauge"),
        TableColumn("gpu.last_xid", "", "gauge"),
        TableColumn("gpu.last_xid_time", "ns", "time"),
        TableColumn("gpu.unavailable", "", "text"),
    ),
)
"""Key of a row: the UUID.

``gpu.index`` that of NVML or of the DRM card, None when it has none now; ``gpu.vendor`` ``nvidia``, ``amd``,
``intel``; ``gpu.parent`` the UUID of the card whose MIG instance it is; ``gpu.since`` when it came into its state;
``gpu.performance_state`` ``P0``…; ``gpu.throttle`` reasons that hold it back now, as in ``REASONS``, with commas;
``gpu.energy_source`` as in ``energy.meter.WORDS``; ``gpu.cpus`` the CPUs near it (``0-31``);
``gpu.unavailable`` the fields that this card does not have, with commas, as in ``collectors/nvml/fields.py``.
"""

(
    UUID, INDEX, VENDOR, NAME, BUS, PARENT, STATE, REASON, FIX, SINCE, PERFORMANCE, THROTTLED, THROTTLED_SINCE,
    ENERGY_SOURCE, MEMORY_KIND, MIG, COMPUTE_MODE, PERSISTENCE, VIRTUALIZATION, ECC, DRIVER, CUDA, CPUS, NUMA,
    LAST_XID, LAST_XID_TIME, UNAVAILABLE,
) = range(27)  # fmt: skip
"""Places of the cells in a row of ``GPUS``."""

GPU_PROCESSES: Final = TableSchema(
    name="gpu_processes",
    source="gpu",
    columns=(
        TableColumn("gpu.uuid", "", "text"),
        TableColumn("process.pid", "", "gauge"),
        TableColumn("process.start_time", "{tick}", "gauge"),
        TableColumn("process.user", "", "text", identity=True),
        TableColumn("process.name", "", "text", identity=True),
        TableColumn("process.cgroup", "", "text", identity=True),
        TableColumn("process.job", "", "text", identity=True),
        TableColumn("process.rank", "", "gauge"),
        TableColumn("process.gpu.type", "", "text"),
        TableColumn("process.gpu.memory.usage", "By", "gauge"),
        TableColumn("process.gpu.utilization", "1", "gauge"),
        TableColumn("process.gpu.memory.io.utilization", "1", "gauge"),
        TableColumn("process.gpu.encoder.utilization", "1", "gauge"),
        TableColumn("process.gpu.decoder.utilization", "1", "gauge"),
        TableColumn("process.gpu.time", "s", "counter"),
        TableColumn("process.gpu.energy", "J", "counter"),
        TableColumn("process.gpu.idle_since", "ns", "time"),
        TableColumn("process.gpu.instance", "", "text"),
        TableColumn("process.gpu.unseen", "", "text"),
    ),
)
"""Key of a row: ``UUID/pid:start``, ``UUID/pid`` where the process cannot be seen.

``process.start_time`` in clock ticks after boot, None where the pid is not ours to see; ``process.job``
``slurm:4711``, ``torchrun:812`` (pid of the launcher) or empty; ``process.rank`` None: not a rank of anything;
``process.gpu.type`` ``C``, ``G``, ``C+G``, ``M`` (MPS); memory and utilisation None where the driver does not
tell; ``process.gpu.time`` GPU seconds (utilisation over time), ``process.gpu.energy`` apportioned (share of the
card's energy by utilisation, by memory while nobody computes), both since the recorder saw it first;
``process.gpu.idle_since`` None while it computes or before it was ever seen idle; ``process.gpu.instance`` the
UUID of the MIG instance; ``process.gpu.unseen`` why nothing is known of the process, empty when it is.
"""

(
    P_UUID, P_PID, P_START, P_USER, P_NAME, P_CGROUP, P_JOB, P_RANK, P_TYPE, P_MEMORY, P_UTILIZATION, P_MEMORY_IO,
    P_ENCODER, P_DECODER, P_TIME, P_ENERGY, P_IDLE_SINCE, P_INSTANCE, P_UNSEEN,
) = range(19)  # fmt: skip
"""Places of the cells in a row of ``GPU_PROCESSES``."""

GPU_LINKS: Final = TableSchema(
    name="gpu_links",
    source="gpu",
    columns=(
        TableColumn("gpu.uuid", "", "text"),
        TableColumn("gpu.peer", "", "text"),
        TableColumn("gpu.path", "", "text"),
        TableColumn("gpu.links", "{link}", "gauge"),
    ),
)
"""Topology; key of a row: ``UUID|UUID``, each pair once.

``gpu.path``: ``nvlink``, ``nvswitch``, ``internal`` (one board), ``single`` (one PCIe switch), ``multiple``
(several switches), ``hostbridge``, ``node`` (same NUMA node), ``system``; ``gpu.links`` NVLinks between the two,
None: no word.
"""

REASONS: Final = {
    "idle": "nothing runs",
    "app_clocks": "application clocks are set",
    "power_cap": "power limit reached",
    "hw_slowdown": "hardware slowdown",
    "sync_boost": "clocks tied to another GPU",
    "sw_thermal": "hot: driver lowers clocks",
    "hw_thermal": "hot: hardware lowers clocks",
    "hw_power_brake": "power brake from outside",
    "display": "display clocks are set",
}
"""Reason of lowered clocks to words. ``idle``, ``app_clocks`` and ``display`` are no trouble.
Source: nvml.h, nvmlClocksEventReason*."""
HARMLESS: Final = frozenset({"idle", "app_clocks", "display"})


def process_key(uuid: str, pid: int, start_time: int | None) -> str:
    """Key of a GPU process' row."""
    return f"{uuid}/{pid}" if start_time is None else f"{uuid}/{pid}:{start_time}"


def link_key(one: str, other: str) -> str:
    """Key of a pair's row, the same whichever comes first."""
    return "|".join(sorted((one, other)))
