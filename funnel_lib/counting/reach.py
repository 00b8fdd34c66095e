"""Who reached which step, under three declared rules: the counting of funnels."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import numpy as np
import pandas as pd

from funnel_lib.core.errors import InputError, suggest
from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.times import NEVER, to_micros
from funnel_lib.stats.intervals import effective_n, effective_n_of_segment, wilson

Rule = Literal["passed", "ordered", "any"]
RULES: tuple[Rule, ...] = ("passed", "ordered", "any")
COLUMNS = [
    "segment", "position", "step", "n_entered", "n_reached", "n_unseen", "n_open",
    "share_of_entered", "share_of_previous", "low", "high", "previous_low", "previous_high", "part",
]  # fmt: skip


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
    within : count only evidence so long after entry (after the sale: after it), and only leads
        observed for so long, whatever their status
    group : whose funnel, and by which steps before the sale. One that comes twice needs two events.

    Returns
    -------
    The table `funnel`, of one group. Status won counts as reaching the sale at its closing;
    post-sale time runs from it. The effective n of a segment is that of `effective_n_of_segment`,
    as memberships are estimated.

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
    window = read_window(within)
    group = group or Group()
    parts = []
    for ids, after_sale in list_parts(journeys, group):
        codes = list_step_codes(journeys, ids)
        base, reached, seen = find_reached(journeys, codes, rule, window, after_sale)
        counts = _count(journeys, codes, group.of(base), base, reached, seen)
        part = "after_sale" if after_sale else "before_sale"
        parts.append(counts.assign(part=part, step=list(ids)))
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "position", np.arange(1, len(table) + 1))
    table.insert(0, "segment", group.segment)
    return table[COLUMNS]


def find_reached(
    journeys: Journeys,
    codes: np.ndarray,
    rule: Rule = "passed",
    window: int = NEVER,
    after_sale: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which leads reached which position of a funnel, given by its step codes?

    `rule` and `window` (microseconds) as in `count_funnel`; `after_sale` counts won leads (of those
    that entered) from their sale on.

    Returns
    -------
    (base, reached, seen): base (n_leads,) which leads count; reached and seen (n_leads,
    n_positions): reached under the rule; has evidence of the step itself (seen implies nothing
    about the order). Rows outside the base mean nothing.
    """
    start = to_micros(journeys.leads["sold_at" if after_sale else "entered_at"])
    base = (start < NEVER) & journeys.leads["entered_at"].notna().to_numpy()
    if window < NEVER:
        until = journeys.observed_until.value // 1000
        base &= until - np.where(base, start, until) >= window
    lead = journeys.lead
    inside = base[lead]
    since = journeys.at[inside] - start[lead[inside]]
    inside[inside] = (since >= 0) & (since <= window) if after_sale else since <= window
    lead, step, at = lead[inside], journeys.step[inside], journeys.at[inside]
    sold = np.full(len(base), NEVER)
    if not after_sale:
        sold = to_micros(journeys.leads["sold_at"])
        sold[~base | (sold - np.where(base, start, 0) > window)] = NEVER
    sale = journeys.steps.ids.index(journeys.steps.won)
    seen = _count_seen(lead, step, codes, len(base))
    if rule == "ordered":
        reached = _reach_in_order(journeys, lead, step, at, codes, codes == sale, sold)
    else:
        reached = seen.copy()
        reached[:, codes == sale] |= (sold < NEVER)[:, None]
        if rule == "passed":
            reached = np.logical_or.accumulate(reached[:, ::-1], axis=1)[:, ::-1]
    return base, reached, seen


def check_rule(rule: str) -> None:
    """Raise an `InputError` for an unknown counting rule."""
    if rule not in RULES:
        raise InputError([f"unknown rule {rule!r}; the rules are {', '.join(RULES)}"])


def read_window(within: pd.Timedelta | str | None) -> int:
    """Read a window such as ``"90D"`` as microseconds; `NEVER` for none."""
    if within is None or (isinstance(within, str) and not within):
        return NEVER
    try:
        if not isinstance(within, str | timedelta) or str(within).strip(" +-.0123456789") == "":
            raise ValueError  # pandas would take a bare number for nanoseconds
        window = pd.Timedelta(within)
    except (ValueError, TypeError):
        raise InputError(
            [f"the window {within!r} is no duration; write it as 90D or 12h"]
        ) from None
    if not window >= pd.Timedelta("1us"):
        raise InputError([f"the window {within!r} must be longer than nothing"])
    return window.value // 1000


def list_parts(journeys: Journeys, group: Group) -> list[tuple[tuple[str, ...], bool]]:
    """The two parts of a group's funnel: the ids of its steps, and whether they follow the sale."""
    steps = journeys.steps
    return [(group.path or steps.before_sale, False), (steps.after_sale, True)]


def list_step_codes(journeys: Journeys, ids: tuple[str, ...]) -> np.ndarray:
    """Positions of steps in `steps.ids`; an `InputError` for one that there is not."""
    known = list(journeys.steps.ids)
    wrong = [i for i in ids if i not in known]
    if wrong:
        raise InputError([f"no step {w!r}{suggest(w, known)}" for w in wrong])
    return np.array([known.index(i) for i in ids], dtype=np.int64)


