"""Who a GPU process is: jobs, launchers, ranks, and why a pid is not ours to see."""

import os
import pwd
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.kernel_files import parse_or_refuse, plant
from wftui.collectors import files, gpu_owners
from wftui.collectors.gpu_jobs import Ranks, launcher, ranks, slurm_job
from wftui.collectors.gpu_owners import GONE, HOST, Owner, Owners

SLURM_V1 = "12:memory:/slurm/uid_1000/job_4711/step_0/task_0\n0::/system.slice\n"
SLURM_V2 = "0::/system.slice/slurmstepd.scope/job_4711/step_0/user/task_0\n"
ME = os.geteuid()
MY_NAME = pwd.getpwuid(ME).pw_name


def stat(pid: int, name: str = "python", parent: int = 1, start: int = 5000) -> str:
    return f"{pid} ({name}) S {parent} 0 0 0 -1 0 0 0 0 0 1 1 0 0 20 0 3 0 {start} 9999 7 1844\n"


def words(*argv: str) -> bytes:
    return b"\0".join(word.encode() for word in argv) + b"\0"


def put(root: Path, pid: int, line: str, **files: str | bytes) -> None:
    plant(root / str(pid), {"stat": line, **files})


def link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


@pytest.mark.parametrize("text", [SLURM_V1, SLURM_V2, "0::/x/job_4711", "0::/x/job_4711\n"])
def test_slurm_job_of_a_cgroup(text: str) -> None:
    assert slurm_job(text.encode()) == 4711


@pytest.mark.parametrize("text", ["0::/\n", "0::/user.slice/job_\n", "0::/x/job_47x1/y\n", "0::/myjob_4711a\n"])
def test_no_slurm_job(text: str) -> None:
    assert slurm_job(text.encode()) is None


@pytest.mark.parametrize(
    ("argv", "kind"),
    [
        (["/opt/bin/torchrun", "--nproc-per-node=8", "train.py"], "torchrun"),
        (["/usr/bin/python3.11", "-u", "/opt/bin/torchrun", "train.py"], "torchrun"),
        (["python", "-m", "torch.distributed.run", "train.py"], "torchrun"),
        (["python3", "-X", "utf8", "-m", "torch.distributed.launch", "x.py"], "torchrun"),
        (["/usr/bin/python", "-u", "-m", "deepspeed.launcher.launch", "--world_info=x"], "deepspeed"),
        (["python3", "/home/a/bin/accelerate", "launch", "x.py"], "accelerate"),
        (["mpirun", "-np", "8", "x"], "mpi"),
        (["/usr/bin/python3", "/usr/local/bin/vllm", "serve", "m"], "vllm"),
        (["python", "-m", "vllm.entrypoints.openai.api_server"], "vllm"),
        (["python", "-c", "import torchrun", "torchrun"], ""),
        (["python", "train.py", "torchrun"], ""),
        (["python", "-m", "torch.distributed.runner_of_mine"], ""),
        (["bash", "-c", "torchrun x.py"], ""),
        (["python", "-W"], ""),
        (["python"], ""),
        ([""], ""),
    ],
)
def test_launchers(argv: list[str], kind: str) -> None:
    assert launcher(words(*argv)) == kind


@given(st.binary(max_size=300))
def test_the_parsers_take_anything(data: bytes) -> None:
    parse_or_refuse((slurm_job, launcher, ranks), data)


def test_ranks_are_numbers_and_nothing_else() -> None:
    env = words("SECRET=RANK=9", "RANK=3", "LOCAL_RANK=1", "WORLD_SIZE=8", "SLURM_JOB_ID=77", "API_KEY=abc")
    assert ranks(env) == Ranks(3, 8, 77)
    assert ranks(words("MY_RANK=3", "WORLD_SIZE=many", "RANK=../../x", "SLURM_PROCID=5")) == Ranks(5, None, None)
    assert ranks(words("RANK=12345678901234567890")) == Ranks()
    assert ranks(b"") == Ranks()


def test_a_rank_of_torchrun(tmp_path: Path) -> None:
    put(
        tmp_path,
        812,
        stat(812, "torchrun", parent=700, start=4000),
        cmdline=words("python", "/b/torchrun", "t.py"),
    )
    put(tmp_path, 820, stat(820, "sh", parent=812, start=4100), cmdline=words("sh", "-c", "x"))
    put(
        tmp_path, 900, stat(900, "python", parent=820), cgroup="0::/user.slice/session-1.scope\n",
        environ=words("HOME=/root", "RANK=5", "WORLD_SIZE=8"),
    )  # fmt: skip
    expected = Owner(5000, MY_NAME, "python", "session-1.scope", "torchrun:812", 5)
    assert Owners(tmp_path, wait=True).look(900) == expected
    # In the thread it comes out the same; until then the user is a number.
    owners = Owners(tmp_path)
    assert owners.look(900)._replace(user="", job="", rank=None) == expected._replace(user="", job="", rank=None)
    assert owners.settle(5.0)
    assert owners.look(900) == owners.known(900) == expected


def test_ranks_are_not_read_when_that_is_switched_off(tmp_path: Path) -> None:
    put(tmp_path, 900, stat(900), cgroup=SLURM_V2, environ=words("RANK=5"))
    owner = Owners(tmp_path, read_ranks=False, wait=True).look(900)
    assert (owner.cgroup, owner.job, owner.rank) == ("job_4711", "slurm:4711", None)
    owner = Owners(tmp_path, wait=True).look(900)
    assert (owner.job, owner.rank) == ("slurm:4711", 5)


