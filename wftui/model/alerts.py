"""The tables about alerts: recorder, store, view and commands agree on them here.

What fires is a table like any other: it is told to views, stored, rewound and exported by what does that for all
tables. The number behind an alert is a series of its own, so its graph needs nothing else.
"""

from typing import Final

from wftui.model.table import TableColumn, TableSchema

SOURCE: Final = "alerts"

INACTIVE: Final = "inactive"
PENDING: Final = "pending"
FIRING: Final = "firing"
OVER: Final = "over"
"""It does not hold any more, and waits for a person to resolve it."""
STATES: Final = (INACTIVE, PENDING, FIRING, OVER)

ALERTS: Final = TableSchema(
    name="alerts",
    source=SOURCE,
    columns=(
        TableColumn("alert.rule", "", "text"),
        TableColumn("alert.labels", "", "text"),
        TableColumn("alert.name", "", "text"),
        TableColumn("alert.severity", "", "text"),
        TableColumn("alert.category", "", "text"),
        TableColumn("alert.state", "", "text"),
        TableColumn("alert.since", "ns", "time"),
        TableColumn("alert.value", "", "gauge"),
        TableColumn("alert.threshold", "", "gauge"),
        TableColumn("alert.unit", "", "text"),
        TableColumn("alert.series", "", "text"),
        TableColumn("alert.fired_value", "", "gauge"),
        TableColumn("alert.worst_value", "", "gauge"),
        TableColumn("alert.reason", "", "text"),
        TableColumn("alert.fired", "{firing}", "gauge"),
        TableColumn("alert.event", "", "text"),
        TableColumn("alert.acknowledged_by", "", "text", identity=True),
        TableColumn("alert.acknowledged_at", "ns", "time"),
        TableColumn("alert.note", "", "text"),
        TableColumn("alert.silence", "", "text"),
        TableColumn("alert.inhibited_by", "", "text"),
        TableColumn("alert.message", "", "text"),
        TableColumn("alert.ceased", "ns", "time"),
        TableColumn("alert.panels", "", "text"),
    ),
)
"""Key of a row: the rule and the labels, ``rule.gpu-hot{gpu="GPU-5d…"}``. Rows are those that are not inactive.

``alert.since`` when it came into its state; ``alert.value`` what was compared last, ``alert.threshold`` with what,
``alert.unit`` of both; ``alert.series`` the series it looks at, with spaces; ``alert.fired_value`` at the moment
of firing, ``alert.worst_value`` the farthest since; ``alert.reason`` why it is not known now whether it holds;
``alert.fired`` times within the last hour; ``alert.event`` event_id of its firing; ``alert.silence`` id of the
silence that holds it; ``alert.inhibited_by`` the alert that does; ``alert.ceased`` when its condition held last,
while it fires on for ``keep_firing_for``; ``alert.panels`` those that its actions name, with spaces (recordings of
before have rows without these two).
"""

(
    RULE, LABELS, NAME, SEVERITY, CATEGORY, STATE, SINCE, VALUE, THRESHOLD, UNIT, SERIES, FIRED_VALUE, WORST,
    REASON, FIRED, EVENT, ACK_BY, ACK_AT, NOTE, SILENCE, INHIBITED, MESSAGE, CEASED, PANELS,
) = range(24)  # fmt: skip
"""Places of the cells in a row of ``ALERTS``."""

RULES: Final = TableSchema(
    name="rules",
    source=SOURCE,
    columns=(
        TableColumn("rule.name", "", "text"),
        TableColumn("rule.severity", "", "text"),
        TableColumn("rule.category", "", "text"),
        TableColumn("rule.enabled", "", "gauge"),
        TableColumn("rule.state", "", "text"),
        TableColumn("rule.reason", "", "text"),
        TableColumn("rule.alerts", "{alert}", "gauge"),
        TableColumn("rule.instances", "{series}", "gauge"),
        TableColumn("rule.cost", "s", "gauge"),
        TableColumn("rule.condition", "", "text"),
        TableColumn("rule.file", "", "text", identity=True),
        TableColumn("rule.builtin", "", "gauge"),
    ),
)
"""Key of a row: the rule's id. ``rule.state`` the worst of its alerts' states, ``off``, or ``warming`` and
``waiting`` (no series) with the reason; ``rule.cost`` time of one evaluation, smoothed;
``rule.condition`` in words."""

SILENCES: Final = TableSchema(
    name="silences",
    source=SOURCE,
    columns=(
        TableColumn("silence.matchers", "", "text"),
        TableColumn("silence.reason", "", "text"),
        TableColumn("silence.by", "", "text", identity=True),
        TableColumn("silence.created", "ns", "time"),
        TableColumn("silence.until", "ns", "time"),
    ),
)
"""Key of a row: its id. ``silence.matchers`` ``key="value"`` with commas, all of which must fit."""
