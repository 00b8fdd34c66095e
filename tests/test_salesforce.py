"""Salesforce as it comes: API names, snake case, reports; and the same deals read plainly."""

import re
from dataclasses import replace

import pandas as pd
import pytest
from crm_world import SHARED, UNTIL, assert_same, make_world, read, read_plainly, told

from funnel_lib.reading.crm import CRMS
from funnel_lib.reading.crms.kinds import recognise
from funnel_lib.reading.export import read_export
from funnel_lib.reading.files.tables import RawTable, read_table


@pytest.fixture(scope="module")
def world():
    return make_world(won="Closed Won", lost="Closed Lost")


@pytest.fixture(scope="module")
def full(world, tmp_path_factory):
    return read_plainly(world, tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def no_acts(world, tmp_path_factory):
    return read_plainly(world, tmp_path_factory.mktemp("plain"), acts=False)


def stamp(times, form="%Y-%m-%dT%H:%M:%S.000Z"):
    return times.dt.strftime(form)


def opportunity_id(numbers):
    return "0065e00000" + numbers.astype(str).str.zfill(5) + "AAB"


def opportunities(world):
    deals = world.deals
    expected = deals["closed_at"].fillna(pd.Timestamp("2027-01-01", tz="UTC"))
    return pd.DataFrame({
        "Id": opportunity_id(deals["lead_id"]), "Name": "Deal of Zoe", "StageName": deals["stage"],
        "Amount": deals["amount"], "CurrencyIsoCode": deals["currency"],
        "CloseDate": stamp(expected, "%Y-%m-%d"), "CreatedDate": stamp(deals["created_at"]),
        "IsClosed": (deals["status"] != "open").astype(str).str.lower(), "IsDeleted": "false",
        "IsWon": deals["status"].eq("won").astype(str).str.lower(), "OwnerId": deals["manager"],
        "LeadSource": deals["source"], "RecordType.Name": deals["pipeline"],
        "AccountId": deals["account_id"], "Loss_Reason__c": deals["loss_reason"],
    })  # fmt: skip


def history(world):
    """A row for every change: of the amount, too, some minutes after each third move."""
    moves = world.moves
    rows = pd.DataFrame({
        "Id": "008" + moves.index.astype(str), "OpportunityId": opportunity_id(moves["lead_id"]),
        "StageName": moves["stage"], "CreatedDate": stamp(moves["at"]), "CreatedById": "0055e1",
        "Amount": "1", "Probability": "10",
    })  # fmt: skip
    again = rows.iloc[::3].assign(CreatedDate=stamp(moves["at"].iloc[::3] + pd.Timedelta("1s")))
    return pd.concat([rows, again.assign(Amount="2")])


def changes(world):
    moves = world.moves[world.moves["old_stage"].notna()]
    rows = pd.DataFrame({
        "OpportunityId": opportunity_id(moves["lead_id"]), "Field": "StageName",
        "OldValue": moves["old_stage"], "NewValue": moves["stage"],
        "CreatedDate": stamp(moves["at"]), "CreatedById": "0055e1",
    })  # fmt: skip
    other = rows.iloc[::4].assign(Field="Amount", OldValue="1", NewValue="2")
    return pd.concat([other, rows.sample(frac=1, random_state=1)])


def activities(world):
    """Calls are tasks, meetings are events, mails are mails; a form's submission a plain table."""
    acts = world.acts
    what = opportunity_id(acts["lead_id"])
    calls, mails = acts["action"].str.endswith("_call"), acts["action"].str.endswith("_mail")
    ways = {"incoming_call": "Inbound", "outgoing_call": "Outbound"}
    at = stamp(acts["at"])
    return {
        "Task": pd.DataFrame({
            "Id": "00T" + acts.index.astype(str), "WhatId": what.str[:15], "WhoId": "0035e",
            "Status": "Completed", "CallType": acts["action"].map(ways), "TaskSubtype": "Call",
            "CallDurationInSeconds": acts["duration"], "CompletedDateTime": at,
            "CreatedDate": at, "ActivityDate": "2027-01-01", "Subject": "Zoe",
        })[calls],
        "Event": pd.DataFrame({
            "Id": "00U" + acts.index.astype(str), "WhatId": what, "StartDateTime": at,
            "CreatedDate": at, "EventSubtype": "Event",
        })[acts["action"] == "meeting_held"],
        "EmailMessage": pd.DataFrame({
            "Id": "02s" + acts.index.astype(str), "RelatedToId": what, "MessageDate": at,
            "Incoming": acts["action"].eq("incoming_mail").astype(str), "TextBody": "Zoe",
        })[mails],
        "forms": pd.DataFrame({
            "lead_id": what, "at": at, "action": acts["action"], "actor": "client",
        })[acts["action"] == "form_sent"],
    }  # fmt: skip


def snake(name):
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).replace(".", "_").lower()


