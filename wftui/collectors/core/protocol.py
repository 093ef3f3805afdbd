"""The events of a WIRTHFORGE core (WF-TECH-003): bytes of one message to a value, or why it is none.

Nothing of what a model said outlives a call: tokens are counted as they stand in the message, never made into
texts; of a session only a keyed hash is kept, and of an error no message, which may quote a prompt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec

from wftui import text
from wftui.energy.unnamed import unnamed

NAN: Final = float("nan")
LIMIT: Final = 1024 * 1024
"""Bytes of an event."""
MALFORMED: Final = "malformed"
UNKNOWN: Final = "unknown"
OVERSIZED: Final = "oversized"
SHED: Final = "shed"
"""Not read, because more came than is read."""
REFUSALS: Final = (MALFORMED, UNKNOWN, OVERSIZED, SHED)

STARTUP: Final = "startup_complete"
ENERGY: Final = "energy_update"
FIELD: Final = "energy_field"
TOKENS: Final = "token_stream"
INTERFERENCE: Final = "interference_event"
RESONANCE: Final = "resonance_event"
REWARD: Final = "reward_event"
HEARTBEAT: Final = "heartbeat"
ERROR: Final = "error_event"
TYPES: Final = (STARTUP, ENERGY, FIELD, TOKENS, INTERFERENCE, RESONANCE, REWARD, HEARTBEAT, ERROR)
ANSWER: Final = b'{"type":"heartbeat_response"}'
"""What a client says to a heartbeat."""

MOST_TOKENS: Final = 10_000
_NAME: Final = 128
_TITLE: Final = 100
"""Of this process: nobody can tell from a hash which session it was, nor compare two recordings."""


class Startup(NamedTuple):
    """The core has started, or tells who it is."""

    at_ms: float
    """Unix ms, by the core's clock, of this event and the others."""
    model: str
    tier: str
    version: str
    capabilities: tuple[str, ...]
    frame_rate: float


class Energy(NamedTuple):
    """A frame, of one model."""

    at_ms: float
    frame: int | None
    """Its number; None: not told."""
    total: float
    """Energy as the core states it: 0 or more."""
    delta: float
    tokens: int
    """Of this frame."""
    took_s: float
    model: str


class Field(NamedTuple):
    """What the core draws."""

    at_ms: float
    frame: int | None
    kind: str
    """lightning, stream, interference or resonance."""
    intensity: float
    """0 to 1."""
    model: str


class Tokens(NamedTuple):
    """Tokens of an answer, in the number only."""

    at_ms: float
    tokens: int
    complete: bool
    """Whether the answer ended."""
    session: bytes
    """Keyed hash."""
    model: str
    cost: float
    """Of each of them (``energyCost`` of all by their number); NaN: not told."""


class Interference(NamedTuple):
    """Models that speak at once, seen together."""

    at_ms: float
    frame: int | None
    kind: str
    """constructive, destructive or neutral."""
    models: tuple[str, ...]
    intensity: float
    coherence: float


class Resonance(NamedTuple):
    """Models in step."""

    at_ms: float
    frame: int | None
    kind: str
    """harmonic, fundamental or overtone."""
    models: tuple[str, ...]
    frequency_hz: float
    amplitude: float


class Reward(NamedTuple):
    """What the core's person was given."""

    at_ms: float
    kind: str
    """achievement, milestone, feedback or level_up."""
    title: str
    points: float
    level: int | None


class Heartbeat(NamedTuple):
    """The core lives."""

    at_ms: float
    sequence: int
    frame_rate: float
    """As the core counts it; NaN: not told."""


class Trouble(NamedTuple):
    """An error the core tells. Its message is not read."""

    at_ms: float
    severity: str
    """info, warning, error or critical."""
    code: str
    component: str
    recoverable: bool | None


class Refusal(NamedTuple):
    """No event."""

    why: str
    """One of ``REFUSALS``."""
    detail: str
    """For a person: which field, what was expected. Holds nothing of the message but names of fields."""


Event = Startup | Energy | Field | Tokens | Interference | Resonance | Reward | Heartbeat | Trouble


