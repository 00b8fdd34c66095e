# ruff: noqa: E501
"""Lists of deals as nine other CRMs and trackers give them: small, made by hand."""

import pandas as pd
import pytest

import funnel_lib as fl
from funnel_lib.core.errors import InputError
from funnel_lib.counting.checks import check_log
from funnel_lib.reading.columns import Mapping
from funnel_lib.reading.export import read_export

# Each has a won deal, a lost one and an open one; as much is known of each as its CRM tells.
LISTS = {
    "odoo": """"External ID","Opportunity","Salesperson","Sales Team","Expected Revenue","Stage","Created on","Expected Closing","Closed Date","Lost Reason"
crm_1,Chairs,Ann,Europe,"$ 40,000.00",Won,2024-01-15 10:00:00,2024-03-01,2024-02-20 10:00:00,
crm_2,Desks,Ben,Europe,"$ 10,000.00",Qualified,2024-01-16 10:00:00,2024-03-01,2024-02-21 10:00:00,Too expensive
crm_3,Lamps,Ben,Europe,"$ 5,000.00",Proposition,2024-01-17 10:00:00,2024-03-01,,
""",
    "dynamics": """"(Do Not Modify) Opportunity","(Do Not Modify) Row Checksum","(Do Not Modify) Modified On","Topic","Potential Customer","Est. Close Date","Est. Revenue","Status","Pipeline Phase","Created On","Actual Close Date","Owner"
a1,xx,25/02/2024 10:00,Chairs,Alpha,01/03/2024,"£40,000.00",Won,4-Close,15/01/2024 10:00,20/02/2024,Ann
a2,xx,25/02/2024 10:00,Desks,Beta,01/03/2024,"£10,000.00",Lost,2-Develop,16/01/2024 10:00,21/02/2024,Ben
a3,xx,25/02/2024 10:00,Lamps,Gamma,01/03/2024,"£5,000.00",Open,2-Develop,17/01/2024 10:00,,Ben
""",
    "zoho": """Record Id,Deal Name,Account Name,Stage,Amount,Closing Date,Deal Owner,Created Time,Modified Time,Reason For Loss
zcrm_1,Chairs,Alpha,Closed Won,40000,"Feb 20, 2024",Ann,"Jan 15, 2024 10:00 AM","Feb 25, 2024 10:00 AM",
zcrm_2,Desks,Beta,Closed Lost,10000,"Feb 21, 2024",Ben,"Jan 16, 2024 10:00 AM","Feb 25, 2024 10:00 AM",Price
zcrm_3,Lamps,Gamma,Qualification,5000,"Mar 1, 2024",Ben,"Jan 17, 2024 10:00 AM","Feb 25, 2024 10:00 AM",
""",
    "espocrm": """id,name,accountName,stage,amount,amountCurrency,probability,closeDate,createdAt,modifiedAt,assignedUserName
e1,Chairs,Alpha,Closed Won,40000,EUR,100,2024-02-20,2024-01-15 10:00:00,2024-02-25 10:00:00,Ann
e2,Desks,Beta,Closed Lost,10000,EUR,0,2024-02-21,2024-01-16 10:00:00,2024-02-25 10:00:00,Ben
e3,Lamps,Gamma,Prospecting,5000,EUR,10,2024-03-01,2024-01-17 10:00:00,2024-02-25 10:00:00,Ben
""",
    "suitecrm": """"Opportunity Name","ID","Account Name","Sales Stage","Opportunity Amount","Expected Close Date","Assigned User","Date Created","Date Modified","Lead Source"
Chairs,s1,Alpha,Closed Won,40000,2024-02-20,ann,2024-01-15 10:00,2024-02-25 10:00,Web
Desks,s2,Beta,Closed Lost,10000,2024-02-21,ben,2024-01-16 10:00,2024-02-25 10:00,Web
Lamps,s3,Gamma,Prospecting,5000,2024-03-01,ben,2024-01-17 10:00,2024-02-25 10:00,Call
""",
    "close": """id,lead_id,lead_name,status_label,status_type,value,value_currency,date_created,date_won,confidence,user_name
oppo_1,lead_1,Alpha,Signed,won,40000,USD,2024-01-15T10:00:00+00:00,2024-02-20,100,Ann
oppo_2,lead_2,Beta,No budget,lost,10000,USD,2024-01-16T10:00:00+00:00,,0,Ben
oppo_3,lead_3,Gamma,In talks,active,5000,USD,2024-01-17T10:00:00+00:00,,50,Ben
""",
    "freshsales": """Deal ID,Deal name,Account,Deal stage,Deal value,Currency,Expected close date,Closed date,Sales owner,Created at,Updated at,Lost reason
7001,Chairs,Alpha,Won,40000,USD,2024-03-01,2024-02-20,Ann,2024-01-15 10:00:00,2024-02-25 10:00:00,
7002,Desks,Beta,Lost,10000,USD,2024-03-01,2024-02-21,Ben,2024-01-16 10:00:00,2024-02-25 10:00:00,Price
7003,Lamps,Gamma,Qualification,5000,USD,2024-03-01,,Ben,2024-01-17 10:00:00,2024-02-25 10:00:00,
""",
    "copper": """Copper ID,Opportunity,Company,Pipeline,Stage,Status,Value,Currency,Close Date,Owned By,Created At,Updated At,Loss Reason
901,Chairs,Alpha,Sales,Contract,Won,"$40,000",USD,2/20/2024,Ann,1/15/2024,2/25/2024,
902,Desks,Beta,Sales,Proposal,Lost,"$10,000",USD,2/21/2024,Ben,1/16/2024,2/25/2024,Price
903,Lamps,Gamma,Sales,Proposal,Open,"$5,000",USD,3/1/2024,Ben,1/17/2024,2/25/2024,
""",
    "tracker": """Клиент;Дата обращения;Дата встречи;Следующий шаг;Статус;Сумма, руб.;Менеджер;Дата закрытия;Комментарий
Альфа;15 янв 2024;20 янв 2024;01.05.2024;Выиграно;40 тыс.;Анна;20 фев 2024;
Бета;16 янв 2024;;01.05.2024;Слив;10 тыс.;Борис;21 фев 2024;дорого
Гамма;17 янв 2024;21 янв 2024;01.05.2024;В процессе;5 тыс.;Борис;;ждёт
""",
}  # fmt: skip


