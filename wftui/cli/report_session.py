"""`wftop report --session ID`: what a session of answers came to. Like the report it names nobody.

A session is the answers of one source (a program, a core, a model server) with pauses of five minutes at most; its
ID is the UTC second in which it began. Figures of answers come from the events ``stream.ended`` and
``stream.abandoned``, all else from the series of the same seconds. What was not recorded is said to be so, and is
never 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from wftui.energy.sink import ABANDONED, ABORTED, FAILED, UNKNOWN
from wftui.errors import NoDataError
from wftui.model.event import Event
from wftui.model.sample import MEASURED
from wftui.model.series import Series
from wftui.names import METRICS
from wftui.render import digest as drawn
from wftui.render import text
from wftui.render.digest import Table, value
from wftui.render.energy import share, watt_hours
from wftui.store import query
from wftui.store.archive import Archive
from wftui.store.energy import energy, total
from wftui.units import NS_PER_S
from wftui.wire import messages as m

PAUSE_S: Final = 300.0
"""A longer one begins another session."""
LAST: Final = "last"
NOT_RECORDED: Final = "not recorded"
_NOT_FINISHED: Final = {
    ABORTED: "aborted",
    FAILED: "failed",
    ABANDONED: "abandoned (nobody told of the end)",
    UNKNOWN: "of unknown outcome",
}
_EVENTS: Final = 100_000
_NAMED: Final = 8
"""Sessions that an error names."""
_GAUGES: Final = {
    "Fidelity": (
        ("energy seen of that computed, 60 s", "wftop.fidelity.ratio", ""),
        ("visual lag", "wftop.fidelity.lag", ""),
        ("coherence, 0 to 100", "wftop.fidelity.coherence", ""),
    ),
    "Frames": (
        ("frames a second", "ux.frame.rate", "10s"),
        ("time of a frame, 95th percentile", "ux.frame.p95", "10s"),
        ("jitter", "ux.frame.jitter", "10s"),
        ("jank budget in use", "ux.frame.jank", "10s"),
        ("stability, 0 to 100", "ux.frame.stability", "10s"),
    ),
}
"""Title to (what, metric, mode)."""
_COUNTERS: Final = {
    "Fidelity": (("EU seen", "wftop.fidelity.seen"), ("EU missed", "wftop.fidelity.missed")),
    "Frames": (("frames over 16.67 ms", "ux.frames.over"), ("frames lost", "ux.frames.lost")),
}


class Answer(NamedTuple):
    """What one event ``stream.ended`` or ``stream.abandoned`` says."""

    began_s: float
    ended_s: float
    source: str
    """Who told it: a program, ``core`` or a server's endpoint."""
    model: str
    answers: int
    tokens: int
    units: float
    """EU."""
    stalls: int
    first_token_s: float | None
    ends: Mapping[str, int]
    """How they ended to how many; empty: recorded before that was told."""
    estimated: bool
    """A server's counters told it."""


Session = Sequence[Answer]
"""In the order of their ends; never empty."""


def summary(archive: Archive, name: str, *, marked: bool) -> str:
    """The report of a session, by its ID or ``last``.

    Raises:
        NoDataError: There is none, or none of that ID.
        StoreError: The recording cannot be read.
    """
    found, _ = archive.events(types=["stream.ended", "stream.abandoned"], limit=_EVENTS, newest=True)
    those = sessions(found)
    if not those:
        raise NoDataError("--session: no answer that ended is recorded; tell of tokens first (docs/push.md)")
    named = dict(zip(identities(those), those, strict=True))
    identity = next(reversed(named)) if name == LAST else name
    if identity not in named:
        known = ", ".join([*named][-_NAMED:][::-1])
        raise NoDataError(f"--session: expected {LAST} or one of {known}, got {name!r}")
    session = named[identity]
    since_s, until_s = math.floor(began(session)), math.floor(session[-1].ended_s) + 1
    title = f"wftop session {identity}, {drawn.moment(since_s)} to {drawn.moment(until_s)}"
    return drawn.written(
        f"{title} (UTC{text.offset(until_s)})",
        _lines(session, since_s, until_s),
        [_models(session), _joules(archive, session, since_s, until_s), *_measured(archive, since_s, until_s)],
        marked=marked,
    )


