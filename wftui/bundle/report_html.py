"""A bundle's report as one page of HTML: no script, nothing from elsewhere; every word from outside is escaped."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby
from typing import Final

from wftui.bundle import charts
from wftui.bundle.charts import Bar, Chart, Tick
from wftui.bundle.format import AGGREGATE, Manifest
from wftui.bundle.report_alerts import Alert
from wftui.bundle.report_facts import Happened, Report
from wftui.bundle.report_style import css
from wftui.bundle.report_tables import Table
from wftui.bundle.report_words import Said, Sentence
from wftui.render import text
from wftui.text import clean
from wftui.units import NS_PER_S

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Of the page: a browser fetches nothing and runs nothing, whatever stood in it."""
_SIGNS: Final = {"critical": "‼", "error": "✕", "warning": "▲", "info": "i"}
"""Beside the words: none of them is told by colour alone."""
_GRAVE: Final = '<span class="error">✕ grave</span>'
_MARK: Final = '<span class="mark">◆ mark</span>'
_BARS: Final = 12
_OPEN: Final = 25
"""Events that stand there without a click."""
_MOST: Final = 400
OPENING: Final = "wftop replay FILE"
CHECKING: Final = "wftop bundle check FILE"


def page(report: Report) -> bytes:
    """The whole page, UTF-8."""
    manifest, zone = report.manifest, report.zone
    began, ended = report.span.since_s, report.span.until_s
    title = f"wftop incident report, {zone.moment(began)}"
    parts: list[str] = [
        "<!DOCTYPE html>\n"
        '<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">'
        f"<title>{_text(title)}</title><style>{css()}</style></head><body>",
        f"<header><h1>Incident report</h1>{_facts(report)}</header><main>",
        "<section><h2>What happened</h2>",
        *(f'<p class="lead">{_sentence(item)}</p>' for item in report.summary),
        "</section>",
    ]
    if manifest.level != AGGREGATE:
        parts += _alerts(report)
        parts += _different(report)
        parts += ["<section><h2>Timeline</h2>", _timeline(report), "</section>"]
        parts += _charts(report)
        parts += _tables(f"Who used most at {zone.clock(report.worst_ns // NS_PER_S)}", report.busy)
        parts += _events(report)
        parts += _tables("Inventory", report.inventory)
        parts += _health(report)
    parts += _left_out(manifest)
    parts += [
        "<section><h2>How to open the bundle</h2>"
        "<p>This page is one of the files in it. The recording itself opens in the ordinary screens of wftop,"
        " on any machine, with rewind and search:</p>"
        f"<pre><code>{CHECKING}\n{OPENING}</code></pre>"
        "<p>The first line checks the file without opening it. The bundle is a zip of text:"
        " <code>README.txt</code> in it says what is where.</p></section></main>"
        f"<footer><p>Made by {_text(manifest.program)} on {_text(zone.moment(manifest.made_ns // NS_PER_S))}"
        f" for {_text(zone.moment(began))} to {_text(zone.moment(ended))}, {_text(zone.name)}.</p></footer>"
        "</body></html>\n"
    ]
    return "".join(parts).encode("utf-8")


def _text(words: str) -> str:
    return escape(clean(words))


def _sentence(parts: Sentence) -> str:
    return "".join(f"<strong>{_text(part)}</strong>" if isinstance(part, Said) else _text(part) for part in parts)


def _facts(report: Report) -> str:
    zone, span, manifest = report.zone, report.span, report.manifest
    same = zone.day(span.since_s) == zone.day(span.until_s)
    until = zone.clock(span.until_s) if same else zone.moment(span.until_s)
    rows = [
        ("range", f"{zone.moment(span.since_s)} to {until}"),
        ("time zone", f"{zone.name} (of the machine)"),
        ("machine", manifest.origin.host),
        ("names", {"full": "persons, hosts and paths replaced", "anonymous": "all names replaced"}.get(
            manifest.level, "none: statistics only")),
    ]  # fmt: skip
    if manifest.alert:
        rows.append(("made for", manifest.alert))
    inner = "".join(f"<div><dt>{_text(what)}</dt><dd>{_text(which)}</dd></div>" for what, which in rows)
    return f'<dl class="facts">{inner}</dl>'


def _severity(alert: Alert) -> str:
    return f'<span class="{alert.severity}">{_SIGNS[alert.severity]} {alert.severity}</span>'


