"""One model of a llama.cpp server: its page and its slots. A router has several of them."""

from typing import Final

import msgspec

from wftui.collectors.servers.figures import Key, Look, Missing, gauge
from wftui.collectors.servers.llamacpp_rest import Rest
from wftui.collectors.servers.llamacpp_slots import EXACT, Pace, Slot, fullest, requests
from wftui.collectors.servers.takes import COUNTER, Reader, Take
from wftui.collectors.servers.web import Answer, Web, refusal
from wftui.errors import SourceUnavailableError
from wftui.model import health
from wftui.model.sample import DERIVED

PAGE: Final = "/metrics"
SLOTS: Final = "/slots"
_TOTALS: Final = "tokens in total and of requests shorter than a second, requests waiting, speculation"
METRICS_OFF: Final = Missing(_TOTALS, "start it with --metrics")
RUNNER_METRICS_OFF: Final = Missing(_TOTALS, "set LLAMA_ARG_ENDPOINT_METRICS=1 for `ollama serve`")
"""Of a runner of Ollama: it inherits the environment."""
SLOTS_OFF: Final = Missing("tokens a second, requests, KV cache", "start it without --no-slots")
GLANCE_S: Final = 0.25
"""A server that takes longer has no answer worth waiting for: the next look asks again."""
LEFT_ALONE: Final = Missing(
    "what an idle server begins, at once",
    "start it with --metrics (b10488 or later): idle it is asked for its slots seldom, so that it may fall asleep",
)
_ABSENT: Final = (404, 405, 501)
_BIRTH: Final = "process-start-time-unix"
"""No time at all (microseconds of some clock), and another one after a restart."""

_TOKENS: Final = "inference.tokens"
_PREFIX: Final = "inference.prefix_cache.tokens"


def _take(metric: str, name: str, mode: str = "", kind: str = COUNTER, *, coarse: bool = False) -> Take:
    return Take(metric, (f"llamacpp:{name}",), kind, mode, coarse=coarse)


# Tokens step when a request (or its prompt) ends: a rate of them is nought and then a spike.
TAKES: Final = (
    _take(_TOKENS, "prompt_tokens_total", "prompt", coarse=True),
    _take(_TOKENS, "prompt_tokens_cached_total", "cached", coarse=True),
    _take(_TOKENS, "tokens_predicted_total", "generation", coarse=True),
    _take("inference.speculation.tokens", "spec_decode_num_draft_tokens_total", "drafted"),
    _take("inference.speculation.tokens", "spec_decode_num_accepted_tokens_total", "accepted"),
    Take("inference.requests", ("llamacpp:requests_processing",), mode="running"),
    Take("inference.requests", ("llamacpp:requests_deferred",), mode="waiting"),
    # Until May 2025.
    Take("inference.kv_cache.utilization", ("llamacpp:kv_cache_usage_ratio",)),
)


