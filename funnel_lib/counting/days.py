"""How long each lead was watched, how many leads so, which leads have had their time, and which
deals repeat another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy import sparse

from funnel_lib.core.groups import Group, find_accounts
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.ordering import order_packed
from funnel_lib.core.tallies import Tallies, tally
from funnel_lib.core.times import DAY, NEVER, first_at, to_micros
from funnel_lib.stats.incidence import (
    OPEN,
    OTHERWISE,
    TAKEN,
    Incidence,
    find_horizon,
    follow_cells,
    is_settled,
)
from funnel_lib.stats.intervals import Cells, measure_sizes

MONTH = 365.25 / 12  # days
MOST_CLOSED = 0.95  # a lead has had its time once so many of those to be closed are closed
# what a lead that is open, won or lost counts as
_OUTCOMES = {
    "won": (OPEN, TAKEN, OTHERWISE),
    "lost": (OPEN, OTHERWISE, TAKEN),
    "closed": (OPEN, TAKEN, TAKEN),
}


@dataclass(frozen=True)
class Days:
    """How many leads of each walk were watched for how many days, and what ended it.

    Cells are 3 d + c, of day d and cause c, as `incidence.follow_cells` takes them.
    """

    counted: Tallies
    leads: sparse.csr_array  # (n_cells, n_walks) how many
    # the curves followed, by segment
    known: dict[int, Incidence] = field(default_factory=dict, init=False, compare=False)

    def follow(self, column: int) -> Incidence:
        """The curve of a segment."""
        if column not in self.known:
            of_cell, of_walk = (np.asarray(self.leads.sum(axis=axis)) for axis in (1, 0))
            member = self.counted.members
            sums = self.leads @ np.column_stack([member[:, column], member[:, [column]] * member])
            sizes = of_walk.sum(), *measure_sizes(member, of_walk)
            self.known[column] = follow_cells(
                Cells(of_cell, sums[:, 0], sums[:, 1:], column, *sizes)
            )
        return self.known[column]


def count_days(counted: Tallies, day: np.ndarray, cause: np.ndarray) -> Days:
    """Count leads by walk, day and cause, (n_leads,) each as of `estimate_incidence`; those with a
    negative day are left out. Cost: linear in the leads."""
    began, n_cells, n = day >= 0, 3 * (int(day.max(initial=-1)) + 1), np.int64(len(counted.n))
    cell, walk = 3 * day[began] + cause[began], counted.of_lead[began]
    keys, n_leads = np.unique(cell * n + walk, return_counts=True)
    begins = np.searchsorted(keys, np.arange(n_cells + 1) * n)
    leads = sparse.csr_array((n_leads.astype(float), keys % n, begins), shape=(n_cells, n))
    return Days(counted, leads)


def follow(journeys: Journeys, target: str, group: Group) -> Incidence:
    """By which day has which share of a group taken a step, or been ``won``, ``lost`` or
    ``closed`` (either)?

    What is counted is kept with the journeys, for the other segments.
    """
    return find_days(journeys, target, group).follow(group.column)


def find_days(journeys: Journeys, target: str, group: Group) -> Days:
    """What `follow` follows."""
    counted = tally(journeys, group.memberships)
    key = "days", target
    known = journeys.kept.get(key)
    if known is None or known.counted.of_lead is not counted.of_lead:
        known = count_days(counted, *_find_days(journeys, target))
    elif known.counted is not counted:
        known = replace(known, counted=counted)
    journeys.kept[key] = known
    return known


def _find_days(journeys: Journeys, target: str) -> tuple[np.ndarray, np.ndarray]:
    if target not in _OUTCOMES:
        return find_step_days(journeys, target)
    day, cause = find_outcome_days(journeys)
    return day, np.array(_OUTCOMES[target])[cause]


def find_outcome_days(journeys: Journeys) -> tuple[np.ndarray, np.ndarray]:
    """How many days from entry was each lead watched, and what ended it?

    (day, cause), (n_leads,) each, as `estimate_incidence` takes them: won is `TAKEN`, lost
    `OTHERWISE`; day is -1 for leads that never entered. A lost lead without a date of closing is
    taken to be lost at its last evidence.
    """
    since = to_micros(journeys.leads["entered_at"])
    return _count_days(journeys, since, find_closed(journeys), find_causes(journeys))


def find_step_days(journeys: Journeys, step_id: str) -> tuple[np.ndarray, np.ndarray]:
    """How many days from entry to a step's first evidence, or else to closing?

    (day, cause) as of `find_outcome_days`: `OTHERWISE` was closed without evidence of the step, won
    or lost, as an unseen step has no time. Of a step after the sale: days from the sale, of won
    leads alone, and nothing competes; who bought again: see `find_repeat_days`.
    """
    leads = journeys.leads
    if step_id == journeys.steps.repeat:
        return find_repeat_days(journeys)
    mine = np.flatnonzero(journeys.step == journeys.steps.ids.index(step_id))
    owner, at = journeys.lead[mine], journeys.at[mine]
    since = to_micros(leads["entered_at"])
    if step_id in journeys.steps.after_sale:
        since = _find_sales(journeys)
        closed = np.full(len(leads), NEVER)
        later = at >= since[owner]
        owner, at = owner[later], at[later]
    else:
        closed = find_closed(journeys)
    taken = first_at(owner, at, len(leads))
    cause = np.where(taken <= closed, TAKEN, OTHERWISE)
    return _count_days(journeys, since, np.minimum(taken, closed), cause)


def find_repeat_days(journeys: Journeys) -> tuple[np.ndarray, np.ndarray]:
    """How many days from an account's first sale until it bought again?

    (day, cause) as of `find_outcome_days`; day is -1 for leads that are no first sale of an account
    (see `find_purchases`).
    """
    again = find_purchases(journeys).again_at
    return _count_days(journeys, _find_first_sales(journeys), again, np.full(len(again), TAKEN))


def count_watched(journeys: Journeys, step_id: str | None) -> np.ndarray:
    """How many buyers were watched for so many days from the sale, (n_days,)? Those whom a step
    after the sale is counted of; None: accounts, from their first sale."""
    by_account = step_id is None or step_id == journeys.steps.repeat
    since = _find_first_sales(journeys) if by_account else _find_sales(journeys)
    day, _ = _count_days(journeys, since, np.full(len(since), NEVER), OPEN)
    n_ended = np.bincount(day[day >= 0], minlength=1)
    return np.cumsum(n_ended[::-1])[::-1]


def _find_sales(journeys: Journeys) -> np.ndarray:
    """When each lead that entered was sold, (n_leads,)."""
    entered = journeys.leads["entered_at"].notna().to_numpy()
    return np.where(entered, to_micros(journeys.leads["sold_at"]), NEVER)


def _find_first_sales(journeys: Journeys) -> np.ndarray:
    return np.where(find_purchases(journeys).is_first, _find_sales(journeys), NEVER)


def find_causes(journeys: Journeys) -> np.ndarray:
    """Each lead's outcome as a cause of incidence, (n_leads,): won `TAKEN`, lost `OTHERWISE`."""
    counted = tally(journeys)
    ended = [counted.has_status("won"), counted.has_status("lost")]
    return np.select(ended, [TAKEN, OTHERWISE], OPEN)[counted.of_lead]


