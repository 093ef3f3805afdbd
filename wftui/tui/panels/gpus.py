"""The GPU panel: cards for a few, a line each for more, a strip for many, and why there are none."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from wftui.model.gpus import GPUS
from wftui.render import text
from wftui.tui.frame import Row, fit_row, outside, plain, row_width
from wftui.tui.gpus import BAD, RANK, Gpu, boxes, cards, holders, summed_power, talks
from wftui.tui.panels import gpu_cards, gpu_parts, gpu_rows, gpu_strip, parts
from wftui.tui.panels.pressure import wrap
from wftui.tui.panels.window import said
from wftui.tui.scene import Body, Scene, gap, keep

if TYPE_CHECKING:
    from collections.abc import Sequence

_COUNT: Final = "hw.gpu.count"
_NAMES: Final = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel"}
CARDS: Final = "cards"
ROWS: Final = "rows"
STRIP: Final = "strip"


def _sentence(scene: Scene) -> tuple[str, str]:
    """What there is, and the reason or step; from the count where the source gives no reason."""
    state = scene.state
    source = state.source("gpu")
    reason = plain(source.reason, scene.glyphs) if source else ""
    fix = plain(source.fix, scene.glyphs) if source else ""
    if reason:
        return reason, fix
    counts = [
        f"{state.value(_COUNT, ('device', vendor)):.0f} of {_NAMES.get(vendor, plain(vendor, scene.glyphs))}"
        for vendor in state.labels(_COUNT, "device")
        if state.value(_COUNT, ("device", vendor)) > 0
    ]
    if counts:
        return f"no word of the GPUs yet: {', '.join(counts)} on the bus", fix
    return ("no word on GPUs yet" if state.tick is None or GPUS.name not in state.tables else "no GPU found"), fix


def line(scene: Scene, width: int) -> Row:
    """The subject in one line: all of them, the worst in words."""
    gpus = boxes(scene.state)
    row: Row = [parts.label("gpu", 5)]
    if not gpus:
        sentence, _ = _sentence(scene)
        return fit_row([*row, (outside(sentence, max(0, width - 5), scene.glyphs), "dim")], width)
    those = cards(gpus) or list(gpus)  # parts alone: of a recording that does not tell of their card
    known = [gpu.utilization for gpu in those if gpu.utilization == gpu.utilization]
    mean = sum(known) / len(known) if known else float("nan")
    row += [parts.percent(mean), gap(1)]
    power, told, count = summed_power(gpus)
    worst = max(those, key=lambda gpu: RANK[gpu.level])
    if worst.trouble and RANK[worst.level] > 1:
        said = f"{gpu_parts.sign(scene, worst)[0]} {worst.label} {gpu_parts.words(scene, worst)}"
        tail: Row = [(plain(said, scene.glyphs), gpu_parts.role(worst))]
    else:
        tail = [(f"{count} x " if count > 1 else "", "dim")]
        tail.append((plain(worst.short, scene.glyphs), "dim"))
        used, total = _memory(those)
        tail = [(text.share(used, total).strip(), "text")] if width < 60 or count == 1 else tail
        if width >= 48:
            tail += [gap(1), (text.watts(power) + ("" if told == count else f" from {told}"), "text")]
    room = width - row_width(row) - row_width(tail) - 1
    if room >= count and count > 1:
        row += gpu_strip.blocks(scene, those, min(3, room // count))
    elif room >= 4:
        row += parts.meter(scene, mean, min(12, room))
    room = width - row_width(row) - row_width(tail) - 2
    if count == 1 and room >= 6:
        past = scene.state.past(2 * room, "hw.gpu.utilization", ("gpu", those[0].uuid))
        row += [gap(1), *parts.spark(scene, past, room, 1.0, "gpus")]
    return fit_row([*fit_row(row, max(row_width(row), width - row_width(tail) - 1)), gap(1), *tail], width)


def one(scene: Scene, width: int, place: int, lines: int) -> Row:
    """A GPU's own line, the ``place``-th of ``lines``, where a subject is one line."""
    gpus = boxes(scene.state)
    if place >= len(gpus):
        return [gap(width)]
    if place == lines - 1 and len(gpus) > lines:
        return fit_row([gap(5), *gpu_rows.rest(gpus[place:])], width)
    if width < gpu_rows.LEAST:
        return fit_row([gap(3), *gpu_rows.least(scene, gpus[place])], width)
    return [gap(3), *gpu_rows.line(scene, gpus[place], gpu_rows.plan(gpus, width - 3), width - 3)]


