"""List the open leads to work through."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.comparing.recording import CLOSING, FIRST_STEP, find_habits
from funnel_lib.core.events import ACTORS, SILENT_DAYS, EventLog, lead_codes
from funnel_lib.core.groups import Segmentation
from funnel_lib.core.journeys import Journeys, find_in_log
from funnel_lib.core.tables import list_columns
from funnel_lib.core.times import NEVER, last_at, to_micros
from funnel_lib.counting.days import find_heard
from funnel_lib.counting.leads import list_next_steps
from funnel_lib.counting.money import take_amounts
from funnel_lib.counting.tree import find_places
from funnel_lib.counting.waits import find_overdue

TAKEN, ENDED = "taken", "ended"  # what may be so of a lead in doubt


def list_open_leads(
    log: EventLog,
    journeys: Journeys,
    leads: pd.DataFrame,
    segmentation: Segmentation | None = None,
) -> pd.DataFrame:
    """Which step comes next for each open lead, was it proposed, how long is the client silent? The
    table `open_leads`; `leads` is what `list_leads` returns. Of a lead whose path is not sure it is
    the next step of each likely one. Where who serves a lead does not record its next step, nobody
    knows whether it was proposed, as it may have been taken. Most urgent first (what may be lost
    already last), then by amount, those of the commonest currency before others, as amounts of two
    are not compared.
    """
    places = find_places(journeys, segmentation)
    codes = find_in_log(log, journeys)
    at = log.events["at"].astype("int64").to_numpy()
    acts = (log.events["actor"] == ACTORS[0]).to_numpy()
    heard = last_at(lead_codes(log)[acts], at[acts], len(log.leads))[codes >= 0]
    heard = np.maximum(heard, find_heard(journeys))
    created = to_micros(journeys.leads["created_at"])
    heard = np.where(heard > -NEVER, heard, created)
    silent = (journeys.observed_until.value // 1000 - heard) / 86_400e6
    added = list_next_steps(places, journeys.steps.ids).assign(
        days_silent=np.where(heard < NEVER, silent, np.nan),
        overdue=find_overdue(journeys, places),
        money=take_amounts(leads),
    )
    is_open = (leads["status"] == "open").to_numpy()
    table = leads[is_open].assign(**added[is_open])
    table["doubt"] = _find_doubt(find_habits(journeys, segmentation).table, table)
    unsure = (table["doubt"] == TAKEN) & (table["asked"] == "no")
    table["asked"] = table["asked"].mask(unsure, "unknown")
    urgency = table["asked"].map({"no": 0, "unknown": 1, "yes": 2})
    table = table.assign(
        urgency=urgency.mask(table["doubt"] == ENDED, 3),
        n_alike=table["currency"].map(table["currency"].value_counts()),
    ).sort_values(
        ["urgency", "n_alike", "currency", "money", "days_silent", "lead_id"],
        ascending=[True, False, True, False, False, True],
        na_position="last",
        kind="stable",
    )
    return table[list_columns("open_leads")].reset_index(drop=True)


def _find_doubt(recording: pd.DataFrame, table: pd.DataFrame) -> pd.Series:
    """Which leads may have taken their next step, as who serves them does not record it, or may be
    lost, as who serves them leaves leads open?"""
    doubt = pd.Series("", table.index)
    steps = " | " + table["next_step"].fillna("") + " | "
    for row in recording.to_dict("records"):
        if not row["differs"] or row["group_by"] == "quarter":
            continue
        mine = (table[row["group_by"]] == row["group"]).fillna(False).astype(bool)
        more = row["share"] > row["share_others"]
        if row["step"] == CLOSING:
            doubt = doubt.mask(mine & more & (table["days_silent"] > SILENT_DAYS), ENDED)
        elif row["step"] == FIRST_STEP:
            doubt = doubt.mask(mine & more, TAKEN)
        else:
            lacks = steps.str.contains(f" | {row['step']} | ", regex=False)
            doubt = doubt.mask(mine & lacks & (not more), TAKEN)
    return doubt
