"""Programs that make frames, and how true the pictures of energy are, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wftui.tui.plain import speech
from wftui.tui.plain.facts import Fact
from wftui.tui.ux_screen import seen

if TYPE_CHECKING:
    from wftui.tui.state import State

SUBJECTS = ("program ", "fidelity ", "core ")
"""Begins of the subjects of these facts."""


def drawing_facts(state: State) -> list[Fact]:
    """One for each program, each view that tells how true it is, and the core's person."""
    found = [_program(program) for program in seen.programs(state)]
    found += [_view(view) for view in seen.views(state) if view.ratio == view.ratio]
    return found + [_core(core) for core in seen.cores(state) if core.level == core.level]


def answer(state: State) -> list[str]:
    """All of them."""
    found = [fact.sentence for fact in drawing_facts(state)]
    return found or ["No program tells its frames. Pusher dot frame of wftui dot client tells them."]


def _program(program: seen.Program) -> Fact:
    name = f"Program {speech.spoken(program.name, 40)}"
    subject = f"{SUBJECTS[0]}{program.label[0]} {program.label[1]}"
    if program.draws is False:
        return Fact(subject, f"{name} does not draw", words=("still",))
    window = program.windows["10s"]
    words = (program.trouble, program.bottleneck)
    if window.fps != window.fps:
        return Fact(subject, f"{name}, frames a second unknown", words=words)
    said = []
    if window.p95 == window.p95:
        said.append(f"95 of 100 within {_milliseconds(window.p95)}")
    if program.bottleneck:
        said.append(f"{program.bottleneck} is furthest over its share")
    figure = f"{speech.number(window.fps)} frames a second"
    return Fact(
        subject, f"{name} draws {figure}", figure, window.fps, ", ".join(said), ((window.fps, 8.0),), words
    )


def _view(view: seen.View) -> Fact:
    figure = speech.percent(view.ratio)
    said = []
    if view.lag_s == view.lag_s:
        said.append(f"{_milliseconds(view.lag_s)} behind")
    if view.cause:
        said.append(f"most of the rest lost because {seen.WORDS[view.cause]}")
    head = f"View {speech.spoken(view.number, 10)} of wftop shows {figure} of the energy computed"
    role = seen.ratio_role(view.ratio)
    return Fact(
        f"{SUBJECTS[1]}{view.number}", head, figure, view.ratio, ", ".join(said), ((view.ratio, 0.1),), (role,)
    )


def _core(core: seen.Core) -> Fact:
    level = speech.number(core.level)
    rest = f"{speech.number(core.rate)} levels an hour" if core.rate == core.rate else ""
    return Fact(f"{SUBJECTS[2]}{core.source}", f"Core at level {level}", rest=rest, words=(level,))


def _milliseconds(seconds: float) -> str:
    return f"{speech.number(seconds * 1000)} milliseconds"
