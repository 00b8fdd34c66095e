"""Count where clients are lost: the step not taken, asked or not, the money."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.money import split_currencies, take_amounts
from funnel_lib.core.tables import arrange
from funnel_lib.counting.missed import ASKED, find_missed, list_codes
from funnel_lib.sections.section import Source, check_choice, is_given
from funnel_lib.stats.intervals import divide

LEAST = 0.001  # membership of a segment below which a lead is not listed


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


def list_lost(
    source: Source, step: str = "", asked: str = "", segment: str = "all"
) -> pd.DataFrame:
    """Which lost leads stand behind a number of the table `losses`?

    Rows of the table `leads`, `missed_step` and `asked` by the funnel of `segment`; one of these
    that is not given does not matter. Of a segment `probability` says how much each lead is of it,
    the surest first: its numbers are the sums of these. Leads below 0.001 are left out.
    """
    ids = [group.segment for group in source.all_groups]
    group = source.all_groups[ids.index(check_choice("segment", segment, ids))]
    found, path = find_missed(source.journeys, group), group.path or source.steps.before_sale
    leads = source.tables["leads"]
    lost = leads["entered_at"].notna() & (leads["status"] == "lost") & (found.missed >= 0)
    if segment != "all":
        leads = leads.assign(probability=group.weigh(len(leads)))
        lost &= leads["probability"] >= LEAST
    if is_given(step):
        lost &= found.missed == path.index(check_choice("step", step, path))
    if is_given(asked):
        lost &= found.asked == ASKED.index(check_choice("asked", asked, ASKED))
    steps, words = np.array(path, object)[found.missed], np.array(ASKED, object)[found.asked]
    found = leads.assign(missed_step=steps, asked=words)[lost]
    if segment != "all":
        found = found.sort_values("probability", ascending=False, kind="stable")
    return found.reset_index(drop=True)
