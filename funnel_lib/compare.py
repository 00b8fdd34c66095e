"""Groups of leads beside each other: at which step they differ, and what a change is made of."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.errors import InputError, quote_some, suggest
from funnel_lib.funnels import find_reached, read_window
from funnel_lib.intervals import divide, effective_n, wilson
from funnel_lib.journeys import Journeys
from funnel_lib.losses import Decided, find_decided
from funnel_lib.moments import NEVER
from funnel_lib.resampling import draw_sums, find_range
from funnel_lib.segments import Group

PERIODS = ("month", "quarter")
LATER = ("status", "closed_at", "sold_at", "entered_at", "loss_reason", "stage")  # outcome, in part
MOST_VALUES = 50
SMALL_EXPECTED, FEWEST_EXPECTED = 10, 5  # expected cases: below, a hint; below, no test at all
_ROUNDING = 1e-9  # sums of weights below this are owed to rounding alone


def compare_groups(
    journeys: Journeys,
    by: str,
    group: Group | None = None,
    within: pd.Timedelta | str | None = None,
) -> pd.DataFrame:
    """How do groups of leads (managers, teams, sources, periods) differ at each step?

    Parameters
    ----------
    journeys : the leads' client steps
    by : a column of the leads; or ``month`` or ``quarter`` of entry (see `read_values`)
    group : whose steps; default all leads and the global steps
    within : as in `losses.find_decided`

    Returns
    -------
    frame, one row a step that can be missed and group, in the order of the funnel and of names:
    segment, step, column, value (of the group; "" for leads without one, always the last), against
    ("": all other leads; where there are just two groups, the other one, and a step has one row),
    n_base (stood before the step and decided, see `losses.Decided`), n_reached (of them, went on),
    share, n_rest, share_rest (of the leads it is set against), difference (share - share_rest),
    low, high, p, is_small (all of `judge_difference`), p_holm (corrected for all rows with a p).
    Leads that never entered are out; with within, so are those followed for less. Empty with fewer
    than two groups. Compare periods with within: of the leads of a young one only those who decide
    early have decided.

    Raises
    ------
    InputError
        No such column, one known only after the outcome, or with more than `MOST_VALUES` values; or
        periods without within.

    Notes
    -----
    Holm (1979), https://www.jstor.org/stable/4615733. In segments n is Kish's effective number.

    Examples
    --------
    >>> from funnel_lib.events import build_log
    >>> from funnel_lib.journeys import build_journeys
    >>> from funnel_lib.steps import Steps
    >>> log = build_log(pd.DataFrame({"lead_id": [*"abcab"], "action": [*["ask"] * 3, "pay", "bye"],
    ...                               "at": pd.date_range("2025-01-01", periods=5)}),
    ...                 pd.DataFrame({"lead_id": [*"abc"], "manager": ["Anna", "Boris", "Anna"]}))
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay", lost=["bye"])
    >>> table = compare_groups(build_journeys(log, steps), "manager")
    >>> table[["step", "value", "against", "n_base", "share", "share_rest"]].values.tolist()
    [['ask', 'Anna', 'Boris', 2.0, 1.0, 1.0], ['pay', 'Anna', 'Boris', 1.0, 1.0, 0.0]]
    """
    group = group or Group()
    entered = journeys.leads["entered_at"].notna().to_numpy()
    check_equal_time(journeys, by, within)
    values = read_values(journeys, by)
    names = sorted(set(values[entered]), key=lambda name: (name == "", name))
    if len(names) < 2:
        return pd.DataFrame(columns=_COMPARED)
    if len(names) > MOST_VALUES:
        raise InputError([
            f"the column {by!r} has {len(names)} values: compare at most {MOST_VALUES} groups"
        ])  # fmt: skip
    decided = find_decided(journeys, group, within)
    codes = pd.Index(names).get_indexer(values)
    sums = _add_up(decided, codes, len(names), group.weigh(len(entered)))
    n, hits, n_effective, n_rest, hits_rest, n_rest_effective = sums
    shown = len(names) if len(names) > 2 else 1
    share, share_rest = divide(hits, n), divide(hits_rest, n_rest)
    judged = judge_difference(share, n_effective, share_rest, n_rest_effective)
    cells = {"n_base": n, "n_reached": hits, "share": share, "n_rest": n_rest,
             "share_rest": share_rest, **judged}  # fmt: skip
    table = pd.DataFrame({name: x[:, :shown].ravel() for name, x in cells.items()})
    table["segment"], table["column"] = group.segment, by
    table["step"] = np.repeat(list(decided.steps), shown)
    table["value"] = np.tile(names[:shown], len(decided.steps))
    table["against"] = names[1] if shown == 1 else ""
    table["p_holm"] = _correct(table["p"])
    return table[_COMPARED]


def read_values(journeys: Journeys, by: str) -> pd.Series:
    """Which group is each lead in: its text in a column, or its month or quarter of entry?

    Returns
    -------
    Series of texts, (n_leads,), "" where there is none. ``month`` and ``quarter`` (UTC, such as
    ``2025-03`` and ``2025-Q1``) are the lead's own columns where it has such.

    Raises
    ------
    InputError
        No such column, or one known only after the outcome.

    Examples
    --------
    >>> from funnel_lib.events import build_log
    >>> from funnel_lib.journeys import build_journeys
    >>> from funnel_lib.steps import Steps
    >>> log = build_log(pd.DataFrame({"lead_id": ["a"], "action": ["ask"], "at": ["2025-03-01"]}))
    >>> journeys = build_journeys(log, Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay"))
    >>> read_values(journeys, "quarter").tolist(), read_values(journeys, "manager").tolist()
    (['2025-Q1'], [''])
    """
    leads = journeys.leads
    if by in LATER:
        raise InputError(
            [f"{by!r} is known only later than the steps: it cannot tell groups apart"]
        )
    if by in leads:
        return leads[by].astype("str").fillna("")
    if by not in PERIODS:
        known = [*leads.columns, *PERIODS]
        found = quote_some(leads.columns, most=20)
        raise InputError([f"no column {by!r} of the leads{suggest(by, known)}; found {found}"])
    return name_periods(leads["entered_at"], by)


def check_equal_time(journeys: Journeys, by: str, within) -> None:
    """Raise an `InputError` where periods are compared without equal time: of the leads of a young
    one only the quick have decided, and it would look different for that alone."""
    if by in PERIODS and by not in journeys.leads and read_window(within) == NEVER:
        raise InputError([
            f"to compare by {by}, leads need equal time: give within, such as 60D (only leads "
            "followed so long count, and only what they did by then)"
        ])  # fmt: skip


def name_periods(moments: pd.Series, period: str) -> pd.Series:
    """Write the month or quarter (UTC) of moments, "" where there is none.

    Examples
    --------
    >>> name_periods(pd.Series(pd.to_datetime(["2025-03-01", None], utc=True)), "month").tolist()
    ['2025-03', '']
    """
    moments = moments.dt.tz_convert("UTC")
    if period == "month":
        return moments.dt.strftime("%Y-%m").astype("str").fillna("")
    return (moments.dt.strftime("%Y-Q") + moments.dt.quarter.astype("Int64").astype("str")).fillna(
        ""
    )


def judge_difference(
    share: np.ndarray, n: np.ndarray, share_rest: np.ndarray, n_rest: np.ndarray
) -> dict[str, np.ndarray]:
    """How far apart are two shares, and may chance alone have done it?

    Parameters
    ----------
    share, share_rest : arrays of one shape
    n, n_rest : the (effective) numbers of leads behind them

    Returns
    -------
    difference (share - share_rest), low, high (its 95% interval, see `newcombe`), p (two-sided
    z-test with the pooled share, the same as chi-square without correction; empty where fewer than
    `FEWEST_EXPECTED` cases are expected of any kind, or all are alike), is_small (fewer than
    `SMALL_EXPECTED` are)

    Notes
    -----
    Expected cases: Cochran (1954), https://doi.org/10.2307/3001616

    Examples
    --------
    >>> found = judge_difference(*(np.array([x]) for x in (0.8, 70, 0.6, 80)))
    >>> {name: round(float(x[0]), 4) for name, x in found.items()}
    {'difference': 0.2, 'low': 0.0524, 'high': 0.3339, 'p': 0.008, 'is_small': 0.0}
    """
    from scipy.stats import norm

    low, high = newcombe(share, n, share_rest, n_rest)
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = (np.nan_to_num(share) * n + np.nan_to_num(share_rest) * n_rest) / (n + n_rest)
        error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / n_rest))
        p = 2 * norm.sf(np.abs(share - share_rest) / error)
    expected, varies = count_expected(pooled, np.minimum(n, n_rest))
    p = np.where(varies & (expected >= FEWEST_EXPECTED), p, np.nan)
    is_small = ~(expected >= SMALL_EXPECTED)
    return {
        "difference": share - share_rest, "low": low, "high": high, "p": p, "is_small": is_small,
    }  # fmt: skip


def count_expected(pooled: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many cases of the rarer kind are expected of n, and are there two kinds at all?

    Where everybody is of one kind, they are the cases of that kind: many leads that all went on
    are no few leads.

    Examples
    --------
    >>> expected, varies = count_expected(np.array([0.25, 1.0]), np.array([80, 80]))
    >>> expected.tolist(), varies.tolist()
    ([20.0, 80.0], [True, False])
    """
    rarer = np.minimum(pooled, 1 - pooled)
    return n * np.where(rarer > _ROUNDING, rarer, 1 - rarer), rarer > _ROUNDING


def newcombe(
    share: np.ndarray, n: np.ndarray, share_rest: np.ndarray, n_rest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """95% interval of the difference of two independent shares; empty without cases.

    Newcombe (1998), method 10, from the Wilson intervals of both shares,
    https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I

    Examples
    --------
    >>> low, high = newcombe(*(np.array([x]) for x in (0.8, 70, 0.6, 80)))
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.0524], [0.3339])
    """
    (low, high), (low_rest, high_rest) = wilson(share, n), wilson(share_rest, n_rest)
    difference = share - share_rest
    down = np.sqrt((share - low) ** 2 + (high_rest - share_rest) ** 2)
    up = np.sqrt((high - share) ** 2 + (share_rest - low_rest) ** 2)
    return difference - down, difference + up


def split_change(
    journeys: Journeys,
    groups: list[Group],
    by: str,
    before: str,
    after: str,
    within: pd.Timedelta | str | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Did the share of buyers change because other segments came, or because the same ones do
    otherwise?

    Parameters
    ----------
    journeys : the leads' client steps
    groups : of `segments.list_groups`: all leads, then the segments
    by : a column of the leads, or ``month`` or ``quarter`` of entry (see `read_values`)
    before, after : two values of it
    within : count leads followed for so long, and as won those won so soon after entry; default
        leads that are closed, won or lost
    seed : of the draws

    Returns
    -------
    frame, first a row of all leads (segment ``all``), then one a segment, where there are several:
    segment, column, before, after (the two values), n_before, n_after (closed leads; with within:
    followed for so long), share_of_leads_before, share_of_leads_after (of all such leads),
    share_won_before, share_won_after (of n_before and n_after), difference (share_won_after -
    share_won_before), low, high (its 95% interval, see `newcombe`), mix (change of the share of
    all buyers because the segment is larger or smaller), rate (because more or fewer of it buy);
    in the first row their sums, which add up to its difference, with their 95 % ranges mix_low,
    mix_high, rate_low, rate_high from leads drawn again within both values.

    Raises
    ------
    InputError
        No such column, or no lead has such a value.

    Notes
    -----
    Kitagawa (1955), https://doi.org/10.1080/01621459.1955.10501299, m the segment's share of the
    leads and r its share of buyers: mix = (m_after - m_before) (r_before + r_after) / 2, rate =
    (r_after - r_before) (m_before + m_after) / 2. Nobody knows the r of a segment without leads on
    one side; that of the other side stands for it, so that all it changes is mix. Memberships and
    paths are taken as they are.

    Examples
    --------
    >>> from funnel_lib.events import build_log
    >>> from funnel_lib.journeys import build_journeys
    >>> from funnel_lib.steps import Steps
    >>> log = build_log(pd.DataFrame({
    ...     "lead_id": [*"abcdac"], "action": [*["ask"] * 4, *["pay"] * 2],
    ...     "at": pd.to_datetime(["2025-01-01", "2025-01-02"] + ["2025-02-01"] * 4)}),
    ...     pd.DataFrame({"lead_id": [*"abcd"], "status": ["won", "lost", "won", "won"],
    ...                   "period": ["old", "old", "new", "new"]}))
    >>> steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay")
    >>> member = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    >>> groups = [Group(), Group("s1", None, (), member, 0), Group("s2", None, (), member, 1)]
    >>> table = split_change(build_journeys(log, steps), groups, "period", "old", "new")
    >>> table[["segment", "n_before", "n_after", "mix", "rate"]].values.tolist()
    [['all', 2.0, 2.0, 0.5, 0.0], ['s1', 1.0, 2.0, 0.5, 0.0], ['s2', 1.0, 0.0, 0.0, 0.0]]
    """
    check_equal_time(journeys, by, within)
    values = read_values(journeys, by)
    check_values(values, by, (before, after))
    base, won = _find_outcomes(journeys, within)
    own = groups[1:] or groups
    weights = np.column_stack([g.weigh(len(won)) for g in own])
    sides = [(values == str(value)).to_numpy() & base for value in (before, after)]
    adds = [np.hstack([weights, weights * won[:, None]])[side] for side in sides]
    parts = [_decompose(*(x.sum(axis=0) for x in adds))]
    parts.append(_decompose(*(draw_sums(x, seed=seed + k) for k, x in enumerate(adds))))
    table = _tabulate(weights, won, sides)
    table["mix"], table["rate"] = (np.append(x.sum(), x) for x in parts[0])
    for name, draws in zip(("mix", "rate"), parts[1], strict=True):
        ends = find_range(draws.sum(axis=1))
        for end, x in zip(("low", "high"), ends, strict=True):
            table[f"{name}_{end}"] = np.where(table.index == 0, float(x), np.nan)
    table["segment"] = ["all", *(g.segment for g in own)]
    table["column"], table["before"], table["after"] = by, str(before), str(after)
    return table[_CHANGE] if len(groups) > 1 else table[_CHANGE][:1]


def check_values(values: pd.Series, column: str, wanted: tuple[str, ...]) -> None:
    """Raise an `InputError` for values that no lead has in a column."""
    known = sorted(set(values) - {""})
    found = f"found {quote_some(known, most=12)}" if known else "no lead has any"
    problems = [
        f"no lead has {value!r} in the column {column!r}{suggest(value, known)}; {found}"
        for value in dict.fromkeys(map(str, wanted))
        if value not in set(values)
    ]
    if problems:
        raise InputError(problems)


_COMPARED = [
    "segment", "step", "column", "value", "against", "n_base", "n_reached", "share", "n_rest",
    "share_rest", "difference", "low", "high", "p", "p_holm", "is_small",
]  # fmt: skip
_CHANGE = [
    "segment", "column", "before", "after", "n_before", "n_after", "share_of_leads_before",
    "share_of_leads_after", "share_won_before", "share_won_after", "difference", "low", "high",
    "mix", "rate", "mix_low", "mix_high", "rate_low", "rate_high",
]  # fmt: skip


def _add_up(decided: Decided, codes: np.ndarray, n_groups: int, weights: np.ndarray) -> list:
    """Leads, those that went on, and the effective number, of each step and group and of the
    others; all (n_steps, n_groups)."""
    kept, sums = codes >= 0, []
    for marks, w in (
        (decided.stood, weights),
        (decided.stood & decided.went_on, weights),
        (decided.stood, weights**2),
    ):
        rows = [np.bincount(codes[kept], (w * mark)[kept], minlength=n_groups) for mark in marks.T]
        sums.append(np.array(rows).reshape(-1, n_groups))
    rest = [x.sum(axis=1, keepdims=True) - x for x in sums]
    rest = [np.where(x > _ROUNDING, x, 0) for x in rest]
    return [sums[0], sums[1], _kish(sums[0], sums[2]), rest[0], rest[1], _kish(rest[0], rest[2])]


def _kish(total: np.ndarray, squares: np.ndarray) -> np.ndarray:
    return np.minimum(np.nan_to_num(divide(total**2, squares)), total)


def _correct(p: pd.Series) -> np.ndarray:
    """Correct by Holm the p there are."""
    from statsmodels.stats.multitest import multipletests

    corrected, known = np.full(len(p), np.nan), p.notna().to_numpy()
    if known.any():
        corrected[known] = multipletests(p[known], method="holm")[1]
    return corrected


def _find_outcomes(journeys: Journeys, within) -> tuple[np.ndarray, np.ndarray]:
    """Which leads count, and which of them bought, (n_leads,) each."""
    window = read_window(within)
    sale = np.array([journeys.steps.ids.index(journeys.steps.won)])
    base, reached, _ = find_reached(journeys, sale, window=window)
    won = (journeys.leads["status"] == "won").to_numpy() & reached[:, 0]
    if window == NEVER:
        base = base & (journeys.leads["status"] != "open").to_numpy()
    return base, won & base


def _tabulate(weights: np.ndarray, won: np.ndarray, sides: list[np.ndarray]) -> pd.DataFrame:
    """Leads and buyers of all and of each segment, before and after."""
    every = np.column_stack([weights.sum(axis=1), weights])
    cells, sure = {}, []
    for name, side in zip(("before", "after"), sides, strict=True):
        n = every[side].sum(axis=0)
        cells[f"n_{name}"] = n
        cells[f"share_of_leads_{name}"] = divide(n, np.full(len(n), n[0]))
        cells[f"share_won_{name}"] = divide((every[side] * won[side][:, None]).sum(axis=0), n)
        sure.append(np.array([effective_n(w) for w in every[side].T]))
    judged = judge_difference(cells["share_won_after"], sure[1], cells["share_won_before"], sure[0])
    return pd.DataFrame(cells | {name: judged[name] for name in ("difference", "low", "high")})


def _decompose(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mix and rate of each segment, (…, n_segments), from sums of leads and of buyers."""
    masses, shares = [], []
    for sums in (before, after):
        n, n_won = np.split(sums, 2, axis=-1)
        masses.append(divide(n, n.sum(axis=-1, keepdims=True) + np.zeros_like(n)))
        shares.append(divide(n_won, n))
    r0, r1 = (np.where(np.isnan(x), y, x) for x, y in (shares, shares[::-1]))
    r0, r1 = np.nan_to_num(r0), np.nan_to_num(r1)  # a segment without any leads changes nothing
    m0, m1 = masses
    mix, rate = (m1 - m0) * (r0 + r1) / 2, (r1 - r0) * (m0 + m1) / 2
    return mix + 0.0, rate + 0.0  # never -0.0
