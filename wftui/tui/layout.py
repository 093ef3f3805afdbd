"""Terminal size to panel places: one answer for the skeleton, the first frame and every resize.

Pure arithmetic and light to import: the skeleton is painted before anything else is loaded. Panels give way in a
fixed order of importance: below 72 by 20 each subject is one line, and of those the last ones go first.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing is heavier than this module
if TYPE_CHECKING:
    from collections.abc import Sequence

ORDER = ("cpu", "memory", "disks", "network", "pressure", "processes", "gpus", "events", "sources")
"""All panels, as Tab goes through them."""
IMPORTANCE = ("cpu", "memory", "processes", "gpus", "disks", "network", "pressure", "events", "sources")
"""Which of them stay when there are fewer lines than subjects."""
TITLES = {
    "cpu": "cpu",
    "memory": "memory",
    "disks": "disks",
    "network": "network",
    "pressure": "pressure & heat",
    "processes": "processes",
    "gpus": "gpus",
    "events": "events",
    "sources": "sources",
    "timeline": "timeline",
    "gpu": "gpus",
}
ACCENTS = {"gpu": "gpus"}
"""Screens that have the colour of a panel."""
SHORT = {
    "cpu": "cpu",
    "memory": "mem",
    "disks": "disk",
    "network": "net",
    "pressure": "psi",
    "processes": "proc",
    "gpus": "gpu",
    "events": "evt",
    "sources": "src",
}
"""Labels where a subject is one line."""
SCREEN_KEYS = {"processes": "2", "events": "3", "sources": "4", "timeline": "5", "gpus": "6", "gpu": "6"}
"""Panels that have a screen of their own, and its key."""
MIN_WIDTH = 72
MIN_HEIGHT = 20
"""Below these the frames would take what there is to show: one line a subject says more."""


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


def overview(width: int, height: int, gpus: int = 0, *, quiet: bool = False) -> Layout:
    """The overview of any size from 1 x 1 on. Line 0 is the top line; framed ones end with a line of keys.

    ``gpus``: how many there are, instances of divided ones with them; they are what a box with GPUs is about.
    ``quiet``: none of them has anything to tell (a laptop's that sleeps): a line each is enough.
    """
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        return _lines(width, height, gpus)
    body = height - 2
    if gpus:
        return (
            _gpus_wide(width, height, body, gpus, quiet=quiet)
            if width >= 100 and body >= 24
            else _gpus_narrow(width, height, body, gpus, quiet=quiet)
        )
    if width >= 150 and body >= 30:
        return _wide(width, height, body)
    if width >= 100 and body >= 24:
        return _middle(width, height, body)
    return _narrow(width, height, body)


def whole(name: str, width: int, height: int) -> Layout:
    """One panel over the whole screen (expanded panels and screens 2 to 4)."""
    if width < 50 or height < 6:
        return Layout(width, height, [Place(name, 0, 1, width, max(0, height - 1))], framed=False)
    return Layout(width, height, [Place(name, 0, 1, width, height - 2)], framed=True)


def _row(y: int, height: int, names: Sequence[str], widths: Sequence[int]) -> list[Place]:
    places = []
    x = 0
    for name, width in zip(names, widths, strict=True):
        places.append(Place(name, x, y, width, height))
        x += width
    return places


def _split(total: int, shares: Sequence[float]) -> list[int]:
    """Whole cells in these proportions; the last takes what is left."""
    whole_sum = sum(shares)
    parts = [int(total * share / whole_sum) for share in shares[:-1]]
    return [*parts, total - sum(parts)]


def _clamp(value: float, low: int, high: int) -> int:
    return max(low, min(high, int(value)))


def gpu_lines(count: int, width: int, most: int, *, quiet: bool = False) -> int:
    """Lines that this many GPUs ask for inside a frame of this inner width, ``most`` at best."""
    if quiet:
        return min(count, most)
    if count <= 4 and width >= 39 * count - 3:
        # One row of cards: as high as the lines allow, which a graph makes use of.
        return _clamp(most, 3, 9)
    if count == 2 or count <= 8:
        return min(count + (most > count), most)
    if width >= 180:
        # Two columns of lines and a heading.
        return min(most, -(-count // 2) + 1)
    return min(most, (8 if width >= 100 else 7) if width - 5 >= 3 * count else 5)


def _gpus_narrow(width: int, height: int, body: int, gpus: int, *, quiet: bool) -> Layout:
    """Below the CPU; what else there is folds into a line before the processes have nothing to stand on."""
    first = _clamp(body * 0.24, 5, 12)
    most = max(4, min(10, int(body * 0.28)) if gpus < 3 else int(body * 0.37))
    # A heading and two processes are the least.
    lines = gpu_lines(gpus, width - 4, min(most, body - first - 8), quiet=quiet) + 2
    rest = body - first - lines
    places = _row(1, first, ("cpu", "memory"), _split(width, (56, 44)))
    places.append(Place("gpus", 0, 1 + first, width, lines))
    y = 1 + first + lines
    side = ("events", "sources")
    folded: tuple[str, ...] = ("disks", "network", "pressure", *side)
    if rest >= 16:
        second = _clamp(rest * 0.3, 5, 9)
        places += _row(y, second, ("disks", "network", "pressure"), _split(width, (1, 1, 1)))
        y, rest = y + second, rest - second
        folded = side
    if rest >= 16:
        lower = _clamp(rest * 0.3, 5, 10)
        places += _row(y, rest - lower, ("processes",), (width,))
        places += _row(y + rest - lower, lower, side, _split(width, (1, 1)))
        return Layout(width, height, places, framed=True)
    places += _row(y, rest - 1, ("processes",), (width,))
    return Layout(width, height, places, framed=True, folded=folded)


def _gpus_wide(width: int, height: int, body: int, gpus: int, *, quiet: bool) -> Layout:
    """CPU, memory and pressure above, the GPUs below them over the whole width."""
    first = _clamp(body * 0.24, 8, 16)
    lines = gpu_lines(gpus, width - 4, max(4, int(body * 0.3)), quiet=quiet) + 2
    second = _clamp(body * 0.19, 6, 12)
    rest = body - first - lines - second
    if rest < 8:
        # The disks give way before the processes do.
        second, rest = 0, rest + second
    if width >= 150:
        places = _row(1, first, ("cpu", "memory", "pressure"), _split(width, (46, 28, 26)))
        middle: tuple[str, ...] = ("disks", "network")
    else:
        places = _row(1, first, ("cpu", "memory"), _split(width, (60, 40)))
        middle = ("disks", "network", "pressure")
    y = 1 + first
    places.append(Place("gpus", 0, y, width, lines))
    y += lines
    folded: tuple[str, ...] = middle
    if second:
        places += _row(y, second, middle, _split(width, (1,) * len(middle)))
        y += second
        folded = ()
    left, right = _split(width, (64, 36) if width >= 150 else (66, 34))
    rest -= bool(folded)
    if rest < 7:
        places.append(Place("processes", 0, y, width, rest))
        return Layout(width, height, places, framed=True, folded=(*folded, "events", "sources"))
    sources = _clamp(rest * 0.45, 4, 20)
    places.append(Place("processes", 0, y, left, rest))
    places.append(Place("events", left, y, right, rest - sources))
    places.append(Place("sources", left, y + rest - sources, right, sources))
    return Layout(width, height, places, framed=True, folded=folded)


def _lines(width: int, height: int, gpus: int) -> Layout:
    room = max(0, height - 1)
    kept = set(IMPORTANCE[:room])
    names = [name for name in ORDER if name in kept]
    # Spare lines go to the GPUs and the processes: they have more to say than one line.
    spare = room - len(names)
    more = min(gpus if gpus > 1 else 0, spare // 2) if spare >= 4 else 0
    spare -= more
    places = []
    y = 1
    for name in names:
        lines = 1 + (spare if name == "processes" else more if name == "gpus" else 0)
        places.append(Place(name, 0, y, width, lines))
        y += lines
    return Layout(width, height, places, framed=False)


def _narrow(width: int, height: int, body: int) -> Layout:
    first = _clamp(body * 0.30, 6, 12)
    second = _clamp(body * 0.24, 5, 9)
    rest = body - first - second
    places = _row(1, first, ("cpu", "memory"), _split(width, (56, 44)))
    places += _row(1 + first, second, ("disks", "network", "pressure"), _split(width, (1, 1, 1)))
    y = 1 + first + second
    side = ("gpus", "events", "sources")
    if rest >= 16:
        lower = _clamp(rest * 0.3, 5, 10)
        places += _row(y, rest - lower, ("processes",), (width,))
        places += _row(y + rest - lower, lower, side, _split(width, (1, 1, 1)))
        return Layout(width, height, places, framed=True)
    # One line below the processes says what these three would have said.
    places += _row(y, rest - 1, ("processes",), (width,))
    return Layout(width, height, places, framed=True, folded=side)


def _middle(width: int, height: int, body: int) -> Layout:
    first = _clamp(body * 0.32, 9, 16)
    second = _clamp(body * 0.25, 7, 12)
    rest = body - first - second
    places = _row(1, first, ("cpu", "memory"), _split(width, (60, 40)))
    places += _row(1 + first, second, ("disks", "network", "pressure"), _split(width, (1, 1, 1)))
    left, right = _split(width, (66, 34))
    places += _side(1 + first + second, rest, left, right)
    return Layout(width, height, places, framed=True)


def _wide(width: int, height: int, body: int) -> Layout:
    first = _clamp(body * 0.33, 12, 26)
    second = _clamp(body * 0.24, 9, 20)
    rest = body - first - second
    places = _row(1, first, ("cpu", "memory", "pressure"), _split(width, (46, 28, 26)))
    places += _row(1 + first, second, ("disks", "network"), _split(width, (1, 1)))
    left, right = _split(width, (64, 36))
    places += _side(1 + first + second, rest, left, right)
    return Layout(width, height, places, framed=True)


def _side(y: int, rest: int, left: int, right: int) -> list[Place]:
    """Processes on the left; GPUs, events and sources above one another on the right."""
    places = [Place("processes", 0, y, left, rest)]
    # What is missing and why is one line of 60 cells, or two of 36, or three.
    gpus = 5 if right < 50 and rest >= 14 else 4
    sources = _clamp((rest - gpus) * 0.45, 4, 20)
    events = rest - gpus - sources
    for name, height in (("gpus", gpus), ("events", events), ("sources", sources)):
        places.append(Place(name, left, y, right, height))
        y += height
    return places
