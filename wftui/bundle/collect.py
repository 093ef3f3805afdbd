"""Making a bundle: what was recorded over a range of time, through the redactor, into one file.

The data dir is read as `wftop export` reads it, with a recorder running or not; nothing is measured for a bundle.
"""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import msgspec

from wftui import __version__, clock, paths
from wftui.bundle import aggregate, crypt, happened, inforce, inventory, logs, report_alerts, screens
from wftui.bundle import format as form
from wftui.bundle.format import Consent, Facts, Manifest, Origin
from wftui.bundle.preview import Preview, Previewing
from wftui.bundle.privacy import Redactor
from wftui.bundle.series import Numbers
from wftui.bundle.writer import BundleWriter
from wftui.clock import NS_PER_S
from wftui.errors import BundleError, ConfigError, NoDataError, StoreError
from wftui.render.files import rfc3339
from wftui.store import aftermath
from wftui.store.archive import open_archive
from wftui.wire.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from wftui.bundle.series import Put
    from wftui.store.archive import Archive
    from wftui.store.read import Span

    Tell = Callable[[str], None]
    """Takes what is being done, in a word or two."""

_ALERTS: Final = 2_000
"""Events of alerts, the newest, that say which moment matters."""
_BURST_NS: Final = 60 * NS_PER_S
"""A burst begins so long before its mark or alert."""


class Request(NamedTuple):
    """What a bundle is to be."""

    data_dir: Path
    path: Path
    since_s: int
    """UTC: [since, until)."""
    until_s: int
    level: str
    """One of ``format.LEVELS``."""
    consent: Consent
    encryption: crypt.Encryption | None = None
    """None: plain."""
    alert: str = ""
    """The rule that it is made for; empty: none."""
    screens: bool = True
    """Whether pictures of the screens go in."""
    replace: bool = False
    """Whether a file that is there is written over."""
    config: str | None = None
    """The configuration file; None: where it usually lies."""


class Made(NamedTuple):
    """What was written."""

    path: Path
    bytes: int
    manifest: Manifest
    took_s: float
    passphrase: str = ""
    """Of the request; empty: it is encrypted for keys, or not at all."""


def make(request: Request, tell: Tell | None = None) -> Made:
    """Write it.

    Args:
        request: What is wanted.
        tell: Is told of each step as it begins.

    Raises:
        NoDataError: Nothing was recorded then.
        StoreError: What was recorded cannot be read.
        BundleError: It would be more than a bundle may hold, or cannot be written.
        ConfigError: Encryption is not installed, or the settings cannot be read.
        UsageError: A recipient is none.
    """
    started_ns = clock.perf_ns()
    if request.encryption is None:
        manifest = _write(request, request.path, replace=request.replace, tell=tell)
    else:
        crypt.check_recipients(request.encryption.recipients)
        if os.path.lexists(request.path) and not request.replace:
            raise BundleError(f"{request.path}: is there already; --force writes over it")
        # Not beside the target, which may be a disk that is given away.
        with _private_folder() as folder:
            plain = Path(folder, f"plain{form.SUFFIX}")
            manifest = _write(request, plain, replace=False, tell=tell)
            _say(tell, "encrypting")
            crypt.encrypt_file(plain, request.path, request.encryption, consume=True)
    took_s = (clock.perf_ns() - started_ns) / NS_PER_S
    passphrase = request.encryption.passphrase if request.encryption is not None else ""
    return Made(request.path, request.path.stat().st_size, manifest, took_s, passphrase)


def _private_folder() -> tempfile.TemporaryDirectory[str]:
    """Mode 0700.

    Raises:
        BundleError: There is no place for one.
    """
    try:
        return tempfile.TemporaryDirectory(prefix="wftop-")
    except OSError as error:
        raise BundleError(f"no folder for temporary files: {error.strerror or error}; TMPDIR names one") from error