# ---- as it stands in a message

_Ms = Annotated[float, msgspec.Meta(ge=0, le=1e15)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Amount = Annotated[float, msgspec.Meta(ge=0, le=1e12)]
_Any = Annotated[float, msgspec.Meta(ge=-1e12, le=1e12)]
_Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=_NAME)]
_Models = Annotated[list[_Text], msgspec.Meta(min_length=2, max_length=64)]


class _Startup(msgspec.Struct):
    model: _Text
    tier: Literal["Low-Tier", "Mid-Tier", "High-Tier"]
    version: _Text
    frame_rate: Annotated[float, msgspec.Meta(gt=0, le=1000)] = msgspec.field(name="frameRate", default=60.0)
    capabilities: Annotated[list[_Text], msgspec.Meta(max_length=32)] = []


class _Energy(msgspec.Struct):
    total: _Amount = msgspec.field(name="totalEnergy")
    took_ms: Annotated[float, msgspec.Meta(ge=0, le=60_000)] = msgspec.field(name="processingTime")
    model: _Text = msgspec.field(name="modelId")
    delta: _Any = msgspec.field(name="deltaEnergy")
    tokens: Annotated[int, msgspec.Meta(ge=0, le=MOST_TOKENS)] = msgspec.field(name="tokensGenerated")


class _Field(msgspec.Struct):
    kind: Literal["lightning", "stream", "interference", "resonance"] = msgspec.field(name="fieldType")
    intensity: _Share
    model: _Text = msgspec.field(name="modelId")


class _Tokens(msgspec.Struct):
    tokens: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MOST_TOKENS)]
    complete: bool = msgspec.field(name="isComplete")
    session: msgspec.Raw = msgspec.field(name="sessionId")
    model: _Text = msgspec.field(name="modelId")
    cost: _Amount | None = msgspec.field(name="energyCost", default=None)


class _Interference(msgspec.Struct):
    kind: Literal["constructive", "destructive", "neutral"] = msgspec.field(name="patternType")
    models: _Models
    intensity: _Share
    coherence: _Share = msgspec.field(name="coherenceScore")


class _Resonance(msgspec.Struct):
    kind: Literal["harmonic", "fundamental", "overtone"] = msgspec.field(name="resonanceType")
    models: _Models = msgspec.field(name="participants")
    frequency: Annotated[float, msgspec.Meta(ge=0, le=1e9)]
    amplitude: _Share


class _Reward(msgspec.Struct):
    kind: Literal["achievement", "milestone", "feedback", "level_up"] = msgspec.field(name="rewardType")
    title: Annotated[str, msgspec.Meta(max_length=1000)]
    points: Annotated[float, msgspec.Meta(ge=0, le=1e9)]
    level: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None


class _Heartbeat(msgspec.Struct):
    sequence: _Number
    frame_rate: Annotated[float, msgspec.Meta(ge=0, le=1e6)] | None = msgspec.field(name="frameRate", default=None)


class _Trouble(msgspec.Struct):
    severity: Literal["info", "warning", "error", "critical"]
    code: Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9_]{1,64}$")]
    component: Literal["orchestrator", "decipher", "websocket", "model", "ui"] = "orchestrator"
    recoverable: bool | None = None


class _Head(msgspec.Struct):
    type: str
    payload: msgspec.Raw
    timestamp: _Ms = NAN
    frame: _Number | None = msgspec.field(name="frameNumber", default=None)


def _startup(head: _Head, said: _Startup) -> Startup:
    names = tuple(text.clean(item, 32) for item in said.capabilities)
    return Startup(
        head.timestamp, _name(said.model), said.tier, text.clean(said.version, 32), names, said.frame_rate
    )


def _energy(head: _Head, said: _Energy) -> Energy:
    return Energy(
        head.timestamp, head.frame, said.total, said.delta, said.tokens, said.took_ms / 1000.0, _name(said.model)
    )


def _field(head: _Head, said: _Field) -> Field:
    return Field(head.timestamp, head.frame, said.kind, said.intensity, _name(said.model))


