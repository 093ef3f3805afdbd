"""A process with the stand-in for NVML loaded, asked an expression at a time."""

import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from tests.nvml import box

_PLAYER = """
import json, sys, threading, time
from ctypes import *
from pynvml import *
import pynvml

def shown(it):
    if isinstance(it, bytes):
        return it.decode("latin-1")
    if hasattr(it, "_fields_"):
        return {name: getattr(it, name) for name, _ in it._fields_}
    return vars(it) if hasattr(it, "__dict__") else list(it) if hasattr(it, "__len__") else str(it)

def gpu(index):
    return nvmlDeviceGetHandleByIndex(index)

for line in sys.stdin:
    try:
        try:
            answer = {"value": eval(line)}
        except SyntaxError:
            answer = {"value": exec(line, globals())}
    except NVMLError as error:
        answer = {"code": error.value}
    except UnicodeDecodeError:
        answer = {"code": "unicode"}
    except (TypeError, AttributeError) as error:
        answer = {"code": str(error)}
    print(json.dumps(answer, default=shown), flush=True)
"""


class Played:
    """Expressions over ``pynvml``'s names go in, their values come out; ``gpu(i)`` is a handle."""

    def __init__(self, library: Path, scene: box.Scene, log: Path | None = None, *, init: bool = True) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PLAYER],
            env={**os.environ, **box.environment(library, scene.path, log)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if init:
            self.ask("nvmlInit()")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.communicate()

    def send(self, expression: str) -> None:
        """Ask without waiting for the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(expression + "\n")
        self.process.stdin.flush()

    def ready(self, within_s: float = 0.0) -> bool:
        """Whether an answer lies there."""
        assert self.process.stdout is not None
        return bool(select.select([self.process.stdout], [], [], within_s)[0])

    def answer(self, within_s: float = 10.0) -> dict[str, Any]:  # Any: whatever JSON can say
        """The next answer: ``value``, or ``code`` of the error that the binding raised."""
        assert self.process.stdout is not None
        assert self.ready(within_s), "no answer"
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def ask(self, expression: str) -> Any:  # Any: as in answer
        """The value of an expression; fails on an error."""
        self.send(expression)
        found = self.answer()
        assert "value" in found, f"{expression}: {found}"
        return found["value"]

    def code(self, expression: str) -> int:
        """The code of the error that an expression raises."""
        self.send(expression)
        found = self.answer()
        assert "code" in found, f"{expression}: {found}"
        code: int = found["code"]
        return code
