"""From leads to segments: variants, memberships, funnels that add up, segments used again."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from funnel_lib.core.errors import InputError
from funnel_lib.core.events import build_log
from funnel_lib.core.groups import find_accounts, keep_together, list_groups, place_steps
from funnel_lib.core.journeys import build_journeys, select_leads
from funnel_lib.core.steps import Steps, parse_steps
from funnel_lib.counting.reach import count_funnel
from funnel_lib.counting.variants import count_variants
from funnel_lib.datasets.planted import plant_log
from funnel_lib.sections.losses.count import count_losses
from funnel_lib.sections.paths.count import describe_segments
from funnel_lib.sections.paths.segments import (
    assign_segments,
    find_segments,
    read_segments,
    write_segments,
)

ROUNDING = 1e-6  # sums of some thousand memberships below 1


def test_variants_against_a_slow_loop(journeys):
    variants = count_variants(journeys)
    sale = journeys.steps.ids.index(journeys.steps.won)
    n_before = len(journeys.steps.before_sale)
    for lead in range(0, len(journeys.leads), 7):
        own = journeys.step[journeys.offsets[lead] : journeys.offsets[lead + 1]].tolist()
        walk = [code for code in own if code < n_before]
        if sale in walk:
            walk = walk[: walk.index(sale) + 1]
        row = variants.rows[variants.of_lead[lead]]
        assert row[row >= 0].tolist() == walk
    assert variants.weight.sum() == len(journeys.leads)
    assert len(np.unique(variants.rows, axis=0)) == len(variants.rows)


def test_leads_that_never_entered_have_no_variant():
    steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay")
    events = pd.DataFrame({"lead_id": ["a", "b"], "action": ["ask", "what"],
                           "at": pd.to_datetime(["2025-01-01", "2025-01-02"])})  # fmt: skip
    variants = count_variants(build_journeys(build_log(events), steps))
    assert variants.of_lead.tolist() == [0, -1] and variants.weight.tolist() == [1.0]


def test_planted_segments_are_found(planted, journeys, found):
    paths = {" > ".join(s["path"]) for s in planted.truth["segments"].values()}
    assert {" > ".join(path) for path in found.paths} == paths
    truth = planted.truth_leads.set_index("lead_id")["segment"][journeys.leads["lead_id"]]
    long = np.diff(journeys.offsets) >= 5
    score = adjusted_rand_score(truth[long], found.memberships.argmax(axis=1)[long])
    assert score > 0.97


def test_memberships_sum_to_one_and_segments_to_all(journeys, found):
    assert found.memberships.sum(axis=1) == pytest.approx(1)
    everyone = count_funnel(journeys).set_index("step")
    groups = list_groups(found)[1:]
    parts = [count_funnel(journeys, group=group).set_index("step") for group in groups]
    for column in ("n_entered", "n_reached"):
        total = sum(p.loc["invoice_paid", column] for p in parts)
        assert total == pytest.approx(everyone.loc["invoice_paid", column], rel=ROUNDING)
    # Whole leads: behind the forks each place is of one segment.
    losses = count_losses(journeys, found)
    everywhere = losses["segment"] == "all"
    assert losses.loc[everywhere, "n_lost"].sum() == count_losses(journeys)["n_lost"].sum()
    shared = everywhere & ~losses["node"].isin(losses.loc[~everywhere, "node"])
    assert losses.loc[shared, "n_lost"].sum() > 0
    assert losses.loc[everywhere & ~shared, "n_lost"].sum() == (
        losses.loc[~everywhere, "n_lost"].sum()
    )


def test_ids_and_order_of_leads_change_nothing(planted, journeys, found):
    ids = planted.leads["lead_id"]
    names = dict(zip(ids, ids.sample(frac=1, random_state=2), strict=True))
    events = planted.events.assign(lead_id=planted.events["lead_id"].map(names))
    leads = planted.leads.assign(lead_id=planted.leads["lead_id"].map(names))
    other = build_journeys(build_log(events.sample(frac=1, random_state=3), leads),
                           parse_steps(planted.steps_yaml))  # fmt: skip
    again = find_segments(other)
    pd.testing.assert_frame_equal(
        describe_segments(other, again), describe_segments(journeys, found)
    )


def test_segments_kept_are_the_same_for_other_leads(journeys, found, tmp_path):
    path = tmp_path / "segments.json"
    write_segments(found, path)
    again = read_segments(path, journeys)
    assert (again.memberships == found.memberships).all() and again.ids == found.ids
    some = np.arange(len(journeys.leads)) % 5 == 0
    part = assign_segments(found, select_leads(journeys, some))
    assert part.memberships == pytest.approx(found.memberships[some])


def test_other_steps_and_other_files_are_refused(found, tmp_path):
    steps = Steps(steps=[{"id": "request_left"}, {"id": "paid"}], won="paid")
    events = pd.DataFrame(
        {"lead_id": ["a"], "action": ["paid"], "at": [pd.Timestamp("2025-01-01")]}
    )
    other = build_journeys(build_log(events), steps)
    with pytest.raises(InputError, match=r"other steps .missing now: call_answered.*new: paid"):
        assign_segments(found, other)
    (tmp_path / "x.json").write_text("[1]")
    with pytest.raises(InputError, match="no file of saved segments"):
        read_segments(tmp_path / "x.json", other)
    with pytest.raises(InputError, match="cannot be read"):
        read_segments(tmp_path / "no.json", other)


def test_segments_without_a_model_are_not_for_other_leads(journeys, found, tmp_path):
    clusters = replace(found, model=None)
    with pytest.raises(InputError, match="another clusterer cannot be used for other leads"):
        write_segments(clusters, tmp_path / "x.json")
    with pytest.raises(InputError, match="another clusterer cannot be used for other leads"):
        assign_segments(clusters, journeys)
    write_segments(keep_together(journeys, "few_leads"), tmp_path / "all.json")
    assert read_segments(tmp_path / "all.json", journeys).why_not == "few_leads"


def test_too_little_to_segment_is_said(journeys):
    few = select_leads(journeys, np.arange(len(journeys.leads)) < 40)
    told = find_segments(few)
    assert (told.why_not, told.ids, told.memberships.sum()) == ("few_leads", ("all",), 40)
    assert describe_segments(few, told)["share_of_leads"].tolist() == [1.0]
    one_step = journeys.measurable & (np.arange(len(journeys.measurable)) == 0)
    blind = replace(journeys, measurable=one_step)
    assert find_segments(blind).why_not == "few_steps"


def test_more_segments_than_journeys_are_refused(journeys):
    with pytest.raises(InputError, match=r"segments 5000: 5000 segments of .*: ask for fewer$"):
        find_segments(journeys, 5000)


def test_no_segments_is_an_answer():
    planted = plant_log("one", 2000, seed=4)
    journeys = build_journeys(
        build_log(planted.events, planted.leads), parse_steps(planted.steps_yaml)
    )
    assert find_segments(journeys).ids == ("s1",)


def test_steps_off_the_path_have_no_place_and_neither_has_padding():
    assert place_steps(("ask", "meet", "pay"), ("pay", "ask")).tolist() == [1, -1, 0, -1]


def test_a_lead_without_an_account_is_one_of_its_own():
    accounts = find_accounts(pd.DataFrame({"account_id": ["x", None, "x", None, "3"]}))
    assert accounts[0] == accounts[2] and len(set(accounts.tolist())) == 4
