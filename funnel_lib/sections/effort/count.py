"""What each segment brings and takes: money and managers' actions."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from funnel_lib.core.events import ACTORS, STAGE_PREFIX, EventLog, lead_codes
from funnel_lib.core.evidence import name_actions
from funnel_lib.core.groups import Group, find_accounts
from funnel_lib.core.journeys import Journeys, find_in_log
from funnel_lib.core.tables import list_columns
from funnel_lib.core.tallies import Tallies, tally
from funnel_lib.counting.days import count_days, find_mature, find_outcome_days, follow
from funnel_lib.counting.money import list_money
from funnel_lib.stats.incidence import Incidence, find_half_time
from funnel_lib.stats.intervals import add_by_sizes
from funnel_lib.stats.resampling import FEWEST_WON, Summands, draw_sums, find_range

# Measures of leads that have had their time: these alone are compared.
COMPARED = (
    "n_mature", "n_won_of_mature", "amount_per_mature_lead", "amount_per_mature_action",
    "mature_actions_per_won", "share_of_actions", "share_of_amount",
)  # fmt: skip
ABOVE, BELOW, EVEN, UNSURE = "above", "below", "even", "unsure"  # effort, to the money


def count_actions(log: EventLog, journeys: Journeys) -> np.ndarray:
    """How many actions did managers take for each lead, (n_leads,)?

    What only keeps the CRM up to date is none: changes of stage, and what the steps file lists as
    `lost`, `self_reported` or `ignore`. All NaN where no event says that a manager acted.
    """
    by_manager = (log.events["actor"] == ACTORS[1]).to_numpy()
    if not by_manager.any():
        return np.full(len(journeys.leads), np.nan)
    steps = journeys.steps
    records = name_actions(log, (*steps.lost, *steps.records, f"{STAGE_PREFIX}*"))
    by_manager = by_manager & ~records
    n = np.bincount(lead_codes(log)[by_manager], minlength=len(log.leads))
    return n[find_in_log(log, journeys) >= 0].astype(float)


def count_money(log: EventLog, journeys: Journeys, groups: list[Group]) -> pd.DataFrame:
    """What does each segment bring, and what does it take? The table `value`.

    Money of different currencies is never summed; which amounts count: see `money.take_amounts`. To
    compare segments take the money a mature lead (`days.find_mature`), not that of a lead that
    entered: of a slow segment more are still open. Median days: see `incidence.find_half_time`.

    Examples
    --------
    >>> planted = plant_log("kettles", n_leads=300, seed=1)
    >>> log = build_log(planted.events, planted.leads, planted.truth["observed_until"])
    >>> journeys = build_journeys(log, parse_steps(planted.steps_yaml))
    >>> count_money(log, journeys, [Group()])[["segment", "n_leads", "currency"]].values.tolist()
    [['all', 300.0, 'RUB']]
    """
    cells, added = _add_up(log, journeys, groups)
    values = _relate(cells, added.add_up(np.zeros(len(added.kind), int), 1))
    currency, *_ = list_money(journeys)
    days = []
    for group, code in zip(cells["group"], cells["code"], strict=True):
        found = _follow_sales(journeys, group, currency == code)
        days.append(find_half_time(found.incidence, found.at_risk))
    table = pd.DataFrame({name: of_cell[0] for name, of_cell in values.items()})
    table = table.assign(median_days_to_won=days, **cells[["segment", "currency"]])
    return table[list_columns("value")]


def find_money_ranges(
    log: EventLog, journeys: Journeys, groups: list[Group], seed: int = 0
) -> pd.DataFrame:
    """How sure is what each segment brings and takes, and is effort spent where money comes from?
    The table `value_ranges`, intervals empty with fewer than `FEWEST_WON` won leads. Memberships
    are taken as estimated from the leads drawn; the paths stay.
    """
    cells, added = _add_up(log, journeys, groups)
    values = _relate(cells, added.add_up(np.zeros(len(added.kind), int), 1))
    drawn = _relate(cells, draw_sums(added, find_accounts(journeys.leads), seed=seed))
    parts = []
    for measure, draws in drawn.items():
        won = values["n_won_of_mature" if measure in COMPARED else "n_won"][0]
        low, high = np.where(won < FEWEST_WON, np.nan, find_range(draws))
        ends = {"value": values[measure][0], "low": low, "high": high}
        parts.append(cells[["segment", "currency"]].assign(measure=measure, **ends))
    return judge_effort(pd.concat(parts, ignore_index=True))


NOBODY = 1e-6  # fewer leads are none
_SUMS = 8  # leads, won, money won, managers' actions: of all leads, then of mature ones


def _follow_sales(journeys: Journeys, group: Group, mine: np.ndarray) -> Incidence:
    """By which day had which share of some leads of a group bought?"""
    if mine.all():
        return follow(journeys, "won", group)
    day, cause = find_outcome_days(journeys)
    counted = tally(journeys, group.memberships)
    return count_days(counted, np.where(mine, day, -1), cause).follow(group.column)


def _add_up(log: EventLog, journeys: Journeys, groups: list[Group]):
    """List the cells (segment and currency), and what each lead adds to each cell's sums."""
    leads = journeys.leads
    currency, names, amount = list_money(journeys)
    entered = leads["entered_at"].notna().to_numpy()
    counted = tally(journeys, groups[-1].memberships)
    won, actions = counted.has_status("won")[counted.of_lead], count_actions(log, journeys)
    acted, mature = bool(np.isfinite(actions).any()), find_mature(journeys, groups)
    known, factors = [], []
    for code in range(len(names)):
        mine = (currency == code) & entered
        known.append(bool(np.isfinite(amount[mine]).any()))
        for some in (mine, mine & mature):
            money = np.where(won & some, np.nan_to_num(amount), 0)
            factors += [some, some & won, money, some * np.nan_to_num(actions)]
    cells = pd.DataFrame([
        {"group": group, "segment": group.segment, "code": code, "currency": name,
         "money_known": known[code], "acted": acted}
        for group, (code, name) in product(groups, enumerate(names))
    ])  # fmt: skip
    return cells, list_added(counted, groups, factors)


