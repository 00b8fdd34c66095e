"""The CRM's pipeline beside the client's steps: by hand, by slow loops, against planted truth."""

import tracemalloc
from collections import Counter
from dataclasses import replace
from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest

from funnel_lib.core.events import build_log
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import Steps, parse_steps
from funnel_lib.counting.leads import list_leads
from funnel_lib.counting.moves import list_moves, order_stages
from funnel_lib.datasets.planted import plant_log
from funnel_lib.datasets.worlds import WORLDS
from funnel_lib.sections.stages.count import (
    check_pipeline,
    count_pipeline,
    count_reasons,
    count_stage_by_step,
    find_renamed,
    list_stages,
)

START = pd.Timestamp("2025-01-01", tz="UTC")
STEPS = Steps(
    steps=[{"id": s} for s in ("ask", "need", "read", "pay")], won="pay", lost=["gone"],
    stages={"Qualified": "need", "Sent": "read"},
)  # fmt: skip


def log_of(text, until=200):
    """Events as lines "lead, day, action" (an actor after a slash); days from START."""
    rows = [line.strip().split(" ", 2) for line in text.strip().splitlines()]
    events = pd.DataFrame(rows, columns=["lead_id", "at", "action"])
    events["at"] = START + pd.to_timedelta(events["at"].astype(float), unit="D")
    parts = events["action"].str.partition("/")
    events["action"], events["actor"] = parts[0], parts[2].where(parts[2] != "", "manager")
    return build_log(events, None, START + pd.Timedelta(days=until))


# a: ahead (Sent, though the need was never stated), lost late; b: behind (read, yet Qualified);
# c: skipped New and moved back; d: no stage; e: moved by the system, sold.
TEXT = """
a 0 ask
a 0 stage: New
a 1 stage: Qualified
a 2 stage: Qualified
a 3 stage: Sent
a 90 gone
b 0 ask
b 0 stage: New
b 1 stage: Qualified
b 2 need
b 5 read
c 0 ask
c 0 stage: Sent
c 1 need
c 2 stage: Qualified
c 199 read
d 0 ask
d 1 gone
e 0 ask
e 0 stage: New/system
e 1 need
e 1 stage: Qualified/system
e 2 stage: Sent/system
e 9 pay
"""


@pytest.fixture(scope="module")
def small():
    log = log_of(TEXT)
    journeys = build_journeys(log, STEPS)
    return log, journeys, list_leads(log, journeys)


def test_moves_by_hand(small):
    log, journeys, _ = small
    moves = list_moves(log, journeys)
    assert moves.groupby("lead")["stage"].agg(" ".join).tolist() == [
        "New Qualified Sent", "New Qualified", "Sent Qualified", "New Qualified Sent",
    ]  # fmt: skip
    assert order_stages(moves) == ["New", "Qualified", "Sent"]
    assert moves["previous"].isna().sum() == 4


def test_checks_by_hand(small):
    table = check_pipeline(*small).set_index("check")
    counts = table[["n_deals", "n_base"]].apply(tuple, axis=1).to_dict()
    assert counts == {
        "stage_ahead": (1, 3),  # a of a, b, c: not won, with a stage that means a step
        "client_ahead": (2, 3),  # b and c have read, and stand at Qualified
        "stage_skipped": (0, 4), "moved_back": (1, 4),  # c
        "moved_in_bulk": (0, 4), "moved_by_automation": (1, 4),  # e
        "closed_late": (1, 2),  # a after 90 days, d after 1
        "standing_still": (1, 2),  # b since day 5; c read the day before the export
    }  # fmt: skip
    assert table.loc["moved_back", "example"] == "c"
    assert (table["low"] <= table["share"]).all() and (table["share"] <= table["high"]).all()


def test_a_stage_left_out_is_skipped():
    log = log_of("a 0 ask\na 0 stage: New\na 1 stage: Sent\n"
                 "b 0 ask\nb 0 stage: New\nb 1 stage: Qualified\nb 2 stage: Sent")  # fmt: skip
    journeys = build_journeys(log, STEPS)
    table = check_pipeline(log, journeys, list_leads(log, journeys)).set_index("check")
    assert table.loc["stage_skipped", ["n_deals", "n_base", "example"]].tolist() == [1, 2, "a"]


