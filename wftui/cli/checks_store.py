"""What `wftop doctor --store` looks at, and what `--rebuild` makes anew."""

from pathlib import Path
from typing import Final

from wftui import config
from wftui.cli.checks import BAD, OK, WARN, Check
from wftui.errors import StoreError, WftopError
from wftui.paths import Places
from wftui.render import text
from wftui.render.files import rfc3339
from wftui.store import derived, manifest, retention, seal, verify
from wftui.store.manifest import Manifest
from wftui.units import NS_PER_S

AREA: Final = "store"
REBUILD: Final = "wftop doctor --rebuild"
_NAMED: Final = 3
_LEVELS: Final = {
    manifest.RAW: "every second",
    manifest.R10: "10 s steps",
    manifest.R300: "5 min steps",
    manifest.TABLE: "tables",
    manifest.BURST: "bursts",
    manifest.EVENT: "events",
}


def look(where: Places, now_ns: int) -> list[Check]:
    """Every byte of the store: journal, segments, history.duckdb. Damaged segments are set aside."""
    data_dir = where.data_dir
    if not data_dir.exists():
        return [Check(AREA, "store", OK, f"{data_dir}: nothing was recorded there yet")]
    found = [_journal(data_dir)]
    try:
        made = manifest.load(data_dir)
    except manifest.SegmentsDamagedError as error:
        return [*found, Check(AREA, "manifest", BAD, str(error), REBUILD)]
    except StoreError as error:
        return [*found, Check(AREA, "manifest", BAD, str(error), "update wftop")]
    if manifest_lost(data_dir):
        said = "missing beside segments: nobody reads them, and none is sealed"
        return [*found, Check(AREA, "manifest", BAD, said, REBUILD)]
    found += _segments(data_dir, made, now_ns)
    made = manifest.load(data_dir)
    found.append(_history(data_dir, made))
    found += _levels(made)
    found.append(_size(where, made))
    found += _aside(data_dir)
    return found


def _journal(data_dir: Path) -> Check:
    try:
        found = verify.look_at_journal(data_dir)
    except StoreError as error:
        return Check(
            AREA, "journal", BAD, str(error), "start the recorder: it sets the file aside and begins anew"
        )
    if found is None:
        return Check(AREA, "journal", OK, "none, nothing is recorded now")
    said = f"{found.ticks} ticks" + (f" since {rfc3339(found.first_s)}" if found.first_s is not None else "")
    if found.what:
        fix = "restart the recorder: it sets the file aside and begins anew"
        return Check(AREA, "journal", BAD, f"{said}; {found.what}", fix)
    if found.damaged:
        return Check(
            AREA, "journal", WARN, f"{said}; {found.damaged} entries are damaged, and left out by readers"
        )
    return Check(AREA, "journal", OK, f"{said}, every checksum fits")


def _segments(data_dir: Path, made: Manifest, now_ns: int) -> list[Check]:
    bad = verify.damages(data_dir, made)
    if bad:
        # A merge may have taken files away while they were read.
        named = set(manifest.load(data_dir).segments)
        bad = [item for item in bad if item.segment in named]
    size = text.size(sum(item.size for item in made.segments)).strip()
    if not bad:
        found = [Check(AREA, "segments", OK, f"{len(made.segments)} files, {size}, every checksum fits")]
    else:
        what = "; ".join(item.what for item in bad[:_NAMED])
        more = f" and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        try:
            moved = verify.set_aside(data_dir, bad, now_ns)
            done, fix = f"{len(moved)} set aside, the others answer without them", REBUILD
        except (StoreError, OSError) as error:
            done, fix = f"not set aside: {error}", "wftop doctor --store, again"
        said = f"{len(bad)} of {len(made.segments)} damaged ({done}): {what}{more}"
        found = [Check(AREA, "segments", BAD, said, fix)]
    left = [] if _sealing(data_dir) else verify.leftovers(data_dir, manifest.load(data_dir))
    if left:
        said = f"{len(left)} files of a sealer that was killed"
        found.append(Check(AREA, "leftovers", WARN, said, "none needed: the next seal removes them"))
    return found


