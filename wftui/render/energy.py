"""Energy and who used it, as calm text: every figure says how it is known, and how much of the range it covers."""

from typing import Final, NamedTuple

from wftui.energy.apportion import RULE
from wftui.model.sample import MEASURED
from wftui.render import text
from wftui.render.columns import aligned
from wftui.render.digest import moment
from wftui.render.report import Section
from wftui.store.energy import GPU, HOST, Device, Energy, Sum, total
from wftui.store.gpu_usage import Usage
from wftui.text import clean, cut_middle

J_PER_WH: Final = 3600.0
_NAME: Final = 20
"""With it a line has 80 cells."""
_UNITS: Final = ((1e6, "MWh"), (1e3, "kWh"), (1.0, "Wh"), (0.0, "mWh"))
_FULL: Final = 0.9995
_NOTES: Final = "How this is known"
_HOURS: Final = (
    "GPU h: utilisation over time. held h: hours times GPUs. "
    "idle h: of these, memory was held and nothing of theirs computed there."
)


class Price(NamedTuple):
    """What a kilowatt-hour costs."""

    per_kwh: float
    currency: str

    def of(self, joules: float | None) -> float | None:
        """The cost of so much; None: not known, or there is no price."""
        return None if joules is None or self.per_kwh <= 0 else joules / J_PER_WH / 1000 * self.per_kwh


_FREE: Final = Price(0.0, "-")


def watt_hours(joules: float | None) -> str:
    """``12.3 Wh``, ``1.23 kWh``."""
    if joules is None or joules != joules:
        return text.UNKNOWN
    value = joules / J_PER_WH
    if value == 0:
        return "0 Wh"
    scale, unit = next((item for item in _UNITS if abs(value) >= item[0] * 0.9995), _UNITS[-1])
    return f"{text.significant(value / (scale or 1e-3)).strip()} {unit}"


def money(cost: float | None, currency: str) -> str:
    """``0.123 EUR``; empty: there is no price."""
    if cost is None:
        return ""
    return f"{f'{cost:.3f}' if cost == 0 or cost >= 0.0005 else '<0.001'} {clean(currency, 12)}"


def share(ratio: float) -> str:
    """As percent that says 100 % only when nothing is missing."""
    return "100 %" if ratio >= _FULL else f"{min(99.9, ratio * 100):.1f} %"


def called(device: Device) -> str:
    """A device's name on a line."""
    if device.kind == HOST:
        return cut_middle(device.id, _NAME)
    number = "GPU" if device.number is None else f"GPU {device.number}"
    return cut_middle(clean(f"{number} {device.name.removeprefix('NVIDIA ') or device.id}"), _NAME)


def known(device: Device) -> str:
    """How its energy is known, in a few words."""
    if not device.parts:
        return "no reading" + (f" ({device.state})" if device.state not in ("", "ok") else "")
    measured = sum(item.joules for item in device.parts if item.quality == MEASURED)
    joules = device.joules or 0.0
    if device.quality == MEASURED:
        return "measured ±5 %" if device.kind == GPU else "measured"
    return f"{min(99.0, measured / joules * 100):.0f} % measured" if measured and joules else device.quality


def energy(found: Energy, price: Price) -> list[Section]:
    """The table of devices, the sums, and what has to be known about them."""
    if not found.devices:
        return [Section(_title(found.since_s, found.until_s), ["No device told its energy in this range."])]
    rows = [_row(found, item, price) for item in found.devices]
    lines: list[str] = []
    for kind, one, many in ((GPU, "GPU", "GPUs"), (HOST, "CPU package", "CPU packages")):
        devices = found.of(kind)
        if devices:
            rows.append(_sum(total(devices), one if len(devices) == 1 else many, price))
            lines += _silent(devices)
    heads = ("device", "energy", "mean", "covered", "cost", "known")
    inside = [item.id for item in found.devices if item.kind == HOST and not item.summed]
    if inside:
        lines.append(f"Not in the sum, for they may lie within a package or around it: {', '.join(inside)}.")
    lines += [
        f"{item[0].upper()}{item[1:]}." for item in sorted(
            {part.call for item in found.devices for part in item.parts if part.quality != MEASURED}
        ) if item
    ]  # fmt: skip
    asked = max(1, found.until_s - found.since_s)
    if found.recorded_s / asked < _FULL:
        lines.append(
            f"Recorded: {text.duration(found.recorded_s)} of {text.duration(asked)}; the rest is not known, not 0."
        )
    if found.level_s > 1:
        lines.append(f"Made from steps of {text.duration(found.level_s)}; the ends are cut to them.")
    if price.per_kwh > 0:
        lines.append(f"At {price.per_kwh:g} {clean(price.currency, 12)} per kWh (energy.price_per_kwh).")
    lines.append("Energy of boards and packages: power supplies, fans and the rest of the machine come on top.")
    return [
        Section(_title(found.since_s, found.until_s), aligned(heads, rows, (0, 5))),
        Section(_NOTES, lines),
    ]


