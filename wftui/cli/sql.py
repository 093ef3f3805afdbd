"""`wftop sql "SELECT …"`: what was recorded, sealed or not, by SQL. argparse: Typer would cost it 50 ms."""

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wftui import clock
from wftui.errors import ConfigError, NoDataError, UsageError, report
from wftui.paths import places
from wftui.when import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wftui.store.ask import Asking

FORMATS: Final = ("table", "csv", "json", "parquet")
_MEMORY: Final = {"": 1, "MB": 1, "GB": 1000, "MIB": 1, "GIB": 1024}


def main(argv: Sequence[str]) -> int:
    """Run the command; ``argv`` is what follows ``sql``. Returns the exit code.

    Raises:
        UsageError: The question or an option cannot be understood (2).
        TooLargeQuestionError: It took too long or too much memory (1).
        ConfigError: The file exists, or cannot be written (4).
        StoreError: The recording cannot be read (5).
        NoDataError: Nothing was recorded yet (7).
    """
    arguments = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        if arguments.schema:
            from wftui.store import described

            sys.stdout.write(described.text())
            return 0
        if arguments.question is None:
            raise UsageError('expected a question: wftop sql "SELECT …"; --schema lists what can be asked')
        return _ask(arguments)
    except BrokenPipeError:
        from wftui.cli.output import stop_quietly

        stop_quietly()
        return 0
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wftop sql",
        description="Ask what was recorded, the live hour included, in DuckDB's SQL. Nothing is changed.",
        epilog="Example: wftop sql \"SELECT time, value FROM samples('system.cpu.utilization') ORDER BY value DESC"
        ' LIMIT 5". Times are UTC. Any DuckDB client can open history.duckdb in the data folder, too.',
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("question", nargs="?", metavar="SQL", help="one statement; - reads it from standard input")
    add("--schema", action="store_true", help="list tables and columns")
    add("--format", choices=FORMATS, help="default: by the file's ending, else table")
    add("-o", "--output", default="-", metavar="FILE", help="file, - is standard output (default)")
    add("--force", action="store_true", help="overwrite an existing file")
    add("--deadline", default="30s", metavar="TIME", help="longest time for an answer (default: 30s)")
    add("--memory", default="256MB", metavar="SIZE", help="most memory for it (default: 256MB)")
    add("--config", metavar="FILE", help="configuration file")
    add("--data-dir", metavar="DIR", help="where the recording lies")
    return parser


def _ask(arguments: argparse.Namespace) -> int:
    where = places(arguments.data_dir, arguments.config)
    deadline_s, memory_mb = duration(arguments.deadline), _megabytes(arguments.memory)
    form = arguments.format or _by_ending(arguments.output)
    if form == "parquet" and arguments.output == "-":
        raise UsageError("Parquet needs a file: -o FILE")
    question = sys.stdin.read() if arguments.question == "-" else arguments.question
    if not where.data_dir.exists():
        raise NoDataError(f"{where.data_dir}: nothing was recorded there yet (wftop record, or wftop, records)")
    from wftui.cli.output import OutputFile
    from wftui.store.ask import Asking

    now_ns = clock.SystemClock().now().time_ns
    if arguments.output == "-":
        with Asking(where.data_dir, question, now_ns, memory_mb=memory_mb) as asking, asking.deadline(deadline_s):
            for part in _parts(asking, form):
                sys.stdout.write(part)
            sys.stdout.flush()
        return _told(asking)
    try:
        with OutputFile(arguments.output, force=arguments.force) as file:
            path = Path(file.path).absolute()
            with (
                Asking(where.data_dir, question, now_ns, memory_mb=memory_mb, output=path) as asking,
                asking.deadline(deadline_s),
            ):
                if form == "parquet":
                    asking.write_parquet(path)
                else:
                    with path.open("w", encoding="utf-8", newline="") as out:
                        out.writelines(_parts(asking, form))
    except OSError as error:
        raise ConfigError(f"{arguments.output}: cannot be written: {error.strerror or error}") from error
    return _told(asking)


def _told(asking: "Asking") -> int:
    for note in asking.notes:
        print(report(NoDataError(note)), file=sys.stderr)  # noqa: T201  talk goes to stderr
    return 0


def _megabytes(text: str) -> int:
    digits = text.strip().rstrip("MGiIbB ")
    unit = text.strip()[len(digits) :].strip().upper()
    if (
        not digits.isascii()
        or not digits.isdigit()
        or len(digits) > 6
        or unit not in _MEMORY
        or not 32 <= int(digits) * _MEMORY[unit] <= 65536
    ):
        raise UsageError(f"--memory: expected a size like '256MB' (32MB to 64GB), got {text!r}")
    return int(digits) * _MEMORY[unit]


def _by_ending(output: str) -> str:
    ending = Path(output).suffix.lower().removeprefix(".")
    return ending if ending in FORMATS else "table"


def _parts(asking: "Asking", form: str) -> "Iterator[str]":
    from wftui.render import cells
    from wftui.text import clean

    names, rows = asking.answer()
    if asking.explained and form == "table":
        # A plan is drawn over several lines.
        for row in rows:
            yield from (f"{clean(line)}\n" for line in str(row[-1]).splitlines())
        return
    if form == "table":
        yield from (f"{line}\n" for line in cells.table(names, rows))
        return
    writers: dict[str, Callable[[Sequence[str], Iterable[Sequence[Any]]], Iterator[str]]] = {  # Any: SQL's cells
        "csv": cells.separated,
        "json": cells.objects,
    }
    yield from writers[form](names, rows)
