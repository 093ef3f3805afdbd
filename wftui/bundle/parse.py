"""The members of a bundle, checked and cleaned, as frames; for a process that may do nothing else (``limits``)."""

import hashlib
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import msgspec

from wftui.bundle import cleaned, frames, limits, zipcheck
from wftui.bundle import format as form
from wftui.bundle.format import (
    BurstLine,
    Consent,
    Facts,
    Gaps,
    Inventory,
    LogLine,
    Manifest,
    Member,
    Origin,
    Packed,
    Redacted,
    RuleInForce,
    ServerFact,
    SettingInForce,
    SourcesHealth,
    Statistics,
    Steps,
    TableHead,
    TableLine,
)
from wftui.bundle.packed import unpack, unpack_whole
from wftui.errors import BundleError
from wftui.model.event import Event
from wftui.model.sample import Column
from wftui.model.tick import pack
from wftui.store.manifest import STATISTICS
from wftui.text import clean

STEPS: Final = {"10s": 10, "5m": 300}
"""As the names of members have them, to seconds."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_ZONE: Final = re.compile(r"[+-]\d\d:\d\d(?::\d\d)?|[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,3}")
_BOOT: Final = re.compile(r"[1-9]\d{0,17}")
_LISTED: Final = 2_000
"""Entries of a list in the manifest, at most."""
_BATCH: Final = 2_000_000
"""Bytes of lines in one frame of changes or events, before they are decoded."""
_T = TypeVar("_T")


class _Version(msgspec.Struct):
    format: str
    version: int
    program: str = ""


class _Ticks(msgspec.Struct):
    """``form.Ticks``, with values that are decoded column by column: all at once would take 30 bytes for each."""

    layout: int
    columns: list[Column]
    seq: Packed
    time_s: Packed
    boottime_ns: Packed
    boot: Packed
    values: list[msgspec.Raw]


_packed: Final = msgspec.json.Decoder(Packed)
_ticks: Final = msgspec.json.Decoder(_Ticks)
_steps: Final = msgspec.json.Decoder(Steps)
_head: Final = msgspec.json.Decoder(TableHead)
_line: Final = msgspec.json.Decoder(TableLine)
_event: Final = msgspec.json.Decoder(Event)
_burst: Final = msgspec.json.Decoder(BurstLine)
_log: Final = msgspec.json.Decoder(LogLine)
_FACTS: Final[dict[str, tuple[str, Any]]] = {  # Any: types
    form.HEALTH: ("health", SourcesHealth),
    form.GAPS: ("gaps", Gaps),
    form.RULES: ("rules", list[RuleInForce]),
    form.SETTINGS: ("settings", dict[str, SettingInForce]),
    form.INVENTORY: ("inventory", Inventory),
    form.SERVERS: ("servers", list[ServerFact]),
    form.STATISTICS: ("statistics", Statistics),
}


@contextmanager
def _of(name: str) -> Iterator[None]:
    """Errors of a member, with its name."""
    try:
        yield
    except BundleError as error:
        message = str(error)
        raise (error if message.startswith(f"{name}: ") else BundleError(f"{name}: {message}")) from error
    except RecursionError as error:
        raise BundleError(f"{name}: nested too deep") from error
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BundleError(f"{name}: {clean(str(error), limits.NAME)}") from error


def read(file: int, size: int, *, every: bool) -> Iterator[frames.Frame]:
    """A bundle as frames, ``Described`` first and ``Done`` last.

    Args:
        file: A descriptor that can be read at any place.
        size: Bytes of it.
        every: Tell each member that is not as it should be, and go on, instead of stopping at the first.

    Raises:
        BundleError: What is wrong, in one line.
        OSError: It cannot be read.
    """
    found = {entry.name: entry for entry in zipcheck.entries(file, size)}
    if form.MANIFEST not in found:
        raise BundleError(f"{form.MANIFEST}: not there")
    with _of(form.MANIFEST):
        described = _manifest(zipcheck.read(file, found[form.MANIFEST]))
    yield frames.Described(described)
    reading = _Reading(described)
    for reason in _unlike(described.members, found):
        if not every:
            raise BundleError(reason)
        yield frames.Wrong(reason)
    listed = {member.name: member for member in described.members}
    for name in sorted(found.keys() & listed.keys(), key=_order):
        try:
            with _of(name):
                yield from reading.member(name, _unaltered(file, found[name], listed[name]))
        except BundleError as error:
            if not every:
                raise
            yield frames.Wrong(str(error))
    if reading.ticks != described.ticks:
        raise BundleError(f"{reading.ticks} ticks, and the manifest says {described.ticks}")
    yield frames.Stated(Facts(**reading.facts), reading.log)
    yield frames.Done(reading.ticks)


def _unaltered(file: int, entry: zipcheck.Entry, member: Member) -> bytes:
    data = zipcheck.read(file, entry)
    if hashlib.sha256(data).hexdigest() != member.sha256:
        raise BundleError("altered, its SHA-256 is not that of the manifest")
    return data


def _order(name: str) -> tuple[int, str]:
    """Rollups first: their numbers are lower than those of ticks."""
    folder = name.partition("/")[0]
    return {"rollups": 0, "ticks": 1, "tables": 2}.get(folder, 3), name


def _unlike(members: Sequence[Member], found: dict[str, zipcheck.Entry]) -> Iterator[str]:
    """What differs between the manifest and what is there."""
    listed = {member.name: member for member in members}
    for name in sorted(found.keys() - listed.keys() - {form.MANIFEST}):
        yield f"{name}: the manifest does not name it"
    for name, member in sorted(listed.items()):
        if name not in found:
            yield f"{name}: the manifest names it, and it is not there"
        elif found[name].size != member.size:
            yield f"{name}: {found[name].size} bytes, and the manifest says {member.size}"


def _manifest(data: bytes) -> Manifest:
    _small(data)
    first = msgspec.json.decode(data, type=_Version)
    if first.format != form.FORMAT:
        raise BundleError(f"of format {cleaned.name(first.format)!r}, expected {form.FORMAT!r}")
    if first.version > form.VERSION:
        raise BundleError(
            f"written by a newer wftop ({cleaned.name(first.program) or 'unknown'}; format {first.version},"
            f" this one reads {form.VERSION})"
        )
    if first.version < 1:
        raise BundleError(f"of format version {first.version}, expected {form.VERSION}")
    given = msgspec.json.decode(data, type=Manifest)
    if given.level not in form.LEVELS:
        raise BundleError(f"of level {cleaned.name(given.level)!r}, expected one of {', '.join(form.LEVELS)}")
    for time_ns in (given.made_ns, given.since_ns, given.until_ns, given.consent.at_ns):
        if not 0 <= time_ns < limits.TIME_NS:
            raise BundleError(f"a time of {time_ns} ns, expected one after 1970 and before 2242")
    if given.since_ns >= given.until_ns:
        raise BundleError("its range ends before it begins")
    if not 0 <= given.ticks <= form.CELLS:
        raise BundleError(f"{given.ticks} ticks, expected at most {form.CELLS}")
    if max(len(given.redactions), len(given.left_out)) > _LISTED or len(given.members) > form.MEMBERS:
        raise BundleError("a list of it is too long")
    for member in given.members:
        if not form.NAMES.fullmatch(member.name) or member.name == form.MANIFEST:
            raise BundleError(f"names a member {cleaned.name(member.name)!r}")
        if not _SHA256.fullmatch(member.sha256):
            raise BundleError(f"{member.name}: expected 64 hex digits as its SHA-256")
        if not 0 <= member.size <= form.MEMBER_BYTES:
            raise BundleError(f"{member.name}: {member.size} bytes, expected 0 to {form.MEMBER_BYTES}")
    if not all(0 <= item.count < limits.INTEGER for item in given.redactions):
        raise BundleError("counts of redactions that are none")
    if len({member.name for member in given.members}) != len(given.members):
        raise BundleError("names a member twice")
    return Manifest(
        form.FORMAT,
        first.version,
        cleaned.name(given.program),
        given.made_ns,
        given.since_ns,
        given.until_ns,
        given.level,
        _origin(given.origin),
        Consent(cleaned.name(given.consent.how), given.consent.at_ns, cleaned.name(given.consent.encryption)),
        given.ticks,
        [Redacted(cleaned.name(item.what), cleaned.name(item.how), item.count) for item in given.redactions],
        [clean(item, limits.TEXT) for item in given.left_out],
        given.members,
        cleaned.name(given.alert),
    )


def _origin(given: Origin) -> Origin:
    if not _ZONE.fullmatch(given.time_zone) or len(given.time_zone) > limits.NAME:
        raise BundleError(
            f"its time zone is {cleaned.name(given.time_zone)!r}, expected one like Europe/Berlin or +02:00"
        )
    if len(given.boots) > limits.BOOTS or not all(_BOOT.fullmatch(number) for number in given.boots):
        raise BundleError(f"its boots: expected at most {limits.BOOTS}, by number")
    boots = {number: cleaned.name(item) for number, item in given.boots.items()}
    if len(set(boots.values())) != len(boots) or "" in boots.values():
        raise BundleError("its boots: expected a name of its own for each")
    return Origin(
        cleaned.name(given.host), given.time_zone, cleaned.name(given.os), cleaned.name(given.kernel), boots
    )


def _small(data: bytes) -> None:
    if len(data) > form.JSON_BYTES:
        raise BundleError(f"{len(data)} bytes, expected at most {form.JSON_BYTES}")


def _lines(data: bytes) -> Iterator[bytes]:
    """Lines without their ends."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start)
        if end < 0:
            end = len(data)
        if end - start > form.LINE_BYTES:
            raise BundleError(f"a line of {end - start} bytes, expected at most {form.LINE_BYTES}")
        yield data[start:end]
        start = end + 1


