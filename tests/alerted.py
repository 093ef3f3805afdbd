"""Rules of a person, figures that break them, and what a follower hears: for tests with a real recorder."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.harness import ROOT, View, command, environment
from tests.process.test_push import Program
from wftui.alerts import store
from wftui.client.queries import Connection
from wftui.model import alerts as cells
from wftui.model.event import Event
from wftui.model.table import Row
from wftui.paths import Places, places
from wftui.wire import messages as m

LEVEL = 'custom.t.level{source="t"}'
KEY = 'rule.level{source="t"}'


def rule(name: str = "level", value: float = 50, **more: Any) -> dict[str, Any]:
    """A rule on the figure that ``Pusher`` pushes, in the form of a file."""
    condition = {"metric": "custom.t.level", "operator": ">", "value": value}
    return {
        "id": f"rule.{name}",
        "version": "1.0",
        "name": f"{name} is high",
        "severity": "warning",
        "category": "system",
        "conditions": {"when_all": [condition]},
        "message": f"{name} is at {{value}}",
        **more,
    }


def alone(*kept: str) -> None:
    """Switch all built-in rules off but these: the machine of the tests is busy, full or hot as it likes."""
    where = places()
    off = [item.id for item in store.read(where).rules if item.id not in kept]
    where.config_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    where.config_file.write_text(f"[alerts]\nrules_disabled = {json.dumps(off)}\n")
    where.config_file.chmod(0o600)


def write(
    *rules: Mapping[str, Any], name: str = "own", text: str | None = None, where: Places | None = None
) -> None:
    """Write a file of rules, or a text in its place, into the person's folder."""
    folder = store.own_folder(where or places())
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(rules) if text is None else text)
    path.chmod(0o600)


class Pusher:
    """Pushes a level at a steady rate until it is left."""

    def __init__(self, hz: float = 10.0) -> None:
        self.level = 0.0
        self._hz = hz
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pusher")

    def _run(self) -> None:
        while not self._ends.is_set():
            try:
                with Program() as program:
                    while not self._ends.wait(1 / self._hz):
                        program.native({"name": "level", "value": self.level})
            except (OSError, AssertionError):  # the recorder was killed; the next one is on its way
                self._ends.wait(0.05)

    def __enter__(self) -> Pusher:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ends.set()
        self._thread.join()


def told(view: View, kind: str, key: str = KEY, timeout_s: float = 20.0) -> Event:
    """The next event of a type about an alert that a follower hears."""
    deadline = time.monotonic() + timeout_s
    for message in view.messages():
        if isinstance(message, m.EventArrived):
            event = message.event
            if event.type == kind and event.aggregate_id == key:
                return event
        assert time.monotonic() < deadline, f"no {kind} of {key} within {timeout_s:g} s"
    raise AssertionError("the recorder went away")


def alerts(where: Places) -> dict[str, Row]:
    """The rows of the table now."""
    with Connection(str(where.socket)) as connection:
        return connection.tables([cells.ALERTS.name])[cells.ALERTS.name][1]


def rule_row(where: Places, name: str) -> Row:
    """What the table says of a rule now; of one that is not known yet, nothing in every cell."""
    with Connection(str(where.socket)) as connection:
        rows = connection.tables([cells.RULES.name])[cells.RULES.name][1]
    return rows.get(f"rule.{name}", (None,) * len(cells.RULES.columns))


def wftop(*arguments: str, code: int = 0) -> str:
    """The output of a command that ends with that code; what it says on stderr, when that is no success."""
    done = subprocess.run(
        command(*arguments),
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == code, done.stderr or done.stdout
    return done.stdout or done.stderr


@contextmanager
def fired(view: View, level: float = 80.0) -> Iterator[tuple[Pusher, Event]]:
    """A level that breaks the rule, and the event that said so."""
    with Pusher() as pusher:
        pusher.level = level
        yield pusher, told(view, "alert.fired")
