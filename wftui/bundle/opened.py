"""Opening a bundle: another process reads it, and what it tells becomes a data dir that answers like any other.

A stranger's bytes are looked at only by that process (``child``), which can do nothing but tell. What it tells is
checked once more: it is as trustworthy as the file it read.
"""

import fcntl
import os
import select
import signal
import stat
import sys
from array import array
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from wftui import clock
from wftui.bundle import format as form
from wftui.bundle import frames, limits
from wftui.bundle.format import Facts, LogLine, Manifest
from wftui.errors import BundleError, StoreError
from wftui.model.tick import Layout, Tick
from wftui.store import journal
from wftui.store.journal import Burst, Journal, StoredChange
from wftui.text import clean

if TYPE_CHECKING:
    from wftui.store.given import Steps

_PACKAGE: Final = Path(__file__).parents[2]
_LIBRARY: Final = Path(msgspec.__file__).parents[1]
_BOOT: Final = (
    "import sys; sys.modules['typing_extensions'] = None; sys.path += sys.argv[1:3];"
    " from wftui.bundle.child import main;"
    " sys.exit(main(sys.argv[3] == 'every'))"
)
"""Isolated (-I) and without site (-S): no setting, no startup file and no folder of the caller counts. msgspec
takes what it needs from ``typing`` where there is no typing_extensions: a sixth of the start less."""
_ENVIRONMENT: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""All that is passed on: where Python's own library may lie."""
_PIPE: Final = 1 << 20
_CHUNK: Final = 1 << 20
_STEPS_BYTES: Final = 16 * 1024 * 1024
"""Of steps that go into one file together."""


class Opened(msgspec.Struct, frozen=True):
    """A bundle that is open; its data dir is there until the folder is removed."""

    manifest: Manifest
    data_dir: Path
    """A journal, and segments where there are only steps: for ``history.service`` and ``Archive``."""
    first_ns: int | None
    """Begin of the first second with a tick or step, UTC; None: it holds none."""
    last_ns: int | None
    """Begin of the last one."""
    facts: Facts
    log: list[LogLine]

    @property
    def screens(self) -> tuple[str, ...]:
        """Names of the pictures in it, without folder and ending. They are for a browser, not for us."""
        names = [item.name for item in self.manifest.members if item.name.startswith("screens/")]
        return tuple(sorted(Path(name).stem for name in names))


class Checked(NamedTuple):
    """What looking at a bundle has shown."""

    findings: list[str]
    """What is not as it should be, a line each; empty: nothing."""
    manifest: Manifest | None
    """None: there is none that can be read."""
    size: int
    """By, of the file."""


def open_bundle(path: Path, folder: Path, *, identities: Sequence[Path] = (), passphrase: str = "") -> Opened:
    """Make a bundle into a data dir.

    Args:
        path: The file, encrypted or not.
        folder: Is there, is empty and stays the caller's; also the data dir. Nothing is left in it after an error.
        identities: Files with the keys of an encrypted one, as ``crypt.decrypt_file`` takes them.
        passphrase: Of an encrypted one.

    Raises:
        BundleError: What is wrong with it, in one line.
    """
    try:
        with (
            _plain(path, folder, identities, passphrase) as (file, size),
            closing(_told(file, size, every=False)) as told,
        ):
            return _written(path, folder, told)
    except StoreError as error:
        _emptied(folder)
        raise BundleError(f"{path}: cannot be unpacked: {error}") from error
    except OSError as error:
        _emptied(folder)
        raise BundleError(f"{path}: {error.strerror or error}") from error
    except BaseException:
        _emptied(folder)
        raise


def check(path: Path, folder: Path, *, identities: Sequence[Path] = (), passphrase: str = "") -> Checked:
    """Look at all of a bundle without opening it.

    Args:
        path: As for ``open_bundle``, and so are the others.
        folder: For what an encrypted one holds, as long as it is looked at.
        identities: Files with keys.
        passphrase: Of an encrypted one.

    Raises:
        BundleError: The file cannot be read, or not be decrypted.
    """
    findings: list[str] = []
    found: Manifest | None = None
    whole = False
    try:
        with _plain(path, folder, identities, passphrase) as (file, size):
            try:
                with closing(_told(file, size, every=True)) as told:
                    for frame in told:
                        match frame:
                            case frames.Described():
                                found = frame.manifest
                            case frames.Wrong():
                                findings.append(_line(frame.reason))
                            case frames.Done():
                                whole = True
            except BundleError as error:
                findings.append(str(error))
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror or error}") from error
    if not (whole or findings):
        findings.append("it could not be read to its end")
    return Checked(findings, found, size)


# ---- the file


