"""`wftop --once [--json]`: one state as text or JSON. Also what `wftop` does without a terminal."""

import os
import sys
from typing import Any, Final

from wftui.paths import places

SCHEMA_VERSION: Final = 1
WIDTH: Final = 80
_LEAST: Final = 40


def main(*, json: bool, data_dir: str | None = None, config: str | None = None) -> int:
    """Print one state on stdout; return the exit code.

    Raises:
        WftopError: As the message says.
    """
    from wftui.cli.state import gather

    where = places(data_dir, config)
    state = gather(where)
    if not json:
        from wftui.config import load
        from wftui.render import preferred

        preferred.use(load(where))
    return told(state, json=json)


def told(state: Any, *, json: bool) -> int:  # Any: as below
    """Print a state; the exit code."""
    if json:
        import msgspec

        document = msgspec.json.format(msgspec.json.encode(as_json(state)), indent=2)
        return put(document + b"\n")
    from wftui.render.report import report

    columns = width()
    return show([(section.title, section.lines) for section in report(state, columns)], columns)


def as_json(state: Any) -> dict[str, Any]:  # Any: a render.report.State, loaded late; JSON values
    """The state as JSON values; a number that is not known is left out or null."""
    from wftui.clock import NS_PER_S
    from wftui.render.files import rfc3339

    series = []
    for text, (column, value) in sorted(state.values.items()):
        labels = dict(column.series.labels)
        stat = labels.pop("stat", "")
        entry = {"id": text, "name": column.series.name, "labels": labels, "unit": column.unit}
        entry |= {"kind": column.kind, "stat": stat, "quality": column.quality, "source": column.source}
        series.append(entry | {"value": value, "rate": state.rates.get(text)})
    tables = {
        name: {"columns": [{"name": column.name, "unit": column.unit} for column in schema.columns],
               "rows": list(rows.values())}
        for name, (schema, rows) in state.tables.items()
    }  # fmt: skip
    return {
        "schema_version": SCHEMA_VERSION,
        "time_ns": state.time_ns,
        "time": rfc3339(state.time_ns // NS_PER_S),
        "host": state.host,
        "program": state.program,
        "recorder": state.recorder,
        "recording": state.recording,
        "series": series,
        "tables": tables,
        "health": state.health,
        "events": state.events,
    }


def show(sections: list[tuple[str, list[str]]], columns: int) -> int:
    """Print titles and lines; bold titles on a terminal, long lines go on indented."""
    from rich.console import Console
    from rich.text import Text

    from wftui.render.report import plain

    ascii_only = not utf8()
    # rich takes an unset TERM for a capable terminal.
    plain_terminal = os.environ.get("TERM", "") in ("", "dumb")
    console = Console(
        width=columns,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
        no_color=plain_terminal or None,
        force_terminal=False if plain_terminal else None,
    )
    try:
        for title, lines in sections:
            console.print(Text(plain(title) if ascii_only else title, style="bold"))
            for line in lines:
                parts = Text(plain(line) if ascii_only else line).wrap(console, columns - 4)
                for number, part in enumerate(parts):
                    console.print(("    " if number else "  ") + part.plain.rstrip())
            console.print()
        sys.stdout.flush()
    except BrokenPipeError:
        from wftui.cli.output import stop_quietly

        stop_quietly()
    return 0


def put(document: bytes) -> int:
    """Print bytes on stdout; a reader that has enough is no error."""
    from wftui.cli.output import standard_output, stop_quietly

    try:
        standard_output().write(document)
        standard_output().flush()
    except BrokenPipeError:
        stop_quietly()
    return 0


def width() -> int:
    """Columns to print in: the terminal's, else 80."""
    try:
        return max(_LEAST, os.get_terminal_size(sys.stdout.fileno()).columns)
    except (OSError, ValueError):
        return WIDTH


def utf8() -> bool:
    """Whether letters beyond ASCII reach the reader."""
    from wftui.tui.terminal import ascii_only

    encoding = (sys.stdout.encoding or "").lower().replace("-", "").replace("_", "")
    return encoding == "utf8" and not ascii_only()
