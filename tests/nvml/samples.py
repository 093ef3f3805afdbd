"""Boxes of kinds that there are, as scenes to start from; nothing is saved yet."""

from pathlib import Path

from tests.nvml.box import ALL, Scene

_NO_DATA_CENTRE = (
    "nvmlDeviceGetEccMode",
    "nvmlDeviceGetTotalEccErrors",
    "nvmlDeviceGetMemoryErrorCounter",
    "nvmlDeviceGetRemappedRows",
    "nvmlDeviceGetRetiredPages",
    "nvmlDeviceGetRetiredPages_v2",
    "nvmlDeviceGetRetiredPagesPendingStatus",
    "nvmlDeviceGetSerial",
    "nvmlDeviceGetBoardPartNumber",
    *(f"nvmlDeviceGetFieldValues.{field}" for field in (82, 91, 138, 139, 140, 141, 142, 143, 144, 145)),
)
"""What consumer cards answer 3 for: ECC, bad memory, memory temperature, NVLink."""
_FANS = ("nvmlDeviceGetNumFans", "nvmlDeviceGetFanSpeed", "nvmlDeviceGetFanSpeed_v2")


def _model(scene: Scene, name: str, memory: int) -> Scene:
    scene.set(ALL, "nvmlDeviceGetName", text=name)
    return scene.set(ALL, "memory.total", memory).set(ALL, "memory.used", memory // 4)


def box(path: Path, gpus: int = 8, processes: int = 0) -> Scene:
    """Cards that can all, each with so many busy processes; pids from 1,000,000 on, above any real one.

    Process ``i`` of card ``c`` has pid ``1_000_000 + c * 1000 + i``.
    """
    scene = Scene(path, gpus)
    for card in range(gpus):
        for i in range(processes):
            scene.process(card, 1_000_000 + card * 1000 + i, (i + 1) << 20, sm=1, mem=1)
    return scene


def h100(path: Path, gpus: int = 8) -> Scene:
    """An HGX board: GPM, 18 NVLinks each to switches, ECC with a few corrected errors, no fans."""
    scene = _model(Scene(path, gpus), "NVIDIA H100 80GB HBM3", 80 << 30)
    scene.unsupported(ALL, *_FANS).set(ALL, "nvmlDeviceGetFieldValues.91", 18)
    scene.set(ALL, "nvmlDeviceGetTopologyCommonAncestor", 50)
    return scene.set(ALL, "nvmlDeviceGetTotalEccErrors.0.1", 3)


def geforce(path: Path, gpus: int = 2) -> Scene:
    """Desktop cards: fans, an energy counter; no ECC, NVLink, GPM or memory temperature."""
    scene = _model(Scene(path, gpus), "NVIDIA GeForce RTX 4090", 24 << 30)
    scene.unsupported(ALL, *_NO_DATA_CENTRE).set(ALL, "nvmlDeviceGetArchitecture", 8)
    return scene.set(ALL, "nvmlGpmQueryDeviceSupport", 0).unsupported(ALL, "nvmlGpmSampleGet")


def laptop(path: Path) -> Scene:
    """One mobile card: no fan, limit, energy counter, instant power or PCIe counters either."""
    scene = _model(geforce(path, 1), "NVIDIA GeForce RTX 4070 Laptop GPU", 8 << 30)
    scene.unsupported(ALL, *_FANS, "nvmlDeviceGetTotalEnergyConsumption")
    scene.unsupported(ALL, "nvmlDeviceGetPowerManagementLimit", "nvmlDeviceGetEnforcedPowerLimit")
    scene.unsupported(
        ALL, "nvmlDeviceGetPowerManagementDefaultLimit", "nvmlDeviceGetPowerManagementLimitConstraints"
    )
    fields = (83, 185, 186, 187, 188, 189, 190, 191, 197, 198)
    return scene.unsupported(ALL, *(f"nvmlDeviceGetFieldValues.{field}" for field in fields))


def gb10(path: Path) -> Scene:
    """Unified memory: neither version of the memory information is supported."""
    scene = geforce(path, 1).set(ALL, "nvmlDeviceGetName", text="NVIDIA GB10")
    scene.unsupported(ALL, "nvmlDeviceGetMemoryInfo", "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetBAR1MemoryInfo")
    return scene.unsupported(ALL, *_FANS).set(ALL, "nvmlDeviceGetArchitecture", 10)


def mig(path: Path, gpus: int = 2, instances: int = 3) -> Scene:
    """HGX cards, card 0 in MIG mode with a process in each instance (pids from 1,000,001)."""
    scene = h100(path, gpus).mig(0, instances)
    for card in range(1, gpus):
        scene.mig(card, 0)
    for instance in range(instances):
        scene.process(f"0/{instance}", 1_000_001 + instance, 1 << 30)
    return scene
