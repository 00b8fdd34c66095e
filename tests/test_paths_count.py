"""What is each segment like: sizes that add up, names, paths as planted, traits by a slow loop."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from funnel_lib.core.events import build_log
from funnel_lib.core.groups import Segmentation, keep_together
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import Steps, parse_steps
from funnel_lib.datasets.planted import plant_log
from funnel_lib.sections.paths.count import (
    compare_traits,
    describe_segments,
    find_examples,
    list_path_steps,
    list_sequences,
)
from funnel_lib.sections.paths.segments import find_segments
from funnel_lib.sections.paths.trust import measure_trust

ROUNDING = 1e-9
CLOSE = 0.05  # of a planted chance, from some hundred leads that came so far: 2 standard errors


@pytest.fixture(scope="module")
def messy():
    """Segments of the messy world: optional, repeated and swapped steps."""
    planted = plant_log("messy", 4000, seed=3)
    log = build_log(planted.events, planted.leads)
    journeys = build_journeys(log, parse_steps(planted.steps_yaml))
    return planted, journeys, find_segments(journeys)


def four_leads():
    """Two leads of each of two sure segments: a and b meet, c and d try; b and d pay."""
    rows = "a ask,a meet,b ask,b meet,b meet,b pay,c ask,c try,d ask,d try,d pay"
    events = pd.DataFrame([r.split() for r in rows.split(",")], columns=["lead_id", "action"])
    events["at"] = pd.date_range("2025-01-01", periods=len(events), tz="UTC")
    steps = Steps(steps=[{"id": s} for s in ("ask", "meet", "try", "pay")], won="pay")
    journeys = build_journeys(build_log(events), steps)
    paths = ("ask", "meet", "pay"), ("ask", "try", "pay")
    member = np.array([[1, 0], [1, 0], [0, 1], [0, 1.0]])
    return journeys, Segmentation(steps.before_sale, ("s1", "s2"), paths, ((), ()), member)


def test_sizes_and_outcomes_add_up_to_all(messy):
    _, journeys, segmentation = messy
    table = describe_segments(journeys, segmentation)
    everyone = describe_segments(journeys, keep_together(journeys)).iloc[0]
    for column in ("n_leads", "n_won", "n_lost", "n_open", "share_of_leads"):
        assert table[column].sum() == pytest.approx(everyone[column], rel=1e-6)
    assert (table[["n_won", "n_lost", "n_open"]].sum(axis=1) - table["n_leads"]).abs().max() < 1e-6
    assert everyone["segment"] == "all" and everyone["name"] == "all" and everyone["trust"] == ""
    assert ((table["low"] < table["share_won"]) & (table["share_won"] < table["high"])).all()
    assert (table["n_undetermined"] <= table["n_leads"].sum()).all()


def test_revenue_is_shared_out_in_one_currency_only(messy):
    _, journeys, segmentation = messy
    leads = journeys.leads
    won = (leads["status"] == "won").to_numpy()
    expected = [
        (leads["amount"][won] * segmentation.memberships[won, k]).sum() / leads["amount"][won].sum()
        for k in range(3)
    ]
    table = describe_segments(journeys, segmentation)
    assert table["share_of_amount_won"].tolist() == pytest.approx(expected)
    mixed = leads.assign(currency=np.where(np.arange(len(leads)) % 2, "EUR", "USD"))
    mixed = replace(journeys, leads=mixed)
    assert describe_segments(mixed, segmentation)["share_of_amount_won"].isna().all()


def test_by_hand():
    journeys, segmentation = four_leads()
    table = describe_segments(journeys, segmentation)
    assert table["name"].tolist() == ["with meet", "with try"]
    assert (
        table[["n_leads", "n_won", "n_open", "share_won"]].values.tolist() == [[2, 1, 1, 0.5]] * 2
    )
    examples = find_examples(journeys, segmentation)
    assert examples.values.tolist() == [
        ["s1", "b", 1.0, "ask > meet > meet > pay", 1.0],
        ["s2", "d", 1.0, "ask > try > pay", 1.0],
    ]
    # Only the order is known of segments found by other means.
    steps = list_path_steps(segmentation)
    assert steps["step"].tolist() == ["ask", "meet", "pay", "ask", "try", "pay"]
    assert steps["share_taken"].isna().all() and not steps["is_optional"].any()


def test_path_steps_tell_the_planted_chances(messy):
    planted, _, segmentation = messy
    steps = list_path_steps(segmentation)
    for segment, path in zip(segmentation.ids, segmentation.paths, strict=True):
        truth = next(s for s in planted.truth["segments"].values() if set(s["path"]) == set(path))
        own = steps[steps["segment"] == segment].set_index("step")
        for step, p in truth["skip"].items():
            assert own.loc[step, "share_taken"] == pytest.approx(1 - p, abs=CLOSE)
            assert own.loc[step, "is_optional"]
        for step, p in truth["repeat"].items():
            assert own.loc[step, "share_repeated"] == pytest.approx(p, abs=CLOSE)
        pairs = {frozenset(s["pair"]): s["p"] for s in truth["swaps"]}
        found = own.dropna(subset="either_order_with")
        assert {frozenset(p) for p in found["either_order_with"].items()} == set(pairs)
        for step, other in found["either_order_with"].items():
            p = pairs[frozenset((step, other))]
            assert found.loc[step, "share_reversed"] == pytest.approx(min(p, 1 - p), abs=CLOSE)


def test_loops_are_told_by_their_ends():
    planted = plant_log("loops", 4000, seed=2)
    log = build_log(planted.events, planted.leads)
    steps = list_path_steps(find_segments(build_journeys(log, parse_steps(planted.steps_yaml))))
    found = steps.dropna(subset="again_from").set_index("step")
    assert found["again_from"].to_dict() == {
        "questions_asked": "proposal_opened", "proposal_answered": "demo_attended",
    }  # fmt: skip
    assert found.loc["questions_asked", "share_again"] == pytest.approx(0.5, abs=CLOSE)


def test_a_single_path_is_described_too():
    planted = plant_log("one", 2000, seed=4)
    log = build_log(planted.events, planted.leads)
    journeys = build_journeys(log, parse_steps(planted.steps_yaml))
    single = find_segments(journeys)
    steps = list_path_steps(single)
    assert set(steps["segment"]) == {"all"} and steps["is_optional"].sum() == 1
    assert compare_traits(journeys, single).empty
    assert find_examples(journeys, single)["segment"].tolist() == ["all"]
    cards = describe_segments(journeys, single, measure_trust(single, journeys))
    assert cards[["segment", "trust"]].values.tolist() == [["all", "single"]]


def test_traits_are_two_proportions_where_memberships_are_sure(messy):
    _, journeys, soft = messy
    hard = np.eye(len(soft.ids))[soft.memberships.argmax(axis=1)]
    sure = Segmentation(soft.steps, soft.ids, soft.paths, soft.optional, hard)
    table = compare_traits(journeys, sure)
    slow, sale = {}, journeys.steps.won
    for lead in range(len(journeys.leads)):
        own = journeys.step[journeys.offsets[lead] : journeys.offsets[lead + 1]]
        ids = [journeys.steps.ids[c] for c in own if c < len(soft.steps)]
        ids = ids[: ids.index(sale) + 1] if sale in ids else ids
        for step in set(ids):
            slow.setdefault((step, "shows"), set()).add(lead)
            if ids.count(step) > 1:
                slow.setdefault((step, "repeats"), set()).add(lead)
    everyone = range(len(journeys.leads))
    slow = {key: leads for key, leads in slow.items() if len(leads) < len(everyone)}
    ps = {}
    for k, segment in enumerate(soft.ids):
        here = hard[:, k] == 1
        for key, leads in slow.items():
            x = np.isin(everyone, list(leads))
            p, q, n, m = x[here].mean(), x[~here].mean(), here.sum(), (~here).sum()
            error = np.sqrt(p * (1 - p) / n + q * (1 - q) / m)
            ps[segment, *key] = (p, q, 2 * norm.sf(abs(p - q) / error) if error else 0.0)
    corrected = multipletests([p for *_, p in ps.values()], method="holm")[1]
    found = table.set_index(["segment", "step", "kind"])
    assert set(found.index) == set(ps)
    for (key, (here, rest, _)), p in zip(ps.items(), corrected, strict=True):
        assert found.loc[key, ["share_here", "share_rest", "p_holm"]].tolist() == pytest.approx(
            [here, rest, p], abs=1e-6
        )


def test_what_segments_share_is_no_trait(messy):
    _, journeys, segmentation = messy
    traits = compare_traits(journeys, segmentation)
    first = traits[(traits["step"] == "request_left") & (traits["kind"] == "shows")]
    assert (first["difference"].abs() < 0.02).all()
    for _, rows in traits.groupby("segment"):
        assert rows["difference"].abs().is_monotonic_decreasing


def test_examples_are_leads_of_their_segment(messy):
    planted, journeys, segmentation = messy
    examples = find_examples(journeys, segmentation)
    truth = planted.truth_leads.set_index("lead_id")["segment"]
    for row, path in zip(examples.itertuples(), segmentation.paths, strict=True):
        assert set(planted.truth["segments"][truth[row.lead_id]]["path"]) == set(path)
        assert row.probability > 0.9 and row.journey.endswith("invoice_paid")


def test_the_commonest_journeys_are_real_ones(messy):
    """Counted a lead at a time, the slow way."""
    _, journeys, _ = messy
    table, sale = list_sequences(journeys), journeys.steps.won
    walked = Counter()
    for lead, status in enumerate(journeys.leads["status"]):
        own = journeys.step[journeys.offsets[lead] : journeys.offsets[lead + 1]]
        ids = [journeys.steps.ids[c] for c in own if c < len(journeys.steps.before_sale)]
        ids = ids[: ids.index(sale) + 1] if sale in ids else ids
        walked[" > ".join(ids), status] += bool(ids)
    leads = Counter()
    for (journey, _), n in walked.items():
        leads[journey] += n
    assert table["n_leads"].tolist() == [n for _, n in leads.most_common(10)]
    for row in table.itertuples():
        won, lost, open_ = (walked[row.journey, s] for s in ("won", "lost", "open"))
        assert (row.n_leads, row.n_won, row.n_open) == (won + lost + open_, won, open_)
        assert row.share_won == pytest.approx(won / (won + lost) if won + lost else np.nan)
        assert row.share_of_leads == pytest.approx(row.n_leads / leads.total())


def test_all_journeys_are_listed_where_they_are_few():
    journeys, _ = four_leads()
    assert list_sequences(journeys)["journey"].tolist() == [
        "ask > meet", "ask > try", "ask > try > pay", "ask > meet > meet > pay",
    ]  # fmt: skip
    assert len(list_sequences(journeys, most=2)) == 2
