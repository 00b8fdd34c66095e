"""Does acting help those who are still undecided? They are compared with those not acted on yet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnel_lib.core.times import NEVER
from funnel_lib.stats.incidence import OTHERWISE, TAKEN
from funnel_lib.stats.intervals import divide

BLOCKS = 100  # left out one after the other
FEWEST = 5  # asked, and not asked, of a stratum in which they are compared
MOST_TIMES = 4000  # of the grid on which that is done
_ASKED = OTHERWISE + 1  # what ends the wait of one not asked yet, beside the causes


@dataclass(frozen=True)
class Gain:
    """How many went on of those asked while undecided, and how many would have unasked.

    `n_not_asked` were never asked, and still undecided and followed at the `landmark`, the median
    time of asking (in the unit of the times given). `error` is the standard error of the
    difference of the two shares, from `n_blocks` blocks; what cannot be known is NaN.
    """

    landmark: float
    n_asked: int
    n_asked_went_on: int
    n_not_asked: int
    n_not_asked_went_on: int
    share_asked: float
    share_not_asked: float
    error: float
    n_blocks: int

    @property
    def difference(self) -> float:
        """By how much more of the asked went on than would have unasked."""
        return self.share_asked - self.share_not_asked

    def find_interval(self) -> tuple[float, float]:
        """Its 95% interval, by Student's t."""
        from scipy.stats import t

        reach = t.ppf(0.975, max(self.n_blocks - 1, 1)) * self.error
        low, high = np.clip([self.difference - reach, self.difference + reach], -1, 1)
        return float(low), float(high)

    def find_p(self) -> float:
        """One-sided p of no difference or a loss; 1 where nothing varies."""
        from scipy.stats import t

        if self.error == 0:
            return 1.0
        return float(t.sf(self.difference / self.error, max(self.n_blocks - 1, 1)))


def estimate_gain(
    end: np.ndarray,
    cause: np.ndarray,
    ask: np.ndarray,
    unit: np.ndarray,
    seed: int = 0,
    stratum: np.ndarray | None = None,
) -> Gain:
    """How much does asking add to the share of the undecided that goes on?

    Parameters
    ----------
    end : (n,) whole numbers, how long after coming each one's watch ended
    cause : (n,) what ended it, as of `incidence`: `OPEN`, `TAKEN` (went on) or `OTHERWISE` (left)
    ask : (n,) how long after coming it was asked, `NEVER` where it was not; no later than `end`
    unit : (n,) whose it is, such as its account: those of one unit are left out together
    seed : by which units are dealt to blocks
    stratum : (n,) compare within these, weighed by the asked; those with fewer than `FEWEST` of
        either kind count for the numbers, not for the shares

    Returns
    -------
    Gain. Cost: one sort of the times, beside `BLOCKS` times at most `MOST_TIMES`; nobody is
    compared one by one.

    Notes
    -----
    An asked one is compared with those who at the same time after coming were undecided, too, and
    not asked yet, however they fared later: whoever is asked late had time to leave before, so that
    comparing the asked with the never asked flatters asking (Anderson, Cain and Gelber, 1983,
    https://doi.org/10.1200/JCO.1983.1.11.710); each moment of asking is a trial of its own, as in
    Gran and others (2010), https://doi.org/10.1002/sim.4048

    With F the incidence of going on of those not asked yet (Aalen and Johansen, 1978,
    https://www.jstor.org/stable/4615704; an ask ends the watch, before what else comes at its
    moment) and S the share of them still undecided, one asked at d would have gone on unasked with
    chance (F(inf) - F(d-)) / S(d-). Of that the mean over the asked is taken from their own
    incidence, from the ask on, at its end.

    Errors: the jackknife over `BLOCKS` blocks of units, fewer where there are fewer units
    (by groups: Quenouille, 1956, https://doi.org/10.2307/2332914). The difference has the times as
    they are; for the error neighbours are one where there are more than `MOST_TIMES`.

    Stamps that are mere dates: who goes on unasked earlier on the day of an ask counts as if it had
    come after it, which takes from the difference, so that no gain is made up.

    Examples
    --------
    >>> end, cause = np.array([2, 4, 6, 8, 3, 9]), np.array([1, 2, 1, 2, 1, 1])
    >>> ask = np.array([NEVER, NEVER, NEVER, NEVER, 1, 5])
    >>> gain = estimate_gain(end, cause, ask, np.arange(6))
    >>> gain.share_asked, gain.landmark  # both went on
    (1.0, 3.0)
    >>> round(gain.share_not_asked, 3)  # asked at 1: 1/5 + 4/5 * 3/4 * 1/2; at 5: 1/2
    0.5
    """
    asked = ask < NEVER
    landmark = float(np.median(ask[asked])) if asked.any() else np.nan
    there = ~asked & (end >= landmark)
    kind = np.zeros(len(end), int) if stratum is None else stratum
    block = _deal(end, cause, ask, kind, unit, seed)
    strata = _list_strata(asked, stratum)
    nobody, n_blocks = np.zeros(len(end), int), int(block.max(initial=-1)) + 1
    whole = [share[0] for share in _compare_within(strata, end, cause, ask, nobody, 1)]
    error = np.nan
    if n_blocks > 1:
        left = np.subtract(*_compare_within(strata, end, cause, ask, block, n_blocks, MOST_TIMES))
        error = float(np.sqrt((n_blocks - 1) * np.mean((left - left.mean()) ** 2)))
    return Gain(
        landmark, int(asked.sum()), int((cause[asked] == TAKEN).sum()),
        int(there.sum()), int((cause[there] == TAKEN).sum()), *map(float, whole), error, n_blocks,
    )  # fmt: skip


