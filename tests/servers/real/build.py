"""llama.cpp's server, built once for the tests: ``python -m tests.servers.real.build``.

It comes from the source package of llama-cpp-python on PyPI, which holds all of llama.cpp; its wheels hold the
library only. Wants a C++ compiler, the network, 0.5 GB and some minutes; cmake and ninja come from PyPI where they
are missing. What it makes lies in one folder: ``$WFTOP_LLAMA_SERVER``, else ``.cache/llama-server``.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path, PurePosixPath
from typing import Final

from tests.servers.real import model

VERSION: Final = "0.3.36"  # the first one whose server can be asked for its page while it sleeps
SHA256: Final = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
BUILD: Final = 10488
COMMIT: Final = "0c1e570"
"""Of llama.cpp in that package; it is told by /props and cannot be told from a package without its history."""
ROOT: Final = Path(__file__).resolve().parents[3]
# Read at import: a test's own environment has no variables of wftop's.
FOLDER: Final = Path(os.environ.get("WFTOP_LLAMA_SERVER") or ROOT / ".cache" / "llama-server").absolute()
SERVER: Final = FOLDER / "llama-server"
MODEL: Final = FOLDER / "tiny.gguf"
_STAMP: Final = FOLDER / "built"
_MADE_OF: Final = f"llama_cpp_python {VERSION}"
_FLAGS: Final = {
    "CMAKE_BUILD_TYPE": "None",
    # -O1 takes half the time of -O3, and the model is tiny.
    "CMAKE_C_FLAGS": "-O1 -DNDEBUG -w",
    "CMAKE_CXX_FLAGS": "-O1 -DNDEBUG -w",
    "BUILD_SHARED_LIBS": "OFF",
    "GGML_NATIVE": "OFF",  # the folder may be kept for machines with other processors
    "GGML_LLAMAFILE": "OFF",
    "GGML_OPENMP": "OFF",
    "GGML_CCACHE": "OFF",
    "LLAMA_BUILD_NUMBER": str(BUILD),
    "LLAMA_BUILD_COMMIT": COMMIT,
    "LLAMA_BUILD_EXAMPLES": "OFF",
    "LLAMA_BUILD_TESTS": "OFF",
    "LLAMA_BUILD_UI": "OFF",
    "LLAMA_USE_PREBUILT_UI": "OFF",
    "LLAMA_CURL": "OFF",
    "LLAMA_OPENSSL": "OFF",
}
_UNUSED: Final = frozenset({"benches", "docs", "media", "models"})
"""Folders of llama.cpp that the build does not read: two thirds of it."""


def missing() -> str:
    """Why the tests cannot run; empty: they can."""
    if not SERVER.exists():
        return f"no {SERVER}: `make test-servers` builds it"
    return "" if _stamp() == _MADE_OF else f"{SERVER} is of another version: `make test-servers` builds it"


def _stamp() -> str:
    try:
        return _STAMP.read_text(encoding="utf-8")
    except OSError:
        return ""


def _say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def _run(*words: str | Path, **variables: str) -> None:
    """Run a program; its output goes to a log and is shown when it fails."""
    log = FOLDER / "build.log"
    with log.open("ab") as file:
        done = subprocess.run(words, env={**os.environ, **variables}, stdout=file, stderr=file, check=False)
    if done.returncode:
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:]
        sys.exit("\n".join([*tail, f"{words[0]} failed ({done.returncode}), see {log}"]))


def _python(scratch: Path) -> Path:
    """A Python with pip in an environment that is thrown away."""
    folder = scratch / "venv"
    if importlib.util.find_spec("ensurepip") is None and shutil.which("uv"):
        _run("uv", "venv", "--seed", "--python", sys.executable, folder)
    else:
        _run(sys.executable, "-m", "venv", folder)
    return folder / "bin" / "python"


def _fetch(python: Path, scratch: Path) -> Path:
    """The unpacked source of llama.cpp."""
    _say(f"fetching the source of llama-cpp-python {VERSION} (77 MB)")
    words = (python, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "--dest", scratch)
    _run(*words, f"llama-cpp-python=={VERSION}")
    package = scratch / f"llama_cpp_python-{VERSION}.tar.gz"
    found = hashlib.sha256(package.read_bytes()).hexdigest()
    if found != SHA256:
        sys.exit(f"{package.name} has the SHA-256 {found}, expected {SHA256}")
    start = f"llama_cpp_python-{VERSION}/vendor/llama.cpp/"
    with tarfile.open(package) as tar:
        wanted = [
            item
            for item in tar
            if item.name.startswith(start) and PurePosixPath(item.name.removeprefix(start)).parts[0] not in _UNUSED
        ]
        tar.extractall(scratch, wanted, filter="data")
    package.unlink()
    return scratch / start


def _tools(python: Path) -> str:
    """A PATH on which cmake and ninja are."""
    absent = [name for name in ("cmake", "ninja") if shutil.which(name) is None]
    if absent:
        _say(f"{' and '.join(absent)} from PyPI: not installed here")
        _run(python, "-m", "pip", "install", "--quiet", *absent)
    return f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}"


def _compile(source: Path, scratch: Path, path: str) -> Path:
    jobs = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    _say(f"compiling with {jobs} jobs at the lowest priority (some 200 files; log: {FOLDER / 'build.log'})")
    built = scratch / "build"
    flags = [f"-D{name}={value}" for name, value in _FLAGS.items()]
    _run("cmake", "-S", source, "-B", built, "-G", "Ninja", *flags, PATH=path)
    _run("nice", "-n", "19", "cmake", "--build", built, "--target", "llama-server", "-j", str(jobs), PATH=path)
    return built / "bin" / "llama-server"


def build() -> None:
    """Make the server and the model, if they are not there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not MODEL.exists():
        _say(f"making {MODEL}, {model.PARAMETERS:,} random weights")
        model.write(MODEL)
    if not missing():
        return
    if not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        sys.exit("no C++ compiler: llama-server cannot be built (Debian, Ubuntu: apt-get install g++)")
    (FOLDER / "build.log").unlink(missing_ok=True)
    _STAMP.unlink(missing_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="building-") as folder:
        scratch = Path(folder)
        python = _python(scratch)
        source = _fetch(python, scratch)
        fetched = time.monotonic()
        made = _compile(source, scratch, _tools(python))
        _run("strip", made) if shutil.which("strip") else None
        made.replace(SERVER)
    _STAMP.write_text(_MADE_OF, encoding="utf-8")
    ended = time.monotonic()
    _say(f"made {SERVER}: {fetched - began:.0f} s to fetch, {ended - fetched:.0f} s to build")


if __name__ == "__main__":
    build()
