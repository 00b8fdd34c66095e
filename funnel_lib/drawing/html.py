"""Tables and sentences as HTML, everything from the data escaped."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

import pandas as pd

from funnel_lib.core.html import Html, render
from funnel_lib.core.tables import find_column, list_columns
from funnel_lib.core.words import Words, label_table

MOST_ROWS = 20


def show_table(
    table: pd.DataFrame,
    words: Words,
    columns: list[str] | None = None,
    file: str = "",
    *,
    name: str = "",
    most: int = MOST_ROWS,
) -> Html:
    """Show a table for reading: titles, names and numbers in the reader's language.

    Parameters
    ----------
    columns : which columns to show, in order, by default those that the registry shows to people;
        money is written with the currency of its row
    file : where the whole table lies, named when only the first `most` rows are shown
    name : which table of the registry it is (see `words.label_table`)
    """
    if table.empty:
        return show_text(words.text("chrome.nothing"), kind="more")
    columns = columns or (list_columns(name, shown=True) if name else list(table))
    shown = _with_currency(table.head(most), words, name)
    numeric = [pd.api.types.is_numeric_dtype(table[c].dtype) for c in columns]
    labelled = label_table(shown, words, name, columns)
    hidden, more = len(table) - len(shown), ""
    if hidden:
        key = "chrome.more_rows" if file else "chrome.more_hidden"
        more = words.text(key, n=hidden, file=file)
    if words.lead_url and "lead_id" in columns:
        at = labelled.columns[columns.index("lead_id")]
        labelled[at] = [_link(x, words.lead_url) for x in labelled[at]]
    rows = labelled.itertuples(index=False)
    return render("table", titles=list(labelled), rows=rows, numeric=numeric, more=more)


def show_text(told: str | list[str], kind: str = "finding") -> Html:
    """Show a sentence, or several as a numbered list, each once; nothing where there is none."""
    return render("text", told=told if isinstance(told, str) else [*dict.fromkeys(told)], kind=kind)


def _link(lead_id: str, url: str) -> Html:
    """Link a lead to its card."""
    address = url.replace("{id}", quote(lead_id, safe=""))
    return Html(f'<a href="{escape(address)}">{escape(lead_id)}</a>')


def _with_currency(table: pd.DataFrame, words: Words, name: str) -> pd.DataFrame:
    """Write money with the currency of its row."""
    if "currency" not in table:
        return table
    money = [c for c in table if (known := find_column(c, name)) and known.kind == "money"]
    currency = ["" if pd.isna(k) else k for k in table["currency"]]
    return table.assign(**{c: list(map(words.money, table[c], currency)) for c in money})
