"""An audit: everything from the export files to the tables of the report, in one call."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from funnel_lib.core.errors import (
    InputError,
    Problems,
    SectionError,
    describe_error,
    quote_some,
    suggest,
)
from funnel_lib.core.events import EventLog
from funnel_lib.core.groups import Segmentation, keep_together
from funnel_lib.core.html import Card
from funnel_lib.core.journeys import Journeys, build_journeys, select_leads, sum_sales
from funnel_lib.core.steps import LANGUAGES, Steps, parse_steps, read_steps
from funnel_lib.core.tallies import count_parts, read_size
from funnel_lib.core.times import read_window
from funnel_lib.core.words import Words, asking, check_language, say, use_language
from funnel_lib.counting.duplicates import (
    find_first_entries,
    find_second_entries,
    merge_duplicates,
)
from funnel_lib.counting.reach import check_rule
from funnel_lib.reading.cells.times import check_time_zone
from funnel_lib.reading.columns import Mapping, find_columns, read_mapping
from funnel_lib.reading.crm import check_crm
from funnel_lib.reading.deals import find_list_columns
from funnel_lib.reading.export import read_export, read_moment
from funnel_lib.reading.files.tables import find_tables
from funnel_lib.reading.inputs import InputFile, check_unchanged, list_files
from funnel_lib.reading.privacy import show_place
from funnel_lib.reading.pseudonyms import hide_managers, name_managers
from funnel_lib.sections import list_answers, list_parts, list_questions
from funnel_lib.sections.hypotheses.count import check_references, read_references
from funnel_lib.sections.new_funnel.draft import propose_steps
from funnel_lib.sections.own import read_own
from funnel_lib.sections.section import Answer, Section, Source
from funnel_lib.settings import FORMATS, Settings, sign

MOST_SEGMENTS = 20  # that can be asked for


@dataclass(frozen=True, repr=False)
class Audit(Card, Source):
    """The tables of an audit, what they were made from, and the answer to each question.

    ``audit.losses``, shown by a notebook, is the finding, the figure, how to read it and the table
    folded beneath; ``.table``, ``.tell()``, ``.draw()`` and ``.leads(…)`` are its pieces. The
    questions are those of `sections.list_sections`, and stand in ``dir(audit)``. `Source` tells
    what else there is; ``files`` are the files that it was made from, as they were read.
    """

    files: tuple[InputFile, ...] = ()

    def __getattr__(self, name: str) -> Answer:
        if not name.startswith("_"):
            known = list_answers()
            if name in known:
                return Answer(known[name], self)
            raise AttributeError(f"an audit has no {name!r}{suggest(name, known)}")
        raise AttributeError(name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *list_answers()]

    def raise_if_failed(self) -> None:
        """Raise a `SectionError` if any section could not be counted."""
        if self.failed:
            raise SectionError({name: describe_error(why) for name, why in self.failed.items()})

    def describe(self) -> tuple[str, list[str], list[tuple[str, str]]]:
        """Its card."""
        words = self.words()
        asked = [(f"audit.{s.name}", s.write("question", words)) for s in list_questions()]
        told = [] if "outcomes" in self.failed else self.outcomes.tell()
        return words.text("card.audit"), told, asked


@dataclass(frozen=True)
class Inputs:
    """The small files that settings name, read: steps (None: proposed once the log is read),
    mapping, references (step → share)."""

    steps: Steps | None
    mapping: Mapping
    references: dict[str, float]


PROGRESS = logging.getLogger("funnel_lib.progress")  # hears the stages of the work
PROGRESS.propagate = False


@contextmanager
def _writing_progress() -> Iterator[None]:
    """Write the stages of the work, too, into the file that a report's maker follows."""
    path = os.environ.get("FUNNEL_PROGRESS")
    if not path:
        yield
        return
    file = logging.FileHandler(path, encoding="utf-8")
    PROGRESS.addHandler(file)
    PROGRESS.setLevel(logging.INFO)
    try:
        yield
    finally:
        PROGRESS.removeHandler(file)
        file.close()


