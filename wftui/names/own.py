"""What wftop measures of itself."""

from typing import Final

from wftui.names.entry import COUNTER, GAUGE, Metric

OWN: Final = (
    Metric("wftop.cpu.utilization", "1", GAUGE, "CPU of wftop's own process; 1 = one core", ("source", "view")),
    Metric("wftop.memory.usage", "By", GAUGE, "Resident memory (RSS) of wftop's own process", ("source", "view")),
    Metric("wftop.tick.lateness", "s", GAUGE, "How late the tick was closed after the end of its second"),
    Metric("wftop.tick.series", "{series}", GAUGE, "Series in the open layout"),
    Metric(
        "wftop.series.rejected",
        "{series}",
        COUNTER,
        "New series refused because a limit was reached",
        ("source",),
    ),
    Metric("wftop.source.duration", "s", GAUGE, "Wall time of one collection", ("source",), statistics=("max",)),
    Metric("wftop.source.cpu.utilization", "1", GAUGE, "CPU spent collecting; 1 = one core", ("source",)),
    Metric(
        "wftop.source.coverage",
        "1",
        GAUGE,
        "Share of the expected collections of 5 minutes that came",
        ("source",),
    ),
    Metric(
        "wftop.source.late",
        "{collection}",
        COUNTER,
        "Collections skipped because their time had passed",
        ("source",),
    ),
    Metric("wftop.source.failures", "{collection}", COUNTER, "Collections that ended in an error", ("source",)),
    Metric(
        "wftop.source.interval",
        "s",
        GAUGE,
        "Interval now; longer than configured when over the budget",
        ("source",),
    ),
    Metric("wftop.ring.capacity", "s", GAUGE, "Seconds of full-rate samples that the rings can hold"),
    Metric("wftop.ring.memory", "By", GAUGE, "Memory of the full-rate rings"),
    Metric("wftop.bus.dropped", "{message}", COUNTER, "Messages dropped for a slow reader", ("view", "source")),
    Metric("wftop.view.count", "{view}", GAUGE, "Views attached to the recorder"),
    Metric("wftop.view.output", "By", COUNTER, "Bytes written to the terminal", ("view",)),
    Metric("wftop.view.frames", "{frame}", COUNTER, "Frames painted", ("view",)),
    Metric("wftop.view.lag", "s", GAUGE, "Median time in which the terminal acknowledged a frame", ("view",)),
    Metric("wftop.view.frame.duration", "s", GAUGE, "Time to make and write a frame, 95th percentile", ("view",)),
    Metric("wftop.view.frame.interval", "s", GAUGE, "Longest interval while something moves", ("view",)),
    Metric("wftop.view.key.duration", "s", GAUGE, "Longest time from a key to its frame", ("view",)),
    Metric("wftop.alerts.firing", "{alert}", GAUGE, "Alerts that fire, by severity", ("mode",)),
    Metric("wftop.alerts.evaluation.duration", "s", GAUGE, "Time that the rules took for a second"),
    Metric(
        "wftop.rules.broken", "{file}", GAUGE, "Files of rules that are wrong; their rules are as before"
    ),
    Metric("wftop.alerts.held_back", "{notification}", COUNTER, "Notifications over the limit of all rules"),
    Metric("wftop.store.write.duration", "s", GAUGE, "Wall time of one journal commit", statistics=("max",)),
    Metric("wftop.store.size", "By", GAUGE, "Size of the journal on disk, without its free pages"),
    Metric("wftop.store.pending", "{tick}", GAUGE, "Ticks held in memory because the journal cannot be written"),
    Metric(
        "wftop.store.lost",
        "{tick}",
        COUNTER,
        "Ticks lost because the journal could not be written for too long",
    ),
    Metric("wftop.store.damaged", "{file}", COUNTER, "Damaged journals and segments renamed aside"),
    Metric("wftop.store.segments.size", "By", GAUGE, "Size of everything sealed, history.duckdb with it"),
    Metric("wftop.store.unsealed", "{tick}", GAUGE, "Ticks in the journal that are not in segments yet"),
    Metric("wftop.seal.duration", "s", GAUGE, "Wall time of the last seal"),
    Metric("wftop.seal.cpu.time", "s", COUNTER, "CPU time of the sealers of this session"),
    Metric("wftop.seal.memory.usage", "By", GAUGE, "Peak resident memory (RSS) of the last sealer"),
    Metric("wftop.history.cpu.time", "s", COUNTER, "CPU time of the history services of this session"),
    Metric("wftop.history.memory.usage", "By", GAUGE, "Resident memory (RSS) of the history service that runs"),
)