def find_heard(journeys: Journeys) -> np.ndarray:
    """When each lead's last evidence came, (n_leads,); `-NEVER` where it has none."""
    ends = journeys.offsets[1:]
    last = np.append(journeys.at, -NEVER)[np.maximum(ends - 1, 0)]
    return np.where(np.diff(journeys.offsets) > 0, last, -NEVER)


def find_closed(journeys: Journeys) -> np.ndarray:
    """When each lead was won or lost, `NEVER` while open; without a date of closing, at its last
    evidence."""
    if "closed" not in journeys.kept:
        cause = find_causes(journeys)
        sold, closed = (to_micros(journeys.leads[c]) for c in ("sold_at", "closed_at"))
        closed = np.where(cause == TAKEN, sold, closed)
        closed = np.where(closed == NEVER, find_heard(journeys), closed)
        journeys.kept["closed"] = np.where(cause == OPEN, NEVER, closed)
    return journeys.kept["closed"]


def _count_days(journeys: Journeys, since: np.ndarray, end: np.ndarray, cause: np.ndarray):
    """Whole days from one time to another, or to the export where nothing happened before it."""
    until = journeys.observed_until.value // 1000
    begun = since < NEVER
    day = np.maximum(np.minimum(end, until) - np.where(begun, since, 0), 0) // DAY
    return np.where(begun, day, -1), np.where(end <= until, cause, OPEN)


def find_first_evidence(journeys: Journeys, step_id: str) -> np.ndarray:
    """Each lead's first evidence of a step, `NEVER` where it has none; the last two asked for are
    kept, as waits are from one step to the next."""
    kept = journeys.kept.setdefault("first", {})
    if step_id not in kept:
        mine = np.flatnonzero(journeys.step == journeys.steps.ids.index(step_id))
        first = first_at(journeys.lead[mine], journeys.at[mine], len(journeys.leads))
        journeys.kept["first"] = kept = dict([*kept.items()][-1:]) | {step_id: first}
    return kept[step_id]


def find_mature(journeys: Journeys, groups: Iterable[Group] = ()) -> np.ndarray:
    """Which leads have had their time, (n_leads,)?

    Those that entered so long before the export that by then `MOST_CLOSED` of those that are ever
    seen to close have closed: of younger ones only the quick have decided, and these are not like
    the others. Where groups are compared, the slowest must have had its time, see
    `find_common_horizon`.
    """
    watched = (journeys.observed_until - journeys.leads["entered_at"]) / pd.Timedelta(days=1)
    return (watched >= find_common_horizon(journeys, groups)).to_numpy()


def find_common_horizon(journeys: Journeys, groups: Iterable[Group] = ()) -> float:
    """By which day after entry have all leads, and those of the slowest group, had their time? NaN
    where leads of a group were still closing when the watch ended."""
    horizon = find_horizon_to_close(journeys)
    for group in groups:
        own = find_horizon_to_close(journeys, group)
        if not is_settled(follow(journeys, "closed", group), own):
            return np.nan
        horizon = max(horizon, own)
    return horizon


def find_horizon_to_close(journeys: Journeys, group: Group | None = None) -> int:
    """By which day after entry are `MOST_CLOSED` of those of a group closed that are ever seen to
    close?"""
    group = group or Group()
    key = "horizon", group.segment
    known = journeys.kept.get(key)
    if known is None or known[0] is not group.memberships:
        days = find_horizon(follow(journeys, "closed", group), MOST_CLOSED)
        known = journeys.kept[key] = group.memberships, days
    return known[1]


def find_months(journeys: Journeys) -> float:
    """How many months do the leads' entries span? A day at least."""
    entered = journeys.leads["entered_at"]
    days = (entered.max() - entered.min()) / pd.Timedelta("1D") if entered.notna().any() else 0
    return max(days, 1) / MONTH


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
