"""What to change first, and what it is worth: the money at stake at each step not taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from funnel_lib.core.errors import InputError, suggest
from funnel_lib.core.groups import Group, find_accounts
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.money import list_money
from funnel_lib.core.steps import Steps
from funnel_lib.core.tables import arrange
from funnel_lib.core.tallies import Tallies, tally
from funnel_lib.counting.added import list_added
from funnel_lib.counting.days import find_mature
from funnel_lib.counting.missed import ASKED, Decided, find_decided, find_missed
from funnel_lib.sections.hypotheses.references import find_benchmark, list_groupings, name_quarter
from funnel_lib.stats.experiments import plan_size
from funnel_lib.stats.intervals import divide
from funnel_lib.stats.resampling import FEWEST_WON, Summands, draw_sums, find_range

LEVERS = ("ask", "help")
FEWEST_DECIDED = 30  # with fewer no share of a step is told
GIVEN, NO_GROUP, FEW_LEADS = "given", "no_group", "few_leads"
MONTH = 365.25 / 12  # days
LONGEST = 3 * 365.25  # days: a test that takes longer is no plan
EQUAL = 1e-9  # shares nearer to each other are one share, summed in two ways


def build_hypotheses(
    journeys: Journeys,
    groups: list[Group],
    references: dict[str, float] | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """What would it bring if at each step as many went on as in the best comparable group? The
    table `hypotheses`.

    Where there are segments, all leads together are left out. `references` are shares to reach, by
    step, in place of the best group's. Which leads have had their time: see `find_mature`.

    Notes
    -----
    The share of those past a step that buy is of those who were closed. A lever's part is its part
    of the lost. It is assumed that those won over would go on like those who take the step now,
    that the reference can be reached, and that its lead over the others is not owed to its leads.
    Who stops before the paths of several segments part belongs to them in proportion; so that one
    segment's better group does not lend its lead to another, every group is taken to have the same
    mix of these segments there (see `find_benchmark`). Ranges: shares of groups are drawn from
    their posterior (`shrinkage.shrink_shares`), the rest by drawing leads again
    (`resampling.draw_sums`).

    Raises
    ------
    InputError
        A reference for an unknown step, or one that is no share.

    Examples
    --------
    >>> planted = plant_log("one", n_leads=2000, seed=1)
    >>> log = build_log(planted.events, planted.leads, planted.truth["observed_until"])
    >>> journeys = build_journeys(log, parse_steps(planted.steps_yaml))
    >>> table = build_hypotheses(journeys, [Group()], {"terms_agreed": 0.95})
    >>> table.loc[0, ["step", "reference"]].tolist()
    ['terms_agreed', 'given']
    """
    references = references or {}
    check_references(references, journeys.steps)
    mature = find_mature(journeys)
    n_entered = int(journeys.leads["entered_at"].notna().sum())
    months, more = _find_months(journeys), n_entered / max(mature.sum(), 1)
    current, units = name_quarter(journeys.observed_until), find_accounts(journeys.leads)
    groups, tables = groups[1:] or groups, []
    of_all = [find_decided(journeys, group) for group in groups]
    counted = tally(journeys, groups[0].memberships)
    groupings = list_groupings(journeys, mature, counted)
    n_mature = counted.add_up(mature)
    own = [counted.members[:, group.column] for group in groups]
    pools = _pool(of_all, own)
    for group, decided, weights in zip(groups, of_all, own, strict=True):
        added, names = _list_sums(journeys, counted, group, decided, mature)
        drawn = _unpack(more * draw_sums(added, units, seed=seed), names)
        now = _unpack(more * added.add_up(np.zeros(len(mature), int), 1), names)
        shares = _share_now(now)[0], _share_now(drawn)
        targets = _find_targets(
            decided, n_mature, weights, pools, references, groupings, shares, seed, current
        )
        table = _weigh(decided.steps, list_money(journeys)[1], now, drawn, targets)
        came = _count_coming(weights, decided) / (months * MONTH)
        inflow = table["step"].map(dict(zip(decided.steps, came, strict=True)))
        table = _plan(table, inflow.to_numpy())
        tables.append(table.assign(segment=group.segment, months=months))
    return arrange("hypotheses", _rank(pd.concat(tables, ignore_index=True)))


def read_references(conditions: list[str]) -> dict[str, float]:
    """Read references written as ``STEP=SHARE``, the share such as 0.8, 0,8 or 80%."""
    found, problems = {}, []
    for condition in conditions:
        step, _, text = condition.partition("=")
        number = text.strip().removesuffix("%").replace(",", ".")
        try:
            share = float(number) / (100 if text.strip().endswith("%") else 1)
        except ValueError:
            share = np.nan
            problems.append(f"reference {condition!r}: write it as STEP=SHARE, e.g. paid=0.8")
        if found.get(step.strip(), share) != share and share == share:
            problems.append(f"reference {condition!r}: this step has another share, too; give one")
        found[step.strip()] = share
    if problems:
        raise InputError(problems)
    return found


def check_references(references: dict[str, float], steps: Steps) -> None:
    """Raise an `InputError` for references to steps that are not before the sale, or no shares."""
    ids = steps.before_sale
    problems = [
        f"reference {step}={share}: no step {step!r} before the sale{suggest(step, ids)}"
        for step, share in references.items()
        if step not in ids
    ]
    problems += [
        f"reference {step}={share}: give a share above 0, at most 1"
        for step, share in references.items()
        if not 0 < share <= 1
    ]
    if problems:
        raise InputError(problems)


@dataclass(frozen=True)
class _Target:
    """Where a step's share could rise to: the reference's name and share, and how far that is above
    the share now, (n_draws,)."""

    name: str
    share: float
    gap: np.ndarray


def _find_months(journeys: Journeys) -> float:
    """How many months the leads' entries span; a day at least."""
    entered = journeys.leads["entered_at"]
    days = (entered.max() - entered.min()) / pd.Timedelta("1D") if entered.notna().any() else 0
    return max(days, 1) / MONTH


