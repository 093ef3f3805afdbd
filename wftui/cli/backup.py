"""`wftop backup DIR` and `wftop restore DIR`."""

from pathlib import Path

from wftui import __version__, clock
from wftui.cli.output import say
from wftui.config import load
from wftui.errors import ProtocolError
from wftui.paths import Places, places, private_dir
from wftui.render import preferred, text
from wftui.store import backup as backups


def backup(target: str, *, check: bool, data_dir: str | None, config: str | None) -> int:
    """Make a backup, or check one. Returns the exit code.

    Raises:
        NoDataError: Nothing was recorded (7).
        ConfigError: The target is in use or cannot be written, or the configuration cannot be read (4).
        StoreError: The data or the backup is damaged (5).
    """
    folder, where = Path(target), places(data_dir, config)
    preferred.use(load(where))
    if check:
        contents = backups.verify(folder)
        size = sum(item.size for item in contents.files)
        say(f"{folder}: {len(contents.files)} files, {text.size(size).strip()}, all as they were backed up")
        return 0
    done = backups.backup(where.data_dir, folder, clock.SystemClock().now().time_ns, __version__)
    say(f"{folder}: {done.files} files, {text.size(done.size).strip()}, written and checked")
    return 0


def restore(source: str, *, force: bool, data_dir: str | None, config: str | None) -> int:
    """Put a backup back. Returns the exit code.

    Raises:
        ConfigError: There is a recording already (4).
        StoreError: The backup is damaged or newer, or a recorder runs (5).
    """
    where = places(data_dir, config)
    private_dir(where.data_dir)
    _expect_no_recorder(where)
    old = backups.restore(Path(source), where.data_dir, clock.SystemClock().now().time_ns, force=force)
    say(f"{where.data_dir}: restored" + (f"; what was there before is in {old}" if old else ""))
    return 0


def _expect_no_recorder(where: Places) -> None:
    from wftui.client.lock import holder

    found = holder(where)
    if found is not None:
        raise ProtocolError(f"a recorder writes {where.data_dir} (pid {found.pid}); wftop record --stop ends it")
