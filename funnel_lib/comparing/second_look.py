"""Is a group still worse once the best of the others is left out? One who is lucky, or has the
easier clients, makes nobody else bad."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnel_lib.comparing.comparable import FEWEST, Grouping, find_design, list_groupings
from funnel_lib.comparing.decided import Decided
from funnel_lib.comparing.expected import Expected, expect_as_others
from funnel_lib.comparing.recording import Habits, list_own_paths
from funnel_lib.core.journeys import Journeys
from funnel_lib.counting.days import find_mature
from funnel_lib.stats.differences import MOST_P
from funnel_lib.stats.intervals import divide
from funnel_lib.stats.strata import compare_strata


@dataclass(frozen=True)
class SecondLook:
    """`p`, (n_groups,), of each group against the others without the best of them, one-sided; empty
    where nobody else is left. `holds`, (n_groups,), whether worse than all the others may then be
    said of it."""

    p: np.ndarray
    holds: np.ndarray


def look_again(
    journeys: Journeys, grouping: Grouping, decided: Decided, habits: Habits, found: Expected
) -> SecondLook:
    """Compare each group, where `found` is how it compares with all the others, once more without
    the one of them that sells best.

    Of two teams the best is the best manager of the better one: one manager makes no team bad.
    Where nobody is left who can be compared place by place, shares of buyers are compared, of all
    leads that have had their time, of those, too, who record steps or closing otherwise
    (`Habits.sold`): such groups are no example, but what they sold is known. Not where clients take
    several paths: whose clients are on the harder one sells less for that. Where there are but
    two in all, nobody can tell which one is the exception; that one sells less than the other holds
    all the same. Groups of fewer than `FEWEST` leads are nobody's witness.
    """
    from scipy.stats import norm

    voices = [grouping]
    if grouping.kind == "team":
        voices = list_groupings(journeys, ("manager",)) or voices
    old = find_mature(journeys) & journeys.leads["entered_at"].notna().to_numpy()
    large = grouping.add_up(old).sum(axis=1) >= FEWEST
    old &= np.append(large, False)[grouping.code]
    best = _find_best(journeys, grouping, voices[0], decided, old & habits.comparable, found)
    rest = expect_as_others(journeys, grouping, decided, old & habits.comparable & ~best)
    p = norm.sf(divide(rest.extra, rest.error))
    # the paths but for those that may be somebody's way to record
    paths = list_own_paths(decided.places.tree.ids, habits.paths)
    if np.isnan(p).all() and len(paths) == 1:
        p = _compare_sales(journeys, grouping, decided, old & habits.sold & ~best)
    is_pair = (voices[0].add_up(old).sum(axis=1) >= FEWEST).sum() == 2
    return SecondLook(p, (p < MOST_P) | (np.isnan(p) & is_pair))


def _find_best(
    journeys: Journeys,
    grouping: Grouping,
    managers: Grouping,
    decided: Decided,
    leads: np.ndarray,
    found: Expected,
) -> np.ndarray:
    """The leads, (n_leads,), of the group that sells best; of two teams, of its best manager."""
    best = grouping.code == _rank(found).argmax()
    if managers is grouping or np.isfinite(found.extra).sum() > 2:
        return best
    ahead = _rank(expect_as_others(journeys, managers, decided, leads))
    theirs = managers.add_up(leads & best).sum(axis=1) > 0
    return best & (managers.code == np.where(theirs, ahead, -np.inf).argmax())


def _rank(found: Expected) -> np.ndarray:
    """How many deals a lead each group has more than as the others do, (n_groups,)."""
    return np.nan_to_num(divide(-found.extra, found.n), nan=-np.inf)


def _compare_sales(
    journeys: Journeys, grouping: Grouping, decided: Decided, leads: np.ndarray
) -> np.ndarray:
    """How likely chance alone makes each group's share of buyers so much lower, (n_groups,)."""
    from scipy.stats import norm

    counted = decided.places.counted
    won = leads & counted.has_status("won")[counted.of_lead]
    n, hits = grouping.add_up(leads), grouping.add_up(won)
    design = find_design(
        journeys, grouping, leads, lambda mine: (leads[mine, None], won[mine, None])
    )
    return norm.cdf(compare_strata(n, hits, design=design).z)
