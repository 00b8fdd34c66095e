"""The workbook people open: page one and what is in it, then a sheet a table or list of leads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.worksheet import Worksheet

from funnel_lib.audit import Audit
from funnel_lib.core.tables import read_tables
from funnel_lib.core.words import Words
from funnel_lib.reporting.book.lists import list_lost, list_open, tell_left
from funnel_lib.reporting.book.sheets import (
    BOLD,
    LINK,
    QUIET,
    WRAPPED,
    Book,
    Sheet,
    clean,
    link_to,
    measure_height,
    name_sheet,
    tell_about,
    write_table,
)
from funnel_lib.reporting.page_one import PageOne, compose_page_one, describe_leads, tell_above
from funnel_lib.sections import list_questions, list_sections
from funnel_lib.sections.section import Answer, Section, list_for_people, title_table

_WIDTHS = (34, 34, 34, 34)  # of the columns of the first sheet, in characters
_LARGE, _MIDDLE = 15, 12  # points
_TEXTS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def write_workbook(audit: Audit, path: str | Path) -> None:
    """Write the workbook people open, in the audit's language: page one, then a sheet a table, the
    lists to work through first; text is never a formula. Nothing in it depends on when it is
    written."""
    words = audit.words()
    front = words.text("table.front")
    every = [*_list_sheets(audit, words)]
    sheets = [sheet for sheet in every if len(sheet.table)]
    taken = {front.casefold()}
    names = dict.fromkeys(range(len(sheets)), "")
    for n in sorted(names, key=lambda n: sheets[n].is_part):  # a table's name comes first
        names[n] = name_sheet(sheets[n].title, taken)
    workbook = Workbook(str(path), _TEXTS)
    until = audit.journeys.observed_until.tz_localize(None).floor("s")
    title = words.text("notebook.title")
    workbook.set_properties({"title": title, "created": until.to_pydatetime(warn=False)})
    book = Book(workbook, words)
    _write_front(audit, book, front, dict(zip(names.values(), sheets, strict=True)),
                 [sheet.title for sheet in every if not len(sheet.table)])  # fmt: skip
    for n, sheet in enumerate(sheets):
        write_table(book, names[n], sheet, front)
    try:
        workbook.close()
    except FileCreateError as error:  # what the disk said, as of every other file
        raise error.args[0] from None


def _list_sheets(audit: Audit, words: Words) -> Iterator[Sheet]:
    """What people get of every section: the lists to work through first, then in the order of the
    report; last what it does not ask, as all leads."""
    unasked = [section for section in list_sections() if not section.has_heading]
    for section in sorted([*list_questions(), *unasked], key=lambda s: not s.is_list):
        for part in section.walk():
            about = part.write("question", words) or section.write("question", words)
            yield from _list_own(audit, section, part, about, words)
        if section.name == "losses":
            yield from list_lost(audit, words)


def _list_own(
    audit: Audit, section: Section, part: Section, about: str, words: Words
) -> Iterator[Sheet]:
    for name, table in Answer(part, audit).list_tables().items():
        if name == "open_leads":
            yield from list_open(audit, words, about)
            continue
        yield Sheet(
            title_table(name, words),
            about or (words.text("sheet.all_leads") if name == "leads" else ""),
            table,
            list_for_people(name, table),
            name=name if name in read_tables() else "",
            more_in=f"tables/{name}.csv",
            section=section.name,
        )


@dataclass
class _Page:
    """The first sheet, written from top to bottom."""

    book: Book
    sheet: Worksheet
    row: int = 0

    def write(self, text: str, begin: int = 0, size: float = 11, **how) -> None:
        """Write a text into a row, from a column to the last."""
        self.put(text, begin, len(_WIDTHS) - 1, size, **how)
        self.row += 1

    def put(self, text: str, begin: int, end: int, size: float = 11, **how) -> None:
        """Write a text into joined cells of this row, which is made high enough."""
        look, text = self.book.look(**WRAPPED, font_size=size, **how), clean(text)
        if end > begin:
            self.sheet.merge_range(self.row, begin, self.row, end, "", look)
        self.sheet.write_string(self.row, begin, text, look)
        high = measure_height(text, sum(_WIDTHS[begin : end + 1]), size)
        self.sheet.set_row(self.row, max(high, self.sheet.row_sizes.get(self.row, [0])[0]))

    def head(self, text: str) -> None:
        """Begin a part."""
        self.row += 1
        self.write(text, size=_MIDDLE, **BOLD, bottom=1, bottom_color="#8894a4")


def _write_front(
    audit: Audit, book: Book, front: str, sheets: dict[str, Sheet], empty: list[str]
) -> None:
    words, sheet = book.words, book.add(front)
    sheet.hide_gridlines(2)
    for n, width in enumerate(_WIDTHS):
        sheet.set_column(n, n, width)
    page = _Page(book, sheet)
    told = compose_page_one(audit.tables, words, audit.journeys)
    page.write(words.text("notebook.title"), size=_LARGE, **BOLD)
    if told.numbers:
        page.write(describe_leads(audit, words), **QUIET)
    for line in tell_above(audit):
        page.write(line, bg_color="#fbf3dc")
    _write_page_one(page, told, sheets)
    _write_contents(page, sheets)
    if empty:
        page.write(f"{words.text('chrome.silent')} {', '.join(empty)}.", **QUIET)
    for line in tell_left(audit, words):
        page.write(line, **QUIET)
    page.head(words.text("question.limits"))
    for line in audit.limits.tell():
        page.write(line)


def _write_page_one(page: _Page, told: PageOne, sheets: dict[str, Sheet]) -> None:
    words = page.book.words
    page.row += 1
    page.write(told.answer, size=_LARGE, **BOLD)
    if told.reason:
        page.write(told.reason, size=_MIDDLE)
    page.row += 1
    for part in ("name", "value", "notes"):
        for n, number in enumerate(told.numbers):
            text = getattr(number, part)
            how = {"size": 18, **BOLD} if part == "value" else QUIET
            page.put("\n".join(text) if part == "notes" else text, n, n, **how)
        page.row += bool(told.numbers)
    if told.acts:
        page.head(words.text("page.to_do"))
    for act in told.acts:
        page.put(words.text(f"page.{act.when}"), 0, 0, **BOLD)
        page.write(act.title, 1, **BOLD)
        to = next((name for name, sheet in sheets.items() if sheet.section == act.section), "")
        if to:
            link_to(page.sheet, page.row, 0, to, f"→ {to}", page.book.look(**LINK))
        page.write(" ".join(filter(None, [*act.told, act.gain])), 1)
    if told.trust:
        page.head(words.text("page.trust"))
    for line in told.trust:
        page.write(line)


def _write_contents(page: _Page, sheets: dict[str, Sheet]) -> None:
    words, last = page.book.words, len(_WIDTHS) - 1
    page.head(words.text("sheet.contents"))
    page.put(words.text("sheet.sheet"), 0, 0, **QUIET)
    page.put(words.text("sheet.holds"), 1, last - 1, **QUIET)
    page.put(words.text("sheet.rows"), last, last, **QUIET, align="right")
    page.row += 1
    whole = page.book.look(num_format="#,##0", align="right", valign="top")
    for name, sheet in sheets.items():
        indent = {"indent": 1} if sheet.is_part else {}
        link_to(page.sheet, page.row, 0, name, name, page.book.look(**LINK, **indent))
        page.put(tell_about(sheet, words), 1, last - 1)
        page.sheet.write_number(page.row, last, min(len(sheet.table), sheet.most), whole)
        page.row += 1