@pytest.fixture
def listed(tmp_path):
    def write(name: str) -> str:
        path = tmp_path / f"{name}.csv"
        path.write_text(LISTS[name], encoding="utf-8")
        return str(path)

    return write


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_deals_is_read_as_what_it_is_and_gives_a_report(listed, name):
    audit = fl.build_audit(listed(name), segments="none", lang="en")
    value = audit.tables["value"].iloc[0]
    assert (value["n_leads"], value["n_won"], value["amount_won"]) == (3, 1, 40000)
    assert not audit.failed and "draft" in fl.show_page_one(audit).tell()[0]
    log, leads = audit.log, audit.log.leads
    assert leads["status"].tolist() == ["won", "lost", "open"]
    assert leads["amount"].tolist() == [40000, 10000, 5000]
    assert leads["manager"].str.casefold().nunique() == 2
    assert leads["created_at"].dt.day.tolist() == [15, 16, 17]
    known = name != "suitecrm"  # an expected date is none of closing
    assert leads["closed_at"].notna().tolist()[::2] == [known, False]
    assert log.observed_until < pd.Timestamp("2024-03-01", tz="UTC")  # a plan is no time of export
    assert "dates_as_events" in set(check_log(log)["check"])


def test_past_dates_are_events_by_their_names_and_plans_are_none(listed):
    log = read_export(listed("tracker"))
    assert log.events["action"].value_counts().to_dict() == {"deal_created": 3, "Дата встречи": 2}
    told = check_log(log).set_index("check")["example"]
    assert "Дата встречи" in told["dates_as_events"] and "Следующий шаг" in told["dates_as_events"]


def test_a_mapping_names_what_the_dates_mean(listed):
    log = read_export(listed("odoo"), mapping=Mapping(
        columns={"lead_id": "External ID"}, dates={"Created on": "asked"}))  # fmt: skip
    assert set(log.events["action"]) == {"asked"}


@pytest.mark.parametrize("name", ["odoo", "zoho", "tracker"])
def test_a_list_without_dates_says_what_it_can_tell(tmp_path, name):
    mark = ";" if name == "tracker" else ","
    path = tmp_path / "l.csv"
    path.write_text(mark.join(["Id", "Status", "Amount", "Manager", "Lost Reason"]) + "\n" + "".join(
        mark.join([str(n), word, "5", "Ann", why]) + "\n"
        for n, (word, why) in enumerate([("Won", ""), ("Lost", "Price"), ("Lost", "Price")])
    ), encoding="utf-8")  # fmt: skip
    with pytest.raises(InputError) as caught:
        read_export(path)
    told = str(caught.value)
    assert "won 1, lost 2" in told and "Ann: Price (2)" in told and "dates: {" in told


def test_two_lists_and_no_events(listed):
    log = read_export([listed("freshsales"), listed("copper")])
    assert len(log.leads) == 6 and set(log.events["action"]) == {"deal_created"}


HUBSPOT = """Record ID,Deal Stage,Create Date,Close Date,hs_v2_date_entered_appointmentscheduled,hs_v2_date_entered_closedwon_123456,hs_v2_date_exited_appointmentscheduled
1,closedwon,2024-01-15 10:00,2024-02-20 10:00,2024-01-15 10:00,2024-02-20 10:00,2024-02-20 10:00
2,appointmentscheduled,2024-01-16 10:00,,2024-01-17 10:00,,
"""


@pytest.mark.parametrize("prefix", ["", "properties."])
def test_dates_of_stages_of_hubspot_are_history(tmp_path, prefix):
    text = HUBSPOT
    if prefix:
        text = text.replace("hs_v2", "properties.hs_v2").replace("Record ID", "id")
        text = text.replace("Deal Stage", "properties.dealstage")
        text = text.replace("Create Date", "properties.createdate").replace("Close Date", "x")
    path = tmp_path / "deals.csv"
    path.write_text(text, encoding="utf-8")
    log = read_export(path)
    moves = log.events[log.events["action"].astype("str").str.startswith("stage: ")]
    assert moves["action"].value_counts().to_dict() | {} == {
        "stage: appointmentscheduled": 2, "stage: closedwon": 1} | {
        a: 0 for a in moves["action"].cat.categories if not a.startswith("stage: ")}  # fmt: skip


def test_fields_that_look_like_history_are_named(tmp_path):
    path = tmp_path / "deals.csv"
    path.write_text(HUBSPOT.replace("hs_v2_date_exited_appointmentscheduled", "Date entered demo"),
                    encoding="utf-8")  # fmt: skip
    told = check_log(read_export(path)).set_index("check")["example"]
    assert told["history_not_read"] == "Date entered demo"
