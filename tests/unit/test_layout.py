"""Layouts as data: any of them on any terminal, and what a person is told about a wrong one."""

from __future__ import annotations

import contextlib
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wftui import paths
from wftui.errors import ConfigError
from wftui.tui import layout
from wftui.tui.layouts import default, files, write
from wftui.tui.layouts.grammar import Wrong, build, height, tree
from wftui.tui.layouts.plan import Plan
from wftui.tui.layouts.solve import LEAST, solve

FOLDER = paths.resources("layouts")
BUILT_IN = {path.stem: files.load(path) for path in sorted(FOLDER.glob("*.toml"))}

PHRASES = st.sampled_from(
    ["rest", "rest 8", "rest 30", "30%", "30% 6..12", "45% 4..20", "8", "200", "100%", "1% 90..90", "5% 40"]
)


@st.composite
def layouts(draw: st.DrawFn) -> Plan:
    """Any layout that the grammar allows, reasonable or not."""
    whens = []
    for _ in range(draw(st.integers(1, 3))):
        left = draw(st.permutations([*layout.ORDER, "a", "b"]))[: draw(st.integers(1, 11))]
        rows = []
        while left:
            cells: list[object] = []
            for _ in range(draw(st.integers(1, 4))):
                if not left:
                    break
                if draw(st.booleans()):
                    cells.append(left.pop())
                else:
                    count = draw(st.integers(1, 4))
                    cells.append([f"{name} {draw(PHRASES)}" for name in left[-count:]])
                    del left[-count:]
            row: dict[str, object] = {"height": draw(PHRASES), "panels": cells}
            if ("gpus" in cells or "models" in cells) and draw(st.booleans()):
                row["height"] = draw(st.sampled_from(["fit", "fit 6..35%", "fit 4..90%"]))
            if draw(st.booleans()):
                row["widths"] = [draw(st.integers(1, 90)) for _ in cells]
            rows.append(row)
        sizes = {"columns": draw(st.integers(0, 250)), "lines": draw(st.integers(0, 90))}
        whens.append({"rows": rows, "gpus": draw(st.integers(0, 4)), **sizes})
    graphs = [{"name": name, "series": ["hw.gpu.power"]} for name in ("a", "b")]
    return build("any", {"when": whens, "graphs": graphs})


def fitted(plan: Plan, width: int, height: int, gpus: int, name: str) -> bool:
    """Whether a panel is as high as what it has to say, beside others."""
    when = plan.fitting(width, height, gpus)
    slots = [slot for row in when.rows for cell in row.cells for slot in cell.slots]
    return len(slots) > 1 and any(
        slot.name == name and (row.height if len(cell.slots) == 1 else slot.height).kind == "fit"
        for row in when.rows
        for cell in row.cells
        for slot in cell.slots
    )


def check(plan: Plan, width: int, height: int, gpus: int, models: int, ux: int, *, quiet: bool) -> None:
    screen = solve(plan, width, height, gpus, quiet=quiet, models=models, ux=ux)
    empty = {name for name, lines in (("models", models), ("ux", ux)) if not lines}
    covered: set[tuple[int, int]] = set()
    for place in screen.places:
        assert place.width >= 1
        assert place.height >= (LEAST if screen.framed else 1)
        cells = {
            (x, y) for x in range(place.x, place.x + place.width) for y in range(place.y, place.y + place.height)
        }
        assert not covered & cells, "two panels on one cell"
        covered |= cells
    last = height - (2 if screen.folded else 1) if screen.framed else height
    assert all(0 <= x < width and 1 <= y < max(last, 1) for x, y in covered)
    when = plan.fitting(width, height, gpus)
    if screen.framed:
        assert len(covered) == width * (last - 1), "a hole in the screen"
        shown = sorted([place.name for place in screen.places] + list(screen.folded))
        expected = when.names()
        there = [name for name in expected if name not in empty or not fitted(plan, width, height, gpus, name)]
        expected = there or expected
        assert shown == sorted(expected)
    else:
        order = [name for name in plan.order() if name not in empty]
        assert {place.name for place in screen.places} <= set(order)
        assert len(screen.places) == min(max(0, height - 1), len(order))


LINES = st.integers(0, 12)
"""That a panel has to say."""


@pytest.mark.parametrize("name", BUILT_IN)
@given(st.integers(1, 300), st.integers(1, 100), st.integers(0, 16), LINES, LINES, st.booleans())
@settings(max_examples=150)
def test_built_in_layouts_tile_every_terminal(
    name: str, width: int, height: int, gpus: int, models: int, ux: int, quiet: bool
) -> None:
    check(BUILT_IN[name], width, height, gpus, models, ux, quiet=quiet)


