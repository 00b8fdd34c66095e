"""Tables, sentences and pictures as HTML, everything from the data escaped."""

from __future__ import annotations

from base64 import b64encode
from html import escape

import pandas as pd

from funnel_lib.core.html import Html
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
) -> Html:
    """Show a table for reading: titles, names and numbers in the reader's language.

    Parameters
    ----------
    columns : which columns to show, in order, by default those that the registry shows to people;
        money is written with the currency of its row
    file : where the whole table lies, named when only the first `MOST_ROWS` rows are shown
    name : which table of the registry it is (see `words.label_table`)
    """
    if table.empty:
        return show_text(words.text("chrome.nothing"), kind="more")
    columns = columns or (list_columns(name, shown=True) if name else list(table))
    shown = _with_currency(table.head(MOST_ROWS), words, name)
    numeric = [pd.api.types.is_numeric_dtype(table[c].dtype) for c in columns]
    labelled = label_table(shown, words, name, columns)
    head = "".join(_cell("th", c, n) for c, n in zip(labelled.columns, numeric, strict=True))
    rows = "".join(
        "<tr>" + "".join(_cell("td", x, n) for x, n in zip(row, numeric, strict=True)) + "</tr>"
        for row in labelled.itertuples(index=False)
    )
    html = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    hidden = len(table) - len(shown)
    if hidden:
        key = "chrome.more_rows" if file else "chrome.more_hidden"
        more = words.text(key, n=hidden, **({"file": file} if file else {}))
        html += f'<p class="more">{escape(more)}</p>'
    return Html(f'<div class="table">{html}</div>')


def show_matrix(table: pd.DataFrame, words: Words, rows: str, columns: str, value: str) -> Html:
    """Show counts of two kinds of things crossed, the larger a count the darker its cell.

    `table` has one row a cell that is not empty. Rows keep its order, columns are steps in the
    order of the steps file.
    """
    if table.empty:
        return show_text(words.text("chrome.nothing"), kind="more")
    known = {step: n for n, step in enumerate(words.step_names)}
    steps = sorted(table[columns].unique(), key=lambda step: known.get(step, len(known)))
    wide = table.pivot_table(value, rows, columns, aggfunc="sum", fill_value=0)
    wide = wide.reindex(index=table[rows].drop_duplicates(), columns=steps)
    most = max(wide.to_numpy().max(), 1)
    head = _cell("th", words.column(rows), False)
    head += "".join(_cell("th", words.value(columns, c), True) for c in wide.columns)
    body = ""
    for name, counts in wide.iterrows():
        cells = "".join(
            f'<td class="number" style="background:rgba(184,74,0,{0.6 * n / most:.2f})">'
            f"{escape(words.number(n)) if n else ''}</td>"
            for n in counts
        )
        body += f"<tr>{_cell('td', words.value(rows, name), False)}{cells}</tr>"
    table_html = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return Html(f'<div class="table">{table_html}</div>')


def show_text(told: str | list[str], kind: str = "finding") -> Html:
    """Show a sentence, or several as a numbered list, each once; nothing where there is none."""
    if isinstance(told, str):
        return Html(f'<p class="{kind}">{escape(told)}</p>')
    items = "".join(f"<li>{escape(t)}</li>" for t in dict.fromkeys(told))
    return Html(f'<ol class="{kind}">{items}</ol>' if told else "")


def show_row(pictures: list) -> Html:
    """Show what `show_figure` returns side by side where the page is wide enough, else one below
    the other."""
    figures = "".join(
        f'<figure style="flex:1 1 330px;margin:0;max-width:480px"><img style="width:100%" '
        f'src="data:image/svg+xml;base64,{b64encode(p.svg.encode()).decode()}" '
        f'alt="{escape(p.alt)}"></figure>'
        for p in pictures
    )
    return Html(f'<div style="{FLEX}gap:24px">{figures}</div>')


FLEX = "display:flex;flex-wrap:wrap;align-items:flex-start;"
CARD = "border:1px solid #dde3ea;border-radius:8px;padding:12px 16px;margin:14px 0"


def _cell(tag: str, text: str, numeric: bool) -> str:
    kind = ' class="number"' if numeric else ""
    return f"<{tag}{kind}>{escape(str(text))}</{tag}>"


def _with_currency(table: pd.DataFrame, words: Words, name: str) -> pd.DataFrame:
    """Write money with the currency of its row."""
    if "currency" not in table:
        return table
    money = [c for c in table if (known := find_column(c, name)) and known.kind == "money"]
    currency = ["" if pd.isna(k) else k for k in table["currency"]]
    return table.assign(**{c: list(map(words.money, table[c], currency)) for c in money})
