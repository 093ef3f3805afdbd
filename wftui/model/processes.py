"""The process table's schema: collector, store, view and export agree on it here."""

from typing import Final

from wftui.model.table import TableColumn, TableSchema

PROCESSES: Final = TableSchema(
    name="processes",
    source="processes",
    columns=(
        TableColumn("process.pid", "", "gauge"),
        TableColumn("process.start_time", "{tick}", "gauge"),
        TableColumn("process.parent_pid", "", "gauge"),
        TableColumn("process.user", "", "text", identity=True),
        TableColumn("process.name", "", "text", identity=True),
        TableColumn("process.command_line", "", "text", identity=True),
        TableColumn("process.state", "", "text"),
        TableColumn("process.cpu.utilization", "1", "gauge"),
        TableColumn("process.memory.usage", "By", "gauge"),
        TableColumn("process.threads", "{thread}", "gauge"),
        TableColumn("process.disk.read", "By/s", "gauge"),
        TableColumn("process.disk.write", "By/s", "gauge"),
        TableColumn("process.creation_time", "ns", "time"),
        TableColumn("process.cgroup", "", "text", identity=True),
    ),
)
"""Key of a row: ``pid:start_time``, start in clock ticks after boot, so that a reused pid is another row.

``process.state`` is the letter of /proc/PID/stat; ``process.cpu.utilization`` 1 = one core,
None on the first sight; disk rates None where /proc/PID/io is not ours to read; ``process.command_line`` is
redacted, empty for kernel threads; ``process.cgroup`` a short name (container, unit or slice), empty at the root.
"""

PID, START, PARENT, USER, NAME, COMMAND, STATE, CPU, MEMORY, THREADS, READ, WRITE, CREATED, CGROUP = range(14)
"""Places of the cells in a row."""


def row_key(pid: int, start_time: int) -> str:
    """Key of a process' row."""
    return f"{pid}:{start_time}"
