"""Managers, teams and sources beside each other; who records otherwise: by hand and planted."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from habits import make_world
from scipy.stats import norm

import funnel_lib as fl
from funnel_lib.comparing.comparable import list_groupings, measure_design
from funnel_lib.comparing.decided import find_decided
from funnel_lib.comparing.expected import expect_as_others
from funnel_lib.comparing.recording import find_habits
from funnel_lib.core.events import build_log
from funnel_lib.core.groups import Segmentation
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import Steps, parse_steps
from funnel_lib.core.words import Words
from funnel_lib.counting.leads import list_leads
from funnel_lib.sections.groups.count import count_groups
from funnel_lib.sections.groups.tell import tell_groups
from funnel_lib.sections.open_leads.count import list_open_leads
from funnel_lib.sections.paths.segments import find_segments
from funnel_lib.sections.recording.count import count_recording
from funnel_lib.sections.recording.tell import tell_recording

STEPS = Steps(steps=[{"id": "ask"}, {"id": "read"}, {"id": "pay"}], won="pay")
FATES = {"a": 0, "r": 1, "p": 2}  # the furthest step


def journeys_of(managers, **columns):
    """Leads by manager: fate → how many; "a" and "r" are lost after asking and after reading, "A"
    and "R" still open there, "p" bought. All came in one quarter, a year before the export."""
    rows = [
        (m, fate) for m, fates in managers.items() for fate, n in fates.items() for _ in range(n)
    ]
    leads = pd.DataFrame(rows, columns=["manager", "fate"])
    leads["lead_id"] = [str(k) for k in range(len(leads))]
    start = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(np.arange(len(leads)) % 60, "D")
    leads["status"] = leads["fate"].map({"p": "won", "a": "lost", "r": "lost"}).fillna("open")
    leads["closed_at"] = (start + pd.Timedelta("5D")).where(leads["status"] != "open")
    leads["amount"] = 100.0
    depth = leads["fate"].str.lower().map(FATES)
    events = pd.concat([
        pd.DataFrame({"lead_id": leads["lead_id"], "at": start + pd.Timedelta(d, "D"), "action": s})
        [(depth >= d).to_numpy()]
        for d, s in enumerate(STEPS.ids)
    ])  # fmt: skip
    log = build_log(events, leads.drop(columns="fate").assign(**columns), "2025-12-31")
    return build_journeys(log, STEPS)


TWO = {"Anna": {"a": 40, "r": 20, "p": 40}, "Boris": {"a": 20, "r": 20, "p": 60}}


def test_what_a_group_would_sell_as_the_others_by_hand():
    # Anna: 60 of 100 read, of these 40 pay; Boris: 80 and 60. As Boris does, she would sell
    # 100 * 0.8 * 0.75 = 60: 20 more. He, as she does, 100 * 0.6 * 2/3 = 40: 20 fewer.
    table = count_groups(journeys_of(TWO)).set_index("group")
    assert table["n_decided"].tolist() == [100, 100] and table["n_won"].to_dict() == {
        "Anna": 40, "Boris": 60,
    }  # fmt: skip
    assert table["extra_won"].to_dict() == pytest.approx({"Anna": 20, "Boris": -20})
    assert table["extra_amount"].to_dict() == pytest.approx({"Anna": 2000, "Boris": -2000})
    assert table["share_as_others"].to_dict() == pytest.approx({"Anna": 0.6, "Boris": 0.4})
    assert table["beyond_chance"].to_dict() == {"Anna": True, "Boris": False}
    low, high = table.loc["Anna", ["extra_low", "extra_high"]]
    assert 0 < low < 2000 < high and (low + high) / 2 == pytest.approx(2000)
    # About the error of a difference of two shares, 100 leads each, times 100 leads of 100 each.
    error = 100 * np.sqrt(0.4 * 0.6 / 100 + 0.6 * 0.4 / 100)
    assert (high - low) / 2 == pytest.approx(1.96 * 100 * error, rel=0.05)


def test_a_mix_of_paths_is_kept():
    """Two paths part after asking: on the short one nine in ten buy, on the long one three in ten.
    Anna has mostly the long one; on each path she is as good as Boris."""
    steps = Steps(steps=[{"id": i} for i in ("ask", "long", "short", "pay")], won="pay")
    rows = []
    for manager, n_long, n_short in (("Anna", 160, 40), ("Boris", 40, 160)):
        for step, n, share in (("long", n_long, 0.3), ("short", n_short, 0.9)):
            rows += [(manager, step, k < share * n) for k in range(n)]
    leads = pd.DataFrame(rows, columns=["manager", "step", "won"])
    leads["lead_id"], at = leads.index.astype(str), pd.Timestamp("2025-02-01", tz="UTC")
    leads["status"] = np.where(leads["won"], "won", "lost")
    leads["closed_at"] = at + pd.Timedelta("9D")
    asked = leads[["lead_id"]].assign(at=at, action="ask")
    on = leads[["lead_id"]].assign(at=at + pd.Timedelta("1D"), action=leads["step"])
    paid = leads.loc[leads["won"], ["lead_id"]].assign(at=at + pd.Timedelta("2D"), action="pay")
    events = pd.concat([asked, on, paid])
    told = leads[["lead_id", "manager", "status", "closed_at"]]
    journeys = build_journeys(build_log(events, told, "2025-12-31"), steps)
    member = np.column_stack([leads["step"] == "long", leads["step"] == "short"]).astype(float)
    paths = ("ask", "long", "pay"), ("ask", "short", "pay")
    order = journeys.leads["lead_id"].astype(int).to_numpy()
    found = Segmentation(steps.before_sale, ("s1", "s2"), paths, ((), ()), member[order])
    table = count_groups(journeys, found)
    assert table["share_won"].tolist() == pytest.approx([0.42, 0.78])
    assert table["extra_won"].tolist() == pytest.approx([0, 0], abs=1e-9)
    assert not table["beyond_chance"].any()
    assert not find_habits(journeys, found).table["differs"].any()


def test_without_anybody_to_compare_with_there_is_no_sentence():
    words = Words("en")
    one = journeys_of({"Anna": {"a": 40, "p": 40}})
    table, recording = count_groups(one), count_recording(one)
    assert table.empty and recording.empty
    assert tell_groups(table, words) == ""
    assert tell_recording(recording, words) == words.text("sentence.recording_untested")
    few = count_groups(journeys_of({"Anna": {"a": 3, "p": 1}, "Boris": {"a": 2, "p": 2}}))
    assert few["extra_won"].isna().all() and not few["beyond_chance"].any()


def test_who_never_closes_is_barred_and_stains_nobody():
    managers = {"Anna": {"a": 60, "r": 30, "p": 60}, "Boris": {"a": 62, "r": 30, "p": 58},
                "Vera": {"A": 60, "R": 30, "p": 60}}  # fmt: skip
    teams = ["north"] * 150 + ["south"] * 300
    journeys = journeys_of(managers, team=teams)
    table = count_groups(journeys).set_index("group")
    assert table["barred"].to_dict() == {
        "Anna": False, "Boris": False, "Vera": True, "north": False, "south": False,
    }  # fmt: skip
    assert np.isnan(table.loc["Vera", "extra_won"]) and not table["beyond_chance"].any()
    recording = count_recording(journeys)
    row = recording[recording["differs"]]
    assert row[["group", "step", "share", "share_others"]].values.tolist() == [
        ["Vera", "closing", 0.6, 0.0]
    ]
    assert find_habits(journeys).comparable.sum() == 300


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_who_leaves_out_a_step_is_named(share):
    """Vera's buyers show that they read in none, or three in ten, of the cases."""
    managers = {name: {"a": 40, "r": 20, "p": 60} for name in ("Anna", "Boris", "Vera")}
    journeys = journeys_of(managers)
    events = journeys_events(journeys)
    hers = set(journeys.leads.loc[journeys.leads["manager"] == "Vera", "lead_id"])
    her_won = set(journeys.leads.loc[(journeys.leads["manager"] == "Vera")
                                     & (journeys.leads["status"] == "won"), "lead_id"])  # fmt: skip
    kept = set(sorted(her_won)[: round(share * 60)])
    out = (events["action"] == "read") & events["lead_id"].isin(hers - kept)
    log = build_log(events[~out], journeys.leads[["lead_id", "manager", "status", "closed_at"]],
                    "2025-12-31")  # fmt: skip
    auto = Segmentation(STEPS.before_sale, ("all",), (STEPS.before_sale,), ((),), np.ones((360, 1)))
    again = build_journeys(log, STEPS)
    found = find_habits(again, auto).table
    row = found[found["differs"] & (found["step"] == "read")]
    assert row[["group", "n_base", "share", "share_others"]].values.tolist() == [
        ["Vera", 60, share, 1.0]
    ]
    # Where paths were not looked for, three in ten may be another mix of clients.
    alone = find_habits(again).table
    assert (alone["differs"] & (alone["step"] == "read")).sum() == (share == 0)


