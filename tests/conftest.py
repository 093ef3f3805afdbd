"""Isolation for every test: folders of its own, a known terminal, no network."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.nvml import box
from tests.turns import Kind, Turns, in_order

# No deadline: on a busy two-core machine the scheduler, not the code, decides about 200 ms.
settings.register_profile("wftop", deadline=None, print_blob=True)
settings.register_profile("wftop-ci", parent=settings.get_profile("wftop"), derandomize=True)
settings.load_profile("wftop-ci" if os.environ.get("CI") else "wftop")

# What a shell, an SSH session, tmux or a CI service may set and the program or a library would read.
INHERITED = (
    "CI", "COLORTERM", "COLUMNS", "FORCE_COLOR", "GITHUB_ACTIONS", "LINES", "NO_COLOR", "NOTIFY_SOCKET",
    "SSH_CONNECTION", "SSH_TTY", "STY", "TERM_PROGRAM", "TMUX", "TTY_COMPATIBLE", "TTY_INTERACTIVE",
)  # fmt: skip
FOLDERS = {
    "XDG_CONFIG_HOME": "config",
    "XDG_DATA_HOME": "data",
    "XDG_STATE_HOME": "state",
    "XDG_CACHE_HOME": "cache",
}


PICTURED_ON = "8.2.8"
"""The Textual version that the snapshots were recorded on: another one draws its SVG a little differently."""


def pytest_configure() -> None:
    """Give each worker a session of its own.

    Linux shares the processor out among sessions, and by niceness only inside of one (sched_autogroup): so the
    sealer, the last in every queue, waits for its own test alone. In one session with other workers half a second
    of its work was measured to take eighteen.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        with suppress(OSError):  # it leads a group of processes already
            os.setsid()


_pictured = pytest.StashKey[dict[str, set[str]]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the users of ``snap_compare``, leave pictures out on other versions of what draws them, order all."""
    found = metadata.version("textual")
    known = config.stash.setdefault(_pictured, {})
    for item in items:
        names = known.setdefault(item.path.stem, set())
        if "snap_compare" in getattr(item, "fixturenames", ()):
            names.add(item.name)
            item.add_marker(pytest.mark.snapshot)
            if found != PICTURED_ON:
                reason = f"the pictures are of Textual {PICTURED_ON}, this is {found}"
                item.add_marker(pytest.mark.skip(reason=reason))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    items[:] = [items[place] for place in in_order([kind(item) for item in items], workers)]


def kind(item: pytest.Item) -> Kind:
    """Beside which others a test runs."""
    return next((found for found in ("alone", "quiet") if item.get_closest_marker(found)), "any")


@pytest.fixture
def pictured(request: pytest.FixtureRequest) -> dict[str, set[str]]:
    """Names of the tests that have a picture, by module, of all modules that were collected."""
    return request.config.stash[_pictured]


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around the timeout: waiting for the machine is not the test's time
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Where workers run tests side by side, let those that measure time have the machine for themselves."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return (yield)
    folder = Path(item.config.getoption("basetemp")).parent  # the workers' folders lie in it
    with Turns(folder).taken(kind(item)):
        return (yield)


def _ours(name: str) -> bool:
    """Whether wftop or the toolkit would read a variable; the snapshot plugin finds its own folder by one."""
    return name.startswith(("WFTOP_", "TEXTUAL")) and name != "TEXTUAL_SNAPSHOT_TEMPDIR"


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the test a home, private XDG folders and a plain environment, also for programs that it starts."""
    for name in [*INHERITED, *(name for name in os.environ if _ours(name))]:
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    for name, folder in FOLDERS.items():
        path = tmp_path / folder
        path.mkdir(mode=0o700)
        monkeypatch.setenv(name, str(path))
    # A socket's path holds 107 bytes at most and pytest's folders are long: a short one, 0700.
    runtime = tempfile.mkdtemp(prefix="wf", dir="/tmp")  # made by mkdtemp: private and unpredictable
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that connects to another machine; loopback and Unix sockets stay."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:  # Any: every family has its own kind of address
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in (
            "127.0.0.1",
            "::1",
            "localhost",
        ):
            pytest.fail(f"a test connected to {address[0]}")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(scope="session")
def nvml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the stand-in for libnvidia-ml.so.1, for ``box.environment``."""
    if box.compiler() is None:
        pytest.skip("no C compiler (gcc or cc): the stand-in for NVML cannot be built")
    return box.build(tmp_path_factory.mktemp("nvml"))
