"""The dialog of `x`, drawn: the choices, what the chosen one means, and what was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.render import text
from wftui.tui.bundling import model
from wftui.tui.bundling.model import (
    DONE,
    ENCRYPTION,
    FIELDS,
    FILE,
    LEVEL,
    PASSPHRASE,
    PLAIN,
    RANGE,
    WRITE,
    WRITING,
)
from wftui.tui.frame import Row, cells, fit_row, outside, plain, row_width
from wftui.tui.panels.pressure import wrap
from wftui.tui.scene import gap
from wftui.tui.why.draw import wrapped
from wftui.units import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wftui.bundle.format import Redacted
    from wftui.bundle.orders import Written
    from wftui.tui.bundling.control import Preview
    from wftui.tui.bundling.model import Bundling
    from wftui.tui.scene import Scene

_WIDEST: Final = 72
_LABEL: Final = 9
_NARROW: Final = 50
"""Columns up to which sentences take a line more."""
_LEVELS: Final = {
    "full": "names of programs and models stay; persons, hosts, paths and addresses get made-up names",
    "anonymous": "no name of anything but products: GPUs, drivers, kinds of model servers",
    "aggregate": "statistics of each hour only; nothing of which there are few",
}
_WAYS: Final = {
    "passphrase": "five words, made up and shown once when it is written",
    "recipients": "only who has one of these keys can open it",
    "plain": "not encrypted: whoever has the file can read it",
}
_NAMES: Final = {"passphrase": "with a passphrase", "recipients": "for keys", "plain": "no: plain"}


def title(bundling: Bundling) -> str:
    """Of the dialog."""
    return "bundle written" if bundling.stage == DONE else "incident bundle"


def content(scene: Scene, bundling: Bundling, width: int, height: int) -> tuple[list[Row], int, Row]:
    """Inside of the dialog, its width, what stands at the right of the upper border."""
    inner = max(8, min(_WIDEST, width - 8 if width >= 60 else width - 4))
    if bundling.stage == DONE and bundling.written is not None:
        return _done(scene, bundling.written, inner, height - 2), inner, []
    if bundling.stage == WRITING:
        return _writing(scene, bundling, inner), inner, []
    return _form(scene, bundling, inner, height - 2), inner, []


def preview(scene: Scene, shown: Preview, width: int) -> tuple[list[Row], int]:
    """All classes of data, with samples; as long as it takes."""
    inner = max(8, min(96, width - 8 if width >= 60 else width - 4))
    rows: list[Row] = []
    for line in shown.lines:
        if not line.strip():
            rows.append([gap(inner)])
        else:
            rows += wrapped(scene, line, inner, "text" if line[:1].isspace() else "strong")
    arrows = f"{scene.glyphs.up}{scene.glyphs.down}"
    rows += [[gap(inner)], [(arrows, "key"), (" scroll   ", "dim"), ("Esc", "key"), (" back", "dim")]]
    return rows, inner


def _form(scene: Scene, bundling: Bundling, width: int, height: int) -> list[Row]:
    rows = [_line(scene, bundling, field, width) for field in FIELDS]
    said = plain(bundling.error or _about(bundling), scene.glyphs, 300)
    # The cursor moves over lines that stay where they are.
    lines = max(1, min(3 if width < _NARROW else 2, height - len(rows) - 1))
    about = wrap(scene, said, width, "bad" if bundling.error else "dim", lines)
    about += [[gap(width)]] * (lines - len(about))
    keys: list[tuple[str, str]] = [("Enter", "write" if bundling.field == WRITE else "next")]
    if bundling.field == FILE:
        keys.append(("^U", "empty"))
    else:
        keys += [(_sideways(scene), "change")] if bundling.field != WRITE else []
        keys.append(("p", "preview"))
    blanks = min(3, max(0, height - len(rows) - lines - 1))
    first, second, third = ([[gap(width)]] if place < blanks else [] for place in range(3))
    below = keys_row([*keys, ("Esc", "back")], width)
    return [*rows[:-1], *third, rows[-1], *first, *about, *second, below]


def keys_row(keys: list[tuple[str, str]], width: int) -> Row:
    """Keys and what they do, the last one always; where there is little room the words of the others go."""
    for between, bare in ((3, 0), (2, 0), (1, 1), (1, 2), (1, len(keys) - 1)):
        row: Row = []
        for place, (key, does) in enumerate(keys):
            # The first to go are those that most people guess.
            words = "" if place < bare else f" {does}"
            row += [(key, "key"), (words + " " * between, "dim")]
        if row_width(row) - between <= width:
            return fit_row(row, width)
    return fit_row([(keys[-1][0], "key"), (f" {keys[-1][1]}", "dim")], width)


def _sideways(scene: Scene) -> str:
    return "<- ->" if scene.glyphs.ascii_only else "←→"


def _line(scene: Scene, bundling: Bundling, field: str, width: int) -> Row:
    glyphs, here = scene.glyphs, bundling.field == field
    mark = (f"{glyphs.right} ", "mark") if here else gap(2)
    if field == WRITE:
        return fit_row([mark, (" write it ", "select" if here else "strong")], width)
    room = max(1, width - 2 - _LABEL)
    if field == FILE:
        # The end of a long name is where one types.
        typed = plain(bundling.file, glyphs, 300)[-(room - 1) :]
        shown = typed if here else outside(bundling.file, room, glyphs, middle=True).rstrip()
        tail: Row = [(shown, "strong"), (" ", "cursor" if here else "text")]
    else:
        shown = outside(_value(scene, bundling, field, room), room, glyphs).rstrip()
        risky = field == ENCRYPTION and bundling.way == PLAIN
        tail = [(shown, "select" if here else "warn" if risky else "strong")]
    return fit_row([mark, (f"{field:<{_LABEL}}", "text" if here else "dim"), *tail], width)


def _value(scene: Scene, bundling: Bundling, field: str, room: int) -> str:
    if field == RANGE:
        return _span(bundling, room)
    if field == LEVEL:
        return bundling.level
    if bundling.way == PLAIN:
        return f"{scene.glyphs.alert} {_NAMES[PLAIN]}"
    if bundling.way == PASSPHRASE:
        return _NAMES[PASSPHRASE]
    count = len(bundling.recipients)
    return f"for {count} key{'s' * (count != 1)} of bundle.recipients"


def _span(bundling: Bundling, room: int) -> str:
    """The range, as short as it is clear."""
    begin, end = bundling.span.begin, bundling.span.end
    day = "" if text.day(begin) == text.day(end) else f"{text.day(begin)} "
    words = f"{day}{text.clock(begin)} to {text.clock(end)}"
    length = f" ({text.duration(end - begin)})"
    return words + length if len(words + length) <= room else words


def _about(bundling: Bundling) -> str:
    """What the choice under the cursor means."""
    if bundling.field == RANGE:
        return bundling.span.about
    if bundling.field == LEVEL:
        return _LEVELS[bundling.level]
    if bundling.field == ENCRYPTION:
        if bundling.way != PLAIN and bundling.can_encrypt:
            return bundling.can_encrypt
        if bundling.way == model.RECIPIENTS and not bundling.recipients:
            return "none is known: wftop config set bundle.recipients age1…"
        keys = ", ".join(_key(item) for item in bundling.recipients)
        return f"{_WAYS[bundling.way]}{f': {keys}' if bundling.way == model.RECIPIENTS else ''}"
    if bundling.field == FILE:
        return f"in {bundling.path.parent}; it is yours alone to read (0600) and is sent nowhere"
    return "Enter writes it: you agree that this leaves the recording as a file. p shows all that is in it"


def _key(recipient: str) -> str:
    """A public key, as much as tells it from others."""
    words = recipient.split()
    if len(words) > 2:
        return words[2]
    return f"{words[0]} …{words[1][-8:]}" if len(words) > 1 else f"{recipient[:12]}…"


def _writing(scene: Scene, bundling: Bundling, width: int) -> list[Row]:
    since_s = max(0.0, scene.now.boottime_ns / NS_PER_S - bundling.began_s)
    steps: Row = [(f"  {plain(bundling.step, scene.glyphs, 40)}", "dim")] if bundling.step else []
    return [
        fit_row([("writing  ", "strong"), (text.duration(int(since_s)), "text"), *steps], width),
        [(outside(bundling.file, width, scene.glyphs, middle=True), "dim")],
        [gap(width)],
        fit_row([("Esc", "key"), (" stop: nothing is left of it", "dim")], width),
    ]


def _done(scene: Scene, written: Written, width: int, height: int) -> list[Row]:
    glyphs = scene.glyphs
    rows: list[Row] = [
        [(outside(written.path, width, glyphs, middle=True), "strong")],
        fit_row([(f"{text.size(written.bytes)} in {written.took_s:.1f} s", "text")], width),
    ]
    if written.passphrase:
        nowhere = ", it is kept nowhere"
        shown: list[Row] = wrap(scene, written.passphrase.replace("-", "- "), width, "mark", 2)
        if cells(written.passphrase) <= width:
            shown = [[(written.passphrase, "mark")]]
        rows += [
            [gap(width)],
            fit_row([("passphrase: write it down", "warn"), (nowhere if width >= _NARROW else "", "dim")], width),
            *shown,
        ]
    more: list[Row] = []
    if words := replaced(written.redactions):
        more += wrap(scene, plain(words, glyphs, 400), width, "dim", 3)
    for line in written.left_out:
        more += wrap(scene, plain(line, glyphs, 300), width, "dim", 2)
    opens = wrap(
        scene, f"wftop replay {plain(written.path.rpartition('/')[2], glyphs)} opens it", width, "text", 1
    )
    keys = [("y", "copy the passphrase")] if written.passphrase else []
    end: list[Row] = [*opens, keys_row([*keys, ("Esc", "back")], width)]
    room = height - len(rows) - len(end) - 2
    if more and room > 0:
        rows += [[gap(width)], *more[:room]]
    return [*rows, *([[gap(width)]] if height > len(rows) + len(end) else []), *end]


def replaced(redactions: Iterable[Redacted]) -> str:
    """What was done to names and secrets, in a line: how many of what."""
    found: dict[str, list[str]] = {}
    for item in redactions:
        if item.count:
            found.setdefault(item.how, []).append(f"{item.what} {item.count}")
    return "; ".join(f"{how}: {', '.join(items)}" for how, items in found.items())
