"""After the sale: by hand, against slow loops, planted truth; repeats by buyers; equal time."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from prove_time import DELAYS, find_true_shares, plant_buyers, try_effort

from funnel_lib.core.events import build_log
from funnel_lib.core.groups import Group
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import Steps
from funnel_lib.core.words import Words
from funnel_lib.counting.days import find_common_horizon, find_horizon_to_close, find_mature
from funnel_lib.counting.reach import HORIZON, count_funnel
from funnel_lib.sections.after_sale.count import count_repeats
from funnel_lib.sections.after_sale.tell import tell_after_sale, tell_repeats
from funnel_lib.sections.effort.count import count_money, find_money_ranges
from funnel_lib.sections.rules.count import count_rules
from funnel_lib.sections.times.count import count_times, find_medians

START = pd.Timestamp("2025-01-01", tz="UTC")
EN, RU = Words("en"), Words("ru")
PLAIN = Steps(
    steps=[{"id": "ask"}, {"id": "pay"}, {"id": "launch"}, {"id": "served"}, {"id": "review"}],
    won="pay",
)
AGAIN = Steps(
    steps=[{"id": "ask"}, {"id": "pay"}, {"id": "launch"},
           {"id": "again", "evidence": ["again", {"action": "pay", "other_deal": True}]}],
    won="pay",
)  # fmt: skip


def journeys_of(text, until, steps=PLAIN, accounts=None, **closed):
    """Journeys from lines of `lead day action`; closed as won on these days."""
    rows = [line.split() for line in text.strip().splitlines()]
    events = pd.DataFrame(rows, columns=["lead_id", "at", "action"])
    events["at"] = START + pd.to_timedelta(events["at"].astype(float), unit="D")
    ids = sorted(events["lead_id"].unique())
    leads = pd.DataFrame({"lead_id": ids, "status": "won", "amount": 100.0, "currency": "EUR"})
    leads["closed_at"] = START + pd.to_timedelta([closed.get(i) for i in ids], unit="D")
    leads["status"] = leads["status"].where(leads["closed_at"].notna(), "open")
    if accounts:
        leads["account_id"] = [accounts.get(i) for i in ids]
    return build_journeys(build_log(events, leads, START + pd.Timedelta(days=until)), steps)


def after(journeys, **more):
    table = count_funnel(journeys, **more)
    return table[table["part"] == "after_sale"].set_index("step")


def test_kaplan_and_meier_by_hand():
    # Export on day 30. Sold by payment on day 0 but for d: closed much later, or, d, before.
    # a launches on day 2; b on day 5; c never (watched 30 days); d, sold on day 20 when closed
    # (paid on 24), is watched for 10 days, e, sold on day 27, for 3: neither launches.
    text = """
    a 0 ask\na 0 pay\na 2 launch\nb 0 ask\nb 0 pay\nb 5 launch\nb 6 review\nc 0 ask\nc 0 pay
    d 0 ask\nd 24 pay\ne 27 ask\ne 27 pay"""
    journeys = journeys_of(text, 30, a=12, b=29, c=0, d=20, e=27)
    table = after(journeys)
    # Day 2: 1 of 5. Day 5: 1 of the 3 still waiting (b, c, d): 1 - 4/5 * 2/3 = 7/15.
    assert table.loc["launch", "share_of_entered"] == pytest.approx(7 / 15)
    # c alone of 5 is watched for 30 days, a tenth of them and more: that is the horizon.
    assert table.loc["launch", ["n_entered", "n_reached", "n_unseen", "n_open"]].tolist() == [
        5, 2, 0, 2]  # fmt: skip
    assert (table["horizon_days"] == 30).all()
    # The review does not tell of a launch, nor of being served, which nobody records.
    assert table.loc["review", "n_reached"] == 1
    dark = table.loc["served", ["n_reached", "n_unseen", "n_open", "share_of_entered", "low"]]
    assert dark.isna().all()
    # One number everywhere.
    time_to = find_medians(count_times(journeys), count_funnel(journeys)).set_index("target")
    same = ["share_of_entered", "low", "high"]
    for step in ("launch", "review"):
        told = time_to.loc[step, ["incidence", "low", "high"]]
        assert told.tolist() == pytest.approx(table.loc[step, same].tolist())
        rules = count_rules(journeys)
        assert (rules.loc[rules["step"] == step, "n_reached"] == table.loc[step, "n_reached"]).all()
    # Within four days d, and not e, has been watched; b launched later.
    assert after(journeys, within="4D").loc["launch", "share_of_entered"] == pytest.approx(1 / 5)


def follow_slowly(waits, watched, by):
    """Kaplan and Meier's share by a day, a lead and a day at a time."""
    waiting = 1.0
    for day in range(by + 1):
        ends = [min(wait, end) for wait, end in zip(waits, watched, strict=True)]
        at_risk = sum(end >= day for end in ends)
        taken = sum(wait == day and wait <= end for wait, end in zip(waits, watched, strict=True))
        waiting *= 1 - taken / at_risk if at_risk else 1
    return 1 - waiting


