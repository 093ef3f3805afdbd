"""The reports of a bundle: they say what happened, and no word from outside becomes anything but text."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from tests.recording import START_S, S
from tests.unit.bundle.reported import GAP, HOSTILE, QUEUE, Page, manifest, plain, record
from wftui.bundle import report, report_md
from wftui.bundle.format import AGGREGATE, ANONYMOUS, FULL, Facts, Manifest, SourcesHealth
from wftui.bundle.privacy import Redactor
from wftui.bundle.report_facts import Zone, gather
from wftui.bundle.report_style import DARK, LIGHT
from wftui.errors import StoreError
from wftui.model.health import Health
from wftui.model.why import Answer, Moved
from wftui.store import query
from wftui.store.answers import TooLargeError
from wftui.store.archive import Archive, open_archive
from wftui.text import clean
from wftui.wire import messages as m

_CODE = re.compile(r"`[^`]*`")
_ALLOWED = frozenset(
    {
        "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "h3", "h4", "dl", "div", "dt",
        "dd",
        "main", "section", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "span", "br", "code", "q",
        "svg", "rect", "line", "path", "text", "figure", "figcaption", "caption", "details", "summary", "ul", "li",
        "ol", "pre", "footer",
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return open_archive(record(tmp_path_factory.mktemp("recorded")))


def answer() -> Answer:
    """What was different, with hostile words."""
    moved = Moved(QUEUE, "{request}", "rose", 2.0, 50.0, START_S + 190, None, 20.0, 9.0)
    return Answer(START_S + 200, START_S, START_S + 170, START_S + 230, 170, 60, 5, [moved], [], [])


def both(archive: Archive, about: Manifest | None = None) -> tuple[bytes, str]:
    health = SourcesHealth(START_S * S, [Health("gpu", "denied", HOSTILE, HOSTILE)])
    html, markdown = report.both(archive, about or manifest(), plain(), Facts(health=health), answer())
    return html, markdown.decode()


def test_hostile_words_stay_text(archive: Archive) -> None:
    html, _ = both(archive)
    page = Page(html)
    assert {tag for tag, _ in page.tags} <= _ALLOWED
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name not in ("href", "src", "xlink:href", "action", "formaction", "srcset")
            assert "http" not in (value or "") or name == "http-equiv", (tag, name, value)
            assert "url(" not in (value or "")
    shown = "".join(page.text)
    assert clean(HOSTILE)[:60] in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_page_asks_nobody(archive: Archive) -> None:
    html, _ = both(archive)
    policy = next(item for tag, item in Page(html).tags if tag == "meta" and item.get("http-equiv"))
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    style = re.search(rb"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    assert b"url(" not in style[1]
    assert b"@import" not in style[1]


def test_structure(archive: Archive) -> None:
    html, _ = both(archive)
    page = Page(html)
    assert page.headings == [
        "Incident report", "What happened", "Alerts", "What was different at TIME", "Timeline", "Charts",
        "Who used most at TIME", "Events", "Inventory", "Sources and gaps", "What this does not tell",
        "How to open the bundle",
    ]  # fmt: skip
    heads = [item for tag, item in page.tags if tag == "th"]
    assert heads
    assert all(item.get("scope") == "col" for item in heads)
    svgs = [item for tag, item in page.tags if tag == "svg"]
    assert all(item.get("role") == "img" or item.get("aria-hidden") == "true" for item in svgs)
    assert html.count(b'role="img"><title>') == sum(item.get("role") == "img" for item in svgs)


def test_three_sentences_from_facts(archive: Archive) -> None:
    found = gather(archive, manifest(), plain(), Facts(), answer())
    first, second, third = ("".join(item) for item in found.summary)
    assert first.startswith("One alert fired in these 300 s, it ended within it; the worst is error, ")
    assert first.endswith(", at 16:16:40.")
    assert second.startswith("Against the 170 s before: ")
    assert second.endswith(" 2 → 50 (x25) at 16:16:30.")
    recorded = "270 s of 300 s were recorded, with one gap, from 16:15:20 to 16:15:50"
    assert third.startswith(f"{recorded} (the machine went down)")
    assert [item[:2] for item in found.gaps] == [(START_S + GAP[0], START_S + GAP[1])]


def test_alert_with_its_numbers_and_its_limit(archive: Archive) -> None:
    found = gather(archive, manifest(), plain())
    (alert,) = found.alerts
    assert alert.periods == [(START_S + 200, START_S + 260)]
    assert alert.figures == "95 % at firing, 99 % at worst, limit 85 %"
    assert alert.notes == [clean(HOSTILE, 240)]
    limited = [chart.title for _, chart in found.charts if chart.thresholds]
    assert limited == ["CPU"]
    assert found.worst_ns == (START_S + 200) * S


def test_counters_are_rates_and_unknown_is_no_zero(archive: Archive) -> None:
    charts = {chart.title: chart for _, chart in gather(archive, manifest(), plain()).charts}
    disk = charts["Disks, bytes"]
    assert disk.unit == "By/s"
    known = [item[1] for item in disk.lines[0].known()]
    assert len(known) < len(disk.lines[0].mean)  # the gap
    assert all(abs(value - 1e6) < 1e3 for value in known)


def test_too_many_series_are_told_in_coarser_steps(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, known = [], query.range_

    def narrow(source: Archive, question: m.Range, deadline_s: float) -> m.RangeReply:
        asked.append(question.points)
        if question.points > most:
            raise TooLargeError("range: too many")
        return known(source, question, deadline_s)

    monkeypatch.setattr(query, "range_", narrow)
    most = 100
    assert gather(archive, manifest(), plain()).charts
    most = 0
    with pytest.raises(StoreError, match="charts: range: too many"):
        gather(archive, manifest(), plain())
    first, second, *again = asked
    assert first > second
    assert again == [first, second]


def test_without_alerts(tmp_path: Path) -> None:
    found = gather(open_archive(record(tmp_path / "calm", alerted=False)), manifest(), plain())
    assert "".join(found.summary[0]) == "No alert fired in these 300 s."
    assert "".join(found.summary[1]).startswith("The peaks: CPU 90 %")
    assert START_S + 220 < found.worst_ns // S < START_S + 291  # the busiest


def test_range_before_anything(archive: Archive) -> None:
    about = manifest(since_s=START_S - 7200, until_s=START_S - 3600)
    html, markdown = report.both(archive, about, plain())
    assert "nothing was recorded" in "".join(Page(html).text)
    assert b"not recorded" in markdown


def test_markdown_makes_no_links(archive: Archive) -> None:
    _, markdown = both(archive)
    lines = markdown.splitlines()
    assert len(lines) <= report_md.MOST
    assert markdown.count("`") % 2 == 0
    ours = "\n".join(_CODE.sub("", line) for line in lines)
    for sign in ("@", "<", "http", "www.", "[", "**bold", "octocat", "script"):
        assert sign not in ours
    assert not re.search(r"#\d", ours)
    for line in lines:  # a sign of the table within code is escaped: cells are as many as heads
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) in (4, 5, 7)


@pytest.mark.parametrize("words", ["", "`", "a`b`c", "|", "\\|", "@all", "\n\n# x", "``" * 200])
def test_code_is_code(words: str) -> None:
    made = report_md.code(words)
    assert made == "-" or (made[0] == made[-1] == "`" and made.count("`") == 2 and len(made) > 2)
    assert "\n" not in made


def test_statistics_tell_no_moment(archive: Archive) -> None:
    html, markdown = both(archive, manifest(AGGREGATE))
    shown = "".join(Page(html).text)
    assert "statistics by the hour only" in shown
    assert "16:16" not in shown
    assert b"<figure" not in html
    assert "16:16" not in markdown
    assert HOSTILE[:20] not in markdown


@pytest.mark.parametrize("level", [FULL, ANONYMOUS])
def test_names_pass_the_redactor(tmp_path: Path, level: str) -> None:
    about = msgspec.structs.replace(manifest(level), left_out=[])
    with open_archive(record(tmp_path / "recorded")) as archive:
        redactor = Redactor(level)
        redactor.learn(archive, START_S, START_S + 300)
        for made in report.both(archive, about, redactor):
            assert b"evil.example" not in made
            assert b"d3a0-0de0" not in made


@pytest.mark.parametrize(
    ("name", "told", "clock"),
    [
        ("Europe/Berlin", "Europe/Berlin", "16:13:20"),
        ("+05:30", "+05:30", "19:43:20"),
        ("-0330", "-0330", "10:43:20"),
        ("UTC", "UTC", "14:13:20"),
        ("Nowhere/Land", "UTC", "14:13:20"),
        ("../../etc/passwd", "UTC", "14:13:20"),
        ("", "UTC", "14:13:20"),
    ],
)
def test_zone(name: str, told: str, clock: str) -> None:
    zone = Zone(name)
    assert (zone.name, zone.clock(START_S)) == (told, clock)


def _luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(colors: dict[str, str]) -> None:
    """WCAG 2.2, 1.4.3 and 1.4.11: 4.5 for text, letters of lines among it; 3 would do for the lines."""
    for ground in ("back", "card"):
        for role, color in colors.items():
            if role not in ("back", "card", "frame"):
                assert _contrast(color, colors[ground]) >= 4.5, (role, ground)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_prints(archive: Archive, tmp_path: Path) -> None:
    html, _ = both(archive)
    (tmp_path / "report.html").write_bytes(html)
    chromium = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
        f"--print-to-pdf={tmp_path / 'report.pdf'}", f"file://{tmp_path / 'report.html'}",
    ]  # fmt: skip
    done = subprocess.run(chromium, capture_output=True, timeout=50, check=False)
    pdf = tmp_path / "report.pdf"
    if not pdf.exists():
        pytest.skip(f"chromium does not print here: {done.stderr[-300:]!r}")
    assert pdf.read_bytes().startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes())) >= 2
