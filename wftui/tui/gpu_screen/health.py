"""The health of one GPU: a handful of checks, each ok or in trouble, with what to do and since when. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wftui.model import gpus as cells
from wftui.model import health as states
from wftui.render import text
from wftui.tui.gpu_screen.fields import series_of
from wftui.tui.gpu_screen.xids import REPLACE, RESET, meaning

if TYPE_CHECKING:
    from wftui.model.table import Row as Cells
    from wftui.tui.state import State

GOOD: Final = "good"
WARN: Final = "warn"
BAD: Final = "bad"
NONE: Final = "dim"
"""Nothing is known: the card does not tell, or nobody asked yet."""
_RANK: Final = {BAD: 0, WARN: 1, GOOD: 2, NONE: 3}
_NS: Final = 1_000_000_000
_FRESH_S: Final = 600
"""A program's own Xid is trouble for so long."""
_LOADED: Final = 0.5
"""From this utilisation on a link is expected to run as fast as it can: idle ones rest at generation 1."""
_NEAR_C: Final = 5.0
_CAPPED: Final = "power_cap"
_ACTIONS: Final = {
    "power_cap": "raise the limit (nvidia-smi -pl) or give it less work",
    "hw_slowdown": "check power supply and cooling; dmesg names the cause",
    "sync_boost": "another GPU of the group holds it back: look at that one",
    "sw_thermal": "more air: fans, dust, the distance between cards, inlet temperature",
    "hw_thermal": "cool it now: it protects itself by halving its clocks",
    "hw_power_brake": "the server's power supply asked for it: check its redundancy and load",
}


class Check(NamedTuple):
    """One check's result."""

    name: str
    level: str
    """The role that it is drawn in: ``good``, ``warn``, ``bad``, ``dim``."""
    words: str
    step: str = ""
    """What to do; empty: nothing."""
    since_ns: int | None = None
    """None: not known, or well."""


def checks(state: State, uuid: str, row: Cells | None, now_ns: int) -> list[Check]:
    """All checks of a GPU, in a fixed order."""
    seen = _Seen(state, uuid, row, now_ns)
    found = [
        _answers(seen), _xid(seen), _ecc(seen), _rows(seen), _clocks(seen), _heat(seen), _pcie(seen),
        _nvlink(seen),
    ]  # fmt: skip
    if seen.cell(cells.STATE) not in ("", states.OK):
        # What was well when it last answered is not known to be so now; the driver's errors are.
        return [*found[:2], *(_unknown(check, "not known now", GOOD, NONE) for check in found[2:])]
    if seen.cell(cells.PARENT):
        return [found[0], *(_unknown(check, "told of the whole card", NONE) for check in found[1:])]
    return found


def _unknown(check: Check, words: str, *levels: str) -> Check:
    return check._replace(level=NONE, words=words) if check.level in levels else check


def worst(found: list[Check]) -> str:
    """The worst level among checks."""
    return min((check.level for check in found), key=lambda level: _RANK[level], default=NONE)


class _Seen:
    """What is asked of one GPU again and again."""

    def __init__(self, state: State, uuid: str, row: Cells | None, now_ns: int) -> None:
        self.state = state
        self.uuid = uuid
        self.row = row
        self.now_ns = now_ns

    def value(self, name: str) -> float:
        return self.state.newest(series_of(name, self.uuid), counter=False)

    def rate(self, name: str) -> float:
        return self.state.newest(series_of(name, self.uuid), counter=True)

    def cell(self, place: int) -> str:
        value = self.row[place] if self.row is not None else None
        return str(value) if value is not None else ""

    def time(self, place: int) -> int | None:
        value = self.row[place] if self.row is not None else None
        return int(value) if isinstance(value, int | float) and value > 0 else None

    def happened(self, kind: str) -> int | None:
        """When an event of this kind about this GPU came first, among those that are known."""
        for event in self.state.events:
            if event.type == kind and event.aggregate_id == self.uuid:
                return event.time_ns
        return None


def _answers(seen: _Seen) -> Check:
    name = "answers"
    word = seen.cell(cells.STATE)
    reason, fix, since = seen.cell(cells.REASON), seen.cell(cells.FIX), seen.time(cells.SINCE)
    if not word:
        return Check(name, NONE, "no word from its source yet")
    if word == states.OK:
        return Check(name, GOOD, reason or "every call comes back")
    if word in (states.ASLEEP, states.UNSUPPORTED):
        sleeping = "asleep: left alone, so that it stays so" if word == states.ASLEEP else word
        return Check(name, NONE, reason or sleeping, fix, since)
    level = WARN if word in (states.DENIED, states.LATE) else BAD
    return Check(name, level, reason or word, fix, since)


