"""Tables and sentences as HTML; the workbook and the tables for machines."""

import json
import re

import jinja2
import pandas as pd
import pytest
import python_calamine as calamine

from funnel_lib.audit import build_audit
from funnel_lib.core.html import Html, render
from funnel_lib.core.tables import list_columns, read_tables
from funnel_lib.core.words import Words
from funnel_lib.drawing.html import MOST_ROWS, show_table, show_text
from funnel_lib.drawing.pictures import Picture
from funnel_lib.reporting.outputs import save_audit, write_tables
from funnel_lib.sections.paths.cards import show_cards

EN = Words("en")


def test_everything_from_the_data_is_escaped():
    html = show_table(pd.DataFrame({"manager": ["<script>x</script>"]}), EN).html
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert show_text(["<b>", "<b>"]).html.count("&lt;b&gt;") == 1


def test_a_template_takes_safe_html_as_it_is_and_asks_for_every_value():
    html = render("card", title="<b>", told=[Html("<b>so</b>"), "<i>"]).html
    assert "<b>so</b>" in html and "&lt;b&gt;" in html and "<i>" not in html
    with pytest.raises(jinja2.UndefinedError):
        render("card", title="of no sentences")


def test_long_tables_name_the_file_with_the_rest():
    table = pd.DataFrame({"lead_id": [str(i) for i in range(MOST_ROWS + 5)]})
    html = show_table(table, EN, file="audit.xlsx").html
    assert html.count("<tr>") == MOST_ROWS + 1 and "5 more in audit.xlsx" in html
    assert "more in" not in show_table(table.head(MOST_ROWS), EN).html


def test_money_is_written_with_the_currency_of_its_row():
    table = pd.DataFrame({"amount": [5.0, None], "currency": ["USD", "EUR"]})
    html = show_table(table, EN, ["amount"]).html
    assert "$5" in html and "—" in html and "EUR" not in html


def test_tables_for_machines(tmp_path):
    table = pd.DataFrame({
        "lead_id": ["=cmd()", "+7", "ok"], "segment": "all", "probability": [1 / 3, 1.0, None],
    })  # fmt: skip
    write_tables({"memberships": table}, tmp_path)
    raw = (tmp_path / "memberships.csv").read_bytes().decode("utf-8").splitlines()
    assert raw == [
        "lead_id,segment,probability", "'=cmd(),all,0.3333333333333333", "'+7,all,1.0", "ok,all,"
    ]  # fmt: skip


def test_the_workbook_holds_text_not_formulas(planted_folder, tmp_path):
    leads = pd.read_csv(planted_folder / "leads.csv")
    leads["manager"] = "=1+1"
    leads.to_csv(tmp_path / "leads.csv", index=False)
    audit = build_audit(str(planted_folder / "events.csv"), leads=str(tmp_path / "leads.csv"),
                        steps=str(planted_folder / "steps.yml"), segments="none",
                        lang="ru")  # fmt: skip
    out = tmp_path / "out"
    save_audit(audit, out, ["xlsx"])
    book = calamine.CalamineWorkbook.from_path(str(out / "audit.xlsx"))
    assert book.sheet_names[:2] == ["Итог", "Лиды в работе"]
    rows = book.get_sheet_by_name("Лиды в работе").to_python()[1:]  # below the way back
    assert rows[0][:3] == ["Лид", "Менеджер", "Что делать"]
    assert len(rows) - 1 == len(audit.tables["open_leads"])
    assert {row[rows[0].index("Менеджер")] for row in rows[1:]} == {"=1+1"}
    assert "Купили" in " ".join(str(r[0]) for r in book.get_sheet_by_name("Итог").to_python())


def test_every_table_of_an_audit_is_written_with_its_columns(planted_folder, tmp_path):
    audit = build_audit(str(planted_folder / "events.csv"), leads=str(planted_folder / "leads.csv"),
                        steps=str(planted_folder / "steps.yml"))  # fmt: skip
    save_audit(audit, tmp_path, [])
    assert not (tmp_path / "audit.xlsx").exists()
    names = {n for n, table in read_tables().items() if table.in_audit}
    assert {p.stem for p in (tmp_path / "tables").iterdir()} == names
    for name in names:
        table = pd.read_csv(tmp_path / "tables" / f"{name}.csv")
        assert table.columns.tolist()[: len(list_columns(name))] == list_columns(name)
        assert len(table) == len(audit.tables[name])
    assert json.loads((tmp_path / "manifest.json").read_text("utf-8"))["n_leads"] == 400


