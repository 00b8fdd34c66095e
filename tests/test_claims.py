"""Claims: every sentence with a number, what it was told from, and the check of a page."""

import json

import pandas as pd
import pytest

import funnel_lib as fl
from funnel_lib.core.errors import SectionError
from funnel_lib.core.words import Words, noting
from funnel_lib.reporting.claims import check_claims, list_claims, write_claims
from funnel_lib.sections.section import Section
from funnel_lib.settings import Settings

EN = Words("en", {"paid": "Paid"})
ROW = {"step": "paid", "n_reached": 3, "share_of_entered": 0.25, "low": 0.1, "high": 0.41}


@pytest.fixture(scope="module")
def audit(planted_folder):
    files = {name: planted_folder / f"{name}.csv" for name in ("events", "leads")}
    return fl.build_audit(Settings(**files, steps=planted_folder / "steps.yml", segments="none"))


def test_notes_are_taken_of_what_stands_by_itself():
    with noting() as notes:
        part = EN.text("sentence.after_sale_part", **ROW)
        EN.money(12.0, "EUR")
    EN.share(0.5)  # nobody notes it
    assert [note.key for note in notes] == ["sentence.after_sale_part", ""]
    assert notes[0].written == part
    assert notes[0].places["share_of_entered"] == (0.25, "25.0%")
    assert notes[0].places["low"] == (0.1, "10.0–41.0%") and notes[0].places["high"][0] == 0.41
    assert notes[1].places == {"value": (12.0, "€12")}


def test_a_claim_says_where_its_numbers_stand(audit):
    claims = list_claims(audit)
    assert {"page_one", "losses", "funnel", "quality"} <= {claim["section"] for claim in claims}
    first = claims[0]
    assert {*first} == {
        "section", "sentence", "text", "values", "table", "rows", "n_rows", "columns", "tables",
        "base", "interval", "parts",
    }  # fmt: skip
    whole = next(c for c in claims if c["text"] == "page.of_leads")
    leads = audit.tables["leads"]
    bought = (leads["status"] == "won").mean()
    assert whole["values"]["share"]["value"] == pytest.approx(bought)
    low, high = whole["interval"]
    assert low < bought < high
    assert (whole["table"], whole["rows"]) == ("", []) and "leads" in whole["tables"]


def test_shares_name_the_count_that_they_are_of(audit):
    based = [c for c in walk(list_claims(audit)) if c["base"] and c["table"]]
    assert based
    for claim in based:
        table, name = audit.tables[claim["table"]], claim["base"]["name"]
        if name in table:
            assert claim["base"]["value"] in table[name].iloc[claim["rows"]].tolist()


def walk(claims):
    for claim in claims:
        yield claim
        yield from walk(claim["parts"])


def test_the_same_input_gives_the_same_bytes(audit, tmp_path):
    write_claims(list_claims(audit), tmp_path / "one.json")
    again = fl.build_audit(audit.settings)
    write_claims(list_claims(again), tmp_path / "two.json")
    one, two = ((tmp_path / name).read_bytes() for name in ("one.json", "two.json"))
    assert one == two and json.loads(one)
    write_claims([], tmp_path / "none.json")
    assert json.loads((tmp_path / "none.json").read_text()) == []


def claim_of(section, note, parts=()):
    values = {p: {"value": x, "written": w} for p, (x, w) in note.places.items()}
    return {
        "section": section, "sentence": note.written, "text": note.key, "values": values,
        "parts": [*parts],
    }  # fmt: skip


def page(body):
    return f'<html lang="en"><body><main>{body}</main></body></html>'


@pytest.fixture
def claims():
    with noting() as notes:
        EN.text("sentence.after_sale_part", **ROW)
        EN.number(12)
    assert "95%" in notes[0].written  # the text's own number
    return [claim_of("losses", notes[0]), claim_of("page_one", notes[1])]


