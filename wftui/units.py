"""Units of stored values, and the factors between what sources print and what we store."""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024**2
GIB: Final = 1024**3
NS_PER_S: Final = 1_000_000_000
SECTOR: Final = 512
"""Bytes of a sector in /proc/diskstats on every device. Source: Documentation/block/stat.rst."""
