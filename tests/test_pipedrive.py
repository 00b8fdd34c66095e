"""Pipedrive as it comes: the export, API pages, and the same deals read plainly."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from crm_world import SHARED, UNTIL, assert_same, assert_told_apart, make_world, read_plainly, told

from funnel_lib.reading.columns import Mapping
from funnel_lib.reading.crm import CRMS
from funnel_lib.reading.crms.kinds import recognise
from funnel_lib.reading.export import read_export
from funnel_lib.reading.files.tables import RawTable

# Names of stages, which tell no outcome here.
WON, LOST = "Contract Signed", "Отказ"


@pytest.fixture(scope="module")
def world():
    """What Pipedrive can tell of the deals: mails of the client, and all that managers do."""
    world = make_world(won=WON, lost=LOST)
    acts = world.acts.copy()
    acts["action"] = acts["action"].mask(acts["actor"] == "client", "incoming_mail")
    acts["action"] = acts["action"].replace("outgoing_call", "call")
    return replace(world, acts=acts.drop_duplicates(["lead_id", "at", "action"]))


@pytest.fixture(scope="module")
def full(world, tmp_path_factory):
    return read_plainly(world, tmp_path_factory.mktemp("plain"))


def text(times):
    return times.dt.strftime("%Y-%m-%d %H:%M:%S")


# --- the export ----------------------------------------------------------------------------------


def last_mails(world):
    """The last mail of each deal's client and manager."""
    mails = world.acts[world.acts["action"].isin(["incoming_mail", "outgoing_mail"])]
    return mails.sort_values("at").drop_duplicates(["lead_id", "action"], keep="last")


def as_export(world):
    deals = world.deals
    mails = last_mails(world).pivot_table("at", "lead_id", "action", aggfunc="first")
    mails = mails.reindex(deals["lead_id"]).set_axis(deals.index)
    closed = text(deals["closed_at"])
    return pd.DataFrame({
        "Deal - ID": deals["lead_id"], "Deal - Title": "Deal of Ann",
        "Deal - Creator": "Ann", "Deal - Owner": deals["manager"],
        "Deal - Value": deals["amount"].astype(int), "Deal - Currency of Value": deals["currency"],
        "Deal - Weighted value": 1, "Deal - Organization": deals["account_id"],
        "Deal - Contact person": "Ann", "Deal - Pipeline": deals["pipeline"],
        "Deal - Stage": deals["stage"], "Deal - Status": deals["status"].str.title(),
        "Deal - Deal created": text(deals["created_at"]),
        "Deal - Update time": "2026-06-01 10:00:00",
        "Deal - Won time": closed.where(deals["status"] == "won"),
        "Deal - Lost time": closed.where(deals["status"] == "lost"),
        "Deal - Deal closed on": closed, "Deal - Lost reason": deals["loss_reason"],
        "Deal - Expected close date": "2027-01-01",
        "Deal - Last email received": text(mails["incoming_mail"]),
        "Deal - Last email sent": text(mails["outgoing_mail"]),
        "Deal - Source channel": deals["source"],
    })  # fmt: skip


FORMATS = [("csv", "utf-8-sig", ","), ("csv", "cp1251", ";"), ("csv", "utf-16", "\t"),
           ("xlsx", "", ""), ("html", "", "")]  # fmt: skip


@pytest.mark.parametrize(("kind", "encoding", "delimiter"), FORMATS)
def test_an_export_is_the_deals_read_plainly(world, tmp_path, kind, encoding, delimiter):
    path = tmp_path / ("deals.xls" if kind == "html" else f"deals.{kind}")
    table = as_export(world)
    if kind == "xlsx":
        table.to_excel(path, index=False)
    elif kind == "html":
        page = f"<html><body>{table.to_html(index=False, na_rep='')}</body></html>"
        path.write_text(page, encoding="utf-8")
    else:
        table.to_csv(path, index=False, encoding=encoding, sep=delimiter)
    log = read_export([path], observed_until=UNTIL)
    plain = read_plainly(replace(world, acts=last_mails(world)), tmp_path / "plain", moves=False)
    assert_same(log, plain)
    assert "Deal - Expected close date" not in log.leads
    assert "of Ann" not in log.leads.astype(str).to_csv()


# --- the API -------------------------------------------------------------------------------------


def stage_ids(world):
    return {s: 10 + n for n, s in enumerate(world.moves["stage"].unique())}


