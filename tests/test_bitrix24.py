"""Bitrix24 as it comes: exports, REST pages, and the same deals read plainly."""

import json

import pandas as pd
import pytest
from crm_world import SHARED, UNTIL, assert_same, assert_told_apart, make_world, read_plainly, told

from funnel_lib.reading.columns import Mapping
from funnel_lib.reading.crm import CRMS
from funnel_lib.reading.crms.kinds import recognise
from funnel_lib.reading.export import read_export
from funnel_lib.reading.files.tables import RawTable

WON, LOST = "Сделка успешна", "Сделка провалена"
CURRENCIES = {"RUB": "Российский рубль", "USD": "Доллар США", "EUR": "Евро"}


@pytest.fixture(scope="module")
def world():
    return make_world(won=WON, lost=LOST)


@pytest.fixture(scope="module")
def snapshot(world, tmp_path_factory):
    return read_plainly(world, tmp_path_factory.mktemp("plain"), moves=False, acts=False)


@pytest.fixture(scope="module")
def full(world, tmp_path_factory):
    return read_plainly(world, tmp_path_factory.mktemp("plain"))


# --- exports -------------------------------------------------------------------------------------

HEADERS = {
    "ru": ["ID", "Воронка", "Стадия сделки", "Ответственный", "Название сделки", "Источник",
           "Сумма", "Валюта", "Компания", "Сделка закрыта", "Дата создания",
           "Предполагаемая дата закрытия", "Причина отказа", "Товар", "Цена", "Количество"],
    "en": ["ID", "Pipeline", "Stage", "Responsible", "Deal Name", "Source", "Income", "Currency",
           "Company", "Closed", "Created", "Assumed close date", "Loss reason", "Product", "Price",
           "Quantity"],
}  # fmt: skip


def as_export(world, lang="ru"):
    """One row a product: every deal of an even id has two, whose sums make its amount."""
    deals = world.deals
    yes, no = {"ru": ("да", "нет"), "en": ("Yes", "No")}[lang]
    amount = deals["amount"].astype(int)
    cells = [
        deals["lead_id"], deals["pipeline"], deals["stage"], deals["manager"],
        'Сделка "' + deals["lead_id"] + '"', deals["source"], amount,
        deals["currency"].replace(CURRENCIES), deals["account_id"],
        deals["status"].map({"open": no}).fillna(yes),
        deals["created_at"].dt.strftime("%d.%m.%Y %H:%M:%S"), "12.09.2027", deals["loss_reason"],
        "Товар 1", amount, 1,
    ]  # fmt: skip
    frame = pd.DataFrame(dict(enumerate(cells)))
    two, small = deals["lead_id"].astype(int) % 2 == 0, amount // 3
    frame[6] = frame[14] = amount.where(~two, amount - small)
    second = frame[two].copy()
    second[6], second[14], second[13] = small[two], small[two], "Товар 2"
    frame = pd.concat([frame, second]).sort_index(kind="stable").astype(object)
    return frame.where(frame.notna(), "").astype("str").set_axis(HEADERS[lang], axis=1)


def write_export(table, path, kind, encoding):
    if kind == "xlsx":
        table.to_excel(path, index=False)
    elif kind == "html":
        page = '<html><head><meta http-equiv="Content-type" content="text/html;charset=UTF-8"/>'
        path.write_text(f"{page}</head>{table.to_html(index=False)}</html>", encoding="utf-8")
    else:
        quoted = pd.concat([pd.DataFrame([table.columns], columns=table.columns), table])
        quoted = quoted.apply(lambda c: '"' + c.str.replace('"', '""') + '"')
        text = "\r\n".join(quoted.agg(";".join, axis=1) + ";")
        path.write_bytes((text + "\r\n").encode(encoding))


FORMATS = [("csv", "utf-8-sig"), ("csv", "cp1251"), ("csv", "utf-16"), ("xlsx", ""), ("html", "")]


@pytest.mark.parametrize(("kind", "encoding"), FORMATS)
@pytest.mark.parametrize("lang", ["ru", "en"])
def test_an_export_is_the_deals_read_plainly(world, snapshot, tmp_path, kind, encoding, lang):
    path = tmp_path / ("deals.xls" if kind == "html" else f"deals.{kind}")
    table = as_export(world, lang)
    write_export(table, path, kind, encoding)
    log = read_export([path], observed_until=UNTIL)
    assert_same(log, snapshot, ("closed_at",))  # an export does not know it
    assert log.leads["closed_at"].isna().all()
    assert set(log.leads["product"]) == {"Товар 1"}
    folded = log.noticed.set_index("check").loc["product_rows", "n_rows"]
    assert folded == len(table) - len(world.deals) > 0
    assert log.sources["crm"].tolist() == ["bitrix24"]


# --- REST ----------------------------------------------------------------------------------------


def stage_ids(world):
    names = [s for s in world.moves["stage"].unique() if s not in (WON, LOST)]
    return {WON: "C1:WON", LOST: "C1:LOSE"} | {s: f"C1:UC_{n}" for n, s in enumerate(names)}


