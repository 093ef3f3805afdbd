"""Outside text made safe to show, and its width in terminal columns.

Names of processes, models and containers, log lines and messages are written by others: they pass `clean`
when they enter and again where they are drawn.
"""

import re
import unicodedata
from typing import Final, Literal

ELLIPSIS: Final = "…"

# Printable to Python, yet invisible (Unicode's default ignorable: fillers, joiners), or of a width that differs
# from terminal to terminal (variation selectors).
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# Hangul vowels and finals, which join the syllable before them.
_JOINING: Final = ((0x1160, 0x11FF), (0xD7B0, 0xD7FF))
# Wide since Unicode 16, which is newer than Python 3.11's tables: trigrams, hexagrams, counting rods.
_WIDE: Final = ((0x2630, 0x2637), (0x268A, 0x268F), (0x4DC0, 0x4DFF), (0x1D300, 0x1D356), (0x1D360, 0x1D376))
_MARKS: Final = ("Mn", "Me", "Mc", "Cf", "Cc", "Cs")


class _Escapes(dict[int, str | int]):
    """Code point to what is shown for it; filled as characters come."""

    def __missing__(self, code: int) -> str | int:
        shown: str | int = code
        if 0xD800 <= code <= 0xDFFF:
            shown = "\ufffd"
        elif not chr(code).isprintable() or _INVISIBLE.match(chr(code)):
            form = "\\x{:02x}" if code <= 0xFF else "\\u{:04x}" if code <= 0xFFFF else "\\U{:08x}"
            shown = form.format(code)
        if len(self) >= _REMEMBERED:  # hostile text must not grow us
            self.clear()
        self[code] = shown
        return shown


class _Columns(dict[str, int]):
    """Character to its columns; filled as characters come."""

    def __missing__(self, char: str) -> int:
        code = ord(char)
        if unicodedata.category(char) in _MARKS or _within(code, _JOINING):
            columns = 0
        else:
            wide = unicodedata.east_asian_width(char) in ("W", "F") or _within(code, _WIDE)
            columns = 2 if wide else 1
        if len(self) >= _REMEMBERED:
            self.clear()
        self[char] = columns
        return columns


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)


_REMEMBERED: Final = 4096
_escapes = _Escapes()
_columns = _Columns()


def clean(value: str | bytes, limit: int = 4096) -> str:
    r"""Make outside text safe for a terminal, a file or a widget; one printable line.

    Whatever Python does not call printable becomes an escape that can be read: ``\x1b``, ``\u202e``. That is C0,
    DEL, C1 (so ESC, CSI and OSC sequences fall apart), bidi and all other format characters, line and paragraph
    separators, spaces other than U+0020, private and unassigned characters; invisible fillers and variation
    selectors too. Invalid UTF-8 and lone surrogates become U+FFFD. A zero width joiner is a format character
    like the rest: the joined emoji falls apart, but hides nothing and has one width in every terminal.

    Args:
        value: Text, or bytes taken as UTF-8.
        limit: Characters kept; a longer text ends in ``…`` after them.

    Returns:
        Printable text without control, format or surrogate characters; `clean` leaves it as it is.
    """
    if isinstance(value, bytes):
        # A character has at most 4 bytes, so this slice decides all that is kept.
        value = value[: 4 * limit + 4].decode("utf-8", "replace")
    if not value.isprintable() or (not value.isascii() and _INVISIBLE.search(value)):
        value = value[: limit + 1].translate(_escapes)
    return value if len(value) <= limit else value[:limit] + ELLIPSIS


def width(text: str) -> int:
    """Count the terminal columns of cleaned text.

    Wide and fullwidth characters take 2, marks and Hangul vowels and finals 0, all others 1 (East Asian
    ambiguous as in a Western terminal). Approximate: characters are counted one by one, so what a terminal
    joins (an emoji and its skin tone) counts as its parts.

    Source: UAX #11 by `unicodedata`; agrees with wcwidth on every character that `clean` lets through, but for
    regional indicators: 1 each here, so that a flag, a pair of them, takes 2.
    """
    if text.isascii():
        return len(text)
    return sum(map(_columns.__getitem__, text))


def fit(text: str, columns: int, align: Literal["left", "right"] = "left") -> str:
    """Pad or cut text to exactly `columns` columns; a cut ends in ``…``, a wide character is never split."""
    if columns <= 0:
        return ""
    if text.isascii():
        if len(text) > columns:
            return text[: columns - 1] + ELLIPSIS
        return text.ljust(columns) if align == "left" else text.rjust(columns)
    wide = width(text)
    if wide > columns:
        text = _head(text, columns - 1) + ELLIPSIS
        wide = width(text)
    blank = " " * (columns - wide)
    return text + blank if align == "left" else blank + text


def cut_middle(text: str, columns: int) -> str:
    """Cut text to at most `columns` columns, keeping start and more of the end: paths and models differ there."""
    if width(text) <= columns:
        return text
    if columns <= 0:
        return ""
    head = (columns - 1) // 3
    return _head(text, head) + ELLIPSIS + _tail(text, columns - 1 - head)


def _head(text: str, columns: int) -> str:
    """Take the longest start that fits, with the marks that belong to its last character."""
    used = 0
    for at, char in enumerate(text):
        used += _columns[char]
        if used > columns:
            return text[:at]
    return text


def _tail(text: str, columns: int) -> str:
    """Take the longest end that fits, without marks that have lost their character."""
    used = 0
    start = at = len(text)
    while at:
        at -= 1
        taken = _columns[text[at]]
        used += taken
        if used > columns:
            break
        if taken:
            start = at
    return text[start:]
