"""What the command shows on the screen, and the audit of stages as a file."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from funnel_lib.core.errors import drop_controls
from funnel_lib.core.events import EventLog
from funnel_lib.core.words import Words, label_table
from funnel_lib.sections.quality.conclusions import (
    describe_log,
    label_actions,
    label_contents,
    list_problems,
    tell_conclusions,
)
from funnel_lib.sections.quality.exports import tell_sources
from funnel_lib.sections.stages.names import build_sheet

MOST_FREQUENT = 15  # actions and stages that a check shows


def print_check(log: EventLog, words: Words) -> None:
    """Print what is in an export, what is wrong with it, and what can be concluded."""
    with show_progress():
        tables, quality = describe_log(log), list_problems(log)
        told = tell_conclusions(log, words)
    console = _make_console(100)
    for source in tell_sources(log, words):
        console.print(_plain(source), end="\n\n")
    parts = {
        "contents": label_contents(tables, words),
        "actions": label_table(label_actions(tables["actions"], words), words),
        "stages": label_table(tables["stages"], words),
        "quality": label_table(quality[["severity", *quality.columns.drop("severity")]], words),
    }
    for name, table in parts.items():
        if table.empty and name != "quality":
            continue
        most = MOST_FREQUENT if name in ("actions", "stages") else len(table)
        console.print(Text(words.text(f"chrome.check_{name}"), style="bold"))
        nothing = Text(words.text("sentence.quality_none"))
        console.print(nothing if table.empty else _draw(table[:most]))
        if len(table) > most:
            console.print(Text(words.text("chrome.more_hidden", n=len(table) - most)))
        console.print()
    console.print(Text(words.text("chrome.check_conclusions"), style="bold"))
    listed = Table.grid(padding=(0, 1))
    for sentence in told:
        listed.add_row("·", _plain(sentence))
    console.print(listed)


def print_summary(told: list[str], warnings: list[dict], words: Words) -> None:
    """Print what page one tells, and what is odd in the data: the checks and their rows."""
    console = _make_console(100)
    for sentence in told:
        console.print(_plain(sentence), end="\n\n")
    if warnings:
        named = [w | {"name": words.text(f"check.{w['check']}")} for w in warnings]
        checks = words.each("sentence.quality_check", named)
        told = words.text("sentence.warnings", n=len(warnings), checks=checks)
        console.print(_plain(told), end="\n\n")


def print_stages(audit: pd.DataFrame, words: Words) -> None:
    """Print the audit of stages."""
    _make_console(160).print(_draw(_label_stages(audit, words)))


def save_stages(audit: pd.DataFrame, words: Words, path: Path) -> None:
    """Write a CSV for machines, or a workbook with the workshop sheet; text is no formula."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".csv":
        from funnel_lib.reporting.outputs import write_csv  # all that an audit imports

        write_csv(audit, path)
        return
    sheet = build_sheet(audit, words.lang).drop(columns="step")
    sheets = {
        "stages": _label_stages(audit, words),
        "new_funnel": sheet.rename(columns=words.column),
    }
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with pd.ExcelWriter(path, engine="xlsxwriter", engine_kwargs={"options": options}) as book:
        for name, table in sheets.items():
            title = words.text(f"table.{name}")
            table.to_excel(book, sheet_name=title, index=False)
            wrapped = book.book.add_format({"text_wrap": True, "valign": "top"})
            book.sheets[title].set_column(0, len(table.columns), 30, wrapped)


def show_progress() -> AbstractContextManager:
    """Show that something is done, where there is a screen."""
    console = Console(stderr=True)
    return console.status("…") if console.is_terminal else nullcontext()


def _label_stages(audit: pd.DataFrame, words: Words) -> pd.DataFrame:
    """Write the audit in the reader's words; a lost end is told where the others say whose."""
    whose = audit["end"].where(audit["end"] != "", audit["kind"])
    shown = audit[["stage"]].assign(
        whose=[words.text(f"kind.{w}") for w in whose],
        call_it=audit["name"], shown_by=audit["evidence"], nearest=audit["nearest"],
    )  # fmt: skip
    return shown.rename(columns=words.column)


def _draw(table: pd.DataFrame) -> Table:
    """Draw a table of texts; what is long is cut, and nothing in it is an order to the screen."""
    drawn = Table(*table.columns)
    for column, texts in zip(drawn.columns, table.to_numpy(object).T, strict=True):
        numeric = all(re.fullmatch(r"[\d\s.,%]+|—", x) for x in texts)
        column.justify = "right" if numeric else "left"
    for row in table.itertuples(index=False):
        drawn.add_row(*(_plain(x if len(x) <= 120 else f"{x[:119]}…") for x in row))
    return drawn


def _plain(text: str) -> Text:
    return Text(drop_controls(re.sub(r"[\t\n\r]", " ", text)))


def _make_console(width: int) -> Console:
    """Take the screen as it is; a file or a pipe is as wide as told."""
    console = Console()
    return console if console.is_terminal else Console(width=width)
