"""How long the steps take."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.journeys import NEVER, Journeys, first_at, to_micros

_DAY = 86_400e6


def count_pace(journeys: Journeys, segment: str = "all") -> pd.DataFrame:
    """How many days did those who took a step need for it?

    Parameters
    ----------
    journeys : the leads' client steps
    segment : what to write into the column

    Returns
    -------
    frame, one row a global step before the sale: segment, position, step, n_from_entry (leads with
    evidence of the step, the base), median_days_from_entry, n_from_previous (leads with evidence of
    this step and of the one before it in the steps file, in that order by the clock; the first step
    counts from entry), median_days_from_previous; from first evidence to first evidence. It tells
    of those who took the step only: leads that may yet take it are not in it, so it is no forecast.

    Examples
    --------
    >>> from funnel_lib.events import build_log
    >>> from funnel_lib.journeys import build_journeys
    >>> from funnel_lib.steps import Steps
    >>> log = build_log(pd.DataFrame({"lead_id": ["a", "a"], "action": ["ask", "pay"],
    ...                               "at": pd.to_datetime(["2025-01-01", "2025-01-03"])}))
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay")
    >>> count_pace(build_journeys(log, steps))["median_days_from_entry"].tolist()
    [0.0, 2.0]
    """
    ids = journeys.steps.before_sale
    lead, n_leads = journeys.lead, len(journeys.leads)
    previous = entered = to_micros(journeys.leads["entered_at"])
    rows = []
    for position, step_id in enumerate(ids):
        mine = journeys.step == position
        reached = first_at(lead[mine], journeys.at[mine], n_leads)
        from_entry, from_previous = _days(entered, reached), _days(previous, reached)
        rows.append((
            segment, position + 1, step_id, len(from_entry), _median(from_entry),
            len(from_previous), _median(from_previous),
        ))  # fmt: skip
        previous = reached
    return pd.DataFrame(rows, columns=_COLUMNS)


_COLUMNS = [
    "segment", "position", "step", "n_from_entry", "median_days_from_entry", "n_from_previous",
    "median_days_from_previous",
]  # fmt: skip


def _days(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    both = (start < NEVER) & (end < NEVER) & (end >= start)
    return (end[both] - start[both]) / _DAY


def _median(days: np.ndarray) -> float:
    return float(np.median(days)) if len(days) else np.nan