def journeys_events(journeys):
    """The evidence as events."""
    return pd.DataFrame({
        "lead_id": journeys.leads["lead_id"].to_numpy()[journeys.lead],
        "at": pd.to_datetime(journeys.at, unit="us", utc=True),
        "action": np.array(STEPS.ids, object)[journeys.step],
    })  # fmt: skip


@pytest.mark.parametrize("n_lost", [0, 8])
def test_who_enters_won_deals_only_is_barred_and_blames_nobody(n_lost):
    """Both sell 30 % in truth; of Boris's 140 lost leads none, or a few, are in the export."""
    managers = {"Anna": {"a": 80, "r": 60, "p": 60}, "Boris": {"a": n_lost, "p": 60}}
    journeys = journeys_of(managers)
    rows = find_habits(journeys).table.query("step == 'lost'").set_index("group")
    assert rows["differs"].to_dict() == {"Anna": False, "Boris": True}
    assert rows.loc["Boris", "share"] == n_lost / (60 + n_lost)
    assert rows.loc["Boris", "share_others"] == pytest.approx(140 / 200)
    table = count_groups(journeys).set_index("group")
    assert table["barred"].to_dict() == {"Anna": False, "Boris": True}
    assert not table["beyond_chance"].any()
    for lang, share in (("en", "70.0%"), ("ru", "70,0\N{NO-BREAK SPACE}%")):
        told = tell_recording(count_recording(journeys), Words(lang))
        assert "Boris" in told and share in told and "Anna" not in told


