"""`wftop config`: every setting with where it came from; set, unset, edit, check.

``set`` and ``unset`` write settings.toml, which is wftop's own file; ``edit`` opens config.toml, a person's own.
"""

import argparse
import fnmatch
import sys
from pathlib import Path

from wftui import config, paths, settings
from wftui.cli import config_edit
from wftui.config import KEYS, Config, Key, Value
from wftui.paths import Places
from wftui.text import clean


def main(words: list[str]) -> int:
    """Run the command; 0 when it is done, 4 when ``check`` found something.

    Raises:
        ConfigError: A file cannot be used or written, a key is unknown, a value is wrong.
    """
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help")):
        words = ["show", *words]
    given = _parser().parse_args(words)
    where = paths.places(given.data_dir, given.config)
    match given.action:
        case "show":
            return _show(where, given.pattern, json=given.json)
        case "get":
            _say(settings.as_text(config.load(where)[config.known(given.key, "wftop config").name]))
        case "set":
            put(where, given.key, given.value)
            _say(f"{given.key} = {settings.literal(config.load(where, environ={})[given.key])}")
            _warn(given.key, where)
        case "unset":
            return _unset(where, given.key)
        case "edit":
            return config_edit.edit(where)
        case "check":
            return config_edit.check(where, given.file)
        case _:
            for file in (where.config_file, where.settings_file):
                _say(f"{file}{'' if file.exists() else ' (not there)'}")
    return 0


def put(where: Places, name: str, given: str) -> Value:
    """Check a value that was typed and write it to settings.toml; give it in its own type.

    Raises:
        ConfigError: The key is unknown, the value wrong, or the file cannot be written.
    """
    key = config.known(name, "wftop config")
    value = config.from_text(key, given, "wftop config")
    config_edit.check_theme(where, {name: value}, "wftop config")
    settings.put(where, {name: value})
    return value


def _parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="wftop config",
        description="Every setting with its value and where it came from; without a word: show.",
        epilog="A flag wins over WFTOP_… variables, these over settings.toml (written by set and by the view),"
        " that over config.toml (yours: only edit writes it), that over the default.",
        allow_abbrev=False,
    )
    both = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    both.add_argument("--config", metavar="FILE", help="configuration file")
    both.add_argument("--data-dir", metavar="DIR", help="where the recording lies")
    actions = found.add_subparsers(dest="action", required=True, metavar="show|get|set|unset|edit|check|path")

    def add(name: str, words: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=words, description=words, parents=[both], allow_abbrev=False)

    show = add("show", "all settings, or those of a pattern; * marks what is not the default")
    show.add_argument("pattern", nargs="?", default="*", metavar="PATTERN", help="view, 'store.*', theme")
    show.add_argument("--json", action="store_true", help="as JSON")
    for name, words in (("get", "print one value"), ("unset", "take a value out of settings.toml")):
        add(name, words).add_argument("key", metavar="KEY")
    put_ = add("set", "check a value and write it to settings.toml")
    put_.add_argument("key", metavar="KEY")
    put_.add_argument("value", metavar="VALUE", help="a list of names with commas; bytes like '2 GiB'")
    add("edit", "edit config.toml with $VISUAL or $EDITOR; it is checked before it is taken")
    check = add("check", "say what is wrong in the files, with lines")
    check.add_argument("file", nargs="?", metavar="FILE", help="this file instead of those in use")
    add("path", "print the names of the files")
    return found


def _show(where: Places, pattern: str, *, json: bool) -> int:
    loaded = config.load(where)
    found = [key for key in KEYS.values() if _fits(key.name, pattern)]
    if not found:
        config.known(pattern, "wftop config")  # says which is near
    if json:
        import msgspec

        from wftui.cli.once import put as put_bytes

        document = {"schema_version": 1, "settings": [_as_json(where, loaded, key) for key in found]}
        put_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
        return 0
    values = {key.name: _shown(loaded[key.name], key) for key in found}
    origins = {key.name: loaded.origin(key.name) for key in found}
    name_width = max(map(len, values))
    value_width = min(24, max(map(len, values.values())))
    origin_width = max(map(len, origins.values()))
    for key in found:
        mark = " " if origins[key.name] == "default" else "*"
        line = f"{mark} {key.name:<{name_width}}  {values[key.name]:<{value_width}}  "
        _say(f"{line}{origins[key.name]:<{origin_width}}  {key.help}")
    return 0


def _fits(name: str, pattern: str) -> bool:
    """A whole name, a section, a part after the dot, or a pattern of them."""
    return any(fnmatch.fnmatchcase(part, pattern) for part in (name, *name.split(".")))


def _shown(value: Value, key: Key) -> str:
    if isinstance(value, str | tuple):
        return clean(settings.literal(value), 60)
    return settings.shown(key, value)


def _as_json(where: Places, loaded: Config, key: Key) -> dict[str, object]:
    origin = loaded.origin(key.name)
    file, line = _place(where, origin)
    kind = (
        "default" if origin == "default" else "flag" if origin.startswith("--") else "file" if file else "variable"
    )
    return {
        "key": key.name,
        "value": loaded[key.name],
        "default": key.default,
        "unit": key.unit,
        "expected": key.expected,
        "origin": {"kind": kind, "name": str(file) if file else origin, "line": line},
        "variable": key.variable,
        "takes_effect": f"next start of the {key.scope}" if key.scope != "command" else "at once",
        "help": key.help,
    }


def _place(where: Places, origin: str) -> tuple[Path | None, int | None]:
    """File and line of an origin like ``config.toml:12``."""
    name, _, line = origin.rpartition(":")
    for file in (where.settings_file, where.config_file):
        if file.name == name and line.isdigit():
            return file, int(line) or None
    return None, None


def _unset(where: Places, name: str) -> int:
    key = config.known(name, "wftop config")
    if not settings.put(where, {key.name: None}):
        _say(f"{key.name} is not set in {where.settings_file}")
    loaded = config.load(where)
    origin = loaded.origin(key.name)
    _say(f"{key.name} = {settings.literal(loaded[key.name])} ({origin})")
    return 0


def _warn(name: str, where: Places) -> None:
    """What a person who has just set this should know."""
    loaded = config.load(where)
    origin = loaded.origin(name)
    if not origin.startswith(where.settings_file.name):
        _tell(f"{origin} says otherwise and wins")
    if KEYS[name].scope == "recorder":
        switch = ", or at once by wftop sources" if name in (settings.SOURCES, settings.GROUPS) else ""
        _tell(f"it holds from the next start of the recorder{switch}")


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")


def _tell(words: str) -> None:
    print(f"wftop: {clean(words)}", file=sys.stderr)  # noqa: T201  the command's word
