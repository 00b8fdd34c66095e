"""The audit's notebook, written from the list of sections, and the notebooks to edit and run."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from funnel_lib.core.errors import InputError
from funnel_lib.core.steps import LANGUAGES
from funnel_lib.core.words import Words
from funnel_lib.sections import MAIN, list_questions
from funnel_lib.sections.section import Section
from funnel_lib.settings import Settings

SECTION = "funnel_lib_section"  # in the metadata of a cell that begins one: its name
_PACKAGE = Path(__file__).parents[1]
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
_FILES = {
    "events": "your export: a file, a list of files, or a folder; with nothing here, the sample",
    "leads": "the table of leads, one row per lead",
    "steps": "the client's steps",
    "out": "folder for tables and workbook",
}
_AUDIT = """\
import funnel_lib as fl

audit = fl.build_audit(fl.collect_settings(globals()))"""


def build_notebook(lang: str) -> nbformat.NotebookNode:
    """Write the audit's notebook: a question and a call for each section, prose in a language.

    The code is the same in every language, but for the cell that names it.
    """
    words = Words(lang)
    cells = [
        _write(f"# {words.text('notebook.title')}", "title"),
        _write(words.text("notebook.audit"), "note"),
        _run(f'lang = "{lang}"'),
        _write(_list_settings(words), "note"),
        _run("\n".join(f'{name} = ""  # {what}' for name, what in _FILES.items()), "parameters"),
        _run(_AUDIT),
        _run("fl.show_page_one(audit)"),
    ]
    for n, section in enumerate(list_questions()):
        if n == len(MAIN):
            cells.append(_write(words.text("notebook.appendix"), "note"))
        cells += [_ask(section, words), _run(f"audit.{section.name}")]
    cells.append(_run("fl.save_audit(audit)"))
    for n, cell in enumerate(cells):
        cell["id"] = f"cell-{n:02}"
    about = {"kernelspec": _KERNEL, "language_info": {"name": "python"}}
    return new_notebook(cells=cells, metadata=about)


def _write(text: str, *tags: str):
    return new_markdown_cell(text, metadata={"tags": [*tags]})


def _run(code: str, *tags: str):
    return new_code_cell(code, metadata={"tags": [*tags]})


def _ask(section: Section, words: Words):
    intro = section.write("intro", words)
    cell = _write(f"## {section.write('question', words)}" + f"\n\n{intro}" * bool(intro))
    cell.metadata[SECTION] = section.name
    return cell


def _list_settings(words: Words) -> str:
    """The settings that no cell names, each with its default and meaning, as Markdown, folded."""
    head = [words.text(f"notebook.{column}") for column in ("setting", "default", "meaning")]
    rows = [
        (f"`{name}`", f"`{field.default!r}`" if field.default else "",
         words.find(f"setting.{name}"))
        for name, field in Settings.model_fields.items()
        if name not in ("lang", *_FILES)
    ]  # fmt: skip
    table = "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * 3, *rows])
    said, fold = (words.text(f"notebook.{text}") for text in ("settings", "all_settings"))
    return f"{said}\n\n<details><summary>{fold}</summary>\n\n{table}\n\n</details>"


def find_notebooks(lang: str) -> Path:
    """The folder of the library's notebooks in a language: in the package, or in the checkout.

    Examples
    --------
    >>> (find_notebooks("ru") / "audit.ipynb").exists()
    True
    """
    inside = _PACKAGE / "notebooks" / lang
    return inside if inside.exists() else _PACKAGE.parent / "notebooks" / lang


def copy_notebooks(folder: str | Path) -> list[Path]:
    """Copy the notebooks of every language out, to edit and run in JupyterLab, as of `copy_out`."""
    return copy_out({
        source: Path(folder) / lang / source.name
        for lang in LANGUAGES
        for source in sorted(find_notebooks(lang).glob("*.ipynb"))
    })  # fmt: skip


def copy_out(copies: dict[Path, Path]) -> list[Path]:
    """Copy files to their places; where there is one already, none is copied, but an `InputError`
    raised."""
    if there := [copy for copy in copies.values() if copy.exists()]:
        raise InputError([f"{copy} is already there; name another folder" for copy in there])
    for source, copy in copies.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    return [*copies.values()]


if __name__ == "__main__":
    for language in LANGUAGES:
        nbformat.write(build_notebook(language), f"{sys.argv[1]}/{language}/audit.ipynb")
