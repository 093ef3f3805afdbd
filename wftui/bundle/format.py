"""What a bundle is: a zip of JSON, JSON lines and text, with a manifest that names every member.

The writer keeps to the same limits as the reader: what it makes can always be opened. Nothing in here reads or
writes a file.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from wftui.model.health import Health
from wftui.model.sample import Column
from wftui.model.table import Cell, TableChange, TableSchema

SUFFIX: Final = ".wftop"
ENCRYPTED: Final = ".age"
"""Behind ``SUFFIX``: the whole zip, encrypted for the standard age tool."""
FORMAT: Final = "wftop-bundle"
VERSION: Final = 1
"""Of the format: a reader refuses a newer one and says which wftop opens it."""

MEMBERS: Final = 512
MEMBER_BYTES: Final = 64 * 1024 * 1024
"""Unpacked, counted while it is read."""
ALL_BYTES: Final = 512 * 1024 * 1024
"""The same of all members together."""
RATIO: Final = 1000
"""Bytes unpacked for each packed one, of a member."""
FILE_BYTES: Final = 512 * 1024 * 1024

JSON_BYTES: Final = 8 * 1024 * 1024
"""Of each member that ends in ``.json`` and holds no ticks or steps, unpacked."""
LINE_BYTES: Final = 8 * 1024 * 1024
"""Of a line of a ``.jsonl`` member."""
LINES: Final = 500_000
"""Of all tables together; of bursts, events and the log each a fifth of it."""
COLUMNS: Final = 10_000
"""Of one layout."""
TICKS: Final = 1_200
"""Of one member; of steps as well."""
CELLS: Final = 64 * 1024 * 1024
"""Values of all ticks, steps and bursts together: 512 MiB once it is opened."""

MANIFEST: Final = "manifest.json"
EVENTS: Final = "events.jsonl"
BURSTS: Final = "bursts.jsonl"
HEALTH: Final = "health.json"
GAPS: Final = "gaps.json"
RULES: Final = "rules.json"
SETTINGS: Final = "settings.json"
INVENTORY: Final = "inventory.json"
SERVERS: Final = "servers.json"
LOG: Final = "log.jsonl"
STATISTICS: Final = "statistics.json"
"""At ``aggregate``, in place of ticks, tables and events."""
REPORT_HTML: Final = "report.html"
REPORT_MD: Final = "report.md"
README: Final = "README.txt"
"""For who unzips it without wftop."""

NAMES: Final = re.compile(
    r"(?:manifest|health|gaps|rules|settings|inventory|servers|statistics)\.json|(?:events|bursts|log)\.jsonl"
    r"|report\.(?:html|md)|README\.txt"
    r"|ticks/\d{4}\.json|rollups/(?:10s|5m)-\d{4}\.json|tables/[a-z_]{1,40}-\d{4}\.jsonl|screens/[a-z]{1,20}\.svg"
)
"""Every name that a member may have, as a whole."""

FULL: Final = "full"
ANONYMOUS: Final = "anonymous"
AGGREGATE: Final = "aggregate"
LEVELS: Final = (FULL, ANONYMOUS, AGGREGATE)
"""``full``: names of programs and models stay, persons, hosts, paths, addresses, serials do not. ``anonymous``: no
name of anything that is not wftop's own or a product's (GPU model, driver, model server kind). ``aggregate``:
statistics only."""


class Member(msgspec.Struct, frozen=True):
    """One file inside."""

    name: str
    size: int
    """By, unpacked."""
    sha256: str
    """64 hex digits, of what is unpacked."""


class Origin(msgspec.Struct, frozen=True):
    """The machine, as far as it is told."""

    host: str
    """The name made up for it in this bundle."""
    time_zone: str
    """IANA name, or an offset like ``+02:00``."""
    os: str = ""
    kernel: str = ""
    boots: dict[str, str] = {}
    """Number of a boot, as ticks have it, to the id made up for it."""


class Consent(msgspec.Struct, frozen=True):
    """Who said that this may be written."""

    how: str
    """``dialog``, ``--yes``, ``typed``, or ``rule NAME`` for one that was made by itself and never left."""
    at_ns: int
    """UTC."""
    encryption: str
    """``recipients``, ``passphrase`` or ``plain``."""


class Redacted(msgspec.Struct, frozen=True):
    """A class of data that was replaced or left out."""

    what: str
    """``user``, ``host``, ``path``, ``ip``, ``uuid``, ``serial``, ``container``, ``command line``, ``secret`` …"""
    how: str
    """``replaced`` (by a name that is the same all over this bundle), ``left out`` or ``generalised``."""
    count: int
    """Of different values; of secrets and of what is left out: of places."""


class Manifest(msgspec.Struct, frozen=True):
    """What the file says of itself. It has no entry for itself."""

    format: str
    version: int
    program: str
    """The wftop that wrote it: ``wftop 0.9.0``."""
    made_ns: int
    """UTC."""
    since_ns: int
    until_ns: int
    """The range that was asked for: [since, until), UTC."""
    level: str
    """One of ``LEVELS``."""
    origin: Origin
    consent: Consent
    ticks: int
    redactions: list[Redacted]
    left_out: list[str]
    """What is missing and why, a sentence each: for a person."""
    members: list[Member]
    alert: str = ""
    """The rule that it was made for; empty: none."""


class Packed(msgspec.Struct, frozen=True, omit_defaults=True):
    """Numbers, as few characters as their kind allows; exactly one of ``same``, ``at``, ``by``, ``all`` is given.

    ``count`` numbers altogether. null is unknown (NaN).
    """

    count: int
    same: float | int | msgspec.UnsetType | None = msgspec.UNSET
    """All of them are this one."""
    of: list[float | None] = []
    at: list[int] | None = None
    """Each is that one of ``of``."""
    start: int = 0
    by: list[int] | None = None
    """Whole numbers: the first is ``start``, each further one is that much more than the one before …"""
    digits: int = 0
    """… divided by 10 to this power."""
    all: list[float | None] | None = None


class Ticks(msgspec.Struct, frozen=True):
    """``ticks/NNNN.json``: successive ticks of one layout, column by column."""

    layout: int
    """Its number within the bundle."""
    columns: list[Column]
    seq: Packed
    time_s: Packed
    boottime_ns: Packed
    boot: Packed
    values: list[Packed]
    """One per column, ``count`` of each is the number of ticks."""


class Steps(msgspec.Struct, frozen=True):
    """``rollups/10s-NNNN.json`` and ``rollups/5m-NNNN.json``: what is kept of each 10 s or 5 minutes.

    As ``store.rollup`` makes them, for what single seconds are gone of; of counters their rate per second.
    """

    columns: list[Column]
    seq: Packed
    """First tick of each step, ascending."""
    time_s: Packed
    """UTC second at which it begins: a multiple of its length."""
    ticks: Packed
    """Seconds recorded in it."""
    statistics: dict[str, list[Packed]]
    """``min``, ``mean``, ``max``, ``sum`` (those of ``store.manifest.STATISTICS`` that any series has): one per
    column, ``same`` null where a series has no such statistic."""


class TableHead(msgspec.Struct, frozen=True):
    """First line of ``tables/NAME-NNNN.jsonl``."""

    schema: TableSchema


class TableLine(msgspec.Struct, frozen=True):
    """Each further line; the first one of a file is a keyframe."""

    tick: int
    """seq of the tick that it belongs to."""
    change: TableChange


class BurstLine(msgspec.Struct, frozen=True):
    """A line of ``bursts.jsonl``: full-rate samples of one series around a mark or an alert."""

    tick: int
    event_id: str
    column: Column
    time_ns: Packed
    values: Packed


class LogLine(msgspec.Struct, frozen=True):
    """A line of ``log.jsonl``: wftop's own log."""

    time_ns: int
    level: str
    about: str
    message: str
    fields: dict[str, Any] = {}  # Any: JSON values


