"""How far can the data be trusted, and what does the report not say?"""

import pandas as pd

from funnel_lib.comparing.recording import find_habits
from funnel_lib.core.events import note_checks, show_rows
from funnel_lib.core.words import Words
from funnel_lib.counting.checks import (
    check_asks,
    check_cuts,
    check_log,
    find_uncut,
    list_cuts,
)
from funnel_lib.counting.duplicates import check_duplicates, find_second_entries
from funnel_lib.counting.money import check_amounts
from funnel_lib.reading.privacy import show_place
from funnel_lib.sections.quality.exports import tell_sources
from funnel_lib.sections.quality.tell import (
    tell_assumed,
    tell_limits,
    tell_merged,
    tell_quality,
    tell_unseen,
)
from funnel_lib.sections.section import Section, Source, Tables


def _count(source: Source) -> Tables:
    left_out, n_leads = source.left_out, len(source.journeys.leads) + len(source.left_out)
    n_steps, steps_file = len(source.steps.steps), source.settings.steps
    chosen = note_checks([
        ("outside_selection", len(left_out), n_leads, "info", show_rows(left_out)),
        ("draft_steps", n_steps * source.steps.draft, n_steps, "warning", show_place(steps_file)),
        ("recording_habits", *_count_habits(source)),
    ])  # fmt: skip
    amounts = check_amounts(source.journeys.leads)
    asks = check_asks(source.log, source.steps, steps_file)
    cuts = check_cuts(list_cuts(source.journeys), source.journeys.leads)
    twice = check_duplicates(source.journeys)
    found = [check_log(source.log), cuts, twice, amounts, source.journeys.quality, asks, chosen]
    return {"quality": pd.concat(found, ignore_index=True)}


def _count_habits(source: Source) -> tuple[int, int, str, str]:
    """How many leads are of managers, teams or sources that record otherwise, and who these are."""
    habits = find_habits(source.journeys, source.segmentation)
    named = [f"{kind}={name}" for kind, names in habits.barred.items() for name in sorted(names)]
    n_leads = len(source.journeys.leads)
    told = ~find_uncut(source.journeys) | find_second_entries(source.journeys)
    n = (~habits.comparable & ~told).sum()  # the others are told as cut, or entered twice
    return n, n_leads, "warning", "; ".join(named)


def _tell(source: Source, words: Words) -> str:
    rows = source.log.rows_read
    return tell_quality(source.tables["quality"], rows, rows - len(source.log.events), words)


def _tell_limits(source: Source, words: Words) -> list[str]:
    log, tables = source.log, source.tables
    return [
        *tell_limits(tables["leads"], tables["quality"], words),
        *tell_assumed(log.assumed, log.observed_until, words),
        *tell_sources(log, words),
    ]


QUALITY = Section(
    "quality",
    tables=("quality",),
    count=_count,
    tell=(
        _tell,
        lambda s, words: tell_merged(s.log, s.unmerged, s.journeys.leads, words),
        lambda s, words: tell_unseen(s.tables["leads"], s.journeys, words),
    ),
)
LIMITS = Section("limits", tell=(_tell_limits,), kind="limits")
SECTIONS = (QUALITY, LIMITS)
