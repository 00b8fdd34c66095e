"""Texts as outcomes, currencies, people, names and encodings, in cases typed by hand."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnel_lib.reading.cells.currencies import find_currency, name_currencies, split_header
from funnel_lib.reading.cells.numbers import bare_ids
from funnel_lib.reading.cells.outcomes import (
    learn_ends,
    read_ends,
    split_reason,
    take_given_outcomes,
)
from funnel_lib.reading.cells.people import bare_key, find_keys
from funnel_lib.reading.cells.times import read_durations, read_times
from funnel_lib.reading.columns import Mapping, bare_name, names_lead
from funnel_lib.reading.crms.kinds import read_flags
from funnel_lib.reading.files.delimited import detect_encoding, to_utf8
from funnel_lib.reading.files.headers import check_shape, name_columns
from funnel_lib.reading.files.html_tables import find_charset, is_html
from funnel_lib.reading.files.packing import Packer
from funnel_lib.reading.files.typed import EMPTY_WORDS, to_frame, to_texts
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
    assert split_header("Цена, руб.") == ("Цена", "RUB")
    assert split_header("Сумма сделки") == ("Сумма сделки", None)
    assert [find_currency(n) for n in ("Тенге", "₽", "points")] == ["KZT", "RUB", None]


def test_a_lost_stage_gives_its_reason_in_brackets():
    names, reasons = split_reason(pd.Series(["Perdido (caro)", "Demo (online)"]))
    assert names.tolist() == ["Perdido", "Demo (online)"]
    assert reasons[0] == "caro" and pd.isna(reasons[1])


def test_ids_flags_and_durations():
    assert bare_ids(pd.Series(["7.0", "8", None]))[:2].tolist() == ["7", "8"]
    assert bare_ids(pd.Series(["1.0", "a"])).tolist() == ["1.0", "a"]
    assert read_flags(pd.Series(["Y", "нет", "True", None]))[:3].tolist() == [1.0, 0.0, 1.0]
    lasted = read_durations(pd.Series(["75", "01:15", "1:00:05", "long", None]))
    assert lasted[:3].tolist() == [75.0, 75.0, 3605.0] and lasted[3:].isna().all()


def test_phones_and_tax_numbers_are_alike_however_written():
    phones = bare_key(pd.Series(["8 (999) 123-45-67", "+79991234567", "доб. 12"]), "phone")
    assert phones[:2].tolist() == ["9991234567"] * 2 and pd.isna(phones[2])
    taxes = bare_key(pd.Series(["ИНН 7701234567", "7701234567.0"]), "tax")
    assert taxes.tolist() == ["7701234567"] * 2
    cell = pd.DataFrame({"Phone": ["+7 (999) 123-45-67, 8 912 000-00-00"]})
    assert find_keys(cell, "phone").values.tolist() == [[0, "9991234567"], [0, "9120000000"]]


def test_a_name_is_bare_without_case_accents_and_numbers():
    names = ["Lead ID (2)", "lead_id", "Não", "счёт"]
    assert [bare_name(n) for n in names] == ["leadid", "leadid", "nao", "счет"]


def test_a_header_of_two_rows_is_one():
    rows = [["Отчёт"], ["ID", "Сделка", ""], ["", "Этап", "Сумма"]]
    assert name_columns(rows, 2) == ["ID", "Этап", "Сумма"]


def test_a_key_that_comes_up_late_is_missing_before():
    packer = Packer(100)
    packer.add({"a": "1"})
    packer.add({"b": "2", "c": None})
    assert packer.to_table().to_pylist() == [
        {"a": "1", "b": None, "c": None}, {"a": None, "b": "2", "c": None},
    ]  # fmt: skip


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


WAYS = [
    "{y:04d}-{m:02d}-{d:02d}", "{y:04d}-{m:02d}-{d:02d} {h:02d}:{i:02d}",
    "{y:04d}-{m:02d}-{d:02d}T{h:02d}:{i:02d}:{s:02d}",
    "{y:04d}-{m:02d}-{d:02d} {h:02d}:{i:02d}:{s:02d}.{f}",
    "{y:04d}-{m:02d}-{d:02d}T{h:02d}:{i:02d}:{s:02d}Z",
    "{y:04d}-{m:02d}-{d:02d} {h:02d}:{i:02d}{z}",
    "{y:04d}-{m:02d}-{d:02d}T{h:02d}:{i:02d}:{s:02d}.{f}{z}",
    "{d:02d}.{m:02d}.{y:04d}", "{d:02d}.{m:02d}.{y:04d} {h:02d}:{i:02d}",
    "{d:02d}.{m:02d}.{y:04d} {h:02d}:{i:02d}:{s:02d}",
]  # fmt: skip
MOMENTS = st.fixed_dictionaries({
    "y": st.sampled_from([1900, 1971, 2000, 2023, 2024, 2100, 2200, 9999]) | st.integers(0, 9999),
    "m": st.integers(0, 13), "d": st.integers(0, 32), "h": st.integers(0, 25),
    "i": st.integers(0, 61), "s": st.integers(0, 61),
    "f": st.text("0123456789", min_size=1, max_size=9),
    "z": st.sampled_from(["+03:00", "-0430", "+00:00", "+14:00", "-12:00", "+0530"]),
})  # fmt: skip
ODD = [
    "", "31.02.2025", "29.02.2024 10:00", "2023-02-29", "2025/01/05 10:00", "x025-01-01 10:00",
    "2025-01-01_10:00", "2025-01-01 24:00", "٢٠٢٥-01-01 10:00", "2025-01-01 1O:00", None,
]  # fmt: skip


@settings(max_examples=100)
@given(st.sampled_from(WAYS), st.lists(MOMENTS, min_size=1, max_size=12), st.sampled_from(WAYS),
       st.lists(st.sampled_from(ODD) | MOMENTS, max_size=5))  # fmt: skip
def test_times_of_one_layout_are_those_of_the_general_reader(way, moments, other, odd):
    texts = [way.format(**moment) for moment in moments]
    texts += [other.format(**o) if isinstance(o, dict) else o for o in odd]
    column = pd.Series(texts, dtype="str")
    times, zoned = read_times(column)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("funnel_lib.reading.cells.times.find_layout", lambda _: None)
        slowly, zoned_slowly = read_times(column)
    pd.testing.assert_series_equal(times, slowly)
    assert zoned.tolist() == zoned_slowly.tolist()


@pytest.mark.parametrize(
    "text",
    ["31.02.2025", "2025-02-29 10:00", "29.02.2100", "00.01.2025", "2025-01-01 24:01"],
)
def test_a_day_or_a_clock_that_is_not_there_is_no_time(text):
    usual = text.translate(str.maketrans("23456", "11111"))  # a time of the same layout, if any
    times, _ = read_times(pd.Series([usual, text, "29.02.2024"]))
    assert pd.isna(times[1]) and times[2] == pd.Timestamp("2024-02-29", tz="UTC")


@pytest.mark.parametrize(
    "zone",
    ["Europe/Moscow", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Asia/Tehran"],
)
@pytest.mark.parametrize("year", [1980, 2010, 2025])
def test_local_times_are_those_that_pandas_localizes(zone, year):
    minutes = np.random.default_rng(year).integers(0, 365 * 24 * 60, 20_000)
    local = pd.Timestamp(f"{year}-01-01") + pd.to_timedelta(minutes, "min")
    times, _ = read_times(pd.Series(local.strftime("%Y-%m-%d %H:%M")), time_zone=zone)
    first = np.ones(len(local), bool)
    plain = local.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    assert (times.to_numpy() == plain.tz_convert("UTC").to_numpy()).all()


@given(st.lists(st.sampled_from([*EMPTY_WORDS, "a", " a", "a\u00a0", "Na", "", "\u3000", "é "])
                | st.none(), max_size=30), st.integers(1, 90))  # fmt: skip
def test_texts_and_dictionaries_are_stripped_and_emptied_alike(texts, n_times):
    column = pa.chunked_array([pa.array(texts, pa.string())] * n_times)
    stripped = [None if t is None else t.strip() for t in texts] * n_times
    expected = [None if t in EMPTY_WORDS else t for t in stripped]
    for cells in (column, column.dictionary_encode()):
        found = to_texts(to_frame(pa.table({"a": cells})))["a"].to_numpy()
        assert [None if pd.isna(t) else t for t in found] == expected


@given(st.lists(st.sampled_from(["L7", " L7", "L07 ", "L10", "L9", "Lx", "L", "NULL", "-", ""])
                | st.none(), max_size=9), st.integers(2, 5))  # fmt: skip
def test_ids_that_stand_together_are_stripped_and_emptied_as_others(texts, n_times):
    texts = [t for t in ["L1", *texts] for _ in range(n_times)]
    cells = to_frame(pa.table({"a": texts}))["a"]
    stripped = [None if t is None else t.strip() for t in texts]
    plain = not {"L07 ", "Lx", "L", "NULL", "-", "", None} & {*texts}
    assert isinstance(cells.dtype, pd.CategoricalDtype) or not plain
    expected = [None if t in EMPTY_WORDS else t for t in stripped]
    assert [None if pd.isna(t) else t for t in cells] == expected


def test_times_of_arrow_are_read_in_a_zone():
    at = pa.array([1_700_000_000_000_000, None, 1_700_003_600_000_000], pa.timestamp("us"))
    for rows in (slice(None), slice(0, 1)):
        typed = to_frame(pa.table({"at": at[rows]}))["at"]
        times, zoned = read_times(typed, time_zone="Europe/Moscow")
        local = pd.Series(at[rows].to_pandas()).dt.tz_localize("Europe/Moscow")
        assert times.equals(local.dt.tz_convert("UTC").astype(times.dtype)) and not zoned.any()
