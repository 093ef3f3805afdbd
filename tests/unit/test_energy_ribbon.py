"""Ribbons: what is drawn follows from the share alone, and a stream that flows comes back to where it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.tui.energy import ribbon
from wftui.tui.frame import cells

SHARES = st.floats(0, 1.5)


def dots(rows: tuple[str, ...]) -> int:
    return sum((ord(char) - 0x2800).bit_count() for row in rows for char in row if char > "\u2800")


@given(SHARES, st.integers(1, 200), st.integers(1, 7), st.floats(0, 1e6), st.booleans())
def test_any_ribbon_fills_its_place(share: float, width: int, height: int, at: float, ascii_only: bool) -> None:
    rows = ribbon.texts(share, width, height, at, ascii_only=ascii_only)
    assert len(rows) == height
    assert all(cells(row) == width for row in rows)
    assert not ascii_only or all(map(str.isascii, rows))


@pytest.mark.parametrize("height", [1, 3, 5])
def test_more_power_is_never_thinner_slower_or_cooler(height: int) -> None:
    steps = [place / 100 for place in range(1, 101)]
    for measure in (
        lambda share: ribbon.thickness(share, height),
        ribbon.speed,
        ribbon.shade,
        lambda share: ribbon.shade(share, 5),
    ):
        values = [measure(share) for share in steps]
        assert values == sorted(values)
        assert values[0] < values[-1]


def test_thickness_on_the_screen_is_the_share() -> None:
    # A third, a half and all of 12 lines of dots over 96 cells, less the streaks.
    whole = dots(ribbon.texts(1.0, 96, 3, 0))
    assert whole > 0.85 * 96 * 3 * 8
    assert dots(ribbon.texts(0.5, 96, 3, 0)) == pytest.approx(whole / 2, rel=0.15)
    assert dots(ribbon.texts(1 / 3, 96, 3, 0)) == pytest.approx(whole / 3, rel=0.15)


def test_it_flows_to_the_right_and_repeats() -> None:
    before = ribbon.texts(0.6, 100, 3, 7.0)
    after = ribbon.texts(0.6, 100, 3, 8.0)
    for old, new in zip(before, after, strict=True):
        assert new[1:] == old[:-1]
    assert ribbon.texts(0.6, 100, 3, 7.0 + ribbon.SWELL) == before


def test_nothing_flows_and_nothing_known_are_two_things() -> None:
    nothing, unknown = ribbon.texts(0.0, 20, 3, 5.0), ribbon.texts(float("nan"), 20, 3, 5.0)
    assert nothing != unknown
    assert nothing == ribbon.texts(0.0, 20, 3, 50.0)
    assert ribbon.speed(float("nan")) == ribbon.speed(0.0) == 0.0
    assert ribbon.ink(0.0) == ribbon.ink(float("nan")) == "faint"
