"""From settings to a running recorder."""

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from wftui import log
from wftui.collectors import mountinfo
from wftui.collectors.base import Collector
from wftui.collectors.registry import host_collectors
from wftui.config import Config
from wftui.errors import SourceError
from wftui.paths import Places
from wftui.recorder.keeper import Caps
from wftui.recorder.metronome import Metronome
from wftui.recorder.options import Options
from wftui.recorder.service import Recorder
from wftui.store import retention

SETTLED_S: Final = 4.0
"""After this long every source has run and every module is loaded."""


def options(places: Places, config: Config, mode: str, for_s: float | None) -> Options:
    """How the recorder shall run, from its settings."""
    reason = ""
    if config.flag("store.memory_only"):
        reason = f"asked for by {config.origin('store.memory_only')} (store.memory_only)"
    else:
        kind = _file_system(places)
        if kind in mountinfo.NETWORKED:
            reason = f"{places.data_dir} lies on {kind}, where SQLite's locks cannot be trusted; choose --data-dir"
    return Options(
        mode=mode,
        places=places,
        linger_s=config.number("recorder.linger_s"),
        for_s=for_s,
        memory_only=reason,
        caps=Caps(
            # Two at least: an hour is sealed when it is over.
            max(2, config.whole("store.journal_hours")) * retention.HOUR_S,
            config.whole("store.max_bytes"),
            config.whole("store.min_free_bytes"),
        ),
        keep=retention.Caps(
            config.whole("store.raw_hours") * retention.HOUR_S,
            config.whole("store.fine_days") * retention.DAY_S,
            config.whole("store.fine_days") * retention.DAY_S,
            config.whole("store.coarse_days") * retention.DAY_S,
            config.number("store.tables_share"),
            config.whole("store.max_bytes"),
            config.whole("store.min_free_bytes"),
        ),
        signals=config.flag("recorder.signals"),
        read_ranks=config.flag("gpu.read_ranks"),
        servers=config.names("servers.endpoints"),
        discover=config.flag("servers.discover"),
        core=config.text("core.url"),
        full_rate=config.number("streams.full_rate"),
        disabled=frozenset(config.names("sources.disabled")),
        groups_disabled=frozenset(config.names("store.groups_disabled")),
        tap=_tap(places, config),
        alert_commands=config.flag("alerts.commands"),
        alert_desktop=config.flag("alerts.desktop"),
        alert_adapt=config.flag("alerts.adapt"),
        bundle_on=config.names("bundle.on"),
        history_idle_s=config.number("history.idle_s"),
    )


def _tap(places: Places, config: Config) -> tuple[Path, int, int, float] | None:
    """Path, bytes, files and days of the tap; None: it is off."""
    if not config.flag("tap.enabled"):
        return None
    path = places.state_dir / Path(config.text("tap.file")).expanduser()
    return path, config.whole("tap.max_bytes"), config.whole("tap.files"), config.number("tap.days")


def _file_system(places: Places) -> str:
    """Type of the file system of the data dir; empty where /proc does not say."""
    try:
        return mountinfo.file_system(places.data_dir, Path(mountinfo.CALL).read_bytes())
    except (OSError, SourceError):
        return ""


def record(
    settings: Options,
    started: Callable[[Recorder, asyncio.AbstractEventLoop], None],
    collectors: Iterable[Collector] | None = None,
) -> str:
    """Run a recorder until it ends; ``started`` is called in its loop before it runs. Returns how it ended.

    ``collectors``: what it reads; None: this machine.

    Raises:
        WftopError: It cannot run.
    """
    if collectors is None:
        collectors = host_collectors(
            read_ranks=settings.read_ranks,
            servers=settings.servers,
            discover=settings.discover,
            core=settings.core,
        )
    metronome = Metronome()
    recorder = Recorder(settings, metronome, collectors)

    async def main() -> str:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _stop, recorder)
        # A closed terminal is no reason to stop recording: only the status lines go.
        loop.add_signal_handler(signal.SIGHUP, log.info, "recorder", "the terminal went away")
        started(recorder, loop)
        loop.call_later(SETTLED_S, _settle)
        return await recorder.run()

    with asyncio.Runner(loop_factory=metronome.loop) as runner:
        return runner.run(main())


def _settle() -> None:
    """What lives now lives for ever: full collections need not walk it (5 ms each, with everything imported)."""
    gc.collect()
    gc.freeze()
    # Hardly anything here is part of a cycle: at the default of 700 the collector takes 5 % of our time.
    gc.set_threshold(20_000, 20, 20)


_asked = False


def _stop(recorder: Recorder) -> None:
    global _asked
    if _asked:
        # The second request: the journal is consistent at any moment, so leave at once.
        os._exit(143)
    _asked = True
    recorder.end("stopped")
