"""The workbook: read back as people's programs read it, cells by calamine, looks from its XML."""

import re
import zipfile
from dataclasses import replace
from datetime import date, datetime
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import python_calamine as calamine
import yaml
from xlsxwriter import Workbook

import funnel_lib as fl
from funnel_lib.core.words import Words
from funnel_lib.datasets.planted import plant_log
from funnel_lib.reporting.book import lists
from funnel_lib.reporting.book.sheets import Book, Sheet, name_sheet, write_table
from funnel_lib.reporting.book.workbook import write_workbook
from funnel_lib.reporting.page_one import compose_page_one

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
# Anna, Boris, Gleb and Vera: the first three begin alike as names of sheets.
LONG = "=cmd|' /C calc'!A1 [x]:*?/\\ " + "long " * 9
NAMES = {"Anna": f"{LONG}1", "Boris": f"{LONG}2", "Gleb": "@SUM(1)\x07\ufffe http://x.example",
         "Vera": "'Losses'"}  # fmt: skip
STEP = "Was [reached]: by */? 'phone' " * 2


@pytest.fixture(scope="module")
def audit(tmp_path_factory):
    """A small log whose managers and one of whose steps have names that a workbook cannot hold."""
    folder = tmp_path_factory.mktemp("log")
    planted = plant_log("kettles", 250, seed=5)
    leads = planted.leads.assign(manager=planted.leads["manager"].map(NAMES))
    steps = yaml.safe_load(planted.steps_yaml)
    steps["steps"][1]["name"] = {"en": STEP, "ru": STEP}
    (folder / "steps.yml").write_text(yaml.safe_dump(steps, allow_unicode=True), encoding="utf-8")
    return fl.build_audit(planted.events, leads=leads, steps=str(folder / "steps.yml"),
                          segments="none", time_zone="Asia/Tokyo")  # fmt: skip


def in_language(audit, lang):
    return replace(audit, settings=audit.settings.model_copy(update={"lang": lang}))


class Read:
    """A workbook as it was written: its sheets by name, cells and XML."""

    def __init__(self, path):
        self.path = path
        book = calamine.CalamineWorkbook.from_path(str(path))
        self.names = book.sheet_names
        self.cells = {n: book.get_sheet_by_name(n).to_python() for n in self.names}
        with zipfile.ZipFile(path) as file:
            parts = {name: ElementTree.fromstring(file.read(name)) for name in file.namelist()
                     if name.endswith((".xml", ".rels"))}  # fmt: skip
        self.parts = parts
        targets = {r.get("Id"): r.get("Target") for r in parts["xl/_rels/workbook.xml.rels"]}
        self.xml = {
            s.get("name"): parts[f"xl/{targets[s.get(RELATED)]}"]
            for s in parts["xl/workbook.xml"].iter(f"{MAIN}sheet")
        }
        styles = parts["xl/styles.xml"]
        forms = {f.get("numFmtId"): f.get("formatCode") for f in styles.iter(f"{MAIN}numFmt")}
        forms |= {"0": "General", "3": "#,##0"}
        self.forms = [forms[x.get("numFmtId")] for x in styles.find(f"{MAIN}cellXfs")]
        self.sides = [a.get("horizontal") if (a := x.find(f"{MAIN}alignment")) is not None else None
                      for x in styles.find(f"{MAIN}cellXfs")]  # fmt: skip

    def table(self, name):
        """A sheet's rows by title, below the way back."""
        _, titles, *rows = self.cells[name]
        return pd.DataFrame(rows, columns=titles)

    def links(self, name):
        """Cells of a sheet that link, and where."""
        return {x.get("ref"): x.get("location") for x in self.xml[name].iter(f"{MAIN}hyperlink")}

    def looks(self, name, title):
        """Format and side of a column's cells below its title, one each where all are alike."""
        column = self.cells[name][1].index(title)
        cells = [c for row in self.xml[name].iter(f"{MAIN}row") if int(row.get("r")) > 2
                 for c in row if letter(column) == re.sub(r"\d", "", c.get("r"))]  # fmt: skip
        styles = {int(c.get("s")) for c in cells}
        return {(self.forms[s], self.sides[s]) for s in styles}


