"""The words of a layout file: plain values to a plan, or one error that says where, and back.

Light to import, as the plan itself.
"""

from __future__ import annotations

from wftui.errors import nearest
from wftui.tui.layouts.plan import (
    COLUMNS,
    FIT,
    FITTING,
    IMPORTANCE,
    LENGTH,
    LENGTHS,
    LINES,
    OPTIONS,
    PANELS,
    REST,
    SHARE,
    Cell,
    Graph,
    Height,
    Plan,
    Row,
    Slot,
    When,
)

TYPE_CHECKING = False  # typing is heavier than this module
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Path = tuple[str | int, ...]
    Tree = dict[str, object]

_HEIGHT = "expected a height like '30%', '30% 6..12', '8', 'rest', 'rest 8' or 'fit 6..35%'"
_TOP = ("title", "importance", "rows", "summary", "when", "graphs", "options")
_WHEN = ("columns", "lines", "gpus", "rows", "summary")
_MOST = 64


class Wrong(ValueError):  # noqa: N818  it is told as a ConfigError, with file and line
    """What is wrong, and where: the path of keys and places down to the value."""

    def __init__(self, path: Path, words: str, value: object = None) -> None:
        super().__init__(words)
        self.path = path
        self.words = words
        self.value = value


def build(name: str, given: Mapping[str, object]) -> Plan:
    """A plan from what a file holds.

    Raises:
        Wrong: A key or a value is not what the grammar allows.
    """
    _keys(given, _TOP, ())
    title = given.get("title", "")
    if not isinstance(title, str) or len(title) > 80 or not title.isprintable():
        raise Wrong(("title",), "expected a text of at most 80 characters", title)
    graphs = [_graph(item, ("graphs", at)) for at, item in enumerate(_list(given.get("graphs", []), ("graphs",)))]
    for at, graph in enumerate(graphs):
        if graph.name in {other.name for other in graphs[:at]}:
            raise Wrong(("graphs", at, "name"), f"there are two graphs {graph.name!r}", graph.name)
    known = (*PANELS, *(graph.name for graph in graphs))
    whens = [_when(item, known, ("when", at)) for at, item in enumerate(_list(given.get("when", []), ("when",)))]
    if "rows" in given:
        whens.append(When(_rows(given["rows"], known, ()), _names(given.get("summary", []), known, ("summary",))))
        _once(whens[-1], ())
    elif "summary" in given:
        raise Wrong(("summary",), "belongs to rows, of which there are none here")
    if not whens:
        raise Wrong((), "has neither rows nor [[when]]: nothing would be shown")
    importance = _names(given.get("importance", list(IMPORTANCE)), known, ("importance",))
    return Plan(name, title, importance, whens, graphs, _options(given.get("options", {})))


def height(words: str) -> Height:
    """Parse a height.

    Raises:
        ValueError: It is none; says what was expected.
    """
    pieces = words.split()
    first = pieces[0] if pieces else REST
    if len(pieces) > 2:
        raise ValueError(_HEIGHT)
    if first in (REST, FIT):
        found = Height(first)
    elif _number(first, 100 if first.endswith("%") else 999):
        found = Height(SHARE if first.endswith("%") else LINES, int(first.rstrip("%")))
    else:
        raise ValueError(_HEIGHT)
    if len(pieces) == 2:
        found.least, dots, found.most = pieces[1].partition("..")
        bounds = [bound for bound in (found.least, found.most) if bound]
        if not bounds or not all(_number(bound, 100 if "%" in bound else 999) for bound in bounds):
            raise ValueError(_HEIGHT)
        if dots and found.least.isdigit() and found.most.isdigit() and int(found.least) > int(found.most):
            raise ValueError(f"at least {found.least} and at most {found.most} lines cannot be")
    return found


def _number(words: str, most: int) -> bool:
    digits = words.removesuffix("%")
    return digits.isascii() and digits.isdigit() and len(digits) < 4 and 1 <= int(digits) <= most


def _keys(given: Mapping[str, object], known: Sequence[str], path: Path) -> None:
    for key in given:
        if key not in known:
            raise Wrong((*path, key), f"unknown key{nearest(key, known)}")


def _list(given: object, path: Path) -> list[object]:
    if not isinstance(given, list) or len(given) > _MOST:
        raise Wrong(path, f"expected a list of at most {_MOST}", given)
    return given


def _table(given: object, path: Path) -> dict[str, object]:
    if not isinstance(given, dict):
        raise Wrong(path, "expected a table", given)
    return given


