"""The memory of GPUs that have none of their own (GB10, Jetson): the system's."""

from wftui.collectors.files import read_once
from wftui.collectors.memory import parse_meminfo
from wftui.errors import SourceError


def system_memory(proc: str = "/proc") -> tuple[int, int] | None:
    """(used, total) in bytes; used is what is not available. None where /proc does not say."""
    try:
        found = parse_meminfo(read_once(f"{proc}/meminfo", 8192))
    except (OSError, SourceError):
        return None
    total, available = found.get("MemTotal"), found.get("MemAvailable")
    if not total or available is None:
        return None
    return max(0, total - available), total
