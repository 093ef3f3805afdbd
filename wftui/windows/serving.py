"""Model servers and what is measured of their processes: GPUs, memory, energy; where claim and reality differ."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from wftui.model import gpus, processes
from wftui.model.table import Row
from wftui.units import GIB

NOT_THERE: Final = "not on the GPU"
"""Verdict: it claims more memory of GPUs than its processes hold."""
SPLIT: Final = "partly in RAM"
"""Verdict: a part of a model lies in the machine's memory, which is an order of magnitude slower."""
SWAPPED: Final = "swapped out"
"""Verdict: a part of the server's memory lies in swap."""
IDLE: Final = "GPUs idle"
"""Verdict: it says that it runs requests, and its GPUs do nothing."""

_HELD: Final = 0.75
"""Of what is claimed must be held: drivers and servers count contexts and pools differently."""
_SMALL: Final = GIB // 4
"""Less memory than this is no model."""
_IN_RAM: Final = 0.02
_IN_SWAP: Final = 0.05


class GpuUse(NamedTuple):
    """What a server's processes have of GPUs."""

    gpus: tuple[str, ...]
    """UUIDs, sorted."""
    memory: float | None
    """Bytes; None: of one of them it is not known."""
    energy: float | None
    """Joules since the recorder saw them, apportioned; None: not known of any."""
    busy: float | None
    """Highest utilisation of one of them; None: not known of any."""


def members(pids: Iterable[int], rows: Iterable[Row]) -> frozenset[int]:
    """These processes and all that they started.

    Args:
        pids: Of the servers' first processes.
        rows: Of the table ``processes``.
    """
    children: dict[int, list[int]] = {}
    for row in rows:
        parent, pid = row[processes.PARENT], row[processes.PID]
        if isinstance(parent, int) and isinstance(pid, int):
            children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    left = list(pids)
    while left:
        pid = left.pop()
        if pid not in found:
            found.add(pid)
            left += children.get(pid, ())
    return frozenset(found)


def gpu_use(pids: frozenset[int], rows: Iterable[Row]) -> GpuUse:
    """What these processes have, from the rows of the table ``gpu_processes``."""
    held = [row for row in rows if row[gpus.P_PID] in pids]
    memory = [row[gpus.P_MEMORY] for row in held]
    known = [float(cell) for cell in memory if isinstance(cell, int | float)]
    energy = [float(cell) for row in held if isinstance(cell := row[gpus.P_ENERGY], int | float)]
    busy = [float(cell) for row in held if isinstance(cell := row[gpus.P_UTILIZATION], int | float)]
    return GpuUse(
        tuple(sorted({str(row[gpus.P_UUID]) for row in held})),
        sum(known) if len(known) == len(memory) else None,
        sum(energy) if energy else None,
        max(busy, default=None),
    )


class Claim(NamedTuple):
    """What a server says of itself, beside what is measured of it."""

    vram: float | None
    """Bytes that it says its models hold on GPUs."""
    ram: float | None
    """Bytes that it says they hold in the machine's memory."""
    running: float | None
    """Requests that it says it runs."""
    generated: float | None
    """Tokens that it made in the last ten seconds."""
    resident: float | None
    """Bytes of its processes in memory."""
    swapped: float | None
    """Bytes of its processes in swap."""


def verdict(claim: Claim, use: GpuUse, machine_has_gpus: bool) -> tuple[str, str]:
    """Whether claim and reality differ, the gravest first.

    Returns:
        (verdict, evidence in a person's words); both empty: nothing is amiss as far as is known.
    """
    vram, ram = claim.vram or 0.0, claim.ram or 0.0
    if machine_has_gpus and vram > _SMALL and use.memory is not None and use.memory < _HELD * vram:
        return NOT_THERE, f"says {_gib(vram)} on GPUs, its processes hold {_gib(use.memory)}"
    if claim.swapped and claim.resident is not None:
        whole = claim.swapped + claim.resident
        if claim.swapped > _SMALL and claim.swapped > _IN_SWAP * whole:
            return SWAPPED, f"{_gib(claim.swapped)} of its {_gib(whole)} lie in swap"
    # Busy with what? A request that waits for a client, or the engine is stuck.
    if use.gpus and use.busy == 0.0 and (claim.running or 0) >= 1 and claim.generated == 0:
        return IDLE, f"says it runs {claim.running:.0f} requests; no token and no GPU work in ten seconds"
    if vram + ram > _SMALL and vram > 0 and ram > _IN_RAM * (vram + ram):
        return SPLIT, f"{100 * ram / (vram + ram):.0f} % of its models' memory lie in RAM ({_gib(ram)})"
    return "", ""


def _gib(number: float) -> str:
    return f"{number / GIB:.1f} GiB"


def per_token(energy: Sequence[tuple[int, float]], tokens: Sequence[tuple[int, float]]) -> float | None:
    """Joules per generated token between the first and the last reading of the energy.

    Args:
        energy: (ns, joules), ascending: a counter.
        tokens: (ns, tokens), ascending: a counter, read at other times.

    Returns:
        None: fewer than two readings, no tokens in between, or a counter that fell.
    """
    # What was read after the newest tokens waits for the next ones.
    energy = [reading for reading in energy if tokens and reading[0] <= tokens[-1][0]]
    if len(energy) < 2:
        return None
    (begin, before), (end, after) = energy[0], energy[-1]
    first, last = _at(tokens, begin), _at(tokens, end)
    if first is None or last is None or last - first < 1 or after < before:
        return None
    return (after - before) / (last - first)


def _at(readings: Sequence[tuple[int, float]], at: int) -> float | None:
    """A counter at a time between two of its readings, as if it grew evenly."""
    for (begin, low), (end, high) in pairwise(readings):
        if begin <= at <= end:
            return low + (high - low) * (at - begin) / (end - begin) if end > begin else high
    return None
