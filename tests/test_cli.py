"""The command: what goes in, what comes out, and what wrong input gets."""

import json
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

import funnel_lib
from funnel_lib.core.tables import list_columns, read_tables
from funnel_lib.core.words import Words

HEADER = "lead_id,at,action\n"
GOOD = HEADER + "".join(f"L{i},2025-01-{i + 1:02d} 10:00,request_left\n" for i in range(20))
STEPS = "steps:\n- {id: request_left}\n- {id: invoice_paid}\nwon: invoice_paid\n"
STAGES = ("reading", "steps", "segments", "sections", "page")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a good log and steps file, to work in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log.csv").write_text(GOOD)
    (tmp_path / "steps.yml").write_text(STEPS)
    return tmp_path


def audit(funnel, *arguments, out="out"):
    return funnel("audit", *arguments, "--no-report", "--out", out)


def everything_in(folder):
    return {p.relative_to(folder): p.is_dir() or p.read_bytes() for p in folder.rglob("*")}


def assert_refused(funnel, here, *arguments, told, out="out"):
    """Exit code 2, one message with everything told, and not a file more or less than before."""
    before = everything_in(here)
    code, output, err = audit(funnel, *arguments, out=out)
    assert code == 2 and output == ""
    assert err.startswith("funnel: ") and "Traceback" not in err
    for part in told:
        assert part in err, err
    assert everything_in(here) == before


def png():
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 9


BAD_EVENTS = {
    "empty": (b"", ["the file is empty"]),
    "header only": (HEADER.encode(), ["a header but no rows"]),
    "no columns": (
        b"Opportunity,Happened,What\n1,2025-01-01,x\n",
        ["found 'Opportunity', 'Happened', 'What'", 'nearest: ', 'lead_id: "Opportunity"',
         "`columns: {lead_id:", "--mapping"],
    ),
    "two columns": (
        b"lead_id,deal_id,at,action\n1,2,2025-01-01,x\n",
        ["2 columns may mean lead_id: 'lead_id', 'deal_id'", "`columns: {lead_id:"],
    ),
    "ambiguous days": (
        (HEADER + "1,03/04/2025,x\n2,05/06/2025,x\n").encode(),
        ["'03/04/2025'", "`day_first: true`", "mapping file"],
    ),
    "unusable": ((GOOD + "X,soon,x\n" * 3).encode(), ["3 of 23 event rows", "X · soon · x"]),
    "a picture": (png(), ["PNG picture"]),
    "a cut gz": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcbI", ["gz file is damaged"]),
    "a cut xlsx": (b"PK\x03\x04" + b"\x14" * 99, ["cannot be read as Excel"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_EVENTS)
def test_events_that_are_no_events_are_refused(here, funnel, case):
    data, told = BAD_EVENTS[case]
    (here / "bad.csv").write_bytes(data)
    assert_refused(funnel, here, "bad.csv", "--steps", "steps.yml", told=["", *told])


BAD_STEPS = """\
steps:
- id: request_left
- id: offer
  evidence: [paid]
- id: offer
  evidnce: [x]
- {id: pay, evidence: [paid]}
won: sold
"""


def test_a_broken_steps_file_is_told_line_by_line(here, funnel):
    (here / "bad.yml").write_text(BAD_STEPS)
    told = [
        "line 5: the step id 'offer' is used twice",
        "line 6: unknown key 'evidnce'",
        "line 7: 'paid' is evidence of two steps, offer and pay",
        "line 8: won names 'sold', which is no step",
    ]
    assert_refused(funnel, here, "log.csv", "--steps", "bad.yml", told=told)


@pytest.mark.parametrize(
    "text", ["", "- a", "steps: [", "steps: []\nwon: x", "steps: 5\nwon: x", "post_sale: 5",
             "steps:\n- 5\nwon: a", "steps: *x",
             "steps:\n- {id: a, name: 5}\nwon: a\nlost: lost", "steps:\n- {id: [a]}\nwon: a",
             "steps:\n- {id: a, evidence: [{after: b}]}\nwon: a", "steps:\n- {id: a}\nwon: [a]",
             "steps:\n- {id: a, evidence: [{action: b, where: big}]}\nwon: a"],
)  # fmt: skip
def test_no_steps_file_can_bring_the_command_down(here, funnel, text):
    (here / "bad.yml").write_text(text)
    assert_refused(funnel, here, "log.csv", "--steps", "bad.yml", told=["bad.yml"])


def test_post_sale_that_is_no_list_is_refused(here, funnel):
    (here / "bad.yml").write_text("steps:\n- {id: a}\nwon: a\npost_sale: 5")
    assert_refused(funnel, here, "log.csv", "--steps", "bad.yml", told=["bad.yml, line 4"])


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--steps", "no.yml", "no.yml: no such file; expected a steps file"),
        ("--leads", "no.csv", "no.csv: no such file"),
        ("--mapping", "no.yml", "no.yml: no such file; expected a mapping file"),
        ("--mapping", "log.csv", "expected a mapping file"),
        ("--observed-until", "2024-12-31", "lies before the data begins (2025-01-01)"),
        ("--observed-until", "soon", "'soon' is no date"),
        ("--rule", "pased", "pased"),
        ("--lang", "de", "--lang de: choose en or ru"),
        ("--formats", "html,docx", "choose from html, xlsx, pdf"),
        ("--segments", "many", "many"),
        ("--only", "managr=A", "no column 'managr'; did you mean manager?"),
        ("--only", "lead_id=Z", "no lead has this value; found 'L0', 'L1'"),
        ("--only", "manager", "write it as COLUMN=VALUE"),
        ("--reference", "ask", "write it as STEP=SHARE"),
        ("--seed", "-1", "seed: -1 does not fit; expected"),
        ("--reference", "no_step=0.5", "no step 'no_step' before the sale"),
        ("--within", "90", "90D"),
        ("--time-zone", "Mars", "no time zone 'Mars'"),
        ("--entered-from", "2030-01-01", "no lead is left"),
    ],
)
def test_options_that_are_wrong_are_refused(here, funnel, option, value, told):
    steps = [] if option == "--steps" else ["--steps", "steps.yml"]
    assert_refused(funnel, here, "log.csv", *steps, option, value, told=[told])


