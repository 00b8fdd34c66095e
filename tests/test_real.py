"""Real logs: the figures that other tools and hand counts give must come out."""

import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from funnel_lib.audit import build_audit
from funnel_lib.core.events import build_log
from funnel_lib.core.journeys import build_journeys
from funnel_lib.counting.leads import list_leads
from funnel_lib.sections.stages.count import count_pipeline, count_stage_by_step

HERE = Path(__file__).parent / "real"
STAFF = [13_087, 7_367, 5_113, 5_015, 3_254, 2_246]
CLIENT = [13_087, 7_367, 3_254, 2_246]


@pytest.fixture(scope="module")
def bank(real_data):
    return lambda steps: build_audit(
        str(real_data / "bpi2012" / "bpi2012.events.csv.gz"),
        mapping=str(HERE / "bpi2012_mapping.yml"),
        steps=str(HERE / steps),
        segments="none",
    )


@pytest.fixture(scope="module")
def staff(bank):
    return bank("bpi2012_steps.yml")


def test_bank_staff_funnel_is_the_same_under_every_rule(staff):
    assert staff.tables["funnel"]["n_reached"].tolist() == STAFF
    rules = staff.tables["funnel_rules"]
    for rule in ("passed", "ordered", "any"):
        assert rules.loc[rules["rule"] == rule, "n_reached"].tolist() == STAFF


def test_bank_client_funnel(bank):
    assert bank("bpi2012_client_steps.yml").tables["funnel"]["n_reached"].tolist() == CLIENT


def test_bank_rows_and_outcomes(staff):
    assert staff.log.rows_read == 262_200
    assert len(staff.log.events) == 164_506
    counts = staff.tables["leads"]["status"].value_counts().to_dict()
    assert counts == {"lost": 7_635 + 2_807, "won": 2_246, "open": 399}
    last = staff.tables["funnel"].iloc[-1]
    assert last["n_open"] == 399


def test_bank_declined_and_cancelled_apart(real_data, tmp_path):
    """Each end state alone: what the other one leaves open."""
    text = (HERE / "bpi2012_steps.yml").read_text(encoding="utf-8")
    for action, n in (("A_DECLINED", 7_635), ("A_CANCELLED", 2_807)):
        path = tmp_path / f"{action}.yml"
        path.write_text(re.sub(r"lost: .*", f"lost: [{action}]", text), encoding="utf-8")
        audit = build_audit(
            str(real_data / "bpi2012" / "bpi2012.events.csv.gz"),
            mapping=str(HERE / "bpi2012_mapping.yml"),
            steps=str(path),
        )
        assert (audit.tables["leads"]["status"] == "lost").sum() == n


def test_bank_median_days(staff):
    pace = staff.tables["pace"].set_index("step")
    hour = 1 / 24  # waits are cut to whole hours
    assert 0 <= 9.002 - pace.loc["offer_returned", "median_days_from_previous"] < hour
    assert 0 <= 14.437 - pace.loc["activated", "median_days_from_entry"] < hour


def test_marketplace_wins_and_its_impossible_date(real_data):
    audit = build_audit(
        [
            str(real_data / "olist_funnel" / "olist_marketing_qualified_leads_dataset.csv"),
            str(real_data / "olist_funnel" / "olist_closed_deals_dataset.csv"),
        ],
        mapping=str(HERE / "olist_mapping.yml"),
        steps=str(HERE / "olist_steps.yml"),
    )
    funnel = audit.tables["funnel"]
    assert funnel["n_reached"].tolist() == [8_000, 842]
    assert funnel["n_entered"].tolist() == [8_000, 8_000]
    quality = audit.tables["quality"].set_index("check")
    assert quality.loc["sale_before_first_step", "n_rows"] == 1
    assert "lead_row_repeated" not in quality.index  # two tables of one row a lead are joined
    leads = audit.tables["leads"]
    by_origin = leads.groupby("source")["status"].agg(lambda s: (s == "won").sum())
    sizes = leads["source"].value_counts()
    for origin, won, n in (
        ("organic_search", 271, 2_296), ("paid_search", 195, 1_586), ("social", 75, 1_350),
    ):  # fmt: skip
        assert (by_origin[origin], sizes[origin]) == (won, n)


def test_helpdesk_sizes(real_data, tmp_path):
    steps = tmp_path / "steps.yml"
    steps.write_text(
        "steps: [{id: opened, evidence: ['*']}, {id: Closed}]\nwon: Closed\n", encoding="utf-8"
    )
    mapping = tmp_path / "mapping.yml"
    mapping.write_text(
        'columns: {lead_id: "case:concept:name", at: "time:timestamp", action: "concept:name"}\n',
        encoding="utf-8",
    )
    audit = build_audit(
        str(real_data / "helpdesk" / "helpdesk.events.csv.gz"),
        mapping=str(mapping),
        steps=str(steps),
    )
    assert audit.log.rows_read == 21_348
    assert len(audit.tables["leads"]) == 4_580
    assert audit.log.events["action"].nunique() == 14


END_STATES = ("A_DECLINED", "A_CANCELLED")


@pytest.fixture(scope="module")
def bank_with_stages(bank):
    """The bank's own states as stages of its pipeline, its clients' steps beside them."""
    client = bank("bpi2012_client_steps.yml")
    events = client.log.events.assign(action=client.log.events["action"].astype("str"))
    state = events["action"].str.startswith("A_") & (events["action"] != "A_SUBMITTED")
    moves = events[state].assign(action="stage: " + events["action"][state])
    both = pd.concat([events, moves]).astype({"lead_id": "str"})
    log = build_log(both, client.log.leads, client.log.observed_until)
    return client, log, build_journeys(log, client.steps)


def test_bank_stages_beside_client_steps(bank_with_stages):
    _, log, journeys = bank_with_stages
    table = count_pipeline(log, journeys)
    passed = table[table["rule"] == "any"].set_index(["story", "step"])["n_reached"]
    assert passed["stages"][["A_PREACCEPTED", "A_ACCEPTED"]].tolist() == STAFF[1:3]
    assert passed["steps"]["offer_returned"] == CLIENT[2]
    assert passed["stages"][list(END_STATES)].tolist() == [7_635, 2_807]


def test_bank_end_states_by_missing_step_against_a_slow_count(bank_with_stages):
    client, log, journeys = bank_with_stages
    table = count_stage_by_step(list_leads(log, journeys))
    found = {(r.stage, r.missed_step): r.n_lost for r in table.itertuples() if r.n_lost}
    evidence = {"completed": "W_Completeren aanvraag", "offer_returned": "O_SENT_BACK"}
    ends: dict[str, str] = {}
    seen: dict[str, set[str]] = {}
    events = client.log.events
    columns = (events["lead_id"].astype("str"), events["action"].astype("str"), events["at"])
    when = {}
    for lead, action, at in zip(*columns, strict=True):
        seen.setdefault(lead, set()).add(action)
        if action in END_STATES:
            ends[lead], when[lead] = action, at
        elif action in evidence.values() and at - when.get(lead, at) >= pd.Timedelta("1D"):
            ends.pop(lead, None)  # a step a day later: open again
    counts = Counter()
    for lead, end in ends.items():
        taken = [step for step, action in evidence.items() if action in seen[lead]]
        after = {(): "completed", ("completed",): "offer_returned"}
        counts[end, after.get(tuple(taken), "activated")] += 1
    assert found == dict(counts)
    assert sum(found.values()) == 7_635 + 2_807 - 1  # one offer was sent back two days later
