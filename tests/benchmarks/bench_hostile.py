"""How long hostile bundles take, how much memory, and the stages of opening an honest hour.

python -m tests.benchmarks.bench_hostile
"""

from __future__ import annotations

import itertools
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from tests.hostile import bundles
from tests.hostile.archives import DAMAGES, NAMES, STRUCTURE
from tests.hostile.contents import CONTENT
from tests.recording import START_S, Recording, S, realistic
from wftui.bundle import frames, opened, parse
from wftui.bundle.format import Ticks
from wftui.bundle.packed import pack, whole
from wftui.errors import BundleError
from wftui.model.tick import unpack
from wftui.store.archive import open_archive

SERIES, SECONDS, PART = 400, 3600, 1200
BEGIN = opened._BOOT.partition(" sys.exit")[0]
LEAD = ("seq", "time_s", "boottime_ns", "boot")


def hostile() -> None:
    """Each archive once."""
    took: list[tuple[float, str, str]] = []
    for name, (made, _) in {**STRUCTURE, **NAMES, **CONTENT, **DAMAGES}.items():
        with tempfile.TemporaryDirectory() as folder:
            path = bundles.put(Path(folder), made())
            inside = Path(folder, "inside")
            inside.mkdir()
            begun = time.perf_counter()
            try:
                opened.open_bundle(path, inside)
                said = "opens"
            except BundleError as error:
                said = str(error).removeprefix(f"{path}: ")
            took.append((time.perf_counter() - begun, name, said))
    took.sort(reverse=True)
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    refused = sum(said != "opens" for *_, said in took)
    print(f"{len(took)} archives, {refused} refused, {len(took) - refused} open harmlessly")
    print(f"time: median {statistics.median(item[0] for item in took) * 1e3:.0f} ms, most {took[0][0]:.2f} s")
    print(f"memory of the process that reads: at most {most:.0f} MiB")
    for seconds, name, said in took[:5]:
        print(f"  {seconds:.2f} s  {name}: {said[:80]}")


def hour(folder: Path) -> Path:
    """An hour of realistic series as a bundle."""
    columns, rows = realistic(SERIES)
    with Recording(folder / "recorded") as recording:
        recording.many(columns, rows, SECONDS)
    members = {}
    with open_archive(folder / "recorded") as archive:
        ticks = iter(list(archive.ticks(START_S, START_S + SECONDS)))
        for number in range(SECONDS // PART):
            part = list(itertools.islice(ticks, PART))
            lead = [
                whole([getattr(tick, name) for tick in part]) for name in ("seq", "time_s", "boottime_ns", "boot")
            ]
            import numpy as np

            values = np.array([unpack(tick.values) for tick in part]).T
            made = Ticks(1, columns, lead[0], lead[1], lead[2], lead[3], [pack(item) for item in values])
            members[f"ticks/{number:04d}.json"] = msgspec.json.encode(made)
    said = msgspec.structs.replace(bundles.manifest(members), ticks=SECONDS, until_ns=(START_S + SECONDS) * S)
    return bundles.put(folder, bundles.bundle(members, said))


def honest() -> None:
    """Stages, medians of 9."""
    with tempfile.TemporaryDirectory() as name:
        path = hour(Path(name))
        stages: dict[str, list[float]] = {}
        size = 0
        for number in range(9):
            inside = Path(name, f"inside{number}")
            inside.mkdir()

            def note(stage: str, begun: float) -> None:
                stages.setdefault(stage, []).append(time.perf_counter() - begun)

            begun = time.perf_counter()
            opened.open_bundle(path, inside)
            note("open", begun)
            begun = time.perf_counter()
            opened.check(path, inside)
            note("check", begun)
            begun = time.perf_counter()
            with path.open("rb") as file:
                told = list(parse.read(file.fileno(), path.stat().st_size, every=False))
                note("  read and checked, without a process", begun)
                begun = time.perf_counter()
                size = sum(len(frames.encode(item)) for item in told)
                note("  told", begun)
            begun = time.perf_counter()
            words = [str(opened._PACKAGE), str(opened._LIBRARY)]
            subprocess.run([sys.executable, "-I", "-S", "-c", BEGIN, *words], check=True)
            note("  begin of the process", begun)
        print(f"{SECONDS} s x {SERIES} series: {path.stat().st_size / 1e6:.2f} MB, {size / 1e6:.1f} MB told")
        for stage, found in stages.items():
            print(f"{stage:40} median {statistics.median(found) * 1e3:5.0f} ms, best {min(found) * 1e3:5.0f} ms")


if __name__ == "__main__":
    honest()
    hostile()
