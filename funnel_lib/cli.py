"""The command ``funnel``."""

from __future__ import annotations

import os
import sys


def import_nothing_from_here() -> None:
    """Take the current folder off the path of modules: a stray yaml.py would be taken for the
    library of that name. Kernels and workers are started so by themselves.

    It stays where the library itself lies there, a checkout, as there is no other way.
    """
    here = os.path.abspath(".")
    if os.path.dirname(os.path.dirname(os.path.abspath(__file__))) != here:
        sys.path[:] = [path for path in sys.path if path and path != here]


import_nothing_from_here()  # before the imports below: `python -m` puts it first
# one thread of linear algebra, as in a kernel: its matrices are small; read where numpy is imported
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import gc
import inspect
import json
import shlex
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

import funnel_lib
from funnel_lib.core.errors import (
    FunnelError,
    InputError,
    Problems,
    drop_controls,
    quote_some,
    writing,
)
from funnel_lib.core.words import asking
from funnel_lib.reporting.ending import ending_when_told
from funnel_lib.settings import Settings

app = typer.Typer(
    help="Why do clients not buy? Client-behaviour funnels from CRM exports.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(funnel_lib.__version__)
        raise typer.Exit


@app.callback()
def _funnel(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Why do clients not buy? Client-behaviour funnels from CRM exports."""


def take_settings(*names: str):
    """Give a command an option for each of these settings; it gets them as one `Settings`."""

    def wrap(command):
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

        @wraps(command)
        def run(**given):
            mine = {p.name: given.pop(p.name) for p in own}
            given = {k: x if x or k == "formats" else _find_default(k) for k, x in given.items()}
            with asking(str(given.get("lang") or "")):
                return command(Settings(**given), **mine)

        run.__signature__ = inspect.Signature(
            [*(_offer(n) for n in names), *(p.replace(kind=p.KEYWORD_ONLY) for p in own)]
        )
        run.__annotations__ = {}
        return run

    return wrap


def _find_default(name: str):
    """What the command takes where an option is not given, or is empty: a shell's variable may be
    empty, and means no folder one stands in."""
    field = Settings.model_fields[name]
    return (field.json_schema_extra or {}).get("default", field.default)


def _offer(name: str) -> inspect.Parameter:
    """One setting as the command's argument or option."""
    field = Settings.model_fields[name]
    of_command, default = field.json_schema_extra or {}, _find_default(name)
    if field.is_required():
        kind, shown, default = list[str], typer.Argument(help=field.description), ...
    else:
        kind = bool if default is False else int if default == 0 else str
        kind, default = (list[str], []) if default == () else (kind, default)
        option = "--" + of_command.get("name", name).replace("_", "-")
        shown = typer.Option(option, help=field.description, show_default=bool(default))
    default = inspect.Parameter.empty if default is ... else default
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, keyword, default=default, annotation=Annotated[kind, shown])


# What reading an export takes.
READING = ("events", "leads", "mapping", "crm", "time_zone", "show_names", "sheet")


@app.command()
@take_settings(*Settings.model_fields)
def audit(
    settings: Settings,
    no_report: Annotated[bool, typer.Option("--no-report", help="Tables alone.")] = False,
) -> None:
    """Turn an export into a report: at which step are clients lost, and was it ever proposed?"""
    from funnel_lib.core.words import Words
    from funnel_lib.reporting.progress import showing_progress
    from funnel_lib.reporting.terminal import print_summary

    tables_alone = no_report or "html" not in settings.formats
    with showing_progress(settings.lang):
        if tables_alone:
            _save_tables(settings, [] if no_report else settings.formats)
        else:
            from funnel_lib.reporting.report import write_report

            write_report(settings, forks=True)
    facts = json.loads(Path(settings.out, "manifest.json").read_text(encoding="utf-8"))
    print_summary(facts["told"], facts["warnings"], Words(settings.lang))
    _echo_place(Path(settings.out, "tables" if tables_alone else "report.html"))


@app.command()
@take_settings(*READING, "observed_until", "lang")
def check(settings: Settings) -> None:
    """What is in an export, what is wrong with it, and what can be concluded from it?"""
    from funnel_lib.audit import check_reading, read_log
    from funnel_lib.core.words import Words
    from funnel_lib.reporting.terminal import print_check, show_progress

    mapping = check_reading(settings)
    with show_progress():
        log = read_log(settings, mapping)
    zone = settings.time_zone or mapping.time_zone or "UTC"
    print_check(log, Words(settings.lang, time_zone=zone))


@app.command()
@take_settings(*READING, "lang")
def steps(
    settings: Settings,
    out: Annotated[str, typer.Option(help="File for the draft; default: the screen.")] = "",
) -> None:
    """Draft a steps file from a log: the client's actions in their order, for a person to edit."""
    from funnel_lib.audit import check_reading, read_log
    from funnel_lib.sections.new_funnel.draft import draft_steps

    if out:
        _refuse_existing(out)
    try:
        text = draft_steps(read_log(settings, check_reading(settings)))
    except InputError as error:
        if not out and not sys.stdout.isatty():  # a file that a shell has opened is not left empty
            from funnel_lib.reporting.messages import tell_error

            told = tell_error(error, settings.lang)
            typer.echo("\n".join(f"# {line}" for line in told.splitlines()))
        raise
    if not out:
        typer.echo(text, nl=False)
        return
    with _writing(out):
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        Path(out).write_text(text, encoding="utf-8")
    _echo_place(out)


def _echo_place(place: str | Path) -> None:
    """Show where something was written, whatever the name is made of."""
    typer.echo(drop_controls(str(place)))


@contextmanager
def _writing(out: str) -> Iterator[None]:
    """Tell what cannot be written, without a traceback."""
    if not out:
        raise InputError(["the name of the folder is empty; name one"])
    with writing(out):
        yield


def _refuse_existing(out: str) -> None:
    if Path(out).exists():
        raise InputError([f"--out {out}: is already there, and may be edited; name another file"])


@app.command()
def stages(
    names: Annotated[list[str], typer.Argument(help="Stage names, or a file of them.")],
    lang: Annotated[str, typer.Option(help="en or ru.")] = "en",
    out: Annotated[str | None, typer.Option(help="File .csv or .xlsx for the audit.")] = None,
) -> None:
    """Whose actions do the stages of a pipeline describe: the client's or the manager's?"""
    from funnel_lib.core.words import Words, check_language
    from funnel_lib.reporting.terminal import print_stages, save_stages
    from funnel_lib.sections.stages.names import audit_stages, tell_stages

    check_language(lang)
    if out is not None and Path(out).suffix.lower() not in (".csv", ".xlsx"):
        raise InputError([f"--out {out}: name a .csv or .xlsx file"])
    if out is not None:
        _refuse_existing(out)
    audit = audit_stages(_read_stage_names(names), lang)
    if audit.empty:
        raise InputError(["there is no stage name in what was given"])
    print_stages(audit, Words(lang))
    typer.echo(tell_stages(audit, Words(lang)))
    if out is not None:
        with _writing(out):
            save_stages(audit, Words(lang), Path(out))
        _echo_place(out)


@app.command()
def plant(
    folder: Annotated[str, typer.Argument(help="Folder for the planted CRM.")],
    world: Annotated[str, typer.Option(help="Name of the world.")] = "kettles",
    leads: Annotated[int, typer.Option(help="How many leads.")] = 3000,
    seed: Annotated[int, typer.Option(help="Same seed, same CRM.")] = 0,
    lang: Annotated[str, typer.Option(help="Language of its names: en or ru.")] = "en",
) -> None:
    """Write a made-up CRM whose truth is known: events, leads, steps, and the truth beside them."""
    from funnel_lib.core.words import check_language
    from funnel_lib.datasets.planted import plant_log, write_planted

    check_language(lang)
    planted = plant_log(world, leads, seed, lang or "en")
    if Path(folder).is_file():
        raise InputError([f"{folder}: this is a file; name a folder"])
    if not Path(folder, "truth.json").exists():  # what was planted before may be planted anew
        there = [Path(folder, n) for n in ("events.csv", "leads.csv", "steps.yml")]
        told = "is already there, and was not planted; name another folder"
        if problems := [f"{path}: {told}" for path in there if path.exists()]:
            raise InputError(problems)
    with _writing(folder):
        write_planted(planted, folder)
    _echo_place(folder)


@app.command()
def example(
    folder: Annotated[str, typer.Argument(help="Folder for the sample and the notebooks.")],
    lang: Annotated[str, typer.Option(help="en or ru.")] = "en",
) -> None:
    """Copy the sample and the notebooks out, to try; shown last: the command that audits them."""
    from funnel_lib.core.words import check_language
    from funnel_lib.reporting.notebooks import copy_out, find_notebooks
    from funnel_lib.settings import find_sample

    check_language(lang)
    data, sample = Path(folder, "data"), Path(find_sample(lang)["events"]).parent
    copies = {file: data / file.name for file in sorted(sample.iterdir()) if file.is_file()}
    for file in sorted(find_notebooks(lang or "en").glob("*.ipynb")):
        copies[file] = Path(folder, "notebooks", file.name)
    with _writing(folder):
        copy_out(copies)
    for copy in copies.values():
        _echo_place(copy)
    files = [data / "events.csv", "--leads", data / "leads.csv", "--steps", data / "steps.yml"]
    options = ["--out", Path(folder, "report"), *(["--lang", lang] if lang else [])]
    _echo_place(shlex.join(map(str, ["funnel", "audit", *files, *options])))


@app.command()
def notebooks(
    folder: Annotated[str, typer.Argument(help="Folder for the copies.")],
) -> None:
    """Copy the notebooks out, to edit and run in JupyterLab."""
    from funnel_lib.reporting.notebooks import copy_notebooks

    with _writing(folder):
        paths = copy_notebooks(folder)
    for path in paths:
        _echo_place(path)


def main() -> None:
    """Run the command; an error ends with one message and no traceback, and with exit code 2 where
    the input is wrong.

    With FUNNEL_TRACEBACK set, a mistake of the program shows its traceback.
    """
    gc.set_threshold(20_000)  # looking so often for garbage among all that is imported takes 1 s
    # a message would hand them to the screen; but what lies there may be called so
    sys.argv[1:] = [x if os.path.lexists(x) else drop_controls(x) for x in sys.argv[1:]]
    for stream in (sys.stdout, sys.stderr):  # one that knows few letters still tells the message
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    # with these the check of notebooks builds 38 grammars of internet addresses, which takes 2 s,
    # and imports what reads times: nothing of which a notebook has
    for name in ("rfc3987_syntax", "isoduration", "rfc3986_validator"):
        sys.modules.setdefault(name, None)
    with ending_when_told():
        try:
            sys.exit(_run())
        except FunnelError as error:
            from funnel_lib.reading.privacy import hide_text
            from funnel_lib.reporting.messages import tell_error

            told = tell_error(error, _find_lang())
            told = told if "--show-names" in sys.argv else hide_text(told)
            code = 2 if isinstance(error, InputError) else 1
        except Exception as error:
            if os.environ.get("FUNNEL_TRACEBACK"):
                raise
            from funnel_lib.reporting.messages import tell_error

            mistake = f"{_describe_mistake(error)}; nothing was written"
            told, code = tell_error(FunnelError(mistake), _find_lang()), 1
        typer.echo(drop_controls(f"funnel: {told}"), err=True)
        sys.exit(code)


def _run() -> int:
    """Run the command: its exit code. What is wrong with how it was called is told as everything
    else is, in the language asked for."""
    command, arguments = typer.main.get_command(app), sys.argv[1:]
    if _find_lang() == "ru" and "--help" in arguments:
        from funnel_lib.reporting.messages import translate_help

        translate_help(command)
        arguments = [*(x for x in arguments[:1] if x in command.commands), "--help"]
    try:
        return command(arguments, standalone_mode=False) or 0
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        context = getattr(error, "ctx", None)
        if type(error).__name__ == "NoArgsIsHelpError":
            error.show()
            return 2
        from funnel_lib.reporting.messages import tell_error

        command = context.command_path if context else "funnel"
        what = " ".join(error.format_message().split()).rstrip(".")
        told = tell_error(InputError([f"{command}: {what}"]), _find_lang())
        typer.echo(drop_controls(f"{told}\n{command} --help"), err=True)
        return 2


def _find_lang() -> str:
    """The language that was asked for, of a command that may have ended before it was read."""
    given = " ".join(sys.argv[1:]).replace("--lang=", "--lang ").split()
    return next((b for a, b in pairwise(given) if a == "--lang"), "")


def _describe_mistake(error: Exception) -> str:
    """Say what nobody thought of: the input is seldom to blame, so where it happened is told."""
    if isinstance(error, MemoryError) or "start new thread" in str(error):
        return "there is too little memory; give --memory, or fewer rows"
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or error}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "funnel_lib" in f.filename] or frames
    name = type(error).__name__ if not hasattr(error, "ename") else error.ename
    what = str(getattr(error, "evalue", error)).split("\n")[0][:300]
    place = f"{os.path.basename(own[-1].filename)}, line {own[-1].lineno}"
    return f"a mistake of the program ({name}: {what}; {place}); FUNNEL_TRACEBACK=1 shows more"