def letter(column):
    return chr(ord("A") + column) if column < 26 else f"A{chr(ord('A') + column - 26)}"


@pytest.fixture(scope="module")
def en(audit, tmp_path_factory):
    path = tmp_path_factory.mktemp("en") / "audit.xlsx"
    write_workbook(audit, path)
    return Read(path)


@pytest.fixture(scope="module")
def ru(audit, tmp_path_factory):
    path = tmp_path_factory.mktemp("ru") / "audit.xlsx"
    write_workbook(in_language(audit, "ru"), path)
    return Read(path)


def is_lost(name):
    return name.startswith("Lost – ")


def managers_of(book):
    """The sheets of managers, which stand behind the open leads."""
    return book.names[2 : book.names.index("Losses")]


def test_the_first_sheet_is_page_one(audit, en):
    page = compose_page_one(audit.tables, audit.words(), audit.journeys)
    shown = "\n".join(str(c) for row in en.cells["Summary"] for c in row).replace("\x07", "\ufffd")
    acts = [text for act in page.acts for text in (act.title, *act.told, act.gain)]
    numbers = [text for n in page.numbers for text in (n.name, n.value, *n.notes)]
    for text in [page.answer, page.reason, *acts, *numbers, *page.trust, *audit.limits.tell()]:
        assert re.sub("[\x07\ufffe]", "\ufffd", text) in shown
    assert len(page.acts) >= 2 and len(page.numbers) == 4
    known = ("Today", "This week", "This month")
    whens = [row[0] for row in en.cells["Summary"] if row[0] in known]
    assert len(whens) == len(page.acts) and whens[0] == "Today"


def test_the_first_sheet_links_to_every_other_and_each_links_back(audit, en):
    front, *others = en.names
    to = {location: cell for cell, location in en.links(front).items()}
    rows = {row[0]: row for row in en.cells[front]}
    for name in others:
        quoted = name.replace("'", "''")
        assert f"'{quoted}'!A1" in to
        assert rows[name][1] and rows[name][3] == len(en.cells[name]) - 2
        assert en.links(name) == {"A1": "'Summary'!A1"} and en.cells[name][0][0] == "← Summary"
        assert en.cells[name][0][1] == rows[name][1]
    assert rows["Losses"][1] == "At which step are leads lost?"
    assert {"→ Open leads", "→ What to change"} <= {*rows}
    assert set(to) == {"'{}'!A1".format(n.replace("'", "''")) for n in others}


def test_what_has_no_rows_is_named_and_has_no_sheet(en):
    """Of a single path there is nothing to choose, nor to recognise."""
    told = [row[0] for row in en.cells["Summary"] if str(row[0]).startswith("Nothing to say")]
    assert told == [
        "Nothing to say in these data: Number of paths, Fit of the paths, When a segment shows, "
        "Facts and segments."
    ]
    assert "Number of paths" not in en.names and all(len(en.cells[n]) > 2 for n in en.names)


def test_every_sheet_prints_as_wide_as_a_page(en):
    named = {d.text for d in en.parts["xl/workbook.xml"].iter(f"{MAIN}definedName")
             if d.get("name") == "_xlnm.Print_Titles"}  # fmt: skip
    for name in en.names:
        xml = en.xml[name]
        page = xml.find(f"{MAIN}pageSetup")
        assert page.get("orientation") == "landscape" and page.get("paperSize") == "9"
        assert page.get("fitToHeight") == "0" and page.get("fitToWidth", "1") == "1"
        assert xml.find(f"{MAIN}sheetPr/{MAIN}pageSetUpPr").get("fitToPage") == "1"
        assert "&P / &N" in xml.find(f"{MAIN}headerFooter/{MAIN}oddFooter").text
    assert len(named) == len(en.names) - 1
    assert all(n.endswith("!$2:$2") for n in named)


