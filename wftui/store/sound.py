"""What is wrong with a journal's files before SQLite opens them.

SQLite passes over a damaged write-ahead log in silence: everything behind the first frame that does not fit is as
good as not written. Pages that a checkpoint has moved already would then be hidden by older ones.
"""

import sys
from array import array
from pathlib import Path
from struct import Struct
from typing import BinaryIO, Final

from wftui.store import schema

_HEADER: Final = 100
_MAGIC: Final = b"SQLite format 3\0"
_NEWEST: Final = 9_999
"""No wftop will ever have so many versions: a flipped byte."""
_WAL_HEADER: Final = 32
_WAL_MAGIC: Final = {0x377F0682: "little", 0x377F0683: "big"}
_WORDS: Final = Struct(">8I")
_FRAME: Final = Struct(">6I")
_FRAMES: Final = 8_000
"""Frames looked at, at most: 32 MB, as much as half a minute of 4,000 series. 0.1 ms each."""


def wrong(path: Path) -> str:
    """What is wrong with a journal that is there, and with its WAL; empty: nothing that is seen from outside.

    Raises:
        OSError: They cannot be read.

    Source: https://sqlite.org/fileformat2.html, sections 1.3 and 4.
    """
    if path.is_dir():
        return "a folder, not a file"
    with path.open("rb") as file:
        head = file.read(_HEADER)
    return _wrong_head(head) or _wrong_wal(path.with_name(path.name + "-wal"))


def _wrong_head(head: bytes) -> str:
    if not head:
        return "empty"
    if len(head) < _HEADER or not head.startswith(_MAGIC):
        return "not an SQLite file"

    def number(at: int) -> int:
        return int.from_bytes(head[at : at + 4], "big")

    # Before the first checkpoint the file has no more than an empty database's first page.
    if head[18] not in (1, 2) or head[19] not in (1, 2) or head[20] or number(56) not in (0, 1):
        return "its header is damaged"
    if number(60) > _NEWEST or number(68) not in (0, schema.APPLICATION_ID):
        return "an SQLite file, but not a journal of wftop"
    return ""


def _wrong_wal(path: Path) -> str:
    """A frame that does not fit, with a transaction behind it. A torn end is what a kill or a power cut leaves."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return ""
    except IsADirectoryError:
        return "its WAL is a folder"
    with file:
        head = file.read(_WAL_HEADER)
        if not head:
            return ""
        if len(head) < _WAL_HEADER:
            return "its WAL is cut off"
        magic, _, page, _, salt1, salt2, *sums = _WORDS.unpack(head)
        order = _WAL_MAGIC.get(magic)
        if order is None or list(_sum(head[:24], order, (0, 0))) != sums or not 512 <= page <= 65_536:
            return "the header of its WAL is damaged"
        return _wrong_frames(file, page, order, (salt1, salt2), (sums[0], sums[1]))


def _wrong_frames(file: BinaryIO, page: int, order: str, salts: tuple[int, int], before: tuple[int, int]) -> str:
    bad = 0
    for number in range(1, _FRAMES + 1):
        frame = file.read(_FRAME.size + page)
        if len(frame) < _FRAME.size + page:
            return ""
        _, commits, *found = _FRAME.unpack_from(frame)
        is_ours = (found[0], found[1]) == salts
        if bad:
            # Frames of the round before have other salts; what was rolled back has no commit.
            if is_ours and commits:
                return f"its WAL is damaged at frame {bad}"
        elif is_ours and _sum(frame[_FRAME.size :], order, _sum(frame[:8], order, before)) == (found[2], found[3]):
            before = found[2], found[3]
        else:
            bad = number
    return ""


def _sum(data: bytes, order: str, start: tuple[int, int]) -> tuple[int, int]:
    words = array("I", data)
    if order != sys.byteorder:
        words.byteswap()
    first, second = start
    for one, two in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return first, second
