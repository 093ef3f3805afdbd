"""The GPU worker: owns NVML, writes frames, and never lets one GPU delay another.

``python -m wftui.collectors.nvml.worker [--sys PATH] [--kmsg PATH]``. What it writes and is told is in
``frames.py``, which it does not import: the recorder's side checks it. The main thread keeps the time and never
calls NVML.
"""

import os
import select
import signal
import sys
import threading
from contextlib import suppress
from typing import Final, NoReturn

from wftui import clock
from wftui.clock import NS_PER_S
from wftui.collectors.nvml.binding import Binding
from wftui.collectors.nvml.box import Box, Item, Pci
from wftui.collectors.nvml.fields import FAST, HOUR_S, HOURLY, SECOND, SLOW, SLOW_S
from wftui.collectors.nvml.lanes import STACK_BYTES, Crew
from wftui.collectors.nvml.output import Out
from wftui.collectors.nvml.pace import RATES, Pace
from wftui.collectors.nvml.process_lists import Listed, ProcessLists
from wftui.collectors.nvml.reads import Reader
from wftui.collectors.nvml.session import CLOSED, OPEN, OPEN_DEADLINE_S, Session
from wftui.collectors.nvml.status import Crews, Status
from wftui.collectors.nvml.survey import Survey
from wftui.collectors.nvml.target import forgive
from wftui.collectors.nvml.xids import Doubles, KernelLog, XidWatches

VERSION: Final = 1
"""Of the frames."""
FAST_DEADLINE_S: Final = 0.08
LATE_S: Final = 0.2
"""A round of fast readings is waited for: two GPUs that begin to hang in it cost the others so much."""
SLOW_DEADLINE_S: Final = 1.0
CALLS_S: Final = 10.0
WATCH_NS: Final = 100_000_000
"""Between two looks at a call that hangs, however seldom the others are read."""
LEAVE_S: Final = 60.0
"""So long a call that hangs is waited for before the process leaves."""


