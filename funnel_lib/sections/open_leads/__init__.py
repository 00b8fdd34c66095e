"""Which open leads wait for a proposal?"""

from funnel_lib.sections.open_leads.count import list_open_leads
from funnel_lib.sections.open_leads.tell import tell_open_leads
from funnel_lib.sections.section import Section, Source, Tables


def _count(source: Source) -> Tables:
    return {"open_leads": list_open_leads(source.log, source.journeys, source.tables["leads"])}


OPEN_LEADS = Section(
    "open_leads",
    tables=("open_leads",),
    count=_count,
    tell=lambda source, words: tell_open_leads(source.tables["open_leads"], words),
    is_list=True,
)
SECTIONS = (OPEN_LEADS,)
