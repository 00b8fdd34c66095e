"""Count who came to each place of the clients' paths, who went on, who was lost there."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.groups import UNDETERMINED, Segmentation
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import arrange
from funnel_lib.counting.asked import ASKED
from funnel_lib.counting.tree import find_places
from funnel_lib.counting.waits import HOURS, count_waits
from funnel_lib.stats.incidence import find_quantile


def count_tree(journeys: Journeys, segmentation: Segmentation | None = None) -> pd.DataFrame:
    """Where do clients stand on their own paths: who came, went on, was lost, is open? The table
    `tree`, of whole leads; see `tree.find_places`.

    Examples
    --------
    >>> log = build_log(pd.DataFrame({
    ...     "lead_id": [*"aabbcc"], "action": ["ask", "pay", "ask", "read", "ask", "gone"],
    ...     "at": pd.date_range("2025-01-01", periods=6)}))
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "read"}, {"id": "pay"}], won="pay",
    ...               lost=["gone"])
    >>> journeys = build_journeys(log, steps)
    >>> table = count_tree(journeys)
    >>> table[["step", "n_came", "n_went_on", "n_lost_unknown", "n_open"]].values.tolist()
    [['ask', 3, 3, 0, 0], ['read', 3, 2, 1, 0], ['pay', 2, 1, 0, 1]]
    """
    places = find_places(journeys, segmentation)
    counted, tree = places.counted, places.tree
    n, lost, open_ = counted.n, counted.has_status("lost"), counted.has_status("open")
    of_node, rows = places.weigh_nodes(), []
    for i, node in enumerate(tree.nodes):
        came, here = places.came[:, i], places.node == node.number
        stands = {
            f"n_lost_{word}": n[here & lost & (places.asked == ASKED.index(answer))].sum()
            for word, answer in (("not_asked", "no"), ("asked", "yes"), ("unknown", "unknown"))
        }
        counts = {
            "n_untold": n[came & (of_node[:, i] < UNDETERMINED)].sum(),
            "n_came": n[came].sum(), "n_went_on": n[places.went_on[:, i]].sum(), **stands,
            "n_open": n[here & open_].sum(),
        }  # fmt: skip
        rows.append({
            "node": node.number, "parent": node.parent or None,
            "segments": tree.name(node.segments), "step": node.step, "next_steps": node.missed,
            **{name: int(np.rint(count)) for name, count in counts.items()},
            "median_days_waited": find_quantile(count_waits(journeys, places, node), 0.5) / HOURS,
        })  # fmt: skip
    table = arrange("tree", rows)
    return table.astype({"parent": "Int64"})
