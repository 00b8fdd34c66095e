"""The best comparable group of a step, as far as that is no luck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tallies import Tallies
from funnel_lib.stats.shrinkage import shrink_shares

FEWEST = 30  # a group with fewer decided leads is no benchmark
KINDS = ("team", "manager", "quarter")


@dataclass(frozen=True)
class Benchmark:
    """A reference for one step's share.

    Attributes
    ----------
    name : such as ``manager=Anna``; "" where no group is comparable
    share : its shrunk share
    gap : (n_draws,) what its share may be above that of all leads together
    """

    name: str
    share: float
    gap: np.ndarray


def find_benchmark(
    groupings: dict[str, tuple[np.ndarray, list[str]]],
    counts: np.ndarray,
    stood: np.ndarray,
    went_on: np.ndarray,
    pool: np.ndarray | None = None,
    seed: int = 0,
    current: str = "",
) -> Benchmark | None:
    """Which team, manager or quarter is best at a step, as far as that is no luck?

    Of all groups with `FEWEST` decided leads or more the one with the highest shrunk share; None
    where there are not two such groups of any kind. Of a pool each group is taken to have the same
    part of the segment, sum(stood) / sum(pool): who left before the paths part is shared out by
    what all groups did, and would carry one segment's better group into another.

    Parameters
    ----------
    groupings : as of `list_groupings`
    counts : (n_walks,) how many leads took each walk
    stood, went_on : (n_walks,) weights of the leads that decided on the step, and of those that
        went on; of all segments that begin alike and have this step next
    pool : (n_walks,) weights of the leads of all segments that begin alike, whatever comes next;
        default `stood`
    current : the quarter that is not over (see `name_quarter`): others are compared with it, but it
        is no reference itself
    """
    pool = stood if pool is None else pool
    part, best = min(counts @ stood / max(counts @ pool, 1e-9), 1.0), None
    for kind, (leads, names) in groupings.items():
        n, squares, n_on = (leads @ x for x in (pool, pool**2, went_on))
        fits = part * n >= FEWEST
        if fits.sum() < 2:
            continue
        n, trials = n[fits], np.minimum(n[fits] ** 2 / squares[fits], n[fits])
        found = shrink_shares(trials * np.minimum(n_on[fits] / n, 1), trials, seed)  # of the pool
        labels = np.array(names, dtype=object)[fits]
        over = (kind != "quarter") | (labels != current)
        top = int(np.where(over, found.share, -1).argmax())
        share = min(float(found.share[top] / part), 1.0)
        if best is None or share > best.share:
            gap = (found.draws[:, top] - found.draws @ (n / n.sum())) / part
            best = Benchmark(f"{kind}={labels[top]}", share, gap)
    return best


def list_groupings(
    journeys: Journeys, mature: np.ndarray, counted: Tallies
) -> dict[str, tuple[sparse.csr_array, list[str]]]:
    """By what can leads be compared: teams, managers, quarters of entry?

    Gives kind → how many `mature` leads of each group took each walk, (n_groups, n_walks), and the
    names of the groups; kinds with one group are left out.
    """
    leads, found = journeys.leads, {}
    for kind in KINDS:
        if kind == "quarter":
            codes, names = _code_quarters(leads["entered_at"])
        elif kind in leads:
            codes, names = pd.factorize(leads[kind].astype("str"), sort=True)
        else:
            continue
        kept, codes = np.unique(np.where(mature, codes, -1), return_inverse=True)
        codes -= (kept < 0).any()  # leads of no group are -1 again
        names = [str(names[code]) for code in kept[kept >= 0]]
        if len(names) > 1:
            own = codes >= 0
            cells = np.ones(own.sum()), (codes[own], counted.of_lead[own])
            shape = len(names), len(counted.n)
            found[kind] = sparse.coo_array(cells, shape=shape).tocsr(), names
    return found


def name_quarter(moment: pd.Timestamp) -> str:
    """The quarter of a moment (UTC), such as 2025-Q2."""
    return _code_quarters(pd.Series([moment]))[1][0]


def _code_quarters(moments: pd.Series) -> tuple[np.ndarray, list[str]]:
    """The quarter of each moment, -1 where there is none, and their names."""
    months = moments.dt.tz_localize(None).to_numpy().astype("datetime64[M]")
    quarters = np.where(np.isnat(months), -1, months.astype(int) // 3)
    known, codes = np.unique(quarters, return_inverse=True)
    names = [f"{1970 + quarter // 4}-Q{quarter % 4 + 1}" for quarter in known if quarter >= 0]
    return codes - (known < 0).any(), names