def test_a_lost_end_is_no_place_in_the_order_of_stages():
    log = log_of("a 0 ask\na 0 stage: New\na 1 stage: Sent\na 2 stage: Won\n"
                 "b 0 ask\nb 0 stage: New\nb 1 stage: Lost\n"
                 "c 0 ask\nc 0 stage: New\nc 1 stage: Sent\nc 2 stage: Lost\nc 3 stage: New\n"
                 "d 0 ask\nd 0 stage: New\nd 1 stage: Lost\nd 2 stage: Sent")  # fmt: skip
    journeys = build_journeys(log, STEPS)
    table = check_pipeline(log, journeys, list_leads(log, journeys)).set_index("check")
    assert table.loc["stage_skipped", ["n_deals", "n_base"]].tolist() == [0, 4]
    assert table.loc["moved_back", ["n_deals", "example"]].tolist() == [1, "c"]


def test_bulk_moves_are_fifty_deals_in_a_minute():
    for n, time, found in ((49, ".4", 0), (50, ".4", 50), (50, "", 0)):  # dates tell no minute
        rows = "".join(f"l{i} 0 ask\nl{i} 1{time} stage: Sent\n" for i in range(n))
        log = log_of(rows)
        journeys = build_journeys(log, STEPS)
        table = check_pipeline(log, journeys, list_leads(log, journeys)).set_index("check")
        assert table.loc["moved_in_bulk", "n_deals"] == found


def test_both_stories_are_told_of_the_same_deals(small):
    table = count_pipeline(*small[:2])
    own = table[table["rule"] == "passed"].groupby("story")
    told = {story: dict(zip(rows["step"], rows["n_reached"], strict=True)) for story, rows in own}
    assert told == {
        "stages": {"New": 4, "Qualified": 4, "Sent": 3, "pay": 1},
        "steps": {"ask": 4, "need": 3, "read": 3, "pay": 1},
    }


def test_no_stage_history_is_no_story():
    log = log_of("a 0 ask\nb 0 ask\nb 1 pay")
    journeys = build_journeys(log, STEPS)
    assert count_pipeline(log, journeys).empty and list_moves(log, journeys).empty
    table = check_pipeline(log, journeys, list_leads(log, journeys)).set_index("check")
    assert table.loc["moved_back", "n_base"] == 0 and pd.isna(table.loc["moved_back", "share"])


def test_current_stages_alone_are_a_snapshot():
    log = log_of("a 0 ask\nb 0 ask\nb 1 need\nc 0 ask\nd 0 ask\ne 0 ask\ne 3 pay")
    stages = ["Qualified", "Sent", "Sent", "Elsewhere", "Sent"]
    log = replace(log, leads=log.leads.assign(stage=stages))
    table = count_pipeline(log, build_journeys(log, STEPS)).query("rule == 'passed'")
    told = table.groupby("story", sort=False)[["step", "n_reached"]].agg(list).T.to_dict("list")
    # a stands at Qualified; b, c, e at Sent and so past it; d at a stage that means no step.
    assert told["snapshot"] == [["Qualified", "Sent", "pay"], [4, 3, 1]]
    assert told["steps"] == [["ask", "need", "read", "pay"], [4, 2, 1, 1]]


def test_names_that_look_like_globs_are_names():
    log = log_of("a 0 ask\na 0 stage: [1] New?\na 1 stage: *\nb 0 ask\nb 0 stage: [1] New?")
    table = count_pipeline(log, build_journeys(log, STEPS))
    passed = table[(table["rule"] == "passed") & (table["story"] == "stages")]
    assert dict(zip(passed["step"], passed["n_reached"], strict=True)) == {
        "[1] New?": 2, "*": 1, "pay": 0,
    }  # fmt: skip


@pytest.fixture(scope="module")
def planted():
    planted = plant_log(replace(WORLDS["kettles"], noise=0), 2000, seed=6)
    log = build_log(planted.events, planted.leads, planted.truth["observed_until"])
    journeys = build_journeys(log, parse_steps(planted.steps_yaml))
    return planted, log, journeys, list_leads(log, journeys)


