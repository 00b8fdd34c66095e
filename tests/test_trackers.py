"""Tables that people keep by hand, as they are: small ones, each with its truth."""

import pandas as pd
import pytest
import xlsxwriter

from funnel_lib.core.errors import InputError
from funnel_lib.core.steps import parse_steps
from funnel_lib.core.words import Words, asking
from funnel_lib.counting.checks import check_log
from funnel_lib.reading.cells.outcomes import infer_outcomes, read_outcomes
from funnel_lib.reading.export import read_export
from funnel_lib.sections.new_funnel.draft import draft_steps
from funnel_lib.sections.quality.conclusions import tell_conclusions

TRACKER = """№;Дата обращения;Менеджер;Дата замера;Дата договора;Сумма договора;Статус заявки
1;12.01.2025;Анна;15.01.25;-;100 т.р.;Купил у других
2;2025-01-13 00:00:00;Анна;2025-01-20 00:00:00;25.01.2025;1 200,50 ₽;✅ Оплатил
3;14.01.2025;Борис;не нужен;-;50 000;Думает
№;Дата обращения;Менеджер;Дата замера;Дата договора;Сумма договора;Статус заявки
4;15.01.2025;Борис;–;-;70 000;Передумал
ИТОГО;;;;;221 200,5;
"""


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def checks_of(log):
    return check_log(log).set_index("check")["example"]


def test_a_tracker_is_read_as_its_keeper_means_it(tmp_path):
    log = read_export(write(tmp_path / "t.csv", TRACKER))
    leads = log.leads.astype({"lead_id": "str"})
    assert leads["lead_id"].tolist() == ["1", "2", "3", "4"]  # no total, no second header
    assert leads["status"].tolist() == ["lost", "won", "open", "lost"]
    assert leads["amount"].tolist() == [100_000, 1200.5, 50_000, 70_000]
    actions = log.events["action"].astype("str").value_counts().to_dict()
    assert actions == {"deal_created": 4, "Дата замера": 2, "Дата договора": 1}
    told = checks_of(log)
    assert told["unreadable_cells"] == "не нужен" and told["no_deal"] == "row 5, row 7"
    line = 'won: ["✅ Оплатил"], lost: ["Купил у других", "Передумал"], open: ["Думает"]'
    assert line in told["outcome_by_word"]
    assert any(line in told for told in tell_conclusions(log, Words("ru")))


@pytest.mark.parametrize(("word", "outcome"), [
    ("ушёл к конкуренту", "lost"), ("Bought from a competitor", "lost"), ("купил", "won"),
    ("Won ✅", "won"), ("Успех", "won"), ("Ждём оплату", "open"),
    ("Перенесён на другой месяц", None),
])  # fmt: skip
def test_a_purchase_from_others_is_a_loss_and_pictures_are_no_words(word, outcome):
    (read,) = read_outcomes(pd.Series([word]))
    assert read == outcome or (pd.isna(read) and outcome is None)
    assert infer_outcomes(pd.Series(["✅ Closed Won", "Lost ❌"])).tolist() == ["won", "lost"]


TICKS = """Дата,Телефон,Дозвон,Оплата,Создал,История,Сумма
12.01.2025,89001112233,да,+,Анна Ли Jan 12; 2025,"12.01 звонок, 15.01 КП",5
13.01.2025,89001112234,нет,,Анна Ли Jan 13; 2025,"13.01 звонок, 14.01 отказ",5
14.01.2025,89001112235,+,-,Анна Ли Jan 14; 2025,звонок,5
"""


def test_steps_that_cannot_be_read_are_named(tmp_path):
    log = read_export(write(tmp_path / "t.csv", TICKS.replace(";", "")))
    assert checks_of(log)["steps_not_read"] == "Дозвон, Оплата, История"
    assert any("Дозвон, Оплата" in told for told in tell_conclusions(log, Words("ru")))


def test_a_record_made_is_never_the_sale(tmp_path):
    with asking("ru"):
        draft = draft_steps(read_export(write(tmp_path / "t.csv", TICKS)))
    assert parse_steps(draft).won == "paid" and "лидов: 3" in draft
    assert "events of" not in draft


def test_the_dates_of_a_list_are_steps_whoever_began_them(tmp_path):
    text = TRACKER.replace("Дата замера", "Дата встречи")
    steps = parse_steps(draft_steps(read_export(write(tmp_path / "t.csv", text))))
    assert [s.id for s in steps.steps][:3] == ["deal_created", "Дата встречи", "Дата договора"]


LOG = """Дата;Телефон;Что сделали;Сумма
12.01.2025;79001112233;Заявка;
13.01.2025;79001112233;Встреча;
14.01.2025;79001112233;Оплата;120 т.р.
12.01.2025;79001112234;Заявка;
13.01.2025;79001112234;Отказ;
"""


def test_a_journal_of_actions_is_one_of_the_clients_it_is_about(tmp_path):
    log = read_export(write(tmp_path / "t.csv", LOG))
    assert len(log.leads) == 2 and len(log.events) == 5
    with pytest.raises(InputError, match="action"):  # and never a list of five deals
        read_export(write(tmp_path / "t.csv", LOG.replace("Что сделали", "Суть")))


def write_book(path, sheets):
    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for n, row in enumerate(rows):
                sheet.write_row(n, 0, row)
    return path


def test_sheets_of_the_same_columns_are_one_table(tmp_path):
    head = ["№", "Дата заявки", "Дата оплаты", "Чек", "Статус"]
    one = [["1", "12.01.2025", "15.01.2025", "5", "оплата"], ["2", "13.01.2025", "", "6", "отказ"]]
    two = [["1", "02.02.2025", "", "7", "в работе"]]
    book = {"Январь": [head, *one], "Февраль": [head, *two], "Все": [head, *one, *two],
            "Свод": [["Месяц", "Заявок"], ["Январь", "2"]]}  # fmt: skip
    log = read_export(write_book(tmp_path / "b.xlsx", book))
    assert log.leads["status"].tolist() == ["won", "lost", "open"]
    assert log.leads["sheet"].tolist() == ["Январь", "Январь", "Февраль"]
    told = checks_of(log)
    assert told["sheets_joined"] == "Январь, Февраль"
    assert "Все" in told["sheet_not_read"] and "Свод" in told["sheet_not_read"]
    assert len(read_export(tmp_path / "b.xlsx", sheet="Январь").leads) == 2
