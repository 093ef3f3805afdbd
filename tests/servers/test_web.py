"""The HTTP client against a server that does everything a server may do wrong."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakeclock import FakeClock
from tests.servers import fake
from tests.servers.fake import Fake, constant, page, sample
from wftui.collectors.servers.web import LIMIT, Web
from wftui.errors import SourceError, SourceFormatError, SourceUnavailableError
from wftui.model import health

BODY = sample("vllm.prom")
SECRET = "sk-canary-4711"  # noqa: S105  looked for in error texts


@pytest.fixture
def server() -> Iterator[Fake]:
    """A server with a page and a document."""
    routes = {"/metrics": lambda _: page(BODY), "/version": constant(sample("vllm_version.json"))}
    with Fake(routes) as found:
        yield found


def web(server: Fake, **more: Any) -> Web:  # Any: fields of different types
    """A client of it."""
    return Web(server.endpoint._replace(**more), FakeClock())


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in 30 s"
        await asyncio.sleep(0.005)


async def test_one_connection_for_many_questions(server: Fake) -> None:
    client = web(server)
    for _ in range(5):
        answer = await client.ok("/metrics")
        assert answer.body == BODY
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/plain")
    assert (await client.json("/version", dict)) == {"version": "0.33.0"}
    assert server.connections == 1
    asked = server.asked[0]
    assert asked.method == "GET"
    assert asked.headers["user-agent"].startswith("wftop/")
    assert asked.headers["host"] == server.endpoint.name
    assert "authorization" not in asked.headers
    client.close()
    client.close()


async def test_the_answer_knows_when_it_came(server: Fake) -> None:
    clock = FakeClock()
    client = Web(server.endpoint, clock)
    clock.advance(5_000_000_000)
    assert (await client.get("/version")).at == clock.now()
    client.close()


@pytest.mark.parametrize("fault", [fake.CHUNKED, fake.CLOSING, fake.DROPPING, fake.OLD])
async def test_ways_to_answer_that_are_no_faults(server: Fake, fault: str) -> None:
    server.fault = fault
    client = web(server)
    for _ in range(4):
        assert (await client.ok("/metrics")).body == BODY
    assert server.connections == (1 if fault == fake.CHUNKED else 4)
    client.close()


@pytest.mark.parametrize(
    ("fault", "error", "state", "words"),
    [
        (401, SourceUnavailableError, health.DENIED, "/metrics: 401, it wants a key"),
        (403, SourceUnavailableError, health.DENIED, "/metrics: 403, it wants a key"),
        (404, SourceUnavailableError, health.FAILED, "/metrics: 404"),
        (500, SourceUnavailableError, health.FAILED, "/metrics: 500"),
        (501, SourceUnavailableError, health.FAILED, "/metrics: 501"),
        (503, SourceUnavailableError, health.FAILED, "/metrics: 503"),
        (fake.SLOW, SourceUnavailableError, health.STUCK, "/metrics: no answer within 0.3 s"),
        (fake.HUNG, SourceUnavailableError, health.STUCK, "/metrics: no answer within 0.3 s"),
        (fake.GARBAGE, SourceFormatError, health.FAILED, "/metrics: no HTTP"),
        (fake.HALF, SourceFormatError, health.FAILED, "/metrics: no HTTP"),
        (fake.REDIRECT, SourceUnavailableError, health.FAILED, "/metrics: 302, it points to /metrics"),
        (fake.REFUSED, SourceUnavailableError, health.FAILED, "nobody listens there"),
    ],
)
async def test_faults(server: Fake, fault: str | int, error: type[SourceError], state: str, words: str) -> None:
    """Each at first sight, on a kept connection, and gone again: the client goes on where it was."""
    client = web(server)
    for kept in (False, True):
        if fault == fake.REFUSED:
            server.refuse()
        server.fault = fault
        with pytest.raises(error) as caught:
            await client.ok("/metrics", timeout_s=0.3 if fault in (fake.SLOW, fake.HUNG) else 20)
        assert words in caught.value.reason
        assert caught.value.state == state
        assert bool(caught.value.fix) == (fault in (401, 403, fake.REDIRECT))
        server.fault = ""
        if fault == fake.REFUSED:
            server.listen()
        assert (await client.ok("/metrics")).body == BODY, f"after {fault}, kept: {kept}"
    client.close()


async def test_questions_that_are_asked_once_are_not_kept_for_ever(server: Fake) -> None:
    client = web(server)
    for number in range(200):
        assert (await client.get(f"/metrics?model={number}")).body == BODY
        assert (await client.get("/metrics")).body == BODY
    assert len(client._questions) <= 64
    assert server.asked[-2].query == {"model": "199"}
    assert server.connections == 1
    client.close()


async def test_redirects_are_not_followed(server: Fake) -> None:
    server.fault = fake.REDIRECT
    client = web(server)
    assert (await client.get("/metrics")).status == 302
    assert server.paths == ["/metrics"]
    client.close()


async def test_a_page_of_another_type_is_a_format_error(server: Fake) -> None:
    server.fault = fake.TYPE
    client = web(server)
    with pytest.raises(SourceFormatError, match=r"/version: JSON is malformed"):
        await client.json("/version", dict)
    client.close()


async def test_a_body_has_a_limit(server: Fake) -> None:
    server.fault = fake.HUGE
    client = web(server)
    with pytest.raises(SourceFormatError, match=f"more than {LIMIT // 1024 // 1024} MiB"):
        await client.ok("/metrics", timeout_s=30)
    server.fault = ""
    assert (await client.ok("/metrics")).body == BODY
    with pytest.raises(SourceFormatError, match="more than"):
        await client.get("/metrics", limit=1024)
    client.close()


async def test_it_can_be_given_up_half_way(server: Fake) -> None:
    """A cancelled question leaves no half answer for the next one."""
    client = web(server)
    assert (await client.ok("/metrics")).body == BODY
    server.fault = fake.HUNG
    question = asyncio.create_task(client.ok("/metrics", timeout_s=60))
    await until(lambda: len(server.asked) == 2)
    question.cancel()
    with pytest.raises(asyncio.CancelledError):
        await question
    server.fault = ""
    assert (await client.ok("/version")).body == sample("vllm_version.json")
    assert server.connections == 2
    client.close()


async def test_a_restart_between_two_questions(server: Fake) -> None:
    client = web(server)
    assert (await client.ok("/version")).status == 200
    server.refuse()
    server.listen()
    assert (await client.ok("/version")).status == 200
    client.close()


async def test_a_unix_socket_with_a_prefix(tmp_path: Path) -> None:
    path = Path("/tmp") / f"{tmp_path.name[:20]}.sock"  # noqa: S108  the path of a socket holds 107 bytes
    with Fake({"/version": constant(b'{"version":"1"}')}, unix=path, prefix="/llm") as server:
        assert server.endpoint.name == f"unix:{path}#/llm"
        client = Web(server.endpoint, FakeClock())
        assert await client.json("/version", dict) == {"version": "1"}
        assert server.paths == ["/llm/version"]
        server.refuse()
        with pytest.raises(SourceUnavailableError) as caught:
            await client.ok("/version")
        assert caught.value.state == health.FAILED
        client.close()
        path.unlink()
        with pytest.raises(SourceUnavailableError, match="No such file"):
            await client.ok("/version")


async def test_a_key_is_sent_and_never_told() -> None:
    with Fake({"/metrics": lambda _: page(BODY)}, key=SECRET) as server:
        stranger = web(server)
        with pytest.raises(SourceUnavailableError) as denied:
            await stranger.ok("/metrics")
        assert denied.value.state == health.DENIED
        stranger.close()
        friend = web(server, key=SECRET)
        assert (await friend.ok("/metrics")).body == BODY
        assert server.asked[-1].headers["authorization"] == f"Bearer {SECRET}"
        for fault in (401, 404, 503, fake.HUNG, fake.GARBAGE, fake.HALF, fake.REDIRECT, fake.TYPE):
            server.fault = fault
            with pytest.raises(SourceError) as caught:
                await friend.json("/metrics", dict, timeout_s=0.2 if fault == fake.HUNG else 20)
            assert SECRET not in str(caught.value) + caught.value.fix
        server.refuse()
        with pytest.raises(SourceError) as caught:
            await friend.ok("/metrics")
        assert SECRET not in str(caught.value) + repr(caught.value)
        friend.close()
        assert SECRET not in friend.endpoint.name


@pytest.mark.parametrize("bad", [f"{SECRET}\nx", f"{SECRET}\0", f"{SECRET}é"])
async def test_a_key_that_no_header_can_carry(server: Fake, bad: str) -> None:
    """The library's own words would quote it."""
    client = web(server, key=bad)
    with pytest.raises(SourceUnavailableError) as caught:
        await client.ok("/metrics")
    error: BaseException | None = caught.value
    while error is not None:
        assert "canary" not in f"{error} {error!r}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert server.asked == []
    client.close()


