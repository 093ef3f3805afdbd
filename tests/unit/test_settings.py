"""settings.toml: our own file keeps every key, is never half written, and wins over a person's config.toml."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from wftui import config, settings, toml
from wftui.config import KEYS, Key, Value
from wftui.errors import ConfigError
from wftui.paths import places


def values_of(key: Key) -> st.SearchStrategy[Value]:
    match key.kind:
        case "bool" | "bool or auto":
            return st.booleans()
        case "int" | "size":
            return st.integers(int(key.low), int(min(key.high, 2**62)))
        case "number":
            return st.floats(key.low, min(key.high, 1e12))
        case "choice":
            return st.sampled_from(key.choices)
        case "zone":
            return st.sampled_from(("local", "utc"))
        case "websocket":
            return st.sampled_from(("auto", "off", "ws://127.0.0.1:8145/ws", "ws://[::1]:1"))
        case "endpoints":
            lines = ("http://127.0.0.1:8000", "unix:/run/a%20b.sock", "https://[::1]/x kind=vllm ca=/c")
            return st.lists(st.sampled_from(lines), max_size=3).map(tuple)
        case "alerts":
            words = ("rule.gpu-hot", "rule.A_1", "severity>=critical", "severity>=info")
            return st.lists(st.sampled_from(words), max_size=3).map(tuple)
        case "names":
            return st.lists(st.text(min_size=1, max_size=9), max_size=4).map(tuple)
    return st.text(min_size=1, max_size=9).filter(str.isprintable)


every_value = st.fixed_dictionaries({}, optional={name: values_of(key) for name, key in KEYS.items()})


@given(every_value)
def test_what_is_written_is_read_back(values: dict[str, Value]) -> None:
    text = settings.HEAD
    for name, value in values.items():
        text = toml.changed(text, name, settings.literal(value), "settings.toml")
    raw = text.encode("utf-8", "surrogatepass")
    try:
        raw.decode()
    except UnicodeDecodeError:
        return  # a lone surrogate comes out of no file and no message
    assert {name: value for name, (value, _) in config.parse(raw, "settings.toml").items()} == values


@given(every_value, every_value)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
def test_what_is_not_changed_stays(first: dict[str, Value], second: dict[str, Value]) -> None:
    where = places()
    where.settings_file.unlink(missing_ok=True)
    settings.put(where, first)
    changed = settings.put(where, second)
    assert settings.read(where) == {**first, **second}
    assert changed is ({**first, **second} != first)
    settings.put(where, dict.fromkeys(second))
    assert settings.read(where) == {name: value for name, value in first.items() if name not in second}


def test_the_file_is_ours_alone_and_the_folder_made() -> None:
    where = places()
    assert not where.config_dir.exists()
    assert settings.read(where) == {}
    assert settings.put(where, {"view.theme": "night"})
    assert stat.S_IMODE(where.settings_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(where.config_dir.stat().st_mode) == 0o700
    assert [item.name for item in where.config_dir.iterdir()] == ["settings.toml"]
    assert config.load(where).text("view.theme") == "night"


def test_a_choice_wins_over_config_toml_and_loses_against_a_variable() -> None:
    where = places()
    where.config_dir.mkdir(mode=0o700, parents=True)
    where.config_file.write_text('[sources]\ndisabled = ["sensors", "mounts"]\n')
    before = where.config_file.read_bytes()
    assert settings.switch(where, "sensors", on=True)
    assert settings.switch(where, "network", on=False)
    assert not settings.switch(where, "network", on=False)
    loaded = config.load(where, environ={})
    assert loaded.names("sources.disabled") == ("mounts", "network")
    assert loaded.origin("sources.disabled").startswith("settings.toml")
    assert where.config_file.read_bytes() == before, "a person's file is never written"
    variable = {"WFTOP_SOURCES_DISABLED": "cpu"}
    assert config.load(where, environ=variable).names("sources.disabled") == ("cpu",)
    assert settings.switch(where, "group:gpu", on=False)
    assert config.load(where, environ={}).names("store.groups_disabled") == ("gpu",)


def test_a_variable_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WFTOP_SOURCES_DISABLED", "cpu")
    settings.switch(places(), "mounts", on=False)
    assert settings.read(places())["sources.disabled"] == ("mounts",)


def test_a_broken_file_is_left_alone() -> None:
    where = places()
    where.config_dir.mkdir(mode=0o700, parents=True)
    where.settings_file.write_text("[view\n")
    with pytest.raises(ConfigError, match=r"settings\.toml:1"):
        settings.put(where, {"view.theme": "night"})
    assert where.settings_file.read_text() == "[view\n"
    with pytest.raises(ConfigError, match=r"unknown key view\.thme"):
        settings.put(where, {"view.thme": "night"})


def test_a_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    where = places()
    settings.put(where, {"view.theme": "night"})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wftui.settings.os.fsync", full)
    with pytest.raises(ConfigError, match="No space left"):
        settings.put(where, {"view.theme": "day"})
    assert settings.read(where) == {"view.theme": "night"}


def test_a_link_left_at_the_temporary_name_is_not_followed(tmp_path: Path) -> None:
    where = places()
    where.config_dir.mkdir(mode=0o700, parents=True)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (where.config_dir / "settings.toml.tmp").symlink_to(victim)
    settings.put(where, {"view.theme": "night"})
    assert victim.read_text() == "mine"
    assert settings.read(where) == {"view.theme": "night"}
