"""Units that people write beside a value, as factors to the catalogue's units."""

from typing import Final

from wftui import names

_BYTES: Final = {
    "B": 1.0, "KB": 1e3, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
    "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40,
}  # fmt: skip
_BITS: Final = {"bit": 1 / 8, "kbit": 125.0, "Mbit": 125e3, "Gbit": 125e6}
_TIMES: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0, "d": 86400.0}
_FACTORS: Final[dict[str, dict[str, float]]] = {
    "1": {"1": 1.0, "%": 0.01},
    "By": _BYTES,
    "By/s": {f"{name}/s": factor for name, factor in (_BYTES | _BITS).items()},
    "s": _TIMES,
    "Cel": {"°C": 1.0, "C": 1.0},
    "W": {"W": 1.0, "kW": 1e3, "mW": 1e-3},
    "J": {"J": 1.0, "kJ": 1e3, "Wh": 3600.0, "kWh": 3.6e6},
    "Hz": {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9},
}
"""Unit of the catalogue to the units that can be written for it."""
_PER: Final = {"/s": 1.0, "/min": 1 / 60, "/h": 1 / 3600}


def units_of(unit: str, kind: str) -> dict[str, float]:
    """What may be written for a metric, each with the factor to what is compared.

    Args:
        unit: Of the metric, as in the catalogue.
        kind: Of the metric. A counter is compared as what it gains in a second, summed over a window where a sum
            is asked for: so its unit stands for both, and per second, minute and hour.
    """
    found = {unit: 1.0, **_FACTORS.get(unit, {})}
    if unit.startswith("{"):  # a count of things
        found |= {"": 1.0, "1": 1.0, unit.replace("{", "").replace("}", ""): 1.0}
    if kind == names.COUNTER:
        plain = dict(found)
        if unit == "By":
            plain |= _BITS
        found |= {f"{name}{per}": factor * by for name, factor in plain.items() for per, by in _PER.items()}
        if unit == "s":
            found["%"] = 0.01  # seconds a second: a share of the time
    return found


def scaled(value: float, factor: float) -> float:
    """A value in another unit: 95 % is 0.95, where the product of the floats is a little more."""
    return float(f"{value * factor:.12g}")
