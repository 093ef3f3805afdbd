"""Who pushes, and what a pushed name means: catalogue metrics, WIRTHFORGE's field names, the pusher's own."""

import re
import sys
from collections.abc import Mapping
from typing import Final, NamedTuple

from wftui import names
from wftui.model.sample import MEASURED, Column
from wftui.model.series import series
from wftui.names.streams import CORE, FRAMES, STREAMS
from wftui.recorder.push.forms import UnusableError
from wftui.text import clean
from wftui.windows.frames import SHARES

CALL: Final = "push.sock"
CUSTOM: Final = "custom"
"""The group of what is in no catalogue."""
SOURCE: Final = "push"
"""The source that listens; what a program pushes is of ``push:<source>``."""
PREFIX: Final = f"{SOURCE}:"
KINDS: Final = (names.GAUGE, names.COUNTER, names.DISTRIBUTION)
MAX_SOURCE: Final = 64
SPREAD: Final = ("count", "sum", "p50", "p95", "p99", "max")
LABELS: Final = names.LABEL_KEYS - {"source"}
_MB: Final = float(1 << 20)
"""What tools of GPUs, and so WIRTHFORGE, call a MB."""
_UNIT: Final = re.compile(r"[!-~]{1,16}\Z")
_MADE: Final = re.compile(r"[^a-zA-Z0-9_]")
_COUNT: Final = "{value}"


class Known(NamedTuple):
    """What a field name of WIRTHFORGE is here."""

    metric: str
    unit: str
    """As it is pushed."""
    factor: float = 1.0
    """From that to the metric's unit."""
    labels: tuple[tuple[str, str], ...] = ()


_TOKENS: Final = Known("inference.tokens.rate", "{token}/s", labels=(("mode", "generation"),))
_VRAM: Final = Known("inference.model.memory", "MBy", _MB, (("mode", "vram"),))
_GPU: Final = Known("hw.gpu.utilization", "%", 0.01)
_LEVEL: Final = Known("ux.energy.level", "1")
_FIRST: Final = Known("gen_ai.client.operation.time_to_first_chunk", "ms", 0.001)
FIELDS: Final[dict[str, Known]] = {
    "cpu_percent": Known("system.cpu.utilization", "%", 0.01),
    "memory_percent": Known("system.memory.utilization", "%", 0.01),
    "gpu_utilization": _GPU,
    "gpu_util": _GPU,
    "gpu_memory_mb": Known("hw.gpu.memory.usage", "MBy", _MB, (("mode", "used"),)),
    "tokens_per_second": _TOKENS,
    "tps": _TOKENS,
    "ttft_ms": _FIRST,
    "queue_wait_ms": Known("inference.phase.duration", "ms", 0.001, (("mode", "queue"),)),
    "cache_hit_rate": Known("inference.prefix_cache.hit_ratio", "1"),
    "batch_size": Known("inference.batch.size", "{request}"),
    "vram_used_mb": _VRAM,
    "vram_mb": _VRAM,
    "energy_normalized": _LEVEL,
    "energy": _LEVEL,
    "entropy_bits": Known("ux.entropy", "bit"),
    "frame_time_ms": Known("ux.frame.duration", "ms", 0.001),
    "frame_budget_used_ms": Known("ux.frame.busy", "ms", 0.001),
    "paint_time_ms": Known("ux.paint.duration", "ms", 0.001),
    "layout_time_ms": Known("ux.layout.duration", "ms", 0.001),
    "input_latency_ms": Known("ux.input.latency", "ms", 0.001),
    "dropped_frames": Known("ux.frames.dropped", "{frame}"),
    "jank_budget_used": Known("ux.jank.budget.utilization", "1"),
    "interaction_score": Known("ux.interaction.score", "{score}"),
    **{
        name: Known("ux.visual.intensity", "1", labels=(("mode", name),))
        for name in ("ribbon_width", "particle_density", "animation_speed", "lightning_intensity")
    },
}
_OPEN: Final = frozenset({"models", "ux"})
"""Groups of which every metric may be pushed."""
_TOLD: Final = "ux.stage.duration"
"""Of what the recorder keeps of frames this is told by programs."""
_COMPUTED: Final = frozenset(item.name for item in (*STREAMS, *FRAMES, *CORE) if item.name != _TOLD)
"""What wftop makes of what is told, and what a core tells: nobody pushes it."""
A_CORE: Final = "core"
"""Who pushes the compact form, which has no word for it: a core, which may be followed, too."""
OF_FRAMES: Final = frozenset({"ux.frame.duration", _TOLD, "ux.input.latency"})
"""What the desk of frames hears of."""
HEARD: Final = "a core's own is heard over its WebSocket (core.url); push it from another source"
_MEASURED: Final = frozenset(item.metric for item in FIELDS.values())
_ENDINGS: Final = (
    ("_ms", "ms"), ("_us", "us"), ("_seconds", "s"), ("_s", "s"), ("_bytes", "By"), ("_mb", "MBy"), ("_gb", "GBy"),
    ("_percent", "%"), ("_ratio", "1"), ("_watts", "W"), ("_joules", "J"), ("_celsius", "Cel"), ("_hz", "Hz"),
)  # fmt: skip


