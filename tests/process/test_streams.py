"""Streams of tokens from end to end: pushed to a real recorder, against an independent reference."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice, pairwise
from typing import Any

import pytest

from tests import energy_reference as reference
from tests.energy_scripts import BURSTY, CERTAIN, STALLED, STEADY, TOKEN, UNSURE, Script, Step, merged
from tests.harness import Running, View, environment, events, recorder, until
from tests.process.test_push import Program, told
from tests.proxied import Proxied, heard, request, serving
from wftui.client.push import Pusher
from wftui.client.queries import Connection
from wftui.clock import NS_PER_S
from wftui.model import streams as cells
from wftui.model.table import Row, apply
from wftui.model.tick import unpack
from wftui.paths import places
from wftui.wire import messages as m

HZ = 60
NEAR_S = 0.02
"""A moment is known so well: a told one is that of its token, to a millisecond, and E leaps at tokens."""
WITHIN = 0.05
CANARY = "canary-9c41"


def now_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def event(model: str, step: Step, ago_s: float) -> dict[str, Any]:
    """As ``push.sock`` takes it."""
    found: dict[str, Any] = {"do": step.what, "model": model, "ago": max(0.0, ago_s)}
    if step.what == TOKEN and step.certainty == step.certainty:
        found |= {"bits": (1.0 - step.certainty) * 4.0, "of": 16}
    return found


@contextmanager
def playing(script: Script, source: str) -> Iterator[float]:
    """Push a script at its times in a thread; gives the moment (CLOCK_BOOTTIME, s) at which it begins."""
    begins_s = now_s() + 0.3
    failures: list[object] = []

    def run() -> None:
        with Program() as program:
            for model, step in merged(script):
                due_s = begins_s + step.at_s
                time.sleep(max(0.0, due_s - now_s()))
                program.send(
                    json.dumps({"source": source, "tokens": [event(model, step, now_s() - due_s)]}).encode()
                    + b"\n"
                )
                reply = program.reply()
                if reply["accepted"] != 1:
                    failures.append(reply)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield begins_s
    finally:
        thread.join()
    assert not failures


class Watched:
    """What a view is told of streams at full rate."""

    def __init__(self) -> None:
        self.energy: dict[str, list[tuple[float, float]]] = {}
        """Model to (s of CLOCK_BOOTTIME, E)."""
        self.states: dict[str, list[str]] = {}
        """Model to its states in their order."""
        self._texts: list[str] = []
        self._rows: dict[str, Row] = {}

    def follow(self, view: View, until_s: float) -> None:
        while now_s() < until_s:
            message = view.next()
            assert message is not None
            if isinstance(message, m.LayoutChanged):
                self._texts = [column.series.text for column in message.columns]
            elif isinstance(message, m.Samples):
                to_boot_s = now_s() - time.time()
                for at, place, value in zip(message.time_ns, message.places, unpack(message.values), strict=True):
                    name, _, labels = self._texts[place].partition("{")
                    if name == "ux.stream.energy":
                        model = labels.split('model="')[1].split('"')[0]
                        self.energy.setdefault(model, []).append((at / NS_PER_S + to_boot_s, value))
            elif isinstance(message, m.TableArrived) and message.change.name == cells.STREAMS.name:
                apply(self._rows, message.change)
                for row in self._rows.values():
                    states = self.states.setdefault(str(row[cells.MODEL]), [])
                    if not states or states[-1] != row[cells.STATE]:
                        states.append(str(row[cells.STATE]))


def lasting(steps: list[Step], until_s: float, least_s: float) -> list[str]:
    """States of a script that last so long."""
    turns = [*reference.turns(steps, until_s), (until_s, "")]
    return [state for (at_s, state), (next_s, _) in pairwise(turns) if next_s - at_s >= least_s]


def within(wanted: list[str], found: list[str]) -> bool:
    """Whether these come in that order, whatever is between them."""
    rest = iter(found)
    return all(item in rest for item in wanted)


SCRIPT: Script = {
    "steady": STEADY, "bursty": BURSTY, "stalled": STALLED, "certain": CERTAIN, "unsure": UNSURE,
}  # fmt: skip


@pytest.mark.alone
def test_energy_and_units_and_states_are_those_of_the_reference() -> None:
    with recorder() as running, View(running.where, HZ) as view:
        watched = Watched()
        with playing(SCRIPT, "script") as begins_s:
            watched.follow(view, begins_s + 8.5)
        until(lambda: len(events(running.where, "stream.ended")) == len(SCRIPT) or None, what="all ends")
        running.stop()
        ended = {str(item["model"]): item for item in events(running.where, "stream.ended")}
        ticks = told(running.where)
    for model, steps in SCRIPT.items():
        whole = reference.run(steps, 8.0)
        assert ended[model]["units"] == pytest.approx(whole.units, rel=WITHIN), model
        assert ended[model]["tokens"] == whole.tokens
        assert ended[model]["duration_s"] == pytest.approx(steps[-1].at_s, abs=NEAR_S)
        # A millisecond decides whether a token is one of the last second: one more is 5 % of the velocity.
        assert ended[model]["energy_peak"] == pytest.approx(max(whole.energies), rel=2 * WITHIN)
        seen = [(at_s - begins_s, value) for at_s, value in watched.energy[model] if at_s - begins_s < 8.0]
        assert len(seen) > 30, model
        for at_s, value in seen[:: max(1, len(seen) // 40)]:
            around = [reference.at(steps, max(0.0, at_s + by_s)).energy for by_s in (-NEAR_S, 0.0, NEAR_S)]
            assert (1 - WITHIN) * min(around) - 0.01 <= value <= (1 + WITHIN) * max(around) + 0.01, (model, at_s)
        assert within(lasting(list(steps), 8.0, 0.5), watched.states[model]), (model, watched.states[model])
        assert {state for _, state in reference.turns(steps, 8.0)} | {"idle"} >= set(watched.states[model])
        units = f'ux.stream.units{{model="{model}",source="script"}}'
        assert max(tick.get(units, 0.0) for tick in ticks) == pytest.approx(whole.units, rel=WITHIN)
    # At rest at last: what was told last of each stream is next to nothing.
    assert all(values[-1][1] < 0.5 for values in watched.energy.values())


def test_what_tokens_say_is_nowhere() -> None:
    with recorder() as running, View(running.where, HZ) as view, Program() as program:
        top = {f"{CANARY}-{number}": 1 / 40 for number in range(40)}
        for number in range(30):
            tokens: list[dict[str, Any]] = [{"do": "token", "model": name, "top": top} for name in ("a", "b")]
            if number == 7:
                tokens.append({"do": "token", "model": "a", "top": {f"{CANARY}-wrong": 7.0}})
            if number == 8:
                tokens.append({"do": "token", "model": "a", "top": {f"{CANARY}-wrong": "x"}})
            program.send(json.dumps({"source": "app", "tokens": tokens}).encode() + b"\n")
            reply = program.reply()
            assert CANARY not in json.dumps(reply)
            assert len(reply["rejected"]) == (number in (7, 8))
        program.send(b'{"source":"app","tokens":[{"do":"token","top":{"%s":' % CANARY.encode() + b"}]}\n")
        assert CANARY not in json.dumps(program.reply())
        heard: list[m.Message] = []
        while not any(
            isinstance(item, m.TableArrived)
            and item.change.name == cells.STREAMS.name
            and any(row[cells.APART_BY] == "top_k" for row in item.change.rows.values())
            for item in heard
        ):
            message = view.next()
            assert message is not None
            heard.append(message)
        assert CANARY not in repr(heard)
        where = running.where
        running.stop()
    for folder in (where.data_dir, where.state_dir, where.runtime_dir):
        for file in folder.rglob("*"):
            if file.is_file():
                assert CANARY.encode() not in file.read_bytes(), file


def test_what_wftop_computes_nobody_pushes() -> None:
    with recorder(), Program() as program:
        for name in (
            "ux.stream.energy",
            "ux.ensemble.energy",
            "ux.frame.rate",
            "ux.core.up",
            "wftop.fidelity.ratio",
        ):
            [refused] = program.native({"name": name, "value": 1})["rejected"]
            assert "computes that itself" in refused["reason"], name
        stage = {"name": "ux.stage.duration", "value": 0.004, "labels": {"mode": "render"}}
        assert program.native(stage)["accepted"] == 1


def test_how_fast_is_fast_is_a_setting() -> None:
    """Twenty tokens a second are all of the usual rate, a tenth of 200: E is little more than friction's 0.3."""
    with recorder(env={"WFTOP_STREAMS_FULL_RATE": "200"}) as running:
        with Program() as program:
            tokens = [{"do": "token", "model": "a", "count": 20}, {"do": "end", "model": "a"}]
            program.send(json.dumps({"source": "app", "tokens": tokens}).encode() + b"\n")
            assert program.reply()["accepted"] == 2
        [ended] = until(lambda: events(running.where, "stream.ended"), what="the end of the answer")
        peak = ended["energy_peak"]
        assert isinstance(peak, float)
        assert 0.3 < peak < 0.37


