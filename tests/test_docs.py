"""What README and docs promise: every link leads somewhere, every command exists and runs, every
option, table, column and message named is one there is."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import test_amocrm
import test_bitrix24
import test_hubspot
import test_pipedrive
import test_salesforce
import typer
import yaml
from crm_world import make_world

import funnel_lib as fl
from funnel_lib.cli import app
from funnel_lib.core.steps import read_steps
from funnel_lib.core.tables import read_tables
from funnel_lib.reading.columns import STRONG, bare_name, read_mapping
from funnel_lib.reading.crm import CRMS
from funnel_lib.reading.crms import pipedrive
from funnel_lib.sections.quality.exports import METHODS

ROOT = Path(__file__).parent.parent
LANGS = ("en", "ru")
LONGEST = 119  # lines of a README: one page
ONE_LANGUAGE = {"tables.md", "decisions.md"}  # of docs/: references, in English alone
PAGES = sorted([
    ROOT / "README.md", ROOT / "README.ru.md", ROOT / "CONTRIBUTING.md", ROOT / "ARCHITECTURE.md",
    ROOT / "reports" / "README.md", *(ROOT / "docs").rglob("*.md"),
])  # fmt: skip
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
# What a block of commands may begin with besides funnel and make.
OTHERS = ("source", "py", "pip", r".venv\Scripts\activate")
COMMANDS = typer.main.get_command(app).commands


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)
in_both = pytest.mark.parametrize("lang", LANGS)


def page_of(name: str, lang: str) -> str:
    folder = ROOT / "docs" / ("" if lang == "en" else "ru")
    return (folder / name).read_text(encoding="utf-8")


def readme_of(lang: str) -> str:
    return (ROOT / ("README.md" if lang == "en" else "README.ru.md")).read_text(encoding="utf-8")


def blocks(text: str, kind: str) -> list[str]:
    return [inside for of, inside in FENCE.findall(text) if of == kind]


def commands(text: str) -> list[str]:
    """Lines of blocks of commands, and commands within sentences, without their comments."""
    lines = [line for block in blocks(text, "") for line in block.splitlines()]
    within = re.findall(r"`((?:funnel|make) [^`]*)`", FENCE.sub("", text))
    lines += [line for line in within if "…" not in line and "not found" not in line]
    return [re.sub(r"\s+#.*", "", line) for line in lines if line.strip()]


def options(command) -> set[str]:
    return {o for p in command.params for o in p.opts if o.startswith("--")} - {"--help"}


def first_cells(text: str, heading: str) -> list[str]:
    """The first column of the table under a heading that begins so."""
    under = re.split(rf"^## {heading}.*$", text, flags=re.M)[1].split("\n## ")[0]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in under.splitlines()]
    return [cell for cell, line in zip(rows, under.splitlines(), strict=True)
            if line.startswith("| ")][1:]  # fmt: skip


# --- pages ---------------------------------------------------------------------------------------


@in_both
def test_a_readme_is_one_page(lang):
    assert len(readme_of(lang).splitlines()) <= LONGEST


def slug(heading: str) -> str:
    bare = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return bare.replace(" ", "-")


@every_page
def test_every_link_points_to_what_is_there(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    for link in links:
        assert "://" not in link, link
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{name_of(page)}: {link}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.M)
            assert anchor in map(slug, headings), f"{name_of(page)}: {link}"


def test_every_page_of_docs_is_linked_from_its_readme():
    for lang in LANGS:
        folder = ROOT / "docs" / ("" if lang == "en" else "ru")
        names = {p.relative_to(folder).as_posix() for p in folder.rglob("*.md")}
        names = {n for n in names if not n.startswith("ru/")} - {"decisions.md", "crm/all.md"}
        for name in names:
            assert f"({(folder / name).relative_to(ROOT).as_posix()})" in readme_of(lang), name


def test_docs_in_russian_mirror_those_in_english():
    docs, ru = ROOT / "docs", ROOT / "docs" / "ru"
    names = {p.relative_to(docs).as_posix() for p in docs.rglob("*.md")}
    english = {n for n in names if not n.startswith("ru/")} - ONE_LANGUAGE
    assert english == {p.relative_to(ru).as_posix() for p in ru.rglob("*.md")}
    for name in english:
        texts = [page_of(name, lang) for lang in LANGS]
        levels = [re.findall(r"^#+ ", FENCE.sub("", t), re.M) for t in texts]
        assert levels[0] == levels[1], name
        kinds = [[kind for kind, _ in FENCE.findall(t)] for t in texts]
        assert kinds[0] == kinds[1], name
        rows = [len(re.findall(r"^\|", t, re.M)) for t in texts]
        assert rows[0] == rows[1], name
        assert re.search("[а-я]{3}", texts[1].split("\n", 1)[0]) or "/" in name, name


def test_both_readmes_have_the_same_commands():
    heads = [[c.split()[:2] for c in commands(readme_of(lang))] for lang in LANGS]
    assert heads[0] == heads[1]


# --- commands ------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [p for p in PAGES if p.name != "ARCHITECTURE.md"], ids=name_of)
def test_every_command_shown_is_one_with_these_options(page):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    for line in commands(page.read_text(encoding="utf-8")):
        parts = shlex.split(line.replace("\\", "/"))
        for part in parts:
            if part.startswith("data/") or part in ("environment.yml", "requirements.lock"):
                assert (ROOT / part).exists(), line
        if parts[0] == "make":
            assert {p for p in parts[1:] if "=" not in p} <= targets, line
        elif parts[0] == "funnel":
            if parts[1] in ("--help", "--version"):
                continue
            assert parts[1] in COMMANDS, line
            if parts[2:] in ([], ["--help"], ["--lang", "ru", "--help"]):
                continue
            with COMMANDS[parts[1]].make_context(parts[1], parts[2:]):  # raises on what it lacks
                pass
        else:
            assert line.startswith(OTHERS), line


def test_a_command_that_there_is_not_would_be_found(tmp_path):
    for wrong in ("audit events.csv --stepz x", "audit", "check a.csv --rule any"):
        name, *rest = shlex.split(wrong)
        with pytest.raises(typer.BadParameter.__base__):
            COMMANDS[name].make_context(name, rest)
    assert commands("```\nfunnel check a  # why\n```\n`make lab` x") == [
        "funnel check a",
        "make lab",
    ]


@in_both
def test_the_readme_shows_what_its_commands_tell_of_the_sample(lang, funnel, tmp_path, monkeypatch):
    """Three commands, each with what comes out; a line “…” stands for lines left out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")
    sample = ROOT / "data" / ("sample" if lang == "en" else "sample_ru")
    (tmp_path / "exports").mkdir()
    for name in ("events.csv", "leads.csv"):
        shutil.copy(sample / name, tmp_path / "exports" / name)
    own = readme_of(lang).split("\n## ")[2]
    shown = [block.splitlines() for block in blocks(own, "text")]
    lines = [line for block in blocks(own, "") for line in block.splitlines()]
    assert [shlex.split(line)[1] for line in lines] == ["check", "steps", "audit"]
    for line, expected in zip(lines, shown, strict=True):
        _, command, *rest = shlex.split(line)
        more = ["--no-report", "--segments", "none"] * (command == "audit")  # quick
        code, out, err = funnel(command, *rest, *more)
        assert code == 0, err
        if command == "steps":
            out = (tmp_path / "steps.yml").read_text(encoding="utf-8")
        out = out.replace("/tables", "/report.html") if command == "audit" else out
        told = " ".join(re.sub(r"[│\s]+", " ", out).split())
        for one in expected:
            if one != "…":
                assert " ".join(re.sub(r"[│\s]+", " ", one).split()) in told, one


