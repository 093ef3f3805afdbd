"""A comparison as Markdown, the verdict first; and as a document for programs."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from wftui.bundle.compare import Comparison, Counts, Moved, Program, length
from wftui.bundle.differing import Facet
from wftui.bundle.sides import Side
from wftui.render import text
from wftui.render.digest import Table, escaped, moment, written
from wftui.render.why import amount, named, step
from wftui.text import clean
from wftui.wire.messages import RangeStats

SCHEMA_VERSION: Final = 1
_STORY: Final = 3
"""Findings of the first sentence."""
_NEAR: Final = 6
"""Those that weigh less than the first by more than this belong to another story."""
_TELLING: Final = 0.1
"""A program that weighs less is in the table only."""
_ROWS: Final = 25
_LINES: Final = 40
"""Of the other tables."""
_LONGEST: Final = 200
"""Characters of a value of a setting or a rule."""
_SHARES: Final = ("1", "s/s")


# ---- Markdown


def markdown(found: Comparison, *, everything: bool = False) -> str:
    """The whole comparison; ``everything``: no table is cut short."""
    title = f"wftop compare: {_quoted(found.a.name)} (A) and {_quoted(found.b.name)} (B)"
    summary = [f"**{escaped(verdict(found))}**", "", f"{_scope(found)}", "", *_ranges(found)]
    summary += [f"- Note: {escaped(line)}" for line in found.warnings]
    return written(title, summary, list(_tables(found, everything=everything)), marked=True)


def verdict(found: Comparison) -> str:
    """What changed most and by how much, in a sentence or two."""
    if not found.a.recorded_s or not found.b.recorded_s:
        return "Nothing can be compared: one of the ranges holds no data."
    if not found.judged:
        return "Nothing can be compared: no series has enough values in both ranges."
    more = _programs_said(found.programs)
    if not found.moved:
        rest = f"; {found.little} differ, but hardly" if found.little else ""
        said = f"Nothing differs by more than noise that matters: {found.judged} series were compared{rest}"
        return f"{said}.{more}"
    told = [item for item in _story(found.moved) if item.weight >= found.moved[0].weight / _NEAR]
    said = "; ".join(_sentence(item) for item in told)
    return f"From A to B: {said}.{more}"


def _story(moved: Sequence[Moved]) -> list[Moved]:
    """The first findings that are not of the same metric or family of metrics."""
    kept: list[Moved] = []
    for item in moved:
        if all(_family(item) != _family(other) for other in kept):
            kept.append(item)
        if len(kept) == _STORY:
            break
    return kept


def _family(item: Moved) -> tuple[str, ...]:
    """``hw.gpu.memory.usage`` and ``hw.gpu.memory.utilization`` of one GPU tell the same."""
    things = tuple(value for key, value in item.series.labels if key in ("gpu", "server", "device", "mount"))
    return (*item.series.name.split(".")[:3], *things)


def _sentence(item: Moved) -> str:
    said = step(item.a.mean, item.b.mean, item.unit)
    noise = f"± {_size(item.noise, item.unit)}"
    return f"{_words(item)} " + (f"{said[:-1]}, {noise})" if said.endswith(")") else f"{said} ({noise})")


def _programs_said(programs: Sequence[Program]) -> str:
    if not programs or programs[0].weight < _TELLING:
        return ""
    first = programs[0]
    return f" Of the programs {clean(first.name, 40)} changed most: {first.what} {_step(first)}."


def _step(item: Program) -> str:
    if item.unit not in _SHARES:
        return step(item.a, item.b, item.unit)
    return f"{item.a:.3g} → {_used(item.b, item)}"


def _words(item: Moved) -> str:
    return named(item.series, {})


def _scope(found: Comparison) -> str:
    listed = sum(1 + len(item.members) for item in found.moved)
    said = f"Beyond noise: {listed + found.little} of {found.judged} series that both sides have"
    if found.little:
        said += f", {found.little} of them by little"
    if found.unsure:
        said += f"; of {found.unsure} more there are too few values to tell"
    return f"{said}."


def _ranges(found: Comparison) -> Iterator[str]:
    for letter, side in (("A", found.a), ("B", found.b)):
        asked = side.until_s - side.since_s
        zone = f"UTC{text.offset(side.until_s)}"
        said = f"- {letter}: {moment(side.since_s)} to {moment(side.until_s)} ({zone}), {length(asked)}"
        said += f", recorded {length(side.recorded_s)}" if side.recorded_s != asked else ", all of it recorded"
        yield said + _origin(side)


def _origin(side: Side) -> str:
    made = side.manifest
    if made is None:
        return ", own recording"
    said = (
        f", bundle of {escaped(made.origin.host)} ({escaped(made.origin.time_zone)}), level {escaped(made.level)}"
    )
    return f"{said}, written by {escaped(made.program)}"


def _tables(found: Comparison, *, everything: bool) -> Iterator[Table]:
    rows, lines = (10**9, 10**9) if everything else (_ROWS, _LINES)
    heads: tuple[str, ...] = ("series", "A mean", "A p50, p95, max", "B mean", "B p50, p95, max", "change", "±")
    table = [_row(item) for item in found.moved]
    if any(item.members for item in found.moved):
        heads = (*heads, "with it")
        table = [(*row, _members(item)) for row, item in zip(table, found.moved, strict=True)]
    yield _cut("Series that differ", heads, table, rows, "None by more than noise that matters.")
    if found.a.programs or found.b.programs:
        heads = ("program", "what", "A", "B")
        shown = [
            (clean(item.name, 60), item.what, _used(item.a, item), _used(item.b, item)) for item in found.programs
        ]
        yield _cut("Programs", heads, shown, lines, "None uses noticeably more or less.")
    for letter, other, only in (("A", "B", found.only_a), ("B", "A", found.only_b)):
        if only:
            counts = [(name, str(count)) for name, count in only]
            yield _cut(f"Only in {letter}", ("metric", f"series without a value in {other}"), counts, lines, "")
    yield _cut("Alerts", ("rule", "fired in A", "fired in B"), _counted(found.alerts), lines, "None fired.")
    yield _cut("Events", ("type", "A", "B"), _counted(found.events), lines, "None.")
    for facet in found.facets:
        if facet.found:
            yield _facet(facet, lines)
    rest = [f"{item.title}: {item.why or 'no difference'}." for item in found.facets if not item.found]
    if rest:
        yield Table("What else was looked at", (), [], " ".join(rest))
    gaps = [
        (letter, moment(item.since_s), moment(item.until_s), length(item.missing_s), why)
        for letter, side in (("A", found.a), ("B", found.b))
        for item, why in side.gaps
    ]
    yield _cut("Gaps", ("side", "from", "to", "missing", "why"), gaps, lines, "None.")


def _cut(title: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], limit: int, nothing: str) -> Table:
    more = len(rows) - limit
    note = nothing if not rows else f"And {more} more; --all lists them." if more > 0 else ""
    return Table(title, heads, rows[:limit], note)


def _facet(facet: Facet, limit: int) -> Table:
    rows = [tuple(clean(cell, _LONGEST) for cell in item) for item in facet.found]
    return _cut(facet.title, ("what", "A", "B"), rows, limit, "")


def _counted(found: Sequence[Counts]) -> list[tuple[str, ...]]:
    return [(item.what, str(item.a), str(item.b)) for item in found]


def _row(item: Moved) -> tuple[str, ...]:
    return (
        _words(item),
        amount(item.a.mean, item.unit),
        _spread(item.a, item.unit),
        amount(item.b.mean, item.unit),
        _spread(item.b, item.unit),
        _change(item),
        _size(item.noise, item.unit),
    )


def _members(item: Moved) -> str:
    """Further cores, further statistics."""
    return f"{len(item.members)} more" if item.members else ""


def _spread(stats: RangeStats, unit: str) -> str:
    return ", ".join(amount(value, unit) for value in (stats.p50, stats.p95, stats.maximum))


def _change(item: Moved) -> str:
    """In percent, and in its unit; of shares in points."""
    sign = "+" if item.change > 0 else "-"
    said = f"{sign}{_size(abs(item.change), item.unit)}"
    if item.unit in _SHARES or not item.a.mean:
        return said
    percent = item.change / abs(item.a.mean) * 100
    share = f"{percent:+.0f} %" if abs(percent) < 1000 else f"x{item.b.mean / item.a.mean:.3g}"
    return f"{share} ({said})"


def _size(step_: float, unit: str) -> str:
    """How large a step is: of shares in points of 100."""
    return f"{step_ * 100:.3g} points" if unit in _SHARES else amount(step_, unit)


def _used(value: float, item: Program) -> str:
    """Whole processors rather than shares of one."""
    if item.unit not in _SHARES:
        return amount(value, item.unit)
    return f"{value:.3g} {'core' if item.what == 'CPU' else 'GPU'}{'' if value == 1 else 's'}"


def _quoted(name: str) -> str:
    return escaped(clean(name, 200))


# ---- for programs


def document(found: Comparison) -> bytes:
    """The comparison as JSON: every finding, units as stored, unknown is null."""
    told = {
        "schema_version": SCHEMA_VERSION,
        "verdict": verdict(found),
        "a": _side(found.a),
        "b": _side(found.b),
        "judged": found.judged,
        "same": found.same,
        "little": found.little,
        "unsure": found.unsure,
        "differ": [_told(item) for item in found.moved],
        "only_a": dict(found.only_a),
        "only_b": dict(found.only_b),
        "programs": [item._asdict() for item in found.programs],
        "alerts": [item._asdict() for item in found.alerts],
        "events": [item._asdict() for item in found.events],
        "facts": {
            item.title: {"differ": [one._asdict() for one in item.found], "not_compared": item.why or None}
            for item in found.facets
        },
        "notes": found.warnings,
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"


def _side(side: Side) -> dict[str, Any]:  # Any: JSON values
    return {
        "name": side.name,
        "since_s": side.since_s,
        "until_s": side.until_s,
        "recorded_s": side.recorded_s,
        "level_s": side.level_s,
        "gaps": [{**item._asdict(), "why": why} for item, why in side.gaps],
        "bundle": None if side.manifest is None else {
            "program": side.manifest.program,
            "level": side.manifest.level,
            "host": side.manifest.origin.host,
            "time_zone": side.manifest.origin.time_zone,
        },
    }  # fmt: skip


def _told(item: Moved) -> dict[str, Any]:  # Any: JSON values
    return {
        "series": item.series.text,
        "name": _words(item),
        "unit": item.unit,
        "a": _stats(item.a),
        "b": _stats(item.b),
        "change": item.change,
        "noise": item.noise,
        "weight": item.weight,
        "members": list(item.members),
    }


def _stats(stats: RangeStats) -> dict[str, Any]:  # Any: JSON values
    return {key: None if value != value else value for key, value in msgspec.to_builtins(stats).items()}
