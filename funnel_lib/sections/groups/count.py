"""Groups of leads beside each other: at which step they differ, and what a change is made of."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.core.errors import InputError
from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import arrange
from funnel_lib.core.tallies import tally
from funnel_lib.core.times import NEVER
from funnel_lib.counting.missed import Decided, find_decided
from funnel_lib.counting.reach import find_reached, read_window
from funnel_lib.counting.values import check_equal_time, check_values, read_values
from funnel_lib.stats.differences import ROUNDING, judge_difference
from funnel_lib.stats.intervals import divide, effective_n
from funnel_lib.stats.resampling import draw_sums, find_range

MOST_VALUES = 50


def compare_groups(
    journeys: Journeys,
    by: str,
    group: Group | None = None,
    within: pd.Timedelta | str | None = None,
) -> pd.DataFrame:
    """How do groups of leads (managers, teams, sources, periods) differ at each step? The table
    `group_comparison`.

    `by` is a column of the leads, or ``month`` or ``quarter`` of entry (see `read_values`);
    `within` as in `missed.find_decided`. Leads that never entered are out; with within, so are
    those followed for less. Compare periods with within: of the leads of a young one only those who
    decide early have decided.

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
        return arrange("group_comparison")
    if len(names) > MOST_VALUES:
        raise InputError([
            f"the column {by!r} has {len(names)} values: compare at most {MOST_VALUES} groups"
        ])  # fmt: skip
    decided = find_decided(journeys, group, within)
    codes = pd.Index(names).get_indexer(values)
    sums = _add_up(decided, group.column, codes, len(names))
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
    return arrange("group_comparison", table)


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
    otherwise? The table `change`.

    `before` and `after` are two values of `by` (as in `compare_groups`). Without `within`, closed
    leads count, and those of them that bought; with it, leads followed for so long, and those that
    bought so soon after entry.

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
    return arrange("change", table if len(groups) > 1 else table[:1])


def _add_up(decided: Decided, column: int, codes: np.ndarray, n_groups: int) -> list:
    """Leads, those that went on, and the effective number, of each step and group and of the
    others; all (n_steps, n_groups)."""
    counted, stood = decided.counted, decided.stood
    weights = counted.members[:, column]
    leads = counted.add_up(codes[:, None] == np.arange(n_groups)).T * weights
    sums = [leads @ stood, leads @ (stood & decided.went_on), (leads * weights) @ stood]
    sums = [x.T for x in sums]
    rest = [x.sum(axis=1, keepdims=True) - x for x in sums]
    rest = [np.where(x > ROUNDING, x, 0) for x in rest]
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
    counted = tally(journeys, window=read_window(within))
    sale = np.array([journeys.steps.ids.index(journeys.steps.won)])
    base, reached, _ = find_reached(counted, sale)
    won = counted.has_status("won") & reached[:, 0]
    if read_window(within) == NEVER:
        base = base & ~counted.has_status("open")
    return base[counted.of_lead], (won & base)[counted.of_lead]


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