def _count(given: object, path: Path) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= 1000:
        raise Wrong(path, "expected a whole number from 0 to 1000", given)
    return given


def _names(given: object, known: Sequence[str], path: Path) -> list[str]:
    found: list[str] = []
    for item in _list(given, path):
        name = _panel(item, known, path)
        if name in found:
            raise Wrong(path, f"{name} is there twice", name)
        found.append(name)
    return found


def _panel(given: object, known: Sequence[str], path: Path) -> str:
    if not isinstance(given, str):
        raise Wrong(path, "expected the name of a panel", given)
    if given not in known:
        raise Wrong(path, f"there is no panel {given[:40]!r}{nearest(given, known)}", given)
    return given


def _when(given: object, known: Sequence[str], path: Path) -> When:
    table = _table(given, path)
    _keys(table, _WHEN, path)
    if "rows" not in table:
        raise Wrong(path, "has no rows")
    found = When(
        _rows(table["rows"], known, path),
        _names(table.get("summary", []), known, (*path, "summary")),
        *(_count(table.get(key, 0), (*path, key)) for key in ("columns", "lines", "gpus")),
    )
    _once(found, path)
    return found


def _once(when: When, path: Path) -> None:
    seen: set[str] = set()
    for row in when.rows:
        for cell in row.cells:
            for slot in cell.slots:
                if slot.name in seen:
                    raise Wrong((*path, "rows"), f"{slot.name} stands in two places", slot.name)
                seen.add(slot.name)
    for name in when.summary:
        if name in seen:
            raise Wrong((*path, "summary"), f"{name} has a place of its own", name)


def _rows(given: object, known: Sequence[str], path: Path) -> list[Row]:
    rows = [_row(item, known, (*path, "rows", at)) for at, item in enumerate(_list(given, (*path, "rows")))]
    if not rows:
        raise Wrong((*path, "rows"), "expected at least one row", given)
    return rows


def _row(given: object, known: Sequence[str], path: Path) -> Row:
    table = _table(given, path)
    _keys(table, ("height", "panels", "widths"), path)
    found = _height(table.get("height", REST), (*path, "height"))
    where = (*path, "panels")
    cells = []
    for item in _list(table.get("panels", []), where):
        entries = _list(item, where) if isinstance(item, list) else [item]
        if not entries:
            raise Wrong(where, "an empty column", item)
        cells.append(Cell([_slot(entry, known, where, alone=not isinstance(item, list)) for entry in entries]))
    if not cells:
        raise Wrong(where, "expected at least one panel", table.get("panels"))
    if "widths" in table:
        widths = _list(table["widths"], (*path, "widths"))
        if len(widths) != len(cells) or not all(
            isinstance(width, int | float) and not isinstance(width, bool) and 0 < width < 10_000
            for width in widths
        ):
            raise Wrong(
                (*path, "widths"), f"expected {len(cells)} numbers above 0, one for each column", table["widths"]
            )
        for cell, width in zip(cells, widths, strict=True):
            cell.width = float(width)  # type: ignore[arg-type]  # the line above lets numbers pass only
    names = [slot.name for cell in cells for slot in cell.slots]
    if found.kind == FIT and not any(name in FITTING for name in names):
        raise Wrong(
            (*path, "height"),
            "'fit' is for a row with gpus, models or ux: only they know how many lines they need",
            FIT,
        )
    return Row(found, cells)


def _slot(given: object, known: Sequence[str], path: Path, *, alone: bool) -> Slot:
    if not isinstance(given, str):
        raise Wrong(path, "expected the name of a panel, or a list of names that stand above one another", given)
    name, _, words = given.strip().partition(" ")
    _panel(name, known, path)
    if not words:
        return Slot(name)
    if alone:
        raise Wrong(path, f"{name} has the height of its row; only panels of a list have their own", given)
    found = _height(words, path)
    if found.kind == FIT and name not in FITTING:
        raise Wrong(path, "'fit' is for gpus, models and ux: only they know how many lines they need", given)
    return Slot(name, found)


def _height(given: object, path: Path) -> Height:
    # A bare number is lines: TOML has no reason to ask for quotes there.
    words = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
    if not isinstance(words, str):
        raise Wrong(path, _HEIGHT, given)
    try:
        return height(words)
    except ValueError as error:
        raise Wrong(path, str(error), given) from error


def named(words: str) -> bool:
    """Whether this can be the name of a graph: it is one word of a layout file."""
    plain = words.replace("-", "").replace("_", "")
    return 0 < len(words) <= 24 and plain.isascii() and plain.isalnum() and words == words.lower()


