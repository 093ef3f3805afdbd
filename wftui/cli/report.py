"""`wftop report --since 24h`: a readable digest of what was recorded. It aggregates and names nobody."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from wftui import clock
from wftui.errors import ConfigError, NoDataError, UsageError
from wftui.paths import places
from wftui.units import NS_PER_S
from wftui.when import moment

if TYPE_CHECKING:
    from wftui.store.archive import Archive

FORMATS: Final = ("text", "markdown")
_ENDINGS: Final = {".md": "markdown", ".markdown": "markdown"}


def main(
    *,
    since: str,
    until: str,
    form: str | None = None,
    session: str | None = None,
    output: str = "-",
    force: bool = False,
    data_dir: str | None = None,
    config: str | None = None,
) -> int:
    """Write the digest of [since, until), or of one session.

    Raises:
        UsageError: A time or format was typed wrongly (2).
        ConfigError: The file exists or cannot be written, or the configuration cannot be read (4).
        StoreError: The recording cannot be read (5).
        NoDataError: The range holds nothing, or no such session is known (7).
    """
    form = form or _ENDINGS.get(Path(output).suffix.lower(), "text")
    if form not in FORMATS:
        raise UsageError(f"--format: expected text or markdown, got {form!r}")
    from wftui.config import load
    from wftui.render import preferred

    where = places(data_dir, config)
    preferred.use(load(where))
    now_ns = clock.SystemClock().now().time_ns
    since_ns, until_ns = moment(since, now_ns), moment(until, now_ns)
    if since_ns >= until_ns:
        raise UsageError(f"--since {since!r} is not before --until {until!r}")
    from wftui.store.archive import open_archive

    since_s, until_s = since_ns // NS_PER_S, -(-until_ns // NS_PER_S)
    with open_archive(where.data_dir) as archive:
        if session is None:
            made = _of_range(archive, since_s, until_s, marked=form != "text")
        else:
            from wftui.cli.report_session import summary

            made = summary(archive, session, marked=form != "text")
    if output == "-":
        from wftui.cli.once import put

        put(made.encode())
        return 0
    from wftui.cli.output import OutputFile

    try:
        with OutputFile(output, force=force) as file:
            file.path.write_text(made, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{output}: cannot be written: {error.strerror or error}") from error
    return 0


def _of_range(archive: Archive, since_s: int, until_s: int, *, marked: bool) -> str:
    from wftui.cli.report_facts import digest
    from wftui.render import digest as drawn

    found = digest(archive, since_s, until_s)
    if found is None:
        raise NoDataError(f"no data from {drawn.moment(since_s)} to {drawn.moment(until_s)}")
    return drawn.markdown(found) if marked else drawn.plain(found)
