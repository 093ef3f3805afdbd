"""What moves together is one finding: ten cores under one load, the figures of one disk."""

from typing import Final

import numpy as np

from wftui.history.seconds import Matrix
from wftui.model.why import APPEARED, VANISHED, Moved

CORRELATED: Final = 0.9
TOGETHER_S: Final = 5
_SAME: Final = {"s/s": "1", "J/s": "W"}
_THINGS: Final = frozenset({"device", "interface", "gpu", "server", "mount"})
"""Labels that name what a series is of."""


def groups(found: list[Moved], tail: Matrix) -> list[Moved]:
    """One of each group, with the others as its members.

    Args:
        found: The most telling first.
        tail: Their values around the step, float64 of shape (seconds, len(found)), NaN = no value.
    """
    if not found:
        return []
    known = ~np.isnan(tail)
    mean = np.sum(tail, axis=0, where=known) / np.maximum(1, known.sum(axis=0))
    centre = np.where(known, tail - mean, 0.0)
    norms = np.sqrt((centre * centre).sum(axis=0))
    centre /= np.where(norms > 0, norms, 1.0)
    alike = np.abs(centre.T @ centre) >= CORRELATED
    taken: set[int] = set()
    kept = []
    for place, leader in enumerate(found):
        if place in taken:
            continue
        members = [
            other
            for other in range(place + 1, len(found))
            if other not in taken and _with(leader, found[other], bool(alike[place, other]))
        ]
        taken.update(members)
        kept.append(_named(leader, [found[other] for other in members]))
    return kept


def _with(leader: Moved, other: Moved, alike: bool) -> bool:
    if leader.kind in (APPEARED, VANISHED):
        labels = set(leader.column.series.labels) & set(other.column.series.labels)
        same = bool(labels) or leader.column.source == other.column.source
        return other.kind == leader.kind and same and abs(other.began_s - leader.began_s) <= TOGETHER_S
    if other.kind in (APPEARED, VANISHED):
        return False
    at_once = abs(other.began_s - leader.began_s) <= TOGETHER_S
    same = other.column.series.name == leader.column.series.name and other.kind == leader.kind
    return at_once and (same or (alike and _related(leader, other)))


def _related(leader: Moved, other: Moved) -> bool:
    """Whether they are of one kind, or of one thing: both of a disk, a GPU, a server."""
    if _SAME.get(leader.unit, leader.unit) == _SAME.get(other.unit, other.unit):
        return True
    mine = {pair for pair in leader.column.series.labels if pair[0] in _THINGS}
    return not mine.isdisjoint(other.column.series.labels)


def _named(leader: Moved, members: list[Moved]) -> Moved:
    """A total speaks for its parts: the series with fewest labels, of those nearly as telling."""
    near = [item for item in members if item.score >= leader.score / 2 and item.kind == leader.kind]
    best = min([leader, *near], key=lambda item: (len(item.column.series.labels), -item.score))
    others = [item.column.series.text for item in [leader, *members] if item is not best]
    made: Moved = Moved(
        **{name: getattr(best, name) for name in Moved.__struct_fields__}
        | {"score": leader.score, "members": others}
    )
    return made
