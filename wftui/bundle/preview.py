"""What a bundle would hold, before it is written: each class of data, with samples as they would stand there."""

from __future__ import annotations

from heapq import nlargest
from typing import Any, Final

import msgspec

from wftui.bundle import format as form
from wftui.bundle.format import Manifest, Member, Redacted, TableHead, TableLine, Ticks
from wftui.bundle.packed import unpack
from wftui.render.files import rfc3339
from wftui.text import clean
from wftui.units import NS_PER_S, quantity

_SAMPLES: Final = 3
_CHARACTERS: Final = 200
"""Of a sample."""
_TITLES: Final = {
    "ticks": "Numbers, each second",
    "rollups": "Numbers, in steps",
    "tables": "Table",
    "screens": "Pictures of screens",
    form.EVENTS: "Events, alerts and notes",
    form.BURSTS: "Numbers at full rate, around marks and alerts",
    form.HEALTH: "Health of sources",
    form.GAPS: "Gaps",
    form.RULES: "Alert rules",
    form.SETTINGS: "Settings",
    form.INVENTORY: "Hardware, driver, system, libraries",
    form.SERVERS: "Model servers",
    form.LOG: "wftop's own log",
    form.STATISTICS: "Statistics by the hour",
    form.REPORT_HTML: "Report for a browser",
    form.REPORT_MD: "Report for an issue tracker",
    form.README: "What the members are",
}
_UNLISTED: Final = "not in the list of what may be told"
_WHY: Final = {
    "command line": "of other users, or the level tells none",
    "word of a command line": "may be anything: a prompt, a name, code",
    "quoted text": "may be a prompt or an answer",
    "secret": "hidden where it stood",
    "text that somebody wrote": "not told at this level",
    "text of a rule": "not told at this level, but for rules that ship with wftop",
    "setting": "not told at this level",
    "group of users": "too few users to tell it",
}
"""Why something is left out."""
_TEXTS: Final = (".html", ".svg", ".md", ".txt")
_Json = Any
"""A JSON value."""


class Class(msgspec.Struct, frozen=True):
    """One class of data."""

    title: str
    members: int
    values: int
    """Numbers, rows, events, lines: what it consists of."""
    of: str
    """What ``values`` counts, as a word in the plural."""
    bytes: int
    """Unpacked."""
    samples: list[str]
    """At most 3, those with the longest texts."""


