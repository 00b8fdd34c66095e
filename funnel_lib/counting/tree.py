"""The tree of the clients' paths: where each lead stands, on its own path, and who was asked.

Paths that begin alike share a trunk; where they part there is a fork, where a client has taken none
of the next steps yet. Losses, asks, next steps and what buyers show are counted on it, as on one
chain for all leads half of them would miss steps that their path does not have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnel_lib.core.groups import Segmentation, keep_together
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.steps import Steps
from funnel_lib.core.tallies import Tallies, tally
from funnel_lib.core.times import NEVER
from funnel_lib.counting.asked import find_asked, judge_asked
from funnel_lib.counting.reach import measure_depth

FORK = "fork"


@dataclass(frozen=True)
class Node:
    """A place where clients stand before they take a next step; several next steps are a fork."""

    number: int  # from 1, depth first
    parent: int  # number of the node before; 0 at the root
    segments: tuple[int, ...]  # whose paths come through it: columns of the memberships
    next_steps: tuple[str, ...]  # in file order
    parts: tuple[tuple[int, ...], ...]  # of each next step the segments whose path takes it

    @property
    def is_fork(self) -> bool:
        """Whether paths part here."""
        return len(self.next_steps) > 1

    @property
    def step(self) -> str:
        """Its step, or ``fork``."""
        return FORK if self.is_fork else self.next_steps[0]

    @property
    def missed(self) -> str:
        """What those who stand here have not taken: its next steps."""
        return " | ".join(self.next_steps)


@dataclass(frozen=True)
class Tree:
    """The paths of all segments as one tree."""

    ids: tuple[str, ...]  # of the segments
    paths: tuple[tuple[str, ...], ...]  # all steps of each
    nodes: tuple[Node, ...]
    # Of each segment: its steps that can be missed, the sale last, and the node before each.
    skeletons: tuple[tuple[str, ...], ...]
    routes: tuple[tuple[int, ...], ...]  # numbers

    def name(self, segments: tuple[int, ...]) -> str:
        """Write segments as tables do."""
        return "+".join(self.ids[k] for k in segments) if len(self.ids) > 1 else "all"

    def name_node(self, node: Node) -> str:
        """Whose node it is: ``all`` on the trunk, else its segments as `name` writes them."""
        return "all" if len(node.segments) == len(self.ids) else self.name(node.segments)

    def list_own(self, segment: int) -> list[Node]:
        """The nodes of a segment behind its last fork: those of no other path. None where another
        segment has the same path, nor where the fork's next step is the sale."""
        if self.skeletons.count(self.skeletons[segment]) > 1:
            return []
        route = [self.nodes[n - 1] for n in self.routes[segment]]
        forks = [i for i, node in enumerate(route) if node.is_fork]
        return route[forks[-1] + 1 :] if forks else route


def build_tree(steps: Steps, measurable: np.ndarray, segmentation: Segmentation) -> Tree:
    """Where do the paths of the segments part?

    A path's skeleton is its steps without those that the steps file or the path itself has as
    optional, unless another path requires them, and without those that nothing in the log shows. A
    step that a path has twice stands at its first time; of two that come in either order the one
    that the steps file has first.

    Examples
    --------
    >>> steps = parse_steps("{steps: [{id: ask}, {id: meet}, {id: sign}, {id: pay}], won: pay}")
    >>> paths = ("ask", "meet", "sign", "pay"), ("ask", "pay")
    >>> found = Segmentation(steps.before_sale, ("s1", "s2"), paths, ((), ()), np.ones((0, 2)))
    >>> tree = build_tree(steps, np.ones(4, bool), found)
    >>> [(n.number, n.parent, n.step, n.missed, tree.name(n.segments)) for n in tree.nodes]
    ... # doctest: +NORMALIZE_WHITESPACE
    [(1, 0, 'ask', 'ask', 's1+s2'), (2, 1, 'fork', 'meet | pay', 's1+s2'),
     (3, 2, 'sign', 'sign', 's1'), (4, 3, 'pay', 'pay', 's1')]
    """
    skeletons = _list_skeletons(steps, measurable, segmentation)
    order = {step: n for n, step in enumerate(steps.ids)}
    nodes: list[Node] = []
    routes: list[list[int]] = [[] for _ in skeletons]

    def grow(segments: tuple[int, ...], depth: int, parent: int) -> None:
        parts: dict[str, list[int]] = {}
        for k in segments:
            if depth < len(skeletons[k]):
                parts.setdefault(skeletons[k][depth], []).append(k)
        if not parts:
            return
        number = len(nodes) + 1
        following = tuple(sorted(parts, key=order.get))
        apart = tuple(tuple(parts[step]) for step in following)
        nodes.append(Node(number, parent, segments, following, apart))
        for k in segments:
            routes[k].append(number)
        for part in apart:
            grow(part, depth + 1, number)

    grow(tuple(range(len(skeletons))), 0, 0)
    return Tree(
        segmentation.ids, segmentation.paths, tuple(nodes), skeletons, tuple(map(tuple, routes))
    )


def _list_skeletons(steps: Steps, measurable: np.ndarray, found: Segmentation):
    """Each path's steps that can be missed, in its order."""
    shown = {step for step, seen in zip(steps.ids, measurable, strict=True) if seen} | {steps.won}
    shown -= {step.id for step in steps.steps if step.optional}
    pairs = zip(found.paths, found.optional, strict=True)
    required = {step for path, optional in pairs for step in set(path) - set(optional)} & shown
    order, skeletons = {step: n for n, step in enumerate(steps.ids)}, []
    for k, path in enumerate(found.paths):
        kept = [step for step in dict.fromkeys(path) if step in required]
        for first, second in found.either_order[k] if found.either_order else ():
            if first in kept and second in kept and order[second] < order[first]:
                i, j = kept.index(first), kept.index(second)
                if j == i + 1:  # else one of them came before
                    kept[i], kept[j] = second, first
        skeletons.append(tuple(kept))
    return tuple(skeletons)


