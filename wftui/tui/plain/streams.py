"""Streams of tokens in words: a sentence each, and what they come to together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.energy import stream
from wftui.model.streams import COUNTERS
from wftui.tui.energy.flows import flows
from wftui.tui.plain import speech
from wftui.tui.plain.facts import Fact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.tui.energy.flows import Flow
    from wftui.tui.state import State

_MOST: Final = 5
"""Of more streams only what they come to together is told by itself."""
_DOES: Final = {
    stream.IDLE: "is idle",
    stream.CHARGING: "waits for its first token",
    stream.FLOWING: "flows",
    stream.STALLING: "stalls",
    stream.SATURATED: "flows at full energy",
    stream.DRAINED: "has ended its answer",
}
_QUIET: Final = frozenset({stream.IDLE, stream.DRAINED})


def stream_facts(state: State) -> list[Fact]:
    """One for each stream, of many one for all. A stall is news, and its end; answers come and go unsaid."""
    found = flows(state)
    if len(found) > _MOST:
        stalled = sum(flow.state == stream.STALLING for flow in found)
        return [Fact("streams", _together(state, found), words=(str(stalled),))]
    return [_fact(flow) for flow in found]


def answer(state: State) -> list[str]:
    """All of them, and what they come to."""
    found = flows(state)
    if not found:
        return ["No stream of tokens is known. Programs push them, or answers pass through wftop proxy."]
    return [*(_fact(flow).sentence for flow in found), f"{_together(state, found)}."]


def _fact(flow: Flow) -> Fact:
    source = flow.source or flow.server
    of = f" of {speech.spoken(source, 60)}" if source and source != flow.name else ""
    does = _DOES.get(flow.state, "is in a state that nobody tells")
    rest = []
    if flow.state not in _QUIET:
        rest.append(f"energy {_level(flow.energy)}")
        rest.append(f"{speech.number(flow.rate)} tokens a second")
        if flow.certainty == flow.certainty:
            rest.append(f"{speech.percent(flow.certainty)} sure")
    rest.append(f"{_whole(flow.units)} energy units so far")
    if flow.told_by == COUNTERS:
        rest.append("estimated by the counters of its server")
    head = f"Stream {speech.spoken(flow.name, 60)}{of} {does}"
    return Fact(
        f"stream {flow.key}", head, rest=", ".join(rest), words=("stalls" * (flow.state == stream.STALLING),)
    )


def _together(state: State, found: Sequence[Flow]) -> str:
    going = [flow for flow in found if flow.state not in _QUIET]
    several = "s" if len(found) > 1 else ""
    said = f"{len(found)} stream{several} of tokens, {len(going)} with an answer under way"
    energy = state.value("ux.ensemble.energy")
    if going and energy == energy:
        said += f", energy of these {_level(energy)}"
    for mode, words in (("top_k", "by what they say"), ("timing", "estimated by their timing")):
        apart = state.value("ux.ensemble.disagreement", ("mode", mode))
        if apart == apart:
            said += f", two disagree by {_level(apart)} {words}"
    return said


def _level(value: float) -> str:
    return speech.UNKNOWN if value != value else f"{value:.2f}"


def _whole(value: float) -> str:
    return speech.UNKNOWN if value != value else f"{value:.0f}"