def test_shares_of_a_planted_pipeline_are_the_truth(planted):
    planted_crm, log, journeys, leads = planted
    truth = planted_crm.truth_leads.set_index("lead_id").loc[leads["lead_id"]]
    table = check_pipeline(log, journeys, leads).set_index("check")
    moved = leads["stage"].notna().to_numpy() & (truth["status"] != "won").to_numpy()
    assert table.loc["stage_ahead", "n_deals"] == truth["stage_ahead"][moved].sum()
    assert table.loc["stage_ahead", "n_base"] == moved.sum()


def test_stage_by_step_against_a_slow_loop(planted):
    planted_crm, *_, leads = planted
    truth = planted_crm.truth_leads.set_index("lead_id")
    counts = Counter()
    for row in leads.itertuples():
        if isinstance(row.stage, str) and row.status != "won":
            missed = truth.loc[row.lead_id, "missed_in_all"]
            counts[row.stage, missed, row.status] += 1
    table = count_stage_by_step(leads)
    found = {}
    for row in table.itertuples():
        found[row.stage, row.missed_step, "lost"] = row.n_lost
        found[row.stage, row.missed_step, "open"] = row.n_open
    assert {k: n for k, n in found.items() if n} == dict(counts)
    sizes = table.groupby("stage", sort=False)[["n_lost", "n_open"]].sum().sum(axis=1)
    assert sizes.is_monotonic_decreasing


def test_reasons_add_up_to_the_lost(planted):
    leads = planted[3]
    table = count_reasons(leads)
    lost = leads[(leads["status"] == "lost") & leads["loss_reason"].notna()]
    assert table["n_lost"].sum() == lost["missed_step"].notna().sum()
    assert set(table["loss_reason"]) == set(lost["loss_reason"])


def test_the_planted_stages_come_in_the_order_of_their_steps(planted):
    _, log, journeys, _ = planted
    order = order_stages(list_moves(log, journeys))
    ids = list(journeys.steps.ids)
    places = [ids.index(journeys.steps.stages[stage]) for stage in order]
    assert places == sorted(places)


def test_the_order_of_stages_agrees_with_most_pairs():
    rng = np.random.default_rng(4)
    for _ in range(20):
        true = list(rng.permutation(list("abcdef")))
        rows = []
        for lead in range(60):  # each deal comes to some of the stages, now and then swapped
            some = [s for s in true if rng.random() < 0.6]
            if len(some) > 1 and rng.random() < 0.2:
                at = rng.integers(len(some) - 1)
                some[at : at + 2] = some[at : at + 2][::-1]
            rows += [(lead, place, stage) for place, stage in enumerate(some)]
        moves = pd.DataFrame(rows, columns=["lead", "place", "stage"])
        assert order_stages(moves) == true == best_of_all(moves)


def best_of_all(moves):
    """The order with the most agreement, by trying all."""
    places = moves.pivot_table("place", "lead", "stage")
    ahead = {(a, b): (places[a] < places[b]).sum() for a, b in permutations(places, 2)}
    return list(max(permutations(places), key=lambda o: sum(ahead[p] for p in combinations(o, 2))))


