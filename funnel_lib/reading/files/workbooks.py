"""The first sheet of an Excel workbook that holds a table, as texts.

Before a sheet is opened, its own bytes are searched for how far its cells reach: the reader lays
out every cell between the first and the last, so two cells in far corners would fill any memory.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime

import numpy as np
import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum

from funnel_lib.reading.files.archives import (
    SAVE_AS,
    Growth,
    list_members,
    refuse_ole,
    unpack_member,
)
from funnel_lib.reading.files.headers import (
    FIRST_ROWS,
    MOST_CELLS,
    check_shape,
    find_header,
    name_columns,
)
from funnel_lib.reading.files.old_workbooks import check_old_workbook
from funnel_lib.reading.files.packing import MOST_REPEATED

# Texts are kept once, and given out to each cell that refers to them: so much may come of it.
MOST_SHARED = 256 << 20
_OVERLAP = 1 << 12  # bytes of a piece seen again with the next, so that no mark is cut in two
# Of a cell's place only what is far out: a column beyond Z, a row from 100,000 on.
_FAR_COLUMN = re.compile(rb' r="([A-Za-z]{2,3})')
_FAR_ROW = re.compile(rb' r="[A-Za-z]{0,3}(\d{6,7})"')
NEAR_COLUMN, NEAR_ROW = 26, 99_999
# Other ways to write a place, which no program uses, are brought into the usual one.
_PLACE = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{0,3}\d{0,7})["']""")
_FILLED = re.compile(
    rb"""<(?:\w+:)?c\s(?:[^>]*?\s)?r\s*=\s*["']([A-Za-z]{1,3})(\d{1,7})["'][^>]*(?<!/)>"""
)
_SHARED_END = re.compile(rb"</(?:\w+:)?si>")
_SHARED = re.compile(rb"""t\s*=\s*["']s["'][^>]*>\s*<(?:\w+:)?v>(\d{1,9})<""")


def read_excel(data: bytes, wanted: str = "") -> tuple:
    """Read an XLSX or XLS workbook: (texts, further tables' sheets, its own).

    It is the sheet that is `wanted`, by its name or its place, else the first with several rows and
    columns, else with any filled cell. Sheets are named; those with the name a program gives them,
    by their place, which counts from 1. Merged cells are filled down. Dates are ISO 8601,
    whole numbers have no decimals, formulas are their last results, errors are empty.

    Raises
    ------
    ValueError
        Damaged, protected, another kind of document, no sheet with cells, or cells in far corners.
    """
    if data[:2] == b"PK":
        _check_members(data)
    else:
        refuse_ole(data)
        check_old_workbook(data)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        rows, later, name = _find_rows(book, wanted)
    except PasswordError:
        raise ValueError(f"protected by a password; take it off in Excel, or {SAVE_AS}") from None
    except CalamineError as error:
        raise ValueError(
            f"{str(error)[:200] or 'damaged'}; export it again, or {SAVE_AS}"
        ) from None
    except BaseException as error:
        if not _is_panic(error):
            raise
        raise ValueError(f"the file is damaged; export it again, or {SAVE_AS}") from None
    if not rows:
        raise ValueError("no sheet of the workbook has a filled cell")
    further = (_call(*sheet) for sheet in later if _holds_table(book, sheet[1]))
    return _to_table(rows), tuple(further), name


def _call(place: int, name: str) -> str:
    """What a sheet is called: its place, where its name is only the one a program gives."""
    return str(place) if re.fullmatch(r"(?:Sheet|Лист|Tabelle|Feuil)\d*", name) else name


def _find_rows(
    book: CalamineWorkbook, wanted: str
) -> tuple[list[list], list[tuple[int, str]], str]:
    """The filled rows of the sheet that is wanted, else of the first that is a table; places and
    names of the others, or the later ones; what it is called."""
    sheets = [(place, sheet.name) for place, sheet in enumerate(book.sheets_metadata, 1)
              if sheet.typ == SheetTypeEnum.WorkSheet]  # fmt: skip
    if wanted:
        named = [s for s in sheets if wanted.casefold() in (s[1].casefold(), _call(*s).casefold())]
        named = named or [s for s in sheets if wanted == str(s[0])]
        if not named:
            names = ", ".join(name for _, name in sheets)
            raise ValueError(f"no sheet {wanted!r}; there are {names}")
        one = named[0]
        others = [s for s in sheets if s != one]
        return _list_filled(book.get_sheet_by_name(one[1])), others, _call(*one)
    rows, called = [], ""
    is_table = False
    while sheets and not is_table:
        one = sheets.pop(0)
        sheet = book.get_sheet_by_name(one[1])
        filled = _list_filled(sheet)
        is_table = sheet.width > 1 and len(filled) > 1  # and no cover
        rows, called = (filled, _call(*one)) if is_table or not rows else (rows, called)
    return rows, sheets, called


