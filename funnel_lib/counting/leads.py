"""The table of leads: where each one stands."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.events import EventLog
from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import write_codes
from funnel_lib.counting.missed import ASKED, place_leads
from funnel_lib.counting.moves import find_last_stage, find_stage_step


def list_leads(
    log: EventLog, journeys: Journeys, groups: list[Group] | None = None
) -> pd.DataFrame:
    """Where does each lead stand?

    Groups are those of `list_groups`. One row a lead: the segment is its most probable one (empty,
    as its probability, if it never entered), last_step, missed_step (of an open lead the next step)
    and asked are in that segment's funnel, stage is the last one of the CRM, stage_ahead: its step
    in the steps file lies beyond the furthest one reached (never of a won lead). Further columns of
    the leads follow; one named like a column before it becomes ``…_in_export``.
    """
    groups = groups or [Group()]
    found = place_leads(journeys)
    entered = journeys.leads["entered_at"].notna()
    stage = find_last_stage(log, journeys)
    codes = {step_id: n for n, step_id in enumerate(journeys.steps.ids)}
    means = {name: find_stage_step(journeys.steps, name) for name in stage.dropna().unique()}
    shown_by_stage = pd.to_numeric(stage.map({n: codes.get(s) for n, s in means.items()}))
    ahead = (shown_by_stage > found.last) & (journeys.leads["status"] != "won")
    own_groups = groups[1:] or groups
    member = np.column_stack([g.weigh(len(entered)) for g in own_groups])
    best, ids = member.argmax(axis=1), journeys.steps.before_sale
    last, missed, asked = np.full((3, len(best)), -1)
    for k, group in enumerate(own_groups):
        place, mine = place_leads(journeys, group), best == k
        code = np.array([*(ids.index(step) for step in group.path or ids), -1])
        last[mine], missed[mine] = code[place.last[mine]], code[place.missed[mine]]
        asked[mine] = place.asked[mine]
    best = np.where(entered, best, -1)
    own = pd.DataFrame({
        "lead_id": journeys.leads["lead_id"],
        "segment": write_codes(best, [g.segment for g in own_groups]),
        "probability": pd.Series(member.max(axis=1)).where(entered),
        "status": journeys.leads["status"],
        "last_step": write_codes(last, ids),
        "missed_step": write_codes(missed, ids),
        "asked": write_codes(asked, ASKED),
        "stage": stage,
        "stage_ahead": ahead.to_numpy(bool),
    })  # fmt: skip
    rest = journeys.leads.drop(columns=["lead_id", "status", "stage", "has_row"], errors="ignore")
    first = ["amount", "currency"]
    rest = rest[[*first, *(c for c in rest if c not in first)]]
    taken = {*own, "next_step", "days_silent"}
    rest = rest.rename(columns={c: f"{c}_in_export" for c in rest if c in taken})
    return pd.concat([own, rest], axis=1)
