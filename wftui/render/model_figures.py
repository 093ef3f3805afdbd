"""Figures of a model server, or of one of its models: which series they are made of, and their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wftui.model.series import Series
    from wftui.render.models import Numbers

NAN: Final = float("nan")
Key = tuple[str, str, str]
"""Metric, mode, statistic."""
CLIENT: Final = "gen_ai.client."
"""Begins what a server's clients measure (``wftop proxy``); shown where the server itself does not tell it."""
PREFIXES: Final = ("inference.", "gen_ai.server.", CLIENT)
TTFT: Final = "gen_ai.server.time_to_first_token"
ITL: Final = "inference.inter_token_latency"
TPOT: Final = "gen_ai.server.time_per_output_token"
E2E: Final = "gen_ai.server.request.duration"
CLIENT_TTFT: Final = "gen_ai.client.operation.time_to_first_chunk"
CLIENT_ITL: Final = "gen_ai.client.operation.time_per_output_chunk"
CLIENT_E2E: Final = "gen_ai.client.operation.duration"
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


_Texts = tuple[str, ...]
_Plan = tuple[
    tuple[tuple[str, int, Callable[[Sequence[float]], float], _Texts], ...],
    tuple[tuple[str, str, tuple[_Texts, ...]], ...],
    tuple[_Texts, ...],
    tuple[_Texts, ...],
]
"""Single figures, distributions, endings, memory: each with its series."""


class Scope:
    """The series of a server, or of one of its models."""

    __slots__ = ("_texts", "plan")

    def __init__(self, texts: Mapping[Key, tuple[str, ...]]) -> None:
        self._texts = texts
        self.plan: _Plan | None = None
        """What ``figures`` has found out about it; None: it was not asked yet."""

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
            if not item.name.startswith(PREFIXES) or not (server := item.label("server")):
                continue
            # What a program pushes in a server's name is not what the server says.
            if not item.label("source") or item.name.startswith(CLIENT):
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
    """Time between two tokens; else the mean time of a token, else between two chunks (``metric`` says which)."""
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
    def from_clients(self) -> bool:
        """Whether durations are those that its clients measured."""
        return any(each.metric.startswith(CLIENT) for each in (self.ttft, self.itl, self.e2e))

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


_VALUE, _RATE, _MEAN = range(3)
"""Which word about a series: its value, its growth, its mean over ten seconds."""


def _sum(known: Sequence[float]) -> float:
    return sum(known) if known else NAN


def _worst(known: Sequence[float]) -> float:
    return max(known, default=NAN)


def _even(known: Sequence[float]) -> float:
    return sum(known) / len(known) if known else NAN


_Fold = Callable[[Sequence[float]], float]
_SINGLE: Final[tuple[tuple[str, str, str, int, _Fold], ...]] = (
    ("prompt", RATE, "prompt", _VALUE, _sum),
    ("generation", RATE, "generation", _VALUE, _sum),
    ("prompt_mean", RATE, "prompt", _MEAN, _sum),
    ("generation_mean", RATE, "generation", _MEAN, _sum),
    ("running", REQUESTS, "running", _VALUE, _sum),
    ("waiting", REQUESTS, "waiting", _VALUE, _sum),
    ("kv", KV, "", _VALUE, _worst),
    ("kv_tokens", "inference.kv_cache.limit", "", _VALUE, _sum),
    ("hits", HITS, "", _VALUE, _even),
    ("preempting", PREEMPTIONS, "", _RATE, _sum),
    ("preempted", PREEMPTIONS, "", _VALUE, _sum),
    ("batch", "inference.batch.size", "", _VALUE, _sum),
    ("batch_tokens", "inference.batch.tokens", "", _VALUE, _sum),
    ("acceptance", "inference.speculation.acceptance", "", _VALUE, _even),
    ("per_token", PER_TOKEN, "", _VALUE, _even),
    ("energy", "inference.energy", "", _VALUE, _sum),
    ("restarts", "inference.server.restarts", "", _VALUE, _worst),
    ("progress", PROGRESS, "", _VALUE, _worst),
    ("answered", "inference.server.scrape.duration", "", _VALUE, _worst),
)
"""Field, metric, mode, which word, and what several models have together."""
_SPREADS: Final = (
    ("ttft", CLIENT_TTFT, ""),
    ("itl", CLIENT_ITL, ""),
    ("e2e", CLIENT_E2E, ""),
    ("ttft", TTFT, ""),
    ("itl", TPOT, ""),
    ("itl", ITL, ""),
    ("e2e", E2E, ""),
    ("queue", PHASE, "queue"),
    ("prefill", PHASE, "prefill"),
    ("decode", PHASE, "decode"),
)
"""Field, metric, mode; the later one of a field holds where both are told."""


def _plan(scope: Scope) -> _Plan:
    """What of all that this server tells: of some forty figures most servers know a few."""
    return (
        tuple(
            (field, which, fold, texts)
            for field, metric, mode, which, fold in _SINGLE
            if (texts := scope.texts(metric, mode))
        ),
        tuple(
            (field, metric, tuple(scope.texts(metric, mode, stat) for stat in (*QUANTILES, "count")))
            for field, metric, mode in _SPREADS
            if scope.texts(metric, mode, "p50")
        ),
        tuple(scope.texts(ENDED, mode) for mode in ENDINGS),
        tuple(scope.texts(MEMORY, mode) for mode in MEMORY_MODES),
    )


def figures(scope: Scope, bounds: Mapping[str, tuple[float, float]], numbers: Numbers) -> Figures:
    """The values of this moment."""
    if scope.plan is None:
        scope.plan = _plan(scope)
    singles, spreads, ended, memory = scope.plan
    word = (numbers.value, numbers.rate, numbers.mean)
    found: dict[str, Any] = {  # Any: floats, spreads, tuples
        field: _folded(texts, word[which], fold) for field, which, fold, texts in singles
    }
    value, rate, mean = word
    for field, metric, texts in spreads:
        p50, p95, p99 = (_folded(each, value, _worst) for each in texts[:3])
        seen = _folded(texts[3], mean, _sum) * WINDOW_S
        found[field] = Spread(p50, p95, p99, seen, bounds.get(metric, NO_BOUNDS), metric)
    if any(ended):
        found["ended"] = tuple(_folded(texts, rate, _sum) for texts in ended)
    if any(memory):
        found["memory"] = tuple(_folded(texts, value, _sum) for texts in memory)
    return Figures(**found)


def _folded(texts: Sequence[str], of: Callable[[str], float], fold: _Fold) -> float:
    """Several series together; most figures have one only, and this is most of what a frame beside ten servers
    costs."""
    return of(texts[0]) if len(texts) == 1 else fold(_known(texts, of))


def _known(texts: Sequence[str], of: Callable[[str], float]) -> list[float]:
    return [value for text in texts if (value := of(text)) == value]
