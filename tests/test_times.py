"""How long it takes to the steps and the outcome, by hand and by obvious loops."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from funnel_lib.core.events import build_log
from funnel_lib.core.groups import Group, list_groups
from funnel_lib.core.journeys import build_journeys, select_leads
from funnel_lib.core.steps import Steps
from funnel_lib.counting.days import find_outcome_days, find_step_days
from funnel_lib.sections.times.count import (
    compare_ways,
    count_cohorts,
    count_pace,
    count_standing,
    count_times,
    find_medians,
)
from funnel_lib.stats.incidence import find_last_day, find_quantile

START = pd.Timestamp("2025-01-01")
STEPS = Steps(steps=[{"id": "ask"}, {"id": "read"}, {"id": "pay"}, {"id": "again"}], won="pay")


def journeys_of(text):
    rows = [line.split() for line in text.splitlines()]
    events = pd.DataFrame(rows, columns=["lead_id", "at", "action"])
    events["at"] = START + pd.to_timedelta(events["at"].astype(float), unit="D")
    return build_journeys(build_log(events), STEPS)


def test_pace_is_from_first_evidence_to_first_evidence():
    # read after entry: a 2, b 0.5, c 0 (it begins with it): median 0.5
    # read after ask: a 2, b 0.5; c asked after it had read: not in that order: median 1.25
    # pay after entry: a 4, c 3: median 3.5; after read: the same
    text = "a 1 ask\na 3 read\na 4 read\na 5 pay\na 9 again\nb 1 ask\nb 1.5 read"
    table = count_pace(journeys_of(text + "\nc 2 read\nc 3 ask\nc 5 pay"))
    assert table["step"].tolist() == ["ask", "read", "pay"] and set(table["segment"]) == {"all"}
    assert table["n_from_entry"].tolist() == [3, 3, 2]
    assert table["median_days_from_entry"].tolist() == [0, 0.5, 3.5]
    assert table["n_from_previous"].tolist() == [3, 2, 2]
    # The first step counts from entry: a 0, b 0, c 1.
    assert table["median_days_from_previous"].tolist() == [0, 1.25, 2.5]


def test_same_moment_is_no_time_and_unseen_steps_have_none():
    table = count_pace(journeys_of("a 1 read\na 1 ask\nb 1 ask\nb 3 pay"))
    assert table["n_from_previous"].tolist() == [2, 1, 0]  # b was never seen to read
    assert table["median_days_from_previous"].tolist()[:2] == [0, 0]
    assert np.isnan(table["median_days_from_previous"][2])
    assert table["median_days_from_entry"].tolist() == [0, 0, 2]


def test_no_leads_give_rows_without_medians():
    table = count_pace(select_leads(journeys_of("a 1 ask\na 2 read"), np.zeros(1, bool)))
    assert table["n_from_entry"].tolist() == [0, 0, 0]
    assert table["median_days_from_entry"].isna().all()


LEADS = pd.DataFrame({
    "lead_id": [*"abcdx"], "status": ["won", "lost", "open", "won", "lost"],
    "closed_at": START + pd.to_timedelta([5.5, 3.2, np.nan, 2.0, np.nan], unit="D"),
})  # fmt: skip


def timed():
    """a reads after 2 days, is won after 5.5; b is lost after 3.2 unread; c is open since day 4 and
    read on day 10; d is won on day 2, read only later, and comes back on day 8; x never asked
    anything and was lost at nobody knows when, after day 7."""
    text = "a 0 ask\na 2 read\na 5.5 pay\nb 0 ask\nc 4 ask\nc 10 read\nd 1 ask\nd 3 read\nd 8 again"
    rows = [line.split() for line in (text + "\nx 3 ask\nx 7.9 ask").splitlines()]
    events = pd.DataFrame(rows, columns=["lead_id", "at", "action"])
    events["at"] = START + pd.to_timedelta(events["at"].astype(float), unit="D")
    return build_journeys(build_log(events, LEADS, START + pd.Timedelta(days=12)), STEPS)


def test_days_and_causes_by_hand():
    journeys = timed()
    day, cause = find_outcome_days(journeys)
    assert day.tolist() == [5, 3, 8, 1, 4] and cause.tolist() == [1, 2, 0, 1, 2]
    day, cause = find_step_days(journeys, "read")
    # d was closed before it read: closing came first; c read after 6 days.
    assert day.tolist() == [2, 3, 6, 1, 4] and cause.tolist() == [1, 2, 1, 2, 2]
    day, cause = find_step_days(journeys, "again")
    # From the sale: d after 6 days; a was watched for 6.5; the others never bought.
    assert day.tolist() == [6, -1, -1, 6, -1] and cause.tolist()[0::3] == [0, 1]


def test_times_by_hand():
    times = count_times(timed())
    assert set(times["target"]) == {"ask", "read", "again", "won", "lost"}  # `won` is the sale
    won = times[times["target"] == "won"]
    # Day 1: d, of 5. Day 3: b lost, of 4. Day 4: x lost, of 3. Day 5: a won, of 2, with 3/5 * 2/3
    # = 2/5 still waiting... day 3 leaves 4/5 * 3/4 = 3/5, day 4 2/5: 1/5 + 2/5 * 1/2 = 2/5.
    assert won["incidence"].to_numpy() == pytest.approx([0, 0.2, 0.2, 0.2, 0.2, 0.4, 0.4, 0.4, 0.4])
    assert won["n_at_risk"].tolist() == [5, 5, 4, 4, 3, 2, 1, 1, 1]
    lost = times[times["target"] == "lost"]
    assert lost["incidence"].iloc[-1] == pytest.approx(0.4)
    after = times[times["target"] == "again"]
    assert after["n_at_risk"].iloc[0] == 2 and after["incidence"].iloc[-1] == pytest.approx(0.5)
    medians = find_medians(times).set_index("target")
    assert np.isnan(medians.loc["won", "median_days"])  # not reached
    assert medians.loc["won", "median_days_of_takers"] == 1
    assert medians.loc["read", ["last_day", "n_entered"]].tolist() == [6, 5]


def test_segments_share_the_leads_at_risk_out(journeys, found):
    groups = list_groups(found)
    times = pd.concat([count_times(journeys, group) for group in groups])
    start = times[times["day"] == 0].set_index(["segment", "target"])["n_at_risk"]
    for target in ("won", "lost"):
        parts = [start[g.segment, target] for g in groups[1:]]
        assert sum(parts) == pytest.approx(start["all", target])


def test_a_later_calendar_changes_nothing():
    journeys = timed()
    shift = pd.Timedelta(days=400)
    leads = journeys.leads.copy()
    for name in ("entered_at", "closed_at", "sold_at", "created_at"):
        leads[name] += shift
    micros = shift // pd.Timedelta("1us")
    later = replace(journeys, leads=leads, at=journeys.at + micros,
                    observed_until=journeys.observed_until + shift)  # fmt: skip
    pd.testing.assert_frame_equal(count_times(later), count_times(journeys))


def test_cohorts_mark_what_is_young():
    # Two months of ten leads each; nine of ten buy on day 20; the log ends with February.
    ids = [f"{month}{n}" for month in (1, 2) for n in range(10)]
    entered = pd.to_datetime(["2025-01-05"] * 10 + ["2025-02-20"] * 10)
    events = pd.DataFrame({"lead_id": ids, "action": "ask", "at": entered})
    status = ["won"] * 9 + ["lost"] + ["open"] * 10
    closed = entered + pd.Timedelta(days=20)
    leads = pd.DataFrame({"lead_id": ids, "status": status,
                          "closed_at": closed.where(np.array(status) != "open")})  # fmt: skip
    journeys = build_journeys(build_log(events, leads, "2025-02-28"), STEPS)
    table = count_cohorts(journeys)
    assert table["month"].tolist() == ["2025-01", "2025-02"]
    assert table[["n_entered", "n_won", "n_lost", "n_open"]].values.tolist() == [
        [10, 9, 1, 0],
        [10, 0, 0, 10],
    ]
    assert set(table["horizon_days"]) == {20} and table["is_mature"].tolist() == [True, False]
    assert table["share"].tolist() == [0.9, 0]


def draw_months(seed, n_months=12, n=60, each=1, share=0.25, odd=None):
    """Leads of months that buy alike, but for the first, `each` of one account alike."""
    rng = np.random.default_rng(seed)
    month = np.repeat(np.arange(n_months), n)
    account = month * n + np.tile(np.arange(n) // each, n_months)
    chance = np.where(month == 0, odd or share, share)
    won = rng.random(account.max() + 1)[account] < chance
    begin = pd.date_range("2025-01-02", periods=n_months, freq="MS")[month]
    at = begin + pd.to_timedelta(rng.integers(0, 27, len(month)), unit="D")
    ids = [f"{seed:03d} {k:05d}" for k in range(len(month))]
    events = pd.DataFrame({"lead_id": ids, "action": "ask", "at": at})
    closed = at + pd.to_timedelta(rng.integers(1, 20, len(month)), unit="D")
    leads = pd.DataFrame({"lead_id": ids, "status": np.where(won, "won", "lost"),
                          "closed_at": closed, "account_id": account.astype(str)})  # fmt: skip
    return events, leads


def count_months(seeds, **how):
    """The cohorts of each world; the journeys of all are built at once, which takes longest."""
    events, leads = map(pd.concat, zip(*(draw_months(seed, **how) for seed in seeds), strict=True))
    journeys = build_journeys(build_log(events, leads, "2026-12-31"), STEPS)
    world = journeys.leads["lead_id"].astype(str).str[:3].astype(int).to_numpy()
    return [count_cohorts(select_leads(journeys, world == seed)) for seed in seeds]


@pytest.mark.parametrize("each", [1, 5])
def test_equal_months_seldom_differ_beyond_chance(each):
    p = np.array([table.loc[0, "p_months"] for table in count_months(range(100), each=each)])
    assert (p < 0.05).mean() <= 0.12  # 5 % of 100 worlds, and three standard errors


def test_an_odd_month_differs_from_the_best():
    (table,) = count_months([1], n=250, odd=0.1)
    assert len(set(table["p_months"])) == 1 and table["p_months"][0] < 0.001
    assert table["p_best"].idxmin() == 0 and table["p_best"][0] < 0.01
    assert table["p_best"].max() == 1  # of the best itself


def test_leads_of_one_account_are_one_case():
    # Of five leads that buy together four say nothing: the interval is as of a fifth of them.
    (together,), (alone,) = count_months([2], each=5), count_months([2])
    width = (together["high"] - together["low"]).mean() / (alone["high"] - alone["low"]).mean()
    assert 1.8 < width < 2.5  # about the root of 5


def test_standing_still_is_longer_than_nine_in_ten_needed():
    # Twenty read on days 1 to 20 after asking: nine in ten within 18. Open: one waits for 19 days,
    # one for 5; one that has read waits to pay, and nobody has paid: no norm.
    lines = [f"l{n} 0 ask\nl{n} {n + 1} read" for n in range(20)]
    log = "\n".join([*lines, "old 11 ask", "new 25 ask"])
    events = pd.DataFrame(
        [x.split() for x in log.splitlines()], columns=["lead_id", "at", "action"]
    )
    events["at"] = START + pd.to_timedelta(events["at"].astype(float), unit="D")
    table = count_standing(
        build_journeys(build_log(events, None, START + pd.Timedelta(days=30)), STEPS)
    )
    row = table.set_index("step").loc["read"]
    assert row[["n_took", "n_open", "n_standing"]].tolist() == [20, 2, 1]
    assert row["normal_days"] == pytest.approx(18.5) and row["median_days_open"] == 12
    pay = table.set_index("step").loc["pay"]
    assert pay["n_took"] == 0 and pay["n_open"] == 20 and np.isnan(pay["n_standing"])


def test_weighted_quantiles():
    assert find_quantile(np.array([0, 1, 1, 1, 0]), 0.5) == 2
    assert find_quantile(np.array([0, 1, 0, 1]), 0.5) == 2  # between 1 and 3
    assert find_quantile(np.array([0, 3.0, 0, 0, 0, 1.0]), 0.5) == 1
    assert np.isnan(find_quantile(np.zeros(5), 0.5)) and np.isnan(find_quantile(np.array([]), 0.5))


def test_a_curve_is_read_as_far_as_a_tenth_or_ten_are_left():
    assert find_last_day(np.array([1000.0, 99, 10, 9])) == 2
    assert find_last_day(np.array([50.0, 5, 4])) == 1
    assert find_last_day(np.array([0.0])) == 0


def test_the_usual_mistakes_are_what_they_are():
    # By day 5 as in the times by hand: 2/5; two of five bought; with b and x still waiting: day 1
    # 1/5; day 5 a of 2: 1/5 + 4/5 * 1/2 = 3/5.
    table = compare_ways(timed(), 5).set_index("way")["share_won"]
    assert table.to_dict() == pytest.approx(
        {"aalen_johansen": 0.4, "open_as_lost": 0.4, "lost_as_open": 0.6}
    )
    nobody = compare_ways(select_leads(timed(), np.zeros(5, bool)), 5)
    assert nobody["share_won"].isna().all() and set(nobody["n_entered"]) == {0}


def test_a_step_that_a_path_has_twice_is_told_of_once():
    events = pd.DataFrame({"lead_id": "a", "action": ["ask", "read", "ask", "pay"],
                           "at": pd.date_range("2025-01-01", periods=4)})  # fmt: skip
    journeys = build_journeys(build_log(events), STEPS)
    times = count_times(journeys, Group("s1", ("ask", "read", "ask", "pay")))
    assert times["target"].drop_duplicates().tolist() == ["ask", "read", "won", "lost"]
    assert not times.duplicated(["target", "day"]).any()


@pytest.mark.parametrize("name", ["lead", "closed", "first", "money", "days"])
def test_a_step_may_be_called_like_anything(name):
    steps = Steps(steps=[{"id": name, "evidence": ["ask"]}, {"id": "pay"}], won="pay")
    events = pd.DataFrame({"lead_id": "a", "action": ["ask", "pay"],
                           "at": pd.date_range("2025-01-01", periods=2)})  # fmt: skip
    journeys = build_journeys(build_log(events), steps)
    for _ in range(2):
        assert set(count_times(journeys)["target"]) == {name, "won", "lost"}
        assert count_pace(journeys)["n_from_entry"].tolist() == [1, 1]
        assert len(count_standing(journeys)) == 2
