"""What to change first, what is it worth, and did it work?"""

from funnel_lib.core.words import Words
from funnel_lib.sections.hypotheses.count import build_hypotheses, read_references
from funnel_lib.sections.hypotheses.tell import tell_hypotheses
from funnel_lib.sections.section import Section, Source, Tables


def _count(source: Source) -> Tables:
    given = source.settings
    references = read_references(given.references)
    return {
        "hypotheses": build_hypotheses(source.journeys, source.all_groups, references, given.seed)
    }


def _draw(source: Source, words: Words):
    from funnel_lib.sections.hypotheses.cards import show_hypotheses

    return show_hypotheses(source.tables["hypotheses"], source.tables["segments"], words)


HYPOTHESES = Section(
    "hypotheses",
    tables=("hypotheses",),
    count=_count,
    tell=lambda source, words: tell_hypotheses(source.tables["hypotheses"], words),
    draw=_draw,
)
SECTIONS = (HYPOTHESES,)