@pytest.mark.parametrize("n_others", [1, 3])
@pytest.mark.parametrize("better", [{"a": 40, "r": 60, "p": 100}, {"a": 20, "r": 60, "p": 120}])
def test_who_sells_twice_as_much_is_good_and_compared(better, n_others):
    """Also by teams: half, or 60 %, of the leads buy, of the others' 30 %."""
    others = {f"M{k}": {"a": 80, "r": 60, "p": 60} for k in range(n_others)}
    teams = ["north"] * 200 + ["south"] * 200 * n_others
    habits = find_habits(journeys_of({"Emma": better} | others, team=teams))
    assert not habits.barred["manager"] and not habits.barred["team"]


def test_who_leaves_lost_leads_open_is_named_for_that_alone():
    managers = {"Anna": {"a": 80, "r": 60, "p": 60}, "Vera": {"A": 80, "R": 60, "p": 60}}
    table = find_habits(journeys_of(managers)).table
    assert table.loc[table["differs"], "step"].tolist() == ["closing"]


def test_deals_of_one_client_raise_the_error():
    journeys = journeys_of(TWO)
    clients = [f"c{int(k) // 5}" for k in journeys.leads["lead_id"]]  # five alike each
    together = replace(journeys, leads=journeys.leads.assign(account_id=clients))
    leads = np.ones(200, bool)
    (grouping,) = list_groupings(journeys, ("manager",))
    design = measure_design(together, grouping, find_decided(together), leads)
    assert measure_design(journeys, grouping, find_decided(journeys), leads) == 1.0
    assert 4 < design[1] <= 5.01 and (design >= 1).all()
    alone, whole = (
        expect_as_others(j, list_groupings(j, ("manager",))[0], find_decided(j), leads)
        for j in (journeys, together)
    )
    assert whole.extra == pytest.approx(alone.extra)
    assert (whole.error / alone.error) ** 2 == pytest.approx([5, 5], abs=0.6)


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_page_one_names_who_sells_worse_and_who_records_otherwise(lang):
    planted = fl.plant_log("kettles", 6000, seed=1)
    leads = planted.leads.copy()
    out = (leads["manager"] == "Vera") & (leads["status"] == "lost")
    leads.loc[out, ["status", "closed_at"]] = ["open", pd.NaT]
    log = build_log(planted.events, leads, planted.truth["observed_until"])
    journeys = build_journeys(log, parse_steps(planted.steps_yaml))
    words = Words(lang, journeys.steps.names(lang))
    told = tell_recording(count_recording(journeys), words)
    assert "Vera" in told and "Gleb" not in told and not re.search(r"[{}_]|closing", told)
    worse = tell_groups(count_groups(journeys), words)
    assert "Gleb" in worse and "Vera" not in worse and not re.search(r"[{}_]", worse)


