"""Reports: run in both languages, self-contained, honest, and never half-written."""

import json
import re
import shutil
from html.parser import HTMLParser

import nbformat
import pandas as pd
import papermill
import pytest
import python_calamine as calamine

from funnel_lib.core.errors import InputError
from funnel_lib.core.words import Words
from funnel_lib.datasets.planted import REASONS
from funnel_lib.datasets.worlds import MANAGERS, STEPS
from funnel_lib.reporting.claims import check_claims, main
from funnel_lib.reporting.folders import new_folder
from funnel_lib.reporting.notebooks import copy_notebooks
from funnel_lib.reporting.report import render_html, write_report
from funnel_lib.settings import Settings


def settings(folder, **more):
    return Settings(
        events=folder / "events.csv",
        leads=folder / "leads.csv",
        steps=folder / "steps.yml",
        **more,
    )


@pytest.fixture(scope="module")
def reports(planted_folder, tmp_path_factory):
    """The report of the planted CRM in each language, into folders with awkward names."""
    made = {}
    for lang, name in (("en", "team {north} 50%"), ("ru", "отдел продаж")):
        out = tmp_path_factory.mktemp("reports") / name
        title = "Kettles <& co>" if lang == "en" else ""
        write_report(settings(planted_folder, out=out, lang=lang, title=title))
        made[lang] = out
    return made


