"""A mixture of noisy paths: how well does it explain a log, and which chances explain it best?

Each segment is a `Path` (see `walks`); a journey belongs to every segment in proportion to how
likely its path makes it. Everything is judged by description length in nats, the shorter the
better (Rissanen 1978, https://doi.org/10.1016/0005-1098(78)90005-5):

    DL = - sum_v w_v log sum_k pi_k P_k(v) + sum_k [L_k (log A + h) + h m_k] + h (K - 1)

with w_v leads of variant v, A the number of steps, L_k the length of path k, m_k the chances of its
own (skips, repeats, pairs, loops, pace), and h = log(n leads) / 2, the price of a number.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from funnel_lib.engine.trees import Forward, Trie, count_moves, run_forward
from funnel_lib.engine.walks import HIGHEST, LOWEST, RARE, Counts, Path, Rates, Walker, change

MOST_WORK = 6e9  # products that a search computes, some 15 s; three paths need 5e8, nine 4e9
SELDOM = 0.002  # of those who take a step: fewer who take it twice are nobody
LEAST_SHARE, LEAST_LEADS = 0.01, 20  # of a path; fewer make no segment, however many bits they save


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
    many: np.ndarray  # (n_codes,) how many steps each code stands for
    bought: np.ndarray | None  # (n_rows,) who bought, where they lack steps otherwise
    chance: float  # price of a number, h
    done: list[float] = field(default_factory=lambda: [0.0])  # products computed so far

    @property
    def is_tired(self) -> bool:
        """Whether so much has been computed that the search should come to its end."""
        return self.done[0] > MOST_WORK

    @cached_property
    def step(self) -> float:
        """Price of one more step on a path."""
        return float(np.log(self.n_codes) + self.chance)

    @cached_property
    def again(self) -> np.ndarray:
        """Which steps leads take more than once, (n_codes,): some of those who take them do."""
        row, at = np.nonzero(self.rows >= 0)
        times = sparse.csr_array(
            (np.ones(len(row)), (row, self.rows[row, at])), (len(self.rows), self.n_codes)
        )
        twice, once = (self.weight @ (times > least) for least in (1, 0))
        return twice > SELDOM * once

    @property
    def least(self) -> float:
        """The least share of leads that a path of its own must have."""
        return max(LEAST_SHARE, LEAST_LEADS / self.weight.sum())


@dataclass(frozen=True)
class Fit:
    """A mixture and how it explains a sample."""

    paths: tuple[Path, ...]
    rates: Rates
    pace: np.ndarray | None  # (n_codes, n_gaps) how gaps are spread by step
    forwards: tuple[Forward | None, ...]  # of each path, None where it is not yet explained
    members: np.ndarray | None = None  # (n_paths, n_rows) how much each row is of each path
    evidence: np.ndarray | None = None  # (n_rows,) log-likelihood of each row under the mixture
    score: float = np.inf  # description length
    n_iter: int = 0
    converged: bool = False

    @property
    def weights(self) -> np.ndarray:
        """Shares of leads."""
        return np.array([path.weight for path in self.paths])

    def remake(self, kept, *paths: Path, at: int | None = None) -> Fit:
        """Keep some paths, and put others in their place; those kept need not be explained anew."""
        old, new = [self.paths[k] for k in kept], [self.forwards[k] for k in kept]
        at = len(old) if at is None else at
        old[at:at], new[at:at] = paths, [None] * len(paths)
        return Fit(tuple(old), self.rates, self.pace, tuple(new))


def begin(paths, rates: Rates, pace) -> Fit:
    """Make a mixture of which nothing is known yet."""
    return Fit(tuple(paths), rates, pace, (None,) * len(paths))


def share_out(loglik: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Memberships of each row and its log-likelihood under the mixture, (n_paths, …) both given."""
    joint = loglik + np.log(weights)[..., None]
    top = joint.max(axis=0)
    member = np.exp(joint - top)
    total = member.sum(axis=0)
    return member / total, top + np.log(total)


