"""Planted CRMs: what they say of themselves must be what is in them."""

import json
import re
from dataclasses import replace
from statistics import NormalDist

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
        hours=10,
        ask_hours=20,
    )
    managers = MANAGERS | {"Anna": ("north", 0.2)}
    planted = plant_log(World({"s": segment}, noise=0, days=20_000, managers=managers), 20_000, 4)
    seen = planted.events[planted.events.actor == "client"].groupby("action").lead_id.nunique()
    for row in planted.truth["segments"]["s"]["reach"]:
        assert_share(seen[row["step"]] / 20_000, 20_000, row["taken"])
    # by hand: the sale is four sure coins and one that depends on being asked in time; of how many
    # times longer the client waits than the manager the logarithm is normal
    in_time = NormalDist(0, 0.8 * 2**0.5).cdf(np.log(10 / 20))
    asked = 0.6 * (3 + 0.2) / 4 * in_time
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
    furthest = -1
    for event in events:
        step = shows.get(event.action)
        if step in order and order.index(step) > furthest:
            furthest = order.index(step)
    if lead.status == "won":
        return order[furthest], None, None
    missed = next(s for s in order[furthest + 1 :] if s not in optional)
    asked_by = next(step.get("asked_by", []) for step in steps if step["id"] == missed)
    if not any(action in all_actions for action in asked_by):
        return order[furthest], missed, "unknown"
    for event in events:
        before_close = pd.isna(lead.closed_at) or event.at <= lead.closed_at
        if event.action in asked_by and before_close:
            return order[furthest], missed, "yes"
    return order[furthest], missed, "no"


@pytest.mark.parametrize("name", ["kettles", "messy", "optional", "either-order", "date-only"])
def test_missed_and_asked_follow_the_rules_of_counting(name):
    world = WORLDS[name]
    asked = {k: replace(s, ask=0.6, ask_ahead=0.2) for k, s in world.segments.items()}
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


SHORT = ("request_left", "call_answered", WON)


def plant_one(segment, n_leads, seed, days=20_000):
    """A world of one segment, without noise, that is observed until all have decided."""
    return plant_log(World({"s": segment}, noise=0, days=days), n_leads, seed)


def find_times(planted, *actions):
    """When each lead first had each action, a row a lead."""
    first = planted.events.sort_values("at").drop_duplicates(["lead_id", "action"])
    first = first.pivot_table("at", "lead_id", "action", aggfunc="min")
    return first.reindex(planted.leads.lead_id, columns=[*actions])


def test_the_ask_has_a_clock_of_its_own():
    a, p, unasked, n = 0.7, 0.8, 0.5, 40_000
    segment = PlantedSegment(
        1, SHORT, go_on={"call_answered": p, WON: 1.0}, ask={"call_answered": a}, unasked=unasked,
        hours=2, ask_hours=1,
    )  # fmt: skip
    planted = plant_one(segment, n, seed=9)
    times = find_times(planted, "call_out", "call_answered")
    asked, went_on = times["call_out"].notna(), times["call_answered"].notna()
    # Nobody is asked after the step; a lead that left is still asked, a day or more before it is
    # closed: with an ask after an hour or so that is nearly always.
    in_time = NormalDist(0, 0.8 * 2**0.5).cdf(np.log(2))
    late = 1 - in_time
    assert planted.truth["segments"]["s"]["asked_in_time"] == pytest.approx(in_time)
    p_asked = a * (in_time + late * (1 - p * unasked))
    assert_share(asked.mean(), n, p_asked)
    assert_share(went_on[asked].mean(), asked.sum(), a * in_time * p / p_asked)
    alone = (1 - a + a * late) * p * unasked / (1 - p_asked)
    assert_share(went_on[~asked].mean(), (~asked).sum(), alone)
    assert (times["call_out"] < times["call_answered"])[asked & went_on].all()
    # A client that is asked waits anew from there.
    wait = (times["call_answered"] - times["call_out"])[asked & went_on].dt.total_seconds() / 3600
    assert wait.median() == pytest.approx(2, rel=0.05)
    reach = planted.truth["segments"]["s"]["reach"]
    assert reach[1]["reached"] == pytest.approx(p * (unasked + a * in_time * (1 - unasked)))


