"""GPUs: for now whether there are any, and why there is nothing more to see."""

from __future__ import annotations

from wftui.tui.frame import Row, fit_row, outside, plain
from wftui.tui.panels import parts
from wftui.tui.panels.pressure import wrap
from wftui.tui.scene import Body, Scene, keep

_COUNT = "hw.gpu.count"
_NAMES = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel"}


def _sentence(scene: Scene) -> tuple[str, str]:
    """What there is, and the reason or step; from the count where the source gives no reason."""
    state = scene.state
    source = state.source("gpu")
    reason = plain(source.reason, scene.glyphs) if source else ""
    fix = plain(source.fix, scene.glyphs) if source else ""
    if reason:
        return reason, fix
    counts = [
        f"{state.value(_COUNT, ('device', vendor)):.0f} {_NAMES.get(vendor, plain(vendor, scene.glyphs))} devices"
        for vendor in state.labels(_COUNT, "device")
        if state.value(_COUNT, ("device", vendor)) > 0
    ]
    if counts:
        return f"no GPU panel yet: {', '.join(counts)} seen", fix
    return ("no word on GPUs yet" if state.tick is None or source is None else "no GPU found"), fix


def line(scene: Scene, width: int) -> Row:
    """The subject in one line."""
    sentence, _ = _sentence(scene)
    return fit_row([parts.label("gpu", 5), (outside(sentence, max(0, width - 5), scene.glyphs), "dim")], width)


def draw(scene: Scene, width: int, height: int) -> Body:
    """Two lines: what is missing, and why."""
    sentence, fix = _sentence(scene)

    def make() -> Body:
        rows = wrap(scene, sentence, width, "dim", max(1, height - bool(fix)))
        if fix:
            rows += wrap(scene, f"{scene.glyphs.right} {fix}", width, "dim", 1)
        return Body(rows)

    return keep(scene.state, "gpus", (sentence, fix, width, height, scene.glyphs), make)
