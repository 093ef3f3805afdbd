"""llama.cpp's ``llama-server``, alone or as a router of several models.

``/props`` comes first and always answers: asking a sleeping server for its slots would load its model again,
asking a router for a model that is not loaded would load it. So what sleeps is left alone, what is about to fall
asleep is not kept from it, and a router is asked about loaded models only, with ``autoload=false``.
"""

from itertools import pairwise
from typing import Final
from urllib.parse import quote

import msgspec

from wftui import text
from wftui.collectors.servers.figures import Look, Missing, ModelInfo, named
from wftui.collectors.servers.llamacpp_instance import METRICS_OFF, RUNNER_METRICS_OFF, Instance
from wftui.collectors.servers.llamacpp_rest import Rest, free_page, sleep_after
from wftui.collectors.servers.llamacpp_said import Meta, Model, Models, Props, Status, file
from wftui.collectors.servers.web import Answer, Web, refusal
from wftui.errors import SourceError, SourceFormatError, SourceUnavailableError
from wftui.model import health
from wftui.model.servers import FAILED, LOADED, LOADING, SLEEPING, UNLOADED

NAME: Final = "llama.cpp"
PROPS: Final = "/props"
MODELS: Final = "/v1/models"
LATENCIES: Final = Missing("time to first token, latencies", "put `wftop proxy` before it")
_MODELS_S: Final = 30
"""Looks between two questions for the model of a server that has but one."""
_STATES: Final = {"loaded": LOADED, "loading": LOADING, "sleeping": SLEEPING, "unloaded": UNLOADED}


async def identify(web: Web) -> str | None:
    """The header ``Server``, also on refusals and while the model loads; or what only its ``/props`` has."""
    answer = await web.get(PROPS)
    ours = answer.headers.get("server", "").startswith("llama.cpp")
    if answer.status != 200:
        return "" if ours else None
    try:
        props = answer.json(Props)
    except SourceFormatError:
        return "" if ours else None
    if ours or (props.build_info and (props.total_slots > 0 or props.router)):
        return text.clean(props.build_info, 64)
    return None