@pytest.mark.parametrize("seed", range(3))
def test_against_the_slow_loop_and_in_parts(seed):
    journeys = plant_buyers(300, seed, 20)
    table = after(journeys)
    leads, until = journeys.leads, journeys.observed_until
    for step in ("launch_done", "feedback_given"):
        waits, watched = [], []
        code = journeys.steps.ids.index(step)
        for n, lead in leads[leads["status"] == "won"].iterrows():
            own = slice(*journeys.offsets[[n, n + 1]])
            at = journeys.at[own][journeys.step[own] == code]
            since = lead["sold_at"].value // 1000
            waits.append((at.min() - since) // 86_400_000_000 if len(at) else np.inf)
            watched.append((until - lead["sold_at"]).days)
        slow = follow_slowly(waits, watched, HORIZON)
        assert table.loc[step, "share_of_entered"] == pytest.approx(slow)
        assert table.loc[step, "n_reached"] == sum(wait <= HORIZON for wait in waits)
    in_parts = replace(journeys, n_parts=7)
    pd.testing.assert_frame_equal(after(in_parts), table)
    groups = [Group()]
    pd.testing.assert_frame_equal(count_repeats(in_parts, groups), count_repeats(journeys, groups))


def test_planted_shares_return_whenever_deals_are_closed(monkeypatch):
    monkeypatch.setattr("prove_time.TRUE_LEADS", 20_000)
    truth, found = find_true_shares(), []
    assert truth["launch_done"] == pytest.approx(0.85, abs=0.01)
    assert truth["feedback_given"] == pytest.approx(0.4, abs=0.015)
    for delay in DELAYS:
        table = after(plant_buyers(2000, 8, delay))
        found.append(table["share_of_entered"].to_numpy())
        for step, share in truth.items():  # 1,400 buyers: four standard errors of about 1.4 points
            assert table.loc[step, "share_of_entered"] == pytest.approx(share, abs=0.056)
    assert (np.array(found) == found[0]).all()  # the sale is the payment


def test_buyers_buy_again_not_deals():
    # x pays on day 0, twice (one purchase), and on day 10; y on day 5 and 5.5; z once; w has no
    # account, and says so by `again` on day 7, two days after its sale. Export on day 30.
    text = """
    a 0 ask\na 0.1 pay\nb 0 ask\nb 0.4 pay\nc 9 ask\nc 10 pay
    d 5 ask\nd 5 pay\ne 5 ask\ne 5.5 pay\nf 1 ask\nf 1 pay\ng 5 ask\ng 5 pay\ng 7 again"""
    closed = {"a": 1, "b": 8, "c": 10, "d": 5, "e": 20, "f": 1, "g": 6}
    accounts = {"a": "x", "b": "x", "c": "x", "d": "y", "e": "y", "f": "z"}
    journeys = journeys_of(text, 30, AGAIN, accounts, **closed)
    row = count_repeats(journeys, [Group()]).iloc[0]
    # Buyers x, y, z and w; x bought again after 9 whole days for c's 100, w after 2.
    assert row[["n_won", "n_again", "amount_again"]].tolist() == [4, 2, 100]
    # All are watched for longer than that: 2 of 4.
    assert row["share"] == pytest.approx(1 / 2)
    step = after(journeys).loc["again", ["n_entered", "n_reached", "share_of_entered", "low"]]
    assert step.tolist() == row[["n_won", "n_again", "share", "low"]].tolist()
    # By accounts alone: w's word counts for nothing.
    plain = count_repeats(journeys_of(text, 30, PLAIN, accounts, **closed), [Group()]).iloc[0]
    assert plain[["n_won", "n_again", "amount_again"]].tolist() == [4, 1, 100]
    # Without accounts, and without such a step, nobody knows.
    blind = count_repeats(journeys_of(text, 30, PLAIN, **closed), [Group()])
    assert blind[["n_again", "share", "amount_again"]].isna().all(axis=None)
    assert "cannot be said" in tell_repeats(blind, EN)


def test_repeats_are_censored_at_the_export():
    # Four first sales on day 0, of which one repeats on day 20; four on day 25, watched for 5 days.
    first = "\n".join(f"{x} 0 ask\n{x} 0 pay" for x in "abcd") + "\ne 20 ask\ne 20 pay"
    text = first + "\n" + "\n".join(f"{x} 25 ask\n{x} 25 pay" for x in "fghi")
    closed = dict.fromkeys("abcd", 0) | {"e": 20} | dict.fromkeys("fghi", 25)
    journeys = journeys_of(text, 30, AGAIN, {"a": "x", "e": "x"}, **closed)
    row = count_repeats(journeys, [Group()]).iloc[0]
    assert row[["n_won", "n_again", "n_open"]].tolist() == [8, 1, 4]
    assert row["share"] == pytest.approx(1 / 4)  # not 1 of 8
    assert row["median_days_to_again"] == 20


def test_nobody_one_and_only_young_buyers():
    nobody = journeys_of("a 0 ask\na 3 launch", 30)
    table = count_funnel(nobody)
    rows = table[table["part"] == "after_sale"]
    assert (rows["n_entered"] == 0).all() and rows["share_of_entered"].isna().all()
    for words in (EN, RU):
        assert tell_after_sale(table, words) == words.text("sentence.after_sale_nobody")
        repeats = count_repeats(nobody, [Group()])
        assert tell_repeats(repeats, words) == words.text("sentence.after_sale_nobody")
    one = count_funnel(journeys_of("a 0 ask\na 1 pay\na 3 launch", 30, a=1))
    told = tell_after_sale(one, EN)
    assert told == "There is 1 buyer so far, too few for a share. Seen: “launch” 1."
    text = "\n".join(f"a{n} 0 ask\na{n} 20 pay\na{n} {21 + n % 3} launch" for n in range(40))
    young = count_funnel(journeys_of(text, 30, **{f"a{n}": 25 for n in range(40)}))
    told = tell_after_sale(young, EN)
    assert "within 10 days of the sale" in told and "not known yet" in told
    text = "\n".join(f"a{n} 0 ask\na{n} 29.5 pay\na{n} 29.6 launch" for n in range(40))
    now = count_funnel(journeys_of(text, 30, **{f"a{n}": 29.7 for n in range(40)}))
    assert tell_after_sale(now, EN) == EN.text("sentence.after_sale_too_young")


def test_only_leads_that_had_their_time_are_compared():
    # q's two leads closed within 2 days; of s one closed after 40 days, one, young, is open.
    events = [(x, 0, "ask", "client") for x in "abc"] + [("d", 70, "ask", "client")]
    events += [(x, at + 1, "call", "manager") for x, at in zip("abcd", (0, 0, 0, 70), strict=True)]
    events = pd.DataFrame(events, columns=["lead_id", "at", "action", "actor"])
    events["at"] = START + pd.to_timedelta(events["at"], unit="D")
    leads = pd.DataFrame({"lead_id": [*"abcd"], "status": ["won", "lost", "won", "open"],
                          "amount": [90.0, 1, 90, 90], "currency": "EUR"})  # fmt: skip
    leads["closed_at"] = START + pd.to_timedelta([2, 2, 40, None], unit="D")
    log = build_log(events, leads, START + pd.Timedelta(days=80))
    journeys = build_journeys(log, Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay"))
    member = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], float)
    groups = [Group(), *(Group(s, ("ask", "pay"), (), member, k) for k, s in enumerate("qs"))]
    table = count_money(log, journeys, groups).set_index("segment")
    assert table["amount_per_lead"].to_dict() == {"all": 45, "q": 45, "s": 45}
    assert table["n_mature"].to_dict() == {"all": 3, "q": 2, "s": 1}
    assert table["amount_per_mature_lead"].to_dict() == {"all": 60, "q": 45, "s": 90}
    ranges = find_money_ranges(log, journeys, groups).set_index(["segment", "measure"])["value"]
    assert ranges["s", "share_of_actions"] == pytest.approx(1 / 3)  # d's call is left out
    assert ranges["s", "share_of_amount"] == pytest.approx(1 / 2)


