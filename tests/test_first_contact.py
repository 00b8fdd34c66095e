"""First contact: whatever the export, a right report or the right next step.

Each kind of trouble is tried with the case that showed it (../shared/cases, where it is there) and
with further ones of its kind.
"""

import os
from pathlib import Path

import pandas as pd
import pytest
from odd_crms import try_out

import funnel_lib as fl
from funnel_lib.core.errors import InputError
from funnel_lib.core.steps import parse_steps
from funnel_lib.core.words import Words
from funnel_lib.counting.checks import check_log
from funnel_lib.reading.cells.numbers import read_numbers
from funnel_lib.reading.cells.outcomes import read_outcomes
from funnel_lib.reading.cells.times import read_times
from funnel_lib.reading.columns import Mapping, read_mapping
from funnel_lib.reading.export import read_export
from funnel_lib.reading.lexicon import find_meaning
from funnel_lib.sections.quality.conclusions import tell_conclusions

STEPS = """version: 1
steps:
  - {id: request, evidence: [form_sent]}
  - {id: answered, evidence: [reply]}
  - {id: paid, evidence: [invoice_paid]}
won: paid
lost: [deal_lost]
"""


@pytest.fixture
def case(root):
    """The folder of one case, which is no part of the project."""

    def find(name: str) -> Path:
        cases = os.environ.get("FUNNEL_CASES", root.parent / "shared" / "cases")
        folder = Path(cases, name)
        if not folder.is_dir():
            pytest.skip(f"no cases in {folder.parent}; name their folder in FUNNEL_CASES")
        return folder

    return find


@pytest.fixture
def write(tmp_path):
    """Write a file of a text, or of bytes."""

    def to(name: str, text: str | bytes) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return to


def audit_of(events, steps, **settings):
    return fl.build_audit(events, steps=steps, segments="none", lang="en", **settings)


def statuses(audit) -> dict[str, str]:
    leads = audit.tables["leads"]
    return dict(zip(leads["lead_id"].astype("str"), leads["status"].astype("str"), strict=True))


def checks_of(log) -> dict[str, str]:
    return check_log(log).set_index("check")["example"].to_dict()


def problems_of(call, *given, **named) -> str:
    with pytest.raises(InputError) as caught:
        call(*given, **named)
    return str(caught.value)


# --- 3. what belongs to whom


def test_the_price_of_a_view_is_no_money(case, write):
    folder = case("price_of_a_view_is_money")
    mapping, steps = str(folder / "mapping.yml"), str(folder / "steps.yml")
    events = str(folder / "events.csv")
    assert audit_of(events, steps, mapping=mapping).log.leads["amount"].isna().all()
    own = write("own.yml", "columns: {lead_id: user_id}\nlead_columns: {amount: sum}\n")
    audit = audit_of(events, steps, mapping=own)
    assert audit.tables["value"]["amount_won"].tolist() == [560.0]


def test_the_status_of_an_event_is_no_outcome(case):
    folder = case("event_status_is_lead_outcome")
    audit = audit_of(str(folder / "events.csv"), str(folder / "steps.yml"))
    assert statuses(audit) == {"1": "lost", "2": "open", "3": "won", "4": "open"}


@pytest.mark.parametrize(
    ("header", "cells"),
    [("status", "success"), ("Результат", "успешно"), ("outcome", "failed"), ("Deal value", "900"),
     ("Сумма", "1 000,50 ₽"), ("Closed", "2025-01-09")],
)  # fmt: skip
def test_columns_of_events_stay_the_events_and_are_told(write, header, cells):
    path = write("e.csv", f"lead_id;at;action;{header}\n1;2025-01-01;form_sent;{cells}\n"
                          f"1;2025-01-03;reply;{cells}\n2;2025-01-02;form_sent;\n")  # fmt: skip
    log = read_export(path)
    assert log.leads[["status", "amount", "closed_at"]].isna().all(axis=None)
    assert header in checks_of(log)["event_outcomes"]
    assert log.events[header].notna().sum() == 2


def test_the_first_or_last_of_a_column_of_events_is_the_leads_where_the_mapping_says_so(write):
    path = write("e.csv", "lead_id,at,action,status,amount\n1,2025-01-01,a,open,5\n"
                          "1,2025-01-02,b,won,7\n2,2025-01-02,a,lost,\n")  # fmt: skip
    log = read_export(path, mapping=Mapping(lead_columns={"status": "last", "amount": "first"}))
    assert log.leads["status"].tolist() == ["won", "lost"]
    assert log.leads["amount"].tolist()[:1] == [5.0]
    wrong = write("m.yml", "lead_columns: {status: sum}\n")
    assert "only an amount can be a sum" in problems_of(
        fl.build_audit, path, mapping=wrong, steps=write("s.yml", STEPS)
    )


