"""Entropy, certainty, disagreement and the energy of an ensemble, against the reference and by their laws."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import energy_reference as reference
from wftui.energy.spread import certainty, disagreement, entropy, timing_disagreement, together

EXACT = 1e-9
SHARES = st.lists(st.one_of(st.just(0.0), st.floats(1e-300, 1)), min_size=1, max_size=20).filter(
    lambda those: sum(those) > 1e-6
)
SPREADS = st.dictionaries(st.sampled_from([b"a", b"b", b"c", b"d", b"e"]), st.floats(0.001, 1), min_size=1)
GAPS = st.lists(st.floats(0.001, 2), min_size=2, max_size=32)
LEVELS = st.lists(
    st.tuples(st.one_of(st.floats(0, 1), st.just(math.nan)), st.floats(0, 5, allow_subnormal=False)), max_size=6
)


def same(found: float, wanted: float) -> None:
    assert found == pytest.approx(wanted, abs=EXACT, nan_ok=True)


# ---- one model


def test_entropy_by_hand() -> None:
    # 1/2 * 1 bit + 2 * 1/4 * 2 bits
    assert entropy([0.5, 0.25, 0.25]) == pytest.approx(1.5, abs=1e-15)
    assert entropy([1.0]) == 0
    assert entropy([0.3] * 8) == pytest.approx(3, abs=1e-12)
    # Of three tokens the most is log2 3 bits.
    assert certainty(1.5, 3) == pytest.approx(1 - 1.5 / 1.584962500721156, abs=1e-12)


@pytest.mark.parametrize("unknown", [[], [0.0, 0.0], [-0.1, 1.1], [math.nan, 0.5], [math.inf, 0.5]])
def test_what_is_no_spread_is_unknown(unknown: list[float]) -> None:
    assert math.isnan(entropy(unknown))
    assert math.isnan(certainty(entropy(unknown), len(unknown)))


def test_of_one_token_nobody_can_say_how_sure_it_is() -> None:
    assert math.isnan(certainty(0.0, 1))
    assert math.isnan(certainty(math.nan, 5))


@pytest.mark.parametrize("tiny", [5e-324, 1e-310, 1e-300])
def test_a_token_that_can_hardly_be(tiny: float) -> None:
    """e to the power of a log probability of -745 is the least number there is."""
    assert entropy([1.0, 1.0, tiny]) == pytest.approx(1, abs=1e-12)
    assert entropy([1.0, tiny]) == pytest.approx(0, abs=1e-12)
    for one, other in (({b"a": 1.0, b"b": tiny}, {b"a": 1.0}), ({b"a": 1.0, b"b": tiny}, {b"a": 1.0, b"c": tiny})):
        assert disagreement(one, other) == disagreement(other, one) == pytest.approx(0, abs=1e-12)


@given(SHARES)
def test_entropy_and_certainty(those: list[float]) -> None:
    bits = entropy(those)
    same(bits, reference.entropy(those))
    assert -EXACT <= bits <= math.log2(max(1, len(those))) + EXACT
    same(certainty(bits, len(those)), reference.certainty(those))
    same(entropy(sorted(those)), bits)
    same(entropy([share * 0.5 for share in those]), bits)


@given(st.floats(0, 5), st.floats(0, 5), st.integers(2, 32))
def test_more_entropy_is_less_certainty(one: float, other: float, outcomes: int) -> None:
    low, high = sorted((one, other))
    assert 0 <= certainty(high, outcomes) <= certainty(low, outcomes) <= 1
    assert certainty(0, outcomes) == 1
    assert certainty(math.log2(outcomes), outcomes) == pytest.approx(0, abs=1e-15)


# ---- two models


def test_disagreement_by_hand() -> None:
    # Middle: 3/4, 1/4. (1 * log2(1 / 0.75) + 0.5 * log2(0.5 / 0.75) + 0.5 * log2(0.5 / 0.25)) / 2
    by_hand = (math.log2(4 / 3) + 0.5 * math.log2(2 / 3) + 0.5) / 2
    assert disagreement({b"a": 1.0}, {b"a": 0.5, b"b": 0.5}) == pytest.approx(by_hand, abs=1e-12)
    assert disagreement({b"a": 1.0}, {b"b": 1.0}) == 1
    assert disagreement({b"a": 0.2, b"b": 0.2}, {b"b": 0.4, b"a": 0.4}) == 0


@given(SPREADS, SPREADS)
def test_disagreement(one: dict[bytes, float], other: dict[bytes, float]) -> None:
    found = disagreement(one, other)
    assert 0 <= found <= 1
    assert disagreement(other, one) == found
    same(found, reference.disagreement(one, other))
    first, second = sum(one.values()), sum(other.values())
    apart = max(abs(one.get(key, 0) / first - other.get(key, 0) / second) for key in {*one, *other})
    if apart > 1e-4:
        assert found > 0
    if apart == 0:
        assert found == pytest.approx(0, abs=1e-15)


@given(SPREADS)
def test_with_itself_nobody_disagrees(one: dict[bytes, float]) -> None:
    assert disagreement(one, dict(reversed(one.items()))) == 0
    elsewhere = {key + b"!": share for key, share in one.items()}
    assert disagreement(one, elsewhere) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    "unknown", [{}, {b"a": 0.0}, {b"a": -1.0, b"b": 2.0}, {b"a": math.nan}, {b"a": math.inf, b"b": 1.0}]
)
def test_a_spread_that_is_none_disagrees_with_nobody(unknown: dict[bytes, float]) -> None:
    assert math.isnan(disagreement(unknown, {b"a": 1.0}))
    assert math.isnan(disagreement({b"a": 1.0}, unknown))


def test_timing_by_hand() -> None:
    # Mean 0.2; within 4 * 0.01^2, all: 2 * 0.11^2 + 2 * 0.09^2 = 0.0404.
    assert timing_disagreement([0.09, 0.11], [0.29, 0.31]) == pytest.approx(1 - 0.0004 / 0.0404, abs=1e-12)
    assert timing_disagreement([0.1, 0.1], [0.2, 0.2, 0.2]) == pytest.approx(1, abs=1e-12)
    assert timing_disagreement([0.1, 0.2], [0.2, 0.1]) == pytest.approx(0, abs=1e-12)
    assert timing_disagreement([0.1, 0.1], [0.1, 0.1]) == 0
    assert math.isnan(timing_disagreement([0.1], [0.2, 0.2]))


@given(GAPS, GAPS)
def test_timing(one: list[float], other: list[float]) -> None:
    found = timing_disagreement(one, other)
    assert 0 <= found <= 1
    assert timing_disagreement(other, one) == pytest.approx(found, abs=1e-12)
    if reference.deviation([*one, *other]) > 1e-5:
        assert found == pytest.approx(reference.timing(one, other), abs=1e-6)


# ---- an ensemble


@given(LEVELS)
def test_an_ensemble_is_a_weighted_mean(those: list[tuple[float, float]]) -> None:
    levels, weights = [level for level, _ in those], [weight for _, weight in those]
    found = together(levels, weights)
    same(found, reference.together(levels, weights))
    told = [level for level, weight in those if not math.isnan(level) and weight > 0]
    assert math.isnan(found) == (not told)
    if told:
        assert min(told) - EXACT <= found <= max(told) + EXACT
        same(together(levels, [weight * 3 for weight in weights]), found)
        same(together([*levels, math.nan], [*weights, 9.0]), found)
    same(together(levels), reference.together(levels, [1.0] * len(levels)))


def test_an_ensemble_by_hand() -> None:
    assert together([0.2, 0.4, 0.9]) == pytest.approx(0.5, abs=1e-15)
    assert together([0.2, 0.4], [3, 1]) == pytest.approx(0.25, abs=1e-15)
    assert together([0.2, math.nan, 0.4]) == pytest.approx(0.3, abs=1e-15)
    with pytest.raises(ValueError, match="zip"):
        together([0.2, 0.4], [1.0])
