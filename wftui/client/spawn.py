"""Start a recorder for a view, detached from its terminal."""

import os
import socket
import sys

from wftui.paths import Places

_children: list[int] = []


def answers(path: str) -> bool:
    """Whether somebody listens on the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def ensure_recorder(places: Places, *, demo: bool = False) -> bool:
    """Start a recorder if nobody answers; True when one was started (it answers some 100 ms later).

    It runs in a session of its own, so that a dropped SSH connection takes only the view. A second one that
    was started at the same time ends by itself: the lock decides. ``demo``: the recorder of the demo, which knows
    its places.
    """
    _reap()
    if answers(str(places.socket)):
        return False
    arguments = [sys.executable, "-m", "wftui", "record", "--for-view", "--data-dir", str(places.data_dir)]
    if demo:
        arguments = [sys.executable, "-m", "wftui.demo.record"]
    elif places.config_named:
        arguments += ["--config", str(places.config_file)]
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        pid = os.posix_spawn(
            sys.executable,
            arguments,
            # A heap for each of its threads, as glibc would make them, is 0.6 MB of holes.
            {"MALLOC_ARENA_MAX": "1", **os.environ},
            file_actions=[(os.POSIX_SPAWN_DUP2, null, descriptor) for descriptor in (0, 1, 2)],
            setsid=True,
            setsigmask=[],
        )
    finally:
        os.close(null)
    _children.append(pid)
    return True


def _reap() -> None:
    """Bury recorders of ours that ended, so that no zombie stays while the view lives."""
    for pid in list(_children):
        try:
            done, _ = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            done = pid
        if done:
            _children.remove(pid)