def test_a_page_whose_numbers_are_claimed_passes(claims):
    told = claims[0]["sentence"]
    body = f'<p>12</p><h2 id="losses">7 x</h2><p class="finding">{told}; {told}</p>'
    unread = '<table><tr><td>99</td></tr></table><svg><text>98</text></svg><aside class="note">97'
    assert check_claims(page(body.replace("7 x", "x") + unread + "</aside>"), claims) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [("25.0", "26.0"), ("41.0", "41.1"), ("shown by 3", "shown by 13"), ("95%", "90%")],
)
def test_a_number_that_was_tampered_with_is_found(claims, old, new):
    told = claims[0]["sentence"]
    assert old in told
    found = check_claims(page(f'<h2 id="losses">x</h2><p>{told.replace(old, new)}</p>'), claims)
    assert any(new.split()[-1].strip("%") in problem for problem in found)


def test_a_number_of_another_section_is_no_claim_of_this_one(claims):
    told = claims[0]["sentence"]
    found = check_claims(page(f'<h2 id="groups">x</h2><p>12 and {told}</p>'), claims)
    assert found and not any(": 12 of" in problem for problem in found)  # page one's holds anywhere


def test_a_part_of_a_longer_number_is_not_that_number(claims):
    for number in ("112", "12.5", "1,012", "12\xa0000"):
        assert check_claims(page(f"<p>{number}</p>"), claims)


def test_a_claim_whose_values_do_not_make_its_sentence_is_found(claims):
    claims[0]["values"]["share_of_entered"]["written"] = "24.0%"
    (problem,) = check_claims(page(""), claims)
    assert problem.startswith("losses: 25.0 is no value of")


def test_rows_are_those_that_have_every_value(audit):
    for claim in walk(list_claims(audit)):
        if not claim["table"]:
            assert claim["rows"] == claim["columns"] == [] and claim["n_rows"] == 0
            continue
        rows = audit.tables[claim["table"]].iloc[claim["rows"]]
        assert 0 < len(rows) == min(claim["n_rows"], 5)
        for column in claim["columns"]:
            value = claim["values"][column]["value"]
            for cell in rows[column]:
                if isinstance(value, int | float):
                    assert cell == pytest.approx(value)
                else:
                    assert cell == value or (value is None and pd.isna(cell))


def test_names_with_numbers_and_odd_spaces_are_values_like_others(tmp_path):
    """Also where nobody entered, whose card has no shares."""
    rows = [(f"{i} 00{i}", "2025-01-01", "asked") for i in range(40)]
    pd.DataFrame(rows, columns=["lead_id", "at", "action"]).to_csv(tmp_path / "log.csv")
    leads = [(row[0], "open", f"Anna  12 {i % 4}\n7") for i, row in enumerate(rows)]
    pd.DataFrame(leads, columns=["lead_id", "status", "manager"]).to_csv(tmp_path / "leads.csv")
    for first in ("asked", "nothing"):
        steps = f"steps:\n- {{id: {first}, name: '1,000 asks 2'}}\n- {{id: paid}}\nwon: paid\n"
        (tmp_path / "steps.yml").write_text(steps)
        files = {"leads": tmp_path / "leads.csv", "steps": tmp_path / "steps.yml"}
        audit = fl.build_audit(Settings(events=tmp_path / "log.csv", **files))
        cards = f'<h2 id="paths">x</h2>{audit.paths.show().html}'
        shown = fl.show_page_one(audit).show().html + cards
        assert "failed" not in shown
        assert check_claims(page(shown), list_claims(audit)) == []


def test_a_section_that_cannot_be_told_is_named(audit, monkeypatch):
    def fail(source, words):
        raise ZeroDivisionError("no leads")

    broken = Section("losses", tables=("losses",), tell=(fail,))
    monkeypatch.setattr("funnel_lib.reporting.claims.list_sections", lambda: (broken,))
    with pytest.raises(SectionError, match="losses"):
        list_claims(audit)
