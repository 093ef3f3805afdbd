"""Settings: precedence, origins, and one line for every mistake."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui import config, paths
from wftui.errors import ConfigError, report


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".config/wftop").mkdir(parents=True)
    return tmp_path


def places(home: Path) -> paths.Places:
    return paths.places(environ={"HOME": str(home)})


def write(home: Path, content: str | bytes, name: str = "config.toml") -> None:
    file = home / ".config/wftop" / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def test_defaults(home: Path) -> None:
    loaded = config.load(places(home), {}, {})
    assert {name: loaded[name] for name in config.KEYS} == {name: key.default for name, key in config.KEYS.items()}
    assert {loaded.origin(name) for name in config.KEYS} == {"default"}
    assert loaded.number("recorder.linger_s") == 30
    assert loaded.whole("store.max_bytes") == 1 << 30
    assert loaded.text("view.ascii") == "auto"
    assert loaded.names("sources.disabled") == ()
    with pytest.raises(KeyError):
        loaded["view.nothing"]


def test_defaults_pass_their_own_check() -> None:
    for key in config.KEYS.values():
        assert config._checked(key, key.default, "table") == key.default
        assert key.help
        assert key.expected


def test_precedence_and_origins(home: Path) -> None:
    write(home, "# mine\n[view]\ntheme = 'a'\nrefresh_s = 2\n\n[store]\nmax_bytes = '2 GiB'\njournal_hours = 24\n")
    write(home, "[view]\ntheme = 'b'\n", "settings.toml")
    environ = {"WFTOP_VIEW_REFRESH_S": "3", "WFTOP_RECORDER_SIGNALS": "false", "WFTOP_UNKNOWN": "x"}
    loaded = config.load(places(home), {"view.refresh_s": 0.5, "view.theme": None}, environ)
    assert (loaded.number("view.refresh_s"), loaded.origin("view.refresh_s")) == (0.5, "--refresh-s")
    assert (loaded.text("view.theme"), loaded.origin("view.theme")) == ("b", "settings.toml:2")
    assert (loaded.whole("store.max_bytes"), loaded.origin("store.max_bytes")) == (2 << 30, "config.toml:7")
    assert (loaded.flag("recorder.signals"), loaded.origin("recorder.signals")) == (
        False,
        "WFTOP_RECORDER_SIGNALS",
    )
    assert config.load(places(home), {}, environ).origin("view.refresh_s") == "WFTOP_VIEW_REFRESH_S"
    assert loaded.origin("store.journal_hours") == "config.toml:8"


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("[view]\nthem = 'x'\n", 2, "unknown key view.them; did you mean view.theme?"),
        ("[wiev]\ntheme = 'x'\n", 1, "unknown key wiev"),
        ("\nwild = 1\n", 2, "unknown key wild"),
        ("[view]\nrefresh_s = 'fast'\n", 2, "view.refresh_s: expected a number from 0.25 to 60, got 'fast'"),
        ("[view]\nrefresh_s = 0.1\n", 2, "view.refresh_s: expected a number from 0.25 to 60, got 0.1"),
        ("[view]\nrefresh_s = nan\n", 2, "expected a number from 0.25 to 60, got nan"),
        ("view.refresh_s = true\n", 1, "expected a number from 0.25 to 60, got true"),
        ("view = {refresh_s = 90}\n", 1, "got 90"),
        ("view = 3\n", 1, "unknown key view"),
        ("[view.theme]\nx = 1\n", 1, "view.theme: expected a text"),
        ("[recorder]\nsignals = 1\n", 2, "recorder.signals: expected true or false, got 1"),
        ("[store]\njournal_hours = 1.5\n", 2, "expected a whole number from 1 to 8760, got 1.5"),
        ("[store]\n\nmax_bytes = '1 ZB'\n", 3, "expected bytes like 500000000 or '1 GiB'"),
        ("[bundle]\non = ['gpu-hot']\n", 2, 'bundle.on: expected a list of rules ("rule.gpu-hot") and severities'),
        ("[bundle]\non = ['severity>=bad']\n", 2, 'severities ("severity>=critical"), got'),
        ("[view]\ncolors = 'pink'\n", 2, "expected one of auto, truecolor, 256, 16, mono, got 'pink'"),
        ("[view]\nascii = 'maybe'\n", 2, 'expected true, false or "auto"'),
        ("[view]\ntheme = ''\n", 2, "expected a text"),
        ("[sources]\ndisabled = 'cpu'\n", 2, "expected a list of names, got 'cpu'"),
        ("[sources]\ndisabled = [1]\n", 2, "expected a list of names"),
        ("[view]\ntheme = \n", 2, "not TOML: Invalid value"),
        ("[view\n", 1, "not TOML"),
        ("a = 1\na = 2\n", 2, "not TOML: Cannot overwrite a value"),
        (b"[view]\ntheme = '\xff'\n", 2, "expected UTF-8, got byte 0xff"),
    ],
)
def test_a_mistake_is_one_line(home: Path, content: str | bytes, line: int, said: str) -> None:
    write(home, content)
    with pytest.raises(ConfigError) as caught:
        config.load(places(home), {}, {})
    shown = report(caught.value)
    assert shown.startswith(f"wftop: {home}/.config/wftop/config.toml:{line}: ")
    assert said in shown


@pytest.mark.parametrize(
    ("variable", "given", "said"),
    [
        ("WFTOP_RECORDER_SIGNALS", "perhaps", "recorder.signals: expected true or false, got 'perhaps'"),
        ("WFTOP_STORE_JOURNAL_HOURS", "1h", "store.journal_hours: expected a whole number"),
        ("WFTOP_VIEW_REFRESH_S", "", "view.refresh_s: expected a number"),
        ("WFTOP_STORE_MAX_BYTES", "much", "store.max_bytes: expected bytes"),
        ("WFTOP_STORE_JOURNAL_HOURS", "9" * 5000, "store.journal_hours: expected a whole number"),
    ],
)
def test_a_bad_variable_is_named(home: Path, variable: str, given: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(places(home), {}, {variable: given})
    assert report(caught.value).startswith(f"wftop: {variable}: {said}")


def test_variables_as_text(home: Path) -> None:
    environ = {
        "WFTOP_SOURCES_DISABLED": "cpu, disk",
        "WFTOP_VIEW_ASCII": "yes",
        "WFTOP_STORE_MAX_BYTES": "500MB",
        "WFTOP_VIEW_COLORS": "256",
    }
    loaded = config.load(places(home), {}, environ)
    assert loaded.names("sources.disabled") == ("cpu", "disk")
    assert loaded.text("view.ascii") == "true"
    assert loaded.whole("store.max_bytes") == 500_000_000
    assert loaded.text("view.colors") == "256"


def test_bad_flags_are_named(home: Path) -> None:
    with pytest.raises(ConfigError, match=r"^--refresh-s: view.refresh_s: expected a number from 0.25 to 60"):
        config.load(places(home), {"view.refresh_s": 99}, {})
    with pytest.raises(ConfigError, match=r"unknown key view\.nothing"):
        config.load(places(home), {"view.nothing": 1}, {})


def test_a_named_file_has_to_exist(home: Path) -> None:
    named = paths.places(config=str(home / "none.toml"), environ={"HOME": str(home)})
    with pytest.raises(ConfigError, match=r"none\.toml: no such file"):
        config.load(named, {}, {})


def test_a_file_that_others_write_is_refused(home: Path) -> None:
    write(home, "")
    file = home / ".config/wftop/config.toml"
    file.chmod(0o666)
    with pytest.raises(ConfigError, match=r"mode 0666 lets everybody write; fix: chmod go-w"):
        config.load(places(home), {}, {})
    file.chmod(0o644)
    file.parent.chmod(0o777)
    with pytest.raises(ConfigError, match=r"wftop: mode 0777 lets everybody write"):
        config.load(places(home), {}, {})
    file.parent.chmod(0o1777)
    assert config.load(places(home), {}, {}).text("view.theme") == "default"


def test_a_folder_or_a_huge_file_is_refused(home: Path) -> None:
    (home / ".config/wftop/config.toml").mkdir()
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        config.load(places(home), {}, {})
    write(home, b"#" * (1 << 20) + b"\n", "settings.toml")
    (home / ".config/wftop/config.toml").rmdir()
    with pytest.raises(ConfigError, match="longer than 1 MiB"):
        config.load(places(home), {}, {})


@pytest.mark.parametrize(
    ("given", "size"),
    [("0", 0), ("1 GiB", 1 << 30), ("500MB", 500_000_000), ("1.5 kib", 1536), (" 7 B ", 7), ("2tb", 2 * 10**12)],
)
def test_sizes(given: str, size: int) -> None:
    assert config.parse_size(given) == size


@given(st.integers(0, 10**15))
def test_whole_sizes_round_trip(size: int) -> None:
    assert config.parse_size(f"{size}B") == config.parse_size(str(size)) == size


@given(st.text(max_size=20))
def test_any_size_parses_or_raises(given_text: str) -> None:
    try:
        assert config.parse_size(given_text) >= 0
    except ValueError:
        return


lines = st.sampled_from(
    [
        "[view]",
        "[store]",
        "[a.b]",
        "theme = 'x'",
        "refresh_s = 1",
        "max_bytes = '1 GiB'",
        "x = {",
        "view.theme = 1",
    ]
)


@given(st.binary(max_size=60) | st.text().map(str.encode) | st.lists(lines).map("\n".join).map(str.encode))
def test_any_file_parses_or_raises_ours(raw: bytes) -> None:
    try:
        found = config.parse(raw, "/x/config.toml")
    except ConfigError:
        return
    assert set(found) <= set(config.KEYS)


@given(st.floats(0.25, 60), st.booleans(), st.integers(1, 8760))
def test_files_round_trip(refresh: float, signals: bool, hours: int) -> None:
    source = f"[view]\nrefresh_s = {refresh!r}\n[recorder]\nsignals = {str(signals).lower()}\n"
    found = config.parse(f"{source}[store]\njournal_hours = {hours}\n".encode(), "config.toml")
    assert found == {
        "view.refresh_s": (refresh, "config.toml:2"),
        "recorder.signals": (signals, "config.toml:4"),
        "store.journal_hours": (hours, "config.toml:6"),
    }


def test_a_start_without_files_loads_no_toml(home: Path) -> None:
    code = (
        "import sys; from wftui import config, paths; config.load(paths.places()); "
        "print({'tomllib', 'difflib'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
    )
    assert done.stdout.strip() == "set()"