class SourcesHealth(msgspec.Struct, frozen=True):
    """``health.json``: how the sources were at the end of the range."""

    at_ns: int
    """UTC."""
    sources: list[Health]
    """Of each source that said anything of itself, ascending by name."""


class GapSpan(msgspec.Struct, frozen=True):
    """Seconds [since, until) without a tick."""

    since_s: int
    """UTC."""
    until_s: int
    missing_s: int
    """Of them: less than all where steps of 10 s or 5 min hold some."""


class Gaps(msgspec.Struct, frozen=True):
    """``gaps.json``."""

    recorded_s: int
    """Seconds of the range that have a tick."""
    gaps: list[GapSpan]


class RuleInForce(msgspec.Struct, frozen=True):
    """One of ``rules.json``, which is a list of them, ascending by id."""

    id: str
    severity: str
    category: str
    enabled: bool
    builtin: bool
    """It ships with wftop."""
    rule: dict[str, Any]  # Any: JSON values
    """What else it says, by the names of ``wftui.alerts.rule.Rule``."""


class SettingInForce(msgspec.Struct, frozen=True):
    """A value of ``settings.json``, which maps names of settings to them."""

    value: Any  # Any: a JSON value, as its kind of setting has it
    origin: str
    """``default``, ``config``, ``settings`` (changed in the program) or ``environment``."""


