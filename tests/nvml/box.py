"""The stand-in for NVML: compiled from ``stub.c``, and the text scenes that it plays.

It is loaded through ``LD_LIBRARY_PATH`` in a process of its own, never in that of the tests: ctypes keeps a
library for the life of the process. The language of scenes is at the top of ``stub.c``.
"""

import math
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Self

SOURCE = Path(__file__).with_name("stub.c")
SONAME = "libnvidia-ml.so.1"
NOT_SUPPORTED, NO_PERMISSION, NOT_LOADED, LOST, MISMATCH, UNKNOWN = 3, 4, 9, 15, 18, 999
UNBOUNDED = (
    sys.executable,
    "-c",
    "from wftui.collectors.nvml import pace, worker; pace.SHARE = pace.SHARE_FOR_ENERGY = 1.0; "
    "pace.RATES = worker.RATES = (5.0, 2.0, 1.0); worker.main()",
)
"""A worker that reads five times a second whatever that costs: on a slow machine it would read less often."""
UNBOUNDED_RECORDER = (
    sys.executable,
    "-c",
    f"import sys; from wftui.collectors.nvml import child; child.COMMAND = {UNBOUNDED!r}; "
    "from wftui.__main__ import main; sys.exit(main())",
)
"""``wftop`` whose GPU worker is that one."""
ALL = "*"
"""Every GPU, or every function."""


def compiler() -> str | None:
    """The C compiler, None where there is none."""
    return shutil.which("gcc") or shutil.which("cc")


def build(folder: Path, without: Iterable[str] = ()) -> Path:
    """Compile the stand-in into a folder, which then goes into ``LD_LIBRARY_PATH``.

    Args:
        folder: Made if it is not there.
        without: Functions that an old driver does not have yet; the linker's version script hides them.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    hidden = "".join(f" {name};" for name in without)
    script = folder / "stub.map"
    # A name wins over a pattern, so those named here are hidden although they fit the pattern.
    hidden = "".join(f" {name};" for name in without)
    script.write_text(f"{{ global: nvml*; stub*; local:{hidden} *; }};\n")
    flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", f"-Wl,-soname,{SONAME}"]
    link = [f"-Wl,--version-script={script}", "-o", str(folder / SONAME), str(SOURCE), "-lm", "-lpthread"]
    subprocess.run([compiler() or "gcc", *flags, *link], check=True)
    return folder


def environment(library: Path, scene: Path, log: Path | None = None) -> dict[str, str]:
    """What a process needs in its environment to find the stand-in in ``library`` and play the scene."""
    found = {"LD_LIBRARY_PATH": str(library), "WFTOP_STUB_SCENE": str(scene)}
    return found if log is None else {**found, "WFTOP_STUB_LOG": str(log)}


def boottime() -> float:
    """Seconds of the clock that scenes run by."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def uuid(gpu: int | str) -> str:
    """The UUID of a card (3) or a MIG instance ("3/1") where the scene does not say another."""
    card, _, instance = str(gpu).partition("/")
    first = 0x57AB0000 + int(card)
    if instance:
        return f"MIG-{first:08x}-0000-5000-8000-{int(instance):012x}"
    return f"GPU-{first:08x}-0000-4000-8000-{int(card):012x}"


def bus_id(card: int) -> str:
    """The PCI address of a card as sysfs writes it, where the scene does not say another."""
    return f"0000:{0x10 + card:02x}:00.0"


class Called(NamedTuple):
    """A line of the call log."""

    boottime_s: float
    function: str
    gpu: str
    """``3``, ``3/1``, ``-`` for the library as a whole."""
    code: str
    """A number; ``hangs`` when a call begins to hang, ``busy``: shut down while other calls were under way."""
    thread: int


