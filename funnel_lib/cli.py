"""The command ``funnel``."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from funnel_lib.errors import InputError, Problems

app = typer.Typer(
    help="Why do clients not buy? Client-behaviour funnels from CRM exports.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _funnel() -> None:
    """Why do clients not buy? Client-behaviour funnels from CRM exports."""


@app.command()
def audit(
    events: Annotated[list[str], typer.Argument(help="Table files of events, or a folder.")],
    leads: Annotated[str | None, typer.Option(help="Table of leads: one row a lead.")] = None,
    steps: Annotated[str | None, typer.Option(help="Steps file: the client's steps.")] = None,
    mapping: Annotated[str | None, typer.Option(help="What the columns mean; wins.")] = None,
    out: Annotated[str, typer.Option(help="Folder for the report.")] = "reports/audit",
    lang: Annotated[str, typer.Option(help="en or ru.")] = "en",
    segments: Annotated[str, typer.Option(help="auto, none, how many, or a file.")] = "auto",
    pace: Annotated[bool, typer.Option("--pace", help="Segments may differ by pace.")] = False,
    rule: Annotated[str, typer.Option(help="passed, ordered or any.")] = "passed",
    within: Annotated[str | None, typer.Option(help="Window from entry, e.g. 90D.")] = None,
    observed_until: Annotated[str | None, typer.Option(help="Day of the export.")] = None,
    entered_from: Annotated[str | None, typer.Option(help="First day of entry.")] = None,
    entered_to: Annotated[str | None, typer.Option(help="Last day of entry.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="COLUMN=VALUE of the leads.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="Of times without a zone.")] = None,
    seed: Annotated[int, typer.Option(help="For what is random.")] = 0,
    formats: Annotated[str, typer.Option(help="html, xlsx.")] = "html,xlsx",
    title: Annotated[str | None, typer.Option(help="Title of the report.")] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Tables alone.")] = False,
) -> None:
    """Turn an export into a report: at which step are clients lost, and was it ever proposed?"""
    from funnel_lib.report import check_formats, check_out

    settings = {
        "events": events if len(events) > 1 else events[0], "leads": leads, "steps": steps,
        "mapping": mapping, "segments": segments, "pace": pace, "rule": rule, "within": within,
        "observed_until": observed_until, "entered_from": entered_from, "entered_to": entered_to,
        "only": only or [], "time_zone": time_zone, "seed": seed,
    }  # fmt: skip
    problems = Problems()
    chosen: list[str] = []
    with problems.collecting():
        chosen = check_formats(formats)
    with problems.collecting():
        check_out(out)
    if lang not in ("en", "ru"):
        problems.add(f"--lang {lang}: choose en or ru")
    if problems.found:
        _add_input_problems(problems, settings)
    tables_alone = no_report or "html" not in chosen
    if tables_alone:
        _save_tables(settings, lang, out, [] if no_report else chosen)
    else:
        from funnel_lib.report import write_report

        write_report(out, lang, title, {**settings, "lang": lang, "formats": chosen})
    typer.echo(Path(out, "tables" if tables_alone else "report.html"))


@app.command()
def plant(
    folder: Annotated[str, typer.Argument(help="Folder for the planted CRM.")],
    world: Annotated[str, typer.Option(help="Name of the world.")] = "kettles",
    leads: Annotated[int, typer.Option(help="How many leads.")] = 3000,
    seed: Annotated[int, typer.Option(help="Same seed, same CRM.")] = 0,
) -> None:
    """Write a made-up CRM whose truth is known: events, leads, steps, and the truth beside them."""
    from funnel_lib.planted import plant_log, write_planted

    planted = plant_log(world, leads, seed)
    if Path(folder).is_file():
        raise InputError([f"{folder}: this is a file; name a folder"])
    write_planted(planted, folder)
    typer.echo(folder)


@app.command()
def notebooks(
    folder: Annotated[str, typer.Argument(help="Folder for the copies.")],
) -> None:
    """Copy the notebooks out, to edit and run in JupyterLab."""
    from funnel_lib.report import copy_notebooks

    for path in copy_notebooks(folder):
        typer.echo(path)


def main() -> None:
    """Run the command; input that is wrong ends with exit code 2 and a message, no traceback."""
    try:
        app()
    except InputError as error:
        typer.echo(f"funnel: {error}", err=True)
        sys.exit(2)


def _add_input_problems(problems: Problems, settings: dict) -> None:
    """Tell the problems of the options together with those of the files."""
    from funnel_lib.audit import build_audit

    with problems.collecting():
        build_audit(**settings)
    problems.raise_if_any()


def _save_tables(settings: dict, lang: str, out: str, formats: list[str]) -> None:
    from rich.console import Console

    from funnel_lib.audit import build_audit
    from funnel_lib.outputs import save_audit
    from funnel_lib.report import new_folder

    console = Console(stderr=True)
    with console.status("…") if console.is_terminal else nullcontext():
        audit = build_audit(**settings)
    with new_folder(out) as folder:
        save_audit(audit, audit.words(lang), folder, formats)


if __name__ == "__main__":
    main()
