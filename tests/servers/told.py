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


def spreads(look: Look) -> dict[str, tuple[float, float]]:
    """Distributions by metric and mode: how many observations, and their sum to six places."""
    return {
        " ".join(part for part in (key.metric.removeprefix("inference."), key.mode) if part): (
            item.count,
            round(item.total, 6),
        )
        for key, item in look.histograms.items()
    }


def unread(look: Look, page: bytes) -> set[str]:
    """Families on a page that no figure of the look was read from, ``_created`` apart."""
    lines = [line for line in page.split(b"\n") if line and not line.startswith(b"#")]
    names = {line.split(b"{")[0].split(b" ")[0].decode() for line in lines}
    calls = {
        word for key in [*look.gauges, *look.counters, *look.live, *look.histograms] for word in key.call.split()
    }
    found = set()
    for name in names:
        family = next(
            (name.removesuffix(end) for end in ("_bucket", "_sum", "_count") if name.endswith(end)), name
        )
        if f"{family}_sum" not in names:
            family = name
        if not name.endswith("_created") and not {family, f"{family}_sum"} & calls:
            found.add(family)
    return found
