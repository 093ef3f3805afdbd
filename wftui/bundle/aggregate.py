"""The level ``aggregate``: statistics by the hour, in place of what happened when to whom.

Series that differ in a name that somebody gave (model, server, mount, pushing program, view) are one; what a
program pushed under names of its own is left out. With one user no group hides anybody: nothing here claims that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
import numpy as np

from wftui.bundle import public
from wftui.bundle.format import HourOf, Manifest, ProgramGroup, SeriesStatistics, Statistics
from wftui.model.processes import NAME, PROCESSES, USER
from wftui.model.series import Series, escape
from wftui.names import COUNTER, DISTRIBUTION, METRICS
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    import numpy.typing as npt

    from wftui.bundle.privacy import Redactor
    from wftui.model.sample import Column
    from wftui.store.archive import Archive

    Numbers = npt.NDArray[np.float64]

K: Final = 5
HOUR_S: Final = 3600
_DIGITS: Final = 4
"""Of a number: with all of them it could be found again in another file."""
SENTENCES: Final = (
    "Single seconds, tables, events, notes, rules, settings and wftop's own log: this level has statistics alone.",
    "Times are rounded to the hour, and values beyond the 1st and the 99th percentile count as those.",
)
_ALONE: Final = "At most one user is involved: no group hides that one, and k-anonymity is not claimed."
_SEVERAL: Final = "Groups of fewer than {k} users are not told; this is no promise that nobody can be recognised."
_NAMED: Final = frozenset({"mount", "server", "model", "source", "view", "plugin"})
"""Labels whose values somebody chose."""
_ADDED: Final = frozenset({"count", "sum"})
"""Statistics of a distribution that only grow: a rate of them says nothing without the other."""


class _Pool(NamedTuple):
    """Series that are told as one."""

    unit: str
    kind: str
    of: set[str]
    hours: list[HourOf]


def generalised(manifest: Manifest) -> Manifest:
    """The same with times to the hour, and without what tells boots apart."""
    since_s = manifest.since_ns // NS_PER_S // HOUR_S * HOUR_S
    until_s = -(-manifest.until_ns // NS_PER_S // HOUR_S) * HOUR_S
    hour_ns = HOUR_S * NS_PER_S
    return msgspec.structs.replace(
        manifest,
        since_ns=since_s * NS_PER_S,
        until_ns=until_s * NS_PER_S,
        made_ns=manifest.made_ns // hour_ns * hour_ns,
        consent=msgspec.structs.replace(manifest.consent, at_ns=manifest.consent.at_ns // hour_ns * hour_ns),
        origin=msgspec.structs.replace(manifest.origin, boots={}),
    )


def sentences(found: Statistics) -> list[str]:
    """What the manifest says of it."""
    return [*SENTENCES, _ALONE if found.users <= 1 else _SEVERAL.format(k=found.k)]


def statistics(archive: Archive, redactor: Redactor, since_s: int, until_s: int) -> Statistics:
    """Of the hours that hold the seconds [since, until), from those seconds alone.

    Raises:
        StoreError: The recording cannot be read.
    """
    first_s = since_s // HOUR_S * HOUR_S
    hours = max(1, -(-(until_s - first_s) // HOUR_S))
    pools: dict[str, _Pool] = {}
    for hour in range(hours):
        begin_s = first_s + hour * HOUR_S
        _hour(archive, redactor, pools, hour, max(begin_s, since_s), min(begin_s + HOUR_S, until_s))
    users, programs, suppressed = _programs(archive, since_s, until_s)
    redactor.count("time", "generalised", sum(len(pool.hours) for pool in pools.values()))
    redactor.count("group of users", "left out", suppressed)
    series = [
        SeriesStatistics(text, pool.unit, pool.kind, len(pool.of), pool.hours)
        for text, pool in sorted(pools.items())
    ]
    return Statistics(first_s, hours, users, K, series, programs, suppressed)


def _hour(
    archive: Archive, redactor: Redactor, pools: dict[str, _Pool], hour: int, since_s: int, until_s: int
) -> None:
    values: dict[str, list[Numbers]] = {}
    for cut in archive.cuts(lambda _: True, since_s, until_s):
        seconds = np.diff(cut.lead.boottime_ns) / NS_PER_S
        steady = (np.diff(cut.lead.boot) == 0) & (seconds > 0)
        for place, column in enumerate(cut.layout.columns):
            told = _told(column, redactor)
            if told is None:
                continue
            text, unit, kind = told
            found = cut.values[:, place]
            if kind == COUNTER:
                grown = np.diff(found)
                usable = steady & (grown >= 0)  # false for NaN, too
                found = grown[usable] / seconds[usable]
            pool = pools.setdefault(text, _Pool(unit, kind, set(), []))
            pool.of.add(column.series.text)
            known = found[np.isfinite(found)]
            if len(known):
                values.setdefault(text, []).append(known)
    for text, parts in values.items():
        made, clipped = _statistics(hour, np.concatenate(parts))
        pools[text].hours.append(made)
        redactor.count("outlier", "generalised", clipped)
    for text in [text for text, pool in pools.items() if not pool.hours]:
        del pools[text]


def _told(column: Column, redactor: Redactor) -> tuple[str, str, str] | None:
    """(series, unit, kind) under which it is told; None: it is not."""
    if column.series.name not in METRICS:
        return None
    if column.kind == DISTRIBUTION and column.series.stat in _ADDED:
        return None
    item: Series | None = redactor.series(column.series)
    if item is None:
        return None
    inner = ",".join(f'{key}="{escape(value)}"' for key, value in item.labels if key not in _NAMED)
    unit = f"{column.unit}/s" if column.kind == COUNTER else column.unit
    return f"{item.name}{{{inner}}}" if inner else item.name, unit, column.kind


def _statistics(hour: int, values: Numbers) -> tuple[HourOf, int]:
    low, middle, high, top = np.percentile(values, (1, 50, 95, 99)).tolist()
    clipped = np.clip(values, low, top)
    changed = int((clipped != values).sum())
    numbers = (float(clipped.mean()), low, top, middle, high, top)
    return HourOf(hour, len(values), *(float(f"{number:.{_DIGITS}g}") for number in numbers)), changed


def _programs(archive: Archive, since_s: int, until_s: int) -> tuple[int, list[ProgramGroup], int]:
    """Users, programs that may be told, and how many may not."""
    users: dict[str, set[str]] = {}
    keys: dict[str, set[str]] = {}
    for schema, change in archive.changes(PROCESSES.name, since_s * NS_PER_S, until_s * NS_PER_S):
        if len(schema.columns) <= max(NAME, USER):
            continue
        for key, row in change.rows.items():
            program = str(row[NAME])
            shown = program if program in public.PROGRAMS else ""
            users.setdefault(shown, set()).add(str(row[USER]))
            keys.setdefault(shown, set()).add(key)
    persons = len({user for found in users.values() for user in found} - public.ACCOUNTS - {"", "None"})
    told = [
        ProgramGroup(program, len(users[program]), len(keys[program]))
        for program in sorted(users)
        if program and (persons <= 1 or len(users[program]) >= K)
    ]
    return persons, told, sum(1 for program in users if program) - len(told)