@contextmanager
def _plain(path: Path, folder: Path, identities: Sequence[Path], passphrase: str) -> Iterator[tuple[int, int]]:
    """A descriptor of the zip, and its bytes."""
    # Without waiting: a pipe without a writer would keep us for ever.
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    beside = folder / "plain"
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            kind = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
            raise BundleError(f"{path}: {kind}, expected a bundle")
        from wftui.bundle import crypt

        if crypt.is_encrypted(path):
            crypt.decrypt_file(path, identities, passphrase, beside)
            os.close(file)
            file = os.open(beside, os.O_RDONLY | os.O_CLOEXEC)
            beside.unlink()
            found = os.fstat(file)
        yield file, found.st_size
    finally:
        os.close(file)
        beside.unlink(missing_ok=True)


def _emptied(folder: Path) -> None:
    """Take away what was written before something turned out to be wrong."""
    import shutil

    with suppress(OSError):  # the first error tells more
        for item in folder.iterdir():
            if item.is_dir() and not item.is_symlink():
                shutil.rmtree(item)
            else:
                item.unlink()


# ---- the process


def _told(file: int, size: int, *, every: bool) -> Generator[frames.Frame]:
    """What a process of its own reads in a file.

    Raises:
        BundleError: It takes too long, or the process ends otherwise than it should.
    """
    end_ns = clock.perf_ns() + int(limits.wall_s(size) * 1e9)
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    try:
        with suppress(OSError, AttributeError):  # above the user's limit, or not Linux: 64 KB it is
            fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, _PIPE)
        try:
            words = [str(_PACKAGE), str(_LIBRARY), "every" if every else "first"]
            pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-I", "-S", "-c", _BOOT, *words],
                {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, file, 0),
                    (os.POSIX_SPAWN_DUP2, theirs, 1),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                ],
                setpgroup=0,  # ^C in our terminal is for us: we end it
            )
        finally:
            os.close(theirs)
        try:
            yield from _frames(ours, end_ns, size)
        except BaseException:
            _ended(pid, kill=True)
            raise
        if reason := _ended(pid, kill=False):
            raise BundleError(reason)
    finally:
        os.close(ours)


def _frames(pipe: int, end_ns: int, size: int) -> Iterator[frames.Frame]:
    """Frames, until the other end is closed."""
    poll = select.poll()
    poll.register(pipe, select.POLLIN | select.POLLHUP)
    held = bytearray()
    wanted = frames.HEADER
    while True:
        while len(held) >= wanted:
            if wanted == frames.HEADER:
                wanted += int.from_bytes(held[: frames.HEADER], "big")
                if wanted > limits.FRAME_BYTES:
                    raise BundleError("cannot be read: the process that reads it tells too much at once")
                continue
            try:
                frame = frames.decode(bytes(held[frames.HEADER : wanted]))
            except (msgspec.MsgspecError, RecursionError) as error:
                raise BundleError("cannot be read: the process that reads it tells nonsense") from error
            del held[:wanted]
            wanted = frames.HEADER
            yield frame
        left_ms = (end_ns - clock.perf_ns()) // 1_000_000
        if left_ms <= 0 or not poll.poll(left_ms):
            raise BundleError(f"takes more than {limits.wall_s(size):.0f} s to read")
        part = os.read(pipe, _CHUNK)
        if not part:
            break
        held += part
    if held:
        raise BundleError("cannot be read: the process that reads it ended in the middle of a word")


def _ended(pid: int, *, kill: bool) -> str:
    """Why a process ended, when it should not have; it has closed its pipe, or is to be ended."""
    if kill:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status == -signal.SIGXCPU:
        return f"takes more than {limits.CPU_S} s of a processor to read"
    if status < 0:
        return f"cannot be read: the process that reads it was ended by signal {-status}"
    return f"cannot be read: the process that reads it failed (code {status})" if status else ""


# ---- what it tells


def _written(path: Path, folder: Path, told: Iterator[frames.Frame]) -> Opened:
    first = next(told, None)
    if isinstance(first, frames.Wrong):
        raise BundleError(f"{path}: {_line(first.reason)}")
    if not isinstance(first, frames.Described):
        raise BundleError(f"{path}: cannot be read: the process that reads it tells no manifest")
    writing = _Writing(folder, first.manifest)
    try:
        for frame in told:
            writing.take(frame)
        return writing.done()
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from error
    finally:
        writing.close()


def _line(reason: str) -> str:
    return clean(reason, 1000)


