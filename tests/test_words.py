"""Words and numbers in both languages."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import funnel_lib
from funnel_lib.core.errors import InputError
from funnel_lib.core.words import Words, check_language, label_table

LOCALE = Path(funnel_lib.__file__).parent / "locale"
EN, RU = Words("en"), Words("ru")
THIN, HARD = "\u202f", "\xa0"


def texts(lang):
    sections = yaml.safe_load((LOCALE / f"{lang}.yml").read_text(encoding="utf-8"))
    return {(s, k): v for s, entries in sections.items() for k, v in entries.items()}


def test_plural_entries_have_every_form_of_their_language():
    for lang, forms in (("en", {"one", "other"}), ("ru", {"one", "few", "many", "other"})):
        for key, entry in texts(lang).items():
            if isinstance(entry, dict):
                assert entry.keys() - {"by"} == forms, (lang, key)


def test_russian_texts_are_russian():
    known = {"CRM", "Excel", "UTC", "RUB", "funnel_lib", "version", "files", "tables"}
    for key, entry in texts("ru").items():
        if key[0] in ("crm", "export_way", "setting"):  # names of products, of their menus, values
            continue
        forms = {"other": entry} if isinstance(entry, str) else entry
        for form in (text for name, text in forms.items() if name != "by"):
            left = set(re.findall(r"[A-Za-z_]{2,}", re.sub(r"{[\w:]+}|`.*?`", "", form))) - known
            assert not left, (key, left)


@pytest.mark.parametrize(
    ("n", "ru", "en"),
    [
        (0, "0 лидов", "0 leads"), (1, "1 лид", "1 lead"), (2, "2 лида", "2 leads"),
        (5, "5 лидов", "5 leads"), (11, "11 лидов", "11 leads"), (21, "21 лид", "21 leads"),
        (104.0, "104 лида", "104 leads"),
    ],
)  # fmt: skip
def test_counts_agree_with_their_noun(n, ru, en):
    assert RU.text("count.leads", n=n) == ru
    assert EN.text("count.leads", n=n) == en


def test_a_language_that_there_is_not_is_refused():
    check_language("ru")
    check_language("")  # none was asked for
    with pytest.raises(InputError, match="--lang de: choose en or ru"):
        check_language("de")


def test_numbers():
    assert EN.number(13087.0) == "13,087"
    assert RU.number(13087.4).replace(HARD, " ").replace(THIN, " ") == "13 087"
    assert RU.number(2.25, 1) == "2,2" and EN.number(0.049, 1) == "0.0"
    assert EN.number(np.nan) == "—"


def test_shares_and_intervals():
    assert EN.share(0.1234) == "12.3%" and RU.share(0.1234) == f"12,3{HARD}%"
    assert EN.share(1) == "100.0%" and EN.share(None) == "—" and EN.share(0.5, 0) == "50%"
    assert EN.span(0.1, 0.25) == "10.0–25.0%" and RU.span(0.1, 0.25) == f"10,0–25,0{HARD}%"
    assert EN.span(np.nan, 1) == "—"


def test_money():
    assert EN.money(5600, "USD") == "$5,600" and EN.money(5600, "RUB") == f"5,600{HARD}RUB"
    assert RU.money(74_500_000, "RUB").replace(HARD, " ") == "74,5 млн ₽"
    assert EN.money(300, "") == "300" and EN.money(300, "XYZ") == f"300{HARD}XYZ"
    assert EN.money(np.nan, "USD") == "—"


def test_days_are_those_of_the_time_zone():
    late = pd.Timestamp("2025-03-01 22:30", tz="UTC")
    assert Words("en", {}, "UTC").date(late) == "1 Mar 2025"
    assert Words("en", {}, "Europe/Moscow").date(late) == "2 Mar 2025"
    assert EN.date(pd.NaT) == "—"


def test_a_table_is_written_for_its_reader():
    table = pd.DataFrame({
        "missed_step": ["paid", None], "asked": ["no", "unknown"], "n_lost": [1200.0, 0.0],
        "share_of_lost": [0.5, np.nan], "days_silent": [1.26, 3.0], "stage_ahead": [True, False],
        "colour": ["red", "blue"],
    })  # fmt: skip
    shown = label_table(table, Words("ru", {"paid": "Оплатил"}))
    assert shown.columns.tolist() == [
        "Несделанный шаг", "Менеджер предлагал?", "Потеряны", "Доля потерь", "Молчит, дней",
        "Этап опережает клиента", "colour",
    ]  # fmt: skip
    cells = [c.replace(HARD, " ") for c in shown.iloc[0]]
    assert cells == ["Оплатил", "не предлагал", "1 200", "50,0 %", "1,3", "да", "red"]
    assert shown.iloc[1, 0] == "—" and shown.iloc[1, 3] == "—"
    assert shown.iloc[1, 1] == "по CRM не видно"


def test_what_does_not_exist_is_said():
    with pytest.raises(InputError, match="no language 'de'; there are en, ru"):
        Words("de")
    with pytest.raises(KeyError, match=r"sentence.outcoms.*did you mean sentence.outcomes"):
        EN.text("sentence.outcoms")


def test_edges_of_numbers_and_money():
    assert EN.number(-0.2) == "0" and EN.share(-0.0001) == "0.0%" and EN.number(999.6) == "1,000"
    assert EN.money(5, np.nan) == "5" and EN.money(0, "EUR") == "€0"
    assert EN.money(999_999.6, "USD") == "$1M"


def test_days_take_the_form_of_the_number_that_is_shown():
    assert [RU.days(n) for n in (1, 1.4, 3, 11, 21)] == [
        "1 день", "1 день", "3 дня", "11 дней", "21 день",
    ]  # fmt: skip
    assert EN.days(np.nan) == "—"


@pytest.mark.parametrize(
    ("column", "x", "shown"),
    [
        ("probability", 0.7, "70.0%"), ("stability", 0.756, "0.76"), ("own_score", 0.25, "0.25"),
        ("share_point", "a text of the export", "a text of the export"),
        ("signed_at", "2025-03-01", "2025-03-01"), ("check", "unheard_of", "unheard_of"),
        ("closed_at", pd.Timestamp("2025-03-01"), "1 Mar 2025"), ("manager", "", "—"),
        ("amount", pd.NA, "—"), ("stage_ahead", np.True_, "yes"),
    ],
)  # fmt: skip
def test_cells_of_any_kind(column, x, shown):
    assert EN.value(column, x) == shown


def test_a_column_of_the_export_may_be_called_as_ours_is_titled():
    shown = label_table(pd.DataFrame({"manager": ["a"], "Менеджер": ["b"]}), RU)
    assert shown.columns.tolist() == ["Менеджер", "Менеджер"]
    assert shown.to_numpy().tolist() == [["a", "b"]]


def test_the_empty_share_of_a_step_without_evidence_says_so():
    table = pd.DataFrame({"step": ["a", "b"], "n_entered": [9.0, 0.0], "share_of_entered": np.nan})
    assert label_table(table, EN)["Share of entered"].tolist() == ["not measurable", "—"]
    assert label_table(table, RU)["Сквозная конверсия"].tolist() == ["по CRM не видно", "—"]


def test_counts_in_russian_stand_apart_or_have_forms():
    """A plain text must not put a count before a noun: «в {no} случаях» is wrong for 1."""
    for key, entry in texts("ru").items():
        if isinstance(entry, str):
            assert not re.search(r"{(?!share)\w+} (лид|шаг|случа|дн|раз)", entry), key
            assert not re.search(r"доказательств|спрошен|цензур", entry), key


def test_every_sentence_is_used():
    code = "".join(p.read_text("utf-8") for p in LOCALE.parent.rglob("*.py"))
    assert not [f"{s}.{k}" for s, k in texts("en") if s == "sentence" and f"{s}.{k}" not in code]


ODD = (1e32, -1e32, 10**400, np.inf, -np.inf, np.nan, None, pd.NaT, pd.NA)


@pytest.mark.parametrize("words", [EN, RU], ids=["en", "ru"])
@pytest.mark.parametrize("x", ODD, ids=str)
def test_no_number_stops_a_report(words, x):
    """Whatever it is, it is written, and in few signs."""
    table = pd.DataFrame({"n_lost": [x], "share": [x], "p": [x], "own": [x]}, dtype=object)
    told = [
        words.number(x), words.number(x, 1), words.share(x), words.money(x, "EUR"), words.days(x),
        words.span(x, 0.5), words.span(0.5, x), words.date(x), words.text("count.leads", n=x),
        *(words.value(column, x) for column in ("extra_won", "median_days", "amount", "own")),
        *label_table(table, words).iloc[0],
    ]  # fmt: skip
    assert all(told) and max(map(len, told)) < 40
    assert not re.search("nan|inf|none|nat", " ".join(told), re.IGNORECASE)


def test_what_is_huge_or_has_no_end_is_written_shortly():
    assert EN.number(1e32) == "1E32" and RU.number(-1.26e32, 1) == "−1,3E32"
    assert EN.number(999_999_999_999_999) == "999,999,999,999,999"
    assert EN.number(np.inf) == "∞" and EN.number(-np.inf) == "−∞"
    assert EN.share(np.inf) == "∞%" and EN.money(np.inf, "EUR") == "€∞"
    assert EN.money(1e32, "EUR") == "€1E32" and RU.money(1.5e14) == f"150{HARD}трлн"
    assert RU.days(np.inf) == "∞ дней" and RU.days(1e32) == "1E32 дней" and EN.days(1e32)[-1] == "s"
    assert RU.text("count.leads", n=np.nan) == "— лидов" and EN.days(None) == "—"


def test_a_moment_that_is_none_is_no_day():
    assert EN.date(None) == EN.date(5.0) == EN.date("soon") == "—"
    assert Words("en", {}, "Asia/Tokyo").date(pd.Timestamp("9999-12-31 23:00")) == "—"
    assert EN.date(pd.Timestamp("9999-12-31 23:00")) == "31 Dec 9999"