def test_stages_of_several_pipelines_stay_apart():
    """The same name in two pipelines is two stages; the steps file may name it either way."""
    log = log_of("a 0 ask\na 1 stage: New\na 2 stage: Sent\n"
                 "b 0 ask\nb 1 stage: New\nc 0 ask\nc 1 stage: New")  # fmt: skip
    pipeline = pd.Series(["Retail", "Retail", None])
    log = replace(log, leads=log.leads.assign(pipeline=pipeline))
    assert list_moves(log, build_journeys(log, STEPS))["stage"].tolist() == [
        "New", "Sent", "New", "New",
    ]  # one pipeline: nothing to tell apart  # fmt: skip
    log = replace(log, leads=log.leads.assign(pipeline=["Retail", "Trade / EU", None]))
    journeys = build_journeys(log, STEPS)
    assert list_moves(log, journeys)["stage"].tolist() == [
        "Retail / New", "Retail / Sent", "Trade / EU / New", "New",
    ]  # fmt: skip
    leads = list_leads(log, journeys)
    assert leads["stage"].tolist() == ["Retail / Sent", "Trade / EU / New", "New"]
    assert leads["stage_ahead"].tolist() == [True, False, False]  # Sent means read
    table = count_pipeline(log, journeys).query("story == 'stages' and rule == 'any'")
    assert dict(zip(table["step"], table["n_reached"], strict=True)) == {
        "Retail / New": 1, "Trade / EU / New": 1, "New": 1, "Retail / Sent": 1, "pay": 0,
    }  # fmt: skip
    stages = list_stages(log, journeys, leads).set_index("stage")
    assert stages.loc["Retail / Sent", ["step", "n_deals"]].tolist() == ["read", 1]
    assert "Sent" not in stages.index


def test_the_usual_evidence_is_told_in_the_readers_language():
    log = log_of("a 0 ask\na 1 stage: Счёт выставлен\nb 0 ask\nb 1 stage: Qualified")
    journeys = build_journeys(log, STEPS)
    told = list_stages(log, journeys, list_leads(log, journeys), "ru").set_index("stage")
    assert told.loc["Счёт выставлен", ["kind", "step"]].tolist() == ["manager", "paid"]
    assert "банк" in told.loc["Счёт выставлен", "evidence"]
    assert told.loc["Qualified", ["step", "evidence"]].tolist() == ["need", "need"]


def test_a_stage_renamed_in_mid_life_is_shown_as_two_with_a_hint():
    rows = "".join(f"l{i} {i} ask\nl{i} {i} stage: {'Talks' if i < 8 else 'First talks'}\n"
                   f"l{i} {i + 0.5} stage: Sent\n" for i in range(16))  # fmt: skip
    log = log_of(rows)
    moves = list_moves(log, build_journeys(log, STEPS))
    assert find_renamed(moves).values.tolist() == [["Talks", "First talks"]]
    old = moves.loc[moves["stage"] == "Talks", "lead"]
    assert find_renamed(moves[~moves["lead"].isin(old[4:])]).empty  # four deals say nothing
    new = moves[moves["stage"] == "First talks"].index[0]
    moves.loc[new, "at"] = moves["at"].min()  # both names in use at once
    assert find_renamed(moves).empty


def test_a_deal_that_moves_without_end_takes_no_square_of_memory():
    moves = pd.DataFrame({
        "lead": [*range(8), *[8] * 2_400, *range(9, 17)], "at": pd.Timestamp("2025-01-01"),
        "stage": [*["Old"] * 8, *["Old", "Sent", "Seen"] * 800, *["New"] * 8], "place": 0,
    })  # fmt: skip
    moves["at"] += pd.to_timedelta(range(len(moves)), unit="min")
    tracemalloc.start()
    assert [*find_renamed(moves)["renamed_to"]] == ["New"]
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_a_lost_end_is_no_stage_that_buyers_pass():
    told = [("a", 1, "ask"), ("a", 2, "stage: New"), ("a", 3, "stage: Sent"), ("b", 1, "ask"),
            ("b", 2, "stage: New"), ("b", 4, "stage: Closed Lost"), ("c", 1, "ask"),
            ("c", 2, "stage: Gone")]  # fmt: skip
    events = pd.DataFrame(told, columns=["lead_id", "at", "action"])
    events["at"] = pd.Timestamp("2025-01-01 10:07") + pd.to_timedelta(events["at"], unit="h")
    leads = pd.DataFrame({"lead_id": ["a", "b", "c"], "status": ["won", "lost", "lost"]})
    log = build_log(events, leads)
    steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay", lost=["stage: Gone"])
    table = count_pipeline(log, build_journeys(log, steps)).query("rule == 'passed'")
    stages = table[table["story"] == "stages"]
    assert stages["step"].tolist() == ["New", "Sent", "pay"]
    steps = table[table["story"] == "steps"].set_index("step")
    assert steps.loc["ask", "n_reached"] == 3  # those who came to no other stage, too
