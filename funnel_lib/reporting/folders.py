"""The folder of a report: filled aside, changed in one go, never left between old and new.

A run works in a hidden folder of its own, `new` in it is what the report's folder will hold. At the
end the old files are moved to `old` beside it, then the new ones in. While the file `plan` is there
the change is not done, and whoever finds it, this run or the next, puts the old files back.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from funnel_lib.audit import check_out
from funnel_lib.core.errors import InputError, writing
from funnel_lib.core.tables import read_tables
from funnel_lib.reporting.ending import clearing, holding_signals

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed, which tells as much
    fcntl = None

# What a report's folder holds beside its tables; a new report replaces these and nothing else.
OUTPUTS = (
    "report.html", "report.ipynb", "report.pdf", "audit.xlsx", "manifest.json", "claims.json",
    "segments.json", "new_funnel.csv", "steps.yml",
)  # fmt: skip


@contextmanager
def new_folder(out: str | Path, inputs: Iterable[str] = ()) -> Iterator[Path]:
    """Give a folder that becomes `out` if the block ends well, else vanishes; beside it there is
    room for what is only needed meanwhile.

    In a folder that is already there the files of a report are replaced, and nothing else; what is
    an input, such as the steps file, stays as it is. What a run left that was killed is cleared.

    Raises
    ------
    InputError
        The folder cannot be written, or another run is writing it; the old files are whole.
    """
    check_out(out)
    with writing(out):
        place = Path(out).resolve()
        near = next(p for p in [place, *place.parents] if p.exists())
        # short, whatever the folder is called, and found again by the next run
        mark = f".funnel-{hashlib.sha256(os.fsencode(place)).hexdigest()[:12]}-"
        with ExitStack() as ended:
            with holding_signals():  # no folder that nobody knows of
                work = _make_hidden(near, mark)
                held = _hold(work)
                ended.enter_context(clearing(lambda: _leave(work, place, held)))
            try:
                _clear(place, mark, work)
                (work / "new").mkdir()
                yield work / "new"
                _move_in(work, place, {Path(p).resolve() for p in inputs})
            except InputError as error:
                raise InputError(
                    p.replace(str(work / "new"), str(out)) for p in error.problems
                ) from None
            finally:
                _leave(work, place, held)


def _make_hidden(near: Path, mark: str) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=mark, dir=near))
    except OSError as error:
        error.filename = None  # a name that says nothing to anyone
        raise


def _leave(work: Path, place: Path, held) -> None:
    """Leave the report's folder as it was or as it is to be, and nothing else."""
    _put_back(work, place)
    if held:
        held.close()
    shutil.rmtree(work, ignore_errors=True)


def _hold(work: Path):
    """Lock a run's folder for as long as the process lives; None where another one holds it."""
    try:
        if not fcntl:
            (work / "lock").unlink(missing_ok=True)
        file = (work / "lock").open("w")
    except PermissionError:
        return None
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    except OSError:  # a drive that knows no locks
        pass
    return file


def _clear(place: Path, mark: str, own: Path) -> None:
    """Undo what runs left that were killed; raise `InputError` where one is still at work."""
    for work in [w for p in [place, *place.parents] for w in p.glob(f"{mark}*") if w != own]:
        held = _hold(work)
        if held is None:
            raise InputError([f"--out {place}: another run is writing it; wait, or name another"])
        held.close()
        _put_back(work, place)
        shutil.rmtree(work, ignore_errors=True)


def _move_in(work: Path, place: Path, inputs: set[Path]) -> None:
    new, old = work / "new", work / "old"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        new.rename(place)
        return
    fresh = [p.relative_to(new).as_posix() for p in sorted(new.rglob("*")) if p.is_file()]
    aside, fresh = (
        [name for name in names if (place / name).resolve() not in inputs]
        for names in (_list_own(place), fresh)
    )
    folders = [p for p in {(place / name).parent for name in fresh} if not p.exists()]
    plan = {"aside": aside, "fresh": fresh, "made": [p.name for p in folders]}
    (work / "plan.part").write_text(json.dumps(plan), encoding="utf-8")
    (work / "plan.part").replace(work / "plan")
    try:
        for name in aside:
            (old / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).replace(old / name)
        for folder in folders:
            folder.mkdir()
        for name in fresh:
            _refuse_foreign(place / name)
            (new / name).replace(place / name)
        (work / "plan").unlink()
    except BaseException:
        _put_back(work, place)
        raise


def _put_back(work: Path, place: Path) -> None:
    """Undo a change of files that did not come to its end, wherever it was stopped."""
    if not (work / "plan").exists():
        return
    plan = json.loads((work / "plan").read_text(encoding="utf-8"))
    for name in plan["fresh"]:
        if not (work / "new" / name).exists() and (place / name).exists():
            (place / name).replace(work / "new" / name)
    for name in plan["aside"]:
        if os.path.lexists(work / "old" / name):
            (work / "old" / name).replace(place / name)
    for name in plan["made"]:
        with suppress(OSError):  # not made yet, or no longer empty
            (place / name).rmdir()
    (work / "plan").unlink()


def _refuse_foreign(path: Path) -> None:
    """Raise where something that is no report's lies in the way: a folder, or a file of this name
    that came just now."""
    if os.path.lexists(path):
        raise InputError([f"{path}: is no file of a report; move it, or name another folder"])


def _list_own(place: Path) -> list[str]:
    """The files of the report that is there; of its tables those that it or this version made."""
    tables = {*read_tables()}
    with suppress(OSError, ValueError, TypeError, KeyError):  # no manifest, or a foreign one
        told = json.loads((place / "manifest.json").read_text(encoding="utf-8"))["tables"]
        tables |= {name for name in told if Path(name).name == name}
    names = [*OUTPUTS, *(f"tables/{name}.csv" for name in sorted(tables))]
    files = [place / name for name in names]
    return [n for n, f in zip(names, files, strict=True) if f.is_file() or f.is_symlink()]
