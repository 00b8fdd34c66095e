"""Count which steps the buyers show."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import arrange
from funnel_lib.core.tallies import tally
from funnel_lib.counting.reach import count_steps
from funnel_lib.stats.intervals import divide


def count_necessity(journeys: Journeys, group: Group | None = None) -> pd.DataFrame:
    """Which share of the buyers shows each step, and how much of that is only the manager's word?
    The table `necessity`.
    """
    steps, group = journeys.steps, group or Group()
    n_steps = len(steps.before_sale)
    counted = tally(journeys, group.memberships)
    won = counted.entered & counted.has_status("won")
    mass = counted.n * counted.members[:, group.column] * won
    shown = count_steps(counted)[:, :n_steps] > 0
    proven = count_steps(counted, ~counted.self_reported)[:, :n_steps] > 0
    n_shown = mass @ shown
    share = np.where(journeys.measurable[:n_steps], divide(n_shown, mass.sum()), np.nan)
    table = pd.DataFrame({
        "segment": group.segment, "step": list(steps.before_sale), "n_won": mass.sum(),
        "n_won_with_evidence": n_shown, "share": share,
        "self_reported_share": divide(mass @ (shown & ~proven), n_shown),
    })  # fmt: skip
    return arrange("necessity", table)