def _sealing(data_dir: Path) -> bool:
    """Whether a sealer runs: its files are not in the manifest yet."""
    try:
        with seal.lock(data_dir):
            return False
    except StoreError:
        return True


def _history(data_dir: Path, made: Manifest) -> Check:
    found = verify.reach(data_dir)
    name = derived.NAME
    if isinstance(found, StoreError):
        return Check(AREA, name, WARN, f"cannot be read: {found}", REBUILD)
    if found is None:
        if not made.segments:
            return Check(AREA, name, OK, "none, nothing is sealed yet")
        return Check(AREA, name, WARN, "missing", REBUILD)
    until = f"up to {rfc3339(found.sealed_ns // NS_PER_S)}" if found.sealed_ns else "of nothing sealed"
    if found.schema_version != derived.VERSION:
        return Check(AREA, name, WARN, f"schema {found.schema_version}, not {derived.VERSION}", REBUILD)
    if (found.sealed_seq, found.files) != (made.sealed_seq, derived.fingerprint(made)):
        return Check(AREA, name, WARN, f"opens, {until}; segments changed since", REBUILD)
    return Check(AREA, name, OK, f"opens, {until}")


def _levels(made: Manifest) -> list[Check]:
    found = []
    for kind, item in verify.levels(made).items():
        age = f", {text.duration(item.ticks)} recorded" if item.ticks else ""
        said = f"{item.files} files, {text.size(item.size).strip()}, since {rfc3339(item.since_s)}{age}"
        found.append(Check(AREA, _LEVELS[kind], OK, said))
    return found


def _size(where: Places, made: Manifest) -> Check:
    try:
        most = config.load(where).whole("store.max_bytes")
    except WftopError:
        most = retention.Caps().max_bytes
    total = verify.total_size(where.data_dir, made)
    said = f"{text.size(total).strip()} of at most {text.size(most).strip()}"
    if total > most:
        return Check(AREA, "size", WARN, said, "none needed: the next seal removes the oldest")
    return Check(AREA, "size", OK, said)


def _aside(data_dir: Path) -> list[Check]:
    files = retention.aside_files(data_dir)
    if not files:
        return []
    names = ", ".join(item.name for item in files[:_NAMED]) + (" …" if len(files) > _NAMED else "")
    said = f"{len(files)} damaged file{'s' if len(files) > 1 else ''}: {names}"
    return [Check(AREA, "set aside", WARN, said, f"rm '{files[0]}'")]


def rebuild(where: Places, now_ns: int) -> list[Check]:
    """Make history.duckdb anew, and the manifest when it was lost. Nothing that was recorded is lost by it."""
    data_dir = where.data_dir
    if not data_dir.exists():
        return [Check(AREA, "rebuild", OK, f"{data_dir}: nothing was recorded there yet")]
    found = []
    try:
        if manifest_lost(data_dir):
            from wftui.store.rebuild import manifest_from_segments

            with seal.lock(data_dir):
                made = manifest_from_segments(data_dir)
            said = f"made anew from {len(made.segments)} segments"
            found.append(Check(AREA, "manifest", WARN if made.damaged else OK, said))
        # A damaged segment goes first: what is made anew then stays true.
        found += [item for item in _segments(data_dir, manifest.load(data_dir), now_ns) if item.state == BAD]
        with seal.lock(data_dir):
            derived.rebuild(data_dir, now_ns)
    except (StoreError, OSError) as error:
        return [*found, Check(AREA, "rebuild", BAD, str(error), f"when no sealer runs: {REBUILD}")]
    size = text.size((data_dir / derived.NAME).stat().st_size).strip()
    return [*found, Check(AREA, "rebuild", OK, f"{derived.NAME} was made anew, {size}")]


def manifest_lost(data_dir: Path) -> bool:
    """Whether there are segments, and no manifest that names them can be read."""
    folder = data_dir / manifest.FOLDER
    try:
        made = manifest.load(data_dir)
    except manifest.SegmentsDamagedError:
        return True
    except StoreError:
        return False
    return not (folder / manifest.NAME).exists() and bool(verify.leftovers(data_dir, made))
