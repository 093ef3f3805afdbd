"""Sealing: what segments hold is what the journal held, and nothing else."""

from __future__ import annotations

import math
from pathlib import Path

from tests.recording import BYTES, CPU, START_S, Recording, mount
from tests.sealing import rows, sealed
from wftui.store import manifest


def test_an_hour_of_ticks(tmp_path: Path) -> None:
    first = START_S - START_S % 3600
    with Recording(tmp_path / "d") as recording:
        for second in range(3600 + 5):
            values = {CPU: math.nan if second == 7 else second / 8, BYTES: 2.0**40 + second}
            recording.tick(first + second, values | ({mount("/"): 5.0} if second >= 100 else {}))
    outcome = sealed(tmp_path / "d")
    assert (outcome.pieces, outcome.ticks, outcome.sealed_seq, outcome.damaged) == (1, 3600, 3600, 0)
    made = manifest.load(tmp_path / "d")
    (raw,) = made.of(manifest.RAW)
    found = rows(tmp_path / "d", raw)
    assert [row["seq"] for row in found] == list(range(1, 3601))
    assert (raw.since_s, raw.until_s, raw.rows) == (first, first + 3600, 3600)
    assert [found[place][CPU.series.text] for place in (6, 7, 8)] == [0.75, None, 1.0]
    mounted = mount("/").series.text
    assert [found[place][mounted] for place in (99, 100)] == [None, 5]
    (rate,) = made.of(manifest.R10, stat=manifest.MEAN)
    steps = rows(tmp_path / "d", rate)
    assert [step["count"] for step in steps] == [10] * 360
    assert {step[BYTES.series.text] for step in steps} == {1.0}
    assert sealed(tmp_path / "d").pieces == 0
    assert sealed(tmp_path / "d", everything=True).ticks == 5
