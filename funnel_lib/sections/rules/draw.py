"""Draw how far the counting rules differ."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing.canvas import (
    ACCENT,
    BAR,
    BLUE,
    GREY,
    INK,
    STYLE,
    Sheet,
    draw_nothing,
    open_sheet,
)
from funnel_lib.drawing.funnels import take_one_segment

# rule -> its sign in the key, marker, size, colour: nested, so that equal ones stay visible
_RULES = {
    "passed": ("●", "o", 10, BLUE),
    "ordered": ("◆", "D", 5.5, ACCENT),
    "any": ("○", "o", 13, INK),
}
_RULE_COLOURS = [colour for *_, colour in _RULES.values()]


def plot_rules(table: pd.DataFrame, words: Words, ax: Axes | None = None) -> Axes:
    """How far do the three counting rules differ at each step?

    Parameters
    ----------
    table : what `rules.count_rules` returns, one segment
    words, ax : as in `plot_funnel`

    Returns
    -------
    Axes. A line a step with a mark for each rule; one number where the three agree, else three in
    the order of the key. Without leads the figure says that there is nothing to draw.

    Raises
    ------
    InputError
        The table holds several segments.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "segment": "all", "position": 1, "step": "pay", "rule": ["passed", "ordered", "any"],
    ...     "n_reached": [12.0, 9.0, 11.0]})
    >>> [t.get_text() for t in plot_rules(table, Words("en")).texts[-4:]]
    ['pay', '12', '9', '11']
    """
    rows = take_one_segment(table)
    if not rows["n_reached"].max() > 0:
        return draw_nothing(ax, words, words.text("figure.rules"))
    steps = rows.drop_duplicates("position").set_index("position")["step"]
    reached = rows.pivot_table("n_reached", "position", "rule").loc[steps.index]
    counts = []
    for _, row in reached[list(_RULES)].iterrows():
        texts = [words.number(n) for n in row]
        same = len(set(texts)) == 1
        counts.append([(texts[0], INK)] if same else list(zip(texts, _RULE_COLOURS, strict=True)))
    key = [(mark, colour, rule) for rule, (mark, _, _, colour) in _RULES.items()]
    with mpl.rc_context(STYLE):
        sheet = open_sheet(ax, words, words.text("figure.rules"), steps, counts, key)
        points = (sheet.room - 16) / rows["n_reached"].max()  # 8 at each end for the marks
        sheet.ax.set_xlim(-8 / points, (sheet.room - 8) / points)
        for n, (_, row) in enumerate(reached.iterrows()):
            _draw_marks(sheet, n, row)
    return sheet.ax


def _draw_marks(sheet: Sheet, n: int, row: pd.Series) -> None:
    y = sheet.tops[n] + BAR / 2
    sheet.ax.plot([0, row.max()], [y, y], color=GREY, lw=1.5, zorder=1)
    for order, (rule, (_, mark, size, colour)) in enumerate(_RULES.items(), 2):
        fill, edge = ("none", colour) if rule == "any" else (colour, "white")
        look = {"mfc": fill, "mec": edge, "ms": size, "zorder": order, "clip_on": False}
        sheet.ax.plot(row[rule], y, mark, label=rule, **look)