def list_added(counted: Tallies, groups: list[Group], factors: list[np.ndarray]) -> Summands:
    """What does each lead that entered add to the sums of its factors, each (n_leads,), such as
    amounts of money, by membership: group by group?

    `counted` is with the memberships of the groups. These are estimated from the same leads, so a
    lead adds to a segment's sum by changing what the others belong to, too. The sums are the same
    as without that.
    """
    entered = counted.entered
    totals = np.column_stack([counted.add_up(factor) for factor in factors])
    own, besides = [], []
    for group in groups:
        alone = group.memberships is None
        weights = entered * (1.0 if alone else counted.members[:, group.column])
        own.append(np.repeat(weights[:, None], len(factors), axis=1))
        besides.append(np.zeros(totals.shape))
        if not alone and counted.members.shape[1] > 1:
            mine = counted.members[entered], group.column, totals[entered], counted.n[entered]
            besides[-1][entered] = add_by_sizes(*mine)
    which = np.tile(np.arange(len(factors)), len(groups))
    return Summands(
        counted.of_lead, [np.asarray(factor, float) for factor in factors], which,
        np.hstack(own), np.hstack(besides),
    )  # fmt: skip


def _relate(cells: pd.DataFrame, sums: np.ndarray) -> dict[str, np.ndarray]:
    """Measures of every cell, (n_draws, n_cells) each, from the sums of each draw."""
    sums = sums.reshape(len(sums), len(cells), _SUMS).transpose(2, 0, 1)
    sums = sums.copy()
    for part in (sums[:4], sums[4:]):  # what rounding leaves of a segment without leads
        part[:, np.abs(part[0]) < NOBODY] = 0
    money_known, acted = (cells[name].to_numpy() for name in ("money_known", "acted"))
    (leads, won, amount, actions), (mature, bought, money, acts) = (
        (n, n_won, np.where(money_known, brought, np.nan), np.where(acted, took, np.nan))
        for n, n_won, brought, took in (sums[:4], sums[4:])
    )
    first = cells.drop_duplicates("code").index.to_numpy()[cells["code"]]  # the cell of all leads
    with np.errstate(divide="ignore", invalid="ignore"):
        related = {
            "n_leads": leads, "n_won": won, "amount_won": amount, "n_actions": actions,
            "amount_per_lead": amount / leads, "manager_actions_per_lead": actions / leads,
            "manager_actions_per_won": actions / won, "amount_per_manager_action": amount / actions,
            "n_mature": mature, "n_won_of_mature": bought, "amount_per_mature_lead": money / mature,
            "amount_per_mature_action": money / acts, "mature_actions_per_won": acts / bought,
            "share_of_actions": acts / acts[:, first], "share_of_amount": money / money[:, first],
        }  # fmt: skip
    return {name: np.where(np.isfinite(x), x, np.nan) for name, x in related.items()}


def judge_effort(ranges: pd.DataFrame) -> pd.DataFrame:
    """Where is more effort spent than money comes from, beyond chance?

    Fills `effort` on the rows of a segment's two shares where both are known: ``above`` or
    ``below`` the money where their intervals do not overlap, ``even`` where they do, ``unsure``
    where there are none.
    """
    keys, shares = ["segment", "currency"], ("share_of_actions", "share_of_amount")
    actions, amount = (ranges[ranges["measure"] == share] for share in shares)
    pairs = actions.merge(amount, on=keys, suffixes=("", "_of_amount"))
    pairs = pairs[pairs["segment"] != "all"].dropna(subset=["value", "value_of_amount"])
    is_above = pairs["low"] > pairs["high_of_amount"]
    is_below = pairs["high"] < pairs["low_of_amount"]
    is_even = pairs["low"].notna() & pairs["low_of_amount"].notna()
    effort = np.select([is_above, is_below, is_even], [ABOVE, BELOW, EVEN], UNSURE)
    judged = ranges[keys].merge(pairs[keys].assign(effort=effort), on=keys, how="left")["effort"]
    return ranges.assign(effort=judged.where(ranges["measure"].isin(shares).to_numpy()).to_numpy())