def _numbered(data: bytes, decode: Callable[[bytes], _T], limit: int) -> Iterator[tuple[_T, int]]:
    """Decoded lines and their bytes; errors say which line."""
    for number, line in enumerate(_lines(data), 1):
        if number > limit:
            raise BundleError(f"more than {limit} lines")
        with _of(f"line {number}"):
            found = decode(line)
        yield found, len(line)


class _Reading:
    """What was read so far, and what the rest must fit to."""

    def __init__(self, described: Manifest) -> None:
        self.ticks = 0
        self.facts: dict[str, Any] = {}  # Any: fields of Facts
        self.log: list[LogLine] = []
        self._boots = {int(number) for number in described.origin.boots}
        self._layouts: dict[int, list[Column]] = {}
        self._seq = 0
        self._step_seq = dict.fromkeys(STEPS, 0)
        self._last_step = 0
        self._cells = 0
        self._lines = 0
        self._tables: dict[str, int] = {}

    def member(self, name: str, data: bytes) -> Iterator[frames.Frame]:
        """Frames of one member."""
        folder, _, rest = name.partition("/")
        if folder == "ticks":
            yield from self._ticked(data)
        elif folder == "rollups":
            yield from self._stepped(rest.partition("-")[0], data)
        elif folder == "tables":
            yield from self._changed(rest.rpartition("-")[0], data)
        elif name == form.EVENTS:
            yield from self._happened(data)
        elif name == form.BURSTS:
            for line, _ in _numbered(data, _burst.decode, limits.OTHER_LINES):
                yield self._sampled(line)
        elif name == form.LOG:
            self.log = [_logged(line) for line, _ in _numbered(data, _log.decode, limits.OTHER_LINES)]
        elif name in _FACTS:
            _small(data)
            field, kind = _FACTS[name]
            given = msgspec.json.decode(data, type=kind)
            self.facts[field] = msgspec.convert(cleaned.json(msgspec.to_builtins(given)), kind)

    # ---- numbers

    def _take(self, cells: int) -> None:
        self._cells += cells
        if self._cells > form.CELLS:
            raise BundleError(f"more than {form.CELLS} values altogether")

    def _ticked(self, data: bytes) -> Iterator[frames.Frame]:
        given = _ticks.decode(data)
        count, width = given.seq.count, len(given.columns)
        self._shape(count, width, len(given.values))
        if not 1 <= given.layout <= limits.LAYOUTS:
            raise BundleError(f"layout {given.layout}, expected 1 to {limits.LAYOUTS}")
        columns = cleaned.columns(given.columns)
        known = self._layouts.get(given.layout)
        if known is None:
            self._layouts[given.layout] = columns
            yield frames.Laid(given.layout, columns)
        elif known != columns:
            raise BundleError(f"layout {given.layout} has other columns than before")
        seq = _ascending(given.seq, count, max(self._seq, self._last_step))
        time_s = _within(given.time_s, count, limits.SECOND, "time_s")
        boottime_ns = _within(given.boottime_ns, count, limits.INTEGER, "boottime_ns")
        boot = _within(given.boot, count, limits.INTEGER, "boot")
        if unknown := set(boot) - self._boots:
            raise BundleError(f"boot {min(unknown)}: the manifest does not name it")
        flat = array("d", bytes(8 * count * width))
        for place, raw in enumerate(given.values):
            with _of(columns[place].series.text):
                flat[place::width] = _column(raw, count)
        self._seq = seq[-1]
        self.ticks += count
        values = memoryview(pack(flat))
        step = max(1, limits.BLOCK_BYTES // (8 * width))
        for start in range(0, count, step):
            rows = slice(start, start + step)
            yield frames.Ticked(
                given.layout,
                seq[rows].tobytes(),
                time_s[rows].tobytes(),
                boottime_ns[rows].tobytes(),
                boot[rows].tobytes(),
                bytes(values[8 * width * start : 8 * width * rows.stop]),
            )

    def _stepped(self, kind: str, data: bytes) -> Iterator[frames.Frame]:
        given = _steps.decode(data)
        if self._seq:
            raise BundleError("steps behind ticks")
        count, width = given.seq.count, len(given.columns)
        if not given.statistics or not set(given.statistics) <= set(STATISTICS):
            raise BundleError(f"expected statistics among {', '.join(STATISTICS)}")
        for items in given.statistics.values():
            self._shape(count, width, len(items))
        step_s = STEPS[kind]
        columns = cleaned.columns(given.columns)
        seq = _ascending(given.seq, count, self._step_seq[kind])
        time_s = _within(given.time_s, count, limits.SECOND, "time_s")
        if any(second % step_s for second in time_s):
            raise BundleError(f"a step does not begin at a multiple of {step_s} s")
        ticks = _within(given.ticks, count, limits.ORDINAL, "ticks")
        ends = [first + more - 1 for first, more in zip(seq, ticks, strict=True)]
        if any(map(int.__ge__, ends, seq[1:])) or ends[-1] >= limits.ORDINAL:
            raise BundleError("a step reaches into the next one")
        self._step_seq[kind] = ends[-1]
        self._last_step = max(self._last_step, ends[-1])
        found = {}
        for stat, items in given.statistics.items():
            flat = array("d")
            for item in items:
                flat += unpack(item, count) if item.count == count else _unequal(item.count, count)
            found[stat] = flat
        step = max(1, limits.BLOCK_BYTES // (8 * width))
        for start in range(0, count, step):
            rows = slice(start, start + step)
            part = {stat: _rows(flat, count, rows) for stat, flat in found.items()}
            lead = seq[rows].tobytes(), time_s[rows].tobytes(), ticks[rows].tobytes()
            yield frames.Stepped(step_s, columns, lead[0], lead[1], lead[2], part)

    def _shape(self, count: int, width: int, given: int) -> None:
        if not 1 <= count <= form.TICKS or not 1 <= width <= form.COLUMNS:
            raise BundleError(
                f"{count} rows of {width} columns, expected 1 to {form.TICKS} of 1 to {form.COLUMNS}"
            )
        if given != width:
            raise BundleError(f"values of {given} columns, expected {width}")
        self._take(count * width)

    def _sampled(self, given: BurstLine) -> frames.Sampled:
        count = given.time_ns.count
        if not 1 <= given.tick < limits.ORDINAL:
            raise BundleError(f"a burst of tick {given.tick}")
        self._take(max(0, count))
        limit = limits.BLOCK_BYTES // 8
        time_ns, values = unpack_whole(given.time_ns, limit), unpack(given.values, limit)
        if not count or len(values) != count:
            raise BundleError(f"{len(values)} values at {count} times")
        if time_ns[0] < 0 or time_ns[-1] >= limits.TIME_NS or any(map(int.__gt__, time_ns, time_ns[1:])):
            raise BundleError("times of a burst that are none, or not in order")
        return frames.Sampled(
            given.tick,
            cleaned.name(given.event_id),
            cleaned.column(given.column),
            time_ns.tobytes(),
            values.tobytes(),
        )

    # ---- tables and events

    def _changed(self, table: str, data: bytes) -> Iterator[frames.Frame]:
        lines = _lines(data)
        first = next(lines, None)
        if first is None:
            raise BundleError("empty")
        with _of("line 1"):
            head = _head.decode(first).schema
            if head.name != table:
                raise BundleError(f"the table {cleaned.name(head.name)!r}")
            rows = cleaned.Rows(head)
        batch: list[TableLine] = []
        size = 0
        whole = False
        for number, line in enumerate(lines, 2):
            self._lines += 1
            if self._lines > form.LINES:
                raise BundleError(f"more than {form.LINES} changes of tables")
            with _of(f"line {number}"):
                told = rows.line(_line.decode(line))
                if not (whole or told.change.keyframe):
                    raise BundleError("a change before the whole table")
                if told.tick < self._tables.get(table, 0):
                    raise BundleError(f"tick {told.tick} behind tick {self._tables[table]}")
            whole = True
            self._tables[table] = told.tick
            batch.append(told)
            size += len(line)
            if size > _BATCH:
                yield frames.Changed(rows.schema, batch)
                batch, size = [], 0
        if batch:
            yield frames.Changed(rows.schema, batch)

    def _happened(self, data: bytes) -> Iterator[frames.Frame]:
        batch: list[Event] = []
        size = last = 0
        ids: set[str] = set()
        for number, (given, length) in enumerate(_numbered(data, _event.decode, limits.OTHER_LINES), 1):
            with _of(f"line {number}"):
                told = cleaned.event(given)
                if told.seq <= last or told.event_id in ids:
                    raise BundleError(f"event {told.seq} is there already, or behind event {last}")
            last = told.seq
            ids.add(told.event_id)
            batch.append(told)
            size += length
            if size > _BATCH:
                yield frames.Happened(batch)
                batch, size = [], 0
        if batch:
            yield frames.Happened(batch)


def _column(raw: msgspec.Raw, count: int) -> "array[float]":
    packed = _packed.decode(raw)
    return unpack(packed, count) if packed.count == count else _unequal(packed.count, count)


def _unequal(found: int, expected: int) -> "array[float]":
    raise BundleError(f"{found} values, expected {expected}")


def _rows(flat: "array[float]", count: int, rows: slice) -> bytes:
    """Some rows of columns that stand one behind the other."""
    if rows.start == 0 and rows.stop >= count:
        return flat.tobytes()
    return b"".join(
        flat[place + rows.start : place + min(rows.stop, count)].tobytes() for place in range(0, len(flat), count)
    )


def _ascending(packed: Packed, count: int, after: int) -> "array[int]":
    found = _within(packed, count, limits.ORDINAL, "seq")
    if found[0] <= after or not all(map(int.__lt__, found, found[1:])):
        raise BundleError(f"seq: not ascending, or not behind {after}")
    return found


def _within(packed: Packed, count: int, below: int, what: str) -> "array[int]":
    with _of(what):
        found = unpack_whole(packed, form.TICKS)
        if len(found) != count:
            raise BundleError(f"{len(found)} of them, expected {count}")
        if min(found) < 0 or max(found) >= below:
            raise BundleError(f"expected 0 to {below - 1}, got {min(found)} to {max(found)}")
    return found


def _logged(given: LogLine) -> LogLine:
    if not 0 <= given.time_ns < limits.TIME_NS:
        raise BundleError(f"a time of {given.time_ns} ns")
    return LogLine(
        given.time_ns,
        cleaned.name(given.level),
        cleaned.name(given.about),
        clean(given.message, limits.TEXT),
        cleaned.json(given.fields),
    )
