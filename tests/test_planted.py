"""Planted CRMs: what they say of themselves must be what is in them."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import chi2_contingency

from funnel_lib.core.errors import InputError
from funnel_lib.core.steps import read_steps
from funnel_lib.datasets.planted import LOST, plant_log, write_planted
from funnel_lib.datasets.worlds import MANAGERS, WON, WORLDS, PlantedSegment, World

SIGMAS = 4.0  # binomial errors allowed: about 100 shares are compared, so one in 16,000 is enough
DOUBT = 1e-4  # p-value below which independence is doubted; one fixed seed, so it is stable
EVENT_COLUMNS = ["lead_id", "at", "action", "actor"]
LEAD_COLUMNS = [
    *("lead_id", "created_at", "status", "closed_at", "amount", "currency", "manager", "team"),
    *("product", "source", "loss_reason", "account_id"),
]


@pytest.fixture(scope="module")
def kettles():
    return plant_log("kettles", n_leads=3000, seed=1)


def observed_until(planted):
    return pd.Timestamp(planted.truth["observed_until"])


def path_positions(planted, step_column):
    """Position of a step column on each lead's own path, from 0."""
    paths = {name: s["path"] for name, s in planted.truth["segments"].items()}
    table = planted.truth_leads
    return np.array(
        [paths[s].index(step) for s, step in zip(table.segment, table[step_column], strict=True)]
    )


def assert_share(found, n, expected):
    error = SIGMAS * np.sqrt(max(expected * (1 - expected), 1e-9) / n)
    assert abs(found - expected) <= error, (found, expected, n)


def test_same_seed_same_log_and_another_seed_another():
    first, second, other = (plant_log("kettles", 300, seed) for seed in (5, 5, 6))
    for part in ("events", "leads", "truth_leads"):
        pd.testing.assert_frame_equal(getattr(first, part), getattr(second, part))
    assert (first.truth, first.steps_yaml) == (second.truth, second.steps_yaml)
    assert not first.events.equals(other.events)


@pytest.mark.parametrize("name", WORLDS)
def test_every_world_plants_and_its_steps_file_explains_every_client_event(name, tmp_path):
    planted = plant_log(name, n_leads=400, seed=2)
    assert planted.events.columns.tolist() == EVENT_COLUMNS
    assert planted.leads.columns.tolist() == LEAD_COLUMNS
    assert planted.leads.lead_id.is_unique and len(planted.leads) == 400
    assert planted.leads.lead_id.equals(planted.truth_leads.lead_id)
    assert set(planted.events.lead_id) == set(planted.leads.lead_id)
    file = yaml.safe_load(planted.steps_yaml)
    (tmp_path / "steps.yml").write_text(planted.steps_yaml, encoding="utf-8")
    assert list(read_steps(tmp_path / "steps.yml").before_sale) == planted.truth["steps"]
    assert list(file)[:4] == ["version", "steps", "won", "post_sale"] and file["lost"] == [LOST]
    evidence = {e for step in file["steps"] for e in step["evidence"] if isinstance(e, str)}
    assert all(set(step["name"]) == {"en", "ru"} for step in file["steps"])
    assert {file["won"], *file["post_sale"]} <= {step["id"] for step in file["steps"]}
    assert set(planted.events.action[planted.events.actor == "client"]) <= evidence
    assert json.loads(json.dumps(planted.truth)) == planted.truth
    assert sum(s["share"] for s in planted.truth["segments"].values()) == pytest.approx(1)


def test_steps_file_of_the_kettles_names_all_kinds(kettles):
    file = yaml.safe_load(kettles.steps_yaml)
    actions = set(kettles.events.action)
    asked_by = {a for step in file["steps"] for a in step.get("asked_by", [])}
    assert asked_by <= actions
    assert set(file["self_reported"]) <= actions
    assert {f"stage: {stage}" for stage in file["stages"]} <= actions
    assert {"launch_done", "feedback_given", "repeat_order"} <= actions
    assert "served" in file["post_sale"] and "served" not in actions  # not measurable
    known = (
        {e for step in file["steps"] for e in step["evidence"] if isinstance(e, str)}
        | asked_by
        | {LOST}
    )
    assert all(a in known or a.startswith("stage: ") for a in actions)


