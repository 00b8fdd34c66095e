"""Draw what buyers do after the sale."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing import canvas
from funnel_lib.drawing.looks import BAR, INK, MUTED, WENT_ON


@canvas.in_style
def plot_after_sale(table: pd.DataFrame, words: Words) -> Axes | None:
    """Which share of the buyers takes each step after the sale?

    A bar a step: the share by the day named beside the title, as `count_funnel` gives it, and its
    95 % interval (whisker). A step that is not measurable is an empty dashed bar, and says so. None
    without buyers, or with none followed for a day. InputError where the table holds several
    segments.
    """
    canvas.check_one_segment(table)
    rows = table[table["part"] == "after_sale"]
    if not ((rows["horizon_days"] >= 1) & (rows["n_entered"] > 0)).any():
        return None
    base = rows.loc[rows["n_entered"].idxmax(), ["n_entered", "horizon_days"]]
    base = words.text("figure.after_sale_axis", n=base["n_entered"], **base)
    unknown = (words.text("figure.not_measurable"), MUTED)
    said = [
        [unknown if pd.isna(share) else (words.share(share), INK)]
        for share in rows["share_of_entered"]
    ]
    title, key = words.text("figure.after_sale"), [("span", INK, "span")]
    sheet = canvas.open_sheet(words, title, rows["step"].map(words.step), said, key, base)
    sheet.ax.set_xlim(0, 1)
    for n, row in enumerate(rows.itertuples()):
        if pd.isna(row.share_of_entered):
            canvas.draw_unknown(sheet, n, 1)
            continue
        canvas.draw_bar(sheet.ax, sheet.tops[n], 0, row.share_of_entered, WENT_ON)
        canvas.draw_interval(sheet.ax, sheet.tops[n] + BAR / 2, row.low, row.high)
    return sheet.ax
