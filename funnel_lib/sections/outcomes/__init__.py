"""How many leads came, and what became of them?"""

from funnel_lib.comparing.recording import find_habits
from funnel_lib.counting.leads import list_leads
from funnel_lib.sections.outcomes.tell import tell_outcomes
from funnel_lib.sections.section import Section, Source, Tables, from_tables


def _count(source: Source) -> Tables:
    journeys, segmentation = source.journeys, source.segmentation
    alike = find_habits(journeys, segmentation).placed
    return {"leads": list_leads(source.log, journeys, segmentation, alike)}


OUTCOMES = Section(
    "outcomes",
    tables=("leads",),
    count=_count,
    tell=(from_tables(tell_outcomes, "leads"),),
    has_heading=False,
)
SECTIONS = (OUTCOMES,)
