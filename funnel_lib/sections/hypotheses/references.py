"""The best comparable group of a step, as far as that is no luck."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from funnel_lib.comparing.comparable import (
    FEWEST,
    Grouping,
    count_cells,
    list_groupings,
    measure_design,
)
from funnel_lib.comparing.decided import Decided
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.times import DAY, to_micros
from funnel_lib.counting.tree import Node
from funnel_lib.counting.values import name_quarter
from funnel_lib.stats.differences import MOST_P
from funnel_lib.stats.experiments import Z
from funnel_lib.stats.intervals import divide
from funnel_lib.stats.resampling import DRAWS
from funnel_lib.stats.shrinkage import shrink_shares
from funnel_lib.stats.strata import compare_strata

KINDS = ("team", "manager", "quarter")
GIVEN, NO_GROUP, FEW_LEADS = "given", "no_group", "few_leads"
EQUAL = 1e-9  # shares nearer to each other are one share, summed in two ways
TODAY = 91  # days: practice today is that of the last leads that have had their time


@dataclass(frozen=True)
class Reference:
    """Where a step's share could rise to."""

    name: str  # such as ``manager=Anna``, ``given``; why there is none, else
    share_now: float  # of practice today
    share: float = np.nan  # that of the reference
    # (n_draws,) what it may be above the share now
    gap: np.ndarray = field(default_factory=lambda: np.full(DRAWS, np.nan))
    # how likely chance alone brings so good a group, of all that were compared; one-sided
    p: float = np.nan


def find_references(
    journeys: Journeys,
    decided: Decided,
    leads: np.ndarray,
    barred: dict[str, set[str]],
    given: dict[str, float],
    seed: int = 0,
) -> list[Reference]:
    """Which share could each node of the tree reach: the one given for it, or the best group's?

    Of the chosen `leads`, (n_leads,). Of all teams, managers and quarters with `FEWEST` leads or
    more the one with the highest shrunk share; none barred, not the quarter of the export, and a
    past quarter only where practice today is worse, beyond chance, and worse than a year ago, too,
    as else it may be the season (its p is 1). All are compared within strata
    (`comparable.Grouping`), so that who worked in better times, or with easier sources, is not
    better for that. The share now is that of the last `TODAY` days where it differs from that
    before, else of all.
    """
    from scipy.special import expit, logit
    from scipy.stats import norm

    today = _find_today(journeys, leads)
    levels = [_measure_now(decided, leads, today, node) for node in decided.places.tree.nodes]
    best: list[tuple] = [()] * len(levels)
    n_compared = np.zeros(len(levels))
    for grouping in list_groupings(journeys, KINDS):
        n, hits = count_cells(grouping, decided, leads)
        design = measure_design(journeys, grouping, decided, leads)
        found = compare_strata(n, hits, design=design)
        n, hits = n.sum(axis=1), hits.sum(axis=1)
        part, share = divide(n, n.sum(axis=0)), divide(hits.sum(axis=0), n.sum(axis=0))
        own = share + found.difference * (1 - part)  # as were all leads of the group's strata
        named = _may_be_named(journeys, grouping, barred)
        for k, level in enumerate(levels):
            fits = np.flatnonzero((n[:, k] >= FEWEST) & np.isfinite(own[:, k]))
            if len(fits) < 2 or not 0 < share[k] < 1 or not 0 < level.now < 1:
                continue
            trials = n[fits, k] / np.broadcast_to(design, len(levels))[k]
            edge = 0.5 / trials
            shift = logit(level.now) - logit(share[k])
            odds = logit(np.clip(own[fits, k], edge, 1 - edge)) + shift
            shrunk = shrink_shares(expit(odds) * trials, trials, seed)
            may = named[fits] & np.isfinite(found.z[fits, k])
            if grouping.kind == "quarter":
                may &= _is_above(hits[fits, k], n[fits, k], level, len(fits))
            n_compared[k] += len(fits)
            if may.any():
                top = int(np.where(may, shrunk.share, -1).argmax())
                gap = shrunk.draws[:, top] - shrunk.draws @ (n[fits, k] / n[fits, k].sum())
                p, name = norm.sf(found.z[fits[top], k]), grouping.name(fits[top])
                if grouping.kind == "quarter" and not _is_worse_than_a_year_ago(
                    grouping, today, hits[:, k], n[:, k], level
                ):
                    p = 1.0  # it may be the season
                one = shrunk.share[top], name, gap, p
                best[k] = max(best[k], one, key=lambda x: x[:1])
    return [
        _choose(node.missed, level, one, n, given, seed)
        for node, level, one, n in zip(
            decided.places.tree.nodes, levels, best, n_compared, strict=True
        )
    ]


