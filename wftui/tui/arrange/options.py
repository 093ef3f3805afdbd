"""Options of a panel while it is arranged: a list to choose from, and what choosing does to the layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.tui.layouts.plan import COLUMNS, LENGTH, LENGTHS, OPTIONS
from wftui.tui.timeline.figures import step_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.layouts.plan import Plan

_CHOSEN: Final = "columns"
_COLUMN: Final = "column "
_PROCESSES: Final = "processes"


def said(plan: Plan, name: str, fitting: Sequence[str]) -> list[tuple[str, str]]:
    """What can be chosen about a panel: its key, and how it is said with its value.

    ``fitting``: columns that the process table shows by itself.
    """
    known = OPTIONS.get(name, {})
    found = [
        (key, f"{key:<9} {str(plan.option(name, key)).lower()}") for key in known if key not in (LENGTH, _CHOSEN)
    ]
    if plan.lengthy(name):
        length = plan.length(name)
        found.append((LENGTH, f"length    {step_words(length) if length else 'as wide as it is'}"))
    if name in plan.graphs:
        found.append(("series", f"series    {len(plan.graphs[name].series)} chosen"))
    if _CHOSEN in known:
        shown = plan.columns() or fitting
        words = "these, Shift+arrows move one" if plan.columns() else "as many as fit"
        found.append((_CHOSEN, f"columns   {words}"))
        found += [(f"{_COLUMN}{column}", f"  [x] {column}") for column in shown]
        found += [(f"{_COLUMN}{column}", f"  [ ] {column}") for column in COLUMNS if column not in shown]
    return found


def turn(plan: Plan, name: str, key: str, fitting: Sequence[str]) -> None:
    """The next value of an option; a column comes or goes."""
    if key == LENGTH:
        known = sorted({*LENGTHS, plan.length(name)})
        plan.lengthen(name, known[(known.index(plan.length(name)) + 1) % len(known)])
        return
    mine = plan.options.setdefault(name, {})
    if key == _CHOSEN:
        if mine.pop(key, None) is None:
            mine[key] = list(fitting)
    elif key.startswith(_COLUMN):
        mine[_CHOSEN] = _toggled(list(plan.columns() or fitting), key.removeprefix(_COLUMN))
    else:
        choices = OPTIONS[name][key]
        chosen = choices[(choices.index(plan.option(name, key)) + 1) % len(choices)]
        mine[key] = chosen
        if chosen == choices[0]:
            del mine[key]


def _toggled(shown: list[str], column: str) -> list[str]:
    """Without a column, the last one excepted, or with it: behind those that come before it by themselves."""
    if column not in shown:
        before = COLUMNS[: COLUMNS.index(column)]
        shown.insert(max((place + 1 for place, name in enumerate(shown) if name in before), default=0), column)
    elif len(shown) > 1:
        shown.remove(column)
    return shown


def shift(plan: Plan, key: str, step: int, fitting: Sequence[str]) -> bool:
    """A column to the left (-1) or right (+1) in the list; False: there it stays."""
    column = key.removeprefix(_COLUMN)
    shown = list(plan.columns() or fitting)
    if column == key or column not in shown or not 0 <= shown.index(column) + step < len(shown):
        return False
    at = shown.index(column)
    shown.insert(at + step, shown.pop(at))
    plan.options.setdefault(_PROCESSES, {})[_CHOSEN] = shown
    return True