def calls(log: Path) -> list[Called]:
    """All calls so far."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [
        Called(int(when) / 1e9, function, gpu, code, int(thread))
        for when, function, gpu, code, thread in (line.split() for line in lines)
    ]


class Scene:
    """A box as text; nothing is seen of a change before ``save``."""

    def __init__(self, path: Path, gpus: int = 8) -> None:
        self.path = path
        self.start = boottime()
        """CLOCK_BOOTTIME of the scene's second 0."""
        self.boot = 0
        self.cards = list(range(gpus))
        """The cards in the order of their indexes."""
        self._rules: dict[tuple[str, str], dict[str, object]] = {}
        self._mig: dict[int, int] = {}
        self._processes: dict[tuple[str, int, str], str] = {}
        self._events: list[str] = []

    def set(
        self,
        gpu: int | str,
        function: str,
        value: float | str | None = None,
        *,
        code: int | None = None,
        times: int | None = None,
        hang: float | None = None,
        kind: int | None = None,
        wake: Path | None = None,
        text: str | bytes | None = None,
    ) -> Self:
        """Say what a function of a GPU answers; what is None stays as it was.

        Args:
            gpu: Card, "card/instance" or ``ALL``.
            function: NVML's name, with ``.part`` where it has parts; ``ALL``.
            value: Number or expression.
            code: ``nvmlReturn_t``, for the first ``times`` calls or for all.
            hang: Seconds before the answer; setting it to 0 lets go of calls that hang.
            kind: ``nvmlValueType_t`` of a field value.
            wake: A file that becomes ``active`` when the function is called (``power/runtime_status``).
            text: A text value; bytes need not be UTF-8.
        """
        rule = self._rules.setdefault((str(gpu), function), {})
        said = {"value": value, "code": code, "times": times, "hang": hang, "type": kind, "wake": wake}
        rule.update((name, it) for name, it in said.items() if it is not None)
        if text is not None:
            raw = text.encode() if isinstance(text, str) else text
            rule["text"] = "".join(chr(b) if 32 <= b < 127 and b != 92 else f"\\x{b:02x}" for b in raw)
        return self

    def clear(self, gpu: int | str, function: str) -> Self:
        """Forget what was said of a function of a GPU."""
        self._rules.pop((str(gpu), function), None)
        return self

    def power(self, gpu: int | str, milliwatts: float | str) -> Self:
        """Let a card draw this; all readings of power and energy follow."""
        return self.set(gpu, "power", milliwatts)

    def unsupported(self, gpu: int | str, *functions: str) -> Self:
        """These functions answer 3: the card does not have it."""
        for function in functions:
            self.set(gpu, function, code=NOT_SUPPORTED)
        return self

    def lose(self, card: int) -> Self:
        """The card falls off the bus: all calls answer 15, the look-up of its handle too."""
        return self.set(card, ALL, code=LOST)

    def reload(self) -> Self:
        """The driver is loaded anew: calls answer 999 until init, counters restart."""
        self.boot += 1
        return self

    def mig(self, card: int, instances: int) -> Self:
        """MIG is on with so many instances; 0: off."""
        self._mig[card] = instances
        return self

    def process(
        self,
        gpu: int | str,
        pid: int,
        memory: int | None = 2**30,
        kind: str = "C",
        *,
        sm: int = 0,
        mem: int = 0,
        enc: int = 0,
        dec: int = 0,
    ) -> Self:
        """A process holds memory (By, None: not available) on a GPU, and uses it (%)."""
        held = -1 if memory is None else memory
        self._processes[str(gpu), pid, kind] = f"mem={held} kind={kind} sm={sm} io={mem} enc={enc} dec={dec}"
        return self

    def exit(self, pid: int) -> Self:
        """The process is gone from all GPUs."""
        self._processes = {key: it for key, it in self._processes.items() if key[1] != pid}
        return self

    def xid(self, gpu: int | str, number: int, after_s: float = 0.0) -> Self:
        """An Xid event, so many seconds from now."""
        self._events.append(f"xid {gpu} {number} {boottime() - self.start + after_s:.3f}")
        return self

    def text(self) -> str:
        """The scene as the stand-in reads it."""
        lines = [f"start {self.start!r}", f"boot {self.boot}", " ".join(["order", *map(str, self.cards)])]
        lines += [f"mig {card} {instances}" for card, instances in self._mig.items()]
        lines += [f"process {gpu} {pid} {rest}" for (gpu, pid, _), rest in self._processes.items()]
        lines += self._events
        for (gpu, function), said in self._rules.items():
            # A text goes to the end of its line.
            words = [f"{name}={it}" for name, it in sorted(said.items(), key=lambda one: one[0] == "text")]
            lines.append(" ".join([gpu, function, *words]))
        return "\n".join(lines) + "\n"

    def save(self) -> Self:
        """Let it be played from now on; whoever reads gets all of it or nothing."""
        beside = self.path.with_name(self.path.name + ".new")
        beside.write_text(self.text())
        os.replace(beside, self.path)  # noqa: PTH105  # the file of a reader must never be half written
        return self


def integral(expression: float | str, since: float, until: float) -> float:
    """The truth to compare joules with: a power expression (mW) over two times of the scene, in mJ.

    Args:
        expression: A number, ``saw:…``, ``square:…`` or ``grow:…``.
        since: Seconds of the scene (CLOCK_BOOTTIME less ``Scene.start``).
        until: As ``since``.
    """
    kind, *words = re.split(":", str(expression))
    if not words:
        return float(kind) * (until - since)
    numbers = [float(word) for word in words]

    def so_far(t: float) -> float:
        if kind == "grow":
            return numbers[0] * t + numbers[1] * t * t / 2
        low, high, period = numbers[:3]
        whole = math.floor(t / period)
        rest = t - whole * period
        if kind == "saw":
            return whole * period * (low + high) / 2 + low * rest + (high - low) * rest * rest / (2 * period)
        up = (numbers[3] if len(numbers) > 3 else 0.5) * period
        return whole * (up * high + (period - up) * low) + min(rest, up) * high + max(0.0, rest - up) * low

    if kind not in ("saw", "square", "grow"):
        raise ValueError(f"no integral of {expression!r}")
    return so_far(until) - so_far(since)
