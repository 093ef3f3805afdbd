"""Who runs what on the scripted machine: the table of processes, and which of them hold GPUs."""

from collections.abc import Callable
from typing import Final, NamedTuple

from wftui.demo import story
from wftui.demo.host import GIB, UPTIME_S, reading, writing
from wftui.demo.noise import calm, quick
from wftui.demo.part import Part
from wftui.model.processes import row_key
from wftui.model.table import Row
from wftui.units import NS_PER_S

_TICKS: Final = 100
"""Of the kernel, per second."""
ANA, BEN, SERVE, ROOT = "ana", "ben", "vllm", "root"
TRAIN_PID: Final = 41_208
RANKS: Final = tuple(TRAIN_PID + 62 + rank for rank in range(4))
"""Pids of the training job, one per GPU."""
SERVER_PIDS: Final = (28_411, 28_412)
"""Pids of the model server of GPUs 4 and 5."""
API_PID: Final = 28_300
OLLAMA_PID, RUNNER_PID = 30_511, 30_702
LLAMA_PID, COMFY_PID, LOCKED_PID = 33_940, 36_118, 45_630
LEAKY_PID: Final = 52_004
NOTEBOOK_PID: Final = 17_350
JOB: Final = "slurm:4711"
_CONTAINER: Final = "5d0c71e9ab42"
_LEAKY_CONTAINER: Final = "b81f90c2667e"
_SLURM: Final = "job_4711"
_RUNNER: Final = "/usr/local/lib/ollama/llama-server"
_BLOBS: Final = "/srv/ollama/blobs"
_TURNS: Final = {"small": (71, 71 * 0.66), "split": (113, 113 * 0.66), "llama": (47, 31.0)}
"""Those that work in turns: seconds between two beginnings, and how many of them they work."""


class Person(NamedTuple):
    """One process."""

    pid: int
    parent: int
    user: str
    name: str
    command: str
    age_s: float
    """Before second 0 of the script; negative: it began later."""
    busy: float = 0.0
    """Cores, on average."""
    memory: float = 0.01 * GIB
    threads: int = 1
    like: str = ""
    """What its load follows: ``train``, ``serve``, ``load``, ``write``, or one of ``_TURNS``."""
    state: str = "S"
    cgroup: str = ""

    @property
    def start(self) -> int:
        """Clock ticks after boot."""
        return int((UPTIME_S - self.age_s) * _TICKS)

    @property
    def key(self) -> str:
        """Of its row."""
        return row_key(self.pid, self.start)


def leaky(t: float) -> Person:
    """The model server of GPU 6 that lives in a second, or is about to be started."""
    number = story.incident(t) + (1 if story.phase(t) >= story.FAULT_S else 0)
    born = story.FIRST_S + (number - 1) * story.CYCLE_S + story.BACK_S
    return Person(
        LEAKY_PID + 337 * number, 3_118, SERVE, "VLLM::EngineCor",
        "VLLM::EngineCore --model /srv/models/Qwen3-32B --port 8001 --enable-prefix-caching", -born,
        1.1, 11 * GIB, 148, "serve", cgroup=_LEAKY_CONTAINER,
    )  # fmt: skip


def split_born(t: float) -> float:
    """Second of the script in which the runner of Ollama's larger model began, the one of then."""
    number = story.incident(t) - (story.phase(t) < story.UNLOADED[1])
    return float(story.FIRST_S + number * story.CYCLE_S + story.UNLOADED[1])


