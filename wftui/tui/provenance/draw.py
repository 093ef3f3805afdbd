"""The dialog of ``i``: the numbers of a panel, and all about the one under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.render import text
from wftui.tui.frame import Row, cells, fit_row, outside, plain, row_width
from wftui.tui.panels.pressure import wrap
from wftui.tui.panels.sources import ROLES
from wftui.tui.provenance.cells import ASKING, MEANINGS
from wftui.tui.scene import gap
from wftui.tui.timeline.figures import figure, label, step_words, unit_words

if TYPE_CHECKING:
    from wftui.tui.provenance.model import Number, Origins
    from wftui.tui.scene import Scene

_WIDEST: Final = 92
_LABEL: Final = 10
"""Columns of the words at the left."""
_LEAST: Final = 3
"""Lines that the list has in any case."""
_SMALL: Final = 16
"""Below so many lines of the screen a line of the list is enough, and what the number means is left out."""


def content(scene: Scene, origins: Origins, width: int, height: int) -> tuple[list[Row], int, Row]:
    """Inside, its width, and what stands at the right of the border."""
    glyphs = scene.glyphs
    inner = max(8, min(_WIDEST, width - 8))
    found = origins.numbers(scene)
    keys: Row = [("y", "key"), (" copy   ", "dim"), (f"{glyphs.up}{glyphs.down}", "key"), (" choose   ", "dim"),
                 ("Esc", "key"), (" back", "dim")]  # fmt: skip
    if not found:
        lines = wrap(scene, _nothing(scene, origins), inner, "dim", 4)
        return [*lines, [gap(inner)], keys[4:]], inner, []
    at = origins.place(found)
    small = height < _SMALL
    about = _about(scene, found[at], inner, small=small)
    # The list holds still while the cursor passes numbers of which more or less is known.
    origins.about = min(max(origins.about, len(about)), height)
    about += [[gap(inner)]] * (origins.about - len(about))
    room = min(len(found), max(1 if small else _LEAST, height - 6 - len(about)))
    top, at = origins.window(found, room)
    rows = [
        _line(scene, found[place], inner, chosen=place == at) for place in range(top, min(len(found), top + room))
    ]
    rows.append([(glyphs.bottom[1] * inner, "faint")])
    rows += about[: max(0, height - 4 - len(rows))]
    if len(rows) + 3 <= height:
        rows += [[gap(inner)], keys] if len(rows) + 4 <= height and not small else [keys]
    right: Row = [(f"{at + 1} of {len(found)}", "dim")] if len(found) > 1 else []
    return rows, inner, right


def _nothing(scene: Scene, origins: Origins) -> str:
    if scene.replay is not None and scene.replay.gap is not None:
        return "nothing was recorded at this moment"
    return f"no number of {plain(origins.subject.title, scene.glyphs)} is told on this machine: 4 shows why"


def _shown(scene: Scene, number: Number) -> str:
    """The value in its unit, of its own length."""
    ascii_only = scene.glyphs.ascii_only
    if isinstance(number.value, str):
        return plain(number.value, scene.glyphs, 200) or "-"
    if number.unit == "s" and number.value == number.value and number.value >= 100:
        return text.duration(number.value)
    if number.unit in ("", "{tick}"):
        return f"{number.value:.0f}" if number.value == number.value else text.UNKNOWN
    return " ".join(figure(number.value, number.unit, ascii_only=ascii_only).split()) or text.UNKNOWN


def _line(scene: Scene, number: Number, width: int, *, chosen: bool) -> Row:
    glyphs = scene.glyphs
    room = 17 if width >= 50 else 10
    value = outside(_shown(scene, number), room - 1, glyphs, middle=True).strip()
    quality = number.quality if number.quality != "measured" else ""
    left = width - 3 - room - (12 if width >= 60 else 0)
    row: Row = [gap(1), (outside(number.title, max(4, left), glyphs, middle=True), "text"), gap(1)]
    if width >= 60:
        row += [(f"{quality:<11}", "dim"), gap(1)]
    row.append((" " * max(0, room - cells(value)) + value, "strong" if value != text.UNKNOWN else "faint"))
    row = fit_row(row, width)
    return [("".join(words for words, _ in row), "select")] if chosen else row


def _about(scene: Scene, number: Number, width: int, *, small: bool) -> list[Row]:
    """All that is known of one number."""
    rows: list[Row] = []
    separator = f" {scene.glyphs.separator} "

    def say(label: str, words: str, role: str = "text", lines: int = 2) -> None:
        for line in wrap(scene, plain(words, scene.glyphs), max(4, width - _LABEL), role, lines) if words else ():
            rows.append(fit_row([(f"{label:<{_LABEL}}", "dim"), *line], width))
            label = ""

    say("metric", number.metric, "strong")
    if not small:
        say("", number.help)
    value = _shown(scene, number)
    unit = unit_words(number.unit, ascii_only=scene.glyphs.ascii_only)
    if number.kind == "event":
        say("about", value)
    else:
        unknown = "- not known now" if number.then is None else "- not known then"
        said = [value if value != text.UNKNOWN else unknown]
        if isinstance(number.value, float) and number.value == number.value and number.unit not in ("", "{tick}"):
            # What is counted ({thread}) is told by the next line.
            counted = number.unit.startswith("{")
            exact = "(1 is all of it)" if number.unit == "1" else "" if counted else number.unit
            if exact or f"{number.value:.6g}" != f"{number.value:.3g}":
                said.append(f"{number.value:.6g} {exact}".rstrip())
        low, high = number.spread
        if low == low and low != high:
            said.append(f"{label(low, number.unit)} to {label(high, number.unit)}")
        if number.raw == number.raw:
            said.append(f"the counter stands at {number.raw:.6g} {number.raw_unit}")
        say("value", separator.join(said))
    if not small and number.kind != "event":
        say("unit", separator.join(word for word in dict.fromkeys((unit, number.kind)) if word))
    if not small:
        say("formula", number.formula)
    say("labels", separator.join(f"{key} {item}" for key, item in number.labels))
    say("read", f"{number.source}{separator}{number.call}")
    rows += [fit_row(row, width) for row in _age(scene, number)]
    say("quality", _quality(scene, number))
    # How the source is now says nothing of then.
    if number.then is None:
        rows += _source(scene, number, width)
    return rows


def _quality(scene: Scene, number: Number) -> str:
    """How the number is known; where that is only known of now, why."""
    words = f"{number.quality}: {MEANINGS[number.quality]}" if number.quality in MEANINGS else ""
    if number.then is None or not number.then.doubt:
        return words
    if number.then.doubt == ASKING:
        return f"asking{scene.glyphs.ellipsis}"
    return f"{words} {scene.glyphs.separator} now, not then: {number.then.doubt}"


def _age(scene: Scene, number: Number) -> list[Row]:
    """How old it is; in the past, when it was taken."""
    if number.taken_ns is None:
        return []
    at = number.taken_ns / 1e9
    if number.then is not None:
        row: Row = [(f"{'time':<{_LABEL}}", "dim"), (f"{text.day(at)} {text.clock(at)}", "past")]
        known, expected = number.then.ticks
        row.append((f" {scene.glyphs.separator} mean of {known} of {expected} s", "text"))
        return [row]
    row = [(f"{'age':<{_LABEL}}", "dim")]
    if scene.replay is None:
        age = max(0.0, (scene.now.time_ns - number.taken_ns) / 1e9)
        words = f"{age:.1f} s" if age < 10 else text.duration(age)
        row.append((words, "text"))
    else:
        row.append((f"{text.day(at)} {text.clock(at)}", "past"))
    health = scene.state.source(number.source)
    every = number.every or (step_words(health.interval_s) if health is not None and health.interval_s else "")
    if every and number.kind != "event":
        row.append((f" {scene.glyphs.separator} read every {every}", "text"))
    return [row]


def _source(scene: Scene, number: Number, width: int) -> list[Row]:
    """How its source is, with the last error and the step."""
    health = scene.state.source(number.source)
    if health is None:
        return []
    glyphs = scene.glyphs
    role = ROLES.get(health.state, "dim")
    row: Row = [(f"{'source':<{_LABEL}}", "dim"), (f"{glyphs.health.get(health.state, '?')} {health.state}", role)]
    said = []
    if health.duration_s is not None:
        said.append(f"{text.milliseconds(health.duration_s).strip()} a call")
    if health.coverage is not None:
        said.append(f"{text.percent(health.coverage).strip()} came in 5 min")
    if health.failures > 0:
        said.append(f"{health.failures} failed")
    if health.late > 0:
        said.append(f"{health.late} left out")
    for words in said:
        more = f" {glyphs.separator} {words}"
        if row_width(row) + cells(more) <= width:
            row.append((more, "dim"))
    rows = [fit_row(row, width)]
    inner = max(4, width - _LABEL)
    for words, kind in ((health.reason, role), (f"{glyphs.right} {health.fix}" if health.fix else "", "text")):
        if words:
            rows += [
                fit_row([gap(_LABEL), *line], width) for line in wrap(scene, plain(words, glyphs), inner, kind, 2)
            ]
    return rows
