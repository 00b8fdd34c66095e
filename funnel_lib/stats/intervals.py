"""How sure is a share? Wilson's interval, and the effective number of leads behind a share."""

from __future__ import annotations

import numpy as np


def wilson(share: np.ndarray, n_effective: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """95% interval of shares; empty without cases.

    Wilson (1927), https://doi.org/10.1080/01621459.1927.10502953
    """
    from statsmodels.stats.proportion import proportion_confint  # 0.6 s, not at every start

    share = np.asarray(share, float)
    n = np.broadcast_to(np.asarray(n_effective, float), share.shape)
    n = np.where(n > 0, n, np.nan)
    low, high = proportion_confint(share * n, n, method="wilson")
    return np.asarray(low), np.asarray(high)


def divide(count: np.ndarray | float, base: np.ndarray | float) -> np.ndarray:
    """Shares of a base; NaN where it is empty."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(base) > 0, np.asarray(count, float) / base, np.nan)


def effective_n(weights: np.ndarray) -> float:
    """Effective number of cases (Kish 1965, Survey Sampling, chapter 11), never above the sum of
    the weights."""
    total, squares = float(weights.sum()), float((weights**2).sum())
    return min(total**2 / squares, total) if squares > 0 else 0.0


def effective_n_of_segment(
    memberships: np.ndarray, column: int, hits: np.ndarray, trials: np.ndarray | None = None
) -> np.ndarray:
    """How many sure leads say as much about a segment's share as these unsure ones?

    (n_shares,) effective numbers for sum(w hits) / sum(w trials), hits and trials (n_leads,
    n_shares), w the segment's memberships; default trials are all leads. Sure leads count one each.
    A step before the paths part is judged from
    all leads, so it may be above the segment's size, but never above all trials.

    The variance is that of the influence functions (Huber 1964; Tsiatis 2006, chapter 3). The
    shares pi of the segments are estimated with the memberships, w_k = pi_k f_k / sum_l pi_l f_l,
    so lead i moves them by psi_i = pi (G^-1 w_i) - pi, G = mean of w w', and moves a sum
    R = mean(w_s r) by w_s r - R + sum_l psi_l (R [l = s] - mean(r w_s w_l)) / pi_l. What is not in
    it: that the paths themselves are estimated, and that drop-out may differ before they part.
    """
    trials = np.ones((len(memberships), 1)) if trials is None else np.asarray(trials, float)
    share, moved = influence_of_share(memberships, column, np.asarray(hits, float), trials)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (moved**2).sum(axis=0)
        n_effective = share * (1 - share) / variance
    certain = ~(variance > 1e-18) | (share <= 0) | (share >= 1)
    n_members = memberships[:, column] @ trials
    return np.minimum(np.where(certain, n_members, n_effective), trials.sum(axis=0))


def influence_of_share(
    memberships: np.ndarray, column: int, hits: np.ndarray, trials: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A segment's shares, (n_shares,), and how much each lead moves them, (n_leads, n_shares).

    The sum of the squares of a column is the variance of that share.
    """
    total = memberships[:, column] @ trials
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (memberships[:, column] @ hits) / total
        moved = move_means(memberships, column, hits) - share * move_means(
            memberships, column, trials
        )
        return share, moved / total


def influence_of_sizes(memberships: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The segments' shares of all leads, (n_segments,), and how each lead moves them by n times
    itself, (n_leads, n_segments): psi of `effective_n_of_segment`."""
    n = max(len(memberships), 1)
    shares = np.maximum(memberships.sum(axis=0) / n, 1e-12)
    pull = np.linalg.pinv(memberships.T @ memberships / n)
    return shares, shares * (memberships @ pull) - shares


def move_means(memberships: np.ndarray, column: int, marks: np.ndarray) -> np.ndarray:
    """How each lead moves mean(w marks), (n_leads, n_marks), w the segment's memberships: its
    influence, by n times itself, memberships being estimated. Each column sums to 0."""
    n, w = len(memberships), memberships[:, column]
    shares, psi = influence_of_sizes(memberships)
    mean = w @ marks / n
    slope = -(memberships * w[:, None]).T @ marks / n
    slope[column] += mean
    return w[:, None] * marks - mean + psi @ (slope / shares[:, None])


def add_by_membership(memberships: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """What each lead adds to the sums of w marks, (n_leads, n_marks), w the first memberships.

    Memberships are estimated from the same leads, so a lead adds to a segment's sum by changing
    what the others belong to, too. The sums are the same as without that.
    """
    if memberships.shape[1] == 1 or len(memberships) == 0:
        return memberships[:, :1] * marks
    return move_means(memberships, 0, marks) + memberships[:, 0] @ marks / len(marks)
