"""One value of a rule file exchanged where it stands: all other characters stay, comments and spaces too."""

import json
from collections.abc import Iterator
from typing import Final, NamedTuple

from wftui.alerts import load
from wftui.errors import ConfigError

Path = tuple[str | int, ...]
"""Keys and places in lists, from the begin of the document."""
_DECODER: Final = json.JSONDecoder(strict=False)
_BLANK: Final = " \t\r\n"


class _Member(NamedTuple):
    """One of an object or a list, as offsets into the text."""

    key: str | int
    key_at: int
    at: int
    end: int


def exchanged(text: str, file: str, path: Path, literal: str) -> str:
    """The text with another value at a path.

    Args:
        text: A rule file that can be read.
        file: Its name: the ending says in which of the two languages it is written.
        path: Of the value. In JSON the last key of it may be missing: it is put in behind the first one.
        literal: As it is to stand there.

    Raises:
        ConfigError: There is no such value, or other places share it.
    """
    if file.lower().endswith(load.YAML):
        at, end = _yaml(text, file, path)
        return text[:at] + literal + text[end:]
    try:
        return _json(text, path, literal)
    except (ValueError, RecursionError, LookupError) as error:
        raise ConfigError(f"{file}: {words(path)} was not found; change it with an editor") from error


def words(path: Path) -> str:
    """A path as mistakes write it: ``conditions.when_all[0].value``."""
    found = ""
    for step in path:
        found += f"[{step}]" if isinstance(step, int) else f".{step}" if found else step
    return found


# ---- JSON


def _json(text: str, path: Path, literal: str) -> str:
    at = _blank(text, int(text.startswith("\ufeff")))
    *outer, last = path
    for step in outer:
        at = _entered(text, at, step).at
    members = list(_members(text, at))
    found = [item for item in members if item.key == last]
    if found:
        return text[: found[-1].at] + literal + text[found[-1].end :]
    first = members[0]
    # As the first one stands: on a line of its own, or beside it.
    before = text[at + 1 : first.key_at]
    return f"{text[: first.end]},{before or ' '}{json.dumps(last)}: {literal}{text[first.end :]}"


def _entered(text: str, at: int, step: str | int) -> _Member:
    # Where a key stands twice, the last one counts.
    return [item for item in _members(text, at) if item.key == step][-1]


def _members(text: str, at: int) -> Iterator[_Member]:
    named = text[at] == "{"
    if text[at] not in "{[":
        raise ValueError("neither an object nor a list")
    at = _blank(text, at + 1)
    place = 0
    while text[at] not in "}]":
        key: str | int = place
        key_at = at
        if named:
            key, at = _DECODER.raw_decode(text, at)
            at = _blank(text, _blank(text, at) + 1)
        _, end = _DECODER.raw_decode(text, at)
        yield _Member(key, key_at, at, end)
        at = _blank(text, end)
        if text[at] == ",":
            at = _blank(text, at + 1)
        place += 1


def _blank(text: str, at: int) -> int:
    while text[at] in _BLANK:
        at += 1
    return at


# ---- YAML


def _yaml(text: str, file: str, path: Path) -> tuple[int, int]:
    import yaml  # only those who have such a file need it

    shared = ConfigError(
        f"{file}: {words(path)} is shared with other places by an anchor (&) or a merge (<<); change it there"
    )
    root = yaml.compose(text, yaml.SafeLoader)
    node: yaml.Node | None = root
    seen = []
    for step in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = [value for key, value in pairs if key.value == step]
        if node is None or not found:
            if any(key.value == "<<" for key, _ in pairs):
                raise shared
            raise ConfigError(f"{file}: {words(path)} was not found; change it with an editor")
        inner = found[-1]
        if inner.start_mark.index < node.start_mark.index or inner.end_mark.index > node.end_mark.index:
            raise shared
        node = inner
        seen.append(id(node))
    uses: dict[int, int] = {}
    _count(root, uses)
    if any(uses.get(item, 0) > 1 for item in seen):
        raise shared
    if not isinstance(node, yaml.ScalarNode):
        raise ConfigError(f"{file}: {words(path)} is no single value; change it with an editor")
    return node.start_mark.index, node.end_mark.index


def _count(node: object, uses: dict[int, int]) -> None:
    """How often each node stands in a document."""
    import yaml

    uses[id(node)] = uses.get(id(node), 0) + 1
    if uses[id(node)] > 1 or not isinstance(node, yaml.CollectionNode):
        return
    for item in node.value:
        for each in item if isinstance(item, tuple) else (item,):
            _count(each, uses)
