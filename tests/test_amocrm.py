"""amoCRM and Kommo as they come: the export, the API, and the same deals read plainly."""

import json
from pathlib import Path

import pandas as pd
import pytest
from crm_world import UNTIL, assert_same, make_world, read_plainly, told

from funnel_lib.core.errors import InputError
from funnel_lib.reading.columns import Mapping
from funnel_lib.reading.export import read_export

STAGES = {"Новая": 20, "Успешно реализовано": 142, "Закрыто и не реализовано": 143}
TYPES = {"form_sent": "form_sent", "meeting_held": "meeting_held"}


@pytest.fixture(scope="module")
def world():
    return make_world(won="Успешно реализовано", lost="Закрыто и не реализовано")


@pytest.fixture(scope="module")
def snapshot(world, tmp_path_factory):
    return read_plainly(world, tmp_path_factory.mktemp("plain"), moves=False, acts=False)


@pytest.fixture(scope="module")
def full(world, tmp_path_factory):
    return read_plainly(world, tmp_path_factory.mktemp("plain"))


def seconds(times):
    return times.astype("int64") // 1_000_000


def as_export(world, lang="ru"):
    """The export of leads, in Russian or Brazilian Portuguese."""
    deals = world.deals
    times = {c: deals[c].dt.strftime("%d.%m.%Y %H:%M:%S") for c in ("created_at", "closed_at")}
    names = {
        "ru": ["ID", "Название сделки", "Бюджет ₽", "Ответственный", "Дата создания сделки",
               "Дата закрытия", "Этап сделки", "Воронка", "Компания", "Источник",
               "Причина отказа", "Рабочий телефон", "utm_source", "utm_source"],
        "pt": ["ID do lead", "Nome do lead", "Venda R$", "Lead usuário responsável", "Data Criada",
               "Data Fechada", "Etapa do lead", "Funil de vendas", "Empresa", "Fonte",
               "Motivo da perda", "Telefone", "utm_source", "utm_source"],
    }[lang]  # fmt: skip
    open_word = {"ru": "не закрыта", "pt": "não fechada"}[lang]
    cells = [
        deals["lead_id"], "Сделка, " + deals["lead_id"], deals["amount"].astype(int).astype(str),
        deals["manager"], times["created_at"], times["closed_at"].fillna(open_word),
        deals["stage"], deals["pipeline"], deals["account_id"], deals["source"],
        deals["loss_reason"], "+7 999 " + deals["lead_id"], "a", "b",
    ]  # fmt: skip
    frame = pd.DataFrame(dict(enumerate(cells)))
    return frame.set_axis(names, axis=1)


FORMATS = [("csv", "utf-8", ","), ("csv", "cp1251", ";"), ("csv", "utf-16", "\t"), ("xlsx", "", "")]


@pytest.mark.parametrize(("kind", "encoding", "delimiter"), FORMATS)
@pytest.mark.parametrize("lang", ["ru", "pt"])
def test_an_export_is_the_deals_read_plainly(
    world, snapshot, tmp_path, kind, encoding, delimiter, lang
):
    path, table = tmp_path / f"leads.{kind}", as_export(world, lang)
    if kind == "xlsx":
        table.to_excel(path, index=False)
    else:
        if encoding == "cp1251":  # these signs do not exist in it
            table.columns = [
                c.replace("₽", "руб").replace("ã", "a").replace("á", "a") for c in table
            ]
            table = table.replace("não fechada", "")
        table.to_csv(path, index=False, encoding=encoding, sep=delimiter)
    log = read_export([path], observed_until=UNTIL)
    but = ("currency",) if lang == "pt" else ()
    assert_same(log, snapshot, but)
    assert log.leads["currency"].unique().tolist() == [{"ru": "RUB", "pt": "BRL"}[lang]]


def api_leads(world, stages):
    end = {"won": 142, "lost": 143}
    for d in world.deals.itertuples():
        yield {
            "id": int(d.lead_id), "name": "x", "price": int(d.amount), "pipeline_id": 11,
            "status_id": end.get(d.status) or stages[d.stage], "responsible_user_id": d.manager,
            "created_by": 0, "is_deleted": False, "loss_reason_id": None,
            "created_at": int(d.created_at.timestamp()),
            "closed_at": None if pd.isna(d.closed_at) else int(d.closed_at.timestamp()),
            "_embedded": {"companies": [{"id": d.account_id}], "tags": [],
                          "contacts": [{"id": 9_000_000 + int(d.lead_id)}],
                          "loss_reason": [] if pd.isna(d.loss_reason) else
                          [{"id": 1, "name": d.loss_reason}],
                          "source": {"name": d.source}},
        }  # fmt: skip