def _alerts(report: Report) -> Iterator[str]:
    yield "<section><h2>Alerts</h2>"
    if not report.alerts:
        yield '<p class="dim">None fired in this range.</p></section>'
        return
    yield (
        '<div class="wide"><table class="stack"><thead><tr><th scope="col">no.</th><th scope="col">severity</th>'
        '<th scope="col">alert</th><th scope="col">fired</th><th scope="col">over</th></tr></thead><tbody>'
    )
    for item in report.alerts:
        first, end = item.periods[0][0], item.periods[-1][1]
        again = f"<br>{len(item.periods)} times" if len(item.periods) > 1 else ""
        lines = [f"<strong>{_text(item.name)}</strong>"]
        lines += [_text(item.message)] if item.message and item.message != item.name else []
        lines += [f'<span class="dim">{_text(item.figures)}</span>'] if item.figures else []
        lines += [f'<span class="dim">when <code>{_text(item.condition)}</code></span>'] if item.condition else []
        lines += [f"note: <q>{_text(note)}</q>" for note in item.notes]
        over = "still firing" if end is None else report.zone.clock(end)
        yield (
            f'<tr><td><span class="badge {item.severity}">{item.number}</span></td>'
            f'<td class="time">{_severity(item)}</td>'
            f'<td>{"<br>".join(lines)}</td><td class="time">{report.zone.clock(first)}{again}</td>'
            f'<td class="time">{over}</td></tr>'
        )
    yield "</tbody></table></div></section>"


def _different(report: Report) -> Iterator[str]:
    if not report.different:
        return
    before = text.duration(report.before_s).strip()
    at = report.zone.clock(report.different_s)
    yield f"<section><h2>What was different at {at}</h2>"
    yield f'<p>Against the {before} before it, the most telling first:</p><ol class="said">'
    yield from (f"<li>{_sentence(item)}</li>" for item in report.different)
    yield "</ol></section>"


def _timeline(report: Report) -> str:
    span, zone = report.span, report.zone
    known: list[tuple[int, int, str]] = []
    begin = span.since_s
    for since_s, until_s, _ in report.gaps:
        known.append((begin, since_s, "recorded"))
        begin = until_s
    known.append((begin, span.until_s, "recorded"))
    bars = [Bar("recorded", [item for item in known if item[1] > item[0]], "known")]
    if report.gaps:
        missing = [
            (since_s, until_s, f"{zone.clock(since_s)} to {zone.clock(until_s)}: {why}")
            for since_s, until_s, why in report.gaps
        ]
        bars.append(Bar("not recorded", missing, "missing"))
    for item in report.alerts[:_BARS]:
        spans = [
            (
                since_s, span.until_s if until_s is None else until_s,
                f"{item.name}: {zone.clock(since_s)} to {'the end' if until_s is None else zone.clock(until_s)}",
            )
            for since_s, until_s in item.periods
        ]  # fmt: skip
        bars.append(Bar(f"{_SIGNS[item.severity]} {item.number}  {item.name}", spans, item.severity))
    ticks = [
        (name, [Tick(item.time_ns / NS_PER_S, role, f"{zone.clock(item.time_ns // NS_PER_S)} {item.words}")
                for item in report.events if item.grave is grave and item.mark is mark])
        for name, role, grave, mark in (
            ("grave events", "error", True, False), ("other events", "event", False, False),
            ("marks", "mark", False, True),
        )
    ]  # fmt: skip
    more = len(report.alerts) - _BARS
    note = f'<p class="note">And {more} more alerts, in the table above.</p>' if more > 0 else ""
    return charts.timeline(span, bars, [item for item in ticks if item[1]], zone.label) + note


def _charts(report: Report) -> Iterator[str]:
    yield "<section><h2>Charts</h2>"
    if not report.charts:
        yield '<p class="dim">No value was recorded in this range.</p>'
    else:
        yield (
            '<p class="note">Lines are means, bands reach from the lowest to the highest value; grey ground:'
            " nothing was recorded. Dashed red lines are limits of the alerts of that number.</p>"
        )
    for group, items in groupby(report.charts, key=lambda item: item[0]):
        yield f'<h3>{_text(group)}</h3><div class="charts">'
        for _, chart in items:
            yield _figure(report, chart)
        yield "</div>"
    yield "</section>"


