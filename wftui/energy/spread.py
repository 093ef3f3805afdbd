"""What the probabilities of the next token say: entropy, certainty, and how far two models disagree.

Formulas of WF-FND-002. Probabilities are those of the top K only: they are taken as the whole, so that K equal
ones are as unsure as K can be. Nothing here knows a token: a key may be anything that two models share.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NAN: Final = float("nan")
_Token = TypeVar("_Token")
"""Anything that two models share."""


def entropy(probabilities: Iterable[float]) -> float:
    """Shannon entropy in bits; NaN without any, or when one of them is no share."""
    those = list(probabilities)
    total = math.fsum(those)
    if not 0 < total < math.inf or not all(0 <= p <= total for p in those):
        return NAN
    # A share may be so small that nothing is left of it.
    shares = [share for p in those if (share := p / total) > 0]
    return max(0.0, -math.fsum(share * math.log2(share) for share in shares))


def certainty(bits: float, outcomes: int) -> float:
    """1 - H / log K, 0 to 1.

    Args:
        bits: Entropy H of the next token.
        outcomes: K, how many tokens it is over; fewer than 2: how sure that is, nobody can say.

    Returns:
        NaN where it is not known.
    """
    if outcomes < 2 or bits != bits:
        return NAN
    return min(1.0, max(0.0, 1.0 - bits / math.log2(outcomes)))


def disagreement(one: Mapping[_Token, float], other: Mapping[_Token, float]) -> float:
    """Jensen-Shannon divergence of two models' top K in bits: 0 the same, 1 nothing in common; NaN: unknown."""
    first, second = math.fsum(one.values()), math.fsum(other.values())
    if not (0 < first < math.inf and 0 < second < math.inf) or min(*one.values(), *other.values()) < 0:
        return NAN
    parts: list[float] = []
    for key in one.keys() | other.keys():
        p, q = one.get(key, 0.0) / first, other.get(key, 0.0) / second
        both = p + q  # not their mean: of the smallest there is nothing would be left
        parts.append((p * math.log2(2 * p / both) if p else 0.0) + (q * math.log2(2 * q / both) if q else 0.0))
    # Summed exactly: the order of the keys, and who is the first, make no difference.
    return min(1.0, max(0.0, math.fsum(parts) / 2))


def timing_disagreement(one: Sequence[float], other: Sequence[float]) -> float:
    """How much of the variance of inter-token times is that between the two models, 0 to 1.

    Stands in for :func:`disagreement` where no probabilities are told, and is labelled so: 0 when both tick
    alike, 1 when each is steady at a pace of its own.

    Args:
        one: Times between the last tokens of a model, s; at least two.
        other: The same of the other model.

    Returns:
        NaN while there are too few.
    """
    if len(one) < 2 or len(other) < 2:
        return NAN
    gaps = [*one, *other]
    middle = math.fsum(gaps) / len(gaps)
    whole = math.fsum((gap - middle) ** 2 for gap in gaps)
    # Differences of a billionth are those of the arithmetic.
    if whole <= (1e-9 * middle) ** 2 * len(gaps):
        return 0.0
    between = math.fsum(len(each) * (math.fsum(each) / len(each) - middle) ** 2 for each in (one, other))
    return min(1.0, max(0.0, between / whole))


def together(levels: Sequence[float], weights: Sequence[float] = ()) -> float:
    """Energy of an ensemble: the weighted mean of what is known, 0 to 1; NaN when nothing is.

    Args:
        levels: E of each model; NaN: unknown, it is left out.
        weights: One each, 0 or more; none: all are equal.
    """
    parts = [
        (level, weight)
        for level, weight in zip(levels, weights or [1.0] * len(levels), strict=True)
        if level == level and weight > 0
    ]
    whole = math.fsum(weight for _, weight in parts)
    if not whole > 0:
        return NAN
    return min(1.0, max(0.0, math.fsum(level * weight for level, weight in parts) / whole))
