"""`wftop report`: true numbers with their times, gaps with their reasons, and nobody's name."""

from __future__ import annotations

import math
from itertools import count
from pathlib import Path

import pytest

from tests.recording import BYTES, CPU, PEAK, START_S, S, mount
from tests.stored import Stored, change, recorded
from wftui.__main__ import main
from wftui.model.event import Event, event
from wftui.model.sample import Column, column
from wftui.model.series import series
from wftui.render import digest as drawn
from wftui.store import gaps, seal
from wftui.store.archive import open_archive

COVERAGE = column("self", "wftop.source.coverage", {"source": "cpu"}, call="own")
COST = column("self", "wftop.cpu.utilization", {"source": "recorder"}, call="own")
FULL = column("mounts", "system.filesystem.utilization", {"mount": "/home/alice"}, call="statvfs")
ODD = column("mounts", "system.filesystem.utilization", {"mount": "/alices-disk"}, call="statvfs")
SERVER = Column(
    series("gen_ai.server.request.queue", {"server": "http://alice.example:8000", "model": "alice/secret"}),
    "{request}", "gauge", "models", "measured", "vllm", "GET /metrics",
)  # fmt: skip
PUSHED = Column(
    series("custom.alice.heart_rate", {"source": "alice"}), "1", "gauge", "custom", "measured", "push", ""
)
BUSIER = Column(
    series("system.cpu.utilization", {"source": "alice"}), "1", "gauge", "system", "measured", "push:alice", ""
)
COLUMNS = (CPU, PEAK, BYTES, COVERAGE, COST, FULL, ODD, SERVER, PUSHED, mount("/home/alice"), BUSIER)
FIRST, SECOND = 4000, 7000
STOP_S = START_S + FIRST
GAP_S = 600
UNTIL_S = START_S + SECOND + GAP_S


def values(second: int) -> tuple[float, ...]:
    """Half busy, but for one second; the counter's one burst is at another."""
    busy = 0.5 if second != 5000 else 0.9
    read = 1000.0 * second + (5_000_000.0 if second >= 2000 else 0.0)
    return (busy, 0.5 if second != 1234 else 1.0, read, 1.0, 0.01, 0.8, 0.2, 3.0, 60.0, math.nan, 0.97)


def happened(made: Stored, *facts: tuple[int, str]) -> None:
    found = []
    for number, (second, kind) in enumerate(facts, 1):
        item = event(second * S, kind, ("recorder", "1"), {"by": "alice"})
        found.append(Event(number, *(getattr(item, name) for name in Event.__struct_fields__[1:])))
    made.write(events=found)


@pytest.fixture(scope="module", params=["sealed", "journal"])
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hours with a stop of ten minutes; sealed as far as it can be, or not at all: the same report."""
    folder = tmp_path_factory.mktemp("data")
    with recorded(folder) as made:
        made.many(COLUMNS, (values(n) for n in count()), FIRST)
        made.gap_s = GAP_S
        made.many(COLUMNS, (values(n) for n in count(FIRST)), SECOND)
        made.write(changes=[change(100, {"1:2": ("alices-trainer", 0.5)}, keyframe=True)])
        happened(made, (START_S, "recorder.started"), (STOP_S, "recorder.stopped"),
                 (STOP_S + GAP_S, "recorder.started"))  # fmt: skip
    if request.param == "sealed":
        seal.run(folder, UNTIL_S * S)
    return folder


def words(folder: Path, *more: str) -> list[str]:
    return ["report", "--since", str(START_S), "--until", str(UNTIL_S), "--data-dir", str(folder), *more]


def run(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> tuple[int, str, str]:
    try:
        code = main(arguments)
    except SystemExit as ended:
        code = int(str(ended.code or 0))
    out = capsys.readouterr()
    return code, out.out, out.err


GOLDEN = """\
wftop report, 2026-09-21 14:13:20 to 2026-09-21 16:20:00 (UTC+00:00)

Recorded: 1h 56m of 2h 06m (92.1 %).

CPU
  what       mean  peak   at
  all cores  50 %  100 %  2026-09-21 14:33:54

Disks
  what                mean        peak        at                   total
  bytes sda read      1.67 KiB/s  4.77 MiB/s  2026-09-21 14:46:40  11.4 MiB
  full /home          80 %        80 %        2026-09-21 14:13:20
  full another mount  20 %        20 %        2026-09-21 14:13:20

Models
  what                                          mean  peak  at
  gen_ai.server.request.queue model 1 server 1  3     3     2026-09-21 14:13:20

Custom
  what                      mean    peak    at
  pushed series 1 source 1  6000 %  6000 %  2026-09-21 14:13:20

Events
  type              count  first                last
  recorder.started  2      2026-09-21 14:13:20  2026-09-21 15:30:00
  recorder.stopped  1      2026-09-21 15:20:00

Gaps
  from                 to                   missing  why
  2026-09-21 15:20:00  2026-09-21 15:30:00  10 min   the recorder was stopped

Coverage by source
  source  mean   worst
  cpu     100 %  100 %

Own cost
  what                              mean   peak   at
  recorder and views, CPU recorder  1.0 %  1.0 %  2026-09-21 14:13:20

