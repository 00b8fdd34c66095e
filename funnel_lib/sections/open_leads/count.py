"""List the open leads to work through."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.events import ACTORS, EventLog, lead_codes
from funnel_lib.core.journeys import Journeys, find_in_log, last_at
from funnel_lib.core.tables import list_columns
from funnel_lib.core.times import NEVER, to_micros
from funnel_lib.counting.days import find_heard


def list_open_leads(log: EventLog, journeys: Journeys, leads: pd.DataFrame) -> pd.DataFrame:
    """Which step comes next for each open lead, was it proposed, how long is the client silent? The
    table `open_leads`; `leads` is what `list_leads` returns.
    """
    codes = find_in_log(log, journeys)
    at = log.events["at"].astype("int64").to_numpy()
    acts = (log.events["actor"] == ACTORS[0]).to_numpy()
    heard = last_at(lead_codes(log)[acts], at[acts], len(log.leads))[codes >= 0]
    heard = np.maximum(heard, find_heard(journeys))
    created = to_micros(journeys.leads["created_at"])
    heard = np.where(heard > -NEVER, heard, created)
    silent = (journeys.observed_until.value // 1000 - heard) / 86_400e6
    table = leads.assign(days_silent=np.where(heard < NEVER, silent, np.nan))
    table = table[table["status"] == "open"].rename(columns={"missed_step": "next_step"})
    urgency = table["asked"].map({"no": 0, "unknown": 1, "yes": 2})
    table = table.assign(urgency=urgency).sort_values(
        ["urgency", "amount", "days_silent", "lead_id"],
        ascending=[True, False, False, True],
        na_position="last",
        kind="stable",
    )
    return table[list_columns("open_leads")].reset_index(drop=True)
