"""`wftop rules new` and `edit`: a person's own rule files, checked before they are taken."""

import os
import re
import sys
from pathlib import Path
from typing import Final

from wftui.alerts import own, store
from wftui.alerts.rule import Rule
from wftui.cli.config_edit import again, run_editor
from wftui.errors import ConfigError, UsageError, report
from wftui.paths import Places

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
TEMPLATE: Final = """\
{{
  "_": "Fields that begin with _ are for you: wftop does not read them. docs/alerts.md explains every other one.",
  "id": "rule.{name}",
  "version": "1.0",
  "name": "Temperature of a GPU",
  "description": "What this rule is for, and what to do when it fires.",
  "enabled": true,
  "severity": "warning",
  "_severity": "info, warning, error or critical",
  "category": "system",
  "conditions": {{
    "_": "when_all, when_any and when_not hold lists of conditions; where several of them are given all must hold",
    "when_all": [
      {{
        "metric": "hw.gpu.temperature{{sensor=\\"gpu\\"}}",
        "_metric": "a name of docs/metrics.md; a label that is not named is open: each GPU is an alert of its own",
        "operator": ">",
        "value": 85,
        "unit": "°C",
        "_unit": "without it the value is in the metric's own unit, shares from 0 to 1",
        "clear": 80,
        "_clear": "once it fires it goes on until the value is back here",
        "window": "1m",
        "aggregation": "avg"
      }}
    ]
  }},
  "for": "2m",
  "_for": "it must hold so long before it fires",
  "keep_firing_for": "1m",
  "_keep_firing_for": "and must not have held for so long before it is over",
  "message": "{{gpu}} is at {{value}}",
  "_message": "{{value}}, {{threshold}} and labels are put in",
  "actions": [
    {{ "type": "notify.toast" }},
    {{ "type": "log.audit", "category": "system" }}
  ],
  "debounce": {{
    "cooldown_ms": 300000,
    "_cooldown_ms": "between two notifications of one alert",
    "escalation": {{ "after_duration_ms": 1800000, "upgrade_to": "error" }}
  }},
  "tags": ["mine"]
}}
"""


def new(where: Places, name: str) -> Path:
    """Write a rule to begin with into a person's folder.

    Raises:
        UsageError: It cannot be called so.
        ConfigError: There is such a file or rule, or it cannot be written.
    """
    name = name.removeprefix("rule.")
    if not _NAME.fullmatch(name):
        raise UsageError(f"a rule is named by 1 to 64 letters, digits, - and _, got {name[:64]!r}")
    for rule in store.read(where).rules:
        if rule.id == f"rule.{name}":
            raise ConfigError(f"there is a rule of that id: wftop rules edit {rule.id}")
    path = own.folder(where) / f"{name}.json"
    own.create(path, TEMPLATE.format(name=name).encode())
    return path


def edit(where: Places, rule: Rule | None, name: str) -> int:
    """Let a person edit a copy of a rule's file; it takes the file's place when it is right.

    Of a rule that ships with wftop the person's folder gets a copy, which replaces it.

    Args:
        where: Of the installation.
        rule: None: there is none of that name, yet maybe a file whose rule is wrong.
        name: What was asked for.

    Returns:
        0; -1: there is neither a rule nor a file.

    Raises:
        ConfigError: No editor is named, it failed, or what was written is wrong (the copy stays then).
    """
    file = own.file_of(where, rule.id if rule else name)
    if rule is not None and not rule.origin.builtin:
        file = Path(rule.origin.file)
    if not file.exists() and rule is None:
        return -1
    words = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not words:
        raise ConfigError(f"no editor: set VISUAL or EDITOR, or write {file} yourself")
    if file.is_symlink():
        raise ConfigError(f"{file}: is a link, so it is not replaced; open its target yourself")
    own.folder(where)
    before = own.alone(rule) if rule is not None and not file.exists() else own.content(file)
    copy = file.with_name(f".{file.stem}.edit{file.suffix}")  # a hidden file is no rule file
    if copy.exists():
        print(f"wftop: going on with {copy}", file=sys.stderr)  # noqa: T201  the command's word
    else:
        own.create(copy, before)
    while True:
        run_editor(words, copy)
        wrong = store.read_file(copy).mistakes
        if not wrong:
            break
        for line in wrong:
            print(report(ConfigError(line)), file=sys.stderr)  # noqa: T201  the command's output
        if not again():
            raise ConfigError(f"{file} is as it was; what you wrote is kept in {copy}")
    if own.content(copy) == before:
        copy.unlink()
        sys.stdout.write("nothing was changed\n")
        return 0
    copy.replace(file)
    sys.stdout.write(f"{file}\n")
    return 0