def _xid(seen: _Seen) -> Check:
    number, when = seen.time(cells.LAST_XID), seen.time(cells.LAST_XID_TIME)
    if number is None:
        count = seen.value("xid")
        if count != count:
            return Check("Xid", NONE, "no word on driver errors")
        return Check("Xid", GOOD, "none seen" if count == 0 else f"{count:.0f} seen")
    told = meaning(number)
    fresh = when is None or seen.now_ns - when < _FRESH_S * _NS
    words = f"Xid {number}: {told.words}"
    if not told.hardware and not fresh:
        return Check("Xid", GOOD, words, "", when)
    step = told.step.replace("BUS", seen.cell(cells.BUS) or "INDEX")
    return Check("Xid", BAD if told.hardware else WARN, words, step, when)


def _ecc(seen: _Seen) -> Check:
    wrong, mended = seen.value("ecc.errors:uncorrected"), seen.value("ecc.errors:corrected")
    ever = seen.value("ecc.lifetime.errors:uncorrected")
    if wrong != wrong and mended != mended:
        off = seen.cell(cells.ECC) == "off"
        return Check("ECC", NONE, "switched off" if off else "not told by this card")
    if wrong > 0:
        return Check("ECC", BAD, f"{wrong:.0f} uncorrected since the driver was loaded",
                     RESET.replace("BUS", seen.cell(cells.BUS) or "INDEX"), seen.happened("gpu.ecc"))  # fmt: skip
    said = [f"{mended:.0f} corrected" if mended > 0 else "no errors since the driver was loaded"]
    if ever > 0:
        said.append(f"{ever:.0f} uncorrected in its life")
    return Check("ECC", GOOD, ", ".join(said))


def _rows(seen: _Seen) -> Check:
    name = "bad memory"
    bus = seen.cell(cells.BUS) or "INDEX"
    since = seen.happened("gpu.ecc")
    failure, waiting = seen.value("memory.remapped_rows:failure"), seen.value("memory.remapped_rows:pending")
    pages = seen.value("memory.retired_pages:pending")
    if failure > 0:
        return Check(name, BAD, "a faulty row could not be replaced", REPLACE, since)
    if waiting > 0 or pages > 0:
        what = "a faulty row" if waiting > 0 else "a faulty page"
        return Check(name, WARN, f"{what} waits for a reset to be taken out", RESET.replace("BUS", bus), since)
    rows = [seen.value(f"memory.remapped_rows:{mode}") for mode in ("corrected", "uncorrected")]
    lost = [seen.value(f"memory.retired_pages:{mode}") for mode in ("single_bit", "double_bit")]
    known = [value for value in (*rows, *lost) if value == value]
    if not known and failure != failure:
        return Check(name, NONE, "not told by this card")
    replaced, retired = (sum(value for value in some if value == value) for some in (rows, lost))
    said = [f"{replaced:.0f} rows replaced" if replaced else "", f"{retired:.0f} pages retired" if retired else ""]
    return Check(name, GOOD, ", ".join(word for word in said if word) or "no row or page taken out")


def _clocks(seen: _Seen) -> Check:
    reasons = [word.strip() for word in seen.cell(cells.THROTTLED).split(",") if word.strip()]
    held = [word for word in reasons if word not in cells.HARMLESS]
    if not held:
        if seen.cell(cells.STATE) != states.OK and not reasons:
            return Check("clocks", NONE, "not known now")
        calm = cells.REASONS.get(reasons[0], reasons[0]) if reasons else "free"
        return Check("clocks", GOOD, "free" if calm == "free" else f"not held back: {calm}")
    words = ", ".join(cells.REASONS.get(word, word) for word in held)
    # A power limit is a setting; the others are heat and hardware.
    level = WARN if set(held) <= {_CAPPED, "sync_boost", "sw_thermal"} else BAD
    first = next((word for word in held if word != _CAPPED), held[0])
    return Check("clocks", level, words, _ACTIONS.get(first, ""), seen.time(cells.THROTTLED_SINCE))


