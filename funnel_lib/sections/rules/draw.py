"""Draw how far the counting rules differ."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing import canvas
from funnel_lib.drawing.looks import BAR, INK, MUTED, WENT_ON

# rule -> its mark, its colour, its size: nested, so that equal ones stay visible
_RULES = {
    "any": ("ring", INK, 11),
    "passed": ("dot", WENT_ON, 8.5),
    "ordered": ("diamond", MUTED, 5),
}
_ORDER = ["passed", "ordered", "any"]


@canvas.in_style
def plot_rules(table: pd.DataFrame, words: Words) -> Axes | None:
    """How far do the three counting rules differ at each step?

    A line a step with a mark for each rule; one number where the three agree, else three in the
    order of the key. Steps without a count are left out. None where nobody reached any, or the
    rules agree everywhere. InputError where the table holds several segments.
    """
    canvas.check_one_segment(table)
    table = table[table["n_reached"].notna()]
    steps = table.drop_duplicates("position").set_index("position")["step"]
    reached = table.pivot_table("n_reached", "position", "rule").reindex(steps.index)
    reached = reached.reindex(columns=_ORDER)
    if not (reached.max(axis=1) - reached.min(axis=1) >= 0.5).any():
        return None
    key = [(*_RULES[rule][:2], rule) for rule in _ORDER]
    counts = []
    for row in reached.to_numpy():
        texts = [words.number(n) for n in row]
        told = [(text, _RULES[rule][1]) for text, rule in zip(texts, _ORDER, strict=True)]
        counts.append(told if len(set(texts)) > 1 else [(texts[0], INK)])
    title = words.text("figure.rules")
    sheet = canvas.open_sheet(words, title, steps.map(words.step), counts, key)
    canvas.leave_room_for_marks(sheet, reached.max().max())
    for n, (_, row) in enumerate(reached.iterrows()):
        canvas.draw_track(sheet, n)
        y = sheet.tops[n] + BAR / 2
        for order, (rule, (mark, colour, size)) in enumerate(_RULES.items(), 3):
            canvas.draw_mark(
                sheet.ax, row[rule], y, mark, colour, ms=size, zorder=order, label=rule
            )
    return sheet.ax
