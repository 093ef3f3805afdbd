"""`wftop doctor [--json]`: what works here, what does not, and the exact fix of each."""

from wftui.cli import checks
from wftui.cli.checks import Check
from wftui.errors import ConfigError
from wftui.paths import places
from wftui.text import clean

_TITLES = {
    "sources": "Sources",
    "paths": "Paths",
    "permissions": "Permissions",
    "versions": "Versions",
    "terminal": "Terminal",
    "cost": "Own cost",
}


def main(*, json: bool, data_dir: str | None = None, config: str | None = None) -> int:
    """Print every check; 0 when all is well, 1 when something needs a person.

    Raises:
        ConfigError: Not even the names of the folders can be found.
    """
    where = places(data_dir, config)
    found = [checks.settings(where), *checks.folders(where)]
    try:
        from wftui.cli.state import gather

        state = gather(where)
    except ConfigError:
        pass  # said by checks.settings; sources cannot be asked without it
    else:
        found = [*checks.sources(state), *found, *checks.cost(state)]
    found += [*checks.permissions(), *checks.versions(), *checks.terminal()]
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
