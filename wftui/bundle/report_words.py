"""Words of a report that came from outside, told apart from words of ours."""

import re
from typing import Final

from wftui.text import clean

_LIMIT: Final = 240
_UNIT: Final = re.compile(r"[A-Za-z0-9%/{}_.]{0,24}", re.ASCII)


class Said(str):
    """Redacted and cleaned text from outside: a writer of reports keeps it from becoming markup."""

    __slots__ = ()


Sentence = tuple[str, ...]
"""Words of ours and, as ``Said``, of others."""


def said(text: str) -> Said:
    """Text that passed the redactor, made safe to show."""
    return Said(clean(text, _LIMIT))


def unit(text: str) -> str:
    """A unit: those of pushed series are words from outside; what looks like none is left out."""
    return text if _UNIT.fullmatch(text) else ""
