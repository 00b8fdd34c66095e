"""Shares of groups, shrunk against luck: three lucky deals are no benchmark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnel_lib.stats.resampling import DRAWS

# Prior: any part of the groups is like the others, the rest differ by about so much in log-odds
# (half-normal): by 0.5, a share of 80 % becomes 71 % or 87 %.
SPREAD = 0.5
_SPREADS = SPREAD * np.arange(0.25, 3, 0.25)
_UNLIKE = np.array([0.3, 0.5, 0.7, 0.9])
_CENTRES = 31


@dataclass(frozen=True)
class Shrunk:
    """Groups' shares, (n_groups,), drawn together by what the groups have in common.

    The draws, (n_draws, n_groups), of what they may be: one half shrunk, the other half by each
    group's own leads alone, for it may be unlike the others after all.
    """

    share: np.ndarray
    draws: np.ndarray


def shrink_shares(hits: np.ndarray, trials: np.ndarray, seed: int = 0) -> Shrunk:
    """What are the shares of groups, if groups are not worlds apart?

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


def _density(distance: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Normal density, without its constant; never 0, so that its logarithm stays finite."""
    return np.maximum(np.exp(-0.5 * distance**2 / variance) / np.sqrt(variance), 1e-300)


def _to_share(odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-odds))