class Instance:
    """What is remembered of one model between looks."""

    def __init__(self, query: str = "", rest: Rest | None = None) -> None:
        """What it is.

        Args:
            query: Behind every path, with its question mark; empty where there is but one model.
            rest: Whether it may be asked; None: always.
        """
        self._query = query
        self.rest: Final = rest or Rest()
        self._reader = Reader(TAKES, PAGE)
        self._pace = Pace()
        self._birth = ""
        self._page_off = False
        self._slots_off = False
        self._model = ""
        self._live = False
        """Whether requests were under way in its slots."""
        self._told: frozenset[tuple[str, str]] = frozenset()
        """Gauges that its page has."""
        self._counted: dict[Key, float] = {}
        self._idle = Look()
        """What its page and slots said when they were asked last."""

    async def look(
        self,
        web: Web,
        look: Look,
        model: str,
        *,
        at_ns: int,
        metrics: bool | None = None,
        slots: bool | None = None,
        free: bool = False,
        off: Missing = METRICS_OFF,
    ) -> bool:
        """Ask for its page and its slots, and put what they say into a look.

        Args:
            web: The server.
            look: Where to.
            model: How its figures name it.
            at_ns: Now (CLOCK_BOOTTIME).
            metrics: Whether the server says that it has a page; None: it does not say.
            slots: Whether it says that it has slots to show.
            free: Whether its page may be asked for at any time.
            off: What to say of a missing page.

        Returns:
            False: it is not loaded (any more).

        Raises:
            SourceError: As ``Web.ok``; but a server that is too busy for these two is ``late`` in the look.
        """
        page = Look()
        self._model, self._live = model, False
        if metrics is not None:
            self._page_off = not metrics
        if slots is not None:
            self._slots_off = not slots
        may_ask = self.rest.may_ask(at_ns, page=free and not (self._page_off or self._slots_off))
        may_ask |= free and self._slots_off  # all that is left to ask does not count
        try:
            if not self._page_off and (may_ask or free):
                answer = await web.get(PAGE + self._query)
                if answer.status == 400:
                    return False
                self._page_off = answer.status in _ABSENT
                if not self._page_off:
                    self._read(_good(answer), page, look, model)
                    may_ask |= self._stirs(page)
            if not self._slots_off and may_ask:
                answer = await web.get(SLOTS + self._query)
                if answer.status == 400:
                    return False
                self._slots_off = answer.status in _ABSENT
                if not self._slots_off:
                    self._show(_good(answer), page, look, model)
        except SourceUnavailableError as error:
            if error.state != health.STUCK:
                raise
            # Both wait for the batch that runs. It answered a moment before: a big prompt, no death.
            look.state, look.reason = health.LATE, f"busy with a batch: {error.reason}"
        if may_ask:
            self.rest.asked(at_ns, busy=look.state == health.LATE or _busy(page))
            self._idle = Look(gauges=dict(page.gauges), counters=dict(page.counters), coarse=page.coarse)
        elif self.rest.watched or page.counters:
            self._pause(page, look, model)
        elif LEFT_ALONE not in look.missing:
            look.missing = (*look.missing, LEFT_ALONE)
        self._put(page, look, model)
        for absent, missing in ((self._page_off, off), (self._slots_off, SLOTS_OFF)):
            if absent and missing not in look.missing:
                look.missing = (*look.missing, missing)
        return True

    @property
    def moves(self) -> bool:
        """Whether its slots have more to tell within the second: what is idle is not kept awake for it."""
        return self._live

    @property
    def mute(self) -> bool:
        """Whether it has neither a page nor slots to show."""
        return self._page_off and self._slots_off

    async def glance(self, web: Web, look: Look) -> None:
        """Ask for its slots alone, while there are requests in them.

        Raises:
            SourceError: As ``Web.json``.
        """
        self._live = False
        answer = await web.ok(SLOTS + self._query, timeout_s=GLANCE_S)
        page = Look()
        self._tell(answer, page, look, None)
        look.gauges |= {_of(key, self._model): value for key, value in page.gauges.items()}
        look.at = answer.at

    def _stirs(self, page: Look) -> bool:
        """Whether the page shows work: requests, or counters that moved."""
        before, self._counted = self._counted, dict(page.counters)
        return before != self._counted or _busy(page)

    def _pause(self, page: Look, look: Look, model: str) -> None:
        """It was idle when it was asked last and has not worked since, as its process or page shows.

        What it said then still holds.
        """
        call = f"{SLOTS}, and no work since"
        for mode in ("prompt", "generation"):
            look.live[gauge("inference.tokens.rate", model, mode, call=call, derived=True)] = 0.0
        page.gauges = self._idle.gauges | page.gauges
        page.counters = self._idle.counters | page.counters
        page.coarse |= self._idle.coarse

    def _read(self, answer: Answer, page: Look, look: Look, model: str) -> None:
        birth = answer.headers.get(_BIRTH, "")
        if self._birth and birth and birth != self._birth:
            look.reloaded |= {model}
            self._pace = Pace()
        self._birth = birth or self._birth
        look.birth = birth
        look.at = answer.at
        self._reader.read(answer.body, page)
        look.reads = (*look.reads, PAGE)

    def _show(self, answer: Answer, page: Look, look: Look, model: str) -> None:
        told = {key.mode: value for key, value in page.counters.items() if key.metric == _TOKENS}
        slots = self._tell(answer, page, look, told)
        look.requests += requests(slots, model)
        if len(slots) == 1 and slots[0].n_ctx > 0:
            page.gauges[gauge("inference.kv_cache.limit", call=f"{SLOTS} n_ctx")] = slots[0].n_ctx
        look.at = look.at or answer.at
        look.reads = (*look.reads, SLOTS)

    def _tell(self, answer: Answer, page: Look, look: Look, counted: dict[str, float] | None) -> list[Slot]:
        """What moves in the slots. ``counted``: what the page says, by mode; None: it was not asked for."""
        slots, model = answer.json(list[Slot]), self._model
        if counted is None:
            pace = self._pace.glance(slots, answer.at.boottime_ns)
        else:
            at_ns = answer.at.boottime_ns
            pace = self._pace.look(slots, at_ns, counted.get("prompt"), counted.get("generation"))
            self._told = frozenset((key.metric, key.mode) for key in page.gauges)
        if pace is not None:
            for mode, value, name in (
                ("prompt", pace[0], "n_prompt_tokens_processed"),
                ("generation", pace[1], "n_decoded"),
            ):
                key = gauge("inference.tokens.rate", model, mode, call=f"{SLOTS} {name}", derived=True)
                look.live[key] = value
        busy = sum(slot.is_processing for slot in slots)
        self._live = busy > 0
        if ("inference.requests", "running") not in self._told:
            running = gauge("inference.requests", mode="running", call=f"{SLOTS} is_processing", derived=True)
            page.gauges[running] = busy
        share = fullest(slots)
        if share is not None and ("inference.kv_cache.utilization", "") not in self._told:
            which = "" if len(slots) == 1 else ", the fullest slot"
            call = f"{SLOTS} n_prompt_tokens / n_ctx{which}"
            page.gauges[gauge("inference.kv_cache.utilization", call=call, derived=True)] = share
        return slots

    @staticmethod
    def _put(page: Look, look: Look, model: str) -> None:
        """The page's figures under the model's name, with what has to be added up."""
        prompt = next((key for key in page.counters if (key.metric, key.mode) == (_TOKENS, "prompt")), None)
        cached = next((key for key in page.counters if (key.metric, key.mode) == (_TOKENS, "cached")), None)
        if prompt is not None and cached is not None:
            # Theirs leave the cached ones out.
            hit, value = page.counters[cached], page.counters.pop(prompt) + page.counters[cached]
            call = f"{PAGE} prompt_tokens_total + prompt_tokens_cached_total"
            both = Key(_TOKENS, mode="prompt", quality=DERIVED, call=call)
            page.counters[both] = value
            page.counters[Key(_PREFIX, mode="queried", quality=DERIVED, call=call)] = value
            page.counters[Key(_PREFIX, mode="hit", call=cached.call)] = hit
            page.coarse |= {both}
        page.coarse |= {key for key, value in page.counters.items() if value >= EXACT}
        look.gauges |= {_of(key, model): value for key, value in page.gauges.items()}
        look.counters |= {_of(key, model): value for key, value in page.counters.items()}
        look.coarse |= {_of(key, model) for key in page.coarse}


def _busy(page: Look) -> bool:
    """Whether requests run or wait."""
    return any(value > 0 for key, value in page.gauges.items() if key.metric == "inference.requests")


def _good(answer: Answer) -> Answer:
    if answer.status != 200:
        raise refusal(answer)
    return answer


def _of(key: Key, model: str) -> Key:
    return msgspec.structs.replace(key, model=model)