def _tokens(head: _Head, said: _Tokens) -> Tokens | Refusal:
    for item in said.tokens:
        if memoryview(item)[0] != 0x22:  # a quotation mark
            return Refusal(MALFORMED, "tokens: expected texts")
    session = memoryview(said.session)
    if session[0] != 0x22 or len(session) > 4096:
        return Refusal(MALFORMED, "sessionId: expected a text")
    count = len(said.tokens)
    cost = NAN if said.cost is None or not count else said.cost / count
    return Tokens(head.timestamp, count, said.complete, unnamed(session), _name(said.model), cost)


def _interference(head: _Head, said: _Interference) -> Interference:
    models = tuple(map(_name, said.models))
    return Interference(head.timestamp, head.frame, said.kind, models, said.intensity, said.coherence)


def _resonance(head: _Head, said: _Resonance) -> Resonance:
    models = tuple(map(_name, said.models))
    return Resonance(head.timestamp, head.frame, said.kind, models, said.frequency, said.amplitude)


def _reward(head: _Head, said: _Reward) -> Reward:
    return Reward(head.timestamp, said.kind, text.clean(said.title, _TITLE), said.points, said.level)


def _heartbeat(head: _Head, said: _Heartbeat) -> Heartbeat:
    return Heartbeat(head.timestamp, said.sequence, NAN if said.frame_rate is None else said.frame_rate)


def _trouble(head: _Head, said: _Trouble) -> Trouble:
    return Trouble(head.timestamp, said.severity, said.code, said.component, said.recoverable)


# Any: each decoder gives the struct that its maker takes.
_KINDS: Final[dict[str, tuple[msgspec.json.Decoder[Any], Callable[[_Head, Any], Event | Refusal]]]] = {
    STARTUP: (msgspec.json.Decoder(_Startup), _startup),
    ENERGY: (msgspec.json.Decoder(_Energy), _energy),
    FIELD: (msgspec.json.Decoder(_Field), _field),
    TOKENS: (msgspec.json.Decoder(_Tokens), _tokens),
    INTERFERENCE: (msgspec.json.Decoder(_Interference), _interference),
    RESONANCE: (msgspec.json.Decoder(_Resonance), _resonance),
    REWARD: (msgspec.json.Decoder(_Reward), _reward),
    HEARTBEAT: (msgspec.json.Decoder(_Heartbeat), _heartbeat),
    ERROR: (msgspec.json.Decoder(_Trouble), _trouble),
}
_HEAD: Final = msgspec.json.Decoder(_Head)
_NAMES: Final[dict[str, str]] = {}
"""Names of models as they came to as they are shown: cleaning costs more than all else of a frame."""


def _name(model: str) -> str:
    found = _NAMES.get(model)
    if found is None:
        if len(_NAMES) >= 256:
            _NAMES.clear()
        found = _NAMES[model] = text.clean(model, _NAME)
    return found


def parse(data: bytes) -> Event | Refusal:
    """What a message says.

    Args:
        data: One text message, UTF-8.

    Returns:
        The event, its fields within their bounds; else why it is none. Never raises.
    """
    if len(data) > LIMIT:
        return Refusal(OVERSIZED, f"longer than {LIMIT >> 20} MiB")
    try:
        head = _HEAD.decode(data)
        kind = _KINDS.get(head.type)
        if kind is None:
            return Refusal(UNKNOWN, f"type {text.clean(head.type, 32)!r}")
        decoder, make = kind
        return make(head, decoder.decode(head.payload))
    except msgspec.ValidationError as error:
        # It names the field and what was expected; of values it quotes those that are none of a choice.
        return Refusal(MALFORMED, _wanted(str(error)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        return Refusal(MALFORMED, f"no JSON of an event ({type(error).__name__})")


def _wanted(words: str) -> str:
    field = words.rpartition(" - at `$")[2].rstrip("`") if " - at `$" in words else ""
    what = words.partition(" - at `$")[0]
    if what.startswith("Invalid enum value"):
        what = "not one of the values there are"
    return text.clean(f"{field.lstrip('.')}: {what}" if field else what, 120)
