"""`wftop compare` as a person and a script call it: ranges of a recording, bundles, one of each."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyrage
import pytest

from tests.harness import command, environment, recorder
from tests.recording import START_S
from tests.stored import change, recorded
from wftui.bundle import crypt
from wftui.model.sample import column

COLUMNS = (
    column("cpu", "system.cpu.utilization", call="/proc/stat"),
    column("mounts", "system.filesystem.limit", {"mount": "/home/alice"}, call="statvfs"),
    column("mounts", "system.filesystem.utilization", {"mount": "/home/alice"}, call="statvfs"),
)
CALM, BUSY = f"{START_S}..{START_S + 300}", f"{START_S + 300}..{START_S + 600}"


def rows() -> Iterator[list[float]]:
    """Ten minutes; in the second half the CPU is busy, and a disk fuller."""
    for second, noise in enumerate(np.random.default_rng(2).normal(0, 0.01, 600).tolist()):
        yield [0.7 + noise, 1e12, 0.85] if second >= 300 else [0.2 + noise, 1e12, 0.35]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    with recorded(folder) as made:
        made.many(COLUMNS, rows(), 600)
        minutes = [change(n, {"1:1": ("init", 0.0)}, keyframe=True) for n in range(1, 300, 60)]
        minutes += [
            change(n, {"1:1": ("init", 0.0), "9:9": ("burner", 1.9)}, keyframe=True) for n in range(301, 600, 60)
        ]
        made.write(minutes)
    return folder


@pytest.fixture
def bundles(data: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Of both halves: each has its own names for what they have in common."""
    found = (tmp_path / "calm.wftop", tmp_path / "busy.wftop")
    for path, span in zip(found, (CALM, BUSY), strict=True):
        since, _, until = span.partition("..")
        words = ("--since", since, "--until", until, "--yes", "--plain", "--no-screens", "-o", str(path))
        done = run("bundle", *words, "--data-dir", str(data))
        assert done.returncode == 0, done.stderr
    return found


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        env=environment(env),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # without a terminal, wherever the tests run
    )


