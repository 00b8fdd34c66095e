"""The workbook people open: page one, then a sheet a table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandas.api.types import is_datetime64_any_dtype, is_string_dtype
from xlsxwriter.exceptions import FileCreateError

from funnel_lib.audit import Audit
from funnel_lib.core.tables import find_column, read_tables
from funnel_lib.core.words import Words
from funnel_lib.reporting.page_one import tell_page_one
from funnel_lib.sections import list_sections
from funnel_lib.sections.quality.exports import tell_export
from funnel_lib.sections.section import Answer, list_for_people, title_table

_SHARE, _PLAIN = "0.0%", "#,##0.##"


def write_workbook(audit: Audit, path: str | Path) -> None:
    """Write the workbook people open, in the audit's language: page one, then a sheet a table, the
    lists to work through first; text is never a formula."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    words = audit.words()
    try:
        with pd.ExcelWriter(path, engine="xlsxwriter", engine_kwargs={"options": options}) as book:
            _write_front(audit, words, book)
            for name, table in _list_sheets(audit):
                table = table[list_for_people(name, table)]
                _write_sheet(table, name, words, title_table(name, words), book)
    except FileCreateError as error:  # what the disk said, as of every other file
        raise error.args[0] from None


def _list_sheets(audit: Audit) -> list[tuple[str, pd.DataFrame]]:
    """What people get of every section, by name: the lists to work through first, then in the order
    of the report, where it asks; last what it does not ask, as all leads."""
    sections = sorted(list_sections(), key=lambda s: (not s.is_list, not s.has_heading))
    parts = [part for section in sections for part in section.walk()]
    return [sheet for part in parts for sheet in Answer(part, audit).list_tables().items()]


def _for_people(table: pd.DataFrame, name: str, words: Words) -> pd.DataFrame:
    """Names and words in the reader's language; numbers stay numbers, times lose their zone."""
    written = {}
    for column, cells in table.infer_objects().items():
        if is_datetime64_any_dtype(cells):
            cells = cells.dt.tz_convert(words.time_zone).dt.tz_localize(None)
        elif cells.dtype == object or is_string_dtype(cells) or cells.dtype == bool:
            cells = cells.astype(object).map(
                lambda x, column=column: None if pd.isna(x) else words.value(column, x, name)
            )
        written[column] = cells
    return pd.DataFrame(written)


def _write_front(audit: Audit, words: Words, book: pd.ExcelWriter) -> None:
    lines = [
        *tell_export(audit.log, words, audit.journeys),
        *tell_page_one(audit.tables, words, audit.journeys),
        "",
        *audit.limits.tell(),
    ]
    sheet = book.book.add_worksheet(words.text("table.front"))
    wrapped = book.book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 110)
    for row, line in enumerate([words.text("notebook.title"), "", *lines]):
        sheet.write_string(row, 0, line, wrapped)


def _write_sheet(
    table: pd.DataFrame, name: str, words: Words, title: str, book: pd.ExcelWriter
) -> None:
    name = name if name in read_tables() else ""
    share, plain = (book.book.add_format({"num_format": f}) for f in (_SHARE, _PLAIN))
    bold = book.book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    table = _for_people(table, name, words)
    table.to_excel(book, sheet_name=title, index=False)
    sheet = book.sheets[title]
    for n, column in enumerate(table):
        numeric = pd.api.types.is_numeric_dtype(table[column])
        known = find_column(column, name)
        is_share = known is not None and known.kind in ("share", "probability")
        longest = 0 if numeric else table[column].astype("str").str.len().max()
        width = 14 if numeric or pd.isna(longest) else min(max(14, longest + 2), 60)
        sheet.set_column(n, n, width, share if is_share else plain if numeric else None)
        sheet.write_string(0, n, words.column(column, name), bold)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(table), 1), len(table.columns) - 1)
