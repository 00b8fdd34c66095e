"""Groups beside each other: by hand, against scipy and statsmodels, against obvious loops."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency
from statsmodels.stats.proportion import confint_proportions_2indep

from funnel_lib.comparing.decided import find_decided
from funnel_lib.core.errors import InputError
from funnel_lib.core.events import build_log
from funnel_lib.core.groups import Segmentation
from funnel_lib.core.journeys import build_journeys, select_leads
from funnel_lib.core.steps import Step, Steps
from funnel_lib.counting.values import code_quarters, read_values
from funnel_lib.sections.groups.count import compare_groups, split_change
from funnel_lib.stats.differences import (
    judge_against_best,
    judge_difference,
    judge_equality,
    newcombe,
)
from funnel_lib.stats.intervals import effective_n, find_design_effect

EXACT = 1e-12  # the same few sums in another order
START = pd.Timestamp("2025-01-01", tz="UTC")
STEPS = Steps(steps=[{"id": "ask"}, {"id": "read"}, {"id": "pay"}], won="pay", lost=["bye"])
# How far a lead came, and how it ended: l lost, o open.
FATES = {"al": ["ask", "bye"], "ao": ["ask"], "rl": ["ask", "read", "bye"], "ro": ["ask", "read"],
         "p": ["ask", "read", "pay"], "n": ["what"]}  # fmt: skip


def journeys_of(fates, until=400, days=None, **columns):
    """Journeys of leads with these fates, one action a day from their first day on."""
    days = np.zeros(len(fates)) if days is None else days
    ids = [f"l{n:05d}" for n in range(len(fates))]
    rows = [
        (lead, day + n, action)
        for lead, fate, day in zip(ids, fates, days, strict=True)
        for n, action in enumerate(FATES[fate])
    ]
    events = pd.DataFrame(rows, columns=["lead_id", "at", "action"])
    events["at"] = START + pd.to_timedelta(events["at"], unit="D")
    leads = pd.DataFrame({"lead_id": ids, **columns})
    return build_journeys(build_log(events, leads, START + pd.Timedelta(days=until)), STEPS)


def random_journeys(n=400, seed=3, names=("Anna", "Boris", "Clara", None), **columns):
    rng = np.random.default_rng(seed)
    fates = rng.choice([*FATES], n, p=[0.2, 0.1, 0.2, 0.1, 0.35, 0.05])
    manager = rng.choice(np.array(names, dtype=object), n)
    return journeys_of(fates, days=rng.integers(0, 200, n), manager=manager, **columns)


PATHS = ("ask", "read", "pay"), ("ask", "pay")


def segments_of(member, paths=PATHS):
    """Two segments; `member` (n_leads,) says how much each lead belongs to the first."""
    member = np.column_stack([member, 1 - member])
    return Segmentation(STEPS.before_sale, ("s1", "s2"), paths, ((), ()), member)


def weighted(n, seed=4, paths=PATHS):
    return segments_of(np.random.default_rng(seed).random(n), paths)


# --- groups: by hand -------------------------------------------------------------------------


def test_two_groups_are_one_row_a_step():
    # Before read: Anna p, rl, al, ao (open, undecided): 3 decided, 2 went on; Boris al, p: 2, 1.
    # Before pay: Anna p, rl: 2, 1; Boris p: 1, 1. n never entered.
    fates = ["p", "rl", "al", "ao", "al", "p", "n"]
    managers = [*["Anna"] * 4, *["Boris"] * 2, "Clara"]
    table = compare_groups(journeys_of(fates, manager=managers), "manager")
    assert table.columns.tolist() == [
        *("segment", "step", "column", "value", "against", "n_base", "n_reached", "share"),
        *("n_rest", "share_rest", "difference", "low", "high", "p", "p_holm", "is_small"),
    ]
    assert table["step"].tolist() == ["ask", "read", "pay"]
    assert set(table["value"]) == {"Anna"} and set(table["against"]) == {"Boris"}
    assert table["n_base"].tolist() == [4, 3, 2] and table["n_reached"].tolist() == [4, 2, 1]
    assert table["n_rest"].tolist() == [2, 2, 1]
    assert table["difference"].tolist() == pytest.approx([0, 2 / 3 - 1 / 2, 1 / 2 - 1])
    assert table["is_small"].all() and table[["p", "p_holm"]].isna().all(axis=None)
    assert table.loc[1, "low"] < 0 < table.loc[1, "high"]


def test_leads_without_a_value_are_a_group_and_come_last():
    table = compare_groups(journeys_of(["p", "al", "rl"], manager=["Zoe", None, "Anna"]), "manager")
    rows = table[table["step"] == "read"]
    assert rows["value"].tolist() == ["Anna", "Zoe", ""] and set(rows["against"]) == {""}
    assert rows["n_rest"].tolist() == [2, 2, 2] and rows["share_rest"].tolist() == [0.5, 0.5, 1]
    two = compare_groups(journeys_of(["p", "al"], manager=[None, "Anna"]), "manager")
    assert set(two["value"]) == {"Anna"} and set(two["against"]) == {""}


def test_one_group_or_no_leads_compare_nothing():
    journeys = journeys_of(["p", "al"], manager=["Anna", "Anna"])
    for some in (journeys, select_leads(journeys, np.zeros(2, bool))):
        table = compare_groups(some, "manager")
        assert table.empty and "p_holm" in table


def test_open_leads_alone_give_rows_without_shares():
    table = compare_groups(journeys_of(["ao", "ao"], manager=["Anna", "Boris"]), "manager")
    pay = table[table["step"] == "pay"].iloc[0]
    assert (pay["n_base"], pay["n_rest"]) == (0, 0) and pay["is_small"]
    assert pay[["share", "share_rest", "difference", "low", "high", "p"]].isna().all()


def test_within_gives_all_the_same_time():
    # read comes a day after entry, pay two: with 1D the buyers have read, none has paid; the lead
    # of day 399.5 was followed for half a day.
    fates, days = ["p", "p", "ro", "p"], [0, 0, 0, 399.5]
    journeys = journeys_of(fates, days=days, manager=["a", "b", "a", "b"])
    table = compare_groups(journeys, "manager", within="1D").set_index("step")
    assert table["n_base"].tolist() == [2, 2, 2] and table["n_rest"].tolist() == [1, 1, 1]
    assert table["n_reached"].tolist() == [2, 2, 0]


def test_periods_are_those_of_entry_in_the_time_zone():
    journeys = journeys_of(["p", "n"], days=[31, 0])
    assert read_values(journeys, "month").tolist() == ["2025-02", ""]
    codes, names = code_quarters(journeys)
    assert (codes.tolist(), names) == ([0, -1], ("2025-Q1",))
    west = replace(journeys, time_zone="America/New_York")
    assert read_values(west, "month").tolist() == ["2025-01", ""]
    new_york = replace(journeys_of(["p"]), time_zone="America/New_York")
    assert code_quarters(new_york)[1] == ("2024-Q4",)
    own = journeys_of(["p", "n"], month=["May", "June"])
    assert read_values(own, "month").tolist() == ["May", "June"]


def test_an_unknown_column_is_named_with_the_nearest():
    with pytest.raises(InputError, match="no column 'manger' of the leads; did you mean manager"):
        compare_groups(journeys_of(["p"]), "manger")
    with pytest.raises(InputError, match="did you mean month"):
        compare_groups(journeys_of(["p"]), "monht")


# --- groups: against others ------------------------------------------------------------------


def loop_over_leads(actions, paths):
    """Who decided at each place and went on, {(steps before, lead): bool}: by a loop over what each
    lead did, on its own path; a lead that shows the sale was won."""
    found = {}
    for lead, (own, path) in enumerate(zip(actions, paths, strict=True)):
        took = max((n + 1 for n, step in enumerate(path) if step in own), default=0)
        if not {*own} & {*STEPS.ids}:
            continue  # never entered
        for n in range(min(took + 1, len(path))):
            if n < took or "bye" in own:
                found[path[:n], lead] = n < took
    return found


@pytest.mark.parametrize("with_segments", [False, True])
def test_counts_are_those_of_a_loop_and_p_is_chi_square(with_segments):
    rng = np.random.default_rng(3)
    fates = rng.choice([*FATES], 600, p=[0.2, 0.1, 0.2, 0.1, 0.35, 0.05])
    manager = rng.choice(np.array(["Anna", "Boris", "Clara", None], dtype=object), 600)
    journeys = journeys_of(fates, days=rng.integers(0, 200, 600), manager=manager)
    member = rng.random(600)
    # Each lead whole, on the path it belongs to most: the fork is before `read | pay`.
    paths = [PATHS[int(m < 0.5)] if with_segments else STEPS.before_sale for m in member]
    slow = loop_over_leads([FATES[fate] for fate in fates], paths)
    places = {("all", "ask"): (), ("all", "read"): ("ask",), ("all", "pay"): ("ask", "read")}
    if with_segments:
        places = {("all", "ask"): (), ("all", "read | pay"): ("ask",)}
        places |= {("s1", "pay"): ("ask", "read")}
    table = compare_groups(journeys, "manager", segments_of(member) if with_segments else None)
    assert list(dict.fromkeys(zip(table["segment"], table["step"], strict=True))) == [*places]
    managers = [m if isinstance(m, str) else "" for m in manager]
    tested = 0
    for row in table.itertuples():
        cells = np.zeros((2, 2), int)
        for (place, lead), went_on in slow.items():
            if place == places[row.segment, row.step]:
                cells[int(managers[lead] != row.value), int(not went_on)] += 1
        assert [row.n_base, row.n_rest] == cells.sum(axis=1).tolist()
        assert row.n_reached == cells[0, 0]
        if cells.sum(axis=0).min() > 0:
            chance = chi2_contingency(cells, correction=False)
            assert row.is_small == (chance.expected_freq.min() < 10)
            if chance.expected_freq.min() >= 5:
                tested += 1
                assert row.p == pytest.approx(chance.pvalue, abs=EXACT)
    assert tested == 8 == table["p"].notna().sum()


@pytest.mark.parametrize("with_segments", [False, True])
@pytest.mark.parametrize("within", [None, "2D"])
def test_who_decided_is_who_went_on_or_was_lost(with_segments, within):
    rng = np.random.default_rng(12)
    fates, days = rng.choice([*FATES], 300), rng.choice([0, 397.5, 399], 300)
    member = rng.random(300)
    journeys = journeys_of(fates, days=days)
    paths = [PATHS[int(m < 0.5)] if with_segments else STEPS.before_sale for m in member]
    found = segments_of(member) if with_segments else None
    decided = find_decided(journeys, found, within)
    actions = [
        [act for n, act in enumerate(FATES[fate]) if day + n <= 400]  # the export is of day 400
        for fate, day in zip(fates, days, strict=True)
    ]
    if within:  # with two days all who are left can be seen to the end: whoever stays is out
        actions = [["what"] if day > 398 else [*own, "bye"]
                   for own, day in zip(actions, days, strict=True)]  # fmt: skip
    slow = loop_over_leads(actions, paths)
    steps = {(): "ask", ("ask",): "read | pay", ("ask", "read"): "pay"}
    steps |= {} if with_segments else {("ask",): "read"}
    for place, step in steps.items():
        stood, went_on = decided.list_leads(decided.find_node(step))
        mine = {lead: gone for (before, lead), gone in slow.items() if before == place}
        assert np.flatnonzero(stood).tolist() == sorted(mine)
        assert np.flatnonzero(stood & went_on).tolist() == sorted(k for k in mine if mine[k])


def test_a_place_is_found_by_its_step_and_whose_path_it_is_on():
    paths = "ask read sign pay", "ask pay", "ask read sign meet pay"
    middle = Step(id="sign"), Step(id="meet")
    steps = STEPS.model_copy(update={"steps": (*STEPS.steps[:2], *middle, STEPS.steps[2])})
    log = build_log(pd.DataFrame({"lead_id": "a", "action": steps.ids,
                                  "at": START + pd.to_timedelta(range(5), unit="D")}))  # fmt: skip
    paths = tuple(tuple(path.split()) for path in paths)
    found = Segmentation(steps.before_sale, ("s1", "s2", "s3"), paths, ((),) * 3, np.eye(3)[:1])
    decided = find_decided(build_journeys(log, steps), found)
    find = decided.find_node
    assert [n.missed for n in decided.places.tree.nodes] == [
        "ask", "read | pay", "sign", "meet | pay", "pay",
    ]  # fmt: skip
    assert find("pay").number == find("pay", "s3").number == 5
    assert find("sign", "s1+s3") is find("sign") is find("sign", "s1") is find("sign", "s3")
    assert find("meet | pay", "s1+s3").number == 4  # the second place that both have alone
    with pytest.raises(InputError, match=r"no step 'pay' that can be missed.*ask, read \| pay$"):
        find("pay", "s2")  # it pays at the fork
    with pytest.raises(InputError, match=r"no step 'meet / pay' .*did you mean meet \| pay"):
        find("meet / pay", "s3")
    with pytest.raises(InputError, match=r"no segment 's4'; there are all, s1, s2, s3, s1\+s3$"):
        find("pay", "s4")


def test_newcombe_is_method_10():
    # Newcombe (1998), table II, method 10: 56/70 - 48/80 and 9/10 - 3/10
    low, high = newcombe(*(np.array(x) for x in ([0.8, 0.9], [70, 10], [0.6, 0.3], [80, 10])))
    assert low.round(4).tolist() == [0.0524, 0.1705] and high.round(4).tolist() == [0.3339, 0.8090]
    for hits, n, hits_rest, n_rest in ((0, 20, 5, 30), (7, 7, 1, 9), (40, 100, 55, 120)):
        theirs = confint_proportions_2indep(hits, n, hits_rest, n_rest, method="newcomb")
        ours = newcombe(*(np.array([x]) for x in (hits / n, n, hits_rest / n_rest, n_rest)))
        assert np.ravel(ours) == pytest.approx(theirs, abs=EXACT)


def test_holm_is_over_the_whole_table():
    table = compare_groups(random_journeys(), "manager")
    known = table[table["p"].notna()].sort_values("p")
    slow, worst = [], 0.0
    for k, p in enumerate(known["p"]):
        worst = max(worst, min(1.0, p * (len(known) - k)))
        slow.append(worst)
    assert known["p_holm"].tolist() == pytest.approx(slow, abs=EXACT)
    assert (table["p_holm"].isna() == table["p"].isna()).all()


@pytest.mark.parametrize(
    ("expected", "is_small", "tested"), [(10, False, True), (9.9, True, True), (4.9, True, False)]
)
def test_few_expected_cases_are_flagged_or_not_tested(expected, is_small, tested):
    # Both shares 1/10: n / 10 cases are expected.
    found = judge_difference(*(np.array([x]) for x in (0.1, expected * 10, 0.1, 500.0)))
    assert found["is_small"][0] == is_small and np.isfinite(found["p"][0]) == tested


def test_many_leads_that_are_all_alike_are_no_few_leads():
    n, few = np.array([300.0, 300.0]), np.array([9.0, 300.0])
    same = np.array([1.0, 0.0])
    found = judge_difference(same, n, same, n)
    assert not found["is_small"].any() and np.isnan(found["p"]).all()
    assert judge_difference(same, few, same, n)["is_small"].tolist() == [True, False]


def test_a_lead_counts_whole_on_the_path_it_belongs_to_most():
    journeys, found = random_journeys(), weighted(400)
    sure = segments_of((found.memberships[:, 0] >= 0.5).astype(float))
    tables = [compare_groups(journeys, "manager", some) for some in (found, sure)]
    pd.testing.assert_frame_equal(*tables)


# --- groups: what must hold ------------------------------------------------------------------


def test_neither_order_nor_ids_of_leads_matter():
    rng = np.random.default_rng(8)
    fates, manager = rng.choice([*FATES], 300), rng.choice(["a", "b", "c"], 300)
    order = rng.permutation(300)
    one = compare_groups(journeys_of(fates, manager=manager), "manager")
    other = compare_groups(journeys_of(fates[order], manager=manager[order]), "manager")
    pd.testing.assert_frame_equal(one, other)


def test_paths_add_up_to_all():
    journeys = random_journeys()
    every = compare_groups(journeys, "manager")
    same = weighted(400, paths=(STEPS.before_sale, STEPS.before_sale))
    pd.testing.assert_frame_equal(compare_groups(journeys, "manager", same), every)
    # Of a path of the same steps in another order, who gave up is lost at one place, too.
    counts = ["n_base", "n_reached", "n_rest"]
    apart = compare_groups(journeys, "manager", weighted(400))
    assert apart["segment"].unique().tolist() == ["all", "s1"]
    lost = [(t["n_base"] - t["n_reached"]).groupby(t["value"]).sum() for t in (every, apart)]
    pd.testing.assert_series_equal(*lost)
    both = [t[t["step"] == "ask"][counts].reset_index(drop=True) for t in (every, apart)]
    pd.testing.assert_frame_equal(*both)


def test_two_groups_planted_equal_do_not_differ_and_unequal_ones_do():
    rng = np.random.default_rng(1)
    equal = rng.choice(["p", "rl", "al"], 600)
    manager = np.repeat(["a", "b"], 300)
    table = compare_groups(journeys_of(equal, manager=manager), "manager")
    assert table["p_holm"].notna().sum() == 2 and (table["p_holm"].dropna() > 0.05).all()
    worse = np.where((manager == "b") & (equal == "p") & (rng.random(600) < 0.5), "rl", equal)
    table = compare_groups(journeys_of(worse, manager=manager), "manager").set_index("step")
    assert table.loc["pay", "p_holm"] < 0.01 and table.loc["pay", "low"] > 0
    assert table.loc["read", "p_holm"] > 0.05


# --- what a change is made of ----------------------------------------------------------------

SURE = segments_of(np.repeat([1.0, 0], 8))


def change_of(fates, periods, found=SURE, **more):
    journeys = journeys_of(fates, period=list(periods))
    return split_change(journeys, found, "period", "x", "y", **more)


def test_mix_and_rate_by_hand():
    # s1: 4 leads x (2 won), 4 y (3 won); s2: 2 x (0 won), 4 y (1 won), 2 open ones do not count.
    fates = [
        "p",
        "p",
        "al",
        "al",
        "p",
        "p",
        "p",
        "al",
        "al",
        "rl",
        "al",
        "al",
        "al",
        "p",
        "ao",
        "ro",
    ]
    table = change_of(fates, "xxxxyyyyxxyyyyxy").set_index("segment")
    assert table.index.tolist() == ["all", "s1", "s2"]
    assert table["n_before"].tolist() == [6, 4, 2] and table["n_after"].tolist() == [8, 4, 4]
    assert table["share_of_leads_before"].tolist() == pytest.approx([1, 2 / 3, 1 / 3])
    assert table["share_of_leads_after"].tolist() == [1, 1 / 2, 1 / 2]
    assert table["share_won_before"].tolist() == pytest.approx([1 / 3, 1 / 2, 0])
    assert table["share_won_after"].tolist() == [1 / 2, 3 / 4, 1 / 4]
    # s1: mix (1/2 - 2/3)(1/2 + 3/4)/2 = -5/48, rate (3/4 - 1/2)(2/3 + 1/2)/2 = 7/48
    # s2: mix (1/2 - 1/3)(0 + 1/4)/2 = 1/48, rate (1/4)(1/3 + 1/2)/2 = 5/48
    assert table["mix"].tolist() == pytest.approx([-4 / 48, -5 / 48, 1 / 48])
    assert table["rate"].tolist() == pytest.approx([12 / 48, 7 / 48, 5 / 48])
    assert table.loc["all", "difference"] == pytest.approx(1 / 2 - 1 / 3)
    ranges = ["mix_low", "mix_high", "rate_low", "rate_high"]
    assert table.loc["all", ranges].notna().all() and table.loc["s1":, ranges].isna().all(axis=None)
    low, high = newcombe(*(np.array([x]) for x in (1 / 2, 8, 1 / 3, 6)))
    assert table.loc["all", ["low", "high"]].tolist() == pytest.approx([low[0], high[0]])


def test_a_segment_of_one_side_only_is_all_mix():
    # x: s1 4 of 8 won, y: s2 2 of 8 won. mix s1 = -1 * 1/2, s2 = 1 * 1/4.
    fates = [*["p"] * 4, *["al"] * 4, *["p"] * 2, *["al"] * 6]
    table = change_of(fates, "xxxxxxxxyyyyyyyy")
    assert table["mix"].tolist() == [-0.25, -0.5, 0.25] and table["rate"].tolist() == [0, 0, 0]
    assert np.isnan(table.loc[1, "share_won_after"]) and np.isnan(table.loc[2, "share_won_before"])
    assert table.loc[0, "mix_low"] < -0.25 < table.loc[0, "mix_high"]


def test_one_segment_has_no_mix():
    table = change_of(["p", "al", "p", "p"], "xxyy", None)
    assert len(table) == 1 and table.loc[0, "mix"] == 0
    assert table.loc[0, "rate"] == pytest.approx(0.5) == table.loc[0, "difference"]
    assert table.loc[0, ["mix_low", "mix_high"]].tolist() == [0, 0]


def test_within_counts_all_that_were_followed_so_long():
    # x: won on day 2, open; y: lost, won, and one followed for a day only
    fates, days = ["p", "ao", "al", "p", "ao"], [0, 0, 0, 0, 399]
    journeys = journeys_of(fates, days=days, period=[*"xxyyy"])
    wide, narrow = (
        split_change(journeys, None, "period", "x", "y", within=within).iloc[0]
        for within in ("2D", "1D")
    )
    assert (wide["n_before"], wide["n_after"]) == (2, 2) and wide["share_won_before"] == 0.5
    assert (narrow["n_before"], narrow["n_after"]) == (2, 3) and narrow["share_won_after"] == 0


def test_nobody_decided_on_a_side_is_no_exception():
    table = change_of(["ao", "p"], "xy", None)
    assert table[["n_before", "n_after"]].values.tolist() == [[0, 1]]
    assert table[["mix", "rate", "difference", "mix_low", "rate_high"]].isna().all(axis=None)


def test_mix_and_rate_add_up_to_the_change_whatever_the_weights():
    journeys = random_journeys(seed=9)
    for seed in range(3):
        table = split_change(journeys, weighted(400, seed), "manager", "Anna", "Boris")
        first = table.iloc[0]
        assert first["mix"] + first["rate"] == pytest.approx(
            first["share_won_after"] - first["share_won_before"], abs=EXACT
        )
        assert table["mix"][1:].sum() == pytest.approx(first["mix"], abs=EXACT)
        back = split_change(journeys, weighted(400, seed), "manager", "Boris", "Anna")
        assert back["mix"].tolist() == pytest.approx((-table["mix"]).tolist(), abs=EXACT)


def test_weights_count_by_their_effective_number():
    journeys, found = random_journeys(names=("Anna", "Boris")), weighted(400)
    table = split_change(journeys, found, "manager", "Anna", "Boris").set_index("segment")
    leads, weights = journeys.leads, found.memberships[:, 0]
    closed = (leads["entered_at"].notna() & (leads["status"] != "open")).to_numpy()
    won, cells = (leads["status"] == "won").to_numpy(), []
    for name in ("Boris", "Anna"):
        mine = closed & (leads["manager"] == name).to_numpy()
        w = weights[mine]
        cells += [w @ won[mine] / w.sum(), effective_n(w)]
        side = "after" if name == "Boris" else "before"
        assert table.loc["s1", f"n_{side}"] == pytest.approx(w.sum())
        assert effective_n(w) < mine.sum()
    judged = judge_difference(*(np.array([x]) for x in cells))
    for name in ("difference", "low", "high"):
        assert table.loc["s1", name] == pytest.approx(judged[name][0], abs=1e-9), name


def test_ranges_are_those_of_the_errors():
    """With one segment rate is the difference of two shares, whose error is known."""
    rng = np.random.default_rng(2)
    fates = rng.choice(["p", "al"], 2000, p=[0.3, 0.7])
    row = change_of(fates, np.repeat(["x", "y"], 1000), None).iloc[0]
    shares = row[["share_won_before", "share_won_after"]].astype(float)
    error = np.sqrt((shares * (1 - shares)).sum() / 1000)
    width = (row["rate_high"] - row["rate_low"]) / (2 * 1.96)
    assert width == pytest.approx(error, rel=0.12)  # 500 draws: sd of a 2.5 % quantile is 5 %


def test_order_of_leads_changes_no_range():
    rng = np.random.default_rng(4)
    fates, periods = rng.choice([*FATES], 300), rng.choice([*"xy"], 300)
    member = rng.integers(0, 2, 300).astype(float)
    tables = [
        change_of(fates[order], periods[order], segments_of(member[order]))
        for order in (np.arange(300), rng.permutation(300))
    ]
    pd.testing.assert_frame_equal(*tables)


def test_unknown_values_are_told_with_those_there_are():
    with pytest.raises(InputError) as error:
        split_change(journeys_of(["p"], period=["spring"]), None, "period", "sprin", "z")
    assert len(error.value.problems) == 2
    first, second = error.value.problems
    assert first == (
        "no lead has 'sprin' in the column 'period'; did you mean spring?; found 'spring'"
    )
    assert second == "no lead has 'z' in the column 'period'; found 'spring'"


# --- several shares --------------------------------------------------------------------------


def test_equality_is_the_chi_square_of_a_table():
    n, hits = np.array([80.0, 120, 100]), np.array([20, 40, 22])
    by_table = chi2_contingency(np.array([hits, n - hits]), correction=False).pvalue
    assert judge_equality(hits / n, n) == pytest.approx(by_table, abs=EXACT)
    # Of 8 leads fewer than five buyers are expected: they are left out.
    more = judge_equality(np.append(hits / n, 1), np.append(n, 8))
    assert more == pytest.approx(by_table, abs=EXACT)
    for shares, n in (([0.5], [100]), ([0.0, 0.0], [50, 50]), ([], []), ([np.nan], [0])):
        assert np.isnan(judge_equality(np.array(shares), np.array(n, float)))
        assert np.isnan(judge_against_best(np.array(shares), np.array(n, float))).all()


def test_the_best_is_compared_as_one_of_many():
    # Two shares: Tukey's range of two is the z-test of the pair.
    n = np.array([100.0, 150])
    two = judge_against_best(np.array([0.2, 0.3]), n)
    single = judge_difference(np.array([0.2]), n[:1], np.array([0.3]), n[1:])["p"][0]
    assert two[0] == pytest.approx(single, abs=1e-6) and two[1] == 1
    # The 5 % point of the range of twelve, of a printed table: 4.62 (Harter 1960).
    n, gap = np.full(12, 400.0), 4.62 * np.sqrt(0.25 / 400)
    share = np.full(12, 0.5) + np.array([gap / 2, -gap / 2] + [0] * 10)
    assert judge_against_best(share, n)[1] == pytest.approx(0.05, abs=0.001)


def test_a_design_effect_is_the_size_of_what_comes_as_one():
    rng = np.random.default_rng(6)
    unit = np.repeat(np.arange(600), 4)
    hits, group = (rng.random(600) < 0.3)[unit], (np.arange(600) % 6)[unit]
    assert find_design_effect(hits, group, unit) == pytest.approx(4, rel=0.01)
    assert find_design_effect(hits, group, np.arange(2400)) == 1  # each for itself
    single = rng.random(2400) < 0.3
    assert find_design_effect(single, group, unit) == pytest.approx(1, abs=0.1)
    assert find_design_effect(np.ones(8, bool), np.zeros(8, int), np.arange(8)) == 1
    empty = np.zeros(0, int)
    assert find_design_effect(empty, empty, empty) == 1