def test_a_day_that_is_none_is_told_beside_a_zone_that_is_none(here, funnel):
    options = ["--time-zone", "Mars", "--entered-to", "soon"]
    told = ["no time zone 'Mars'", "'soon' is no date"]
    assert_refused(funnel, here, "log.csv", "--steps", "steps.yml", *options, told=told)


def test_two_shares_for_one_step_are_refused(here, funnel):
    options = ["--reference", "invoice_paid=0.5", "--reference", "invoice_paid=60%"]
    told = ["'invoice_paid=60%': this step has another share, too"]
    assert_refused(funnel, here, "log.csv", "--steps", "steps.yml", *options, told=told)


def test_the_version_is_shown(funnel):
    assert funnel("--version") == (0, f"{funnel_lib.__version__}\n", "")


def test_without_a_steps_file_a_draft_is_made_and_left(here, funnel):
    assert audit(funnel, "log.csv")[0] == 0
    assert "draft: true" in (here / "out" / "steps.yml").read_text(encoding="utf-8")


def test_out_must_be_a_folder_that_can_be(here, funnel):
    steps = ["log.csv", "--steps", "steps.yml"]
    assert_refused(funnel, here, *steps, out="log.csv", told=["--out log.csv: this is a file"])
    assert_refused(funnel, here, *steps, out="log.csv/deep", told=["--out log.csv/deep", "log.csv"])


def test_wrong_input_leaves_no_folder_on_the_way_to_out(here, funnel):
    told = ["no.csv: no such file"]
    assert_refused(funnel, here, "no.csv", "--steps", "steps.yml", out="a/b/c", told=told)


def test_a_folder_without_tables_is_refused(here, funnel):
    (here / "nothing").mkdir()
    told = ["nothing: no table in this folder"]
    assert_refused(funnel, here, "nothing", "--steps", "steps.yml", told=told)


def test_every_problem_is_told_at_once(here, funnel):
    (here / "bad.yml").write_text(BAD_STEPS)
    (here / "empty.csv").touch()
    told = ["10 problems:", "no.csv", "empty.csv", "line 5", "line 8", "'x'", "7", "de", "docx"]
    wrong = ["--rule", "x", "--within", "7", "--lang", "de", "--formats", "docx"]
    assert_refused(funnel, here, "no.csv", "empty.csv", "--steps", "bad.yml", *wrong, told=told)


@pytest.mark.parametrize("arguments", [["audit"], ["audit", "log.csv", "--nonsense"], ["nonsense"]])
def test_a_command_line_that_makes_no_sense_ends_with_2(here, funnel, arguments):
    code, _, err = funnel(*arguments)
    assert code == 2 and "Traceback" not in err


