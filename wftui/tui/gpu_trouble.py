"""What is wrong with a GPU, in a word, and since when; and the same for all of them, each trouble once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.model import gpus as cells
from wftui.model.health import ASLEEP, DENIED, FAILED, STUCK, UNSUPPORTED
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.gpus import Gpu

GOOD: Final = "good"
WARN: Final = "warn"
BAD: Final = "bad"
QUIET: Final = "dim"
"""Level of a GPU that says nothing and is not in trouble: asleep, not supported."""
RANK: Final = {BAD: 3, WARN: 2, QUIET: 1, GOOD: 0}

THROTTLES: Final = {
    "hw_thermal": "overheated",
    "hw_power_brake": "power brake",
    "hw_slowdown": "hw slowdown",
    "sw_thermal": "hot, slowed",
    "power_cap": "power-capped",
    "sync_boost": "sync boost",
}
"""Reasons that hold a GPU back, the worst first, in a word."""
_MILD: Final = frozenset({"power_cap", "sync_boost"})
XID_S: Final = 600
"""Seconds for which an Xid is trouble."""
_PROGRAMS: Final = frozenset({13, 31, 43, 45, 68, 69, 109})
"""Xids that a program brings about by itself. Source: NVIDIA, "Xid Errors" (application causes)."""
_NEAR: Final = 3.0
"""Degrees below a limit from which on a GPU is hot."""
_FULL: Final = 0.98
"""Servers of models fill 90 to 95 % on purpose."""


def trouble_of(gpu: Gpu, now_ns: int) -> tuple[str, str, int | None]:
    """Level, word, since when: the worst that is true."""
    xid = gpu.last_xid if gpu.xid_ns is not None and 0 <= now_ns - gpu.xid_ns < XID_S * NS_PER_S else None
    if gpu.state == cells.LOST:
        return BAD, "lost", gpu.since_ns
    if gpu.state == STUCK:
        return BAD, "no answer", gpu.since_ns
    if gpu.state == FAILED:
        return BAD, "failed", gpu.since_ns
    if gpu.state == DENIED:
        return WARN, "no permission", gpu.since_ns
    if gpu.state == ASLEEP:
        return QUIET, "asleep", gpu.since_ns
    if gpu.state == UNSUPPORTED:
        return QUIET, "not supported", gpu.since_ns
    if xid is not None and xid not in _PROGRAMS:
        return BAD, f"Xid {xid}", gpu.xid_ns
    if gpu.temperature >= gpu.hot_at:
        return BAD, "too hot", None
    if gpu.throttle and gpu.throttle[0] not in _MILD:
        return WARN, THROTTLES[gpu.throttle[0]], gpu.throttled_ns
    if gpu.temperature >= gpu.hot_at - _NEAR:
        return WARN, "hot", None
    if xid is not None:
        return WARN, f"Xid {xid}", gpu.xid_ns
    if gpu.throttle:
        return WARN, THROTTLES[gpu.throttle[0]], gpu.throttled_ns
    if gpu.memory_share >= _FULL and not gpu.unified:
        return WARN, "memory full", None
    return GOOD, "", None


class Finding(NamedTuple):
    """One trouble and all GPUs that have it."""

    level: str
    """``WARN`` or ``BAD``."""
    word: str
    labels: tuple[str, ...]
    """Their numbers; where they stand on the bus of those without one."""
    names: tuple[str, ...]
    since_ns: int | None
    """The longest."""


def findings(gpus: Sequence[Gpu]) -> list[Finding]:
    """What troubles the GPUs, the worst first, each trouble once."""
    grouped: dict[tuple[str, str], list[Gpu]] = {}
    for gpu in gpus:
        if gpu.level in (WARN, BAD):
            grouped.setdefault((gpu.level, gpu.trouble), []).append(gpu)
    found = []
    for (level, word), those in grouped.items():
        times = [gpu.trouble_ns for gpu in those if gpu.trouble_ns is not None]
        found.append(
            Finding(
                level,
                word,
                tuple(gpu.label for gpu in those),
                tuple(gpu.short for gpu in those),
                min(times) if times else None,
            )
        )
    return sorted(found, key=lambda item: (-RANK[item.level], -len(item.labels)))
