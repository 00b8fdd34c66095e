"""Money and effort: by hand, against an obvious loop, and what must not matter."""

import numpy as np
import pandas as pd
import pytest

from funnel_lib.core.events import build_log
from funnel_lib.core.groups import Group, list_groups
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import Steps, parse_steps
from funnel_lib.core.tallies import tally
from funnel_lib.datasets.planted import plant_log
from funnel_lib.sections.after_sale.count import count_repeats
from funnel_lib.sections.effort.count import (
    count_actions,
    count_money,
    find_money_ranges,
    list_added,
)
from funnel_lib.sections.paths.segments import find_segments

STEPS = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay")
START = pd.Timestamp("2025-01-01", tz="UTC")


def log_of(events, leads):
    """Events as (lead, day, action, actor), leads as columns; days count from the start."""
    events = pd.DataFrame(events, columns=["lead_id", "at", "action", "actor"])
    leads = pd.DataFrame(leads)
    events["at"] = START + pd.to_timedelta(events["at"], unit="D")
    leads["closed_at"] = START + pd.to_timedelta(leads["closed_at"], unit="D")
    log = build_log(events, leads, START + pd.Timedelta(days=100))
    return log, build_journeys(log, STEPS)


def small(**changes):
    """Three leads that asked: a and b were called, a bought, b was lost, c is open."""
    events = [(x, 0, "ask", "client") for x in "abc"]
    events += [
        ("a", 1, "call", "manager"),
        ("a", 2, "call", "manager"),
        ("b", 1, "call", "manager"),
    ]
    events += [("b", 2, "stage: Called", "manager"), ("c", 1, "opened", "client")]
    leads = {"lead_id": [*"abc"], "status": ["won", "lost", "open"], "closed_at": [4, 5, None],
             "amount": [900.0, 500.0, 100.0], "currency": "EUR"}  # fmt: skip
    return log_of(events, leads | changes)


def test_by_hand():
    log, journeys = small()
    assert count_actions(log, journeys).tolist() == [2, 1, 0]  # a change of stage is no action
    row = count_money(log, journeys, [Group()]).iloc[0]
    assert row[["n_leads", "n_won", "amount_won"]].tolist() == [3, 1, 900]
    assert row["amount_per_lead"] == 300 and row["median_days_to_won"] == 4
    assert row["manager_actions_per_lead"] == 1 and row["amount_per_manager_action"] == 300
    ranges = find_money_ranges(log, journeys, [Group()]).set_index("measure")
    assert ranges.loc["manager_actions_per_won", "value"] == 3
    assert ranges["low"].isna().all()  # one sale is no ground for a range


def test_currencies_are_told_apart_and_odd_amounts_are_no_money():
    log, journeys = small(status="won", closed_at=[4, 5, 6], currency=["EUR", "USD", "USD"],
                          amount=[900.0, -500.0, 100.0])  # fmt: skip
    table = count_money(log, journeys, [Group()]).set_index("currency")
    assert table["n_leads"].to_dict() == {"EUR": 1, "USD": 2}
    assert table["n_won"].to_dict() == {"EUR": 1, "USD": 2}
    assert table["amount_won"].to_dict() == {"EUR": 900, "USD": 100}


def test_without_amounts_or_managers_nothing_is_made_up():
    events = [(x, 0, "ask", "client") for x in "ab"]
    leads = {"lead_id": [*"ab"], "status": ["won", "lost"], "closed_at": [4, 5]}
    log, journeys = log_of(events, leads)
    row = count_money(log, journeys, [Group()]).iloc[0]
    money = ["amount_won", "amount_per_lead", "amount_per_manager_action"]
    assert row[[*money, "manager_actions_per_lead"]].isna().all()
    assert row[["n_leads", "n_won", "currency"]].tolist() == [2, 1, ""]


def test_nobody_bought_and_nobody_came():
    log, journeys = small(status="open", closed_at=[None] * 3)
    row = count_money(log, journeys, [Group()]).iloc[0]
    assert row["n_won"] == 0 and row["amount_won"] == 0 and np.isnan(row["median_days_to_won"])
    empty = Group("s1", ("ask", "pay"), (), np.zeros((3, 2)), 0)
    row = count_money(log, journeys, [Group(), empty]).iloc[1]
    assert row["n_leads"] == 0 and np.isnan(row["amount_per_lead"])
    # of a segment that was asked for and is not there an estimate leaves a trace, and no money
    log, journeys = small()
    traces = np.column_stack([[1.0, 1.0, 1.0], [1e-17, 1e-20, 1e-19]])
    row = count_money(log, journeys, [Group(), Group("s2", ("ask", "pay"), (), traces, 1)]).iloc[1]
    assert row["n_leads"] == row["amount_won"] == 0 and np.isnan(row["amount_per_lead"])


