"""Count which steps the buyers show."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import arrange
from funnel_lib.stats.intervals import divide


def count_necessity(journeys: Journeys, group: Group | None = None) -> pd.DataFrame:
    """Which share of the buyers shows each step, and how much of that is only the manager's word?
    The table `necessity`.
    """
    steps = journeys.steps
    n_leads, n_steps = len(journeys.leads), len(steps.before_sale)
    group = group or Group()
    weights = group.weigh(n_leads)
    won = (journeys.leads["status"] == "won") & journeys.leads["entered_at"].notna()
    mass = weights * won.to_numpy()
    shown, proven = np.zeros((2, n_leads, n_steps), bool)
    before = journeys.step < n_steps
    lead, step, told = journeys.lead[before], journeys.step[before], journeys.self_reported[before]
    shown[lead, step] = True
    proven[lead[~told], step[~told]] = True
    n_shown = mass @ shown
    share = np.where(journeys.measurable[:n_steps], divide(n_shown, mass.sum()), np.nan)
    table = pd.DataFrame({
        "segment": group.segment, "step": list(steps.before_sale), "n_won": mass.sum(),
        "n_won_with_evidence": n_shown, "share": share,
        "self_reported_share": divide(mass @ (shown & ~proven), n_shown),
    })  # fmt: skip
    return arrange("necessity", table)
