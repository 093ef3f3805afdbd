"""Events of streams and of a core, as a person reads them."""

from __future__ import annotations

import pytest

from tests.unit.streams.running import LLAMA, Desked
from wftui.model.sample import JsonValue
from wftui.names import events
from wftui.render import stream_words

ENDED: dict[str, JsonValue] = {
    "source": "app", "server": "", "model": "llama3", "told_by": "tokens", "answers": 1, "tokens": 60,
    "units": 41.851818, "duration_s": 2.593128, "first_token_s": 0.301175, "rate": 26.176943, "stalls": 0,
    "energy_mean": 0.69753, "energy_peak": 0.856708, "ends": {"finished": 1},
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "payload", "words"),
    [
        ("stream.ended", ENDED,
         "60 tokens in 2.59 s, 41.9 EU, 26.2 tok/s, first token after 0.30 s, mean E 0.70"),
        ("stream.ended", {"tokens": 4, "units": None, "answers": 3, "stalls": 2, "duration_s": None,
                          "ends": {"finished": 1, "aborted": 2}},
         "4 tokens, 3 answers, 2 stalls, 2 aborted"),
        ("stream.abandoned", {"tokens": 4, "ends": {"abandoned": 1}, "why": "silence", "silent_s": 300.0},
         "4 tokens, 1 abandoned, its end is known by silence, silent for 5 min"),
        ("stream.stalled", {"last_token_s": 0.52, "more": 3},
         "no token for 0.52 s, 3 more since the last one told"),
        ("core.connected", {"url": "ws://127.0.0.1:1/ws", "version": "1.2", "model": "m", "tier": "Mid-Tier"},
         "ws://127.0.0.1:1/ws, version 1.2, m, Mid-Tier"),
        ("core.lost", {"url": "ws://127.0.0.1:1/ws", "reason": "cut off", "lasted_s": 12.5},
         "cut off, ws://127.0.0.1:1/ws, it had been there for 12.5 s"),
        ("core.error", {"severity": "error", "code": "OOM", "component": "model", "recoverable": False},
         "error OOM of model, not recoverable"),
        ("core.interference", {"pattern": "constructive", "models": ["a", "b"], "intensity": 0.7,
                                "coherence": 0.9},
         "constructive between a, b, intensity 0.70, coherence 0.90"),
        ("core.resonance", {"kind": "harmonic", "models": ["a", "b"], "frequency_hz": 2.5, "amplitude": 0.4},
         "harmonic of a, b, 2.50 Hz, amplitude 0.40"),
        ("core.reward", {"kind": "level_up", "title": "Third", "points": 50.0, "level": 3},
         "level up: Third, 50 points, level 3"),
        ("gpu.lost", {"reason": "x"}, ""),
    ],
)  # fmt: skip
def test_words(kind: str, payload: dict[str, JsonValue], words: str) -> None:
    assert stream_words.said(kind, payload) == words


def test_every_event_of_streams_and_of_a_core_has_words_whatever_it_lacks() -> None:
    kinds = [kind for kind in events.EVENT_TYPES if kind.partition(".")[0] in stream_words.KINDS]
    assert len(kinds) >= 9
    for kind in kinds:
        assert stream_words.said(kind, {"url": "u", "reason": "r", "tokens": 1})
        stream_words.said(kind, {})
        stream_words.said(kind, {"models": 5, "ends": 5, "tokens": "x", "units": "x", "points": "x", "more": "x"})


def test_what_the_recorder_says_of_an_answer_is_understood() -> None:
    made = Desked()
    made.desk.prompt(LLAMA, 1000.0)
    made.desk.tokens(LLAMA, 1001.0, 1)
    made.desk.end(LLAMA, 1002.0)
    made.to(1004.0)
    [ended] = made.events
    said = stream_words.said(ended.kind, ended.payload)
    assert said.startswith("1 token in 2.00 s, 0.1")
    assert "first token after 1.00 s" in said
    assert stream_words.named(ended.payload) == "llama3 of app"


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        ({"model": "m", "source": "", "server": "h:1"}, "m of h:1"),
        ({"model": "", "source": "app"}, "app"),
        ({"model": "m"}, "m"),
        ({}, ""),
    ],
)
def test_names(payload: dict[str, JsonValue], name: str) -> None:
    assert stream_words.named(payload) == name
