"""What might a path lack? Changes of one path, those promising most by what is taken for noise."""

from __future__ import annotations

import numpy as np

from funnel_lib.engine.mixtures import Sample
from funnel_lib.engine.walks import HIGHEST, LOWEST, RARE, Counts, Path, Rates, Walker, change

N_TRIED = 6  # edits of a path worth computing in full, the most promising by the counts


def renumber(path: Path, steps, moved: dict[int, int]) -> Path:
    """Change the steps of a path, keeping the chances of those that stay (old → new position)."""
    n = len(steps)
    swaps = {moved[j]: p for j, p in path.swaps.items() if moved.get(j + 1) == moved.get(j, n) + 1}
    loops = {}
    for (first, last), p in path.loops.items():
        kept = [moved[j] for j in range(first, last + 1) if j in moved]
        if len(kept) > 1 and min(kept) - 1 not in swaps and max(kept) not in swaps:
            loops[min(kept), max(kept)] = p
    loops = {block: p for block, p in loops.items() if block[1] < n - 1}
    return change(
        path,
        steps=tuple(int(s) for s in steps),
        skip={moved[j]: p for j, p in path.skip.items() if j in moved},
        repeat={moved[j]: p for j, p in path.repeat.items() if j in moved},
        swaps=swaps,
        loops={block: loops[block] for block in {last: (f, last) for f, last in loops}.values()},
    )


def insert(path: Path, at: int, step: int, skip: float) -> Path:
    """Put a step at a position."""
    steps = [*path.steps[:at], step, *path.steps[at:]]
    new = renumber(path, steps, {j: j + (j >= at) for j in range(len(path.steps))})
    return change(new, skip=new.skip | {at: skip})


def delete(path: Path, at: int) -> Path:
    """Take a step out."""
    moved = {j: j - (j > at) for j in range(len(path.steps)) if j != at}
    return renumber(path, path.steps[:at] + path.steps[at + 1 :], moved)


def exchange(path: Path, at: int) -> Path:
    """Let two neighbours change places; a pair stays a pair."""
    steps = list(path.steps)
    steps[at : at + 2] = steps[at : at + 2][::-1]
    moved = {j: j for j in range(len(steps))} | {at: at + 1, at + 1: at}
    new = renumber(change(path, swaps={}), steps, moved)
    swaps = {j: 1 - p if j == at else p for j, p in path.swaps.items()}
    return change(new, swaps=swaps, loops=path.loops)


def list_edits(
    sample: Sample, path: Path, walker: Walker, counts: Counts, rates: Rates
) -> list[Path]:
    """Which edits of a path are worth a try?

    What a path lacks shows up as noise, where it would be: an event taken for noise costs
    log(A / iota), so the counts of noise by position show about what an edit would save.
    """
    n, moves, last = len(path.steps), walker.moves, path.steps[-1:] == (sample.end_step,)
    noise = np.zeros((n + 1, sample.n_codes))
    np.add.at(noise, moves.passed, counts.noise.T)
    np.add.at(noise, np.maximum(moves.passed - 1, 0), counts.wrong.T)
    ahead = moves.passed[moves.target] > moves.passed[moves.source]
    left = np.bincount(moves.passed[moves.source][ahead], counts.moves[ahead], n + 1)
    cost = np.log(sample.n_codes / rates.noise / sample.many)
    usual = noise.sum(axis=1, keepdims=True) * sample.many / sample.n_codes
    extra = (noise - usual) * (cost - 1)
    tried = _list_inserts(sample, path, noise, left, cost)[:N_TRIED]
    tried += _list_deletes(sample, path, counts, cost)[:2]
    tried += _list_others(sample, path, moves, counts)
    tried += _list_copies(path)
    tried += _best(_list_swaps(sample, path, extra))[:N_TRIED]
    tried += _best(_list_loops(sample, path, extra))[:3]
    for j in path.swaps:
        fixed = change(path, swaps={i: p for i, p in path.swaps.items() if i != j})
        tried.append(exchange(fixed, j) if path.swaps[j] > 0.5 else fixed)
    for first, last in path.loops:
        without = change(path, loops={x: p for x, p in path.loops.items() if x != (first, last)})
        tried.append(without)
        tried += [change(without, repeat=without.repeat | {j: 0.3}) for j in (first, last)]
        for a, b in ((first - 1, last), (first + 1, last), (first, last - 1), (first, last + 1)):
            if 0 <= a < b:
                tried += _loop(without, a, b)
    return tried


def _best(edits):
    return [path for _, path in sorted(edits, key=lambda edit: -edit[0])]


