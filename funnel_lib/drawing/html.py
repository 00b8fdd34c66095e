"""Tables, sentences and pictures as HTML, everything from the data escaped."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from funnel_lib.core.tables import find_column
from funnel_lib.core.words import Words, label_table

MOST_ROWS = 20


@dataclass(frozen=True)
class Html:
    """A piece of HTML, safe to show: everything from the data is escaped."""

    html: str

    def __html__(self) -> str:
        return self.html

    _repr_html_ = __html__


def render(template: str, /, **values: Any) -> Html:
    """Fill the template of that name, of the folder `templates` beside this file.

    What is given is escaped, unless it is `Html` already; a value that the template names and
    nobody gives is an error.
    """
    return Html(_open_templates().get_template(f"{template}.html.j2").render(values))


@cache
def _open_templates() -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["base64"] = lambda text: b64encode(text.encode()).decode()
    return templates


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
    columns : which columns to show, in order; money is written with the currency of its row
    file : where the whole table lies, named when only the first `MOST_ROWS` rows are shown
    name : which table of the registry it is (see `words.label_table`)
    """
    if table.empty:
        return show_text(words.text("chrome.nothing"), kind="more")
    shown = _with_currency(table.head(MOST_ROWS), words, name)
    numeric = [pd.api.types.is_numeric_dtype(table[c].dtype) for c in columns or table.columns]
    labelled = label_table(shown, words, name, columns)
    hidden, more = len(table) - len(shown), ""
    if hidden:
        key = "chrome.more_rows" if file else "chrome.more_hidden"
        more = words.text(key, n=hidden, file=file)
    rows = labelled.itertuples(index=False)
    return render("table", titles=list(labelled), rows=rows, numeric=numeric, more=more)


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
    titles = [words.value(columns, step) for step in wide]
    tints = (0.6 * wide / most).map("{:.2f}".format)
    texts = wide.map(lambda n: words.number(n) if n else "")
    cells = [zip(*row, strict=True) for row in zip(tints.values, texts.values, strict=True)]
    names = [words.value(rows, name) for name in wide.index]
    body = zip(names, cells, strict=True)
    return render("matrix", corner=words.column(rows), titles=titles, rows=body)


def show_text(told: str | list[str], kind: str = "finding") -> Html:
    """Show a sentence, or several as a numbered list, each once; nothing where there is none."""
    return render("text", told=told if isinstance(told, str) else [*dict.fromkeys(told)], kind=kind)


def show_row(pictures: list) -> Html:
    """Show what `show_figure` returns side by side where the page is wide enough, else one below
    the other."""
    return render("row", pictures=pictures)


def _with_currency(table: pd.DataFrame, words: Words, name: str) -> pd.DataFrame:
    """Write money with the currency of its row."""
    if "currency" not in table:
        return table
    money = [c for c in table if (known := find_column(c, name)) and known.kind == "money"]
    currency = ["" if pd.isna(k) else k for k in table["currency"]]
    return table.assign(**{c: list(map(words.money, table[c], currency)) for c in money})
