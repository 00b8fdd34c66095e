"""An audit: everything from the export files to the tables of the report, in one call."""

from __future__ import annotations

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
from funnel_lib.core.steps import Steps, read_steps
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
from funnel_lib.sections.effort.count import count_value, find_value_ranges
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


@dataclass(frozen=True)
class Audit:
    """The tables of an audit and what they were made from.

    Attributes
    ----------
    log : the checked event log
    steps : the client's steps
    journeys : the leads' steps, after the choice of leads
    segmentation : the segments
    tables : the tables of the contract by name (see the README), each a tidy frame
    settings : every setting of `build_audit` as it was given
    """

    log: EventLog
    steps: Steps
    journeys: Journeys
    segmentation: Segmentation
    tables: dict[str, pd.DataFrame]
    settings: dict[str, Any]

    def words(self, lang: str = "") -> Words:
        """How to write this audit's numbers and steps in a language (see `find_language`)."""
        lang = find_language(lang)
        return Words(lang, self.steps.names(lang), self.settings["time_zone"])


def build_audit(
    events: str | list[str],
    *,
    steps: str | None,
    leads: str | None = None,
    mapping: str | None = None,
    crm: str = "auto",
    segments: str = "auto",
    pace: bool = False,
    rule: str = "passed",
    within: str | None = None,
    observed_until: str | None = None,
    entered_from: str | None = None,
    entered_to: str | None = None,
    only: list[str] | tuple[str, ...] = (),
    references: list[str] | tuple[str, ...] = (),
    time_zone: str | None = None,
    show_names: bool = False,
    seed: int = 0,
) -> Audit:
    """Read an export and count everything the report tells.

    Parameters
    ----------
    events : table file of events, several, or a folder
    steps : steps file
    leads, mapping : leads table and mapping file, where there are any
    crm, show_names : see `readers.read_export`
    segments : "auto" (found, as many as there are), "none", how many, or a file of segments kept
        by `write_segments`. Segments are questioned by `measure_trust`.
    pace : whether segments may differ by their clients' pace, too
    rule, within : see `reach.count_funnel`
    observed_until : day (to its end) or moment of the export; not told, the last moment in the data
    entered_from, entered_to : only leads that entered on these days or between them
    only : ``COLUMN=VALUE`` of the leads; the same column twice means either, two columns mean both
    references : ``STEP=SHARE``, what share to reach at a step, in place of the best group's; see
        `hypotheses.build_hypotheses`
    time_zone : zone of times that carry none
    seed : for what is random: the search of segments among very many variants, their trust, ranges

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
    >>> sorted(audit.tables)
    ['cohorts', 'funnel', 'funnel_rules', 'hypotheses', 'leads', 'loss_reasons', 'losses',
     'memberships', 'necessity', 'open_leads', 'pace', 'pipeline', 'pipeline_checks', 'quality',
     'repeats', 'responses', 'segment_choice', 'segment_examples', 'segment_facts',
     'segment_parting', 'segment_paths', 'segment_recognised', 'segment_traits', 'segments',
     'stage_by_step', 'stage_renames', 'stages', 'standing', 'time_to', 'times', 'value',
     'value_ranges']
    """
    settings = dict(locals())
    problems = Problems()
    known_steps, known_mapping = _check_settings(settings, problems)
    log = None
    paths = [events] if isinstance(events, str | Path) else list(events)
    with problems.collecting():
        if known_mapping is None:
            find_tables([*paths, *([leads] if leads else [])])
        else:
            log = read_export(
                paths,
                leads or None,
                known_mapping,
                crm=crm,
                time_zone=time_zone,
                observed_until=observed_until,
                show_names=show_names,
            )
    problems.raise_if_any()
    settings["time_zone"] = time_zone or known_mapping.time_zone or "UTC"
    journeys = build_journeys(log, known_steps)
    keep = _choose(journeys, settings)
    chosen = journeys if keep.all() else select_leads(journeys, keep)
    segmentation = _find(chosen, str(segments), pace, seed)
    groups = list_groups(segmentation)
    tables = _count(log, chosen, groups, rule, within)
    tables |= _price(log, chosen, groups, read_references(references), seed)
    tables |= _portray(chosen, segmentation, seed)
    left_out = journeys.leads.loc[~keep, ["lead_id"]]
    n_steps = len(known_steps.steps)
    selection = note_checks([
        ("outside_selection", len(left_out), len(keep), "info", show_rows(left_out)),
        ("draft_steps", n_steps * known_steps.draft, n_steps, "warning", str(steps)),
    ])  # fmt: skip
    quality = [check_log(log), check_amounts(chosen.leads), journeys.quality, selection]
    tables["quality"] = pd.concat(quality, ignore_index=True)
    return Audit(log, known_steps, chosen, segmentation, tables, settings)


