"""How a GPU is asked: one call, several field values in one call, or one call for each of several kinds."""

from collections.abc import Callable

from wftui.collectors.nvml import binding as b
from wftui.collectors.nvml.binding import Binding
from wftui.collectors.nvml.target import Numbers, Target

Answer = Numbers | int
"""What was read, or the code of the failure."""
Reading = tuple[str, tuple[str, ...], Callable[[Target], Answer]]
"""Its name, the fields it may bring, and itself."""


class Questions:
    """Of readings that belong together."""

    def __init__(self, binding: Binding) -> None:
        self._binding = binding

    def _fields(self, target: Target, *ids: int | tuple[int, int]) -> list[b.Field]:
        wanted = target.rooms.get(ids)
        if wanted is None:
            wanted = target.rooms[ids] = b.Wanted(*ids)
        return self._binding.fields(target.handle, wanted)

    def _ask(self, name: str, *arguments: object) -> b.Answer:
        return self._binding.ask(name, *arguments)

    def _several(self, target: Target, name: str, wanted: dict[str, int]) -> Numbers | int:
        """One call for each of several kinds; kinds that are not supported are left out for an hour."""
        found: Numbers = {}
        code = b.NOT_SUPPORTED
        for key, kind in wanted.items():
            if f"field {key}" in target.blocked:
                continue
            answer = self._ask(name, target.handle, kind)
            if not answer.code:
                found[key] = answer.value
                continue
            code = answer.code
            if code in b.GONE:
                return code
            if code in b.NEVER:
                target.blocked[f"field {key}"] = 1 << 62
        return found or code