def test_conditions_see_the_amount_of_an_event(write):
    path = write("e.csv", 'lead_id,at,action,amount\n1,2025-01-01,form_sent,\n'
                          '1,2025-01-02,pay,"1 000,00"\n2,2025-01-01,form_sent,\n'
                          '2,2025-01-02,pay,"-1 000,00"\n')  # fmt: skip
    steps = STEPS.replace("[invoice_paid]", '[{action: pay, where: "amount > 0"}]')
    assert statuses(audit_of(path, write("s.yml", steps))) == {"1": "won", "2": "open"}


def test_generic_columns_are_no_crm(case):
    log = read_export(str(case("false_crm_loses_acts")))
    assert log.leads["lead_id"].tolist() == ["L1", "L2"]
    assert log.events["action"].value_counts().to_dict() == {"Call": 2, "Demo": 1}
    assert log.leads["source"].tolist() == ["Referral", "Webinar"]


SNAPSHOT = """OpportunityId,{name},StageName,Amount,Probability,CreatedDate,CloseDate
006A00000000001,One,Closed Won,350,100,2023-01-26 15:15:00,2023-10-30
006A00000000002,Two,Closed Lost,50,0,2023-02-21 09:00:00,2023-09-30
006A00000000003,Three,Proposal,75,60,2023-03-21 09:00:00,2023-12-31
"""


def test_a_table_of_deals_is_no_history(case, write):
    paths = [str(case("snapshot_as_history") / "opportunities.csv")]
    paths += [write("a.csv", SNAPSHOT.format(name=n)) for n in ("AccountId", "OwnerId")]
    for path in paths:
        log = read_export(path)
        assert log.leads["status"].tolist() == ["won", "lost", "open"]
        assert log.leads["amount"].notna().all()
        assert log.leads["closed_at"].notna().tolist() == [True, True, False]
        assert set(log.events["action"]) == {"deal_created"}
    history = write("h.csv", SNAPSHOT.format(name="CreatedById"))
    assert set(read_export(history).events["action"]) > {"stage: Proposal"}


LEADS_OF_CRM = """Lead ID,Lead Status,Lead Owner,Lead Source,Create Date
{0},Working,Ann,Web,2025-02-01
{1},Working,Ann,Web,2025-02-02
"""


def test_plain_tables_beside_a_crm_keep_their_ids(write):
    ids = ("00Q000000000001", "00Q000000000002")
    leads = write("leads.csv", LEADS_OF_CRM.format(*ids))
    acts = write("acts.csv", f"lead_id,at,action\n{ids[0]},2025-02-03,reply\n")
    facts = write("facts.csv", f"lead_id,team,amount\n{ids[1]},North,5\n")
    log = read_export([leads, acts, facts])
    named = [f"lead {i}" for i in ids]
    assert log.leads["lead_id"].tolist() == named
    assert log.leads["team"].tolist()[1] == "North" and log.leads["amount"].tolist()[1] == 5
    assert log.events.query("action == 'reply'")["lead_id"].tolist() == named[:1]


def test_a_mapping_for_plain_tables_does_not_disarm_a_reader(write):
    day = "2025-02-01T10:00:00+03:00"
    head = "ID,STAGE_ID,STAGE_SEMANTIC_ID,OPPORTUNITY,DATE_CREATE\n"
    deals = write("deals.csv", f"{head}1,NEW,P,5,{day}\n2,WON,S,7,{day}\n")
    acts = write("acts.csv", "ID,DATE_CREATE,what\n1,2025-02-03T10:00:00+03:00,reply\n")
    mapping = Mapping(columns={"lead_id": "ID", "at": "DATE_CREATE", "action": "what"})
    log = read_export([deals, acts], mapping=mapping)
    assert log.leads["status"].tolist() == ["open", "won"]
    assert log.events["action"].astype("str").tolist() == ["deal_created", "reply", "deal_created"]


# --- 4. ends and order of stages

B2B = str(Path(__file__).parent.parent / "data" / "steps" / "b2b.yml")


def stages_of(audit) -> dict[str, float]:
    table = audit.tables["pipeline"].query("story == 'stages' and rule == 'passed'")
    return dict(zip(table["step"], table["n_reached"], strict=True))


def skipped(audit) -> float:
    checks = audit.tables["pipeline_checks"].set_index("check")["n_deals"]
    return checks["stage_skipped"]


def test_a_lost_end_is_known_by_the_outcome_of_its_moves(case):
    audit = audit_of(str(case("bitrix_lose_is_a_stage")), B2B)
    told = stages_of(audit)
    assert list(told.items())[:3] == [("NEW", 10), ("PREPARATION", 10), ("WON", 4)]
    assert skipped(audit) == 0
    assert "LOSE" in checks_of(audit.log)["stages_unnamed"]


