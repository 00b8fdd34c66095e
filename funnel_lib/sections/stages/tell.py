"""Sentences about the CRM's pipeline: what its stages hide, and where they say too much."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words, join_sentences
from funnel_lib.counting.moves import MOST_ORDERED

MOST_STEPS = 3


def tell_stage_by_step(stage_by_step: pd.DataFrame, words: Words) -> str:
    """Which client steps are missing of the deals lost at the stage where most are lost?"""
    lost = stage_by_step[stage_by_step["n_lost"] > 0]
    if lost.empty:
        return words.text("sentence.stages_no_losses")
    sizes = lost.groupby("stage", sort=False)["n_lost"].sum()
    stage, n = sizes.idxmax(), sizes.max()
    rows = lost[lost["stage"] == stage].sort_values("n_lost", ascending=False, kind="stable")
    most = rows.head(MOST_STEPS).assign(share=rows["n_lost"] / n)
    parts = words.each("sentence.stage_part", most, ", ")
    return words.text("sentence.stage_hides", n=n, stage=stage, parts=parts)


def tell_pipeline(checks: pd.DataFrame, pipeline: pd.DataFrame, words: Words) -> str:
    """How honest is the pipeline? Checks in which nothing was found are not told."""
    found = checks[(checks["n_base"] > 0) & (checks["n_deals"] > 0)].to_dict("records")
    told = [words.text(f"pipeline_check.{row['check']}", **row) for row in found]
    history = pipeline[pipeline["story"] == "stages"]
    n = history["step"].nunique() - 1  # the sale stands last in either story
    return join_sentences(
        *(told or [words.text("sentence.pipeline_fine")]),
        history.empty and words.text("sentence.pipeline_snapshot"),
        n > MOST_ORDERED and words.text("sentence.pipeline_many", n=n),
    )


def tell_renamed(renames: pd.DataFrame, words: Words) -> str:
    """Which stages look like another one under a new name? Empty where none does."""
    if renames.empty:
        return ""
    pairs = words.each("sentence.renamed_pair", renames, ", ")
    return words.text("sentence.renamed", pairs=pairs)
