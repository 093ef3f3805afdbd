"""What a person changed about a rule, in words."""

from collections.abc import Mapping
from typing import Any, Final

EVENT: Final = "rule.changed"


def changed(payload: Mapping[str, Any]) -> str:  # Any: JSON values
    """``value 85 to 90 °C, for 10s to 1m, by ana``, from the payload of the event; not cleaned."""
    listed = payload.get("changes")
    parts = []
    for item in listed if isinstance(listed, list) else []:
        if not isinstance(item, dict):
            continue
        name = str(item.get("field", "")).rpartition(".")[2]
        unit = f" {item['unit']}" if item.get("unit") else ""
        parts.append(f"{name} {item.get('before') or 'none'} to {item.get('after')}{unit}")
    if payload.get("by"):
        parts.append(f"by {payload['by']}")
    return ", ".join(parts)
