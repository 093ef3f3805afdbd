"""Events of streams of tokens and of a core, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.render import text
from wftui.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wftui.model.sample import JsonValue

STREAM: Final = "stream"
CORE: Final = "core"
KINDS: Final = frozenset({STREAM, CORE})
"""What these events are about (``aggregate_type``)."""
_USUAL: Final = "finished"
"""How an answer ends as a rule: not worth a word."""


def named(payload: Mapping[str, JsonValue]) -> str:
    """Which stream: ``llama3 of my-app``; empty: the event does not say."""
    model, *who = (clean(str(payload.get(key) or "")) for key in ("model", "source", "server"))
    of = next((name for name in who if name), "")
    return f"{model} of {of}" if model and of else model or of


def said(kind: str, payload: Mapping[str, JsonValue]) -> str:
    """What happened; empty: the event is none of these, or says nothing."""
    make = _WORDS.get(kind)
    if make is None:
        return ""
    parts = make(payload)
    more = payload.get("more")
    if isinstance(more, int) and more:
        parts.append(f"{more} more since the last one told")
    return ", ".join(part for part in parts if part)


def _ended(payload: Mapping[str, JsonValue]) -> list[str]:
    tokens, took = payload.get("tokens"), _seconds(payload.get("duration_s"))
    answers = payload.get("answers")
    parts = [f"{tokens} token{'' if tokens == 1 else 's'}{f' in {took}' if took else ''}"]
    if isinstance(answers, int) and answers > 1:
        parts.append(f"{answers} answers")
    parts.append(_amount(payload.get("units"), "EU"))
    parts.append(_amount(payload.get("rate"), "tok/s"))
    first = _seconds(payload.get("first_token_s"))
    parts.append(f"first token after {first}" if first else "")
    energy = payload.get("energy_mean")
    parts.append(f"mean E {energy:.2f}" if isinstance(energy, int | float) else "")
    stalls = payload.get("stalls")
    if isinstance(stalls, int) and stalls:
        parts.append(f"{stalls} stall{'s' if stalls > 1 else ''}")
    ends = payload.get("ends")
    if isinstance(ends, dict):
        parts += [f"{count} {clean(how)}" for how, count in ends.items() if how != _USUAL]
    if payload.get("why"):
        parts.append(f"its end is known by {_word(payload, 'why')}")
    silent = _seconds(payload.get("silent_s"))
    return [*parts, f"silent for {silent}" if silent else ""]


def _stalled(payload: Mapping[str, JsonValue]) -> list[str]:
    since = _seconds(payload.get("last_token_s"))
    return [f"no token for {since}" if since else "no token comes"]


def _connected(payload: Mapping[str, JsonValue]) -> list[str]:
    version = payload.get("version")
    return [_word(payload, "url"), f"version {clean(str(version))}" if version else "", _word(payload, "model"),
            _word(payload, "tier")]  # fmt: skip


def _lost(payload: Mapping[str, JsonValue]) -> list[str]:
    lasted = _seconds(payload.get("lasted_s"))
    return [_word(payload, "reason"), _word(payload, "url"), f"it had been there for {lasted}" if lasted else ""]


def _error(payload: Mapping[str, JsonValue]) -> list[str]:
    recoverable = payload.get("recoverable")
    how = "" if recoverable is None else "recoverable" if recoverable else "not recoverable"
    return [f"{_word(payload, 'severity')} {_word(payload, 'code')} of {_word(payload, 'component')}", how]


def _interference(payload: Mapping[str, JsonValue]) -> list[str]:
    return [f"{_word(payload, 'pattern')} between {_models(payload)}", _level(payload, "intensity"),
            _level(payload, "coherence")]  # fmt: skip


def _resonance(payload: Mapping[str, JsonValue]) -> list[str]:
    hertz = _amount(payload.get("frequency_hz"), "Hz")
    return [f"{_word(payload, 'kind')} of {_models(payload)}", hertz, _level(payload, "amplitude")]


def _reward(payload: Mapping[str, JsonValue]) -> list[str]:
    level, points = payload.get("level"), payload.get("points")
    return [
        f"{_word(payload, 'kind').replace('_', ' ')}: {_word(payload, 'title')}",
        f"{points:g} points" if isinstance(points, int | float) else "",
        f"level {level}" if level is not None else "",
    ]


_WORDS: Final = {
    "stream.ended": _ended,
    "stream.abandoned": _ended,
    "stream.stalled": _stalled,
    "core.connected": _connected,
    "core.lost": _lost,
    "core.error": _error,
    "core.interference": _interference,
    "core.resonance": _resonance,
    "core.reward": _reward,
}


def _word(payload: Mapping[str, JsonValue], key: str) -> str:
    return clean(str(payload.get(key) or ""))


def _models(payload: Mapping[str, JsonValue]) -> str:
    models = payload.get("models")
    return ", ".join(clean(str(model)) for model in models) if isinstance(models, list) else "models"


def _level(payload: Mapping[str, JsonValue], key: str) -> str:
    value = payload.get(key)
    return f"{key} {value:.2f}" if isinstance(value, int | float) else ""


def _amount(value: JsonValue, unit: str) -> str:
    return f"{text.significant(value).strip()} {unit}" if isinstance(value, int | float) else ""


def _seconds(value: JsonValue) -> str:
    if not isinstance(value, int | float):
        return ""
    return f"{text.significant(value).strip()} s" if value < 60 else text.duration(value).strip()