def test_clients_already_gone_are_asked_until_the_lead_is_closed():
    segment = PlantedSegment(
        1, SHORT, go_on=0.01, ask={"call_answered": 1.0}, unasked=1.0, hours=1, ask_hours=300
    )
    planted = plant_one(segment, 5000, seed=3)
    asked = find_times(planted, "call_out")["call_out"]
    closed = planted.leads.set_index("lead_id").closed_at
    assert (asked[asked.notna()] <= closed[asked.notna()]).all()
    # All had left after an hour or so. The ask is due by a clock of 300 hours, the closing a day
    # after leaving and 240 hours more: so somewhat under half are asked all the same.
    assert 0.3 < asked.notna().mean() < 0.5
    gone = planted.truth_leads.missed_step == "call_answered"
    words = np.where(asked.notna(), "yes", "no")
    assert (planted.truth_leads.asked[gone] == words[gone]).all()


def test_an_ask_ahead_comes_between_the_two_steps_before_and_counts():
    path = ("request_left", "call_answered", "task_stated", "terms_agreed", WON)
    segment = PlantedSegment(1, path, go_on=0.7, ask=1.0, unasked=0.2, ask_ahead=1.0)
    planted = plant_one(segment, 5000, seed=4)
    names = ("request_left", "call_answered", "call_out", "brief_sent", "terms_sent")
    request, call, call_out, brief, terms = (find_times(planted, *names)[name] for name in names)
    stated = find_times(planted, "task_stated")["task_stated"]
    assert (call_out >= request)[call_out.notna()].all()  # there is nothing ahead of the first step
    assert ((brief >= request) & (brief <= call))[call.notna()].all()
    assert ((terms >= call) & (terms <= stated))[stated.notna()].all()
    # so all decide anew, at once: each further step is a coin of 0.7
    shares = [row["share_of_previous"] for row in planted.truth["segments"]["s"]["reach"]]
    assert shares[2:] == pytest.approx([0.7] * 3)
    assert_share(stated[call.notna()].notna().mean(), call.notna().sum(), 0.7)
    table = planted.truth_leads.set_index("lead_id")
    assert set(table.asked[table.missed_step == "task_stated"]) == {"yes"}


def test_shares_of_managers_and_of_buyers_are_the_planted_ones():
    planted = plant_log(replace(WORLDS["kettles"], noise=0), 30_000, seed=5)
    table = planted.truth_leads
    won = table.final_status == "won"
    assert_share(won.mean(), len(won), planted.truth["share_won"])
    furthest = path_positions(planted, "final_step")
    for name, segment in planted.truth["segments"].items():
        own = (table.segment == name).to_numpy()
        assert_share(won[own].mean(), own.sum(), segment["share_won"])
        for manager, shares in segment["managers"].items():
            ours = furthest[own & (planted.leads.manager == manager).to_numpy()]
            for position, share in enumerate(shares[1:], start=1):
                came = ours >= position - 1
                assert_share((ours[came] >= position).mean(), came.sum(), share)


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
    stages = {"stage: First contact", "stage: Qualification", "stage: Proposal sent"}
    assert stages <= set(kettles.events.action)
    assert 0.1 < kettles.truth_leads.stage_ahead.mean() < 0.6
    assert not kettles.truth_leads.stage_ahead[kettles.truth_leads.status == "won"].any()


def test_the_stage_a_lead_stands_in_is_the_last_by_the_clock():
    """Also where a later step was asked for first: an ask ahead moves the stage, too."""
    segment = replace(WORLDS["kettles"].segments["considered"], ask_ahead=0.9)
    planted = plant_log(replace(WORLDS["kettles"], segments={"s": segment}, noise=0), 2000, seed=2)
    steps = yaml.safe_load(planted.steps_yaml)["stages"]
    moves = planted.events[planted.events.action.str.startswith("stage: ")]
    moves = moves.assign(step=moves.action.str.removeprefix("stage: ").map(steps))
    code = {step: n for n, step in enumerate(planted.truth["steps"])}
    last = {row.lead_id: code[row.step] for row in moves.itertuples()}  # events stand by time
    table = planted.truth_leads
    stands = zip(table.lead_id, table.furthest_in_all, strict=True)
    ahead = [last.get(lead, -1) > code[step] for lead, step in stands]
    assert table.stage_ahead.tolist() == ahead


