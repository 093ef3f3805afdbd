"""What one server of the scripted machine tells: gauges, counters that begin anew with it, durations."""

from collections.abc import Callable
from math import nan
from typing import Final

from wftui.demo.part import Part
from wftui.model.sample import MEASURED

BOUNDS: Final = {
    "gen_ai.server.time_to_first_token": (0.001, 2560.0),
    "inference.inter_token_latency": (0.01, 80.0),
    "gen_ai.server.time_per_output_token": (0.01, 80.0),
    "gen_ai.server.request.duration": (0.3, 7680.0),
    "inference.phase.duration": (0.3, 7680.0),
}
"""Lowest and highest bucket of vLLM's histograms, seconds."""


Value = Callable[[float], float]
"""Second of the script to a value; NaN: not told."""


def once(value: Value) -> Value:
    """The same, asked once for a second: what many figures are made of is asked by all of them."""
    at, known = nan, nan

    def asked(t: float) -> float:
        nonlocal at, known
        if t != at:
            at, known = t, value(t)
        return known

    return asked


class Telling:
    """The series of one server, of one of its models where it tells them apart."""

    def __init__(self, part: Part, endpoint: str, model: str, alive: Callable[[float], bool]) -> None:
        self._part = part
        self._labels = {"server": endpoint, **({"model": model} if model else {})}
        self._alive = alive

    def gauge(self, name: str, value: Value, mode: str = "", quality: str = MEASURED) -> None:
        """What holds in a second."""
        alive = self._alive
        self._add(name, lambda t: value(t) if alive(t) else nan, mode, quality)

    def count(self, name: str, rate: Value, mode: str = "", start: float = 0.0, quality: str = MEASURED) -> None:
        """Grows by a rate; from nothing again when the server has begun anew."""
        alive, total = self._alive, start

        def grown(t: float) -> float:
            nonlocal total
            total = total + rate(t) if alive(t) else 0.0
            return float(int(total)) if alive(t) else nan

        self._add(name, grown, mode, quality)

    def spread(
        self,
        name: str,
        middle: Value,
        high: tuple[float, float],
        ended: Value,
        mode: str = "",
        bounds: tuple[float, float] | None = None,
    ) -> None:
        """Durations: the median, how much higher p95 and p99 are, and how many ended in a second."""
        low, most = bounds or BOUNDS[name]

        def quantile(factor: float) -> Value:
            return lambda t: min(most, max(low, middle(t) * factor)) if round(10 * ended(t)) else nan

        middle = once(middle)
        self.gauge(f"{name}#count", lambda t: float(round(ended(t))), mode)
        self.gauge(f"{name}#sum", lambda t: round(ended(t)) * middle(t) * 1.18, mode)
        for stat, factor in (("p50", 1.0), ("p95", high[0]), ("p99", high[1])):
            self.gauge(f"{name}#{stat}", quantile(factor), mode)

    def _add(self, name: str, value: Value, mode: str, quality: str) -> None:
        metric, _, stat = name.partition("#")
        labels = {**self._labels, **({"mode": mode} if mode else {})}
        self._part.add(metric, value, labels, quality=quality, stat=stat)