SEMANTICS = {"won": "S", "lost": "F", "open": "P"}


def iso(time):
    return None if pd.isna(time) else time.tz_convert("Europe/Moscow").isoformat()


def rest_deals(world, ids):
    for d in world.deals.itertuples():
        yield {
            "ID": d.lead_id, "TITLE": "Сделка Ивана", "STAGE_ID": ids[d.stage], "CATEGORY_ID": "1",
            "STAGE_SEMANTIC_ID": SEMANTICS[d.status], "OPPORTUNITY": f"{d.amount:.2f}",
            "CURRENCY_ID": d.currency, "ASSIGNED_BY_ID": d.manager,
            "DATE_CREATE": iso(d.created_at), "CLOSED": "N" if d.status == "open" else "Y",
            "CLOSEDATE": "2027-01-01T03:00:00+03:00", "SOURCE_ID": d.source,
            "COMPANY_ID": d.account_id, "CONTACT_ID": "0", "LEAD_ID": None,
            "UF_CRM_REASON": d.loss_reason, "COMMENTS": "secret", "WEBFORM_ID": None,
        }  # fmt: skip


def rest_history(world, ids):
    for n, m in enumerate(world.moves.itertuples()):
        kind = 1 if pd.isna(m.old_stage) else 2 if m.outcome == "open" else 3
        yield {
            "ID": n, "TYPE_ID": kind, "OWNER_ID": int(m.lead_id), "CREATED_TIME": iso(m.at),
            "CATEGORY_ID": 1, "STAGE_SEMANTIC_ID": SEMANTICS[m.outcome], "STAGE_ID": ids[m.stage],
        }  # fmt: skip


PROVIDERS = {"call": ("VOXIMPLANT_CALL", "2"), "mail": ("CRM_EMAIL", "4"),
             "sent": ("CRM_WEBFORM", "6"), "held": ("CRM_MEETING", "1")}  # fmt: skip


def rest_activities(world):
    for n, a in enumerate(world.acts.itertuples()):
        provider, kind = PROVIDERS[a.action.rsplit("_", 1)[1]]
        client = a.actor == "client"
        yield {
            "ID": str(n), "OWNER_ID": a.lead_id, "OWNER_TYPE_ID": "2", "TYPE_ID": kind,
            "PROVIDER_ID": provider, "CREATED": iso(a.at), "START_TIME": iso(a.at),
            "DEADLINE": "2027-01-01T03:00:00+03:00", "COMPLETED": "N" if client else "Y",
            "DIRECTION": "1" if client else "2", "SUBJECT": "secret",
            "SETTINGS": {"CALL_DURATION": int(a.duration)} if pd.notna(a.duration) else [],
        }  # fmt: skip


