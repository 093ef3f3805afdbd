"""Texts that persons, programs and wftop itself wrote: what names somebody or something is replaced in them.

A text cannot be kept by a list of what it may say, so this looks for what it may not: secrets, addresses, paths,
ids, and the names of persons and machines that the recording, or this machine, is known to have. A guess; whoever
writes a bundle is shown samples of what is left.
"""

import re
from collections.abc import Iterable
from typing import Final

from wftui import redact
from wftui.bundle import public
from wftui.bundle.names import Places, Pseudonyms
from wftui.names import EVENT_TYPES, METRICS

CUT: Final = "…"
"""In place of what was left out."""
_LIMIT: Final = 4096
_SUBSTRING: Final = 5
"""Characters from which on a name is found inside a word, too: ``claires-laptop``."""

_INSIDE: Final = frozenset({"user", "person"})

_VOCABULARY: Final = frozenset(
    part for name in (*METRICS, *EVENT_TYPES) for part in re.split(r"[._]", name.casefold())
)
"""Of wftop's own sentences."""
_PROMPT: Final = re.compile(
    r"(?i)([\"'](?:prompt|prompts|content|messages|input|inputs|text|query|question|answer|response|completion"
    r"|system|instruction)[\"']\s*:|\b(?:system[ _-]?prompt|prompt|messages|content|question|answer|completion)"
    r"\s*[=:]\s*(?=[\[{\"'“A-Za-z]))"
)
"""What was asked or answered may stand behind it: the rest of the text is left out."""
_QUOTED: Final = re.compile(
    r"(?<![\w)*.\]])([\"“])(?:[^\s\"”]+\s+){3,}[^\s\"”]+([\"”])|(?<!\w)(')(?:[^\s']+\s+){3,}[^\s']+(')(?!\w)"
)
"""Four words or more: somebody's, not ours. What stands between two labels of series is none."""
_TOLD: Final = re.compile(
    r"(?i)\b(password|passwd|passphrase|passcode|pwd|secret|api[ _-]?key|access[ _-]?key|token|credentials?)"
    r"(\s+(?:is|was|are)\s+|\s*(?:[:=]|->)\s*|\s+)([^\s,;]+)"
)
_PHRASE: Final = re.compile(
    r"(?i)\b(pass(?:word|phrase|wd|code))\s+(?!(?:was|is|are|of|for|in|and|or|not|to|has|must|file|required|missing|wrong"
    r"|from|changed|expired|given|prompt)\b)(?!\*)([^.,;:]+)"
)
"""Behind it may stand several words: all up to a stop."""
_AMOUNT: Final = re.compile(r"[\d.,]+%?\Z")
_KEY: Final = 8
"""Characters of the shortest token that is taken for a secret."""
_STATES: Final = public.words(
    "refused wrong missing expired invalid not empty needed required unknown denied rejected set unset used absent"
    " gone too accepted changed optional read asked given"
)
"""What may be said of a secret."""
_SIGN: Final = re.compile(r"[0-9A-Z!#$%^&*_+=]")

