"""Draw the pipeline beside the client's funnel."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words
from funnel_lib.drawing.canvas import Picture, show_figure
from funnel_lib.drawing.funnels import plot_funnel


def picture_pipeline(pipeline: pd.DataFrame, words: Words, rule: str = "passed") -> list[Picture]:
    """How far did the same deals come by the CRM's stages, and by what the client did?

    Parameters
    ----------
    pipeline : what `stages.count_pipeline` returns
    words : the reader's language
    rule : the counting rule

    Returns
    -------
    Two pictures, drawn as `plot_funnel` does, to stand side by side; none without stages

    Examples
    --------
    >>> picture_pipeline(pd.DataFrame({"story": [], "rule": []}), Words("en"))
    []
    """
    pictures = []
    for story, rows in pipeline[pipeline["rule"] == rule].groupby("story", sort=False):
        title = words.text(_STORIES[story])
        shares = rows[["step", "share_of_entered"]].to_numpy()
        alt = "; ".join(f"{words.step(step)} {words.share(share)}" for step, share in shares)
        pictures.append(show_figure(plot_funnel(rows, words, title=title), f"{title}: {alt}"))
    return pictures


_STORIES = {
    "stages": "figure.story_stages",
    "snapshot": "figure.story_snapshot",
    "steps": "figure.story_steps",
}
