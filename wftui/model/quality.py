"""The table of how much wftop itself gives: one row, told to views, stored and rewound as all tables are.

Five levels. What each of them leaves out adds to what those above it do:

5. nothing;
4. full motion is drawn at the calm rate;
3. nothing moves, no reading is drawn between two seconds, servers that are looked at are asked twice a second;
2. a frame every two seconds, nothing is looked at more closely than the rest;
1. a frame every five seconds, and what is read seldom is read half as often.
"""

from typing import Final

from wftui.model.table import TableColumn, TableSchema

EVERYTHING: Final = 5
CALM: Final = 4
STILL: Final = 3
SELDOM: Final = 2
LEAST: Final = 1

QUALITY: Final = TableSchema(
    name="quality",
    source="alerts",
    columns=(
        TableColumn("quality.level", "", "gauge"),
        TableColumn("quality.wanted", "", "gauge"),
        TableColumn("quality.rule", "", "text"),
        TableColumn("quality.reason", "", "text"),
        TableColumn("quality.since", "ns", "time"),
        TableColumn("quality.chosen", "", "gauge"),
        TableColumn("quality.by", "", "text", identity=True),
        TableColumn("quality.until", "ns", "time"),
        TableColumn("quality.changes", "{change}", "gauge"),
    ),
)
"""Key of the row: ``KEY``.

``quality.level`` 1 to 5, now; ``quality.wanted`` what the firing alerts ask for, 5: none asks for less;
``quality.rule`` the alert for whose sake the level is below 5, with its labels, empty: none;
``quality.since`` of the level; ``quality.chosen`` the level that a person chose, None: the alerts decide;
``quality.until`` when that ends, None: when a person ends it; ``quality.changes`` by alerts within the last hour.
"""

KEY: Final = "wftop"
LEVEL, WANTED, RULE, REASON, SINCE, CHOSEN, BY, UNTIL, CHANGES = range(9)
"""Places of the cells in the row."""
