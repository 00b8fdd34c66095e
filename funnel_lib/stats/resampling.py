"""The bootstrap: sums over leads, drawn again and again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

DRAWS = 500
FEWEST_WON = 5  # with fewer, drawing again says nothing of how sure a sum of money is
BLOCKS = 5000  # from here on units are drawn by several at once, which leaves the variance as it is


@dataclass(frozen=True)
class Summands:
    """What each lead adds to each sum: factor times mark, and what its kind adds besides.

    Leads of one kind have the same marks, so that no table of leads by sums is needed. Factors and
    marks are finite.
    """

    kind: np.ndarray  # (n_leads,) positions in marks
    factors: list[np.ndarray]  # each (n_leads,)
    which: np.ndarray  # (n_sums,) the factor of each sum
    marks: np.ndarray  # (n_kinds, n_sums)
    besides: np.ndarray | None = None  # (n_kinds, n_sums)

    def weigh(self, weights: np.ndarray) -> np.ndarray:
        """What each lead adds to the sums, each weighed, (n_leads,)."""
        own = np.zeros(len(self.kind))
        for f, factor in enumerate(self.factors):
            mine = self.which == f
            own += factor * (self.marks[:, mine] @ weights[mine])[self.kind]
        return own if self.besides is None else own + (self.besides @ weights)[self.kind]

    def add_up(self, block: np.ndarray, n_blocks: int) -> np.ndarray:
        """What the leads of each block, (n_leads,) numbers, add: (n_blocks, n_sums)."""
        sums = np.zeros((n_blocks, len(self.which)))
        order = np.argsort(block, kind="stable")
        ends = np.append(0, np.cumsum(np.bincount(block, minlength=n_blocks)))
        shape, kind = (n_blocks, len(self.marks)), self.kind[order]

        def count(factor: np.ndarray) -> sparse.csr_array:
            return sparse.csr_array((factor[order].astype(float), kind, ends), shape)

        for f, factor in enumerate(self.factors):
            mine = self.which == f
            sums[:, mine] = count(factor) @ self.marks[:, mine]
        if self.besides is not None:
            sums += count(np.ones(len(order))) @ self.besides
        return sums


def draw_sums(
    added: Summands | np.ndarray,
    units: np.ndarray | None = None,
    n_draws: int = DRAWS,
    seed: int = 0,
) -> np.ndarray:
    """What would the sums over leads be, had other leads come?

    `added` is what each lead adds to each sum, (n_leads, n_sums) or as `Summands`, and `units`
    (n_leads,) what is drawn as a whole, e.g. accounts; the draws are (n_draws, n_sums). Units are
    drawn with replacement, as many as there are. They are ordered by what they add, so neither the
    order of rows nor the ids of leads matter. Above `BLOCKS` units, random blocks of equally many
    are drawn instead: sums of independent units, so their variance is the same. Cost: n_draws times
    `BLOCKS` at the most, beside one pass over the leads.

    Efron (1979), https://doi.org/10.1214/aos/1176344552; by clusters, Field and Welsh (2007),
    https://doi.org/10.1111/j.1467-9868.2007.00593.x
    """
    rng = np.random.default_rng(seed)
    if not isinstance(added, Summands):  # each lead is a kind of its own
        n, n_sums = added.shape
        which = np.zeros(n_sums, int)
        added = Summands(np.arange(n), [np.ones(n)], which, np.asarray(added, float))
    unit = np.arange(len(added.kind)) if units is None else np.asarray(units)
    if not np.bincount(unit).all():  # numbers that no lead has
        unit = pd.factorize(unit)[0]
    n = int(unit.max(initial=-1)) + 1
    if n == 0:
        return np.zeros((n_draws, len(added.which)))
    key = np.bincount(unit, added.weigh(rng.random(len(added.which))))
    shuffled = np.argsort(key)[rng.permutation(n)]
    n_blocks = n // -(-n // BLOCKS)
    ends = np.arange(n_blocks) * n // n_blocks
    block = np.empty(n, np.min_scalar_type(n_blocks))  # small numbers are sorted in less time
    block[shuffled] = np.repeat(np.arange(n_blocks), np.diff(ends, append=n))
    blocks = added.add_up(block[unit], n_blocks)
    drawn = rng.integers(n_blocks, size=(n_draws, n_blocks))
    cell = drawn + n_blocks * np.arange(n_draws)[:, None]
    times = np.bincount(cell.ravel(), minlength=n_draws * n_blocks).reshape(n_draws, n_blocks)
    return times.astype(float) @ blocks


def find_range(draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the 95% interval of draws along the first axis; empty where some are unknown."""
    if len(draws) == 0 or draws.size == 0:
        empty = np.full(draws.shape[1:], np.nan)
        return empty, empty
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return low, high
