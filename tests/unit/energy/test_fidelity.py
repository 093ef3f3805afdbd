"""How true the picture is, against a list of all lots, and by its laws."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import energy_reference as reference
from tests.energy_reference import Lot
from wftui.energy.fidelity import ADAPTATION, CAUSES, CPU, LINK, ROOM, Fidelity

EXACT = 1e-9


@st.composite
def lots(draw: st.DrawFn) -> list[Lot]:
    """Energy that was seen or missed, in the order of its times."""
    at_s, found = draw(st.floats(0, 1000)), []
    for _ in range(draw(st.integers(1, 80))):
        at_s += draw(st.one_of(st.floats(0, 0.1), st.floats(0, 5), st.sampled_from([0.0, 1.0, 60.0])))
        units = draw(st.one_of(st.floats(0, 10), st.just(0.0)))
        if draw(st.booleans()):
            found.append(Lot(at_s, units, lag_s=draw(st.floats(0, 0.5))))
        else:
            found.append(Lot(at_s, units, cause=draw(st.sampled_from(CAUSES))))
    return found


def told(those: list[Lot]) -> Fidelity:
    made = Fidelity()
    for lot in those:
        tell(made, lot)
    return made


def tell(made: Fidelity, lot: Lot) -> None:
    if lot.cause:
        made.miss(lot.at_s, lot.units, lot.cause)
    else:
        made.see(lot.at_s, lot.units, lot.lag_s)


@given(lots(), st.floats(0, 70))
@settings(max_examples=80, deadline=None)
def test_any_lots_are_as_the_list_has_them(those: list[Lot], later_s: float) -> None:
    made = Fidelity()
    for number, lot in enumerate(those):
        tell(made, lot)
        same(made, those[: number + 1], lot.at_s)
    same(made, those, those[-1].at_s + later_s)
    assert made.seen == pytest.approx(sum(lot.units for lot in those if not lot.cause), abs=EXACT)
    assert made.missed == pytest.approx(sum(lot.units for lot in those if lot.cause), abs=EXACT)


def same(made: Fidelity, those: list[Lot], at_s: float) -> None:
    found, wanted = made.look(at_s), reference.fidelity(those, at_s)
    assert repr(made.look(at_s)) == repr(found)
    for name in ("seen", "computed", "ratio", "lag_s"):
        assert getattr(found, name) == pytest.approx(getattr(wanted, name), abs=EXACT, nan_ok=True), name
    assert found.coherence == pytest.approx(wanted.coherence, abs=1e-6, nan_ok=True)
    assert found.missed == pytest.approx({cause: units for cause, units in wanted.missed.items() if units})
    assert math.isnan(found.ratio) or 0 <= found.ratio <= 1
    assert math.isnan(found.coherence) or 0 <= found.coherence <= 100


@given(lots(), st.floats(0.001, 10), st.sampled_from(CAUSES))
@settings(deadline=None)
def test_a_miss_never_raises_the_ratio_and_what_is_seen_never_lowers_it(
    those: list[Lot], units: float, cause: str
) -> None:
    at_s = those[-1].at_s
    made = told(those)
    before = made.look(at_s).ratio
    made.miss(at_s, units, cause)
    missed = made.look(at_s).ratio
    assert missed <= (1 if math.isnan(before) else before) + EXACT
    made.see(at_s, units, 0.01)
    assert made.look(at_s).ratio >= missed - EXACT


@given(lots(), st.integers(1, 59))
@settings(deadline=None)
def test_nothing_but_time_and_new_lots_changes_it(those: list[Lot], wait_s: int) -> None:
    made, asked = told(those), Fidelity()
    for lot in those:
        tell(asked, lot)
        asked.look(lot.at_s)
    at_s = those[-1].at_s
    assert repr(made.look(at_s)) == repr(asked.look(at_s))
    assert repr(made.look(at_s + wait_s)) == repr(asked.look(at_s + wait_s))
    empty = made.look(at_s + 61)
    assert (empty.seen, empty.computed, empty.missed, empty.cause) == (0, 0, {}, "")
    assert math.isnan(empty.ratio)
    assert math.isnan(empty.lag_s)
    assert math.isnan(empty.coherence)


def test_a_minute_by_hand() -> None:
    made = Fidelity()
    for second in range(10):
        made.see(100 + second, 9.0, 0.020)
        made.miss(100 + second + 0.5, 1.0, LINK)
    look = made.look(109.9)
    assert (look.seen, look.computed) == (90, 100)
    assert look.ratio == pytest.approx(0.9)
    assert look.lag_s == pytest.approx(0.020)
    assert look.coherence == pytest.approx(100)
    assert (look.missed, look.cause) == ({LINK: 10.0}, LINK)


def test_coherence_by_hand() -> None:
    """Ratios 1, 0.5, 1, 0.5: deviation 0.25, half of what is left of 100. Lags 20 and 60 ms: 20 ms, 0.8 of it."""
    made = Fidelity()
    for second in range(4):
        made.see(second, 1.0, 0.02 if second < 2 else 0.06)
        if second % 2:
            made.miss(second, 1.0, CPU)
    assert made.look(3.5).coherence == pytest.approx(100 * 0.5 * 0.8)


def test_one_second_in_which_the_machine_held_its_breath_is_no_unsteady_minute() -> None:
    made = Fidelity()
    for second in range(60):
        made.see(second, 1.0, 0.62 if second == 30 else 0.02)
    assert 78 < made.look(59.9).coherence < 82
    for second in range(60, 120):
        made.see(second, 1.0, 0.62 if second % 6 == 0 else 0.02)
    assert made.look(119.9).coherence == 0


def test_of_two_seconds_there_is_no_coherence() -> None:
    made = Fidelity()
    for second in range(3):
        assert math.isnan(made.look(second).coherence)
        made.see(second, 1.0, 0.02)
    assert made.look(2).coherence == 100


def test_the_cause_is_that_of_most() -> None:
    made = Fidelity()
    made.miss(1, 1.0, ROOM)
    made.miss(1, 3.0, ADAPTATION)
    made.miss(2, 2.5, ROOM)
    look = made.look(2)
    assert (look.cause, look.missed) == (ROOM, {ROOM: 3.5, ADAPTATION: 3.0})
    assert look.ratio == 0


def test_a_cause_that_is_none() -> None:
    with pytest.raises(ValueError, match="'weather' is no cause: expected one of link, cpu, adaptation, room"):
        Fidelity().miss(1, 1.0, "weather")
