"""The binary table ``gpu_metrics`` of amdgpu: what no text file of that driver tells.

Source: drivers/gpu/drm/amd/include/kgd_pp_interface.h, struct gpu_metrics_v*; the bits of the reasons:
drivers/gpu/drm/amd/pm/swsmu/inc/amdgpu_smu.h, SMU_THROTTLER_*.
"""

from typing import Final, NamedTuple

SIZE: Final = 4096
_UNIT_J: Final = 2.0**-16
_ENERGY: Final = 24
"""Offset of the energy accumulator in the tables 1.1 to 1.4."""
_REASONS: Final = {(1, 3): 112, (2, 2): 120, (2, 3): 120, (2, 4): 120}
"""Offset of ``indep_throttle_status``."""
_UNTOLD: Final = 0xFFFF_FFFF_FFFF_FFFF
"""What the driver leaves where a chip tells nothing."""
_APU: Final = frozenset({2, 3})
"""Formats of processors with graphics inside."""
_BITS: Final = (
    (0x0000_0000_0000_FFFF, "power_cap"),
    (0x0000_0000_FFFF_0000, "hw_slowdown"),
    (0x0000_0FFF_0000_0000, "sw_thermal"),
    (0x00FF_F000_0000_0000, "hw_thermal"),
)
"""Power, current, temperature of the chip and its regulators; VRHOT and PROCHOT pins."""


class Metrics(NamedTuple):
    """What we use of the table."""

    apu: bool
    """A processor with graphics inside: it uses the system's memory."""
    joules: float | None
    """Energy since the driver was loaded; None: this chip does not count."""
    reasons: frozenset[str] | None
    """Why clocks are held back, as in ``model.gpus.REASONS``; None: not told."""


def parse_metrics(data: bytes) -> Metrics | None:
    """Read the table; None: it is cut off, or no such table."""
    if len(data) < 4:
        return None
    size, version, content = int.from_bytes(data[:2], "little"), data[2], data[3]
    if not 4 <= size <= len(data) or not 1 <= version <= 3:
        return None
    energy = _whole(data[:size], _ENERGY) if version == 1 and 1 <= content <= 4 else None
    mask = _whole(data[:size], _REASONS.get((version, content), size))
    reasons = None if mask is None else frozenset(name for bits, name in _BITS if mask & bits)
    return Metrics(version in _APU, None if energy is None else energy * _UNIT_J, reasons)


def _whole(data: bytes, offset: int) -> int | None:
    if len(data) < offset + 8:
        return None
    value = int.from_bytes(data[offset : offset + 8], "little")
    return None if value == _UNTOLD else value
