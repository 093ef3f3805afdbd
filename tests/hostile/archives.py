"""Archives that a stranger could send, made by code: name to (bytes, what is said of it)."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from tests.hostile.bundles import (
    Part,
    Zip,
    bundle,
    manifest,
    part,
    parts,
    sound,
)
from wftui.bundle import format as form

OPENS = ""
"""Said of an archive that opens: nothing in it does harm."""
Case = tuple[Callable[[], bytes], str]
ESCAPES = "\x1b]52;c;cm0gLXJm\x07\x1b[2J\x9b31m\u202e\u2066\x00\r\nwftop: ok\x7f\u200b\ud7ff\ufeff"
"""What a terminal would obey, a line break, and characters that hide or turn others."""
_json = msgspec.json.encode


def deflated(data: bytes) -> bytes:
    """As a zip has it."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflate.compress(data) + deflate.flush()


def _with(**fields: Any) -> bytes:
    """The sound bundle, with one member's records changed."""
    return _zip(lambda item: item._replace(**fields) if item.name == b"events.jsonl" else item)


def _zip(change: Callable[[Part], Part], **fields: Any) -> bytes:
    return Zip([change(item) for item in parts(sound())], **fields).made()


def _named(name: str | bytes) -> bytes:
    """One more member, of another name."""
    raw = name if isinstance(name, bytes) else name.encode("utf-8", "surrogatepass")
    return Zip([*parts(sound()), part("x", b"{}")._replace(name=raw)]).made()


def _bomb(size: int, said: int | None = None) -> bytes:
    """A member that unpacks to so many bytes, whatever it says."""
    body = deflated(bytes(size))
    if said is not None:
        return _lying(said, body)
    return _with(data=body, packed=len(body), size=size, crc32=0)


def _lying(size: int, body: bytes | None = None) -> bytes:
    """All records and the manifest say one size, and the body has another."""
    members = sound()
    said = manifest(members)
    listed = [
        msgspec.structs.replace(item, size=size) if item.name == form.EVENTS else item for item in said.members
    ]
    made = parts(members, msgspec.structs.replace(said, members=listed))
    change: dict[str, Any] = {"size": size}
    if body is not None:
        change |= {"data": body, "packed": len(body)}
    return Zip([item._replace(**change) if item.name == b"events.jsonl" else item for item in made]).made()


def _overlapping(count: int) -> bytes:
    """Many members that share one body: CPython's zipfile unpacked them all (CVE-2024-0450)."""
    body = part("events.jsonl", bytes(range(256)) * 40)
    names = [f"ticks/{number:04d}.json".encode() for number in range(10, 10 + count)]
    shared = [body._replace(name=name, there=False, offset=0) for name in names]
    return Zip([*parts(sound()), *shared]).made()


def _quoted(count: int) -> bytes:
    """Each member's body is the record of the next one, quoted as a stored block (David Fifield, 2019)."""
    kernel = deflated(b"a" * 100_000)
    names = [f"ticks/{number:04d}.json".encode() for number in range(count)]
    out, items, body = b"", [], kernel
    local = struct.Struct("<4s5H3L2H")
    for name in reversed(names):
        items.append((name, body))
        head = local.pack(b"PK\x03\x04", 20, 0, 8, 0, 33, 0, len(body), 100_000, len(name), 0) + name
        body = b"\x00" + struct.pack("<HH", len(head), len(head) ^ 0xFFFF) + head + body
    name, body = items[-1]
    out = local.pack(b"PK\x03\x04", 20, 0, 8, 0, 33, 0, len(body), 100_000, len(name), 0) + name + body
    listed = b""
    offset = 0
    for name, body in reversed(items):
        listed += struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 788, 20, 0, 8, 0, 33, 0, len(body), 100_000, len(name),
                              0, 0, 0, 0, 0, offset) + name  # fmt: skip
        offset += local.size + len(name) + 5
    return out + listed + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(listed), len(out), 0)