def api_deals(world, ids):
    for d in world.deals.itertuples():
        closed = None if pd.isna(d.closed_at) else f"{d.closed_at:%Y-%m-%d %H:%M:%S}"
        yield {
            "id": int(d.lead_id), "title": "Deal of Ann", "value": int(d.amount),
            "currency": d.currency, "status": d.status, "stage_id": ids[d.stage],
            "pipeline_id": 3, "add_time": f"{d.created_at:%Y-%m-%d %H:%M:%S}",
            "won_time": closed if d.status == "won" else None,
            "lost_time": closed if d.status == "lost" else None, "close_time": closed,
            "lost_reason": None if pd.isna(d.loss_reason) else d.loss_reason,
            "user_id": {"id": 7, "name": d.manager, "value": 7}, "origin": d.source,
            "person_id": {"name": "Ann", "value": 70},
            "org_id": {"name": "X", "value": d.account_id},
            "expected_close_date": "2027-01-01", "deleted": False,
        }  # fmt: skip


def change(deal, at, field, old, new, old_name=None, new_name=None):
    names = {"old_value_formatted": old_name, "new_value_formatted": new_name}
    return {
        "object": "dealChange", "timestamp": at,
        "data": {"id": 1, "item_id": deal, "field_key": field, "old_value": old, "new_value": new,
                 "additional_data": names, "change_source": "app", "log_time": at},
    }  # fmt: skip


def api_flow(world, ids):
    for m in world.moves[world.moves["old_stage"].notna()].itertuples():
        at, deal = f"{m.at:%Y-%m-%d %H:%M:%S}", int(m.lead_id)
        yield change(deal, at, "stage_id", str(ids[m.old_stage]), str(ids[m.stage]), m.old_stage,
                     m.stage)  # fmt: skip
        if m.outcome != "open":
            yield change(deal, at, "status", "open", m.outcome)
    for d in world.deals.itertuples():
        at = f"{d.created_at:%Y-%m-%d %H:%M:%S}"
        yield change(int(d.lead_id), at, "add_time", None, at)
    types = {"call": "call", "meeting_held": "meeting"}
    for n, a in enumerate(world.acts.itertuples()):
        at = f"{a.at:%Y-%m-%d %H:%M:%S}"
        facts = {"id": n, "deal_id": int(a.lead_id), "content": "secret"}
        if a.action in types:
            facts |= {"type": types[a.action], "done": True, "marked_as_done_time": at}
            yield {"object": "activity", "timestamp": "2027-01-01 00:00:00", "data": facts}
        else:
            facts |= {"sent_flag": int(a.action == "outgoing_mail")}
            yield {"object": "mailMessage", "timestamp": at, "data": facts}


def page(folder, name, rows):
    path = folder / f"{name}.json"
    more = {"pagination": {"start": 0, "limit": 20, "more_items_in_collection": False}}
    body = {"success": True, "data": rows, "additional_data": more}
    path.write_text(json.dumps(body), encoding="utf-8")
    return path


