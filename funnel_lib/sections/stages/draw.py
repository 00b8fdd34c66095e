"""Draw the pipeline beside the client's funnel."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from funnel_lib.core.words import Words
from funnel_lib.drawing.canvas import Picture
from funnel_lib.drawing.funnels import picture_funnel
from funnel_lib.drawing.heatmaps import picture_matrix

_TITLES = {
    "stages": "figure.story_stages",
    "snapshot": "figure.story_snapshot",
    "steps": "figure.story_steps",
}


def picture_pipeline(pipeline: pd.DataFrame, words: Words, rule: str = "passed") -> list[Picture]:
    """How far did the same deals come by the CRM's stages, and by what the client did?

    Two pictures, drawn as `plot_funnel` does, to stand side by side; none without stages.
    """
    stories = pipeline[pipeline["rule"] == rule].groupby("story", sort=False)
    # a stage goes by its own name, though it be a step's id or hold what joins steps
    stages = replace(words, step_names={s: s for s in pipeline["step"]})
    return [
        picture_funnel(rows, words if story == "steps" else stages, words.text(_TITLES[story]))
        for story, rows in stories
    ]


def picture_missing(stage_by_step: pd.DataFrame, words: Words) -> Picture:
    """Which client step is missing of the deals lost at each stage?"""
    return picture_matrix(stage_by_step, words, "stage", "missed_step", "n_lost")


def picture_reasons(loss_reasons: pd.DataFrame, words: Words) -> Picture:
    """Which client step is missing of the deals lost for each reason?"""
    return picture_matrix(loss_reasons, words, "loss_reason", "missed_step", "n_lost")