class Worker:
    """One process' life."""

    def __init__(self, out: Out, sys_root: str, kmsg: str) -> None:
        self._out = out
        self._clock = clock.SystemClock()
        self._binding = Binding()
        self._pci = Pci(sys_root)
        self._box = Box(self._binding, self._pci)
        self._reader = Reader(self._binding)
        self._lists = ProcessLists(self._binding)
        self._kernel = KernelLog(kmsg)
        self._doubles = Doubles()
        self._listed: dict[str, Listed] = {}
        self._heard: list[tuple[str, int, str, str]] = []
        self._fast: Crew[str] = Crew("fast", self._binding, self._read_fast, FAST_DEADLINE_S)
        self._slow: Crew[str] = Crew("slow", self._binding, self._read_slow, SLOW_DEADLINE_S)
        self._look: Crew[Item] = Crew("look", self._binding, self._box.identify, OPEN_DEADLINE_S)
        self._survey = Survey(self._box, self._look, out, self._hanging)
        self._xids = XidWatches(self._binding, lambda *told: self._heard.append(told))
        self._session = Session(
            out,
            self._binding,
            self._pci,
            self._box,
            self._survey,
            self._xids,
            (self._fast, self._slow, self._look),
            self._tell_box,
            self._begin,
        )
        self._slow_ns = self._calls_ns = 0
        self._hourly: dict[str, int] = {}
        self._slow_running = False
        self._slow_ones: set[str] = set()
        """GPUs of which a fast reading was over its deadline."""
        self._second = -1
        self._with_second = False
        self._pace = Pace(self._clock.now().boottime_ns)
        self._crews = Crews(self._fast, self._slow, self._look, self._session.opening, self._session.closing)
        self._status = Status(out, self._crews, self._box, self._xids, self._kernel, self._pace)
        self._ending = False

    # ---- the main thread

    def run(self, told: int, woken: int) -> None:
        """Until standard input ends or SIGTERM comes.

        Args:
            told: Where commands are read from.
            woken: Readable after a signal.
        """
        self._out.write({"t": "hello", "version": VERSION, "pid": os.getpid()})
        words = b""
        self._beat()
        while not self._ending:
            # Until there is something to read it looks often: somebody may wait for the first numbers.
            begun = self._session.state == OPEN and self._survey.told
            period_ns = int(NS_PER_S / (self._pace.rate if begun or self._session.state == CLOSED else RATES[0]))
            now = self._clock.now()
            pause_ns = period_ns - now.time_ns % period_ns
            watching = self._hangs()
            if watching:
                # Read once a second, a hang would be told two seconds later, and one more by the recorder.
                pause_ns = min(pause_ns, WATCH_NS - now.time_ns % WATCH_NS)
            due = now.time_ns // period_ns + 1
            ready, _, _ = select.select([told, woken], [], [], pause_ns / 1e9)
            if woken in ready:
                os.read(woken, 64)
                continue
            if ready:
                said = os.read(told, 4096)
                if not said:
                    break
                words += said
                *lines, words = words.split(b"\n")
                for line in lines:
                    self._obey(line.decode("ascii", "replace").split())
                continue
            if watching and self._clock.now().time_ns // period_ns < due:
                self._fast.look()
                self._send(FAST, 1 / self._pace.rate)
                self._tell_status_if_due()
            else:
                self._beat()
            self._out.flush()

    def _obey(self, words: list[str]) -> None:
        match words:
            case ["rate", number] if number.isdigit():
                self._pace.wish(int(number))
            case ["again"]:
                for target in self._box.targets.values():
                    forgive(target)
                self._survey.due_ns = self._slow_ns = self._session.due_ns = 0
                self._hourly.clear()

    def _beat(self) -> None:
        self._pace.beats += 1
        now = self._clock.now().boottime_ns
        if self._session.state == OPEN:
            self._readings(now)
        else:
            self._session.come_back(now)
        self._tell_xids()
        self._tell_status_if_due()
        if now - self._calls_ns >= CALLS_S * NS_PER_S:
            self._calls_ns = now
            if calls := self._binding.costs():
                self._out.write({"t": "calls", "time_ns": self._clock.now().time_ns, "calls": calls})

    # ---- readings

    def _begin(self) -> None:
        """The library is open."""
        self._slow_running = False
        self._slow_ns = 0
        self._hourly.clear()

    def _readings(self, now: int) -> None:
        box = self._box
        if self._survey.step(now):
            self._tell_box()
        elif self._survey.under_way:
            # One that answers again meanwhile may have been looked up before it did: what the look says, holds.
            self._session.lost |= self._box.failing()
        targets = box.targets
        second = self._clock.now().time_ns // NS_PER_S
        begun = False
        if not self._fast.busy or self._fast.begin(()):
            self._with_second = second != self._second
            # Who was late before comes last, so that nobody waits behind it when it is late again.
            self._slow_ones |= self._fast.waiting().keys()
            begun = self._fast.begin(sorted(targets, key=self._slow_ones.__contains__))
            if begun:
                self._second = second
        # At 10 Hz what is late goes with the next beat; that would be a second later when read once a second.
        over = self._fast.wait(min(LATE_S, 0.9 / self._pace.rate))
        self._slow_ones |= self._fast.waiting().keys()
        self._send(FAST, 1 / self._pace.rate)
        if self._with_second or not over:
            self._send(SECOND, 1.0)
        if self._slow_running:
            if self._slow.busy:
                self._slow.look()
            if not self._slow.busy:
                self._slow_running = False
                self._status.due_ns = 0  # what is not offered is known now
                self._send(SLOW, SLOW_S)
                self._send(HOURLY, HOUR_S)
                self._tell_processes()
        elif now >= self._slow_ns and targets and self._slow.begin(self._answering()):
            self._slow_running = True
            self._slow_ns = now + int(SLOW_S * NS_PER_S)
        self._session.judge(now)
        self._pace.adapt(now, integrates=self._integrates())

    def _answering(self) -> list[str]:
        """GPUs of which no fast reading hangs: a second thread would only hang beside the first."""
        hanging = self._fast.waiting()
        return [uuid for uuid in self._box.targets if uuid not in hanging]

    def _read_fast(self, uuid: str) -> None:
        target = self._box.targets.get(uuid)
        if target is None:
            return
        started = clock.thread_cpu_ns()
        self._reader.read(target, FAST)
        self._pace.fast_ns += clock.thread_cpu_ns() - started
        if self._with_second and not target.failing:
            self._reader.read(target, SECOND)

    def _read_slow(self, uuid: str) -> None:
        target = self._box.targets.get(uuid)
        if target is None or target.failing:
            return
        self._reader.read(target, SLOW)
        if clock.perf_ns() >= self._hourly.get(uuid, 0):
            self._hourly[uuid] = clock.perf_ns() + int(HOUR_S * NS_PER_S)
            for key in [key for key in target.blocked if key.startswith("field ")]:
                del target.blocked[key]
            self._reader.read(target, HOURLY)
        found = next((one for one in self._box.found.values() if one.uuid == uuid), None)
        self._listed[uuid] = self._lists.read(target, found.numbers if found is not None else {})

    def _send(self, cadence: str, interval_s: float) -> None:
        gpus = {}
        for uuid, target in list(self._box.targets.items()):
            values = target.values.pop(cadence, None)
            if values:
                gpus[uuid] = values
        if gpus:
            now = self._clock.now()
            self._out.write(
                {
                    "t": "v", "time_ns": now.time_ns, "boottime_ns": now.boottime_ns, "cadence": cadence,
                    "interval_s": interval_s, "gpus": gpus,
                }
            )  # fmt: skip

    def _tell_processes(self) -> None:
        listed, self._listed = self._listed, {}
        if not listed:
            return
        now = self._clock.now()
        self._out.write(
            {
                "t": "processes", "time_ns": now.time_ns, "boottime_ns": now.boottime_ns, "interval_s": SLOW_S,
                "gpus": {uuid: item.rows for uuid, item in listed.items() if not item.code},
                "partial": [uuid for uuid, item in listed.items() if item.partial],
                "codes": {uuid: item.code for uuid, item in listed.items() if item.code},
            }
        )  # fmt: skip

    def _tell_box(self) -> None:
        self._survey.tell(self._clock.now())
        if self._session.state == OPEN:
            self._session.lost = {}

    def _hanging(self) -> set[str]:
        """GPUs of which a reading hangs: a second thread would only hang beside the first."""
        return {*self._fast.waiting(), *self._slow.waiting()}

    def _tell_xids(self) -> None:
        heard, self._heard = self._heard, []
        for uuid, xid, origin, words in heard:
            if self._doubles.new(uuid, xid, origin):
                self._out.write(
                    {
                        "t": "xid", "time_ns": self._clock.now().time_ns, "uuid": uuid, "xid": xid,
                        "origin": origin, "words": words,
                    }
                )  # fmt: skip

    # ---- telling about itself

    def _hangs(self) -> bool:
        """Whether a call is under way for longer than it should."""
        return self._fast.busy or any(crew.waiting() for crew in self._crews.asking)

    def _tell_status_if_due(self) -> None:
        now = self._clock.now()
        if self._status.due(now.boottime_ns):
            self._listen()
            if not self._out.full:
                session = self._session
                self._status.tell(now, session.state, session.library, session.lost | self._box.failing())

    def _listen(self) -> None:
        """What is heard once a second, also while calls hang."""
        for bus_id, xid, words in self._kernel.xids():
            uuid = next((one.uuid for one in self._box.found.values() if one.facts.get("bus_id") == bus_id), "")
            self._heard.append((uuid, xid, "kernel", words))
        self._tell_xids()
        if self._session.state == OPEN:
            self._xids.keep(self._box.targets)

    def _integrates(self) -> bool:
        """Whether the energy of a card is only known by adding up its power."""
        facts = [found.facts for found in list(self._box.found.values())]
        return any(item.get("instant") and not item.get("counter") for item in facts)

    # ---- its end

    def leave(self) -> NoReturn:
        """Shut down if nothing hangs; wait for what hangs, but not for ever."""
        self._xids.stop()
        crews = self._crews.asking
        end = clock.perf_ns() + int(LEAVE_S * NS_PER_S)
        while clock.perf_ns() < end:
            for crew in crews:
                crew.look()
            if not any(crew.busy or crew.waiting() for crew in crews):
                break
            clock.sleep(0.02)
        else:
            os._exit(0)
        while not self._xids.over and clock.perf_ns() < end:
            clock.sleep(0.02)
        self._session.end()
        os._exit(0)

    def end(self, *_: object) -> None:
        """SIGTERM."""
        self._ending = True


def main() -> NoReturn:
    """Run until standard input ends."""
    # argparse is a megabyte that only two options would use.
    given = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=False))
    threading.stack_size(STACK_BYTES)
    worker = Worker(Out(sys.stdout.fileno()), given.get("--sys", "/sys"), given.get("--kmsg", "/dev/kmsg"))
    signal.signal(signal.SIGTERM, worker.end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    # select goes on after a signal, so that SIGTERM has to be something to read.
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    with suppress(BrokenPipeError):
        worker.run(sys.stdin.fileno(), woken)
    worker.leave()


if __name__ == "__main__":
    main()
