"""Tables as readers get them: titles and cells in their language."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.tables import find_column
from funnel_lib.core.words.numbers import NOTHING
from funnel_lib.core.words.writing import Words


def label_table(
    table: pd.DataFrame, words: Words, name: str = "", columns: list[str] | None = None
) -> pd.DataFrame:
    """Write a table, or some columns of it, for a reader: titles in the reader's language, every
    cell a text.

    `name` says which table of the registry it is, so that columns such as `low` are written as
    there; without it, as most tables have them. The empty share of a step that leads could have
    reached says that it is not measurable.
    """
    columns = list(table) if columns is None else columns
    cells = [_label_cells(table, column, words, name) for column in columns]
    titles = [words.column(column, name) for column in columns]
    return pd.DataFrame(dict(enumerate(cells)), index=table.index).set_axis(titles, axis=1)


def _label_cells(table: pd.DataFrame, column: str, words: Words, name: str) -> list[str]:
    known, cells = find_column(column, name), table[column]
    texts = [words.value(column, x, name) for x in cells.astype(object)]
    if column == "example" and "check" in table:
        texts = [words.example(c, t) for c, t in zip(table["check"], texts, strict=True)]
    if known is not None and known.if_empty and known.base in table:
        empty = words.text(f"figure.{known.if_empty}")
        for row in np.flatnonzero(cells.isna()):
            texts[row] = empty if table[known.base].iloc[row] > 0 else NOTHING
    return texts
