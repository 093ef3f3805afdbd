"""What a condition's ``metric`` names: series of the catalogue, and what their values are in."""

import re
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from wftui import names
from wftui.alerts import paths
from wftui.alerts.amounts import units_of
from wftui.names import DISTRIBUTION, LABEL_KEYS, METRICS, STAT

TEXTS: Final = ("source.state", "server.state", "gpu.state", "model.state")
"""Signals that are texts."""
_PAIR: Final = re.compile(r'\s*([a-z_]+)\s*=\s*"((?:[^"\\]|\\["\\n])*)"\s*(?:,|\Z)')
_KEY: Final = re.compile(r'([a-zA-Z_]+)="')
_FREE: Final = re.compile(r"custom\.[a-zA-Z0-9_.*?]+|wftop\.event\.[a-z0-9_.]+")
"""Names that are in no catalogue: what programs push, and events."""
_MAX: Final = 400


class UnknownError(Exception):
    """A text names no series. ``args``: what was expected."""


class Target(NamedTuple):
    """Series of one metric."""

    name: str
    labels: tuple[tuple[str, str], ...] = ()
    """Patterns, sorted by key; any further label is open."""
    raw: str = ""
    """A pattern on the whole text, used as it is."""
    unit: str = ""
    """Empty: as it is pushed."""
    kind: str = names.GAUGE
    statistics: tuple[str, ...] = ()
    stat: str = ""
    """Statistic that an old path names and the selector does not have yet."""
    said: str = ""
    """The unit that an old path's values are in; empty: ``unit``."""

    @property
    def has_stat(self) -> bool:
        """Whether the selector names a statistic."""
        return 'stat="' in self.raw or any(key == STAT for key, _ in self.labels)

    @property
    def spread(self) -> bool:
        """Whether it is a distribution of which no statistic was named."""
        return self.kind == DISTRIBUTION and not self.has_stat

    def selector(self, stat: str = "") -> str:
        """As ``rule.Query`` takes it, with a statistic."""
        if self.raw:
            return self.raw
        pairs = sorted((*self.labels, (STAT, stat)) if stat else self.labels)
        if not pairs:
            return self.name
        # Series have more labels than a person names: between them anything may stand.
        return self.name + "{*" + "*".join(f'{key}="{value}"' for key, value in pairs) + "*}"

    def units(self) -> dict[str, float]:
        """The units that a value may be written in, each with its factor."""
        return units_of(self.unit, self.kind) if self.unit else {}


def resolve(text: str) -> tuple[Target, ...]:
    """The series that a text names: a selector, or a path of WIRTHFORGE's, which may stand for several metrics.

    Raises:
        UnknownError: It names none; says what was expected, with the nearest that there is.
    """
    if not text or len(text) > _MAX or not text.isprintable():
        raise UnknownError(f"a metric of at most {_MAX} printable characters")
    name, brace, rest = text.partition("{")
    if not brace:
        return _named(text)
    found = _entry(name.strip())
    if found is None:
        raise UnknownError(_nearest(name))
    if not rest.endswith("}") or not rest[:-1].strip():
        raise UnknownError(f'labels like {{mode="used"}} behind {name}')
    inner = rest[:-1]
    labels = _labels(inner)
    keys = [key for key, _ in labels] if labels else _KEY.findall(inner)
    if not keys:
        raise UnknownError(f'labels like {{mode="used"}} behind {name}')
    _check(found, keys, dict(labels or ()))
    return (found._replace(labels=labels) if labels else found._replace(raw=text),)


def _named(text: str) -> tuple[Target, ...]:
    found = _entry(text)
    if found is not None:
        return (found,)
    path = paths.find(text)
    if path is None:
        if text.startswith("custom:"):  # as pushes name their source
            return _named("custom." + re.sub(r"[^a-zA-Z0-9_.*?]", "_", text.removeprefix("custom:")))
        raise UnknownError(_nearest(text))
    targets = []
    for metric in path.old.metrics:
        entry = _entry(metric)
        assert entry is not None, metric  # noqa: S101  the table names what there is, by a test
        labels = tuple(sorted((key, _literal(value)) for key, value in path.labels))
        targets.append(entry._replace(labels=labels, stat=path.stat, said=path.old.unit))
    return tuple(targets)


def _literal(value: str) -> str:
    """A label's value of which no character is a pattern, between quotes."""
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return re.sub(r"[\[*?]", lambda match: f"[{match[0]}]", quoted)


def _entry(name: str) -> Target | None:
    metric = METRICS.get(name)
    if metric is not None:
        return Target(name, unit=metric.unit, kind=metric.kind, statistics=metric.statistics)
    if _FREE.fullmatch(name):
        event = name.startswith("wftop.event.")
        return Target(name, unit="{event}" if event else "", kind=names.COUNTER if event else names.GAUGE)
    if not any(char in name for char in "*?["):
        return None
    found = [item for item in METRICS.values() if fnmatchcase(item.name, name)]
    if not found or len({(item.unit, item.kind) for item in found}) > 1:
        return None  # a value cannot be of two units
    return Target(name, unit=found[0].unit, kind=found[0].kind, statistics=found[0].statistics)


def _labels(inner: str) -> tuple[tuple[str, str], ...] | None:
    """``key="pattern",…`` sorted by key; None: it is no such text."""
    found: dict[str, str] = {}
    position = 0
    while position < len(inner):
        match = _PAIR.match(inner, position)
        if match is None or match[1] in found:
            return None
        found[match[1]] = match[2]
        position = match.end()
    return tuple(sorted(found.items()))


def _check(target: Target, keys: list[str], labels: dict[str, str]) -> None:
    metric = METRICS.get(target.name)
    # What a program pushes is of its source, whichever metric it is.
    allowed = [*(metric.labels if metric else sorted(LABEL_KEYS)), STAT]
    if "source" not in allowed:
        allowed.append("source")
    for key in keys:
        if key not in allowed:
            raise UnknownError(f"a label of {target.name} ({', '.join(allowed)})")
    stat = labels.get(STAT, "")
    if metric and stat and not any(fnmatchcase(item, stat) for item in metric.statistics):
        kept = ", ".join(metric.statistics) or "none"
        raise UnknownError(f"a statistic that {target.name} keeps ({kept})")


def _nearest(text: str) -> str:
    import difflib  # only a mistake needs it

    near = difflib.get_close_matches(text[:100], [*METRICS, *paths.known()], n=3, cutoff=0.5)
    return "a metric like " + ", ".join(near) if near else "a metric of `wftop`'s catalogue (docs/metrics.md)"
