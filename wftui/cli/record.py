"""`wftop record`: collect without a terminal, until told to stop.

The lock is taken before anything heavy is imported: of fifty started at once, forty-nine must be gone within a
second. So this module imports the standard library's lightest parts, and all else inside the functions.
"""

import os
import sys
import time
from types import SimpleNamespace

from wftui.client import lock
from wftui.errors import AlreadyRunningError
from wftui.paths import Places, places

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself costs more than this module
    import argparse
    import asyncio
    from collections.abc import Sequence

    from wftui.recorder.service import Recorder
    from wftui.wire.messages import StatusReply

_TAKEOVER_S = 5.0
_STATUS_S = 60.0
_STOP_S = 10.0


def main(argv: "Sequence[str]") -> int:
    """Run the command; ``argv`` is what follows ``record``. Returns the exit code.

    Raises:
        WftopError: As the message says; AlreadyRunningError (3) when another `wftop record` runs.
    """
    where = places(_value(argv, "--data-dir"), _value(argv, "--config"))
    held: lock.Lock | None = None
    if not {"--status", "--stop", "-h", "--help"} & set(argv):
        held = _take(where, lock.VIEW if "--for-view" in argv else lock.RECORD)
    try:
        arguments = _plain(argv) or _parser().parse_args(argv)
        if arguments.status:
            return _status(where, arguments.json)
        if arguments.stop:
            return _stop(where)
        return _record(where, arguments)
    finally:
        if held is not None:
            held.release()


def _value(argv: "Sequence[str]", flag: str) -> str | None:
    """Value of a flag, before argparse is there to ask."""
    for number, word in enumerate(argv):
        if word == flag and number + 1 < len(argv):
            return argv[number + 1]
        if word.startswith(flag + "="):
            return word[len(flag) + 1 :]
    return None


_FLAGS = ("--json", "--status", "--stop", "--for-view")
_VALUES = ("--for", "--config", "--data-dir")


def _plain(argv: "Sequence[str]") -> "argparse.Namespace | None":
    """What a plain command line says; None: argparse has to read it, as it does for help and for errors.

    argparse and what it brings stay in a recorder for weeks, and are 0.7 MB.
    """
    found: dict[str, object] = {_dest(name): False for name in _FLAGS} | {_dest(name): None for name in _VALUES}
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if word in _FLAGS:
            found[_dest(word)] = True
        elif name in _VALUES and (equals or word == name):
            given = value if equals else next(words, "-")
            if given.startswith("-"):
                return None
            found[_dest(name)] = given
        else:
            return None
    return SimpleNamespace(**found)  # type: ignore[return-value]  # read in the same way


def _dest(flag: str) -> str:
    return "for_" if flag == "--for" else flag[2:].replace("-", "_")


def _parser() -> "argparse.ArgumentParser":
    import argparse

    parser = argparse.ArgumentParser(
        prog="wftop record",
        description="Record this machine without a terminal, until stopped.",
        allow_abbrev=False,
    )
    parser.add_argument("--for", dest="for_", metavar="DURATION", help="end after this long: 90s, 10m, 3d2h")
    parser.add_argument("--json", action="store_true", help="status lines as JSON")
    parser.add_argument("--status", action="store_true", help="say how the running recorder is, and exit")
    parser.add_argument("--stop", action="store_true", help="stop the running recorder, and exit")
    parser.add_argument("--config", metavar="FILE", help="configuration file")
    parser.add_argument("--data-dir", metavar="DIR", help="where the recording lies")
    parser.add_argument("--for-view", action="store_true", help=argparse.SUPPRESS)
    return parser


def _take(where: Places, mode: str) -> lock.Lock:
    """The lock; a recorder that a view started is asked to give way to `wftop record`."""
    deadline = time.monotonic() + _TAKEOVER_S
    asked = 0
    while True:
        try:
            return lock.take(where, mode)
        except AlreadyRunningError as error:
            holder = lock.holder(where)
            if holder is not None and (holder.mode == lock.RECORD or mode == lock.VIEW):
                raise AlreadyRunningError(str(error), holder.pid) from None
            if time.monotonic() > deadline:
                raise
            if holder is not None and asked != holder.pid:
                asked = holder.pid if _retire(where) else 0
        time.sleep(0.02)


def _retire(where: Places) -> bool:
    """Ask the holder to go; False when it does not listen (yet)."""
    from wftui.client.queries import Connection
    from wftui.errors import ProtocolError
    from wftui.wire.messages import Ok, Retire

    try:
        with Connection(str(where.socket), "record", timeout_s=2.0) as connection:
            connection.ask(Retire(os.getpid()), Ok)
    except ProtocolError:
        return False
    return True