@pytest.fixture(scope="module")
def world():
    planted = plant_log("kettles", 800, seed=4)
    log = build_log(planted.events, planted.leads, planted.truth["observed_until"])
    journeys = build_journeys(log, parse_steps(planted.steps_yaml))
    return planted, log, journeys, list_groups(find_segments(journeys))


def test_equals_the_loop_and_segments_add_up(world):
    planted, log, journeys, groups = world
    table = count_money(log, journeys, groups)
    for group, row in zip(groups, table.itertuples(), strict=True):
        weights, leads = group.weigh(len(journeys.leads)), journeys.leads
        money = actions = n = 0.0
        acts = planted.events.query("actor == 'manager' and not action.str.startswith('stage: ')")
        acts = acts[~acts["action"].isin(["deal_lost", "field_need_filled"])]  # records, no help
        per_lead = acts["lead_id"].value_counts()
        for w, lead in zip(weights, leads.itertuples(), strict=True):
            n += w
            money += w * lead.amount * (lead.status == "won")
            actions += w * per_lead.get(lead.lead_id, 0)
        assert row.n_leads == pytest.approx(n) and row.amount_won == pytest.approx(money)
        assert row.manager_actions_per_lead == pytest.approx(actions / n)
        assert row.amount_per_manager_action == pytest.approx(money / actions)
    assert len(groups) == 3
    for column in ("n_leads", "n_won", "amount_won"):
        assert table[column][1:].sum() == pytest.approx(table[column][0])


def test_ranges_hold_their_values_and_ids_do_not_matter(world):
    planted, log, journeys, groups = world
    ranges = find_money_ranges(log, journeys, groups)
    inside = ranges["low"].le(ranges["value"] + 1e-9) & ranges["high"].ge(ranges["value"] - 1e-9)
    assert inside.all()
    ids = planted.leads["lead_id"].to_numpy()
    names = dict(zip(ids, np.random.default_rng(1).permutation(ids), strict=True))
    events = planted.events.assign(lead_id=planted.events["lead_id"].map(names))
    leads = planted.leads.assign(lead_id=planted.leads["lead_id"].map(names))
    other = build_log(events, leads.sample(frac=1, random_state=2), log.observed_until)
    again = build_journeys(other, journeys.steps)
    same = find_money_ranges(other, again, list_groups(find_segments(again)))
    pd.testing.assert_frame_equal(same, ranges, rtol=1e-6)


def test_sums_by_membership_are_the_weighted_sums(world):
    *_, journeys, groups = world
    entered = journeys.leads["entered_at"].notna().to_numpy()
    counted = tally(journeys, groups[-1].memberships)
    amount = np.arange(len(entered) * 1.0)
    won = counted.has_status("won")[counted.of_lead]
    added = list_added(counted, groups, [amount * won])
    sums = added.add_up(np.zeros(len(entered), int), 1)[0]
    mine = entered & won
    for group, total in zip(groups, sums, strict=True):
        assert total == pytest.approx(group.weigh(len(entered))[mine] @ amount[mine])


def test_repeats_by_hand():
    # x: first sale day 4, again on day 10 (700) and day 30 (200); y bought once; z is alone, twice
    # lost later. Buyers: x's first, y, z.
    events = [(lead, 0, "ask", "client") for lead in "abcdef"]
    leads = {"lead_id": [*"abcdef"], "account_id": ["x", "x", "x", "y", None, "z"],
             "status": ["won"] * 4 + ["lost", "won"], "closed_at": [4, 30, 10, 5, 6, 7],
             "amount": [100.0, 200, 700, 50, 60, 70], "currency": "EUR"}  # fmt: skip
    _, journeys = log_of(events, leads)
    row = count_repeats(journeys, [Group()]).iloc[0]
    assert row[["n_won", "n_again", "amount_again"]].tolist() == [3, 1, 900]
    assert row["share"] == pytest.approx(1 / 3) and row["low"] < 1 / 3 < row["high"]
    assert row["median_days_to_again"] == 6
    assert (
        count_repeats(log_of(events, leads | {"amount": np.nan})[1], [Group()])["amount_again"]
        .isna()
        .all()
    )
    mixed = count_repeats(log_of(events, leads | {"currency": [*["EUR", "USD", "EUR"] * 2]})[1],
                          [Group()]).set_index("currency")  # fmt: skip
    # x began in euros: its later 700 are euros, its 200 dollars.
    assert mixed["n_again"].to_dict() == {"EUR": 1, "USD": 0}
    assert mixed["amount_again"].to_dict() == {"EUR": 700, "USD": 200}
    nobody = count_repeats(journeys, [Group(memberships=np.zeros((6, 1)))]).iloc[0]
    assert nobody["n_won"] == 0 and np.isnan(nobody["share"])