@sign
def build_audit(events: Settings | str | Path | Any, **settings: Any) -> Audit:
    """Read an export and count everything the report tells.

    Parameters
    ----------
    events : table files of events, or a folder, or frames (pandas, polars, Arrow, a DuckDB
        relation …), as `leads` may be one; or all settings as one `Settings`
    settings : what else is given; every name, meaning and default stands in `Settings`

    Raises
    ------
    InputError
        Every problem of the settings and the files at once.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> write_planted(plant_log("one", 200, seed=1), folder)
    >>> audit = build_audit(f"{folder}/events.csv", leads=f"{folder}/leads.csv",
    ...                     steps=f"{folder}/steps.yml")
    >>> audit.tables["funnel"][["step", "n_reached"]].values.tolist()[0]
    ['request_left', 200.0]
    """
    given = _take(events, settings)
    with asking(given.lang), _writing_progress():
        return _build(given)


def _build(given: Settings) -> Audit:
    named = [*given.list_inputs(), *_list_segments(given)]
    files = list_files(named)
    PROGRESS.info("reading")
    inputs = check_inputs(given)
    log = read_log(given, inputs.mapping)
    PROGRESS.info("steps")
    if inputs.steps is None:
        steps = parse_steps(propose_steps(log))
        check_references(inputs.references, steps)
        inputs = replace(inputs, steps=steps)
    zone = given.time_zone or inputs.mapping.time_zone or "UTC"
    settings = given.model_copy(update={"time_zone": zone})
    use_language(settings.lang or LANGUAGES[0], inputs.steps)
    n_parts = count_parts(log, settings.memory)
    log = sum_sales(log, inputs.steps)
    journeys, others, unmerged = build_journeys(log, inputs.steps), None, None
    if settings.hide_managers:
        others = name_managers(log, _write_pseudonym(settings), settings.seed)
        revealed = tuple(map(others.reveal_condition, settings.only))
        settings = settings.model_copy(update={"only": revealed})
    if settings.merge_duplicates and find_second_entries(journeys).any():
        unmerged = journeys.leads[_choose(journeys, settings)]
        log = merge_duplicates(log, find_first_entries(journeys))
        journeys = build_journeys(log, inputs.steps)
    keep = _choose(journeys, settings)
    chosen = journeys if keep.all() else select_leads(journeys, keep)
    chosen = replace(chosen, n_parts=n_parts, time_zone=zone)
    left_out = journeys.leads.loc[~keep, ["lead_id"]]
    if others is not None:
        log, chosen = hide_managers(log, chosen, others)
        covered = tuple(map(others.cover_condition, settings.only))
        settings = settings.model_copy(update={"only": covered})
    PROGRESS.info("segments")
    found = _find(chosen, settings)
    if found.has_no_path and settings.rule == "passed":  # a later step says nothing of an earlier
        settings = settings.model_copy(update={"rule": "any"})
    check_unchanged(files, named)
    audit = Audit(log, inputs.steps, chosen, left_out, found, settings, {}, {}, unmerged, files)
    parts = list_parts().values()
    for n, section in enumerate(parts):
        PROGRESS.info("%s %d/%d", "sections", n + 1, len(parts))
        _count(section, audit)
    PROGRESS.info("page")
    return audit


def _list_segments(settings: Settings) -> list[str]:
    choice = settings.segments
    return [] if choice in ("auto", "none") or not Path(choice).is_file() else [choice]


def _write_pseudonym(settings: Settings) -> str:
    """What a manager is called whose name is hidden, with a place for the number."""
    return Words(settings.lang or LANGUAGES[0]).text("chrome.manager_number", n="{n}")


def _count(section: Section, audit: Audit) -> None:
    """Add a section's tables; where that fails, note why, and leave the others to be counted."""
    if section.count is None:
        return
    try:
        counted = section.count(audit)
        audit.tables.update({name: counted[name] for name in section.tables})
    except Exception as error:
        audit.failed[section.name] = error
    pa.default_memory_pool().release_unused()


