"""Moves of deals between the stages of the CRM, and the order of the stages."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.events import STAGE_PREFIX, EventLog, lead_codes
from funnel_lib.core.journeys import Journeys, find_in_log
from funnel_lib.core.steps import Steps

PIPELINE_MARK = " / "  # between the name of a pipeline and that of its stage
MOST_ORDERED = 200  # stages whose pairs are looked at: seconds; of a thousand minutes


def find_stage_step(steps: Steps, stage: str | None) -> str | None:
    """Which step does the steps file say a stage shows: with its pipeline's name, or without?"""
    if not isinstance(stage, str):
        return None
    return steps.stages.get(stage) or steps.stages.get(stage.rpartition(PIPELINE_MARK)[2])


def mark_pipelines(leads: pd.DataFrame) -> np.ndarray:
    """What to write before each lead's stage, (n_leads,): its pipeline, where there are several."""
    if "pipeline" not in leads or leads["pipeline"].nunique() < 2:
        return np.full(len(leads), "", dtype=object)
    named = leads["pipeline"].astype("str")
    return (named + PIPELINE_MARK).where(leads["pipeline"].notna(), "").to_numpy(object)


def find_last_stage(log: EventLog, journeys: Journeys) -> pd.Series:
    """The stage of the CRM that each lead stood in last: by its moves, else by the leads table."""
    stage = journeys.leads["stage"].astype("str")
    names = _name_stages(log)
    if len(names):
        lead = find_in_log(log, journeys)[lead_codes(log)[names.index]]
        last = names.groupby(lead).last()
        stage = last.reindex(journeys.leads.index).astype("str").fillna(stage)
    marks = mark_pipelines(journeys.leads)
    if not (marks != "").any():
        return stage
    known = stage.notna() & (stage != "")
    return (marks + stage.astype(object)).where(known, stage).astype("str")


def list_moves(log: EventLog, journeys: Journeys) -> pd.DataFrame:
    """When did which deal come to which stage of the CRM?

    Moves are the events whose action is ``stage: NAME``; the journeys may be of some leads only.

    Returns
    -------
    frame, one row a move, by lead and time: lead (position in ``journeys.leads``), at
    (microseconds), stage, actor, place (0 for the lead's first move), previous (the stage before;
    empty for the first). A move to the stage a deal already stands in is none. Where the leads are
    of several pipelines (a column pipeline), stages bear the pipeline's name: "Retail / New".

    Examples
    --------
    >>> log = build_log(pd.DataFrame({
    ...     "lead_id": ["a", "a", "a"], "action": ["ask", "stage: New", "stage: Sent"],
    ...     "at": pd.date_range("2025-01-01", periods=3)}))
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "read"}, {"id": "pay"}], won="pay",
    ...               stages={"Sent": "read"})
    >>> journeys = build_journeys(log, steps)
    >>> list_moves(log, journeys)[["lead", "stage", "place"]].values.tolist()
    [[0, 'New', 0], [0, 'Sent', 1]]
    """
    names = _name_stages(log)
    events = log.events.loc[names.index]
    moves = pd.DataFrame({
        "lead": find_in_log(log, journeys)[lead_codes(log)[names.index]],
        "at": events["at"].astype("int64").to_numpy(),
        "stage": names.to_numpy(),
        "actor": events["actor"].astype("str").to_numpy(),
    })  # fmt: skip
    moves = moves[moves["lead"] >= 0]
    marks = mark_pipelines(journeys.leads)[moves["lead"].to_numpy()]
    moves["stage"] = marks + moves["stage"].astype(object)
    moves = moves.sort_values(["lead", "at", "stage"], kind="stable", ignore_index=True)
    moves = moves[moves["stage"] != moves.groupby("lead")["stage"].shift()].reset_index(drop=True)
    by_lead = moves.groupby("lead")["stage"]
    return moves.assign(place=by_lead.cumcount(), previous=by_lead.shift())


def _name_stages(log: EventLog) -> pd.Series:
    """The stage that each move of the log leads to, by the row of its event."""
    actions = log.events["action"]
    is_move = actions.cat.categories.str.startswith(STAGE_PREFIX)
    return actions[is_move[actions.cat.codes]].astype("str").str.removeprefix(STAGE_PREFIX)


def order_stages(moves: pd.DataFrame) -> list[str]:
    """In which order do deals come to the stages?

    The order that most pairs agree with: for each pair of stages, more deals that came to both
    came to the earlier one first (Kemeny's rule, https://doi.org/10.2307/20026529, by moving one
    stage at a time from the order of the mean places). Of more than `MOST_ORDERED` stages the order
    of the mean places is taken. Cost: cubic in the number of stages.
    """
    first = moves.drop_duplicates(["lead", "stage"])
    mean = first.groupby("stage")["place"].mean()
    names = list(mean.reset_index().sort_values(["place", "stage"])["stage"])
    if len(names) > MOST_ORDERED:
        return names
    place = first.pivot_table("place", "lead", "stage")[names].to_numpy()
    before = np.array([(place[:, [i]] < place).sum(axis=0) for i in range(len(names))])
    margin = (before - before.T).reshape(len(names), len(names))
    order = np.arange(len(names))
    while (better := _find_better(order, margin)) is not None:
        order = better
    return [names[i] for i in order]


def _find_better(order: np.ndarray, margin: np.ndarray) -> np.ndarray | None:
    """Move one stage to where more pairs agree; None where no single move helps."""
    # those ahead of a stage should be, those behind should not: (n_places, n_stages)
    sums = np.cumsum(margin[np.ix_(order, order)], axis=0)
    sums = np.vstack([np.zeros_like(sums[:1]), sums]) if len(order) else np.zeros((1, 0))
    gain = sums - np.diagonal(sums)
    helps = np.flatnonzero((gain > 0).any(axis=0))
    if not len(helps):
        return None
    at = helps[0]
    to = gain[:, at].argmax()
    rest = np.delete(order, at)
    return np.insert(rest, to - (to > at), order[at])