def write_tables(folder, tables, names="api", encoding="utf-8", kind="csv"):
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        if names == "snake" and name != "forms":
            table = table.rename(columns=snake).assign(_fivetran_synced="2026-06-01 00:00:00")
            table = table.rename(columns={"record_type_name": "record_type"})
            for c in table.filter(regex="_date|_time"):
                table[c] = table[c].str.replace("T", " ").str.replace(r"\.000Z$", "", regex=True)
        path = folder / f"{name}.{kind}"
        if kind == "xlsx":
            table.to_excel(path, index=False)
        elif kind == "jsonl":
            table.to_json(path, orient="records", lines=True)
        else:
            table.to_csv(path, index=False, encoding=encoding)


def bare_ids(log):
    """The log with the numbers of the planted deals in place of their ids."""
    numbers = {i: str(int(i[10:15])) for i in log.leads["lead_id"]}
    log.events["lead_id"] = log.events["lead_id"].astype(str).map(numbers)
    log.leads["lead_id"] = log.leads["lead_id"].map(numbers)
    return log


FORMATS = [("api", "csv", "utf-8"), ("api", "csv", "utf-16"), ("snake", "csv", "utf-8-sig"),
           ("api", "xlsx", ""), ("api", "jsonl", ""), ("snake", "xlsx", "")]  # fmt: skip


@pytest.mark.parametrize(("names", "kind", "encoding"), FORMATS)
def test_the_tables_are_the_deals_read_plainly(world, full, tmp_path, names, kind, encoding):
    tables = {"Opportunity": opportunities(world), "OpportunityHistory": history(world)}
    write_tables(tmp_path, tables | activities(world), names, encoding, kind)
    log = bare_ids(read_export([tmp_path], observed_until=UNTIL))
    assert_same(log, full, ("loss_reason",) if names == "snake" else ())
    assert log.removed.set_index("reason")["rows"].to_dict()["same_stage"] == sum(
        1 for _ in world.moves.iloc[::3].index
    )
    assert log.events["duration"].notna().sum() == world.acts["duration"].notna().sum()
    assert "Zoe" not in log.leads.to_csv() + log.events.to_csv()


@pytest.mark.parametrize("which", ["changes", "both"])
def test_both_histories_give_each_move_once(world, no_acts, tmp_path, which):
    tables = {"Opportunity": opportunities(world), "OpportunityFieldHistory": changes(world)}
    if which == "both":
        tables["OpportunityHistory"] = history(world)
    write_tables(tmp_path, tables)
    log = read_export([tmp_path], observed_until=UNTIL)
    moved = set(world.moves.loc[world.moves["old_stage"].notna(), "lead_id"])
    never = ~no_acts.events["lead_id"].astype(str).isin(moved)
    stages = no_acts.events["action"].astype(str).str.startswith("stage: ")
    if which == "changes":  # of a deal that never moved the first stage is unknown
        no_acts = replace(no_acts, events=no_acts.events[~(never & stages)])
    assert_same(bare_ids(log), no_acts)
    told = log.removed.set_index("reason")["rows"]
    assert told["other_changes"] == len(world.moves[world.moves["old_stage"].notna()].iloc[::4])
    assert told.get("told_twice", 0) == (
        world.moves["old_stage"].notna().sum() if which == "both" else 0)  # fmt: skip


