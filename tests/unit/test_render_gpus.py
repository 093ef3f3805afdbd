"""`wftop gpus`: a line for each GPU; unknown is a dash, and what is wrong has its reason and its fix."""

from __future__ import annotations

import pytest

from wftui import when
from wftui.cli import gpus as command
from wftui.model import gpus as cells
from wftui.model.health import ABSENT, Health
from wftui.model.sample import Column, column
from wftui.model.table import Row
from wftui.render import text
from wftui.render.gpus import gpus, now
from wftui.render.report import State

GIB = 2.0**30


def card(**named: str | int | None) -> Row:
    known = {f"gpu.{key}".replace("__", "."): value for key, value in named.items()}
    return tuple(known.get(item.name, "" if item.kind == "text" else None) for item in cells.GPUS.columns)


def state(rows: dict[str, Row], values: dict[tuple[str, str, str], float]) -> State:
    known: dict[str, tuple[Column, float]] = {}
    for (uuid, metric, label), value in values.items():
        key, _, word = label.partition("=")
        item = column("gpu", f"hw.gpu.{metric}", {"gpu": uuid, **({key: word} if key else {})}, call="test")
        known[item.series.text] = (item, value)
    health = [Health("gpu", ABSENT, "NVIDIA's library cannot be loaded")]
    return State(0, "h", "0", None, known, {}, {"gpus": (cells.GPUS, rows)}, health, [])


ROWS = {
    "B": card(uuid="B", index=1, name="H200", state="lost", reason="fell off the bus", fix="reset it"),
    "M": card(uuid="M", index=0, name="MIG 1g", state="ok", parent="A"),
    "A": card(uuid="A", index=0, name="H200", state="ok", throttle="idle,power_cap"),
    "C": card(uuid="C", index=2, name="GB10", state="ok", memory__kind="unified"),
}
VALUES = {
    ("A", "utilization", ""): 0.41, ("A", "memory.usage", "mode=used"): 71 * GIB,
    ("A", "memory.limit", ""): 141 * GIB,
    ("A", "power", ""): 512.0, ("A", "power.limit", "mode=enforced"): 700.0, ("A", "process.count", ""): 3.0,
    ("B", "utilization", ""): 0.99, ("C", "memory.usage", "mode=used"): 2 * GIB, ("C", "power.average", ""): 33.0,
}  # fmt: skip


def test_instances_stand_behind_their_card_and_each_has_a_line() -> None:
    found = gpus(state(ROWS, VALUES))
    assert [item.uuid for item in found] == ["A", "M", "B", "C"]
    assert (found[0].processes, found[0].throttle, found[3].power) == (3, ("power_cap",), 33.0)
    assert found[1].utilization is None


def test_a_line_has_what_is_known_and_a_dash_for_what_is_not() -> None:
    (section,) = now(state(ROWS, VALUES))
    lines = section.lines
    assert " ".join(lines[1].split()) == "0 H200 ok 41 % 71.0/141 GiB - 512/700 W 3"
    assert lines[2].split()[:5] == ["-", "MIG", "1g", "ok", "-"]
    assert lines[3].split() == ["1", "H200", "lost"], "numbers of a lost GPU are of the past"
    assert "(system's)" in lines[4]
    assert "GPU 0 is held back: power limit reached" in lines
    assert "GPU 1 lost: fell off the bus; fix: reset it" in lines
    assert "no recorder runs" in section.title


def test_the_command_says_it_in_units_of_the_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = state(ROWS, VALUES | {("A", "temperature", "sensor=gpu"): 71.0})
    monkeypatch.setattr("wftui.cli.state.gather", lambda _: found)
    monkeypatch.setenv("WFTOP_VIEW_TEMPERATURE", "fahrenheit")
    monkeypatch.setenv("WFTOP_VIEW_BYTES", "decimal")
    monkeypatch.setenv("WFTOP_VIEW_TIME_ZONE", "utc")
    try:
        command.main(who=False)
        said = capsys.readouterr().out
        assert "1970-01-01 00:00:00" in said
        assert "76.2/151 GB" in said
        assert "160 " in said
        command.main(who=False, json=True)
        assert '"temperature": 71.0' in capsys.readouterr().out
    finally:
        text.prefer()
        when.use_zone("local")


def test_without_a_gpu_it_says_why() -> None:
    (section,) = now(state({}, {}))
    assert section.lines == ["- NVIDIA's library cannot be loaded"]