def _memory(gpus: Sequence[Gpu]) -> tuple[float, float]:
    known = [(gpu.memory_used, gpu.memory_total) for gpu in gpus if gpu.memory_used == gpu.memory_used]
    return (sum(used for used, _ in known), sum(total for _, total in known)) if known else (float("nan"),) * 2


def shape(gpus: Sequence[Gpu], width: int, height: int, style: object = "auto") -> str:
    """How these are drawn in this much room; ``style``: what a person chose, where it fits."""
    count = len(gpus)
    if style == ROWS and width >= gpu_rows.LEAST:
        return ROWS
    if style == STRIP and len(cards(gpus)) == count:
        return STRIP
    if style == CARDS and len(cards(gpus)) == count and gpu_cards.grid(count, width, height)[0]:
        return CARDS
    whole = cards(gpus)
    talking = any(talks(gpu) for gpu in gpus)
    if (
        talking
        and len(whole) == count
        and gpu_cards.grid(count, width, height)[0]
        and (count <= 4 or height >= 12)
    ):
        return CARDS
    beside = max(1, (width + 3) // (gpu_rows.BESIDE + 3))
    if width >= gpu_rows.LEAST and count <= beside * height:
        return ROWS
    # Instances of a divided card have names, and few numbers: they are lines, as many as there are.
    return STRIP if len(whole) == count or width < gpu_rows.LEAST else ROWS


def draw(scene: Scene, width: int, height: int) -> Body:
    """The GPUs as they fit, or what is missing and why."""
    gpus = boxes(scene.state)
    if not gpus:
        sentence, fix = _sentence(scene)

        def missing() -> Body:
            rows = wrap(scene, sentence, width, "dim", max(1, height - bool(fix)))
            if fix:
                rows += wrap(scene, f"{scene.glyphs.right} {fix}", width, "dim", 1)
            return Body(rows)

        return keep(scene.state, "gpus", (sentence, fix, width, height, scene.glyphs), missing)
    how = shape(gpus, width, height, scene.plan.option("gpus", "style"))
    drawn = how == CARDS or (how == ROWS and gpu_rows.spark_of(gpus, width, height))
    right = headline(scene, gpus, width)
    if drawn:
        right = said(scene, "gpus", right, width)
    if how == ROWS:
        rows = gpu_rows.draw(scene, gpus, width, height)
        return keep(scene.state, "gpus", (rows, right, height), lambda: Body(rows, right))
    ages = tuple(gpu_parts.words(scene, gpu) for gpu in gpus)
    # Graphs move by whole cells, and marks on them come with events.
    moved = (
        (scene.state.slot + scene.state.ahead, len(scene.state.event_slots), scene.plan.length("gpus"))
        if how == CARDS
        else ()
    )
    made_of = (how, tuple(gpu_parts.shown(gpu) for gpu in gpus), ages, moved, right, width, height, scene.glyphs)
    drawer = gpu_cards.draw if how == CARDS else gpu_strip.draw
    return keep(scene.state, "gpus", made_of, lambda: Body(drawer(scene, gpus, width, height), right))


def headline(scene: Scene, gpus: Sequence[Gpu], width: int) -> Row:
    """For the frame: what they are, all their power, how many processes; a missing reading is not passed over."""
    dot = f" {scene.glyphs.separator} "
    whole = cards(gpus)
    times = "x" if scene.glyphs.ascii_only else "\u00d7"
    kinds = [
        f"{number} {times} {plain(name, scene.glyphs, 24)}"
        for name, number in Counter(g.short for g in whole).items()
    ]
    pieces: list[Row] = [[(", ".join(kinds[:3]), "text")]]
    if len(whole) < len(gpus):
        pieces[0].append((f" + {len(gpus) - len(whole)} MIG", "text"))
    if any(gpu.unified for gpu in whole):
        pieces.append([("unified memory", "dim")])
    power, told, count = summed_power(gpus)
    if power == power:
        total = f"{power:.0f} W" if power < 999.5 else f"{text.significant(power / 1000).strip()} kW"
        pieces.append([(total, "text"), *([(f" from {told} of {count}", "warn")] if told < count else [])])
    processes = len(holders(scene.state))
    if processes:
        pieces.append([(f"{processes} process{'es' if processes != 1 else ''}", "dim")])
    row: Row = []
    for piece in pieces:
        if row_width(row) + row_width(piece) + 3 > width - 14:
            break
        row += [*([(dot, "dim")] if row else []), *piece]
    if not row and any(gpu.level == BAD for gpu in gpus):
        row = [(scene.glyphs.alert, "bad")]
    return row
