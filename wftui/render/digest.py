"""A digest of a range of time as calm text or Markdown: what was busy, when, what happened, what is missing.

It aggregates: no names of people, machines, commands, containers or files are in it. Unknown is ``-``.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from wftui.render import text
from wftui.text import clean, fit, width

_LONGEST: Final = 40
"""Gaps, sources and types of events that are listed; the rest is counted."""


class Busy(NamedTuple):
    """One thing over the range."""

    what: str
    unit: str
    mean: float
    peak: float
    peak_s: float
    """When (UTC seconds); of the bucket's begin where no finer data is kept."""
    total: float | None = None
    """Sum over the range, of rates."""


class Gap(NamedTuple):
    """Nothing was recorded."""

    since_s: int
    until_s: int
    missing_s: int
    reason: str


class Happened(NamedTuple):
    """Events of one type."""

    kind: str
    times: int
    first_s: float
    last_s: float


class Covered(NamedTuple):
    """One source over the range."""

    source: str
    mean: float
    worst: float


class Kept(NamedTuple):
    """One level of the store."""

    what: str
    size: int
    since_s: int


class Digest(NamedTuple):
    """All of it."""

    since_s: int
    until_s: int
    recorded_s: int
    first_s: int
    """First second with a tick."""
    level_s: int
    """Seconds of one row of the data behind the means."""
    busy: Sequence[tuple[str, Sequence[Busy]]]
    """Group to its things."""
    energy: Sequence[tuple[str, ...]]
    """Device, energy, mean, how much of the range it covers, how it is known."""
    gaps: Sequence[Gap]
    events: Sequence[Happened]
    coverage: Sequence[Covered]
    cost: Sequence[Busy]
    store: Sequence[Kept]
    store_size: int
    damaged: int


class Table(NamedTuple):
    """One part of a report."""

    title: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""
    """Instead of rows, or below them."""


def plain(digest: Digest) -> str:
    """As text."""
    return written(_title(digest), _summary(digest), _tables(digest), marked=False)


def markdown(digest: Digest) -> str:
    """As Markdown (GitHub's tables)."""
    return written(_title(digest), _summary(digest), _tables(digest), marked=True)


def written(title: str, summary: Sequence[str], tables: Sequence[Table], *, marked: bool) -> str:
    """A report; ``marked``: as Markdown, else as text."""
    lines = [f"# {title}" if marked else title, "", *summary]
    for item in tables:
        lines += ["", *((f"## {item.title}", "", *_markdown_table(item)) if marked else
                        (item.title, *_plain_table(item)))]  # fmt: skip
    return "\n".join(lines) + "\n"


def _title(digest: Digest) -> str:
    return f"wftop report, {moment(digest.since_s)} to {moment(digest.until_s)} (UTC{text.offset(digest.until_s)})"


def _summary(digest: Digest) -> list[str]:
    asked = max(1, digest.until_s - digest.since_s)
    said = f"Recorded: {text.duration(digest.recorded_s)} of {text.duration(asked)}"
    said += f" ({_share(digest.recorded_s / asked)})"
    if digest.first_s > digest.since_s + 60:
        said += f", from {moment(digest.first_s)} on"
    lines = [f"{said}."]
    if digest.level_s > 1:
        lines.append(
            f"Made from steps of {text.duration(digest.level_s)}: seconds are no longer kept that far back."
        )
    if digest.damaged:
        lines.append(f"Left out: {digest.damaged} damaged entries or files; wftop doctor --store names them.")
    return lines


def _share(ratio: float) -> str:
    """As percent that says 100 % only when nothing is missing."""
    return f"{min(99.9, ratio * 100):.1f} %" if ratio < 1 else "100 %"


def moment(time_s: float) -> str:
    """Local date and time."""
    return f"{text.day(time_s)} {text.clock(time_s)}"