def _read_stage_names(given: list[str]) -> list[str]:
    """Take names as they are; of a file its lines, of a table its column of stages."""
    from funnel_lib.reading.columns import Mapping, find_columns
    from funnel_lib.reading.files.tables import read_table

    names: list[str] = []
    problems = Problems()
    for one in given:
        ends = Path(one).suffix.lower()
        if ends not in (".txt", ".csv", ".tsv", ".xlsx", ".xls", ".json", ".parquet"):
            names.append(one)
            continue
        with problems.collecting():
            if ends == ".txt":
                names += _read_lines(one)
                continue
            table = read_table(one).frame
            found = find_columns(list(table.columns), Mapping())[0].get("stage")
            if found is None:
                shown = quote_some(table.columns, most=10)
                raise InputError([f"{one}: no column stage, Этап or Стадия; found {shown}"])
            names += list(table[found])
    problems.raise_if_any()
    return names


def _read_lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise InputError([f"{path}: no such file; expected one stage name a line"]) from None
    except UnicodeDecodeError:
        raise InputError([f"{path}: expected one stage name a line, saved as UTF-8"]) from None
    except OSError as error:
        raise InputError([f"{path}: cannot be read: {error.strerror}"]) from None


def _save_tables(settings: Settings, formats: Sequence[str]) -> None:
    from funnel_lib.audit import build_audit
    from funnel_lib.reporting.folders import new_folder
    from funnel_lib.reporting.outputs import save_audit

    audit = build_audit(settings)
    with new_folder(settings.out, settings.list_inputs()) as folder:
        save_audit(audit, folder, formats)


if __name__ == "__main__":
    main()
