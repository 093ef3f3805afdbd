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
    ("", figures.ITL, "", lambda of: of.itl),
    ("request", figures.E2E, "", lambda of: of.e2e),
    ("in queue", figures.PHASE, "queue", lambda of: of.queue),
    ("prefill", figures.PHASE, "prefill", lambda of: of.prefill),
    ("decode", figures.PHASE, "decode", lambda of: of.decode),
)


_BETWEEN: Final = {figures.TPOT: "per token", figures.CLIENT_ITL: "next chunk"}
_LANED: Final = (
    "prompt", "generation", "running", "waiting", "progress", "KV cache", "prefix hits", "1,000 tokens",
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


class Duration(NamedTuple):
    """How long something takes, in words."""

    label: str
    quantiles: tuple[str, ...]
    """As ``figures.QUANTILES``, in 8 cells each."""
    seen: str
    """How many there were in the last ten seconds; empty: nobody knows."""
    text: str
    """Series of the first of them."""
    laned: bool
    """Whether a lane shows it."""


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
                *one("KV cache holds", _with(words.tokens(of.kv_tokens), "tokens"), "inference.kv_cache.limit"),
                *one("prefix hits", text.percent(of.hits).strip(), figures.HITS),
                *one("preempted", _grown(of.preempted, of.preempting), figures.PREEMPTIONS),
                *one("batch", _with(count(of.batch), "requests"), "inference.batch.size"),
                *one("batch tokens", count(of.batch_tokens), "inference.batch.tokens"),
                *one("drafts accepted", text.percent(of.acceptance).strip(), "inference.speculation.acceptance"),
            ],
        ),
        Part(
            "energy",
            [
                *one("1,000 tokens", _energy(of), figures.PER_TOKEN),
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
        out += one(mode, _with(words.speed(now).strip(), "tok/s"), figures.RATE, mode)
        out += one(f"{mode}, 10 s", _with(words.speed(mean).strip(), "tok/s"), figures.RATE, mode)
    return out


def durations(choice: Choice) -> list[Duration]:
    """What is told of durations, in a fixed order."""
    out = []
    for label, usual, mode, get in _SPREADS:
        spread = get(choice.figures)
        texts = choice.scope.texts(spread.metric or usual, mode, figures.QUANTILES[0])
        if texts:
            values = (spread.p50, spread.p95, spread.p99)
            name = label or _BETWEEN.get(spread.metric, "next token")
            quantiles = tuple(words.took(value, spread.bounds) for value in values)
            laned = usual in (figures.TTFT, figures.ITL)
            out.append(Duration(name, quantiles, words.observed(spread), texts[0], laned))
    return out


def _with(said: str, unit: str) -> str:
    """A unit behind what is known."""
    return said if said == text.UNKNOWN else f"{said} {unit}"


def _rate(value: float) -> str:
    return f"{text.significant(value).strip()}/s" if value == value else text.UNKNOWN


def _grown(value: float, rate: float) -> str:
    return f"{words.whole(value)}, {_rate(rate)}" if value == value else text.UNKNOWN


def _energy(of: Figures) -> str:
    """Of 1,000 tokens."""
    hours = words.watt_hours(of.per_1000_wh)
    return hours if hours == text.UNKNOWN else f"{hours}, {words.joules(of.per_1000_j)}"


def _per_watt(value: float) -> str:
    return text.significant(value).strip() if value == value else text.UNKNOWN
