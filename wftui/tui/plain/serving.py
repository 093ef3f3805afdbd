"""Model servers in words: a sentence each, and more about one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from wftui.model import health
from wftui.render import model_words as words
from wftui.render.model_figures import QUANTILES
from wftui.tui.models_screen import told
from wftui.tui.models_screen.model import Choice, fits
from wftui.tui.models_screen.seen import servers
from wftui.tui.plain import speech
from wftui.tui.plain.facts import Fact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wftui.render.model_cards import Server
    from wftui.tui.state import State

SUBJECT: Final = "server "
"""Begin of the subjects of these facts."""
_QUIET: Final = 50.0
"""Tokens per second below which a server comes and goes without a word."""
_MOST: Final = 8


def server_facts(state: State) -> list[Fact]:
    """One for each server."""
    return [server_fact(server) for server in servers(state)]


def server_fact(server: Server) -> Fact:
    """One server now."""
    subject = f"{SUBJECT}{server.endpoint}"
    name = _name(server)
    state = (server.state, server.trouble)
    if server.state != health.OK:
        why = f": {speech.spoken(server.reason)}" if server.reason else ""
        return Fact(subject, f"{name}, {server.state}{why}", words=state)
    of = server.figures
    loaded = [speech.spoken(model.name, 40) for model in server.loaded]
    parts = []
    if of.waiting == of.waiting or of.running == of.running:
        parts.append(f"{_count(of.running)} running, {_count(of.waiting)} waiting")
    if of.kv == of.kv:
        parts.append(f"cache {speech.percent(of.kv)} full")
    if of.ttft.p95 == of.ttft.p95:
        parts.append(f"first token within {_time(of.ttft.p95)} for 95 of 100")
    if server.trouble:
        parts.append(speech.spoken(server.verdict or server.trouble))
    what = f" with {speech.listed(loaded)}" if loaded else " without a model loaded" if server.models else ""
    speed = of.generation_mean
    figure = _speed(speed)
    head = f"{name}{what}, makes {figure}" if speed == speed else f"{name}{what}"
    numbers = (
        (math.log2(max(speed, _QUIET)) if speed == speed else math.nan, 2.0),
        (of.kv, 0.3),
        (math.log2(of.waiting + 1) if of.waiting >= 0 else math.nan, 3.0),
    )
    return Fact(subject, head, figure if speed == speed else "", speed, ", ".join(parts), numbers, state)


def together(found: Sequence[Server]) -> str:
    """Several servers in one sentence."""
    well = [server for server in found if server.state == health.OK]
    made = [speed for server in well if (speed := server.figures.generation_mean) == speed]
    said = f"{len(found)} model servers, {len(well)} of them ok"
    if made:
        said += f", together {_speed(sum(made))}"
    wrong = [f"{_name(server)} {server.trouble}" for server in found if server.trouble]
    return f"{said}, in trouble: {speech.listed(wrong)}." if wrong else f"{said}."


def answer(state: State, wanted: str) -> list[str]:
    """All servers, or more of the one that a word is about."""
    found = servers(state)
    if not found:
        source = next((item for item in state.sources if item.source == "servers"), None)
        why = f": {speech.spoken(source.reason)}" if source is not None and source.reason else ""
        return [f"No model server{why}."]
    if not wanted:
        return [server_fact(server).sentence for server in found]
    those = [server for server in found if fits(server, wanted)]
    if len(those) != 1:
        names = speech.listed([_name(server) for server in those or found], 20)
        which = "there are" if those else "there is no such server; there are"
        return [f"Which one is meant by {speech.spoken(wanted, 40)}: {which} {names}."]
    return [server_fact(those[0]).sentence, *_more(those[0])]


def _more(server: Server) -> list[str]:
    """Its models, figures, and what it lacks."""
    lines = []
    if server.fix:
        lines.append(f"What to do: {speech.spoken(server.fix)}.")
    if server.verdict and server.evidence:
        lines.append(f"Evidence: {speech.spoken(server.evidence)}.")
    for model in server.models[:_MOST]:
        facts = [model.state, model.quantization, words.placed(model)]
        said = ", ".join(speech.spoken(fact) for fact in facts if fact)
        lines.append(f"Model {speech.spoken(model.name, 60)}: {said}.")
    choice = Choice(server)
    if times := [_duration(item) for item in told.durations(choice)]:
        lines.append(f"Time: {', '.join(times)}.")
    for part in told.parts(choice):
        known = [f"{line.label} {_spoken(line.value)}" for line in part.lines if line.known]
        if known:
            lines.append(f"{part.title.capitalize()}: {', '.join(known)}.")
    for figure, fix in server.missing[:_MOST]:
        step = f"; what would bring it: {speech.spoken(fix)}" if fix else ""
        lines.append(f"Not told: {speech.spoken(figure)}{step}.")
    return lines


def _duration(item: told.Duration) -> str:
    quantiles = zip(QUANTILES, item.quantiles, strict=True)
    said = " ".join([item.label, *[f"{name} {_spoken(value.strip())}" for name, value in quantiles]])
    return f"{said} of {item.seen}" if item.seen else said


def _spoken(value: str) -> str:
    """A figure as it is written on the screen, its signs as words."""
    for sign, word in ((words.AT_MOST, "at most "), (words.AT_LEAST, "at least "), ("tok/s", "tokens per second")):
        value = value.replace(sign, word)
    return speech.spoken(value)


def _name(server: Server) -> str:
    return f"{speech.spoken(server.kind or 'Server', 20)} at {speech.spoken(server.endpoint, 60)}"


def _speed(value: float) -> str:
    return f"{value:.0f} tokens per second" if value >= 10 else f"{value:.1f} tokens per second"


def _count(value: float) -> str:
    return f"{value:.0f}" if value == value else "unknown"


def _time(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} milliseconds"
    return f"{speech.number(seconds)} seconds"