def preview(request: Request, tell: Tell | None = None) -> Preview:
    """What would go in; nothing is written.

    Args:
        request: What is wanted.
        tell: As ``make``.

    Raises:
        NoDataError, StoreError, BundleError: As ``make``.
    """
    taker = Previewing()
    with open_archive(request.data_dir) as archive, Collection(request, archive, taker.add, tell) as collection:
        collection.collect()
        collection.report(taker.members)
        return taker.preview(collection.manifest())


def _write(request: Request, path: Path, *, replace: bool, tell: Tell | None) -> Manifest:
    with (
        open_archive(request.data_dir) as archive,
        BundleWriter(path, replace=replace) as writer,
        Collection(request, archive, writer.add, tell) as collection,
    ):
        collection.collect()
        writer.flush()
        collection.report(writer.members)
        return writer.finish(collection.manifest())


def _say(tell: Tell | None, what: str) -> None:
    if tell is not None:
        tell(what)


class Collection:
    """What goes into one bundle, member after member; a context manager."""

    def __init__(self, request: Request, archive: Archive, put: Put, tell: Tell | None = None) -> None:
        """Nothing is read yet.

        Args:
            request: What is wanted.
            archive: The data dir, open.
            put: Takes each member.
            tell: As ``make``.
        """
        self.redactor = Redactor(request.level)
        self.left_out: list[str] = []
        self._request = request
        self._archive = archive
        self._put = put
        self._say = partial(_say, tell)
        self._where = paths.places(str(request.data_dir), request.config)
        self._numbers = Numbers(archive, self.redactor, put)
        self._boots: dict[str, str] = {}
        self._facts = Facts()
        self._drawing: screens.Drawing | None = None
        self._made_ns = clock.SystemClock().now().time_ns

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what draws pictures, if it is still at it."""
        if self._drawing is not None:
            self._drawing.close()

    def collect(self) -> None:
        """Everything but the reports and pictures.

        Raises:
            NoDataError: Nothing was recorded then.
            StoreError: It cannot be read.
            BundleError: It is too much.
        """
        span = self._span()
        since_s, until_s = self._request.since_s, self._request.until_s
        self._say("names")
        self.redactor.learn(self._archive, since_s, until_s)
        if self._request.level == form.AGGREGATE:
            self._statistics()
            return
        if span is not None and self._request.screens:
            self._say("pictures")
            self._draw(span)
        tables = happened.Tables(self._archive, self.redactor, self._put)
        if span is not None:
            self._say("tables")
            tables.put(span)
            self._say("numbers")
            self._numbers.put_ticks(since_s, until_s)
            if self._numbers.merged:
                self.left_out.append(
                    "Series came and went all the time: where one was not there, its value is unknown."
                )
        self._say("steps")
        for name in self._numbers.put_steps(since_s, until_s):
            words = {"10s": "10 s", "5m": "5 minutes"}[name]
            self.left_out.append(f"Single seconds of a part of the range are gone: steps of {words} are there.")
        self._say("events")
        self._events(span)
        self._say("inventory")
        self._state(tables)
        self._say("log")
        self._log()
        self._damages()
        self._put(form.README, _readme(self.manifest()).encode())

    def _statistics(self) -> None:
        """In place of all that is of a second, of a person, or in somebody's words."""
        self._say("statistics")
        since_s, until_s = self._request.since_s, self._request.until_s
        statistics = aggregate.statistics(self._archive, self.redactor, since_s, until_s)
        self._json(form.STATISTICS, statistics)
        self.left_out += aggregate.sentences(statistics)
        found = inventory.inventory(self._archive, self.redactor, {}, until_s * NS_PER_S)
        self._json(form.INVENTORY, found)
        self._facts = Facts(inventory=found, statistics=statistics)
        self._put(form.README, _readme(self.manifest()).encode())

    def _span(self) -> Span | None:
        """None: single seconds of it are gone.

        Raises:
            NoDataError: Nothing is there at all.
        """
        since_s, until_s = self._request.since_s, self._request.until_s
        span = self._archive.span(since_s, until_s)
        if span is None and not self._archive.has_older(1 << 62, since_s, until_s):
            bounds = self._archive.extent()
            there = f"recorded is {rfc3339(bounds[0])} to {rfc3339(bounds[1])}" if bounds else "nothing is there"
            raise NoDataError(f"no data from {rfc3339(since_s)} to {rfc3339(until_s)}; {there}")
        return span

    def _draw(self, span: Span) -> None:
        """Begin with it: another process does it meanwhile."""
        since_s, until_s = self._request.since_s, self._request.until_s
        last = next(iter(list(self._archive.sequence(span.last_seq, span.last_seq))), None)
        if last is None:
            return
        manifest = self.manifest()
        found, _ = self._archive.events(
            since_ns=since_s * NS_PER_S, until_ns=until_s * NS_PER_S, types=["alert.*"], limit=_ALERTS, newest=True
        )
        alerts = report_alerts.alerts(self._archive, manifest, found, self.redactor)
        at_ns = report_alerts.moment_ns(alerts, manifest.alert, last.time_s * NS_PER_S)
        about = Recording(
            self._request.path.name,
            manifest.origin.host,
            manifest.origin.time_zone,
            manifest.level,
            since_s,
            last.time_s,
            manifest.alert,
            program=manifest.program,
        )
        self._drawing = screens.Drawing(self._archive, self.redactor, about, at_ns, until_s)

    def _events(self, span: Span | None) -> None:
        since_ns, until_ns = self._request.since_s * NS_PER_S, self._request.until_s * NS_PER_S
        events = happened.Events(self._archive, self.redactor, self._put)
        before = happened.firing(self._archive, span.first_seq) if span is not None else frozenset()
        events.put(since_ns, until_ns, before)
        if events.cut:
            self.left_out.append(f"The oldest {events.cut} events: they are too many.")
        seq_of = self._numbers.seq_of
        if span is not None:
            cut = happened.put_bursts(
                self._archive, self.redactor, self._put, events, (since_ns - _BURST_NS, until_ns), seq_of
            )
            if cut:
                self.left_out.append(f"Full-rate samples of {cut} series: they are too many.")
        health = None
        if span is not None:
            health = inforce.health(self._archive, self.redactor, span, events.states)
            self._json(form.HEALTH, health)
        gaps = inforce.gaps(self._archive, self._request.since_s, self._request.until_s)
        if gaps is None:
            self.left_out.append("Gaps: segments changed faster than they could be read.")
        else:
            self._json(form.GAPS, gaps)
        self._facts = msgspec.structs.replace(self._facts, health=health, gaps=gaps)

    def _state(self, tables: happened.Tables) -> None:
        rules = settings = None
        try:
            rules = inforce.rules(self._where, self.redactor)
            self._json(form.RULES, rules)
            settings = inforce.settings(self._where, self.redactor)
            self._json(form.SETTINGS, settings)
        except ConfigError as error:
            self.left_out.append(self.redactor.text(f"Rules or settings that cannot be read: {error}"))
        until_ns = self._request.until_s * NS_PER_S
        found = inventory.inventory(self._archive, self.redactor, tables.last, until_ns)
        self._json(form.INVENTORY, found)
        servers = inventory.model_servers(self.redactor, tables.last)
        self._json(form.SERVERS, servers)
        self._facts = msgspec.structs.replace(
            self._facts, rules=rules, settings=settings, inventory=found, servers=servers
        )
        known = aftermath.boots(self._archive)
        self._boots = {
            str(number): self.redactor.name("boot", known[number])
            for number in sorted(self._numbers.boots)
            if number in known
        }

    def _log(self) -> None:
        since_ns, until_ns = self._request.since_s * NS_PER_S, self._request.until_s * NS_PER_S
        data, cut = logs.lines(self._where.state_dir, self.redactor, since_ns, until_ns)
        if data:
            self._put(form.LOG, data)
        if cut:
            self.left_out.append(f"The oldest {cut} lines of wftop's own log: they are too many.")

    def _damages(self) -> None:
        for error in (self._archive.journal_error, self._archive.sealed.error):
            if error is not None:
                self.left_out.append(self.redactor.text(f"What cannot be read: {error}"))
        if self._archive.damaged:
            self.left_out.append(f"{self._archive.damaged} damaged ticks, changes or segments.")

    def report(self, members: list[form.Member]) -> None:
        """Pictures and the two reports, after all else.

        Args:
            members: Those that are there already.
        """
        from wftui.bundle import report

        pictures = screens.Pictures()
        if self._drawing is not None:
            self._say("pictures")
            pictures = self._drawing.pictures()
            for name, data in sorted(pictures.screens.items()):
                self._put(f"screens/{name}.svg", data)
            if pictures.trouble:
                self.left_out.append(f"Pictures of the screens: {pictures.trouble}.")
        self._say("report")
        manifest = msgspec.structs.replace(self.manifest(), members=members)
        try:
            html, markdown = report.both(self._archive, manifest, self.redactor, self._facts, pictures.answer)
        except StoreError as error:
            self.left_out.append(self.redactor.text(f"The report: {error}"))
            return
        self._put(form.REPORT_HTML, html)
        self._put(form.REPORT_MD, markdown)

    def manifest(self) -> Manifest:
        """Without members."""
        request = self._request
        facts = self._facts.inventory
        found = Manifest(
            form.FORMAT,
            form.VERSION,
            f"wftop {__version__}",
            self._made_ns,
            request.since_s * NS_PER_S,
            request.until_s * NS_PER_S,
            request.level,
            Origin(
                self.redactor.name("host", os.uname().nodename),
                self.redactor.zone(inforce.local_zone(self._where)),
                facts.os if facts is not None else "",
                facts.kernel if facts is not None else "",
                self._boots,
            ),
            self._consent(),
            self._numbers.ticks,
            self.redactor.report(),
            self.left_out,
            [],
            self.redactor.rule(request.alert) if request.alert else "",
        )
        return aggregate.generalised(found) if request.level == form.AGGREGATE else found

    def _consent(self) -> Consent:
        """A person's own rule may be called after somebody."""
        how, space, rule = self._request.consent.how.partition(" ")
        told = f"{how} {self.redactor.rule(rule)}" if space else how
        return msgspec.structs.replace(self._request.consent, how=told)

    def _json(self, name: str, value: object) -> None:
        data = msgspec.json.encode(value)
        if len(data) > form.JSON_BYTES:
            self.left_out.append(f"{name}: it is {len(data)} bytes, at most {form.JSON_BYTES}.")
            return
        self._put(name, data)


