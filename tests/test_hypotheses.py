"""Money at stake: by hand, by an obvious loop, planted losses, and data that tell nothing."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from prove_value import glue_parting_teams

from funnel_lib.core.errors import InputError
from funnel_lib.core.events import build_log
from funnel_lib.core.groups import Group, list_groups
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import Steps
from funnel_lib.counting.asked import ASKED, find_decided, place_leads
from funnel_lib.counting.days import find_mature
from funnel_lib.sections.hypotheses.count import build_hypotheses, read_references
from funnel_lib.sections.paths.segments import find_segments
from funnel_lib.stats.experiments import plan_size

STEPS = Steps(steps=[{"id": "ask"}, {"id": "read", "asked_by": ["send"]}, {"id": "pay"}], won="pay")
START = pd.Timestamp("2025-01-01", tz="UTC")


def crm(n_lost=20, n_asked=8, n_late=10, n_won=30, n_open=5, **columns):
    """Leads that asked: lost before reading (some were asked to), lost after it, won, open."""
    kinds = ["lost"] * n_lost + ["late"] * n_late + ["won"] * n_won + ["open"] * n_open
    ids = [f"{kind}{n}" for n, kind in enumerate(kinds)]
    events = [(i, 0.0, "ask") for i in ids]
    events += [
        (i, 2.0, "read") for i, kind in zip(ids, kinds, strict=True) if kind in ("late", "won")
    ]
    events += [(i, 1.0, "send") for i in [*ids[:n_asked], *ids[n_lost:-n_open]]]
    events = pd.DataFrame(events, columns=["lead_id", "at", "action"])
    spread = np.linspace(0, 60, len(ids))
    entered = START + pd.to_timedelta(spread, unit="D")
    since = pd.Series(entered.tz_localize(None), index=ids)[events["lead_id"]].to_numpy()
    events["at"] = since + pd.to_timedelta(events["at"], unit="D").to_numpy()
    status = ["lost" if kind == "late" else kind for kind in kinds]
    leads = pd.DataFrame({
        "lead_id": ids, "status": status, "closed_at": entered + pd.Timedelta(days=4),
        "amount": [100.0 + 10 * (n % 3) for n in range(len(ids))], "currency": "EUR",
    }).assign(**columns)  # fmt: skip
    leads.loc[leads["status"] == "open", "closed_at"] = pd.NaT
    return build_journeys(build_log(events, leads, START + pd.Timedelta(days=90)), STEPS)


def test_by_hand():
    # Before reading 60 decided: 20 lost (8 asked, 12 never), 40 went on: 2/3. With 80 %: 60 times
    # (0.8 - 2/3) = 8 more; of the 40 closed who read, 30 bought: 6 more deals.
    journeys = crm()
    table = build_hypotheses(journeys, [Group()], {"read": 0.8}).set_index(["step", "lever"])
    ask, both = table.loc[("read", "ask")], table.loc[["read"]]
    assert ask["share_now"] == pytest.approx(2 / 3) and ask["share_reference"] == 0.8
    assert ask["reference"] == "given" and ask["n_decided"] == 60
    assert both["n_lost"].to_dict() == pytest.approx({("read", "ask"): 12, ("read", "help"): 8})
    assert both["extra_won"].sum() == pytest.approx(6)
    assert ask["extra_won"] == pytest.approx(6 * 12 / 20)
    won = journeys.leads.query("status == 'won'")["amount"].mean()
    assert both["extra_amount"].sum() == pytest.approx(6 * won) == both["step_amount"].iloc[0]
    assert (
        both["low"].le(both["extra_amount"]).all() and both["high"].ge(both["extra_amount"]).all()
    )
    # 65 leads came before the step in 60 days; each half needs plan_size leads.
    assert ask["n_needed_per_arm"] == plan_size(2 / 3, 0.8)
    assert ask["days_needed"] == np.ceil(2 * ask["n_needed_per_arm"] / (65 / 60))
    assert table.index[0][0] == "read"  # nothing is at stake elsewhere: nobody to compare with
    assert table.loc[("pay", "help"), "reference"] == "no_group"
    assert np.isnan(table.loc[("pay", "help"), "extra_won"])


def test_the_sale_has_no_rest_of_the_funnel():
    table = build_hypotheses(crm(), [Group()], {"pay": 0.9}).set_index("step")
    # 40 decided on paying, 30 did: 40 * (0.9 - 0.75) = 6 more deals.
    assert table.loc["pay", "step_won"] == pytest.approx(6)


def test_a_reference_below_the_share_brings_nothing():
    row = build_hypotheses(crm(), [Group()], {"read": 0.5}).set_index("step").loc["read"].iloc[0]
    assert row["step_won"] == 0 and row["high"] >= 0
    assert np.isnan(row["days_needed"]) or row["extra_won"] == 0


def test_segments_equal_the_loop(journeys, found):
    groups, mature = list_groups(found), find_mature(journeys)
    assert 0.8 < mature.mean() < 1
    more = len(mature) / mature.sum()
    table = build_hypotheses(journeys, groups, {"terms_agreed": 0.9})
    assert "all" not in set(table["segment"])
    for group in groups[1:]:
        decided, missed = find_decided(journeys, group), place_leads(journeys, group)
        weights = group.weigh(len(journeys.leads))
        if "terms_agreed" not in decided.steps:
            continue
        place = decided.steps.index("terms_agreed")
        stood_there, went_on = decided.list_leads(place)
        stood = went = never = ended = won = 0.0
        status = journeys.leads["status"].to_numpy()
        for i, w in enumerate(weights * mature * more):
            stood += w * stood_there[i]
            went += w * went_on[i]
            lost = stood_there[i] and not went_on[i]
            never += w * (lost and missed.asked[i] == ASKED.index("no"))
            ended += w * (went_on[i] and status[i] != "open")
            won += w * (status[i] == "won")
        extra = max((0.9 - went / stood) * stood * won / ended, 0)
        mine = table[(table["segment"] == group.segment) & (table["step"] == "terms_agreed")]
        assert mine["step_won"].to_numpy() == pytest.approx(extra)
        assert mine["extra_won"].sum() == pytest.approx(extra)
        assert mine.loc[mine["lever"] == "ask", "n_lost"].sum() == pytest.approx(never, abs=0.5)


def test_ids_and_row_order_do_not_matter(planted, journeys):
    rng = np.random.default_rng(0)
    ids = planted.leads["lead_id"].to_numpy()
    names = dict(zip(ids, rng.permutation(ids), strict=True))
    events = planted.events.assign(lead_id=planted.events["lead_id"].map(names))
    leads = planted.leads.assign(lead_id=planted.leads["lead_id"].map(names))
    log = build_log(events.sample(frac=1, random_state=1), leads.sample(frac=1, random_state=1))
    other = build_journeys(log, journeys.steps)
    first = build_hypotheses(journeys, list_groups(find_segments(journeys)))
    again = build_hypotheses(other, list_groups(find_segments(other)))
    pd.testing.assert_frame_equal(again, first, rtol=1e-6)


def test_the_better_manager_is_the_reference():
    names = np.where(np.arange(600) % 2, "Anna", "Boris")
    names[:200] = np.where(np.arange(200) % 5, "Boris", "Anna")  # four in five of the lost
    journeys = crm(n_lost=200, n_asked=200, n_late=100, n_won=300, n_open=1,
                   manager=[*names, "Anna"])  # fmt: skip
    row = build_hypotheses(journeys, [Group()]).iloc[0]
    assert row["step"] == "read" and row["reference"] == "manager=Anna"
    # Anna: 40 lost of 240; Boris: 160 of 360. Little is shrunk of 83 %.
    assert row["share_reference"] == pytest.approx(200 / 240, abs=0.02)
    assert row["lever"] == "help" and row["step_low"] > 0  # everybody was asked


def test_currencies_are_apart():
    codes = ["EUR" if n % 2 else "USD" for n in range(65)]
    table = build_hypotheses(crm(currency=codes), [Group()], {"read": 0.8})
    mine = table[table["step"] == "read"].drop_duplicates("currency").set_index("currency")
    whole = build_hypotheses(crm(), [Group()], {"read": 0.8}).query("step == 'read'")
    assert mine["step_won"].sum() == pytest.approx(whole["step_won"].iloc[0])
    assert set(mine.index) == {"EUR", "USD"} and mine["step_amount"].notna().all()


def test_without_amounts_ranges_are_of_deals():
    table = build_hypotheses(crm(amount=np.nan), [Group()], {"read": 0.8})
    row = table.query("step == 'read' and lever == 'ask'").iloc[0]
    assert np.isnan(row["extra_amount"]) and row["extra_won"] == pytest.approx(3.6)
    assert 0 <= row["low"] <= 3.6 <= row["high"] < 20


def test_what_cannot_be_told_is_not_told():
    for journeys in (
        crm(n_lost=1, n_asked=0, n_late=1, n_won=1, n_open=1),  # too few
        crm(n_lost=0, n_asked=0, n_late=0, n_won=0, n_open=60),  # all open
    ):
        table = build_hypotheses(journeys, [Group()], {"read": 0.8})
        assert set(table.loc[table["step"] != "ask", "reference"]) == {"few_leads"}
        assert (
            table[["extra_won", "extra_amount", "low", "high", "days_needed"]].isna().all(axis=None)
        )
    nobody_bought = crm(n_won=0)
    table = build_hypotheses(nobody_bought, [Group()], {"read": 0.8})
    assert table["extra_won"].isna().all()
    alone = Group("s1", ("ask", "read", "pay"), (), np.eye(65)[:, :2], 0)
    table = build_hypotheses(crm(), [Group(), alone])
    assert set(table["reference"]) == {"few_leads"} and table["low"].isna().all()


def test_references_are_checked():
    assert read_references(["read=80%", "pay = 0,7"]) == {"read": 0.8, "pay": 0.7}
    with pytest.raises(InputError, match="write it as STEP=SHARE") as told:
        read_references(["read", "pay=seven", "ask=0"])
    assert len(told.value.problems) == 2
    with pytest.raises(InputError, match="give a share above 0, at most 1") as told:
        build_hypotheses(crm(), [Group()], read_references(["read=120%", "ask=0", "pay=nan"]))
    assert len(told.value.problems) == 3
    with pytest.raises(InputError, match="no step 'reed' before the sale; did you mean read"):
        build_hypotheses(crm(), [Group()], {"reed": 0.8})


def test_only_leads_that_had_their_time_are_compared():
    # Closing takes 4 days; of ten that entered on the last three days only the quick one is closed.
    journeys = crm()
    entered = journeys.leads["entered_at"]
    young = crm_until(journeys, entered.max() + pd.Timedelta(days=1))
    mature = find_mature(young)
    assert (mature == (entered <= young.observed_until - pd.Timedelta(days=4)).to_numpy()).all()
    assert find_mature(journeys).all()
    table = build_hypotheses(young, [Group()], {"read": 0.8}).query("step == 'read'")
    scale = 65 / mature.sum()
    decided = find_decided(young, Group())
    stood, _ = decided.list_leads(decided.steps.index("read"))
    assert table["n_decided"].iloc[0] == pytest.approx(scale * stood[mature].sum())


def crm_until(journeys, until):
    """The same leads, exported earlier: whoever closed later is open."""
    leads = journeys.leads.copy()
    leads.loc[leads["closed_at"] > until, "status"] = "open"
    leads.loc[leads["closed_at"] > until, ["closed_at", "sold_at"]] = pd.NaT
    return replace(journeys, leads=leads, observed_until=until)


def test_one_segments_better_manager_is_not_lent_to_another():
    """Paths part after the call; only one segment's step after it is better with Zoe."""
    journeys = glue_parting_teams(0)
    found = find_segments(journeys)
    table = build_hypotheses(journeys, list_groups(found))
    names = dict(zip(found.ids, found.paths, strict=True))
    first = table.iloc[0]
    assert first["step"] == "task_stated" and first["reference"] == "manager=Zoe"
    assert "demo_attended" in names[first["segment"]]
    other = table[(table["step"] == "terms_agreed") & (table["segment"] != first["segment"])]
    assert (other["low"] == 0).all()  # the quick path is as good with everybody


def test_nobody_entered_is_an_empty_hope():
    journeys = crm()
    leads = journeys.leads.assign(entered_at=pd.Series(pd.NaT, dtype="datetime64[us, UTC]"))
    nobody = replace(journeys, leads=leads)
    table = build_hypotheses(nobody, [Group()])
    assert set(table["reference"]) == {"few_leads"} and table["extra_won"].isna().all()
