"""Paths: precedence, fallbacks of the runtime folder, and what is refused."""

import errno
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui import paths
from wftui.errors import ConfigError, report

ME = os.geteuid()
needs_root = pytest.mark.skipif(ME != 0, reason="giving files to another user needs root")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, and /run/user and /tmp inside the test's folder."""
    monkeypatch.setattr(paths, "RUN_USER", str(tmp_path / "no-run"))
    monkeypatch.setattr(paths, "TMP", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    (tmp_path / "h").mkdir(mode=0o700)
    return tmp_path / "h"


def env(home: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(home), **more}


def test_defaults_are_the_xdg_folders(home: Path) -> None:
    found = paths.places(environ=env(home))
    assert found.config_file == home / ".config/wftop/config.toml"
    assert found.settings_file == home / ".config/wftop/settings.toml"
    assert found.config_dir == home / ".config/wftop"
    assert found.data_dir == home / ".local/share/wftop"
    assert found.state_dir == home / ".local/state/wftop"
    assert not found.config_named
    assert not any(home.iterdir())  # naming creates nothing


def test_xdg_variables_count_only_when_absolute(home: Path, tmp_path: Path) -> None:
    found = paths.places(environ=env(home, XDG_CONFIG_HOME=f"{tmp_path}/c", XDG_DATA_HOME="relative"))
    assert found.config_dir == tmp_path / "c/wftop"
    assert found.data_dir == home / ".local/share/wftop"


def test_flag_wins_over_variable_wins_over_default(home: Path, tmp_path: Path) -> None:
    variables = env(home, WFTOP_DATA_DIR=f"{tmp_path}/v", WFTOP_CONFIG="~/mine.toml")
    assert paths.places(environ=variables).data_dir == tmp_path / "v"
    assert paths.places(environ=variables).config_file == home / "mine.toml"
    assert paths.places(environ=variables).config_named
    found = paths.places(f"{tmp_path}/f", f"{tmp_path}/g/h.toml", variables)
    assert (found.data_dir, found.config_file) == (tmp_path / "f", tmp_path / "g/h.toml")
    assert found.settings_file == tmp_path / "g/settings.toml"


def test_relative_flag_is_made_absolute(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert paths.places("d", environ=env(home)).data_dir == tmp_path / "d"


@pytest.mark.parametrize("bad", ["", "a\0b"])
def test_a_path_that_is_none_is_refused(home: Path, bad: str) -> None:
    with pytest.raises(ConfigError, match="data folder: expected a path"):
        paths.places(bad, environ=env(home))
    with pytest.raises(ConfigError, match="configuration file: expected a path"):
        paths.places(None, bad, env(home))


def test_places_is_frozen(home: Path) -> None:
    found = paths.places(environ=env(home))
    with pytest.raises(AttributeError, match="frozen"):
        found.data_dir = Path("/elsewhere")
    assert "data_dir=" in repr(found)


def test_one_folder_by_two_names_has_one_runtime_folder(home: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    direct, linked, other = (
        paths.places(f"{tmp_path}/{name}", environ=env(home)) for name in ("real", "link", "other")
    )
    assert direct.runtime_dir == linked.runtime_dir != other.runtime_dir
    assert direct.lock.parent == direct.socket.parent == direct.runtime_dir


def test_hash_is_fnv1a() -> None:
    # Published test vectors of FNV-1a, 64 bits.
    assert paths._fnv1a(b"") == "cbf29ce484222325"
    assert paths._fnv1a(b"foobar") == "85944171f73967e8"


def test_runtime_folder_is_xdgs(home: Path, tmp_path: Path) -> None:
    (tmp_path / "r").mkdir(mode=0o700)
    found = paths.places(environ=env(home, XDG_RUNTIME_DIR=f"{tmp_path}/r"))
    assert found.runtime_dir.parent == tmp_path / "r/wftop"


def test_runtime_folder_falls_back_in_order(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "SOCKET_BYTES", 300)  # the test's own folder is long
    missing = env(home, XDG_RUNTIME_DIR=f"{tmp_path}/gone")
    assert paths.places(environ=missing).runtime_dir.parent == home / ".local/state/wftop/run"
    run_user = Path(paths.RUN_USER, str(ME))
    run_user.mkdir(parents=True, mode=0o700)
    assert paths.places(environ=missing).runtime_dir.parent == run_user / "wftop"
    run_user.chmod(0o777)  # others could plant a socket in it
    assert paths.places(environ=missing).runtime_dir.parent == home / ".local/state/wftop/run"


def test_a_long_path_falls_back_to_a_short_one_that_binds(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    brief = os.environ["XDG_RUNTIME_DIR"]  # the test's own folder is too long
    monkeypatch.setattr(paths, "TMP", brief)
    long = home / ("x" * 120)
    long.mkdir(mode=0o700)
    found = paths.places(environ=env(long, XDG_RUNTIME_DIR=str(long)))
    assert found.runtime_dir.parent == Path(brief) / f"wftop-{ME}"
    short = Path("/tmp") / "wftop-4294967295" / found.runtime_dir.name / "wftop.sock"  # noqa: S108 - measured, not opened
    assert len(str(short)) <= paths.SOCKET_BYTES
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(paths.private_dir(found.runtime_dir, exact=True) / "wftop.sock"))


def test_a_home_that_cannot_be_written_falls_back(tmp_path: Path, home: Path) -> None:
    nowhere = env(home / "file/h")  # below a file nobody can make a folder, not even root
    (home / "file").write_text("")
    found = paths.places(environ=nowhere)
    assert found.runtime_dir.parent == tmp_path / "t" / f"wftop-{ME}"
    with pytest.raises(ConfigError, match=r"cannot make folder .*: Not a directory"):
        paths.private_dir(found.data_dir)


@pytest.mark.usefixtures("home")
def test_without_home_the_passwd_line_counts() -> None:
    import pwd

    assert paths.places(environ={}).data_dir == Path(
        os.path.realpath(pwd.getpwuid(ME).pw_dir + "/.local/share/wftop")
    )


def test_without_any_home_paths_are_named_and_cannot_be_made(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pwd

    def nobody(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    (home / "file").write_text("")
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setattr(paths, "_NO_HOME", str(home / "file/none"))  # as root, /nonexistent could be made
    found = paths.places(environ={"HOME": "not absolute"})
    assert found.data_dir == home / "file/none/.local/share/wftop"
    assert found.runtime_dir.parent == tmp_path / "t" / f"wftop-{ME}"


@pytest.mark.parametrize("name", [b"with space", b"new\nline", b"caf\xe9", "größe".encode(), b"a'b"])
def test_odd_homes_work(home: Path, name: bytes) -> None:
    odd = Path(os.fsdecode(os.fsencode(home) + b"/" + name))
    odd.mkdir(mode=0o700)
    found = paths.places(environ=env(odd))
    assert paths.private_dir(found.data_dir).is_dir()
    runtime = paths.private_dir(found.runtime_dir, exact=True)
    assert stat.S_IMODE(runtime.stat().st_mode) == 0o700
    os.close(paths.open_private(found.lock, os.O_RDWR | os.O_CREAT))


def test_made_folders_are_private_whatever_the_umask(home: Path) -> None:
    old = os.umask(0)
    try:
        made = paths.private_dir(home / "a/b/c")
    finally:
        os.umask(old)
    assert [stat.S_IMODE(p.stat().st_mode) for p in (made, made.parent, made.parent.parent)] == [0o700] * 3
    assert paths.private_dir(made) == made  # twice is harmless


def test_a_link_is_refused(home: Path) -> None:
    (home / "real").mkdir()
    (home / "link").symlink_to(home / "real")
    with pytest.raises(ConfigError, match="is a link"):
        paths.private_dir(home / "link")


def test_a_file_in_the_way_is_refused(home: Path) -> None:
    (home / "file").write_text("")
    with pytest.raises(ConfigError, match="is not a folder"):
        paths.private_dir(home / "file")
    with pytest.raises(ConfigError, match="cannot make folder"):
        paths.private_dir(home / "file/below")


def test_folders_that_others_write_are_refused_with_the_fix(home: Path) -> None:
    shared = home / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(ConfigError) as caught:
        paths.private_dir(shared)
    assert report(caught.value) == f"wftop: {shared}: mode 0777 lets everybody write; fix: chmod go-w '{shared}'"
    shared.chmod(0o755)
    assert paths.private_dir(shared) == shared
    with pytest.raises(ConfigError, match="mode 0755 lets others in; fix: chmod 700"):
        paths.private_dir(shared, exact=True)


def test_group_writable_counts_only_for_a_foreign_group(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = home / "shared"
    shared.mkdir()
    shared.chmod(0o770)
    monkeypatch.setattr(paths, "_own_group", lambda gid: gid == shared.stat().st_gid)
    assert paths.private_dir(shared) == shared
    monkeypatch.setattr(paths, "_own_group", lambda _gid: False)
    with pytest.raises(ConfigError, match=r"mode 0770 lets group \d+ write"):
        paths.private_dir(shared)


def test_own_group_is_primary_same_name_and_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import grp
    import pwd

    user = pwd.struct_passwd(("me", "x", ME, 1000, "", "/h", "/s"))
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: user)
    groups = {1000: ("me", "x", 1000, ["me"]), 100: ("users", "x", 100, [])}
    monkeypatch.setattr(grp, "getgrgid", lambda gid: grp.struct_group(groups[gid]))
    assert paths._own_group(1000)
    assert not paths._own_group(100)
    assert not paths._own_group(7)  # no such group
    groups[1000] = ("me", "x", 1000, ["me", "guest"])
    assert not paths._own_group(1000)


@needs_root
def test_what_belongs_to_another_user_is_refused(home: Path, tmp_path: Path) -> None:
    planted = tmp_path / "t" / f"wftop-{ME}"
    planted.mkdir(mode=0o700)
    nowhere = home / "file/h"
    (home / "file").write_text("")
    os.chown(planted, 12345, 12345)
    with pytest.raises(ConfigError, match="belongs to user 12345"):
        paths.places(environ=env(nowhere))
    with pytest.raises(ConfigError, match="belongs to user 12345"):
        paths.private_dir(planted)
    link = tmp_path / "link"
    link.symlink_to(home)
    os.chown(link, 12345, 12345, follow_symlinks=False)
    with pytest.raises(ConfigError, match="a link made by user 12345"):
        paths.places(str(link), environ=env(home))
    file = tmp_path / "file"
    file.write_text("")
    os.chown(file, 12345, 12345)
    with pytest.raises(ConfigError, match="belongs to user 12345"):
        paths.open_private(file, os.O_RDONLY)
    with pytest.raises(ConfigError, match="belongs to user 12345"):
        paths.check_unshared(file)


@pytest.mark.parametrize("kind", ["link", "open", "file"])
def test_a_planted_last_resort_is_refused(tmp_path: Path, home: Path, kind: str) -> None:
    nowhere = home / "file/h"
    (home / "file").write_text("")
    planted = tmp_path / "t" / f"wftop-{ME}"
    if kind == "link":
        planted.symlink_to(home)
    elif kind == "open":
        planted.mkdir()
        planted.chmod(0o777)
    else:
        planted.write_text("")
    with pytest.raises(ConfigError, match=f"wftop-{ME}"):
        paths.places(environ=env(nowhere))


def test_open_private_modes_links_and_fifos(home: Path) -> None:
    file = home / "file"
    fd = paths.open_private(file, os.O_RDWR | os.O_CREAT)
    try:
        assert stat.S_IMODE(os.fstat(fd).st_mode) == 0o600
        assert not os.get_inheritable(fd)
    finally:
        os.close(fd)
    file.chmod(0o644)
    os.close(paths.open_private(file, os.O_RDONLY))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (home / "link").symlink_to(file)
    with pytest.raises(ConfigError, match="is a link"):
        paths.open_private(home / "link", os.O_RDONLY)
    os.mkfifo(home / "fifo")
    with pytest.raises(ConfigError, match="not a regular file"):
        paths.open_private(home / "fifo", os.O_RDONLY)
    with pytest.raises(OSError, match="No such file") as caught:
        paths.open_private(home / "none", os.O_RDONLY)
    assert caught.value.errno == errno.ENOENT


def test_check_unshared(home: Path) -> None:
    file = home / "config.toml"
    file.write_text("")
    paths.check_unshared(file)
    file.chmod(0o666)
    with pytest.raises(ConfigError, match=r"mode 0666 lets everybody write; fix: chmod go-w"):
        paths.check_unshared(file)


def test_resources_in_a_checkout_and_in_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site/wftui"
    (package / "_resources/themes").mkdir(parents=True)
    (tmp_path / "site/rules").mkdir()  # a stranger's folder beside an installed package
    monkeypatch.setattr(paths, "__file__", str(package / "paths.py"))
    assert paths.resources("themes") == package / "_resources/themes"
    with pytest.raises(ConfigError, match=r"rules: not found in .*; install wftop again"):
        paths.resources("rules")
    (tmp_path / "site/pyproject.toml").write_text("")
    assert paths.resources("rules") == tmp_path / "site/rules"


@given(st.text(st.characters(), max_size=80), st.text(st.characters(), max_size=80))
def test_any_text_names_places_or_is_refused(data_dir: str, runtime: str) -> None:
    try:
        found = paths.places(data_dir, environ={"HOME": "/proc/nothing", "XDG_RUNTIME_DIR": runtime})
    except ConfigError:
        return
    except UnicodeEncodeError:
        # Only text that no operating system could have given: surrogates outside U+DC80..U+DCFF.
        assert any(0xD800 <= ord(c) < 0xDC80 or 0xDD00 <= ord(c) <= 0xDFFF for c in data_dir + runtime)
        return
    assert found.data_dir.is_absolute()
    assert len(os.fsencode(found.socket)) <= paths.SOCKET_BYTES


def test_imports_nothing_heavy() -> None:
    code = (
        "import sys, pathlib; before = set(sys.modules); import wftui.paths; "
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() == "['__future__', 'wftui', 'wftui.errors', 'wftui.paths']"