class Page(HTMLParser):
    """Collects the tags, the pictures, the headings and the links of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.images, self.ids, self.links, self.open = [], [], set(), [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.ids.add(attrs.get("id"))
        if attrs.get("role") == "img":
            self.images.append(attrs)
        if tag == "a":
            self.links.append(attrs["href"])
        if tag not in ("img", "meta", "br", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in ("img", "meta", "br", "link"):
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"badly nested {tag}"


def read(out):
    return (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_a_report_is_complete(reports, lang):
    names = {p.name for p in reports[lang].iterdir()}
    files = {"report.html", "report.ipynb", "audit.xlsx", "manifest.json", "claims.json"}
    assert names == files | {"segments.json", "new_funnel.csv", "steps.yml", "tables"}
    assert not [p for p in reports[lang].parent.iterdir() if p != reports[lang]]


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_the_page_asks_for_nothing_and_runs_nothing(reports, lang):
    html = read(reports[lang])
    page = Page(html)
    assert "script" not in page.tags and "link" not in page.tags and "iframe" not in page.tags
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", html)
    assert not re.search(r"@import|url\(", html)
    assert page.open == []


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_every_picture_has_words_and_every_link_a_target(reports, lang):
    page = Page(read(reports[lang]))
    assert len(page.images) >= 12
    assert all(len(image["aria-label"]) > 20 for image in page.images)
    assert not re.search("<img|data:image", read(reports[lang]))
    inside = [link for link in page.links if link.startswith("#")]
    assert len(inside) >= 9 and inside.count("#open_leads") == 4  # the contents; page one's leads
    assert {link[1:] for link in inside} <= page.ids


def test_the_title_and_the_data_are_escaped(reports):
    assert '<p class="eyebrow">Kettles &lt;&amp; co&gt;</p>' in read(reports["en"])


def test_the_first_screen_says_what_the_tables_say(reports):
    words = Words("en")
    leads = (reports["en"] / "tables" / "leads.csv").read_text(encoding="utf-8").splitlines()
    status = leads[0].split(",").index("status")
    won = sum(line.split(",")[status] == "won" for line in leads[1:])
    html = read(reports["en"])
    first = html[html.index('class="page-one"') : html.index("<nav")]
    assert f">{words.number(won)}<" in first and 'class="tree"' in first


def test_a_russian_report_speaks_russian(reports):
    html = re.sub(r"<(style|details).*?</\1>", "", read(reports["ru"]), flags=re.S)
    text = re.sub(r"<[^>]+>|data:[^\"]+", " ", html)
    known = {"CRM", "L", "RUB", "audit", "xlsx", "optional", "true", "served",
             "events", "csv", "leads", "tables", "UTC", *MANAGERS,
             "north", "south", "ads", "fair", "referral", "site", "hypotheses",
             "Excel", "amoCRM", "HubSpot", "DIRECTION", "Connected",
             "form", "submission", *" ".join(step.stage for step in STEPS).split(),
             *" ".join(REASONS).split()}  # fmt: skip
    words = {w for w in re.findall(r"[A-Za-z_]{2,}", text) if "_" not in w}  # ids are data
    assert words <= known


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_people_read_names_of_segments_never_ids(reports, lang):
    html = read(reports[lang])
    text = re.sub(r"<style.*?</style>|<[^>]+>", " ", html, flags=re.S)
    cells = [*re.split(r"\s{2,}", text), *(image["aria-label"] for image in Page(html).images)]
    book = calamine.CalamineWorkbook.from_path(str(reports[lang] / "audit.xlsx"))
    for name in book.sheet_names:
        cells += [name, *(str(c) for row in book.get_sheet_by_name(name).to_python() for c in row)]
    assert not [cell for cell in cells if re.search(r"\bs\d+\b", cell)]
    name = {"en": "Short path", "ru": "Короткий путь"}[lang]
    assert sum(name in cell for cell in cells) > 100


def test_the_notebook_of_a_report_names_no_place_on_this_machine(reports, planted_folder):
    text = (reports["en"] / "report.ipynb").read_text(encoding="utf-8")
    assert ".team" not in text and "team {north}" not in text
    assert planted_folder.as_posix() not in text
    given = json.loads(text)["metadata"]["papermill"]["parameters"]
    assert given["out"] == "." and given["events"] == ["events.csv"]


def test_the_manifest_tells_what_the_report_was_made_from(reports, planted_folder):
    manifest = json.loads((reports["ru"] / "manifest.json").read_text(encoding="utf-8"))
    assert [i["path"].split("/")[-1] for i in manifest["inputs"]] == [
        "events.csv",
        "leads.csv",
        "steps.yml",
    ]
    assert all(re.fullmatch(r"[0-9a-f]{64}", i["sha256"]) for i in manifest["inputs"])
    rows = manifest["event_rows"]
    assert rows["kept"] + rows["removed"] == rows["read"]
    assert manifest["parameters"]["rule"] == "passed" and manifest["seed"] == 0
    assert manifest["parameters"]["lang"] == "ru"
    other = json.loads((reports["en"] / "manifest.json").read_text(encoding="utf-8"))
    assert other["parameters"]["title"] == "Kettles <& co>"
    assert len(manifest["assumptions"]) == 2
    assert manifest["sections"]["times"] == ["times", "time_to"]
    assert manifest["tables"]["leads"]["rows"] == manifest["n_leads"]


def claims_of(out):
    return json.loads((out / "claims.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_every_number_in_a_sentence_is_claimed(reports, lang, monkeypatch, capsys):
    html, claims = read(reports[lang]), claims_of(reports[lang])
    assert check_claims(html, claims) == []
    monkeypatch.setattr("sys.argv", ["claims", str(reports[lang])])
    assert main() == 0 and capsys.readouterr().out == "every number is claimed\n"
    parts = {"page_one", "losses", "paths", "hypotheses", "funnel", "quality", "limits"}
    assert parts <= {claim["section"] for claim in claims}


@pytest.mark.parametrize("lang", ["en", "ru"])
@pytest.mark.parametrize("kind", ["reason", "finding", "acts", "title"])
def test_a_number_that_was_tampered_with_is_found(reports, lang, kind):
    html, claims = read(reports[lang]), claims_of(reports[lang])
    at = re.search(rf'class="{kind}"[^>]*>(?:(?!class=)(?:[^<\d]|<[^>]*>))*?(\d+)', html).end(1)
    found = check_claims(f"{html[:at]}7{html[at:]}", claims)
    assert found and re.search(r"\d*7 (?:of|is)|\d7[.,\xa0]", found[0])


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_claims_point_to_rows_of_the_tables(reports, lang):
    traced = [claim for claim in claims_of(reports[lang]) if claim["table"]]
    assert len(traced) > 30
    for claim in traced:
        table = pd.read_csv(reports[lang] / "tables" / f"{claim['table']}.csv")
        for column in claim["columns"]:
            value = claim["values"][column]["value"]
            for cell in table[column].iloc[claim["rows"]]:
                same = pytest.approx(value) if isinstance(value, int | float) else value
                assert cell == same or (value is None and pd.isna(cell)), claim


def test_wrong_input_leaves_nothing_and_tells_all(planted_folder, tmp_path):
    bad = settings(planted_folder, out=tmp_path / "new" / "out", rule="sideways", within="90")
    with pytest.raises(InputError) as error:
        write_report(bad)
    assert len(error.value.problems) == 2
    assert list(tmp_path.iterdir()) == []


def test_what_only_the_run_can_find_wrong_reaches_the_caller_problem_by_problem(
    planted_folder, tmp_path
):
    only = ("manger=A", "managr=B")
    with pytest.raises(InputError) as error:
        write_report(settings(planted_folder, out=tmp_path / "out", only=only))
    assert [p.split(":")[0] for p in error.value.problems] == ["only manger=…", "only managr=…"]
    assert list(tmp_path.iterdir()) == []


def test_new_folder_keeps_what_is_not_its_own(tmp_path):
    out = tmp_path / "out"
    (out / "tables").mkdir(parents=True)
    (out / "tables" / "old.csv").write_text("old")
    (out / "tables" / "funnel.csv").write_text("old")
    (out / "tables" / "own.csv").write_text("mine")
    (out / "manifest.json").write_text('{"tables": {"old": {"rows": 1}}}')
    (out / "report.html").write_text("old")
    (out / "mine.txt").write_text("mine")
    with new_folder(out) as folder:
        (folder / "tables").mkdir()
        (folder / "tables" / "new.csv").write_text("new")
    assert sorted(p.name for p in out.iterdir()) == ["mine.txt", "tables"]
    assert sorted(p.name for p in (out / "tables").iterdir()) == ["new.csv", "own.csv"]
    (out / "steps.yml").write_text("mine, with remarks")
    with new_folder(out, [str(out / "steps.yml")]) as folder:
        (folder / "steps.yml").write_text("as used")
    assert (out / "steps.yml").read_text() == "mine, with remarks"
    with pytest.raises(ZeroDivisionError), new_folder(tmp_path / "other"):
        raise ZeroDivisionError
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def check_russian(notebook):
    """Everything shown speaks Russian."""
    shown = [o for cell in notebook.cells for o in cell.get("outputs", ())]
    told = [o.data["text/html"] for o in shown if "text/html" in o.get("data", {})]
    assert len(told) == len(shown) > 10
    texts = [re.sub(r"<[^>]*>", " ", html) for html in told]
    assert all(re.search("[а-я]", text) for text in texts)
    assert not [text for text in texts if re.search(r"\b(the|of|leads are)\b", text)]


@pytest.mark.parametrize(
    ("lang", "name"),
    [
        ("ru", "audit"),  # of the English one the report of a sample is made, see `test_spoken`
        ("ru", "explore_segments"),
        ("en", "hypotheses"),
        ("en", "course_open_is_not_lost"),
    ],
)
def test_the_notebooks_run_as_they_come(lang, name, root, tmp_path):
    """As an analyst runs them: from their own folder, nothing set."""
    shutil.copytree(root / "data" / "sample", tmp_path / "data" / "sample")
    copy_notebooks(tmp_path / "notebooks")
    with pytest.raises(InputError, match="already there"):
        copy_notebooks(tmp_path / "notebooks")
    folder = (tmp_path / "notebooks" / lang).rename(tmp_path / "en")  # its name says nothing
    source = folder / f"{name}.ipynb"
    target = tmp_path / "run.ipynb"
    papermill.execute_notebook(str(source), str(target), cwd=source.parent, progress_bar=False)
    notebook = nbformat.read(target, as_version=4)
    if (lang, name) == ("ru", "audit"):
        check_russian(notebook)
    told = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs
            if o.output_type in ("error", "stream")]  # fmt: skip
    if name != "explore_segments":
        assert told == []
    else:  # other clusters follow the outcome, and that is said
        assert [o.name for o in told] == ["stderr"] and "follow how far leads came" in told[0].text
    html = render_html(target, Words(lang), None, "events.csv")
    for language in ("en", "ru"):
        assert (Words(language).text("chrome.code") in html) == (lang == language)
    assert not list(source.parent.glob("*.yml"))  # nothing is saved unless asked for
