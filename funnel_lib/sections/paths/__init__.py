"""Do different clients take different paths, which ones, and are the segments to be trusted?"""

from dataclasses import replace

import pandas as pd

from funnel_lib.comparing.recording import find_habits
from funnel_lib.core.groups import Segmentation
from funnel_lib.core.tables import list_columns
from funnel_lib.core.words import Words, join_sentences
from funnel_lib.sections.paths.count import (
    compare_traits,
    count_own_steps,
    describe_segments,
    find_examples,
    list_memberships,
    list_path_steps,
    list_sequences,
)
from funnel_lib.sections.paths.tell import (
    tell_blocks,
    tell_choice,
    tell_fit,
    tell_likeness,
    tell_nats,
    tell_number,
    tell_recoded,
    tell_segments,
)
from funnel_lib.sections.paths.trust import measure_trust, question_habits
from funnel_lib.sections.section import Section, Source, Tables, choose_rows, from_tables


def _count(source: Source) -> Tables:
    journeys, found = source.journeys, source.segmentation
    trust = measure_trust(found, journeys, seed=source.settings.seed)
    trust = question_habits(trust, find_habits(journeys, found))
    return {
        "segments": describe_segments(journeys, found, trust, source.settings.drop_out_gap),
        "memberships": list_memberships(journeys, source.all_groups),
        "segment_paths": list_path_steps(found),
        "segment_traits": compare_traits(journeys, found),
        "segment_examples": find_examples(journeys, found),
        "segment_choice": trust.choice,
        "segment_fit": trust.fit.fit,
        "segment_recoded": trust.fit.recoded,
        "segment_mix": trust.fit.mix,
    }


def _tell(source: Source, words: Words) -> str:
    return join_sentences(
        tell_segments(source.tables["segments"], words, source.segmentation.why_not),
        not source.segmentation.has_no_path
        and tell_blocks(source.tables["segment_recoded"], words),
        tell_fit(source.tables["segment_fit"], source.tables["segment_mix"], words),
    )


def _tell_choice(source: Source, words: Words) -> str:
    return join_sentences(
        tell_choice(source.tables["segment_choice"], source.segmentation, words),
        tell_nats(source.tables["segment_fit"], words),
        tell_recoded(source.tables["segment_recoded"], words),
    )


def _show_cards(source: Source, words: Words):
    from funnel_lib.sections.paths.cards import show_cards

    steps = count_own_steps(source.journeys, source.segmentation)
    return show_cards(source.tables, steps, source.settings.drop_out_gap, words)


def _show_sequences(source: Source, words: Words):
    from funnel_lib.sections.paths.draw import show_sequences

    return show_sequences(list_sequences(source.journeys), words)


def _choose(source: Source, segment: str = "", status: str = "") -> pd.DataFrame:
    """Leads by the segment that they are most probably of, and by outcome."""
    return choose_rows(source.tables["leads"], segment=segment, status=status)


def _look_at(source: Source, found: Segmentation) -> Source:
    """The same leads in other segments."""
    other = replace(source, segmentation=found)
    return other.add(_count(other))


def _measure_likeness(source: Source, found: Segmentation | None = None) -> Source:
    """How like are these segments to how leads ended, and how far they came?"""
    from funnel_lib.sections.paths.clusters import measure_likeness

    likeness = measure_likeness(source.journeys, found or source.segmentation)
    return source.add({"likeness": likeness})


PATHS = Section(
    "paths",
    tables=(
        "segments", "memberships", "segment_paths", "segment_traits", "segment_examples",
        "segment_choice", "segment_fit", "segment_recoded", "segment_mix",
    ),
    count=_count,
    title=from_tables(tell_number, "segments"),
    tell=(_tell,),
    draw=_show_cards,
    in_words=True,
    shows=("segments",),
    # by name: their ids are for machines
    label=lambda source, words: {"segments": source.tables["segments"].drop(columns="segment")},
    list_leads=_choose,
    ask=_look_at,
)  # fmt: skip
CHOICE = Section(
    "choice",
    tell=(_tell_choice,),
    shows=("segment_choice", "segment_fit"),
    parts=(Section("sequences", draw=_show_sequences, in_words=True),),
)
SECTIONS = (PATHS, CHOICE)


def _list_shown(name: str) -> Section:
    """A section that shows a table of the segments, which stands open."""
    return Section(name, shows=(name,), opens=tuple(list_columns(name, shown=True)))


ASKED = (
    *map(_list_shown, ("segment_paths", "segment_traits", "segment_examples")),
    Section(
        "likeness",
        tables=("likeness",),
        ask=_measure_likeness,
        tell=(from_tables(tell_likeness, "likeness"),),
        opens=tuple(list_columns("likeness", shown=True)),
    ),
)
