"""Any table file as a frame: CSV, TSV, Excel, Parquet, JSON (lines), XES, gz of these.

The kind of a file is found by its first bytes, not by its name. Every cell can be had as a text,
so that the same table gives the same log whatever file it came in.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from glob import glob
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pandas.api.types import is_object_dtype

from funnel_lib.core.errors import InputError, drop_controls, quote_some
from funnel_lib.core.words import say
from funnel_lib.reading.files.archives import read_file
from funnel_lib.reading.files.delimited import find_odd_lines, read_delimited, to_utf8
from funnel_lib.reading.files.html_tables import find_charset, read_html
from funnel_lib.reading.files.json_records import NoRecords, read_json
from funnel_lib.reading.files.parquets import read_parquet
from funnel_lib.reading.files.typed import EMPTY_WORDS as EMPTY_WORDS
from funnel_lib.reading.files.typed import show, to_frame, to_texts
from funnel_lib.reading.files.workbooks import read_excel
from funnel_lib.reading.files.xes import XES_MEANINGS, read_xes

# Columns of clocks, and the days they stand beside.
_CLOCKS = {
    "время": "дата", "время звонка": "дата звонка", "время события": "дата события",
    "time": "date", "call time": "call date", "event time": "event date", "hora": "data",
}  # fmt: skip
_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?"
TABLE_SUFFIXES = (
    ".csv", ".tsv", ".txt", ".xlsx", ".xls", ".html", ".htm", ".parquet", ".json", ".jsonl",
    ".ndjson", ".xes",
)  # fmt: skip


class EmptyTable(InputError):
    """A table without any row."""


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table as read.

    Attributes
    ----------
    path : path of its file
    typed : its columns as the file types them, see `typed.to_frame`
    broken : rows of a text file that could not be split
    meanings : meaning -> column, where the kind of the file says it
    kind : "text", "Excel", "HTML", "JSON", "Parquet", "XES" or "frame"
    further_sheets : the sheets of a workbook that hold further tables, not read
    sheet : what the sheet that is read is called
    joined_sheets : all that were read as one table, where several were
    odd_lines : how many lines of a text are in another encoding than the others
    """

    path: str
    typed: pd.DataFrame
    broken: tuple[str, ...] = ()
    meanings: dict[str, str] = field(default_factory=dict)
    kind: str = "text"
    further_sheets: tuple[str, ...] = ()
    sheet: str = ""
    joined_sheets: tuple[str, ...] = ()
    odd_lines: int = 0

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        return list(self.typed.columns)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """All cells as texts (missing: NA)."""
        return to_texts(self.typed)


def find_tables(paths: list[str | Path]) -> list[Path]:
    """Give the table files of a list of files and folders, in the order of their names."""
    found: list[Path] = []
    problems = []
    for given in _expand(paths):
        path = Path(given)
        if wrong := _tell_kind(str(given), path):
            problems.append(wrong)
            continue
        try:
            inside = sorted(p for p in path.iterdir() if _is_table(p)) if path.is_dir() else [path]
            if not inside:
                problems.append(f"{path}: no table in this folder (looked for {_SUFFIXES_SHOWN})")
            elif not path.exists():
                what = "a link that leads nowhere" if path.is_symlink() else "no such file"
                problems.append(f"{path}: {what}")
            found += inside
        except OSError as error:
            problems.append(f"{path}: cannot be read: {error.strerror}")
    if problems:
        raise InputError(problems)
    return found


def _expand(paths: list[str | Path]) -> list[str | Path]:
    """Expand patterns, as not every shell does."""
    found: list[str | Path] = []
    for path in paths:
        is_pattern = any(sign in str(path) for sign in "*?[") and not os.path.exists(path)
        found += (sorted(glob(str(path))) or [path]) if is_pattern else [path]
    return found


def _tell_kind(given: str, path: Path) -> str:
    """Say why a thing cannot be a table, by its name; empty where it may be one."""
    ends = path.suffix.lower()
    if re.match(r"https?:/|ftp:/|www\.", given):
        return say("problem.address", path=given)
    if os.path.isfile(path) and ends in (".yml", ".yaml"):
        return say("problem.yaml_as_table", path=given)
    if os.path.isfile(path) and ends in _OTHERS:
        return say("problem.no_table", path=given, kind=ends, suffixes=", ".join(TABLE_SUFFIXES))
    return ""


# Documents, pictures and the like: whatever they hold, it is no table that can be read.
_OTHERS = (".doc", ".docx", ".pdf", ".ppt", ".pptx", ".png", ".jpg", ".jpeg", ".rtf", ".odt")


def read_table(path: str | Path, sheet: str = "") -> RawTable:
    """Read one table file; of a workbook a `sheet`, by its name or place, else its first table.

    Names and cells are stripped; a name that comes again gets " (2)", " (3)" …; rows without
    content, and columns without a name and without content, are left out. Empty cells and
    `EMPTY_WORDS` are missing.

    Raises
    ------
    EmptyTable
        A header without rows, or a response without records.
    InputError
        No such file, not readable, of no bytes, or not the table its first bytes promise.
    """
    kind, data = read_file(path)
    try:
        table, facts = _read(kind, data, sheet)
        frame = to_frame(table)
    except NoRecords as error:
        raise EmptyTable([f"{path}: {error}"]) from None
    except (ValueError, TypeError, KeyError, OSError, ImportError, pa.ArrowException) as error:
        what = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        raise InputError([f"{path}: cannot be read as {kind}: {what}"]) from None
    except MemoryError:
        raise InputError([f"{path}: too large for the memory; split it"]) from None
    frame = _clean(frame)
    if frame.empty and facts.get("broken"):
        shown = quote_some(facts["broken"])
        raise InputError([f"{path}: no row has as many cells as the header; e.g. {shown}"])
    if frame.empty:
        raise EmptyTable([f"{path}: the file has a header but no rows"])
    return RawTable(show_path(path), frame, kind=kind, **facts)


