"""How many leads came, and what became of them?"""

from funnel_lib.counting.leads import list_leads
from funnel_lib.sections.outcomes.tell import tell_outcomes
from funnel_lib.sections.section import Section, tell_from

OUTCOMES = Section(
    "outcomes",
    tables=("leads",),
    count=lambda source: {"leads": list_leads(source.log, source.journeys, source.segmentation)},
    tell=(tell_from(tell_outcomes, "leads"),),
    has_heading=False,
)
SECTIONS = (OUTCOMES,)
