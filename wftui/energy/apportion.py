"""Whose energy it was: a rule, not a measurement, and called so."""

from collections.abc import Sequence
from typing import Final

RULE: Final = (
    "apportioned: a board's energy goes to its processes by their share of its utilisation; while none computes, "
    "by the memory they hold; what nobody holds stays with the board"
)


def split(joules: float, uses: Sequence[tuple[float | None, float | None]]) -> list[float | None]:
    """Share a board's energy (J) of one interval among its processes.

    Args:
        joules: What the board drew in the interval.
        uses: (utilisation 0..1, memory in bytes) of each process; None: the driver does not tell.

    Returns:
        Joules of each, together never more than ``joules``; None where neither is told of it.
    """
    by_use = [use if use is not None and use > 0 else 0.0 for use, _ in uses]
    by_memory = [memory if memory is not None and memory > 0 else 0.0 for _, memory in uses]
    known = [use is not None or memory is not None for use, memory in uses]
    weights = by_use if sum(by_use) > 0 else by_memory
    total = sum(weights)
    if joules <= 0 or total <= 0:
        return [0.0 if there else None for there in known]
    return [joules * weight / total if there else None for weight, there in zip(weights, known, strict=True)]
