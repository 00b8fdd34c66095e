"""Segments as a mixture of noisy paths: which paths do clients take, and how many are there?

The model of one path is in `walks`, the mixture and its EM in `mixtures`, the search in `search`.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import partial

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_is_fitted

from funnel_lib.engine.edits import exchange
from funnel_lib.engine.mixtures import (
    Fit,
    Sample,
    begin,
    count_segments,
    explain,
    price_mixture,
    run_em,
    tilt,
)
from funnel_lib.engine.recoding import Recoding, find_recoding
from funnel_lib.engine.search import find_lean, rate, search
from funnel_lib.engine.trees import Trie
from funnel_lib.engine.walks import Path, Rates, describe_walk, simulate

TYPICAL = 10  # events of a journey; of longer ones the search looks at fewer
LONGEST = 30  # events of a journey the search looks at: the end is free, so cutting is harmless


class PathMixture(ClusterMixin, BaseEstimator):
    """Which paths do clients take, and how likely is each path for each journey?

    Rows are variants (distinct journeys) with their number of leads as `sample_weight`; a row of
    weight 2 is the same as two rows, and the order of rows changes nothing.

    Parameters
    ----------
    n_segments : None: chosen from 1 … max_segments by description length.
    end_step : code of the sale, which may only end a path; None: there is none.
    n_codes : number of steps there are; None: the largest code + 1.
    pace : whether segments may differ in pace, too (needs `gaps`).
    together : groups of steps that are recorded in one go, and are one.
    recoding : a `Recoding`: what of rows is not to be read as it stands; None: found by `fit`.
    max_variants : the paths are looked for on so many of the heaviest variants, and at most ten
        times as many events, then fitted to all.
    max_iter, tol : of the last EM, which ends when a round gains less than `tol` nats.
    random_state : seed; decides only which of equally heavy variants are left out of the search.

    Attributes
    ----------
    paths_ : list of `Path`, the heaviest first
    weights_ : (n_segments,) share of leads
    rates_ : `Rates`, the chances all paths share
    recoding_ : the `Recoding` of rows before they are explained; steps that it makes one are in
        `paths_` the first of them, in `expand_paths` all
    pace_ : (n_codes, n_gaps) spread of gap classes by step, or None
    score_, price_ : description length in nats of all variants, and what of it describes the paths
    scores_ : number of segments → description length, on the variants searched
    labels_ : the most probable segment of each row
    fewer_ : the same model with one path fewer, or None: what `choose` compares with
    n_codes_, n_leads_, n_iter_, converged_ : number of steps, of leads, rounds of the last EM,
        whether it ended

    Examples
    --------
    >>> rows = np.array([[0, 1, 2, 5], [0, 1, -1, -1], [0, 3, 4, 5], [0, 3, -1, -1]])
    >>> model = PathMixture(end_step=5).fit(rows, sample_weight=[90, 60, 80, 50])
    >>> [path.steps for path in model.paths_]
    [(0, 1, 2, 5), (0, 3, 4, 5)]
    >>> model.predict([[0, 3, -1, -1]])
    array([1])
    """

    def __init__(
        self,
        n_segments=None,
        *,
        max_segments=10,
        end_step=None,
        n_codes=None,
        pace=False,
        together=(),
        recoding=None,
        max_variants=1000,
        max_iter=30,
        tol=1.0,
        random_state=0,
    ):
        self.n_segments = n_segments
        self.max_segments = max_segments
        self.end_step = end_step
        self.n_codes = n_codes
        self.pace = pace
        self.together = together
        self.recoding = recoding
        self.max_variants = max_variants
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None, gaps=None):
        """Find the paths.

        `X` is (n_rows, longest) step codes, padded with -1 at the right, `sample_weight` the number
        of leads of each row, `gaps`, as X, the class of the time since the event before (0, 1, …;
        the first has -1). Raises `ValueError` where rows or weights are not so, or there are fewer
        distinct rows than segments.
        """
        rows, gaps = self._check(X, gaps)
        weight = np.ones(len(rows)) if sample_weight is None else np.asarray(sample_weight, float)
        if weight.shape != (len(rows),) or not (weight >= 0).all() or not weight.any():
            raise ValueError(f"sample_weight must be {len(rows)} numbers >= 0, some above 0")
        sample, fits = self.fit_paths(rows, gaps, weight)
        self.fewer_ = None
        if (k := len(self.paths_) - 1) in fits:
            self.fewer_ = copy(self)
            self.fewer_._take(sample, finish(sample, fits[k], self.max_iter, self.tol))
        member = self.predict_proba(X, gaps)
        self.labels_ = member.argmax(axis=1)
        self.lacking_ = self._find_lacking(np.asarray(X), weight[:, None] * member)
        return self

    def fit_paths(self, rows, gaps, weight) -> tuple[Sample, dict[int, Fit]]:
        """Find the paths of checked rows, and no more; returns what was found of each number."""
        self.n_codes_ = self.n_codes or int(rows.max()) + 1
        self.recoding_ = self.recoding or find_recoding(
            rows, weight, self.n_codes_, self._end, self.together
        )
        rows, gaps = self.recoding_.apply(rows, gaps)
        rows, gaps, weight = gather(rows, gaps, weight)
        sample = self.pack(rows, gaps, weight)
        n_distinct = len(np.unique(sample.trie.leaf))
        if (self.n_segments or 1) > n_distinct:
            raise ValueError(
                f"{self.n_segments} segments of {n_distinct} distinct journeys: ask for fewer"
            )
        light = self.lighten(sample)
        fits = search(light, self.max_segments, self.n_segments)
        if self.recoding is None and self._finds_buyers_lean(light, fits):
            sample = self.pack(rows, gaps, weight)
            light = self.lighten(sample)
            fits = search(light, self.max_segments, self.n_segments)
        if self.n_segments and self.n_segments not in fits:
            raise ValueError(f"no {self.n_segments} different paths found, at most {max(fits)}")
        k = self.n_segments or min(fits, key=lambda k: rate(light, fits[k]))
        self.n_leads_, self.longest_ = float(sample.weight.sum()), rows.shape[1]
        self.scores_ = {k: fits[k].score for k in sorted(fits)}
        self._take(sample, finish(sample, fits[k], self.max_iter, self.tol))
        return sample, fits

    def _finds_buyers_lean(self, light: Sample, fits: dict[int, Fit]) -> bool:
        """Whether those who bought lack steps otherwise: then rows are read so from now on."""
        fit = min(fits.values(), key=partial(rate, light), default=None)
        bought = (light.rows == self._end).any(axis=1)
        if self._end < 0 or fit is None or find_lean(light, bought, fit) is None:
            return False
        self.recoding_ = replace(self.recoding_, bought=True)
        return True

    @property
    def _many(self) -> np.ndarray:
        return self.recoding_.count_steps(self.n_codes_)

    @property
    def _end(self) -> int:
        return -1 if self.end_step is None else self.end_step

    def _take(self, sample: Sample, fit: Fit) -> None:
        self.paths_, self.rates_, self.pace_ = list(fit.paths), fit.rates, fit.pace
        self.score_, self.n_iter_, self.converged_ = fit.score, fit.n_iter, fit.converged
        self.price_ = float(price_mixture(sample, fit.paths))

    def expand_paths(self) -> list[Path]:
        """The paths, with steps that are one written out."""
        both = zip(self.paths_, self.lacking_, strict=True)
        return [self.recoding_.expand(path, lacking) for path, lacking in both]

    def _find_lacking(self, rows, member) -> list[dict[int, float]]:
        """Of those gone on from a block, who came without each of its steps? Of each path."""
        self.lacking_ = [{}] * len(self.paths_)
        if not self.recoding_.blocks:
            return self.lacking_
        shows = (rows[:, :, None] == np.arange(self.n_codes_)).any(axis=1)
        found = []
        for k, path in enumerate(self.expand_paths()):
            found.append({})
            for part in self.recoding_.list_blocks():
                inside = [step for step in part if step in path.steps]
                if not inside or inside[-1] == path.steps[-1]:
                    continue
                end = max(path.steps.index(step) for step in inside)
                gone = member[:, k] * shows[:, path.steps[end + 1 :]].any(axis=1)
                lacks = gone @ ~shows[:, inside] / max(gone.sum(), 1e-9)
                found[k] |= dict(zip(inside, lacks.tolist(), strict=True))
        return found

    @property
    def weights_(self):
        """Share of leads of each segment."""
        return np.array([path.weight for path in self.paths_])

    def path_log_likelihood(self, X, gaps=None):
        """How likely is each row under each path? (n_rows, n_segments), natural logarithms."""
        forwards = self._explain(X, gaps).forwards
        return np.column_stack([forward.loglik for forward in forwards])

    def predict_proba(self, X, gaps=None):
        """How much does each row belong to each segment? Rows sum to 1."""
        return self._explain(X, gaps).members.T

    def _explain(self, X, gaps) -> Fit:
        check_is_fitted(self, "paths_")
        rows, gaps = self._check(X, gaps)
        if rows.max(initial=-1) >= self.n_codes_:
            raise ValueError(f"step code {rows.max()}; the model knows 0 … {self.n_codes_ - 1}")
        rows, gaps = self.recoding_.apply(rows, gaps)
        sample = self.pack(rows, gaps, np.ones(len(rows)))
        return explain(sample, [begin(self.paths_, self.rates_, self.pace_)])[0]

    def predict(self, X, gaps=None):
        """Find the most probable segment of each row."""
        return self.predict_proba(X, gaps).argmax(axis=1)

    def sample(self, n, random_state=0):
        """Simulate n leads, stopping as those of the log did: rows and gaps as in `fit` (gaps None
        without pace), and each lead's segment. Steps that are one are the first of them."""
        check_is_fitted(self, "paths_")
        rng = np.random.default_rng(random_state)
        segment = np.sort(rng.choice(len(self.paths_), n, p=self.weights_ / self.weights_.sum()))
        rows = np.full((n, self.longest_), -1)
        gaps = None if self.pace_ is None else np.full(rows.shape, -1)
        for k, path in enumerate(self.paths_):
            own = segment == k
            args = self._many, int(own.sum()), self.longest_, self._end, rng
            rows[own] = simulate(path, self.rates_, *args)
            if gaps is not None:
                chances = np.cumsum(tilt(self.pace_, path.pace), axis=1)[rows[own]]
                drawn = (rng.random(rows[own].shape)[..., None] > chances).sum(axis=2)
                gaps[own] = np.where(rows[own] < 0, -1, np.minimum(drawn, chances.shape[2] - 1))
        if gaps is not None:
            gaps[:, 0] = -1
        return rows, gaps, segment

    def to_dict(self) -> dict:
        """Write the fitted model as plain lists and numbers, ready for JSON."""
        check_is_fitted(self, "paths_")
        return {
            "parameters": {n: p for n, p in self.get_params().items() if n not in _RECODED},
            "recoding": self.recoding_.to_dict(),
            "paths": [path.to_dict() for path in self.paths_],
            "rates": vars(self.rates_),
            "lacking": [list(map(list, own.items())) for own in self.lacking_],
            "pace": None if self.pace_ is None else self.pace_.tolist(),
            "scores": [[int(k), float(score)] for k, score in self.scores_.items()],
            **{name: getattr(self, name + "_") for name in _SAVED},
        }

    @classmethod
    def from_dict(cls, saved: dict):
        """Read a model written by `to_dict`."""
        model = cls(**saved["parameters"])
        model.paths_ = [Path.from_dict(path) for path in saved["paths"]]
        model.rates_ = Rates(**saved["rates"])
        model.recoding_ = (
            Recoding.from_dict(saved["recoding"]) if "recoding" in saved else Recoding()
        )
        model.lacking_ = [
            dict(map(tuple, own)) for own in saved.get("lacking", [[]] * len(model.paths_))
        ]
        model.pace_ = None if saved["pace"] is None else np.array(saved["pace"])
        model.scores_ = dict(map(tuple, saved["scores"]))
        for name in _SAVED:
            setattr(model, name + "_", saved[name])
        return model

    def _check(self, X, gaps):
        """Check that rows and gaps are as `fit` describes them."""
        rows = np.asarray(X)
        if rows.ndim != 2 or not rows.size or not np.issubdtype(rows.dtype, np.integer):
            what = "a table of whole numbers: a row of step codes each, -1 padded"
            raise ValueError(f"X must be {what}")
        gone_on = (rows[:, 1:] >= 0) & (rows[:, :-1] < 0)
        if rows.min() < -1 or (rows[:, 0] < 0).any() or gone_on.any():
            what = "step codes are 0, 1, …; -1 only pads rows at the right; none is empty"
            raise ValueError(f"X: {what}")
        if self.pace and gaps is None:
            raise ValueError("pace=True needs gaps: the class of the time since the event before")
        gaps = np.asarray(gaps) if self.pace else None
        if gaps is not None and gaps.shape != rows.shape:
            raise ValueError(f"gaps has shape {gaps.shape}, X {rows.shape}; they must be equal")
        return rows, gaps

    def pack(self, rows, gaps, weight) -> Sample:
        """Make rows, their gaps and weights ready for computing."""
        n_codes, table, n_gaps = self.n_codes_, None, 0
        if gaps is not None:
            n_gaps = self.pace_.shape[1] if hasattr(self, "pace_") else int(gaps.max()) + 1
            row, at = np.nonzero((gaps >= 0) & (rows >= 0))
            column = rows[row, at] * n_gaps + gaps[row, at]
            shape = len(rows), n_codes * n_gaps
            table = sparse.csr_array((np.ones(len(row)), (row, column)), shape)
        bought = (rows == self._end).any(axis=1) if self.recoding_.bought else None
        trie, price = Trie(rows, n_codes, bought), np.log(weight.sum()) / 2
        end, many = self._end, self._many
        return Sample(rows, trie, weight, table, n_codes, n_gaps, end, many, bought, price)

    def lighten(self, sample: Sample) -> Sample:
        """Keep the heaviest variants for the search."""
        length = np.minimum((sample.rows >= 0).sum(axis=1), LONGEST)
        rng = np.random.default_rng(self.random_state)
        order = np.lexsort((rng.random(len(sample.weight)), -sample.weight))
        events = np.cumsum(length[order])
        n_kept = min(self.max_variants, np.searchsorted(events, TYPICAL * self.max_variants) + 1)
        if len(sample.weight) <= n_kept:
            return sample
        heavy = np.sort(order[:n_kept])
        rows, weight = sample.rows[heavy, :LONGEST], sample.weight[heavy]
        rows = rows[:, (rows >= 0).any(axis=0)]
        gaps = None if sample.gaps is None else sample.gaps[heavy]
        bought = None if sample.bought is None else sample.bought[heavy]
        trie, price = Trie(rows, sample.n_codes, bought), np.log(weight.sum()) / 2
        kept = {"weight": weight, "gaps": gaps, "bought": bought, "chance": price}
        return replace(sample, rows=rows, trie=trie, **kept)


