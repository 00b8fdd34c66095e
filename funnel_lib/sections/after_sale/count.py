"""Count who buys again, after how long, and for how much."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import arrange
from funnel_lib.core.tallies import tally
from funnel_lib.core.times import read_window
from funnel_lib.counting.days import (
    Days,
    count_days,
    count_watched,
    find_purchases,
    find_repeat_days,
)
from funnel_lib.counting.money import list_money
from funnel_lib.counting.reach import read_after
from funnel_lib.stats.incidence import find_half_time


def count_repeats(
    journeys: Journeys, groups: list[Group], within: pd.Timedelta | str | None = None
) -> pd.DataFrame:
    """How many buyers buy again, after how long, and for how much? The table `repeats`.

    Buyers are accounts, and deals of one day one purchase (see `days.find_purchases`). The
    share is counted as the steps after the sale are (see `reach.count_after_sale`): a repeat
    purchase is censored at the export. Where neither accounts nor a step would show it, nothing
    is said.

    Examples
    --------
    >>> leads = pd.DataFrame({"lead_id": ["a", "b"], "account_id": "x", "amount": [5.0, 7.0],
    ...                       "status": "won", "closed_at": ["2025-01-02", "2025-02-01"]})
    >>> events = pd.DataFrame({"lead_id": ["a", "b"], "action": "ask",
    ...                        "at": ["2025-01-01", "2025-01-30"]})
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay")
    >>> table = count_repeats(build_journeys(build_log(events, leads), steps), [Group()])
    >>> table[["n_won", "n_again", "amount_again"]].values.tolist()
    [[1.0, 1.0, 7.0]]
    """
    currency, names, amount = list_money(journeys)
    day, cause = find_repeat_days(journeys)
    money = _add_money(journeys, currency, amount, len(names))
    watched, window = count_watched(journeys, None), read_window(within)
    can_tell, rows = find_purchases(journeys).can_tell, []
    for group, (code, name) in product(groups, enumerate(names)):
        weights, mine = group.weigh(len(day)), currency == code
        counted = tally(journeys, group.memberships)
        days = count_days(counted, np.where(mine, day, -1), cause)
        found = read_after(days, group.column, watched, window)
        row = {"n_won": found["n_entered"], "n_again": found["n_reached"]} | {
            name: found[name] for name in ("n_open", "share", "low", "high", "horizon_days")
        }
        row["amount_again"] = (weights * (day >= 0)) @ money[:, code]
        row["median_days_to_again"] = _find_half(days, group.column, found["horizon_days"])
        if not can_tell:
            row |= dict.fromkeys({*row} - {"n_won", "horizon_days"}, np.nan)
        rows.append({"segment": group.segment, "currency": name} | row)
    return arrange("repeats", rows)


def _find_half(days: Days, column: int, horizon: float) -> float:
    """By when half of those who buy again by the horizon have."""
    if np.isnan(horizon):
        return np.nan
    found = days.follow(column)
    last = min(int(horizon), len(found.incidence) - 1)
    return find_half_time(found.incidence, found.at_risk, last)


def _add_money(journeys: Journeys, currency, amount: np.ndarray, n_currencies: int) -> np.ndarray:
    """What the later deals of each first sale's account brought, by currency, (n_leads,
    n_currencies); NaN where no amount of a currency is known."""
    owner = find_purchases(journeys).repeats
    later = np.flatnonzero(owner >= 0)
    money = np.zeros((len(owner), n_currencies))
    np.add.at(money, (owner[later], currency[later]), np.nan_to_num(amount[later]))
    known = [np.isfinite(amount[currency == c]).any() for c in range(n_currencies)]
    return np.where(known, money, np.nan)
