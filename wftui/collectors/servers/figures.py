"""What a look at a server brings: its figures as it counts them, its models, its requests, its state.

Adapters say what a server says; ``derive`` makes rates, quantiles and restarts of it, the same for all of them.
"""

from collections.abc import Sequence
from math import isfinite
from typing import Annotated, Final

import msgspec

from wftui import text
from wftui.clock import Instant
from wftui.model import health
from wftui.model.sample import DERIVED, MEASURED
from wftui.model.series import MAX_VALUE

Whole = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
"""A whole number in a JSON answer: Python's have no end, a table's cell has."""

WHOLE: Final = ""
"""The model of a figure that its server gives for all of its models together."""


class Key(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """Which series a figure belongs to."""

    metric: str
    """Of the catalogue."""
    model: str = WHOLE
    mode: str = ""
    quality: str = MEASURED
    call: str = ""
    """Where it was read: path and name on the page, ``/metrics vllm:num_requests_running``."""


class Histogram(msgspec.Struct, frozen=True):
    """A cumulative histogram since the server started."""

    bounds: tuple[float, ...]
    """Upper bounds, ascending, the last is infinite; in seconds."""
    counts: Sequence[float]
    """Observations at or below each bound; an array where many are kept."""
    total: float
    """Sum of all observations; NaN: not told."""

    @property
    def count(self) -> float:
        """All observations."""
        return self.counts[-1]


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a server says of one of its models; None: no word. Fields as in ``wftui.model.servers.MODELS``."""

    name: str
    state: str = "loaded"
    size: float | None = None
    parameters: float | None = None
    quantization: str = ""
    context: int | None = None
    vram: float | None = None
    ram: float | None = None
    expires: int | None = None
    detail: str = ""


class RequestInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A request under way; None: no word. Fields as in ``wftui.model.servers.REQUESTS``."""

    key: str
    """Unique within its server."""
    model: str = WHOLE
    slot: int | None = None
    id: str = ""
    state: str = "running"
    prompt: int | None = None
    processed: int | None = None
    cached: int | None = None
    generated: int | None = None
    context: int | None = None
    progress: float | None = None
    detail: str = ""


class Missing(msgspec.Struct, frozen=True):
    """A figure that this server does not give, and what would bring it."""

    figure: str
    """In a person's words: ``tokens``, ``time to first token``."""
    fix: str
    """The exact flag or setting; empty: nothing would."""


class Look(msgspec.Struct, kw_only=True):
    """One look at a server. An adapter fills one in each round."""

    gauges: dict[Key, float] = {}
    counters: dict[Key, float] = {}
    """Cumulative since the server (or its model) started. A smaller value than before is a reset."""
    histograms: dict[Key, Histogram] = {}
    reloaded: frozenset[str] = frozenset()
    """Models that were loaded anew since the look before: their counters start again, the server goes on."""
    live: dict[Key, float] = {}
    """Rates that the adapter knows better than the difference of a counter does (``inference.tokens.rate``)."""
    coarse: frozenset[Key] = frozenset()
    """Counters printed with too few digits, or stepping only when a request ends: no rate is made of them."""
    at: Instant | None = None
    """When the reply arrived that holds the counters (``Answer.at``); None: when the look was done."""
    models: tuple[ModelInfo, ...] | None = None
    """None: not asked this time, what was known stays."""
    requests: tuple[RequestInfo, ...] = ()
    state: str = health.OK
    reason: str = ""
    fix: str = ""
    version: str | None = None
    """None: not asked this time."""
    birth: str = ""
    """Something that is another one after a restart (a start time it tells); empty: it tells none."""
    reads: tuple[str, ...] = ()
    """Paths that brought something."""
    part: bool = False
    """Another server of the same kind counts its figures, too (a worker behind a frontend): once in a total."""
    missing: tuple[Missing, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    """(name on the page, name today) of what was read under an older name."""


def gauge(metric: str, model: str = WHOLE, mode: str = "", *, call: str, derived: bool = False) -> Key:
    """The key of a figure that is no counter."""
    return Key(metric, model, mode, DERIVED if derived else MEASURED, call)


def whole(value: float | None) -> int | None:
    """A figure as a count of things; None: it is none."""
    return int(value) if value is not None and isfinite(value) else None


def named(said: str) -> str:
    """A name that a server says, as a label may hold it: printable, at most ``MAX_VALUE`` bytes."""
    cleaned = text.clean(said, MAX_VALUE)
    if len(cleaned.encode()) <= MAX_VALUE:
        return cleaned
    return cleaned.encode()[: MAX_VALUE - 3].decode("utf-8", "ignore") + text.ELLIPSIS
