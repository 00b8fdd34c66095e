"""Tables and sentences as a notebook shows them and a report prints them."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import pandas as pd

from funnel_lib.labels import Words, label_table

MOST_ROWS = 20


@dataclass(frozen=True)
class Html:
    """A piece of HTML, safe to show: everything from the data is escaped."""

    html: str

    def _repr_html_(self) -> str:
        return self.html


def show_table(
    table: pd.DataFrame, words: Words, columns: list[str] | None = None, file: str = ""
) -> Html:
    """Show a table for reading: titles, names and numbers in the reader's language.

    Parameters
    ----------
    table : a tidy frame
    words : the reader's language
    columns : which columns to show, in order; columns of money are written with their currency
    file : where the whole table lies, named when only the first `MOST_ROWS` rows are shown

    Examples
    --------
    >>> show_table(pd.DataFrame({"step": ["<b>"], "n_reached": [2.0]}), Words("en")).html
    '<div class="table"><table><thead><tr><th>Client step</th><th class="number">Reached</th>...
    """
    if table.empty:
        return show_text(words.text("chrome.nothing"), kind="more")
    shown = table.head(MOST_ROWS)
    numeric = [pd.api.types.is_numeric_dtype(table[c].dtype) for c in columns or table.columns]
    shown = _with_currency(shown, words)
    labelled = label_table(shown[columns] if columns else shown, words)
    head = "".join(_cell("th", c, n) for c, n in zip(labelled.columns, numeric, strict=True))
    rows = "".join(
        "<tr>" + "".join(_cell("td", x, n) for x, n in zip(row, numeric, strict=True)) + "</tr>"
        for row in labelled.itertuples(index=False)
    )
    html = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    hidden = len(table) - len(shown)
    if hidden:
        more = words.text("chrome.more_rows", n=hidden, file=file)
        html += f'<p class="more">{escape(more)}</p>'
    return Html(f'<div class="table">{html}</div>')


def show_text(told: str | list[str], kind: str = "finding") -> Html:
    """Show a sentence, or several as a numbered list, each once.

    Examples
    --------
    >>> show_text("1 < 2").html
    '<p class="finding">1 &lt; 2</p>'
    """
    if isinstance(told, str):
        return Html(f'<p class="{kind}">{escape(told)}</p>')
    items = "".join(f"<li>{escape(t)}</li>" for t in dict.fromkeys(told))
    return Html(f'<ol class="{kind}">{items}</ol>')


def _cell(tag: str, text: str, numeric: bool) -> str:
    kind = ' class="number"' if numeric else ""
    return f"<{tag}{kind}>{escape(str(text))}</{tag}>"


def _with_currency(table: pd.DataFrame, words: Words) -> pd.DataFrame:
    """Write amounts with the currency of their row."""
    if "currency" not in table:
        return table
    written = {
        c: [
            words.money(x, "" if pd.isna(k) else k)
            for x, k in zip(table[c], table["currency"], strict=True)
        ]
        for c in table.columns
        if c.startswith("amount")
    }
    return table.assign(**written)