def _graph(given: object, path: Path) -> Graph:
    table = _table(given, path)
    _keys(table, ("name", "title", "series", LENGTH), path)
    name = table.get("name")
    if not isinstance(name, str) or not named(name) or name in PANELS:
        raise Wrong((*path, "name"), "expected a word of small letters, digits, - and _ that is no panel", name)
    title = table.get("title", name)
    if not isinstance(title, str) or not 0 < len(title) <= 40 or not title.isprintable():
        raise Wrong((*path, "title"), "expected a text of at most 40 characters", title)
    series = _list(table.get("series", []), (*path, "series"))
    if not series or not all(isinstance(item, str) and item.isprintable() and len(item) <= 300 for item in series):
        raise Wrong((*path, "series"), "expected a list of series, as docs/metrics.md names them", series)
    seconds = _length(table.get(LENGTH, "auto"), (*path, LENGTH))
    return Graph(name, title, [str(item) for item in series], seconds)


def _length(given: object, path: Path) -> int:
    if given == "auto":
        return 0
    if isinstance(given, bool) or not isinstance(given, int) or not LENGTHS[1] <= given <= LENGTHS[-1]:
        raise Wrong(path, f"expected seconds from {LENGTHS[1]} to {LENGTHS[-1]}, or 'auto'", given)
    return given


def _column(given: object, path: Path) -> str:
    if not isinstance(given, str):
        raise Wrong(path, "expected the name of a column", given)
    if given not in COLUMNS:
        raise Wrong(path, f"there is no column {given[:40]!r}{nearest(given, COLUMNS)}", given)
    return given


def _columns(given: object, path: Path) -> list[str]:
    found = [_column(item, path) for item in _list(given, path)]
    for at, name in enumerate(found):
        if name in found[:at]:
            raise Wrong(path, f"{name} is there twice", name)
    if not found:
        raise Wrong(path, "expected at least one column", given)
    return found


def _options(given: object) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for panel, values in _table(given, ("options",)).items():
        if panel not in OPTIONS:
            raise Wrong(("options", panel), f"{panel} has no options{nearest(panel, tuple(OPTIONS))}")
        for key, value in _table(values, ("options", panel)).items():
            path = ("options", panel, key)
            choices = OPTIONS[panel].get(key)
            chosen: object = value
            if choices is None:
                raise Wrong(path, f"unknown option{nearest(key, tuple(OPTIONS[panel]))}")
            if key == LENGTH:
                chosen = _length(value, path)
            elif key == "columns":
                chosen = _columns(value, path)
            elif key == "sort" and panel == "processes":
                chosen = _column(value, path)
            elif not any(type(choice) is type(value) and choice == value for choice in choices):
                raise Wrong(path, f"expected one of {', '.join(str(item).lower() for item in choices)}", value)
            if chosen != 0 or key != LENGTH:
                found.setdefault(panel, {})[key] = chosen
    return found


# ---- and back


def tree(plan: Plan) -> Tree:
    """Plain values again: ``build`` makes the same plan of them."""
    out: Tree = {}
    if plan.title:
        out["title"] = plan.title
    out["importance"] = list(plan.importance)
    out["when"] = [_when_tree(when) for when in plan.whens]
    if plan.graphs:
        out["graphs"] = [
            {
                "name": graph.name,
                "title": graph.title,
                "series": list(graph.series),
                **({LENGTH: graph.seconds} if graph.seconds else {}),
            }
            for graph in plan.graphs.values()
        ]
    options = {panel: dict(values) for panel, values in plan.options.items() if values}
    if options:
        out["options"] = options
    return out


def _when_tree(when: When) -> Tree:
    out: Tree = {key: getattr(when, key) for key in ("columns", "lines", "gpus") if getattr(when, key)}
    out["rows"] = [_row_tree(row) for row in when.rows]
    if when.summary:
        out["summary"] = list(when.summary)
    return out


def _row_tree(row: Row) -> Tree:
    out: Tree = {"height": str(row.height), "panels": [_cell_tree(cell) for cell in row.cells]}
    if len({cell.width for cell in row.cells}) > 1:
        out["widths"] = [int(cell.width) if cell.width == int(cell.width) else cell.width for cell in row.cells]
    return out


def _cell_tree(cell: Cell) -> object:
    words = [
        slot.name if str(slot.height) == REST or len(cell.slots) == 1 else f"{slot.name} {slot.height}"
        for slot in cell.slots
    ]
    return words[0] if len(words) == 1 else words
