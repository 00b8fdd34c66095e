"""Reports: a notebook run by papermill with checked parameters, printed as one slim HTML page."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import nbformat

from funnel_lib.audit import check_inputs, show_input
from funnel_lib.core.errors import InputError, SectionError
from funnel_lib.core.steps import LANGUAGES
from funnel_lib.core.words import Words
from funnel_lib.drawing.html import TO_LEFT
from funnel_lib.reporting.folders import new_folder
from funnel_lib.reporting.kernel import run_notebook
from funnel_lib.reporting.notebooks import SECTION, build_notebook
from funnel_lib.sections import MAIN
from funnel_lib.sections.own import Own, read_own
from funnel_lib.sections.section import FAILED, SILENT
from funnel_lib.settings import Settings

_HERE = Path(__file__).parent


def write_report(settings: Settings, forks: bool = False) -> None:
    """Run the audit notebook and leave a finished report in the folder `out`, or nothing.

    `forks` is for a process that has done nothing yet (see `kernel.run_notebook`).

    Raises
    ------
    InputError
        Whatever is wrong with the input; told before a kernel is started, as far as can be.
    """
    if settings.has_frames:
        raise InputError([
            "a report is made of files, as its notebook reads them anew; write the frames first: "
            "frame.to_parquet('events.parquet')"
        ])  # fmt: skip
    check_inputs(settings)
    lang, out = settings.lang or LANGUAGES[0], Path(settings.out)
    shown = (show_input(p, settings) for p in (*settings.events, settings.leads) if p)
    files = ", ".join(Path(p).name for p in shown)
    with new_folder(out, settings.list_inputs()) as folder:
        notebook = folder / "report.ipynb"
        nbformat.write(build_notebook(lang), notebook)
        given = settings.model_copy(update={"lang": lang, "out": folder.as_posix()})
        scratch = folder.parent / "kernel"
        run_notebook(notebook, notebook, given.model_dump(mode="json"), scratch, forks)
        _refuse_gaps(notebook)
        _cover_parameters(notebook, folder / "manifest.json", out)
        html = render_html(notebook, Words(lang), settings.title, files, read_own(settings))
        (folder / "report.html").write_text(html, encoding="utf-8")
        if "pdf" in settings.formats:
            _write_pdf(html, folder / "report.pdf")


def _write_pdf(html: str, path: Path) -> None:
    """Print a page; nothing is fetched for it, only pictures that stand in the page itself."""
    from weasyprint import HTML  # extra ``pdf``
    from weasyprint.urls import URLFetcher

    HTML(string=html, url_fetcher=URLFetcher(allowed_protocols=["data"])).write_pdf(path)


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


def render_html(
    notebook: str | Path, words: Words, title: str, files: str, own: Own | None = None
) -> str:
    """Print a run notebook as one page: no script, nothing fetched, a list of contents.

    Parameters
    ----------
    notebook : a notebook with outputs
    words : the reader's language
    title : instead of the notebook's first heading
    files : names of the files the numbers come from
    own : what the report's maker adds
    """
    from nbconvert import HTMLExporter
    from nbconvert.exporters.templateexporter import TemplateExporter

    page = nbformat.read(notebook, as_version=4)
    front, *parts = _divide(page)
    own = own or Own()
    for part in (front, *parts):
        part.note = own.notes.get(part.anchor or "page_one", "")
    exporter = HTMLExporter(
        template_name="report",
        extra_template_basedirs=[str(_HERE / "templates")],
        exclude_anchor_links=True,
        default_preprocessors=[],
    )
    exporter.register_filter("base64", lambda svg: base64.b64encode(svg.encode()).decode())
    headings = (cell.source for cell in page.cells if cell.source.startswith("# "))
    own = {
        "lang": words.lang,
        "title": title or next(headings).removeprefix("# "),
        "logo": own.logo,
        "front": front,
        "main": [part for part in parts if not part.is_folded and not part.is_silent],
        "appendix": [part for part in parts if part.is_folded and not part.is_silent],
        "silent": "; ".join(part.heading for part in parts if part.is_silent),
        "words": {
            **{name: words.text(f"chrome.{name}") for name in ("contents", "appendix", "code")},
            "silent": words.text("chrome.silent"),
            "made_by": words.text("chrome.made_by", version=version("funnel-lib"), files=files),
        },
    }
    # not HTMLExporter's own, which reads the page again to add what notebooks lack, and this has
    html, _ = TemplateExporter.from_notebook_node(exporter, page, resources=own)
    return html.replace(TO_LEFT, "")  # as all texts of the page stand, unlike those of notebooks


@dataclass
class _Part:
    """A question of the page: its cells below the heading.

    `is_folded` is it where a head of sales need not read it, `is_silent` where it has nothing to
    say of these data.
    """

    anchor: str = ""
    heading: str = ""
    cells: list = field(default_factory=list)
    note: str = ""
    is_folded: bool = False
    is_silent: bool = False


def _divide(page) -> list[_Part]:
    """Divide a run notebook into what stands before its first heading and a part a heading.

    Headings that somebody wrote into the notebook are parts of the main one.
    """
    parts = [_Part()]
    for cell in page.cells:
        found = re.match(r"## (.+)\n*", cell.source) if cell.cell_type == "markdown" else None
        if found:
            name = cell.metadata.get(SECTION, "")
            folded = bool(name) and name not in MAIN
            parts.append(_Part(name or f"part-{len(parts)}", found[1], is_folded=folded))
            cell.source = cell.source[found.end() :]
        parts[-1].cells.append(cell)
        shown = [o.get("metadata", {}) for o in cell.get("outputs", ())]
        parts[-1].is_silent |= any(SILENT in about for about in shown)
    return parts
