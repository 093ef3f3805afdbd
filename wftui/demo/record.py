"""``python -m wftui.demo.record``: the recorder of the demo, as a view starts it.

It is the ordinary recorder with other collectors. Before it begins it writes the past of its machine; when
its last view is gone for half a minute it ends, and its folder with it.
"""

import os
import sys

from wftui.client import lock
from wftui.demo import folder
from wftui.errors import WftopError, report
from wftui.paths import Places

MOST_BYTES = 256 << 20
LEAST_FREE = 16 << 20
"""The runtime folder is memory: small, and not for keeping."""
_TOP_UP = 0.55
"""Share of a second after which the next one is waited for: else the recorder would begin too late for it."""


def main() -> int:
    """Run until the last view is gone; returns the exit code."""
    where = folder.demo_places()
    try:
        held = lock.take(where, lock.VIEW)
    except WftopError as error:
        return _failed(error)
    try:
        folder.begin(where)
        return _record(where)
    except WftopError as error:
        return _failed(error)
    finally:
        folder.remove(where)
        held.release()


def _failed(error: WftopError) -> int:
    print(report(error), file=sys.stderr)  # noqa: T201  the one stderr line of an error
    return error.exit_code


def _record(where: Places) -> int:
    from wftui import lean

    lean.leave_out(lean.SSL, lean.TYPING_EXTENSIONS)
    import signal

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    import msgspec

    from wftui import clock, config, log
    from wftui.demo.beside import Beside
    from wftui.demo.collectors import collectors
    from wftui.demo.script import Script
    from wftui.demo.story import PAST_S
    from wftui.recorder import start

    now = clock.SystemClock().now()
    script = Script(now.time_ns // clock.NS_PER_S - PAST_S)
    with Beside(where.data_dir, script, now) as past:
        past.write(PAST_S)
        while True:
            # What went by meanwhile; the second that is under way belongs to the recorder.
            now_s = clock.SystemClock().now().time_ns / clock.NS_PER_S - script.epoch_s
            past.write(int(now_s))
            left_s = 1 - now_s % 1
            if left_s > 1 - _TOP_UP:
                break
            clock.sleep(left_s)
    options = start.options(where, config.load(where), lock.VIEW, None)
    caps = options.caps._replace(max_bytes=MOST_BYTES, min_free_bytes=LEAST_FREE, min_free_share=0.0)
    keep = msgspec.structs.replace(options.keep, max_bytes=MOST_BYTES, min_free_bytes=LEAST_FREE)
    options = msgspec.structs.replace(options, demo=True, memory_only="", caps=caps, keep=keep)
    os.chdir("/")
    log_file = log.open_log(where.state_dir / "wftop.log")
    try:
        start.record(options, lambda *_: None, collectors(script))
    finally:
        log_file.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
