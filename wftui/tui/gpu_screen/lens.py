"""The straggler lens: siblings of the selected GPU side by side, and the one that is behind with the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.model import gpus as cells
from wftui.render import text
from wftui.tui.frame import Row, fit_row, outside
from wftui.tui.gpu_screen.fields import figure
from wftui.tui.gpu_screen.words import folded, own
from wftui.tui.gpu_trouble import THROTTLES
from wftui.tui.scene import gap, keep
from wftui.windows.stragglers import (
    CLOCK,
    POWER,
    SPAN_S,
    TEMPERATURE,
    THROTTLED,
    UTILIZATION,
    Member,
    Straggler,
    members,
    stragglers,
)  # fmt: skip

if TYPE_CHECKING:
    from wftui.tui.gpu_screen.shown import Shown
    from wftui.tui.state import State

_UNITS: Final = {UTILIZATION: "1", CLOCK: "Hz", POWER: "W", TEMPERATURE: "Cel"}


def compared(shown: Shown) -> tuple[list[Member], list[Straggler]]:
    """All that may be compared, and those that are behind; once a second."""
    state, screen = shown.scene.state, shown.screen

    def make() -> tuple[list[Member], list[Straggler]]:
        there = {gpu.uuid for gpu in shown.found}
        rows = {uuid: row for uuid, row in state.tables.get(cells.GPUS.name, {}).items() if uuid in there}
        those = members(rows, state.tables.get(cells.GPU_PROCESSES.name, {}), lambda series: _mean(state, series))
        found = stragglers(those, screen.behind)
        screen.behind = frozenset(item.uuid for item in found)
        return those, found

    return keep(
        state, "gpu stragglers", (state.slot, state.table_version, tuple(gpu.uuid for gpu in shown.found)), make
    )


def _mean(state: State, series: str) -> float:
    """Mean of the last seconds where there are graphs of it, else the newest value."""
    place = state.places.get(series)
    if place is None:
        return float("nan")
    item = state.columns[place].series
    mean = state.recent(int(SPAN_S), item.name, *item.labels)
    return mean if mean == mean else state.newest(series, counter=False)


def draw(shown: Shown, width: int) -> list[Row]:
    """The siblings as a table and who is behind, in words. Any number of lines."""
    scene = shown.scene
    those, behind = compared(shown)
    titles = {gpu.uuid: gpu.label for gpu in shown.found}
    chosen = next((item for item in those if item.uuid == shown.gpu.uuid), None)
    group = [] if chosen is None else [item for item in those if _same(item, chosen)]
    rows: list[Row] = []
    for straggler in behind:
        rank = f", rank {straggler.rank}" if straggler.rank is not None else ""
        said = ", ".join(_evidence(one.metric, one.value, one.others, one.words) for one in straggler.evidence)
        words = f"GPU {titles.get(straggler.uuid, '?')}{rank}: {said}"
        for place, line in enumerate(folded(words, width - 2, scene.glyphs, "text", 3)):
            rows.append(fit_row([(f"{scene.glyphs.alert} " if place == 0 else "  ", "warn"), *line], width))
    if not behind:
        calm = "none is behind the others" if group[1:] else "none of the GPUs is behind its siblings"
        rows.append(fit_row([(f"{scene.glyphs.ok} ", "good"), (calm, "text")], width))
    rows.append([])
    if chosen is None or len(group) < 2:
        words = "this GPU has no siblings: it takes GPUs of one model at one job, or at the same program"
        return rows + folded(words, width, scene.glyphs, "dim", 2)
    what = f"job {chosen.job}" if chosen.job else chosen.work
    words = own(f"{len(group)} GPUs at {what}, means of {SPAN_S:.0f} s", scene.glyphs)
    rows.append(fit_row([(words, "dim")], width))
    rows.append(fit_row([("  GPU  rank  busy      clock    power   heat  held back", "dim")], width))
    odd = {item.uuid: item for item in behind}
    ordered = sorted(group, key=lambda one: (one.rank is None, one.rank or 0, titles[one.uuid]))
    return rows + [_line(shown, item, odd.get(item.uuid), titles[item.uuid], width) for item in ordered]


def _same(one: Member, other: Member) -> bool:
    return (one.model, one.job, one.job or one.work) == (other.model, other.job, other.job or other.work)


def _evidence(metric: str, value: float, others: float, words: str) -> str:
    """``clock 39 % lower (1200 MHz, the others 1980 MHz)``."""
    if metric == THROTTLED:
        # The reasons say themselves that it is held back.
        return words.removeprefix("throttled: ")
    unit = _UNITS[metric]
    return f"{words} ({figure(value, unit)}, the others {figure(others, unit)})"


def _line(shown: Shown, item: Member, behind: Straggler | None, title: str, width: int) -> Row:
    odd = {one.metric for one in behind.evidence} if behind is not None else set()
    glyphs = shown.scene.glyphs
    here = item.uuid == shown.gpu.uuid
    rank = text.UNKNOWN if item.rank is None else f"{item.rank}"
    row: Row = [
        (f"{glyphs.alert} " if odd else "  ", "warn"),
        (title.ljust(5)[:5], "strong" if here else "text"),
        (rank.rjust(4), "dim"),
    ]
    values = ((UTILIZATION, item.utilization, 7), (CLOCK, item.clock, 10), (POWER, item.power, 9),
              (TEMPERATURE, item.temperature, 7))  # fmt: skip
    for metric, value, wide in values:
        words = own(figure(value, _UNITS[metric]), glyphs).rjust(wide)
        row.append((words, "warn" if metric in odd else "text" if value == value else "faint"))
    held = ", ".join(THROTTLES[reason] for reason in THROTTLES if reason in item.throttle)
    row += [gap(2), (outside(held, max(1, width - 46), glyphs), "warn" if THROTTLED in odd else "dim")]
    return fit_row(row, width)