def _check_settings(settings: dict, problems: Problems) -> tuple[Steps | None, Mapping | None]:
    """Check what can be checked before any table is read."""
    steps, mapping = None, None
    with problems.collecting():
        if not settings["steps"]:
            raise InputError([
                "no steps file; write the client's steps into a steps.yml (see the README) and "
                "give it with --steps"
            ])  # fmt: skip
        steps = read_steps(settings["steps"])
    with problems.collecting():
        mapping = read_mapping(settings["mapping"]) if settings["mapping"] else Mapping()
    with problems.collecting():
        check_crm(settings["crm"])
    with problems.collecting():
        check_rule(settings["rule"])
    with problems.collecting():
        read_window(settings["within"])
    segments = str(settings["segments"])
    known = segments in ("auto", "none") or (segments.isdigit() and int(segments) > 0)
    if not known and not Path(segments).is_file():
        problems.add(
            f"segments {segments!r}: choose auto, none, how many (1 or more), or a file of segments"
        )
    zone = settings["time_zone"] or "UTC"
    with problems.collecting():
        check_time_zone(zone)
        for name in ("observed_until", "entered_from", "entered_to"):
            with problems.collecting():
                if settings[name]:
                    read_moment(settings[name], zone, name)
    with problems.collecting():
        references = read_references(settings["references"])
        if steps is not None:
            check_references(references, steps)
    for condition in settings["only"]:
        if "=" not in condition:
            problems.add(f"only {condition!r}: write it as COLUMN=VALUE")
    return steps, mapping


def _choose(journeys: Journeys, settings: dict) -> np.ndarray:
    """Which leads are of the chosen period and filter, (n_leads,)?"""
    keep = np.ones(len(journeys.leads), bool)
    entered, zone = journeys.leads["entered_at"], settings["time_zone"]
    if settings["entered_from"]:
        since = read_moment(settings["entered_from"], zone, "entered_from", end_of_day=False)
        keep &= (entered >= since).to_numpy()
    if settings["entered_to"]:
        keep &= (entered <= read_moment(settings["entered_to"], zone, "entered_to")).to_numpy()
    keep &= _fits_only(journeys.leads, settings["only"])
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


def _find(journeys: Journeys, choice: str, pace: bool, seed: int) -> Segmentation:
    """Find or read the segments."""
    if choice == "none":
        return keep_together(journeys)
    if choice != "auto" and not choice.isdigit():
        return read_segments(choice, journeys)
    return find_segments(journeys, None if choice == "auto" else int(choice), pace=pace, seed=seed)


def _count(log: EventLog, chosen: Journeys, groups: list[Group], rule, within) -> dict:
    """Count every table, for all leads and for each segment in its own funnel."""
    leads = list_leads(log, chosen, groups)
    parts: dict[str, list[pd.DataFrame]] = {}
    for group in groups:
        for name, table in (
            ("funnel", count_funnel(chosen, rule, within, group)),
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
        "value": count_value(log, chosen, groups),
        "value_ranges": find_value_ranges(log, chosen, groups, seed),
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
