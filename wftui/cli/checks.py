"""What `wftop doctor` looks at: folders, permissions, versions, terminal, sources, own cost."""

import os
import stat
import threading
from importlib import metadata
from pathlib import Path
from typing import Final

import msgspec

from wftui import __version__, config
from wftui.collectors import mountinfo
from wftui.errors import StoreError, WftopError
from wftui.model import health
from wftui.model.health import Health
from wftui.paths import Places
from wftui.render import text
from wftui.render.report import State
from wftui.store import journal

OK: Final = "ok"
WARN: Final = "warn"
BAD: Final = "bad"
MARKS: Final = {OK: "✓", WARN: "!", BAD: "✗"}
PLAIN_MARKS: Final = {OK: "+", WARN: "!", BAD: "x"}

_CPU_BUDGET: Final = 0.02
_MEMORY_BUDGET: Final = 32 * 2**20
_LEAST_FREE: Final = 0.02
_SLOW: Final = 3


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    area: str
    """``sources``, ``gpu``, ``paths``, ``permissions``, ``versions``, ``terminal``, ``cost`` or ``store``."""
    name: str
    state: str
    """``ok``, ``warn`` (works, but less than it could) or ``bad`` (needs a person)."""
    text: str
    fix: str = ""
    """The exact step; empty when there is none."""


def sources(state: State) -> list[Check]:
    """Health of each source; an absent one is as it should be on this machine."""
    return [_source(item) for item in state.health]


def level(state: str) -> str:
    """The verdict on a health state."""
    if state in health.TROUBLE:
        return BAD if state != health.LATE else WARN
    return WARN if state == health.DENIED else OK


def _source(item: Health) -> Check:
    said = f"{item.state}: {item.reason}" if item.reason else item.state
    return Check("sources", item.source, level(item.state), said, item.fix)


def settings(places: Places) -> Check:
    """Whether the configuration can be read."""
    try:
        config.load(places)
    except WftopError as error:
        return Check("paths", "configuration", BAD, str(error), "mend that line, or move the file away")
    there = places.config_file.exists()
    return Check("paths", "configuration", OK, f"{places.config_file}" + ("" if there else " (none, defaults)"))


def folders(places: Places, mounts: str = "/proc/self/mountinfo") -> list[Check]:
    """Each folder: is it there, ours, closed to others, on a local file system, with room."""
    try:
        table = Path(mounts).read_bytes()
    except OSError:
        table = b""
    found = [
        folder("data folder", places.data_dir, table, keeps_data=True),
        folder("log folder", places.state_dir, table),
        folder("socket folder", places.runtime_dir, table),
    ]
    damaged = journal.damaged_files(places.data_dir)
    if damaged:
        names = ", ".join(item.name for item in damaged)
        found.append(
            Check("paths", "journal", WARN, f"damaged ones were set aside: {names}", f"rm '{damaged[0]}'*")
        )
    return found


def folder(name: str, path: Path, mounts: bytes, *, keeps_data: bool = False, patience_s: float = 3.0) -> Check:
    """One folder; a missing one is judged by its nearest ancestor. A dead network mount costs ``patience_s``."""
    found: list[Check] = []
    thread = threading.Thread(target=lambda: found.append(_folder(name, path, mounts, keeps_data)), daemon=True)
    thread.start()
    thread.join(patience_s)
    if found:
        return found[0]
    said = f"{path}: no answer for {patience_s:g} s: a network mount whose server is gone?"
    return Check("paths", name, BAD, said, "umount -l it, or name another folder: --data-dir")


def _folder(name: str, path: Path, mounts: bytes, keeps_data: bool) -> Check:
    there = next((item for item in (path, *path.parents) if item.exists()), Path("/"))
    if there != path:
        if not os.access(there, os.W_OK | os.X_OK):
            fix = f"mkdir -p -m 700 '{path}' as its owner, or name another: --data-dir"
            return Check("paths", name, BAD, f"{path} cannot be made: {there} is not ours to write", fix)
        return Check("paths", name, OK, f"{path} (made when needed)")
    status = path.stat()
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid != os.geteuid():
        return Check("paths", name, BAD, f"{path} belongs to user {status.st_uid}", "name another: --data-dir")
    if mode & 0o022:
        return Check("paths", name, BAD, f"{path} mode {mode:04o}: others can write", f"chmod 700 '{path}'")
    if not os.access(path, os.W_OK | os.X_OK):
        return Check("paths", name, BAD, f"{path} mode {mode:04o}: not ours to write", f"chmod u+rwx '{path}'")
    kind = mountinfo.file_system(path, mounts)
    said = f"{path} (owner {status.st_uid}, mode {mode:04o}, {kind or 'file system unknown'})"
    if not keeps_data:
        return Check("paths", name, OK, said)
    if kind in mountinfo.NETWORKED:
        return Check(
            "paths", name, WARN, f"{said}: nothing is stored there, locks cannot be trusted", "--data-dir"
        )
    room = os.statvfs(path)
    free, total = room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize
    said += f", {text.size(free).strip()} free"
    if free < max(500e6, _LEAST_FREE * total):
        return Check("paths", name, BAD, f"{said}: too little, recording stops", "free some space, or --data-dir")
    return Check("paths", name, OK, said)


