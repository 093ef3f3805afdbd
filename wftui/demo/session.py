"""The core of the scripted machine beside its tokens: its session, its person's progress, its word of itself."""

from math import nan
from typing import Final

from wftui.demo import story
from wftui.demo.council import CORE, MODELS, TURN_S
from wftui.demo.noise import calm, slow
from wftui.demo.part import Part
from wftui.demo.telling import Value
from wftui.model.sample import JsonValue

BEGAN_S: Final = story.PAST_S - 660
"""Second of the script in which the core was started: eleven minutes ago."""
URL: Final = "ws://127.0.0.1:9145/ws"
_LEVEL: Final = 3
_LEVEL_UP_S: Final = BEGAN_S + 240
_REWARD_EVERY_S: Final = 5 * TURN_S
_POINTS: Final = 25.0


def part() -> Part:
    """The series of the core, once a second."""
    part = Part(CORE, 1.0)

    def add(name: str, value: Value, mode: str = "", model: str = "") -> None:
        labels = {"source": CORE} | ({"mode": mode} if mode else {}) | ({"model": model} if model else {})
        part.add(name, lambda t: value(t) if t >= BEGAN_S else nan, labels)

    add("ux.core.up", lambda _: 1.0)
    add("ux.core.connects", lambda _: 1.0)
    for mode, rate in (("energy_update", 60.0), ("token_stream", 49.0), ("heartbeat", 1.0)):
        add("ux.core.events", _since(rate), mode)
    add("ux.core.events", lambda t: float(rewards(t)), "reward_event")
    add("ux.core.heartbeat.age", lambda t: 0.2 + 0.1 * calm(t, 220))
    add("ux.core.frame.rate", lambda t: 60.0 + 0.2 * calm(t, 221))
    add("ux.core.interference", lambda t: 0.5 + 0.4 * slow(t, 222), "constructive")
    add("ux.core.interference", lambda t: 0.3 - 0.25 * slow(t, 222), "destructive")
    add("ux.core.coherence", lambda t: 0.7 + 0.2 * slow(t, 222))
    add("ux.progression.level", lambda t: float(level(t)))
    add("ux.progression.points", lambda t: _POINTS * rewards(t))
    # As the recorder tells it: not before ten minutes say something.
    add("ux.progression.rate", lambda t: 3600.0 / (t - BEGAN_S) if t - BEGAN_S >= 600 else nan)
    add("ux.progression.session", lambda t: t - BEGAN_S)
    return part


def _since(rate: float) -> Value:
    return lambda t: float(int(rate * (t - BEGAN_S)))


def rewards(t: float) -> int:
    """How many the core gave."""
    return max(0, int(t // _REWARD_EVERY_S) - int(BEGAN_S // _REWARD_EVERY_S))


def level(t: float) -> int:
    """Of its person."""
    return _LEVEL + (t >= _LEVEL_UP_S)


def happened(since: float, until: float) -> list[tuple[float, str, dict[str, JsonValue]]]:
    """(second of the script, kind, what it says) of the core's events in [since, until)."""
    found: list[tuple[float, str, dict[str, JsonValue]]] = []
    if since <= BEGAN_S < until:
        found.append((BEGAN_S, "core.connected", {"url": URL, "model": MODELS[0]}))
    if since <= _LEVEL_UP_S < until:
        words: dict[str, JsonValue] = {
            "kind": "level_up",
            "title": "Steady hands",
            "points": 0.0,
            "level": _LEVEL + 1,
        }
        found.append((_LEVEL_UP_S, "core.reward", words))
    number = max(1, -int(-since // _REWARD_EVERY_S))
    while (at := number * _REWARD_EVERY_S) < until:
        if at > BEGAN_S:
            found.append((at, "core.reward", {"kind": "milestone", "title": "A council heard", "points": _POINTS}))
        number += 1
    return sorted(found, key=lambda item: item[0])
