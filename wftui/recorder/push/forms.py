"""What a pushed line of JSON may be, and what is made of it.

Native: ``{"source", "samples": [{"name", "value", "unit", "kind", "labels", "ago"}, …], "tokens": [{"do", "model",
"server", "count", "ago", "bits", "of", "top", "cost", "how"}, …]}``, one of the two at least. The metrics event:
``{"timestamp", "source", "type", "data": {…}, "tags": {…}, …}``; its compact form:
``{"ts", "kind", "fields": {…}, "ver"}``.
"""

from typing import Final

import msgspec

MAX_LINE: Final = 1 << 20
"""Bytes of a line."""
MAX_SAMPLES: Final = 20_000
"""Samples of a line: more would keep the loop for longer than a beat may wait."""
MAX_DEPTH: Final = 32
CAREFUL: Final = 64 << 10
"""A line up to this is taken apart sample by sample when something in it is wrong, a longer one refused whole."""
LARGEST: Final = 3e38
"""Nothing beyond ± this is recorded: rings of gauges are float32."""
AGO_NS: Final = 2_000_000_000
"""What says that it was taken no longer ago is believed: it is kept, and told, as of then."""
NO_LABELS: Final = msgspec.Raw(b"")


class Pushed(msgspec.Struct, gc=False):
    """One sample of the native form."""

    name: str
    value: float
    unit: str = ""
    kind: str = ""
    labels: msgspec.Raw = NO_LABELS
    """The JSON as it came: its bytes find the series without being understood again."""
    ago: float = 0.0
    """Seconds since it was taken."""


class Told(msgspec.Struct, gc=False):
    """Something that happened in a stream of tokens."""

    do: str
    """``prompt``, ``token`` or ``end``."""
    model: str = ""
    server: str = ""
    count: int = 1
    """Tokens that came together."""
    ago: float = 0.0
    """Seconds since it happened."""
    bits: float | None = None
    """Entropy of the last of them."""
    of: int | None = None
    """How many tokens that is over."""
    top: dict[str, float] | None = None
    """What the last of them might have been, to its probability. Whatever its keys say, nobody keeps them."""
    cost: float = 1.0
    """Of each of them, as who made it says; 1: plain."""
    how: str = ""
    """Of an end: how the answer ended; empty: it finished."""


class Line(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """All three forms; one of ``samples``, ``tokens``, ``data`` and ``fields`` is there."""

    source: str = ""
    samples: list[Pushed] | None = None
    tokens: list[Told] | None = None
    data: dict[str, float] | None = None
    fields: dict[str, float] | None = None
    tags: msgspec.Raw = NO_LABELS
    energy_visual: dict[str, float] | None = None
    frame_budget_used_ms: float | None = None
    timestamp: float | None = None
    """Unix ms."""
    ts: float | None = None
    # Understood and of no meaning here: everything is private to this machine and kept as the settings say.
    type: str | None = None
    kind: str | None = None
    window: str | float | None = None
    version: str | float | None = None
    ver: str | float | None = None
    privacy_level: str | None = None
    retention_policy: str | None = None


class Trouble(msgspec.Struct, frozen=True, gc=False):
    """A sample that could not be read."""

    index: int | None
    """Its place in ``samples``; None: it has none."""
    name: str
    reason: str


class Batch(msgspec.Struct, gc=False):
    """What a line says."""

    source: str
    time_ms: float | None
    """UTC, as its sender says; None: it does not."""
    samples: list[Pushed]
    """Of the native form."""
    data: dict[str, float]
    """Of an event: field to value."""
    tags: msgspec.Raw
    """Of an event: labels of all fields."""
    troubles: list[Trouble]
    indices: list[int] | None = None
    """Where each of ``samples`` stood; None: where it stands."""
    tokens: list[Told] | None = None
    """None: the line has none."""
    token_indices: list[int] | None = None
    """Where each of these stood; None: where it stands."""


class UnusableError(ValueError):
    """A line, a sample or a label cannot be recorded; says why. Its sender recovers: the reply tells it."""
