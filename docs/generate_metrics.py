"""Write docs/metrics.md, the catalogue of metrics and events, from wftui/names/: `make docs`."""

from pathlib import Path

from wftui.names import EVENT_TYPES, METRICS

TARGET = Path(__file__).parent / "metrics.md"
GROUPS = {
    "system": "This machine",
    "gpu": "GPUs",
    "models": "Model servers",
    "ux": "Users' experience",
    "custom": "Pushed by programs",
}
HEAD = """\
# Metrics and events

Generated from `wftui/names/` by `make docs`; a test fails when this page is stale.

Units are base units as OpenTelemetry writes them: `1` is a ratio (0 to 1), `By` bytes, `s` seconds,
`{thing}` a count. A *counter* is stored raw and cumulative, rates are made when it is read. A *statistic* is
kept beside the plain series under the reserved label `stat`. A value that is not known is a gap, never 0.
"""


def cell(text: str) -> str:
    """Return the text as it may stand in a table cell."""
    return text.replace("|", "\\|")


def codes(names: tuple[str, ...]) -> str:
    """Return names as code, or `-` for none."""
    return " ".join(f"`{name}`" for name in names) or "-"


def catalogue() -> str:
    """Return the whole page."""
    lines = [HEAD]
    for group, title in GROUPS.items():
        metrics = sorted(metric for metric in METRICS.values() if metric.group == group)
        if not metrics:
            continue
        lines += [
            f"## {title}",
            "",
            "| metric | unit | kind | labels | statistics | meaning |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            f"| `{metric.name}` | `{metric.unit}` | {metric.kind} | {codes(metric.labels)} "
            f"| {codes(metric.statistics)} | {cell(metric.help)} |"
            for metric in metrics
        ]
        lines.append("")
    lines += ["## Events", "", "| type | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {cell(event.help)} |" for name, event in sorted(EVENT_TYPES.items())]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page."""
    TARGET.write_text(catalogue(), encoding="utf-8")
    print(f"{TARGET}: {len(METRICS)} metrics, {len(EVENT_TYPES)} events")


if __name__ == "__main__":
    main()
