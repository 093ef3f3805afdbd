"""All figures of the selected server or model in groups, each with the series that it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.render import model_figures as figures
from wftui.render import model_words as words
from wftui.render import text
from wftui.tui.gpu_screen.fields import energy

if TYPE_CHECKING:
    from collections.abc import Callable

    from wftui.render.model_figures import Figures, Spread
    from wftui.tui.models_screen.model import Choice

_MEMORY: Final = {
    "vram": "VRAM, by the driver",
    "resident": "resident",
    "swapped": "swapped out",
    "weights": "weights mapped",
    "weights_resident": "weights resident",
}
_SPREADS: Final[tuple[tuple[str, str, str, Callable[[Figures], Spread]], ...]] = (
    ("first token", figures.TTFT, "", lambda of: of.ttft),
    ("whole request", figures.E2E, "", lambda of: of.e2e),
    ("in the queue", figures.PHASE, "queue", lambda of: of.queue),
    ("prefill", figures.PHASE, "prefill", lambda of: of.prefill),
    ("decode", figures.PHASE, "decode", lambda of: of.decode),
)


_BETWEEN: Final = {figures.TPOT: "per token", figures.CLIENT_ITL: "next chunk"}
_LANED: Final = (
    "prompt", "generation", "first token", "next token", "next chunk", "per token", "running", "waiting",
    "progress", "KV cache", "prefix hits", "1,000 tokens", "the same",
)  # fmt: skip
"""Begins of the labels of figures that have a lane of their own."""


class Told(NamedTuple):
    """One figure in words."""

    label: str
    value: str
    texts: tuple[str, ...]
    """Its series; none: nobody tells it here."""

    @property
    def known(self) -> bool:
        """Whether it has a value now."""
        return not self.value.startswith(text.UNKNOWN)

    @property
    def laned(self) -> bool:
        """Whether a lane shows it."""
        return self.label.startswith(_LANED) and self.label != "KV cache holds"


class Part(NamedTuple):
    """Figures about one thing."""

    title: str
    lines: list[Told]


def parts(choice: Choice) -> list[Part]:
    """Groups and figures in a fixed order; what nobody tells is left out."""
    of, scope = choice.figures, choice.scope

    def one(label: str, value: str, metric: str, mode: str = "", stat: str = "") -> list[Told]:
        texts = scope.texts(metric, mode, stat)
        return [Told(label, value, texts)] if texts else []

    def count(value: float) -> str:
        return words.whole(value)

    made = [
        Part("tokens", _tokens(of, one)),
        Part("time", [line for item in _times(of) for line in one(*item)]),
        Part(
            "requests",
            [
                *one("running", count(of.running), figures.REQUESTS, "running"),
                *one("waiting", count(of.waiting), figures.REQUESTS, "waiting"),
                *(
                    line
                    for mode, value in zip(figures.ENDINGS, of.ended, strict=True)
                    for line in one(mode, _rate(value), figures.ENDED, mode)
                ),
                *one("progress", text.percent(of.progress).strip(), figures.PROGRESS),
            ],
        ),
        Part(
            "batch and cache",
            [
                *one("KV cache", text.percent(of.kv).strip(), figures.KV),
                *one("KV cache holds", f"{words.tokens(of.kv_tokens)} tokens", "inference.kv_cache.limit"),
                *one("prefix hits", text.percent(of.hits).strip(), figures.HITS),
                *one("preempted", _grown(of.preempted, of.preempting), figures.PREEMPTIONS),
                *one("batch", f"{count(of.batch)} requests", "inference.batch.size"),
                *one("batch tokens", count(of.batch_tokens), "inference.batch.tokens"),
                *one("drafts accepted", text.percent(of.acceptance).strip(), "inference.speculation.acceptance"),
            ],
        ),
        Part(
            "energy",
            [
                *one("1,000 tokens", words.watt_hours(of.per_1000_wh), figures.PER_TOKEN),
                *one("the same", words.joules(of.per_1000_j), figures.PER_TOKEN),
                *one("tokens/s per watt", _per_watt(of.per_watt), figures.PER_TOKEN),
                *one("counted", energy(of.energy), "inference.energy"),
            ],
        ),
        Part(
            "memory",
            [
                line
                for mode, value in zip(figures.MEMORY_MODES, of.memory, strict=True)
                for line in one(_MEMORY[mode], text.size(value).strip(), figures.MEMORY, mode)
            ],
        ),
        Part(
            "server",
            [
                *one("restarts seen", count(of.restarts), "inference.server.restarts"),
                *one("answers in", words.took(of.answered).strip(), "inference.server.scrape.duration"),
            ],
        ),
    ]
    return [part for part in made if part.lines]


def _tokens(of: Figures, one: Callable[..., list[Told]]) -> list[Told]:
    out: list[Told] = []
    for mode, now, mean in (
        ("prompt", of.prompt, of.prompt_mean),
        ("generation", of.generation, of.generation_mean),
    ):
        out += one(mode, f"{words.speed(now).strip()} tok/s", figures.RATE, mode)
        out += one(f"{mode}, 10 s", f"{words.speed(mean).strip()} tok/s", figures.RATE, mode)
    return out


def _times(of: Figures) -> list[tuple[str, str, str, str, str]]:
    """Label, words, metric, mode and statistic of every quantile that is told."""
    between = _BETWEEN.get(of.itl.metric, "next token")
    spreads: list[tuple[str, str, str, Spread]] = [
        (label, get(of).metric or metric, mode, get(of)) for label, metric, mode, get in _SPREADS
    ]
    spreads.insert(1, (between, of.itl.metric or figures.ITL, "", of.itl))
    out = []
    for label, metric, mode, spread in spreads:
        seen = words.seen(spread)
        values = zip(figures.QUANTILES, (spread.p50, spread.p95, spread.p99), strict=True)
        for stat, value in values:
            said = words.took(value, spread.bounds).strip()
            more = f", {seen}" if seen and stat == "p50" else ""
            out.append((f"{label} {stat}", said + more, metric, mode, stat))
    return out


def _rate(value: float) -> str:
    return f"{text.significant(value).strip()}/s" if value == value else text.UNKNOWN


def _grown(value: float, rate: float) -> str:
    return f"{words.whole(value)}, {_rate(rate)}" if value == value else text.UNKNOWN


def _per_watt(value: float) -> str:
    return text.significant(value).strip() if value == value else text.UNKNOWN
