"""What a process is part of: its batch job, the launcher that started it, its rank. Pure parsers."""

import re
from typing import Final, NamedTuple

_SLURM: Final = re.compile(rb"/job_(\d{1,10})(?:/|\n|\Z)")
_NUMBER: Final = re.compile(rb"\d{1,9}\Z")
_PYTHON: Final = re.compile(r"python[0-9.]*\Z")
_WITH_VALUE: Final = ("-X", "-W", "--check-hash-based-pycs")
"""Python's own options that are followed by a word."""

_PROGRAMS: Final = {
    "torchrun": "torchrun",
    "deepspeed": "deepspeed",
    "accelerate": "accelerate",
    "accelerate-launch": "accelerate",
    "horovodrun": "horovod",
    "mpirun": "mpi",
    "mpiexec": "mpi",
    "mpiexec.hydra": "mpi",
    "hydra_pmi_proxy": "mpi",
    "orterun": "mpi",
    "orted": "mpi",
    "prterun": "mpi",
    "prted": "mpi",
    "vllm": "vllm",
}
_MODULES: Final = (
    ("torch.distributed.run", "torchrun"),
    ("torch.distributed.launch", "torchrun"),
    ("deepspeed.launcher", "deepspeed"),
    ("accelerate.commands", "accelerate"),
    ("vllm.entrypoints", "vllm"),
    ("sglang.launch_server", "sglang"),
)

RANKS: Final = (b"RANK", b"SLURM_PROCID", b"LOCAL_RANK")
"""Variables that give a rank, the best first."""
_WANTED: Final = (*RANKS, b"WORLD_SIZE", b"SLURM_JOB_ID")


class Ranks(NamedTuple):
    """What the environment says of a process' part in a job; None: it does not."""

    rank: int | None = None
    world: int | None = None
    job: int | None = None
    """SLURM's number of the job."""


def slurm_job(cgroup: bytes) -> int | None:
    """The number of the SLURM job from ``/proc/PID/cgroup``; None outside of one.

    Source: slurm.schedmd.com/cgroups.html, ``…/job_4711/step_0/…`` in v1 and v2.
    """
    found = _SLURM.search(cgroup)
    return int(found[1]) if found else None


def launcher(command: bytes) -> str:
    """Which launcher of ranks the words of ``/proc/PID/cmdline`` are; empty: none that we know."""
    words = command[:4096].rstrip(b"\0").decode("utf-8", "replace").split("\0")
    program = words[0].rpartition("/")[2]
    if not _PYTHON.match(program):
        return _PROGRAMS.get(program, "")
    rest = iter(words[1:])
    for word in rest:
        if word == "-m":
            module = next(rest, "")
            return next((kind for start, kind in _MODULES if f"{module}.".startswith(f"{start}.")), "")
        if word == "-c":
            return ""
        if word in _WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            return _PROGRAMS.get(word.rpartition("/")[2], "")
    return ""


def ranks(environment: bytes) -> Ranks:
    """The numbers of ``/proc/PID/environ`` that tell a rank. Nothing else of it is looked at or kept."""
    found: dict[bytes, int] = {}
    text = b"\0" + environment
    for name in _WANTED:
        start = text.find(b"\0" + name + b"=")
        if start >= 0:
            start += len(name) + 2
            end = text.find(b"\0", start)
            value = text[start : end if end >= 0 else None]
            if _NUMBER.match(value):
                found[name] = int(value)
    rank = next((found[name] for name in RANKS if name in found), None)
    return Ranks(rank, found.get(b"WORLD_SIZE"), found.get(b"SLURM_JOB_ID"))
