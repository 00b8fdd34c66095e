"""Counts of two kinds of things crossed, as heat maps."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from funnel_lib.core.words import Words
from funnel_lib.drawing import canvas
from funnel_lib.drawing.charts import Box, measure_label, open_inset
from funnel_lib.drawing.looks import GAP, GROUND, INK, MUTED, ROOM, SMALL, SMALL_LINE, TRACK
from funnel_lib.drawing.pictures import Picture, show_figure

_MOST_ROWS = 12
_FEWEST = 2  # cells: one is a sentence
_NAME, _HEAD = 130, 100  # points that names of rows are wide at most, names of columns high
_ROW, _COLUMN, _WIDEST = 24, 30, 60  # points that a cell is high and wide at least, wide at most
# Counts have no colour of their own: greys, as far as the ink on them has a contrast above 4.5.
_COLOURS = LinearSegmentedColormap.from_list("counts", ("#eef1f4", "#93a1b0"))
_MOST_TOLD = 3  # cells


@canvas.in_style
def plot_matrix(
    table: pd.DataFrame, words: Words, rows: str, columns: str, values: str
) -> Axes | None:
    """Where do two kinds of things meet most often?

    A cell a pair, the larger its count the darker; empty where the two never meet. Rows stand in
    the table's order, 12 at most; columns in the order of the reader's steps, those with most as
    far as there is room for their counts. The figure says how many stand in neither. Names longer
    than their place end in "…": the table has them whole. None where fewer than two meet.

    Parameters
    ----------
    table : a tidy frame, one row a pair; `rows`, `columns` and `values` name its columns

    Examples
    --------
    >>> table = pd.DataFrame({"stage": "Sent", "missed_step": ["pay", "read"], "n_lost": [9, 3]})
    >>> ax = plot_matrix(table, Words("en"), "stage", "missed_step", "n_lost")
    >>> [t.get_text() for t in ax.child_axes[0].texts]
    ['9', '3']
    """
    title = _write_title(words, rows, columns)
    crossed = table.pivot_table(values, rows, columns, aggfunc="sum", fill_value=0)
    if (crossed.to_numpy() > 0).sum() < _FEWEST:
        return None
    names = {r: canvas.wrap_text(words.value(rows, r), _NAME, SMALL, at_most=2)
             for r in table[rows].drop_duplicates().head(_MOST_ROWS)}  # fmt: skip
    labels = [measure_label(name) for name in names.values()]
    left = max(label.width for label in labels) + 8
    widest = max(canvas.measure_width(words.number(n), SMALL) for n in crossed.to_numpy().ravel())
    shown = _choose(
        crossed.loc[list(names)], words, int((ROOM - left) // max(_COLUMN, widest + 10))
    )
    wide = min((ROOM - left) / shown.shape[1], _WIDEST)
    look = {"size": SMALL, "at_most": int(wide // SMALL_LINE) or 1}
    heads = [canvas.wrap_text(words.value(columns, c), _HEAD, **look) for c in shown]
    left_out = crossed.to_numpy().sum() - shown.to_numpy().sum()
    said = [words.text("figure.matrix_left_out", n=left_out)] if left_out >= 0.5 else []
    heading = canvas.fit_heading(title, words.column(values), [], words)
    notes = canvas.fit_notes([("", MUTED, text) for text in said])
    top = heading.height + max(measure_label(head).width for head in heads) + 4
    high = max(_ROW, max(label.height for label in labels) + 4)
    box = Box(left, top, wide * len(heads), high * len(labels))
    ax = canvas.open_axes(top + box.height + GAP + notes.height, heading)
    canvas.write_notes(ax, top + box.height + 4, notes)
    _write_names(ax, box, [label.text for label in labels], heads)
    _draw_cells(open_inset(ax, box, facecolor=TRACK), shown, words)
    return ax


def picture_matrix(
    table: pd.DataFrame, words: Words, rows: str, columns: str, values: str
) -> Picture | None:
    """A heat map, and its largest cells in words."""
    ax = plot_matrix(table, words, rows, columns, values)
    if ax is None:
        return None
    largest = table[table[values] > 0].nlargest(_MOST_TOLD, values)[[rows, columns, values]]
    cells = [
        f"{words.value(rows, row)} × {words.value(columns, column)}: {words.number(n)}"
        for row, column, n in largest.itertuples(index=False)
    ]
    return show_figure(ax, f"{_write_title(words, rows, columns)}: {'; '.join(cells)}")


def _write_title(words: Words, rows: str, columns: str) -> str:
    return f"{words.column(rows)} × {words.column(columns)}"


def _choose(crossed: pd.DataFrame, words: Words, most: int) -> pd.DataFrame:
    """The columns with most, in the order of the reader's steps."""
    kept = crossed.sum().sort_values(ascending=False, kind="stable").index[: max(most, 1)]
    return crossed[canvas.sort_steps(kept, words)]


def _write_names(ax: Axes, box: Box, names: list[str], heads: list[str]) -> None:
    """Name the rows on the left and the columns above the cells' place."""
    look = {"color": INK, "size": SMALL, "linespacing": 1.15}
    for n, name in enumerate(names):
        ax.text(0, box.top + box.height * (n + 0.5) / len(names), name, va="center", **look)
    look |= {"rotation": 90, "rotation_mode": "anchor", "va": "center"}
    for n, head in enumerate(heads):
        ax.text(box.left + box.width * (n + 0.5) / len(heads), box.top - 4, head, **look)


def _draw_cells(chart: Axes, counts: pd.DataFrame, words: Words) -> None:
    """Draw the cells with their counts."""
    import seaborn as sns  # takes as long to import as all else together

    texts = np.reshape([words.number(n) for n in counts.to_numpy().ravel()], counts.shape)
    sns.heatmap(
        counts, ax=chart, mask=counts == 0, annot=texts, fmt="", vmin=0, cmap=_COLOURS, cbar=False,
        annot_kws={"size": SMALL, "color": INK}, linewidths=1.5, linecolor=GROUND,
        xticklabels=False, yticklabels=False,
    )  # fmt: skip
    chart.set(xlabel="", ylabel="")
