"""KoboldCpp: figures of the generation that ended last, and how many there were.

It also answers as Ollama, ComfyUI and others, with constants: nothing of that is ever read.
"""

from typing import Final

import msgspec

from wftui.collectors.servers.figures import Histogram, Key, Look, Missing, ModelInfo, Whole, gauge, named
from wftui.collectors.servers.sign import sign
from wftui.collectors.servers.web import Web, refusal
from wftui.model.sample import DERIVED

NAME: Final = "koboldcpp"
ABOUT: Final = "/api/extra/version"
PERF: Final = "/api/extra/perf"
MODEL: Final = "/api/v1/model"
CONTEXT: Final = "/api/extra/true_max_context_length"
_EVERY: Final = 30
"""Looks between two questions for what hardly changes."""
_ONLY: Final = (float("inf"),)
_LIVE: Final = Missing(
    "time to first token, tokens as they are made",
    "it tells a generation when it has ended: `wftop proxy --upstream` in front of it measures both",
)
_OLD: Final = Missing("durations", "this build does not tell them in seconds: update KoboldCpp")


class _About(msgspec.Struct):
    result: str
    version: str = ""


class _Perf(msgspec.Struct):
    total_gens: float
    queue: float
    idle: float
    uptime: float | None = None
    last_token_count: float = 0
    last_input_count: float | None = None
    last_process_time: float | None = None
    last_eval_time: float | None = None
    last_draft_success: float = 0
    last_draft_failed: float = 0
    total_img_gens: float = 0
    total_tts_gens: float = 0
    total_transcribe_gens: float = 0

    @property
    def ended(self) -> float:
        """All jobs that ended."""
        return self.total_gens + self.total_img_gens + self.total_tts_gens + self.total_transcribe_gens


class _Text(msgspec.Struct):
    result: str


class _Value(msgspec.Struct):
    value: Whole


async def identify(web: Web) -> str | None:
    """It says its name at a path of its own."""
    about = await sign(web, ABOUT, _About)
    return about.version if about is not None and about.result == "KoboldCpp" else None


class KoboldCpp:
    """One KoboldCpp. Its sums are of the generations that were seen: of several between two looks, the last."""

    def __init__(self) -> None:
        self._looks = 0
        self._last: _Perf | None = None
        self._births = 0
        self._sums: dict[tuple[str, str], float] = {}
        self._spreads: dict[tuple[str, str], tuple[float, float]] = {}
        """(metric, mode) to how many and their sum (s)."""

    async def look(self, web: Web) -> Look:
        """Ask for its performance; for its model now and then."""
        answer = await web.ok(PERF)
        perf = answer.json(_Perf)
        self._count(perf)
        look = Look(reads=(PERF,), at=answer.at, birth=str(self._births), missing=(_LIVE,))
        if perf.total_gens and perf.last_eval_time is None:
            look.missing += (_OLD,)
        running = gauge("inference.requests", mode="running", call=f"{PERF} idle", derived=True)
        look.gauges[running] = 0 if perf.idle else 1
        look.gauges[gauge("inference.requests", mode="waiting", call=f"{PERF} queue")] = perf.queue
        ended = Key("inference.request.count", "", "finished", DERIVED, f"{PERF} total_gens and its like")
        look.counters[ended] = perf.ended
        for (metric, mode), value in self._sums.items():
            key = Key(metric, "", mode, DERIVED, f"{PERF} last generation, summed")
            look.counters[key] = value
            if metric == "inference.tokens":
                look.coarse |= {key}
        for (metric, mode), (count, total) in self._spreads.items():
            key = Key(metric, "", mode, DERIVED, f"{PERF} last generation")
            look.histograms[key] = Histogram(_ONLY, (count,), total)
        if self._looks % _EVERY == 0:
            look.models = await self._ask(web)
        self._looks += 1
        return look

    def _count(self, perf: _Perf) -> None:
        last, self._last = self._last, perf
        again = last is not None and (
            perf.ended < last.ended
            or (perf.uptime is not None and last.uptime is not None and perf.uptime < last.uptime)
        )
        if again:
            self._births += 1
        if last is None or again:
            # What ended before anyone looked is in nobody's sums.
            self._sums = {("inference.tokens", "prompt"): 0.0, ("inference.tokens", "generation"): 0.0}
            self._spreads = {}
            return
        if perf.total_gens == last.total_gens:
            return
        self._add("inference.tokens", "prompt", perf.last_input_count or 0)
        self._add("inference.tokens", "generation", perf.last_token_count)
        if perf.last_draft_success or perf.last_draft_failed:
            drafted = perf.last_draft_success + perf.last_draft_failed
            self._add("inference.speculation.tokens", "drafted", drafted)
            self._add("inference.speculation.tokens", "accepted", perf.last_draft_success)
        if perf.last_process_time is not None:
            self._spread("inference.phase.duration", "prefill", perf.last_process_time)
        if perf.last_eval_time is not None:
            self._spread("inference.phase.duration", "decode", perf.last_eval_time)
            if perf.last_token_count > 0:
                each = perf.last_eval_time / perf.last_token_count
                self._spread("gen_ai.server.time_per_output_token", "", each)

    def _add(self, metric: str, mode: str, value: float) -> None:
        self._sums[metric, mode] = self._sums.get((metric, mode), 0.0) + value

    def _spread(self, metric: str, mode: str, value: float) -> None:
        count, total = self._spreads.get((metric, mode), (0.0, 0.0))
        self._spreads[metric, mode] = count + 1, total + value

    async def _ask(self, web: Web) -> tuple[ModelInfo, ...] | None:
        answer = await web.get(MODEL)
        if answer.status in (401, 403):
            raise refusal(answer)
        if answer.status != 200:
            return None
        name = answer.json(_Text).result.removeprefix("koboldcpp/")
        if name in ("", "inactive", "unset"):
            return ()
        context = await web.get(CONTEXT)
        room = context.json(_Value).value if context.status == 200 else None
        return (ModelInfo(name=named(name), context=room),)


def make() -> KoboldCpp:
    """An adapter for one KoboldCpp."""
    return KoboldCpp()
