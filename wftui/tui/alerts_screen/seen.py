"""Alerts, rules and silences as the view knows them: rows of their tables with names, and what to call them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.model import alerts as cells
from wftui.model.series import pairs
from wftui.tui.gpus import boxes
from wftui.tui.scene import keep

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wftui.model.table import Cell, Row
    from wftui.tui.state import State

NAN: Final = float("nan")
SEVERITIES: Final = ("critical", "error", "warning", "info")
"""The worst first."""
ROLES: Final = {"critical": "bad", "error": "bad", "warning": "warn", "info": "mark"}
FIRING: Final = cells.FIRING
PENDING: Final = cells.PENDING
OVER: Final = cells.OVER
ACKED: Final = "acked"
SILENCED: Final = "silenced"
INHIBITED: Final = "inhibited"
_SERIES: Final = re.compile(r'[^\s{]+(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?')
"""One series of a cell that holds several with blanks between them; values of labels may have blanks too."""


class Alert(NamedTuple):
    """An alert that is not inactive."""

    key: str
    rule: str
    labels: Mapping[str, str]
    name: str
    severity: str
    category: str
    state: str
    since_ns: int
    value: float
    threshold: float
    unit: str
    series: tuple[str, ...]
    fired_value: float
    worst: float
    reason: str
    fired: int
    event: str
    acked_by: str
    acked_ns: int
    note: str
    silence: str
    inhibited: str
    message: str
    panels: tuple[str, ...] = ()
    """That its rule names; none: that of its series is meant."""

    @property
    def status(self) -> str:
        """Its state in a word, or why nobody is told of it although it fires."""
        if self.state != FIRING:
            return self.state
        held = SILENCED if self.silence else INHIBITED if self.inhibited else ""
        return held or (ACKED if self.acked_ns else FIRING)

    @property
    def loud(self) -> bool:
        """Whether it waits for somebody: it fires, and nobody claimed or muted it."""
        return self.status == FIRING

    @property
    def role(self) -> str:
        """The colour of its severity; what is held back or only pending is quiet."""
        return ROLES.get(self.severity, "warn") if self.status in (FIRING, ACKED) else "dim"

    @property
    def rank(self) -> int:
        """0: the worst severity."""
        return SEVERITIES.index(self.severity) if self.severity in SEVERITIES else len(SEVERITIES)


class Rule(NamedTuple):
    """A rule, also one that is off."""

    key: str
    name: str
    severity: str
    category: str
    enabled: bool
    state: str
    reason: str
    alerts: int
    instances: int
    cost_s: float
    condition: str
    file: str
    builtin: bool

    @property
    def rank(self) -> int:
        """0: the worst severity."""
        return SEVERITIES.index(self.severity) if self.severity in SEVERITIES else len(SEVERITIES)


class Silence(NamedTuple):
    """A silence that holds."""

    key: str
    matchers: str
    reason: str
    by: str
    created_ns: int
    until_ns: int


def alerts(state: State) -> tuple[Alert, ...]:
    """All that are not inactive, in no order."""
    return keep(state, "alerts seen", state.table_version, lambda: tuple(_alerts(state)))


def _alerts(state: State) -> list[Alert]:
    width = cells.MESSAGE + 1  # older recordings have no more
    return [_alert(key, row) for key, row in state.tables.get(cells.ALERTS.name, {}).items() if len(row) >= width]


def _alert(key: str, row: Row) -> Alert:
    def said(place: int) -> str:
        return _text(row[place])

    def number(place: int) -> float:
        return _number(row[place])

    return Alert(
        key,
        said(cells.RULE),
        pairs(said(cells.LABELS)),
        said(cells.NAME) or said(cells.RULE),
        said(cells.SEVERITY),
        said(cells.CATEGORY),
        said(cells.STATE),
        _whole(row[cells.SINCE]),
        number(cells.VALUE),
        number(cells.THRESHOLD),
        said(cells.UNIT),
        tuple(_SERIES.findall(said(cells.SERIES))),
        number(cells.FIRED_VALUE),
        number(cells.WORST),
        said(cells.REASON),
        _whole(row[cells.FIRED]),
        said(cells.EVENT),
        said(cells.ACK_BY),
        _whole(row[cells.ACK_AT]),
        said(cells.NOTE),
        said(cells.SILENCE),
        said(cells.INHIBITED),
        said(cells.MESSAGE),
        tuple(said(cells.PANELS).split()) if len(row) > cells.PANELS else (),
    )


def rules(state: State) -> dict[str, Rule]:
    """All rules by their id."""

    def make() -> dict[str, Rule]:
        width = len(cells.RULES.columns)
        known = state.tables.get(cells.RULES.name, {})
        return {key: _rule(key, row) for key, row in known.items() if len(row) >= width}

    return keep(state, "rules seen", state.table_version, make)


def _rule(key: str, row: Row) -> Rule:
    name, severity, category, enabled, state, reason, count, instances, cost, condition, file, builtin = row[:12]
    return Rule(
        key,
        _text(name) or key,
        _text(severity),
        _text(category),
        bool(enabled),
        _text(state),
        _text(reason),
        _whole(count),
        _whole(instances),
        _number(cost),
        _text(condition),
        _text(file),
        bool(builtin),
    )


def silences(state: State) -> dict[str, Silence]:
    """All that hold, by their id."""
    width = len(cells.SILENCES.columns)
    return {
        key: Silence(key, _text(row[0]), _text(row[1]), _text(row[2]), _whole(row[3]), _whole(row[4]))
        for key, row in state.tables.get(cells.SILENCES.name, {}).items()
        if len(row) >= width
    }


def loud(state: State, letters: int = 8) -> tuple[str, str]:
    """What waits for somebody, ``2 critical +1``: those of the worst severity, and the others; then its colour.

    ``letters``: of the severity at most. Empty: nothing waits.
    """
    found = [item.severity for item in alerts(state) if item.loud]
    worst = next((name for name in SEVERITIES if name in found), "")
    if not worst:
        return "", ""
    count = found.count(worst)
    others = f" +{len(found) - count}" if len(found) > count else ""
    return f"{count} {worst[:letters]}{others}", ROLES[worst]


_PANELS: Final = (
    ("hw.gpu", "gpus"), ("inference.", "models"), ("gen_ai.", "models"), ("system.cpu", "cpu"),
    ("container.cpu", "cpu"), ("system.memory", "memory"), ("system.paging", "memory"), ("system.disk", "disks"),
    ("system.filesystem", "disks"), ("system.network", "network"), ("system.pressure", "pressure"),
    ("hw.temperature", "pressure"), ("hw.fan", "pressure"), ("system.process", "processes"),
    ("ux.", "ux"), ("wftop.fidelity", "ux"),
)  # fmt: skip
"""How names of series begin, and the panel of the overview that is about them."""


def panels(state: State) -> dict[str, str]:
    """Panels that an alert waits for somebody in, with the colour of the worst."""

    def make() -> dict[str, str]:
        found: dict[str, str] = {}
        for item in sorted(alerts(state), key=lambda item: -item.rank):
            if not item.loud:
                continue
            name = item.series[0] if item.series else ""
            own = next((panel for begin, panel in _PANELS if name.startswith(begin)), "")
            for panel in item.panels or ((own,) if own else ()):
                found[panel] = ROLES.get(item.severity, "warn")
        return found

    return keep(state, "alerts by panel", state.table_version, make)


def things(state: State, labels: Mapping[str, str]) -> str:
    """What a set of labels is about, as a person says it: ``GPU 3``, ``/srv/models``; empty without labels."""
    known = _numbers(state) if "gpu" in labels else {}
    # The sensor of a GPU that is called gpu is the GPU itself.
    said = [known.get(value, value) if key == "gpu" else value for key, value in labels.items() if value != "gpu"]
    return ", ".join(said)


def spoken(state: State, alert: Alert) -> str:
    """Its message; a GPU by its number, which says more than its UUID."""
    return renamed(state, alert.labels, alert.message or alert.name)


def renamed(state: State, labels: Mapping[str, str], words: str) -> str:
    """Words about a set of labels with a GPU by its number."""
    uuid = labels.get("gpu", "")
    name = _numbers(state).get(uuid, "") if uuid else ""
    return words.replace(f"GPU {uuid}", name).replace(uuid, name) if name else words


def _numbers(state: State) -> dict[str, str]:
    return {gpu.uuid: f"GPU {gpu.label}" for gpu in boxes(state)}


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else ""


def _number(cell: Cell) -> float:
    return float(cell) if isinstance(cell, int | float) else NAN


def _whole(cell: Cell) -> int:
    return int(cell) if isinstance(cell, int | float) and cell == cell else 0
