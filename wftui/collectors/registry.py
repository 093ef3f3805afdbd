"""Which collectors this machine gets."""

import sys as platform
from collections.abc import Sequence
from pathlib import Path

from wftui.collectors.base import Collector


def host_collectors(
    proc: str | Path = "/proc",
    sys: str | Path = "/sys",
    *,
    read_ranks: bool = True,
    servers: Sequence[str] = (),
    discover: bool = True,
    core: str = "auto",
) -> list[Collector]:
    """Make the collectors of the host: straight from ``proc`` and ``sys`` on Linux, through psutil elsewhere.

    Nothing is read yet, but for whether cores tell their frequency. Each must be closed by its owner.
    ``read_ranks``: look for the ranks of GPU processes in their environments, of our own only. ``servers``: lines
    of the setting ``servers.endpoints``; ``discover``: look for model servers among the processes.
    ``core``: the setting ``core.url``.
    """
    if platform.platform != "linux":
        from wftui.collectors import portable  # psutil is not installed on Linux

        return portable.collectors()
    from wftui.collectors.cgroup import Cgroup
    from wftui.collectors.core.collector import Core
    from wftui.collectors.cpu import Cores, Cpu
    from wftui.collectors.disk import Disks
    from wftui.collectors.frequency import Frequency
    from wftui.collectors.gpu_nvidia import NvidiaGpus
    from wftui.collectors.gpu_presence import GpuPresence
    from wftui.collectors.gpu_sysfs import SysfsGpus
    from wftui.collectors.memory import Memory, Paging
    from wftui.collectors.mounts import Mounts
    from wftui.collectors.network import Links, Network
    from wftui.collectors.powercap import Powercap
    from wftui.collectors.pressure import Pressure
    from wftui.collectors.process import Processes
    from wftui.collectors.sensors import Sensors
    from wftui.collectors.servers.source import Servers

    cores = Cores(proc)
    model_servers = Servers(proc, servers, discover=discover)
    return [
        Cpu(proc),
        cores,
        Frequency(cores, proc, sys),
        Memory(proc, sys),
        Paging(proc),
        Pressure(proc),
        Cgroup(proc, sys),
        Disks(proc, sys),
        Mounts(proc),
        Network(proc, sys),
        Links(sys),
        Sensors(sys),
        Powercap(sys),
        Processes(proc),
        GpuPresence(proc, sys),
        SysfsGpus(proc, sys, read_ranks=read_ranks),
        NvidiaGpus(proc, sys, read_ranks=read_ranks),
        model_servers,
        Core(core, model_servers.cores, looked_for=discover),
    ]