Store
"""


def test_what_it_says(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown, _ = run(capsys, words(data))
    assert code == 0
    assert shown[: shown.index("Store\n") + 6] == GOLDEN


def test_it_names_nobody(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("text", "markdown"):
        _, shown, _ = run(capsys, words(data, "--format", form))
        assert "alice" not in shown
        assert "example" not in shown
        assert "secret" not in shown
        assert "boot-1" not in shown


def test_markdown_is_tables(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "day.md"
    code, shown, _ = run(capsys, words(data, "-o", str(out)))
    assert (code, shown) == (0, "")
    made = out.read_text(encoding="utf-8")
    lines = made.splitlines()
    assert lines[0].startswith("# wftop report, ")
    assert "| all cores | 50 % | 100 % | 2026-09-21 14:33:54 |" in lines
    for before, line, after in zip(lines, lines[1:], lines[2:], strict=False):
        if line.startswith("| ---"):
            assert before.count("|") == line.count("|") == after.count("|")
        if line.startswith("## "):
            assert before == after == ""
    assert out.stat().st_mode & 0o777 == 0o600
    code, _, said = run(capsys, words(data, "-o", str(out)))
    assert (code, "--force" in said) == (4, True)


def test_a_label_cannot_become_markup() -> None:
    hostile = "a|b`c*d_<img>\x1b[2J\n# e"
    row = drawn.Busy(hostile, "1", 0.5, 0.5, START_S)
    found = drawn.Digest(0, 60, 60, 0, 1, [("X", [row])], [], [], [], [], [], [], 0, 0)
    (line,) = [line for line in drawn.markdown(found).splitlines() if "img" in line]
    assert line.startswith("| a\\|b\\`c\\*d\\_\\<img\\>\\\\x1b\\[2J\\\\x0a\\# e | 50 % |")
    assert "\x1b" not in drawn.plain(found)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--since", "soon"], 2),
        (["--since", "1h", "--until", "2h"], 2),
        (["--format", "pdf"], 2),
        (["--since", "1000000000", "--until", "1000000100"], 7),
    ],
)
def test_what_cannot_be_told(
    data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: int
) -> None:
    code, shown, said = run(capsys, ["report", "--data-dir", str(data), *arguments])
    assert (code, shown) == (expected, "")
    assert said.startswith("wftop: ")


def test_nothing_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, said = run(capsys, ["report", "--data-dir", str(tmp_path / "none")])
    assert (code, "nothing was recorded" in said) == (7, True)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("machine.down", "the machine went down"),
        ("clock.suspended", "the machine slept, or was starved"),
        ("recorder.unclean", "the recorder ended without a word"),
        ("view.attached", "no event tells"),
    ],
)
def test_reasons(kind: str, expected: str) -> None:
    gap = gaps.Gap(1000, 2000, 1000)
    near = event(2003 * S, kind, ("recorder", "1"))
    far = event(2100 * S, "machine.down", ("recorder", "1"))
    later_start = event(2003 * S, "recorder.started", ("recorder", "1"))
    assert gaps.reason(gap, [far, near]) == expected
    if expected != "no event tells":
        assert gaps.reason(gap, [later_start, near]) == expected


def test_gaps_by_whatever_level_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    with recorded(folder) as made:
        made.many([CPU], ([0.5] for _ in count()), 4000)
        made.gap_s = 7
        made.many([CPU], ([0.5] for _ in count()), 5000)
        made.gap_s = 1007
        made.many([CPU], ([0.5] for _ in count()), 9000)
    end = START_S + 9000 + 1007

    def found() -> tuple[list[gaps.Gap], int]:
        with open_archive(folder) as archive:
            return gaps.gaps(archive, START_S, end)

    exact = (
        [gaps.Gap(START_S + 4000, START_S + 4007, 7), gaps.Gap(START_S + 5007, START_S + 6007, 1000)],
        9000,
    )
    assert found() == exact
    seal.run(folder, end * S, everything=True)
    for item in folder.glob("journal.db*"):
        item.unlink()
    assert found() == exact
    for kind, step_s in (("raw", 10), ("r10", 300)):
        for path in folder.joinpath("segments", kind).rglob("*.parquet"):
            path.write_bytes(b"")  # damaged: the next coarser level tells
        coarse, recorded_s = found()
        assert recorded_s == 9000
        assert sum(gap.missing_s for gap in coarse) == 1007
        assert [gap.since_s // step_s for gap in coarse] == [gap.since_s // step_s for gap in exact[0]]


def test_a_repeated_hour_is_recorded_once() -> None:
    pieces = [gaps._Piece(0, 3600, 3600), gaps._Piece(1800, 5400, 3600), gaps._Piece(5401, 6000, 599)]
    assert gaps._between(pieces) == ([], 5999)


def test_a_total_is_of_the_time_in_which_the_disk_was_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with recorded(tmp_path / "data") as made:
        rows = ((0.5, 1_000_000.0 * second if second >= 3000 else math.nan) for second in count())
        made.many((CPU, BYTES), rows, 3600)
    until = str(START_S + 3600)
    words = ["report", "--data-dir", str(tmp_path / "data"), "--since", str(START_S), "--until", until]
    code, shown, _ = run(capsys, words)
    assert code == 0
    (line,) = [line for line in shown.splitlines() if "sda" in line]
    # Ten minutes of 1 MB/s, not an hour of it; right to the bucket in which it came.
    number, unit = line.split()[-2:]
    assert unit == "MiB"
    assert 570 <= float(number) <= 590