@dataclass(frozen=True)
class Places:
    """Where each walk stands in the tree, all (n_walks, …); whole leads, each on one path."""

    tree: Tree
    counted: Tallies
    path: np.ndarray  # (n_walks,) the segment whose path it is on
    node: np.ndarray  # (n_walks,) number of the node where it stands; 0 if won or never entered
    came: np.ndarray  # (n_walks, n_nodes) came to the node, or further
    went_on: np.ndarray  # (n_walks, n_nodes) and went on from it
    last: np.ndarray  # (n_walks,) the furthest step of its path taken; -1 for none
    asked: np.ndarray  # (n_walks,) position in `ASKED`, of the next steps of its node; -1 without
    asked_for: np.ndarray  # (n_walks, n_steps) as of `find_asked`
    waits_for: np.ndarray  # (n_walks, n_segments) the next step on each path; -1 for none

    def weigh_nodes(self) -> np.ndarray:
        """How much each walk belongs to the paths through each node, (n_walks, n_nodes)."""
        members = self.counted.members
        return np.column_stack([members[:, n.segments].sum(axis=1) for n in self.tree.nodes])


def find_places(
    journeys: Journeys, segmentation: Segmentation | None = None, window: int = NEVER
) -> Places:
    """Where in the tree does each walk stand: which step did it not take, was it asked?

    At a fork a walk is taken to be on the path, or paths, that it belongs to most. It went on from
    a node if it was won, or shows the node's step or a later one of its path; other steps count for
    nothing, and gaps before the furthest step are unseen, not missed. Without a segmentation all
    leads are on the steps file's path. A window (microseconds) as of `tally`. The result is kept
    with the journeys.
    """
    key = "places", window
    known = journeys.kept.get(key)
    if known is None or known[0] is not segmentation:
        found = _find_places(journeys, segmentation or keep_together(journeys), window)
        known = journeys.kept[key] = segmentation, found
    return known[1]


def _find_places(journeys: Journeys, segmentation: Segmentation, window: int) -> Places:
    counted = tally(journeys, segmentation.memberships, window)
    steps, tree = counted.steps, build_tree(journeys.steps, journeys.measurable, segmentation)
    n, n_steps, won = len(counted.n), len(steps.ids), counted.has_status("won") & counted.entered
    code = {step: c for c, step in enumerate(steps.ids)}
    path = _choose_paths(tree, counted.members)
    stand = np.zeros((n, len(tree.ids)), np.int16)  # how far on each path
    waits_for, last = np.full((n, len(tree.ids)), -1), np.full(n, -1)
    node, came, went_on = np.zeros(n, int), *np.zeros((2, n, len(tree.nodes)), bool)
    taken = np.full((len(tree.ids), n_steps), -1)  # the place of each step on a path
    asks = np.zeros((len(tree.ids), max(map(len, tree.routes)), n_steps), bool)
    for k, (skeleton, route) in enumerate(zip(tree.skeletons, tree.routes, strict=True)):
        codes, here = np.array([code[step] for step in skeleton]), path == k
        stand[:, k] = measure_depth(counted, codes)
        waits_for[:, k] = np.append(codes, -1)[stand[:, k]]
        node[here] = np.append(route, 0)[stand[here, k]]
        places = np.arange(len(route))
        came[np.ix_(here, np.array(route) - 1)] = stand[here, k, None] >= places
        went_on[np.ix_(here, np.array(route) - 1)] = stand[here, k, None] > places
        whole = np.array([code[step] for step in tree.paths[k]])
        last[here] = np.append(whole, -1)[measure_depth(counted, whole)[here] - 1]
        taken[k, codes] = places
        for depth in places:
            asks[k, depth, [code[step] for step in tree.nodes[route[depth] - 1].next_steps]] = True
    entered = counted.entered
    node, last = np.where(entered & ~won, node, 0), np.where(entered, last, -1)
    waits_for[won] = -1
    asked_for = find_asked(counted, taken, asks, path, stand[np.arange(n), path])
    wanted = np.zeros((len(tree.nodes) + 1, n_steps), bool)
    for one in tree.nodes:
        wanted[one.number, [code[step] for step in one.next_steps]] = True
    asked = np.where(node > 0, judge_asked(counted, asked_for, wanted[node]), -1)
    return Places(
        tree, counted, path, node, came & entered[:, None], went_on & entered[:, None], last, asked,
        asked_for, waits_for,
    )  # fmt: skip


def _choose_paths(tree: Tree, members: np.ndarray) -> np.ndarray:
    """At each fork the paths that a walk belongs to most, the first of equal ones; of paths that
    are the same the segment, (n_walks,)."""
    same: dict[tuple, list[int]] = {}
    for k, skeleton in enumerate(tree.skeletons):
        same.setdefault(skeleton, []).append(k)
    partings = [node.parts for node in tree.nodes if node.is_fork]
    partings += [tuple((k,) for k in alike) for alike in same.values()]
    path = np.zeros(len(members), int)  # the first of the segments still in question
    for parts in partings:
        here = path == min(map(min, parts))
        weights = np.column_stack([members[here][:, part].sum(axis=1) for part in parts])
        path[here] = np.array([part[0] for part in parts])[weights.argmax(axis=1)]
    return path
