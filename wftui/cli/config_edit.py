"""`wftop config edit` and `check`: what is wrong in a file, all of it, and an editor on a copy."""

import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from wftui import config, paths
from wftui.config import Value
from wftui.errors import ConfigError, report
from wftui.paths import Places
from wftui.render import themes

_NEW = "# Settings of wftop; `wftop config show` lists all of them with what they do.\n"


def check(where: Places, file: str | None) -> int:
    """Print every mistake of a file, or of those in use, a line each; 4 when there is one.

    Raises:
        ConfigError: A named file is not there or cannot be read.
    """
    files = [Path(file)] if file else [name for name in (where.config_file, where.settings_file) if name.exists()]
    if not file and where.config_named and not where.config_file.exists():
        raise ConfigError(f"{where.config_file}: no such file")
    wrong = [words for name in files for words in mistakes(where, name)]
    if not file and not wrong:
        try:
            config.load(where)  # variables too
        except ConfigError as error:
            wrong.append(str(error))
    for words in wrong:
        print(report(ConfigError(words)), file=sys.stderr)  # noqa: T201  the command's output
    if not wrong:
        checked = ", ".join(map(str, files)) or "no file is there"
        sys.stdout.write(f"nothing is wrong: {checked}\n")
    return ConfigError.exit_code if wrong else 0


def mistakes(where: Places, file: Path, name: Path | None = None) -> list[str]:
    """Everything that is wrong in a file, with lines; ``name``: what the file is called in the words.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    said = str(name or file)
    found: list[str] = []
    if name is None:
        try:
            paths.check_unshared(file)
        except ConfigError as error:
            found.append(str(error))
    values, wrong = config.examine(raw, said)
    found += wrong
    if themes.KEY in values:
        value, origin = values[themes.KEY]
        try:
            check_theme(where, {themes.KEY: value}, f"{said}:{origin.rpartition(':')[2]}")
        except ConfigError as error:
            found.append(str(error))
    return found


def check_theme(where: Places, values: Mapping[str, Value], place: str) -> None:
    """Check that a theme that is set exists.

    Raises:
        ConfigError: There is none of that name.
    """
    name = values.get(themes.KEY)
    if isinstance(name, str):
        try:
            themes.find(name, where.config_dir / "themes", paths.resources("themes"))
        except ConfigError as error:
            raise ConfigError(f"{place}: {error}") from error


def edit(where: Places) -> int:
    """Let a person edit a copy of config.toml; it takes the file's place when it is right.

    Raises:
        ConfigError: No editor is named, it failed, or what was written is wrong (the copy stays then).
    """
    words = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not words:
        raise ConfigError(f"no editor: set VISUAL or EDITOR, or open {where.config_file} yourself")
    file = where.config_file
    if file.is_symlink():
        raise ConfigError(f"{file}: is a link, so it is not replaced; open its target yourself")
    if not file.parent.exists():
        paths.private_dir(file.parent)
    copy = file.with_name(f"{file.stem}.edit{file.suffix}")
    try:
        before = file.read_bytes() if file.exists() else _NEW.encode()
        if copy.exists() and mistakes(where, copy, copy):
            print(f"wftop: going on with {copy}", file=sys.stderr)  # noqa: T201  the command's word
        else:
            descriptor = paths.open_private(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            with os.fdopen(descriptor, "wb") as out:
                out.write(before)
    except OSError as error:
        raise ConfigError(f"{copy}: cannot be written: {error.strerror}") from error
    while True:
        run_editor(words, copy)
        wrong = mistakes(where, copy, copy)
        if not wrong:
            break
        for line in wrong:
            print(report(ConfigError(line)), file=sys.stderr)  # noqa: T201  the command's output
        if not again():
            raise ConfigError(f"{file} is as it was; what you wrote is kept in {copy}")
    if copy.read_bytes() == before:
        copy.unlink()
        sys.stdout.write("nothing was changed\n")
        return 0
    if file.exists():
        copy.chmod(stat.S_IMODE(file.stat().st_mode))
    with copy.open("rb") as written:
        os.fsync(written.fileno())
    copy.replace(file)
    sys.stdout.write(f"{file}\n")
    return 0


def run_editor(words: str, copy: Path) -> None:
    """Run a person's editor on a file.

    Raises:
        ConfigError: It cannot be started, or failed.
    """
    try:
        code = subprocess.run([*shlex.split(words), str(copy)], check=False).returncode  # noqa: S603  the person's own editor
    except (OSError, ValueError) as error:
        raise ConfigError(f"{words}: cannot be started: {error}") from error
    if code:
        raise ConfigError(f"{words} ended with code {code}; {copy} is what it left")


def again() -> bool:
    """Whether a person at a terminal wants to edit once more."""
    if not sys.stdin.isatty():
        return False
    sys.stderr.write("edit again? [Y/n] ")
    sys.stderr.flush()
    line = sys.stdin.readline()
    return bool(line) and line.strip().lower() in ("", "y", "yes")
