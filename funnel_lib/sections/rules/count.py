"""Count how far the three counting rules differ."""

from __future__ import annotations

import pandas as pd

from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import arrange, list_columns
from funnel_lib.counting.reach import RULES, count_funnel


def count_rules(
    journeys: Journeys,
    within: pd.Timedelta | str | None = None,
    group: Group | None = None,
) -> pd.DataFrame:
    """How far do the three counting rules differ? The table `funnel_rules`. After the sale they do
    not, and what is not measurable has no count."""
    group = group or Group()
    tables = [count_funnel(journeys, rule, within, group).assign(rule=rule) for rule in RULES]
    rows = pd.concat(tables).sort_values("position", kind="stable", ignore_index=True)
    return arrange("funnel_rules", rows[list_columns("funnel_rules")])
