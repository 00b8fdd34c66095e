"""Whether anyone proposed to a lead the step that it did not take."""

from __future__ import annotations

import numpy as np

from funnel_lib.core.tallies import Tallies

ASKED = ("yes", "no", "unknown")


def find_asked(
    counted: Tallies, taken: np.ndarray, asks: np.ndarray, path: np.ndarray, stands: np.ndarray
) -> np.ndarray:
    """For which steps was each walk asked, from entry to closing, (n_walks, n_steps)?

    An action that asks for one step counts for it whenever it came; one that asks for several, for
    the earliest of them that the client had not come to before that moment.

    Parameters
    ----------
    taken : (n_paths, n_steps) the place of each step on a path, from 0; -1 where it has none
    asks : (n_paths, n_places, n_steps) whether at a place of a path a step may be asked for
    path : (n_walks,) which path each walk is on
    stands : (n_walks,) its place there: an ask for several steps that counts elsewhere is left out
    """
    n_steps = len(counted.steps.ids)
    asked = np.zeros((len(counted.n), n_steps), bool)
    sets, walk = counted.ask_sets[counted.ask_kind], counted.ask_walk
    alone = sets.sum(axis=1) == 1
    asked[walk[alone], sets[alone].argmax(axis=1)] = True
    if alone.all():
        return asked
    walk, sets, at = walk[~alone], sets[~alone], counted.ask_place[~alone]
    furthest, waits = _find_furthest(counted, taken, path, walk, at), np.ones(len(walk), bool)
    for place in range(asks.shape[1]):  # of each path, the earliest first
        meant = asks[path[walk], place] & sets & (waits & (place > furthest))[:, None]
        rows, steps = np.nonzero(meant & (stands[walk] == place)[:, None])
        asked[walk[rows], steps] = True
        waits &= ~meant.any(axis=1)
    return asked


def _find_furthest(counted: Tallies, place, path, walk, at) -> np.ndarray:
    """How far on its path each walk had come before some places in it, (n,); -1 for nowhere."""
    owner = counted.walk.astype(np.int64)
    wide = place.shape[1] + 1
    so_far = np.maximum.accumulate(owner * wide + place[path[owner], counted.step] + 1)
    long = int(counted.place.max(initial=0)) + 2
    before = np.searchsorted(owner * long + counted.place, walk.astype(np.int64) * long + at) - 1
    begun = before >= counted.offsets[walk]
    so_far = np.append(so_far, 0)  # for logs without evidence
    return np.where(begun, so_far[before] % wide - 1, -1)


def judge_asked(counted: Tallies, asked_for: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Was each walk asked for any of the steps wanted of it, (n_walks, n_steps)? Positions in
    `ASKED`: no where it was for none and all can be seen, else unknown."""
    unseen = (wanted & ~counted.ask_sets.any(axis=0)).any(axis=1)
    found = [(asked_for & wanted).any(axis=1), unseen]
    return np.select(found, [ASKED.index("yes"), ASKED.index("unknown")], ASKED.index("no"))
