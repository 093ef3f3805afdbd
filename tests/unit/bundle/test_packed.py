"""Numbers of a bundle come back as the same bits, in as few characters as their kind allows."""

from __future__ import annotations

import math
from array import array

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.bundle.format import Packed
from wftui.bundle.packed import pack, unpack, unpack_whole, whole
from wftui.errors import BundleError

NAN = float("nan")
COLUMNS = st.one_of(
    st.lists(st.floats(allow_nan=True, allow_infinity=False), max_size=60),
    st.lists(st.integers(-(2**60), 2**60).map(float), max_size=60),
    st.lists(st.sampled_from([0.0, -0.0, 0.25, NAN, 1 / 3]), max_size=60),
    st.lists(st.integers(0, 10**6).map(lambda value: value / 1000), max_size=60),
)


def through(packed: Packed) -> Packed:
    return msgspec.json.decode(msgspec.json.encode(packed), type=Packed)


@given(COLUMNS)
def test_every_bit_comes_back(values: list[float]) -> None:
    found = unpack(through(pack(np.array(values, dtype=np.float64))), len(values))
    assert len(found) == len(values)
    for mine, theirs in zip(found, values, strict=True):
        assert (mine != mine and theirs != theirs) or (
            mine == theirs and math.copysign(1, mine) == math.copysign(1, theirs)
        )


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40))
def test_whole_numbers_of_64_bits_come_back(values: list[int]) -> None:
    assert unpack_whole(through(whole(values)), len(values)) == array("q", values)


def test_what_is_not_finite_is_unknown() -> None:
    found = unpack(pack(np.array([1.0, math.inf, -math.inf])), 3)
    assert found[0] == 1.0
    assert all(value != value for value in found[1:])


@pytest.mark.parametrize(
    ("values", "most"),
    [
        ([5.0] * 3600, 30),
        (list(np.arange(3600) * 1024.0 + 1e9), 5 * 3600 + 60),
        ([round(200 + math.sin(at / 60) * 50, 3) for at in range(3600)], 6 * 3600),
        ([(at * 7 % 100) / 99 for at in range(3600)], 4 * 3600),
    ],
    ids=["constant", "counter", "milliwatts", "few values"],
)
def test_few_characters(values: list[float], most: int) -> None:
    assert len(msgspec.json.encode(pack(np.array(values)))) < most


@pytest.mark.parametrize(
    ("packed", "said"),
    [
        (Packed(2), "exactly one"),
        (Packed(1, same=1.0, all=[1.0]), "exactly one"),
        (Packed(5, same=1.0), "expected 0 to 4"),
        (Packed(-1, same=1.0), "expected 0 to 4"),
        (Packed(2, all=[1.0]), "2 are said"),
        (Packed(2, of=[1.0], at=[0, 1]), "numbers"),
        (Packed(2, of=[1.0], at=[0, -1]), "below 0"),
        (Packed(2, start=10**400, by=[1]), "numbers"),
        (Packed(2, start=1, by=[1], digits=99), "digits"),
    ],
    ids=str,
)
def test_numbers_that_contradict_themselves_are_refused(packed: Packed, said: str) -> None:
    with pytest.raises(BundleError, match=said):
        unpack(packed, 4)


def test_a_time_that_is_no_time_is_refused() -> None:
    with pytest.raises(BundleError, match="64 bits"):
        unpack_whole(Packed(2, start=2**63 - 1, by=[1]), 4)
    with pytest.raises(BundleError, match="whole"):
        unpack_whole(Packed(2, all=[1.0, 2.0]), 4)
