"""The whole stack beside its peers in one run: wftop with its recorder, htop, top, glances, bpytop.

200x50, 1 s refresh, about 300 processes, each in a PTY of its own, measured from outside by ttybench: CPU and
memory of all processes of a program together, start, bytes. The last lines hold wftop against its targets.

    python tests/benchmarks/bench_stack.py [--rounds 3] [--seconds 20]
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-peers" / "bin"
WFTOP = Path(sys.executable).with_name("wftop")
POPULATION = 300
WARMUP_S = 8.0
BPYTOP = "1.0.68"

Environment = dict[str, str]
Figures = dict[str, dict[str, Any]]  # Any: the fields of the harness, by program


def programs() -> list[tuple[str, str]]:
    """Name and command of every program that is installed; htop first, its figures are the ratio's base."""
    wanted = [
        ("htop", "htop", "htop -d 10"),
        ("top", "top", "top -d 1"),
        ("btop", "btop", "btop"),
        ("glances", str(PEERS / "glances"), f"{PEERS / 'glances'} -t 1 --disable-check-update"),
        ("bpytop", str(PEERS / "bpytop"), f"{PEERS / 'bpytop'}"),
    ]
    found = [(name, command) for name, program, command in wanted if shutil.which(program)]
    return [*found, ("wftop", str(WFTOP))]


def processes() -> int:
    """Number of processes on this machine now."""
    return sum(name.name.isdigit() for name in Path("/proc").iterdir())


def private_folders(base: Path) -> Environment:
    """XDG variables for a home under ``base``: no one's recorder and no one's settings are used."""
    variables = {"HOME": base}
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        variables[f"XDG_{name}_HOME"] = base / name.lower()
    variables["XDG_RUNTIME_DIR"] = base / "run"
    for path in variables.values():
        path.mkdir(mode=0o700, exist_ok=True)
    # The refresh that these two know only from a file; htop, top and glances take it as an option.
    for name, line in (
        ("btop", "update_ms = 1000\n"),
        ("bpytop", f"#? Config for bpytop v. {BPYTOP}\nupdate_ms=1000\n"),
    ):
        for config in {variables["XDG_CONFIG_HOME"], base / ".config"}:
            (config / name).mkdir(parents=True, exist_ok=True)
            (config / name / f"{name}.conf").write_text(line)
    return {name: str(path) for name, path in variables.items()}


def run_harness(specs: list[tuple[str, str]], rounds: int, seconds: float, environment: Environment) -> Figures:
    """Run the harness, which prints its table; return the median figures by program."""
    harness = Path(__file__).with_name("ttybench.py")
    report = Path(environment["HOME"]) / "figures.json"
    ballast = max(0, POPULATION - processes())
    command = [sys.executable, str(harness), "--quiet", "--ballast", str(ballast), "--size", "200x50"]
    command += ["--rounds", str(rounds), "--time", str(seconds + WARMUP_S), "--warmup", str(WARMUP_S)]
    command += ["--json", str(report), *(f"{name}={program}" for name, program in specs)]
    print(f"{processes() + ballast} processes, {rounds} rounds of {seconds:g} s, 1 s refresh", flush=True)
    subprocess.run(command, check=True, env={**os.environ, **environment})
    return {figures["name"]: figures for figures in json.loads(report.read_text())["medians"]}


