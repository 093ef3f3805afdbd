"""`wftop record` takes over from a recorder that a view started."""

from __future__ import annotations

import time

import pytest

from tests.harness import Running, View, events, stored
from wftui.client import lock
from wftui.wire import messages as m


@pytest.mark.alone
def test_a_views_recorder_gives_way() -> None:
    with Running("--for-view") as old:
        old.ready()
        with View(old.where) as view:
            seen = view.tick().seq
            began = time.monotonic()
            with Running() as new:
                told = []
                for message in view.messages():
                    told.append(message)
                    if isinstance(message, m.TickArrived):
                        seen = message.seq
                assert [item.reason for item in told if isinstance(item, m.Goodbye)] == ["handover"]
                new.ready()
                took_s = time.monotonic() - began
                assert old.ended() == 0
                print(f"handed over within {took_s:.2f} s")  # noqa: T201  the figure, shown by pytest -s
                assert took_s < 2.0
                assert new.status().mode == lock.RECORD
                with View(new.where) as again:
                    assert again.tick().seq >= seen, "the numbers go on"
                assert new.stop() == 0
    assert events(old.where, "recorder.handover") == [{"to_pid": new.pid}]
    assert events(old.where, "recorder.unclean") == []
    seqs = stored(old.where)
    assert seqs == list(range(1, seqs[-1] + 1))
    assert seen in seqs
    assert [payload["how"] for payload in events(old.where, "recorder.stopped")] == ["handover", "stopped"]
