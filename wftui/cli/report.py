"""`wftop report --since 24h`: a readable digest of what was recorded. It aggregates and names nobody."""

from pathlib import Path
from typing import Final

from wftui import clock
from wftui.errors import ConfigError, NoDataError, UsageError
from wftui.paths import places
from wftui.units import NS_PER_S
from wftui.when import moment

FORMATS: Final = ("text", "markdown")
_ENDINGS: Final = {".md": "markdown", ".markdown": "markdown"}


def main(
    *,
    since: str,
    until: str,
    form: str | None = None,
    output: str = "-",
    force: bool = False,
    data_dir: str | None = None,
    config: str | None = None,
) -> int:
    """Write the digest of [since, until).

    Raises:
        UsageError: A time or format was typed wrongly (2).
        ConfigError: The file exists or cannot be written, or the configuration cannot be read (4).
        StoreError: The recording cannot be read (5).
        NoDataError: The range holds nothing (7).
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
    from wftui.cli.report_facts import digest
    from wftui.render.digest import markdown, plain
    from wftui.render.digest import moment as shown
    from wftui.store.archive import open_archive

    since_s, until_s = since_ns // NS_PER_S, -(-until_ns // NS_PER_S)
    with open_archive(where.data_dir) as archive:
        found = digest(archive, since_s, until_s)
    if found is None:
        raise NoDataError(f"no data from {shown(since_s)} to {shown(until_s)}")
    made = plain(found) if form == "text" else markdown(found)
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
