"""What each segment brings and takes: money and managers' actions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.events import ACTORS, STAGE_PREFIX, EventLog, lead_codes
from funnel_lib.core.groups import Group, find_accounts
from funnel_lib.core.journeys import Journeys, name_actions
from funnel_lib.core.money import split_currencies, take_amounts
from funnel_lib.counting.days import find_outcome_days
from funnel_lib.stats.incidence import estimate_incidence, find_half_time
from funnel_lib.stats.intervals import add_by_membership
from funnel_lib.stats.resampling import FEWEST_WON, draw_sums, find_range

MEASURES = (
    "n_leads", "n_won", "amount_won", "n_actions", "amount_per_lead", "manager_actions_per_lead",
    "manager_actions_per_won", "amount_per_manager_action", "share_of_actions", "share_of_amount",
)  # fmt: skip


def count_actions(log: EventLog, journeys: Journeys) -> np.ndarray:
    """How many actions did managers take for each lead, (n_leads,)?

    What only keeps the CRM up to date is none: changes of stage, and what the steps file lists as
    `lost`, `self_reported` or `ignore`. All NaN where no event says that a manager acted.

    Examples
    --------
    >>> log = build_log(pd.DataFrame({
    ...     "lead_id": "a", "action": ["ask", "call", "stage: Called"], "at": "2025-01-01",
    ...     "actor": ["client", "manager", "manager"]}))
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay")
    >>> count_actions(log, build_journeys(log, steps)).tolist()
    [1.0]
    """
    by_manager = (log.events["actor"] == ACTORS[1]).to_numpy()
    if not by_manager.any():
        return np.full(len(journeys.leads), np.nan)
    steps = journeys.steps
    records = name_actions(log, (*steps.lost, *steps.records, f"{STAGE_PREFIX}*"))
    by_manager = by_manager & ~records
    n = np.bincount(lead_codes(log)[by_manager], minlength=len(log.leads))
    return n[pd.Index(log.leads["lead_id"]).get_indexer(journeys.leads["lead_id"])].astype(float)


def count_value(log: EventLog, journeys: Journeys, groups: list[Group]) -> pd.DataFrame:
    """What does each segment bring, and what does it take?

    Parameters
    ----------
    log, journeys : the log and its journeys
    groups : of `groups.list_groups`: all leads, then the segments

    Returns
    -------
    frame, one row a segment and currency of the leads: segment, n_leads (that entered), n_won,
    amount_won (of the won leads whose amount counts, see `money.take_amounts`), amount_per_lead (of
    n_leads), median_days_to_won (in which half of those who buy have bought, open leads taken into
    account; see `incidence.find_half_time`), manager_actions_per_lead, amount_per_manager_action
    (see `count_actions`), currency. Where no amount of a currency is known, its money is empty.
    Money of different currencies is never summed.

    Examples
    --------
    >>> planted = plant_log("kettles", n_leads=300, seed=1)
    >>> log = build_log(planted.events, planted.leads, planted.truth["observed_until"])
    >>> journeys = build_journeys(log, parse_steps(planted.steps_yaml))
    >>> count_value(log, journeys, [Group()])[["segment", "n_leads", "currency"]].values.tolist()
    [['all', 300.0, 'RUB']]
    """
    cells, sums = _add_up(log, journeys, groups)
    table = _relate(cells, sums.sum(axis=0)[None])
    currency, _ = split_currencies(journeys.leads)
    day, cause = find_outcome_days(journeys)
    days = []
    for group, code in zip(cells["group"], cells["code"], strict=True):
        watched = np.where(currency == code, day, -1)
        found = estimate_incidence(watched, cause, group.of(np.ones(len(day), bool)))
        days.append(find_half_time(found.incidence, found.at_risk))
    values = {name: table[name][0] for name in MEASURES}
    frame = pd.DataFrame(values).assign(median_days_to_won=days)
    return frame.assign(segment=cells["segment"], currency=cells["currency"])[_VALUE]


def find_value_ranges(
    log: EventLog, journeys: Journeys, groups: list[Group], seed: int = 0
) -> pd.DataFrame:
    """How sure is what each segment brings and takes, and is effort spent where money comes from?

    Parameters
    ----------
    log, journeys, groups : as in `count_value`
    seed : of the draws

    Returns
    -------
    frame, one row a segment, currency and measure: segment, currency, measure (one of `MEASURES`;
    n_actions are managers' actions; share_of_actions and share_of_amount are the segment's shares
    of those of all leads of the currency), value, low, high: 95% interval by drawing leads again,
    or whole accounts where one has several deals. Intervals are empty with fewer than `FEWEST_WON`
    won leads. Memberships are taken as estimated from the leads drawn; the paths stay.

    Examples
    --------
    >>> find_value_ranges(log, journeys, groups)  # doctest: +SKIP
    """
    cells, sums = _add_up(log, journeys, groups)
    values = _relate(cells, sums.sum(axis=0)[None])
    drawn = _relate(cells, draw_sums(sums, find_accounts(journeys.leads), seed=seed))
    few = values["n_won"][0] < FEWEST_WON
    parts = []
    for measure in MEASURES:
        low, high = find_range(drawn[measure])
        parts.append(pd.DataFrame({
            "segment": cells["segment"], "currency": cells["currency"], "measure": measure,
            "value": values[measure][0], "low": np.where(few, np.nan, low),
            "high": np.where(few, np.nan, high),
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


_VALUE = [
    "segment", "n_leads", "n_won", "amount_won", "amount_per_lead", "median_days_to_won",
    "manager_actions_per_lead", "amount_per_manager_action", "currency",
]  # fmt: skip
_SUMS = 4  # leads, won, money won, managers' actions


def _add_up(log: EventLog, journeys: Journeys, groups: list[Group]):
    """List the cells (segment and currency), and what each lead adds to each cell's sums."""
    leads = journeys.leads
    currency, names = split_currencies(leads)
    amount, entered = take_amounts(leads), leads["entered_at"].notna().to_numpy()
    won, actions = (leads["status"] == "won").to_numpy(), count_actions(log, journeys)
    marks = np.column_stack([
        np.ones(len(leads)), won, np.where(won, np.nan_to_num(amount), 0),
        np.nan_to_num(actions),
    ])[entered]  # fmt: skip
    acted = bool(np.isfinite(actions).any())
    rows, parts = [], []
    for group in groups:
        for code, name in enumerate(names):
            mine = (currency == code)[entered]
            known = bool(np.isfinite(amount[entered][mine]).any())
            rows.append((group, group.segment, code, name, known, acted))
            parts.append(add_by_membership(group.of(entered), marks * mine[:, None]))
    sums = np.zeros((len(leads), _SUMS * len(rows)))
    sums[entered] = np.hstack(parts)
    columns = ["group", "segment", "code", "currency", "money_known", "acted"]
    return pd.DataFrame(rows, columns=columns), sums


