"""The thread that watches servers: real sockets, faults switched while it looks."""

import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.fake import HUNG, Fake, constant, page, said, sample
from wftui.clock import SystemClock
from wftui.collectors.servers import poller as poller_module
from wftui.collectors.servers import watch as watch_module
from wftui.collectors.servers.derive import Derivation
from wftui.collectors.servers.source import Servers
from wftui.model import health
from wftui.model.sample import Occurrence, Reading, Scrape
from wftui.model.servers import ENDPOINT, FIX, KIND, MODELS, ORIGIN, PARENT, PID, REASON, SERVERS, STATE, VERSION
from wftui.model.table import Row

DEADLINE_S = 60.0


class Vllm(Fake):
    """A vLLM with a counter of generated tokens."""

    def __init__(self, **more: object) -> None:
        super().__init__(
            {
                "/v1/models": constant(sample("vllm_models.json")),
                "/version": constant(sample("vllm_version.json")),
                "/metrics": lambda _: page(self.text()),
            },
            **more,  # type: ignore[arg-type]  # as Fake has them
        )
        self.generated = 51_200

    def text(self) -> bytes:
        """The page as it is now."""
        lines = []
        for line in sample("vllm.prom").split(b"\n"):
            if line.startswith(b"vllm:generation_tokens_total"):
                line = line.rpartition(b" ")[0] + b" %d" % self.generated
            lines.append(line)
        return b"\n".join(lines)


class Seen:
    """What a source has brought so far."""

    def __init__(self, source: Servers) -> None:
        self._source = source
        self.readings: list[Reading] = []
        self.events: list[Occurrence] = []
        self.tables: dict[str, dict[str, Row]] = {}
        self.last = Scrape([])

    def more(self) -> None:
        """Ask once."""
        self.last = self._source.collect(SystemClock().now())
        self.readings += self.last.readings
        self.events += self.last.events
        self.tables |= {item.schema.name: dict(item.rows) for item in self.last.tables}

    def until(self, done: Callable[[], bool], what: str) -> None:
        """Ask until something is so."""
        end = time.monotonic() + DEADLINE_S
        while not done():
            assert time.monotonic() < end, f"{what} did not come; {self.tables}, {self.kinds}"
            time.sleep(0.02)
            self.more()

    @property
    def servers(self) -> dict[str, Row]:
        """Rows of the table of servers."""
        return self.tables.get(SERVERS.name, {})

    def state(self, name: str) -> object:
        """State of one of them."""
        return self.servers.get(name, ("",) * 20)[STATE]

    @property
    def kinds(self) -> list[str]:
        """Types of the events."""
        return [item.kind for item in self.events]

    def values(self, series: str) -> list[float]:
        """All values of a series."""
        return [
            sample.value
            for reading in self.readings
            for sample in reading.samples
            if sample.column.series.text == series
        ]


