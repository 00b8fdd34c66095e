"""Which steps come in any order? Blocks of steps, told apart from paths by what their order tells.

In a block the next step is drawn from those not yet taken, by weights of their own (Plackett 1975,
https://doi.org/10.2307/2346567; Luce 1959): the step before says nothing. Where there are paths it
says nearly all. Weights are fitted by Hunter's (2004) MM, https://doi.org/10.1214/aos/1079120141.
"""

from __future__ import annotations

import numpy as np

SMALLEST = 3  # steps of a block: two are a pair in either order
MIXED = 0.08  # of leads that show two steps: so many take them the other way round
# Next steps in a block, leads that show two of its steps: of fewer nothing is said.
FEWEST, PAIRS = 100, 10
DULL = 0.01  # nats a step before may tell of the next one, and be worth nothing
APART = 0.25  # of next steps have another one between: such steps are no block
COMMON = 0.25  # of the most frequent step's leads: a step that fewer take is none of a block
THIRD = 1 / 3  # of leads that show two steps of a block, so many show three
VARIED = 0.85  # of the surprise that two first steps in any order are
ROUNDS = 40
START = -1  # in the place of the step before, where there is none
WIDEST = 16  # steps of a block


def find_blocks(rows, weight, n_codes: int, end_step: int) -> tuple[tuple[int, ...], ...]:
    """Which steps come in any order? Groups of codes, apart from each other; the sale is in none.

    Candidates are groups of which every two come in both orders; one is a block if what the step
    before tells of the next one is worth less than it costs to say, or nearly nothing, and its
    first two steps are about as varied as they can be. Else the step that is told best is left out.
    """
    first = np.full((len(rows), n_codes), rows.shape[1])
    for at in range(rows.shape[1] - 1, -1, -1):
        has = np.flatnonzero(rows[:, at] >= 0)
        first[has, rows[has, at]] = at
    shown = first < rows.shape[1]
    before = np.array([weight @ ((first[:, [a]] < first) & shown) for a in range(n_codes)])
    both = before + before.T
    mixed = (np.minimum(before, before.T) >= MIXED * both) & (both >= PAIRS)
    if end_step >= 0:
        mixed[end_step] = mixed[:, end_step] = False
    blocks, left = [], set(range(n_codes))
    while len(group := _find_clique(mixed, left)) >= SMALLEST:
        left -= set(block := _settle(rows, weight, group) or group)
        if block is not group:
            blocks.append(tuple(sorted(block)))
    return tuple(sorted(blocks))


def _find_clique(mixed: np.ndarray, left: set[int]) -> list[int]:
    """A large group of which every two are mixed: the best begun from each."""
    best: list[int] = []
    for start in sorted(left):
        group, may = [start], {c for c in left if mixed[start, c]}
        while may and len(group) < WIDEST:
            step = max(sorted(may), key=lambda c: sum(mixed[c, d] for d in may))
            group.append(step)
            may = {c for c in may if mixed[step, c]}
        best = max(best, group, key=len)
    return best


def _settle(rows, weight, group) -> list[int] | None:
    """The block in a group of steps, if there is one."""
    group = list(group)
    while len(group) >= SMALLEST:
        told = tell_order(rows, weight, group)
        if told is None:
            return None
        gain, price, n, is_like, worst = told
        if is_like and gain < max(price, DULL * n):
            return group
        group.pop(worst)
    return None


def tell_order(rows, weight, group):
    """What does the step before tell of the next one, within a group of steps?

    Returns the nats it tells, the nats it costs, the number of next steps, whether the steps are
    like those of a block otherwise, and which is so least; None where there is too little to see.
    """
    m, at = len(group), np.full(rows.max() + 2, -1)
    at[list(group)] = np.arange(m)
    row, place = np.nonzero(at[rows] >= 0)  # padding, -1, is the last code: in no group
    code = at[rows[row, place]]
    bit = 1 << code.astype(np.int64)
    start = np.searchsorted(row, row)
    taken = _add_up_bits(bit, start)
    fresh = (taken & bit) == 0
    row, place, code, taken = (x[fresh] for x in (row, place, code, taken))
    several = np.bincount(row, taken > 0, len(rows))[row] > 0
    row, place, code, taken = (x[several] for x in (row, place, code, taken))
    last, own = np.where(taken > 0, rows[row, place - 1], START), weight[row]
    between = (at[last] < 0) & (taken > 0)
    if own @ (taken > 0) < FEWEST or own @ between > APART * (own @ (taken > 0)):
        return None
    key, which = np.unique((taken * len(at) + last + 1) * m + code, return_inverse=True)
    n = np.bincount(which.ravel(), own)
    taken_, last, next_ = key // m // len(at), key // m % len(at) - 1, key % m
    free = (taken_[:, None] >> np.arange(m) & 1) == 0
    plain = _fit(n, next_, free, np.zeros(len(n), int), m)
    chain = _fit(n, next_, free, last + 1, m)
    gain = n * (chain - plain)
    gain[(at[last] < 0) & (taken_ > 0)] = 0  # of noise between nothing is to be learned
    price = m * (m - 2) * np.log(weight.sum()) / 2
    one = np.flatnonzero((taken > 0) & (np.bitwise_count(taken) == 1))
    two = np.bincount(code[one - 1] * m + code[one], weight[row[one]], m * m)
    worth = [gain[(at[last] == step) | (next_ == step)].sum() for step in range(m)]
    shown = np.bincount(code, own, m)
    third = own @ (np.bitwise_count(taken) == 2)
    is_like = _is_varied(two, m) and third >= THIRD * two.sum()
    if shown.min() < COMMON * shown.max():
        return gain.sum(), price, n.sum(), False, int(shown.argmin())
    return gain.sum(), price, n.sum(), is_like, int(np.argmax(worth))


def _add_up_bits(bit, start):
    """The bits that came before, of each row."""
    before, depth = np.zeros(len(bit), np.int64), np.arange(len(bit)) - start
    for d in range(1, depth.max(initial=0) + 1):
        here = np.flatnonzero(depth == d)
        before[here] = before[here - 1] | bit[here - 1]
    return before


def _fit(n, next_, free, context, m: int) -> np.ndarray:
    """Log-chance of each next step, drawn from the free ones by the weights of its context."""
    size = int(context.max(initial=0)) + 1
    weights = np.ones((size, m))
    won = np.bincount(context * m + next_, n, size * m).reshape(size, m) + 1e-6
    for _ in range(ROUNDS):
        odds = n / (weights[context] * free).sum(axis=1)
        met = np.zeros((size, m))
        np.add.at(met, context, odds[:, None] * free)
        weights = won / (met + 1e-6)
        weights /= weights.max(axis=1, keepdims=True)
    chance = weights[context] * free
    return np.log(chance[np.arange(len(n)), next_] / chance.sum(axis=1))


def _is_varied(two, m: int) -> bool:
    """Are the first two steps about as varied as weights of single steps let them be?"""
    share = two / two.sum()
    table = share.reshape(m, m)
    one = table.sum(axis=1)
    rest = np.where(np.eye(m, dtype=bool), 0, table.sum(axis=0) + one)
    free = one[:, None] * rest / rest.sum(axis=1, keepdims=True)
    entropy = [-(p[p > 0] * np.log(p[p > 0])).sum() for p in (share, free.ravel())]
    return bool(entropy[0] >= VARIED * entropy[1])
