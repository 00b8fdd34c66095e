"""Draw losses by step, asked and not asked."""

from __future__ import annotations

from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing.canvas import (
    ACCENT,
    BAR,
    BLUE,
    GREY,
    INK,
    MUTED,
    STYLE,
    TEXT,
    Sheet,
    draw_bar,
    draw_nothing,
    measure_width,
    open_sheet,
)
from funnel_lib.drawing.funnels import name_counts, take_one_segment

# part of the lost leads -> colour of its bar, colour of a label on it
_ASKED = {
    "n_not_asked": (ACCENT, "white"),
    "n_asked": (BLUE, "white"),
    "n_unknown": (GREY, INK),
}


def plot_losses(table: pd.DataFrame, words: Words, ax: Axes | None = None) -> Axes:
    """Before which step are leads lost, and was it ever proposed to them?

    Parameters
    ----------
    table : what `losses.count_losses` returns, one segment; currencies are added up
    words, ax : as in `plot_funnel`

    Returns
    -------
    Axes. A bar a step not taken, in the table's order: lost leads nobody asked (accent: the
    cheapest thing to change), those asked, those of whom it is not measurable. Steps where nobody
    is lost keep their row. Without lost leads the figure says that there is nothing to draw.

    Raises
    ------
    InputError
        The table holds several segments.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "segment": "all", "missed_step": ["pay"], "n_lost": [40.0], "n_asked": [10.0],
    ...     "n_not_asked": [30.0], "n_unknown": [0.0], "share_of_lost": [1.0], "currency": ["EUR"]})
    >>> [t.get_text() for t in plot_losses(table, Words("en")).texts[-4:]]
    ['pay', '40 · 100.0%', '30', '10']
    """
    columns = ["n_lost", *_ASKED, "share_of_lost"]
    rows = take_one_segment(table).groupby("missed_step", sort=False)[columns].sum().reset_index()
    total = rows["n_lost"].sum()
    if not total > 0:
        return draw_nothing(ax, words, words.text("figure.losses"))
    key = [("■", colour, name.removeprefix("n_")) for name, (colour, _) in _ASKED.items()]
    key = [part for part, name in zip(key, _ASKED, strict=True) if (rows[name] >= 0.5).any()]
    counts = name_counts(rows["n_lost"], rows["share_of_lost"], words)
    with mpl.rc_context(STYLE):
        base = words.text("figure.leads_axis", n=total)
        sheet = open_sheet(
            ax, words, words.text("figure.losses"), rows["missed_step"], counts, key, base
        )
        _draw_stacks(sheet, rows, words)
    return sheet.ax


class _Part(NamedTuple):
    """One part of a stacked bar: its length, colours, label, and whether that fits inside."""

    n: float
    colour: str
    label_inside: str
    label: str
    fits: bool


def _draw_stacks(sheet: Sheet, rows: pd.DataFrame, words: Words) -> None:
    """Stack the parts of each bar; labels too wide for their part follow the bar's end."""
    longest = rows["n_lost"].max()
    points = 0.75 * sheet.room / longest  # a lead, at worst
    stacks = [_stack(row, points, words) for row in rows.to_dict("records")]
    beside = [
        sum(measure_width(p.label, TEXT) + 6 for p in stack if not p.fits) for stack in stacks
    ]
    room = 1 - np.array(beside) / sheet.room
    sheet.ax.set_xlim(0, max(longest, (rows["n_lost"] / room).max()))
    for n, stack in enumerate(stacks):
        _draw_bars_of(sheet, n, stack)


def _stack(row: dict, points: float, words: Words) -> list[_Part]:
    """The parts of one bar that are not empty; `points` is the length of a lead."""
    return [
        _Part(row[c], *look, label, measure_width(label, TEXT) + 6 <= row[c] * points)
        for c, look in _ASKED.items()
        if row[c] >= 0.5 and (label := words.number(row[c]))
    ]


def _draw_bars_of(sheet: Sheet, n: int, stack: list[_Part]) -> None:
    y, left = sheet.tops[n] + BAR / 2, 0.0
    for part in stack:
        draw_bar(sheet, n, left, part.n, part.colour)
        if part.fits:
            look = {"ha": "center", "va": "center_baseline", "color": part.label_inside}
            sheet.ax.text(left + part.n / 2, y, part.label, **look)
        left += part.n
    points = sheet.room / sheet.ax.get_xlim()[1]
    for part in stack:
        if not part.fits:
            colour = MUTED if part.colour == GREY else part.colour
            sheet.ax.text(left + 5 / points, y, part.label, va="center_baseline", color=colour)
            left += (measure_width(part.label, TEXT) + 6) / points
