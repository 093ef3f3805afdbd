"""The structure of a zip, checked before anything of it is unpacked, and members unpacked within bounds.

Stricter than any unzip: what our writer makes is all that is taken. One end record at the very end, one list right
before it, members one behind the other from the first byte on with nothing between them, both records of each
saying the same. So no two programs can see different things in one file, and nothing can hide in it.

Source: APPNOTE.TXT 6.3.10 (PKWARE), sections 4.3.7, 4.3.12, 4.3.16.
"""

import os
import stat
import struct
import zlib
from typing import Final, NamedTuple

from wftui.bundle import format as form
from wftui.errors import BundleError
from wftui.text import clean

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_STORED, _DEFLATED = 0, 8
_UTF8: Final = 1 << 11
"""Flag: the name is UTF-8. ASCII is."""
_ENCRYPTED: Final = 1 | 1 << 6 | 1 << 13
_DESCRIPTOR: Final = 1 << 3
_VERSION: Final = 20
_NAME: Final = 100
"""Bytes of a name."""
_ZIP64: Final = 0xFFFFFFFF
_DOS_FOLDER: Final = 0x10
_CHUNK: Final = 1 << 16


class Entry(NamedTuple):
    """A member, as both of its records say."""

    name: str
    method: int
    crc32: int
    packed: int
    """By, in the file."""
    size: int
    """By, unpacked."""
    offset: int
    """Of its local record."""
    data: int
    """Where its bytes begin."""


def entries(file: int, size: int) -> list[Entry]:
    """The members of a zip, in the order of the file.

    Args:
        file: A descriptor that can be read at any place.
        size: Bytes of it.

    Raises:
        BundleError: It is no zip as our writer makes them; one line that names the member and what is wrong.
        OSError: It cannot be read.
    """
    if size > form.FILE_BYTES:
        raise BundleError(f"{size} bytes, expected at most {form.FILE_BYTES}")
    count, length, begin = _end(file, size)
    if count > form.MEMBERS:
        raise BundleError(f"{count} members, expected at most {form.MEMBERS}")
    if count * _CENTRAL.size > length or length > count * (_CENTRAL.size + _NAME):
        raise BundleError(f"its list of {count} members has {length} bytes")
    if begin + length != size - _END.size:
        raise BundleError("its list of members is not where its end says")
    found = _listed(_exactly(file, begin, length), count)
    place = 0
    for number, entry in enumerate(found):
        if entry.offset != place:
            what = (
                "overlaps the member before it"
                if entry.offset < place
                else "has bytes before it that are nobody's"
            )
            raise BundleError(f"{entry.name}: {what}")
        found[number] = _placed(file, entry, begin)
        place = found[number].data + entry.packed
    if place != begin:
        raise BundleError("there are bytes between its last member and the list of members")
    total = sum(entry.size for entry in found)
    if total > form.ALL_BYTES:
        raise BundleError(f"{total} bytes unpacked, expected at most {form.ALL_BYTES}")
    return found


def read(file: int, entry: Entry) -> bytes:
    """A member, unpacked; what its records say is not trusted, bytes are counted.

    Raises:
        BundleError: It is larger than it says, damaged, or its checksum does not fit.
        OSError: It cannot be read.
    """
    is_stored = entry.method == _STORED
    data = _exactly(file, entry.data, entry.packed) if is_stored else _inflated(file, entry)
    if zlib.crc32(data) != entry.crc32:
        raise BundleError(f"{entry.name}: damaged, its checksum does not fit")
    return data


def _end(file: int, size: int) -> tuple[int, int, int]:
    """Number of members, bytes of their list and where it begins."""
    if size < _END.size:
        raise BundleError("not a bundle of wftop" if size else "not a bundle of wftop: empty")
    mark, disk, first_disk, here, count, length, begin, comment = _END.unpack(
        _exactly(file, size - _END.size, _END.size)
    )
    if mark != b"PK\x05\x06" or comment:
        if _exactly(file, 0, 4) in (b"PK\x03\x04", b"PK\x05\x06"):
            raise BundleError("cut off, or there is more behind its end")
        raise BundleError("not a bundle of wftop")
    if disk or first_disk or here != count:
        raise BundleError("a zip of several parts")
    if count == 0xFFFF or _ZIP64 in (length, begin):
        raise BundleError("a zip64, which no bundle needs")
    return count, length, begin