def value(number: float | None, unit: str) -> str:
    """A number in its unit."""
    if number is None or number != number:
        return text.UNKNOWN
    forms: dict[str, Callable[[float | None], str]] = {
        "1": text.percent,
        "By": text.size,
        "By/s": text.rate,
        "s": text.milliseconds if abs(number) < 1 else text.duration,
        "Cel": text.celsius,
        "Hz": text.frequency,
    }
    if unit in forms:
        return forms[unit](number).strip()
    shown = f"{number:.3g}" if abs(number) < 1000 else text.count(number).strip()
    named = "" if unit.startswith("{") else f" {clean(unit)}"
    return f"{shown}{named}"


def _tables(digest: Digest) -> list[Table]:
    found = []
    for title, items in digest.busy:
        totals = any(item.total is not None for item in items)
        heads = ("what", "mean", "peak", "at", *(("total",) if totals else ()))
        rows = [_row(item, totals) for item in items]
        found.append(Table(title, heads, rows))
    if not digest.busy:
        found.append(Table("Busy", (), [], "No value in this range."))
    if digest.energy:
        found.append(Table("Energy", ("device", "energy", "mean", "covered", "known"), digest.energy))
    found.append(_events(digest))
    found.append(_gaps(digest))
    covered = [(item.source, _share(item.mean), _share(item.worst)) for item in digest.coverage]
    note = "" if covered else "Not known in this range."
    found.append(Table("Coverage by source", ("source", "mean", "worst"), covered, note))
    cost = [_row(item, False) for item in digest.cost]
    found.append(
        Table("Own cost", ("what", "mean", "peak", "at"), cost, "" if cost else "Not known in this range.")
    )
    kept = [(item.what, text.size(item.size).strip(), moment(item.since_s)) for item in digest.store]
    total = f"All together {text.size(digest.store_size).strip()}."
    found.append(Table("Store", ("what", "size", "since"), kept, total))
    return found


def _row(item: Busy, totals: bool) -> tuple[str, ...]:
    cells = (item.what, value(item.mean, item.unit), value(item.peak, item.unit), moment(item.peak_s))
    if not totals:
        return cells
    return (*cells, "" if item.total is None else value(item.total, item.unit.removesuffix("/s")))


def _events(digest: Digest) -> Table:
    rows = [
        (item.kind, str(item.times), moment(item.first_s), moment(item.last_s) if item.times > 1 else "")
        for item in digest.events[:_LONGEST]
    ]
    return Table("Events", ("type", "count", "first", "last"), rows, "" if rows else "None.")


def _gaps(digest: Digest) -> Table:
    rows = [
        (moment(item.since_s), moment(item.until_s), text.duration(item.missing_s), item.reason)
        for item in digest.gaps[:_LONGEST]
    ]
    more = len(digest.gaps) - len(rows)
    note = f"And {more} more." if more else "" if rows else "None."
    return Table("Gaps", ("from", "to", "missing", "why"), rows, note)


def _plain_table(item: Table) -> list[str]:
    lines = []
    if item.rows:
        cells = [item.heads, *(tuple(clean(cell) for cell in row) for row in item.rows)]
        wide = [max(width(row[place]) for row in cells) for place in range(len(item.heads))]
        lines = [
            "  " + "  ".join(fit(cell, columns) for cell, columns in zip(row, wide, strict=True)).rstrip()
            for row in cells
        ]
    return [*lines, *([f"  {item.note}"] if item.note else [])]


def _markdown_table(item: Table) -> list[str]:
    lines = []
    if item.rows:
        lines = [f"| {' | '.join(item.heads)} |", f"|{' --- |' * len(item.heads)}"]
        lines += [f"| {' | '.join(escaped(cell) for cell in row)} |" for row in item.rows]
        if item.note:
            lines.append("")
    return [*lines, *([item.note] if item.note else [])]


def escaped(cell: str) -> str:
    """Outside text that cannot become markup, a link or the end of its cell."""
    shown = clean(cell)
    for letter in "\\`*_[]<>|~#!":
        shown = shown.replace(letter, f"\\{letter}")
    # Trackers make a bare address a link.
    return shown.replace("&", "&amp;").replace("://", "\\://").replace("www.", "www\\.")
