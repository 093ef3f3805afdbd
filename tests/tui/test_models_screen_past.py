"""Screen 7 at a moment in the past: the servers of then, their lanes up to then, and nothing of now."""

from __future__ import annotations

import msgspec

from tests.tui import servers_seen as fake
from tests.tui.fake import NOW_S, events
from tests.tui.fake_gpus import NS
from tests.tui.fake_past import FIRST_S, GAP, Memory
from tests.tui.servers_seen import ServersFed, model_rows, request_rows, server_rows
from tests.tui.test_compose import lines
from tests.tui.test_keys import screen_text
from tests.tui.test_past import keys, settled
from tests.tui.test_snapshots import THEME, Still
from wftui.model.servers import MODELS, REQUESTS, SERVERS, STATE
from wftui.model.table import keyframe
from wftui.render.palette import TRUECOLOR, load
from wftui.tui.app import WftopApp
from wftui.wire import messages as wire

THEN_S = FIRST_S + 480


class ServersMemory(Memory):
    """A recorder that remembers: until ``THEN_S`` the first vLLM was stuck, and the llama-server was not there."""

    def _at(self, question: wire.At) -> wire.AtReply:
        reply = super()._at(question)
        if reply.tick is None:
            return reply
        when = reply.tick.time_s * NS
        assert isinstance(self.fed, ServersFed)
        rows = server_rows([card.uuid for card in self.fed.cards])
        if reply.tick.time_s <= THEN_S:
            del rows[fake.LLAMA]
            stuck = list(rows[fake.VLLM])
            stuck[STATE] = "stuck"
            rows[fake.VLLM] = tuple(stuck)
        more = [
            wire.TableArrived(keyframe(SERVERS, when, rows), SERVERS),
            wire.TableArrived(keyframe(MODELS, when, model_rows()), MODELS),
            wire.TableArrived(keyframe(REQUESTS, when, request_rows()), REQUESTS),
        ]
        return msgspec.structs.replace(reply, tables=[*reply.tables, *more])


def remembered() -> WftopApp:
    """A view of the servers of now, and a recorder that knows what was."""
    fed = ServersFed()
    seconds = [second for second in range(301, 601) if second not in GAP]
    ticks = [fed.tick(second, seq=place) for place, second in enumerate(seconds, 1)]
    for tick in ticks:
        fed.state.on(tick)
    fed.furnish()
    memory = ServersMemory(fed, ticks, events())
    return WftopApp(load(THEME, TRUECOLOR), state=fed.state, link=lambda _: memory, clock=Still())  # type: ignore[arg-type,return-value]  # the fake has the methods that the app calls


async def test_the_screen_follows_the_cursor() -> None:
    app = remembered()
    async with app.run_test(size=(120, 40)) as pilot:
        await keys(pilot, app, "7", "end", "up")
        assert app.ui.models is not None
        assert app.ui.models.key == (fake.VLLM, "")
        assert "7 servers" in screen_text(app)
        now = _lane(app, "TTFT p50")
        app.past.go(THEN_S * NS)
        await settled(pilot, app)
        then = screen_text(app)
        assert "6 servers" in then
        assert "stuck" in then
        assert ":8080" not in then
        # Quantiles have a past as well.
        assert _lane(app, "TTFT p50") != now
        assert "▂" in _lane(app, "TTFT p50") or "▃" in _lane(app, "TTFT p50")
        # What is longer than the view keeps is asked for, and drawn.
        await keys(pilot, app, "Z", "Z", "Z", "Z")
        await settled(pilot, app)
        assert app.ui.models.seconds > 600
        assert "▂" in _lane(app, "TTFT p50") or "▃" in _lane(app, "TTFT p50")
        await keys(pilot, app, "grave_accent")
        await settled(pilot, app)
        assert "7 servers" in screen_text(app)
        assert app.ui.models.key == (fake.VLLM, "")


async def test_where_nothing_was_recorded_the_screen_says_so() -> None:
    app = remembered()
    async with app.run_test(size=(120, 40)) as pilot:
        await keys(pilot, app, "7")
        app.past.go((FIRST_S + 545) * NS)
        await settled(pilot, app)
        assert "nothing was recorded at this moment" in screen_text(app)
        assert NOW_S > FIRST_S + 545


def _lane(app: WftopApp, name: str) -> str:
    assert app.picture is not None
    return next(line for line in lines(app.picture) if name in line)
