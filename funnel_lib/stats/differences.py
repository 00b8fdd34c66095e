"""Differences of two shares: interval, test, and how many leads a test needs to mean anything."""

from __future__ import annotations

import numpy as np

from funnel_lib.stats.intervals import wilson

SMALL_EXPECTED, FEWEST_EXPECTED = 10, 5  # expected cases: below, a hint; below, no test at all
MOST_P = 0.05  # a difference of a smaller p is beyond chance
# All claims of page one are one family: each kind of claim has its part of the 5 %; what is left
# is for what these tests do not see, such as steps recorded by mistake.
FAMILY = {"groups": 0.028, "asks": 0.007, "hypotheses": 0.005}
ROUNDING = 1e-9  # sums of weights below this are owed to rounding alone


def judge_difference(
    share: np.ndarray, n: np.ndarray, share_rest: np.ndarray, n_rest: np.ndarray
) -> dict[str, np.ndarray]:
    """How far apart are two shares of n (effective) leads, and may chance alone have done it?

    Gives difference (share - share_rest), low, high (its interval, see `newcombe`), p (two-sided
    z-test with the pooled share, the same as chi-square without correction; empty where fewer than
    `FEWEST_EXPECTED` cases are expected of any kind, or all are alike), is_small (fewer than
    `SMALL_EXPECTED` are). Expected cases: Cochran (1954), https://doi.org/10.2307/3001616
    """
    from scipy.stats import norm

    low, high = newcombe(share, n, share_rest, n_rest)
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = (np.nan_to_num(share) * n + np.nan_to_num(share_rest) * n_rest) / (n + n_rest)
        error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / n_rest))
        p = 2 * norm.sf(np.abs(share - share_rest) / error)
    expected, varies = count_expected(pooled, np.minimum(n, n_rest))
    p = np.where(varies & (expected >= FEWEST_EXPECTED), p, np.nan)
    is_small = ~(expected >= SMALL_EXPECTED)
    return {
        "difference": share - share_rest, "low": low, "high": high, "p": p, "is_small": is_small,
    }  # fmt: skip


def judge_equality(share: np.ndarray, n: np.ndarray) -> float:
    """May chance alone have made several shares, each of n (effective) leads, so unequal?

    The p of the chi-square test of homogeneity, of the shares of which `FEWEST_EXPECTED` cases of
    any kind are expected (see `find_testable`); empty where there are not two such.
    """
    from scipy.stats import chi2

    use, pooled = find_testable(share, n)
    if use.sum() < 2:
        return np.nan
    share, n = share[use], n[use]
    return float(chi2.sf(n @ (share - pooled) ** 2 / (pooled * (1 - pooled)), len(n) - 1))


def judge_against_best(share: np.ndarray, n: np.ndarray) -> np.ndarray:
    """May chance alone have set each of several shares so far below the best of them, which nobody
    named before?

    The p of each share's difference from the highest, (n_shares,), corrected for the number of all
    pairs, with the pooled share in the errors; empty for shares left out by `find_testable`.
    Tukey (1949), https://doi.org/10.2307/3001913; of unequal n, Kramer (1956),
    https://doi.org/10.2307/3001469
    """
    from scipy.stats import studentized_range

    p, (use, pooled) = np.full(len(share), np.nan), find_testable(share, n)
    if use.sum() < 2:
        return p
    share, n = share[use], n[use]
    best = share.argmax()
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / n[best]) / 2)
    p[use] = studentized_range.sf((share[best] - share) / error, len(n), np.inf)
    return np.clip(p, 0, 1)


def find_testable(share: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, float]:
    """Which of several shares may be tested against each other, (n_shares,), and what is theirs
    together? Those of which enough cases are expected; none where there are no two kinds."""
    use = (n > 0) & ~np.isnan(share)
    pooled = n[use] @ share[use] / n[use].sum() if use.any() else np.nan
    expected, varies = count_expected(pooled, n)
    use &= varies & (expected >= FEWEST_EXPECTED)
    pooled = n[use] @ share[use] / n[use].sum() if use.any() else np.nan
    return use & (0 < pooled < 1), pooled


def count_expected(pooled: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many cases of the rarer kind are expected of n, and are there two kinds at all?

    Where everybody is of one kind, they are the cases of that kind: many leads that all went on
    are no few leads.
    """
    rarer = np.minimum(pooled, 1 - pooled)
    return n * np.where(rarer > ROUNDING, rarer, 1 - rarer), rarer > ROUNDING


def newcombe(
    share: np.ndarray, n: np.ndarray, share_rest: np.ndarray, n_rest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """95% interval of the difference of two independent shares; empty without cases.

    Newcombe (1998), method 10, from the Wilson intervals of both shares,
    https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I
    """
    (low, high), (low_rest, high_rest) = wilson(share, n), wilson(share_rest, n_rest)
    difference = share - share_rest
    down = np.sqrt((share - low) ** 2 + (high_rest - share_rest) ** 2)
    up = np.sqrt((high - share) ** 2 + (share_rest - low_rest) ** 2)
    return difference - down, difference + up


def correct_p(p: np.ndarray) -> np.ndarray:
    """Correct the p there are for their number; the others stay empty.

    Holm (1979), https://www.jstor.org/stable/4615733; statsmodels' `multipletests` gives the same,
    and collects all garbage of the process each time, which takes longer than some sections.

    Examples
    --------
    >>> correct_p(np.array([0.01, np.nan, 0.03])).tolist()
    [0.02, nan, 0.03]
    """
    corrected, known = np.full(len(p), np.nan), np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    times = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(times * p[order]), 1)
    return corrected
