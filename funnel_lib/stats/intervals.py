"""How sure is a share? Wilson's interval, and the effective number of leads behind a share."""

from __future__ import annotations

from dataclasses import dataclass, replace

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


def find_design_effect(hits: np.ndarray, group: np.ndarray, unit: np.ndarray) -> float:
    """By how much is the variance of groups' shares larger as some cases come as one, such as the
    leads of an account? At least 1; the effective number of cases is n over this.

    `hits`, `group` and `unit` are (n_cases,), the last two codes. The mean over the groups of the
    variance by units over that by cases, weighed by 1 - n / sum(n): Rao and Scott (1987), first
    order, https://doi.org/10.1214/aos/1176350273
    """
    n = np.bincount(group)
    moved = hits - divide(np.bincount(group, hits), n)[group]
    together, of_case = np.unique(
        np.column_stack([group, unit]), axis=0, return_inverse=True
    )  # the part of each unit in each group
    squares = np.bincount(together[:, 0], np.bincount(of_case, moved) ** 2, minlength=len(n))
    n_units, alone = np.bincount(together[:, 0], minlength=len(n)), np.bincount(group, moved**2)
    use = (alone > 0) & (n_units > 1)
    if not use.any():
        return 1.0
    few = n_units[use] / (n_units[use] - 1) * (n[use] - 1) / n[use]
    weight = 1 - n[use] / (n.sum() + 1)  # of a single group, too
    return max(float(np.average(few * squares[use] / alone[use], weights=weight)), 1.0)


