"""What the process that reads a bundle tells the one that asked for it: typed, bounded, frame by frame.

A frame is 4 bytes of length (big-endian) and msgpack. Both ends check: the reader because it has a stranger's
bytes before it, the one that asked because the reader had.
"""

from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from wftui.bundle.format import Facts, LogLine, Manifest, TableLine
from wftui.bundle.limits import BLOCK_BYTES, LAYOUTS, ORDINAL
from wftui.model.event import Event
from wftui.model.sample import Column
from wftui.model.table import TableSchema

HEADER: Final = 4
Numbers: TypeAlias = Annotated[bytes, Meta(max_length=BLOCK_BYTES)]
"""int64 or float64 of this machine: both processes run on it."""


class Described(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """The first frame: what the manifest says."""

    manifest: Manifest


class Laid(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """A layout, before the first ticks that have it."""

    id: Annotated[int, Meta(ge=1, le=LAYOUTS)]
    columns: list[Column]


class Ticked(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """Successive ticks."""

    layout: int
    seq: Numbers
    """int64, as the next three."""
    time_s: Numbers
    boottime_ns: Numbers
    boot: Numbers
    values: Numbers
    """float64, little-endian, tick by tick, as wide as the layout."""


class Stepped(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """Steps of one length."""

    step_s: int
    columns: list[Column]
    seq: Numbers
    """int64, as the next two."""
    time_s: Numbers
    ticks: Numbers
    statistics: dict[str, Numbers]
    """float64, column by column."""


class Changed(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """Changes of one table, in order."""

    schema: TableSchema
    lines: list[TableLine]


class Happened(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """Events, in order."""

    events: list[Event]


class Sampled(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """Full-rate samples of one series around a mark or an alert."""

    tick: Annotated[int, Meta(ge=1, lt=ORDINAL)]
    event_id: str
    column: Column
    time_ns: Numbers
    """int64, ascending."""
    values: Numbers
    """float64."""


class Stated(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """The members of JSON, and wftop's own log."""

    facts: Facts
    log: list[LogLine]


class Wrong(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """Something is not as it should be."""

    reason: str


class Done(msgspec.Struct, tag=True, array_like=True, frozen=True):
    """The last frame of what was read to its end."""

    ticks: Annotated[int, Meta(ge=0, lt=ORDINAL)]


Frame: TypeAlias = Described | Laid | Ticked | Stepped | Changed | Happened | Sampled | Stated | Wrong | Done

_encode: Final = msgspec.msgpack.Encoder().encode
_decoder: Final = msgspec.msgpack.Decoder(Frame)


def encode(frame: Frame) -> bytes:
    """A frame with its length before it."""
    body = _encode(frame)
    return len(body).to_bytes(HEADER, "big") + body


def decode(body: bytes) -> Frame:
    """The frame of a body.

    Raises:
        msgspec.MsgspecError: It is none.
    """
    found: Frame = _decoder.decode(body)
    return found
