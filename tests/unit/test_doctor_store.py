"""`wftop doctor --store` reads every byte; `--rebuild` makes anew what is made from the segments."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from itertools import count
from pathlib import Path

import msgspec
import pytest

from tests.recording import BYTES, CPU, START_S, S
from tests.stored import change, events, recorded
from wftui.cli import checks_store
from wftui.cli.checks import BAD, OK, WARN, Check
from wftui.cli.commands import app  # the command as a person types it
from wftui.paths import places
from wftui.store import derived, manifest, seal, segments, verify

TICKS = 7000
NOW_NS = (START_S + TICKS) * S


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    with recorded(folder) as item:
        item.many([CPU, BYTES], ([0.25, 1000.0 * n] for n in count()), TICKS)
        item.write(changes=[change(100, {"1:2": ("init", 0.5)}, keyframe=True)], events=events(3, START_S * S))
    seal.run(folder, NOW_NS)
    derived.refresh(folder, NOW_NS)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "store")


def look(folder: Path, *, rebuild: bool = False) -> dict[str, Check]:
    where = places(str(folder))
    first = checks_store.rebuild(where, NOW_NS) if rebuild else []
    return {item.name: item for item in [*first, *checks_store.look(where, NOW_NS)]}


def test_all_is_well(folder: Path) -> None:
    derived.rebuild(folder, NOW_NS)  # its views name this copy
    found = look(folder)
    assert {item.state for item in found.values()} == {OK}
    assert found["journal"].text.startswith(f"{TICKS} ticks since 2026-09-21T14:13:20Z")
    assert {"segments", "history.duckdb", "every second", "5 min steps", "tables", "events", "size"} <= set(found)
    assert "2026-09-21T16:00:00Z" in found["history.duckdb"].text


def test_one_flipped_byte_is_found_wherever_it_is(made: Path) -> None:
    chance = random.Random(3)  # noqa: S311  the same places in each run
    listed = manifest.load(made)
    sizes = [item.size for item in listed.segments]
    found = 0
    for item in chance.choices(listed.segments, sizes, k=100):
        path = made / manifest.FOLDER / item.file
        whole = path.read_bytes()
        place = chance.randrange(item.size)
        flipped = whole[place] ^ 1 << chance.randrange(8)
        path.write_bytes(whole[:place] + bytes([flipped]) + whole[place + 1 :])
        try:
            found += [bad.segment for bad in verify.damages(made, listed)] == [item]
        finally:
            path.write_bytes(whole)
    assert found == 100
    assert verify.damages(made, listed) == []


def test_a_damaged_segment_is_set_aside_and_counted(folder: Path) -> None:
    victim = manifest.load(folder).of(manifest.R300)[0]
    path = folder / manifest.FOLDER / victim.file
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"!")
    found = look(folder)
    assert found["segments"].state == BAD
    assert victim.file in found["segments"].text
    assert found["segments"].fix == "wftop doctor --rebuild"
    assert found["history.duckdb"].state == WARN
    after = manifest.load(folder)
    assert after.damaged == 1
    assert victim not in after.segments
    (aside,) = path.parent.glob("*.damaged-*")
    assert aside.read_bytes() == content[:-1] + b"!"
    assert found["set aside"].fix == f"rm '{aside}'"
    again = look(folder, rebuild=True)
    assert again["segments"].state == OK
    assert again["history.duckdb"].state == OK
    assert again["set aside"].state == WARN
    # What was set aside is nobody's leftover: the next seal leaves it alone.
    assert segments.leftovers(folder, after) == []


def test_rebuild_sets_aside_first(folder: Path) -> None:
    victim = manifest.load(folder).of(manifest.RAW)[0]
    (folder / manifest.FOLDER / victim.file).write_bytes(b"")
    found = look(folder, rebuild=True)
    assert found["rebuild"].state == OK
    assert found["history.duckdb"].state == OK


def test_a_missing_segment_leaves_the_manifest(folder: Path) -> None:
    victim = manifest.load(folder).of(manifest.RAW)[0]
    (folder / manifest.FOLDER / victim.file).unlink()
    found = look(folder)
    assert found["segments"].state == BAD
    assert "0 set aside" in found["segments"].text
    assert victim not in manifest.load(folder).segments


def test_a_file_that_was_merged_meanwhile_is_no_damage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = manifest.load(folder)
    victim = before.of(manifest.R10)[0]
    bad = verify.Damage(victim, "gone")
    manifest.save(
        folder, msgspec.structs.replace(before, segments=tuple(s for s in before.segments if s != victim))
    )
    assert verify.set_aside(folder, [bad], NOW_NS) == []
    assert manifest.load(folder).damaged == 0
    sound = verify.Damage(before.of(manifest.RAW)[0], "was being replaced")
    assert verify.set_aside(folder, [sound], NOW_NS) == []
    monkeypatch.setattr(verify, "damages", lambda *_: [bad])
    assert look(folder)["segments"].state == OK


def test_while_a_sealer_runs_nothing_is_renamed(folder: Path) -> None:
    victim = manifest.load(folder).of(manifest.RAW)[0]
    (folder / manifest.FOLDER / victim.file).write_bytes(b"x")
    (folder / manifest.FOLDER / manifest.RAW / "half.parquet.tmp").write_bytes(b"x")
    with seal.lock(folder):
        found = look(folder, rebuild=True)
    assert "not set aside" in found["segments"].text
    assert victim in manifest.load(folder).segments
    assert found["rebuild"].state == BAD
    assert "leftovers" not in found
    assert look(folder)["leftovers"].state == WARN


def test_the_journal_is_read_to_its_last_tick(folder: Path) -> None:
    with sqlite3.connect(folder / "journal.db") as journal:
        journal.execute("UPDATE tick SET crc32 = crc32 + 1 WHERE seq IN (5, 6999)")
        journal.execute("UPDATE table_change SET crc32 = crc32 + 1")
    journal.close()
    found = look(folder)["journal"]
    assert found.state == WARN
    assert "3 entries are damaged" in found.text
    assert found.text.startswith(f"{TICKS - 2} ticks")


@pytest.mark.parametrize("content", [b"", b"not a database" * 1000], ids=["empty", "text"])
def test_a_journal_that_is_none(folder: Path, content: bytes) -> None:
    for item in folder.glob("journal.db*"):
        item.unlink()
    (folder / "journal.db").write_bytes(content)
    assert look(folder)["journal"].state == BAD


def test_a_journal_with_a_torn_page(folder: Path) -> None:
    path = folder / "journal.db"
    content = bytearray(path.read_bytes())
    content[8192:12288] = b"\xff" * 4096
    path.write_bytes(content)
    assert look(folder)["journal"].state == BAD


@pytest.mark.parametrize("damage", [None, b"x" * 5000], ids=["lost", "damaged"])
def test_history_lost_or_damaged_is_made_anew(folder: Path, damage: bytes | None) -> None:
    path = folder / derived.NAME
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    before = look(folder)["history.duckdb"]
    assert (before.state, before.fix) == (WARN, "wftop doctor --rebuild")
    assert look(folder, rebuild=True)["history.duckdb"].state == OK


def test_too_much(folder: Path, tmp_path: Path) -> None:
    config = tmp_path / "config" / "wftop" / "config.toml"
    config.parent.mkdir(mode=0o700)
    config.write_text('[store]\nmax_bytes = "1MiB"\n')
    config.chmod(0o600)
    (folder / "journal.db.damaged-1").write_bytes(b"x" * 2_000_000)
    assert look(folder)["size"].state == WARN


@pytest.mark.parametrize("damage", [None, b"", b"{not json"], ids=["lost", "empty", "damaged"])
def test_a_lost_manifest_is_made_anew(folder: Path, damage: bytes | None) -> None:
    before = manifest.load(folder)
    path = folder / manifest.FOLDER / manifest.NAME
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    told = look(folder)
    assert (told["manifest"].state, told["manifest"].fix) == (BAD, "wftop doctor --rebuild")
    assert "leftovers" not in told
    found = look(folder, rebuild=True)
    assert found["manifest"].text == f"made anew from {len(before.segments)} segments"
    assert {item.state for name, item in found.items() if name != "set aside"} == {OK}
    after = manifest.load(folder)
    assert after.sealed_seq == before.sealed_seq
    assert {item.file for item in after.segments} == {item.file for item in before.segments}


def test_a_newer_manifest_is_left_alone(folder: Path) -> None:
    path = folder / manifest.FOLDER / manifest.NAME
    path.write_bytes(msgspec.json.encode({"version": 99}))
    found = look(folder, rebuild=True)
    assert found["manifest"].state == BAD
    assert "newer" in found["manifest"].text
    assert found["rebuild"].state == BAD


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            app(args=["doctor", *words], prog_name="wftop", standalone_mode=True)
        return int(str(ended.value.code)), capsys.readouterr().out

    code, shown = run("--rebuild", "--json", "--data-dir", str(folder))
    assert code == 0
    assert {item["area"] for item in json.loads(shown)["checks"]} == {"store"}
    (folder / manifest.FOLDER / manifest.load(folder).segments[0].file).write_bytes(b"")
    code, shown = run("--store", "--data-dir", str(folder))
    assert code == 1
    assert shown.startswith("Store\n")
    code, shown = run("--store", "--rebuild", "--data-dir", str(tmp_path / "nothing"))
    assert (code, "nothing was recorded" in " ".join(shown.split())) == (0, True)  # a long path breaks the line