_TOP: Final = "|".join(sorted(public.TOP_LEVELS, key=len, reverse=True))
_BEHIND: Final = r"/[^\s\"'`,;()\[\]{}<>|]*"
"""The path of an address."""
_SHAPES: Final = (
    ("url", r"[A-Za-z][A-Za-z0-9+.-]{1,12}://[^\s\"'<>)\]}]+"),
    ("email", r"[\w.+%-]{1,64}@(?:\[[0-9a-fA-F:.]+\]|[\w-]+(?:\.[\w-]+)*)"),
    ("endpoint", rf"(?:\[[0-9a-fA-F:.]+\]|[\w.-]{{1,128}}):\d{{2,5}}{_BEHIND}"),
    (
        "page",
        rf"(?<![\w./@-])(?:(?:\d{{1,3}}\.){{3}}\d{{1,3}}|(?:[A-Za-z0-9_][\w-]{{0,62}}\.){{1,8}}(?:{_TOP})){_BEHIND}",
    ),
    ("quoted_path", r"(?<=[\"'`])(?:~[\w.-]*)?/[^\"'`\n]+(?=[\"'`])"),
    ("path", r"(?<![\w.%/})\]])(?:~[\w.-]*|\.{1,2})?/(?=[\w.~@+-])[^\s\"'`,;:()\[\]{}<>|=]+"),
    ("uuid", r"(?:(?:GPU|MIG)-)?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    ("mac", r"(?<![\w:-])(?:[0-9a-fA-F]{2}[:-]){5,19}[0-9a-fA-F]{2}(?![\w:-])"),
    ("cisco_mac", r"(?<![\w.])[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}(?![\w.])"),
    (
        "ip6",
        r"(?<![\w:.])(?:[0-9a-fA-F]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F]{0,4})(?:%[\w-]+)?(?![\w:])",
    ),
    ("ip4", r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)"),
    ("host", rf"(?<![\w.@-])(?:[A-Za-z0-9_][\w-]{{0,62}}\.){{1,8}}(?:{_TOP})(?![\w-]|\.\w)"),
    ("cloud_host", r"(?<!\w)ip(?:-\d{1,3}){4}(?!\w)"),
    ("known", ""),
    ("handle", r"(?<![\w@./])@[A-Za-z][\w-]+"),
    ("titled", r"\b(?:Mr|Mrs|Ms|Dr|Prof)\.?\s+[A-Z][\w-]+(?:\s+[A-Z][\w-]+)?"),
    ("phone", r"(?<!\w)\+\d[\d ()/.-]{6,}\d"),
    ("labelled", r"(?i:\b(?:serial(?: number| no\.?)?|s/n|sn|asset(?: tag)?)\s*[:=#]?\s+)(?=\S*\d)[\w-]{4,}"),
    ("hex", r"(?<![\w])(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12,}(?![\w])"),
    ("serial", r"(?<![\w-])(?=[A-Z0-9]*\d[A-Z0-9]*\d)(?=[A-Z0-9]*[A-Z][A-Z0-9]*[A-Z])[A-Z0-9]{9,}(?![\w])"),
    ("number", r"(?<![\w.])\d{10,}(?![\w.])"),
)
_CLASSES: Final = {
    "uuid": "uuid", "mac": "mac", "cisco_mac": "mac", "hex": "id", "serial": "serial", "number": "serial",
    "email": "email", "phone": "phone", "titled": "person", "cloud_host": "host", "labelled": "serial",
}  # fmt: skip


class FreeText:
    """Replaces what it finds; remembers what it was asked before."""

    def __init__(self, names: Pseudonyms) -> None:
        self._names = names
        self.places: Places | None = None
        """Set once, before the first text: it needs ``words`` of this."""
        self._known: dict[str, tuple[str, str]] = {}
        """Word, folded, to its class and itself."""
        self._search: re.Pattern[str] | None = None
        self._only: re.Pattern[str] | None = None
        self._done: dict[str, str] = {}
        self.secrets = 0
        """Places where one was hidden."""
        self.stretches = 0
        """Quoted sentences and what may be a prompt, left out."""

    def know(self, what: str, words: Iterable[str]) -> None:
        """Names of a class (``user``, ``host``, ``person``, ``model``, …) to be found in texts from now on."""
        for word in words:
            folded = word.casefold()
            plain = folded in public.COMMON or folded in _VOCABULARY or word in public.ACCOUNTS
            if len(word) > 1 and not plain and not word.isdecimal():
                self._known.setdefault(folded, (what, word))
        self._search = None
        self._done.clear()

    def __call__(self, value: str) -> str:
        """A text without what names somebody; at most 4,096 characters of it."""
        done = self._done.get(value)
        if done is None:
            done = self._done[value] = self._replaced(value)
        return done

    def words(self, value: str) -> str:
        """The known names alone."""
        self._compile()
        assert self._only is not None  # noqa: S101  made there
        return self._only.sub(self._one, value)

    def _replaced(self, value: str) -> str:
        self._compile()
        assert self._search is not None  # noqa: S101  made there
        if len(value) > _LIMIT:  # without its last word: half a secret looks like none
            value = value[:_LIMIT].rpartition(" ")[0] + CUT
        shown = redact.message(value)
        self.secrets += max(0, shown.count(redact.HIDDEN) - value.count(redact.HIDDEN))
        shown = _TOLD.sub(self._told, shown)
        shown = _PHRASE.sub(self._phrase, shown)
        cut = _PROMPT.search(shown)
        if cut is not None:
            self.stretches += 1
            shown = f"{shown[: cut.end()].rstrip()} {CUT}"
        shown = _QUOTED.sub(self._quoted, shown)
        return self._search.sub(self._one, shown)

    def _told(self, match: re.Match[str]) -> str:
        """``the password is hunter2``: what looks like no word, or is said to be it."""
        name, joint, word = match.groups()
        plain = joint.isspace() and not _SIGN.search(word)
        if name.casefold() == "token":  # of a model, far more often than of a door
            plain = plain or _AMOUNT.match(word) is not None or (joint.isspace() and len(word) < _KEY)
        if word.startswith(redact.HIDDEN) or plain or word.rstrip(".!").casefold() in _STATES:
            return match[0]
        self.secrets += 1
        return f"{name}{joint}{redact.HIDDEN}"

    def _phrase(self, match: re.Match[str]) -> str:
        self.secrets += 1
        return f"{match[1]} {redact.HIDDEN}"

    def _quoted(self, match: re.Match[str]) -> str:
        self.stretches += 1
        return f"{match[1] or match[3]}{CUT}{match[2] or match[4]}"

    def _one(self, match: re.Match[str]) -> str:
        kind, found = match.lastgroup or "", match[0]
        assert self.places is not None  # noqa: S101  set by whoever made this
        match kind:
            case "known":
                what, word = self._known[found.casefold()]
                return self.places.host(word) if what == "host" else self._names.name(what, word)
            case "url":
                bare = found.rstrip(".,;:!?…")
                return self.places.url(bare) + found[len(bare) :]
            case "endpoint" | "page":
                bare = found.rstrip(".:…")
                return self.places.endpoint(bare) + found[len(bare) :]
            case "path" | "quoted_path":
                bare = found.rstrip(".…")
                return self._path(bare) + found[len(bare) :]
            case "ip4" | "ip6":
                address, _, _ = found.partition("%")
                made = self.places.address(address)
                return found if made is None else made
            case "host":
                return found if _is_metric(found) else self.places.host(found)
            case "uuid" if found.startswith(("GPU-", "MIG-")):
                return self._names.ordinal(found[:3].lower(), found)
            case "handle":
                return "@" + self.places.user(found[1:])
            case "labelled":
                label = found[: found.rindex(found.split()[-1])]
                return label + self._names.name("serial", found[len(label) :])
        return self._names.name(_CLASSES[kind], found.casefold())

    def _path(self, found: str) -> str:
        assert self.places is not None  # noqa: S101  as above
        if all(part in public.URL_PARTS for part in found.strip("/").split("/")):
            return found
        return self.places.path(found)

    def _compile(self) -> None:
        if self._search is not None:
            return
        words = sorted(self._known, key=len, reverse=True)
        known = "|".join(_search(*self._known[word]) for word in words) or r"(?!)"
        self._only = re.compile(f"(?P<known>(?i:{known}))")
        shapes = (f"(?P<{name}>{f'(?i:{known})' if name == 'known' else shape})" for name, shape in _SHAPES)
        self._search = re.compile("|".join(shapes))


def _search(what: str, word: str) -> str:
    quoted = re.escape(word)
    return quoted if len(word) >= _SUBSTRING and what in _INSIDE else rf"(?<![A-Za-z0-9]){quoted}(?![A-Za-z0-9])"


def _is_metric(name: str) -> bool:
    return name in METRICS or name in EVENT_TYPES or name.startswith("custom.")
