"""Figures of a model server, or of one of its models: which series they are made of, and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from wftui.model.series import Series
    from wftui.render.models import Numbers

NAN: Final = float("nan")
Key = tuple[str, str, str]
"""Metric, mode, statistic."""
PREFIXES: Final = ("inference.", "gen_ai.server.")
TTFT: Final = "gen_ai.server.time_to_first_token"
ITL: Final = "inference.inter_token_latency"
TPOT: Final = "gen_ai.server.time_per_output_token"
E2E: Final = "gen_ai.server.request.duration"
PHASE: Final = "inference.phase.duration"
RATE: Final = "inference.tokens.rate"
REQUESTS: Final = "inference.requests"
ENDED: Final = "inference.request.count"
KV: Final = "inference.kv_cache.utilization"
HITS: Final = "inference.prefix_cache.hit_ratio"
PREEMPTIONS: Final = "inference.preemptions"
PER_TOKEN: Final = "inference.energy.per_token"  # noqa: S105  no secret: a token of text
PROGRESS: Final = "inference.progress"
MEMORY: Final = "inference.server.memory"
MEMORY_MODES: Final = ("vram", "resident", "swapped", "weights", "weights_resident")
ENDINGS: Final = ("finished", "aborted", "failed", "rejected")
QUANTILES: Final = ("p50", "p95", "p99")
WINDOW_S: Final = 10
"""Seconds that means and quantiles are over."""


class Scope:
    """The series of a server, or of one of its models."""

    __slots__ = ("_texts",)

    def __init__(self, texts: Mapping[Key, tuple[str, ...]]) -> None:
        self._texts = texts

    def texts(self, metric: str, mode: str = "", stat: str = "") -> tuple[str, ...]:
        """Canonical texts of a figure's series: one, or one for each model; none: it is not told."""
        return self._texts.get((metric, mode, stat), ())

    def all(self) -> tuple[str, ...]:
        """Every series, in the order in which they were told."""
        return tuple(text for texts in self._texts.values() for text in texts)


class Index:
    """All series about servers by server, model and figure."""

    def __init__(self, series: Iterable[Series]) -> None:
        """``series``: any; those about servers are taken."""
        self._found: dict[str, dict[str, dict[Key, str]]] = {}
        self._scopes: dict[tuple[tuple[str, ...], str], Scope] = {}
        for item in series:
            if item.name.startswith(PREFIXES) and (server := item.label("server")):
                of = self._found.setdefault(server, {}).setdefault(item.label("model"), {})
                of[item.name, item.label("mode"), item.stat] = item.text

    def scope(self, servers: Sequence[str], models: Sequence[str], model: str = "") -> Scope:
        """The series of a server and its parts.

        Args:
            servers: Its endpoint, then those of its parts: of what two tell, the first one's word holds.
            models: Names of its models.
            model: The one that is meant; empty: all together.
        """
        # What is told of the only model, or of the server as a whole, is one and the same.
        wanted = model if len(models) > 1 else ""
        key = tuple(servers), wanted
        found = self._scopes.get(key)
        if found is None:
            found = self._scopes[key] = Scope(self._of(servers, wanted))
        return found

    def _of(self, servers: Sequence[str], model: str) -> dict[Key, tuple[str, ...]]:
        """Series by figure; of one model that two tell, the first one's, so that nothing counts twice."""
        each: dict[Key, dict[tuple[str, str], str]] = {}
        for server in servers:
            for name, those in self._found.get(server, {}).items():
                if model and name != model:
                    continue
                for figure, text in those.items():
                    each.setdefault(figure, {}).setdefault((name, "" if name else server), text)
        whole = ("", servers[0])
        # What the server says of all its models together holds, not what they say one by one.
        return {
            figure: (texts[whole],) if whole in texts else tuple(texts.values()) for figure, texts in each.items()
        }


class Spread(NamedTuple):
    """A duration over the last ten seconds (s); of several models the worst one's."""

    p50: float
    p95: float
    p99: float
    seen: float
    """Observations in those seconds."""
    bounds: tuple[float, float]
    """Lowest and highest bucket: a quantile that equals one is at most, or at least, that."""
    metric: str = ""

    @property
    def known(self) -> bool:
        """Whether there is anything to show."""
        return self.p50 == self.p50 or self.p95 == self.p95 or self.p99 == self.p99


NO_BOUNDS: Final = (NAN, NAN)
UNTOLD: Final = Spread(NAN, NAN, NAN, NAN, NO_BOUNDS)


