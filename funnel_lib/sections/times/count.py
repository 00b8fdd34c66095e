"""How long it takes to each step and to the outcome: won and lost compete, open leads wait on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.groups import Group, Segmentation, find_accounts
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import arrange
from funnel_lib.core.times import localize
from funnel_lib.counting.checks import find_uncut
from funnel_lib.counting.days import find_measurable, find_outcome_days, follow
from funnel_lib.counting.duplicates import find_second_entries
from funnel_lib.counting.tree import Node, Places, find_places
from funnel_lib.counting.values import code_periods
from funnel_lib.counting.waits import HOURS, NORMAL, count_waits, find_normal, measure_standing
from funnel_lib.stats.differences import judge_against_best, judge_equality
from funnel_lib.stats.incidence import (
    OPEN,
    OTHERWISE,
    TAKEN,
    estimate_incidence,
    find_half_time,
    find_horizon,
    find_last_day,
    find_quantile,
)
from funnel_lib.stats.intervals import find_design_effect, wilson

MOST_CUT = 0.05  # a month of which the export cut off more leads is not compared
WAYS = ("aalen_johansen", "open_as_lost", "lost_as_open")


def count_times(journeys: Journeys, group: Group | None = None) -> pd.DataFrame:
    """By which day has which share taken each step, bought, or been lost? The table `times`.

    A step competes with closing, won with lost; leads still open are watched until
    `observed_until`, and are neither won nor lost. See `incidence.estimate_incidence`.

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
    measurable = find_measurable(journeys)
    seen = [s for s in ids if measurable[steps.ids.index(s)]]
    parts = []
    for target in [*dict.fromkeys(s for s in seen if s != steps.won), "won", "lost"]:
        found = follow(journeys, target, group)
        parts.append(pd.DataFrame({
            "segment": group.segment, "target": target, "day": np.arange(len(found.at_risk)),
            "incidence": found.incidence, "low": found.low, "high": found.high,
            "n_at_risk": found.at_risk,
        }))  # fmt: skip
    return arrange("times", pd.concat(parts, ignore_index=True))


def find_medians(times: pd.DataFrame, funnel: pd.DataFrame | None = None) -> pd.DataFrame:
    """By when have half of the leads taken each step, bought, or been lost? The table `time_to`,
    from what `count_times` returns, of one segment or several. Steps after the sale are read up to
    the horizon at which `funnel` counts them.
    """
    horizons = {}
    if funnel is not None:
        horizons = funnel.set_index(["segment", "step"])["horizon_days"].dropna().to_dict()
    rows = []
    for (segment, target), curve in times.groupby(["segment", "target"], sort=False):
        share, at_risk = curve["incidence"].to_numpy(), curve["n_at_risk"].to_numpy()
        last = horizons.get((segment, target), find_last_day(at_risk))
        last = min(int(last), len(curve) - 1)
        reached = share[: last + 1] >= 0.5
        rows.append({
            "segment": segment, "target": target, "n_entered": at_risk[0], "last_day": last,
            **curve[["incidence", "low", "high"]].iloc[last],
            "median_days": float(reached.argmax()) if reached.any() else np.nan,
            "median_days_of_takers": find_half_time(share, at_risk, last),
        })  # fmt: skip
    return arrange("time_to", rows)


def count_cohorts(journeys: Journeys) -> pd.DataFrame:
    """Do leads of later months buy as often, as far as they have had their time? The table
    `cohorts`; months are those of entry, in the user's time zone.

    Leads that the export cut off make their month one that is not compared; second entries of a
    client are left out. Leads of one account are one case of the errors. Mature months are tested
    for being all alike, and each against the best (see `judge_equality` and `judge_against_best`).
    """
    day, cause = find_outcome_days(journeys)
    horizon = find_horizon(estimate_incidence(day, cause))
    zone, until = journeys.time_zone, journeys.observed_until
    months, names = code_periods(journeys.leads["entered_at"], "month", zone)
    months = np.where(find_second_entries(journeys), -1, months)
    bought = (cause == TAKEN) & (day <= horizon)
    design, rows = _measure_accounts(journeys, months, bought), []
    cut = ~find_uncut(journeys)
    for code, month in enumerate(names):
        mine = months == code
        if not mine.any():
            continue
        found = estimate_incidence(day[mine], cause[mine])
        by = min(horizon, len(found.incidence) - 1)
        share, low, high = (x[by] for x in (found.incidence, found.low, found.high))
        if design > 1 and found.error[by] > 0:
            n = share * (1 - share) / found.error[by] ** 2
            low, high = map(float, wilson(share, n / design))
        n_won, n_lost, n_open = (int((cause[mine] == c).sum()) for c in (TAKEN, OTHERWISE, OPEN))
        following = localize(pd.Timestamp(month) + pd.offsets.MonthBegin(), zone)
        followed = (until - following).days >= horizon
        is_cut = cut[mine].mean() > MOST_CUT
        rows.append({
            "month": month, "n_entered": int(mine.sum()), "n_won": n_won, "n_lost": n_lost,
            "n_open": n_open, "horizon_days": horizon, "share": share, "low": low, "high": high,
            "is_mature": bool((followed or n_open == 0) and not is_cut), "is_cut": is_cut,
            "p_months": np.nan, "p_best": np.nan,
        })  # fmt: skip
    table = arrange("cohorts", rows)
    mature = table["is_mature"].to_numpy(bool)
    shares, n = (table.loc[mature, c].to_numpy(float) for c in ("share", "n_entered"))
    table.loc[mature, "p_months"] = judge_equality(shares, n / design)
    table.loc[mature, "p_best"] = judge_against_best(shares, n / design)
    return table