class Pusher(NamedTuple):
    """Who pushes."""

    name: str
    """Value of the label ``source``."""
    prefix: str
    """Of its own names: ``custom.<name>``."""
    labels: tuple[tuple[str, str], ...]
    """Of everything it pushes."""
    source: str
    """As health and limits call it."""


def pusher(text: str) -> Pusher:
    """``system``, ``ui``, ``network``, ``model:NAME``, ``custom:NAME`` or any NAME, which is the same as the last.

    Raises:
        UnusableError: It is none.
    """
    kind, colon, name = text.partition(":")
    if not colon or kind not in ("model", "custom"):
        kind, name = "custom", text
    if not 0 < len(name) <= MAX_SOURCE or clean(name) != name or name != name.strip():
        raise UnusableError(f"source: expected 1 to {MAX_SOURCE} printable characters, got {clean(text[:70])!r}")
    shown = text if kind == "model" else name
    own = (("model", name), ("source", shown)) if kind == "model" else (("source", shown),)
    return Pusher(shown, f"custom.{_MADE.sub('_', name)}", own, f"{PREFIX}{shown}")


class Meaning(NamedTuple):
    """What a pushed name with its labels is."""

    text: str
    """Canonical, without statistics."""
    columns: tuple[Column, ...]
    """One; of a distribution one for each of ``statistics``."""
    statistics: tuple[str, ...]
    unit: str
    """As pushed."""
    kind: str
    factor: float


def meaning(
    who: Pusher, name: str, labels: Mapping[str, str], unit: str, kind: str, known: Known | None = None
) -> Meaning:
    """What a sample of this name is; empty unit and kind are chosen. ``known``: what it is as a field of an event.

    Raises:
        UnusableError: It cannot be recorded; says why.
    """
    if kind and kind not in KINDS:
        raise UnusableError(f"kind: expected gauge, counter or distribution, got {clean(kind[:32])!r}")
    if unit and not _UNIT.match(unit):
        raise UnusableError(f"unit: expected 1 to 16 characters without spaces, got {clean(unit[:32])!r}")
    # Of thousands of series each would keep texts of its own, as they were in its first line.
    unit, kind = sys.intern(unit), sys.intern(kind)
    metric = names.METRICS.get(known.metric if known else name)
    pairs = {key: clean(value) for key, value in labels.items()}
    for key in pairs:
        if key not in LABELS:
            allowed = ", ".join(sorted(LABELS))
            raise UnusableError(f"label {clean(key[:32])!r}: allowed are {allowed}")
    pairs = {**pairs, **dict(who.labels)}
    if metric is None:
        made = _custom(who, name)
        unit, kind = unit or _unit_of(name), kind or names.GAUGE
        return _meant(who, made, pairs, unit, unit, kind, CUSTOM, SPREAD, 1.0)
    if metric.name in _COMPUTED or metric.name.startswith("wftop."):
        raise UnusableError(f"{name}: wftop computes that itself{_instead(metric.name)}")
    if metric.group not in _OPEN and metric.name not in _MEASURED:
        raise UnusableError(f"{name}: wftop measures that itself; push it under a name of your own")
    if who.name == A_CORE and (metric.name in OF_FRAMES or (metric.name == _LEVEL.metric and "model" in pairs)):
        raise UnusableError(f"{name}: {HEARD}")
    if metric.name == _TOLD and (mode := pairs.get("mode", "")) not in SHARES:
        raise UnusableError(f"{name}: label 'mode': expected {', '.join(SHARES)}, got {mode[:32]!r}")
    said = known.unit if known else metric.unit
    _same(name, "unit", unit, said)
    _same(name, "kind", kind, metric.kind)
    pairs |= dict(known.labels) if known else {}
    return _meant(
        who, metric.name, pairs, said, metric.unit, metric.kind, metric.group,
        metric.statistics, known.factor if known else 1.0,
    )  # fmt: skip


def _instead(name: str) -> str:
    if name.startswith(("ux.stream.", "ux.ensemble.")):
        return "; push token events: {'source': …, 'tokens': […]}"
    if name.startswith("ux.frame"):
        return "; push ux.frame.duration"
    return "; push it under a name of your own"


def _meant(
    who: Pusher, name: str, labels: dict[str, str], said: str, unit: str, kind: str, group: str,
    statistics: tuple[str, ...], factor: float,
) -> Meaning:  # fmt: skip
    kept = (statistics or SPREAD) if kind == names.DISTRIBUTION else ("",)
    try:
        plain = series(name, labels)
        items = [series(name, labels, stat) for stat in kept] if kind == names.DISTRIBUTION else [plain]
    except ValueError as error:
        raise UnusableError(str(error)) from error
    columns = tuple(Column(item, unit, kind, group, MEASURED, who.source, CALL) for item in items)
    return Meaning(plain.text, columns, kept, said, kind, factor)


def _custom(who: Pusher, name: str) -> str:
    own = f"{who.prefix}."
    return sys.intern(name if name.startswith(own) else own + name)


def _unit_of(name: str) -> str:
    for ending, unit in _ENDINGS:
        if name.endswith(ending):
            return unit
    return _COUNT


def _same(name: str, what: str, given: str, fixed: str) -> None:
    if given and given != fixed:
        raise UnusableError(f"{name}: its {what} is {fixed!r}, not {clean(given)!r}")