def _pool(of_all: list[Decided], weights: list[np.ndarray]) -> dict[tuple, np.ndarray]:
    """Walks of all segments that begin alike: the steps before → weights of those that stood there,
    the steps before and the next one → those that stood before it and went on, (2, n_walks)."""
    pools: dict[tuple, np.ndarray] = {}
    for decided, own in zip(of_all, weights, strict=True):
        for place, step in enumerate(decided.steps):
            before = decided.steps[:place]
            stood, went_on = own * decided.stood[:, place], own * decided.went_on[:, place]
            pools[before,] = pools.get((before,), 0.0) + stood
            pools[before, step] = pools.get((before, step), 0.0) + np.array([stood, went_on])
    return pools


def _list_sums(
    journeys: Journeys, counted: Tallies, group: Group, decided: Decided, mature: np.ndarray
) -> tuple[Summands, list[tuple[str, int, int]]]:
    """What each lead adds to each sum; and the sums: name, steps and currencies, by both of which
    they differ, in this order."""
    currency, names, amount = list_money(journeys)
    won, closed = counted.has_status("won"), ~counted.has_status("open")
    amount = np.where(won[counted.of_lead], amount, np.nan)
    never = find_missed(counted, group).asked == ASKED.index("no")
    lost = decided.stood & ~decided.went_on
    by_step = {
        "decided": decided.stood, "went_on": decided.went_on, "never": lost & never[:, None],
    }  # fmt: skip
    n_steps, n = len(decided.steps), len(names)
    of_currency = [mature & (currency == code) for code in range(n)]
    factors = [mature, *of_currency] if n > 1 else [mature]
    own, last = [*range(len(factors) - n, len(factors))], len(factors)
    factors += [mine & np.isfinite(amount) for mine in of_currency]
    factors += [mine * np.nan_to_num(amount) for mine in of_currency]
    one = np.ones((len(won), 1))
    sums = [
        *((name, mark, n_steps, n, own * n_steps) for name, mark in by_step.items()),
        ("ended", decided.went_on & closed[:, None], n_steps, 1, [0] * n_steps),
        ("won", won[:, None], 1, 1, [0]),
        ("paid", one, 1, n, [*range(last, last + n)]),
        ("money", one, 1, n, [*range(last + n, last + 2 * n)]),
    ]
    marks = np.hstack([np.repeat(mark, k, axis=1) for _, mark, _, k, _ in sums]).astype(float)
    which = np.array([f for *_, numbers in sums for f in numbers])
    added = list_added(counted, [group], factors, which, marks)
    return added, [(name, steps, k) for name, _, steps, k, _ in sums]


def _unpack(sums: np.ndarray, names: list[tuple[str, int, int]]) -> dict[str, np.ndarray]:
    """Sums side by side → each by its name, (n_draws, n_steps, n_currencies)."""
    found, at = {}, 0
    for name, n_steps, n in names:
        found[name] = sums[:, at : at + n_steps * n].reshape(-1, n_steps, n)
        at += n_steps * n
    return found


def _share_now(sums: dict[str, np.ndarray]) -> np.ndarray:
    """Share of those who decided on each step that went on, (n_draws, n_steps)."""
    return np.minimum(divide(sums["went_on"].sum(axis=2), sums["decided"].sum(axis=2)), 1)


def _find_targets(
    decided, n_mature, weights, pools, references, groupings, shares, seed, current
) -> list[_Target]:
    """Find the reference of each step; a group's is never below the share now.

    `shares`: the share of each step now, (n_steps,), and its draws, (n_draws, n_steps).
    """
    (now, shares), targets = shares, []
    for place, step in enumerate(decided.steps):
        n = (n_mature * weights) @ decided.stood[:, place]
        before, nothing = decided.steps[:place], np.full(len(shares), np.nan)
        if n < FEWEST_DECIDED:
            target = _Target(FEW_LEADS, np.nan, nothing)
        elif step in references:
            share = references[step]
            target = _Target(GIVEN, _level(share, now[place]), share - shares[:, place])
        elif (
            best := find_benchmark(
                groupings, n_mature, *pools[before, step], pools[before,], seed, current
            )
        ) is None:
            target = _Target(NO_GROUP, np.nan, nothing)
        else:
            share = _level(max(best.share, now[place]), now[place])
            target = _Target(best.name, share, best.gap)
        targets.append(target)
    return targets