def api_events(world, stages):
    for n, m in enumerate(world.moves.itertuples()):
        yield {
            "id": f"m{n}", "type": "lead_status_changed", "entity_id": int(m.lead_id),
            "entity_type": "lead", "created_by": 7, "created_at": int(m.at.timestamp()),
            "value_after": [{"lead_status": {"id": stages[m.stage], "pipeline_id": 11}}],
            "value_before": [],
        }  # fmt: skip
    for n, a in enumerate(world.acts.itertuples()):
        call = a.action.endswith("_call")
        yield {
            "id": f"a{n}", "type": a.action, "entity_id": int(a.lead_id), "entity_type": "lead",
            "created_by": 0 if a.actor == "client" else 7, "created_at": int(a.at.timestamp()),
            "value_after": [{"note": {"id": 500 + n}}] if call else [], "value_before": [],
        }  # fmt: skip


def api_notes(world):
    types = {"incoming_call": "call_in", "outgoing_call": "call_out"}
    for n, a in enumerate(world.acts.itertuples()):
        if a.action in types:
            yield {
                "id": 500 + n, "entity_id": int(a.lead_id), "note_type": types[a.action],
                "created_by": 7, "created_at": int(a.at.timestamp()),
                "params": {"duration": int(a.duration), "phone": "+79990000000", "text": "secret"},
            }  # fmt: skip


def write_api(world, folder):
    names = [s for s in world.moves["stage"].unique() if s not in STAGES]
    stages = STAGES | {s: 30 + n for n, s in enumerate(names)}
    statuses = [{"id": i, "name": s, "type": 0} for s, i in stages.items()]
    pipelines = [{"id": 11, "name": "Продажи", "_embedded": {"statuses": statuses}}]
    tables = {
        "leads": list(api_leads(world, stages)), "events": list(api_events(world, stages)),
        "notes": list(api_notes(world)), "pipelines": pipelines,
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        half = len(rows) // 2
        for n, part in enumerate([rows[:half], rows[half:]]):
            if part:
                page = {"_page": n + 1, "_links": {}, "_embedded": {name: part}}
                (folder / f"{name}{n}.json").write_text(json.dumps(page), encoding="utf-8")
    return tables


@pytest.mark.parametrize("kind", ["pages", "lines"])
def test_the_api_is_the_deals_read_plainly(world, full, tmp_path, kind):
    tables = write_api(world, tmp_path)
    if kind == "lines":
        for path in tmp_path.iterdir():
            path.unlink()
        for name, rows in tables.items():
            text = "\n".join(json.dumps(r) for r in rows)
            (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
    log = read_export([tmp_path], observed_until=UNTIL)
    assert_same(log, full, ("currency",))
    told = log.events.loc[log.events["duration"].notna(), ["lead_id", "at", "duration"]]
    assert len(told) == world.acts["duration"].notna().sum()


def test_the_words_of_the_export_stand_beside_the_ids_of_the_api(world, full, tmp_path):
    write_api(world, tmp_path)
    as_export(world).to_csv(tmp_path / "leads.csv", index=False)
    log = read_export([tmp_path], observed_until=UNTIL, time_zone="UTC")
    assert_same(log, full)


# --- by hand -------------------------------------------------------------------------------------


def page(folder, name, rows):
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"_page": 1, "_embedded": {name: rows}}), encoding="utf-8")
    return path


def lead(number, status=21, pipeline=11, contacts=(), companies=(), **more):
    facts = {
        "id": number, "name": "Сделка Ивана", "price": 5, "status_id": status,
        "pipeline_id": pipeline, "responsible_user_id": 7, "created_by": 7,
        "created_at": 1_759_000_000, "closed_at": None, "is_deleted": False,
        "_embedded": {"contacts": [{"id": c} for c in contacts],
                      "companies": [{"id": c} for c in companies]},
    }  # fmt: skip
    return facts | more


def event(number, kind, entity, minute, owner="lead", by=7, **more):
    return {
        "id": f"e{number}", "type": kind, "entity_id": entity, "entity_type": owner,
        "created_by": by, "created_at": 1_759_000_000 + 60 * minute, "value_after": [],
        "value_before": [],
    } | more  # fmt: skip


