"""What is usual, from before the start: asked for once, in the background and in portions.

By the questions of views: the last hour from the journal, what is older from the history service. Until then a
rule says that it is warming up.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from wftui.alerts.backfill import Filling
from wftui.alerts.engine import Engine
from wftui.clock import NS_PER_S, Instant
from wftui.errors import WftopError
from wftui.recorder.child import Passed
from wftui.wire import messages as m

BEGIN_S: Final = 10.0
"""After the start: views that wait for their past come first."""
LOOK_S: Final = 30.0
"""Between two looks for series and rules that are new."""
PAUSE_S: Final = 0.5
"""Between two portions."""
_reply: Final = msgspec.msgpack.Decoder(m.RangeReply)
_error: Final = msgspec.msgpack.Decoder(m.Error)
_TAG: Final = m.TAGS[m.RangeReply]
Ask = Callable[[m.Range], Awaitable[m.Message | Passed]]


class Backfill:
    """Belongs to the recorder's loop."""

    def __init__(self, engine: Engine, now: Callable[[], Instant], ask: Ask) -> None:
        """``ask``: a question about the past, as views ask it."""
        self._filling = Filling(engine, lambda: now().time_ns // NS_PER_S)
        self._ask = ask

    async def run(self) -> None:
        """Fill until cancelled."""
        await asyncio.sleep(BEGIN_S)
        while True:
            filled = await self.fill()
            await asyncio.sleep(PAUSE_S if filled else LOOK_S)

    async def fill(self) -> int:
        """Ask for one portion; returns how many usuals it filled, 0: none waits, or there is no answer now."""
        asked = self._filling.next()
        if asked is None:
            return 0
        try:
            reply = await self._ask(asked.question)
            found = (
                (_reply if reply.tag == _TAG else _error).decode(reply.body)
                if isinstance(reply, Passed)
                else reply
            )
        except (WftopError, msgspec.MsgspecError) as error:
            return self._filling.failed(asked, str(error))
        return self._filling.answered(asked, found)