_RECODED = "recoding", "together"
_SAVED = "n_codes", "n_leads", "score", "price", "n_iter", "converged", "longest"


def gather(rows, gaps, weight):
    """Add up equal rows and put them in one order, so that the order given does not matter."""
    both = rows if gaps is None else np.hstack([rows, gaps])
    texts = (both + 1).astype(">u2").view(f"S{2 * both.shape[1]}").ravel()  # quicker to sort
    _, first, which = np.unique(texts, return_index=True, return_inverse=True)
    weight = np.bincount(which, weights=weight)
    kept = first[weight > 0]
    return rows[kept], None if gaps is None else gaps[kept], weight[weight > 0]


def finish(sample: Sample, fit: Fit, max_iter: int, tolerance: float) -> Fit:
    """Fit the chances to all variants, put the paths in order and describe their walks."""
    paths = []
    for path in sorted(fit.paths, key=lambda p: (-p.weight, p.steps)):
        for j in [j for j, p in path.swaps.items() if p > 0.5]:
            path = exchange(path, j)
        paths.append(path)
    start = begin(paths, fit.rates, fit.pace)
    fit = run_em(sample, [start], max_iter, tolerance=tolerance)[0]
    walks = count_segments(sample, [fit], range(len(fit.paths)))
    described = (describe_walk(p, *walk) for p, walk in zip(fit.paths, walks, strict=True))
    return replace(fit, paths=tuple(described))
