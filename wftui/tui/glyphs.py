"""The characters that carry shape and state, once for UTF-8 terminals and once for ASCII."""

from __future__ import annotations

TYPE_CHECKING = False  # typing is heavier than this module; the skeleton needs it before anything else
if TYPE_CHECKING:
    from collections.abc import Mapping


class Glyphs:
    """One set of characters; every one is a single cell wide."""

    __slots__ = (
        "about", "alert", "ascii_only", "bar", "bottom", "branch", "bullet", "cursor", "cut", "degree", "down",
        "ellipsis", "folded", "health", "live", "lost", "mark", "none", "ok", "past_bottom", "past_top",
        "past_vertical", "pause", "play", "right", "separator", "sorted_down", "sorted_up", "sum", "tag",
        "tick", "top", "up", "vertical",
    )  # fmt: skip

    def __init__(self, *, ascii_only: bool) -> None:
        self.ascii_only = ascii_only
        plain = ascii_only
        self.top = ("+", "-", "+") if plain else ("╭", "─", "╮")
        self.bottom = ("+", "-", "+") if plain else ("╰", "─", "╯")
        self.vertical = "|" if plain else "│"
        # Frames of the past are broken lines: without colours, too, nobody takes them for now.
        self.past_top = ("+", "=", "+") if plain else ("╭", "╌", "╮")
        self.past_bottom = ("+", "=", "+") if plain else ("╰", "╌", "╯")
        self.past_vertical = ":" if plain else "╎"
        self.separator = "|" if plain else "·"
        self.play = ">" if plain else "▶"
        self.pause = "||" if plain else "▮▮"
        self.cursor = "|" if plain else "┃"
        self.bar = ("=", "-", "%", " ") if plain else ("━", "─", "▒", " ")
        self.ok = "*" if plain else "●"
        self.about = "~" if plain else "≈"
        self.alert = "!" if plain else "▲"
        self.none = "-" if plain else "◌"
        self.lost = "x" if plain else "✕"
        self.live = "*" if plain else "●"
        self.mark = "^" if plain else "▴"
        self.bullet = "-" if plain else "•"
        self.ellipsis = "~" if plain else "…"
        self.cut = self.ellipsis
        self.degree = " C" if plain else "°C"
        self.up = "^" if plain else "↑"
        self.down = "v" if plain else "↓"
        self.right = ">" if plain else "→"
        self.sorted_down = "v" if plain else "▾"
        self.sorted_up = "^" if plain else "▴"
        self.tick = "|" if plain else "╵"
        self.tag = "*" if plain else "◆"
        self.folded = "+" if plain else "▸"
        self.sum = "sum " if plain else "Σ"
        self.branch: Mapping[str, str] = {"|": "| ", " ": "  ", "+": "|-", "L": "`-"} if plain else {
            "|": "│ ", " ": "  ", "+": "├─", "L": "└─",
        }  # fmt: skip
        self.health: Mapping[str, str] = {
            "ok": "*", "late": "~", "stuck": "x", "failed": "x", "denied": "-", "unsupported": "-",
            "absent": "-", "asleep": "z", "off": "-",
        } if plain else {
            "ok": "●", "late": "◐", "stuck": "✕", "failed": "✕", "denied": "◌", "unsupported": "◌",
            "absent": "◌", "asleep": "☾", "off": "◌",
        }  # fmt: skip


UTF8 = Glyphs(ascii_only=False)
ASCII = Glyphs(ascii_only=True)