def moved(number, entity, minute, stage, pipeline=11, by=7):
    to = {"value_after": [{"lead_status": {"id": stage, "pipeline_id": pipeline}}]}
    return event(number, "lead_status_changed", entity, minute, by=by, **to)


def test_who_acted_is_told_by_the_type_of_the_event_and_by_its_author(tmp_path):
    kinds = [
        ("incoming_chat_message", 0, "client"), ("incoming_call", 7, "client"),
        ("link_followed", 0, "client"), ("nps_rate_added", 0, "client"),
        ("outgoing_call", 7, "manager"), ("outgoing_chat_message", 0, "system"),
        ("task_completed", 7, "manager"), ("robot_replied", 0, "system"),
        ("custom_field_value_changed", 7, "manager"), ("custom_field_value_changed", 0, "system"),
        ("sale_field_changed", None, None),
    ]  # fmt: skip
    rows = [event(n, kind, n, n, by=by) for n, (kind, by, _) in enumerate(kinds)]
    log = read_export([page(tmp_path, "events", rows)])
    found = {int(i): who for i, _, who in told(log, "actor")}
    assert [found[n] for n in range(len(kinds))] == [who for *_, who in kinds]
    unknown = read_export([page(tmp_path, "events", rows)])
    assert unknown.events["actor"].isna().sum() == 1


def test_a_change_of_pipeline_is_a_move_and_names_come_from_the_pipelines(tmp_path):
    statuses = [{"id": 21, "name": "Первичный контакт"}, {"id": 142, "name": "Оплачено"}]
    others = [{"id": 31, "name": "Продление"}, {"id": 142, "name": "Продлено"}]
    paths = [
        page(tmp_path, "pipelines", [
            {"id": 11, "name": "Продажи", "_embedded": {"statuses": statuses}},
            {"id": 12, "name": "Сервис", "_embedded": {"statuses": others}},
        ]),
        page(tmp_path, "events", [
            moved(1, 5, 1, 21), moved(2, 5, 2, 31, 12), moved(3, 5, 3, 142, 12),
        ]),
        page(tmp_path, "leads", [lead(5, 142, 12, closed_at=1_759_000_180), lead(6, 143)]),
    ]  # fmt: skip
    log = read_export(paths)
    moves = [a for _, a in told(log) if a.startswith("stage")]
    assert moves == ["stage: Первичный контакт", "stage: Продление", "stage: Продлено"]
    facts = log.leads.set_index("lead_id")
    assert facts["status"].tolist() == ["won", "lost"]  # 142 and 143, whatever their names
    assert facts.loc["5", ["pipeline", "stage"]].tolist() == ["Сервис", "Продлено"]
    assert "Иван" not in log.leads.astype(str).to_csv()


def test_a_contacts_acts_go_to_its_open_deals_and_unsorted_requests_are_leads(tmp_path):
    unsorted = {"uid": "u", "source_uid": "s", "category": "forms", "pipeline_id": 11,
                "created_at": 1_759_000_600, "_embedded": {"leads": [{"id": 9}]}}  # fmt: skip
    paths = [
        page(tmp_path, "leads", [
            lead(5, contacts=[70]), lead(6, contacts=[70, 71]),
            lead(7, 143, contacts=[70], closed_at=1_759_000_030), lead(8, is_deleted=True),
        ]),
        page(tmp_path, "events", [event(1, "incoming_mail", 70, 5, "contact")]),
        page(tmp_path, "notes", [{"id": 1, "entity_id": 71, "note_type": "call_in",
                                  "created_at": 1_759_000_400, "created_by": 7,
                                  "params": {"duration": 40}}]),
        page(tmp_path, "unsorted", [unsorted]),
    ]  # fmt: skip
    log = read_export(paths)
    acts = [[i, a] for i, a in told(log) if a != "deal_created"]
    assert acts == [["5", "incoming_mail"], ["6", "incoming_mail"], ["6", "incoming_call"],
                    ["9", "form_sent"]]  # fmt: skip
    noted = log.noticed.set_index("check")["n_rows"]
    assert noted["shared_activities"] == 1
    assert log.removed.set_index("reason").loc["deleted_deal", "rows"] == 1