def test_without_deals_of_two_stages_the_alphabet_is_no_order(case):
    audit = audit_of(str(case("stage_order_by_alphabet")), B2B)
    assert list(stages_of(audit))[:5] == [
        *("Prospecting", "Needs Analysis", "Value Proposition", "Negotiation/Review", "Closed Won")
    ]
    assert stages_of(audit)["Closed Won"] == 1


STAGES = (
    "lead_id,at,action\n1,2025-01-01,form_sent\n2,2025-01-01,form_sent\n3,2025-01-01,form_sent\n"
)


@pytest.mark.parametrize(
    ("names", "order"),
    [(["Оплачено", "КП отправлено", "Новая заявка"], ["Новая заявка", "КП отправлено", "Оплачено"]),
     (["Delta", "Alpha", "Beta"], []), (["Beta", "Proposal sent", "Alpha"], ["Proposal sent"])],
)  # fmt: skip
def test_single_stages_stand_in_the_order_of_their_steps_or_in_none(write, names, order):
    moves = "".join(f"{n},2025-01-02,stage: {name}\n" for n, name in enumerate(names, 1))
    audit = audit_of(write("e.csv", STAGES + moves), write("s.yml", STEPS))
    assert [s for s in stages_of(audit) if s in names] == order


def test_a_second_won_stage_is_an_end(write):
    moves = [f"propertiesWithHistory.dealstage.{n}" for n in (0, 1)]
    own = ("dealstage", "createdate", "hs_is_closed_won", "hs_is_closed", "closedate")
    names = ["id", "pipeline", "createdAt", *(f"properties.{c}" for c in own)]
    rows = [",".join([*names, *(f"{m}.{c}" for m in moves for c in ("value", "timestamp"))])]
    day = "2025-01-0{}T10:00:00Z"
    for n in range(8):
        end = "closedwon" if n < 5 else "selfserve"
        rows.append(f"{n},x,{day.format(1)},{end},{day.format(1)},true,true,{day.format(4)},"
                    f"{end},{day.format(4)},new,{day.format(1)}")  # fmt: skip
    stages = ("stage_id,label,pipeline_id,is_closed,probability\nnew,New,x,false,0.1\n"
              "closedwon,Closed Won,x,true,1\nselfserve,Won - self-serve,x,true,1\n")  # fmt: skip
    audit = audit_of([write("d/deals.csv", "\n".join(rows)), write("d/stages.csv", stages)], B2B)
    told = stages_of(audit)
    assert told["New"] == 8 and told["Closed Won, Won - self-serve"] == 8
    assert skipped(audit) == 0


def test_several_pipelines_are_told_and_one_can_be_chosen(write):
    leads = write("l.csv", "lead_id,pipeline\n1,Retail\n2,Retail\n3,B2B\n")
    events = write("e.csv", STAGES)
    audit = audit_of(events, write("s.yml", STEPS), leads=leads)
    assert '--only "pipeline=Retail"' in " ".join(fl.tell.tell_export(
        audit.log, audit.words(), audit.journeys))  # fmt: skip
    alone = audit_of(events, write("t.yml", STEPS), leads=leads, only=["pipeline=B2B"])
    assert len(alone.tables["leads"]) == 1
    assert "pipeline" not in " ".join(fl.tell.tell_export(
        alone.log, alone.words(), alone.journeys))  # fmt: skip


# --- 1. no steps file needed


def draft_of(path, **named):
    return fl.draft_steps(read_export(path, **named))


def rows_of(*journeys: str) -> str:
    """Events of leads, each a text of actions, a day each; times a factor: "3 x a b"."""
    lines, lead = ["lead_id,at,action"], 0
    for journey in journeys:
        n, _, actions = journey.partition(" x ")
        for _ in range(int(n)):
            lead += 1
            lines += [f"{lead},2025-01-{day:02} 10:00:{lead % 60:02},{action}"
                      for day, action in enumerate(actions.split(), 1)]  # fmt: skip
    return "\n".join(lines)


def test_the_sale_is_never_an_error(case):
    steps = parse_steps(draft_of(str(case("draft_sale_is_an_error") / "events.csv")))
    assert steps.won == "purchase" and "payment_error" not in steps.ids


@pytest.mark.parametrize(
    ("sale", "trouble"),
    [("order_paid", "payment_declined"), ("оплата_получена", "отказ_в_оплате"),
     ("invoice_paid", "payment_cancelled"), ("purchase", "checkout_failed"),
     ("оплатил", "ошибка_оплаты")],
)  # fmt: skip
def test_a_failure_is_no_step(write, sale, trouble):
    text = rows_of(f"9 x form_sent {sale} {trouble}", f"6 x form_sent {trouble}")
    steps = parse_steps(draft_of(write("e.csv", text)))
    assert steps.won == sale and trouble not in steps.ids


