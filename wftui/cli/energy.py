"""`wftop energy --since 1h`: joules and watt-hours of every GPU and CPU package, and what they cost."""

from typing import Any

from wftui import clock, config
from wftui.errors import NoDataError, UsageError
from wftui.paths import places
from wftui.units import NS_PER_S
from wftui.when import moment

SCHEMA_VERSION = 1


def main(
    *, since: str, until: str, json: bool = False, data_dir: str | None = None, config_file: str | None = None
) -> int:
    """Print the energy of [since, until).

    Raises:
        UsageError: A time was typed wrongly (2).
        ConfigError: The configuration cannot be read (4).
        StoreError: The recording cannot be read (5).
        NoDataError: Nothing was recorded in the range (7).
    """
    from wftui.cli import once
    from wftui.render import energy as drawn
    from wftui.render import preferred
    from wftui.render.digest import moment as shown
    from wftui.store.archive import open_archive
    from wftui.store.energy import energy

    where = places(data_dir, config_file)
    settings = config.load(where)
    preferred.use(settings)
    since_s, until_s = seconds(since, until)
    with open_archive(where.data_dir) as archive:
        found = energy(archive, since_s, until_s)
    if not found.recorded_s:
        raise NoDataError(f"no data from {shown(since_s)} to {shown(until_s)}")
    price = drawn.Price(settings.number("energy.price_per_kwh"), settings.text("energy.currency"))
    if json:
        return document(as_json(found, price))
    return once.show([(item.title, item.lines) for item in drawn.energy(found, price)], once.width())


def seconds(since: str, until: str) -> tuple[int, int]:
    """The range in whole UTC seconds.

    Raises:
        UsageError: It is no range.
    """
    now_ns = clock.SystemClock().now().time_ns
    since_ns, until_ns = moment(since, now_ns), moment(until, now_ns)
    if since_ns >= until_ns:
        raise UsageError(f"--since {since!r} is not before --until {until!r}")
    return since_ns // NS_PER_S, -(-until_ns // NS_PER_S)


def document(found: dict[str, Any]) -> int:  # Any: JSON values
    """Print JSON."""
    import msgspec

    from wftui.cli.once import put

    return put(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")


def as_json(found: Any, price: Any) -> dict[str, Any]:  # Any: store and render types, loaded late; JSON values
    """The energy as JSON values; what is not known is null."""
    from wftui.render.energy import J_PER_WH
    from wftui.store.energy import GPU, HOST, total

    def amount(joules: float | None) -> dict[str, float | None]:
        hours = None if joules is None else joules / J_PER_WH
        return {"joules": joules, "watt_hours": hours, "cost": price.of(joules)}

    devices = [
        {
            "kind": item.kind,
            "id": item.id,
            "index": item.number,
            "name": item.name,
            "state": item.state,
            **amount(item.joules),
            "known_s": item.known_s,
            "coverage": found.coverage(item),
            "quality": item.quality or None,
            "in_sum": item.summed,
            "parts": [part._asdict() for part in item.parts],
        }
        for item in found.devices
    ]
    sums = {kind: total(found.of(kind)) for kind in (GPU, HOST)}
    return {
        "schema_version": SCHEMA_VERSION,
        "since_s": found.since_s,
        "until_s": found.until_s,
        "recorded_s": found.recorded_s,
        "step_s": found.level_s,
        "price_per_kwh": price.per_kwh or None,
        "currency": price.currency if price.per_kwh else None,
        "devices": devices,
        "sums": {
            kind: {**amount(item.joules), "with_reading": item.told, "devices": item.devices}
            for kind, item in sums.items()
        },
    }
