"""Journeys as a tree of prefixes, and the passes through it of several walkers side by side.

Journeys with an equal beginning share their forward vectors: journeys are kept as a tree (trie) of
prefixes, and forward-backward runs over its nodes, one depth at a time, for all journeys at once.
The forward-backward recursions are those of Rabiner (1989), https://doi.org/10.1109/5.18626.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy import sparse

from funnel_lib.engine.walks import Counts, Walker

DEEP = 30  # events between two scalings: a chance is seldom below 1e-8, a number must be 1e-308
BATCH = 2**14  # nodes times walkers to compute at once
SMALL = 4000  # a table's entries, below which zeros are quicker multiplied than left out


class Trie:
    """Journeys (codes, -1 padded) as a tree of prefixes; node 0 is empty, nodes in order of depth.

    Each node has a `parent` and a `code`, each depth in `levels` the slice of its nodes; `leaf` is
    the node of each row, `length` its number of events. Of rows in two groups (`bought`) each has
    nodes of its own below the root: `cuts` says how many of each depth are of the first.
    """

    def __init__(self, rows: np.ndarray, n_codes: int, bought: np.ndarray | None = None):
        group = np.zeros(len(rows), bool) if bought is None else bought
        order = np.lexsort([*rows.T[::-1], group])
        x, group = rows[order], group[order]
        new = np.ones(x.shape, bool)
        differs = x[1:] != x[:-1]
        differs[:, 0] |= group[1:] != group[:-1]
        new[1:] = np.logical_or.accumulate(differs, axis=1)
        new &= x >= 0
        self.cuts = None if bought is None else [1]
        at = np.zeros(len(x), int)
        self.levels, parents, codes, last = [slice(0, 1)], [np.array([-1])], [np.array([-1])], 1
        for depth in range(x.shape[1]):
            fresh, here = new[:, depth], x[:, depth] >= 0
            if not here.any():
                break
            parents.append(at[fresh])
            codes.append(x[fresh, depth])
            if self.cuts is not None:
                self.cuts.append(int((~group[fresh]).sum()))
            at = np.where(here, last - 1 + np.cumsum(fresh), at)
            self.levels.append(slice(last, last + len(parents[-1])))
            last += len(parents[-1])
        self.parent, self.code = np.concatenate(parents), np.concatenate(codes)
        self.n_codes, self.n_nodes = n_codes, last
        self.leaf = np.empty(len(x), int)
        self.leaf[order] = at
        self.length = (rows >= 0).sum(axis=1)

    def part(self, walkers) -> list[list[slice]]:
        """The nodes of each depth by the table of moves that they are walked with."""
        if self.cuts is None or len(walkers[0].go) == 1:
            return [[level] for level in self.levels]
        both = zip(self.levels, self.cuts, strict=True)
        return [[slice(lv.start, lv.start + n), slice(lv.start + n, lv.stop)] for lv, n in both]

    @cached_property
    def sums(self) -> list:
        """For each depth, (n_above, n_nodes) 1 where the node is a child of one above."""
        both = pairwise(self.levels)
        tables = [_tell(self.parent[low] - up.start, up.stop - up.start) for up, low in both]
        return [None, *(t if np.prod(t.shape) > SMALL else t.toarray() for t in tables)]

    def add_up(self, values: np.ndarray) -> np.ndarray:
        """Sum up a value of each code on the way to each node, (n_nodes,)."""
        total = np.append(0.0, values[self.code[1:]])
        for level in self.levels[1:]:
            total[level] += total[self.parent[level]]
        return total

    @cached_property
    def ends(self) -> sparse.csr_array:
        """(n_nodes, n_rows) 1 where the row ends."""
        return _tell(self.leaf, self.n_nodes)

    @cached_property
    def by_code(self) -> sparse.csr_array:
        """(n_codes, n_nodes - 1) 1 where the node's event is of that code."""
        return _tell(self.code[1:], self.n_codes)


def _tell(which: np.ndarray, n: int) -> sparse.csr_array:
    """Make (n, n_items) 1 where the item belongs: `@` then sums up items that belong together."""
    return sparse.csr_array((np.ones(len(which)), (which, np.arange(len(which)))), (n, len(which)))