def test_nobody_pushes_tokens_as_the_core() -> None:
    with recorder(), Program() as program:
        tokens = [{"do": "token", "model": "alpha"}, {"do": "end", "model": "alpha"}]
        program.send(json.dumps({"source": "core", "tokens": tokens}).encode() + b"\n")
        reply = program.reply()
        assert reply["accepted"] == 0
        assert ["core.url" in item["reason"] for item in reply["rejected"]] == [True, True]


def test_a_bad_token_event_is_refused_by_its_place_and_the_others_count() -> None:
    with recorder(), Program() as program:
        good = {"do": "token", "model": "a"}
        bad = [
            ({"do": "sing"}, "expected prompt, token, end"),
            ({**good, "count": 0}, "count: expected 1 to 10000"),
            ({**good, "cost": -1}, "cost: expected 0 to"),
            ({**good, "bits": 2.0}, "of: expected how many tokens"),
            ({**good, "bits": 9.0, "of": 4}, "bits: expected 0 to log2(of) = 2"),
            ({**good, "top": {"x": -0.5}}, "top: expected probabilities"),
            ({**good, "top": {str(number): 0.01 for number in range(65)}}, "65 tokens, at most 64"),
            ({**good, "count": "x"}, "count: expected a whole number"),
            ({"do": "end", "model": "a", "how": "well"}, "how: expected finished, aborted, failed, unknown"),
            ({"model": "a"}, "an object that says what to do"),
            (3, "an object that says what to do"),
        ]
        program.send(
            json.dumps({"source": "app", "tokens": [good, *(item for item, _ in bad), good]}).encode() + b"\n"
        )
        reply = program.reply()
        assert reply["accepted"] == 2
        assert sorted(item["index"] for item in reply["rejected"]) == list(range(1, len(bad) + 1))
        why = {item["index"]: item["reason"] for item in reply["rejected"]}
        for place, (_, words) in enumerate(bad, 1):
            assert words in why[place], why[place]
        assert {item["name"] for item in reply["rejected"]} == {"tokens"}
        assert reply["within"] == 0.2


