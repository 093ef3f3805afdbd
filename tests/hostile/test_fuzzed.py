"""Every value of every member replaced by what does not belong there: refused, or cleaned, no error of ours."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.hostile import bundles
from tests.hostile.archives import ESCAPES
from wftui.bundle import format as form
from wftui.bundle import frames, parse
from wftui.errors import BundleError

ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**63,
    10**30,
    -1e308,
    0.5,
    "",
    ESCAPES,
    "x" * 70_000,
    [],
    [[]],
    {},
    {"": 1},
)
MEMBERS = [*(name for name in bundles.sound() if name.endswith((".json", ".jsonl"))), form.MANIFEST]


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for number, (key, item) in enumerate(items):
        # Of many alike the first ones tell all.
        if isinstance(value, dict) or number < 3:
            yield from _places(item, (*at, key))


def _changed(value: Any, at: tuple[Any, ...], odd: Any) -> Any:
    if not at:
        return odd
    found = copy.deepcopy(value)
    inner = found
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = odd
    return found


def _read(path: Path) -> list[frames.Frame]:
    """Empty: it is refused, by an error of the right kind."""
    with path.open("rb") as file, suppress(BundleError):
        return list(parse.read(file.fileno(), path.stat().st_size, every=False))
    return []


def texts(value: Any) -> Iterator[str]:
    """All of it that is text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts(key)
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def _versions(name: str) -> Iterator[bytes]:
    """The bundle with one value after the other replaced."""
    if name == form.MANIFEST:
        whole = msgspec.to_builtins(bundles.manifest(bundles.sound()))
        for at in _places(whole):
            for odd in ODD:
                yield bundles.bundle(said=_changed(whole, at, odd))
        return
    data = bundles.sound()[name]
    is_lines = name.endswith(".jsonl")
    found = [msgspec.json.decode(item) for item in (data.splitlines() if is_lines else [data])]
    for number, item in enumerate(found):
        for at in _places(item):
            for odd in ODD:
                made = [*found[:number], _changed(item, at, odd), *found[number + 1 :]]
                yield bundles.replaced(name, b"\n".join(msgspec.json.encode(line) for line in made))


@pytest.mark.parametrize("name", MEMBERS)
def test_every_value_may_be_anything(name: str, tmp_path: Path) -> None:
    tried = opened = 0
    for made in _versions(name):
        tried += 1
        found = _read(bundles.put(tmp_path, made))
        opened += bool(found)
        for frame in found:
            # What the process tells is what the other end takes.
            told = frames.encode(frame)
            assert frames.encode(frames.decode(told[frames.HEADER :])) == told
            plain = msgspec.to_builtins(frame, builtin_types=(bytes,))
            assert [text for text in texts(plain) if not text.isprintable()] == []
    assert tried > 20
    assert opened < tried
