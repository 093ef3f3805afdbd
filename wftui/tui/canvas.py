"""The one widget: the whole screen as ready rows, for what the toolkit does by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    from wftui.tui.app import WftopApp


class Canvas(Widget, can_focus=True):
    """The whole screen as ready rows; the toolkit asks for strips only when it repaints by itself."""

    DEFAULT_CSS = "Canvas { width: 100%; height: 100%; }"

    def __init__(self, app: WftopApp) -> None:
        super().__init__()
        self._wftop = app

    def render_lines(self, crop: Region) -> list[Strip]:
        """The strips of a region, from the frame that is current at this size."""
        width, height = self.size
        picture = self._wftop.current(width, height)
        styles = self._wftop.inks
        strips = []
        for y in range(crop.y, crop.y + crop.height):
            if y >= len(picture.rows):
                strips.append(Strip.blank(crop.width))
                continue
            strip = styles.strip(picture.rows[y], width, stale=picture.stale and y not in picture.live_lines)
            strips.append(strip if crop.width == width else strip.crop(crop.x, crop.x + crop.width))
        whole = crop.width == width and crop.height == height
        self._wftop.painter.shown(picture if whole else None)
        return strips

    def on_key(self, event: events.Key) -> None:
        """Every key is ours."""
        event.stop()
        event.prevent_default()
        self._wftop.answer(event, lambda: self._wftop.commands.key(event.key, event.character))

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text belongs into an open filter and nowhere else: it never runs actions."""
        event.stop()
        self._wftop.commands.paste(event.text)
        self._wftop.paint()