def test_the_tables_alone_are_exactly_those_of_the_contract(planted_folder, tmp_path, funnel):
    files = [planted_folder / f"{n}" for n in ("events.csv", "leads.csv", "steps.yml")]
    out = tmp_path / "мой отчёт {1}" / "new"
    code, output, err = audit(funnel, files[0], "--leads", files[1], "--steps", files[2], out=out)
    assert (code, output.splitlines()[-1]) == (0, str(out / "tables"))
    stages = {Words("en").text(f"progress.{s}") for s in STAGES}
    assert set(err.splitlines()) <= stages  # where it takes longer than two seconds
    found = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    made = {"manifest.json", "claims.json", "segments.json", "new_funnel.csv", "steps.yml"}
    names = [n for n, table in read_tables().items() if table.in_audit]
    assert found == made | {f"tables/{n}.csv" for n in names}
    assert [p.name for p in out.parent.iterdir()] == ["new"]
    for name in names:
        table = pd.read_csv(out / "tables" / f"{name}.csv")
        expected = list_columns(name)
        assert table.columns.tolist()[: len(expected)] == expected, name
        assert name == "leads" or len(table.columns) == len(expected)
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert [i["path"] for i in manifest["inputs"]] == [Path(f).name for f in files]
    assert manifest["parameters"]["rule"] == "passed" and manifest["seed"] == 0
    rows = manifest["event_rows"]
    assert rows["kept"] + rows["removed"] == rows["read"] > 0


def test_folders_with_spaces_cyrillic_and_braces_work_and_running_twice_replaces(here, funnel):
    folder = here / "выгрузка {март} 1"
    folder.mkdir()
    shutil.move(here / "log.csv", folder / "лог {0}.csv")
    out = here / "отчёт {0} x"
    (out / "tables").mkdir(parents=True)
    (out / "mine.txt").write_text("keep")
    for name in ("report.html", "tables/old.csv", "tables/mine.csv"):
        (out / name).write_text("old")
    (out / "manifest.json").write_text('{"tables": {"old": {}}}')  # what the one before had made
    first = audit(funnel, folder, "--steps", "steps.yml", out=out)
    again = audit(funnel, folder, "--steps", "steps.yml", "--rule", "any", out=out)
    assert first[0] == again[0] == 0
    assert (out / "mine.txt").read_text() == "keep"
    assert json.loads((out / "manifest.json").read_text())["parameters"]["rule"] == "any"
    names = {p.name for p in out.iterdir()}
    own = {"manifest.json", "claims.json", "new_funnel.csv", "steps.yml", "tables"}
    assert names == {"mine.txt", *own}
    assert not (out / "tables" / "old.csv").exists() and (out / "tables" / "mine.csv").exists()
    assert [p.name for p in here.iterdir() if p.name.startswith(".")] == []


FORMULAS = ["=1+1", "+7 900", "-2+3", "@SUM(A1)", "=cmd|' /C calc'!A0"]


def test_text_that_looks_like_a_formula_stays_text(here, funnel):
    leads = pd.DataFrame({"lead_id": [f"L{i}" for i in range(5)], "manager": FORMULAS,
                          "amount": [-5.0, 1, 2, 3, 4], "=mark": FORMULAS})  # fmt: skip
    leads.to_csv(here / "leads.csv", index=False)
    files = ["log.csv", "--leads", "leads.csv", "--steps", "steps.yml"]
    code, output, err = funnel("audit", *files, "--formats", "xlsx", "--out", "out")
    assert code == 0 and output.endswith("\n\nout/tables\n"), err
    table = pd.read_csv(here / "out" / "tables" / "leads.csv").set_index("lead_id")
    assert table["manager"].dropna().tolist() == [f"'{f}" for f in FORMULAS]
    assert table["'=mark"].dropna().tolist() == [f"'{f}" for f in FORMULAS]
    assert table["amount"]["L0"] == -5.0
    with zipfile.ZipFile(here / "out" / "audit.xlsx") as book:
        sheets = [book.read(n) for n in book.namelist() if n.startswith("xl/worksheets/sheet")]
        assert not any(b"<f>" in sheet for sheet in sheets)
        assert b"=cmd|" in book.read("xl/sharedStrings.xml")


@pytest.mark.parametrize(
    ("lang", "options", "path"),
    [("en", ["--no-report"], "out/tables"), ("ru", ["--formats", "html"], "out/report.html")],
)
def test_the_screen_shows_page_one_the_warnings_and_the_path_last(
    here, funnel, lang, options, path
):
    options = [*options, "--lang", lang]
    _, output, _ = funnel("audit", "log.csv", "--steps", "steps.yml", *options, "--out", "out")
    facts = json.loads((here / "out" / "manifest.json").read_text("utf-8"))
    assert facts["told"] and facts["warnings"]
    words = Words(lang)
    named = [w | {"name": words.text(f"check.{w['check']}")} for w in facts["warnings"]]
    checks = words.each("sentence.quality_check", named)
    warned = words.text("sentence.warnings", n=len(named), checks=checks)
    expected = [*facts["told"], warned, path]
    assert [" ".join(part.split()) for part in output.strip().split("\n\n")] == [
        " ".join(part.split()) for part in expected
    ]
    quality = pd.read_csv(here / "out" / "tables" / "quality.csv")
    assert len(facts["warnings"]) == (quality["severity"] != "info").sum()


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_both_languages_write_the_same_tables(here, funnel, lang):
    assert audit(funnel, "log.csv", "--steps", "steps.yml", "--lang", lang)[0] == 0
    table = pd.read_csv(here / "out" / "tables" / "funnel.csv")
    assert table["step"].tolist() == ["request_left", "invoice_paid"]
    assert table["n_reached"].tolist() == [20.0, 0.0]