def compared(*arguments: str) -> str:
    done = run("compare", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_ranges_of_a_recording(data: Path) -> None:
    said = compared("--a", CALM, "--b", BUSY, "--data-dir", str(data))
    verdict = said.splitlines()[2]
    assert "filesystem utilization /home/alice 35 → 85 % (± 0 points); CPU " in verdict
    assert "Of the programs burner changed most: CPU 0 → 1.9 cores" in verdict
    assert "5 min, all of it recorded, own recording" in said
    assert "Settings: not compared" in said, "of both only what holds now is known"


def test_two_bundles_that_share_no_name(bundles: tuple[Path, Path]) -> None:
    told = json.loads(compared(*map(str, bundles), "--json"))
    differ = {item["series"].partition("{")[0]: item for item in told["differ"]}
    assert differ.keys() == {"system.cpu.utilization", "system.filesystem.utilization"}
    assert differ["system.filesystem.utilization"]["a"]["mean"] == pytest.approx(0.35)
    assert differ["system.filesystem.utilization"]["b"]["mean"] == pytest.approx(0.85)
    assert told["programs"][0]["name"] == "burner"
    assert told["a"]["bundle"]["level"] == "full"
    assert told["facts"]["Settings"] == {"differ": [], "not_compared": None}
    assert "alice" not in json.dumps(told)


def test_a_bundle_does_not_differ_from_itself(bundles: tuple[Path, Path]) -> None:
    said = compared(str(bundles[0]), str(bundles[0]))
    assert "Nothing differs by more than noise that matters: 3 series were compared." in said


def test_a_bundle_is_what_it_was_made_of(data: Path, bundles: tuple[Path, Path]) -> None:
    """Under made-up names: the mount is known again by its size."""
    told = json.loads(compared(str(bundles[1]), "--b", BUSY, "--data-dir", str(data), "--json"))
    assert (told["judged"], told["same"]) == (3, 3)
    assert (told["only_a"], told["only_b"], told["programs"]) == ({}, {}, [])
    assert all(not item["differ"] for item in told["facts"].values())


def test_a_bundle_against_the_own_recording(data: Path, bundles: tuple[Path, Path]) -> None:
    said = compared(str(bundles[0]), "--b", BUSY, "--data-dir", str(data), "-m", "system.cpu.*")
    assert "**From A to B: CPU " in said
    assert "filesystem" not in said
    assert ", bundle of host-" in said
    assert ", own recording" in said


def test_a_range_within_a_bundle(bundles: tuple[Path, Path]) -> None:
    told = json.loads(compared(*map(str, bundles), "--a", f"{START_S + 100}..{START_S + 200}", "--json"))
    assert (told["a"]["since_s"], told["a"]["until_s"], told["a"]["recorded_s"]) == (
        START_S + 100, START_S + 200, 100,
    )  # fmt: skip
    assert any("not of one length" in line for line in told["notes"])


def test_times_within_bundles_are_those_of_their_machine(data: Path, tmp_path: Path) -> None:
    """As replay shows them: 14:14 in UTC is 23:14 in Tokyo, wherever it is read."""
    path = tmp_path / "tokyo.wftop"
    words = (
        "--since",
        CALM.partition("..")[0],
        "--until",
        BUSY.partition("..")[2],
        "--yes",
        "--plain",
        "--no-screens",
    )
    done = run("bundle", *words, "-o", str(path), "--data-dir", str(data), TZ="Asia/Tokyo")
    assert done.returncode == 0, done.stderr
    done = run("compare", str(path), str(path), "--a", "23:14..23:16", "--b", "23:20..23:22")
    assert done.returncode == 0, done.stderr
    assert "A: 2026-09-21 23:14:00 to 2026-09-21 23:16:00 (UTC+09:00), 2 min" in done.stdout


def test_encrypted_for_a_key(bundles: tuple[Path, Path], tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    key = tmp_path / "key.txt"
    key.write_text(f"{identity}\n")
    sealed = tmp_path / "calm.wftop.age"
    crypt.encrypt_file(bundles[0], sealed, crypt.Encryption((str(identity.to_public()),)))
    done = run("compare", str(sealed), str(bundles[1]))
    assert (done.returncode, done.stdout) == (8, "")
    assert "--identity FILE" in done.stderr
    assert "**From A to B:" in compared(str(sealed), str(bundles[1]), "--identity", str(key))


def test_a_passphrase_that_nobody_can_type(bundles: tuple[Path, Path], tmp_path: Path) -> None:
    sealed = tmp_path / "calm.wftop.age"
    crypt.encrypt_file(bundles[0], sealed, crypt.Encryption(passphrase=crypt.generate_passphrase()))
    done = run("compare", str(sealed), str(bundles[1]))
    assert (done.returncode, done.stdout) == (8, "")
    assert "no terminal to type it; scripts use --identity FILE" in done.stderr
    assert done.stderr.count("\n") == 1


def test_into_a_file_that_is_not_overwritten(data: Path, tmp_path: Path) -> None:
    target = tmp_path / "told.md"
    words = ("--a", CALM, "--b", BUSY, "--data-dir", str(data), "-o", str(target))
    assert not compared(*words)
    assert target.read_text().startswith("# wftop compare: own recording")
    assert target.stat().st_mode & 0o777 == 0o600
    done = run("compare", *words)
    assert done.returncode == 4
    assert "--force" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "not said what A is"),
        (("--a", "1h"), 2, "not said what B is"),
        (("--a", "1h", "--b", "soon"), 2, "--b 'soon': expected a time like"),
        (("--a", "1h..2h", "--b", "1h"), 2, "begin is not before its end"),
        (
            ("--a", "2020-01-01..2020-01-02", "--b", BUSY),
            7,
            "A (own recording, 2020-01-01..2020-01-02) holds no data",
        ),
        (("a", "b", "c"), 2, "at most two bundles, got 3"),
        (("none.wftop", "--b", "1h"), 8, "none.wftop: cannot be read"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(data: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    done = run("compare", *arguments, "--data-dir", str(data))
    assert done.returncode == code
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_outside_of_a_bundle(bundles: tuple[Path, Path]) -> None:
    done = run("compare", *map(str, bundles), "--a", f"{START_S - 900}..{START_S - 600}")
    assert done.returncode == 2
    assert "outside of the bundle" in done.stderr


def test_while_a_recorder_writes() -> None:
    """Too few seconds to judge, and said so; the machine is told of as it is now."""
    with recorder() as running:
        running.ticks(8)
        told = json.loads(compared("--a", "6s..3s", "--b", "3s", "--json"))
    assert told["judged"] == 0
    assert told["unsure"] > 50
    assert "no series has enough values" in told["verdict"]
    assert told["facts"]["Versions and hardware"] == {"differ": [], "not_compared": None}
