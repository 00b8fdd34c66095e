"""Sentences about the CRM's pipeline: what its stages hide, and where they say too much."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.words import Words

MOST_STEPS = 3


def tell_stage_by_step(stage_by_step: pd.DataFrame, words: Words) -> str:
    """Which client steps are missing of the deals lost at the stage where most are lost?

    Parameters
    ----------
    stage_by_step : what `stages.count_stage_by_step` returns
    words : the reader's language

    Examples
    --------
    >>> table = pd.DataFrame({"stage": ["Sent", "Sent"], "missed_step": ["read", "pay"],
    ...                       "n_lost": [30, 10], "n_open": [2, 0]})
    >>> tell_stage_by_step(table, Words("en", {"read": "Opened the proposal"}))
    'The CRM shows 40 deals lost at the stage “Sent”. What their clients did not do: “Opened the
    proposal” 30 (75.0%), “pay” 10 (25.0%).'
    """
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
    """How honest is the pipeline?

    Parameters
    ----------
    checks, pipeline : what `stages.check_pipeline` and `count_pipeline` return
    words : the reader's language

    Examples
    --------
    >>> checks = pd.DataFrame({"check": ["stage_ahead"], "n_deals": [20], "n_base": [80],
    ...                        "share": [0.25], "low": [0.17], "high": [0.36]})
    >>> history, snapshot = (pd.DataFrame({"story": [s]}) for s in ("stages", "snapshot"))
    >>> tell_pipeline(checks, history, Words("en"))
    'Stage ahead of the client, of deals not won: 20 of 80 deals (25.0%, 95% interval
    17.0–36.0%).'
    >>> tell_pipeline(checks, snapshot, Words("en"))[-46:]
    'who came to a stage and went on, nobody knows.'
    """
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
    """Does a stage look like another one under a new name?

    Parameters
    ----------
    renames : what `stages.find_renamed` returns
    words : the reader's language

    Examples
    --------
    >>> renames = pd.DataFrame({"stage": ["Talks"], "renamed_to": ["First talks"]})
    >>> tell_renamed(renames, Words("en"))
    'Perhaps renamed, and counted apart here: “Talks” to “First talks”. If so, give both the same
    step in the steps file.'
    """
    if renames.empty:
        return words.text("sentence.renamed_none")
    pairs = [
        words.text("sentence.renamed_pair", stage=row.stage, renamed_to=row.renamed_to)
        for row in renames.itertuples()
    ]
    return words.text("sentence.renamed", pairs=", ".join(pairs))
