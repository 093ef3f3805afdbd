"""What differs in what two sides say beside their numbers: versions, hardware, settings, rules, model servers."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from wftui.bundle.format import Facts, Inventory, RuleInForce, ServerFact, SettingInForce
from wftui.bundle.sides import Side, made_up
from wftui.model.table import Cell
from wftui.render import text as shown
from wftui.units import quantity

_T = TypeVar("_T")
_GPU: Final = (
    "gpu.name", "gpu.driver", "gpu.cuda", "gpu.memory.kind", "gpu.mig", "gpu.compute_mode", "gpu.persistence",
    "gpu.virtualization", "gpu.ecc", "gpu.numa", "gpu.energy_source",
)  # fmt: skip
"""What a GPU is and how it is set; its state comes with the alerts."""
_SERVER: Final = ("server.version", "server.state", "server.verdict", "server.missing")
_MODEL: Final = (
    "model.state", "model.size", "model.parameters", "model.quantization", "model.context", "model.vram",
    "model.ram",
)  # fmt: skip
_SIZES: Final = frozenset({"memory", "size", "vram", "ram"})
"""Last words of what is counted in bytes."""
_NOW: Final = "not compared: of the own recording those of now are known, not those of then"
NOWHERE: Final = "not there"
UNKNOWN: Final = "unknown"


class Differs(NamedTuple):
    """One thing that is not the same on both sides, as text."""

    what: str
    a: str
    b: str


class Facet(NamedTuple):
    """One kind of such things."""

    title: str
    found: list[Differs]
    why: str = ""
    """Why it could not be compared, for the end of a sentence; empty: it was."""


def facets(a: Side, b: Side) -> list[Facet]:
    """All kinds, compared or not."""
    told = a.facts, b.facts
    own = a.manifest is None and b.manifest is None
    return [
        _facet("Versions and hardware", told, lambda facts: facts.inventory, _inventory),
        Facet("Settings", [], _NOW) if own else _facet("Settings", told, lambda facts: facts.settings, _settings),
        Facet("Rules", [], _NOW) if own else _facet("Rules", told, lambda facts: facts.rules, _rules),
        _facet("Model servers", told, lambda facts: facts.servers, _servers),
    ]


def _facet(
    title: str,
    told: tuple[Facts, Facts],
    pick: Callable[[Facts], _T | None],
    compare: Callable[[_T, _T], Iterator[Differs]],
) -> Facet:
    one, other = pick(told[0]), pick(told[1])
    if one is None or other is None:
        silent = "neither side tells" if one is other else f"{'A' if one is None else 'B'} does not tell"
        return Facet(title, [], f"not compared: {silent} of that time")
    return Facet(title, list(compare(one, other)))


def _inventory(a: Inventory, b: Inventory) -> Iterator[Differs]:
    flat = [_flat(item) for item in (a, b)]
    yield from _cells(*flat)


def _flat(item: Inventory) -> dict[str, Any]:  # Any: JSON values
    found: dict[str, Any] = {
        key: value
        for key, value in msgspec.structs.asdict(item).items()
        if key not in ("libraries", "gpus", "recorded_by")
    }
    found["recorded by wftop"] = ", ".join(item.recorded_by) or None
    found.update({f"library {name}": version for name, version in item.libraries.items()})
    for place, row in enumerate(item.gpus):
        index = row.get("gpu.index")
        name = f"GPU {index if index is None else format(index, 'g')}" if _number(index) else f"GPU {place}"
        found.update({f"{name} {_word(key)}": row.get(key) for key in _GPU})
    return found


def _number(value: object) -> bool:
    return isinstance(value, int | float)


def _word(column: str) -> str:
    """``gpu.memory.kind`` as ``memory kind``."""
    return column.partition(".")[2].replace(".", " ").replace("_", " ")


def _cells(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Differs]:  # Any: JSON values
    """Those that are not equal, in the order of A; a made-up name tells no difference."""
    for key in dict.fromkeys([*a, *b]):
        one, other = a.get(key), b.get(key)
        if one == other or (not one and not other and not _number(one) and not _number(other)):
            continue
        if any(isinstance(value, str) and made_up(value) for value in (one, other)):
            continue
        size = key.rpartition(" ")[2] in _SIZES
        yield Differs(key, _said(one, key in a, size=size), _said(other, key in b, size=size))


def _said(value: Any, there: bool, *, size: bool = False) -> str:  # Any: a JSON value
    if not there:
        return NOWHERE
    if value is None or value == "":
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if _number(value):
        return shown.size(value).strip() if size else quantity(value, "")
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _settings(a: Mapping[str, SettingInForce], b: Mapping[str, SettingInForce]) -> Iterator[Differs]:
    yield from _cells({key: item.value for key, item in a.items()}, {key: item.value for key, item in b.items()})


def _rules(a: Sequence[RuleInForce], b: Sequence[RuleInForce]) -> Iterator[Differs]:
    sides = [{item.id: item for item in side if not made_up(item.id)} for side in (a, b)]
    for rule in sorted(sides[0].keys() | sides[1].keys()):
        one, other = (side.get(rule) for side in sides)
        if one is None or other is None:
            yield Differs(rule, NOWHERE if one is None else "there", NOWHERE if other is None else "there")
            continue
        flat = [
            {"enabled": item.enabled, "severity": item.severity, "category": item.category, **item.rule}
            for item in (one, other)
        ]
        for found in _cells(*flat):
            yield found._replace(what=f"{rule}: {found.what}")
    own = [sum(made_up(item.id) for item in side) for side in (a, b)]
    if own[0] != own[1]:
        yield Differs("rules of one's own", *map(str, own))


def _servers(a: Sequence[ServerFact], b: Sequence[ServerFact]) -> Iterator[Differs]:
    sides = [_named(side) for side in (a, b)]
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        one, other = (side.get(name) for side in sides)
        if one is None or other is None:
            yield Differs(name, *(NOWHERE if item is None else _version(item) for item in (one, other)))
            continue
        for found in _cells(_server(one), _server(other)):
            yield found._replace(what=f"{name} {found.what}")


def _named(found: Sequence[ServerFact]) -> dict[str, ServerFact]:
    """By kind, the second of a kind with a number behind it: their addresses differ from bundle to bundle."""
    names: dict[str, ServerFact] = {}
    counts: dict[str, int] = {}
    for item in sorted(found, key=lambda item: str(item.server.get("server.endpoint"))):
        kind = str(item.server.get("server.kind") or "server")
        counts[kind] = count = counts.get(kind, 0) + 1
        names[kind if count == 1 else f"{kind} {count}"] = item
    return names


def _version(item: ServerFact) -> str:
    version = item.server.get("server.version")
    return f"there, version {version}" if version else "there"


def _server(item: ServerFact) -> dict[str, Any]:  # Any: JSON values
    found: dict[str, Any] = {_word(key): item.server.get(key) for key in _SERVER}
    found.update(flags(item.command_line))
    only = len(item.models) == 1
    for row in item.models:
        name = str(row.get("model.name") or "")
        # The only model of a server is the same place whatever is loaded into it.
        lead = "model" if only else f"model {name}"
        cells: dict[str, Cell] = {f"{lead} {_word(key)}": row.get(key) for key in _MODEL}
        found.update({"model name": name, **cells} if only else cells)
    return found


def flags(command_line: str) -> dict[str, str]:
    """The flags of a command line and their values: ``--flag value``, ``--flag=value``, ``-f value``; what has no
    flag before it is left out."""
    try:
        words = shlex.split(command_line)
    except ValueError:  # an open quote: cut off
        words = command_line.split()
    found: dict[str, str] = {}
    last = ""
    for word in words:
        if word.startswith("-") and not _negative(word):
            name, _, value = word.partition("=")
            found[name] = value or "set"
            last = "" if value else name
        elif last:
            found[last] = word if found[last] == "set" else f"{found[last]} {word}"
    return found


def _negative(word: str) -> bool:
    return word[1:].replace(".", "", 1).isdigit()