def test_make_audit_makes_the_report_of_the_language_and_says_what_next():
    for arguments, sample, lang in (([], "sample", "en"), (["lang=ru"], "sample_ru", "ru")):
        told = subprocess.run(
            ["make", "--dry-run", "audit", *arguments],
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
        ).stdout
        assert f"data/{sample}/events.csv" in told and f"--lang {lang}" in told
        assert f"--out reports/{sample}\n" in told
        assert "source .venv/bin/activate" in told and r".venv\Scripts\activate" in told
        assert ("Откройте" in told) == (lang == "ru")
        assert f"reports/{sample}/report.html" in readme_of(lang)
    for lang in LANGS:
        assert "source .venv/bin/activate" in readme_of(lang)
        assert r".venv\Scripts\activate" in readme_of(lang)


# --- a page a CRM --------------------------------------------------------------------------------


def write_crm(crm: str, folder: Path) -> None:
    """Deals as this CRM exports them."""
    module = {
        "amocrm": test_amocrm, "bitrix24": test_bitrix24, "hubspot": test_hubspot,
        "salesforce": test_salesforce, "pipedrive": test_pipedrive,
    }[crm]  # fmt: skip
    ends = {
        "amocrm": ("Успешно реализовано", "Закрыто и не реализовано"),
        "bitrix24": (test_bitrix24.WON, test_bitrix24.LOST),
        "hubspot": (test_hubspot.WON, test_hubspot.LOST),
        "salesforce": ("Closed Won", "Closed Lost"), "pipedrive": ("Contract", "Talk"),
    }[crm]  # fmt: skip
    world = make_world(won=ends[0], lost=ends[1])
    if crm == "salesforce":
        module.write_tables(folder, {"Opportunity": module.opportunities(world)})
        return
    folder.mkdir()
    module.as_export(world).to_csv(folder / "deals.csv", index=False)


