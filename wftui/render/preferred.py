"""What a person wants to read numbers and times in, from the settings to everything that this process shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui import when
from wftui.render import palette, text

if TYPE_CHECKING:
    from wftui.config import Config


def use(settings: Config) -> None:
    """Show temperatures, bytes and times as the settings say from now on; what is written stays as it is."""
    text.prefer(
        fahrenheit=settings.text("view.temperature") == "fahrenheit",
        decimal_bytes=settings.text("view.bytes") == "decimal",
    )
    palette.warm_at(
        {name: (settings.number(f"colors.{name}_warn"), settings.number(f"colors.{name}_critical"))
         for name in palette.SCALES}
    )  # fmt: skip
    when.use_zone(settings.text("view.time_zone"))
