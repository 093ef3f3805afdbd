"""What a recording and this machine are known to name, before the first text is written."""

from __future__ import annotations

import pwd
import socket
from pathlib import Path

import pytest

from tests.recording import START_S
from tests.unit.bundle import planted
from wftui.bundle import learned
from wftui.bundle.privacy import Redactor
from wftui.store.archive import open_archive


def account(name: str, number: int, full_name: str) -> pwd.struct_passwd:
    return pwd.struct_passwd((name, "x", number, number, full_name, f"/home/{name}", "/bin/sh"))


def test_persons_of_this_machine_and_not_its_services(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        account("postgres", 110, "PostgreSQL administrator"),
        account("cdupont", 1001, "Claire Dupont-Li,Room 3,555-1234"),
        account("nobody", 65534, "nobody"),
    ]
    monkeypatch.setattr(pwd, "getpwall", lambda: entries)
    users, persons = learned.accounts()
    assert "cdupont" in users
    assert learned.me() in users
    assert not {"postgres", "nobody"} & users
    assert persons == {"Claire", "Dupont"}


def test_this_machine_by_its_whole_and_its_short_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "box7.lab.example.org")
    assert {"box7.lab.example.org", "box7"} <= learned.machine()


def test_all_that_a_recording_names(tmp_path: Path) -> None:
    planted.record(tmp_path / "recorded")
    with open_archive(tmp_path / "recorded") as archive:
        found = learned.names(archive, START_S, START_S + planted.TICKS)
    assert set(planted.USERS) <= found.users
    assert {planted.HOST, *planted.HOSTS[1:3]} <= found.hosts
    assert found.gpus == [planted.UUIDS[1], planted.UUIDS[2]]
    assert planted.NAMED[0] in found.models
    assert planted.NAMED[1] in found.programs
    assert planted.NAMED[3] in found.sources
    assert planted.NAMED[8] in found.rules
    assert f"/home/{planted.USERS[1]}/{planted.PATHS[6]}" in found.paths


def test_gpus_are_numbered_by_their_index_whatever_is_asked_first(tmp_path: Path) -> None:
    planted.record(tmp_path / "recorded")
    redactor = Redactor("full", me=planted.ME)
    with open_archive(tmp_path / "recorded") as archive:
        redactor.learn(archive, START_S, START_S + planted.TICKS)
    assert redactor.text(planted.UUIDS[2]) == "mig-0"
    assert redactor.text(planted.UUIDS[1]) == "gpu-0"


def test_rules_that_ship_with_wftop() -> None:
    ids, texts = learned.shipped_rules()
    assert "rule.cpu-pressure" in ids
    assert len(texts) > len(ids)
    assert planted.NAMED[8] not in ids
