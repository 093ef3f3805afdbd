"""Energy of streams of tokens, frames of programs, a WIRTHFORGE core, and how true wftop's own picture is."""

from typing import Final

from wftui.names.entry import COUNTER, DISTRIBUTION, GAUGE, Metric

_STREAM: Final = ("source", "server", "model")
"""``source``: the program that told the tokens, or ``core``; ``server``: whose counters told them."""
_PROGRAM: Final = ("source", "view")
"""``source``: a program that pushes, or ``core``; ``view``: of wftop itself."""


def _stream(name: str, unit: str, kind: str, words: str) -> Metric:
    return Metric(name, unit, kind, words, _STREAM, "ux")


def _frames(name: str, unit: str, words: str) -> Metric:
    """Of a rolling window: mode ``1s``, ``10s`` or ``5m``."""
    return Metric(name, unit, GAUGE, f"{words}, by window: 1s, 10s, 5m", (*_PROGRAM, "mode"), "ux")


STREAMS: Final = (
    _stream("ux.stream.energy", "1", GAUGE, "Energy E(t) of a stream, 0 to 1, computed from its tokens"),
    _stream("ux.stream.units", "{EU}", COUNTER, "Energy units: sum of weight times E over the tokens"),
    _stream("ux.stream.tokens", "{token}", COUNTER, "Tokens of the stream"),
    _stream("ux.stream.rate", "{token}/s", GAUGE, "Tokens of the last second"),
    _stream("ux.stream.velocity", "1", GAUGE, "Rate as a share of what the hardware profile expects"),
    _stream("ux.stream.certainty", "1", GAUGE, "1 - entropy / maximum of the last token; absent without top K"),
    _stream("ux.stream.friction", "1", GAUGE, "1: no pause between tokens, 0: stalled"),
    _stream("ux.stream.open", "{answer}", GAUGE, "Answers under way"),
    _stream("ux.stream.stalls", "{stall}", COUNTER, "Times that the stream began to stall"),
    _stream("ux.stream.bursts", "{burst}", COUNTER, "Times that more than 12 tokens a second began to come"),
    Metric("ux.ensemble.energy", "1", GAUGE, "Mean energy of the streams with an answer under way", (), "ux"),
    Metric(
        "ux.ensemble.disagreement",
        "1",
        GAUGE,
        "Greatest disagreement of two streams, by mode: top_k (Jensen-Shannon), timing (of gaps, estimated)",
        ("mode",),
        "ux",
    ),
)
"""What the recorder computes of streams (``wftui.energy.stream``)."""

FRAMES: Final = (
    _frames("ux.frame.rate", "{frame}/s", "Frames a second"),
    _frames("ux.frame.p50", "s", "Median time of a frame"),
    _frames("ux.frame.p95", "s", "95th percentile of the time of a frame"),
    _frames("ux.frame.p99", "s", "99th percentile of the time of a frame"),
    _frames("ux.frame.longest", "s", "Longest time of a frame"),
    _frames("ux.frame.jitter", "s", "Standard deviation of the time of a frame"),
    _frames("ux.frame.low", "{frame}/s", "1 % low: frames a second at the mean of the slowest hundredth"),
    _frames("ux.frame.jank", "1", "Share of the jank budget (5 % of frames over 16.67 ms) in use"),
    _frames("ux.frame.stability", "{score}", "0 to 100; 100: 60 frames a second, all alike"),
    Metric("ux.frames.over", "{frame}", COUNTER, "Frames that took longer than 16.67 ms", _PROGRAM, "ux"),
    Metric("ux.frames.lost", "{frame}", COUNTER, "Frames missing between the numbers of two", _PROGRAM, "ux"),
    Metric(
        "ux.stage.duration",
        "s",
        DISTRIBUTION,
        "Time of a part of a frame, by mode: token, energy, render, overhead",
        (*_PROGRAM, "mode"),
        "ux",
        ("count", "sum", "p50", "p95", "p99", "max"),
    ),
)
"""What the recorder computes of frames (``wftui.windows.frames``); stages are told."""

