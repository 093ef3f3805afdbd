"""Units and time zone of a person's choice: everything drawn follows, what is exported does not."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from wftui import config, settings, when
from wftui.errors import ConfigError
from wftui.paths import places
from wftui.render import files, palette, preferred, text
from wftui.tui.gpu_screen import fields
from wftui.tui.timeline import figures

NOON_S = 1_781_870_400  # 2026-06-19 12:00 UTC


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = os.environ.get("TZ")
    yield
    text.prefer()
    palette.warm_at({})
    when.use_zone("local")
    assert os.environ.get("TZ") == before
    time.tzset()


def use(**chosen: str) -> None:
    preferred.use(config.Config({f"view.{name}": value for name, value in chosen.items()}, {}))


def test_temperatures() -> None:
    assert (text.celsius(71.0), figures.label(100.0, "Cel")) == (" 71 °C", "100 °C")
    use(temperature="fahrenheit")
    assert text.celsius(71.0) == "160 °F"
    assert text.celsius(None) == "   -  "
    assert figures.label(100.0, "Cel") == "212 °F"
    assert figures.unit_words("Cel") == "°F"
    assert fields.figure(71.0, "Cel") == "160 °F"
    use(temperature="celsius")
    assert text.celsius(71.0) == " 71 °C"


def test_bytes() -> None:
    use(bytes="decimal")
    assert (text.size(80e9), text.rate(1.5e6)) == ("80.0 GB ", "1.50 MB/s ")
    assert text.share(8e9, 80e9) == " 8.0/80.0 GB "
    assert text.short(1e6) == "1.00M"
    assert figures.figure(2.5e9, "By/s").strip() == "2.50 GB/s"
    assert text.round_up_bytes(1.2e6) == 2e6
    use()
    assert text.size(80 * 2**30) == "80.0 GiB"


def test_zones() -> None:
    use(time_zone="utc")
    assert (text.clock(NOON_S), text.offset(NOON_S)) == ("12:00:00", "+00:00")
    use(time_zone="+09:30")
    assert (text.clock(NOON_S), text.offset(NOON_S)) == ("21:30:00", "+09:30")
    use(time_zone="-03:00")
    assert (text.clock(NOON_S), text.offset(NOON_S)) == ("09:00:00", "-03:00")
    if not when.is_zone("Asia/Tokyo"):
        pytest.skip("this machine has no time zones")
    use(time_zone="Asia/Tokyo")
    assert (text.clock(NOON_S), text.offset(NOON_S)) == ("21:00:00", "+09:00")
    assert when.moment("2026-06-19 21:00", NOON_S * 10**9) == NOON_S * 10**9, "what is typed is of that place too"
    use(time_zone="America/New_York")
    assert text.offset(NOON_S) == "-04:00"
    assert text.offset(NOON_S + 180 * 86_400) == "-05:00"


def test_what_is_exported_stays() -> None:
    before = files.rfc3339(NOON_S)
    use(temperature="fahrenheit", bytes="decimal", time_zone="utc")
    assert files.rfc3339(NOON_S) == before


@pytest.mark.parametrize(
    "name",
    ["Europe/Nowhere", "../../etc/passwd", "Europe/", "/etc/localtime", "", "CET,M3", "+9:00", "+24:00", "+02:60"],
)
def test_an_unknown_zone_is_one_clear_error(name: str) -> None:
    with pytest.raises(
        ConfigError, match=r"view\.time_zone: expected local, utc, an offset like \+02:00 or a time zone"
    ):
        config.from_text(config.KEYS["view.time_zone"], name, "here")
    settings.put(places(), {"view.time_zone": name or "x"})
    with pytest.raises(ConfigError, match=r"settings\.toml:4: view\.time_zone: expected local, utc"):
        config.load(places())


def test_heat_begins_where_a_person_says() -> None:
    preferred.use(config.Config({}, {}))
    shares = [place / 100 for place in range(101)]
    assert [palette.heat(share, "cpu") for share in shares] == [palette.heat(share) for share in shares]
    preferred.use(config.Config({"colors.cpu_warn": 0.3, "colors.cpu_critical": 0.5}, {}))
    assert palette.heat(0.3, "cpu") == palette.heat(palette.WARM[0])
    assert palette.heat(0.5, "cpu") == palette.heat(palette.WARM[1])
    assert (palette.heat(0.0, "cpu"), palette.heat(1.0, "cpu")) == ("heat0", "heat15")
    assert palette.heat(0.3, "memory") == palette.heat(0.3)
    steps = [int(palette.heat(share, "cpu").removeprefix("heat")) for share in shares]
    assert steps == sorted(steps)
    # The other way round is no scale: what is critical is a warning too.
    preferred.use(config.Config({"colors.cpu_warn": 1.0, "colors.cpu_critical": 0.2}, {}))
    assert palette.heat(0.99, "cpu") == "heat10"
    assert palette.heat(1.0, "cpu") >= "heat13"


def test_every_scale_has_its_settings() -> None:
    named = {name.removeprefix("colors.").rpartition("_")[0] for name in config.KEYS if name.startswith("colors.")}
    assert named == set(palette.SCALES)
    assert {config.KEYS[f"colors.{name}_warn"].default for name in named} == {palette.WARM[0]}
    assert {config.KEYS[f"colors.{name}_critical"].default for name in named} == {palette.WARM[1]}