def _readme(manifest: Manifest) -> str:
    since, until = (rfc3339(time_ns // NS_PER_S) for time_ns in (manifest.since_ns, manifest.until_ns))
    return f"""An incident bundle of wftop {__version__}
{since} to {until}, level {manifest.level}

  report.html      what happened, for a browser; it asks nobody anything
  report.md        the same, short, for an issue tracker
  wftop replay F   opens the file in the screens of wftop, as they were

  manifest.json    version, range, consent, what was replaced, SHA-256 of each member
  ticks/           each second, column by column; format in wftui/bundle/format.py
  rollups/         steps of 10 s and 5 minutes, where single seconds are gone
  tables/          processes, GPUs, model servers, alerts: all rows, then changes
  events.jsonl     what happened, one event a line
  bursts.jsonl     full-rate samples around marks and alerts
  health.json      the sources of the numbers; gaps.json: when nothing was recorded
  rules.json       alert rules, settings.json: settings, as they were when this was written
  inventory.json   hardware, driver, system, libraries; servers.json: model servers
  log.jsonl        wftop's own log
  statistics.json  at the level aggregate: what series were hour by hour, in place of all that
  screens/         pictures of the screens

Names of people, machines, paths, addresses and serials are made up, the same all over this bundle and in no
other. Prompts, answers and environment variables are never recorded.
"""
