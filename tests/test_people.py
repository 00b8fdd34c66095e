"""Personal data: found by header or cells; phones and tax numbers as keys."""

import pandas as pd
import pytest

from funnel_lib.reading.cells.people import bare_key, find_keys, find_personal

PERSONAL = [
    "Полное имя контакта", "Рабочий телефон", "Мобильный телефон", "Рабочий email", "E-mail",
    "Contact name", "First Name", "Last Name", "Phone", "Mobile Phone Number", "Deal Name",
    "Название сделки", "Примечание 2", "Комментарий", "Description", "Клиент", "Customer name",
    "Deal - Title", "Deal - Contact person", "Кем изменена", "ФИО", "ИНН", "VAT number", "Telefone",
    "Ответственный за контакт", "property_dealname", "Адрес", "NextStep", "next_step",
    "Decision_Maker__c", "decision_maker", "Deal - Decision maker", "Директор", "Подписант",
    "Instagram", "Покупатель", "Lead título", "Nota 1", "Modificado por", "Сообщение",
    "Message", "Street",
]  # fmt: skip
PLAIN = [
    "utm_source", "Регион", "Город", "Товар", "Название товара", "Product name", "Campaign name",
    "Contact ID", "ID контакта", "Associated Contact IDs", "Тип клиента", "Number of contacts",
    "Дата редактирования", "Сегмент клиента", "Вероятность", "Скидка", "Отрасль", "Pipeline name",
    "city", "Deal - Probability", "Теги",
]  # fmt: skip


@pytest.mark.parametrize("header", PERSONAL)
def test_a_header_of_personal_data_is_known(header):
    assert find_personal(pd.DataFrame({header: ["x"]})) == {header: "title"}


@pytest.mark.parametrize("header", PLAIN)
def test_a_header_of_a_deals_fact_is_kept(header):
    assert find_personal(pd.DataFrame({header: ["x"]})) == {}


@pytest.mark.parametrize(
    ("cells", "personal"),
    [
        (["a@b.ru", "c@d.com", None], True), (["+7 (999) 123-45-67", "8 912 000 00 00"], True),
        (["+380 44 123 45 67"], True), (["12345", "2025-01-01"], False),
        (["@home", "x"], False), (["1234567890", "9876543210", "5555555555"], True),
        ([None, None], False), (["да", "a@b.ru", "нет"], False),
        (["Петров Иван Сергеевич", "Сидорова А.А.", "И. И. Иванов"], True),
        (["Нижний Новгород", "Большой чайник", "Сэндвич"], False),
        (["Иван Петров", "Анна Ли", "Ann Lee"], True), (["Ann Lee", "site", "call"], False),
        (["1736000000"] * 2, False),
    ],
)  # fmt: skip
def test_cells_tell_what_the_header_does_not(cells, personal):
    assert [*find_personal(pd.DataFrame({"поле": pd.Series(cells, dtype="str")}))] == (
        ["поле"] if personal else []
    )


def test_a_field_without_a_name_is_what_its_cells_look_like():
    names = pd.DataFrame({"UF_CRM_1700000001": ["Петров Иван", "Ann Lee", None],
                          "UF_CRM_17": ["Сайт", "Звонок", None]})  # fmt: skip
    assert find_personal(names) == {"UF_CRM_1700000001": "name"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("+7 (495) 123-45-67 доб. 12", "4951234567"), ("4951234567 ext 7", "4951234567"),
        ("8 (999) 123-45-67", "9991234567"), ("+7 999 123 45 67", "9991234567"),
        ("79991234567", "9991234567"), ("9991234567.0", "9991234567"),
        ("123-45-67", "1234567"), ("доб. 12", None), ("+55 11 91234-5678", "1912345678"),
        ("", None),
    ],
)  # fmt: skip
def test_ways_of_writing_a_phone(text, key):
    found = bare_key(pd.Series([text], dtype="str", index=[5]), "phone")
    assert found.index.tolist() == [5] and (
        found.iloc[0] == key or (key is None and found.isna()[5])
    )


def test_several_phones_of_a_cell_and_of_several_columns_are_several_keys():
    frame = pd.DataFrame({
        "Phone": ["1234567, 7654321", None], "Мобильный телефон": ["1234567", "1"],
        "Phone ID": ["9999999", "9999999"],
    }, index=[4, 9])  # fmt: skip
    assert find_keys(frame, "phone").values.tolist() == [[4, "1234567"], [4, "7654321"]]
