"""Count where clients are lost: the step not taken, asked or not, the money."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.money import split_currencies, take_amounts
from funnel_lib.counting.missed import ASKED, find_missed, list_codes
from funnel_lib.stats.intervals import divide


def count_losses(journeys: Journeys, group: Group | None = None) -> pd.DataFrame:
    """At which step not taken are leads lost, were they asked, and what does it cost?

    Parameters
    ----------
    journeys : the leads' client steps
    group : whose losses, by which steps before the sale; default all leads and the global steps

    Returns
    -------
    frame, one row a step that can be missed and currency of the log: segment, missed_step, n_lost
    (lost leads that entered), n_asked, n_not_asked, n_unknown (of n_lost), share_of_lost (of all
    lost leads of the segment), share_of_entered, amount_lost (of the leads whose amount counts, see
    `money.take_amounts`), currency. Open leads are not lost. Steps where nobody is lost have a row
    of zeros.
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
    return table[np.repeat(can_miss, len(names))].reset_index(drop=True)[_LOSS_COLUMNS]


_LOSS_COLUMNS = [
    "segment", "missed_step", "n_lost", "n_asked", "n_not_asked", "n_unknown", "share_of_lost",
    "share_of_entered", "amount_lost", "currency",
]  # fmt: skip