def _heat(seen: _Seen) -> Check:
    pairs = (("gpu", "slowdown", "GPU"), ("hotspot", "slowdown", "hot spot"), ("memory", "memory", "memory"))
    found: list[tuple[float, str, Check]] = []
    for sensor, limit, words in pairs:
        now, most = seen.value(f"temperature:{sensor}"), seen.value(f"temperature.limit:{limit}")
        if now != now:
            continue
        if most != most:
            said = f"{words} {text.celsius(now).strip()}, its limit is not told"
            found.append((-1e3, sensor, Check("heat", GOOD, said)))
            continue
        room = most - now
        said = f"{words} {text.celsius(now).strip()} of {text.celsius(most).strip()}"
        level = BAD if room <= 0 else WARN if room <= _NEAR_C else GOOD
        step = "" if level == GOOD else _ACTIONS["sw_thermal"]
        since = _above(seen, sensor, most - _NEAR_C) if level != GOOD else None
        found.append((-room, sensor, Check("heat", level, said, step, since)))
    if not found:
        return Check("heat", NONE, "no temperature known")
    return max(found, key=lambda item: item[0])[2]


def _above(seen: _Seen, sensor: str, degrees: float) -> int | None:
    """Since when a temperature has been over a line, as far as the graphs reach."""
    past = seen.state.past(600, "hw.gpu.temperature", ("gpu", seen.uuid), ("sensor", sensor))
    ahead = seen.state.ahead
    seconds = 0
    for value in reversed(past[: len(past) - ahead] if ahead else past):
        if not value >= degrees:
            break
        seconds += 1
    return seen.now_ns - seconds * _NS if seconds else None


def _pcie(seen: _Seen) -> Check:
    generation, best = seen.value("pcie.generation:current"), seen.value("pcie.generation:maximum")
    width, lanes = seen.value("pcie.width:current"), seen.value("pcie.width:maximum")
    if generation != generation and width != width:
        return Check("PCIe", NONE, "not told by this card")
    now = f"Gen {_whole(generation)} x{_whole(width)}"
    can = f"Gen {_whole(best)} x{_whole(lanes)}"
    narrow, slow = width < lanes, generation < best
    if not (narrow or slow):
        replays = seen.rate("pcie.replays")
        if replays > 1:
            return Check("PCIe", WARN, f"{now}, {replays:.0f} packets a second sent again",
                         "check seating, riser and slot")  # fmt: skip
        return Check("PCIe", GOOD, f"{now}, all it can")
    busy = seen.state.recent(10, "hw.gpu.utilization", ("gpu", seen.uuid))
    if busy >= _LOADED:
        step = (
            "check the slot, riser and BIOS; seat the card anew" if narrow else "check BIOS link speed and riser"
        )
        return Check("PCIe", WARN, f"{now} under load, it can {can}", step)
    return Check("PCIe", GOOD, f"{now} while idle, it can {can}")


def _nvlink(seen: _Seen) -> Check:
    up, down = seen.value("nvlink.links:active"), seen.value("nvlink.links:inactive")
    if up != up or up + (down if down == down else 0) == 0:
        return Check("NVLink", NONE, "this card has none")
    kinds = ("crc", "replay", "recovery")
    totals = {kind: seen.value(f"nvlink.errors:{kind}") for kind in kinds}
    growing = [kind for kind in kinds if seen.rate(f"nvlink.errors:{kind}") > 0]
    if growing:
        words = " and ".join(growing)
        return Check(
            "NVLink", WARN, f"{words} errors grow now", "check bridge, cable and switch; Xid 74 names the link"
        )
    if totals["recovery"] > 0:
        return Check("NVLink", WARN, f"{totals['recovery']:.0f} links had to recover",
                     "nvidia-smi nvlink -e names the link", seen.happened("gpu.xid"))  # fmt: skip
    said = f"{up:.0f} up" + (f", {down:.0f} down" if down > 0 else "")
    errors = sum(value for value in totals.values() if value == value)
    return Check("NVLink", GOOD, f"{said}, {errors:.0f} errors mended" if errors else said)


def _whole(value: float) -> str:
    return f"{value:.0f}" if value == value else "?"


def since_words(check: Check, now_ns: int) -> str:
    """``since 02:10``, ``since 2026-11-20 02:10``; empty where it is not known."""
    return "" if check.since_ns is None else since(check.since_ns, now_ns)


def since(then_ns: int, now_ns: int) -> str:
    """``since 02:10``, with the day where it is another one."""
    then_s = then_ns / _NS
    day = "" if text.day(then_s) == text.day(now_ns / _NS) else f"{text.day(then_s)} "
    return f"since {day}{text.clock(then_s)[:5]}"
