"""Events of a core: each kind, its bounds, and anything at all."""

from __future__ import annotations

import gc
import json
import math
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui.collectors.core import protocol as p

NOW_MS = 1_790_000_000_000.0
SECRET = "zaunkoenig-im-garten"  # noqa: S105  a token that nobody may keep


def event(kind: str, payload: object, **more: object) -> bytes:
    return json.dumps({"type": kind, "channel": "x", "timestamp": NOW_MS, "payload": payload, **more}).encode()


ENERGY: dict[str, Any] = {
    "totalEnergy": 0.5, "deltaEnergy": -0.1, "tokensGenerated": 2, "processingTime": 7.5, "modelId": "llama3:8b",
    "energyDistribution": {"generation": 1.0},
}  # fmt: skip
FIELD: dict[str, Any] = {
    "fieldType": "lightning", "intensity": 0.25, "coordinates": [{"x": 1, "y": 2, "energy": 3}], "modelId": "m",
}  # fmt: skip
TOKENS: dict[str, Any] = {
    "tokens": [SECRET, "b", ""], "isComplete": False, "sessionId": "s-1", "modelId": "m", "energyCost": 6,
}  # fmt: skip
INTERFERENCE: dict[str, Any] = {
    "patternType": "neutral", "models": ["a", "b"], "intensity": 1, "coherenceScore": 0,
}  # fmt: skip
RESONANCE: dict[str, Any] = {
    "resonanceType": "harmonic", "frequency": 2.5, "amplitude": 0.4, "participants": ["a", "b"], "phase": 90,
}  # fmt: skip
REWARD: dict[str, Any] = {"rewardType": "level_up", "title": "Blitz\x1b[31m", "points": 50, "level": 2}
TROUBLE: dict[str, Any] = {
    "severity": "error", "code": "MODEL_GONE", "message": SECRET, "component": "model", "recoverable": True,
}  # fmt: skip
STARTUP: dict[str, Any] = {
    "model": "m", "tier": "Mid-Tier", "version": "1.0.0", "capabilities": ["council"], "frameRate": 60,
}  # fmt: skip


def test_every_kind() -> None:
    assert p.parse(event(p.ENERGY, ENERGY, frameNumber=7)) == p.Energy(
        NOW_MS, 7, 0.5, -0.1, 2, 0.0075, "llama3:8b"
    )
    assert p.parse(event(p.FIELD, FIELD)) == p.Field(NOW_MS, None, "lightning", 0.25, "m")
    assert p.parse(event(p.INTERFERENCE, INTERFERENCE, frameNumber=1)) == p.Interference(
        NOW_MS, 1, "neutral", ("a", "b"), 1.0, 0.0
    )
    assert p.parse(event(p.RESONANCE, RESONANCE)) == p.Resonance(NOW_MS, None, "harmonic", ("a", "b"), 2.5, 0.4)
    assert p.parse(event(p.REWARD, REWARD)) == p.Reward(NOW_MS, "level_up", "Blitz\\x1b[31m", 50, 2)
    assert p.parse(event(p.ERROR, TROUBLE)) == p.Trouble(NOW_MS, "error", "MODEL_GONE", "model", True)
    assert p.parse(event(p.STARTUP, STARTUP)) == p.Startup(NOW_MS, "m", "Mid-Tier", "1.0.0", ("council",), 60.0)
    heartbeat = p.parse(event(p.HEARTBEAT, {"sequence": 3, "serverTime": 5, "connectionId": "c"}))
    assert isinstance(heartbeat, p.Heartbeat)
    assert heartbeat.sequence == 3
    assert math.isnan(heartbeat.frame_rate)


def test_tokens_are_counted_and_their_cost_shared() -> None:
    told = p.parse(event(p.TOKENS, TOKENS))
    assert isinstance(told, p.Tokens)
    assert (told.tokens, told.complete, told.model, told.cost) == (3, False, "m", 2.0)
    again = p.parse(event(p.TOKENS, TOKENS | {"tokens": [], "isComplete": True}))
    assert isinstance(again, p.Tokens)
    assert again.session == told.session
    assert again.complete
    assert math.isnan(again.cost)
    other = p.parse(event(p.TOKENS, TOKENS | {"sessionId": "s-2"}))
    assert isinstance(other, p.Tokens)
    assert other.session != told.session
    assert b"s-1" not in told.session
    assert len(told.session) == 8


def held(root: object) -> list[str | bytes]:
    """Texts that can be reached from something, through containers, functions and what else Python tracks."""
    seen = {id(root)}
    stack, found = [root], []
    while stack:
        item = stack.pop()
        if isinstance(item, str | bytes):
            found.append(item)
            continue
        for other in gc.get_referents(item):
            if id(other) not in seen and not isinstance(other, ModuleType | type):
                seen.add(id(other))
                stack.append(other)
    return found


def test_no_text_of_a_model_outlives_the_call() -> None:
    secret = "zaunkoenig-" + "x" * 9
    told = [
        p.parse(
            event(p.TOKENS, TOKENS | {"tokens": [secret] * 3, "sessionId": secret, "modelId": "known-by-name"})
        ),
        p.parse(event(p.TOKENS, TOKENS | {"tokens": [secret, 1]})),
        p.parse(event(p.ERROR, TROUBLE | {"message": secret})),
        p.parse(event(p.ERROR, TROUBLE | {"severity": secret})),
        p.parse(event(p.ENERGY, ENERGY | {"energyDistribution": {secret: secret}, "totalEnergy": secret})),
    ]
    assert [type(item) for item in told] == [p.Tokens, p.Refusal, p.Trouble, p.Refusal, p.Refusal]
    texts = [repr(item) for item in held([told, vars(p)])]
    assert any("known-by-name" in text for text in texts)
    assert not any(secret in text for text in texts)