@given(layouts(), st.integers(1, 300), st.integers(1, 100), st.integers(0, 16), LINES, LINES, st.booleans())
@settings(max_examples=300)
def test_any_layout_tiles_every_terminal(
    plan: Plan, width: int, height: int, gpus: int, models: int, ux: int, quiet: bool
) -> None:
    check(plan, width, height, gpus, models, ux, quiet=quiet)


def test_without_a_program_that_draws_the_panel_of_ux_takes_no_room() -> None:
    without, one, many = (solve(default.DEFAULT, 120, 40, models=2, ux=count) for count in (0, 1, 30))
    assert without.place("ux") is None
    assert "ux" not in without.folded
    lone, full = one.place("ux"), many.place("ux")
    assert lone is not None
    assert full is not None
    assert lone.height < full.height
    assert solve(default.DEFAULT, 40, 12, ux=1).place("ux") is not None


def test_without_a_server_the_models_take_no_room_and_with_one_as_much_as_they_need() -> None:
    without, alone, many = (solve(default.DEFAULT, 120, 40, 8, models=count) for count in (0, 1, 30))
    assert without.place("models") is None
    assert "models" not in without.folded
    assert [place.name for place in solve(default.DEFAULT, 40, 12).places].count("models") == 0
    lone, full = alone.place("models"), many.place("models")
    assert lone is not None
    assert full is not None
    assert lone.height < full.height <= 38 * 26 // 100
    # Folded processes would leave nothing: at the least size the models are a word below before those fold.
    least = solve(default.DEFAULT, 72, 20, 1, models=3)
    assert least.place("processes") is not None
    assert "models" in least.folded
    only = build("only", {"rows": [{"height": "fit", "panels": ["models"]}]})
    assert [place.name for place in solve(only, 120, 40).places] == ["models"]


@given(layouts())
def test_a_plan_survives_the_way_to_plain_values_and_back(plan: Plan) -> None:
    assert tree(build("any", tree(plan))) == tree(plan)


def test_the_default_needs_no_parser_and_is_the_file() -> None:
    source = (FOLDER / "default.toml").read_text()
    assert tomllib.loads(source) == default.TREE
    assert tree(files.load(FOLDER / "default.toml")) == tree(default.DEFAULT)


@pytest.mark.parametrize(("words", "said"), [
    ("30% 6..12", "30% 6..12"), (" 8 ", "8"), ("rest", "rest"), ("rest 8", "rest 8"), ("fit 6..35%", "fit 6..35%"),
    ("30% ..12", "30% ..12"), ("5% 10%..50%", "5% 10%..50%"),
])  # fmt: skip
def test_heights(words: str, said: str) -> None:
    assert str(height(words)) == said


@pytest.mark.parametrize(
    "words", ["0%", "101%", "-3", "x", "30 % 4", "30% 12..6", "30%6", "rest ..", "٣%", "30% 1..2..3"]
)
def test_wrong_heights(words: str) -> None:
    with pytest.raises(ValueError, match=r"expected a height like|at least 12 and at most 6"):
        height(words)


