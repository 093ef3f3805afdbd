"""Metric paths of WIRTHFORGE's rules (``system.cpu_percent``, ``ui.frame_time_ms.p95``) to catalogue names."""

from typing import Final, NamedTuple

_Labels = tuple[tuple[str, str], ...]
_SYSTEM: Final = ("system", "resource", "performance")
_MODEL: Final = ("model", "performance", "energy")
_UI: Final = ("ui", "ux", "performance", "energy")


class Old(NamedTuple):
    """What an old field name is here."""

    metrics: tuple[str, ...]
    """Catalogue names; of several each is looked at."""
    unit: str = ""
    """That its values are in, as ``amounts`` writes it; empty: the metric's own."""
    labels: _Labels = ()
    groups: tuple[str, ...] = ()
    """What may stand before it."""
    stat: str = ""
    """Statistic of a distribution that it means."""


def _one(metric: str, groups: tuple[str, ...], unit: str = "", stat: str = "", **labels: str) -> Old:
    return Old((metric,), unit, tuple(labels.items()), groups, stat)


_FIRST: Final = ("gen_ai.server.time_to_first_token", "gen_ai.client.operation.time_to_first_chunk")
"""As the server says, and as a client says that pushes."""
_GPU: Final = ("system", "gpu", "resource", "performance")

FIELDS: Final[dict[str, Old]] = {
    "cpu_percent": _one("system.cpu.utilization", _SYSTEM, "%"),
    "memory_percent": _one("system.memory.utilization", _SYSTEM, "%"),
    "memory_mb": _one("system.memory.usage", _SYSTEM, "MB", mode="used"),
    "memory_available_mb": _one("system.memory.available", _SYSTEM, "MB"),
    "swap_percent": _one("system.paging.utilization", _SYSTEM, "%"),
    "disk_percent": _one("system.filesystem.utilization", _SYSTEM, "%"),
    "disk_busy_percent": _one("system.disk.utilization", _SYSTEM, "%"),
    "disk_io_read_mb": _one("system.disk.io", _SYSTEM, "MB/s", direction="read"),
    "disk_io_write_mb": _one("system.disk.io", _SYSTEM, "MB/s", direction="write"),
    "network_bytes_in": _one("system.network.io", ("network", *_SYSTEM), "B/s", direction="receive"),
    "network_bytes_out": _one("system.network.io", ("network", *_SYSTEM), "B/s", direction="transmit"),
    "bytes_in": _one("system.network.io", ("network",), "B/s", direction="receive"),
    "bytes_out": _one("system.network.io", ("network",), "B/s", direction="transmit"),
    "load_average": _one("system.cpu.load_average.1m", _SYSTEM),
    "cpu_temperature": _one("hw.temperature", _SYSTEM),
    "gpu_utilization": _one("hw.gpu.utilization", _GPU, "%"),
    "gpu_util": _one("hw.gpu.utilization", _GPU, "%"),
    "gpu_percent": _one("hw.gpu.utilization", _GPU, "%"),
    # A MB of GPU tools is 1024 * 1024 bytes: pushes of these fields are read so, too.
    "gpu_memory_mb": _one("hw.gpu.memory.usage", _GPU, "MiB", mode="used"),
    "gpu_memory_percent": _one("hw.gpu.memory.utilization", _GPU, "%"),
    "gpu_temperature": _one("hw.gpu.temperature", _GPU, sensor="gpu"),
    "gpu_power_watts": _one("hw.gpu.power", _GPU),
    "tokens_per_second": _one("inference.tokens.rate", _MODEL, mode="generation"),
    "tps": _one("inference.tokens.rate", _MODEL, mode="generation"),
    "ttft_ms": Old(_FIRST, "ms", (), _MODEL),
    "response_latency_ms": Old(_FIRST, "ms", (), (*_MODEL, "system", "ui")),
    "latency_ms": Old(_FIRST, "ms", (), _MODEL),
    "queue_wait_ms": _one("inference.phase.duration", _MODEL, "ms", mode="queue"),
    "queue_depth": _one("inference.requests", ("system", *_MODEL), mode="waiting"),
    "active_requests": _one("inference.requests", _MODEL, mode="running"),
    "cache_hit_rate": _one("inference.prefix_cache.hit_ratio", _MODEL),
    "kv_cache_percent": _one("inference.kv_cache.utilization", _MODEL, "%"),
    "batch_size": _one("inference.batch.size", _MODEL),
    "vram_used_mb": _one("inference.model.memory", _MODEL, "MiB", mode="vram"),
    "vram_mb": _one("inference.model.memory", _MODEL, "MiB", mode="vram"),
    "errors_per_minute": _one("inference.request.count", ("system", *_MODEL), "/min", mode="failed"),
    "error_count": _one("inference.request.count", ("system", *_MODEL), mode="failed"),
    "uptime_percent": _one("inference.server.up", ("system", "health", *_MODEL), "%"),
    "energy_normalized": _one("ux.energy.level", (*_MODEL, "ui")),
    "energy": _one("ux.energy.level", (*_MODEL, "ui")),
    "entropy_bits": _one("ux.entropy", _MODEL),
    "fps": _one("ux.frame.rate", _UI, mode="1s"),
    "frame_time_ms": _one("ux.frame.duration", _UI, "ms"),
    "frame_jitter_ms": _one("ux.frame.jitter", _UI, "ms", mode="1s"),
    "frame_budget_used_ms": _one("ux.frame.busy", _UI, "ms"),
    "paint_time_ms": _one("ux.paint.duration", _UI, "ms"),
    "layout_time_ms": _one("ux.layout.duration", _UI, "ms"),
    "input_latency_ms": _one("ux.input.latency", _UI, "ms"),
    "dropped_frames": _one("ux.frames.dropped", _UI),
    "jank_budget_used": _one("ux.jank.budget.utilization", _UI),
    "interaction_score": _one("ux.interaction.score", _UI),
    "health_score": _one("wftop.health.score", ("system", "health")),
    "fidelity_ratio": _one("wftop.fidelity.ratio", _UI),
    "visual_lag_ms": _one("wftop.fidelity.lag", _UI, "ms"),
    "coherence_score": _one("wftop.fidelity.coherence", _UI),
    "levels_per_hour": _one("ux.progression.rate", ("reward", *_UI)),
}
"""Field name to what it is. ``docs/alerts.md`` shows this table."""
STATS: Final = ("p50", "p95", "p99", "avg", "max")
"""What may stand behind a path."""


class Path(NamedTuple):
    """A path taken apart."""

    old: Old
    labels: _Labels
    stat: str
    """Of ``STATS`` or of the field; empty: none."""


def find(text: str) -> Path | None:
    """What an old path means; None: it is none.

    ``GROUP.FIELD``, ``FIELD`` and ``model:NAME.FIELD``, each with a statistic of ``STATS`` behind it or without.
    """
    path, dot, last = text.rpartition(".")
    stat = last if dot and last in STATS else ""
    if not stat:
        path = text
    if path.startswith("model:"):
        model, _, field = path.removeprefix("model:").rpartition(".")
        old = FIELDS.get(field)
        if not model or old is None or "model" not in old.groups:
            return None
        return Path(old, (("model", model), *old.labels), stat or old.stat)
    group, _, field = path.rpartition(".")
    old = FIELDS.get(field)
    if old is None or (group and group not in old.groups):
        return None
    return Path(old, old.labels, stat or old.stat)


def known() -> list[str]:
    """Every path as it is written in full, for the nearest one to a mistake."""
    return [f"{old.groups[0]}.{field}" for field, old in FIELDS.items()]
