"""How long leads waited before each next step of the tree."""

from __future__ import annotations

import numpy as np

from funnel_lib.core.journeys import Journeys
from funnel_lib.core.times import HOUR, NEVER, to_micros
from funnel_lib.counting.days import find_causes, find_first_evidence, find_heard
from funnel_lib.counting.tree import Node, Places
from funnel_lib.stats.incidence import FEW, OPEN, find_quantile

HOURS = 24  # of a day
NORMAL = 0.9  # a wait longer than that of so many who went on is standing still


def count_wait(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Whole hours from one moment to another; -1 where one never came or they came the other way
    round."""
    both = (start < NEVER) & (end < NEVER) & (end >= start)
    return np.where(both, (end - np.where(both, start, end)) // HOUR, -1)


def count_waits(
    journeys: Journeys, places: Places, node: Node, from_entry: bool = False
) -> np.ndarray:
    """How many whole leads went on from a node so many hours after they came to it, or after entry,
    (n_hours,)? Of those whose coming and going on are both known, in that order."""
    key = "waits", from_entry
    kept = journeys.kept.get(key)
    if kept is None or kept[0] is not places:
        kept = journeys.kept[key] = places, {}
    if node.number not in kept[1]:
        kept[1][node.number] = _count_waits(journeys, places, node, from_entry)
    return kept[1][node.number]


def _count_waits(journeys: Journeys, places: Places, node: Node, from_entry: bool) -> np.ndarray:
    of_lead, tree, hours = places.counted.of_lead, places.tree, np.zeros(0, np.int64)
    for k in node.segments:
        depth = tree.routes[k].index(node.number)
        walks = (places.path == k) & places.went_on[:, node.number - 1]
        leads = np.flatnonzero(walks[of_lead])
        since = to_micros(journeys.leads["entered_at"])
        if depth and not from_entry:
            since = find_first_evidence(journeys, tree.skeletons[k][depth - 1])
        step = tree.skeletons[k][depth]
        taken = find_first_evidence(journeys, step)
        if step == journeys.steps.won:
            taken = np.minimum(taken, to_micros(journeys.leads["sold_at"]))
        waited = count_wait(since[leads], taken[leads])
        own = np.bincount(waited[waited >= 0])
        longest = max(len(hours), len(own))
        hours = np.pad(hours, (0, longest - len(hours))) + np.pad(own, (0, longest - len(own)))
    return hours


def find_normal(journeys: Journeys, places: Places, node: Node) -> float:
    """In how many hours had nine in ten of those who went on from a node done so? NaN where fewer
    than `FEW` did."""
    hours = count_waits(journeys, places, node)
    return find_quantile(hours, NORMAL) if hours.sum() >= FEW else np.nan


def measure_standing(journeys: Journeys) -> np.ndarray:
    """For how many whole hours has each open lead shown no step, (n_leads,)? -1 for the others, and
    for leads that never entered."""
    heard, until = find_heard(journeys), journeys.observed_until.value // 1000
    waits = (find_causes(journeys) == OPEN) & (heard > -NEVER)
    return np.where(waits, (until - np.where(waits, heard, until)) // HOUR, -1)


def find_overdue(journeys: Journeys, places: Places) -> np.ndarray:
    """Which open leads have stood still longer than nine in ten who went on needed, (n_leads,)?"""
    normal = [np.nan, *(find_normal(journeys, places, node) for node in places.tree.nodes)]
    return measure_standing(journeys) > np.array(normal)[places.node[places.counted.of_lead]]
