"""What would a group's leads buy, had they gone on at each place as the others' did?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from funnel_lib.comparing.comparable import FEWEST, Grouping, count_cells, measure_design
from funnel_lib.comparing.decided import Decided
from funnel_lib.core.journeys import Journeys
from funnel_lib.counting.tree import Tree
from funnel_lib.stats.intervals import divide
from funnel_lib.stats.strata import compare_strata


@dataclass(frozen=True)
class Expected:
    """How many deals more a group's leads would have brought, all (n_groups,).

    `n` are its leads that came to the first node and decided, `extra` the deals more, `error` its
    standard error, `later` and `later_error` the same of the nodes behind the second alone; empty
    where there is nobody to compare with.
    """

    n: np.ndarray
    extra: np.ndarray
    error: np.ndarray
    later: np.ndarray
    later_error: np.ndarray


def expect_as_others(
    journeys: Journeys, grouping: Grouping, decided: Decided, leads: np.ndarray
) -> Expected:
    """What would each group's leads have bought, had as many gone on at each node of the tree as of
    the others' leads in the same strata, the group's own mix of paths at forks kept?

    Only the chosen `leads`, (n_leads,), are compared. The share of buyers is the product of the
    shares that go on at the nodes; its error follows from theirs (delta method, at the middle of
    own and others' shares), which are independent, as each is of those who came so far; leads of
    one account are not (`comparable.measure_design`).
    """
    n, hits = count_cells(grouping, decided, leads)
    contrast = compare_strata(n, hits)
    own = divide(hits.sum(axis=1), n.sum(axis=1))
    known = np.isfinite(own) & np.isfinite(contrast.difference)
    gap = np.where(known, contrast.difference, 0)
    own = np.nan_to_num(own)
    as_others = np.clip(own - gap, 0, 1)
    tree, mix = decided.places.tree, _find_mix(grouping, decided, leads)
    pull = _differentiate(tree, (own + as_others) / 2, mix)
    design = measure_design(journeys, grouping, decided, leads, pull)
    parts = np.nan_to_num(contrast.error) * pull * np.sqrt(design)
    late = np.array([node.parent > 1 for node in tree.nodes])
    came = n.sum(axis=1)[:, 0]
    enough = (came >= FEWEST) & (known & (n.sum(axis=1) > 0)).any(axis=1)

    def expect(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rates = np.where(at, as_others, own)
        extra = came * (_value(tree, rates, mix)[:, 0] - _value(tree, own, mix)[:, 0])
        error = came * np.sqrt((parts**2 * at).sum(axis=1))
        return tuple(np.where(enough, x, np.nan) for x in (extra, error))

    return Expected(came, *expect(np.ones(len(late), bool)), *expect(late))


def _find_mix(grouping: Grouping, decided: Decided, leads: np.ndarray) -> list[np.ndarray]:
    """Of each node, which part of a group's leads that went on took each next step, (n_groups,
    n_parts); the parts are those of the node."""
    places, mixes = decided.places, []
    path, went_on = places.path[places.counted.of_lead], decided.went_on
    for node in places.tree.nodes:
        on = leads & went_on[places.counted.of_lead, node.number - 1]
        n = np.column_stack([
            grouping.add_up(on & np.isin(path, part)).sum(axis=1) for part in node.parts
        ])  # fmt: skip
        mixes.append(np.nan_to_num(divide(n, n.sum(axis=1, keepdims=True))))
    return mixes


def _list_children(tree: Tree) -> list[list[int]]:
    """Of each node and part, the number of the node behind it; 0 where that is the sale."""
    behind = {(node.parent, node.segments): node.number for node in tree.nodes}
    return [[behind.get((node.number, part), 0) for part in node.parts] for node in tree.nodes]


def _value(tree: Tree, rates: np.ndarray, mix: list[np.ndarray]) -> np.ndarray:
    """The chance to buy of those who came to each node, (n_groups, n_nodes)."""
    value, children = np.ones((len(rates), len(tree.nodes) + 1)), _list_children(tree)
    for node in reversed(tree.nodes):  # children have higher numbers; [:, 0] is the sale
        k = node.number - 1
        value[:, node.number] = rates[:, k] * (mix[k] * value[:, children[k]]).sum(axis=1)
    return value[:, 1:]


def _differentiate(tree: Tree, rates: np.ndarray, mix: list[np.ndarray]) -> np.ndarray:
    """By how much the chance to buy rises with the share that goes on at each node, (n_groups,
    n_nodes): the chance to come there, times that to buy once one has gone on."""
    children = _list_children(tree)
    value = np.column_stack([np.ones(len(rates)), _value(tree, rates, mix)])
    comes, pull = np.zeros((len(rates), len(tree.nodes) + 1)), np.zeros(rates.shape)
    comes[:, 1] = 1
    for node in tree.nodes:
        k = node.number - 1
        pull[:, k] = comes[:, node.number] * (mix[k] * value[:, children[k]]).sum(axis=1)
        for part, child in enumerate(children[k]):
            if child:
                comes[:, child] = comes[:, node.number] * rates[:, k] * mix[k][:, part]
    return pull
