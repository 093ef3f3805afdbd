"""The rules that are in force: those that ship with wftop and a person's own, read anew when a file changes."""

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from wftui import config, paths
from wftui.alerts import load
from wftui.alerts.load import MAX_RULES, Loaded
from wftui.alerts.rule import Rule
from wftui.errors import ConfigError
from wftui.paths import Places

DISABLED: Final = "alerts.rules_disabled"
ENABLED: Final = "alerts.rules_enabled"
FOLDER: Final = "rules"
Print = tuple[tuple[str, int, int], ...]
"""(file, mtime in ns, size) of every file that matters: another one means that a file changed."""


class Book(NamedTuple):
    """All rules, and what they were read from."""

    rules: tuple[Rule, ...]
    """At most one of an id, also those that are off; a person's own before one that ships with wftop."""
    problems: tuple[str, ...]
    """What is wrong, a line each, which begins with the file."""
    broken: int
    """Files that hold something wrong."""
    print: Print
    files: Mapping[str, tuple[Rule, ...]]
    """File to its last good rules."""
    notices: tuple[str, ...] = ()
    """What has no effect, a line each."""


def own_folder(places: Places) -> Path:
    """Where a person's rules lie."""
    return places.config_dir / FOLDER


def read(places: Places, before: Book | None = None, built_in: Path | None = None) -> Book:
    """The rules of an installation, switched as its settings say.

    Args:
        places: Of the installation.
        before: What was read before: returned itself while no file has changed; a file that is wrong now keeps
            the rules that it had then.
        built_in: The folder that ships with wftop; None: where it lies.

    Raises:
        ConfigError: The folder that ships with wftop is not there.
    """
    shipped = paths.resources(FOLDER) if built_in is None else built_in
    own = own_folder(places)
    stamp = _fingerprint([*_listed(shipped), *_listed(own), own, places.settings_file, places.config_file])
    if before is not None and before.print == stamp:
        return before
    problems: dict[str, tuple[str, ...]] = {}
    files: dict[str, tuple[Rule, ...]] = {}
    chosen: dict[str, Rule] = {}
    notices: list[str] = []
    for folder, builtin in ((shipped, True), (own, False)):
        shared = "" if builtin else _shared(folder)
        if shared:
            problems[str(folder)] = (shared,)
            continue
        seen: dict[str, str] = {}
        for path in _listed(folder):
            file = str(path)
            loaded = read_file(path, builtin=builtin)
            rules, wrong = loaded.rules, list(loaded.mistakes)
            notices += loaded.notices
            if wrong and before is not None and file in before.files:
                rules = before.files[file]
            files[file] = rules
            for rule in rules:
                if rule.id in seen:
                    wrong.append(f"{file}: rule {rule.id}: expected an id of its own, {seen[rule.id]} has it too")
                    continue
                seen[rule.id] = file
                chosen[rule.id] = rule
            if wrong:
                problems[file] = tuple(wrong)
    kept = list(chosen.values())
    if len(kept) > MAX_RULES:
        problems[f"{own}/"] = (f"{own}: expected at most {MAX_RULES} rules in all, got {len(kept)}",)
    off, on, wrong_settings = _switches(places)
    lines = tuple(line for item in problems.values() for line in item) + wrong_settings
    switched = tuple(_switched(kept[:MAX_RULES], off, on))
    return Book(switched, lines, len(problems), stamp, files, tuple(notices))


def _fingerprint(files: Iterable[Path]) -> Print:
    found = []
    for path in files:
        try:
            status = path.stat()
        except OSError:  # not there, or an editor is replacing it
            continue
        found.append((str(path), status.st_mtime_ns, status.st_size))
    return tuple(found)


def _switches(places: Places) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """(rules switched off, on, what is wrong with the settings)."""
    try:
        loaded = config.load(places)
    except ConfigError as error:
        return (), (), (str(error),)
    return loaded.names(DISABLED), loaded.names(ENABLED), ()


def read_file(path: Path, *, builtin: bool = False) -> Loaded:
    """One file; that it cannot be read, or that others can write it, is a mistake like any other."""
    try:
        if not builtin:
            paths.check_unshared(path)
        with path.open("rb") as opened:
            raw = opened.read(load.MAX_FILE + 1)
    except ConfigError as error:
        return Loaded((), (str(error),))
    except OSError as error:
        return Loaded((), (f"{path}: cannot be read: {error.strerror}",))
    return load.examine(raw, str(path), builtin=builtin)


def _listed(folder: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208  names are all that is needed, each second
    except OSError:
        return []
    return [folder / name for name in names if name.lower().endswith(load.ENDINGS) and not name.startswith(".")]


def _shared(folder: Path) -> str:
    try:
        paths.check_unshared(folder)
    except ConfigError as error:
        return str(error)
    except OSError:
        return ""  # it is not there
    return ""


def _switched(rules: Iterable[Rule], off: Collection[str], on: Collection[str]) -> Iterable[Rule]:
    for rule in rules:
        wanted = rule.id not in off and (rule.enabled or rule.id in on)
        yield rule if wanted is rule.enabled else msgspec.structs.replace(rule, enabled=wanted)
