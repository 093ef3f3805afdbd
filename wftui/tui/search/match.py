"""How well typed words fit a title: by words, then by letters in their order."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_WORD: Final = re.compile(r"[^\s.,:;()_/-]+")
_EXACT, _BEGIN, _ASIDE, _INSIDE, _ASIDE_INSIDE, _LETTERS = range(6)


class Match(NamedTuple):
    """What was found."""

    cost: int
    """0 is the best; only good for comparing matches of the same words."""
    marks: frozenset[int] = frozenset()
    """Places in the title of the letters that were typed."""


def match(typed: str, title: str, also: str = "", keys: tuple[str, ...] = ()) -> Match | None:
    """How ``typed`` fits; None: it does not.

    Every word of it has to be found, in any order: as a word of the title or its begin, as the begin of a word of
    ``also``, as the name of one of the ``keys``, inside either text, or as letters of the title in their order
    from the begin of one of its words on.
    """
    low, aside = title.lower(), also.lower()
    cost = 0
    marks: set[int] = set()
    for word in typed.lower().split():
        found = _word(word, low, aside, keys)
        if found is None:
            return None
        cost += found.cost
        marks |= found.marks
    return Match(cost, frozenset(marks))


def segments(title: str, marks: frozenset[int], usual: str) -> list[tuple[str, str]]:
    """The title as (text, role), the letters at ``marks`` in the role of what was found."""
    row: list[tuple[str, str]] = []
    for place, char in enumerate(title):
        role = "mark" if place in marks else usual
        if row and row[-1][1] == role:
            row[-1] = (row[-1][0] + char, role)
        else:
            row.append((char, role))
    return row


def _word(word: str, title: str, also: str, keys: tuple[str, ...]) -> Match | None:
    begins = [(piece.start(), piece.group()) for piece in _WORD.finditer(title)]
    for start, piece in begins:
        if piece == word:
            return Match(_EXACT, frozenset(range(start, start + len(word))))
    begun = next((start for start, piece in begins if piece.startswith(word)), None)
    named = any(name.lower() == word for name in keys)
    if begun is not None:
        return Match(_BEGIN - named, frozenset(range(begun, begun + len(word))))
    if named:
        return Match(_BEGIN)
    if any(piece.group().startswith(word) for piece in _WORD.finditer(also)):
        return Match(_ASIDE)
    if len(word) < 2:
        return None  # inside something a single letter is everywhere
    inside = title.find(word)
    if inside >= 0:
        return Match(_INSIDE, frozenset(range(inside, inside + len(word))))
    if word in also:
        return Match(_ASIDE_INSIDE)
    for start, _ in begins:
        places = _letters(word, title, start)
        if places is not None:
            return Match(_LETTERS, places)
    return None


def _letters(word: str, title: str, start: int) -> frozenset[int] | None:
    """Places of the letters in their order, the first one at ``start``."""
    places = [start]
    if title[start] != word[0]:
        return None
    for letter in word[1:]:
        found = title.find(letter, places[-1] + 1)
        if found < 0:
            return None
        places.append(found)
    # Letters strewn over a whole sentence are found in everything.
    return frozenset(places) if places[-1] - start < 4 * len(word) else None