@pytest.mark.parametrize("name", WORLDS)
def test_true_reach_is_the_share_of_leads(name):
    planted = plant_log(name, n_leads=6000, seed=3)
    furthest = path_positions(planted, "final_step")
    for segment, truth in planted.truth["segments"].items():
        own = (planted.truth_leads.segment == segment).to_numpy()
        assert_share(own.mean(), len(own), truth["share"])
        for row in truth["reach"]:
            assert_share((furthest[own] >= row["position"] - 1).mean(), own.sum(), row["reached"])


def test_taken_counts_the_step_itself_under_skips_swaps_and_loops():
    segment = PlantedSegment(
        1,
        ("request_left", "call_answered", "task_stated", "demo_attended", "terms_agreed", WON),
        skip={"task_stated": 0.5, "demo_attended": 0.2},
        swaps={("call_answered", "task_stated"): 0.3},
        loops={("task_stated", "demo_attended"): 0.4},
        go_on=0.95,
        ask={"call_answered": 0.6},
        hours=0.01,
    )
    managers = MANAGERS | {"Anna": ("north", 0.2)}
    planted = plant_log(World({"s": segment}, noise=0, days=20_000, managers=managers), 20_000, 4)
    seen = planted.events[planted.events.actor == "client"].groupby("action").lead_id.nunique()
    for row in planted.truth["segments"]["s"]["reach"]:
        assert_share(seen[row["step"]] / 20_000, 20_000, row["taken"])
    # by hand: the sale is four sure coins and one that depends on being asked
    asked = 0.6 * (3 + 0.2) / 4
    won = 0.95**5 * (asked + (1 - asked) * 0.6)
    assert planted.truth["segments"]["s"]["reach"][-1]["reached"] == pytest.approx(won)


def test_repeats_and_loops_come_as_often_as_planted():
    planted = plant_log(replace(WORLDS["loops"], noise=0), 20_000, seed=5)
    events = planted.events.merge(planted.truth_leads)
    for segment, step, p in [("quick", "call_answered", 0.35), ("tender", "proposal_opened", 0.5)]:
        buyers = events[(events.segment == segment) & (events.final_status == "won")]
        buyers = buyers[buyers.status == "won"]
        times = buyers[buyers.action == step].groupby("lead_id").size()
        assert_share((times > 1).mean(), len(times), p)
        assert_share((times > 2).mean(), len(times), p**2)


@pytest.mark.parametrize("name", ["clean", "noisy", "kettles"])
def test_noise_is_the_planted_share_and_keeps_its_place(name):
    world = WORLDS[name]
    planted = plant_log(world, 5000, seed=6)
    events = planted.events[
        (planted.events.actor == "client") & ~planted.events.action.isin(world.post_sale)
    ]
    assert_share(planted.truth_leads.n_noise.sum() / len(events), len(events), world.noise)
    table = events.merge(planted.leads, on="lead_id")
    assert (table["at"] >= table.created_at).all()
    assert not (table["at"] > table.closed_at).any()
    sales = events[events.action == WON].groupby("lead_id").size()
    assert set(sales) == {1} and set(sales.index) == set(
        planted.leads.lead_id[planted.leads.status == "won"]
    )


@pytest.mark.parametrize("name", ["kettles", "date-only"])
def test_nothing_after_the_export_and_open_is_what_closes_later(name):
    world = replace(WORLDS[name], days=60)
    planted, until = plant_log(world, 2000, seed=7), pd.Timestamp("2025-03-02")
    leads, events = planted.leads, planted.events
    assert observed_until(planted) == until
    assert events["at"].max() <= until and leads.created_at.max() <= until
    assert (leads.closed_at.dropna() <= until).all()
    assert leads.closed_at.isna().equals(leads.status == "open")
    assert 0.1 < (leads.status == "open").mean() < 0.9
    closed = leads[leads.status != "open"].reset_index(drop=True)
    last = events[events.action.isin([WON, LOST])].groupby("lead_id")["at"].max()
    assert (closed.lead_id.map(last) == closed.closed_at).all()
    final = planted.truth_leads.set_index("lead_id").final_status
    assert (closed.lead_id.map(final) == closed.status).all()
    assert leads.loss_reason.notna().equals(leads.status == "lost")