def _list_filled(sheet) -> list[list]:
    """The rows of a sheet that hold anything, cells that are merged over several rows filled."""
    check_shape(0, sheet.total_width, 0)
    rows = list(sheet.iter_rows())
    top, left = sheet.start or (0, 0)
    top = 0 if len(rows) > sheet.height else top  # rows are given from the sheet's first on
    left = 0 if rows and len(rows[0]) > sheet.width else left
    for (first, column), (last, end) in sheet.merged_cell_ranges or ():
        if column == end and first < last and 0 <= first - top < len(rows):
            for row in rows[first - top : last - top + 1]:
                if 0 <= column - left < len(row):
                    row[column - left] = rows[first - top][column - left]
    return [row for row in rows if row.count("") < len(row)]


def _holds_table(book: CalamineWorkbook, name: str) -> bool:
    """Whether a sheet has several rows and columns; a damaged one may have had."""
    try:
        sheet = book.get_sheet_by_name(name)
    except BaseException as error:
        if not isinstance(error, CalamineError) and not _is_panic(error):
            raise
        return True
    return min(sheet.height, sheet.width) > 1


def _is_panic(error: BaseException) -> bool:
    """Whether the reader's own code broke down, which is no Exception."""
    return type(error).__name__ == "PanicException"


def _to_table(rows: list[list]) -> pa.Table:
    width = max(map(len, rows))
    first = [[_show(cell) for cell in row] for row in rows[:FIRST_ROWS]]
    header = find_header(first)
    columns = [pa.array(_show_all(c), pa.string()) for c in zip(*rows[header + 1 :], strict=True)]
    columns = columns or [pa.array([], pa.string())] * width
    return pa.Table.from_arrays(columns, names=name_columns(first, header))


def _show_all(cells: tuple) -> Iterable[str]:
    return cells if set(map(type, cells)) == {str} else [_show(cell) for cell in cells]


def _show(cell: object) -> str:
    """One cell as its text."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _check_members(data: bytes) -> None:
    """Unpack all of a workbook once, to see what it would take to read it."""
    growth, sheets, ends, n_shared = Growth(), [], [np.zeros(1, "int64")], 0
    for member in list_members(data):
        rows = columns = 0
        for start, piece in _overlap(unpack_member(data, member, growth)):
            if b"<row" in piece or b":row" in piece:
                far_row, far_column = _find_reach(piece)
                rows, columns = max(rows, far_row), max(columns, far_column)
                n_shared += piece.count(b't="s"') + piece.count(b"t='s'")
            elif b"</si>" in piece or b":si>" in piece:
                ends.append(start + np.array([m.end() for m in _SHARED_END.finditer(piece)]))
        if rows:
            sheets.append(member)
        if rows * columns > MOST_CELLS:
            check_shape(*_measure_filled(data, member))
    length = np.diff(np.unique(np.concatenate(ends)), append=0)[:-1]
    if n_shared * length.max(initial=0) > MOST_SHARED:
        _check_shared(data, sheets, length, growth.unpacked)


def _find_reach(piece: bytes) -> tuple[int, int]:
    """The farthest row and column of the cells in a piece of a sheet, or more."""
    if piece.count(b' r="') < piece.count(b"<c ") + piece.count(b":c "):
        piece = _PLACE.sub(rb' r="\1"', piece)
    rows = max(map(int, _FAR_ROW.findall(piece)), default=NEAR_ROW)
    columns = max(map(_number, set(_FAR_COLUMN.findall(piece))), default=NEAR_COLUMN)
    return rows, columns


def _measure_filled(data: bytes, member) -> tuple[int, int, int]:
    """How far the filled cells of a sheet reach, and about how many there are."""
    rows = columns = n = 0
    for _, piece in _overlap(unpack_member(data, member, Growth())):
        found = _FILLED.findall(piece)
        rows = max(rows, max((int(row) for _, row in found), default=0))
        columns = max(columns, max(map(_number, {letters for letters, _ in found}), default=0))
        n += len(found)
    return rows, columns, n


def _check_shared(data: bytes, sheets: list, length: np.ndarray, size: int) -> None:
    """Refuse a workbook that gives out long shared texts too often."""
    total = 0
    for member in sheets:
        for piece in unpack_member(data, member, Growth()):
            index = np.array(_SHARED.findall(piece), dtype="int64")
            total += length[index[index < len(length)]].sum()
    if total > MOST_SHARED and total > MOST_REPEATED * size:
        raise ValueError(
            f"texts that it holds once would fill {int(total) >> 20:,} MiB of cells; save the "
            "table as CSV (UTF-8)"
        )


def _overlap(pieces: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Give each piece with the end of the one before it, and where it starts."""
    start, before = 0, b""
    for piece in pieces:
        yield start, before + piece
        start += len(before) + len(piece)
        before = piece[-_OVERLAP:]
        start -= len(before)


def _number(letters: bytes) -> int:
    """The number of a column: A is 1, AA is 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number
