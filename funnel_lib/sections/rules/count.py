"""Count how far the three counting rules differ."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import list_columns
from funnel_lib.counting.reach import RULES, count_funnel


def count_rules(
    journeys: Journeys,
    within: pd.Timedelta | str | None = None,
    group: Group | None = None,
) -> pd.DataFrame:
    """How far do the three counting rules differ? The table `funnel_rules`."""
    tables = [count_funnel(journeys, rule, within, group).assign(rule=rule) for rule in RULES]
    table = pd.concat(tables)[list_columns("funnel_rules")]
    return table.sort_values("position", kind="stable", ignore_index=True)
