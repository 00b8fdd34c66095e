"""Groups of leads beside each other: who is worse than the others, where, and what changed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from funnel_lib.comparing.comparable import Grouping, list_groupings
from funnel_lib.comparing.decided import find_decided
from funnel_lib.comparing.expected import expect_as_others
from funnel_lib.comparing.recording import Habits, find_habits
from funnel_lib.comparing.second_look import look_again
from funnel_lib.core.errors import InputError
from funnel_lib.core.groups import Segmentation, keep_together
from funnel_lib.core.journeys import Journeys
from funnel_lib.core.tables import arrange
from funnel_lib.core.tallies import tally
from funnel_lib.core.times import NEVER, read_window
from funnel_lib.counting.asked import ASKED
from funnel_lib.counting.days import find_mature, find_months
from funnel_lib.counting.money import list_money
from funnel_lib.counting.reach import find_reached
from funnel_lib.counting.values import check_equal_time, check_values, read_values
from funnel_lib.stats.differences import FAMILY, correct_p, judge_difference
from funnel_lib.stats.experiments import Z
from funnel_lib.stats.intervals import divide, effective_n, wilson
from funnel_lib.stats.resampling import FEWEST_WON, draw_sums, find_range

KINDS = {"manager": 8, "team": 1, "source": 1}  # and its weight in the family of tests
MOST_VALUES = 50


def count_groups(journeys: Journeys, segmentation: Segmentation | None = None) -> pd.DataFrame:
    """Which managers, teams and sources sell worse than the others, and what does it cost? The
    table `groups`.

    Won leads are counted of those that have had their time (`days.find_mature`). What a group would
    have sold as the others do: see `expected.expect_as_others`; leads of groups that record
    otherwise (`recording.find_habits`) are compared with nobody, and such groups are `barred`.

    Notes
    -----
    Worse beyond chance: one-sided, at the part of page one's 5 % that groups have
    (`differences.FAMILY`), of which each kind has its own by weight (`KINDS`: most is asked of
    managers); within a kind corrected by Holm; and worse than the others without the best of them,
    too (`second_look.look_again`).
    """
    decided, habits = find_decided(journeys, segmentation), find_habits(journeys, segmentation)
    mature = find_mature(journeys)
    tables = [
        _count_kind(journeys, grouping, decided, mature, habits)
        for grouping in list_groupings(journeys, tuple(KINDS))
    ]
    if not tables:
        return arrange("groups")
    table = pd.concat(tables, ignore_index=True)
    table["p_holm"] = _correct(table)
    table["beyond_chance"] &= (table["p_holm"] < FAMILY["groups"]) & ~table["barred"]
    return arrange("groups", table.assign(months=max(find_months(journeys), 1)))


def _correct(table: pd.DataFrame) -> np.ndarray:
    """Correct p for all groups of all kinds: Holm within a kind, by weight between them."""
    weight = table["group_by"].map(KINDS) / sum(KINDS[kind] for kind in table["group_by"].unique())
    p = table.groupby("group_by")["p"].transform(lambda p: correct_p(p.to_numpy()))
    return np.minimum(p / weight, 1).to_numpy()


def _count_kind(journeys, grouping: Grouping, decided, mature, habits: Habits) -> pd.DataFrame:
    """The groups of one kind, the largest first."""
    from scipy.stats import norm

    counted, of_lead = decided.places.counted, decided.places.counted.of_lead
    entered = counted.entered[of_lead]
    won, lost, waiting = (counted.has_status(s)[of_lead] & entered for s in ("won", "lost", "open"))
    asked, comparable = decided.places.asked[of_lead], habits.comparable

    def count(chosen: np.ndarray) -> np.ndarray:
        return grouping.add_up(chosen).sum(axis=1)

    n_leads, n_decided, n_won = (count(x) for x in (entered, mature & (won | lost), mature & won))
    low, high = wilson(divide(n_won, n_decided), n_decided)
    n_asked, n_not = (count(lost & (asked == ASKED.index(x))) for x in ("yes", "no"))
    found = expect_as_others(journeys, grouping, decided, mature & entered & comparable)
    rest = look_again(journeys, grouping, decided, habits, found)
    scale = divide(count(entered & comparable), count(mature & entered & comparable))
    extra, error = scale * found.extra, scale * found.error
    worth, currency = _measure_worth(journeys, grouping, won)
    known = np.isfinite(worth)
    paid = np.where(known, worth, 1)
    table = pd.DataFrame({
        "group_by": grouping.kind, "group": grouping.names, "n_leads": n_leads,
        "n_decided": n_decided, "n_won": n_won, "share_won": divide(n_won, n_decided),
        "low": low, "high": high, "share_asked": divide(n_asked, n_asked + n_not),
        "n_open_waiting": count(waiting), "extra_won": extra,
        "extra_amount": np.where(known, extra * worth, np.nan),
        "extra_low": paid * (extra - Z * error), "extra_high": paid * (extra + Z * error),
        "barred": np.isin(grouping.names, [*habits.barred[grouping.kind]]),
        "currency": currency, "p": norm.sf(divide(extra, error)),
        "p_without_best": rest.p, "beyond_chance": rest.holds,
        "share_as_others": divide(n_won, n_decided) + divide(found.extra, found.n),
    })  # fmt: skip
    return table.sort_values("n_leads", ascending=False, kind="stable")


def _measure_worth(journeys: Journeys, grouping: Grouping, won: np.ndarray):
    """The mean amount of a group's won leads, (n_groups,), of all where it has few; and the
    currency: where there are several, no amount."""
    _, names, amount = list_money(journeys)
    if len(names) > 1:
        return np.full(len(grouping.names), np.nan), ""
    paid = won & np.isfinite(amount)
    n = grouping.add_up(paid).sum(axis=1)
    money = grouping.add_up(paid, np.nan_to_num(amount)).sum(axis=1)
    every = amount[paid].mean() if paid.sum() >= FEWEST_WON else np.nan
    return np.where(n >= FEWEST_WON, divide(money, n), every), names[0]


def compare_groups(
    journeys: Journeys,
    by: str,
    segmentation: Segmentation | None = None,
    within: pd.Timedelta | str | None = None,
) -> pd.DataFrame:
    """How do groups of leads (managers, teams, sources, periods) differ at each place of the tree?
    The table `group_comparison`.

    `by` is a column of the leads, or ``month`` or ``quarter`` of entry (see `read_values`);
    `within` as in `decided.find_decided`. Leads that never entered are out; with within, so are
    those followed for less. Compare periods with within: of the leads of a young one only those who
    decide early have decided.

    Raises
    ------
    InputError
        No such column, one known only after the outcome, or with more than `MOST_VALUES` values; or
        periods without within.

    Notes
    -----
    p is corrected by Holm (`differences.correct_p`) over all places and groups.

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
    decided = find_decided(journeys, segmentation, within)
    tree, nodes = decided.places.tree, decided.places.tree.nodes
    leads = decided.places.counted.add_up(
        pd.Index(names).get_indexer(values)[:, None] == np.arange(len(names))
    ).T
    n, hits = (leads @ marks for marks in (decided.stood, decided.stood & decided.went_on))
    n, hits = n.T, hits.T  # (n_nodes, n_groups)
    n_rest, hits_rest = (x.sum(axis=1, keepdims=True) - x for x in (n, hits))
    shown = len(names) if len(names) > 2 else 1
    share, share_rest = divide(hits, n), divide(hits_rest, n_rest)
    cells = {"n_base": n, "n_reached": hits, "share": share, "n_rest": n_rest,
             "share_rest": share_rest}  # fmt: skip
    cells |= judge_difference(share, n, share_rest, n_rest)
    table = pd.DataFrame({name: x[:, :shown].ravel() for name, x in cells.items()})
    table["segment"] = np.repeat([tree.name_node(node) for node in nodes], shown)
    table["step"] = np.repeat([node.missed for node in nodes], shown)
    table["column"], table["value"] = by, np.tile(names[:shown], len(nodes))
    table["against"] = names[1] if shown == 1 else ""
    table["p_holm"] = correct_p(table["p"].to_numpy())
    return arrange("group_comparison", table)


def split_change(
    journeys: Journeys,
    segmentation: Segmentation | None,
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
    found = segmentation or keep_together(journeys)
    weights = found.memberships
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
    table["segment"] = ["all", *found.ids]
    table["column"], table["before"], table["after"] = by, str(before), str(after)
    return arrange("change", table if len(found.ids) > 1 else table[:1])


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