def write_rest(world, folder, lines=False, camel=False):
    ids = stage_ids(world)
    names = [{"ENTITY_ID": "DEAL_STAGE_1", "STATUS_ID": i, "NAME": s, "SORT": "1"}
             for s, i in ids.items()]  # fmt: skip
    deals = list(rest_deals(world, ids))
    if camel:
        words = {k: k.split("_")[0].lower() + "".join(w.title() for w in k.split("_")[1:])
                 for k in deals[0]}  # fmt: skip
        words |= {"DATE_CREATE": "createdTime", "UF_CRM_REASON": "ufCrmReason"}
        deals = [{words[k]: v for k, v in d.items()} | {"entityTypeId": 2} for d in deals]
    tables = {
        "deals": deals, "history": list(rest_history(world, ids)),
        "activities": list(rest_activities(world)), "statuses": names,
        "categories": [{"id": 1, "name": "Продажи", "sort": 500, "isDefault": "Y"}],
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    wrapped = {"history": "items", "categories": "categories"} | (
        {"deals": "items"} if camel else {}
    )
    for name, rows in tables.items():
        if lines:
            text = "\n".join(json.dumps(r) for r in rows)
            (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
            continue
        half = len(rows) // 2
        for n, part in enumerate(p for p in (rows[:half], rows[half:]) if p):
            result = {wrapped[name]: part} if name in wrapped else part
            page(folder, f"{name}{n}", result)


def page(folder, name, result):
    text = json.dumps({"result": result, "total": 2, "time": {"start": 1, "date_start": "x"}})
    path = folder / f"{name}.json"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("lines", "camel"), [(False, False), (True, False), (False, True)])
def test_rest_is_the_deals_read_plainly(world, full, tmp_path, lines, camel):
    write_rest(world, tmp_path, lines, camel)
    log = read_export([tmp_path], observed_until=UNTIL)
    assert_same(log, full, ("loss_reason",))  # a field of the portal's own
    reasons = log.leads["ufCrmReason" if camel else "UF_CRM_REASON"]
    assert reasons.astype("str").equals(full.leads["loss_reason"].astype("str"))
    told = log.events["duration"].notna().sum()
    assert told == world.acts["duration"].notna().sum() > 0
    assert "secret" not in log.leads.astype(str).to_csv() + log.events.astype(str).to_csv()


def test_the_words_of_the_export_stand_beside_the_ids_of_rest(world, full, tmp_path):
    write_rest(world, tmp_path)
    write_export(as_export(world), tmp_path / "deals.csv", "csv", "utf-8-sig")
    assert_same(read_export([tmp_path], observed_until=UNTIL, time_zone="UTC"), full)


# --- by hand -------------------------------------------------------------------------------------


def write_rows(folder, *rows, name="deals.csv"):
    path = folder / name
    path.write_text("\n".join(rows) + "\n", encoding="utf-8-sig")
    return path


def test_the_sums_of_product_rows(tmp_path):
    head = '"ID";"Стадия сделки";"Сделка закрыта";"Сумма";"Товар";"Цена";"Количество";'
    log = read_export([write_rows(
        tmp_path, head,
        "1;В работе;нет;60000;А;30000;2;", "1;В работе;нет;15000;Б;15000;1;",  # each its own: 75000
        "2;В работе;нет;75000;А;15000;1;", "2;В работе;нет;75000;Б;30000;2;",  # the deal's, twice
        "3;В работе;нет;100;А;;;", "3;В работе;нет;40;Б;;;",  # nothing tells: 140
        "4;В работе;нет;500;А;500;1;", "4;В работе;нет;500;Б;500;1;",  # alike, each its own: 1000
        "5;В работе;нет;700;;;;",
        "6;В работе;нет;90;А;90;1;", "6;В работе;нет;90;А;90;1;",  # one row, exported twice
    ), write_rows(tmp_path, "lead_id,at,action", "1,2025-01-01,x", name="acts.csv")])  # fmt: skip
    leads = log.leads.set_index("lead_id")
    assert leads["amount"].tolist() == [75_000, 75_000, 140, 1000, 700, 90]
    assert leads["product"].tolist()[:4] == ["А", "Б", "А", "А"]
    noticed = log.noticed.set_index("check").loc["product_rows"]
    assert noticed["n_rows"] == 4 and noticed["example"] == "1, 2, 3"
    assert log.removed.set_index("reason").loc["duplicate", "rows"] == 1


def test_an_assumed_close_date_closes_nothing_and_flags_tell_outcomes(tmp_path):
    head = "ID;Стадия сделки;Группа стадий;Сделка закрыта;Создана CRM-формой;Повторная сделка;" \
           "Дата создания;Предполагаемая дата закрытия;Валюта;"  # fmt: skip
    log = read_export([write_rows(
        tmp_path, head,
        "1;Сделка успешна;;да;да;да;01.02.2025 10:00:00;05.02.2025;Тенге;",
        "2;Этап 5;Сделка провалена;да;нет;нет;01.02.2025 10:00:00;05.02.2025;Евро;",
        "3;Сделка успешна;;нет;;;01.02.2025 10:00:00;05.02.2025;Евро;",
        "4;Этап 5;;да;;;01.02.2025 10:00:00;05.02.2025;Евро;",
    )])  # fmt: skip
    leads = log.leads.set_index("lead_id")
    assert leads["status"].fillna("?").tolist() == ["won", "lost", "open", "?"]
    assert leads["closed_at"].isna().all() and "Предполагаемая дата закрытия" not in leads
    assert leads["currency"].tolist() == ["KZT", "EUR", "EUR", "EUR"]
    assert leads["is_repeat"].tolist()[:2] == ["да", "нет"]
    made = log.events.set_index("lead_id")[["action", "actor"]].astype(object)
    assert made.loc["1"].tolist() == ["form_sent", "client"]
    assert made.loc["2", "action"] == "deal_created" and pd.isna(made.loc["2", "actor"])
    noticed = log.noticed.set_index("check")["n_rows"]
    assert noticed["outcome_unknown"] == 1 and noticed["outcome_by_stage_name"] == 1


def deal(number, stage="NEW", **more):
    return {"ID": str(number), "STAGE_ID": stage, "CATEGORY_ID": "0", "ASSIGNED_BY_ID": "7",
            "OPPORTUNITY": "5.00", "DATE_CREATE": "2025-02-01T10:00:00+03:00"} | more  # fmt: skip


def move(owner, day, stage, semantic="P", kind=2, **more):
    return {"ID": day, "TYPE_ID": kind, "OWNER_ID": owner, "STAGE_ID": stage, "CATEGORY_ID": 0,
            "CREATED_TIME": f"2025-02-{day:02d}T10:00:00+03:00",
            "STAGE_SEMANTIC_ID": semantic} | more  # fmt: skip


def act(number, owner, provider, way="0", kind="6", of="2", done="Y", day=3, **more):
    return {"ID": str(number), "OWNER_ID": str(owner), "OWNER_TYPE_ID": of, "TYPE_ID": kind,
            "PROVIDER_ID": provider, "DIRECTION": way, "COMPLETED": done,
            "CREATED": f"2025-02-{day:02d}T12:00:00+03:00",
            "START_TIME": f"2025-02-{day:02d}T12:00:00+03:00"} | more  # fmt: skip


def day_of(log, column="closed_at"):
    days = log.leads.set_index("lead_id")[column].dt.day
    return days.fillna(0).astype(int).to_dict()


def test_the_last_semantic_tells_the_outcome_and_when(tmp_path):
    history = [
        move(1, 1, "NEW", kind=1), move(1, 3, "LOSE", "F", 3), move(1, 5, "NEW"),  # reopened
        move(2, 1, "NEW", kind=1), move(2, 3, "LOSE", "F", 3), move(2, 4, "NEW"),
        move(2, 6, "WON", "S", 3),
        # Won, then handed over to another pipeline, where it is refused: still won on the 4th.
        move(3, 1, "NEW", kind=1), move(3, 4, "WON", "S", 3), move(3, 8, "C2:LOSE", "F", 5),
        # To another pipeline: a move, no loss and no new deal; a stage that follows itself is none.
        move(4, 1, "NEW", kind=1), move(4, 2, "C2:NEW", kind=5), move(4, 3, "C2:NEW"),
        move(5, 1, "NEW", kind=1), move(5, 7, "C2:UC_X", "S", 3),
    ]  # fmt: skip
    log = read_export([page(tmp_path, "history", {"items": history})], observed_until=UNTIL)
    facts = log.leads.set_index("lead_id")
    assert facts["status"].tolist() == ["open", "won", "won", "open", "won"]
    assert day_of(log) == {"1": 0, "2": 6, "3": 4, "4": 0, "5": 7}
    assert [a for i, a in told(log) if i == "4"] == ["deal_created", "stage: NEW", "stage: C2:NEW"]
    assert log.removed.set_index("reason").loc["same_stage", "rows"] == 1
    assert log.events["action"].eq("deal_created").sum() == 5


def test_a_deal_that_only_the_history_knows_is_noted(tmp_path):
    moves = [move(n, 1, "NEW", kind=1) for n in (1, 2)]
    paths = [page(tmp_path, "deals", [deal(1)]), page(tmp_path, "moves", moves)]
    log = read_export(paths)
    noted = log.noticed.set_index("check").loc["deals_not_listed"]
    assert (noted["n_rows"], noted["example"]) == (1, "2")
    assert "deals_not_listed" not in set(read_export(paths[1:]).noticed["check"])


def test_a_closed_deal_of_an_export_is_dated_by_its_last_change_and_noted(tmp_path):
    log = read_export(write_rows(
        tmp_path, "ID;Стадия сделки;Дата создания;Дата изменения;Сделка закрыта;"
        "Предполагаемая дата закрытия",
        "1;Сделка успешна;01.02.2025 10:00:00;14.02.2025 10:00:00;да;08.02.2025",
        "2;Новая;01.02.2025 10:00:00;15.02.2025 10:00:00;нет;08.02.2025",
    ), time_zone="UTC")  # fmt: skip
    assert log.leads["status"].tolist() == ["won", "open"]
    assert str(log.leads["closed_at"][0])[:10] == "2025-02-14" and pd.isna(
        log.leads["closed_at"][1]
    )
    noted = log.noticed.set_index("check").loc["closed_by_modification"]
    assert noted[["n_rows", "example"]].tolist() == [1, "1"]
    moves = page(tmp_path, "moves", [move(1, 1, "NEW", kind=1), move(1, 3, "WON", "S")])
    log = read_export([tmp_path / "deals.csv", moves], time_zone="UTC")
    assert log.leads["closed_at"].dt.day.tolist()[0] == 3
    assert "closed_by_modification" not in set(log.noticed["check"])


def test_columns_that_the_user_names_tell_how_and_when_a_deal_ended(tmp_path):
    path = write_rows(
        tmp_path, "ID;Стадия сделки;Дата создания;Дата изменения;Сделка закрыта;Итог;Факт",
        "1;Сделка успешна;01.02.2025 10:00:00;14.02.2025 10:00:00;да;брак;03.02.2025 01:00:00",
        "2;Новая;01.02.2025 10:00:00;15.02.2025 10:00:00;нет;;",
        "3;Новая;01.02.2025 10:00:00;15.02.2025 10:00:00;нет;брак;25.02.2025 01:00:00",
    )  # fmt: skip
    mapping = Mapping(columns={"status": "Итог", "closed_at": "Факт"},
                      status_values={"lost": ("брак",)})  # fmt: skip
    log = read_export(path, mapping=mapping, time_zone="Europe/Moscow")
    assert log.leads["status"].tolist() == ["lost", "open", "lost"]
    closed = log.leads["closed_at"].dt.strftime("%d.%m %H").tolist()
    assert closed[::2] == ["02.02 22", "24.02 22"] and pd.isna(log.leads["closed_at"][1])
    assert "closed_by_modification" not in set(log.noticed["check"])


ODD = ("at", "actor", "about_id", "rank", "self", "maker", "stage_id", "closed_at", "status")


def test_a_column_may_be_called_as_those_that_tables_are_joined_by(tmp_path):
    head = "ID;Стадия сделки;Дата создания;Сделка закрыта;" + ";".join(ODD)
    rows = [f"{n};Новая;01.02.2025 10:00:00;нет;" + ";".join(f"{c} {n}" for c in ODD)
            for n in (1, 2)]  # fmt: skip
    leads = read_export(write_rows(tmp_path, head, *rows), time_zone="UTC").leads
    assert leads["status"].tolist() == ["open"] * 2 and leads["closed_at"].isna().all()
    assert leads["rank (as read)"].tolist() == ["rank 1", "rank 2"]


def test_without_a_history_the_last_move_of_a_closed_deal_closes_it(tmp_path):
    moved = {"MOVED_TIME": "2025-02-09T10:00:00+03:00", "CLOSEDATE": "2025-02-20T03:00:00+03:00"}
    rows = [
        deal(1, "C1:WON", **moved), deal(2, "LOSE", **moved), deal(3, "C1:APOLOGY", **moved),
        deal(4, "C1:UC_1", CLOSED="N", **moved), deal(5, "C1:UC_1", CLOSED="Y", **moved),
        deal(6, "C1:UC_2", STAGE_SEMANTIC_ID="F", **moved), deal(7, "C1:UC_3", **moved),
    ]  # fmt: skip
    stages = [{"ENTITY_ID": "DEAL_STAGE_1", "STATUS_ID": "C1:UC_3", "NAME": "Передано",
               "SEMANTICS": "S"}]  # fmt: skip
    log = read_export([page(tmp_path, "deals", rows), page(tmp_path, "statuses", stages)],
                      observed_until=UNTIL)  # fmt: skip
    found = log.leads["status"].fillna("?").tolist()
    assert found == ["won", "lost", "lost", "open", "?", "lost", "won"]
    assert day_of(log) == {"1": 9, "2": 9, "3": 9, "4": 0, "5": 0, "6": 9, "7": 9}
    assert log.leads["stage"].tolist()[-1] == "Передано"


def test_the_user_says_what_a_stage_and_a_field_mean(tmp_path):
    names = [{"ENTITY_ID": "DEAL_STAGE", "STATUS_ID": "WON", "NAME": "В архиве"}]
    paths = [
        page(tmp_path, "deals", [deal(1, "WON", UF_CRM_7="Юг")]),
        page(tmp_path, "statuses", names),
        page(tmp_path, "history", {"items": [move(1, 4, "WON", "S", 3)]}),
    ]
    mapping = Mapping(columns={"team": "UF_CRM_7"}, status_values={"lost": ("В архиве",)})
    leads = read_export(paths, mapping=mapping, observed_until=UNTIL).leads
    assert leads["team"].tolist() == ["Юг"]
    assert leads["status"].tolist() == ["lost"] and leads["closed_at"].dt.day.tolist() == [4]


def test_activities_by_provider_direction_and_plans(tmp_path):
    acts = [
        (act(1, 1, "VOXIMPLANT_CALL", "1", "2", done="N", SETTINGS={"CALL_DURATION": 42}),
         "incoming_call", "client"),
        (act(2, 1, "VOXIMPLANT_CALL", "2", "2"), "outgoing_call", "manager"),
        (act(3, 1, "SOME_CALLS", "0", "2"), "call", None),
        (act(4, 1, "CRM_EMAIL", "1", "4"), "incoming_mail", "client"),
        (act(5, 1, "CRM_EMAIL", "2", "4"), "outgoing_mail", "manager"),
        (act(6, 1, "CRM_WEBFORM", "0", done="N"), "form_sent", "client"),
        (act(7, 1, "IMOPENLINES_SESSION", "1"), "incoming_chat_message", "client"),
        (act(8, 1, "CRM_SMS", "2"), "outgoing_sms", "manager"),
        (act(9, 1, "CRM_MEETING", "0", "1"), "meeting_held", "manager"),
        (act(10, 1, "CRM_TASKS_TASK"), "task_completed", "manager"),
        (act(11, 1, "CRM_TODO"), "task_completed", "manager"),
        (act(12, 1, "REST_APP"), "rest_app", None),
        (act(13, 1, "CRM_MEETING", "0", "1", done="N"), None, None),
        (act(14, 1, "VOXIMPLANT_CALL", "2", "2", done="N"), None, None),
        (act(15, 1, "CRM_TODO", done="N", DEADLINE="2025-02-03T10:00:00+03:00"), None, None),
    ]  # fmt: skip
    for n, (row, *_) in enumerate(acts):
        row["START_TIME"] = f"2025-02-03T12:{n:02d}:00+03:00" if n != 3 else ""
        row["CREATED"] = f"2025-02-03T12:{n:02d}:00+03:00"
    paths = [page(tmp_path, "deals", [deal(1)]), page(tmp_path, "acts", [a for a, *_ in acts])]
    log = read_export(paths)
    found = [(a, who) for _, a, who in told(log, "actor") if a != "deal_created"]
    assert found == [(a, who) for _, a, who in acts if a]
    assert log.removed.set_index("reason").loc["planned", "rows"] == 3
    assert log.events["duration"].dropna().tolist() == ["42"]


def test_a_contacts_acts_go_to_the_deals_open_then(tmp_path):
    deals = [
        deal(1, CONTACT_ID="70", COMPANY_ID="9"), deal(2, CONTACT_ID="70"),
        deal(3, "LOSE", CONTACT_ID="70", MOVED_TIME="2025-02-02T10:00:00+03:00"),
        deal(4, contactIds=[71, 72]), deal(5, CONTACT_ID="0", COMPANY_ID="0"),
    ]  # fmt: skip
    acts = [act(1, 70, "CRM_EMAIL", "1", "4", of="3"), act(2, 72, "CRM_EMAIL", "2", "4", of="3"),
            act(3, 9, "CRM_SMS", "2", of="4"), act(4, 99, "CRM_SMS", "2", of="3"),
            act(5, 0, "CRM_SMS", "2", of="3")]  # fmt: skip
    log = read_export([page(tmp_path, "deals", deals), page(tmp_path, "acts", acts)],
                      observed_until=UNTIL)  # fmt: skip
    found = sorted([i, a] for i, a in told(log) if a != "deal_created")
    assert found == [["1", "incoming_mail"], ["1", "outgoing_sms"], ["2", "incoming_mail"],
                     ["4", "outgoing_mail"]]  # fmt: skip
    assert log.noticed.set_index("check").loc["shared_activities", "n_rows"] == 1
    assert log.removed.set_index("reason").loc["no_open_deal", "rows"] == 2
    assert log.leads["account_id"].fillna("?").tolist() == ["9", "?", "?", "?", "?"]


def test_the_statistics_of_calls_know_durations_and_further_calls(tmp_path):
    def call(way, minute, duration, **more):
        return {"CALL_ID": f"c{minute}", "CALL_TYPE": way, "CALL_DURATION": duration,
                "CALL_START_DATE": f"2025-02-03T12:{minute:02d}:00+03:00",
                "PHONE_NUMBER": "79991234567", "CRM_ENTITY_TYPE": None, "CRM_ENTITY_ID": None,
                "CRM_ACTIVITY_ID": None} | more  # fmt: skip

    contact = {
        "ID": "70",
        "NAME": "Ann",
        "LAST_NAME": "Lee",
        "HAS_PHONE": "Y",
        "PHONE": [{"ID": "1234567", "VALUE": "8 999 123-45-67", "VALUE_TYPE": "WORK"}],
    }
    calls = [
        call("2", 0, "42", CRM_ACTIVITY_ID="1", CRM_ENTITY_TYPE="DEAL", CRM_ENTITY_ID="1"),
        call("1", 1, "0", CRM_ENTITY_TYPE="CONTACT", CRM_ENTITY_ID="70"),
        call("3", 2, "7"), call("4", 3, "8", CRM_ENTITY_TYPE="DEAL", CRM_ENTITY_ID="2"),
        call("2", 4, "9", PHONE_NUMBER="74950000000"),
        call("2", 5, "9", PHONE_NUMBER="1234567"),  # an id, no phone of anyone
        call("2", 6, "9", PHONE_NUMBER="79120000000", CRM_ENTITY_TYPE="LEAD", CRM_ENTITY_ID="0"),
        call("1", 7, "30", CRM_ACTIVITY_ID="2"), call("1", 7, "31", CRM_ACTIVITY_ID="2"),
    ]  # fmt: skip
    acts = [act(1, 1, "VOXIMPLANT_CALL", "1", "2", START_TIME="2025-02-03T12:00:00+03:00"),
            act(2, 2, "VOXIMPLANT_CALL", "2", "2", done="N",
                START_TIME="2025-02-03T12:07:00+03:00")]  # fmt: skip
    paths = [page(tmp_path, "deals", [deal(1, CONTACT_ID="70"), deal(2), deal(3, COMPANY_ID="80")]),
             page(tmp_path, "acts", acts), page(tmp_path, "calls", calls),
             page(tmp_path, "contacts", [contact])]  # fmt: skip
    paths.append(page(tmp_path, "companies", [
        {"ID": "80", "TITLE": "X", "COMPANY_TYPE": "CUSTOMER", "HAS_PHONE": "Y",
         "PHONE": [{"ID": "1", "VALUE": "+7 912 000-00-00"}]}
    ]))  # fmt: skip
    log = read_export(paths)
    assert [a for a in told(log, "actor", "duration") if a[1] != "deal_created"] == [
        ["1", "incoming_call", "client", "42"], ["1", "outgoing_call", "manager", "0"],
        ["1", "incoming_call", "client", "7"], ["2", "call", None, "8"],
        ["2", "outgoing_call", "manager", "31"], ["3", "incoming_call", "client", "9"],
    ]  # fmt: skip
    assert log.removed.set_index("reason")["rows"].to_dict() == {"told_twice": 3, "no_match": 2}
    told_of = log.leads.astype(str).to_csv() + log.events.astype(str).to_csv()
    assert "9991234567" not in told_of and "Lee" not in told_of


def lead(number, status="NEW", **more):
    return {"ID": str(number), "STATUS_ID": status, "SOURCE_ID": "WEB", "ASSIGNED_BY_ID": "7",
            "OPPORTUNITY": "3.00", "NAME": "Иван", "LAST_NAME": "Петров", "TITLE": "Иван",
            "DATE_CREATE": "2025-01-20T10:00:00+03:00"} | more  # fmt: skip


def test_phones_of_leads_join_calls_of_other_systems(tmp_path):
    phones = {"PHONE": [{"VALUE": "+7 (999) 123-45-67", "VALUE_TYPE": "WORK"}]}
    (tmp_path / "calls.csv").write_text(
        "phone,call time,direction\n79991234567,2025-02-03 10:00:00,in\n", "utf-8"
    )
    paths = [page(tmp_path, "leads", [lead(7, **phones), lead(8)]), tmp_path / "calls.csv"]
    log = read_export(paths, observed_until=UNTIL, time_zone="UTC")
    assert ["lead 7", "incoming_call"] in told(log) and log.removed.empty


def test_answers_to_a_batch_are_read_page_by_page(tmp_path):
    pages = {"page_0": [deal(1)], "page_1": [deal(2)]}
    batch = {"result": {"result": pages, "result_error": [], "result_total": {"page_0": 2}}}
    (tmp_path / "deals.json").write_text(json.dumps(batch), encoding="utf-8")
    assert read_export([tmp_path / "deals.json"]).leads["lead_id"].tolist() == ["1", "2"]


def test_where_leaves_out_a_deal_whatever_the_history_tells(tmp_path):
    moves = [move(n, 1, "NEW", kind=1) for n in (1, 2)]
    paths = [page(tmp_path, "deals", [deal(1, CATEGORY_ID="0"), deal(2, CATEGORY_ID="4")]),
             page(tmp_path, "moves", moves)]  # fmt: skip
    log = read_export(paths, mapping=Mapping(where={"CATEGORY_ID": "0"}))
    assert log.leads["lead_id"].tolist() == ["1"]
    assert "deals_not_listed" not in set(log.noticed["check"])


def test_leads_join_the_deals_they_became(tmp_path):
    closed = {"DATE_CLOSED": "2025-01-25T10:00:00+03:00"}
    leads = [
        lead(5, "CONVERTED", STATUS_SEMANTIC_ID="S", WEBFORM_ID="3", **closed),
        lead(6, "JUNK", STATUS_SEMANTIC_ID="F", **closed), lead(7), lead(8, "CONVERTED", **closed),
        lead(9, "JUNK", **closed),
    ]  # fmt: skip
    history = [
        {"ID": n, "TYPE_ID": 1 if status == "NEW" else 3, "OWNER_ID": owner, "STATUS_ID": status,
         "CREATED_TIME": f"2025-01-{day}T10:00:00+03:00", "STATUS_SEMANTIC_ID": semantic}
        for n, (owner, day, status, semantic) in enumerate([
            (5, 20, "NEW", "P"), (5, 25, "CONVERTED", "S"), (6, 20, "NEW", "P"),
            (6, 24, "JUNK", "F"), (8, 20, "NEW", "P"), (8, 25, "CONVERTED", "S")])
    ]  # fmt: skip
    acts = [act(1, 5, "CRM_WEBFORM", "1", of="1", day=1, CREATED="2025-01-20T10:00:30+03:00",
                START_TIME="2025-01-20T10:00:30+03:00"),
            act(2, 7, "VOXIMPLANT_CALL", "1", "2", of="1")]  # fmt: skip
    names = [
        {"ENTITY_ID": "STATUS", "STATUS_ID": "NEW", "NAME": "Не обработан"},
        {"ENTITY_ID": "STATUS", "STATUS_ID": "JUNK", "NAME": "Мусор"},
        {"ENTITY_ID": "DEAL_STAGE", "STATUS_ID": "NEW", "NAME": "Новая"},
        {"ENTITY_ID": "SOURCE", "STATUS_ID": "WEB", "NAME": "Сайт"},
    ]  # fmt: skip
    users = [{"ID": "7", "NAME": "Анна", "LAST_NAME": "Ким", "ACTIVE": True, "EMAIL": "a@b.ru"}]
    paths = [
        page(tmp_path, "deals", [deal(1, LEAD_ID="5", WEBFORM_ID="3")]),
        page(tmp_path, "leads", leads), page(tmp_path, "history", {"items": history}),
        page(tmp_path, "acts", acts), page(tmp_path, "statuses", names),
        page(tmp_path, "users", users),
    ]  # fmt: skip
    log = read_export(paths, observed_until=UNTIL)
    facts = log.leads.set_index("lead_id")
    assert facts["status"].fillna("?").to_dict() == {
        "1": "open", "lead 6": "lost", "lead 7": "open", "lead 8": "?", "lead 9": "lost",
    }  # fmt: skip
    assert day_of(log)["lead 6"] == 24 and day_of(log)["lead 9"] == 25
    assert facts["stage"].to_dict() == {
        "1": "Новая", "lead 6": "Мусор", "lead 7": "Не обработан",
        "lead 8": "CONVERTED", "lead 9": "Мусор"}  # fmt: skip
    assert facts.loc["lead 7", ["source", "manager"]].tolist() == ["Сайт", "Анна Ким"]
    of_deal = [a for i, a in told(log) if i == "1"]
    assert of_deal == ["form_sent", "stage: Не обработан", "stage: CONVERTED", "deal_created"]
    assert ["lead 7", "incoming_call"] in told(log)
    assert log.removed.set_index("reason").loc["told_twice", "rows"] == 1
    assert "Петров" not in log.leads.astype(str).to_csv()


def test_leads_of_items_are_told_by_their_type(tmp_path):
    rows = [
        {"id": 5, "stageId": "JUNK", "assignedById": 7, "opportunity": 3, "entityTypeId": 1,
         "createdTime": "2025-02-01T10:00:00+03:00", "movedTime": "2025-02-04T10:00:00+03:00"},
        {"id": 5, "stageId": "C1:NEW", "assignedById": 7, "opportunity": 3, "entityTypeId": 2,
         "createdTime": "2025-02-01T10:00:00+03:00", "movedTime": "2025-02-04T10:00:00+03:00"},
    ]  # fmt: skip
    log = read_export([page(tmp_path, "items", {"items": rows})], observed_until=UNTIL)
    assert log.leads.set_index("lead_id")["status"].to_dict() == {"5": "open", "lead 5": "lost"}
    assert day_of(log) == {"5": 0, "lead 5": 4}


def test_the_export_of_leads(tmp_path):
    path = write_rows(
        tmp_path, '"ID";"Статус";"Название лида";"Ответственный";"Дата создания";"Источник";',
        '"5";"Некачественный лид";"Иван";"Анна";"01.02.2025 10:00:00";"Сайт";',
        '"6";"В работе";"Иван";"Анна";"13.02.2025 10:00:00";"Сайт";',
        '"7";"Качественный лид";"Иван";"Анна";"13.02.2025 10:00:00";"Сайт";',
    )  # fmt: skip
    log = read_export([path])
    assert log.leads["status"].fillna("?").tolist() == ["lost", "open", "?"]
    assert log.leads["lead_id"].tolist() == ["lead 5", "lead 6", "lead 7"]
    assert [a for _, a in told(log)] == ["lead_created"] * 3


def test_further_columns_of_leads_are_kept_or_named_as_personal(tmp_path):
    log = read_export(write_rows(
        tmp_path, "ID;Статус;Дата создания;Название лида;Рабочий телефон;Регион;Комментарий",
        "1;Новый;01.02.2025 10:00:00;Заявка Ивана;+79991234567;Урал;звонить Ивану",
    ), time_zone="UTC")  # fmt: skip
    assert log.leads["Регион"].tolist() == ["Урал"]
    named = log.noticed.set_index("check").loc["personal_columns", "example"]
    assert named.startswith("title: ")
    assert {"Название лида", "Рабочий телефон", "Комментарий"} <= {*named[7:].split(", ")}


def test_no_table_of_another_crm_and_no_plain_one_is_taken_for_bitrix24():
    kinds = CRMS["bitrix24"].KINDS
    plain = ["lead_id", "id", "at", "action", "status", "stage", "created", "manager", "amount"]
    assert recognise(RawTable("x", pd.DataFrame(columns=plain)), kinds) == []
    assert_told_apart("bitrix24")


def test_the_shared_examples_are_read():
    if not SHARED.exists():
        pytest.skip("../shared is not there")
    folder = SHARED / "bitrix24"
    leads = read_export([folder / "SYNTHETIC_deals_export.csv"]).leads
    assert leads["status"].tolist() == ["open", "won"] and leads["amount"].tolist() == [75e3, 20e3]
    assert leads["currency"].tolist() == ["RUB", "RUB"]
    names = ["deal_list_response_doc_example", "stagehistory_list_response_doc_example"]
    log = read_export([folder / f"{n}.json" for n in names])
    assert len(log.leads) == 7 and log.leads["status"].eq("open").all()


def test_rows_of_products_are_summed_and_other_rows_of_a_deal_are_not(tmp_path):
    head = "ID;Стадия сделки;Дата создания;Группа стадий;Сумма;Товар\n"
    rows = [(1, "Новая", 100, "A"), (1, "Новая", 100, "B"), (2, "Новая", 100, ""),
            (2, "В работе", 150, ""), (3, "Новая", 70, "A"), (3, "Новая", 30, "B")]  # fmt: skip
    text = "".join(f"{n};{stage};01.02.2025;;{amount};{product}\n"
                   for n, stage, amount, product in rows)  # fmt: skip
    log = read_export(write_rows(tmp_path, head + text))
    amounts = log.leads.set_index("lead_id")["amount"]
    assert amounts["1"] == 200 and amounts["3"] == 100
    assert amounts["2"] in (100, 150)  # two states of one deal are not summed
    assert log.removed.set_index("reason").loc["lead_row_repeated", "rows"] == 1
