"""Ollama: what is loaded, where it lies and until when. What it does, its runners say (``ollama_runner``).

``/api/ps`` and ``/api/tags`` load nothing and extend no keep-alive; each question adds a line to its log, so it is
asked every other time.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from wftui import text
from wftui.clock import Instant
from wftui.collectors.servers.figures import Key, Look, Missing, ModelInfo, Whole, gauge, named
from wftui.collectors.servers.takes import Reader, Take
from wftui.collectors.servers.web import Web
from wftui.errors import SourceFormatError, SourceUnavailableError
from wftui.model.servers import NEVER

NAME: Final = "ollama"
LOADED: Final = "/api/ps"
INSTALLED: Final = "/api/tags"
VERSION: Final = "/api/version"
PAGE: Final = "/metrics"
EVERY: Final = 2
"""Looks between two questions."""
_GREETING: Final = b"Ollama is running"
_FAREST: Final = 2200
"""A year: whatever expires later is kept for ever (they write 2318)."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PARAMETERS: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?([KMBT]?)\Z")
_SCALES: Final = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
_PROXY: Final = "put `wftop proxy` before it"
LATENCIES: Final = Missing("time to first token, latencies, requests ended", _PROXY)
TOKENS: Final = Missing(
    "tokens, requests", f"set LLAMA_ARG_ENDPOINT_METRICS=1 for `ollama serve` (0.30 or later), or {_PROXY}"
)
TOKENS_OLD: Final = Missing("tokens, requests", f"update it to 0.30 or later, or {_PROXY}")

# Proposed and not merged as of 0.32; what else may come one day is not guessed.
TAKES: Final = (Take("inference.requests", ("ollama_requests_queued",), mode="waiting"),)


class _Details(msgspec.Struct):
    parameter_size: str = ""
    quantization_level: str = ""


class _Loaded(msgspec.Struct):
    name: str
    size: float = 0
    """Weights, cache and graph together."""
    size_vram: float = 0
    digest: str = ""
    details: _Details | None = None
    expires_at: str = ""
    context_length: Whole | None = None
    """Absent before July 2025."""


class Ps(msgspec.Struct):
    """``/api/ps``."""

    models: list[_Loaded] | None = None


class _Installed(msgspec.Struct):
    name: str
    size: float | None = None
    """Of its files."""


class Tags(msgspec.Struct):
    """``/api/tags``."""

    models: list[_Installed] | None = None


class Version(msgspec.Struct):
    """``/api/version``."""

    version: str


async def identify(web: Web) -> str | None:
    """Its greeting and its version. KoboldCpp and SGLang speak parts of its API: they are asked before it."""
    greeting = await web.get("/")
    if greeting.status != 200 or greeting.body.strip() != _GREETING:
        return None
    answer = await web.get(VERSION)
    if answer.status != 200:
        return None
    try:
        return text.clean(answer.json(Version).version, 64)
    except SourceFormatError:
        return None


class Ollama:
    """One Ollama."""

    def __init__(self) -> None:
        self.runners: tuple[str, ...] = ()
        """Endpoints of its runners that are watched, too: they tell tokens and requests. Set from outside."""
        self._reader: Reader | None = None
        """Of its page, where it has one."""
        self._version: str | None = None
        self._sizes: dict[tuple[str, str], float | None] = {}
        """By name and digest: its weights; None: the list of what is installed does not have it."""
        self._last: Look | None = None
        self._looks = 0

    async def look(self, web: Web) -> Look:
        """Ask what is loaded, every other time; in between the last answer stands."""
        if self._last is None or self._looks % EVERY == 0:
            try:
                self._last = await self._ask(web)
            except SourceUnavailableError:
                self._last = self._version = self._reader = None
                raise
            look = self._last
        else:
            look = msgspec.structs.replace(self._last, models=None)
        self._looks += 1
        look.missing = (*self._missing(), LATENCIES)
        return look

    async def _ask(self, web: Web) -> Look:
        look = Look()
        if self._version is None:
            self._looks = 0
            self._version = text.clean((await web.json(VERSION, Version)).version, 64)
            page = await web.get(PAGE)
            self._reader = Reader(TAKES, PAGE) if page.status == 200 and b"\nollama_" in page.body else None
            look.version = self._version
        answer = await web.ok(LOADED)
        look.at, look.reads = answer.at, (LOADED,)
        loaded = answer.json(Ps).models or []
        if any((item.name, item.digest) not in self._sizes for item in loaded):
            await self._learn(web, loaded)
        models = [self._model(item, answer.at) for item in loaded]
        look.models = tuple(models)
        for item in models:
            for mode, value, call in (("vram", item.vram, "size_vram"), ("ram", item.ram, "size - size_vram")):
                if value is not None:
                    look.gauges[_memory(item.name, mode, call)] = value
        if self._reader is not None:
            self._reader.read((await web.ok(PAGE)).body, look)
            look.reads = (*look.reads, PAGE)
        return look

    async def _learn(self, web: Web, loaded: list[_Loaded]) -> None:
        """The size of weights: ``/api/ps`` counts the cache in."""
        answer = await web.get(INSTALLED)
        try:
            installed = answer.json(Tags).models or [] if answer.status == 200 else []
        except SourceFormatError:
            installed = []
        sizes = {item.name: item.size for item in installed}
        self._sizes = {(item.name, item.digest): sizes.get(item.name) for item in loaded}

    def _model(self, item: _Loaded, at: Instant) -> ModelInfo:
        expires = _moment(item.expires_at)
        details = item.details or _Details()
        there = item.size > 0
        return ModelInfo(
            name=named(item.name),
            size=self._sizes.get((item.name, item.digest)),
            parameters=_count(details.parameter_size),
            quantization=text.clean(details.quantization_level, 64),
            context=item.context_length or None,
            vram=min(item.size_vram, item.size) if there else None,
            ram=max(0.0, item.size - item.size_vram) if there else None,
            expires=expires,
            detail="it is being unloaded" if expires is not None and NEVER < expires <= at.time_ns else "",
        )

    def _missing(self) -> tuple[Missing, ...]:
        if self.runners:
            return ()
        return (TOKENS_OLD if self._version and _before_0_30(self._version) else TOKENS,)


def _memory(model: str, mode: str, call: str) -> Key:
    return gauge("inference.model.memory", model, mode, call=f"{LOADED} {call}", derived=mode == "ram")


def _count(size: str) -> float | None:
    """``8.2B`` as a number; None: no word."""
    found = _PARAMETERS.match(size)
    return float(round(float(found[1]) * _SCALES[found[2]])) if found else None


def _moment(said: str) -> int | None:
    """When (ns, UTC); ``NEVER`` for the far future, None for what is no time or the zero time."""
    try:
        found = datetime.fromisoformat(said)
        if found.year >= _FAREST:
            return NEVER
        # Whole microseconds: a float has not enough digits.
        at_ns = (found - _EPOCH) // timedelta(microseconds=1) * 1000
    except (ValueError, TypeError, OverflowError):  # a type error: it names no time zone
        return None
    return at_ns if at_ns > 0 else None


def _before_0_30(version: str) -> bool:
    """Whether that one's runner is not llama.cpp's server yet."""
    parts = version.split(".")
    numbers = [int(part) for part in parts[:2] if part.isascii() and part.isdecimal() and len(part) < 6]
    return len(numbers) == 2 and (0, 0) < tuple(numbers) < (0, 30)


def make() -> Ollama:
    """An adapter for one Ollama."""
    return Ollama()
