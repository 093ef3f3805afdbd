"""The editor of a rule's numbers on the screen: the numbers, the graph with the limit, the last day with both."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from wftui.model.series import matches
from wftui.render import text
from wftui.tui.alerts_screen import evidence, seen
from wftui.tui.alerts_screen.editing import shortened
from wftui.tui.frame import Row, cells, fit_row, join, outside, row_width
from wftui.tui.gpu_screen.words import folded, own
from wftui.tui.scene import gap

if TYPE_CHECKING:
    from wftui.model.sample import Column
    from wftui.tui.alerts_screen.editor import Editor
    from wftui.tui.alerts_screen.model import AlertsScreen
    from wftui.tui.scene import Scene
    from wftui.wire.messages import ReplayRulesReply
    from wftui.wire.rules import RuleFirings, RuleNumber

_VALUE: Final = 12
"""Columns of a number while it is typed."""
_UNIT: Final = 11
_SHIPPED: Final = 20
_WIDE: Final = 70
"""Columns from which on what ships stands beside each number."""
_TALLEST: Final = 16
"""Lines of the graph."""
_HALF_S: Final = 1800
_MISSING_S: Final = 90
"""Seconds of a day that may be unknown without a word."""
_AFTER: Final = {"clear": "  over again at", "for": "it must hold for"}


def draw(scene: Scene, screen: AlertsScreen, editor: Editor, width: int, height: int) -> list[Row]:
    """At most ``height`` lines."""
    rule = seen.rules(scene.state).get(editor.rule)
    role = seen.ROLES.get(rule.severity if rule is not None else "", "warn")
    rows = _head(scene, editor, width)
    if editor.told is None:
        return [*rows, [gap(width)], [("asking for its numbers", "dim")]][:height]
    if not editor.numbers:
        words = f"it compares texts only; wftop rules edit {editor.rule.removeprefix('rule.')} changes it"
        return [*rows, [gap(width)], *folded(words, width, scene.glyphs, "dim", 2)][:height]
    day = _day(scene, editor, role, width)
    said = folded(editor.error, width, scene.glyphs, "bad", 2) if editor.error else [_hint(scene, editor, width)]
    # What is changed and what is wrong with it comes first, then the day, then the graph.
    most = max(1, height - len(rows) - len(said) - len(day))
    rows += _numbers(scene, editor, width, min(most, max(3, height // 3)))
    rows += said
    roomy = height - len(rows) - len(day) >= 2
    blank: list[Row] = [[gap(width)]] if roomy else []
    rows += blank
    left = height - len(rows) - len(day) - len(blank)
    graph = _graph(scene, screen, editor, role, width, min(_TALLEST, left))
    rows += [*graph, *blank] if graph else []
    return [*rows, *day][:height]


def _head(scene: Scene, editor: Editor, width: int) -> list[Row]:
    glyphs = scene.glyphs
    right: Row = [("editing", "mark")]
    left: Row = [(outside(editor.name, max(0, width - row_width(right) - 2), glyphs).rstrip(), "strong")]
    told = editor.told
    if told is None:
        return [join(left, right, width)]
    file = shortened(told.file)
    if told.builtin:
        words = f"{editor.rule} ships with wftop; Enter writes a copy of yours"
    else:
        words = f"{editor.rule} is yours{', in place of the one that ships' if told.replaces else ''}: {file}"
    return [join(left, right, width), [(outside(words, width, glyphs, middle=True), "dim")]]


def _numbers(scene: Scene, editor: Editor, width: int, room: int) -> list[Row]:
    """A line each, with the one that is changed in view."""
    top = max(0, min(editor.place - room // 2, len(editor.numbers) - room))
    wide = max(cells(_about(item)) for item in editor.numbers)
    return [_number(scene, editor, at, wide, width) for at in range(top, min(len(editor.numbers), top + room))]


def _about(number: RuleNumber) -> str:
    return _AFTER.get(number.field, number.about)


def _number(scene: Scene, editor: Editor, at: int, wide: int, width: int) -> Row:
    glyphs, number, typed = scene.glyphs, editor.numbers[at], editor.typed[at]
    here = at == editor.place
    shown = outside(typed, min(_VALUE - 1, len(typed)), glyphs) if typed else ""
    value: Row = [gap(max(0, _VALUE - 1 - len(shown)))]
    changed = typed != number.text
    value.append((shown, "select" if here and editor.fresh else "mark" if changed else "strong"))
    value.append((" ", "cursor" if here and not editor.fresh else "text"))
    unit = "" if number.lasts else own(f" {number.unit}" if number.unit else "", glyphs).strip()
    tail: Row = [*value, (f"{unit:<{_UNIT}}"[:_UNIT], "dim")]
    if width >= _WIDE:
        tail.append((outside(_origin(editor, number), _SHIPPED, glyphs), "faint"))
    room = max(0, min(wide, width - row_width(tail) - 2))
    about = outside(_about(number), room, glyphs, middle=True)
    mark = (f"{glyphs.right} ", "mark") if here else gap(2)
    return fit_row([mark, (about, "text" if here else "dim"), *tail], width)


def _origin(editor: Editor, number: RuleNumber) -> str:
    """What the number was, or is where it ships."""
    if number.text and editor.typed[editor.numbers.index(number)] != number.text:
        return f"was {number.text}"
    if number.shipped and number.shipped != number.text:
        return f"ships as {number.shipped}"
    return ""


def _hint(scene: Scene, editor: Editor, width: int) -> Row:
    del scene
    ship = any(item.shipped is not None and item.shipped != item.text for item in editor.numbers)
    keys: Row = [("type", "key"), (" a number  ", "dim"), ("+ -", "key"), (" a step  ", "dim")]
    keys += [("u", "key"), (" as it ships  ", "dim")] if ship else []
    write: Row = [("Enter", "key"), (" write  ", "dim")] if editor.changed() else []
    return fit_row([gap(2), *keys, *write, ("Esc", "key"), (" leave it", "dim")], width)


# ---- the graph


def _graph(scene: Scene, screen: AlertsScreen, editor: Editor, role: str, width: int, height: int) -> list[Row]:
    """The series of the number that is changed, or of the first that has one, with the limit as it is typed."""
    drawn = [at for at, item in enumerate(editor.numbers) if item.selector]
    if not drawn:
        return []
    at = editor.place if editor.place in drawn else drawn[0]
    number = editor.numbers[at]
    found = _column(scene, editor, number)
    if found is None:
        return []
    try:
        limit = float(editor.typed[at]) * number.factor
    except ValueError:
        limit = math.nan
    over = "<" not in number.about[-2:]
    return evidence.graph(scene, screen, found, limit, role, width, height, over=over)


def _column(scene: Scene, editor: Editor, number: RuleNumber) -> Column | None:
    """The series of the alert, else the first one that the number is a limit of."""
    state = scene.state
    alert = next((item for item in seen.alerts(state) if item.key == editor.alert), None)
    places = [state.places.get(item) for item in alert.series] if alert is not None else []
    columns = [state.columns[place] for place in places if place is not None]
    return next((item for item in (*columns, *state.columns) if matches(number.selector, item.series)), None)


# ---- the last day


def _day(scene: Scene, editor: Editor, role: str, width: int) -> list[Row]:
    """How often it fired, and would have fired, with the times."""
    glyphs = scene.glyphs
    if editor.preview is None:
        words = editor.trouble and f"no preview: {editor.trouble}"
        return [
            [("the last 24 h", "events.title")],
            *folded(words or "asking how often it would have fired", width, glyphs, "dim", 3),
        ]
    reply = editor.preview
    now, then = reply.rules[0], reply.rules[-1]
    asking = editor.asking or editor.previewed != tuple(editor.typed)
    right: Row = [("asking", "mark")] if asking and not editor.error else []
    rows = [join([("the last 24 h", "events.title")], right, width)]
    if not then.seconds:
        return [*rows, *folded("nothing of it was recorded in that time", width, glyphs, "dim", 2)]
    changed = any(before != item.text for before, item in zip(editor.previewed, editor.numbers, strict=True))
    rows += [_said("as it is", now, "fired", width), _strip(scene, reply, now, role, width)]
    if changed:
        rows += [
            _said(own(_with(editor), glyphs), then, "would have fired", width),
            _strip(scene, reply, then, role, width),
        ]
    rows.append(_ruler(scene, reply, width))
    shown = then if changed else now
    if shown.spans:
        rows += folded(_times(scene, shown), width, glyphs, "dim", 1)
    rows += [row for words in _unknown(reply, then) for row in folded(words, width, glyphs, "warn", 2)]
    return rows


def _with(editor: Editor) -> str:
    """The numbers that the preview is about: one, or that there are several."""
    pairs = zip(editor.previewed, editor.numbers, strict=True)
    others = [(typed, item) for typed, item in pairs if typed != item.text]
    if len(others) > 1:
        return "with these numbers"
    typed, item = others[0]
    name = "" if item.field == "value" else f"{item.field} "
    return f"with {name}{typed}{f' {item.unit}' if item.unit else ''}"


def _said(begin: str, found: RuleFirings, verb: str, width: int) -> Row:
    if found.seconds <= found.unknown_s:
        return fit_row([(f"{begin}  ", "dim"), ("not known", "warn")], width)
    if not found.count:
        words = f"{verb} never" if verb == "fired" else "would never have fired"
        return fit_row([(f"{begin}  ", "dim"), (words, "good")], width)
    times = "once" if found.count == 1 else f"{found.count} times"
    lasted = f", {_long(found.firing_s)} in all"
    return fit_row([(f"{begin}  ", "dim"), (f"{verb} {times}", "strong"), (lasted, "text")], width)


def _strip(scene: Scene, reply: ReplayRulesReply, found: RuleFirings, role: str, width: int) -> Row:
    """The time from left to right: where it fired, where nothing was recorded."""
    ascii_only = scene.glyphs.ascii_only
    fire, hole, calm = ("#", "%", ".") if ascii_only else ("█", "▒", "·")
    line = [calm] * width
    for marks, char in ((reply.gaps, hole), (found.spans, fire)):
        for since, until in marks:
            first, last = _cell(reply, since, width), _cell(reply, max(since, until - 1), width)
            if char == hole and until - since < (reply.until_s - reply.since_s) / width:
                continue  # less than a cell
            for place in range(max(0, first), min(width - 1, last) + 1):
                line[place] = char
    roles = {fire: role, hole: "faint", calm: "faint"}
    row: Row = []
    for char in line:
        if row and row[-1][1] == roles[char] and row[-1][0][-1] == char:
            row[-1] = (row[-1][0] + char, roles[char])
        else:
            row.append((char, roles[char]))
    return row


def _cell(reply: ReplayRulesReply, second: int, width: int) -> int:
    return (second - reply.since_s) * width // max(1, reply.until_s - reply.since_s)


def _ruler(scene: Scene, reply: ReplayRulesReply, width: int) -> Row:
    """Times of day below the strips."""
    line = [" "] * width
    hours = 3 if width >= 60 else 6
    second = -(-reply.since_s // _HALF_S) * _HALF_S  # some zones are half an hour off
    while second < reply.until_s:
        label = text.clock(second)[:5]
        if int(label[:2]) % hours == 0 and label.endswith(":00"):
            said = scene.glyphs.tick + label
            place = _cell(reply, second, width)
            if place + len(said) <= width:
                line[place : place + len(said)] = said
        second += _HALF_S
    return [("".join(line), "faint")]


def _times(scene: Scene, found: RuleFirings) -> str:
    """When it fired, the last time first."""
    parts = [f"{text.clock(since)[:5]} for {_long(until - since)}" for since, until in found.spans]
    return f" {scene.glyphs.separator} ".join(reversed(parts))


def _unknown(reply: ReplayRulesReply, found: RuleFirings) -> list[str]:
    """What is not known of that time, and why."""
    span = reply.until_s - reply.since_s
    known = max(0, found.seconds - found.unknown_s)
    out = []
    if span - known > _MISSING_S:
        missing = sum(until - since for since, until in reply.gaps)
        why = [f"{_long(missing)} were not recorded"] if missing > _MISSING_S else []
        why += [f"for {_long(found.unknown_s)} {found.why}"] if found.unknown_s > _MISSING_S else []
        out.append("; ".join([f"{_long(known)} of {_long(span)} are known", *why]))
    if reply.coarse:
        coarse = sum(until - since for since, until, _ in reply.coarse)
        step = max(item[2] for item in reply.coarse)
        out.append(f"of {_long(coarse)} only means of {step} s are left: what was shorter is not seen")
    return out


def _long(seconds: float) -> str:
    """A length of time as one says it: ``40 s``, ``12 min``, ``2 h 10 min``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