def cpu_s(pid: int) -> float:
    """CPU seconds of a process, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """RSS of a process in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def attached(rounds: int, seconds: float, environment: Environment) -> Figures:
    """Measure the view alone, beside a recorder that already runs; the recorder's own figures are a row too."""
    recorder = subprocess.Popen(
        [WFTOP, "record"], env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        time.sleep(WARMUP_S)
        start, spent = time.monotonic(), cpu_s(recorder.pid)
        figures = run_harness([("view", str(WFTOP))], rounds, seconds, environment)
        share = (cpu_s(recorder.pid) - spent) / (time.monotonic() - start)
        figures["recorder"] = {"cpu_total_pct": 100 * share, "rss_mb": resident_mb(recorder.pid)}
        return figures
    finally:
        recorder.terminate()
        recorder.wait(timeout=10)


def until_data_s(environment: Environment) -> float:
    """Seconds from the start of the view to the first measured number on its screen.

    The harness takes the skeleton for a useful frame: it has enough painted cells, but nothing to read.
    """
    started = time.monotonic()
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        os.execve(WFTOP, [str(WFTOP)], {**os.environ, **environment, "TERM": "xterm-256color"})  # noqa: S606  ours
    output = b""
    try:
        while b"GiB" not in output and time.monotonic() - started < 10:
            if select.select([terminal], [], [], 0.1)[0]:
                output += os.read(terminal, 65536)
        return time.monotonic() - started
    finally:
        os.write(terminal, b"q")
        while select.select([terminal], [], [], 1.0)[0]:
            try:
                if not os.read(terminal, 65536):
                    break
            except OSError:
                break
        os.close(terminal)
        os.waitpid(pid, 0)


def starts(environment: Environment, rounds: int = 5) -> tuple[float, float]:
    """Median seconds to the first number: (without a recorder, with one)."""
    stop = [str(WFTOP), "record", "--stop"]
    cold, warm = [], []
    for _ in range(rounds):
        subprocess.run(stop, env={**os.environ, **environment}, capture_output=True, check=False)
        cold.append(until_data_s(environment))
        warm.append(until_data_s(environment))
    subprocess.run(stop, env={**os.environ, **environment}, capture_output=True, check=False)
    return statistics.median(cold), statistics.median(warm)


def verdicts(figures: Figures) -> list[str]:
    """Compare wftop with its targets, one line each."""
    ours, view, recorder = (figures[name] for name in ("wftop", "view", "recorder"))
    rows: list[tuple[str, float | None, float, float | None]] = [
        ("CPU of the stack, % of a core", ours.get("cpu_total_pct"), 1.0, 2.0),
        ("RSS of the stack, MB", ours.get("rss_mb"), 70.0, 100.0),
        ("RSS of the view, MB", view.get("rss_mb"), 45.0, None),
        ("RSS of the recorder, MB", recorder["rss_mb"], 32.0, None),
        ("CPU of the recorder, % of a core", recorder["cpu_total_pct"], 1.0, None),
        ("first output, attached, s", view.get("t_first"), 0.05, None),
        ("first number, attached, s", figures["start"]["attached"], 0.25, None),
        ("first output, cold, s", ours.get("t_first"), 0.05, None),
        ("first number, cold, s", figures["start"]["cold"], 0.5, None),
        ("to the terminal, KB/s", ours.get("bytes_s", 0.0) / 1000, 16.0, None),
    ]
    for peer, target in (("htop", 0.7), ("glances", 0.2)):
        theirs = figures.get(peer, {}).get("cpu_total_pct")
        if theirs and "cpu_total_pct" in ours:
            rows.append((f"CPU as a share of {peer}'s", ours["cpu_total_pct"] / theirs, target, None))
    lines = ["| wftop | measured | target | required |", "|---|---|---|---|"]
    for what, value, target, required in rows:
        shown = "-" if value is None else f"{value:.2f}"
        lines.append(f"| {what} | {shown} | {target:g} | {'-' if required is None else f'{required:g}'} |")
    return lines


def main() -> None:
    """Print the harness's table, then ours."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=15.0, help="steady state per run")
    options = parser.parse_args()
    # Byte code is what an installed program starts from.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="wfbench") as folder:
        environment = private_folders(Path(folder))
        figures = run_harness(programs(), options.rounds, options.seconds, environment)
        figures |= attached(options.rounds, options.seconds, environment)
        cold, warm = starts(environment)
        figures["start"] = {"cold": cold, "attached": warm}
    print("\n".join(verdicts(figures)))


if __name__ == "__main__":
    main()