def _title(since_s: int, until_s: int) -> str:
    return f"Energy, {moment(since_s)} to {moment(until_s)} ({text.duration(until_s - since_s)})"


def _row(found: Energy, item: Device, price: Price) -> tuple[str, ...]:
    mean = f"{text.significant(item.joules / item.known_s).strip()} W" if item.joules is not None else ""
    covered = share(found.coverage(item)) if item.parts else ""
    cost = money(price.of(item.joules), price.currency)
    return called(item), watt_hours(item.joules), mean, covered, cost, known(item)


def _sum(item: Sum, what: str, price: Price) -> tuple[str, ...]:
    said = "" if item.told == item.devices else f"{item.told} of {item.devices} told"
    return f"= {what}", watt_hours(item.joules), "", "", money(price.of(item.joules), price.currency), said


def _silent(devices: list[Device]) -> list[str]:
    silent = [item for item in devices if not item.parts]
    if not silent or len(silent) == len(devices):
        return []
    return [f"Not in the sum, for they told nothing: {', '.join(map(called, silent))}."]


def usage(found: Usage, by: str, boards: Energy, price: Price) -> list[Section]:
    """Who used the GPUs."""
    title = f"GPUs by {by}, {moment(found.since_s)} to {moment(found.until_s)}"
    if not found.uses:
        return [Section(title, ["No process on a GPU was recorded in this range."])]
    rows = [
        (
            cut_middle(clean(item.who), _NAME),
            "" if item.memory is None else text.size(item.memory).strip(),
            text.UNKNOWN if item.gpu_s is None else hours(item.gpu_s),
            watt_hours(item.joules),
            money(price.of(item.joules), price.currency),
            hours(item.held_s),
            hours(item.idle_s) if item.idle_s else "",
        )
        for item in found.uses
    ]
    lines = aligned((by, "holds now", "GPU h", "energy", "cost", "held h", "idle h"), rows)
    table, lines = Section(title, lines), []
    given = [item.joules for item in found.uses if item.joules is not None]
    drawn = total(boards.of(GPU))
    if given and drawn.joules is not None:
        rest = max(0.0, drawn.joules - sum(given))
        of = "" if drawn.told == drawn.devices else f" ({drawn.told} of {drawn.devices} GPUs have readings)"
        lines.append(f"{watt_hours(rest)} of {watt_hours(drawn.joules)} went to nobody{of}.")
    lines.append(_HOURS)
    lines.append(f"Energy is {RULE}.")
    asked = max(1, found.until_s - found.since_s)
    if found.recorded_s / asked < _FULL:
        lines.append(f"Recorded: {text.duration(found.recorded_s)} of {text.duration(asked)}.")
    return [table, Section(_NOTES, lines)]


def report(found: Energy) -> list[tuple[str, ...]]:
    """Rows for a digest, which holds no UUID: device, energy, mean, covered, known."""
    rows = [
        (
            *_row(found, item if item.name or item.kind != GPU else item._replace(name="without a name"), _FREE)[
                :4
            ],
            known(item),
        )
        for item in found.devices
    ]
    for kind, what in ((GPU, "GPUs"), (HOST, "CPU packages")):
        devices = found.of(kind)
        if len(devices) > 1:
            summed = _sum(total(devices), what, _FREE)
            rows.append((*summed[:4], summed[5]))
    return rows


def hours(seconds: float) -> str:
    """Hours: ``0.003``, ``0.25``, ``12.3``."""
    value = seconds / 3600
    return f"{value:.3f}" if 0 < value < 0.0995 else text.significant(value).strip()
