"""Addresses of model servers as a person writes them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wftui import config, paths
from wftui.endpoint import Endpoint, Named
from wftui.errors import ConfigError


@pytest.mark.parametrize(
    ("line", "name", "tls"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000", False),
        ("http://gpu-box", "gpu-box:80", False),
        ("https://10.0.0.5/llm/", "10.0.0.5:443/llm", True),
        ("http://[::1]:8080/a/b", "[::1]:8080/a/b", False),
        ("unix:/run/llama.sock", "unix:/run/llama.sock", False),
        ("unix:///run/llama.sock#/llm", "unix:/run/llama.sock#/llm", False),
    ],
)
def test_an_address(line: str, name: str, tls: bool) -> None:
    named = Named.parse(line)
    assert (named.endpoint.name, named.endpoint.tls) == (name, tls)
    assert named.with_key() == named.endpoint


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("127.0.0.1:8000", "expected http://host:port"),
        ("http://", "expected http://host:port"),
        ("http://host:99999", "Port out of range"),
        ("ftp://host", "expected http://host:port"),
        ("unix:run.sock", "expected unix:/absolute"),
        ("http://me:secret@host", "use key_env or key_file"),
        ("http://host?x=1", "nothing behind the path"),
        ("http://host colour=red", "'colour': expected http://HOST:PORT"),
        ("http://host verify=maybe", "verify=maybe: expected yes or no"),
        ("http://host key_env=A key_file=B", "expected one of the two"),
        ("http://host key_env=", "'key_env': expected"),
    ],
)
def test_a_wrong_one_says_what_is_expected(line: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Named.parse(line)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


@given(st.text(max_size=60).filter(lambda line: line.strip()))
def test_any_line_is_an_address_or_our_error(line: str) -> None:
    try:
        named = Named.parse(line)
    except ConfigError:
        return
    assert named.endpoint.name


def test_a_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    named = Named.parse("http://host key_env=MY_KEY")
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(ConfigError, match="key_env=MY_KEY: that variable is not set"):
        named.with_key()
    monkeypatch.setenv("MY_KEY", "sk-very-secret\n")
    endpoint = named.with_key()
    assert endpoint.key == "sk-very-secret"
    assert "secret" not in f"{endpoint!r} {endpoint.name} {named!r}"
    monkeypatch.setenv("MY_KEY", "two words\r\nHost: evil")
    with pytest.raises(ConfigError, match="characters that no header may hold") as caught:
        named.with_key()
    assert "evil" not in str(caught.value)


def test_a_key_from_a_file_that_is_ours_alone(tmp_path: Path) -> None:
    file = tmp_path / "key"
    named = Named.parse(f"http://host key_file={file}")
    with pytest.raises(ConfigError, match="No such file"):
        named.with_key()
    file.write_text("sk-1\n")
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="others may read it \\(chmod 600\\)"):
        named.with_key()
    file.chmod(0o600)
    assert named.with_key().key == "sk-1"


def test_the_setting_names_file_and_line(tmp_path: Path) -> None:
    places = paths.Places(
        config_file=tmp_path / "config.toml",
        config_named=True,
        data_dir=tmp_path,
        state_dir=tmp_path,
        runtime_dir=tmp_path,
    )
    places.config_file.write_text('[servers]\nendpoints = ["http://host:8000", "nonsense"]\n')
    with pytest.raises(ConfigError, match=r"config.toml:2: servers.endpoints: 'nonsense': expected http"):
        config.load(places, environ={})
    places.config_file.write_text('[servers]\nendpoints = ["http://host:8000 kind=vllm"]\n')
    assert config.load(places, environ={}).names("servers.endpoints") == ("http://host:8000 kind=vllm",)
    places.config_file.write_text("")
    several = {"WFTOP_SERVERS_ENDPOINTS": "http://a:1, unix:/b.sock"}
    assert config.load(places, environ=several).names("servers.endpoints") == ("http://a:1", "unix:/b.sock")
    with pytest.raises(ConfigError, match=r"WFTOP_SERVERS_ENDPOINTS: servers\.endpoints: 'b': expected"):
        config.load(places, environ={"WFTOP_SERVERS_ENDPOINTS": "b"})


def test_a_server_that_is_named_is_the_one_that_is_found() -> None:
    assert (
        Named.parse("http://localhost:8000/v").endpoint.name
        == Endpoint(host="127.0.0.1", port=8000, prefix="/v").name
    )
    assert Named.parse("https://localhost:8000").endpoint.host == "localhost", "its certificate says so"


def test_an_endpoint_is_its_name() -> None:
    assert Endpoint(host="::1", port=1).name == "[::1]:1"
    assert repr(Endpoint(host="h", port=1, key="k")) == "Endpoint(h:1)"
