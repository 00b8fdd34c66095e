"""HubSpot as it comes: exports, tables that pipelines copy, the API; and the deals read plainly."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from crm_world import SHARED, UNTIL, assert_same, make_world, read, read_plainly, told

from funnel_lib.reading.crm import CRMS
from funnel_lib.reading.crms.kinds import recognise
from funnel_lib.reading.export import read_export
from funnel_lib.reading.files.tables import RawTable, read_table

WON, LOST = "Closed won", "Closed lost"


@pytest.fixture(scope="module")
def world():
    return make_world(won=WON, lost=LOST)


@pytest.fixture(scope="module")
def once(world):
    """The same deals without re-entries: a stage's date keeps one value."""
    moves = world.moves.drop_duplicates(["lead_id", "stage"], keep="first")
    again = moves["stage"] == moves.groupby("lead_id")["stage"].shift()
    return replace(world, moves=moves[~again])


@pytest.fixture(scope="module")
def full(world, tmp_path_factory):
    return read_plainly(world, tmp_path_factory.mktemp("plain"))


def stamp(times, form="%Y-%m-%d %H:%M:%S"):
    return times.dt.strftime(form)


def as_export(world):
    """The export of deals with a column of dates a stage."""
    deals = world.deals
    frame = pd.DataFrame({
        "Record ID": deals["lead_id"], "Deal Name": "Deal of Ann", "Deal Stage": deals["stage"],
        "Pipeline": deals["pipeline"], "Amount": deals["amount"].astype(int).astype(str),
        "Currency": deals["currency"], "Close Date": stamp(deals["closed_at"].fillna(
            pd.Timestamp("2027-01-01", tz="UTC"))),  # an open deal's is expected
        "Create Date": stamp(deals["created_at"]), "Deal owner": deals["manager"],
        "Original Traffic Source": deals["source"], "Associated Company": deals["account_id"],
        "Closed Lost Reason": deals["loss_reason"].fillna("(No value)"),
    })  # fmt: skip
    wide = world.moves.assign(at=stamp(world.moves["at"])).pivot_table(
        index="lead_id", columns="stage", values="at", aggfunc="first")  # fmt: skip
    wide.columns = [f'Date entered "{c} (Продажи)"' for c in wide]
    left = wide.rename(columns=lambda c: c.replace("entered", "exited"))
    return frame.join(wide, on="Record ID").join(left.iloc[:, :2], on="Record ID")


FORMATS = [("csv", "utf-8"), ("csv", "utf-8-sig"), ("csv", "utf-16"), ("xlsx", "")]


@pytest.mark.parametrize(("kind", "encoding"), FORMATS)
def test_an_export_is_the_deals_read_plainly(once, tmp_path, kind, encoding):
    path = tmp_path / f"deals.{kind}"
    if kind == "xlsx":
        as_export(once).to_excel(path, index=False)
    else:
        as_export(once).to_csv(path, index=False, encoding=encoding)
    log = read_export([path], observed_until=UNTIL)
    assert_same(log, read_plainly(once, tmp_path / "plain", acts=False))
    assert "Deal of Ann" not in log.leads.to_csv()
    by_name = log.noticed.set_index("check").loc["outcome_by_stage_name"]
    n_ended = once.deals["status"].ne("open").sum()
    assert by_name["n_rows"] == n_ended and WON in by_name["example"]


def stage_ids(world):
    return {s: f"{100 + n}" for n, s in enumerate(world.moves["stage"].unique())}


def pipelines_of(ids):
    stages = [{"id": i, "label": s, "metadata": {
        "isClosed": str(s in (WON, LOST)).lower(), "probability": "1.0" if s == WON else "0.0"
        if s == LOST else "0.4"}} for s, i in ids.items()]  # fmt: skip
    return [{"id": "p1", "label": "Продажи", "displayOrder": 0, "stages": stages}]


