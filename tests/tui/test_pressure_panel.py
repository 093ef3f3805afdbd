"""Pressure and heat: whole rows at any size; with a screen for itself a graph of each sensor over one ruler."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.fake import Fed, full, scene
from wftui.text import width as columns
from wftui.tui.panels import pressure

STATE = full()


def lines(width: int, height: int, *, ascii_only: bool = False) -> list[str]:
    rows = pressure.draw(scene(STATE, ascii_only=ascii_only), width, height).rows
    return ["".join(text for text, _ in row) for row in rows]


@given(st.integers(40, 220), st.integers(6, 70), st.booleans())
def test_rows_are_whole(width: int, height: int, ascii_only: bool) -> None:
    found = lines(width, height, ascii_only=ascii_only)
    assert len(found) <= height
    assert {columns(line) for line in found} == {width}


@pytest.mark.parametrize(("width", "height"), [(100, 24), (116, 37), (196, 47)])
def test_a_screen_for_itself_has_a_graph_of_each_sensor_and_the_time(width: int, height: int) -> None:
    found = lines(width, height)
    assert len(found) == height
    assert "13:51" in found[-1]
    for name in ("k10temp Tctl", "nvme Composite"):
        (place,) = (at for at, line in enumerate(found) if line.startswith(name))
        below = "".join(line[pressure._SIDE :] for line in found[place : place + 4])
        assert any("\u2801" <= char <= "\u28ff" for char in below)


def test_what_nobody_waits_for_has_the_scale_of_little() -> None:
    assert sum("of 100 %" in line for line in lines(196, 47)) == 0
    assert sum("of 10 %" in line for line in lines(196, 47)) >= 1


def test_without_sensors_it_says_why() -> None:
    fed = Fed().run(last=120).furnish()
    calm = {"hw.temperature": float("nan")}
    fed.state.on(fed.tick(121, calm))
    rows = pressure.draw(scene(fed.state), 196, 47).rows
    assert len(rows) == 47
    assert any("sensors" in text for row in rows for text, _ in row)