class _Writing:
    """A data dir under construction."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._folder = folder
        self._manifest = manifest
        self._journal = Journal(folder / journal.NAME)
        self._layouts: dict[int, Layout] = {}
        self._steps: list[Steps] = []
        self._stated: frames.Stated | None = None
        self._done = False
        self._seq = 0
        self._ticks = 0
        self._cells = 0
        self._first: int | None = None
        self._last: int | None = None
        boots = {int(number): item for number, item in manifest.origin.boots.items()}
        self._boots = boots
        self._journal.adopt(boots)
        opening = self._journal.begin(
            boots[min(boots)] if boots else "bundle", manifest.program, "bundle", 0, manifest.since_ns, 0
        )
        self._journal.end(opening.session, manifest.until_ns, "stopped")

    def close(self) -> None:
        """Close the journal. Twice is harmless."""
        self._journal.close()

    def take(self, frame: frames.Frame) -> None:
        """Write down what a frame tells.

        Raises:
            BundleError: It does not fit to what came before.
            StoreError: It cannot be written.
        """
        match frame:
            case frames.Laid():
                if frame.id in self._layouts or not 1 <= len(frame.columns) <= form.COLUMNS:
                    raise BundleError(f"cannot be read: layout {frame.id} is told twice, or empty")
                self._layouts[frame.id] = Layout(frame.id, tuple(frame.columns))
            case frames.Ticked():
                self._journal.write(ticks=self._rows(frame))
            case frames.Stepped():
                self._step(frame)
            case frames.Changed():
                self._journal.write(
                    changes=[StoredChange(line.tick, frame.schema, line.change) for line in frame.lines]
                )
            case frames.Happened():
                self._journal.write(events=frame.events)
            case frames.Sampled():
                times, values = _whole(frame.time_ns), _floats(frame.values)
                if len(times) != len(values):
                    raise BundleError("cannot be read: a burst with more times than values, or fewer")
                self._count(len(values))
                self._journal.write(bursts=[Burst(frame.tick, frame.event_id, frame.column, times, values)])
            case frames.Stated():
                self._stated = frame
            case frames.Wrong():
                raise BundleError(_line(frame.reason))
            case frames.Done():
                self._done = True
            case _:
                raise BundleError("cannot be read: the process that reads it tells things out of order")

    def _count(self, cells: int) -> None:
        self._cells += cells
        if self._cells > form.CELLS:
            raise BundleError(f"more than {form.CELLS} values altogether")

    def _rows(self, frame: frames.Ticked) -> list[tuple[Tick, Layout]]:
        layout = self._layouts.get(frame.layout)
        lead = [_whole(item) for item in (frame.seq, frame.time_s, frame.boottime_ns, frame.boot)]
        count = len(lead[0])
        width = 8 * len(layout.columns) if layout is not None else 0
        if layout is None or not count or {len(item) for item in lead} != {count}:
            raise BundleError("cannot be read: ticks without a layout, or of different numbers")
        if len(frame.values) != count * width:
            raise BundleError("cannot be read: ticks that are not as wide as their layout")
        self._count(len(frame.values) // 8)
        found = []
        for place, (seq, time_s, boottime_ns, boot) in enumerate(zip(*lead, strict=True)):
            if seq <= self._seq or seq >= limits.ORDINAL or boot not in self._boots:
                raise BundleError(f"tick {seq}: behind tick {self._seq}, or of a boot that nobody knows")
            self._seq = seq
            values = frame.values[place * width : place * width + width]
            found.append((Tick(seq, time_s, boottime_ns, boot, layout.id, values), layout))
        self._ticks += count
        self._saw(min(lead[1]), max(lead[1]))
        return found

    def _step(self, frame: frames.Stepped) -> None:
        from wftui.store.given import Steps

        count, width = len(frame.seq) // 8, len(frame.columns)
        sizes = {len(frame.seq), len(frame.time_s), len(frame.ticks)}
        if (
            not count
            or sizes != {8 * count}
            or {len(item) for item in frame.statistics.values()} != {8 * count * width}
        ):
            raise BundleError("cannot be read: steps of different numbers")
        self._count(count * width * len(frame.statistics))
        time_s = _whole(frame.time_s)
        self._saw(min(time_s), max(time_s) + frame.step_s - 1)
        self._steps.append(
            Steps(frame.step_s, frame.columns, frame.seq, frame.time_s, frame.ticks, frame.statistics)
        )

    def _saw(self, first_s: int, last_s: int) -> None:
        if first_s < 0 or last_s >= limits.SECOND + 300:
            raise BundleError(f"a tick of second {last_s}")
        self._first = first_s if self._first is None else min(self._first, first_s)
        self._last = last_s if self._last is None else max(self._last, last_s)

    def done(self) -> Opened:
        """The data dir, when everything was told."""
        if not self._done or self._stated is None or self._ticks != self._manifest.ticks:
            raise BundleError("cannot be read: the process that reads it did not tell all")
        if self._steps:
            from wftui.store.given import put

            put(self._folder, {item: number for number, item in self._boots.items()}, self._steps)
        self._journal.close()
        return Opened(
            self._manifest,
            self._folder,
            None if self._first is None else self._first * clock.NS_PER_S,
            None if self._last is None else self._last * clock.NS_PER_S,
            self._stated.facts,
            self._stated.log,
        )


def _whole(data: bytes) -> "array[int]":
    """int64 of this machine.

    Raises:
        BundleError: The bytes are no whole number of them.
    """
    return array("q", _eights(data))


def _floats(data: bytes) -> "array[float]":
    """The same of float64."""
    return array("d", _eights(data))


def _eights(data: bytes) -> bytes:
    if len(data) % 8:
        raise BundleError("cannot be read: half a number")
    return data
