"""What a layout comes to on one terminal: a place for each panel."""

from __future__ import annotations

TYPE_CHECKING = False  # typing is heavier than this module
if TYPE_CHECKING:
    from collections.abc import Sequence


class Place:
    """Where a panel stands: column, line, width and height in cells, frame included."""

    __slots__ = ("height", "name", "width", "x", "y")

    def __init__(self, name: str, x: int, y: int, width: int, height: int) -> None:
        self.name = name
        self.x = x
        self.y = y
        self.width = width
        self.height = height

    def __repr__(self) -> str:
        return f"Place({self.name!r}, {self.x}, {self.y}, {self.width}, {self.height})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place) and repr(other) == repr(self)

    __hash__ = None  # type: ignore[assignment]  # compared in tests, never a key


class Layout:
    """One screen: framed panels, or (``framed`` False) one line per subject. ``folded``: panels in one line."""

    __slots__ = ("folded", "footer", "framed", "height", "places", "width")

    def __init__(
        self, width: int, height: int, places: Sequence[Place], *, framed: bool, folded: Sequence[str] = ()
    ) -> None:
        self.width = width
        self.height = height
        self.places = tuple(places)
        self.framed = framed
        self.folded = tuple(folded)
        self.footer = framed

    def place(self, name: str) -> Place | None:
        """Where a panel stands; None when it is not on this screen."""
        return next((place for place in self.places if place.name == name), None)
