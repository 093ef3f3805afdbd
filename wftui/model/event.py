"""Events: immutable facts with an order of their own."""

import os
from typing import Any

import msgspec


class Event(msgspec.Struct, frozen=True):
    """Something that happened. ``seq`` orders events of one data dir; it is 0 until the journal has given it."""

    seq: int
    event_id: str
    """UUID version 7."""
    time_ns: int
    """UTC."""
    type: str
    """A key of ``names.EVENT_TYPES``."""
    aggregate_type: str
    """What it is about: recorder, source, view, process, series, store."""
    aggregate_id: str
    trace_id: str | None = None
    """W3C trace id (32 hex digits), when the event belongs to a trace."""
    span_id: str | None = None
    payload: dict[str, Any] = {}  # Any: JSON values, fixed by the event type
    metadata: dict[str, Any] = {}  # Any: JSON values about the record itself (version, pid)


def event_id(time_ns: int) -> str:
    """A UUID version 7 (RFC 9562): sorts by time. ``uuid`` has it from Python 3.14 on."""
    random = int.from_bytes(os.urandom(10), "big")
    value = (time_ns // 1_000_000 & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64
    value |= 0b10 << 62 | random & (1 << 62) - 1
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def event(
    time_ns: int,
    kind: str,
    about: tuple[str, str],
    payload: dict[str, Any] | None = None,  # Any: as in Event
    metadata: dict[str, Any] | None = None,  # Any: as in Event
) -> Event:
    """A new event, not yet in order. ``about`` is (aggregate_type, aggregate_id)."""
    return Event(
        0,
        event_id(time_ns),
        time_ns,
        kind,
        about[0],
        about[1],
        payload=payload or {},
        metadata=metadata or {},
    )
