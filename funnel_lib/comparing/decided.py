"""Who stood at each place of the tree, and went on or did not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from funnel_lib.core.errors import InputError, suggest
from funnel_lib.core.groups import Segmentation
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.times import NEVER, read_window
from funnel_lib.counting.tree import Node, Places, find_places


@dataclass(frozen=True)
class Decided:
    """Which walks decided at each node; whole leads, each on one path."""

    places: Places
    stood: np.ndarray  # (n_walks, n_nodes) came there, and went on or was lost
    went_on: np.ndarray  # (n_walks, n_nodes)

    def find_node(self, step: str, segment: str = "all") -> Node:
        """The first node before a step, or at a fork before several, joined by `` | ``, on the path
        of a segment, of several joined by ``+``, or of any.

        Raises
        ------
        InputError
            No such segment, or no such step to be missed on its path.
        """
        tree = self.places.tree
        whose = {"all": [*tree.nodes]} | {
            name: [tree.nodes[n - 1] for n in route]
            for name, route in zip(tree.ids, tree.routes, strict=True)
            if len(tree.ids) > 1
        }
        for node in tree.nodes:
            whose.setdefault(tree.name_node(node), []).append(node)
        if segment not in whose:
            raise InputError([f"no segment {segment!r}; there are {', '.join(whose)}"])
        nodes = {node.missed: node for node in reversed(whose[segment])}
        if step not in nodes:
            known = ", ".join(reversed(nodes))
            raise InputError([
                f"no step {step!r} that can be missed{suggest(step, nodes)}; there are {known}"
            ])  # fmt: skip
        return nodes[step]

    def list_leads(self, node: Node) -> tuple[np.ndarray, np.ndarray]:
        """Which leads decided at a node, and which of them went on, (n_leads,) each."""
        of_lead, k = self.places.counted.of_lead, node.number - 1
        return self.stood[of_lead, k], self.went_on[of_lead, k]


def find_decided(
    journeys: Journeys,
    segmentation: Segmentation | None = None,
    within: pd.Timedelta | str | None = None,
) -> Decided:
    """Whose share goes on at each node of the tree, without those still open there?

    Those who did not go on are the lost leads that the table `losses` counts there. With `within`
    only evidence so long after entry counts, and only leads observed for so long: every one of them
    has had its time, so whoever, lost or open, has not gone on by then did not.

    Examples
    --------
    >>> log = build_log(pd.DataFrame({
    ...     "lead_id": ["a", "a", "b", "b", "c"], "action": ["ask", "pay", "ask", "gone", "ask"],
    ...     "at": pd.date_range("2025-01-01", periods=5)}))
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay", lost=["gone"])
    >>> decided = find_decided(build_journeys(log, steps))
    >>> decided.list_leads(decided.find_node("pay"))[0].tolist()
    [True, True, False]
    """
    window = read_window(within)
    places = find_places(journeys, segmentation, window)
    ended = np.ones(len(places.node), bool)
    if window == NEVER:
        ended = places.counted.has_status("lost")
    return Decided(places, places.came & (places.went_on | ended[:, None]), places.went_on)
