"""A core for tests that speaks the protocol of WF-TECH-003 over a WebSocket, with scripts and faults.

``python -m tests.core.reference --port 8145 --rate 60 --script three --fault gaps`` prints the port it listens on
and, when it ends (SIGTERM), one line of JSON: what it made, sent, dropped and heard.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import signal
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError

CANARIES = tuple(f"kanarienvogel{number:02d}" for number in range(60))
"""Tokens: nothing of these may ever be found anywhere."""
SESSION = "sitzung-zaunkoenig"
"""How the ids of sessions begin."""
SCRIPTS = ("steady", "bursty", "stalled", "certain", "unsure", "three", "mute")
FAULTS = ("", "gaps", "stalls", "reconnects", "garbage", "fast")
ANSWER_S = 5.0
PAUSE_S = 0.5
"""Between two answers."""


@dataclass
class Said:
    """What the core did so far."""

    frames: int = 0
    """Numbers that were used."""
    sent: int = 0
    """Frames that were written to a connection."""
    dropped: int = 0
    """Numbers left out, by the fault."""
    tokens: int = 0
    """In frames that were sent."""
    answers: int = 0
    garbage: int = 0
    heartbeats: int = 0
    responses: int = 0
    connections: int = 0
    first: int | None = None
    """Number of the first frame that was sent, and of the last."""
    last: int | None = None
    errors: list[str] = field(default_factory=list)


@dataclass
class Voice:
    """One model."""

    model: str
    rate: float
    """Tokens a second."""
    cost: float | None = None
    level: float = 0.5
    debt: float = 0.0
    began_s: float = -PAUSE_S
    session: str = ""
    spoken: int = 0
    ended: bool = True
    """No answer is under way."""


def voices(script: str) -> list[Voice]:
    """The models of a script."""
    if script == "three":
        return [Voice("alpha", 10), Voice("beta", 20), Voice("gamma", 30)]
    if script == "certain":
        return [Voice("llama3", 20, 2.0, 0.95)]
    if script == "unsure":
        return [Voice("llama3", 20, 0.5, 0.3)]
    return [Voice("llama3", 40 if script == "bursty" else 20)]


def speaks(script: str, at_s: float) -> bool:
    """Whether tokens come at a moment of an answer."""
    if script == "bursty":
        return at_s % 2 < 1
    return at_s % 5 < 3 if script == "stalled" else True


class Core:
    """Serves any number of clients the same frames."""

    def __init__(self, rate: float = 60.0, script: str = "steady", fault: str = "", seed: int = 7) -> None:
        self.said = Said()
        self.rate = rate * 10 if fault == "fast" else rate
        self.script = script
        self.fault = fault
        self.voices = voices(script)
        self.apart = script != "mute"
        """Whether tokens come in events of their own."""
        self.skew_ms = 0.0
        """Of its clock."""
        self.silent = False
        """Says nothing, hears nothing: a connection that is half open."""
        self.status = 101
        self.port = 0
        self._random = random.Random(seed)  # noqa: S311  the same frames each time
        self._clients: dict[asyncio.StreamWriter, WSConnection] = {}
        self._serving: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}
        self._server: asyncio.Server | None = None
        self._began = time.monotonic()

    async def listen(self, port: int = 0) -> int:
        """Begin to listen; the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def run(self) -> None:
        """Make frames until cancelled."""
        self._began = began = time.monotonic()
        beat = 0.0
        while True:
            number = self.said.frames
            due = began + (number + 1) / self.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            at_s = time.monotonic() - began
            self.said.frames += 1
            if self.silent or (self.fault == "stalls" and at_s % 5 > 3):
                self.said.dropped += 1
                continue
            if self.fault == "gaps" and number % 50 in (10, 11, 12):
                self.said.dropped += 1
                continue
            if self.fault == "reconnects" and number and number % int(3 * self.rate) == 0:
                self._hang_up(clean=number % int(6 * self.rate) == 0)
            self._frame(number, at_s)
            if at_s >= beat:
                beat = math.floor(at_s) + 1.0
                self._heartbeat()
                if self.script == "three":
                    self._council(number)

    async def close(self) -> None:
        """End it."""
        if self._server is not None:
            self._server.close()
        for writer in self._serving:
            writer.transport.abort()
        await asyncio.gather(*self._serving.values(), return_exceptions=True)
        await asyncio.sleep(0)  # the transports' last words

    # ---- what it says

    def event(self, kind: str, channel: str, payload: dict[str, Any], **more: Any) -> dict[str, Any]:
        """An event of now."""
        now_ms = int(time.time() * 1000 + self.skew_ms)
        return {"type": kind, "channel": channel, "timestamp": now_ms, "payload": payload, **more}

    def _frame(self, number: int, at_s: float) -> None:
        made: list[dict[str, Any]] = []
        for voice in self.voices:
            count, ends = self._speak(voice, at_s)
            level = min(1.0, max(0.0, voice.level + 0.04 * math.sin(at_s)))
            made.append(
                self.event(
                    "energy_update",
                    "energy",
                    {
                        "totalEnergy": level, "deltaEnergy": 0.01, "tokensGenerated": count,
                        "processingTime": 5.0 + 2.0 * self._random.random(), "modelId": voice.model,
                    },
                    frameNumber=number,
                )
            )  # fmt: skip
            if self.apart and (count or ends):
                tokens = [CANARIES[(voice.spoken + place) % len(CANARIES)] for place in range(count)]
                voice.spoken += count
                payload = {
                    "tokens": tokens, "isComplete": ends, "sessionId": voice.session, "modelId": voice.model,
                }  # fmt: skip
                if voice.cost is not None:
                    payload["energyCost"] = voice.cost * count
                made.append(self.event("token_stream", "experience", payload))
            if self._clients:
                self.said.tokens += count
                self.said.answers += ends
        if not self._clients:
            return
        self.said.sent += 1
        self.said.first = number if self.said.first is None else self.said.first
        self.said.last = number
        for item in made:
            self.say(json.dumps(item))
            if self.fault == "garbage" and self._random.random() < 0.1:
                self._garbage()

    def _speak(self, voice: Voice, at_s: float) -> tuple[int, bool]:
        """(tokens of this frame, whether the answer ends with it)."""
        since = at_s - voice.began_s
        if voice.ended:
            if since < PAUSE_S:
                return 0, False
            voice.ended = False
            voice.began_s, voice.debt = at_s, 0.0
            voice.session = f"{SESSION}-{self._random.random()}"
            return 1, False
        if since >= ANSWER_S:
            voice.ended, voice.began_s = True, at_s
            return 0, True
        if not speaks(self.script, since):
            return 0, False
        voice.debt += voice.rate / self.rate
        count = int(voice.debt)
        voice.debt -= count
        return count, False

    def _council(self, number: int) -> None:
        models = [voice.model for voice in self.voices]
        self.say(json.dumps(self.event("interference_event", "council", {
            "patternType": "constructive", "models": models, "intensity": 0.7, "coherenceScore": 0.9,
        }, frameNumber=number)))  # fmt: skip
        self.say(json.dumps(self.event("resonance_event", "council", {
            "resonanceType": "harmonic", "frequency": 2.5, "amplitude": 0.4, "participants": models, "phase": 90,
        }, frameNumber=number)))  # fmt: skip
        self.say(json.dumps(self.event("energy_field", "energy", {
            "fieldType": "lightning", "intensity": 0.6, "coordinates": [{"x": 0, "y": 1, "energy": 0.5}],
            "modelId": models[0],
        }, frameNumber=number)))  # fmt: skip

    def _heartbeat(self) -> None:
        self.said.heartbeats += bool(self._clients)
        payload = {"sequence": self.said.heartbeats, "serverTime": int(time.time() * 1000), "frameRate": self.rate}
        self.say(json.dumps(self.event("heartbeat", "system", payload)))

    def _garbage(self) -> None:
        """One message that says nothing, of each kind in turn."""
        kind = self.said.garbage % 6
        self.said.garbage += 1
        if kind == 0:
            self.say('{"type": "energy_update", "payload": ')
        elif kind == 1:
            self.say(json.dumps(self.event("unheard_of", "system", {"secret": CANARIES[0]})))
        elif kind == 2:
            self.say(json.dumps(self.event("energy_update", "energy", {"totalEnergy": "viel"}, frameNumber=-1)))
        elif kind == 3:
            self._each(BytesMessage(data=b"\x00\x01\x02"))
        elif kind == 4:
            self.say('{"type": "token_stream", "x": "' + "x" * (1 << 20) + '"}')
        else:
            self.say(json.dumps(self.event("token_stream", "experience", {
                "tokens": [1, 2], "isComplete": "ja", "sessionId": 5, "modelId": "llama3",
            })))  # fmt: skip

    def say(self, text: str, *, parts: int = 1) -> None:
        """A text message to all, in as many fragments."""
        size = -(-len(text) // parts)
        for place in range(parts):
            last = place == parts - 1
            self._each(TextMessage(data=text[place * size : (place + 1) * size], message_finished=last))

    def _each(self, event: Event) -> None:
        for writer, state in list(self._clients.items()):
            if writer.transport.get_write_buffer_size() > 1 << 24:
                self.said.errors.append("a client does not read")
                writer.transport.abort()
                continue
            try:
                writer.write(state.send(event))
            except (ProtocolError, OSError):
                self._clients.pop(writer, None)

    def _hang_up(self, *, clean: bool) -> None:
        if clean:
            self._each(CloseConnection(code=1012, reason="restart"))
        for writer in list(self._clients):
            if not clean:
                writer.transport.abort()
            else:
                writer.close()
        self._clients.clear()

    # ---- what it hears

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state = WSConnection(ConnectionType.SERVER)
        task = asyncio.current_task()
        assert task is not None
        self._serving[writer] = task
        try:
            while data := await reader.read(65536):
                if self.silent:
                    continue
                state.receive_data(data)
                for event in state.events():
                    self._hear(event, state, writer)
        except (OSError, ProtocolError):
            pass
        finally:
            self._clients.pop(writer, None)
            self._serving.pop(writer, None)
            writer.close()

    def _hear(self, event: Event, state: WSConnection, writer: asyncio.StreamWriter) -> None:
        if isinstance(event, Request):
            if self.status != 101:
                writer.write(state.send(RejectConnection(status_code=self.status)))
                writer.close()
                return
            if "permessage-deflate" in repr(event.extensions):
                self.said.errors.append("compression was offered")
            writer.write(state.send(AcceptConnection()))
            self._clients[writer] = state
            self.said.connections += 1
            startup = {
                "model": self.voices[0].model, "tier": "Mid-Tier", "version": "1.0.0",
                "capabilities": ["council"], "frameRate": 60,
            }  # fmt: skip
            writer.write(
                state.send(TextMessage(data=json.dumps(self.event("startup_complete", "system", startup))))
            )
        elif isinstance(event, TextMessage):
            if json.loads(event.data).get("type") == "heartbeat_response":
                self.said.responses += 1
        elif isinstance(event, Ping):
            writer.write(state.send(event.response()))
        elif isinstance(event, CloseConnection):
            self._clients.pop(writer, None)
            writer.write(state.send(event.response()))
            writer.close()


async def _main(options: argparse.Namespace) -> None:
    core = Core(options.rate, options.script, options.fault)
    print(await core.listen(options.port), flush=True)  # noqa: T201  for who started it
    loop = asyncio.get_running_loop()
    running = loop.create_task(core.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    if options.seconds:
        loop.call_later(options.seconds, running.cancel)
    with suppress(asyncio.CancelledError):
        await running
    # What was written last is on its way; a second word ends this, too.
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    with suppress(TimeoutError):
        async with asyncio.timeout(options.linger):
            await over.wait()
    await core.close()
    print(json.dumps(asdict(core.said)), flush=True)  # noqa: T201  as above


def main() -> int:
    """Run one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--rate", type=float, default=60.0, help="frames a second")
    parser.add_argument("--script", choices=SCRIPTS, default="steady")
    parser.add_argument("--fault", choices=FAULTS, default="")
    parser.add_argument("--seconds", type=float, default=0.0, help="end after so long; 0: when told")
    parser.add_argument(
        "--linger", type=float, default=0.0, help="stay connected for so long after the last frame"
    )
    asyncio.run(_main(parser.parse_args()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
