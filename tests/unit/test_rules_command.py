"""`wftop rules`: what a person types and sees."""

import json
from pathlib import Path

import pytest

from wftui.alerts import store
from wftui.cli import rules
from wftui.errors import ConfigError, UsageError
from wftui.paths import Places, places


class Box:
    """A person's configuration folder, and the command."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config = folder / "own" / "config.toml"
        self.config.parent.mkdir(mode=0o700)
        self.config.touch(mode=0o600)
        self.data = str(folder / "data")
        self._capsys = capsys

    def run(self, *words: str, json: bool = False, code: int = 0) -> str:
        found = rules.main(words[0], list(words[1:]), json=json, data_dir=self.data, config_file=str(self.config))
        assert found == code
        return self._capsys.readouterr().out

    @property
    def where(self) -> Places:
        return places(self.data, str(self.config))

    @property
    def folder(self) -> Path:
        return store.own_folder(self.where)


@pytest.fixture
def box(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Box:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("WFTOP_CONFIG", raising=False)
    return Box(tmp_path, capsys)


def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    path = tmp_path / "editor"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    monkeypatch.setenv("EDITOR", str(path))


def test_list_shows_all_rules(box: Box) -> None:
    lines = box.run("list").splitlines()
    assert len(lines) == len(store.read(box.where).rules)
    assert any(line.split()[:3] == ["rule.disk-full", "on", "critical"] for line in lines)
    assert any(line.split()[:2] == ["rule.wf-cpu", "off"] for line in lines)


def test_list_of_a_pattern_shows_the_condition(box: Box) -> None:
    out = box.run("list", "disk-f*")
    assert "rule.disk-filling" in out
    assert "rule.disk-full" in out
    assert "rule.disk-nearly" not in out
    assert "system.filesystem.utilization > 98 % and " in out
    assert "< 20 GiB for 1m" in out
    assert "built in, system.json" in out
    with pytest.raises(ConfigError, match="no rule fits"):
        box.run("list", "nothing*")


def test_list_as_json(box: Box) -> None:
    (found,) = json.loads(box.run("list", "rule.oom-kill", json=True))["rules"]
    assert (found["id"], found["enabled"], found["severity"], found["builtin"]) == (
        "rule.oom-kill", True, "error", True,
    )  # fmt: skip


def test_new_writes_a_rule_that_is_right_and_in_force(box: Box) -> None:
    path = Path(box.run("new", "hot-gpu").strip())
    assert path == box.folder / "hot-gpu.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert box.run("check", str(path)) == "nothing is wrong: 1 rule\n"
    assert "rule.hot-gpu  on" in box.run("list", "hot-gpu")
    with pytest.raises(ConfigError, match="there is a rule of that id"):
        box.run("new", "hot-gpu")
    with pytest.raises(UsageError, match="letters, digits"):
        box.run("new", "../x")


def test_check_says_all_mistakes_and_ends_with_1(box: Box, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"id": "rule.x", "severity": 3, "conditions": {"when_all": [{"metric": "cpu", "op": ">"}]}}')
    file.chmod(0o600)
    lines = box.run("check", str(file), "/nowhere/y.json", "z.txt", code=1).splitlines()
    assert any(line.startswith(f"{file}: rule rule.x: field severity: expected one of info") for line in lines)
    assert "/nowhere/y.json: cannot be read: No such file or directory" in lines
    assert "z.txt: expected a file that ends in .json, .yaml or .yml" in lines
    found = json.loads(box.run("check", str(file), json=True, code=1))
    assert (found["rules"], len(found["mistakes"])) == (0, len(lines) - 2)


def test_check_without_a_file_looks_at_all_in_force(box: Box) -> None:
    assert box.run("check").startswith("nothing is wrong: ")
    box.run("new", "x")
    (box.folder / "x.json").write_text("{")
    assert str(box.folder / "x.json") in box.run("check", code=1)


def test_disable_and_enable_are_remembered(box: Box) -> None:
    assert "rule.cpu-pressure  off" in box.run("disable", "cpu-pressure", "rule.wf-cpu")
    assert "off" in box.run("list", "cpu-pressure").splitlines()[0]
    out = box.run("enable", "cpu-pressure", "wf-cpu")
    assert [line.split()[1] for line in out.splitlines()] == ["on", "on"]
    text = box.where.settings_file.read_text()
    assert "rules_disabled" not in text
    assert 'rules_enabled = ["rule.wf-cpu"]' in text
    box.run("disable", "wf-cpu")
    assert not {item.id: item.enabled for item in store.read(box.where).rules}["rule.wf-cpu"]


def test_what_a_variable_says_wins_and_is_told(
    box: Box, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WFTOP_ALERTS_RULES_DISABLED", "rule.oom-kill")
    rules.main("enable", ["oom-kill"], data_dir=box.data, config_file=str(box.config))
    assert "WFTOP_ALERTS_RULES_DISABLED says otherwise about rule.oom-kill" in capsys.readouterr().err


def test_a_name_that_is_near_is_told(box: Box) -> None:
    with pytest.raises(ConfigError, match=r"did you mean rule\.cpu-pressure\?"):
        box.run("disable", "cpu-presure")
    assert not box.where.settings_file.exists()


def test_edit_takes_a_copy_of_a_built_in_rule(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(tmp_path, monkeypatch, 'sed -i s/98,/99,/ "$1"')
    path = Path(box.run("edit", "disk-full").strip())
    assert path == box.folder / "disk-full.json"
    assert [item.name for item in box.folder.iterdir()] == ["disk-full.json"]
    assert "> 99 %" in box.run("list", "disk-full")
    assert str(path) in box.run("list", "disk-full")


def test_edit_without_a_change_leaves_nothing(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(tmp_path, monkeypatch, ":")
    assert box.run("edit", "disk-full") == "nothing was changed\n"
    assert list(box.folder.iterdir()) == []


def test_edit_does_not_take_what_is_wrong(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(tmp_path, monkeypatch, 'sed -i s/operator/oparator/ "$1"')
    monkeypatch.setattr("wftui.cli.rules_edit.again", lambda: False)
    with pytest.raises(ConfigError, match="what you wrote is kept in"):
        box.run("edit", "disk-full")
    assert [item.name for item in box.folder.iterdir()] == [".disk-full.edit.json"]
    assert "> 98 %" in box.run("list", "disk-full")
    editor(tmp_path, monkeypatch, 'sed -i s/oparator/operator/ "$1"; sed -i s/98,/97,/ "$1"')
    box.run("edit", "disk-full")
    assert "> 97 %" in box.run("list", "disk-full")


def test_edit_mends_a_file_whose_rule_is_not_read(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.run("new", "mine")
    (box.folder / "mine.json").write_text('{"id": "rule.mine", "conditions": {"when_all": [0]}}')
    leaf = '{\\"metric\\": \\"cpu_percent\\", \\"operator\\": \\">\\", \\"value\\": 9}'
    editor(tmp_path, monkeypatch, f'sed -i "s/\\[0\\]/[{leaf}]/" "$1"')
    box.run("edit", "mine")
    assert "rule.mine" in box.run("list", "mine")


def test_edit_needs_an_editor_and_a_rule(box: Box) -> None:
    with pytest.raises(ConfigError, match="set VISUAL or EDITOR"):
        box.run("edit", "disk-full")
    with pytest.raises(ConfigError, match="there is no rule nobody-knows"):
        box.run("edit", "nobody-knows")


@pytest.mark.parametrize(
    "words", [("lst",), ("enable",), ("disable",), ("edit",), ("edit", "a", "b"), ("new", "a", "b")]
)
def test_words_that_are_none(box: Box, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        box.run(*words)
