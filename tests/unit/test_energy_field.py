"""The field of particles: energy is never lost, never made, and never seen without a frame that showed it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wftui.energy.fidelity import ADAPTATION, CPU, LINK, ROOM
from wftui.tui.energy.belt import HALOED, PARTICLES
from wftui.tui.energy.field import Field

NAN = float("nan")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["feed", "advance", "sent", "refused", "ack", "void", "fit", "quality", "bolt", "keep"]),
        st.sampled_from("abc"),
        st.integers(0, 40),
        st.floats(0.0, 1.0),
    ),
    max_size=120,
)


def ready(width: int = 60, height: int = 3, speed: float = 20.0) -> Field:
    field = Field()
    field.fit("a", width, height, tuple(range(height)))
    field.belt("a").speed = speed
    field.advance(10.0, 0.0)
    return field


def decided(field: Field) -> float:
    return field.fidelity.seen + field.fidelity.missed


@given(STEPS)
@settings(max_examples=200)
def test_energy_is_seen_missed_or_waits(steps: list[tuple[str, str, int, float]]) -> None:
    field, now, frame = ready(), 10.0, 0
    for what, key, count, share in steps:
        if what == "feed":
            field.feed(key, now - share, now, count, count * share, certainty=share, rate=float(count))
        elif what == "advance":
            now += share / 2
            field.advance(now, share / 2)
        elif what == "sent":
            frame += 1
            field.sent(frame)
        elif what == "refused":
            field.refused(now)
        elif what == "ack":
            field.acknowledged(max(0, frame - count), now + share / 5)
        elif what == "void":
            field.void(frame, now)
        elif what == "fit":
            field.fit(key, count, 1 + count % 4, (0,))
            field.belt(key).speed = share * 27
        elif what == "quality":
            field.quality = share
        elif what == "bolt":
            field.bolt(key, 1 + count % 4)
        elif what == "keep":
            field.keep("ab")
        assert decided(field) + field.waiting == pytest.approx(field.computed, abs=1e-6)
        assert math.fsum(field.missed.values()) == pytest.approx(field.fidelity.missed)
        for name in "abc":
            belt = field.belt(name)
            shown = [cell for row in range(belt.height) for cell in belt.cells(row)]
            assert sum(kind in PARTICLES for _, kind in shown) == len(belt.particles)
    field.advance(now + 5.0, 0.0)
    assert field.waiting == pytest.approx(0.0, abs=1e-6)


def test_a_token_is_a_particle_seen_when_its_frame_is_acknowledged() -> None:
    field = ready()
    field.feed("a", 9.98, 10.0, 1, 0.5, certainty=0.9, rate=10.0)
    field.advance(10.01, 0.01)
    assert field.particles == 1
    assert field.sent(7) == 1
    field.acknowledged(6, 10.02)
    assert field.fidelity.seen == 0.0
    field.acknowledged(8, 10.03)
    assert field.fidelity.seen == 0.5
    assert field.lag_s() == pytest.approx(0.03)
    assert field.sent(9) == 0, "it was shown first once"


def test_what_nobody_acknowledges_is_missed_by_the_link() -> None:
    field = ready()
    field.feed("a", 9.98, 10.0, 2, 1.0, rate=2.0)
    field.advance(10.01, 0.01)
    field.sent(1)
    field.advance(11.1, 0.1)
    field.acknowledged(1, 11.2)
    assert field.missed == {LINK: 1.0}
    assert field.fidelity.seen == 0.0
    assert field.particles == 2, "drawn it is all the same"


def test_a_refused_frame_is_the_links_and_a_late_one_the_cpus() -> None:
    field = ready(speed=1.0)
    field.feed("a", 9.98, 10.0, 1, 1.0, rate=1.0)
    field.advance(10.01, 0.01)
    field.advance(11.2, 0.1)
    assert field.missed == {CPU: 1.0}
    field.feed("a", 11.2, 11.3, 1, 1.0, rate=1.0)
    field.advance(11.3, 0.1)
    field.refused(11.4)
    field.advance(12.5, 0.1)
    assert field.missed == {CPU: 1.0, LINK: 1.0}


@pytest.mark.parametrize("cause", [ADAPTATION, LINK])
def test_frames_that_are_kept_apart_are_late_for_that_reason(cause: str) -> None:
    field = ready(speed=1.0)
    field.held_by = cause
    field.feed("a", 9.98, 10.0, 1, 1.0, rate=1.0)
    field.advance(10.01, 0.01)
    field.advance(11.2, 0.1)
    assert field.missed == {cause: 1.0}


def test_lowered_quality_gives_up_its_square() -> None:
    field = ready(width=400)
    field.quality = 0.6
    for number in range(100):
        now = 10.0 + number / 10
        field.feed("a", now - 0.1, now, 1, 1.0, rate=10.0)
        field.advance(now, 0.1)
        field.sent(number + 1)
        field.acknowledged(number + 1, now + 0.01)
    assert field.missed[ADAPTATION] == pytest.approx(64.0)
    assert field.fidelity.seen == pytest.approx(36.0, abs=1.01)


def test_a_stream_that_is_not_on_the_screen_has_no_room() -> None:
    field = ready()
    field.feed("b", 9.0, 10.0, 5, 2.5, rate=5.0)
    assert field.missed == {ROOM: 2.5}


def test_more_tokens_than_cells_share_particles() -> None:
    field = ready(width=40, height=1, speed=10.0)
    for number in range(1, 115):
        now = 10.0 + number / 60
        field.feed("a", now - 1 / 60, now, 5, 2.5, rate=300.0)
        field.advance(now, 1 / 60)
        field.sent(number)
        field.acknowledged(number, now + 0.01)
    assert field.per("a") == 38
    assert {particle.tokens for particle in field.belt("a").particles} == {38}
    assert field.per_particle == 38
    assert not field.missed
    assert field.fidelity.seen + field.waiting == pytest.approx(285.0)


def test_a_roomy_belt_leaves_half_of_its_cells_free_where_tokens_share_particles() -> None:
    field = ready(width=40, height=5, speed=10.0)
    belt = field.belt("a")
    belt.rows = (0, 1, 2, 3, 4)
    assert belt.per_particle(40.0) == 1
    assert belt.per_particle(41.0) == 2
    assert belt.per_particle(300.0) == 12
    assert belt.per_particle(NAN) == belt.per_particle(0.0) == 1, "nothing is known of how many there will be"


def test_a_still_belt_keeps_its_particles_and_an_unsure_one_is_denser() -> None:
    field = ready(height=5)
    field.feed("a", 9.9, 10.0, 1, 1.0, certainty=0.0, rate=1.0)
    field.feed("a", 9.9, 10.0, 1, 1.0, certainty=1.0, rate=1.0)
    field.advance(10.5, 0.5)
    belt = field.belt("a")
    belt.speed = 0.0
    before = [belt.cells(row) for row in range(5)]
    kinds = [kind for row in before for _, kind in row]
    assert sorted(kind for kind in kinds if kind in PARTICLES) == ["sharp", "soft"]
    assert 1 <= kinds.count(HALOED) <= 3
    field.advance(20.0, 9.5)
    assert [belt.cells(row) for row in range(5)] == before
