"""What energy costs: a token, a look, a counter's second, and frames of ten programs at 60 Hz.

    python tests/benchmarks/bench_energy_stream.py

Prints microseconds a call (the best of five runs) and, for frames, the share of a core that ten programs take.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from time import perf_counter

from wftui.energy.fidelity import LINK, Fidelity
from wftui.energy.spread import certainty, disagreement, entropy
from wftui.energy.stream import Stream
from wftui.windows.frames import SPANS_S, Frames

_RUNS = 5
_PROGRAMS = 10
_SECONDS = 30
_HZ = 60


def measured(work: Callable[[], None], calls: int) -> float:
    """Microseconds a call."""
    best = float("inf")
    for _ in range(_RUNS):
        gc.collect()
        began = perf_counter()
        work()
        best = min(best, perf_counter() - began)
    return best / calls * 1e6


def tokens(rate: int, count: int = 20_000) -> float:
    """Of one stream at so many a second."""

    def work() -> None:
        stream = Stream()
        for number in range(count):
            stream.token(number / rate, certainty=0.8)

    return measured(work, count)


def looks(rate: int, count: int = 20_000) -> float:
    """At a stream that had so many tokens in its last second."""
    stream = Stream()
    for number in range(rate):
        stream.token(number / rate)

    def work() -> None:
        for _ in range(count):
            stream.look(1.0)

    return measured(work, count)


def counters(count: int = 5_000) -> float:
    """50 tokens at a time."""

    def work() -> None:
        stream = Stream()
        for second in range(count):
            stream.counted(second, second + 1, 50)

    return measured(work, count)


def frames() -> tuple[float, float, float]:
    """Microseconds of a frame and of a look at all windows; share of a core at 60 Hz with a look a second."""
    stages = {"token": 0.004, "energy": 0.002, "render": 0.003, "overhead": 0.001}
    count = _PROGRAMS * _SECONDS * _HZ
    held: list[Frames] = []

    def work() -> None:
        held[:] = [Frames() for _ in range(_PROGRAMS)]
        for number in range(_SECONDS * _HZ):
            for program in held:
                program.frame(number / _HZ, 0.010 + number % 7 / 1000, stages)

    each = measured(work, count)

    def look() -> None:
        for program in held:
            for span_s in SPANS_S:
                program.look(_SECONDS + 0.05, span_s)

    looked = measured(look, _PROGRAMS)
    return each, looked, (_PROGRAMS * (_HZ * each + looked)) / 1e6


def lots(count: int = 20_000) -> float:
    """60 a second, with a look a second."""

    def work() -> None:
        made = Fidelity()
        for number in range(count):
            made.see(number / _HZ, 0.8, 0.02)
            made.miss(number / _HZ, 0.1, LINK)
            if number % _HZ == 0:
                made.look(number / _HZ)

    return measured(work, count)


def spreads(count: int = 5_000) -> float:
    """Certainty and disagreement over the top 20."""
    one = {str(number).encode(): 1 / (number + 1) for number in range(20)}
    other = {str(number + 5).encode(): 1 / (number + 1) for number in range(20)}

    def work() -> None:
        for _ in range(count):
            certainty(entropy(one.values()), len(one))
            disagreement(one, other)

    return measured(work, count)


def main() -> None:
    """Print the table."""
    print(f"{'what':<44} {'µs':>8}")
    for rate in (20, 1_000, 10_000):
        print(f"{f'token, {rate} a second':<44} {tokens(rate):>8.2f}")
    for rate in (20, 10_000):
        print(f"{f'look, {rate} tokens in the last second':<44} {looks(rate):>8.2f}")
    print(f"{'counter, 50 tokens at a time':<44} {counters():>8.2f}")
    print(f"{'lot seen and lot missed':<44} {lots():>8.2f}")
    print(f"{'certainty and disagreement, top 20':<44} {spreads():>8.2f}")
    each, looked, share = frames()
    print(f"{'frame with its parts':<44} {each:>8.2f}")
    print(f"{'look at 1 s, 10 s and 5 min':<44} {looked:>8.2f}")
    print(f"{f'{_PROGRAMS} programs at 60 Hz, share of a core':<44} {share:>8.2%}")


if __name__ == "__main__":
    main()
