"""Texts that rules compare: which table tells them, of what."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from wftui.model import gpus, servers
from wftui.model.table import Row


class TextPlace(NamedTuple):
    """Where a text signal stands."""

    table: str
    labels: tuple[tuple[str, int], ...]
    """Label to the cell of its value."""
    cell: int
    """Of the text itself."""

    def texts(self, rows: Mapping[str, Row]) -> list[tuple[tuple[tuple[str, str], ...], str]]:
        """(labels, text) of each row."""
        return [
            (tuple((key, str(row[at])) for key, at in self.labels), str(row[self.cell])) for row in rows.values()
        ]


PLACES: Final = {
    "server.state": TextPlace("servers", (("server", servers.ENDPOINT),), servers.STATE),
    "gpu.state": TextPlace("gpus", (("gpu", gpus.UUID),), gpus.STATE),
    "model.state": TextPlace("models", (("model", servers.M_NAME), ("server", servers.M_SERVER)), servers.M_STATE),
}
"""Text signal to its place; ``source.state`` is no table's."""
