"""Promises of the project: set-up files agree, modules import one way, what is public is shown."""

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile

import nbformat
import pytest
import typer
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import funnel_lib
from funnel_lib.cli import app
from funnel_lib.reporting.notebooks import build_notebook

NO_ADDRESS = re.compile(r"\w+://|index-url|find-links", re.IGNORECASE)


def declared(root) -> dict[str, Requirement]:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"] + project["optional-dependencies"]["dev"]
    return {Requirement(line).name.lower(): Requirement(line) for line in lines}


def locked(root) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (root / "requirements.lock").read_text().splitlines():
        name, version = line.split(";")[0].strip().split("==")
        found.setdefault(name.lower(), []).append(version)
    return found


def test_every_requirement_is_locked_within_its_bounds(root):
    lock = locked(root)
    for name, requirement in declared(root).items():
        assert lock.get(name), f"{name} is not in requirements.lock; run make lock"
        for version in lock[name]:
            assert requirement.specifier.contains(version), f"{name}=={version}"


def test_the_conda_environment_has_the_same_names_and_bounds(root):
    environment = yaml.safe_load((root / "environment.yml").read_text())["dependencies"]
    lines = [Requirement(d) for d in environment if isinstance(d, str) and d != "pip"]
    # conda calls what Python imports of a program so: duckdb alone is the program
    conda = {r.name.lower().replace("python-duckdb", "duckdb"): r.specifier for r in lines}
    python = conda.pop("python")
    assert conda == {name: r.specifier for name, r in declared(root).items()}
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert python == SpecifierSet(project["requires-python"])


@pytest.fixture(scope="module")
def source_copy(root, tmp_path_factory):
    """The checkout without what git ignores by name: what is built is built here."""
    copy = tmp_path_factory.mktemp("copy") / "tree"
    skipped = shutil.ignore_patterns(".*", "__pycache__", "reports", "tests", "build", "dist")
    shutil.copytree(root, copy, ignore=skipped)
    return copy


