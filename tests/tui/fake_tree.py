"""A machine's processes with parents: init, services with workers, a shell with jobs, kernel threads."""

from __future__ import annotations

from tests.tui.fake import GIB, NOW_S, Fed
from wftui.model.processes import PROCESSES, row_key
from wftui.model.table import Row, TableChange
from wftui.tui.state import State
from wftui.wire import messages as wire

VLLM = "python3 -m vllm.entrypoints.openai.api_server --model /srv/models/Llama-4-70B --tp 8"
_FAMILY = (
    # pid, parent, user, name, command line, state, cpu, GiB
    (1, 0, "root", "systemd", "/sbin/init splash", "S", 0.001, 0.01),
    (2, 0, "root", "kthreadd", "", "S", 0.0, 0.0),
    (17, 2, "root", "ksoftirqd/0", "", "S", 0.004, 0.0),
    (44, 2, "root", "kworker/3:1-events", "", "I", 0.012, 0.0),
    (612, 1, "root", "containerd", "/usr/bin/containerd", "S", 0.008, 0.07),
    (1810, 612, "root", "containerd-shim", "containerd-shim-runc-v2 -id 3f2a9c11d0e4", "S", 0.0, 0.02),
    (1835, 1810, "ana", "python3", VLLM, "S", 0.31, 6.2),
    (1901, 1835, "ana", "VLLM::Worker_TP0", "VLLM::Worker_TP0", "R", 0.99, 4.1),
    (1902, 1835, "ana", "VLLM::Worker_TP1", "VLLM::Worker_TP1", "R", 0.97, 4.0),
    (1950, 1835, "ana", "python3", "python3 -c from multiprocessing.resource_tracker import main", "S", 0.0, 0.03),
    (733, 1, "postgres", "postgres", "/usr/lib/postgresql/16/bin/postgres -D /srv/postgresql/16", "S", 0.002, 0.2),
    (741, 733, "postgres", "postgres", "postgres: checkpointer", "S", 0.0, 0.05),
    (742, 733, "postgres", "postgres", "postgres: walwriter", "S", 0.03, 0.02),
    (743, 733, "postgres", "postgres", "postgres: ana models 127.0.0.1(51122) idle", "S", 0.0, 0.04),
    (911, 1, "root", "sshd", "sshd: /usr/sbin/sshd -D [listener]", "S", 0.0, 0.01),
    (2210, 911, "root", "sshd", "sshd: ana [priv]", "S", 0.0, 0.01),
    (2214, 2210, "ana", "bash", "-bash", "S", 0.0, 0.01),
    (2300, 2214, "ana", "tmux: server", "tmux new -s work", "S", 0.006, 0.01),
    (2310, 2300, "ana", "bash", "-bash", "S", 0.0, 0.01),
    (2377, 2310, "ana", "make", "make -j4 test", "S", 0.001, 0.02),
    (2390, 2377, "ana", "pytest", "/work/.venv/bin/python -m pytest -q tests", "R", 0.82, 0.4),
    (2391, 2390, "ana", "python", "python -c from multiprocessing.spawn import spawn_main", "R", 0.55, 0.2),
    (2402, 2214, "ana", "rsync", "rsync -a /srv/models/ backup:/models/", "D", 0.09, 0.06),
    (3001, 1, "ana", "ollama", "/usr/local/bin/ollama serve", "S", 0.02, 0.9),
    (3040, 3001, "ana", "ollama", "ollama runner --model qwen3:8b --port 41233", "S", 0.0, 5.2),
    (4242, 4000, "ana", "orphan", "./left-behind --of a-parent-that-ended", "S", 0.001, 0.01),
)  # fmt: skip


def rows() -> dict[str, Row]:
    """The table."""
    found: dict[str, Row] = {}
    for place, (pid, parent, user, name, command, state, cpu, memory) in enumerate(_FAMILY):
        began = 100 + pid
        theirs = user != "ana"
        copying = name == "rsync"
        found[row_key(pid, began)] = (
            pid, began, parent, user, name, command, state, cpu, memory * GIB, 1 + place % 5,
            None if theirs else (4.1e6 if copying else 0.0), None if theirs else (2.2e6 if copying else 0.0),
            (NOW_S - 90_000 + 20 * pid) * 10**9, "3f2a9c11d0e4" if pid in (1835, 1901, 1902, 1950) else "",
        )  # fmt: skip
    return found


def key(pid: int) -> str:
    """Of the process with this number."""
    return row_key(pid, 100 + pid)


def arrive(state: State, table: dict[str, Row], at_ns: int = NOW_S * 10**9) -> None:
    """A scan comes in."""
    state.on(wire.TableArrived(TableChange("processes", at_ns, keyframe=True, rows=table), PROCESSES))


def grown() -> State:
    """A fed state with this table."""
    state = Fed().run(last=120).furnish().state
    arrive(state, rows())
    return state