class Inventory(msgspec.Struct, frozen=True):
    """``inventory.json``: what the machine is made of. An empty text or None is unknown."""

    program: str
    """The wftop that wrote the bundle."""
    recorded_by: list[str]
    """Versions of the recorders of the range."""
    python: str
    os: str
    """``Debian GNU/Linux 12 (bookworm)``."""
    kernel: str
    architecture: str
    cpu: str
    """Model name of the first one."""
    cpus: int | None
    memory: int | None
    """By."""
    libraries: dict[str, str]
    """Name to version: ``glibc``, ``sqlite``, ``duckdb``, …"""
    gpus: list[dict[str, Cell]]
    """Rows of the table ``gpus`` at the end of the range, by column name."""


class ServerFact(msgspec.Struct, frozen=True):
    """One of ``servers.json``, which is a list of them: a model server, never what was asked of it."""

    server: dict[str, Cell]
    """Its row of the table ``servers``, by column name."""
    models: list[dict[str, Cell]]
    """Of the table ``models``."""
    command_line: str = ""
    """Flags it was started with, as the table of processes has them; empty: unknown or not to be told."""


class HourOf(msgspec.Struct, frozen=True):
    """What the values of a series were in one hour; of several series that may not be told apart: of all of them.

    What lies below the 1st or above the 99th percentile counts as that percentile.
    """

    hour: int
    """The first one is 0."""
    count: int
    mean: float
    min: float
    max: float
    p50: float
    p95: float
    p99: float


class SeriesStatistics(msgspec.Struct, frozen=True):
    """A series hour by hour; hours without a value are not there."""

    series: str
    unit: str
    """Of a counter per second."""
    kind: str
    """``gauge``, ``counter`` or ``distribution``."""
    of: int
    """Recorded series that are in it."""
    hours: list[HourOf]


class ProgramGroup(msgspec.Struct, frozen=True):
    """Processes of one program that many machines have."""

    program: str
    users: int
    """That ran it within the range."""
    processes: int


class Statistics(msgspec.Struct, frozen=True):
    """``statistics.json``."""

    since_s: int
    """UTC, a full hour."""
    hours: int
    users: int
    """Persons whose processes ran; accounts of the system are none."""
    k: int
    """Where several users are involved, groups of fewer are not told. With one user nothing is hidden by it."""
    series: list[SeriesStatistics]
    programs: list[ProgramGroup]
    suppressed: int
    """Groups that were not told."""


class Facts(msgspec.Struct, frozen=True):
    """What a bundle says beside numbers, tables and events: its members of JSON, as whoever opens it has them."""

    health: SourcesHealth | None = None
    """None here and below: the bundle has no such member."""
    gaps: Gaps | None = None
    rules: list[RuleInForce] | None = None
    settings: dict[str, SettingInForce] | None = None
    inventory: Inventory | None = None
    servers: list[ServerFact] | None = None
    statistics: Statistics | None = None