class Figures(NamedTuple):
    """Everything that is told of a server, or a model, now."""

    prompt: float = NAN
    """Tokens a second."""
    generation: float = NAN
    prompt_mean: float = NAN
    """Over ten seconds."""
    generation_mean: float = NAN
    running: float = NAN
    waiting: float = NAN
    ttft: Spread = UNTOLD
    itl: Spread = UNTOLD
    """Time between two tokens; where nobody tells, the mean time of a token (``metric`` says which)."""
    e2e: Spread = UNTOLD
    queue: Spread = UNTOLD
    prefill: Spread = UNTOLD
    decode: Spread = UNTOLD
    kv: float = NAN
    """Share; of several models the fullest."""
    kv_tokens: float = NAN
    hits: float = NAN
    preempting: float = NAN
    """Requests thrown out a second."""
    preempted: float = NAN
    """Since the server started."""
    batch: float = NAN
    batch_tokens: float = NAN
    acceptance: float = NAN
    per_token: float = NAN
    """J of a generated token."""
    energy: float = NAN
    """J, counted."""
    ended: tuple[float, ...] = (NAN,) * len(ENDINGS)
    """Requests a second, as ``ENDINGS``."""
    memory: tuple[float, ...] = (NAN,) * len(MEMORY_MODES)
    """By, as ``MEMORY_MODES``."""
    restarts: float = NAN
    progress: float = NAN
    answered: float = NAN
    """s, wall time of asking it once."""

    @property
    def speaks(self) -> bool:
        """Whether any number of its work is known."""
        work = (self.prompt, self.generation, self.running, self.kv, self.progress)
        return any(value == value for value in work) or self.ttft.known

    @property
    def per_1000_j(self) -> float:
        """J of a thousand generated tokens."""
        return self.per_token * 1000

    @property
    def per_1000_wh(self) -> float:
        """Wh of a thousand generated tokens."""
        return self.per_token / 3.6

    @property
    def per_watt(self) -> float:
        """Generated tokens a second for each watt."""
        return 1.0 / self.per_token if self.per_token > 0 else NAN


NONE: Final = Figures()


def figures(scope: Scope, bounds: Mapping[str, tuple[float, float]], numbers: Numbers) -> Figures:
    """The values of this moment."""

    def total(metric: str, mode: str = "", of: Callable[[str], float] | None = None) -> float:
        return _sum(scope.texts(metric, mode), of or numbers.value)

    def worst(metric: str, mode: str = "", stat: str = "") -> float:
        return _max(scope.texts(metric, mode, stat), numbers.value)

    def spread(metric: str, mode: str = "") -> Spread:
        if not scope.texts(metric, mode, "p50"):
            return UNTOLD
        seen = _sum(scope.texts(metric, mode, "count"), numbers.mean) * WINDOW_S
        p50, p95, p99 = (worst(metric, mode, stat) for stat in QUANTILES)
        return Spread(p50, p95, p99, seen, bounds.get(metric, NO_BOUNDS), metric)

    between = spread(ITL)
    return Figures(
        prompt=total(RATE, "prompt"),
        generation=total(RATE, "generation"),
        prompt_mean=total(RATE, "prompt", numbers.mean),
        generation_mean=total(RATE, "generation", numbers.mean),
        running=total(REQUESTS, "running"),
        waiting=total(REQUESTS, "waiting"),
        ttft=spread(TTFT),
        itl=between if between is not UNTOLD else spread(TPOT),
        e2e=spread(E2E),
        queue=spread(PHASE, "queue"),
        prefill=spread(PHASE, "prefill"),
        decode=spread(PHASE, "decode"),
        kv=worst(KV),
        kv_tokens=total("inference.kv_cache.limit"),
        hits=_mean(scope.texts(HITS), numbers.value),
        preempting=total(PREEMPTIONS, "", numbers.rate),
        preempted=total(PREEMPTIONS),
        batch=total("inference.batch.size"),
        batch_tokens=total("inference.batch.tokens"),
        acceptance=_mean(scope.texts("inference.speculation.acceptance"), numbers.value),
        per_token=_mean(scope.texts(PER_TOKEN), numbers.value),
        energy=total("inference.energy"),
        ended=tuple(total(ENDED, mode, numbers.rate) for mode in ENDINGS),
        memory=tuple(total(MEMORY, mode) for mode in MEMORY_MODES),
        restarts=worst("inference.server.restarts"),
        progress=worst(PROGRESS),
        answered=worst("inference.server.scrape.duration"),
    )


def _known(texts: Sequence[str], of: Callable[[str], float]) -> list[float]:
    return [value for text in texts if (value := of(text)) == value]


def _sum(texts: Sequence[str], of: Callable[[str], float]) -> float:
    known = _known(texts, of)
    return sum(known) if known else NAN


def _max(texts: Sequence[str], of: Callable[[str], float]) -> float:
    return max(_known(texts, of), default=NAN)


def _mean(texts: Sequence[str], of: Callable[[str], float]) -> float:
    known = _known(texts, of)
    return sum(known) / len(known) if known else NAN
