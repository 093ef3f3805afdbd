"""Make docs/screenshot.svg from the running program: `make screenshot`.

A real recorder and a real view run in a terminal that pyte rebuilds, with a home of their own and some work to
see. Where it may, the script first moves into a process and host namespace of its own, so that the picture
shows nobody's processes and no host's name. Options make any other picture:

    python docs/screenshot.py --size 80x24 --keys 2 --output /tmp/processes.svg
"""

from __future__ import annotations

import argparse
import fcntl
import io
import itertools
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import pyte
from pyte.screens import Char
from rich.console import Console
from rich.style import Style
from rich.text import Text

ROOT = Path(__file__).parents[1]
WFTOP = Path(sys.executable).with_name("wftop")
UNSHARE = ["unshare", "--fork", "--pid", "--kill-child", "--mount", "--mount-proc", "--uts"]
INSIDE = "WFTOP_SCREENSHOT_INSIDE"
HOST = "workstation"
# Bursts of work for the graphs: reading, compressing, a pause.
LOAD = "while :; do head -c 150M /dev/urandom | gzip -1 >/dev/null; sleep 4; done"
# What pyte would print as text instead of leaving it out: private modes, requests, strings.
UNKNOWN = re.compile(
    rb"\x1b\[[<=>?][0-9;:]*[ $]?[a-zA-Z]|\x1b\[[0-9;:]*[ $][a-zA-Z]"
    rb"|\x1b[P_^X].*?(?:\x1b\\|\x07)|\x1b\].*?(?:\x07|\x1b\\)|\x1b\[[0-9;]*t",
    re.DOTALL,
)
CURSOR_REQUEST = b"\x1b[6n"
FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def environment(home: Path) -> dict[str, str]:
    """An environment whose folders are all under ``home``, on a terminal with all colours."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    folders = {"HOME": home, "XDG_RUNTIME_DIR": home / "run"}
    folders |= {f"XDG_{name}_HOME": home / name.lower() for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    for folder in folders.values():
        folder.mkdir(mode=0o700, exist_ok=True)
    paths = {name: str(folder) for name, folder in folders.items()}
    return kept | paths | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}


def watch(
    command: list[str], size: tuple[int, int], keys: str, seconds: float, env: dict[str, str]
) -> pyte.Screen:
    """Run a program in a terminal for some seconds, type ``keys`` half-way, return the screen before it ends."""
    columns, lines = size
    screen = pyte.Screen(columns, lines)
    stream = pyte.ByteStream(screen)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], command, env)  # noqa: S606  # the program itself, no shell between
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    start, typed, rest = time.monotonic(), False, b""
    while (elapsed := time.monotonic() - start) < seconds:
        if not typed and elapsed > seconds / 2:
            os.write(terminal, keys.encode())
            typed = True
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            data = rest + os.read(terminal, 65536)
        except OSError:  # the program ended: its last screen stays
            break
        if CURSOR_REQUEST in data:
            os.write(terminal, b"\x1b[1;1R" * data.count(CURSOR_REQUEST))
        cut = data.rfind(b"\x1b")
        # A sequence may be cut by the end of the read: keep it for the next one.
        whole, rest = (data[:cut], data[cut:]) if cut >= 0 and len(data) - cut < 32 else (data, b"")
        stream.feed(UNKNOWN.sub(b"", whole))
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    os.close(terminal)
    return screen


def colour(name: str) -> str:
    """Return pyte's name of a colour as rich writes it."""
    if re.fullmatch(r"[0-9a-f]{6}", name):
        return f"#{name}"
    name = name.replace("bfight", "bright").replace("brown", "yellow")  # pyte's spelling of two names
    return re.sub(r"^bright(?=\w)", "bright_", name)


def style_of(cell: Char) -> Style:
    """Return what pyte says about a cell, apart from its text, as a rich style."""
    return Style(
        color=colour(cell.fg),
        bgcolor=colour(cell.bg),
        bold=cell.bold,
        italic=cell.italics,
        underline=cell.underscore,
        reverse=cell.reverse,
    )


def picture(screen: pyte.Screen, title: str) -> str:
    """Return the screen as SVG that refers to no font or file elsewhere."""
    console = Console(
        file=io.StringIO(), record=True, width=screen.columns, color_system="truecolor", force_terminal=True
    )
    for row in range(screen.lines):
        cells = (screen.buffer[row][column] for column in range(screen.columns))
        line = Text(no_wrap=True)
        for look, run in itertools.groupby(cells, key=lambda cell: cell._replace(data="")):
            line.append("".join(cell.data for cell in run), style_of(look))
        console.print(line, soft_wrap=True)
    return FONT_FACE.sub("", console.export_svg(title=title))


def main() -> None:
    """Record for a while, show it, write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--size", default="120x40", help="columns x lines")
    parser.add_argument("--keys", default="", help="typed into the view")
    parser.add_argument("--history", type=float, default=75, help="seconds to record first")
    parser.add_argument("--seconds", type=float, default=6, help="seconds that the view runs")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "screenshot.svg")
    parser.add_argument("arguments", nargs="*", help="arguments of wftop, after --")
    options = parser.parse_args()
    if INSIDE not in os.environ:
        if subprocess.run([*UNSHARE, "true"], check=False, capture_output=True).returncode == 0:
            os.environ[INSIDE] = "1"
            os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, *sys.argv])  # noqa: S606  # the same program, no shell
        print("no namespaces here: the picture will show this machine's processes", file=sys.stderr)
    else:
        socket.sethostname(HOST)
    columns, _, lines = options.size.partition("x")
    with tempfile.TemporaryDirectory(prefix="wfshot") as folder:
        env = environment(Path(folder))
        load = subprocess.Popen(["/bin/sh", "-c", LOAD], env=env, start_new_session=True)
        recorder = subprocess.Popen([WFTOP, "record"], env=env, stdout=subprocess.DEVNULL)
        try:
            time.sleep(options.history)
            command = [str(WFTOP), *options.arguments]
            screen = watch(command, (int(columns), int(lines)), options.keys, options.seconds, env)
        finally:
            recorder.terminate()
            os.killpg(load.pid, signal.SIGTERM)
            recorder.wait(timeout=10)
            load.wait(timeout=10)
    options.output.write_text(picture(screen, "wftop"), encoding="utf-8")
    print(options.output)


if __name__ == "__main__":
    main()
