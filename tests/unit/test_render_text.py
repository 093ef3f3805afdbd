"""Numbers as text: fixed widths, units, and the unknown."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.render import text

NAN = float("nan")


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (text.percent(0.0), "  0 %"),
        (text.percent(0.004), "0.4 %"),
        (text.percent(0.412), " 41 %"),
        (text.percent(1.0), "100 %"),
        (text.size(0), "   0 B  "),
        (text.size(9.87 * 2**30), "9.87 GiB"),
        (text.size(987 * 2**30), " 987 GiB"),
        (text.size(1023.9 * 2**30), "1.00 TiB"),
        (text.rate(9.87 * 2**20), "9.87 MiB/s"),
        (text.short(98.7 * 2**30), "98.7G"),
        (text.count(12_345), "12.3k"),
        (text.frequency(3.1e9), "3.10 GHz"),
        (text.celsius(71.2), " 71 °C"),
        (text.duration(12.9), "12 s"),
        (text.duration(7380), "2h 03m"),
        (text.duration(3 * 86400 + 4 * 3600), "3d 04h"),
        (text.decimal(27.4), "27.40"),
    ],
)
def test_examples(shown: str, expected: str) -> None:
    assert shown == expected


@pytest.mark.parametrize("missing", [None, NAN])
def test_unknown_is_a_dash_and_never_a_number(missing: float | None) -> None:
    for form in (
        text.percent, text.size, text.rate, text.short, text.count, text.decimal, text.frequency, text.celsius,
        text.duration, text.milliseconds, text.watts,
    ):  # fmt: skip
        assert form(missing).strip() == text.UNKNOWN, form.__name__


@given(st.floats(0, 2**69))
def test_sizes_do_not_jump(value: float) -> None:
    assert len(text.size(value)) == 8
    assert len(text.rate(value)) == 10
    assert len(text.short(value)) == 5


@given(st.floats(0, 9.99))
def test_percent_keeps_its_width(value: float) -> None:
    assert len(text.percent(value)) == 5


@given(st.floats(1e-6, 1e15))
def test_axes_end_on_round_numbers_at_or_above(value: float) -> None:
    top = text.round_up(value)
    assert top >= value * 0.999999
    assert round(top / 10 ** math.floor(math.log10(top) + 1e-9)) in (1, 2, 5, 10)


@given(st.floats(1, 2**60))
def test_byte_axes_are_at_or_above(value: float) -> None:
    assert text.round_up_bytes(value) >= value * 0.999999


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "   -  "),
        (0.4, "   0 W"),
        (698.2, " 698 W"),
        (9999.4, "9999 W"),
        (16_000.0, "16.0kW"),
        (1.2e5, " 120kW"),
    ],
)
def test_watts_take_six_cells(value: float | None, shown: str) -> None:
    assert text.watts(value) == shown
    assert len(shown) == 6


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (131.2 * 2**30, 140.4 * 2**30, "131.2/140 GiB"),
        (7.94 * 2**30, 24 * 2**30, " 7.9/24.0 GiB"),
        (0.0, 80 * 2**30, " 0.0/80.0 GiB"),
        (None, 80 * 2**30, "   -/80.0 GiB"),
        (5.0 * 2**30, None, "     5.00 GiB"),
        (None, None, "            -"),
        (float("nan"), float("nan"), "            -"),
    ],
)
def test_bytes_of_bytes_take_thirteen_cells(part: float | None, whole: float | None, shown: str) -> None:
    assert text.share(part, whole) == shown
    assert len(shown) == 13
