"""wftop beside a real llama.cpp server: what it tells is what the server's client saw."""

from __future__ import annotations

from pathlib import Path

from tests.servers.real import model
from tests.servers.real.client import Asked, Client, lasting, warm
from tests.servers.real.llama import REAL, Llama
from tests.servers.real.measured import TOLERANCE, compared, points, say, series
from tests.servers.test_poller import Seen, watching
from wftui.model import health
from wftui.model.servers import (
    KIND,
    LOADED,
    M_CONTEXT,
    M_NAME,
    M_PARAMETERS,
    M_QUANTIZATION,
    M_SIZE,
    M_STATE,
    MISSING,
    MODELS,
    ORIGIN,
    PID,
    R_STATE,
    READS,
    REQUESTS,
    VERSION,
)

pytestmark = REAL
NAME = "tiny.gguf"
SLOT = 4096
RUN_S = 10.0


def last(seen: Seen, name: str) -> float | None:
    """The newest value of a series."""
    found = seen.values(name)
    return found[-1] if found else None


def more(seen: Seen, server: Llama, count: int = 2) -> None:
    """Wait for so many readings from now."""
    up = series("server.up", server.name)
    before = len(seen.values(up))
    seen.until(lambda: len(seen.values(up)) >= before + count, "readings")


def test_tokens_rate_queue_and_model(tmp_path: Path) -> None:
    with (
        Llama(tmp_path / "log", "--metrics", "-np", "3", "-c", str(3 * SLOT)) as server,
        watching(discover=True) as seen,
    ):
        tokens = {mode: series("tokens", server.name, NAME, mode) for mode in ("generation", "prompt", "cached")}
        first = warm(server.port)
        seen.until(lambda: last(seen, tokens["generation"]) == first.generated, "the first requests' tokens")
        client = Client(server.port, [Asked(size) for size in (10, 60, 150, 300, 500)], seconds=RUN_S)
        seen.until(
            lambda: any(row[R_STATE] == "generating" for row in seen.tables.get(REQUESTS.name, {}).values()),
            "the requests' rows",
        )
        seen.until(lambda: client.done, "the end of the run")
        run = client.run()
        assert [one.generated for one in run.got] == [one.asked.generate for one in run.got]
        total = first.generated + run.generated
        seen.until(lambda: last(seen, tokens["generation"]) == total, f"{total} generated tokens")
        more(seen, server)
        assert last(seen, tokens["generation"]) == total
        assert last(seen, tokens["prompt"]) == first.prompt + run.prompt
        assert last(seen, tokens["cached"]) == first.cached + run.cached
        rate = compared(points(seen, series("tokens.rate", server.name, NAME, "generation")), run)
        say(
            "with --metrics, 3 slots",
            run,
            ("generated tokens", total, last(seen, tokens["generation"]) or 0),
            ("prompt tokens", first.prompt + run.prompt, last(seen, tokens["prompt"]) or 0),
            ("of these from the cache", first.cached + run.cached, last(seen, tokens["cached"]) or 0),
            ("mean rate (tokens/s)", rate.true / rate.seconds, rate.tokens / rate.seconds),
        )
        assert abs(rate.off) <= TOLERANCE, rate
        assert max(seen.values(series("requests", server.name, NAME, "running"))) == 3
        assert max(seen.values(series("requests", server.name, NAME, "waiting"))) >= 1
        assert seen.tables[REQUESTS.name] == {}
        row = seen.servers[server.name]
        assert (row[KIND], row[ORIGIN], row[PID]) == ("llama.cpp", "process", server.process.pid)
        assert str(row[VERSION]).startswith("b")
        found = seen.tables[MODELS.name][f"{server.name}|{NAME}"]
        assert (found[M_NAME], found[M_STATE], found[M_SIZE], found[M_PARAMETERS], found[M_QUANTIZATION]) == (
            NAME, LOADED, model.SIZE, model.PARAMETERS, "all F32",
        )  # fmt: skip
        assert found[M_CONTEXT] == SLOT


def test_without_metrics_the_slots_tell_the_rate(tmp_path: Path) -> None:
    with Llama(tmp_path / "log", "-np", "3", "-c", str(3 * SLOT)) as server, watching(discover=True) as seen:
        assert server.get("/metrics")[0] == 501
        seen.until(lambda: seen.state(server.name) == health.OK, "its row")
        size = lasting(RUN_S, warm(server.port, 800), SLOT - 200)
        more(seen, server, 2)
        client = Client(server.port, [Asked(size)] * 3)
        seen.until(lambda: "/slots" in str(seen.servers[server.name][READS]), "a look at its slots")
        seen.until(lambda: client.done, "the end of the run")
        run = client.run()
        more(seen, server)
        rate = compared(points(seen, series("tokens.rate", server.name, NAME, "generation")), run)
        say(
            "without --metrics",
            run,
            ("mean rate (tokens/s)", rate.true / rate.seconds, rate.tokens / rate.seconds),
        )
        assert abs(rate.off) <= TOLERANCE, rate
        assert max(seen.values(series("requests", server.name, NAME, "running"))) == 3
        row = seen.servers[server.name]
        assert "start it with --metrics" in str(row[MISSING])
        assert not seen.values(series("tokens", server.name, NAME, "generation"))


def test_killed_and_started_again(tmp_path: Path) -> None:
    with Llama(tmp_path / "log", "--metrics") as server, watching(discover=True) as seen:
        tokens = series("tokens", server.name, NAME, "generation")
        first = warm(server.port)
        seen.until(lambda: last(seen, tokens) == first.generated, "its tokens")
        pid = server.process.pid
        server.again()
        seen.until(lambda: "server.restarted" in seen.kinds, "the restart")
        # Its page may tell of the restart before the process table is looked through.
        seen.until(
            lambda: seen.state(server.name) == health.OK and seen.servers[server.name][PID] == server.process.pid,
            "the new process",
        )
        assert server.process.pid != pid
        second = Client(server.port, [Asked(77)]).run()
        seen.until(lambda: last(seen, tokens) == second.generated == 77, "the tokens of the new one alone")
        assert last(seen, series("server.restarts", server.name)) == 1
        assert seen.kinds.count("server.restarted") == 1
        for mode in ("generation", "prompt"):
            assert min(seen.values(series("tokens.rate", server.name, NAME, mode))) >= 0


def test_a_key_is_wanted_and_used(tmp_path: Path) -> None:
    key = "sk-real-4711"
    file = tmp_path / "key"
    file.touch(0o600)
    file.write_text(key)
    with Llama(tmp_path / "log", "--metrics", "--api-key", key) as server:
        with watching(discover=True) as seen:
            seen.until(lambda: seen.state(server.name) == health.DENIED, "the refusal")
            row = seen.servers[server.name]
            assert row[KIND] == "llama.cpp"
            assert "401" in str(row)
            assert "key" in str(row)
        with watching(f"http://{server.name} key_file={file}") as seen:
            seen.until(lambda: seen.state(server.name) == health.OK, "its row")
            run = Client(server.port, [Asked(55)], headers={"Authorization": f"Bearer {key}"}).run()
            tokens = series("tokens", server.name, NAME, "generation")
            seen.until(lambda: last(seen, tokens) == run.generated == 55, "its tokens")
            assert "4711" not in str((seen.tables, seen.readings, seen.events))
