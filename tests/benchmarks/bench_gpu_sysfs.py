"""What GPUs of AMD and Intel cost: CPU time of a collection, a second of it, beside the budget of a source.

    python -m tests.benchmarks.bench_gpu_sysfs

The files are ordinary ones: a question that a real driver passes on to its firmware takes longer, but waits
instead of computing.
"""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.unit.gpu_files import NAVI, amd_client, gpu, process
from tests.unit.kernel_files import at
from wftui.collectors.gpu_sysfs import SysfsGpus
from wftui.recorder.source import BUDGET

SECONDS = 60
OTHERS = 300
FILES = 30


def measure(cards: int, holders: int) -> tuple[float, float]:
    """(mean, longest) CPU milliseconds of a collection."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for card in range(cards):
            bus = f"0000:{card + 1:02x}:00.0"
            files = {**NAVI, "unique_id": f"{0x8B4D6A2FD5C3E100 + card:016x}\n"}
            gpu(root, bus, files, vendor="0x1002", driver="amdgpu", card=card)
            for number in range(holders):
                pid = 100_000 + 100 * card + number
                process(root, pid, {3: (f"/dev/dri/renderD{128 + card}", amd_client(pid, bus, gfx=pid))})
        for pid in range(OTHERS):
            process(root, 1_000 + pid, dict.fromkeys(range(FILES), ("/dev/null", "")))
        source = SysfsGpus(root / "proc", root / "sys", sees_all=True)
        costs = []
        for second in range(SECONDS):
            begin = time.thread_time()
            source.collect(at(second))
            costs.append(1000 * (time.thread_time() - begin))
        steady = costs[10:]
        return sum(steady) / len(steady), max(steady)


def main() -> int:
    """Print the table; 1: a laptop's or a workstation's cards are beyond the budget of a source."""
    print(f"{OTHERS} other processes with {FILES} open files; budget {1000 * BUDGET:.1f} ms a second")
    worst = 0.0
    for cards, holders in ((1, 4), (2, 8), (8, 8)):
        mean, longest = measure(cards, holders)
        worst = max(worst, mean if cards <= 2 else 0.0)
        print(f"{cards} cards, {holders:2} processes each: {mean:5.2f} ms a second, longest {longest:6.2f} ms")
    return int(worst > 1000 * BUDGET)


if __name__ == "__main__":
    sys.exit(main())