CORE: Final = (
    Metric("ux.core.up", "1", GAUGE, "1 while the core's WebSocket is open", ("source",), "ux"),
    Metric("ux.core.events", "{event}", COUNTER, "Events of the core, by type", ("source", "mode"), "ux"),
    Metric(
        "ux.core.refused",
        "{event}",
        COUNTER,
        "Events of the core that were not taken, by mode: malformed, unknown, oversized, shed",
        ("source", "mode"),
        "ux",
    ),
    Metric("ux.core.connects", "{connection}", COUNTER, "Connections to the core", ("source",), "ux"),
    Metric("ux.core.heartbeat.age", "s", GAUGE, "Since the core's last heartbeat", ("source",), "ux"),
    Metric("ux.core.errors", "{error}", COUNTER, "Errors the core told, by severity", ("source", "mode"), "ux"),
    Metric("ux.core.field", "1", GAUGE, "Intensity of the core's energy field, by type", ("source", "mode"), "ux"),
    Metric("ux.core.frame.rate", "{frame}/s", GAUGE, "Frames a second as the core counts them", ("source",), "ux"),
    Metric("ux.core.energy", "{EU}", GAUGE, "Total energy as the core states it", ("source", "model"), "ux"),
    Metric(
        "ux.core.interference",
        "1",
        GAUGE,
        "Interference of models as the core states it, by mode: constructive, destructive, neutral",
        ("source", "mode"),
        "ux",
    ),
    Metric("ux.core.coherence", "1", GAUGE, "Coherence of models as the core states it", ("source",), "ux"),
    Metric(
        "ux.core.resonance",
        "1",
        GAUGE,
        "Resonance of models as the core states it, by mode: harmonic, fundamental, overtone",
        ("source", "mode"),
        "ux",
    ),
    Metric("ux.core.resonance.frequency", "Hz", GAUGE, "Frequency of that resonance", ("source", "mode"), "ux"),
    Metric("ux.progression.level", "{level}", GAUGE, "Level of the core's person", ("source",), "ux"),
    Metric("ux.progression.points", "{point}", COUNTER, "Points the core gave", ("source",), "ux"),
    Metric("ux.progression.rate", "{level}/h", GAUGE, "Levels an hour of this session", ("source",), "ux"),
    Metric("ux.progression.session", "s", GAUGE, "Length of the core's session", ("source",), "ux"),
)
"""What a WIRTHFORGE core tells (reference: WF-TECH-003), beside its tokens and frames."""

FIDELITY: Final = (
    Metric(
        "wftop.fidelity.ratio",
        "1",
        GAUGE,
        "Energy seen of that computed, 60 s, of what a view drew",
        ("view",),
        "ux",
    ),
    Metric(
        "wftop.fidelity.lag",
        "s",
        GAUGE,
        "From a sample to the acknowledged frame that shows it, 95th percentile of the last report",
        ("view",),
        "ux",
    ),
    Metric(
        "wftop.fidelity.coherence", "{score}", GAUGE, "0 to 100: how steady ratio and lag are", ("view",), "ux"
    ),
    Metric(
        "wftop.fidelity.seen", "{EU}", COUNTER, "Energy whose frame the terminal acknowledged", ("view",), "ux"
    ),
    Metric(
        "wftop.fidelity.missed",
        "{EU}",
        COUNTER,
        "Energy that was never drawn, by cause: link, cpu, adaptation, room",
        ("view", "mode"),
        "ux",
    ),
    Metric(
        "wftop.fidelity.lost",
        "1",
        GAUGE,
        "Share of the energy of the last 60 s that was not seen, by cause: link, cpu, adaptation, room",
        ("view", "mode"),
        "ux",
    ),
    Metric("wftop.fidelity.particles", "{particle}", GAUGE, "Particles on the screen", ("view",), "ux"),
    Metric("wftop.fidelity.tokens", "{token}", GAUGE, "Tokens that a particle stands for", ("view",), "ux"),
    Metric("wftop.view.motion", "{state}", GAUGE, "Frame clock: 0 data, 1 smooth, 2 full", ("view",), "ux"),
)
"""What a view says of its picture of energy, while that is on its screen."""
