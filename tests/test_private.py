"""Personal data reach no output but where ``--show-names`` asks for them; names that are code stay
texts."""

import ast
import json
import os
import re
import socket
import tempfile
import zipfile
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import numpy as np
import pandas as pd
import pytest
import yaml

from funnel_lib.core.errors import CONTROLS, InputError, drop_controls
from funnel_lib.core.words import Words
from funnel_lib.reading.cells.marks import _MARKS, find_persons, hide_texts
from funnel_lib.reading.cells.people import find_personal
from funnel_lib.reading.export import read_export
from funnel_lib.reading.privacy import _number, hide_text, show_place
from funnel_lib.reporting.report import write_report
from funnel_lib.settings import Settings

N = 400
LANGS = ("en", "ru")
SURNAMES = {
    "ru": (
        "Иванов",
        "Петров",
        "Сидоров",
        "Кузнецов",
        "Морозов",
        "Волков",
        "Соколов",
        "Лебедев",
        "Козлов",
        "Новиков",
    ),
    "en": (
        "Smith",
        "Jones",
        "Taylor",
        "Brown",
        "Wilson",
        "Davies",
        "Evans",
        "Johnson",
        "Roberts",
        "Walker",
    ),
}
GIVEN = {
    "ru": ("Иван", "Пётр", "Алексей", "Дмитрий", "Сергей", "Николай", "Андрей", "Михаил", "Павел",
           "Олег"),
    "en": ("John", "James", "Peter", "David", "Daniel", "Robert", "Thomas", "Richard", "Edward",
           "Henry"),
}  # fmt: skip
PATRONYMICS = ("Иванович", "Петрович", "Сергеевич", "Андреевич", "Павлович")
STEPS = """version: 1
won: pay
steps:
  - {id: ask, name: {en: Asked, ru: Спросил}, evidence: [request]}
  - {id: meet, name: {en: Met, ru: Встретился}, evidence: [meeting], asked_by: [invitation]}
  - {id: pay, name: {en: Paid, ru: Оплатил}, evidence: [payment]}
"""


def inn(n):
    """A person's tax number with its check digits."""
    digits = [int(d) for d in f"{500100000000 // 100 + n:010}"]
    weights = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
    for own in (weights[1:], weights):
        digits.append(sum(w * d for w, d in zip(own, digits, strict=True)) % 11 % 10)
    return "".join(map(str, digits))


def snils(n):
    digits = f"{112233000 + n:09}"
    check = sum(int(d) * (9 - i) for i, d in enumerate(digits)) % 101 % 100
    return f"{digits}{check:02}"


def card(n):
    digits = f"{411111110000000 + 7919 * n:015}"
    twice = [sum(divmod(2 * int(d), 10)) for d in digits[::-2]]
    return f"{digits}{-(sum(twice) + sum(map(int, digits[-2::-2]))) % 10}"


def iban(n):
    bare = f"50010517{5407324930 + n:010}"
    return f"DE{98 - int(bare + '131400') % 97:02}{bare}"


def split(text, *lengths):
    ends = np.cumsum([0, *lengths])
    return [text[a:b] for a, b in pairwise(ends)]


