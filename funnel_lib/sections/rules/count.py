"""Count how far the three counting rules differ."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import arrange
from funnel_lib.core.tallies import tally
from funnel_lib.counting.reach import (
    RULES,
    find_reached,
    list_parts,
    list_step_codes,
    read_window,
)


def count_rules(
    journeys: Journeys,
    within: pd.Timedelta | str | None = None,
    group: Group | None = None,
) -> pd.DataFrame:
    """How far do the three counting rules differ? The table `funnel_rules`."""
    group, rows, position = group or Group(), [], 0
    counted = tally(journeys, group.memberships, read_window(within))
    mass = counted.n * counted.members[:, group.column]
    for ids, after_sale in list_parts(journeys.steps, group):
        codes = list_step_codes(journeys.steps, ids)
        counts = {}
        for rule in RULES:
            base, reached, _ = find_reached(counted, codes, rule, after_sale)
            counts[rule] = (mass * base) @ reached
        for n, step in enumerate(ids):
            position += 1
            place = {"segment": group.segment, "position": position, "step": step}
            rows += [place | {"rule": rule, "n_reached": counts[rule][n]} for rule in RULES]
    return arrange("funnel_rules", rows)