def splitting(t: float) -> Person:
    """The runner of Ollama's larger model."""
    born = split_born(t)
    return Person(
        51_100 + 311 * (2 + int(born // story.CYCLE_S)), OLLAMA_PID, "ollama", "llama-server",
        f"{_RUNNER} --model {_BLOBS}/sha256-e796792e --port 43011 -c 8192 -np 1", -born, 14.0, 13.6 * GIB, 66,
        "split", cgroup="ollama.service",
    )  # fmt: skip


def training(rank: int) -> Person:
    """A rank of the training job."""
    return _PEOPLE[RANKS[rank]]


def person(pid: int) -> Person:
    """A process that lives as long as the script."""
    return _PEOPLE[pid]


def rows(second: int, epoch_s: int) -> dict[str, Row]:
    """The table of processes in a second of the script; ``epoch_s``: UTC second of its second 0."""
    found: dict[str, Row] = dict(_quiet(epoch_s))
    t = float(second)
    for one in _BUSY:
        found[one.key] = _row(one, epoch_s, *_load(one, t))
    if not story.FAULT_S <= story.phase(t) < story.BACK_S:
        one = leaky(t)
        found[one.key] = _row(one, epoch_s, *_load(one, t))
    if story.larger_loaded(t):
        one = splitting(t)
        found[one.key] = _row(one, epoch_s, *_load(one, t))
    return found


def part() -> Part:
    """How many there are, by state."""
    made = Part("processes", 2.0)
    for mode, number in (("running", 31.0), ("blocked", 0.0), ("stopped", 0.0), ("zombie", 0.0)):
        made.add("system.process.count", _count(number, mode), {"mode": mode})
    made.add("system.process.count", _count(len(_PEOPLE) - 31.0, "sleeping"), {"mode": "sleeping"})
    return made


def _count(number: float, mode: str) -> Callable[[float], float]:
    blocked = mode == "blocked"
    return lambda t: number + (5.0 if blocked and (story.loading(t) or story.saving(t)) else 0.0)


_idle: dict[int, dict[str, Row]] = {}


def _quiet(epoch_s: int) -> dict[str, Row]:
    """Those that do nothing: the same rows each time, so that nobody has to compare them."""
    if epoch_s not in _idle:
        _idle.clear()
        _idle[epoch_s] = {
            one.key: _row(one, epoch_s, 0.0, one.memory, 0.0, 0.0, one.state)
            for one in _PEOPLE.values()
            if not one.busy
        }
    return _idle[epoch_s]


def _load(one: Person, t: float) -> tuple[float, float, float, float, str]:
    """Cores, memory, bytes read and written per second, state."""
    read = write = 0.0
    busy = one.busy * (1 + 0.15 * quick(t, one.pid))
    memory = one.memory * (1 + 0.01 * calm(t / 20, one.pid))
    state = "R" if one.busy >= 0.5 else one.state
    if one.like == "train" and story.saving(t):
        busy, write, state = busy * 0.35, writing(t) / 4, "D"
    elif one.like == "feed":
        busy *= 0.2 if story.saving(t) else 1.0
        state = "R" if quick(t, one.pid) > 0.2 else "S"
    elif one.like == "serve":
        busy *= 0.3 + 1.2 * story.demand(t, 4)
    elif one.like in _TURNS:
        every, share = _TURNS[one.like]
        working = t % every < share
        busy, state = busy if working else 0.01, "R" if working else "S"
    if one.name.startswith("VLLM") and one.user == SERVE and one.pid >= LEAKY_PID and story.loading(t):
        read, busy, state = reading(t), 9.0 + calm(t, 3), "D"
        memory = one.memory + 22 * GIB * story.ramp(story.phase(t), story.BACK_S, story.LOADED_S)
    if one.like == "write":
        write = 1.3e6 + 1e6 * abs(calm(t, one.pid))
    return round(busy, 3), float(round(memory / 4096) * 4096), round(read), round(write), state


def _row(one: Person, epoch_s: int, busy: float, memory: float, read: float, write: float, state: str) -> Row:
    created = int((epoch_s - one.age_s) * NS_PER_S)
    own = one.user != ROOT
    return (
        one.pid, one.start, one.parent, one.user, one.name, one.command, state, busy, memory, one.threads,
        read if own else None, write if own else None, created, one.cgroup,
    )  # fmt: skip


def _everybody() -> list[Person]:
    day = 86_400.0
    boot = UPTIME_S - 2
    made = [
        Person(1, 0, ROOT, "systemd", "/sbin/init", UPTIME_S - 1, memory=0.013 * GIB),
        Person(2, 0, ROOT, "kthreadd", "", UPTIME_S - 1, memory=0),
        Person(871, 1, ROOT, "systemd-journal", "/usr/lib/systemd/systemd-journald", boot, 0.011, 0.12 * GIB,
               like="write", cgroup="systemd-journald.service"),
        Person(902, 1, ROOT, "systemd-udevd", "/usr/lib/systemd/systemd-udevd", boot),
        Person(1_204, 1, "systemd-network", "systemd-network", "/usr/lib/systemd/systemd-networkd", boot),
        Person(1_377, 1, ROOT, "irqbalance", "/usr/sbin/irqbalance --foreground", boot, 0.004),
        Person(1_390, 1, "_chrony", "chronyd", "/usr/sbin/chronyd -F 1", boot),
        Person(1_402, 1, "messagebus", "dbus-daemon", "/usr/bin/dbus-daemon --system", boot),
        Person(1_588, 1, ROOT, "sshd", "sshd: /usr/sbin/sshd -D [listener]", boot, cgroup="ssh.service"),
        Person(1_611, 1, ROOT, "nvidia-persiste", "/usr/bin/nvidia-persistenced --persistence-mode", boot,
               cgroup="nvidia-persistenced.service"),
        Person(1_640, 1, ROOT, "nv-fabricmanage", "/usr/bin/nv-fabricmanager -c fabricmanager.cfg", boot, 0.02,
               0.05 * GIB, 18, cgroup="nvidia-fabricmanager.service"),
        Person(1_702, 1, ROOT, "dockerd", "/usr/bin/dockerd -H fd://", boot, 0.03, 0.14 * GIB, 61,
               cgroup="docker.service"),
        Person(1_733, 1, ROOT, "containerd", "/usr/bin/containerd", boot, 0.02, 0.08 * GIB, 44,
               cgroup="containerd.service"),
        Person(1_812, 1, ROOT, "slurmd", "/usr/sbin/slurmd -D -s", boot, 0.002, 0.02 * GIB, 4,
               cgroup="slurmd.service"),
        Person(1_844, 1, "postgres", "postgres", "postgres: 16/main", boot, 0.003, 0.21 * GIB,
               cgroup="postgresql.service"),
        Person(1_851, 1_844, "postgres", "postgres", "postgres: walwriter", boot, 0.002, 0.03 * GIB,
               like="write", cgroup="postgresql.service"),
        Person(1_852, 1_844, "postgres", "postgres", "postgres: checkpointer", boot, memory=0.09 * GIB,
               cgroup="postgresql.service"),
        Person(1_930, 1, "node-exp", "node_exporter", "/usr/bin/node_exporter", boot, 0.012, 0.03 * GIB, 17),
        Person(3_117, 1, ROOT, "containerd-shim", "containerd-shim-runc-v2 -id 5d0c71e9ab42", 6 * day),
        Person(3_118, 1, ROOT, "containerd-shim", "containerd-shim-runc-v2 -id b81f90c2667e", 6 * day),
        # Serving: one model on two GPUs.
        Person(API_PID, 3_117, SERVE, "python3",
               "python3 -m vllm.entrypoints.openai.api_server --model /srv/models/Llama-4-Scout "
               "--served-model-name Llama-4-Scout --tp 2", 2.2 * day,
               0.9, 3.1 * GIB, 122, "serve", cgroup=_CONTAINER),
        *(Person(pid, API_PID, SERVE, "VLLM::Worker_TP", f"VLLM::Worker_TP{place}", 2.2 * day, 1.0, 14.2 * GIB, 96,
                 "serve", cgroup=_CONTAINER) for place, pid in enumerate(SERVER_PIDS)),
        Person(28_470, 3_117, SERVE, "nginx", "nginx: worker process", 2.2 * day, 0.08, 0.02 * GIB, like="serve",
               cgroup=_CONTAINER),
        # Training: a launcher, four ranks, six processes each that read data.
        Person(TRAIN_PID, 41_190, ANA, "torchrun",
               "torchrun --nproc-per-node 4 finetune.py --config configs/llama4-sft.yaml", 9_300.0, 0.01,
               0.4 * GIB, 9, cgroup=_SLURM),
        Person(41_190, 1_812, ROOT, "slurmstepd", "slurmstepd: [4711.batch]", 9_310.0, cgroup=_SLURM),
        *(Person(pid, TRAIN_PID, ANA, "python3", "python3 -u finetune.py --config configs/llama4-sft.yaml",
                 9_290.0, 1.04, 31.5 * GIB, 204, "train", cgroup=_SLURM) for pid in RANKS),
        *(Person(41_400 + 7 * number, RANKS[number // 6], ANA, "pt_data_worker",
                 "python3 -u finetune.py --config configs/llama4-sft.yaml", 9_240.0, 0.47, 3.6 * GIB, 12, "feed",
                 cgroup=_SLURM) for number in range(24)),
        # A notebook that holds memory and computes nothing.
        Person(17_301, 1, BEN, "jupyter-lab", "/home/ben/env/bin/jupyter-lab --no-browser --port 8888", 3.1 * day,
               0.004, 0.19 * GIB, 4, cgroup="user-1003.slice"),
        Person(NOTEBOOK_PID, 17_301, BEN, "python3", "python3 -m ipykernel_launcher -f kernel-3f.json", 3.0 * day,
               memory=12.8 * GIB, threads=71, cgroup="user-1003.slice"),
        Person(OLLAMA_PID, 1, "ollama", "ollama", "/usr/local/bin/ollama serve", 5 * day, 0.006, 0.35 * GIB, 33,
               cgroup="ollama.service"),
        Person(RUNNER_PID, OLLAMA_PID, "ollama", "llama-server",
               f"{_RUNNER} --model {_BLOBS}/sha256-a3de86cd --port 36417 -c 16384 -np 2", 0.4 * day, 1.0,
               1.2 * GIB, 41, "small", cgroup="ollama.service"),
        Person(LLAMA_PID, 1, BEN, "llama-server",
               "llama-server -m /srv/models/Qwen3-Coder-30B-A3B-Q4_K_M.gguf -ngl 0 --port 8080 --metrics",
               1.2 * day, 7.6, 18.1 * GIB, 18, "llama", cgroup="user-1003.slice"),
        Person(COMFY_PID, 1, BEN, "python3", "python3 main.py --listen 127.0.0.1 --port 8188", 0.9 * day, 0.8,
               6.4 * GIB, 58, "serve", cgroup="user-1003.slice"),
        Person(LOCKED_PID, 1, BEN, "llmster", "/home/ben/.lmstudio/llmster --headless", 5_100.0, 0.01,
               0.3 * GIB, 22, cgroup="user-1003.slice"),
        Person(44_020, 1, ANA, "tmux: server", "tmux new -s train", 9_800.0, 0.003, cgroup="user-1002.slice"),
        Person(44_021, 44_020, ANA, "bash", "-bash", 9_800.0, cgroup="user-1002.slice"),
        Person(44_090, 44_021, ANA, "tensorboard", "tensorboard --logdir /scratch/ana/runs", 9_000.0, 0.05,
               0.62 * GIB, 21, cgroup="user-1002.slice"),
        Person(45_311, 1_588, BEN, "sshd", "sshd: ben@pts/4", 5_200.0, cgroup="user-1003.slice"),
        Person(45_312, 45_311, BEN, "bash", "-bash", 5_200.0, cgroup="user-1003.slice"),
    ]  # fmt: skip
    quiet = [(12 + 6 * number, f"kworker/{2 * number}:1", "I") for number in range(30)]
    quiet += [(310 + number, f"nvme-wq/{number}", "I") for number in range(6)]
    quiet += [(700 + number, f"irq/{180 + number}-nvidia", "S") for number in range(8)]
    made += [Person(pid, 2, ROOT, name, "", boot, memory=0, state=state) for pid, name, state in quiet]
    return made


_PEOPLE: Final = {one.pid: one for one in _everybody()}
_BUSY: Final = tuple(one for one in _PEOPLE.values() if one.busy)
