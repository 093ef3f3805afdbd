"""How derived numbers of energy, fidelity and frames are made of others: as ``docs/energy-truth.md`` has it."""

from __future__ import annotations

from typing import Final

from wftui.energy.stream import BURST_RATE, USUAL

_STALL: Final = f"{USUAL.stall_s:g} s"
_LONGEST: Final = f"{USUAL.ceiling_s:g} s"

FORMULAS: Final = {
    "ux.stream.energy": "E = 0.35 base + 0.65 E before; base = 0.5 v + 0.3 c + 0.2 f, without c 0.7 v + 0.3 f",
    "ux.stream.units": "EU = sum over the tokens of weight x E; weight is what a token cost, else 1",
    "ux.stream.rate": "tokens of the last second, the newest included",
    "ux.stream.velocity": f"v = clamp(rate / full rate): streams.full_rate, {USUAL.rate_max:g} tok/s unless set",
    "ux.stream.certainty": "c = 1 - H / log2 K; H = -sum p log2 p over the top K",
    "ux.stream.friction": f"f = 1 - clamp((gap - {_STALL}) / ({_LONGEST} - {_STALL}))",
    "ux.stream.stalls": f"two gaps in a row over {_STALL}, or one over {_LONGEST}",
    "ux.stream.bursts": f"rate > {BURST_RATE:g} tok/s, after it was not",
    "ux.ensemble.energy": "mean of E over the streams under way",
    "ux.ensemble.disagreement": "top_k: Jensen-Shannon divergence in bits; timing: share of the variance of gaps"
    " that lies between two streams",
    "wftop.fidelity.ratio": "EU seen / (EU seen + EU missed), 60 s",
    "wftop.fidelity.lag": "acknowledgement of the first frame that showed a token - time of the token",
    "wftop.fidelity.coherence": "100 (1 - min(1, d of ratio / 0.5)) (1 - min(1, d of lag / 0.1 s)),"
    " d: mean deviation over 60 s",
    "wftop.fidelity.seen": "sum of EU whose frame was acknowledged within 1 s",
    "wftop.fidelity.missed": "sum of EU that were not, by cause",
    "wftop.fidelity.lost": "EU missed for this cause / (EU seen + EU missed), 60 s",
    "ux.frame.rate": "frames / seconds",
    "ux.frame.jitter": "standard deviation of the time of a frame",
    "ux.frame.low": "1 / mean time of the slowest hundredth",
    "ux.frame.jank": "(over 16.67 ms + lost) / (frames + lost) / 0.05",
    "ux.frame.stability": "100 min(1, rate / 60) (1 - min(1, jitter / 16.67 ms))",
}
"""Metric to formula."""
