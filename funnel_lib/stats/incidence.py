"""Shares by day of leads to whom something happens, where something else may come first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnel_lib.stats.intervals import Cells, wilson

OPEN, TAKEN, OTHERWISE = range(3)  # causes: still waiting, the target came, something else did
FEW = 10  # a curve is read as far as so many are at risk: beyond, one lead makes a jump
MOST_BUYERS = 0.9  # a cohort is mature once so many of the buyers to be have had their time
NEARLY_ALL = 0.85  # so many through, and the rest hardly changes what a group is like
FLAT = 0.8  # a curve that most have come by in this part of its days is flat after it
_MOST_CELLS = 10_000_000  # cells times days worked on at a time
_TIE = 1e-12  # parts of a total of weights that differ by less are equal


@dataclass(frozen=True)
class Incidence:
    """Shares of leads to whom something happened by the end of each day from 0, all (n_days,).

    `error` is the standard error, `low` and `high` the 95% interval of each day for itself,
    `at_risk` the sum of weights of the leads still waiting at the beginning of the day.
    """

    incidence: np.ndarray
    error: np.ndarray
    low: np.ndarray
    high: np.ndarray
    at_risk: np.ndarray


def estimate_incidence(
    day: np.ndarray, cause: np.ndarray, memberships: np.ndarray | None = None, column: int = 0
) -> Incidence:
    """Which share of the leads takes a target by each day, where something else may come first?

    Parameters
    ----------
    day : (n_leads,) whole days watched; a lead with a negative day is left out
    cause : (n_leads,) what ended the watch: `OPEN`, `TAKEN` (the target) or `OTHERWISE`
    memberships, column : (n_leads, n_segments), and which segment is meant; default all leads fully

    Returns
    -------
    Incidence, from day 0 to the last day at risk. A lead still open on a day is at risk on it.
    Cost: one pass over the leads, then the square of the days.

    Notes
    -----
    Aalen and Johansen (1978), https://www.jstor.org/stable/4615704: the sum over days t of
    S(t-) dN(t) / Y(t), S the share to whom nothing happened yet. Errors are those of the influence
    functions (the infinitesimal jackknife, as in R's survival), to which, in segments, the
    influence by way of the estimated memberships is added (see `intervals.Cells`).
    Intervals: Wilson's, with the number of leads that would have this error; where the share is 0
    or 1, with the number still at risk.

    Examples
    --------
    >>> found = estimate_incidence(np.array([0, 1, 1, 2]), np.array([1, 2, 0, 1]))
    >>> found.incidence.tolist(), found.at_risk.tolist()  # 1/4; then 3/4 * 2/3 = 1/2 wait on
    ([0.25, 0.25, 0.75], [4.0, 3.0, 1.0])
    """
    day = np.asarray(day)
    member = np.ones((len(day), 1)) if memberships is None else np.asarray(memberships, float)
    began = day >= 0
    cell = 3 * day[began] + np.asarray(cause)[began]
    n_cells = 3 * (int(day.max(initial=-1)) + 1)
    return follow_cells(Cells.add(member[began], column, None, cell, n_cells))


def follow_cells(cells: Cells) -> Incidence:
    """As `estimate_incidence`, of leads added up: cell 3 d + c holds those whose watch ended on day
    d by cause c."""
    occupied = np.flatnonzero(cells.mass > 0)
    if not len(occupied):
        nothing = np.full(1, np.nan)
        return Incidence(nothing, nothing, nothing, nothing, np.zeros(1))
    n_days = occupied[-1] // 3 + 1
    mass = cells.mass[: 3 * n_days].reshape(n_days, 3)
    squares = cells.products[: 3 * n_days, cells.column].reshape(n_days, 3)
    at_risk, kish = _sum_later(mass.sum(axis=1)), _sum_later(squares.sum(axis=1))
    incidence, variance = _follow(at_risk, mass, occupied, cells.take(occupied))
    certain = ~(variance > 1e-18)
    with np.errstate(divide="ignore", invalid="ignore"):
        n_effective = incidence * (1 - incidence) / variance
    n_effective = np.where(certain, np.minimum(at_risk**2 / kish, at_risk), n_effective)
    low, high = wilson(np.clip(incidence, 0, 1), n_effective)
    return Incidence(incidence, np.sqrt(np.maximum(variance, 0)), low, high, at_risk)


def _sum_later(tally: np.ndarray) -> np.ndarray:
    """Sums from each day to the last."""
    return np.cumsum(tally[::-1])[::-1]


def _follow(at_risk: np.ndarray, mass: np.ndarray, occupied: np.ndarray, cells: Cells):
    """The curve and its variance, (n_days,) each, from the occupied cells.

    A cell is a day T and a cause c. With the hazards l1 of the target and l of anything, a lead
    moves l on the days t up to T by (1[t = T, c ends it] - l(t)) / Y(t), and the curve F by
    S(t-) times that of l1, less (F(d) - F(t)) / (1 - l(t)) times that of l, summed up to day d.
    """
    target, ended = mass[:, TAKEN] / at_risk, mass[:, [TAKEN, OTHERWISE]].sum(axis=1) / at_risk
    stay = np.maximum(1 - ended, 0)
    waiting = np.append(1, np.cumprod(stay)[:-1])
    curve = np.cumsum(waiting * target)
    gone = np.divide(1, at_risk * stay, out=np.zeros(len(stay)), where=stay > 1e-12)
    a, b, c = (np.cumsum(x) for x in (waiting * target / at_risk, ended * gone,
                                      ended * gone * curve))  # fmt: skip
    day, cause = (x[:, None] for x in (occupied // 3, occupied % 3))
    came = (cause == TAKEN) * (waiting / at_risk)[day]
    # between two days on which a watch ended nothing moves: of 120 years few days are looked at
    changes = np.unique(day)
    variance = np.empty(len(changes))
    n_blocks = -(-len(day) * len(changes) // _MOST_CELLS)
    for block in np.array_split(np.arange(len(changes)), n_blocks):
        until = changes[block]
        both, now = np.minimum(day, until), curve[until]
        moved = now * b[both] - a[both] - c[both]
        left = (cause > OPEN) * (now - curve[day]) * gone[day]
        variance[block] = cells.find_variance(moved + (day <= until) * (came - left))
    since = np.searchsorted(changes, np.arange(len(curve)), side="right")
    return curve, np.append(0, variance)[since]


def find_last_day(at_risk: np.ndarray) -> int:
    """So far is a curve read: the last day with `FEW` at risk, or a tenth of a small group."""
    return max(int((at_risk >= min(FEW, at_risk[0] / 10)).sum()) - 1, 0)


def find_half_time(share: np.ndarray, at_risk: np.ndarray, last: int | None = None) -> float:
    """By which day have half of those who do so by the last day (default: as far as the curve is
    read)? NaN where nobody does."""
    read = share[: (find_last_day(at_risk) if last is None else last) + 1]
    return float((read >= read[-1] / 2).argmax()) if read[-1] > 0 else np.nan


def find_horizon(found: Incidence, most: float = MOST_BUYERS) -> int:
    """By which day have most of those who do so by the last day; the last day where nobody does."""
    read = found.incidence[: find_last_day(found.at_risk) + 1]
    if not read[-1] > 0:
        return len(read) - 1
    return int((read >= most * read[-1]).argmax())


def is_settled(found: Incidence, horizon: int) -> bool:
    """Whether a curve is known to its end: nearly all are through, or it has long been flat."""
    last = find_last_day(found.at_risk)
    return bool(found.incidence[last] >= NEARLY_ALL or horizon <= FLAT * last)


def find_quantile(masses: np.ndarray, q: float) -> float:
    """Which of the values 0, 1, 2 … do a share `q` of the masses not exceed? `masses` (n_values,).

    Where the masses part exactly between two values, their middle is taken, as medians do.
    """
    if not masses.sum() > 0:
        return np.nan
    values = np.flatnonzero(masses)
    parts = np.cumsum(masses[values]) / masses.sum()
    low, high = np.searchsorted(parts, (q - _TIE, q + _TIE))
    return float(values[low] + values[min(high, len(values) - 1)]) / 2
