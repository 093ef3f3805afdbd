"""Any metrics page that a person names: ``http://127.0.0.1:9400/metrics kind=prometheus include=DCGM_*``.

Its labels are not ours: ``model`` and ``model_name`` name the model, all others stand in ``mode`` as
``gpu=0,phase=decode``. ``relabel=OLD:NEW`` gives a label (or a metric) another name, ``relabel=OLD:`` drops a
label, ``*`` is all that are not named: counters that fall together are added, of gauges the mean is taken.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from math import isnan
from typing import Final, NamedTuple

from wftui.collectors.servers.custom import metric, source_of
from wftui.collectors.servers.exposition import number, parse, types
from wftui.collectors.servers.figures import Histogram, Key, Look, Missing, named
from wftui.collectors.servers.web import Web
from wftui.endpoint import PAGE, Pick
from wftui.errors import SourceFormatError
from wftui.model.sample import MEASURED

NAME: Final = PAGE
DEFAULT: Final = "/metrics"
MOST: Final = 2000
"""Series of one page, as of one pusher."""
_BLANKS: Final = frozenset({float(0x7FFFFFFFFFFFFFF0), *(140737488355328.0 + step for step in range(4))})
"""What DCGM says for "not known", as whole numbers and as others."""
_CACHED: Final = 8192
_GAUGE, _COUNTER, _BUCKET, _SUM, _COUNT = range(5)
_ENDINGS: Final = ("_bucket", "_sum", "_count", "_total", "_created")
_PARTS: Final = {"_bucket": _BUCKET, "_sum": _SUM, "_count": _COUNT}


class _Place(NamedTuple):
    key: Key
    role: int
    bound: float = 0.0


class _Spread:
    """A histogram or a summary as it is gathered."""

    def __init__(self) -> None:
        self.buckets: dict[float, float] = {}
        self.total = float("nan")
        self.count: float | None = None

    def add(self, place: _Place, value: float) -> None:
        """Take one of its samples."""
        if place.role == _BUCKET:
            self.buckets[place.bound] = self.buckets.get(place.bound, 0.0) + value
        elif place.role == _SUM:
            self.total = value if isnan(self.total) else self.total + value
        else:
            self.count = (self.count or 0.0) + value

    def done(self) -> Histogram | None:
        """What was gathered; None: it is not whole."""
        bounds = tuple(sorted(self.buckets))
        if bounds and bounds[-1] == float("inf"):
            return Histogram(bounds, tuple(self.buckets[bound] for bound in bounds), self.total)
        if self.count is not None:
            return Histogram((float("inf"),), (self.count,), self.total)
        return None


def path(web: Web) -> str:
    """Behind the prefix of its address: that is the whole path where there is one."""
    return "" if web.endpoint.prefix else DEFAULT


async def identify(web: Web) -> str | None:
    """A page with at least one sample."""
    answer = await web.ok(path(web))
    try:
        return "" if any(True for _ in parse(answer.body, path(web))) else None
    except SourceFormatError:
        return None


class Page:
    """One page."""

    def __init__(self) -> None:
        self._pick = Pick()
        self._source = ""
        self._places: dict[bytes, _Place | None] = {}
        """A line as far as its value → what it is; None: not wanted."""
        self._types: Mapping[str, str] = {}
        self._too_long: dict[str, None] = {}

    async def look(self, web: Web) -> Look:
        """Read it."""
        where = path(web)
        self.start(web.endpoint.pick, source_of(web.endpoint))
        answer = await web.ok(where)
        shown = web.endpoint.prefix + where
        look = Look(reads=(shown,), at=answer.at)
        self.read(answer.body, shown, look)
        return look

    def start(self, pick: Pick, source: str) -> None:
        """What to take from it, and what its series are called after."""
        self._pick, self._source = pick, source

    def read(self, page: bytes, where: str, look: Look) -> None:
        """Put the page's figures into a look.

        Raises:
            SourceFormatError: The page is not in the format.
        """
        self._types = {}
        kept: set[Key] = set()
        left_out: set[Key] = set()
        means: dict[Key, int] = {}
        spreads: dict[Key, _Spread] = {}
        for at, line in enumerate(page.split(b"\n")):
            if not line or line.startswith(b"#") or line.isspace():
                continue
            found = self._read(line, at, page, where)
            if found is None:
                continue
            place, value = found
            if place.key not in kept:
                if len(kept) >= MOST:
                    left_out.add(place.key)
                    continue
                kept.add(place.key)
            _put(look, place, value, means, spreads)
        for key, count in means.items():
            if count > 1:
                look.gauges[key] /= count
        look.histograms = {key: made for key, item in spreads.items() if (made := item.done()) is not None}
        look.missing = self._missing(len(left_out))

    def _missing(self, left_out: int) -> tuple[Missing, ...]:
        found = []
        if left_out:
            found.append(Missing(f"{left_out} series beyond {MOST}", "take fewer: include=PATTERN,…"))
        if self._too_long:
            first = next(iter(self._too_long))
            more = f" and {len(self._too_long) - 1} more" if len(self._too_long) > 1 else ""
            found.append(Missing(f"{named(first)}{more}", f"the name is too long: relabel={named(first)}:SHORTER"))
        return tuple(found)

    def _read(self, line: bytes, at: int, page: bytes, where: str) -> tuple[_Place, float] | None:
        before, _, last = line.rstrip(b"\r").rpartition(b" ")
        place = self._places.get(before, ...)
        if place is not ...:
            try:
                return None if place is None else (place, number(last))
            except ValueError:
                pass  # parsed below: it raises our error
        sample = next(parse(line, where, at))
        made = self._place(sample.name, sample.labels, page, where)
        if len(self._places) >= _CACHED:
            self._places.clear()
        if line[: sample.start].rstrip() == before:  # else a time stands behind the value
            self._places[before] = made
        return None if made is None else (made, sample.value)

    def _place(self, name: str, labels: dict[str, str], page: bytes, where: str) -> _Place | None:
        if not self._types:
            self._types = types(page) or {"": ""}
        family, ending = name, ""
        if name not in self._types:
            ending = next((item for item in _ENDINGS if name.endswith(item)), "")
            family = name.removesuffix(ending) if name.removesuffix(ending) in self._types else name
        kind = self._types.get(family, "")
        if ending == "_created" or not self._wanted(name, family):
            return None
        role, bound = _GAUGE, 0.0
        if kind in ("histogram", "summary") and ending in _PARTS:
            role = _PARTS[ending]
            if role == _BUCKET:
                try:
                    bound = number(labels.pop("le", "").encode())
                except ValueError:
                    return None
        else:
            family = name if kind not in ("histogram", "summary") else family
            if kind == "counter" or (not kind and name.endswith("_total")):
                role = _COUNTER
        relabel = dict(self._pick.relabel)
        made = metric(self._source, relabel.get(family) or family)
        if made is None:
            self._too_long[family] = None
            return None
        model = labels.pop("model_name", "") or labels.pop("model", "")
        rest = []
        for old, value in sorted(labels.items()):
            new = relabel.get(old, relabel.get("*", old))
            if new == "model":
                model = value
            elif new and value:
                rest.append(value if new == "mode" else f"{new}={value}")
        key = Key(made, named(model), named(",".join(rest)), MEASURED, f"{where} {family}"[:200])
        return _Place(key, role, bound)

    def _wanted(self, name: str, family: str) -> bool:
        def fits(patterns: tuple[str, ...]) -> bool:
            return any(fnmatchcase(name, item) or fnmatchcase(family, item) for item in patterns)

        return (not self._pick.include or fits(self._pick.include)) and not fits(self._pick.exclude)


def _put(look: Look, place: _Place, value: float, means: dict[Key, int], spreads: dict[Key, _Spread]) -> None:
    key = place.key
    if isnan(value) or (value in _BLANKS and "DCGM_" in key.metric):
        return
    if place.role == _GAUGE:
        look.gauges[key] = look.gauges.get(key, 0.0) + value
        means[key] = means.get(key, 0) + 1
    elif place.role == _COUNTER:
        look.counters[key] = look.counters.get(key, 0.0) + value
    else:
        spreads.setdefault(key, _Spread()).add(place, value)


def make() -> Page:
    """An adapter for one page."""
    return Page()
