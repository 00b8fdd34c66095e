"""The bootstrap: sums over leads, drawn again and again."""

from __future__ import annotations

import numpy as np
import pandas as pd

DRAWS = 500
FEWEST_WON = 5  # with fewer, drawing again says nothing of how sure a sum of money is
BLOCKS = 5000  # from here on units are drawn by several at once, which leaves the variance as it is


def draw_sums(
    values: np.ndarray, units: np.ndarray | None = None, n_draws: int = DRAWS, seed: int = 0
) -> np.ndarray:
    """What would the sums over leads be, had other leads come?

    `values` is (n_leads, n_sums), what each lead adds to each sum, and `units` (n_leads,) what is
    drawn as a whole, e.g. accounts; the draws are (n_draws, n_sums). Units are drawn with
    replacement, as many as there are. They are ordered by what they add, so neither the order of
    rows nor the ids of leads matter. Above `BLOCKS` units, random blocks of equally many are drawn
    instead: sums of independent units, so their variance is the same. Cost: n_draws times `BLOCKS`
    at the most, beside one pass over the leads.

    Efron (1979), https://doi.org/10.1214/aos/1176344552; by clusters, Field and Welsh (2007),
    https://doi.org/10.1111/j.1467-9868.2007.00593.x
    """
    rng = np.random.default_rng(seed)
    values = np.asarray(values, float)
    if units is not None:
        values = pd.DataFrame(values).groupby(np.asarray(units)).sum().to_numpy()
    n = len(values)
    if n == 0:
        return np.zeros((n_draws, values.shape[1]))
    key = values @ rng.random(values.shape[1])
    shuffled = values[np.argsort(key, kind="stable")][rng.permutation(n)]
    n_blocks = n // -(-n // BLOCKS)
    blocks = np.add.reduceat(shuffled, np.arange(n_blocks) * n // n_blocks, axis=0)
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
