"""`python tests/hostile.py FOLDER` writes what a reader must survive, and says what must come.

Every case is either read, with so many events and a text in some cell, or refused with a message
that holds a word. Large files are written in pieces.
"""

from __future__ import annotations

import sys
from pathlib import Path

import hostile_packed
import hostile_records
import hostile_texts
from hostile_files import CASES, Case

__all__ = ["CASES", "PARTS", "Case", "write_corpus"]
PARTS = (hostile_texts, hostile_packed, hostile_records)  # each has added its cases


def write_corpus(folder: Path) -> None:
    """Write the files of all cases."""
    folder.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        case.make(folder / case.name)


def main() -> None:
    """Write the files, and print what must come of each."""
    if len(sys.argv) != 2:
        sys.exit("give a folder: python tests/hostile.py FOLDER")
    write_corpus(Path(sys.argv[1]).resolve())
    for case in CASES:
        must = "refused" if case.rows is None else f"read, {case.rows} events"
        print(f"{case.name!r}: {must}, {case.says[:60]!r}")
    print(f"{len(CASES)} files")


if __name__ == "__main__":
    main()
