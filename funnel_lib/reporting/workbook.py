"""The workbook people open: page one, then a sheet a table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandas.api.types import is_datetime64_any_dtype, is_string_dtype

from funnel_lib.audit import Audit
from funnel_lib.core.tables import CONTRACT
from funnel_lib.core.words import Words
from funnel_lib.reporting.page_one import tell_page_one
from funnel_lib.sections.answers.tell import name_managers
from funnel_lib.sections.new_funnel.count import build_blueprint
from funnel_lib.sections.quality.exports import tell_export, tell_sources
from funnel_lib.sections.quality.tell import tell_assumed, tell_limits

_SHEETS = (
    "open_leads",
    "hypotheses",
    "segments",
    "value",
    "funnel",
    "losses",
    "necessity",
    "stages",
    "stage_by_step",
    "time_to",
    "cohorts",
    "standing",
    "pace",
    "repeats",
    "responses",
    "funnel_rules",
    "leads",
    "quality",
)
_RANGES_OF_MONEY = {"low": "extra_low", "high": "extra_high"}  # elsewhere they are of shares


def write_workbook(audit: Audit, words: Words, path: str | Path) -> None:
    """Write the workbook people open: page one, then a sheet a table; text is never a formula."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with pd.ExcelWriter(path, engine="xlsxwriter", engine_kwargs={"options": options}) as book:
        _write_front(audit, words, book)
        blueprint = build_blueprint(audit.tables, audit.steps, words)
        for name in _SHEETS:
            if name == "funnel":
                title = words.text("sheet.blueprint")
                _write_sheet(_for_people(blueprint, words), words, title, book)
            table = audit.tables[name]
            table = name_managers(table, words) if name == "responses" else table
            alone = name != "segments" and len(audit.tables["segments"]) == 1
            columns = [c for c in CONTRACT[name].split() if not (alone and c == "segment")]
            shown = table[columns].rename(columns=_RANGES_OF_MONEY if name == "hypotheses" else {})
            _write_sheet(_for_people(shown, words), words, words.text(f"sheet.{name}"), book)


def _for_people(table: pd.DataFrame, words: Words) -> pd.DataFrame:
    """Names and words in the reader's language; numbers stay numbers, times lose their zone."""
    written = {}
    for name in table:
        column = table[name]
        if is_datetime64_any_dtype(column):
            column = column.dt.tz_convert(words.time_zone).dt.tz_localize(None)
        elif column.dtype == object or is_string_dtype(column) or column.dtype == bool:
            column = column.astype(object).map(
                lambda x, name=name: None if pd.isna(x) else words.value(name, x)
            )
        written[name] = column
    return pd.DataFrame(written)


def _write_front(audit: Audit, words: Words, book: pd.ExcelWriter) -> None:
    lines = [
        *tell_export(audit.log, words),
        *tell_page_one(audit.tables, words),
        "",
        *tell_limits(audit.tables["leads"], audit.tables["quality"], words),
        *tell_assumed(audit.log.assumed, audit.log.observed_until, words),
        *tell_sources(audit.log, words),
    ]
    sheet = book.book.add_worksheet(words.text("sheet.front"))
    wrapped = book.book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 110)
    for row, line in enumerate([words.text("chrome.title"), "", *lines]):
        sheet.write_string(row, 0, line, wrapped)


def _write_sheet(table: pd.DataFrame, words: Words, title: str, book: pd.ExcelWriter) -> None:
    share, plain = (book.book.add_format({"num_format": f}) for f in ("0.0%", "#,##0.##"))
    bold = book.book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    table.to_excel(book, sheet_name=title, index=False)
    sheet = book.sheets[title]
    for n, name in enumerate(table):
        numeric = pd.api.types.is_numeric_dtype(table[name])
        is_share = name.startswith("share") or name.endswith("_share") or name in ("low", "high")
        longest = 0 if numeric else table[name].astype("str").str.len().max()
        width = 14 if numeric or pd.isna(longest) else min(max(14, longest + 2), 60)
        sheet.set_column(n, n, width, share if is_share else plain if numeric else None)
        sheet.write_string(0, n, words.column(name), bold)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(table), 1), len(table.columns) - 1)