def test_the_client_hurries_while_somebody_follows() -> None:
    with recorder() as running, Pusher("app") as push:
        with push.stream(model="a") as stream:
            stream.token(top={"x": 0.5, "y": 0.5})
            assert push.flush(20)
            assert push._every_s == 0.2
            with View(running.where, HZ):

                def hurries() -> bool:
                    stream.token()
                    push.flush(20)
                    return push._every_s < 0.02

                until(hurries, what="a reply that says how often")
        assert push.flush(20)
        assert (push.rejected, push.dropped, push.trouble) == (0, 0, "")
        until(lambda: events(running.where, "stream.ended"), what="the end")
        [ended] = events(running.where, "stream.ended")
        assert ended["tokens"] == stream.tokens


def lines(source: str, *tokens: dict[str, Any]) -> bytes:
    """A line for each."""
    return b"".join(json.dumps({"source": source, "tokens": [item]}).encode() + b"\n" for item in tokens)


def abandoned(running: Running) -> list[Any]:  # Any: a payload
    return events(running.where, "stream.abandoned")


def test_a_program_that_is_killed_in_an_answer_abandons_it_and_another_one_goes_on() -> None:
    say = (
        "import sys, time\nfrom wftui.client.push import Pusher\npush = Pusher('app')\n"
        "with push.stream(model='m') as stream:\n"
        "    while True:\n        stream.token()\n        time.sleep(0.05)\n        print(flush=True)\n"
    )
    with recorder() as running, Program() as program:
        program.send(lines("other", {"do": "prompt", "model": "b"}))
        program.reply()
        speaker = subprocess.Popen([sys.executable, "-c", say], env=environment(), stdout=subprocess.PIPE)
        assert speaker.stdout is not None
        for _ in range(20):
            speaker.stdout.readline()
        speaker.kill()
        speaker.communicate()
        [told] = until(lambda: abandoned(running), 15, "the end of what nobody tells")
        assert (told["source"], told["ends"], told["why"]) == ("app", {"abandoned": 1}, "gone")
        assert told["tokens"] > 0
        assert events(running.where, "stream.ended") == []
        program.send(lines("other", {"do": "token", "model": "b"}, {"do": "end", "model": "b", "how": "failed"}))
        [program.reply() for _ in range(2)]
        [ended] = until(lambda: events(running.where, "stream.ended"), what="the end of the other")
        assert ended["ends"] == {"failed": 1}


