"""What goes into a bundle: numbers, tables, events, bursts and the rest, as they were recorded."""

from __future__ import annotations

import math
import os
import time
import zipfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests import past
from tests.recording import BYTES, CPU, PEAK, START_S, Recording, S
from tests.stored import Stored, change, recorded
from wftui import log
from wftui.bundle import collect, crypt, happened, series
from wftui.bundle import format as form
from wftui.bundle.format import (
    BurstLine,
    Consent,
    Gaps,
    Inventory,
    LogLine,
    Manifest,
    RuleInForce,
    ServerFact,
    SettingInForce,
    SourcesHealth,
    Steps,
    TableHead,
    TableLine,
    Ticks,
)
from wftui.bundle.packed import unpack, unpack_whole
from wftui.errors import BundleError, NoDataError
from wftui.model import alerts, servers
from wftui.model.event import Event, event
from wftui.model.processes import PROCESSES
from wftui.model.sample import Column, column
from wftui.model.table import Row, TableSchema, apply, keyframe
from wftui.model.tick import unpack as unpack_tick
from wftui.paths import places
from wftui.store import manifest as segments
from wftui.store import seal
from wftui.store.archive import open_archive
from wftui.store.journal import NAME, Burst, Journal, StoredChange

END_S = START_S + 10_000
CONSENT = Consent("--yes", 1, "plain")


def request(folder: Path, path: Path, **more: Any) -> collect.Request:
    """All of a recording, without pictures."""
    known: dict[str, Any] = {"since_s": START_S, "until_s": END_S, "level": form.FULL, "screens": False}
    return collect.Request(data_dir=folder, path=path, consent=CONSENT, **known | more)


def members(folder: Path, **more: Any) -> dict[str, bytes]:
    """Everything in a bundle of a recording, by name."""
    path = folder.with_suffix(form.SUFFIX)
    collect.make(request(folder, path, replace=True, **more))
    with zipfile.ZipFile(path) as found:
        return {name: found.read(name) for name in found.namelist()}


def ticks(found: dict[str, bytes]) -> list[Ticks]:
    """In order."""
    return [msgspec.json.decode(found[name], type=Ticks) for name in sorted(found) if name.startswith("ticks/")]


def seconds(found: dict[str, bytes]) -> dict[int, dict[str, float]]:
    """seq to the known values of each series."""
    told: dict[int, dict[str, float]] = {}
    for item in ticks(found):
        seqs = unpack_whole(item.seq, 10_000)
        for known, packed in zip(item.columns, item.values, strict=True):
            for seq, value in zip(seqs, unpack(packed, 10_000), strict=True):
                told.setdefault(seq, {})
                if value == value:
                    told[seq][known.series.text] = value
    return told


def recorded_seconds(folder: Path) -> dict[int, dict[str, float]]:
    """The same, of the data dir."""
    told: dict[int, dict[str, float]] = {}
    with open_archive(folder) as archive:
        for tick in archive.ticks(START_S, END_S):
            columns = archive.layout(tick.layout).columns
            values = unpack_tick(tick.values)
            told[tick.seq] = {
                item.series.text: value for item, value in zip(columns, values, strict=True) if value == value
            }
    return told


def lines(found: dict[str, bytes], name: str, kind: Any) -> list[Any]:
    """Of a member that has them."""
    return [msgspec.json.decode(line, type=kind) for line in found.get(name, b"").splitlines()]


def manifest(found: dict[str, bytes]) -> Manifest:
    """Of a bundle."""
    return msgspec.json.decode(found[form.MANIFEST], type=Manifest)


# ---- numbers


