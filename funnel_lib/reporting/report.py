"""Reports: a notebook run by papermill with checked parameters, printed as one slim HTML page."""

from __future__ import annotations

import base64
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

from funnel_lib.core.errors import InputError, suggest
from funnel_lib.core.words import LANGUAGES, Words
from funnel_lib.reporting.outputs import FORMATS

_HERE = Path(__file__).parent
_PACKAGE = _HERE.parent
# What a report folder holds; a new report replaces these and touches nothing else.
OUTPUTS = (
    "report.html", "report.ipynb", "audit.xlsx", "manifest.json", "segments.json",
    "new_funnel.csv", "tables",
)  # fmt: skip


def find_notebooks(lang: str) -> Path:
    """The folder of the library's notebooks in a language: in the package, or in the checkout.

    Examples
    --------
    >>> (find_notebooks("ru") / "audit.ipynb").exists()
    True
    """
    if lang not in LANGUAGES:
        raise InputError([f"no language {lang!r}; there are {', '.join(LANGUAGES)}"])
    inside = _PACKAGE / "notebooks" / lang
    return inside if inside.exists() else _PACKAGE.parent / "notebooks" / lang


def copy_notebooks(folder: str | Path) -> list[Path]:
    """Copy the notebooks out, to edit and run in JupyterLab; what is there is never overwritten.

    Raises
    ------
    InputError
        A notebook of that name is already there.
    """
    pairs = [
        (source, Path(folder) / lang / source.name)
        for lang in LANGUAGES
        for source in sorted(find_notebooks(lang).glob("*.ipynb"))
    ]
    there = [str(target) for _, target in pairs if target.exists()]
    if there:
        raise InputError([f"{t} is already there; name another folder" for t in there])
    for source, target in pairs:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return [target for _, target in pairs]


def write_report(out: str | Path, lang: str, title: str | None, parameters: dict[str, Any]) -> None:
    """Run the audit notebook and leave a finished report in a folder, or nothing.

    Parameters
    ----------
    out : the folder; made if it is not there
    lang : language of the report
    title : instead of the notebook's own
    parameters : of the notebook, checked against its parameters cell before the run

    Raises
    ------
    InputError
        A parameter the notebook does not have, or whatever is wrong with the input.
    """
    notebook = find_notebooks(lang) / "audit.ipynb"
    check_parameters(notebook, parameters)
    with new_folder(out) as folder:
        given = {**parameters, "save_to": folder.as_posix()}
        run_notebook(notebook, folder / "report.ipynb", given)
        _rename_inside(folder / "report.ipynb", folder.as_posix(), Path(out).as_posix())
        words = Words(lang)
        html = render_html(folder / "report.ipynb", words, title, _name_files(parameters))
        (folder / "report.html").write_text(html, encoding="utf-8")


def check_parameters(notebook: str | Path, parameters: dict[str, Any]) -> None:
    """Raise an `InputError` for parameters that a notebook does not have."""
    import papermill

    known = list(papermill.inspect_notebook(str(notebook)))
    wrong = [p for p in parameters if p not in known]
    if wrong:
        name = Path(notebook).name
        raise InputError([f"{name} has no parameter {w!r}{suggest(w, known)}" for w in wrong])


def run_notebook(notebook: str | Path, target: str | Path, parameters: dict[str, Any]) -> None:
    """Run a notebook in a fresh kernel.

    Raises
    ------
    InputError
        Where the library refused the input; any other error keeps its traceback.
    """
    import papermill

    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    try:
        papermill.execute_notebook(
            str(notebook), str(target).replace("{", "{{").replace("}", "}}"),
            parameters, kernel_name="python3", progress_bar=sys.stderr.isatty(),
            request_save_on_cell_execute=False, log_output=False,
            shutdown_kernel="immediate", extra_arguments=["--log-level=50"],
        )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        if error.ename == InputError.__name__:
            told = re.sub(r"^\d+ problems:\n- ", "", error.evalue)
            raise InputError(told.split("\n- ")) from None
        raise


def render_html(notebook: str | Path, words: Words, title: str | None, files: str) -> str:
    """Print a run notebook as one page: no script, nothing fetched, a list of contents.

    Parameters
    ----------
    notebook : a notebook with outputs
    words : the reader's language
    title : instead of the notebook's first heading
    files : names of the files the numbers come from
    """
    import nbformat
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
def new_folder(out: str | Path) -> Iterator[Path]:
    """Give a temporary folder that becomes `out` in one step if the block ends well, else vanishes.

    Into a folder that is already there only the files of a report are moved, each in one step.
    """
    out = Path(out)
    check_out(out)
    near = next(p for p in out.absolute().parents if p.exists())
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=near))
    try:
        yield folder
        _move_in(folder, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_out(out: str | Path) -> None:
    """Raise an `InputError` where a report cannot be written."""
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise InputError([f"--out {out}: this is a file; name a folder"])
    there = next(p for p in [out, *out.absolute().parents] if p.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise InputError([f"--out {out}: {there} cannot be written to; name another folder"])


def check_formats(formats: str) -> list[str]:
    """Read a list such as ``html,xlsx``.

    Examples
    --------
    >>> check_formats("html, xlsx")
    ['html', 'xlsx']
    """
    named = [f.strip() for f in formats.split(",") if f.strip()]
    wrong = [f for f in named if f not in FORMATS]
    if wrong or not named:
        raise InputError([f"--formats {formats!r}: choose from {', '.join(FORMATS)}"])
    if "pdf" in named:
        raise InputError(["--formats pdf: not built yet; print report.html to PDF in a browser"])
    return named


def _move_in(folder: Path, out: Path) -> None:
    folder.chmod(0o755)
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(out)
        return
    for name in OUTPUTS:
        old, new = out / name, folder / name
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


def _rename_inside(path: Path, temporary: str, out: str) -> None:
    """Let a run notebook name the folder it came to lie in, not the temporary one."""
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(temporary, out), encoding="utf-8")


def _name_files(parameters: dict[str, Any]) -> str:
    events = parameters["events"]
    paths = [*(events if isinstance(events, list) else [events]), parameters.get("leads")]
    return ", ".join(Path(p).name for p in paths if p)
