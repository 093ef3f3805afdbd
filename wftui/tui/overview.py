"""Where the panels of the overview stand on this machine: what it has, and ever had, makes room for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wftui.model.gpus import GPUS
from wftui.model.servers import SERVERS
from wftui.model.streams import STREAMS
from wftui.tui import layout
from wftui.tui.gpus import boxes, talks

if TYPE_CHECKING:
    from wftui.tui.layouts.plan import Plan
    from wftui.tui.state import State

_GPUS: Final = "gpus on the overview"
_MODELS: Final = "models on the overview"
_UX: Final = "ux on the overview"


def overview(state: State, width: int, height: int, plan: Plan = layout.DEFAULT) -> layout.Layout:
    """Where the panels of the overview stand on this machine."""
    count, quiet = gpu_count(state)
    return layout.overview(
        width, height, count, quiet=quiet, models=model_count(state), ux=ux_count(state), plan=plan
    )


def model_count(state: State) -> int:
    """Lines that the models panel is made room for: the most that there ever were, so that nothing jumps when a
    server restarts or lets go of a model; 0: no server was ever seen."""
    whose = state.hello.data_dir if state.hello is not None else ""
    if not state.tables.get(SERVERS.name) and _MODELS not in state.kept:
        return 0
    before, was = state.kept.get(_MODELS, ("", 0))
    from wftui.tui.panels import (
        models,  # here: seven milliseconds of a start, which a machine without servers saves
    )

    most = max(models.count(state), int(was) if before == whose else 0)  # type: ignore[call-overload]  # what the next line puts there
    state.kept[_MODELS] = whose, most
    return most


def ux_count(state: State) -> int:
    """The same of the panel of UX: programs that push frames or tokens, a core; 0: there was never one."""
    whose = state.hello.data_dir if state.hello is not None else ""
    there = state.tables.get(STREAMS.name) or state.by_name.get("ux.frame.rate")
    if not there and _UX not in state.kept:
        return 0
    before, was = state.kept.get(_UX, ("", 0))
    from wftui.tui.panels import ux  # here: as above

    most = max(ux.count(state), int(was) if before == whose else 0)  # type: ignore[call-overload]  # as above
    state.kept[_UX] = whose, most
    return most


def gpu_count(state: State) -> tuple[int, bool]:
    """How many GPUs panels have to be made room for, and whether none of them has anything to tell."""
    known = boxes(state)
    if known or GPUS.name in state.tables:
        count, quiet = len(known), not any(talks(gpu) for gpu in known)
        state.kept[_GPUS] = None, (count, quiet)
    else:
        # Not told: in a gap of the recording, or for the second after a new link. Panels stay where they were.
        was = state.kept.get(_GPUS)
        count, quiet = was[1] if was else (len(state.labels("hw.gpu.memory.limit", "gpu")), False)  # type: ignore[misc]  # what the line above put there
    return count, quiet
