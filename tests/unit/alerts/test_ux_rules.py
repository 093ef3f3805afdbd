"""The built-in rules of frames and fidelity: what breaks each; pauses and slow links do not."""

from collections.abc import Iterable, Mapping

import pytest

from tests.unit.alerts.machine import Machine
from wftui import paths
from wftui.alerts import load

PACK = paths.resources("rules") / "ux.json"
RULES = {rule.id.removeprefix("rule."): rule for rule in load.rules(PACK.read_bytes(), str(PACK), builtin=True)}
WAIT = 300
"""Seconds in which a baseline of five minutes becomes known."""


def frames(name: str, who: str = 'source="game"', mode: str = "1s") -> str:
    label, _, value = who.partition("=")
    labels = {label: value, "mode": f'"{mode}"'}
    return f"ux.frame.{name}{{{','.join(f'{key}={labels[key]}' for key in sorted(labels))}}}"


def view(name: str) -> str:
    return f'wftop.{name}{{view="1"}}'


def fired(rules: Iterable[str], series: Mapping[str, str]) -> set[str]:
    """The rules that fire at any second of scripts, from a start without a past."""
    machine = Machine([RULES[name] for name in rules])
    seen = machine.run(series)
    return {key.removeprefix("rule.").partition("{")[0] for key, states in seen.items() if "F" in states}


FRAMES = [
    ("55 a second is enough", {frames("rate"): "55x60"}, set()),
    ("54 for 5 s", {frames("rate"): "60x10 54x5 60x30"}, set()),
    ("54 for 6 s", {frames("rate"): "60x10 54x6 60x30"}, {"fps"}),
    ("44 for 3 s", {frames("rate"): "60x10 44x3 60x30"}, set()),
    ("44 for 4 s", {frames("rate"): "60x10 44x4 60x30"}, {"fps-critical"}),
    ("a program that does not draw", {frames("rate"): "60x10 31 0x60 29 60x30"}, set()),
    ("a program that went away", {frames("rate"): "60x10 _x60"}, set()),
    ("windows of 10 s are not judged", {frames("rate", mode="10s"): "20x60"}, set()),
]


@pytest.mark.parametrize(("what", "series", "expected"), FRAMES, ids=[what for what, _, _ in FRAMES])
def test_frames_a_second(what: str, series: Mapping[str, str], expected: set[str]) -> None:
    assert fired(["fps", "fps-critical"], series) == expected, what


def told(values: str) -> dict[str, str]:
    """A program that draws 60 a second, beside what is told of it."""
    return {frames("rate"): "60x120"} | {frames(values.split(" ", 1)[0]): values.split(" ", 1)[1]}


@pytest.mark.parametrize(
    ("told_of", "expected"),
    [
        ("longest 0.016x60", set()),
        ("longest 0.012x10 0.0199 0.012x10", set()),
        ("longest 0.012x10 0.0201 0.012x10", {"frame-late"}),
        ("longest 0.012x10 0.018x2 0.012x8 0.018 0.012x9 0.012", set()),
        ("longest 0.012x10 0.018x2 0.012x6 0.018 0.012x9", {"frames-over"}),
        ("jitter 0.0049x60", set()),
        ("jitter 0.002x10 0.006x10 0.002x10", set()),
        ("jitter 0.002x10 0.006x11 0.002x10", {"frame-jitter"}),
    ],
)
def test_late_and_uneven_frames(told_of: str, expected: set[str]) -> None:
    assert fired(["frame-late", "frames-over", "frame-jitter"], told(told_of)) == expected


@pytest.mark.parametrize(("motion", "expected"), [("0", set()), ("1", set()), ("2", {"fps", "view-fps-critical"})])
def test_a_view_of_wftop_is_judged_in_full_motion_only(motion: str, expected: set[str]) -> None:
    series = {frames("rate", 'view="1"'): "12x30", view("view.motion"): f"{motion}x30"}
    assert fired(["fps", "fps-critical", "view-fps-critical"], series) == expected


def test_wftop_lowers_its_own_quality_for_its_own_frames_only() -> None:
    """A program that draws 24 a second as it is meant to is no reason to show less of the energy."""
    assert {name: rule.adaptation for name, rule in RULES.items() if rule.adaptation} == {"view-fps-critical": 3}


def test_a_program_that_ends_while_it_is_slow_leaves_no_alert_behind() -> None:
    """Its rate is 0 for ten seconds; then it is told no more, and what is unknown ends nothing for minutes."""
    slow = {
        name: RULES[name] for name in RULES if not name.startswith(("fidelity", "visual", "coherence", "view"))
    }
    machine = Machine(slow.values())
    series = {
        frames("rate"): "30x20 0x9 _x60",
        frames("longest"): "0.04x20 _x69",
        frames("jitter"): "0.009x20 _x69",
    }
    seen = machine.run(series)
    assert {key.removeprefix("rule.").partition("{")[0] for key in seen} == set(slow)
    assert all(states.endswith(".") and int(states.split()[-1].rstrip(".")) > 50 for states in seen.values()), seen