def _choose(
    step: str, level: _Level, best: tuple, n_compared: float, given, seed: int
) -> Reference:
    if level.n < FEWEST:
        return Reference(FEW_LEADS, level.now)
    if step in given:
        rng = np.random.default_rng(seed)
        drawn = rng.beta(level.hits + 0.5, level.n - level.hits + 0.5, DRAWS)
        share = level.now if abs(given[step] - level.now) < EQUAL else given[step]
        return Reference(GIVEN, level.now, share, given[step] - drawn)
    if not best:
        return Reference(NO_GROUP, level.now)
    share, name, gap, p = best
    return Reference(name, level.now, max(share, level.now), gap, min(p * n_compared, 1))


@dataclass(frozen=True)
class _Level:
    """How many decided on a step in today's practice, and how many of them went on."""

    n: float
    hits: float

    @property
    def now(self) -> float:
        return self.hits / self.n if self.n else np.nan


def _find_today(journeys: Journeys, leads: np.ndarray) -> np.ndarray:
    """Which of the leads are the last that have had their time, (n_leads,)?"""
    entered = to_micros(journeys.leads["entered_at"])
    last = entered[leads].max(initial=0)
    return leads & (entered > last - TODAY * DAY)


def _measure_now(decided: Decided, leads: np.ndarray, today: np.ndarray, node: Node) -> _Level:
    """Today's practice where it differs from that before beyond chance, else that of all."""
    stood, went_on = decided.list_leads(node)
    counts = [((mine & stood).sum(), (mine & went_on & stood).sum()) for mine in (leads, today)]
    (n_all, hits_all), (n, hits) = counts
    if min(n, n_all - n) >= FEWEST:
        pair = np.array([[n], [n_all - n]]), np.array([[hits], [hits_all - hits]])
        if abs(compare_strata(*(x.astype(float) for x in pair)).z[0]) > Z:
            return _Level(n, hits)
    return _Level(n_all, hits_all)


def _may_be_named(journeys: Journeys, grouping: Grouping, barred: dict) -> np.ndarray:
    """Which groups may be a reference, (n_groups,)? None barred, nor the quarter of the export."""
    out = set(barred.get(grouping.kind, ()))
    if grouping.kind == "quarter":
        out |= {name_quarter(journeys.observed_until, journeys.time_zone)}
    return ~np.isin(np.array(grouping.names, object), [*out])


def _is_worse_than_a_year_ago(grouping: Grouping, today, hits, n, level: _Level) -> bool:
    """Did more go on in the same quarter of the year before, beyond chance?"""
    last = grouping.code[np.flatnonzero(today)].max(initial=-1)
    year, _, quarter = grouping.names[last].partition("-")
    before = f"{int(year) - 1}-{quarter}" if last >= 0 else ""
    if before not in grouping.names:
        return False
    at = [grouping.names.index(before)]
    return bool(n[at[0]] >= FEWEST and _is_above(hits[at], n[at], level, 1)[0])


def _is_above(hits: np.ndarray, n: np.ndarray, level: _Level, n_groups: int) -> np.ndarray:
    """Which past quarters are better than practice today, beyond chance?"""
    from scipy.stats import norm

    pooled = (hits + level.hits) / (n + level.n)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / level.n))
    with np.errstate(divide="ignore", invalid="ignore"):
        return norm.sf((hits / n - level.now) / error) < MOST_P / n_groups
