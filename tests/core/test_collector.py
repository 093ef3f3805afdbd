"""The source ``core``: where it looks, and what it says when there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.machine import Machine
from wftui.clock import NS_PER_S, Instant
from wftui.collectors.core.collector import Core
from wftui.collectors.servers.discovery import Discovery, Found
from wftui.collectors.servers.signs import CORE, Sign, sign
from wftui.endpoint import Endpoint, websocket
from wftui.errors import ConfigError, SourceUnavailableError
from wftui.model import health
from wftui.model.sample import Note

AT = Instant(1_790_000_000 * NS_PER_S, 1000 * NS_PER_S)
HERE = Endpoint(host="127.0.0.1", port=8145)


def process(*endpoints: Endpoint, reason: str = "") -> Found:
    return Found(pid=77, start=1, sign=Sign(kinds=(CORE,)), endpoints=endpoints, reason=reason)


def note(core: Core) -> Note:
    scrape = core.collect(AT)
    assert scrape.samples == []
    assert scrape.note is not None
    return scrape.note


def test_without_a_core_the_reason_and_the_fix_are_said() -> None:
    absent = note(Core())
    assert (absent.state, absent.reason) == (
        health.ABSENT,
        "no WIRTHFORGE core runs here as far as can be seen",
    )
    assert "core.url ws://127.0.0.1:PORT/ws" in absent.fix
    off = note(Core("off", lambda: [process(HERE)]))
    assert (off.state, off.fix) == (health.ABSENT, "wftop config unset core.url")
    unseen = note(Core(looked_for=False))
    assert "servers.discover is off" in unseen.reason
    silent = note(Core("auto", lambda: [process()]))
    assert (silent.state, silent.reason) == (health.ABSENT, "pid 77 looks like a core and does not listen yet")
    hidden = note(Core("auto", lambda: [process(reason="another user's process")]))
    assert (hidden.state, hidden.reason) == (health.DENIED, "pid 77: another user's process")


def test_a_command_that_looks_once_follows_nothing() -> None:
    assert note(Core("auto", lambda: [process(HERE)])).fix == "wftop record"


def test_a_wrong_address_is_said() -> None:
    with pytest.raises(SourceUnavailableError, match="expected ws://HOST:PORT/ws") as caught:
        Core("wss://127.0.0.1/ws").collect(AT)
    assert caught.value.state == health.FAILED


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ws://h:1/ws ws://h:2/ws", "expected one address, ws://HOST:PORT/ws: one core is followed"),
        ("ws://h:1/ws,ws://h:2/ws", "expected one address"),
        ("http://h:1", "expected ws://HOST:PORT/ws"),
    ],
)
def test_an_address_that_is_none_says_what_is_expected(address: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        websocket(address)
    assert words in str(caught.value)
    assert address in str(caught.value)


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("/usr/bin/wirthforge serve", True),
        ("wirthforge-core --port 8145", True),
        ("python3 -m wirthforge.core", True),
        ("python3.11 -X dev -m wirthforge_core", True),
        ("/usr/bin/python3 /opt/wirthforge/wirthforge.py", True),
        ("python3 -m wirth", False),
        ("vim wirthforge.py", False),
        ("grep wirthforge", False),
    ],
)
def test_signs(line: str, is_one: bool) -> None:
    found = sign(line.split())
    assert (found is not None and found.kinds == (CORE,)) is is_one


def test_it_is_asked_where_it_listens_and_over_loopback_only(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.process(50, "wirthforge-core", sockets=(9, 10))
    machine.listen(9, "0100007F:1FD1")
    machine.listen(10, "0A00000A:1FD2")
    found = Discovery(tmp_path).look(AT)
    assert [item.endpoints for item in found] == [(Endpoint(host="127.0.0.1", port=8145),)]
    core = Core("auto", lambda: found)
    assert [item.name for item in core._where()[0]] == ["127.0.0.1:8145/ws"]


def test_without_a_core_nothing_of_it_is_loaded() -> None:
    program = (
        "import sys; from wftui.collectors.core.collector import Core\n"
        "from wftui.clock import Instant\n"
        "Core().collect(Instant(1, 1)); Core('off').collect(Instant(1, 1))\n"
        "print(sorted(name for name in sys.modules if name.startswith('wftui.collectors.core.')),"
        " sorted({'wsproto', 'h11', 'asyncio', 'hashlib', 'socket'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['wftui.collectors.core.collector'] []"
