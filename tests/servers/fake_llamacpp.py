"""A llama.cpp server that generates, sleeps, is woken and restarts; and a router of several.

What others did to it is counted: how often it was woken, and how often a model was loaded because somebody looked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from tests.fakeclock import FakeClock
from tests.servers.fake import Asked, Fake, Reply, Route, constant, page, said, sample
from wftui.clock import NS_PER_S

SERVER: Final = "llama.cpp"
SECRET: Final = "canary: what a person asked"  # noqa: S105  looked for where it must not be
_LOADING: Final = said({"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, 503)
_OFF: Final = "This server does not support {} endpoint. Start it with `{}`"


class Seat(msgspec.Struct):
    """One slot."""

    id: int
    task: int = -1
    busy: bool = False
    cached: int = 0
    processed: int = 0
    decoded: int = 0
    held: int = 0
    """Tokens left of the task before."""
    limit: int = -1

    def say(self, context: int, *, one_object: bool) -> dict[str, object]:
        """As ``/slots`` shows it."""
        found: dict[str, object] = {
            "id": self.id, "n_ctx": context, "speculative": False, "is_processing": self.busy,
        }  # fmt: skip
        if self.task < 0:
            return found
        left = self.limit - self.decoded if self.busy and self.limit >= 0 else -1
        following = {"has_next_token": self.busy, "n_remain": left, "n_decoded": self.decoded}
        return found | {
            "id_task": self.task,
            "n_prompt_tokens": self.cached + self.processed + self.decoded if self.busy else self.held,
            "n_prompt_tokens_processed": self.processed,
            "n_prompt_tokens_cache": self.cached,
            "params": {"temperature": 0.8, "grammar": SECRET},
            "next_token": following if one_object else [following],
            "prompt": SECRET,
            "generated": SECRET,
        }


class Llama:
    """The state of one server. Its clock decides when it falls asleep."""

    def __init__(
        self,
        clock: FakeClock | None = None,
        *,
        slots: int = 2,
        context: int = 8192,
        metrics: bool = True,
        show_slots: bool = True,
        sleep_s: float | None = None,
        old: bool = False,
        free_page: bool = True,
        alias: str = "qwen3-8b",
    ) -> None:
        """``old``: of 2025, with less in its props; ``free_page``: its metrics page does not count as work."""
        self.clock = clock or FakeClock()
        self.context = context
        self.metrics = metrics
        self.show_slots = show_slots
        self.sleep_s = sleep_s
        self.old = old
        self.free_page = free_page
        self.alias = alias
        self.build = "b10488-0c1e570" if free_page else "b9000-1234567"
        self.loading = False
        self.sleeping = False
        self.woken = 0
        """By whom it may be: a test that wakes it itself takes that off."""
        self.seats = [Seat(place) for place in range(slots)]
        self.restart()

    def restart(self) -> None:
        """Another process: all counts from zero."""
        self.birth = getattr(self, "birth", 4711) + 1_000_000
        self.prompt = self.cached = self.predicted = self.deferred = 0
        self.next_task = 1
        self.sleeping = False
        self.seats = [Seat(item.id) for item in self.seats]
        self.worked_ns = self.clock.boottime_ns

    # -- its clients ---------------------------------------------------------------------------------------------

    def begin(self, *, cached: int = 0, limit: int = -1, seat: int | None = None) -> Seat:
        """A request comes; it wakes the server."""
        self._work()
        found = self.seats[seat] if seat is not None else next(item for item in self.seats if not item.busy)
        assert not found.busy
        found.task, found.busy, found.limit = self.next_task, True, limit
        found.cached, found.processed, found.decoded = cached, 0, 0
        self.next_task += 1
        return found

    def read(self, seat: Seat, tokens: int) -> None:
        """A part of its prompt is evaluated."""
        self._work()
        seat.processed += tokens

    def decode(self, seat: Seat, tokens: int) -> None:
        """It makes tokens; with the first of them its prompt counts."""
        self._work()
        if seat.decoded == 0 and tokens > 0:
            self.prompt += seat.processed
            self.cached += seat.cached
        seat.decoded += tokens

    def finish(self, seat: Seat, *, keeps: bool = False) -> None:
        """It ends: now its tokens count. ``keeps``: the slot goes on showing them."""
        self._work()
        self.predicted += seat.decoded
        seat.busy = False
        # The last token of an answer is never read: seen of the real one.
        seat.held = seat.cached + seat.processed + max(0, seat.decoded - 1)
        if not keeps:
            seat.cached = seat.processed = seat.decoded = 0

    # -- what it answers -----------------------------------------------------------------------------------------

    def routes(self) -> dict[str, Route]:
        """By path."""
        return {
            "/health": self._guarded(lambda _: said({"status": "ok"})),
            "/props": self._guarded(self.say_props),
            "/v1/models": self.say_models,
            "/models": self.say_models,
            "/metrics": self._guarded(self.say_metrics),
            "/slots": self._guarded(self.say_slots),
        }

    def _guarded(self, route: Route) -> Route:
        def answer(asked: Asked) -> Reply:
            if self.loading:
                return _LOADING
            self.settle()
            return route(asked)

        return answer

    def settle(self) -> None:
        """Fall asleep if it is time."""
        idle_ns = self.clock.boottime_ns - self.worked_ns
        if self.sleep_s is not None and not any(item.busy for item in self.seats):
            self.sleeping = self.sleeping or idle_ns >= self.sleep_s * NS_PER_S

    def _work(self) -> None:
        """Something that keeps it awake, or wakes it."""
        self.settle()
        if self.sleeping:
            self.sleeping = False
            self.woken += 1
        self.worked_ns = self.clock.boottime_ns

    def say_props(self, _: Asked) -> Reply:
        """``/props``."""
        props = msgspec.json.decode(sample("llamacpp_props.json"), type=dict[str, object])
        props |= {
            "total_slots": len(self.seats), "model_alias": self.alias, "build_info": self.build,
            "is_sleeping": self.sleeping, "endpoint_metrics": self.metrics, "endpoint_slots": self.show_slots,
            "default_generation_settings": {"params": {"grammar": SECRET}, "n_ctx": self.context},
            "chat_template": SECRET,
        }  # fmt: skip
        if self.old:
            for name in ("is_sleeping", "endpoint_metrics", "endpoint_slots", "model_alias", "model_ftype"):
                del props[name]
        return said(props)

    def say_models(self, _: Asked) -> Reply:
        """``/v1/models``; older ones answer while they load, without ``meta``."""
        if self.loading and not self.old:
            return _LOADING
        models = msgspec.json.decode(sample("llamacpp_models.json"))
        models["data"][0] |= {"id": self.alias} | ({"meta": None} if self.loading else {})
        return said(models)

    def say_metrics(self, _: Asked) -> Reply:
        """``/metrics``, with six digits."""
        if not self.metrics:
            return said({"error": {"code": 501, "message": _OFF.format("metrics", "--metrics")}}, 501)
        if not self.free_page:
            self._work()
        running = sum(item.busy for item in self.seats)
        values = [
            ("prompt_tokens_total", "counter", self.prompt),
            ("prompt_tokens_cached_total", "counter", self.cached),
            ("tokens_predicted_total", "counter", self.predicted),
            ("requests_processing", "gauge", running),
            ("requests_deferred", "gauge", self.deferred),
        ]
        if self.old:
            del values[1]
        lines = [f"# TYPE llamacpp:{name} {kind}\nllamacpp:{name} {value:.6g}\n" for name, kind, value in values]
        return page("".join(lines).encode(), Process_Start_Time_Unix=str(self.birth))

    def say_slots(self, _: Asked) -> Reply:
        """``/slots``."""
        if not self.show_slots:
            return said({"error": {"code": 501, "message": _OFF.format("slots", "--slots")}}, 501)
        self._work()
        return said([item.say(self.context, one_object=self.old) for item in self.seats])


def serve(llama: Llama, **how: object) -> Fake:
    """A server of that state, not listening yet."""
    return Fake(llama.routes(), server=SERVER, **how)  # type: ignore[arg-type]  # each test gives the right ones


def samples() -> dict[str, Route]:
    """A server that says what the samples say."""
    return {
        "/props": constant(sample("llamacpp_props.json")),
        "/v1/models": constant(sample("llamacpp_models.json")),
        "/metrics": lambda _: page(sample("llamacpp.prom"), Process_Start_Time_Unix="4711"),
        "/slots": constant(sample("llamacpp_slots.json")),
    }


class Router:
    """A router and the servers of its models."""

    FIRST_PORT: Final = 58000
    """Of its servers, in the order of its models."""

    def __init__(self, **models: Llama) -> None:
        """``models``: by name; all of them begin unloaded."""
        self.models = models
        self.status = dict.fromkeys(models, "unloaded")
        self.failed: dict[str, int] = {}
        """Name to exit code."""
        self.loads = 0
        """Models that were loaded because somebody asked about them."""

    def load(self, name: str) -> None:
        """Somebody wants it."""
        if self.status[name] == "unloaded":
            self.models[name].restart()
        self.status[name] = "loaded"

    def unload(self, name: str) -> None:
        """It makes room for another."""
        self.status[name] = "unloaded"

    @property
    def woken(self) -> int:
        """Of all of its models."""
        return sum(item.woken for item in self.models.values())

    def routes(self) -> dict[str, Route]:
        """By path."""
        return {
            "/health": lambda _: said({"status": "ok"}),
            "/props": self._of(Llama.say_props, sample("llamacpp_router_props.json")),
            "/v1/models": self.say_models,
            "/metrics": self._of(Llama.say_metrics),
            "/slots": self._of(Llama.say_slots),
        }

    def say_models(self, _: Asked) -> Reply:
        """``/v1/models``."""
        found = []
        for place, (name, llama) in enumerate(self.models.items()):
            llama.settle()
            args = ["llama-server", "--alias", name, "--port", str(self.FIRST_PORT + place)]
            if llama.sleep_s is not None:
                args += ["--sleep-idle-seconds", f"{llama.sleep_s:.0f}"]
            status: dict[str, object] = {"value": self.status[name], "args": args}
            if self.status[name] == "loaded" and llama.sleeping:
                status["value"] = "sleeping"
            if name in self.failed:
                status |= {"failed": True, "exit_code": self.failed[name]}
            item: dict[str, object] = {"id": name, "object": "model", "owned_by": "llamacpp", "status": status}
            if status["value"] == "loaded":
                item["meta"] = {"n_params": 8e9, "size": 5021787136, "n_ctx": 8192, "ftype": "Q4_K - Medium"}
            found.append(item)
        return said({"object": "list", "data": found})

    def _of(self, say: Callable[[Llama, Asked], Reply], own: bytes | None = None) -> Route:
        def answer(asked: Asked) -> Reply:
            name = asked.query.get("model")
            if name is None:
                return Reply(own) if own is not None else Reply(sample("llamacpp_router_no_model.json"), 400)
            if name not in self.models:
                return said({"error": {"code": 400, "message": "model not found"}}, 400)
            if self.status[name] == "unloaded":
                if asked.query.get("autoload") == "false":
                    return said({"error": {"code": 400, "message": "model is not loaded"}}, 400)
                self.loads += 1
                self.load(name)
            return say(self.models[name], asked)

        return answer
