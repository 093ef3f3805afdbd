"""Graphics processors of AMD, by the files of amdgpu (and of radeon, as far as it has them).

Source: Documentation/gpu/amdgpu/{thermal,driver-misc,ras}.rst; drivers/gpu/drm/amd/pm/amdgpu_pm.c.
"""

import re
from typing import Final

from wftui.collectors.files import read_once
from wftui.collectors.gpu_hwmon import Hwmon
from wftui.collectors.gpu_metrics_table import SIZE, Metrics, parse_metrics
from wftui.collectors.gpu_reading import MOST_HZ, Told, scaled, word

_PERCENT: Final = 0.01
_CLOCK: Final = re.compile(r"^\s*\w+:\s*(\d+)\s*[Mm][Hh]z", re.MULTILINE)
"""A line of pp_dpm_*: ``1: 800Mhz *``."""
_ERRORS: Final = re.compile(r"^(ue|ce):\s*(\d+)\s*$", re.MULTILINE)
"""A line of ras/*_err_count."""
_CLOCKS: Final = (("freq1_input", "graphics"), ("freq2_input", "memory"))
_LEVELS: Final = (("pp_dpm_sclk", "graphics"), ("pp_dpm_mclk", "memory"))
_MOST_COUNT: Final = 2.0**63


def identity(device: str) -> str:
    """``amd-…`` of the number that the chip was born with; empty: it has none."""
    number = word(f"{device}/unique_id")
    return f"amd-{number}" if re.fullmatch(r"[0-9a-f]{16}", number) and int(number, 16) else ""


def metrics(device: str) -> Metrics | None:
    """Its binary table; None: there is none, or of a kind that we do not know."""
    try:
        return parse_metrics(read_once(f"{device}/gpu_metrics", SIZE))
    except OSError:
        return None


def read(device: str, hwmon: Hwmon, told: Told) -> None:
    """What moves."""
    table = metrics(device)
    told.busy = told.add("utilization", "", scaled(f"{device}/gpu_busy_percent", _PERCENT), 1, "gpu_busy_percent")
    told.add("memory.io.utilization", "", scaled(f"{device}/mem_busy_percent", _PERCENT), 1, "mem_busy_percent")
    hwmon.read(told)
    for file, mode in _CLOCKS if hwmon.folder else ():
        told.add("clock.frequency", mode, scaled(f"{hwmon.folder}/{file}", 1), MOST_HZ, f"hwmon {file}")
    if table is not None:
        told.unified = table.apu
        told.reasons, told.throttle_call = table.reasons, "gpu_metrics indep_throttle_status"
        if told.joules is None:
            told.joules = table.joules
    _memory(device, told)


def _memory(device: str, told: Told) -> None:
    used, total = (scaled(f"{device}/mem_info_vram_{name}", 1) for name in ("used", "total"))
    call = "mem_info_vram_*"
    if told.unified:
        # The carve-out alone is often 512 MiB: what programs get is that and the system's memory mapped for it.
        more = [scaled(f"{device}/mem_info_gtt_{name}", 1) for name in ("used", "total")]
        if used is not None and total is not None and more[0] is not None and more[1] is not None:
            used, total = used + more[0], total + more[1]
            call = "mem_info_vram_* + mem_info_gtt_*"
    told.memory(used, total, call)


def read_rare(device: str, hwmon: Hwmon, told: Told) -> None:
    """What hardly ever changes, or costs a question to the card's firmware."""
    hwmon.read_limits(told)
    for file, mode in _LEVELS:
        clocks = [int(found) for found in _CLOCK.findall(word(f"{device}/{file}", 4096))]
        if clocks:
            told.add("clock.limit", mode, max(clocks) * 1e6, MOST_HZ, file)
    told.add("pcie.replays", "", scaled(f"{device}/pcie_replay_count", 1), _MOST_COUNT, "pcie_replay_count")
    for kind, count in _ERRORS.findall(word(f"{device}/ras/umc_err_count")):
        mode = "uncorrected" if kind == "ue" else "corrected"
        told.add("ecc.errors", mode, float(count), _MOST_COUNT, "ras/umc_err_count")
