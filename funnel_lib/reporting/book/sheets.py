"""A table as a sheet of a workbook: its cells, formats, widths, links, and how it prints."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from math import ceil

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from funnel_lib.core.tables import Column, find_column
from funnel_lib.core.words import HUGE, Words

MOST_ROWS = 100_000  # of a sheet: more are of no use there, and stand in the folder of tables
_MOST_WIDE, _LEAST_WIDE = 48, 9  # characters
_FILTER = 3  # characters that the button beside a title covers
_LONGEST_NAME = 31  # of a sheet, as UTF-16 counts
_PAPER = 9  # A4
_DAYS = (61, 2_958_466)  # that a spreadsheet can count from its first day on
_FIRST_DAY = pd.Timestamp("1899-12-30")
_DATE = {"en": "[$-409]d mmm yyyy", "ru": "dd.mm.yyyy"}
_P_VALUE = {"en": '[<0.001]"< 0.001";0.000', "ru": '[<0.001]"< 0,001";0.000'}
_DIGITS = {"days": 1, "hours": 1}  # of kinds; others are whole
# What no XML may hold, or turns the text behind it around.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ILLEGAL = re.compile(r"[\[\]:*?/\\\s]+")

_PART = "#c9d6e6"  # of the tab of a list that is part of another
BOLD = {"bold": True}
WRAPPED = {"text_wrap": True, "valign": "top"}
LINK = {"font_color": "#1f5a94", "underline": 1, "valign": "top"}
_HEAD = {**WRAPPED, **BOLD, "bg_color": "#eef1f5", "bottom": 1, "bottom_color": "#8894a4"}
QUIET = {"font_color": "#5a6472"}


@dataclass(frozen=True)
class Sheet:
    """A table as people get it.

    Attributes
    ----------
    title : what people call it; the name of the sheet, as far as that may hold it
    about : what it holds
    table : its rows
    columns : of the table, in their order
    name : of the table in the registry; empty where it is not registered
    titles : of columns that are called otherwise than the registry does
    more_in : the file of all rows, where there are more than `most`
    most : rows that are written
    section : whose it is
    is_part : whether it is part of another sheet's rows
    """

    title: str
    about: str
    table: pd.DataFrame
    columns: list[str]
    name: str = ""
    titles: dict[str, str] = field(default_factory=dict)
    more_in: str = ""
    most: int = MOST_ROWS
    section: str = ""
    is_part: bool = False

    def is_of_leads(self) -> bool:
        """Whether its rows are single leads, which is told by what stands first."""
        return self.columns[0] == "lead_id"


@dataclass(frozen=True)
class Book:
    """A workbook that is being written, and the formats that it has so far."""

    book: Workbook
    words: Words
    formats: dict[tuple, Format] = field(default_factory=dict)

    def look(self, **how) -> Format:
        """The format of these properties."""
        key = tuple(sorted(how.items()))
        if key not in self.formats:
            self.formats[key] = self.book.add_format(how)
        return self.formats[key]

    def add(self, name: str, frozen: tuple[int, int] = (0, 0)) -> Worksheet:
        """Add a sheet that prints as wide as a page, its pages numbered."""
        sheet = self.book.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(_PAPER)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.7)
        sheet.set_footer("&L&A&R&P / &N")
        if any(frozen):
            sheet.freeze_panes(*frozen)
        return sheet


def link_to(sheet: Worksheet, row: int, column: int, name: str, text: str, look: Format) -> None:
    """Link a cell to another sheet."""
    quoted = name.replace("'", "''")
    sheet.write_url(row, column, f"internal:'{quoted}'!A1", look, text)


def write_table(book: Book, name: str, sheet: Sheet, front: str) -> None:
    """Write a table: above it the way back and what it holds, then its titles, then its rows."""
    words, table = book.words, sheet.table[: sheet.most]
    page = book.add(name, (2, 1 if sheet.is_of_leads() else 0))
    if sheet.is_part:
        page.set_tab_color(_PART)
    link_to(page, 0, 0, front, words.text("sheet.back", front=front), book.look(**LINK))
    page.write_string(0, 1, tell_about(sheet, words), book.look(**QUIET, valign="top"))
    for n, column in enumerate(sheet.columns):
        cells, form, width = _write_column(table, column, sheet.name, words)
        is_number = "num_format" in form
        title = sheet.titles.get(column) or words.column(column, sheet.name)
        side = {"align": "right"} if is_number else {}
        width = max(width, *(len(word) + _FILTER for word in title.split()), _LEAST_WIDE)
        page.set_column(n, n, min(width, _MOST_WIDE), book.look(**WRAPPED, **side, **form))
        page.write_string(1, n, clean(title), book.look(**_HEAD, **side))
        _fill(page, n, cells)
    last = len(table) + 1
    page.autofilter(1, 0, max(last, 2), len(sheet.columns) - 1)
    page.repeat_rows(1)
    page.ignore_errors({"number_stored_as_text": f"A1:XFD{last + 1}"})


def tell_about(sheet: Sheet, words: Words) -> str:
    """What a sheet holds, and how much more there is."""
    more = len(sheet.table) - sheet.most
    if more <= 0:
        return clean(sheet.about)
    told = words.text("chrome.more_rows", n=more, file=sheet.more_in)
    return clean(f"{sheet.about} {told}".strip())


def _fill(page: Worksheet, column: int, cells: list) -> None:
    for row, cell in enumerate(cells, 2):
        if cell.__class__ is float:
            page.write_number(row, column, cell)
        elif cell is not None:
            page.write_string(row, column, cell)


def _write_column(
    table: pd.DataFrame, column: str, name: str, words: Words
) -> tuple[list, dict[str, str], int]:
    """The cells of a column, texts, numbers and nothing, how they look, and how wide they are."""
    known, cells = find_column(column, name), table[column].infer_objects()
    if is_datetime64_any_dtype(cells):
        return _write_times(cells, words)
    if is_numeric_dtype(cells) and not is_bool_dtype(cells):
        return _write_numbers(cells, known, _find_empty(table, known, words), words)
    codes, found = pd.factorize(cells.astype(object))
    texts = [clean(words.value(column, x, name)) for x in found]
    written = [texts[code] if code >= 0 else None for code in codes]
    if column == "example" and "check" in table:
        pairs = zip(table["check"], written, strict=True)
        written = texts = [text and clean(words.example(check, text)) for check, text in pairs]
    width = max((len(line) for text in texts for line in (text or "").split("\n")), default=0)
    return written, {}, width + 2


def _write_times(cells: pd.Series, words: Words) -> tuple[list, dict[str, str], int]:
    """Times of the reader's zone as days; those that a spreadsheet cannot count as texts."""
    if cells.dt.tz is not None:
        cells = cells.dt.tz_convert(words.time_zone).dt.tz_localize(None)
    days = ((cells - _FIRST_DAY) / pd.Timedelta(days=1)).to_numpy(float)
    written: list = days.tolist()
    for row in np.flatnonzero(~((days >= _DAYS[0]) & (days < _DAYS[1]))):
        written[row] = None if np.isnan(days[row]) else str(cells.iloc[row])
    return written, {"num_format": _DATE[words.lang]}, 13