@pytest.mark.parametrize(
    "channels",
    [("form_sent", "incoming_call"), ("заявка_с_сайта", "входящий_звонок", "письмо_клиента")],
)
def test_channels_that_exclude_each_other_are_one_step(write, channels):
    rest = ("answered_client replied paid", "answered_client replied", "answered_client")
    text = rows_of(*(f"20 x {first} {others}" for first in channels for others in rest))
    steps = parse_steps(draft_of(write("e.csv", text)))
    assert {e.action for e in steps.steps[0].evidence} == {*channels}


def test_paths_that_exclude_each_other_stay_two_steps(write):
    text = rows_of("20 x form_sent requested_visit replied paid", "20 x incoming_call replied paid",
                   "20 x inbound_chat signed paid")  # fmt: skip
    steps = parse_steps(draft_of(write("e.csv", text)))
    assert len(steps.ids) > 4


@pytest.mark.parametrize("came_in", ["incoming_call", "письмо клиента", "Входящее письмо"])
def test_what_came_in_is_the_clients_and_no_ask(write, came_in):
    text = f"lead_id,at,action\n1,2025-01-01,{came_in}\n1,2025-01-02,исходящий звонок\n"
    steps = parse_steps(draft_of(write("e.csv", text + "1,2025-01-03,оплатил\n")))
    assert came_in in steps.ids and steps.won == "оплатил"
    assert all(came_in not in step.asks for step in steps.steps)


def test_an_audit_without_steps_takes_a_draft_and_says_so_first(write):
    text = rows_of("9 x form_sent replied paid zig", "9 x form_sent replied", "9 x form_sent zag")
    path = write("e.csv", text)
    audit = fl.build_audit(path, segments="none", lang="en")
    assert audit.steps.draft and audit.steps.won == "paid"
    first = fl.show_page_one(audit).tell()[0]
    assert "draft" in first and "of 5 different actions 2 were left out" in first
    assert audit.tables["value"]["n_won"].tolist() == [9]


def test_an_audit_without_steps_of_a_crm_takes_the_ready_ones(case, write):
    audit = fl.build_audit(str(case("bitrix_lose_is_a_stage")), segments="none", lang="ru")
    assert audit.steps.draft and audit.steps.won == "paid" and "reached" in audit.steps.ids
    assert "черновик" in fl.show_page_one(audit).tell()[0]


def test_the_command_leaves_the_draft_beside_the_report(write, tmp_path, funnel):
    path = write("e.csv", rows_of("9 x form_sent replied paid", "9 x form_sent"))
    assert funnel("audit", path, "--no-report", "--out", str(tmp_path / "out"))[0] == 0
    text = (tmp_path / "out" / "steps.yml").read_text(encoding="utf-8")
    assert "draft: true" in text and "18 events of 18 leads" in text
    assert parse_steps(text).won == "paid"


def test_a_draft_is_never_an_empty_file(write, funnel):
    code, out, err = funnel("steps", write("e.csv", "a,b\n1,2\n"))
    assert code == 2 and out.startswith("# ") and "no column" in err


# --- 6. words of status, and who acts


@pytest.mark.parametrize(
    ("words", "outcome"),
    [("Успешно реализована|Выиграно|Реализовано|Продажа состоялась|Оплачен полностью|Купила|"
      "Сделка выиграна|Won - renewal|Successfully closed|Purchased", "won"),
     ("Проиграно|Не реализовано|Провалена|Слив|Брак|Слита|Неуспешно|Отменена клиентом|Нецелевой|"
      "Спам|Дубль|Потеряна|Клиент отказался|Not interested|Dead|Disqualified|Junk Lead|"
      "Closed - Lost to competitor|Unsuccessful|Cancelled|Не купил", "lost"),
     ("В процессе|В работе у менеджера|Новая заявка|Ожидает оплаты|На рассмотрении|Думает|"
      "Переговоры|В процессе оплаты|Отложена|In Process|Working|Contacted|On hold|Qualified",
      "open"),
     ("Закрыта|Завершено|Частично оплачен|Closed|Архив|42", None)],
)  # fmt: skip
def test_words_of_status_are_known_by_their_stems(words, outcome):
    for word in words.split("|"):
        told = read_outcomes(pd.Series([word, word.upper()]))
        assert {None if pd.isna(t) else t for t in told} == {outcome}, word