def test_calls_of_other_systems_join_by_the_phones_of_contacts_and_companies(tmp_path):
    def person(number, code, value, **more):
        field = {"field_id": 1, "field_name": "ИНН", "field_code": code,
                 "values": [{"value": "x", "enum_code": "WORK"}, {"value": value}]}  # fmt: skip
        return {"id": number, "name": "Ann Lee", "responsible_user_id": 7, "created_at": 1,
                "closest_task_at": None, "custom_fields_values": [field],
                **more}  # fmt: skip

    companies = [person(80, None, "7701234567"), person(81, "PHONE", "84950000000")]
    contact = person(
        70, "PHONE", "+7 (999) 123-45-67", first_name="Ann", _embedded={"leads": [{"id": 5}]}
    )
    calls = "Номер клиента;Дата и время;Направление\n" + "".join(
        f"{phone};28.09.2025 1{n}:00;вх\n" for n, phone in enumerate(["79991234567", "4950000000"])
    )
    (tmp_path / "calls.csv").write_text(calls, encoding="utf-8")
    (tmp_path / "paid.csv").write_text("ИНН;Дата платежа\n7701234567;28.09.2025 15:00\n", "utf-8")
    paths = [
        page(tmp_path, "leads", [lead(5), lead(6, companies=[81]), lead(7, companies=[80])]),
        page(tmp_path, "contacts", [contact]), page(tmp_path, "companies", companies),
        tmp_path / "calls.csv", tmp_path / "paid.csv",
    ]  # fmt: skip
    log = read_export(paths, time_zone="UTC")
    assert [[i, a] for i, a in told(log) if a != "deal_created"] == [
        ["5", "incoming_call"], ["6", "incoming_call"], ["7", "payment_received"],
    ]  # fmt: skip
    assert "no_match" not in set(log.removed["reason"])


def test_the_acts_of_a_company_go_to_its_deals(tmp_path):
    note = {"id": 1, "entity_id": 81, "note_type": "call_in", "created_at": 1_759_000_400,
            "created_by": 7, "params": {"duration": 40}}  # fmt: skip
    company = {"id": 81, "_links": {"self": {"href": "x"}}}
    deal = lead(6) | {"_embedded": {"contacts": [], "companies": [company]}}
    paths = [
        page(tmp_path, "leads", [lead(5), deal]),
        page(tmp_path, "notes", [note]),
        page(tmp_path, "events", [event(1, "incoming_mail", 81, 5, "companies")]),
    ]
    acts = [[i, a] for i, a in told(read_export(paths)) if a != "deal_created"]
    assert acts == [["6", "incoming_mail"], ["6", "incoming_call"]]


def test_the_making_of_a_deal_is_one_event_and_its_maker_acts(tmp_path):
    paths = [
        page(tmp_path, "leads", [lead(5), lead(6, created_by=0)]),
        page(tmp_path, "events", [event(1, "lead_added", 5, 0), event(2, "lead_added", 77, 0)]),
    ]
    log = read_export(paths)
    assert told(log, "actor") == [
        ["5", "deal_created", "manager"], ["5", "stage: 21", None],  # open, and never moved
        ["6", "deal_created", "system"], ["6", "stage: 21", None], ["77", "lead_added", "manager"],
    ]  # fmt: skip
    assert log.removed.set_index("reason").loc["told_twice", "rows"] == 1


def test_a_reason_in_the_name_of_a_lost_stage_is_the_reason(tmp_path):
    path = tmp_path / "leads.csv"
    path.write_text(
        "Lead ID,Etapa do lead,Data Criada,Data Fechada,Lead usuário responsável,Venda\n"
        "1,Perdido (preço alto),01.02.2025,03.02.2025,Ana,\"1.234,50\"\n"
        "2,Demo (online),01.02.2025,,Ana,\n", encoding="utf-8",
    )  # fmt: skip
    leads = read_export([path]).leads.set_index("lead_id")
    assert leads["stage"].tolist() == ["Perdido", "Demo (online)"]
    assert leads["loss_reason"].tolist()[0] == "preço alto"
    assert leads["status"].tolist() == ["lost", "open"] and leads.loc["1", "amount"] == 1234.5


def test_custom_fields_of_the_api_are_columns_by_their_names(tmp_path):
    fields = [
        {"field_id": 1, "field_name": "Отрасль", "values": [{"value": "Связь"}]},
        {"field_id": 2, "field_name": "Телефон", "values": [{"value": "+79990000000"}]},
    ]
    path = page(tmp_path, "leads", [lead(5, custom_fields_values=fields), lead(6)])
    leads = read_export([path]).leads
    assert leads["Отрасль"].tolist()[0] == "Связь" and "Телефон" not in leads


