"""`wftop rules`: which rules there are, what is wrong in a file, a test over the past, a new one, on and off.

A running recorder follows files and settings by itself, within seconds.
"""

import fnmatch
import sys
from pathlib import Path
from typing import Final

from wftui import config, settings
from wftui.alerts import load, store
from wftui.alerts.rule import Rule
from wftui.alerts.words import condition_text
from wftui.cli import rules_edit
from wftui.errors import ConfigError, UsageError
from wftui.paths import Places, places
from wftui.text import clean

_ACTIONS: Final = ("list", "check", "test", "new", "edit", "enable", "disable")


def main(
    action: str,
    wanted: list[str],
    *,
    since: str | None = None,
    json: bool = False,
    data_dir: str | None = None,
    config_file: str | None = None,
) -> int:
    """Run the command; 0 when it is done, 1 when ``check`` found something. ``since``: of ``test`` only.

    Raises:
        UsageError: An unknown action, or not the words that it takes.
        ConfigError: There is no such rule, or a file cannot be read or written.
        StoreError, NoDataError: ``test`` cannot read what was recorded, or there is nothing.
    """
    where = places(data_dir, config_file)
    if action not in _ACTIONS:
        raise UsageError(f"expected list, check, test, new, edit, enable or disable, got {action!r}")
    if since is not None and action != "test":
        raise UsageError("--since goes with test")
    if action in ("enable", "disable") and not wanted:
        raise UsageError(f"rules {action} expects an id: wftop rules {action} rule.NAME")
    if (action == "edit" and len(wanted) != 1) or (action == "new" and len(wanted) > 1):
        raise UsageError(f"rules {action} expects one {'id' if action == 'edit' else 'name'}, got {len(wanted)}")
    match action:
        case "check":
            return _check(where, wanted, json=json)
        case "test":
            from wftui.cli import rules_test  # with the store

            return rules_test.main(
                wanted, since=since or "24h", json=json, data_dir=data_dir, config_file=config_file
            )
        case "new":
            _say(str(rules_edit.new(where, wanted[0] if wanted else "my-rule")))
            return 0
        case "edit":
            return _edit(where, wanted[0])
        case "list":
            book = store.read(where)
            for problem in book.problems:
                print(f"wftop: {clean(problem)}", file=sys.stderr)  # noqa: T201  the command's word
            return _list(_fitting(book.rules, wanted), json=json, details=bool(wanted))
    _switch(where, wanted, on=action == "enable")
    book = store.read(where)
    return _list([find(book, name) for name in wanted], json=json, details=False)


def _edit(where: Places, name: str) -> int:
    book = store.read(where)
    try:
        return rules_edit.edit(where, find(book, name), name)
    except NoSuchRuleError:
        if "/" in name or rules_edit.edit(where, None, name) < 0:
            raise
        return 0


class NoSuchRuleError(ConfigError):
    """There is no rule of a name; the person recovers by another name."""


def find(book: store.Book, name: str) -> Rule:
    """The rule of an id, with or without ``rule.`` before it.

    Raises:
        NoSuchRuleError: There is none; says which is near.
    """
    known = {rule.id: rule for rule in book.rules}
    found = known.get(name) or known.get(f"rule.{name}")
    if found is not None:
        return found
    import difflib  # only a mistake needs it

    near = difflib.get_close_matches(f"rule.{name.removeprefix('rule.')}", known, n=1)
    hint = f"did you mean {near[0]}?" if near else "wftop rules list names them"
    raise NoSuchRuleError(f"there is no rule {clean(name, 80)}; {hint}")


def _fitting(rules: tuple[Rule, ...], patterns: list[str]) -> list[Rule]:
    """All, or those whose id, without ``rule.`` too, or category fits one of the patterns."""
    found = [
        rule
        for rule in rules
        if not patterns
        or any(
            fnmatch.fnmatchcase(text, pattern)
            for pattern in patterns
            for text in (rule.id, rule.id.removeprefix("rule."), rule.category, Path(rule.origin.file).stem)
        )
    ]
    if patterns and not found:
        raise ConfigError(f"no rule fits {' '.join(clean(item, 80) for item in patterns)}; wftop rules list")
    return found


def _list(rules: list[Rule], *, json: bool, details: bool) -> int:
    if json:
        import msgspec

        from wftui.cli.once import put

        document = {"schema_version": 1, "rules": [_as_json(rule) for rule in rules]}
        put(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
        return 0
    width = max((len(rule.id) for rule in rules), default=0)
    for rule in rules:
        _say(f"{rule.id:<{width}}  {_state(rule):3}  {rule.severity:8}  {clean(rule.name)}".rstrip())
        if details:
            for line in (condition_text(rule), rule.description, _place(rule)):
                if line:
                    _say(f"    {clean(line)}")
    return 0


def _state(rule: Rule) -> str:
    return "on" if rule.enabled else "off"


def _place(rule: Rule) -> str:
    return f"built in, {Path(rule.origin.file).name}" if rule.origin.builtin else rule.origin.file


def _as_json(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "name": rule.name,
        "description": rule.description,
        "enabled": rule.enabled,
        "severity": rule.severity,
        "category": rule.category,
        "condition": condition_text(rule),
        "for_s": rule.for_s,
        "keep_firing_s": rule.keep_firing_s,
        "message": rule.message,
        "actions": [action.type for action in rule.actions],
        "inhibited_by": rule.inhibited_by,
        "tags": rule.tags,
        "file": rule.origin.file,
        "dialect": rule.origin.dialect,
        "builtin": rule.origin.builtin,
    }


def _check(where: Places, named: list[str], *, json: bool) -> int:
    """Every mistake of files, or of all that are in use, a line each."""
    count = 0
    mistakes: list[str] = []
    notices: list[str] = []
    if named:
        for name in named:
            if not name.lower().endswith(load.ENDINGS):
                mistakes.append(f"{name}: expected a file that ends in .json, .yaml or .yml")
                continue
            found = store.read_file(Path(name))
            count += len(found.rules)
            mistakes += found.mistakes
            notices += found.notices
    else:
        book = store.read(where)
        count, mistakes, notices = len(book.rules), list(book.problems), list(book.notices)
    if json:
        import msgspec

        from wftui.cli.once import put

        document = {"schema_version": 1, "rules": count, "mistakes": mistakes, "notices": notices}
        put(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    else:
        for line in (*mistakes, *notices):
            _say(clean(line))
        if not mistakes:
            _say(f"nothing is wrong: {count} {'rule' if count == 1 else 'rules'}")
    return 1 if mistakes else 0


def _switch(where: Places, named: list[str], *, on: bool) -> None:
    book = store.read(where)
    ids = [find(book, name).id for name in named]
    files = {rule.id: rule for rules in book.files.values() for rule in rules}
    # What holds without variables: those are for one run, not to be remembered.
    loaded = config.load(where, environ={})
    off, enabled = list(loaded.names(store.DISABLED)), list(loaded.names(store.ENABLED))
    for name in ids:
        off = [item for item in off if item != name] + ([] if on else [name])
        forced = on and name in files and not files[name].enabled
        enabled = [item for item in enabled if item != name] + ([name] if forced else [])
    settings.put(where, {store.DISABLED: tuple(off) or None, store.ENABLED: tuple(enabled) or None})
    after = config.load(where)
    for name in ids:
        for key, wrong in ((store.DISABLED, on), (store.ENABLED, False)):
            if (name in after.names(key)) and wrong:
                said = f"wftop: {after.origin(key)} says otherwise about {name} and wins"
                print(said, file=sys.stderr)  # noqa: T201  the command's word


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
