"""`wftop export`: what was recorded over a range of time as a file, with a recorder running or not.

argparse, and DuckDB only for Parquet and for what the journal does not hold any more: an hour of 400 series is to
be out within half a second, start included.
"""

import argparse
import gc
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wftui import clock
from wftui.cli.export_options import FORMATS, STEPS, of_bundle, parser
from wftui.errors import ConfigError, NoDataError, UsageError, report
from wftui.paths import places
from wftui.units import NS_PER_S
from wftui.when import moment, use_zone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wftui.paths import Places
    from wftui.render.files import Heading, Writer
    from wftui.store.archive import Archive
    from wftui.store.levels import Levels
    from wftui.store.read import Span
    from wftui.store.rows import Batch

_BINARY: Final = ("parquet", "duckdb")
_BATCH: Final = 128
"""Rows encoded at once: their text stays in the processor's cache."""
_NAMED: Final = 3


def main(argv: Sequence[str]) -> int:
    """Run the command; ``argv`` is what follows ``export``. Returns the exit code.

    Raises:
        UsageError: A time or option was typed wrongly (2).
        ConfigError: The file exists, or cannot be written (4).
        StoreError: The journal cannot be read (5).
        NoDataError: The range holds nothing (7).
    """
    if (words := of_bundle(argv)) is not None:
        from wftui.cli import bundle

        return bundle.main(words)
    arguments = parser().parse_args(argv)
    # Millions of numbers and no cycles: looking for some costs 20 %.
    gc.disable()
    # As an exception it lets the blocks around a half-written file end: nothing stays behind.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        return _export(arguments)
    except BrokenPipeError:
        from wftui.cli.output import stop_quietly

        stop_quietly()
        return 0
    except OSError as error:  # a full disk; StoreError and its like are none
        raise ConfigError(f"{arguments.output}: cannot be written: {error.strerror or error}") from error
    except KeyboardInterrupt:
        return 130


def _export(arguments: argparse.Namespace) -> int:
    from wftui.config import load
    from wftui.store.archive import open_archive

    where = places(arguments.data_dir, arguments.config)
    # What is written stays in UTC; what is typed is of the chosen zone, as everywhere.
    use_zone(load(where).text("view.time_zone"))
    since_s, until_s = span(arguments.since, arguments.until, clock.SystemClock().now().time_ns)
    form = arguments.format or _by_ending(arguments.output)
    _check_form(arguments, form)
    try:
        archive = open_archive(where.data_dir)
    except NoDataError as error:
        raise NoDataError(f"{error}{memory_only(where)}") from error
    with archive:
        if arguments.events or arguments.table:
            from wftui.cli import export_facts

            for line in export_facts.export(arguments, archive, form, since_s, until_s):
                _say(line)
        else:
            _series(arguments, where, archive, form, since_s, until_s)
        _tell_of_store(archive)
    return 0


def _tell_of_store(archive: "Archive") -> None:
    """What could not be read."""
    for error in (archive.journal_error, archive.sealed.error):
        if error is not None:
            _say(f"left out: {error}")
    if archive.damaged:
        files = f" ({', '.join(archive.damaged_files)})" if archive.damaged_files else ""
        _say(f"left out: {archive.damaged} damaged ticks, layouts or segments{files}")


def _series(
    arguments: argparse.Namespace, where: "Places", archive: "Archive", form: str, since_s: int, until_s: int
) -> None:
    from wftui.render import files
    from wftui.store.levels import Levels

    step_s = STEPS[arguments.step]
    rows = Levels(archive, since_s, until_s, arguments.match, step_s=step_s, raw=arguments.raw_counters)
    if rows.span is None:
        raise NoDataError(_empty(archive, since_s, until_s) + _coarser(rows) + memory_only(where))
    _check_matches(rows)
    columns, replaced = files.headings(rows.fields, identity=arguments.include_identity)
    progress = _Progress(rows.span)
    if form == "parquet":
        _parquet(arguments, rows, columns, progress)
    elif form == "duckdb":
        from wftui.cli import export_duckdb

        export_duckdb.write(arguments, archive, rows, columns, (since_s, until_s), progress.tell)
    else:
        _text(arguments, form, rows, columns, progress)
    progress.clear()
    _tell(arguments, archive, form, rows, columns, replaced, progress)


def _check_form(arguments: argparse.Namespace, form: str) -> None:
    if arguments.format is None and Path(arguments.output).suffix in (".wftop", ".age"):
        raise UsageError(f"{arguments.output}: a bundle is written by --format bundle, or by `wftop bundle`")
    if form == "duckdb" and arguments.output == "-":
        raise UsageError("a DuckDB file needs a name: -o FILE")
    if form in _BINARY and arguments.output == "-" and sys.stdout.isatty():
        raise UsageError("Parquet is binary and standard output is a terminal; -o FILE writes a file")


def _coarser(rows: "Levels") -> str:
    names = [name for name, size in STEPS.items() if size in rows.coarser]
    return f"; there is more in coarser steps: --step {' or '.join(names)}" if names else ""


def span(since: str, until: str, now_ns: int) -> tuple[int, int]:
    """UTC seconds [since, until).

    Raises:
        UsageError: One is no time, or they are in the wrong order.
    """
    since_ns, until_ns = moment(since, now_ns), moment(until, now_ns)
    if since_ns >= until_ns:
        raise UsageError(f"--since {since!r} is not before --until {until!r}")
    return since_ns // NS_PER_S, -(-until_ns // NS_PER_S)


