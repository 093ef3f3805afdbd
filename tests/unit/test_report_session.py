"""`wftop report --session`: answers that followed each other, summed up beside what the machine drew meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.recording import START_S, S
from tests.stored import Stored, recorded
from wftui.__main__ import main
from wftui.cli import report_session
from wftui.model.event import Event, event
from wftui.model.sample import Column, column

UP = column("gpu", "hw.gpu.up", {"gpu": "GPU-1"}, call="nvml")
JOULES = column("gpu", "hw.gpu.energy", {"gpu": "GPU-1"}, call="nvmlDeviceGetTotalEnergyConsumption")
RATIO = column("self", "wftop.fidelity.ratio", {"view": "1"}, call="view")
SEEN = column("self", "wftop.fidelity.seen", {"view": "1"}, call="view")
RATE = column("energy", "ux.frame.rate", {"source": "alice", "mode": "10s"}, call="frames")
OVER = column("energy", "ux.frames.over", {"source": "alice"}, call="frames")
OTHER_RATE = column("energy", "ux.frame.rate", {"source": "alice", "mode": "1s"}, call="frames")


def ended(at_s: float, source: str, model: str, **more: float | str | dict[str, int] | None) -> Event:
    payload = {
        "source": source, "server": "", "model": model, "told_by": "tokens", "answers": 1, "tokens": 100,
        "units": 60.0, "duration_s": 10.0, "first_token_s": 0.4, "rate": 12.0, "stalls": 0, "energy_mean": 0.6,
        "energy_peak": 0.8,
    } | more  # fmt: skip
    return event(int((START_S + at_s) * S), "stream.ended", ("stream", source), payload)


def written(made: Stored, *items: Event) -> None:
    fields = Event.__struct_fields__[1:]
    found = [Event(number, *(getattr(item, name) for name in fields)) for number, item in enumerate(items, 1)]
    made.write(events=found)


def rows(columns: tuple[Column, ...]) -> Iterator[tuple[float, ...]]:
    """50 W; nine tenths of 6 EU a second are seen; 60 frames a second in ten seconds, 10 in one, 3 late."""
    for second in count():
        known = {UP: 1.0, JOULES: 50.0 * second, RATIO: 0.9, SEEN: 5.4 * second, RATE: 60.0, OTHER_RATE: 10.0}
        known[OVER] = 3.0 * second
        yield tuple(known[item] for item in columns)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sessions of one program, an hour apart; one of another in between."""
    folder = tmp_path_factory.mktemp("data") / "store"
    columns = (UP, JOULES, RATIO, SEEN, RATE, OTHER_RATE, OVER)
    with recorded(folder) as made:
        made.many(columns, rows(columns), 5000)
        written(
            made,
            ended(110, "alice", "alice/secret"),
            ended(115, "alice", "phi", tokens=0, units=0.0, first_token_s=None),
            ended(200, "bob", "phi"),
            ended(400, "alice", "alice/secret", first_token_s=1.2, stalls=2, units=40.0),
            ended(4010, "alice", "alice/secret", told_by="counters", tokens=50, units=20.0, first_token_s=None),
        )
    return folder


