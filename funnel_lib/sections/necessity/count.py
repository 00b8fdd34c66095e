"""Count which steps the buyers show."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.groups import Segmentation
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import arrange
from funnel_lib.counting.reach import count_steps
from funnel_lib.counting.tree import find_places
from funnel_lib.stats.intervals import divide


def count_necessity(journeys: Journeys, segmentation: Segmentation | None = None) -> pd.DataFrame:
    """Which share of the buyers shows each step, and how much of that is only the manager's word?
    The table `necessity`; of all leads a step is asked of the buyers whose path has it, and of all
    where none has.
    """
    places, ids = find_places(journeys, segmentation), journeys.steps.before_sale
    counted, n_steps = places.counted, len(ids)
    shown = count_steps(counted)[:, :n_steps] > 0
    proven = count_steps(counted, ~counted.self_reported)[:, :n_steps] > 0
    won = counted.n * (counted.entered & counted.has_status("won"))
    has = np.array([[step in path for step in ids] for path in places.tree.paths])
    has |= ~has.any(axis=0)
    own = won[:, None] * has[places.path]
    groups = [("all", own)]
    if len(places.tree.ids) > 1:
        groups += [
            (segment, np.repeat((won * (places.path == k))[:, None], n_steps, axis=1))
            for k, segment in enumerate(places.tree.ids)
        ]
    rows = []
    for segment, mass in groups:
        n_won, n_shown = mass.sum(axis=0), (mass * shown).sum(axis=0)
        share = np.where(journeys.measurable[:n_steps], divide(n_shown, n_won), np.nan)
        rows.append(pd.DataFrame({
            "segment": segment, "step": list(ids), "n_won": n_won, "n_won_with_evidence": n_shown,
            "share": share,
            "self_reported_share": divide((mass * (shown & ~proven)).sum(axis=0), n_shown),
        }))  # fmt: skip
    return arrange("necessity", pd.concat(rows, ignore_index=True))
