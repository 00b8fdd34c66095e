"""How large may a segment be, where nobody knows which path those who left early were on?

Leads that stand before a fork show no path. Point estimates share them out as if all segments lost
equally many of their leads before it; bounds let these shares differ.
"""

from __future__ import annotations

import numpy as np

from funnel_lib.counting.tree import Places

_END = 1 - 1e-12  # nobody is left


def bound_sizes(places: Places, gap: float) -> np.ndarray:
    """The fewest and the most leads that each segment may have, (2, n_segments), if the shares of
    their leads that stand still from entry to the fork differ by up to `gap`, from 0 to below 1,
    between those who part there.

    Segments that the tree cannot tell apart share what they have as their memberships do.
    """
    tree, n = places.tree, places.counted.n * places.counted.entered
    mass = n @ places.counted.members
    sizes = np.zeros((2, len(tree.ids)))

    def share_out(segments: tuple[int, ...], depth: int, from_before: np.ndarray) -> None:
        """Share out those who stand before these segments part; of those who stand before they
        parted from others, at least and at most so many are theirs."""
        route = tree.routes[segments[0]]
        nodes = [tree.nodes[number - 1] for number in route]
        fork = next((i for i in range(depth, len(nodes)) if nodes[i].is_fork), None)
        mine = n * np.isin(places.path, segments)
        if fork is None:
            own = mine[~np.isin(places.node, route[:depth])].sum() + from_before
            for k in segments:
                sizes[:, k] = own * mass[k] / max(mass[list(segments)].sum(), 1e-9)
            return
        end, parts = fork + 1, nodes[fork].parts
        stand = from_before + mine[np.isin(places.node, route[depth:end])].sum()
        known = mine * ~np.isin(places.node, route[:end])
        known = np.array([known[np.isin(places.path, part)].sum() for part in parts])
        for place, part in enumerate(parts):
            given = np.array([_give(known, place, stand[most], gap, most) for most in (0, 1)])
            share_out(part, end, given)

    share_out(tuple(range(len(tree.ids))), 0, np.zeros(2))
    return sizes


def _give(known: np.ndarray, place: int, total: float, gap: float, most: int) -> float:
    """How many of `total` leads may be of one part at the most (or the fewest), the parts being
    known to have so many others, and the shares standing still within `gap` of each other?

    With x of them a part has x / (known + x) standing still. At the most this is m + gap for the
    part and m for the others, at the fewest the other way round; m follows from the total.
    """
    from scipy.optimize import brentq

    gaps = np.full(len(known), 0.0 if most else gap)
    gaps[place] = gap if most else 0.0

    def stand(m: float) -> np.ndarray:
        shares = np.minimum(m + gaps, _END)
        return known * shares / (1 - shares)

    highest = 1 - gap
    if stand(0).sum() >= total:
        return total if most else 0.0
    if stand(highest).sum() <= total:  # a part that nobody is known to be of
        return float(stand(highest)[place] + most * (total - stand(highest).sum()))
    return float(stand(brentq(lambda m: stand(m).sum() - total, 0, highest))[place])
