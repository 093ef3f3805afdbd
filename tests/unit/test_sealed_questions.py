"""Which questions the journal answers by itself, and which need what was sealed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.records import COUNTER, GAUGE, LAYOUT, SCHEMA, fact, rows, tick
from wftui.alerts.backfill import Filling
from wftui.alerts.engine import Engine
from wftui.alerts.rule import Baseline, Query, Rule
from wftui.clock import NS_PER_S, Instant
from wftui.model.sample import column
from wftui.model.table import keyframe
from wftui.model.tick import Tick
from wftui.recorder.sealed import Question, Sealed, answer
from wftui.store import journal, manifest
from wftui.store.journal import Journal, StoredChange
from wftui.store.manifest import Manifest, Segment
from wftui.store.read import Reader
from wftui.wire import messages as m

T0 = 1_699_999_200
"""Begin of an hour: the ticks 1 to 3600 are the hour from here on, the journal begins with tick 3001."""
FIRST = 3001
LAST = 7200


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    made = Journal(tmp_path / journal.NAME)
    made.begin("boot", "0.1", "record", 1, 5, 6)
    made.write(
        [
            (tick(n, T0 + n - 1, (float(n), n * 3.0)), LAYOUT)
            for n in range(FIRST, LAST + 1)
            if not 5000 <= n < 5100
        ],
        [
            StoredChange(n, SCHEMA, keyframe(SCHEMA, (T0 + n - 1) * NS_PER_S, rows(1, n)))
            for n in range(FIRST, LAST + 1, 60)
        ],
        [fact(n, (T0 + n - 1) * NS_PER_S) for n in range(3100, 3200)],
    )
    with Reader(journal.open_reader(tmp_path / journal.NAME)) as opened:
        yield opened
    made.close()


def segment(kind: str, first: int, last: int, since_s: int, until_s: int) -> Segment:
    return Segment(f"{kind}-{first}", kind, "system", "", first, last, since_s, until_s, 1, 1, "", 0)


SEALED = Manifest(
    segments=(
        segment(manifest.RAW, 1, 3600, T0, T0 + 3600),
        segment(manifest.RAW, 3601, 7200, T0 + 3600, T0 + 7200),
        segment(manifest.R300, 1, 7200, T0 - 200, T0 + 7300),
        segment(manifest.EVENT, 1, 3099, T0, T0 + 3099),
    )
)


@pytest.fixture
def sealed(tmp_path: Path) -> Sealed:
    save(tmp_path, SEALED)
    return Sealed(tmp_path)


def save(folder: Path, item: Manifest) -> None:
    (folder / manifest.FOLDER).mkdir(exist_ok=True)
    manifest.save(folder, item)


def span(since: int, until: int) -> m.Range:
    return m.Range([GAUGE.series.name], (T0 + since) * NS_PER_S, (T0 + until) * NS_PER_S, 10)


def at(second: int) -> m.At:
    return m.At((T0 + second) * NS_PER_S)


def things(since: int, until: int) -> m.Tables:
    return m.Tables("things", (T0 + since) * NS_PER_S, (T0 + until) * NS_PER_S)


@pytest.mark.parametrize(
    ("question", "here"),
    [
        (span(3002, 7200), True),
        (span(3600, 7200), True),
        (span(2999, 3100), False),
        (span(0, 60), False),
        (span(-60, 1), False),
        (span(-600, -500), True),  # before everything: nothing there either
        (span(9000, 9100), True),
        (at(3300), True),
        (at(3010), False),  # the tick is here, its tables are not
        (at(2000), False),
        (at(5050), True),  # a gap with ticks before and behind it
        (at(-5), False),  # the history service knows where the recording begins
        (m.At(0, seq=FIRST + 200), True),
        (m.At((T0 + 5000) * NS_PER_S, seq=2000), False),
        (m.At(0, seq=LAST + 5), True),
        (things(3300, 3400), True),
        (things(3010, 3400), False),
        (m.Events(newest=True, limit=50), True),
        (m.Events(newest=True, limit=500), False),
        (m.Events(newest=True, limit=500, since_ns=(T0 + 3099) * NS_PER_S), True),
        (m.Events(after_seq=3099), True),
        (m.Events(after_seq=3150), True),
        (m.Events(), False),
        (m.Events(until_ns=(T0 + 10) * NS_PER_S), False),
        (m.Compare(["*"], T0, T0 + 1, T0 + 1, T0 + 2), False),
        (m.Why(T0), False),
        (m.Catalogue(), True),
    ],
    ids=str,
)
def test_who_answers(reader: Reader, sealed: Sealed, question: Question, *, here: bool) -> None:
    assert (answer(reader, sealed, question) is not None) is here


def test_without_segments_the_journal_answers_everything(reader: Reader, tmp_path: Path) -> None:
    sealed = Sealed(tmp_path)
    for question in (span(0, 10), at(0), things(0, 10), m.Events(), m.Catalogue()):
        assert answer(reader, sealed, question) is not None
    save(tmp_path, SEALED)
    assert answer(reader, sealed, span(0, 10)) is None, "sealed meanwhile"
    (tmp_path / manifest.FOLDER / manifest.NAME).unlink()
    assert answer(reader, sealed, span(0, 10)) is not None
    for other in (m.Compare(["*"], 0, 1, 1, 2), m.Why(5)):
        reply = answer(reader, None, other)
        assert isinstance(reply, m.Error)
        assert reply.code == "refused"


@pytest.mark.parametrize("content", [b"", b"{", b'{"version": 99, "segments": 3}', b"\0" * 100])
def test_a_manifest_that_cannot_be_used_leaves_the_journal(
    reader: Reader, sealed: Sealed, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / manifest.FOLDER / manifest.NAME).write_bytes(content)
    assert answer(reader, sealed, at(2000)) is not None
    assert answer(reader, sealed, m.Catalogue()) is not None


def test_seconds_that_came_twice_are_asked_of_both(reader: Reader, tmp_path: Path) -> None:
    # The clock went back by 20 minutes inside the hour: its second half has the same seconds again.
    save(tmp_path, Manifest(segments=(segment(manifest.RAW, 1, 3600, T0 + 1200, T0 + 3600),)))
    assert answer(reader, Sealed(tmp_path), span(3300, 3400)) is None


def test_an_empty_journal_has_nothing(tmp_path: Path, sealed: Sealed) -> None:
    made = Journal(tmp_path / journal.NAME)
    with Reader(journal.open_reader(tmp_path / journal.NAME)) as opened:
        for question in (span(0, 10), at(10), things(10, 20), m.Events(), m.Events(newest=True)):
            assert answer(opened, sealed, question) is None
    made.close()


def test_the_catalogue_joins_both(reader: Reader, tmp_path: Path) -> None:
    gone = column("disks", "system.disk.io", {"device": "gone", "direction": "read"}, call="test")
    item, _ = manifest.with_columns(SEALED, [gone, msgspec.structs.replace(GAUGE, call="earlier")])
    save(tmp_path, item)
    found = answer(reader, Sealed(tmp_path), m.Catalogue())
    assert isinstance(found, m.CatalogueReply)
    assert set(found.columns) == {gone, GAUGE, COUNTER}, "what the journal says of a series is newer"
    assert [item.series.text for item in found.columns] == sorted(item.series.text for item in found.columns)
    assert (found.first_ns, found.last_ns) == (T0 * NS_PER_S, (T0 + 7200) * NS_PER_S)
    assert found.tables == [SCHEMA]


@pytest.mark.parametrize(("over_s", "by_itself"), [(600, True), (3600, True), (2 * 3600, False)])
@pytest.mark.parametrize("late_s", [0, 3, 9])
def test_what_is_usual_over_an_hour_is_known_to_the_journal(
    tmp_path: Path, over_s: int, by_itself: bool, late_s: int
) -> None:
    """The shortest journal that there is beside sealed hours: no service is started for it."""
    made = Journal(tmp_path / journal.NAME)
    made.begin("boot", "0.1", "record", 1, 5, 6)
    first = LAST - journal.LIVE_TICKS + 1
    made.write([(tick(n, T0 + n - 1, (float(n), n * 3.0)), LAYOUT) for n in range(first, LAST + 1)])
    save(tmp_path, SEALED)
    engine = Engine()
    engine.use([Rule("rule.r", Baseline(Query(GAUGE.series.text), ">", 50.0, over_s))], Instant(0, 0))
    now_s = T0 + LAST + late_s
    engine.second(
        Tick(LAST + 1, now_s, 10**12, 1, LAYOUT.id, tick(1, 0, (1.0, 1.0)).values), LAYOUT, {}, Instant(0, 0)
    )
    asked = Filling(engine, lambda: now_s).next()
    assert asked is not None
    with Reader(journal.open_reader(tmp_path / journal.NAME)) as opened:
        found = answer(opened, Sealed(tmp_path), asked.question)
    made.close()
    assert (found is not None) is by_itself