def test_a_script_that_connects_for_each_line_abandons_nothing() -> None:
    with recorder() as running:
        for do in ("prompt", "token"):
            with Program() as program:
                program.send(lines("script", {"do": do}))
                program.reply()
        running.ticks(running.status().ticks + 5)
        with Program() as program:
            program.send(lines("script", {"do": "end"}))
            program.reply()
        [ended] = until(lambda: events(running.where, "stream.ended"), what="the end")
        assert ended["ends"] == {"finished": 1}
        assert abandoned(running) == []


def test_who_follows_knows_a_new_stream_before_the_second_is_over() -> None:
    with recorder() as running, View(running.where, HZ) as view, Program() as program:
        texts: list[str] = []
        at_once = 0
        for model in "abcde":
            told_of = f'ux.stream.tokens{{model="{model}",source="app"}}'
            program.send(lines("app", {"do": "prompt", "model": model}, {"do": "token", "model": model}))
            ticks, found, row = 0, False, False
            while not found:
                message = view.next()
                assert message is not None
                if isinstance(message, m.LayoutChanged):
                    texts = [column.series.text for column in message.columns]
                elif isinstance(message, m.TickArrived):
                    ticks += 1
                elif isinstance(message, m.TableArrived) and message.change.name == cells.STREAMS.name:
                    row = row or any(item[cells.MODEL] == model for item in message.change.rows.values())
                elif isinstance(message, m.Samples):
                    found = any(texts[place] == told_of for place in message.places)
            assert row  # who does not know the stream cannot draw its token
            at_once += not ticks
        # A second may end in between.
        assert at_once >= 3


