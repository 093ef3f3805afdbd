"""`wftop rules test FILE|ID…`: when rules would have fired over what was recorded, and where that is not known."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from wftui import clock, units
from wftui.alerts import load, store
from wftui.alerts.replay import Firing, Outcome
from wftui.alerts.rule import Rule
from wftui.alerts.words import condition_text
from wftui.cli.alerts_told import put_json, when
from wftui.cli.output import say
from wftui.cli.rules import find
from wftui.clock import NS_PER_S
from wftui.errors import NoDataError, UsageError
from wftui.history.replayed import DAY_S, MOST_S, Replayed, replayed
from wftui.paths import Places, places
from wftui.render.text import duration
from wftui.store.archive import open_archive
from wftui.text import clean
from wftui.when import moment

_GAPS: Final = 5
"""Lines of gaps."""


def main(
    named: Sequence[str],
    *,
    since: str = "24h",
    json: bool = False,
    data_dir: str | None = None,
    config_file: str | None = None,
) -> int:
    """Run the command; 0 when it is done, 1 when a file holds mistakes.

    Raises:
        UsageError: Nothing is named, or the time is none (2).
        ConfigError: There is no such rule (4).
        StoreError: The recording cannot be read (5).
        NoDataError: Nothing was recorded in that time (7).
    """
    if not named:
        raise UsageError("rules test expects a file or an id: wftop rules test rule.NAME")
    now_s = clock.SystemClock().now().time_ns // NS_PER_S
    since_s = moment(since, now_s * NS_PER_S) // NS_PER_S
    if not 0 <= now_s - since_s <= MOST_S:
        raise UsageError(f"--since: expected a time within the last {MOST_S // DAY_S} days, got {since!r}")
    where = places(data_dir, config_file)
    rules, mistakes = _chosen(where, named)
    if mistakes:
        for line in mistakes:
            say(clean(line))
        return 1
    if not where.data_dir.exists():
        raise NoDataError(f"{where.data_dir}: nothing was recorded there yet; wftop record records")
    with open_archive(where.data_dir) as archive:
        found = replayed(archive, rules, since_s, now_s + 1)
    if not any(item.seconds for item in found.outcomes):
        raise NoDataError(f"nothing was recorded since {when(since_s * NS_PER_S)}")
    if json:
        return put_json(_as_json(found))
    for item in found.outcomes:
        for line in _lines(item):
            say(line)
    for line in _about(found):
        say(line)
    return 0


def _chosen(where: Places, named: Sequence[str]) -> tuple[list[Rule], list[str]]:
    """The rules that are meant, and what is wrong in the files."""
    rules: list[Rule] = []
    mistakes: list[str] = []
    book: store.Book | None = None
    for name in named:
        if name.lower().endswith(load.ENDINGS) or "/" in name:
            loaded = store.read_file(Path(name))
            rules += loaded.rules
            mistakes += loaded.mistakes
        else:
            book = book or store.read(where)
            rules.append(find(book, name))
    return list({rule.id: rule for rule in rules}.values()), mistakes


# ---- what is printed


def _lines(item: Outcome) -> Iterator[str]:
    rule = item.rule
    yield f"{rule.id}  {rule.severity}  {clean(rule.name)}".rstrip()
    yield f"    {clean(condition_text(rule))}"
    for found in item.firings:
        yield f"    {_line(found)}"
    count = len(item.firings)
    times = "never" if not count else "once" if count == 1 else f"{count} times"
    often = f", {count * DAY_S / item.seconds:.1f} a day" if count and item.seconds >= DAY_S // 2 else ""
    share = f", {item.firing_s / item.seconds * 100:.1f} % of it" if item.firing_s else ""
    yield f"    fired {times} in {duration(item.seconds)} of recorded time{often}{share}"
    for why, seconds in sorted(item.unknown.items(), key=lambda pair: -pair[1]):
        yield f"    not known for {duration(seconds)}: {clean(why)}"


def _line(found: Firing) -> str:
    ended_ns = found.ended_ns
    span = "fires still" if ended_ns is None else f"for {duration((ended_ns - found.fired_ns) / NS_PER_S)}"
    labels = clean(found.alert.partition("{")[2].rstrip("}"))
    value = f"{units.quantity(found.value, found.unit)}, limit {units.quantity(found.threshold, found.unit)}"
    worst = f", at worst {units.quantity(found.worst, found.unit)}" if found.worst != found.value else ""
    return "  ".join(part for part in (when(found.fired_ns), f"{span:11}", labels, value + worst) if part)


def _about(found: Replayed) -> Iterator[str]:
    for gap in sorted(found.gaps, key=lambda item: item.since_s - item.until_s)[:_GAPS]:
        span = f"{when(gap.since_s * NS_PER_S)} to {when(gap.until_s * NS_PER_S)}"
        yield f"nothing was recorded from {span} ({duration(gap.until_s - gap.since_s)})"
    if len(found.gaps) > _GAPS:
        missing = sum(item.until_s - item.since_s for item in found.gaps)
        yield f"and in {len(found.gaps) - _GAPS} more gaps; {duration(missing)} are missing in all"
    for level in found.past.levels:
        span = f"{when(level.since_s * NS_PER_S)} to {when(level.until_s * NS_PER_S)}"
        yield f"from {span} only means of {level.step_s} s are left: what was shorter is not seen"
    for name in found.past.untold:
        yield f"{name} is not recorded each second: conditions on it are not known"


def _as_json(found: Replayed) -> dict[str, Any]:  # Any: JSON
    return {
        "schema_version": 1,
        "since_ns": found.since_s * NS_PER_S,
        "until_ns": found.until_s * NS_PER_S,
        "rules": [
            {
                "id": item.rule.id,
                "name": item.rule.name,
                "severity": item.rule.severity,
                "condition": condition_text(item.rule),
                "seconds": item.seconds,
                "firing_s": item.firing_s,
                "a_day": len(item.firings) * DAY_S / item.seconds if item.seconds else None,
                "unknown_s": item.unknown,
                "firings": [_firing_json(firing) for firing in item.firings],
            }
            for item in found.outcomes
        ],
        "gaps": [
            {"since_ns": item.since_s * NS_PER_S, "until_ns": item.until_s * NS_PER_S} for item in found.gaps
        ],
        "coarse": [
            {"since_ns": item.since_s * NS_PER_S, "until_ns": item.until_s * NS_PER_S, "step_s": item.step_s}
            for item in found.past.levels
        ],
        "not_recorded": found.past.untold,
    }


def _firing_json(found: Firing) -> dict[str, Any]:  # Any: JSON
    numbers = {"value": found.value, "threshold": found.threshold, "worst": found.worst}
    return {
        "alert": found.alert,
        "labels": found.labels,
        "severity": found.severity,
        "fired_ns": found.fired_ns,
        "ended_ns": found.ended_ns,
        "unit": found.unit,
        **{name: value if math.isfinite(value) else None for name, value in numbers.items()},
    }
