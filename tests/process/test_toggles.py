"""`wftop sources` against a real recorder: switched at once, remembered by the next one."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.harness import ROOT, View, command, environment, recorder, until
from wftui.tui.state import State


def wftop(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("sources", *arguments),
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def state(name: str) -> Any:  # Any: JSON
    listed = json.loads(wftop("list", "--json").stdout)["sources"]
    return next(item for item in listed if item["source"] == name)


def test_off_now_and_after_the_next_start() -> None:
    with recorder() as running:
        running.ticks(2)
        assert state("disks")["state"] in ("ok", "absent")
        done = wftop("off", "disks", "group:gpu")
        assert (done.returncode, done.stderr) == (0, "")
        assert "switched off by wftop sources -> wftop sources on disks" in done.stdout
        assert state("group:gpu")["state"] == "off"
        wrong = wftop("off", "diskz")
        assert (wrong.returncode, wrong.stdout) == (6, "")
        assert wrong.stderr.count("\n") == 1
        assert "did you mean disks?" in wrong.stderr
        with View(running.where) as view:
            seen = State()

            def rows() -> int:
                message = view.next()
                assert message is not None
                seen.on(message)
                return len(seen.tables.get("processes", {}))

            until(lambda: rows() > 1, 10, "processes")
            assert wftop("off", "processes").returncode == 0
            until(lambda: rows() == 0, 10, "no row of the past passes for the present")
        assert running.stop() == 0
        assert running.errors() == ""
    with recorder() as running:
        assert state("disks")["reason"] == "switched off by the setting sources.disabled"
        assert wftop("on", "disks").returncode == 0
        until(lambda: state("disks")["last_ns"], 10, "a reading")
        assert running.stop() == 0