class Crew:
    """Walkers side by side: one pass through a tree of journeys serves all of them.

    Noise is the unit: chances of going on are in iota n / A (n steps that are one make as much
    noise), so noise leaves a vector as it is. A state emits its step, or, with the chance of a
    wrong one, any. In state 0 noise differs: what it lacks there is a move on that every step
    allows. Walkers of fewer states have some more that nobody comes to.
    """

    def __init__(self, walkers: list[Walker]):
        self.n_states = max(len(w.codes) for w in walkers)
        self.go = np.zeros((len(walkers[0].go), len(walkers), self.n_states, self.n_states))
        codes = np.full((len(walkers), self.n_states), -1)
        for i, w in enumerate(walkers):
            n = len(w.codes)
            self.go[:, i, :n, :n] = w.go * (w.n_codes / w.noise)
            codes[i, :n] = w.codes
        wrong = np.array([w.wrong for w in walkers])[:, None]
        many = walkers[0].many[:, None, None]
        own = np.arange(walkers[0].n_codes)[:, None, None] == codes
        self.emits = own * (1 - wrong) / many + wrong / walkers[0].n_codes
        self.emits[:, :, 0] = 1
        self.early = np.array([w.early / w.noise for w in walkers])
        self.go[:, :, 0, 0] = self.early - 1


@dataclass(frozen=True)
class Forward:
    """Where on a path a journey is after each prefix, and how likely that is."""

    walker: Walker
    at: np.ndarray  # (n_nodes, n_states) forward vectors
    scale: dict[int, np.ndarray]  # depth → what the vectors of its nodes were divided by
    total: np.ndarray  # (n_rows,) sum of the vector at a row's end
    loglik: np.ndarray  # (n_rows,)


def run_forward(trie: Trie, walkers: list[Walker]) -> list[Forward]:
    """How likely is each journey under each path, and at which position does it leave the client?

    f_v = f_u G ∘ e_x + f_u for node v = u + x, with G the chances of going on and e_x the states of
    step x, all in units of noise: so vectors but grow, and few have to be scaled.
    """
    return [done for part in _part(trie, walkers) for done in _run_forward(trie, part)]


def _run_forward(trie, walkers):
    crew = Crew(walkers)
    at = np.zeros((trie.n_nodes, len(walkers), crew.n_states))
    at[0, :, 0] = 1
    logs, scale, parts = np.zeros(at.shape[:2]), {}, trie.part(walkers)
    for depth, level in enumerate(trie.levels[1:], 1):
        here = at.take(trie.parent[level], 0, out=at[level], mode="clip")
        now = _walk(at, crew.go, parts[depth])
        now *= crew.emits.take(trie.code[level], 0, mode="clip")
        here += now
        if depth >= DEEP:
            logs[level] = logs[trie.parent[level]]
        if depth % DEEP == 0:
            scale[depth] = _add_up(here)
            here /= scale[depth][:, :, None]
            logs[level] += np.log(scale[depth])
    total = _add_up(at)[trie.leaf]
    unit = np.log([w.noise / w.n_codes for w in walkers])
    loglik = np.log(total) + logs[trie.leaf] + trie.length[:, None] * unit
    if (walkers[0].many > 1).any():
        loglik += trie.add_up(np.log(walkers[0].many))[trie.leaf][:, None]
    for i, w in enumerate(walkers):
        scales = {depth: by[:, i] for depth, by in scale.items()}
        yield Forward(w, at[:, i, : len(w.codes)], scales, total[:, i], loglik[:, i].copy())


def _walk(vectors, tables, parts):
    """Multiply parts of (n, n_walkers, n_states) vectors by each walker's table, each by its own;
    of all parts one after the other."""
    if len(parts) == 1:
        vectors = vectors[parts[0]]
        out = np.empty(vectors.shape)
        np.matmul(vectors.transpose(1, 0, 2), tables[0], out=out.transpose(1, 0, 2))
        return out
    first = parts[0].start
    out = np.empty((parts[-1].stop - first, *vectors.shape[1:]))
    for part, table in zip(parts, tables, strict=True):
        own = out[part.start - first : part.stop - first]
        np.matmul(vectors[part].transpose(1, 0, 2), table, out=own.transpose(1, 0, 2))
    return out


def _add_up(vectors):
    """Sum (…, n_states) vectors: as a product, since the last axis is short."""
    flat = vectors.reshape(-1, vectors.shape[-1]) @ np.ones(vectors.shape[-1])
    return flat.reshape(vectors.shape[:-1])


