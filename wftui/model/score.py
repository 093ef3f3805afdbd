"""The table behind the health score: every point that is missing, why, and by what evidence."""

from typing import Final

from wftui.model.table import TableColumn, TableSchema

SCORE: Final = TableSchema(
    name="health",
    source="alerts",
    quality="derived",
    columns=(
        TableColumn("health.part", "", "text"),
        TableColumn("health.reason", "", "text"),
        TableColumn("health.points", "{point}", "gauge"),
        TableColumn("health.evidence", "", "text"),
    ),
)
"""Key of a row: the part and what of it (``disk:/``, ``alert:rule.gpu-hot{gpu="…"}``).

``health.part`` as in ``alerts.health.PARTS``; ``health.points`` what it takes off 100, None: the part is not
known, so it takes nothing off; the rows' points may be more than 100 together, the score is 0 then.
"""

PART, REASON, POINTS, EVIDENCE = range(4)
"""Places of the cells in a row of ``SCORE``."""