def _record(where: Places, arguments: "argparse.Namespace") -> int:
    from wftui import lean

    lean.leave_out(lean.SSL, lean.TYPING_EXTENSIONS)
    import signal

    # Until the loop handles signals there is nothing to flush: an early request to stop is an orderly one.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    from wftui import config, log
    from wftui.recorder import start
    from wftui.when import duration

    for_s = duration(arguments.for_) if arguments.for_ else None
    settings = config.load(where)
    mode = lock.VIEW if arguments.for_view else lock.RECORD
    options = start.options(where, settings, mode, for_s)
    log_file = log.open_log(
        where.state_dir / "wftop.log",
        level=settings.text("log.level"),  # type: ignore[arg-type]  # one of the key's choices
        max_bytes=settings.whole("log.max_bytes"),
        files=settings.whole("log.files"),
        days=settings.number("log.days"),
    )
    if mode == lock.VIEW:
        os.chdir("/")  # keep no mount busy that the view happened to stand in

    def started(recorder: "Recorder", loop: "asyncio.AbstractEventLoop") -> None:
        if mode == lock.RECORD:
            _say_now_and_then(recorder, loop, arguments.json)

    try:
        how = start.record(options, started)
    finally:
        log_file.close()
    if mode == lock.RECORD and not arguments.json:
        _say(f"ended ({how})")
    return 0


def _say(text: str) -> None:
    """A line for people; a terminal that is gone is no reason to stop."""
    try:
        print(text, flush=True)  # noqa: T201  the command's output
    except OSError:
        # Later lines must not fail again at exit, when Python flushes what is left.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  lives as long as the process


def _say_now_and_then(recorder: "Recorder", loop: "asyncio.AbstractEventLoop", as_json: bool) -> None:
    def tell(first: bool = False) -> None:
        reply = recorder.status()
        if as_json:
            _say(_json(reply))
        elif first:
            _say(f"recording to {reply.data_dir} (pid {reply.pid}); stop with ^C or wftop record --stop")
        else:
            _say(time.strftime("%H:%M:%S ") + _line(reply))
        if not first:
            loop.call_later(_STATUS_S, tell)

    loop.call_later(0.5, tell, True)
    # Twice early: whoever starts it wants to see that it works.
    loop.call_later(5.0, tell)


def _line(reply: "StatusReply") -> str:
    """One readable line."""
    cpu = "-" if reply.cpu_utilization is None else f"{reply.cpu_utilization:.1%}"
    memory = "-" if reply.memory_bytes is None else f"{reply.memory_bytes / 2**20:.1f} MiB"
    stored = "memory only" if reply.store.state == "denied" else _stored(reply)
    troubled = [
        f"{item.source} {item.state}" for item in reply.sources if item.state in ("late", "stuck", "failed")
    ]
    fine = sum(item.state == "ok" for item in reply.sources)
    parts = [
        f"{reply.ticks} ticks",
        f"{reply.series} series",
        f"{reply.views} views",
        f"cpu {cpu}",
        f"rss {memory}",
        stored,
        f"sources ok {fine}" + ("; " + ", ".join(troubled) if troubled else ""),
    ]
    return ", ".join(parts)


def _stored(reply: "StatusReply") -> str:
    journal = "-" if reply.store_bytes is None else f"{reply.store_bytes / 2**20:.1f} MiB"
    sealed = "" if reply.segments_bytes is None else f", sealed {reply.segments_bytes / 2**20:.1f} MiB"
    return f"journal {journal}{sealed}"


def _json(reply: "StatusReply") -> str:
    import msgspec

    return msgspec.json.encode(reply).decode()


def _status(where: Places, as_json: bool) -> int:
    from wftui.client.queries import Connection
    from wftui.wire.messages import Status, StatusReply

    with Connection(str(where.socket)) as connection:
        reply = connection.ask(Status(), StatusReply)
    if as_json:
        _say(_json(reply))
        return 0
    _say(
        f"pid {reply.pid} ({'wftop record' if reply.mode == lock.RECORD else 'started by a view'}), {_line(reply)}"
    )
    for item in reply.sources:
        if item.state != "ok":
            _say(f"  {item.source}: {item.state}: {item.reason}")
    return 0


def _stop(where: Places) -> int:
    import signal

    from wftui.client.queries import wait_gone
    from wftui.errors import ProtocolError, WftopError

    holder = lock.holder(where)
    if holder is None:
        raise ProtocolError(f"no recorder runs for {where.data_dir}")
    try:
        os.kill(holder.pid, signal.SIGTERM)
    except OSError as error:
        raise WftopError(f"cannot stop the recorder (pid {holder.pid}): {error.strerror}") from error
    if not wait_gone(holder.pid, _STOP_S):
        raise WftopError(f"the recorder (pid {holder.pid}) did not end within {_STOP_S:g} s")
    _say(f"stopped the recorder (pid {holder.pid})")
    return 0
