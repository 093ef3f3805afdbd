"""What happens on the scripted machine, and when: everything here is a function of the second of the script.

Every 20 minutes the same incident: the fan of GPU 3 is too weak, so it overheats and is throttled and holds up the
training job of GPUs 0 to 3; GPU 2 loses half of its PCIe lanes and falls behind; the model server on GPU 6 leaks
memory until the driver reports an Xid, and its model is loaded again. Meanwhile its clients ask the other server,
where requests queue up and are preempted. Later GPU 5 meets its power limit, and Ollama lets go of a model for a
while.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from wftui.demo.noise import slow
from wftui.model.sample import JsonValue

CYCLE_S: Final = 1200
"""Between two incidents."""
FIRST_S: Final = 120
"""Second of the script in which the first one begins."""
PAST_S: Final = FIRST_S + CYCLE_S + 540
"""Seconds that lie behind at the start: half an hour, in which the second incident began nine minutes ago."""

HOT, LAMED, LEAKING, CAPPED = 3, 2, 6, 5
"""Indexes of the GPUs that something happens to."""
SLOWED: Final = (75, 262)
"""Seconds of the incident in which the driver lowers the clocks of the hot one."""
SCORCHED: Final = (115, 200)
"""In which the hardware lowers them too."""
LANES: Final = (150, 420)
"""In which GPU 2 has half of its lanes."""
FAULT_S: Final = 301
"""When the leak ends in an Xid."""
BACK_S: Final = 312
"""When the server begins anew."""
LOADED_S: Final = 345
"""When its model is loaded."""
GONE_S: Final = FAULT_S + 4
"""When the dead server is known to be gone."""
QUEUED_S: Final = 314
"""When requests queue up at the server that is left."""
PREEMPTED_S: Final = 318
"""When that one begins to preempt."""
UNLOADED: Final = (700, 1100)
"""In which Ollama has let go of its larger model."""
POWER: Final = (800, 860)
"""In which GPU 5 meets its power limit."""
SAVE_EVERY_S: Final = 300
"""Between two checkpoints of the training job."""
SAVE_S: Final = 14
_HELD_S: Final = 3
"""Clocks have to be held back for so long before it is an event."""

XID: Final = 31
XID_WORDS: Final = "MMU Fault: ENGINE GRAPHICS GPCCLIENT_T1_2 faulted @ 0x7f31_0a00. Fault is of type FAULT_PDE"


class Happened(NamedTuple):
    """An event of the script."""

    at: float
    """Second of the script."""
    kind: str
    gpu: int
    payload: dict[str, JsonValue]


def phase(t: float) -> float:
    """Seconds since the last incident began; before the first one as if there had been one."""
    return (t - FIRST_S) % CYCLE_S


def incident(t: float) -> int:
    """Number of the incident that a second belongs to; -1: before the first."""
    return int((t - FIRST_S) // CYCLE_S)


def within(span: tuple[int, int], t: float) -> bool:
    """Whether the phase lies in [begin, end)."""
    return span[0] <= phase(t) < span[1]


def ramp(value: float, low: float, high: float) -> float:
    """0 below ``low``, 1 above ``high``, straight between."""
    return min(1.0, max(0.0, (value - low) / (high - low)))


def heat(t: float) -> float:
    """How much hotter GPU 3 is than it should be, °C."""
    at = phase(t)
    return 25.0 * ramp(at, 0, 110) * (1.0 - ramp(at, 205, 330))


@lru_cache(maxsize=16)
def saving(t: float) -> bool:
    """Whether the training job writes a checkpoint."""
    return (t + 40) % SAVE_EVERY_S < SAVE_S


@lru_cache(maxsize=16)
def loading(t: float) -> bool:
    """Whether the server of GPU 6 reads its model from the disk."""
    return within((BACK_S, LOADED_S), t)


def leak(t: float) -> float:
    """Share of the memory of GPU 6 that is in use."""
    at = phase(t)
    if at < FAULT_S:
        return 0.62 + 0.372 * (at / FAULT_S)
    if at < BACK_S:
        return 0.004
    return 0.02 + 0.60 * ramp(at, BACK_S, LOADED_S)


@lru_cache(maxsize=16)  # asked for by each core and card
def demand(t: float, place: int) -> float:
    """How busy a model server is, 0..1: the requests of people come in waves."""
    return min(1.0, max(0.05, 0.55 + 0.5 * slow(t, place)))


def spill(t: float) -> float:
    """How much of the demand on the dead server the other one has to bear, 0..1."""
    at = phase(t)
    if not FAULT_S < at < LOADED_S + 40:
        return 0.0
    return ramp(at, FAULT_S + 2, FAULT_S + 14) * (1.0 - ramp(at, LOADED_S, LOADED_S + 40))


@lru_cache(maxsize=16)
def served(t: float) -> float:
    """How busy the model server of GPUs 4 and 5 is, 0..1."""
    return min(1.0, demand(t, 4) + 0.5 * spill(t))


def serves(t: float) -> bool:
    """Whether the model server of GPU 6 answers."""
    return not within((FAULT_S, LOADED_S), t)


def generation(t: float) -> int:
    """How often the model server of GPU 6 began anew."""
    return max(0, incident(t) + (1 if phase(t) >= LOADED_S else 0))


def larger_loaded(t: float) -> bool:
    """Whether Ollama holds its larger model."""
    return not within(UNLOADED, t)


@lru_cache(maxsize=32)
def reasons(gpu: int, t: float) -> tuple[str, ...]:
    """What holds back the clocks of a GPU."""
    if gpu == HOT and within(SLOWED, t):
        return ("hw_thermal", "sw_thermal") if within(SCORCHED, t) else ("sw_thermal",)
    if gpu == CAPPED and within(POWER, t):
        return ("power_cap",)
    return ()


def began(span: tuple[int, int], t: float) -> float:
    """Second of the script in which the span that ``t`` lies in began."""
    return t - phase(t) + span[0]


def happened(since: float, until: float) -> Iterator[Happened]:
    """The events of [since, until), in order."""
    for number in range(max(0, incident(since)), incident(until) + 1):
        start = FIRST_S + number * CYCLE_S
        for offset, kind, gpu, payload in _EVENTS:
            if since <= start + offset < until:
                yield Happened(start + offset, kind, gpu, dict(payload))


def between(
    since: float, until: float, each: Sequence[tuple[float, str, str, dict[str, JsonValue]]]
) -> Iterator[tuple[float, tuple[str, str, dict[str, JsonValue]]]]:
    """(second of the script, what happened) for ``each`` (second of the incident, …) within [since, until)."""
    for number in range(max(0, incident(since)), incident(until) + 1):
        start = FIRST_S + number * CYCLE_S
        for offset, kind, about, payload in each:
            if since <= start + offset < until:
                yield start + offset, (kind, about, dict(payload))


_EVENTS: Final[tuple[tuple[float, str, int, dict[str, JsonValue]], ...]] = (
    (SLOWED[0] + _HELD_S, "gpu.throttled", HOT, {"reasons": ["sw_thermal"]}),
    (SLOWED[1] + _HELD_S, "gpu.unthrottled", HOT,
     {"reasons": ["hw_thermal", "sw_thermal"], "for_s": SLOWED[1] - SLOWED[0]}),
    (FAULT_S + 0.4, "gpu.xid", LEAKING, {"xid": XID, "origin": "nvml", "words": XID_WORDS}),
    (POWER[0] + _HELD_S, "gpu.throttled", CAPPED, {"reasons": ["power_cap"]}),
    (POWER[1] + _HELD_S, "gpu.unthrottled", CAPPED,
     {"reasons": ["power_cap"], "for_s": POWER[1] - POWER[0]}),
)  # fmt: skip
"""(second of the incident, kind, index of the GPU, what it says)."""