@pytest.mark.parametrize(("lang", "day", "p"), [
    ("en", "[$-409]d mmm yyyy", '[<0.001]"< 0.001";0.000'),
    ("ru", "dd.mm.yyyy", '[<0.001]"< 0,001";0.000'),
])  # fmt: skip
def test_numbers_look_like_what_they_are(audit, en, ru, lang, day, p):
    book, words = {"en": en, "ru": ru}[lang], Words(lang)

    def looks(table, column):
        sheet = words.text(f"table.{table}")
        return book.looks(sheet, words.column(column, table))

    assert looks("losses", "n_lost") == {("#,##0", "right")}
    assert looks("losses", "amount_lost") == {("#,##0", "right")}
    assert looks("losses", "share_of_lost") == {("0.0%", "right")}
    assert looks("open_leads", "days_silent") == {("#,##0.0", "right")}
    assert looks("hypotheses", "days_needed") <= {("#,##0", "right")}  # whole days
    assert looks("hypotheses", "extra_won") == {("#,##0.0", "right")}
    assert looks("recording", "p_holm") == {(p, "right")}
    assert looks("open_leads", "asked") == {("General", None)}
    contact = words.text("sheet.last_contact")
    assert book.looks(words.text("table.open_leads"), contact) == {(day, "right")}
    assert all("#.#" not in f and not f.endswith(".##") for f in book.forms)


def test_yes_and_no_are_words_and_empty_cells_empty(audit, ru):
    table = ru.table("Лиды в работе")
    shown = audit.tables["open_leads"]["overdue"].map({True: "да", False: "нет"})
    assert table["Ждёт дольше обычного"].tolist() == shown.tolist()
    shown = ru.table("Что менять")["Дней на проверку"]
    given = audit.tables["hypotheses"]["days_needed"]
    assert given.isna().any() and shown[given.isna().to_numpy()].eq("").all()
    half = ru.table("Сроки").set_index("Шаг или исход")["Половина всех, к дню"]
    assert (half == "меньше половины").any()


def test_the_head_is_frozen_and_filtered_and_columns_fit(en):
    for name in en.names[1:]:
        xml, is_of_leads = en.xml[name], en.cells[name][1][0] == "Lead"
        pane = xml.find(f"{MAIN}sheetViews/{MAIN}sheetView/{MAIN}pane")
        assert pane.get("ySplit") == "2" and pane.get("state") == "frozen"
        assert pane.get("xSplit") == ("1" if is_of_leads else None)
        last = f"{letter(len(en.cells[name][1]) - 1)}{len(en.cells[name])}"
        assert xml.find(f"{MAIN}autoFilter").get("ref") == f"A2:{last}"
        wide = [float(c.get("width")) for c in xml.find(f"{MAIN}cols")]
        assert min(wide) >= 9 and max(wide) < 50
    assert en.cells["Open leads"][1][0] == en.cells["All leads"][1][0] == "Lead"


def test_open_leads_say_what_to_do_and_when_the_client_was_last_heard(audit, en):
    table, given, words = en.table("Open leads"), audit.tables["open_leads"], audit.words()
    assert table["Lead"].tolist() == given["lead_id"].tolist()
    until = audit.journeys.observed_until.tz_convert("Asia/Tokyo").tz_localize(None)
    expected = until - pd.to_timedelta(given["days_silent"], unit="D")
    apart = (pd.to_datetime(table["Last contact"]) - expected.to_numpy()).abs()
    assert (apart < pd.Timedelta("2s")).all()
    begins = {"no": "Propose “", "unknown": "Propose “", "yes": "Remind them of “"}
    for shown, row in zip(table["What to do"], given.itertuples(), strict=True):
        assert shown.startswith(begins[row.asked]) and words.step(row.next_step) in shown
        assert shown.endswith(" if nobody has") == (row.asked == "unknown")
    assert {"no"} < {*given["asked"]}


def test_each_manager_has_a_sheet_with_the_own_open_leads(audit, en):
    given = audit.tables["open_leads"]
    counts = given["manager"].value_counts()
    sheets = managers_of(en)
    assert len(sheets) == len(counts) == 4
    found = {frozenset(en.table(n)["Lead"]) for n in sheets}
    assert found == {frozenset(given.loc[given["manager"] == m, "lead_id"]) for m in counts.index}
    sizes = [len(en.table(n)) for n in sheets]
    assert sizes == sorted(sizes, reverse=True)
    assert all("Manager" not in en.cells[n][1] for n in sheets)


