"""Which paths describe a log shortest? Grown one at a time, edited, merged."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from itertools import pairwise, permutations

import numpy as np

from funnel_lib.engine.edits import N_TRIED, delete, exchange, list_edits
from funnel_lib.engine.mixtures import Fit, Sample, begin, count_segments, run_em
from funnel_lib.engine.trees import Trie
from funnel_lib.engine.walks import LOWEST, RARE, Path, Rates, change

PROGRESS = logging.getLogger("funnel_lib.progress")  # hears how far the search is
N_FITTED = 8  # of these, so many have their chances fitted
N_SEEDS = 8  # journeys tried as the beginning of a new path
MOST_CLIMBS = 3  # times as many are edited where the best are no paths of their own
SLIGHT = 0.99  # times as often those who bought lack steps, to begin with
LEAN, MANY = 0.5, 50  # far less often, or more; the least leads on both sides
HARDLY = 0.75  # times as often, at the first look: not to be looked at again
HOPE = 1.02  # two paths made one must nearly do before edits
WORTH = 0.5  # nats an edit must gain


def climb(sample: Sample, fits: list[Fit], ks, rounds: int = 30) -> list[Fit]:
    """Edit paths of each mixture as long as that shortens its description, one path after another.

    Mixtures are computed side by side, but none knows of the others.
    """
    fits = list(fits)
    for k in ks:
        going = list(range(len(fits)))
        while going and rounds and not sample.is_tired:
            rounds -= 1
            better = _edit(sample, [fits[i] for i in going], k)
            for i, fit in zip(going, better, strict=True):
                fits[i] = fit or fits[i]
            going = [i for i, fit in zip(going, better, strict=True) if fit]
    return run_em(sample, fits, 3)


def _edit(sample: Sample, fits: list[Fit], k: int) -> list[Fit | None]:
    """Find the best edit of path k of each mixture; None where none is worth it."""
    found: list[Fit | None] = [None] * len(fits)
    others = [i for i in range(len(fits[0].paths)) if i != k]
    tried = {}
    for i, (fit, walked) in enumerate(zip(fits, count_segments(sample, fits, [k]), strict=True)):
        edits = list_edits(sample, fit.paths[k], *walked, fit.rates)
        edits = [path for path in edits if can_walk(sample, path)]
        tried[i] = [fit.remake(others, path, at=k) for path in edits]
    for rounds, n_kept in ((0, N_FITTED), (1, 2), (2, 1)):
        fitted = iter(run_em(sample, [fit for new in tried.values() for fit in new], rounds, k))
        for i, new in list(tried.items()):
            tried[i] = sorted((next(fitted) for _ in new), key=lambda f: f.score)[:n_kept]
            if rounds and tried[i] and tried[i][0].score < fits[i].score - WORTH:
                found[i] = tried.pop(i)[0]
    return found


def find_seeds(sample: Sample, fit: Fit | None) -> list[tuple[int, ...]]:
    """Which journeys might begin a new path? Those explained worst, and the frequent long ones.

    Of each its steps in order of first appearance: how repeats and loops are found otherwise.
    """
    length = (sample.rows >= 0).sum(axis=1)
    first = np.full((len(sample.rows), sample.n_codes), sample.rows.shape[1])
    for at in range(sample.rows.shape[1] - 1, -1, -1):
        has = np.flatnonzero(sample.rows[:, at] >= 0)
        first[has, sample.rows[has, at]] = at
    order = np.argsort(first, axis=1, kind="stable")
    order[np.take_along_axis(first, order, 1) == sample.rows.shape[1]] = -1
    seeds, which = np.unique(order, axis=0, return_inverse=True)
    kinds = [sample.weight * length]
    if fit is not None:
        bad = -fit.evidence - length / 2
        kinds.insert(0, sample.weight * np.maximum(bad, 0))
    known = {path.steps for path in fit.paths} if fit else set()
    found = {}
    for kind in kinds:
        heavy = np.argsort(-np.bincount(which.ravel(), weights=kind), kind="stable")
        steps = (tuple(map(int, s[s >= 0])) for s in seeds[heavy[: 4 * N_SEEDS]])
        good = [s for s in steps if len(s) > (1 if fit is None else 2) and s not in known]
        found |= dict.fromkeys(good[:N_SEEDS])
    return list(found)


def grow(sample: Sample, fit: Fit | None, n_climbs: int = 2) -> Fit | None:
    """Add one path, begun from a journey that is explained badly."""
    rates = Rates() if sample.bought is None else Rates(bought=SLIGHT)
    old = begin((), rates, spread_gaps(sample)) if fit is None else fit
    k = len(old.paths)
    old = replace(old, paths=tuple(change(p, weight=0.8 * p.weight) for p in old.paths))
    seeds = [Path(steps, weight=0.2 if k else 1.0) for steps in find_seeds(sample, fit)]
    starts = run_em(sample, [old.remake(range(k), path) for path in seeds], 1, only=k)
    if fit is not None:
        starts += run_em(sample, list(split_paths(sample, fit)), 3)
    return _settle(sample, starts, n_climbs, hope=np.inf if fit is None else fit.score - WORTH)


def can_walk(sample: Sample, path: Path) -> bool:
    """Whether leads can walk a path: no step is on it twice that leads take but once."""
    met = np.bincount(path.steps, minlength=sample.n_codes)
    return not (~sample.again & (met > 1)).any()


def find_needless(sample: Sample, fit: Fit) -> Fit | None:
    """Which path is none of its own? A mixture without it, or None where all are.

    A path of a handful of leads, and one that is another with one step left out (or none): the
    step is optional then, however well two paths would describe those who leave it out.
    """
    if len(fit.paths) < 2:
        return None
    least = int(np.argmin(fit.weights))
    if fit.paths[least].weight < sample.least:
        return fit.remake([k for k in range(len(fit.paths)) if k != least])
    for a, b in permutations(range(len(fit.paths)), 2):
        one, other = fit.paths[a], fit.paths[b]
        weight = one.weight + other.weight
        rest = [k for k in range(len(fit.paths)) if k not in (a, b)]
        if one.steps == other.steps and one.pace == other.pace and one.weight >= other.weight:
            return fit.remake(rest, change(one, weight=weight))
        for j in range(len(one.steps)) if len(one.steps) == len(other.steps) + 1 else ():
            if one.steps[:j] + one.steps[j + 1 :] == other.steps:
                skip = one.skip | {j: float(np.clip(other.weight / weight, LOWEST, 1 - RARE))}
                return fit.remake(rest, change(one, skip=skip, weight=weight))
    return None


def rate(sample: Sample, fit: Fit) -> tuple[bool, float]:
    """The better a mixture, the less: one of paths of their own first, then the shorter one."""
    return find_needless(sample, fit) is not None, fit.score


def tidy(sample: Sample, fit: Fit) -> Fit:
    """Leave out, or make one with another, all paths that are none of their own."""
    while new := find_needless(sample, fit):
        fit = climb(sample, run_em(sample, [new], 3), [len(new.paths) - 1])[0]
    return fit


def _settle(
    sample: Sample, starts, n_climbs: int, below: float = np.inf, hope: float = np.inf
) -> Fit | None:
    """Edit the last path of the best few beginnings, then all paths of the best.

    None where the last path alone does not get the description below a score. Where it does, below
    that of `hope`, but is no path of its own, the next few beginnings are tried, too.
    """
    starts, best = sorted(starts, key=lambda f: f.score), None
    for at in range(0, min(len(starts), MOST_CLIMBS * n_climbs), n_climbs):
        few = run_em(sample, starts[at : at + n_climbs], 2)
        done = climb(sample, few, [len(few[0].paths) - 1])
        new = min(done, key=partial(rate, sample))
        best = new if best is None else min(best, new, key=partial(rate, sample))
        if find_needless(sample, best) is None or best.score > hope:
            break
    if best is None or best.score > below:
        return None
    return climb(sample, [best], range(len(best.paths)))[0]


def spread_gaps(sample: Sample) -> np.ndarray | None:
    """How are gaps spread by step, over all leads?"""
    if sample.gaps is None:
        return None
    table = (sample.gaps.T @ sample.weight).reshape(sample.n_codes, sample.n_gaps) + 0.5
    return table / table.sum(axis=1, keepdims=True)


def split_paths(sample: Sample, fit: Fit):
    """List mixtures with one path made two: without a step, in both orders, at two paces."""
    ramp = np.exp(np.linspace(1, -1, sample.n_gaps))
    odds = {(k, j): w * p.weight for k, p in enumerate(fit.paths) for j, w in p.skip.items()}
    doubtful = sorted(odds, key=lambda at: -min(odds[at], fit.paths[at[0]].weight - odds[at]))
    for k, path in enumerate(fit.paths):
        half = change(path, weight=path.weight / 2)
        pairs = []
        for j in [j for i, j in doubtful[:N_TRIED] if i == k]:
            with_it = change(half, skip={i: p for i, p in path.skip.items() if i != j})
            pairs.append((with_it, delete(half, j)))
        for j in path.swaps:
            fixed = change(half, swaps={i: p for i, p in path.swaps.items() if i != j})
            pairs.append((fixed, exchange(fixed, j)))
        if sample.gaps is not None:
            own = np.array(path.pace or np.ones(sample.n_gaps))
            pairs.append(change(half, pace=tuple(own * r)) for r in (ramp, 1 / ramp))
        for pair in pairs:
            yield fit.remake([i for i in range(len(fit.paths)) if i != k], *pair)


def merge(sample: Sample, fit: Fit, n_tried: int = 3) -> Fit:
    """Make one path of two as long as that shortens the description."""
    while len(fit.paths) > 1 and not sample.is_tired:
        starts = []
        for a, b in permutations(range(len(fit.paths)), 2):
            rest = [i for i in range(len(fit.paths)) if i not in (a, b)]
            joined = join_paths(fit.paths[a], fit.paths[b], sample.end_step)
            joined = [path for path in joined if can_walk(sample, path)]
            starts += run_em(sample, [fit.remake(rest, path) for path in joined], 1)
            one, other = (set(fit.paths[i].steps) for i in (a, b))
            if other <= one and len(one - other) < 2:  # b may be what goes through a loop again
                alone = change(fit.paths[a], weight=fit.paths[a].weight + fit.paths[b].weight)
                start = run_em(sample, [fit.remake(rest, alone)], 1)[0]
                starts.append(_edit(sample, [start], len(rest))[0] or start)
        hopeful = [start for start in starts if start.score < HOPE * fit.score]
        new = _settle(sample, hopeful, n_tried, fit.score)
        if new is None or new.score >= fit.score:
            break
        fit = new
    return fit


def join_paths(a: Path, b: Path, end_step: int = -1):
    """List ways to make one path of two: with an either-order pair, or with optional steps."""
    weight = a.weight + b.weight
    at = {step: j for j, step in enumerate(b.steps)}
    for j, (x, y) in enumerate(pairwise(a.steps)):
        if at.get(y, len(b.steps)) < at.get(x, -1) and not {j - 1, j, j + 1} & set(a.swaps):
            yield change(a, swaps=a.swaps | {j: b.weight / weight}, loops={}, weight=weight)
    steps, skip, share = _align(a, b), {}, a.weight / weight
    if len(steps) <= len(a.steps) + 3 and end_step not in [i for i, *_ in steps[:-1]]:
        for at, (_, i, j) in enumerate(steps):
            if i is None or j is None:
                skip[at] = share if i is None else 1 - share
            elif i in a.skip:
                skip[at] = a.skip[i]
        yield Path(tuple(step for step, *_ in steps), skip, weight=weight)


def _align(a: Path, b: Path):
    """Find the shortest sequence both paths are part of: step, position in a and in b (or None)."""
    n, m = len(a.steps), len(b.steps)
    common = np.zeros((n + 1, m + 1), int)
    for i in range(n):
        for j in range(m):
            longer = max(common[i, j + 1], common[i + 1, j])
            same = a.steps[i] == b.steps[j]
            common[i + 1, j + 1] = common[i, j] + 1 if same else longer
    steps, i, j = [], n, m
    while i or j:
        if i and j and a.steps[i - 1] == b.steps[j - 1]:
            i, j = i - 1, j - 1
            steps.append((a.steps[i], i, j))
        elif i and (not j or common[i - 1, j] >= common[i, j - 1]):
            i -= 1
            steps.append((a.steps[i], i, None))
        else:
            j -= 1
            steps.append((b.steps[j], None, j))
    return steps[::-1]


def measure_distance(a: Path, b: Path) -> int:
    """How many steps are on one of two paths alone, in their orders?"""
    return 2 * len(_align(a, b)) - len(a.steps) - len(b.steps)


def find_lean(sample: Sample, bought: np.ndarray, fit: Fit) -> Sample | None:
    """The sample with those who bought apart, where they lack steps far more or less often."""
    both = sample.weight @ bought, sample.weight @ ~bought
    if min(both) < MANY:
        return None
    apart = replace(sample, trie=Trie(sample.rows, sample.n_codes, bought), bought=bought)
    start = begin(fit.paths, replace(fit.rates, bought=SLIGHT), fit.pace)
    new = run_em(apart, [start], 1)[0]
    if HARDLY < new.rates.bought < 1 / HARDLY:
        return None
    new = run_em(apart, [new], 4)[0]
    is_lean = not LEAN < new.rates.bought < 1 / LEAN
    return apart if is_lean and new.score + sample.chance < fit.score - WORTH else None


def search(sample: Sample, max_segments: int, exactly: int | None = None) -> dict[int, Fit]:
    """Find the best mixture of each number of paths, from 1 up, as long as one more pays."""
    best, fit = {}, None
    better = partial(rate, sample)

    def keep(new: Fit) -> None:
        k = len(new.paths)
        best[k] = min(best.get(k, new), new, key=better)

    for _ in range(2 * max_segments):
        if best and sample.is_tired:
            break
        n_paths = len(fit.paths) + 1 if fit else 1
        PROGRESS.info("%s %d/%d", "segments", n_paths, exactly or max_segments)
        new = grow(sample, fit)
        if new is None:
            break
        keep(new)
        if exactly is None and fit is not None and new.score >= fit.score - WORTH:
            break
        if exactly is None:
            new = merge(sample, tidy(sample, new))
            keep(new)
            if fit is not None and new.score >= fit.score - WORTH:
                break
        fit = new
        if len(fit.paths) >= (exactly or max_segments):
            break
    return best
