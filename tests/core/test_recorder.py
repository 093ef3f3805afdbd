"""A real recorder follows a core in a process of its own."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from tests.core.reference import CANARIES, SESSION
from tests.core.running import LISTENS, Playing, core, now
from tests.harness import Running, View, command, environment, events, recorder, until
from wftui.model.health import Health
from wftui.model.servers import SERVERS
from wftui.model.streams import STREAMS
from wftui.model.tick import unpack
from wftui.paths import places
from wftui.wire import messages as m

ENERGY = 'ux.core.events{mode="energy_update",source="core"}'
UP = 'ux.core.up{source="core"}'
LEVEL = 'ux.energy.level{model="llama3",source="core"}'
DEADLINE_S = 60.0


def following(played: Playing, **more: str) -> Running:
    return Running(env={"WFTOP_CORE_URL": played.url, **more})


def told(running: Running) -> Health:
    with running.ask() as connection:
        sources = connection.ask(m.Status(), m.StatusReply).sources
    return next(item for item in sources if item.source == "core")


def frames(running: Running, count: int) -> dict[str, float]:
    """Series, when so many frames came."""
    return until(
        lambda: found if (found := now(running)).get(ENERGY, 0) >= count else None, DEADLINE_S, f"{count} frames"
    )


def test_a_core_that_is_killed_in_an_answer_abandons_it() -> None:
    with core("--script", "steady") as played, following(played) as running:
        running.ready()
        frames(running, 120)
        played.process.kill()
        [ended] = until(lambda: events(running.where, "stream.abandoned"), DEADLINE_S, "a word on its answer")
        assert (ended["source"], ended["ends"], ended["why"]) == ("core", {"abandoned": 1}, "gone")
        assert int(str(ended["tokens"])) > 0
        assert events(running.where, "stream.ended") == []


def test_a_core_becomes_series_and_events() -> None:
    with core("--script", "three") as played, following(played) as running:
        running.ready()
        found = frames(running, 300)
        assert found[UP] == 1
        assert 0.4 <= found['ux.energy.level{model="alpha",source="core"}'] <= 0.6
        assert found['ux.core.connects{source="core"}'] == 1
        assert found['ux.core.heartbeat.age{source="core"}'] < 3
        assert told(running).state == "ok"
        with running.ask() as connection:
            reply = connection.ask(m.Windows(["ux.energy.level"]), m.WindowsReply)
        kept = {item.series: item.count for item in reply.stats if item.span_s == 10.0}
        assert len(kept) == 3
        said = played.end()
        until(lambda: told(running).state != "ok", DEADLINE_S, "a word on its end")
        assert told(running).state == "late"
        assert "tried again" in told(running).reason
        until(lambda: now(running).get(UP) == 0, DEADLINE_S, "to be down")
        last = now(running)
        assert running.stop() == 0
        assert running.errors() == ""
    assert said.responses >= 1
    assert last[ENERGY] == said.sent * 3
    [connected] = events(running.where, "core.connected")
    assert connected == {"url": played.url, "version": "1.0.0", "model": "alpha", "tier": "Mid-Tier"}
    [lost] = events(running.where, "core.lost")
    assert lost["url"] == played.url
    assert len(events(running.where, "core.interference")) >= 1
    assert len(events(running.where, "core.resonance")) >= 1


@pytest.mark.parametrize("fault", ["gaps", "reconnects", "stalls"])
def test_every_frame_is_counted_or_reported_lost(fault: str, tmp_path: Path) -> None:
    file = tmp_path / "lost"
    # The core stays for a while without frames, so that its last one is there when the sums are made.
    options = ("--fault", fault, "--seconds", "20", "--linger", "60")
    with core(*options) as played:
        env = {"WFTOP_CORE_URL": played.url, "LOST": str(file)}
        with Running(env=env, program=LISTENS) as running:
            running.ready()
            before, same = -1.0, 0
            while same < 6:  # seconds without a frame: its stalls last two
                running.ticks(running.status().ticks + 1)
                count = now(running).get(ENERGY, 0.0)
                same = same + 1 if count == before and count else 0
                before = count
            found = now(running)
            assert running.stop() == 0
        said = played.end()
    assert said.first is not None
    assert said.last is not None
    lost = int(file.read_text())
    assert lost > 0
    assert found[ENERGY] + lost == said.last - said.first + 1
    assert found.get('ux.frames.lost{source="core"}', lost) == lost
    assert found[ENERGY] == said.sent or fault == "reconnects"
    assert (said.connections > 1) is (fault == "reconnects")


def test_no_text_of_a_model_is_anywhere() -> None:
    """Sixty tokens and the ids of sessions: not in the journal, the log, an export, nor in what a view gets."""
    with core("--script", "three", "--fault", "garbage") as played, following(played) as running:
        running.ready()
        wire = b""
        with View(running.where, 60) as view:
            for _ in range(200):
                message = view.next()
                assert message is not None
                wire += repr(message).encode()
        frames(running, 400)
        where = running.where
        out = Path(where.data_dir).parent / "out.jsonl"
        export = command("export", "--since", "1h", "--format", "jsonl", "-o", str(out))
        subprocess.run(export, env=environment(), check=True, capture_output=True)
        subprocess.run([*export[:-1], str(out) + "2", "--events"], env=environment(), check=True)
        asked = subprocess.run(
            command("--once", "--json"), env=environment(), check=True, capture_output=True
        ).stdout
        said = played.end()
        assert running.stop() == 0
        errors = running.errors().encode()
    assert said.tokens > len(CANARIES)
    assert said.garbage > 6
    looked = [wire, asked, errors]
    for folder in (where.data_dir, where.state_dir, where.runtime_dir, out.parent):
        looked += [file.read_bytes() for file in Path(folder).rglob("*") if file.is_file()]
    assert sum(b"ux.core.events" in text for text in looked) >= 3, "what is looked through holds what was counted"
    for canary in (*CANARIES, SESSION):
        assert not any(canary.encode() in text for text in looked), canary


def test_it_is_switched_off_and_on() -> None:
    with core() as played, following(played) as running:
        running.ready()
        frames(running, 60)

        def switch(how: str) -> None:
            subprocess.run(
                command("sources", how, "core"), env=environment(), check=True, capture_output=True, text=True
            )

        switch("off")
        assert told(running).state == "off"
        until(lambda: UP not in now(running), DEADLINE_S, "silence")
        switch("on")
        until(lambda: now(running).get(UP) == 1, DEADLINE_S, "it again")
        assert running.stop() == 0


def test_a_core_is_found_by_its_process(tmp_path: Path) -> None:
    script = tmp_path / "wirthforge-core"
    script.write_text("import sys; from tests.core.reference import main; sys.exit(main())\n")
    with core(program=(str(script),)) as played, recorder(env={"WFTOP_SERVERS_DISCOVER": "true"}) as running:
        frames(running, 60)
        [connected] = events(running.where, "core.connected") or [{}]
        assert connected.get("url", played.url) == played.url
        with running.ask() as connection:
            at = connection.ask(m.At(2**62), m.AtReply)
        assert not [item for item in at.tables if item.change.name == SERVERS.name and item.change.rows]
        assert running.stop() == 0


def test_of_two_cores_one_is_followed_and_the_other_is_named(tmp_path: Path) -> None:
    script = tmp_path / "wirthforge-core"
    script.write_text("import sys; from tests.core.reference import main; sys.exit(main())\n")
    program = (str(script),)
    with (
        core(program=program) as one,
        core(program=program) as other,
        recorder(env={"WFTOP_SERVERS_DISCOVER": "true"}) as running,
    ):
        frames(running, 60)
        said = until(lambda: health if (health := told(running)).reason else None, DEADLINE_S, "a word on both")
        assert said.state == "ok"
        followed, _, rest = said.reason.partition(" is followed")
        assert {followed, rest[rest.index("ws://") :]} == {one.url, other.url}
        assert "core.url" in said.fix


@pytest.mark.parametrize("sources", [["core"], ["*", STREAMS.source]])
def test_frames_are_followed_as_they_come(sources: list[str]) -> None:
    """By whoever looks at the core, or at the streams that its tokens become."""
    with core() as played, following(played) as running:
        running.ready()
        frames(running, 60)
        layout: list[str] = []
        times: list[int] = []
        batches = 0
        with View(running.where) as view:
            view.connection.ask(m.Subscribe(["ux.energy.level"], 60.0, sources=sources), m.Ok)
            for message in view.messages():
                if isinstance(message, m.LayoutChanged):
                    layout = [column.series.text for column in message.columns]
                elif isinstance(message, m.Samples):
                    found = [
                        at
                        for at, place, value in zip(
                            message.time_ns, message.places, unpack(message.values), strict=True
                        )
                        if layout[place] == LEVEL and 0 <= value <= 1
                    ]
                    batches += bool(found)
                    times += found
                if len(times) >= 180:
                    break
        assert running.stop() == 0
    assert times == sorted(times)
    gaps = sorted(after - before for before, after in pairwise(times))
    # Each at its own time, and told before the tenth of a second is over.
    assert gaps[len(gaps) // 2] < 50_000_000
    assert batches > len(times) / 4


def test_the_configuration_is_checked_when_it_is_read() -> None:
    done = subprocess.run(
        command("record"),
        env=environment({"WFTOP_CORE_URL": "http://127.0.0.1:8145"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 4
    assert "WFTOP_CORE_URL: core.url:" in done.stderr
    assert "expected ws://HOST:PORT/ws" in done.stderr
    assert not places().socket.exists()
