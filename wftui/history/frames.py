"""Frames over a descriptor, without an event loop: how a process that answers one question at a time is asked."""

import os
import select
from typing import Final

from wftui.errors import ProtocolError
from wftui.wire import codec
from wftui.wire import messages as m

_READ: Final = 65_536


class GoneError(Exception):
    """The asker closed its end."""


class Input:
    """Frames from a descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._held = bytearray()

    def waits(self) -> bool:
        """Whether something came already."""
        return bool(self._held or select.select([self._descriptor], [], [], 0)[0])

    def frame(self, idle_s: float | None) -> bytes | None:
        """The next frame without its length; None: nothing came for so long. ``idle_s`` None: wait for ever.

        Raises:
            GoneError: Nobody asks any more.
            ProtocolError: The asker speaks something else.
        """
        while True:
            if len(self._held) >= codec.HEADER:
                length = codec.frame_length(bytes(self._held[: codec.HEADER]))
                end = codec.HEADER + length
                if len(self._held) >= end:
                    found = bytes(self._held[codec.HEADER : end])
                    del self._held[:end]
                    return found
            if not select.select([self._descriptor], [], [], idle_s)[0]:
                return None
            try:
                data = os.read(self._descriptor, _READ)
            except ConnectionError as error:
                raise GoneError from error
            if not data:
                raise GoneError
            self._held += data


def write(descriptor: int, data: bytes) -> None:
    """Write all of it.

    Raises:
        GoneError: Nobody reads any more.
    """
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except ConnectionError as error:
            raise GoneError from error


def encoded(reply: m.Message, request: int) -> bytes:
    """A reply as a frame; one that is too large as an error that says so."""
    try:
        return codec.encode(reply, request)
    except ProtocolError as error:
        return codec.encode(m.Error("too-large", str(error)), request)


def unreadable(frame: bytes, error: ProtocolError) -> bytes:
    """The answer to a frame that is no message."""
    try:
        request = codec.envelope(frame)[1]
    except ProtocolError:
        request = 0
    return codec.encode(m.Error("bad-request", str(error)), request)


def check_version(hello: m.Hello) -> None:
    """Raises: ProtocolError: The asker speaks another major version."""
    if hello.version[0] != m.VERSION[0]:
        raise ProtocolError(f"the asker speaks version {hello.version[0]}, this one speaks {m.VERSION[0]}")
