"""Which steps do clients take, and where does the funnel narrow?"""

from funnel_lib.counting.reach import count_funnel
from funnel_lib.sections.funnel.tell import tell_funnel
from funnel_lib.sections.section import Section, Source, Tables, from_tables


def _count(source: Source) -> Tables:
    given = source.settings
    return {"funnel": source.count_each(
        lambda group: count_funnel(source.journeys, given.rule, given.within, group)
    )}  # fmt: skip


FUNNEL = Section(
    "funnel",
    tables=("funnel",),
    count=_count,
    tell=(from_tables(tell_funnel, "funnel"),),
    draw=from_tables("drawing.funnels.plot_funnel", "funnel"),
)
SECTIONS = (FUNNEL,)
