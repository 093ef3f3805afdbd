"""Scripts of streams of tokens: what happens when, as lists that unit and end-to-end tests play alike.

Times are seconds from the script's beginning, whole milliseconds. A script names its models; each has its own
steps, in the order of their times. ``tests/energy_reference.py`` says what E, EU and states have to come of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from wftui.energy.stream import Stream

NAN: Final = float("nan")
PROMPT: Final = "prompt"
TOKEN: Final = "token"  # noqa: S105  a token of a model
COUNTED: Final = "counted"
END: Final = "end"


class Step(NamedTuple):
    """Something that happens."""

    at_s: float
    what: str
    certainty: float = NAN
    """Of a token; NaN: not told."""
    weight: float = 1.0
    since_s: float = NAN
    """Of a counter: since when."""
    many: int = 1
    """Of a counter: tokens since then."""


Steps = list[Step]
Script = Mapping[str, Steps]
"""Model to its steps."""


def prompt(at_s: float) -> Step:
    """An answer is asked for."""
    return Step(_ms(at_s), PROMPT)


def token(at_s: float, certainty: float = NAN, weight: float = 1.0) -> Step:
    """One token."""
    return Step(_ms(at_s), TOKEN, certainty, weight)


def counted(since_s: float, at_s: float, count: int) -> Step:
    """What a counter says."""
    return Step(_ms(at_s), COUNTED, since_s=_ms(since_s), many=count)


def end(at_s: float) -> Step:
    """An answer ends."""
    return Step(_ms(at_s), END)


def tokens(since_s: float, count: int, apart_s: float, certainty: float = NAN, weight: float = 1.0) -> Steps:
    """So many tokens, the first at a moment, the others each so much later."""
    return [token(since_s + number * apart_s, certainty, weight) for number in range(count)]


def _ms(at_s: float) -> float:
    return round(at_s * 1000) / 1000


STEADY: Final = [prompt(0), *tokens(0.5, 60, 0.1), end(6.5)]
"""10 tokens a second for six seconds, no certainty told."""

BURSTY: Final = [
    prompt(0),
    *tokens(0.2, 20, 0.02),
    *tokens(1.0, 20, 0.02),
    *tokens(2.2, 20, 0.02),
    end(2.7),
]
"""Three bursts of 20 tokens at 50 a second; the first pause is no stall, the second is 0.82 s."""

STALLED: Final = [prompt(0), *tokens(0.3, 10, 0.1), *tokens(1.7, 4, 0.5), *tokens(3.3, 10, 0.1), end(4.4)]
"""Fast, then four pauses of 0.5 s, then fast again: it stalls and recovers."""

SILENT: Final = [prompt(0), *tokens(0.3, 20, 0.05), token(5.0), token(5.1), end(5.2)]
"""A pause of 3.75 s in the midst of an answer."""

CERTAIN: Final = [prompt(0), *tokens(0.1, 120, 0.04, 1.0), end(5.0)]
"""25 tokens a second, all sure: E goes to 1 and the stream saturates."""

UNSURE: Final = [prompt(0), *tokens(0.1, 120, 0.04, 0.0), end(5.0)]
"""The same speed, each token a guess: E goes to 0.7, no further."""

WAVERING: Final = [
    prompt(0),
    *tokens(0.1, 80, 0.04, 0.95),
    *tokens(3.3, 40, 0.04, 0.1),
    *tokens(5.0, 12, 0.3, 0.1),
    end(8.6),
]
"""Sure and fast, then unsure, then slow: saturated, and no more."""

WEIGHTED: Final = [prompt(0), *tokens(0.2, 30, 0.05, 0.8, 2.5), *tokens(1.7, 30, 0.05, 0.8, 0.5), end(3.2)]
"""Tokens that cost more, and less, than a plain one."""

OVERLAPPING: Final = [
    prompt(0),
    *tokens(0.2, 10, 0.1),
    prompt(1.2),
    *tokens(1.25, 20, 0.05),
    end(2.3),
    *tokens(2.35, 10, 0.1),
    end(3.4),
]
"""Two answers at once: the first end drains nothing."""

COUNTERS: Final = [
    counted(0, 1, 8),
    counted(1, 2, 20),
    counted(2, 3, 21),
    counted(3, 4, 1),
    counted(4, 5, 0),
    counted(5, 6, 0),
    counted(6, 7, 15),
    counted(7, 8, 15),
]
"""A model server's counter, asked once a second."""

COUNTERS_FAST: Final = [counted(n / 10, (n + 1) / 10, (2, 1, 0)[n % 3]) for n in range(40)]
"""The same asked ten times a second: 2, 1 and no token in turn."""

AGAIN: Final = [
    prompt(0),
    *tokens(0.2, 30, 0.05),
    end(1.8),
    prompt(3.0),
    *tokens(3.4, 30, 0.05),
    end(5.0),
]
"""An end, and a new prompt."""

UNANSWERED: Final = [prompt(0), prompt(5), prompt(31), token(31.2), token(31.3), end(31.4)]
"""No first token for 30 s: idle again; the next prompt is answered."""

UNANNOUNCED: Final = tokens(0, 20, 0.05)
"""Tokens of a program that tells neither prompts nor ends."""

SCRIPTS: Final[Mapping[str, Script]] = {
    "steady": {"a": STEADY},
    "bursty": {"a": BURSTY},
    "stalled": {"a": STALLED},
    "silent": {"a": SILENT},
    "certain": {"a": CERTAIN},
    "unsure": {"a": UNSURE},
    "wavering": {"a": WAVERING},
    "weighted": {"a": WEIGHTED},
    "overlapping": {"a": OVERLAPPING},
    "counters": {"a": COUNTERS},
    "counters fast": {"a": COUNTERS_FAST},
    "again": {"a": AGAIN},
    "unanswered": {"a": UNANSWERED},
    "unannounced": {"a": UNANNOUNCED},
    "council": {"a": CERTAIN, "b": UNSURE, "c": STALLED},
}
"""All of them; ``council`` has three models."""


def merged(script: Script) -> Iterator[tuple[str, Step]]:
    """(model, step) of all models in the order of their times."""
    every = [(model, step) for model, steps in script.items() for step in steps]
    return iter(sorted(every, key=lambda item: item[1].at_s))


def play(stream: Stream, step: Step, offset_s: float = 0.0) -> None:
    """Tell a stream one step, all times later by an offset."""
    at_s = step.at_s + offset_s
    if step.what == PROMPT:
        stream.prompt(at_s)
    elif step.what == TOKEN:
        stream.token(at_s, certainty=step.certainty, weight=step.weight)
    elif step.what == COUNTED:
        stream.counted(step.since_s + offset_s, at_s, step.many, weight=step.weight)
    else:
        stream.end(at_s)


def play_all(stream: Stream, steps: Sequence[Step], offset_s: float = 0.0) -> None:
    """Tell a stream a whole script."""
    for step in steps:
        play(stream, step, offset_s)
