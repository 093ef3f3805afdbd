"""`wftop doctor [--json] [--store] [--rebuild]`: what works here, what does not, and the exact fix of each."""

from contextlib import suppress

from wftui.cli import checks, checks_gpu
from wftui.cli.checks import Check
from wftui.errors import ConfigError
from wftui.paths import Places, places
from wftui.text import clean

_TITLES = {
    "sources": "Sources",
    "gpu": "GPUs",
    "paths": "Paths",
    "permissions": "Permissions",
    "versions": "Versions",
    "terminal": "Terminal",
    "cost": "Own cost",
    "store": "Store",
}


def main(
    *,
    json: bool,
    data_dir: str | None = None,
    config: str | None = None,
    store: bool = False,
    rebuild: bool = False,
) -> int:
    """Print every check; 0 when all is well, 1 when something needs a person.

    Args:
        json: As JSON.
        data_dir: Where the recording lies.
        config: Configuration file.
        store: Look at the store alone, at every byte of it.
        rebuild: Before that, make anew what is made from the segments.

    Raises:
        ConfigError: Not even the names of the folders can be found.
    """
    where = places(data_dir, config)
    if not json:
        _prefer(where)
    if store or rebuild:
        from wftui import clock
        from wftui.cli import checks_store

        now_ns = clock.SystemClock().now().time_ns
        found = checks_store.rebuild(where, now_ns) if rebuild else []
        # A damaged segment that is set aside only now is in none of what was made anew.
        found += checks_store.look(where, now_ns)
        return _print(found, json=json)
    found = [checks.settings(where), *checks.folders(where)]
    try:
        from wftui.cli.state import gather

        state = gather(where)
    except ConfigError:
        pass  # said by checks.settings; sources cannot be asked without it
    else:
        found = [*checks.sources(state), *checks_gpu.gpu(state), *found, *checks.cost(state)]
    found += [*checks.permissions(), *checks.versions(), *checks.terminal()]
    return _print(found, json=json)


def _prefer(where: Places) -> None:
    from wftui.config import load
    from wftui.render import preferred

    with suppress(ConfigError):  # said by checks.settings
        preferred.use(load(where))


def _print(found: list[Check], *, json: bool) -> int:
    needed = any(item.state == checks.BAD for item in found)
    if json:
        import msgspec

        from wftui.cli.once import put

        put(msgspec.json.format(msgspec.json.encode({"schema_version": 1, "checks": found}), indent=2) + b"\n")
    else:
        from wftui.cli.once import WIDTH, show, utf8, width

        marks = checks.MARKS if utf8() else checks.PLAIN_MARKS
        sections = [(title, _lines(found, area, marks)) for area, title in _TITLES.items()]
        show([(title, lines) for title, lines in sections if lines], max(width(), WIDTH))
    return 1 if needed else 0


def _lines(found: list[Check], area: str, marks: dict[str, str]) -> list[str]:
    lines = []
    for item in found:
        if item.area == area:
            fix = f" -> {clean(item.fix)}" if item.fix else ""
            lines.append(f"{marks[item.state]} {item.state:4} {item.name}: {clean(item.text)}{fix}")
    return lines
