"""Silences: alerts that nobody is told of for a while. They never change a state."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from wftui.alerts.states import Alert, key_of
from wftui.errors import ConfigError
from wftui.model.series import escape, pairs

KEYS: Final = frozenset({"alert", "rule", "severity", "category"})
"""What a matcher may name beside labels."""


class Silence(msgspec.Struct, frozen=True):
    """Who is silent, until when and why."""

    id: str
    matchers: tuple[tuple[str, str], ...]
    """(``alert``, ``rule``, ``severity``, ``category`` or a label, value): all must fit."""
    until_ns: int
    """UTC. A silence ends with the wall clock: a person said "until seven"."""
    created_ns: int
    by: str = ""
    reason: str = ""

    @property
    def text(self) -> str:
        """Its matchers as they are typed."""
        return ",".join(f'{key}="{escape(value)}"' for key, value in self.matchers)

    def fits(self, alert: Alert) -> bool:
        """Whether it means this alert."""
        own = {
            "alert": alert.key,
            "rule": alert.rule.id,
            "severity": alert.severity,
            "category": alert.rule.category,
        }
        labels = dict(alert.labels)
        return all(own.get(key, labels.get(key)) == value for key, value in self.matchers)


def matchers(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """``key=value`` texts, or the name of an alert, to matchers.

    Raises:
        ConfigError: One is neither; names it.
    """
    found = []
    for text in texts:
        key, equals, value = text.partition("=")
        if text.startswith("rule.") and ("{" in text or not equals):
            found.append(("alert" if "{" in text else "rule", _canonical(text)))
        elif equals and key and value.strip('"'):
            found.append((key.strip(), value.strip().strip('"')))
        else:
            raise ConfigError(f"silence: expected key=value or an alert like rule.cpu-high, got {text!r}")
    if not found:
        raise ConfigError("silence: expected at least one matcher: everything would be silent")
    return tuple(found)


def _canonical(text: str) -> str:
    rule, brace, rest = text.partition("{")
    if not brace:
        return text
    labels = pairs(rest.removesuffix("}"))
    if not labels or not rest.endswith("}"):
        raise ConfigError(f'silence: expected an alert like rule.gpu-hot{{gpu="…"}}, got {text!r}')
    return key_of(rule, tuple(sorted(labels.items())))


def holding(silences: Iterable[Silence], alert: Alert, now_ns: int) -> Silence | None:
    """The silence that holds an alert now; None: nobody silenced it."""
    return next((item for item in silences if now_ns < item.until_ns and item.fits(alert)), None)
