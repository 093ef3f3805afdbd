"""Cleaning and measuring outside text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcwidth

from wftui import text

anything = st.text(st.characters()) | st.text(
    st.sampled_from("ab \x1b]0;\x07\n\u202e\u200d\ufe0f\u2028\ud800é漢字🙂e\u0301")
)
clean_text = anything.map(text.clean)


@pytest.mark.parametrize(
    ("dirty", "shown"),
    [
        ("plain text", "plain text"),
        ("größe 漢字", "größe 漢字"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("tab\tnew\nline\r\x7f\x00", "tab\\x09new\\x0aline\\x0d\\x7f\\x00"),
        ("user\u202egpj.exe", "user\\u202egpj.exe"),
        ("\u2066\u200b\ufeff", "\\u2066\\u200b\\ufeff"),
        ("\u2028\u2029\xa0", "\\u2028\\u2029\\xa0"),
        ("👩\u200d🚀", "👩\\u200d🚀"),
        ("❤\ufe0f", "❤\\ufe0f"),
        ("a\u3164\u034f", "a\\u3164\\u034f"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("lone \udce9 \ud83d", "lone \ufffd \ufffd"),
        (b"caf\xc3\xa9 \xff\xfe", "café \ufffd\ufffd"),
        (b"\xc2\x9b0c", "\\x9b0c"),
        ("back\\x1bslash", "back\\x1bslash"),
        ("", ""),
    ],
)
def test_clean(dirty: str | bytes, shown: str) -> None:
    assert text.clean(dirty) == shown


@pytest.mark.parametrize("char", ["a", "é", "\x1b", "\u202e", "漢"])
def test_clean_keeps_at_most_its_limit(char: str) -> None:
    for size in (9, 10, 11, 10_000):
        kept = text.clean(char * size, limit=10)
        assert len(kept) <= 11
        assert text.clean((char * size).encode(), limit=10) == kept
        assert kept.endswith("…") == (len(text.clean(char) * size) > 10)


@given(anything, st.integers(1, 40))
def test_clean_is_idempotent_and_printable(dirty: str, limit: int) -> None:
    shown = text.clean(dirty, limit)
    assert text.clean(shown, limit) == shown
    assert shown.isprintable()
    assert len(shown) <= limit + 1
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.binary())
def test_clean_takes_any_bytes(raw: bytes) -> None:
    shown = text.clean(raw)
    assert shown.isprintable()
    assert text.clean(shown.encode()) == shown


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=50))
def test_printable_ascii_is_left_alone(plain: str) -> None:
    assert text.clean(plain) is plain


def test_a_flood_of_characters_does_not_grow_us() -> None:
    for start in range(0, 0x30000, 500):
        flood = "".join(map(chr, range(start, start + 500)))
        assert text.width(text.clean(flood)) > 0
    assert len(text._escapes) <= text._REMEMBERED
    assert len(text._columns) <= text._REMEMBERED


def test_width_agrees_with_wcwidth() -> None:
    # pyte, the terminal of our tests, uses wcwidth. Only characters that both know: printable in our Unicode.
    differ = {
        char
        for char in map(chr, range(0x20, 0x20000))
        if text.clean(char) == char and wcwidth(char) != text.width(char)
    }
    assert differ == {chr(code) for code in range(0x1F1E6, 0x1F200)}  # regional indicators


@pytest.mark.parametrize(
    ("shown", "columns"),
    [
        ("abc", 3),
        ("漢字", 4),
        ("e\u0301", 1),
        ("🙂", 2),
        ("▁▂▃⣿│", 5),
        ("ｱ", 1),
        ("\uff21", 2),
        ("🇩🇪", 2),
        ("한", 2),
        ("", 0),
    ],
)
def test_width(shown: str, columns: int) -> None:
    assert text.width(shown) == columns


@pytest.mark.parametrize(
    ("shown", "columns", "left", "right"),
    [
        ("abc", 5, "abc  ", "  abc"),
        ("abcdef", 5, "abcd…", "abcd…"),
        ("abc", 3, "abc", "abc"),
        ("漢字表", 5, "漢字…", "漢字…"),
        ("漢字表", 4, "漢… ", " 漢…"),
        ("漢", 1, "…", "…"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…", "e\u0301…"),
        ("abc", 0, "", ""),
        ("abc", -1, "", ""),
    ],
)
def test_fit(shown: str, columns: int, left: str, right: str) -> None:
    assert text.fit(shown, columns) == left
    assert text.fit(shown, columns, align="right") == right


@given(clean_text, st.integers(0, 60), st.sampled_from(["left", "right"]))
def test_fit_is_always_exact(shown: str, columns: int, align: str) -> None:
    fitted = text.fit(shown, columns, align="left" if align == "left" else "right")
    assert text.width(fitted) == columns


@pytest.mark.parametrize(
    ("shown", "columns", "cut"),
    [
        ("/models/Llama-4-70B-Instruct-fp8", 16, "/mode…struct-fp8"),
        ("short", 16, "short"),
        ("abcdef", 1, "…"),
        ("abcdef", 0, ""),
        ("漢字漢字漢字", 6, "…漢字"),
        ("xxxxxxxxe\u0301f", 3, "…e\u0301f"),
    ],
)
def test_cut_middle(shown: str, columns: int, cut: str) -> None:
    assert text.cut_middle(shown, columns) == cut


@given(clean_text, st.integers(0, 60))
def test_cut_middle_fits_and_keeps_both_ends(shown: str, columns: int) -> None:
    cut = text.cut_middle(shown, columns)
    assert text.width(cut) <= columns
    if text.width(shown) <= columns:
        assert cut == shown
    elif columns:
        assert any(
            cut[at] == "…" and shown.startswith(cut[:at]) and shown.endswith(cut[at + 1 :])
            for at in range(len(cut))
        )
