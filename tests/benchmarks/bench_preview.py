"""How long the editor of a rule waits for its preview of 24 hours, in wall and in processor time.

    python tests/benchmarks/fill.py DIR --hours 25 --series 400
    python tests/benchmarks/bench_preview.py DIR

Each rule is asked as the history service is asked: as it is and with another number, then with a third one.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # also runs as a file

from wftui.alerts import load
from wftui.alerts.rule import Rule
from wftui.history.preview import Preview
from wftui.store.archive import Archive, open_archive
from wftui.wire import messages as m

CPU = "system.cpu.utilization"
MEAN = {"window": "1m", "aggregation": "avg"}
RULES: dict[str, tuple[dict[str, Any], tuple[float, float, float]]] = {  # Any: JSON
    "one series, each second": ({"metric": CPU}, (0.5, 0.6, 0.7)),
    "one series, mean of 1m": ({"metric": CPU, **MEAN}, (0.5, 0.6, 0.7)),
    "against its hour": (
        {"metric": CPU, "baseline": "1h_avg", "threshold_type": "percentage_change"},
        (50, 60, 70),
    ),
    "every sensor, mean of 1m": ({"metric": "hw.temperature", **MEAN}, (60, 61, 62)),
}


def rule(condition: dict[str, Any], value: float) -> bytes:
    """As it travels."""
    inner = {**condition, "operator": ">", "value": value}
    found: tuple[Rule, ...] = load.rules(
        json.dumps({"id": "rule.x", "conditions": {"when_all": [inner]}, "for": "30s"}).encode(), "x.json"
    )
    return msgspec.msgpack.encode(found[0])


def asked(preview: Preview, archive: Archive, until_ns: int, *rules: bytes) -> str:
    """Seconds of wall and processor that an answer took, and how often the rules fired."""
    wall, cpu = time.perf_counter(), time.process_time()
    reply = preview.answer(archive, m.ReplayRules(list(rules), 86_400, until_ns), 120.0)
    counts = "/".join(str(item.count) for item in reply.rules)
    return f"{time.perf_counter() - wall:5.2f} s, cpu {time.process_time() - cpu:5.2f} s, fired {counts:>7}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    with open_archive(parser.parse_args().folder) as archive:
        extent = archive.extent()
        assert extent is not None, "nothing was recorded there"
        until_ns = (extent[1] + 1) * 1_000_000_000
        for name, (condition, (now, then, later)) in RULES.items():
            preview = Preview()
            first = asked(preview, archive, until_ns, rule(condition, now), rule(condition, then))
            after = asked(preview, archive, until_ns, rule(condition, now), rule(condition, later))
            print(f"{name:26} first {first} | another number {after}")
    print(f"peak RSS {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
