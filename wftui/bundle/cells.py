"""What becomes of one text of a recording, by its treatment, and of series, which are made of such texts."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from wftui.bundle import allowed, learned, public
from wftui.bundle.format import FULL, LEVELS
from wftui.bundle.freetext import CUT, FreeText
from wftui.bundle.names import Places, Pseudonyms
from wftui.model.series import MAX_NAME, MAX_VALUE, Series, escape, pairs, parse
from wftui.names import METRICS, STAT

_UUID7: Final = re.compile(r"([0-9a-f]{8}-[0-9a-f]{4})-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_HEX: Final = re.compile(r"[0-9a-f]{12,64}\Z")
_VERSION: Final = re.compile(r"v?\d+(?:\.\d+){0,4}(?:[-+.~]\w{0,16}){0,4}\Z")
_FIGURES: Final = re.compile(
    r"(?:[a-z]+(?:[_.:]+[a-z]+)+=(?:[0-9][0-9.e+-]{0,24}:[0-9][0-9.e+-]{0,24}|[a-z]+(?:[_.:]+[a-z]+)+)(?:,|\Z))+"
)
_SERIES: Final = re.compile(r"[a-zA-Z_][\w.]*(?:\{(?:[^\"{}]|\"(?:[^\"\\]|\\.)*\")*\})?")
_SUFFIX: Final = re.compile(r"\.(?:service|scope|slice|socket|mount)\Z")
_PERSON_UNIT: Final = re.compile(r"(user[-@])(\d+)(\.\w+)\Z")
_SEVERITY: Final = re.compile(r"severity\s*[=<>!]+\s*\w{1,10}\Z")
"""In place of a rule, where several are meant."""
_JOB_UNIT: Final = re.compile(r"job_(\d{1,10})\Z")
"""Of SLURM."""
_TURN: Final = re.compile(r"(?:job|slot|task)[ -]?\d{1,6}\Z")
"""Ids that are counted from the start of a server."""
_SHORT: Final = 6
"""Digits of a number that names nothing."""
_APART: Final = frozenset({
    allowed.MODEL, allowed.DEVICE, allowed.INTERFACE, allowed.SENSOR, allowed.SOURCE, allowed.PLUGIN,
    allowed.MOUNT, allowed.SERVER, allowed.WORD, allowed.RULE,
})  # fmt: skip
"""Two values of these must not become one: they tell series, rows and rules apart."""
_PARTS: Final = {
    "disk": allowed.MOUNT, "alert": allowed.ALERT, "gpu": allowed.GPU, "sources": allowed.SOURCE,
    "servers": allowed.SERVER,
}  # fmt: skip


class Cells:
    """Texts of one bundle. It remembers what it made of each, so that the same is the same all over."""

    def __init__(self, level: str, seed: bytes | None = None) -> None:
        """``level`` and ``seed`` as ``Redactor`` has them.

        Raises:
            ValueError: There is no such level.
        """
        if level not in LEVELS:
            raise ValueError(f"level: expected one of {', '.join(LEVELS)}, got {level!r}")
        self.level = level
        self._full = level == FULL
        self._names = Pseudonyms(seed)
        self._text = FreeText(self._names)
        self._places = self._text.places = Places(self._names, self._text, full=self._full)
        self._shipped_rules, self._shipped_texts = learned.shipped_rules()
        self._cells: dict[tuple[str, str], str] = {}
        self._owners: dict[tuple[str, str], str] = {}
        self._gone: Counter[str] = Counter()
        """Places where something was left out, by what."""
        self._by: Final[Mapping[str, Callable[[str], str]]] = {
            allowed.WORD: self._text,
            allowed.TOLD: self._text,
            allowed.FIGURES: self._figures,
            allowed.CALL: self._text,
            allowed.SELECTOR: self._text,
            allowed.SENSOR: self._text,
            allowed.BUS: self._text,
            allowed.PRODUCT: self._product,
            allowed.SAID: self._said,
            allowed.RULE_TEXT: self._rule_text,
            allowed.USER: self._places.user,
            allowed.BY: self._person,
            allowed.PATH: self._places.path,
            allowed.MOUNT: self._places.path,
            allowed.URL: self._url,
            allowed.GPU: self._gpu,
            allowed.GPUS: lambda value: ",".join(map(self._gpu, value.split(","))),
            allowed.SERVER: self._places.endpoint,
            allowed.MODEL: self._model,
            allowed.PROGRAM: self._program,
            allowed.UNIT: self._unit,
            allowed.CONTAINER: self._container,
            allowed.JOB: self._job,
            allowed.DEVICE: self._device,
            allowed.INTERFACE: self._interface,
            allowed.SOURCE: self._source,
            allowed.PLUGIN: self._plugin,
            allowed.ID: self._id,
            allowed.EVENT: self._event_id,
            allowed.BOOT: partial(self.name, "boot"),
            allowed.RULE: self._rule,
            allowed.ALERT: self._alert,
            allowed.SERIES: self._series_texts,
            allowed.LABELS: self._labels,
            allowed.PART: self._part,
            allowed.STREAM: self._stream,
            allowed.FRAMES: self._frames,
            allowed.PROCESS: self._process,
            allowed.ENDPOINTS: self._endpoint_line,
        }

    def name(self, what: str, value: str) -> str:
        """The name made up for a value of a class: ``name("host", "gpu-box-7")`` is ``host-3f0a``."""
        if not value:
            return value
        return self._places.host(value) if what == "host" else self._names.name(what, value)

    # ---- series

    def series(self, item: Series) -> Series | None:
        """A series; None: its metric is not known."""
        name = item.name if item.name in METRICS else self._custom(item.name)
        if not name:
            return None
        labels: list[tuple[str, str]] = []
        for key, value in item.labels:
            treatment = allowed.LABEL_KEYS.get(key)
            if treatment is not None:
                labels.append((key, value if key == STAT else self._label(treatment, value)))
            else:
                self._gone["unknown label"] += 1
        if not labels:
            return Series(name, (), name)
        inner = ",".join(f'{key}="{escape(value)}"' for key, value in labels)
        return Series(name, tuple(labels), f"{name}{{{inner}}}")

    def _label(self, treatment: str, value: str) -> str:
        shown = self._cell(treatment, value)
        return shown if 0 < len(shown.encode(errors="replace")) <= MAX_VALUE else self._names.name("label", value)

    def _custom(self, name: str) -> str:
        """``custom.SOURCE.FIELD``, as a program called it; empty: no such name."""
        parts = name.split(".")
        if parts[0] != "custom" or len(parts) < 2:
            return ""
        if self._full:
            shown = re.sub(r"[^\w.]", "_", self._text(name), flags=re.ASCII)
        else:
            shown = ".".join(["custom", *(self._names.name("series", part, "_") for part in parts[1:3])])
            shown += "." + self._names.name("series", name, "_") if len(parts) > 3 else ""
        if len(shown) > MAX_NAME:
            shown = "custom." + self._names.name("series", name, "_")
        return self._apart("custom", name, shown, "_")

    def _series_texts(self, value: str) -> str:
        return _SERIES.sub(lambda match: self._series_text(match[0]), value)

    def _series_text(self, value: str) -> str:
        try:
            found = self.series(parse(value))
        except ValueError:
            return self._text(value)
        return found.text if found is not None else self._text(value)

    def _labels(self, value: str) -> str:
        found = pairs(value)
        if not found:
            return self._text(value)
        shown = self._label_values(found)
        return ",".join(f'{key}="{escape(item)}"' for key, item in sorted(shown.items()))

    def _label_values(self, values: Mapping[str, Any]) -> dict[str, str]:  # Any: JSON values
        shown = {}
        for key, value in values.items():
            treatment = allowed.LABEL_KEYS.get(key)
            if treatment is not None and isinstance(value, str):
                shown[key] = value if key == STAT else self._label(treatment, value)
            elif key in allowed.MATCHERS and isinstance(value, str):
                shown[key] = self._cell(allowed.MATCHERS[key], value)
            else:
                self._gone["unknown label"] += 1
        return shown

    # ---- values

    def _cell(self, treatment: str, value: str) -> str:
        place = treatment, value
        made = self._cells.get(place)
        if made is None:
            made = self._by[treatment](value) if value else value
            if treatment in _APART:
                made = self._apart(treatment, value, made)
            self._cells[place] = made
        return made

    def _apart(self, scope: str, value: str, shown: str, joint: str = "-") -> str:
        """Something else where another value has become the same."""
        made = shown
        length = 4
        while self._owners.setdefault((scope, made), value) != value:
            made = shown + joint + self._names.digits(scope, value)[:length]
            length += 1
        return made

    # ---- treatments of one text

    def _product(self, value: str) -> str:
        return self._text.words(value) if _VERSION.match(value) else self._text(value)

    def _figures(self, value: str) -> str:
        # In a sentence, ``…first_token=0.01:80`` would be a secret.
        return value if _FIGURES.fullmatch(value) else self._text(value)

    def _said(self, value: str) -> str:
        if self._full:
            return self._text(value)
        self._gone["text that somebody wrote"] += 1
        return ""

    def _rule_text(self, value: str) -> str:
        if value in self._shipped_texts:
            return value
        if self._full:
            return self._text(value)
        self._gone["text of a rule"] += 1
        return ""

    def _person(self, value: str) -> str:
        user, sign, host = value.partition("@")
        return self._places.user(user) + (f"@{self._places.host(host)}" if sign else "")

    def _url(self, value: str) -> str:
        if value in ("auto", "off", "desktop"):
            return value
        return self._places.url(value) if "://" in value else self._places.endpoint(value)

    def _gpu(self, value: str) -> str:
        if value in ("", "unknown"):
            return value
        return self._names.ordinal("mig" if value.startswith("MIG-") else "gpu", value)

    def _model(self, value: str) -> str:
        if not self._full:
            return self._names.name("model", value)
        return self._places.path(value) if value.startswith(("/", "~")) else self._text(value)

    def _program(self, value: str) -> str:
        if self._full and "/" in value and value.startswith("/"):
            return self._places.path(value)
        return self._places.program(value)

    def _unit(self, value: str) -> str:
        if public.UNITS.fullmatch(value):
            return value
        if _HEX.match(value):
            return self._container(value)
        if person := _PERSON_UNIT.match(value):
            return ("" if person[1] == "user-" else person[1]) + self._places.user(person[2]) + person[3]
        if job := _JOB_UNIT.match(value):
            return self._names.name("job", f"slurm:{job[1]}")
        suffix = _SUFFIX.search(value)
        ending = suffix[0] if suffix else ""
        stem = value.removesuffix(ending)
        if ending and stem in public.PROGRAMS:
            return value
        if self._full and ending in (".service", ".socket") and not any(map(str.isdigit, value)):
            return self._text(value)
        return self._names.name("unit" if ending else "container", value) + ending

    def _container(self, value: str) -> str:
        return self._names.name("container", value[:12] if _HEX.match(value) else value)

    def _job(self, value: str) -> str:
        kind, _, number = value.partition(":")
        if kind in ("slurm", "") or not number.isdecimal():
            return f"{kind if kind == 'slurm' else 'job'}:{self._names.name('job', value)}"
        return f"{self._text(kind)}:{number}"

    def _device(self, value: str) -> str:
        return value if public.DEVICES.fullmatch(value) else self._names.name("device", value)

    def _interface(self, value: str) -> str:
        if public.INTERFACES.fullmatch(value):
            return value
        kind = next((kind for kind in public.INTERFACE_KINDS if value.startswith(kind)), "interface")
        return f"{kind.rstrip('-')}-{self._names.name('interface', value).removeprefix('interface-')}"

    def _source(self, value: str) -> str:
        if value in public.SOURCES:
            return value
        for prefix in ("push:", "model:", "custom:"):
            if value.startswith(prefix):
                rest = value.removeprefix(prefix)
                return prefix + self._cell(allowed.MODEL if prefix == "model:" else allowed.SOURCE, rest)
        return self._text(value) if self._full else self._names.name("source", value)

    def _plugin(self, value: str) -> str:
        return self._text(value) if self._full else self._names.name("plugin", value)

    def _id(self, value: str) -> str:
        counted = (value.isdecimal() and len(value) <= _SHORT) or _TURN.match(value)
        return value if counted else self._names.name("id", value)

    def _event_id(self, value: str) -> str:
        """Of the same form and the same moment."""
        time = _UUID7.match(value)
        if time is None:
            return self._names.name("event", value) if value else value
        digits = self._names.digits("event", value)
        return f"{time[1]}-7{digits[:3]}-8{digits[3:6]}-{digits[6:18]}"

    def _rule(self, value: str) -> str:
        if value in self._shipped_rules or _SEVERITY.match(value):
            return value
        return self._text(value) if self._full else f"rule.{self._names.name('rule', value)}"

    def _alert(self, value: str) -> str:
        rule, brace, rest = value.partition("{")
        shown = self._cell(allowed.RULE, rule)
        return f"{shown}{{{self._labels(rest.removesuffix('}'))}}}" if brace else shown

    def _part(self, value: str) -> str:
        part, colon, rest = value.partition(":")
        return self._text(part) + (colon and colon + self._cell(_PARTS.get(part, allowed.WORD), rest))

    def _stream(self, value: str) -> str:
        source, *rest = value.split("|", 2)
        shown = [self._cell(allowed.SOURCE, source)]
        shown += [self._cell(how, item) for how, item in zip((allowed.SERVER, allowed.MODEL), rest, strict=False)]
        return "|".join(shown)

    def _frames(self, value: str) -> str:
        kind, colon, rest = value.partition(":")
        if kind == "view" and self._is_number(rest):
            return value
        if kind != "source":
            return self._cell(allowed.SOURCE, value)
        return kind + colon + self._cell(allowed.SOURCE, rest)

    def _process(self, value: str) -> str:
        one, _, other = value.partition(":")
        return value if self._is_number(one) and (not other or self._is_number(other)) else self._text(value)

    def _is_number(self, value: str) -> bool:
        return value.isdecimal() and value.isascii()

    def _endpoint_line(self, value: str) -> str:
        """``http://HOST:PORT key_env=NAME``: the address, and which options there are."""
        address, *options = value.split()
        shown = [self._url(address)]
        for option in options:
            key, _, given = option.partition("=")
            shown.append(f"{self._text(key)}={self._text(given) if key in ('kind', 'verify', 'metrics') else CUT}")
        return " ".join(shown)
