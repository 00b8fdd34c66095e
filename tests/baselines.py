"""Other ways to segment the same leads, on the worlds of `random_worlds`: `make bench` shows both.

Each is given the true number of segments, which funnel_lib has to find.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import random_worlds as worlds
from prove import LEADS, compare_members, compare_shares, fit_paths
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import TfidfVectorizer

STARTS, ROUNDS, GAIN = 10, 200, 1e-7  # of EM: it ends when a round gains less, relatively
PRIOR = 0.1  # leads added to each start and each transition, so that none is impossible


def cluster_words(rows: np.ndarray, k: int) -> np.ndarray:
    """Journeys as texts: tf-idf of words and pairs of words, k-means; (n_leads, k) 0 or 1."""
    texts = [" ".join(f"s{code}" for code in row if code >= 0) for row in rows]
    words = TfidfVectorizer(ngram_range=(1, 2)).fit_transform(texts)
    label = KMeans(k, n_init=STARTS, random_state=0).fit_predict(words)
    return np.eye(k)[label]


def mix_chains(rows: np.ndarray, k: int, n_codes: int) -> np.ndarray:
    """A mixture of k first-order Markov chains by EM, the likeliest of some starts; (n_leads, k).

    The end of a journey is not modelled: where a lead stops says nothing.
    """
    rows, which, weight = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    counts, rng = count_moves(rows, n_codes), np.random.default_rng(0)
    starts = [rng.dirichlet(np.ones(k), len(rows)) for _ in range(STARTS)]
    fits = [run_em(counts, weight, member, n_codes) for member in starts]
    return max(fits, key=lambda fit: fit[0])[1][which.ravel()]


def count_moves(rows: np.ndarray, n_codes: int) -> np.ndarray:
    """Count the first step and each transition, (n_rows, n_codes + n_codes**2)."""
    counts = np.zeros((len(rows), n_codes + n_codes**2))
    for i, row in enumerate(rows):
        counts[i, row[0]] = 1
        walk = row[row >= 0]
        for a, b in pairwise(walk):
            counts[i, n_codes * (1 + a) + b] += 1
    return counts


def run_em(counts, weight, member, n_codes) -> tuple[float, np.ndarray]:
    """Improve memberships until the log-likelihood stands still; it, and the memberships."""
    before = -np.inf
    for _ in range(ROUNDS):
        mass = member * weight[:, None]
        total = mass.T @ counts + PRIOR
        moves = total.reshape(len(total), n_codes + 1, n_codes)  # the starts, then by step left
        chance = (moves / moves.sum(axis=2, keepdims=True)).reshape(total.shape)
        share = mass.sum(axis=0) / weight.sum()
        loglik = counts @ np.log(chance).T + np.log(np.maximum(share, 1e-12))
        top = loglik.max(axis=1, keepdims=True)
        member = np.exp(loglik - top)
        now = weight @ (top[:, 0] + np.log(member.sum(axis=1)))
        member /= member.sum(axis=1, keepdims=True)
        if now - before < GAIN * abs(now):
            break
        before = now
    return float(now), member


WAYS = "tf-idf + k-means, true k", "Markov chains, true k", "funnel_lib, k found"


def try_ways(kind: str, seed: int) -> list[tuple[float, float]]:
    """Segment one world in all `WAYS`: the mean error of step reach in points, and the ARI."""
    segments, journeys, _, truth, _, n_codes = worlds.make(kind, seed, LEADS)
    model, rows, found = fit_paths(journeys, None, n_codes)
    k, scores = len(segments), []
    for member in (cluster_words(rows, k), mix_chains(rows, k, n_codes), found):
        ari = compare_members(journeys, truth, member)
        if member.shape[1] == 1:  # every planted segment is compared with the only one
            member = np.repeat(member, k, axis=1)
        with np.errstate(invalid="ignore"):  # shares of a step that nobody in a cluster reached
            error = compare_shares(segments, truth, member, rows, model.paths_, exact=False)
        scores.append((error["reach"], ari))
    return scores
