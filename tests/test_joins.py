"""Deals, people and other systems joined: worked by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from funnel_lib.core.errors import InputError
from funnel_lib.reading.columns import Mapping
from funnel_lib.reading.crms.assembly import assemble
from funnel_lib.reading.crms.joins import CrmData, complete
from funnel_lib.reading.export import read_export

UTC = "UTC"


def at(*days):
    days = [f"2025-01-{d:02d}" if d else None for d in days]
    return list(pd.Series(pd.to_datetime(days, utc=True)))


def table(name, **columns):
    """A table of `CrmData`, with the columns that are left out missing."""
    return complete(name, pd.DataFrame(columns))


def deals(*rows):
    """Deals of (id, created, closed, status) rows."""
    ids, created, closed, status = zip(*rows, strict=True)
    return table("deals", lead_id=ids, created_at=at(*created), closed_at=at(*closed),
                 status=status)  # fmt: skip


def acts(*rows):
    about, about_id, day, action = zip(*rows, strict=True)
    return table("acts", about=about, about_id=about_id, at=at(*day), action=action)


def links(*rows):
    about, about_id, lead_id = zip(*rows, strict=True)
    return table("links", about=about, about_id=about_id, lead_id=lead_id)


def given(data):
    """Which lead has which act, but for the making of deals."""
    rows, _ = assemble(data)
    removed, noticed = data.ledger.removed, data.ledger.noticed
    rows = rows[rows["action"] != "deal_created"]
    return (
        sorted(zip(rows["lead_id"], rows["action"], strict=True)),
        dict(zip(removed["reason"], removed["rows"], strict=True)),
        dict(zip(noticed["check"], noticed["n_rows"], strict=True)),
    )


def test_a_contacts_act_goes_to_the_deals_open_at_that_moment():
    data = CrmData(
        deals=deals(("1", 10, 20, "lost"), ("2", 12, 0, "open"), ("3", 15, 16, "won")),
        acts=acts(("contact", "c", 11, "a"), ("contact", "c", 13, "b"), ("contact", "c", 25, "c"),
                  ("contact", "c", 5, "early"), ("contact", "x", 13, "stranger")),
        links=links(("contact", "c", "1"), ("contact", "c", "2")),
    )  # fmt: skip
    found, removed, noticed = given(data)
    # 11 January is within a day before deal 2 was made: the call the deal was made for
    assert found == [("1", "a"), ("1", "b"), ("2", "a"), ("2", "b"), ("2", "c")]
    assert removed == {"no_open_deal": 2} and noticed == {"shared_activities": 2}


def test_a_contact_read_as_a_lead_keeps_what_came_before_its_deal():
    data = CrmData(
        deals=deals(("1", 10, 20, "lost")),
        prospects=table("prospects", about="contact", about_id=["c", "d"], created_at=at(2, 3)),
        acts=acts(("contact", "c", 5, "early"), ("contact", "d", 5, "call"),
                  ("contact", "c", 25, "late")),
        links=links(("contact", "c", "1")),
    )  # fmt: skip
    found, removed, _ = given(data)
    assert found == [("1", "early"), ("1", "lead_created"), ("contact d", "call"),
                     ("contact d", "lead_created")]  # fmt: skip
    assert removed == {"no_open_deal": 1}
    _, leads = assemble(data)
    assert sorted(leads["lead_id"]) == ["1", "contact d"]


def test_a_lead_goes_to_every_deal_it_became_and_else_is_its_own():
    data = CrmData(
        deals=deals(("1", 10, 20, "lost"), ("2", 11, 0, "open")),
        prospects=table("prospects", about="lead", about_id=["1", "8"], status=[None, None]),
        moves=table("moves", about="lead", about_id=["1", "8", "8"], at=at(2, 3, 4),
                    stage=["New", "New", "Junk"], outcome=["open", "open", "lost"]),
        links=links(("lead", "1", "1"), ("lead", "1", "2")),
    )  # fmt: skip
    rows, leads = assemble(data)
    moves = rows[rows["action"].str.startswith("stage")]
    assert sorted(zip(moves["lead_id"], moves["action"], strict=True)) == [
        ("1", "stage: New"), ("2", "stage: New"),
        ("lead 8", "stage: Junk"), ("lead 8", "stage: New"),
    ]  # fmt: skip
    own = leads.set_index("lead_id").loc["lead 8"]
    assert own["status"] == "lost" and own["closed_at"] == at(4)[0] and own["stage"] == "Junk"


@pytest.mark.parametrize(
    ("outcomes", "status", "closed"),
    [
        (["open", "lost"], "lost", 2),
        (["open", "lost", "open"], "open", 0),  # opened again
        (["won", "lost", "lost"], "lost", 2),  # closed at the first of the moves that end so
        (["lost", "open", "lost"], "lost", 3),
        ([None, None], None, 0),
    ],
)
def test_moves_tell_how_and_when_a_deal_ended(outcomes, status, closed):
    n = len(outcomes)
    data = CrmData(moves=table("moves", about="deal", about_id="1", at=at(*range(1, n + 1)),
                               stage=list("abcdef"[:n]), outcome=outcomes))  # fmt: skip
    _, leads = assemble(data)
    told = leads.iloc[0]
    assert (told["status"] == status) or (status is None and pd.isna(told["status"]))
    assert pd.isna(told["closed_at"]) if not closed else told["closed_at"] == at(closed)[0]


def test_a_told_status_stays_and_an_expected_date_gives_way():
    moves = table("moves", about="deal", about_id=["1", "1"], at=at(3, 7), stage=["a", "b"],
                  outcome=["open", "lost"])  # fmt: skip
    _, leads = assemble(CrmData(deals=deals(("1", 1, 30, "lost")), moves=moves))
    assert leads["closed_at"].tolist() == at(7)
    _, leads = assemble(CrmData(deals=deals(("1", 1, 30, "won")), moves=moves))
    assert leads["status"].tolist() == ["won"] and leads["closed_at"].tolist() == at(30)


def test_deals_that_only_a_history_knows_are_noted_where_deals_are_listed():
    moves = table("moves", about="deal", about_id=["1", "2", "2"], at=at(1, 2, 3), stage="a",
                  outcome="open")  # fmt: skip
    assert "deals_not_listed" not in given(CrmData(moves=moves))[2]
    listed = CrmData(deals=deals(("1", 1, 0, "open")), moves=moves)
    assert given(listed)[2]["deals_not_listed"] == 1
    added = CrmData(deals=deals(("1", 1, 0, "open"), ("2", 2, 0, "open")), moves=moves,
                    listed=pd.Series(["1"]))  # fmt: skip
    assert given(added)[2]["deals_not_listed"] == 1


def test_stages_that_follow_themselves_are_left_out_and_counted():
    stages = ["a", "a", "b", "a", "a"]
    data = CrmData(moves=table("moves", about="deal", about_id="1", at=at(1, 2, 3, 4, 5),
                               stage=stages, outcome="open"))  # fmt: skip
    found, removed, _ = given(data)
    assert [a for _, a in found] == ["stage: a", "stage: a", "stage: b"]
    assert removed == {"same_stage": 2}


def test_what_happened_to_merged_deals_is_their_survivors():
    data = CrmData(
        deals=deals(("1", 1, 0, "open"), ("2", 2, 0, "open"), ("3", 3, 0, "open")),
        acts=acts(("deal", "3", 5, "call"), ("contact", "c", 6, "mail")),
        links=links(("contact", "c", "2")),
        merged=table("merged", lead_id=["2", "3"], into=["1", "2"]),
    )
    found, _, noticed = given(data)
    assert found == [("1", "call"), ("1", "mail")] and noticed == {"merged_deals": 2}


@pytest.mark.parametrize("n_pairs", [7, 1_000_000])
@pytest.mark.parametrize("most", [1, 2, 20])
def test_everything_given_or_removed(most, n_pairs, monkeypatch):
    """Kept rows (without the further copies of shared ones) and removed ones are all there were."""
    monkeypatch.setattr("funnel_lib.reading.crms.assembly.MOST_PAIRS", n_pairs)
    monkeypatch.setattr("funnel_lib.reading.crms.assembly.MOST_OPEN", most)
    rng = np.random.default_rng(1)
    n, ids = 400, [str(i) for i in range(30)]
    made = rng.integers(1, 15, 30)
    data = CrmData(
        deals=deals(*((i, int(m), int(m) + 7, "lost") for i, m in zip(ids, made, strict=True))),
        acts=acts(*((rng.choice(["deal", "contact", "lead"]), str(rng.integers(0, 40)),
                     int(rng.integers(1, 31)), f"a{k}") for k in range(n))),
        links=links(*(("contact", str(rng.integers(0, 40)), rng.choice(ids)) for _ in range(50))),
    )  # fmt: skip
    plain = {(o, i): set() for o, i in zip(data.acts["about"], data.acts["about_id"], strict=True)}
    for o, i, lead in data.links.itertuples(index=False):
        plain.setdefault((o, i), set()).add(lead)
    expected, too_many = set(), 0
    for o, i, when, action in data.acts[["about", "about_id", "at", "action"]].itertuples(
        index=False
    ):
        if o == "deal":
            expected.add((i, action))
        elif o == "lead":
            expected.add((f"lead {i}", action))
        taken = set()
        for lead in plain[o, i] if o == "contact" else ():
            since = data.deals.set_index("lead_id")["created_at"][lead]
            until = since + pd.Timedelta(days=8)  # closed on a date: to its end
            if since - pd.Timedelta(days=1) <= when < until:
                taken.add((lead, action))
        too_many += len(taken) > most
        expected |= taken if len(taken) <= most else set()
    found, removed, _ = given(data)
    assert set(found) == expected and len(found) == len(expected)
    assert len({a for _, a in found}) + removed["no_open_deal"] + too_many == n
    assert removed.get("too_many_deals", 0) == too_many and bool(too_many) == (most < 20)


# --- other systems -------------------------------------------------------------------------------


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


DEALS = (
    "ID,Этап сделки,Дата создания сделки,Дата закрытия,Ответственный,Рабочий телефон,ИНН\n"
    "1,В работе,01.02.2025 10:00:00,не закрыта,Анна,8 (999) 123-45-67,7701234567\n"
    "2,Успешно реализовано,01.02.2025 10:00:00,05.02.2025 10:00:00,Анна,"
    '"+7 912 000-00-00, +7 912 000-00-01",7709999999\n'
)
CALLS = (
    "Номер клиента,Дата и время,Направление,Длительность\n"
    "79991234567,02.02.2025 11:00:00,Входящий,45\n"
    "+7(912)000-00-01,03.02.2025 11:00:00,исходящий,5\n"
    "+7(912)000-00-01,30.03.2025 11:00:00,исходящий,5\n"
    "+7(495)000-00-00,03.02.2025 11:00:00,Входящий,9\n"
)
PAYMENTS = "ИНН,Дата платежа,Сумма\n7709999999,20.02.2025,1000\n7700000000,20.02.2025,500\n"


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "deals.csv", DEALS)
    write(tmp_path / "calls.csv", CALLS)
    write(tmp_path / "payments.csv", PAYMENTS)
    return tmp_path


def test_calls_and_payments_of_other_systems_join_by_phone_and_tax_number(folder):
    log = read_export(folder, time_zone="Europe/Moscow")
    rows = log.events[log.events["action"] != "deal_created"]
    told = rows[["lead_id", "action", "actor", "duration"]].astype(object)
    assert told.where(told.notna(), None).values.tolist() == [
        ["1", "incoming_call", "client", "45"],
        ["2", "outgoing_call", "manager", "5"],
        ["2", "payment_received", "client", None],  # after the sale, of that sale
    ]
    quality = log.noticed.set_index("check")
    assert quality.loc["matched_by_phone", ["n_rows", "share_of_rows"]].tolist() == [2, 0.5]
    assert quality.loc["matched_by_tax", ["n_rows", "share_of_rows"]].tolist() == [1, 0.5]
    removed = log.removed.set_index("reason")
    assert removed.loc["no_match", "rows"] == 3
    assert len(log.events) + log.removed["rows"].sum() == log.rows_read


def test_they_join_plain_leads_too(tmp_path):
    write(tmp_path / "calls.csv", CALLS)
    write(tmp_path / "events.csv", "lead_id,at,action\n7,2025-02-01 10:00,request\n")
    leads = write(
        tmp_path / "leads.csv", "lead_id,created_at,phone,city\n7,2025-02-01,9991234567,M\n"
    )
    log = read_export([tmp_path / "events.csv", tmp_path / "calls.csv"], leads)
    assert log.events["action"].tolist() == ["request", "incoming_call"]
    assert "phone" not in log.leads and log.leads["city"].tolist() == ["M"]


def test_no_name_phone_or_mail_is_left(folder, tmp_path):
    extra = "ID,Этап сделки,Дата создания сделки,Ответственный,Полное имя контакта,Рабочий email\n"
    path = write(
        tmp_path / "x.csv", extra + "5,Новая,01.02.2025 10:00:00,Анна,Иван Петров,i@p.ru\n"
    )
    log = read_export([path])
    everything = log.leads.astype(str).to_csv() + log.events.astype(str).to_csv()
    everything += log.removed.to_csv() + log.noticed.to_csv()
    assert "Петров" not in everything and "i@p.ru" not in everything
    shown = read_export([path], show_names=True).leads
    assert shown["Полное имя контакта"].tolist() == ["Иван Петров"]
    log = read_export(folder, time_zone="Europe/Moscow")
    everything = log.leads.astype(str).to_csv() + log.removed.to_csv() + log.noticed.to_csv()
    assert not any(x in everything for x in ("1234567", "000-00", "7709999999", "495"))


# --- zones, CRMs, mapping ------------------------------------------------------------------------


EVENTS = (
    '{"_embedded":{"events":[{"id":"e","type":"incoming_mail","entity_id":1,"entity_type":"lead",'
    '"created_by":0,"created_at":1738400000,"value_after":[],"value_before":[]}]}}'
)


def test_local_times_beside_utc_ask_for_the_zone(folder):
    write(folder / "events.json", EVENTS)
    with pytest.raises(InputError, match="--time-zone Europe/Moscow"):
        read_export(folder)
    log = read_export(folder, time_zone="Europe/Moscow")
    assert "incoming_mail" in log.events["action"].tolist()
    made = log.events[log.events["action"] == "deal_created"]["at"].iloc[0]
    assert made == pd.Timestamp("2025-02-01 07:00", tz=UTC)


def test_a_plain_table_of_acts_and_dates_of_deals_join_by_the_deals_id(tmp_path):
    deals = DEALS.replace("ИНН\n", "ИНН,Дата договора\n").replace(
        "7701234567\n", "7701234567,04.02.2025\n"
    )
    deals = deals.replace("7709999999\n", "7709999999,\n")
    paths = [
        write(tmp_path / "deals.csv", deals),
        write(tmp_path / "own.csv", "ID сделки;Дата;Действие\n1;03.02.2025;act_signed\n"),
        write(tmp_path / "more.csv", "ID сделки;Команда\n1;Север\n"),
    ]
    log = read_export(paths, mapping=Mapping(dates={"Дата договора": "contract_signed"}))
    own = log.events[log.events["lead_id"] == "1"]["action"].tolist()
    assert own == ["deal_created", "act_signed", "contract_signed"]
    assert log.leads.set_index("lead_id").loc["1", "team"] == "Север"


def test_where_and_status_values_of_the_mapping_hold_for_a_crm(tmp_path):
    path = write(tmp_path / "deals.csv", DEALS.replace("Успешно реализовано", "Этап 9"))
    assert read_export([path]).leads["status"].tolist()[0] == "open"
    assert pd.isna(read_export([path]).leads["status"].tolist()[1])
    told = Mapping(status_values={"won": ("этап 9",)}, where={"ID": "2"})
    log = read_export([path], mapping=told)
    assert log.leads["status"].tolist() == ["won"]
    assert log.removed.set_index("reason").loc["where", "rows"] == 1


def test_what_the_crm_does_not_know_is_told(tmp_path, folder):
    with pytest.raises(InputError, match="--crm nope: choose from auto"):
        read_export(folder, crm="nope")
    other = write(tmp_path / "other.csv", "Цвет,Вес\nкрасный,7\n")
    with pytest.raises(InputError, match="no known table of this CRM"):
        read_export([folder / "deals.csv", other])
    plain = write(tmp_path / "plain.csv", "lead_id,at,action\n7,2025-02-01,x\n")
    with pytest.raises(InputError, match="no table of it; it is told by the columns"):
        read_export([plain], crm="kommo")
    assert read_export([plain]).sources["crm"].tolist() == ["plain"]
    deal = write(tmp_path / "deal.csv", "Deal - ID,Deal - Status,Deal - Deal created\n1,Open,\n")
    with pytest.raises(InputError, match=r"are of several CRMs: .*deal.*; give the files of one"):
        read_export([folder / "deals.csv", deal])
    assert set(read_export([folder / "deals.csv"], crm="AmoCRM").sources["crm"]) == {"amocrm"}
    stages = write(tmp_path / "stages.csv", "stage_id,label,pipeline_id,closed_won\n1,New,p,0\n")
    with pytest.raises(InputError, match=r"no known table of this CRM \(it looks like hubspot\)"):
        read_export([folder / "deals.csv", stages], crm="amocrm")
    with pytest.raises(InputError, match=r"of it \(it looks like amocrm\); it is told by"):
        read_export([folder / "deals.csv"], crm="hubspot")


def test_a_list_of_people_or_a_dictionary_tells_no_crm(tmp_path):
    events = write(tmp_path / "events.csv", "lead_id,at,action\n7,2025-02-01,x\n")
    leads = write(tmp_path / "leads.csv", "id,name,first_name,status,amount\n7,A,A,won,5\n")
    log = read_export([events, leads])
    assert log.leads[["status", "amount"]].values.tolist() == [["won", 5]]
    assert set(log.sources["crm"]) == {"plain"}
    people = "id,name,phone.0.value,org_id,status,amount\n7,A,8,1,won,5\n"
    log = read_export([events, write(tmp_path / "leads.csv", people)])
    assert set(log.sources["crm"]) == {"plain"} and log.leads["amount"].tolist() == [5]


def test_a_fact_with_a_zone_beside_local_times_asks_for_their_zone(folder):
    write(folder / "facts.csv", "ID сделки;Дата создания\n1;2025-02-01T07:00:00Z\n")
    with pytest.raises(InputError, match=r"deals.csv.* stand beside times in UTC .*facts.csv"):
        read_export(folder)
    assert len(read_export(folder, time_zone="Europe/Moscow").leads) == 2
    write(folder / "facts.csv", "ID сделки;Команда\n1;Север\n")
    assert len(read_export(folder).leads) == 2


def test_tables_of_leads_that_say_different_things_are_noted(tmp_path):
    events = write(tmp_path / "events.csv", "lead_id,at,action\n1,2025-02-01,x\n2,2025-02-01,x\n")
    first = "lead_id,status,amount,manager\n1,won,100.0,Ann\n2,open,,Ann\n3,open,,\n"
    second = "lead_id,status,amount,team\n1,won,100,A\n2,lost,5,A\n3,open,,A\n"
    paths = [events, write(tmp_path / "a.csv", first), write(tmp_path / "b.csv", second)]
    log = read_export(paths)
    noted = log.noticed.set_index("check").loc["lead_tables_differ"]
    assert (noted["n_rows"], noted["example"]) == (1, "2")
    facts = log.leads.set_index("lead_id")
    assert facts["status"].tolist() == ["won", "open", "open"]
    assert facts["amount"].tolist()[:2] == [100, 5] and facts["team"].eq("A").all()


def test_columns_of_one_name_that_differ_are_refused_and_those_that_agree_are_one(tmp_path):
    twice = "ID,Этап сделки,Дата создания сделки,Ответственный,Источник,Источник\n"
    same = write(tmp_path / "a.csv", twice + "1,Н,01.02.2025,А,Сайт,\n2,Н,01.02.2025,А,,Звонок\n")
    assert read_export([same]).leads["source"].tolist() == ["Сайт", "Звонок"]
    differ = write(tmp_path / "b.csv", twice + "1,Н,01.02.2025,А,Сайт,Звонок\n")
    with pytest.raises(InputError, match=r'columns: \{source: "Источник \(2\)"\}'):
        read_export([differ])


def test_a_json_file_of_a_folder_that_is_no_table_is_named_and_left(folder):
    write(folder / "settings.json", '{"colour": "red", "list": [1, 2]}')
    write(folder / "broken.json", "{")
    log = read_export(folder, time_zone="UTC")
    noted = log.noticed.set_index("check").loc["file_not_read"]
    assert noted["n_rows"] == 2 and noted["example"] == "broken.json, settings.json"
    with pytest.raises(InputError, match="broken"):
        read_export([folder / "deals.csv", folder / "broken.json"], time_zone="UTC")


@pytest.mark.parametrize(
    ("name", "text"), [("a.json", '{"result": [], "total": 0}'), ("a.csv", "ID;Этап сделки\n")]
)
def test_an_empty_table_beside_others_is_named_and_left(folder, name, text):
    empty = write(folder / name, text)
    for paths in ([folder], [folder / "deals.csv", empty]):
        log = read_export(paths, time_zone="UTC")
        assert log.noticed.set_index("check").loc["empty_file", "example"] == name
    with pytest.raises(InputError, match=r"there are no records|a header but no rows"):
        read_export([empty])


def test_what_a_plain_table_beside_a_crm_loses_is_counted(folder):
    own = "ID сделки;Дата;Действие\n1;03.02.2025;act_signed\n1;soon;act_sent\n1;04.02.2025;x;y\n"
    own += "".join(f"1;{day:02d}.03.2025;call\n" for day in range(1, 29))
    write(folder / "own.csv", own)
    write(folder / "more.csv", "ID сделки;Дата закрытия\n1;nie\n")
    log = read_export(folder, time_zone="UTC")
    removed = log.removed.set_index("reason")["rows"]
    assert removed["unreadable_time"] == 1 and removed["broken_row"] == 1
    assert log.noticed.set_index("check").loc["unreadable_closed_at", "n_rows"] == 1
    assert len(log.events) + log.removed["rows"].sum() == log.rows_read


def test_calls_with_their_zone_beside_plain_times_with_theirs_leave_nothing_assumed(tmp_path):
    events = write(tmp_path / "e.csv", "lead_id,at,action\n7,2025-02-01T10:00:00Z,request\n")
    calls = write(tmp_path / "c.csv", "phone,at\n9991234567,2025-02-01T11:00:00+03:00\n")
    leads = write(tmp_path / "l.csv", "lead_id,phone\n7,9991234567\n")
    assert read_export([events, calls], leads).assumed == ("observed_until",)
    calls.write_text("phone,at\n9991234567,2025-02-01 11:00:00\n", encoding="utf-8")
    assert "time_zone" in read_export([events, calls], leads).assumed


def test_a_file_of_calls_given_twice_counts_once(folder):
    paths = [folder / name for name in ("deals.csv", "calls.csv", "calls.csv")]
    once, twice = (read_export(p, time_zone="UTC") for p in (paths[:2], paths))
    pd.testing.assert_frame_equal(once.events, twice.events)


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


def test_the_ways_and_lengths_of_other_systems_calls(tmp_path):
    deals = "deal id,phone,created at\n7,+7 999 123-45-67 доб. 12,2025-02-01 09:00:00\n"
    ways = [("Internal", "00:01:15"), ("inbound", "5:40"), ("out", "40"), ("Пропущенный", "0"),
            ("missed call", "0"), ("", "5")]  # fmt: skip
    rows = "".join(f"89991234567,2025-02-0{n} 10:00:00,{way},{long}\n"
                   for n, (way, long) in enumerate(ways, 1))  # fmt: skip
    deals = write(tmp_path / "deals.csv", deals + "8,,2025-02-01 09:00:00\n")
    acts = write(tmp_path / "e.csv", "deal id,at,action\n8,2025-02-01 09:00:00,x\n")
    calls = write(tmp_path / "calls.csv", "phone,call time,direction,duration\n" + rows)
    events = read_export([deals, acts, calls]).events
    told = events.loc[events["lead_id"] == "7", ["action", "actor", "duration"]].astype(object)
    assert told.fillna("?").values.tolist() == [
        ["internal_call", "manager", "75"], ["incoming_call", "client", "340"],
        ["outgoing_call", "manager", "40"], ["incoming_call", "client", "0"],
        ["incoming_call", "client", "0"], ["call", "?", "5"],
    ]  # fmt: skip


def test_a_negative_payment_is_a_refund(tmp_path):
    deals = write(tmp_path / "d.csv", "deal id,ИНН\n7,7701234567\n8,\n")
    acts = write(tmp_path / "e.csv", "deal id,at,action\n8,2025-02-01,x\n")
    bank = "Номер;ИНН контрагента;Дата операции;Сумма\n" + "".join(
        f"{n};7701234567;0{n}.02.2025;{amount}\n" for n, amount in ((1, "100,00"), (2, "-100,00"))
    )
    events = read_export([deals, acts, write(tmp_path / "bank.csv", bank)]).events
    told = events.loc[events["lead_id"] == "7", ["action", "actor"]].astype(object).fillna("?")
    assert told.values.tolist() == [["payment_received", "client"], ["payment_refunded", "?"]]


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_states_of_a_deal_the_last_modified_is_told(tmp_path, turned):
    head = "ID,Этап сделки,Дата создания сделки,Ответственный,Бюджет,Дата редактирования"
    old = "1,В работе,01.02.2025 10:00,Анна,5,01.02.2025 10:00\n"
    new = "1,Успешно реализовано,01.02.2025 10:00,Борис,9,01.03.2025 10:00\n"
    texts = (new, old) if turned else (old, new)
    paths = [write(tmp_path / f"{n}.csv", f"{head},Дата закрытия\n{t[:-1]},\n")
             for n, t in enumerate(texts)]  # fmt: skip
    log = read_export(paths, time_zone="UTC")
    assert log.leads[["manager", "amount", "stage"]].values.tolist() == [
        ["Борис", 9, "Успешно реализовано"]
    ]
    removed = log.removed.set_index("reason")["rows"]
    assert removed["lead_row_outdated"] == 1 and "lead_row_repeated" not in removed
    assert "Дата редактирования" not in log.leads and "modified_at" not in log.leads


def test_a_fact_that_the_crm_contradicts_is_noted(folder):
    write(folder / "facts.csv", "ID сделки;Ответственный;Команда\n1;Борис;Север\n2;Анна;Юг\n")
    log = read_export(folder, time_zone="UTC")
    assert log.noticed.set_index("check").loc["lead_tables_differ", "example"] == "1"
    assert log.leads["manager"].tolist() == ["Анна", "Анна"]


def test_an_undated_act_is_counted_once_however_many_deals(tmp_path):
    data = CrmData(
        deals=deals(("1", 10, 0, "open"), ("2", 10, 0, "open")),
        acts=acts(("contact", "c", 0, "undated")),
        links=links(("contact", "c", "1"), ("contact", "c", "2")),
    )
    found, removed, _ = given(data)
    assert found == [] and removed == {"no_time": 1}


@pytest.mark.parametrize("action", ["payment_received", "payment_refunded"])
def test_money_that_moves_after_a_sale_is_of_the_deal_last_won(action):
    data = CrmData(
        deals=deals(("1", 1, 10, "won"), ("2", 2, 12, "won"), ("3", 3, 14, "lost")),
        acts=acts(("tax", "t", 20, action), ("tax", "t", 20, "call")),
        links=links(*(("tax", "t", i) for i in "123")),
    )
    assert given(data)[0] == [("2", action)]


def test_a_deal_that_ended_nobody_knows_when_takes_an_act_only_where_no_other_was_open():
    data = CrmData(
        deals=deals(("1", 10, 0, "lost"), ("2", 12, 0, "open"), ("3", 10, 0, "lost")),
        acts=acts(("contact", "c", 15, "a"), ("contact", "d", 15, "b")),
        links=links(("contact", "c", "1"), ("contact", "c", "2"), ("contact", "d", "3")),
    )
    assert given(data)[0] == [("2", "a"), ("3", "b")]


def test_all_deals_of_a_lead_take_its_acts_however_many(monkeypatch):
    monkeypatch.setattr("funnel_lib.reading.crms.assembly.MOST_OPEN", 1)
    data = CrmData(
        deals=deals(("1", 10, 0, "open"), ("2", 10, 0, "open")), acts=acts(("lead", "7", 11, "a")),
        links=links(("lead", "7", "1"), ("lead", "7", "2")),
    )  # fmt: skip
    assert given(data)[0] == [("1", "a"), ("2", "a")]


def test_personal_columns_and_phones_in_texts_leave_no_trace(tmp_path):
    deals = ("lead_id,ЛПР,Наблюдатели,Next step,loss_reason\n"
             "1,Пётр,Иван,Call John,дорого; +7 999 123-45-67\n")  # fmt: skip
    events = "lead_id,at,action,Клиент\n1,2025-01-01,x,Иванов\n"
    log = read_export(write(tmp_path / "e.csv", events), write(tmp_path / "l.csv", deals))
    said = log.events.to_csv() + log.leads.to_csv()
    assert not any(word in said for word in ("Пётр", "Иван", "John", "999"))
    assert log.leads["loss_reason"][0] == "дорого; …"
