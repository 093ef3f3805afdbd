"""The tick: all series over one second, and the layout that says which number is which."""

import sys
import zlib
from array import array
from struct import Struct
from typing import Final

import msgspec

from wftui.model.sample import Column

_HEADER: Final = Struct("<qqqqq")


class Layout(msgspec.Struct, frozen=True):
    """Which column stands at which place of a tick's values."""

    id: int
    columns: tuple[Column, ...]

    def places(self) -> dict[str, int]:
        """Canonical series text to place."""
        return {item.series.text: place for place, item in enumerate(self.columns)}


class Tick(msgspec.Struct, frozen=True, gc=False):
    """One second of everything. ``values`` are float64, little-endian, as wide as the layout; NaN = no value."""

    seq: int
    """The order of ticks; ``time_s`` is not one, clocks step back."""
    time_s: int
    """The UTC second [t, t+1) that it covers."""
    boottime_ns: int
    """CLOCK_BOOTTIME at the end of the second, or when a clock step or the recorder's end cut it."""
    boot: int
    """Number of the boot, in the journal's table of boots; 0 without a journal."""
    layout: int
    values: bytes

    def crc32(self) -> int:
        """Checksum over the header fields and the values, as stored beside them."""
        header = _HEADER.pack(self.seq, self.time_s, self.boottime_ns, self.boot, self.layout)
        return zlib.crc32(self.values, zlib.crc32(header))


def pack(values: "array[float]") -> bytes:
    """float64 array to a tick's bytes."""
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values.tobytes()


def unpack(values: bytes) -> "array[float]":
    """A tick's bytes to a float64 array of shape (columns,), NaN = no value."""
    out = array("d")
    out.frombytes(values)
    if sys.byteorder == "big":
        out.byteswap()
    return out
