"""Do paths fit a log: how well do they describe it, whom do they explain badly, is one missing?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammaln

from funnel_lib.engine.mixtures import begin, explain, run_em
from funnel_lib.engine.paths import PathMixture, gather
from funnel_lib.engine.search import climb, find_needless, grow, measure_distance
from funnel_lib.engine.walks import Path

FEWEST_ODD, MOST_ODD = 2, 0.5  # events, and share of its events, that no path explains: a bad fit
SIMULATED = 5000  # leads that tell how many are badly explained where the paths are right
SURE = 10.0  # nats that one more path must gain where segments are saved ones


@dataclass(frozen=True)
class Fitness:
    """How well paths describe a log, in nats a lead, what describes them included.

    A chain knows of the step before, independence of nothing but how frequent each step is. A lead
    is badly explained if as much as two of its events, and half of them, are noise to all paths.
    """

    paths: float
    chain: float
    independence: float
    badly: np.ndarray  # (n_rows,) whether each row is badly explained
    usual: float  # share of leads badly explained among those who walk the paths


def measure_fitness(model: PathMixture, X, sample_weight, seed: int = 0) -> Fitness:
    """How well do a fitted model's paths describe rows with so many leads each?"""
    weight = np.asarray(sample_weight, float)
    rows = model.recoding_.apply(np.asarray(X), None)[0]
    price, steps, evidence = np.log(weight.sum()) / 2, model.n_codes_, _explain(model, rows)
    badly = _is_badly(model, rows, evidence)
    if model.recoding_.blocks:  # their steps are told one by one
        told, rows = rows, replace(model.recoding_, blocks=()).apply(np.asarray(X), None)[0]
        evidence = evidence - _tell_inside(model, rows, told)
    made = model.sample(min(SIMULATED, round(model.n_leads_)), seed)[0]
    last = np.concatenate([np.full((len(rows), 1), steps), rows[:, :-1]], axis=1)
    seen = rows >= 0
    n = np.broadcast_to(weight[:, None], rows.shape)[seen]
    pairs = np.bincount(last[seen] * steps + rows[seen], n, (steps + 1) * steps)
    pairs = pairs.reshape(steps + 1, steps)
    used = max((pairs.sum(axis=0) > 0).sum() - 1, 1)
    return Fitness(
        paths=float((model.price_ - weight @ evidence) / weight.sum()),
        chain=float((_surprise(pairs) + (pairs.sum(axis=1) > 0).sum() * used * price)
                    / weight.sum()),
        independence=float((_surprise(pairs.sum(axis=0)[None]) + used * price) / weight.sum()),
        badly=badly,
        usual=float(_is_badly(model, made, _explain(model, made)).mean()),
    )  # fmt: skip


def _explain(model, rows) -> np.ndarray:
    """Log-likelihood of recoded rows; of the steps alone, not of waits."""
    sample = model.pack(rows, None, np.ones(len(rows)))
    return explain(sample, [begin(model.paths_, model.rates_, None)])[0].evidence


def _tell_inside(model, rows, told) -> np.ndarray:
    """Nats to tell which steps of a block came when, any of those not yet taken, and what noise was
    amidst them; of each row."""
    nats, rest, rest_told = np.zeros(len(rows)), rows >= 0, told >= 0
    for part in model.recoding_.blocks:
        inside = np.isin(rows, part)
        rest &= ~inside
        shown = np.zeros(len(rows), int)
        for step in part:
            shown += (rows == step).any(axis=1)
        again = inside.sum(axis=1) - shown
        nats += gammaln(len(part) + 1) - gammaln(len(part) - shown + 1) + again * np.log(len(part))
        rest_told &= told != part[0]
    lost = np.maximum(rest.sum(axis=1) - rest_told.sum(axis=1), 0)
    return nats + lost * np.log(model.n_codes_ / model.rates_.noise)


def _surprise(counts) -> float:
    """Nats of events that are drawn by their own frequencies, in each context (row)."""
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1e-9)
    return float(-(counts * np.log(np.maximum(counts, 1e-9) / total)).sum())


def _is_badly(model, rows, evidence) -> np.ndarray:
    length = (rows >= 0).sum(axis=1)
    odd = -evidence / np.log(model.n_codes_ / model.rates_.noise)
    return odd >= np.maximum(FEWEST_ODD, MOST_ODD * length)


@dataclass(frozen=True)
class NewPath:
    """A path that leads walk and a model lacks."""

    path: Path  # its steps written out, its weight the share of leads
    gain: float  # nats by which the log is described shorter with it


def find_new_path(model: PathMixture, X, sample_weight, gaps=None) -> NewPath | None:
    """Is there a path in these rows that a fitted model of other leads lacks?

    The model's paths may change a little first, so that a step that is now left out makes no path.
    """
    weight, gaps = np.asarray(sample_weight, float), np.asarray(gaps) if model.pace else None
    sample = model.lighten(model.pack(*gather(*model.recoding_.apply(np.asarray(X), gaps), weight)))
    if len(sample.rows) < 2:
        return None
    start = run_em(sample, [begin(model.paths_, model.rates_, model.pace_)], 10, tolerance=1.0)
    old = climb(sample, start, range(len(model.paths_)))[0]
    new = grow(sample, old)
    if new is None or old.score - new.score < SURE or find_needless(sample, new) is not None:
        return None
    path = max(new.paths, key=lambda p: min(measure_distance(p, q) for q in model.paths_))
    return NewPath(model.recoding_.expand(path, {}), float(old.score - new.score))
