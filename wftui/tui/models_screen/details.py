"""The card of one server opened up: every figure with where it comes from, and what is missing with its fix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.model import servers as cells
from wftui.model.sample import MEASURED
from wftui.render import model_figures as figures
from wftui.render import model_words as words
from wftui.render import text
from wftui.tui.frame import Row, fit_row, outside, row_width
from wftui.tui.gpu_screen.words import folded, own
from wftui.tui.models_screen import requests, told
from wftui.tui.models_screen.listing import model_sign, own_bound
from wftui.tui.panels import parts
from wftui.tui.scene import gap

if TYPE_CHECKING:
    from wftui.model.sample import Column
    from wftui.render.model_cards import Model
    from wftui.tui.models_screen.model import Choice, ModelsScreen
    from wftui.tui.scene import Scene

_LABEL: Final = 20
_VALUE: Final = 17
_QUALITY: Final = 12
_SPAN: Final = 12
"""Columns of the names of durations."""
_COUNTED: Final = 44
_ORIGINS: Final = 60
"""Columns from which on durations say of how many they are, and all figures where they come from."""
_WORDED: Final = 100
"""Columns from which on each figure says how it is known."""
_BESIDE: Final = 150
"""Columns from which on what is no figure stands at the right of the figures."""


def draw(scene: Scene, screen: ModelsScreen, choice: Choice, width: int, room: int) -> list[Row]:
    """As many lines as there is room for; they scroll."""
    if width >= _BESIDE:
        left = width * 11 // 20
        rows = _beside(_figures(scene, choice, left), _others(scene, choice, width - left - 3), left, width)
    else:
        rows = [*_others(scene, choice, width, brief=True), *_figures(scene, choice, width)]
        rows += [[], *more] if (more := _others(scene, choice, width, brief=False)) else []
    top = screen.window(len(rows), room)
    shown = rows[top : top + room]
    if top + room < len(rows) and shown:
        shown[-1] = [(f"{scene.glyphs.down} {len(rows) - top - room + 1} more lines", "dim")]
    return shown


def _beside(left: list[Row], right: list[Row], width: int, whole: int) -> list[Row]:
    rows = []
    for place in range(max(len(left), len(right))):
        one = left[place] if place < len(left) else []
        other = right[place] if place < len(right) else []
        rows.append([*fit_row(one, width), gap(3), *fit_row(other, whole - width - 3)])
    return rows


def _figures(scene: Scene, choice: Choice, width: int) -> list[Row]:
    blocks = [_part(scene, part, width) for part in told.parts(choice)]
    if spans := _durations(scene, choice, width):
        blocks.insert(1, spans)
    rows: list[Row] = []
    for block in blocks:
        rows += [[], *block] if rows else block
    if not rows:
        rows = folded("no figure is told of it now", width, scene.glyphs, "dim", 1)
    return rows


def _part(scene: Scene, part: told.Part, width: int) -> list[Row]:
    rows: list[Row] = [[(part.title, "models.title")]]
    before = ""
    for line in part.lines:
        column = _column(scene, line.texts[0])
        value = own(own_bound(line.value, scene.glyphs), scene.glyphs)
        row: Row = [
            (f"{line.label:<{_LABEL}.{_LABEL}}", "dim"),
            gap(1),
            (f"{value:>{_VALUE}}", "text" if line.known else "faint"),
            gap(2),
        ]
        if column is not None and width >= _ORIGINS:
            origin = _origin(scene, column, width - row_width(row), brief=width < _WORDED)
            # The same origin is said once.
            row.append((origin if origin != before else "", "faint"))
            before = origin
        rows.append(fit_row(row, width))
    return rows


def _column(scene: Scene, text_: str) -> Column | None:
    place = scene.state.places.get(text_)
    return scene.state.columns[place] if place is not None else None


def _durations(scene: Scene, choice: Choice, width: int) -> list[Row]:
    """A line for each, with its quantiles under common heads."""
    found = told.durations(choice)
    if not found:
        return []
    counted = width >= _COUNTED
    heads = "".join(f"{stat + '   ':>9}" for stat in figures.QUANTILES) + "    n" * counted
    rows: list[Row] = [[(f"{'time':<{_SPAN}}", "models.title"), (heads, "faint")]]
    before = ""
    for item in found:
        row: Row = [(f"{item.label:<{_SPAN}}", "dim")]
        for value in item.quantiles:
            row += [gap(1), parts.figure(own_bound(value, scene.glyphs), "text")]
        if counted:
            row.append((f"{item.seen:>5}", "faint"))
        column = _column(scene, item.text)
        if column is not None and width >= _ORIGINS:
            row.append(gap(2))
            origin = _origin(scene, column, width - row_width(row), brief=width < _WORDED)
            row.append((origin if origin != before else "", "faint"))
            before = origin
        rows.append(fit_row(row, width))
    return rows


def _origin(scene: Scene, column: Column, width: int, *, brief: bool) -> str:
    """How a figure is known and where it was read; ``brief``: the first only where it is not simply read."""
    call = own(column.call, scene.glyphs)
    if brief:
        said = call if column.quality == MEASURED else f"{column.quality}: {call}"
        return outside(said, max(1, width), scene.glyphs, middle=True)
    return f"{column.quality:<{_QUALITY}.{_QUALITY}} {call}"


def _others(scene: Scene, choice: Choice, width: int, *, brief: bool | None = None) -> list[Row]:
    """What is missing with its fix, claims, renamed metrics, models, requests.

    ``brief``: only what a person has to act on; False: only the rest; None: all.
    """
    server, glyphs = choice.server, scene.glyphs
    blocks: list[list[Row]] = []
    if brief is not False:
        if server.verdict:
            block = _title("claim and reality")
            block += folded(f"{glyphs.alert} {server.verdict}", width, glyphs, "warn", 2)
            block += folded(server.evidence, width, glyphs, "text", 3) if server.evidence else []
            blocks.append(block)
        if server.missing:
            block = _title("not told by this server")
            for figure, fix in server.missing:
                block += folded(f"{glyphs.none} {figure}", width, glyphs, "text", 1)
                step = f"{glyphs.right} {fix}" if fix else "nothing would bring it"
                block += [[gap(2), *row] for row in folded(step, width - 2, glyphs, "text" if fix else "faint", 3)]
            blocks.append(block)
    if brief is not True:
        if server.models:
            blocks.append([*_title("models"), *(row for m in server.models for row in _model(scene, m, width))])
        found = requests.of(choice)
        if found:
            blocks.append([*_title("requests"), *requests.draw(scene, found, width, len(found) + 1)])
        if server.renamed:
            block = _title("read under an older name")
            for old, new in server.renamed:
                block += folded(f"{old} {glyphs.right} {new}", width, glyphs, "dim", 2)
            blocks.append(block)
        blocks.append(_server(scene, choice, width))
    rows: list[Row] = []
    for block in blocks:
        rows += [[], *block] if rows else block
    return [*rows, []] if brief and rows else rows


def _title(words_: str) -> list[Row]:
    return [[(words_, "models.title")]]


def _model(scene: Scene, model: Model, width: int) -> list[Row]:
    """Its name, and a line with all that is known of it."""
    glyph, role = model_sign(model, scene.glyphs)
    end = words.expiry(model, scene.now.time_ns)
    facts = [
        model.state,
        model.quantization,
        words.parameters(model.parameters),
        f"{text.size(model.size).strip()} of weights" if model.size is not None else "",
        f"{words.tokens(model.context)} context" if model.context is not None else "",
        words.placed(model),
        f"unloaded {end}" if end.startswith("in ") else end,
        model.detail,
    ]
    said = f" {scene.glyphs.separator} ".join(fact for fact in facts if fact)
    row: Row = [(f"{glyph} ", role), (outside(model.name, max(1, width - 2), scene.glyphs, middle=True), "text")]
    return [fit_row(row, width), *([gap(2), *more] for more in folded(said, width - 2, scene.glyphs, "dim", 3))]


def _server(scene: Scene, choice: Choice, width: int) -> list[Row]:
    """What it is and how it is asked."""
    server, glyphs = choice.server, scene.glyphs
    since_s = None if server.since_ns is None else server.since_ns / 1e9
    facts = [
        ("endpoint", server.endpoint),
        ("known by", "its process" if server.origin == "process" else "[servers] of the configuration"),
        ("process", "" if server.pid is None else str(server.pid)),
        ("container", server.container),
        ("asked", ", ".join(server.reads)),
        ("parts", ", ".join(str(part[cells.ENDPOINT]) for part in server.parts)),
        ("since", "" if since_s is None else f"{text.day(since_s)} {text.clock(since_s)}"),
    ]
    rows = _title("server")
    for label, said in facts:
        if said:
            value = outside(said, max(1, width - 11), glyphs)
            rows.append(fit_row([(f"{label:<11}", "dim"), (value, "text")], width))
    return rows