@contextmanager
def watching(*endpoints: str, discover: bool = False, proc: str | Path = "/proc") -> Iterator[Seen]:
    source = Servers(proc, endpoints, discover=discover)
    try:
        seen = Seen(source)
        seen.more()
        yield seen
    finally:
        source.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes a minute in life takes a moment here."""
    monkeypatch.setattr(watch_module, "BACKOFF_S", (0.1, 0.2))
    monkeypatch.setattr(watch_module, "DENIED_S", 0.2)
    monkeypatch.setattr(watch_module, "INTERVAL_S", 0.1)
    monkeypatch.setattr(poller_module, "DISCOVER_S", 0.1)


def line(server: Fake, more: str = "kind=vllm") -> str:
    endpoint = server.endpoint
    scheme = "https" if endpoint.tls else "http"
    return f"unix:{endpoint.path} {more}" if endpoint.path else f"{scheme}://{endpoint.name} {more}"


def test_a_server_is_recognised_and_read() -> None:
    with Vllm() as server, watching(line(server)) as seen:
        name = server.endpoint.name
        seen.until(lambda: seen.state(name) == health.OK, "a row")
        row = seen.servers[name]
        assert (row[ENDPOINT], row[KIND], row[VERSION], row[ORIGIN], row[PARENT]) == (
            name, "vllm", "0.33.0", "configured", "",
        )  # fmt: skip
        assert list(seen.tables[MODELS.name]) == [f"{name}|Qwen/Qwen3-8B"]
        assert seen.kinds == ["server.found"]
        series = f'inference.tokens{{mode="generation",model="Qwen/Qwen3-8B",server="{name}"}}'
        rate = series.replace("tokens{", "tokens.rate{")
        server.generated += 1000
        seen.until(lambda: 52_200 in seen.values(series), "the new count")
        seen.until(lambda: any(value > 0 for value in seen.values(rate)), "a rate")
        assert seen.last.note is None
        assert set(seen.values(f'inference.server.up{{server="{name}"}}')) == {1}


def test_no_server_says_how_to_be_seen() -> None:
    with watching() as seen:
        assert seen.last.note is not None
        assert seen.last.note.state == health.ABSENT
        assert "[servers]" in seen.last.note.fix


def test_a_restart_is_seen_in_the_counters() -> None:
    with Vllm() as server, watching(line(server)) as seen:
        name = server.endpoint.name
        seen.until(lambda: len(seen.readings) > 2, "readings")
        server.generated = 7
        seen.until(lambda: "server.restarted" in seen.kinds, "the restart")
        rate = f'inference.tokens.rate{{mode="generation",model="Qwen/Qwen3-8B",server="{name}"}}'
        assert all(value >= 0 for value in seen.values(rate))
        seen.until(lambda: 1 in seen.values(f'inference.server.restarts{{server="{name}"}}'), "the count")


@pytest.mark.parametrize(
    ("fault", "state"),
    [(401, health.DENIED), (404, health.FAILED), (500, health.FAILED), ("garbage", health.FAILED)],
)
def test_a_fault_is_its_state_and_it_comes_back(fault: str | int, state: str) -> None:
    with Vllm() as server, watching(line(server)) as seen:
        name = server.endpoint.name
        seen.until(lambda: seen.state(name) == health.OK, "a row")
        server.fault = fault
        seen.until(lambda: seen.state(name) == state, "the fault")
        assert seen.servers[name][REASON]
        seen.until(lambda: 0 in seen.values(f'inference.server.up{{server="{name}"}}'), "up = 0")
        server.fault = ""
        seen.until(lambda: seen.state(name) == health.OK, "the server again")
        assert seen.kinds.count("server.state") == 2


def test_a_server_that_is_not_there_yet_is_found_when_it_is() -> None:
    with Vllm() as server:
        server.refuse()
        with watching(line(server)) as seen:
            name = server.endpoint.name
            seen.until(lambda: seen.state(name) == health.FAILED, "its row")
            assert "nobody listens there" in str(seen.servers[name][REASON])
            assert seen.servers[name][KIND] == "vllm"
            server.listen()
            seen.until(lambda: seen.state(server.endpoint.name) == health.OK, "a row")


def test_a_key_is_asked_for_and_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVER_KEY", "sk-4711")
    with Vllm(key="sk-4711", open_paths=()) as server:
        name = server.endpoint.name
        with watching(line(server)) as seen:
            seen.until(lambda: seen.state(name) == health.DENIED, "the refusal")
            assert "key_env" in str(seen.servers[name][FIX])
        with watching(line(server, "kind=vllm key_env=SERVER_KEY")) as seen:
            seen.until(lambda: seen.state(name) == health.OK, "a row")
            assert "4711" not in str(seen.tables)
        with watching(line(server, "kind=vllm key_env=NO_SUCH_KEY")) as seen:
            seen.until(lambda: seen.state(name) == health.DENIED, "the row of one whose key is not there")
            assert "NO_SUCH_KEY" in str(seen.servers[name][REASON])


def test_what_cannot_be_told_fails_that_server_and_it_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with Vllm() as server, watching(line(server)) as seen:
        name = server.endpoint.name
        seen.until(lambda: seen.state(name) == health.OK, "a row")
        with monkeypatch.context() as broken:
            broken.setattr(Derivation, "samples", lambda *_: 1 / 0)
            seen.until(lambda: seen.state(name) == health.FAILED, "the failure")
            assert "ZeroDivisionError" in str(seen.servers[name][REASON])
        seen.until(lambda: seen.state(name) == health.OK, "the server again")


def test_unix_socket_and_prefix(tmp_path: Path) -> None:
    name = f"unix:{tmp_path}/v.sock#/llm"
    with Vllm(unix=tmp_path / "v.sock", prefix="/llm"), watching(f"{name} kind=vllm") as seen:
        seen.until(lambda: seen.state(name) == health.OK, "a row")


def test_a_hung_server_delays_no_other() -> None:
    with Vllm() as good, Vllm() as bad:
        bad.fault = HUNG
        with watching(line(bad), line(good)) as seen:
            name = good.endpoint.name
            began = time.monotonic()
            seen.until(lambda: len(seen.values(f'inference.server.up{{server="{name}"}}')) >= 10, "ten readings")
            # One timeout of the hung one is 5 s.
            assert time.monotonic() - began < 4.5 or len(bad.asked) > 1
            assert seen.state(name) == health.OK


def test_something_else_at_an_address_that_was_named_is_told() -> None:
    other = {"/v1/models": lambda _: said({"data": [{"id": "x", "owned_by": "somebody"}]})}
    with Fake(other) as server, watching(line(server)) as seen:
        name = server.endpoint.name
        seen.until(lambda: seen.state(name) == health.UNSUPPORTED, "its row")
        assert "no model server" in str(seen.servers[name][REASON])
        assert "kind=prometheus" in str(seen.servers[name][FIX])


PROGRAM = """
import sys
from tests.servers.test_poller import Vllm
with Vllm() as server:
    print(server.endpoint.name, flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_process_is_found_restarted_and_gone(tmp_path: Path) -> None:
    script = tmp_path / "vllm"
    script.write_text(PROGRAM)
    command = [sys.executable, str(script), "serve", "model"]
    root = Path(__file__).parents[2]

    def start() -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(root)}
        )
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    process, name = start()
    try:
        with watching(discover=True) as seen:
            seen.until(lambda: seen.state(name) == health.OK, "the process's row")
            assert seen.servers[name][ORIGIN] == "process"
            process.communicate("")
            seen.until(lambda: "server.gone" in seen.kinds, "its end")
            seen.until(lambda: seen.servers[name][PID] is None, "that its row says so")
    finally:
        process.communicate("")


@pytest.mark.skipif(not ssl.HAS_TLSv1_3, reason="no TLS 1.3")
def test_tls_where_asyncio_was_imported_without_it(tmp_path: Path) -> None:
    program = """
import sys
sys.modules["ssl"] = None
import asyncio
from wftui.clock import SystemClock
from wftui.collectors.servers.web import Web
from wftui.endpoint import Named
print(asyncio.run(Web(Named.parse(sys.argv[1]).endpoint, SystemClock()).get("/version")).status)
"""
    made = tmp_path / "cert.pem", tmp_path / "key.pem"
    try:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1", "-out", made[0], "-keyout",
             made[1]],
            check=True, capture_output=True,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("no openssl: no certificate can be made")
    with Vllm(tls=made) as server:
        command = [sys.executable, "-c", program, line(server, f"ca={made[0]}")]
        done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert done.stdout == "200\n", done.stderr
