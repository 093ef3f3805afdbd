"""``python -m wftui.history DATA_DIR``: frames on standard input, answers on standard output.

A greeting first, then one answer for each request, in order. It ends at the end of input, after 60 s without a
question, and by SIGTERM at once: there is nothing to put in order, it never writes.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Final

from wftui import __version__
from wftui.errors import ProtocolError, UsageError, report
from wftui.history import frames
from wftui.wire import codec
from wftui.wire import messages as m

IDLE_S: Final = 60.0
_ARGUMENTS: Final = (1, 2)


def serve(data_dir: Path, idle_s: float) -> None:
    """Answer until nobody asks any more.

    Raises:
        GoneError: The asker closed its end.
        ProtocolError: The asker speaks something else, or another version.
    """
    source, out = frames.Input(0), 1
    frames.write(
        out, codec.encode(m.Hello(m.VERSION, "history", __version__, os.getpid(), data_dir=str(data_dir)))
    )
    from wftui.history.service import Service

    service = Service(data_dir)
    if not source.waits():
        service.warm()
    try:
        while (frame := source.frame(idle_s)) is not None:
            try:
                message, request = codec.decode(frame)
            except ProtocolError as error:
                frames.write(out, frames.unreadable(frame, error))
                continue
            if isinstance(message, m.Hello):
                frames.check_version(message)
                continue
            frames.write(out, frames.encoded(service.answer(message), request))
    finally:
        service.close()


def main() -> int:
    """Run; the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C in the recorder's terminal is the recorder's
    _, *arguments = sys.argv
    if len(arguments) not in _ARGUMENTS:
        sys.stderr.write("usage: python -m wftui.history DATA_DIR [IDLE_SECONDS]\n")
        return UsageError.exit_code
    try:
        serve(Path(arguments[0]), float(arguments[1]) if arguments[1:] else IDLE_S)
    except frames.GoneError:
        return 0
    except ProtocolError as error:
        sys.stderr.write(report(error) + "\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # DuckDB's binding would print what it believes to be leaks of its own