def test_every_value_of_every_second_is_there(tmp_path: Path) -> None:
    with Recording(tmp_path / "data") as recording:
        for at in range(40):
            values: dict[Column, float] = {CPU: at / 7, BYTES: at * 1000.0}
            if at >= 20:
                values[PEAK] = math.nan if at == 30 else 0.1 + at
            recording.tick(START_S + at + (100 if at > 25 else 0), values, skip=at == 10)
    found = members(tmp_path / "data")
    assert seconds(found) == recorded_seconds(tmp_path / "data")
    assert [len(item.columns) for item in ticks(found)] == [2, 3]
    assert [item.layout for item in ticks(found)] == [1, 2]
    assert manifest(found).ticks == 40
    gaps = msgspec.json.decode(found[form.GAPS], type=Gaps)
    assert [(item.since_s - START_S, item.until_s - START_S) for item in gaps.gaps] == [(26, 126)]
    assert gaps.recorded_s == 40


def test_the_boot_of_a_second_is_known_by_a_name_made_up_for_it(tmp_path: Path) -> None:
    with Recording(tmp_path / "data") as recording:
        recording.tick(START_S, {CPU: 1.0})
        recording.reboot()
        recording.tick(START_S + 1, {CPU: 1.0})
    found = members(tmp_path / "data")
    boots = manifest(found).origin.boots
    assert sorted(boots) == ["1", "2"]
    assert len(set(boots.values())) == 2
    assert not {"boot-1", "boot-2"} & set(boots.values())
    assert list(unpack_whole(ticks(found)[0].boot, 2)) == [1, 2]


def test_ticks_are_split_and_a_layout_that_comes_back_keeps_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(form, "TICKS", 7)
    with Recording(tmp_path / "data") as recording:
        for at in range(40):
            recording.tick(START_S + at, {CPU: float(at)} if 10 <= at < 15 else {CPU: float(at), BYTES: 1.0})
    found = members(tmp_path / "data")
    told = [(item.layout, item.seq.count) for item in ticks(found)]
    assert told == [(1, 7), (1, 3), (2, 5), (1, 7), (1, 7), (1, 7), (1, 4)]
    assert seconds(found) == recorded_seconds(tmp_path / "data")


def test_layouts_without_end_are_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "_EXACT", 3)
    with Recording(tmp_path / "data") as recording:
        for at in range(60):
            more = column("test", "system.disk.io", {"device": f"sd{chr(97 + at % 20)}"}, call="test")
            recording.tick(START_S + at, {CPU: float(at), more: at + 0.5})
    found = members(tmp_path / "data")
    assert len(ticks(found)) == 4
    assert seconds(found) == recorded_seconds(tmp_path / "data")
    assert any("came and went" in item for item in manifest(found).left_out)


def test_too_many_values_are_refused_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "CELLS", 100)
    with Recording(tmp_path / "data") as recording:
        for at in range(101):
            recording.tick(START_S + at, {CPU: float(at)})
    with pytest.raises(BundleError, match="take a shorter range"):
        members(tmp_path / "data")
    assert not (tmp_path / "data.wftop").exists()


def test_a_range_that_holds_nothing_is_said(tmp_path: Path) -> None:
    with Recording(tmp_path / "data") as recording:
        recording.tick(START_S, {CPU: 1.0})
    with pytest.raises(NoDataError, match="recorded is 2026-09-21T14:13:20Z"):
        members(tmp_path / "data", since_s=START_S + 100)
    assert not (tmp_path / "data.wftop").exists()


