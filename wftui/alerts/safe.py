"""Regular expressions of rule files: only those that cannot take for ever."""

import re
from typing import Final

MAX_PATTERN: Final = 256


def trouble(pattern: str) -> str:
    """What was expected of a pattern; empty: it can be used.

    A repetition inside a repetition (``(a+)+``) takes time that doubles with each character of a text that does
    not fit, and so do repeated alternatives and back references: they are refused, where they are harmless too.
    """
    if len(pattern) > MAX_PATTERN:
        return f"a regular expression of at most {MAX_PATTERN} characters"
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"a regular expression ({error})"
    except FutureWarning:  # made an error by who runs us: a set inside a set
        return "a regular expression without [ inside [ ]"
    if _nested(pattern):
        return "a regular expression without a repetition or an alternative inside a repetition"
    return ""


def _nested(pattern: str) -> bool:
    """Whether a group that repeats or chooses is repeated itself, or a group is referred back to.

    Walks the text: what is escaped and what stands in brackets means nothing here.
    """
    inside = [False]
    """Of each open group: whether something in it repeats or there is a choice."""
    position = 0
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            if pattern[position + 1 : position + 2].isdigit():
                return True
            position += 2
            continue
        if char == "[":
            position = _after_set(pattern, position)
            continue
        if char == "(":
            if pattern.startswith(("(?P=", "(?("), position):
                return True
            inside.append(False)
            if pattern.startswith("(?", position):
                position += 2  # its ? repeats nothing
                continue
        elif char == ")" and len(inside) > 1:
            loose = inside.pop()
            repeated = pattern[position + 1 : position + 2] in ("*", "+", "{", "?")
            if loose and repeated and pattern[position + 1] != "?":
                return True
            inside[-1] = inside[-1] or loose or repeated
        elif char in "*+?{|":
            inside[-1] = True
        position += 1
    return False


def _after_set(pattern: str, position: int) -> int:
    position += 1
    if pattern.startswith("^", position):
        position += 1
    position += 1  # a ] that stands first is one of the set
    while position < len(pattern) and pattern[position] != "]":
        position += 2 if pattern[position] == "\\" else 1
    return position + 1