def test_what_is_planted_of_gleb_lies_in_his_interval(root):
    """He asks less. What the others' chances would bring his leads, on each of the two paths."""
    truth = json.loads((root / "data" / "sample" / "truth.json").read_text(encoding="utf-8"))
    planted = fl.plant_log("kettles", truth["n_leads"], truth["seed"])
    log = build_log(planted.events, planted.leads, truth["observed_until"])
    journeys = build_journeys(log, parse_steps(planted.steps_yaml))
    table = count_groups(journeys, find_segments(journeys)).set_index("group")
    gleb = table.loc["Gleb"]
    assert table.index[table["beyond_chance"]].tolist() == ["Gleb"]
    expected = 0.0
    for segment in truth["segments"].values():
        shares = {name: np.prod(own) for name, own in segment["managers"].items()}
        others = np.mean([shares[name] for name in ("Anna", "Boris", "Vera")])
        expected += gleb["n_leads"] * segment["share"] * (others - shares["Gleb"])
    worth = gleb["extra_amount"] / gleb["extra_won"]
    assert gleb["extra_low"] < expected * worth < gleb["extra_high"]


def test_one_who_is_far_better_makes_nobody_else_worse():
    """Three alike, one with the easier clients: against the four others' mean each looks bad."""
    alike = {"a": 80, "r": 60, "p": 60}
    managers = dict.fromkeys(("Anna", "Boris", "Vera"), alike) | {
        "Emma": {"a": 20, "r": 40, "p": 140}
    }
    table = count_groups(journeys_of(managers)).set_index("group")
    assert (table.loc[["Anna", "Boris", "Vera"], "p"] < 0.001).all()
    assert table.loc[["Anna", "Boris", "Vera"], "p_without_best"].tolist() == pytest.approx(
        [0.5] * 3
    )
    assert not table["beyond_chance"].any()
    managers["Vera"] = {"a": 120, "r": 60, "p": 20}  # worse than Anna and Boris, too
    worse = count_groups(journeys_of(managers)).set_index("group")["beyond_chance"]
    assert worse.index[worse].tolist() == ["Vera"]


USUAL = {"a": 80, "r": 60, "p": 60}
LEAVES_OPEN = {fate.upper() if fate != "p" else fate: n for fate, n in USUAL.items()}
LUCKY = {"a": 20, "r": 40, "p": 140}


def find_claims(managers, **columns):
    """Of which groups is it said that they sell worse?"""
    table = count_groups(journeys_of(managers, **columns))
    return table.loc[table["beyond_chance"], "group"].tolist(), table.set_index("group")


def test_who_records_otherwise_still_speaks_for_one_left_with_the_best():
    """Anna and Dina never close lost leads, and win as Boris does: beside Emma alone he looks bad;
    with a third of their sales he is."""
    managers = {"Anna": LEAVES_OPEN, "Boris": USUAL, "Dina": LEAVES_OPEN, "Emma": LUCKY}
    worse, table = find_claims(managers)
    assert worse == [] and table["barred"].to_dict() == {
        "Anna": True, "Boris": False, "Dina": True, "Emma": False
    }  # fmt: skip
    assert table.loc["Boris", "p"] < 0.001 and table.loc["Boris", "p_without_best"] == 0.5
    assert "which of them is the exception" in tell_groups(table.reset_index(), Words("en"))
    worse, table = find_claims(managers | {"Boris": {"a": 120, "r": 60, "p": 20}})
    told = tell_groups(table.reset_index(), Words("en"))
    assert worse == ["Boris"] and "sells less" in told and "only one other" not in told


def test_sales_of_deals_of_one_client_are_less_sure():
    """The same shares, of deals that come five at a time, all alike."""
    managers = {"Anna": LEAVES_OPEN, "Boris": {"a": 90, "r": 60, "p": 50}, "Dina": LEAVES_OPEN,
                "Emma": LUCKY}  # fmt: skip
    journeys = journeys_of(managers)
    clients = [f"c{int(k) // 5}" for k in journeys.leads["lead_id"]]
    together = replace(journeys, leads=journeys.leads.assign(account_id=clients))
    alone, whole = (
        norm.isf(count_groups(j).set_index("group").loc["Boris", "p_without_best"])
        for j in (journeys, together)
    )
    assert (alone / whole) ** 2 == pytest.approx(5, abs=0.6)


