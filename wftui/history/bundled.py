"""``python -m wftui.history.bundled FILE FOLDER``: what a bundle holds, to one asker over standard input, output.

The first frame tells whether the bundle could be opened: a greeting, or an ``Error``. Then it answers as a
recorder would whose recording is over: what was is told, nothing can be changed. It lives as long as the asker
keeps its end open and leaves nothing behind, however that ended.
"""

import fcntl
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wftui import __version__
from wftui.clock import NS_PER_S
from wftui.errors import BundleError, ProtocolError, UsageError, WftopError, report
from wftui.history import frames
from wftui.model.health import Health
from wftui.wire import codec
from wftui.wire import messages as m

if TYPE_CHECKING:
    from wftui.history.service import Service

PREFIX: Final = "wftop-replay-"
"""Begin of the name of a folder that a replay may fill, and its replay removes."""
LOCK: Final = "lock"
"""Held in such a folder as long as somebody uses it."""
REFUSED: Final = "this is a recording: nothing can be changed in it"
WITH_PASSPHRASE: Final = "--passphrase"  # noqa: S105  the word for it
"""The first frame on standard input is the passphrase."""
_FRESH_S: Final = 60
_FIRING: Final = "alert.fired"
_FIRED: Final = 1000
"""Firings looked through for the alert that a bundle was made for."""
_ANSWERED: Final = (m.Range, m.At, m.Events, m.Tables, m.Catalogue, m.Compare, m.Why, m.ReplayRules)


class Replay:
    """Answers about a recording that is over."""

    def __init__(self, data_dir: Path, recording: m.Recording, health: Sequence[Health] = ()) -> None:
        """``data_dir``: holds what was in the bundle, as a recorder would have stored it."""
        from wftui.history.service import Service  # here: what reads the bundle is started before it is loaded

        self._data_dir = data_dir
        self._recording = recording
        self._health = list(health)
        self._service = Service(data_dir)

    def greeting(self) -> m.Hello:
        """Who answers, and of what."""
        about = self._recording
        return m.Hello(
            m.VERSION,
            "replay",
            __version__,
            os.getpid(),
            mode="replay",
            started_ns=about.first_s * NS_PER_S,
            data_dir=str(self._data_dir),
            hostname=about.host,
            recording=about,
        )

    def answer(self, question: m.Message) -> list[m.Message]:
        """The reply, and what is told unasked behind it."""
        if isinstance(question, m.Subscribe):
            return [m.Ok(), *self._feed()]
        if isinstance(question, _ANSWERED):
            return [self._service.answer(question)]
        if isinstance(question, m.Status):
            return [self._status()]
        if isinstance(question, m.Report):  # what the view costs is of interest to nobody here
            return [m.Ok()]
        if isinstance(question, m.Windows):
            return [m.Error("refused", "windows: rolling statistics are of now, and this is a recording")]
        return [m.Error("refused", REFUSED)]

    def _feed(self) -> Iterator[m.Message]:
        """The recording's last second, once: nothing will follow it."""
        last = self._service.answer(m.At(self._recording.last_s * NS_PER_S))
        if isinstance(last, m.AtReply) and last.tick is not None and last.layout is not None:
            yield last.layout
            if last.before is not None:  # rates need it
                yield last.before
            yield last.tick
            yield from last.tables
        yield m.HealthArrived(self._health)

    def _status(self) -> m.StatusReply:
        about = self._recording
        return m.StatusReply(
            pid=os.getpid(),
            mode="replay",
            session=0,
            program=about.program,
            started_ns=about.first_s * NS_PER_S,
            ticks=0,
            series=0,
            views=1,
            cpu_utilization=None,
            memory_bytes=None,
            store=Health("store", "ok"),
            store_bytes=None,
            sources=self._health,
            data_dir=str(self._data_dir),
            socket="",
        )

    def close(self) -> None:
        """Close the files."""
        self._service.close()


def serve(replay: Replay, source: frames.Input, out: int) -> None:
    """Greet, then answer until nobody asks any more.

    Raises:
        GoneError: The asker closed its end.
        ProtocolError: The asker speaks something else, or another version.
    """
    frames.write(out, codec.encode(replay.greeting()))
    while (frame := source.frame(None)) is not None:
        try:
            message, request = codec.decode(frame)
        except ProtocolError as error:
            frames.write(out, frames.unreadable(frame, error))
            continue
        if isinstance(message, m.Hello):
            frames.check_version(message)
            frames.write(out, codec.encode(replay.greeting()))
            continue
        replies = replay.answer(message)
        if request:
            frames.write(out, frames.encoded(replies[0], request))
        for told in replies[1:]:
            with suppress(ProtocolError):  # a table too large for a frame: asking for its moment says so
                frames.write(out, codec.encode(told))


