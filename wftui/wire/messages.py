"""Every message of the wire, version 1.

A frame is a 4-byte big-endian length and a msgpack array ``[type, id, body]``; ``type`` is the message's tag
below, ``id`` pairs a reply with its request (0: no reply is awaited), ``body`` a map of the fields. Unknown
fields are ignored, so fields may be added; a change of meaning is a new major version.
"""

from typing import Final

import msgspec

from wftui.model.event import Event
from wftui.model.health import Health
from wftui.model.sample import Column
from wftui.model.table import TableChange, TableSchema
from wftui.model.why import Answer
from wftui.wire.base import Message
from wftui.wire.orders import (
    Acknowledge,
    EndSilence,
    Inspect,
    InspectReply,
    Mark,
    Purge,
    PurgeReply,
    Renice,
    ResolveAlert,
    SetQuality,
    SetSilence,
    SetSource,
    Signal,
    SilenceReply,
)
from wftui.wire.recording import Recording
from wftui.wire.reports import Frames, Picture, Report
from wftui.wire.rules import (
    ChangeRule,
    ChangeRuleReply,
    NewNumber,
    PreviewRule,
    ReplayRules,
    ReplayRulesReply,
    RuleNumbers,
    RuleNumbersReply,
)

__all__ = [
    "Acknowledge",
    "ChangeRule",
    "ChangeRuleReply",
    "EndSilence",
    "Frames",
    "Inspect",
    "InspectReply",
    "Mark",
    "Message",
    "NewNumber",
    "Picture",
    "PreviewRule",
    "Purge",
    "PurgeReply",
    "Recording",
    "Renice",
    "ReplayRules",
    "ReplayRulesReply",
    "Report",
    "ResolveAlert",
    "RuleNumbers",
    "RuleNumbersReply",
    "SetQuality",
    "SetSilence",
    "SetSource",
    "Signal",
    "SilenceReply",
]

VERSION: Final = (1, 0)
"""(major, minor): another major is refused with one clear error."""
MAX_FRAME: Final = 8 * 1024 * 1024
"""Bytes of one frame's msgpack part."""


# ---- greeting


class Hello(Message, frozen=True):
    """First in both directions."""

    version: tuple[int, int]
    role: str
    """``view``, ``query`` (asks and leaves), ``recorder``, ``replay`` (of a bundle)."""
    program: str = ""
    """wftop's own version."""
    pid: int = 0
    session: int = 0
    """Recorder: number of its session in the data dir; 0 in memory-only mode."""
    mode: str = ""
    """Recorder: ``record`` (by `wftop record`) or ``view`` (started by a view, ends after the last one)."""
    boot_id: str = ""
    started_ns: int = 0
    data_dir: str = ""
    hostname: str = ""
    terminal: str = ""
    """View: its terminal, ``200x50 xterm-256color``; shown to a person only."""
    demo: bool = False
    """Recorder: it records a script, not this machine; ``hostname`` is ``demo`` then."""
    recording: Recording | None = None
    """A replay's: what it is of. None: something is recorded here now."""


class Error(Message, frozen=True):
    """The request could not be answered."""

    code: str
    """``version``, ``bad-request``, ``too-large``, ``deadline``, ``refused``, ``gone``, ``internal``."""
    message: str
    """One line that names the thing, the place and what was expected."""


class Ok(Message, frozen=True):
    """The request was carried out and has nothing to tell."""


class Goodbye(Message, frozen=True):
    """The recorder is about to close the connection."""

    reason: str
    """``handover`` (another takes over: reconnect), ``stopped``, ``idle``."""


# ---- the feed


class Subscribe(Message, frozen=True):
    """Start (or replace) this connection's feed. Answered by ``Ok``, then a Layout and what follows."""

    selectors: list[str]
    """Series patterns; ``*`` is everything."""
    rate_hz: float = 1.0
    """1: closed ticks. More: besides the ticks, ``Samples`` of the named series at most this often."""
    tables: list[str] = msgspec.field(default_factory=lambda: ["*"])
    """Table names; empty: none."""
    sources: list[str] = msgspec.field(default_factory=lambda: ["*"])
    """Sources whose ``Samples`` are wanted; ``*``: all. One that is named is looked at closely: what of it moves
    within a second and is cheap is asked for as often as ``rate_hz`` says."""


class LayoutChanged(Message, frozen=True):
    """Meaning of the values that follow. Ids are local to the connection.

    Who follows a source at full rate is told within the second when it has new series; values that are known of
    the others go on until the next tick.
    """

    id: int
    columns: list[Column]