GOOD = """\
title = "mine"

[[when]]
columns = 100
rows = [
    { height = "30% 6..12", panels = ["cpu", "memory"], widths = [56, 44] },
    { height = "fit", panels = ["gpus"] },
    { panels = ["processes", ["events", "power 40%"]] },
]

[[when]]
rows = [{ panels = ["cpu"] }]
summary = ["disks"]

[[graphs]]
name = "power"
title = "GPU power"
series = ["hw.gpu.power"]
length = 300

[options.gpus]
style = "rows"

[options.cpu]
length = 3600

[options.processes]
sort = "mem"
columns = ["pid", "cpu", "command"]
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "mine"', 'title = "mine', "1: not TOML: Illegal character '\\n'"),
        ('title = "mine"', "titel = 3", "1: titel: unknown key; did you mean title?"),
        ("[[when]]\nrows", "[[when]]\ncolums = 3\nrows", "12: when 2, colums: unknown key; did you mean col"),
        ('"memory"]', '"memroy"]', "6: when 1, row 1, panels: there is no panel 'memroy'; did you mean mem"),
        ("[56, 44]", "[56]", "6: when 1, row 1, widths: expected 2"),
        ('"30% 6..12"', '"30 %"', "6: when 1, row 1, height: expected a height like '30%'"),
        ('panels = ["gpus"]', 'panels = ["disks"]', "7: when 1, row 2, height: 'fit' is for a row with gpus"),
        ('"power 40%"', '"power much"', "8: when 1, row 3, panels: expected a height like"),
        ('"processes", [', '"processes 4", [', "8: when 1, row 3, panels: processes has the height"),
        ('"processes", [', '"cpu", [', "8: when 1, rows: cpu stands in two places"),
        ("columns = 100", 'columns = "100"', "4: when 1, columns: expected a whole number from 0"),
        ('summary = ["disks"]', 'summary = ["cpu"]', "13: when 2, summary: cpu has a place of its own"),
        ("length = 300", "length = 3", "19: graph 1, length: expected seconds from 60 to 86400"),
        ('series = ["hw.gpu.power"]', "series = []", "18: graph 1, series: expected a list of series"),
        ('name = "power"', 'name = "cpu"', "16: graph 1, name: expected a word of small letters"),
        ('style = "rows"', 'style = "lines"', "22: options, gpus, style: expected one of auto, cards"),
        ("length = 3600", "length = 59", "25: options, cpu, length: expected seconds from 60 to 86400, or 'auto'"),
        ("length = 3600", "length = 86_401", "25: options, cpu, length: expected seconds from 60 to 86400"),
        ("length = 3600", "lenght = 60", "25: options, cpu, lenght: unknown option; did you mean length?"),
        ('sort = "mem"', 'sort = "memory"', "28: options, processes, sort: there is no column 'memory'; did you"),
        (
            '"cpu", "command"',
            '"cpu", "comand"',
            "29: options, processes, columns: there is no column 'comand'; did",
        ),
        ('"cpu", "command"', '"cpu", "cpu"', "29: options, processes, columns: cpu is there twice"),
        ('"pid", "cpu", "command"', "", "29: options, processes, columns: expected at least one column"),
        ('["pid", "cpu", "command"]', '"pid"', "29: options, processes, columns: expected a list"),
        ("[options.gpus]", "[options.gpu]", "21: options, gpu: gpu has no options; did you mean gpus?"),
    ],
)
def test_a_mistake_is_named_with_its_line(old: str, new: str, said: str) -> None:
    assert files.parse("mine", GOOD.encode(), "mine.toml").title == "mine"
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        files.parse("mine", GOOD.replace(old, new, 1).encode(), "mine.toml")
    assert f"mine.toml:{said}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_lengths_and_columns_stay_through_writing() -> None:
    found = files.parse("mine", GOOD.encode(), "mine.toml")
    assert (found.length("cpu"), found.length("power"), found.length("memory")) == (3600, 300, 0)
    assert found.columns() == ("pid", "cpu", "command")
    assert found.option("processes", "sort") == "mem"
    assert found.lengthened
    again = files.parse("mine", write.text(found).encode(), "mine.toml")
    assert tree(again) == tree(found)
    again.lengthen("cpu", 0)
    again.lengthen("power", 0)
    assert not again.lengthened
    assert "length" not in write.text(again)
    auto = files.parse("mine", GOOD.replace("3600", '"auto"').encode(), "mine.toml")
    assert auto.length("cpu") == 0
    assert tree(files.parse("mine", write.text(auto).encode(), "mine.toml")) == tree(auto)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_layout_or_one_error(raw: bytes) -> None:
    with contextlib.suppress(ConfigError):
        assert files.parse("x", raw, "x.toml").whens


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["cpu", "rest", "fit"]),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["rows", "when", "panels", "height", "widths", "graphs", "name", "options", "cpu"]
                ),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_any_values_are_a_layout_or_one_error(value: object) -> None:
    with contextlib.suppress(Wrong):
        assert build("x", value if isinstance(value, dict) else {"rows": value}).whens


def test_ones_own_layout_comes_first(tmp_path: Path) -> None:
    own = tmp_path / "layouts"
    assert files.choose("default", own, FOLDER) == (default.DEFAULT, None)
    assert files.choose("minimal", own, FOLDER)[1] is None
    own.mkdir()
    (own / "default.toml").write_text('rows = [{ panels = ["cpu"] }]')
    plan, path = files.choose("default", own, FOLDER)
    assert plan.order() == ["cpu"]
    assert path == own / "default.toml"
    assert files.names(own, FOLDER) == ["default", *sorted(BUILT_IN.keys() - {"default"})]
    with pytest.raises(ConfigError, match="there is no layout 'minmal'; did you mean minimal"):
        files.find("minmal", own, FOLDER)
    with pytest.raises(ConfigError, match="named by letters"):
        files.find("../x", own, FOLDER)


def test_less_important_rows_fold_first() -> None:
    rows = [
        {"height": "10", "panels": ["cpu"]},
        {"height": "9", "panels": ["disks"]},
        {"height": "rest 8", "panels": ["processes"]},
        {"height": "7", "panels": ["events"]},
    ]
    plan = build("x", {"rows": rows})
    folded = [solve(plan, 80, lines).folded for lines in (40, 36, 35, 29, 28, 20)]
    assert folded == [(), (), ("events",), ("disks", "events"), ("disks", "events"), ("disks", "events")]
    important = build("x", {"rows": rows, "importance": ["events", "disks", "processes", "cpu"]})
    assert solve(important, 80, 30).folded == ("cpu",)