def test_a_report_in_local_time_is_the_deals_read_plainly(world, no_acts, tmp_path):
    table, zone = opportunities(world), "Europe/Moscow"
    local = world.deals["created_at"].dt.tz_convert(zone)
    report = table.rename(columns={
        "Id": "Opportunity ID", "Name": "Opportunity Name", "StageName": "Stage",
        "CloseDate": "Close Date", "CreatedDate": "Created Date", "OwnerId": "Opportunity Owner",
        "LeadSource": "Lead Source", "IsClosed": "Closed", "IsWon": "Won",
        "CurrencyIsoCode": "Amount Currency", "RecordType.Name": "Opportunity Record Type",
        "AccountId": "Account Name", "Loss_Reason__c": "Loss Reason",
    }).drop(columns="IsDeleted")  # fmt: skip
    report["Opportunity ID"] = report["Opportunity ID"].str[:15]
    report["Created Date"] = local.dt.strftime("%Y-%m-%d %H:%M:%S")
    moves = history(world).drop_duplicates(["OpportunityId", "StageName", "CreatedDate"])
    write_tables(tmp_path, {"report": report})
    edits = changes(world).rename(columns={
        "OpportunityId": "Opportunity ID", "Field": "Field / Event", "OldValue": "Old Value",
        "NewValue": "New Value", "CreatedDate": "Edit Date", "CreatedById": "Edited By",
    })  # fmt: skip
    edits["Field / Event"] = edits["Field / Event"].replace("StageName", "Stage")
    edits["Edit Date"] = (
        pd.to_datetime(edits["Edit Date"]).dt.tz_convert(zone).dt.strftime("%Y-%m-%d %H:%M:%S")
    )
    write_tables(tmp_path / "edits", {"report": report, "edits": edits})
    write_tables(tmp_path / "api", {"report": report, "moves": moves})
    for folder in ("edits", "api"):
        log = bare_ids(read_export([tmp_path / folder], observed_until=UNTIL, time_zone=zone))
        moved = set(world.moves.loc[world.moves["old_stage"].notna(), "lead_id"])
        plain = no_acts.events["lead_id"].astype(str).isin(moved)
        ours = log.events["lead_id"].isin(moved)
        columns = ["lead_id", "at", "action"]
        frames = (e[columns].astype(str).sort_values(columns, ignore_index=True)
                  for e in (log.events[ours], no_acts.events[plain]))  # fmt: skip
        pd.testing.assert_frame_equal(*frames)
        facts = ["lead_id", "status", "closed_at", "amount", "manager", "pipeline", "loss_reason"]
        pd.testing.assert_frame_equal(log.leads[facts], no_acts.leads[facts], check_dtype=False)


# --- by hand -------------------------------------------------------------------------------------


OPP = "Id,StageName,CloseDate,CreatedDate,IsClosed,IsWon,IsDeleted,AccountId,OwnerId\n"


def test_outcomes_by_flags_and_by_names_where_there_are_none(tmp_path):
    log = read(tmp_path, opp=OPP + """1,Signed,2025-01-05,2025-01-01T10:00:00Z,true,true,false,,
        2,Parked,2025-01-05,2025-01-01T10:00:00Z,true,false,false,,
        3,Closed Won,2027-01-05,2025-01-01T10:00:00Z,false,false,false,,
        4,Signed,2025-01-05,2025-01-01T10:00:00Z,true,true,true,,""")  # fmt: skip
    assert log.leads["status"].tolist() == ["won", "lost", "open"]
    assert log.leads["closed_at"].isna().tolist() == [False, False, True]  # expected, no close
    assert log.removed.set_index("reason").loc["deleted_deal", "rows"] == 1
    assert "outcome_by_stage_name" not in set(log.noticed["check"])
    log = read(tmp_path, opp="Id,StageName,CloseDate,CreatedDate,LeadSource\n"
                "1,Closed Won,2025-01-05,2025-01-01T10:00:00Z,Web\n"
                "2,Prospecting,2027-01-05,2025-01-01T10:00:00Z,Web")  # fmt: skip
    assert log.leads["status"].tolist() == ["won", "open"]
    by_name = log.noticed.set_index("check").loc["outcome_by_stage_name"]
    assert by_name["n_rows"] == 1 and by_name["example"] == "Closed Won"


