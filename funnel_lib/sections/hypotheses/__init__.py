"""What to change first, what is it worth, and did it work?"""

from funnel_lib.core.tables import list_columns
from funnel_lib.core.words import Words
from funnel_lib.sections.hypotheses.count import build_hypotheses, read_references
from funnel_lib.sections.hypotheses.plans import list_plans
from funnel_lib.sections.hypotheses.readings import count_trend, read_before_after
from funnel_lib.sections.hypotheses.tell import list_beyond, tell_first, tell_hypotheses, tell_start
from funnel_lib.sections.hypotheses.tell_readings import tell_before_after, tell_split
from funnel_lib.sections.section import Section, Source, Tables, from_tables


def _count(source: Source) -> Tables:
    given = source.settings
    references = read_references(given.references)
    hypotheses = build_hypotheses(
        source.journeys, source.segmentation, references, given.seed, source.tables.get("asks")
    )
    return {"hypotheses": hypotheses}


def _show_cards(source: Source, words: Words):
    hypotheses, segments = source.take_all("hypotheses", "segments")
    if list_beyond(hypotheses).empty:  # the sentence says so
        return None
    from funnel_lib.sections.hypotheses.cards import show_hypotheses

    return show_hypotheses(hypotheses, segments, words)


HYPOTHESES = Section(
    "hypotheses",
    tables=("hypotheses",),
    count=_count,
    title=from_tables(tell_first, "hypotheses", "segments"),
    tell=(
        from_tables(tell_start, "hypotheses", "segments"),
        from_tables(tell_hypotheses, "hypotheses"),
    ),
    draw=_show_cards,
    in_words=True,
    of_steps=True,
)
SECTIONS = (HYPOTHESES,)


def _read_change(source: Source, step: str, changed_at: str, within: str) -> Source:
    given = (step, changed_at, within, source.segmentation)
    tables = {
        "before_after": read_before_after(source.journeys, *given),
        "trend": count_trend(source.journeys, step, within, source.segmentation),
    }
    return source.add(tables)


ASKED = (
    Section(
        "plans",
        tables=("plans",),
        ask=lambda source, plans: source.add({"plans": list_plans(plans)}),
        opens=tuple(list_columns("plans", shown=True)),
    ),
    Section(
        "split",
        tables=("split_reading",),
        ask=lambda source, reading: source.add({"split_reading": reading}),
        tell=(from_tables(tell_split, "split_reading"),),
    ),
    Section(
        "before_after",
        tables=("before_after", "trend"),
        ask=_read_change,
        tell=(from_tables(tell_before_after, "before_after", "trend"),),
    ),
)
