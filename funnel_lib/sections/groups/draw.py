"""Draw which share of each group's leads bought, and would have as the others' did."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing import canvas
from funnel_lib.drawing.looks import ACCENT, BAR, INK, MUTED, WENT_ON

MOST_GROUPS = 20
_FEWEST = 3  # groups that are drawn where none is worse: fewer are a sentence


@canvas.in_style
def plot_groups(groups: pd.DataFrame, words: Words) -> Axes | None:
    """Which share of each manager's, team's and source's leads bought, and which would have, had
    they gone on as the others' did?

    A row a group, the `MOST_GROUPS` that would gain most where there are more: its share and
    interval, and as a ring the share as the others; one that is worse beyond chance is a triangle
    in the accent colour; of one that cannot be compared neither. None where there are fewer than
    three, and none of them is worse: the sentence says it.
    """
    told = groups[groups["n_decided"] > 0]
    is_worse = told["beyond_chance"].astype(bool) & ~told["barred"].astype(bool)
    if told.empty or (len(told) < _FEWEST and not is_worse.any()):
        return None
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
    key = [("dot", WENT_ON, "bought"), ("ring", MUTED, "group_as_others"), ("span", INK, "span")]
    if is_worse[told.index].any():
        key.insert(1, ("down", ACCENT, "group_worse"))
    sheet = canvas.open_sheet(words, words.text("figure.groups"), names, counts, key, cut)
    canvas.leave_room_for_marks(sheet, float(told[["high", "share_as_others"]].max().max()))
    for n, row in enumerate(told.itertuples()):
        if not row.barred:
            canvas.draw_track(sheet, n)
            y = sheet.tops[n] + BAR / 2
            canvas.draw_interval(sheet.ax, y, row.low, row.high)
            canvas.draw_mark(sheet.ax, row.share_as_others, y, "ring", MUTED)
            look = ("down", ACCENT) if row.beyond_chance else ("dot", WENT_ON)
            canvas.draw_mark(sheet.ax, row.share_won, y, *look)
    return sheet.ax