def cards_of(*names):
    """Tables of segments for their cards: of the 50 leads that went on to the first one's own part
    of the tree 20 bought, and 10 to 60 leads may be of it from the first step on."""
    n = len(names)
    segments = pd.DataFrame({
        "segment": ["s1", "s2"][:n], "name": names, "n_leads": 40.0, "share_of_leads": 0.4,
        "share_won": 0.25, "low": 0.1, "high": 0.4, "n_undetermined": 3.0, "trust": "stable",
        "stability": 0.97, "path": "ask > meet", "bound_low": 0.05, "bound_high": 0.65,
        "n_low": 10.0, "n_high": 60.0, "n_parted": 50.0, "n_parted_won": 20.0,
        "n_parted_mature": 50.0, "horizon_days": 60.0, "share_parted_won": 0.4,
        "parted_low": 0.28, "parted_high": 0.54, "share_badly": 0.0,
    })  # fmt: skip
    paths = pd.DataFrame({
        "segment": ["s1", "s1"], "step": ["ask", "meet"], "share_taken": [1.0, 0.5],
        "is_optional": [False, True], "share_repeated": [0.0, 0.0], "either_order_with": None,
        "share_reversed": None, "again_from": None, "share_again": None,
    })  # fmt: skip
    examples = pd.DataFrame({"segment": ["s1"], "lead_id": ["<i>7"], "journey": ["ask > meet"]})
    nothing = pd.DataFrame(columns=["segment"])
    return {"segments": segments, "segment_paths": paths, "segment_traits": nothing,
            "segment_examples": examples}  # fmt: skip


# Of those on the path 35 % met us; the asking is of all paths.
OWN = pd.DataFrame({"segment": ["s1"], "step": ["meet"], "share": [0.35]})


def read_card(html):
    text = re.sub(r"<[^>]+>", " ", html).replace("&lt;", "<").replace("&gt;", ">")
    return re.sub(r"\s+", " ", text)


def test_a_card_tells_path_size_buyers_trust_and_a_lead():
    words = Words("en", {"ask": "Asked", "meet": "Met <us>"})
    tables = cards_of("with meet", "without meet")
    html = show_cards(tables, OWN, 15, words).html
    assert "<us>" not in html and "<i>" not in html and "&lt;us&gt;" in html
    text = read_card(html.partition("Path without")[0])
    assert "Path with “Met <us>” 50 leads took this path; 20 bought (40.0%" in text
    assert "95% interval 28.0–54.0%)." in text
    # A bar is only of the path's own steps.
    assert "Asked → Met <us> 35%" in text and "transparent 35%" in html
    # From the first step on there are bounds.
    assert re.search(r"10 to 60 leads are on this path, and 5\.0–65\.0% of them bought", text)
    assert "by 15 points" in text
    assert "About half (50.0%) also take" in text
    assert "For example, lead <i>7: Asked → Met <us> Trust: stable. A repeated" in text
    assert "finds 97% of it again" in text
    assert html.count("dashed") == 1
    russian = show_cards(tables, OWN, 15, Words("ru", {"meet": "Встретились"})).html
    assert russian.count("Путь с шагом «Встретились»") == 1


def test_ids_of_several_words_stay_whole_on_a_card():
    steps = pd.DataFrame({"segment": "s1", "step": ["left a request", "<a>{b}"], "share": 1.0})
    segments = cards_of("all")
    segments["segments"]["path"] = "left a request > {x, y} > <a>{b}"
    text = read_card(show_cards(segments, steps, 15, Words("en")).html)
    assert "left a request 100% → x → y → <a>{b} 100%" in text


def test_the_card_of_all_leads_has_no_bounds():
    steps = pd.DataFrame({"segment": "s1", "step": ["ask", "meet"], "share": [1, 0.35]})
    text = read_card(show_cards(cards_of("all"), steps, 15, Words("en")).html)
    assert "40 leads; bought: 25.0% (95% interval 10.0–40.0%)" in text
    assert "ask 100% → meet 35%" in text and "bounds" not in text and "15" not in text


def test_a_picture_stands_in_its_place_as_it_is():
    html = render("figure", picture=Picture("<svg>1</svg>", "a")).html
    assert html.startswith("<figure") and "<svg>1</svg></figure>" in html
