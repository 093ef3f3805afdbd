"""Screen 7's own state: which server or model, in which order, how much of the past. Plain data, no toolkit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.model.servers import UNLOADED
from wftui.render.models import RANK
from wftui.tui.models_screen.seen import servers

if TYPE_CHECKING:
    from collections.abc import Callable

    from wftui.render.model_cards import Model, Server
    from wftui.render.model_figures import Figures, Scope
    from wftui.tui.state import State

NAME: Final = "name"
AWAY: Final = ("", UNLOADED)
"""States of models of which a server may have hundreds."""
FEW: Final = 3
"""So many of these stand in the list."""
_LAST: Final = float("inf")
"""Where an unknown figure is sorted to."""


def _high(of: Callable[[Figures], float]) -> Callable[[Server], float]:
    def key(server: Server) -> float:
        value = of(server.figures)
        return -value if value == value else _LAST

    return key


SORTS: Final[dict[str, Callable[[Server], float]]] = {
    NAME: lambda _: 0.0,
    "speed": _high(lambda of: of.generation),
    "waiting": _high(lambda of: of.waiting),
    "first token": _high(lambda of: of.ttft.p95),
    "cache": _high(lambda of: of.kv),
    "trouble": lambda server: -RANK[server.level],
}
"""Order of the cards; equal ones stay by kind and endpoint."""


class Choice(NamedTuple):
    """What is selected: a server, or one of its models."""

    server: Server
    model: Model | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What stays the same while everything about it changes."""
        return self.server.endpoint, self.model.name if self.model is not None else ""

    @property
    def only(self) -> Model | None:
        """The model that is meant: the selected one, or the only one there is."""
        if self.model is not None:
            return self.model
        return self.server.models[0] if len(self.server.models) == 1 else None

    @property
    def figures(self) -> Figures:
        """Its figures."""
        return self.server.figures if self.model is None else self.model.figures

    @property
    def scope(self) -> Scope:
        """Its series."""
        return self.server.scope if self.model is None else self.model.scope


class Drawn(NamedTuple):
    """Where the list of cards stands inside the screen, as last drawn."""

    width: int = 0
    """Columns; 0: there is none."""
    lines: tuple[int, ...] = ()
    """For each line which choice it is about; -1: none."""


class ModelsScreen:
    """What a person chose on the screen; it stays while other screens are shown."""

    def __init__(self) -> None:
        self.key = ("", "")
        """Endpoint and model of what is selected; empty: where trouble is, or the first."""
        self.inside = False
        """Whether the details fill the screen."""
        self.sort = NAME
        self.reverse = False
        self.seconds = 0
        """Of the past on the graphs; 0: a second a half column."""
        self.span = 0
        """Seconds that they show, as last drawn."""
        self.top = 0
        """First line of the details."""
        self.page = 10
        """Lines of the details, as last drawn."""
        self.length = 0
        """Lines that they have in all, as last drawn."""
        self.drawn = Drawn()

    # ---- what is shown

    def listed(self, state: State, wanted: str = "") -> list[Choice]:
        """What may be chosen, in order: each server, below those with several models each of these."""
        found = sorted(
            [server for server in servers(state) if fits(server, wanted)],
            key=SORTS[self.sort],
            reverse=self.reverse,
        )
        out: list[Choice] = []
        for server in found:
            out.append(Choice(server))
            if len(server.models) > 1:
                out += [Choice(server, model) for model in listed_models(server, wanted)]
        return out

    def selected(self, found: list[Choice]) -> Choice | None:
        """The selected one of ``listed``; None: there is nothing. What is gone gives way to its server, then to
        the first."""
        chosen = next((item for item in found if item.key == self.key), None)
        if chosen is None and found:
            of = [item for item in found if item.server.endpoint == self.key[0]]
            # Where trouble is, is where people want to look first, if there is anything to see; else the busiest.
            worst = max(found, key=_telling)
            chosen = of[0] if of else found[0] if self.key[0] else worst
            self.key = chosen.key
        return chosen

    # ---- what keys and clicks do

    def do(self, what: str, state: State, wanted: str = "") -> str:
        """One action; a word to the person, or none."""
        if what == "sort":
            names = list(SORTS)
            self.sort = names[(names.index(self.sort) + 1) % len(names)]
            self.reverse = False
            return f"sorted by {self.sort}"
        if what == "reverse":
            self.reverse = not self.reverse
            return f"sorted by {self.sort}, {'the other way round' if self.reverse else 'as usual'}"
        if self.inside and what not in ("previous", "next"):
            self._scroll(what)
        else:
            self._move(what, self.listed(state, wanted))
        return ""

    def select(self, place: int, found: list[Choice]) -> None:
        """The choice at a place of ``listed``."""
        if 0 <= place < len(found):
            self.key = found[place].key

    def back(self) -> bool:
        """Escape: out of the details. False when they were not shown."""
        inside, self.inside = self.inside, False
        return inside

    def enter(self) -> bool:
        """Enter: the details. False when they are shown already."""
        inside, self.inside = self.inside, True
        if not inside:
            self.top = 0
        return not inside

    def window(self, lines: int, room: int) -> int:
        """First of ``lines`` of the details to show in ``room``."""
        self.page, self.length = max(1, room), lines
        self.top = max(0, min(self.top, lines - room))
        return self.top

    def _scroll(self, what: str) -> None:
        most = max(0, self.length - self.page)
        step = {"up": -1, "down": 1, "page_up": 1 - self.page, "page_down": self.page - 1}.get(what)
        self.top = (0 if what == "first" else most) if step is None else min(most, max(0, self.top + step))

    def _move(self, what: str, found: list[Choice]) -> None:
        chosen = self.selected(found)
        if chosen is None:
            return
        at = next(place for place, item in enumerate(found) if item.key == chosen.key)
        step = {"up": -1, "previous": -1, "down": 1, "next": 1, "page_up": -5, "page_down": 5}.get(what)
        last = len(found) - 1
        place = (0 if what == "first" else last) if step is None else min(last, max(0, at + step))
        if found[place].key != self.key:
            self.top = 0
        self.select(place, found)


def _telling(item: Choice) -> tuple[bool, int, float]:
    of = item.server.figures
    speed = of.generation if of.generation == of.generation else -1.0
    return of.speaks, RANK[item.server.level], speed


def listed_models(server: Server, wanted: str = "") -> list[Model]:
    """The models of a server that the list has: all in memory, a few that are only installed, and those that a
    filter names."""
    words = wanted.lower().split()
    left = FEW
    out = []
    for model in server.models:
        if model.present or model.state not in AWAY:
            out.append(model)
        elif left > 0 or any(word in model.name.lower() for word in words):
            left -= 1
            out.append(model)
    return out


def fits(server: Server, wanted: str) -> bool:
    """Whether every word of a filter is in what is known of a server: kind, endpoint, models, state."""
    if not wanted:
        return True
    said = " ".join((server.kind, server.endpoint, server.version, server.state, *(m.name for m in server.models)))
    said = said.lower()
    return all(word in said for word in wanted.lower().split())
