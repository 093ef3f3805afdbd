"""Actions as rule files write them."""

import re
from typing import Final, Literal

from wftui.alerts import panels
from wftui.alerts.reading import Fields, shown
from wftui.alerts.rule import SEVERITIES, Action, Severity

TYPES: Final = (
    "notify.toast",
    "notify.sound",
    "notify.dashboard",
    "log.audit",
    "log.debug",
    "suggest.mitigation",
    "suggest.diagnostic",
    "signal.backup",
    "signal.performance",
    "webhook.local",
    "notify.terminal",
    "notify.desktop",
    "command",
    "capture",
    "bundle",
)
"""Ten of WF-OPS-002, and ours. docs/alerts.md says what each does."""
MAX_ACTIONS: Final = 32
MAX_MESSAGE: Final = 200
Level = Severity | Literal["success", ""]
_LEVELS: Final[tuple[Level, ...]] = (*SEVERITIES, "success")
_CATEGORIES: Final = ("system", "model", "ui", "network", "security", "performance", "health")
_ALIASES: Final = {
    "toast": "notify.toast",
    "sound": "notify.sound",
    "dashboard": "notify.dashboard",
    "audit": "log.audit",
    "log": "log.audit",
    "debug": "log.debug",
    "suggest": "suggest.mitigation",
    "webhook": "webhook.local",
}
"""Short names of the compact form."""
_SHORT_LEVELS: Final[dict[str, Level]] = {"warn": "warning", "err": "error", "crit": "critical"}
_HOST: Final = r"(?:127\.0\.0\.1|localhost|\[::1\])"
_URL: Final = re.compile(rf"http://{_HOST}(?::[0-9]{{1,5}})?(?:[/?][!-~]*)?")
_LOCAL: Final = "an address on this machine like http://127.0.0.1:9000/hook"
_MAX_PORT: Final = 65_535
_ARGUMENT: Final = re.compile(r"[^\0]{1,4096}", re.DOTALL)
_NAME: Final = re.compile(r"[^\0]{1,200}")
_LONG_MS: Final = 3_600_000


def full(fields: Fields, *, ours: bool = False) -> Action:
    """An action of WF-OPS-002, or of a rule that only we know: ``ours``."""
    fields.need("type", "one of " + ", ".join(TYPES))
    found = _action(fields, fields.choice("type", TYPES, "log.audit"), ours=ours)
    fields.close()
    return found


def compact(fields: Fields) -> Action:
    """An action of the compact form: ``action`` for ``type``, short names for both it and the level."""
    given = fields.need("action", "one of " + ", ".join(TYPES))
    kind = _ALIASES.get(given, "") if isinstance(given, str) else ""
    if not kind:
        kind = fields.choice("action", TYPES, "log.audit")
    found = _action(fields, kind)
    fields.close()
    return found


def _action(fields: Fields, kind: str, *, ours: bool = False) -> Action:
    duration_ms = fields.number("duration_ms", 1000, _LONG_MS if kind.startswith("signal.") else 30_000)
    target = fields.text("target", most=400)
    url = fields.text("url", most=400)
    parameters = fields.object("parameters")
    fields.choice("category", _CATEGORIES, "system")
    fields.choice("method", ("POST", "GET", "PUT"), "POST")
    fields.text("highlight")
    for key in ("headers", "body"):  # ours are told always: see docs/alerts.md
        fields.object(key)
    if kind == "webhook.local":
        target = _local(fields, url or target, parameters)
    return Action(
        kind,
        message=fields.text("message", most=MAX_MESSAGE),
        level=_level(fields),
        duration_s=None if duration_ms is None else duration_ms / 1000,
        target=target,
        sound=fields.text("sound"),
        volume=fields.number("volume", 0, 1),
        panel=_panel(fields, ours=ours),
        command=_command(fields, kind),
        details=fields.text("details", most=1000),
        suggestions=fields.texts("actions", _NAME, "a suggestion of 1 to 200 characters"),
    )


def _level(fields: Fields) -> Level:
    given = fields.take("level")
    if isinstance(given, str) and given in _SHORT_LEVELS:
        return _SHORT_LEVELS[given]
    return fields.choice("level", _LEVELS, "")


def _panel(fields: Fields, *, ours: bool) -> str:
    """As it stands. Rules of other programs name panels that only those have, and are right nevertheless."""
    given = fields.text("panel")
    if given and not panels.named(given):
        if ours:
            fields.wrong("panel", panels.expected(given))
        else:
            said = f"expected {panels.expected(given)}, got {shown(given)}"
            fields.mistakes.notice(fields.at("panel"), f"{said}; the panel of its series is highlighted")
    return given


def _local(fields: Fields, url: str, parameters: Fields | None) -> str:
    """Where a webhook goes: to this machine only."""
    key = "url" if "url" in fields or "target" not in fields else "target"
    if key not in fields and parameters is not None and "url" in parameters:
        fields, url = parameters, parameters.text("url", most=400)
    if not isinstance(fields.need(key, _LOCAL), str):
        return ""  # noted already
    if _URL.fullmatch(url) and _port(url) <= _MAX_PORT:
        return url
    fields.wrong(key, _LOCAL)
    return ""


def _port(url: str) -> int:
    port = re.search(r"(?<=[\]\w]):([0-9]+)(?=[/?]|$)", url.partition("://")[2])
    return int(port[1]) if port else 80


def _command(fields: Fields, kind: str) -> tuple[str, ...]:
    if kind == "command":
        fields.need("command", "a program and its arguments as a list")
    found = fields.texts("command", _ARGUMENT, "a text of 1 to 4096 characters")
    given = fields.take("command")
    if kind == "command" and given == []:
        fields.wrong("command", "a program and its arguments as a list")
    # As they stand: what is shown is cleaned, what is run is not.
    return tuple(str(item) for item in given) if found and isinstance(given, list) else ()


def plain(kind: str, message: str = "", suggestions: tuple[str, ...] = ()) -> Action:
    """An action of a dialect that only names it."""
    return Action(kind, message=message, suggestions=suggestions)


def first_message(actions: tuple[Action, ...]) -> str:
    """What the rule says where it has no message itself."""
    return next((action.message for action in actions if action.message), "")
