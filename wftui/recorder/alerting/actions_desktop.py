"""A notification on the desktop: one method call over the session bus (D-Bus), spoken by ourselves.

Not ``notify-send``: it is not everywhere where a desktop is, and what it shows would stand in its arguments, which
every user of the machine can read. Loaded where it is wanted.

Source: D-Bus Specification 0.43, "Message Protocol" and "Authentication Protocol"; Desktop Notifications
Specification 1.2, ``org.freedesktop.Notifications.Notify``.
"""

import asyncio
import os
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple
from urllib.parse import unquote

from wftui import text

DEADLINE_S: Final = 5.0
_MOST: Final = 64 * 1024
"""Bytes of a message from the bus."""
_CALL, _RETURN, _ERROR = 1, 2, 3
_PATH, _INTERFACE, _MEMBER, _ERROR_NAME, _REPLY_TO, _DESTINATION, _SIGNATURE = 1, 2, 3, 4, 5, 6, 8
_ABSENT: Final = (
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
)


class DesktopError(Exception):
    """Nothing was shown; the text says why."""


class Note(NamedTuple):
    """What is shown."""

    title: str
    body: str
    urgency: int
    """0 low, 1 normal, 2 critical."""
    shown_ms: int = -1
    """-1: as long as the desktop likes."""
    replaces: int = 0
    """Number of the notification whose place it takes; 0: none."""


def bus_path(environ: Mapping[str, str]) -> str:
    """The session bus's socket, beginning with a NUL where it is an abstract one; empty: there is none."""
    for address in environ.get("DBUS_SESSION_BUS_ADDRESS", "").split(";"):
        kind, _, rest = address.partition(":")
        given = dict(item.partition("=")[::2] for item in rest.split(","))
        if kind == "unix" and given.get("path"):
            return unquote(given["path"])
        if kind == "unix" and given.get("abstract"):
            return "\0" + unquote(given["abstract"])
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    return f"{runtime}/bus" if runtime and os.path.exists(f"{runtime}/bus") else ""  # noqa: PTH110  one question


async def notify(note: Note, environ: Mapping[str, str] = os.environ, deadline_s: float = DEADLINE_S) -> int:
    """Show it; returns its number.

    Raises:
        DesktopError: There is no session bus, nobody shows notifications, or no answer came in time.
    """
    path = bus_path(environ)
    if not path:
        raise DesktopError("there is no session bus (DBUS_SESSION_BUS_ADDRESS)")
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(deadline_s):
            reader, writer = await asyncio.open_unix_connection(path)
            return await _show(reader, writer, note)
    except TimeoutError as error:
        raise DesktopError(f"the session bus gave no answer within {deadline_s:g} s") from error
    except (EOFError, asyncio.LimitOverrunError) as error:
        raise DesktopError("the session bus hung up") from error
    except OSError as error:
        raise DesktopError(f"session bus: {text.clean(error.strerror or str(error), 200)}") from error
    except (struct.error, ValueError, IndexError) as error:
        raise DesktopError("the session bus answered what is no D-Bus") from error
    finally:
        if writer is not None:
            with suppress(RuntimeError):  # the loop has ended before us
                writer.transport.abort()


async def _show(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, note: Note) -> int:
    writer.write(b"\0AUTH EXTERNAL " + str(os.geteuid()).encode().hex().encode() + b"\r\n")
    said = await reader.readuntil(b"\r\n")
    if not said.startswith(b"OK"):
        raise DesktopError("the session bus does not let us in")
    bus = "org.freedesktop.DBus"
    writer.write(b"BEGIN\r\n" + _message(1, "/org/freedesktop/DBus", bus, bus, "Hello", "", b""))
    await _reply(reader, 1)
    service = "org.freedesktop.Notifications"
    body = _notify_body(note)
    writer.write(_message(2, "/org/freedesktop/Notifications", service, service, "Notify", "susssasa{sv}i", body))
    order, answer = await _reply(reader, 2)
    number: int = struct.unpack_from(f"{order}I", answer)[0]
    return number


