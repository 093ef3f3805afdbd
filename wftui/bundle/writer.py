"""Writing the zip: members one after the other, everything within the limits that a reader keeps to.

The zip is written by hand because only so is each byte of it known: no extra fields, no data descriptors, no
time of day, one order. ``zipfile`` and every unzip open it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import struct
import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, Self

import msgspec

from wftui.bundle import format as form
from wftui.bundle.format import Manifest, Member
from wftui.errors import BundleError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_LOCAL: Final = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_VERSION: Final = 20
"""Of the zip format: deflate."""
_UNIX: Final = 3 << 8
_MODE: Final = (0o100600) << 16
"""A regular file, for its owner alone."""
_DATE: Final = 1 << 5 | 1
"""1980-01-01 00:00, where a zip's time begins: when a member was made is nobody's business."""
_STORED, _DEFLATED = 0, 8
_LEVEL: Final = 6
"""Of an hour of 400 series 9 makes 1 % less in two and a half times the time."""
_MEMORY: Final = 9
_AHEAD: Final = 3
"""Members that may wait for their compression."""
_WORKERS: Final = 2


class _Entry(NamedTuple):
    name: bytes
    crc32: int
    packed: int
    size: int
    method: int
    offset: int


class _Packed(NamedTuple):
    """A member that is ready to be written."""

    member: Member
    crc32: int
    method: int
    data: bytes


class BundleWriter:
    """A bundle under construction; a context manager. Nothing is left of one that was not finished."""

    def __init__(
        self,
        path: Path,
        *,
        replace: bool = False,
        members: int = form.MEMBERS,
        member_bytes: int = form.MEMBER_BYTES,
        all_bytes: int = form.ALL_BYTES,
        file_bytes: int = form.FILE_BYTES,
    ) -> None:
        """Choose where it goes; nothing is written yet.

        Args:
            path: The file; a temporary one beside it has the name until the end.
            replace: Whether a file that is there may be written over.
            members: At most so many, the manifest with them.
            member_bytes: Of one, unpacked (By).
            all_bytes: Of all together, unpacked (By).
            file_bytes: Of the zip (By).
        """
        self.path = path
        self._replace = replace
        self._limits = members, member_bytes, all_bytes, file_bytes
        self._temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
        self._nameless = False
        self._file: BinaryIO | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: deque[Future[_Packed]] = deque()
        self._entries: list[_Entry] = []
        self._names: set[str] = set()
        self._size = 0
        self._at = 0
        self.members: list[Member] = []
        """Those that are written."""

    def __enter__(self) -> Self:
        """Make the temporary file, mode 0600.

        Raises:
            BundleError: It cannot be made, or the target is there already.
        """
        self._check_target()
        try:
            self._file = os.fdopen(self._open(), "wb")
        except OSError as error:
            raise self._failed(error) from error
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="deflate")
        return self

    def _open(self) -> int:
        # A file without a name is gone with its process, however that ends; not every file system has them.
        with suppress(OSError, AttributeError):
            number = os.open(self.path.parent, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            self._nameless = True
            return number
        return os.open(self._temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what was not finished."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
        if self._file is not None:
            with suppress(OSError):  # what could not be written is not wanted any more
                self._file.close()
            self._file = None
        with suppress(FileNotFoundError):
            self._temporary.unlink()

    def add(self, name: str, data: bytes) -> None:
        """Put a member in.

        Raises:
            BundleError: A limit, a name that no reader takes, or the disk.
        """
        self._accept(name, len(data))
        assert self._pool is not None  # noqa: S101  used outside its ``with`` is a bug of the caller
        self._waiting.append(self._pool.submit(_pack, name, data))
        while len(self._waiting) > _AHEAD or (self._waiting and self._waiting[0].done()):
            self._put(self._waiting.popleft().result())

    def flush(self) -> None:
        """Wait until every member has been written: ``members`` then names all.

        Raises:
            BundleError: As ``add``.
        """
        while self._waiting:
            self._put(self._waiting.popleft().result())

    def finish(self, manifest: Manifest) -> Manifest:
        """Put the manifest in, close the zip and give the file its name.

        Args:
            manifest: Without members.

        Returns:
            The same with them.

        Raises:
            BundleError: As ``add``; or the target is there meanwhile.
        """
        self.flush()
        whole = msgspec.structs.replace(manifest, members=list(self.members))
        data = msgspec.json.format(msgspec.json.encode(whole), indent=1)
        self._accept(form.MANIFEST, len(data))
        self._put(_pack(form.MANIFEST, data), listed=False)
        assert self._file is not None  # noqa: S101  as in ``add``
        try:
            self._file.write(_directory(self._entries, self._at))
            self._file.flush()
            os.fsync(self._file.fileno())
            self._give_name(self._file.fileno())
        except OSError as error:
            raise self._failed(error) from error
        return whole

    def _give_name(self, number: int) -> None:
        self._check_target()
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if self._nameless:
                # With a folder, as ``link`` follows the link in /proc only then.
                self._link(f"/proc/self/fd/{number}", self._temporary if self._replace else self.path, folder)
            if self._replace:
                self._temporary.replace(self.path)
            elif not self._nameless:
                self._link(str(self._temporary), self.path, folder)
            os.fsync(folder)
        finally:
            os.close(folder)

    def _link(self, source: str, target: Path, folder: int) -> None:
        try:
            os.link(source, target, src_dir_fd=folder)  # unlike a rename, fails if somebody was faster
        except FileExistsError:
            raise BundleError(f"{target}: is there already") from None
        except OSError:
            if self._nameless:
                raise
            self._temporary.replace(target)  # a file system without hard links

    def _check_target(self) -> None:
        if self.path.is_symlink():
            raise BundleError(f"{self.path}: is a link, so it is not written; name its target")
        if self.path.exists():
            if not self.path.is_file():
                raise BundleError(f"{self.path}: is no regular file")
            if not self._replace:
                raise BundleError(f"{self.path}: is there already; --force writes over it")

    def _accept(self, name: str, size: int) -> None:
        members, member_bytes, all_bytes, _ = self._limits
        if not form.NAMES.fullmatch(name) or name in self._names:
            raise BundleError(f"bundle: {name!r} is no name of a member, or comes twice")
        # The manifest has a place of its own.
        if len(self._names) + 1 > members - (name != form.MANIFEST):
            raise BundleError(f"bundle: more than {members} members; take a shorter range")
        if size > member_bytes:
            raise BundleError(f"bundle: {name}: {size} bytes, at most {member_bytes}; take a shorter range")
        if self._size + size > all_bytes:
            raise BundleError(f"bundle: more than {all_bytes} bytes unpacked; take a shorter range")
        self._names.add(name)
        self._size += size

    def _put(self, packed: _Packed, *, listed: bool = True) -> None:
        name = packed.member.name.encode()
        entry = _Entry(name, packed.crc32, len(packed.data), packed.member.size, packed.method, self._at)
        head = _LOCAL.pack(
            b"PK\x03\x04", _VERSION, 0, entry.method, 0, _DATE, entry.crc32, entry.packed, entry.size, len(name), 0
        )
        if self._at + len(head) + len(name) + entry.packed > self._limits[3]:
            raise BundleError(
                f"bundle: the file would have more than {self._limits[3]} bytes; take a shorter range"
            )
        assert self._file is not None  # noqa: S101  as in ``add``
        try:
            self._file.write(head + name)
            self._file.write(packed.data)
        except OSError as error:
            raise self._failed(error) from error
        self._at += len(head) + len(name) + entry.packed
        self._entries.append(entry)
        if listed:
            self.members.append(packed.member)

    def _failed(self, error: OSError) -> BundleError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return BundleError(f"{self.path}: no room left on the disk; nothing was written")
        return BundleError(f"{self.path}: cannot be written: {error.strerror or error}")


def _pack(name: str, data: bytes) -> _Packed:
    member = Member(name, len(data), hashlib.sha256(data).hexdigest())
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, _MEMORY)
    packed = deflate.compress(data) + deflate.flush()
    # What a reader would take for a bomb, and what does not shrink, goes in as it is.
    if len(packed) >= len(data) or len(data) > form.RATIO * len(packed):
        return _Packed(member, zlib.crc32(data), _STORED, data)
    return _Packed(member, zlib.crc32(data), _DEFLATED, packed)


def _directory(entries: list[_Entry], at: int) -> bytes:
    """The list of the members and the end of the zip."""
    parts = [
        _CENTRAL.pack(
            b"PK\x01\x02", _UNIX | _VERSION, _VERSION, 0, item.method, 0, _DATE,
            item.crc32, item.packed, item.size, len(item.name), 0, 0, 0, 0, _MODE, item.offset,
        ) + item.name
        for item in entries
    ]  # fmt: skip
    listed = b"".join(parts)
    return listed + _END.pack(b"PK\x05\x06", 0, 0, len(entries), len(entries), len(listed), at, 0)
