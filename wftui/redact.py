"""Secrets taken out of command lines and messages before they are stored, shown or logged.

Hidden become: values after key-like names (``--api-key X``, ``HF_TOKEN=X``, ``Authorization: Bearer X``,
``{"password": "X"}``), user info in URLs, keys with a known prefix, PEM blocks, and long words that look random.
A guess in both directions: what looks like a path, a model, a digest, a UUID or a number stays.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

HIDDEN: Final = "***"
# Longer command lines are cut before anything is looked for; `text.clean` keeps 4,096 characters anyway.
_LIMIT: Final = 8_192
_DEPTH: Final = 3

# One of these has to be in a text, in lower case, before anything else is tried: 2 us for 200 characters.
_HINTS: Final = (
    "key", "token", "secret", "pass", "pwd", "auth", "credential", "cookie", "bearer", "session", "private",
    "sig", "@", "curl", "mysql", "maria", "redis", "mongo", "ldap", "login", "smb", "sk-", "sk_", "hf_", "gsk_",
    "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "xox", "akia", "asia", "eyj", "glpat-", "nvapi-", "aiza", "-----begin",
)  # fmt: skip

_PEM: Final = re.compile(r"-----BEGIN [^-]*-----.*?(?:-----END [^-]*-----|\Z)", re.DOTALL)
# A password may hold raw "/" or "@" when a user name and colon come first; `host:8080/x@y` is no user info.
_USER_INFO: Final = re.compile(r"(?<=://)(?:[^\s/?#\"'@:]*:(?!\d{1,5}/)[^\s?#\"']*@|[^\s/?#\"']*@)")
_PREFIXED: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|rk|pk)[-_](?=[\w-]*\d)[\w-]{10,}"  # OpenAI, Anthropic, Stripe
    r"|hf_[A-Za-z0-9]{16,}|gsk_[A-Za-z0-9]{16,}|r8_[A-Za-z0-9]{16,}|npm_[A-Za-z0-9]{16,}"
    r"|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{10,}|nvapi-[\w-]{10,}"
    r"|xox[a-z]-[\w-]{8,}|A[KS]IA[A-Z0-9]{12,}|AIza[\w-]{20,}|pypi-[\w-]{20,}"
    r"|eyJ[\w-]{8,}(?:\.[\w-]*)*"  # JSON Web Token
    r")"
)
# name, separator, value: inside a URL's query, JSON, a connection string, a nested assignment.
_PAIR: Final = re.compile(
    r"(?<![\w/.-])(-{0,2}[A-Za-z_][\w.-]*)([\"']?\s*[=:]\s*)"
    r"(\"(?:[^\"\\]|\\.)*\"?|'[^']*'?|[^\s\"'&;,})\]]+)"
)
_ASSIGNED: Final = re.compile(r"(-{0,2}[A-Za-z_][\w.-]*)=")
_HEADER: Final = re.compile(r"(?:.*[=\s\"'])?([A-Za-z][\w-]*):")
_SCHEMES: Final = frozenset({"bearer", "basic", "token", "digest", "negotiate", "apikey"})
# A word of a line: quoted parts may hold blanks.
_WORD: Final = re.compile(r"(?:\"[^\"]*\"|'[^']*'|[^\s\"']|[\"'])+")
_LONG: Final = re.compile(r"[A-Za-z0-9+_=~-]{20,}")
# Base64 whose "/" leave no run of 20; a path starts with one or has dots and dashes.
_BASE64: Final = re.compile(r"(?<![\w+/.~-])[A-Za-z0-9+][A-Za-z0-9+/=]{31,}")
# The same with "/", which base64 has and paths have.
_RUN: Final = re.compile(r"[A-Za-z0-9+/_=~-]{20,}")
_HEX: Final = re.compile(r"[0-9a-f]{20,}|[0-9A-F]{20,}")
_UUID: Final = re.compile(r"(?:[A-Za-z]+-)*[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?:[/_-].*)?")
_SEPARATORS: Final = re.compile(r"[-_+=~/]+")
_NAME_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NUMBER: Final = re.compile(r"[+-]?[0-9][0-9._,:]*(?:[a-zA-Z]{1,3}|%)?")
_PATH: Final = re.compile(r"(?:\.{0,2}/|~/)[\w.@/+-]*")

# A name is secret when one of its parts ends like this ...
_SECRET_ENDS: Final = (
    "key", "keys", "token", "tokens", "secret", "secrets", "pass", "passwd", "password", "passwords", "passphrase",
    "passcode", "passin", "passout", "pwd", "auth", "oauth", "authorization", "credential", "credentials", "creds",
    "cookie", "cookies", "bearer", "session", "sessionid", "sid", "private", "signature", "sig",
)  # fmt: skip
# ... unless that part is a word that only ends so,
_OTHER_WORDS: Final = frozenset({"monkey", "turkey", "hotkey", "hotkeys", "bypass", "compass", "presig", "inside"})
# or its last part says that the value is about the secret, not the secret.
_ABOUT: Final = frozenset({
    "file", "files", "path", "dir", "directory", "folder", "name", "names", "type", "types", "method", "methods",
    "mode", "timeout", "ttl", "limit", "limits", "count", "size", "sizes", "length", "len", "format", "algorithm",
    "backend", "provider", "url", "uri", "endpoint", "host", "port", "enabled", "required", "interval", "seconds",
    "ids", "heads", "dim", "classification", "bits", "rate", "budget", "server", "helper", "agent", "store",
    "policy", "level", "frame", "frames", "expiry", "lifetime", "class", "module", "plugin", "version", "ratio",
})  # fmt: skip
# The value of these is a secret even when it looks like a path or a number.
_STRONG: Final = ("token", "secret", "pass", "passwd", "password", "passphrase", "passcode", "pwd", "apikey")
_COUNTS: Final = frozenset(
    {"max", "min", "num", "n", "new", "total", "batched", "per", "tokens", "keys", "predict"}
)
_SWITCHES: Final = frozenset({"no", "enable", "disable", "with", "without", "use", "require", "allow", "skip"})
_HARMLESS: Final = frozenset({"", "true", "false", "none", "null", "auto", "yes", "no", "on", "off", HIDDEN})
# Options and schemes whose value is an identifier, however random it looks.
_IDENTIFIERS: Final = frozenset({
    "id", "ids", "uid", "uuid", "revision", "rev", "commit", "digest", "hash", "ref", "image", "container", "pod",
    "sandbox", "device", "gpu", "name", "sha", "checksum", "build", "boot", "tag",
})  # fmt: skip
_DIGESTS: Final = ("sha256:", "sha512:", "sha1:", "md5:", "blake3:", "sha384:")
# Programs whose one-letter option carries a password; the rest of the line gives the value or it is attached.
_PROGRAMS: Final = {
    "mysql": ("-p",), "mysqldump": ("-p",), "mysqladmin": ("-p",), "mariadb": ("-p",), "mariadb-dump": ("-p",),
    "sshpass": ("-p",), "redis-cli": ("-a",), "redis-benchmark": ("-a",), "mongo": ("-p",), "mongosh": ("-p",),
    "mongodump": ("-p",), "ldapsearch": ("-w",), "ldapmodify": ("-w",), "curl": ("-u", "-U"), "login": ("-p",),
    "smbclient": ("-U",),
}  # fmt: skip
_REMEMBERED: Final = 1_024
_verdicts: dict[str, bool] = {}


def command_line(argv: Sequence[str]) -> str:
    """Join a command line with blanks, its secrets replaced by ``***``; at most 8,192 characters are kept."""
    return _line(argv, " ".join(argv))


def command_line_text(text: str) -> str:
    """Do what `command_line` does for a command line that comes as one text; blanks stay as they are."""
    if len(text) > _LIMIT:
        text = _cut(text)
    return _text(text, 0) if _suspicious(text) else text


def message(text: str) -> str:
    """Hide the secrets of a log line or an error message, where a name is not followed by its value as a word.

    Like `command_line_text`, but ``the token was refused`` stays whole: only pairs, URLs and keys are hidden.
    """
    return _plain(text, "") if _suspicious(text) else text


def _line(argv: Sequence[str], joined: str) -> str:
    if len(joined) > _LIMIT:
        joined = _cut(joined)
        return _text(joined, 0) if _suspicious(joined) else joined
    return " ".join(_arguments(argv, 0)) if _suspicious(joined) else joined


def _cut(text: str) -> str:
    # Without its last word: the start of a key is too short to look like one.
    return text[:_LIMIT].rpartition(" ")[0] + " …"


def _suspicious(text: str) -> bool:
    low = text.lower()
    return (
        any(hint in low for hint in _HINTS) or _LONG.search(text) is not None or _BASE64.search(text) is not None
    )


def _text(text: str, depth: int) -> str:
    """Treat the words of a text as arguments, keeping what stands between them."""
    text = _PEM.sub(HIDDEN, text)
    found = list(_WORD.finditer(text))
    shown = _arguments([match[0] for match in found], depth)
    parts: list[str] = []
    at = 0
    for match, word in zip(found, shown, strict=True):
        parts += (text[at : match.start()], word)
        at = match.end()
    return "".join(parts) + text[at:]


def _arguments(argv: Sequence[str], depth: int) -> Iterator[str]:
    short = _short_flags(argv)
    before = ""  # the name whose value may come next
    hide = False
    for word in argv:
        if hide and not word.startswith("-"):
            if word.strip("\"'").lower() in _SCHEMES:
                yield word
                continue
            if _harmless(before, word):
                yield word
            else:
                yield HIDDEN
                hide = word.endswith((";", ","))  # the next of several cookies
                continue
            hide = False
            continue
        hide = False
        if word[:2] in short:
            before, hide = "", len(word) == 2
            yield word if hide else word[:2] + HIDDEN
            continue
        yield _word(word, before, depth)
        before, hide = _expects(word)


def _expects(word: str) -> tuple[str, bool]:
    """Give the name in `word` and whether the next word is its secret."""
    if word.startswith("-"):
        return word, "=" not in word and is_secret(word) and not _is_switch(word)
    if word.endswith(":"):
        header = _HEADER.fullmatch(word)
        return word, header is not None and is_secret(header[1])
    if word.strip("\"'").lower() == "bearer":
        return word, True
    # `aws configure set aws_secret_access_key X`
    return word, "_" in word and word.isidentifier() and is_secret(word)


def _word(word: str, before: str, depth: int) -> str:
    if len(word) > 2 and word[0] in "\"'" and word[-1] == word[0]:
        return word[0] + _word(word[1:-1], before, depth) + word[0]
    assigned = _ASSIGNED.match(word)
    if assigned and is_secret(assigned[1]):
        value = word[assigned.end() :]
        return word if _harmless(assigned[1], value) else assigned[0] + HIDDEN
    if any(blank in word for blank in " \n\t"):
        header = _HEADER.match(word)
        if header and " " not in header[0] and is_secret(header[1]):
            return _header(word, header.end())
        return _text(word, depth + 1) if depth < _DEPTH else HIDDEN
    return _plain(word, before)


def _header(word: str, colon: int) -> str:
    value = word[colon:].lstrip()
    scheme = value.partition(" ")[0]
    kept = scheme + " " if scheme.lower() in _SCHEMES else ""
    return f"{word[:colon]} {kept}{HIDDEN}"


def _plain(text: str, before: str) -> str:
    """Hide what shows by itself: blocks, URLs, pairs, known prefixes, random words."""
    if "-----BEGIN" in text:
        text = _PEM.sub(HIDDEN, text)
    if "@" in text:
        text = _USER_INFO.sub(HIDDEN + "@", text)
    if "=" in text or ":" in text:
        text = _PAIR.sub(_pair, text)
    text = _PREFIXED.sub(HIDDEN, text)
    return _hide_random(text, before)


def _pair(match: re.Match[str]) -> str:
    name, separator, value = match.groups()
    inner = value.strip("\"'")
    # The second: `/run/secrets:/run/secrets`, `token://`.
    if not is_secret(name) or (separator.strip("\"' ") == ":" and inner.startswith("/")):
        # What follows may be a pair itself: `--env=HF_TOKEN=X`.
        nested = _PAIR.sub(_pair, value) if "=" in value or ":" in value else value
        return name + separator + nested
    if _harmless(name, inner):
        return match[0]
    quote = value[0] if value[0] in "\"'" else ""
    return f"{name}{separator}{quote}{HIDDEN}{quote}"


def is_secret(name: str) -> bool:
    """Say whether an option, variable, header or field of this name carries a secret."""
    verdict = _verdicts.get(name)
    if verdict is None:
        if len(_verdicts) >= _REMEMBERED:  # hostile names must not grow us
            _verdicts.clear()
        verdict = _verdicts[name] = _judge(name[-200:])
    return verdict


def _parts(name: str) -> list[str]:
    return [part.lower() for part in _NAME_PART.findall(name)]


def _judge(name: str) -> bool:
    low = name.lower()
    if not any(end in low for end in _SECRET_ENDS):
        return False
    parts = _parts(name)
    if not parts or parts[-1] in _ABOUT:
        return False
    return any(part.endswith(_SECRET_ENDS) and part not in _OTHER_WORDS for part in parts)


def _is_switch(name: str) -> bool:
    parts = _parts(name)
    return bool(parts) and parts[0] in _SWITCHES


def _harmless(name: str, value: str) -> bool:
    """Say whether this value under a secret's name is none: a switch, a count, the path of a file."""
    value = value.strip("\"'")
    if value.lower() in _HARMLESS:
        return True
    parts = _parts(name)
    if not _COUNTS.isdisjoint(parts) and _NUMBER.fullmatch(value):
        return True
    if any(part.endswith(_STRONG) for part in parts) or "api" in parts:
        return False
    return _PATH.fullmatch(value) is not None and "/" in value[1:] and _hide_random(value, "") == value