def _notify_body(note: Note) -> bytes:
    """Arguments of ``Notify``: name, replaced, icon, title, body, actions, hints, milliseconds."""
    data = bytearray()
    _text(data, "wftop")
    _number(data, note.replaces)
    _text(data, "")
    _text(data, note.title)
    # What is shown may hold names from outside, and a desktop takes the body for markup.
    _text(data, note.body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
    _number(data, 0)  # no actions
    hints = bytearray()  # its first entry is aligned to 8 bytes, so it may be made by itself
    _text(hints, "urgency")
    hints += b"\x01y\0" + bytes([note.urgency])
    _pad(data, 4)
    data += struct.pack("<I", len(hints))
    _pad(data, 8)
    data += hints
    _pad(data, 4)
    data += struct.pack("<i", note.shown_ms)
    return bytes(data)


def _message(
    serial: int, path: str, destination: str, interface: str, member: str, signature: str, body: bytes
) -> bytes:
    """A method call, little-endian."""
    fields = bytearray()
    for code, kind, value in (
        (_PATH, "o", path),
        (_DESTINATION, "s", destination),
        (_INTERFACE, "s", interface),
        (_MEMBER, "s", member),
        *(((_SIGNATURE, "g", signature),) if signature else ()),
    ):
        _pad(fields, 8)
        fields += bytes([code, 1]) + kind.encode() + b"\0"
        if kind == "g":
            fields += bytes([len(value)]) + value.encode() + b"\0"
        else:
            _text(fields, value)
    head = bytearray(struct.pack("<cBBBIII", b"l", _CALL, 0, 1, len(body), serial, len(fields)) + fields)
    _pad(head, 8)
    return bytes(head) + body


def _pad(data: bytearray, to: int) -> None:
    data += bytes(-len(data) % to)


def _number(data: bytearray, value: int) -> None:
    _pad(data, 4)
    data += struct.pack("<I", value)


def _text(data: bytearray, value: str) -> None:
    raw = value.replace("\0", "").encode("utf-8", "replace")
    _number(data, len(raw))
    data += raw + b"\0"


async def _reply(reader: asyncio.StreamReader, serial: int) -> tuple[str, bytes]:
    """Byte order and body of the answer to a call; signals that come meanwhile are passed over."""
    while True:
        first = await reader.readexactly(16)
        order = {b"l": "<", b"B": ">"}[first[:1]] if first[:1] in (b"l", b"B") else ""
        if not order:
            raise ValueError("no byte order")
        length, _, fields_length = struct.unpack(f"{order}III", first[4:])
        padded = fields_length + -fields_length % 8
        if length + padded > _MOST:
            raise ValueError("too long")
        fields = _fields(await reader.readexactly(padded), fields_length, order)
        body = await reader.readexactly(length)
        if fields.get(_REPLY_TO) != serial:
            continue
        if first[1] == _RETURN:
            return order, body
        if first[1] == _ERROR:
            name = str(fields.get(_ERROR_NAME, ""))
            raise DesktopError(
                "nobody shows notifications on this session bus" if name in _ABSENT else text.clean(name, 200)
            )


def _fields(data: bytes, length: int, order: str) -> dict[int, int | str]:
    """Header fields: code to value."""
    found: dict[int, int | str] = {}
    at = 0
    while at < length:
        at += -at % 8
        code, kind = data[at], data[at + 2 : at + 3]
        at += 4  # code, length of the signature, the signature, its NUL
        if kind == b"g":
            at += 1 + data[at] + 1
            continue
        at += -at % 4
        value: int = struct.unpack_from(f"{order}I", data, at)[0]
        at += 4
        if kind == b"u":
            found[code] = value
        else:
            found[code] = data[at : at + value].decode("utf-8", "replace")
            at += value + 1
    return found