def sessions(events: Iterable[Event]) -> list[Session]:
    """Those of all sources, the one that began first before the others."""
    answers = sorted((_answer(item) for item in events), key=lambda item: item.ended_s)
    open_: dict[str, list[Answer]] = {}
    found: list[list[Answer]] = []
    for item in answers:
        held = open_.get(item.source)
        if held is None or item.began_s - held[-1].ended_s > PAUSE_S:
            held = open_[item.source] = []
            found.append(held)
        held.append(item)
    return sorted(found, key=lambda those: (began(those), those[0].source))


def identities(those: Sequence[Session]) -> list[str]:
    """Of each session; of those that began in one second the later ones bear a number."""
    found: list[str] = []
    for session in those:
        plain = f"{datetime.fromtimestamp(math.floor(began(session)), UTC):%Y%m%dT%H%M%SZ}"
        same = sum(1 for item in found if item.partition("-")[0] == plain)
        found.append(f"{plain}-{same + 1}" if same else plain)
    return found


def began(session: Session) -> float:
    """UTC second of its first prompt or token."""
    return min(item.began_s for item in session)


def _answer(item: Event) -> Answer:
    told = item.payload
    told_s = item.time_ns / NS_PER_S
    began_s = told_s - (_number(told.get("since_s", told.get("duration_s"))) or 0.0)
    # Of one that was given up only its last token is known; that is when the session ends, too.
    ended_s = told_s - (_number(told.get("silent_s")) or 0.0)
    return Answer(
        began_s=began_s,
        ended_s=ended_s,
        source=str(told.get("source") or told.get("server") or ""),
        model=str(told.get("model") or ""),
        answers=int(_number(told.get("answers")) or 1),
        tokens=int(_number(told.get("tokens")) or 0),
        units=_number(told.get("units")) or 0.0,
        stalls=int(_number(told.get("stalls")) or 0),
        first_token_s=_number(told.get("first_token_s")),
        ends=_counts(told.get("ends")),
        estimated=told.get("told_by") == "counters",
    )


def _number(cell: object) -> float | None:
    return float(cell) if isinstance(cell, int | float) and not isinstance(cell, bool) else None


def _counts(cell: object) -> dict[str, int]:
    return {str(how): int(_number(count) or 0) for how, count in cell.items()} if isinstance(cell, dict) else {}


# ---- parts of the report


def _lines(session: Session, since_s: int, until_s: int) -> list[str]:
    tokens, units = sum(item.tokens for item in session), math.fsum(item.units for item in session)
    answers = sum(item.answers for item in session)
    said = f"{answers} answer{'' if answers == 1 else 's'}, {tokens} tokens, {units:.1f} EU"
    said += f" in {text.duration(until_s - since_s)}."
    ends = {how: sum(item.ends.get(how, 0) for item in session) for how in _NOT_FINISHED}
    if parts := [f"{ends[how]} {words}" for how, words in _NOT_FINISHED.items() if ends[how]]:
        said += f" Not finished: {', '.join(parts)}."
    if any(item.estimated for item in session):
        said += " EU are estimated where a server's counters told the tokens."
    return [said]