def test_closed_when_the_last_move_says_and_a_reopened_deal_closes_anew(tmp_path):
    log = read(tmp_path,
                opp=OPP + "1,Signed,2025-03-05,2025-01-01T10:00:00Z,true,true,false,,",
                history="""OpportunityId,StageName,CreatedDate,Amount
        1,Demo,2025-01-01T10:00:00Z,1
        1,Demo,2025-01-01T11:00:00Z,2
        1,Signed,2025-01-02T10:00:00Z,2
        1,Demo,2025-01-03T10:00:00Z,2
        1,Signed,2025-01-04T10:00:00Z,2
        1,Signed,2025-01-05T10:00:00Z,3""")  # fmt: skip
    assert [a for _, a in told(log)] == ["deal_created", "stage: Demo", "stage: Signed",
                                         "stage: Demo", "stage: Signed"]  # fmt: skip
    assert str(log.leads["closed_at"][0])[:10] == "2025-01-04"
    assert log.removed.set_index("reason").loc["same_stage", "rows"] == 2


VERSIONS = OPP.strip() + ",_fivetran_active,_fivetran_start\n"


def test_versions_of_a_record_are_one_deal_and_its_moves(tmp_path):
    rows = """1,Demo,2027-01-01,2025-01-01 10:00:00,false,false,false,,false,2025-01-01 10:05:00
        1,Signed,2025-01-04,2025-01-01 10:00:00,true,true,false,,true,2025-01-04 10:00:00
        2,Signed,2025-01-04,2024-01-01 10:00:00,true,true,false,,true,2025-06-01 10:00:00"""
    rows = "\n".join(r.replace("false,,", "false,,7,") for r in rows.splitlines())
    log = read(tmp_path, opp=VERSIONS + rows)
    assert told(log) == [["1", "deal_created"], ["1", "stage: Demo"], ["1", "stage: Signed"],
                         ["2", "deal_created"], ["2", "stage: Signed"]]  # fmt: skip
    closed = log.leads.set_index("lead_id")["closed_at"].astype(str).str[:16]
    # the copying of deal 2 began long after it was closed
    assert closed.tolist() == ["2025-01-04 10:00", "2025-01-04 00:00"]
    log = read(tmp_path, history="""OpportunityId,StageName,CreatedDate,Amount
        1,Demo,2025-01-01T10:00:00Z,1
        1,Signed,2025-01-04T09:00:00Z,1""")  # fmt: skip
    assert [i for i, a in told(log) if a.startswith("stage")] == ["1", "1", "2"]
    assert log.removed.set_index("reason").loc["told_twice", "rows"] == 2


A, B, C = "0065e0000000001AAB", "0065e0000000002AAB", "0065e0000000003AAB"
TASK = "Id,WhatId,WhoId,AccountId,Status,TaskSubtype,CallType,CompletedDateTime,CreatedDate," \
    "ActivityDate,CallDurationInSeconds\n"  # fmt: skip


def tasks(*rows):
    """Tasks: what, who, account, status, subtype, call type, completed, due."""
    lines = [
        f"00T{n},{what},{who},{account},{status},{kind},{way},{done},2025-01-02T10:0{n}:00Z,{due},"
        for n, (what, who, account, status, kind, way, done, due) in enumerate(rows)
    ]
    return TASK + "\n".join(lines)


