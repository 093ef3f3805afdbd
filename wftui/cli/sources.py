"""`wftop sources [list|on NAME|off NAME]`: what is read, and what a person wants to be read.

A running recorder switches at once and remembers; without one the choice is written down for the next.
"""

from wftui import config, names, settings
from wftui.client.queries import Connection
from wftui.collectors.registry import host_collectors
from wftui.errors import ConfigError, ProtocolError, UsageError
from wftui.model import health
from wftui.model.health import Health
from wftui.paths import Places, places
from wftui.recorder import toggles
from wftui.recorder.push.known import SOURCE as PUSHES
from wftui.settings import GROUP_PREFIX
from wftui.text import clean
from wftui.wire import messages as m

_ACTIONS = ("list", "on", "off")


def main(
    action: str,
    wanted: list[str],
    *,
    json: bool = False,
    data_dir: str | None = None,
    config_file: str | None = None,
) -> int:
    """Run the command; 0 when it is done.

    Raises:
        UsageError: An unknown action, or no name with it.
        ConfigError: Settings cannot be read or written, or there is no such source.
        ProtocolError: The recorder refused.
    """
    where = places(data_dir, config_file)
    if action not in _ACTIONS:
        raise UsageError(f"expected list, on or off, got {action!r}")
    if (action == "list") is bool(wanted):
        more = "takes no names" if wanted else f"expects a name: wftop sources {action} NAME"
        raise UsageError(f"sources {action} {more}")
    for name in wanted:
        _switch(where, name, on=action == "on")
    found = _states(where)
    if json:
        import msgspec

        from wftui.cli.once import put

        put(msgspec.json.format(msgspec.json.encode({"schema_version": 1, "sources": found}), indent=2) + b"\n")
        return 0
    for item in found:
        if action == "list" or item.source in wanted:
            print(_line(item))  # noqa: T201  the command's output
    return 0


def _switch(where: Places, name: str, *, on: bool) -> None:
    try:
        connection = Connection(str(where.socket))
    except ProtocolError:  # nobody there: for the next one
        try:
            toggles.check(name, [*(item.name for item in host_collectors()), PUSHES])
        except ProtocolError as error:
            raise ConfigError(str(error)) from error
        settings.switch(where, name, on=on)
    else:
        with connection:
            connection.ask(m.SetSource(name, on), m.Ok)
    key, item = settings.key_of(name)
    loaded = config.load(where)
    if (item in loaded.names(key)) is on:
        import sys

        said = f"wftop: {loaded.origin(key)} says otherwise and wins when the next recorder starts"
        print(said, file=sys.stderr)  # noqa: T201  the command's word


def _states(where: Places) -> list[Health]:
    """Sources, then groups; without a recorder only what is switched off is known."""
    try:
        with Connection(str(where.socket)) as connection:
            found = connection.ask(m.Status(), m.StatusReply).sources
    except ProtocolError:
        loaded = config.load(where)
        off = {key: loaded.names(key) for key in (settings.SOURCES, settings.GROUPS)}
        found = [
            toggles.off_by_setting(name, settings.SOURCES)
            if name in off[settings.SOURCES]
            else Health(name, "", "no recorder runs")
            for name in (*(item.name for item in host_collectors()), PUSHES)
        ]
        pushers = sorted(filter(toggles.is_pusher, off[settings.SOURCES]))
        found += [toggles.off_by_setting(name, settings.SOURCES) for name in pushers]
        found += [toggles.off_by_setting(GROUP_PREFIX + name, settings.GROUPS) for name in off[settings.GROUPS]]
    known = {item.source for item in found}
    groups = [GROUP_PREFIX + group for group in names.GROUPS]
    return [*found, *(Health(name, health.OK) for name in groups if name not in known)]


def _line(item: Health) -> str:
    state = item.state or "-"
    more = item.reason
    if not more and item.interval_s:
        more = f"every {item.interval_s:g} s"
    fix = f" -> {item.fix}" if item.fix else ""
    return f"{item.source:14} {state:12} {clean(more)}{clean(fix)}".rstrip()
