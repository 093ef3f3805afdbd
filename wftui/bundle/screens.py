"""Pictures of the screens at a moment, for a bundle: another process draws them, over a redacted copy.

That process may load a toolkit of which the recorder, or whoever writes a bundle, wants to know nothing; and it
can show nothing that the redactor has not let through, as it never sees anything else.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import msgspec

from wftui import log
from wftui.bundle import excerpt
from wftui.errors import StoreError
from wftui.model.why import Answer
from wftui.store.archive import Archive
from wftui.text import clean
from wftui.units import NS_PER_S
from wftui.wire.recording import Recording

if TYPE_CHECKING:
    from wftui.bundle.privacy import Redactor

NAMES: Final = (
    "overview", "processes", "events", "sources", "timeline", "gpu", "models", "alerts", "energy", "health", "why",
)  # fmt: skip
"""Of the pictures; of screens that have nothing to show there is none."""
PROGRAM: Final = "wftui.cli.screens"
"""Draws them: a `Task` on standard input, `Pictures` on standard output, both in msgpack."""
BEFORE_S: Final = 900
"""Of the recording before the moment: what the graphs show, and what it is compared with."""
_BEHIND_S: Final = 60
_PATIENCE_S: Final = 20.0
_NICE: Final = 5


class Task(msgspec.Struct, frozen=True):
    """What is to be drawn."""

    data_dir: str
    recording: Recording
    """``alert_ns`` is the moment."""
    names: tuple[str, ...]


class Pictures(msgspec.Struct, frozen=True):
    """What came of it."""

    screens: dict[str, bytes] = {}
    """Name to SVG."""
    answer: Answer | None = None
    """What was different at the moment; None: it could not be told."""
    trouble: str = ""
    """Why there are none; empty: there are."""


class Drawing:
    """Pictures under way: made while something else is collected."""

    def __init__(
        self,
        archive: Archive,
        redactor: "Redactor",
        recording: Recording,
        at_ns: int,
        until_s: int,
        names: tuple[str, ...] = NAMES,
    ) -> None:
        """Copy what is needed and begin to draw.

        Args:
            archive: What was recorded.
            redactor: What all of it passes.
            recording: How the machine and the file are called.
            at_ns: The moment, UTC.
            until_s: UTC second that is not to be shown any more.
            names: Screens that are wanted.

        A copy that cannot be made is no error, but a trouble of the pictures.
        """
        self._process: subprocess.Popen[bytes] | None = None
        self._trouble = ""
        self._folder = tempfile.TemporaryDirectory(prefix="wftop-screens-", ignore_cleanup_errors=True)  # 0700
        try:
            place = Path(self._folder.name)
            at_s = at_ns // NS_PER_S
            span = excerpt.write(archive, place, at_s - BEFORE_S, min(until_s, at_s + _BEHIND_S), redactor)
            if span is None:
                self._trouble = "nothing was recorded at that moment"
                return
            told = msgspec.structs.replace(recording, first_s=span[0], last_s=span[1], alert_ns=at_ns)
            self._begin(Task(self._folder.name, told, names))
        except StoreError as error:
            self._trouble = "what is needed for them could not be copied"
            log.warning("bundle", "the screens are not drawn", reason=str(error))
        except BaseException:
            self.close()
            raise

    def _begin(self, task: Task) -> None:
        # Nothing of the caller's but where Python and time zones lie: no settings, no folders, no terminal.
        kept = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "TZDIR")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        folders = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
        environment |= dict.fromkeys(folders, task.data_dir)
        environment["LANG"] = "C.UTF-8"
        try:
            self._process = subprocess.Popen(  # noqa: S603  our own program
                [sys.executable, "-m", PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=True,  # ^C at the terminal is for who started us: that ends it
            )
            os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICE)
            assert self._process.stdin is not None  # noqa: S101  asked for above
            self._process.stdin.write(msgspec.msgpack.encode(task))
            self._process.stdin.close()
            self._process.stdin = None
        except OSError as error:
            self._trouble = "what draws them could not be started"
            log.warning("bundle", "the screens are not drawn", reason=str(error))

    def pictures(self) -> Pictures:
        """Wait for them; never an error, as a bundle is whole without."""
        if self._process is None or self._trouble:
            self.close()
            return Pictures(trouble=self._trouble)
        said = b""
        try:
            data, said = self._process.communicate(timeout=_PATIENCE_S)
            return msgspec.msgpack.decode(data, type=Pictures)
        except subprocess.TimeoutExpired:
            return Pictures(trouble=f"they were not drawn within {_PATIENCE_S:g} s")
        except (OSError, msgspec.MsgspecError) as error:
            code = self._process.returncode
            last = clean(said.rpartition(b"\n")[0].rpartition(b"\n")[2], 200) or str(error)
            log.warning("bundle", "the screens were not drawn", code=code, reason=last)
            return Pictures(trouble=f"what draws them ended with code {code}")
        finally:
            self.close()

    def close(self) -> None:
        """End it, and remove the copy."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdout, self._process.stderr):
                if pipe is not None:
                    pipe.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
