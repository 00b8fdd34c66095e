"""An audit: everything from the export files to the tables of the report, in one call."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from funnel_lib.core.errors import InputError, Problems, quote_some, suggest
from funnel_lib.core.events import EventLog, check_log, note_checks, show_rows
from funnel_lib.core.groups import Group, Segmentation, keep_together, list_groups
from funnel_lib.core.journeys import Journeys, build_journeys, select_leads
from funnel_lib.core.money import check_amounts
from funnel_lib.core.steps import LANGUAGES, Steps, read_steps
from funnel_lib.core.words import Words, find_language
from funnel_lib.counting.leads import list_leads
from funnel_lib.counting.moves import list_moves
from funnel_lib.counting.reach import check_rule, count_funnel, read_window
from funnel_lib.reading.cells.times import check_time_zone
from funnel_lib.reading.columns import Mapping, read_mapping
from funnel_lib.reading.crm import check_crm
from funnel_lib.reading.export import read_export, read_moment
from funnel_lib.reading.files.tables import find_tables
from funnel_lib.sections.after_sale.count import count_repeats
from funnel_lib.sections.answers.count import count_responses
from funnel_lib.sections.effort.count import count_money, find_money_ranges
from funnel_lib.sections.hypotheses.count import build_hypotheses, check_references, read_references
from funnel_lib.sections.losses.count import count_losses
from funnel_lib.sections.necessity.count import count_necessity
from funnel_lib.sections.open_leads.count import list_open_leads
from funnel_lib.sections.paths.count import (
    compare_traits,
    describe_segments,
    find_examples,
    list_path_steps,
)
from funnel_lib.sections.paths.segments import find_segments, read_segments
from funnel_lib.sections.paths.trust import measure_trust
from funnel_lib.sections.recognition.count import count_recognised, find_parting, measure_facts
from funnel_lib.sections.rules.count import count_rules
from funnel_lib.sections.stages.count import (
    check_pipeline,
    count_pipeline,
    count_reasons,
    count_stage_by_step,
    find_renamed,
    list_stages,
)
from funnel_lib.sections.times.count import (
    count_cohorts,
    count_pace,
    count_standing,
    count_times,
    find_medians,
)
from funnel_lib.settings import FORMATS, Settings, sign


@dataclass(frozen=True)
class Audit:
    """The tables of an audit and what they were made from.

    Attributes
    ----------
    log : the checked event log
    steps : the client's steps
    journeys : the leads' steps, after the choice of leads
    segmentation : the segments
    tables : the tables by name, each a tidy frame (see docs/tables.md)
    settings : as they were given, the time zone as it was found
    """

    log: EventLog
    steps: Steps
    journeys: Journeys
    segmentation: Segmentation
    tables: dict[str, pd.DataFrame]
    settings: Settings

    def words(self, lang: str = "") -> Words:
        """How to write this audit's numbers and steps in a language (see `find_language`)."""
        lang = find_language(lang)
        return Words(lang, self.steps.names(lang), self.settings.time_zone)


@dataclass(frozen=True)
class Inputs:
    """The small files that settings name, read: steps, mapping, references (step → share)."""

    steps: Steps
    mapping: Mapping
    references: dict[str, float]