def write_api(world, folder, lines=False):
    ids = stage_ids(world)
    tables = {
        "deals": list(api_deals(world, ids)), "flow": list(api_flow(world, ids)),
        "stages": [{"id": i, "name": s, "pipeline_id": 3, "order_nr": i} for s, i in ids.items()],
        "pipelines": [{"id": 3, "name": "Продажи", "order_nr": 1, "url_title": "x"}],
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        if lines:
            text = "\n".join(json.dumps(r) for r in rows)
            (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
            continue
        half = len(rows) // 2
        for n, part in enumerate(p for p in (rows[:half], rows[half:]) if p):
            page(folder, f"{name}{n}", part)


@pytest.mark.parametrize("lines", [False, True])
def test_the_api_is_the_deals_read_plainly(world, full, tmp_path, lines):
    write_api(world, tmp_path, lines)
    log = read_export([tmp_path], observed_until=UNTIL)
    assert_same(log, full)
    assert "secret" not in log.events.astype(str).to_csv()


def test_a_flow_alone_knows_stages_outcomes_and_when(world, full, tmp_path):
    path = page(tmp_path, "flow", list(api_flow(world, stage_ids(world))))
    log = read_export([path], observed_until=UNTIL)
    facts = ("amount", "currency", "manager", "source", "loss_reason", "account_id", "pipeline",
             "stage")  # fmt: skip
    # A deal that never moved has no stage in its flow.
    moved = world.moves.loc[world.moves["old_stage"].notna(), "lead_id"]
    shown = full.events["action"].astype("str").str.startswith("stage: ")
    kept = full.events[~shown | full.events["lead_id"].isin(moved)]
    assert_same(log, replace(full, events=kept.reset_index(drop=True)), facts)


def test_the_words_of_the_export_stand_beside_the_api(world, full, tmp_path):
    write_api(world, tmp_path)
    as_export(world).to_csv(tmp_path / "deals.csv", index=False)
    log = read_export([tmp_path], observed_until=UNTIL, time_zone="UTC")
    assert_same(log, full)
    assert log.removed.set_index("reason").loc["told_twice", "rows"] == len(last_mails(world))


# --- by hand -------------------------------------------------------------------------------------


def deal(number, status="open", stage=10, **more):
    return {"id": number, "status": status, "stage_id": stage, "pipeline_id": 3, "user_id": 7,
            "value": 5, "currency": "EUR", "add_time": "2025-02-01 10:00:00"} | more  # fmt: skip


def activity(number, kind, done, at="2025-02-03 10:00:00", **more):
    return {"object": "activity", "timestamp": at,
            "data": {"id": number, "deal_id": 1, "type": kind, "done": done} | more}  # fmt: skip


def facts_of(log):
    leads = log.leads.set_index("lead_id")
    days = leads["closed_at"].dt.day.fillna(0).astype(int)
    return dict(zip(leads.index, zip(leads["status"].fillna("?"), days, strict=True), strict=True))


def test_only_the_status_tells_an_outcome(tmp_path):
    times = {"won_time": "2025-02-05 10:00:00", "lost_time": "2025-02-07 10:00:00",
             "close_time": "2025-02-09 10:00:00", "expected_close_date": "2025-02-20"}  # fmt: skip
    rows = [
        deal(1, stage=11), deal(2, "won", **times), deal(3, "lost", **times),
        deal(4, "open", **times), deal(5, "won", close_time="2025-02-09 10:00:00"),
        deal(6, "deleted"), deal(7, "won", deleted=True),
    ]  # fmt: skip
    stages = [{"id": 10, "name": "Lost", "pipeline_id": 3, "order_nr": 1},
              {"id": 11, "name": "Contract Signed", "pipeline_id": 3, "order_nr": 2}]  # fmt: skip
    users = [{"id": 7, "name": "Ann", "email": "a@b.c", "active_flag": True}]
    flow = [activity(1, "call", True, deal_id=6), activity(2, "call", True, deal_id=1),
            change(8, "2025-02-03 10:00:00", "status", "open", "deleted")]  # fmt: skip
    paths = [page(tmp_path, "deals", rows), page(tmp_path, "stages", stages),
             page(tmp_path, "users", users), page(tmp_path, "flow", flow)]  # fmt: skip
    log = read_export(paths, observed_until=UNTIL)
    assert facts_of(log) == {"1": ("open", 0), "2": ("won", 5), "3": ("lost", 7), "4": ("open", 0),
                             "5": ("won", 9)}  # fmt: skip
    assert log.leads["stage"].tolist() == ["Contract Signed"] + ["Lost"] * 4
    assert set(log.leads["manager"]) == {"Ann"}
    removed = log.removed.groupby("reason")["rows"].sum()
    assert removed.to_dict() == {"deleted_deal": 4}  # two deals, and what two flows tell of theirs


def test_a_deal_that_only_the_flow_knows_is_noted(tmp_path):
    moves = [change(n, "2025-02-03 10:00:00", "stage_id", 1, 2) for n in (1, 2)]
    paths = [page(tmp_path, "deals", [deal(1)]), page(tmp_path, "flow", moves)]
    log = read_export(paths)
    assert log.noticed.set_index("check").loc["deals_not_listed", "example"] == "2"
    assert "deals_not_listed" not in set(read_export(paths[1:]).noticed["check"])


def test_the_last_status_of_a_flow_tells_the_outcome_and_when(tmp_path):
    rows = [
        change(1, "2025-02-03 10:00:00", "status", "open", "lost"),
        change(1, "2025-02-04 10:00:00", "status", "lost", "open"),  # reopened
        change(2, "2025-02-03 10:00:00", "status", "open", "lost"),
        change(2, "2025-02-04 10:00:00", "status", "lost", "open"),
        change(2, "2025-02-06 10:00:00", "status", "open", "won"),
        change(3, "2025-02-02 10:00:00", "stage_id", "10", "11", None, "Contract Signed"),
        change(4, "2025-02-02 10:00:00", "stage_id", "10", "11"),
        change(4, "2025-02-03 10:00:00", "stage_id", "11", "11"),
        change(4, "2025-02-03 10:00:00", "value", "5", "6"),
    ]  # fmt: skip
    rows += [change(n, "2025-02-01 10:00:00", "add_time", None, "x") for n in (1, 2, 3, 4)]
    stages = [{"id": 10, "name": "Новая", "pipeline_id": 3, "order_nr": 1}]
    log = read_export([page(tmp_path, "flow", rows[::-1]), page(tmp_path, "stages", stages)],
                      observed_until=UNTIL)  # fmt: skip
    assert facts_of(log) == {"1": ("open", 0), "2": ("won", 6), "3": ("open", 0), "4": ("open", 0)}
    moves = [a for _, a in told(log) if a.startswith("stage")]
    assert moves == ["stage: Новая", "stage: Contract Signed", "stage: Новая", "stage: 11"]
    removed = log.removed.set_index("reason")["rows"].to_dict()
    assert removed == {"same_stage": 1, "other_changes": 1}


def test_activities_that_are_done_are_events_and_plans_are_none(tmp_path):
    late = "2027-01-01 00:00:00"
    rows = [
        activity(1, "call", True, late, marked_as_done_time="2025-02-02 10:00:00",
                 duration="00:02"),
        activity(2, "email", True, "2025-02-03 10:00:00"),
        activity(3, "meeting", True, "2025-02-04 10:00:00"),
        activity(4, "task", True, "2025-02-05 10:00:00"),
        activity(5, "lunch", True, "2025-02-06 10:00:00"),
        activity(6, "call", False, "2025-02-06 11:00:00"), activity(7, "email", False, late),
        {"object": "note", "timestamp": "2025-02-07 10:00:00",
         "data": {"id": 1, "deal_id": 1, "content": "secret"}},
        {"object": "mailMessage", "timestamp": "2025-02-08 10:00:00",
         "data": {"id": 1, "deal_id": 1, "sent_flag": 1}},
        {"object": "mailMessage", "timestamp": "2025-02-09 10:00:00",
         "data": {"id": 2, "sent_flag": 0}},  # the only deal's
        {"object": "file", "timestamp": "2025-02-10 10:00:00", "data": {"id": 1, "deal_id": 1}},
    ]  # fmt: skip
    table = [{"id": n, "deal_id": 1, "type": "call", "done": True, "due_date": "2025-02-02",
              "add_time": "2025-02-01 10:00:00", "marked_as_done_time": "2025-02-11 10:00:00"}
             for n in (1, 8)]  # fmt: skip
    paths = [page(tmp_path, "deals", [deal(1)]), page(tmp_path, "flow", rows),
             page(tmp_path, "activities", table)]  # fmt: skip
    log = read_export(paths, observed_until=UNTIL)
    found = [(a, who) for _, a, who in told(log, "actor")]
    assert found == [
        ("deal_created", None), ("stage: 10", None), ("call", "manager"),
        ("outgoing_mail", "manager"), ("meeting_held", "manager"), ("task_completed", "manager"),
        ("lunch", "manager"), ("note_added", "manager"), ("outgoing_mail", "manager"),
        ("incoming_mail", "client"), ("file", None), ("call", "manager"),
    ]  # fmt: skip
    durations = log.events["duration"].tolist()
    assert pd.isna(durations).all()  # the length of a slot in the calendar is no talk
    removed = log.removed.set_index("reason")["rows"].to_dict()
    assert removed == {"planned": 2, "told_twice": 1}


@pytest.mark.parametrize("phones", ["phone", "phones"])
def test_calls_of_other_systems_join_by_the_phones_of_persons(tmp_path, phones):
    people = [
        {"id": n, "name": "Ann", "org_id": None, phones: [{"value": p} for p in of]}
        for n, of in ((70, ["8 999 123-45-67", "8 912 000-00-00"]), (71, ["84950000000"]))
    ]
    calls = "phone,call time,direction\n" + "".join(
        f"{p},2025-02-03 1{n}:00:00,in\n" for n, p in enumerate(["79120000000", "74950000000"])
    )
    (tmp_path / "calls.csv").write_text(calls, encoding="utf-8")
    rows = [deal(1, person_id=70), deal(2, person_id=72)]
    paths = [page(tmp_path, "deals", rows), page(tmp_path, "persons", people)]
    log = read_export([*paths, tmp_path / "calls.csv"], observed_until=UNTIL, time_zone="UTC")
    assert [[i, a] for i, a in told(log) if a != "deal_created"] == [["1", "incoming_call"]]
    assert log.removed.set_index("reason")["rows"].to_dict() == {"no_match": 1}


def test_the_export_of_people_knows_their_phones(tmp_path):
    (tmp_path / "people.csv").write_text(
        "Person - ID,Person - Name,Person - Phone\n70,Ann,+7 999 123-45-67\n", "utf-8"
    )
    (tmp_path / "calls.csv").write_text(
        "phone,call time,direction\n79991234567,2025-02-03 10:00:00,in\n", "utf-8"
    )
    log = read_export([page(tmp_path, "deals", [deal(1, person_id=70)]), tmp_path / "people.csv",
                       tmp_path / "calls.csv"], observed_until=UNTIL, time_zone="UTC")  # fmt: skip
    assert [[i, a] for i, a in told(log) if a != "deal_created"] == [["1", "incoming_call"]]


def test_a_mail_without_a_deal_is_of_the_deal_whose_flow_it_stands_in(tmp_path):
    def mail(number, at):
        return {"object": "mailMessage", "timestamp": at, "data": {"id": number, "sent_flag": 0}}

    flows = [
        page(tmp_path, f"flow{n}", [change(n, "2025-02-03 10:00:00", "stage_id", 1, 2),
                                    mail(n, f"2025-02-0{n + 3} 12:00:00")]) for n in (1, 2)
    ]  # fmt: skip
    log = read_export([page(tmp_path, "deals", [deal(1), deal(2)]), *flows])
    mails = [[i, a] for i, a in told(log) if a == "incoming_mail"]
    assert mails == [["1", "incoming_mail"], ["2", "incoming_mail"]]
    assert log.removed.empty


def test_a_persons_activities_go_to_the_deals_open_then(tmp_path):
    rows = [
        deal(1, person_id=70), deal(2, person_id=70, org_id=9),
        deal(3, "lost", person_id=70, lost_time="2025-02-02 10:00:00"),
        deal(4, origin="WebForms"), deal(5, origin="ManuallyCreated"),
    ]  # fmt: skip
    facts = {"done": True, "due_date": "2025-02-03", "add_time": "2025-02-01 10:00:00",
             "marked_as_done_time": "2025-02-03 10:00:00"}  # fmt: skip
    acts = [{"id": 1, "type": "call", "person_id": 70} | facts,
            {"id": 2, "type": "task", "org_id": 9} | facts,
            {"id": 3, "type": "task", "person_id": 99} | facts]  # fmt: skip
    log = read_export([page(tmp_path, "deals", rows), page(tmp_path, "acts", acts)],
                      observed_until=UNTIL)  # fmt: skip
    made = ["deal_created", "form_sent"]
    found = sorted([i, a] for i, a in told(log) if a not in made)
    assert found == [["1", "call"], ["2", "call"], ["2", "task_completed"]]
    assert log.noticed.set_index("check").loc["shared_activities", "n_rows"] == 1
    assert log.removed.set_index("reason").loc["no_open_deal", "rows"] == 1
    makers = {i: (a, who) for i, a, who in told(log, "actor") if a in made}
    assert makers["4"] == ("form_sent", "client") and makers["5"] == ("deal_created", "manager")
    assert makers["1"] == ("deal_created", None)


def test_the_user_says_what_a_status_and_a_field_mean(tmp_path):
    path = page(tmp_path, "deals", [deal(1, "won", b4f1e0="Юг")])
    mapping = Mapping(columns={"team": "b4f1e0"}, status_values={"lost": ("won",)})
    leads = read_export([path], mapping=mapping, observed_until=UNTIL).leads
    assert leads["status"].tolist() == ["lost"] and leads["team"].tolist() == ["Юг"]


def test_no_table_of_another_crm_and_no_plain_one_is_taken_for_pipedrive():
    kinds = CRMS["pipedrive"].KINDS
    for plain in (
        ["lead_id", "id", "at", "action", "status", "stage", "created", "manager", "amount"],
        ["deal_id", "deal_status", "deal_stage", "deal_lost_reason", "time", "object"],
    ):
        assert recognise(RawTable("x", pd.DataFrame(columns=plain)), kinds) == []
    assert_told_apart("pipedrive")


def test_every_column_of_the_export_is_known_and_names_none_of_another_crm():
    if not SHARED.exists():
        pytest.skip("../shared is not there")
    headers = pd.read_csv(SHARED / "pipedrive" / "columns_deals_export.csv")["header"]
    every = tuple(k for m in CRMS.values() for k in m.KINDS)
    found = recognise(RawTable("x", pd.DataFrame(columns=headers)), every)
    assert [(f.kind.crm, f.kind.name) for f in found] == [("pipedrive", "export")]


def test_the_shared_example_is_read():
    if not SHARED.exists():
        pytest.skip("../shared is not there")
    log = read_export([SHARED / "pipedrive" / "flow_response_real_sample_data.json"])
    assert told(log) == [
        ["1", "deal_created"], ["1", "stage: Negotiations"], ["1", "note_added"],
        ["1", "stage: Contract Signed"],
    ]  # fmt: skip
    assert log.leads["status"].tolist() == ["open"]
    assert log.removed.set_index("reason").loc["planned", "rows"] == 2
