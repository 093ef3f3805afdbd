"""`wftop gpus [--who --since 24h --by user|job|container|process]`: the GPUs now, and who used them."""

from wftui import config
from wftui.cli.energy import as_json, document, seconds
from wftui.errors import NoDataError, UsageError
from wftui.paths import Places, places

SCHEMA_VERSION = 1


def main(
    *,
    who: bool,
    since: str | None = None,
    until: str | None = None,
    by: str = "user",
    json: bool = False,
    data_dir: str | None = None,
    config_file: str | None = None,
) -> int:
    """Print the GPUs of now, or who used them in [since, until).

    Raises:
        UsageError: A time or way was typed wrongly (2).
        ConfigError: The configuration cannot be read (4).
        StoreError: The recording cannot be read (5).
        NoDataError: Nothing was recorded in the range (7).
    """
    from wftui.render import preferred

    where = places(data_dir, config_file)
    settings = config.load(where)
    # Before a time is read: those that are typed are of the chosen zone too.
    preferred.use(settings)
    if who:
        return _who(where, settings, seconds(since or "24h", until or "now"), by, json=json)
    if since is not None or until is not None or by != "user":
        raise UsageError("--since, --until and --by expect --who")
    from wftui.cli import once
    from wftui.cli.state import gather
    from wftui.render.gpus import gpus, now

    state = gather(where)
    if json:
        found = [item._asdict() for item in gpus(state)]
        return document({"schema_version": SCHEMA_VERSION, "time_ns": state.time_ns, "gpus": found})
    return once.show([(item.title, item.lines) for item in now(state)], once.width())


def _who(where: Places, settings: config.Config, span: tuple[int, int], by: str, *, json: bool) -> int:
    from wftui.cli import once
    from wftui.energy.apportion import RULE
    from wftui.render import energy as drawn
    from wftui.render.digest import moment as shown
    from wftui.store.archive import open_archive
    from wftui.store.energy import energy
    from wftui.store.gpu_usage import BY, usage

    if by not in BY:
        raise UsageError(f"--by: expected one of {', '.join(BY)}, got {by!r}")
    with open_archive(where.data_dir) as archive:
        found, boards = usage(archive, *span, by), energy(archive, *span)
    if not found.recorded_s:
        raise NoDataError(f"no data from {shown(span[0])} to {shown(span[1])}")
    price = drawn.Price(settings.number("energy.price_per_kwh"), settings.text("energy.currency"))
    if not json:
        return once.show(
            [(item.title, item.lines) for item in drawn.usage(found, by, boards, price)], once.width()
        )
    uses = []
    for item in found.uses:
        hours = None if item.joules is None else item.joules / drawn.J_PER_WH
        uses.append({**item._asdict(), "watt_hours": hours, "cost": price.of(item.joules)})
    return document(
        {
            "schema_version": SCHEMA_VERSION,
            "since_s": found.since_s,
            "until_s": found.until_s,
            "recorded_s": found.recorded_s,
            "by": by,
            "rule": RULE,
            "uses": uses,
            "boards": as_json(boards, price)["sums"]["gpu"],
        }
    )
