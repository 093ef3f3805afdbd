"""A line a model: figures under common heads, or in words why there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.render import text
from wftui.render.model_figures import PROGRESS, RATE
from wftui.render.palette import heat
from wftui.tui.frame import Row, fit_row, outside, plain, row_width
from wftui.tui.models_screen.seen import age_s
from wftui.tui.panels import model_parts, parts
from wftui.tui.panels.disks import total
from wftui.tui.panels.window import window
from wftui.tui.scene import Scene, gap, keep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.panels.model_parts import Line

LEAST: Final = 34
"""Columns below which a line has no room for its figures."""
_NAME: Final = 22
_MODEL: Final = 26
_SPARK: Final = 6
_METER: Final = 8


class Plan(NamedTuple):
    """Widths of a line's parts; 0, False: left out."""

    name: int
    model: int
    spark: int
    prompt: bool
    queue: bool
    first: int
    """How many quantiles of the time to the first token."""
    between: bool
    cache: bool
    meter: int
    """Of the cache."""
    words: int


def plan(lines: Sequence[Line], width: int) -> Plan:
    """How lines of this width are divided; the same for all of them, so that columns stand under each other."""
    names = max((len(model_parts.named(line.server)) for line in lines), default=4)
    models = max((len(line.model.name) for line in lines if line.model is not None), default=0)
    wide, broad = width >= 104, width >= 130
    shape = Plan(min(names, _NAME if wide else 15), 0, 0, wide, width >= 50, 2 if wide else int(width >= 62), wide,
                 width >= 56, 0, 0)  # fmt: skip
    room = width - _taken(shape)
    model = min(models, _MODEL if broad else 20, max(0, room - 1))
    model = model if model >= min(models, 8) else 0
    shape = shape._replace(model=model)
    room = width - _taken(shape)
    said = (26 if broad else 15) if wide else 0
    if broad and room >= said + _METER + 2 + _SPARK:
        shape = shape._replace(meter=_METER)
        room -= _METER + 1
    if room >= _SPARK + 1 + said:
        spark = min(24 if broad else 12, room - 1 - said)
        shape = shape._replace(spark=spark)
        room -= spark + 1
    return shape._replace(words=room - 2 if room >= 10 else 0)


def _taken(shape: Plan) -> int:
    """Columns of all parts but the words."""
    used = 2 + shape.name + 7
    used += shape.model + 1 if shape.model else 0
    used += shape.spark + 1 if shape.spark else 0
    used += 7 * shape.prompt + 10 * shape.queue + 9 * shape.first + 9 * shape.between + 6 * shape.cache
    return used + (shape.meter + 1 if shape.meter else 0)


def header(shape: Plan, width: int) -> Row:
    """What the columns are."""
    said = f"  {'server':<{shape.name}}"
    said += f" {'model':<{shape.model}}" if shape.model else ""
    said += " " * (shape.spark + 1) if shape.spark else ""
    said += f"{'tok/s':>7}" + (f"{'prompt':>7}" if shape.prompt else "")
    said += f"{'run':>5}{'wait':>5}" if shape.queue else ""
    said += f"{'TTFT p50':>9}{'p95':>8} " if shape.first == 2 else f"{'TTFT p95':>9}" if shape.first else ""
    said += f"{'ITL p95':>9}" if shape.between else ""
    said += f"{' KV':<{shape.meter + 1}}" if shape.meter else ""
    said += f"{'' if shape.meter else 'KV':>6}" if shape.cache else ""
    return fit_row([(said, "dim")], width)


