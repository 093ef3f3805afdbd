"""Commands over the demo: ``wftop gpus --demo``, ``wftop export --demo …``. Its recorder is started if need be."""

import sys
from typing import Final

from wftui import clock
from wftui.client.spawn import answers, ensure_recorder
from wftui.demo.folder import WORDS, demo_places
from wftui.errors import ProtocolError, UsageError
from wftui.paths import Places

COMMANDS = ("export", "sql", "report", "energy", "gpus", "sources", "why", "alerts", "bundle", "compare")
"""Those that show what is recorded."""
_PATIENCE_S: Final = 45.0
"""It plays its past through the rules first: some 3 s, many times that where others want the processor."""


def redirected(words: list[str]) -> list[str]:
    """The words of a command with the demo's folders, once its recorder answers.

    Raises:
        UsageError: The command is none that shows what is recorded, or names another folder.
        ProtocolError: The recorder of the demo does not start.
    """
    if words[0] not in COMMANDS:
        raise UsageError(f"--demo goes with the view, --once and {', '.join(COMMANDS)}, not with {words[0]!r}")
    if any(word.partition("=")[0] == "--data-dir" for word in words):
        raise UsageError("--demo has a folder of its own: leave --data-dir out")
    where = ready()
    return [*words, "--data-dir", str(where.data_dir), "--config", str(where.config_file)]


def ready() -> Places:
    """The demo's places, with its recorder running; says on stderr that it is the demo.

    Raises:
        ProtocolError: It does not answer.
    """
    where = demo_places()
    ensure_recorder(where, demo=True)
    began = clock.perf_ns()
    while not answers(str(where.socket)):
        if clock.perf_ns() - began > _PATIENCE_S * 1e9:
            raise ProtocolError(f"the recorder of the demo did not answer within {_PATIENCE_S:g} s")
        clock.sleep(0.05)
    print(WORDS, file=sys.stderr)  # noqa: T201  a word to the person, beside the data on stdout
    return where