def price_path(sample: Sample, path: Path) -> float:
    """How long is the description of a path?"""
    n_own = len(path.skip) + len(path.repeat) + len(path.swaps) + len(path.loops)
    n_own += (sample.n_gaps - 1) * bool(path.pace)
    return len(path.steps) * sample.step + n_own * sample.chance


def price_mixture(sample: Sample, paths) -> float:
    """How long is the description of all paths and their shares?"""
    return sum(price_path(sample, p) for p in paths) + (len(paths) - 1) * sample.chance


def explain(sample: Sample, fits: list[Fit]) -> list[Fit]:
    """How likely is each row under each path, and how long is the description?

    All mixtures are of as many paths; what is known of them is not computed again.
    """
    todo = [fit for fit in fits if fit.evidence is None]
    if not todo:
        return list(fits)
    forwards = _run_forwards(sample, todo)
    loglik = np.array([[f.loglik for f in walked] for walked in zip(*forwards, strict=True)])
    members, evidence = share_out(loglik, np.stack([fit.weights for fit in todo], 1))
    done = {
        id(fit): replace(fit, forwards=walked, members=m, evidence=e, score=_score(sample, fit, e))
        for fit, walked, m, e in zip(todo, forwards, members.swapaxes(0, 1), evidence, strict=True)
    }
    return [done.get(id(fit), fit) for fit in fits]


def _run_forwards(sample, fits):
    """Run forward what is new in each mixture, all side by side."""
    forwards = [list(fit.forwards) for fit in fits]
    new = [(i, k) for i, walked in enumerate(forwards) for k, f in enumerate(walked) if f is None]
    walkers = [Walker(fits[i].paths[k], fits[i].rates, sample.n_codes, sample.many) for i, k in new]
    sample.done[0] += sample.trie.n_nodes * sum(len(w.codes) ** 2 for w in walkers)
    for (i, k), forward in zip(new, run_forward(sample.trie, walkers), strict=True):
        if sample.gaps is not None:
            chances = np.log(tilt(fits[i].pace, fits[i].paths[k].pace)).ravel()
            forward = replace(forward, loglik=forward.loglik + sample.gaps @ chances)
        forwards[i][k] = forward
    return [tuple(walked) for walked in forwards]


def _score(sample, fit, evidence):
    return float(price_mixture(sample, fit.paths) - sample.weight @ evidence)


def tilt(pace: np.ndarray, own: tuple[float, ...]) -> np.ndarray:
    """Chance of each gap class by step, for a segment that has a pace of its own (or none)."""
    tilted = pace * np.array(own or 1.0)
    return tilted / tilted.sum(axis=1, keepdims=True)


def run_em(
    sample: Sample, fits: list[Fit], rounds: int, only: int | None = None, tolerance: float = -1.0
) -> list[Fit]:
    """Improve all chances of mixtures of as many paths by EM, the structure of the paths given.

    With `only`, just that path and the shares change. A chance is a path's own where that pays its
    price, else the model's: the M-step of a penalised likelihood, which no round lowers. A mixture
    has converged when a round gains less than `tolerance`.
    """
    fits = explain(sample, fits)
    turn, going = 0, list(range(len(fits)))
    while going and turn < rounds:
        turn += 1
        better = explain(sample, _improve(sample, [fits[i] for i in going], only))
        for i, fit in zip(going, better, strict=True):
            gain = fits[i].score - fit.score
            fits[i] = replace(fit, n_iter=turn, converged=bool(gain < tolerance))
        going = [i for i in going if not fits[i].converged]
    return fits


def _improve(sample, fits, only):
    """Run one round of EM."""
    ks = range(len(fits[0].paths)) if only is None else [only]
    spreads = [fit.members * sample.weight for fit in fits]
    forwards = [fit.forwards[k] for fit in fits for k in ks]
    own = [spread[k] for spread in spreads for k in ks]
    counted = iter(count_moves(sample.trie, forwards, own, fully=only is None))
    better = []
    for fit, spread in zip(fits, spreads, strict=True):
        counts = {k: next(counted) for k in ks}
        paths, forwards, rates, pace = list(fit.paths), list(fit.forwards), fit.rates, fit.pace
        for k in ks:
            paths[k], forwards[k] = update_path(sample, paths[k], counts[k], rates), None
        if only is None:
            rates = update_rates(sample, paths, counts, rates)
            if sample.gaps is not None:
                pace, paths = update_pace(sample, pace, paths, spread.T)
        shares = np.maximum(spread.sum(axis=1) / sample.weight.sum(), 1e-9).tolist()
        paths = [change(p, weight=w) for p, w in zip(paths, shares, strict=True)]
        better.append(Fit(tuple(paths), rates, pace, tuple(forwards)))
    return better