def _measure_accounts(journeys: Journeys, months: np.ndarray, bought: np.ndarray) -> float:
    """By how much months vary more as leads of one account buy or do not together."""
    entered = months >= 0
    account = find_accounts(journeys.leads)[entered]
    if np.bincount(account, minlength=1).max() < 2:
        return 1.0
    return find_design_effect(bought[entered], months[entered], account)


def compare_ways(journeys: Journeys, day: int) -> pd.DataFrame:
    """Which share has bought by a day, counted rightly and by two usual mistakes? The table `ways`.

    `day` counts whole days from entry. The mistakes are warnings for teaching; no other table holds
    them.
    """
    days, cause = find_outcome_days(journeys)
    right = estimate_incidence(days, cause)
    wrong = estimate_incidence(days, np.where(cause == TAKEN, TAKEN, OPEN))
    n_entered = int((days >= 0).sum())
    bought = int(((cause == TAKEN) & (days >= 0) & (days <= day)).sum())
    by = min(day, len(right.incidence) - 1)
    shares = right.incidence[by], bought / n_entered if n_entered else np.nan, wrong.incidence[by]
    table = pd.DataFrame({"way": WAYS, "n_entered": n_entered, "share_won": shares})
    return arrange("ways", table)


def count_pace(journeys: Journeys, segmentation: Segmentation | None = None) -> pd.DataFrame:
    """How many days did those who took a step need for it? The table `pace`, of whole leads; waits
    are cut to whole hours.
    """
    places = find_places(journeys, segmentation)
    rows = []
    for segment, node in _list_nodes(places):
        row = {"segment": segment, "node": node.number, "step": node.missed}
        for name in ("entry", "previous"):
            hours = count_waits(journeys, places, node, from_entry=name == "entry")
            row[f"n_from_{name}"] = float(hours.sum())
            row[f"median_days_from_{name}"] = find_quantile(hours, 0.5) / HOURS
        rows.append(row)
    return arrange("pace", rows)


def count_standing(journeys: Journeys, segmentation: Segmentation | None = None) -> pd.DataFrame:
    """Before which step do open leads stand still: longer than nine in ten who went on needed? The
    table `standing`, of whole leads and of waits cut to whole hours; who stands still is not told
    where fewer than `FEW` took the step.
    """
    places = find_places(journeys, segmentation)
    waited, at = measure_standing(journeys), places.node[places.counted.of_lead]
    rows = []
    for segment, node in _list_nodes(places):
        here = waited[(at == node.number) & (waited >= 0)]
        took = count_waits(journeys, places, node)
        normal = find_normal(journeys, places, node)
        rows.append({
            "segment": segment, "node": node.number, "step": node.missed,
            "n_took": float(took.sum()), "normal_days": find_quantile(took, NORMAL) / HOURS,
            "n_open": float(len(here)),
            "median_days_open": find_quantile(np.bincount(here), 0.5) / HOURS,
            "n_standing": np.nan if np.isnan(normal) else float((here > normal).sum()),
        })  # fmt: skip
    return arrange("standing", rows)


def _list_nodes(places: Places) -> list[tuple[str, Node]]:
    """The nodes of the tree, of all leads; then of each segment those behind its last fork."""
    tree = places.tree
    rows = [("all", node) for node in tree.nodes]
    if len(tree.ids) > 1:
        own = [(segment, tree.list_own(k)) for k, segment in enumerate(tree.ids)]
        rows += [(segment, node) for segment, nodes in own for node in nodes]
    return rows
