"""Three models of a core that answer the same question every 40 s, and a program that draws: token by token.

One is fast and sure, one speaks in bursts, one is unsure, stalls now and then, and half of the time says something
else than the first. Everything is a function of the second of the script, and can be asked for any stretch of it.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Final, NamedTuple

from wftui.demo import story
from wftui.demo.noise import Dice, calm, slow
from wftui.energy.sink import Key, TokenSink

CORE: Final = "core"
SURE, BURSTY, DOUBTFUL = "llama3.3:70b", "mistral-small:24b", "phi4:14b"
MODELS: Final = (SURE, BURSTY, DOUBTFUL)
STUDIO: Final = "studio"
"""The program that draws, and tells the time of its frames."""
TURN_S: Final = 40
"""Between two questions."""
FIRST_S: Final = story.PAST_S % TURN_S
"""Second of the script of the first question: so there is one when somebody begins to look."""
FRAME_S: Final = 1 / 60
STAGES: Final = ("token", "energy", "render", "overhead")
_LOST_EVERY: Final = 211
"""Frames of the program, one of which is lost."""
_HITCH_EVERY: Final = 397
"""Frames of the program, one of which takes twice as long."""
_HEAVY: Final = (60, 110)
"""Seconds of the incident in which it has more to draw."""
_WORDS: Final = tuple(b"demo-%d" % number for number in range(24))
"""What a token is known by: no text, as from the door of the recorder."""
_TOPS: Final = 32
"""Seconds after which they choose among the same words again."""
_ALONE: Final = 0.02
"""Of a likelihood, what is left for the least likely word."""


class Step(NamedTuple):
    """Something that a model does."""

    at: float
    """Second of the script."""
    what: str
    """``prompt``, ``token`` or ``end``."""
    model: str
    certainty: float
    top: Mapping[bytes, float] | None


_at = itemgetter(0)


class Council:
    """What the three say. Keeps the turn it was asked for last."""

    def __init__(self) -> None:
        self._turn = -1
        self._steps: list[Step] = []
        self._tops = {model: [_top(model, number) for number in range(_TOPS)] for model in MODELS}

    def steps(self, since: float, until: float) -> Iterator[Step]:
        """What happens in [since, until), in order; each question's answers end within its turn."""
        last = int((until - FIRST_S) // TURN_S)
        for turn in range(max(0, int((since - FIRST_S) // TURN_S)), last + 1):
            if turn != self._turn:
                self._turn, self._steps = turn, self._answers(turn)
            begin = bisect_left(self._steps, since, key=_at)
            yield from self._steps[begin : bisect_left(self._steps, until, key=_at)]

    def _answers(self, turn: int) -> list[Step]:
        found: list[Step] = []
        for place, model in enumerate(MODELS):
            # Noise of its own for each turn and model, and the same in each run.
            dice = Dice(turn * 8 + place)
            asked = FIRST_S + turn * TURN_S + 0.4 * place
            times = _TIMES[model](dice, turn)
            found.append(Step(asked, "prompt", model, 0.0, None))
            found += [
                # All think of the same thing in the same second, so that what they choose can be compared.
                Step(asked + at, "token", model, sure, self._tops[model][int(asked + at) % _TOPS])
                for at, sure in times
            ]
            found.append(Step(asked + times[-1][0] + 0.05, "end", model, 0.0, None))
        return sorted(found, key=_at)


def _sure(dice: Dice, turn: int) -> list[tuple[float, float]]:
    """30 tokens a second and no doubt."""
    found, at = [], 0.35 + 0.2 * dice.throw()
    while at < 31:
        found.append((at, min(0.99, 0.88 + 0.09 * calm(turn * TURN_S + at, 201) + 0.02 * dice.throw())))
        at += 0.033 * (0.7 + 0.6 * dice.throw())
    return found


def _bursty(dice: Dice, turn: int) -> list[tuple[float, float]]:
    """A second or two at 40 a second, then nothing for a moment."""
    found, at = [], 0.9 + 0.5 * dice.throw()
    while at < 34:
        ends = at + 0.8 + 1.4 * dice.throw()
        while at < ends:
            found.append((at, 0.66 + 0.14 * calm(turn * TURN_S + at, 202) + 0.05 * dice.throw()))
            at += 0.025 * (0.6 + 0.8 * dice.throw())
        at += 0.3 + 0.8 * dice.throw()
    return found


def _doubtful(dice: Dice, turn: int) -> list[tuple[float, float]]:
    """11 tokens a second, unsure of each; twice a turn it stands still."""
    found, at = [], 1.6 + 0.8 * dice.throw()
    stands = [8 + 3 * dice.throw(), 19 + 3 * dice.throw()]
    while at < 36:
        found.append((at, 0.3 + 0.16 * calm(turn * TURN_S + at, 203) + 0.06 * dice.throw()))
        at += 0.09 * (0.6 + 0.8 * dice.throw())
        if stands and at > stands[0]:
            stands.pop(0)
            at += 1.7 + 1.6 * dice.throw()
    return found


_TIMES: Final = {SURE: _sure, BURSTY: _bursty, DOUBTFUL: _doubtful}


def _top(model: str, number: int) -> dict[bytes, float]:
    """The five likeliest words of a second."""
    best = {SURE: 0.86, BURSTY: 0.7, DOUBTFUL: 0.34}[model]
    # Half of the time the doubtful one prefers another word.
    shift = 2 if model == DOUBTFUL and number % 16 < 8 else 0
    rest = (1.0 - best - _ALONE) / 3
    odds = (best, rest, rest, rest, _ALONE)
    return {_WORDS[(number * 3 + place + shift) % len(_WORDS)]: share for place, share in enumerate(odds)}


class Frame(NamedTuple):
    """A picture that the program drew."""

    at: float
    took: float
    stages: dict[str, float]
    lost: bool
    """Whether the one before it is missing."""


def frames(since: float, until: float) -> Iterator[Frame]:
    """The frames done in [since, until)."""
    number = max(0, int(since / FRAME_S) - 1)
    while (at := number * FRAME_S) < until:
        if at >= since and _drawn(number, at):
            yield _frame(number, at)
        number += 1


def _drawn(number: int, at: float) -> bool:
    """Whether there is a frame of that number: who needs longer for one misses the turn of another."""
    late = number % _HITCH_EVERY == _HITCH_EVERY - 1 or (number % 4 == 3 and story.within(_HEAVY, at))
    return not late and number % _LOST_EVERY != 0


def _frame(number: int, at: float) -> Frame:
    dice = (number * 7_919) % 97 / 97
    heavy = story.within(_HEAVY, at) and number % 4 == 0
    hitch = number % _HITCH_EVERY == 0
    render = 0.0032 + 0.0022 * dice + (0.0125 if heavy else 0.0) + (0.013 if hitch else 0.0)
    stages = {
        "token": 0.0041 + 0.0016 * abs(slow(at, 210)),
        "energy": 0.0017 + 0.0006 * dice,
        "render": render,
        "overhead": 0.0006 + 0.0003 * dice,
    }
    return Frame(at, sum(stages.values()), stages, number % _LOST_EVERY == 1)


def core_frame(number: int) -> float:
    """Seconds that the core needed for one of its frames."""
    return 0.0061 + 0.004 * ((number * 6_151) % 89 / 89)


def bring(sink: TokenSink, council: Council, since: float, until: float, at_s: float) -> None:
    """Bring the tokens of [since, until) to a desk.

    ``at_s``: seconds of CLOCK_BOOTTIME at second 0 of the script.
    """
    for step in council.steps(since, until):
        key = Key(CORE, "", step.model)
        if step.what == "prompt":
            sink.prompt(key, at_s + step.at)
        elif step.what == "end":
            sink.end(key, at_s + step.at)
        else:
            sink.tokens(key, at_s + step.at, 1, certainty=step.certainty, top=step.top)


def bring_frames(sink: TokenSink, since: float, until: float, at_s: float) -> None:
    """The same of the frames of the program and of the core."""
    for frame in frames(since, until):
        if frame.lost:
            sink.lost(STUDIO, at_s + frame.at, 1)
        sink.frame(STUDIO, at_s + frame.at, frame.took, frame.stages)
        sink.frame(CORE, at_s + frame.at, core_frame(round(frame.at / FRAME_S)))
