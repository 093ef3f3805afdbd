"""What every message is."""

import msgspec


class Message(msgspec.Struct, frozen=True):
    """Base of all messages."""