@pytest.mark.parametrize(
    ("kind", "payload", "change"),
    [
        (p.ENERGY, ENERGY, {"totalEnergy": -1}),
        (p.ENERGY, ENERGY, {"totalEnergy": "viel"}),
        (p.ENERGY, ENERGY, {"processingTime": 1e9}),
        (p.ENERGY, ENERGY, {"tokensGenerated": 1.5}),
        (p.ENERGY, ENERGY, {"modelId": ""}),
        (p.ENERGY, ENERGY, {"modelId": "m" * 129}),
        (p.FIELD, FIELD, {"intensity": 1.1}),
        (p.FIELD, FIELD, {"fieldType": "rain"}),
        (p.TOKENS, TOKENS, {"tokens": [1]}),
        (p.TOKENS, TOKENS, {"tokens": ["a", None]}),
        (p.TOKENS, TOKENS, {"tokens": ["a"] * 10_001}),
        (p.TOKENS, TOKENS, {"sessionId": 5}),
        (p.TOKENS, TOKENS, {"sessionId": "s" * 5000}),
        (p.TOKENS, TOKENS, {"isComplete": "ja"}),
        (p.INTERFERENCE, INTERFERENCE, {"models": ["a"]}),
        (p.RESONANCE, RESONANCE, {"amplitude": 2}),
        (p.REWARD, REWARD, {"points": -1}),
        (p.REWARD, REWARD, {"level": 0}),
        (p.ERROR, TROUBLE, {"code": "no code"}),
        (p.HEARTBEAT, {"sequence": 0}, {"sequence": -1}),
        (p.STARTUP, STARTUP, {"tier": "Top"}),
    ],
)
def test_out_of_bounds_is_malformed(kind: str, payload: dict[str, object], change: dict[str, object]) -> None:
    assert not isinstance(p.parse(event(kind, payload)), p.Refusal)
    told = p.parse(event(kind, payload | change))
    assert isinstance(told, p.Refusal)
    assert told.why == p.MALFORMED
    assert next(iter(change)) in told.detail


def test_what_is_no_event() -> None:
    def why(data: bytes) -> str:
        told = p.parse(data)
        assert isinstance(told, p.Refusal)
        assert SECRET not in told.detail
        return told.why

    assert why(event("unheard_of", {"secret": SECRET})) == p.UNKNOWN
    assert why(b'{"type": "heartbeat"}') == p.MALFORMED
    assert why(b'{"type": "heartbeat", "payload": []}') == p.MALFORMED
    assert why(event(p.HEARTBEAT, {"sequence": 1}, timestamp=-1)) == p.MALFORMED
    assert why(event(p.ENERGY, ENERGY, frameNumber=-1)) == p.MALFORMED
    assert why(event(p.ENERGY, ENERGY, frameNumber=2**80)) == p.MALFORMED
    assert why(b'"' + SECRET.encode()) == p.MALFORMED
    assert why(b"[" * 100_000) == p.MALFORMED
    assert why(event(p.TOKENS, TOKENS | {"x": "x" * p.LIMIT})) == p.OVERSIZED


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
payloads = (ENERGY, FIELD, TOKENS, INTERFERENCE, RESONANCE, REWARD, TROUBLE, STARTUP, {"sequence": 1})


@given(st.binary(max_size=400))
def test_any_bytes_are_an_event_or_refused(data: bytes) -> None:
    told = p.parse(data)
    assert isinstance(told, p.Event | p.Refusal)


@given(st.sampled_from(p.TYPES), st.sampled_from(payloads), st.data())
def test_any_fields_are_an_event_or_refused(kind: str, payload: dict[str, object], data: st.DataObject) -> None:
    keys = data.draw(st.lists(st.sampled_from(sorted(payload)), max_size=3))
    changed = payload | {key: data.draw(values) for key in keys}
    more = data.draw(st.dictionaries(st.sampled_from(("frameNumber", "timestamp", "channel")), values, max_size=2))
    told = p.parse(event(kind, changed, **more))
    if isinstance(told, p.Refusal):
        assert told.why in (p.MALFORMED, p.UNKNOWN, p.OVERSIZED)
        return
    for value in told:
        assert not isinstance(value, float) or not math.isinf(value)
        assert not isinstance(value, str) or (len(value) <= 700 and value.isprintable())


@given(
    st.lists(st.text(max_size=20), max_size=50),
    st.text(min_size=1, max_size=40),
    st.booleans(),
    st.none() | st.floats(0, 1e6),
)
def test_tokens_come_through_by_number(
    tokens: list[str], session: str, complete: bool, cost: float | None
) -> None:
    payload = {"tokens": tokens, "isComplete": complete, "sessionId": session, "modelId": "m", "energyCost": cost}
    told = p.parse(event(p.TOKENS, payload))
    assert isinstance(told, p.Tokens)
    assert (told.tokens, told.complete) == (len(tokens), complete)
    if cost is None or not tokens:
        assert math.isnan(told.cost)
    else:
        assert told.cost * len(tokens) == pytest.approx(cost)
