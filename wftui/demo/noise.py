"""Noise that is the same in each run: tables made from a fixed seed, read at a time and a place.

Not the library's generator: the recorder of the demo would carry it, and a table can be asked for any second.
"""

from typing import Final

_SIZE: Final = 2048
_MASK: Final = _SIZE - 1


def _white(seed: int) -> list[float]:
    """Numbers in [-1, 1) of a linear congruential generator. Source: Knuth, MMIX."""
    out = []
    state = seed
    for _ in range(_SIZE):
        state = (state * 6364136223846793005 + 1442695040888963407) & (1 << 64) - 1
        out.append((state >> 33) / 2**30 - 1.0)
    return out


def _smooth(values: list[float], width: int) -> list[float]:
    """A moving mean that goes round, stretched to [-1, 1] again."""
    total = sum(values[:width])
    out = []
    for place in range(_SIZE):
        out.append(total)
        total += values[(place + width) & _MASK] - values[place]
    most = max(abs(value) for value in out)
    return [value / most for value in out]


class Dice:
    """Numbers in [0, 1), one after the other; the same again from the same seed."""

    def __init__(self, seed: int) -> None:
        self._state = seed + 1

    def throw(self) -> float:
        """The next."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & (1 << 64) - 1
        return (self._state >> 33) / 2**31


_QUICK: Final = _white(7)
_CALM: Final = _smooth(_smooth(_white(11), 5), 5)
_SLOW: Final = _smooth(_smooth(_white(23), 40), 40)


def quick(t: float, place: int) -> float:
    """[-1, 1): another value each tenth of a second."""
    return _QUICK[int(t * 10 + place * 193) & _MASK]


def calm(t: float, place: int) -> float:
    """[-1, 1]: wanders within some seconds."""
    return _CALM[int(t * 2 + place * 149) & _MASK]


def slow(t: float, place: int) -> float:
    """[-1, 1]: wanders within a minute or two."""
    return _SLOW[int(t + place * 331) & _MASK]
