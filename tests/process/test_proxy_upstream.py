"""A server behind the proxy that goes and comes: a figure, and an alert, of a real recorder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.alerted import alone, told
from tests.harness import Running, View
from tests.proxied import MB, Proxied, always, answer, asked, request, serving

RULE = "rule.proxy-upstream-down"
ASKS = request({"model": "m"})
SAYS = answer(b"{}")


@pytest.mark.timeout(120)
def test_an_alert_fires_while_the_server_is_gone_and_ends_without_a_client(tmp_path: Path) -> None:
    alone(RULE)
    path = tmp_path / "server.sock"
    key = f'{RULE}{{server="unix:{path}",source="proxy"}}'
    with Running() as running, View(running.ready().where) as view, Proxied(f"unix:{path}") as proxy:
        with serving(always(SAYS), path=path):
            assert asked(proxy, ASKS, len(SAYS)) == SAYS
        path.unlink(missing_ok=True)
        assert asked(proxy, ASKS, MB).startswith(b"HTTP/1.1 502 ")
        fired = told(view, "alert.fired", key, 40)
        assert fired.payload["severity"] == "error"
        assert fired.payload["message"] == f"clients of wftop proxy cannot reach unix:{path}"
        with serving(always(SAYS), path=path):
            assert told(view, "alert.resolved", key, 60).payload["told"]
