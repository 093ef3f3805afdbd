"""A real recorder keeps a bundle of an alert that a person chose, and only as many as are wanted."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pyrage

from tests.alerted import Pusher, alone, rule, told, write
from tests.harness import View, events, recorder, until
from wftui.bundle import crypt
from wftui.recorder.bundles import FIRST_S

KEY = 'rule.level{source="t"}'
OLD = [f"wftop-20200101-{place:06}.wftop" for place in range(4)]


def fired(env: dict[str, str], **more: Any) -> tuple[Path, dict[str, Any]]:  # Any: fields of a rule, JSON
    """The data folder, and what was told of the bundle of an alert that fired."""
    alone()
    write(rule(**more))
    with recorder(env=env) as running, View(running.where) as view, Pusher() as pusher:
        folder = running.where.data_dir / "bundles"
        folder.mkdir(mode=0o700)
        for name in OLD:
            (folder / name).write_bytes(b"x" * 100)
        pusher.level = 80.0
        event = told(view, "alert.fired", KEY)
        [item] = until(
            lambda: [item for item in events(running.where, "alert.action") if item["action"] == "bundle"],
            40,
            "what became of the bundle",
        )
        assert running.stop() == 0
        assert running.errors() == ""
    assert item["event"] == event.event_id
    assert item["rule"] == "rule.level"
    return running.where.data_dir, item


def test_an_alert_that_was_chosen_leaves_a_bundle_and_the_oldest_go() -> None:
    data_dir, item = fired({"WFTOP_BUNDLE_ON": "severity>=warning", "WFTOP_BUNDLE_KEEP": "2"}, severity="error")
    assert item["done"], item
    assert (item["level"], item["encryption"]) == ("full", "plain")
    path = data_dir / str(item["file"])
    assert path.read_bytes().startswith(b"PK")
    assert path.stat().st_size == item["bytes"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {left.name for left in path.parent.iterdir()} == {OLD[-1], path.name}
    assert item["removed"] == OLD[:-1]


def test_a_rule_may_ask_for_one_and_keys_of_the_settings_are_used(tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    env = {"WFTOP_BUNDLE_RECIPIENTS": str(identity.to_public()), "WFTOP_BUNDLE_LEVEL": "anonymous"}
    data_dir, item = fired(env, actions=[{"type": "bundle"}])
    assert item["done"], item
    assert (item["level"], item["encryption"]) == ("anonymous", "recipients")
    assert str(item["file"]).endswith(".wftop.age")
    key = tmp_path / "key"
    key.write_text(str(identity))
    crypt.decrypt_file(data_dir / str(item["file"]), (key,), "", tmp_path / "plain")
    assert (tmp_path / "plain").read_bytes().startswith(b"PK")


def test_alerts_that_nobody_chose_leave_none() -> None:
    alone()
    write(rule(), rule("other", 70))
    with (
        recorder(env={"WFTOP_BUNDLE_ON": "rule.other"}) as running,
        View(running.where) as view,
        Pusher() as pusher,
    ):
        pusher.level = 60.0
        told(view, "alert.fired", KEY)
        # So long a bundle of it would take to be begun.
        running.ticks(running.status().ticks + int(FIRST_S) + 2)
        assert not (running.where.data_dir / "bundles").exists()
        pusher.level = 80.0
        told(view, "alert.fired", KEY.replace("level", "other", 1))
        until(lambda: events(running.where, "alert.action"), 40, "a bundle of the other one")
        assert running.stop() == 0
    assert [item["rule"] for item in events(running.where, "alert.action")] == ["rule.other"]
