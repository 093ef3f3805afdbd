"""Who holds the GPUs: by user, job or container, and what is held while nobody computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.model import gpus as cells
from wftui.render import text
from wftui.render.palette import heat
from wftui.tui.frame import Row, fit_row, outside, row_width
from wftui.tui.gpu_screen.health import since
from wftui.tui.gpu_screen.words import own
from wftui.tui.scene import gap, keep
from wftui.windows.holders import USER, Holding, Idle, holders, idle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.model.table import Row as Cells
    from wftui.tui.gpu_screen.shown import Shown
    from wftui.tui.gpus import Gpu
    from wftui.tui.scene import Scene

_IDLE_LEAST: Final = 64 * 1024.0**2
"""What a context alone takes is not worth a line."""


def rows_of(scene: Scene, found: Sequence[Gpu]) -> list[Cells]:
    """Rows of ``gpu_processes`` of these GPUs, in any order."""
    uuids = {gpu.uuid for gpu in found}
    table = scene.state.tables.get(cells.GPU_PROCESSES.name, {})
    return [row for row in table.values() if row[cells.P_UUID] in uuids or row[cells.P_INSTANCE] in uuids]


def _told(scene: Scene, found: Sequence[Gpu], by: str) -> tuple[list[Holding], list[Idle]]:
    def make() -> tuple[list[Holding], list[Idle]]:
        rows = rows_of(scene, found)
        return holders(rows, by), idle(rows, USER, _IDLE_LEAST)

    made_of = (scene.state.table_version, tuple(gpu.uuid for gpu in found), by)
    return keep(scene.state, f"gpu holders by {by}", made_of, make)


def draw(shown: Shown, width: int) -> list[Row]:
    """A line a holder, the most memory first; below, who holds memory for nothing. Any number of lines."""
    scene, by = shown.scene, shown.screen.whose
    held, idling = _told(scene, shown.found, by)
    if not held:
        return [[("nobody holds a GPU, or the driver does not tell", "dim")]]
    titles = _titles(shown.found)
    tail = 6 + 8 + (6 + 7 + 9 if width >= 64 else 0)
    spread = 14 if width >= 78 else 0
    room = max(8, min(28, width - tail - (spread + 2 if spread else 0)))
    head: Row = [(by.ljust(room), "text"), gap(1), ("GPUs".ljust(spread) + "  " if spread else "", "dim")]
    head += [("memory", "dim"), gap(2), ("GPU %".rjust(6), "dim")]
    if width >= 64:
        head += [("procs".rjust(7), "dim"), ("idle memory".rjust(14), "dim")]
    rows: list[Row] = [fit_row(head, width)]
    rows += [_line(scene, item, titles, room, spread, width) for item in held]
    sentences = [_sentence(scene, item, titles) for item in idling]
    if sentences:
        sign = (scene.glyphs.alert + " ", "warn")
        rows += [[], *(fit_row([sign, (words, "text")], width) for words in sentences)]
    more = "hours and energy of any range: wftop gpus --who --since 24h"
    hint: Row = [("w", "key"), (" by user, job, container   ", "dim")]
    rows += [[], fit_row([*hint, (more, "faint")] if row_width(hint) + len(more) <= width else hint, width)]
    return rows


def _line(scene: Scene, item: Holding, titles: dict[str, str], room: int, spread: int, width: int) -> Row:
    row: Row = [(outside(item.who, room, scene.glyphs, middle=True), "text"), gap(1)]
    if spread:
        row += [(outside(_listed(item.gpus, titles), spread, scene.glyphs), "dim"), gap(2)]
    least = ">" if item.unknown and item.memory is not None else " "
    row += [(f"{least}{text.short(item.memory)}", "strong" if item.memory is not None else "faint"), gap(2)]
    used = item.utilization
    shown = f"{used * 100:.0f}" if used is not None else text.UNKNOWN
    share = used / max(1, len(item.gpus)) if used is not None else float("nan")
    row.append((shown.rjust(6), heat(share, "gpu") if share >= 0.005 else "faint"))
    if width >= 64:
        row.append((f"{item.processes}".rjust(7), "dim"))
        row.append((text.short(item.idle_memory).rjust(14) if item.idle_memory else " " * 14, "warn"))
    return fit_row(row, width)


def _titles(found: Sequence[Gpu]) -> dict[str, str]:
    return {gpu.uuid: gpu.label for gpu in found}


def _listed(uuids: Sequence[str], titles: dict[str, str]) -> str:
    """``0-3,6``: numbers in a row drawn together."""
    known = [titles.get(uuid, "?") for uuid in uuids]
    numbers = sorted(int(title) for title in known if title.isdigit())
    out: list[str] = []
    start = 0
    for at, number in enumerate(numbers):
        if at + 1 < len(numbers) and numbers[at + 1] == number + 1:
            continue
        out.append(f"{numbers[start]}" if numbers[start] == number else f"{numbers[start]}-{number}")
        start = at + 1
    return ",".join([*out, *(title for title in known if not title.isdigit())])


def _sentence(scene: Scene, item: Idle, titles: dict[str, str]) -> str:
    """``GPU 3: 71 GiB held by uid 1004, idle since 02:10``."""
    held = text.size(item.memory).strip()
    who = own(item.who, scene.glyphs)
    return (
        f"GPU {titles.get(item.uuid, '?')}: {held} held by {who}, idle {since(item.since_ns, scene.now.time_ns)}"
    )


def brief(shown: Shown, width: int, room: int) -> list[Row]:
    """The same in little, for below the list of GPUs: holders by user, and who is idle."""
    scene = shown.scene
    held, idling = _told(scene, shown.found, USER)
    if not held or room < 4:
        return []
    titles = _titles(shown.found)
    rows: list[Row] = [[(" held by", "gpus.title")]]
    for item in held[: max(1, min(8, room - 1))]:
        right: Row = [(text.short(item.memory), "text" if item.memory is not None else "faint"), gap(1)]
        name = (outside(item.who, max(1, min(12, width - 20)), scene.glyphs), "text")
        listed = _listed(item.gpus, titles)
        row: Row = [
            gap(1),
            name,
            gap(1),
            (outside(listed, max(1, width - 9 - row_width([name])), scene.glyphs), "dim"),
        ]
        rows.append(fit_row([*row, *right], width))
    for idle_ in idling[: max(0, min(4, room - len(rows) - 2))]:
        if idle_ is idling[0]:
            rows.append([])
        stamp = since(idle_.since_ns, scene.now.time_ns)
        title = titles.get(idle_.uuid, "?")
        words = f"{scene.glyphs.alert} {title}: {text.short(idle_.memory).strip()} idle {stamp}"
        rows.append(fit_row([gap(1), (words, "warn")], width))
    return rows
