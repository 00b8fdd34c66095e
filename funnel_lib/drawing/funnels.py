"""Bars of leads that reached each step, with the largest drop."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing import canvas
from funnel_lib.drawing.canvas import Item, Sheet
from funnel_lib.drawing.looks import (
    ACCENT,
    BAR,
    INK,
    MUTED,
    OPEN,
    ROOM,
    STRIP,
    TEXT,
    THIN,
    UNSEEN,
    WENT_ON,
)


@canvas.in_style
def plot_funnel(table: pd.DataFrame, words: Words) -> Axes | None:
    """How many of the leads that entered reached each step before the sale?

    A bar a step: those who reached it, lighter where they did so without evidence, then the leads
    still open before it (thin) and the 95 % interval (whisker). Those lost or held up by the
    biggest drop from one measurable step to the next are the only thing in the accent colour. A
    step that is not measurable is an empty dashed bar, and says so. None without leads.

    Parameters
    ----------
    table : what `reach.count_funnel` returns, of one segment; InputError where it holds several

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "segment": "all", "step": ["ask", "pay"], "n_entered": 9.0, "n_reached": [9.0, 3.0],
    ...     "n_unseen": 0.0, "n_open": [0.0, 2.0], "share_of_entered": [1, 1 / 3],
    ...     "low": [0.7, 0.12], "high": [1.0, 0.65], "part": "before_sale"})
    >>> ax = plot_funnel(table, Words("en", {"ask": "Asked", "pay": "Paid"}))
    >>> [t.get_text() for t in ax.texts[-5:]]
    ['Asked', '9 · 100.0%', 'Paid', '3 · 33.3%', '−6']
    """
    canvas.check_one_segment(table)
    rows = table[table["part"] == "before_sale"].reset_index(drop=True)
    entered = rows["n_entered"].max() if len(rows) else 0
    if not entered > 0:
        return None
    names, base = rows["step"].map(words.step), words.text("figure.share_axis", n=entered)
    counts = canvas.label_counts(rows["n_reached"], rows["share_of_entered"], words)
    drop = _find_drop(rows)
    title, key = words.text("figure.funnel"), _list_key(rows, drop is not None)
    sheet = canvas.open_sheet(words, title, names, counts, key, base)
    sheet.ax.set_xlim(0, entered)
    if drop:
        _draw_drop(sheet, rows.loc[drop[0]], *drop, words)
    for n, row in enumerate(rows.itertuples()):
        _draw_reached(sheet, n, row)
    return sheet.ax


def _list_key(rows: pd.DataFrame, has_drop: bool) -> list[Item]:
    """What this funnel needs of a key."""
    known = rows[rows["share_of_entered"].notna()]
    needed = {
        ("bar", WENT_ON, "reached"): True,
        ("bar", UNSEEN, "unseen"): (known["n_unseen"] >= 0.5).any(),
        ("loss", ACCENT, "largest_drop"): has_drop,
        ("strip", OPEN, "open"): (known["n_open"] >= 0.5).any(),
        ("span", INK, "span"): (known["high"] - known["low"] > THIN).any(),
    }
    return [item for item, is_needed in needed.items() if is_needed]


def _draw_reached(sheet: Sheet, n: int, row) -> None:
    """Draw one step: with evidence, without, still open, and the interval."""
    if pd.isna(row.share_of_entered):
        canvas.draw_unknown(sheet, n, row.n_entered)
        return
    seen = row.n_reached - row.n_unseen
    canvas.draw_bar(sheet.ax, sheet.tops[n], 0, seen, WENT_ON)
    canvas.draw_bar(sheet.ax, sheet.tops[n], seen, row.n_unseen, UNSEEN)
    if row.n_open > 0:
        look = {"facecolor": OPEN, "edgecolor": MUTED, "linewidth": 0.7, "zorder": 3}
        strip = sheet.tops[n] + BAR - STRIP / 2
        sheet.ax.barh(strip, row.n_open, STRIP, left=row.n_reached, **look)
    if row.high - row.low > THIN:
        middle = sheet.tops[n] + (BAR - STRIP) / 2
        canvas.draw_interval(sheet.ax, middle, row.low * row.n_entered, row.high * row.n_entered)


def _find_drop(rows: pd.DataFrame) -> tuple[int, float] | None:
    """The row of the biggest drop between measurable steps, and how many stood before it."""
    reached = rows["n_reached"].where(rows["share_of_entered"].notna())
    before = reached.ffill().shift()
    drop = before - reached
    return (drop.idxmax(), before[drop.idxmax()]) if drop.max() >= 0.5 else None


def _draw_drop(sheet: Sheet, row: pd.Series, n: int, before: float, words: Words) -> None:
    """Draw the lost part of a bar in the accent colour; its label inside, or after all marks."""
    entered, reached = row["n_entered"], row["n_reached"]
    canvas.draw_outline(sheet.ax, sheet.tops[n], reached, before - reached)
    label = words.text("figure.drop", n=before - reached)
    width = canvas.measure_width(label, TEXT, "bold") + 8
    whisker = np.nanmax([reached, row["high"] * entered])
    look = {"va": "baseline", "zorder": 6, "weight": "bold", "color": ACCENT}
    y = sheet.tops[n] + BAR - 3.5
    if (before - whisker) / entered * ROOM > width:
        x = before - 4 * entered / ROOM
        sheet.ax.text(x, y, label, ha="right", **look)
        return
    end = max(before, reached + row["n_open"], whisker)
    longest = max(entered, end * ROOM / (ROOM - width))
    sheet.ax.set_xlim(0, longest)
    sheet.ax.text(end + 4 * longest / ROOM, y, label, **look)
