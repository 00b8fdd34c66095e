"""Draw what buyers do after the sale."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing.funnels import plot_reached


def plot_after_sale(table: pd.DataFrame, words: Words, ax: Axes | None = None) -> Axes:
    """How many of the buyers took each step after the sale?

    Drawn as in `plot_funnel`, from the same table; the base is the won leads.
    """
    title = words.text("figure.after_sale")
    return plot_reached(table, words, ax, "after_sale", title, "buyers_axis")
