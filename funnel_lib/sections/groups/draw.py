"""Draw which share of each group's leads bought, and would have as the others' did."""

from __future__ import annotations

import numpy as np
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

    A row a group, the `MOST_GROUPS` that would gain most where there are more: its share and
    interval, and as a ring the share as the others; blue where it is worse beyond chance; of one
    that cannot be compared neither.
    """
    title, told = words.text("figure.groups"), groups[groups["n_decided"] > 0]
    if told.empty:
        return canvas.draw_nothing(ax, words, title)
    cut = words.text("figure.most_groups", n=MOST_GROUPS) if len(told) > MOST_GROUPS else ""
    most_to_gain = told["extra_won"].fillna(-np.inf).sort_values(ascending=False, kind="stable")
    told = told.loc[most_to_gain.index[:MOST_GROUPS].sort_values()]
    names = [words.value("reference", f"{row.group_by}={row.group}") for row in told.itertuples()]
    counts = [
        [(words.text("figure.records_otherwise"), MUTED)]
        if row.barred
        else [(words.text("figure.group_share", share=row.share_won, n=row.n_decided), INK)]
        for row in told.itertuples()
    ]
    key = [
        ("●", GREY, "group_bought"), ("●", BLUE, "group_worse"), ("○", MUTED, "group_as_others"),
        ("⊢⊣", INK, "group_span"),
    ]  # fmt: skip
    sheet = canvas.open_sheet(ax, words, title, names, counts, key, cut)
    most = 1.04 * float(told[["high", "share_as_others"]].max().max())
    sheet.ax.set_xlim(0, most)
    look = {"marker": "o", "ms": 7, "zorder": 5, "clip_on": False, "ls": "none"}
    for n, row in enumerate(told.itertuples()):
        if not row.barred:
            canvas.draw_bar(sheet, n, 0, most, PALE)
            y = sheet.tops[n] + BAR / 2
            canvas.draw_interval(sheet.ax, y, row.low, row.high)
            sheet.ax.plot([row.share_as_others], [y], mfc="white", mec=MUTED, **look)
            colour = BLUE if row.beyond_chance else GREY
            sheet.ax.plot([row.share_won], [y], color=colour, **look)
    return sheet.ax
