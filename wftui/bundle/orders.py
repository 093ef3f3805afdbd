"""What the view and the child that makes a bundle for it say to each other, as lines of JSON."""

from __future__ import annotations

from typing import Literal

import msgspec

from wftui.bundle.format import Redacted


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked for."""

    what: Literal["preview", "write"]
    data_dir: str
    path: str
    """Absolute; of a preview, which writes nothing, the one that would be written."""
    since_s: int
    """UTC: [since, until)."""
    until_s: int
    level: str
    encryption: Literal["recipients", "passphrase", "plain"]
    recipients: tuple[str, ...] = ()
    config: str = ""
    """The configuration file; empty: the usual one."""
    alert: str = ""
    """The rule that it is made for; empty: none."""


class Step(msgspec.Struct, frozen=True, tag="step"):
    """What is being done."""

    what: str


class Previewed(msgspec.Struct, frozen=True, tag="preview"):
    """What would be in it, for a person: lines of text."""

    lines: list[str]


class Written(msgspec.Struct, frozen=True, tag="written"):
    """What was written."""

    path: str
    bytes: int
    took_s: float
    redactions: list[Redacted]
    left_out: list[str]
    passphrase: str = ""
    """Made up for it and kept nowhere."""


Answer = Step | Previewed | Written
"""A line of the child's."""