def nth_times(codes: np.ndarray) -> np.ndarray:
    """How many times a funnel had the step by this position, (n_positions,), from 1."""
    return pd.Series(codes).groupby(codes).cumcount().to_numpy() + 1


def _count_seen(lead, step, codes: np.ndarray, n_leads: int) -> np.ndarray:
    """Whether a lead has evidence of each position's step, as many times as the funnel had it."""
    seen = np.zeros((n_leads, len(codes)), bool)
    for position, (code, times) in enumerate(zip(codes, nth_times(codes), strict=True)):
        seen[:, position] = np.bincount(lead[step == code], minlength=n_leads) >= times
    return seen


def _reach_in_order(journeys, lead, step, at, codes, is_sale, sold) -> np.ndarray:
    """Take for each position the earliest evidence at or after the previous one, each event once.

    A step that is not measurable is passed by whoever reached the next measurable one.
    """
    n_leads = len(sold)
    reached = np.zeros((n_leads, len(codes)), bool)
    came = np.full(n_leads, np.iinfo(np.int64).min)  # when the previous position was reached
    # A funnel may have a step twice, and both at one time: rows of evidence are in order, so of
    # each step only rows behind the last one used are still free.
    used = {code: np.full(n_leads, -1) for code in set(codes.tolist())}
    alive = np.ones(n_leads, bool)
    for position, code in enumerate(codes.tolist()):
        if not journeys.measurable[code] and not is_sale[position]:
            continue
        rows = np.flatnonzero(step == code)
        rows = rows[(at[rows] >= came[lead[rows]]) & (rows > used[code][lead[rows]])]
        who, first = np.unique(lead[rows], return_index=True)  # its first row is its earliest
        when = np.full(n_leads, NEVER)
        when[who] = at[rows[first]]
        used[code][who] = rows[first]
        if is_sale[position]:
            # the sale may be known by the status alone, and then has its closing time only
            when = np.minimum(when, np.where(sold >= came, sold, NEVER))
        alive &= when < NEVER
        came = np.where(alive, when, NEVER)
        reached[:, position] = alive
    for position in range(len(codes) - 2, -1, -1):
        if not journeys.measurable[codes[position]] and not is_sale[position]:
            reached[:, position] = reached[:, position + 1]
    return reached


def _count(journeys: Journeys, codes, memberships, base, reached, seen) -> pd.DataFrame:
    """Sum up one part of a funnel; `memberships` (n_base, n_segments), the group's first."""
    weights, reached, seen = memberships[:, 0], reached[base], seen[base]
    entered, n_reached = float(weights.sum()), weights @ reached
    n = len(codes)
    furthest = np.where(reached, np.arange(1, n + 1), 0).max(axis=1, initial=0)
    waiting = weights * (journeys.leads["status"] == "open").to_numpy()[base]
    measurable = journeys.measurable[codes]
    sale = journeys.steps.ids.index(journeys.steps.won)
    measurable = measurable | ((codes == sale) & journeys.has_sales)
    share = n_reached / entered if entered else np.full(n, np.nan)
    share = np.where(measurable, np.minimum(share, 1), np.nan)  # sums of floats may end above 1
    before = _find_previous(measurable)
    trials = np.column_stack([np.ones(len(weights)), reached])[:, before]
    of_previous = _share_of_previous(n_reached, weights @ trials, measurable)
    low, high = wilson(share, _effective(memberships, reached, None))
    previous_low, previous_high = wilson(of_previous, _effective(memberships, reached, trials))
    return pd.DataFrame({
        "n_entered": entered, "n_reached": n_reached, "n_unseen": weights @ (reached & ~seen),
        "n_open": waiting @ (furthest[:, None] < np.arange(1, n + 1)),
        "share_of_entered": share, "share_of_previous": of_previous, "low": low, "high": high,
        "previous_low": previous_low, "previous_high": previous_high,
    })  # fmt: skip


def _effective(memberships, hits, trials) -> np.ndarray | float:
    """The effective n of each share; without rival segments weights are plain weights."""
    if memberships.shape[1] > 1:
        return effective_n_of_segment(memberships, 0, hits, trials)
    weights = memberships[:, 0]
    if trials is None:
        return effective_n(weights)
    return np.array([effective_n(weights * column) for column in trials.T])


def _find_previous(measurable: np.ndarray) -> np.ndarray:
    """For each position, 1 + the last measurable position before it; 0 where there is none."""
    known = np.where(measurable, np.arange(1, len(measurable) + 1), 0)
    return np.maximum.accumulate(np.append(0, known))[:-1]


def _share_of_previous(n_reached, n_previous, measurable) -> np.ndarray:
    """Share of those who reached the previous measurable step; empty where it would exceed 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(measurable & (n_previous > 0), n_reached / n_previous, np.nan)
    return np.where(share > 1 + 1e-12, np.nan, np.minimum(share, 1))
