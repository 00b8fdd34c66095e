"""Random planted worlds: a slow obvious walk of random paths, apart from `datasets.planted`."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Seg:
    """A segment: its path, and by position what blurs it."""

    path: list
    weight: float = 1.0
    skip: dict = field(default_factory=dict)
    repeat: dict = field(default_factory=dict)
    swaps: dict = field(default_factory=dict)  # j -> p
    loops: dict = field(default_factory=dict)  # (first,last) -> p
    go_on: object = 0.85  # scalar or list by position
    pace: tuple = (1 / 3, 1 / 3, 1 / 3)


def walk(segs, n, noise, rng, n_codes, max_len=400):
    """Returns list of sequences, gaps, segment, took (furthest position)."""
    pi = np.array([s.weight for s in segs])
    pi = pi / pi.sum()
    g = rng.choice(len(segs), n, p=pi)
    seqs, gaps, far = [], [], np.zeros(n, int)
    lam = noise / (1 - noise)
    for i in range(n):
        s = segs[g[i]]
        L = len(s.path)
        order = list(range(L))
        for j, p in s.swaps.items():
            if rng.random() < p:
                order[j], order[j + 1] = order[j + 1], order[j]
        ev = []
        took = [False] * L
        j = 0
        f = -1
        for j in range(L):
            go = s.go_on if np.isscalar(s.go_on) else s.go_on[j]
            if j and rng.random() >= go:
                break
            m = order[j]
            took[j] = rng.random() >= s.skip.get(m, 0)
            if took[j]:
                ev.append(s.path[m])
                f = max(f, m)
                while rng.random() < s.repeat.get(m, 0):
                    ev.append(s.path[m])
            for (a, b), p in s.loops.items():
                if b == j:
                    while rng.random() < p:
                        ev += [s.path[order[t]] for t in range(a, b + 1) if took[t]]
        out = []
        for e in ev:
            out.append(e)
            if e != n_codes - 1:
                out += [int(rng.integers(n_codes - 1)) for _ in range(rng.poisson(lam))]
        seqs.append(out)
        far[i] = f
        gaps.append([-1, *rng.choice(3, max(len(out) - 1, 0), p=s.pace)])
    return seqs, gaps, g, far


def pack(seqs):
    n = max(map(len, seqs))
    M = np.full((len(seqs), n), -1)
    for i, s in enumerate(seqs):
        M[i, : len(s)] = s
    return M


def go(rng, L, equal=True):
    return float(rng.uniform(0.75, 0.9)) if equal else list(rng.uniform(0.75, 0.9, L))


def lcs(a, b):
    D = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            D[i + 1, j + 1] = D[i, j] + 1 if x == y else max(D[i, j + 1], D[i + 1, j])
    return D[-1, -1]


def random_paths(rng, k, A, shared=2, lo=5, hi=9):
    """k random paths over A codes (last is the sale), sharing `shared` first steps."""
    while True:
        head = list(rng.permutation(A - 1)[:shared])
        P = []
        for _ in range(k):
            rest = [a for a in range(A - 1) if a not in head]
            L = rng.integers(lo, hi + 1)
            m = min(len(rest), L - shared - 1)
            P.append([int(x) for x in head + list(rng.permutation(rest)[:m]) + [A - 1]])
        ok = True
        for i in range(k):
            for j in range(i):
                # none is another with one step more or fewer (an optional step) or one moved
                if lcs(P[i], P[j]) > min(len(P[i]), len(P[j])) - 2:
                    ok = False
        if ok:
            return P


def make(kind, seed, n=4000):
    rng = np.random.default_rng([seed, hash_kind(kind)])
    noise = 0.15 if kind.endswith("15") else 0.05
    base = kind.replace("15", "")
    A = int(rng.integers(9, 13))
    equal = rng.random() < 0.5
    if base == "fixed":
        A = 10
        P = [[0, 1, 2, 6, 8, 9], [0, 1, 3, 4, 2, 5, 6, 8, 9], [0, 1, 5, 4, 7, 9]]
    elif base == "none":
        P = random_paths(rng, 1, A, 2, 6, 9)
    elif base == "pace":
        p = random_paths(rng, 1, A, 2, 6, 9)[0]
        P = [p, p]
    else:
        P = random_paths(rng, 3, A)
    g0 = go(rng, 12) if equal else None
    segs = [
        Seg(
            p,
            weight=float(rng.uniform(0.7, 1.3)),
            go_on=g0 if equal else go(rng, len(p), rng.random() < 0.5),
        )
        for p in P
    ]
    if base == "loops":
        for s in segs[:2]:
            a = int(rng.integers(1, len(s.path) - 3))
            w = int(rng.integers(2, 4))
            b = min(a + w - 1, len(s.path) - 2)
            s.loops = {(a, b): float(rng.uniform(0.2, 0.4))}
    if base == "rare":
        segs[2].weight = 0.05 / 0.95 * (segs[0].weight + segs[1].weight)
    if base in ("optional", "messy"):
        for s in segs:
            s.skip = {int(rng.integers(2, len(s.path) - 1)): float(rng.uniform(0.3, 0.6))}
    if base in ("either", "messy"):
        for s in segs[:2]:
            j = int(rng.integers(1, len(s.path) - 2))
            s.swaps = {j: float(rng.uniform(0.3, 0.5))}
    if base in ("repeats", "messy"):
        for s in segs:
            s.repeat = {
                int(rng.integers(1, len(s.path) - 1)): float(rng.uniform(0.2, 0.4))
                for _ in range(2)
            }
    if base == "pace":
        segs[0].pace, segs[1].pace = (0.6, 0.3, 0.1), (0.15, 0.35, 0.5)
    seqs, gaps, seg, far = walk(segs, n, noise, rng, A)
    return segs, seqs, gaps, seg, far, A


def hash_kind(k):
    return sum(ord(c) * (i + 1) for i, c in enumerate(k))


def variants(seqs, gaps=None):
    """X, w, inverse (lead -> row)[, G]"""
    M = pack(seqs)
    if gaps is None:
        X, inv, w = np.unique(M, axis=0, return_inverse=True, return_counts=True)
        return X, w.astype(float), inv.ravel(), None
    Gm = pack(gaps)
    Gm = np.where(M >= 0, Gm, -1)
    Z, inv, w = np.unique(np.hstack([M, Gm]), axis=0, return_inverse=True, return_counts=True)
    return Z[:, : M.shape[1]], w.astype(float), inv.ravel(), Z[:, M.shape[1] :]
