"""Who reached which step, under three declared rules: the counting of funnels."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from funnel_lib.core.errors import InputError, suggest
from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.steps import Steps
from funnel_lib.core.tables import list_columns
from funnel_lib.core.tallies import NOWHERE, Tallies, number_rows, tally
from funnel_lib.core.times import DAY, NEVER, read_window
from funnel_lib.counting.days import Days, count_watched, find_days, find_measurable
from funnel_lib.stats.incidence import OPEN, TAKEN, find_last_day
from funnel_lib.stats.intervals import Cells, divide, wilson

Rule = Literal["passed", "ordered", "any"]
RULES: tuple[Rule, ...] = ("passed", "ordered", "any")
HORIZON = 180  # days after the sale, where no window is given
_COUNTS = ["n_reached", "n_unseen", "n_open"]


def count_funnel(
    journeys: Journeys,
    rule: Rule = "passed",
    within: pd.Timedelta | str | None = None,
    group: Group | None = None,
) -> pd.DataFrame:
    """How many of the leads that entered reached each step?

    Raises `InputError` for an unknown rule, step or window.

    Parameters
    ----------
    rule : ``passed`` evidence of the step or of a later step of the funnel; ``ordered`` evidence at
        or after the time the previous step was reached; ``any`` evidence at any time
    within : count only evidence so long after entry (after the sale: after it), and before the sale
        only leads observed for so long, whatever their status
    group : whose funnel, and by which steps before the sale. One that comes twice needs two events.

    Returns
    -------
    The table `funnel`, of one group. Status won counts as reaching the sale at its closing. What is
    not measurable has no share. After the sale no rule matters, see `count_after_sale`.
    The effective n of a segment is that of `intervals.Cells`, as memberships are estimated.

    Examples
    --------
    >>> log = build_log(pd.DataFrame({
    ...     "lead_id": ["a", "a", "b", "c", "c"], "action": ["ask", "pay", "ask", "ask", "read"],
    ...     "at": pd.date_range("2025-01-01", periods=5)}))
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "read"}, {"id": "pay"}], won="pay")
    >>> table = count_funnel(build_journeys(log, steps))
    >>> table[["step", "n_entered", "n_reached", "n_unseen", "n_open"]].values.tolist()
    [['ask', 3.0, 3.0, 0.0, 0.0], ['read', 3.0, 2.0, 1.0, 1.0], ['pay', 3.0, 1.0, 0.0, 2.0]]
    """
    check_rule(rule)
    group = group or Group()
    window, path = read_window(within), group.path or journeys.steps.before_sale
    counted = tally(journeys, group.memberships, window)
    before = _count(counted, group.column, _code_path(journeys.steps, path, group.segment), rule)
    parts = [before.assign(part="before_sale", step=list(path))]
    if journeys.steps.after_sale:
        parts.append(count_after_sale(journeys, group, window).assign(part="after_sale"))
    table = pd.concat(parts, ignore_index=True)
    table = table.assign(segment=group.segment, position=np.arange(1, len(table) + 1))
    return table.reindex(columns=list_columns("funnel"))


def find_reached(
    counted: Tallies, codes: np.ndarray, rule: Rule = "passed"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which walks reached which position of a funnel, given by its step codes?

    `rule` as in `count_funnel`.

    Returns
    -------
    (base, reached, seen): base (n_walks,) which walks count; reached and seen (n_walks,
    n_positions): reached under the rule; has evidence of the step itself (seen implies nothing
    about the order). Rows outside the base mean nothing.
    """
    base, sold = counted.entered, counted.sold
    sale = codes == counted.steps.ids.index(counted.steps.won)
    seen = count_steps(counted)[:, codes] >= nth_times(codes)
    if rule == "ordered":
        return base, _reach_in_order(counted, codes, sale, sold), seen
    reached = seen.copy()
    reached[:, sale] |= (sold < NOWHERE)[:, None]
    if rule == "passed":
        reached = np.logical_or.accumulate(reached[:, ::-1], axis=1)[:, ::-1]
    return base, reached, seen