@dataclass(frozen=True)
class Cells:
    """Leads of a segment whose figures move alike, added up: what shares and their errors need.

    Memberships are estimated, and are rows m of a matrix, one column a segment, that sum to 1; w is
    the column of the segment meant. With one column they are plain weights.

    Notes
    -----
    A figure of a segment, say sum(w hits) / sum(w trials), is moved by each lead in two ways: by
    its own w, and as the shares pi of the segments are estimated with the memberships, w_k = pi_k
    f_k / sum_l pi_l f_l, by what it does to those of all others. With d how much a sure lead of the
    same kind would move it (so that sum(w d) = 0), G = mean of m m' and psi = pi (G^-1 m) - pi, a
    lead moves it by w d - sum_l psi_l sum(w m_l d) / (n pi_l): influence functions (Huber 1964;
    Tsiatis 2006, chapter 3). The variance is the sum of their squares, and all it takes are the
    sums over cells of leads with the same d. What is not in it: that the paths themselves are
    estimated, and that drop-out may differ before they part.
    """

    total: np.ndarray  # (n_cells,) how many leads
    mass: np.ndarray  # (n_cells,) sums of w
    products: np.ndarray  # (n_cells, n_segments) sums of w m
    column: int  # of the segment meant
    n: float  # leads of all cells
    shares: np.ndarray  # (n_segments,) pi
    pull: np.ndarray  # (n_segments, n_segments) G^-1
    psi: np.ndarray  # (n_segments, n_segments) the sum of psi psi'

    @classmethod
    def add(
        cls,
        members: np.ndarray,
        column: int = 0,
        counts: np.ndarray | None = None,
        cell: np.ndarray | None = None,
        n_cells: int = 0,
    ) -> Cells:
        """Add up rows of memberships, (n_rows, n_segments), of which each stands for `counts` leads
        (one, if not given), by `cell` (n_rows,); without it each row is a cell."""
        counts = np.ones(len(members)) if counts is None else counts
        own = counts * members[:, column]
        parts = counts, own, own[:, None] * members
        if cell is not None:
            parts = (add_by(part, cell, n_cells) for part in parts)
        return cls(*parts, column, counts.sum(), *measure_sizes(members, counts))

    def take(self, rows: np.ndarray) -> Cells:
        """Some of the cells, where the others count for nothing."""
        kept = {name: getattr(self, name)[rows] for name in ("total", "mass", "products")}
        return replace(self, **kept)

    def find_variance(self, moved: np.ndarray) -> np.ndarray:
        """Variances of figures, (n_figures,), from how much a sure lead of each cell would move
        them, (n_cells, n_figures)."""
        variance = self.products[:, self.column] @ moved**2
        if self.products.shape[1] == 1:
            return variance
        shares = self.shares[:, None]
        with_all = self.products.T @ moved
        with_psi = shares * (self.pull @ with_all) - shares * (self.mass @ moved)
        slope = -with_all / (shares * self.n)
        return variance + (slope * (self.psi @ slope + 2 * with_psi)).sum(axis=0)

    def find_effective_n(self, hits: np.ndarray, trials: np.ndarray | None = None) -> np.ndarray:
        """How many sure leads say as much about the shares sum(w hits) / sum(w trials) as these
        unsure ones, (n_shares,)?

        `hits` and `trials` are (n_cells, n_shares); default trials are all leads. A step before the
        paths part is judged from all leads, so it may be above the segment's size, but never above
        all trials. Plain weights: Kish's number (see `effective_n`).
        """
        trials = np.ones((len(self.mass), 1)) if trials is None else np.asarray(trials, float)
        n = self.mass @ trials
        if self.products.shape[1] == 1:
            squares = self.products[:, 0] @ trials**2
            return np.where(squares > 0, np.minimum(divide(n**2, squares), n), 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = self.mass @ hits / n
            variance = self.find_variance((hits - share * trials) / n)
            n_effective = share * (1 - share) / variance
        certain = ~(variance > 1e-18) | (share <= 0) | (share >= 1)
        return np.minimum(np.where(certain, n, n_effective), self.total @ trials)


def add_by(values: np.ndarray, cell: np.ndarray, n_cells: int = 0) -> np.ndarray:
    """Add up values, (n,) or (n, n_columns), by cell: (n_cells, …)."""
    if values.ndim == 1:
        return np.bincount(cell, values, minlength=n_cells).astype(float)
    return np.column_stack([np.bincount(cell, x, minlength=n_cells) for x in values.T])


def measure_sizes(
    members: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The segments' shares of all leads, the inverse of the mean of m m', and the sum of psi psi',
    psi how each lead moves the shares, by n times itself (see `Cells`)."""
    n = max(counts.sum(), 1)
    shares = np.maximum(counts @ members / n, 1e-12)
    pull = np.linalg.pinv((members * counts[:, None]).T @ members / n)
    psi = shares * (members @ pull) - shares
    return shares, pull, (psi * counts[:, None]).T @ psi


def influence_of_share(
    memberships: np.ndarray,
    column: int,
    hits: np.ndarray,
    trials: np.ndarray,
    counts: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """A segment's shares, (n_shares,), and how much each lead moves them, (n_rows, n_shares).

    Each row stands for `counts` leads; the sum of the squares, so often, is a share's variance.
    """
    counts = np.ones(len(memberships)) if counts is None else counts
    total = (counts * memberships[:, column]) @ trials
    with np.errstate(divide="ignore", invalid="ignore"):
        share = ((counts * memberships[:, column]) @ hits) / total
        moved = move_means(memberships, column, hits, counts)
        moved = moved - share * move_means(memberships, column, trials, counts)
        return share, moved / total


def move_means(
    memberships: np.ndarray, column: int, marks: np.ndarray, counts: np.ndarray | None = None
) -> np.ndarray:
    """How each lead moves mean(w marks), (n_rows, n_marks), w the segment's memberships: its
    influence, by n times itself, memberships being estimated (see `Cells`). Each column sums to
    0."""
    counts = np.ones(len(memberships)) if counts is None else counts
    w = memberships[:, column]
    mean = (counts * w) @ marks / counts.sum()
    shared = add_by_sizes(memberships, column, counts[:, None] * marks, counts)
    return w[:, None] * marks - mean + shared


def add_by_sizes(
    memberships: np.ndarray, column: int, totals: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """What each lead adds to the sums of w marks, (n_rows, n_marks), by changing what all others
    belong to; over all leads it adds nothing. `totals` are the sums of the marks by row."""
    shares, pull, _ = measure_sizes(memberships, counts)
    psi, own = shares * (memberships @ pull) - shares, memberships[:, [column]] * totals
    slope = -memberships.T @ own
    slope[column] += own.sum(axis=0)
    return psi @ (slope / (shares[:, None] * max(counts.sum(), 1)))
