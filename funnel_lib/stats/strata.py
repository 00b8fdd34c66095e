"""Groups against all others, like with like: shares compared within strata, then put together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnel_lib.stats.differences import FEWEST_EXPECTED
from funnel_lib.stats.intervals import divide


@dataclass(frozen=True)
class Contrast:
    """Each group's share less that of the others, all (n_groups, …).

    `difference` is how far it is above the others of the same strata, `error` its standard error,
    `z` how far from no difference at all, in standard errors under none; empty where fewer than
    `FEWEST_EXPECTED` cases are expected of any kind.
    """

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
    both = weight > 0

    def add_up(values: np.ndarray) -> np.ndarray:
        """Add up over the strata in which there are both."""
        return np.where(both, values, 0).sum(axis=1)

    summed = add_up(weight)
    difference = divide(add_up(weight * (divide(hits, n) - divide(y0, n0))), summed)
    p = add_up(divide(n**2 * y0 - n0**2 * hits + n * n0 * (n0 - n) / 2, total**2))
    q = add_up(divide(hits * (n0 - y0) + y0 * (n - hits), 2 * total))
    pooled = np.nan_to_num(divide(hits + y0, total))
    excess = add_up(hits - n * pooled)
    variance = add_up(n * n0 * pooled * (1 - pooled) / np.maximum(total - 1, 1)) * design
    rare = add_up(np.minimum(pooled, 1 - pooled) * np.minimum(n, n0))
    with np.errstate(divide="ignore", invalid="ignore"):
        error = divide(np.sqrt(np.maximum(difference * p + q, 0) * design), summed)
        z = np.where(rare >= FEWEST_EXPECTED, excess / np.sqrt(variance), np.nan)
    return Contrast(difference, error, z)
