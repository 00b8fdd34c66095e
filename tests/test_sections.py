"""Sections: each answers its question, one more appears everywhere, one that fails says so."""

import os
import re
import sys
from dataclasses import replace

import nbformat
import papermill
import pytest
import python_calamine as calamine

import funnel_lib as fl
from funnel_lib import sections
from funnel_lib.core.errors import InputError, SectionError
from funnel_lib.core.words import LANGUAGES, Words
from funnel_lib.reporting.notebooks import build_notebook
from funnel_lib.reporting.outputs import save_audit
from funnel_lib.reporting.report import write_report
from funnel_lib.sections.losses import LOSSES
from funnel_lib.sections.section import FAILED, Answer
from funnel_lib.settings import Settings

MADE_UP = """
import os
import sys
from types import ModuleType
import pandas as pd
from funnel_lib import sections
from funnel_lib.sections.section import Section

def draw(source, words):
    if os.environ.get("COLOURS_FAIL"):
        raise ZeroDivisionError("no colour")

room = ModuleType("funnel_lib.sections.colours")
room.SECTIONS = (Section(
    "colours",
    tell=(lambda source, words: f"Blue, of {len(source.tables['leads'])}.",),
    draw=draw,
    shows=("colours",),
    label=lambda source, words: {"colours": pd.DataFrame({"colour": ["blue"], "n_leads": [7]})},
    texts={"question": "Which colour do clients like?", "how_to_read": "*Blue* is a colour."},
),)
sys.modules[room.__name__] = room
sections.ROOMS = (*sections.ROOMS, "colours")
sections.list_sections.cache_clear()
"""


@pytest.fixture(scope="module")
def audit(planted_folder):
    return fl.build_audit(Settings(**name_files(planted_folder)))


def name_files(folder) -> dict[str, str]:
    ends = {"events": "csv", "leads": "csv", "steps": "yml"}
    return {name: str(folder / f"{name}.{end}") for name, end in ends.items()}


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    """One more section, here and in every kernel."""
    (tmp_path / "sitecustomize.py").write_text(MADE_UP)
    path = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, path)))
    monkeypatch.setattr(sections, "ROOMS", sections.ROOMS)
    exec(MADE_UP, {})
    yield
    monkeypatch.undo()
    sections.list_sections.cache_clear()
    del sys.modules["funnel_lib.sections.colours"]


def test_a_new_section_appears_everywhere(made_up, planted_folder, tmp_path):
    out, question = tmp_path / "out", "Which colour do clients like?"
    write_report(Settings(**name_files(planted_folder), segments="none", out=out))
    html = (out / "report.html").read_text("utf-8")
    cells = nbformat.read(out / "report.ipynb", as_version=4).cells
    assert [c.source for c in cells if "colour" in c.source] == [f"## {question}", "audit.colours"]
    assert f'<a href="#colours">{question}</a>' in html
    assert re.search(rf'<h3>{re.escape(question)}</h3></summary>\s*<div id="colours">', html)
    assert "Blue, of 400." in html and "<em>Blue</em> is a colour." in html
    book = calamine.CalamineWorkbook.from_path(str(out / "audit.xlsx"))
    way_back, *rows = book.get_sheet_by_name("colours").to_python()
    assert way_back == ["← Summary", question] and rows == [["colour", "Leads"], ["blue", 7]]


def test_a_section_that_fails_fails_the_report_with_one_message(
    made_up, planted_folder, tmp_path, monkeypatch
):
    monkeypatch.setenv("COLOURS_FAIL", "yes")
    out = tmp_path / "out"
    with pytest.raises(SectionError) as error:
        write_report(Settings(**name_files(planted_folder), segments="none", out=out))
    assert str(error.value) == "colours: ZeroDivisionError: no colour"
    assert not out.exists()


