"""The best comparable group, shrunk: three lucky deals are no benchmark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from funnel_lib.journeys import Journeys
from funnel_lib.resampling import DRAWS

FEWEST = 30  # a group with fewer decided leads is no benchmark
KINDS = ("team", "manager", "quarter")
# Prior: any part of the groups is like the others, the rest differ by about so much in log-odds
# (half-normal): by 0.5, a share of 80 % becomes 71 % or 87 %.
SPREAD = 0.5
_SPREADS = SPREAD * np.arange(0.25, 3, 0.25)
_UNLIKE = np.array([0.3, 0.5, 0.7, 0.9])
_CENTRES = 31


@dataclass(frozen=True)
class Shrunk:
    """Groups' shares, drawn together by what the groups have in common.

    Attributes
    ----------
    share : (n_groups,) the shrunk shares
    draws : (n_draws, n_groups) of what they may be: one half shrunk, the other half by each group's
        own leads alone, for it may be unlike the others after all
    """

    share: np.ndarray
    draws: np.ndarray


def shrink_shares(hits: np.ndarray, trials: np.ndarray, seed: int = 0) -> Shrunk:
    """What are the shares of groups, if groups are not worlds apart?

    Parameters
    ----------
    hits, trials : (n_groups,) effective numbers; they need not be whole
    seed : of the draws

    Notes
    -----
    Log-odds are normal around the group's own; of the groups a part has the common log-odds, the
    others differ from it normally (a spike and a slab: Mitchell and Beauchamp 1988,
    https://doi.org/10.1080/01621459.1988.10478694). The common value, the part and the spread are
    averaged over a grid, flat but for the spread (`SPREAD`). So equal groups are taken for equal,
    and one that is far off moves neither the others nor itself.

    Examples
    --------
    >>> found = shrink_shares(np.array([3, 85, 70]), np.array([3, 100, 100]))
    >>> found.share.round(2).tolist()  # 3 of 3 is no 100 %
    [0.79, 0.82, 0.73]
    """
    order = np.lexsort((hits, trials))  # names must not matter to what is drawn
    hits, trials = hits[order], trials[order]
    odds = np.log((hits + 0.5) / (trials - hits + 0.5))
    noise = 1 / (hits + 0.5) + 1 / (trials - hits + 0.5)
    ends = odds.min() - np.sqrt(noise.min()), odds.max() + np.sqrt(noise.min())
    grid = np.meshgrid(np.linspace(*ends, _CENTRES), _SPREADS, _UNLIKE, indexing="ij")
    centre, spread, unlike = (axis.reshape(-1, 1) for axis in grid)
    alike = (1 - unlike) * _density(odds - centre, noise)
    apart = unlike * _density(odds - centre, noise + spread**2)
    fit = np.log(alike + apart).sum(axis=1) - 0.5 * (spread[:, 0] / SPREAD) ** 2
    likely = np.exp(fit - fit.max())
    likely /= likely.sum()
    differs = apart / (alike + apart)
    kept = spread**2 / (spread**2 + noise)
    shrunk = centre + differs * kept * (odds - centre)
    rng = np.random.default_rng(seed)
    pick = rng.choice(len(likely), DRAWS // 2, p=likely)
    chance = rng.normal(size=(DRAWS, len(odds)))
    own = kept[pick] * (odds - centre[pick]) + chance[: len(pick)] * np.sqrt(kept[pick] * noise)
    drawn = centre[pick] + np.where(rng.random(own.shape) < differs[pick], own, 0)
    drawn = np.vstack([drawn, odds + chance[len(pick) :] * np.sqrt(noise)])
    back = np.argsort(order)
    return Shrunk(_to_share(likely @ shrunk)[back], _to_share(drawn)[:, back])


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
    stood: np.ndarray,
    went_on: np.ndarray,
    pool: np.ndarray | None = None,
    seed: int = 0,
    current: str = "",
) -> Benchmark | None:
    """Which team, manager or quarter is best at a step, as far as that is no luck?

    Parameters
    ----------
    groupings : of `list_groupings`
    stood, went_on : (n_leads,) weights of the leads that decided on the step, and of those that
        went on; of all segments that begin alike and have this step next
    pool : (n_leads,) weights of the leads of all segments that begin alike, whatever comes next;
        default `stood`
    seed : of the draws
    current : the quarter that is not over (see `name_quarter`): others are compared with it, but it
        is no reference itself

    Returns
    -------
    Benchmark: of all groups with `FEWEST` decided leads or more the one with the highest shrunk
    share; None where there are not two such groups of any kind. Of a pool each group is taken to
    have the same part of the segment, sum(stood) / sum(pool): who left before the paths part is
    shared out by what all groups did, and would carry one segment's better group into another.
    """
    pool = stood if pool is None else pool
    part, best = min(stood.sum() / max(pool.sum(), 1e-9), 1.0), None
    for kind, (codes, names) in groupings.items():
        own = codes >= 0
        sums = (np.bincount(codes[own], x[own], len(names)) for x in (pool, pool**2, went_on))
        n, squares, n_on = sums
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
    journeys: Journeys, mature: np.ndarray
) -> dict[str, tuple[np.ndarray, list[str]]]:
    """By what can leads be compared: teams, managers, quarters of entry?

    Parameters
    ----------
    journeys : the leads' client steps
    mature : (n_leads,) which of them count

    Returns
    -------
    kind → codes (n_leads,), -1 for leads of no group, and names; kinds with one group are left out

    Examples
    --------
    >>> from funnel_lib.events import build_log
    >>> from funnel_lib.journeys import build_journeys
    >>> from funnel_lib.steps import Steps
    >>> log = build_log(pd.DataFrame({"lead_id": ["a", "b"], "action": "ask", "at": "2025-05-01"}),
    ...                 pd.DataFrame({"lead_id": ["a", "b"], "manager": ["Anna", "Boris"]}))
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay")
    >>> list_groupings(build_journeys(log, steps), np.ones(2, bool))["manager"][1]
    ['Anna', 'Boris']
    """
    leads, found = journeys.leads, {}
    for kind in KINDS:
        labels = _name_quarters(leads["entered_at"]) if kind == "quarter" else leads.get(kind)
        if labels is None:
            continue
        labels = labels.astype("str").where(mature & labels.notna())
        codes, names = pd.factorize(labels, sort=True)
        if len(names) > 1:
            found[kind] = (codes, [str(n) for n in names])
    return found


def name_quarter(moment: pd.Timestamp) -> str:
    """The quarter of a moment (UTC), such as the one in which the export was made.

    Examples
    --------
    >>> name_quarter(pd.Timestamp("2025-05-01", tz="UTC"))
    '2025-Q2'
    """
    return _name_quarters(pd.Series([moment])).iloc[0]


def _name_quarters(moments: pd.Series) -> pd.Series:
    quarters = moments.dt.tz_localize(None).dt.to_period("Q").astype("str")
    return quarters.str.replace("Q", "-Q")


def _density(distance: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Normal density, without its constant; never 0, so that its logarithm stays finite."""
    return np.maximum(np.exp(-0.5 * distance**2 / variance) / np.sqrt(variance), 1e-300)


def _to_share(odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-odds))