async def test_ipv6() -> None:
    with Fake({"/version": constant(b"{}")}, host="::1") as server:
        client = Web(server.endpoint, FakeClock())
        assert (await client.ok("/version")).body == b"{}"
        assert server.asked[0].headers["host"] == f"[::1]:{server.endpoint.port}"
        client.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of its own for 127.0.0.1, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl: no certificate can be made")
    folder = tmp_path_factory.mktemp("tls")
    made = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
         "3650", "-subj", "/CN=test", "-addext",
         "subjectAltName=IP:127.0.0.1", "-out", made[0], "-keyout", made[1]],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return made


async def test_tls(certificate: tuple[Path, Path]) -> None:
    with Fake({"/version": constant(b"{}")}, tls=certificate) as server:
        for good in ({"ca": str(certificate[0])}, {"verify": False}):
            client = web(server, **good)
            assert (await client.ok("/version")).body == b"{}"
            client.close()
        with pytest.raises(SourceUnavailableError, match=r"(?i)certificate"):
            await web(server).ok("/version")
        with pytest.raises(SourceUnavailableError, match="No such file"):
            await web(server, ca="/nowhere/ca.pem").ok("/version")
        plain = web(server, tls=False)
        with pytest.raises(SourceError):
            await plain.ok("/version", timeout_s=5)
        plain.close()


async def test_what_goes_with_a_connection(server: Fake) -> None:
    class Thing:
        closed = 0

        def close(self) -> None:
            self.closed += 1

    with Fake({"/metrics": lambda _: page(b"a 1\n")}) as sibling:
        client = web(server)
        await client.ok("/metrics")
        beside = client.beside(sibling.endpoint)
        assert client.beside(sibling.endpoint) is beside
        assert (await beside.ok("/metrics")).body == b"a 1\n"
        thing = client.keep(Thing())
        server.fault = 500
        assert (await client.get("/metrics")).status == 500
        assert thing.closed == 0
        client.close()
        client.close()
        assert thing.closed == 1
        await until(lambda: not sibling._open)