def test_write_and_read_again(kettles, tmp_path):
    write_planted(kettles, tmp_path / "deep" / "folder")
    folder = tmp_path / "deep" / "folder"
    names = {"events.csv", "leads.csv", "steps.yml", "truth.json", "truth_leads.csv"}
    assert {f.name for f in folder.iterdir()} == names
    assert sum(f.stat().st_size for f in folder.iterdir()) < 2_500_000
    events = pd.read_csv(folder / "events.csv", parse_dates=["at"])
    pd.testing.assert_frame_equal(events, kettles.events, check_dtype=False)
    leads = pd.read_csv(folder / "leads.csv", parse_dates=["created_at", "closed_at"])
    pd.testing.assert_frame_equal(leads, kettles.leads, check_dtype=False)
    truth = pd.read_csv(folder / "truth_leads.csv")
    pd.testing.assert_frame_equal(truth, kettles.truth_leads, check_dtype=False)
    assert (folder / "steps.yml").read_text(encoding="utf-8") == kettles.steps_yaml
    assert json.loads((folder / "truth.json").read_text(encoding="utf-8")) == kettles.truth


def test_languages_differ_in_names_alone(kettles):
    other = plant_log("kettles", n_leads=3000, seed=1, lang="ru")
    pd.testing.assert_frame_equal(other.truth_leads, kettles.truth_leads)
    named = ["manager", "team", "product", "source", "loss_reason"]
    pd.testing.assert_frame_equal(
        other.leads.drop(columns=named), kettles.leads.drop(columns=named)
    )
    for column in named:
        pairs = set(zip(kettles.leads[column].dropna(), other.leads[column].dropna(), strict=True))
        assert len(pairs) == kettles.leads[column].nunique() == other.leads[column].nunique()
        assert all(a.isascii() and re.fullmatch("[А-Яа-я ]+", b) for a, b in pairs)
    same = [part.events.drop(columns="action") for part in (kettles, other)]
    pd.testing.assert_frame_equal(*same)
    differ = kettles.events.action != other.events.action
    assert (kettles.events.action.str.startswith("stage: ") == differ).all()
    assert {"stage: КП отправлено"} < set(other.events.action[differ])
    stages = [yaml.safe_load(p.steps_yaml)["stages"] for p in (kettles, other)]
    assert list(stages[0].values()) == list(stages[1].values())
    assert stages[0]["Proposal sent"] == stages[1]["КП отправлено"]
    assert [*other.truth["managers"]] == ["Анна", "Борис", "Вера", "Глеб"]
    with pytest.raises(InputError, match="no language 'de'; there are en, ru"):
        plant_log("kettles", n_leads=10, seed=1, lang="de")


def test_the_samples_are_the_same_leads_in_both_languages(root):
    english, russian = (root / "data" / name for name in ("sample", "sample_ru"))
    assert {f.name for f in english.iterdir()} == {f.name for f in russian.iterdir()}
    texts = [(folder / "truth_leads.csv").read_bytes() for folder in (english, russian)]
    assert texts[0] == texts[1]
    events = [pd.read_csv(folder / "events.csv") for folder in (english, russian)]
    pd.testing.assert_frame_equal(*(e.drop(columns="action") for e in events))
    leads = [pd.read_csv(folder / "leads.csv") for folder in (english, russian)]
    assert (leads[0].amount == leads[1].amount).all()
    assert set(leads[0].currency) == set(leads[1].currency) == {"RUB"}
    assert set(leads[0].manager) == {"Anna", "Boris", "Vera", "Gleb"}
    assert set(leads[1].manager) == {"Анна", "Борис", "Вера", "Глеб"}
    for folder, lang in ((english, "en"), (russian, "ru")):
        truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
        assert (truth["world"], truth["seed"], truth["n_leads"], truth["lang"]) == (
            "kettles", 1, 3000, lang,
        )  # fmt: skip


def test_one_lead_will_do():
    planted = plant_log("clean", n_leads=1, seed=1)
    assert len(planted.leads) == 1 and len(planted.events) >= 1


def test_what_cannot_be_planted_is_said_all_at_once():
    with pytest.raises(InputError, match=r"n_leads is 0(.|\n)*'ketles'; did you mean kettles\?"):
        plant_log("ketles", n_leads=0, seed=1)
    broken = PlantedSegment(
        1, ("request_left", "call_answered", "nonsense"), swaps={("a", "b"): 0.5}, ask_hours=0
    )
    with pytest.raises(InputError) as error:
        plant_log(World({"x": broken}), 10, seed=1)
    assert len(error.value.problems) == 4
    assert all(p.startswith("segment x: ") for p in error.value.problems)
