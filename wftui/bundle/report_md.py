"""A bundle's report as Markdown for an issue tracker: at most ``MOST`` lines, and nothing in it becomes a link.

Words from outside stand in code: there, names after ``@``, numbers after ``#``, addresses and HTML stay what they
are, in every tracker that knows GitHub's Markdown.
"""

from typing import Final

from wftui.bundle.charts import amount
from wftui.bundle.format import AGGREGATE
from wftui.bundle.report_alerts import Alert
from wftui.bundle.report_facts import Report
from wftui.bundle.report_html import CHECKING, OPENING
from wftui.bundle.report_words import Said, Sentence
from wftui.model import health as states
from wftui.render import text
from wftui.text import clean, cut_middle
from wftui.units import NS_PER_S

MOST: Final = 60
_ALERTS: Final = 8
_DIFFERENT: Final = 6
_CHARTS: Final = 10
_BUSY: Final = 4
_GAPS: Final = 3
_SOURCES: Final = 3
_BAD: Final = states.TROUBLE | {states.DENIED}
_WIDE: Final = 110
"""Characters of a text from outside."""


def document(report: Report) -> bytes:
    """The whole text, UTF-8."""
    zone, span, manifest = report.zone, report.span, report.manifest
    lines = [
        f"## Incident report, {zone.moment(span.since_s)} to {zone.clock(span.until_s)} ({_plain(zone.name)})",
        "",
        " ".join(_sentence(item) for item in report.summary),
    ]
    if manifest.level != AGGREGATE:
        lines += _alerts(report)
        if report.different:
            lines += ["", f"**What was different at {zone.clock(report.different_s)}**", ""]
            lines += [f"- {_sentence(item)}" for item in report.different[:_DIFFERENT]]
        lines += _figures(report)
        lines += _busy(report)
        lines += _missing(report)
    replaced = ", ".join(f"{item.count} {_plain(item.what)} {_plain(item.how)}" for item in manifest.redactions)
    names = f"Names are made up ({_plain(manifest.level)}): {replaced or 'nothing had to be replaced'}."
    opening = f"Made by {code(manifest.program)}; `{CHECKING}` checks the file, `{OPENING}` opens it."
    lines += ["", f"{names} {opening}"]
    return ("\n".join(lines[:MOST]) + "\n").encode("utf-8")


def code(words: str) -> str:
    """Text from outside as code, fit for a cell of a table."""
    shown = cut_middle(clean(words), _WIDE).replace("`", "'").replace("|", "\\|").strip()
    return f"`{shown}`" if shown else text.UNKNOWN


def _plain(words: str) -> str:
    """Words of ours that are not wholly so (a zone, a level): letters, digits and a few signs."""
    return "".join(letter for letter in clean(words) if letter.isalnum() or letter in " ,.:+-/()%_")


def _sentence(parts: Sentence) -> str:
    return "".join(code(part) if isinstance(part, Said) else part for part in parts)


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _alerts(report: Report) -> list[str]:
    if not report.alerts:
        return []
    heads = ("no.", "severity", "alert", "fired", "over", "numbers")
    rows = [_row(_alert(report, item)) for item in report.alerts[:_ALERTS]]
    more = len(report.alerts) - _ALERTS
    return ["", _row(heads), _row(("---",) * len(heads)), *rows, *(["", f"And {more} more."] if more > 0 else [])]


def _alert(report: Report, item: Alert) -> tuple[str, ...]:
    end = item.periods[-1][1]
    over = "still firing" if end is None else report.zone.clock(end)
    times = f", {len(item.periods)} times" if len(item.periods) > 1 else ""
    began = f"{report.zone.clock(item.periods[0][0])}{times}"
    return str(item.number), item.severity, code(item.name), began, over, item.figures or text.UNKNOWN


def _figures(report: Report) -> list[str]:
    """Of each chart the line that went highest."""
    rows = []
    for _, chart in report.charts[:_CHARTS]:
        known = [(max(item[2] for item in line.known()), line) for line in chart.lines if line.known()]
        if known:
            most, line = max(known, key=lambda item: item[0])
            mean = sum(item[1] for item in line.known()) / len(line.known())
            whose = text.UNKNOWN if line.name == chart.title else code(line.name)
            title = code(chart.title) if isinstance(chart.title, Said) else chart.title
            rows.append(_row((title, whose, amount(mean, chart.unit), amount(most, chart.unit))))
    heads = ("what", "highest of all", "its mean", "its peak")
    return ["", _row(heads), _row(("---",) * len(heads)), *rows] if rows else []


def _busy(report: Report) -> list[str]:
    """Who used most CPU, then who of the others used most memory."""
    rows: list[tuple[str, ...]] = []
    for table in report.busy[:2]:
        rows += [row for row in table.rows[:_BUSY] if row not in rows]
    if not rows:
        return []
    at = report.zone.clock(report.worst_ns // NS_PER_S)
    shown = [_row((code(row[0]), row[3], row[4])) for row in rows]
    heads = ("process", "CPU", "memory")
    return ["", f"Most CPU and memory at {at}:", "", _row(heads), _row(("---",) * 3), *shown]


def _missing(report: Report) -> list[str]:
    zone = report.zone
    lines = [
        f"- not recorded: {zone.clock(since_s)} to {zone.clock(until_s)} ({why})"
        for since_s, until_s, why in report.gaps[:_GAPS]
    ]
    bad = [row for row in report.sources.rows if row[1] in _BAD]
    lines += [f"- source {code(row[0])} {row[1]}: {code(row[4])}" for row in bad[:_SOURCES]]
    return ["", *lines] if lines else []
