"""Sizes of tests, and intervals for those who look early."""

from __future__ import annotations

import numpy as np

Z = 1.959963984540054  # 95 % of a normal distribution lie within
# So far a Brownian motion on [0, 1] strays with probability 0.05: by reflection, the chance is
# 4 (1 - Phi(c)) at the most, and less by 4 (1 - Phi(3 c)) = 4e-11 only; c = Phi^-1(1 - 0.05 / 4).
FARTHEST = 2.241402727604947


def plan_size(
    share_now: np.ndarray | float,
    share_expected: np.ndarray | float,
    power: float = 0.8,
    alpha: float = 0.05,
) -> np.ndarray | float:
    """How many leads does each of two groups need, so that a test shows the difference?

    `power` is the chance that the two-sided test shows it, if it is there, and `alpha` that it
    shows one, if there is none. Rounded up; NaN where the shares are equal, unknown or no shares.

    Fleiss, Levin, Paik (2003), https://doi.org/10.1002/0471445428, chapter 4, without correction
    for continuity; computed by statsmodels' samplesize_proportions_2indep_onetail.

    Examples
    --------
    >>> plan_size(0.3, 0.4), plan_size(0.3, np.array([0.35, 0.3])).tolist()
    (356.0, [1377.0, nan])
    """
    from statsmodels.stats.proportion import samplesize_proportions_2indep_onetail

    now, then = np.broadcast_arrays(np.asarray(share_now, float), np.asarray(share_expected, float))
    known = (now >= 0) & (now <= 1) & (then >= 0) & (then <= 1) & (now != then)
    now, then = np.where(known, now, 0.4), np.where(known, then, 0.5)
    n = samplesize_proportions_2indep_onetail(then - now, now, power, alpha=alpha)
    needed = np.where(known, np.ceil(n), np.nan)
    return needed if needed.ndim else float(needed)


def find_valid_interval(
    difference: np.ndarray | float, error: np.ndarray | float, share_of_plan: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Where does a difference lie, however often one looks before the plan is full?

    `share_of_plan` is which part of the planned leads is there; above 1 counts as 1. The 95%
    intervals (low, high) hold at all looks together: the test may be stopped as soon as one
    excludes 0; at its planned end it is wider than the usual one by 14 %.

    O'Brien and Fleming (1979), https://doi.org/10.2307/2530245, as repeated intervals: Jennison
    and Turnbull (1989), https://doi.org/10.1111/j.2517-6161.1989.tb01433.x. With f = share_of_plan,
    sqrt(f) difference / error walks like a Brownian motion; so difference +- `FARTHEST` error /
    sqrt(f).

    Examples
    --------
    >>> [round(float(x), 3) for x in find_valid_interval(0.1, 0.04, 0.25)]
    [-0.079, 0.279]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = FARTHEST * np.asarray(error, float) / np.sqrt(np.minimum(share_of_plan, 1.0))
    return difference - reach, difference + reach
