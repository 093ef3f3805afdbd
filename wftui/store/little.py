"""Arrays of numbers as the journal stores them: little-endian, whatever the machine is."""

import sys
from array import array
from typing import Any


def pack(numbers: "array[int] | array[float]") -> bytes:
    """The bytes of an array."""
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def unpack(letter: str, data: bytes) -> "array[Any]":  # Any: int or float, as the letter says
    """An array of the type that the letter names (see ``array``).

    Raises:
        ValueError: The bytes are no whole number of items.
    """
    found: array[Any] = array(letter, data)
    if sys.byteorder == "big":
        found.byteswap()
    return found
