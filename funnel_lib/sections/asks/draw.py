"""Draw who went on of those asked, and of those not asked yet."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing import canvas
from funnel_lib.drawing.looks import ACCENT, BAR, INK, MUTED, WENT_ON


@canvas.in_style
def plot_asks(asks: pd.DataFrame, words: Words) -> Axes | None:
    """Which share of the undecided goes on where the next step is proposed, and where not yet?

    A row a place that can be told of, in the order of the tree: from the share without a proposal
    (ring) to that with one (dot), and the interval of their difference, set off from the share
    without; grey where the difference may be chance. None where there is no place to tell of, or
    one alone and that may be chance: the sentence says it.
    """
    told = asks[asks["difference"].notna()]
    if told.empty or (len(told) == 1 and not told["beyond_chance"].any()):
        return None
    names = [_name(row, words) for row in told.to_dict("records")]
    counts = [
        [(f"{words.percent(row.share_not_asked)} → {words.percent(row.share_asked)}", INK)]
        for row in told.itertuples()
    ]
    key = [("ring", ACCENT, "asks_not_asked"), ("dot", WENT_ON, "asks_asked")]
    if not told["beyond_chance"].all():
        key.append(("dot", MUTED, "asks_unsure"))
    key.append(("span", INK, "asks_span"))
    sheet = canvas.open_sheet(words, words.text("figure.asks"), names, counts, key)
    canvas.leave_room_for_marks(sheet, 1)
    for n, row in enumerate(told.itertuples()):
        y, is_sure = sheet.tops[n] + BAR / 2, bool(row.beyond_chance)
        canvas.draw_track(sheet, n)
        shares = [row.share_not_asked, row.share_asked]
        sheet.ax.plot(shares, [y, y], color=ACCENT if is_sure else MUTED, lw=2, zorder=3)
        ends = np.clip([row.share_not_asked + row.low, row.share_not_asked + row.high], 0, 1)
        canvas.draw_interval(sheet.ax, y, *ends)
        canvas.draw_mark(sheet.ax, shares[0], y, "ring", ACCENT if is_sure else MUTED)
        canvas.draw_mark(sheet.ax, shares[1], y, "dot", WENT_ON if is_sure else MUTED)
    return sheet.ax


def _name(row: dict, words: Words) -> str:
    name = words.value("next_steps", row["step"])
    if row["segment"] == "all":
        return name
    return f"{canvas.label_segment(words.value('tree_segment', row['segment']), words)} · {name}"
