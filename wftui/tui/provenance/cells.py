"""Where the cells of tables come from: tables carry no call of their own, unlike series."""

from __future__ import annotations

from typing import Final

from wftui.model.sample import APPORTIONED, DERIVED, MEASURED

OF_PROCESSES: Final = {
    "process.pid": ("/proc/PID", MEASURED, "Number of the process, in the recorder's pid namespace"),
    "process.start_time": ("/proc/PID/stat, field 22", MEASURED, "Clock ticks from boot to its start"),
    "process.parent_pid": ("/proc/PID/stat, field 4", MEASURED, "Number of its parent"),
    "process.user": ("owner of /proc/PID", MEASURED, "Its effective user"),
    "process.name": ("/proc/PID/stat, field 2", MEASURED, "Its name in the kernel, 15 characters"),
    "process.command_line": ("/proc/PID/cmdline", MEASURED, "What it runs; secrets are taken out on entry"),
    "process.state": (
        "/proc/PID/stat, field 3",
        MEASURED,
        "R runs, S sleeps, D waits for a device, T stopped, Z ended, I idle in the kernel",
    ),
    "process.cpu.utilization": (
        "/proc/PID/stat, fields 14 and 15",
        DERIVED,
        "CPU time between two scans over the time between them; 1 is one core",
    ),
    "process.memory.usage": (
        "/proc/PID/stat, field 24",
        MEASURED,
        "Resident set; pages shared with others count in each, the kernel's sum may lag by some dozen pages",
    ),
    "process.threads": ("/proc/PID/stat, field 20", MEASURED, "Its threads"),
    "process.disk.read": ("/proc/PID/io, read_bytes", DERIVED, "Bytes it had fetched from disks, per second"),
    "process.disk.write": ("/proc/PID/io, write_bytes", DERIVED, "Bytes it had sent to disks, per second"),
    "process.creation_time": ("/proc/PID/stat, field 22", DERIVED, "When it was started"),
    "process.cgroup": ("/proc/PID/cgroup", MEASURED, "Container, unit or slice, its id cut short"),
}
"""Column of the table ``processes`` to where it is read, how it is known, and what it means."""
OF_HOLDERS: Final = {
    "gpu%": (
        "process.gpu.utilization",
        "nvmlDeviceGetProcessUtilization",
        DERIVED,
        "Share of time in which its kernels ran, summed over the GPUs that it holds",
    ),
    "vram": (
        "process.gpu.memory.usage",
        "nvmlDeviceGetComputeRunningProcesses and the like for graphics and MPS",
        DERIVED,
        "GPU memory that it holds, summed over the GPUs",
    ),
}
"""Title of a column that the table ``gpu_processes`` adds: column, call, quality, meaning."""
ASKING: Final = "asking"
"""In place of why a quality is doubtful: the question is under way."""
MEANINGS: Final = {
    MEASURED: "as the source says it",
    DERIVED: "computed from what the source says",
    "estimated": "from a model, not from a meter",
    APPORTIONED: "a share of a larger number that was measured",
    "stale": "older than its source should be",
    "suspect": "the source may be wrong",
}
"""What a quality means."""
