"""One server that is watched: recognised, asked once a second, left alone for a while when it does not answer."""

from collections.abc import Callable, Sequence
from typing import Final

from wftui import log
from wftui.clock import NS_PER_S, Clock, Instant
from wftui.collectors.servers import kinds
from wftui.collectors.servers.adapter import Adapter, Kind
from wftui.collectors.servers.attention import Attention
from wftui.collectors.servers.derive import Derivation
from wftui.collectors.servers.discovery import Found
from wftui.collectors.servers.figures import Look, ModelInfo, RequestInfo
from wftui.collectors.servers.glances import Glances
from wftui.collectors.servers.web import Web
from wftui.endpoint import Endpoint
from wftui.errors import SourceError, SourceUnavailableError
from wftui.model import health
from wftui.model.sample import JsonValue, Occurrence, Reading, Sample, column
from wftui.model.servers import LOADED, SLEEPING, SOURCE
from wftui.model.table import Row

INTERVAL_S: Final = 1.0
PHASE_NS: Final = 250_000_000
"""All servers are asked at the same moment of a second: ten questions in a row cost less than ten wake-ups."""
BACKOFF_S: Final = (2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
DENIED_S: Final = 60.0
"""A server that wants a key is asked so seldom: it is for a person to act."""
_STRANGER: Final = "what answers there is no model server that wftop knows"
_STRANGER_FIX: Final = "is the address right? kind=prometheus reads any metrics page"
_PRESENT: Final = frozenset({LOADED, SLEEPING})


class Watch:
    """What is known of one endpoint. Runs in the poller's thread."""

    def __init__(
        self,
        endpoint: Endpoint,
        names: Sequence[str],
        clock: Clock,
        tell: Callable[["Watch", Reading | None, Sequence[Occurrence] | None], None],
        *,
        attention: Attention | None = None,
        found: Found | None = None,
        derivation: Derivation | None = None,
        restarts: int = 0,
        told: bool = False,
        making: Callable[[], Adapter | None] | None = None,
    ) -> None:
        """``names``: modules of kinds to try, in order; ``found``: its process; None: configured.

        ``tell``: takes a reading, and events; None in their place: nothing else of it is another than before.
        ``attention``: how closely it is looked at; None: once a second.

        ``told``: whether the last of its restarts was told of before. ``making``: how its adapter is made when its
        kind alone does not do; None from it: not yet.
        """
        self.endpoint: Final = endpoint
        self.name: Final = endpoint.name
        self.found = found
        self._named = found is None
        """A person named it: whatever is wrong with it is told."""
        self.kind: Kind | None = None
        self.version = ""
        self.state = ""
        """Empty: not recognised yet, and not shown."""
        self.reason = ""
        self.fix = ""
        self.since_ns = 0
        self.models: dict[str, tuple[ModelInfo, int]] = {}
        """By name: what was said last, and since when it is in its state (ns, UTC)."""
        self.requests: dict[str, tuple[RequestInfo, int]] = {}
        """By key: what was said last, and when it was first seen (ns, UTC)."""
        self.look = Look()
        self.answered_ns = 0
        """CLOCK_BOOTTIME of its last answer."""
        self.derivation = derivation or Derivation(self.name)
        self.restarts = restarts
        self.ahead = False
        """Whether its figures told of a restart that its process has not shown yet."""
        self._restart_told = told
        self._names = tuple(names)
        self._clock = clock
        self._tell = tell
        self._web = Web(endpoint, clock)
        self.adapter: Adapter | None = None
        self._making = making
        self._failures = 0
        self._glances = Glances(attention or Attention(), clock, PHASE_NS)
        self._up = column(SOURCE, "inference.server.up", {"server": self.name}, call="any answer")
        self._duration = column(
            SOURCE, "inference.server.scrape.duration", {"server": self.name}, call="clock around a look"
        )
        self._restarts = column(
            SOURCE, "inference.server.restarts", {"server": self.name}, call="counters, start time or process"
        )
        self._loaded = column(SOURCE, "inference.models.loaded", {"server": self.name}, call="the server's models")

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            while True:
                now = self._clock.now()
                wait_s = await self._turn(now)
                now = self._clock.now()
                interval_ns = int(wait_s * NS_PER_S)
                due = now.boottime_ns + interval_ns - (now.time_ns - PHASE_NS) % min(interval_ns, NS_PER_S)
                if self.adapter is not None and not self._failures:
                    await self._glances.until(due, self.adapter, self._web, self._glanced)
                await self._clock.sleep_until(due)
        finally:
            self._web.close()

    async def _turn(self, now: Instant) -> float:
        """Ask once; returns the seconds until the next time."""
        events: list[Occurrence] = []
        self._web.siblings = self._siblings()
        try:
            if self.adapter is None and not await self._recognise(events):
                self._failures += 1
                return self._pause_s()
            assert self.adapter is not None  # noqa: S101  recognised
            self._take(await self.adapter.look(self._web), now, events)
        except SourceError as error:
            self._failures += 1
            self._enter(error.state, error.reason, error.fix, events)
            told = [Sample(self._up, 0)] if self.state else []
            self._tell(self, Reading(now, self._pause_s(), told), events)
            return DENIED_S if error.state == health.DENIED else self._pause_s()
        except Exception as error:  # noqa: BLE001  an adapter's mistake is this server's failure, the others go on
            self._failures += 1
            log.error("servers", f"asking {self.name} failed", exc=error)
            self._enter(
                health.FAILED, f"{type(error).__name__}: {error}", "see the log; it is tried again", events
            )
            self._tell(self, Reading(now, self._pause_s(), [Sample(self._up, 0)]), events)
            return self._pause_s()
        self._failures = 0
        return INTERVAL_S

    def _glanced(self, look: Look, interval_s: float) -> None:
        at = look.at or self._clock.now()
        samples, _ = self.derivation.samples(look, at)
        self._tell(self, self._glances.reading(at, interval_s, samples), None)

    def _siblings(self) -> tuple[Endpoint, ...]:
        """Where else the same server listens: as a person said, else as its process shows."""
        if self.endpoint.metrics:
            return (self.endpoint._replace(port=self.endpoint.metrics, prefix=""),)
        return tuple(item for item in self.found.endpoints if item != self.endpoint) if self.found else ()

    def _pause_s(self) -> float:
        return BACKOFF_S[min(self._failures, len(BACKOFF_S)) - 1] if self._failures else INTERVAL_S

    async def _recognise(self, events: list[Occurrence]) -> bool:
        denied: SourceError | None = None
        for name in self._names:
            kind = kinds.load(name)
            try:
                version = await kind.identify(self._web)
            except SourceError as error:
                if error.state != health.DENIED:
                    raise
                denied = error
                continue
            if version is not None:
                self.adapter = self._making() if self._making is not None else kind.make()
                if self.adapter is None:
                    return False
                self.kind, self.version = kind, version
                if self._restart_told:
                    self._restart_told = False
                elif self.restarts:
                    events.append(self._event("server.restarted", version=version))
                else:
                    events.append(self._event("server.found", kind=kind.NAME, version=version))
                return True
        if denied is not None:
            if len(self._names) == 1:
                self.kind = kinds.load(self._names[0])
            raise denied
        raise SourceUnavailableError(_STRANGER, state=health.UNSUPPORTED, fix=_STRANGER_FIX)

    def _take(self, look: Look, now: Instant, events: list[Occurrence]) -> None:
        at = look.at or self._clock.now()
        samples, restarted = self.derivation.samples(look, at)
        if restarted:
            self.restarts += 1
            self.ahead = True
            events.append(self._event("server.restarted", version=self.version))
        if look.version is not None:
            self.version = look.version
        self._enter(look.state, look.reason, look.fix, events)
        if look.models is not None:
            self._take_models(look.models, at, events)
        self.requests = {
            item.key: (item, self.requests[item.key][1] if item.key in self.requests else at.time_ns)
            for item in look.requests
        }
        self.look, self.answered_ns = look, at.boottime_ns
        samples += (
            Sample(self._up, 1),
            Sample(self._duration, (self._clock.now().boottime_ns - now.boottime_ns) / NS_PER_S),
            Sample(self._restarts, self.restarts),
        )
        if self.models:
            loaded = sum(item.state in _PRESENT for item, _ in self.models.values())
            samples.append(Sample(self._loaded, loaded))
        if (quick := self._glances.between(at, samples)) is not None:
            self._tell(self, quick, None)
        self._tell(self, Reading(at, INTERVAL_S, samples), events)

    def _take_models(self, models: Sequence[ModelInfo], at: Instant, events: list[Occurrence]) -> None:
        before, first = self.models, not self.models
        self.models = {}
        for item in models:
            last = before.get(item.name)
            same = last is not None and last[0].state == item.state
            self.models[item.name] = item, last[1] if same and last is not None else at.time_ns
            was = last is not None and last[0].state in _PRESENT
            if item.state in _PRESENT and not was and not first:
                events.append(self._event("model.loaded", model=item.name))
            elif was and item.state not in _PRESENT:
                events.append(self._event("model.unloaded", model=item.name))
        events += [
            self._event("model.unloaded", model=name)
            for name, (item, _) in before.items()
            if name not in self.models and item.state in _PRESENT
        ]

    def _enter(self, state: str, reason: str, fix: str, events: list[Occurrence]) -> None:
        if self.kind is None and state != health.DENIED and not self._named:
            return  # a process that looked like a server and is none that we know
        if state != self.state:
            if self.state:
                events.append(self._event("server.state", before=self.state, after=state, reason=reason, fix=fix))
            self.since_ns = self._clock.now().time_ns
        self.state, self.reason, self.fix = state, reason, fix

    def _event(self, what: str, **payload: JsonValue) -> Occurrence:
        return Occurrence(what, ("server", self.name), payload, self._clock.now())

    def _kind_name(self) -> str:
        """What it is, or what the person who named it says that it is."""
        if self.kind is None and self._named and len(self._names) == 1:
            return kinds.load(self._names[0]).NAME
        return self.kind.NAME if self.kind is not None else ""

    def row(self, parent: str) -> Row:
        """Its row of the table ``servers``; ``parent``: endpoint of the server that it is a part of."""
        found = self.found
        look = self.look
        bounds = ",".join(f"{name}={low:g}:{high:g}" for name, (low, high) in self.derivation.bounds.items())
        return (
            self.name,
            self._kind_name(),
            self.version,
            self.state,
            self.reason,
            self.fix,
            self.since_ns,
            found.pid if found else None,
            found.start if found else None,
            found.container if found else "",
            "process" if found else "configured",
            ",".join(look.reads),
            "\n".join(f"{item.figure}: {item.fix}" for item in look.missing),
            ",".join(f"{old}={new}" for old, new in look.renamed),
            bounds,
            "",
            parent,
            "",
            "",
        )

    def model_rows(self) -> dict[str, Row]:
        """Its rows of the table ``models``."""
        return {
            f"{self.name}|{name}": (
                self.name, name, item.state, item.size, item.parameters, item.quantization, item.context,
                item.vram, item.ram, item.expires, since, item.detail,
            )
            for name, (item, since) in self.models.items()
        }  # fmt: skip

    def request_rows(self) -> dict[str, Row]:
        """Its rows of the table ``inference_requests``."""
        return {
            f"{self.name}|{key}": (
                self.name, item.model, item.slot, item.id, item.state, item.prompt, item.processed, item.cached,
                item.generated, item.context, item.progress, since, item.detail,
            )
            for key, (item, since) in self.requests.items()
        }  # fmt: skip
