"""Money at stake: by hand, by an obvious loop, planted losses, and data that tell nothing."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from prove_value import glue_parting_teams

from funnel_lib.comparing.decided import find_decided
from funnel_lib.core.errors import InputError
from funnel_lib.core.events import build_log
from funnel_lib.core.journeys import build_journeys
from funnel_lib.core.steps import Steps
from funnel_lib.counting.days import find_mature
from funnel_lib.counting.tree import find_places
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
    # Before reading 60 decided: 20 lost, 40 went on: 2/3. With 80 %: 60 times (0.8 - 2/3) = 8 more;
    # of the 40 closed who read, 30 bought: 6 more deals.
    journeys = crm()
    table = build_hypotheses(journeys, references={"read": 0.8}).set_index(["step", "lever"])
    row = table.loc[("read", "help")]
    assert row["share_now"] == pytest.approx(2 / 3) and row["share_reference"] == 0.8
    assert row["reference"] == "given" and row["n_decided"] == 60 and row["n_lost"] == 20
    assert row["extra_won"] == pytest.approx(6) and row["beyond_chance"]
    won = journeys.leads.query("status == 'won'")["amount"].mean()
    assert row["extra_amount"] == pytest.approx(6 * won)
    assert 0 < row["low"] < row["extra_amount"] < row["high"]
    # 65 leads came before the step in 60 days; each half needs plan_size leads.
    assert row["n_needed_per_arm"] == plan_size(2 / 3, 0.8)
    assert row["days_needed"] == np.ceil(2 * row["n_needed_per_arm"] / (65 / 60))
    assert table.index[0][0] == "read"  # nothing is at stake elsewhere: nobody to compare with
    assert table.loc[("pay", "help"), "reference"] == "no_group"
    assert np.isnan(table.loc[("pay", "help"), "extra_won"])
    assert set(table.index.get_level_values("lever")) == {"help"}  # nothing is known of asks


def test_what_asking_brings_by_hand():
    # Of 12 leads never asked and undecided on the day of asking, 40 % more would go on: 4.8; of
    # those who read 30 of 40 buy: 3.6 deals.
    asked = {
        "node": 2, "n_asked": 48, "n_not_asked": 12, "share_asked": 0.8, "share_not_asked": 0.4,
        "difference": 0.4, "error": 0.05, "beyond_chance": True,
    }  # fmt: skip
    table = build_hypotheses(crm(), asks=pd.DataFrame([asked]))
    row = table[table["lever"] == "ask"].iloc[0]
    assert row["step"] == "read" and row["reference"] == "asked" and row["segment"] == "all"
    assert row["extra_won"] == pytest.approx(3.6) and row["n_decided"] == 12 == row["n_lost"]
    assert row["beyond_chance"] and 0 < row["low"] < row["extra_amount"] < row["high"]
    # One half is always asked, the other as now: 40 of 60 go on, then 4.8 more.
    assert row["n_needed_per_arm"] == plan_size(2 / 3, 2 / 3 + 4.8 / 60)
    assert row["days_needed"] == np.ceil(2 * row["n_needed_per_arm"] / (65 / 60))
    assert row["share_now"] == pytest.approx(2 / 3) and row["share_reference"] == 0.8
    unsure = build_hypotheses(crm(), asks=pd.DataFrame([asked | {"beyond_chance": False}]))
    row = unsure[unsure["lever"] == "ask"].iloc[0]
    assert row["low"] == 0 and not row["beyond_chance"] and row["extra_won"] == pytest.approx(3.6)
    untold = build_hypotheses(crm(), asks=pd.DataFrame([asked | {"difference": np.nan}]))
    assert set(untold["lever"]) == {"help"}


def test_the_sale_has_no_rest_of_the_funnel():
    table = build_hypotheses(crm(), references={"pay": 0.9}).set_index("step")
    # 40 decided on paying, 30 did: 40 * (0.9 - 0.75) = 6 more deals.
    assert table.loc["pay", "extra_won"] == pytest.approx(6)


def test_a_reference_below_the_share_brings_nothing():
    row = build_hypotheses(crm(), references={"read": 0.5}).set_index("step").loc["read"]
    assert row["extra_won"] == 0 and row["low"] == 0 and not row["beyond_chance"]
    assert np.isnan(row["days_needed"])


def test_the_tree_equals_the_loop(journeys, found):
    """Whole leads, at a node of one path and at a fork of all."""
    mature, given = find_mature(journeys), {"terms_agreed": 0.9, "contract_signed": 0.95}
    assert 0.8 < mature.mean() < 1
    table, places = build_hypotheses(journeys, found, given), find_places(journeys, found)
    status = journeys.leads["status"].to_numpy()
    of_lead, seen = places.counted.of_lead, 0
    for row in table[table["reference"] == "given"].to_dict("records"):
        node = places.tree.nodes[row["node"] - 1]
        assert row["segment"] == places.tree.name_node(node) and row["step"] == node.missed
        n = went = ended = won = 0
        for lead, walk in enumerate(of_lead):
            if not mature[lead] or not places.came[walk, row["node"] - 1]:
                continue
            on = places.went_on[walk, row["node"] - 1]
            n += on or status[lead] == "lost"
            went += on
            ended += on and status[lead] != "open"
            won += on and status[lead] == "won"
        assert (row["n_decided"], row["n_lost"]) == (n, n - went)
        if row["share_now"] == pytest.approx(went / n):  # else practice today is another
            gap = max(given[row["step"]] - went / n, 0)
            scale = len(mature) / mature.sum()
            assert row["extra_won"] == pytest.approx(scale * gap * n * won / ended)
            seen += 1
    assert seen > 1


def test_ids_and_row_order_do_not_matter(planted, journeys):
    rng = np.random.default_rng(0)
    ids = planted.leads["lead_id"].to_numpy()
    names = dict(zip(ids, rng.permutation(ids), strict=True))
    events = planted.events.assign(lead_id=planted.events["lead_id"].map(names))
    leads = planted.leads.assign(lead_id=planted.leads["lead_id"].map(names))
    log = build_log(events.sample(frac=1, random_state=1), leads.sample(frac=1, random_state=1))
    other = build_journeys(log, journeys.steps)
    first = build_hypotheses(journeys, find_segments(journeys))
    again = build_hypotheses(other, find_segments(other))
    pd.testing.assert_frame_equal(again, first, rtol=1e-6)


def test_the_better_manager_is_the_reference():
    names = np.where(np.arange(600) % 2, "Anna", "Boris")
    names[:200] = np.where(np.arange(200) % 5, "Boris", "Anna")  # four in five of the lost
    journeys = crm(n_lost=200, n_asked=200, n_late=100, n_won=300, n_open=1,
                   manager=[*names, "Anna"])  # fmt: skip
    row = build_hypotheses(journeys).iloc[0]
    assert row["step"] == "read" and row["reference"] == "manager=Anna"
    # Anna: 40 lost of 240; Boris: 160 of 360. Little is shrunk of 83 %.
    assert row["share_reference"] == pytest.approx(200 / 240, abs=0.02)
    assert row["lever"] == "help" and row["low"] > 0 and row["beyond_chance"]


def test_currencies_are_apart():
    codes = ["EUR" if n % 2 else "USD" for n in range(65)]
    mine = build_hypotheses(crm(currency=codes), references={"read": 0.8})
    mine = mine[mine["step"] == "read"].set_index("currency")
    whole = build_hypotheses(crm(), references={"read": 0.8}).query("step == 'read'")
    assert set(mine.index) == {"EUR", "USD"} and mine["extra_amount"].notna().all()
    assert mine["n_decided"].sum() == 60
    # each currency with the share of its own buyers: by hand, of all 40 who read 30 buy
    assert mine["extra_won"].sum() == pytest.approx(whole["extra_won"].iloc[0])


def test_without_amounts_ranges_are_of_deals():
    table = build_hypotheses(crm(amount=np.nan), references={"read": 0.8})
    row = table.query("step == 'read'").iloc[0]
    assert np.isnan(row["extra_amount"]) and row["extra_won"] == pytest.approx(6)
    assert 0 <= row["low"] <= 6 <= row["high"] < 20


def test_what_cannot_be_told_is_not_told():
    for journeys in (
        crm(n_lost=1, n_asked=0, n_late=1, n_won=1, n_open=1),  # too few
        crm(n_lost=0, n_asked=0, n_late=0, n_won=0, n_open=60),  # all open
    ):
        table = build_hypotheses(journeys, references={"read": 0.8})
        assert set(table.loc[table["step"] != "ask", "reference"]) == {"few_leads"}
        assert (
            table[["extra_won", "extra_amount", "low", "high", "days_needed"]].isna().all(axis=None)
        )
        assert not table["beyond_chance"].any()
    nobody_bought = crm(n_won=0)
    table = build_hypotheses(nobody_bought, references={"read": 0.8})
    assert table["extra_won"].isna().all()


def test_references_are_checked():
    assert read_references(["read=80%", "pay = 0,7"]) == {"read": 0.8, "pay": 0.7}
    with pytest.raises(InputError, match="write it as STEP=SHARE") as told:
        read_references(["read", "pay=seven", "ask=0"])
    assert len(told.value.problems) == 2
    with pytest.raises(InputError, match="give a share above 0%, at most 100%") as told:
        build_hypotheses(crm(), None, read_references(["read=120%", "ask=0", "pay=nan"]))
    assert len(told.value.problems) == 3
    with pytest.raises(InputError, match="no step 'reed' before the sale; did you mean read"):
        build_hypotheses(crm(), references={"reed": 0.8})


def test_only_leads_that_had_their_time_are_compared():
    # Closing takes 4 days; of ten that entered on the last three days only the quick one is closed.
    journeys = crm()
    entered = journeys.leads["entered_at"]
    young = crm_until(journeys, entered.max() + pd.Timedelta(days=1))
    mature = find_mature(young)
    assert (mature == (entered <= young.observed_until - pd.Timedelta(days=4)).to_numpy()).all()
    assert find_mature(journeys).all()
    row = build_hypotheses(young, references={"read": 0.8}).query("step == 'read'").iloc[0]
    decided = find_decided(young)
    stood, went_on = decided.list_leads(decided.find_node("read"))
    n, on = (mature & stood).sum(), (mature & stood & went_on).sum()
    assert row["n_decided"] == n  # a count told is a count
    won = (mature & (young.leads["status"] == "won").to_numpy()).sum()
    ended = (mature & went_on & (young.leads["status"] != "open").to_numpy()).sum()
    assert row["extra_won"] == pytest.approx(65 / mature.sum() * (0.8 * n - on) * won / ended)


def crm_until(journeys, until):
    """The same leads, exported earlier: whoever closed later is open."""
    leads = journeys.leads.copy()
    leads.loc[leads["closed_at"] > until, "status"] = "open"
    leads.loc[leads["closed_at"] > until, ["closed_at", "sold_at"]] = pd.NaT
    return replace(journeys, leads=leads, observed_until=until)


def test_a_better_manager_of_one_path_is_found_at_the_fork():
    """Paths part after the call; only one segment's step after it is better with Zoe."""
    journeys = glue_parting_teams(0)
    found = find_segments(journeys)
    table = build_hypotheses(journeys, found)
    first = table.iloc[0]
    assert "task_stated" in first["step"].split(" | ") and first["reference"] == "manager=Zoe"
    assert first["beyond_chance"] and "+" in first["segment"]
    rest = table[(table["node"] != first["node"]) & table["extra_won"].notna()]
    assert len(rest) > 3 and (rest["low"] == 0).all()  # elsewhere all are as good with everybody


def test_nobody_entered_is_an_empty_hope():
    journeys = crm()
    leads = journeys.leads.assign(entered_at=pd.Series(pd.NaT, dtype="datetime64[us, UTC]"))
    nobody = replace(journeys, leads=leads)
    table = build_hypotheses(nobody)
    assert set(table["reference"]) == {"few_leads"} and table["extra_won"].isna().all()
