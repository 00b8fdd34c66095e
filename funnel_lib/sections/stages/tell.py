"""Sentences about the CRM's pipeline: what its stages hide, and where they say too much."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words

MOST_STEPS = 3


def tell_stage_by_step(stage_by_step: pd.DataFrame, words: Words) -> str:
    """Which client steps are missing of the deals lost at the stage where most are lost?"""
    lost = stage_by_step[stage_by_step["n_lost"] > 0]
    if lost.empty:
        return words.text("sentence.stages_no_losses")
    sizes = lost.groupby("stage", sort=False)["n_lost"].sum()
    stage, n = sizes.idxmax(), sizes.max()
    rows = lost[lost["stage"] == stage].sort_values("n_lost", ascending=False, kind="stable")
    parts = [
        words.text(
            "sentence.stage_part",
            step=words.step(row.missed_step),
            n_lost=row.n_lost,
            share=words.share(row.n_lost / n),
        )
        for row in rows.head(MOST_STEPS).itertuples()
    ]
    return words.text("sentence.stage_hides", n=n, stage=stage, parts=", ".join(parts))


def tell_pipeline(checks: pd.DataFrame, pipeline: pd.DataFrame, words: Words) -> str:
    """How honest is the pipeline? Checks in which nothing was found are not told."""
    rows = checks[(checks["n_base"] > 0) & (checks["n_deals"] > 0)]
    parts = [
        words.text(
            "sentence.pipeline_check",
            check=words.value("check", row.check),
            n=row.n_deals,
            base=row.n_base,
            share=words.share(row.share),
            span=words.span(row.low, row.high),
        )
        for row in rows.itertuples()
    ]
    told = "; ".join(parts) + "." if parts else words.text("sentence.pipeline_fine")
    told = told[:1].upper() + told[1:]
    if (pipeline["story"] == "stages").any():
        return told
    return f"{told} {words.text('sentence.pipeline_snapshot')}"


def tell_renamed(renames: pd.DataFrame, words: Words) -> str:
    """Does a stage look like another one under a new name?"""
    if renames.empty:
        return words.text("sentence.renamed_none")
    pairs = [
        words.text("sentence.renamed_pair", stage=row.stage, renamed_to=row.renamed_to)
        for row in renames.itertuples()
    ]
    return words.text("sentence.renamed", pairs=", ".join(pairs))