def _relate(cells: pd.DataFrame, sums: np.ndarray) -> dict[str, np.ndarray]:
    """Measures of every cell, (n_draws, n_cells) each, from the sums of each draw."""
    leads, won, amount, actions = sums.reshape(len(sums), len(cells), _SUMS).transpose(2, 0, 1)
    amount = np.where(cells["money_known"].to_numpy(), amount, np.nan)
    actions = np.where(cells["acted"].to_numpy(), actions, np.nan)
    first = cells.drop_duplicates("code").index.to_numpy()[cells["code"]]  # the cell of all leads
    with np.errstate(divide="ignore", invalid="ignore"):
        related = {
            "n_leads": leads, "n_won": won, "amount_won": amount, "n_actions": actions,
            "amount_per_lead": amount / leads, "manager_actions_per_lead": actions / leads,
            "manager_actions_per_won": actions / won, "amount_per_manager_action": amount / actions,
            "share_of_actions": actions / actions[:, first],
            "share_of_amount": amount / amount[:, first],
        }  # fmt: skip
    return {name: np.where(np.isfinite(x), x, np.nan) for name, x in related.items()}


EFFORT_ABOVE, EFFORT_BELOW, EFFORT_EVEN = "above", "below", "even"


def compare_effort(value_ranges: pd.DataFrame) -> pd.DataFrame:
    """Where is more effort spent than money comes from, beyond chance?

    Parameters
    ----------
    value_ranges : what `effort.find_value_ranges` returns

    Returns
    -------
    frame, one row a segment (without all leads) and currency whose two shares are known: segment,
    currency, actions, actions_low, actions_high (share of managers' actions), amount, amount_low,
    amount_high (share of the money won), effort: ``above`` the money or ``below`` it where the two
    intervals do not overlap, else ``even`` (as without intervals)

    Examples
    --------
    >>> ranges = pd.DataFrame({
    ...     "segment": "s1", "currency": "EUR", "measure": ["share_of_actions", "share_of_amount"],
    ...     "value": [0.7, 0.4], "low": [0.6, 0.3], "high": [0.8, 0.5]})
    >>> compare_effort(ranges)[["segment", "actions", "amount", "effort"]].values.tolist()
    [['s1', 0.7, 0.4, 'above']]
    """
    keys, sides = ["segment", "currency"], []
    for side in ("actions", "amount"):
        rows = value_ranges[value_ranges["measure"] == f"share_of_{side}"]
        names = {"value": side, "low": f"{side}_low", "high": f"{side}_high"}
        sides.append(rows[[*keys, *names]].rename(columns=names))
    pairs = sides[0].merge(sides[1], on=keys)
    known = pairs["actions"].notna() & pairs["amount"].notna()
    pairs = pairs[known & (pairs["segment"] != "all")].reset_index(drop=True)
    is_above = pairs["actions_low"] > pairs["amount_high"]
    is_below = pairs["actions_high"] < pairs["amount_low"]
    effort = np.select([is_above, is_below], [EFFORT_ABOVE, EFFORT_BELOW], EFFORT_EVEN)
    return pairs.assign(effort=effort)


# what is told of segments, the first whose values are known: measure, its sentence, is less better
_COMPARED = (
    ("amount_per_manager_action", "sentence.value_action", False),
    ("amount_per_lead", "sentence.value_lead", False),
    ("manager_actions_per_won", "sentence.value_deals", True),
)
