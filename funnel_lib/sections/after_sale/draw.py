"""Draw what buyers do after the sale."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from funnel_lib.core.words import Words
from funnel_lib.drawing.funnels import plot_reached


def plot_after_sale(table: pd.DataFrame, words: Words, ax: Axes | None = None) -> Axes:
    """How many of the buyers took each step after the sale?

    Parameters
    ----------
    table, words, ax : as in `plot_funnel`

    Returns
    -------
    Axes, drawn as in `plot_funnel`; the base is the won leads

    Raises
    ------
    InputError
        The table holds several segments.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "segment": "all", "step": ["launch"], "n_entered": 4.0, "n_reached": [3.0],
    ...     "n_unseen": 0.0, "n_open": 0.0, "share_of_entered": 0.75, "low": 0.3, "high": 0.95,
    ...     "part": "after_sale"})
    >>> plot_after_sale(table, Words("en")).texts[-1].get_text()
    '3 · 75.0%'
    """
    return plot_reached(
        table, words, ax, "after_sale", words.text("figure.after_sale"), "buyers_axis"
    )