def _take(events: Any, others: dict[str, Any]) -> Settings:
    """All settings as one, or each by its name; never both, as one of them would be dropped."""
    if not isinstance(events, Settings):
        return Settings(events=events, **others)
    if others:
        named = ", ".join(others)
        raise InputError([f"{named}: given beside a Settings; make it a part of that Settings"])
    return events


def check_inputs(settings: Settings) -> Inputs:
    """Check all that can be checked before an audit: settings, small files, what is there.

    Raises
    ------
    InputError
        Every problem at once. Where there is one, the tables are read, too, so that theirs are
        told in the same message.
    """
    problems = Problems()
    steps = problems.collect(read_steps, settings.steps) if settings.steps else None
    references = problems.collect(read_references, settings.references)
    if references is not None and steps is not None:
        problems.collect(check_references, references, steps)
    _check_choices(settings, problems)
    _check_times(settings, problems)
    problems.collect(read_own, settings)
    if settings.out:
        problems.collect(check_out, settings.out)
    mapping = problems.collect(check_reading, settings)
    if problems.found and (mapping or not settings.mapping):
        problems.collect(read_log, settings, mapping or Mapping())
    problems.raise_if_any()
    return Inputs(steps, mapping, references)


def check_reading(settings: Settings) -> Mapping:
    """Check what reading an export takes, and read the mapping."""
    problems, files = Problems(), settings.list_inputs()
    problems.collect(check_language, settings.lang)
    if [f for f in settings.formats if f not in FORMATS]:
        problems.add(f"--formats {','.join(settings.formats)}: choose from {', '.join(FORMATS)}")
    elif "pdf" in settings.formats and find_spec("weasyprint") is None:
        problems.add(say("problem.no_pdf"))
    problems.collect(check_crm, settings.crm)
    problems.collect(check_time_zone, settings.time_zone or "UTC")
    mapping = problems.collect(read_mapping, settings.mapping) if settings.mapping else Mapping()
    problems.collect(find_tables, [p for p in (*settings.events, settings.leads) if p in files])
    problems.raise_if_any()
    return mapping


def _check_choices(settings: Settings, problems: Problems) -> None:
    """Note choices that are none."""
    problems.collect(check_rule, settings.rule)
    choice = settings.segments
    known = choice in ("auto", "none") or (choice.isdigit() and int(choice) > 0)
    if choice.isdigit() and int(choice) > MOST_SEGMENTS:
        problems.add(
            f"segments {choice}: {choice} segments of clients are more than anybody can work with; "
            f"choose at most {MOST_SEGMENTS}"
        )
    if not known and not Path(choice).is_file():
        problems.add(
            f"segments {choice!r}: choose auto, none, how many (1 or more), or a file of segments"
        )
    if settings.lead_url and not re.match(r"https?://\S*\{id\}\S*$", settings.lead_url):
        problems.add(say("problem.lead_url", given=settings.lead_url, id="{id}"))
    for condition in settings.only:
        if "=" not in condition:
            problems.add(f"only {condition!r}: write it as COLUMN=VALUE")


def _check_times(settings: Settings, problems: Problems) -> None:
    """Note windows, sizes and days that are none."""
    problems.collect(read_window, settings.within)
    problems.collect(read_size, settings.memory)
    for name in ("observed_until", "entered_from", "entered_to"):
        if day := getattr(settings, name):
            problems.collect(read_moment, day, "UTC", name)


