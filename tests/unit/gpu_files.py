"""Graphics processors as sysfs and /proc show them, in the formats that the kernel's documentation gives."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.unit.kernel_files import plant

AMD_BUS: Final = "0000:03:00.0"
ARC_BUS: Final = "0000:06:00.0"
INTEL_BUS: Final = "0000:00:02.0"

NAVI: Final = {
    "device": "0x744c\n",
    "unique_id": "8b4d6a2fd5c3e101\n",
    "gpu_busy_percent": "42\n",
    "mem_busy_percent": "7\n",
    "mem_info_vram_total": f"{24 << 30}\n",
    "mem_info_vram_used": f"{6 << 30}\n",
    "mem_info_gtt_total": f"{32 << 30}\n",
    "mem_info_gtt_used": f"{1 << 30}\n",
    "pp_dpm_sclk": "0: 500Mhz \n1: 1203Mhz *\n2: 2526Mhz \n",
    "pp_dpm_mclk": "0: 96Mhz *\n1: 1249Mhz \n",
    "pcie_replay_count": "3\n",
    "ras/umc_err_count": "ue: 0\nce: 12\n",
    "numa_node": "0\n",
    "local_cpulist": "0-15\n",
    "hwmon/hwmon4/name": "amdgpu\n",
    "hwmon/hwmon4/temp1_label": "edge\n",
    "hwmon/hwmon4/temp1_input": "51000\n",
    "hwmon/hwmon4/temp1_crit": "100000\n",
    "hwmon/hwmon4/temp1_emergency": "105000\n",
    "hwmon/hwmon4/temp2_label": "junction\n",
    "hwmon/hwmon4/temp2_input": "63000\n",
    "hwmon/hwmon4/temp3_label": "mem\n",
    "hwmon/hwmon4/temp3_input": "70000\n",
    "hwmon/hwmon4/temp3_crit": "108000\n",
    "hwmon/hwmon4/power1_average": "203000000\n",
    "hwmon/hwmon4/power1_cap": "303000000\n",
    "hwmon/hwmon4/power1_cap_default": "303000000\n",
    "hwmon/hwmon4/power1_cap_min": "0\n",
    "hwmon/hwmon4/power1_cap_max": "348000000\n",
    "hwmon/hwmon4/freq1_input": "1203000000\n",
    "hwmon/hwmon4/freq2_input": "96000000\n",
    "hwmon/hwmon4/pwm1": "51\n",
    "hwmon/hwmon4/pwm1_max": "255\n",
}
"""A card of the 7900 XTX's kind."""

IRIS: Final = {
    "device": "0x46a6\n",
    "drm/card1/gt_act_freq_mhz": "450\n",
    "drm/card1/gt/gt0/rps_act_freq_mhz": "450\n",
    "drm/card1/gt/gt0/rps_RP0_freq_mhz": "1400\n",
    "drm/card1/gt/gt0/rc6_residency_ms": "100000\n",
    "drm/card1/gt/gt0/throttle_reason_status": "0\n",
    "drm/card1/gt/gt0/throttle_reason_pl1": "0\n",
    "drm/card1/gt/gt0/throttle_reason_thermal": "0\n",
    "drm/card1/gt/gt0/throttle_reason_prochot": "0\n",
}
"""The graphics of a laptop's processor, by i915."""

ARC: Final = {
    "device": "0xe20b\n",
    "tile0/physical_vram_size_bytes": f"{12 << 30}\n",
    "tile0/gt0/freq0/act_freq": "2850\n",
    "tile0/gt0/freq0/rp0_freq": "2850\n",
    "tile0/gt0/gtidle/idle_residency_ms": "5000\n",
    "tile0/gt0/freq0/throttle/status": "1\n",
    "tile0/gt0/freq0/throttle/reason_pl1": "1\n",
    "tile0/gt0/freq0/throttle/reason_thermal": "0\n",
    "tile0/gt1/freq0/act_freq": "0\n",
    "tile0/gt1/gtidle/idle_residency_ms": "6000\n",
    "hwmon/hwmon2/name": "xe\n",
    "hwmon/hwmon2/energy1_label": "card\n",
    "hwmon/hwmon2/energy1_input": "1000000\n",
    "hwmon/hwmon2/power1_max": "190000000\n",
    "hwmon/hwmon2/power1_cap": "380000000\n",
    "hwmon/hwmon2/power1_rated_max": "0\n",
    "hwmon/hwmon2/temp2_label": "pkg\n",
    "hwmon/hwmon2/temp2_input": "61000\n",
    "hwmon/hwmon2/temp3_label": "vram\n",
    "hwmon/hwmon2/temp3_input": "58000\n",
    "hwmon/hwmon2/fan1_input": "1200\n",
}
"""A B580, by xe."""


