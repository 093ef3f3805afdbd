"""What programs push: frames, input, energy of a WIRTHFORGE core, and what the recorder says about pushes."""

from typing import Final

from wftui.names.entry import COUNTER, DISTRIBUTION, GAUGE, Metric

_LABELS: Final = ("source", "view", "model")
_SPREAD: Final = ("count", "sum", "p50", "p95", "p99", "max")


def _took(name: str, words: str) -> Metric:
    """How long something took: what came in a second."""
    return Metric(name, "s", DISTRIBUTION, words, _LABELS, "ux", _SPREAD)


UX: Final = (
    _took("ux.frame.duration", "Time of a frame"),
    _took("ux.frame.busy", "Time of a frame's budget that was used"),
    _took("ux.paint.duration", "Time to paint a frame"),
    _took("ux.layout.duration", "Time to lay a frame out"),
    _took("ux.input.latency", "Time from an input to its effect"),
    Metric("ux.frames.dropped", "{frame}", COUNTER, "Frames dropped: over their budget", _LABELS, "ux"),
    Metric("ux.jank.budget.utilization", "1", GAUGE, "Share of the budget of janky frames in use", _LABELS, "ux"),
    Metric("ux.interaction.score", "{score}", GAUGE, "Score of interaction as its program says", _LABELS, "ux"),
    Metric("ux.energy.level", "1", GAUGE, "Energy E(t) of a stream of tokens, 0 to 1", _LABELS, "ux"),
    Metric("ux.entropy", "bit", GAUGE, "Entropy of the next token", _LABELS, "ux"),
    Metric(
        "ux.visual.intensity",
        "1",
        GAUGE,
        "What the program draws, by mode: ribbon_width, particle_density, animation_speed, lightning_intensity",
        (*_LABELS, "mode"),
        "ux",
    ),
)

PUSHES: Final = (
    Metric("wftop.push.samples", "{sample}", COUNTER, "Pushed samples that were counted", ("source",)),
    Metric("wftop.push.rejected", "{sample}", COUNTER, "Pushed samples that were rejected", ("source",)),
    Metric("wftop.push.connections", "{connection}", GAUGE, "Connections open to push.sock"),
)