def test_who_enters_hardly_any_lost_lead_speaks_for_nobody():
    managers = {"Boris": USUAL, "Emma": LUCKY, "Dina": {"a": 3, "r": 1, "p": 196}}
    worse, table = find_claims(managers)
    assert table["barred"].to_dict() == {"Boris": False, "Emma": False, "Dina": True}
    assert worse == [] and table["p_without_best"].isna().all()


def test_of_two_one_sells_less_whoever_left_long_ago():
    """A third who had but a few leads is nobody's witness."""
    worse, table = find_claims({"Boris": USUAL, "Emma": LUCKY})
    assert worse == ["Boris"]
    assert "only one other to compare with" in tell_groups(table.reset_index(), Words("en"))
    few = {fate: n // 10 for fate, n in USUAL.items()}
    assert find_claims({"Boris": USUAL, "Emma": LUCKY, "Left": few})[0] == ["Boris"]


def test_one_manager_makes_no_team_bad():
    managers = {"Anna": USUAL, "Boris": USUAL, "Carl": USUAL, "Emma": LUCKY}
    teams = ["north"] * 400 + ["south"] * 400
    worse, table = find_claims(managers, team=teams)
    assert worse == [] and table.loc["north", "p"] < 0.001
    assert table.loc["north", "p_without_best"] == pytest.approx(0.5)
    both = managers | {"Carl": LUCKY}
    assert "north" in find_claims(both, team=teams)[0]
    alone = {"Anna": USUAL, "Boris": USUAL, "Emma": LUCKY}
    assert find_claims(alone, team=["north"] * 400 + ["south"] * 200)[0] == []


@pytest.mark.parametrize(("kind", "alike"), [("steps", "ABC"), ("never-closes", "ABCD")])
def test_leads_of_who_leaves_out_steps_may_have_taken_them(kind, alike):
    """Who leaves leads open records the steps as the others do."""
    made = make_world(kind, 1, 2000)
    habits = find_habits(made.journeys, find_segments(made.journeys))
    assert habits.barred["manager"] == {"D"}
    leads = list_leads(made.log, made.journeys, recorded_alike=habits.placed)
    assert {*leads.loc[leads["recorded_alike"], "manager"]} == {*alike}
    listed = list_open_leads(made.log, made.journeys, leads, find_segments(made.journeys))
    of_odd, doubt = listed["manager"] == "D", listed["doubt"]
    assert (doubt[~of_odd] == "").all()
    if kind == "steps":  # only those that wait for what he does not record
        lacks = (
            listed["next_step"]
            .str.split(" | ", regex=False)
            .map(made.kind.marks(made.draft).intersection)
        )
        assert ((doubt == "taken") == (of_odd & lacks.map(bool))).all() and (doubt != "").any()
        assert not (listed.loc[doubt == "taken", "asked"] == "no").any()
    else:
        assert ((doubt == "ended") == (of_odd & (listed["days_silent"] > 30))).all()
        assert (doubt == "ended").sum() > 50 and not (doubt == "ended").iloc[:20].any()


def test_where_paths_were_not_looked_for_other_clients_may_be_why_they_are_not_compared():
    journeys = make_world("mix", 1, 3000).journeys
    alone = count_recording(journeys)
    assert alone["apart"].any() and not alone["differs"].any()
    assert tell_recording(alone, Words("en")).startswith(
        "Not compared with others, as they record differently or have other clients: manager C, "
        "manager D, team south."
    )
    by_path = count_recording(journeys, find_segments(journeys))
    assert not by_path["apart"].any()
    assert tell_recording(by_path, Words("ru")).startswith("Все записывают одинаково")


@pytest.mark.parametrize("seed", [1, 10, 18])
def test_one_manager_who_leaves_out_steps_does_not_bar_the_team(seed):
    """His lost leads show no step behind the first, and his path may be a part of two."""
    journeys = make_world("easier-two-odd", seed, 2400).journeys
    habits = find_habits(journeys, find_segments(journeys))
    assert habits.barred["manager"] == {"A", "D"} and not habits.barred["team"]
    assert set(habits.paths["kind"]) == {"manager"}
