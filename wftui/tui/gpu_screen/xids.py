"""What the driver's Xid errors mean and what to do about them, in a line each.

Source: NVIDIA, "Xid Errors" (docs.nvidia.com/deploy/xid-errors), the catalogue and its recommended actions.
"""

from __future__ import annotations

from typing import Final, NamedTuple

RESET: Final = "end its processes, then: nvidia-smi --gpu-reset -i BUS (or reboot)"
REPLACE: Final = "take it out of use and have it replaced; nvidia-bug-report.sh has what the vendor asks for"
SEAT: Final = "reboot; when it comes again check seating, power cables and the slot"
PROGRAM: Final = "a program's fault first: compute-sanitizer PROGRAM shows where"


class Xid(NamedTuple):
    """One kind of error."""

    words: str
    step: str
    hardware: bool
    """Whether the card is in doubt, not only the program that ran on it."""


XIDS: Final = {
    13: Xid("a kernel did something illegal", PROGRAM, hardware=False),
    31: Xid("a kernel read or wrote memory that is not its own", PROGRAM, hardware=False),
    32: Xid("a corrupted command stream", "update the driver; if it stays, check the slot", hardware=True),
    38: Xid("firmware error", "update the driver", hardware=True),
    43: Xid("a program's channel was stopped", PROGRAM, hardware=False),
    45: Xid("a program's work was taken down, often after another error", "look at the Xid before it",
            hardware=False),
    48: Xid("two bits of its memory were wrong at once", RESET, hardware=True),
    54: Xid("auxiliary power is not connected", "plug in the power cable of the card", hardware=True),
    61: Xid("its microcontroller hit a breakpoint", RESET, hardware=True),
    62: Xid("its microcontroller halted", RESET, hardware=True),
    63: Xid("a faulty row of memory will be replaced", RESET, hardware=True),
    64: Xid("a faulty row of memory could not be replaced", REPLACE, hardware=True),
    69: Xid("a graphics engine class error", PROGRAM, hardware=False),
    74: Xid("an NVLink failed", f"{RESET}; when it comes again check the bridge or the board", hardware=True),
    79: Xid("it has fallen off the bus", SEAT, hardware=True),
    92: Xid("many single bits of its memory were wrong", RESET, hardware=True),
    94: Xid("a memory error, contained to one program", "start that program again", hardware=False),
    95: Xid("a memory error that was not contained", RESET, hardware=True),
    109: Xid("switching between programs timed out", PROGRAM, hardware=False),
    119: Xid("its system processor (GSP) does not answer", f"{RESET}; then update the driver", hardware=True),
    120: Xid("its system processor (GSP) failed", f"{RESET}; then update the driver", hardware=True),
    140: Xid("a memory error that nothing recovered from", RESET, hardware=True),
    143: Xid("it could not be initialised", SEAT, hardware=True),
}  # fmt: skip


def meaning(number: int) -> Xid:
    """What an Xid says; unknown ones are taken as the card's own trouble."""
    found = XIDS.get(number)
    if found is not None:
        return found
    return Xid(
        "see NVIDIA's list of Xid errors", "journalctl -k | grep NVRM shows the driver's words", hardware=True
    )
