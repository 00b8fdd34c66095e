"""Is the number of segments to be trusted: against a log without one of them, and on other leads?

Every run depends on its own seed only, so runs may be spread over processes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from threading import Thread

import numpy as np
from sklearn.base import clone

from funnel_lib.engine.mixtures import begin, run_em
from funnel_lib.engine.paths import PathMixture, gather
from funnel_lib.engine.search import grow

# So many runs in a row that find every segment again to so much settle it: one that is found every
# other time passes them in 3 %, and eight of ten runs in 5 %.
ENOUGH_RUNS, CLEAR = 5, 0.95
FEW_RUNS, CERTAIN = 4, 1e-6  # below such a bound of p, so few logs are simulated, only to show
LIGHTER = 500  # variants the search looks at here: half the time, the same Jaccard to 0.001
LONG = 10.0  # seconds of work from which on it is spread over all cores: starting them takes 3
IDLE = 20  # seconds after which a process without work ends
STABLE, PATTERN = 0.75, 0.6  # Hennig (2007), https://doi.org/10.1016/j.csda.2006.11.025


@dataclass(frozen=True)
class NullTest:
    """What the last segment gained, and what it gains where there is none.

    `p` is the share of simulated logs, this one among them, on which it gains as much, or an upper
    bound of their share that needs no simulation, where that is less.
    """

    gain: float  # nats by which k paths describe the log shorter than k - 1
    null_gains: np.ndarray  # the same on logs simulated from the fitted k - 1 paths
    p: float


def compare_with_fewer(
    model: PathMixture, n_runs: int = 19, random_state: int = 0
) -> NullTest | None:
    """Would so many segments be found where there is one fewer? None with a single segment.

    A parametric bootstrap (McLachlan 1987, https://doi.org/10.2307/2347790): as many leads walk
    the fitted k - 1 paths, stopping as often as the real ones, and one more path is looked for.
    Where there are k - 1 paths, a description shorter by g nats than the log's own probability
    comes with a chance below exp(-g) (Grünwald 2007, The Minimum Description Length Principle,
    section 3.3), so a gain that exceeds all it costs to describe the k - 1 paths by g is as rare;
    then `FEW_RUNS` logs are simulated, only to show.
    """
    if model.fewer_ is None:
        return None
    k = len(model.paths_)
    gain = model.scores_[k - 1] - model.scores_[k]
    bound = float(np.exp(min(0.0, model.fewer_.price_ - gain)))
    n_runs = min(n_runs, FEW_RUNS) if bound < CERTAIN else n_runs
    null = np.array(_run_all(partial(simulate_gain, model), _seeds(random_state, n_runs)))
    return NullTest(float(gain), null, min(bound, float((1 + (null >= gain).sum()) / (1 + n_runs))))


def simulate_gain(model: PathMixture, seed) -> float:
    """How much shorter does one more path describe a log of the fitted k - 1 paths?

    The k - 1 paths start from those that made the log, which is in favour of the null; the one
    more is looked for as in `PathMixture.fit`.
    """
    fewer = model.fewer_
    rows, gaps, _ = fewer.sample(round(model.n_leads_), seed)
    sample = fewer.lighten(fewer.pack(*gather(rows, gaps, np.ones(len(rows)))))
    start = begin(fewer.paths_, fewer.rates_, fewer.pace_)
    fit = run_em(sample, [start], 10, tolerance=1.0)[0]
    more = grow(sample, fit)
    return fit.score - more.score if more else -np.inf


def measure_stability(
    model: PathMixture, X, sample_weight=None, gaps=None, n_runs: int = 10, random_state: int = 0
) -> np.ndarray:
    """Are the same segments found among other leads? (n_runs, k) Jaccard of each segment.

    Leads are drawn again with replacement and k paths looked for from scratch; the mean of a
    column of `STABLE` or more is a stable segment, `PATTERN` or more a pattern, below is not to be
    trusted. Memberships are soft: sum of the smaller over sum of the larger, the best match. Where
    the first `ENOUGH_RUNS` are all clear there are no more, which raises the mean of a segment that
    is found in four runs of five by 0.02 at the most.
    """
    weight = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, float)
    X, gaps = np.asarray(X), gaps if gaps is None else np.asarray(gaps)
    run = partial(resample_segments, model, X, weight, gaps, model.predict_proba(X, gaps))
    seeds = _seeds(random_state, n_runs)
    return np.array(_run_all(run, seeds, lambda found: np.min(found) >= CLEAR))


def resample_segments(model: PathMixture, X, weight, gaps, old, seed) -> np.ndarray:
    """Find k segments among leads drawn again; returns the Jaccard of each of the model's.

    `old` has the memberships in these.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(round(weight.sum()), weight / weight.sum())
    again = clone(model).set_params(
        n_segments=len(model.paths_), n_codes=model.n_codes_,
        max_variants=min(model.max_variants, LIGHTER), recoding=model.recoding_,
    )  # fmt: skip
    kept = drawn > 0
    try:
        again.fit_paths(X[kept], gaps[kept] if model.pace else None, drawn[kept])
    except ValueError:  # not even k paths to be found
        return np.zeros(len(model.paths_))
    new = again.predict_proba(X, gaps)
    both = np.stack([weight @ np.minimum(old, new[:, [k]]) for k in range(new.shape[1])])
    either = (weight @ old) + (weight @ new)[:, None] - both
    return (both / either).max(axis=0)


def _seeds(random_state, n):
    return np.random.SeedSequence(random_state).spawn(n)


def _run_all(run, seeds, is_clear: Callable[[list], bool] = lambda found: False) -> list:
    """Run once a seed, in processes where by the work of the first run it would take long; after
    `ENOUGH_RUNS` no more where what they found is clear."""
    start = time.process_time()
    found = [run(seeds[0])]
    takes_long = (time.process_time() - start) * (len(seeds) - 1) >= LONG
    for batch in (seeds[1:ENOUGH_RUNS], seeds[ENOUGH_RUNS:]):
        if len(found) < ENOUGH_RUNS or not is_clear(found):
            found += _spread(run, batch) if takes_long and len(batch) else map(run, batch)
    return found


def _spread(run, seeds) -> list:
    """Run once a seed, in as many processes as there are cores."""
    from joblib import Parallel, delayed

    spread = Parallel(n_jobs=-1, backend="loky", idle_worker_timeout=IDLE)
    with _starting_safely():
        return spread(delayed(_run_bound)(run, seed, os.getpid()) for seed in seeds)


@contextmanager
def _starting_safely() -> Iterator[None]:
    """Let workers that start meanwhile import nothing from the current folder, which a process
    does before it gets our paths; what watches over them clears silently if we are killed."""
    given = os.environ.get("PYTHONWARNINGS")
    hushed = ",".join(filter(None, [given, "ignore:resource_tracker"]))
    before = {"PYTHONSAFEPATH": os.environ.get("PYTHONSAFEPATH"), "PYTHONWARNINGS": given}
    os.environ.update(PYTHONSAFEPATH="1", PYTHONWARNINGS=hushed)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _run_bound(run, seed, parent: int):
    """Run in a process that ends when the one that started it does, however that ends."""
    _end_with(parent)
    return run(seed)


@cache
def _end_with(parent: int) -> None:
    def watch():
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()