def measure_depth(counted: Tallies, codes: np.ndarray) -> np.ndarray:
    """How many steps of a path each walk has behind it, by the rule ``passed``, (n_walks,)."""
    _, reached, _ = find_reached(counted, codes)
    return reached.sum(axis=1)


def check_rule(rule: str) -> None:
    """Raise an `InputError` for an unknown counting rule."""
    if rule not in RULES:
        raise InputError([f"unknown rule {rule!r}; the rules are {', '.join(RULES)}"])


def _code_path(steps: Steps, path: tuple[str, ...], segment: str) -> np.ndarray:
    """Positions in `steps.ids` of the steps of a segment's path, which ends with the sale.

    Raises `InputError` for a step that comes after the sale, or that there is not.
    """
    known, after = steps.ids, steps.after_sale
    if late := [step for step in path if step in after]:
        raise InputError([f"path of {segment}: {late[0]} comes after the sale"])
    if wrong := [step for step in path if step not in known]:
        raise InputError([f"no step {w!r}{suggest(w, known)}" for w in wrong])
    return np.array([known.index(step) for step in path], dtype=np.int64)


def nth_times(codes: np.ndarray) -> np.ndarray:
    """How many times a funnel had the step by this position, (n_positions,), from 1."""
    return pd.Series(codes).groupby(codes).cumcount().to_numpy() + 1


def count_steps(counted: Tallies, which: np.ndarray | slice = slice(None)) -> np.ndarray:
    """How many times does each walk show each step, (n_walks, n_steps), by which evidence?"""
    n_steps = len(counted.steps.ids)
    cell = (counted.walk * np.int64(n_steps) + counted.step)[which]
    return np.bincount(cell, minlength=len(counted.n) * n_steps).reshape(-1, n_steps)


def _reach_in_order(counted: Tallies, codes, is_sale, sold) -> np.ndarray:
    """Take for each position the earliest evidence at or after the previous one, each event once.

    A step that is not measurable is passed by whoever reached the next measurable one.
    """
    walk, step, place = counted.walk, counted.step, counted.place
    n_walks = len(sold)
    reached = np.zeros((n_walks, len(codes)), bool)
    came = np.full(n_walks, -2)  # where the previous position was reached
    # A funnel may have a step twice, and both at one time: rows of evidence are in order, so of
    # each step only rows behind the last one used are still free.
    used = {code: np.full(n_walks, -1) for code in set(codes.tolist())}
    alive = np.ones(n_walks, bool)
    for position, code in enumerate(codes.tolist()):
        if not counted.measurable[code] and not is_sale[position]:
            continue
        rows = np.flatnonzero(step == code)
        rows = rows[(place[rows] >= came[walk[rows]]) & (rows > used[code][walk[rows]])]
        first = rows[np.append(True, walk[rows][1:] != walk[rows][:-1])[: len(rows)]]
        who = walk[first]
        when = np.full(n_walks, NOWHERE)
        when[who] = place[first]
        used[code][who] = first
        if is_sale[position]:
            # the sale may be known by the status alone, and then has its closing time only
            when = np.minimum(when, np.where(sold >= came, sold, NOWHERE))
        alive &= when < NOWHERE
        came = np.where(alive, when, NOWHERE)
        reached[:, position] = alive
    for position in range(len(codes) - 2, -1, -1):
        if not counted.measurable[codes[position]] and not is_sale[position]:
            reached[:, position] = reached[:, position + 1]
    return reached


