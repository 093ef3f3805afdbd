"""Who reads a bundle for a view: a real process over a real socket, what it tells, refuses and leaves behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import command, environment, until
from tests.replayed import (
    ALERT,
    ALERT_S,
    FIRST_S,
    GAP,
    HOST,
    LAST_S,
    SECONDS,
    ZONE,
    happened,
    incident,
    reading,
    write,
)
from tests.tui.fake import machine, process_rows
from wftui.bundle import crypt
from wftui.client.bundled import Bundled
from wftui.client.queries import Connection, wait_gone
from wftui.errors import BundleError, ProtocolError
from wftui.model.sample import column
from wftui.model.tick import unpack
from wftui.wire import messages as m

S = 1_000_000_000
ORDERS: list[m.Message] = [
    m.Signal(os.getpid(), 1, 15),
    m.Renice(os.getpid(), 1, 5),
    m.Mark(LAST_S * S, "here"),
    m.SetSource("cpu", on=False),
    m.Acknowledge(ALERT),
    m.ResolveAlert(ALERT),
    m.SetSilence([ALERT], S),
    m.EndSilence("1"),
    m.SetQuality(1),
    m.RuleNumbers(ALERT),
    m.PreviewRule(ALERT, []),
    m.ChangeRule(ALERT, [], "me"),
    m.Purge(),
    m.Inspect(os.getpid(), 1),
    m.Retire(os.getpid()),
]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes of the machine of the view's tests."""
    return incident(tmp_path_factory.mktemp("bundle") / "incident.wftop")


@pytest.fixture(autouse=True)
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where replays make their folders."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_it_greets_as_a_recording(bundle: Path) -> None:
    with reading(bundle) as (_, connection):
        hello = connection.recorder
        assert (hello.role, hello.hostname) == ("replay", HOST)
        about = hello.recording
        assert about is not None
        assert (about.file, about.host, about.time_zone) == ("incident.wftop", HOST, ZONE)
        assert (about.first_s, about.last_s) == (FIRST_S, LAST_S)
        assert (about.alert, about.alert_ns) == (ALERT, ALERT_S * S)


def test_it_tells_what_was_recorded(bundle: Path) -> None:
    with reading(bundle) as (_, connection):
        reply = connection.ask(m.At((FIRST_S + 250) * S), m.AtReply)
        assert reply.tick is not None
        assert reply.layout is not None
        told = dict(zip((c.series.text for c in reply.layout.columns), unpack(reply.tick.values), strict=True))
        wanted = {column.series.text: value for column, value in machine(250) if value == value}
        assert {text: value for text, value in told.items() if value == value} == pytest.approx(wanted)
        assert [item.change.rows for item in reply.tables] == [process_rows()]
        events = connection.ask(m.Events(), m.EventsReply).events
        assert [(item.time_ns, item.type) for item in events] == [(e.time_ns, e.type) for e in happened()]
        catalogue = connection.ask(m.Catalogue(), m.CatalogueReply)
        assert (catalogue.first_ns, catalogue.last_ns) == (FIRST_S * S, (LAST_S + 1) * S)


def test_a_gap_is_a_gap(bundle: Path) -> None:
    with reading(bundle) as (_, connection):
        inside = connection.ask(m.At((FIRST_S + GAP.start + 5) * S), m.AtReply)
        assert (inside.tick, inside.previous_s, inside.next_s) == (
            None,
            FIRST_S + GAP.start - 1,
            FIRST_S + GAP.stop,
        )
        beyond = connection.ask(m.At((LAST_S + 100) * S), m.AtReply)
        assert (beyond.tick, beyond.previous_s, beyond.next_s) == (None, LAST_S, None)
        whole = m.Range(["system.cpu.utilization"], FIRST_S * S, (LAST_S + 1) * S, SECONDS)
        counts = connection.ask(whole, m.RangeReply).counts
        assert [second for second, count in enumerate(counts) if not count] == list(GAP)


def test_its_end_is_told_once_and_nothing_follows(bundle: Path) -> None:
    with reading(bundle) as (_, connection):
        tables = connection.tables(["processes"])
        assert tables["processes"][1] == process_rows()
        # What was told unasked lies before the next answer; had there been more, it would lie there too.
        assert connection.ask(m.Status(), m.StatusReply).mode == "replay"
        assert connection.ask(m.Why((LAST_S - 60) * S), m.WhyReply).answer is not None


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_what_would_change_something_is_refused(bundle: Path, order: m.Message) -> None:
    with reading(bundle) as (_, connection), pytest.raises(ProtocolError, match=r"^this is a recording: [^\n]+$"):
        connection.ask(order, m.Ok)


def test_nothing_is_left_when_the_view_goes(bundle: Path, own_tmp: Path) -> None:
    with reading(bundle) as (reader, _):
        assert [item.name for item in own_tmp.iterdir()] == [reader.folder.name]
        assert reader.folder.stat().st_mode & 0o777 == 0o700
    assert not list(own_tmp.iterdir())
    assert wait_gone(reader.pid, 0)


_VIEW = """
import os, sys
from pathlib import Path
from wftui.client.bundled import Bundled
reader = Bundled(Path(sys.argv[1])); reader.greeting()
print(reader.pid, flush=True); sys.stdin.read()
"""


def test_nothing_is_left_when_the_view_is_killed(bundle: Path, own_tmp: Path) -> None:
    arguments = [sys.executable, "-c", _VIEW, str(bundle)]
    view = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())
    assert view.stdout is not None
    reader = int(view.stdout.readline())
    assert list(own_tmp.iterdir())
    view.kill()
    view.communicate()
    until(lambda: not list(own_tmp.iterdir()) or None, what="an empty folder")
    until(lambda: not _runs(reader) or None, what="the reader's end")