def test_each_place_has_the_leads_that_are_lost_there(audit, en):
    places = audit.losses.table.query("segment == 'all' and n_lost > 0")
    places = places.sort_values("n_lost", ascending=False, kind="stable")
    sheets = [n for n in en.names if is_lost(n)]
    assert len(sheets) == len(places) > 5
    for name, place in zip(sheets, places.itertuples(), strict=True):
        table = en.table(name)
        behind = audit.losses.leads(step=place.missed_step).set_index("lead_id")
        assert {*table["Lead"]} == {*behind.index} and len(table) == place.n_lost
        assert table["Amount"].sum() == place.amount_lost
        never = (table["Was it proposed?"] == "never proposed").to_numpy()
        assert never.sum() == place.n_not_asked and never[: never.sum()].all()
        assert (table["Amount"][never].diff().dropna() <= 0).all()
        closed = behind["closed_at"].dt.tz_convert("Asia/Tokyo").dt.date
        assert [x.date() for x in table["Lost on"]] == closed[table["Lead"]].tolist()
        assert {"Manager", "CRM stage"} <= {*table.columns}
    assert en.looks(sheets[0], "Lost on") == {("[$-409]d mmm yyyy", "right")}


def test_what_is_left_out_is_said(audit, tmp_path, monkeypatch):
    for name, most in (("MOST_MANAGERS", 2), ("MOST_PLACES", 3), ("MOST_LEADS", 4)):
        monkeypatch.setattr(lists, name, most)
    write_workbook(audit, tmp_path / "audit.xlsx")
    book = Read(tmp_path / "audit.xlsx")
    lost = [n for n in book.names if is_lost(n)]
    assert len(lost) == 3 and len(managers_of(book)) == 2
    n = len(audit.losses.leads(step="call_answered"))
    assert book.cells[lost[0]][0][1].endswith(f"… and {n - 4} more in tables/leads.csv")
    assert len(book.table(lost[0])) == 4
    front = [str(cell) for row in book.cells["Summary"] for cell in row]
    assert "Open leads of 2 more managers stand in “Open leads”." in front
    places = (audit.losses.table.query("segment == 'all'")["n_lost"] > 0).sum() - 3
    assert f"Leads lost at {places} more places stand in tables/leads.csv." in front


def test_one_manager_has_no_sheet_and_nobody_lost_no_list(audit, tmp_path):
    tables = dict(audit.tables)
    tables["open_leads"] = tables["open_leads"].assign(manager="Anna")
    counts = [c for c in tables["losses"] if c.startswith("n_")]
    tables["losses"] = tables["losses"].assign(**dict.fromkeys(counts, 0.0))
    write_workbook(replace(audit, tables=tables), tmp_path / "audit.xlsx")
    book = Read(tmp_path / "audit.xlsx")
    assert managers_of(book) == [] and not any(map(is_lost, book.names))
    tables["open_leads"] = tables["open_leads"][:0]
    write_workbook(replace(audit, tables=tables), tmp_path / "none.xlsx")
    assert "Open leads" not in Read(tmp_path / "none.xlsx").names


def test_names_of_sheets_may_be_names_of_sheets(en):
    assert len({n.casefold() for n in en.names}) == len(en.names)
    for name in en.names:
        assert len(name) <= 31 and not re.search(r"[\[\]:*?/\\\x00-\x1f]|^'|'$", name)
    assert en.names.count("Losses") == 1 and "Losses (2)" in en.names  # a manager of that name
    assert en.table("Losses").columns[0] != "Lead"  # which leaves the table its own


def test_text_is_no_formula_and_no_link(audit, en):
    for name in en.names:
        assert not [*en.xml[name].iter(f"{MAIN}f")]
        assert not [x for x in en.xml[name].iter(f"{MAIN}hyperlink") if x.get(RELATED)]
    managers = audit.tables["open_leads"]["manager"].tolist()
    shown = en.table("Open leads")["Manager"].tolist()
    assert shown == [re.sub("[\x07\ufffe]", "\ufffd", name) for name in managers]
    assert {LONG[:5], "@SUM("} <= {name[:5] for name in shown}


