"""What a person wants to read numbers and times in, from the settings to everything that this process shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui import when
from wftui.render import text

if TYPE_CHECKING:
    from wftui.config import Config

KEYS: Final = ("view.temperature", "view.bytes", "view.time_zone")


def use(settings: Config) -> None:
    """Show temperatures, bytes and times as the settings say from now on; what is written stays as it is."""
    text.prefer(
        fahrenheit=settings.text("view.temperature") == "fahrenheit",
        decimal_bytes=settings.text("view.bytes") == "decimal",
    )
    when.use_zone(settings.text("view.time_zone"))
