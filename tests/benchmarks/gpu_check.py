"""Whether what wftop says of NVIDIA GPUs is true on this machine: one script, tables, and a verdict.

Every field with its value, ``n/a`` or the error; what each call costs; our numbers beside ``nvidia-smi`` in the
same second; utilisation under a load of a known share; energy by the counter beside power integrated, under a
load of bf16 matrix multiplications where PyTorch is installed (else a kernel that needs the driver alone); and a
stretch of ``--minutes`` in which nothing may hang. ``python tests/benchmarks/gpu_check.py --minutes 5``.

Exit code 0: all agrees; 1: something disagrees, marked ``✗``; 77: there is no NVIDIA GPU to look at.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.gpu_listen import Listener  # noqa: E402  the path has to be set first
from tests.benchmarks.gpu_tables import Verdict, all_fields, costs, label  # noqa: E402  as above
from wftui.clock import NS_PER_S, Instant, SystemClock  # noqa: E402  as above
from wftui.collectors.nvml.frames import Gpu  # noqa: E402  as above
from wftui.energy.meter import AVERAGE, INSTANT, EnergyMeter  # noqa: E402  as above

CLOCK = SystemClock()
ABSENT = 77
DUTY = 0.5
LOAD = Path(__file__).with_name("gpu_load.py")

SMI = {
    "utilization.gpu": ("util", 1.0, 10.0, 0.0),
    "memory.total": ("mem_total", 2**-20, 1.0, 0.0),
    "memory.used": ("mem_used", 2**-20, 16.0, 0.01),
    "temperature.gpu": ("temp_gpu", 1.0, 2.0, 0.0),
    "power.draw.instant": ("power", 1e-3, 5.0, 0.08),
    "power.draw.average": ("power_average", 1e-3, 5.0, 0.08),
    "clocks.sm": ("clock_sm", 1.0, 30.0, 0.03),
    "clocks.mem": ("clock_memory", 1.0, 30.0, 0.01),
    "pcie.link.gen.current": ("pcie_generation_current", 1.0, 0.0, 0.0),
    "pcie.link.width.current": ("pcie_width_current", 1.0, 0.0, 0.0),
}
"""nvidia-smi's name to our field, factor from NVML's unit to its own, what may differ: so much and this share."""
ALLOWED = {INSTANT: 0.08, AVERAGE: 0.2}
"""How far estimated energy may be off. The counter is itself ±5 %; an average lags behind a load that began; power
of single moments promises nothing."""
SLOW_FIELDS = frozenset({"pcie_generation_current", "pcie_width_current"})


def beside_smi(out: Verdict, listener: Listener, gpus: Sequence[Gpu], when: str) -> None:
    """Our numbers and nvidia-smi's of the same second: its number lies between our readings around it."""
    out.title(f"Beside nvidia-smi, {when}")
    fields = list(SMI)
    since = CLOCK.now()
    try:
        rows = _smi(fields)
        if rows is None:  # older ones know one power only
            fields = [name for name in fields if not name.startswith("power.draw.")]
            rows = _smi(fields)
    except OSError as error:
        out.line(f"n/a: nvidia-smi: {error.strerror}")
        return
    until = CLOCK.now()
    if rows is None:
        out.line("n/a: nvidia-smi does not answer")
        return
    time.sleep(1.5)
    for gpu in gpus:
        theirs = rows.get(gpu.uuid)
        if theirs is None:
            if not gpu.parent:
                out.line(f"{label(gpu)}: nvidia-smi does not list it", good=False)
            continue
        for name, said in zip(fields, theirs, strict=False):
            key, factor, least, share = SMI[name]
            ours = listener.between(gpu.uuid, key, since, until, 12.0 if key in SLOW_FIELDS else 1.2)
            head = f"{label(gpu):<8} {name:<26} nvidia-smi {said:>12}"
            try:
                number = float(said)
            except ValueError:
                out.line(f"{head}   wftop {'n/a' if not ours else f'{ours[-1] * factor:.6g}':>12}")
                continue
            if not ours:
                out.line(f"{head}   wftop {'-':>12}", good=False)
                continue
            low, high = min(ours) * factor, max(ours) * factor
            allowed = least + share * abs(number)
            good = low - allowed <= number <= high + allowed
            out.line(f"{head}   wftop {low:>12.6g} to {high:.6g}", good)


