"""The picture held against what the program says of it: frame by frame, cell by cell.

The program says for each frame which particles it shows where, and how many cells of each ribbon are seen
(``WFTOP_CLAIMS``). What is on the terminal is read by an independent emulator from the bytes that arrived there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.pty.link import frames
from wftui.tui.energy.weave import SIGNS

PARTICLES = frozenset(SIGNS[kind] for kind in ("sharp", "soft", "plain"))
"""Used for nothing else on the whole screen."""
_OVER = frozenset(SIGNS.values())
_SURE = 12
"""Particles at least, by which a frame is known."""


class Verdict(NamedTuple):
    """How claims and terminal compare."""

    compared: int
    """Frames."""
    wrong: list[str]
    """What differs, in words."""
    particles: int
    """The most that one frame had."""
    waiting: int
    """Frames that were claimed and have not arrived."""


def claims(path: Path) -> list[dict[str, Any]]:  # Any: JSON
    """All that were written so far."""
    data = path.read_bytes() if path.exists() else b""
    # The last line may still be under way, and end inside a character.
    return [json.loads(line) for line in data.split(b"\n")[:-1]]


def compare(output: bytes, size: tuple[int, int], claimed: Sequence[dict[str, Any]]) -> Verdict:
    """Hold what arrived against what was claimed.

    Frames are numbered by the program from the first that it painted itself; the toolkit may have painted some
    before. How many is found by the first claim of many particles, and then has to be so for all.
    """
    waiting = {int(claim["frame"]): claim for claim in claimed}
    sure = next((claim for claim in claimed if claim["particles"] >= _SURE), None)
    if sure is None:
        return Verdict(0, [], 0, len(waiting))
    before: list[list[str]] = []
    offset: int | None = None
    wrong: list[str] = []
    most = 0
    for frame in frames(output, size):
        if offset is None:
            before.append(list(frame.lines))
            if _differences(frame.lines, sure):
                continue
            offset = frame.number - int(sure["frame"])
            pairs = [(number - offset, lines) for number, lines in enumerate(before)]
        else:
            pairs = [(frame.number - offset, frame.lines)]
        for number, lines in pairs:
            claim = waiting.pop(number, None)
            if claim is not None:
                wrong += _differences(lines, claim)
                most = max(most, int(claim["particles"]))
    return Verdict(len(claimed) - len(waiting), wrong, most, len(waiting))


def _differences(lines: Sequence[str], claim: dict[str, Any]) -> list[str]:
    found = []
    told = {(line, column, sign) for lane in claim["lanes"] for line, column, sign in lane["particles"]}
    there = {
        (line, column, sign)
        for line, text in enumerate(lines)
        if not PARTICLES.isdisjoint(text)
        for column, sign in enumerate(text)
        if sign in PARTICLES
    }
    at = f"frame {claim['frame']}"
    if told != there:
        found.append(f"{at}: claimed and not there {sorted(told - there)[:3]}, there {sorted(there - told)[:3]}")
    if len(there) != claim["particles"]:
        found.append(f"{at}: {claim['particles']} particles are claimed, {len(there)} are there")
    for lane in claim["lanes"]:
        begin, end = lane["column"], lane["column"] + lane["width"]
        for row, cells in enumerate(lane["ribbon"]):
            text = lines[lane["line"] + row][begin:end]
            seen = sum(sign != " " and sign not in _OVER for sign in text)
            if seen != cells:
                found.append(f"{at}: row {row} of {lane['key']}: {cells} cells of ribbon are claimed, {seen} seen")
    return found
