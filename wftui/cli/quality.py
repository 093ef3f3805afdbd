"""`wftop quality [auto|1..5]`: how much wftop itself gives now, and a person's word on it."""

import sys
from typing import Final

from wftui.cli.alerts import who
from wftui.cli.alerts_told import when
from wftui.client.queries import Connection
from wftui.clock import NS_PER_S
from wftui.errors import UsageError
from wftui.model import quality
from wftui.model.quality import EVERYTHING, KEY, LEAST, QUALITY
from wftui.model.table import Row
from wftui.paths import places
from wftui.text import clean
from wftui.when import duration
from wftui.wire import messages as m

AUTO: Final = "auto"
MOST_S: Final = 366 * 86_400


def main(
    level: str | None, length: str | None, *, data_dir: str | None = None, config_file: str | None = None
) -> int:
    """Run the command; 0 when it is done.

    Args:
        level: ``auto``, ``1`` to ``5``, or None: only say what is so.
        length: How long a level holds, ``1h``; None: until it is left to the alerts.
        data_dir: As on the command line.
        config_file: As on the command line.

    Raises:
        UsageError: The level or the time is none.
        ProtocolError: No recorder runs, or it refused.
    """
    order = _order(level, length)
    with Connection(str(places(data_dir, config_file).socket)) as connection:
        if order is not None:
            connection.ask(order, m.Ok)
        row = connection.tables([QUALITY.name])[QUALITY.name][1][KEY]
    sys.stdout.write(said(row) + "\n")
    return 0


def _order(level: str | None, length: str | None) -> m.SetQuality | None:
    if level in (None, AUTO) and length is not None:
        raise UsageError("--for goes with a level from 1 to 5")
    if level is None:
        return None
    if level == AUTO:
        return m.SetQuality(None, 0, who())
    if level not in {str(number) for number in range(LEAST, EVERYTHING + 1)}:
        raise UsageError(f"expected auto or a level from 1 to 5, got {level!r}")
    seconds = 0.0 if length is None else duration(length)
    if length is not None and not 0 < seconds <= MOST_S:
        raise UsageError(f"--for: expected more than nothing and at most a year, got {length!r}")
    return m.SetQuality(int(level), int(seconds * NS_PER_S), who())


def said(row: Row) -> str:
    """The row of the table in a line."""
    level, reason, chosen = row[quality.LEVEL], clean(str(row[quality.REASON])), row[quality.CHOSEN]
    words = [f"quality {level}/{EVERYTHING}"]
    since, until = row[quality.SINCE], row[quality.UNTIL]
    if isinstance(since, int | float) and level != EVERYTHING:
        words.append(f"since {when(since)}")
    if chosen is not None:
        by = clean(str(row[quality.BY]))
        ends = f"until {when(until)}" if isinstance(until, int | float) else "until wftop quality auto"
        words.append(f"chosen{f' by {by}' if by else ''} {ends}")
    elif reason:
        words.append(reason)
    wanted = row[quality.WANTED]
    if wanted != level and wanted != EVERYTHING:
        words.append(f"alerts ask for {wanted}")
    return ", ".join(words)