def _figure(report: Report, chart: Chart) -> str:
    rows = []
    for place, line in enumerate(chart.lines):
        known = line.known()
        mean = charts.amount(sum(item[1] for item in known) / len(known), chart.unit) if known else text.UNKNOWN
        most = charts.amount(max(item[2] for item in known), chart.unit) if known else text.UNKNOWN
        letter = f"{charts.LETTERS[place]} " if len(chart.lines) > 1 else ""
        rows.append(
            f"<tr><td>{letter}{charts.swatch(place)}</td><td>{_text(line.name)}</td>"
            f'<td class="number">{_text(mean)}</td><td class="number">{_text(most)}</td></tr>'
        )
    note = f"<figcaption>{_text(chart.note)}</figcaption>" if chart.note else ""
    head = '<th scope="col">line</th><th scope="col">of</th>'
    head += '<th scope="col" class="number">mean</th><th scope="col" class="number">highest</th>'
    return (
        f"<figure><h4>{_text(chart.title)}</h4>{charts.chart(chart, report.chart_span, report.zone.label)}"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{note}</figure>"
    )


def _tables(title: str, tables: Sequence[Table]) -> Iterator[str]:
    if not tables:
        return
    yield f"<section><h2>{_text(title)}</h2>"
    for item in tables:
        yield table(item)
    yield "</section>"


def table(item: Table) -> str:
    """One table with its caption, or why it has no rows."""
    note = f'<p class="note">{_text(item.note)}</p>' if item.note else ""
    if not item.rows:
        return f"<h3>{_text(item.title)}</h3>{note}"

    def cell(place: int, words: str, kind: str) -> str:
        scope = ' scope="col"' if kind == "th" else ""
        number = ' class="number"' if place in item.numeric else ""
        return f"<{kind}{scope}{number}>{_text(words)}</{kind}>"

    heads = "".join(cell(place, words, "th") for place, words in enumerate(item.heads))
    rows = "".join(
        f"<tr>{''.join(cell(place, words, 'td') for place, words in enumerate(row))}</tr>" for row in item.rows
    )
    return (
        f'<div class="wide"><table><caption>{_text(item.title)}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{note}"
    )


def _events(report: Report) -> Iterator[str]:
    yield "<section><h2>Events</h2>"
    if report.events:
        shown = report.events[-_MOST:]
        if len(shown) > _OPEN:
            yield f"<details><summary>{len(shown)} events</summary>"
        yield _event_table(report, shown)
        if len(shown) > _OPEN:
            yield "</details>"
    else:
        yield '<p class="dim">None beside those of the alerts.</p>'
    rest = [f"{kind} {count}" for kind, count in report.counted]
    if len(report.events) > _MOST:
        rest.insert(0, f"{len(report.events) - _MOST} older ones")
    if rest:
        yield f'<p class="note">Not listed: {_text(", ".join(rest))}. The bundle has them all.</p>'
    yield "</section>"


def _event_table(report: Report, shown: Iterable[Happened]) -> str:
    rows = []
    for item in shown:
        sign = _GRAVE if item.grave else _MARK if item.mark else ""
        at = report.zone.clock(item.time_ns // NS_PER_S)
        rows.append(f'<tr><td class="time">{at}</td><td>{_text(item.words)}</td><td>{sign}</td></tr>')
    head = "".join(f'<th scope="col">{words}</th>' for words in ("at", "what", ""))
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _health(report: Report) -> Iterator[str]:
    yield "<section><h2>Sources and gaps</h2>"
    yield table(report.sources)
    gaps: list[tuple[str, ...]] = [
        (report.zone.moment(since_s), report.zone.moment(until_s), text.duration(until_s - since_s).strip(), why)
        for since_s, until_s, why in report.gaps
    ]
    yield table(Table("Gaps", ("from", "to", "missing", "why"), gaps, "" if gaps else "None."))
    if report.cost:
        cost: list[tuple[str, ...]] = list(report.cost)
        yield table(Table("What wftop itself cost", ("what", "mean"), cost))
    yield "</section>"


def _left_out(manifest: Manifest) -> Iterator[str]:
    yield "<section><h2>What this does not tell</h2>"
    if manifest.left_out:
        yield f"<ul>{''.join(f'<li>{_text(item)}</li>' for item in manifest.left_out)}</ul>"
    rows: list[tuple[str, ...]] = [(item.what, item.how, str(item.count)) for item in manifest.redactions]
    note = "" if rows else "Nothing was replaced or left out."
    yield table(Table("Replaced or left out", ("what", "how", "how many"), rows, note, (2,)))
    yield (
        "<p>A name that was made up means the same all over this bundle, and nothing in any other:"
        " the key was thrown away. A dash is an unknown value, never zero.</p></section>"
    )
