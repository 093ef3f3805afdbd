"""`wftop service`: the recorder as a systemd user unit, started at boot where linger allows it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from wftui.cli.output import say
from wftui.errors import ConfigError
from wftui.paths import Places, places
from wftui.store.manifest import replace_file

UNIT: Final = "wftop.service"
MARK: Final = "# Made by `wftop service install`; `wftop service remove` takes it away."
LINGER: Final = Path("/var/lib/systemd/linger")
_TIMEOUT_S: Final = 30.0

# What needs a mount namespace (ProtectSystem, PrivateTmp …) is left out: not every user manager may make one, and
# a unit that does not start protects nothing. No MemoryDenyWriteExecute: ctypes callbacks of the sealer need it.
_TEMPLATE: Final = """\
{mark}
[Unit]
Description=wftop recorder ({data_dir})

[Service]
Type=exec
ExecStart={command}
# 3: another recorder runs, 4: configuration, 5: store: starting again would not help.
Restart=on-failure
RestartSec=5
RestartPreventExitStatus=3 4 5
KillMode=mixed
TimeoutStopSec=10
UMask=0077
MemoryMax=512M
TasksMax=64
LimitCORE=0
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallArchitectures=native
SystemCallFilter=~@clock @module @mount @obsolete @raw-io @reboot @swap

[Install]
WantedBy=default.target
"""


def unit_path() -> Path:
    """Where the user manager looks for it."""
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "systemd" / "user" / UNIT


def unit(where: Places) -> str:
    """The unit's text.

    Raises:
        ConfigError: A path that systemd cannot be told.
    """
    # The data dir is always named: the manager's environment need not be this shell's.
    words = [sys.executable, "-m", "wftui", "record", "--data-dir", str(where.data_dir)]
    if where.config_named or where.config_file.exists():
        words += ["--config", str(where.config_file)]
    return _TEMPLATE.format(
        mark=MARK,
        data_dir=str(where.data_dir).replace("%", "%%"),
        command=" ".join(_quoted(word) for word in words),
    )


def _quoted(word: str) -> str:
    if not word.isprintable():
        raise ConfigError(f"{word!r}: a path with control characters cannot stand in a unit")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def install(where: Places, *, force: bool, show: bool) -> int:
    """Write the unit, enable and start it.

    Raises:
        ConfigError: Another unit lies there, or there is no user manager.
    """
    content = unit(where)
    if show:
        sys.stdout.write(content)
        return 0
    path = unit_path()
    if path.exists() and not force and MARK not in path.read_text("utf-8", "replace"):
        raise ConfigError(f"{path}: made by somebody else; --force replaces it")
    _systemctl("--version")
    where.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        replace_file(path, content.encode())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from error
    _systemctl("daemon-reload")
    _systemctl("enable", UNIT)
    _systemctl("restart", UNIT)
    say(f"{UNIT} is enabled and started ({path}); wftop record --status says how it is")
    _explain_linger()
    return 0


def status(where: Places) -> int:
    """Installed, enabled, running, lingering? And what the recorder answers; 1: it does not run."""
    path = unit_path()
    say(f"unit      {path if path.exists() else 'not installed (wftop service install)'}")
    active = ""
    if path.exists():
        active = _answer("is-active", UNIT)
        say(f"enabled   {_answer('is-enabled', UNIT)}")
        say(f"active    {active}")
        stale = path.read_text("utf-8", "replace") != unit(where)
        if stale:
            say("          the unit is not the one this version would write; wftop service install renews it")
    _explain_linger()
    from wftui.client.queries import Connection
    from wftui.errors import ProtocolError
    from wftui.wire.messages import Status, StatusReply

    try:
        with Connection(str(where.socket), timeout_s=2.0) as connection:
            reply = connection.ask(Status(), StatusReply)
        say(f"recorder  pid {reply.pid}, {reply.ticks} ticks, writes {reply.data_dir}")
    except ProtocolError as error:
        say(f"recorder  {error}")
        return 1
    return 0 if active in ("active", "") else 1


def remove() -> int:
    """Stop, disable and delete it; the recording stays.

    Raises:
        ConfigError: It is not ours, or cannot be removed.
    """
    path = unit_path()
    if not path.exists():
        say(f"{UNIT} is not installed ({path})")
        return 0
    if MARK not in path.read_text("utf-8", "replace"):
        raise ConfigError(f"{path}: made by somebody else; remove it with systemctl --user disable --now {UNIT}")
    _systemctl("disable", "--now", UNIT)
    try:
        path.unlink()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be removed: {error.strerror or error}") from error
    _systemctl("daemon-reload")
    say(f"removed {path}; what was recorded stays")
    return 0


def _explain_linger() -> None:
    import pwd

    user = pwd.getpwuid(os.getuid()).pw_name
    if (LINGER / user).exists():
        say("linger    yes: it runs from boot on, also while nobody is logged in")
    else:
        say(f"linger    no: it runs only while you are logged in; loginctl enable-linger {user} changes that")


def _run(*words: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(  # noqa: S603  fixed words, no shell
            ["systemctl", "--user", *words],  # noqa: S607  where systemctl lies differs by distribution
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise ConfigError("there is no systemctl here; start `wftop record` from your own supervisor") from error
    except subprocess.TimeoutExpired as error:
        raise ConfigError(f"systemctl --user {' '.join(words)}: no answer within {_TIMEOUT_S:g} s") from error


def _systemctl(*words: str) -> None:
    done = _run(*words)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        why = said[0] if said else f"exit code {done.returncode}"
        raise ConfigError(f"systemctl --user {' '.join(words)}: {why}")


def _answer(*words: str) -> str:
    done = _run(*words)
    said = (done.stdout or done.stderr).strip().splitlines()
    return said[0] if said else "unknown"


def main(action: str, *, data_dir: str | None, config: str | None, force: bool = False, show: bool = False) -> int:
    """Run the command: ``install``, ``status`` or ``remove``. Returns the exit code.

    Raises:
        ConfigError: As the message says.
    """
    if action == "remove":
        return remove()
    where = places(data_dir, config)
    return install(where, force=force, show=show) if action == "install" else status(where)