@contextmanager
def folder(path: Path) -> Iterator[Path]:
    """A folder for what a bundle holds, gone with all in it at the end; those that a crash left go as well.

    Raises:
        BundleError: It cannot be made.
    """
    try:
        path.mkdir(mode=0o700)
        _sweep(path)
        lock = os.open(path / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise BundleError(f"cannot make a folder to open a bundle in: {path}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        inside = path / "recording"
        inside.mkdir(mode=0o700, exist_ok=True)
        yield inside
    finally:
        _remove(path)
        os.close(lock)


def _remove(path: Path) -> None:
    import shutil  # here: it loads what packs archives

    shutil.rmtree(path, ignore_errors=True)


def _sweep(ours: Path) -> None:
    """Remove folders of replays that ended without their end, as with a power cut."""
    made_s = ours.stat().st_mtime
    for left in ours.parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            status = left.lstat()
            # One that was just made is not locked yet.
            if status.st_uid != os.geteuid() or made_s - status.st_mtime < _FRESH_S:
                continue
            lock = os.open(left / LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # held: somebody uses it
                _remove(left)
            finally:
                os.close(lock)


def opened(path: Path, inside: Path, identities: Sequence[Path], passphrase: str) -> Replay:
    """What a bundle holds, ready to be asked.

    Raises:
        BundleError: It is refused, holds no ticks, or none that a view can show.
    """
    from wftui.bundle.opened import open_bundle

    # Most of the time is that of the process that reads: what answers later is loaded meanwhile.
    threading.Thread(target=_load, daemon=True).start()
    found = open_bundle(path, inside, identities=identities, passphrase=passphrase)
    about, health = found.manifest, found.facts.health
    from wftui.history.service import Service

    service = Service(found.data_dir)
    try:
        last_s = _last_s(service, found.last_ns)
        if last_s is None or found.first_ns is None:
            raise BundleError(
                f"{path}: holds statistics (level {about.level}) and no single seconds to replay;"
                " unzip it and read report.html instead"
            )
        alert_ns = _alert_ns(service, about.alert) if about.alert else None
    except ProtocolError as error:
        raise BundleError(f"{path}: its last second is too large to be shown: {error}") from error
    finally:
        service.close()
    recording = m.Recording(
        file=path.name,
        host=about.origin.host,
        time_zone=about.origin.time_zone,
        level=about.level,
        first_s=found.first_ns // NS_PER_S,
        last_s=last_s,
        alert=about.alert,
        alert_ns=alert_ns,
        program=about.program,
        left_out=list(about.left_out),
    )
    return Replay(found.data_dir, recording, health.sources if health is not None else ())


def _load() -> None:
    from wftui.history import service  # noqa: F401  for its import
    from wftui.store import query  # noqa: F401  as above


def _last_s(service: "Service", last_ns: int | None) -> int | None:
    """The last second with a tick; None: there are only steps, or nothing.

    Raises:
        ProtocolError: That second does not fit into a message: no view could show it.
    """
    if last_ns is None:
        return None
    found = service.answer(m.At(last_ns))
    if not isinstance(found, m.AtReply):
        return None
    codec.encode(found)
    return found.tick.time_s if found.tick is not None else found.previous_s


def _alert_ns(service: "Service", rule: str) -> int | None:
    """When a rule fired last; None: not in the recording."""
    found = service.answer(m.Events(types=[_FIRING], limit=_FIRED, newest=True))
    events = found.events if isinstance(found, m.EventsReply) else []
    return next((item.time_ns for item in reversed(events) if item.payload.get("rule") == rule), None)


def _run(arguments: list[str]) -> None:
    by_passphrase = arguments[:1] == [WITH_PASSPHRASE]
    path, inside, *identities = map(Path, arguments[by_passphrase:])
    source, out = frames.Input(0), 1
    passphrase = (source.frame(None) or b"").decode() if by_passphrase else ""
    with folder(inside) as place:
        try:
            replay = opened(path, place, identities, passphrase)
        except WftopError as error:
            frames.write(out, codec.encode(m.Error("refused", str(error))))
            return
        # The terminal belongs to the view from now on.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)
        try:
            serve(replay, source, out)
        finally:
            replay.close()


def main() -> int:
    """Run; the exit code."""
    # ^C, and a terminal that is closed, are for the view, whose end is ours.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    _, *arguments = sys.argv
    if len(arguments) < 2:
        sys.stderr.write("usage: python -m wftui.history.bundled [--passphrase] FILE FOLDER [IDENTITY]...\n")
        return UsageError.exit_code
    try:
        _run(arguments)
    except frames.GoneError:
        return 0
    except ProtocolError as error:
        sys.stderr.write(report(error) + "\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # as the history service: DuckDB's binding would complain
