"""How long each lead was watched, and which leads have had their time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.journeys import Journeys, first_at, last_at
from funnel_lib.core.times import DAY, NEVER, to_micros
from funnel_lib.stats.incidence import OPEN, OTHERWISE, TAKEN, find_horizon

MOST_CLOSED = 0.95  # a lead has had its time once so many of those to be closed are closed


def find_outcome_days(journeys: Journeys) -> tuple[np.ndarray, np.ndarray]:
    """How many days from entry was each lead watched, and what ended it?

    (day, cause), (n_leads,) each, as `estimate_incidence` takes them: won is `TAKEN`, lost
    `OTHERWISE`; day is -1 for leads that never entered. A lost lead without a date of closing is
    taken to be lost at its last evidence.
    """
    status = journeys.leads["status"].to_numpy()
    end = np.where(status == "open", NEVER, _find_closed(journeys))
    cause = np.select([status == "won", status == "lost"], [TAKEN, OTHERWISE], OPEN)
    return _count_days(journeys, to_micros(journeys.leads["entered_at"]), end, cause)


def find_step_days(journeys: Journeys, step_id: str) -> tuple[np.ndarray, np.ndarray]:
    """How many days from entry to a step's first evidence, or else to closing?

    (day, cause) as of `find_outcome_days`: `OTHERWISE` was closed without evidence of the step, won
    or lost, as an unseen step has no time. Of a step after the sale: days from the sale, of won
    leads alone, and nothing competes.
    """
    leads = journeys.leads
    mine = journeys.step == journeys.steps.ids.index(step_id)
    since = to_micros(leads["entered_at"])
    closed = np.where(leads["status"] == "open", NEVER, _find_closed(journeys))
    if step_id in journeys.steps.after_sale:
        since, closed = to_micros(leads["sold_at"]), np.full(len(leads), NEVER)
        since[leads["entered_at"].isna()] = NEVER
        mine &= journeys.at >= since[journeys.lead]
    taken = first_at(journeys.lead[mine], journeys.at[mine], len(leads))
    cause = np.where(taken <= closed, TAKEN, OTHERWISE)
    return _count_days(journeys, since, np.minimum(taken, closed), cause)


def _find_closed(journeys: Journeys) -> np.ndarray:
    """When each lead was won or lost; without a date of closing, at its last evidence."""
    leads = journeys.leads
    closed = np.where(leads["status"] == "won", to_micros(leads["sold_at"]),
                      to_micros(leads["closed_at"]))  # fmt: skip
    heard = last_at(journeys.lead, journeys.at, len(leads))
    return np.where((closed == NEVER) & (leads["status"] != "open"), heard, closed)


def _count_days(journeys: Journeys, since: np.ndarray, end: np.ndarray, cause: np.ndarray):
    """Whole days from one time to another, or to the export where nothing happened before it."""
    until = journeys.observed_until.value // 1000
    begun = since < NEVER
    day = np.maximum(np.minimum(end, until) - np.where(begun, since, 0), 0) // DAY
    return np.where(begun, day, -1), np.where(end <= until, cause, OPEN)


def find_first_evidence(journeys: Journeys, step_id: str) -> np.ndarray:
    """Each lead's first evidence of a step, `NEVER` where it has none."""
    mine = journeys.step == journeys.steps.ids.index(step_id)
    return first_at(journeys.lead[mine], journeys.at[mine], len(journeys.leads))


def find_mature(journeys: Journeys) -> np.ndarray:
    """Which leads have had their time, (n_leads,)?

    Those that entered so long before the export that by then `MOST_CLOSED` of those that are ever
    seen to close have closed: of younger ones only the quick have decided, and these are not like
    the others.
    """
    entered = journeys.leads["entered_at"]
    day, cause = find_outcome_days(journeys)
    horizon = find_horizon(day, np.where(cause == OPEN, OPEN, TAKEN), MOST_CLOSED)
    return (entered <= journeys.observed_until - pd.Timedelta(days=horizon)).to_numpy()
