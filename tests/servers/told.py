"""What a look tells, by short names."""

from __future__ import annotations

from wftui.collectors.servers.figures import Look


def short(look: Look, model: str | None = None) -> dict[str, float]:
    """Gauges, counters and live rates by metric and mode: ``requests running``. ``model``: only of that one."""
    return {
        " ".join(part for part in (key.metric.removeprefix("inference."), key.mode) if part): value
        for key, value in (look.gauges | look.counters | look.live).items()
        if model is None or key.model == model
    }