def test_unknown_words_of_status_come_with_a_mapping_to_paste(write):
    events = write("e.csv", STAGES)
    leads = write("l.csv", "lead_id,status\n1,Закрыта\n2,Закрыта\n3,Архив: 7\n")
    example = checks_of(read_export(events, leads))["unreadable_status"]
    told, _, line = example.partition("; ")
    assert told == "Закрыта (2), Архив: 7 (1)"
    mapping = write("m.yml", line.replace("won: []", 'won: ["Закрыта"]').replace('"Закрыта", ', ""))
    log = read_export(events, leads, read_mapping(mapping))
    assert log.leads["status"].tolist() == ["won", "won", "open"]


def test_who_acts_is_told_by_the_names_of_managers_and_by_the_mapping(write):
    acts = ["a;Анна Ким", "b;клиент", "c;Система", "d;Отдел А"]
    rows = "".join(f"1;2025-01-0{day};{act}\n" for day, act in enumerate(acts, 1))
    events = write("e.csv", "lead_id;at;action;Кто\n" + rows)
    leads = write("l.csv", "lead_id;Ответственный\n1;Анна Ким\n")
    log = read_export(events, leads)
    assert log.events["actor"].astype(object).tolist()[:3] == ["manager", "client", "system"]
    assert "Отдел А" not in log.events["actor"].tolist() and "actor_unknown" in checks_of(log)
    mapping = Mapping(actor_values={"manager": ["отдел а"], "client": ["Система"]})
    told = read_export(events, leads, mapping).events["actor"].tolist()
    assert told == ["manager", "client", "client", "manager"]


# --- 5. texts


@pytest.mark.parametrize(
    "text",
    ["Jan 15, 2024 10:00 AM", "15-Jan-24 10:00", "15 января 2024 10:00", "15 янв. 2024 г., 10:00",
     "15 Jan, 2024 10:00:00", "Monday, January 15, 2024 10:00", "пн, 15 янв 2024 10:00",
     "15/Jan/2024 10:00", "Mon, 15 Jan 2024 13:00:00 +0300", "Jan 15th, 2024 10:00 am",
     "2024-Jan-15 10:00", "15 JANUARY 2024, 10:00", "45306.4166667", "45306,4166667"],
)  # fmt: skip
def test_months_have_names_and_spreadsheets_count_days(text):
    times, _ = read_times(pd.Series([text, text]))
    assert times.dt.round("s").dt.tz_localize(None).tolist() == [pd.Timestamp(2024, 1, 15, 10)] * 2


@pytest.mark.parametrize(
    ("text", "told"),
    [("2024-01-15 24:00", "2024-01-16"), ("15.01.2024 24:00:00", "2024-01-16"),
     ("Dec 31, 2024 24:00", "2025-01-01"), ("2024-01-15 24:01", None), ("31 Feb 2024", None),
     ("15 Foo 2024", None)],
)  # fmt: skip
def test_midnight_ends_a_day_and_what_is_no_date_stays_none(text, told):
    read = read_times(pd.Series([text]))[0][0]
    assert pd.isna(read) if told is None else read == pd.Timestamp(told, tz="UTC")


def test_the_cases_of_month_names_and_serials(case):
    log = read_export(str(case("month_names") / "log.csv"))
    assert {str(day) for day in log.events["at"].dt.date} == {"2024-01-15"}
    folder = case("month_names")
    leads = read_export(str(folder / "events.csv"), str(folder / "leads.csv")).leads
    assert leads["closed_at"].notna().tolist() == [True, True, False]
    log = read_export(str(case("merged_cells_xlsx") / "excel_serial_dates.csv"))
    assert [str(at)[:16] for at in log.events["at"]] == ["2025-01-01 12:00", "2025-01-02 12:00"]
    assert "excel_serials" in checks_of(log)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.5M", 1.5e6), ("5k", 5e3), ("1,5 млн", 1.5e6), ("10 тыс.", 1e4), ("10 тыс. руб.", 1e4),
     ("2 млрд ₽", 2e9), ("$40,000.00", 4e4), ("1 234 руб. 50 коп.", 1234.5), ("12%", None),
     ("USD 1,000.00 / EUR 900", None), ("от 5 до 7", None), ("3 mln", 3e6), ("1e5", 1e5)],
)  # fmt: skip
def test_amounts_have_magnitudes(text, number):
    read = read_numbers(pd.Series([text]))[0]
    assert pd.isna(read) if number is None else read == pytest.approx(number)


def test_the_case_of_magnitudes(case):
    folder = case("amount_magnitudes")
    log = read_export(str(folder / "events.csv"), str(folder / "leads.csv"))
    assert log.leads["amount"].sum() == 3_015_000