class LlamaCpp:
    """One llama.cpp server."""

    def __init__(self, model: str = "", *, runner: bool = False) -> None:
        """What is known before it is asked.

        Args:
            model: How its figures name its model (a runner of Ollama has only a digest); empty: as it says.
            runner: Whether it is one of Ollama's.
        """
        self.model = model
        self.runner = runner
        self.rest: Final = Rest()
        """Its command line and process, as far as others know them: set ``sleep_s`` and ``pid``."""
        self.watched: frozenset[int] = frozenset()
        """Ports of this machine whose servers are watched themselves: a router is not asked for those of them that
        are its own. Set from outside."""
        self._name = model
        self._alone_one = Instance(rest=self.rest)
        self._instances: dict[str, Instance] = {}
        self._looks = 0
        self._last: Props | None = None

    async def look(self, web: Web) -> Look:
        """Ask what it is and does; never what would wake or load a model, or keep it awake."""
        try:
            answer = await web.get(PROPS)
        except SourceUnavailableError:
            self._forget()
            raise
        look = Look(reads=(PROPS,), missing=(LATENCIES,), at=answer.at)
        if answer.status == 503:
            self._forget()
            look.reason = "it loads its model"
            look.models = await self._loading(web)
            return look
        props = answer.json(Props) if answer.status == 200 else _without(answer)
        if props != self._last:
            self._forget()
        self._last = props
        if props.build_info:
            look.version = text.clean(props.build_info, 64)
        if props.router:
            await self._route(web, look, answer.at.boottime_ns, free=free_page(props.build_info))
        else:
            await self._alone(web, look, props, answer.at.boottime_ns)
            if answer.status != 200 and self._alone_one.mute:
                raise refusal(answer)  # not even slots or a page, as the oldest builds have
        self._looks += 1
        return look

    @property
    def moves(self) -> bool:
        """Whether requests are under way."""
        return any(item.moves for item in self._all())

    async def glance(self, web: Web) -> Look:
        """Ask for the slots in which requests are."""
        look = Look()
        for item in filter(lambda item: item.moves, self._all()):
            await item.glance(web, look)
        return look

    def _all(self) -> list[Instance]:
        return [self._alone_one, *self._instances.values()]

    def _forget(self) -> None:
        """It may be another process from now on, or was woken."""
        self._looks, self._last = 0, None
        self.rest.end()
        self._alone_one = Instance(rest=self.rest)
        self._instances.clear()

    async def _alone(self, web: Web, look: Look, props: Props, at_ns: int) -> None:
        name = self._name = self.model or props.name
        settings = props.default_generation_settings
        known = ModelInfo(
            name=name,
            quantization=text.clean(props.model_ftype or "", 64),
            context=settings.n_ctx if settings and settings.n_ctx > 0 else None,
        )
        if props.is_sleeping:
            self.rest.slept(at_ns)
            look.state, look.reason = health.ASLEEP, "its model sleeps until a request comes"
            look.models = (msgspec.structs.replace(known, state=SLEEPING),)
            return
        self.rest.sleepless |= props.is_sleeping is None
        there = await self._alone_one.look(
            web,
            look,
            name,
            at_ns=at_ns,
            metrics=props.endpoint_metrics,
            slots=props.endpoint_slots,
            free=free_page(props.build_info),
            off=RUNNER_METRICS_OFF if self.runner else METRICS_OFF,
        )
        if not there:
            raise SourceUnavailableError(f"{PROPS} answers and the rest is refused: 400", state=health.FAILED)
        look.reloaded = frozenset()  # the birth says it: the server itself is another one
        if self._looks % _MODELS_S == 0:
            look.models = (await self._described(web, known),)

    async def _described(self, web: Web, known: ModelInfo) -> ModelInfo:
        try:
            data = (await web.json(MODELS, Models)).data
        except (SourceFormatError, SourceUnavailableError):
            return known
        meta = data[0].meta if data else None
        return _with(known, meta) if meta is not None else known

    async def _loading(self, web: Web) -> tuple[ModelInfo, ...]:
        """Some say what they load, others say nothing until they have."""
        try:
            data = (await web.json(MODELS, Models)).data
        except (SourceFormatError, SourceUnavailableError):
            return (ModelInfo(name=self._name, state=LOADING),) if self._name else ()
        return tuple(ModelInfo(name=self.model or named(file(item.id)), state=LOADING) for item in data)

    async def _route(self, web: Web, look: Look, at_ns: int, *, free: bool) -> None:
        models = (await web.json(MODELS, Models)).data
        look.reads = (*look.reads, MODELS)
        told = [_info(item) for item in models]
        look.models = tuple(told)
        pairs = zip(models, told, strict=True)
        loaded = {
            item.id: (item, info.name)
            for item, info in pairs
            if info.state == LOADED and _port(item) not in self.watched
        }
        for gone in self._instances.keys() - loaded.keys():
            del self._instances[gone]
        for key, (item, name) in loaded.items():
            instance = self._instances.get(key)
            if instance is None:
                query = f"?model={quote(key, safe='')}&autoload=false"
                instance = self._instances[key] = Instance(query, rest=Rest(sleep_after(_words(item))))
                look.reloaded |= {name}
            try:
                if not await instance.look(web, look, name, at_ns=at_ns, free=free):
                    del self._instances[key]  # unloaded since the list was made
            except SourceError as error:
                if error.state == health.DENIED:
                    raise
                # Its server is in trouble, the others are not.
                look.state, look.reason = health.LATE, f"{name}: {error.reason}"
        look.birth = ""  # those of its children
        look.reads = tuple(dict.fromkeys(look.reads))


def _words(item: Model) -> list[str]:
    """The command line of the server of a router's model."""
    return item.status.args if item.status else []


def _port(item: Model) -> int | None:
    """Where it listens; None: it is not said."""
    for flag, value in pairwise(_words(item)):
        if flag == "--port":
            return int(value) if value.isascii() and value.isdecimal() and len(value) < 6 else None
    return None


def _info(item: Model) -> ModelInfo:
    status = item.status or Status()
    state, detail = _STATES.get(status.value, UNLOADED), ""
    if status.failed:
        state = FAILED
        detail = "it failed to load" + ("" if status.exit_code is None else f", exit code {status.exit_code}")
    elif status.value not in _STATES:
        detail = text.clean(status.value, 40)
    return _with(ModelInfo(name=named(item.id), state=state, detail=detail), item.meta or Meta())


def _with(info: ModelInfo, meta: Meta) -> ModelInfo:
    return msgspec.structs.replace(
        info,
        size=meta.size,
        parameters=meta.n_params,
        quantization=text.clean(meta.ftype or "", 64) or info.quantization,
        context=info.context or meta.n_ctx,
    )


def _without(answer: Answer) -> Props:
    """What is known of a server without ``/props``: the builds of 2023 have slots and a page, too."""
    if answer.status in (404, 405, 501):
        return Props()
    raise refusal(answer)


def make() -> LlamaCpp:
    """An adapter for one server."""
    return LlamaCpp()
