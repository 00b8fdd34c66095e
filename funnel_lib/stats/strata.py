"""Groups against all others, like with like: shares compared within strata, then put together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnel_lib.stats.differences import FEWEST_EXPECTED
from funnel_lib.stats.intervals import divide


@dataclass(frozen=True)
class Contrast:
    """Each group's share less that of the others, all (n_groups, …).

    `n` is how many cases of the group have others to be compared with, `share` theirs, `difference`
    how far that is above the others of the same strata, `error` its standard error, `z` how far
    from no difference at all, in standard errors under none; empty where fewer than
    `FEWEST_EXPECTED` cases are expected of any kind.
    """

    n: np.ndarray
    share: np.ndarray
    difference: np.ndarray
    error: np.ndarray
    z: np.ndarray


def compare_strata(
    n: np.ndarray,
    hits: np.ndarray,
    others: np.ndarray | None = None,
    design: np.ndarray | float = 1.0,
) -> Contrast:
    """How far is each group's share from that of the others in the same strata?

    Parameters
    ----------
    n, hits : (n_groups, n_strata, …) cases and hits
    others : (n_groups,) which groups the others are; a group is never compared with itself
    design : by how much cases that come together, such as deals of one client, raise the variance

    Notes
    -----
    Mantel and Haenszel (1959), https://doi.org/10.1093/jnci/22.4.719: differences of strata weighed
    by n1 n0 / (n1 + n0); standard error of Sato (1989), https://doi.org/10.2307/2531744, which
    holds for many small strata, too; z of Cochran, Mantel and Haenszel, without correction.

    Examples
    --------
    >>> n, hits = np.array([[10.0, 90], [90, 10]]), np.array([[2.0, 45], [18, 5]])
    >>> compare_strata(n, hits).difference.tolist()  # 0.47 against 0.23, and all owed to the strata
    [0.0, 0.0]
    """
    base = np.ones(len(n), bool) if others is None else others
    chosen = base.reshape(-1, *[1] * (n.ndim - 1))
    n0 = (n * chosen).sum(axis=0) - n * chosen
    y0 = (hits * chosen).sum(axis=0) - hits * chosen
    n0, y0 = np.where(n0 > 1e-9, n0, 0), np.where(n0 > 1e-9, y0, 0)
    total = n + n0
    weight = np.nan_to_num(divide(n * n0, total))
    gap = divide(hits, n) - divide(y0, n0)
    summed = weight.sum(axis=1)
    difference = divide(np.nansum(weight * np.nan_to_num(gap), axis=1), summed)
    both = weight > 0
    p = np.where(both, n**2 * y0 - n0**2 * hits + n * n0 * (n0 - n) / 2, 0)
    p = np.nan_to_num(divide(p, total**2)).sum(axis=1)
    q = np.where(both, hits * (n0 - y0) + y0 * (n - hits), 0)
    q = np.nan_to_num(divide(q, 2 * total)).sum(axis=1)
    with np.errstate(invalid="ignore"):
        error = np.sqrt(np.maximum(difference * p + q, 0) * design) / np.where(
            summed > 0, summed, 1
        )
    pooled = np.nan_to_num(divide(hits + y0, total))
    mine = np.where(both, n, 0).sum(axis=1)
    excess = np.where(both, hits - n * pooled, 0).sum(axis=1)
    variance = np.where(both, n * n0 * pooled * (1 - pooled), 0) / np.maximum(total - 1, 1)
    variance = variance.sum(axis=1) * design
    rare = np.where(both, np.minimum(pooled, 1 - pooled) * np.minimum(n, n0), 0).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(rare >= FEWEST_EXPECTED, excess / np.sqrt(variance), np.nan)
    share = divide(np.where(both, hits, 0).sum(axis=1), mine)
    return Contrast(mine, share, difference, np.where(summed > 0, error, np.nan), z)
