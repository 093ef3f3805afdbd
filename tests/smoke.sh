#!/usr/bin/env bash
# Smoke test of a built wheel, as a user gets it: an environment of its own, a home of its own, the network off.
#     tests/smoke.sh dist/wftop-*.whl
set -euo pipefail
wheel=$(readlink -f "$1")
python=${PYTHON:-python3}

room=$(mktemp -d /tmp/wfsmoke.XXXXXX)
finish() {
    "$room/venv/bin/wftop" record --stop >/dev/null 2>&1 || true
    rm -rf "$room"
}
trap finish EXIT

echo "smoke: installing $(basename "$wheel") in a clean environment"
if command -v uv >/dev/null 2>&1; then
    uv venv --quiet --python "$python" "$room/venv"
    uv pip install --quiet --python "$room/venv/bin/python" "$wheel"
else
    "$python" -m venv "$room/venv"
    "$room/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$wheel"
fi

export HOME=$room/home XDG_RUNTIME_DIR=$room/run TERM=xterm-256color LC_ALL=C.UTF-8
export XDG_CONFIG_HOME=$HOME/config XDG_DATA_HOME=$HOME/data XDG_STATE_HOME=$HOME/state
mkdir -m 0700 "$HOME" "$XDG_RUNTIME_DIR"
# Not the source tree: what is not in the wheel must not be found.
cd "$HOME"

isolate=()
if unshare -rn true 2>/dev/null; then
    isolate=(unshare -rn)
elif unshare -n true 2>/dev/null; then
    isolate=(unshare -n)
else
    echo "smoke: no network namespaces here: the network stays on"
fi

failures=0
# expect CODE PATTERN COMMAND…: the exit code, and a pattern that the output (stdout, then stderr) must hold.
expect() {
    local code=$1 pattern=$2 got=0
    shift 2
    "${isolate[@]}" timeout 60 "$room/venv/bin/wftop" "$@" >"$room/out" 2>"$room/err" </dev/null || got=$?
    if [ "$got" -ne "$code" ]; then
        echo "smoke: FAILED wftop $*: exit code $got, expected $code"
    elif ! grep -qaE "$pattern" "$room/out" "$room/err"; then
        echo "smoke: FAILED wftop $*: nothing like '$pattern' in its output"
    else
        echo "smoke: ok     wftop $*"
        return
    fi
    failures=$((failures + 1))
    head -c 1500 "$room/err" "$room/out" | sed 's/^/    /'
}

expect 0 '[0-9]+\.[0-9]+' --version
expect 0 'record' --help
expect 0 '[Cc][Pp][Uu]' --once
expect 0 '^ *[{]' --once --json
expect 0 '[Cc][Pp][Uu]'   # not a terminal: one state as text
expect 0 '' record --for 3s
expect 0 '^time_ns,time,' export --since 1m -o -
expect 0 '"schema_version"' export --since 1m --format json -o -
expect 0 '' export --since 1m --format parquet -o "$room/out.parquet"
expect 0 '' doctor
expect 0 '^ *[{[]' doctor --json
expect 2 'nonsense' export --since nonsense -o -

if ! "$room/venv/bin/python" -c '
from wftui.paths import resources
for folder in ("themes", "layouts"):
    files = sorted(file.name for file in resources(folder).iterdir())
    assert "default.toml" in files, files
'; then
    echo "smoke: FAILED themes/ or layouts/ is not inside the wheel"
    failures=$((failures + 1))
fi

if [ "$failures" -ne 0 ]; then
    echo "smoke: $failures failed"
    exit 1
fi
echo "smoke: all passed"
