"""Figures of model servers as text: speeds, durations with their bounds, places, ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.model.servers import NEVER
from wftui.render import text
from wftui.render.model_figures import NO_BOUNDS
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from wftui.render.model_cards import Model
    from wftui.render.model_figures import Spread

AT_MOST: Final = "≤"
AT_LEAST: Final = "≥"
_MANY: Final = 99_999.5
_CLOSE: Final = 1e-6
"""Relative: a bound went through text once."""
_FOREVER_S: Final = 10 * 365 * 86_400


def speed(value: float) -> str:
    """Tokens a second in 6 cells: `` 2,431``, ``  41.3``, ``  0.00``, `` 2.43M``."""
    if value != value:
        return f"{text.UNKNOWN:>6}"
    if value >= _MANY:
        return f"{text.count(value):>6}"
    if value >= 99.95:
        return f"{value:>6,.0f}"
    return f"{text.significant(value):>6}"


def took(seconds: float, bounds: tuple[float, float] = NO_BOUNDS) -> str:
    """A duration in 8 cells: ``  212 ms``, ``≤1.00 ms``: with a sign where it is only a bound of the buckets."""
    if seconds != seconds:
        return f"{text.UNKNOWN:>5}   "
    made = (
        f"{text.significant(seconds * 1000):>4} ms" if seconds < 0.9995 else f"{text.significant(seconds):>4} s "
    )
    # The sign stands at its number.
    return f"{sign(seconds, bounds)}{made.lstrip()}".rjust(8)


def sign(value: float, bounds: tuple[float, float]) -> str:
    """``≤`` or ``≥`` where a quantile is only known to be at most or at least that; else empty."""
    low, high = bounds
    if abs(value - low) <= _CLOSE * low:
        return AT_MOST
    return AT_LEAST if abs(value - high) <= _CLOSE * high else ""


def observed(spread: Spread) -> str:
    """``48``, ``27.8k``: of how many a spread is; empty where nobody knows, or there was none."""
    return text.count(round(spread.seen)).strip() if spread.seen >= 0.5 else ""


def seen(spread: Spread) -> str:
    """``n 48``: what the quantiles are of; empty where nobody knows."""
    return f"n {many}" if (many := observed(spread)) else ""


def whole(value: float) -> str:
    """A count of its own length: ``48``, ``1.23k``, ``-``."""
    return text.count(value).strip()


def tokens(value: float | None) -> str:
    """Tokens of its own length: ``812``, ``8.2k``, ``131k``; context sizes are multiples of 1024."""
    if value is None or value != value:
        return text.UNKNOWN
    if value < 10_000:
        return f"{value:.0f}"
    thousands = value / 1024 if value % 1024 == 0 else value / 1000
    return f"{thousands:.0f}k" if thousands < 999.5 else f"{value / 1e6:.3g}M"


def parameters(value: float | None) -> str:
    """``8.2B``, ``70B``; empty when unknown."""
    if value is None or value != value:
        return ""
    for unit, factor in (("T", 1e12), ("B", 1e9), ("M", 1e6)):
        if value >= factor:
            return f"{value / factor:.3g}{unit}"
    return f"{value:.0f}"


def placed(model: Model) -> str:
    """Where its memory is: ``5.10 GiB in VRAM``, ``38 % of 18.2 GiB in RAM``; empty: the server does not tell."""
    vram, ram = model.vram, model.ram
    if vram is None and ram is None:
        return ""
    total = (vram or 0.0) + (ram or 0.0)
    size = text.size(total).strip()
    if not ram:
        return f"{size} in VRAM"
    if not vram:
        return f"{size} in RAM" if vram is not None else f"{size} in RAM, VRAM -"
    return f"{text.percent(ram / total).strip()} of {size} in RAM"


def expiry(model: Model, now_ns: int) -> str:
    """When it is unloaded: ``in 4 min``, ``kept``, ``being unloaded``; empty: no word."""
    at = model.expires_ns
    if at is None:
        return ""
    left_s = (at - now_ns) / NS_PER_S
    if at == NEVER or left_s > _FOREVER_S:
        return "kept"
    return f"in {text.duration(left_s)}" if left_s >= 0 else "being unloaded"


def watt_hours(value: float) -> str:
    """``0.81 Wh``, ``12.4 Wh``, ``420 mWh``."""
    if value != value:
        return text.UNKNOWN
    if value < 0.0995:
        return f"{text.significant(value * 1000).strip()} mWh"
    return f"{text.significant(value).strip()} Wh"


def joules(value: float) -> str:
    """``2.91 J``, ``2.91 kJ``."""
    if value != value:
        return text.UNKNOWN
    if value >= 9_999.5:
        return f"{text.significant(value / 1000).strip()} kJ"
    return f"{value:,.0f} J" if value >= 99.95 else f"{text.significant(value).strip()} J"