def check_out(out: str | Path) -> None:
    """Raise an `InputError` where a report cannot be written."""
    out, told = Path(out), f"--out {out}: "
    try:
        if out.is_symlink() and not out.exists():
            raise InputError([f"{told}this is a link to nothing; name another folder"])
        if out.exists() and not out.is_dir():
            raise InputError([f"{told}this is a file; name a folder"])
        there = next((p for p in [out, *out.absolute().parents] if p.exists()), None)
    except OSError as error:  # a name too long, a drive that does not answer
        raise InputError([f"{told}{error.strerror}; name another folder"]) from None
    if there is None:
        raise InputError([f"{told}there is no such drive; name another folder"])
    as_now = os.access in os.supports_effective_ids
    if not there.is_dir() or not os.access(there, os.W_OK, effective_ids=as_now):
        raise InputError([f"{told}{there} cannot be written to; name another folder"])


def read_log(settings: Settings, mapping: Mapping) -> EventLog:
    """Read the export that settings name."""
    return read_export(
        *settings.take_tables(),
        mapping,
        crm=settings.crm,
        time_zone=settings.time_zone or None,
        observed_until=settings.observed_until or None,
        show_names=settings.show_names,
        sheet=settings.sheet,
    )


_PLACES = ("leads", "steps", "mapping", "segments", "logo", "notes")  # settings that name a file


def show_settings(settings: Settings) -> dict[str, Any]:
    """All settings but the folder, as others may see them: no places on this machine."""
    given = settings.model_dump(mode="json", exclude={"out"})
    places = {n: show_input(given[n], settings) for n in _PLACES}
    return given | places | {"events": [show_input(path, settings) for path in settings.events]}


def show_input(path: str, settings: Settings) -> str:
    """The path of an input, as others may see it."""
    return show_place(path, settings.show_names)


def _choose(journeys: Journeys, settings: Settings) -> np.ndarray:
    """Which leads are of the chosen period and filter, (n_leads,)?"""
    keep = np.ones(len(journeys.leads), bool)
    entered, zone = journeys.leads["entered_at"], settings.time_zone
    if settings.entered_from:
        since = read_moment(settings.entered_from, zone, "entered_from", end_of_day=False)
        keep &= (entered >= since).to_numpy()
    if settings.entered_to:
        keep &= (entered <= read_moment(settings.entered_to, zone, "entered_to")).to_numpy()
    keep &= _fits_only(journeys.leads, settings)
    if not keep.any():
        raise InputError(["no lead is left in the chosen period and filter; widen it"])
    return keep


def _fits_only(leads: pd.DataFrame, settings: Settings) -> np.ndarray:
    """Which leads have the values asked for? Columns may be called as in the export."""
    wanted: dict[str, list[str]] = {}
    mapping = read_mapping(settings.mapping) if settings.mapping else Mapping()
    for condition in settings.only:
        column, value = (part.strip() for part in condition.split("=", 1))
        if column not in leads:
            meanings = find_columns([column], mapping)[0] or find_list_columns([column], mapping)
            column = next((m for m in meanings if m in leads), column)
        wanted.setdefault(column, []).append(value)
    keep = np.ones(len(leads), bool)
    problems = []
    for column, values in wanted.items():
        if column not in leads:
            near = suggest(column, leads.columns) or f"; found {quote_some(leads.columns, most=20)}"
            problems.append(f"only {column}=…: the leads have no column {column!r}{near}")
            continue
        texts = leads[column].astype("str")
        for value in values:
            if not (texts == value).any():
                there = sorted(texts.dropna().unique())
                found = quote_some(there, most=10)
                near = suggest(value, there)
                near = near or suggest(value, [w for name in there for w in name.split()])
                told = f"only {column}={value}: no lead has this value{near}; found {found}"
                problems.append(told)
        keep &= texts.isin(values).to_numpy()
    if problems:
        raise InputError(problems)
    return keep


def _find(journeys: Journeys, settings: Settings) -> Segmentation:
    """Find or read the segments."""
    from funnel_lib.sections.paths.segments import find_segments, read_segments  # scikit-learn

    choice = settings.segments
    if choice == "none":
        return keep_together(journeys)
    if choice != "auto" and not choice.isdigit():
        return read_segments(choice, journeys)
    n_segments = None if choice == "auto" else int(choice)
    return find_segments(journeys, n_segments, pace=settings.pace, seed=settings.seed)
