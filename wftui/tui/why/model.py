"""What the open dialog says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wftui.render.why import Sections


class Findings:
    """Titles and lines, and the moment that Enter goes to."""

    def __init__(self, title: str, sections: Sections, key: str) -> None:
        """``key``: what opens the dialog, and closes it."""
        self.title = title
        self.sections = sections
        self.key = key
        self.goes_ns: int | None = None
        """UTC: where it began; None: there is nothing to go to."""
