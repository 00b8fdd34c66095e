"""Draw who went on of those asked, and of those not asked yet."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing import canvas
from funnel_lib.drawing.looks import BAR, BLUE, GREY, INK, MUTED, PALE


@canvas.in_style
def plot_asks(asks: pd.DataFrame, words: Words, ax: Axes | None = None) -> Axes:
    """Which share of the undecided goes on where the next step is proposed, and where not yet?

    A row a place that can be told of, in the order of the tree: from the share without a proposal
    to that with one, and the interval of their difference, set off from the share without; blue
    where more go on beyond chance.
    """
    title, told = words.text("figure.asks"), asks[asks["difference"].notna()]
    if told.empty:
        return canvas.draw_nothing(ax, words, title)
    names = [_name(row, words) for row in told.to_dict("records")]
    counts = [
        [(f"{words.percent(row.share_not_asked)} → {words.percent(row.share_asked)}", INK)]
        for row in told.itertuples()
    ]
    key = [("○", MUTED, "asks_not_asked"), ("●", BLUE, "asks_asked"), ("⊢⊣", INK, "asks_span")]
    sheet = canvas.open_sheet(ax, words, title, names, counts, key)
    canvas.leave_room_for_marks(sheet, 1)
    for n, row in enumerate(told.itertuples()):
        y, colour = sheet.tops[n] + BAR / 2, BLUE if row.beyond_chance else GREY
        canvas.draw_bar(sheet, n, 0, 1, PALE)
        ends = np.clip([row.share_not_asked + row.low, row.share_not_asked + row.high], 0, 1)
        canvas.draw_interval(sheet.ax, y, *ends)
        look = {"marker": "o", "ms": 7, "zorder": 5, "clip_on": False, "ls": "none"}
        sheet.ax.plot([row.share_not_asked], [y], mfc="white", mec=MUTED, **look)
        sheet.ax.plot([row.share_asked], [y], color=colour, **look)
    return sheet.ax


def _name(row: dict, words: Words) -> str:
    name = words.value("next_steps", row["step"])
    if row["segment"] == "all":
        return name
    return f"{canvas.label_segment(words.value('tree_segment', row['segment']), words)} · {name}"
