"""Draw which steps the buyers show."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing import canvas
from funnel_lib.drawing.looks import UNSEEN, WENT_ON


@canvas.in_style
def plot_necessity(table: pd.DataFrame, words: Words) -> Axes | None:
    """Which share of the buyers shows each step, and how much of it is the manager's word?

    A bar a step: which share of the buyers whose path has it shows evidence of it, lighter where it
    is only self-reported. A step that is not measurable is an empty dashed bar, and says so. None
    without buyers; InputError where the table holds several segments.
    """
    canvas.check_one_segment(table)
    won = table["n_won"].max() if len(table) else 0
    if not won > 0:
        return None
    told = table["share"] * table["self_reported_share"].fillna(0)
    key = [("bar", WENT_ON, "shown"), ("bar", UNSEEN, "told")][: 2 if told.any() else 1]
    counts = canvas.label_counts(table["n_won_with_evidence"], table["share"], words)
    names, base = table["step"].map(words.step), words.text("figure.buyers_axis", n=won)
    if table["n_won"].min() < won:
        base = words.text("figure.buyers_own_axis")
    sheet = canvas.open_sheet(words, words.text("figure.necessity"), names, counts, key, base)
    sheet.ax.set_xlim(0, 1)
    for n, (share, only_told) in enumerate(zip(table["share"], told, strict=True)):
        if pd.isna(share):
            canvas.draw_unknown(sheet, n, 1)
        else:
            proven = share - only_told
            canvas.draw_bar(sheet.ax, sheet.tops[n], 0, proven, WENT_ON)
            canvas.draw_bar(sheet.ax, sheet.tops[n], proven, only_told, UNSEEN)
    return sheet.ax