def _runs(pid: int) -> bool:
    """Whether it lives; one that nobody has buried yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_nothing_is_left_when_the_reader_is_killed(bundle: Path, own_tmp: Path) -> None:
    reader = Bundled(bundle)
    reader.greeting()
    os.kill(reader.pid, signal.SIGKILL)
    assert wait_gone(reader.pid, 10)
    assert list(own_tmp.iterdir())
    with pytest.raises(ProtocolError, match=r"went away|closed"):
        Connection(reader.socket)
    reader.close()
    assert not list(own_tmp.iterdir())


def test_what_a_crash_left_is_swept_and_what_is_used_is_not(bundle: Path, own_tmp: Path) -> None:
    left = own_tmp / "wftop-replay-0123456789abcdef"
    left.mkdir(0o700)
    (left / "lock").touch(0o600)
    (left / "journal.db").touch()
    os.utime(left, (1, 1))
    other = own_tmp / "wftop-replay-without-a-lock"
    other.mkdir(0o700)
    os.utime(other, (1, 1))
    with reading(bundle) as (first, _):
        assert not left.exists()
        os.utime(first.folder, (1, 1))
        with reading(bundle) as (_, connection):
            assert first.folder.exists()
            assert connection.ask(m.At(LAST_S * S), m.AtReply).tick is not None
    assert [item.name for item in own_tmp.iterdir()] == [other.name]


def test_a_refused_bundle_is_one_line_and_leaves_nothing(tmp_path: Path, bundle: Path, own_tmp: Path) -> None:
    cut = tmp_path / "cut.wftop"
    cut.write_bytes(bundle.read_bytes()[:-100])
    reader = Bundled(cut)
    with pytest.raises(BundleError, match=r"^[^\n]*cut\.wftop[^\n]*$"):
        reader.greeting()
    reader.close()
    assert not list(own_tmp.iterdir())


def test_statistics_only_cannot_be_replayed(tmp_path: Path) -> None:
    empty = write(tmp_path / "few.wftop", [], [], FIRST_S, level="aggregate")
    reader = Bundled(empty)
    with pytest.raises(BundleError, match=r"few\.wftop: holds statistics \(level aggregate\) and no single"):
        reader.greeting()
    reader.close()


def test_what_is_too_large_for_a_view_is_one_line(tmp_path: Path, own_tmp: Path) -> None:
    labels = ("cpu", "mode", "device", "direction", "interface", "mount", "sensor", "gpu", "server", "model")
    wide = [
        column("test", "system.disk.io", dict.fromkeys(labels, f"{number:05}" * 40), call="test")
        for number in range(6000)
    ]
    reader = Bundled(write(tmp_path / "wide.wftop", wide, [[1.0] * len(wide)] * 2, FIRST_S))
    with pytest.raises(BundleError, match=r"^[^\n]*wide\.wftop: its last second is too large [^\n]+$"):
        reader.greeting()
    reader.close()
    assert not list(own_tmp.iterdir())


@pytest.mark.skipif(not crypt.available(), reason="pyrage is not installed")
def test_a_passphrase_opens_an_encrypted_one_and_a_wrong_one_does_not(tmp_path: Path, bundle: Path) -> None:
    locked = tmp_path / "incident.wftop.age"
    crypt.encrypt_file(bundle, locked, crypt.Encryption(passphrase="correct horse"))  # noqa: S106  of this test
    with reading(locked, "correct horse") as (reader, connection):
        assert connection.ask(m.At(LAST_S * S), m.AtReply).tick is not None
        assert b"correct horse" not in Path(f"/proc/{reader.pid}/cmdline").read_bytes()
    wrong = Bundled(locked, passphrase="wrong")  # noqa: S106  as above
    with pytest.raises(BundleError, match="passphrase"):
        wrong.greeting()
    wrong.close()


# ---- the command


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, without a terminal."""
    return subprocess.run(
        command("replay", *arguments), capture_output=True, text=True, check=False, timeout=50, env=environment()
    )


def test_once_prints_the_moment_of_the_alert(bundle: Path) -> None:
    done = run(str(bundle), "--once")
    assert done.returncode == 0, done.stderr
    assert f"on {HOST}" in done.stdout
    assert "a recording" in done.stdout
    # The origin's time zone: nine hours ahead of UTC.
    assert re.search(r"^  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+09:00", done.stdout, re.M)
    found = json.loads(run(str(bundle), "--once", "--json").stdout)
    assert found["time_ns"] == ALERT_S * S
    assert found["recording"]["host"] == HOST
    assert found["recorder"] is None


def test_once_prints_any_other_moment(bundle: Path) -> None:
    found = json.loads(run(str(bundle), "--once", "--json", "--at", "5s").stdout)
    assert found["time_ns"] == (LAST_S - 4) * S
    assert [item["type"] for item in found["events"]] == [item.type for item in happened()]
    known = {item["source"]: item["state"] for item in found["health"]}
    assert known == {"store": "ok"}, "of who does not say since when it is so, nothing is known but at the end"
    inside = run(str(bundle), "--once", "--at", str(FIRST_S + GAP.start))
    assert inside.returncode == 7
    assert inside.stderr.startswith("wftop: nothing was recorded at ")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere.wftop", "--once"], 8, "nowhere.wftop: no such file"),
        (["{bundle}"], 2, "stdout is no terminal"),
        (["{bundle}", "--once", "--at", "noon"], 2, "expected a time"),
        (["{bundle}", "--once", "--at", "2020-01-01"], 2, "not in this recording"),
        ([], 2, "usage: wftop replay"),
    ],
)
def test_mistakes_are_one_clear_line(bundle: Path, arguments: list[str], code: int, words: str) -> None:
    done = run(*(item.format(bundle=bundle) for item in arguments))
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
