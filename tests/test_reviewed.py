"""Defects that reviews of the readers found, each by hand."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from funnel_lib.errors import InputError
from funnel_lib.events import build_log, check_log
from funnel_lib.journeys import build_journeys
from funnel_lib.pipeline import count_pipeline
from funnel_lib.readers import read_export, read_moment
from funnel_lib.readers.columns import Mapping
from funnel_lib.steps import Steps


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_an_export_of_amocrm_without_closing_dates_tells_outcomes_by_its_stages(tmp_path):
    rows = "1,Успешно реализовано,01.02.2025,Анна\n2,Первичный контакт,01.02.2025,Анна\n"
    head = "ID сделки,Этап сделки,Дата создания сделки,Ответственный\n"
    leads = read_export(write(tmp_path / "a.csv", head + rows)).leads
    assert leads["status"].tolist() == ["won", "open"]


def test_what_the_mapping_leaves_out_does_not_come_back_by_its_history(tmp_path):
    deals = "ID сделки,Этап сделки,Дата создания сделки,Ответственный,Воронка\n" + "".join(
        f"{n},Новая,01.02.2025 10:00:00,Анна,{p}\n" for n, p in ((1, "Продажи"), (2, "Опт"))
    )
    events = [
        {"id": f"e{n}", "type": "incoming_call", "entity_id": n, "entity_type": "lead",
         "created_at": 1738500000, "created_by": 1} for n in (1, 2)
    ]  # fmt: skip
    paths = [write(tmp_path / "a.csv", deals), write(tmp_path / "e.json", json.dumps(events))]
    log = read_export(paths, mapping=Mapping(where={"Воронка": "Продажи"}), time_zone="UTC")
    assert log.leads["lead_id"].tolist() == ["1"]
    assert log.removed.set_index("reason").loc["where", "rows"].sum() == 2


def test_a_table_of_contacts_is_named_and_joined_to_no_deal(tmp_path):
    deals = [{"ID": "7", "STAGE_ID": "NEW", "ASSIGNED_BY_ID": "1", "OPPORTUNITY": "5",
              "DATE_CREATE": "2025-02-01T10:00:00+03:00"}]  # fmt: skip
    contacts = [{"ID": n, "POST": "x"} for n in ("7", "9")]
    paths = [write(tmp_path / f"{name}.json", json.dumps({"result": rows}))
             for name, rows in (("deals", deals), ("contacts", contacts))]  # fmt: skip
    log = read_export(paths)
    assert log.leads["lead_id"].tolist() == ["7"]
    assert log.noticed.set_index("check").loc["file_not_read", "example"] == "contacts.json"


def test_ids_of_spreadsheets_lose_their_decimals(tmp_path):
    events = write(tmp_path / "e.csv", "lead_id,at,action\n7,2025-01-01,x\n8,2025-01-02,x\n")
    leads = write(tmp_path / "l.csv", "lead_id,status\n7.0,won\n8.0,lost\n")
    log = read_export(events, leads)
    assert log.leads[["lead_id", "status"]].values.tolist() == [["7", "won"], ["8", "lost"]]
    table = pd.DataFrame({"lead_id": [12345678901.0, None], "at": "2025-01-01", "action": "x"})
    table.to_parquet(tmp_path / "e.parquet")
    with pytest.raises(InputError, match="no_lead 1"):
        read_export(tmp_path / "e.parquet")
    table[:1].to_parquet(tmp_path / "e.parquet")
    assert read_export(tmp_path / "e.parquet").leads["lead_id"].tolist() == ["12345678901"]


def test_a_day_ends_by_the_clock_of_its_zone():
    ends = [read_moment(day, "Europe/Berlin", "x") for day in ("2025-10-26", "2025-03-30")]
    assert [f"{end:%H:%M:%S}" for end in ends] == ["22:59:59", "21:59:59"]


def test_closings_told_by_events_are_data_too():
    told = {"status": ["won", "open"], "closed_at": ["2025-01-10", None]}
    at = ["2025-01-01", "2025-01-05"]
    events = pd.DataFrame({"lead_id": ["1", "2"], "at": at, "action": "x", **told})
    log = build_log(events)
    assert log.leads["status"].tolist() == ["won", "open"]
    assert log.observed_until == pd.Timestamp("2025-01-10", tz="UTC")


def test_a_name_that_is_taken_gets_the_next_number(tmp_path):
    text = "lead_id,at,action,a,a,a (2)\n1,2025-01-01,x,p,q,r\n"
    log = read_export(write(tmp_path / "a.csv", text))
    assert log.events.iloc[0, 4:].to_dict() == {"a": "p", "a (2)": "q", "a (2) (2)": "r"}


def test_a_day_far_away_is_no_error_in_any_zone(tmp_path):
    text = "lead_id,at,action\n" + "1,2025-01-01 10:00:00,x\n" * 1 + "".join(
        f"{n},2025-01-02 10:00:00,x\n" for n in range(20)
    ) + "9,9999-12-31 23:59:59,x\n"  # fmt: skip
    log = read_export(write(tmp_path / "a.csv", text), time_zone="America/New_York")
    assert log.removed.set_index("reason").loc["unreadable_time", "rows"] == 1


def test_a_closing_day_ends_with_the_day():
    events = pd.DataFrame({
        "lead_id": ["a", "a", "b"], "action": ["ask", "read", "ask"], "actor": "client",
        "at": ["2025-01-03 09:10", "2025-01-03 14:20", "2025-01-04 11:30"],
    })  # fmt: skip
    leads = pd.DataFrame({"lead_id": ["a", "b"], "status": ["won", "open"],
                          "created_at": ["2025-01-03 09:00", "2025-01-04 11:00"],
                          "closed_at": ["2025-01-03", None]})  # fmt: skip
    log = build_log(events, leads)
    journeys = build_journeys(log, Steps(steps=[{"id": "ask"}, {"id": "read"}, {"id": "pay"}],
                                         won="pay"))  # fmt: skip
    assert journeys.leads["sold_at"][0] == pd.Timestamp("2025-01-03 23:59:59", tz="UTC")
    assert "closed_before_created" not in set(check_log(log)["check"])
    assert "sale_before_first_step" not in set(journeys.quality["check"])


def test_a_lost_end_is_no_stage_that_buyers_pass():
    told = [("a", 1, "ask"), ("a", 2, "stage: New"), ("a", 3, "stage: Sent"), ("b", 1, "ask"),
            ("b", 2, "stage: New"), ("b", 4, "stage: Closed Lost"), ("c", 1, "ask"),
            ("c", 2, "stage: Gone")]  # fmt: skip
    events = pd.DataFrame(told, columns=["lead_id", "at", "action"])
    events["at"] = pd.Timestamp("2025-01-01 10:07") + pd.to_timedelta(events["at"], unit="h")
    leads = pd.DataFrame({"lead_id": ["a", "b", "c"], "status": ["won", "lost", "lost"]})
    log = build_log(events, leads)
    steps = Steps(steps=[{"id": "ask"}, {"id": "pay"}], won="pay", lost=["stage: Gone"])
    table = count_pipeline(log, build_journeys(log, steps)).query("rule == 'passed'")
    stages = table[table["story"] == "stages"]
    assert stages["step"].tolist() == ["New", "Sent", "pay"]
    steps = table[table["story"] == "steps"].set_index("step")
    assert steps.loc["ask", "n_reached"] == 3  # those who came to no other stage, too


def test_one_bad_zone_or_hour_in_other_systems_calls(tmp_path):
    deals = "deal id,phone,created at\n7,+7 999 123-45-67,2025-02-01 09:00:00\n"
    rows = "".join(f"89991234567,2025-02-0{n} 10:00:00,{way},{long}\n" for n, way, long in (
        (1, "Internal", "00:01:15"), (2, "inbound", "5:40"), (3, "out", "40")))  # fmt: skip
    deals = write(tmp_path / "deals.csv", deals + "8,,2025-02-01 09:00:00\n")
    acts = write(tmp_path / "e.csv", "deal id,at,action\n8,2025-02-01 09:00:00,x\n")
    calls = write(tmp_path / "calls.csv", "phone,call time,direction,duration\n" + rows)
    events = read_export([deals, acts, calls]).events
    told = events.loc[events["lead_id"] == "7", ["action", "duration"]].astype(str)
    assert told.values.tolist() == [["call", "75"], ["incoming_call", "340"],
                                    ["outgoing_call", "40"]]  # fmt: skip


def test_personal_columns_and_phones_in_texts_leave_no_trace(tmp_path):
    deals = ("lead_id,ЛПР,Наблюдатели,Next step,loss_reason\n"
             "1,Пётр,Иван,Call John,дорого; +7 999 123-45-67\n")  # fmt: skip
    events = "lead_id,at,action,Клиент\n1,2025-01-01,x,Иванов\n"
    log = read_export(write(tmp_path / "e.csv", events), write(tmp_path / "l.csv", deals))
    said = log.events.to_csv() + log.leads.to_csv()
    assert not any(word in said for word in ("Пётр", "Иван", "John", "999"))
    assert log.leads["loss_reason"][0] == "дорого; …"


def test_rows_of_products_are_summed_and_other_rows_of_a_deal_are_not(tmp_path):
    head = "ID;Стадия сделки;Дата создания;Группа стадий;Сумма;Товар\n"
    rows = [(1, "Новая", 100, "A"), (1, "Новая", 100, "B"), (2, "Новая", 100, ""),
            (2, "В работе", 150, ""), (3, "Новая", 70, "A"), (3, "Новая", 30, "B")]  # fmt: skip
    text = "".join(f"{n};{stage};01.02.2025;;{amount};{product}\n"
                   for n, stage, amount, product in rows)  # fmt: skip
    log = read_export(write(tmp_path / "deals.csv", head + text))
    amounts = log.leads.set_index("lead_id")["amount"]
    assert amounts["1"] == 200 and amounts["3"] == 100
    assert amounts["2"] in (100, 150)  # two states of one deal are not summed
    assert log.removed.set_index("reason").loc["lead_row_repeated", "rows"] == 1
