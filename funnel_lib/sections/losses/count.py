"""Count where clients are lost: the step not taken, asked or not, the money."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.money import list_money
from funnel_lib.core.tables import arrange
from funnel_lib.core.tallies import tally
from funnel_lib.counting.missed import ASKED, find_missed, list_codes, place_leads
from funnel_lib.sections.section import Source, check_choice, is_given
from funnel_lib.stats.intervals import divide

LEAST = 0.001  # membership of a segment below which a lead is not listed


def count_losses(journeys: Journeys, group: Group | None = None) -> pd.DataFrame:
    """At which step not taken are leads lost, were they asked, and what does it cost? The table
    `losses`, of all leads by the global steps, or of a group by its own.

    Which amounts count as money: see `money.take_amounts`.
    """
    group = group or Group()
    counted = tally(journeys, group.memberships)
    found, ids = find_missed(counted, group), group.path or journeys.steps.before_sale
    weights = counted.members[:, group.column]
    lost = counted.entered & counted.has_status("lost") & (found.missed >= 0)
    currency, names, amounts = list_money(journeys)
    mine = currency[:, None] == np.arange(len(names))
    leads, amounts = (
        counted.add_up(values) * weights[:, None]
        for values in (mine, mine * np.nan_to_num(amounts)[:, None])
    )
    step = found.missed[lost]
    sums = {
        name: np.column_stack([np.bincount(step, x, len(ids)) for x in values[lost].T])
        for name, values in (
            ("n_lost", leads),
            *((f"n_{word}", leads * (found.asked == n)[:, None]) for n, word in enumerate(ASKED)),
            ("amount_lost", amounts),
        )
    }  # fmt: skip
    table = pd.DataFrame({name: x.ravel() for name, x in sums.items()})
    table = table.rename(columns={"n_yes": "n_asked", "n_no": "n_not_asked"})
    table["segment"] = group.segment
    table["missed_step"] = np.repeat(list(ids), len(names))
    table["currency"] = np.tile(names, len(ids))
    mass = counted.n * weights
    table["share_of_lost"] = divide(table["n_lost"], mass[lost].sum())
    table["share_of_entered"] = divide(table["n_lost"], mass[counted.entered].sum())
    _, can_miss = list_codes(counted, group)
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
    found, path = place_leads(source.journeys, group), group.path or source.steps.before_sale
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
