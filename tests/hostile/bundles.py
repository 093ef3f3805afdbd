"""Bundles made by hand: a sound one with a member of each kind, and zips with every field in the test's hands."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from tests.recording import BYTES, CPU, PEAK, START_S, S, mount
from wftui.bundle import format as form
from wftui.bundle.format import (
    BurstLine,
    Consent,
    Gaps,
    GapSpan,
    Inventory,
    LogLine,
    Manifest,
    Member,
    Origin,
    Redacted,
    RuleInForce,
    ServerFact,
    SettingInForce,
    SourcesHealth,
    Steps,
    TableHead,
    TableLine,
    Ticks,
)
from wftui.bundle.packed import pack, whole
from wftui.model.event import Event
from wftui.model.health import Health
from wftui.model.processes import PROCESSES
from wftui.model.table import Row, TableChange, TableColumn, TableSchema

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
TICKS = 20
COLUMNS = (CPU, PEAK, BYTES, mount("/data"))
Edit = Callable[[Any], Any]
"""JSON in, JSON out."""
_json = msgspec.json.encode
OTHER = TableSchema("things", (TableColumn("thing.name", "", "text"), TableColumn("thing.size", "By", "gauge")))
"""A table that this wftop does not know."""


def row(pid: int, name: str = "python") -> Row:
    """Of the process table."""
    return (pid, 5, 1, "user-1", name, "python train.py", "R", 0.5, 2**30, 4, None, None, START_S * S, "job")


def lines(items: Sequence[object]) -> bytes:
    """JSON lines."""
    return b"".join(_json(item) + b"\n" for item in items)


def ticks(count: int = TICKS, first: int = 101, layout: int = 1) -> Ticks:
    """One second after the other."""
    values = [np.arange(count) / 50, np.full(count, np.nan), np.arange(count) * 1024.0, np.full(count, 4096.0)]
    numbers = range(first, first + count)
    return Ticks(
        layout,
        list(COLUMNS),
        whole(list(numbers)),
        whole([START_S + number - 101 for number in numbers]),
        whole([number * S for number in numbers]),
        whole([1] * count),
        [pack(item) for item in values],
    )


def happened(seq: int, text: str = "a mark") -> Event:
    """An event within the ticks."""
    time_ns = (START_S + seq) * S
    payload = {"note": text, "deep": [{"er": 1.5}]}
    return Event(seq, f"019a0000-0000-7000-8000-{seq:012d}", time_ns, "mark.set", "recorder", "1", payload=payload)


def sound() -> dict[str, bytes]:
    """The members of a bundle in which nothing is wrong, without its manifest."""
    steps = Steps(
        [CPU, BYTES],
        whole([1, 11, 21]),
        whole([START_S - START_S % 10 - 300 + 10 * n for n in range(3)]),
        whole([10, 10, 10]),
        {name: [pack(np.array([0.1, 0.2, np.nan]))] * 2 for name in ("min", "mean", "max")},
    )
    processes = [
        TableLine(101, TableChange("processes", START_S * S, True, {"7:5": row(7), "8:5": row(8)})),
        TableLine(105, TableChange("processes", (START_S + 4) * S, False, {"9:5": row(9)}, ["7:5"])),
    ]
    things = [TableLine(101, TableChange("things", START_S * S, True, {"a": ("one", 5), "b": (None, None)}))]
    burst = BurstLine(
        105, happened(1).event_id, CPU, whole([START_S * S + n * S // 10 for n in range(30)]), pack(np.ones(30))
    )
    facts = {
        form.HEALTH: SourcesHealth(START_S * S, [Health("cpu", "ok"), Health("gpu", "absent", "no GPU", "none")]),
        form.GAPS: Gaps(TICKS, [GapSpan(START_S - 60, START_S - 50, 10)]),
        form.RULES: [RuleInForce("cpu-hot", "warning", "system", True, True, {"for": "30s", "value": 0.9})],
        form.SETTINGS: {"view.theme": SettingInForce("dark", "default")},
        form.INVENTORY: Inventory("0.9", ["0.9"], "3.11", "Debian", "6.1", "x86_64", "CPU", 8, 2**34, {}, [{}]),
        form.SERVERS: [ServerFact({"server.kind": "vllm"}, [{"model.name": "m"}], "vllm serve m")],
    }
    return {
        "rollups/10s-0000.json": _json(steps),
        "ticks/0000.json": _json(ticks(10)),
        "ticks/0001.json": _json(ticks(10, 111)),
        "tables/processes-0000.jsonl": lines([TableHead(PROCESSES), *processes]),
        "tables/things-0000.jsonl": lines([TableHead(OTHER), *things]),
        form.EVENTS: lines([happened(1), happened(2)]),
        form.BURSTS: lines([burst]),
        **{name: _json(item) for name, item in facts.items()},
        form.LOG: lines([LogLine(START_S * S, "info", "recorder", "began", {"pid": 1})]),
        form.REPORT_HTML: b"<!doctype html><title>report</title>",
        form.REPORT_MD: b"# report\n",
        form.README: b"A bundle of wftop.\n",
        "screens/overview.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    }


def manifest(members: Mapping[str, bytes]) -> Manifest:
    """What names them rightly."""
    return Manifest(
        form.FORMAT,
        form.VERSION,
        "wftop 0.9.0",
        (START_S + 60) * S,
        START_S * S,
        (START_S + TICKS) * S,
        form.FULL,
        Origin("host-3f", "Europe/Berlin", "Debian", "6.1", {"1": "boot-a"}),
        Consent("--yes", (START_S + 60) * S, "plain"),
        TICKS,
        [Redacted("user", "replaced", 1)],
        ["Nothing else."],
        [Member(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in members.items()],
        "cpu-hot",
    )


class Part(NamedTuple):
    """A member of a zip, each field of its two records to be chosen; None: as it should be."""

    name: bytes
    data: bytes
    """As it is in the file."""
    size: int | None = None
    crc32: int | None = None
    packed: int | None = None
    method: int = 8
    flags: int = 0
    version: int = 20
    attributes: int = 0o100600 << 16
    extra: bytes = b""
    comment: bytes = b""
    local_name: bytes | None = None
    local: Mapping[str, int] = {}
    """What its own record says differently: ``size``, ``crc32``, ``packed``, ``method``, ``flags``."""
    offset: int | None = None
    before: bytes = b""
    """Bytes before its own record."""
    listed: bool = True
    there: bool = True
    """False: only the list knows it."""


def part(name: str, data: bytes, **fields: Any) -> Part:
    """A member as our writer makes it, but for ``fields``."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(data) + deflate.flush()
    return Part(name.encode(), body, **{"size": len(data), "crc32": zlib.crc32(data), **fields})


