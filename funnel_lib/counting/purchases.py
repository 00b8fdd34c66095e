"""Which deals are an account's first purchase, and when did it buy again?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from funnel_lib.core.groups import find_accounts
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.times import NEVER, order_packed, to_micros


@dataclass(frozen=True)
class Purchases:
    """Buyers are accounts; a lead without an account is its own. All are (n_leads,)."""

    is_first: np.ndarray  # whether it is the first sale of its account
    again_at: np.ndarray  # of first sales, when the account bought again; `NEVER` for others
    repeats: np.ndarray  # the first sale that a later one repeats, a position; -1 for others
    can_tell: bool  # whether a repeat would show: accounts are known, or a step says so


def find_purchases(journeys: Journeys) -> Purchases:
    """Which deals are first purchases, which repeat one, and when was that?

    Of won leads that entered. What an account bought on the day of its first sale (of the user's
    time zone) is one purchase with it. It buys again with a later sale, or where any of its deals
    shows the step that says so (`Steps.repeat`). Kept with the journeys.
    """
    if "purchases" not in journeys.kept:
        journeys.kept["purchases"] = _find_purchases(journeys)
    return journeys.kept["purchases"]


def find_measurable(journeys: Journeys) -> np.ndarray:
    """Which steps can be seen, (n_steps,)? Who bought again, by accounts alone, too."""
    code = _find_repeat_code(journeys)
    if code < 0:
        return journeys.measurable
    by_accounts = (find_purchases(journeys).again_at < NEVER).any()
    return journeys.measurable | (by_accounts & (np.arange(len(journeys.measurable)) == code))


def _find_purchases(journeys: Journeys) -> Purchases:
    leads, zone = journeys.leads, journeys.time_zone
    won = (leads["status"] == "won").to_numpy() & leads["entered_at"].notna().to_numpy()
    account, sold, n = find_accounts(leads), to_micros(leads["sold_at"]), len(leads)
    deals = np.flatnonzero(won)
    deals = deals[order_packed(account[deals], sold[deals], deals)]
    first = deals[np.append(True, account[deals][1:] != account[deals][:-1])[: len(deals)]]
    of_account = np.full(int(account.max(initial=-1)) + 1, -1)
    of_account[account[first]] = first
    sold_on, again = _find_dates(sold, zone), np.full(n, NEVER)
    owner = of_account[account]
    later = deals[sold_on[deals] > sold_on[owner[deals]]]
    np.minimum.at(again, owner[later], sold[later])
    code = _find_repeat_code(journeys)
    rows = np.flatnonzero(journeys.step == code)
    rows = rows[owner[journeys.lead[rows]] >= 0]
    whose, at = owner[journeys.lead[rows]], journeys.at[rows]
    shows = _find_dates(at, zone) > sold_on[whose]
    np.minimum.at(again, whose[shows], at[shows])
    is_first, repeats = np.zeros(n, bool), np.full(n, -1)
    is_first[first], repeats[later] = True, owner[later]
    can_tell = leads["account_id"].notna().any() or (code >= 0 and journeys.measurable[code])
    return Purchases(is_first, again, repeats, bool(can_tell))


def _find_repeat_code(journeys: Journeys) -> int:
    repeat = journeys.steps.repeat
    return -1 if repeat is None else journeys.steps.ids.index(repeat)


def _find_dates(micros: np.ndarray, zone: str) -> np.ndarray:
    """The day of each moment in a time zone, as a number; -1 where there is none."""
    known = micros < NEVER
    times = pd.to_datetime(np.where(known, micros, 0), unit="us", utc=True).tz_convert(zone)
    dates = times.tz_localize(None).to_numpy().astype("datetime64[D]").astype(np.int64)
    return np.where(known, dates, -1)
