"""The types of events."""

from typing import Final

from wftui.names.entry import EventType

EVENT_TYPES: Final[dict[str, EventType]] = {
    e.name: e
    for e in (
        EventType("recorder.started", "A recorder began a session"),
        EventType("recorder.stopped", "A recorder ended its session in order"),
        EventType("recorder.handover", "A recorder that a view had started gave way to `wftop record`"),
        EventType("recorder.unclean", "The session before ended without being closed (kill, power, crash)"),
        EventType("view.attached", "A view attached"),
        EventType("view.detached", "A view went away"),
        EventType("source.state", "A source changed its health state"),
        EventType("provenance.changed", "A series changed how it is known (measured, derived, …)"),
        EventType("clock.stepped", "The wall clock jumped against CLOCK_BOOTTIME"),
        EventType("clock.suspended", "Seconds passed without a tick: the machine slept or was starved"),
        EventType("store.damaged", "A damaged journal was renamed aside"),
        EventType("store.failed", "The journal cannot be written; ticks are held in memory"),
        EventType("store.resumed", "The journal can be written again"),
        EventType("store.seal_failed", "An hour could not be sealed; its ticks stay in the journal"),
        EventType("store.segment_damaged", "A damaged segment was renamed aside"),
        EventType("store.purged", "A person deleted recorded data"),
        EventType("store.restored", "A backup was put back"),
        EventType("mark.set", "A person set a mark"),
        EventType("burst.stored", "The full-rate samples around a mark were stored"),
        EventType("machine.down", "The machine went down while it was recorded; the last second is the payload's"),
        EventType("process.oom_killed", "The kernel killed a process because memory had run out"),
        EventType("series.limited", "New series were refused because a limit was reached"),
        EventType("gpu.found", "A GPU was seen for the first time in this session"),
        EventType(
            "gpu.lost", "A GPU that was there does not answer any more: off the bus, unplugged, driver gone"
        ),
        EventType("gpu.returned", "A lost GPU is back"),
        EventType("gpu.stuck", "A call to a GPU has not come back"),
        EventType("gpu.answered", "A GPU that was stuck answers again"),
        EventType("gpu.asleep", "A GPU was suspended by the kernel; it is left alone"),
        EventType("gpu.awake", "A GPU that slept is running"),
        EventType("gpu.throttled", "A GPU's clocks are held back; the payload names the reasons"),
        EventType("gpu.unthrottled", "A GPU's clocks are free again; the payload says for how long they were not"),
        EventType("gpu.xid", "The driver reported an error (Xid)"),
        EventType("gpu.ecc", "Memory errors of a GPU: uncorrected ones, or rows and pages taken out of use"),
        EventType("gpu.driver", "The driver was loaded, unloaded or replaced"),
        EventType("gpu.worker_restarted", "The process that reads the GPUs ended or was ended and began anew"),
        EventType("server.found", "A model server was seen for the first time in this session"),
        EventType("server.gone", "A model server ended"),
        EventType("server.restarted", "A model server began anew; its counters with it"),
        EventType("server.state", "A model server changed its state: ok, loading, asleep, denied, failed, …"),
        EventType("server.preempting", "A model server throws requests out of its batch for lack of KV cache"),
        EventType("server.queueing", "Requests wait at a model server longer than they did"),
        EventType("model.loaded", "A model server loaded a model"),
        EventType("model.unloaded", "A model server let go of a model"),
        EventType("model.verdict", "What a model server claims and what is measured differ; the payload says how"),
        EventType("stream.stalled", "An open stream of tokens stands still; the payload says since when"),
        EventType(
            "stream.ended", "A stream of tokens ended; the payload sums it up: tokens, EU, duration, stalls"
        ),
        EventType(
            "stream.abandoned",
            "Nobody tells any more of an answer that was under way: who told of it is gone or silent; the payload"
            " as of stream.ended",
        ),
        EventType("core.connected", "The WebSocket of a WIRTHFORGE core was opened"),
        EventType("core.lost", "The WebSocket of a WIRTHFORGE core is gone; the payload says why"),
        EventType("core.error", "A WIRTHFORGE core told an error: severity, code, component"),
        EventType("core.interference", "A WIRTHFORGE core saw its models interfere; pattern, models, intensity"),
        EventType("core.resonance", "A WIRTHFORGE core saw its models resonate; kind, models, amplitude"),
        EventType("core.reward", "A WIRTHFORGE core gave points, a milestone or a level"),
        EventType("alert.pending", "A rule's condition holds, not yet for as long as it must"),
        EventType("alert.fired", "A rule's condition has held for as long as it must"),
        EventType("alert.escalated", "An alert became more severe: it fires for long, or often"),
        EventType("alert.over", "An alert's condition holds no more; a person is to resolve it"),
        EventType("alert.resolved", "An alert is over"),
        EventType("alert.acknowledged", "A person looks after an alert"),
        EventType("alert.action", "An action of an alert was carried out, or could not be; the payload says how"),
        EventType(
            "backup.ready", "Whether now is a good time for a backup turned, or a rule asked; with evidence"
        ),
        EventType("quality.changed", "wftop lowered or raised its own quality, by alerts or by a person's word"),
        EventType("silence.set", "A person silenced alerts for a while"),
        EventType("silence.ended", "A silence is over"),
        EventType("rule.changed", "A person changed numbers of a rule; the payload has them before and after"),
        EventType("rules.changed", "The rules were read anew"),
        EventType("rules.broken", "A file of rules is wrong; its rules go on as they were"),
        EventType("signal.sent", "A person sent a signal to a process"),
        EventType("signal.refused", "A request to signal a process was refused"),
        EventType("process.reniced", "A person changed the niceness of a process"),
        EventType("process.renice_refused", "A request to change the niceness of a process was refused"),
    )
}
