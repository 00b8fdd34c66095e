"""Texts as outcomes, currencies, people and encodings, in cases typed by hand."""

import pandas as pd
import pytest

from funnel_lib.reading.cells.currencies import name_currencies, split_header
from funnel_lib.reading.cells.outcomes import learn_ends, read_ends, take_given_outcomes
from funnel_lib.reading.cells.people import hide_persons, hide_within
from funnel_lib.reading.columns import Mapping, names_lead
from funnel_lib.reading.files.delimited import detect_encoding, to_utf8
from funnel_lib.reading.files.headers import check_shape
from funnel_lib.reading.files.html_tables import find_charset, is_html
from funnel_lib.reading.ledger import Ledger


def test_outcomes_the_user_gives_are_known_by_names_in_any_capitals():
    stage = pd.Series([" Оплата", "Отказ"])
    assert take_given_outcomes(stage, {"оплата": "won"}).tolist()[0] == "won"
    assert take_given_outcomes(stage, {"оплата": "won"}).isna().tolist() == [False, True]


def test_flags_are_outcomes_as_far_as_they_decide():
    won, lost = pd.Series([1, 0, 0, 0]), pd.Series([None] * 4)
    found = read_ends(won, lost, pd.Series([1, 1, 0, None]))
    assert found[:3].tolist() == ["won", "lost", "open"] and pd.isna(found[3])


def test_a_stage_whose_deals_differ_teaches_nothing():
    stage, status = pd.Series(list("AABB")), pd.Series(["won", None, "open", "lost"])
    assert learn_ends(stage, status).to_dict() == {"A": "won"}


def test_currencies_by_name_symbol_and_header():
    names = pd.Series(["Российский рубль", "US Dollar", "eur", "Баллы", None])
    assert name_currencies(names).tolist()[:4] == ["RUB", "USD", "EUR", "Баллы"]
    assert split_header("Бюджет ₽") == ("Бюджет", "RUB")
    assert split_header("Amount (USD)") == ("Amount", "USD")


def test_people_are_hidden_within_texts_and_among_accounts():
    frame = pd.DataFrame({"loss_reason": ["дорого, звоните +7 999 123-45-67", "a@b.ru"]})
    assert hide_within(frame)["loss_reason"].tolist() == ["дорого, звоните …", "…"]
    names = pd.Series(["ИП Сидоров А.А.", "ООО Ромашка", "ИП Сидоров А.А."])
    assert hide_persons(names).tolist() == ["person 1", "ООО Ромашка", "person 1"]


def test_a_column_of_leads_says_so():
    assert not names_lead(["ID", "Phone"], Mapping())
    assert names_lead(["Deal ID", "Score"], Mapping())


SHORT = "ID сделки;Дата\n7;Заявка\n"
GERMAN, FRENCH = "ID;Datum;Straße\n7;x;Größe\n", "ID;Date;Étape\n7;x;Créé\n"


@pytest.mark.parametrize("encoding", ["cp1251", "koi8_r", "mac_cyrillic", "cp866"])
@pytest.mark.parametrize("text", ["Дата;Сумма\n1;2\n", SHORT, SHORT * 500])
def test_an_old_russian_encoding_is_detected_by_one_line_or_many(text, encoding):
    assert detect_encoding(text.encode(encoding)) == encoding
    assert to_utf8(text.encode(encoding)).decode() == text


@pytest.mark.parametrize("text", [GERMAN, FRENCH, GERMAN * 300, FRENCH * 300, "Café – €5 “x”\n"])
def test_an_old_european_encoding_is_detected(text):
    assert to_utf8(text.encode("cp1252")).decode() == text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_wide_texts_are_read_with_and_without_a_mark(encoding):
    assert to_utf8(SHORT.encode(encoding)).decode() == SHORT


def test_web_pages_are_known_by_their_beginning_and_name_their_encoding():
    assert is_html(b"<!DOCTYPE html><html>")
    assert not is_html(b"<DATE>;<OPEN>") and not is_html(b"<log>")
    page = b'<meta http-equiv="Content-type" content="text/html;charset=windows-1251">'
    assert find_charset(page) == "windows-1251"


def test_a_table_too_wide_is_refused():
    with pytest.raises(ValueError, match="16,384 columns, more than 5,000: keep the columns"):
        check_shape(1_048_576, 16_384, 2)


def test_a_ledger_keeps_its_order_and_says_nothing_of_nothing():
    ledger, later = Ledger(), Ledger()
    later.note("empty_file", 1, 4, "warning", "a.csv")
    ledger.note_cells("outcome_unknown", pd.Series(["x", "y", "x"]), [True, False, True])
    ledger.note("merged_deals", 0, 3)
    ledger.count_removed("lone_text", 0)
    ledger.add(later)
    assert ledger.noticed[["check", "n_rows", "example"]].values.tolist() == [
        ["outcome_unknown", 2, "x"], ["empty_file", 1, "a.csv"],
    ]  # fmt: skip
    calls = pd.DataFrame({"about": ["phone", "lead"], "about_id": ["999", "7"], "at": ["b", "a"]})
    assert ledger.leave_out("no_match", calls, [True, True]).empty
    # a phone is nobody's business
    assert ledger.removed.values.tolist() == [["events", "no_match", 2, "lead 7 · a; phone · b"]]