def test_tasks_calls_and_plans(tmp_path):
    rows = [
        (A[:15], "", "", "Completed", "Call", "Inbound", "", "2025-09-01"),
        (A, "", "", "Completed", "Call", "Outbound", "2025-01-02T11:00:00Z", ""),
        (A, "", "", "Completed", "Call", "", "2025-01-02T12:00:00Z", ""),
        (A, "", "", "Completed", "Call", "Internal", "2025-01-02T13:00:00Z", ""),
        (A, "", "", "Completed", "Email", "", "2025-01-02T14:00:00Z", ""),
        (A, "", "", "Completed", "Task", "", "2025-01-02T15:00:00Z", ""),
        (A, "", "", "Not Started", "Call", "Outbound", "", "2025-01-01"),
    ]
    log = read(tmp_path, opp=OPP + f"{A},New,2027-01-01,2025-01-01T10:00:00Z,false,false,false,,",
                task=tasks(*rows))  # fmt: skip
    assert told(log, "actor")[1:] == [
        [A, "incoming_call", "client"], [A, "outgoing_call", "manager"], [A, "call", None],
        [A, "internal_call", "manager"], [A, "mail", None], [A, "task_completed", "manager"],
    ]  # fmt: skip
    # the first was done nobody knows when, but not when it was due
    hours = log.events["at"].dt.strftime("%d %H:%M").tolist()[1:3]
    assert hours == ["02 10:00", "02 11:00"]
    assert log.removed.set_index("reason")["rows"].to_dict() == {"planned": 1}


def test_a_meeting_to_come_is_a_plan_and_a_mail_is_not_told_by_its_task_again(tmp_path):
    log = read(
        tmp_path, opp=OPP + f"{A},New,2027-01-01,2025-01-01T10:00:00Z,false,false,false,,",
        event=f"""Id,WhatId,StartDateTime,EventSubtype,LastModifiedDate,IsDeleted,IsChild
            1,{A},2025-01-05T10:00:00Z,Event,2025-01-05T11:00:00Z,false,false
            2,{A},2025-01-05T12:00:00Z,Event,2025-01-04T11:00:00Z,false,false
            3,{A},2025-01-03T10:00:00Z,Event,2025-01-04T11:00:00Z,true,false
            4,{A},2025-01-05T10:00:00Z,Event,2025-01-05T11:00:00Z,false,true""",
        mail=f"""Id,RelatedToId,Incoming,MessageDate,ActivityId
            1,{A},true,2025-01-02T10:00:00Z,
            2,,false,2025-01-02T13:59:00Z,00T0""",
        task=tasks((A, "", "", "Completed", "Email", "", "2025-01-02T14:00:00Z", "")),
    )  # fmt: skip
    assert told(log, "actor")[1:] == [
        [A, "incoming_mail", "client"], [A, "outgoing_mail", "manager"],
        [A, "meeting_held", "manager"],
    ]  # fmt: skip
    counted = log.removed.set_index("reason")["rows"].to_dict()
    assert counted["planned"] == 1 and counted["deleted_activity"] == 1
    assert log.removed.loc[log.removed["reason"] == "told_twice", "rows"].sum() == 2


LEAD = "Id,Status,CreatedDate,IsConverted,ConvertedDate,ConvertedOpportunityId,LeadSource\n"


def test_leads_become_deals_or_never_do(tmp_path):
    one, two, three, four = (f"00Q5e000000000{n}AAA" for n in range(1, 5))
    log = read(
        tmp_path, opp=OPP + f"{A},New,2027-01-01,2025-01-05T10:00:00Z,false,false,false,,",
        lead=LEAD + f"""{one},Qualified,2025-01-01T10:00:00Z,true,2025-01-05,{A[:15]},Web
            {two},Closed - Not Converted,2025-01-01T10:00:00Z,false,,,Web
            {three},Working,2025-01-01T10:00:00Z,false,,,Web
            {four},Qualified,2025-01-01T10:00:00Z,true,2025-01-05,{B},Web""",
        history=f"""LeadId,Field,OldValue,NewValue,CreatedDate
            {one[:15]},Status,Open,Qualified,2025-01-04T10:00:00Z
            {one},Owner,a,b,2025-01-04T10:00:00Z""",
        task=tasks(("", one[:15], "", "Completed", "Call", "Outbound", "", ""),
                   ("", three, "", "Completed", "Call", "Inbound", "", "")),
    )  # fmt: skip
    assert [a for i, a in told(log) if i == A] == [
        "lead_created", "stage: Open", "outgoing_call", "stage: Qualified", "deal_created",
    ]  # fmt: skip
    leads = log.leads.set_index("lead_id")
    assert leads.index.tolist() == [A, f"lead {two}", f"lead {three}", f"lead {four}"]
    assert leads["status"].fillna("?").tolist() == ["open", "lost", "open", "?"]
    assert [a for i, a in told(log) if i == f"lead {three}"] == ["lead_created", "incoming_call"]
    assert log.removed.set_index("reason").loc["other_changes", "rows"] == 1