def test_an_older_recorder_gets_its_samples_and_nothing_counts_as_lost() -> None:
    lines: list[dict[str, Any]] = []
    where = places().push_socket
    where.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(where))
    listening.listen()

    def serve() -> None:
        one, _ = listening.accept()
        with one, one.makefile("rb") as said:
            for text in said:
                line = json.loads(text)
                lines.append(line)
                refused = [{"reason": "expected samples, data or fields"}]
                reply = {
                    "accepted": len(line.get("samples", ())),
                    "rejected": [] if "samples" in line else refused,
                }
                one.sendall(json.dumps(reply).encode() + b"\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    push = Pusher("app")
    for _ in range(2):
        with push.stream(model="a") as stream:
            stream.token()
        assert push.flush(20)
    assert sum("tokens" in line for line in lines) == 1
    assert (push.rejected, push.dropped, push.trouble) == (0, 0, "")
    assert push.accepted == sum(len(line.get("samples", ())) for line in lines) > 0
    push._disconnect()
    thread.join(10)
    listening.close()


def test_frames_of_programs_and_views_are_told_over_windows() -> None:
    with recorder() as running, Pusher("game") as push, Connection(str(running.where.socket), role="view") as view:

        def found() -> dict[str, float]:
            for _ in range(30):
                push.frame(0.010, stages={"render": 0.009, "token": 0.001})
                time.sleep(1 / 60)
            push.frame(0.040)
            drawn = m.Frames([0.01] * 30, [0.5] * 30, {"render": 0.06})
            picture = m.Picture(9.0, {"link": 1.0, "room": 0.5}, 0.9, 95.0, 0.03, 12, 2.0, {"link": 0.1})
            view.ask(m.Report(0.01, 5, 6, 7, motion="full", picture=picture, frames_drawn=drawn), m.Ok)
            return told(running.where)[-1] if told(running.where) else {}

        def whole() -> dict[str, float] | None:
            tick = found()
            wanted = ('ux.frame.rate{mode="1s",source="game"}', 'ux.frame.p50{mode="10s",view="1"}')
            return tick if all(text in tick for text in wanted) else None

        tick = until(whole, 20, "windows of both")
        assert tick['ux.frame.p50{mode="10s",source="game"}'] == pytest.approx(0.010, rel=0.02)
        assert tick['ux.frame.longest{mode="10s",source="game"}'] == pytest.approx(0.040, rel=0.02)
        assert tick['ux.frames.over{source="game"}'] >= 1
        assert tick['ux.frame.p50{mode="10s",view="1"}'] == pytest.approx(0.01, rel=0.02)
        assert tick['wftop.fidelity.ratio{view="1"}'] == 0.9
        assert tick['wftop.fidelity.missed{mode="link",view="1"}'] == 1.0
        assert tick['wftop.fidelity.lost{mode="link",view="1"}'] == 0.1
        assert tick['wftop.fidelity.lost{mode="cpu",view="1"}'] == 0.0
        assert tick['wftop.view.motion{view="1"}'] == 2
        with View(running.where) as other:
            [rows] = [
                item.change.rows
                for item in islice(other.messages(), 20)
                if isinstance(item, m.TableArrived) and item.schema == cells.FRAMES
            ]
        game = dict(zip((column.name for column in cells.FRAMES.columns), rows["source:game"], strict=True))
        assert game["frames.bottleneck"] == "render"
        assert game["frames.render"] == pytest.approx(0.009, rel=0.02)
        assert game["frames.energy"] is None


def test_an_answer_through_the_proxy_is_a_stream() -> None:
    def talk(one: socket.socket) -> None:
        heard(one)
        one.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for _ in range(20):
            one.sendall(b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % CANARY.encode())
            time.sleep(0.02)
        one.close()

    with recorder() as running, serving(talk) as url, Proxied(url) as proxy:
        with proxy.connect() as client:
            client.sendall(request({"model": "llama3", "stream": True}))
            while client.recv(65_536):
                pass
        until(lambda: events(running.where, "stream.ended"), what="the end of the stream")
        [ended] = events(running.where, "stream.ended")
        assert (ended["source"], ended["model"], ended["tokens"]) == ("proxy", "llama3", 20)
        assert ended["server"] == url.removeprefix("http://")
        assert 0.3 < float(str(ended["duration_s"])) < 20
        assert float(str(ended["units"])) > 0


def test_a_client_of_the_proxy_that_hangs_up_has_aborted_its_answer() -> None:
    def talk(one: socket.socket) -> None:
        heard(one)
        one.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        with suppress(OSError):  # the proxy passes the hang-up on
            while True:
                one.sendall(b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n')
                time.sleep(0.02)
        one.close()

    with recorder() as running, serving(talk) as url, Proxied(url) as proxy:
        with proxy.connect() as client:
            client.sendall(request({"model": "llama3", "stream": True}))
            assert client.recv(65_536)
        [ended] = until(lambda: events(running.where, "stream.ended"), 20, "the end of the stream")
        assert ended["ends"] == {"aborted": 1}
