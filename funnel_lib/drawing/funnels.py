"""Bars of leads that reached each step, with the largest drop."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing import canvas
from funnel_lib.drawing.canvas import Item, Picture, Sheet
from funnel_lib.drawing.looks import ACCENT, BAR, BLUE, GREY, INK, LIGHT, STRIP, TEXT, THIN


def plot_funnel(
    table: pd.DataFrame, words: Words, ax: Axes | None = None, *, title: str = ""
) -> Axes:
    """How many of the leads that entered reached each step before the sale?

    A bar a step: those who reached it, hatched where they did so without evidence, then the leads
    still open before it (thin, grey) and the 95 % interval (whisker). The biggest drop from one
    measurable step to the next is in the accent colour. A step that is not measurable is an empty
    dashed bar, and says so. Without leads the figure says that there is nothing to draw.

    Parameters
    ----------
    table : what `reach.count_funnel` returns, of one segment; InputError where it holds several
    ax : where to draw; by default a new figure as high as the steps need
    title : stands in place of the usual title, e.g. the name of the segment; three lines at most

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
    return _plot_reached(table, words, ax, title or words.text("figure.funnel"))


def picture_funnel(table: pd.DataFrame, words: Words, title: str) -> Picture:
    """A funnel under a title of its own, and in words, to stand beside others."""
    rows = table.loc[table["part"] == "before_sale", ["step", "share_of_entered"]].to_numpy()
    alt = "; ".join(f"{words.step(step)} {words.share(share)}" for step, share in rows)
    return canvas.show_figure(plot_funnel(table, words, title=title), f"{title}: {alt}")


@canvas.in_style
def _plot_reached(table: pd.DataFrame, words: Words, ax: Axes | None, title: str) -> Axes:
    canvas.check_one_segment(table)
    rows = table[table["part"] == "before_sale"].reset_index(drop=True)
    entered = rows["n_entered"].max() if len(rows) else 0
    if not entered > 0:
        return canvas.draw_nothing(ax, words, title)
    names, base = rows["step"].map(words.step), words.text("figure.share_axis", n=entered)
    counts = canvas.label_counts(rows["n_reached"], rows["share_of_entered"], words)
    sheet = canvas.open_sheet(ax, words, title, names, counts, _list_key(rows), base)
    sheet.ax.set_xlim(0, entered)
    if drop := _find_drop(rows):
        _draw_drop(sheet, rows.loc[drop[0]], *drop, words)
    for n, row in enumerate(rows.itertuples()):
        _draw_reached(sheet, n, row)
    return sheet.ax


def _list_key(rows: pd.DataFrame) -> list[Item]:
    """What this funnel needs of a key."""
    known = rows[rows["share_of_entered"].notna()]
    needed = {
        ("■", BLUE, "reached"): True,
        ("▨", BLUE, "unseen"): (known["n_unseen"] >= 0.5).any(),
        ("▬", GREY, "open"): (known["n_open"] >= 0.5).any(),
        ("⊢⊣", INK, "span"): (known["high"] - known["low"] > THIN).any(),
    }
    return [item for item, is_needed in needed.items() if is_needed]


def _draw_reached(sheet: Sheet, n: int, row) -> None:
    """Draw one step: with evidence, without, still open, and the interval."""
    if pd.isna(row.share_of_entered):
        canvas.draw_unknown(sheet, n, row.n_entered)
        return
    seen = row.n_reached - row.n_unseen
    canvas.draw_bar(sheet, n, 0, seen, BLUE)
    canvas.draw_bar(sheet, n, seen, row.n_unseen, LIGHT, hatched=True)
    if row.n_open > 0:
        strip = sheet.tops[n] + BAR - STRIP / 2
        sheet.ax.barh(strip, row.n_open, STRIP, left=row.n_reached, color=GREY, zorder=3)
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
    canvas.draw_bar(sheet, n, reached, before - reached, ACCENT)
    label = words.text("figure.drop", n=before - reached)
    width = canvas.measure_width(label, TEXT, "bold") + 8
    whisker = np.nanmax([reached, row["high"] * entered])
    look = {"va": "center_baseline", "zorder": 5, "weight": "bold"}
    y = sheet.tops[n] + (BAR - STRIP) / 2
    if (before - whisker) / entered * sheet.room > width:
        x = before - 4 * entered / sheet.room
        sheet.ax.text(x, y, label, color="white", ha="right", **look)
        return
    end = max(before, reached + row["n_open"], whisker)
    longest = max(entered, end * sheet.room / (sheet.room - width))
    sheet.ax.set_xlim(0, longest)
    sheet.ax.text(end + 4 * longest / sheet.room, y, label, color=ACCENT, **look)