def test_words_for_outcomes_are_known_however_they_are_spelled(world, tmp_path):
    table = as_export(world).replace({"Успешно реализовано": "Счёт оплачен "})
    table.to_csv(tmp_path / "leads.csv", index=False)
    mapping = Mapping(status_values={"won": (" счет оплачен",)})
    leads = read_export(tmp_path / "leads.csv", mapping=mapping).leads.set_index("lead_id")
    planted = world.deals.set_index("lead_id")["status"]
    assert leads["status"].reindex(planted.index).tolist() == planted.tolist()


def test_the_column_that_the_user_names_tells_the_status(world, tmp_path):
    table = as_export(world).assign(Итог=world.deals["status"].map({"won": "брак"}))
    table.to_csv(tmp_path / "leads.csv", index=False)
    mapping = Mapping(columns={"status": "Итог"}, status_values={"lost": ("брак",)})
    leads = read_export(tmp_path / "leads.csv", mapping=mapping).leads.set_index("lead_id")
    planted = world.deals.set_index("lead_id")["status"].replace("won", "lost")
    assert leads["status"].reindex(planted.index).tolist() == planted.tolist()


SHARED = ("SYNTHETIC_leads_export.csv", "SYNTHETIC_leads_export_cp1251_resaved_in_excel_LIKE.csv")


def test_a_mapping_may_name_custom_fields_of_the_api(tmp_path):
    field = {"field_id": 1, "field_name": "Дата договора", "field_code": None,
             "values": [{"value": 1_759_000_900}]}  # fmt: skip
    rows = [lead(5, custom_fields_values=[field]), lead(6)]
    path = page(tmp_path, "leads", rows)
    log = read_export(path, mapping=Mapping(dates={"Дата договора": "contract_dated"}))
    assert [[i, a] for i, a in told(log) if a != "deal_created"] == [["5", "contract_dated"]]
    assert log.leads.set_index("lead_id").loc["5", "Дата договора"] == "1759000900"  # no phone
    field["values"][0]["value"] = "03/04/2025"
    path = page(tmp_path, "leads", rows)
    with pytest.raises(InputError, match=r"the column Дата договора: .*day"):
        read_export(path, mapping=Mapping(dates={"Дата договора": "contract_dated"}))
    with pytest.raises(InputError, match="'Дата оплаты', which no table has"):
        read_export(path, mapping=Mapping(dates={"Дата оплаты": "paid"}))


@pytest.mark.parametrize("name", SHARED)
def test_the_shared_examples_are_read(name):
    path = Path(__file__).parents[2] / "shared" / "crm" / "amocrm" / name
    if not path.exists():
        pytest.skip("../shared is not there")
    leads = read_export([path]).leads
    assert leads["status"].tolist() == ["open", "lost"]
    assert leads["currency"].tolist() == ["RUB", "RUB"] and leads["amount"].tolist() == [150_000, 0]


def test_a_deleted_deal_does_not_come_back_by_its_events_and_notes(tmp_path):
    note = {"id": 1, "entity_id": 8, "note_type": "call_in", "created_at": 1_759_000_400,
            "created_by": 7, "params": {"duration": 40}}  # fmt: skip
    paths = [
        page(tmp_path, "leads", [lead(5), lead(8, is_deleted=True)]),
        page(tmp_path, "events", [moved(1, 8, 1, 21), event(2, "incoming_mail", 8, 2)]),
        page(tmp_path, "notes", [note]),
    ]
    log = read_export(paths)
    assert log.leads["lead_id"].tolist() == ["5"]
    removed = log.removed.groupby("reason")["rows"].sum()
    assert removed["deleted_deal"] == 1 and removed["deleted_activity"] == 3


def test_an_export_of_amocrm_without_closing_dates_tells_outcomes_by_its_stages(tmp_path):
    rows = "1,Успешно реализовано,01.02.2025,Анна\n2,Первичный контакт,01.02.2025,Анна\n"
    head = "ID сделки,Этап сделки,Дата создания сделки,Ответственный\n"
    path = tmp_path / "a.csv"
    path.write_text(head + rows, encoding="utf-8")
    assert read_export(path).leads["status"].tolist() == ["won", "open"]
