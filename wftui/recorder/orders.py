"""What a person has done through a view or a command: to a process, to a source, to what is stored."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from wftui import settings
from wftui.clock import Clock
from wftui.errors import ProtocolError
from wftui.recorder import signals
from wftui.recorder.alerting.alerting import Alerting
from wftui.recorder.alerting.editing import Editing
from wftui.recorder.alerting.quality import Quality
from wftui.recorder.bursts import MARK_LIMIT_NS, Bursts, mark_name
from wftui.recorder.child import Passed
from wftui.recorder.emitter import Emitter
from wftui.recorder.options import Options
from wftui.recorder.switches import Switches
from wftui.wire import messages as m

if TYPE_CHECKING:
    from wftui.store.purge import Purged, Wanted

Order = (
    m.SetSource
    | m.Purge
    | m.Inspect
    | m.Renice
    | m.Acknowledge
    | m.ResolveAlert
    | m.SetSilence
    | m.EndSilence
    | m.SetQuality
    | m.RuleNumbers
    | m.PreviewRule
    | m.ChangeRule
)
"""Takes its time: answered beside the others, as questions are."""


class Orders:
    """Carries out what is asked for, and makes an event of it."""

    def __init__(
        self,
        options: Options,
        clock: Clock,
        emit: Emitter,
        bursts: Bursts,
        switches: Switches,
        alerting: Alerting,
        quality: Quality,
        editing: Editing,
        delete: Callable[["Wanted"], Awaitable["Purged"]],
    ) -> None:
        """``delete``: what is wanted gone, from journal and rings."""
        self._options = options
        self._clock = clock
        self._emit = emit
        self._bursts = bursts
        self._switches = switches
        self._alerting = alerting
        self._quality = quality
        self._editing = editing
        self._delete = delete

    async def carry_out(self, order: Order, role: str) -> m.Message | Passed:
        """Do it, for a client of that role.

        Raises:
            ProtocolError, ConfigError, StoreError: As the names say.
        """
        match order:
            case m.Purge():
                return await self._purge(order)
            case m.Inspect():
                self._real()
                from wftui.recorder import inspection  # here, as below: most recorders never do it

                return await asyncio.to_thread(inspection.inspect, order.pid, order.start_time)
            case m.Renice():
                return self._renice(order)
            case m.RuleNumbers():
                return await self._editing.numbers(order)
            case m.PreviewRule():
                return await self._editing.preview(order)
            case m.ChangeRule():
                return await self._editing.change(order)
            case m.SetSilence():
                return m.SilenceReply(self._alerting.silence(order))
            case m.EndSilence():
                self._alerting.end_silence(order)
            case m.Acknowledge():
                self._alerting.acknowledge(order)
            case m.ResolveAlert():
                self._alerting.resolve(order)
            case m.SetQuality():
                self._quality.choose(order, self._clock.now())
            case m.SetSource():
                self._switches.switch(order.name, on=order.on, role=role)
                await asyncio.to_thread(settings.switch, self._options.places, order.name, on=order.on)
        return m.Ok()

    def signal(self, request: m.Signal) -> None:
        """Send a signal.

        Raises:
            ProtocolError: Switched off, or the process is not the one meant.
        """
        about = ("process", f"{request.pid}:{request.start_time}")
        try:
            self._real()
            signals.send(request.pid, request.start_time, request.number, self._options.signals)
        except ProtocolError as error:
            self._emit("signal.refused", about, {"signal": request.number, "reason": str(error)})
            raise
        self._emit("signal.sent", about, {"signal": request.number})

    def mark(self, request: m.Mark) -> None:
        """Set a mark, and store what is around it at full rate.

        Raises:
            ProtocolError: Its time is none.
        """
        if not 0 <= request.time_ns < MARK_LIMIT_NS:
            raise ProtocolError(f"mark: expected a time in ns since 1970, got {request.time_ns}")
        name = mark_name(request.name, request.time_ns)
        item = self._emit("mark.set", ("mark", ""), {"name": name, "at_ns": request.time_ns})
        self._bursts.wanted(item.event_id, request.time_ns, self._clock.now())

    def _renice(self, request: m.Renice) -> m.Message:
        about = ("process", f"{request.pid}:{request.start_time}")
        try:
            self._real()
            signals.renice(request.pid, request.start_time, request.nice, self._options.signals)
        except ProtocolError as error:
            self._emit("process.renice_refused", about, {"nice": request.nice, "reason": str(error)})
            raise
        self._emit("process.reniced", about, {"nice": request.nice})
        return m.Ok()

    def _real(self) -> None:
        if self._options.demo:
            raise ProtocolError("this is the demo: its processes are not real, so nothing is done to them")

    async def _purge(self, order: m.Purge) -> m.PurgeReply:
        from wftui.store.purge import Wanted, before_second

        done = await self._delete(Wanted(before_second(order.before_ns), tuple(order.patterns)))
        payload = {"before_ns": order.before_ns, "patterns": len(order.patterns), "ticks": done.ticks}
        self._emit("store.purged", ("store", "journal"), {**payload, "segments": order.segments})
        return m.PurgeReply(*done)
