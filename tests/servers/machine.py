"""A process table and network tables made of files, as the kernel writes them."""

from pathlib import Path


class Machine:
    """A folder that looks like ``/proc``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._listening: dict[str, list[str]] = {}
        (root / "net").mkdir()
        self.process(1, "init", parent=0)
        (root / "self").symlink_to("1")

    def process(
        self,
        pid: int,
        line: str,
        *,
        parent: int = 1,
        start: int = 1000,
        sockets: tuple[int, ...] | None = (),
        network: str = "net:[1]",
        cgroup: str = "0::/user.slice",
        folder: Path | None = None,
    ) -> None:
        """Put a process there. ``sockets``: inodes; None: not ours to see."""
        home = self.root / str(pid)
        for part in ("fd", "ns", "task"):
            (home / part).mkdir(parents=True)
        (home / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in line.split()))
        (home / "stat").write_text(f"{pid} (x) S {parent} {' '.join(['0'] * 17)} {start} 0 0\n")
        (home / "cgroup").write_text(cgroup + "\n")
        (home / "ns" / "net").symlink_to(network)
        (home / "task" / str(pid)).mkdir()
        (home / "task" / str(pid) / "children").write_text("")
        above = self.root / str(parent) / "task" / str(parent) / "children"
        if above.exists():
            above.write_text(f"{above.read_text()}{pid} ")
        for number, inode in enumerate(sockets or ()):
            (home / "fd" / str(number)).symlink_to(f"socket:[{inode}]")
        (home / "fd" / "99").symlink_to("/dev/null")
        if sockets is None:
            (home / "fd" / "99").unlink()
            (home / "fd").rmdir()
            (home / "fd").write_text("")  # NotADirectoryError; a refusal is tested with a patched listing
        if folder is not None:
            (home / "cwd").symlink_to(folder)

    def listen(self, inode: int, address: str, *, uid: int = 0, of: int | None = None) -> None:
        """Let a socket listen (``0100007F:1F90``); ``of``: in the network namespace of that process."""
        net = self.root / "net" if of is None else self.root / str(of) / "net"
        net.mkdir(exist_ok=True)
        table = net / ("tcp" if len(address) == 13 else "tcp6")
        if not table.exists():
            table.write_text("  sl  local_address rem_address   st\n")
        with table.open("a") as file:
            file.write(f"   0: {address} 0:0 0A 0:0 00:0 0 {uid} 0 {inode} 1 0 100\n")

    def end(self, pid: int) -> None:
        """Take a process away."""
        import shutil

        shutil.rmtree(self.root / str(pid))
