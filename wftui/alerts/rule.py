"""A rule, whichever dialect it was written in: what holds for how long, how bad that is, what is done.

Values are in the catalogue's units (``wftui/names/``); each dialect's loader turns its own into them.
"""

from typing import Annotated, Final, Literal

import msgspec

Severity = Literal["info", "warning", "error", "critical"]
SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warning", "error", "critical")
"""Ascending."""
Category = Literal["system", "model", "ui", "network", "security", "performance", "health"]
Operator = Literal[">", ">=", "<", "<=", "==", "!="]
TextOperator = Literal["==", "!=", "contains", "not_contains", "regex"]
Aggregation = Literal["avg", "min", "max", "sum", "count", "p50", "p95", "p99", "last"]
MAX_WINDOW_S: Final = 3600
MAX_BASELINE_S: Final = 7 * 86_400


class Query(msgspec.Struct, frozen=True):
    """One number a second for each label set that its selector finds."""

    selector: str
    """As everywhere: a pattern on the name, or on the whole text when it holds a ``{``. Counters are rates."""
    aggregation: Aggregation = "last"
    window_s: int = 0
    """Of the aggregation, at most ``MAX_WINDOW_S``; 0: the newest second."""
    per: str = ""
    """Selector of what it is divided by: the same of series with the same labels; ``avg`` divides the sums."""


class Threshold(msgspec.Struct, frozen=True, tag="threshold"):
    """A number compared with a value."""

    query: Query
    operator: Operator
    value: float
    clear: float | None = None
    """While it fires it is compared with this instead: hysteresis."""
    often: tuple[int, int] | None = None
    """(seconds, within so many seconds): it must have held in so many of the last ones, that need not follow."""


class Baseline(msgspec.Struct, frozen=True, tag="baseline"):
    """How far a number is from what it usually is."""

    query: Query
    operator: Operator
    value: float
    """``absolute``: in the metric's unit; ``percentage_change``: 50 is half as much again;
    ``standard_deviation``: in standard deviations of the usual."""
    over_s: int
    """60 to ``MAX_BASELINE_S``."""
    measure: Literal["absolute", "percentage_change", "standard_deviation"] = "percentage_change"
    clear: float | None = None


class Absent(msgspec.Struct, frozen=True, tag="absent"):
    """No value for so long: of each series that was there, or of any when none ever was."""

    selector: str
    for_s: int


class Forecast(msgspec.Struct, frozen=True, tag="forecast"):
    """A straight line through the last ``query.window_s`` seconds passes a value soon."""

    query: Query
    operator: Literal[">", ">=", "<", "<="]
    value: float
    within_s: int


class Anomaly(msgspec.Struct, frozen=True, tag="anomaly"):
    """So many robust standard deviations from the median of the last days."""

    query: Query
    score: float
    over_s: int = MAX_BASELINE_S
    season: Literal["off", "hour"] = "off"
    """``hour``: compared with the same hour of the other days only."""
    side: Literal["both", "above", "below"] = "both"
    clear: float | None = None


class Text(msgspec.Struct, frozen=True, tag="text"):
    """A text compared: the state of a source, a server, a GPU."""

    signal: str
    """``source.state``, ``server.state``, ``gpu.state``, ``model.state``."""
    operator: TextOperator
    value: str


class All(msgspec.Struct, frozen=True, tag="all"):
    """Each of them."""

    parts: "tuple[Condition, ...]"


class Any(msgspec.Struct, frozen=True, tag="any"):
    """At least one of them."""

    parts: "tuple[Condition, ...]"


class Not(msgspec.Struct, frozen=True, tag="not"):
    """It does not hold; unknown stays unknown."""

    part: "Condition"


Leaf = Threshold | Baseline | Absent | Forecast | Anomaly | Text
Condition = Threshold | Baseline | Absent | Forecast | Anomaly | Text | All | Any | Not


class Escalation(msgspec.Struct, frozen=True):
    """When an alert becomes worse."""

    to: Severity
    after_count: int | None = None
    """Times that it fired within an hour."""
    after_s: float | None = None
    """Seconds that it fires without a break."""


class Action(msgspec.Struct, frozen=True):
    """What is done when it fires."""

    type: str
    """``notify.toast`` …; docs/alerts.md has the table."""
    message: str = ""
    level: Severity | Literal["success", ""] = ""
    duration_s: float | None = None
    target: str = ""
    sound: str = ""
    volume: float | None = None
    panel: str = ""
    command: tuple[str, ...] = ()
    """Program and arguments of ``command``; given JSON on its standard input."""
    details: str = ""
    suggestions: tuple[str, ...] = ()


class Quiet(msgspec.Struct, frozen=True):
    """Hours without notifications, local time; critical ones come nevertheless."""

    start: Annotated[int, msgspec.Meta(ge=0, lt=1440)]
    """Minutes after midnight."""
    end: Annotated[int, msgspec.Meta(ge=0, lt=1440)]
    """Before ``start``: on the next day."""


class Origin(msgspec.Struct, frozen=True):
    """Where a rule stands."""

    file: str
    dialect: Literal["wftop", "wf-ops", "wf-ops-compact", "wf-tech"] = "wftop"
    builtin: bool = False


class Rule(msgspec.Struct, frozen=True):
    """One rule. Of each label set that its condition finds there is one alert at most."""

    id: str
    """``rule.`` and ``[a-zA-Z0-9_-]+``."""
    condition: Condition
    name: str = ""
    description: str = ""
    enabled: bool = True
    severity: Severity = "warning"
    category: Category = "system"
    for_s: float = 0.0
    """It must hold so long."""
    keep_firing_s: float = 0.0
    """It fires so long after it held last."""
    actions: tuple[Action, ...] = ()
    cooldown_s: float = 0.0
    """Between two notifications of one alert; states change nevertheless."""
    most: tuple[int, float] | None = None
    """Notifications of the rule at most, in so many seconds."""
    escalations: tuple[Escalation, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    """Rules: while one of them fires with the same values of the labels that both have, this one is not told."""
    quiet: tuple[Quiet, ...] = ()
    needs: tuple[str, ...] = ()
    """Sources that must be well beside those of its series; else it is unknown whether it holds."""
    manual: bool = False
    """It stays until a person resolves it."""
    adaptation: int | None = None
    """Level of quality, 1 to 5, to which wftop lowers itself while it fires."""
    message: str = ""
    """Told beside the name; ``{value}``, ``{threshold}`` and ``{label}`` are put in."""
    tags: tuple[str, ...] = ()
    privacy: Literal["local_only", "shareable_anonymous", "shareable_with_consent"] = "local_only"
    user_configurable: bool = True
    origin: Origin = Origin("")


def leaves(condition: Condition) -> tuple[Leaf, ...]:
    """Its comparisons, in their order."""
    if isinstance(condition, All | Any):
        return tuple(leaf for part in condition.parts for leaf in leaves(part))
    if isinstance(condition, Not):
        return leaves(condition.part)
    return (condition,)
