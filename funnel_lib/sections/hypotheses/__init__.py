"""What to change first, what is it worth, and did it work?"""

from funnel_lib.sections.hypotheses.count import build_hypotheses, read_references
from funnel_lib.sections.hypotheses.tell import tell_hypotheses
from funnel_lib.sections.section import Section, Source, Tables, draw_from, tell_from


def _count(source: Source) -> Tables:
    given = source.settings
    references = read_references(given.references)
    hypotheses = build_hypotheses(source.journeys, source.all_groups, references, given.seed)
    return {"hypotheses": hypotheses}


HYPOTHESES = Section(
    "hypotheses",
    tables=("hypotheses",),
    count=_count,
    tell=(tell_from(tell_hypotheses, "hypotheses"),),
    draw=draw_from("sections.hypotheses.cards.show_hypotheses", "hypotheses", "segments"),
)
SECTIONS = (HYPOTHESES,)
