"""Draw which steps the buyers show."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing import canvas
from funnel_lib.drawing.looks import BLUE, LIGHT


@canvas.in_style
def plot_necessity(table: pd.DataFrame, words: Words, ax: Axes | None = None) -> Axes:
    """Which share of the buyers shows each step, and how much of it is the manager's word?

    A bar a step: buyers with evidence of it, hatched where it is only self-reported. A step that is
    not measurable is an empty dashed bar, and says so. InputError where the table holds several
    segments.
    """
    canvas.check_one_segment(table)
    title, won = words.text("figure.necessity"), table["n_won"].max() if len(table) else 0
    if not won > 0:
        return canvas.draw_nothing(ax, words, title)
    told = table["n_won_with_evidence"] * table["self_reported_share"].fillna(0)
    key = [("■", BLUE, "shown"), ("▨", BLUE, "told")][: 2 if told.any() else 1]
    counts = canvas.label_counts(table["n_won_with_evidence"], table["share"], words)
    names, base = table["step"].map(words.step), words.text("figure.buyers_axis", n=won)
    sheet = canvas.open_sheet(ax, words, title, names, counts, key, base)
    sheet.ax.set_xlim(0, won)
    for n, (shown, share) in enumerate(table[["n_won_with_evidence", "share"]].to_numpy()):
        if pd.isna(share):
            canvas.draw_unknown(sheet, n, won)
        else:
            canvas.draw_bar(sheet, n, 0, shown - told.iloc[n], BLUE)
            canvas.draw_bar(sheet, n, shown - told.iloc[n], told.iloc[n], LIGHT, hatched=True)
    return sheet.ax
