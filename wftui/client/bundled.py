"""A bundle opened for one view: the process that reads it, and the connection to that.

Light to import: the process is started before whatever shows the bundle is loaded.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from contextlib import suppress

from wftui.errors import BundleError, ProtocolError

TYPE_CHECKING = False  # typing is heavier than this module
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Final

    from wftui.wire.messages import Hello, Message

_MODULE: Final = "wftui.history.bundled"
_FOLDER: Final = "wftop-replay-"
_HEADER: Final = 4
"""Bytes of a frame's length, ``wire.codec.HEADER``."""
_SLOW_S: Final = 1.0
_PATIENCE_S: Final = 3.0
"""After which a reader that has nobody to answer any more is ended."""


class Bundled:
    """The reader of one bundle. It ends when ``close`` was called, or with this process, however that ends."""

    def __init__(self, path: Path, identities: Sequence[Path] = (), passphrase: str = "") -> None:
        """Start it; it opens the bundle while the caller does something else.

        Args:
            path: The bundle.
            identities: Files of age identities.
            passphrase: Of an encrypted bundle; empty: none.

        Raises:
            BundleError: It cannot be started.
        """
        # A folder of its own each time: what a replay leaves is never taken for what another one holds.
        root = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108  the folder is made 0700
        self.folder = type(path)(root, _FOLDER + os.urandom(8).hex())
        self.socket, theirs = socket.socketpair()
        secret = ["--passphrase"] if passphrase else []
        command = [sys.executable, "-m", _MODULE, *secret, str(path), str(self.folder), *map(str, identities)]
        try:
            self.pid = os.posix_spawn(
                sys.executable,
                command,
                os.environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), descriptor) for descriptor in (0, 1)],
                setpgroup=0,  # ^C in our terminal is for us: it ends with us
                setsigmask=[],
            )
        except OSError as error:
            self.socket.close()
            raise BundleError(f"the process that reads a bundle cannot be started: {error.strerror}") from error
        finally:
            theirs.close()
        self._path = path
        self._closed = False
        if passphrase:
            typed = passphrase.encode()
            self.socket.sendall(len(typed).to_bytes(_HEADER, "big") + typed)

    def greeting(self) -> Hello:
        """Wait until the bundle is open; what it is of. Who waits long at a terminal is told what for.

        Raises:
            BundleError: It is refused.
        """
        if not select.select([self.socket], [], [], _SLOW_S)[0] and os.isatty(2):
            sys.stderr.write(f"wftop: opening {self._path} …\n")
        from wftui.wire.messages import Error, Hello  # here: as the module says

        try:
            message = self._first()
        except (OSError, ProtocolError) as error:
            raise BundleError(f"the process that reads the bundle ended without a word ({error})") from error
        if isinstance(message, Error):
            raise BundleError(message.message)
        if not isinstance(message, Hello) or message.recording is None:
            raise BundleError("the process that reads the bundle said something else than what it is of")
        return message

    def _first(self) -> Message:
        from wftui.wire import codec  # here: as above

        return codec.decode(self._exactly(codec.frame_length(self._exactly(_HEADER))))[0]

    def _exactly(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            chunk = self.socket.recv(count - len(parts))
            if not chunk:
                raise ProtocolError("the connection was closed")
            parts += chunk
        return bytes(parts)

    def close(self) -> None:
        """End it, and see that nothing is left. Twice is harmless."""
        if self._closed:
            return
        self._closed = True
        self.socket.close()
        from wftui.client.queries import wait_gone  # here: as above

        with suppress(ProcessLookupError):
            if not wait_gone(self.pid, _PATIENCE_S):
                os.kill(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        import shutil  # here: it loads what packs archives

        # Its own work, unless it was killed.
        shutil.rmtree(self.folder, ignore_errors=True)
