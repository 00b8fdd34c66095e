"""How long it takes to each step and to the outcome: won and lost compete, open leads wait on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import Journeys, last_at
from funnel_lib.core.times import DAY, NEVER, to_micros
from funnel_lib.counting.days import find_first_evidence, find_outcome_days, find_step_days
from funnel_lib.counting.missed import find_missed, list_codes
from funnel_lib.stats.incidence import (
    FEW,
    OPEN,
    OTHERWISE,
    TAKEN,
    estimate_incidence,
    find_half_time,
    find_horizon,
    find_last_day,
    find_quantile,
)

WAYS = ("aalen_johansen", "open_as_lost", "lost_as_open")
NORMAL = 0.9  # a wait longer than that of so many who went on is standing still


def count_times(journeys: Journeys, group: Group | None = None) -> pd.DataFrame:
    """By which day has which share taken each step, bought, or been lost?

    Parameters
    ----------
    journeys : the leads' client steps
    group : whose times, and of which steps; default all leads and the global steps

    Returns
    -------
    frame, one row a target and day from 0 to the last day at risk: segment, target (a step's id but
    the sale's; ``won``; ``lost``), day (whole days from entry: day 0 are the first 24 hours),
    incidence (share of those who entered, by the end of the day), low, high, n_at_risk (still
    waiting at its beginning). A step competes with closing, won with lost; leads still open are
    watched until `observed_until`, and are neither won nor lost. Of steps after the sale the base
    are the won leads, and days run from the sale. Steps that are not measurable are left out. See
    `incidence.estimate_incidence`.

    Examples
    --------
    >>> log = build_log(pd.DataFrame({"lead_id": ["a", "a", "b"], "action": ["ask", "pay", "ask"],
    ...                               "at": pd.date_range("2025-01-01", periods=3)}))
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay")
    >>> times = count_times(build_journeys(log, steps))
    >>> times.loc[times["target"] == "won", ["day", "incidence", "n_at_risk"]].values.tolist()
    [[0.0, 0.0, 2.0], [1.0, 1.0, 1.0]]
    """
    group = group or Group()
    steps = journeys.steps
    ids = (*(group.path or steps.before_sale), *steps.after_sale)
    seen = [s for s in ids if journeys.measurable[steps.ids.index(s)]]
    targets = {s: find_step_days(journeys, s) for s in seen if s != steps.won}
    day, cause = find_outcome_days(journeys)
    exchanged = np.array([OPEN, OTHERWISE, TAKEN])[cause]
    targets |= {"won": (day, cause), "lost": (day, exchanged)}
    parts = []
    for target, watched in targets.items():
        found = estimate_incidence(*watched, group.memberships, group.column)
        parts.append(pd.DataFrame({
            "segment": group.segment, "target": target, "day": np.arange(len(found.at_risk)),
            "incidence": found.incidence, "low": found.low, "high": found.high,
            "n_at_risk": found.at_risk,
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def find_medians(times: pd.DataFrame) -> pd.DataFrame:
    """By when have half of the leads taken each step, bought, or been lost?

    Parameters
    ----------
    times : what `count_times` returns, one segment or several

    Returns
    -------
    frame, one row a segment and target: segment, target, n_entered, last_day (so far
    the curve is read, see `find_last_day`), incidence, low, high (by
    then), median_days (by when half of those who entered have; empty: not reached),
    median_days_of_takers (by when half of those who do by the last day have; empty: nobody does)

    Examples
    --------
    >>> times = pd.DataFrame({"segment": "all", "target": "won", "day": [0, 1, 2], "low": 0.0,
    ...                       "incidence": [0.1, 0.2, 0.4], "high": 1.0, "n_at_risk": [99, 60, 20]})
    >>> find_medians(times)[["last_day", "median_days", "median_days_of_takers"]].values.tolist()
    [[2.0, nan, 1.0]]
    """
    rows = []
    for (segment, target), curve in times.groupby(["segment", "target"], sort=False):
        share, at_risk = curve["incidence"].to_numpy(), curve["n_at_risk"].to_numpy()
        last = find_last_day(at_risk)
        reached = share[: last + 1] >= 0.5
        rows.append((
            segment, target, at_risk[0], last, *curve[["incidence", "low", "high"]].iloc[last],
            float(reached.argmax()) if reached.any() else np.nan, find_half_time(share, at_risk),
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=_MEDIANS)


def count_cohorts(journeys: Journeys) -> pd.DataFrame:
    """Do leads of later months buy as often, as far as they have had their time?

    Returns
    -------
    frame, one row a month of entry (UTC): month (such as 2025-03), n_entered, n_won, n_lost,
    n_open, horizon_days (by when `MOST_BUYERS` of the buyers have bought, over all months), share
    (of those who entered, bought by then; Aalen–Johansen), low, high, is_mature (its last leads
    have been watched so long, or none is open). The share of a month that is not mature is one of
    its older leads; do not read it against the others.

    Examples
    --------
    >>> log = build_log(pd.DataFrame({"lead_id": ["a", "a", "b"], "action": ["ask", "pay", "ask"],
    ...                               "at": pd.to_datetime(["2025-01-01", "2025-01-03",
    ...                                                     "2025-02-01"])}))
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay")
    >>> count_cohorts(build_journeys(log, steps))[["month", "n_won", "is_mature"]].values.tolist()
    [['2025-01', 1, True], ['2025-02', 0, False]]
    """
    day, cause = find_outcome_days(journeys)
    horizon = find_horizon(day, cause)
    entered, until = journeys.leads["entered_at"].dt.tz_localize(None), journeys.observed_until
    months = entered.dt.to_period("M")
    rows = []
    for month in sorted(months.dropna().unique()):
        mine = (months == month).to_numpy()
        found = estimate_incidence(day[mine], cause[mine])
        by = min(horizon, len(found.incidence) - 1)
        n_won, n_lost, n_open = (int((cause[mine] == c).sum()) for c in (TAKEN, OTHERWISE, OPEN))
        followed = (until.tz_localize(None) - month.end_time).days >= horizon
        rows.append((
            str(month), int(mine.sum()), n_won, n_lost, n_open, horizon, found.incidence[by],
            found.low[by], found.high[by], bool(followed or n_open == 0),
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=_COHORTS)


def compare_ways(journeys: Journeys, day: int) -> pd.DataFrame:
    """Which share has bought by a day, counted rightly and by two usual mistakes?

    Parameters
    ----------
    journeys : the leads' client steps
    day : whole days from entry

    Returns
    -------
    frame, one row a way: way, n_entered, share_won (by the end of the day). ``aalen_johansen`` is
    right: lost leads cannot buy any more, open ones are watched up to the export.
    ``open_as_lost`` divides those who bought by all who entered: too low while leads are open.
    ``lost_as_open`` is a Kaplan–Meier curve with lost leads censored, as if they could still buy:
    far too high. The two are warnings for teaching, no other table holds them.

    Examples
    --------
    >>> log = build_log(pd.DataFrame({"lead_id": [*"aabbcd"], "at": pd.to_datetime(
    ...     ["2025-01-01", "2025-01-04", "2025-01-01", "2025-01-02", "2025-01-01", "2025-01-03"]),
    ...     "action": ["ask", "pay", "ask", "bye", "ask", "ask"]}))
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay", lost=["bye"])
    >>> compare_ways(build_journeys(log, steps), 3).round(3).values.tolist()
    [['aalen_johansen', 4, 0.375], ['open_as_lost', 4, 0.25], ['lost_as_open', 4, 0.5]]
    """
    days, cause = find_outcome_days(journeys)
    right = estimate_incidence(days, cause)
    wrong = estimate_incidence(days, np.where(cause == TAKEN, TAKEN, OPEN))
    n_entered = int((days >= 0).sum())
    bought = int(((cause == TAKEN) & (days >= 0) & (days <= day)).sum())
    by = min(day, len(right.incidence) - 1)
    shares = right.incidence[by], bought / n_entered if n_entered else np.nan, wrong.incidence[by]
    return pd.DataFrame({"way": WAYS, "n_entered": n_entered, "share_won": shares})


def count_pace(journeys: Journeys, group: Group | None = None) -> pd.DataFrame:
    """How many days did those who took a step need for it?

    Parameters
    ----------
    journeys : the leads' client steps
    group : whose pace, and of which steps; default all leads and the global steps

    Returns
    -------
    frame, one row a step before the sale: segment, position, step, n_from_entry (leads with
    evidence of the step, the base), median_days_from_entry, n_from_previous (leads with evidence of
    this step and of the one before it, in that order by the clock; the first step counts from
    entry), median_days_from_previous; from first evidence to first evidence. It tells of those who
    took the step only: leads that may yet take it are not in it, so it is no forecast.

    Examples
    --------
    >>> log = build_log(pd.DataFrame({"lead_id": ["a", "a"], "action": ["ask", "pay"],
    ...                               "at": pd.to_datetime(["2025-01-01", "2025-01-03"])}))
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay")
    >>> count_pace(build_journeys(log, steps))["median_days_from_entry"].tolist()
    [0.0, 2.0]
    """
    group = group or Group()
    weights = group.weigh(len(journeys.leads))
    previous = entered = to_micros(journeys.leads["entered_at"])
    rows = []
    for position, step_id in enumerate(group.path or journeys.steps.before_sale):
        reached = find_first_evidence(journeys, step_id)
        parts = []
        for start in (entered, previous):
            days = count_wait(start, reached)
            parts += [weights[days >= 0].sum(), find_quantile(days, weights, 0.5)]
        rows.append((group.segment, position + 1, step_id, *parts))
        previous = reached
    return pd.DataFrame(rows, columns=_PACE)


def count_standing(journeys: Journeys, group: Group | None = None) -> pd.DataFrame:
    """Before which step do open leads stand still: longer than nine in ten who went on needed?

    Parameters
    ----------
    journeys : the leads' client steps
    group : whose leads, and which steps; default all leads and the global steps

    Returns
    -------
    frame, one row a step that can be missed: segment, step, n_took (with evidence of it and of the
    step before that can be missed, in that order), normal_days (in which nine in ten of them took
    it), n_open (open leads for whom it is the next step), median_days_open (since their last
    client step), n_standing (of n_open, beyond normal_days; empty with fewer than `FEW` that took)

    Examples
    --------
    >>> log = build_log(pd.DataFrame({"lead_id": ["a", "a", "b"], "action": ["ask", "pay", "ask"],
    ...                               "at": pd.date_range("2025-01-01", periods=3)}),
    ...                 observed_until="2025-01-08")
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay")
    >>> table = count_standing(build_journeys(log, steps))
    >>> table[["step", "n_open", "median_days_open"]].values.tolist()
    [['ask', 0.0, nan], ['pay', 1.0, 5.0]]
    """
    group = group or Group()
    weights, ids = group.weigh(len(journeys.leads)), group.path or journeys.steps.before_sale
    found, (_, can_miss) = find_missed(journeys, group), list_codes(journeys, group)
    heard = last_at(journeys.lead, journeys.at, len(journeys.leads))
    until = journeys.observed_until.value // 1000
    waiting = np.where(journeys.leads["status"] == "open", (until - heard) / DAY, -1.0)
    waiting[heard == -NEVER] = -1  # never entered
    previous, rows = to_micros(journeys.leads["entered_at"]), []
    for position in np.flatnonzero(can_miss):
        reached = find_first_evidence(journeys, ids[position])
        took = count_wait(previous, reached)
        n_took, normal = weights[took >= 0].sum(), find_quantile(took, weights, NORMAL)
        here = np.where(found.missed == position, waiting, -1.0)
        standing = weights[here > normal].sum() if n_took >= FEW else np.nan
        rows.append((
            group.segment, ids[position], n_took, normal, weights[here >= 0].sum(),
            find_quantile(here, weights, 0.5), standing,
        ))  # fmt: skip
        previous = reached
    return pd.DataFrame(rows, columns=_STANDING)


_MEDIANS = [
    "segment", "target", "n_entered", "last_day", "incidence", "low", "high", "median_days",
    "median_days_of_takers",
]  # fmt: skip
_COHORTS = [
    "month", "n_entered", "n_won", "n_lost", "n_open", "horizon_days", "share", "low", "high",
    "is_mature",
]  # fmt: skip
_PACE = [
    "segment", "position", "step", "n_from_entry", "median_days_from_entry", "n_from_previous",
    "median_days_from_previous",
]  # fmt: skip
_STANDING = [
    "segment", "step", "n_took", "normal_days", "n_open", "median_days_open", "n_standing",
]  # fmt: skip


def count_wait(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Days from one moment to another; -1 where one never came or they came the other way round."""
    both = (start < NEVER) & (end < NEVER) & (end >= start)
    return np.where(both, (end - np.where(both, start, end)) / DAY, -1.0)