def permissions(proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> list[Check]:
    """What this user may not read, and so what stays unknown."""
    found = []
    try:
        (proc / "1" / "io").read_bytes()
        found.append(Check("permissions", "process I/O", OK, "readable for every process"))
    except PermissionError:
        found.append(
            Check(
                "permissions", "process I/O", WARN, "disk rates of other users' processes are unknown",
                "sudo wftop record, if they matter" if os.geteuid() else "",
            )
        )  # fmt: skip
    except OSError as error:
        found.append(Check("permissions", "process I/O", WARN, f"unknown for all processes: {error.strerror}"))
    if (proc / "1").exists():
        found.append(Check("permissions", "processes", OK, "those of all users are visible"))
    else:
        found.append(
            Check(
                "permissions", "processes", WARN, "other users' processes are hidden (hidepid)",
                "sudo mount -o remount,hidepid=0 /proc",
            )
        )  # fmt: skip
    pressure = (proc / "pressure" / "cpu").exists()
    found.append(
        Check("permissions", "pressure", OK, "the kernel counts stalls (PSI)")
        if pressure
        else Check("permissions", "pressure", WARN, "the kernel does not count stalls (PSI)", "boot with psi=1")
    )
    hwmon = sys / "class" / "hwmon"
    count = len(list(hwmon.iterdir())) if hwmon.is_dir() and os.access(hwmon, os.R_OK | os.X_OK) else 0
    found.append(Check("permissions", "sensors", OK, f"{count} hwmon devices"))
    return found


def versions() -> list[Check]:
    """Of wftop and what it stands on."""
    import sys as platform

    memory = journal.Journal(None)
    try:
        ((sqlite,),) = memory.reader().rows("SELECT sqlite_version()")
    except StoreError as error:
        sqlite = str(error)
    finally:
        memory.close()
    kernel = os.uname()
    pairs = [
        ("wftop", __version__),
        ("python", platform.version.split()[0]),
        ("sqlite", str(sqlite)),
        *((name, metadata.version(name)) for name in ("duckdb", "textual", "rich", "msgspec")),
        ("kernel", f"{kernel.sysname} {kernel.release} {kernel.machine}"),
    ]
    return [Check("versions", name, OK, version) for name, version in pairs]


def terminal() -> list[Check]:
    """What the view will make of this terminal."""
    from wftui.tui import terminal as screen

    term = os.environ.get("TERM", "")
    via = [name for name, variable in (("tmux", "TMUX"), ("screen", "STY"), ("ssh", "SSH_CONNECTION"))
           if os.environ.get(variable)]  # fmt: skip
    said = f"TERM={term or '(unset)'}, COLORTERM={os.environ.get('COLORTERM') or '(unset)'}"
    said += f", through {' and '.join(via)}" if via else ""
    why = screen.unfit()
    fix = "export TERM=xterm-256color" if "TERM" in why else "start wftop in a terminal" if why else ""
    found = [Check("terminal", "kind", WARN if why else OK, f"{said}: {why}, so text" if why else said, fix)]
    depth = screen.colors()
    shallow = depth == "16" and "tmux" in via
    found.append(
        Check("terminal", "colours", WARN if shallow else OK, {"mono": "none"}.get(depth, depth),
              "tmux set -g default-terminal tmux-256color" if shallow else "")
    )  # fmt: skip
    columns, lines = screen.size()
    small = columns < 40 or lines < 12
    found.append(
        Check("terminal", "size", WARN if small and not why else OK, f"{columns}x{lines}",
              "enlarge it to 40x12" if small and not why else "")
    )  # fmt: skip
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), "")
    plain = screen.ascii_only()
    found.append(
        Check("terminal", "letters", WARN if plain else OK, f"locale {locale or '(unset)'}, drawn with "
              + ("ASCII" if plain else "UTF-8"), "export LC_ALL=C.UTF-8" if plain else "")
    )  # fmt: skip
    return found


def cost(state: State) -> list[Check]:
    """What wftop itself takes."""
    found = []
    status = state.recorder
    if status is None:
        found.append(Check("cost", "recorder", OK, "none runs", "wftop record starts one"))
    else:
        cpu, memory = status.cpu_utilization, status.memory_bytes
        over = (cpu or 0) > _CPU_BUDGET or (memory or 0) > _MEMORY_BUDGET
        said = f"pid {status.pid}, CPU {text.percent(cpu).strip()} of a core, memory {text.size(memory).strip()}"
        found.append(Check("cost", "recorder", WARN if over else OK, said + (", over its budget" if over else "")))
        store = status.store
        verdict = OK if store.state == health.OK else BAD if store.state in health.TROUBLE else WARN
        said = (
            f"{store.state}: {store.reason}" if store.reason else f"{text.size(status.store_bytes).strip()} stored"
        )
        found.append(Check("cost", "store", verdict, said, store.fix))
    timed = sorted((item for item in state.health if item.duration_s), key=lambda item: -(item.duration_s or 0))
    slowest = ", ".join(f"{item.source} {text.milliseconds(item.duration_s).strip()}" for item in timed[:_SLOW])
    found.append(Check("cost", "collections", OK, f"slowest: {slowest}" if slowest else "none yet"))
    return found
