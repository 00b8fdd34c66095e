"""How many leads came, and what became of them?"""

from funnel_lib.counting.leads import list_leads
from funnel_lib.sections.outcomes.tell import tell_outcomes
from funnel_lib.sections.section import Section, Source, Tables


def _count(source: Source) -> Tables:
    return {"leads": list_leads(source.log, source.journeys, source.all_groups)}


OUTCOMES = Section(
    "outcomes",
    tables=("leads",),
    count=_count,
    tell=lambda source, words: tell_outcomes(source.tables["leads"], words),
    has_heading=False,
)
SECTIONS = (OUTCOMES,)
