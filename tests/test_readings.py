"""Tests of a change: their size, the intervals while one looks, both readings, before and after."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency, norm

from funnel_lib.core.errors import InputError
from funnel_lib.core.events import build_log
from funnel_lib.core.groups import Segmentation
from funnel_lib.core.journeys import build_journeys, select_leads
from funnel_lib.core.steps import Steps
from funnel_lib.counting.days import find_outcome_days
from funnel_lib.sections.hypotheses.readings import (
    count_trend,
    label_periods,
    read_before_after,
    read_split,
)
from funnel_lib.stats.differences import judge_difference, newcombe
from funnel_lib.stats.experiments import FARTHEST, find_valid_interval, plan_size
from funnel_lib.stats.incidence import estimate_incidence
from funnel_lib.stats.intervals import wilson

EXACT = 1e-12  # the same few sums in another order
START = pd.Timestamp("2025-01-01", tz="UTC")
STEPS = Steps(steps=[{"id": "ask"}, {"id": "read"}, {"id": "pay"}], won="pay", lost=["bye"])


def journeys_of(text, until=400, **columns):
    """Journeys of lines such as ``a 1 ask``; further columns of the leads in the order of ids."""
    rows = [line.split() for line in text.strip().splitlines()]
    events = pd.DataFrame(rows, columns=["lead_id", "at", "action"])
    events["at"] = START + pd.to_timedelta(events["at"].astype(float), unit="D")
    leads = pd.DataFrame({"lead_id": sorted(set(events["lead_id"])), **columns})
    return build_journeys(build_log(events, leads, START + pd.Timedelta(days=until)), STEPS)


def arms_of(test, control, wait=1, **more):
    """Journeys of leads that ask on day 0: won on day `wait`, lost then, and open in each arm."""
    fates = [fate for arm in (test, control) for fate in np.repeat(["pay", "bye", ""], arm)]
    lines = [
        f"l{n:05d} 0 ask" + (f"\nl{n:05d} {wait} {fate}" if fate else "")
        for n, fate in enumerate(fates)
    ]
    arm = np.repeat(["new", "old"], [sum(test), sum(control)])
    return journeys_of("\n".join(lines), arm=arm, **more)


def split_of(journeys, **more):
    more = more or {"step": "pay"}
    return read_split(journeys, "arm", "new", "old", **more).iloc[0]


# --- the size --------------------------------------------------------------------------------


def test_the_size_is_the_formula():
    # Fleiss: (z_a sqrt(2 p q) + z_b sqrt(p1 q1 + p2 q2))² / d², p the mean of both
    for now, then in ((0.3, 0.4), (0.4, 0.3), (0.02, 0.05)):
        mean, z_alpha, z_power = (now + then) / 2, norm.isf(0.01), norm.ppf(0.9)
        root = z_alpha * np.sqrt(2 * mean * (1 - mean))
        root += z_power * np.sqrt(now * (1 - now) + then * (1 - then))
        needed = np.ceil((root / (then - now)) ** 2)
        assert plan_size(now, then, power=0.9, alpha=0.02) == needed
    assert plan_size(0.3, 0.4) == 356


def test_the_size_gives_the_power_asked_for():
    rng, n = np.random.default_rng(0), plan_size(0.2, 0.3)
    hits = rng.binomial(int(n), [[0.2], [0.3]], (2, 4000)) / n
    p = judge_difference(hits[1], np.full(4000, n), hits[0], np.full(4000, n))["p"]
    assert 0.77 < (p < 0.05).mean() < 0.83  # 4 standard errors of 0.8 in 4,000 runs: 0.025


def test_no_size_where_nothing_can_be_shown():
    sizes = plan_size(np.array([0.3, np.nan, -0.1, 0.3, 0.0]), np.array([0.3, 0.4, 0.3, 1.2, 0.1]))
    assert np.isnan(sizes[:4]).all() and sizes[4] > 0
    assert plan_size(0.3, np.array([0.35, 0.4])).tolist() == [1377, 356]
    assert np.isnan(plan_size(0.3, 0.3))


# --- intervals while one looks ---------------------------------------------------------------


def test_the_bound_is_that_of_brownian_motion():
    assert 4 * norm.sf(FARTHEST) == pytest.approx(0.05, abs=1e-12)
    low, high = find_valid_interval(0.1, 0.02, np.array([0.25, 1, 7, np.nan]))
    assert high[:3] - 0.1 == pytest.approx([0.04 * FARTHEST, *[0.02 * FARTHEST] * 2])
    assert 0.1 - low[:3] == pytest.approx(high[:3] - 0.1) and np.isnan(low[3])


def test_twenty_looks_at_nothing_find_something_in_five_percent_at_most():
    rng, looks = np.random.default_rng(1), np.arange(50, 1001, 50)
    shares = (rng.random((2, 1000, 1000)) < 0.3).cumsum(axis=2)[:, :, looks - 1] / looks
    difference = shares[0] - shares[1]
    error = np.sqrt((shares * (1 - shares) / looks).sum(axis=0))
    low, high = find_valid_interval(difference, error, looks / 1000)
    assert ((low > 0) | (high < 0)).any(axis=1).mean() < 0.065  # 0.05 and two standard errors
    assert (np.abs(difference) > 1.96 * error).any(axis=1).mean() > 0.15  # the usual interval fails


# --- a test read at a step -------------------------------------------------------------------


def test_a_step_by_hand():
    # new: 30 of 50 decided bought, old: 20 of 50; open ones count nowhere.
    row = split_of(arms_of((30, 20, 7), (20, 30, 0)))
    assert (row["n_test"], row["n_control"], row["share_test"]) == (50, 50, 0.6)
    assert row["difference"] == pytest.approx(0.2)
    low, high = newcombe(*(np.array([x]) for x in (0.6, 50, 0.4, 50)))
    assert (row["low"], row["high"]) == pytest.approx((low[0], high[0]))
    theirs = chi2_contingency([[30, 20], [20, 30]], correction=False).pvalue
    assert row["p"] == pytest.approx(theirs, abs=EXACT) and not row["is_small"]
    assert np.isnan(row["share_of_plan"]) and not row["is_early"] and np.isnan(row["horizon_days"])
    assert (row["valid_low"], row["valid_high"]) == (row["low"], row["high"])
    assert row[["segment", "measure", "test", "control"]].tolist() == ["all", "pay", "new", "old"]


def test_a_test_read_early_has_the_wider_interval():
    journeys = arms_of((30, 20, 0), (16, 24, 0))
    row = split_of(journeys, step="pay", n_planned=160)  # the smaller arm has 40 of 160
    assert row["share_of_plan"] == 0.25 and row["is_early"]
    error = np.sqrt(0.6 * 0.4 / 50 + 0.4 * 0.6 / 40)
    assert row["valid_high"] == pytest.approx(0.2 + 2 * FARTHEST * error)
    assert row["valid_low"] == pytest.approx(0.2 - 2 * FARTHEST * error)
    full = split_of(journeys, step="pay", n_planned=40)
    assert not full["is_early"] and full["valid_low"] == full["low"]
    looked = split_of(journeys, step="pay", n_planned=20, looked_before=True)
    assert looked["share_of_plan"] == 2
    assert looked["valid_high"] == pytest.approx(0.2 + FARTHEST * error)
    tiny = split_of(journeys, step="pay", n_planned=4e6)
    assert (tiny["valid_low"], tiny["valid_high"]) == (-1, 1)  # nothing is known yet


def test_looks_without_a_plan_have_no_interval():
    row = split_of(arms_of((30, 20, 0), (20, 30, 0)), step="pay", looked_before=True)
    assert row["looked_before"] and np.isnan(row["valid_low"]) and np.isfinite(row["low"])


def test_only_leads_since_then_count():
    text = "a 0 ask\na 1 pay\nb 5 ask\nb 6 bye\nc 5 ask\nc 6 pay"
    journeys = journeys_of(text, arm=["new", "new", "old"])
    assert split_of(journeys)["n_test"] == 2
    for since in ("2025-01-06", START + pd.Timedelta(days=5)):
        row = split_of(journeys, step="pay", since=since)
        assert (row["n_test"], row["share_test"], row["share_control"]) == (1, 0, 1)
    row = split_of(journeys, step="pay", since="2025-02-01")
    assert row["n_test"] == 0 and row["is_small"]
    assert row[["share_test", "difference", "low", "p", "valid_low"]].isna().all()


# s1 asks, reads and pays; s2 pays at once.
PATHS = ("ask", "read", "pay"), ("ask", "pay")


def segments_of(member):
    """Two segments; `member` (n_leads,) says how much each lead belongs to the first."""
    member = np.column_stack([member, 1 - np.asarray(member)])
    return Segmentation(STEPS.before_sale, ("s1", "s2"), PATHS, ((), ()), member)


def test_a_step_of_a_segment_is_of_the_whole_leads_on_its_path():
    # Before paying on s1 new: 12 of 20 bought, old: 8 of 20, all with 0.6 of s1. The rest is of s2
    # by 0.6 and bought at the fork, or was lost there.
    fates = ["pay"] * 12 + ["bye"] * 8 + ["pay"] * 5 + ["bye"] * 15
    fates = [*fates, *fates[::-1]]  # old: 15 lost and 5 bought on s2, 8 lost and 12 bought on s1
    fates[-20:] = ["pay"] * 8 + ["bye"] * 12
    ours = np.repeat([True, False, False, True], 20)
    lines = [f"l{n:02d} 0 ask\n" + f"l{n:02d} 1 read\n" * int(mine) + f"l{n:02d} 2 {fate}"
             for n, (fate, mine) in enumerate(zip(fates, ours, strict=True))]  # fmt: skip
    journeys = journeys_of("\n".join(lines), arm=np.repeat(["new", "old"], 40))
    found = segments_of(np.where(ours, 0.6, 0.4))
    row = split_of(journeys, step="pay", segmentation=found, segment="s1")
    assert (row["segment"], row["measure"]) == ("s1", "pay")
    assert row[["n_test", "n_control"]].tolist() == [20, 20]
    assert row[["share_test", "share_control"]].tolist() == [0.6, 0.4]
    low, high = newcombe(*(np.array([x]) for x in (0.6, 20, 0.4, 20)))
    assert (row["low"], row["high"]) == pytest.approx((low[0], high[0]))  # as of 20 whole leads
    # At the fork all 40 of an arm decided: who read, or bought, went on.
    fork = split_of(journeys, step="read | pay", segmentation=found)
    assert fork[["n_test", "n_control"]].tolist() == [40, 40]
    assert fork[["share_test", "share_control"]].tolist() == [25 / 40, 25 / 40]
    with pytest.raises(InputError, match="no step 'pay' that can be missed"):
        split_of(journeys, step="pay", segmentation=found, segment="s2")  # it pays at the fork
    with pytest.raises(InputError, match="no segment 's3'; there are all, s1, s2"):
        split_of(journeys, step="pay", segmentation=found, segment="s3")
    with pytest.raises(InputError, match="no segment 's3'; there are all, s1, s2"):
        split_of(journeys, horizon=5, segmentation=found, segment="s3")


def test_weights_of_a_segment_at_a_horizon():
    journeys = arms_of((30, 20, 0), (20, 30, 0))
    half = segments_of(np.full(100, 0.5))
    row = split_of(journeys, horizon=5, segmentation=half, segment="s1")
    whole = split_of(journeys, horizon=5)
    assert (row["segment"], row["n_test"], row["share_test"]) == ("s1", 25, 0.6)
    assert row["low"] == pytest.approx(whole["low"])  # of weights that are all alike
    mine = np.arange(100) % 3 > 0
    row = split_of(journeys, horizon=5, segmentation=segments_of(1.0 * mine), segment="s1")
    alone = split_of(select_leads(journeys, mine), horizon=5)
    for name in ("n_test", "n_control", "share_test", "share_control", "low", "high", "p"):
        assert row[name] == pytest.approx(alone[name], abs=EXACT), name
    # Of weights that differ: new has 30 buyers of 0.9 and 20 of 0.3 that are lost.
    member = np.where(np.arange(100) < 30, 0.9, 0.3)
    row = split_of(journeys, horizon=5, segmentation=segments_of(member), segment="s1")
    assert (row["n_test"], row["share_test"]) == pytest.approx((33, 27 / 33))


# --- a test read at a horizon ----------------------------------------------------------------


def test_a_horizon_is_the_difference_of_two_curves():
    rng = np.random.default_rng(3)
    lines, ids = [], [f"l{n:04d}" for n in range(300)]
    for lead in ids:
        start = rng.integers(0, 60)
        lines.append(f"{lead} {start} ask")
        if rng.random() < 0.8:
            lines.append(f"{lead} {start + rng.integers(1, 40)} {rng.choice(['pay', 'bye'])}")
    journeys = journeys_of("\n".join(lines), until=70, arm=np.tile(["new", "old"], 150))
    row = split_of(journeys, horizon=20)
    day, cause = find_outcome_days(journeys)
    new, old = (estimate_incidence(day[k::2], cause[k::2]) for k in (0, 1))
    assert row["share_test"] == pytest.approx(new.incidence[20], abs=EXACT)
    error = np.hypot(new.error[20], old.error[20])
    difference = new.incidence[20] - old.incidence[20]
    assert row["low"] == pytest.approx(difference - norm.isf(0.025) * error, abs=EXACT)
    assert row["p"] == pytest.approx(2 * norm.sf(abs(difference) / error), abs=EXACT)
    assert (row["measure"], row["horizon_days"], row["n_test"]) == ("won_within", 20, 150)


def test_without_open_leads_a_horizon_is_a_plain_share():
    # All closed on day 1: at day 0 nobody has bought; later it is 30 of 50 and 20 of 50, however
    # far the horizon lies.
    journeys = arms_of((30, 20, 0), (20, 30, 0))
    assert split_of(journeys, horizon=0)["share_test"] == 0
    for horizon in (1, 99):
        row = split_of(journeys, horizon=horizon)
        assert (row["share_test"], row["share_control"]) == pytest.approx((0.6, 0.4))
        error = np.sqrt(0.24 / 50 + 0.24 / 50)
        assert row["high"] == pytest.approx(0.2 + norm.isf(0.025) * error)
        assert not row["is_small"]


def test_beyond_what_was_watched_nothing_is_known():
    journeys = arms_of((30, 20, 5), (20, 30, 0))  # the open ones were watched for 400 days
    assert np.isfinite(split_of(journeys, horizon=400)["difference"])
    row = split_of(journeys, horizon=401)
    assert row[["share_test", "difference", "low", "p"]].isna().all() and row["share_control"] > 0


def test_open_leads_alone_and_an_empty_arm_at_a_horizon():
    row = split_of(arms_of((0, 0, 3), (0, 0, 3)), horizon=10)
    assert row["share_test"] == 0 and row["is_small"] and np.isnan(row["p"])
    journeys = journeys_of("a 0 ask\na 1 pay\nb 0 what", arm=["new", "old"])  # b never entered
    row = split_of(journeys, horizon=10)
    assert (row["n_test"], row["n_control"]) == (1, 0) and row["is_small"]
    assert np.isnan(row["difference"])


# --- what is asked wrongly -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"step": None}, "give exactly one of them"),
        ({"step": "pay", "horizon": 9}, "give exactly one of them"),
        ({"step": "pey"}, "no step 'pey' that can be missed; did you mean pay?; there are ask"),
        ({"horizon": -1}, "horizon -1: give a whole number of days"),
        ({"step": "pay", "n_planned": 0}, "n_planned 0: give the leads planned"),
        ({"step": "pay", "since": "soon"}, "since 'soon' is no date; write it as 2025-03-01"),
        ({"step": "pay", "since": 7}, "since 7 is no date"),
    ],
)
def test_what_is_wrong_is_said(more, message):
    with pytest.raises(InputError) as error:
        split_of(arms_of((1, 1, 0), (1, 1, 0)), **more)
    assert message in str(error.value)


def test_arms_that_are_not_there():
    journeys = arms_of((1, 1, 0), (1, 1, 0))
    with pytest.raises(InputError, match=r"no lead has 'nwe' .*did you mean new.*'new', 'old'"):
        read_split(journeys, "arm", "nwe", "old", step="pay")
    with pytest.raises(InputError, match="no column 'amr'"):
        read_split(journeys, "amr", "new", "old", step="pay")
    with pytest.raises(InputError, match="test and control are both 'new'"):
        read_split(journeys, "arm", "new", "new", step="pay")


# --- before and after ------------------------------------------------------------------------

# Data until day 30, 5 days to read, changed on day 15: after is day 15 to 25, before day 5 to 15.
BEFORE_AFTER = """
a 4.9 ask
a 5 read
b 5 ask
b 11 read
c 14.9 ask
c 19 read
d 15 ask
d 16 read
e 25 ask
e 25 read
f 25.1 ask
f 25.2 read
"""


def test_both_periods_and_their_time_are_equal():
    # Before: b (read on its sixth day: too late) and c; after: d and e. a came too early; f was
    # not followed for five days.
    row = read_before_after(journeys_of(BEFORE_AFTER, 30), "read", "2025-01-16", "5D").iloc[0]
    assert (row["n_before"], row["n_after"]) == (2, 2)
    assert (row["share_before"], row["share_after"], row["difference"]) == (0.5, 1, 0.5)
    assert row["changed_at"] == START + pd.Timedelta(days=15) and row["is_small"]
    low, high = newcombe(*(np.array([x]) for x in (1.0, 2, 0.5, 2)))
    assert (row["low"], row["high"]) == pytest.approx((low[0], high[0])) and np.isnan(row["p"])


def test_a_change_too_late_to_judge_is_no_exception():
    for changed_at in ("2025-01-28", "2030-01-01"):
        row = read_before_after(journeys_of(BEFORE_AFTER, 30), "read", changed_at, "5D").iloc[0]
        assert (row["n_before"], row["n_after"]) == (0, 0) and row["is_small"]
        assert row[["share_after", "difference", "high"]].isna().all()


def test_the_longer_of_two_periods_is_cut():
    labelled = label_periods(journeys_of("a 1 ask\nb 3 ask\nc 9 ask", 30), "2025-01-03", "1D")
    assert labelled.leads["period"].tolist() == ["before", "after", ""]


def test_the_trend_by_month_of_entry():
    # January: a, b (too late), c; February: d, e; March: f was not followed so long.
    text = "a 1 ask\na 2 read\nb 3 ask\nb 11 read\nc 29 ask\nc 33 read\nd 31 ask\ne 40 ask\n"
    text += "e 41 read\nf 60 ask\nf 60 read"
    table = count_trend(journeys_of(text, 64), "read", "5D")
    assert table["month"].tolist() == ["2025-01", "2025-02"]
    assert table["n_base"].tolist() == [3, 2] and table["n_reached"].tolist() == [2, 1]
    low, high = wilson(np.array([2 / 3, 1 / 2]), np.array([3, 2]))
    assert table["low"].tolist() == pytest.approx(low.tolist())
    assert table["high"].tolist() == pytest.approx(high.tolist())


def test_periods_and_months_of_a_segment_are_of_the_leads_on_its_path():
    # As of all above; but b and d are of s2, on whose path there is no reading: they stay at the
    # fork. Behind it of s1, within five days: a paid in January, c did not, e had no time.
    text = "a 1 ask\na 2 read\na 3 pay\nb 3 ask\nb 4 read\nc 29 ask\nc 31 read\nc 38 pay"
    text += "\nd 31 ask\nd 32 read\ne 40 ask\ne 41 read\nf 60 ask\nf 60 read\nf 61 pay"
    journeys = journeys_of(text, 64)
    found = segments_of([0.9, 0.3, 0.6, 0, 1, 1])
    table = count_trend(journeys, "pay", "5D", found, "s1")
    assert set(table["segment"]) == {"s1"} and table["month"].tolist() == ["2025-01", "2025-02"]
    assert table["n_base"].tolist() == [2, 1] and table["n_reached"].tolist() == [1, 0]
    fork = count_trend(journeys, "read | pay", "5D", found)
    assert fork["n_base"].tolist() == [3, 2] and fork["n_reached"].tolist() == [2, 1]
    # Changed on day 30, read until day 59: before are a, b, c, after d and e.
    row = read_before_after(journeys, "read | pay", "2025-01-31", "5D", found).iloc[0]
    assert row[["segment", "n_before", "n_after"]].tolist() == ["all", 3, 2]
    assert row[["share_before", "share_after"]].tolist() == pytest.approx([2 / 3, 1 / 2])
    row = read_before_after(journeys, "pay", "2025-01-31", "5D", found, "s1").iloc[0]
    assert row[["segment", "n_before", "n_after"]].tolist() == ["s1", 2, 1]
    assert row[["share_before", "share_after"]].tolist() == [0.5, 0]


def test_leads_may_be_none_and_time_must_be_told():
    journeys = journeys_of(BEFORE_AFTER, 30)
    nobody = select_leads(journeys, np.zeros(6, bool))
    assert count_trend(nobody, "read", "5D").empty
    assert read_before_after(nobody, "read", "2025-01-16", "5D")["n_after"].tolist() == [0]
    for call in (
        lambda within: count_trend(journeys, "read", within),
        lambda within: read_before_after(journeys, "read", "2025-01-16", within),
    ):
        with pytest.raises(InputError, match="leads need equal time; write it as 30D"):
            call("")
        with pytest.raises(InputError, match="the window 5 is no duration"):
            call(5)
    with pytest.raises(InputError, match="changed_at 'x' is no date"):
        read_before_after(journeys, "read", "x", "5D")
    with pytest.raises(InputError, match=r"no step 'raed' .*did you mean read"):
        count_trend(journeys, "raed", "5D")


# --- what must hold --------------------------------------------------------------------------


def test_neither_order_nor_ids_of_leads_matter():
    rng = np.random.default_rng(6)
    fates, days = rng.choice(["pay", "bye", "read"], 200), rng.integers(0, 300, 200)
    arm, tables = rng.choice(["new", "old"], 200), []
    for order in (np.arange(200), rng.permutation(200)):
        lines = [f"l{n:03d} {days[k]} ask\nl{n:03d} {days[k] + 2} {fates[k]}"
                 for n, k in enumerate(order)]  # fmt: skip
        journeys = journeys_of("\n".join(lines), arm=arm[order])
        tables.append((
            read_split(journeys, "arm", "new", "old", step="pay", n_planned=500),
            read_split(journeys, "arm", "new", "old", horizon=2),
            read_before_after(journeys, "read", "2025-06-01", "30D"),
            count_trend(journeys, "read", "30D"),
        ))  # fmt: skip
    for one, other in zip(*tables, strict=True):
        pd.testing.assert_frame_equal(one, other)