def run_pip(*arguments, cwd):
    """Pip without network and without packages of others."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    alone = ["--no-index", "--no-deps", "--no-build-isolation"]
    return subprocess.run([*map(str, command), *alone], cwd=cwd, capture_output=True, text=True)


def test_pip_takes_the_lines_of_the_conda_environment(source_copy):
    """Conda hands them over as a requirements file beside environment.yml, and runs pip there."""
    environment = yaml.safe_load((source_copy / "environment.yml").read_text())["dependencies"]
    lines = [line for d in environment if isinstance(d, dict) for line in d["pip"]]
    handed = source_copy / "condaenv.requirements.txt"
    handed.write_text("\n".join(lines))
    done = run_pip("install", "--dry-run", "--ignore-installed", "-r", handed, cwd=source_copy)
    handed.unlink()
    assert done.returncode == 0, done.stderr
    assert f"Obtaining {source_copy.as_uri()} " in done.stdout  # in place: an editable install
    assert "Would install funnel-lib" in done.stdout


@pytest.fixture(scope="module")
def packed(source_copy, tmp_path_factory) -> dict[str, list[str]]:
    """What lies in the wheel, in the sdist and in the wheel made from the sdist."""
    for folder in ("notebooks/en", "data/sample", "funnel_lib"):
        for left in (".ipynb_checkpoints/left-checkpoint.ipynb", "__pycache__/left.pyc"):
            (source_copy / folder / left).parent.mkdir(exist_ok=True)
            (source_copy / folder / left).write_text("{}")
    (source_copy / "data" / "export_of_mine.csv").write_text("client\n")
    place = tmp_path_factory.mktemp("packed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(place)]
    subprocess.run(build, cwd=source_copy, check=True, capture_output=True)
    sdist = next(place.glob("*.tar.gz"))
    names = {}
    for kind, source in {"wheel": source_copy, "wheel of the sdist": sdist}.items():
        done = run_pip("wheel", "--wheel-dir", place / kind, source, cwd=place)
        assert done.returncode == 0, done.stderr
        names[kind] = zipfile.ZipFile(next((place / kind).glob("*.whl"))).namelist()
    with tarfile.open(sdist) as archive:
        names["sdist"] = [name.split("/", 1)[1] for name in archive.getnames()]
    return names


def test_the_wheel_carries_data_and_notebooks_inside_the_package(root, packed):
    code = {
        str(path.relative_to(root).as_posix())
        for path in (root / "funnel_lib").rglob("*")
        if path.is_file() and path.suffix in {".py", ".yml", ".j2", ".css", ".json"}
        if ".ipynb_checkpoints" not in path.parts
    }
    assert {
        "funnel_lib/locale/ru.yml",
        "funnel_lib/reporting/templates/report/index.html.j2",
    } <= code
    beside = {
        str(path.relative_to(root).as_posix())
        for pattern in ("data/sample*/*.*", "data/steps/*.yml", "notebooks/??/*.ipynb")
        for path in root.glob(pattern)
    }
    for sample in ("data/sample/", "data/sample_ru/"):
        assert sum(name.startswith(sample) for name in beside) == 5
    assert {"data/steps/b2b.yml", "notebooks/ru/audit.ipynb"} <= beside
    expected = code | {f"funnel_lib/{name}" for name in beside}
    for kind in ("wheel", "wheel of the sdist"):
        held = [name for name in packed[kind] if ".dist-info/" not in name]
        assert sorted(held) == sorted(expected), kind
    assert code | beside <= set(packed["sdist"])


def test_nothing_left_behind_by_work_is_packed(packed):
    for kind, names in packed.items():
        for left in (".ipynb_checkpoints", "__pycache__", "export_of_mine"):
            assert not [name for name in names if left in name], kind


def test_no_lock_or_set_up_file_holds_an_address(root):
    for name in ("requirements.lock", "environment.yml", "pyproject.toml", "Makefile", ".ci/run"):
        assert not NO_ADDRESS.search(re.sub(r"--no-emit-[a-z-]+", "", (root / name).read_text())), (
            name
        )


@pytest.mark.parametrize("name", funnel_lib.__all__)
def test_every_public_name_is_documented(name):
    thing = getattr(funnel_lib, name)
    if not (inspect.isfunction(thing) or inspect.isclass(thing)):
        return
    assert inspect.getdoc(thing), name


def test_every_command_and_option_has_help():
    group = typer.main.get_command(app)
    assert set(group.commands) >= {"audit", "plant", "notebooks"}
    for name, command in group.commands.items():
        assert command.help, name
        for option in command.params:
            if option.name != "help":
                assert option.help, f"{name} {option.name}"


def test_the_package_works_from_a_plain_checkout(root):
    code = "import funnel_lib as fl; print(len(fl.__all__))"
    env = {k: v for k, v in os.environ.items() if k != "PYTHONSAFEPATH"}
    call = [sys.executable, "-c", code]
    done = subprocess.run(call, cwd=root, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(funnel_lib.__all__)


def cells(root, lang, name, kind):
    notebook = json.loads((root / "notebooks" / lang / name).read_text(encoding="utf-8"))
    return [c for c in notebook["cells"] if c["cell_type"] == kind]


def test_the_notebooks_of_both_languages_hold_the_same_code(root):
    names = sorted(p.name for p in (root / "notebooks" / "en").glob("*.ipynb"))
    assert names == sorted(p.name for p in (root / "notebooks" / "ru").glob("*.ipynb"))
    for name in names:
        codes = [
            [("".join(c["source"]), c["metadata"]["tags"]) for c in cells(root, lang, name, "code")]
            for lang in ("en", "ru")
        ]
        differ = [pair for pair in zip(*codes, strict=True) if pair[0] != pair[1]]
        assert differ == [(('lang = "en"', []), ('lang = "ru"', []))]
        told = ["".join(c["source"]) for c in cells(root, "ru", name, "markdown")]
        assert all(re.search("[а-я]", text) for text in told)


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_notebooks_keep_no_outputs_and_tell_a_story(root, lang):
    for path in (root / "notebooks" / lang).glob("*.ipynb"):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        assert "papermill" not in notebook["metadata"]
        assert "".join(notebook["cells"][0]["source"]).startswith("# ")
        for cell in notebook["cells"]:
            source = "".join(cell["source"])
            if "note" in cell["metadata"]["tags"]:  # of the settings and their defaults
                continue
            if cell["cell_type"] == "markdown":
                # results are supplied by the library: no typed numbers but the 95 % of intervals
                assert not re.search(r"\d", re.sub("95\xa0?%", "", source)), source
                continue
            assert not cell["outputs"] and cell["execution_count"] is None
            assert not re.search(r"^\s*(def|class|for|while) ", source, re.M), source
            assert len(source.splitlines()) <= 5, source
        assert len(notebook["cells"]) <= 51


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_the_notebook_of_the_audit_is_the_list_of_sections(root, lang):
    kept = (root / "notebooks" / lang / "audit.ipynb").read_text(encoding="utf-8")
    assert kept == nbformat.writes(build_notebook(lang)) + "\n", "run: make docs"