def count_segments(sample: Sample, fits: list[Fit], ks) -> list[tuple[Walker, Counts]]:
    """What did the journeys of segments `ks` of each mixture do, as it explains them?"""
    forwards = [fit.forwards[k] for fit in fits for k in ks]
    own = [fit.members[k] * sample.weight for fit in fits for k in ks]
    counts = count_moves(sample.trie, forwards, own, fully=True)
    return [(forward.walker, c) for forward, c in zip(forwards, counts, strict=True)]


def update_path(sample: Sample, path: Path, counts: Counts, rates: Rates) -> Path:
    """Run the M-step of one path: each chance is yes / (yes + no), its own only where that pays."""
    n, swaps, loops = len(path.steps), sorted(path.swaps), sorted(path.loops)
    yes, no = counts.yes, _weigh_bought(counts, rates)
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
    return change(
        path,
        skip={j: float(own[j]) for j in range(n) if pays[j]},
        repeat={j: float(own[n + j]) for j in range(n) if pays[n + j]},
        swaps={j: float(own[2 * n + i]) for i, j in enumerate(swaps)},
        loops={block: float(own[ends + i]) for i, block in enumerate(loops)},
    )


def _weigh_bought(counts: Counts, rates: Rates) -> np.ndarray:
    """How often each chance did not come true, had those who bought lacked steps as the others."""
    if counts.bought is None:
        return counts.no
    no, n = counts.no.copy(), counts.bought.shape[1]
    no[:n] += (rates.bought - 1) * counts.bought.sum(axis=0)
    return np.maximum(no, 1e-9)


def _update_bought(paths, counts, rates: Rates) -> float:
    """Run the M-step of how many times as often those who bought lack a step."""
    if counts[0].bought is None:
        return rates.bought
    lacked, usual = 10.0, 10.0
    for k, path in enumerate(paths):
        skip = np.array([path.skip.get(j, rates.skip) for j in range(len(path.steps))])
        lacked += counts[k].bought[0].sum()
        usual += counts[k].bought.sum(axis=0) @ skip
    return float(np.clip(lacked / usual, 0.02, 20)) + 1e-9  # never 1


def update_rates(sample: Sample, paths, counts, old: Rates) -> Rates:
    """Run the M-step of the chances all paths share."""
    both = [np.stack([counts[k].yes, _weigh_bought(counts[k], old)]) for k in range(len(paths))]
    n_steps = [len(path.steps) for path in paths]
    skips = np.hstack([b[:, : n - 1] for b, n in zip(both, n_steps, strict=True)])
    repeats = np.hstack([b[:, n : 2 * n] for b, n in zip(both, n_steps, strict=True)])
    wrong = [[counts[k].wrong.sum(), counts[k].right] for k in range(len(paths))]
    both = [np.column_stack([b[:, -2:], w]) for b, w in zip(both, wrong, strict=True)]
    usual = np.array([[0.5, 0.2, 0.05], [10.0, 10.0, 10.0]])
    stray = np.minimum(_ratio(*(usual + sum(both))), 0.5).tolist()
    common = [_share_rate(*c, sample.chance) for c in (skips, repeats)]
    return Rates(*common, *stray, _update_bought(paths, counts, old))


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
        return pace, [change(p, pace=()) for p in paths]
    new = []
    for path, ratio, table in zip(paths, own, seen, strict=True):
        gain = (table * np.log(tilt(pace, tuple(ratio)) / pace)).sum()
        pays = gain > (sample.n_gaps - 1) * sample.chance
        new.append(change(path, pace=tuple(map(float, ratio)) if pays else ()))
    return pace, new
