"""The layout that holds until another one was read: what ``layouts/default.toml`` says, without its parser.

The skeleton is painted before a parser is loaded; a test keeps both the same.
"""

from __future__ import annotations

from wftui.tui.layouts.grammar import build

NAME = "default"
TREE: dict[str, object] = {
    "title": "everything at a glance",
    "importance": [
        "cpu",
        "memory",
        "gpus",
        "models",
        "processes",
        "disks",
        "network",
        "pressure",
        "ux",
        "events",
        "sources",
    ],
    "when": [
        {
            "columns": 150,
            "lines": 26,
            "gpus": 1,
            "rows": [
                {"height": "24% 8..16", "panels": ["cpu", "memory", "pressure"], "widths": [46, 28, 26]},
                {"height": "fit 6..35%", "panels": ["gpus"]},
                {"height": "fit 5..26%", "panels": ["models"]},
                {"height": "fit 4..18%", "panels": ["ux"]},
                {"height": "19% 6..12", "panels": ["disks", "network"]},
                {"height": "rest 8", "panels": ["processes", ["events", "sources 45% 4..20"]], "widths": [64, 36]},
            ],
        },
        {
            "columns": 100,
            "lines": 26,
            "gpus": 1,
            "rows": [
                {"height": "24% 8..16", "panels": ["cpu", "memory"], "widths": [60, 40]},
                {"height": "fit 6..35%", "panels": ["gpus"]},
                {"height": "fit 5..26%", "panels": ["models"]},
                {"height": "fit 4..18%", "panels": ["ux"]},
                {"height": "19% 6..12", "panels": ["disks", "network", "pressure"]},
                {"height": "rest 8", "panels": ["processes", ["events", "sources 45% 4..20"]], "widths": [66, 34]},
            ],
        },
        {
            "gpus": 3,
            "rows": [
                {"height": "24% 5..12", "panels": ["cpu", "memory"], "widths": [56, 44]},
                {"height": "fit 6..46%", "panels": ["gpus"]},
                {"height": "fit 5..26%", "panels": ["models"]},
                {"height": "fit 4..18%", "panels": ["ux"]},
                {"height": "17% 5..9", "panels": ["disks", "network", "pressure"]},
                {"height": "rest 9", "panels": ["processes"]},
                {"height": "12% 5..10", "panels": ["events", "sources"]},
            ],
        },
        {
            "gpus": 1,
            "rows": [
                {"height": "24% 5..12", "panels": ["cpu", "memory"], "widths": [56, 44]},
                {"height": "fit 6..37%", "panels": ["gpus"]},
                {"height": "fit 5..26%", "panels": ["models"]},
                {"height": "fit 4..18%", "panels": ["ux"]},
                {"height": "17% 5..9", "panels": ["disks", "network", "pressure"]},
                {"height": "rest 9", "panels": ["processes"]},
                {"height": "12% 5..10", "panels": ["events", "sources"]},
            ],
        },
        {
            "columns": 150,
            "lines": 32,
            "rows": [
                {"height": "33% 12..26", "panels": ["cpu", "memory", "pressure"], "widths": [46, 28, 26]},
                {"height": "fit 5..30%", "panels": ["models"]},
                {"height": "fit 4..18%", "panels": ["ux"]},
                {"height": "24% 9..20", "panels": ["disks", "network"]},
                {
                    "height": "rest 8",
                    "panels": ["processes", ["gpus 4", "events", "sources 37% 4..20"]],
                    "widths": [64, 36],
                },
            ],
        },
        {
            "columns": 100,
            "lines": 26,
            "rows": [
                {"height": "32% 9..16", "panels": ["cpu", "memory"], "widths": [60, 40]},
                {"height": "fit 5..30%", "panels": ["models"]},
                {"height": "fit 4..18%", "panels": ["ux"]},
                {"height": "25% 7..12", "panels": ["disks", "network", "pressure"]},
                {
                    "height": "rest 5",
                    "panels": ["processes", ["gpus 30% 4..5", "events", "sources 32% 4..20"]],
                    "widths": [66, 34],
                },
            ],
        },
        {
            "rows": [
                {"height": "30% 6..12", "panels": ["cpu", "memory"], "widths": [56, 44]},
                {"height": "fit 4..30%", "panels": ["models"]},
                {"height": "fit 4..18%", "panels": ["ux"]},
                {"height": "24% 5..9", "panels": ["disks", "network", "pressure"]},
                {"height": "rest 9", "panels": ["processes"]},
                {"height": "14% 5..10", "panels": ["gpus", "events", "sources"]},
            ],
        },
    ],
}
DEFAULT = build(NAME, TREE)
