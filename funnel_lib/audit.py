"""An audit: everything from the export files to the tables of the report, in one call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from funnel_lib.durations import count_pace
from funnel_lib.errors import InputError, Problems, quote_some, suggest
from funnel_lib.events import EventLog, check_log, note_checks, show_rows
from funnel_lib.funnels import check_rule, count_funnel, count_rules, read_window
from funnel_lib.journeys import Journeys, build_journeys, select_leads
from funnel_lib.labels import Words, find_language
from funnel_lib.losses import count_losses, count_necessity, list_leads, list_open_leads
from funnel_lib.readers import Mapping, find_tables, read_export, read_mapping, read_moment
from funnel_lib.readers.values import check_time_zone
from funnel_lib.segments import (
    Group,
    Segmentation,
    describe_segments,
    find_segments,
    list_groups,
    measure_trust,
    name_segments,
    read_segments,
)
from funnel_lib.steps import Steps, read_steps


@dataclass(frozen=True)
class Audit:
    """The tables of an audit and what they were made from.

    Attributes
    ----------
    log : the checked event log
    steps : the client's steps
    journeys : the leads' steps, after the choice of leads
    segmentation : the segments, None where none were asked for
    tables : the tables of the contract by name (see the README), each a tidy frame
    settings : every setting of `build_audit` as it was given
    """

    log: EventLog
    steps: Steps
    journeys: Journeys
    segmentation: Segmentation | None
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
    segments: str = "auto",
    rule: str = "passed",
    within: str | None = None,
    observed_until: str | None = None,
    entered_from: str | None = None,
    entered_to: str | None = None,
    only: list[str] | tuple[str, ...] = (),
    time_zone: str | None = None,
    seed: int = 0,
) -> Audit:
    """Read an export and count everything the report tells.

    Parameters
    ----------
    events : table file of events, several, or a folder
    steps : steps file
    leads, mapping : leads table and mapping file, where there are any
    segments : "auto" (found, as many as there are), "none", how many, or a file of segments kept
        by `write_segments`. Segments are questioned by `measure_trust`.
    rule, within : see `funnels.count_funnel`
    observed_until : day (to its end) or moment of the export; not told, the last moment in the data
    entered_from, entered_to : only leads that entered on these days or between them
    only : ``COLUMN=VALUE`` of the leads; the same column twice means either, two columns mean both
    time_zone : zone of times that carry none
    seed : for what is random: the search of segments among very many variants, their trust

    Raises
    ------
    InputError
        Every problem of the settings and the files at once.

    Examples
    --------
    >>> import tempfile
    >>> from funnel_lib.planted import plant_log, write_planted
    >>> folder = tempfile.mkdtemp()
    >>> write_planted(plant_log("one", 200, seed=1), folder)
    >>> audit = build_audit(f"{folder}/events.csv", leads=f"{folder}/leads.csv",
    ...                     steps=f"{folder}/steps.yml")
    >>> sorted(audit.tables)
    ['funnel', 'funnel_rules', 'leads', 'losses', 'memberships', 'necessity', 'open_leads', 'pace',
     'quality', 'segments']
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
                time_zone=time_zone,
                observed_until=observed_until,
            )
    problems.raise_if_any()
    settings["time_zone"] = time_zone or known_mapping.time_zone or "UTC"
    journeys = build_journeys(log, known_steps)
    keep = _choose(journeys, settings)
    chosen = journeys if keep.all() else select_leads(journeys, keep)
    segmentation, trust = _find(chosen, str(segments), seed)
    groups = list_groups(chosen, segmentation)
    tables = _count(log, chosen, groups, rule, within)
    tables["segments"] = _describe(chosen, segmentation, groups, trust)
    left_out = journeys.leads.loc[~keep, ["lead_id"]]
    selection = note_checks([
        ("outside_selection", len(left_out), len(keep), "info", show_rows(left_out))
    ])  # fmt: skip
    quality = [check_log(log), journeys.quality, selection]
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


def _find(journeys: Journeys, choice: str, seed: int) -> tuple[Segmentation | None, pd.DataFrame]:
    """Find or read the segments, and question them where they are new."""
    if choice == "none":
        return None, pd.DataFrame()
    if choice != "auto" and not choice.isdigit():
        found = read_segments(choice, journeys)
        return found, pd.DataFrame({"stability": np.nan, "trust": ["saved"] * len(found.ids)})
    found = find_segments(journeys, None if choice == "auto" else int(choice), seed=seed)
    return found, measure_trust(found, journeys, seed=seed)


def _count(log: EventLog, chosen: Journeys, groups: list[Group], rule, within) -> dict:
    """Count every table, for all leads and for each segment in its own funnel."""
    leads = list_leads(log, chosen, groups)
    parts: dict[str, list[pd.DataFrame]] = {}
    for group in groups:
        own = {"weights": group.weights, "segment": group.segment}
        path = {"path": group.path, **own}
        for name, table in (
            ("funnel", count_funnel(chosen, rule, within, **path)),
            ("funnel_rules", count_rules(chosen, within, **path)),
            ("losses", count_losses(chosen, optional=group.optional, **path)),
            ("necessity", count_necessity(chosen, **own)),
        ):
            parts.setdefault(name, []).append(table)
    counted = {name: pd.concat(tables, ignore_index=True) for name, tables in parts.items()}
    return counted | {
        "memberships": _list_memberships(leads, groups),
        "leads": leads,
        "open_leads": list_open_leads(log, chosen, leads),
        "pace": count_pace(chosen),
    }


def _list_memberships(leads: pd.DataFrame, groups: list[Group]) -> pd.DataFrame:
    """How much each lead that entered belongs to each segment; sums to 1 a lead."""
    groups, entered = groups[1:] or groups, leads["segment"].notna().to_numpy()
    member = np.column_stack([g.weights for g in groups])[entered]
    return pd.DataFrame({
        "lead_id": leads.loc[entered, "lead_id"].repeat(len(groups)).to_numpy(),
        "segment": np.tile([g.segment for g in groups], len(member)),
        "probability": member.ravel(),
    })  # fmt: skip


def _describe(journeys: Journeys, segmentation, groups: list[Group], trust) -> pd.DataFrame:
    """The segments, or all leads as one, about which nothing was asked."""
    paths = [g.path for g in groups[1:] or groups]
    if len(groups) == 1:
        n_leads = float(journeys.leads["entered_at"].notna().sum())
        table = pd.DataFrame({
            "segment": ["all"], "n_leads": n_leads, "n_undetermined": 0.0,
            "share_of_leads": 1.0 if n_leads else np.nan, "path": " > ".join(paths[0]),
        })  # fmt: skip
        return table.assign(name=name_segments(paths), stability=np.nan, trust="")
    return describe_segments(segmentation).assign(
        name=name_segments(paths), stability=trust["stability"], trust=trust["trust"]
    )