def iso(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def api_deals(world, ids):
    for d in world.deals.itertuples():
        moves = world.moves[world.moves["lead_id"] == d.lead_id].sort_values("at", ascending=False)
        company = (
            {} if pd.isna(d.account_id) else {"companies": {"results": [{"id": d.account_id}]}}
        )
        yield {
            "id": d.lead_id, "archived": False, "createdAt": iso(d.created_at),
            "properties": {
                "amount": str(int(d.amount)), "dealstage": ids[d.stage], "pipeline": "p1",
                "createdate": iso(d.created_at), "dealname": "Deal of Ann",
                "closedate": iso(d.closed_at) if d.status != "open" else "2027-01-01T00:00:00Z",
                "hubspot_owner_id": d.manager, "deal_currency_code": d.currency,
                "closed_lost_reason": None if pd.isna(d.loss_reason) else d.loss_reason,
                "hs_analytics_source": None if pd.isna(d.source) else d.source,
            },
            "propertiesWithHistory": {"dealstage": [
                {"value": ids[m.stage], "timestamp": iso(m.at), "sourceType": "CRM_UI"}
                for m in moves.itertuples()]},
            "associations": {"contacts": {"results": [{"id": "9", "type": "deal_to_contact"}]},
                             **company},
        }  # fmt: skip


def api_acts(world):
    """The API's activities, one table each, and forms as the tables have them."""
    tables = {"emails": [], "calls": [], "meetings": []}
    for n, a in enumerate(world.acts.itertuples()):
        row = {"id": f"7{n}", "associations": {"deals": {"results": [{"id": a.lead_id}]}}}
        told = {"hs_timestamp": iso(a.at)}
        if a.action.endswith("_mail"):
            way = "INCOMING_EMAIL" if a.action == "incoming_mail" else "EMAIL"
            tables["emails"].append(row | {"properties": told | {"hs_email_direction": way}})
        elif a.action.endswith("_call"):
            way = "INBOUND" if a.action == "incoming_call" else "OUTBOUND"
            more = {"hs_call_direction": way, "hs_call_duration": str(int(a.duration) * 1000)}
            tables["calls"].append(row | {"properties": told | more})
        elif a.action == "meeting_held":
            tables["meetings"].append(
                row | {"properties": told | {"hs_meeting_outcome": "COMPLETED"}}
            )
    return tables


def write_json(folder, tables, lines):
    for name, rows in tables.items():
        if lines:
            text = "\n".join(json.dumps(r) for r in rows)
            (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
            continue
        for n, part in enumerate([rows[::2], rows[1::2]]):
            page = {"results": part, "paging": {"next": {"after": "1"}}}
            if part:
                (folder / f"{name}{n}.json").write_text(json.dumps(page), encoding="utf-8")


@pytest.mark.parametrize("kind", ["pages", "lines"])
def test_the_api_is_the_deals_read_plainly(world, tmp_path, kind):
    no_forms = replace(world, acts=world.acts[world.acts["action"] != "form_sent"])
    ids = stage_ids(world)
    tables = {"deals": list(api_deals(world, ids)), "pipelines": pipelines_of(ids)}
    folder = tmp_path / "api"
    folder.mkdir()
    write_json(folder, tables | api_acts(world), kind == "lines")
    log = read_export([folder], observed_until=UNTIL)
    assert_same(log, read_plainly(no_forms, tmp_path / "plain"))
    calls = no_forms.acts["duration"].notna().sum()
    assert log.events["duration"].notna().sum() == calls
    moved = log.events[log.events["action"].astype(str).str.startswith("stage: ")]
    assert moved["actor"].eq("manager").all()
    assert "outcome_by_stage_name" not in set(log.noticed["check"])


def as_tables(world):
    """The tables a pipeline copies; a deal has a contact of its own, who sends the forms."""
    ids, deals, acts = stage_ids(world), world.deals, world.acts.reset_index(drop=True)
    synced = {"_fivetran_synced": "2026-06-01 00:00:00"}
    numbers = "8" + acts.index.astype(str)
    mails, calls = acts["action"].str.endswith("_mail"), acts["action"].str.endswith("_call")
    base = pd.DataFrame({"engagement_id": numbers, "property_hs_timestamp": stamp(acts["at"])})
    engagements = ~acts["action"].eq("form_sent")
    ms = (acts["duration"] * 1000).astype("str")
    history = world.moves.sample(frac=1, random_state=1)
    return {
        "deal": pd.DataFrame({
            "deal_id": deals["lead_id"], "is_deleted": "false", "deal_pipeline_id": "p1",
            "deal_pipeline_stage_id": deals["stage"].map(ids), "owner_id": deals["manager"],
            "property_amount": deals["amount"], "property_closedate": stamp(deals["closed_at"]),
            "property_createdate": stamp(deals["created_at"]),
            "property_deal_currency_code": deals["currency"],
            "property_hs_analytics_source": deals["source"],
            "property_closed_lost_reason": deals["loss_reason"], **synced,
        }),
        "deal_property_history": pd.DataFrame({
            "deal_id": history["lead_id"], "timestamp": stamp(history["at"]), "name": "dealstage",
            "value": history["stage"].map(ids), "source": "AUTOMATION_PLATFORM", "source_id": "x",
            **synced,
        }),
        "deal_stage": pd.DataFrame({
            "deal_id": history["lead_id"], "date_entered": stamp(history["at"]),
            "value": history["stage"].map(ids), "source": "CRM_UI", "source_id": "x", **synced,
        }),
        "deal_pipeline_stage": pd.DataFrame({
            "stage_id": list(ids.values()), "label": list(ids), "pipeline_id": "p1",
            "closed_won": [str(s == WON) for s in ids], **synced,
            "is_closed": [str(s in (WON, LOST)) for s in ids],
        }),
        "deal_pipeline": pd.DataFrame({"pipeline_id": ["p1"], "label": ["Продажи"], **synced}),
        "engagement_email": base[mails].assign(
            type="EMAIL", property_hs_email_direction=acts["action"].map(
                {"incoming_mail": "INCOMING_EMAIL", "outgoing_mail": "EMAIL"})[mails], **synced),
        "engagement_call": base[calls].assign(
            type="CALL", property_hs_call_duration=ms[calls],
            property_hs_call_direction=acts["action"].map(
                {"incoming_call": "INBOUND", "outgoing_call": "OUTBOUND"})[calls], **synced),
        "engagement_meeting": base[acts["action"] == "meeting_held"].assign(
            type="MEETING", property_hs_meeting_outcome="COMPLETED", **synced),
        "engagement_deal": pd.DataFrame(
            {"engagement_id": numbers, "deal_id": acts["lead_id"]})[engagements],
        "deal_contact": pd.DataFrame(
            {"deal_id": deals["lead_id"], "contact_id": "55" + deals["lead_id"], **synced}),
        "contact_form_submission": pd.DataFrame({
            "contact_id": "55" + acts["lead_id"], "timestamp": stamp(acts["at"]), "form_id": "1",
            "page_url": "https://example.com"})[~engagements],
    }  # fmt: skip


@pytest.mark.parametrize("history", ["deal_property_history", "deal_stage", "both"])
def test_the_tables_are_the_deals_read_plainly(world, tmp_path, history):
    tables = as_tables(world)
    for name in ("deal_property_history", "deal_stage"):
        if history not in (name, "both"):
            del tables[name]
    deals = world.deals.set_index("lead_id")
    during = world.acts["action"].ne("form_sent") | ~(
        world.acts["at"] > world.acts["lead_id"].map(deals["closed_at"]))  # fmt: skip
    for name, table in tables.items():
        (tmp_path / "hub").mkdir(exist_ok=True)
        table.to_csv(tmp_path / "hub" / f"{name}.csv", index=False)
    log = read_export([tmp_path / "hub"], observed_until=UNTIL)
    plain = read_plainly(replace(world, acts=world.acts[during]), tmp_path / "plain")
    assert_same(log, plain, ("account_id",))
    told = log.removed.set_index("reason")["rows"]
    assert told.get("told_twice", 0) == (len(world.moves) if history == "both" else 0)


def test_the_words_of_the_export_stand_beside_the_ids_of_the_api(world, once, tmp_path):
    tables = {"deals": list(api_deals(world, stage_ids(world)))}
    write_json(tmp_path, tables | {"pipelines": pipelines_of(stage_ids(world))}, lines=True)
    as_export(once).to_csv(tmp_path / "deals.csv", index=False)
    log = read_export([tmp_path], observed_until=UNTIL, time_zone="UTC")
    assert_same(log, read_plainly(world, tmp_path / "plain", acts=False))


# --- by hand -------------------------------------------------------------------------------------


DEAL = "deal_id,is_deleted,deal_pipeline_id,deal_pipeline_stage_id,owner_id,property_amount," \
    "property_closedate,property_createdate\n"  # fmt: skip
HISTORY = "deal_id,timestamp,name,value,source,source_id\n"
ACT = "engagement_id,type,property_hs_timestamp"
STAGES = "stage_id,label,pipeline_id,closed_won,is_closed,probability\n"


def test_an_outcome_is_never_told_from_an_id(tmp_path):
    stages = (
        STAGES
        + """closedwon,Proposta enviada,p,false,false,0.5
        closedlost,Em negociação,p,false,false,0.6
        77,Assinado,p,true,true,1.0
        78,Fim,p,false,true,0.0"""
    )
    deal = (
        DEAL
        + """1,false,p,closedwon,7,5,2027-01-01 00:00:00,2025-01-01 10:00:00
        2,false,p,77,7,5,2025-01-05 10:00:00,2025-01-01 10:00:00
        3,false,p,78,7,5,2025-01-06 10:00:00,2025-01-01 10:00:00"""
    )
    leads = read(tmp_path, stages=stages, deal=deal).leads
    assert leads["status"].tolist() == ["open", "won", "lost"]
    assert leads["stage"].tolist() == ["Proposta enviada", "Assinado", "Fim"]
    assert leads["closed_at"].isna().tolist() == [True, False, False]
    (tmp_path / "stages.csv").unlink()
    log = read_export([tmp_path], observed_until=UNTIL)  # only ids are left
    assert log.leads["status"].isna().all() and log.leads["closed_at"].isna().all()
    assert log.noticed.set_index("check").loc["outcome_unknown", "n_rows"] == 3


def test_a_return_is_a_move_and_a_stage_that_follows_itself_is_not(tmp_path):
    stages = STAGES + "1,New,p,false,false,\n2,Demo,p,false,false,\n3,Lost,p,false,true,"
    history = (
        HISTORY
        + """5,2025-01-01 10:00:00,dealstage,1,CRM_UI,a
        5,2025-01-02 10:00:00,dealstage,2,WORKFLOWS,a
        5,2025-01-03 10:00:00,dealstage,2,API,a
        5,2025-01-04 10:00:00,dealstage,1,FORM,a
        5,2025-01-05 10:00:00,dealstage,3,CRM_UI,a
        5,2025-01-06 10:00:00,dealstage,3,CRM_UI,a
        5,2025-01-06 11:00:00,amount,3,CRM_UI,a"""
    )
    log = read(tmp_path, stages=stages, history=history)
    assert told(log, "actor") == [
        ["5", "stage: New", "manager"], ["5", "stage: Demo", "system"],
        ["5", "stage: New", "client"], ["5", "stage: Lost", "manager"],
    ]  # fmt: skip
    counted = log.removed.set_index("reason")["rows"]
    assert counted["same_stage"] == 2 and counted["other_changes"] == 1
    assert log.leads["status"].tolist() == ["lost"]
    assert str(log.leads["closed_at"][0])[:10] == "2025-01-05"


def test_a_merged_deal_lives_on_in_another_and_a_deleted_one_is_left_out(tmp_path):
    deal = (
        DEAL
        + """1,false,p,2,7,5,,2025-01-01 10:00:00
        2,true,p,1,7,5,,2025-01-02 10:00:00
        3,true,p,1,7,5,,2025-01-03 10:00:00"""
    )
    history = (
        HISTORY
        + """2,2025-01-02 10:00:00,dealstage,1,CRM_UI,a
        1,2025-01-04 10:00:00,dealstage,2,CRM_UI,a
        3,2025-01-03 10:00:00,dealstage,1,CRM_UI,a"""
    )
    log = read(tmp_path, deal=deal, history=history,
                merged="deal_id,merged_deal_id\n1,2")  # fmt: skip
    assert log.leads["lead_id"].tolist() == ["1"]
    assert [a for _, a in told(log)] == ["deal_created", "stage: 1", "stage: 2"]
    counted = log.removed.set_index("reason")["rows"]
    assert counted["deleted_deal"] == 1 and counted["deleted_activity"] == 1
    assert log.noticed.set_index("check").loc["merged_deals", "n_rows"] == 1


def test_activities_unknown_ways_plans_and_deals_that_share_one(tmp_path):
    deal = (
        DEAL
        + """1,false,p,1,7,5,2025-01-10 10:00:00,2025-01-01 10:00:00
        2,false,p,2,7,5,,2025-01-05 10:00:00
        3,false,p,2,7,5,,2025-01-05 11:00:00"""
    )
    log = read(
        tmp_path, deal=deal, stages=STAGES + "1,Won,p,true,true,\n2,Work,p,false,false,",
        call=ACT + """,property_hs_call_direction,property_hs_call_duration
            10,CALL,2025-01-02 10:00:00,INBOUND,61000
            11,CALL,2025-01-02 11:00:00,,
            12,CALL,2025-02-02 10:00:00,OUTBOUND,""",
        mail=ACT + """,property_hs_email_direction
            20,EMAIL,2025-01-02 12:00:00,FORWARDED_EMAIL
            21,INCOMING_EMAIL,2025-01-02 13:00:00,""",
        meeting=ACT + """,property_hs_meeting_outcome
            30,MEETING,2025-01-02 14:00:00,COMPLETED
            31,MEETING,2025-01-02 15:00:00,SCHEDULED""",
        task=ACT + """,property_hs_task_status,property_hs_task_completion_date
            40,TASK,2025-09-02 14:00:00,COMPLETED,2025-01-02 16:00:00
            41,TASK,2025-01-02 14:00:00,NOT_STARTED,
            42,NOTE,2025-01-02 17:00:00,,
            43,COMMUNICATION,2025-01-02 18:00:00,,""",
        deals="engagement_id,deal_id\n" + "\n".join(
            f"{n},1" for n in (10, 11, 20, 21, 30, 31, 40, 41, 42, 43)),
        people="engagement_id,contact_id\n10,70\n12,70\n12,71",
        links="deal_id,contact_id,type_id\n1,70,3\n2,70,3\n3,70,3\n2,71,3",
    )  # fmt: skip
    acts = [a for a in told(log, "actor", "duration") if a[1] != "deal_created"]
    assert acts == [
        ["1", "incoming_call", "client", "61"], ["1", "call", None, None],
        ["1", "mail", None, None],
        ["1", "incoming_mail", "client", None], ["1", "meeting_held", "manager", None],
        ["1", "task_completed", "manager", None], ["1", "note_added", "manager", None],
        ["1", "communication", None, None],
        # deal 1 was closed then; one call, though two people of deal 2 took part in it
        ["2", "outgoing_call", "manager", None], ["3", "outgoing_call", "manager", None],
    ]  # fmt: skip
    assert log.removed.set_index("reason")["rows"].to_dict() == {"planned": 2}
    assert log.noticed.set_index("check").loc["shared_activities", "n_rows"] == 1


def test_what_an_activity_is_its_own_properties_tell(tmp_path):
    """The API names no type; a meeting that is logged afterwards has no outcome."""
    properties = [
        {"hs_call_title": "Price", "hs_call_direction": None}, {"hs_meeting_title": "Demo"},
        {"hs_meeting_title": "Demo", "hs_meeting_outcome": "NO_SHOW"}, {"hs_email_subject": "Hi"},
        {"hs_task_subject": "Call", "hs_task_status": "COMPLETED"}, {"hs_note_body": "Ok"}, {},
    ]  # fmt: skip
    of_deal = {"deals": {"results": [{"id": "5", "type": "x_to_deal"}]}}
    acts = [
        {"id": str(n), "associations": of_deal, "updatedAt": "2025-01-20T10:00:00Z",
         "properties": {"hs_timestamp": f"2025-01-0{n + 2}T10:00:00Z", **own}}
        for n, own in enumerate(properties)
    ]  # fmt: skip
    deal = {"id": "5", "properties": {"createdate": "2025-01-01T10:00:00Z", "dealstage": "1"}}
    booked = {
        "id": "9",
        "associations": of_deal,
        "updatedAt": "2025-01-02T10:00:00Z",
        "properties": {"hs_timestamp": "2025-12-01T10:00:00Z", "hs_meeting_title": "Demo"},
    }
    write_json(tmp_path, {"deals": [deal], "acts": [*acts, booked]}, lines=True)
    log = read_export([tmp_path])
    assert [a for a in told(log, "actor") if a[1] != "deal_created"] == [
        ["5", "call", None], ["5", "meeting_held", "manager"], ["5", "mail", None],
        ["5", "task_completed", "manager"], ["5", "note_added", "manager"],
        ["5", "engagement", None],
    ]  # fmt: skip
    assert log.removed.set_index("reason")["rows"].to_dict() == {"planned": 2}
    assert log.observed_until.month == 1


def test_contacts_without_a_lifecycle_are_people_whose_phones_join(tmp_path):
    deal = {"id": "5", "properties": {"createdate": "2025-01-01T10:00:00Z", "dealstage": "1"},
            "associations": {"contacts": {"results": [{"id": "70"}]}}}  # fmt: skip
    person = {"id": "70", "properties": {"firstname": "Ann", "phone": "8 999 123-45-67"}}
    write_json(tmp_path, {"deals": [deal], "people": [person]}, lines=True)
    (tmp_path / "calls.csv").write_text(
        "phone,call time,direction\n79991234567,2025-01-03 10:00:00,in\n", "utf-8"
    )
    log = read_export([tmp_path], time_zone="UTC")
    assert ["5", "incoming_call"] in told(log) and log.removed.empty


def test_flags_win_and_the_dates_of_stages_are_moves(tmp_path):
    header = ["Record ID", "Deal Stage", "Create Date", "Close Date", "Is Closed Won",
              "Is closed lost", 'Date entered "Demo (online)"',
              'Date entered "Оплачено (Sales Pipeline)"',
              'Date exited "Demo (online)"']  # fmt: skip
    made, left, none = "2025-01-01 10:00", "2025-01-08 10:00", "(No value)"
    rows = [
        ["1", "Оплачено", made, "2025-01-09 10:00", "true", "false", "2025-01-02 10:00", left,
         left],
        ["2", "Demo (online)", made, "2025-08-09 10:00", "false", "false", "2025-01-02 10:00", none,
         none],
        ["3", "Closed won", made, "2025-01-09 10:00", "false", "true", none, none, none],
    ]  # fmt: skip
    pd.DataFrame(rows, columns=header).to_csv(tmp_path / "deals.csv", index=False)
    log = read_export([tmp_path], observed_until=UNTIL)
    assert [a for i, a in told(log) if i == "1"] == ["deal_created", "stage: Demo (online)",
                                                     "stage: Оплачено"]  # fmt: skip
    leads = log.leads.set_index("lead_id")
    assert leads["status"].tolist() == ["won", "open", "lost"]
    assert str(leads.loc["1", "closed_at"])[:10] == "2025-01-08"  # the move, not the table
    assert pd.isna(leads.loc["2", "closed_at"])
    assert not [c for c in leads if c.startswith("Date ")]
    assert "outcome_by_stage_name" not in set(log.noticed["check"])


CONTACTS = (
    "Record ID,First Name,Create Date,Lifecycle Stage,Became a Lead Date,Became a marketing"
    """ qualified lead date,Became an opportunity date,Lead Status,Phone Number,Associated Deal IDs
  70,Ann,2024-12-20 10:00,Customer,2024-12-20 10:00,2024-12-25 10:00,2025-01-01 10:00,,799900000,1;2
  71,Bob,2025-01-03 10:00,Lead,2025-01-04 10:00,,,Unqualified,,
  72,Cid,2025-01-05 10:00,Lead,2025-01-05 10:00,,,New,,
  73,Dan,2025-01-05 10:00,Subscriber,,,,,,
  74,Eve,2025-01-06 10:00,Customer,2025-01-06 10:00,,,,,"""
)


def test_a_contact_is_a_lead_before_its_deal(tmp_path):
    log = read(tmp_path, contacts=CONTACTS, deals="""
        Record ID,Deal Stage,Pipeline,Create Date,Close Date
        1,Closed won,S,2025-01-01 10:00,2025-01-09 10:00
        2,Demo,S,2025-03-01 10:00,""")  # fmt: skip
    assert told(log, "actor") == [
        ["1", "became_lead", "system"], ["1", "lead_created", None],
        ["1", "became_marketing_qualified_lead", "system"],
        ["1", "became_opportunity", "system"], ["1", "deal_created", None],
        ["2", "deal_created", None],
        ["contact 71", "lead_created", None], ["contact 71", "became_lead", "system"],
        ["contact 72", "became_lead", "system"], ["contact 72", "lead_created", None],
        ["contact 74", "became_lead", "system"], ["contact 74", "lead_created", None],
    ]  # fmt: skip
    leads = log.leads.set_index("lead_id")["status"].fillna("?")
    assert leads.tolist() == ["won", "open", "lost", "open", "?"]  # a customer's deal is not here
    assert "Ann" not in log.leads.to_csv() and "7999" not in log.leads.to_csv()


def test_companies_are_no_contacts_and_plain_tables_are_not_taken():
    plain = [
        ["lead_id", "at", "action", "actor"], ["deal_id", "timestamp", "name", "value"],
        ["deal_id", "contact_id", "date", "action"], ["Record ID", "date", "action"],
        ["id", "label", "value"], ["deal_id", "stage", "created at", "amount", "owner"],
    ]  # fmt: skip
    kinds = tuple(k for m in CRMS.values() for k in m.KINDS)
    assert not [c for c in plain if recognise(RawTable("x", pd.DataFrame(columns=c)), kinds)]
    company = ["Record ID", "Company name", "Company owner", "Create Date", "Lifecycle Stage",
               "Became a lead date"]  # fmt: skip
    found = recognise(RawTable("x", pd.DataFrame(columns=company)), kinds)
    assert [f.kind.name for f in found] == ["companies"]


EXAMPLES = {
    "contact_form_submission": "forms", "deal": "deals", "deal_pipeline": "pipelines",
    "deal_pipeline_stage": "stages", "deal_property_history": "events", "deal_stage": "moves",
    "engagement_call": "activities", "engagement_email": "activities", "merged_deal": "merged",
}  # fmt: skip


def test_the_shared_examples_are_told_apart_and_read():
    folder = SHARED / "hubspot"
    if not folder.exists():
        pytest.skip("../shared is not there")
    kinds = tuple(k for m in CRMS.values() for k in m.KINDS)
    for path in sorted(SHARED.rglob("*")):
        if path.suffix not in (".csv", ".json"):
            continue
        found = [(f.kind.crm, f.kind.name) for f in recognise(read_table(path), kinds)]
        name = path.stem.removeprefix("fivetran_").removesuffix("_data")
        if path.parent == folder:
            assert found == [("hubspot", EXAMPLES[name])], path
        else:
            assert "hubspot" not in {crm for crm, _ in found}, path
    log = read_export(sorted(folder.glob("*.csv")))
    deals = read_table(folder / "fivetran_deal_data.csv").frame["deal_id"]
    assert set(deals) <= set(log.leads["lead_id"])
    assert log.events["action"].astype(str).str.startswith("stage: ").sum() > 5