def _many(count: int) -> bytes:
    return Zip([part(f"ticks/{number:04d}.json", b"{}") for number in range(count)]).made()


def _zip64() -> bytes:
    """A zip64's end record and its locator before the ordinary one."""
    whole_zip = Zip(parts(sound())).made()
    body, end = whole_zip[:-22], whole_zip[-22:]
    more = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 1 << 40, 0)
    return body + more + struct.pack("<4sLQL", b"PK\x06\x07", 0, len(body), 1) + end


def _two_manifests() -> bytes:
    return Zip([*parts(sound()), part(form.MANIFEST, _json(manifest({})))]).made()


STRUCTURE: dict[str, Case] = {
    "sound": (bundle, OPENS),
    "empty file": (lambda: b"", "empty"),
    "one byte": (lambda: b"P", "not a bundle"),
    "text": (lambda: b"hello world, this is no bundle\n" * 10, "not a bundle"),
    "gzip": (lambda: zlib.compress(bytes(1000), wbits=31) + bytes(30), "not a bundle"),
    "sqlite": (lambda: b"SQLite format 3\0" + bytes(5000), "not a bundle"),
    "elf": (lambda: b"\x7fELF" + bytes(5000), "not a bundle"),
    "end record alone": (lambda: Zip([]).made(), "manifest.json: not there"),
    "zeros": (lambda: bytes(100_000), "not a bundle"),
    "comment of the zip": (lambda: Zip(parts(sound()), comment=b"hello").made(), "behind its end"),
    "bytes behind the end": (lambda: bundle() + b"x", "behind its end"),
    "a second zip behind": (lambda: bundle() + bundle(), "not where its end says"),
    "bytes before the zip": (lambda: b"#!/bin/sh\nrm -rf ~\n" + bundle(), "not where its end says"),
    "a program before the first member": (
        lambda: Zip(
            [item._replace(before=b"MZ\x90" * (at == 0)) for at, item in enumerate(parts(sound()))]
        ).made(),
        "nobody's",
    ),
    "bytes between members": (lambda: _with(before=b"hidden"), "nobody's"),
    "bytes before the list": (lambda: Zip(parts(sound()), between=b"hidden").made(), "between its last member"),
    "a member that is not listed": (lambda: _with(listed=False), "nobody's"),
    "a listed member that is not there": (lambda: _with(there=False, offset=10), "overlaps"),
    "count too small": (lambda: Zip(parts(sound()), number=3).made(), "its list of"),
    "count too large": (lambda: Zip(parts(sound()), number=30).made(), "its list of|cut off"),
    "count of zip64": (lambda: Zip(parts(sound()), number=0xFFFF).made(), "zip64"),
    "length of the list wrong": (lambda: Zip(parts(sound()), length=4_000_000_000).made(), "its list of"),
    "length of the list 0": (lambda: Zip(parts(sound()), length=0).made(), "its list of"),
    "list elsewhere": (lambda: Zip(parts(sound()), begin=7).made(), "not where its end says"),
    "list behind the file": (lambda: Zip(parts(sound()), begin=0xFFFFFFF0).made(), "not where its end says"),
    "list at zip64's place": (lambda: Zip(parts(sound()), begin=0xFFFFFFFF).made(), "zip64"),
    "zip64 beside": (_zip64, "not where its end says"),
    "a size of zip64": (lambda: _with(size=0xFFFFFFFF), "zip64"),
    "a packed size of zip64": (lambda: _with(packed=0xFFFFFFFF), "zip64"),
    "an offset of zip64": (lambda: _with(offset=0xFFFFFFFF), "zip64"),
    "an extra field of zip64": (lambda: _with(extra=struct.pack("<HHQ", 1, 8, 1 << 50)), "fields beside it"),
    "an extra field of time": (lambda: _with(extra=struct.pack("<HHBL", 0x5455, 5, 1, 0)), "fields beside it"),
    "a name in an extra field": (
        lambda: _with(extra=struct.pack("<HHBL", 0x7075, 5 + 9, 1, 0) + b"/etc/motd"),
        "fields beside it",
    ),
    "a comment of a member": (lambda: _with(comment=b"\x1b[2J"), "fields beside it"),
    "512 members": (lambda: _many(512), "manifest.json: not there"),
    "513 members": (lambda: _many(513), "513 members"),
    "65,535 members": (lambda: _many(65_535), "zip64"),
    "65,536 members": (lambda: _many(65_536), "its list of|members"),
    "65,536 members in a list of 1": (lambda: Zip(_many_parts(65_536), number=1).made(), "its list of"),
    "a member twice": (lambda: Zip([*parts(sound()), part(form.EVENTS, b"")]).made(), "twice"),
    "the manifest twice": (_two_manifests, "twice"),
    "no manifest": (lambda: Zip(parts(sound())[:-1]).made(), "manifest.json: not there"),
    "a nested zip": (lambda: _named("inner.zip"), "no member of a bundle"),
    "a link": (lambda: _with(attributes=0o120777 << 16), "a link"),
    "a folder": (lambda: _with(attributes=0o040755 << 16), "no regular file"),
    "a folder of DOS": (lambda: _with(attributes=0x10), "no regular file"),
    "a character device": (lambda: _with(attributes=0o020666 << 16), "no regular file"),
    "a block device": (lambda: _with(attributes=0o060666 << 16), "no regular file"),
    "a pipe": (lambda: _with(attributes=0o010666 << 16), "no regular file"),
    "a socket": (lambda: _with(attributes=0o140666 << 16), "no regular file"),
    "encrypted by the zip": (lambda: _with(flags=1), "encrypted within"),
    "strongly encrypted": (lambda: _with(flags=1 << 6 | 1), "encrypted within"),
    "a masked header": (lambda: _with(flags=1 << 13), "encrypted within"),
    "a data descriptor": (lambda: _with(flags=8), "stands behind it"),
    "patched data": (lambda: _with(flags=1 << 5), "flags"),
    "the flag of UTF-8": (lambda: _with(flags=1 << 11), OPENS),
    **{
        f"packed by method {method}": (partial(_with, method=method), f"method {method}")
        for method in (1, 6, 9, 12, 14, 93, 95, 98, 99)
    },
    "needs version 6.3": (lambda: _with(version=63), "version 6.3"),
    "stored, with another size": (lambda: _with(method=0), "not what a bundle packs"),
    "its own record says another size": (lambda: _with(local={"size": 5}), "other things of it"),
    "its own record says another packed size": (lambda: _with(local={"packed": 5}), "other things of it"),
    "its own record says another checksum": (lambda: _with(local={"crc32": 5}), "other things of it"),
    "its own record says another method": (lambda: _with(local={"method": 0}), "other things of it"),
    "its own record says encrypted": (lambda: _with(local={"flags": 1}), "encrypted within"),
    "its own record has another name": (lambda: _with(local_name=b"eventz.jsonl"), "another name"),
    "its own record has a longer name": (
        lambda: _with(local_name=b"../events.jsonl"),
        "other things|nobody's|cut",
    ),
    "its checksum does not fit": (lambda: _with(crc32=5), "checksum"),
    "larger than it says": (lambda: _lying(10), "larger than it says"),
    "smaller than it says": (lambda: _lying(700), "said to be there"),
    "an offset into another member": (lambda: _with(offset=4), "overlaps"),
    "an offset behind everything": (lambda: _with(offset=1 << 30), "nobody's"),
    "the offset of the member before": (lambda: _with(offset=0), "overlaps|not where"),
    "bytes behind its end": (lambda: _zip(_padded), "bytes behind its end"),
    "no deflate": (lambda: _with(data=b"\xff" * 300, packed=300), "damaged"),
    "an empty body": (lambda: _with(data=b"", packed=0), "not what a bundle packs"),
    "cut deflate": (lambda: _zip(_halved), "said to be there|damaged"),
    "a flat bomb of 1 GiB": (lambda: _bomb(1 << 30), "at most 67108864"),
    "a bomb of 64 MiB": (lambda: _bomb(form.MEMBER_BYTES), "not what a bundle packs|checksum"),
    "a bomb that lies about its size": (lambda: _bomb(1 << 28, 5_000_000), "larger than it says"),
    "a bomb of ratio 1,030": (lambda: _bomb(1 << 20), "not what a bundle packs"),
    "100 members that overlap": (lambda: _overlapping(100), "overlaps"),
    "500 members that overlap": (lambda: _overlapping(480), "overlaps"),
    "400 quoted overlaps": (lambda: _quoted(400), "overlaps"),
}


