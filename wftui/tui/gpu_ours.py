"""Which GPUs are ours: what a job's environment says, against the GPUs that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wftui.tui.gpus import Gpu


class Ours(NamedTuple):
    """The GPUs that a job was given."""

    uuids: frozenset[str]
    said_by: str
    """The environment variable, with its value."""


def mine(gpus: Sequence[Gpu], environment: Mapping[str, str]) -> Ours | None:
    """The GPUs that this shell's job was given; None: nothing says so, or what it says is of no GPU here.

    ``CUDA_VISIBLE_DEVICES`` holds numbers, UUIDs or their beginnings, and MIG instances (also in the old form
    ``MIG-GPU-…/3/0``); what stands after one that does not exist counts for nothing, as in CUDA. Numbers in it
    count the GPUs of the SLURM step or job, when those are given otherwise. Numbers are taken in the order of the
    bus (``CUDA_DEVICE_ORDER=PCI_BUS_ID``): CUDA's own order, the fastest first, is known to CUDA alone.
    """
    slurm: list[str] = []
    slurm_said = ""
    for name in ("SLURM_STEP_GPUS", "SLURM_JOB_GPUS"):
        if environment.get(name):
            found = [_numbered(gpus, number) for number in _spread(environment[name])]
            if found and all(found):
                slurm = [uuid for uuid in found if uuid]
                slurm_said = f"{name}={environment[name]}"
                break
    wanted = environment.get("CUDA_VISIBLE_DEVICES")
    if wanted is None:
        return Ours(frozenset(slurm), slurm_said) if slurm else None
    said = f"CUDA_VISIBLE_DEVICES={wanted}"
    uuids: list[str] = []
    items = [item.strip() for item in wanted.split(",")] if wanted.strip() else []
    direct = [_numbered(gpus, int(item)) for item in items if item.isdecimal()]
    relative = bool(slurm) and not set(direct) <= set(slurm)
    for item in items:
        if item.isdecimal():
            number = int(item)
            found_one = (slurm[number] if number < len(slurm) else "") if relative else _numbered(gpus, number)
        else:
            found_one = _named(gpus, item)
        if not found_one:
            break
        uuids.append(found_one)
    if items and not uuids and items[0] != "-1":
        return Ours(frozenset(slurm), slurm_said) if slurm else None
    return Ours(frozenset(uuids), said)


def _numbered(gpus: Sequence[Gpu], number: int) -> str:
    return next((gpu.uuid for gpu in gpus if gpu.number == number and not gpu.parent), "")


def _named(gpus: Sequence[Gpu], item: str) -> str:
    """The only GPU whose UUID begins so; of an old name of an instance the card has to do."""
    if item.startswith("MIG-GPU-"):
        item = item.removeprefix("MIG-").partition("/")[0]
    found = [gpu.uuid for gpu in gpus if item and gpu.uuid.lower().startswith(item.lower())]
    return found[0] if len(found) == 1 else ""


def _spread(words: str) -> list[int]:
    """``0,2-4`` to numbers; anything else to none."""
    out: list[int] = []
    for part in words.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            return []
        end = int(last) if dash else int(first)
        if not 0 <= end - int(first) < 1024:
            return []
        out += range(int(first), end + 1)
    return out
