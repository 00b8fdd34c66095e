"""A mixture of noisy paths: how well does it explain a log, and which chances explain it best?

Each segment is a `Path` (see `walks`); a journey belongs to every segment in proportion to how
likely its path makes it. Everything is judged by description length in nats, the shorter the
better (Rissanen 1978, https://doi.org/10.1016/0005-1098(78)90005-5):

    DL = - sum_v w_v log sum_k pi_k P_k(v) + sum_k [L_k (log A + h) + h m_k] + h (K - 1)

with w_v leads of variant v, A the number of steps, L_k the length of path k, m_k the chances of its
own (skips, repeats, pairs, loops, pace), and h = log(n leads) / 2, the price of a number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from funnel_lib.engine.walks import (
    HIGHEST,
    LOWEST,
    RARE,
    Counts,
    Forward,
    Path,
    Rates,
    Trie,
    Walker,
    count_moves,
    run_forward,
)


@dataclass(frozen=True)
class Sample:
    """Variants to explain: their tree, how many leads each has, and the price of a number."""

    rows: np.ndarray
    trie: Trie
    weight: np.ndarray
    gaps: sparse.csr_array | None  # (n_rows, n_codes * n_gaps) events by step and gap class
    n_codes: int
    n_gaps: int
    end_step: int
    chance: float  # price of a number, h

    @property
    def step(self) -> float:
        """Price of one more step on a path."""
        return np.log(self.n_codes) + self.chance


@dataclass(frozen=True)
class Fit:
    """A mixture and how it explains a sample."""

    paths: tuple[Path, ...]
    rates: Rates
    pace: np.ndarray | None  # (n_codes, n_gaps) how gaps are spread by step
    loglik: np.ndarray  # (n_rows, n_paths) log-likelihood of each row under each path
    score: float  # description length
    n_iter: int = 0
    converged: bool = False

    @property
    def weights(self) -> np.ndarray:
        """Shares of leads."""
        return np.array([path.weight for path in self.paths])


def share_out(loglik: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Memberships of each row and its log-likelihood under the mixture."""
    joint = loglik + np.log(weights)
    top = joint.max(axis=1, keepdims=True)
    member = np.exp(joint - top)
    total = member.sum(axis=1, keepdims=True)
    return member / total, (top + np.log(total))[:, 0]


def price_path(sample: Sample, path: Path) -> float:
    """How long is the description of a path?"""
    n_own = len(path.skip) + len(path.repeat) + len(path.swaps) + len(path.loops)
    n_own += (sample.n_gaps - 1) * bool(path.pace)
    return len(path.steps) * sample.step + n_own * sample.chance


def price_mixture(sample: Sample, paths) -> float:
    """How long is the description of all paths and their shares?"""
    return sum(price_path(sample, p) for p in paths) + (len(paths) - 1) * sample.chance


def score_fit(sample: Sample, paths, loglik) -> float:
    """Compute the description length of a log under a mixture."""
    total = sample.weight @ share_out(loglik, np.array([p.weight for p in paths]))[1]
    return price_mixture(sample, paths) - total


def explain(sample: Sample, path: Path, rates: Rates, pace) -> tuple[Walker, Forward, np.ndarray]:
    """How likely is each row under one path?"""
    walker = Walker(path, rates, sample.n_codes)
    forward = run_forward(sample.trie, walker)
    loglik = forward.loglik[sample.trie.leaf]
    if sample.gaps is not None:
        loglik = loglik + sample.gaps @ np.log(tilt(pace, path.pace)).ravel()
    return walker, forward, loglik


def tilt(pace: np.ndarray, own: tuple[float, ...]) -> np.ndarray:
    """Chance of each gap class by step, for a segment that has a pace of its own (or none)."""
    tilted = pace * np.array(own or 1.0)
    return tilted / tilted.sum(axis=1, keepdims=True)


def run_em(
    sample: Sample, paths, rates: Rates, pace, rounds: int, only=None, columns=None, tolerance=-1.0
) -> Fit:
    """Improve all chances by EM, the structure of the paths given.

    With `only`, just that path and the shares change; `columns` holds the other paths' loglik.
    A chance is a path's own where that pays its price, else the model's: the M-step of a penalised
    likelihood, which no round lowers. It has converged when a round gains less than `tolerance`.
    """
    paths, ks = list(paths), range(len(paths)) if only is None else [only]
    loglik = np.empty((len(sample.weight), len(paths))) if columns is None else columns.copy()
    seen, score, converged = {}, np.inf, False
    for turn in range(rounds + 1):
        for k in ks:
            *seen[k], loglik[:, k] = explain(sample, paths[k], rates, pace)
        before, score = score, score_fit(sample, paths, loglik)
        converged = bool(before - score < tolerance)
        if turn == rounds or converged:
            break
        member, _ = share_out(loglik, np.array([p.weight for p in paths]))
        spread = member * sample.weight[:, None]
        counts = {k: count_path(sample, *seen[k], spread[:, k]) for k in ks}
        for k in ks:
            paths[k] = update_path(sample, paths[k], counts[k], rates)
        if only is None:
            rates = update_rates(sample, paths, counts)
            if sample.gaps is not None:
                pace, paths = update_pace(sample, pace, paths, spread)
        shares = np.maximum(spread.sum(axis=0) / sample.weight.sum(), 1e-9)
        paths = [replace(p, weight=float(w)) for p, w in zip(paths, shares, strict=True)]
    return Fit(tuple(paths), rates, pace, loglik, float(score), turn, converged)