@sign
def build_audit(events: Settings | str | Path | list[str | Path], **settings: Any) -> Audit:
    """Read an export and count everything the report tells.

    Parameters
    ----------
    events : table files of events, or a folder; or all settings as one `Settings`
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
    inputs = check_inputs(given)
    log = read_log(given, inputs.mapping)
    zone = given.time_zone or inputs.mapping.time_zone or "UTC"
    settings = given.model_copy(update={"time_zone": zone})
    journeys = build_journeys(log, inputs.steps)
    keep = _choose(journeys, settings)
    chosen = journeys if keep.all() else select_leads(journeys, keep)
    segmentation = _find(chosen, settings)
    groups = list_groups(segmentation)
    tables = _count(log, chosen, groups, settings)
    tables |= _price(log, chosen, groups, inputs.references, settings.seed)
    tables |= _portray(chosen, segmentation, settings.seed)
    left_out = journeys.leads.loc[~keep, ["lead_id"]]
    n_steps = len(inputs.steps.steps)
    selection = note_checks([
        ("outside_selection", len(left_out), len(keep), "info", show_rows(left_out)),
        ("draft_steps", n_steps * inputs.steps.draft, n_steps, "warning", settings.steps),
    ])  # fmt: skip
    quality = [check_log(log), check_amounts(chosen.leads), journeys.quality, selection]
    tables["quality"] = pd.concat(quality, ignore_index=True)
    return Audit(log, inputs.steps, chosen, segmentation, tables, settings)


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
    steps = mapping = references = None
    with problems.collecting():
        steps = _read_own_steps(settings.steps)
    with problems.collecting():
        references = read_references(settings.references)
        if steps is not None:
            check_references(references, steps)
    for check in (_check_choices, _check_times, _check_out):
        with problems.collecting():
            check(settings)
    with problems.collecting():
        mapping = check_reading(settings)
    if problems.found and (mapping or not settings.mapping):
        with problems.collecting():
            read_log(settings, mapping or Mapping())
    problems.raise_if_any()
    return Inputs(steps, mapping, references)


def check_reading(settings: Settings) -> Mapping:
    """Check what reading an export takes, and read the mapping."""
    problems, mapping = Problems(), None
    with problems.collecting():
        _check_words(settings)
    with problems.collecting():
        check_crm(settings.crm)
    with problems.collecting():
        check_time_zone(settings.time_zone or "UTC")
    with problems.collecting():
        mapping = read_mapping(settings.mapping) if settings.mapping else Mapping()
    with problems.collecting():
        find_tables([*settings.events, *([settings.leads] if settings.leads else [])])
    problems.raise_if_any()
    return mapping


def _read_own_steps(path: str) -> Steps:
    if not path:
        raise InputError([
            "no steps file; write the client's steps into a steps.yml (see the README) and "
            "give it with --steps"
        ])  # fmt: skip
    return read_steps(path)


def _check_words(settings: Settings) -> None:
    """Refuse a language or a format that there is not."""
    problems = Problems()
    if settings.lang and settings.lang not in LANGUAGES:
        problems.add(f"--lang {settings.lang}: choose {' or '.join(LANGUAGES)}")
    if [f for f in settings.formats if f not in FORMATS]:
        problems.add(f"--formats {','.join(settings.formats)}: choose from {', '.join(FORMATS)}")
    elif "pdf" in settings.formats:
        problems.add("--formats pdf: not built yet; print report.html to PDF in a browser")
    problems.raise_if_any()


def _check_choices(settings: Settings) -> None:
    """Refuse choices that are none."""
    problems = Problems()
    with problems.collecting():
        check_rule(settings.rule)
    choice = settings.segments
    known = choice in ("auto", "none") or (choice.isdigit() and int(choice) > 0)
    if not known and not Path(choice).is_file():
        problems.add(
            f"segments {choice!r}: choose auto, none, how many (1 or more), or a file of segments"
        )
    for condition in settings.only:
        if "=" not in condition:
            problems.add(f"only {condition!r}: write it as COLUMN=VALUE")
    problems.raise_if_any()


def _check_times(settings: Settings) -> None:
    """Refuse windows, zones and days that are none."""
    problems = Problems()
    with problems.collecting():
        read_window(settings.within)
    zone = settings.time_zone or "UTC"
    try:
        check_time_zone(zone)
    except InputError as error:
        problems.found.extend(error.problems)
        zone = "UTC"  # enough to tell what is no day
    for name in ("observed_until", "entered_from", "entered_to"):
        with problems.collecting():
            if day := getattr(settings, name):
                read_moment(day, zone, name)
    problems.raise_if_any()


def _check_out(settings: Settings) -> None:
    if settings.out:
        check_out(settings.out)


def check_out(out: str | Path) -> None:
    """Raise an `InputError` where a report cannot be written."""
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise InputError([f"--out {out}: this is a file; name a folder"])
    there = next(p for p in [out, *out.absolute().parents] if p.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise InputError([f"--out {out}: {there} cannot be written to; name another folder"])


def read_log(settings: Settings, mapping: Mapping) -> EventLog:
    """Read the export that settings name."""
    return read_export(
        list(settings.events),
        settings.leads or None,
        mapping,
        crm=settings.crm,
        time_zone=settings.time_zone or None,
        observed_until=settings.observed_until or None,
        show_names=settings.show_names,
    )


def _choose(journeys: Journeys, settings: Settings) -> np.ndarray:
    """Which leads are of the chosen period and filter, (n_leads,)?"""
    keep = np.ones(len(journeys.leads), bool)
    entered, zone = journeys.leads["entered_at"], settings.time_zone
    if settings.entered_from:
        since = read_moment(settings.entered_from, zone, "entered_from", end_of_day=False)
        keep &= (entered >= since).to_numpy()
    if settings.entered_to:
        keep &= (entered <= read_moment(settings.entered_to, zone, "entered_to")).to_numpy()
    keep &= _fits_only(journeys.leads, settings.only)
    if not keep.any():
        raise InputError(["no lead is left in the chosen period and filter; widen it"])
    return keep


def _fits_only(leads: pd.DataFrame, only: list[str] | tuple[str, ...]) -> np.ndarray:
    wanted: dict[str, list[str]] = {}
    for condition in only:
        column, value = condition.split("=", 1)
        wanted.setdefault(column.strip(), []).append(value.strip())
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
                found = quote_some(sorted(texts.dropna().unique()), most=10)
                problems.append(f"only {column}={value}: no lead has this value; found {found}")
        keep &= texts.isin(values).to_numpy()
    if problems:
        raise InputError(problems)
    return keep


def _find(journeys: Journeys, settings: Settings) -> Segmentation:
    """Find or read the segments."""
    choice = settings.segments
    if choice == "none":
        return keep_together(journeys)
    if choice != "auto" and not choice.isdigit():
        return read_segments(choice, journeys)
    n_segments = None if choice == "auto" else int(choice)
    return find_segments(journeys, n_segments, pace=settings.pace, seed=settings.seed)


def _count(
    log: EventLog, chosen: Journeys, groups: list[Group], settings: Settings
) -> dict[str, pd.DataFrame]:
    """Count every table, for all leads and for each segment in its own funnel."""
    leads, within = list_leads(log, chosen, groups), settings.within
    parts: dict[str, list[pd.DataFrame]] = {}
    for group in groups:
        for name, table in (
            ("funnel", count_funnel(chosen, settings.rule, within, group)),
            ("funnel_rules", count_rules(chosen, within, group)),
            ("losses", count_losses(chosen, group)),
            ("necessity", count_necessity(chosen, group)),
            ("pace", count_pace(chosen, group)),
            ("standing", count_standing(chosen, group)),
            ("times", count_times(chosen, group)),
        ):
            parts.setdefault(name, []).append(table)
    counted = {name: pd.concat(tables, ignore_index=True) for name, tables in parts.items()}
    return counted | {
        "memberships": _list_memberships(leads, groups),
        "leads": leads,
        "open_leads": list_open_leads(log, chosen, leads),
        "time_to": find_medians(counted["times"]),
        "cohorts": count_cohorts(chosen),
        "stages": list_stages(log, chosen, leads),
        "stage_renames": find_renamed(list_moves(log, chosen)),
        "stage_by_step": count_stage_by_step(leads),
        "loss_reasons": count_reasons(leads),
        "pipeline": count_pipeline(log, chosen, within),
        "pipeline_checks": check_pipeline(log, chosen, leads),
    }


def _price(log: EventLog, chosen: Journeys, groups: list[Group], references, seed: int) -> dict:
    """Tell what each segment brings and takes, and what is at stake at each step."""
    return {
        "value": count_money(log, chosen, groups),
        "value_ranges": find_money_ranges(log, chosen, groups, seed),
        "repeats": count_repeats(chosen, groups),
        "responses": count_responses(log, chosen),
        "hypotheses": build_hypotheses(chosen, groups, references, seed),
    }


def _list_memberships(leads: pd.DataFrame, groups: list[Group]) -> pd.DataFrame:
    """How much each lead that entered belongs to each segment; sums to 1 a lead."""
    groups, entered = groups[1:] or groups, leads["segment"].notna().to_numpy()
    member = np.column_stack([g.weigh(len(entered)) for g in groups])[entered]
    return pd.DataFrame({
        "lead_id": leads.loc[entered, "lead_id"].repeat(len(groups)).to_numpy(),
        "segment": np.tile([g.segment for g in groups], len(member)),
        "probability": member.ravel(),
    })  # fmt: skip


def _portray(journeys: Journeys, segmentation: Segmentation, seed: int) -> dict:
    """Describe the segments, and question them where they are new."""
    trust = measure_trust(segmentation, journeys, seed=seed)
    return {
        "segments": describe_segments(journeys, segmentation, trust),
        "segment_choice": trust.choice,
        "segment_paths": list_path_steps(segmentation),
        "segment_parting": find_parting(segmentation),
        "segment_traits": compare_traits(journeys, segmentation),
        "segment_examples": find_examples(journeys, segmentation),
        "segment_facts": measure_facts(journeys, segmentation),
        "segment_recognised": count_recognised(journeys, segmentation),
    }
