"""Count who buys again, after how long, and for how much."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from funnel_lib.core.groups import Group, find_accounts
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.money import list_money
from funnel_lib.core.tables import arrange
from funnel_lib.core.times import DAY, NEVER, order_packed, to_micros
from funnel_lib.stats.incidence import OPEN, TAKEN, estimate_incidence, find_half_time
from funnel_lib.stats.intervals import effective_n, wilson


def count_repeats(journeys: Journeys, groups: list[Group]) -> pd.DataFrame:
    """How many buyers buy again, after how long, and for how much? The table `repeats`.

    A repeat purchase is censored at the export.

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
    first, again_at, amount_again = _follow_accounts(journeys, currency, amount, len(names))
    sold, until = to_micros(journeys.leads["sold_at"]), journeys.observed_until.value // 1000
    again = again_at < NEVER
    waited = (np.where(again, again_at, until) - np.where(first, sold, 0)) // DAY
    rows = []
    for group, (code, name) in product(groups, enumerate(names)):
        everybody = group.weigh(len(first)) * first
        weights = everybody * (currency == code)
        n, n_again = weights.sum(), weights @ again
        share = n_again / n if n else np.nan
        low, high = map(float, wilson(share, effective_n(weights)))
        watched = np.where(weights > 0, np.maximum(waited, 0), -1)
        found = estimate_incidence(watched, np.where(again, TAKEN, OPEN), weights[:, None])
        rows.append({
            "segment": group.segment, "currency": name, "n_won": n, "n_again": n_again,
            "share": share, "low": low, "high": high,
            "amount_again": everybody @ amount_again[:, code],
            "median_days_to_again": find_half_time(found.incidence, found.at_risk),
        })  # fmt: skip
    return arrange("repeats", rows)


def _follow_accounts(journeys: Journeys, currency, amount: np.ndarray, n_currencies: int):
    """Which leads are their account's first sale, when it bought again, and for how much after, by
    currency (n_leads, n_currencies); NaN where no amount of a currency is known."""
    leads = journeys.leads
    won = (leads["status"] == "won").to_numpy() & leads["entered_at"].notna().to_numpy()
    account, sold, lead = find_accounts(leads), to_micros(leads["sold_at"]), np.flatnonzero(won)
    lead = lead[order_packed(account[lead], sold[lead], lead)]  # at one time in the order of ids
    rows = pd.DataFrame({"account": account[lead], "sold": sold[lead]}, index=lead)
    opening = ~rows["account"].duplicated().to_numpy()
    following = rows.groupby("account")["sold"].shift(-1)
    owner = rows.index.to_numpy()[np.maximum.accumulate(np.where(opening, np.arange(len(rows)), 0))]
    bought = following[opening].dropna().index
    first, again_at = np.zeros(len(leads), bool), np.full(len(leads), NEVER)
    first[rows.index[opening]], again_at[bought] = True, following[bought].astype("int64")
    later = rows.index.to_numpy()[~opening]
    money = np.zeros((len(leads), n_currencies))
    np.add.at(money, (owner[~opening], currency[later]), np.nan_to_num(amount[later]))
    known = [np.isfinite(amount[currency == c]).any() for c in range(n_currencies)]
    return first, again_at, np.where(known, money, np.nan)
