"""Draw which share of each group's leads bought, and would have as the others' did."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing import canvas
from funnel_lib.drawing.looks import BAR, BLUE, GREY, INK, MUTED, PALE

MOST_GROUPS = 20


@canvas.in_style
def plot_groups(groups: pd.DataFrame, words: Words, ax: Axes | None = None) -> Axes:
    """Which share of each manager's, team's and source's leads bought, and which would have, had
    they gone on as the others' did?

    A row a group, the largest `MOST_GROUPS`: its share and interval, and as a ring the share as the
    others; blue where it is worse beyond chance; of one that records otherwise neither.
    """
    title, told = words.text("figure.groups"), groups[groups["n_decided"] > 0]
    told = told.loc[told["n_leads"].nlargest(MOST_GROUPS).index.sort_values()]
    if told.empty:
        return canvas.draw_nothing(ax, words, title)
    names = [words.value("reference", f"{row.group_by}={row.group}") for row in told.itertuples()]
    counts = [
        [(words.text("figure.records_otherwise"), MUTED)]
        if row.barred
        else [(words.text("figure.group_share", share=row.share_won, n=row.n_decided), INK)]
        for row in told.itertuples()
    ]
    key = [("●", BLUE, "group_worse"), ("○", MUTED, "group_as_others"), ("⊢⊣", INK, "group_span")]
    sheet = canvas.open_sheet(ax, words, title, names, counts, key)
    most = float(told[["high", "share_as_others"]].max().max())
    sheet.ax.set_xlim(0, most)
    look = {"marker": "o", "ms": 7, "zorder": 5, "clip_on": False, "ls": "none"}
    for n, row in enumerate(told.itertuples()):
        canvas.draw_bar(sheet, n, 0, most, PALE)
        if not row.barred:
            y = sheet.tops[n] + BAR / 2
            canvas.draw_interval(sheet.ax, y, row.low, row.high)
            sheet.ax.plot([row.share_as_others], [y], mfc="white", mec=MUTED, **look)
            colour = BLUE if row.beyond_chance else GREY
            sheet.ax.plot([row.share_won], [y], color=colour, **look)
    return sheet.ax
