"""Folders that look like /proc and /sys, for the tests of the collectors."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from wftui.clock import Instant
from wftui.errors import SourceFormatError
from wftui.model.sample import Scrape

PROC: Final = Path(__file__).parent.parent / "fixtures" / "proc-vm"
"""Files of a real virtual machine: Linux 6.18, two cores, hybrid cgroups, no sensors."""
WALL_S: Final = 1_790_000_000


def at(seconds: float) -> Instant:
    """A moment, counted from an arbitrary start well after boot."""
    return Instant(int((WALL_S + seconds) * 1e9), int((1000 + seconds) * 1e9))


def plant(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a root, over what is there: an open file sees the new text, as in /proc."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def values(scrape: Scrape) -> dict[str, float]:
    """Canonical series text to value; a series that comes twice is an error."""
    found = {sample.column.series.text: sample.value for sample in scrape.samples}
    assert len(found) == len(scrape.samples)
    return found


def parse_or_refuse(parsers: Iterable[Callable[[bytes], object]], data: bytes) -> None:
    """Each parser takes any bytes or raises our error; every other exception fails the test."""
    for parse in parsers:
        with suppress(SourceFormatError):
            parse(data)
