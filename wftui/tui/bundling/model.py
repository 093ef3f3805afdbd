"""The dialog's own state: what was chosen, how far the writing is. Plain data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.bundle.format import ENCRYPTED, LEVELS, SUFFIX
from wftui.render import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.bundle.orders import Written

RANGE: Final = "range"
LEVEL: Final = "level"
ENCRYPTION: Final = "encrypt"
FILE: Final = "file"
WRITE: Final = "write"
FIELDS: Final = (RANGE, LEVEL, ENCRYPTION, FILE, WRITE)

PASSPHRASE: Final = "passphrase"  # noqa: S105  the name of a choice
RECIPIENTS: Final = "recipients"
PLAIN: Final = "plain"
WAYS: Final = (PASSPHRASE, RECIPIENTS, PLAIN)

FORM: Final = "form"
WRITING: Final = "writing"
DONE: Final = "done"
_LONGEST: Final = 200
"""Characters of a path."""


class Span(NamedTuple):
    """A range that may be chosen: the seconds [begin, end), UTC."""

    begin: int
    end: int
    about: str


class Bundling:
    """One bundle on its way from the question to the file."""

    def __init__(
        self,
        spans: Sequence[Span],
        *,
        level: str,
        recipients: tuple[str, ...] = (),
        can_encrypt: str = "",
        alert: str = "",
    ) -> None:
        """
        Args:
            spans: To choose from; the first one is offered.
            level: Of the settings.
            recipients: Of the settings.
            can_encrypt: Why nothing can be encrypted here; empty: it can.
            alert: The rule of the first range; empty: it is not about one.
        """
        self.spans = tuple(spans)
        self.recipients = recipients
        self.can_encrypt = can_encrypt
        self._alert = alert
        self.span_place = 0
        self.level = level
        self.way = RECIPIENTS if recipients else PASSPHRASE
        self.place = 0
        self.stage = FORM
        self.error = ""
        self._typed: str | None = None
        self.began_s = 0.0
        """When the writing began (CLOCK_BOOTTIME)."""
        self.step = ""
        """What of it is done now."""
        self.written: Written | None = None

    @property
    def field(self) -> str:
        """The one under the cursor."""
        return FIELDS[self.place]

    @property
    def span(self) -> Span:
        """The chosen range."""
        return self.spans[self.span_place]

    @property
    def alert(self) -> str:
        """The rule that it is made for; empty: none, or another range was chosen."""
        return self._alert if self.span_place == 0 else ""

    @property
    def file(self) -> str:
        """As typed, else a name after the end of the range."""
        if self._typed is not None:
            return self._typed
        stamp = f"{text.day(self.span.end)}-{text.clock(self.span.end)}".replace("-", "", 2).replace(":", "")
        return f"wftop-{stamp}{SUFFIX}{'' if self.way == PLAIN else ENCRYPTED}"

    @property
    def path(self) -> Path:
        """Where that is."""
        return Path(self.file.strip()).expanduser().absolute()

    def wrong(self) -> str:
        """What is wrong with it as it stands; empty: nothing that is known here."""
        name = self.file.strip()
        if not name:
            return "a file name is missing"
        if self.path.exists():
            return f"{name} exists: nothing is overwritten"
        if not self.path.parent.is_dir():
            return f"{self.path.parent} is no folder"
        if self.way != PLAIN and self.can_encrypt:
            return self.can_encrypt
        if self.way == RECIPIENTS and not self.recipients:
            return "no recipient is known: wftop config set bundle.recipients age1…"
        return ""

    # ---- what keys do

    def move(self, step: int) -> None:
        """Another field."""
        self.place = min(len(FIELDS) - 1, max(0, self.place + step))
        self.error = ""

    def change(self, step: int) -> None:
        """The next choice of the field."""
        self.error = ""
        if self.field == RANGE:
            self.span_place = (self.span_place + step) % len(self.spans)
        elif self.field == LEVEL:
            self.level = LEVELS[(LEVELS.index(self.level) + step) % len(LEVELS)]
        elif self.field == ENCRYPTION:
            self.way = WAYS[(WAYS.index(self.way) + step) % len(WAYS)]

    def type(self, char: str) -> None:
        """A character into the file's name; the empty text takes one back."""
        self.error = ""
        self._typed = (self.file + char)[:_LONGEST] if char else self.file[:-1]

    def clear(self) -> None:
        """An empty name."""
        self.error = self._typed = ""
