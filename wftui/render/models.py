"""Model servers of one moment: tables and numbers to a card for each server, with its models and requests.

Pure: live, at a moment of the past and in a report the same. Unknown numbers are NaN, never 0. The parts of a
server (the runners of an Ollama, the children of a router) stand in its card; what both tell counts once.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING, Final, Protocol

from wftui.model import health
from wftui.model import servers as cells
from wftui.render.model_cards import Model, Request, Server
from wftui.render.model_figures import Figures, Index, figures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wftui.model.table import Cell, Row
    from wftui.render.model_figures import Scope

GOOD: Final = "good"
WARN: Final = "warn"
BAD: Final = "bad"
QUIET: Final = "dim"
RANK: Final = {QUIET: 0, GOOD: 1, WARN: 2, BAD: 3}
FULL: Final = 0.95
"""Share of the KV cache from which on requests are about to be thrown out of it."""
_DIGITS: Final = re.compile(r"(\d+)")
_LEVELS: Final = {
    health.OK: GOOD,
    health.LATE: WARN,
    health.DENIED: WARN,
    health.UNSUPPORTED: WARN,
    health.STUCK: BAD,
    health.FAILED: BAD,
}


class Numbers(Protocol):
    """Where numbers come from, by the canonical text of their series; NaN: unknown."""

    def value(self, text: str) -> float:
        """The newest value."""
        ...

    def rate(self, text: str) -> float:
        """Growth per second of a counter."""
        ...

    def mean(self, text: str) -> float:
        """Mean of the last ten seconds."""
        ...


def servers(tables: Mapping[str, Mapping[str, Row]], index: Index, numbers: Numbers) -> tuple[Server, ...]:
    """All servers in a stable order: by kind, then by endpoint.

    Args:
        tables: Rows of the tables ``servers``, ``models`` and ``inference_requests`` by their names.
        index: All series about servers, of ``model_figures.index``.
        numbers: Their values.
    """
    rows = tables.get(cells.SERVERS.name, {})
    by_server: dict[str, list[Row]] = {}
    for row in tables.get(cells.MODELS.name, {}).values():
        by_server.setdefault(_text(row[cells.M_SERVER]), []).append(row)
    asked: dict[str, list[Row]] = {}
    for row in tables.get(cells.REQUESTS.name, {}).values():
        asked.setdefault(_text(row[cells.R_SERVER]), []).append(row)
    parts: dict[str, list[Row]] = {}
    for row in rows.values():
        parent = _text(row[cells.PARENT])
        if parent in rows and parent != row[cells.ENDPOINT]:
            parts.setdefault(parent, []).append(row)
    inner = {_text(row[cells.ENDPOINT]) for those in parts.values() for row in those}
    found = []
    for endpoint, row in rows.items():
        if endpoint not in inner:
            of = sorted(parts.get(endpoint, ()), key=lambda part: natural(_text(part[cells.ENDPOINT])))
            found.append(_server(row, of, by_server, asked, index, numbers))
    return tuple(sorted(found, key=lambda item: (item.kind, natural(item.endpoint))))


@lru_cache(maxsize=1024)
def natural(words: str) -> tuple[tuple[int, str], ...]:
    """What sorts ``:9000`` before ``:10000``."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in _DIGITS.split(words))


