"""Which steps do clients take, and where does the funnel narrow?"""

from functools import partial

from funnel_lib.counting.reach import count_funnel
from funnel_lib.sections.funnel.tell import tell_funnel
from funnel_lib.sections.section import Section, Source, Tables, from_tables


def _count(source: Source) -> Tables:
    given = source.settings
    count = partial(count_funnel, source.journeys, given.rule, given.within)
    return {"funnel": source.count_each(count)}


FUNNEL = Section(
    "funnel",
    tables=("funnel",),
    count=_count,
    tell=(from_tables(tell_funnel, "funnel"),),
    draw=from_tables("drawing.funnels.plot_funnel", "funnel"),
)
SECTIONS = (FUNNEL,)