def _short_flags(argv: Sequence[str]) -> frozenset[str]:
    """Give the one-letter options that carry a password on this line."""
    found: set[str] = set()
    for word in argv[:8]:  # `sudo -u x timeout 5 curl -u a:b`
        found.update(_PROGRAMS.get(word.rpartition("/")[2], ()))
    return frozenset(found)


def _hide_random(text: str, before: str) -> str:
    if _LONG.search(text) is None and (len(text) < 32 or _RUN.search(text) is None):
        return text
    if before.startswith("-") and not _IDENTIFIERS.isdisjoint(_parts(before)[-1:]):
        return text

    def judge(match: re.Match[str]) -> str:
        run = match[0]
        start = match.start()
        front = text[:start]
        if run.startswith("-") or (front == "" and "=" in run):
            # An option's own name is no secret, however long.
            name, equals, value = run.partition("=")  # base64 ends in "=" and has no value
            if value.strip("=") and name.strip("-"):
                if not _IDENTIFIERS.isdisjoint(_parts(name)[-1:]):
                    return run
                return name + equals + _RUN.sub(lambda part: _judged(part[0], in_path=False), value)
            if run.startswith("-"):
                return HIDDEN if _scattered(run) else run
        if front.endswith(_DIGESTS) or (front.endswith("=") and not _IDENTIFIERS.isdisjoint(_parts(front)[-1:])):
            return run
        # A path of this machine; a URL's is not (web hooks carry their key there).
        in_path = "://" not in front and (run.startswith("/") or "/" in front or text[match.end() :][:1] == ".")
        return _judged(run, in_path=in_path)

    return _RUN.sub(judge, text)