def _count(counted: Tallies, column: int, codes, rule) -> pd.DataFrame:
    """Sum up a funnel before the sale.

    Walks that reached and show the same positions count alike, and so are one cell.
    """
    base, reached, seen = find_reached(counted, codes, rule)
    n, waiting = len(codes), counted.has_status("open")[base][:, None]
    marks = np.hstack([reached[base], seen[base], waiting])
    first, cell = number_rows(marks)
    cells = Cells.add(counted.members[base], column, counted.n[base], cell, len(first))
    reached, seen, waiting = np.split(marks[first], [n, 2 * n], axis=1)
    weights = cells.mass
    entered, n_reached = float(weights.sum()), weights @ reached
    furthest = np.where(reached, np.arange(1, n + 1), 0).max(axis=1, initial=0)
    measurable = counted.measurable[codes]
    sale = counted.steps.ids.index(counted.steps.won)
    measurable = measurable | ((codes == sale) & counted.has_sales)
    share = np.where(measurable, divide(n_reached, entered), np.nan)
    share = np.minimum(share, 1)  # sums of floats may end above 1
    before = _find_previous(measurable)
    trials = np.column_stack([np.ones(len(weights)), reached])[:, before]
    # of those who reached the previous measurable step; empty where it would exceed 1
    of_previous = np.where(measurable, divide(n_reached, weights @ trials), np.nan)
    of_previous = np.where(of_previous > 1 + 1e-12, np.nan, np.minimum(of_previous, 1))
    low, high = wilson(share, cells.find_effective_n(reached))
    previous_low, previous_high = wilson(of_previous, cells.find_effective_n(reached, trials))
    n_unseen = weights @ (reached & ~seen)
    n_open = (weights * waiting[:, 0]) @ (furthest[:, None] < np.arange(1, n + 1))
    return pd.DataFrame({
        "n_entered": entered, "n_reached": n_reached, "n_unseen": n_unseen, "n_open": n_open,
        "share_of_entered": share, "share_of_previous": of_previous, "low": low, "high": high,
        "previous_low": previous_low, "previous_high": previous_high,
    })  # fmt: skip


def _find_previous(measurable: np.ndarray) -> np.ndarray:
    """For each position, 1 + the last measurable position before it; 0 where there is none."""
    known = np.where(measurable, np.arange(1, len(measurable) + 1), 0)
    return np.maximum.accumulate(np.append(0, known))[:-1]


def count_after_sale(journeys: Journeys, group: Group, window: int = NEVER) -> pd.DataFrame:
    """Which share of the buyers has taken each step after the sale, by its own evidence?

    The rows of the table `funnel` after the sale, none without such steps. The share is the
    incidence by the horizon (Kaplan and Meier: nothing competes, buyers are watched up to the
    export): the window (microseconds; default `HORIZON`), or the last day for which enough buyers
    were watched, the same for every group. Who bought again is counted of accounts (see
    `days.find_purchases`).
    """
    rows, seen = [], find_measurable(journeys)
    for step in journeys.steps.after_sale:
        days = find_days(journeys, step, group)
        watched = count_watched(journeys, step)
        row = {"step": step} | read_after(days, group.column, watched, window)
        if not seen[journeys.steps.ids.index(step)]:
            row |= dict.fromkeys([*_COUNTS, "share", "low", "high"], np.nan)
        rows.append(row | {"share_of_entered": row.pop("share")})
    return pd.DataFrame(rows)


def read_after(days: Days, column: int, watched: np.ndarray, window: int = NEVER) -> dict:
    """The share of a group's buyers, and the counts behind it, at the horizon: n_entered,
    n_reached, n_unseen, n_open, share, low, high, horizon_days; zeros and no share without buyers.

    `watched` is how many of all buyers were watched for so many days, (n_days,).
    """
    found = days.follow(column)
    mass = (days.leads @ days.counted.members[:, column]).reshape(-1, 3)
    if not found.at_risk[0] > 0:
        nothing = dict.fromkeys(("share", "low", "high", "horizon_days"), np.nan)
        return dict.fromkeys(("n_entered", *_COUNTS), 0.0) | nothing
    horizon = min(find_horizon_after(window), find_last_day(watched))
    by = min(horizon, len(found.incidence) - 1)
    reached = mass[: horizon + 1, TAKEN].sum()
    return {
        "n_entered": found.at_risk[0], "n_reached": reached, "n_unseen": 0.0,
        "n_open": mass[:horizon, OPEN].sum(), "share": found.incidence[by],
        "low": found.low[by], "high": found.high[by], "horizon_days": float(horizon),
    }  # fmt: skip


def find_horizon_after(window: int = NEVER) -> int:
    """At which day after the sale is it counted who took a step, where buyers are old enough?"""
    return HORIZON if window == NEVER else window // DAY