def _many_parts(count: int) -> list[Part]:
    item = part("x", b"{}")
    return [item._replace(name=f"ticks/{number:05d}".encode()) for number in range(count)]


def _padded(item: Part) -> Part:
    return item._replace(data=item.data + b"hidden", packed=None) if item.name == b"events.jsonl" else item


def _halved(item: Part) -> Part:
    half = item.data[: len(item.data) // 2]
    return item._replace(data=half, packed=None) if item.name == b"events.jsonl" else item


ODD_NAMES = (
    "../events.jsonl",
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "/etc/passwd",
    "//host/share",
    "C:\\x.json",
    "C:x.json",
    "\\\\?\\C:\\x",
    "ticks/../../x.json",
    "ticks/./0005.json",
    "ticks//0005.json",
    "./manifest.json",
    "MANIFEST.JSON",
    "Manifest.json",
    "manifest.json ",
    "manifest.json\n",
    " manifest.json",
    "manifest.json\0",
    "ticks/0005.json\0.txt",
    b"\xff\xfe\x00",
    "ticks/\u0660\u0660\u0660\u0665.json",
    "manifest\uff0ejson",
    "m\u0430nifest.json",
    "ticks\u22150005.json",
    "\u202enosj.tsefinam",
    "\x1b[2J",
    "events.jsonl\r\nok",
    "a" * 90,
    "journal.db",
    "journal.db-wal",
    "segments/manifest.json",
    "ticks/0005.json/",
    "ticks/",
    "",
    ".",
    "..",
    "~",
    "~root/.ssh/authorized_keys",
    "$(id)",
    "`id`",
    "-rf",
    "NUL",
    "CON.json",
    "aux.svg",
    "screens/a.svg;.exe",
    "screens/A.svg",
    "tables/../x-0000.jsonl",
    "tables/x-0000.json",
    "rollups/1s-0000.json",
    "ticks/00005.json",
    "report.htm",
    ".bashrc",
    "events.jsonl::$DATA",
    "e\u0301vents.jsonl",
    "\ud800",
)
NAMES: dict[str, Case] = {
    f"the name {shown!r}": (partial(_named, name), "no member of a bundle has this name")
    for shown, name in ((item if isinstance(item, str) else item.decode("latin-1"), item) for item in ODD_NAMES)
}


def cut(share: int) -> bytes:
    """The sound bundle, cut at a hundredth."""
    data = bundle()
    return data[: len(data) * share // 100]


def flipped(number: int) -> bytes:
    """The sound bundle with one bit turned, somewhere."""
    chance = random.Random(number)  # noqa: S311  test data, the same in each run
    data = bytearray(bundle())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


DAMAGES: dict[str, Case] = {
    **{f"cut at {share} %": (partial(cut, share), ".") for share in range(100)},
    **{f"flipped bit {number}": (partial(flipped, number), ".|^$") for number in range(200)},
}
"""``^$``: it opens where the bit says nothing, as in the date of a member."""