def line(scene: Scene, item: Line, shape: Plan, width: int) -> Row:
    """One model of a server."""
    row: Row = [model_parts.sign(scene, item), gap(1)]
    if item.first:
        said = outside(model_parts.named(item.server), shape.name, scene.glyphs, middle=True)
        row.append((said, "strong" if item.speaks else "dim"))
    else:
        branch = "`-" if scene.glyphs.ascii_only else "└─"
        row.append((f"{branch:>{shape.name}}"[-shape.name :], "faint"))
    if not item.speaks:
        return _silent(scene, item, row, width)
    found = item.figures
    if shape.model:
        model = item.model.name if item.model is not None else ""
        row += [gap(1), (outside(model, shape.model, scene.glyphs, middle=True), "text")]
    if shape.spark:
        row += [gap(1), *_spark(scene, item, shape.spark)]
    row += [gap(1), model_parts.speed(found)]
    if shape.prompt:
        row += [gap(1), model_parts.prompt(found)]
    if shape.queue:
        row += [gap(1), model_parts.running(found), gap(1), model_parts.waiting(found)]
    used = row_width(row)
    first, between, cache = found.ttft, found.itl, found.kv
    if not shape.words and not first.known and cache != cache and width - used >= 8:
        # No server tells both: the room for latencies is better filled with words.
        row += [gap(2), model_parts.words(scene, item, width - used - 2)]
        return _aged(scene, fit_row(row, width))
    if shape.first == 2:
        row += [gap(1), model_parts.took(scene, first.p50, first.bounds)]
    if shape.first:
        row += [gap(1), model_parts.took(scene, first.p95, first.bounds)]
    if shape.between:
        row += [gap(1), model_parts.took(scene, between.p95, between.bounds)]
    if shape.meter:
        row += [gap(1), *parts.meter(scene, cache, shape.meter, scale="memory")]
    if shape.cache:
        warm = heat(cache, "memory") if cache == cache else "dim"
        row += [gap(1), (text.percent(cache), warm)]
    if shape.words:
        row += [gap(2), model_parts.words(scene, item, shape.words)]
    return _aged(scene, fit_row(row, width))


def _aged(scene: Scene, row: Row) -> Row:
    old = age_s(scene.state)
    return model_parts.dimmed(row) if old == old else row


def _silent(scene: Scene, item: Line, row: Row, width: int) -> Row:
    """What is wrong, and what to do when there is room for it."""
    server, glyphs = item.server, scene.glyphs
    row = [*row, gap(1), (f"{server.state} ", server.level)]
    reason, fix = plain(server.reason, glyphs), plain(server.fix, glyphs)
    room = width - row_width(row)
    if fix and room >= len(reason) + 20:
        row += [(f"{reason}  ", "dim"), (outside(f"{glyphs.right} {fix}", room - len(reason) - 2, glyphs), "text")]
    else:
        row.append((outside(reason, max(0, room), glyphs), "dim"))
    return fit_row(row, width)


def least(scene: Scene, item: Line, width: int) -> Row:
    """What is left of a line in very few columns."""
    figure = model_parts.speed(item.figures) if item.speaks else (item.server.state, item.server.level)
    name = max(1, width - 3 - len(figure[0]))
    shown = model_parts.named(item.server) if item.first or item.model is None else item.model.name
    row: Row = [model_parts.sign(scene, item), gap(1), (outside(shown, name, scene.glyphs, middle=True), "text")]
    return fit_row([*row, gap(1), figure], width)


def _spark(scene: Scene, item: Line, width: int) -> Row:
    """Its speed in the last minutes; of what makes no tokens how far its job was."""
    scope = item.server.scope if item.model is None else item.model.scope
    made = scope.texts(RATE, "generation")
    texts = made or scope.texts(PROGRESS)
    if not texts:
        return [gap(width)]
    state = scene.state

    def drawn() -> Row:
        shown = window(scene, "models", width)
        past = total([shown.past(text_) for text_ in texts], 2 * width)
        most = max((value for value in past if value == value), default=0.0)
        top = text.round_up(most) if made else 1.0
        return shown.spark(scene, past, width, top, "generation" if made else "models")

    held = tuple(id(state.histories.get(text_)) for text_ in texts)
    made_of = (state.slot + state.ahead, state.far.version, held, scene.plan.length("models"), scene.sweep,
               width, scene.glyphs)  # fmt: skip
    return keep(state, f"model spark {texts[0]}", made_of, drawn)
