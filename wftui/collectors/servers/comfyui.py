"""ComfyUI: its queue, jobs that ended, memory, and what its WebSocket says of the job that runs.

``/queue`` holds whole workflows, which may hold prompts and keys: it is never asked. ``/history`` holds them, too;
of it only states and times are read. Jobs are counted from the first look on.
"""

from typing import TYPE_CHECKING, Final

import msgspec

from wftui.collectors.servers.comfyui_jobs import Jobs, Now
from wftui.collectors.servers.figures import Key, Look, Missing, RequestInfo, gauge, named
from wftui.collectors.servers.sign import sign
from wftui.collectors.servers.web import Web, refusal
from wftui.errors import SourceFormatError
from wftui.model.sample import DERIVED

if TYPE_CHECKING:
    from wftui.collectors.servers.websocket import Socket

NAME: Final = "comfyui"
QUEUE: Final = "/prompt"
STATS: Final = "/system_stats"
HISTORY: Final = "/history"
SOCKET: Final = "/ws"
_STATS_EVERY: Final = 5
_HISTORY_EVERY: Final = 30
_SOCKET_EVERY: Final = 30
"""Looks between two questions, or two attempts."""
_LEAST: Final = 8
_MOST: Final = 64
"""Jobs asked for at once."""
_PRETENDER: Final = "koboldcpp"
_SHARED: Final = frozenset({"cpu", "mps"})
"""Devices whose memory is the machine's: what is taken there is not ComfyUI's alone."""
_OTHERS: Final = Missing("progress of jobs", "ComfyUI tells it only to the client that queued a job")
_HUGE: Final = Missing("jobs that ended just now", "their workflows are larger than what is read of an answer")


class _System(msgspec.Struct):
    comfyui_version: str = ""


class _Device(msgspec.Struct):
    name: str
    type: str
    torch_vram_total: float
    torch_vram_free: float


class _Stats(msgspec.Struct):
    system: _System
    devices: list[_Device]


class _Remaining(msgspec.Struct):
    queue_remaining: float


class _Queue(msgspec.Struct):
    exec_info: _Remaining


async def identify(web: Web) -> str | None:
    """``/system_stats`` with devices as ComfyUI describes them; KoboldCpp says so of a device of its own name."""
    stats = await sign(web, STATS, _Stats)
    if stats is None or not stats.devices or any(item.name == _PRETENDER for item in stats.devices):
        return None
    return stats.system.comfyui_version


class ComfyUi:
    """One ComfyUI."""

    def __init__(self) -> None:
        self._looks = 0
        self._remaining = 0.0
        self._jobs = Jobs()
        self._now = Now()
        self._memory: tuple[float, float] | None = None
        """Bytes on its GPUs that are in use, and that torch has reserved; None: not told, or none."""
        self._socket: Socket | None = None

    async def look(self, web: Web) -> Look:
        """Ask for the length of its queue; for jobs when one may have ended; for memory now and then."""
        answer = await web.ok(QUEUE)
        remaining = answer.json(_Queue).exec_info.queue_remaining
        look = Look(reads=(QUEUE,), at=answer.at)
        # Jobs run one after the other, and the one that runs is among those that remain.
        running = min(1.0, remaining)
        for mode, value in (("running", running), ("waiting", remaining - running)):
            key = gauge("inference.requests", mode=mode, call=f"{QUEUE} queue_remaining", derived=True)
            look.gauges[key] = value
        ended = self._remaining - remaining
        if ended > 0 or self._now.take_ended() or self._looks % _HISTORY_EVERY == 0:
            await self._history(web, int(min(_MOST, max(_LEAST, 2 * ended))), look)
        self._remaining = remaining
        for mode, count in self._jobs.counts.items():
            look.counters[Key("inference.request.count", "", mode, DERIVED, f"{HISTORY} status")] = count
        key = Key("gen_ai.server.request.duration", "", "", DERIVED, f"{HISTORY} execution times")
        look.histograms[key] = self._jobs.durations()
        if self._looks % _STATS_EVERY == 0:
            look.version = await self._stats(web)
            look.reads += (STATS,)
        if self._memory is not None:
            for mode, value in zip(("vram", "vram_reserved"), self._memory, strict=True):
                key = gauge("inference.model.memory", mode=mode, call=f"{STATS} torch_vram", derived=True)
                look.gauges[key] = value
        await self._listen(web)
        self._looks += 1
        self._tell(look)
        return look

    @property
    def moves(self) -> bool:
        """Whether its WebSocket tells of a job that runs."""
        return self._heard() and self._now.progress is not None

    async def glance(self, web: Web) -> Look:  # noqa: ARG002  what it tells has come by itself: nothing is asked
        """How far the job has come that runs."""
        look = Look()
        if self._heard():
            self._progress(look)
        return look

    def _heard(self) -> bool:
        socket = self._socket
        return bool(self._now.prompt and socket is not None and socket.ready and self._remaining)

    def _progress(self, look: Look) -> float | None:
        progress = self._now.progress
        if progress is not None:
            look.gauges[gauge("inference.progress", call=f"{SOCKET} progress", derived=True)] = progress
        return progress

    async def _history(self, web: Web, most: int, look: Look) -> None:
        """Count jobs that ended. Old versions have no such path; workflows with pictures in them may be huge."""
        try:
            answer = await web.get(f"{HISTORY}?max_items={most}")
        except SourceFormatError:
            look.missing += (_HUGE,)
            return
        if answer.status == 404:
            return
        if answer.status != 200:
            raise refusal(answer)
        self._jobs.take(answer.body)
        look.reads += (HISTORY,)

    async def _stats(self, web: Web) -> str:
        stats = await web.json(STATS, _Stats)
        own = [item for item in stats.devices if item.type not in _SHARED]
        reserved = sum(item.torch_vram_total for item in own)
        self._memory = (reserved - sum(item.torch_vram_free for item in own), reserved) if own else None
        return stats.system.comfyui_version

    async def _listen(self, web: Web) -> None:
        """Have the WebSocket open; without it the REST figures stand alone."""
        if self._socket is not None and not self._socket.dead:
            return
        if self._looks % _SOCKET_EVERY:
            return
        if self._socket is None:
            from wftui.collectors.servers.websocket import Socket  # wsproto, for those who have a ComfyUI

            self._socket = web.keep(Socket(web.endpoint, SOCKET, self._now.hear))
        self._now.forget()
        await self._socket.open()

    def _tell(self, look: Look) -> None:
        now = self._now
        if self._heard():
            look.reads += (SOCKET,)
            progress = self._progress(look)
            detail = f"node {named(now.node)}" if now.node else ""
            look.requests = (
                RequestInfo(key=named(now.prompt), id=named(now.prompt), progress=progress, detail=detail),
            )
        else:
            look.missing += (_OTHERS,)


def make() -> ComfyUi:
    """An adapter for one ComfyUI."""
    return ComfyUi()
