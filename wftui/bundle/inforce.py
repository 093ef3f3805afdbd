"""What held over the range of a bundle: health of sources, gaps, rules and settings in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from wftui import config
from wftui.alerts import store as rule_store
from wftui.bundle.format import Gaps, GapSpan, RuleInForce, SettingInForce, SourcesHealth
from wftui.clock import NS_PER_S
from wftui.errors import ConfigError, StoreError
from wftui.model.health import OK, Health
from wftui.model.tick import unpack
from wftui.store import gaps as store_gaps
from wftui.when import is_zone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wftui.bundle.privacy import Redactor
    from wftui.model.event import Event
    from wftui.paths import Places
    from wftui.store.archive import Archive
    from wftui.store.read import Span

_FIGURES: Final = {
    "wftop.source.coverage": "coverage",
    "wftop.source.duration": "duration_s",
    "wftop.source.interval": "interval_s",
    "wftop.source.late": "late",
    "wftop.source.failures": "failures",
}
"""Series to what ``Health`` calls it."""
_TOLD: Final = frozenset({"id", "severity", "category", "enabled", "origin"})
"""Fields of a rule that ``RuleInForce`` has beside ``rule``."""


def health(archive: Archive, redactor: Redactor, span: Span, states: Mapping[str, Event]) -> SourcesHealth:
    """How each source was in the last tick, by what it last said of itself and by its own series.

    Args:
        archive: Where the tick is.
        redactor: For reasons and steps that mend.
        span: Of the range.
        states: Source to its last ``source.state``.
    """
    tick = next(iter(list(archive.sequence(span.last_seq, span.last_seq))), None)
    figures: dict[str, dict[str, float]] = {}
    if tick is not None:
        columns = archive.layout(tick.layout).columns
        for column, value in zip(columns, unpack(tick.values), strict=False):
            name, source = _FIGURES.get(column.series.name), column.series.label("source")
            if name and source and not column.series.stat and value == value:
                figures.setdefault(source, {})[name] = value
    at_ns = 0 if tick is None else (tick.time_s + 1) * NS_PER_S
    found = []
    for source in sorted({*figures, *states}):
        event, known = states.get(source), figures.get(source, {})
        payload = {} if event is None else event.payload
        found.append(
            redactor.health(
                Health(
                    source,
                    # A source that never said anything of itself is well: each other state is an event.
                    str(payload.get("after") or OK),
                    str(payload.get("reason") or ""),
                    str(payload.get("fix") or ""),
                    0 if event is None else event.time_ns,
                    interval_s=known.get("interval_s", 0.0),
                    duration_s=known.get("duration_s"),
                    coverage=known.get("coverage"),
                    late=int(known.get("late", 0)),
                    failures=int(known.get("failures", 0)),
                )
            )
        )
    return SourcesHealth(at_ns, found)


def gaps(archive: Archive, since_s: int, until_s: int) -> Gaps | None:
    """When nothing was recorded; None: that cannot be told now."""
    try:
        found, recorded = store_gaps.gaps(archive, since_s, until_s)
    except StoreError:
        return None
    return Gaps(recorded, [GapSpan(*item) for item in found])


def rules(places: Places, redactor: Redactor) -> list[RuleInForce]:
    """Those that are read now, also such that are switched off.

    Raises:
        ConfigError: The rules that ship with wftop are not there.
    """
    book = rule_store.read(places)
    found = []
    for rule in book.rules:
        body = {
            key: value
            for key, value in msgspec.to_builtins(rule).items()
            if key not in _TOLD and value not in ("", None, [], 0, 0.0, False)
        }
        told = redactor.json(body)
        name = redactor.rule(rule.id)
        found.append(RuleInForce(name, rule.severity, rule.category, rule.enabled, rule.origin.builtin, told))
    return sorted(found, key=lambda item: item.id)


def settings(places: Places, redactor: Redactor) -> dict[str, SettingInForce]:
    """All settings as they are read now.

    Raises:
        ConfigError: A file of them cannot be read.
    """
    loaded = config.load(places)
    found = {}
    for name in sorted(config.KEYS):
        value = redactor.setting(name, msgspec.to_builtins(loaded[name]))
        if value is not None:
            found[name] = SettingInForce(value, _origin(loaded.origin(name)))
    return found


def _origin(told: str) -> str:
    """Without the path of the file."""
    if told == "default":
        return told
    if told.startswith("WFTOP_"):
        return "environment"
    return "settings" if "settings.toml" in told else "config"


def local_zone(places: Places | None) -> str:
    """IANA name of the zone in which this machine's times are shown, else an offset like ``+02:00``."""
    import os
    import time

    if places is not None:
        try:
            chosen = config.load(places).text("view.time_zone")
        except ConfigError:
            chosen = "local"
        if chosen not in ("local", ""):
            return "UTC" if chosen == "utc" else chosen
    named = os.environ.get("TZ", "").lstrip(":")
    if not named:
        try:
            named = os.readlink("/etc/localtime")  # noqa: PTH115  a text is wanted
        except OSError:
            named = ""
    zone = named.rpartition("zoneinfo/")[2]
    if zone and is_zone(zone):
        return zone
    seconds = time.localtime().tm_gmtoff
    minutes = abs(seconds) // 60
    return f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
