"""A metrics page that counts on: values of samples change in their place, as those of a real server do."""

from __future__ import annotations

from tests.servers.fake import Asked, Reply, page, sample


class Paged:
    """A page of the samples; a route of a ``Fake`` (called under its lock)."""

    def __init__(self, name: str) -> None:
        """``name``: of the sample."""
        self.body = sample(name)

    def __call__(self, _: Asked) -> Reply:
        """Serve it."""
        return page(self.body)

    def lines(self, start: str) -> list[bytes]:
        """Lines that begin so."""
        return [line for line in self.body.split(b"\n") if line.startswith(start.encode())]

    def add(self, start: str, by: float) -> None:
        """Count up what begins so (``name{label="a"`` or a part of it)."""
        found = self.lines(start)
        assert found, f"no line begins with {start}"
        for line in found:
            before, value = line.rsplit(b" ", 1)
            self.body = self.body.replace(line + b"\n", before + f" {float(value) + by!r}\n".encode())

    def restart(self) -> None:
        """All begins at nought again."""
        lines = self.body.split(b"\n")
        self.body = b"\n".join(
            line if not line or line.startswith(b"#") else line.rsplit(b" ", 1)[0] + b" 0.0" for line in lines
        )

    def without(self, *starts: str) -> bytes:
        """The page without lines that begin so."""
        ends = tuple(item.encode() for item in starts)
        return b"\n".join(line for line in self.body.split(b"\n") if not line.startswith(ends))
