"""The model servers as the view knows them: cards of the moment on the screen, made once for each second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.model import servers as cells
from wftui.render import models
from wftui.render.model_figures import WINDOW_S, Index
from wftui.tui.scene import keep

if TYPE_CHECKING:
    from wftui.model.sample import Column
    from wftui.render.model_cards import Server
    from wftui.tui.state import State

NAN: Final = float("nan")
TABLES: Final = (cells.SERVERS.name, cells.MODELS.name, cells.REQUESTS.name)
_OLD_S: Final = 30.0
"""The recorder tells the tables every ten seconds at least."""


class _Numbers:
    """The numbers of a state."""

    __slots__ = ("_state",)

    def __init__(self, state: State) -> None:
        self._state = state

    def value(self, text: str) -> float:
        """The newest one."""
        return self._state.newest(text, counter=False)

    def rate(self, text: str) -> float:
        """Growth per second of a counter."""
        return self._state.newest(text, counter=True)

    def mean(self, text: str) -> float:
        """Mean of the known values of the last ten seconds."""
        known = [value for value in self._state.seconds(text, WINDOW_S) if value == value]
        return sum(known) / len(known) if known else NAN


def servers(state: State) -> tuple[Server, ...]:
    """All servers, by kind and endpoint."""

    def make() -> tuple[Server, ...]:
        tables = {name: state.tables.get(name, {}) for name in TABLES}
        return models.servers(tables, _index(state), _Numbers(state))

    return keep(state, "model servers", (state.version, state.table_version), make)


def _index(state: State) -> Index:
    def make() -> tuple[Index, list[Column]]:
        # The columns are kept as well: as long as they live, their id is nobody else's.
        return Index(column.series for column in state.columns), state.columns

    return keep(state, "model series", id(state.columns), make)[0]


def age_s(state: State) -> float:
    """Seconds since the tables were told, where that is long ago; else NaN."""
    told = state.table_times.get(cells.SERVERS.name)
    if told is None or state.tick is None:
        return NAN
    age = state.tick.time_s + 1 - told / 1e9
    return age if age > _OLD_S else NAN
