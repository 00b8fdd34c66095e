"""Reports: a notebook run by papermill with checked parameters, printed as one slim HTML page."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat

from funnel_lib.audit import check_inputs, check_out, show_input
from funnel_lib.core.errors import InputError, SectionError
from funnel_lib.core.steps import LANGUAGES
from funnel_lib.core.words import Words
from funnel_lib.reporting.notebooks import build_notebook
from funnel_lib.sections.section import FAILED
from funnel_lib.settings import Settings

_HERE = Path(__file__).parent
# What a report folder holds; a new report replaces these and touches nothing else.
OUTPUTS = (
    "report.html", "report.ipynb", "audit.xlsx", "manifest.json", "segments.json",
    "new_funnel.csv", "steps.yml", "tables",
)  # fmt: skip


def write_report(settings: Settings) -> None:
    """Run the audit notebook and leave a finished report in the folder `out`, or nothing.

    Raises
    ------
    InputError
        Whatever is wrong with the input; told before a kernel is started, as far as can be.
    """
    check_inputs(settings)
    lang, out = settings.lang or LANGUAGES[0], Path(settings.out)
    with new_folder(out, settings.list_inputs()) as folder:
        notebook = folder / "report.ipynb"
        nbformat.write(build_notebook(lang), notebook)
        given = settings.model_copy(update={"lang": lang, "out": folder.as_posix()})
        run_notebook(notebook, notebook, given.model_dump(mode="json"))
        _refuse_gaps(notebook)
        _cover_parameters(notebook, folder / "manifest.json", out)
        given = (show_input(p, settings) for p in (*settings.events, settings.leads) if p)
        files = ", ".join(Path(p).name for p in given)
        html = render_html(notebook, Words(lang), settings.title, files)
        (folder / "report.html").write_text(html, encoding="utf-8")


def _refuse_gaps(notebook: Path) -> None:
    """Raise a `SectionError` where a part of a run notebook shows why it could not be made."""
    page = nbformat.read(notebook, as_version=4)
    shown = [o for cell in page.cells for o in cell.get("outputs", ()) if "metadata" in o]
    if failed := {k: v for o in shown for k, v in o.metadata.get(FAILED, {}).items()}:
        raise SectionError(failed)


def _cover_parameters(notebook: Path, manifest: Path, out: Path) -> None:
    """Let a run notebook hold its settings as the manifest does, without managers' names and places
    on this machine, and lie in the folder it is run in."""
    from papermill.parameterize import parameterize_notebook

    page = nbformat.read(notebook, as_version=4)
    told = json.loads(manifest.read_text(encoding="utf-8"))["parameters"]
    ran = page.metadata.papermill
    ran.update(input_path=notebook.name, output_path=notebook.name)
    given = {name: told.get(name, x) for name, x in ran["parameters"].items()}
    given["out"] = "." if out.is_absolute() else out.as_posix()
    nbformat.write(parameterize_notebook(page, given), notebook)


def run_notebook(notebook: str | Path, target: str | Path, parameters: dict[str, Any]) -> None:
    """Run a notebook in a fresh kernel.

    Raises
    ------
    InputError, SectionError
        What the library raised on purpose; any other error keeps its traceback.
    """
    import papermill

    logging.getLogger("papermill").setLevel(logging.ERROR)  # settings that no cell names are fine

    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    try:
        papermill.execute_notebook(
            *(str(path).replace("{", "{{").replace("}", "}}") for path in (notebook, target)),
            parameters, kernel_name="python3", progress_bar=sys.stderr.isatty(),
            request_save_on_cell_execute=False, log_output=False,
            shutdown_kernel="immediate", extra_arguments=["--log-level=50"],
        )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        if error.ename == InputError.__name__:  # its traceback is the list of its problems
            raise InputError(error.traceback) from None
        if error.ename == SectionError.__name__:
            raise SectionError(dict(line.split(": ", 1) for line in error.traceback)) from None
        raise


def render_html(notebook: str | Path, words: Words, title: str, files: str) -> str:
    """Print a run notebook as one page: no script, nothing fetched, a list of contents.

    Parameters
    ----------
    notebook : a notebook with outputs
    words : the reader's language
    title : instead of the notebook's first heading
    files : names of the files the numbers come from
    """
    from nbconvert import HTMLExporter

    page = nbformat.read(notebook, as_version=4)
    exporter = HTMLExporter(
        template_name="report",
        extra_template_basedirs=[str(_HERE / "templates")],
        exclude_anchor_links=True,
    )
    exporter.register_filter("base64", _encode)
    own = {
        "lang": words.lang,
        "title": title or _find_title(page),
        "contents": _anchor_headings(page),
        "words": {
            "contents": words.text("chrome.contents"),
            "code": words.text("chrome.code"),
            "made_by": words.text("chrome.made_by", version=version("funnel-lib"), files=files),
        },
    }
    html, _ = exporter.from_notebook_node(page, resources=own)
    return html


@contextmanager
def new_folder(out: str | Path, inputs: Iterable[str] = ()) -> Iterator[Path]:
    """Give a temporary folder that becomes `out` in one step if the block ends well, else vanishes.

    Into a folder that is already there only the files of a report are moved, each in one step; what
    lies there and is an input, such as the steps file, stays as it is.
    """
    out = Path(out)
    check_out(out)
    near = next(p for p in out.absolute().parents if p.exists())
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=near))
    try:
        yield folder
        _move_in(folder, out, {Path(p).resolve() for p in inputs})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _move_in(folder: Path, out: Path, inputs: set[Path]) -> None:
    folder.chmod(0o755)
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(out)
        return
    for name in OUTPUTS:
        old, new = out / name, folder / name
        if old.resolve() in inputs:
            continue
        if old.is_dir():
            old.rename(folder / f"old-{name}")
        elif old.exists() and not new.exists():
            old.unlink()
        if new.exists():
            new.replace(old)


def _find_title(page) -> str:
    return next(c.source for c in page.cells if c.source.startswith("# ")).removeprefix("# ")


def _anchor_headings(page) -> list[tuple[str, str]]:
    """Give each part's heading an id of its own; list ids and headings for the contents."""
    found: list[tuple[str, str]] = []

    def mark(heading: re.Match) -> str:
        found.append((f"part-{len(found) + 1}", heading[1]))
        return f'<h2 id="{found[-1][0]}">{escape(heading[1])}</h2>'

    for cell in page.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"^## (.+)$", mark, cell.source, flags=re.MULTILINE)
    return found


def _encode(svg: str) -> str:
    return base64.b64encode(svg.encode()).decode()
