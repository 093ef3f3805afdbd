"""Units of stored values, and the factors between what sources print and what we store."""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024**2
GIB: Final = 1024**3
NS_PER_S: Final = 1_000_000_000
SECTOR: Final = 512
"""Bytes of a sector in /proc/diskstats on every device. Source: Documentation/block/stat.rst."""

_SIZE_FACTORS: Final = {
    "": 1, "b": 1, "by": 1, "k": 1000, "kb": 1000, "m": 1000**2, "mb": 1000**2, "g": 1000**3, "gb": 1000**3,
    "t": 1000**4, "tb": 1000**4, "kib": KIB, "mib": MIB, "gib": GIB, "tib": 1024**4,
}  # fmt: skip


def parse_size(text: str) -> int:
    """Bytes (By) from text such as ``1 GiB``, ``500MB`` or ``1024``.

    Raises:
        ValueError: The text is no size; the message quotes it and says what was expected.
    """
    number = text.strip()
    cut = len(number)
    while cut and not (number[cut - 1].isdecimal() or number[cut - 1] == "."):
        cut -= 1
    factor = _SIZE_FACTORS.get(number[cut:].strip().lower())
    try:
        value = float(number[:cut])
    except ValueError:
        factor = None
        value = 0.0
    if factor is None or value * factor >= 2**63:
        raise ValueError(f"expected a size like '1 GiB' or '500MB', got {text!r}")
    return int(value * factor)
