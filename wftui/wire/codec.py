"""Messages to frames and back."""

from typing import Any, Final

import msgspec

from wftui.errors import ProtocolError
from wftui.wire.messages import MAX_FRAME, MESSAGES, TAGS, Message

_encoder: Final = msgspec.msgpack.Encoder()
_envelope: Final = msgspec.msgpack.Decoder(tuple[str, int, msgspec.Raw])
_bodies: Final[
    dict[str, msgspec.msgpack.Decoder[Any]]
] = {}  # Any: one decoder for each message type, made on first use

# A few hundred bytes can nest deeper than Python's stack: that must end the connection, not the caller.
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

HEADER: Final = 4
"""Bytes of the big-endian length before each frame."""


def encode(message: Message, request: int = 0) -> bytes:
    """A whole frame, length included.

    Raises:
        ProtocolError: The frame would exceed ``MAX_FRAME``, or a text in it is no Unicode (a lone surrogate).
    """
    try:
        body = _encoder.encode((TAGS[type(message)], request, message))
    except UnicodeEncodeError as error:
        raise ProtocolError(f"{TAGS[type(message)]} message: {error}") from error
    if len(body) > MAX_FRAME:
        raise ProtocolError(f"{TAGS[type(message)]} message of {len(body)} bytes, at most {MAX_FRAME} are allowed")
    return len(body).to_bytes(HEADER, "big") + body


def frame_length(header: bytes) -> int:
    """Length of the frame that a header announces.

    Raises:
        ProtocolError: The length is 0 or over ``MAX_FRAME``: the peer does not speak this protocol.
    """
    length = int.from_bytes(header, "big")
    if not 0 < length <= MAX_FRAME:
        raise ProtocolError(f"a frame of {length} bytes was announced, expected 1 to {MAX_FRAME}")
    return length


def envelope(body: bytes) -> tuple[str, int, memoryview]:
    """Tag, request id and the fields of a frame (without its length), which are left as they are.

    Raises:
        ProtocolError: It is no frame.
    """
    try:
        tag, request, raw = _envelope.decode(body)
    except _UNREADABLE as error:
        raise ProtocolError(f"expected a frame [type, id, body]: {error}") from error
    return tag, request, memoryview(raw)


def envelop(tag: str, request: int, size: int) -> bytes:
    """What stands before ``size`` bytes of fields in a whole frame.

    Raises:
        ProtocolError: The frame would exceed ``MAX_FRAME``.
    """
    head = b"\x93" + _encoder.encode(tag) + _encoder.encode(request)  # 0x93: msgpack's array of three
    if len(head) + size > MAX_FRAME:
        raise ProtocolError(f"{tag} message of {size} bytes, at most {MAX_FRAME} are allowed")
    return (len(head) + size).to_bytes(HEADER, "big") + head


def decode(body: bytes) -> tuple[Message, int]:
    """The message of a frame (without its length) and its request id.

    Raises:
        ProtocolError: It is no frame, its type is unknown, or a field has the wrong type.
    """
    try:
        tag, request, raw = _envelope.decode(body)
    except _UNREADABLE as error:
        raise ProtocolError(f"expected a frame [type, id, body]: {error}") from error
    decoder = _bodies.get(tag)
    if decoder is None:
        kind = MESSAGES.get(tag)
        if kind is None:
            raise ProtocolError(f"unknown message type {tag[:40]!r}")
        decoder = _bodies[tag] = msgspec.msgpack.Decoder(kind)
    try:
        message: Message = decoder.decode(raw)
    except _UNREADABLE as error:
        raise ProtocolError(f"message {tag!r}: {error}") from error
    return message, request