def _list_inserts(sample, path, noise, left, cost):
    """List steps to put where they are often taken for noise."""
    n = len(path.steps)
    taken = np.clip(noise / (noise + left[:, None] + 1), RARE, HIGHEST)
    gain = noise * (cost + np.log(taken)) + left[:, None] * np.log1p(-taken) - sample.step
    gain -= np.where(taken < 0.85, sample.chance, 0)
    if sample.end_step >= 0:
        gain[:n, sample.end_step] = -np.inf
        if path.steps[-1:] == (sample.end_step,):
            gain[n] = -np.inf
    gain[np.arange(n), path.steps] = -np.inf  # a copy before the step is one after it
    best = np.argsort(-gain, axis=None, kind="stable")[:N_TRIED]
    places = [
        (int(i // sample.n_codes), int(i % sample.n_codes))
        for i in best
        if gain.flat[i] > -sample.step
    ]
    return [
        change(path, repeat=path.repeat | {at - 1: min(taken[at, step], 0.5)})
        if at and path.steps[at - 1] == step
        else insert(path, at, step, 1 - taken[at, step])
        for at, step in places
    ]


def _list_deletes(sample, path, counts, cost):
    """List the path without one step, those that would be missed least first."""
    n = len(path.steps)
    came, over = counts.no[:n], counts.yes[:n]
    taken = np.clip(came / (came + over + 1e-9), LOWEST, HIGHEST)
    loss = came * (cost[list(path.steps)] + np.log(taken)) + over * np.log1p(-taken)
    free = n - (path.steps[-1:] == (sample.end_step,))
    return [delete(path, int(j)) for j in np.argsort(loss[:free], kind="stable")] if n > 2 else []


def _list_others(sample, path, moves, counts):
    """List the path with another step in the place where that is recorded more often."""
    came = np.zeros((len(path.steps), sample.n_codes))
    np.add.at(came, moves.position[1:], counts.wrong[:, 1:].T)
    taken = counts.no[: len(path.steps)]
    for at in np.flatnonzero(2 * came.max(axis=1, initial=0) > taken):
        step, free = int(came[at].argmax()), at < len(path.steps) - 1
        if step != path.steps[at] and not (free and step == sample.end_step):
            yield change(path, steps=(*path.steps[:at], step, *path.steps[at + 1 :]))


def _list_copies(path):
    """List the path with a block that stands there twice in a row made a loop or a repeat."""
    steps = path.steps
    for size in range(1, min(7, len(steps) // 2 + 1)):
        for at in range(len(steps) - 2 * size + 1):
            if steps[at : at + size] == steps[at + size : at + 2 * size]:
                new = path
                for _ in range(size):
                    new = delete(new, at + size)
                if size == 1:
                    yield change(new, repeat=new.repeat | {at: 0.3})
                    ends = {block: 0.3 for block in new.loops if block[1] == at}
                    if ends:  # the copy stood for those who do not go through the loop again
                        skip = {j: p for j, p in new.skip.items() if j != at}
                        yield change(new, skip=skip, loops=new.loops | ends)
                else:
                    yield from _loop(new, at, at + size - 1)
    for at, step in enumerate(steps):
        if step in steps[at - 2 : at - 1] and not {at - 3, at - 2, at - 1} & set(path.swaps):
            new = delete(path, at)
            yield change(new, swaps=new.swaps | {at - 2: 0.5}, loops={})
        if step in steps[: max(at - 1, 0)]:
            yield from _loop(delete(path, at), steps.index(step), at - 1)


def _loop(path, first, last):
    """Make a block a loop, where it can be one."""
    if last in path.swaps or first - 1 in path.swaps or last > len(path.steps) - 2:
        return
    others = {  # loops lie apart or within one another, and no two end alike
        (a, b): p
        for (a, b), p in path.loops.items()
        if b < first or a > last or (a >= first and b < last) or (a <= first and b > last)
    }
    yield change(path, loops=others | {(first, last): 0.2})


def _list_swaps(sample, path, extra):
    """List neighbours that change places, or may come in either order."""
    n, in_pair = len(path.steps), {j for i in path.swaps for j in (i, i + 1)}
    for j in range(n - 1 - (path.steps[-1:] == (sample.end_step,))):
        a, b = path.steps[j : j + 2]
        gain = extra[j, b] + extra[j + 2, a]
        if gain <= 0 or a == b or {j, j + 1} & in_pair:
            continue
        yield gain, exchange(path, j)
        loops = {x: p for x, p in path.loops.items() if x[0] != j + 1 and x[1] != j}
        yield gain, change(path, swaps=path.swaps | {j: 0.3}, loops=loops)


def _list_loops(sample, path, extra):
    """List blocks that clients may go through again."""
    for last in range(1, len(path.steps) - 1):
        for first in range(max(0, last - 6), last):
            block = list(dict.fromkeys(path.steps[first : last + 1]))
            gain = extra[last + 1, block].sum() - sample.chance
            if gain > 0:
                yield from ((gain, new) for new in _loop(path, first, last))
