"""Settings: one table of keys, and for each value where it came from.

Precedence: flag, ``WFTOP_*`` variable, ``settings.toml`` (ours), ``config.toml`` (a person's), default.
"""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from wftui import paths, text, toml
from wftui.errors import ConfigError, nearest

Value = bool | int | float | str | tuple[str, ...]
Kind = Literal[
    "bool",
    "bool or auto",
    "int",
    "number",
    "size",
    "text",
    "choice",
    "names",
    "endpoints",
    "websocket",
    "zone",
    "alerts",
]

_SIZES: Final = {
    "": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40,
}  # fmt: skip
_MAX_FILE: Final = 1 << 20
_ALERTS: Final = re.compile(r"rule\.[a-zA-Z0-9_-]+|severity>=(?:info|warning|error|critical)")


class Key(NamedTuple):
    """One setting: its dotted name, kind, default, bounds (numbers and bytes) or choices, and one line of help."""

    name: str
    kind: Kind
    default: Value
    help: str
    low: float = 0
    high: float = float("inf")
    choices: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """The environment variable: ``WFTOP_`` and the name in capitals, dots as underscores."""
        return "WFTOP_" + self.name.upper().replace(".", "_")

    @property
    def unit(self) -> str:
        """The unit of a number: ``B``, ``s``, ``h``, ``d``; empty: it has none."""
        if self.kind == "size":
            return "B"
        last = self.name.rpartition(".")[2].rpartition("_")[2]
        return {"s": "s", "hours": "h", "days": "d"}.get(last, "") if self.kind in ("int", "number") else ""

    @property
    def scope(self) -> str:
        """Who reads it when it starts: ``view``, ``recorder`` or ``command``."""
        if self.name.startswith("alerts.rules_"):
            return "command"  # the recorder follows them while it runs
        if self.name in ("bundle.level", "bundle.recipients"):
            return "command"  # who writes a bundle reads them then, also when the recorder asks for it
        return {"view": "view", "colors": "view", "energy": "command"}.get(self.name.partition(".")[0], "recorder")

    @property
    def expected(self) -> str:
        """What a value has to be, for messages."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        if self.kind == "bool":
            return "true or false"
        if self.kind == "bool or auto":
            return 'true, false or "auto"'
        if self.kind == "names":
            return "a list of names"
        if self.kind == "endpoints":
            from wftui.endpoint import GRAMMAR

            return f"a list of addresses: {GRAMMAR}"
        if self.kind == "alerts":
            return 'a list of rules ("rule.gpu-hot") and severities ("severity>=critical")'
        if self.kind == "websocket":
            return "auto, off or ws://HOST:PORT/ws"
        if self.kind == "text":
            return "a text"
        if self.kind == "zone":
            return "local, utc, an offset like +02:00 or a time zone of this machine like Europe/Berlin"
        what = {"int": "a whole number", "number": "a number"}.get(self.kind, "bytes like 500000000 or '1 GiB'")
        if self.high == float("inf"):
            return f"{what} of at least {self.low:g}"
        return f"{what} from {self.low:g} to {self.high:g}"


_SCALES: Final = (
    ("cpu", "use of a CPU"),
    ("memory", "use of memory"),
    ("disk", "use of a disk"),
    ("gpu", "use of a GPU"),
    ("temperature", "a temperature (on the way to its limit)"),
    ("power", "power (of its limit)"),
)
"""What the view shows the warmer the higher it is, and which share of it is meant."""

KEYS: Final = {
    key.name: key
    for key in (
        Key("recorder.signals", "bool", True, "let views send signals to processes"),
        Key("recorder.linger_s", "number", 30.0, "seconds that a recorder stays after its last view", 0, 86_400),
        Key("store.memory_only", "bool", False, "write nothing to disk"),
        Key("store.journal_hours", "int", 48, "hours that the journal keeps while none is sealed", 1, 8_760),
        Key("store.raw_hours", "int", 48, "recorded hours of which every second is kept", 1, 87_600),
        Key("store.fine_days", "int", 14, "recorded days of 10 s steps, tables and bursts", 1, 3_650),
        Key("store.coarse_days", "int", 400, "recorded days of 5 min steps and events", 1, 36_500),
        Key("store.tables_share", "number", 0.3, "part of max_bytes that tables and bursts may take", 0, 1),
        Key("store.max_bytes", "size", 2**30, "bytes that the store may take", 2**20),
        Key("store.min_free_bytes", "size", 500 * 10**6, "bytes that stay free on the disk"),
        Key("history.idle_s", "number", 60.0, "seconds that the history service waits for questions", 0.1, 1e6),
        Key("gpu.read_ranks", "bool", True, "read the rank numbers in the environment of your own GPU processes"),
        Key("energy.price_per_kwh", "number", 0.0, "price of a kilowatt-hour; 0: no cost is shown", 0, 1e6),
        Key("energy.currency", "text", "EUR", "what the price is in"),
        Key("log.max_bytes", "size", 2**20, "bytes of one log file", 2**12),
        Key("log.files", "int", 3, "log files that are kept", 1, 100),
        Key("log.days", "number", 30.0, "days after which log lines are removed", 0.01, 3_650),
        Key(
            "log.level",
            "choice",
            "info",
            "least level that is logged",
            choices=("debug", "info", "warning", "error"),
        ),
        Key("tap.enabled", "bool", False, "write ticks and events to a file of JSON lines too"),
        Key("tap.file", "text", "tap.jsonl", "that file; a relative name lies beside the log"),
        Key("tap.max_bytes", "size", 64 * 2**20, "bytes of one such file", 2**12),
        Key("tap.files", "int", 5, "such files that are kept", 1, 1_000),
        Key("tap.days", "number", 30.0, "days after which they are removed", 0.01, 3_650),
        Key("view.refresh_s", "number", 1.0, "seconds between two frames of data", 0.25, 60),
        Key("view.theme", "text", "default", "name of a theme"),
        Key(
            "view.graphs",
            "choice",
            "auto",
            "graphs scroll, or are written over in place (sweep); auto: as the terminal keeps up",
            choices=("auto", "scroll", "sweep"),
        ),
        Key(
            "view.motion",
            "choice",
            "auto",
            "how much moves: auto (nothing over SSH unless asked), reduced (nothing), full",
            choices=("auto", "reduced", "full"),
        ),
        Key("view.layout", "text", "default", "name of a layout of the overview"),
        Key(
            "view.mouse",
            "choice",
            "auto",
            "take clicks and the wheel: auto (not on a Linux console), on, off",
            choices=("auto", "on", "off"),
        ),
        Key("view.clipboard", "bool", True, "y and Y copy into the terminal's clipboard (OSC 52)"),
        Key(
            "view.notify",
            "choice",
            "none",
            "how the terminal is told of alerts: its bell, or OSC 9 (iTerm2), 777 (urxvt, foot), 99 (kitty)",
            choices=("none", "bell", "osc9", "osc777", "osc99"),
        ),
        Key("view.title", "bool", False, "the terminal's title says how many alerts wait for somebody"),
        Key("view.ascii", "bool or auto", "auto", "draw with ASCII only"),
        Key("view.readonly", "bool", False, "refuse everything that changes something"),
        Key(
            "view.colors",
            "choice",
            "auto",
            "colours of the terminal",
            choices=("auto", "truecolor", "256", "16", "mono"),
        ),
        Key(
            "view.temperature", "choice", "celsius", "what temperatures are in", choices=("celsius", "fahrenheit")
        ),
        Key("view.bytes", "choice", "binary", "GiB of 1024 or GB of 1000", choices=("binary", "decimal")),
        Key("view.time_zone", "zone", "local", "times are those of this place"),
        *(
            Key(f"colors.{name}_{level}", "number", share, f"share from which {what} looks {looks}", 0.01, 1)
            for name, what in _SCALES
            for level, share, looks in (("warn", 0.65, "warm"), ("critical", 0.85, "hot"))
        ),
        Key("sources.disabled", "names", (), "sources that are not read"),
        Key("alerts.rules_disabled", "names", (), "rules that are switched off"),
        Key("alerts.rules_enabled", "names", (), "rules that are on though their file says that they are off"),
        Key("alerts.adapt", "bool", True, "alerts may lower wftop's own quality, at most ten times an hour"),
        Key("alerts.commands", "bool", False, "rules may run the programs that they name"),
        Key("alerts.desktop", "bool", False, "show alerts on the desktop over the session bus (D-Bus)"),
        Key("servers.discover", "bool", True, "look for model servers among the processes of this machine"),
        Key("servers.endpoints", "endpoints", (), "further model servers, by address"),
        Key(
            "core.url",
            "websocket",
            "auto",
            "the WebSocket of a WIRTHFORGE core: auto (looked for among the processes of this machine), off, or "
            "ws://127.0.0.1:PORT/ws",
        ),
        Key(
            "streams.full_rate",
            "number",
            20.0,
            "tokens a second at which a stream counts as fully fast (its velocity is 1)",
            1,
            1e5,
        ),
        Key(
            "bundle.level",
            "choice",
            "full",
            "what a bundle tells unless asked otherwise: full (no persons, hosts, paths), anonymous, aggregate",
            choices=("full", "anonymous", "aggregate"),
        ),
        Key("bundle.recipients", "names", (), "public keys that bundles are encrypted for: age1…, ssh-ed25519 …"),
        Key(
            "bundle.on",
            "alerts",
            (),
            "alerts of which a bundle is kept in the data folder: rule.gpu-hot, severity>=critical",
        ),
        Key("bundle.keep", "int", 5, "such bundles that are kept", 1, 1_000),
        Key("bundle.max_bytes", "size", 200 * 10**6, "bytes that they may take together", 2**20),
        Key("store.groups_disabled", "names", (), "groups of metrics that are not kept: system, gpu, models, …"),
    )
}
_VARIABLES: Final = {key.variable: key for key in KEYS.values()}


class Config:
    """All settings with their origins; frozen once loaded."""

    __slots__ = ("_origins", "_values")

    def __init__(self, values: Mapping[str, Value], origins: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._origins = dict(origins)

    def __getitem__(self, name: str) -> Value:
        return self._values[name] if name in self._values else KEYS[name].default

    def origin(self, name: str) -> str:
        """Say where a value came from: ``--flag``, ``WFTOP_…``, ``config.toml:12`` or ``default``."""
        return self._origins.get(name, "default")

    def flag(self, name: str) -> bool:
        """Give a setting of kind bool."""
        value = self[name]
        assert isinstance(value, bool), name  # noqa: S101 - a wrong name is a bug of the caller
        return value

    def number(self, name: str) -> float:
        """Give a setting of kind number, int or size; sizes in bytes (By), times in seconds (s)."""
        value = self[name]
        assert isinstance(value, int | float), name  # noqa: S101 - a wrong name is a bug of the caller
        return value

    def whole(self, name: str) -> int:
        """Give a setting of kind int or size; sizes in bytes (By)."""
        value = self[name]
        assert isinstance(value, int), name  # noqa: S101 - a wrong name is a bug of the caller
        return value

    def text(self, name: str) -> str:
        """Give a setting of kind text or choice; of kind bool or auto as ``true``, ``false``, ``auto``."""
        value = self[name]
        return str(value).lower() if isinstance(value, bool) else str(value)

    def names(self, name: str) -> tuple[str, ...]:
        """Give a setting of kind names."""
        value = self[name]
        assert isinstance(value, tuple), name  # noqa: S101 - a wrong name is a bug of the caller
        return value


def load(
    places: paths.Places, flags: Mapping[str, object] | None = None, environ: Mapping[str, str] = os.environ
) -> Config:
    """Read all settings.

    Args:
        places: Where the files are; a missing file is none, unless it was named.
        flags: Dotted name to what was given on the command line; None means not given.
        environ: The environment; unknown ``WFTOP_*`` variables are not ours and are left alone.

    Raises:
        ConfigError: One line with file and line, variable or flag, what was expected, and the nearest known key.
    """
    values: dict[str, Value] = {}
    origins: dict[str, str] = {}
    for file, needed in ((places.config_file, places.config_named), (places.settings_file, False)):
        for name, (value, origin) in _read(file, needed=needed).items():
            values[name], origins[name] = value, origin
    for variable, key in _VARIABLES.items():
        if variable in environ:
            values[key.name] = from_text(key, environ[variable], variable)
            origins[key.name] = variable
    for name, given in (flags or {}).items():
        if given is not None:
            key = known(name, "flag")
            flag = "--" + name.rpartition(".")[2].replace("_", "-")
            values[name] = from_text(key, given, flag) if isinstance(given, str) else _checked(key, given, flag)
            origins[name] = flag
    return Config(values, origins)


def parse_size(given: str) -> int:
    """Parse ``1 GiB``, ``500MB`` or ``1000`` to bytes (By).

    Raises:
        ValueError: It is none of these.
    """
    number = given.strip()
    unit = number.lstrip("0123456789.")
    scale = _SIZES.get(unit.strip().upper())
    amount = number[: len(number) - len(unit)]
    if scale is None or not amount.isascii() or len(amount) > 30:
        raise ValueError(given)
    return int(amount) * scale if amount.isdigit() else round(float(amount) * scale)


def _read(file: Path, *, needed: bool) -> dict[str, tuple[Value, str]]:
    try:
        paths.check_unshared(file)
        if not file.parent.stat().st_mode & stat.S_ISVTX:  # in /tmp the file's owner says enough
            paths.check_unshared(file.parent)
        with file.open("rb") as opened:
            raw = opened.read(_MAX_FILE + 1)
    except FileNotFoundError as error:
        if needed:
            raise ConfigError(f"{file}: no such file") from error
        return {}
    except NotADirectoryError as error:
        if needed:
            raise ConfigError(f"{file}: {error.strerror}") from error
        return {}
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    if len(raw) > _MAX_FILE:
        raise ConfigError(f"{file}: longer than 1 MiB, so it is no configuration")
    return parse(raw, str(file))


def parse(raw: bytes, file: str) -> dict[str, tuple[Value, str]]:
    """Parse one TOML file to dotted name → (value, ``config.toml:12``).

    Raises:
        ConfigError: It is no UTF-8 or TOML, or holds an unknown key or a wrong value; names file and line.
    """
    found, wrong = examine(raw, file)
    if wrong:
        raise ConfigError(wrong[0])
    return found


def examine(raw: bytes, file: str) -> tuple[dict[str, tuple[Value, str]], list[str]]:
    """Parse one TOML file as ``parse`` does, and list all that is wrong with it, by line."""
    import tomllib  # 2 ms that a start without files saves

    try:
        source = raw.decode("utf-8")
        tree = tomllib.loads(source)
    except (ValueError, RecursionError) as error:
        fault = toml.fault(raw, error)
        column = f" (column {fault.column})" if fault.column else ""
        return {}, [f"{file}:{fault.line}: {fault.words}{column}"]
    found: dict[str, tuple[Value, str]] = {}
    wrong: list[tuple[int, str]] = []
    for name, given in _flat(tree):
        line = toml.line_of(source, name)
        where = f"{file}:{line}" if line else file
        try:
            found[name] = (_checked(known(name, where), given, where), f"{Path(file).name}:{line}")
        except ConfigError as error:
            wrong.append((line, str(error)))
    return found, [words for _, words in sorted(wrong)]


# Any: tomllib gives whatever the file holds.
def _flat(tree: Mapping[str, Any], prefix: str = "", depth: int = 0) -> list[tuple[str, Any]]:
    """List the leaves by dotted name; an empty table is a leaf where it is no section of ours."""
    leaves: list[tuple[str, Any]] = []
    for name, value in tree.items():
        dotted = prefix + name
        section = any(key.startswith(dotted + ".") for key in KEYS)
        # No deeper than our keys: what is nested further is an unknown key and named as such.
        if isinstance(value, dict) and section and depth < 2:
            leaves += _flat(value, dotted + ".", depth + 1)
        else:
            leaves.append((dotted, value))
    return leaves


def known(name: str, where: str) -> Key:
    """The key of a dotted name.

    Raises:
        ConfigError: There is none; it says where it stands and which is near.
    """
    key = KEYS.get(name)
    if key is not None:
        return key
    raise ConfigError(f"{where}: unknown key {text.clean(name, 80)}{nearest(name, KEYS)}")


def _checked(key: Key, given: object, where: str) -> Value:
    """Check a typed value (from TOML or a flag)."""
    try:
        value = _typed(key, given)
    except ConfigError as error:
        raise ConfigError(f"{where}: {key.name}: {error}") from error
    if value is None:
        shown = text.clean(repr(given) if not isinstance(given, bool) else str(given).lower(), 80)
        raise ConfigError(f"{where}: {key.name}: expected {key.expected}, got {shown}")
    return value


def _typed(key: Key, given: object) -> Value | None:
    """Give the value in its own type, or None when it is no such value."""
    match key.kind:
        case "bool":
            return given if isinstance(given, bool) else None
        case "bool or auto":
            return given if isinstance(given, bool) or given == "auto" else None
        case "text":
            return given if isinstance(given, str) and given and given.isprintable() else None
        case "zone":
            from wftui import when  # only who chose a zone needs to know which there are

            return given if isinstance(given, str) and when.is_zone(given) else None
        case "websocket":
            return _websocket(given)
        case "choice":
            return given if isinstance(given, str) and given in key.choices else None
        case "endpoints":
            return _endpoints(given)
        case "alerts":
            if not isinstance(given, list | tuple):
                return None
            known = all(isinstance(name, str) and _ALERTS.fullmatch(name) for name in given)
            return tuple(given) if known else None
        case "names":
            if not isinstance(given, list | tuple) or not all(isinstance(name, str) and name for name in given):
                return None
            return tuple(given)
        case "size" if isinstance(given, str):
            try:
                given = parse_size(given)
            except ValueError:
                return None
    if isinstance(given, bool) or not isinstance(given, int if key.kind in ("int", "size") else int | float):
        return None
    if not key.low <= given <= key.high:  # also refuses NaN
        return None
    return float(given) if key.kind == "number" else given


def _websocket(given: object) -> str | None:
    if given in ("auto", "off") or not isinstance(given, str):
        return given if isinstance(given, str) else None
    from wftui.endpoint import websocket  # only who names one needs urllib

    websocket(given)
    return given


def _endpoints(given: object) -> tuple[str, ...] | None:
    from wftui.endpoint import Named  # only who names one needs urllib

    if not isinstance(given, list | tuple) or not all(isinstance(line, str) and line.strip() for line in given):
        return None
    for line in given:
        Named.parse(line)
    return tuple(given)


def from_text(key: Key, given: str, where: str) -> Value:
    """Parse a value that came as text: a variable, a flag, typed by a person.

    Raises:
        ConfigError: It is no such value; names the key, the place and what is expected.
    """
    words = given.strip()
    typed: object = words
    try:
        if key.kind in ("bool", "bool or auto"):
            typed = {"true": True, "1": True, "yes": True, "on": True}.get(words.lower(), words)
            typed = {"false": False, "0": False, "no": False, "off": False}.get(words.lower(), typed)
        elif key.kind == "int":
            typed = int(words)
        elif key.kind == "number":
            typed = float(words)
        elif key.kind in ("names", "endpoints", "alerts"):
            typed = [name.strip() for name in words.split(",") if name.strip()]
    except ValueError:
        typed = words  # _checked quotes it as it was typed
    return _checked(key, typed, where)
