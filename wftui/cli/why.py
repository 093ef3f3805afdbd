"""`wftop why --at 14:32`: what was different around a moment from the time before."""

from typing import Any

from wftui import clock, config
from wftui.errors import NoDataError, UsageError
from wftui.paths import places
from wftui.when import duration, moment

SCHEMA_VERSION = 1
_DEADLINE_S = 10.0


def main(
    *,
    at: str,
    window: str,
    before: str,
    json: bool = False,
    data_dir: str | None = None,
    config_file: str | None = None,
) -> int:
    """Print it.

    Raises:
        UsageError: A time was typed wrongly (2).
        ConfigError: The configuration cannot be read (4).
        StoreError: The recording cannot be read (5).
        NoDataError: Nothing was recorded then (7).
    """
    from wftui.history.why import MOST_BEFORE_S, MOST_WINDOW_S, why
    from wftui.render import preferred
    from wftui.render import why as drawn
    from wftui.render.digest import moment as shown
    from wftui.store.archive import open_archive
    from wftui.wire.messages import Why

    where = places(data_dir, config_file)
    preferred.use(config.load(where))
    at_ns = moment(at, clock.SystemClock().now().time_ns)
    question = Why(
        at_ns, _seconds("--window", window, 2, MOST_WINDOW_S), _seconds("--before", before, 60, MOST_BEFORE_S)
    )
    with open_archive(where.data_dir) as archive:
        found = why(archive, question, _DEADLINE_S)
    if not found.window_known_s:
        raise NoDataError(f"no data from {shown(found.from_s)} to {shown(found.until_s)}")
    if json:
        return _document(found)
    from wftui.cli import once

    return once.show(drawn.sections(found), once.width())


def _seconds(option: str, typed: str, least: int, most: int) -> int:
    found = round(duration(typed))
    if not least <= found <= most:
        raise UsageError(f"{option}: expected {least} s to {most // 60} min, got {typed!r}")
    return found


def _document(answer: Any) -> int:  # Any: a model.why.Answer, loaded late
    import msgspec

    from wftui.cli.once import put
    from wftui.render.why import headline, named

    def series(item: Any) -> dict[str, Any]:  # Any: a model.why.Moved; JSON values
        told = msgspec.to_builtins(item)
        told["series"] = told.pop("column")["series"]["text"]
        told["name"] = named(item.column.series, answer.gpus)
        return {key: None if value != value else value for key, value in told.items()}

    found = {
        "schema_version": SCHEMA_VERSION,
        "summary": headline(answer),
        **msgspec.to_builtins(answer),
        "moved": [series(item) for item in answer.moved],
    }
    return put(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