def _level(reference: float, share: float) -> float:
    """The reference, or the very share now where the two differ by rounding alone."""
    return float(share if abs(reference - share) < EQUAL else reference)


def _plan(table: pd.DataFrame, inflow: np.ndarray) -> pd.DataFrame:
    """Add how long a test takes at a step's leads a day; no plan where three years are too few."""
    days = np.ceil(divide(2 * table["n_needed_per_arm"].to_numpy(), inflow))
    feasible = days <= LONGEST
    return table.assign(
        n_needed_per_arm=table["n_needed_per_arm"].where(feasible),
        days_needed=np.where(feasible, days, np.nan),
    )


def _gain(
    sums: dict[str, np.ndarray], gap: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Deals and money that gaps bring, and the part of `ask`: (n_draws, n_steps, n_currencies)."""
    rest = divide(sums["won"][:, :, 0], sums["ended"][:, :, 0])
    lost = np.maximum(sums["decided"] - sums["went_on"], 0)
    more = np.where(lost > 0, np.maximum(gap, 0)[:, :, None] * sums["decided"], 0)
    won = more * rest[:, :, None]
    amount = won * divide(sums["money"], sums["paid"])
    ask = np.clip(np.nan_to_num(divide(sums["never"], lost)), 0, 1)
    return won, amount, ask


def _weigh(steps, currencies, now, drawn, targets: list[_Target]) -> pd.DataFrame:
    """One row a step, currency and lever, in the order of the funnel."""
    share, reference = _share_now(now)[0], np.array([t.share for t in targets])
    won, amount, ask = (x[0] for x in _gain(now, (reference - share)[None]))
    draws = _gain(drawn, np.column_stack([t.gap for t in targets]))
    if not now["won"].sum() >= FEWEST_WON:
        won, amount = np.full((2, *won.shape), np.nan)
    needed, n_decided = plan_size(share, np.maximum(share, reference)), now["decided"][0]
    lost, rows = n_decided - now["went_on"][0], []
    for place, code in np.ndindex(won.shape):
        cell, known = (place, code), bool(np.isfinite(amount[place, code]))
        gained, gains = (amount, draws[1]) if known else (won, draws[0])
        both = _find_bounds(gains[:, place, code], gained[cell])
        asks = draws[2][:, place, code]
        halves = ((ask[cell], asks), (1 - ask[cell], 1 - asks))
        for lever, (part, parts) in zip(LEVERS, halves, strict=True):
            low, high = _find_bounds(gains[:, place, code] * parts, gained[cell] * part)
            rows.append({
                "step": steps[place], "lever": lever, "share_now": share[place],
                "share_reference": reference[place], "reference": targets[place].name,
                "extra_won": won[cell] * part, "extra_amount": amount[cell] * part,
                "low": low, "high": high, "currency": currencies[code],
                "n_needed_per_arm": needed[place], "n_decided": n_decided[cell],
                "n_lost": lost[cell] * part, "step_won": won[cell], "step_amount": amount[cell],
                "step_low": both[0], "step_high": both[1],
            })  # fmt: skip
    return pd.DataFrame(rows)


def _find_bounds(draws: np.ndarray, value: float) -> tuple[float, float]:
    """The range of a gain, which holds its own value; empty where that cannot be told."""
    if not np.isfinite(value):
        return np.nan, np.nan
    low, high = map(float, find_range(draws[np.isfinite(draws)]))
    low = low if low > EQUAL * high else 0.0  # what sums of floats leave is no gain
    return min(low, value), max(high, value)


def _count_coming(weights: np.ndarray, decided: Decided) -> np.ndarray:
    """How many leads came before each step, open ones included, (n_steps,)."""
    counted = decided.counted
    came = np.column_stack([counted.entered, decided.went_on[:, :-1]])
    return (counted.n * weights) @ came


def _rank(table: pd.DataFrame) -> pd.DataFrame:
    """The step with most at stake first, its levers together; what nobody lost by a lever is left
    out, unless nobody was lost at the step at all."""
    alone = len(table["currency"].unique()) == 1 and table["step_amount"].notna().any()
    key = table["step_amount"] if alone else table["step_won"]
    n_lost = table.groupby(["segment", "step", "currency"])["n_lost"].transform("sum")
    shown = (table["n_lost"] >= 0.5) | ((n_lost < 0.5) & (table["lever"] == LEVERS[1]))
    shown |= (n_lost >= 0.5) & (table["n_lost"] >= n_lost / 2)
    table = table.assign(key=key.fillna(-1), order=np.arange(len(table)))[shown]
    table = table.sort_values(["key", "order"], ascending=[False, True], kind="stable")
    return table.drop(columns=["key", "order"]).reset_index(drop=True)