def test_plant_writes_what_audit_reads(here, funnel):
    assert funnel("plant", "crm", "--world", "one", "--leads", 60, "--seed", 2)[0] == 0
    files = ["crm/events.csv", "--leads", "crm/leads.csv", "--steps", "crm/steps.yml"]
    assert audit(funnel, *files)[0] == 0
    code, _, err = funnel("plant", "crm2", "--world", "nowhere")
    assert code == 2 and "nowhere" in err and not (here / "crm2").exists()
    code, _, err = funnel("plant", "log.csv")
    assert code == 2 and "this is a file" in err
    code, _, err = funnel("plant", "crm2", "--seed", -1, "--leads", 0)
    assert code == 2 and "seed is -1" in err and "n_leads is 0" in err


def test_plant_writes_names_in_the_language_asked_for(here, funnel):
    assert funnel("plant", "crm", "--leads", 60, "--lang", "ru")[0] == 0
    leads = pd.read_csv(here / "crm" / "leads.csv")
    assert set(leads["manager"]) == {"Анна", "Борис", "Вера", "Глеб"}
    code, _, err = funnel("plant", "crm2", "--lang", "de")
    assert code == 2 and "--lang de: choose en or ru" in err and not (here / "crm2").exists()


@pytest.mark.parametrize(("lang", "manager"), [("en", "Anna"), ("ru", "Анна")])
def test_example_copies_the_sample_and_the_notebooks_and_says_how_to_audit_them(
    here, funnel, lang, manager
):
    code, output, _ = funnel("example", "try it", "--lang", lang)
    *copies, command = output.splitlines()
    assert code == 0 and all((here / copy).is_file() for copy in copies)
    folder = here / "try it"
    assert {f.name for f in (folder / "data").iterdir()} >= {"events.csv", "truth.json"}
    assert manager in set(pd.read_csv(folder / "data" / "leads.csv")["manager"])
    notebook = (folder / "notebooks" / "audit.ipynb").read_text(encoding="utf-8")
    assert f'lang = \\"{lang}\\"' in notebook
    program, *arguments = shlex.split(command)
    assert program == "funnel" and funnel(*arguments, "--no-report", "--segments", "none")[0] == 0
    assert (folder / "report" / "tables" / "funnel.csv").exists()
    code, _, err = funnel("example", "try it", "--lang", lang)
    told = {"en": "is already there; name another", "ru": "уже есть; назовите другую"}[lang]
    assert code == 2 and f"events.csv {told}" in err
    code, _, err = funnel("example", "other", "--lang", "de")
    assert code == 2 and "choose en or ru" in err and not (here / "other").exists()


def test_plant_never_overwrites_an_export_of_ones_own(here, funnel):
    before = everything_in(here)
    code, output, err = funnel("plant", ".", "--leads", 20)
    assert (code, output) == (2, "") and "steps.yml: is already there" in err
    assert everything_in(here) == before
    assert funnel("plant", "crm", "--leads", 20)[0] == funnel("plant", "crm", "--leads", 30)[0] == 0


@pytest.mark.parametrize(
    "command",
    [
        ["steps", "log.csv", "--out", "log.csv/deep/draft.yml"],
        ["stages", "Proposal sent", "--out", "log.csv/deep/stages.csv"],
        ["plant", "log.csv/deep", "--leads", 20],
        ["notebooks", "log.csv"],
        ["notebooks", ""],
        ["example", "log.csv"],
        ["example", ""],
        ["plant", "", "--leads", 20],
    ],
)
def test_where_nothing_can_be_written_every_command_says_so(here, funnel, command):
    (here / "steps.yml").unlink()
    before = everything_in(here)
    code, _, err = funnel(*command)
    assert code == 2 and err.startswith("funnel: "), err
    assert everything_in(here) == before


def test_an_empty_out_is_the_usual_folder_and_not_the_one_stood_in(here, funnel):
    (here / "tables").mkdir()
    (here / "tables" / "mine.txt").write_text("keep")
    code, output, _ = audit(funnel, "log.csv", "--steps", "steps.yml", out="")
    assert code == 0 and output.endswith("\n\nreports/audit/tables\n")
    assert (here / "tables" / "mine.txt").read_text() == "keep"


def test_as_a_command_of_its_own_it_ends_with_2_and_one_message(here):
    call = [sys.executable, "-m", "funnel_lib.cli", "audit", "no.csv", "--steps", "steps.yml"]
    done = subprocess.run(
        [*call, "--out", "out"], capture_output=True, text=True, cwd=here, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "funnel: no.csv: no such file\n"
    assert not (here / "out").exists()
