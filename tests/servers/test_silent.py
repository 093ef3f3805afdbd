"""Servers that tell next to nothing: ``transformers serve`` and llama-cpp-python."""

from __future__ import annotations

import pytest

from tests.servers.conftest import Dial
from tests.servers.fake import Fake, said
from tests.servers.fakes import kinds
from wftui.collectors.servers import llamacpp_python, transformers
from wftui.collectors.servers.figures import ModelInfo
from wftui.errors import SourceError


async def test_transformers(dial: Dial) -> None:
    with Fake(kinds.transformers()) as server:
        web = dial(server)
        assert await transformers.identify(web) == ""
        adapter = transformers.make()
        look = await adapter.look(web)
        assert (look.gauges, look.counters, look.models) == ({}, {}, None)
        assert "wftop proxy" in look.missing[0].fix
        server.routes["/health"] = lambda _: said({"status": "ok"}, 503)
        with pytest.raises(SourceError):
            await adapter.look(web)
        assert "/v1/models" not in server.paths, "500 there is no sign of death, and it looks through a folder"


@pytest.mark.parametrize("paths", [{}, {"/load_model": {}}, {"/v1/responses": {}}])
async def test_others_are_well_too(paths: dict[str, object], dial: Dial) -> None:
    with Fake(kinds.transformers() | {"/openapi.json": lambda _: said({"paths": paths})}) as server:
        assert await transformers.identify(dial(server)) is None


async def test_llamacpp_python(dial: Dial) -> None:
    with Fake(kinds.llamacpp_python()) as server:
        web = dial(server)
        assert await llamacpp_python.identify(web) == ""
        adapter = llamacpp_python.make()
        assert (await adapter.look(web)).models == (ModelInfo(name="qwen3-8b"),)
        server.routes["/v1/models"] = lambda _: said({"data": [{"id": "a"}, {"id": "b"}]})
        models = (await adapter.look(web)).models or ()
        assert [(item.name, item.state) for item in models] == [("a", ""), ("b", "")], (
            "one of them: not told which"
        )
        assert "does not say" in models[0].detail
