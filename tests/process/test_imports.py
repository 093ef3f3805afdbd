"""What each process really loads: the import table of the architecture, measured in fresh interpreters."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROCESSES = {
    "recorder": (
        ("wftui.recorder.service", "wftui.cli.record"),
        ("textual", "rich", "duckdb", "numpy", "typer", "click", "psutil", "statistics", "wftui.tui"),
    ),
    "view": (
        ("wftui.tui.app",),
        (
            "duckdb",
            "numpy",
            "psutil",
            "typer",
            "click",
            "sqlite3",
            "wftui.recorder",
            "wftui.collectors",
            "wftui.store",
        ),
    ),
    "line mode": (
        ("wftui.tui.plain.run", "wftui.client.spawn", "wftui.render.preferred"),
        ("textual", "rich", "duckdb", "numpy", "typer", "click", "psutil", "sqlite3", "asyncio", "wftui.recorder"),
    ),
    "proxy": (
        ("wftui.cli.proxy", "wftui.proxy.service", "wftui.proxy.recorder"),
        (
            "textual",
            "rich",
            "duckdb",
            "numpy",
            "typer",
            "click",
            "psutil",
            "sqlite3",
            "wftui.recorder",
            "wftui.store",
            "wftui.tui",
            "http",
            "email",
        ),
    ),
    # The script's entry paints or takes its lock before anything heavy is there.
    "entry": (
        ("wftui.__main__",),
        ("textual", "rich", "duckdb", "numpy", "typer", "click", "psutil", "sqlite3", "asyncio", "msgspec"),
    ),
}


@pytest.mark.parametrize("process", PROCESSES)
def test_process_loads_only_what_it_may(process: str) -> None:
    entries, banned = PROCESSES[process]
    code = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
        "print(*sys.modules, sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *entries], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert set(entries) <= loaded
    # A namespace of another distribution may share a prefix: compare whole parts.
    found = sorted(name for name in loaded if any(name == bad or name.startswith(f"{bad}.") for bad in banned))
    assert not found, f"the {process} loads {', '.join(found[:10])}"