class Zip(NamedTuple):
    """The end record's fields; None: as it should be."""

    parts: Sequence[Part]
    number: int | None = None
    """Of members."""
    length: int | None = None
    begin: int | None = None
    comment: bytes = b""
    behind: bytes = b""
    between: bytes = b""
    """Between the last member and the list."""

    def made(self) -> bytes:
        """Its bytes."""
        out, listed = bytearray(), bytearray()
        count = 0
        for item in self.parts:
            out += item.before
            size = len(item.data) if item.size is None else item.size
            crc = zlib.crc32(item.data) if item.crc32 is None else item.crc32
            packed = len(item.data) if item.packed is None else item.packed
            offset = len(out) if item.offset is None else item.offset
            own = {"size": size, "crc32": crc, "packed": packed, "method": item.method, "flags": item.flags}
            own |= item.local
            name = item.name if item.local_name is None else item.local_name
            if item.there:
                out += LOCAL.pack(
                    b"PK\x03\x04", item.version, own["flags"], own["method"], 0, 33, own["crc32"], own["packed"],
                    own["size"], len(name), len(item.extra),
                ) + name + item.extra + item.data  # fmt: skip
            if item.listed:
                count += 1
                listed += CENTRAL.pack(
                    b"PK\x01\x02", 3 << 8 | 20, item.version, item.flags, item.method, 0, 33, crc, packed, size,
                    len(item.name), len(item.extra), len(item.comment), 0, 0, item.attributes, offset,
                ) + item.name + item.extra + item.comment  # fmt: skip
        out += self.between
        begin = len(out)
        out += listed
        shown = (count if self.number is None else self.number) & 0xFFFF
        out += END.pack(
            b"PK\x05\x06", 0, 0, shown, shown,
            len(listed) if self.length is None else self.length,
            begin if self.begin is None else self.begin, len(self.comment),
        ) + self.comment + self.behind  # fmt: skip
        return bytes(out)


def parts(members: Mapping[str, bytes], said: object | None = None) -> list[Part]:
    """All members and a manifest: the right one, or what is said."""
    content = _json(manifest(members) if said is None else said)
    return [*(part(name, data) for name, data in members.items()), part(form.MANIFEST, content)]


def bundle(members: Mapping[str, bytes] | None = None, said: object | None = None) -> bytes:
    """A zip of members whose manifest is right, or what is said."""
    return Zip(parts(sound() if members is None else members, said)).made()


def edited(name: str, edit: Edit) -> bytes:
    """The sound bundle with one JSON member changed and everything that is said of it, too."""
    if name == form.MANIFEST:
        return bundle(said=edit(msgspec.to_builtins(manifest(sound()))))
    members = sound()
    members[name] = _json(edit(msgspec.json.decode(members[name])))
    return bundle(members)


def replaced(name: str, data: bytes) -> bytes:
    """The sound bundle with one member's bytes replaced (or one more member), and rightly said so."""
    return bundle({**sound(), name: data})


def put(folder: Path, data: bytes) -> Path:
    """A file of it."""
    path = folder / "given.wftop"
    path.write_bytes(data)
    return path
