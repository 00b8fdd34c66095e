"""Count where clients are lost: the step not taken, asked or not, the money."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.money import split_currencies, take_amounts
from funnel_lib.core.tables import arrange
from funnel_lib.counting.missed import ASKED, find_missed, list_codes
from funnel_lib.stats.intervals import divide


def count_losses(journeys: Journeys, group: Group | None = None) -> pd.DataFrame:
    """At which step not taken are leads lost, were they asked, and what does it cost? The table
    `losses`, of all leads by the global steps, or of a group by its own.

    Which amounts count as money: see `money.take_amounts`.
    """
    group = group or Group()
    found, ids = find_missed(journeys, group), group.path or journeys.steps.before_sale
    weights = group.weigh(len(found.last))
    leads = journeys.leads
    entered = leads["entered_at"].notna().to_numpy()
    lost = entered & (leads["status"] == "lost").to_numpy() & (found.missed >= 0)
    currency, names = split_currencies(leads)
    cell = (found.missed * len(names) + currency)[lost]
    size = len(ids) * len(names)
    amount = np.nan_to_num(take_amounts(leads))
    sums = {
        name: np.bincount(cell, (weights * values)[lost], minlength=size)
        for name, values in (
            ("n_lost", np.ones(len(leads))),
            *((f"n_{word}", found.asked == code) for code, word in enumerate(ASKED)),
            ("amount_lost", amount),
        )
    }
    table = pd.DataFrame(sums).rename(columns={"n_yes": "n_asked", "n_no": "n_not_asked"})
    table["segment"] = group.segment
    table["missed_step"] = np.repeat(list(ids), len(names))
    table["currency"] = np.tile(names, len(ids))
    table["share_of_lost"] = divide(table["n_lost"], weights[lost].sum())
    table["share_of_entered"] = divide(table["n_lost"], weights[entered].sum())
    _, can_miss = list_codes(journeys, group)
    return arrange("losses", table[np.repeat(can_miss, len(names))].reset_index(drop=True))