def _listed(data: bytes, count: int) -> list[Entry]:
    """The entries of the list, in the order of the file."""
    found: list[Entry] = []
    names: set[str] = set()
    place = 0
    for number in range(1, count + 1):
        if len(data) - place < _CENTRAL.size:
            raise BundleError(f"its list of members is cut off at number {number}")
        (
            mark, _, version, flags, method, _, _, crc32, packed, size,
            length, extra, comment, disk, _, attributes, offset,
        ) = _CENTRAL.unpack_from(data, place)  # fmt: skip
        if mark != b"PK\x01\x02":
            raise BundleError(f"its list of members is damaged at number {number}")
        place += _CENTRAL.size
        raw = data[place : place + length]
        place += length
        if len(raw) < length:
            raise BundleError(f"its list of members is cut off at number {number}")
        name = _name(raw)
        if name.casefold() in names:
            raise BundleError(f"{name}: there twice")
        names.add(name.casefold())
        _plain(name, version, flags, method, attributes)
        if extra or comment or disk:
            raise BundleError(f"{name}: has fields beside it that no bundle has")
        if _ZIP64 in (packed, size, offset):
            raise BundleError(f"{name}: a zip64, which no bundle needs")
        if size > form.MEMBER_BYTES:
            raise BundleError(f"{name}: {size} bytes unpacked, expected at most {form.MEMBER_BYTES}")
        if size > form.RATIO * packed or (method == _STORED and size != packed):
            raise BundleError(f"{name}: {size} bytes from {packed}: not what a bundle packs")
        found.append(Entry(name, method, crc32, packed, size, offset, 0))
    if place != len(data):
        raise BundleError(f"{len(data) - place} bytes behind its list of members")
    return sorted(found, key=lambda entry: entry.offset)


def _name(raw: bytes) -> str:
    """A name of ours; so none that leads out of a folder, or looks like another."""
    name = raw.decode("ascii", "replace")
    if not form.NAMES.fullmatch(name):
        raise BundleError(f"{clean(raw, _NAME)!r}: no member of a bundle has this name")
    return name


def _plain(name: str, version: int, flags: int, method: int, attributes: int) -> None:
    """Only regular files that anybody can unpack."""
    kind = stat.S_IFMT(attributes >> 16)
    if kind == stat.S_IFLNK:
        raise BundleError(f"{name}: a link")
    if kind not in (0, stat.S_IFREG) or attributes & _DOS_FOLDER:
        raise BundleError(f"{name}: no regular file")
    if flags & _ENCRYPTED:
        raise BundleError(f"{name}: encrypted within the zip")
    if flags & _DESCRIPTOR:
        raise BundleError(f"{name}: its size stands behind it, not before")
    if flags & ~_UTF8:
        raise BundleError(f"{name}: flags {flags:#x}, expected none")
    if method not in (_STORED, _DEFLATED):
        raise BundleError(f"{name}: packed by method {method}, expected 0 or 8")
    if version & 0xFF > _VERSION:
        raise BundleError(f"{name}: needs an unzip of version {(version & 0xFF) / 10}, expected 2.0")


def _placed(file: int, entry: Entry, end: int) -> Entry:
    """The entry with its place, once its local record says the same."""
    name = entry.name.encode()
    start = entry.offset + _LOCAL.size + len(name)
    if start + entry.packed > end:
        raise BundleError(f"{entry.name}: reaches into the list of members")
    mark, version, flags, method, _, _, crc32, packed, size, length, extra = _LOCAL.unpack(
        _exactly(file, entry.offset, _LOCAL.size)
    )
    if mark != b"PK\x03\x04":
        raise BundleError(f"{entry.name}: not where the list of members says")
    _plain(entry.name, version, flags, method, 0)
    said = (method, crc32, packed, size, length, extra)
    if said != (entry.method, entry.crc32, entry.packed, entry.size, len(name), 0):
        raise BundleError(f"{entry.name}: the list of members says other things of it than its own record")
    if _exactly(file, entry.offset + _LOCAL.size, len(name)) != name:
        raise BundleError(f"{entry.name}: has another name in its own record")
    return entry._replace(data=start)


def _inflated(file: int, entry: Entry) -> bytes:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    found = bytearray()
    place, left = entry.data, entry.packed
    try:
        while left and not inflate.eof:
            chunk = _exactly(file, place, min(left, _CHUNK))
            place, left = place + len(chunk), left - len(chunk)
            while chunk and not inflate.eof:
                found += inflate.decompress(chunk, entry.size + 1 - len(found))
                if len(found) > entry.size:
                    raise BundleError(f"{entry.name}: larger than it says ({entry.size} bytes)")
                chunk = inflate.unconsumed_tail
    except zlib.error as error:
        raise BundleError(f"{entry.name}: damaged ({error})") from error
    if left or inflate.unused_data:
        raise BundleError(f"{entry.name}: has bytes behind its end")
    if not inflate.eof or len(found) != entry.size:
        raise BundleError(f"{entry.name}: {len(found)} bytes, and {entry.size} are said to be there")
    return bytes(found)


def _exactly(file: int, offset: int, length: int) -> bytes:
    parts: list[bytes] = []
    while length:
        part = os.pread(file, length, offset)
        if not part:
            raise BundleError("cut off")
        parts.append(part)
        offset, length = offset + len(part), length - len(part)
    return b"".join(parts)