def test_the_same_audit_gives_the_same_bytes(audit, en, tmp_path):
    write_workbook(audit, tmp_path / "again.xlsx")
    assert (tmp_path / "again.xlsx").read_bytes() == en.path.read_bytes()
    made = [x.text for x in en.parts["docProps/core.xml"] if "dcterms" in str(x.attrib)]
    until = f"{audit.journeys.observed_until:%Y-%m-%dT%H:%M:%SZ}"
    assert made == [until] * len(made) and made


@pytest.mark.parametrize("title", [
    "Lead #1", "100% & more", 'a "b" <c>', "x!y", "=1+1", "О'Нил", "ü😀" * 20, "a\u202eb",
])  # fmt: skip
def test_a_link_finds_a_sheet_of_any_name(title, tmp_path):
    book = Book(Workbook(str(tmp_path / "x.xlsx")), Words("en"))
    name = name_sheet(title, set())
    sheet = Sheet(title, "About", pd.DataFrame({"a": [title]}), ["a"])
    write_table(book, name, sheet, name)
    book.book.close()
    read = Read(tmp_path / "x.xlsx")
    assert read.names == [name] and len(name.encode("utf-16-le")) <= 62
    assert read.links(name) == {"A1": "'{}'!A1".format(name.replace("'", "''"))}
    assert read.table(name)["a"].tolist() == [title]


def test_names_are_numbered_where_they_are_alike():
    taken = {"summary"}
    named = [name_sheet(t, taken) for t in ("Summary", "x" * 40, "X" * 41, "'''", "[]", "history")]
    assert named == ["Summary (2)", "x" * 30 + "…", "X" * 26 + "… (2)", "—", "— (2)", "history –"]


def test_cells_of_any_size_and_kind(tmp_path):
    """What a spreadsheet cannot hold as a number or a day is a text."""
    days = pd.to_datetime(["1700-03-01", "2025-03-01 22:30", None, "2025-03-02"], utc=True,
                          format="ISO8601")  # fmt: skip
    table = pd.DataFrame({
        "own": [1943.97, np.inf, np.nan, 1e17], "n_leads": [1943.97, 0.4, np.nan, 3000.0],
        "created_at": days, "note": ["a\x00\x1bb\uffff", "x" * 40_000, "", None],
        "flag": pd.array([True, False, None, True], "boolean"), "count": [1, 2, 3, 4],
    })  # fmt: skip
    book = Book(Workbook(str(tmp_path / "x.xlsx")), Words("en", time_zone="Europe/Moscow"))
    write_table(book, "All", Sheet("All", "", table, list(table)), "All")
    book.book.close()
    read = Read(tmp_path / "x.xlsx")
    shown = read.table("All")
    assert shown["own"].tolist() == [1943.97, "∞", "", "1E17"]
    assert read.looks("All", "own") == {("General", "right")}
    assert shown["Leads"].tolist() == [1943.97, 0.4, "", 3000.0]
    assert read.looks("All", "Leads") == {("#,##0", "right")}
    old, late, none, early = shown["Created on"]
    assert old.startswith("1700-03-01") and none == "" and isinstance(late, datetime)
    assert late.date() == date(2025, 3, 2) and early.date() == date(2025, 3, 2)
    assert shown["note"][0] == "a\ufffd\ufffdb\ufffd" and shown["note"][1].startswith("xxx")
    assert len(shown["note"][1]) == 32_767 and shown["note"].tolist()[2:] == ["—", ""]
    assert shown["flag"].tolist() == ["yes", "no", "", "yes"]
    assert shown["count"].tolist() == [1, 2, 3, 4]


def test_words_of_ours_among_examples_are_the_readers(tmp_path):
    table = pd.DataFrame({"check": ["personal_columns", "duplicate"], "n_rows": [1, 2],
                          "example": ["phone: Tel; title: mail", "phone: x"]})  # fmt: skip
    book = Book(Workbook(str(tmp_path / "x.xlsx")), Words("ru"))
    write_table(book, "Q", Sheet("Q", "", table, list(table), "quality"), "Q")
    book.book.close()
    shown = Read(tmp_path / "x.xlsx").table("Q")["Например"].tolist()
    assert shown == ["телефон: Tel; по заголовку: mail", "phone: x"]
