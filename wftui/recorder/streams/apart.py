"""Which streams disagree: by the probabilities of their next tokens where both told them, else by their timing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final, NamedTuple

from wftui.energy.spread import disagreement, timing_disagreement
from wftui.recorder.streams.entry import NAN, Entry

TOP_K: Final = "top_k"
TIMING: Final = "timing"
TOGETHER_S: Final = 2.0
"""Both told their probabilities within so long."""
MOST: Final = 8
"""Of more streams the ones heard of last are compared."""


class Apart(NamedTuple):
    """Two streams."""

    amount: float
    """0 to 1."""
    by: str
    """``TOP_K`` or ``TIMING``."""


def compare(entries: Sequence[Entry], now_s: float) -> dict[str, float]:
    """Tell each stream whom it disagrees with most.

    Args:
        entries: Those with an answer under way.
        now_s: CLOCK_BOOTTIME.

    Returns:
        How two are told apart (``TOP_K``, ``TIMING``) to the greatest disagreement that is known so.
    """
    greatest: dict[str, float] = {}
    for entry in entries:
        entry.apart = (NAN, "", "")
    for one, other in combinations(sorted(entries, key=lambda item: -item.heard_s)[:MOST], 2):
        found = _apart(one, other, now_s)
        if found.amount != found.amount:
            continue
        greatest[found.by] = max(greatest.get(found.by, 0.0), found.amount)
        for entry, against in ((one, other), (other, one)):
            if not entry.apart[0] >= found.amount:
                entry.apart = (found.amount, against.name, found.by)
    return greatest


def _apart(one: Entry, other: Entry, now_s: float) -> Apart:
    since_s = now_s - TOGETHER_S
    if one.top and other.top and one.top_s >= since_s and other.top_s >= since_s:
        return Apart(disagreement(one.top, other.top), TOP_K)
    return Apart(timing_disagreement(one.stream.gaps, other.stream.gaps), TIMING)
