"""Where wftop's files live, and folders and files that nobody else can write.

Imported by `wftop record` before it takes its lock, so it imports nothing but `os`, `pathlib` and `errors`.
Functions that name paths touch the disk only to look; only `private_dir` and `open_private` create.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from wftui.errors import ConfigError

# Not `typing.TYPE_CHECKING`: typing costs more than the rest of this module.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

RUN_USER = "/run/user"
TMP = "/tmp"  # noqa: S108 - the last resort; the folder below it is checked for owner, mode and links
# sun_path holds 108 bytes with its NUL (unix(7)).
SOCKET_BYTES = 107
# Debian's name for "no home": it cannot be made by a user, so the recorder goes memory-only and says why.
_NO_HOME = "/nonexistent"


class Places:
    """Every path of one wftop installation; frozen.

    `config_named` is True when a flag or ``WFTOP_CONFIG`` named the configuration file (then it has to exist).
    """

    __slots__ = (
        "config_dir",
        "config_file",
        "config_named",
        "data_dir",
        "lock",
        "push_socket",
        "runtime_dir",
        "settings_file",
        "socket",
        "state_dir",
    )

    config_file: Path
    config_named: bool
    settings_file: Path
    config_dir: Path
    data_dir: Path
    state_dir: Path
    runtime_dir: Path
    socket: Path
    push_socket: Path
    lock: Path

    def __init__(
        self, *, config_file: Path, config_named: bool, data_dir: Path, state_dir: Path, runtime_dir: Path
    ) -> None:
        put = object.__setattr__
        put(self, "config_file", config_file)
        put(self, "config_named", config_named)
        put(self, "config_dir", config_file.parent)
        put(self, "settings_file", config_file.parent / "settings.toml")
        put(self, "data_dir", data_dir)
        put(self, "state_dir", state_dir)
        put(self, "runtime_dir", runtime_dir)
        put(self, "socket", runtime_dir / "wftop.sock")
        put(self, "push_socket", runtime_dir / "push.sock")
        put(self, "lock", runtime_dir / "lock")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"Places is frozen: {name}")

    def __repr__(self) -> str:
        return "Places(" + ", ".join(f"{name}={str(getattr(self, name))!r}" for name in self.__slots__) + ")"


def places(
    data_dir: str | None = None, config: str | None = None, environ: Mapping[str, str] = os.environ
) -> Places:
    """Name every path: flag, then ``WFTOP_DATA_DIR`` / ``WFTOP_CONFIG``, then the XDG folders.

    The data folder is resolved (links followed), so that one folder has one recorder whatever it is called.

    Raises:
        ConfigError: A path that cannot be one, a data folder that is somebody else's link, or the last resort
            for the socket is not ours.

    Source: XDG Base Directory Specification 0.8 (relative values are ignored; private folders are 0700).
    """
    home = _home(environ)
    named = config if config is not None else environ.get("WFTOP_CONFIG") or None
    if named is not None:
        config_file = _absolute(named, home, "configuration file")
    else:
        config_file = _xdg(environ, "XDG_CONFIG_HOME", home, ".config") / "wftop" / "config.toml"
    wanted = data_dir if data_dir is not None else environ.get("WFTOP_DATA_DIR") or None
    if wanted is not None:
        data = _absolute(wanted, home, "data folder")
    else:
        data = _xdg(environ, "XDG_DATA_HOME", home, ".local/share") / "wftop"
    data = _resolved(data)
    state = _xdg(environ, "XDG_STATE_HOME", home, ".local/state") / "wftop"
    return Places(
        config_file=config_file,
        config_named=named is not None,
        data_dir=data,
        state_dir=state,
        runtime_dir=_runtime_dir(state, _fnv1a(os.fsencode(data)), environ),
    )


def resources(name: str) -> Path:
    """Find a folder that ships with wftop (``themes`` or ``rules``), in a wheel or a source checkout.

    Raises:
        ConfigError: It is in neither place.
    """
    package = Path(__file__).resolve().parent
    candidates = [package / "_resources" / name]
    # Without this, an installed wftop would take site-packages/themes of a stranger for its own.
    if (package.parent / "pyproject.toml").is_file():
        candidates.append(package.parent / name)
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    looked = " or ".join(str(candidate) for candidate in candidates)
    raise ConfigError(f"{name}: not found in {looked}; install wftop again")


def private_dir(path: Path, *, exact: bool = False) -> Path:
    """Make `path` (missing parents too, mode 0700) or check that it is ours alone to write; return it.

    Args:
        path: The folder; a link is refused.
        exact: Runtime folders: this folder and its parent, both ours, may give others no right at all.

    Raises:
        ConfigError: It cannot be made, is no folder, is not ours, or others can write it; names the fix.
    """
    folders = [path.parent, path] if exact else [path]
    for folder in folders:
        try:
            # Not Path.mkdir(parents=True): that gives the parents mode 0777 & ~umask.
            _make(folder)
            status = folder.lstat()
        except (OSError, ValueError) as error:
            raise ConfigError(f"cannot make folder {folder}: {_reason(error)}") from error
        _check_dir(folder, status, exact=exact)
    return path


def check_unshared(path: Path) -> None:
    """Refuse a configuration file or folder that others can write, or that belongs to neither us nor root.

    Raises:
        ConfigError: It is shared; names mode and fix.
        OSError: It cannot be looked at.
    """
    status = path.stat()
    if status.st_uid not in (os.geteuid(), 0):
        raise ConfigError(
            f"{path}: belongs to user {status.st_uid}, so it is not read; make it yours: chown {os.geteuid()}"
        )
    _check_writers(path, status)


def open_private(path: Path, flags: int) -> int:
    """Open a file of ours and return its descriptor: never through a link, close-on-exec, 0600 when made.

    A file of ours that gives others rights loses them.

    Raises:
        ConfigError: A link, no regular file, or a file of somebody else stands there.
        OSError: It cannot be opened.
    """
    try:
        # O_NONBLOCK: opening a planted FIFO must not wait; regular files ignore it.
        fd = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ConfigError(f"{path}: is a link, so it is not opened; remove it") from error
        raise
    try:
        _check_file(path, os.fstat(fd), fd)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _home(environ: Mapping[str, str]) -> str:
    home = environ.get("HOME", "")
    if home.startswith("/"):
        return home
    import pwd  # here: only a missing HOME needs it

    try:
        home = pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:  # a container's uid without a passwd line
        return _NO_HOME
    return home if home.startswith("/") else _NO_HOME


def _xdg(environ: Mapping[str, str], name: str, home: str, default: str) -> Path:
    value = environ.get(name, "")
    return Path(value) if value.startswith("/") and "\0" not in value else Path(home, default)


def _absolute(value: str, home: str, what: str) -> Path:
    if not value or "\0" in value:
        raise ConfigError(f"{what}: expected a path, got {value!r}")
    path = Path(home, value[2:]) if value.startswith("~/") else Path(value)
    try:
        return path.absolute()
    except OSError as error:  # the current folder is gone
        raise ConfigError(f"{what} {value}: {_reason(error)}; give an absolute path") from error


def _resolved(path: Path) -> Path:
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode) and status.st_uid not in (os.geteuid(), 0):
            raise ConfigError(f"data folder {path} is a link made by user {status.st_uid}; name another folder")
    except OSError:
        pass  # not there yet, or not to be looked at: private_dir says why when it is needed
    # os.path, because Path.resolve() raises RuntimeError on a loop of links.
    return Path(os.path.realpath(path))


def _runtime_dir(state: Path, digest: str, environ: Mapping[str, str]) -> Path:
    """Choose the first usable folder for the sockets; the same environment gives the same answer."""
    uid = os.geteuid()
    for base in (environ.get("XDG_RUNTIME_DIR", ""), f"{RUN_USER}/{uid}"):
        folder = Path(base, "wftop", digest)
        if base.startswith("/") and _fits(folder) and _ours_to_write(base, uid):
            return folder
    folder = state / "run" / digest
    if _fits(folder) and _creatable(folder, uid):
        return folder
    base_dir = Path(TMP, f"wftop-{uid}")
    try:
        status = base_dir.lstat()
    except OSError:
        pass  # not there: private_dir makes it
    else:
        # Anybody may put this name here first; a view must not even connect below a stranger's folder.
        _check_dir(base_dir, status, exact=True)
    return base_dir / digest


def _fits(folder: Path) -> bool:
    return "\0" not in str(folder) and len(os.fsencode(folder / "wftop.sock")) <= SOCKET_BYTES


def _ours_to_write(base: str, uid: int) -> bool:
    try:
        status = Path(base).stat()
    except (OSError, ValueError):
        return False
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == uid
        and not status.st_mode & 0o022
        and os.access(base, os.W_OK | os.X_OK)  # also False on a read-only mount
    )


def _creatable(folder: Path, uid: int) -> bool:
    """Say whether `folder` could be made, or is there and ours, judged by its nearest existing ancestor."""
    for ancestor in (folder, *folder.parents):
        try:
            status = ancestor.lstat()
        except FileNotFoundError:
            continue
        except OSError:
            return False
        if ancestor in (folder, folder.parent) and (status.st_uid != uid or status.st_mode & 0o077):
            return False
        return ancestor.is_dir() and os.access(ancestor, os.W_OK | os.X_OK)
    return False


def _make(folder: Path) -> None:
    missing = []
    for ancestor in (folder, *folder.parents):
        try:
            ancestor.lstat()
            break
        except FileNotFoundError:
            missing.append(ancestor)
    for ancestor in reversed(missing):
        # Another process may make it first; then it is checked like any folder that was there.
        ancestor.mkdir(mode=0o700, exist_ok=True)


def _check_dir(path: Path, status: os.stat_result, *, exact: bool) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise ConfigError(f"folder {path}: is a link, so it is not used; remove it or name its target")
    if not stat.S_ISDIR(status.st_mode):
        raise ConfigError(f"folder {path}: is not a folder; remove it")
    if status.st_uid != os.geteuid():
        raise ConfigError(f"folder {path}: belongs to user {status.st_uid}, not to us; name another folder")
    mode = stat.S_IMODE(status.st_mode)
    if exact and mode & 0o077:
        raise ConfigError(f"folder {path}: mode {mode:04o} lets others in; fix: chmod 700 '{path}'")
    _check_writers(path, status)


def _check_file(path: Path, status: os.stat_result, fd: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"{path}: is not a regular file; remove it")
    if status.st_uid != os.geteuid():
        raise ConfigError(f"{path}: belongs to user {status.st_uid}, so it is not opened; remove it")
    if status.st_mode & 0o077:
        os.fchmod(fd, 0o600)


def _check_writers(path: Path, status: os.stat_result) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o002:
        raise ConfigError(f"{path}: mode {mode:04o} lets everybody write; fix: chmod go-w '{path}'")
    if mode & 0o020 and not _own_group(status.st_gid):
        raise ConfigError(f"{path}: mode {mode:04o} lets group {status.st_gid} write; fix: chmod go-w '{path}'")


def _own_group(gid: int) -> bool:
    """Say whether `gid` is this user's private group: primary, of the same name, without other members."""
    import grp  # here: only a group-writable path needs them
    import pwd

    try:
        user = pwd.getpwuid(os.geteuid())
        group = grp.getgrgid(gid)
    except KeyError:
        return False
    return gid == user.pw_gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


def _fnv1a(data: bytes) -> str:
    """Give the 64-bit FNV-1a hash as 16 hex digits.

    Not hashlib: loading libcrypto costs the recorder megabytes. The hash only keeps the data folders of one
    user apart inside a folder of that user, so nobody gains by a collision.
    """
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def _reason(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
