"""Which share of the buyers takes a step by a day after the sale, with those bought just now?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.times import DAY, NEVER
from funnel_lib.counting.days import Days, count_watched, find_days
from funnel_lib.counting.purchases import find_measurable
from funnel_lib.stats.incidence import OPEN, TAKEN, find_last_day

HORIZON = 180  # days after the sale, where no window is given
COUNTS = ["n_reached", "n_unseen", "n_open"]


def count_after_sale(journeys: Journeys, group: Group, window: int = NEVER) -> pd.DataFrame:
    """Which share of the buyers has taken each step after the sale, by its own evidence?

    The rows of the table `funnel` after the sale. The share is the incidence by `horizon_days`
    after the sale (Kaplan and Meier: nothing competes, buyers are watched up to the export);
    n_reached are those who did by then, n_open those who did not and have not been watched for so
    long. The horizon is the window (microseconds; default `HORIZON`), or the last day for which
    enough buyers were watched. Who bought again is counted of accounts (see `purchases`). What is
    not measurable has no count. Without steps after the sale there are no rows.
    """
    rows, seen = [], find_measurable(journeys)
    for step in journeys.steps.after_sale:
        days = find_days(journeys, step, group)
        watched = count_watched(journeys, step, group.weigh(len(journeys.leads)))
        row = {"step": step} | read_after(days, group.column, watched, window)
        if not seen[journeys.steps.ids.index(step)]:
            row |= dict.fromkeys([*COUNTS, "share", "low", "high"], np.nan)
        rows.append(row | {"share_of_entered": row.pop("share")})
    return pd.DataFrame(rows)


def read_after(days: Days, column: int, watched: np.ndarray, window: int = NEVER) -> dict:
    """The share of a group's buyers, and the counts behind it, at the horizon: n_entered,
    n_reached, n_unseen, n_open, share, low, high, horizon_days; zeros and no share without buyers.

    `watched` is how many were watched for so many days, (n_days,).
    """
    if not watched[0] > 0:
        nothing = dict.fromkeys(("share", "low", "high", "horizon_days"), np.nan)
        return dict.fromkeys(("n_entered", *COUNTS), 0.0) | nothing
    horizon = min(find_horizon_after(window), find_last_day(watched))
    found, mass = days.follow(column), days.sums[:, column].reshape(-1, 3)
    by = min(horizon, len(found.incidence) - 1)
    reached = mass[: horizon + 1, TAKEN].sum()
    return {
        "n_entered": found.at_risk[0], "n_reached": reached, "n_unseen": 0.0,
        "n_open": mass[:horizon, OPEN].sum(), "share": found.incidence[by],
        "low": found.low[by], "high": found.high[by], "horizon_days": float(horizon),
    }  # fmt: skip


def find_horizon_after(window: int = NEVER) -> int:
    """At which day after the sale is it counted who took a step, where buyers are old enough?"""
    return HORIZON if window == NEVER else window // DAY