def count_slowly(lead, events, steps, order, optional, all_actions):
    """The rules of counting, one lead at a time, in so many words."""
    shows = {e: step["id"] for step in steps for e in step["evidence"] if isinstance(e, str)}
    furthest, since = -1, None
    for event in events:
        step = shows.get(event.action)
        if step in order and order.index(step) > furthest:
            furthest, since = order.index(step), event.at
    if lead.status == "won":
        return order[furthest], None, None
    missed = next(s for s in order[furthest + 1 :] if s not in optional)
    asked_by = next(step.get("asked_by", []) for step in steps if step["id"] == missed)
    if not any(action in all_actions for action in asked_by):
        return order[furthest], missed, "unknown"
    for event in events:
        before_close = pd.isna(lead.closed_at) or event.at < lead.closed_at
        if event.action in asked_by and event.at >= since and before_close:
            return order[furthest], missed, "yes"
    return order[furthest], missed, "no"


@pytest.mark.parametrize("name", ["kettles", "messy", "optional", "either-order", "date-only"])
def test_missed_and_asked_follow_the_rules_of_counting(name):
    world = WORLDS[name]
    asked = {k: replace(s, ask=0.6) for k, s in world.segments.items()}
    planted = plant_log(replace(world, noise=0, segments=asked, days=90), 1000, seed=8)
    steps = yaml.safe_load(planted.steps_yaml)["steps"]
    every = [s["id"] for s in steps if s["id"] not in world.post_sale]
    actions = set(planted.events.action)
    of_lead = {k: list(e.itertuples()) for k, e in planted.events.groupby("lead_id")}
    seen = set()
    rows = zip(planted.leads.itertuples(), planted.truth_leads.itertuples(), strict=True)
    for lead, truth in rows:
        events, segment = of_lead[lead.lead_id], planted.truth["segments"][truth.segment]
        optional = {s for s, p in segment["skip"].items() if p >= 1 / 3}
        own = count_slowly(lead, events, steps, segment["path"], optional, actions)
        found = (truth.furthest_step, truth.missed_step, truth.asked)
        assert tuple(None if pd.isna(x) else x for x in found) == own
        in_all = count_slowly(lead, events, steps, every, (), actions)
        found = (truth.furthest_in_all, truth.missed_in_all, truth.asked_in_all)
        assert tuple(None if pd.isna(x) else x for x in found) == in_all
        seen.add(truth.asked)
    assert {"yes", "no"} <= seen


def test_being_asked_helps_as_planted():
    planted = plant_log("kettles", 20_000, seed=9)
    events, table = planted.events, planted.truth_leads
    urgent = table[(table.segment == "urgent") & (table.final_step != "request_left")]
    asked = urgent.lead_id.isin(events.lead_id[events.action == "terms_sent"])
    went_on = urgent.final_step != "call_answered"
    closed = urgent.status != "open"
    for was_asked, chance in ((True, 0.8), (False, 0.8 * 0.5)):
        group = went_on[(asked == was_asked) & closed]
        assert_share(group.mean(), len(group), chance)


def test_managers_who_ask_less_ask_less(kettles):
    calls = set(kettles.events.lead_id[kettles.events.action == "call_out"])
    share = kettles.leads.lead_id.isin(calls).groupby(kettles.leads.manager).mean()
    assert share["Gleb"] < share.drop("Gleb").min() - 0.1


def test_product_source_and_manager_do_not_depend_on_the_segment():
    planted = plant_log("kettles", 10_000, seed=10)
    for column in ("product", "source", "manager", "team"):
        table = pd.crosstab(planted.truth_leads.segment, planted.leads[column])
        assert chi2_contingency(table).pvalue > DOUBT, column
    amounts = planted.leads.groupby(planted.truth_leads.segment).amount.median()
    assert amounts["urgent"] == pytest.approx(40_000, rel=0.05)
    assert amounts["considered"] == pytest.approx(150_000, rel=0.05)


def test_date_only_has_only_midnights_and_the_others_have_times():
    planted = plant_log("date-only", 500, seed=11)
    for times in (planted.events["at"], planted.leads.created_at, planted.leads.closed_at.dropna()):
        assert (times == times.dt.normalize()).all()
    same_day = planted.events[planted.events.actor == "client"].duplicated(["lead_id", "at"])
    assert same_day.any()
    other = plant_log("clean", 500, seed=11).events["at"]
    assert (other != other.dt.normalize()).mean() > 0.9