class TickArrived(Message, frozen=True):
    """One closed second of the subscribed series.

    In a recorder's first second a tick may tell what there is so far; the closed one has the same ``seq`` then
    and replaces it.
    """

    seq: int
    time_s: int
    boottime_ns: int
    boot: int
    layout: int
    values: bytes
    """float64 little-endian, one per column of the layout; NaN = no value."""


class Samples(Message, frozen=True):
    """Full-rate samples since the last such message."""

    layout: int
    time_ns: list[int]
    places: list[int]
    """Place in the layout, one per time."""
    values: bytes
    """float64 little-endian, one per time."""


class TableArrived(Message, frozen=True):
    """A change of a table; the first one of a feed is a keyframe and carries the schema."""

    change: TableChange
    schema: TableSchema | None = None


class EventArrived(Message, frozen=True):
    """An event as it happens."""

    event: Event


class HealthArrived(Message, frozen=True):
    """Health of all sources; sent when a state changes, and each 5 s."""

    sources: list[Health]


class Dropped(Message, frozen=True):
    """This reader was too slow: that many messages were dropped before this one. State is latest-wins;
    events are to be asked for again by sequence number."""

    count: int
    last_event_seq: int = 0


# ---- questions


class Range(Message, frozen=True):
    """min/mean/max per bucket of the named series over [since, until)."""

    selectors: list[str]
    since_ns: int
    until_ns: int
    points: int
    """Buckets wanted, 1..10,000; the answer may have fewer, never more."""


class RangeSeries(msgspec.Struct, frozen=True):
    """One series of an answer. Counters come as rates per second, never across a reset or a gap."""

    column: Column
    minimum: bytes
    """float64 little-endian, one per bucket; NaN = gap."""
    mean: bytes
    maximum: bytes


class RangeReply(Message, frozen=True):
    """Answer to ``Range``: bucket k covers [start_ns + k*step_ns, start_ns + (k+1)*step_ns)."""

    start_ns: int
    step_ns: int
    points: int
    counts: list[int]
    """Ticks that fell into each bucket; 0 = gap."""
    series: list[RangeSeries]
    level_s: int = 1
    """Seconds of one row of the data that it was made from: 1, 10 or 300."""


class At(Message, frozen=True):
    """The whole state at one moment."""

    time_ns: int
    seq: int | None = None
    """That tick and no other, when the asker knows it: both passes of a repeated hour are reached by it."""


class AtReply(Message, frozen=True):
    """Answer to ``At``: the last tick that covers that second, and the tables then."""

    tick: TickArrived | None
    """None: a gap, or before the recording began."""
    layout: LayoutChanged | None
    tables: list[TableArrived]
    """Keyframes."""
    previous_s: int | None = None
    """In a gap: the last second before it that has a tick."""
    next_s: int | None = None
    before: TickArrived | None = None
    """The tick before it, under the same layout, when nothing lies between: rates of counters need it."""


class Events(Message, frozen=True):
    """Events in order of their sequence numbers."""

    after_seq: int = 0
    since_ns: int | None = None
    until_ns: int | None = None
    types: list[str] = msgspec.field(default_factory=list)
    """Event types, fnmatch; empty: all."""
    limit: int = 1000
    newest: bool = False
    """True: the newest ``limit`` of them (still in ascending order) instead of the first."""


class EventsReply(Message, frozen=True):
    """Answer to ``Events``."""

    events: list[Event]
    more: bool


class Tables(Message, frozen=True):
    """Changes of one table over [since, until): the keyframe before it first."""

    name: str
    since_ns: int
    until_ns: int
    keys: list[str] = msgspec.field(default_factory=list)
    """Only these rows, every change keeping its time; empty: all of them."""


class TablesReply(Message, frozen=True):
    """Answer to ``Tables``."""

    schema: TableSchema | None
    changes: list[TableChange]


class Windows(Message, frozen=True):
    """Rolling statistics of the named series, now."""

    selectors: list[str]


class WindowStats(msgspec.Struct, frozen=True):
    """Statistics of one series over the last ``span_s`` seconds of full-rate samples."""

    series: str
    span_s: float
    count: int
    minimum: float
    maximum: float
    mean: float
    last: float


class WindowsReply(Message, frozen=True):
    """Answer to ``Windows``: 1 s, 10 s and 5 min of each series that has samples there."""

    stats: list[WindowStats]


class Catalogue(Message, frozen=True):
    """What there is to ask for."""