def test_currencies_of_cells_are_never_one_sum(write):
    leads = 'lead_id,status,amount\n1,won,"1 000 ₽"\n2,won,"$5,000.00"\n3,won,10 тыс. руб.\n'
    log = read_export(write("e.csv", STAGES), write("l.csv", leads))
    assert log.leads["currency"].tolist() == ["RUB", "USD", "RUB"]
    log = read_export(write("e.csv", STAGES), write("m.csv", 'lead_id,"Сумма, руб."\n1,5\n2,\n'))
    assert log.leads["currency"].tolist()[:2] == ["RUB", "RUB"] and log.leads["amount"][0] == 5
    words = "lead_id,amount,currency\n1,5,руб.\n2,6,RUB\n3,7,р.\n"
    log = read_export(write("e.csv", STAGES), write("n.csv", words))
    assert set(log.leads["currency"]) == {"RUB"}


def test_durations_are_clocks_in_conditions(case):
    folder = case("where_on_clock_duration")
    audit = audit_of(str(folder / "events.csv"), str(folder / "steps.yml"))
    leads = audit.tables["leads"]
    talked = leads.loc[leads["last_step"].isin(["talked", "paid"]), "lead_id"].tolist()
    assert {"1", "3", "4"} <= {*talked} and not {"5", "6"} & {*talked}
    assert "45 сек" in checks_of(audit.log)["unreadable_cells"]


def test_an_event_is_not_after_itself(case):
    folder = case("after_itself")
    audit = audit_of(str(folder / "events.csv"), str(folder / "steps.yml"))
    funnel = audit.tables["funnel_rules"].query("rule == 'any' and segment == 'all'")
    assert funnel.set_index("step")["n_reached"]["pv2"] == 2


def test_two_acts_of_one_time_are_after_each_other(write):
    text = "lead_id,at,action,n\n1,2025-01-01,view,1\n1,2025-01-01,view,2\n2,2025-01-01,view,1\n"
    steps = ("steps:\n  - {id: one, evidence: [view]}\n"
             '  - {id: two, evidence: [{action: "vi*", after: "v*"}]}\n'
             "  - {id: paid}\nwon: paid\n")  # fmt: skip
    audit = audit_of(write("e.csv", text), write("s.yml", steps))
    assert audit.tables["funnel"].set_index("step")["n_reached"]["two"] == 1


def test_two_encodings_in_one_file_are_read_and_told(write):
    head = "lead_id;at;action\n1;2025-01-01;Заявка с сайта\n".encode()
    log = read_export(write("e.csv", head + "2;2025-01-02;Оплата счёта\n".encode("cp1251")))
    assert sorted(log.events["action"]) == ["Заявка с сайта", "Оплата счёта"]
    assert "two_encodings" in checks_of(log)


def test_long_ids_of_a_workbook_are_told(tmp_path):
    frame = pd.DataFrame({"lead_id": [1234567890123456789, 1234567890123456788],
                          "at": "2025-01-01", "action": ["a", "b"]})  # fmt: skip
    frame.astype({"lead_id": float}).to_excel(tmp_path / "e.xlsx", index=False)
    assert checks_of(read_export(tmp_path / "e.xlsx"))["cut_ids"] == "lead_id"
    frame.astype({"lead_id": "str"}).to_excel(tmp_path / "t.xlsx", index=False)
    log = read_export(tmp_path / "t.xlsx")
    assert "cut_ids" not in checks_of(log) and log.leads["lead_id"].str.len().tolist() == [19, 19]


# --- 2. lists of deals: see test_lists_of_deals.py


@pytest.mark.parametrize(
    ("name", "statuses"),
    [("odoo", ["open", "won"]), ("dynamics", ["open", "won"]),
     ("opportunities", ["won", "lost", "open"])],
)  # fmt: skip
def test_the_cases_of_lists_of_deals(case, name, statuses):
    log = read_export(str(case("deal_list_message") / f"{name}.csv"))
    assert log.leads["status"].tolist() == statuses


def test_the_cases_of_other_crms_that_were_taken_for_known_ones(case):
    folder = case("crm_without_events_message")
    for name in ("suite", "z1"):
        log = read_export(str(folder / f"{name}.csv"))
        assert len(log.leads) == 2 and set(log.events["action"]) == {"deal_created"}
    log = read_export(str(case("several_plain_tables_message")))
    assert log.leads["status"].tolist()[0] == "won" and len(log.events) == 3


def test_a_crm_without_a_readable_date_says_what_it_was_taken_for(write):
    deals = "ID,STAGE_ID,STAGE_SEMANTIC_ID,OPPORTUNITY,DATE_CREATE\n1,NEW,P,5,вчера\n"
    told = problems_of(read_export, write("deals.csv", deals))
    assert "bitrix24 deals" in told and "вчера" in told and "--crm plain" in told


# --- 8. workbooks and folders

LOG = [["lead_id", "at", "action"], ["1", "2025-01-01", "form_sent"], ["2", "2025-01-02", "reply"]]
DASHBOARD = [["Total", "Won"], [10, 3]]


