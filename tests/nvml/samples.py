"""Boxes of kinds that there are, as scenes to start from; nothing is saved yet."""

from pathlib import Path
from random import Random

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


_NAMES = (
    "UtilizationRates UtilizationRates.gpu MemoryInfo MemoryInfo_v2 BAR1MemoryInfo PowerUsage "
    "TotalEnergyConsumption Temperature TemperatureV TemperatureThreshold EnforcedPowerLimit "
    "PowerManagementDefaultLimit PowerManagementLimitConstraints ClockInfo ClockInfo.2 MaxClockInfo "
    "PerformanceState CurrentClocksEventReasons CurrentClocksThrottleReasons EncoderUtilization "
    "DecoderUtilization JpgUtilization OfaUtilization NumFans FanSpeed_v2 PcieThroughput "
    "PcieReplayCounter CurrPcieLinkGeneration MaxPcieLinkGeneration CurrPcieLinkWidth MaxPcieLinkWidth "
    "NvLinkState NvLinkErrorCounter TotalEccErrors RemappedRows RetiredPages "
    "RetiredPagesPendingStatus ProcessUtilization ComputeRunningProcesses_v3 "
    "GraphicsRunningProcesses_v3 EccMode ComputeMode PersistenceMode VirtualizationMode MinorNumber "
    "CpuAffinity TopologyCommonAncestor Name Serial PciInfo_v3 FieldValues"
)
READINGS = (
    "memory.total",
    "memory.used",
    "memory.reserved",
    "memory.free",
    "power",
    *(f"nvmlDeviceGet{name}" for name in _NAMES.split()),
    *(
        f"nvmlDeviceGetFieldValues.{field}"
        for field in (74, 82, 83, 91, 138, 139, 185, 186, 191, 197, 198, 269, 270, 271)
    ),
    *("nvmlGpmQueryDeviceSupport", "nvmlGpmSampleGet", "nvmlGpmMetricsGet", "nvmlDeviceRegisterEvents"),
)
"""What ``garbage`` plays with."""
_VALUES: tuple[str, ...] = (
    *("4294967295", "18446744073709551615", "9223372036854775807", "-1", "101", "0", "1e30", "nan"),
    *("cycle:4294967295:-1:101:50:0", "grow:1000000:-500000", "calls:0:1000000000000", "saw:-50:150:0.3"),
)
_CODES = (1, 2, 3, 4, 6, 7, 10, 13, 15, 17, 21, 25, 27, 28, 999, 12345, -1)
_TEXTS = (
    b"",
    b"\xff\xfe\x80",
    b"\x1b]52;c;Zm9v\x07\x1b[2J",
    b"a\tb\rc",
    "\u202eevil\u0085".encode(),
    b"%s%n" * 20,
)
_PIDS = (0, 1, 2**22, 2**31 - 1, 2**32 - 1)


def garbage(path: Path, seed: int, gpus: int = 4) -> Scene:
    """A box of which many a reading lies or fails, the same for the same seed; nothing hangs, all cards are there.

    Card 0 is left alone, so that a test can see that its readings go on.
    """
    draw = Random(seed)  # noqa: S311  # a test's dice
    scene = Scene(path, gpus)
    for card in range(gpus):
        for pid in (100 + card, *draw.sample(_PIDS, 2)):
            memory = draw.choice([None, 1 << 30, 2**63, 2**64 - 2])
            scene.process(
                card, pid, memory if card else 1 << 30, sm=draw.choice([0, 50, 101, 2**31]) if card else 5
            )
    for card in range(1, gpus):
        for _ in range(draw.randrange(1, 25)):
            reading = draw.choice(READINGS)
            if draw.random() < 0.6:
                scene.set(card, reading, draw.choice(_VALUES))
            else:
                scene.set(card, reading, code=draw.choice(_CODES), times=draw.choice([None, 1, 5]))
        if draw.random() < 0.5:
            scene.set(card, "nvmlDeviceGetName", text=draw.choice(_TEXTS))
        if draw.random() < 0.2:
            scene.set(card, ALL, draw.choice(_VALUES))
    return scene