def count_path(sample: Sample, walker: Walker, forward: Forward, weight: np.ndarray) -> Counts:
    """Run the E-step of one path, given how much of each row is its own."""
    ends = np.bincount(sample.trie.leaf, weights=weight, minlength=sample.trie.n_nodes)
    return count_moves(sample.trie, walker, forward, ends)


def count_segment(sample: Sample, fit: Fit, k: int) -> tuple[Walker, Counts]:
    """What did the journeys of segment k do, as a fit explains them?"""
    member, _ = share_out(fit.loglik, fit.weights)
    walker, forward, _ = explain(sample, fit.paths[k], fit.rates, fit.pace)
    return walker, count_path(sample, walker, forward, member[:, k] * sample.weight)


def update_path(sample: Sample, path: Path, counts: Counts, rates: Rates) -> Path:
    """Run the M-step of one path: each chance is yes / (yes + no), its own only where that pays."""
    n, swaps, loops = len(path.steps), sorted(path.swaps), sorted(path.loops)
    yes, no = counts.yes, counts.no
    own = _ratio(yes, no)
    own[:n] = np.minimum(own[:n], 1 - RARE)
    own[2 * n : 2 * n + len(swaps)] = np.clip(own[2 * n : 2 * n + len(swaps)], RARE, 1 - RARE)
    turns = slice(2 * n + len(swaps), 2 * n + len(swaps) + len(loops))
    own[turns] = np.maximum(own[turns], RARE / 2)
    common = np.repeat([rates.skip, rates.repeat], n)
    y, x, p = yes[: 2 * n], no[: 2 * n], own[: 2 * n]
    gain = y * np.log(p / common) + x * np.log((1 - p) / (1 - common))
    pays = gain > sample.chance
    ends = 2 * n + len(swaps)
    return replace(
        path,
        skip={j: float(own[j]) for j in range(n) if pays[j]},
        repeat={j: float(own[n + j]) for j in range(n) if pays[n + j]},
        swaps={j: float(own[2 * n + i]) for i, j in enumerate(swaps)},
        loops={block: float(own[ends + i]) for i, block in enumerate(loops)},
    )


def update_rates(sample: Sample, paths, counts) -> Rates:
    """Run the M-step of the chances all paths share."""
    both = [np.stack([counts[k].yes, counts[k].no]) for k in range(len(paths))]
    n_steps = [len(path.steps) for path in paths]
    skips = np.hstack([b[:, : n - 1] for b, n in zip(both, n_steps, strict=True)])
    repeats = np.hstack([b[:, n : 2 * n] for b, n in zip(both, n_steps, strict=True)])
    usual = np.array([[0.5, 0.2], [10.0, 10.0]])
    noise, early = _ratio(*(usual + sum(b[:, -2:] for b in both))).tolist()
    skip, repeat = (_share_rate(*c, sample.chance) for c in (skips, repeats))
    return Rates(skip, repeat, min(noise, 0.5), min(early, 0.5))


def _share_rate(yes, no, price: float) -> float:
    """Find the chance that positions without their own share, and so which have their own.

    Ordered by their chances, the lowest share one: the cut that describes them best.
    """
    order = np.argsort(yes / (yes + no + 1e-9), kind="stable")
    yes, no = yes[order], no[order]
    shared = np.cumsum(yes) + 0.1, np.cumsum(no) + 10.0
    own = np.cumsum((_entropy(yes, no) + price)[::-1])[::-1]
    cut = np.argmin(_entropy(*shared) + np.append(own[1:], 0))
    return float(min(_ratio(*shared)[cut], 0.2))


def _entropy(yes, no):
    """Nats to say which came true, at their own chance."""
    p = _ratio(yes, no)
    return -yes * np.log(p) - no * np.log1p(-p)


def _ratio(yes, no):
    return np.clip((yes + 1e-9) / (yes + no + 2e-9), LOWEST, HIGHEST)


def update_pace(sample: Sample, pace, paths, spread, rounds: int = 15):
    """Fit gaps by step and by segment: no interaction of the three, by proportional fitting.

    Deming & Stephan (1940), https://doi.org/10.1214/aoms/1177731829
    """
    shape = len(paths), sample.n_codes, sample.n_gaps
    seen = (sample.gaps.T @ spread).T.reshape(shape) + 1e-3
    own = np.array([p.pace or np.ones(sample.n_gaps) for p in paths])
    fitted = own[:, None] * pace
    for _ in range(rounds):
        fitted *= (seen.sum(2) / fitted.sum(2))[:, :, None]
        factor = seen.sum(1) / fitted.sum(1)
        fitted *= factor[:, None]
        own = own * factor
        fitted *= (seen.sum(2) / fitted.sum(2))[:, :, None]
        factor = seen.sum(0) / fitted.sum(0)
        fitted *= factor
        pace = pace * factor
        pace /= pace.sum(1, keepdims=True)
    own /= own.mean(axis=1, keepdims=True)
    if len(paths) == 1:
        return pace, [replace(p, pace=()) for p in paths]
    new = []
    for path, ratio, table in zip(paths, own, seen, strict=True):
        gain = (table * np.log(tilt(pace, tuple(ratio)) / pace)).sum()
        pays = gain > (sample.n_gaps - 1) * sample.chance
        new.append(replace(path, pace=tuple(map(float, ratio)) if pays else ()))
    return pace, new