def _server(
    row: Row,
    parts: Sequence[Row],
    by_server: Mapping[str, Sequence[Row]],
    asked: Mapping[str, Sequence[Row]],
    index: Index,
    numbers: Numbers,
) -> Server:
    names = [_text(row[cells.ENDPOINT]), *(_text(part[cells.ENDPOINT]) for part in parts)]
    bounds: dict[str, tuple[float, float]] = {}
    for each in (row, *parts):
        for metric, pair in _bounds(_text(each[cells.BOUNDS])).items():
            bounds.setdefault(metric, pair)
    # A part speaks of models only where its server does not: its file names are nobody's names.
    told = by_server.get(names[0]) or [item for name in names[1:] for item in by_server.get(name, ())]
    known = [_text(item[cells.M_NAME]) for item in told]
    whole = index.scope(names, known)
    seen = sorted(told, key=lambda item: natural(_text(item[cells.M_NAME])))
    all_figures = figures(whole, bounds, numbers)
    models = []
    for item in seen:
        scope = index.scope(names, known, _text(item[cells.M_NAME]))
        # Of an only model all is told already, and reading it is most of what this costs.
        models.append(_model(item, scope, all_figures if scope is whole else figures(scope, bounds, numbers)))
    requests = [_request(item) for name in names for item in asked.get(name, ())]
    level, trouble = _trouble(row, all_figures, models)
    return Server(
        endpoint=names[0],
        kind=_text(row[cells.KIND]),
        version=_text(row[cells.VERSION]),
        state=_text(row[cells.STATE]),
        reason=_text(row[cells.REASON]),
        fix=_text(row[cells.FIX]),
        since_ns=_whole(row[cells.SINCE]),
        pid=_whole(row[cells.PID]),
        start=_whole(row[cells.START]),
        container=_text(row[cells.CONTAINER]),
        origin=_text(row[cells.ORIGIN]),
        reads=_listed(_text(row[cells.READS])),
        missing=tuple(
            (figure.strip(), fix.strip())
            for figure, _, fix in (line.partition(":") for line in _text(row[cells.MISSING]).splitlines())
            if figure.strip()
        ),
        renamed=tuple(
            (old, new) for old, _, new in (pair.partition("=") for pair in _listed(_text(row[cells.RENAMED])))
        ),
        bounds=bounds,
        gpus=tuple(dict.fromkeys(uuid for each in (row, *parts) for uuid in _listed(_text(each[cells.GPUS])))),
        parts=tuple(parts),
        verdict=_text(row[cells.VERDICT]),
        evidence=_text(row[cells.EVIDENCE]),
        models=tuple(models),
        requests=tuple(sorted(requests, key=lambda item: (item.model, natural(item.name)))),
        scope=whole,
        figures=all_figures,
        level=level,
        trouble=trouble,
    )


def _model(row: Row, scope: Scope, told: Figures) -> Model:
    return Model(
        name=_text(row[cells.M_NAME]),
        state=_text(row[cells.M_STATE]),
        size=_number(row[cells.M_SIZE]),
        parameters=_number(row[cells.M_PARAMETERS]),
        quantization=_text(row[cells.M_QUANTIZATION]),
        context=_number(row[cells.M_CONTEXT]),
        vram=_number(row[cells.M_VRAM]),
        ram=_number(row[cells.M_RAM]),
        expires_ns=_whole(row[cells.M_EXPIRES]),
        since_ns=_whole(row[cells.M_SINCE]),
        detail=_text(row[cells.M_DETAIL]),
        scope=scope,
        figures=told,
    )


def _request(row: Row) -> Request:
    slot = _whole(row[cells.R_SLOT])
    return Request(
        model=_text(row[cells.R_MODEL]),
        name=_text(row[cells.R_ID]) or ("" if slot is None else str(slot)),
        state=_text(row[cells.R_STATE]),
        prompt=_number(row[cells.R_PROMPT]),
        processed=_number(row[cells.R_PROCESSED]),
        cached=_number(row[cells.R_CACHED]),
        generated=_number(row[cells.R_GENERATED]),
        context=_number(row[cells.R_CONTEXT]),
        progress=_number(row[cells.R_PROGRESS]),
        since_ns=_whole(row[cells.R_SINCE]),
        detail=_text(row[cells.R_DETAIL]),
    )


def _trouble(row: Row, found: Figures, models: Iterable[Model]) -> tuple[str, str]:
    """How well a server is, and the word for it."""
    state = _text(row[cells.STATE])
    level = _LEVELS.get(state, QUIET)
    if level != GOOD:
        return level, state
    failed = [item.name for item in models if item.state == cells.FAILED]
    if failed:
        return BAD, "model failed"
    if row[cells.VERDICT]:
        return WARN, "claim"
    if found.preempting > 0:
        return WARN, "preempting"
    if found.kv >= FULL:
        return WARN, "KV cache full"
    return GOOD, ""


@lru_cache(maxsize=256)
def _bounds(words: str) -> Mapping[str, tuple[float, float]]:
    """``metric=low:high`` with commas between; what is no pair of numbers is left out."""
    found = {}
    for pair in _listed(words):
        metric, _, ends = pair.partition("=")
        low, _, high = ends.partition(":")
        try:
            found[metric] = float(low), float(high)
        except ValueError:
            continue
    return found


@lru_cache(maxsize=1024)
def _listed(words: str) -> tuple[str, ...]:
    return tuple(word for word in words.split(",") if word)


def _text(value: Cell) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Cell) -> float | None:
    return float(value) if isinstance(value, int | float) and value == value else None


def _whole(value: Cell) -> int | None:
    return int(value) if isinstance(value, int | float) and isfinite(value) else None
