"""Numbers to as little JSON as they need, and back, without losing a bit: what is read is what was recorded.

A second of a machine is mostly what it was the second before: counters that grow by little, shares of a hundred
ticks of a clock, readings that stand still. Packing needs numpy, which whoever writes a bundle has; unpacking is
done where as little as possible is loaded.
"""

from __future__ import annotations

from array import array
from itertools import accumulate, pairwise, repeat
from typing import TYPE_CHECKING, Final

import msgspec

from wftui.bundle.format import Packed
from wftui.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

NAN: Final = float("nan")
_EXACT: Final = 2**53
"""Whole numbers below are exact as float64."""
_DIGITS: Final = (0, 1, 2, 3, 6)
_FEW: Final = 4
"""One of so many numbers may be a new one for a list of different ones to be worth it."""


def whole(values: Sequence[int]) -> Packed:
    """Whole numbers of any size (int64)."""
    if not values:
        return Packed(0, by=[])
    if values.count(values[0]) == len(values):
        return Packed(len(values), same=values[0])
    return Packed(
        len(values), start=values[0], by=[b - a for a, b in pairwise(values)]
    )  # fmt: skip


def pack(values: npt.NDArray[np.float64]) -> Packed:
    """A column of float64; NaN is unknown, and so is what is not finite."""
    import numpy as np

    count = len(values)
    if not count:
        return Packed(0, all=[])
    values = np.where(np.isfinite(values), values, np.nan)
    known = ~np.isnan(values)
    first = float(values[0])
    if not known.any():
        return Packed(count, same=None)
    if known.all() and (values == first).all() and not _negative_zero(values):
        return Packed(count, same=_short(first))
    if known.all() and np.abs(values).max() < _EXACT:
        for digits in _DIGITS:
            steps = np.rint(values * 10.0**digits)
            if (np.abs(steps) < _EXACT).all() and (steps / 10.0**digits == values).all():
                if _negative_zero(values):
                    break
                numbers = steps.astype(np.int64)
                by = np.diff(numbers).tolist()
                return Packed(count, start=int(numbers[0]), by=by, digits=digits)
    bits, at = np.unique(values.view(np.int64), return_inverse=True)
    if len(bits) * _FEW <= count:
        return Packed(count, of=_nulled(bits.view(np.float64).tolist()), at=at.tolist())
    return Packed(count, all=_nulled(values.tolist()))


def unpack(packed: Packed, limit: int) -> array[float]:
    """The numbers as float64.

    Args:
        packed: From outside: may be anything that has the right types.
        limit: How many there may be.

    Raises:
        BundleError: They contradict themselves, or are too many.
    """
    count = _count(packed, limit)
    try:
        if packed.same is not msgspec.UNSET:
            return array("d", [NAN if packed.same is None else float(packed.same)]) * count
        if packed.by is not None:
            # Lists: filling an array from an iterator takes half as long again.
            numbers = list(accumulate(packed.by, initial=packed.start))
            scale = 10.0**packed.digits
            return array("d", [number / scale for number in numbers] if packed.digits else numbers)
        if packed.at is not None:
            of = [NAN if value is None else value for value in packed.of]
            if packed.at and min(packed.at) < 0:
                raise BundleError("numbers: a place below 0")
            return array("d", [of[place] for place in packed.at])
    except (IndexError, OverflowError, ZeroDivisionError) as error:
        raise BundleError(f"numbers: {error}") from error
    return array("d", [NAN if value is None else value for value in packed.all or []])


def unpack_whole(packed: Packed, limit: int) -> array[int]:
    """The same of whole numbers, int64.

    Raises:
        BundleError: As above, or one is no int64.
    """
    count = _count(packed, limit)
    try:
        if isinstance(packed.same, int):
            return array("q", repeat(packed.same, count))
        if packed.by is not None and not packed.digits:
            return array("q", accumulate(packed.by, initial=packed.start) if count else ())
    except OverflowError as error:
        raise BundleError(f"numbers: expected whole ones of 64 bits ({error})") from error
    raise BundleError("numbers: expected whole ones")


def _count(packed: Packed, limit: int) -> int:
    """How many there are.

    Raises:
        BundleError: Another number than is said, or too many, or it is not said how they are packed.
    """
    ways = [packed.same is not msgspec.UNSET, packed.by is not None, packed.at is not None, packed.all is not None]
    if sum(ways) != 1:
        raise BundleError("numbers: expected exactly one of same, by, at and all")
    if not 0 <= packed.count <= limit:
        raise BundleError(f"numbers: {packed.count} of them, expected 0 to {limit}")
    if not 0 <= packed.digits <= max(_DIGITS):
        raise BundleError(f"numbers: {packed.digits} digits, expected 0 to {max(_DIGITS)}")
    if packed.by is not None:
        found = len(packed.by) + 1 if packed.count else len(packed.by)
    else:
        found = len(packed.at if packed.at is not None else packed.all or ())
    if not ways[0] and found != packed.count:
        raise BundleError(f"numbers: {found} of them, and {packed.count} are said to be there")
    return packed.count


def _short(value: float) -> float | int:
    """2.0 as 2: a character or two less."""
    return int(value) if value == int(value) and abs(value) < _EXACT else value


def _nulled(values: list[float]) -> list[float | None]:
    return [None if value != value else value for value in values]


def _negative_zero(values: npt.NDArray[np.float64]) -> bool:
    import numpy as np

    return bool((np.signbit(values) & (values == 0.0)).any())
