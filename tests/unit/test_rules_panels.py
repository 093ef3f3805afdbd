"""The panel that a rule names: ours, the usual words for them, and those that only other programs have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wftui.alerts import load, panels
from wftui.alerts.rule import Action
from wftui.cli import rules
from wftui.tui.layouts.plan import PANELS


def document(*named: str, **more: Any) -> bytes:  # Any: fields of a rule
    """A rule whose actions name panels; as other programs write it unless ``more`` has a field of ours."""
    found = {
        "id": "rule.queue",
        "conditions": {"when_all": [{"metric": "system.cpu_percent", "operator": ">", "value": 90}]},
        "actions": [{"type": "notify.dashboard", "panel": name} for name in named],
    }
    return json.dumps({**found, **more}).encode()


def test_every_panel_of_the_overview_may_be_named() -> None:
    assert set(panels.WORDS) == set(PANELS)
    for name in PANELS:
        assert panels.named(name) == name
    words = [word for name, others in panels.WORDS.items() for word in (name, *others)]
    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    ("word", "panel"),
    [
        ("system", "cpu"),
        ("GPU", "gpus"),
        ("gpu_metrics", "gpus"),
        ("disk-panel", "disks"),
        ("ui_metrics", ""),
        ("", ""),
    ],
)
def test_the_usual_words(word: str, panel: str) -> None:
    assert panels.named(word) == panel


def test_an_unknown_panel_of_a_rule_of_ours_is_a_mistake_that_names_the_nearest() -> None:
    found = load.examine(document("gpuss", **{"for": "5s"}), "r.json")
    assert found.rules == ()
    assert found.notices == ()
    (line,) = found.mistakes
    assert line.startswith("r.json: rule rule.queue: field actions[0].panel: expected one of cpu, memory, ")
    assert "(did you mean gpus?)" in line
    assert line.endswith('got "gpuss"')


def test_a_rule_of_another_program_loads_with_a_panel_that_only_that_has() -> None:
    found = load.examine(document("ui_metrics", "gpu"), "r.json")
    assert found.mistakes == ()
    (rule,) = found.rules
    assert [action.panel for action in rule.actions] == ["ui_metrics", "gpu"]
    assert panels.wanted(rule.actions) == ("gpus",)
    (line,) = found.notices
    assert line.startswith("r.json: rule rule.queue: notice: field actions[0].panel: expected one of cpu, ")
    assert line.endswith("the panel of its series is highlighted")
    assert load.examine(document("gpu", "memory"), "r.json").notices == ()


def test_several_panels_and_none() -> None:
    named = [Action("notify.dashboard", panel=name) for name in ("gpu", "vram", "models", "")]
    assert panels.wanted(named) == ("gpus", "models")
    assert panels.wanted([Action("notify.toast")]) == ()


def test_check_tells_a_notice_and_finds_nothing_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "r.json"
    file.write_bytes(document("ui_metrics"))
    where = {"data_dir": str(tmp_path / "data"), "config_file": None}
    assert rules.main("check", [str(file)], json=False, **where) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert "notice: field actions[0].panel" in first
    assert last == "nothing is wrong: 1 rule"
    assert rules.main("check", [str(file)], json=True, **where) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["mistakes"] == []
    assert len(told["notices"]) == 1


def test_the_table_of_the_docs_is_the_one_that_holds() -> None:
    text = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text("utf-8")
    for name, others in panels.WORDS.items():
        assert f"| `{name}` | {', '.join(f'`{word}`' for word in others)} |" in text