def run(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> tuple[int, str, str]:
    try:
        code = main(["report", "--data-dir", str(folder), *words])
    except SystemExit as ending:
        code = int(str(ending.code or 0))
    out = capsys.readouterr()
    return code, out.out, out.err


def cells(shown: str, what: str) -> list[str]:
    """Of the line that begins so."""
    (line,) = [line for line in shown.splitlines() if line.startswith(f"  {what}  ")]
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def identity(second: int) -> str:
    return report_session.identities([[report_session._answer(ended(second + 10, "a", "m"))]])[0]


def test_a_session_of_two_models(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown, _ = run(capsys, data, "--session", identity(100))
    assert code == 0
    lines = shown.splitlines()
    assert lines[0].startswith(f"wftop session {identity(100)}, 2026-09-21 14:15:00 to 2026-09-21 14:20:01 (UTC")
    assert lines[2] == "3 answers, 200 tokens, 100.0 EU in 5 min."
    # First tokens after 0.4 and 1.2 s.
    assert cells(shown, "model 1") == ["model 1", "2", "200", "100.0", "0.50", "2", "800 ms", "1.20 s", "1.20 s"]
    assert cells(shown, "model 2") == ["model 2", "1", "0", "0.0", "-", "0", "not recorded", "-", "-"]
    # 301 s at 50 W over 200 tokens.
    assert cells(shown, "GPUs")[:2] == ["GPUs", "15050 J"]
    assert "75.2 J" in cells(shown, "GPUs")
    assert cells(shown, "CPU packages")[:2] == ["CPU packages", "not recorded"]
    assert cells(shown, "energy seen of that computed, 60 s")[1:] == ["90 %", "90 %", "90 %"]
    assert cells(shown, "EU seen")[1:] == ["1625.4"]
    assert cells(shown, "EU missed")[1:] == ["not recorded"]
    assert cells(shown, "frames a second")[1:] == ["60", "60", "60"]
    assert cells(shown, "frames over 16.67 ms")[1:] == ["903"]
    assert cells(shown, "jitter")[1:] == ["not recorded"]


def test_the_last_one_is_estimated(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown, _ = run(capsys, data, "--session", "last")
    assert code == 0
    assert f"wftop session {identity(4000)}" in shown
    assert "1 answer, 50 tokens, 20.0 EU" in shown
    assert "estimated where a server's counters told" in shown


def test_markdown_and_nobodys_name(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, plain, _ = run(capsys, data, "--session", identity(100))
    _, shown, _ = run(capsys, data, "--session", identity(100), "--format", "markdown")
    for made in (plain, shown):
        assert "alice" not in made
        assert "secret" not in made
    assert shown.startswith("# wftop session ")
    assert "| model 1 | 2 | 200 | 100.0 | 0.50 | 2 | 800 ms | 1.20 s | 1.20 s |" in shown.splitlines()


def test_an_id_that_is_none(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, shown, said = run(capsys, data, "--session", "yesterday")
    assert (code, shown) == (7, "")
    assert f"--session: expected last or one of {identity(4000)}, {identity(190)}, {identity(100)}" in said
    assert "got 'yesterday'" in said


def test_nothing_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with recorded(tmp_path / "store") as made:
        made.many((UP,), ([1.0] for _ in count()), 10)
    code, _, said = run(capsys, tmp_path / "store", "--session", "last")
    assert (code, "no answer that ended is recorded" in said) == (7, True)


def test_answers_that_did_not_finish_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with recorded(tmp_path / "store") as made:
        made.many((UP,), ([1.0] for _ in count()), 60)
        gone = ended(50, "a", "m", ends={"abandoned": 1}, since_s=20.0, duration_s=None, silent_s=3.0)
        written(
            made,
            ended(20, "a", "m", ends={"finished": 1}),
            ended(30, "a", "m", answers=3, ends={"finished": 1, "aborted": 2}),
            event(gone.time_ns, "stream.abandoned", ("stream", "a"), dict(gone.payload)),
        )
    code, shown, _ = run(capsys, tmp_path / "store", "--session", "last")
    assert code == 0
    said = (
        "5 answers, 300 tokens, 180.0 EU in 38 s. Not finished: 2 aborted, 1 abandoned (nobody told of the end)."
    )
    assert said in shown.splitlines()


def test_pauses_make_sessions() -> None:
    """Five minutes from an end to a beginning are none, a second more is; another source is another session."""
    found = report_session.sessions(
        [
            ended(10, "a", "m"),
            ended(320, "a", "m"),
            ended(631, "a", "m"),
            ended(300, "b", "m"),
        ]
    )
    assert [[round(item.ended_s - START_S) for item in those] for those in found] == [[10, 320], [300], [631]]


def test_sessions_that_begin_in_one_second_have_ids_of_their_own() -> None:
    found = report_session.sessions([ended(10, "a", "m"), ended(10.5, "b", "m"), ended(10.2, "c", "m")])
    plain = identity(0)
    assert report_session.identities(found) == [plain, f"{plain}-2", f"{plain}-3"]
