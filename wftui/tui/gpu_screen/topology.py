"""How the GPUs are joined: a matrix of the paths between them, as far as sixteen and more fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.model import gpus as cells
from wftui.render.palette import heat
from wftui.tui.frame import Row, fit_row
from wftui.tui.gpu_screen.words import own
from wftui.tui.scene import gap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wftui.model.table import Row as Cells
    from wftui.tui.gpus import Gpu
    from wftui.tui.scene import Scene


class Path(NamedTuple):
    """One kind of path."""

    word: str
    """As nvidia-smi writes it."""
    brief: str
    far: float
    """0: as near as can be, 1: the farthest."""
    meaning: str


PATHS: Final = {
    "nvlink": Path("NV", "nv", 0.0, "NVLinks, with their number"),
    "nvswitch": Path("NVS", "ns", 0.0, "NVLinks through a switch"),
    "internal": Path("INT", "in", 0.1, "one board"),
    "single": Path("PIX", "px", 0.3, "one PCIe switch"),
    "multiple": Path("PXB", "pb", 0.45, "several PCIe switches"),
    "hostbridge": Path("PHB", "hb", 0.6, "a PCIe host bridge (the CPU)"),
    "node": Path("NODE", "nd", 0.75, "several host bridges of one NUMA node"),
    "system": Path("SYS", "sy", 0.95, "between NUMA nodes"),
}
_WIDE: Final = 5
_NARROW: Final = 3


def path(links: Mapping[str, Cells], one: str, other: str) -> tuple[str, int | None] | None:
    """The path between two GPUs and its number of NVLinks; None: nobody told."""
    row = links.get(cells.link_key(one, other))
    if row is None:
        return None
    count = row[3]
    return str(row[2] or ""), int(count) if isinstance(count, int | float) else None


def draw(scene: Scene, gpus: Sequence[Gpu], selected: str, width: int) -> list[Row]:
    """The matrix, the selected GPU's line and column bright, and what its words mean. Any number of lines."""
    links = scene.state.tables.get(cells.GPU_LINKS.name, {})
    those = [gpu for gpu in gpus if not gpu.parent]
    if len(those) < 2:
        return [[("one GPU: there is nothing between it and others", "dim")], *_near(scene, those, width)]
    if not links:
        return [[("no word yet on how the GPUs are joined", "dim")],
                [("the driver tells it for NVIDIA cards, within 10 s", "dim")]]  # fmt: skip
    head = max(4, *(len(gpu.title) + 2 for gpu in those))
    each = _WIDE if width >= head + _WIDE * len(those) else _NARROW
    shown = those[: max(1, (width - head) // each)]
    brief = each == _NARROW
    rows: list[Row] = []
    titles: Row = [gap(head)]
    for gpu in shown:
        titles.append((gpu.title.rjust(each), "strong" if gpu.uuid == selected else "dim"))
    side = width - head - each * len(shown)
    near = side >= 22
    rows.append(fit_row([*titles, *([gap(3), ("near CPUs", "dim")] if near else [])], width))
    seen: dict[str, None] = {}
    for gpu in those:
        here = gpu.uuid == selected
        row: Row = [(gpu.title.ljust(head), "strong" if here else "dim")]
        for other in shown:
            if other.uuid == gpu.uuid:
                row.append((scene.glyphs.separator.rjust(each), "faint"))
                continue
            found = path(links, gpu.uuid, other.uuid)
            if found is None:
                row.append(("-".rjust(each), "faint"))
                continue
            known = PATHS.get(found[0])
            if known is not None:
                seen[found[0]] = None
            row.append(_cell(found, each, brief=brief, bright=here or other.uuid == selected))
        if near:
            row += [gap(3), (_cpus(scene, gpu)[: side - 3], "text" if here else "dim")]
        rows.append(fit_row(row, width))
    if len(shown) < len(those):
        rows.append([(f"{len(those) - len(shown)} more columns need a wider terminal", "dim")])
    rows.append([])
    rows += _legend(scene, list(seen), width, brief=brief)
    return rows


def _cell(found: tuple[str, int | None], width: int, *, brief: bool, bright: bool) -> tuple[str, str]:
    name, count = found
    known = PATHS.get(name)
    if known is None:
        return "?".rjust(width), "dim"
    word = known.brief if brief else known.word
    if count is not None and name in ("nvlink", "nvswitch"):
        word = f"{count}" if brief else f"NV{count}"
    return word.rjust(width), heat(known.far) if bright else "dim"


def _legend(scene: Scene, seen: Sequence[str], width: int, *, brief: bool) -> list[Row]:
    """What stands in the matrix, the nearest first."""
    rows: list[Row] = []
    for name in sorted(seen, key=lambda word: PATHS[word].far):
        known = PATHS[name]
        word = known.brief if brief else known.word
        if name in ("nvlink", "nvswitch"):
            word = "18" if brief else "NV18"
        rows.append(fit_row([(word.ljust(6), heat(known.far)), (own(known.meaning, scene.glyphs), "dim")], width))
    return rows


def _cpus(scene: Scene, gpu: Gpu) -> str:
    row = scene.state.tables.get(cells.GPUS.name, {}).get(gpu.uuid)
    if row is None:
        return ""
    numa = row[cells.NUMA]
    node = f"  node {numa:.0f}" if isinstance(numa, int | float) and numa >= 0 else ""
    return own(f"{row[cells.CPUS] or '-'}{node}", scene.glyphs)


def _near(scene: Scene, gpus: Sequence[Gpu], width: int) -> list[Row]:
    return [fit_row([("near CPUs ", "dim"), (_cpus(scene, gpu), "text")], width) for gpu in gpus]