def _models(session: Session) -> Table:
    heads = ("model", "answers", "tokens", "EU", "EU/token", "stalls", "first token", "95th", "longest")
    rows = []
    for number, model in enumerate(dict.fromkeys(item.model for item in session), 1):
        those = [item for item in session if item.model == model]
        tokens, units = sum(item.tokens for item in those), math.fsum(item.units for item in those)
        waits = sorted(item.first_token_s for item in those if item.first_token_s is not None)
        late = waits[math.ceil(0.95 * len(waits)) - 1] if waits else None
        rows.append((
            f"model {number}",
            str(sum(item.answers for item in those)),
            str(tokens),
            f"{units:.1f}",
            f"{units / tokens:.2f}" if tokens else text.UNKNOWN,
            str(sum(item.stalls for item in those)),
            _latency(math.fsum(waits) / len(waits)) if waits else NOT_RECORDED,
            _latency(late),
            _latency(waits[-1] if waits else None),
        ))  # fmt: skip
    return Table("Answers (first token: mean, 95th percentile, longest)", heads, rows)


def _latency(wait_s: float | None) -> str:
    return f"{wait_s:.2f} s" if wait_s is not None and wait_s >= 1 else value(wait_s, "s")


def _joules(archive: Archive, session: Session, since_s: int, until_s: int) -> Table:
    """Beside the EU, on the same seconds: what the machine drew in them, whoever had it compute."""
    found = energy(archive, since_s, until_s)
    tokens = sum(item.tokens for item in session)
    rows = []
    for title, kind in (("GPUs", "gpu"), ("CPU packages", "host")):
        devices = found.of(kind)
        joules = total(devices).joules
        if joules is None:
            rows.append((title, NOT_RECORDED, "", text.UNKNOWN, text.UNKNOWN, ""))
            continue
        told = [item for item in devices if item.joules is not None]
        covered = math.fsum(found.coverage(item) for item in devices) / len(devices)
        quality = "measured" if all(item.quality == MEASURED for item in told) else "estimated"
        each = f"{joules / tokens:.3g} J" if tokens else text.UNKNOWN
        rows.append(
            (
                title,
                f"{joules:.0f} J" if joules >= 100 else f"{joules:.3g} J",
                watt_hours(joules),
                each,
                share(covered),
                quality,
            )
        )
    note = "Of the whole machine in these seconds, whoever used it; EU say how a model spoke, joules what it drew."
    return Table("Energy", ("of", "joules", "", "per token", "covered", "known"), rows, note)


def _measured(archive: Archive, since_s: int, until_s: int) -> list[Table]:
    names = {row[1] for rows in (*_GAUGES.values(), *_COUNTERS.values()) for row in rows}
    question = m.Range([], since_s * NS_PER_S, until_s * NS_PER_S, 1)
    held, _ = query.totals(archive, question, lambda item: item.series.name in names and not item.series.stat)
    known = [
        (held.columns[name].series, held.columns[name].unit, sums)
        for name, sums in held.series.items()
        if any(sums.weight)
    ]
    found = []
    for title, gauges in _GAUGES.items():
        rows = []
        for what, metric, mode in gauges:
            of = [(unit, sums) for labels, unit, sums in known if _is(labels, metric, mode)]
            weight = sum(sum(sums.weight) for _, sums in of)
            if not weight:
                rows.append((what, NOT_RECORDED, "", "", ""))
                continue
            unit = of[0][0]
            mean = math.fsum(math.fsum(sums.total) for _, sums in of) / weight
            least = min(low for _, sums in of for low in sums.minimum if low == low)
            most = max(high for _, sums in of for high in sums.maximum if high == high)
            rows.append((what, value(mean, unit), value(least, unit), value(most, unit), ""))
        for what, metric in _COUNTERS[title]:
            grown = [math.fsum(sums.total) for labels, _, sums in known if _is(labels, metric, "")]
            places = 1 if METRICS[metric].unit == "{EU}" else 0  # frames are whole
            whole = f"{math.fsum(grown):.{places}f}" if grown else NOT_RECORDED
            rows.append((what, *(("", "", "", whole) if grown else (whole, "", "", ""))))
        found.append(Table(title, ("what", "mean", "least", "most", "total"), rows))
    return found


def _is(labels: Series, metric: str, mode: str) -> bool:
    return labels.name == metric and (not mode or labels.label("mode") == mode)
