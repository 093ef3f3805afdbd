"""Messages by which a person does something: to a process, a source, an alert, what is stored, wftop itself."""

import msgspec

from wftui.wire.base import Message


class Mark(Message, frozen=True):
    """Set a named mark; the full-rate samples around it are stored while the rings still have them."""

    time_ns: int
    name: str


class SetSource(Message, frozen=True):
    """Switch a source, or a group of metrics, off or on, at once and for good."""

    name: str
    """Of a source, or ``group:<group>``."""
    on: bool


class Acknowledge(Message, frozen=True):
    """Somebody looks after an alert that fires."""

    alert: str
    """Its key: ``rule.gpu-hot{gpu="…"}``."""
    by: str = ""
    note: str = ""


class ResolveAlert(Message, frozen=True):
    """An alert is over because a person says so; while its condition holds it fires again."""

    alert: str
    by: str = ""
    note: str = ""


class SetSilence(Message, frozen=True):
    """Tell nobody of some alerts for a while. Answered by ``SilenceReply``."""

    matchers: list[str]
    """``key=value`` (alert, rule, severity, category or a label), or the key of an alert: all of them must fit."""
    duration_ns: int
    by: str = ""
    reason: str = ""


class SilenceReply(Message, frozen=True):
    """Answer to ``SetSilence``."""

    id: str


class EndSilence(Message, frozen=True):
    """Tell of them again."""

    id: str
    by: str = ""


class SetQuality(Message, frozen=True):
    """Hold a level of wftop's own quality, whatever alerts ask for."""

    level: int | None
    """1 (least) to 5 (everything); None: leave it to the alerts again."""
    duration_ns: int = 0
    """0: until it is left to the alerts."""
    by: str = ""


class Purge(Message, frozen=True):
    """Delete from the journal, for good. Neither a time nor patterns: everything."""

    before_ns: int | None = None
    """What is older than this (UTC); a second that had begun before it goes whole."""
    patterns: list[str] = msgspec.field(default_factory=list)
    """These series only."""
    segments: int = 0
    """Files that the asker has deleted or rewritten already: for the event."""


class PurgeReply(Message, frozen=True):
    """Answer to ``Purge``: what went."""

    ticks: int
    """Deleted, or rewritten without some series."""
    changes: int
    """Of tables."""
    events: int
    bursts: int
    series: int
    wiped: bool
    """False: somebody was reading, so the bytes stay in the file until its WAL can be emptied."""


class Signal(Message, frozen=True):
    """Send a signal to a process, if it is still the same one."""

    pid: int
    start_time: int
    """As in the process table: clock ticks after boot."""
    number: int


class Inspect(Message, frozen=True):
    """Look closer at one process, if it is still the same one."""

    pid: int
    start_time: int


class InspectReply(Message, frozen=True):
    """Answer to ``Inspect``; None where it is not known."""

    files: int | None
    """Open ones, sockets and pipes among them."""
    sockets: int | None
    files_limit: int | None
    nice: int | None
    cgroup: str
    """Path in the unified hierarchy; empty: none."""
    reason: str = ""
    """Why ``files`` is None."""


class Renice(Message, frozen=True):
    """Change the niceness of a process and all its threads, if it is still the same one."""

    pid: int
    start_time: int
    nice: int