def _smi(fields: Sequence[str]) -> dict[str, list[str]] | None:
    """UUID to values; None: it failed, or does not know a field."""
    query = "--query-gpu=" + ",".join(("uuid", *fields))
    done = subprocess.run(
        ["nvidia-smi", query, "--format=csv,noheader,nounits"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return None
    rows = [[cell.strip() for cell in line.split(",")] for line in done.stdout.splitlines() if line.strip()]
    return {row[0]: row[1:] for row in rows}


class Load:
    """``gpu_load.py`` on one GPU, running."""

    def __init__(self, uuid: str, duty: float, seconds: float) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(LOAD), uuid, str(duty), str(seconds)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self._out = self._process.stdout
        first = self._out.readline().strip()
        self.pid = self._process.pid
        self.kind = first.removeprefix("ready ") if first.startswith("ready ") else ""
        self.reason = "" if self.kind else first or "it ended at once"

    def end(self) -> float | None:
        """Wait for its end: the share of the time in which it really kept the GPU busy."""
        word = self._out.readline().strip()
        self._process.wait()
        self._out.close()
        return float(word.removeprefix("busy ")) if word.startswith("busy ") else None


def under_load(out: Verdict, listener: Listener, gpu: Gpu, gpus: Sequence[Gpu], seconds: float) -> None:
    """Utilisation beside the known share, then energy and nvidia-smi under full load."""
    out.title(f"{label(gpu)}: utilisation beside a load of {DUTY:.0%}")
    load = Load(gpu.uuid, DUTY, seconds)
    if not load.kind:
        load.end()
        out.line(f"n/a: {load.reason}")
        return
    since = CLOCK.now()
    truth = load.end()
    until = CLOCK.now()
    seen = listener.between(gpu.uuid, "util", since, until)
    if truth is None or not seen:
        out.line(f"the load ended early, or no utilisation was read ({len(seen)} readings)", good=False)
    else:
        wide = abs(mean(seen) / 100 - truth) <= 0.1
        out.line(f"{load.kind}: {truth:.1%} busy, wftop {mean(seen):.1f} % over {len(seen)} readings", wide)

    load = Load(gpu.uuid, 1.0, seconds)
    since = CLOCK.now()
    time.sleep(min(5.0, seconds / 2))
    beside_smi(out, listener, gpus, f"{label(gpu)} under load")
    listener.until(lambda it: it.processes is not None and it.processes.boottime_ns > since.boottime_ns, 12.0)
    load.end()
    energy(out, listener, gpu, since, CLOCK.now(), load.kind)
    pids = {process.pid for process in (listener.processes.gpus.get(gpu.uuid, []) if listener.processes else [])}
    if load.pid in pids:
        out.line(f"process {load.pid} of the load is listed", good=True)
    else:
        out.line(f"process {load.pid} of the load is not listed (a container with its own pids?): {sorted(pids)}")


def energy(out: Verdict, listener: Listener, gpu: Gpu, since: Instant, until: Instant, what: str) -> None:
    """Our meter fed with the counter, and fed with power alone, beside the counter itself."""
    out.title(f"{label(gpu)}: energy, {what}")
    counted = listener.readings(gpu.uuid, "energy", since, until)
    powers = {key: listener.readings(gpu.uuid, key, since, until) for key in ("power", "power_average")}
    truth = (counted[-1].number - counted[0].number) / 1000 if len(counted) > 1 else None
    if truth is None:
        out.line("n/a: no energy counter")
    else:
        meter = EnergyMeter()
        for reading in counted:
            meter.counter(reading.number / 1000, reading.at)
        elapsed_s = (counted[-1].at.boottime_ns - counted[0].at.boottime_ns) / NS_PER_S
        out.line(f"the counter: {truth:.1f} J in {elapsed_s:.1f} s, {truth / elapsed_s:.1f} W")
        out.line(f"meter by the counter: {meter.joules:.1f} J ({meter.words})", _near(meter.joules, truth, 0.01))
    for key, readings in powers.items():
        if len(readings) < 2:
            out.line(f"meter by {key}: n/a")
            continue
        meter = EnergyMeter()
        for reading in readings:
            meter.power(reading.number / 1000, reading.at, instant=gpu.instant and key == "power")
        share = ALLOWED.get(meter.source)
        good = _near(meter.joules, truth, share) if truth and share else None
        off = f", {meter.joules / truth - 1:+.1%} of the counter" if truth else ""
        out.line(f"meter by {key}: {meter.joules:.1f} J ({meter.words}){off}", good)


def _near(value: float, truth: float, share: float) -> bool:
    return abs(value - truth) <= max(share * truth, 1.0)


def stretch(out: Verdict, listener: Listener, seconds: float, allowed_s: float) -> None:
    """Nothing hangs, no reading comes late, nothing is lost."""
    out.title(f"{seconds / 60:.1f} minutes without a call that hangs")
    before = len(listener.fast)
    begun = CLOCK.now().boottime_ns
    listener.until(lambda it: it.ended or CLOCK.now().boottime_ns - begun > seconds * NS_PER_S, seconds + 1)
    times = listener.fast[before:]
    late = sorted((then - now) / NS_PER_S - promised for (now, promised), (then, _) in pairwise(times))
    out.line(f"the worker is {'gone' if listener.ended else 'there'}", good=not listener.ended)
    if late:
        p99 = late[min(len(late) - 1, int(0.99 * len(late)))]
        out.line(
            f"{len(times)} fast readings, late p99 {p99 * 1000:.1f} ms, worst {late[-1] * 1000:.1f} ms",
            p99 <= allowed_s,
        )
    else:
        out.line("no fast readings", good=False)
    for uuid, (call, waited_s) in listener.waiting.items():
        out.line(f"{uuid}: {call} took {waited_s:.1f} s", good=False)
    for uuid, code in listener.lost.items():
        out.line(f"{uuid}: lost, code {code}", good=False)
    for xid in listener.xids:
        out.line(f"{xid.uuid or 'a GPU'}: Xid {xid.xid} ({xid.origin}) {xid.words[:60]!r}")
    for broken in listener.broken[:5]:
        out.line(f"no frame: {broken}", good=False)


def look(listener: Listener, seconds: float, minutes: float, late_s: float, loaded: bool) -> int:
    """All tables; the exit code."""
    out = Verdict()
    listener.until(lambda it: it.library is not None and (it.library.code or it.box is not None), 30.0)
    library, box = listener.library, listener.box
    if library is None or library.code:
        said = (
            f"{library.call} says {library.code} {library.words}" if library is not None else "no answer in 30 s"
        )
        print(f"no NVIDIA GPU to look at: {said}")
        return ABSENT
    gpus = [gpu for gpu in box.gpus if not gpu.asleep] if box is not None else []
    if not gpus:
        print("no NVIDIA GPU to look at: the library lists none that is awake")
        return ABSENT
    print(f"driver {library.driver}, CUDA {library.cuda}, NVML {library.nvml}, {len(gpus)} GPUs")
    listener.until(lambda it: it.processes is not None, 15.0)
    beside_smi(out, listener, gpus, "as it is")
    cards = [gpu for gpu in gpus if not gpu.parent and not gpu.code]
    since = CLOCK.now()
    if loaded and cards:
        under_load(out, listener, cards[0], gpus, seconds)
    stretch(out, listener, max(minutes * 60, 2.0), late_s)
    if not loaded:
        for gpu in cards:
            energy(out, listener, gpu, since, CLOCK.now(), "whatever runs")
    for gpu in gpus:
        all_fields(out, listener, gpu)
    costs(out, listener)
    out.title("Verdict")
    for words in out.wrong:
        print(f"✗ {words}")
    print(f"{len(out.wrong)} disagreements" if out.wrong else "all agrees")
    return 1 if out.wrong else 0


def main() -> int:
    """Read the arguments and look."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each load")
    parser.add_argument("--minutes", type=float, default=1.0, help="of the stretch without a load")
    parser.add_argument("--late", type=float, default=0.1, help="seconds that p99 of the readings may be late")
    parser.add_argument("--no-load", action="store_true", help="put no load on a GPU")
    parser.add_argument("--sys", default="/sys", help="where the worker finds the PCI bus")
    given = parser.parse_args()
    with Listener(given.sys) as listener:
        return look(listener, given.seconds, given.minutes, given.late, not given.no_load)


if __name__ == "__main__":
    sys.exit(main())
