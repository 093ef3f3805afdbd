"""The two sides of a comparison: what is known of a range of time, in figures that can be laid side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.bundle.format import Facts, Manifest
from wftui.model.sample import Column
from wftui.model.series import Series, series

if TYPE_CHECKING:
    from wftui.store.gaps import Gap
    from wftui.windows.noise import Variance
    from wftui.wire.messages import RangeStats

Label = tuple[str, str]
"""Key and value of a label."""
ALL: Final = ("gpu", "interface", "mount", "server", "model", "device", "sensor", "source", "plugin")
"""Labels whose values may name a thing of one machine; others (a core, a mode) are called alike anywhere."""
_CARDS: Final = ("gpu", "server")
"""Of these a clue counts more than a name: another card in the same slot, a server that moved to another port. All
else that has its true name on both sides is not the same by being alike."""
_MADE_UP: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:user|host|path|program|port|part|server|model|unit|container|serial|uuid|mac|email|url|job"
    r"|series|label|row|id|event|device|source|plugin|sensor|rule|boot"
    r"|ip[ -](?:private|public|loopback|link-local)"
    r"|interface|veth|br|cali|vxlan|vnet|tap|tun|wg|enx|wlx|lxc|vmnet)[-_][0-9a-f]{4,}(?![A-Za-z0-9])"
)
"""A name that stands for another one in a bundle: it means nothing outside of it."""


class Usage(NamedTuple):
    """What all processes of one name used together, as means over the recorded time; NaN: unknown."""

    cpu: float
    """Cores."""
    memory: float
    """By; pages that several share count several times."""
    disk: float
    """By/s, read and written."""
    gpu: float
    """GPUs: 1 is one that computes all the time."""
    gpu_memory: float
    """By."""


USAGES: Final = (
    ("CPU", "1"), ("memory", "By"), ("disk", "By/s"), ("GPU", "1"), ("GPU memory", "By"),
)  # fmt: skip
"""What each of its numbers is called, and their units."""


class Side(NamedTuple):
    """One of the two."""

    name: str
    """As the person called it: a file, a range."""
    recording: str
    """What the names in it are of: equal for two sides of one recording, where every name means the same thing."""
    since_s: int
    """Asked for: [since, until), UTC."""
    until_s: int
    recorded_s: int
    """Seconds of it that have a tick."""
    gaps: Sequence[tuple[Gap, str]]
    """And why."""
    level_s: int
    """Seconds of one value: 1, 10 or 300."""
    columns: Mapping[str, Column]
    """By text of the series, here and below."""
    stats: Mapping[str, RangeStats]
    variances: Mapping[str, Variance]
    events: Mapping[str, int]
    """Type to how many."""
    alerts: Mapping[str, int]
    """Rule to how often it fired."""
    programs: Mapping[str, Usage]
    """By name; empty: no table of processes."""
    clues: Mapping[Label, str]
    """What else tells which thing a label's value is: the number of a GPU, the size of a file system, the kind of
    a model server, the server of its only model."""
    facts: Facts
    manifest: Manifest | None
    """None: of the own recording."""


class Joined(NamedTuple):
    """Both sides with one name for each thing that is on both."""

    a: dict[str, str]
    """Text of a series of A to the common one."""
    b: dict[str, str]
    names: dict[str, Series]
    """Common text to its series."""
    apart: list[tuple[str, int, int]]
    """Label keys whose things could not all be joined, and how many of each side were left."""


def made_up(value: str) -> bool:
    """Whether a name, or a part of it, stands for another one."""
    return _MADE_UP.search(value) is not None


def join(a: Side, b: Side) -> Joined:
    """Give the things of both sides common names."""
    renamed_a: dict[Label, str] = {}
    renamed_b: dict[Label, str] = {}
    apart: list[tuple[str, int, int]] = []
    for key in ALL:
        left = _values(a, key), _values(b, key)
        pairs = _pairs(key, *left, a, b)
        for one, other in pairs.items():
            name = _called(key, one, a) if not made_up(one) or made_up(other) else other
            renamed_a[key, one] = renamed_b[key, other] = name
        alone = left[0] - pairs.keys(), left[1] - set(pairs.values())
        for value in alone[0]:
            renamed_a[key, value] = _called(key, value, a)
        for value in alone[1]:
            name = _called(key, value, b)
            # What is called as another thing of A must not be taken for it.
            taken = name in {renamed_a[key, item] for item in left[0]}
            renamed_b[key, value] = f"{name} (B)" if taken else name
        if a.recording != b.recording:
            _note(apart, key, *alone)
    if a.recording != b.recording:
        _note(apart, "pushed metric", _metrics(a), _metrics(b))
    names: dict[str, Series] = {}
    return Joined(_renamed(a, renamed_a, names), _renamed(b, renamed_b, names), names, apart)


def _note(apart: list[tuple[str, int, int]], what: str, left: set[str], right: set[str]) -> None:
    """Things of which nobody can tell whether they are the same: on one side at least, the name tells nothing."""
    if left and right and any(map(made_up, (*left, *right))):
        apart.append((what, len(left), len(right)))


def _metrics(side: Side) -> set[str]:
    return {item.series.name for item in side.columns.values() if made_up(item.series.name)}


def _values(side: Side, key: str) -> set[str]:
    return {value for item in side.columns.values() if (value := item.series.label(key))}


def _pairs(key: str, left: set[str], right: set[str], a: Side, b: Side) -> dict[str, str]:
    """Value in A to the one in B that means the same."""
    if a.recording == b.recording:
        return {value: value for value in left & right}
    # Numbers of GPUs in a bundle are given in it, so the same one may be another card.
    alike = {value for value in left & right if not made_up(value) and (key != "gpu" or not _numbered(value))}
    found = {value: value for value in alike}
    clues = [_unique(key, values - alike, side) for values, side in ((left, a), (right, b))]
    for clue in clues[0].keys() & clues[1].keys():
        one, other = clues[0][clue], clues[1][clue]
        if key in _CARDS or made_up(one) or made_up(other):
            found[one] = other
    return found


def _numbered(value: str) -> bool:
    return value.removeprefix("gpu-").isdecimal()


def _unique(key: str, values: set[str], side: Side) -> dict[str, str]:
    """Clue to the only value that has it."""
    found: dict[str, list[str]] = {}
    for value in values:
        clue = side.clues.get((key, value))
        if clue:
            found.setdefault(clue, []).append(value)
    return {clue: of[0] for clue, of in found.items() if len(of) == 1}


def _called(key: str, value: str, side: Side) -> str:
    """A GPU by its number, all else as it is."""
    return side.clues.get((key, value), value) if key == "gpu" else value


def _renamed(side: Side, renamed: Mapping[Label, str], names: dict[str, Series]) -> dict[str, str]:
    found = {}
    for text, item in side.columns.items():
        labels = {key: renamed.get((key, value), value) for key, value in item.series.labels}
        common = series(item.series.name, labels)
        names.setdefault(common.text, common)
        found[text] = common.text
    return found
