"""The pictures of the demo: the same each time, labelled, and whole without a network."""

from __future__ import annotations

import re
import time

import pytest

from wftui.demo import still
from wftui.demo.pictures import SHOTS, Shot, pictures

SMALL = Shot("small", 80, 24, 170)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    time.tzset()


async def test_a_picture_is_the_same_each_time_and_says_what_it_shows() -> None:
    ((name, first),) = await pictures((SMALL,))
    ((_, second),) = await pictures((SMALL,))
    assert name == "small"
    assert first == second
    text = re.sub(r"<[^>]+>", "", first).replace("&#160;", " ")
    assert "DEMO" in text
    assert "GPU 3 overheated" in text


async def test_nothing_in_it_refers_to_the_network() -> None:
    ((_, made),) = await pictures((SMALL,))
    assert set(re.findall(r"https?://[^\"'\s<>)]+", made)) <= {"http://www.w3.org/2000/svg"}
    assert "@font-face" not in made


async def test_the_view_looks_back_by_the_product_s_own_keys() -> None:
    (shot,) = [item for item in SHOTS if item.name == "rewind"]
    ((_, made),) = await pictures((shot,))
    text = re.sub(r"<[^>]+>", "", made).replace("&#160;", " ")
    assert "REPLAY" in text
    assert "15:09:07" in text
    assert "GPU 6 Xid 31" in text


async def test_what_changed_and_what_the_health_lacks_are_found_in_the_recording() -> None:
    found = dict(await pictures(tuple(item for item in SHOTS if item.name in ("why", "health", "alerts"))))
    shown = {name: re.sub(r"<[^>]+>", "", made).replace("&#160;", " ") for name, made in found.items()}
    assert "no answer" not in shown["why"]
    assert "GPU 6" in shown["why"]
    assert "The GPU driver reported an error  GPU 6" in shown["health"]
    assert "acknowledged by ana" in shown["alerts"]


def test_pictures_are_of_a_moment_that_does_not_move() -> None:
    assert still.EPOCH_S % 60 == 0
    assert len({shot.name for shot in SHOTS}) == len(SHOTS)


async def test_streams_flow_in_the_picture_of_energy_and_all_of_them_are_seen() -> None:
    (shot,) = [item for item in SHOTS if item.name == "energy"]
    ((_, made),) = await pictures((shot,))
    text = re.sub(r"<[^>]+>", "", made).replace("&#160;", " ")
    counted = re.search(r"(\d+) particles", text)
    assert counted is not None
    assert sum(text.count(sign) for sign in "•◦◊") == int(counted[1]) > 100
    assert re.search(r"seen +100 % of", text)