def test_rare_segment_is_one_in_twenty():
    planted = plant_log("rare", 20_000, seed=12)
    assert planted.truth["segments"]["trial"]["share"] == pytest.approx(0.05)
    assert_share((planted.truth_leads.segment == "trial").mean(), 20_000, 0.05)


def test_paces_differ_and_paths_do_not():
    planted = plant_log(replace(WORLDS["two-paces"], noise=0), 4000, seed=13)
    fast, slow = planted.truth["segments"].values()
    assert fast["path"] == slow["path"] and fast["reach"] == slow["reach"]
    won = planted.leads[planted.leads.status == "won"]
    days = (won.closed_at - won.created_at).dt.total_seconds() / 86400
    medians = days.groupby(planted.truth_leads.segment).median()
    assert medians["slow"] > 10 * medians["fast"]


def test_early_drop_out_is_equal_in_one_world_and_differs_in_the_other():
    for name, equal in (("equal-drop", True), ("unequal-drop", False)):
        segments = plant_log(name, 10, seed=1).truth["segments"].values()
        reach = {s["reach"][2]["reached"] for s in segments}
        assert len({tuple(s["path"][:3]) for s in segments}) == 1
        assert (len(reach) == 1) == equal
        assert len({s["path"][3] for s in segments}) == 3


def test_another_deal_of_an_account_comes_after_its_sale():
    planted = plant_log("kettles", 5000, seed=14)
    leads = planted.leads.set_index("lead_id")
    again = planted.truth_leads.dropna(subset="repeat_of").set_index("lead_id").repeat_of
    assert 0.02 < len(again) / 5000 < 0.06
    first = leads.loc[again]
    assert (first.status == "won").all()
    assert (first.closed_at.to_numpy() <= leads.created_at[again.index].to_numpy()).all()
    assert (first.account_id.to_numpy() == leads.account_id[again.index].to_numpy()).all()
    assert leads.account_id.nunique() == 5000 - len(again)
    orders = planted.events[planted.events.action == "repeat_order"].groupby("lead_id").size()
    assert orders.max() > 1 and (leads.status[orders.index] == "won").all()


def test_stages_run_ahead_of_clients(kettles):
    stages = {s: i for i, s in enumerate(["Первичный контакт", "Квалификация", "КП отправлено"])}
    assert {f"stage: {s}" for s in stages} <= set(kettles.events.action)
    assert 0.1 < kettles.truth_leads.stage_ahead.mean() < 0.6
    assert not kettles.truth_leads.stage_ahead[kettles.truth_leads.status == "won"].any()


def test_write_and_read_again(kettles, tmp_path):
    write_planted(kettles, tmp_path / "deep" / "folder")
    folder = tmp_path / "deep" / "folder"
    names = {"events.csv", "leads.csv", "steps.yml", "truth.json", "truth_leads.csv"}
    assert {f.name for f in folder.iterdir()} == names
    assert sum(f.stat().st_size for f in folder.iterdir()) < 2_000_000
    events = pd.read_csv(folder / "events.csv", parse_dates=["at"])
    pd.testing.assert_frame_equal(events, kettles.events, check_dtype=False)
    leads = pd.read_csv(folder / "leads.csv", parse_dates=["created_at", "closed_at"])
    pd.testing.assert_frame_equal(leads, kettles.leads, check_dtype=False)
    truth = pd.read_csv(folder / "truth_leads.csv")
    pd.testing.assert_frame_equal(truth, kettles.truth_leads, check_dtype=False)
    assert (folder / "steps.yml").read_text(encoding="utf-8") == kettles.steps_yaml
    assert json.loads((folder / "truth.json").read_text(encoding="utf-8")) == kettles.truth


def test_one_lead_will_do():
    planted = plant_log("clean", n_leads=1, seed=1)
    assert len(planted.leads) == 1 and len(planted.events) >= 1


def test_what_cannot_be_planted_is_said_all_at_once():
    with pytest.raises(InputError, match=r"n_leads is 0(.|\n)*'ketles'; did you mean kettles\?"):
        plant_log("ketles", n_leads=0, seed=1)
    broken = PlantedSegment(
        1, ("request_left", "call_answered", "nonsense"), swaps={("a", "b"): 0.5}
    )
    with pytest.raises(InputError) as error:
        plant_log(World({"x": broken}), 10, seed=1)
    assert len(error.value.problems) == 3
    assert all(p.startswith("segment x: ") for p in error.value.problems)
