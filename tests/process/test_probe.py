"""`wftop probe`: how a server is talked to, what is timed, and what is said when it does not work."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.proxied import MB, answer, certificate, heard, serving
from wftui.__main__ import main

Run = Callable[..., tuple[int, str, str]]
Says = Callable[[dict[str, Any], socket.socket], None]
Said = bytes | Says
USAGE = {"prompt_tokens": 21, "completion_tokens": 9}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def probe(*words: str) -> tuple[int, str, str]:
        code = main(["probe", *words])
        out = capsys.readouterr()
        return code, out.out, out.err

    return probe


class Fake:
    """A server that knows some paths; everything that was asked is in ``asked``."""

    def __init__(self, **paths: Said) -> None:
        """``paths``: ``POST_v1_models`` is what is said there."""
        self.paths = paths
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.heads: list[bytes] = []

    def talk(self, one: socket.socket) -> None:
        data = heard(one)
        if not data:
            return
        head, _, body = data.partition(b"\r\n\r\n")
        method, path = head.split(b" ")[:2]
        key = f"{method.decode()}{path.decode().replace('/', '_')}"
        asked = json.loads(body) if body else {}
        self.asked.append((key, asked))
        self.heads.append(head)
        said = self.paths.get(key, answer(b'{"error":{"message":"not here"}}', status=404))
        if isinstance(said, bytes):
            one.sendall(said)
        else:
            said(asked, one)


def as_json(item: object, status: int = 200) -> bytes:
    return answer(json.dumps(item).encode(), status=status)


def chat(pause_s: float = 0.02, count: int = 9, usage: object = USAGE) -> Says:
    """Streams texts, some time apart."""

    def talk(_: dict[str, Any], one: socket.socket) -> None:
        one.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        deltas: list[object] = [{"role": "assistant", "content": ""}, *[{"content": "one "}] * count]
        for item in [*({"choices": [{"delta": delta}]} for delta in deltas), {"choices": [], "usage": usage}]:
            time.sleep(pause_s)
            event = b"data: %s\n\n" % json.dumps(item).encode()
            one.sendall(b"%x\r\n%s\r\n" % (len(event), event))
        one.sendall(b"0\r\n\r\n")

    return talk


def models(*names: str, **states: str) -> bytes:
    rows: list[dict[str, object]] = [{"id": name} for name in names]
    return as_json({"data": rows + [{"id": name, "status": {"value": value}} for name, value in states.items()]})


def test_an_openai_server_is_timed_step_by_step(run: Run) -> None:
    fake = Fake(GET_v1_models=models("qwen3-8b"), POST_v1_chat_completions=chat())
    with serving(fake.talk) as url:
        code, out, err = run(url, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["server"] == url.removeprefix("http://")
    assert (found["style"], found["model"]) == ("OpenAI", "qwen3-8b")
    assert (found["input_tokens"], found["output_tokens"], found["tls_s"]) == (21, 9, None)
    assert 0 < found["connect_s"] < found["first_byte_s"] < found["first_text_s"]
    assert found["first_text_s"] >= 0.04, "the chunk that names the role holds no text"
    assert found["first_text_s"] + 8 * 0.02 <= found["last_text_s"] < found["total_s"]
    assert found["output_tokens_per_s"] == pytest.approx(8 / (found["last_text_s"] - found["first_text_s"]))
    _, sent = fake.asked[-1]
    assert sent["stream_options"] == {"include_usage": True}
    assert sent["max_tokens"] == 64
    assert [method for method, _ in fake.asked] == ["GET_", "GET_v1_models", "POST_v1_chat_completions"]


def test_ollama_is_asked_in_its_own_way(run: Run) -> None:
    lines = [{"response": "one ", "done": False}] * 3
    last = {"response": "", "done": True, "prompt_eval_count": 30, "eval_count": 12}
    body = b"".join(json.dumps(line).encode() + b"\n" for line in [*lines, last])
    fake = Fake(
        GET_=answer(b"Ollama is running", "text/plain"), GET_api_version=as_json({"version": "0.32.1"}),
        GET_api_ps=as_json({"models": [{"name": "qwen3:8b"}]}),
        POST_api_generate=answer(body, "application/x-ndjson"),
    )  # fmt: skip
    with serving(fake.talk) as url:
        code, out, _ = run(url, "--max-tokens", "5")
    assert code == 0
    assert "asked in Ollama's way" in out
    assert "30 in, 12 out" in out
    assert fake.asked[-1][1]["options"] == {"num_predict": 5}
    assert fake.asked[-1][1]["model"] == "qwen3:8b"


def test_a_prompt_has_about_the_length_asked_for_and_no_cache_knows_it(run: Run) -> None:
    fake = Fake(POST_v1_chat_completions=chat(0))
    with serving(fake.talk) as url:
        for _ in range(2):
            assert run(url, "--model", "m", "--prompt-tokens", "500")[0] == 0
    prompts = [asked["messages"][0]["content"] for key, asked in fake.asked if key.startswith("POST")]
    assert [prompt.count("word") for prompt in prompts] == [490, 490]
    assert prompts[0][:20] != prompts[1][:20]


def run_with(run: Run, said: Said) -> str:
    """The table for a server that streams so; 80 columns are enough for it."""
    fake = Fake(GET_v1_models=models("m"), POST_v1_chat_completions=said)
    with serving(fake.talk) as url:
        code, out, err = run(url)
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) < 80
    return out


def test_what_is_not_known_is_not_shown_as_a_number(run: Run) -> None:
    fake = Fake(GET_v1_models=models("m"), POST_v1_chat_completions=chat(0, usage=None))
    with serving(fake.talk) as url:
        code, out, _ = run(url)
    assert code == 0
    assert "unknown: the server does not count them" in out
    assert "speed       unknown: the server does not count tokens\n" in out
    fake = Fake(GET_v1_models=models("m"), POST_v1_chat_completions=chat(0.01, 3, {"completion_tokens": 3}))
    with serving(fake.talk) as url:
        code, out, _ = run(url, "--json")
    assert json.loads(out)["output_tokens_per_s"] is None
    assert json.loads(out)["input_tokens"] is None
    assert "speed       unknown: too few tokens\n" in run_with(run, chat(0, 3, {"completion_tokens": 3}))
    at_once = answer(b'data: {"choices":[{"text":"a"}],"usage":{"completion_tokens":90}}\n\n', "text/event-stream")
    assert "speed       unknown: all text came at once\n" in run_with(run, at_once)


def test_a_server_that_refuses_to_count_or_has_no_chat_is_asked_otherwise(run: Run) -> None:
    def old(asked: dict[str, Any], one: socket.socket) -> None:
        if "stream_options" in asked:
            one.sendall(as_json({"detail": "extra fields: stream_options"}, 422))
        else:
            chat(0)(asked, one)

    fake = Fake(GET_v1_models=models("m"), POST_v1_chat_completions=old)
    with serving(fake.talk) as url:
        assert run(url)[0] == 0
    texts = answer(b'data: {"choices":[{"text":"a"}],"usage":{"completion_tokens":1}}\n\n', "text/event-stream")
    fake = Fake(GET_v1_models=models("m"), POST_v1_completions=texts)
    with serving(fake.talk) as url:
        code, out, _ = run(url)
    assert code == 0
    assert "1 out" in out


def test_a_key_and_a_prefix_go_along(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MY_KEY", "sk-123")
    fake = Fake(GET_llm_v1_models=models("m"), POST_llm_v1_chat_completions=chat(0))
    with serving(fake.talk) as url:
        assert run(f"{url}/llm/v1", "--key-env", "MY_KEY")[0] == 0
    assert all(b"\r\nAuthorization: Bearer sk-123" in head for head in fake.heads)
    fake = Fake(GET_v1_models=models("m"), POST_v1_chat_completions=chat(0))
    with serving(fake.talk, path=tmp_path / "s") as url:
        assert run(url)[0] == 0


@pytest.mark.parametrize("end", ["/", "/v1", "/v1/", "/v1/chat/completions", "/v1/models", "/api/generate"])
def test_the_path_of_a_question_is_no_prefix(run: Run, end: str) -> None:
    fake = Fake(GET_v1_models=models("m"), POST_v1_chat_completions=chat(0))
    with serving(fake.talk) as url:
        assert run(url + end)[0] == 0


def test_one_that_pretends_to_be_an_ollama_is_asked_in_openais_way(run: Run) -> None:
    fake = Fake(
        GET_=answer(b"Ollama is running", "text/plain"), GET_api_version=as_json({"version": "0.12.11"}),
        GET_v1_models=models("Qwen/Qwen3-8B"), POST_v1_chat_completions=chat(0),
    )  # fmt: skip
    with serving(fake.talk) as url:
        code, out, _ = run(url)
    assert (code, "asked in OpenAI's way\nmodel       Qwen/Qwen3-8B\n" in out) == (0, True)


@pytest.mark.parametrize(
    ("fake", "words", "message"),
    [
        (Fake(GET_v1_models=as_json({"error": "no"}, 401)), [], "401: it wants a key, or another one"),
        (Fake(GET_v1_models=models("m"), POST_v1_chat_completions=as_json({}, 403)), [], "403: it wants a key"),
        (Fake(), [], "it speaks neither OpenAI's nor Ollama's way: /v1/models is not there"),
        (Fake(), [], "if it only keeps no list, name the model: --model NAME"),
        (Fake(GET_v1_models=as_json({"error": {"message": "CacheNotFound"}}, 500)), [],
         "/v1/models: 500: CacheNotFound; to ask without that list name the model: --model NAME"),
        (Fake(GET_v1_models=models()), [], "no model is there"),
        (Fake(GET_v1_models=models("a", "b")), [], "several models are there, name one with --model: a, b"),
        (Fake(GET_v1_models=models(a="unloaded", b="failed")), [], "no model is loaded; --model NAME loads one"),
        (Fake(GET_v1_models=models(*[f"m{n}" for n in range(10)])), [], "m7 and 2 more"),
        (Fake(GET_v1_models=answer(b"<html>", "text/html")), [], "/v1/models is no JSON object"),
        (Fake(GET_v1_models=answer(b"[]")), [], "/v1/models is no JSON object"),
        (Fake(GET_v1_models=models("m"),
              POST_v1_chat_completions=as_json({"error": {"message": "busy \x1b[2J"}}, 503)), [],
         "503, model 'm': busy \\x1b[2J"),
        (Fake(POST_v1_chat_completions=as_json({"error": "model 'x' not found"}, 404)), ["--model", "x"],
         "404, model 'x': model 'x' not found"),
        (Fake(GET_v1_models=answer(b"", status=302)), [], "302: it redirects to ?"),
        (Fake(GET_=answer(b"Ollama is running"), GET_api_version=as_json({}), GET_api_ps=as_json({"models": []}),
              GET_api_tags=as_json({"models": [{"name": "qwen3:8b"}]})), [],
         "no model is loaded; --model NAME loads one: qwen3:8b"),
        (Fake(GET_v1_models=models("m"),
              POST_v1_chat_completions=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), [],
         "it ended in the middle of its answer"),
        (Fake(GET_v1_models=models("m"), POST_v1_chat_completions=answer(
            b'data: {"error":{"message":"out of memory"}}\n\n', "text/event-stream")), [], "ended with an error"),
        (Fake(GET_=b"SSH-2.0-OpenSSH_9\r\n\r\n"), [], "this is no HTTP/1.1"),
        (Fake(GET_=b""), [], "no answer"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_one_line(run: Run, fake: Fake, words: list[str], message: str) -> None:
    with serving(fake.talk) as url:
        code, out, err = run(url, *words)
    assert (code, out) == (1, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_server_that_says_nothing_is_left(run: Run) -> None:
    for fake in (
        Fake(GET_v1_models=models("m"), POST_v1_chat_completions=lambda *_: time.sleep(1)),
        Fake(GET_=lambda *_: time.sleep(1)),
    ):
        with serving(fake.talk) as url:
            code, _, err = run(url, "--timeout", "0.3s")
        assert (code, "no answer within 0.3 s" in err) == (1, True), err


def test_nobody_there_is_said(run: Run) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        code, _, err = run(f"127.0.0.1:{held.getsockname()[1]}")
    assert (code, "Connection refused" in err) == (1, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--max-tokens", "0"], "--max-tokens: expected 1 to 1000000, got 0"),
        (["--prompt-tokens", "-3"], "--prompt-tokens: expected 1"),
        (["--key-env", "NO_SUCH_KEY"], "'NO_SUCH_KEY' is not set"),
        (["--timeout", "soon"], "soon"),
        (["--ca", "x"], "--ca goes with an https:// server"),
    ],
)
def test_wrong_words_are_one_line(run: Run, words: list[str], message: str) -> None:
    code, _, err = run("http://127.0.0.1:1", *words)
    assert (code, message in err) == (2, True), err


def test_tls_is_timed_and_verified(run: Run, tmp_path: Path) -> None:
    cert, _, context = certificate(tmp_path)
    fake = Fake(GET_v1_models=models("m"), POST_v1_chat_completions=chat(0))
    with serving(fake.talk, context) as url:
        code, out, _ = run(url, "--ca", str(cert), "--json")
        assert code == 0
        assert json.loads(out)["tls_s"] > 0
        code, _, err = run(url)
        words = "certificate refused: self-signed certificate (--ca FILE names another authority)\n"
        assert (code, words in err) == (1, True), err
        code, _, err = run(url.replace("https", "http"))
        assert (code, err.endswith("; does it want https://?\n"), err.count("\n")) == (1, True, 1), err
        code, _, err = run(url.replace("127.0.0.1", "localhost"), "--ca", str(cert))
        assert (code, "certificate is not valid for 'localhost'\n" in err) == (1, True), err

    def plain(one: socket.socket) -> None:
        one.recv(MB)
        one.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with serving(plain) as url:
        code, _, err = run(url.replace("http", "https"))
        assert (code, "it does not speak TLS; does it want http://?\n" in err) == (1, True), err
    with serving(lambda _: time.sleep(1)) as url:
        code, _, err = run(url.replace("http", "https"), "--timeout", "0.3s")
        assert (code, "no TLS answer (does it want http://?) within 0.3 s" in err) == (1, True), err
