"""Tables of streams of tokens and of programs that make frames: what a series cannot say."""

from typing import Final

from wftui.model.table import TableColumn, TableSchema

STREAMS: Final = TableSchema(
    name="streams",
    source="streams",
    quality="derived",
    columns=(
        TableColumn("stream.source", "", "text"),
        TableColumn("stream.server", "", "text"),
        TableColumn("stream.model", "", "text"),
        TableColumn("stream.state", "", "text"),
        TableColumn("stream.since", "ns", "time"),
        TableColumn("stream.told_by", "", "text"),
        TableColumn("stream.weight", "", "text"),
        TableColumn("stream.first_token", "s", "gauge"),
        TableColumn("stream.gap", "s", "gauge"),
        TableColumn("stream.longest_gap", "s", "gauge"),
        TableColumn("stream.answers", "{answer}", "counter"),
        TableColumn("stream.disagreement", "1", "gauge"),
        TableColumn("stream.disagrees_with", "", "text"),
        TableColumn("stream.disagrees_by", "", "text"),
        TableColumn("stream.instead_of", "", "text"),
    ),
)
"""Key: ``source|server|model``.

``stream.state`` one of ``wftui.energy.stream.STATES``; ``stream.told_by`` ``tokens`` (each as it came), ``core``,
``counters`` (velocity and friction only, estimated); ``stream.weight`` ``energyCost`` where tokens told what they
cost, else ``plain``; ``stream.first_token`` of the last answer; ``stream.gap`` median of the last 32 inter-token
times, ``stream.longest_gap`` of the last second; ``stream.disagreement`` with the one it disagrees with most,
``stream.disagrees_by`` top_k or timing; ``stream.instead_of`` the server whose token counters make no stream of
their own while these tokens come, empty: none. None: not known.
"""

(
    SOURCE,
    SERVER,
    MODEL,
    STATE,
    SINCE,
    TOLD_BY,
    WEIGHT,
    FIRST_TOKEN,
    GAP,
    LONGEST_GAP,
    ANSWERS,
    APART,
    AGAINST,
    APART_BY,
    INSTEAD_OF,
) = range(15)
"""Places of the cells of ``STREAMS``."""

TOKENS: Final = "tokens"
CORE: Final = "core"
COUNTERS: Final = "counters"
"""``stream.told_by``."""

FRAMES: Final = TableSchema(
    name="frames",
    source="streams",
    quality="derived",
    columns=(
        TableColumn("frames.program", "", "text"),
        TableColumn("frames.bottleneck", "", "text"),
        TableColumn("frames.token", "s", "gauge"),
        TableColumn("frames.energy", "s", "gauge"),
        TableColumn("frames.render", "s", "gauge"),
        TableColumn("frames.overhead", "s", "gauge"),
        TableColumn("frames.input", "s", "gauge"),
    ),
)
"""Key: ``source:NAME`` or ``view:N``. Mean times of the stages over 10 s and 95th percentile of the latency of
input; None: not told. ``frames.bottleneck`` the stage furthest over its share, empty: none."""