def _part(trie, items):
    """Cut walkers into parts that fit the processor's cache about."""
    size = max(1, BATCH // trie.n_nodes)
    return [items[i : i + size] for i in range(0, len(items), size)]


def count_moves(
    trie: Trie, forwards: list[Forward], weights: list[np.ndarray], fully: bool = False
) -> list[Counts]:
    """How often is each move made by journeys with the given weights, one array a path?

    The backward vectors of all journeys through a node are summed, weighted, on the way up: the
    recursion is linear, so every node is visited once. Noise, and where journeys end, are counted
    only if `fully`.
    """
    parts = zip(_part(trie, forwards), _part(trie, weights), strict=True)
    return [counts for part in parts for counts in _count_moves(trie, *part, fully)]


def _count_moves(trie, forwards, weights, fully):
    crew = Crew([f.walker for f in forwards])
    share = np.column_stack([w / f.total for w, f in zip(weights, forwards, strict=True)])
    ends, turned = trie.ends @ share, np.ascontiguousarray(crew.go.swapaxes(2, 3))
    parts = trie.part([f.walker for f in forwards])
    back, met = np.empty((2, *ends.shape, crew.n_states))
    back[:] = ends[:, :, None]
    for depth in range(len(trie.levels) - 1, 0, -1):
        level, above = trie.levels[depth], trie.levels[depth - 1]
        here = back[level]
        if depth in forwards[0].scale:
            here /= np.column_stack([f.scale[depth] for f in forwards])[:, :, None]
        crew.emits.take(trie.code[level], 0, out=met[level], mode="clip")
        met[level] *= here
        up = _walk(met, turned, parts[depth])
        up += here
        back[above] += (trie.sums[depth] @ up.reshape(len(up), -1)).reshape(-1, *up.shape[1:])
    groups = _find_groups(parts, trie.n_nodes)
    for i, f in enumerate(forwards):
        w, moves, n = f.walker, f.walker.moves, len(f.walker.codes)
        before, seen, right, bought = f.at[trie.parent[1:]], (None,) * 3, 0.0, None
        made, steps = np.zeros(len(moves.source)), slice(moves.position.max() + 1)
        for own, move in zip(groups, w.move, strict=True):
            went = (before[own].T @ met[1:, i, :n][own]).ravel()[moves.edge]
            went *= move[moves.quiet] * (w.n_codes / w.noise)
            made[moves.quiet] += went
        if len(groups) > 1:
            bought = np.array([(went @ t[moves.quiet])[steps] for t in (moves.yes, moves.no)])
        if fully:
            taken = _find_taken(trie, f, before)
            taken *= back[1:, i, :n]
            wrong, right = _part_wrong(trie.by_code @ taken, w)
            before[:, 0] *= crew.early[i]
            before *= back[1:, i, :n]
            made[moves.noisy] = before.sum(axis=0)[moves.source[moves.noisy]]
            seen = trie.by_code @ before, share[:, i] @ f.at[trie.leaf], wrong
        yield Counts(made @ moves.yes, made @ moves.no, made, *seen, right, bought)


def _find_taken(trie, forward, before):
    """The part of each forward vector that took a step: what is not noise."""
    taken = forward.at[1:] - before
    for depth, by in forward.scale.items():
        own = slice(trie.levels[depth].start - 1, trie.levels[depth].stop - 1)
        taken[own] = forward.at[1:][own] * by[:, None] - before[own]
    return np.maximum(taken, 0, out=taken)


def _find_groups(parts, n_nodes):
    """Which nodes below the root are walked with each table of moves?"""
    if len(parts[-1]) == 1:
        return [slice(None)]
    first = np.zeros(n_nodes, bool)
    for own, _ in parts[1:]:
        first[own] = True
    return [np.flatnonzero(first[1:]), np.flatnonzero(~first[1:])]


def _part_wrong(taken, walker):
    """Part (n_codes, n_states) steps taken, by the step recorded: the wrong ones, number of others.

    By chance a wrong one is the right one, too.
    """
    states = np.arange(1, len(walker.codes))
    stray = walker.wrong * walker.many[walker.codes[1:]] / walker.n_codes
    wrong = taken * (np.arange(len(walker.codes)) > 0)
    own = walker.codes[1:], states
    all_told = wrong.sum()
    wrong[own] *= stray / (1 - walker.wrong + stray)
    return wrong, float(all_told - wrong.sum())