def make_columns(lang):
    """Sixty columns of personal data, whose titles say nothing: kind -> cells."""
    n = np.arange(N)
    mobile = [f"{9_160_000_000 + 2_345_677 * i % 83_000_000 * 10}" for i in n]
    part = [split(m, 3, 3, 2, 2) for m in mobile]
    us = [f"{212 + i % 700:03}{300 + i * 37 % 600:03}{i * 7919 % 10_000:04}" for i in n]
    first = [GIVEN[lang][i % 10] for i in n]
    last = [
        SURNAMES[lang][i // 10 % 10] + ("" if lang == "ru" else "son") * (i // 100 % 2) for i in n
    ]
    middle = [PATRONYMICS[i // 100 % 5] for i in n]
    both = [*zip(first, last, strict=True)]
    year = 1950 + n % 45
    made = {
        "mail": [f"c{i}.{i * 31 % 97}@mail.ru" for i in n],
        "mail_caps": [f"C{i}@FIRM{i}.COM" for i in n],
        "mail_named": [f"Client {i} <c{i}@x.org>" for i in n],
        "mail_plus": [f"c+{i}@x.co.uk" for i in n],
        "mails": [f"a{i}@x.ru, b{i}@x.ru" for i in n],
        "phone": [f"+7 ({a}) {b}-{c}-{d}" for a, b, c, d in part],
        "phone8": [f"8 {a} {b} {c} {d}" for a, b, c, d in part],
        "phone_bare": [f"7{m}" for m in mobile],
        "phone_eight": [f"8{m}" for m in mobile],
        "phone_ten": mobile,
        "phone_plus": [f"+7{m}" for m in mobile],
        "phone_dash": [f"8-{a}-{b}-{c}-{d}" for a, b, c, d in part],
        "phone_brackets": [f"({a}) {b}-{c}-{d}" for a, b, c, d in part],
        "phone_us": [f"({u[:3]}) {u[3:6]}-{u[6:]}" for u in us],
        "phone_us_dash": ["-".join(split(u, 3, 3, 4)) for u in us],
        "phone_us_dot": [".".join(split(u, 3, 3, 4)) for u in us],
        "phone_uk": [f"+44 20 7946 {i:04}" for i in n],
        "phone_de": [f"+49 30 {1234567 + i}" for i in n],
        "phone_text": [f"+38044{1234567 + i}" for i in n],
        "phones": [f"+7{m}; +7{m[::-1].replace('0', '1')}" for m in mobile],
        "card": [card(i) for i in n],
        "card_spaced": [" ".join(split(card(i), 4, 4, 4, 4)) for i in n],
        "card_dashed": ["-".join(split(card(i + N), 4, 4, 4, 4)) for i in n],
        "snils": [snils(i) for i in n],
        "snils_dashed": ["{}-{}-{} {}".format(*split(snils(i + N), 3, 3, 3, 2)) for i in n],
        "inn": [inn(i) for i in n],
        "account": [f"40817810{100000000000 + 13 * i}" for i in n],
        "iban": [iban(i) for i in n],
        "ssn": [f"{123 + i % 500}-{10 + i % 80}-{1000 + i}" for i in n],
        "passport": [f"45{10 + i % 15} {123456 + 31 * i}" for i in n],
        "passport_spaced": [f"45 {10 + i % 15} {223456 + 31 * i}" for i in n],
        "passport_sign": [f"45 {10 + i % 15} № {323456 + 31 * i}" for i in n],
        "passport_abroad": [f"75 {1234567 + i}" for i in n],
        "ip": [f"93.184.{i % 250}.{i * 7 % 250}" for i in n],
        "ip6": [f"2001:db8:0:{i:x}::{i + 10:x}" for i in n],
        "vk": [f"https://vk.com/id{1000 + i}" for i in n],
        "telegram": [f"t.me/client_{i}" for i in n],
        "handle": [f"@client_{i}" for i in n],
        "linkedin": [f"https://www.linkedin.com/in/client-{i}" for i in n],
        "facebook": [f"facebook.com/client.{i}" for i in n],
        "instagram": [f"instagram.com/c{i}_x" for i in n],
        "link": [f"https://shop.ru/order?client={1000 + i}" for i in n],
        "utm_term": [f"kettle for flat {i}" for i in n],
        "referrer": [f"https://page.ru/{i}x" for i in n],
        "name": [f"{b} {a}" for a, b in both],
        "name_turned": [f"{a} {b}" for a, b in both],
        "name_caps": [f"{b} {a}".upper() for a, b in both],
        "name_small": [f"{b} {a}".lower() for a, b in both],
        "name_initial": [f"{b} {a[0]}." for a, b in both],
        "name_initials": [f"{b} {a[0]}. {a[1].upper()}." for a, b in both],
        "born": [f"{1 + i % 28:02}.{1 + i % 12:02}.{year[i]}" for i in n],
        "born_iso": [f"{year[i]}-{1 + i % 12:02}-{1 + i % 28:02}" for i in n],
        "born_clock": [f"{year[i]}-{1 + i % 12:02}-{1 + i % 28:02} 00:00:00" for i in n],
        "born_slash": [f"{13 + i % 15:02}/{1 + i % 12:02}/{year[i]}" for i in n],
        "late": [None if i < 390 else f"+7 916 555-{i % 100:02}-{i % 89:02}" for i in n],
        "mixed": ["нет" if i % 3 else f"r{i}@mail.ru" for i in n],
    }
    if lang == "ru":
        made |= {
            "fio": [f"{b} {a} {c}" for (a, b), c in zip(both, middle, strict=True)],
            "fio_caps": [f"{b} {a} {c}".upper() for (a, b), c in zip(both, middle, strict=True)],
            "bare_initials": [f"{b} {a[0]} {c[0]}" for (a, b), c in zip(both, middle, strict=True)],
            "address": [f"ул. Ленина, д. {1 + i}, кв. {i}" for i in n],
        }  # fmt: skip
    else:
        made |= {
            "comma": [f"{b}, {a}" for a, b in both], "middle": [f"{a} Q. {b}" for a, b in both],
            "before": [f"{a[0]}. {b}" for a, b in both],
            "address": [f"{1 + i} Baker Street, London" for i in n],
        }  # fmt: skip
    assert len(made) == 60, len(made)
    return made


def make_survivors(lang):
    """Columns that say nothing of persons, whatever they look like."""
    n = np.arange(N)
    ru = lang == "ru"
    goods = (["Большой Чайник", "Малый Чайник", "Чайник ХЛ 2"] if ru
             else ["Electric Kettle", "Small Kettle", "Kettle XL 2"])  # fmt: skip
    cities = (["Нижний Новгород", "Москва", "Великий Новгород", "Тверь"] if ru
              else ["New York", "London", "San Francisco", "Leeds"])  # fmt: skip
    firms = (["ООО Ромашка", "АО Вектор", "ПАО Северный Ветер"] if ru
             else ["Acme Widgets Ltd", "Globex Corporation", "Initech LLC"])  # fmt: skip
    ads = ["Black Friday", "Spring Sale", "Осенняя Распродажа"]
    return {
        "order": [f"{1000000 + i}" for i in n],
        "order_ten": [f"{7000012000 + i}" for i in n],
        "order_eleven": [f"{89000012000 + i}" for i in n],
        "order_code": [f"ORD-2025-{i:06}" for i in n],
        "invoice": [f"{123 + i:03}-{456 + i:03}" for i in n],
        "sum of it": [f"{1000 + 37 * i}.50" for i in n],
        "sum_spaced": [f"{1 + i % 9} {100 + i:03} {i:03},00" for i in n],
        "large": [f"{10_000_000_000 + 9_999_999_937 * i}" for i in n],
        "dated": [f"{1 + i % 28:02}.{1 + i % 12:02}.2025" for i in n],
        "stamp": [f"{1735689600 + 3600 * i}" for i in n],
        "goods": [goods[i % 3] for i in n],
        "Название товара": [goods[i % 3] for i in n],
        "seen in": [cities[i % 4] for i in n],
        "city": [cities[i % 4] for i in n],
        "firm": [firms[i % 3] for i in n],
        "ad": [ads[i % 3] for i in n],
        "utm_campaign": [f"{ads[i % 3]} {i % 7}" for i in n],
        "barcode": [f"{4601234000000 + 13 * i}" for i in n],
        "share": [f"{i % 100} %" for i in n],
        "page": [f"https://shop.ru/kettles/{i % 9}" for i in n],
        "year": [f"{1990 + i % 30}" for i in n],
        "seller": [("Анна Белова", "Игорь Чернов")[i % 2] for i in n],
    }


def make_log():
    """Events of N leads, and their leads with managers."""
    at = pd.Timestamp("2025-01-01 10:00") + pd.to_timedelta(np.arange(N) * 7, "h")
    acts = [("request", 0, 1), ("invitation", 1, 2), ("meeting", 2, 2), ("payment", 3, 4)]
    events = pd.concat([
        pd.DataFrame({"lead_id": [f"L{i}" for i in range(0, N, step)],
                      "at": at[::step] + pd.Timedelta(days=days), "action": action})
        for action, days, step in acts
    ])  # fmt: skip
    status = np.where(np.arange(N) % 4 == 0, "won", np.where(np.arange(N) % 5 == 0, "open", "lost"))
    leads = pd.DataFrame({
        "lead_id": [f"L{i}" for i in range(N)], "status": status, "amount": 1000,
        "manager": [("Анна Белова", "Игорь Чернов")[i % 2] for i in range(N)],
        "closed_at": np.where(status == "open", "", (at + pd.Timedelta(days=5)).astype(str)),
    })  # fmt: skip
    return events, leads


def write_export(folder, events, leads):
    events.to_csv(folder / "events.csv", index=False)
    leads.to_csv(folder / "leads.csv", index=False)
    (folder / "steps.yml").write_text(STEPS, encoding="utf-8")
    return {name: folder / f"{name}.{end}"
            for name, end in (("events", "csv"), ("leads", "csv"), ("steps", "yml"))}  # fmt: skip


def read_texts(out):
    """The text of every file of a report, also within workbooks."""
    for path in (p for p in sorted(out.rglob("*")) if p.is_file()):
        data = path.read_bytes()
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as book:
                data = b"\n".join(book.read(name) for name in book.namelist())
        text = data.decode("utf-8")
        if path.suffix == ".ipynb":
            text = json.dumps(json.loads(text), ensure_ascii=False)
        yield path.name, text


def find_leaks(texts, values):
    """Which values stand in a text as a word of its own."""
    values = sorted({str(v) for v in values if v is not None and len(str(v)) > 3})
    said = "\n".join(texts)
    words = {*re.findall(r"\w+", said)}  # most values can be ruled out by a word
    near = [v for v in values if {*re.findall(r"\w+", v)} <= words]
    there = [v for v in near if v in said]
    return [v for v in there if re.search(rf"(?<!\w){re.escape(v)}(?!\w)", said)]


@pytest.mark.parametrize("lang", LANGS)
def test_columns_are_told_by_their_cells_whatever_their_title(lang):
    columns = make_columns(lang)
    hidden = {
        f"x{i}": v for i, (k, v) in enumerate(columns.items()) if k not in ("utm_term", "referrer")
    }
    told = find_personal(pd.DataFrame(hidden, dtype="str"), year=2025)
    names = {f"x{i}": k for i, k in enumerate(columns)}
    assert [names[c] for c in hidden if c not in told] == []
    assert "title" not in told.values()
    by_title = pd.DataFrame({k: columns[k] for k in ("utm_term", "referrer")})
    assert {*find_personal(by_title).values()} == {"title"}


@pytest.mark.parametrize("lang", LANGS)
def test_what_says_nothing_of_persons_survives(lang):
    frame = pd.DataFrame(make_survivors(lang), dtype="str")
    assert find_personal(frame, year=2025, staff=["Анна Белова", "Игорь Чернов"]) == {}
    events, leads = make_log()
    log = _read(events, leads.assign(**frame))
    for column in frame:
        kept = log.leads.set_index("lead_id")[column].reindex(leads["lead_id"])
        assert kept.tolist() == frame[column].tolist(), column


def _read(events, leads, **more):
    with tempfile.TemporaryDirectory() as folder:
        files = write_export(Path(folder), events, leads)
        return read_export(files["events"], files["leads"], **more)


@pytest.mark.parametrize("lang", LANGS)
def test_no_value_of_sixty_personal_columns_is_written(lang, tmp_path, funnel):
    columns = make_columns(lang)
    titles = {k: k if k in ("utm_term", "referrer") else f"x{i}" for i, k in enumerate(columns)}
    events, leads = make_log()
    leads = leads.assign(**{titles[k]: v for k, v in columns.items()})
    events = events.assign(
        who=events["lead_id"].str[1:].astype(int).map(dict(enumerate(columns["mail"])))
    )
    files = write_export(tmp_path, events, leads)
    values = [v for cells in columns.values() for v in cells]
    given = {**files, "lang": lang, "segments": "none"}
    write_report(Settings(**given, out=tmp_path / "out"))
    texts = dict(read_texts(tmp_path / "out"))
    assert {"report.html", "report.ipynb", "audit.xlsx", "manifest.json", "leads.csv"} <= {*texts}
    assert find_leaks(texts.values(), values) == []
    assert not [name for name, text in texts.items() if str(tmp_path) in text]
    code, screen, errors = funnel("check", files["events"], files["leads"], "--lang", lang)
    assert code == 0 and find_leaks([screen, errors], values) == []
    shown = read_export(files["events"], files["leads"], show_names=True).leads
    assert all(titles[k] in shown for k in columns)
    quality = pd.read_csv(tmp_path / "out" / "tables" / "quality.csv").set_index("check")
    told = quality.loc["personal_columns"]
    assert told["n_rows"] == 61
    for kind in ("title", "phone", "mail", "card", "snils", "inn", "birth", "name"):
        assert f"{kind}: " in told["example"]
        word = f"{Words(lang).text(f'mark.{kind}')}: "  # for people, in their language
        assert word in texts["report.html"] and word in texts["audit.xlsx"]


def test_every_kind_of_personal_data_has_its_word():
    kinds = {"title", "name", "birth", "text", *(mark.name for mark in _MARKS)}
    for lang in LANGS:
        assert all(Words(lang).text(f"mark.{kind}") for kind in kinds)


OWN = ["+7 916 123-45-67", "ann.lee@mail.org", "Иванов Иван Иванович", "John Smith", "79161234567",
       "ИП Сидоров А. А.", "4111 1111 1111 1111", "https://vk.com/id15"]  # fmt: skip


@dataclass
class Ran:
    """A report of an export whose ids, actions and words are personal: what was read and written,
    and which connections were asked for, in this process and in the kernel's."""

    events: pd.DataFrame
    leads: pd.DataFrame
    files: dict
    out: Path
    asked: list
    of_kernel: str


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("personal")
    events, leads = make_log()
    other = {f"L{i}": value for i, value in enumerate(OWN)}
    events["lead_id"] = events["lead_id"].replace(other)
    leads["lead_id"] = leads["lead_id"].replace(other)
    more = [f"call {v}" for v in OWN] + OWN + [f"stage: {v}" for v in OWN]
    acts = pd.DataFrame({"lead_id": "L50", "at": "2025-02-01 10:00", "action": more})
    odd = pd.DataFrame({"lead_id": OWN, "at": "no time", "action": OWN})
    events = pd.concat([events, acts, odd, odd.assign(lead_id=None)])
    cells = [OWN[i % len(OWN)] for i in range(N)]
    rare = [v if i < len(OWN) else "too dear" for i, v in enumerate(cells)]
    leads = leads.assign(account_id=cells, loss_reason=rare, stage=rare, product=rare)
    leads.loc[1:5, "status"] = OWN[:5]
    leads.loc[6, "amount"] = None
    leads["amount"] = leads["amount"].astype(object)
    leads.loc[7, "amount"] = OWN[0]
    files = write_export(folder, events, leads)
    with pytest.MonkeyPatch.context() as patched:
        asked = guard_sockets(patched, folder)
        write_report(Settings(**files, out=folder / "out", segments="none"))
    of_kernel = (folder / "connections").read_text(encoding="utf-8")
    return Ran(events, leads, files, folder / "out", asked, of_kernel)


def test_ids_actions_and_words_that_are_personal_are_covered_and_tables_join(ran, funnel):
    events, leads, files, out = ran.events, ran.leads, ran.files, ran.out
    texts = dict(read_texts(out))
    hidden = [v for v in OWN if v != "John Smith"]  # of a product it may be the brand
    assert find_leaks(texts.values(), hidden) == []
    assert find_leaks([t for name, t in texts.items() if name != "leads.csv"], OWN) == []
    ids = {f"lead {n}" for n in range(1, len(OWN) + 1)}
    tables = {n: pd.read_csv(out / "tables" / f"{n}.csv") for n in ("leads", "memberships")}
    assert all(ids <= {*table["lead_id"]} for table in tables.values())
    code, screen, errors = funnel("check", files["events"], files["leads"])
    assert code == 0 and find_leaks([screen, errors], OWN) == []
    again = read_export(files["events"], files["leads"])
    turned = _read(events[::-1], leads[::-1])
    pd.testing.assert_frame_equal(
        again.leads[["lead_id", "status"]], turned.leads[["lead_id", "status"]]
    )
    shown = read_export(files["events"], files["leads"], show_names=True)
    assert {*OWN} <= {*shown.leads["lead_id"]} and {*OWN} <= {*shown.events["action"].astype(str)}
    assert len(shown.leads) == len(again.leads)


def test_new_names_are_never_those_of_other_leads():
    events = pd.DataFrame({"lead_id": ["lead 1", "lead 3", "a@b.org", "c@d.org"],
                           "at": "2025-01-01 10:00", "action": "request"})  # fmt: skip
    log = _read(events, events[["lead_id"]])
    assert sorted(log.leads["lead_id"]) == ["lead 1", "lead 2", "lead 3", "lead 4"]


def test_ids_that_hold_personal_texts_are_covered():
    ids = ["deal of ann.lee@mail.org", "whatsapp:+79161234567", "Иванов Иван Иванович (2)", "L-7"]
    log = _read(pd.DataFrame({"lead_id": ids, "at": "2025-01-01 10:00", "action": "request"}),
                pd.DataFrame({"lead_id": ids, "account_id": ids}))  # fmt: skip
    assert sorted(log.leads["lead_id"]) == ["L-7", "lead 1", "lead 2", "lead 3"]
    assert sorted(log.leads["account_id"]) == ["L-7", "person 1", "person 2", "person 3"]


def test_digits_of_other_alphabets_are_read_as_digits():
    ids = pd.Series(
        ["７９９９１２３４５６７", "４２７６３８０１２３４５６７８４", "a"], dtype="str"
    )
    assert find_persons(ids).shape == (3,)
    assert hide_texts(ids).shape == (3,)


def test_ids_that_only_count_stay():
    for first in (79_000_000_000, 9_160_000_000, 400_000_000_000):
        ids = [str(first + 17 * i) for i in range(N)]
        assert not find_persons(pd.Series(ids, dtype="str")).any()
    codes = pd.Series([f"ORD-2025-{i:06}" for i in range(N)], dtype="str")
    assert _number(codes, "lead") == {}
    rng = np.random.default_rng(3)
    ids = pd.Series(rng.integers(10**10, 10**11, N).astype(str), dtype="str")
    assert not find_persons(ids).any()


@pytest.mark.parametrize("value", OWN)
def test_errors_hold_no_personal_value(value, tmp_path, funnel):
    name = f"{value.replace('/', '')}.csv"
    code, out, err = funnel("audit", tmp_path / f"of {name}", "--out", tmp_path / "out")
    assert code == 2 and find_leaks([out, err], [value]) == []
    rows = pd.DataFrame({"lead_id": [value] * 9, "at": "never", "action": value})
    rows.to_csv(tmp_path / "odd.csv", index=False)
    code, out, err = funnel("check", tmp_path / "odd.csv")
    assert code == 2 and "…" in err and find_leaks([out, err], [value]) == []
    with pytest.raises(InputError) as error:
        read_export(tmp_path / "odd.csv")
    assert find_leaks(error.value.problems, [value]) == []
    code, out, err = funnel("check", tmp_path / "odd.csv", "--show-names")
    assert code == 2 and value in err


def test_texts_keep_what_is_no_ones():
    kept = ["order 1234567890", "Повторный КП", "Сделка отлична", "Black Friday", "Нижний Новгород",
            "4111 1111 1111 1112", "2025-01-01 10:00:00+00:00 · x", "1 234 567", "План А",
            "v1.2.300.4", "Morgan Stanley", "Mark Won", "ООО Ромашка", "stage: Новая"]  # fmt: skip
    assert hide_texts(pd.Series(kept, dtype="str")).tolist() == kept
    told = {"дорого; +7 999 123-45-67": "дорого; …", "звонок Ивану Петрову": "звонок …",
            "Call John Smith now": "Call … now", "паспорт 4509 123456": "…"}  # fmt: skip
    assert [hide_text(text) for text in told] == [*told.values()]
    assert show_place("/a/b/Иванов И.И. 2025.csv") == "… 2025.csv"


def test_a_full_run_connects_to_nothing_but_itself(ran):
    assert ran.asked == [] and ran.of_kernel == "guarded\n"


def guard_sockets(patched, folder):
    """Refuse all connections but to this machine, here and in a kernel: those asked for here; the
    kernel's come to a file."""
    real, asked = socket.socket.connect, []

    def connect(self, address):
        local = self.family == socket.AF_UNIX or address[0] in ("127.0.0.1", "::1", "localhost")
        if not local:
            asked.append(address)
            raise OSError("no connection")
        return real(self, address)

    patched.setattr(socket.socket, "connect", connect)
    patched.setattr(socket.socket, "connect_ex", connect)
    # the kernel is a process of its own, guarded by what Python runs first
    (folder / "guard").mkdir()
    (folder / "guard" / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    before = os.environ.get("PYTHONPATH", "")
    patched.setenv("PYTHONPATH", f"{folder / 'guard'}:{before}".rstrip(":"))
    patched.setenv("CONNECTIONS", str(folder / "connections"))
    return asked


GUARD = """
import os, sys
def _note(what):
    with open(os.environ["CONNECTIONS"], "a") as file:
        file.write(what + "\\n")
def _watch(event, given):
    if event == "socket.connect":
        address = given[1]
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            _note(str(address))
            raise OSError("no connection")
    elif event == "socket.getaddrinfo":
        if given[0] not in ("127.0.0.1", "::1", "localhost", None, ""):
            _note(str(given))
if any("ipykernel" in a for a in sys.orig_argv):
    _note("guarded")
    sys.addaudithook(_watch)
"""


PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</style><b>x</b>",
    "<!-- x",
    "]]>",
    "&lt;b&gt;",
    "a & b",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "<a href='x'>y",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "{#x#}",
    "{0.__class__}",
    "{name}",
    "${7*7}",
    "#{7*7}",
    "%s %(x)s",
    "# title",
    "**bold**",
    "[x](javascript:alert(1))",
    "![x](http://x.invalid/y)",
    "`code`",
    "| a | b |",
    "$x^2$",
    "\\frac{1}{2}",
    "~~gone~~",
    "- item",
    "> quote",
    "***",
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "=cmd|' /C calc'!A0",
    "[red]rich[/red]",
    "[/]",
    "[link=http://x.invalid]y[/link]",
    "\u202egnp.exe",
    "a\u200bb",
    "e" + "\u0301" * 50,
    "\u2028line",
    "'; DROP TABLE leads; --",
    "../../etc/passwd",
    "C:\\con",
    "🙂" * 50,
    "x" * 10_000,
    "null",
    "\u00a0a\u00a0",
    "<x xmlns:y='z'/>",
]


MARKED = [f"{text} q{n}q" for n, text in enumerate([*PAYLOADS, "\x1b[31mred", "a\x00b", "a\nb"])]
ACTS = {"invitation": "=cmd|' /C calc'!A0 q90q", "meeting": "<img src=x onerror=alert(1)> q91q"}
CODED_STEPS = {
    "<script>alert(1)</script> q92q": {"en": "**bold** `code` $x$ [x](javascript:alert(1)) q93q"},
    "{{ 7 * 7 }}, =1-1 q94q": {"en": "[red]rich[/red] </title><!-- q95q"},
    "![x](http://x.invalid/y) q96q": {"en": "{0.__class__} {share:share} <a href='x'>y q97q"},
}
TITLE = """</title><script>t</script>{{ 7 * 7 }}**b**"\\\n__import__('os').abort() #' q98q"""
FILE = "<img src=x onerror=alert(1)>{{7*7}}\x1b[31m\u202e 'q' q99q.csv"
PAGE_TAGS = """
    html head meta title style body main h1 h2 h3 nav section p b em span div ol ul li a table thead
    tbody tr th td figure img details summary pre code footer strong aside"""
PAGE_ATTRIBUTES = """
    href class aria-label role style id alt src lang name charset content aria-hidden title"""
SVG_TAGS = "svg g defs path text tspan use rect style clipPath pattern title line circle"


class Page(HTMLParser):
    """What a browser makes of a page: its elements and attributes, and its texts."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.links, self.texts = set(), set(), set(), []
        self.odd, self.stressed, self._within = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value for name, value in attrs if name in ("href", "src")}
        self.texts += [value for name, value in attrs if name in ("alt", "title")]
        if tag not in ("meta", "img"):
            self._within.append(tag)

    def handle_endtag(self, tag):
        assert tag in ("meta", "img") or self._within.pop() == tag

    def handle_data(self, data):
        if self._within[-1:] != ["code"]:  # there a text is written as Python does
            self.texts.append(data)
        if {*self._within} & {"b", "em"}:
            self.stressed.append(data)

    def handle_comment(self, data):
        self.odd.append(data)

    handle_pi = unknown_decl = handle_comment


def find_marked(texts):
    """Which of the marked texts are shown, each as it is: a cut one shows no mark."""
    shown = re.sub(r"\s", "", drop_controls("\n".join(texts)))
    names = [name for names in CODED_STEPS.values() for name in names.values()]
    known = {text.split()[-1]: re.sub(r"\s", "", drop_controls(text))
             for text in (*MARKED, *ACTS.values(), *CODED_STEPS, *names, TITLE,
                          FILE.removesuffix(".csv"))}  # fmt: skip
    found = [*re.finditer(r"q\d+q", shown)]
    changed = [shown[: m.end()][-60:] for m in found if not shown.endswith(known[m[0]], 0, m.end())]
    assert changed == []
    return {m[0] for m in found}


def write_coded(folder):
    """An export all of whose names are code of some kind."""
    events, leads = make_log()
    other = {f"L{i}": text for i, text in enumerate(MARKED)}
    events["lead_id"], leads["lead_id"] = (x["lead_id"].replace(other) for x in (events, leads))
    n, of = np.arange(N), len(MARKED)
    places = ("manager", "team", "product", "loss_reason", "stage", "source", MARKED[1], MARKED[11])
    for k, place in enumerate(places):  # a few large groups, and one of each
        leads[place] = np.array(MARKED)[(7 * k + np.where(n % 3, n % 5, n)) % of]
    events["action"] = events["action"].replace(ACTS)
    acts = pd.DataFrame({"lead_id": "L300", "at": "2025-02-01 10:00", "action": MARKED})
    moves = pd.DataFrame({
        "lead_id": [f"L{100 + i % 250}" for i in range(6 * of)],
        "at": pd.Timestamp("2025-02-01") + pd.to_timedelta(np.arange(6 * of), "h"),
        "action": [f"stage: {text}" for text in MARKED] * 6, "actor": "manager",
    })  # fmt: skip
    write_export(folder, pd.concat([events, acts, moves]), leads)
    (folder / "events.csv").rename(folder / FILE)
    evidence = [["request"], [ACTS["meeting"]], [MARKED[4], MARKED[30]]]
    named = zip(CODED_STEPS.items(), evidence, strict=True)
    steps = [{"id": i, "name": names, "evidence": shown} for (i, names), shown in named]
    steps[1]["asked_by"] = [ACTS["invitation"]]
    steps.append({"id": "pay", "evidence": ["payment"]})
    text = yaml.safe_dump({"steps": steps, "won": "pay", "stages": {MARKED[2]: steps[1]["id"]}})
    (folder / "steps.yml").write_text(text, encoding="utf-8")


def test_names_that_are_code_are_shown_as_text_wherever_they_stand(tmp_path, funnel, monkeypatch):
    """As lead, manager, team, product, stage, reason, source, action, header, step, title, file."""
    write_coded(tmp_path)
    monkeypatch.chdir(tmp_path)
    files = [FILE, "--leads", "leads.csv", "--steps", "steps.yml"]
    call = ["audit", *files, "--title", TITLE, "--segments", "2", "--out", "out"]
    code, screen, errors = funnel(*call)
    assert (code, errors) == (0, "") and re.search(CONTROLS, screen) is None
    texts = dict(read_texts(tmp_path / "out"))
    assert [name for name, text in texts.items() if re.search(CONTROLS, text)] == []

    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    labels, drawn = [], re.compile("<svg.*?</svg>", re.DOTALL)
    for svg in drawn.findall(html):
        for part in ElementTree.fromstring(svg).iter():
            assert part.tag.rpartition("}")[2] in SVG_TAGS.split()
            links = [x for name, x in part.attrib.items() if name.endswith("href")]
            assert all(link.startswith("#") for link in links)
            labels += part.itertext() if part.tag.rpartition("}")[2] == "text" else []
    assert len(find_marked(labels)) > len(MARKED) / 2

    page = Page(drawn.sub("", html))
    assert page.tags <= {*PAGE_TAGS.split()} and page.odd == []
    assert page.attributes <= {*PAGE_ATTRIBUTES.split()}
    assert all(link.startswith("#") for link in page.links)
    assert find_marked(page.stressed) == set()
    marks = find_marked([*page.texts, *labels])
    assert {f"q{n}q" for n in (*range(93, 98, 2), 98, 99)} <= marks  # actions: in the workbook
    missing = {f"q{n}q" for n in range(len(MARKED))} - marks
    assert len(missing) <= 3  # what the page's tables leave to the workbook

    notebook = nbformat.read(tmp_path / "out" / "report.ipynb", as_version=4)
    (cell,) = (c for c in notebook.cells if "injected-parameters" in c.metadata.get("tags", ()))
    given = {n.targets[0].id: ast.literal_eval(n.value) for n in ast.parse(cell.source).body}
    assert given["title"] == TITLE

    with zipfile.ZipFile(tmp_path / "out" / "audit.xlsx") as book:
        for name in book.namelist():
            tree = ElementTree.fromstring(book.read(name))
            tags = [(e.tag.rpartition("}")[2], e.attrib) for e in tree.iter()]
            assert "f" not in [tag for tag, _ in tags]
            links = [to for tag, to in tags if tag == "hyperlink"]  # the first sheet's, to its own
            assert all({*to} <= {"ref", "location", "display"} for to in links), name
    for path in (tmp_path / "out" / "tables").glob("*.csv"):
        cells = pd.read_csv(path, dtype="str", keep_default_na=False)
        begins = {
            str(x)[:1] for c in cells.select_dtypes("str") for x in cells[c] if not _is_number(x)
        }
        assert not begins & {*"=+@"}, path.name


def _is_number(text):
    return re.fullmatch(r"[-+]?[\d.]+(?:e[-+]?\d+)?", text) is not None
