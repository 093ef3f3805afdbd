"""Whatever a stranger sends is refused in one line, or opens and does no harm; nothing is written elsewhere."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.hostile.archives import DAMAGES, NAMES, OPENS, STRUCTURE
from tests.hostile.bundles import bundle, put
from tests.hostile.contents import CONTENT
from tests.recording import START_S, S
from wftui.bundle import frames, parse
from wftui.bundle.opened import Opened, check, open_bundle
from wftui.errors import BundleError, report
from wftui.history.service import Service
from wftui.wire import messages as m

CASES = {**STRUCTURE, **NAMES, **CONTENT, **dict(list(DAMAGES.items())[::20])}


def _tree(folder: Path) -> dict[str, tuple[int, int]]:
    """All that lies there."""
    return {str(item): ((s := item.lstat()).st_size, s.st_mtime_ns) for item in sorted(folder.rglob("*"))}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _answers(found: Opened) -> Iterator[m.Message]:
    """What a view would ask."""
    service = Service(found.data_dir)
    try:
        first, last = found.first_ns or 0, found.last_ns or 0
        yield service.answer(m.Catalogue())
        for time_ns in (first, last, START_S * S, (START_S + 7) * S):
            yield service.answer(m.At(time_ns))
        yield service.answer(m.Events())
        yield service.answer(m.Tables("processes", START_S * S, (START_S + 20) * S))
        yield service.answer(m.Range(["system.*"], first, last + S, 50))
    finally:
        service.close()


def is_harmless(found: Opened) -> None:
    """All answers come, and no text in them can move a cursor."""
    for item in (found.manifest, found.facts, found.log, *_answers(found)):
        assert not isinstance(item, m.Error), item
        told = msgspec.to_builtins(item, builtin_types=(bytes,))
        assert [text for text in _texts(told) if not text.isprintable()] == []


def _opened(path: Path, folder: Path) -> Opened | BundleError:
    try:
        return open_bundle(path, folder)
    except BundleError as error:
        return error


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_or_harmless(name: str, tmp_path: Path) -> None:
    made, said = CASES[name]
    folder = tmp_path / "inside"
    folder.mkdir()
    (tmp_path / "beside").write_text("mine")
    path = put(tmp_path, made())
    before = _tree(tmp_path)
    files = set(Path("/proc/self/fd").iterdir())
    found = _opened(path, folder)
    if isinstance(found, Opened):
        assert said == OPENS or re.search(said, ""), f"{name}: opened"
        is_harmless(found)
    else:
        assert said != OPENS, str(found)
        assert report(found).startswith(f"wftop: {path}: ")
        assert str(found).isprintable()
        assert len(str(found)) < 1500
        assert re.search(said, str(found))
        assert list(folder.iterdir()) == []
    after = {key: value for key, value in _tree(tmp_path).items() if not key.startswith(f"{folder}/")}
    before.pop(str(folder))
    after.pop(str(folder))
    assert after == before
    assert set(Path("/proc/self/fd").iterdir()) <= files


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_refused_or_of_no_consequence(name: str, tmp_path: Path) -> None:
    """Without the process around the reading: so it takes a hundredth of the time."""
    made, said = DAMAGES[name]
    path = put(tmp_path, made())
    found: list[frames.Frame] | BundleError
    with path.open("rb") as file:
        try:
            found = list(parse.read(file.fileno(), path.stat().st_size, every=False))
        except BundleError as error:
            found = error
    if isinstance(found, BundleError):
        assert str(found).isprintable()
    else:
        assert re.search(said, "")
        path = put(tmp_path, bundle())
        with path.open("rb") as file:
            assert found == list(parse.read(file.fileno(), path.stat().st_size, every=False))


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "device", "socket", "link to nothing", "loop"])
def test_what_is_no_file_is_refused(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    path = tmp_path / "given.wftop"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)  # nobody writes to it: a reader that waits hangs here
    elif kind == "device":
        path = Path("/dev/zero")
    elif kind == "socket":
        import socket

        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    elif kind == "link to nothing":
        path.symlink_to(tmp_path / "nowhere")
    elif kind == "loop":
        path.symlink_to(path)
    for look in (open_bundle, check):
        with pytest.raises(BundleError) as error:
            look(path, folder)
        assert str(error.value).startswith(f"{path}: ")
        assert list(folder.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, bundle())
    path.chmod(0)
    with pytest.raises(BundleError, match="Permission denied"):
        open_bundle(path, tmp_path)


def test_there_are_enough() -> None:
    assert len(CASES) >= 250
    assert sum(said == OPENS for _, said in CASES.values()) < 40