def test_the_environment_of_others_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, 900, stat(900), cgroup=SLURM_V2, environ=words("RANK=5"))
    monkeypatch.setattr(os, "geteuid", lambda: ME + 1)
    opened: list[str] = []
    real = files.read_once

    def noted(path: str | Path, limit: int = 4096) -> bytes:
        opened.append(str(path))
        return real(path, limit)

    monkeypatch.setattr("wftui.collectors.gpu_owners.read_once", noted)
    assert Owners(tmp_path, wait=True).look(900).rank is None
    assert opened
    assert not [path for path in opened if path.endswith("environ")]


def test_a_rank_without_a_job_is_none(tmp_path: Path) -> None:
    put(tmp_path, 900, stat(900), environ=words("RANK=5"))
    assert Owners(tmp_path, wait=True).look(900).rank is None


def test_a_job_of_a_container_comes_from_the_environment(tmp_path: Path) -> None:
    put(tmp_path, 900, stat(900), cgroup="0::/\n", environ=words("SLURM_JOB_ID=4711", "SLURM_PROCID=2"))
    assert Owners(tmp_path, wait=True).look(900)[4:6] == ("slurm:4711", 2)


def test_a_reused_pid_is_another_process(tmp_path: Path) -> None:
    owners = Owners(tmp_path, wait=True)
    put(tmp_path, 900, stat(900, "one"), cgroup=SLURM_V2)
    assert owners.look(900)[0] == 5000
    put(tmp_path, 900, stat(900, "two", start=6000), cgroup="0::/\n")
    owner = owners.look(900)
    assert (owner.start, owner.name, owner.job) == (6000, "two", "")
    owners.keep([])
    assert owners.known(900) is None


def test_hostile_names_are_cleaned(tmp_path: Path) -> None:
    put(tmp_path, 900, stat(900, "\x1b]0;x\x07) R"), cgroup="0::/\u202ex\n")
    owner = Owners(tmp_path, wait=True).look(900)
    assert owner.name.isprintable()
    assert owner.cgroup.isprintable()


def test_one_that_ended_is_gone(tmp_path: Path) -> None:
    assert Owners(tmp_path, alive=lambda _pid: False).look(900) == Owner(unseen=GONE)


@pytest.mark.parametrize("pid", [0, -1, 1 << 22, 2**32 - 1, 2**64 - 1])
def test_pids_that_cannot_be(tmp_path: Path, pid: int) -> None:
    assert Owners(tmp_path, alive=lambda _pid: pytest.fail("asked")).look(pid).unseen == GONE


@pytest.mark.parametrize("option", ["hidepid=2", "hidepid=invisible"])
def test_hidepid_is_named(tmp_path: Path, option: str) -> None:
    mount = f"22 1 0:20 / /proc rw,nosuid shared:1 - proc proc rw,{option}\n"
    plant(tmp_path, {"self/mountinfo": mount})
    owner = Owners(tmp_path, alive=lambda _pid: True).look(900)
    assert option in owner.unseen
    assert owner.start is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_refused_files_tell_the_user(tmp_path: Path) -> None:
    put(tmp_path, 900, stat(900))
    (tmp_path / "900" / "stat").chmod(0)
    owner = Owners(tmp_path).look(900)
    assert owner.user == str(ME)
    assert owner.unseen == gpu_owners.REFUSED


def test_in_a_container_a_number_of_the_host_is_not_ours(tmp_path: Path) -> None:
    link(tmp_path / "self" / "ns" / "pid", "pid:[4026532999]")
    put(tmp_path, 900, stat(900, "innocent"))
    link(tmp_path / "900" / "fd" / "0", "/dev/null")
    put(tmp_path, 901, stat(901, "ours"))
    link(tmp_path / "901" / "fd" / "3", "/dev/nvidiactl")
    owners = Owners(tmp_path, wait=True, alive=lambda _pid: False)
    assert owners.look(899) == Owner(unseen=HOST)
    assert owners.look(900) == Owner(unseen=HOST)
    assert owners.look(901).name == "ours"


def test_on_the_host_the_files_are_not_asked_for(tmp_path: Path) -> None:
    link(tmp_path / "self" / "ns" / "pid", "pid:[4026531836]")
    put(tmp_path, 900, stat(900, "train"))
    assert Owners(tmp_path, wait=True).look(900).name == "train"


def test_a_process_that_hangs_hides_only_its_own_rank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading the environment of a process that hangs in a driver may never return."""
    for pid in range(900, 906):
        put(tmp_path, pid, stat(pid), cgroup=SLURM_V2, environ=words(f"RANK={pid - 900}"))
    release = threading.Event()
    real = files.read_once

    def slow(path: str | Path, limit: int = 4096) -> bytes:
        if str(path).endswith("900/environ"):
            release.wait(30)
        return real(path, limit)

    monkeypatch.setattr("wftui.collectors.gpu_owners.read_once", slow)
    monkeypatch.setattr(gpu_owners, "PATIENCE_S", 0.0)
    owners = Owners(tmp_path)
    try:
        assert owners.look(900).name == "python"
        assert not owners.settle(0.05)
        for pid in range(901, 906):
            assert owners.look(pid).job == "slurm:4711"
            assert owners.settle(5.0)
            assert owners.look(pid).rank == pid - 900
        assert owners.look(900).rank is None
    finally:
        release.set()


def test_ourselves() -> None:
    owners = Owners(wait=True)
    me = owners.look(os.getpid())
    assert (me.user, me.unseen) == (MY_NAME, "") or me.unseen == HOST
