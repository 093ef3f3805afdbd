"""Options of `wftop export`."""

import argparse
from collections.abc import Sequence
from typing import Final

STEPS: Final = {"full": 1, "1s": 1, "10s": 10, "5m": 300}
FORMATS: Final = ("csv", "json", "jsonl", "parquet", "duckdb")


def of_bundle(argv: Sequence[str]) -> list[str] | None:
    """The words for ``wftop bundle``, where ``--format bundle`` is among those for ``export``; None: it is not."""
    words = list(argv)
    for place, word in enumerate(words):
        if word == "--format" and words[place + 1 : place + 2] == ["bundle"]:
            return words[:place] + words[place + 2 :]
        if word == "--format=bundle":
            return words[:place] + words[place + 1 :]
    return None


def parser() -> argparse.ArgumentParser:
    """What may stand behind ``wftop export``."""
    found = argparse.ArgumentParser(
        prog="wftop export",
        description="Write what was recorded as CSV, JSON, JSON lines, Parquet or a DuckDB file.",
        epilog="Times: 10m, 3d2h (that long ago), 14:32, 'yesterday 14:00', 2026-11-20T14:32:05Z, seconds since"
        " 1970. Counters come as rates per second, never across a reset or a gap; gaps are empty. A step holds"
        ' the mean, the max of stat="max", the last of a raw counter. Where single seconds are gone, steps of 10s'
        " and 5m come from what is kept of them. --table writes all rows where the range begins, then those that"
        " changed. --format bundle is `wftop bundle`: one file for somebody else, with its questions and options.",
        allow_abbrev=False,
    )
    add = found.add_argument
    add("--since", default="1h", metavar="TIME", help="begin of the range (default: 1h)")
    add("--until", default="now", metavar="TIME", help="end of the range (default: now)")
    add(
        "-m", "--match", action="append", default=[], metavar="PATTERN",
        help="only series of this name (wildcards; with { the whole series text); may be repeated",
    )  # fmt: skip
    add("--step", choices=STEPS, default="full", help="time of one row; full is every second")
    what = found.add_mutually_exclusive_group()
    what.add_argument("--table", metavar="NAME", help="instead of series: rows of a table (processes)")
    what.add_argument("--events", action="store_true", help="instead of series: events")
    add("--raw-counters", action="store_true", help="counters as they are, cumulative")
    add(
        "--format", metavar="|".join((*FORMATS, "bundle")), choices=FORMATS,
        help="default: by the file's ending, else csv",
    )  # fmt: skip
    add("-o", "--output", default="-", metavar="FILE", help="file, - is standard output (default)")
    add("--force", action="store_true", help="overwrite an existing file")
    add("--include-identity", action="store_true", help="keep what names a person, host, command or container")
    add("--config", metavar="FILE", help="configuration file")
    add("--data-dir", metavar="DIR", help="where the recording lies")
    return found