def book_of(path, **sheets):
    """A workbook of sheets by name, each rows of cells."""
    with pd.ExcelWriter(path, engine="xlsxwriter") as book:
        for name, rows in sheets.items():
            pd.DataFrame(rows).to_excel(book, sheet_name=name, index=False, header=False)
    return str(path)


def test_the_sheet_with_the_table_is_found_behind_a_dashboard(case, tmp_path):
    own = book_of(tmp_path / "a.xlsx", Обзор=DASHBOARD, Лог=LOG, Цены=DASHBOARD)
    for path in (case("workbook_dashboard_first") / "e4.xlsx", own):
        log = read_export(path)
        assert log.leads["lead_id"].tolist() == ["1", "2"]
    assert checks_of(log)["sheet_not_read"] == "a.xlsx (Обзор), a.xlsx (Цены)"


@pytest.mark.parametrize("sheet", ["Calls", "calls", "2"])
def test_a_sheet_can_be_chosen(tmp_path, sheet):
    calls = [LOG[0], ["7", "2025-03-01", "call"]]
    path = book_of(tmp_path / "a.xlsx", Log=LOG, Calls=calls)
    assert read_export(path, sheet=sheet).leads["lead_id"].tolist() == ["7"]
    told = problems_of(read_export, path, sheet="Deals")
    assert "no sheet 'Deals'" in told and "Log, Calls" in told


def test_merged_cells_are_filled_down(case, tmp_path):
    log = read_export(case("merged_cells_xlsx") / "e2.xlsx")
    assert log.leads["lead_id"].tolist() == ["1", "2"] and len(log.events) == 5
    with pd.ExcelWriter(tmp_path / "m.xlsx", engine="xlsxwriter") as book:
        sheet = book.book.add_worksheet("Log")
        for row, cells in enumerate([["A report", "", ""], *LOG, ["", "2025-01-04", "paid"]]):
            sheet.write_row(row + 2, 1, cells)
        sheet.merge_range(4, 1, 6, 1, "7")
    log = read_export(tmp_path / "m.xlsx")
    assert log.leads["lead_id"].tolist() == ["7"] and len(log.events) == 3


def test_several_tables_each_get_a_message(write):
    a, b = write("d/a.csv", "deal_id,colour\nD1,red\nD1,blue\n"), write("d/b.csv", "x,y\n1,2\n")
    told = problems_of(read_export, [a, b])
    assert "a.csv: no column tells the time (at)" in told and "'colour'" in told
    assert "b.csv: no column tells whose lead a row is" in told


# --- 9. messages

SMALL = "lead_id,at,action\n1,2025-01-01,form_sent\n1,2025-01-02,reply\n2,2025-01-02,form_sent\n"


@pytest.mark.parametrize(
    ("given", "told"),
    [("https://example.com/deals.csv", "nothing is fetched"), ("s.yml", "give it with --steps"),
     ("report.docx", "a .docx file is no table"), ("scan.pdf", "a .pdf file is no table")],
)  # fmt: skip
def test_what_is_no_table_is_called_by_its_name(write, given, told):
    path = given if "://" in given else write(given, STEPS)
    assert told in problems_of(read_export, path)


def test_swapped_files_are_told(write):
    events, leads = write("e.csv", SMALL), write("l.csv", "lead_id,manager\n1,Ann\n")
    told = problems_of(read_export, leads, events)
    assert "seem to be swapped" in told and "e.csv as the events" in told


def test_patterns_are_expanded(write, tmp_path):
    write("x/one.csv", SMALL)
    write("x/two.csv", SMALL.replace("1,", "7,").replace("2,20", "8,20"))
    assert len(read_export(str(tmp_path / "x" / "*.csv")).leads) == 4
    assert "no such file" in problems_of(read_export, str(tmp_path / "y" / "*.csv"))


@pytest.mark.parametrize("encoding", ["cp1251", "utf-16", "utf-8-sig", "utf-16-be"])
def test_a_steps_file_may_be_in_any_usual_encoding(write, encoding):
    text = STEPS.replace("id: request", "id: request, name: Оставил заявку").encode(encoding)
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    steps = fl.read_steps(write("s.yml", mark + text))
    assert steps.names("ru")["request"] == "Оставил заявку"


@pytest.mark.parametrize(
    ("line", "told"),
    [("\t- {id: x}", "write spaces"), ("  - id: Оплата: счёт", "needs quotes")],
)
def test_tabs_and_colons_of_yaml_are_explained(write, line, told):
    assert told in problems_of(fl.read_steps, write("s.yml", f"steps:\n{line}\nwon: x\n"))