def gpu(
    root: Path,
    bus: str,
    files: Mapping[str, str | bytes],
    *,
    vendor: str,
    driver: str,
    card: int = -1,
    kind: str = "0x030000",
    status: str = "active",
    control: str = "on",
) -> Path:
    """A device on the bus; ``card`` -1: it has no DRM device. Returns its folder."""
    folder = root / f"sys/bus/pci/devices/{bus}"
    power = {"power/runtime_status": f"{status}\n", "power/control": f"{control}\n"}
    plant(folder, {"class": f"{kind}\n", "vendor": f"{vendor}\n", **power, **files})
    if driver and not (folder / "driver").is_symlink():
        (folder / "driver").symlink_to(f"../../../bus/pci/drivers/{driver}")
    if card >= 0:
        (folder / f"drm/card{card}").mkdir(parents=True, exist_ok=True)
        (folder / f"drm/renderD{128 + card}").mkdir(exist_ok=True)
    return folder


def navi(
    root: Path, more: Mapping[str, str | bytes] | None = None, *, status: str = "active", control: str = "on"
) -> Path:
    """An AMD card as card0."""
    files = {**NAVI, **(more or {})}
    return gpu(root, AMD_BUS, files, vendor="0x1002", driver="amdgpu", card=0, status=status, control=control)


def process(root: Path, pid: int, files: Mapping[int, tuple[str, str]], *, name: str = "python3") -> None:
    """A process of this user with open files: number to (target, fdinfo)."""
    folder = root / f"proc/{pid}"
    fields = " ".join(["S", "1", *["0"] * 17, "4711", "0", "100", *["0"] * 20])
    plant(
        folder, {"stat": f"{pid} ({name}) {fields}\n", "cgroup": "0::/user.slice\n", "environ": "", "cmdline": ""}
    )
    (folder / "fd").mkdir(exist_ok=True)
    for number, (target, info) in files.items():
        link = folder / f"fd/{number}"
        if not link.is_symlink():
            link.symlink_to(target)
        plant(folder, {f"fdinfo/{number}": info})


def amd_client(number: int, bus: str = AMD_BUS, *, vram_kib: int = 0, gtt_kib: int = 0, **engines: int) -> str:
    """The text of amdgpu; engines in ns."""
    lines = [
        "pos:\t0", "flags:\t02100002", "mnt_id:\t26", f"pasid:\t{number}", "drm-driver:\tamdgpu",
        f"drm-pdev:\t{bus}", f"drm-client-id:\t{number}", f"drm-memory-vram:\t{vram_kib} KiB",
        f"drm-memory-gtt: \t{gtt_kib} KiB", "drm-memory-cpu: \t0 KiB", "amd-requested-vram:\t0 KiB",
    ]  # fmt: skip
    lines += [f"drm-engine-{name}:\t{ns} ns" for name, ns in engines.items()]
    return "\n".join(lines) + "\n"


def xe_client(number: int, rcs: int, ccs: int, total: int, vram_kib: int = 0) -> str:
    """The text of xe; cycles."""
    return (
        f"pos:\t0\ndrm-driver:\txe\ndrm-client-id:\t{number}\ndrm-pdev:\t{ARC_BUS}\n"
        f"drm-total-system:\t0\ndrm-resident-system:\t0\ndrm-total-vram0:\t{2 * vram_kib} KiB\n"
        f"drm-resident-vram0:\t{vram_kib} KiB\ndrm-cycles-rcs:\t{rcs}\ndrm-total-cycles-rcs:\t{total}\n"
        f"drm-cycles-ccs:\t{ccs}\ndrm-total-cycles-ccs:\t{total}\ndrm-engine-capacity-ccs:\t4\n"
    )