def _deal(end, cause, ask, kind, unit, seed: int) -> np.ndarray:
    """Deal units to blocks at random, (n,) the block of each one. Units are ordered by what they
    hold, so that neither the order of rows nor ids matter."""
    unit = np.unique(unit, return_inverse=True)[1]
    n = int(unit.max(initial=-1)) + 1
    values = (kind, cause, np.where(ask < NEVER, ask + 1, 0), end)
    held = [np.bincount(unit, x, n) for x in values]
    order = np.lexsort((*held, np.bincount(unit, minlength=n)))
    block = np.empty(n, int)
    block[order] = np.random.default_rng(seed).permutation(n) % BLOCKS
    return block[unit]


def _list_strata(asked: np.ndarray, stratum: np.ndarray | None) -> list[np.ndarray]:
    """The rows of each stratum with enough asked and not asked."""
    if stratum is None or (stratum == stratum[:1]).all():
        return [np.arange(len(asked))]
    order = np.argsort(stratum, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(stratum[order])) + 1)
    return [rows for rows in parts if min(asked[rows].sum(), (~asked[rows]).sum()) >= FEWEST]


def _compare_within(strata, end, cause, ask, block, n_blocks: int, most: int | None = None):
    """As `_compare`, within strata, and their mean weighed by the asked."""
    sums, weights = np.zeros((2, n_blocks)), np.zeros(n_blocks)
    for rows in strata:
        shares = _compare(end[rows], cause[rows], ask[rows], block[rows], n_blocks, most)
        asked = np.bincount(block[rows], ask[rows] < NEVER, n_blocks)
        weight = asked if n_blocks == 1 else asked.sum() - asked
        sums, weights = sums + np.nan_to_num(shares) * weight, weights + weight
    return divide(sums, weights + np.zeros_like(sums))


def _compare(end, cause, ask, block, n_blocks: int, most: int | None = None):
    """The shares of the asked and of the same unasked, (n_blocks,) each: without each block, or of
    all where there is one."""
    asked = ask < NEVER
    if not asked.any():
        return np.full((2, n_blocks), np.nan)
    first, kind = np.where(asked, ask, end), np.where(asked, _ASKED, cause)
    *others, asks = _count(first, kind, block, n_blocks, most)
    undecided, gone = _follow(*others, asks)
    unasked = divide(gone[:, -1:] - gone[:, :-1], undecided[:, :-1])
    n_asked = asks.sum(axis=1)
    later = _count((end - first)[asked], cause[asked], block[asked], n_blocks, most)
    with_ask = _follow(*later)[1][:, -1]
    return np.where(n_asked > 0, with_ask, np.nan), divide(
        np.sum(asks * np.nan_to_num(unasked), axis=1), n_asked
    )


def _count(time, kind, block, n_blocks: int, most: int | None) -> np.ndarray:
    """Count by kind (`OPEN`, `TAKEN`, `OTHERWISE`, asked), block left out, and time:
    (n_kinds, n_blocks, n_times)."""
    times, place = np.unique(time, return_inverse=True)
    n = len(times)
    if most is not None and n > most:
        place, n = place * most // n, most
    shape = (_ASKED + 1, n_blocks, n)
    found = np.bincount((kind * n_blocks + block) * n + place, minlength=np.prod(shape))
    found = found.reshape(shape).astype(float)
    return found if n_blocks == 1 else found.sum(axis=1, keepdims=True) - found


def _follow(still, taken, otherwise, asks) -> tuple[np.ndarray, np.ndarray]:
    """The share undecided and the share gone on before each time, and at last after all of them,
    (n_blocks, n_times + 1) each. Asks come before what happens at their time."""
    ended = taken + otherwise
    here = (ended + still + asks)[:, ::-1].cumsum(axis=1)[:, ::-1]
    at_risk = np.maximum(here - asks, 1)  # where nobody is at risk nothing happens
    undecided = np.cumprod(1 - ended / at_risk, axis=1)
    undecided = np.insert(undecided, 0, 1.0, axis=1)
    gone = np.cumsum(undecided[:, :-1] * taken / at_risk, axis=1)
    return undecided, np.insert(gone, 0, 0.0, axis=1)