def _judged(run: str, *, in_path: bool) -> str:
    """Hide a run of key characters, or those of its components, that look random."""
    if "/" in run:
        if not run.startswith("/") and not in_path and len(run) >= 32 and _scattered(run):
            return HIDDEN
        return "/".join(_judged(part, in_path=in_path or run.startswith("/")) for part in run.split("/"))
    return HIDDEN if len(run) >= 20 and _random(run, in_path=in_path) else run


def _random(run: str, *, in_path: bool) -> bool:
    if _UUID.fullmatch(run):
        return False
    if _HEX.fullmatch(run):
        # git hashes, container ids and store paths live in paths; alone and 32 digits long it may be a key.
        return not in_path and len(run) >= 32
    if _scattered(run):
        return True
    if in_path:
        return False
    longest = max(_SEPARATORS.split(run), key=len)
    return len(longest) >= 20 and _changes(longest) >= len(longest) * 0.2 and not _HEX.fullmatch(longest)


def _scattered(run: str) -> bool:
    """Say whether small and capital letters and digits alternate as in random text, not as in names."""
    if run.islower() or run.isupper() or not any(map(str.isdigit, run)):
        return False
    solid = "".join(_SEPARATORS.split(run))
    return _changes(run) >= len(solid) * 0.3


def _changes(run: str) -> int:
    """Count the changes of character class inside the parts of a run, a capitalised word's own left out."""
    count = 0
    for part in _SEPARATORS.split(run):
        kinds = ["d" if char.isdigit() else "u" if char.isupper() else "l" for char in part]
        for at in range(1, len(kinds)):
            capitalised = kinds[at - 1] == "u" and kinds[at] == "l" and (at < 2 or kinds[at - 2] != "u")
            count += kinds[at] != kinds[at - 1] and not capitalised
    return count