class Preview(msgspec.Struct, frozen=True):
    """All of it."""

    since_ns: int
    until_ns: int
    level: str
    classes: list[Class]
    redactions: list[Redacted]
    left_out: list[str]

    def lines(self) -> list[str]:
        """For a terminal or a dialog: plain, printable text."""
        size = quantity(float(sum(item.bytes for item in self.classes)), "By")
        since, until = (rfc3339(time_ns // NS_PER_S) for time_ns in (self.since_ns, self.until_ns))
        found = [f"{since} to {until}, level {self.level}: {size}, before it is packed", ""]
        for item in self.classes:
            of = item.of.removesuffix("s") if item.values == 1 else item.of
            found.append(f"{item.title}: {item.values:,} {of}, {quantity(float(item.bytes), 'By')}")
            found += [f"    {sample}" for sample in item.samples]
        for how, title in (("replaced", "Replaced, the same all over"), ("generalised", "Generalised")):
            if words := counted(self.redactions, how):
                found += ["", f"{title}: {words}"]
        found += ["", "Left out:"]
        for gone in self.redactions:
            if gone.how == "left out":
                found.append(f"    {gone.what}: {gone.count:,}, {_WHY.get(gone.what, _UNLISTED)}")
        found += [f"    {sentence}" for sentence in self.left_out]
        found.append("    Prompts, answers and environment variables, which are never recorded.")
        return [clean(line) for line in found]


class Previewing:
    """Takes the members that would be written, and keeps of them what a preview shows."""

    def __init__(self) -> None:
        self._found: dict[str, _Seen] = {}
        self.members: list[Member] = []

    def add(self, name: str, data: bytes) -> None:
        """A member; as ``BundleWriter.add``."""
        seen = self._found.setdefault(_class(name), _Seen())
        seen.members += 1
        seen.bytes += len(data)
        self.members.append(Member(name, len(data), ""))
        if name.startswith("ticks/"):
            _ticks(seen, data)
        elif name.startswith("rollups/"):
            _steps(seen, data)
        elif name.startswith("tables/"):
            _table(seen, data)
        elif name.endswith(".jsonl"):
            seen.of = "lines"
            lines = data.splitlines()
            seen.values += len(lines)
            seen.samples += [clean(line, _CHARACTERS) for line in nlargest(_SAMPLES, lines, len)]
        elif name.endswith(_TEXTS):
            seen.of, seen.values = "files", seen.members
        else:
            _json(seen, data)

    def preview(self, manifest: Manifest) -> Preview:
        """All of it."""
        found = [
            Class(title, seen.members, seen.values, seen.of, seen.bytes, _longest(seen.samples))
            for title, seen in self._found.items()
        ]
        return Preview(
            manifest.since_ns, manifest.until_ns, manifest.level, found, manifest.redactions, manifest.left_out
        )


class _Seen:
    """Of one class."""

    def __init__(self) -> None:
        self.members = self.values = self.bytes = 0
        self.of = "values"
        self.samples: list[str] = []


def _class(name: str) -> str:
    folder, slash, rest = name.partition("/")
    if folder == "tables":
        return f"{_TITLES[folder]} {rest.rpartition('-')[0]}"
    return _TITLES[folder if slash else name]


def _longest(samples: list[str]) -> list[str]:
    return nlargest(_SAMPLES, dict.fromkeys(samples), len)


def _ticks(seen: _Seen, data: bytes) -> None:
    found = msgspec.json.decode(data, type=Ticks)
    seen.of = "numbers"
    seen.values += found.seq.count * len(found.columns)
    wanted = nlargest(_SAMPLES, range(len(found.columns)), lambda at: len(found.columns[at].series.text))
    for place in wanted:
        column = found.columns[place]
        values = unpack(found.values[place], found.seq.count)
        last = f"{values[-1]:g} {column.unit}" if values and values[-1] == values[-1] else "-"
        seen.samples.append(clean(f"{column.series.text}  {last}", _CHARACTERS))


def _steps(seen: _Seen, data: bytes) -> None:
    found = msgspec.json.decode(data, type=form.Steps)
    seen.of = "numbers"
    seen.values += found.seq.count * len(found.columns) * len(found.statistics)
    texts = [column.series.text for column in found.columns]
    seen.samples += [clean(text, _CHARACTERS) for text in nlargest(_SAMPLES, texts, len)]


def _table(seen: _Seen, data: bytes) -> None:
    head, *lines = data.splitlines()
    schema = msgspec.json.decode(head, type=TableHead).schema
    seen.of = "rows"
    texts: dict[str, None] = {}
    for line in lines:
        rows = msgspec.json.decode(line, type=TableLine).change.rows
        seen.values += len(rows)
        for key, row in rows.items():
            cells = [
                f"{column.name.rpartition('.')[2]}={cell}"
                for column, cell in zip(schema.columns, row, strict=False)
                if isinstance(cell, str) and cell
            ]
            texts[f"{key}  {'  '.join(cells)}"] = None
    seen.samples += [clean(text, _CHARACTERS) for text in nlargest(_SAMPLES, texts, len)]


def _json(seen: _Seen, data: bytes) -> None:
    found: _Json = msgspec.json.decode(data)
    if isinstance(found, dict) and isinstance(found.get("series"), list):
        found = found["series"]
    if isinstance(found, list):
        parts = [msgspec.json.encode(item) for item in found]
    elif isinstance(found, dict):
        parts = [f"{key}: ".encode() + msgspec.json.encode(item) for key, item in found.items()]
    else:
        parts = [data]
    seen.values += len(parts)
    seen.samples += [clean(part, _CHARACTERS) for part in nlargest(_SAMPLES, parts, len)]


def counted(redactions: list[Redacted], how: str) -> str:
    """Classes that were treated so, with how many: ``host 3, path 12``."""
    return ", ".join(f"{item.what} {item.count:,}" for item in redactions if item.how == how)