def test_only_takes_the_users_own_header_and_offers_the_nearest_value(write):
    events, steps = write("e.csv", SMALL), write("s.yml", STEPS)
    leads = write("l.csv", "lead_id;Ответственный\n1;Анна Ким\n2;Борис\n")
    for only in ("Ответственный=Анна Ким", ["менеджер=Анна Ким"], "manager=Анна Ким"):
        assert len(audit_of(events, steps, leads=leads, only=only).tables["leads"]) == 1
    told = problems_of(audit_of, events, steps, leads=leads, only="менеджер=Ким")
    assert "did you mean Ким" in told or "Анна Ким" in told
    assert "did you mean Борис?" in problems_of(
        audit_of, events, steps, leads=leads, only="менеджер=Бориз"
    )


@pytest.mark.parametrize(
    ("zone", "near"), [("МСК", "Europe/Moscow"), ("msk", "Europe/Moscow"), ("UTC+3", "Etc/GMT-3")]
)
def test_usual_names_of_zones_are_offered(write, zone, near):
    assert near in problems_of(read_export, write("e.csv", SMALL), time_zone=zone)


def test_so_many_segments_are_refused(write):
    told = problems_of(fl.build_audit, write("e.csv", SMALL), segments="50",
                       steps=write("s.yml", STEPS))  # fmt: skip
    assert "choose at most 20" in told


def test_misspelt_evidence_is_told_on_page_one(write):
    text = rows_of("9 x form_sent reply Договор_подписан", "3 x form_sent")
    steps = STEPS.replace("[invoice_paid]", "[Договор_подписн]")
    audit = audit_of(write("e.csv", text), write("s.yml", steps))
    told = " ".join(fl.show_page_one(audit).tell())
    assert "'Договор_подписан' (9)" in told and "did you mean" in told


def test_a_sale_that_statuses_contradict_is_told_on_page_one(write):
    text = rows_of("9 x form_sent reply invoice_paid")
    statuses = [*["lost"] * 7, "won", "won"]
    leads = "lead_id,status\n" + "".join(f"{n},{s}\n" for n, s in enumerate(statuses, 1))
    audit = audit_of(write("e.csv", text), write("s.yml", STEPS), leads=write("l.csv", leads))
    assert "contradicts the statuses: 7 leads" in " ".join(fl.show_page_one(audit).tell())


def test_a_draft_left_in_is_told_on_page_one(write):
    steps = STEPS.replace("version: 1", "version: 1\ndraft: true")
    audit = audit_of(write("e.csv", SMALL), write("s.yml", steps))
    assert "`draft: true`" in fl.show_page_one(audit).tell()[0]


def test_messages_come_in_the_language_asked_for(write, funnel):
    path = write("e.csv", "a,b\n1,2\n")
    assert "ни один столбец не говорит" in funnel("check", path, "--lang", "ru")[2]
    assert "no column tells" in funnel("check", path)[2]


# --- 7. stage names: who is the subject, and what was done


@pytest.mark.parametrize(
    ("names", "kind"),
    [("Клиент описал задачу|Потребность сформулирована|Задача описана клиентом|ТЗ от клиента|"
      "Заказчик выбрал смету|Client described the need|"
      "Brief from client", "client"),
     ("Клиенту отправлен договор|Встреча с клиентом|Менеджер описал задачу|We described the need|"
      "Клиент думает|КП на рассмотрении у клиента|Договор отправлен менеджером|"
      "Обратная связь запрошена|Клиент приглашён|Client invited|Документы запрошены|"
      "Подписать договор|Получить оплату|"
      "Согласуем смету|Get approval|Запрос отзыва|Мастер выехал|Отправил счёт", "manager"),
     ("Запрошен расчёт|Попросил перезвонить|Booked a call|Ответ клиента|Client approval|"
      "Пришёл на приём|Отправил документы|Готов подписать|Клиент отправил документы", "client"),
     ("Запрошена|Ждём запись|Готово|В процессе|Pending", "unclear")],
)  # fmt: skip
def test_the_subject_of_a_name_tells_whose_act_it_is(names, kind):
    for name in names.split("|"):
        assert find_meaning(name).kind == kind, name


# --- whatever the export


@pytest.mark.parametrize("seed", range(12))  # `prove.py contact` tries many more
def test_odd_crms_give_a_report_or_a_message(tmp_path, seed):
    told = try_out(seed, tmp_path)
    assert told == "report" or len(told) > 40


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_what_check_cannot_take_for_the_leads_comes_with_a_line_to_paste(write, lang):
    events = write("e.csv", "lead_id,at,action,price\n1,2025-01-02,view,10\n1,2025-01-03,paid,7\n")
    leads = write("l.csv", "lead_id,status\n1,Закрыта\n")
    told = "\n".join(tell_conclusions(read_export(events, leads), Words(lang)))
    assert "lead_columns" in told and "{amount: sum}" in told
    assert "Закрыта (1)" in told and "status_values" in told