class CatalogueReply(Message, frozen=True):
    """Answer to ``Catalogue``."""

    columns: list[Column]
    """Every series that is stored, in the journal or sealed, ascending by text."""
    tables: list[TableSchema]
    first_ns: int | None = None
    """UTC: where the recording begins; None: nothing is stored."""
    last_ns: int | None = None


class Compare(Message, frozen=True):
    """Two ranges [since, until) of time side by side."""

    selectors: list[str]
    a_since_ns: int
    a_until_ns: int
    b_since_ns: int
    b_until_ns: int


class RangeStats(msgspec.Struct, frozen=True):
    """Statistics of one series over one range; counters as rates per second."""

    count: int
    """Values: ticks, or steps of a coarser level."""
    mean: float
    minimum: float
    maximum: float
    p50: float
    p95: float
    deviation: float
    """Standard deviation; NaN below two values."""


class Difference(msgspec.Struct, frozen=True):
    """One series in two ranges."""

    column: Column
    a: RangeStats | None
    """None: no value in that range."""
    b: RangeStats | None
    noise: float
    """Half width of the 95 % band of b.mean - a.mean, from batch means, so that neighbouring seconds that resemble
    each other do not count as many; NaN when there are too few values. A difference inside it is noise."""


class CompareReply(Message, frozen=True):
    """Answer to ``Compare``, ascending by series."""

    series: list[Difference]
    a_level_s: int = 1
    """Seconds of one value in a: 1, 10 or 300. Percentiles of means hide what lies inside a step."""
    b_level_s: int = 1


class Why(Message, frozen=True):
    """What was different around a moment from the time before. Answered by ``WhyReply``."""

    at_ns: int
    window_s: int = 60
    """Around the moment."""
    before_s: int = 600
    """Before the window."""


class WhyReply(Message, frozen=True):
    """Answer to ``Why``."""

    answer: Answer


# ---- how things are


class Status(Message, frozen=True):
    """How the recorder is."""


class StatusReply(Message, frozen=True):
    """Answer to ``Status``."""

    pid: int
    mode: str
    session: int
    program: str
    started_ns: int
    ticks: int
    """Closed in this session."""
    series: int
    views: int
    cpu_utilization: float | None
    """Of the recorder over the last 10 s; 1 = one core."""
    memory_bytes: int | None
    store: Health
    store_bytes: int | None
    sources: list[Health]
    data_dir: str
    socket: str
    segments_bytes: int | None = None
    """Everything sealed, with history.duckdb; None: not known."""
    sealed_seq: int = 0


class Retire(Message, frozen=True):
    """Another recorder wants to take over: flush, let go of the data dir, end."""

    pid: int


MESSAGES: Final[dict[str, type[Message]]] = {
    "hello": Hello,
    "error": Error,
    "ok": Ok,
    "goodbye": Goodbye,
    "subscribe": Subscribe,
    "layout": LayoutChanged,
    "tick": TickArrived,
    "samples": Samples,
    "table": TableArrived,
    "event": EventArrived,
    "health": HealthArrived,
    "dropped": Dropped,
    "range": Range,
    "range-reply": RangeReply,
    "at": At,
    "at-reply": AtReply,
    "events": Events,
    "events-reply": EventsReply,
    "tables": Tables,
    "tables-reply": TablesReply,
    "windows": Windows,
    "windows-reply": WindowsReply,
    "catalogue": Catalogue,
    "catalogue-reply": CatalogueReply,
    "compare": Compare,
    "compare-reply": CompareReply,
    "why": Why,
    "why-reply": WhyReply,
    "mark": Mark,
    "set-source": SetSource,
    "acknowledge": Acknowledge,
    "resolve-alert": ResolveAlert,
    "set-silence": SetSilence,
    "silence-reply": SilenceReply,
    "end-silence": EndSilence,
    "set-quality": SetQuality,
    "rule-numbers": RuleNumbers,
    "rule-numbers-reply": RuleNumbersReply,
    "preview-rule": PreviewRule,
    "replay-rules": ReplayRules,
    "replay-rules-reply": ReplayRulesReply,
    "change-rule": ChangeRule,
    "change-rule-reply": ChangeRuleReply,
    "purge": Purge,
    "purge-reply": PurgeReply,
    "status": Status,
    "status-reply": StatusReply,
    "signal": Signal,
    "inspect": Inspect,
    "inspect-reply": InspectReply,
    "renice": Renice,
    "report": Report,
    "retire": Retire,
}
"""Tag to message."""

TAGS: Final[dict[type[Message], str]] = {kind: tag for tag, kind in MESSAGES.items()}
