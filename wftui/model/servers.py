"""The tables about model servers: collectors, store, view and export agree on them here.

A server is known by its endpoint: ``127.0.0.1:8000``, ``[::1]:8000``, ``unix:/run/llama.sock``, each with the path
prefix behind it where it has one (``127.0.0.1:8080/llm``); ``pid:4711`` for a process whose endpoint cannot be
reached. Numbers that change each second are series (``inference.…{server="…",model="…"}``).
"""

from typing import Final

from wftui.model.table import TableColumn, TableSchema

SOURCE: Final = "servers"

LOADED: Final = "loaded"
LOADING: Final = "loading"
SLEEPING: Final = "sleeping"
UNLOADED: Final = "unloaded"
FAILED: Final = "failed"
MODEL_STATES: Final = (LOADED, LOADING, SLEEPING, UNLOADED, FAILED)

NEVER: Final = -1
"""``model.expires`` of a model that is kept for ever."""

SERVERS: Final = TableSchema(
    name="servers",
    source=SOURCE,
    columns=(
        TableColumn("server.endpoint", "", "text"),
        TableColumn("server.kind", "", "text"),
        TableColumn("server.version", "", "text"),
        TableColumn("server.state", "", "text"),
        TableColumn("server.reason", "", "text"),
        TableColumn("server.fix", "", "text"),
        TableColumn("server.since", "ns", "time"),
        TableColumn("process.pid", "", "gauge"),
        TableColumn("process.start_time", "{tick}", "gauge"),
        TableColumn("server.container", "", "text", identity=True),
        TableColumn("server.origin", "", "text"),
        TableColumn("server.reads", "", "text"),
        TableColumn("server.missing", "", "text"),
        TableColumn("server.renamed", "", "text"),
        TableColumn("server.bounds", "", "text"),
        TableColumn("server.gpus", "", "text"),
        TableColumn("server.parent", "", "text"),
        TableColumn("server.verdict", "", "text"),
        TableColumn("server.evidence", "", "text"),
    ),
)
"""Key of a row: the endpoint.

``server.kind`` ``vllm``, ``llama.cpp``, …; ``server.state`` a health state (``asleep``: its model sleeps and is
left alone); ``server.origin`` ``process`` or ``configured``; ``server.reads`` the paths read, with commas;
``server.missing`` what it does not tell and the flag that would bring it, one ``figure: fix`` to a line;
``server.renamed`` metrics that were read under another than their present name, ``old=new`` with commas;
``server.bounds`` lowest and highest bucket of its histograms, ``metric=low:high`` with commas: a quantile that
equals one of them is a bound and no measurement; ``server.gpus`` UUIDs of the GPUs that its processes hold, with
commas; ``server.parent`` endpoint of the server that it is a part of (the runner of an Ollama, the child of a
router): its figures are those of its parent and count once; ``server.verdict``, ``server.evidence`` claim and
reality.
"""

(
    ENDPOINT, KIND, VERSION, STATE, REASON, FIX, SINCE, PID, START, CONTAINER, ORIGIN, READS, MISSING, RENAMED,
    BOUNDS, GPUS, PARENT, VERDICT, EVIDENCE,
) = range(19)  # fmt: skip
"""Places of the cells in a row of ``SERVERS``."""

MODELS: Final = TableSchema(
    name="models",
    source=SOURCE,
    columns=(
        TableColumn("server.endpoint", "", "text"),
        TableColumn("model.name", "", "text"),
        TableColumn("model.state", "", "text"),
        TableColumn("model.size", "By", "gauge"),
        TableColumn("model.parameters", "{parameter}", "gauge"),
        TableColumn("model.quantization", "", "text"),
        TableColumn("model.context", "{token}", "gauge"),
        TableColumn("model.vram", "By", "gauge"),
        TableColumn("model.ram", "By", "gauge"),
        TableColumn("model.expires", "ns", "time"),
        TableColumn("model.since", "ns", "time"),
        TableColumn("model.detail", "", "text"),
    ),
)
"""Key of a row: ``endpoint|name``.

``model.size`` bytes of weights as the server says; ``model.context`` tokens that one request may hold;
``model.vram``, ``model.ram`` what the server claims to hold there, weights and cache together; ``model.expires``
when it is unloaded, ``NEVER`` (-1), None: no word; ``model.since`` when it was first seen in its state;
``model.detail`` what else the server says, in a few words (why it failed, which adapter, where it runs).
"""

(
    M_SERVER, M_NAME, M_STATE, M_SIZE, M_PARAMETERS, M_QUANTIZATION, M_CONTEXT, M_VRAM, M_RAM, M_EXPIRES, M_SINCE,
    M_DETAIL,
) = range(12)  # fmt: skip
"""Places of the cells in a row of ``MODELS``."""

REQUESTS: Final = TableSchema(
    name="inference_requests",
    source=SOURCE,
    columns=(
        TableColumn("server.endpoint", "", "text"),
        TableColumn("model.name", "", "text"),
        TableColumn("request.slot", "", "gauge"),
        TableColumn("request.id", "", "text"),
        TableColumn("request.state", "", "text"),
        TableColumn("request.prompt", "{token}", "gauge"),
        TableColumn("request.processed", "{token}", "gauge"),
        TableColumn("request.cached", "{token}", "gauge"),
        TableColumn("request.generated", "{token}", "gauge"),
        TableColumn("request.context", "{token}", "gauge"),
        TableColumn("request.progress", "1", "gauge"),
        TableColumn("request.since", "ns", "time"),
        TableColumn("request.detail", "", "text"),
    ),
)
"""Requests under way, of servers that name them; key of a row: ``endpoint|slot`` or ``endpoint|id``.

``request.state`` ``waiting``, ``prefill``, ``generating``, ``running``; ``request.processed`` tokens of the prompt
that are done, ``request.cached`` those of them that came from the cache. Never what was asked or answered.
"""

(
    R_SERVER, R_MODEL, R_SLOT, R_ID, R_STATE, R_PROMPT, R_PROCESSED, R_CACHED, R_GENERATED, R_CONTEXT, R_PROGRESS,
    R_SINCE, R_DETAIL,
) = range(13)  # fmt: skip
"""Places of the cells in a row of ``REQUESTS``."""