def blocks_of_commands(text: str) -> list[list[str]]:
    return [shlex.split(line) for block in blocks(text, "") for line in block.splitlines()]


@pytest.mark.parametrize("crm", sorted(METHODS))
def test_the_commands_of_a_crm_run_on_its_export(crm, funnel, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(ROOT / "data")
    write_crm(crm, tmp_path / "exports")
    for _, command, *rest in blocks_of_commands(page_of(f"crm/{crm}.md", "en")):
        more = ["--no-report", "--segments", "none"] * (command == "audit")
        code, _, err = funnel(command, *rest, *more)
        assert code == 0, err
    tables = tmp_path / "reports" / "my-team" / "tables"
    reached = pd.read_csv(tables / "funnel.csv").set_index("step")["n_reached"]
    assert reached["request_left"] == len(pd.read_csv(tables / "leads.csv")) == 60


@pytest.mark.parametrize("name", ["all", "other", *sorted(METHODS)])
def test_the_commands_of_a_crm_are_the_same_in_russian(name):
    both = [blocks_of_commands(page_of(f"crm/{name}.md", lang)) for lang in LANGS]
    for of_en, of_ru in zip(*both, strict=True):
        if of_en[0] == "funnel":
            assert of_ru[-2:] == ["--lang", "ru"] or "--lang ru --out" in " ".join(of_ru)
            zone = ("Europe/Berlin", "Europe/Moscow")
            assert [zone[1] if x == zone[0] else x for x in of_en] == [
                x for x in of_ru if x not in ("--lang", "ru")
            ]


@in_both
@pytest.mark.parametrize("crm", sorted(METHODS))
def test_every_column_a_page_names_is_read(crm, lang):
    module = CRMS[crm]
    kinds = module.KINDS
    known = {bare_name(n) for k in kinds for names in k.columns.values() for n in names.split(", ")}
    heading = "Columns read" if lang == "en" else "Какие столбцы читаются"
    named = [c for cell in first_cells(page_of(f"crm/{crm}.md", lang), heading)
             for c in re.findall(r"`([^`]+)`", cell)]  # fmt: skip
    assert len(named) > 10
    like = [k.times_like for k in kinds if k.times_like]
    for column in named:
        stages = any(re.match(p, column.replace("…", '"Stage"')) for p in like)
        assert bare_name(column) in known or stages, column


@in_both
@pytest.mark.parametrize("crm", sorted(METHODS))
def test_a_page_names_every_further_export_that_the_check_advises(crm, lang):
    text = page_of(f"crm/{crm}.md", lang)
    for what, methods in METHODS[crm].items():
        if (crm, what) == ("pipedrive", "leads"):  # advised, and not read: the page says so
            assert not [k for k in pipedrive.KINDS if k.name == "leads"]
            continue
        for method in re.sub(r" \(.*?\)", "", methods).split(", "):
            assert method in text, method


@in_both
def test_own_tables_are_read_under_the_names_given(lang):
    text = page_of("crm/other.md", lang)
    cells = first_cells(text, "Events" if lang == "en" else "События")
    cells += first_cells(text, "Leads" if lang == "en" else "Лиды")
    known = {bare_name(w) for m, words in STRONG.items() for w in f"{m}, {words}".split(", ")}
    for name in [n for cell in cells for n in re.findall(r"`([^`]+)`", cell)]:
        assert bare_name(name) in known, name


# --- steps, mapping, python ----------------------------------------------------------------------


@in_both
def test_every_steps_file_shown_is_one(lang, tmp_path):
    shown = blocks(page_of("steps.md", lang), "yaml")
    keys = set()
    for text in shown:
        (tmp_path / "steps.yml").write_text(text, encoding="utf-8")
        read_steps(tmp_path / "steps.yml")
        raw = yaml.safe_load(text)
        rules = [r for s in raw["steps"] for r in s.get("evidence", []) if isinstance(r, dict)]
        keys |= {*raw} | {k for part in (*raw["steps"], *rules) for k in part}
    step, evidence = (fl.Steps.model_fields["steps"].annotation.__args__[0], None)
    evidence = step.model_fields["evidence"].annotation.__args__[0]
    fields = {*fl.Steps.model_fields, *step.model_fields, *evidence.model_fields}
    assert keys == fields - {"draft"}  # each key has an example; of a draft the text tells
    assert "draft: true" in readme_of(lang)


@in_both
def test_every_ready_steps_file_is_listed(lang):
    cells = first_cells(page_of("steps.md", lang), "Ready" if lang == "en" else "Готовые")
    assert {c.strip("`") for c in cells} == {
        f"data/steps/{p.name}" for p in (ROOT / "data" / "steps").glob("*.yml")
    }


@in_both
def test_every_mapping_shown_is_one_and_every_key_is_told(lang, tmp_path):
    text = page_of("mapping.md", lang)
    for block in blocks(text, "yaml"):
        (tmp_path / "mapping.yml").write_text(block, encoding="utf-8")
        read_mapping(tmp_path / "mapping.yml")
    told = set(re.findall(r"^\| `(\w+)` \|", text, re.M))
    assert told == {*yaml.safe_load(blocks(text, "yaml")[0])} == {*fl.Mapping.model_fields}


def test_the_python_shown_runs(planted_folder, tmp_path, monkeypatch):
    for name in ("events.csv", "leads.csv", "steps.yml"):
        shutil.copy(planted_folder / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    known: dict = {}
    shown = ["\n".join(blocks(page_of("python.md", lang), "python")) for lang in LANGS]
    exec(shown[0], known)
    assert len(known["audit"].tables["funnel"]) and len(known["found"].ids)
    bare = [re.sub(r"  #.*", "", code).replace(', lang="ru"', "") for code in shown]
    assert bare[0] == bare[1]


@in_both
def test_every_notebook_is_told(lang):
    listed = set(re.findall(r"^\| `(\w+\.ipynb)`", page_of("python.md", lang), re.M))
    assert listed == {p.name for p in (ROOT / "notebooks" / lang).glob("*.ipynb")}


# --- results, messages ---------------------------------------------------------------------------


@in_both
def test_every_option_of_an_audit_is_told(lang):
    heading = "The options" if lang == "en" else "Параметры аудита"
    cells = first_cells(page_of("results.md", lang), heading)
    assert {c.strip("`").split()[0] for c in cells} == options(COMMANDS["audit"])
    for cell in cells:
        with COMMANDS["audit"].make_context("audit", ["events.csv", *shlex.split(cell.strip("`"))]):
            pass


def cells_of_results(english: str, russian: str) -> list[list[str]]:
    """The first column of a table of the page of results, in both languages."""
    headings = zip((english, russian), LANGS, strict=True)
    return [first_cells(page_of("results.md", lang), heading) for heading, lang in headings]


def test_every_table_is_told_and_every_file_is_written(funnel, planted_folder, tmp_path):
    tables, files = cells_of_results("Tables", "Таблицы"), cells_of_results("Files", "Файлы")
    assert tables[0] == tables[1] and files[0] == files[1]
    told = {t for cell in tables[0] for t in re.findall(r"`(\w+)`", cell)}
    assert told <= {*read_tables()}
    given = [planted_folder / "events.csv", "--leads", planted_folder / "leads.csv"]
    code, _, err = funnel("audit", *given, "--steps", planted_folder / "steps.yml",
                          "--out", tmp_path / "out", "--no-report")  # fmt: skip
    assert code == 0, err
    written = {p.stem for p in (tmp_path / "out" / "tables").glob("*.csv")}
    assert written <= told, written - told
    of_report = {"report.html", "report.ipynb", "audit.xlsx"}
    named = {n.strip("`") for n in files[0]} - of_report - {"tables/*.csv"}
    assert named <= {p.name for p in (tmp_path / "out").iterdir()}


@in_both
def test_bases_and_rules_are_told(lang):
    words = ("n_entered", "n_reached", "n_unseen", "n_open", "`passed`", "`ordered`", "`any`")
    for word in words:
        assert word in page_of("results.md", lang)


@in_both
def test_every_check_is_called_as_the_report_calls_it(lang):
    locale = yaml.safe_load((ROOT / f"funnel_lib/locale/{lang}.yml").read_text("utf-8"))
    heading = "Checks of the data" if lang == "en" else "Проверки данных"
    cells = first_cells(page_of("troubleshooting.md", lang), heading)
    assert len(cells) > 20
    assert {*cells} <= {*locale["check"].values()}


HEADER = "lead_id,at,action\n"
ROWS = "1,2025-01-02,asked\n1,2025-01-03,paid\n2,2025-02-01,asked\n"
STEPS = "steps:\n- {id: asked}\n- {id: paid}\nwon: paid\n"
# What is given -> the message of the pages it gets; files beside log.csv and steps.yml.
WRONG = {
    "no such file": (["check", "nothing.csv"], {}),
    "the file is empty": (["check", "bad.csv"], {"bad.csv": ""}),
    "no column tells whose lead a row is": (["check", "bad.csv"], {"bad.csv": "a;b\n1;2\n"}),
    "columns may mean lead_id": (
        ["check", "bad.csv"], {"bad.csv": "lead_id,deal_id,at,action\n1,1,2025-01-01,x\n"}
    ),
    "may be day/month or month/day": (
        ["check", "bad.csv"], {"bad.csv": HEADER + "1,03/04/2025,x\n2,05/06/2025,x\n"}
    ),
    "event rows cannot be used": (["check", "bad.csv"], {"bad.csv": HEADER + ROWS + "3,soon,x\n"}),
    "no table of it; it is told by the columns": (["check", "log.csv", "--crm", "amocrm"], {}),
    "no time zone": (["check", "log.csv", "--time-zone", "Moscow"], {}),
    "stand beside times in UTC": (
        ["check", "deals.csv", "events.json"],
        {"deals.csv": "ID,Этап сделки,Дата создания сделки,Ответственный\n"
         "1,Новая,01.02.2025 10:00:00,Анна\n",
         "events.json": '[{"type": "lead_added", "entity_id": 1, "entity_type": "lead", '
         '"created_at": 1738400000}]'},
    ),
    "unknown key": (
        ["audit", "log.csv", "--steps", "bad.yml"],
        {"bad.yml": STEPS.replace("id: asked", "id: asked, evidense: [x]")},
    ),
    "which is no step": (
        ["audit", "log.csv", "--steps", "bad.yml"],
        {"bad.yml": STEPS.replace("won: paid", "won: payd")},
    ),
    "is evidence of two steps": (
        ["audit", "log.csv", "--steps", "bad.yml"],
        {"bad.yml": STEPS.replace("id: asked", "id: asked, evidence: [paid]")},
    ),
    "no lead has this value": (["audit", "log.csv", "--steps", "steps.yml", "--only", "manager=A"],
                               {"log.csv": "lead_id,at,action\n" + ROWS}),
    "before the sale": (
        ["audit", "log.csv", "--steps", "steps.yml", "--reference", "sold=80%"], {}
    ),
    "is no duration": (["audit", "log.csv", "--steps", "steps.yml", "--within", "90"], {}),
    "needs WeasyPrint": (
        ["audit", "log.csv", "--steps", "steps.yml", "--formats", "pdf"], {}
    ),
    "is already there": (["steps", "log.csv", "--out", "steps.yml"], {}),
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG)
def test_every_message_explained_is_one_that_comes(message, funnel, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("funnel_lib.audit.find_spec", lambda name: None)
    arguments, files = WRONG[message]
    for name, text in ({"log.csv": HEADER + ROWS, "steps.yml": STEPS} | files).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "leads.csv").write_text("lead_id,status,manager\n1,won,B\n2,open,B\n")
    more = ["--leads", "leads.csv", "--no-report"] if arguments[0] == "audit" else []
    code, _, err = funnel(*arguments, *more)
    assert code == 2 and message in err


@in_both
def test_every_message_explained_is_tried(lang):
    heading = "Messages" if lang == "en" else "Сообщения"
    cells = first_cells(page_of("troubleshooting.md", lang), heading)
    assert {c.strip("`") for c in cells} == {*WRONG}


def test_the_words_are_the_same_in_both_languages():
    n = [
        len(re.findall(r"^\| (?!word|слово|-)", page_of("words.md", lang), re.M)) for lang in LANGS
    ]
    assert n[0] == n[1] > 15
    for lang in LANGS:
        assert "asked_by" in page_of("words.md", lang)
        assert "observed_until" in page_of("limits.md", lang)
