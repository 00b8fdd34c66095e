"""Draw losses by step, asked and not asked."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing import canvas
from funnel_lib.drawing.canvas import Sheet
from funnel_lib.drawing.looks import ACCENT, BAR, BLUE, GREY, INK, MUTED, TEXT

# part of the lost leads -> colours of its bar, of a label on it, of a label beside it
_ASKED = {
    "n_not_asked": (ACCENT, "white", ACCENT),
    "n_asked": (BLUE, "white", BLUE),
    "n_unknown": (GREY, INK, MUTED),
}


@canvas.in_style
def plot_losses(table: pd.DataFrame, words: Words, ax: Axes | None = None) -> Axes:
    """Before which step are leads lost, and was it ever proposed to them?

    A bar a step not taken, in the table's order, currencies added up: lost leads nobody asked
    (accent: the cheapest thing to change), those asked, those of whom it is not measurable. Steps
    where nobody is lost keep their row. InputError where the table holds several segments.
    """
    canvas.check_one_segment(table)
    columns = ["n_lost", *_ASKED, "share_of_lost"]
    rows = table.groupby("missed_step", sort=False)[columns].sum()
    title, total = words.text("figure.losses"), rows["n_lost"].sum()
    if not total > 0:
        return canvas.draw_nothing(ax, words, title)
    key = [("■", colour, name.removeprefix("n_"))
           for name, (colour, *_) in _ASKED.items() if (rows[name] >= 0.5).any()]  # fmt: skip
    names, base = rows.index.map(words.step), words.text("figure.leads_axis", n=total)
    counts = canvas.label_counts(rows["n_lost"], rows["share_of_lost"], words)
    sheet = canvas.open_sheet(ax, words, title, names, counts, key, base)
    _draw_stacks(sheet, rows, words)
    return sheet.ax


class _Part(NamedTuple):
    """One part of a stacked bar: its length, colours, label and how wide that is."""

    n: float
    colour: str
    colour_inside: str
    colour_beside: str
    label: str
    width: float


def _draw_stacks(sheet: Sheet, rows: pd.DataFrame, words: Words) -> None:
    """Stack the parts of each bar; labels too wide for their part follow the bar's end."""
    longest, stacks, beside = rows["n_lost"].max(), [], []
    for row in rows.to_dict("records"):
        labels = {c: words.number(row[c]) for c in _ASKED if row[c] >= 0.5}
        parts = [_Part(row[c], *_ASKED[c], label, canvas.measure_width(label, TEXT) + 6)
                 for c, label in labels.items()]  # fmt: skip
        # a lead is three quarters of its length at worst, where labels need room beside
        fits = [part.width <= part.n * 0.75 * sheet.room / longest for part in parts]
        stacks.append(list(zip(parts, fits, strict=True)))
        beside.append(sum(part.width for part, fit in stacks[-1] if not fit))
    room = 1 - np.array(beside) / sheet.room
    sheet.ax.set_xlim(0, max(longest, (rows["n_lost"] / room).max()))
    points = sheet.room / sheet.ax.get_xlim()[1]
    for n, stack in enumerate(stacks):
        y, left, after = sheet.tops[n] + BAR / 2, 0.0, sum(part.n for part, _ in stack) + 5 / points
        for part, fit in stack:
            look = {"va": "center_baseline"}
            canvas.draw_bar(sheet, n, left, part.n, part.colour)
            if fit:
                look |= {"ha": "center", "color": part.colour_inside}
                sheet.ax.text(left + part.n / 2, y, part.label, **look)
            else:
                sheet.ax.text(after, y, part.label, color=part.colour_beside, **look)
                after += part.width / points
            left += part.n