def take_frame(frame: Any, name: str = "frame") -> RawTable:
    """Take a frame as a table: pandas, polars, Arrow, a DuckDB relation, whatever narwhals knows.

    Columns keep their kinds; a pandas index that has a name is one, too. `name` is what messages
    call it.

    Raises
    ------
    EmptyTable
        A frame without rows.
    InputError
        No frame at all, or columns that Arrow cannot hold.

    Examples
    --------
    >>> take_frame(pa.table({"id": [7], "action": [" call "]})).frame.values.tolist()
    [['7', 'call']]
    """
    import narwhals as nw

    if isinstance(frame, pd.DataFrame):
        named = frame.reset_index() if any(n is not None for n in frame.index.names) else frame
        mixed = {c: "str" for c, kind in named.dtypes.items() if is_object_dtype(kind)}
        frame = named.astype(mixed).set_axis(map(str, named.columns), axis=1)
    try:
        known = nw.from_native(frame)
        known = known.collect("pyarrow") if isinstance(known, nw.LazyFrame) else known
        taken = _clean(to_frame(known.to_arrow()))
    except (TypeError, ValueError, pa.ArrowException) as error:
        what = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        kind = type(frame).__name__
        raise InputError(
            [f"{name}: expected a file or a frame, and this ({kind}) is neither: {what}"]
        ) from None
    if taken.empty:
        raise EmptyTable([f"{name}: the frame has no rows"])
    return RawTable(name, taken, kind="frame")


def is_frame(given: Any) -> bool:
    """Whether something given for a table is no file's name, and so a frame."""
    return not isinstance(given, str | os.PathLike)


def _clean(frame: pd.DataFrame) -> pd.DataFrame:
    return _drop_empty_rows(_join_clocks(_clean_names(frame)))


def show_path(path: str | Path) -> str:
    """A path as text that can be written, whatever bytes its name is made of."""
    return drop_controls(os.fsencode(path).decode("utf-8", "replace"))


_SUFFIXES_SHOWN = ", ".join(TABLE_SUFFIXES) + ", or these with .gz"


def _is_table(path: Path) -> bool:
    """Whether a file is a table; not the lock files of an open Excel, nor other hidden ones."""
    name = path.name.lower().removesuffix(".gz")
    return path.is_file() and name.endswith(TABLE_SUFFIXES) and not name.startswith((".", "~$"))


def _read(kind: str, data: bytes, sheet: str) -> tuple[pa.Table, dict]:
    """The cells of a file of a kind, and what else of it a `RawTable` holds."""
    if kind == "text":
        table, broken = read_delimited(data)
        return table, {"broken": tuple(broken), "odd_lines": len(find_odd_lines(data))}
    if kind == "Excel":
        table, further, called = read_excel(data, sheet)
        return table, {"further_sheets": further, "sheet": called}
    if kind == "XES":
        return read_xes(data), {"meanings": XES_MEANINGS}
    if kind == "Parquet":
        return read_parquet(data), {}
    if kind == "HTML" and (charset := find_charset(data)):
        return read_html(data.decode(charset, "replace")), {}
    text = to_utf8(data)
    return read_json(text) if kind == "JSON" else read_html(text.decode()), {}


def _clean_names(frame: pd.DataFrame) -> pd.DataFrame:
    names = ["" if pd.isna(n) else drop_controls(str(n)).strip() for n in frame]
    kept = [bool(n) or frame.iloc[:, i].notna().any() for i, n in enumerate(names)]
    names = pd.Index(_number_again([n or "column" for n in names]), dtype="str")
    return frame.set_axis(names, axis=1).loc[:, kept]


def _drop_empty_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out rows without content; most tables have a column without a gap, so have none."""
    if any(not cells.isna().any() for _, cells in frame.items()):
        return frame
    return frame.dropna(how="all").reset_index(drop=True)


def _join_clocks(frame: pd.DataFrame) -> pd.DataFrame:
    """Join days and the clocks in a column of their own, as telephony has them ("Дата", "Время");
    both columns hold the whole time then."""
    named = {str(c).casefold(): c for c in frame.columns}
    for clock, day in _CLOCKS.items():
        if not {clock, day} <= named.keys():
            continue
        days = show(frame[named[day]]).str.replace(r"[ T]00:00(?::00)?$", "", regex=True)
        clocks = show(frame[named[clock]])
        both = days.notna() & clocks.notna()
        alone = not days.str.contains(":", na=False).any()
        if both.any() and alone and clocks[both].str.fullmatch(_CLOCK).all():
            joined = days.where(~both, days + " " + clocks)
            frame = frame.assign(**{named[day]: joined, named[clock]: joined})
    return frame


def _number_again(names: list[str]) -> list[str]:
    """Give a name that comes again the first number that makes it a new one."""
    taken: dict[str, int] = {}
    for place, name in enumerate(names):
        n = taken.get(name, 0) + 1
        while n > 1 and f"{name} ({n})" in taken:
            n += 1
        taken[name] = n
        if n > 1:
            names[place] = f"{name} ({n})"
            taken[names[place]] = 1
    return names
