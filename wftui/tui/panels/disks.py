"""Disks: bytes by direction, busy share and queue of each device; how full each mount is."""

from __future__ import annotations

from typing import Final

from wftui.render import text
from wftui.render.palette import heat, warm_from
from wftui.tui.frame import Row, fit_row, outside, row_width
from wftui.tui.panels import parts
from wftui.tui.panels.window import Window, said, window
from wftui.tui.scene import Body, Scene, empty, gap

_IO: Final = "system.disk.io"
_BUSY: Final = "system.disk.utilization"
_FULL: Final = "system.filesystem.utilization"
_FULLISH: Final = 0.8
"""From here on the share of a mount is coloured, where nobody said otherwise."""


def devices(scene: Scene) -> list[str]:
    """Devices, those with the most bytes over the last minute first; equal ones as the recorder has them."""
    state = scene.state
    found = state.labels(_IO, "device")

    def weight(device: str) -> float:
        total = 0.0
        for direction in ("read", "write"):
            value = state.recent(60, _IO, ("device", device), ("direction", direction))
            total += value if value == value else 0.0
        # Steps of 4, so that two equal ones do not change places each second.
        return -float(int(total).bit_length() // 2) if total >= 4096 else 0.0

    return sorted(found, key=weight)


def line(scene: Scene, width: int) -> Row:
    """The subject in one line: the busiest device."""
    found = devices(scene)
    row: Row = [parts.label("disk", 5)]
    if not found:
        return fit_row([*row, ("no disks seen", "dim")], width)
    row += _rates(scene, found[0], width - 5, short=True)
    past = scene.state.past(2 * width, _BUSY, ("device", found[0]))
    return parts.with_spark(scene, row, [], width, past, 1.0, "disks")


def brief(scene: Scene) -> Row:
    """All disks in a few words."""
    row: Row = [("disk", "dim")]
    for direction, letter in (("read", "r"), ("write", "w")):
        rates = [scene.state.rate(_IO, ("device", device), ("direction", direction)) for device in devices(scene)]
        known = [rate for rate in rates if rate == rate]
        row += [(f" {letter}", direction), parts.figure(text.tiny(sum(known) if known else None).strip(), "text")]
    return row


def _rates(scene: Scene, device: str, width: int, *, short: bool) -> Row:
    state = scene.state
    read = state.rate(_IO, ("device", device), ("direction", "read"))
    write = state.rate(_IO, ("device", device), ("direction", "write"))
    busy = state.value(_BUSY, ("device", device))
    name = outside(device, min(10, max(3, width - 25)), scene.glyphs, middle=True)
    shape = text.short if short else text.rate
    return [
        (name, "text"),
        (" r", "read"),
        parts.figure(shape(read)),
        (" w", "write"),
        parts.figure(shape(write)),
        gap(1),
        (text.percent(busy), heat(busy, "disk")),
    ]


def draw(scene: Scene, width: int, height: int) -> Body:
    """One line a device, then the mounts; a graph of all reads and writes when there is room beside them."""
    state = scene.state
    found = devices(scene)
    mounts = state.labels(_FULL, "mount")
    if not found and not mounts:
        return empty("no disks seen", "the recorder finds none in /proc/diskstats")
    if width >= 84:
        side = min(46, width // 2)
        left = _graph(scene, found, width - side - 2, height)
        listing = _listing(scene, found, mounts, side, height)
        return Body(
            [
                [*row, gap(2), *(listing[place] if place < len(listing) else [gap(side)])]
                for place, row in enumerate(left)
            ],
            said(scene, "disks", _right(mounts), width),
        )
    rows = _listing(scene, found, mounts, width, height)
    free = height - len(rows)
    if free >= 2 and found and width >= 24:
        rows += _graph(scene, found, width, free)
    elif free == 1 and found:
        shown = window(scene, "disks", width)
        both = total([_sum(shown, found, direction, width) for direction in ("read", "write")], 2 * width)
        peak = max((value for value in both if value == value), default=0.0)
        rows.append(shown.spark(scene, both, width, text.round_up_bytes(max(peak, 1024.0)), "disks"))
    return Body(rows, said(scene, "disks", _right(mounts), width) if free > 0 and found else _right(mounts))


def _right(mounts: list[str]) -> Row:
    return [(f"{len(mounts)} mount{'s' if len(mounts) != 1 else ''}", "dim")] if mounts else []


def _graph(scene: Scene, found: list[str], width: int, height: int) -> list[Row]:
    """Reads above, writes below one centre line, over all devices."""
    shown = window(scene, "disks", width)
    both = _sum(shown, found, "read", width), _sum(shown, found, "write", width)
    return mirrored(scene, shown, width, height, both, ("read", "write"), ("read", "write"))


def _sum(shown: Window, found: list[str], direction: str, width: int) -> list[float]:
    columns = [shown.past(_IO, ("device", device), ("direction", direction)) for device in found]
    return total(columns, 2 * width)


def total(columns: list[list[float]], count: int) -> list[float]:
    """Sum of several pasts; a second counts while at least one of them knows it."""
    if not columns:
        return [float("nan")] * count
    out = columns[0]
    for column in columns[1:]:
        out = [
            (a + b if b == b else a) if a == a else b  # NaN is the only number that is not itself
            for a, b in zip(out, column, strict=True)
        ]
    return out


def mirrored(
    scene: Scene,
    shown: Window,
    width: int,
    height: int,
    both: tuple[list[float], list[float]],
    names: tuple[str, str],
    roles: tuple[str, str],
) -> list[Row]:
    """Two graphs around a centre line on one scale, with the scale and the present figures in their corners."""
    ruled = height >= 8
    up, down = both
    rows_left = height - ruled
    upper = (rows_left + 1) // 2
    lower = rows_left - upper
    peak = max((value for value in (*up, *down) if value == value), default=0.0)
    top = text.round_up_bytes(max(peak, 1024.0))
    rows = shown.area(scene, up, top, upper, roles[0])
    if lower:
        rows += shown.area(scene, down, top, lower, roles[1], down=True)
    scale = text.size(top).strip() + "/s"
    rows[0] = parts.overlay(rows[0], [(f"{names[0]} ", roles[0]), (f"{scale} ", "faint")], width)
    if lower >= 2:
        rows[-1] = parts.overlay(rows[-1], [(f"{names[1]} ", roles[1])], width)
    if ruled:
        rows.append(shown.ruler(scene, width))
    return rows


def _listing(scene: Scene, found: list[str], mounts: list[str], width: int, height: int) -> list[Row]:
    room_mounts = min(len(mounts), max(1, height // 2)) if mounts else 0
    headed = height >= 6 and width >= 34 and bool(found)
    rows = [_header(width)] if headed else []
    rows += [
        _device(scene, device, width, headed=headed) for device in found[: max(1, height - headed - room_mounts)]
    ]
    free = height - len(rows)
    full = sorted(mounts, key=lambda mount: -_known(scene.state.value(_FULL, ("mount", mount))))
    if headed and free > len(mounts) + 4:
        rows.append([gap(width)])
    return rows + [_mount(scene, mount, width) for mount in full[: height - len(rows)]]


def _known(value: float) -> float:
    return value if value == value else 0.0


def _wide(width: int) -> bool:
    """Whether there is a column for the queue."""
    return width >= 42


def _header(width: int) -> Row:
    queue = " queue" if _wide(width) else ""
    return [(f"{'device':<{width - 20 - len(queue)}}{'read':>7}{'write':>7}{'busy':>6}{queue}", "dim")]


def _device(scene: Scene, device: str, width: int, *, headed: bool) -> Row:
    """Name, read, write, busy; the queue where it is wide. Letters say which is which where no heading does."""
    state = scene.state
    read = state.rate(_IO, ("device", device), ("direction", "read"))
    write = state.rate(_IO, ("device", device), ("direction", "write"))
    busy = state.value(_BUSY, ("device", device))
    warmth = heat(busy, "disk") if busy >= 0.005 else "dim"
    if not headed:
        share = text.percent(busy).replace(" %", "%")[-4:].rjust(4)
        tail: Row = [("r", "read"), parts.figure(text.tiny(read)), (" w", "write"), parts.figure(text.tiny(write))]
        tail += [gap(1), (share, warmth)]
        name = max(1, width - row_width(tail) - 1)
        return fit_row([(outside(device, name, scene.glyphs, middle=True), "text"), gap(1), *tail], width)
    tail = [
        gap(2),
        (text.short(read), "read" if read >= 1 else "dim"),
        gap(2),
        (text.short(write), "write" if write >= 1 else "dim"),
        gap(1),
        (text.percent(busy), warmth),
    ]
    if _wide(width):
        queue = state.value("system.disk.queue", ("device", device))
        tail += [gap(1), parts.figure(text.decimal(queue), "text")]
    return [(outside(device, width - row_width(tail), scene.glyphs, middle=True), "text"), *tail]


def _mount(scene: Scene, mount: str, width: int) -> Row:
    state = scene.state
    full = state.value(_FULL, ("mount", mount))
    limit = state.value("system.filesystem.limit", ("mount", mount))
    name = max(3, min(14, width // 3))
    row: Row = [(outside(mount, name, scene.glyphs, middle=True), "text"), gap(1)]
    tail: Row = [
        gap(1),
        (text.percent(full), heat(full, "disk") if full > warm_from("disk", _FULLISH) else "text"),
    ]
    if width >= 30:
        tail += [(" of ", "dim"), parts.figure(text.short(limit), "text")]
    bar = width - row_width(row) - row_width(tail)
    return fit_row([*row, *parts.meter(scene, full, max(0, bar), scale="disk"), *tail], width)
