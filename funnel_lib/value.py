"""What each segment brings and takes: money, managers' actions, orders to come."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from funnel_lib.durations import find_half_time, find_outcome_days
from funnel_lib.events import ACTORS, STAGE_PREFIX, EventLog, lead_codes
from funnel_lib.incidence import OPEN, TAKEN, estimate_incidence
from funnel_lib.intervals import effective_n, move_means, wilson
from funnel_lib.journeys import Journeys, name_actions
from funnel_lib.moments import DAY, NEVER, to_micros
from funnel_lib.money import split_currencies, take_amounts
from funnel_lib.resampling import draw_sums, find_range
from funnel_lib.segments import Group

FEWEST_WON = 5  # with fewer, drawing again says nothing of how sure a sum of money is
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
    >>> from funnel_lib.events import build_log
    >>> from funnel_lib.journeys import build_journeys
    >>> from funnel_lib.steps import Steps
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
    groups : of `segments.list_groups`: all leads, then the segments

    Returns
    -------
    frame, one row a segment and currency of the leads: segment, n_leads (that entered), n_won,
    amount_won (of the won leads whose amount counts, see `money.take_amounts`), amount_per_lead (of
    n_leads), median_days_to_won (in which half of those who buy have bought, open leads taken into
    account; see `durations.find_half_time`), manager_actions_per_lead, amount_per_manager_action
    (see `count_actions`), currency. Where no amount of a currency is known, its money is empty.
    Money of different currencies is never summed.

    Examples
    --------
    >>> from funnel_lib.events import build_log
    >>> from funnel_lib.journeys import build_journeys
    >>> from funnel_lib.planted import plant_log
    >>> from funnel_lib.steps import parse_steps
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


def count_repeats(journeys: Journeys, groups: list[Group]) -> pd.DataFrame:
    """How many buyers buy again, after how long, and for how much?

    Parameters
    ----------
    journeys, groups : as in `count_value`

    Returns
    -------
    frame, one row a segment and currency: segment, currency, n_won (buyers: the first won deal of
    an account; a lead without an account is one of its own), n_again (of them, with a later won
    deal of the same account), share, low, high, amount_again (of those later deals), and
    median_days_to_again (in which half of those who do have bought again, from the first sale).
    A segment's are the buyers whose first deal was of it, a currency's those whose first deal was
    in it; but amount_again is the money of their later deals in that currency, whatever the first.

    Examples
    --------
    >>> from funnel_lib.events import build_log
    >>> from funnel_lib.journeys import build_journeys
    >>> from funnel_lib.steps import Steps
    >>> leads = pd.DataFrame({"lead_id": ["a", "b"], "account_id": "x", "amount": [5.0, 7.0],
    ...                       "status": "won", "closed_at": ["2025-01-02", "2025-02-01"]})
    >>> events = pd.DataFrame({"lead_id": ["a", "b"], "action": "ask",
    ...                        "at": ["2025-01-01", "2025-01-30"]})
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay")
    >>> table = count_repeats(build_journeys(build_log(events, leads), steps), [Group()])
    >>> table[["n_won", "n_again", "amount_again"]].values.tolist()
    [[1.0, 1.0, 7.0]]
    """
    currency, names = split_currencies(journeys.leads)
    first, again_at, amount_again = _follow_accounts(journeys, currency, len(names))
    sold, until = to_micros(journeys.leads["sold_at"]), journeys.observed_until.value // 1000
    again = again_at < NEVER
    waited = (np.where(again, again_at, until) - np.where(first, sold, 0)) // DAY
    rows = []
    for group, (code, name) in product(groups, enumerate(names)):
        everybody = group.weigh(len(first)) * first
        weights = everybody * (currency == code)
        n, n_again = weights.sum(), weights @ again
        share = n_again / n if n else np.nan
        low, high = map(float, wilson(share, effective_n(weights)))
        watched = np.where(weights > 0, np.maximum(waited, 0), -1)
        found = estimate_incidence(watched, np.where(again, TAKEN, OPEN), weights[:, None])
        rows.append((
            group.segment, name, n, n_again, share, low, high, everybody @ amount_again[:, code],
            find_half_time(found.incidence, found.at_risk),
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=_REPEATS)


def find_accounts(leads: pd.DataFrame) -> np.ndarray:
    """What is drawn as a whole, (n_leads,): the account's number, a lead without one its own.

    Examples
    --------
    >>> find_accounts(pd.DataFrame({"account_id": ["x", None, "x", None]})).tolist()
    [0, 1, 0, 2]
    """
    own = pd.Series(np.arange(len(leads)), index=leads.index).astype("str")
    return pd.factorize(("a" + leads["account_id"].astype("str")).fillna(own))[0]


_VALUE = [
    "segment", "n_leads", "n_won", "amount_won", "amount_per_lead", "median_days_to_won",
    "manager_actions_per_lead", "amount_per_manager_action", "currency",
]  # fmt: skip
_REPEATS = [
    "segment", "currency", "n_won", "n_again", "share", "low", "high", "amount_again",
    "median_days_to_again",
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


def add_by_membership(memberships: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """What each lead adds to the sums of w marks, (n_leads, n_marks), w the first memberships.

    Memberships are estimated from the same leads, so a lead adds to a segment's sum by changing
    what the others belong to, too. The sums are the same as without that.

    Examples
    --------
    >>> add_by_membership(np.eye(2), np.array([[3.0], [1.0]])).sum()
    np.float64(3.0)
    """
    if memberships.shape[1] == 1 or len(memberships) == 0:
        return memberships[:, :1] * marks
    return move_means(memberships, 0, marks) + memberships[:, 0] @ marks / len(marks)


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


def _follow_accounts(journeys: Journeys, currency: np.ndarray, n_currencies: int):
    """Which leads are their account's first sale, when it bought again, and for how much after, by
    currency (n_leads, n_currencies); NaN where no amount of a currency is known."""
    leads = journeys.leads
    won = (leads["status"] == "won").to_numpy() & leads["entered_at"].notna().to_numpy()
    amount = take_amounts(leads)
    rows = pd.DataFrame({
        "account": find_accounts(leads), "sold": to_micros(leads["sold_at"]),
        "lead_id": leads["lead_id"].astype("str"),
    })[won].sort_values(["account", "sold", "lead_id"])  # fmt: skip
    opening = ~rows["account"].duplicated().to_numpy()
    following = rows.groupby("account")["sold"].shift(-1)
    owner = rows.index.to_numpy()[np.maximum.accumulate(np.where(opening, np.arange(len(rows)), 0))]
    bought = following[opening].dropna().index
    first, again_at = np.zeros(len(leads), bool), np.full(len(leads), NEVER)
    first[rows.index[opening]], again_at[bought] = True, following[bought].astype("int64")
    later = rows.index.to_numpy()[~opening]
    money = np.zeros((len(leads), n_currencies))
    np.add.at(money, (owner[~opening], currency[later]), np.nan_to_num(amount[later]))
    known = [np.isfinite(amount[currency == c]).any() for c in range(n_currencies)]
    return first, again_at, np.where(known, money, np.nan)