def _by_ending(output: str) -> str:
    ending = Path(output).suffix.lower().removeprefix(".")
    return ending if ending in FORMATS else "csv"


def _empty(archive: "Archive", since_s: int, until_s: int) -> str:
    from wftui.render.files import rfc3339

    bounds = archive.extent()
    there = f"recorded is {rfc3339(bounds[0])} to {rfc3339(bounds[1])}" if bounds else "nothing was recorded yet"
    return f"no data from {rfc3339(since_s)} to {rfc3339(until_s)}; {there}"


def memory_only(where: "Places") -> str:
    """What a running recorder that writes nothing has to say about an empty export; empty without one."""
    from wftui.client.queries import Connection
    from wftui.errors import ProtocolError
    from wftui.wire.messages import Status, StatusReply

    try:
        with Connection(str(where.socket), timeout_s=1.0) as connection:
            store = connection.ask(Status(), StatusReply).store
    except ProtocolError:
        return ""
    return f"; the recorder that runs keeps nothing on disk ({store.reason})" if store.state == "denied" else ""


def _check_matches(rows: "Levels") -> None:
    unmatched = rows.unmatched()
    if not rows.fields:
        named = ", ".join(map(repr, unmatched)) or "everything"
        raise NoDataError(f"no recorded series matches {named} in that range")
    for pattern in unmatched:
        _say(f"no recorded series matches {pattern!r} in that range")


def _text(
    arguments: argparse.Namespace, form: str, rows: "Levels", columns: "list[Heading]", progress: "_Progress"
) -> None:
    from wftui.cli.output import OutputFile, standard_output
    from wftui.render import files

    writers: dict[str, Writer] = {"csv": files.Csv(), "json": files.Json(), "jsonl": files.JsonLines()}
    writer = writers[form]

    def parts() -> "Iterator[bytes]":
        yield writer.head(columns, rows.level_s)
        for batch in rows.batches(_BATCH):
            yield writer.rows(batch)
            progress.tell(batch)
        yield writer.tail()

    if arguments.output == "-":
        out = standard_output()
        for part in parts():
            out.write(part)
        out.flush()
        return
    with OutputFile(arguments.output, force=arguments.force) as file, file.path.open("wb") as out:
        out.writelines(parts())


def _parquet(
    arguments: argparse.Namespace, rows: "Levels", columns: "list[Heading]", progress: "_Progress"
) -> None:
    import msgspec

    from wftui.cli.output import OutputFile, standard_output
    from wftui.render.files import SCHEMA_VERSION, unique
    from wftui.store import parquet

    # DuckDB's names ignore case, and the first two are taken.
    names = unique(["seq", "time_ns", *(item.id for item in columns)], fold=True)[2:]
    series = msgspec.json.encode(columns).decode()
    metadata = {
        "wftop.schema_version": str(SCHEMA_VERSION),
        "wftop.series": series,
        "wftop.level_s": str(rows.level_s),
    }
    if arguments.output != "-":
        with OutputFile(arguments.output, force=arguments.force) as file:
            parquet.write(file.path, names, rows, metadata, progress.tell)
        return
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(prefix="wftop-") as folder:  # 0700
        path = Path(folder, "export.parquet")
        parquet.write(path, names, rows, metadata, progress.tell)
        with path.open("rb") as file_:
            shutil.copyfileobj(file_, standard_output())
        standard_output().flush()


class _Progress:
    """A line on stderr that says how far it is, once it takes over a second and stderr is a terminal."""

    def __init__(self, span: "Span") -> None:
        self._span = span
        self._terminal = sys.stderr.isatty()
        self._next_ns = clock.perf_ns() + NS_PER_S
        self._shown = False
        self.rows = 0

    def tell(self, batch: "Batch") -> None:
        """After each batch."""
        self.rows += len(batch.seq)
        if self._terminal and clock.perf_ns() > self._next_ns:
            done = (batch.seq[-1] - self._span.first_seq + 1) / (self._span.last_seq - self._span.first_seq + 1)
            sys.stderr.write(f"\rwftop: {done:4.0%}, {self.rows} rows")
            sys.stderr.flush()
            self._shown = True
            self._next_ns = clock.perf_ns() + NS_PER_S // 5

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r" + " " * 40 + "\r")
            sys.stderr.flush()


def _tell(
    arguments: argparse.Namespace,
    archive: "Archive",
    form: str,
    rows: "Levels",
    columns: "list[Heading]",
    replaced: dict[str, str],
    progress: _Progress,
) -> None:
    """What a person has to know about the file; on stderr."""
    if arguments.output != "-":
        _say(f"{progress.rows} rows of {len(columns)} series in {arguments.output}")
    if rows.level_s > 1:
        _say(f"older rows come from steps of {rows.level_s} s, not from single seconds")
    if rows.coarser:
        _say(f"single seconds of a part of this range are gone{_coarser(rows)}")
    tables = [item.name for item in archive.tables()] if form != "duckdb" else []
    if tables:
        _say(f"left out: tables ({', '.join(tables)}); --table NAME writes one, without names and command lines")
    if replaced:
        shown = list(replaced.values())
        more = f" and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
        _say(
            f"left out: names of people and containers in mount paths, shown as {', '.join(shown[:_NAMED])}{more};"
            " --include-identity keeps them"
        )


def _say(text: str) -> None:
    print(report(NoDataError(text)), file=sys.stderr)  # noqa: T201  talk goes to stderr