def _write_numbers(
    cells: pd.Series, known: Column | None, empty: np.ndarray, words: Words
) -> tuple[list, dict[str, str], int]:
    """Numbers as they are, to be shown as their kind is; why one is empty, where that is known."""
    numbers = cells.to_numpy(float, na_value=np.nan)
    written: list = numbers.tolist()
    size = np.abs(numbers)
    for row in np.flatnonzero(~(size < HUGE)):  # too large for all its digits, or none at all
        written[row] = None if np.isnan(numbers[row]) else words.number(numbers[row])
    for row in np.flatnonzero(empty != ""):
        written[row] = empty[row]
    form = _find_format(known, words.lang)
    largest = max(size[size < HUGE], default=0)
    told = max((len(x) for x in written if x.__class__ is str), default=0)
    return written, {"num_format": form}, max(len(f"{largest:,.0f}") + 5, told + 2)


def _find_format(known: Column | None, lang: str) -> str:
    if known is None:
        return "General"
    if known.kind in ("share", "points", "probability"):
        return "0.0%"
    if known.kind == "p_value":
        return _P_VALUE[lang]
    digits = _DIGITS.get(known.kind, 0) if known.digits is None else known.digits
    return "#,##0" + ("." + "0" * digits if digits else "")


def _find_empty(table: pd.DataFrame, known: Column | None, words: Words) -> np.ndarray:
    """What to write into the empty cells of a column, (n_rows,); nothing where none is empty."""
    empty = np.full(len(table), "", object)
    if known is None or not known.if_empty:
        return empty
    could = table[known.base] > 0 if known.base in table else True
    if not known.base or known.base in table:
        empty[(table[known.name].isna() & could).to_numpy(bool)] = words.text(
            f"figure.{known.if_empty}"
        )
    return empty


def clean(text: str) -> str:
    """A text as a cell can hold it: what no file can hold is replaced, not left out."""
    return _UNWRITABLE.sub("\ufffd", text)


def name_sheet(title: str, taken: set[str]) -> str:
    """Name a sheet: as long and of such characters as may be, and unlike all that are taken.

    Examples
    --------
    >>> taken = set()
    >>> [name_sheet(title, taken) for title in ("A/B: 'x'", "a b 'X'", "", "History")]
    ["A B 'x", "a b 'X (2)", '—', 'History –']
    """
    shown = "".join(x for x in title if unicodedata.category(x) not in ("Cf", "Co", "Cn", "Cs"))
    shown = _ILLEGAL.sub(" ", _UNWRITABLE.sub(" ", shown)).strip(" '") or "—"
    if shown.casefold() in ("history", "журнал"):  # kept for what programs add themselves
        shown += " –"
    name, n = _shorten(shown, _LONGEST_NAME), 1
    while name.casefold() in taken:
        n += 1
        name = _shorten(shown, _LONGEST_NAME - len(f" ({n})")) + f" ({n})"
    taken.add(name.casefold())
    return name


def _shorten(text: str, most: int) -> str:
    """At most so many UTF-16 units of a text; what is cut ends with an ellipsis."""
    units = text.encode("utf-16-le")
    if len(units) <= 2 * most:
        return text
    return units[: 2 * (most - 1)].decode("utf-16-le", "ignore").rstrip(" '") + "…"


def measure_height(text: str, width: float, size: float = 11) -> float:
    """How high a row must be for a text that wraps within so many characters: Excel finds that by
    itself only for cells that are not joined."""
    room = max(width * 11 / size / 1.1, 1)
    lines = sum(max(ceil(len(line) / room), 1) for line in text.split("\n"))
    return min(lines * size * 1.36 + 2, 400)
