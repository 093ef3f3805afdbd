"""The library's life in the worker: opened, given up when its driver is gone, closed under no call, left to rest.

No step waits for a call. Times are CLOCK_BOOTTIME in ns.
"""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from wftui.clock import NS_PER_S
from wftui.collectors.nvml import binding as b
from wftui.collectors.nvml.binding import Binding
from wftui.collectors.nvml.box import Box, Item, Pci
from wftui.collectors.nvml.lanes import Crew
from wftui.collectors.nvml.output import Out
from wftui.collectors.nvml.rest import Rest
from wftui.collectors.nvml.survey import Survey
from wftui.collectors.nvml.xids import XidWatches

OPEN_DEADLINE_S: Final = 1.5
AGAIN_S: Final = 5.0
"""Between two attempts to open a library that has no driver."""
LONG_S: Final = 60.0
"""The same where no attempt of this kind can succeed soon."""

CLOSED: Final = "closed"
OPENING: Final = "opening"
OPEN: Final = "open"
CLOSING: Final = "closing"
RESTING: Final = "resting"


class Session:
    """Of one process. All methods belong to the main thread."""

    def __init__(
        self,
        out: Out,
        binding: Binding,
        pci: Pci,
        box: Box,
        survey: Survey,
        xids: XidWatches,
        asking: tuple[Crew[str], Crew[str], Crew[Item]],
        tell_box: Callable[[], None],
        opened: Callable[[], None],
    ) -> None:
        """``asking``: whose calls need the library; ``tell_box``: say what GPUs there are; ``opened``: begin."""
        self.state = CLOSED
        self.library: dict[str, object] = {"t": "library", "code": 0, "call": "nvmlInit_v2"}
        """As it was told last, but for what hangs."""
        self.lost: dict[str, int] = {}
        """GPUs that failed when the library was given up, or while they were looked up: until that is over, it is
        what is known."""
        self.due_ns = 0
        """When it is opened next."""
        self.opening: Crew[str] = Crew("open", binding, self._open, OPEN_DEADLINE_S)
        self.closing: Crew[str] = Crew("close", binding, self._shut, OPEN_DEADLINE_S)
        self._out = out
        self._binding = binding
        self._pci = pci
        self._box = box
        self._survey = survey
        self._xids = xids
        self._asking = asking
        self._tell_box = tell_box
        self._begin = opened
        self._rest = Rest(pci)
        self._opened = b.Answer(b.UNINITIALIZED, None)
        self._versions = ("", "", "")
        self._told: tuple[object, ...] | None = None
        self._pause_s = 1.0
        """Between closing the library and opening it anew."""
        self._lost_times = 0
        """How often in a row the library was opened anew and knew no GPU that answers."""
        self._shutting = False

    def _open(self, _: str) -> None:
        """In a lane."""
        answer = self._binding.begin()
        if not answer.code:
            said = self._binding.ask("nvmlSystemGetDriverVersion")
            cuda = self._binding.ask("nvmlSystemGetCudaDriverVersion_v2")
            nvml = self._binding.ask("nvmlSystemGetNVMLVersion")
            number = cuda.value if not cuda.code and isinstance(cuda.value, int) else 0
            self._versions = (
                b.text(said.value),
                f"{number // 1000}.{number % 1000 // 10}" if number else "",
                b.text(nvml.value),
            )
        elif not isinstance(answer.value, str):
            answer = b.Answer(answer.code, self._binding.words(answer.code))
        self._opened = answer

    def _shut(self, _: str) -> None:
        """In a lane."""
        self._binding.end()

    def come_back(self, now: int) -> None:
        """Toward an open library, without waiting for it."""
        if self.state == CLOSED and now >= self.due_ns and not self.opening.waiting():
            asleep = [bus for bus in self._pci.list() if self._pci.suspended(bus)]
            if asleep and len(asleep) == len(self._pci.list()):
                self._box.items()  # all sleep: not even the library is opened
                self._tell_box()
                self.due_ns = now + NS_PER_S
                return
            if self._opened.code == b.MISMATCH:
                self._anew()
            if self.opening.begin(["open"]):
                self.state = OPENING
        elif self.state == OPENING:
            if self.opening.busy:
                self.opening.look()
                return
            if self.opening.waiting():
                return  # it hangs: told by the status
            self._settle(now)
        elif self.state == CLOSING:
            self._close(now)
        elif self.state == RESTING and self._rest.over(now):
            self.state = CLOSED
            self.due_ns = now
        elif self.state == RESTING:
            self._box.items()
            self._tell_box()

    def _anew(self) -> None:
        """Become a new process: the library of the old driver stays loaded as long as this one lives."""
        crews = (*self._asking, self.opening, self.closing)
        if self._out.empty and not any(crew.busy or crew.waiting() for crew in crews):
            with suppress(OSError):  # python itself is being replaced: the next time, then
                os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  our own command again

    def _settle(self, now: int) -> None:
        code, words = self._opened
        driver, cuda, nvml = self._versions if not code else ("", "", "")
        told = (code, str(words or ""), driver, cuda, nvml)
        if told != self._told:
            self._told = told
            self.library = {
                "t": "library", "code": code, "call": "nvmlInit_v2", "words": told[1], "driver": driver,
                "cuda": cuda, "nvml": nvml,
            }  # fmt: skip
            self._out.write(self.library)
        if code:
            self.state = CLOSED
            self.due_ns = now + int((LONG_S if code in (b.MISMATCH, b.NO_LIBRARY) else AGAIN_S) * NS_PER_S)
            return
        self.state = OPEN
        self._survey.due_ns = 0
        self._begin()

    def judge(self, now: int) -> None:
        """Whether the library as a whole has lost its driver, or may be let go of."""
        targets = [target for target in self._box.targets.values() if not target.instance]
        failing = [target.failing for target in targets]
        codes = set(failing) or set(self._box.failed.values()) or {self._box.refused}
        if 0 in failing:
            self._lost_times = 0
        if not self._survey.under_way and codes and codes <= b.DRIVERLESS | b.GONE:
            # A card that was reset is only known to a library that begins anew; a driver is waited for at a
            # steady pace, a card that fell off the bus more and more rarely: each look is work for the kernel.
            often = AGAIN_S if codes & b.DRIVERLESS else min(LONG_S, AGAIN_S * 2 ** max(0, self._lost_times - 1))
            self._pause_s = often if self._lost_times else 1.0
            self._lost_times += 1
            self._give_up()
            return
        if any(failing):
            self._survey.due_ns = min(self._survey.due_ns, now + NS_PER_S)
        if self._rest.idle(targets, self._box, now):
            self._give_up()

    def _give_up(self) -> None:
        """The library has lost its driver, or is not needed: shut it down, then try anew."""
        self.lost = self._box.failing()
        self.state = CLOSING
        self._xids.stop()

    def _close(self, now: int) -> None:
        for crew in self._asking:
            if crew.busy:
                crew.look()
        if any(crew.busy or crew.waiting() for crew in self._asking):
            return  # never shut down under a call
        if not self._xids.over:
            return
        self._xids.forget()
        if not self._shutting:
            self._shutting = self.closing.begin(["close"])
            return
        self.closing.look()
        if self.closing.busy or self.closing.waiting():
            return
        self._shutting = False
        self._box.forget()
        self._survey.forget()
        self._told = None
        if self._rest.wanted:
            self.state = RESTING
            self._rest.begin(now)
        else:
            self.state = CLOSED
            self.due_ns = now + int(self._pause_s * NS_PER_S)
            self._pause_s = 1.0

    def end(self) -> None:
        """Shut the library down at the end, if nothing is under way in it; wait no longer than its deadline."""
        if self.state in (OPEN, CLOSING) and self._xids.over:
            self.closing.begin(["close"])
            self.closing.wait(OPEN_DEADLINE_S)
