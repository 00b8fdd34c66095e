"""Draw what buyers do after the sale."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing import canvas
from funnel_lib.drawing.looks import BAR, BLUE, INK, MUTED


@canvas.in_style
def plot_after_sale(table: pd.DataFrame, words: Words, ax: Axes | None = None) -> Axes:
    """Which share of the buyers takes each step after the sale?

    A bar a step: the share by the day named beside the title, as `count_funnel` gives it, and its
    95 % interval (whisker). A step that is not measurable is an empty dashed bar, and says so.
    Without buyers, or with none followed for a day, the figure says that there is nothing to draw.
    InputError where the table holds several segments.
    """
    canvas.check_one_segment(table)
    title, rows = words.text("figure.after_sale"), table[table["part"] == "after_sale"]
    if not ((rows["horizon_days"] >= 1) & (rows["n_entered"] > 0)).any():
        return canvas.draw_nothing(ax, words, title)
    base = rows.loc[rows["n_entered"].idxmax(), ["n_entered", "horizon_days"]]
    base = words.text("figure.after_sale_axis", n=base["n_entered"], **base)
    unknown = (words.text("figure.not_measurable"), MUTED)
    said = [
        [unknown if pd.isna(share) else (words.share(share), INK)]
        for share in rows["share_of_entered"]
    ]
    names = rows["step"].map(words.step)
    sheet = canvas.open_sheet(ax, words, title, names, said, [("⊢⊣", INK, "span")], base)
    sheet.ax.set_xlim(0, 1)
    for n, row in enumerate(rows.itertuples()):
        if pd.isna(row.share_of_entered):
            canvas.draw_unknown(sheet, n, 1)
            continue
        canvas.draw_bar(sheet, n, 0, row.share_of_entered, BLUE)
        canvas.draw_interval(sheet.ax, sheet.tops[n] + BAR / 2, row.low, row.high)
    return sheet.ax
