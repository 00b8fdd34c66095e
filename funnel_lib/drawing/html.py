"""Tables and sentences as HTML, everything from the data escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from itertools import pairwise
from urllib.parse import quote

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from funnel_lib.core.html import Html, render
from funnel_lib.core.tables import find_column, list_columns
from funnel_lib.core.words import NOTHING, Words, label_table

MOST_ROWS = 20
# Of a cell: a text, which notebooks would set to the right, a number, both ends of an interval.
TO_LEFT = ' style="text-align:left"'
_CLASSES = (Html(TO_LEFT), Html(' class="number"'), Html(' class="number ends"'))


def show_table(
    table: pd.DataFrame,
    words: Words,
    columns: list[str] | None = None,
    file: str = "",
    *,
    name: str = "",
    most: int = MOST_ROWS,
) -> Html:
    """Show a table for reading: titles, names and numbers in the reader's language; the ends of an
    interval as one column.

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
    labelled = label_table(shown, words, name, columns)
    hidden, more = len(table) - len(shown), ""
    if hidden:
        key = "chrome.more_rows" if file else "chrome.more_hidden"
        more = words.text(key, n=hidden, file=file)
    if words.lead_url and "lead_id" in columns:
        at = labelled.columns[columns.index("lead_id")]
        labelled[at] = [_link(x, words.lead_url) for x in labelled[at]]
    spans = _find_spans(columns)
    parts = [_fold_ends(table, labelled, columns, at, words, name) for at in spans]
    rows = zip(*(cells for _, cells in parts), strict=True)
    titles = [title for title, _ in parts]
    kinds = [_CLASSES[len(at) * _is_number(table[columns[at[0]]])] for at in spans]
    names = ";".join(f"--t{n}:{_quote_css(title)}" for n, title in enumerate(titles, 1))
    return render("table", titles=titles, names=names, rows=rows, kinds=kinds, more=more)


def _quote_css(text: str) -> str:
    """A text as CSS writes it between quotes."""
    safe = re.sub(r"[^\w .,:%–-]", lambda sign: f"\\{ord(sign[0]):x} ", text)
    return f"'{safe}'"


def show_text(told: str | list[str], kind: str = "finding") -> Html:
    """Show a sentence, or several as a numbered list, each once; nothing where there is none."""
    return render("text", told=told if isinstance(told, str) else [*dict.fromkeys(told)], kind=kind)


def link_leads(text: str, leads: Iterable[str], url: str) -> Html:
    """Link the leads that a text names to their cards; to the same place, where no `url` has one.

    Examples
    --------
    >>> link_leads("Begin with L1 <L12>", ["L1"], "#open_leads").html
    'Begin with <a href="#open_leads">L1</a> &lt;L12&gt;'
    """
    named = "|".join(map(re.escape, leads))
    parts = re.split(rf"(?<!\w)({named})(?!\w)", text) if named else [text]
    return Html("".join(
        _link(part, url).html if n % 2 else escape(part) for n, part in enumerate(parts)
    ))  # fmt: skip


def _link(lead_id: str, url: str) -> Html:
    """Link a lead to its card."""
    address = url.replace("{id}", quote(lead_id, safe=""))
    return Html(f'<a href="{escape(address)}">{escape(lead_id)}</a>')


def _is_number(cells: pd.Series) -> bool:
    return is_numeric_dtype(cells) and not is_bool_dtype(cells)


def _find_spans(columns: list[str]) -> list[tuple[int, ...]]:
    """Where each column of a page stands among a table's: one, or both ends of an interval."""
    firsts = {
        n
        for n, (one, other) in enumerate(pairwise(columns))
        if one.endswith("low") and other == one.removesuffix("low") + "high"
    }
    places = [n for n in range(len(columns)) if n - 1 not in firsts]
    return [(n, n + 1) if n in firsts else (n,) for n in places]


def _fold_ends(
    table: pd.DataFrame,
    labelled: pd.DataFrame,
    columns: list[str],
    at: tuple[int, ...],
    words: Words,
    name: str,
) -> tuple[str, list[str | Html]]:
    """Title and cells of a column of a page."""
    if len(at) == 1:
        return labelled.columns[at[0]], [*labelled.iloc[:, at[0]]]
    low, high = (columns[n] for n in at)
    title = labelled.columns[at[0]].replace(words.column("low"), words.text("figure.span"))
    known = find_column(low, name)
    if known is not None and known.kind in ("share", "points"):
        write = words.span if known.kind == "share" else words.points_span
        ends = table[[low, high]].head(len(labelled)).to_numpy(float, na_value=np.nan)
        return title, [NOTHING if np.isnan(both).any() else write(*both) for both in ends]
    both = labelled.iloc[:, [*at]].itertuples(index=False, name=None)
    return title, [
        NOTHING if NOTHING in ends else words.text("chrome.span", low=ends[0], high=ends[1])
        for ends in both
    ]


def _with_currency(table: pd.DataFrame, words: Words, name: str) -> pd.DataFrame:
    """Write money with the currency of its row."""
    if "currency" not in table:
        return table
    money = [c for c in table if (known := find_column(c, name)) and known.kind == "money"]
    currency = ["" if pd.isna(k) else k for k in table["currency"]]
    return table.assign(**{c: list(map(words.money, table[c], currency)) for c in money})
