"""At the level aggregate there are statistics by the hour, and groups of few users are not told."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.recording import CPU, START_S, Recording, S, mount
from tests.stored import change, recorded
from wftui.bundle import aggregate, collect
from wftui.bundle import format as form
from wftui.bundle.format import AGGREGATE, Consent, Manifest, Statistics
from wftui.bundle.privacy import Redactor
from wftui.model.processes import PROCESSES, USER
from wftui.model.sample import Column, column
from wftui.model.series import series
from wftui.model.table import TableChange
from wftui.store.archive import open_archive
from wftui.store.journal import StoredChange

HOUR_S = aggregate.HOUR_S
FIRST_S = START_S // HOUR_S * HOUR_S
READ = column("disks", "system.disk.io", {"device": "sda", "direction": "read"}, call="/proc/diskstats")
PUSHED = Column(series("custom.diary.pages"), "1", "gauge", "custom", "measured", "push:diary", "push.sock")


def statistics(folder: Path, since_s: int, until_s: int) -> Statistics:
    with open_archive(folder) as archive:
        return aggregate.statistics(archive, Redactor(AGGREGATE, me="me"), since_s, until_s)


def running(folder: Path, users: Sequence[str], program: str = "python3") -> Path:
    """A recording in which each of them runs a program."""
    with recorded(folder) as made:
        made.many([CPU], iter([[0.5]] * 5), 5)
        item = change(1, {f"{number}:1": (program, 0.1) for number in range(len(users))}, keyframe=True)
        rows = {
            key: (*row[:USER], user, *row[USER + 1 :])
            for user, (key, row) in zip(users, item.change.rows.items(), strict=True)
        }
        told = TableChange(PROCESSES.name, item.change.time_ns, keyframe=True, rows=rows)
        made.write([StoredChange(1, PROCESSES, told)])
    return folder


def test_numbers_are_those_of_the_values_of_each_hour(tmp_path: Path) -> None:
    chance = np.random.default_rng(7)
    values = chance.normal(0.5, 0.1, 5400)
    with Recording(tmp_path / "recorded") as made:
        for at, value in enumerate(values.tolist()):
            made.tick(START_S + at, {CPU: value, READ: 1000.0 * at})
    found = statistics(tmp_path / "recorded", START_S, START_S + len(values))
    assert (found.since_s, found.hours) == (FIRST_S, 2)
    by_name = {item.series: item for item in found.series}
    cpu = by_name["system.cpu.utilization"]
    first = FIRST_S + HOUR_S - START_S
    for hour, part in zip(cpu.hours, (values[:first], values[first:]), strict=True):
        low, top = np.percentile(part, (1, 99))
        assert hour.count == len(part)
        assert hour.mean == pytest.approx(np.clip(part, low, top).mean(), rel=1e-3)
        assert hour.min == pytest.approx(low, rel=1e-3)
        assert hour.max == pytest.approx(top, rel=1e-3)
        assert hour.p50 == pytest.approx(np.percentile(part, 50), rel=1e-3)
        assert hour.p95 == pytest.approx(np.percentile(part, 95), rel=1e-3)
        assert hour.p99 == hour.max
    read = next(item for name, item in by_name.items() if name.startswith("system.disk.io"))
    assert (read.unit, read.kind) == ("By/s", "counter")
    assert {hour.mean for hour in read.hours} == {1000.0}


def test_an_outlier_is_not_told(tmp_path: Path) -> None:
    with Recording(tmp_path / "recorded") as made:
        for at in range(600):
            made.tick(START_S + at, {CPU: 777.0 if at == 300 else at / 600})
    (cpu,) = statistics(tmp_path / "recorded", START_S, START_S + 600).series
    assert cpu.hours[0].max < 1.0
    assert cpu.hours[0].mean < 1.0


def test_what_somebody_named_is_told_as_one_or_not_at_all(tmp_path: Path) -> None:
    with Recording(tmp_path / "recorded") as made:
        for at in range(10):
            made.tick(START_S + at, {mount("/home/claire"): 1.0, mount("/srv"): 3.0, PUSHED: 5.0})
    (only,) = statistics(tmp_path / "recorded", START_S, START_S + 10).series
    assert (only.series, only.of) == ("system.filesystem.limit", 2)
    assert only.hours[0].mean == 2.0
    assert only.hours[0].count == 20


@pytest.mark.parametrize(
    ("users", "told", "suppressed"),
    [
        (["ann", "bob", "cyd", "dan"], [], 1),
        (["ann", "bob", "cyd", "dan", "eve"], [("python3", 5)], 0),
        (["ann", "root"], [("python3", 2)], 0),
    ],
    ids=["fewer than k", "k", "one person"],
)
def test_groups_of_few_users(
    tmp_path: Path, users: list[str], told: list[tuple[str, int]], suppressed: int
) -> None:
    found = statistics(running(tmp_path / "recorded", users), START_S, START_S + 5)
    assert found.k == 5
    assert [(item.program, item.users) for item in found.programs] == told
    assert found.suppressed == suppressed


def test_a_program_that_few_machines_have_is_in_no_group(tmp_path: Path) -> None:
    found = statistics(running(tmp_path / "recorded", list("abcdefg"), "our-tool"), START_S, START_S + 5)
    assert found.programs == []
    assert found.users == 7


@pytest.mark.parametrize("users", [["ann"], ["ann", "bob"]], ids=["one user", "several"])
def test_the_file_has_statistics_alone_and_says_what_that_hides(tmp_path: Path, users: list[str]) -> None:
    folder, path = running(tmp_path / "recorded", users), tmp_path / "x.wftop"
    consent = Consent("--yes", START_S * S + 7, "plain")
    collect.make(collect.Request(folder, path, START_S, START_S + 5, AGGREGATE, consent))
    with zipfile.ZipFile(path) as opened:
        names = set(opened.namelist())
        manifest = msgspec.json.decode(opened.read(form.MANIFEST), type=Manifest)
    assert names == {
        form.STATISTICS, form.INVENTORY, form.README, form.REPORT_HTML, form.REPORT_MD, form.MANIFEST,
    }  # fmt: skip
    times = (manifest.since_ns, manifest.until_ns, manifest.made_ns, manifest.consent.at_ns)
    assert all(time_ns % (HOUR_S * S) == 0 for time_ns in times)
    assert (manifest.origin.time_zone, manifest.origin.boots, manifest.ticks) == ("UTC", {}, 0)
    said = " ".join(manifest.left_out)
    assert ("k-anonymity is not claimed" if len(users) == 1 else "fewer than 5 users") in said
    assert {item.what for item in manifest.redactions if item.how == "generalised"} >= {"time"}