def test_each_program_and_each_view_is_an_alert_of_its_own() -> None:
    machine = Machine([RULES["fps-critical"], RULES["view-fps-critical"]])
    seen = machine.run(
        {
            frames("rate"): "30x10",
            frames("rate", 'source="core"'): "60x10",
            frames("rate", 'view="1"'): "12x10",
            view("view.motion"): "2x10",
        }
    )
    assert set(seen) == {'rule.fps-critical{source="game"}', 'rule.view-fps-critical{view="1"}'}


@pytest.mark.parametrize("motion", [0, 1, 2])
def test_a_view_that_draws_nothing_is_not_judged_by_the_frames_of_others(motion: int) -> None:
    """Its motion is told all the time, its frames only while it draws them in full motion."""
    judged = ("fps", "fps-critical", "view-fps-critical", "frame-late", "frames-over", "frame-jitter")
    machine = Machine([RULES[name] for name in judged])
    seen = machine.run(
        {
            frames("rate"): "20x30",
            frames("longest"): "0.05x30",
            frames("jitter"): "0.02x30",
            view("view.motion"): f"{motion}x30",
        }
    )
    assert {key.partition("{")[2] for key in seen} == {'source="game"}'}


def seen_of(name: str, script: str, motion: float = 2) -> dict[str, str]:
    missing = {'wftop.fidelity.lost{mode="link",view="1"}': f"0.2x{2 * WAIT}"} if name == "ratio" else {}
    whose = view(name if name.startswith("view.") else f"fidelity.{name}")
    return {whose: script, view("view.motion"): f"{motion}x{2 * WAIT}"} | missing


FIDELITY = [
    ("ratio", f"0.98x{WAIT} 0.81x60", set()),
    ("ratio", f"0.98x{WAIT} 0.79x10 0.98x60", set()),
    ("ratio", f"0.98x{WAIT} 0.79x11 0.98x60", {"fidelity"}),
    ("ratio", f"0.98x{WAIT} 0.69x6 0.98x60", {"fidelity-critical"}),
    ("ratio", f"0.45x{2 * WAIT}", set()),
    ("ratio", f"_x{2 * WAIT}", set()),
    ("lag", f"0.02x{WAIT} 0.049x60", set()),
    ("lag", f"0.02x{WAIT} 0.06x6 0.02x20", {"visual-lag"}),
    ("lag", f"0.12x{WAIT} 0.15x60", set()),
    ("lag", f"0.12x{WAIT} 0.25x6 0.12x20", {"visual-lag"}),
    ("view.lag", f"0.1x{WAIT} 0.14x60", set()),
    ("view.lag", f"0.1x{WAIT} 0.3x6 0.1x20", {"view-link"}),
    ("coherence", f"97x{WAIT} 79x15 97x20", set()),
    ("coherence", f"97x{WAIT} 79x16 97x20", {"coherence"}),
    ("coherence", f"60x{2 * WAIT}", set()),
]


@pytest.mark.parametrize(("name", "script", "expected"), FIDELITY)
def test_fidelity_falls_below_its_limit_and_below_what_the_link_usually_gives(
    name: str, script: str, expected: set[str]
) -> None:
    rules = ["fidelity", "fidelity-critical", "view-link", "visual-lag", "coherence"]
    assert fired(rules, seen_of(name, script)) == expected


def test_each_cause_of_a_low_fidelity_is_named() -> None:
    machine = Machine([RULES["fidelity"]])
    causes = {"link": 0.2, "cpu": 0.15, "room": 0.0, "adaptation": 0.02}
    series = seen_of("ratio", f"0.98x{WAIT} 0.65x60")
    for mode, share in causes.items():
        series[f'wftop.fidelity.lost{{mode="{mode}",view="1"}}'] = f"{share}x{2 * WAIT}"
    seen = machine.run(series)
    assert {key for key, states in seen.items() if "F" in states} == {
        'rule.fidelity{mode="cpu",view="1"}', 'rule.fidelity{mode="link",view="1"}',
    }  # fmt: skip


@pytest.mark.parametrize(("name", "low"), [("ratio", "0.3"), ("lag", "2"), ("coherence", "5")])
def test_a_view_that_does_not_move_is_not_judged(name: str, low: str) -> None:
    usual = {"ratio": "0.98", "lag": "0.02", "coherence": "97"}[name]
    script = f"{usual}x{WAIT} {low}x60"
    assert fired(list(RULES), seen_of(name, script, motion=0)) == set()
    assert fired(list(RULES), seen_of(name, script)) != set()


def test_each_rule_is_broken_by_one_of_these_tests() -> None:
    broken = {name for _, _, expected in FRAMES for name in expected} | {
        name for _, _, expected in FIDELITY for name in expected
    }
    assert broken | {"view-fps-critical", "frame-late", "frames-over", "frame-jitter"} == set(RULES)
