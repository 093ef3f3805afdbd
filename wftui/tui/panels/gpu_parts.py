"""Pieces that cards, rows and strip of the GPU panel are made of."""

from __future__ import annotations

import re

from wftui.render import text
from wftui.render.palette import heat
from wftui.tui.frame import Row, Segment, plain
from wftui.tui.gpus import BAD, GOOD, QUIET, Gpu
from wftui.tui.scene import Scene
from wftui.units import NS_PER_S

COOL = 30.0
"""Degrees at which the heat scale of a GPU begins."""
HOT = 95.0
"""Where it ends for a GPU that tells no limit."""
_AGE = re.compile(r"^ for \d+ (s|min|h|d)\b")
SPEECHLESS = frozenset({"lost", "stuck", "failed"})


def sign(scene: Scene, gpu: Gpu) -> Segment:
    """One cell: how it is."""
    glyphs = scene.glyphs
    if gpu.level == QUIET:
        return glyphs.health.get(gpu.state, glyphs.none), "dim"
    if gpu.level == GOOD:
        return glyphs.ok, "good"
    if gpu.level == BAD:
        return (glyphs.lost if gpu.state in SPEECHLESS else glyphs.alert), "bad"
    return (glyphs.none if gpu.state == "denied" else glyphs.alert), "warn"


def role(gpu: Gpu) -> str:
    """What words about it are drawn in."""
    return {GOOD: "text", QUIET: "dim", BAD: "bad"}.get(gpu.level, "warn")


def words(scene: Scene, gpu: Gpu) -> str:
    """Its trouble, and for how long; empty: none."""
    return aged(scene, gpu.trouble, gpu.trouble_ns)


def aged(scene: Scene, trouble: str, since_ns: int | None) -> str:
    """A trouble with its age: ``power-capped 12 s``; of what was and is over, how long ago."""
    if not trouble or since_ns is None:
        return trouble
    age = text.duration(max(0.0, (scene.now.time_ns - since_ns) / NS_PER_S))
    return f"{trouble}, {age} ago" if trouble.startswith("Xid") else f"{trouble} {age}"


def why(scene: Scene, gpu: Gpu) -> str:
    """The trouble with the source's own words after it."""
    said = words(scene, gpu)
    more = reason(scene, gpu)
    if not said or not more:
        return said or more
    return f"{said} {more}" if more.startswith("(") else f"{said}: {more}"


def reason(scene: Scene, gpu: Gpu) -> str:
    """The source's words, without what the trouble and its age already say."""
    said = plain(gpu.reason, scene.glyphs)
    if gpu.trouble and said.lower().startswith(gpu.trouble.lower()):
        said = _AGE.sub("", said[len(gpu.trouble) :]).lstrip(" :,")
    return said


def percent(gpu: Gpu, ratio: float, field: str, known: str = "strong") -> Segment:
    """5 cells; a number that it cannot have is ``n/a``."""
    return (text.percent(ratio), known) if ratio == ratio else (f"{absent(gpu, field):>5}", "dim")


def absent(gpu: Gpu, *fields: str) -> str:
    """What stands for a number that is not there."""
    return "n/a" if fields and gpu.unavailable.issuperset(fields) else text.UNKNOWN


def celsius(scene: Scene, gpu: Gpu) -> Segment:
    """6 cells: the temperature, as warm as it is near to where clocks are lowered."""
    if gpu.temperature != gpu.temperature:
        return f"{absent(gpu, 'temp_gpu'):>6}", "dim"
    sign = scene.glyphs.degree.strip()[:-1] + text.degree_letter()
    return f"{text.degrees(gpu.temperature):.0f} {sign}".rjust(6), warmth(gpu)


def warmth(gpu: Gpu) -> str:
    """Role of its temperature."""
    top = gpu.hot_at if gpu.hot_at > COOL else HOT
    return heat((gpu.temperature - COOL) / (top - COOL), "temperature")


def watts(gpu: Gpu) -> Segment:
    """6 cells: the power, as warm as it is near to its limit."""
    if gpu.power != gpu.power:
        return f"{absent(gpu, 'power', 'power_average'):>6}", "dim"
    share = gpu.power / gpu.power_limit if gpu.power_limit > 0 else float("nan")
    return text.watts(gpu.power), heat(share, "power") if share == share else "text"


def limited_watts(gpu: Gpu) -> Row:
    """11 cells: the power and its limit."""
    figure = watts(gpu)
    if not gpu.power_limit > 0 or gpu.power != gpu.power:
        return [(f"{figure[0]:>11}", figure[1])]
    return [(figure[0][:-2], figure[1]), (f"/{gpu.power_limit:.0f} W".ljust(7), "dim")]


def shown(gpu: Gpu) -> tuple[object, ...]:
    """A GPU's numbers as finely as they are drawn."""
    numbers = (gpu.utilization * 200, gpu.memory_share * 200, gpu.temperature, gpu.power, gpu.clock / 1e7)
    drawn = tuple(round(value) if value == value else None for value in numbers)
    used = round(gpu.memory_used / 2**26) if gpu.memory_used == gpu.memory_used else None
    limits = tuple(value if value == value else None for value in (gpu.memory_total, gpu.power_limit, gpu.hot_at))
    return (gpu.title, gpu.short, gpu.level, gpu.state, gpu.unavailable, gpu.mig, used, *drawn, *limits)


def hertz(gpu: Gpu) -> Segment:
    """8 cells."""
    if gpu.clock != gpu.clock:
        return f"{absent(gpu, 'clock_graphics'):>8}", "dim"
    return f"{text.frequency(gpu.clock).strip():>8}", "text"


def hue(ratio: float) -> str:
    """The role of a share that is as warm as it is high; nothing at all is no figure."""
    return heat(ratio, "gpu") if ratio >= 0.005 else "dim"