def test_acts_of_contacts_and_companies_go_to_the_deals_open_then(tmp_path):
    log = read(
        tmp_path, opp=OPP + f"""{A},Lost,2025-01-01,2024-12-01T10:00:00Z,true,false,false,001A,
            {B},New,2027-01-01,2025-01-01T10:00:00Z,false,false,false,001A,
            {C},New,2027-01-01,2025-01-01T10:00:00Z,false,false,false,001B,""",
        role=f"OpportunityId,ContactId,IsPrimary\n{B},0035a,true\n{C},0035a,false\n{A},0035a,true",
        task=tasks(("", "0035a", "001A", "Completed", "Call", "Inbound", "", ""),
                   ("001A", "", "001A", "Completed", "Call", "Outbound", "", ""),
                   ("001X", "", "", "Completed", "Call", "Outbound", "", "")),
    )  # fmt: skip
    acts = [a for a in told(log) if a[1] != "deal_created"]
    assert acts == [[B, "incoming_call"], [B, "outgoing_call"], [C, "incoming_call"]]
    assert log.noticed.set_index("check").loc["shared_activities", "n_rows"] == 1
    assert log.removed.set_index("reason").loc["no_open_deal", "rows"] == 1


def test_plain_tables_are_not_taken_for_salesforce():
    plain = [
        ["lead_id", "at", "action", "actor"], ["id", "status", "created date", "source"],
        ["Opportunity ID", "Stage", "date", "action"], ["lead id", "field", "date", "action"],
        ["id", "name", "email", "phone"],
    ]  # fmt: skip
    kinds = CRMS["salesforce"].KINDS
    assert not [c for c in plain if recognise(RawTable("x", pd.DataFrame(columns=c)), kinds)]


def test_the_shared_examples_are_told_apart_and_read():
    folder = SHARED / "salesforce"
    if not folder.exists():
        pytest.skip("../shared is not there")
    names = {"event": "meetings", "task": "tasks", "opportunity": "opportunities",
             "opportunity_history": "opportunities"}  # fmt: skip
    kinds = tuple(k for m in CRMS.values() for k in m.KINDS)
    for path in sorted(SHARED.rglob("*")):
        if path.suffix not in (".csv", ".json"):
            continue
        found = [(f.kind.crm, f.kind.name) for f in recognise(read_table(path), kinds)]
        if path.parent == folder:
            name = path.stem.removeprefix("fivetran_sf_").removesuffix("_data")
            assert found == [("salesforce", names[name])], path
        else:
            assert "salesforce" not in {crm for crm, _ in found}, path
    log = read_export(sorted(folder.glob("*.csv")))
    assert log.removed.set_index("reason").loc["deleted_deal", "rows"] == 10  # all of them are
    assert (log.events["action"] == "task_completed").sum() == 7


def test_a_contact_is_the_deals_own_or_its_accounts(tmp_path):
    """An act of a contact goes to the deal that names it; if none does, to its account's deals."""
    log = read(
        tmp_path,
        opp="Id,StageName,CloseDate,CreatedDate,IsClosed,IsWon,AccountId,ContactId\n"
        "1,Work,2027-01-05,2025-01-01T10:00:00Z,false,false,80,70\n"
        "2,Work,2027-01-05,2025-01-01T10:00:00Z,false,false,80,",
        people="Id,AccountId,LastName,FirstName\n70,80,Lee,Ann\n71,80,Roe,Bob",
        tasks="Id,WhatId,WhoId,Status,CallType,CreatedDate\n"
        "10,,70,Completed,Inbound,2025-01-02T10:00:00Z\n"
        "11,,71,Completed,Outbound,2025-01-03T10:00:00Z",
    )
    acts = [[i, a] for i, a in told(log) if a.endswith("_call")]
    assert acts == [["1", "incoming_call"], ["1", "outgoing_call"], ["2", "outgoing_call"]]