def test_equal_segments_of_different_pace_are_in_balance():
    assert [try_effort(run) for run in range(3)] == ["even"] * 3


def test_nothing_is_compared_while_the_slow_ones_are_still_closing():
    # 700 hours a step, 120 days of data: hardly anyone of the slow has come to an end.
    assert all(pd.isna(try_effort(run, 700)) for run in range(3))


def journeys_closing_after(days, until):
    """A lead a day from day 0 on, closed as many days later as `days` says."""
    events = pd.DataFrame({"at": START + pd.to_timedelta(np.arange(until), unit="D")})
    events = events.assign(lead_id=[f"L{n:03d}" for n in range(until)], action="ask")
    closed = START + pd.to_timedelta(np.arange(until) + days, unit="D")
    leads = pd.DataFrame({"lead_id": events["lead_id"], "status": "won", "closed_at": closed})
    late = leads["closed_at"] > START + pd.Timedelta(days=until)
    leads["status"] = leads["status"].mask(late, "open")
    leads["closed_at"] = leads["closed_at"].mask(late)
    log = build_log(events, leads, START + pd.Timedelta(days=until))
    return build_journeys(log, Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay"))


def test_the_slowest_group_says_who_has_had_time():
    slow = np.arange(200) % 2 == 1
    journeys = journeys_closing_after(np.where(slow, 60, 5), 200)
    member = np.column_stack([~slow, slow]).astype(float)
    quick, late = (Group(s, ("ask", "pay"), (), member, k) for k, s in enumerate("qs"))
    assert find_horizon_to_close(journeys, quick) == 5
    assert find_common_horizon(journeys, [quick]) == find_horizon_to_close(journeys) == 60
    assert find_common_horizon(journeys, [quick, late]) == 60
    assert find_mature(journeys, [quick, late]).tolist() == [True] * 141 + [False] * 59
    # closed after 100 to 190 days of 200: where it ends is not known
    growing = journeys_closing_after(np.where(slow, 100 + np.arange(200) % 91, 5), 200)
    assert np.isnan(find_common_horizon(growing, [late]))
    assert not find_mature(growing, [late]).any()
    assert find_mature(growing, [quick]).any()
