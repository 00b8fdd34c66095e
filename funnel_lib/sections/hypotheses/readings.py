"""Read tests of a change, early or at their end, and compare before and after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from funnel_lib.comparing.decided import Decided, find_decided
from funnel_lib.core.errors import InputError, Problems
from funnel_lib.core.groups import Group, Segmentation, list_groups
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import arrange
from funnel_lib.core.times import NEVER, read_window
from funnel_lib.counting.days import find_outcome_days
from funnel_lib.counting.values import check_values, name_periods, read_day, read_values
from funnel_lib.stats.differences import (
    FEWEST_EXPECTED,
    SMALL_EXPECTED,
    count_expected,
    judge_difference,
)
from funnel_lib.stats.experiments import Z, find_valid_interval
from funnel_lib.stats.incidence import OPEN, estimate_incidence
from funnel_lib.stats.intervals import divide, effective_n, wilson

WON_WITHIN = "won_within"


def read_split(
    journeys: Journeys,
    column: str,
    test: str,
    control: str,
    step: str | None = None,
    horizon: int | None = None,
    segmentation: Segmentation | None = None,
    segment: str = "all",
    since: pd.Timestamp | str | None = None,
    within: pd.Timedelta | str | None = None,
    n_planned: float | None = None,
    looked_before: bool = False,
) -> pd.DataFrame:
    """What does a randomised test show, and may one believe it yet? The table `split_reading`, of
    one row.

    Parameters
    ----------
    column, test, control : the column of the leads that tells the arms, and their two values
    step : read the share that goes on at this step, or at a fork at any of several, joined by
        `` | ``; or
    horizon : the share that bought by the end of this day from entry (day 0 are the first 24 hours)
    segmentation, segment : of whose path; whole leads at a step, memberships at a horizon
    since : only leads that entered then or later, an ISO day or a moment, in the user's time zone
    within : of a step: count only evidence so long after entry, and only leads followed so long;
        without it, leads that decided. A change that only makes leads decide sooner looks like a
        gain in these as long as some are open.
    n_planned : leads planned in each arm (see `plan_size`)
    looked_before : whether anybody looked at results before

    Raises
    ------
    InputError
        Not just one of step and horizon, or an unknown column, value, step or day.
    """
    arms = _find_arms(journeys, column, (test, control), since)
    _check_split(step, horizon, n_planned, test, control)
    if step is not None:
        decided = find_decided(journeys, segmentation, within)
        found, error = _read_step(decided, step, segment, arms)
    else:
        group = _find_group(segmentation, segment)
        found, error = _read_horizon(journeys, horizon, arms, group)
    row = found | {
        "segment": segment, "column": column, "test": str(test), "control": str(control),
        "measure": step or WON_WITHIN, "horizon_days": np.nan if horizon is None else horizon,
        "share_of_plan": min(found["n_test"], found["n_control"]) / (n_planned or np.nan),
        "looked_before": bool(looked_before),
    }  # fmt: skip
    row["is_early"] = bool(row["share_of_plan"] < 1)
    row["valid_low"], row["valid_high"] = row["low"], row["high"]
    if row["is_early"] or looked_before:
        valid = find_valid_interval(row["difference"], error, row["share_of_plan"])
        row["valid_low"], row["valid_high"] = np.clip(valid, -1, 1)
    return arrange("split_reading", [row])


def read_before_after(
    journeys: Journeys,
    step: str,
    changed_at: pd.Timestamp | str,
    within: pd.Timedelta | str,
    segmentation: Segmentation | None = None,
    segment: str = "all",
) -> pd.DataFrame:
    """Do more go on at a step since something changed, with equal time to do so? The table
    `before_after`, of one row.

    Evidence counts so long after entry as `within` says, such as ``30D``; `changed_at` is an ISO
    day or a moment, in the user's time zone. A lead that entered shortly before the change may meet
    it on its way, which makes the difference smaller.

    Raises
    ------
    InputError
        An unknown step, moment or window.
    """
    changed = read_day(changed_at, "changed_at", journeys.time_zone)
    decided = _decide_within(journeys, segmentation, within)
    period = label_periods(journeys, changed_at, within).leads["period"]
    after, before = ((period == name).to_numpy() for name in ("after", "before"))
    found, _ = _read_step(decided, step, segment, (after, before))
    row = {
        "segment": segment, "measure": step, "changed_at": changed,
        "n_before": found.pop("n_control"), "n_after": found.pop("n_test"),
        "share_before": found.pop("share_control"), "share_after": found.pop("share_test"),
    }  # fmt: skip
    return arrange("before_after", [row | found])


def label_periods(
    journeys: Journeys, changed_at: pd.Timestamp | str, within: pd.Timedelta | str
) -> Journeys:
    """Which leads entered before a change, and which after it, in periods of equal length?

    Gives journeys whose leads have a column ``period``: before, after, or empty. The later period
    ends `within` before the export, the earlier begins where the data do; the longer of them is
    cut.
    """
    changed = read_day(changed_at, "changed_at", journeys.time_zone)
    entered = journeys.leads["entered_at"]
    last = journeys.observed_until - pd.Timedelta(within)
    length = max(min(last - changed, changed - entered.min()), pd.Timedelta(0))
    before = (entered >= changed - length) & (entered < changed)
    after = (entered >= changed) & (entered <= changed + length)
    period = np.select([before, after], ["before", "after"], "")
    return replace(journeys, leads=journeys.leads.assign(period=period))


def count_trend(
    journeys: Journeys,
    step: str,
    within: pd.Timedelta | str,
    segmentation: Segmentation | None = None,
    segment: str = "all",
) -> pd.DataFrame:
    """Which share goes on at a step, by the month in which leads entered? The table `trend`, of
    leads followed as long as `within` says, and of what they did by then.

    Raises
    ------
    InputError
        An unknown step or window.
    """
    decided = _decide_within(journeys, segmentation, within)
    stood, went_on = decided.list_leads(decided.find_node(step, segment))
    entered = journeys.leads["entered_at"]
    followed = entered <= journeys.observed_until - pd.Timedelta(within)
    months, rows = name_periods(entered.where(followed), "month", journeys.time_zone).to_numpy(), []
    for month in sorted(set(months) - {""}):
        mine = (months == month) & stood
        n, hits = mine.sum(), (mine & went_on).sum()
        low, high = map(float, wilson(np.array(divide(hits, n)), n))
        rows.append({
            "segment": segment, "measure": step, "month": month, "n_base": n,
            "n_reached": hits, "share": float(divide(hits, n)), "low": low, "high": high,
        })  # fmt: skip
    return arrange("trend", rows)


def _check_split(step, horizon, n_planned, test, control) -> None:
    problems = Problems()
    if (step is None) == (horizon is None):
        problems.add("a test is read at a step or at a horizon (days): give exactly one of them")
    if horizon is not None and not (horizon >= 0 and horizon == int(horizon)):
        problems.add(f"horizon {horizon!r}: give a whole number of days, 0 or more")
    if n_planned is not None and not n_planned > 0:
        problems.add(f"n_planned {n_planned!r}: give the leads planned in each arm, more than 0")
    if str(test) == str(control):
        problems.add(f"test and control are both {str(test)!r}: give the values of two arms")
    problems.raise_if_any()


def _find_arms(journeys: Journeys, column: str, names: tuple[str, str], since):
    """Which leads are in each arm, two arrays (n_leads,)."""
    values = read_values(journeys, column)
    check_values(values, column, names)
    mine = journeys.leads["entered_at"].notna()
    if since is not None:
        mine &= journeys.leads["entered_at"] >= read_day(since, "since", journeys.time_zone)
    return tuple(((values == str(name)) & mine).to_numpy() for name in names)


def _find_group(segmentation: Segmentation | None, segment: str) -> Group:
    groups = {g.segment: g for g in list_groups(segmentation)} if segmentation else {"all": Group()}
    if segment not in groups:
        raise InputError([f"no segment {segment!r}; there are {', '.join(groups)}"])
    return groups[segment]


def _decide_within(journeys: Journeys, segmentation: Segmentation | None, within) -> Decided:
    if read_window(within) == NEVER:
        raise InputError(["within: leads need equal time; write it as 30D"])
    return find_decided(journeys, segmentation, within)


def _read_step(decided: Decided, step: str, segment: str, arms) -> tuple[dict, float]:
    """Both arms, their difference and its error, of the share that goes on at a step."""
    stood, went_on = decided.list_leads(decided.find_node(step, segment))
    n = [np.array([float((arm & stood).sum())]) for arm in arms]
    hits = [(arm & stood & went_on).sum() for arm in arms]
    shares = [divide(h, m) for h, m in zip(hits, n, strict=True)]
    judged = judge_difference(shares[0], n[0], shares[1], n[1])
    variance = sum(divide(share * (1 - share), m) for share, m in zip(shares, n, strict=True))
    found = {
        "n_test": n[0], "n_control": n[1], "share_test": shares[0], "share_control": shares[1],
    } | judged  # fmt: skip
    return {name: x[0] for name, x in found.items()}, np.sqrt(variance)[0]


def _read_horizon(journeys: Journeys, horizon: int, arms, group: Group) -> tuple[dict, float]:
    """Both arms, their difference and its error, of the share that bought by a day."""
    from scipy.stats import norm

    day, cause = find_outcome_days(journeys)
    weights = group.weigh(len(day))
    told = np.array([_watch(day[arm], cause[arm], group.of(arm), horizon) for arm in arms])
    (share, share_rest), errors = told[:, 0], told[:, 1]
    known = [effective_n(weights[arm & ((cause != OPEN) | (day >= horizon))]) for arm in arms]
    n, error = [weights[arm].sum() for arm in arms], np.sqrt((errors**2).sum())
    difference = share - share_rest
    pooled = np.average(told[:, 0], weights=known) if min(known) > 0 else np.nan
    expected, varies = count_expected(pooled, min(known))
    sure = varies and expected >= FEWEST_EXPECTED
    p = 2 * norm.sf(abs(difference) / error) if sure else np.nan
    return {
        "n_test": n[0], "n_control": n[1], "share_test": share, "share_control": share_rest,
        "difference": difference, "low": difference - Z * error, "high": difference + Z * error,
        "p": p, "is_small": not expected >= SMALL_EXPECTED,
    }, error  # fmt: skip


def _watch(day: np.ndarray, cause: np.ndarray, member: np.ndarray, horizon: int):
    """The share that bought by the end of a day, and its error; NaN where nobody could know."""
    found = estimate_incidence(day, cause, member)
    last = len(found.incidence) - 1
    watched = member[:, 0] > 0
    if horizon > last and (watched & (day == last) & (cause == OPEN)).any():
        return np.nan, np.nan  # those left were not watched so long; else nobody is left
    by = min(horizon, last)
    return found.incidence[by], found.error[by]