def test_a_section_that_cannot_be_counted_says_so_in_its_place(
    planted_folder, tmp_path, monkeypatch
):
    """The others stay; what is saved is all or nothing."""
    broken = (replace(LOSSES, count=fail),)
    monkeypatch.setattr("funnel_lib.sections.losses.SECTIONS", broken)
    sections.list_sections.cache_clear()
    audit = fl.build_audit(Settings(**name_files(planted_folder), segments="none"))
    bundle, metadata = audit.losses._repr_mimebundle_()
    assert metadata == {FAILED: {"losses": "ZeroDivisionError: a <b> of nothing"}}
    assert "a &lt;b&gt; of nothing" in bundle["text/html"] and bundle["text/plain"].startswith(
        "losses: Zero"
    )
    assert "losses" not in audit.tables and FAILED not in audit.funnel._repr_mimebundle_()[1]
    _, metadata = fl.show_page_one(audit)._repr_mimebundle_()  # it tells of losses, too
    assert metadata[FAILED]["page_one"].endswith("failed before it: losses")
    with pytest.raises(ZeroDivisionError):
        _ = audit.losses.table
    with pytest.raises(SectionError, match="losses: ZeroDivisionError"):
        save_audit(audit, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    monkeypatch.undo()
    sections.list_sections.cache_clear()


def test_a_part_that_fails_leaves_the_rest_of_its_section(audit, monkeypatch):
    monkeypatch.setitem(audit.failed, "cohorts", ZeroDivisionError("no months"))
    bundle, metadata = audit.times._repr_mimebundle_()
    assert metadata == {FAILED: {"cohorts": "ZeroDivisionError: no months"}}
    assert "no months" in bundle["text/html"] and "Half of the buyers bought" in bundle["text/html"]
    assert "Open leads are stuck" in bundle["text/html"]


def fail(*given):
    raise ZeroDivisionError("a <b> of nothing")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_section_answers_in_both_languages(audit, lang):
    for section in sections.list_sections():
        answer = Answer(section, audit)
        assert bool(section.write("question", Words(lang))) == section.has_heading
        assert answer.show(lang).html.count("<details") == answer.show(lang).html.count("</details")
        for sentence in answer.tell(lang):
            own = re.sub("“.*?”|«.*?»", "", sentence)  # names in quotes are data
            assert bool(re.search("[а-я]", own)) == (lang == "ru"), sentence
    assert {t for s in sections.list_sections() for p in s.walk() for t in p.tables} == {
        *audit.tables
    }


def test_the_leads_behind_a_number_are_as_many(audit):
    rows = audit.losses.table.query("segment == 'all'")
    of_step = rows.groupby("missed_step")[["n_asked", "n_not_asked", "n_unknown"]].sum()
    for step, row in of_step.iterrows():  # the last step of two paths stands there twice
        for asked, n in (("yes", "n_asked"), ("no", "n_not_asked"), ("unknown", "n_unknown")):
            leads = audit.losses.leads(step=step, asked=asked)
            assert len(leads) == row[n] and (leads["status"] == "lost").all()
    assert len(audit.losses.leads()) == rows["n_lost"].sum() > 0
    assert len(audit.losses.leads(step=None, asked="")) == rows["n_lost"].sum()
    waiting = audit.open_leads.leads(asked="no")
    assert len(waiting) == (audit.tables["open_leads"]["asked"] == "no").sum() > 0
    sizes = audit.tables["leads"]["segment"].value_counts()
    assert {s: len(audit.paths.leads(segment=s)) for s in sizes.index} == sizes.to_dict()
    for row in audit.losses.table.query("segment != 'all'").to_dict("records"):
        own = audit.losses.leads(step=row["missed_step"], segment=row["segment"], asked="no")
        assert len(own) == row["n_not_asked"]


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({"stp": "x"}, "no choice of leads 'stp'; did you mean step?"),
        ({"step": "pay"}, "no step 'pay'; there are 'request_left'"),
        ({"asked": "never"}, "no asked 'never'; there are 'yes', 'no', 'unknown'"),
        ({"segment": "s99"}, "no segment 's99'; there are 'all'"),
        ({"asked": False}, "no asked False; there are 'yes', 'no', 'unknown'"),
    ],
)
def test_leads_that_cannot_be_chosen(audit, chosen, told):
    with pytest.raises(InputError) as error:
        audit.losses.leads(**chosen)
    assert str(error.value).startswith(told)
    with pytest.raises(InputError, match="effort: no leads stand behind its numbers"):
        audit.effort.leads()
    with pytest.raises(InputError, match="limits: has no table"):
        _ = audit.limits.table


def test_money_is_no_formula_in_a_notebook(audit):
    for shown in (audit.hypotheses, fl.show_page_one(audit)):
        html = shown._repr_mimebundle_()[0]["text/html"]
        assert html.startswith('<div class="tex2jax_ignore mathjax_ignore">')
    assert "mathjax_ignore" in audit._repr_html_()


def test_a_section_that_there_is_not_is_named_with_the_nearest(audit):
    with pytest.raises(AttributeError, match="no 'loses'; did you mean losses"):
        _ = audit.loses
    assert {"losses", "cohorts", "tables"} <= {*dir(audit)}


def test_objects_show_themselves_as_short_cards(audit):
    for shown in (audit, audit.log, audit.journeys, audit.segmentation):
        html = shown._repr_html_()
        assert len(repr(shown)) < 400, shown
        assert 200 < len(html) < 4000 and html.count("<tr>") == html.count("</tr>") > 1
    assert "audit.losses" in audit._repr_html_() and "At which step" in audit._repr_html_()


def test_cards_speak_the_language_asked_for(audit):
    fl.use_language("ru", audit.steps)
    assert "Пути лидов" in audit.journeys._repr_html_()
    assert "Журнал событий" in audit.log._repr_html_()
    fl.use_language("en")
    assert "Event log" in audit.log._repr_html_()


def test_a_misspelt_parameter_is_an_error(tmp_path):
    source = tmp_path / "audit.ipynb"
    nbformat.write(build_notebook("en"), source)
    with pytest.raises(papermill.PapermillExecutionError) as error:
        papermill.execute_notebook(source, tmp_path / "run.ipynb", {"evnts": "x"},
                                   progress_bar=False)  # fmt: skip
    assert error.value.ename == "InputError" and "no parameter 'evnts'" in error.value.traceback[0]