# ---- what is sealed, and what is gone


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """Two and a half hours, the first of them in segments alone."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700, exist_ok=True)
    past.fill(folder)
    past.close_hours(folder)
    return folder


def test_sealed_hours_and_the_journal_are_one(sealed: Path) -> None:
    found = members(sealed)
    told, known = seconds(found), recorded_seconds(sealed)
    assert len(told) == past.SECONDS
    hidden = next(text for text in known[1] if "/home/alice" in text)
    for seq, values in known.items():
        kept = {text: value for text, value in values.items() if text != hidden}
        assert kept.items() <= told[seq].items()
        assert len(told[seq]) == len(values)
    assert not any(b"alice" in data for data in found.values())
    _check_tables(sealed, found, "processes")


def test_where_single_seconds_are_gone_steps_stand_for_them(sealed: Path) -> None:
    made = segments.load(sealed)
    kept = tuple(item for item in made.segments if item.kind != segments.RAW)
    segments.save(sealed, msgspec.structs.replace(made, segments=kept))
    found = members(sealed)
    told = seconds(found)
    fine = [
        msgspec.json.decode(found[name], type=Steps) for name in sorted(found) if name.startswith("rollups/10s-")
    ]
    seqs = [seq for item in fine for seq in unpack_whole(item.seq, 10_000)]
    assert seqs
    assert seqs == sorted(seqs)
    assert max(seqs) < min(told)
    # Each second of the past is in a step or by itself.
    counted = sum(count for item in fine for count in unpack_whole(item.ticks, 10_000))
    assert counted + len(told) >= past.SECONDS - 10
    first = fine[0]
    place = next(at for at, item in enumerate(first.columns) if item.series == CPU.series)
    steps = {name: unpack(values[place], 10_000) for name, values in first.statistics.items()}
    time_s = unpack_whole(first.time_s, 10_000)[1]
    expected = [past.values(at - START_S)[0] for at in range(time_s, time_s + 10)]
    assert steps["min"][1] == pytest.approx(min(expected))
    assert steps["max"][1] == pytest.approx(max(expected))
    assert steps["mean"][1] == pytest.approx(sum(expected) / 10, rel=1e-3)
    assert any("Single seconds" in item for item in manifest(found).left_out)


# ---- tables


def _check_tables(folder: Path, found: dict[str, bytes], name: str) -> None:
    """Rows of a table at every tick: as many, and with the numbers that were recorded."""
    told: list[tuple[int, TableSchema, Any]] = []
    for member in sorted(found):
        if member.startswith(f"tables/{name}-"):
            head, *rest = found[member].splitlines()
            schema = msgspec.json.decode(head, type=TableHead).schema
            each = [msgspec.json.decode(line, type=TableLine) for line in rest]
            assert each[0].change.keyframe
            told += [(item.tick, schema, item.change) for item in each]
    assert [item[0] for item in told] == sorted(item[0] for item in told)
    rows: dict[str, Row] = {}
    coming = iter([*told, (1 << 62, None, None)])
    following = next(coming)
    with open_archive(folder) as archive:
        numbers = [at for at, item in enumerate(PROCESSES.columns) if item.kind != "text"]
        checked = 0
        for tick in archive.ticks(START_S, END_S):
            while following[0] <= tick.seq:
                apply(rows, following[2])
                following = next(coming)
            if tick.seq % 97 and tick.seq > 20:
                continue
            known = archive.table_of(name, tick.seq)
            assert (known.rows.keys() if known else set()) == rows.keys()
            for key, row in rows.items():
                assert known is not None
                assert [row[at] for at in numbers] == [known.rows[key][at] for at in numbers]
            checked += 1
    assert checked


def test_tables_are_as_they_were_at_every_tick_also_in_the_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(happened, "_FILE", 2_000)
    with recorded(tmp_path / "data") as stored:
        stored.many([CPU], _zeros(), 60)
        busy = [("a", 0.5), ("b", 0.25)]
        stored.write([change(2, {"1:1": busy[0], "2:1": busy[1]}, keyframe=True)])
        stored.write([change(at, {"1:1": ("a", at / 100)}, ["2:1"] if at == 30 else []) for at in range(4, 60, 2)])
        stored.write([change(41, {f"{pid}:9": ("c", 0.75) for pid in range(20)}, keyframe=True)])
    found = members(tmp_path / "data")
    assert len([name for name in found if name.startswith("tables/")]) > 3
    _check_tables(tmp_path / "data", found, "processes")
    # From the middle on: what there was before it comes first, told of the first tick.
    later = members(tmp_path / "data", since_s=START_S + 24)
    first = lines({"x": later["tables/processes-0000.jsonl"].split(b"\n", 1)[1]}, "x", TableLine)[0]
    assert (first.tick, sorted(first.change.rows)) == (25, ["1:1", "2:1"])


def _zeros() -> Iterator[Sequence[float]]:
    while True:
        yield (0.0,)


# ---- events, alerts, bursts


def _event(seq: int, second: float, kind: str, about: tuple[str, str], payload: dict[str, Any]) -> Event:
    item = event(round((START_S + second) * S), kind, about, payload)
    return Event(seq, *(getattr(item, name) for name in Event.__struct_fields__[1:]))


def _row(schema: TableSchema, **cells: Any) -> Row:
    known = {key.replace("__", "."): value for key, value in cells.items()}
    return tuple(known.get(item.name) for item in schema.columns)


@pytest.fixture
def incident(tmp_path: Path) -> Path:
    """An alert that fires before the range begins, a source in trouble, a mark with its burst."""
    with recorded(tmp_path / "data") as stored:
        stored.many([CPU, column("x", "wftop.source.coverage", {"source": "cpu"}, call="x")], _ones(), 60)
        _tell(stored)
    return tmp_path / "data"


def _ones() -> Iterator[Sequence[float]]:
    while True:
        yield (1.0, 0.5)


def _tell(stored: Stored) -> None:
    alert = ("alert", "rule.cpu-busy")
    told = [
        _event(1, 0.1, "recorder.started", ("recorder", "1"), {"mode": "record"}),
        _event(2, 1.1, "source.state", ("source", "disks"), {"before": "ok", "after": "late", "reason": "slow"}),
        _event(3, 2.1, "mark.set", ("mark", "1"), {"text": "long before"}),
        _event(4, 5.1, "alert.fired", alert, {"rule": "rule.cpu-busy", "value": 0.9}),
        _event(5, 6.1, "alert.fired", ("alert", "rule.other"), {"rule": "rule.other", "value": 2.0}),
        _event(6, 30.1, "mark.set", ("mark", "2"), {"text": "here"}),
        _event(7, 40.1, "alert.resolved", alert, {"rule": "rule.cpu-busy"}),
    ]
    fired = _row(alerts.ALERTS, alert__rule="rule.cpu-busy", alert__state="firing", alert__event=told[3].event_id)
    frame = keyframe(alerts.ALERTS, (START_S + 5) * S, {"rule.cpu-busy": fired})
    stored.write([StoredChange(6, alerts.ALERTS, frame)], told)
    times = array("q", [(START_S + 30) * S + at * S // 10 for at in range(10)])
    stored.journal.write(
        bursts=[Burst(31, told[5].event_id, CPU, times, array("d", [at / 9 for at in range(10)]))]
    )
    stored.journal.write(bursts=[Burst(4, told[2].event_id, CPU, times, array("d", [0.0] * 10))])


def test_events_of_the_range_come_with_what_held_when_it_began(incident: Path) -> None:
    found = members(incident, since_s=START_S + 20)
    told = lines(found, form.EVENTS, Event)
    # 3 is over, 5 does not fire any more when the range begins.
    assert [item.seq for item in told] == [1, 2, 4, 6, 7]
    assert {item.seq: item.time_ns for item in told}[4] == round((START_S + 5.1) * S)
    health = msgspec.json.decode(found[form.HEALTH], type=SourcesHealth)
    states = {item.source: item for item in health.sources}
    assert (states["disks"].state, states["disks"].reason) == ("late", "slow")
    assert (states["cpu"].state, states["cpu"].coverage) == ("ok", 0.5)
    assert health.at_ns == (START_S + 60) * S


def test_bursts_are_those_of_the_events_that_are_there(incident: Path) -> None:
    found = members(incident, since_s=START_S + 20)
    told = lines(found, form.BURSTS, BurstLine)
    ids = {item.event_id for item in lines(found, form.EVENTS, Event)}
    assert [item.tick for item in told] == [31]
    assert told[0].event_id in ids
    assert list(unpack(told[0].values, 10)) == [at / 9 for at in range(10)]
    assert unpack_whole(told[0].time_ns, 10)[0] == (START_S + 30) * S


def test_bursts_that_are_sealed_come_with_the_tick_of_their_end(incident: Path) -> None:
    with seal.lock(incident):
        seal.run(incident, (START_S + 7200) * S, everything=True)
    journal = Journal(incident / NAME)
    journal.trim(1, 1 << 40, sealed_seq=segments.load(incident).sealed_seq)
    journal.close()
    found = members(incident)
    told = lines(found, form.BURSTS, BurstLine)
    assert [item.tick for item in told] == [31, 31]
    assert [at / 9 for at in range(10)] in [list(unpack(item.values, 10)) for item in told]


def test_an_alert_is_named_in_the_manifest(incident: Path) -> None:
    assert manifest(members(incident, alert="rule.cpu-busy")).alert
    assert not manifest(members(incident)).alert


def test_the_oldest_events_go_when_they_are_too_many(incident: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(happened, "_OTHER", 3)
    found = members(incident)
    assert [item.seq for item in lines(found, form.EVENTS, Event)] == [5, 6, 7]
    assert any("4 events" in item for item in manifest(found).left_out)


# ---- the rest


def test_model_servers_come_with_their_models_and_flags(tmp_path: Path) -> None:
    own = _own_name()
    with recorded(tmp_path / "data") as stored:
        stored.many([CPU], _zeros(), 3)
        server = _row(
            servers.SERVERS, server__endpoint="127.0.0.1:8000", server__kind="vllm", server__version="0.9.1",
            process__pid=77, process__start_time=5,
        )  # fmt: skip
        model = _row(servers.MODELS, server__endpoint="127.0.0.1:8000", model__name="llama", model__context=8192)
        process = _row(
            PROCESSES, process__pid=77, process__start_time=5, process__user=own, process__name="vllm",
            process__command_line="vllm serve --max-num-seqs 64",
        )  # fmt: skip
        at_ns = START_S * S
        stored.write(
            [
                StoredChange(1, servers.SERVERS, keyframe(servers.SERVERS, at_ns, {"127.0.0.1:8000": server})),
                StoredChange(1, servers.MODELS, keyframe(servers.MODELS, at_ns, {"127.0.0.1:8000|llama": model})),
                StoredChange(1, PROCESSES, keyframe(PROCESSES, at_ns, {"77:5": process})),
            ]
        )
    found = members(tmp_path / "data")
    (fact,) = msgspec.json.decode(found[form.SERVERS], type=list[ServerFact])
    assert (fact.server["server.kind"], fact.server["server.version"]) == ("vllm", "0.9.1")
    assert [item["model.context"] for item in fact.models] == [8192]
    assert "--max-num-seqs 64" in fact.command_line


def _own_name() -> str:
    from wftui.bundle import learned

    return learned.me()


def test_settings_rules_and_inventory_are_those_in_force(tmp_path: Path) -> None:
    where = places()
    where.config_dir.mkdir(parents=True, exist_ok=True)
    where.config_file.write_text("[view]\nrefresh_s = 2.5\n")
    with Recording(tmp_path / "data") as recording:
        recording.tick(START_S, {CPU: 1.0})
    found = members(tmp_path / "data")
    told = msgspec.json.decode(found[form.SETTINGS], type=dict[str, SettingInForce])
    assert told["view.refresh_s"] == SettingInForce(2.5, "config")
    assert told["log.level"].origin == "default"
    rules = msgspec.json.decode(found[form.RULES], type=list[RuleInForce])
    assert [item.id for item in rules] == sorted(item.id for item in rules)
    assert any(item.builtin and item.enabled and item.rule["condition"] for item in rules)
    inventory = msgspec.json.decode(found[form.INVENTORY], type=Inventory)
    assert inventory.recorded_by == ["wftop test"]
    assert inventory.cpus == os.cpu_count()
    assert "msgspec" in inventory.libraries


def test_settings_that_cannot_be_read_do_not_keep_the_rest_out(tmp_path: Path) -> None:
    where = places()
    where.config_dir.mkdir(parents=True, exist_ok=True)
    with Recording(tmp_path / "data") as recording:
        recording.tick(START_S, {CPU: 1.0})
    where.config_file.write_text("view = 3\n")
    found = members(tmp_path / "data")
    assert form.SETTINGS not in found
    assert "ticks/0000.json" in found
    assert any("cannot be read" in item for item in manifest(found).left_out)


def test_the_log_of_the_range_is_there(tmp_path: Path) -> None:
    with Recording(tmp_path / "data") as recording:
        recording.tick(START_S, {CPU: 1.0})
    where = places()
    before_ns = time.time_ns() // 1_000_000 * 1_000_000
    written = log.open_log(where.state_dir / "wftop.log")
    log.warning("store", "the disk is slow", reason="fsync took 3 s")
    written.close()
    (where.state_dir / "wftop.log.1").write_text(
        '{"time":"2001-01-01T00:00:00.000Z","level":"info","area":"x","message":"old"}\nno JSON\n'
    )
    now_s = before_ns // S
    found = members(tmp_path / "data", until_s=now_s + 60)
    (line,) = lines(found, form.LOG, LogLine)
    assert (line.level, line.about, line.message) == ("warning", "store", "the disk is slow")
    assert line.time_ns >= before_ns


def test_the_same_twice_shares_no_made_up_name(sealed: Path) -> None:
    one, other = manifest(members(sealed)), manifest(members(sealed))
    assert one.origin.host != other.origin.host
    assert not set(one.origin.boots.values()) & set(other.origin.boots.values())


def test_reports_and_read_me_are_there_and_the_consent_is_kept(incident: Path) -> None:
    found = members(incident)
    assert found[form.REPORT_HTML].lstrip().lower().startswith(b"<!doctype html")
    assert found[form.REPORT_MD].startswith(b"#")
    assert b"wftop replay" in found[form.README]
    assert manifest(found).consent == CONSENT


def test_a_preview_says_what_is_then_written(incident: Path) -> None:
    shown = collect.preview(request(incident, incident.with_suffix(".none")))
    found = members(incident)
    assert not incident.with_suffix(".none").exists()
    assert sum(item.members for item in shown.classes) == len(found) - 1
    ticks_ = next(item for item in shown.classes if item.title.startswith("Numbers, each second"))
    assert ticks_.values == 60 * 2
    assert shown.lines()


def test_encrypted_ones_are_nowhere_plain(incident: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyrage")
    held = incident.parent / "tmp"
    held.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(held))
    path = incident.with_suffix(".wftop.age")
    words = crypt.generate_passphrase()
    made = collect.make(request(incident, path, encryption=crypt.Encryption(passphrase=words)))
    assert made.passphrase == words
    assert made.bytes == path.stat().st_size
    assert crypt.is_encrypted(path)
    assert list(held.iterdir()) == []
    crypt.decrypt_file(path, [], words, incident.with_suffix(".plain"))
    assert zipfile.ZipFile(incident.with_suffix(".plain")).testzip() is None
    with pytest.raises(BundleError, match="is there already"):
        collect.make(request(incident, path, encryption=crypt.Encryption(passphrase=words)))


def test_each_step_is_told_as_it_begins(incident: Path) -> None:
    steps: list[str] = []
    tell: Callable[[str], None] = steps.append
    collect.make(request(incident, incident.with_suffix(form.SUFFIX)), tell)
    assert steps[0] == "names"
    assert {"tables", "numbers", "events", "report"} <= set(steps)
