"""Which open leads wait for a proposal?"""

import pandas as pd

from funnel_lib.sections.open_leads.count import list_open_leads
from funnel_lib.sections.open_leads.tell import tell_open_leads, tell_waiting
from funnel_lib.sections.section import Section, Source, Tables, choose_rows, from_tables


def _count(source: Source) -> Tables:
    leads = source.tables["leads"]
    found = list_open_leads(source.log, source.journeys, leads, source.segmentation)
    return {"open_leads": found}


def _choose(source: Source, step: str = "", asked: str = "", manager: str = "") -> pd.DataFrame:
    """Open leads by their next step, by whether it was proposed, and by manager."""
    rows = source.tables["open_leads"]
    return choose_rows(rows, next_step=step, asked=asked, manager=manager)


OPEN_LEADS = Section(
    "open_leads",
    tables=("open_leads",),
    count=_count,
    title=from_tables(tell_waiting, "open_leads"),
    tell=(from_tables(tell_open_leads, "open_leads"),),
    list_leads=_choose,
    is_list=True,
    opens=("lead_id", "next_step", "days_silent", "overdue", "stage", "manager", "amount"),
)
SECTIONS = (OPEN_LEADS,)
