"""Draw each segment's funnel side by side."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words
from funnel_lib.drawing.canvas import Picture, label_segment
from funnel_lib.drawing.funnels import picture_funnel


def picture_segments(tables: dict[str, pd.DataFrame], words: Words) -> list[Picture]:
    """How many of each segment reached each step of its own path?

    A picture a segment, its name as the title, to stand side by side; none where all leads are one
    segment. Takes of the audit's tables `segments` and `funnel`.
    """
    funnel, segments = tables["funnel"], tables["segments"]
    return [
        picture_funnel(funnel[funnel["segment"] == segment], words, label_segment(name, words))
        for segment, name in segments.loc[segments["segment"] != "all", ["segment", "name"]].values
    ]
