"""Which files were read: their contents told by hashes, and whether they stood still meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from funnel_lib.core.errors import InputError


@dataclass(frozen=True)
class InputFile:
    """A file as it was when it was read."""

    path: str
    sha256: str
    bytes: int
    changed: tuple[int, int]  # when it was last changed, in nanoseconds, and which file it is


def list_files(given: Iterable[str]) -> tuple[InputFile, ...]:
    """Take down the files that are given, of folders those inside, before they are read.

    What is not there, or cannot be read, is left out: the reading tells of it.
    """
    return tuple(_look_at(path, _hash(path)) for path in _find(given))


def check_unchanged(files: Iterable[InputFile], given: Iterable[str]) -> None:
    """Raise an `InputError` where a file is no longer what was taken down: it was written to while
    it was read, and no hash would tell what was."""
    now = (_look_at(path, "") for path in _find(given))
    before, after = ({f.path: (f.bytes, f.changed) for f in of} for of in (files, now))
    moved = [p for p in dict.fromkeys([*before, *after]) if before.get(p) != after.get(p)]
    if moved:
        raise InputError([f"{path}: changed while it was read; run again" for path in moved])


def _find(given: Iterable[str]) -> list[Path]:
    files = []
    for path in map(Path, given):
        try:
            inside = sorted(path.iterdir()) if path.is_dir() else [path]
            files += [f for f in inside if f.is_file() and _can_be_read(f)]
        except OSError:
            continue
    return list(dict.fromkeys(files))


def _can_be_read(path: Path) -> bool:
    try:
        path.open("rb").close()
    except OSError:
        return False
    return True


def _look_at(path: Path, sha256: str) -> InputFile:
    found = path.stat()
    return InputFile(str(path), sha256, found.st_size, (found.st_mtime_ns, found.st_ino))


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
