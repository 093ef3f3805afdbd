"""Help: all keys, made from the action table, the filter's language and the signs; narrowed by what is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.tui.actions import ACTIONS, SECTIONS, key_name, keys_of
from wftui.tui.frame import Row, fit_row, plain
from wftui.tui.process import filter as filters
from wftui.tui.scene import gap

if TYPE_CHECKING:
    from wftui.tui.scene import Scene
    from wftui.tui.ui import Ui

_COLUMN: Final = 42
_GAP: Final = 1
_KEY: Final = 10
_FORM: Final = 16
"""Columns of a form of the filter's language."""


def content(scene: Scene, ui: Ui, width: int, height: int) -> tuple[list[Row], int, Row]:
    """Two columns where they fit; its width, and what stands at the right of the upper border.

    As tall as with all of it also while it is narrowed, so that the dialog stays where it is.
    """
    rows = _arranged(_blocks(scene, ui.keyed, ""), width)
    right: Row = [("/", "key"), (" search", "dim")]
    if ui.seeking or ui.sought:
        lines = min(len(rows), height - 2)
        blocks = _blocks(scene, ui.keyed, ui.sought) if ui.sought.strip() else _blocks(scene, ui.keyed, "")
        count = sum(len(block) - 1 for block in blocks)
        rows = _arranged(blocks, width) if count else _nothing()
        rows += [[gap(1)]] * (lines - len(rows))
        typed = plain(ui.sought, scene.glyphs)[-20:]
        right = [("/", "mark"), (typed, "strong"), *([(" ", "cursor")] if ui.seeking else [])]
        right.append((f" {count} found" if ui.sought.strip() else "", "dim"))
    return rows, 2 * _COLUMN + 2 if width >= 96 else _COLUMN, right


def _nothing() -> list[Row]:
    return [[("no key or sign matches", "dim")], [("Esc shows all again", "dim")]]


def _blocks(scene: Scene, shown: str, sought: str) -> list[list[Row]]:
    """A title and lines each: what belongs to this screen first; other screens' own keys only when searched."""
    ascii_only = scene.glyphs.ascii_only
    own = {action.section for action in ACTIONS if action.screen and action.screen == shown}
    elsewhere = {action.section for action in ACTIONS if action.screen} - own
    blocks: list[list[Row]] = []
    for section in sorted(SECTIONS, key=lambda name: name not in own):
        if section in elsewhere and not sought:
            continue  # told on its own screen
        lines: list[Row] = []
        for action in ACTIONS:
            if action.section != section:
                continue
            names = tuple(key_name(key) for key in action.keys)
            about = f"{section} {action.short}"
            if (marked := _marked(sought, action.title, about, names)) is not None:
                keys = keys_of(action, ascii_only=ascii_only)
                lines.append(_line(keys, _KEY, marked))
        title: Row = [(section, "sources.title")]
        if section in elsewhere:
            from wftui.tui.search.palette import PLACES  # here: few search

            screen = next(action.screen for action in ACTIONS if action.section == section and action.screen)
            title.append((f"  {PLACES.get(screen, '')}", "faint"))
        blocks += _block(title, lines)
    if shown == "processes" or sought:
        grammar = [
            _line(form, _FORM, marked)
            for form, meaning in filters.GRAMMAR
            if (marked := _marked(sought, meaning, f"filter {form}")) is not None
        ]
        place = 1 if shown == "processes" and not sought else len(blocks)
        blocks[place:place] = _block([("Filter", "sources.title")], grammar)
    signs = [
        _line(sign, _KEY, marked)
        for sign, meaning in _signs(scene, processes=shown == "processes")
        if (marked := _marked(sought, meaning, "signs")) is not None
    ]
    return blocks + _block([("Signs", "sources.title")], signs)


def _block(title: Row, lines: list[Row]) -> list[list[Row]]:
    return [[title, *lines]] if lines else []


def _line(key: str, columns: int, meaning: Row) -> Row:
    return fit_row([(f"{key:>{columns}}", "key"), gap(2), *meaning], _COLUMN)


def _marked(sought: str, title: str, also: str, keys: tuple[str, ...] = ()) -> Row | None:
    """A title with the letters that were looked for; None: it does not fit."""
    if not sought.strip():
        return [(title, "text")]
    from wftui.tui.search.match import match, segments  # here: few search

    found = match(sought, title, also, keys)
    return None if found is None else segments(title, found.marks, "text")


def _signs(scene: Scene, *, processes: bool) -> list[tuple[str, str]]:
    glyphs = scene.glyphs
    signs = [
        (glyphs.health["ok"], "ok"),
        (glyphs.health["late"], "late"),
        (glyphs.health["stuck"], "failed or stuck"),
        (glyphs.health["absent"], "absent, denied or off"),
        (glyphs.health["asleep"], "asleep"),
        (glyphs.alert, "something needs attention"),
        ("%" if glyphs.ascii_only else "▒", "a gap: nothing was recorded"),
        ("-", "unknown, which is never 0"),
        (f"fewer {glyphs.ellipsis}", "the terminal does not keep up"),
    ]
    if processes:
        signs += [(f"{glyphs.folded}{glyphs.sum}4", "4 in one line, with sums"), (glyphs.tag, "tagged")]
    return signs


def _arranged(blocks: list[list[Row]], width: int) -> list[Row]:
    """Whole blocks in order, in two columns that are as short as that allows."""
    if width < 96:
        return [row for block in blocks for row in [*block, [gap(_GAP)]]][:-1]
    sizes = [len(block) + 1 for block in blocks]
    split = min(range(1, len(blocks) + 1), key=lambda place: max(sum(sizes[:place]), sum(sizes[place:])))
    left, right = (
        [row for block in part for row in [*block, [gap(_GAP)]]] for part in (blocks[:split], blocks[split:])
    )
    right = right[:-1]
    rows = []
    for place in range(max(len(left) - 1, len(right))):
        a = left[place] if place < len(left) - 1 else []
        b = right[place] if place < len(right) else []
        rows.append([*fit_row(a, _COLUMN + 1), *fit_row(b, _COLUMN + 1)])
    return rows
