"""Draw how far the counting rules differ."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing import canvas
from funnel_lib.drawing.looks import ACCENT, BAR, BLUE, GREY, INK

# rule -> its character in the key, marker, size, colour: nested, so that equal ones stay visible
_RULES = {
    "passed": ("●", "o", 10, BLUE),
    "ordered": ("◆", "D", 5.5, ACCENT),
    "any": ("○", "o", 13, INK),
}


@canvas.in_style
def plot_rules(table: pd.DataFrame, words: Words, ax: Axes | None = None) -> Axes:
    """How far do the three counting rules differ at each step?

    A line a step with a mark for each rule; one number where the three agree, else three in the
    order of the key. Steps without a count are left out. InputError where the table holds several
    segments.
    """
    canvas.check_one_segment(table)
    table = table[table["n_reached"].notna()]
    title, most = words.text("figure.rules"), table["n_reached"].max()
    if not most > 0:
        return canvas.draw_nothing(ax, words, title)
    steps = table.drop_duplicates("position").set_index("position")["step"]
    reached = table.pivot_table("n_reached", "position", "rule").loc[steps.index, list(_RULES)]
    key = [(character, colour, rule) for rule, (character, _, _, colour) in _RULES.items()]
    counts = []
    for row in reached.to_numpy():
        texts = [words.number(n) for n in row]
        told = [(text, colour) for text, (_, colour, _) in zip(texts, key, strict=True)]
        counts.append(told if len(set(texts)) > 1 else [(texts[0], INK)])
    sheet = canvas.open_sheet(ax, words, title, steps.map(words.step), counts, key)
    canvas.leave_room_for_marks(sheet, most)
    for y, (_, row) in zip(sheet.tops + BAR / 2, reached.iterrows(), strict=True):
        sheet.ax.plot([0, row.max()], [y, y], color=GREY, lw=1.5, zorder=1)
        for order, (rule, (_, mark, size, colour)) in enumerate(_RULES.items(), 2):
            fill, edge = ("none", colour) if rule == "any" else (colour, "white")
            look = {"mfc": fill, "mec": edge, "ms": size, "zorder": order, "clip_on": False}
            sheet.ax.plot(row[rule], y, mark, label=rule, **look)
    return sheet.ax
