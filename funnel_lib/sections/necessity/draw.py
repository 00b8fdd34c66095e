"""Draw which steps the buyers show."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing.canvas import (
    BLUE,
    LIGHT,
    STYLE,
    draw_bar,
    draw_nothing,
    draw_unknown,
    open_sheet,
)
from funnel_lib.drawing.funnels import name_counts, take_one_segment


def plot_necessity(table: pd.DataFrame, words: Words, ax: Axes | None = None) -> Axes:
    """Which share of the buyers shows each step, and how much of it is the manager's word?

    Parameters
    ----------
    table : what `necessity.count_necessity` returns, one segment
    words, ax : as in `plot_funnel`

    Returns
    -------
    Axes. A bar a step: buyers with evidence of it, hatched where it is only self-reported. A step
    that is not measurable is an empty dashed bar, and says so. Without buyers the figure says that
    there is nothing to draw.

    Raises
    ------
    InputError
        The table holds several segments.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "segment": "all", "step": ["need"], "n_won": 8.0, "n_won_with_evidence": [6.0],
    ...     "share": [0.75], "self_reported_share": [0.5]})
    >>> plot_necessity(table, Words("en", {"need": "Stated the need"})).texts[-1].get_text()
    '6 · 75.0%'
    """
    rows = take_one_segment(table)
    won = rows["n_won"].max() if len(rows) else 0
    if not won > 0:
        return draw_nothing(ax, words, words.text("figure.necessity"))
    told = rows["n_won_with_evidence"] * rows["self_reported_share"].fillna(0)
    key = [("■", BLUE, "shown"), ("▨", BLUE, "told")][: 2 if told.any() else 1]
    counts = name_counts(rows["n_won_with_evidence"], rows["share"], words)
    with mpl.rc_context(STYLE):
        base = words.text("figure.buyers_axis", n=won)
        sheet = open_sheet(
            ax, words, words.text("figure.necessity"), rows["step"], counts, key, base
        )
        sheet.ax.set_xlim(0, won)
        for n, (shown, share) in enumerate(rows[["n_won_with_evidence", "share"]].to_numpy()):
            if pd.isna(share):
                draw_unknown(sheet, n, won)
            else:
                draw_bar(sheet, n, 0, shown - told.iloc[n], BLUE)
                draw_bar(sheet, n, shown - told.iloc[n], told.iloc[n], LIGHT, hatched=True)
    return sheet.ax
