"""What to change first, what is it worth, and did it work?"""

from funnel_lib.core.words import Words
from funnel_lib.sections.hypotheses.count import build_hypotheses, read_references
from funnel_lib.sections.hypotheses.tell import list_beyond, tell_first, tell_hypotheses, tell_start
from funnel_lib.sections.section import Section, Source, Tables, tell_from


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
    title=tell_from(tell_first, "hypotheses", "segments"),
    tell=(
        tell_from(tell_start, "hypotheses", "segments"),
        tell_from(tell_hypotheses, "hypotheses"),
    ),
    draw=_show_cards,
    in_words=True,
    of_steps=True,
)
SECTIONS = (HYPOTHESES,)
