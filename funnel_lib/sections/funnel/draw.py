"""Draw each segment's funnel side by side."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words
from funnel_lib.drawing.canvas import Picture, show_figure
from funnel_lib.drawing.funnels import plot_funnel


def picture_segments(tables: dict[str, pd.DataFrame], words: Words) -> list[Picture]:
    """How many of each segment reached each step of its own path?

    Parameters
    ----------
    tables : the audit's tables: segments, funnel
    words : the reader's language

    Returns
    -------
    A picture a segment, drawn as `plot_funnel` does, its name as the title, to stand side by side;
    none where all leads are one segment

    Examples
    --------
    >>> funnel = pd.DataFrame({
    ...     "segment": "s1", "step": ["ask", "pay"], "n_entered": 9.0, "n_reached": [9.0, 3.0],
    ...     "n_unseen": 0.0, "n_open": 0.0, "share_of_entered": [1, 1 / 3],
    ...     "share_of_previous": [1, 1 / 3], "low": [0.7, 0.12], "high": [1.0, 0.65],
    ...     "part": "before_sale"})
    >>> segments = pd.DataFrame({"segment": ["s1"], "name": ["with pay"]})
    >>> len(picture_segments({"funnel": funnel, "segments": segments}, Words("en")))
    1
    """
    pictures, segments = [], tables["segments"]
    for segment, name in segments[segments["segment"] != "all"][["segment", "name"]].to_numpy():
        own = tables["funnel"][tables["funnel"]["segment"] == segment]
        title = words.value("name", name)
        title = title[:1].upper() + title[1:]
        steps = own.loc[own["part"] == "before_sale", ["step", "share_of_entered"]].to_numpy()
        alt = "; ".join(f"{words.step(step)} {words.share(share)}" for step, share in steps)
        pictures.append(show_figure(plot_funnel(own, words, title=title), f"{title}: {alt}"))
    return pictures
